"""The filter language of every list. `Index` (in `indexing`) answers it.

admin            the text in any column on screen, upper and lower case alike; several words must all be there
!admin           not there
"two words"      a phrase; quotes also take `:`, `=`, `|` and `!` as they are
ci|cd            one of these
user:ops         in one column; a unique beginning of its id or title is enough, `=` may stand for `:`
user:=ops        the whole value (or one of a list's values)
mfa:no           yes or no
keys:none        known and empty; likewise never, denied, failed, not-loaded, no-information, not-tracked, n/a,
                 not-in-tracking-period, and unused for never or not in the tracking period
last-seen:>90d   longer ago than 90 days (s, min, h, d, w, mo, y); <7d or 7d: within them
created:<2024    before 2024; also 2024-03, 2024-03-01, 2024-03-01T10:20, all UTC; >= and <= include the time named
policies:>=5     numbers
origin:10.0.0.0/8  addresses of a network
account:prod     of an account, by its id or its name
since:7d  until:2026-10-01   bounds of the list's own time, both included
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import msgspec

from ..errors import UsageError
from ..model.fact import State
from ..text import visible
from .indexing import Index
from .lists import Column, ColumnKind
from .words import EMPTY


class FilterError(UsageError):
    """A filter nobody can understand; the message says what would be understood."""


class Look(StrEnum):
    """How one alternative of a term is looked for."""

    TEXT = "text"  # contained in what is shown
    EXACT = "exact"  # all of what is shown, or one value of a list
    STATE = "state"  # the fact is in one of `states`
    NETWORK = "network"  # an address inside a network
    RANGE = "range"  # low <= value < high; moments for a column of times, else numbers


class Test(msgspec.Struct, frozen=True):
    """One alternative of a term."""

    look: Look
    text: str = ""
    states: frozenset[State] = frozenset()
    low: datetime | float | None = None
    high: datetime | float | None = None


class Term(msgspec.Struct, frozen=True):
    """One word of a filter: any of `tests` over any of `columns` (ids; empty for the row as it is shown)."""

    tests: tuple[Test, ...]
    columns: tuple[str, ...] = ()
    negated: bool = False


class Filter(msgspec.Struct, frozen=True):
    """Terms that must all hold. Without terms every row passes."""

    terms: tuple[Term, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms)


def parse(text: str, columns: Sequence[Column], now: datetime) -> Filter:
    """A filter over these columns. What is still being typed (`mfa:`, `!`, an open quote) narrows nothing.

    Raises FilterError with a sentence.
    """
    return Filter(tuple(term for token in _tokens(text) if (term := _term(token, columns, now)) is not None))


def apply(wanted: Filter, index: Index) -> list[int]:
    """Positions of the rows that pass, in the list's order."""
    return index.select(wanted)


# -- words ------------------------------------------------------------------------------------------------------------


class _Char(NamedTuple):
    char: str
    quoted: bool


_Token = list[_Char]


def _tokens(text: str) -> list[_Token]:
    """The words of a filter. A quote opens at the beginning of a word or of a value and runs to its like, or to the end."""
    tokens: list[_Token] = []
    token: _Token = []
    quote = ""
    for char in visible(text):
        if quote:
            if char == quote:
                quote = ""
            else:
                token.append(_Char(char, True))
        elif char in "\"'" and (not token or (not token[-1].quoted and token[-1].char in ":=!|<>")):
            quote = char
        elif char.isspace():
            tokens.append(token)
            token = []
        else:
            token.append(_Char(char, False))
    tokens.append(token)
    return [token for token in tokens if token]


def _text(token: _Token) -> str:
    return "".join(char for char, _ in token)


def _alternatives(token: _Token) -> list[_Token]:
    found: list[_Token] = [[]]
    for entry in token:
        if entry == ("|", False):
            found.append([])
        else:
            found[-1].append(entry)
    return [alternative for alternative in found if alternative]


_NAME = re.compile(r"[A-Za-z][\w-]*\Z")
_COMPARES = re.compile(r"(>=|<=|>|<|=)")
_ID_COLUMNS = ("unique-id", "policy-id", "access-key", "event-id")
_ARN_COLUMNS = ("arn", "actor-arn", "targets")
_LONG = 8


def _term(token: _Token, columns: Sequence[Column], now: datetime) -> Term | None:
    negated = token[0] == ("!", False)
    if negated:
        token = token[1:]
    words = _text(token)
    if not words.strip():
        return None
    at = next((n for n, (char, quoted) in enumerate(token) if not quoted and char in ":=<>"), None)
    if at is not None and not words.casefold().startswith("arn:"):
        name = "".join("\0" if quoted else char for char, quoted in token[:at])
        if _NAME.match(name):
            if token[at].char in ":=":
                return _column_term(name, token[at + 1 :], columns, now, negated)
            if _find(name, columns):
                return _column_term(name, token[at:], columns, now, negated)
    texts = [_text(alternative).casefold() for alternative in _alternatives(token)]
    if not texts:
        return None
    ids = {column.id for column in columns}
    also: tuple[str, ...] = ()
    if all(text.startswith("arn:") for text in texts):
        also = tuple(name for name in _ARN_COLUMNS if name in ids)
    elif all(len(text) >= _LONG for text in texts):
        # Ids are not on screen, but are pasted; short words would be found in them by chance.
        also = tuple(name for name in _ID_COLUMNS if name in ids)
    return Term(tuple(Test(Look.TEXT, text) for text in texts), ("", *also) if also else (), negated)


# -- columns ----------------------------------------------------------------------------------------------------------

_ALIASES = {"ip": "origin", "who": "actor", "agent": "user-agent", "key": "access-key", "readonly": "access", "read-only": "access"}
_TIMES = ("time", "last-seen", "last-used", "last-edited", "created")


def _find(name: str, columns: Sequence[Column]) -> list[Column]:
    """The columns a name may mean; one when it is clear."""
    folded = name.casefold().replace("_", "-")
    titles = {column.id: column.title.casefold().replace(" ", "-") for column in columns}
    found = [c for c in columns if c.id == folded] or [c for c in columns if titles[c.id] == folded]
    if not found and folded == "name":
        found = [c for c in columns if c.kind is ColumnKind.TEXT and c.id != "actor"][:1]
    if not found and folded in _ALIASES:
        found = [c for c in columns if c.id == _ALIASES[folded]]
    found = found or [c for c in columns if c.id.startswith(folded) or titles[c.id].startswith(folded)]
    return [c for c in found if c.id != "account-name"] if any(c.id == "account" for c in found) else found


def column_named(name: str, columns: Sequence[Column]) -> Column:
    """The column a person means by an id, a title or a unique beginning of either. Raises FilterError."""
    found = _find(name, columns)
    if len(found) == 1:
        return found[0]
    if found:
        raise FilterError(f"{name} could be {_listed([c.id for c in found])}", "write more of the name")
    raise FilterError(
        f"There is no column {name}; there are {_listed([c.id for c in columns])}", f'to look for the text itself, quote it: "{name}:…"'
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else "".join(names)


def _column_term(name: str, value: _Token, columns: Sequence[Column], now: datetime, negated: bool) -> Term | None:
    folded = name.casefold()
    if folded in ("since", "until"):
        column = next((c for wanted in _TIMES for c in columns if c.id == wanted), None)
        if column is None:
            raise FilterError(f"{folded} needs a list with a time")
        bound = _text(value)
        return Term((_bound(folded, bound, now),), (column.id,), negated) if bound else None
    column = column_named(name, columns)
    if folded in ("readonly", "read-only"):
        value = [
            _Char(char, True) for char in {"yes": "read", "true": "read", "no": "write", "false": "write"}.get(_text(value), _text(value))
        ]
    tests = [test for part in _alternatives(value) if (test := _test(column, part, now)) is not None]
    # An account is named by its id or by what people call it.
    places = ("account", "account-name") if column.id == "account" and any(c.id == "account-name" for c in columns) else (column.id,)
    return Term(tuple(tests), places, negated) if tests else None


_STATES: dict[str, frozenset[State]] = {
    **{state.value.replace(" ", "-"): frozenset({state}) for state in State if state is not State.KNOWN},
    "n/a": frozenset({State.NOT_APPLICABLE}),
    "no-info": frozenset({State.NO_INFORMATION}),
    "untracked": frozenset({State.NOT_TRACKED}),
    "unused": frozenset({State.NEVER, State.NOT_IN_TRACKING_PERIOD}),
}
_BOOLS = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}


def _test(column: Column, token: _Token, now: datetime) -> Test | None:
    """One alternative of a column's value; None while it is being typed."""
    words = _text(token).casefold()
    literal = token[0].quoted
    sign = "" if literal else (found[0] if (found := _COMPARES.match(words)) else "")
    operand = words[len(sign) :].strip()
    if sign and not operand:
        return None
    if literal:
        return Test(Look.TEXT, words)
    if column.kind is ColumnKind.BOOL and operand in _BOOLS and sign in ("", "="):
        return Test(Look.EXACT, _BOOLS[operand])
    if operand in _STATES and sign in ("", "="):
        # Text columns may hold the same word as a value (an outcome `denied`).
        text = operand if column.kind in (ColumnKind.TEXT, ColumnKind.LIST) else ""
        return Test(Look.STATE, text, _STATES[operand])
    if operand == EMPTY and sign in ("", "="):
        return Test(Look.EXACT, EMPTY)
    if column.kind is ColumnKind.TIME:
        return _time_test(column, sign, operand, now)
    if column.kind is ColumnKind.NUMBER:
        return _number_test(column, sign, operand)
    if column.id == "origin" and sign in ("", "=") and _is_network(operand):
        return Test(Look.NETWORK, operand)
    if sign == "=":
        return Test(Look.EXACT, operand)
    if sign:
        raise FilterError(
            f"{column.id} holds text; {sign} compares numbers, dates and ages",
            f'to look for {sign} itself, quote it: {column.id}:"{words}"',
        )
    return Test(Look.TEXT, words)


_NETWORK = re.compile(r"[0-9a-f.:]+/[0-9]{1,3}\Z")


def _is_network(words: str) -> bool:
    """`10.0.0.0/8`, `2001:db8::/32`; bits beyond the mask do not matter."""
    if not _NETWORK.match(words):
        return False
    import ipaddress

    try:
        ipaddress.ip_network(words, strict=False)
    except ValueError:
        return False
    return True


# -- times and numbers ------------------------------------------------------------------------------------------------

_AGE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(s|min|m|h|d|w|mo|y)\Z")
_UNIT = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "mo": 2_592_000, "y": 31_536_000}
_DATE = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:[t ]([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?)?(z|\+00:?00)?)?)?)?\Z"
)


def age_of(text: str) -> timedelta | None:
    """`90d` as a length of time; None when it is none."""
    found = _AGE.match(text.casefold())
    if found is None:
        return None
    try:
        return timedelta(seconds=float(found[1]) * _UNIT[found[2]])
    except OverflowError:
        return timedelta.max


def span_of(text: str) -> tuple[datetime, datetime] | None:
    """The stretch of time a date means, its end not included: `2024-03` is all of March. UTC. None when it is no date."""
    found = _DATE.match(text.casefold())
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) if part else None for part in found.groups()[:6])
    try:
        begin = datetime(year or 0, month or 1, day or 1, hour or 0, minute or 0, second or 0, tzinfo=UTC)
        if month is None:
            end = begin.replace(year=begin.year + 1)
        elif day is None:
            end = (begin + timedelta(days=32)).replace(day=1)
        else:
            step = {"days": 1} if hour is None else {"hours": 1} if minute is None else {"minutes": 1} if second is None else {"seconds": 1}
            end = begin + timedelta(**step)
    except (ValueError, OverflowError):
        return None
    return begin, end


def moment_of(text: str, now: datetime, *, end: bool = False) -> datetime:
    """`7d` (ago) or `2026-10-01` as a moment: the beginning of what a date means, or its `end`. Raises FilterError."""
    age = age_of(text)
    if age is not None:
        try:
            return now - age
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)
    span = span_of(text)
    if span is None:
        raise FilterError(f"{text} is no time", "write an age (7d, 24h) or a date (2026-10-01, 2026-10-01T14:00), in UTC")
    return span[1] if end else span[0]


def _bound(word: str, text: str, now: datetime) -> Test:
    if word == "since":
        return Test(Look.RANGE, low=moment_of(text, now))
    return Test(Look.RANGE, high=moment_of(text, now, end=True))


def _time_test(column: Column, sign: str, operand: str, now: datetime) -> Test:
    age = age_of(operand)
    if age is not None:
        limit = moment_of(operand, now)
        # Longer ago is earlier.
        return Test(Look.RANGE, high=limit) if sign in (">", ">=") else Test(Look.RANGE, low=limit)
    span = span_of(operand)
    if span is not None:
        low, high = span
        return {
            "<": Test(Look.RANGE, high=low),
            "<=": Test(Look.RANGE, high=high),
            ">": Test(Look.RANGE, low=high),
            ">=": Test(Look.RANGE, low=low),
        }.get(sign, Test(Look.RANGE, low=low, high=high))
    if sign:
        raise FilterError(
            f"{column.id} cannot be compared with {operand}", f"write an age ({column.id}:>90d) or a date ({column.id}:<2024-01-01)"
        )
    return Test(Look.TEXT, operand)


_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?\Z")
_LEAST = 1e-9


def _number_test(column: Column, sign: str, operand: str) -> Test:
    length = age_of(operand)
    if length is None and not _NUMBER.match(operand):
        if sign:
            raise FilterError(f"{column.id} is a number and cannot be compared with {operand}", f"write {column.id}:2 or {column.id}:>=2")
        return Test(Look.TEXT, operand)
    number = length.total_seconds() if length is not None else float(operand)
    above = number + max(abs(number) * _LEAST, _LEAST)
    return {
        "<": Test(Look.RANGE, high=number),
        "<=": Test(Look.RANGE, high=above),
        ">": Test(Look.RANGE, low=above),
        ">=": Test(Look.RANGE, low=number),
    }.get(sign, Test(Look.RANGE, low=number, high=above))


__all__ = ["Filter", "FilterError", "Index", "Look", "Term", "Test", "age_of", "apply", "column_named", "moment_of", "parse", "span_of"]
