"""Whether a trail keeps an event, and whether its log group gets it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from ...model import guards as watch
from ...model.guards import FieldTest, Guards, Selector, Trail
from .links import Link, Standing, not_read
from .samples import GLOBAL_SOURCES
from .told import Free, Told, all_of, any_of, unknown

STALE = timedelta(days=1)
"""A trail delivers within minutes as long as anything happens; a day without is no pause."""


def keeps(trail: Trail, record: dict[str, Any], region: str) -> Link:
    """Whether a trail records an event of a Region."""
    source = str(record.get("eventSource", "")).removesuffix(".amazonaws.com")

    def link(standing: Standing, words: str) -> Link:
        return Link("trail", trail.name, standing, words, trail.home)

    if not trail.multi_region and region and trail.home != region:
        return link(Standing.BROKEN, f"records {trail.home} only; the event is recorded in {region}")
    if source in GLOBAL_SOURCES and not trail.global_events:
        return link(Standing.BROKEN, "leaves out the events of global services, IAM's among them")
    if trail.status.value is None:
        return link(Standing.UNKNOWN, f"whether it is logging: {not_read(trail.status)}")
    status = trail.status.value
    if not status.logging:
        since = f" since {status.stopped:%Y-%m-%d %H:%M}" if status.stopped else ""
        return link(Standing.BROKEN, f"is stopped{since}")
    told = selected(trail, record)
    if told.answer is None:
        return link(Standing.UNKNOWN, f"whether it records this event: {told.why}")
    if not told.answer:
        return link(Standing.BROKEN, "its event selectors leave this event out")
    return link(Standing.OK, "records it, in every Region" if trail.multi_region else f"records it, in {trail.home}")


def selected(trail: Trail, record: dict[str, Any]) -> Told:
    """Whether a trail's event selectors take an event; without any of its own it takes every management event."""
    selectors = trail.selectors.value
    if selectors is None:
        if trail.custom is False:
            return Told(record.get("managementEvent") is not False)
        return unknown(f"its event selectors: {not_read(trail.selectors)}")
    if not selectors and not trail.custom:
        return Told(record.get("managementEvent") is not False)
    return any_of(takes(selector, record) for selector in selectors)


def takes(selector: Selector, record: dict[str, Any]) -> Told:
    """Whether one selector takes an event."""
    return all_of(_test(test, record) for test in selector.tests)


def _test(test: FieldTest, record: dict[str, Any]) -> Told:
    values = _values(test.field, record)
    if any(isinstance(value, Free) for value in values):
        if test.operator.startswith("Not"):
            return Told(True, "", (f"{test.field} is {test.values[0] if test.values else 'left out'}",))
        return unknown(f"only for certain {test.field}")
    if not values:
        return unknown(f"{test.field} is not told") if not test.operator.startswith("Not") else Told(True)
    checks: dict[str, Callable[[str], bool]] = {
        "Equals": lambda value: value in test.values,
        "StartsWith": lambda value: value.startswith(test.values),
        "EndsWith": lambda value: value.endswith(test.values),
    }
    check = checks.get(test.operator.removeprefix("Not"))
    if check is None:
        return unknown(f"the operator {test.operator} is not documented")
    hit = any(check(str(value)) for value in values)
    return Told(hit is not test.operator.startswith("Not"))


def _values(field: str, record: dict[str, Any]) -> list[Any]:
    if field == "eventCategory":
        return [record.get("eventCategory") or ("Data" if record.get("managementEvent") is False else "Management")]
    if field == "readOnly":
        value = record.get("readOnly")
        return ["true" if value else "false"] if isinstance(value, bool) else []
    if field in ("resources.type", "resources.ARN"):
        name = field.partition(".")[2]
        entries = record.get("resources")
        return [entry[name] for entry in entries if isinstance(entry, dict) and name in entry] if isinstance(entries, list) else []
    if field == "userIdentity.arn":
        identity = record.get("userIdentity")
        arn = identity.get("arn") if isinstance(identity, dict) else None
        return [] if arn is None else [arn]
    value = record.get(field)
    return [] if value is None else [value]


def delivers(trail: Trail, guards: Guards, now: datetime) -> Link:
    """Whether what a trail records reaches a log group whose filters can be looked at."""
    arn = trail.log_group
    if not arn:
        return Link("log group", "none", Standing.BROKEN, "the trail delivers to no log group, so no metric filter sees it", trail.home)
    parts = arn.split(":", 6)
    name, region, account = (parts[6], parts[3], parts[4]) if len(parts) == 7 else (arn, trail.home, trail.account)
    status = trail.status.value

    def link(standing: Standing, words: str) -> Link:
        return Link("log group", name, standing, words, region)

    if account and guards.account and account != guards.account:
        return link(Standing.UNKNOWN, f"is in account {account}; its filters and alarms can be read with that account's credentials only")
    if status is not None and status.logs_error:
        return link(Standing.BROKEN, f"CloudTrail cannot deliver to it: {status.logs_error}")
    if guards.state(watch.GROUPS, region).is_known and arn not in guards.groups:
        return link(Standing.BROKEN, "is gone: there is no log group of that name")
    if status is None:
        return link(Standing.UNKNOWN, f"whether anything arrives: {not_read(trail.status)}")
    if status.logs_delivered is None:
        return link(Standing.UNKNOWN, "no delivery to it is told")
    as_of = trail.status.as_of or now
    if as_of - status.logs_delivered > STALE:
        return link(Standing.BROKEN, f"nothing has arrived since {status.logs_delivered:%Y-%m-%d %H:%M}")
    return link(Standing.OK, f"last delivery {status.logs_delivered:%Y-%m-%d %H:%M}")
