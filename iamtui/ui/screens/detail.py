"""The right side: tabs of what is open, each filled by its view."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static
from textual.worker import get_current_worker

from ...session import Row, Session
from ...text import visible
from ..messages import Answered, GoTo, Said, ShowPage
from ..render.cells import Cell
from ..render.documents import Line
from ..views import make_view, tabs_of
from ..views.base import Cancelled, View
from ..widgets.table import RowTable, TableColumn
from ..widgets.textpane import TextPane


class DetailPane(Vertical):
    """Shows one row. Posts GoTo, ShowPage and Said; knows nothing of the screen around it."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="detail")
        self.session = session
        self.row: Row | None = None
        self.tab = ""
        self.entered = False
        self._view: View | None = None
        self._question: object = None
        self._remembered: dict[str, str] = {}
        self.marks: dict[str, set[str]] = {}

    def compose(self) -> ComposeResult:
        yield Static("", id="detail-title", markup=False)
        yield Static("", id="detail-tabs", markup=False)
        yield Static("", id="detail-note", markup=False)
        yield RowTable(id="detail-table")
        yield TextPane(id="detail-text")

    @property
    def table(self) -> RowTable:
        return self.query_one("#detail-table", RowTable)

    @property
    def text(self) -> TextPane:
        return self.query_one("#detail-text", TextPane)

    # -- opening -----------------------------------------------------------------------------------------------------

    def show(self, row: Row, tab: str = "", *, entered: bool = True) -> None:
        """Open a row; the tab people last looked at on such a row stays, unless one is named."""
        self.entered = entered
        kind = type(row.item).__name__
        names = [name for name, _ in tabs_of(row)]
        wanted = tab or self._remembered.get(kind, "")
        self.row, self.tab = row, wanted if wanted in names else names[0]
        if tab and entered:
            self._remembered[kind] = self.tab
        self._open()

    def renew(self, row: Row) -> None:
        """The same thing, read again; the view keeps its place."""
        self.row = row
        if self._view is not None:
            self._view.row = row

    def turn(self, by: int) -> None:
        """The next or previous tab."""
        if self.row is None:
            return
        names = [name for name, _ in tabs_of(self.row)]
        self.tab = names[(names.index(self.tab) + by) % len(names)]
        self._remembered[type(self.row.item).__name__] = self.tab
        self._open()

    def _open(self) -> None:
        assert self.row is not None
        self._question = None
        self._draw_title()
        self._draw_tabs()
        self.table.marks = self.marks.setdefault(f"{self.row.key} {self.tab}", set())
        self.table.move_to(0)
        self.table.expect_key("")
        self._view = make_view(self.tab, self, self.row)
        self.table.own_keys = self._view.keys
        self._view.open()

    def _draw_title(self) -> None:
        assert self.row is not None
        item = self.row.item
        words = Text(no_wrap=True, overflow="ellipsis")
        words.append(visible(item.name)[:200], "bold")
        words.append(f"  {type(item).__name__.lower()}", "dim")
        self.query_one("#detail-title", Static).update(words)

    def _draw_tabs(self) -> None:
        assert self.row is not None
        width = self.size.width - 2
        entries = tabs_of(self.row)
        text = Text(no_wrap=True, overflow="ellipsis")
        for shorten, blank in ((99, " "), (99, ""), (12, ""), (10, ""), (8, ""), (6, ""), (4, "")):
            text = Text(no_wrap=True, overflow="ellipsis")
            for name, title in entries:
                current = name == self.tab
                word = title[: max(shorten, 12) if current else shorten].rstrip()
                text.append(f" {word}{blank}", "bold reverse" if current else "")
            if width <= 0 or text.cell_len <= width:
                break
        self.query_one("#detail-tabs", Static).update(text)

    def on_resize(self) -> None:
        if self.row is not None:
            self._draw_tabs()

    # -- what views ask of their pane --------------------------------------------------------------------------------

    def show_table(
        self, columns: Sequence[TableColumn], count: int, cell: Callable[[int, int], Cell], key: Callable[[int], str], empty: str = ""
    ) -> None:
        focused = self.text.has_focus
        self.text.display = False
        table = self.table
        table.display = True
        table.empty = empty
        table.set_columns(columns)
        table.set_rows(count, cell, key)
        if focused:
            self.screen.set_focus(table)

    def show_text(self, lines: Sequence[Line], *, keep_place: bool = False) -> None:
        focused = self.table.has_focus
        self.table.display = False
        self.text.display = True
        self.text.set_lines(lines, keep_place=keep_place)
        if focused:
            self.screen.set_focus(self.text)

    @property
    def cursor_key(self) -> str:
        """Key of the row under the cursor; "" where no table is shown."""
        return self.table.cursor_key if self.table.display else ""

    def start_at(self, row: int) -> None:
        """Put the cursor on a row of a table that was just shown, with what led there above it."""
        table = self.table
        table.move_to(min(row + table.size.height // 2, max(table.row_count - 1, 0)))
        table.move_to(row)

    def note(self, words: str) -> None:
        note = self.query_one("#detail-note", Static)
        note.display = bool(words)
        note.update(Text(visible(words), style="dim", overflow="ellipsis", no_wrap=True))

    def work(self, question: object, job: Callable[[Cancelled], Iterable[Any]]) -> None:
        """Run a job of a view in a thread; its answers come back to that view while it is open."""
        view = self._view
        asked = (id(view), question)
        self._question = asked

        def run() -> None:
            worker = get_current_worker()
            try:
                for value in job(lambda: worker.is_cancelled):
                    if worker.is_cancelled:
                        return
                    self.post_message(Answered(asked, value, finished=False))
            except Exception as error:
                self.post_message(Said(f"This could not be worked out: {error}", bad=True))
                self.log(error)

        self.run_worker(run, thread=True, exclusive=True, group="detail", exit_on_error=False)

    def go(self, target: str = "", *, key: str = "", tab: str = "") -> None:
        self.post_message(GoTo(target, key=key, tab=tab))

    def page(self, title: str, lines: Sequence[Line]) -> None:
        self.post_message(ShowPage(title, list(lines)))

    def say(self, words: str, *, bad: bool = False) -> None:
        self.post_message(Said(words, bad=bad))

    # -- messages ----------------------------------------------------------------------------------------------------

    def on_answered(self, message: Answered) -> None:
        message.stop()
        if self._view is not None and message.question == self._question:
            self._view.answered(message.question[1], message.value, message.finished)  # type: ignore[index]

    def on_row_table_activated(self, message: RowTable.Activated) -> None:
        message.stop()
        if self._view is not None:
            self._view.activate(message.key)

    def on_row_table_pressed(self, message: RowTable.Pressed) -> None:
        message.stop()
        place = self._view.key(message.key, self.table.cursor) if self._view is not None else None
        if place is not None:
            self.table.move_to(place)

    def on_row_table_highlighted(self, message: RowTable.Highlighted) -> None:
        message.stop()

    # -- what keys do ------------------------------------------------------------------------------------------------

    @property
    def view(self) -> View | None:
        return self._view

    def back(self) -> bool:
        """Esc inside: True when the view had a level of its own."""
        return self._view is not None and self._view.back()

    def focus_content(self) -> None:
        self.screen.set_focus(self.table if self.table.display else self.text)

    @property
    def has_content_focus(self) -> bool:
        return self.table.has_focus or self.text.has_focus

    def diff(self) -> None:
        if self._view is not None:
            self._view.diff(self.table.cursor_key, self.table.marks)
