"""The left side: one list with its filter, order, marks and cursor, each kept while one is elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.worker import get_current_worker

from ...analysis.lists import Column, ColumnKind
from ...model.fact import State
from ...session import ListKind, Row, Selection, Session
from ..messages import Answered
from ..render.cells import Cell, cell
from ..widgets.table import RowTable, TableColumn

_AT_ONCE = 1500
"""Rows up to which filter and sort are worked out on the spot; above, in a thread."""


class ListState:
    """How one list was left."""

    def __init__(self) -> None:
        self.filter = ""
        self.sort = ""
        self.descending = False
        self.cursor_key = ""
        self.marks: set[str] = set()


class ListPane(Vertical):
    """Shows the list of one kind. All kinds share it; what differs are the columns."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="list")
        self.session = session
        self.kind = ListKind.USERS
        self.states = {kind: ListState() for kind in ListKind}
        self.selection: Selection | None = None
        self.settled = True  # False while a first reading goes on: rows keep their places, new ones are added at the end
        self._order: list[str] = []
        self._question = 0
        self._filtered_by = ""

    def compose(self) -> ComposeResult:
        yield RowTable(id="list-table")

    @property
    def table(self) -> RowTable:
        return self.query_one(RowTable)

    @property
    def state(self) -> ListState:
        return self.states[self.kind]

    def show(self, kind: ListKind, filter_text: str | None = None) -> None:
        """Turn to a list, as it was left, or with another filter."""
        self._remember()
        self.kind = kind
        state = self.state
        if filter_text is not None:
            state.filter = filter_text
        table = self.table
        table.marks = state.marks
        table.sort_column, table.sort_descending = state.sort, state.descending
        self._order = []
        listing = self.session.listing(kind)
        table.set_columns([_table_column(c) for c in listing.columns if not c.detail_only])
        table.expect_key(state.cursor_key)
        if not state.cursor_key:
            table.move_to(0)
        self.update()

    def _remember(self) -> None:
        if self.table.cursor_key:
            self.state.cursor_key = self.table.cursor_key

    def update(self) -> None:
        """Work out what is shown, after a refresh, another filter or another order."""
        state, kind, session = self.state, self.kind, self.session
        listing = session.listing(kind)
        self._question += 1
        if len(listing.rows) <= _AT_ONCE or not (state.filter or state.sort):
            self._take(session.select(kind, state.filter, state.sort, state.descending))
            return
        question = self._question

        def run() -> None:
            worker = get_current_worker()
            selection = session.select(kind, state.filter, state.sort, state.descending)
            if not worker.is_cancelled:
                self.post_message(Answered(question, selection))

        self.run_worker(run, thread=True, exclusive=True, group="select", exit_on_error=False)

    def on_answered(self, message: Answered) -> None:
        message.stop()
        if message.question == self._question and isinstance(message.value, Selection):
            self._take(message.value)
            self.screen.post_message(Answered("selection", message.value))

    def _take(self, selection: Selection) -> None:
        self.selection = selection
        rows, listing = selection.listing.rows, selection.listing
        indices: Sequence[int] = selection.indices
        if not self.settled and not self.state.sort and self.kind is not ListKind.EVENTS:
            indices = self._calm(rows, indices)
        columns = [c for c in listing.columns if not c.detail_only]
        now = self.session.now()
        table = self.table
        table.empty = self._empty_words(selection)
        table.set_columns_if_changed([_table_column(c) for c in columns])

        if selection.filter_text != self._filtered_by:
            self._filtered_by = selection.filter_text
            wanted = table.wanted_key
            if all(rows[i].key != wanted for i in indices):
                table.forget_cursor()

        def cells(row: int, column: int) -> Cell:
            held = rows[indices[row]]
            return _cell(held, columns[column], now)

        awaited = table.wanted_key
        if awaited.endswith("#"):
            found = next((key for i in indices if _without_id(key := rows[i].key) == awaited), "")
            if found:
                table.expect_key(found)
        table.set_rows(len(indices), cells, lambda row: rows[indices[row]].key, growing=not self.settled)
        self._indices = indices
        if table.row_count:
            self.state.cursor_key = table.cursor_key

    def renew(self) -> None:
        """What the rows tell has changed, not which there are: each keeps its place, whatever the order and the filter would say now."""
        held = self.selection
        listing = self.session.listing(self.kind)
        if held is None or held.listing is listing or len(listing.rows) != len(held.listing.rows):
            return
        if any(new.key != old.key for new, old in zip(listing.rows, held.listing.rows, strict=True)):
            return  # the account has been read again: that makes a picture of its own
        self._take(Selection(listing, held.indices, held.filter_text, held.sort, held.descending, held.error))

    def _calm(self, rows: Sequence[Row], indices: Sequence[int]) -> list[int]:
        """While a list is read for the first time nothing moves: what is shown stays, what is new goes to the end."""
        place = {rows[i].key: i for i in indices}
        # A user known from the credential report alone has no unique id yet; when its details come it is the same user.
        grown = {_without_id(key): key for key in place} if any(key.endswith("#") for key in self._order) else {}
        kept = [known for key in self._order if (known := key if key in place else grown.get(key, "") if key.endswith("#") else "")]
        have = set(kept)
        kept.extend(key for key in place if key not in have)
        self._order = kept
        return [place[key] for key in kept]

    def row(self) -> Row | None:
        """The row under the cursor."""
        if self.selection is None or not self.table.row_count:
            return None
        return self.selection.listing.rows[self._indices[self.table.cursor]]

    def shown_rows(self) -> list[Row]:
        if self.selection is None:
            return []
        rows = self.selection.listing.rows
        return [rows[i] for i in self._indices]

    def marked_rows(self) -> tuple[list[Row], int]:
        """Marked rows of this list, and how many of them the filter hides."""
        marks = self.state.marks
        if not marks or self.selection is None:
            return [], 0
        every = [row for row in self.selection.listing.rows if row.key in marks]
        shown = {row.key for row in self.shown_rows()}
        return every, sum(1 for row in every if row.key not in shown)

    def toggle_mark(self) -> None:
        row = self.row()
        if row is None:
            return
        self.state.marks.symmetric_difference_update({row.key})
        self.table.marks = self.state.marks
        self.table.refresh_cursor_row()
        self.table.action_cursor_down()

    def toggle_all(self) -> None:
        keys = {row.key for row in self.shown_rows()}
        if keys <= self.state.marks:
            self.state.marks -= keys
        else:
            self.state.marks |= keys
        self.table.refresh_rows()

    def sort_by(self, column: str, descending: bool | None = None) -> None:
        state = self.state
        state.descending = (not state.descending if state.sort == column else False) if descending is None else descending
        state.sort = column
        self.table.sort_column, self.table.sort_descending = state.sort, state.descending
        self.update()
        self.table.refresh_rows()

    def next_sort(self) -> str:
        """Sort by the next column on screen; after the last one, the list's own order."""
        names = [""] + [c.id for c in self.session.listing(self.kind).columns if not c.detail_only]
        chosen = names[(names.index(self.state.sort) + 1) % len(names)] if self.state.sort in names else ""
        self.sort_by(chosen, False)
        return chosen

    def _empty_words(self, selection: Selection) -> str:
        listing = selection.listing
        if len(listing.rows):
            return f"None of {len(listing.rows):,} matches the filter.\n\nesc clears it, / changes it."
        state = listing.state
        name = self.kind.value
        if state.state is State.DENIED:
            return f"Denied: {state.detail or state.source}\n\nThis is not an empty list: AWS refused to tell.\n! says more, r tries again."
        if state.state is State.FAILED:
            return f"Failed: {state.detail or state.source}\n\n! says more, r tries again."
        if state.state is State.NOT_LOADED:
            if not self.settled:
                return f"Reading {name}…"
            detail = f": {state.detail}" if state.detail else ""
            return f"Not loaded{detail}\n\nNobody has asked for {name} yet, or they are not in what was opened. r reads."
        return f"There are no {name}: the answer was read and holds none."


def _without_id(key: str) -> str:
    """`ARN#` of a row's key `ARN#unique-id`."""
    return key[: key.find("#") + 1]


def _cell(row: Row, column: Column, now: datetime) -> Cell:
    return cell(column.fact(row.item, row.snapshot), column, now)


def _table_column(column: Column) -> TableColumn:
    right = column.kind in (ColumnKind.NUMBER, ColumnKind.TIME)
    return TableColumn(column.id, column.title, column.width, column.priority, right)
