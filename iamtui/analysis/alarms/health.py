"""Can this account be audited at all? What records, where it goes, how long it stays, and what nobody records."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from ...model import guards as watch
from ...model.account import CREDENTIALS, Snapshot
from ...model.event import Window, WindowState
from ...model.fact import Fact, State
from ...model.guards import Guards, Trail
from ..words import length as plain_age
from .keeping import STALE, selected
from .links import not_read
from .samples import GLOBAL_REGION

_IAM_TYPES = ("AWS::IAM::User", "AWS::IAM::Role", "AWS::IAM::Group", "AWS::IAM::Policy")
_SHORT_RETENTION = 90
_REPORT_OLD = timedelta(hours=24)


class Health(StrEnum):
    OK = "ok"
    WEAK = "weak"
    MISSING = "missing"
    DENIED = "denied"
    UNKNOWN = "unknown"


class Row(msgspec.Struct, frozen=True):
    """One line of the page.

    id:     stable name of the check (`trail.logging`)
    name:   what it is about: a trail, a log group, a Region; may be hostile text
    found:  what is so; means: what follows from it; todo: what to do, text to copy where that is one command
    """

    id: str
    subject: str
    name: str
    state: Health
    found: str
    means: str = ""
    todo: str = ""
    source: str = ""
    as_of: datetime | None = None


def health(guards: Guards, snapshot: Snapshot | None, windows: Sequence[Window], now: datetime, *, kind: str = "live") -> tuple[Row, ...]:
    """Every row, in the order an auditor asks."""
    rows = [*_trails(guards, now), *_recording(guards), *_groups(guards), *_recorders(guards), *_analyzers(guards)]
    rows += [_report(snapshot, now), _history(windows, now, kind)]
    if guards.off:
        rows.append(
            Row(
                "regions.off",
                "Regions",
                f"{len(guards.off)} not enabled",
                Health.OK,
                ", ".join(sorted(guards.off)),
                "nothing happens there",
            )
        )
    return tuple(rows)


def _state_of(fact: Fact[Any]) -> Health:
    return Health.DENIED if fact.state is State.DENIED else Health.UNKNOWN


def _refused(rows: list[Row], guards: Guards, what: str, id: str, means: str) -> None:
    """A row for the Regions in which something could not be read; one for all with the same reason."""
    reasons: dict[tuple[Health, str], list[str]] = {}
    for (name, region), fact in guards.asked.items():
        if name == what and not fact.is_known and region not in guards.off:
            reasons.setdefault((_state_of(fact), not_read(fact)), []).append(region)
    for (state, words), regions in reasons.items():
        rows.append(Row(id, what, _some(sorted(regions)), state, words, means, "iamtui info --policy prints what is needed"))
    if not any(name == what for name, _ in guards.asked):
        rows.append(Row(id, what, "nowhere", Health.UNKNOWN, "it was not read", means))


def _some(names: Sequence[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _trails(guards: Guards, now: datetime) -> list[Row]:
    rows: list[Row] = []
    _refused(rows, guards, watch.TRAILS, "trails", "whether anything is recorded beyond event history cannot be told")
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
        row("logging", _state_of(trail.status), f"whether it logs: {not_read(trail.status)}")
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


def _recording(guards: Guards) -> list[Row]:
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
        found = f"calls that {kind} are recorded by {_some(keeping)}" if keeping else f"no trail of every Region records calls that {kind}"
        state = Health.OK if keeping else Health.UNKNOWN if unclear else Health.MISSING if kind == "write" else Health.WEAK
        means = "" if keeping else "who looked at what is not kept" if kind == "read" else "changes are not kept beyond 90 days"
        if not keeping and unclear:
            found, means = f"whether calls that {kind} are recorded: the event selectors of {_some(unclear)} were not read", ""
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
            data.append(f"{kinds}: {_some(arns) if arns else 'all'}" + (f" but {_some(spared)}" if spared else ""))
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
        rows.append(Row("recording.data", "data events", "", Health.UNKNOWN, f"the event selectors of {_some(unread)} were not read"))
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


def _groups(guards: Guards) -> list[Row]:
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
            rows.append(Row("log-group", "log group", name, _state_of(state), f"its retention: {not_read(state)}"))
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


def _recorders(guards: Guards) -> list[Row]:
    rows: list[Row] = []
    _refused(rows, guards, watch.RECORDERS, "config", "whether changes of configuration are recorded cannot be told")
    asked = [
        region for (what, region), fact in guards.asked.items() if what == watch.RECORDERS and fact.is_known and region not in guards.off
    ]
    on = {recorder.region for recorder in guards.recorders.values() if recorder.recording}
    for recorder in guards.recorders.values():
        if recorder.recording is None:
            rows.append(
                Row(
                    "config.recorder",
                    "Config recorder",
                    recorder.region,
                    Health.UNKNOWN,
                    f"{recorder.name}: whether it records was not read",
                )
            )
        elif not recorder.recording:
            start = f"aws configservice start-configuration-recorder --configuration-recorder-name {shlex.quote(recorder.name)} --region {shlex.quote(recorder.region)}"
            rows.append(
                Row(
                    "config.recorder",
                    "Config recorder",
                    recorder.region,
                    Health.MISSING,
                    f"{recorder.name} is stopped",
                    "what resources looked like is not kept",
                    start,
                )
            )
        elif recorder.error and recorder.status.upper() == "FAILURE":
            rows.append(Row("config.recorder", "Config recorder", recorder.region, Health.WEAK, f"{recorder.name} fails: {recorder.error}"))
    bare = sorted(set(asked) - {recorder.region for recorder in guards.recorders.values()})
    if asked and not on:
        rows.append(
            Row(
                "config.recorder",
                "Config recorder",
                "none",
                Health.MISSING,
                "no Region has a recorder that records",
                "what resources looked like before a change is not kept",
                "aws configservice put-configuration-recorder …",
            )
        )
    elif bare:
        rows.append(
            Row(
                "config.recorder",
                "Config recorder",
                _some(bare),
                Health.WEAK,
                f"no recorder in {len(bare)} of {len(asked)} Regions",
                "changes of resources there are not kept",
            )
        )
    if on:
        rows.append(
            Row(
                "config.recorder",
                "Config recorder",
                _some(sorted(on)),
                Health.OK,
                f"records in {len(on)} of {len(asked) or len(on)} Regions",
            )
        )
        iam = [recorder for recorder in guards.recorders.values() if recorder.recording and _iam_types(recorder)]
        if iam:
            rows.append(
                Row(
                    "config.iam",
                    "IAM in Config",
                    _some(sorted({one.region for one in iam})),
                    Health.OK,
                    "users, roles, groups and policies are recorded",
                )
            )
        else:
            rows.append(
                Row(
                    "config.iam",
                    "IAM in Config",
                    "nowhere",
                    Health.WEAK,
                    "no recorder records the four IAM types",
                    "what a policy or a trust said before a change is in no configuration item",
                )
            )
    return rows


def _iam_types(recorder: watch.Recorder) -> bool:
    if recorder.types:
        return set(_IAM_TYPES) <= set(recorder.types)
    if not recorder.all_types or set(_IAM_TYPES) & set(recorder.left_out):
        return False
    return recorder.global_types or bool(recorder.left_out)


_ANALYZERS: Mapping[str, tuple[str, str]] = {
    "external": ("external access", "what is open to the outside is looked at by iamtui's own exposure alone"),
    "unused": ("unused access", "what is not used is judged from Access Advisor and events alone (an analyzer costs per identity)"),
    "internal": ("internal access", "who inside reaches a critical resource is not watched (it costs per resource)"),
}


def _analyzers(guards: Guards) -> list[Row]:
    rows: list[Row] = []
    _refused(rows, guards, watch.ANALYZERS, "analyzer", "whether AWS looks for open or unused access cannot be told")
    asked = [
        region for (what, region), fact in guards.asked.items() if what == watch.ANALYZERS and fact.is_known and region not in guards.off
    ]
    if not asked:
        return rows
    for kind, (words, means) in _ANALYZERS.items():
        found = [one for one in guards.analyzers.values() if _kind(one.type) == kind]
        active = sorted({one.region for one in found if one.status in ("ACTIVE", "")})
        idle = sorted({f"{one.name} is {one.status}" for one in found if one.status not in ("ACTIVE", "")})
        bare = sorted(set(asked) - set(active))
        wants_all = kind == "external"
        if not active:
            state = Health.WEAK if kind == "external" else Health.MISSING
            todo = "aws accessanalyzer create-analyzer --type ACCOUNT --analyzer-name NAME (free)" if kind == "external" else ""
            rows.append(
                Row(
                    f"analyzer.{kind}",
                    "analyzer",
                    words,
                    state,
                    f"no analyzer of {words} is active" + (f"; {_some(idle)}" if idle else ""),
                    means,
                    todo,
                )
            )
        elif bare and wants_all:
            rows.append(
                Row(
                    f"analyzer.{kind}",
                    "analyzer",
                    words,
                    Health.WEAK,
                    f"in {_some(active)}; not in {_some(bare)}",
                    "resources in those Regions are not looked at",
                )
            )
        else:
            rows.append(Row(f"analyzer.{kind}", "analyzer", words, Health.OK, f"in {_some(active)}" + (f"; {_some(idle)}" if idle else "")))
    return rows


def _kind(type: str) -> str:
    return "unused" if "UNUSED" in type else "internal" if "INTERNAL" in type else "external"


def _report(snapshot: Snapshot | None, now: datetime) -> Row:
    section = snapshot.section(CREDENTIALS) if snapshot is not None else None
    if section is None or section.state is not State.KNOWN or section.as_of is None:
        state = Health.DENIED if section is not None and section.state is State.DENIED else Health.UNKNOWN
        found = f"not on hand: {section.detail or section.state.value}" if section is not None else "not on hand"
        return Row(
            "credential-report",
            "credential report",
            "",
            state,
            found,
            "passwords, MFA and keys of all users cannot be judged",
            "aws iam generate-credential-report",
        )
    age = now - section.as_of
    name = section.origin.name if section.origin else ""
    old = age > _REPORT_OLD
    return Row(
        "credential-report",
        "credential report",
        "",
        Health.WEAK if old else Health.OK,
        f"{plain_age(age)} old",
        "what happened since is not in it" if old else "",
        "r reads it again" if old else "",
        name,
        section.as_of,
    )


def _history(windows: Sequence[Window], now: datetime, kind: str) -> Row:
    """How far back events can be asked about, as far as that was tried."""
    covered = [w for w in windows if w.since is not None and w.state in (WindowState.COVERED, WindowState.PARTIAL, WindowState.RUNNING)]
    refused = [w for w in windows if w.state in (WindowState.DENIED, WindowState.FAILED)]
    if refused:
        state = Health.DENIED if refused[0].state is WindowState.DENIED else Health.UNKNOWN
        return Row(
            "history",
            "event history",
            _some([w.region for w in refused]),
            state,
            refused[0].reason,
            "what happened there cannot be looked up",
        )
    since = min((w.since for w in covered if w.since is not None), default=None)
    if since is None:
        return Row(
            "history",
            "event history",
            "",
            Health.UNKNOWN,
            "no events were asked for yet",
            "CloudTrail keeps 90 days of management events per Region",
        )
    regions = sorted({w.region for w in covered if w.region})
    partial = any(w.state is not WindowState.COVERED for w in covered)
    where = f" in {_some(regions)}" if regions else ""
    words = f"{(now - since).days} days back{where}" + (", not all of it read" if partial else "")
    means = "" if GLOBAL_REGION in regions or kind != "live" else f"IAM's events are in {GLOBAL_REGION}, which was not asked"
    return Row("history", "event history", "", Health.WEAK if partial or means else Health.OK, words, means)
