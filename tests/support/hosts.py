"""Small apps that hold one widget, and strings written by strangers."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

from textual.app import App, ComposeResult
from textual.message import Message
from textual.widget import Widget

from iamtui.ui import themes

HOSTILE = (
    "\x1b]52;c;aGFja2Vk\x07",
    "\x1b[2J\x1b[H",
    "\x1bPtmux;\x1b\x1b]0;owned\x07\x1b\\",
    "\x9b31m\x9d0;title\x9c",
    "name\r\nforged line",
    "null\x00byte\x08\x7f",
    "\u202eadmin\u202c \u2066x\u2069",
    "zero\u200bwidth\ufeff\u00ad",
    "[bold red]markup[/bold red] [/foo] [@click=app.quit]x[/]",
    "漢字の名前とても長いのでここで切れる" * 3,
    "e\u0301" * 40,
    "👩\u200d👩\u200d👧 family 🇩🇪",
    "tab\tin\tname\x0b\x0c",
    "lone \ud800 surrogate",
    "x" * 10_000,
    "",
)
"""What names, tags, user agents and policies can hold."""


def controls(text: str) -> list[str]:
    """Characters in `text` that a terminal obeys, or that reorder what is read."""
    return [c for c in text if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} or unicodedata.bidirectional(c) in _BIDI]


_BIDI = {"RLE", "LRE", "RLO", "LRO", "PDF", "RLI", "LRI", "FSI", "PDI"}


class Host(App[None]):
    """One widget, our meanings as variables, and the messages it has sent by name."""

    def __init__(self, make: Callable[[], Widget], listen: Sequence[type[Message]] = ()) -> None:
        super().__init__()
        self._make, self._listen = make, tuple(listen)
        self.seen: list[Message] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(themes.MEANINGS)

    def compose(self) -> ComposeResult:
        self.widget = self._make()
        yield self.widget

    def on_mount(self) -> None:
        self.widget.focus()

    async def on_event(self, event: Message) -> None:  # type: ignore[override]
        await super().on_event(event)  # type: ignore[arg-type]

    def named(self, kind: type[Message]) -> list[Message]:
        return [message for message in self.seen if type(message) is kind]


def lines_of(widget: Widget) -> list[str]:
    """The text of a line-API widget as it is on the screen."""
    return [widget.render_line(y).text for y in range(widget.size.height)]
