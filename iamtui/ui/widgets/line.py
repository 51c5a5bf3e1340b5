"""One line of text that, when it changes, writes only the cells that changed: progress over a slow link costs tens of bytes."""

from __future__ import annotations

from rich.segment import Segment
from rich.text import Text
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class Line(Widget):
    """Shows a `Text`, cut at the width. Control characters must have passed the rendering door before."""

    DEFAULT_CSS = "Line { height: 1; width: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text = Text()
        self._segments: list[Segment] = []

    @property
    def content(self) -> Text:
        return self._text

    def update(self, text: Text) -> None:
        """Show another text."""
        segments = [Segment(s.text, s.style) for s in text.render(self.app.console)]
        before, self._text, self._segments = self._segments, text, segments
        changed = _difference(before, segments)
        if changed is None:
            return
        first, last = changed
        width = self.size.width
        if first < width:
            self.refresh(Region(first, 0, min(last, width) - first, 1))

    def render_line(self, y: int) -> Strip:
        if y:
            return Strip.blank(self.size.width, self.rich_style)
        return Strip(self._segments).apply_style(self.rich_style).adjust_cell_length(self.size.width, self.rich_style)

    def render(self) -> Text:
        return self._text


def _cells(segments: list[Segment]) -> list[tuple[str, object]] | None:
    """(character, style) a cell; None when a character is not one cell wide."""
    cells: list[tuple[str, object]] = []
    for text, style, _ in segments:
        if Segment(text).cell_length != len(text):
            return None
        cells.extend((char, style) for char in text)
    return cells


def _difference(before: list[Segment], after: list[Segment]) -> tuple[int, int] | None:
    """First changed cell and the one after the last; None when nothing has changed."""
    if before == after:
        return None
    old, new = _cells(before), _cells(after)
    if old is None or new is None:
        return 0, max(sum(s.cell_length for s in before), sum(s.cell_length for s in after))
    length = max(len(old), len(new))
    blank = (" ", None)
    old += [blank] * (length - len(old))
    new += [blank] * (length - len(new))
    places = [place for place in range(length) if old[place] != new[place]]
    return (places[0], places[-1] + 1) if places else None
