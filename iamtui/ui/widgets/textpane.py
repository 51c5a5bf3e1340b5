"""A scrolling view of styled lines: JSON, diffs, words. Draws the lines in view and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from ..keymap import bindings
from ..render.documents import Line

_SELECTION = "screen--selection"


class TextPane(ScrollView, can_focus=True, inherit_bindings=False):
    """Lines of (text, style name) pieces that have passed the door. Long lines are cut, or wrapped with `W`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "json-key",
        "json-string",
        "json-number",
        "json-keyword",
        "json-mark",
        "diff-added",
        "diff-removed",
        "effect-allow",
        "effect-deny",
        "severity-high",
        "severity-medium",
        "state-never",
        "state-absent",
        "state-denied",
        "state-failed",
        "heading",
        "label",
        "strong",
    }
    DEFAULT_CSS = """
    TextPane { height: 1fr; width: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings("text")

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._source: Sequence[Line] = ()
        self._lines: list[Line] = []
        self._indents: list[int] = []  # of each line drawn: -1 where a line begins, else the blanks put before what continues
        self._styles: dict[str, Style] = {}
        self.wrap = True

    def set_lines(self, lines: Sequence[Line], *, keep_place: bool = False) -> None:
        """Show other lines; from the top, unless they are a newer reading of the same thing."""
        self._source = lines
        self._layout()
        if not keep_place:
            self.scroll_to(y=0, animate=False, immediate=True)

    def on_resize(self) -> None:
        self._layout()

    def action_toggle_wrap(self) -> None:
        self.wrap = not self.wrap
        self._layout()

    def _layout(self) -> None:
        width = self.scrollable_content_region.width
        self._lines, self._indents = [], []
        for line in self._source:
            pieces, indent = _wrapped(line, width) if self.wrap and width > 8 else ([line], 0)
            self._lines += pieces
            self._indents += [-1] + [indent] * (len(pieces) - 1)
        self.virtual_size = Size(width, len(self._lines))
        self.refresh()

    def notify_style_update(self) -> None:
        self._styles.clear()
        super().notify_style_update()

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            if name == _SELECTION:
                style = self.screen.get_component_rich_style(name)
            else:
                style = self.get_component_rich_style(name, partial=True) if name in self.COMPONENT_CLASSES else Style.null()
            self._styles[name] = style
        return style

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        width = self.scrollable_content_region.width
        index = y + int(self.scroll_offset.y)
        if index >= len(self._lines):
            return Strip.blank(width, base)
        line = self._lines[index]
        selection = self.text_selection
        span = selection.get_span(index) if selection is not None else None
        if span is not None:
            line = _selected(line, *span)
        segments = [Segment(text, base + self._style(style)) for text, style in line if text]
        return Strip(segments).adjust_cell_length(width, base).apply_offsets(0, index)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """What the mouse has marked, without the breaks and indents that wrapping has put in."""
        parts: list[str] = []
        for index, (line, indent) in enumerate(zip(self._lines, self._indents, strict=True)):
            span = selection.get_span(index)
            if span is None:
                continue
            text = "".join(piece for piece, _ in line)
            start, end = max(span[0], indent), len(text) if span[1] == -1 else span[1]
            parts.append(("\n" if parts and indent < 0 else "") + text[start:end])
        return ("".join(parts), "\n") if parts else None

    def plain_text(self) -> str:
        """Everything in it, for copies."""
        return "\n".join("".join(text for text, _ in line) for line in self._source)


def _selected(line: Line, start: int, end: int) -> Line:
    """The line with characters start..end (-1: to its end) drawn as selected."""
    whole = "".join(text for text, _ in line)
    styles = [style for text, style in line for _ in text]
    end = len(whole) if end == -1 else min(end, len(whole))
    styles[start:end] = [_SELECTION] * max(end - start, 0)
    return _runs(whole, styles, 0, len(whole)) if whole else line


def _wrapped(line: Line, width: int) -> tuple[list[Line], int]:
    """A line in pieces no wider than `width`, broken at blanks where there are any; what continues is indented as its line
    is, by two more (the number returned)."""
    whole = "".join(text for text, _ in line)
    if (len(whole) if whole.isascii() else cell_len(whole)) <= width:
        return [line], 0
    indent = min(len(whole) - len(whole.lstrip(" ")) + 2, width // 2)
    styles = [style for text, style in line for _ in text]
    result: list[Line] = []
    start = 0
    while start < len(whole):
        room = width - (indent if result else 0)
        end, used = start, 0
        while end < len(whole):
            used += 1 if whole[end].isascii() else cell_len(whole[end])
            if used > room:
                break
            end += 1
        end = max(end, start + 1)
        if end < len(whole):
            blank = whole.rfind(" ", start + 1, end + 1)
            if blank > start + (end - start) // 2:
                end = blank + 1
        piece: Line = [(" " * indent, "")] if result else []
        piece.extend((text, style) for text, style in _runs(whole, styles, start, end))
        result.append(piece)
        start = end
    return result, indent


def _runs(whole: str, styles: list[str], start: int, end: int) -> Line:
    """Characters start..end as runs of one style."""
    runs: Line = []
    begin = start
    for place in range(start + 1, end + 1):
        if place == end or styles[place] != styles[begin]:
            runs.append((whole[begin:place], styles[begin]))
            begin = place
    return runs
