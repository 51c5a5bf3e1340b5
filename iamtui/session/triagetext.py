"""A triage as text: sections of lines for a screen, a terminal and a ticket, and as JSON."""

from __future__ import annotations

from typing import Any

from ..analysis.event_columns import actor_words, short_target
from ..model.event import Event
from .noticing import noticed_lines, noticed_object
from .triage import Triage, by_name, moments_words

Section = tuple[str, list[str]]
"""(heading, lines); the text is not yet safe for a terminal."""


def sections(found: Triage) -> list[Section]:
    """The answer in the order an engineer asks: what, who, usual, around, could, changed, now."""
    alert, event = found.alert, found.event
    made: list[Section] = []
    told = [f"{alert.kind}: {alert.title}" if alert.title else alert.kind]
    if alert.words and alert.words != alert.title:
        told.append(alert.words)
    where = [alert.severity, f"{alert.at:%Y-%m-%d %H:%M:%S} UTC" if alert.at else "", alert.account, alert.region]
    if any(where):
        told.append(" · ".join(part for part in where if part))
    made.append(("Alert", told))
    made.append(("Who", _who(found)))
    if event is not None:
        made.append(("What", _what(found, event)))
        made.append(("Is it usual?", list(found.usual)))
    if found.around:
        made.append(("What stands out around it", moments_words(found.around)))
    if found.could:
        made.append(("What they could do", list(found.could)))
    if found.who is not None:
        lines = [event_line(change) for change in found.changed]
        made.append(("Changed in the 30 days before", lines or ["nothing, among the events that were read"]))
    if found.alarms:
        made.append(("Alarms and rules", [line for one in found.alarms for line in noticed_lines(one)]))
    if found.steps:
        made.append(
            ("Now (text to copy; iamtui changes nothing)", [line for what, command in found.steps for line in (f"# {what}", command)])
        )
    if found.unknown:
        made.append(("Not known", list(found.unknown)))
    return made


def _who(found: Triage) -> list[str]:
    lines = []
    if found.who is not None:
        lines.append(f"{type(found.who.item).__name__.lower()} {found.who.item.name}  {getattr(found.who.item, 'arn', '')}")
    elif found.event is not None:
        lines.append(f"{actor_words(found.event)} ({found.event.actor.kind.value})  {found.event.actor.arn}".strip())
    else:
        lines.extend(f"{clue.kind.value} {clue.value}" for clue in found.alert.clues[:4])
    chain = found.chain
    if chain is not None:
        lines.append(f"behind it: {chain.words}" + (f", told by {chain.concluded}" if chain.concluded else ""))
        for link in chain.links:
            when = f" at {link.made.time:%Y-%m-%d %H:%M:%S}" if link.made.time else ""
            lines.append(
                f"  session by {actor_words(link.made)}{when}, {link.made.name}" + (f" from {link.made.ip}" if link.made.ip else "")
            )
        if chain.hint:
            lines.append(f"  no proof: {chain.hint}")
    return lines


def _what(found: Triage, event: Event) -> list[str]:
    lines, weight = [event_line(event)], found.weight
    if weight is not None and weight.severity is not None:
        lines.append(f"{weight.severity.value}: {'; '.join(weight.why)}" + (f" (ATT&CK: {weight.tactic})" if weight.tactic else ""))
    if event.targets:
        lines.append(f"on {', '.join(event.targets[:4])}")
    lines.append(f"from {event.ip or 'no address'} with {event.user_agent or 'no user agent'}")
    if found.found > 1:
        lines.append(f"the latest of {found.found:,} events: {by_name(found.matches)}{' …' if found.found > len(found.matches) else ''}")
    return lines


def event_line(event: Event) -> str:
    """`2026-11-18 02:05:12  AttachUserPolicy success  ci-runner → svc-monitoring`."""
    when = f"{event.time:%Y-%m-%d %H:%M:%S}" if event.time else "no time"
    target = f" → {short_target(event.targets[0])}" if event.targets else ""
    return f"{when}  {event.name} {event.outcome.value}  {actor_words(event)}{target}"


def triage_object(found: Triage) -> dict[str, Any]:
    """The answer as JSON."""
    chain, event = found.chain, found.event
    return {
        "alert": {
            "kind": found.alert.kind,
            "title": found.alert.title,
            "description": found.alert.words,
            "severity": found.alert.severity,
            "at": found.alert.at,
            "account": found.alert.account,
            "region": found.alert.region,
            "clues": [{"kind": clue.kind.value, "value": clue.value} for clue in found.alert.clues],
        },
        "identity": getattr(found.who.item, "arn", "") if found.who is not None else None,
        "behind": None
        if chain is None
        else {
            "words": chain.words,
            "what": chain.behind.value,
            "name": chain.name,
            "told_by": chain.concluded,
            "missing": chain.missing,
            "sessions": [link.made.event_id for link in chain.links],
        },
        "event": None
        if event is None
        else {
            "id": event.event_id,
            "name": event.name,
            "at": event.time,
            "outcome": event.outcome.value,
            "ip": event.ip,
            "targets": event.targets,
        },
        "events": found.found,
        "usual": found.usual,
        "around": moments_words(found.around),
        "could": found.could,
        "changed": [{"id": e.event_id, "words": event_line(e)} for e in found.changed],
        "alarms": [noticed_object(one) for one in found.alarms],
        "steps": [{"what": what, "command": command} for what, command in found.steps],
        "unknown": found.unknown,
    }
