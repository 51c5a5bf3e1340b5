"""The filter language of every list, and sorting by what values mean.

Words are joined by AND. `text` is looked for in every column as it is shown, upper and lower case alike. `!word` excludes.
`column:value` looks in one column; a unique beginning of its name is enough, `=` may stand for `:`. Numbers, dates and ages
compare: `keys:>=2`, `created:<2024-01-01`, `last-seen:>90d` (longer ago than 90 days). `mfa:no`, `keys:denied`,
`groups:none`, `column:=exact`. `since:7d` and `until:2026-10-01` bound a list's time. Quotes keep blanks together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from ..errors import UsageError
from ..model.fact import Fact, State
from .lists import Column, ColumnKind
from .words import SHORT_STATE, plain


class FilterError(UsageError):
    """A filter nobody can understand; the message says what would be understood."""


_WORD = re.compile(r"""(!?)((?:[^\s"':=]+[:=])?(?:"[^"]*"?|'[^']*'?|\S+))""")
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d|w|mo|y)\Z")
_UNIT = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "mo": 2_592_000, "y": 31_536_000}
_ALIASES = {"ip": "origin", "name": "event", "who": "actor", "readonly": "access", "agent": "user-agent", "arn": "actor-arn"}
_TIME_WORDS = ("since", "until")
_STATE_WORDS = {state.value: state for state in State if state is not State.KNOWN} | {
    "n/a": State.NOT_APPLICABLE,
    "not-loaded": State.NOT_LOADED,
    "loading": State.NOT_LOADED,
    "no-info": State.NO_INFORMATION,
    "untracked": State.NOT_TRACKED,
    "not-tracked": State.NOT_TRACKED,
    "unused": State.NOT_IN_TRACKING_PERIOD,
}

Test = Callable[[Fact[Any]], bool]


class Term(msgspec.Struct, frozen=True, eq=False):
    """One word: a text over all columns (`column` None), or a test of one column."""

    negated: bool
    text: str = ""
    column: Column | None = None
    test: Test | None = None


class Filter(msgspec.Struct, frozen=True, eq=False):
    terms: tuple[Term, ...] = ()


def parse(text: str, columns: Sequence[Column], now: datetime) -> Filter:
    """A filter over these columns. Raises FilterError with a sentence."""
    terms: list[Term] = []
    for match in _WORD.finditer(text):
        negated, word = match[1] == "!", match[2]
        name, sign, value = _split(word)
        if not sign:
            if _bare(word):
                terms.append(Term(negated, text=_bare(word).casefold()))
            continue
        if not value:
            continue  # still being typed
        if name.casefold() in _TIME_WORDS:
            terms.append(Term(negated, column=_time_column(columns), test=_bound(name.casefold(), value, now)))
            continue
        column = _column(name, columns)
        terms.append(Term(negated, column=column, test=_test(column, value, now)))
    return Filter(tuple(terms))


def _split(word: str) -> tuple[str, str, str]:
    if word[:1] in "\"'" or word.startswith("arn:"):
        return "", "", word
    found = re.match(r"([A-Za-z][\w-]*)([:=])(.*)\Z", word, re.DOTALL)
    return (found[1], found[2], _bare(found[3])) if found else ("", "", word)


def _bare(word: str) -> str:
    if word[:1] in "\"'" and word:
        return word[1:-1] if len(word) > 1 and word[-1] == word[0] else word[1:]
    return word


def _column(name: str, columns: Sequence[Column]) -> Column:
    folded = name.casefold().replace("_", "-")
    exact = [c for c in columns if folded in (c.id, c.title.casefold().replace(" ", "-"))]
    if not exact and _ALIASES.get(folded):
        exact = [c for c in columns if c.id == _ALIASES[folded]]
    found = exact or [c for c in columns if c.id.startswith(folded) or c.title.casefold().startswith(folded)]
    if len(found) == 1 or exact:
        return found[0]
    names = ", ".join(c.id for c in (found or columns))
    if found:
        raise FilterError(f"{name}: could be any of {names}")
    raise FilterError(f"There is no column {name}; there are {names}", f'for the text itself write "{name}:…" in quotes')


def _time_column(columns: Sequence[Column]) -> Column:
    wanted = ("time", "last-seen", "last-used", "edited", "created")
    for name in wanted:
        for column in columns:
            if column.id == name:
                return column
    raise FilterError("since and until need a list with a time")


def moment_of(text: str, now: datetime) -> datetime:
    """`7d` ago, or a date as `2026-10-01` or `2026-10-01T14:00`, UTC. Raises FilterError."""
    found = _AGE.match(text)
    if found:
        try:
            return now - timedelta(seconds=float(found[1]) * _UNIT[found[2]])
        except OverflowError as error:
            raise FilterError(f"{text} is too long ago") from error
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError as error:
        raise FilterError(f"{text} is no time: write an age (7d, 24h, 90d) or a date (2026-10-01)") from error
    return stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)


def _bound(word: str, value: str, now: datetime) -> Test:
    limit = moment_of(value, now)
    if word == "since":
        return lambda fact: fact.is_known and fact.value >= limit
    return lambda fact: fact.is_known and fact.value < limit


def _test(column: Column, value: str, now: datetime) -> Test:
    folded = value.casefold()
    if folded in _STATE_WORDS:
        state = _STATE_WORDS[folded]
        return lambda fact: fact.state is state
    if folded == "none" and column.kind in (ColumnKind.LIST, ColumnKind.TEXT):
        return lambda fact: fact.state is State.NOT_APPLICABLE or (fact.is_known and not fact.value)
    operator, operand = _operator(value)
    if column.kind is ColumnKind.TIME and operator:
        return _compare_time(operator, operand, now)
    if column.kind is ColumnKind.NUMBER:
        return _compare_number(operator or "=", operand, column)
    if column.kind is ColumnKind.BOOL and operator in ("", "="):
        wanted = {"yes": True, "true": True, "no": False, "false": False}.get(operand.casefold())
        if wanted is None:
            raise FilterError(f"{column.id} is yes or no (or never, denied, failed, not-loaded)")
        return lambda fact: fact.is_known and fact.value is wanted
    if operator == "=":
        exact = operand.casefold()
        return lambda fact: fact.is_known and exact in _pieces(fact.value, now)
    return lambda fact: folded in plain(fact, now).casefold()


def _pieces(value: Any, now: datetime) -> tuple[str, ...]:
    return tuple(str(v).casefold() for v in value) if isinstance(value, tuple) else (str(value).casefold(),)


def _operator(value: str) -> tuple[str, str]:
    found = re.match(r"(>=|<=|>|<|=)(.*)\Z", value, re.DOTALL)
    return (found[1], found[2].strip()) if found else ("", value)


def _compare_time(operator: str, operand: str, now: datetime) -> Test:
    """Ages compare as ages (`>90d` is longer ago), dates as dates (`>2024-01-01` is later)."""
    limit = moment_of(operand, now)
    if _AGE.match(operand):
        operator = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "=": "="}[operator]
    return _ordered(operator, limit)


def _compare_number(operator: str, operand: str, column: Column) -> Test:
    try:
        number = float(operand)
    except ValueError as error:
        raise FilterError(f"{column.id} is a number: write {column.id}:2 or {column.id}:>=2") from error
    return _ordered(operator, number)


def _ordered(operator: str, limit: Any) -> Test:
    tests: dict[str, Test] = {
        ">": lambda fact: fact.is_known and fact.value > limit,
        "<": lambda fact: fact.is_known and fact.value < limit,
        ">=": lambda fact: fact.is_known and fact.value >= limit,
        "<=": lambda fact: fact.is_known and fact.value <= limit,
        "=": lambda fact: fact.is_known and fact.value == limit,
    }
    return tests[operator]


class Index:
    """What filters and sorts of one list need, made once and lazily: the facts of a column, the text of a row.

    items: (item, snapshot) in the order of the list
    """

    def __init__(self, columns: Sequence[Column], items: Sequence[tuple[Any, Any]], now: datetime) -> None:
        self._columns, self._items, self._now = columns, items, now
        self._facts: dict[str, list[Fact[Any]]] = {}
        self._texts: list[str] | None = None

    def facts(self, column: Column) -> list[Fact[Any]]:
        """The column's facts, row by row."""
        held = self._facts.get(column.id)
        if held is None:
            read = column.fact
            held = self._facts[column.id] = [read(item, snapshot) for item, snapshot in self._items]
        return held

    def texts(self) -> list[str]:
        """What each row shows, in lower case."""
        if self._texts is None:
            now = self._now
            joined = [[plain(fact, now) for fact in self.facts(c)] for c in self._columns if c.kind is not ColumnKind.TIME]
            self._texts = ["\n".join(cells).casefold() for cells in zip(*joined, strict=True)] if joined else [""] * len(self._items)
        return self._texts

    def select(self, wanted: Filter) -> list[int]:
        """Positions of the rows that pass, in the list's order."""
        chosen: Sequence[int] = range(len(self._items))
        for term in wanted.terms:
            if term.column is not None and term.test is not None:
                facts, test = self.facts(term.column), term.test
                chosen = [i for i in chosen if test(facts[i]) is not term.negated]
            elif term.text:
                texts, text = self.texts(), term.text
                if term.negated:
                    chosen = [i for i in chosen if text not in texts[i]]
                else:
                    chosen = [i for i in chosen if text in texts[i]]
        return list(chosen)

    def sorted(self, chosen: Sequence[int], column_id: str, descending: bool = False) -> list[int]:
        """Positions ordered by what the column's values mean. Rows without a value come last, whichever the direction."""
        column = next((c for c in self._columns if c.id == column_id), None)
        if column is None:
            raise FilterError(f"There is no column {column_id}; there are {', '.join(c.id for c in self._columns)}")
        facts = self.facts(column)
        known = [i for i in chosen if facts[i].is_known]
        rest = [i for i in chosen if not facts[i].is_known]
        known.sort(key=lambda i: _key(facts[i].value), reverse=descending)
        rest.sort(key=lambda i: SHORT_STATE[facts[i].state])
        return known + rest


def _key(value: Any) -> Any:
    if isinstance(value, str):
        return value.casefold()
    return tuple(v.casefold() for v in value) if isinstance(value, tuple) else value
