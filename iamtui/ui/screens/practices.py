"""The ten practices, and who breaks each of them: tables that lead on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ...analysis.words import relative
from ...model.practice import Kept, Offender, Practice
from ...session.practicetext import found_words, share_words
from ...text import visible
from ..render.cells import Cell
from ..render.documents import Line
from ..widgets.table import TableColumn
from .access import AnswersPage, Target

if TYPE_CHECKING:
    from datetime import datetime

    from textual.screen import Screen

STATE_STYLE = {Kept.YES: "effect-allow", Kept.PARTLY: "severity-medium", Kept.BROKEN: "severity-high", Kept.UNKNOWN: "state-absent"}
_SIGN = {Kept.YES: "✓", Kept.PARTLY: "~", Kept.BROKEN: "✗", Kept.UNKNOWN: "?"}
WIDTH = 10


def practices_page(found: Sequence[Practice], now: datetime, names: Mapping[str, str] | None = None) -> AnswersPage:
    """One row a practice; enter opens who breaks it. `names`: what the open accounts are called."""
    columns = (
        TableColumn("practice", "PRACTICE", 36, 0),
        TableColumn("state", "STATE", 16, 0),
        TableColumn("kept", "KEPT", 5, 1, right=True),
        TableColumn("share", "", WIDTH, 2),
        TableColumn("found", "WHAT WAS FOUND", 60, 0),
    )
    rows: list[tuple[Callable[[int], Cell], Target]] = [(partial(_cell, one), partial(_opened, one, now, names or {})) for one in found]
    broken = sum(1 for one in found if one.kept in (Kept.PARTLY, Kept.BROKEN))
    untold = sum(1 for one in found if one.kept is Kept.UNKNOWN)
    more = f", {untold} cannot be told" if untold else ""
    return AnswersPage(f"Practices: {broken} of {len(found)} are not kept{more}", columns, rows, tab="", empty="No account has been read.")


def _cell(one: Practice, column: int) -> Cell:
    match column:
        case 0:
            return Cell(f"{one.number:>2} {one.title}", "strong")
        case 1:
            return Cell(f"{_SIGN[one.kept]} {one.kept.value}", STATE_STYLE[one.kept])
        case 2:
            return Cell(share_words(one), right=True)
        case 3:
            return Cell(bar(one.share), STATE_STYLE[one.kept])
        case _:
            return Cell(visible(found_words(one)))


def bar(share: float | None, width: int = WIDTH) -> str:
    """A share as a bar of cells; full only when all of it is."""
    if share is None:
        return "·" * width
    full = int(share * width)
    return "█" * full + "░" * (width - full)


def _opened(one: Practice, now: datetime, names: Mapping[str, str]) -> Screen[None] | list[Line]:
    return offenders_page(one, now, names) if one.offenders else about_lines(one)


def about_lines(one: Practice) -> list[Line]:
    """A practice in words: what was checked, from what, and what that cannot see."""
    lines: list[Line] = [
        [(one.kept.value, STATE_STYLE[one.kept]), (f"  {one.number}. {one.title}", "strong")],
        [(visible(one.claim), "")],
        [],
        [("checked   ", "label"), (one.definition, "")],
        [("from      ", "label"), (", ".join(one.sources), "")],
        [("not seen  ", "label"), (one.blind, "state-absent")],
        [("CIS 4.0.1 ", "label"), (one.control or "no control of its own", "" if one.control else "state-absent")],
        [("do        ", "label"), (one.todo, "")],
    ]
    if one.missing:
        lines += [[], [("Not known", "heading")], *([("  " + visible(words), "state-absent")] for words in one.missing)]
    return lines


def offenders_page(one: Practice, now: datetime, names: Mapping[str, str] | None = None) -> AnswersPage:
    """Who breaks a practice; enter leads there. The first row tells what was checked."""
    called = names or {}
    columns = (
        TableColumn("name", "NAME", 30, 0),
        TableColumn("subject", "", 7, 2),
        TableColumn("evidence", "EVIDENCE", 70, 0),
        TableColumn("age", "AS OF", 6, 3, right=True),
        TableColumn("source", "SOURCE", 30, 4),
        *((TableColumn("account", "ACCOUNT", 16, 1),) if len(called) > 1 else ()),
    )
    rows: list[tuple[Callable[[int], Cell], Target]] = [(partial(_head, one), partial(about_lines, one))]
    rows += [(partial(_offender, offender, now, called), offender.arn) for offender in one.offenders]
    tabs = {number: offender.tab for number, offender in enumerate(one.offenders, 1)}
    return AnswersPage(f"{one.number}. {one.title}: {visible(one.claim)}", columns, rows, tab="", empty="", tabs=tabs)


def _head(one: Practice, column: int) -> Cell:
    return Cell(("What is checked", "", visible(one.definition), "", "", "")[column], "label" if column == 0 else "state-absent")


def _offender(one: Offender, now: datetime, names: Mapping[str, str], column: int) -> Cell:
    match column:
        case 0:
            return Cell(visible(one.name), "severity-high" if one.grave else "strong")
        case 1:
            return Cell(one.subject)
        case 2:
            return Cell(visible(one.words))
        case 3:
            return Cell(relative(one.as_of, now) if one.as_of else "", right=True)
        case 4:
            return Cell(visible(one.source))
        case _:
            return Cell(visible(names.get(one.account, one.account)))
