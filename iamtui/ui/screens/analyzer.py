"""Access Analyzer's findings side by side with ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import get_current_worker

from ...analysis.analyzing import Compared
from ...session.analyzing import AnalyzerView, notes
from ...text import visible
from ..keymap import bindings
from ..messages import Answered, GoTo
from ..render.analyzer import COLUMNS, about_lines, analyzer_cell, claim_lines, title
from ..render.chrome import hints
from ..widgets.line import Line
from ..widgets.table import RowTable
from .pages import TextPage

if TYPE_CHECKING:
    from ..app import IamtuiApp


class AnalyzerScreen(Screen[None]):
    """Claims of either side; enter shows one in full, `t` goes to the identity, `a` leaves out what is archived or resolved, `i` tells
    what is covered."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("analyzer")
    DEFAULT_CSS = "#analyzer-note { height: auto; max-height: 4; padding: 0 1; color: $state-absent; }"
    app: IamtuiApp

    def __init__(self) -> None:
        super().__init__(id="analyzer")
        self._view: AnalyzerView | None = None
        self._rows: list[Compared] = []
        self._only_active = False

    def compose(self) -> ComposeResult:
        yield Static("Access Analyzer", id="page-title", markup=False)
        yield Static("", id="analyzer-note", markup=False)
        yield RowTable(id="claims")
        yield Line(id="page-hints")

    def on_mount(self) -> None:
        self.table = self.query_one(RowTable)
        self.table.empty = "Reading…"
        self.table.set_columns(COLUMNS)
        self.table.focus()
        self._hint()
        self._read(again=False)

    def on_resize(self) -> None:
        self._hint()

    def _hint(self) -> None:
        pairs = [("enter", "whole finding"), ("t", "identity"), ("a", "active only"), ("i", "covered"), ("r", "ask again"), ("esc", "back")]
        self.query_one("#page-hints", Line).update(hints(pairs, self.size.width or 80))

    # -- reading -----------------------------------------------------------------------------------------------------

    def _read(self, *, again: bool) -> None:
        session = self.app.session

        def run() -> None:
            worker = get_current_worker()
            for step in session.load_analyzers(lambda: worker.is_cancelled, again=again):
                self.post_message(Answered("step", step.what, finished=False))
            view = session.analyzer_view(lambda: worker.is_cancelled)
            if not worker.is_cancelled:
                self.post_message(Answered("view", view))

        self.run_worker(run, thread=True, exclusive=True, group="analyzer", exit_on_error=False)

    def on_answered(self, message: Answered) -> None:
        message.stop()
        if message.question == "step":
            self.query_one("#analyzer-note", Static).update(visible(str(message.value)))
        elif message.question == "view":
            self._view = message.value
            self._show()
        elif message.question == "claim":
            row, cause = message.value
            self.app.push_screen(TextPage(f"{row.name}: {row.what}", claim_lines(row, cause, self.app.session.now())))

    def _show(self) -> None:
        view, now = self._view, self.app.session.now()
        if view is None:
            return
        rows = self._rows = [row for row in view.rows if not self._only_active or row.status in ("", "active")]
        self.query_one("#page-title", Static).update(Text(visible(title(view)), "bold", no_wrap=True, overflow="ellipsis"))
        self.query_one("#analyzer-note", Static).update(visible(" · ".join(notes(view))))
        self.table.empty = "Neither Access Analyzer nor iamtui claims anything of what was read."
        self.table.set_rows(len(rows), lambda row, column: analyzer_cell(rows[row], column, now), lambda row: _key(rows[row]))

    # -- what keys do ------------------------------------------------------------------------------------------------

    def _row(self) -> Compared | None:
        return self._rows[self.table.cursor] if self._rows else None

    def on_row_table_activated(self, message: RowTable.Activated) -> None:
        message.stop()
        row, session = self._row(), self.app.session
        if row is None:
            return

        def run() -> None:
            import msgspec

            worker = get_current_worker()
            finding = session.load_finding(row.finding) if row.finding is not None else None
            cause = session.analyzer_cause(finding) if finding is not None else None
            if not worker.is_cancelled:
                self.post_message(Answered("claim", (msgspec.structs.replace(row, finding=finding), cause)))

        self.run_worker(run, thread=True, exclusive=True, group="claim", exit_on_error=False)

    def action_identity(self) -> None:
        """The identity or resource in its list: a role's trust, or what is unused."""
        row = self._row()
        if row is None:
            return
        if not self.app.session.find(row.arn):
            self.notify("It is in no list; enter shows its policy", markup=False)
            return
        explorer = self.app.explorer
        self.dismiss()
        explorer.post_message(GoTo(row.arn, tab="used" if row.kind.value == "unused" else "trust"))

    def action_only_active(self) -> None:
        self._only_active = not self._only_active
        self._show()

    def action_about(self) -> None:
        if self._view is not None:
            self.app.push_screen(TextPage("Access Analyzer: what is covered", about_lines(self._view, self.app.session.now())))

    def action_again(self) -> None:
        self._read(again=True)

    def action_back(self) -> None:
        self.dismiss()


def _key(row: Compared) -> str:
    return f"{row.finding.key if row.finding is not None else ''}|{row.arn}|{row.what}"
