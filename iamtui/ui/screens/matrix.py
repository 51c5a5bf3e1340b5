"""Who uses what: identities by services, a letter for the age of the last use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import get_current_worker

from ...analysis.filtering import FilterError
from ...analysis.matrix import LEGEND, Matrix
from ...analysis.words import plain
from ...text import visible
from ..keymap import bindings
from ..messages import Answered, GoTo
from ..render.chrome import fitted, hints
from ..widgets.grid import GridCell, MarkGrid
from ..widgets.line import Line
from .asking import PromptEntered, PromptLeft, PromptTyped

if TYPE_CHECKING:
    from ...session.sweeping import ServiceDrill
    from ..app import IamtuiApp
    from .prompt import Prompt

_AT_ONCE = 1500
"""Rows up to which they are narrowed and sorted on the spot; above, in a thread."""
_AGAIN = 2.0
"""Seconds between two looks whether a sweep has brought something."""


class MatrixScreen(Screen[None]):
    """The grid, what the cursor is on, the legend. `/` narrows the rows, `s` sorts them by the service under the cursor, enter asks
    further, esc goes back."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("matrix")
    DEFAULT_CSS = """
    #matrix-here { color: $primary; }
    """
    app: IamtuiApp

    def __init__(self, service: str = "", kinds: Sequence[str] = (), filter_text: str = "") -> None:
        super().__init__(id="matrix")
        self._wanted, self._kinds, self.filter = service.casefold(), tuple(kinds), filter_text
        self._matrix = Matrix((), ())
        self._rows: list[int] = []
        self._services: list[int] = []
        self._sorted_by = -1
        self._version = -1
        self._error = self._missing = ""
        self._prompt: Prompt | None = None
        self._busy = ""
        self._tallies: dict[int, tuple[int, int]] = {}
        self._question = 0

    def compose(self) -> ComposeResult:
        yield Static("", id="page-title", markup=False)
        yield MarkGrid(id="grid")
        yield Line(id="matrix-here")
        yield Line(id="matrix-legend")
        yield Line(id="page-hints")

    def on_mount(self) -> None:
        self.grid = self.query_one(MarkGrid)
        self.grid.empty = "Reading…"
        self.grid.focus()
        self._hint()
        self._read(first=True)
        self.set_interval(_AGAIN, self._look)

    # -- reading -----------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """A sweep goes on behind: what it brings is shown, and no row changes its place."""
        if self._version not in (-1, self.app.session.advice_version):
            self._read(first=False)

    def _read(self, *, first: bool) -> None:
        session, kinds = self.app.session, self._kinds
        self._version = session.advice_version
        sweep = first and session.info.kind in ("demo", "evidence") and bool(session.world.snapshots)

        def run() -> None:
            worker = get_current_worker()
            if sweep:
                for _ in session.sweep(kinds, cancelled=lambda: worker.is_cancelled):
                    pass
            version = session.advice_version
            matrix = session.matrix(kinds)
            services = matrix.services()
            if not worker.is_cancelled:
                self.post_message(Answered("matrix", (matrix, services, version, first)))

        self.run_worker(run, thread=True, exclusive=True, group="matrix", exit_on_error=False)

    def on_answered(self, message: Answered) -> None:
        message.stop()
        if message.question == self._question:
            self._narrowed(*message.value)
        elif message.question == "matrix":
            self._take(*message.value)
        elif message.question == "drill" and message.finished:
            self._show_drill(message.value)

    def _take(self, matrix: Matrix, services: list[int], version: int, first: bool) -> None:
        self._matrix, self._version = matrix, version
        here = self._services[self.grid.column] if self._services else -1
        held = set(self._services)
        self._services = services if first or not held else [*self._services, *(p for p in services if p not in held)]
        if first:
            self._narrow(at_wanted=True)
        elif self._services and not held:
            self._narrow()
        else:
            self._fill((self.grid.row, self._services.index(here) if here in self._services else 0))

    def _narrow(self, *, at_wanted: bool = False) -> None:
        """Rows by the filter, in the list's order or by one service."""
        column = self._wanted_column() if at_wanted and self._wanted else self.grid.column
        matrix, text, sorted_by, now = self._matrix, self.filter, self._sorted_by, self.app.session.now()
        self._question += 1
        question = self._question

        def chosen() -> tuple[list[int] | None, str]:
            try:
                rows = matrix.select(text, now)
            except FilterError as error:
                return None, error.message
            return (matrix.users_of(sorted_by, rows) if sorted_by >= 0 else rows), ""

        if len(matrix.lines) <= _AT_ONCE:
            self._narrowed(chosen(), column)
            return

        def run() -> None:
            worker = get_current_worker()
            found = chosen()
            if not worker.is_cancelled:
                self.post_message(Answered(question, (found, column)))

        self.run_worker(run, thread=True, exclusive=True, group="narrow", exit_on_error=False)

    def _wanted_column(self) -> int:
        """The service that was asked for; the rows are sorted by it."""
        names = [self._matrix.names[place] for place in self._services]
        alike = [n for n, name in enumerate(names) if name.startswith(self._wanted)]
        column = names.index(self._wanted) if self._wanted in names else alike[0] if alike else -1
        if column < 0:
            self._missing = f"nobody who was asked about holds {self._wanted}"
            return self.grid.column
        self._sorted_by = self._services[column]
        return column

    def _narrowed(self, found: tuple[list[int] | None, str], column: int) -> None:
        rows, self._error = found
        self._error = self._error or self._missing
        self._missing = ""
        self._rows = rows if rows is not None else self._rows or list(range(len(self._matrix.lines)))
        self._fill((0, column))

    def _fill(self, at: tuple[int, int]) -> None:
        matrix, rows, services, stamp = self._matrix, self._rows, self._services, self.app.session.now().timestamp()
        self._tallies.clear()
        titles = [visible(matrix.names[place]) for place in services]
        self.grid.empty = self._empty_words()

        def cell(row: int, column: int) -> GridCell:
            mark = matrix.mark(rows[row], services[column], stamp)
            return GridCell(mark.letter, mark.style)

        self.grid.fill(len(rows), titles, lambda row: visible(matrix.lines[rows[row]].name), cell, at=at)
        self._draw()

    def _empty_words(self) -> str:
        if not self._matrix.lines:
            return "No account has been read.\n\nesc goes back."
        if not self._services:
            return "Nobody's last-accessed details are on hand.\n\nThat is not the same as never used. S asks for everybody's."
        return f"None of {len(self._matrix.lines):,} matches the filter.\n\n/ changes it."

    # -- lines around ------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        matrix, width = self._matrix, self.size.width
        asked = sum(1 for row in self._rows if matrix.lines[row].digest is not None)
        title = f"Who uses what: {len(self._rows):,} identities and policies, {len(self._services)} services"
        if asked < len(self._rows):
            title += f", {len(self._rows) - asked:,} without an answer"
        if self.filter:
            title += f"  /{visible(self.filter)}"
        sweeping = self.app.explorer.sweeping()
        if sweeping.running:
            title += f"  ({sweeping.words})"
        self.query_one("#page-title", Static).update(Text(title, "bold", no_wrap=True, overflow="ellipsis"))
        self.query_one("#matrix-here", Line).update(self._here())
        self.query_one("#matrix-legend", Line).update(self._legend(width))

    def _legend(self, width: int) -> Text:
        """What the letters mean; those for what could not be read only where there are any."""
        why = {self._matrix.mark(row, 0, 0).letter for row in self._rows if self._matrix.lines[row].digest is None}
        marks = [mark for number, mark in enumerate(LEGEND) if number < 6 or mark.letter in why]
        parts = [("used within", "dim", 1), *((f"{mark.letter} {mark.words}", "", 0) for mark in marks), ("blank not granted", "", 2)]
        return fitted(parts, width, "  ")

    def _here(self) -> Text:
        """The cell in words; a filter's error in their place."""
        if self._error:
            return Text(visible(self._error), "bold", no_wrap=True, overflow="ellipsis")
        if self._busy:
            return Text(self._busy, no_wrap=True)
        if not self._rows or not self._services:
            return Text("")
        grid, matrix, now = self.grid, self._matrix, self.app.session.now()
        row, place = self._rows[grid.row], self._services[grid.column]
        line, fact = matrix.lines[row], matrix.fact(row, place)
        if place not in self._tallies:
            self._tallies[place] = matrix.tally(place, self._rows)
        used, held = self._tallies[place]
        words = "not granted" if line.digest is not None and fact.state.value == "not applicable" else plain(fact, now)
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(f"{matrix.names[place]} ", "bold")
        text.append(visible(f"{line.noun} {line.name}: {words}"))
        text.append(f"   {used} of {held} who hold it used it" + (", sorted by it" if self._sorted_by == place else ""), "dim")
        return text

    def _hint(self) -> None:
        pairs = [("enter", "who, by what"), ("s", "sort by service"), ("/", "filter"), ("t", "open"), ("S", "sweep"), ("esc", "back")]
        self.query_one("#page-hints", Line).update(hints(pairs, self.size.width or 80))

    def on_resize(self) -> None:
        self._hint()
        if self._matrix.lines:
            self._draw()

    def on_mark_grid_moved(self, message: MarkGrid.Moved) -> None:
        message.stop()
        self._error = ""
        self.query_one("#matrix-here", Line).update(self._here())

    # -- what keys do ------------------------------------------------------------------------------------------------

    def action_back(self) -> None:
        if self.filter:
            self.filter = ""
            self._narrow()
        else:
            self.dismiss()

    def action_sort(self) -> None:
        """By the last use of the service under the cursor; again: in the list's order."""
        if not self._services:
            return
        here = self._services[self.grid.column]
        self._sorted_by = -1 if self._sorted_by == here else here
        self._narrow()

    def action_sweep(self) -> None:
        self.app.explorer.sweeping().ask(" ".join(self._kinds))
        self._draw()

    def action_open(self) -> None:
        """The identity's own Last used tab."""
        if self._rows:
            line = self._matrix.lines[self._rows[self.grid.row]]
            explorer = self.app.explorer
            self.dismiss()
            explorer.post_message(GoTo(line.arn, tab="used"))

    def on_mark_grid_activated(self, message: MarkGrid.Activated) -> None:
        """Who used the service by way of a group or policy, and which policies give it."""
        message.stop()
        line = self._matrix.lines[self._rows[message.row]]
        name = self._matrix.names[self._services[message.column]]
        session = self.app.session
        matches = session.find(line.arn)
        if not matches:
            self._error = f"{line.name} is gone"
            self._draw()
            return
        row = matches[0].row
        self._busy = f"asking about {name}…"
        self._draw()

        def run() -> None:
            from ...session.sweeping import ServiceDrill

            worker = get_current_worker()
            for item in session.load_service(row, name, lambda: worker.is_cancelled):
                if isinstance(item, ServiceDrill) and not worker.is_cancelled:
                    self.post_message(Answered("drill", item))

        self.run_worker(run, thread=True, exclusive=True, group="drill", exit_on_error=False)

    def _show_drill(self, drill: ServiceDrill) -> None:
        from ..render.advice import drill_page

        self._busy = ""
        self._draw()
        line = next((line for line in self._matrix.lines if line.arn == drill.arn), None)
        if line is not None:
            self.app.push_screen(drill_page(f"{line.noun} {line.name}: {drill.service}", drill, self.app.session.now()))

    # -- filter ------------------------------------------------------------------------------------------------------

    async def action_filter(self) -> None:
        if self._prompt is None:
            from .prompt import Prompt

            self._prompt = Prompt()
            await self.mount(self._prompt, before="#page-hints")
        self._prompt.open("filter", "/", self.filter)

    def on_prompt_typed(self, message: PromptTyped) -> None:
        message.stop()
        self.filter = message.text
        self._narrow()

    def on_prompt_entered(self, message: PromptEntered) -> None:
        self._leave(message, message.text)

    def on_prompt_left(self, message: PromptLeft) -> None:
        self._leave(message, "")

    def _leave(self, message: PromptTyped, text: str) -> None:
        message.stop()
        if self._prompt is not None:
            self._prompt.close()
        self.set_focus(self.grid)
        if text != self.filter:
            self.filter = text
            self._narrow()
