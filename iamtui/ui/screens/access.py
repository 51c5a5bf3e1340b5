"""Answers of `:can` and `:who-can`: a page with the deciding statements marked in their JSON, and a table of everyone who may."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Static

from ...analysis.pretty import pretty
from ...session.verdicts import because_words, unknown_words
from ...text import visible
from ..keymap import bindings
from ..messages import GoTo
from ..render.cells import Cell
from ..render.documents import Line, json_lines
from ..widgets.table import RowTable, TableColumn

if TYPE_CHECKING:
    from ...analysis.access import Verdict
    from ...analysis.whocan import Holder
    from ...policy.decision import Because

_STYLE = {"Allowed": "effect-allow", "ImplicitlyDenied": "effect-deny", "ExplicitlyDenied": "effect-deny", "Depends": "severity-medium"}
_MOST_DOCUMENTS = 8


def verdict_page(verdict: Verdict, resource: str) -> list[Line]:
    """The answer, its because, what is not in it, then every deciding policy with the statement that spoke marked by a bar."""
    decision = verdict.decision
    lines: list[Line] = [
        [(decision.effect.value, _STYLE[decision.effect.value]), ("" if resource == "*" else visible(f"  on {resource}"), "")],
        [("because  ", "label"), (visible(because_words(decision)), "")],
        [("not in this answer  ", "label"), (visible(unknown_words(verdict)), "state-absent")],
    ]
    shown: set[int] = set()
    spoke = [one for one in decision.deciding if one.rule is not None and one.held is not None]
    for one in spoke:
        if one.held is not None and id(one.held) not in shown and len(shown) < _MOST_DOCUMENTS:
            shown.add(id(one.held))
            lines.append([])
            lines.extend(_document(one, [other for other in spoke if other.held is one.held]))
    return lines


def _document(one: Because, spoke: Sequence[Because]) -> list[Line]:
    held = one.held
    assert held is not None
    way = f" ({held.way})" if held.way else ""
    lines: list[Line] = [[(visible(f"{one.layer.value} {held.name}{way}"), "heading")]]
    marked: set[int] = set()
    ranges = pretty(held.text).statements
    for other in spoke:
        if other.rule is not None and other.rule.statement.index < len(ranges):
            first, last = ranges[other.rule.statement.index]
            marked.update(range(first, last))
    for number, line in enumerate(json_lines(held.text)):
        lines.append([("▌ " if number in marked else "  ", "label"), *line])
    return lines


class HoldersPage(Screen[None]):
    """Everyone who may; enter opens the identity, esc goes back."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("page")

    def __init__(self, title: str, holders: Sequence[Holder]) -> None:
        super().__init__()
        self._title, self._holders = title, holders

    def compose(self) -> ComposeResult:
        yield Static(Text(visible(self._title), "bold"), id="page-title", markup=False)
        yield RowTable(id="holders")
        yield Static(Text.assemble((" enter ", "bold"), "open", (" esc ", "bold"), "back"), id="page-hints", markup=False)

    def on_mount(self) -> None:
        table = self.query_one(RowTable)
        table.empty = "Nobody in what was read may."
        table.set_columns(
            (
                TableColumn("who", "WHO", 34, 0),
                TableColumn("kind", "KIND", 9, 2),
                TableColumn("answer", "ANSWER", 8, 0),
                TableColumn("conditions", "CONDITIONS", 40, 1),
                TableColumn("because", "BECAUSE", 50, 2),
            )
        )
        holders = self._holders
        table.set_rows(len(holders), lambda row, column: _cell(holders[row], column), lambda row: f"{row}")
        table.focus()

    def on_row_table_activated(self, message: RowTable.Activated) -> None:
        holder = self._holders[int(message.key)]
        if holder.identity is not None:
            explorer = self.app.screen_stack[0]
            self.dismiss()
            explorer.post_message(GoTo(target=holder.arn, tab="permissions"))

    def action_back(self) -> None:
        self.dismiss()


def _cell(holder: Holder, column: int) -> Cell:
    match column:
        case 0:
            return Cell(visible(holder.name), "strong")
        case 1:
            return Cell(visible(holder.kind))
        case 2:
            effect = holder.effect.value
            return Cell(effect, _STYLE[effect])
        case 3:
            return Cell(visible(holder.conditions))
        case _:
            return Cell(visible(holder.because))
