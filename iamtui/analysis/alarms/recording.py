"""Logging health: trails, what they record together, and the log groups they deliver to."""

from __future__ import annotations

import shlex
from datetime import datetime

from ...model import guards as watch
from ...model.guards import Guards, Trail
from ..words import length as plain_age
from .healthrow import Health, Row, refused, some, state_of
from .keeping import STALE, selected
from .links import not_read

_SHORT_RETENTION = 90


def trails(guards: Guards, now: datetime) -> list[Row]:
    rows: list[Row] = []
    refused(rows, guards, watch.TRAILS, "trails", "whether anything is recorded beyond event history cannot be told")
    if not guards.trails:
        if any(fact.is_known for (what, _), fact in guards.asked.items() if what == watch.TRAILS):
            rows.append(
                Row(
                    "trails",
                    "trails",
                    "none",
                    Health.MISSING,
                    "there is no trail in any Region that was asked",
                    "management events can be looked up for 90 days, one Region at a time; data events are recorded nowhere",
                    "aws cloudtrail create-trail --name NAME --s3-bucket-name BUCKET --is-multi-region-trail --enable-log-file-validation",
                )
            )
        return rows
    for trail in guards.trails.values():
        rows.extend(_trail(trail, guards, now))
    return rows


def _trail(trail: Trail, guards: Guards, now: datetime) -> list[Row]:
    rows: list[Row] = []
    elsewhere = f" (with credentials of account {trail.account})" if guards.account and trail.account != guards.account else ""
    update = f"aws cloudtrail update-trail --name {shlex.quote(trail.arn)} --region {shlex.quote(trail.home)}"
    source, as_of = trail.status.source, trail.status.as_of

    def row(id: str, state: Health, found: str, means: str = "", todo: str = "") -> None:
        rows.append(Row(f"trail.{id}", "trail", trail.name, state, found, means, f"{todo}{elsewhere}" if todo else "", source, as_of))

    status = trail.status.value
    if status is None:
        row("logging", state_of(trail.status), f"whether it logs: {not_read(trail.status)}")
    elif not status.logging:
        since = f" since {status.stopped:%Y-%m-%d %H:%M}" if status.stopped else ""
        start = f"aws cloudtrail start-logging --name {shlex.quote(trail.arn)} --region {shlex.quote(trail.home)}"
        row("logging", Health.MISSING, f"stopped{since}", "it records nothing, and rules of EventBridge get no calls by it", start)
    else:
        age = now - status.delivered if status.delivered else None
        if status.delivery_error:
            row(
                "logging",
                Health.WEAK,
                f"logging, but cannot deliver: {status.delivery_error}",
                "events are lost for the bucket",
                "look at the bucket's policy and key",
            )
        elif age is None:
            row("logging", Health.WEAK, "logging; no delivery is told yet")
        elif age > STALE:
            row(
                "logging",
                Health.WEAK,
                f"logging; last delivery {plain_age(age)} ago",
                "a trail delivers within minutes",
                "look at the bucket",
            )
        else:
            row("logging", Health.OK, f"logging; last delivery {plain_age(age)} ago")
    whose = f", the organisation's, of account {trail.account}" if trail.organization else ""
    if trail.multi_region:
        row("regions", Health.OK, f"records every Region{whose}")
    else:
        row(
            "regions",
            Health.WEAK,
            f"records {trail.home} only{whose}",
            "calls in other Regions are not in it",
            f"{update} --is-multi-region-trail",
        )
    if not trail.global_events:
        row(
            "global",
            Health.WEAK,
            "leaves out global services",
            "no IAM, sign-in or STS events are in it",
            f"{update} --include-global-service-events",
        )
    row(
        "validation",
        Health.OK if trail.validation else Health.WEAK,
        "log file validation is on" if trail.validation else "no log file validation",
        "" if trail.validation else "a changed or deleted log file cannot be told from an untouched one",
        "" if trail.validation else f"{update} --enable-log-file-validation",
    )
    row(
        "encryption",
        Health.OK if trail.kms_key else Health.WEAK,
        f"encrypted with {trail.kms_key}" if trail.kms_key else "encrypted with the bucket's own key",
        "" if trail.kms_key else "who may read the bucket may read the log",
        "" if trail.kms_key else f"{update} --kms-key-id KEY",
    )
    if trail.log_group:
        error = status.logs_error if status is not None else ""
        late = status is not None and status.logs_delivered is not None and now - status.logs_delivered > STALE
        state = Health.WEAK if error or late else Health.OK
        row(
            "logs",
            state,
            f"delivers to log group {trail.log_group.rpartition(':')[2]}"
            + (f", failing: {error}" if error else ", nothing for a day" if late else ""),
        )
    elif any(other.log_group for other in guards.trails.values()):
        row("logs", Health.OK, "delivers to its bucket only; alarms stand on another trail's log group")
    else:
        row(
            "logs",
            Health.WEAK,
            "delivers to no log group",
            "no metric filter and no alarm can see it",
            f"{update} --cloud-watch-logs-log-group-arn ARN --cloud-watch-logs-role-arn ROLE",
        )
    return rows


_MANAGEMENT = {
    "read": {"eventCategory": "Management", "managementEvent": True, "readOnly": True, "eventSource": "iam.amazonaws.com"},
    "write": {"eventCategory": "Management", "managementEvent": True, "readOnly": False, "eventSource": "iam.amazonaws.com"},
}


def recording(guards: Guards) -> list[Row]:
    """What all trails together record: management events, and data events of which resources."""
    if not guards.trails:
        return []
    rows: list[Row] = []
    for kind, record in _MANAGEMENT.items():
        keeping: list[str] = []
        unclear: list[str] = []
        for trail in guards.trails.values():
            told = selected(trail, record)
            if (trail.status.value is None or trail.status.value.logging) and trail.multi_region and trail.global_events:
                (keeping if told.answer else unclear if told.answer is None else []).append(trail.name)
        found = f"calls that {kind} are recorded by {some(keeping)}" if keeping else f"no trail of every Region records calls that {kind}"
        state = Health.OK if keeping else Health.UNKNOWN if unclear else Health.MISSING if kind == "write" else Health.WEAK
        means = "" if keeping else "who looked at what is not kept" if kind == "read" else "changes are not kept beyond 90 days"
        if not keeping and unclear:
            found, means = f"whether calls that {kind} are recorded: the event selectors of {some(unclear)} were not read", ""
        rows.append(Row(f"recording.{kind}", "management events", kind, state, found, means))
    data: list[str] = []
    unread = [trail.name for trail in guards.trails.values() if trail.selectors.value is None and trail.custom is not False]
    for trail in guards.trails.values():
        for selector in trail.selectors.value or ():
            tests = {(test.field, test.operator): test.values for test in selector.tests}
            if tests.get(("eventCategory", "Equals"), ("",))[0] != "Data":
                continue
            kinds = ", ".join(tests.get(("resources.type", "Equals"), ("resources",)))
            arns = [
                arn
                for (field, operator), values in tests.items()
                if field == "resources.ARN" and not operator.startswith("Not")
                for arn in values
            ]
            spared = [
                arn
                for (field, operator), values in tests.items()
                if field == "resources.ARN" and operator.startswith("Not")
                for arn in values
            ]
            data.append(f"{kinds}: {some(arns) if arns else 'all'}" + (f" but {some(spared)}" if spared else ""))
    if data:
        rows.append(
            Row(
                "recording.data",
                "data events",
                f"{len(data)} {'kind' if len(data) == 1 else 'kinds'}",
                Health.OK,
                "; ".join(data),
                "reads and writes of other objects are recorded nowhere",
            )
        )
    elif unread:
        rows.append(Row("recording.data", "data events", "", Health.UNKNOWN, f"the event selectors of {some(unread)} were not read"))
    else:
        means = "who read an object in a bucket, or called a function, cannot be told afterwards"
        rows.append(
            Row(
                "recording.data",
                "data events",
                "none",
                Health.WEAK,
                "no data events are recorded",
                means,
                "aws cloudtrail put-event-selectors --trail-name TRAIL --advanced-event-selectors …",
            )
        )
    return rows


def groups(guards: Guards) -> list[Row]:
    rows: list[Row] = []
    for trail in guards.trails.values():
        if not trail.log_group:
            continue
        group = guards.groups.get(trail.log_group)
        parts = trail.log_group.split(":", 6)
        region, account, name = (parts[3], parts[4], parts[6]) if len(parts) == 7 else ("", "", trail.log_group)
        if account and guards.account and account != guards.account:
            found = f"is in account {account}"
            rows.append(
                Row(
                    "log-group",
                    "log group",
                    name,
                    Health.UNKNOWN,
                    found,
                    "its retention, filters and alarms can be read with that account's credentials only",
                )
            )
            continue
        state = guards.state(watch.GROUPS, region)
        if group is None and state.is_known:
            rows.append(
                Row(
                    "log-group",
                    "log group",
                    name,
                    Health.MISSING,
                    f"is gone, and trail {trail.name} delivers to it",
                    "its filters and alarms see nothing",
                )
            )
        elif group is None:
            rows.append(Row("log-group", "log group", name, state_of(state), f"its retention: {not_read(state)}"))
        elif group.retention is None:
            rows.append(Row("log-group", "log group", name, Health.OK, "keeps events for ever", "which costs, and loses nothing"))
        else:
            short = group.retention < _SHORT_RETENTION
            todo = (
                f"aws logs put-retention-policy --log-group-name {shlex.quote(name)} --retention-in-days 365 --region {shlex.quote(region)}"
            )
            means = "searches here reach no further than event history; the bucket may keep more" if short else ""
            rows.append(
                Row(
                    "log-group",
                    "log group",
                    name,
                    Health.WEAK if short else Health.OK,
                    f"keeps events for {group.retention} days",
                    means,
                    todo if short else "",
                )
            )
    return rows
