"""One item of a review: who it is, what it holds, when it was used and by which source, what is claimed of it, what was decided.

Grants and keys are rows of their own: with the cursor on one, a decision is about that one alone.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static
from textual.worker import get_current_worker

from ...analysis.reviewing import ItemState, change_words
from ...analysis.words import relative
from ...errors import IamtuiError
from ...model.fact import State
from ...model.review import Campaign, Decision
from ...session.campaigns import ItemView, Part
from ...session.reviewitems import standing_words
from ...text import visible
from ..messages import Answered
from ..render.cells import STATE_STYLE, Cell
from ..render.facts import detail
from ..review import in_worker, told
from ..widgets.line import Line as OneLine
from ..widgets.table import RowTable, TableColumn
from .review import ItemScreenBase

if TYPE_CHECKING:
    from .review import ReviewScreen

LABEL = 14
COLUMNS = (TableColumn("fact", "", LABEL, 0), TableColumn("words", "", 60, 0))


class FactRow(NamedTuple):
    """A fact: label, words, and behind them what told it. `part` where it can be decided about by itself."""

    label: str
    words: str
    source: str = ""
    style: str = ""
    part: Part | None = None


class ItemScreen(ItemScreenBase):
    """Reads what it shows in a worker; the next item shows as soon as one is decided."""

    DEFAULT_CSS = """
    #item-rows { height: 1fr; }
    #item-status { height: 1; color: $primary; }
    """

    def __init__(self, over: ReviewScreen) -> None:
        super().__init__(id="review-item")
        self._over = over
        self._rows: list[FactRow] = []  # one a line of the screen
        self._view: ItemView | None = None
        self._question = 0

    def compose(self) -> ComposeResult:
        yield Static("", id="page-title", markup=False)
        yield OneLine(id="item-status")
        yield RowTable(id="item-rows", header=False)
        yield OneLine(id="page-hints")

    @property
    def table(self) -> RowTable:
        return self.query_one("#item-rows", RowTable)

    def on_mount(self) -> None:
        self.table.set_columns(COLUMNS)
        self.draw_hints()
        self.table.focus()
        self._read()

    def hints(self) -> Sequence[tuple[str, str]]:
        return (
            ("K", "keep"),
            ("R", "reduce"),
            ("X", "remove"),
            ("A", "ask"),
            ("E", "exception"),
            ("c", "as before"),
            ("n p", "next"),
            ("enter", "open"),
            ("esc", "queue"),
        )

    # -- what is shown -----------------------------------------------------------------------------------------------

    def _read(self, *, keep: bool = False) -> None:
        state = self._over.state()
        if state is None:
            return
        self._question += 1
        question, session = self._question, self.app.session
        began = self._over.queue.campaign if self._over.queue is not None else None
        self._draw_title(state)
        if not keep:
            self.table.forget_cursor()
            self.table.empty = "Reading…"
            self.table.set_rows(0, lambda row, column: Cell(""), str)

        def run() -> None:
            from ...session.campaigns import MIN_AGE, item_view

            worker = get_current_worker()
            young = began.body.min_age if began is not None and isinstance(began.body, Campaign) else MIN_AGE
            try:
                found: ItemView | IamtuiError = item_view(session, state, young)
            except IamtuiError as error:
                found = error
            if not worker.is_cancelled:
                self.post_message(Answered(question, found))

        self.run_worker(run, thread=True, exclusive=True, group="item", exit_on_error=False)

    def _draw_title(self, state: ItemState) -> None:
        item, over = state.item, self._over
        title = Text(no_wrap=True, overflow="ellipsis")
        title.append(visible(item.subject.name)[:120], "bold")
        title.append(f"  {visible(item.subject.noun)}")
        self.query_one("#page-title", Static).update(title)
        held = state.decided
        words = ", ".join(held.words(self.app.session.now())) if held is not None else "open"
        place = f"{over.table.cursor + 1:,} of {len(over.shown):,}"
        name = over.queue.name if over.queue is not None else ""
        self.query_one("#item-status", OneLine).update(
            Text(visible(" · ".join(part for part in (words, place, name) if part)), no_wrap=True, overflow="ellipsis")
        )

    def on_answered(self, message: Answered) -> None:
        message.stop()
        if message.question != self._question:
            return
        if isinstance(message.value, IamtuiError):
            self.say(told(message.value), bad=True)
            return
        self._view = message.value
        self._show()

    def on_resize(self) -> None:
        self._show()

    def _show(self) -> None:
        """Every fact on as many lines as it takes: nothing a reviewer needs is cut off."""
        if self._view is None:
            return
        room = max(self.size.width - LABEL - 5, 20)
        self._rows = rows = [line for fact in fact_rows(self._view, self.app.session.now()) for line in _lines(fact, room)]

        def cell(row: int, column: int) -> Cell:
            one = rows[row]
            if column == 0:
                return Cell(one.label, "strong" if one.part is not None else "state-absent")
            return Cell(one.words, one.style)

        self.table.set_rows(len(rows), cell, str)

    def renewed(self) -> None:
        self._read()

    # -- keys --------------------------------------------------------------------------------------------------------

    def _part(self) -> Part | None:
        place = self.table.cursor
        return self._rows[place].part if place < len(self._rows) else None

    def action_decide(self, decision: str) -> None:
        part = self._part()
        if part is not None:
            self._decide_part(part, Decision(decision))
        else:
            self._over.decide(self._states(), Decision(decision))

    def action_full(self, decision: str = "") -> None:
        part, wanted = self._part(), Decision(decision) if decision else None
        if part is None:
            self._over.ask(self._states(), wanted)
            return
        from .deciding import Answer, DecideDialog

        def answered(answer: Answer | None) -> None:
            if answer is not None:
                self._decide_part(part, answer.decision, answer.reason, answer.expires, answer.ticket)

        self.app.push_screen(DecideDialog([part.subject.name], 0, part.standing, self.app.session.now(), wanted), answered)

    def _decide_part(self, part: Part, decision: Decision, reason: str = "", expires: Any = None, ticket: str = "") -> None:
        session, over = self.app.session, self._over
        ident = over.queue.campaign.id if over.queue is not None and over.queue.campaign is not None else ""

        def job() -> str:
            session.decide_about([(part.subject, part.evidence)], decision, reason=reason, expires=expires, ticket=ticket, campaign=ident)
            self.app.call_from_thread(self._part_decided, f"{decision.value}: {part.subject.name}; U takes it back")
            return ""

        in_worker(self.app, job, None, lambda text: self.say(text, bad=True))

    def _part_decided(self, words: str) -> None:
        self._read(keep=True)
        self.say(words)

    def _states(self) -> list[ItemState]:
        state = self._over.state()
        return [state] if state is not None else []

    def action_confirm(self) -> None:
        self._over.table.marks.clear()
        self._over.action_confirm()

    def action_plan(self) -> None:
        self._over.action_plan()

    def action_undo(self) -> None:
        self._over.action_undo()

    def action_next_open(self, by: int) -> None:
        if self._over.step_open(by):
            self._read()
        else:
            self.say("Nothing else is open here")

    def on_row_table_activated(self, message: RowTable.Activated) -> None:
        """Enter opens it in the explorer; esc and 8 lead back."""
        message.stop()
        view = self._view
        if view is None or view.row is None:
            self.say("It is no longer there")
            return
        part, explorer = self._part(), self.app.explorer
        while self.app.screen is not explorer and len(self.app.screen_stack) > 1:
            self.app.pop_screen()
        explorer.open_row(view.row, "permissions" if part is not None and part.subject.noun == "grant" else "")

    def action_back(self) -> None:
        self.dismiss()


def _lines(fact: FactRow, room: int) -> Iterator[FactRow]:
    words = visible(fact.words)[:2000] + (f"  ({visible(fact.source)[:400]})" if fact.source else "")
    label = visible(fact.label)[:LABEL]
    for number, line in enumerate(textwrap.wrap(words, room) or [""]):
        yield fact._replace(label=label if not number else "", words=line, source="")


def fact_rows(view: ItemView, now: Any) -> Iterator[FactRow]:
    """Everything about an item, what matters most first."""
    item = view.state.item
    for number, sign in enumerate(item.signs):
        yield FactRow("signs" if not number else "", sign, style="severity-medium" if not number else "")
    if not item.signs:
        yield FactRow("signs", "nothing stands out")
    if view.row is None:
        yield FactRow("now", "it is no longer there", style="state-denied")
    for change in view.changes:
        yield FactRow("since frozen", change_words(change), style="severity-medium")
    yield from _decided(view, now)
    if view.row is None:
        return
    owner, style = detail(view.owner, now)
    yield FactRow("owner", owner, view.owner.source, style)
    thing: Any = view.row.item
    created = getattr(thing, "created", None)
    if created is not None:
        yield FactRow("made", f"{created:%Y-%m-%d} ({relative(created, now)})")
    if view.seen.state is not State.NOT_APPLICABLE:
        words, style = detail(view.seen, now)
        yield FactRow(
            "last seen", words, " ".join(part for part in (view.seen.source, view.seen.detail if view.seen.is_known else "") if part), style
        )
    if view.admin:
        yield FactRow("may", "everything: it can give anybody any rights", "iamtui's own analysis", "severity-high")
    for part in view.parts:
        young = f"; new: {part.given}, spared" if part.young else f"; {part.given}" if part.given else ""
        mark = f"[{standing_words(part.standing)}] " if part.standing is not None else ""
        noun = "key" if part.subject.noun == "access key" else "policy"
        yield FactRow(noun, mark + part.label, part.how + young, "severity-medium" if mark else "", part)
    for finding in view.findings:
        yield FactRow(finding.severity.value, f"{finding.claim}: {finding.todo}", "", "severity-high" if finding.severity.rank < 2 else "")
    told = {"use", "last seen", "created"}
    for clue in view.evidence.clues:
        if clue.name not in told and not clue.name.startswith("policy "):
            when = f" ({relative(clue.as_of, now)})" if clue.as_of is not None else ""
            yield FactRow(clue.name[:14], clue.value, clue.source + when, STATE_STYLE.get(clue.state, ""))


def _decided(view: ItemView, now: Any) -> Iterator[FactRow]:
    before, standing = view.state.before, view.standing
    if standing is not None and (before is None or standing.id != before.id):
        for _, at, mark in standing.marks:
            yield FactRow(
                "decided",
                f"{mark.decision.value}{f': {mark.reason}' if mark.reason else ''}",
                f"{mark.reviewer}, {relative(at, now)}",
                "strong",
            )
        if standing.conflict:
            yield FactRow("", "conflict: they did not see each other's decision", style="severity-high")
    if before is not None:
        for _, at, mark in before.marks:
            until = f", until {mark.expires:%Y-%m-%d}" if mark.expires else ""
            yield FactRow(
                "last time", f"{mark.decision.value}{until}{f': {mark.reason}' if mark.reason else ''}", f"{mark.reviewer}, {at:%Y-%m-%d}"
            )
        if before.expired(now):
            yield FactRow("", "it has expired: decide anew", style="severity-medium")
        elif view.state.alike:
            yield FactRow("", "the evidence is as it was: c decides as before")
        for change in view.since:
            yield FactRow("changed", change_words(change), style="severity-medium")
