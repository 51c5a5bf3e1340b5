"""An actor's story: what one person, user or workload did, in order, over keys, role sessions, Regions, and the identities it made.

Routine is folded, what stands out is told with its reason: calls of weight, what was done for the first time after a while, a first use
from a network or in a Region (`analysis.places` says what that is), a refusal that turned into a success, a credential that was made and then used, a role that was taken on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from ..model.event import ActorKind, Event, Outcome
from ..model.finding import Severity
from .attribution import Behind, Chain, Chains
from .event_columns import short_target

_SCENE = timedelta(minutes=45)
_QUIET = timedelta(hours=6)
_SETTLED = timedelta(days=1)
_TURN = timedelta(hours=24)
_FOLLOWED = 12
_MAKES_LOGIN = frozenset({"CreateLoginProfile", "UpdateLoginProfile"})
_GRAVE = (Severity.HIGH, Severity.CRITICAL)


class Beat(StrEnum):
    """What a line of a story is."""

    SCENE = "scene"  # a stretch of calls without a pause
    EVENT = "event"  # one that stands out
    FOLD = "fold"  # calls that do not, together
    ROUTINE = "routine"  # stretches in which nothing stands out, together
    QUIET = "quiet"  # a pause


class Moment(msgspec.Struct, frozen=True, eq=False):
    """One line.

    at, until: UTC; equal for one event
    who:       the actor, with the role of a session; "" for several
    words:     what happened
    why:       why it stands out, the weightiest first
    count:     events in it
    """

    beat: Beat
    at: datetime
    until: datetime
    who: str
    words: str
    why: tuple[str, ...] = ()
    severity: Severity | None = None
    event: Event | None = None
    count: int = 1


class Story(msgspec.Struct, frozen=True, eq=False):
    """about:    whose story it is
    moments:  in order of time
    followed: identities and keys that were made on the way and whose calls are in it, as sentences
    undated:  events without a time, which are not in it
    """

    about: str
    moments: tuple[Moment, ...] = ()
    events: int = 0
    followed: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    undated: int = 0


Weigh = Callable[[Event], tuple[Severity | None, str]]
"""(severity, first reason) of an event."""

Places = Callable[[Event], tuple[str, ...]]


def who_of(chain: Chain) -> tuple[str, str]:
    """What makes two calls the same person's, user's or workload's."""
    if chain.behind.value == "not told":
        return "session", chain.origin.access_key_id or chain.origin.arn or chain.origin.name
    if chain.behind in (Behind.PERSON, Behind.WORKLOAD) and chain.name:
        return chain.behind.value, chain.name  # many persons share the role their sign-in leads to
    return chain.behind.value, chain.origin.arn or chain.name


def gather(chains: Chains, events: Sequence[Event], about: Event | str, *, follow: bool = True) -> tuple[list[Event], list[str]]:
    """The events of a story in order of time, and what was followed.

    about:  one of the events (the story of who is behind it), or an ARN (of a user, or of a role: its sessions)
    follow: also what was done with users and keys that were made on the way
    """
    by_who: dict[tuple[str, str], list[Event]] = {}
    by_key: dict[str, list[Event]] = {}
    by_name: dict[tuple[str, str], list[Event]] = {}
    own: list[Event] = []
    for event in events:
        chain = chains.of(event)
        by_who.setdefault(who_of(chain), []).append(event)
        if chain.origin.access_key_id:
            by_key.setdefault(chain.origin.access_key_id, []).append(event)
        if chain.origin.kind is ActorKind.USER:
            by_name.setdefault((chain.origin.account, chain.origin.name), []).append(event)
        if isinstance(about, str) and (event.actor.arn == about or (chain.whole and chain.origin.arn == about)):
            own.append(event)
    if isinstance(about, Event):
        own = by_who.get(who_of(chains.of(about)), [about])
    found = {id(event): event for event in own}
    told: list[str] = []
    waiting, seen = list(own), 0
    while follow and waiting and seen < _FOLLOWED:
        event = waiting.pop()
        for words, made in _made(event, by_key, by_name):
            fresh = [e for e in made if id(e) not in found and e.time is not None and event.time is not None and e.time >= event.time]
            if fresh:
                seen += 1
                told.append(f"{words} ({_calls(fresh)})")
                found.update({id(e): e for e in fresh})
                waiting.extend(fresh)
    return list(found.values()), told


def _made(event: Event, by_key: dict[str, list[Event]], by_name: dict[tuple[str, str], list[Event]]) -> Iterable[tuple[str, list[Event]]]:
    """Calls made with a credential that an event made for somebody else."""
    if event.source != "iam.amazonaws.com" or event.outcome is not Outcome.SUCCESS:
        return
    if event.name == "CreateAccessKey":
        for target in event.targets:
            if target.startswith("AKIA") and target in by_key:
                yield f"the key {target}, made by {event.actor.name}", by_key[target]
    elif event.name in _MAKES_LOGIN and event.targets and event.targets[0] != event.actor.name:
        name = event.targets[0]
        yield f"the user {name}, whose password {event.actor.name} set", by_name.get((event.account, name), [])


def tell(
    chains: Chains, events: Iterable[Event], about: str, weigh: Weigh, followed: Sequence[str] = (), places: Places = lambda _: ()
) -> Story:
    """The story of some events. `places`: why an event is somebody's first from a network or in a Region."""
    everything = list(events)
    dated = sorted((e for e in everything if e.time is not None), key=_time)
    reasons = _reasons(dated, weigh, places)
    moments: list[Moment] = []
    routine: list[list[Event]] = []
    last: datetime | None = None
    for scene in _scenes(dated):
        if not any(id(event) in reasons for event in scene):
            routine.append(scene)
            continue
        last = _close(moments, routine, last)
        last = _pause(moments, last, _time(scene[0]))
        moments.extend(_scene(scene, reasons))
        last = _time(scene[-1])
    _close(moments, routine, last)
    return Story(
        about,
        tuple(moments),
        len(dated),
        tuple(followed),
        tuple(dict.fromkeys(e.ip for e in dated if e.ip)),
        tuple(dict.fromkeys(e.region for e in dated if e.region)),
        len(everything) - len(dated),
    )


def _time(event: Event) -> datetime:
    assert event.time is not None
    return event.time


def _scenes(events: Sequence[Event]) -> Iterable[list[Event]]:
    scene: list[Event] = []
    for event in events:
        if scene and _time(event) - _time(scene[-1]) > _SCENE:
            yield scene
            scene = []
        scene.append(event)
    if scene:
        yield scene


def _pause(moments: list[Moment], last: datetime | None, now: datetime) -> datetime | None:
    if last is not None and now - last >= _QUIET:
        moments.append(Moment(Beat.QUIET, last, now, "", f"nothing for {_span(now - last)}", count=0))
    return last


def _close(moments: list[Moment], routine: list[list[Event]], last: datetime | None) -> datetime | None:
    """Fold the stretches in which nothing stood out."""
    if not routine:
        return last
    events = [event for scene in routine for event in scene]
    first, end = _time(events[0]), _time(events[-1])
    _pause(moments, last, first)
    stretches = f", in {len(routine)} stretches" if len(routine) > 1 else ""
    words = f"routine: {_calls(events)}{stretches}: {_most(e.name for e in events)}"
    moments.append(Moment(Beat.ROUTINE, first, end, _who(events), words, (_from(events),), count=len(events)))
    routine.clear()
    return end


def _scene(scene: list[Event], reasons: dict[int, tuple[Severity | None, tuple[str, ...]]]) -> Iterable[Moment]:
    first, end = _time(scene[0]), _time(scene[-1])
    denied = sum(event.outcome is Outcome.DENIED for event in scene)
    words = (
        _calls(scene)
        + (f", {denied} denied" if denied else "")
        + (f" in {_span(end - first)}" if end - first > timedelta(minutes=1) else "")
    )
    yield Moment(Beat.SCENE, first, end, _who(scene), words, (_from(scene),), count=len(scene))
    fold: list[Event] = []
    for event in scene:
        if id(event) not in reasons:
            fold.append(event)
            continue
        if fold:
            yield _folded(fold)
            fold = []
        severity, why = reasons[id(event)]
        target = short_target(event.targets[0]) if event.targets else ""
        more = {Outcome.DENIED: " (denied)", Outcome.FAILED: " (failed)"}.get(event.outcome, "")
        name = f"{event.name} {target}".strip() + more
        yield Moment(Beat.EVENT, _time(event), _time(event), _actor(event), name, why, severity, event)
    if fold:
        yield _folded(fold)


def _folded(events: list[Event]) -> Moment:
    words = f"{_calls(events)}: {_most(e.name for e in events)}"
    return Moment(Beat.FOLD, _time(events[0]), _time(events[-1]), _who(events), words, count=len(events))


def _reasons(events: Sequence[Event], weigh: Weigh, places: Places) -> dict[int, tuple[Severity | None, tuple[str, ...]]]:
    """Why events stand out, by identity of the event."""
    found: dict[int, tuple[Severity | None, tuple[str, ...]]] = {}
    if not events:
        return found
    begin = _time(events[0])
    names: set[tuple[str, str]] = set()
    roles: set[str] = set()
    refused: dict[tuple[str, str], datetime] = {}
    keys: dict[str, datetime] = {}
    for event in events:
        when, why = _time(event), []
        settled = when - begin > _SETTLED
        severity, reason = weigh(event)
        if severity in _GRAVE:
            why.append(reason)
        call = (event.source, event.name)
        if event.outcome in (Outcome.DENIED, Outcome.FAILED):
            refused[call] = when
        elif event.outcome is Outcome.SUCCESS and call in refused and when - refused[call] <= _TURN:
            why.append(f"was refused at {refused.pop(call):%H:%M:%S}, and went through now")
        why.extend(place for place in places(event) if place not in why)
        if event.name.startswith("AssumeRole") and event.outcome is Outcome.SUCCESS and event.actor.kind is not ActorKind.SERVICE:
            role = next((short_target(target) for target in event.targets if ":role/" in target), "")
            if role and role not in roles:
                roles.add(role)
                if settled:
                    why.append(f"takes on {role} for the first time")
        if call not in names:
            if settled and event.read_only is not True and not why:
                why.append(f"first {event.name}")
            names.add(call)
        used = keys.pop(event.actor.access_key_id, None)
        if used is not None:
            why.append(f"first use of {event.actor.access_key_id}, made {used:%Y-%m-%d %H:%M}")
        if event.name == "CreateAccessKey" and event.outcome is Outcome.SUCCESS:
            keys.update({target: when for target in event.targets if target.startswith("AKIA")})
        if why:
            found[id(event)] = (severity, tuple(why))
    return found


def _actor(event: Event) -> str:
    actor = event.actor
    return (
        f"{actor.name}/{actor.session_name}" if actor.session_name and actor.session_name != actor.name else actor.name or actor.kind.value
    )


def _who(events: Sequence[Event]) -> str:
    names = dict.fromkeys(_actor(event) for event in events)
    return ", ".join(list(names)[:2]) + (f" +{len(names) - 2}" if len(names) > 2 else "")


def _from(events: Sequence[Event]) -> str:
    """`from 203.0.113.77 · us-east-1, eu-west-1`."""
    addresses = [ip for ip, _ in Counter(e.ip for e in events if e.ip).most_common()]
    regions = list(dict.fromkeys(e.region for e in events if e.region))
    parts = []
    if addresses:
        parts.append("from " + ", ".join(addresses[:2]) + (f" and {len(addresses) - 2} more" if len(addresses) > 2 else ""))
    if regions:
        parts.append(", ".join(regions[:3]) + (f" and {len(regions) - 3} more Regions" if len(regions) > 3 else ""))
    return " · ".join(parts)


def _calls(events: Sequence[Event]) -> str:
    return f"{len(events):,} {'call' if len(events) == 1 else 'calls'}"


def _most(names: Iterable[str]) -> str:
    counted = Counter(names).most_common()
    return ", ".join(name if n == 1 else f"{name} ×{n}" for name, n in counted[:4]) + (
        f" and {len(counted) - 4} more" if len(counted) > 4 else ""
    )


def _span(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"


def plain_lines(story: Story) -> list[str]:
    """A story as lines of text, one a moment: `2026-11-18 02:05:12  CRITICAL  ci-runner  AttachUserPolicy …  why`."""
    lines = []
    for moment in story.moments:
        when = f"{moment.at:%Y-%m-%d %H:%M:%S}"
        weight = moment.severity.value.upper() if moment.severity in _GRAVE and moment.severity else ""
        lines.append("  ".join(part for part in (when, weight, moment.who, moment.words, "; ".join(moment.why)) if part))
    return lines
