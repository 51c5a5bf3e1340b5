"""Rows of the *Last used* tab: what is granted, joined with what AWS's last-accessed report and the events read tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from ..model.event import Event
from ..model.fact import Fact, State, absent, known
from ..model.policy import Grant
from ..model.usage import ActionUsage, ServiceUsage, UsageReport
from ..policy.catalogue import Catalogue, catalogue
from .permissions import PermissionSummary, ServiceSummary, summarize
from .words import exact

EVENTS = "CloudTrail events"

# Event sources that are not named like the IAM prefix their calls need.
_EVENT_PREFIX = {"monitoring": "cloudwatch", "tagging": "tag"}
_BEGIN = datetime.min.replace(tzinfo=UTC)
_VERSION = re.compile(r"[0-9]{4}_[0-9]{2}_[0-9]{2}\Z|[0-9]{8}\Z")


class ActionRow(msgspec.Struct, frozen=True):
    """One action of a service. `level` is its access level, "" when the catalogue does not know it: not every API operation
    is named like its action, and then `granted` is None."""

    name: str
    last_used: Fact[datetime]
    region: str = ""
    level: str = ""
    granted: bool | None = None


class UsageRow(msgspec.Struct, frozen=True):
    """One service.

    namespace:  `s3`
    last_used:  the latest over all sources; `source` says which. NOT_IN_TRACKING_PERIOD is AWS's word, never turned into
                `never`; a service that is granted but not in the report is NOT_TRACKED
    region, entity_arn: of the last use, where told
    window:     what was looked at: `since 2025-09-25, 400 days at most; lags about 4 h`
    granted:    the identity's policies name it; None when that cannot be known (a policy was not read, or the catalogue does not
                know the service)
    granted_by: the policies that give it
    levels:     what is granted, in words: `Full access`, `Limited: Read 3/40`
    actions:    where tracked or seen; newest first
    entities:   of groups and policies: how many identities used it
    """

    namespace: str
    name: str
    last_used: Fact[datetime]
    region: str = ""
    entity_arn: str = ""
    window: str = ""
    granted: bool | None = None
    granted_by: tuple[str, ...] = ()
    levels: str = ""
    actions: tuple[ActionRow, ...] = ()
    entities: int | None = None

    @property
    def source(self) -> str:
        return self.last_used.source

    @property
    def unused(self) -> bool:
        """Granted, and AWS saw no use in the tracking window, nor did the events read. No claim where AWS does not track."""
        return self.granted is not False and self.last_used.state in (State.NOT_IN_TRACKING_PERIOD, State.NEVER)


def usage_rows(
    usage: Fact[UsageReport], grants: Iterable[Grant], events: Sequence[Event] = (), permissions: PermissionSummary | None = None
) -> tuple[UsageRow, ...]:
    """One row a service that is granted, reported or seen, last used first, then the unused, by name.

    usage:  the report, or why there is none: then every row carries that state unless an event was seen
    events: those the identity made
    permissions: the summary, where the caller has it already; without it and without grants, what is granted is not known
    """
    held = tuple(grants)
    summary = permissions or summarize(held)
    told = summary.complete and bool(held or permissions)
    known_actions = catalogue()
    report = usage.value if usage.is_known else None
    granted = {service.prefix: service for service in summary.services}
    reported = {service.namespace.lower(): service for service in report.services} if report else {}
    seen = _seen(events, known_actions)
    rows = [
        _row(prefix, granted.get(prefix), reported.get(prefix), seen.get(prefix, {}), usage, told, known_actions)
        for prefix in {**granted, **reported, **seen}
    ]
    return tuple(sorted(rows, key=_newest_first))


def unused(rows: Iterable[UsageRow]) -> tuple[UsageRow, ...]:
    """The rows a reviewer may take away, as far as the sources carry that claim."""
    return tuple(row for row in rows if row.unused)


def event_prefix(event: Event, known_actions: Catalogue) -> str:
    """The IAM prefix of an event's service: its source's name, but for the few that differ."""
    name = event.service.lower()
    return name if name in known_actions else _EVENT_PREFIX.get(name, name)


def event_action(event: Event) -> str:
    """The action an event most likely needed: its operation without an API version (`ListDistributions2020_05_31`)."""
    return _VERSION.sub("", event.name)


def _seen(events: Sequence[Event], known_actions: Catalogue) -> dict[str, dict[str, Event]]:
    """Latest event by service prefix and action."""
    found: dict[str, dict[str, Event]] = {}
    for event in events:
        if event.time is None or not event.service:
            continue
        actions = found.setdefault(event_prefix(event, known_actions), {})
        name = event_action(event)
        held = actions.get(name)
        if held is None or held.time is None or held.time < event.time:
            actions[name] = event
    return found


def _row(
    prefix: str,
    granted: ServiceSummary | None,
    reported: ServiceUsage | None,
    seen: dict[str, Event],
    usage: Fact[UsageReport],
    complete: bool,
    known_actions: Catalogue,
) -> UsageRow:
    fact, region = _from_report(prefix, reported, usage)
    latest = max((event for event in seen.values() if event.time), key=lambda event: event.time or _BEGIN, default=None)
    if latest is not None and latest.time is not None and (not fact.is_known or fact.value is None or latest.time > fact.value):
        fact, region = known(latest.time, EVENTS, latest.time, latest.name), latest.region
    return UsageRow(
        namespace=prefix,
        name=(reported.name if reported else "") or (granted.name if granted else "") or known_actions.service_name(prefix),
        last_used=fact,
        region=region,
        entity_arn=reported.entity_arn if reported and fact.source != EVENTS else "",
        window=_window(fact, usage),
        granted=True if granted else (False if complete and prefix in known_actions else None),
        granted_by=granted.grants if granted else (),
        levels=granted.words if granted else "",
        actions=_actions(prefix, granted, reported, seen, known_actions),
        entities=reported.entities if reported else None,
    )


def _from_report(prefix: str, reported: ServiceUsage | None, usage: Fact[UsageReport]) -> tuple[Fact[Any], str]:
    if reported is not None:
        return reported.last_used, reported.region
    if usage.value is not None and usage.is_known:
        detail = f"{prefix} is not in AWS's report: it is not tracked, or was granted after the report was made"
        return absent(State.NOT_TRACKED, usage.source or usage.value.source, usage.value.completed, detail), ""
    return absent(usage.state, usage.source, usage.as_of, usage.detail), ""


def _window(fact: Fact[Any], usage: Fact[UsageReport]) -> str:
    if fact.source == EVENTS:
        return "the events read so far"
    report = usage.value
    if report is None or not usage.is_known:
        return ""
    since = f"since {report.tracking_from:%Y-%m-%d}" if report.tracking_from else "400 days at most"
    asked = f", asked {exact(report.completed)}" if report.completed else ""
    return f"{since}; lags about 4 h{asked}"


def _actions(
    prefix: str, granted: ServiceSummary | None, reported: ServiceUsage | None, seen: dict[str, Event], known_actions: Catalogue
) -> tuple[ActionRow, ...]:
    given = _granted_actions(prefix, granted, known_actions)
    service = known_actions.service(prefix)
    levels = {name: action.level.value for action, name in zip(service.actions, service.lowered, strict=True)} if service else {}

    def is_granted(lowered: str) -> bool | None:
        return lowered in given if lowered in levels else None

    told: dict[str, ActionUsage] = {action.name.lower(): action for action in reported.actions} if reported else {}
    rows: dict[str, ActionRow] = {}
    for lowered, action in told.items():
        rows[lowered] = ActionRow(action.name, action.last_used, action.region, levels.get(lowered, ""), is_granted(lowered))
    for name, event in seen.items():
        lowered = name.lower()
        held = rows.get(lowered)
        when = event.time or _BEGIN
        if held is None or not held.last_used.is_known or when > (held.last_used.value or _BEGIN):
            fact = known(when, EVENTS, when, event.origin)
            rows[lowered] = ActionRow(held.name if held else name, fact, event.region, levels.get(lowered, ""), is_granted(lowered))
    return tuple(sorted(rows.values(), key=lambda row: _order(row.last_used, row.name)))


def _granted_actions(prefix: str, granted: ServiceSummary | None, known_actions: Catalogue) -> frozenset[str]:
    service = known_actions.service(prefix)
    if granted is None or service is None:
        return frozenset()
    if granted.full:
        return frozenset(service.lowered)
    named = {name.lower() for level in granted.levels for name in level.actions}
    full = {level.level for level in granted.levels if level.full}
    return frozenset(named | {n for a, n in zip(service.actions, service.lowered, strict=True) if a.level.value in full})


_STATES = {state: rank for rank, state in enumerate(State)}


def _order(fact: Fact[datetime], name: str) -> tuple[int, float, str]:
    """Newest first, then by state, then by name."""
    if fact.is_known and fact.value is not None:
        return 0, -fact.value.timestamp(), name
    return 1 + _STATES[fact.state], 0.0, name


def _newest_first(row: UsageRow) -> tuple[int, float, str]:
    return _order(row.last_used, row.namespace)
