"""The accounts that are open or known of: a table that leads into each one's lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from ...analysis.accounts import COLUMNS, AccountLine
from ...analysis.lists import ColumnKind
from ...analysis.words import plain
from ...model.accounts import Reading
from ...text import visible
from ..render.cells import Cell
from ..render.documents import Line
from ..widgets.table import TableColumn
from .access import AnswersPage, Target

_STYLE = {
    Reading.READ: "effect-allow",
    Reading.PARTLY: "severity-medium",
    Reading.DENIED: "severity-high",
    Reading.FAILED: "severity-high",
    Reading.NOT_READ: "severity-medium",
}
_SHOWN = tuple(column for column in COLUMNS if not column.detail_only)
_NUMBERS = (ColumnKind.NUMBER, ColumnKind.TIME)


def accounts_page(lines: Sequence[AccountLine], now: datetime, narrow: Callable[[str], None]) -> AnswersPage:
    """One row an account; enter narrows the lists to one that was read, and says of the others what is missing."""
    columns = [TableColumn(c.id, c.title, c.width, c.priority, right=c.kind in _NUMBERS) for c in _SHOWN]
    rows: list[tuple[Callable[[int], Cell], Target]] = [(partial(_cell, one, now), partial(_opened, one, narrow)) for one in lines]
    missing = sum(1 for one in lines if one.missing)
    title = f"Accounts: {len(lines):,}{f', {missing:,} missing' if missing else ''}"
    return AnswersPage(title, columns, rows, tab="", empty="No account has been read.")


def _cell(one: AccountLine, now: datetime, place: int) -> Cell:
    column = _SHOWN[place]
    fact = column.fact(one, one.snapshot)
    text = visible(plain(fact, now))
    if column.id == "state":
        return Cell(text, _STYLE.get(one.reading, "state-absent"))
    style = "" if fact.is_known else "state-absent"
    return Cell(text, "strong" if column.id == "account" else style, right=column.kind in _NUMBERS)


def _opened(one: AccountLine, narrow: Callable[[str], None]) -> list[Line] | None:
    if one.snapshot is not None and not one.missing:
        narrow(one.account)
        return None
    return account_lines_of(one)


def account_lines_of(one: AccountLine) -> list[Line]:
    """What is known of an account that is missing, and what to do."""
    lines: list[Line] = [
        [(visible(f"{one.account} {one.name}".strip()), "strong"), (f"  {one.reading.value}", _STYLE.get(one.reading, "state-absent"))],
        [],
    ]
    for label, text in (
        ("action   ", one.action),
        ("reason   ", one.reason),
        ("next     ", one.hint),
        ("path     ", one.path),
        ("status   ", one.status),
    ):
        if text:
            lines.append([(label, "label"), (visible(text), "")])
    if one.snapshot is not None:
        lines.append([("shown    ", "label"), ("what an earlier run read; its age stands in the list", "state-absent")])
    return lines
