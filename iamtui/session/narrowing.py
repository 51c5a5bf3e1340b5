"""Filters and orders of the events list as conditions on rows on disk: the same rows pass as in `analysis.indexing`.

Only names of our own columns become SQL; what a person typed and what a record holds are parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from ..analysis.filtering import Filter, Look, Term, Test, column_named
from ..analysis.lists import Column
from ..analysis.words import EMPTY
from ..model.fact import State

_NONE_TOLD = "no information"
_NAME = "coalesce(nullif(actor_name, ''), nullif(actor_arn, ''), nullif(actor_account, ''), kind)"
_VALUES: dict[str, str] = {
    "actor": f"CASE WHEN session_name <> '' AND session_name <> {_NAME} THEN {_NAME} || '/' || session_name ELSE {_NAME} END",
    "event": "name",
    "service": "regexp_replace(source, '[.]amazonaws[.]com$', '')",
    "outcome": "outcome",
    "origin": "ip",
    "region": "region",
    "account": "account",
    "error": "CASE WHEN error_code <> '' THEN error_code WHEN error_message <> '' THEN 'unnamed' ELSE '' END",
    "access": "CASE read_only WHEN true THEN 'read' WHEN false THEN 'write' ELSE '' END",
    "actor-kind": "kind",
    "actor-arn": "actor_arn",
    "session": "session_name",
    "access-key": "access_key",
    "source-identity": "source_identity",
    "message": "error_message",
    "user-agent": "user_agent",
    "event-id": "event_id",
}
_SHORT = (
    "list_transform(targets, lambda x: CASE WHEN starts_with(x, 'arn:') AND len(string_split(x, ':')) >= 6 "
    "THEN array_to_string(string_split(x, ':')[6:], ':') ELSE x END)"
)
_LISTS = {"target": _SHORT, "targets": "targets"}
_TOLD_OR_NOT = ("actor", "event", "service", "origin", "region", "account", "access", "actor-arn", "access-key", "user-agent", "event-id")
"""Columns in which nothing means that the record does not tell; in the others it means that there is none."""
CLASS_COLUMNS = ("class", "about", "why")

Keys = Callable[[str, Callable[[Any], bool]], str]
"""(column of a class, test of its value: a text, a tuple of texts, or a State) -> SQL of the rows whose class passes."""
Order = Callable[[str], str]
"""Column of a class -> SQL of its place in an order; NULL where it has none."""
Addresses = Callable[[str], Sequence[str]]
"""Addresses among the rows that are inside a network."""


class Narrowing:
    """Makes conditions. `keys`, `order` and `addresses` ask the rows themselves."""

    def __init__(self, columns: Sequence[Column], keys: Keys, order: Order, addresses: Addresses) -> None:
        self._columns, self._keys, self._order, self._addresses = columns, keys, order, addresses
        self._shown = [column.id for column in columns if not column.detail_only]

    def condition(self, wanted: Filter) -> tuple[str, list[Any]]:
        """SQL and its parameters; "" for a filter that lets everything through."""
        parts: list[str] = []
        values: list[Any] = []
        for term in wanted.terms:
            sql, more = self._term(term)
            parts.append(f"NOT ({sql})" if term.negated else f"({sql})")
            values += more
        return " AND ".join(parts), values

    def order(self, column: str, descending: bool) -> str:
        """SQL of an order; rows without a value last, in both directions. Raises FilterError when there is no such column."""
        name = column if any(one.id == column for one in self._columns) else column_named(column, self._columns).id
        way = "DESC" if descending else "ASC"
        if name == "time":
            return f"time IS NULL, time {way}"
        if name in _LISTS:
            return f"list_transform({_LISTS[name]}, lambda x: lower(x)) {way}"
        if name in CLASS_COLUMNS:
            place = self._order(name)
            return f"{place} IS NULL, {place} {way}"
        absent = f"{_VALUES[name]} = '', " if name in _TOLD_OR_NOT else ""
        return f"{absent}lower({_VALUES[name]}) {way}"

    def _term(self, term: Term) -> tuple[str, list[Any]]:
        parts: list[str] = []
        values: list[Any] = []
        for column in term.columns or ("",):
            for test in term.tests:
                sql, more = self._test(column, test)
                parts.append(sql)
                values += more
        return " OR ".join(f"coalesce({part}, false)" for part in parts) or "false", values

    def _test(self, column: str, test: Test) -> tuple[str, list[Any]]:
        if not column:
            parts: list[str] = []
            values: list[Any] = []
            for name in self._shown:
                sql, more = self._contains(name, test.text)
                parts.append(sql)
                values += more
            return " OR ".join(f"coalesce({part}, false)" for part in parts), values
        if column in CLASS_COLUMNS:
            return self._keys(column, lambda value: _passes(value, test)), []
        match test.look:
            case Look.TEXT:
                return self._contains(column, test.text)
            case Look.EXACT:
                return self._exact(column, test.text)
            case Look.NETWORK:
                return "ip IN (SELECT unnest(?::VARCHAR[]))", [list(self._addresses(test.text))]
            case Look.STATE:
                return self._state(column, test)
            case Look.RANGE:
                return self._range(column, test)
        return "false", []

    def _contains(self, column: str, text: str) -> tuple[str, list[Any]]:
        if column in CLASS_COLUMNS:
            return self._keys(column, lambda value: text in _shown(value)), []
        return f"contains({_words(column)}, ?)", [text]

    def _exact(self, column: str, text: str) -> tuple[str, list[Any]]:
        sql, values = f"{_words(column)} = ?", [text]
        if column in _LISTS:
            sql = f"({sql} OR list_contains(list_transform({_LISTS[column]}, lambda x: lower(x)), ?))"
            values.append(text)
        return sql, values

    def _state(self, column: str, test: Test) -> tuple[str, list[Any]]:
        absent = "time IS NULL" if column == "time" else f"{_VALUES[column]} = ''" if column in _TOLD_OR_NOT else "false"
        sql = absent if State.NO_INFORMATION in test.states else "false"
        if not test.text:
            return sql, []
        return f"({sql} OR (NOT ({absent}) AND contains({_words(column)}, ?)))", [test.text]

    @staticmethod
    def _range(column: str, test: Test) -> tuple[str, list[Any]]:
        if column != "time":
            return "false", []
        parts: list[str] = ["time IS NOT NULL"]
        values: list[Any] = []
        for sign, bound in ((">=", test.low), ("<", test.high)):
            if isinstance(bound, datetime):
                parts.append(f"time {sign} ?")
                values.append(bound.astimezone(UTC).replace(tzinfo=None))
        return " AND ".join(parts), values


def _words(column: str) -> str:
    """What a column shows, in small letters."""
    if column == "time":
        return f"coalesce(strftime(time, '%Y-%m-%d %H:%M:%S'), '{_NONE_TOLD}')"
    if column in _LISTS:
        return f"coalesce(nullif(lower(array_to_string({_LISTS[column]}, ', ')), ''), '{EMPTY}')"
    none = _NONE_TOLD if column in _TOLD_OR_NOT else EMPTY
    return f"coalesce(nullif(lower({_VALUES[column]}), ''), '{none}')"


def _shown(value: Any) -> str:
    if isinstance(value, State):
        return value.value
    return (", ".join(value) if isinstance(value, tuple) else str(value)).casefold() or EMPTY


def _passes(value: Any, test: Test) -> bool:
    match test.look:
        case Look.TEXT:
            return test.text in _shown(value)
        case Look.EXACT:
            return _shown(value) == test.text or (isinstance(value, tuple) and test.text in [part.casefold() for part in value])
        case Look.STATE:
            return value in test.states if isinstance(value, State) else bool(test.text) and test.text in _shown(value)
    return False
