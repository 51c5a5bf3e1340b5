"""`iamtui watch`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any

import msgspec

from ..analysis.event_columns import actor_words, short_target
from ..errors import Exit
from ..model.finding import Severity
from ..session.watching import Seen, Trouble, wait
from ..text import inert_json, visible
from .opening import open_session, settings_of
from .output import data, words

_ORDER = {severity.value: severity.rank for severity in Severity}


def watch(options: Mapping[str, Any], filter_text: str, form: str, *, every: int, ring: str, looks: int) -> int:
    """Print new events as they arrive, one a line, until interrupted. `ring`: the least class that rings, "" for none; `looks`: how often
    to look, 0 for ever."""
    session = open_session(options, settings_of(options))
    session.open()
    watching = session.watch(filter_text)
    stopped = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    before = signal.signal(signal.SIGINT, stop)
    count = done = troubles = 0
    words(f"Watching {session.info.kind}{' for ' + filter_text if filter_text else ''}, every {every} s; ctrl+c ends")
    try:
        while not stopped:
            for item in watching.look(lambda: stopped):
                if isinstance(item, Trouble):
                    words(item.words)
                    troubles += 1
                    continue
                count += 1
                data(_line(item, form))
                if ring and item.weight.severity is not None and item.weight.severity.rank <= _ORDER[ring]:
                    _ring(item)
            sys.stdout.flush()
            done += 1
            if looks and done >= looks:
                break
            wait(every, lambda: stopped)
    finally:
        signal.signal(signal.SIGINT, before)
    words(f"{count:,} events in {done:,} looks")
    return int(Exit.PARTIAL if troubles else Exit.FINE)


def _line(seen: Seen, form: str) -> str:
    event, weight = seen.event, seen.weight
    severity = weight.severity.value if weight.severity else ""
    if form == "json":
        told = {
            "time": event.time,
            "class": severity,
            "why": weight.why,
            "actor": actor_words(event),
            "actor-arn": event.actor.arn,
            "event": event.name,
            "outcome": event.outcome.value,
            "targets": event.targets,
            "origin": event.ip,
            "region": event.region,
            "account": event.account,
            "event-id": event.event_id,
        }
        return inert_json(msgspec.json.encode(told).decode()) + "\n"
    when = f"{event.time:%Y-%m-%d %H:%M:%S}" if event.time else "no time"
    target = f" {short_target(event.targets[0])}" if event.targets else ""
    why = f"  ({weight.why[0]})" if weight.why and weight.severity in (Severity.HIGH, Severity.CRITICAL) else ""
    text = f"{when}  {severity:8}  {actor_words(event)}  {event.name}{target}  {event.outcome.value}  {event.ip} {event.region}{why}"
    return visible(text) + "\n"


def _ring(seen: Seen) -> None:
    """The terminal's bell, and a notification where it knows OSC 9. Text of the account is cut and made harmless first."""
    if sys.stderr.isatty():
        words_ = visible(f"{seen.event.name} by {actor_words(seen.event)}")[:120].replace(";", ",")
        sys.stderr.write(f"\a\033]9;iamtui: {words_}\a")
        sys.stderr.flush()
