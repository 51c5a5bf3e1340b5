"""What filters and sorts of one list need, made lazily and kept: what each column shows, and what its values mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..model.fact import Fact, State
from ..model.finding import Severity
from ..text import visible
from .lists import Column, ColumnKind
from .words import plain

if TYPE_CHECKING:
    from .filtering import Filter, Term, Test

_BETWEEN = "\ue000"
"""Between the cells of a row, so that no text is found across two of them."""

_RANK = {state: rank for rank, state in enumerate(State)}


class Index:
    """Filter and sort of one list. Making one costs nothing; the first word typed reads every cell on screen once.

    items:    (item, its snapshot) in the order of the list
    now:      what relative times are shown against
    previous: the index of the list as it was before: what it read of the very same items is taken over, so that a list that
              grows while a filter stands costs only its new rows

    Two threads may make the same column at once; both make the same.
    """

    def __init__(self, columns: Sequence[Column], items: Sequence[tuple[Any, Any]], now: datetime, previous: Index | None = None) -> None:
        self._columns = {column.id: column for column in columns}
        self._items = items
        self._now = now
        self._shown: dict[str, list[str]] = {}
        self._values: dict[str, list[Any]] = {}
        self._rows: list[str] | None = None
        self._words: dict[str, str] = {}
        self._before: dict[str, list[str]] = dict(previous._shown) if previous is not None else {}
        self._places: list[int] = _places(previous._items, items) if previous is not None and self._before else []

    def __len__(self) -> int:
        return len(self._items)

    def facts(self, column_id: str) -> list[Fact[Any]]:
        """A column's facts, row by row; read again each time, because keeping them all costs more than reading."""
        read = self._columns[column_id].fact
        return [read(item, snapshot) for item, snapshot in self._items]

    def shown(self, column_id: str) -> list[str]:
        """What a column shows, row by row, in folded case; equal texts are one object."""
        held = self._shown.get(column_id)
        if held is None:
            column = self._columns[column_id]
            read, now, words = column.fact, self._now, self._words
            # Times and numbers are compared as they are typed: their values are kept in the same pass.
            values: list[Any] | None = [] if column.kind in (ColumnKind.TIME, ColumnKind.NUMBER) else None
            # How long ago something was is shown differently as time goes by.
            before = self._before.pop(column_id, None) if values is None else None
            held = []
            for position, (item, snapshot) in enumerate(self._items):
                if before is not None and (place := self._places[position]) >= 0:
                    held.append(before[place])
                    continue
                fact = read(item, snapshot)
                text = plain(fact, now)
                if not text.isprintable():
                    text = visible(text)
                text = text.casefold()
                held.append(words.setdefault(text, text))
                if values is not None:
                    values.append(_value(fact))
            self._shown[column_id] = held
            if values is not None:
                self._values[column_id] = values
        return held

    def rows(self) -> list[str]:
        """What each row shows on screen, in folded case."""
        held = self._rows
        if held is None:
            parts = [self.shown(column.id) for column in self._columns.values() if not column.detail_only]
            held = [_BETWEEN.join(cells) for cells in zip(*parts, strict=True)] if parts else [""] * len(self._items)
            self._rows = held
        return held

    def values(self, column_id: str) -> list[Any]:
        """What a column's values mean, row by row: a moment, a number (lengths of time in seconds), a text, a tuple of
        texts, or the State of a fact without a value."""
        held = self._values.get(column_id)
        if held is None:
            held = self._values[column_id] = [_value(fact) for fact in self.facts(column_id)]
        return held

    # -- filter ------------------------------------------------------------------------------------------------------

    def select(self, wanted: Filter) -> list[int]:
        """Positions of the rows that pass, in the list's order."""
        chosen: Sequence[int] = range(len(self._items))
        for term in wanted.terms:
            chosen = self._narrow(term, chosen)
        return list(chosen)

    def _narrow(self, term: Term, chosen: Sequence[int]) -> list[int]:
        places = term.columns or ("",)
        if len(places) == 1 and len(term.tests) == 1:
            passing = self._passing(places[0], term.tests[0], chosen)
            if not term.negated:
                return passing
            found = set(passing)
        else:
            found = {position for place in places for test in term.tests for position in self._passing(place, test, chosen)}
        return [i for i in chosen if (i in found) is not term.negated]

    def _passing(self, column_id: str, test: Test, chosen: Sequence[int]) -> list[int]:
        text = test.text
        if test.look == "text":
            texts = self.shown(column_id) if column_id else self.rows()
            return [i for i in chosen if text in texts[i]]
        if test.look == "exact":
            return self._equal(column_id, text, chosen)
        if test.look == "network":
            texts = self.shown(column_id)
            inside = _inside(text, {texts[i] for i in chosen})
            return [i for i in chosen if texts[i] in inside]
        values = self.values(column_id)
        if test.look == "state":
            states, texts = test.states, self.shown(column_id) if text else []
            return [i for i in chosen if (values[i] in states if isinstance(values[i], State) else bool(text) and text in texts[i])]
        low, high = test.low, test.high
        return [
            i
            for i in chosen
            if not isinstance(value := values[i], State) and (low is None or value >= low) and (high is None or value < high)
        ]

    def _equal(self, column_id: str, text: str, chosen: Sequence[int]) -> list[int]:
        texts = self.shown(column_id)
        found = [i for i in chosen if texts[i] == text]
        values = self.values(column_id) if len(found) < len(chosen) and any("," in texts[i] for i in chosen) else []
        if values:
            found = [i for i in chosen if texts[i] == text or (isinstance(values[i], tuple) and text in values[i])]
        return found

    # -- sort --------------------------------------------------------------------------------------------------------

    def sorted(self, chosen: Sequence[int], column_id: str, descending: bool = False) -> list[int]:
        """Positions by what a column's values mean: times by moment (earliest first), numbers by size, text without regard to
        case. Equal rows keep their order; rows without a value come last, in both directions, alike by state.

        Raises FilterError when there is no such column.
        """
        if column_id not in self._columns:
            from .filtering import column_named

            column_id = column_named(column_id, tuple(self._columns.values())).id
        values = self.values(column_id)
        known = [i for i in chosen if not isinstance(values[i], State)]
        rest = [i for i in chosen if isinstance(values[i], State)]
        by: Callable[[int], Any] = values.__getitem__
        if column_id == "class":
            by = lambda i: _WEIGHT.get(values[i], len(_WEIGHT))  # noqa: E731
        known.sort(key=by, reverse=descending)
        rest.sort(key=lambda i: _RANK[values[i]])
        return known + rest


_WEIGHT = {severity.value: severity.rank for severity in Severity}


def _inside(network: str, addresses: set[str]) -> set[str]:
    """The addresses that are in a network; names of services are in none."""
    import ipaddress

    wanted = ipaddress.ip_network(network, strict=False)
    found = set()
    for text in addresses:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        if address in wanted:
            found.add(text)
    return found


def _places(before: Sequence[tuple[Any, Any]], items: Sequence[tuple[Any, Any]]) -> list[int]:
    """For each row its position among the rows `before`; -1 for one that is new, or whose snapshot is."""
    found = {(id(item), id(snapshot)): position for position, (item, snapshot) in enumerate(before)}
    return [found.get((id(item), id(snapshot)), -1) for item, snapshot in items]


def _value(fact: Fact[Any]) -> Any:
    if fact.state is not State.KNOWN:
        return fact.state
    value = fact.value
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, Severity):
        return value.rank
    if isinstance(value, str):
        return value.casefold()
    if isinstance(value, tuple):
        return tuple(part.casefold() for part in value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    return "" if value is None else value
