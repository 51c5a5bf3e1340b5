"""A table and a text pane as a program for a pseudo-terminal: `python -m tests.support.widget_app [plain|hostile]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from textual.app import App, ComposeResult
from textual.filter import LineFilter

from iamtui.text import visible
from iamtui.ui import themes
from iamtui.ui.render.cells import Cell
from iamtui.ui.render.documents import json_lines
from iamtui.ui.terminal import ControlFilter
from iamtui.ui.widgets.table import RowTable, TableColumn
from iamtui.ui.widgets.textpane import TextPane
from tests.support.hosts import HOSTILE, STYLES


class WidgetApp(App[None]):
    CSS_PATH = STYLES
    BINDINGS = [("tab", "other", "other")]  # noqa: RUF012

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = names
        self.animation_level = "none"

    def get_css_variables(self) -> dict[str, str]:
        return {**themes.meanings(self.current_theme), **super().get_css_variables()}

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), ControlFilter()]

    def compose(self) -> ComposeResult:
        yield RowTable()
        yield TextPane()

    def on_mount(self) -> None:
        theme, _ = themes.find(themes.DEFAULT, None)
        assert theme is not None
        self.register_theme(theme)
        self.theme = theme.name
        table, pane = self.query_one(RowTable), self.query_one(TextPane)
        pane.display = False
        table.set_columns([TableColumn("user", "USER", 24, 0), TableColumn("mfa", "MFA", 4), TableColumn("groups", "GROUPS", 30)])
        table.set_rows(
            len(self.names),
            lambda row, column: Cell(visible(self.names[row])[:400] if column != 1 else "no", "severity-high" * (column == 1)),
            str,
        )
        pane.set_lines([line for name in self.names for line in json_lines(name)])
        table.focus()

    def action_other(self) -> None:
        table, pane = self.query_one(RowTable), self.query_one(TextPane)
        table.display, pane.display = pane.display, table.display
        (table if table.display else pane).focus()


if __name__ == "__main__":
    WidgetApp(HOSTILE if sys.argv[1:] == ["hostile"] else [f"user-{n:05}" for n in range(100_000)]).run()
