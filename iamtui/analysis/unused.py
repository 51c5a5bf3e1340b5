"""Granted minus used: what an identity may do, when each source last saw it do so, and what no source could have seen.

Unused is a claim, so it is made action by action and only where a source looked: Access Advisor by action, by service, RoleLastUsed and
the credential report for the identity as a whole, CloudTrail events where they cover the days asked about. What none of them can see
(data events, checks inside another operation, services that are tracked only as a whole) is not observable, and stays granted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from ..model.account import Snapshot
from ..model.event import Event, Outcome, Window, WindowState
from ..model.fact import Fact, State, absent, known
from ..model.identity import Identity, Role, User
from ..model.surroundings import UnusedFinding
from ..model.usage import ActionUsage, ServiceUsage, UsageReport
from ..policy.catalogue import catalogue
from ..policy.operations import Recording, actions_of, prefix_of, recording
from .effective import Access, EffectiveAccess

EVENTS = "CloudTrail events"
ANALYZER = "access-analyzer:ListFindingsV2"


class UseState(StrEnum):
    USED = "used"
    UNUSED_SINCE = "unused since"
    NEVER = "never in the window"
    NOT_OBSERVABLE = "not observable"
    UNKNOWN = "not known"
    """No source was asked, or it refused."""


IDLE = frozenset((UseState.UNUSED_SINCE, UseState.NEVER))


class ActionUse(msgspec.Struct, frozen=True):
    """One granted action. `why` says what the state rests on; `resources` are ARNs that events name, empty when they do not all."""

    name: str
    level: str
    state: UseState
    last_used: datetime | None = None
    source: str = ""
    why: str = ""
    resources: tuple[str, ...] = ()


class ServiceUse(msgspec.Struct, frozen=True):
    """One granted service. `state` is that of its most used action."""

    prefix: str
    name: str
    state: UseState
    last_used: datetime | None
    source: str
    granted_by: tuple[str, ...]
    actions: tuple[ActionUse, ...]

    @property
    def idle(self) -> tuple[ActionUse, ...]:
        return tuple(action for action in self.actions if action.state in IDLE)


class Looked(msgspec.Struct, frozen=True):
    """A source that was looked at, or why not, and its window in words."""

    source: str
    window: str
    seen: bool


class UnusedAccess(msgspec.Struct, frozen=True):
    """What an identity holds and does not use, `days` days before `at`.

    whole:    last signs of the identity itself (role, password, keys, newest event), each with its source
    idle:     why all of it is unused; "" when the identity was seen
    services: the unused first
    sources:  what was looked at, with windows
    """

    arn: str
    name: str
    days: int
    at: datetime
    whole: tuple[tuple[str, Fact[datetime]], ...]
    idle: str
    services: tuple[ServiceUse, ...]
    sources: tuple[Looked, ...]

    @property
    def granted(self) -> int:
        return sum(len(service.actions) for service in self.services)

    def count(self, *states: UseState) -> int:
        return sum(1 for service in self.services for action in service.actions if action.state in states)

    @property
    def idle_services(self) -> tuple[ServiceUse, ...]:
        return tuple(service for service in self.services if service.state in IDLE)


def unused_access(
    identity: Identity,
    snapshot: Snapshot,
    access: EffectiveAccess,
    usage: Fact[UsageReport],
    events: Sequence[Event],
    windows: Sequence[Window],
    at: datetime,
    days: int = 90,
    analyzer: Sequence[UnusedFinding] = (),
) -> UnusedAccess:
    """Judge every granted action. `events` are those the identity made, `windows` what was covered to find them; `analyzer`
    what Access Analyzer found unused of it."""
    whole = signs(identity, snapshot, events)
    judge = _Judge(usage, events, windows, at, days, idle_words(identity, whole, at, days), analyzer)
    services: dict[str, dict[str, ActionUse]] = {}
    givers: dict[str, dict[str, None]] = {}
    for line in access.allowed:
        held = services.setdefault(line.service, {})
        givers.setdefault(line.service, {}).update(dict.fromkeys(line.granted_by))
        for name in line.actions:
            if name not in held:
                held[name] = judge.action(line, name)
    names = {line.service: line.name for line in access.allowed}
    rows = [judge.service(prefix, names[prefix], tuple(givers[prefix]), tuple(held.values())) for prefix, held in services.items()]
    order = list(UseState)
    rows.sort(key=lambda s: (s.state not in IDLE, order.index(s.state), s.prefix))
    return UnusedAccess(identity.arn, identity.name, days, at, whole, judge.idle, tuple(rows), judge.looked())


# -- the identity as a whole -----------------------------------------------------------------------------------------


def signs(identity: Identity, snapshot: Snapshot, events: Sequence[Event]) -> tuple[tuple[str, Fact[datetime]], ...]:
    """(what, when) of the last signs of an identity: its role, its password, its keys, its newest event."""
    found: list[tuple[str, Fact[datetime]]] = []
    if isinstance(identity, Role):
        source = "iam:GetAccountAuthorizationDetails, RoleLastUsed"
        if not identity.last_used_told:
            fact: Fact[datetime] = absent(State.NOT_LOADED, source)
        elif identity.last_used is None:
            fact = absent(State.NOT_IN_TRACKING_PERIOD, source, detail="400 days")
        else:
            fact = known(identity.last_used, source)
        found.append(("role last used", fact))
    elif isinstance(identity, User):
        row = snapshot.credentials.get(identity.arn)
        if row is None:
            found.append(("password and keys", absent(State.NOT_LOADED, "iam:GetCredentialReport")))
        else:
            found.append(("password last used", row.password_last_used))
            found += [(f"key {number} last used", key.last_used) for number, key in enumerate(row.keys, 1)]
    newest = max((event.time for event in events if event.time), default=None)
    if newest is not None:
        found.append(("newest event", known(newest, EVENTS, newest)))
    return tuple(found)


def idle_words(identity: Identity, whole: Iterable[tuple[str, Fact[datetime]]], at: datetime, days: int) -> str:
    """Why nothing at all was used within the days; "" when something was, or when that is not known."""
    facts = [fact for _label, fact in whole]
    if not facts or any(fact.state in (State.NOT_LOADED, State.DENIED, State.FAILED, State.NO_INFORMATION) for fact in facts):
        return ""
    told = [fact for fact in facts if fact.source != EVENTS]
    dates = [fact.value for fact in facts if fact.is_known and fact.value is not None]
    if not told or any(date >= at - timedelta(days=days) for date in dates):
        return ""
    what = "the role" if isinstance(identity, Role) else "no password and no key of the user"
    if not dates:
        return f"{what} was never used in the window" if isinstance(identity, Role) else f"{what} was ever used"
    return f"{what} was used since {max(dates):%Y-%m-%d}" if isinstance(identity, User) else f"{what} was last used {max(dates):%Y-%m-%d}"


# -- action by action ------------------------------------------------------------------------------------------------


class _Seen(msgspec.Struct):
    """Uses of one action among the events. `resources` is None once an event named none."""

    last: datetime
    name: str
    resources: dict[str, None] | None


class _Judge:
    def __init__(
        self,
        usage: Fact[UsageReport],
        events: Sequence[Event],
        windows: Sequence[Window],
        at: datetime,
        days: int,
        idle: str,
        analyzer: Sequence[UnusedFinding],
    ) -> None:
        self.analyzer = analyzer
        self.usage, self.report = usage, usage.value if usage.is_known else None
        self.windows, self.days, self.idle = windows, days, idle
        self.cutoff = at - timedelta(days=days)
        self.covers = covers(windows, self.cutoff, days)
        self.seen: dict[str, _Seen] = {}
        self.beside: dict[str, str] = {}
        self.seen_services: dict[str, datetime] = {}
        for event in events:
            self._note(event)
        self.services: dict[str, ServiceUsage] = {s.namespace.lower(): s for s in self.report.services} if self.report else {}
        self.tracked: dict[str, dict[str, ActionUsage]] = {
            prefix: {action.name.lower(): action for action in service.actions} for prefix, service in self.services.items()
        }

    def _note(self, event: Event) -> None:
        if event.time is None or event.outcome is Outcome.DENIED:
            return
        prefix = prefix_of(event.source)
        self.seen_services[prefix] = max(event.time, self.seen_services.get(prefix, event.time))
        needed = actions_of(event.source, event.name)
        for action in needed[1:]:
            self.beside.setdefault(action.lower(), event.name)
        if not needed:
            return
        lowered = needed[0].lower()
        held = self.seen.get(lowered)
        arns = tuple(target for target in event.targets if target.startswith("arn:"))
        if held is None:
            self.seen[lowered] = _Seen(event.time, event.name, dict.fromkeys(arns) if arns else None)
            return
        held.last = max(held.last, event.time)
        if not arns:
            held.resources = None
        elif held.resources is not None:
            held.resources.update(dict.fromkeys(arns))

    def action(self, line: Access, name: str) -> ActionUse:
        """When an action was last used, or what its absence from every source means."""
        prefix, lowered = line.service, name.lower()
        full = f"{prefix}:{lowered}"
        told, seen = self.tracked.get(prefix, {}).get(lowered), self.seen.get(full)
        reported = told.last_used.value if told is not None and told.last_used.is_known else None
        if seen is not None or reported is not None:
            return self._used(line, name, seen, reported, told)
        service = self.services.get(prefix)
        if self.idle and prefix not in self.seen_services:
            return ActionUse(name, line.level, UseState.NEVER, None, "the identity", self.idle)
        how = recording(full)
        if how is Recording.NEVER:
            return ActionUse(name, line.level, UseState.NOT_OBSERVABLE, why="it is checked inside other operations and never recorded")
        if full in self.beside:
            return ActionUse(name, line.level, UseState.NOT_OBSERVABLE, why=f"{self.beside[full]} may need it, which was used")
        if told is not None and told.last_used.state in (State.NOT_IN_TRACKING_PERIOD, State.NEVER):
            return ActionUse(name, line.level, UseState.NEVER, None, told.last_used.source, f"Access Advisor tracks it: {self._since()}")
        if service is not None and prefix not in self.seen_services:
            since = self._service_idle(service)
            if since is not None:
                return ActionUse(name, line.level, since, service.last_used.value, service.last_used.source, self._service_words(service))
        if how is Recording.MANAGEMENT and self.covers:
            return ActionUse(name, line.level, UseState.NEVER, None, EVENTS, f"no such event in {self.days} days")
        found = next(
            (f for f in self.analyzer if f.service == prefix and (not f.actions or lowered in (a.lower() for a in f.actions))), None
        )
        if found is not None:
            state = UseState.NEVER if found.last_used is None else UseState.UNUSED_SINCE
            if found.last_used is None or found.last_used < self.cutoff:
                return ActionUse(name, line.level, state, found.last_used, ANALYZER, "unused in the analyzer's tracking period")
        return self._unseen(line, name, how)

    def _used(self, line: Access, name: str, seen: _Seen | None, reported: datetime | None, told: ActionUsage | None) -> ActionUse:
        last = max(date for date in (seen.last if seen else None, reported) if date is not None)
        by_event = seen is not None and seen.last == last
        source = EVENTS if by_event or told is None else told.last_used.source
        state = UseState.USED if last >= self.cutoff else UseState.UNUSED_SINCE
        resources: tuple[str, ...] = ()
        later = reported is not None and seen is not None and reported > seen.last + timedelta(hours=1)
        if seen is not None and seen.resources and self.covers and not later:
            resources = tuple(seen.resources)
        return ActionUse(name, line.level, state, last, source, seen.name if by_event and seen else "", resources)

    def _service_idle(self, service: ServiceUsage) -> UseState | None:
        fact = service.last_used
        if fact.state in (State.NOT_IN_TRACKING_PERIOD, State.NEVER):
            return UseState.NEVER
        if fact.is_known and fact.value is not None and fact.value < self.cutoff:
            return UseState.UNUSED_SINCE
        return None

    def _service_words(self, service: ServiceUsage) -> str:
        if service.last_used.is_known and service.last_used.value is not None:
            return f"nothing of the service was used since {service.last_used.value:%Y-%m-%d}"
        return f"nothing of the service was used: {self._since()}"

    def _since(self) -> str:
        start = self.report.tracking_from if self.report else None
        return f"since {start:%Y-%m-%d}" if start else "400 days at most"

    def _unseen(self, line: Access, name: str, how: Recording) -> ActionUse:
        if how is not Recording.MANAGEMENT:
            return ActionUse(name, line.level, UseState.NOT_OBSERVABLE, why=f"{how.value}: not in the event history")
        if self.report is None:
            detail = f": {self.usage.detail}" if self.usage.detail else ""
            why = f"last accessed is {self.usage.state.value}{detail}, and events do not cover {self.days} days"
            return ActionUse(name, line.level, UseState.UNKNOWN, why=why)
        if line.service not in self.services:
            return ActionUse(name, line.level, UseState.NOT_OBSERVABLE, why="Access Advisor does not track the service")
        return ActionUse(name, line.level, UseState.NOT_OBSERVABLE, why="Access Advisor tracks the service only as a whole")

    def service(self, prefix: str, name: str, granted_by: tuple[str, ...], actions: tuple[ActionUse, ...]) -> ServiceUse:
        reported = self.services.get(prefix)
        dates = [action for action in actions if action.last_used is not None]
        latest = max(dates, key=lambda action: action.last_used or self.cutoff, default=None)
        last, source = (latest.last_used, latest.source) if latest else (None, "")
        told = reported.last_used.value if reported is not None and reported.last_used.is_known else None
        if reported is not None and told is not None and (last is None or told > last):
            last, source = told, reported.last_used.source
        event = self.seen_services.get(prefix)
        if event is not None and (last is None or event > last):
            last, source = event, EVENTS
        if last is not None:
            state = UseState.USED if last >= self.cutoff else UseState.UNUSED_SINCE
        else:
            states = {action.state for action in actions}
            state = next((s for s in (UseState.UNKNOWN, UseState.NOT_OBSERVABLE, UseState.NEVER) if s in states), UseState.UNKNOWN)
            if reported is not None and self._service_idle(reported) is UseState.NEVER:
                state = UseState.NEVER
            if state is UseState.NEVER and not any(action.state in IDLE for action in actions):
                state = UseState.NOT_OBSERVABLE
            source = next((action.source for action in actions if action.source), "")
        order = list(UseState)
        ranked = sorted(actions, key=lambda a: (order.index(a.state), -(a.last_used.timestamp() if a.last_used else 0), a.name))
        return ServiceUse(prefix, name, state, last, source, granted_by, tuple(ranked))

    def looked(self) -> tuple[Looked, ...]:
        if self.report is not None:
            detail = "by action" if self.report.granularity == "ACTION_LEVEL" else "by service only"
            advisor = Looked(self.report.source or "Access Advisor", f"{self._since()}, {detail}; lags about 4 h", True)
        else:
            detail = f": {self.usage.detail}" if self.usage.detail else ""
            advisor = Looked(self.usage.source or "Access Advisor", f"{self.usage.state.value}{detail}", False)
        told = [advisor, Looked(EVENTS, window_words(self.windows, self.covers, self.days), self.covers)]
        if self.analyzer:
            looked = max((finding.analyzed for finding in self.analyzer if finding.analyzed), default=None)
            when = f"looked {looked:%Y-%m-%d}" if looked else "when is not told"
            kinds = ", ".join(dict.fromkeys(finding.kind for finding in self.analyzer))
            told.append(Looked(ANALYZER, f"{kinds}; {when}, over the analyzer's own tracking period", True))
        return tuple(told)


def covers(windows: Sequence[Window], cutoff: datetime, days: int) -> bool:
    """Whether the events read reach back over all the days, in every Region that was asked. An hour of slack: clocks differ."""
    if not windows or any(window.state is not WindowState.COVERED or window.since is None for window in windows):
        return False
    slack = timedelta(hours=25)
    for window in windows:
        begin = min(cutoff, (window.until - timedelta(days=days)) if window.until else cutoff)
        if window.since is None or window.since > begin + slack:
            return False
    return True


def window_words(windows: Sequence[Window], whole: bool, days: int) -> str:
    """What of the events was covered, in words."""
    if not windows:
        return "no events were read"
    since = min((window.since for window in windows if window.since), default=None)
    begin = f"since {since:%Y-%m-%d}" if since else "window not told"
    regions = [window.region for window in windows if window.region]
    where = f" in {', '.join(dict.fromkeys(regions))}" if regions else ""
    return f"{begin}{where}" if whole else f"{begin}{where}; that does not cover {days} days everywhere"


def uses(events: Iterable[Event]) -> Mapping[str, tuple[str, ...]]:
    """Actions some events needed first, in full, with the ARNs they named: what a smaller policy must still allow."""
    known_actions = catalogue()
    found: dict[str, dict[str, None]] = {}
    for event in events:
        if event.outcome is Outcome.DENIED:
            continue
        for action in actions_of(event.source, event.name)[:1]:
            spelled = known_actions.action(action)
            name = f"{action.partition(':')[0]}:{spelled.name}" if spelled else action
            found.setdefault(name, {}).update(dict.fromkeys(t for t in event.targets if t.startswith("arn:")))
    return {action: tuple(arns) for action, arns in found.items()}
