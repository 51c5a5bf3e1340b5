"""Columns of the policies list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model.account import GROUPS, POLICIES, ROLES, USERS, Snapshot
from ..model.fact import Fact, State, known
from ..model.identity import Group, Identity, User
from ..model.policy import Policy
from .lists import Column, ColumnKind, from_section, missing, source_of, time_from_section
from .reach import attached_to, bounded_by
from .usage_columns import LAST_COLUMN, UNUSED_COLUMN
from .words import PARTIAL


def label(identity: Identity) -> str:
    """`user/alice`, `role/ci`, `group/ops`."""
    kind = "user" if isinstance(identity, User) else "group" if isinstance(identity, Group) else "role"
    return f"{kind}/{identity.name}"


def _counted(policy: Policy, snapshot: Snapshot, told: int | None, found: Mapping[str, tuple[Identity, ...]], *sections: str) -> Fact[Any]:
    """AWS's own count; where it is not told, the identities read that have the policy, as a lower bound while some are missing."""
    if told is not None:
        return from_section(snapshot, POLICIES, told)
    for section in sections:
        if snapshot.section(section).state is not State.KNOWN:
            return missing(snapshot, section)
    complete = all(snapshot.section(section).complete for section in sections)
    source, as_of = source_of(snapshot, sections[0])
    count = len(found.get(policy.arn, ()))
    return known(count, f"counted over {source}", as_of, "" if complete else f"{PARTIAL}: not all identities were read")


def _attached(policy: Policy, snapshot: Snapshot) -> Fact[Any]:
    return _counted(policy, snapshot, policy.attachment_count, attached_to(snapshot), USERS, ROLES, GROUPS)


def _boundary(policy: Policy, snapshot: Snapshot) -> Fact[Any]:
    return _counted(policy, snapshot, policy.boundary_count, bounded_by(snapshot), USERS, ROLES)


def _names(policy: Policy, snapshot: Snapshot) -> Fact[Any]:
    for section in (USERS, ROLES, GROUPS):
        if snapshot.section(section).state is not State.KNOWN:
            return missing(snapshot, section)
    source, as_of = source_of(snapshot, USERS)
    return known(tuple(label(identity) for identity in attached_to(snapshot).get(policy.arn, ())), source, as_of)


def _value(pick: Any) -> Any:
    return lambda policy, snapshot: from_section(snapshot, POLICIES, pick(policy))


COLUMNS: tuple[Column, ...] = (
    Column("policy", "POLICY", ColumnKind.TEXT, "Name of the managed policy.", _value(lambda p: p.name), 34, 0),
    Column("account", "ACCOUNT", ColumnKind.TEXT, "Account the policy was read in.", lambda p, s: known(s.account), 12, 2),
    Column(
        "owner",
        "OWNER",
        ColumnKind.TEXT,
        "AWS for a policy AWS manages, own for one of this account.",
        _value(lambda p: "AWS" if p.aws_managed else "own"),
        5,
        1,
    ),
    Column("attached", "ATTACHED", ColumnKind.NUMBER, "Users, roles and groups it is attached to.", _attached, 8, 0),
    Column("boundary-use", "BOUNDARY OF", ColumnKind.NUMBER, "Users and roles whose permissions boundary it is.", _boundary, 11, 2),
    Column("versions", "VERSIONS", ColumnKind.NUMBER, "Stored versions that were read.", _value(lambda p: len(p.versions)), 8, 1),
    Column("default", "DEFAULT", ColumnKind.TEXT, "The version in force.", _value(lambda p: p.default_version_id), 7, 3),
    Column(
        "last-edited",
        "LAST EDITED",
        ColumnKind.TIME,
        "When its newest version was made.",
        lambda p, s: time_from_section(s, POLICIES, p.updated),
        11,
        0,
    ),
    Column(
        "created", "CREATED", ColumnKind.TIME, "When the policy was created.", lambda p, s: time_from_section(s, POLICIES, p.created), 8, 2
    ),
    LAST_COLUMN,
    UNUSED_COLUMN,
    Column("path", "PATH", ColumnKind.TEXT, "Path of the policy.", _value(lambda p: p.path), 12, 4),
    Column("attached-to", "ATTACHED TO", ColumnKind.LIST, "Names of those it is attached to.", _names, 30, 4, detail_only=True),
    Column(
        "description",
        "DESCRIPTION",
        ColumnKind.TEXT,
        "Description of the policy.",
        _value(lambda p: p.description),
        30,
        4,
        detail_only=True,
    ),
    Column(
        "tags",
        "TAGS",
        ColumnKind.LIST,
        "Tags, as key=value.",
        _value(lambda p: tuple(f"{k}={v}" for k, v in p.tags)),
        20,
        4,
        detail_only=True,
    ),
    Column("policy-id", "POLICY ID", ColumnKind.TEXT, "Unique id (ANPA…).", _value(lambda p: p.policy_id), 21, 4, detail_only=True),
    Column("arn", "ARN", ColumnKind.TEXT, "ARN of the policy.", lambda p, s: known(p.arn), 40, 4, detail_only=True),
)
