"""The dialog of a decision: what, why, until when, where it is tracked. All by keys, on 80x24."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

import msgspec
from rich.text import Text
from textual import events
from textual.app import ComposeResult, RenderResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static

from ...errors import IamtuiError
from ...model.review import Decision, Standing
from ...session.reviewing import end_of
from ...text import visible
from ..render.documents import Line
from ..render.review import standing_lines

_MOST_LINES = 6
"""Lines of what is in force that are shown; the rest is on the summary."""


class Answer(msgspec.Struct, frozen=True):
    """What was chosen. `hidden_too`: also for selected rows the filter hides."""

    decision: Decision
    reason: str
    expires: datetime | None
    ticket: str
    hidden_too: bool = False


class Choice(Widget, can_focus=True):
    """One of some words: left and right, or their first letters."""

    DEFAULT_CSS = """
    Choice { height: 1; width: 1fr; }
    Choice:focus { background: $boost; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "turn(-1)", show=False),
        Binding("right,l,space", "turn(1)", show=False),
        Binding("enter", "enter", show=False),
    ]

    class Entered(Message):
        pass

    def __init__(self, words: Sequence[str], chosen: int, id: str) -> None:
        super().__init__(id=id)
        self.words, self.chosen, self._typed = list(words), chosen, ""

    def render(self) -> RenderResult:
        text = Text(no_wrap=True, overflow="ellipsis")
        for number, word in enumerate(self.words):
            here = number == self.chosen
            text.append(f"[{word}]" if here else f" {word} ", "bold reverse" if here and self.has_focus else "bold" if here else "")
            text.append(" ")
        return text

    def action_turn(self, by: int) -> None:
        self.chosen, self._typed = (self.chosen + by) % len(self.words), ""
        self.refresh()

    def action_enter(self) -> None:
        self.post_message(self.Entered())

    def on_key(self, event: events.Key) -> None:
        """`rem` is remove; one letter again and again goes through the words that begin with it."""
        letter = (event.character or "").casefold()
        if not letter.isalpha():
            return
        order = [(self.chosen + step) % len(self.words) for step in range(len(self.words))]
        for typed in (self._typed + letter, letter):
            turn = order if len(typed) > 1 else [*order[1:], order[0]]
            place = next((n for n in turn if self.words[n].casefold().startswith(typed)), None)
            if place is not None:
                event.stop()
                event.prevent_default()
                self.chosen, self._typed = place, typed
                self.refresh()
                return


class DecideDialog(ModalScreen["Answer | None"]):
    """Enter decides from anywhere; esc leaves all as it is.

    names:   of what it is about; `hidden` of them are not on screen
    held:    what is in force, where it is about one thing
    decision: chosen at first
    """

    DEFAULT_CSS = """
    DecideDialog { align: center middle; }
    #decide-box { width: 78; max-width: 100%; height: auto; max-height: 100%; background: $surface; border: solid $primary; padding: 0 1; }
    #decide-box Static { height: auto; }
    .decide-row { height: 1; width: 1fr; }
    .decide-label { width: 9; height: 1; color: $state-absent; }
    #decide-box Input { height: 1; border: none; padding: 0; width: 1fr; background: $boost; color: $foreground; }
    #decide-error { color: $severity-high; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        # Before the field hears them, so that what is typed ahead goes into the next one.
        Binding("tab,down", "next(1)", show=False, priority=True),
        Binding("shift+tab,up", "next(-1)", show=False, priority=True),
    ]

    def __init__(self, names: Sequence[str], hidden: int, held: Standing | None, now: datetime, decision: Decision | None = None) -> None:
        super().__init__()
        self._names, self._hidden, self._held, self._now = list(names), hidden, held, now
        self._first = decision or (held.mark.decision if held is not None else Decision.KEEP)

    def compose(self) -> ComposeResult:
        decisions = [decision.value for decision in Decision]
        with Vertical(id="decide-box"):
            yield Static(self._title(), markup=False)
            if self._held is not None:
                yield Static(_joined(standing_lines(self._held, self._now)[:_MOST_LINES]), markup=False)
            yield self._row("decide", Choice(decisions, decisions.index(self._first.value), "decide-what"))
            if self._hidden:
                shown = len(self._names) - self._hidden
                words = [f"only the {shown:,} shown", f"all {len(self._names):,}, also the {self._hidden:,} hidden by the filter"]
                yield self._row("for", Choice(words if shown else ["nothing", words[1]], 0, "decide-hidden"))
            yield self._row("reason", self._input("decide-reason", "why"))
            yield self._row("until", self._input("decide-until", "90d or 2027-01-31; an exception needs it"))
            yield self._row("ticket", self._input("decide-ticket", "where it is tracked"))
            yield Static("", id="decide-error", markup=False)
            keys = (("← →", "choose"), ("tab ↓", "next"), ("enter", "decide"), ("esc", "leave"))
            yield Static(Text.assemble(*[part for k, w in keys for part in ((f" {k} ", "bold"), f"{w} ")]), markup=False)

    def _title(self) -> Text:
        count = len(self._names)
        names = ", ".join(visible(name)[:40] for name in self._names[:4]) + (" …" if count > 4 else "")
        words = Text(
            f"Decide about {names}" if count <= 4 else f"Decide about {count:,}: {names}", "bold", no_wrap=True, overflow="ellipsis"
        )
        if self._hidden:
            words.append(f"\n{self._hidden:,} of the {count:,} selected are hidden by the filter", "bold")
        return words

    @staticmethod
    def _row(label: str, widget: Widget) -> Horizontal:
        return Horizontal(Static(label, classes="decide-label", markup=False), widget, classes="decide-row")

    @staticmethod
    def _input(ident: str, words: str) -> Input:
        entry = Input(id=ident, placeholder=words, compact=True, select_on_focus=False, max_length=4000)
        entry.cursor_blink = False
        return entry

    def on_mount(self) -> None:
        self.query_one("#decide-what", Choice).focus()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        message.stop()
        self._decide()

    def on_choice_entered(self, message: Choice.Entered) -> None:
        message.stop()
        self._decide()

    def _decide(self) -> None:
        decision = list(Decision)[self.query_one("#decide-what", Choice).chosen]
        reason, until, ticket = (self.query_one(f"#decide-{name}", Input).value.strip() for name in ("reason", "until", "ticket"))
        try:
            expires = end_of(until, self._now)
        except IamtuiError as error:
            self._refuse(f"{error.message}; {error.hint}", "#decide-until")
            return
        if expires is not None and expires <= self._now:
            self._refuse("This end is in the past", "#decide-until")
        elif decision is Decision.EXCEPTION and not reason:
            self._refuse("An exception needs a reason", "#decide-reason")
        elif decision is Decision.EXCEPTION and expires is None:
            self._refuse("An exception needs an end: 90d, or a date", "#decide-until")
        else:
            too = bool(self._hidden) and self.query_one("#decide-hidden", Choice).chosen == 1
            if self._hidden and not too and self._hidden == len(self._names):
                self.dismiss(None)
                return
            self.dismiss(Answer(decision, reason, expires, ticket, too))

    def _refuse(self, words: str, where: str) -> None:
        self.query_one("#decide-error", Static).update(Text(visible(words)))
        self.query_one(where).focus()

    def action_next(self, by: int) -> None:
        fields = [*self.query(Choice), *self.query(Input)]
        here = next((n for n, field in enumerate(fields) if field is self.focused), 0)
        self.set_focus(fields[(here + by) % len(fields)])

    def action_leave(self) -> None:
        self.dismiss(None)


def _joined(lines: Sequence[Line]) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    for number, line in enumerate(lines):
        if number:
            text.append("\n")
        for words, _style in line:
            text.append(words)
    return text
