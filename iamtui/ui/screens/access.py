"""Answers of `:can`, `:who-can` and `:exposure`: a page with the deciding statements marked in their JSON, and tables that lead on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Static

from ...analysis.pretty import pretty
from ...session.crossingtext import alike, ends_words, grouped
from ...session.verdicts import because_words, unknown_words
from ...text import visible
from ..keymap import bindings
from ..messages import GoTo
from ..render.cells import Cell
from ..render.documents import Line, json_lines
from ..render.effective import difference_cell, difference_lines
from ..widgets.table import RowTable, TableColumn

if TYPE_CHECKING:
    from ...analysis.access import Verdict
    from ...analysis.effective import Difference
    from ...analysis.escalation.evaluating import Escalation, Hops
    from ...analysis.exposure import Exposure
    from ...analysis.whocan import Holder
    from ...model.identity import Identity
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
    indices = {other.rule.statement.index for other in spoke if other.rule is not None}
    return [[(visible(f"{one.layer.value} {held.name}{way}"), "heading")], *_marked(held.text, indices)]


def _marked(text: str, statements: set[int]) -> list[Line]:
    """A policy's JSON, a bar before the lines of some statements."""
    ranges = pretty(text).statements
    marked = {line for index in statements if index < len(ranges) for line in range(*ranges[index])}
    return [[("▌ " if number in marked else "  ", "label"), *line] for number, line in enumerate(json_lines(text))]


Target = str | Callable[[], "list[Line] | Screen[None] | None"]


class AnswersPage(Screen[None]):
    """A table of answers; enter goes where one leads, esc goes back.

    rows:   cells of each answer, and what enter opens: a target ("" for nowhere), lines to read, or another page (None: it opens one itself)
    tabs:   where a target is opened, by the number of its row, where that is not `tab`
    chosen: when enter chooses instead of opening: what is done with the number of the row
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("page")

    def __init__(
        self,
        title: str,
        columns: Sequence[TableColumn],
        rows: Sequence[tuple[Callable[[int], Cell], Target]],
        *,
        tab: str,
        empty: str,
        chosen: Callable[[int], None] | None = None,
        tabs: Mapping[int, str] | None = None,
    ) -> None:
        super().__init__()
        self._tabs = tabs or {}
        self._title, self._columns, self._rows, self._tab, self._empty = title, columns, rows, tab, empty
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        yield Static(Text(visible(self._title), "bold"), id="page-title", markup=False)
        yield RowTable(id="answers")
        yield Static(Text.assemble((" enter ", "bold"), "open", (" esc ", "bold"), "back"), id="page-hints", markup=False)

    def on_mount(self) -> None:
        table = self.query_one(RowTable)
        table.empty = self._empty
        table.set_columns(self._columns)
        rows = self._rows
        table.set_rows(len(rows), lambda row, column: rows[row][0](column), str)
        table.focus()

    def on_row_table_activated(self, message: RowTable.Activated) -> None:
        if self._chosen is not None:
            self.dismiss()
            self._chosen(int(message.key))
            return
        target = self._rows[int(message.key)][1]
        if callable(target):
            from .pages import TextPage

            opened = target()
            if opened is not None:
                self.app.push_screen(opened if isinstance(opened, Screen) else TextPage(self._title, opened))
        elif target:
            explorer, *pages = self.app.screen_stack
            self.dismiss()
            for _ in pages[:-1]:
                self.app.pop_screen()  # pages this one was opened from
            explorer.post_message(GoTo(target=target, tab=self._tabs.get(int(message.key), self._tab)))

    def action_back(self) -> None:
        self.dismiss()


def holders_page(title: str, holders: Sequence[Holder]) -> AnswersPage:
    """Everyone who may; enter opens the identity's permissions."""
    columns = (
        TableColumn("who", "WHO", 34, 0),
        TableColumn("kind", "KIND", 9, 2),
        TableColumn("answer", "ANSWER", 8, 0),
        TableColumn("conditions", "CONDITIONS", 40, 1),
        TableColumn("because", "BECAUSE", 50, 2),
    )
    rows: list[tuple[Callable[[int], Cell], Target]] = [
        (partial(_holder_cell, holder), holder.arn if holder.identity is not None else "") for holder in holders
    ]
    return AnswersPage(title, columns, rows, tab="permissions", empty="Nobody in what was read may.")


def _holder_cell(holder: Holder, column: int) -> Cell:
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


def compare_page(first: str, second: str, found: Sequence[Difference]) -> AnswersPage:
    """Two identities by service and access level; enter names every action."""
    columns = (
        TableColumn("service", "SERVICE", 16, 0),
        TableColumn("level", "LEVEL", 11, 1),
        TableColumn("first", f"ONLY {visible(first)}"[:24], 24, 0),
        TableColumn("second", f"ONLY {visible(second)}"[:24], 24, 0),
        TableColumn("unlike", "BOTH, NOT ALIKE", 15, 2),
        TableColumn("both", "BOTH", 6, 1, right=True),
    )
    unlike = [one for one in found if one.only_first or one.only_second or one.unlike]
    rows: list[tuple[Callable[[int], Cell], Target]] = [
        (partial(difference_cell, one), partial(difference_lines, one, first, second)) for one in unlike
    ]
    alike = sum(one.both for one in found)
    title = f"{first} and {second}: {len(unlike):,} services and levels differ, {alike:,} actions alike"
    return AnswersPage(title, columns, rows, tab="permissions", empty=f"They may do the same: {alike:,} actions.")


def exposure_page(title: str, found: Sequence[Exposure]) -> AnswersPage:
    """What can be reached from outside; enter opens a role's trust policy, or shows the statement in its policy."""
    columns = (
        TableColumn("severity", "SEVERITY", 8, 0),
        TableColumn("resource", "RESOURCE", 30, 0),
        TableColumn("who", "WHO", 30, 1),
        TableColumn("why", "WHY", 46, 0),
        TableColumn("only-if", "ONLY IF", 30, 2),
        TableColumn("actions", "ACTIONS", 24, 3),
    )
    rows: list[tuple[Callable[[int], Cell], Target]] = [
        (partial(_exposure_cell, one), one.resource if one.kind == "role" else partial(_exposure_lines, one)) for one in found
    ]
    return AnswersPage(title, columns, rows, tab="trust", empty="Nothing of what was read can be reached from outside.")


def _exposure_lines(found: Exposure) -> list[Line]:
    return [
        [(found.severity.value, _GRAVITY[found.severity.value] or "strong"), (visible(f"  {found.resource}"), "")],
        [("who  ", "label"), (visible(found.who), "")],
        [("why  ", "label"), (visible(found.why), "")],
        [("only if  ", "label"), (visible(" and ".join(found.only_if) or "no condition"), "" if found.only_if else "state-absent")],
        [],
        *_marked(found.document, {found.statement}),
    ]


def escalation_page(
    title: str,
    found: Sequence[Escalation],
    chains: Sequence[Hops],
    crossings: Sequence[Hops] = (),
    names: Mapping[str, str] | None = None,
    unread: Sequence[str] = (),
) -> AnswersPage:
    """Ways to an administrator's rights; enter shows the steps of one.

    crossings: ways between accounts; names: what accounts are called; unread: sentences about accounts that were not read
    """
    called = names or {}
    several = len(called) > 1
    columns = (
        TableColumn("identity", "IDENTITY", 26, 0),
        TableColumn("title", "WAY", 40, 0),
        TableColumn("ends-as", "ENDS AS", 32, 1),
        TableColumn("conditions", "CONDITIONS", 30, 2),
        TableColumn("path", "PATH", 14, 3),
        *((TableColumn("account", "ACCOUNT", 16, 1),) if several else ()),
    )
    certain = sorted(found, key=lambda way: (way.path.gain.value.startswith("acts as the workload"), bool(way.conditions)))
    rows: list[tuple[Callable[[int], Cell], Target]] = [
        (
            partial(_way_cell, (way.identity.name, way.path.title, way.ends_as, way.conditions, way.path.id, of(way.identity, called))),
            partial(_way_lines, way),
        )
        for way in certain
    ]
    for chain in chains:
        words = "over " + " → ".join(role.name for role in chain.roles)
        ends = chain.last.ends_as if chain.last is not None else "an administrator"
        cells = (chain.identity.name, words, ends, chain.conditions, "sts:AssumeRole", of(chain.identity, called))
        rows.append((partial(_way_cell, cells), partial(_chain_lines, chain)))
    for held, told in zip(alike(crossings), grouped(crossings, called), strict=True):
        cells = (told["identity"], told["title"], told["ends_as"], told["conditions"], told["path"], of(held[0].identity, called))
        rows.append((partial(_way_cell, cells), partial(_crossing_lines, held, called)))
    for sentence in unread:
        rows.append((partial(_way_cell, ("not read", sentence, "not known", "", "", "")), partial(_sentence_lines, sentence)))
    return AnswersPage(title, columns, rows, tab="permissions", empty="No way to an administrator's rights was found.")


def of(identity: Identity, names: Mapping[str, str]) -> str:
    """What the account of an identity is called."""
    return names.get(identity.account, identity.account)


def _way_cell(cells: tuple[str, ...], column: int) -> Cell:
    return Cell(visible(cells[column]), "strong" if column == 0 else "")


def _crossing_lines(held: Sequence[Hops], names: Mapping[str, str]) -> list[Line]:
    """Ways of one identity into other accounts, one after the other."""
    lines: list[Line] = []
    for chain in held:
        lines += [[(visible(ends_words(chain, names)), "heading")], *_chain_lines(chain), []]
    return lines


def _sentence_lines(sentence: str) -> list[Line]:
    return [[(visible(sentence), "")], [], [("iamtui collect --accounts reads an account; iamtui accounts tells why one is missing", "")]]


def _way_lines(way: Escalation) -> list[Line]:
    lines: list[Line] = [
        [(visible(way.identity.name), "strong"), (visible(f"  {way.path.title}  ({way.path.id})"), "")],
        [("ends as  ", "label"), (visible(way.ends_as), "")],
        [("depends on  ", "label"), (visible(way.conditions or "nothing that is open"), "" if way.conditions else "state-absent")],
    ]
    lines += [[("not seen  ", "label"), (visible(words), "state-absent")] for words in way.unseen]
    lines += [[], [("Because", "heading")]]
    for permission, decision in zip(way.path.permissions, way.decisions, strict=False):
        told = decision.deciding[0].told if decision.deciding else decision.effect.value
        lines.append([(f"  {permission.action}  ", "strong"), (visible(f"{decision.effect.value}: {told}"), "")])
    lines += [[], [("Steps", "heading")]]
    for number, step in enumerate(way.path.steps, 1):
        lines.append([(f"  {number}  ", "label"), (visible(step.words), "")])
        lines.append([(visible(f"     {step.filled(way.known)}"), "state-absent")])
    return lines


def _chain_lines(chain: Hops) -> list[Line]:
    lines: list[Line] = [[(visible(chain.identity.name), "strong"), ("  assumes in turn", "")]]
    lines += [[(f"  {number}  ", "label"), (visible(role.arn), "")] for number, role in enumerate(chain.roles, 1)]
    if chain.conditions:
        lines.append([("depends on  ", "label"), (visible(chain.conditions), "")])
    if chain.last is not None:
        lines += [[], *_way_lines(chain.last)]
    return lines


_GRAVITY = {"critical": "severity-high", "high": "severity-high", "medium": "severity-medium", "low": ""}


def _exposure_cell(found: Exposure, column: int) -> Cell:
    match column:
        case 0:
            return Cell(found.severity.value, _GRAVITY[found.severity.value])
        case 1:
            name = found.resource.split(":", 5)[-1]
            return Cell(visible(name if found.kind == "role" else f"{found.kind} {name}"), "strong")
        case 2:
            return Cell(visible(found.who))
        case 3:
            return Cell(visible(found.why))
        case 4:
            return Cell(visible(" and ".join(found.only_if)))
        case _:
            return Cell(visible(", ".join(found.actions)))
