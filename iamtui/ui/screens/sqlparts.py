"""Parts of the SQL view: the editor, what it begins with, an answer's columns and rows."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import TextArea

from ...query.completion import complete
from ...session.sqltext import COLUMN_NAMES, value_text
from ...session.trail import SqlColumn
from ...text import visible
from ..render.documents import Line, json_lines
from ..widgets.table import RowTable, TableColumn

EXAMPLE = "SELECT eventtime, useridentity.arn, eventname, sourceipaddress\nFROM cloudtrail_logs\nORDER BY eventtime DESC\nLIMIT 100"
BOUNDED = EXAMPLE.replace("ORDER", "WHERE from_iso8601_timestamp(eventtime) > date_add('day', -7, now())\nORDER")
"""The example where every row that is read costs."""
_WIDEST = 44


class QueryArea(TextArea):
    """Tab completes a column, a function or a keyword; where nothing does, it goes to the answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "complete", show=False, priority=True),
        Binding("f5,ctrl+r,ctrl+j", "screen.run", "run", show=False, priority=True),
        Binding("ctrl+c", "screen.stop", "stop", show=False, priority=True),
        Binding("ctrl+p", "screen.older", "earlier", show=False, priority=True),
        Binding("ctrl+n", "screen.newer", "later", show=False, priority=True),
    ]

    def action_complete(self) -> None:
        row, column = self.cursor_location
        rest = complete(self.document.get_line(row)[:column], COLUMN_NAMES)
        if rest:
            self.insert(rest)
        else:
            self.screen.query_one(RowTable).focus()


def table_columns(columns: tuple[SqlColumn, ...], rows: tuple[tuple[Any, ...], ...]) -> list[TableColumn]:
    """As wide as the first page wants, up to a bound; the further to the right, the sooner a column goes when room is scarce."""
    found = []
    for number, column in enumerate(columns):
        longest = max((len(visible(value_text(row[number])[:_WIDEST])) for row in rows[:200]), default=0)
        width = min(max(longest, 4), _WIDEST)
        found.append(TableColumn(str(number), visible(column.name) or "?", width, min(number, 9), column.kind == "number"))
    return found


def row_lines(columns: tuple[SqlColumn, ...], row: tuple[Any, ...]) -> list[Line]:
    """A whole row, a line a column; what is JSON is laid out."""
    lines: list[Line] = []
    for column, value in zip(columns, row, strict=True):
        words = value_text(value)
        if value is None:
            lines.append([(f"{visible(column.name)}  ", "label"), ("null", "state-absent")])
        elif words[:1] in ("{", "["):
            lines.append([(visible(column.name), "label")])
            lines.extend([("  ", ""), *line] for line in json_lines(words))
        else:
            lines.append([(f"{visible(column.name)}  ", "label"), (visible(words), "")])
    return lines
