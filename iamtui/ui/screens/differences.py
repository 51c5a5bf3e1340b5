"""Two points in time compared: the differences with a filter and an order, one of them whole; and one identity over many points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Static

from ...errors import IamtuiError
from ...session.comparing import narrowed
from ...session.differencetext import day, seen_words, summary
from ...text import visible
from ..keymap import bindings
from ..messages import GoTo
from ..render.cells import Cell
from ..render.differences import SEVERITY, difference_cell, difference_lines, note_lines
from ..render.documents import Line
from ..widgets.table import RowTable, TableColumn
from .asking import PromptEntered, PromptLeft, PromptTyped
from .pages import TextPage

if TYPE_CHECKING:
    from ...analysis.snapshots.difference import Comparison, Difference
    from ...session.comparing import History
    from ..app import IamtuiApp
    from .prompt import Prompt

_COLUMNS = (
    TableColumn("severity", "SEVERITY", 8, 0),
    TableColumn("name", "NAME", 20, 0),
    TableColumn("words", "DIFFERENCE", 60, 0),
    TableColumn("who", "WHO", 20, 1),
    TableColumn("what", "WHAT", 18, 2),
    TableColumn("of", "OF", 7, 3),
)
_ORDERS = ("", "name", "what", "who", "at")
_TABS = {
    "trust": "trust",
    "policy": "document",
    "version": "versions",
    "key": "credentials",
    "MFA": "credentials",
    "console": "credentials",
}


class _Table(Screen[None]):
    """A page with one table, a title above and keys below; enter shows a row whole."""

    app: IamtuiApp

    def compose(self) -> ComposeResult:
        yield Static("", id="page-title", markup=False)
        yield RowTable(id="answers")
        yield Static("", id="page-hints", markup=False)

    def _title(self, words: str) -> None:
        self.query_one("#page-title", Static).update(Text(visible(words), "bold", no_wrap=True, overflow="ellipsis"))

    def _hint(self, keys: Sequence[tuple[str, str]], words: str = "") -> None:
        parts = [part for key, told in keys for part in ((f" {key} ", "bold"), told)]
        hints = Text.assemble(*parts, (f"  {visible(words)}", "dim"), no_wrap=True, overflow="ellipsis")
        self.query_one("#page-hints", Static).update(hints)

    def action_back(self) -> None:
        self.dismiss()


class DifferencesPage(_Table):
    """The gravest first; `/` narrows, `s` sorts, `t` goes to what is another, `i` tells what was not compared."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("page"), *bindings("differences")]

    def __init__(self, title: str, found: Comparison) -> None:
        super().__init__()
        self._label, self._found = title, found
        self._shown: Sequence[Difference] = found.differences
        self._filter, self._order, self._turned = "", "", False
        self._prompt: Prompt | None = None

    def on_mount(self) -> None:
        table = self.query_one(RowTable)
        table.set_columns(_COLUMNS)
        table.focus()
        self._fill()

    def _fill(self, said: str = "") -> None:
        shown, table = self._shown, self.query_one(RowTable)
        table.sort_column, table.sort_descending = self._order, self._turned
        table.empty = "No difference passes the filter." if self._filter else "Nothing is another, as far as both tell."
        table.set_rows(
            len(shown),
            lambda row, column: difference_cell(shown[row], _COLUMNS[column].id),
            lambda row: f"{shown[row].key}#{shown[row].before}",
        )
        self._title(f"{summary(self._found, len(shown))}  {self._label}")
        partial = sum(note.partial for note in self._found.notes)
        told = said or (f"/{self._filter}" if self._filter else "")
        holes = f"{partial} not compared" if partial else "notes"
        keys = [("enter", "whole"), ("/", "narrow"), ("s", "sort"), ("t", "to it"), ("i", holes), ("esc", "back")]
        self._hint(keys, told)

    def _narrow(self, text: str) -> None:
        try:
            self._shown = narrowed(self._found, text, self.app.session.now(), self._order, descending=self._turned)
        except IamtuiError as error:  # a filter nobody understands narrows nothing
            self._shown, self._filter = narrowed(self._found, "", self.app.session.now(), self._order, descending=self._turned), ""
            self._fill(error.message)
            return
        self._filter = text.strip()
        self._fill()

    def _here(self) -> Difference | None:
        table = self.query_one(RowTable)
        return self._shown[table.cursor] if self._shown and 0 <= table.cursor < len(self._shown) else None

    def on_row_table_activated(self, message: RowTable.Activated) -> None:
        message.stop()
        one = self._here()
        if one is not None:
            self.app.push_screen(DifferencePage(one))

    def on_row_table_sort_requested(self, message: RowTable.SortRequested) -> None:
        message.stop()
        self._turned = not self._turned if message.column == self._order else False
        self._order = message.column
        self._narrow(self._filter)

    def action_sort(self) -> None:
        place = _ORDERS.index(self._order) if self._order in _ORDERS else 0
        self._order, self._turned = _ORDERS[(place + 1) % len(_ORDERS)], False
        self._narrow(self._filter)

    def action_sort_reverse(self) -> None:
        self._order, self._turned = self._order or "severity", not self._turned
        self._narrow(self._filter)

    def action_target(self) -> None:
        one = self._here()
        if one is not None:
            go_to(self.app, one)

    def action_copy(self) -> None:
        one = self._here()
        if one is not None:
            self._fill(self.app.copy(as_json(one)))

    def action_notes(self) -> None:
        self.app.push_screen(TextPage("What was not compared", note_lines(self._found)))

    # -- the filter --------------------------------------------------------------------------------------------------

    async def action_filter(self) -> None:
        if self._prompt is None:
            from .prompt import Prompt

            self._prompt = Prompt()
            await self.mount(self._prompt, before="#page-hints")
        self._prompt.open("differences", "/", self._filter)

    def on_prompt_typed(self, message: PromptTyped) -> None:
        message.stop()
        self._narrow(message.text)

    def on_prompt_entered(self, message: PromptEntered) -> None:
        message.stop()
        self._narrow(message.text)
        self._leave_prompt()

    def on_prompt_left(self, message: PromptLeft) -> None:
        message.stop()
        self._narrow("")
        self._leave_prompt()

    def _leave_prompt(self) -> None:
        if self._prompt is not None:
            self._prompt.close()
        self.query_one(RowTable).focus()


class DifferencePage(TextPage):
    """One difference whole; enter or `t` goes to what is another."""

    app: IamtuiApp
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("page"), *bindings("difference")]

    def __init__(self, one: Difference) -> None:
        super().__init__(f"{one.severity.value}  {one.subject} {one.name}: {one.words}", difference_lines(one))
        self._one = one

    def on_mount(self) -> None:
        super().on_mount()
        self._hint("")

    def _hint(self, words: str) -> None:
        keys = [("enter", "to what it is of"), ("y", "copy JSON"), ("esc", "back")]
        hints = Text.assemble(*[part for key, told in keys for part in ((f" {key} ", "bold"), told)], (f"  {visible(words)}", "dim"))
        hints.no_wrap, hints.overflow = True, "ellipsis"
        self.query_one("#page-hints", Static).update(hints)

    def action_target(self) -> None:
        if not go_to(self.app, self._one):
            self._hint("it is in no list that is open")

    def action_copy(self) -> None:
        self._hint(self.app.copy(as_json(self._one)))


def as_json(one: Difference) -> str:
    import msgspec

    from ...session.differencetext import difference_json
    from ...text import inert_json

    return inert_json(msgspec.json.format(msgspec.json.encode(difference_json(one)), indent=2).decode())


def go_to(app: IamtuiApp, one: Difference) -> bool:
    """Leave all pages for the identity or policy, where it is in what is open."""
    explorer = app.explorer
    if not any(match.how == "ARN" for match in app.session.find(one.arn)):
        screen = app.screen
        if isinstance(screen, DifferencesPage):
            screen._fill(f"{one.name} is in no list that is open")
        return False
    while app.screen is not explorer:
        app.pop_screen()
    explorer.post_message(
        GoTo(target=one.arn, tab=_TABS.get(one.what.value, "summary" if one.subject in ("user", "role", "group") else ""))
    )
    return True


# -- history ---------------------------------------------------------------------------------------------------------

_AFTER, _BY = TableColumn("after", "AFTER", 16, 3), TableColumn("by", "BY", 16, 0)
_AFTER.least = _BY.least = 16
_STEPS = (
    _AFTER,
    _BY,
    TableColumn("severity", "SEVERITY", 8, 0),
    TableColumn("words", "DIFFERENCE", 56, 0),
    TableColumn("who", "WHO", 20, 1),
    TableColumn("what", "WHAT", 18, 4),
)


class HistoryPage(_Table):
    """What became of one identity or policy, oldest first; enter shows a difference whole, `i` where it was and what was not told."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("page"), *bindings("history")]

    def __init__(self, found: History) -> None:
        super().__init__()
        self._found = found

    def on_mount(self) -> None:
        found, table = self._found, self.query_one(RowTable)
        table.empty = "Nothing of it is another at any of the points."
        table.set_columns(_STEPS)
        table.set_rows(len(found.steps), self._cell, str)
        table.focus()
        self._title(seen_words(found)[0])
        holes = f", {len(found.notes)} not compared" if found.notes else ""
        self._hint([("enter", "whole"), ("t", "to it"), ("i", f"where it was{holes}"), ("esc", "back")])

    def _cell(self, row: int, column: int) -> Cell:
        one, name = self._found.steps[row].difference, _STEPS[column].id
        if name == "after":
            return Cell(day(one.since))
        if name == "by":
            return Cell(day(one.until))
        if name == "severity":
            return Cell(one.severity.value, SEVERITY[one.severity.value])
        if name == "words" and one.reaches:
            return Cell(visible(f"{one.subject} {one.name}: {one.words}"))
        return difference_cell(one, name)

    def _here(self) -> Difference | None:
        table, steps = self.query_one(RowTable), self._found.steps
        return steps[table.cursor].difference if steps and 0 <= table.cursor < len(steps) else None

    def on_row_table_activated(self, message: RowTable.Activated) -> None:
        message.stop()
        one = self._here()
        if one is not None:
            self.app.push_screen(DifferencePage(one))

    def action_target(self) -> None:
        one = self._here()
        if one is not None and not go_to(self.app, one):
            self._hint([("esc", "back")], f"{one.name} is in no list that is open")

    def action_notes(self) -> None:
        found = self._found
        lines: list[Line] = [[(visible(words), "")] for words in seen_words(found)]
        lines += [[], *([(visible(f"not compared: {note}"), "severity-medium")] for note in found.notes)]
        self.app.push_screen(TextPage(f"{found.kind} {found.name}", lines))
