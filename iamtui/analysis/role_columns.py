"""Columns of the roles list."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ..model.account import ROLES, Snapshot
from ..model.fact import Fact, State, absent, known
from ..model.identity import Role
from .lists import Column, ColumnKind, from_section, source_of, time_from_section
from .trust import trusted_by
from .usage_columns import UNUSED_COLUMN, later

TRACKING_DAYS = 400


def last_used(role: Role, snapshot: Snapshot) -> Fact[Any]:
    """RoleLastUsed. Told but empty is *not in the tracking period*; a young role was tracked only since it was created,
    and `detail` says so."""
    source, as_of = source_of(snapshot, ROLES)
    if role.last_used is not None:
        return known(role.last_used, source, as_of, role.last_used_region)
    if not role.last_used_told:
        return absent(State.NOT_LOADED, source, as_of, "this answer does not carry RoleLastUsed; iam:GetRole does")
    if role.created is not None and as_of is not None and as_of - role.created < timedelta(days=TRACKING_DAYS):
        days = max((as_of - role.created).days, 0)
        return absent(State.NOT_IN_TRACKING_PERIOD, source, as_of, f"{days} d (created {role.created:%Y-%m-%d})")
    return absent(State.NOT_IN_TRACKING_PERIOD, source, as_of, f"{TRACKING_DAYS} d")


def _region(role: Role, snapshot: Snapshot) -> Fact[Any]:
    used = last_used(role, snapshot)
    if not used.is_known:
        return used
    if not role.last_used_region:
        return absent(State.NO_INFORMATION, used.source, used.as_of, "no Region told")
    return known(role.last_used_region, used.source, used.as_of)


def last_seen(role: Role, snapshot: Snapshot) -> Fact[Any]:
    """The latest of RoleLastUsed, last-accessed details and the events read; `detail` names which."""
    used = later(last_used(role, snapshot), role, snapshot)
    event: datetime | None = snapshot.last_events.get(role.arn)
    if event is not None and (not used.is_known or used.value is None or event > used.value):
        return known(event, "CloudTrail events", None, "event")
    return used


def _max_session(role: Role, snapshot: Snapshot) -> Fact[Any]:
    source, as_of = source_of(snapshot, ROLES)
    if role.max_session is None:
        return absent(State.NOT_LOADED, source, as_of, "iam:GetRole tells it")
    return known(timedelta(seconds=role.max_session), source, as_of)


def _kind(role: Role) -> str:
    if role.service_linked:
        return "service-linked"
    return "Identity Center" if role.identity_center else "own"


def _value(pick: Any) -> Any:
    return lambda role, snapshot: from_section(snapshot, ROLES, pick(role))


COLUMNS: tuple[Column, ...] = (
    Column("role", "ROLE", ColumnKind.TEXT, "Name of the role.", _value(lambda r: r.name), 30, 0),
    Column("account", "ACCOUNT", ColumnKind.TEXT, "Account the role is in.", lambda r, s: known(r.account), 12, 2),
    Column(
        "trusted-by",
        "TRUSTED BY",
        ColumnKind.LIST,
        "Who the trust policy lets assume the role: services, accounts, identity providers, anyone.",
        trusted_by,
        24,
        0,
    ),
    Column(
        "last-used",
        "LAST USED",
        ColumnKind.TIME,
        "RoleLastUsed: last use within the last 400 days, or since the role was created where that is shorter.",
        last_used,
        12,
        0,
    ),
    Column("region", "REGION", ColumnKind.TEXT, "Region of the last use.", _region, 12, 2),
    Column(
        "last-seen",
        "LAST SEEN",
        ColumnKind.TIME,
        "The latest of RoleLastUsed, last-accessed details and the events read; which one is in the detail.",
        last_seen,
        12,
        3,
    ),
    UNUSED_COLUMN,
    Column(
        "boundary",
        "BOUNDARY",
        ColumnKind.TEXT,
        "Name of the permissions boundary.",
        _value(lambda r: r.boundary.name or r.boundary.arn if r.boundary else ""),
        16,
        2,
    ),
    Column(
        "policies",
        "POLICIES",
        ColumnKind.NUMBER,
        "Attached and inline policies of the role.",
        _value(lambda r: len(r.attached) + len(r.inline)),
        8,
        2,
    ),
    Column("created", "CREATED", ColumnKind.TIME, "When the role was created.", lambda r, s: time_from_section(s, ROLES, r.created), 8, 1),
    Column(
        "max-session", "MAX SESSION", ColumnKind.NUMBER, "Longest session one may ask for; in seconds in JSON and CSV.", _max_session, 11, 3
    ),
    Column(
        "type",
        "TYPE",
        ColumnKind.TEXT,
        "service-linked (AWS owns it), Identity Center (a permission set made it), or own.",
        _value(_kind),
        14,
        4,
    ),
    Column("path", "PATH", ColumnKind.TEXT, "Path of the role.", _value(lambda r: r.path), 12, 4),
    Column(
        "description", "DESCRIPTION", ColumnKind.TEXT, "Description of the role.", _value(lambda r: r.description), 20, 4, detail_only=True
    ),
    Column(
        "tags",
        "TAGS",
        ColumnKind.LIST,
        "Tags, as key=value.",
        _value(lambda r: tuple(f"{k}={v}" for k, v in r.tags)),
        20,
        4,
        detail_only=True,
    ),
    Column(
        "unique-id",
        "UNIQUE ID",
        ColumnKind.TEXT,
        "Unique id (AROA…); a role re-created under the same name has another one.",
        _value(lambda r: r.unique_id),
        21,
        4,
        detail_only=True,
    ),
    Column("arn", "ARN", ColumnKind.TEXT, "ARN of the role.", lambda r, s: known(r.arn), 40, 4, detail_only=True),
)
