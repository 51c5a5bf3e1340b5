"""Facts as table cells: words, and a style name that says the state a second time."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from ...analysis.lists import Column, ColumnKind
from ...analysis.words import plain
from ...model.fact import Fact, State
from ...text import visible


class Cell(NamedTuple):
    """Text that has passed the door, and the component class it is drawn with ("" for the row's own).

    short: what is said where the text does not fit; the first that does. Cut-off text would make states look alike.
    """

    text: str
    style: str = ""
    right: bool = False
    short: tuple[str, ...] = ()


STATE_STYLE = {
    State.NEVER: "state-never",
    State.NOT_IN_TRACKING_PERIOD: "state-never",
    State.NOT_TRACKED: "state-absent",
    State.NO_INFORMATION: "state-absent",
    State.NOT_APPLICABLE: "state-absent",
    State.DENIED: "state-denied",
    State.FAILED: "state-failed",
    State.NOT_LOADED: "state-absent",
}

SHORT = {
    State.NEVER: ("nvr",),
    State.NOT_IN_TRACKING_PERIOD: ("unseen", "uns"),
    State.NOT_TRACKED: ("untracked", "no track", "n/t"),
    State.NO_INFORMATION: ("no info", "?"),
    State.NOT_APPLICABLE: ("n/a",),
    State.DENIED: ("denied", "den!"),
    State.FAILED: ("failed", "err!"),
    State.NOT_LOADED: ("unread", "…"),
}
"""The states in fewer cells, longest first; at no width of four or more are two the same, or the same as a value."""

_MOST = 400
"""Characters of a cell that are looked at; a screen is never wider."""


def cell(fact: Fact[Any], column: Column, now: datetime) -> Cell:
    """One cell of a list."""
    words = plain(fact, now)
    text = visible(words[:_MOST]) if len(words) > _MOST else visible(words)
    right = column.kind in (ColumnKind.NUMBER, ColumnKind.TIME)
    if fact.state is not State.KNOWN:
        return Cell(text, STATE_STYLE[fact.state], right, SHORT[fact.state])
    if column.id == "mark":
        return _mark(fact.value, text)
    return Cell(text, _value_style(fact.value, column), right)


def _mark(words: Any, text: str) -> Cell:
    """A decision; nothing where there is none. What is wrong with it stays to be seen where there is little room."""
    if not words:
        return Cell("")
    if "conflict" in words:
        return Cell(text, "severity-high", False, ("conflict",))
    if len(words) > 1:
        return Cell(text, "severity-medium", False, (f"{words[0]}!",))
    return Cell(text)


def _value_style(value: Any, column: Column) -> str:
    if column.id == "outcome":
        return {"denied": "effect-deny", "failed": "state-failed", "success": ""}.get(value, "state-absent")
    if column.id in ("severity", "class"):
        return {"critical": "severity-high", "high": "severity-high", "medium": "severity-medium"}.get(value, "")
    if column.id == "mfa" and value is False:
        return "severity-high"
    if column.id == "access" and value == "write":
        return "severity-medium"
    if column.id == "trusted-by" and "anyone" in value:
        return "severity-high"
    return ""
