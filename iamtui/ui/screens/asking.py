"""What the prompt says to its screen."""

from __future__ import annotations

from textual.message import Message


class PromptTyped(Message):
    """The text has changed. `purpose` is what was asked."""

    def __init__(self, purpose: str, text: str) -> None:
        super().__init__()
        self.purpose, self.text = purpose, text


class PromptEntered(PromptTyped):
    """Enter."""


class PromptLeft(PromptTyped):
    """Esc; `text` is what was there."""
