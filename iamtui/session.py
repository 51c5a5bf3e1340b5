"""The one object the UI and the commands talk to: questions in, frozen answers out.

Every method is safe to call from any thread. Methods named `load_…` and `refresh` may block on the network or the
disk and yield growing answers; everything else answers from memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from .analysis.lists import Column
from .model.account import Snapshot, World
from .model.document import Gap
from .model.event import Activity, Event
from .model.fact import Fact
from .model.identity import Identity
from .model.policy import Grant, Policy
from .model.usage import UsageReport
from .source.base import Cancelled, SourceInfo, Step, never_cancelled


class ListKind(StrEnum):
    USERS = "users"
    ROLES = "roles"
    GROUPS = "groups"
    POLICIES = "policies"
    EVENTS = "events"


class Row(msgspec.Struct, frozen=True, eq=False):
    """One line of a list. `key` is stable over refreshes: `ARN#unique-id` (events: account/Region/event id)."""

    key: str
    item: Identity | Policy | Event
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
