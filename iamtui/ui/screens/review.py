"""The queue of a review: what to look at first, with its signs, and keys that decide. Enter shows one item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import get_current_worker

from ...analysis.reviewing import ItemState
from ...errors import IamtuiError
from ...model.review import Decision
from ...session import ListKind
from ...session.campaigns import Queue
from ...text import visible
from ..keymap import bindings
from ..messages import Answered
from ..render.cells import Cell
from ..render.review import before_cell, decided_cell
from ..review import told
from ..widgets.line import Line as OneLine
from ..widgets.table import RowTable, TableColumn
from .asking import PromptEntered, PromptLeft, PromptTyped

if TYPE_CHECKING:
    from ..app import IamtuiApp
    from .prompt import Prompt

COLUMNS = (
    TableColumn("what", "WHAT", 26, 0),
    TableColumn("of", "OF", 6, 2),
    TableColumn("decided", "DECIDED", 9, 0),
    TableColumn("signs", "SIGNS", 60, 0),
)
BEFORE = TableColumn("before", "BEFORE", 11, 1)
"""Shown where anything was decided before."""
ACCOUNT = TableColumn("account", "ACCOUNT", 16, 1)
"""Shown where the queue is of several."""


class ReviewBase(Screen[None]):
    """What queue and item share: keys that decide, a line that says what came of it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("review")
    app: IamtuiApp

    def say(self, words: str, *, bad: bool = False) -> None:
        """A sentence in the bottom line, until the next key."""
        self._said = True
        self.query_one("#page-hints", OneLine).update(Text(visible(words), "bold", no_wrap=True, overflow="ellipsis"))

    _said = False

    def hints(self) -> Sequence[tuple[str, str]]:
        return ()

    def draw_hints(self) -> None:
        self._said = False
        line = Text(no_wrap=True, overflow="ellipsis")
        for key, words in self.hints():
            line.append(f" {key} ", "bold")
            line.append(words)
        self.query_one("#page-hints", OneLine).update(line)

    def on_key(self, event: events.Key) -> None:
        if self._said:
            self.draw_hints()

    def action_help(self) -> None:
        from .pages import TextPage, help_lines

        self.app.push_screen(TextPage("Keys", help_lines(self.app.keymap_overrides, "review")))

    def action_leave(self, name: str) -> None:
        """To a list of the explorer."""
        explorer = self.app.explorer
        while self.app.screen is not explorer and len(self.app.screen_stack) > 1:
            self.app.pop_screen()
        if name == "summary":
            explorer.action_summary()
        else:
            explorer.go_to_list(ListKind(name))

    def action_select(self) -> None:
        """Only the queue has something to select."""

    async def action_filter(self) -> None:
        """Only the queue can be narrowed."""

    async def action_report(self) -> None:
        self.say("The report is of the whole queue: esc, then e")


class ReviewScreen(ReviewBase):
    """The queue of a campaign; without one, of what a campaign begun now would hold.

    name: of a campaign, or its id; "" for the open one
    """

    DEFAULT_CSS = """
    #review-status { height: 1; color: $primary; }
    #review-rows { height: 1fr; }
    """

    def __init__(self, name: str = "") -> None:
        super().__init__(id="review")
        self._wanted = name
        self.queue: Queue | None = None
        self.shown: list[ItemState] = []
        self.filter = ""
        self._texts: list[str] = []
        self._prompt: Prompt | None = None
        self._loads = 0

    def compose(self) -> ComposeResult:
        yield Static(Text("Review", "bold"), id="page-title", markup=False)
        yield OneLine(id="review-status")
        yield RowTable(id="review-rows")
        yield OneLine(id="page-hints")

    @property
    def table(self) -> RowTable:
        return self.query_one("#review-rows", RowTable)

    def on_mount(self) -> None:
        self.table.empty = "Weighing what there is…"
        self.table.set_columns(COLUMNS)
        self.draw_hints()
        self.table.focus()
        self.load()

    def hints(self) -> Sequence[tuple[str, str]]:
        return (
            ("K", "keep"),
            ("R", "reduce"),
            ("X", "remove"),
            ("A", "ask"),
            ("E", "exception"),
            ("c", "as before"),
            ("enter", "look"),
            ("?", "keys"),
        )

    # -- reading -----------------------------------------------------------------------------------------------------

    def load(self, say: str = "") -> None:
        """Read the queue as it stands now."""
        session, wanted = self.app.session, self._wanted
        self._loads += 1
        question = self._loads

        def run() -> None:
            from ...session import campaigns

            worker = get_current_worker()
            try:
                running = campaigns.open_campaigns(session)
                entry = campaigns.campaign_named(session, wanted) if wanted else running[-1] if running else None
                if session.standings is None:
                    session.load_marks()
                if entry is None and session.info.kind != "live" and not session.has_events():
                    for _ in session.load_events(None, lambda: worker.is_cancelled):
                        pass
                found: Queue | IamtuiError = campaigns.queue(session, entry, lambda: worker.is_cancelled)
            except IamtuiError as error:
                found = error
            if not worker.is_cancelled:
                self.post_message(Answered(question, (found, say)))

        self.run_worker(run, thread=True, exclusive=True, group="review", exit_on_error=False)

    def on_answered(self, message: Answered) -> None:
        message.stop()
        if message.question != self._loads:
            return
        found, say = message.value
        if isinstance(found, IamtuiError):
            self.table.empty = told(found)
            self.table.set_rows(0, lambda row, column: Cell(""), str)
            return
        self.queue = found
        if self._wanted == "" and found.campaign is not None:
            self._wanted = found.campaign.id
        self._texts = []
        self._show()
        if found.campaign is not None and found.closed is None:
            self.app.explorer.count_review(f"{found.progress.decided:,}/{found.progress.total:,}")
        top = self.app.screen
        if isinstance(top, ItemScreenBase):
            top.renewed()
        if say:
            self.top_say(say)

    def _show(self) -> None:
        """The rows the filter lets through, and the lines above them."""
        assert self.queue is not None
        states = self.queue.states
        words = self.filter.casefold().split()
        if words:
            if not self._texts:
                self._texts = [_text(state) for state in states]
            shown = [state for state, text in zip(states, self._texts, strict=True) if all(_holds(text, word) for word in words)]
            # Who is called so comes before those whose signs speak of it.
            shown.sort(key=lambda state: not all(_holds(state.item.subject.name.casefold(), word) for word in words))
        else:
            shown = list(states)
        self.shown = shown
        now = self.app.session.now()

        names = {snapshot.account: snapshot.label for snapshot in self.app.session.world.snapshots}
        several = len({state.item.subject.account for state in states}) > 1
        before = any(state.before is not None for state in states)
        columns = (*COLUMNS[:2], *((ACCOUNT,) if several else ()), COLUMNS[2], *((BEFORE,) if before else ()), COLUMNS[3])

        def cell(row: int, column: int) -> Cell:
            state = shown[row]
            item = state.item
            match columns[column].id:
                case "what":
                    return Cell(visible(item.subject.name)[:80], "strong")
                case "of":
                    return Cell(visible(item.subject.noun))
                case "account":
                    return Cell(visible(names.get(item.subject.account, item.subject.account)))
                case "decided":
                    return decided_cell(state, now)
                case "before":
                    return before_cell(state, now)
                case _:
                    return Cell(visible("; ".join(item.signs)[:200]))

        table = self.table
        table.empty = "Nothing is in the scope." if not states else "None matches. esc clears the filter, / changes it."
        table.set_columns_if_changed(columns)
        table.set_rows(len(shown), cell, lambda row: shown[row].item.subject.key)
        self._draw_top()

    def _draw_top(self) -> None:
        found = self.queue
        assert found is not None
        count = found.progress
        name = found.name or "Review: no campaign is open; :review start NAME freezes this"
        self.query_one("#page-title", Static).update(Text(visible(name)[:200], "bold"))
        parts = [f"{count.decided:,} of {count.total:,} decided"]
        if self.filter:
            parts.insert(0, f"/{self.filter}: {len(self.shown):,}")
        if self.table.marks:
            shown = {state.item.subject.key for state in self.shown}
            hidden = len(self.table.marks - shown)
            parts.insert(0, f"{len(self.table.marks)} selected" + (f", {hidden} of them hidden" if hidden else ""))
        if found.closed is not None:
            parts.append(f"closed {found.closed.at:%Y-%m-%d}")
        if count.conflicts:
            parts.append(f"{count.conflicts} in conflict")
        parts += [f"{pane} {done:,}/{total:,}" for pane, done, total in count.panes]
        parts += [f"{who} {number:,}" for who, number in count.reviewers[:3]]
        if found.spared:
            parts.append(f"{len(found.spared)} new ones spared")
        if found.gaps:
            parts.append(f"{len(found.gaps)} gaps")
        self.query_one("#review-status", OneLine).update(Text(visible(" · ".join(parts)), no_wrap=True, overflow="ellipsis"))

    # -- one item ----------------------------------------------------------------------------------------------------

    def state(self) -> ItemState | None:
        """The item under the cursor."""
        return self.shown[self.table.cursor] if self.shown and self.table.row_count else None

    def on_row_table_activated(self, message: RowTable.Activated) -> None:
        message.stop()
        self.look()

    def look(self) -> None:
        if self.state() is not None:
            from .reviewitem import ItemScreen

            self.app.push_screen(ItemScreen(self))

    def action_next_open(self, by: int) -> None:
        """The next item nobody has decided about, in the order shown."""
        if not self.step_open(by):
            self.say("Nothing else is open here")

    def step_open(self, by: int) -> bool:
        place = self.table.cursor + by
        while 0 <= place < len(self.shown):
            if self.shown[place].decided is None:
                self.table.move_to(place)
                return True
            place += by
        return False

    # -- deciding ----------------------------------------------------------------------------------------------------

    def chosen(self) -> list[ItemState]:
        """Selected items, else the one under the cursor. None while some of them are hidden: that is asked about first."""
        marks = self.table.marks
        if not marks:
            state = self.state()
            return [state] if state is not None else []
        return [state for state in self.shown if state.item.subject.key in marks]

    def action_select(self) -> None:
        state = self.state()
        if state is not None:
            self.table.marks.symmetric_difference_update({state.item.subject.key})
            self.table.refresh_cursor_row()
            self.table.action_cursor_down()
            self._draw_top()

    def action_decide(self, decision: str) -> None:
        self.decide(self.chosen(), Decision(decision))

    def action_full(self, decision: str = "") -> None:
        self.ask(self.chosen(), Decision(decision) if decision else None)

    def ask(self, states: Sequence[ItemState], decision: Decision | None) -> None:
        """The dialog for some items."""
        from .deciding import Answer, DecideDialog

        if not states:
            return
        held = states[0].decided or states[0].before if len(states) == 1 else None

        def answered(answer: Answer | None) -> None:
            if answer is not None:
                self.decide(states, answer.decision, answer)

        self.app.push_screen(DecideDialog([s.item.subject.name for s in states], 0, held, self.app.session.now(), decision), answered)

    def decide(self, states: Sequence[ItemState], decision: Decision, answer: object = None) -> None:
        """Decide about items, then on to the next open one."""
        from ...session import campaigns
        from .deciding import Answer

        found, session = self.queue, self.app.session
        if found is None or not states:
            return
        how = answer if isinstance(answer, Answer) else Answer(decision, "", None, "")
        queue_ = found

        def job() -> str:
            made = campaigns.decide_items(session, queue_, states, decision, reason=how.reason, expires=how.expires, ticket=how.ticket)
            name = states[0].item.subject.name if len(states) == 1 else f"{made.count:,}"
            return f"{decision.value}: {name}" + (f"; {made.refused[0]}" if made.refused else "") + "; U takes it back"

        self._work(job, onward=len(states) == 1 and not self.table.marks)

    def action_confirm(self) -> None:
        """Decide as before, where the evidence is as it was."""
        from ...session import campaigns

        found, session, states = self.queue, self.app.session, self.chosen()
        if found is None or not states:
            return
        queue_ = found
        alike, changed = campaigns.carried(states, session.now())
        if not alike:
            self.say(
                "Its evidence has changed since, or it has expired: decide anew"
                if changed
                else "There is no decision from before to confirm"
            )
            return

        def job() -> str:
            count = campaigns.confirm(session, queue_, alike)
            left = len(alike) - count + len(changed)
            return f"{count:,} as before" + (f"; {left:,} changed and wait" if left else "") + "; U takes it back"

        self._work(job, onward=len(states) == 1)

    def action_plan(self) -> None:
        """What is decided in this campaign as text; without a campaign, everything that is."""
        from ..review import show_plan

        def say(words: str) -> None:
            self.top_say(words) if words else self.draw_hints()

        show_plan(self.app, self.queue.campaign.id if self.queue is not None and self.queue.campaign is not None else "", say)

    def action_undo(self) -> None:
        session = self.app.session
        self._work(lambda: f"Taken back: {session.undo()}", onward=False)

    def _work(self, job: object, *, onward: bool) -> None:
        from ..review import in_worker

        def done() -> None:
            self.table.marks.clear()
            self.app.explorer.decided(clear=False)

        def run() -> str:
            words: str = job()  # type: ignore[operator]
            self.app.call_from_thread(self._decided, words, onward)
            return ""

        in_worker(self.app, run, done, lambda text: self.top_say(text))

    def top_say(self, words: str) -> None:
        top = self.app.screen
        (top if isinstance(top, ReviewBase) else self).say(words)

    def _decided(self, words: str, onward: bool) -> None:
        if onward:
            self.step_open(1)
        self.load(words)

    # -- filter and leaving ------------------------------------------------------------------------------------------

    async def action_filter(self) -> None:
        await self._open_prompt("filter", "/", self.filter)

    async def action_report(self) -> None:
        """Ask where the report goes; what its name ends in is its form."""
        from ...session.reporting import default_name

        if self.queue is None or self.queue.campaign is None:
            self.say("There is a report once a campaign is begun: :review start NAME")
            return
        await self._open_prompt("report", "write to (.html, .md, .csv, .json): ", default_name(self.queue.name))

    async def _open_prompt(self, purpose: str, sign: str, text: str) -> None:
        from .prompt import Prompt

        if self._prompt is None:
            self._prompt = Prompt()
            await self.mount(self._prompt, before="#page-hints")
        self._prompt.open(purpose, sign, text)

    def _write_report(self, path: str) -> None:
        """In a worker; the queue says what came of it."""
        from ..review import in_worker

        found, session = self.queue, self.app.session
        if not path or found is None or found.campaign is None:
            return
        campaign = found.campaign

        def job() -> str:
            from ...session.reporting import write_report

            self.app.call_from_thread(self.top_say, write_report(session, campaign, path))
            return ""

        self.say("Putting the report together…")
        in_worker(self.app, job, failed=self.top_say)

    def on_prompt_typed(self, message: PromptTyped) -> None:
        message.stop()
        if message.purpose == "filter":
            self._narrow(message.text)

    def _narrow(self, text: str) -> None:
        self.filter = text
        if self.queue is not None:
            self.table.forget_cursor()
            self._show()

    def on_prompt_entered(self, message: PromptEntered) -> None:
        message.stop()
        self._close_prompt()
        if message.purpose == "report":
            self._write_report(message.text.strip())

    def on_prompt_left(self, message: PromptLeft) -> None:
        message.stop()
        self._close_prompt()
        if message.purpose == "filter":
            self._narrow("")

    def _close_prompt(self) -> None:
        if self._prompt is not None:
            self._prompt.close()
        self.table.focus()

    def action_back(self) -> None:
        """Out of the filter, then out of the queue."""
        if self.filter:
            self._narrow("")
        else:
            self.dismiss()


class ItemScreenBase(ReviewBase):
    """A screen over the queue that follows it."""

    def renewed(self) -> None:
        """The queue was read again."""


def _holds(text: str, word: str) -> bool:
    return word[1:] not in text if word.startswith("!") and len(word) > 1 else word in text or word == "!"


def _text(state: ItemState) -> str:
    """What a filter looks in."""
    item = state.item
    held = ""
    if state.decided is not None:
        held = "conflict" if state.decided.conflict else state.decided.mark.decision.value
    marks = " ".join(m.reviewer for _, _, m in state.decided.marks) if state.decided is not None else "open"
    before = f"before:{'same' if state.alike else 'changed'}" if state.before is not None else ""
    return f"{item.subject.name} {item.subject.noun} {item.pane} {held} {marks} {before} {' '.join(item.signs)}".casefold()
