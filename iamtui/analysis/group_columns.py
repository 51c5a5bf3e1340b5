"""Columns of the groups list."""

from __future__ import annotations

from typing import Any

from ..model.account import GROUPS, USERS, Snapshot
from ..model.fact import Fact, State, known
from ..model.identity import Group
from .lists import Column, ColumnKind, from_section, missing, source_of, time_from_section
from .reach import members_by_group
from .usage_columns import LAST_COLUMN, UNUSED_COLUMN
from .words import PARTIAL


def _members(group: Group, snapshot: Snapshot) -> Fact[Any]:
    """Counted over the users that were read: membership is told by the users."""
    section = snapshot.section(USERS)
    if section.state is not State.KNOWN:
        return missing(snapshot, USERS)
    source, as_of = source_of(snapshot, USERS)
    count = len(members_by_group(snapshot).get(group.name, ()))
    return known(count, source, as_of, "" if section.complete else f"{PARTIAL}: not all users were read")


def _member_names(group: Group, snapshot: Snapshot) -> Fact[Any]:
    count = _members(group, snapshot)
    if not count.is_known:
        return count
    return known(tuple(user.name for user in members_by_group(snapshot).get(group.name, ())), count.source, count.as_of, count.detail)


def _value(pick: Any) -> Any:
    return lambda group, snapshot: from_section(snapshot, GROUPS, pick(group))


COLUMNS: tuple[Column, ...] = (
    Column("group", "GROUP", ColumnKind.TEXT, "Name of the group.", _value(lambda g: g.name), 28, 0),
    Column("account", "ACCOUNT", ColumnKind.TEXT, "Account the group is in.", lambda g, s: known(g.account), 12, 2),
    Column("members", "MEMBERS", ColumnKind.NUMBER, "Users in the group, counted over the users read.", _members, 8, 0),
    Column(
        "policies",
        "POLICIES",
        ColumnKind.NUMBER,
        "Attached and inline policies of the group.",
        _value(lambda g: len(g.attached) + len(g.inline)),
        8,
        0,
    ),
    Column(
        "attached",
        "ATTACHED",
        ColumnKind.LIST,
        "Names of the managed policies attached to the group.",
        _value(lambda g: tuple(ref.name for ref in g.attached)),
        36,
        2,
    ),
    Column(
        "created", "CREATED", ColumnKind.TIME, "When the group was created.", lambda g, s: time_from_section(s, GROUPS, g.created), 8, 1
    ),
    LAST_COLUMN,
    UNUSED_COLUMN,
    Column("path", "PATH", ColumnKind.TEXT, "Path of the group.", _value(lambda g: g.path), 12, 3),
    Column("member-names", "MEMBER NAMES", ColumnKind.LIST, "Names of the members.", _member_names, 30, 4, detail_only=True),
    Column("unique-id", "UNIQUE ID", ColumnKind.TEXT, "Unique id (AGPA…).", _value(lambda g: g.unique_id), 21, 4, detail_only=True),
    Column("arn", "ARN", ColumnKind.TEXT, "ARN of the group.", lambda g, s: known(g.arn), 40, 4, detail_only=True),
)
