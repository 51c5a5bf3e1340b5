"""Events in SQL: a query above, its answer below."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import get_current_worker

from ...analysis.event_columns import short_target
from ...errors import IamtuiError
from ...query import QUERIES, SavedQuery, draft
from ...session.engines import Several, Unbounded, available
from ...session.sqltext import engine_in, plain, value_text
from ...session.trail import SqlColumn, SqlPage
from ...text import visible
from ..keymap import bindings
from ..render.cells import Cell
from ..render.documents import Line
from ..widgets.line import Line as OneLine
from ..widgets.table import RowTable, TableColumn
from .sqlparts import BOUNDED, EXAMPLE, QueryArea, row_lines, table_columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...session.engines import SqlEngine
    from ..app import IamtuiApp

MOST_ROWS = 100_000
"""Rows kept of an answer; what is more is said, not shown."""

_LEFT_OPEN = re.compile(r"\{(\w+)\}")


class SqlScreen(Screen[None]):
    """Asks in a worker; rows come in pages while one reads. Esc stops a query that runs, then leaves."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("sql")
    DEFAULT_CSS = """
    #sql-text { height: 8; border: none; padding: 0 1; background: $boost; color: $foreground; }
    #sql-text .text-area--cursor { background: $primary; color: $background; }
    #sql-text .text-area--cursor-line { background: $boost; }
    #sql-text .text-area--selection { background: $panel; }
    #sql-status { color: $primary; padding: 0; }
    #sql-engine { height: auto; max-height: 4; padding: 0 1; color: $foreground; }
    #sql-rows { height: 1fr; }
    """
    app: IamtuiApp

    def __init__(self, query: str = "", *, run: bool = False) -> None:
        super().__init__(id="sql")
        self._begin_with, self._run_at_once = query, run
        self._columns: tuple[SqlColumn, ...] = ()
        self._rows: list[tuple[Any, ...]] = []
        self._question = 0
        self._asking = False
        self._place = 0
        self._unbounded = ""
        self._took, self._after = 0.0, ""

    def compose(self) -> ComposeResult:
        yield Static(Text("SQL over events, Athena's dialect", "bold"), id="page-title", markup=False)
        text = self._begin_with or self.app.sql_text or (EXAMPLE if self._local else BOUNDED)
        yield QueryArea(text, id="sql-text", show_line_numbers=False, compact=True, theme="css")
        yield Static(id="sql-engine", markup=False)
        yield OneLine(id="sql-status")
        yield RowTable(id="sql-rows")
        yield OneLine(id="page-hints")

    def on_mount(self) -> None:
        self._table = self.query_one(RowTable)
        self._area = self.query_one(QueryArea)
        self._area.cursor_blink = False
        self._area.move_cursor(self._area.document.end)
        self._table.empty = "ctrl+r asks. Tab completes columns, ctrl+o lists saved queries."
        self._place = len(self.app.sql_history)
        self._show_engine()
        self._status(self._covered())
        keys: tuple[tuple[str, str], ...] = (
            ("ctrl+r", "run"),
            ("ctrl+o", "saved"),
            ("tab", "complete, answer"),
            ("esc", "back"),
            ("enter", "row"),
            ("ctrl+p", "earlier"),
            ("e", "export"),
            ("y", "copy"),
        )
        if self._engines:
            keys = (*keys[:3], ("ctrl+t", "engine"), *keys[3:])
        self.query_one("#page-hints", OneLine).update(Text.assemble(*[part for k, w in keys for part in ((f" {k} ", "bold"), w)]))
        (self._table if self._run_at_once else self._area).focus()
        if self._run_at_once:
            self.action_run()

    # -- engines -----------------------------------------------------------------------------------------------------

    @property
    def _engines(self) -> tuple[str, ...]:
        """Engines there are to choose from; () where there is only the local one."""
        there = available(self.app.session)
        return there if len(there) > 1 else ()

    @property
    def _local(self) -> bool:
        return self.app.sql_engine.name == "local"

    def _show_engine(self, words: str = "") -> None:
        """Which engine is asked, and of what; below the query what it knows, costs or misses."""
        engine = self.app.sql_engine
        if self._engines:
            where = "the events on disk" if self._local else engine.where()
            state = ", asking" if self._asking else ""
            title = Text(f"SQL · {engine.name}{state} · {visible(where)}", "bold", no_wrap=True, overflow="ellipsis")
            self.query_one("#page-title", Static).update(title)
        line = self.query_one("#sql-engine", Static)
        line.display = not self._local
        if not self._local:
            line.update(Text(visible(words or self._price()), "bold" if words and not self._asking else ""))

    def _price(self) -> str:
        from ...session.costs import ATHENA_PRICE, LAKE_PRICE

        return f"Asks AWS, at {ATHENA_PRICE if self.app.sql_engine.name == 'athena' else LAKE_PRICE}."

    def action_engine(self) -> None:
        """The next engine: local, Athena, CloudTrail Lake."""
        names = self._engines
        if not names:
            self._status("There is only the local engine here: Athena and CloudTrail Lake are asked of a live account", bad=True)
            return
        self.use_engine(names[(names.index(self.app.sql_engine.name) + 1) % len(names)])

    def use_engine(self, name: str) -> None:
        self._stop()
        self.app.use_sql_engine(name)
        self._unbounded = ""
        if self._area.text in (EXAMPLE, BOUNDED):
            self._area.text = EXAMPLE if self._local else BOUNDED
            self._area.move_cursor(self._area.document.end)
        self._show_engine()
        self._status(self._covered())

    def _covered(self) -> str:
        """What a query is asked of, and that what was not read is not in it."""
        from ...session.sqltext import span_words

        if not self._local:
            return f"ctrl+r asks {self.app.sql_engine.name}, esc stops it"
        state = self.app.session.trail.state()
        if not state.events:
            return "Events are read when the first query runs" if not self.app.session.trail.was_read else "No events have been read"
        words = span_words(state)
        if self.app.session.trail.delivered:
            words += f" · of {self.app.session.trail.reach}"
        elif self.app.session.info.kind in ("live", "cache"):
            words += " that were looked up, not all there are"
        return f"{words} · {len(state.refused)} could not be read (! tells)" if state.refused else words

    def _status(self, words: str, *, bad: bool = False) -> None:
        style = "bold" if bad else ""
        self.query_one("#sql-status", OneLine).update(Text(visible(words), style, no_wrap=True, overflow="ellipsis"))

    # -- asking ------------------------------------------------------------------------------------------------------

    def action_run(self) -> None:
        """Ask what is written."""
        text = self._area.text.strip()
        left = _LEFT_OPEN.search(text)
        if left:
            self._status(f"Write a value in the place of {left[0]}, in quotes where it is text", bad=True)
            return
        if not text:
            self._status("There is no query", bad=True)
            return
        unbounded, self._unbounded = self._unbounded == text, ""
        self.app.remember_sql(text)
        self._place = len(self.app.sql_history)
        self._stop()
        self._question += 1
        self._asking = True
        self._columns, self._rows, self._after = (), [], ""
        self._show_engine()
        self._table.forget_cursor()
        self._table.empty = "Asking…"
        self._table.set_rows(0, lambda row, column: Cell(""), str)
        question, engine = self._question, self.app.sql_engine
        self.run_worker(lambda: self._ask(question, engine, text, unbounded), thread=True, exclusive=True, group="sql", exit_on_error=False)

    def _ask(self, question: int, engine: SqlEngine, text: str, unbounded: bool) -> None:
        worker = get_current_worker()
        try:
            for page in engine.ask(text, lambda: worker.is_cancelled, unbounded=unbounded):
                if worker.is_cancelled:
                    return
                self.app.call_from_thread(self._take, question, page)
                if len(self._rows) >= MOST_ROWS:
                    break
            if not worker.is_cancelled:
                self.app.call_from_thread(self._done, question, None)
        except IamtuiError as error:
            if not worker.is_cancelled:
                self.app.call_from_thread(self._done, question, error)

    def _take(self, question: int, page: SqlPage) -> None:
        if question != self._question or not self.is_mounted:
            return
        if page.step is not None:
            from ...session.sqltext import step_words

            self._status(step_words(page.step))
            return
        if page.words or page.before:
            if page.before:
                self._show_engine(page.before)
            self._status(f"{self.app.sql_engine.name}: {page.words or 'asking'}")
            return
        self._took, self._after = page.took, page.after
        first = not self._columns and bool(page.columns)
        self._rows.extend(page.rows)
        if first:
            self._columns = page.columns
            self._table.set_columns(table_columns(page.columns, page.rows))
        if page.rows or first:
            self._show(growing=not page.finished)

    def _show(self, *, growing: bool) -> None:
        rows, columns = self._rows, self._columns

        def cell(row: int, column: int) -> Cell:
            value = rows[row][column]
            if value is None:
                return Cell("null", "state-absent", columns[column].kind == "number")
            words = value_text(value)[:400]
            short = (visible(short_target(words)),) if words.startswith("arn:") else ()
            return Cell(visible(words), "", columns[column].kind == "number", short)

        self._table.set_rows(len(rows), cell, str, lambda key: int(key) if int(key) < len(rows) else None, growing=growing)

    def _done(self, question: int, error: IamtuiError | None) -> None:
        if question != self._question or not self.is_mounted:
            return
        self._asking = False
        if error is not None:
            self._table.empty = "No answer"
            self._table.refresh()
            words = f"{error.message}; {error.hint}" if error.hint else error.message
            if isinstance(error, Several):
                self._choose(error)
            if isinstance(error, Unbounded):
                self._unbounded = self._area.text.strip()
                self._show_engine(words)
                self._status("Not asked: ctrl+r again asks all the same", bad=True)
            else:
                self._show_engine(words)
                self._status(words, bad=True)
            return
        count = len(self._rows)
        self._table.empty = "The query found no rows" + (" in the events that were read." if self._local else ".")
        self._show(growing=False)
        more = f"the first {MOST_ROWS:,} rows; narrow the query" if count >= MOST_ROWS else f"{count:,} {'row' if count == 1 else 'rows'}"
        if self._local:
            self._status(f"{more} in {self._took:.2f} s · {self._covered()}")
        else:
            self._show_engine(self._after)
            self._status(f"{more} in {self._took:.2f} s · {self._after}")

    def _choose(self, error: Several) -> None:
        """Which of several is meant; enter takes one and asks it."""
        from .access import AnswersPage

        def cells(name: str) -> Callable[[int], Cell]:
            return lambda column: Cell(visible(name))

        def chosen(number: int) -> None:
            error.take(number)
            self.action_run()

        rows = [(cells(name), "") for name in error.names]
        columns = (TableColumn("name", "WHICH", 76, 0),)
        self.app.push_screen(AnswersPage(f"{len(rows)} {error.what}: enter asks one", columns, rows, tab="", empty="", chosen=chosen))

    def _stop(self) -> bool:
        was = self._asking
        if was:
            self.app.sql_engine.interrupt()
            self.workers.cancel_group(self, "sql")
            self._asking = False
            self._question += 1
        return was

    # -- keys --------------------------------------------------------------------------------------------------------

    def action_back(self) -> None:
        """Stop what runs; else leave."""
        if self._stopped():
            return
        self.app.sql_text = self._area.text
        self.dismiss()

    def action_stop(self) -> None:
        """Stop what runs; else what ctrl+c is elsewhere."""
        if self._stopped():
            return
        if self._area.has_focus:
            self._area.action_copy()
        else:
            self.app.action_help_quit()

    def _stopped(self) -> bool:
        if not self._stop():
            return False
        self._table.empty = "Stopped"
        self._table.refresh()
        self._show_engine()
        self._status("Stopped", bad=True)
        return True

    def action_switch(self) -> None:
        (self._table if self._area.has_focus else self._area).focus()

    def action_older(self) -> None:
        self._recall(-1)

    def action_newer(self) -> None:
        self._recall(1)

    def _recall(self, by: int) -> None:
        history = self.app.sql_history
        self._place = max(0, min(len(history), self._place + by))
        engine, text = engine_in(history[self._place]) if self._place < len(history) else ("", "")
        if engine and engine != self.app.sql_engine.name and engine in available(self.app.session):
            self.use_engine(engine)
        self._area.text = text
        self._area.move_cursor(self._area.document.end)

    def action_saved(self) -> None:
        """The saved queries; enter takes one."""
        from .access import AnswersPage

        columns = (
            TableColumn("name", "SAVED QUERY", 27, 0),
            TableColumn("answers", "ANSWERS", 60, 0),
            TableColumn("asks", "ASKS FOR", 16, 1),
        )

        def cells(query: SavedQuery) -> Callable[[int], Cell]:
            return lambda column: Cell((query.name, query.title, ", ".join(p.name for p in query.parameters))[column])

        rows = [(cells(query), "") for query in QUERIES]
        self.app.push_screen(
            AnswersPage("Saved queries", columns, rows, tab="", empty="", chosen=lambda number: self.take(QUERIES[number]))
        )

    def take(self, query: SavedQuery) -> None:
        """Put a saved query into the editor; one without open places runs at once."""
        text = draft(query)
        self._area.text = text
        self._area.move_cursor(self._area.document.end)
        if _LEFT_OPEN.search(text):
            self._area.focus()
            names = ", ".join(f"{p.name}: {p.help}" for p in query.parameters if not p.default)
            self._status(f"Write a value for {names}; then ctrl+r")
        elif not self._local:
            self._area.focus()
            self._status(self._covered())
        else:
            self._table.focus()
            self.action_run()

    def on_unmount(self) -> None:
        """Whoever leaves, or quits, waits for no answer: a query at AWS is stopped."""
        self._stop()

    def on_row_table_activated(self, message: RowTable.Activated) -> None:
        from .pages import TextPage

        row = int(message.key)
        lines = row_lines(self._columns, self._rows[row])
        self.app.push_screen(TextPage(f"Row {row + 1} of {len(self._rows):,}", lines))

    def action_copy(self) -> None:
        """The row under the cursor as JSON, or the query while it is being written."""
        import msgspec

        if self._area.has_focus or not self._rows:
            self.app.copy(self._area.text)
            return
        row = self._rows[self._table.cursor]
        self.app.copy(msgspec.json.encode({c.name: plain(v) for c, v in zip(self._columns, row, strict=True)}).decode())

    def action_export(self) -> None:
        """Write the answer to a file."""
        if not self._rows:
            self._status("There are no rows to write", bad=True)
            return
        self.run_worker(self._export(), group="export", exclusive=True, exit_on_error=False)

    async def _export(self) -> None:
        from ...session.sqltext import write_answer

        try:
            path = await write_answer(self._columns, list(self._rows))
        except OSError as error:
            self._status(f"The answer could not be written: {error.strerror or error}", bad=True)
            return
        self._status(f"Wrote {len(self._rows):,} rows to {path}")

    def action_problems(self) -> None:
        """What could not be read; of an engine at AWS, what it last said, in full."""
        from .pages import TextPage

        if not self._local:
            said = self.query_one("#sql-engine", Static).content
            words = said.plain if isinstance(said, Text) else str(said)
            self.app.push_screen(TextPage(f"{self.app.sql_engine.name}", [[(words, "")]]))
            return
        refused = self.app.session.trail.state().refused
        lines: list[Line] = [[(visible(reason), "")] for reason in refused] or [[("Everything that was opened was read.", "")]]
        self.app.push_screen(TextPage("What could not be read", lines))
