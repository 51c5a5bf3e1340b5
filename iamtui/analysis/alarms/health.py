"""Can this account be audited at all? What records, where it goes, how long it stays, and what nobody records."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from ...model import guards as watch
from ...model.account import CREDENTIALS, Snapshot
from ...model.event import Window, WindowState
from ...model.fact import State
from ...model.guards import Guards
from ..words import length as plain_age
from .healthrow import Health, Row, refused, some
from .recording import groups, recording, trails
from .samples import GLOBAL_REGION

_IAM_TYPES = ("AWS::IAM::User", "AWS::IAM::Role", "AWS::IAM::Group", "AWS::IAM::Policy")
_REPORT_OLD = timedelta(hours=24)


def health(guards: Guards, snapshot: Snapshot | None, windows: Sequence[Window], now: datetime, *, kind: str = "live") -> tuple[Row, ...]:
    """Every row, in the order an auditor asks."""
    rows = [*trails(guards, now), *recording(guards), *groups(guards), *_recorders(guards), *_analyzers(guards)]
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


def _recorders(guards: Guards) -> list[Row]:
    rows: list[Row] = []
    refused(rows, guards, watch.RECORDERS, "config", "whether changes of configuration are recorded cannot be told")
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
                some(bare),
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
                some(sorted(on)),
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
                    some(sorted({one.region for one in iam})),
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
    refused(rows, guards, watch.ANALYZERS, "analyzer", "whether AWS looks for open or unused access cannot be told")
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
                    f"no analyzer of {words} is active" + (f"; {some(idle)}" if idle else ""),
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
                    f"in {some(active)}; not in {some(bare)}",
                    "resources in those Regions are not looked at",
                )
            )
        else:
            rows.append(Row(f"analyzer.{kind}", "analyzer", words, Health.OK, f"in {some(active)}" + (f"; {some(idle)}" if idle else "")))
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
            some([w.region for w in refused]),
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
    where = f" in {some(regions)}" if regions else ""
    words = f"{(now - since).days} days back{where}" + (", not all of it read" if partial else "")
    means = "" if GLOBAL_REGION in regions or kind != "live" else f"IAM's events are in {GLOBAL_REGION}, which was not asked"
    return Row("history", "event history", "", Health.WEAK if partial or means else Health.OK, words, means)


__all__ = ["Health", "Row", "health"]
