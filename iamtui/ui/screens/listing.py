"""The left side: one list with its filter, order, marks and cursor, each kept while one is elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.worker import get_current_worker

from ...analysis.lists import Column, ColumnKind
from ...model.event import WindowState
from ...model.fact import State
from ...session import Link, ListKind, Row, Selection, Session, StoredRows
from ...text import visible
from ..messages import Answered
from ..render.cells import Cell, cell
from ..widgets.table import RowTable, TableColumn

_AT_ONCE = 1500
"""Rows up to which filter and sort are worked out on the spot; above, in a thread."""

_AHEAD = 64
"""Rows of a list on disk that are read before somebody looks at them, in either direction."""

_MOST_MARKS = 5000
"""Rows of a list on disk that may be selected at once."""


class ListState:
    """How one list was left."""

    def __init__(self) -> None:
        self.filter = ""
        self.sort = ""
        self.descending = False
        self.cursor_key = ""
        self.marks: set[str] = set()
        self.anchor = ""  # what was selected last; a range begins there


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
        self._rows: Sequence[Row] = ()
        self._wanted: int | None = None
        self._selecting = threading.Lock()

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
        on_disk = isinstance(listing.rows, StoredRows)
        if not on_disk and (len(listing.rows) <= _AT_ONCE or not (state.filter or state.sort)):
            self._take(session.select(kind, state.filter, state.sort, state.descending))
            return
        question, key, near = self._question, self.table.wanted_key, self.table.cursor

        def run() -> None:
            worker = get_current_worker()
            with self._selecting:  # what was typed meanwhile is not worked out
                if worker.is_cancelled:
                    return
                selection = session.select(kind, state.filter, state.sort, state.descending)
                place: int | None = None
                if isinstance(selection.rows, StoredRows):
                    # Who is at the top stays there: that is where what is new comes in.
                    place = 0 if not near else session.position(selection, key) if key else None
                    at = near if place is None else place
                    selection.rows.load(at - at % _AHEAD, _AHEAD)
            if not worker.is_cancelled:
                self.post_message(Answered(question, (selection, place)))

        self.run_worker(run, thread=True, exclusive=True, group="select", exit_on_error=False)

    def on_answered(self, message: Answered) -> None:
        message.stop()
        if message.question == "rows":
            if message.value is self._rows:
                self.table.refresh_rows()
                self.table.renew_key()
                self._look_ahead()
        elif message.question == self._question and isinstance(message.value, tuple):
            selection, place = message.value
            self._take(selection, place)
            self.screen.post_message(Answered("selection", selection))

    def _take(self, selection: Selection, place: int | None = None) -> None:
        self.selection = selection
        listing, rows = selection.listing, selection.rows
        on_disk = isinstance(rows, StoredRows)
        if not self.settled and not self.state.sort and self.kind is not ListKind.EVENTS:
            rows = self._calm(rows)
        columns = [c for c in listing.columns if not c.detail_only]
        now = self.session.now()
        table = self.table
        table.empty = self._empty_words(selection)
        table.set_columns_if_changed([_table_column(c) for c in columns])

        if selection.filter_text != self._filtered_by:
            self._filtered_by = selection.filter_text
            wanted = table.wanted_key
            if place is None if on_disk else all(row.key != wanted for row in rows):
                table.forget_cursor()

        def cells(row: int, column: int) -> Cell:
            held = self._held(rows, row)
            return _cell(held, columns[column], now) if held is not None else Cell("…" if column == 0 else "")

        def key(row: int) -> str:
            held = self._held(rows, row)
            return held.key if held is not None else ""

        awaited = table.wanted_key
        if awaited.endswith("#"):
            found = next((row.key for row in rows if _without_id(row.key) == awaited), "")
            if found:
                table.expect_key(found)
        self._rows = rows
        table.set_rows(len(rows), cells, key, (lambda _: place) if on_disk else None, growing=not self.settled)
        if table.row_count:
            self.state.cursor_key = table.cursor_key
        self._look_ahead()

    def _held(self, rows: Sequence[Row], place: int) -> Row | None:
        """A row; None while it is being read from disk."""
        if not isinstance(rows, StoredRows):
            return rows[place]
        held = rows.held(place)
        if held is None:
            self._want(place)
        return held

    def _want(self, place: int) -> None:
        """Read rows somebody looks at, in a thread."""
        if self._wanted is None:
            self.call_later(self._read_rows)
        self._wanted = place

    def _read_rows(self) -> None:
        rows, place, self._wanted = self._rows, self._wanted, None
        if place is None or not isinstance(rows, StoredRows):
            return

        def run() -> None:
            worker = get_current_worker()
            rows.load(place - _AHEAD, 2 * _AHEAD)
            if not worker.is_cancelled:
                self.post_message(Answered("rows", rows))

        self.run_worker(run, thread=True, exclusive=True, group="rows", exit_on_error=False)

    def _look_ahead(self) -> None:
        """Have the rows beside those in view ready."""
        rows, cursor = self._rows, self.table.cursor
        if isinstance(rows, StoredRows):
            for place in (cursor + _AHEAD, cursor - _AHEAD):
                if 0 <= place < len(rows) and rows.held(place) is None:
                    self._want(place)
                    return

    def on_row_table_highlighted(self, message: RowTable.Highlighted) -> None:
        self._look_ahead()

    def renew(self) -> None:
        """What the rows tell has changed, not which there are: each keeps its place, whatever the order and the filter would say now."""
        held = self.selection
        listing = self.session.listing(self.kind)
        if held is None or held.listing is listing or len(listing.rows) != len(held.listing.rows):
            return
        if any(new.key != old.key for new, old in zip(listing.rows, held.listing.rows, strict=True)):
            return  # the account has been read again: that makes a picture of its own
        fresh = {row.key: row for row in listing.rows}
        rows = listing.rows if held.rows is held.listing.rows else [fresh[row.key] for row in held.rows]
        self._take(Selection(listing, rows, held.filter_text, held.sort, held.descending, held.error))

    def _calm(self, rows: Sequence[Row]) -> list[Row]:
        """While a list is read for the first time nothing moves: what is shown stays, what is new goes to the end."""
        by_key = {row.key: row for row in rows}
        # A user known from the credential report alone has no unique id yet; when its details come it is the same user.
        grown = {_without_id(key): key for key in by_key} if any(key.endswith("#") for key in self._order) else {}
        kept = [known for key in self._order if (known := key if key in by_key else grown.get(key, "") if key.endswith("#") else "")]
        have = set(kept)
        kept.extend(key for key in by_key if key not in have)
        self._order = kept
        return [by_key[key] for key in kept]

    def row(self) -> Row | None:
        """The row under the cursor; None while it is being read."""
        if self.selection is None or not self.table.row_count:
            return None
        return self._held(self._rows, self.table.cursor)

    def shown_rows(self) -> Sequence[Row]:
        """The rows the filter lets through, in their order."""
        return self._rows if self.selection is not None else ()

    def marked_rows(self) -> tuple[list[Row], int]:
        """Selected rows of this list, and how many of them the filter hides. For few only where the list is on disk."""
        marks = self.state.marks
        if not marks or self.selection is None:
            return [], 0
        if isinstance(self.selection.rows, StoredRows):
            every = [row for key in sorted(marks) if (row := self.session.row(key)) is not None]
        else:
            every = [row for row in self.selection.listing.rows if row.key in marks]
        return every, self.marks_hidden()

    def marks_hidden(self) -> int:
        """How many marked rows the filter hides."""
        marks, selection = self.state.marks, self.selection
        if not marks or selection is None or not selection.filter_text:
            return 0
        shown = self.session.shown_of(selection, marks)
        return len(marks) - shown

    def toggle_mark(self, step: int = 1) -> None:
        """Select the row under the cursor, or no longer; then on to the next, or the one before."""
        row = self.row()
        if row is None:
            return
        self.state.marks.symmetric_difference_update({row.key})
        self.state.anchor = row.key
        self.table.marks = self.state.marks
        self.table.refresh_cursor_row()
        if step:
            self.table.move_to(self.table.cursor + step)

    def mark_range(self) -> str:
        """Select from what was selected last to the cursor; answers why not."""
        rows, state = self.shown_rows(), self.state
        if isinstance(rows, StoredRows):
            return "Events on disk are selected one by one, or all that a filter lets through"
        start = next((place for place, row in enumerate(rows) if row.key == state.anchor), None)
        if start is None:
            return "Select one row with space first; then V selects from there to the cursor"
        low, high = sorted((start, self.table.cursor))
        state.marks.update(row.key for row in rows[low : high + 1])
        state.anchor = self.table.cursor_key
        self.table.refresh_rows()
        return ""

    def toggle_all(self) -> str:
        """Select all that the filter lets through, or none of it; answers why not."""
        keys, refused = self._all_keys()
        if keys <= self.state.marks:
            self.state.marks -= keys
        else:
            self.state.marks |= keys
        self.table.refresh_rows()
        return refused

    def invert_marks(self) -> str:
        """Of what the filter lets through select what is not, and no longer what is; answers why not."""
        keys, refused = self._all_keys()
        self.state.marks.symmetric_difference_update(keys)
        self.table.refresh_rows()
        return refused

    def _all_keys(self) -> tuple[set[str], str]:
        rows = self.shown_rows()
        if isinstance(rows, StoredRows) and len(rows) > _MOST_MARKS:
            return set(), f"{len(rows):,} events are too many to select; / narrows them to {_MOST_MARKS:,} or fewer"
        return {row.key for row in rows}, ""

    def clear_marks(self) -> None:
        self.state.marks.clear()
        self.state.anchor = ""
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
            running = [w for w in self.session.windows() if w.state is WindowState.RUNNING] if self.kind is ListKind.EVENTS else []
            if running:
                return f"Reading {name}…\n\n{running[0].reason}"
            if not self.settled:
                return f"Reading {name}…"
            problems = self.session.problems()
            if self.session.link in (Link.NO_CREDENTIALS, Link.UNREACHABLE) and problems:
                why = problems[-1]
                return f"Not loaded: {visible(why.what)}\n\n{visible(why.hint).replace('; ', chr(10))}\n\nr tries again."
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
