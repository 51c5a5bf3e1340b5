"""Small apps that hold one widget, and strings written by strangers."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from textual.app import App, ComposeResult
from textual.widget import Widget

import iamtui.ui
from iamtui.ui import themes
from iamtui.ui.widgets.table import RowTable

STYLES = Path(iamtui.ui.__file__).parent / "iamtui.tcss"

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
    """One widget with the product's stylesheet, and what it has said, as (name, value) in order."""

    CSS_PATH = STYLES

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget
        self.heard: list[tuple[str, str]] = []

    def get_css_variables(self) -> dict[str, str]:
        return {**themes.meanings(self.current_theme), **super().get_css_variables()}

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_mount(self) -> None:
        self.widget.focus()

    def on_row_table_highlighted(self, message: RowTable.Highlighted) -> None:
        self.heard.append(("highlighted", message.key))

    def on_row_table_activated(self, message: RowTable.Activated) -> None:
        self.heard.append(("activated", message.key))

    def on_row_table_cursor_lost(self, message: RowTable.CursorLost) -> None:
        self.heard.append(("lost", message.key))

    def on_row_table_sort_requested(self, message: RowTable.SortRequested) -> None:
        self.heard.append(("sort", message.column))


def lines_of(widget: Widget) -> list[str]:
    """The text of a line-API widget as it is on the screen."""
    return [widget.render_line(y).text for y in range(widget.size.height)]
