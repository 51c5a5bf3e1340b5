"""What was covered of CloudTrail, as windows: of what an earlier run kept, and of a reading that has ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from ..analysis.activity import session_keys
from ..analysis.words import relative
from ..model.coverage import Coverage, moment, second
from ..model.event import Window, WindowState
from ..model.identity import Role
from ..source.base import EventQuery, SourceInfo
from ..source.lookup import first_attributes
from .answers import Row
from .eventlog import EventLog

FRESH = timedelta(hours=1, minutes=15)
"""Up to when kept events count as all there are: an hour, like the lists, after the quarter in which events still arrive."""

MOST_SESSIONS = 40

_MOVING = (WindowState.RUNNING, WindowState.THROTTLED)


def kept_windows(coverage: Coverage, info: SourceInfo, now: datetime) -> tuple[Window, ...]:
    """Windows of the whole account, and of event sources that were read further than everything was."""
    found: list[Window] = []
    regions = {(account, region) for account, region, asked in coverage.parts if not asked or asked.startswith("EventSource=")}
    for account, region in sorted(regions, key=lambda key: (key[0], key[1] != "us-east-1", key[1])):
        whole = _window(coverage, account, region, "", info.days, now)
        found.append(whole)
        for _, _, asked in sorted(key for key in coverage.parts if key[:2] == (account, region) and key[2].startswith("EventSource=")):
            part = _window(coverage, account, region, asked, info.days, now)
            if part.since is not None and (whole.since is None or part.since < whole.since):
                found.append(part)
    known = {window.region for window in found}
    if found:
        found += [Window(region, WindowState.PARTIAL, reason="not read yet") for region in info.regions if region not in known]
    return tuple(found)


def kept_windows_of(coverage: Coverage, query: EventQuery, account: str, info: SourceInfo, now: datetime) -> tuple[Window, ...]:
    """Windows of one identity's questions, in the Regions in which any was asked."""
    questions = [(attribute.words, attribute.made) for attribute in first_attributes(query)]
    asked = {words for words, made in questions if made is None}
    regions = sorted({region for owner, region, words in coverage.parts if owner == account and words in asked})
    return tuple(
        _window(coverage, account, region, words, info.days, now) for region in regions for words, made in questions if made is None
    )


def query_of(row: Row, log: EventLog, info: SourceInfo) -> EventQuery:
    """How to ask for what an identity did and what was done to it, with the keys that are known so far to be its."""
    item = row.item
    arn, name = getattr(item, "arn", ""), getattr(item, "name", "")
    keys = tuple(key.key_id for key in row.snapshot.access_keys.get(arn, ()))
    sessions: dict[str, datetime] = {}
    if isinstance(item, Role):
        events = log.newest_first()
        handed = session_keys(events, item)
        for event in events if handed else ():
            if event.session_key_id in handed and event.time is not None and len(sessions) < MOST_SESSIONS:
                sessions.setdefault(event.session_key_id, event.time)
    return EventQuery(actor_arn=arn, actor_name=name, key_ids=keys, regions=info.regions, sessions=tuple(sessions.items()))


def _window(coverage: Coverage, account: str, region: str, asked: str, days: int, now: datetime) -> Window:
    spans = coverage.spans(account, region, asked)
    if not spans.parts:
        return Window(region, WindowState.PARTIAL, reason="not read yet", asked=asked)
    newest, begin = spans.parts[-1][1], second(now - timedelta(days=days))
    reached = spans.reach(begin, newest) if begin <= newest else newest
    until = moment(newest)
    fresh = now - until <= FRESH
    state = WindowState.COVERED if fresh and reached <= begin else WindowState.PARTIAL
    reason = f"as of {relative(until, now)} ago" if not fresh else "read before"
    holes = len(spans.missing(begin, newest)) - 1 if reached > begin else 0
    if holes > 0:
        reason += f", with {holes} older {'gap' if holes == 1 else 'gaps'}"
    return Window(region, state, moment(max(reached, begin)), until, reason, asked=asked)


def ended(windows: Iterable[Window]) -> tuple[Window, ...]:
    """Windows when nobody reads any more: what still ran was stopped, and what was asked for by itself where everything was read
    since says nothing more."""
    told = [
        msgspec.structs.replace(w, state=WindowState.PARTIAL, reason="stopped", rate=0.0, left=None) if w.state in _MOVING else w
        for w in windows
    ]
    whole = {w.region for w in told if not w.asked and w.state is WindowState.COVERED}
    return tuple(w for w in told if not w.asked or w.region not in whole)
