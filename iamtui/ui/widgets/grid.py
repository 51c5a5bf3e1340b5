"""A grid of single letters: names down the left, services across, their names written downwards. Draws what is in view and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ..keymap import bindings

_STEP = 2
"""Cells of a column: a letter and a blank."""


class GridCell(NamedTuple):
    """A letter that has passed the door, and the component class it is drawn with."""

    letter: str
    style: str = ""


class MarkGrid(ScrollView, can_focus=True, inherit_bindings=False):
    """The cursor is on one cell. Rows and columns are positions; whoever fills the grid knows what they mean."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "grid--header",
        "grid--cursor",
        "grid--here",
        "grid--name",
        "age-day",
        "age-week",
        "age-month",
        "age-quarter",
        "age-year",
        "age-unused",
        "age-unknown",
        "age-denied",
    }
    DEFAULT_CSS = """
    MarkGrid { height: 1fr; width: 1fr; scrollbar-size-horizontal: 0; scrollbar-size-vertical: 1; overflow-x: hidden; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings("grid")
    ALLOW_SELECT = False

    class Moved(Message):
        """The cursor is on another cell."""

        def __init__(self, grid: MarkGrid, row: int, column: int) -> None:
            super().__init__()
            self.grid, self.row, self.column = grid, row, column

    class Activated(Moved):
        """Enter or a click on the cell under the cursor."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.row = self.column = 0
        self._rows = 0
        self._titles: Sequence[str] = ()
        self._label: Callable[[int], str] = str
        self._cell: Callable[[int, int], GridCell] = lambda row, column: GridCell(" ")
        self._left = 0
        self._strips: dict[int, Strip] = {}
        self._styles: dict[str, Style] = {}
        self.empty = ""

    # -- what is shown -----------------------------------------------------------------------------------------------

    def fill(
        self,
        rows: int,
        titles: Sequence[str],
        name: Callable[[int], str],
        cell: Callable[[int, int], GridCell],
        *,
        at: tuple[int, int] | None = None,
    ) -> None:
        """Show other rows or columns. `at`: (row, column) the cursor goes to; else it stays where it is, as far as that is there."""
        self._rows, self._titles, self._label, self._cell = rows, titles, name, cell
        self._strips.clear()
        row, column = at if at is not None else (self.row, self.column)
        self.row, self.column = max(0, min(row, rows - 1)), max(0, min(column, len(titles) - 1))
        self.virtual_size = Size(self.size.width, rows + self._height)
        self._keep_in_view()
        self.refresh()

    @property
    def _height(self) -> int:
        """Lines of the heading: the longest name, and at most a third of the room."""
        longest = max((len(title) for title in self._titles), default=0)
        return max(1, min(longest, max(self.size.height // 3, 4), 14))

    @property
    def _wide(self) -> int:
        """Cells of the names."""
        return max(12, min(34, self.size.width // 3))

    @property
    def _columns(self) -> int:
        """Columns that fit."""
        return max(1, (self.size.width - self._wide - 2) // _STEP)

    @property
    def _page(self) -> int:
        return max(1, self.size.height - self._height)

    @property
    def hidden(self) -> tuple[int, int]:
        """How many columns are out of sight, left and right."""
        return self._left, max(0, len(self._titles) - self._left - self._columns)

    def _keep_in_view(self) -> None:
        left = self._left
        if self.column < left:
            left = self.column
        elif self.column >= left + self._columns:
            left = self.column - self._columns + 1
        left = max(0, min(left, len(self._titles) - self._columns))
        if left != self._left:
            self._left = left
            self._strips.clear()
            self.refresh()
        top = int(self.scroll_target_y)
        if self.row < top:
            self.scroll_to(y=self.row, animate=False, immediate=True)
        elif self.row >= top + self._page:
            self.scroll_to(y=self.row - self._page + 1, animate=False, immediate=True)

    def move_to(self, row: int, column: int) -> None:
        if not self._rows or not self._titles:
            return
        row, column = max(0, min(row, self._rows - 1)), max(0, min(column, len(self._titles) - 1))
        if (row, column) == (self.row, self.column):
            return
        before, turned = self.row, column != self.column
        top, left = int(self.scroll_offset.y), self._left
        self.row, self.column = row, column
        self._keep_in_view()
        if turned:
            self._strips.clear()
        if int(self.scroll_offset.y) == top and self._left == left:
            if turned:
                self.refresh()
            else:
                self._refresh_row(before)
                self._refresh_row(row)
        self.post_message(self.Moved(self, row, column))

    def _refresh_row(self, row: int) -> None:
        y = row - int(self.scroll_offset.y) + self._height
        if self._height <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def on_resize(self, event: events.Resize) -> None:
        self.virtual_size = Size(event.size.width, self._rows + self._height)
        self._strips.clear()
        self._keep_in_view()
        self.refresh()

    # -- drawing -----------------------------------------------------------------------------------------------------

    def notify_style_update(self) -> None:
        self._strips.clear()
        self._styles.clear()
        super().notify_style_update()

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            style = self._styles[name] = (
                self.get_component_rich_style(name, partial=True) if name in self.COMPONENT_CLASSES else Style.null()
            )
        return style

    def render_line(self, y: int) -> Strip:
        base, width = self.rich_style, self.size.width
        if not self._rows or not self._titles:
            lines = self.empty.split("\n")
            text = "  " + lines[y - 1] if 0 < y <= len(lines) else ""
            return Strip([Segment(set_cell_size(text, width), base)], width)
        if y < self._height:
            return self._heading(y, width, base)
        row = y - self._height + int(self.scroll_offset.y)
        if row >= self._rows:
            return Strip.blank(width, base)
        if row == self.row:
            return self._line(row, width, base)
        held = self._strips.get(row)
        if held is None:
            if len(self._strips) > 1000:
                self._strips.clear()
            held = self._strips[row] = self._line(row, width, base)
        return held

    def _heading(self, y: int, width: int, base: Style) -> Strip:
        """One line of the names of services, which stand on the grid; a name that is too long loses its end."""
        height, header, here = self._height, base + self._style("grid--header"), base + self._style("grid--here")
        left, right = self.hidden
        hint = (f"‹ {left} more" if left else "") + ("   " if left and right else "") + (f"{right} more ›" if right else "")
        lead = hint if y == height - 1 else ""
        segments = [Segment(set_cell_size("  " + lead, self._wide + 2), header)]
        for place in range(self._left, min(self._left + self._columns, len(self._titles))):
            title = self._titles[place]
            title = title if len(title) <= height else title[: height - 1] + "…"
            letter = title.rjust(height)[y]
            segments += [Segment(letter, here if place == self.column else header), Segment(" ", header)]
        return Strip(segments).adjust_cell_length(width, header).simplify()

    def _line(self, row: int, width: int, base: Style) -> Strip:
        under = row == self.row
        name = self._label(row)
        wide = self._wide
        text = set_cell_size(name, wide - 1) + "…" if cell_len(name) > wide else set_cell_size(name, wide)
        style = base + self._style("grid--here" if under else "grid--name")
        segments = [Segment("▌" if under else " ", style), Segment(text + " ", style)]
        for place in range(self._left, min(self._left + self._columns, len(self._titles))):
            cell = self._cell(row, place)
            if under and place == self.column:
                drawn = base + self._style("grid--cursor")
            else:
                drawn = base + self._style(cell.style) if cell.style else base
            segments += [Segment(cell.letter, drawn), Segment(" ", base)]
        return Strip(segments).adjust_cell_length(width, base).simplify()

    # -- keys and mouse ----------------------------------------------------------------------------------------------

    def action_move(self, rows: int, columns: int) -> None:
        self.move_to(self.row + rows, self.column + columns)

    def action_page(self, by: int) -> None:
        self.move_to(self.row + by * self._page, self.column)

    def action_side(self, by: int) -> None:
        """A screen of services on."""
        self.move_to(self.row, self.column + by * self._columns)

    def action_top(self) -> None:
        self.move_to(0, self.column)

    def action_bottom(self) -> None:
        self.move_to(self._rows - 1, self.column)

    def action_activate(self) -> None:
        if self._rows and self._titles:
            self.post_message(self.Activated(self, self.row, self.column))

    def on_click(self, event: events.Click) -> None:
        inside = event.get_content_offset(self)
        if inside is None:
            return
        row = inside.y - self._height + int(self.scroll_offset.y)
        column = self._left + (inside.x - self._wide - 2) // _STEP if inside.x >= self._wide + 2 else self.column
        if inside.y < self._height:
            self.move_to(self.row, column)
        elif 0 <= row < self._rows:
            again = (row, column) == (self.row, self.column)
            self.move_to(row, column)
            if again or event.chain > 1:
                self.action_activate()
