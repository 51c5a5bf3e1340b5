"""A table over any sequence: draws the rows in view and nothing else, so a million rows cost what forty do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ...text import visible
from ..keymap import bindings
from ..render.cells import Cell

CellOf = Callable[[int, int], Cell]
"""(row, column) -> the cell."""


class TableColumn:
    """`width` is what is wanted, `least` what still tells something; `priority` 0 stays longest when room gets scarce."""

    __slots__ = ("id", "least", "priority", "right", "title", "width")

    def __init__(self, id: str, title: str, width: int, priority: int = 1, right: bool = False) -> None:
        self.id, self.title, self.width, self.priority, self.right = id, title, max(width, cell_len(title)), priority, right
        self.least = self.width if right or width <= 10 else max(cell_len(title), 10, self.width * 11 // 20)


class RowTable(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows by position, the cursor by key: whatever the rows become, the cursor stays on the same thing.

    When the thing under the cursor is gone, the cursor goes to what is now in its place, and `CursorLost` says so.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--cursor",
        "table--cursor-blurred",
        "table--marked",
        "table--empty",
        "state-never",
        "state-absent",
        "state-denied",
        "state-failed",
        "effect-deny",
        "effect-allow",
        "severity-high",
        "severity-medium",
        "strong",
    }
    DEFAULT_CSS = """
    RowTable { height: 1fr; width: 1fr; scrollbar-size-horizontal: 0; scrollbar-size-vertical: 1; overflow-x: hidden; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings("table")
    ALLOW_SELECT = False  # a second click opens; Textual would select everything

    class Highlighted(Message):
        """The cursor is on another row."""

        def __init__(self, table: RowTable, key: str) -> None:
            super().__init__()
            self.table, self.key = table, key

        @property
        def control(self) -> RowTable:
            return self.table

    class Activated(Highlighted):
        """Enter or a click on the row under the cursor."""

    class CursorLost(Highlighted):
        """What the cursor was on is gone; `key` was its key."""

    class Pressed(Highlighted):
        """One of `own_keys` was pressed; `key` is its name."""

    class SortRequested(Message):
        """A click on a heading."""

        def __init__(self, table: RowTable, column: str) -> None:
            super().__init__()
            self.table, self.column = table, column

    def __init__(self, *, id: str | None = None, classes: str | None = None, header: bool = True) -> None:
        super().__init__(id=id, classes=classes)
        self._columns: Sequence[TableColumn] = ()
        self._bar = False
        self._shown: list[tuple[int, int]] = []  # (column, width) in view
        self._count = 0
        self._cell: CellOf = lambda row, column: Cell("")
        self._key: Callable[[int], str] = str
        self._cursor = 0
        self._cursor_key = ""
        self._header = header
        self._hidden_columns = 0
        self._strips: dict[tuple[int, bool], Strip] = {}
        self._styles: dict[str, Style] = {}
        self.marks: set[str] = set()
        self.own_keys: tuple[str, ...] = ()  # keys that mean something in what is shown, before those of the screen
        self.empty = ""
        self.sort_column = ""
        self.sort_descending = False

    # -- what is shown -----------------------------------------------------------------------------------------------

    def set_columns(self, columns: Sequence[TableColumn]) -> None:
        self._columns = columns
        self._count = 0  # the rows of before do not have these columns
        self._fit()

    def set_columns_if_changed(self, columns: Sequence[TableColumn]) -> None:
        if [(c.id, c.width) for c in columns] != [(c.id, c.width) for c in self._columns]:
            self.set_columns(columns)

    def set_rows(
        self,
        count: int,
        cell: CellOf,
        key: Callable[[int], str],
        positions: Callable[[str], int | None] | None = None,
        *,
        growing: bool = False,
    ) -> None:
        """Show other rows. `positions` finds a key's position faster than looking at all of them. While the list is `growing`
        the scroll bar is left alone until somebody moves: to draw it at every page costs a kilobyte."""
        before, place = self._cursor_key, self._cursor
        drawn = self._drawn()
        self._count, self._cell, self._key = count, cell, key
        self._strips.clear()
        if not (growing and self._page() < self.virtual_size.height <= count + self._header):
            self._fit_height()
        if self._bar != self._has_bar():
            self._fit()
        lost = False
        if before and count:
            found = positions(before) if positions else self._find(before, place)
            lost = found is None
            self._cursor = min(place, count - 1) if found is None else found
        else:
            self._cursor = min(place, max(count - 1, 0))
        self._cursor_key = key(self._cursor) if count else before
        if lost:
            self.post_message(self.CursorLost(self, before))
        if count:
            self._scroll_to_cursor()
        self._refresh_difference(drawn, self._drawn())

    def _has_bar(self) -> bool:
        """Whether there are more rows than fit; the bar itself is drawn later."""
        return self._count + self._header > self.size.height

    def _fit_height(self) -> None:
        if self.virtual_size.height != self._count + self._header:
            self.virtual_size = Size(self.size.width, self._count + self._header)

    def _drawn(self) -> tuple[tuple[object, ...], list[list[Cell]]]:
        """What is in view: the frame, and the cells of every row."""
        top = int(self.scroll_offset.y)
        rows = range(top, min(top + self._page(), self._count))
        cells = [[self._cell(row, column) for column, _ in self._shown] for row in rows]
        marked = [self._key(row) in self.marks for row in rows] if self.marks else ()
        return (top, self._cursor, self.size, tuple(self._shown), tuple(marked)), cells

    def _refresh_difference(
        self, before: tuple[tuple[object, ...], list[list[Cell]]], after: tuple[tuple[object, ...], list[list[Cell]]]
    ) -> None:
        """Draw again what differs: a row's changed columns, or everything. Rows out of sight cost no byte."""
        (frame, old), (now, new) = before, after
        if frame != now or not self._count or len(new) < len(old):
            self.refresh()
            return
        regions = []
        for line, cells in enumerate(new):
            was = old[line] if line < len(old) else None
            if was is None:
                regions.append(Region(0, line + self._header, self.size.width, 1))
                continue
            x, first, last = 2, -1, -1
            for cell, held, (_, width) in zip(cells, was, self._shown, strict=True):
                if cell != held:
                    first = x if first < 0 else first
                    last = x + width
                x += width + 1
            if first >= 0:
                regions.append(Region(first, line + self._header, last - first, 1))
        if regions:
            self.refresh(*regions)

    def _find(self, key: str, near: int) -> int | None:
        if near < self._count and self._key(near) == key:
            return near
        return next((row for row in range(self._count) if self._key(row) == key), None)

    @property
    def row_count(self) -> int:
        return self._count

    @property
    def cursor(self) -> int:
        """Position of the cursor."""
        return self._cursor

    @property
    def cursor_key(self) -> str:
        """Key of the row under the cursor, "" when there is no row."""
        return self._cursor_key if self._count else ""

    @property
    def wanted_key(self) -> str:
        """Key the cursor is on, or goes to when rows come."""
        return self._cursor_key

    @property
    def columns_hidden(self) -> int:
        return self._hidden_columns

    def move_to_key(self, key: str) -> bool:
        """Put the cursor on that row; False when it is not there."""
        found = self._find(key, self._cursor)
        if found is None:
            self._cursor_key = self._cursor_key or key
            return False
        self.move_to(found)
        return True

    def forget_cursor(self) -> None:
        """The next rows are another question: the cursor begins at the top."""
        self._cursor, self._cursor_key = 0, ""
        self.scroll_to(y=0, animate=False, immediate=True)

    def expect_key(self, key: str) -> None:
        """Where the cursor belongs once rows come."""
        self._cursor_key = key

    def move_to(self, row: int) -> None:
        if not self._count:
            return
        self._fit_height()
        row = max(0, min(row, self._count - 1))
        if row == self._cursor:
            return
        before, self._cursor = self._cursor, row
        self._cursor_key = self._key(row)
        top = int(self.scroll_offset.y)
        self._scroll_to_cursor()
        if int(self.scroll_offset.y) == top:
            self._refresh_row(before)
            self._refresh_row(row)
        self.post_message(self.Highlighted(self, self._cursor_key))

    def renew_key(self) -> None:
        """The key of the row under the cursor is known now."""
        if self._count:
            self._cursor_key = self._key(self._cursor) or self._cursor_key

    def refresh_rows(self) -> None:
        """Draw again: marks, theme or sort signs have changed."""
        self._strips.clear()
        self.refresh()

    def refresh_cursor_row(self) -> None:
        self._strips.pop((self._cursor, True), None)
        self._strips.pop((self._cursor, False), None)
        self._refresh_row(self._cursor)

    # -- geometry ----------------------------------------------------------------------------------------------------

    def _page(self) -> int:
        return max(1, self.size.height - self._header)

    def _scroll_to_cursor(self) -> None:
        top, page = int(self.scroll_target_y), self._page()
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, immediate=True)
        elif self._cursor >= top + page:
            self.scroll_to(y=self._cursor - page + 1, animate=False, immediate=True)

    def _refresh_row(self, row: int) -> None:
        y = row - int(self.scroll_offset.y) + self._header
        if self._header <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def on_resize(self, event: events.Resize) -> None:
        self.virtual_size = Size(event.size.width, self._count + self._header)
        self._fit()
        if self._count:
            self._scroll_to_cursor()

    def _fit(self) -> None:
        """Choose the columns that fit at their least width, the least important going first; then give what is left to the
        important ones, then to wide text columns in the proportion they want."""
        room = self.size.width - 2
        self._bar = self._has_bar()
        columns = list(enumerate(self._columns))
        if room <= 0 or not columns:
            self._shown = []
            return
        kept = dict(columns)
        least = {i: c.least for i, c in columns}
        while len(kept) > 1 and sum(least[i] + 1 for i in kept) - 1 > room:
            if len(kept) == len(columns):
                room -= 1  # for the sign that something is hidden
            del kept[max(kept, key=lambda i: (kept[i].priority, i))]
        if len(kept) == len(columns):
            room -= self._bar  # where nothing is hidden the last column ends at the scroll bar
        widths = {i: least[i] for i in kept}
        left = room - (sum(widths.values()) + len(widths) - 1)
        for i in sorted(kept, key=lambda i: (kept[i].priority, i)):
            more = min(left, kept[i].width - widths[i])
            if more > 0:
                widths[i] += more
                left -= more
        stretch = [i for i, c in kept.items() if not c.right and c.width >= 16] or [next(iter(kept))]
        for _ in range(left):
            widths[min(stretch, key=lambda i: (widths[i] / kept[i].width, -i))] += 1
        self._shown = [(i, widths[i]) for i in sorted(kept)]
        self._hidden_columns = len(columns) - len(kept)
        self._strips.clear()
        self.refresh()

    # -- drawing -----------------------------------------------------------------------------------------------------

    def notify_style_update(self) -> None:
        self._strips.clear()
        self._styles.clear()
        super().notify_style_update()

    def on_key(self, event: events.Key) -> None:
        if event.key in self.own_keys:
            event.stop()
            event.prevent_default()
            self.post_message(self.Pressed(self, event.key))

    def on_focus(self) -> None:
        self.refresh_cursor_row()

    def on_blur(self) -> None:
        self.refresh_cursor_row()

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            known = name in self.COMPONENT_CLASSES
            style = self._styles[name] = self.get_component_rich_style(name, partial=True) if known else Style.null()
        return style

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        base = self.rich_style
        if self._header and y == 0:
            return self._header_strip(width)
        row = y - self._header + int(self.scroll_offset.y)
        if row >= self._count:
            lines = self.empty.split("\n") if not self._count else []
            index = y - self._header - 1
            if 0 <= index < len(lines):
                return Strip([Segment(set_cell_size("  " + visible(lines[index]), width), base + self._style("table--empty"))], width)
            return Strip.blank(width, base)
        under = row == self._cursor
        held = self._strips.get((row, under and self.has_focus))
        if held is not None and not under:
            return held
        strip = self._row_strip(row, under, width, base)
        if not under:
            if len(self._strips) > 2000:
                self._strips.clear()
            self._strips[(row, False)] = strip
        return strip

    def _header_strip(self, width: int) -> Strip:
        style = self.rich_style + self._style("table--header")
        pieces = ["  "]
        for column, cells in self._shown:
            c = self._columns[column]
            sign = ("▼" if self.sort_descending else "▲") if c.id == self.sort_column else ""
            title = c.title if cell_len(c.title) + len(sign) <= cells else c.title[: max(cells - len(sign), 0)]
            text = title + sign
            pieces.append((" " * (cells - cell_len(text)) + text if c.right else set_cell_size(text, cells)) + " ")
        text = "".join(pieces)
        if self._hidden_columns and width > 4:
            text = set_cell_size(text, width - 1) + "›"
        return Strip([Segment(set_cell_size(text, width), style)], width)

    def _row_strip(self, row: int, under: bool, width: int, base: Style) -> Strip:
        marked = bool(self.marks) and self._key(row) in self.marks
        if under:
            base = base + self._style("table--cursor" if self.has_focus else "table--cursor-blurred")
        elif marked:
            base = base + self._style("table--marked")
        segments = [Segment(("▌" if under else " ") + ("●" if marked else " "), base)]
        used = 2
        for column, cells in self._shown:
            cell = self._cell(row, column)
            text, right = cell.text, cell.right
            length = len(text) if text.isascii() else cell_len(text)
            if length > cells:
                text = next((short for short in cell.short if len(short) <= cells), text)
                length = len(text) if text.isascii() else cell_len(text)
            if length > cells:
                text, length = set_cell_size(text, cells - 1) + "…", cells
            pad = " " * (cells - length)
            style = base + self._style(cell.style) if cell.style and not (under and self.has_focus) else base
            segments.append(Segment((pad + text if right else text + pad) + " ", style))
            used += cells + 1
        strip = Strip(segments, used)
        return strip.adjust_cell_length(width, base).simplify()

    # -- keys and mouse ----------------------------------------------------------------------------------------------

    def action_cursor_down(self) -> None:
        self.move_to(self._cursor + 1)

    def action_cursor_up(self) -> None:
        self.move_to(self._cursor - 1)

    def action_page_down(self) -> None:
        self.move_to(self._cursor + self._page())

    def action_page_up(self) -> None:
        self.move_to(self._cursor - self._page())

    def action_top(self) -> None:
        self.move_to(0)

    def action_bottom(self) -> None:
        self.move_to(self._count - 1)

    def action_activate(self) -> None:
        if self._count:
            self.post_message(self.Activated(self, self._cursor_key))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._fit_height()

    def on_click(self, event: events.Click) -> None:
        inside = event.get_content_offset(self)
        if inside is None:
            return
        y = inside.y
        if self._header and y == 0:
            x = 2
            for column, cells in self._shown:
                if x <= inside.x <= x + cells:
                    self.post_message(self.SortRequested(self, self._columns[column].id))
                    return
                x += cells + 1
            return
        row = y - self._header + int(self.scroll_offset.y)
        if 0 <= row < self._count:
            again = row == self._cursor
            self.move_to(row)
            if again or event.chain > 1:
                self.action_activate()

    def visible_keys(self) -> Iterable[str]:
        return (self._key(row) for row in range(self._count))
