"""What changed in the account: a page of entries with a filter, and the page of one entry."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import get_current_worker

from ...analysis.changes.standing import Entry
from ...errors import IamtuiError
from ...session.changetext import admin_words, count_words, meaning_words, since_words, source_words, target_words
from ...text import visible
from ..keymap import bindings
from ..messages import GoTo
from ..render.cells import Cell
from ..render.changes import entry_lines, gives_style, what_cell, who_cell
from ..widgets.table import RowTable, TableColumn
from .asking import PromptEntered, PromptLeft, PromptTyped
from .pages import TextPage

if TYPE_CHECKING:
    from ...analysis.changes.filtering import ChangeList, Listed
    from ...analysis.changes.meaning import Meaning
    from ..app import IamtuiApp
    from .prompt import Prompt

DEFAULT = "since:7d"
_TIME = TableColumn("time", "TIME (UTC)", 16, 0)
_TIME.least = 16
_COLUMNS = (
    _TIME,
    TableColumn("of", "OF", 24, 0),
    TableColumn("what", "WHAT", 30, 0),
    TableColumn("who", "WHO (HUMAN)", 20, 0),
    TableColumn("gives", "GIVES OR TAKES", 22, 0),
    TableColumn("told", "TOLD BY", 22, 2),
)
_MOST_WEIGHED = 300


class ChangesPage(Screen[None]):
    """Entries newest first; `/` narrows, enter opens one, esc goes back."""

    app: IamtuiApp
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("page"), *bindings("changes")]

    def __init__(self, filter_text: str) -> None:
        super().__init__()
        self.filter_text = filter_text
        self._list: ChangeList | None = None
        self._meanings: dict[str, Meaning] = {}
        self._prompt: Prompt | None = None

    def compose(self) -> ComposeResult:
        yield Static("", id="page-title", markup=False)
        yield RowTable(id="answers")
        yield Static("", id="page-hints", markup=False)

    def on_mount(self) -> None:
        table = self.query_one(RowTable)
        table.empty = "Reading what tells of changes…"
        table.set_columns(_COLUMNS)
        table.set_rows(0, lambda row, column: Cell(""), str)
        table.focus()
        self._say("")
        self._ask(read=True)

    def _say(self, words: str) -> None:
        hints = Text.assemble(
            (" enter ", "bold"), "open", (" / ", "bold"), "narrow", (" esc ", "bold"), "back", (f"  {visible(words)}", "dim")
        )
        hints.no_wrap, hints.overflow = True, "ellipsis"
        self.query_one("#page-hints", Static).update(hints)

    def _ask(self, *, read: bool) -> None:
        session, text = self.app.session, self.filter_text
        self._draw_title("Changes: reading…")

        def run() -> None:
            worker = get_current_worker()
            from ...analysis.changes.filtering import parse_filter

            try:
                wanted = parse_filter(text, session.now())
                last = time.monotonic()
                for step in session.load_account_changes(lambda: worker.is_cancelled, since=wanted.since) if read else ():
                    if worker.is_cancelled:
                        return
                    if step.total and time.monotonic() - last >= 0.5:
                        last = time.monotonic()
                        self.app.call_from_thread(self._progress, text, f"Changes: reading {step.what}, {step.done} of {step.total}")
                found = session.account_changes(wanted=wanted)
            except IamtuiError as error:
                if not worker.is_cancelled:
                    self.app.call_from_thread(self._wrong, text, f"{error.message}; {error.hint}" if error.hint else error.message)
                return
            if worker.is_cancelled:
                return
            self.app.call_from_thread(self._show, text, found)
            weighed: dict[str, Meaning] = {}
            for listed in found.entries[:_MOST_WEIGHED]:
                if worker.is_cancelled:
                    return
                weighed[listed.change.key] = session.meaning(listed.change)
            self.app.call_from_thread(self._weigh, text, weighed)

        self.run_worker(run, thread=True, exclusive=True, group="changes", exit_on_error=False)

    def _progress(self, text: str, words: str) -> None:
        if text == self.filter_text and self.is_mounted:
            self._draw_title(words)

    def _wrong(self, text: str, words: str) -> None:
        if text == self.filter_text and self.is_mounted:
            self._draw_title(words)

    def _show(self, text: str, found: ChangeList) -> None:
        if text != self.filter_text or not self.is_mounted:
            return
        self._list = found
        self._draw_title(f"Changes{since_words(found.filter.since)}: {count_words(found)}")
        self._say("; ".join(found.notes))
        self._draw()

    def _weigh(self, text: str, weighed: dict[str, Meaning]) -> None:
        if text == self.filter_text and self.is_mounted:
            self._meanings = {**self._meanings, **weighed}  # another one: the table compares what it drew with what it draws
            self._draw()

    def _draw(self) -> None:
        if self._list is None:
            return
        table, entries = self.query_one(RowTable), self._list.entries
        table.empty = "Nothing that was read tells of such a change. That is not the same as never."
        meanings = self._meanings
        table.set_rows(len(entries), lambda row, column: _cell(entries[row], meanings, column), lambda row: entries[row].change.key)

    def _draw_title(self, words: str) -> None:
        text = Text(visible(words), "bold", no_wrap=True, overflow="ellipsis")
        self.query_one("#page-title", Static).update(text)

    def on_row_table_activated(self, message: RowTable.Activated) -> None:
        message.stop()
        listed = next((one for one in self._list.entries if one.change.key == message.key), None) if self._list is not None else None
        if listed is not None:
            open_entry(self.app, Entry(listed.change))

    # -- the filter --------------------------------------------------------------------------------------------------

    async def action_filter(self) -> None:
        if self._prompt is None:
            from .prompt import Prompt

            self._prompt = Prompt()
            await self.mount(self._prompt, before="#page-hints")
        self._prompt.open("changes", "/", f"{self.filter_text} " if self.filter_text else "")

    def on_prompt_typed(self, message: PromptTyped) -> None:
        message.stop()

    def on_prompt_entered(self, message: PromptEntered) -> None:
        message.stop()
        self.filter_text = message.text.strip()
        self._leave_prompt()
        self._ask(read=True)

    def on_prompt_left(self, message: PromptLeft) -> None:
        message.stop()
        self._leave_prompt()

    def _leave_prompt(self) -> None:
        if self._prompt is not None:
            self._prompt.close()
        self.query_one(RowTable).focus()

    def action_back(self) -> None:
        self.dismiss()


def _cell(listed: Listed, meanings: dict[str, Meaning], column: int) -> Cell:
    change = listed.change
    match column:
        case 0:
            return Cell(f"{change.at:%Y-%m-%d %H:%M}" if change.at is not None else "no date")
        case 1:
            return Cell(visible(target_words(change)), "strong")
        case 2:
            return what_cell(Entry(change))
        case 3:
            return who_cell(Entry(change))
        case 4:
            meaning = meanings.get(change.key)
            words = meaning_words(meaning) if meaning is not None else admin_words("", listed.admin) or "…"
            return Cell(visible(words), gives_style(words) if words != "…" else "state-absent")
        case _:
            return Cell(source_words(change))


def open_entry(app: IamtuiApp, entry: Entry) -> None:
    """The page of one entry, when it has been worked out."""
    session = app.session

    def run() -> None:
        worker = get_current_worker()
        meaning = session.meaning(entry.change)
        texts = session.rollback(entry.change), session.rollback(entry.change, "terraform")
        target = session.change_target(entry.change)
        if not worker.is_cancelled:
            app.call_from_thread(app.push_screen, ChangePage(entry, meaning, *texts, target))

    app.screen.run_worker(run, thread=True, exclusive=True, group="entry", exit_on_error=False)


class ChangePage(TextPage):
    """One entry; `y` and `Y` copy the texts that put it back, enter goes to what it is of."""

    app: IamtuiApp
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("page"), *bindings("change")]

    def __init__(self, entry: Entry, meaning: Meaning, cli: str, terraform: str, target: str) -> None:
        change = entry.change
        super().__init__(f"{change.kind.value}: {target_words(change)}", entry_lines(entry, meaning, cli, terraform))
        self._texts, self._target = (cli, terraform), target

    def on_mount(self) -> None:
        super().on_mount()
        self._hint("")

    def _hint(self, words: str) -> None:
        keys = [("enter", "to what it is of")] if self._target else []
        keys += [("y", "copy CLI"), ("Y", "copy Terraform"), ("esc", "back")]
        hints = Text.assemble(*[part for key, told in keys for part in ((f" {key} ", "bold"), told)], (f"  {visible(words)}", "dim"))
        hints.no_wrap, hints.overflow = True, "ellipsis"
        self.query_one("#page-hints", Static).update(hints)

    def action_copy(self) -> None:
        self._hint(self.app.copy(self._texts[0]))

    def action_copy_terraform(self) -> None:
        self._hint(self.app.copy(self._texts[1]))

    def action_target(self) -> None:
        if not self._target:
            self._hint("what it is of is gone, or in no list that was read")
            return
        explorer = self.app.explorer
        while self.app.screen is not explorer:
            self.app.pop_screen()
        explorer.post_message(GoTo(target=self._target, tab="changes"))
