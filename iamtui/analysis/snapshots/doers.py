"""Who did it: the calls between two points in time that made a difference, or may have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from ...model.account import Snapshot
from ...model.change import Change, ChangeKind
from ...model.event import Event, Outcome
from ..attribution import Chain
from ..changes.events import CALLS, changes_of
from ..changes.history import EventReach
from ..changes.resolving import Names
from .difference import Comparison, Difference, Doer, Turn, What

K = ChangeKind
MOST = 8
"""Calls named for one difference, the newest."""

_SLACK = timedelta(minutes=5)
"""A reading takes a while, and its date is that of one answer."""

_KINDS: Mapping[What, frozenset[ChangeKind]] = {
    What.GRANT: frozenset({K.ATTACHED, K.DETACHED, K.PUT, K.REMOVED}),
    What.GROUP: frozenset({K.JOINED, K.LEFT}),
    What.BOUNDARY: frozenset({K.BOUNDARY_SET, K.BOUNDARY_REMOVED}),
    What.TRUST: frozenset({K.TRUST}),
    What.POLICY: frozenset({K.VERSION, K.DEFAULT}),
    What.VERSION: frozenset({K.VERSION, K.DEFAULT, K.VERSION_DELETED}),
    What.KEY: frozenset({K.KEY_MADE, K.KEY_DISABLED, K.KEY_ENABLED, K.KEY_DELETED}),
    What.MFA: frozenset({K.MFA_ON, K.MFA_OFF}),
    What.CONSOLE: frozenset({K.LOGIN_MADE, K.LOGIN_REMOVED}),
    What.PASSWORD: frozenset({K.LOGIN_MADE, K.LOGIN_CHANGED, K.LOGIN_REMOVED}),
    What.NAME: frozenset({K.RENAMED}),
    What.TAGS: frozenset({K.TAGGED, K.UNTAGGED}),
    What.OWNER: frozenset({K.TAGGED, K.UNTAGGED}),
    What.SETTINGS: frozenset({K.SETTINGS}),
    What.PROFILE: frozenset({K.PROFILE_JOINED, K.PROFILE_LEFT}),
}
_ONE_WAY: Mapping[tuple[What, Turn], frozenset[ChangeKind]] = {
    (What.IDENTITY, Turn.ADDED): frozenset({K.CREATED}),
    (What.IDENTITY, Turn.REMOVED): frozenset({K.DELETED}),
    (What.IDENTITY, Turn.REPLACED): frozenset({K.CREATED, K.DELETED}),
    (What.TRUST, Turn.ADDED): frozenset({K.CREATED, K.TRUST}),
    (What.TRUST, Turn.REMOVED): frozenset({K.DELETED}),
    (What.MFA, Turn.ADDED): frozenset({K.MFA_ON}),
    (What.MFA, Turn.REMOVED): frozenset({K.MFA_OFF}),
    (What.CONSOLE, Turn.ADDED): frozenset({K.LOGIN_MADE}),
    (What.CONSOLE, Turn.REMOVED): frozenset({K.LOGIN_REMOVED}),
    (What.KEY, Turn.ADDED): frozenset({K.KEY_MADE}),
    (What.KEY, Turn.CHANGED): frozenset({K.KEY_DISABLED, K.KEY_ENABLED}),
    (What.KEY, Turn.REMOVED): frozenset({K.KEY_DELETED}),
    (What.GROUP, Turn.ADDED): frozenset({K.JOINED}),
    (What.GROUP, Turn.REMOVED): frozenset({K.LEFT}),
    (What.BOUNDARY, Turn.ADDED): frozenset({K.BOUNDARY_SET}),
    (What.BOUNDARY, Turn.REMOVED): frozenset({K.BOUNDARY_REMOVED}),
    (What.GRANT, Turn.ADDED): frozenset({K.ATTACHED, K.PUT}),
    (What.GRANT, Turn.REMOVED): frozenset({K.DETACHED, K.REMOVED}),
    (What.VERSION, Turn.REMOVED): frozenset({K.VERSION_DELETED}),
}
_BY_PART = frozenset({What.GRANT, What.GROUP, What.PROFILE})
_OF_ACCOUNT: Mapping[What, frozenset[str]] = {
    What.PASSWORD_POLICY: frozenset({"UpdateAccountPasswordPolicy", "DeleteAccountPasswordPolicy"}),
    What.ALIAS: frozenset({"CreateAccountAlias", "DeleteAccountAlias"}),
}
OPERATIONS = (*CALLS, *(name for names in _OF_ACCOUNT.values() for name in names))
"""Calls of IAM that can have made a difference."""

_FOLLOWS = frozenset({What.ADMIN, What.ESCALATION, What.ACCESS})
_GIVES = frozenset({K.ATTACHED, K.DETACHED, K.PUT, K.REMOVED, K.JOINED, K.LEFT, K.BOUNDARY_SET, K.BOUNDARY_REMOVED})
_CAUSES = (What.IDENTITY, What.GRANT, What.GROUP, What.BOUNDARY, What.POLICY, What.TRUST)


def with_doers(
    comparison: Comparison,
    snapshots: Iterable[tuple[Snapshot, Snapshot]],
    events: Sequence[Event],
    behind: Callable[[Event], Chain],
    reach: EventReach,
) -> Comparison:
    """The same with who did it. `snapshots`: (older, newer) of each account; `events`: calls that went through, records whole."""
    index = _Index(comparison, snapshots, events, behind)
    found = [index.told(one, reach) for one in comparison.differences]
    causes: dict[str, list[Difference]] = {}
    for one in found:
        if one.what in _CAUSES:
            for arn in dict.fromkeys((one.arn, *one.reaches)):
                causes.setdefault(arn, []).append(one)
    done = []
    for one in found:
        held = causes.get(one.arn, ())
        came = any(cause.what is What.IDENTITY and cause.arn == one.arn for cause in held)
        done.append(_following(one, held, index.gave(one) if came else ()) if one.what in _FOLLOWS else one)
    return msgspec.structs.replace(comparison, differences=tuple(done))


class _Index:
    """Changes the events tell, by what they are of."""

    def __init__(
        self,
        comparison: Comparison,
        snapshots: Iterable[tuple[Snapshot, Snapshot]],
        events: Sequence[Event],
        behind: Callable[[Event], Chain],
    ) -> None:
        self._behind = behind
        self._by: dict[tuple[str, str, str], list[Change]] = {}
        self._plain: dict[tuple[str, str], list[Event]] = {}
        since, until = comparison.since, comparison.until
        inside = [event for event in events if _between(event.time, since, until)]
        for _old, new in snapshots:
            mine = [event for event in inside if event.account in ("", new.account)]
            names = Names(new)
            for change in changes_of(mine, lambda account, names=names: names):  # type: ignore[misc]
                self._by.setdefault((new.account, change.target, change.name.casefold()), []).append(change)
                if change.kind is K.RENAMED and change.becomes:
                    self._by.setdefault((new.account, change.target, change.becomes.casefold()), []).append(change)
            for event in mine:
                if event.outcome in (Outcome.SUCCESS, Outcome.UNKNOWN) and any(event.name in names for names in _OF_ACCOUNT.values()):
                    self._plain.setdefault((new.account, event.name), []).append(event)

    def told(self, one: Difference, reach: EventReach) -> Difference:
        if one.what in _FOLLOWS or one.untold:
            return one
        if one.what in _OF_ACCOUNT:
            events = [event for name in _OF_ACCOUNT[one.what] for event in self._plain.get((one.account, name), ())]
        else:
            events = [change.event for change in self._changes(one) if change.event is not None]
        held = [event for event in events if _between(event.time, one.since, one.until)]
        if not held:
            return msgspec.structs.replace(one, untold=_why(one, reach))
        held.sort(key=lambda event: (event.time is not None, event.time), reverse=True)
        return msgspec.structs.replace(one, doers=tuple(self._doer(event) for event in held[:MOST]))

    def gave(self, one: Difference) -> list[Doer]:
        """Calls that gave or took policies of one that came or went: that is told as one difference, and is made of many calls."""
        found = self._by.get((one.account, one.subject, one.name.casefold()), ())
        events = [change.event for change in found if change.kind in _GIVES and change.event is not None]
        return [self._doer(event) for event in events if _between(event.time, one.since, one.until)]

    def _changes(self, one: Difference) -> list[Change]:
        kinds = _ONE_WAY.get((one.what, one.turn)) or _KINDS.get(one.what, frozenset())
        names = {one.name.casefold(), one.old_arn.rpartition("/")[2].casefold()} - {""}
        if one.subject == "root":
            return []
        found = [change for name in names for change in self._by.get((one.account, one.subject, name), ()) if change.kind in kinds]
        if one.what in _BY_PART:
            found = [change for change in found if change.part.casefold() == one.about.casefold()]
        elif (one.what is What.KEY and one.about.startswith("AKIA")) or one.what is What.VERSION:
            found = [change for change in found if change.part in ("", one.about)]
        return list({id(change): change for change in found}.values())

    def _doer(self, event: Event) -> Doer:
        chain = self._behind(event)
        actor = event.actor
        human = chain.words if chain.whole else ""
        return Doer(event.time, event.name, actor.name, actor.arn, human, chain.missing, event.event_id, event.ip)


def _between(at: datetime | None, since: datetime | None, until: datetime | None) -> bool:
    """Whether a call can have made a difference between two points; one without a time can."""
    if at is None:
        return True
    if since is not None and until is not None and since > until:
        since, until = until, since
    return (since is None or at >= since - _SLACK) and (until is None or at <= until + _SLACK)


def _following(one: Difference, causes: Sequence[Difference], gave: Sequence[Doer]) -> Difference:
    """Access follows from policies, groups and trust: whoever changed those."""
    doers: dict[Doer, None] = dict.fromkeys(gave)
    for cause in causes:
        doers.update(dict.fromkeys(cause.doers))
    if doers:
        newest = sorted(doers, key=lambda doer: (doer.at is not None, doer.at), reverse=True)
        return msgspec.structs.replace(one, doers=tuple(newest[:MOST]))
    why = next((cause.untold for cause in causes if cause.untold), "it follows from what others were given")
    return msgspec.structs.replace(one, untold=why)


def _why(one: Difference, reach: EventReach) -> str:
    """Why no call is named."""
    if one.subject == "root":
        return "what the root user does with its own credentials is not looked up"
    if one.what is What.RESOURCE:
        return "calls that change policies of resources are not looked up"
    if reach.since is None or reach.until is None:
        return reach.why or "no events were read"
    since, until = one.since, one.until
    if since is not None and until is not None and (reach.since > until or reach.until < since):
        return f"the events that were read are of {_day(reach.since)} to {_day(reach.until)}, not of that time"
    if since is not None and reach.since > since:
        return f"no call that was read names it; the events begin on {_day(reach.since)} only"
    if until is not None and reach.until < until - timedelta(hours=1):
        return f"no call that was read names it; the events end on {_day(reach.until)}"
    return "no call among the events that were read names it"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
