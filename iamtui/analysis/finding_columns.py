"""Columns of the findings list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..model.fact import Fact, known
from ..model.finding import Finding
from .lists import Column, ColumnKind

SOURCE = "iamtui's own analysis"


def _told(pick: Callable[[Finding], Any]) -> Any:
    return lambda finding, _snapshot=None: _fact(pick(finding))


def _fact(value: Any) -> Fact[Any]:
    return known(value, SOURCE)


COLUMNS: tuple[Column, ...] = (
    Column("severity", "SEVERITY", ColumnKind.TEXT, "How grave: critical, high, medium, low.", _told(lambda f: f.severity), 8, 0),
    Column("kind", "KIND", ColumnKind.TEXT, "exposure, escalation, policy or unused.", _told(lambda f: f.kind.value), 10, 1),
    Column("subject", "OF", ColumnKind.TEXT, "What it is about: user, role, group, policy, s3 …", _told(lambda f: f.subject), 7, 3),
    Column("name", "NAME", ColumnKind.TEXT, "Name of what it is about.", _told(lambda f: f.name), 20, 0),
    Column("claim", "WHAT", ColumnKind.TEXT, "The claim, in a sentence.", _told(lambda f: f.claim), 60, 0),
    Column("todo", "WHAT TO DO", ColumnKind.TEXT, "What to do, in a sentence.", _told(lambda f: f.todo), 40, 2),
    Column("evidence", "EVIDENCE", ColumnKind.LIST, "What it rests on.", _told(lambda f: f.evidence), 30, 4, detail_only=True),
    Column("account", "ACCOUNT", ColumnKind.TEXT, "The account it is in.", _told(lambda f: f.account), 12, 2),
)
