"""The lists: which columns each has and the fact behind every cell. One definition for panes, commands, filter and sort."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from ..model.account import Snapshot
from ..model.fact import Fact

Value = str | int | bool | datetime | tuple[str, ...]


class ColumnKind(StrEnum):
    TEXT = "text"
    NUMBER = "number"
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
    fact: Callable[[Any, Snapshot], Fact[Any]]
    width: int = 12
    priority: int = 1
    detail_only: bool = False  # in JSON and CSV, not on screen
