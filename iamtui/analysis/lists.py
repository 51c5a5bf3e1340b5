"""The lists: which columns each has and the fact behind every cell. One definition for panes, commands, filter and sort."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

import msgspec

from ..model.account import ROLES, SUMMARY, USERS, Snapshot
from ..model.fact import Fact, State, absent, known
from ..model.identity import User
from .words import csv_text, machine, plain

Value = str | int | bool | datetime | timedelta | tuple[str, ...]

ROOT_NAME = "<root_account>"


class ColumnKind(StrEnum):
    TEXT = "text"
    NUMBER = "number"  # int, or timedelta for a length of time
    BOOL = "bool"
    TIME = "time"  # datetime; a past moment, shown relative in lists
    LIST = "list"  # tuple of str


class Column(msgspec.Struct, frozen=True, eq=False):
    """One column.

    id:    stable name: JSON field, CSV header, `id:value` in filters, sort key (`last-seen`)
    title: heading on screen, upper case, short
    help:  one sentence: what it says and from where
    width: cells wanted at 160 columns; `priority` 0 stays longest when room gets scarce
    fact:  (item, snapshot it belongs to) -> the cell
    """

    id: str
    title: str
    kind: ColumnKind
    help: str
    fact: Callable[[Any, Any], Fact[Any]]
    width: int = 12
    priority: int = 1
    detail_only: bool = False  # in JSON and CSV, not on screen


@lru_cache(maxsize=64)
def columns(
    kind: str, several_accounts: bool = False, advised: bool = False, marked: bool = False, named: bool = False
) -> tuple[Column, ...]:
    """The columns of `users`, `roles`, `groups`, `policies`, `events` or `findings`, in their order on screen.

    In JSON and CSV always, on screen only where it tells something: the account when there are several, its name when one of them has
    one (`named`), what last-accessed details tell when they were asked for (`advised`), the decision of a review when there is any (`marked`).
    """
    found = _columns(kind)
    if kind != "events":
        from .review_columns import with_review

        # A policy's owner column tells AWS's policies from one's own; findings belong to what they are about.
        found = with_review(found, owner_id="owned-by" if kind == "policies" else "owner", owned=kind != "findings")
        at = next(place for place, column in enumerate(found) if column.id == "account") + 1
        found = (*found[:at], _ACCOUNT_NAME, *found[at:])
    shown = {"account": several_accounts, "account-name": several_accounts and named, "mark": marked}
    found = tuple(msgspec.structs.replace(c, detail_only=not shown[c.id]) if c.id in shown else c for c in found)
    if shown["account-name"]:  # where there is room for one of them it is the name
        found = tuple(msgspec.structs.replace(c, priority=4) if c.id == "account" else c for c in found)
    if advised:
        found = tuple(
            msgspec.structs.replace(c, detail_only=False, priority=min(c.priority, _ADVISED[c.id])) if c.id in _ADVISED else c
            for c in found
        )
    return found


_ACCOUNT_NAME = Column(
    "account-name",
    "ACCOUNT NAME",
    ColumnKind.TEXT,
    "What people call the account: its alias, else its name in the organisation, else its id.",
    lambda _, snapshot: known(snapshot.label),
    16,
    1,
)
"""Of all lists but events: those may be of accounts nobody has read."""

_ADVISED = {"last-seen": 1, "last-accessed": 1, "unused-services": 0}
"""What last-accessed details tell in a list, and how long it stays when room gets scarce."""


def _columns(kind: str) -> tuple[Column, ...]:
    if kind == "users":
        from .user_columns import COLUMNS
    elif kind == "roles":
        from .role_columns import COLUMNS
    elif kind == "groups":
        from .group_columns import COLUMNS
    elif kind == "policies":
        from .policy_columns import COLUMNS
    elif kind == "events":
        from .event_columns import COLUMNS
    elif kind == "findings":
        from .finding_columns import COLUMNS
    else:
        raise ValueError(f"there is no list of {kind}")
    return COLUMNS


def account_rows(snapshot: Snapshot) -> tuple[User, ...]:
    """The users list of an account: root first, where anything about it is known, then the users by name.

    Root is no IAM user, but the credential report tells of it as of one: its row is a User named `<root_account>` with
    the ARN `arn:…:root` and no unique id. Where the users themselves were not read (a credential report alone), its rows
    stand in for them; what only GetAccountAuthorizationDetails tells is then `not loaded`.
    """
    rows: list[User] = []
    root = next((row for row in snapshot.credentials.values() if row.is_root), None)
    if root is not None:
        created = root.created.value if root.created.is_known else None
        rows.append(User(root.arn, ROOT_NAME, "", "/", snapshot.account, created))
    elif snapshot.section(SUMMARY).state is State.KNOWN and snapshot.summary:
        rows.append(User(f"arn:{snapshot.partition}:iam::{snapshot.account}:root", ROOT_NAME, "", "/", snapshot.account, None))
    if snapshot.section(USERS).complete or not snapshot.credentials:
        return (*rows, *snapshot.users)
    told = {user.arn for user in snapshot.users}
    reported = [
        User(row.arn, row.name, "", "/", snapshot.account, row.created.value if row.created.is_known else None)
        for row in snapshot.credentials.values()
        if row.arn not in told and not row.is_root
    ]
    if not reported:
        return (*rows, *snapshot.users)
    return (*rows, *sorted((*snapshot.users, *reported), key=lambda user: (user.name.casefold(), user.arn)))


def is_root(user: User) -> bool:
    return user.name == ROOT_NAME and user.arn.endswith(":root")


# -- what the columns of all lists are made with ---------------------------------------------------------------------

_KNOWN = State.KNOWN
GAAD = "iam:GetAccountAuthorizationDetails"


def source_of(snapshot: Snapshot, section: str, default: str = GAAD) -> tuple[str, datetime | None]:
    """Name of the answer a section came from, and its age."""
    entry = snapshot.section(section)
    return (entry.origin.name if entry.origin else default), entry.as_of


def from_section(snapshot: Snapshot, section: str, value: Any) -> Fact[Any]:
    """A value an item of a section carries, with the section's source and age."""
    entry = snapshot.sections.get(section)
    if entry is None:
        return Fact(_KNOWN, value, GAAD)
    origin = entry.origin
    return Fact(_KNOWN, value, origin.name if origin else GAAD, entry.as_of)


def time_from_section(snapshot: Snapshot, section: str, moment: datetime | None) -> Fact[Any]:
    if moment is None:
        return absent(State.NO_INFORMATION, *source_of(snapshot, section), "not told")
    return from_section(snapshot, section, moment)


def missing(snapshot: Snapshot, section: str, default: str = GAAD) -> Fact[Any]:
    """Why something of a section is not there: denied, failed, or not loaded."""
    entry = snapshot.section(section)
    source = entry.origin.name if entry.origin else default
    if entry.state is State.KNOWN:
        detail = "" if entry.complete else "not all pages were read"
        return absent(State.NOT_LOADED, source, entry.as_of, detail)
    return absent(entry.state, source, entry.as_of, entry.detail or (default if entry.state is State.DENIED else ""))


__all__ = [
    "GAAD",
    "ROLES",
    "ROOT_NAME",
    "Column",
    "ColumnKind",
    "Value",
    "account_rows",
    "columns",
    "csv_text",
    "from_section",
    "is_root",
    "machine",
    "missing",
    "plain",
    "source_of",
    "time_from_section",
]
