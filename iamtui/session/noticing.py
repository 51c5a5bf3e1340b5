"""Triage's alarms: what would be told of an event, or was, to whom; and what an alarm that goes off was raised by."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from ..analysis.alarms.links import Standing, Way
from ..model.alert import Alert
from ..model.event import Event
from ..model.guards import Alarm, AlarmChange

if TYPE_CHECKING:
    from .facade import Session

_MOST = 6
_BEFORE, _AFTER = timedelta(minutes=30), timedelta(minutes=5)
"""An alarm goes off minutes after what raises it: a trail delivers late, and a period must end."""
_NEAR, _JUST = timedelta(minutes=30), timedelta(minutes=1)
ALARM_ALERT = "CloudWatch alarm"


class Noticed(msgspec.Struct, frozen=True):
    """One alarm or rule.

    named:   whether the alert itself names it; else it finds the event
    state:   the alarm's state, a rule's, "" when not read
    whole:   ok, broken, cannot be told: whether somebody hears
    fault:   what is broken or cannot be told
    then:    its changes around the event or the alert, the earliest first; () where no history is on hand
    history: whether its history is on hand
    """

    kind: str
    name: str
    named: bool
    state: str
    whole: str
    hears: tuple[str, ...] = ()
    fault: str = ""
    unless: tuple[str, ...] = ()
    then: tuple[AlarmChange, ...] = ()
    history: bool = False


def noticed(session: Session, alert: Alert, event: Event | None, unknown: list[str]) -> tuple[Noticed, ...]:
    """Alarms and rules for an alert and its event. What was not read is added to `unknown`. Asks for histories: for a worker."""
    for _ in session.load_guards() if session.info.kind != "live" else ():
        pass
    if not any(guards.read for guards in session.guards()):
        unknown.append("trails, alarms and rules were not read: who is told of it is not known")
        return ()
    at = event.time if event is not None and event.time is not None else alert.at
    found: list[Noticed] = []
    named = session.alarm(alert.title) if alert.kind == ALARM_ALERT else None
    ways = session.ways_of(event) if event is not None else ()
    if named is not None and not any(way.alarm == named.arn for way in ways):
        found.append(_named(session, named, at))
    elif alert.kind == ALARM_ALERT and named is None:
        unknown.append(f"the alarm {alert.title} is not among those that were read")
    for way in ways[:_MOST]:
        found.append(_of_way(session, way, named is not None and way.alarm == named.arn, at))
    return tuple(found)


def _of_way(session: Session, way: Way, named: bool, at: datetime | None) -> Noticed:
    alarm = session.alarm(way.alarm) if way.alarm else None
    link = way.fault
    fault = f"{link.what} {link.name} {link.words}" if link is not None else ""
    hears = tuple(hearer.words for hearer in way.hearers) if way.standing is Standing.OK else ()
    then, history = _then(session, alarm, at)
    state = alarm.state if alarm is not None else ""
    return Noticed(way.kind, way.name, named, state, way.standing.value, hears, fault, way.unless, then, history)


def _named(session: Session, alarm: Alarm, at: datetime | None) -> Noticed:
    """An alarm the alert names and no event on hand leads to."""
    from ..analysis.alarms.hearing import ear_of

    guards = next(one for one in session.guards() if alarm.arn in one.alarms)
    ears = [ear_of(action, guards) for action in alarm.actions] if alarm.actions_enabled else []
    hears = tuple(dict.fromkeys(hearer.words for ear in ears for hearer in ear.hearers))
    fault = "" if hears else "its actions are disabled" if alarm.actions and not alarm.actions_enabled else "it tells nobody"
    then, history = _then(session, alarm, at)
    return Noticed(
        "alarm", alarm.name, True, alarm.state, Standing.OK.value if hears else Standing.BROKEN.value, hears, fault, (), then, history
    )


def _then(session: Session, alarm: Alarm | None, at: datetime | None) -> tuple[tuple[AlarmChange, ...], bool]:
    if alarm is None:
        return (), False
    history = session.load_alarm_history(alarm)
    near = [change for change in reversed(history) if at is not None and -_JUST <= change.at - at <= _NEAR]
    return tuple(near[:4]), bool(history)


def raised_around(session: Session, alert: Alert) -> tuple[Event, ...]:
    """Events on hand that an alarm's filters find, around when it went off; () for other alerts. Newest first."""
    if alert.kind != ALARM_ALERT or alert.at is None:
        return ()
    for _ in session.load_guards() if session.info.kind != "live" else ():
        pass
    alarm = session.alarm(alert.title)
    return session.raised_by(alarm, alert.at - _BEFORE, alert.at + _AFTER) if alarm is not None else ()


def noticed_lines(one: Noticed) -> list[str]:
    """`alarm iam-changes (OK): tells on-call@acme.example`, and what it did at that time."""
    state = f" ({one.state})" if one.state else ""
    mark = ", named by the alert" if one.named else ""
    if one.hears:
        told = f"tells {', '.join(one.hears)}" + (f", unless {one.unless[0]}" if one.unless else "")
    else:
        told = (
            f"tells nobody: {one.fault}" if one.whole == Standing.BROKEN.value else f"whether it tells anybody cannot be told: {one.fault}"
        )
    lines = [f"{one.kind} {one.name}{state}{mark}: {told}"]
    for change in one.then:
        what = f"{change.old} → {change.new}" if change.new else change.summary
        lines.append(f"  {change.at:%m-%d %H:%M:%S}  {what}")
    if one.kind == "alarm" and one.history and not one.then:
        lines.append("  it did not change around that time")
    return lines


def noticed_object(one: Noticed) -> dict[str, Any]:
    """As JSON."""
    return {
        "kind": one.kind,
        "name": one.name,
        "named": one.named,
        "state": one.state,
        "standing": one.whole,
        "hears": one.hears,
        "fault": one.fault,
        "unless": one.unless,
        "history_on_hand": one.history,
        "then": [{"at": c.at, "kind": c.kind, "summary": c.summary, "from": c.old, "to": c.new} for c in one.then],
    }
