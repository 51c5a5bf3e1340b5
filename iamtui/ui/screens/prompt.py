"""The one-line prompt for `/`, `:` and file names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from ...text import visible
from .asking import PromptEntered, PromptLeft, PromptTyped


class _Completer(Suggester):
    def __init__(self, complete: Callable[[str], str | None]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        found = self._complete(value) if value else None
        return visible(found) if found else None


class PromptInput(Input):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "leave", show=False),
        Binding("up", "older", "earlier", show=False),
        Binding("down", "newer", "later", show=False),
        Binding("tab", "complete", "complete", show=False),
    ]

    def on_key(self, event: events.Key) -> None:
        event.seen_by_prompt = True  # type: ignore[attr-defined]

    def action_dismiss(self) -> None:
        self.post_message(Prompt.Dismissed())

    def action_older(self) -> None:
        self.post_message(Prompt.Recalled(-1))

    def action_newer(self) -> None:
        self.post_message(Prompt.Recalled(1))

    def action_complete(self) -> None:
        self.action_cursor_right()


class Prompt(Horizontal):
    """Hidden until it is opened. Posts PromptTyped while typing, PromptEntered at enter, PromptLeft at esc."""

    class Dismissed(Message):
        pass

    class Recalled(Message):
        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self.purpose = ""
        self._history: dict[str, list[str]] = {}
        self._place = 0
        self._complete: Callable[[str], str | None] = lambda text: None

    def compose(self) -> ComposeResult:
        yield Static("", id="prompt-sign", markup=False)
        yield PromptInput(id="prompt-input", suggester=_Completer(lambda text: self._complete(text)), compact=True, select_on_focus=False)

    @property
    def input(self) -> PromptInput:
        return self.query_one(PromptInput)

    def open(self, purpose: str, sign: str, text: str = "", complete: Callable[[str], str | None] | None = None) -> None:
        self.purpose = purpose
        self._complete = complete or (lambda typed: None)
        self._place = len(self._history.get(purpose, ()))
        self.query_one("#prompt-sign", Static).update(sign)
        self.display = True
        entry = self.input
        entry.cursor_blink = False
        with self.prevent(Input.Changed):
            entry.value = text
        entry.cursor_position = len(text)
        self.screen.set_focus(entry)  # at once: `focus()` waits its turn behind what was typed ahead

    def close(self) -> None:
        self.display = False
        self.purpose = ""

    def history(self, purpose: str) -> Sequence[str]:
        return self._history.get(purpose, ())

    def on_input_changed(self, message: Input.Changed) -> None:
        message.stop()
        if self.purpose:
            self.post_message(PromptTyped(self.purpose, message.value))

    def on_input_submitted(self, message: Input.Submitted) -> None:
        message.stop()
        purpose, text = self.purpose, message.value
        if text.strip():
            held = self._history.setdefault(purpose, [])
            if text in held:
                held.remove(text)
            held.append(text)
        self.post_message(PromptEntered(purpose, text))

    def on_prompt_dismissed(self, message: Dismissed) -> None:
        message.stop()
        self.post_message(PromptLeft(self.purpose, self.input.value))

    def on_prompt_recalled(self, message: Recalled) -> None:
        message.stop()
        held = self._history.get(self.purpose, [])
        self._place = max(0, min(len(held), self._place + message.by))
        self.input.value = held[self._place] if self._place < len(held) else ""
        self.input.cursor_position = len(self.input.value)
