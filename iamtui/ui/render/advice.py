"""One service of an identity or policy asked further, as rows that lead on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ...analysis.words import plain
from ...model.fact import Fact, State
from ...model.usage import GrantingPolicy
from ...session.sweeping import ServiceDrill
from ...text import visible
from ..widgets.table import TableColumn
from .cells import SHORT, STATE_STYLE, Cell

if TYPE_CHECKING:
    from ..screens.access import AnswersPage

COLUMNS = (
    TableColumn("how", "HOW", 15, 0),
    TableColumn("name", "WHO OR WHAT", 34, 0),
    TableColumn("when", "LAST USED", 12, 1, right=True),
    TableColumn("way", "WAY", 40, 1),
)
DRILL_HEADER = ["how", "name", "last_used", "way", "arn"]


class DrillRow(NamedTuple):
    """`target` is an ARN to go to, "" for nowhere; `fact` says when, or why nothing is known."""

    how: str
    name: str
    fact: Fact[datetime] | None
    way: str
    target: str
    style: str = ""


def drill_rows(drill: ServiceDrill) -> list[DrillRow]:
    """Who used the service, newest first; the policies that give it as AWS tells; and as the documents read here say."""
    rows: list[DrillRow] = []
    if drill.entities.state is not State.NOT_APPLICABLE:
        rows += [DrillRow("used by", one.name, one.last_used, one.kind.lower(), one.arn) for one in drill.entities.value or ()]
        rows += _nothing("used by", drill.entities, "nobody has it")
    if drill.granting.state is not State.NOT_APPLICABLE:
        rows += [DrillRow("given by (AWS)", one.name, None, policy_way(one), one.arn) for one in drill.granting.value or ()]
        rows += _nothing("given by (AWS)", drill.granting, "no policy")
        rows += [DrillRow("given by (read)", words, None, "by the documents read here", "") for words in drill.ours]
    return rows


def drill_page(title: str, drill: ServiceDrill, now: datetime) -> AnswersPage:
    """The rows as a page of their own; enter goes to the identity or policy."""
    from ..screens.access import AnswersPage

    rows = drill_rows(drill)
    made: list[tuple[Callable[[int], Cell], Any]] = [(partial(drill_cell, row, now=now), row.target) for row in rows]
    return AnswersPage(title, COLUMNS, made, tab="", empty="There is nothing to tell.")


def _nothing(how: str, fact: Fact[Any], empty: str) -> list[DrillRow]:
    if fact.is_known:
        return [] if fact.value else [DrillRow(how, empty, None, "", "", "state-absent")]
    words = f"{fact.state.value}: {fact.detail}" if fact.detail else fact.state.value
    return [DrillRow(how, words, None, fact.source, "", STATE_STYLE[fact.state])]


def drill_cell(row: DrillRow, column: int, now: datetime) -> Cell:
    match column:
        case 0:
            return Cell(row.how, "state-absent")
        case 1:
            return Cell(visible(row.name), row.style or "strong")
        case 2:
            if row.fact is None:
                return Cell("", "", True)
            known = row.fact.state is State.KNOWN
            return Cell(plain(row.fact, now), "" if known else STATE_STYLE[row.fact.state], True, () if known else SHORT[row.fact.state])
        case _:
            return Cell(visible(row.way), "state-absent")


def policy_way(policy: GrantingPolicy) -> str:
    """`managed` or `inline, group ops`."""
    if policy.kind == "INLINE":
        return f"inline, {policy.via.lower()} {policy.via_name}".rstrip(", ")
    return policy.kind.lower()
