"""The frozen answers a session gives."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import overload

import msgspec

from ..analysis.lists import Column
from ..model.account import Snapshot, World
from ..model.credentials import AccessKey, Credentials
from ..model.document import Gap
from ..model.event import Event
from ..model.fact import Fact
from ..model.finding import Finding
from ..model.identity import Identity
from ..model.policy import Policy
from ..model.usage import UsageReport
from ..source.base import Step


class ListKind(StrEnum):
    USERS = "users"
    ROLES = "roles"
    GROUPS = "groups"
    POLICIES = "policies"
    EVENTS = "events"
    FINDINGS = "findings"


NAMED = (ListKind.USERS, ListKind.ROLES, ListKind.GROUPS, ListKind.POLICIES)
"""The lists of what an account holds by name."""


class Row(msgspec.Struct, frozen=True, eq=False):
    """One line of a list. `key` is stable over refreshes: `ARN#unique-id` (events: account/Region/event id)."""

    key: str
    item: Identity | Policy | Event | Finding
    snapshot: Snapshot


class Listing(msgspec.Struct, frozen=True, eq=False):
    """A list with what it takes to judge it. `complete` False means the count is a lower bound (`41+`)."""

    kind: ListKind
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    complete: bool
    as_of: datetime | None
    gaps: tuple[Gap, ...]
    state: Fact[None]  # KNOWN, or why there is nothing: NOT_LOADED, DENIED, FAILED


class Update(msgspec.Struct, frozen=True, eq=False):
    """A step of `refresh`: the world so far. `finished` on the last one."""

    world: World
    step: Step | None = None
    finished: bool = False


class UsageUpdate(msgspec.Struct, frozen=True, eq=False):
    usage: Fact[UsageReport]
    step: Step | None = None
    finished: bool = False


class Problem(msgspec.Struct, frozen=True):
    """A line of the error log (`!`). `hint` is what to type or to grant next."""

    at: datetime
    what: str
    hint: str = ""
    where: str = ""


class Match(msgspec.Struct, frozen=True, eq=False):
    """An answer of `find`. `how` says why it matched: `ARN`, `name`, `access key`, `unique id`, `prefix`, `substring`."""

    kind: ListKind
    row: Row
    how: str


class Picked(Sequence[Row]):
    """Some rows of a list, in an order of their own."""

    def __init__(self, rows: Sequence[Row], indices: Sequence[int]) -> None:
        self._rows, self._indices = rows, indices

    def __len__(self) -> int:
        return len(self._indices)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return [self._rows[index] for index in self._indices[place]]
        return self._rows[self._indices[place]]


class StoredRows(Sequence[Row]):
    """Rows on disk. Reading one reads the block it is in: milliseconds, and for a worker while a screen is drawn."""

    @abstractmethod
    def held(self, place: int) -> Row | None:
        """The row when it is in memory."""

    @abstractmethod
    def load(self, first: int, count: int) -> None:
        """Take rows into memory."""


class Selection(msgspec.Struct, frozen=True, eq=False):
    """A list narrowed and sorted. `rows` are those that are left, in their order; `error` says why a filter was not understood
    (then nothing is narrowed)."""

    listing: Listing
    rows: Sequence[Row]
    filter_text: str = ""
    sort: str = ""
    descending: bool = False
    error: str = ""

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, position: int) -> Row:
        return self.rows[position]


class CredentialView(msgspec.Struct, frozen=True, eq=False):
    """What is known of a user's credentials: the report's row, and the keys by id when they were asked for."""

    report: Fact[Credentials]
    keys: Fact[tuple[AccessKey, ...]]


class Direction(StrEnum):
    """Which events of an identity: those it made, those made to it, or both."""

    BY = "by"
    ON = "on"
    BOTH = "both"


class Link(StrEnum):
    """How the session stands to its source right now."""

    DISK = "on disk"  # nothing has been asked of the source yet
    REFRESHING = "refreshing"
    CURRENT = "current"
    OFFLINE = "offline"
    NO_CREDENTIALS = "no credentials"
    UNREACHABLE = "unreachable"
