"""Identities by services, shaded by the age of the last access. Pure: answers go in packed, marks come out.

Every state has a mark of its own, so that nothing is told by colour alone.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from ..model.fact import Fact, State, absent, known
from ..model.usage import UsageDigest
from .indexing import Index
from .lists import Column, ColumnKind

SOURCE = "iam:GetServiceLastAccessedDetails"
NOT_GRANTED = -1
NOT_USED = 0
_DAY = 86_400


class Mark(NamedTuple):
    """One class of a cell: the letter it is drawn with, a style name, and what it means."""

    letter: str
    style: str
    words: str


AGES: tuple[tuple[int, Mark], ...] = (
    (_DAY, Mark("d", "age-day", "day")),
    (7 * _DAY, Mark("w", "age-week", "week")),
    (31 * _DAY, Mark("m", "age-month", "month")),
    (92 * _DAY, Mark("q", "age-quarter", "quarter")),
)
"""(seconds, mark) of what was used within that time."""
OLDER = Mark("y", "age-year", "older")
UNUSED = Mark("·", "age-unused", "granted, unused")
NOTHING = Mark(" ", "", "not granted")
UNASKED = Mark("?", "age-unknown", "not asked")
DENIED = Mark("!", "age-denied", "denied")
FAILED = Mark("x", "age-denied", "failed")
GONE = Mark("-", "age-unknown", "not there any more")
LEGEND = (*(mark for _, mark in AGES), OLDER, UNUSED, UNASKED, DENIED, FAILED, GONE)

_WHY = {State.DENIED: DENIED, State.FAILED: FAILED, State.NOT_APPLICABLE: GONE}


class Line(msgspec.Struct, frozen=True):
    """One identity or policy. `digest` None: there is no answer, and `why` says why. `kind` is its list: `users`, `roles` …"""

    arn: str
    name: str
    kind: str
    account: str
    digest: UsageDigest | None
    why: Fact[Any]

    @property
    def noun(self) -> str:
        return "policy" if self.kind == "policies" else self.kind.removesuffix("s")


class Matrix:
    """All lines and services. A value of a cell is seconds since 1970, NOT_USED or NOT_GRANTED."""

    def __init__(self, names: Sequence[str], lines: Sequence[Line]) -> None:
        self.names, self.lines = names, lines
        self._dense: dict[int, array[int]] = {}
        self._index: Index | None = None

    def dense(self, row: int) -> array[int]:
        """All cells of a line; made when it is looked at."""
        held = self._dense.get(row)
        if held is None:
            held = array("q", [NOT_GRANTED]) * len(self.names)
            digest = self.lines[row].digest
            if digest is not None:
                for place, value in zip(array("H", digest.services), array("I", digest.last), strict=True):
                    if place < len(held):
                        held[place] = value
            if len(self._dense) > 512:
                self._dense.clear()
            self._dense[row] = held
        return held

    def value(self, row: int, service: int) -> int:
        """One cell, read from the packed answer: a whole column costs no more than that."""
        digest = self.lines[row].digest
        if digest is None:
            return NOT_GRANTED
        places = array("H", digest.services)
        try:
            at = places.index(service)
        except ValueError:
            return NOT_GRANTED
        return int.from_bytes(digest.last[at * 4 : at * 4 + 4], _ORDER)

    def mark(self, row: int, service: int, now: float) -> Mark:
        line = self.lines[row]
        if line.digest is None:
            return _WHY.get(line.why.state, UNASKED)
        return mark_of(self.dense(row)[service], now)

    def fact(self, row: int, service: int) -> Fact[datetime]:
        """A cell as a fact, as lists, filters and JSON have it."""
        line = self.lines[row]
        if line.digest is None:
            return absent(line.why.state, line.why.source or SOURCE, line.why.as_of, line.why.detail)
        return _fact(self.value(row, service), line.digest)

    # -- orders ------------------------------------------------------------------------------------------------------

    def services(self) -> list[int]:
        """Services that somebody holds, those used by most first, then by how many hold them, then by name."""
        held, used = [0] * len(self.names), [0] * len(self.names)
        for line in self.lines:
            if line.digest is None:
                continue
            for place, value in zip(array("H", line.digest.services), array("I", line.digest.last), strict=True):
                held[place] += 1
                used[place] += value > 0
        return sorted((p for p in range(len(self.names)) if held[p]), key=lambda p: (-used[p], -held[p], self.names[p]))

    def users_of(self, service: int, rows: Iterable[int]) -> list[int]:
        """Lines by their last use of a service: the latest first, then those that hold it and did not use it, then those nobody knows of,
        then those that do not hold it."""

        def rank(row: int) -> tuple[int, int]:
            if self.lines[row].digest is None:
                return 2, 0
            value = self.value(row, service)
            return (0, -value) if value > 0 else (1, 0) if value == NOT_USED else (3, 0)

        return sorted(rows, key=rank)

    def tally(self, service: int, rows: Iterable[int]) -> tuple[int, int]:
        """(how many of these lines used a service, how many hold it)."""
        values = [self.value(row, service) for row in rows]
        return sum(value > 0 for value in values), sum(value != NOT_GRANTED for value in values)

    # -- filter ------------------------------------------------------------------------------------------------------

    def select(self, text: str, now: datetime) -> list[int]:
        """Lines that pass a filter: words of the name, `kind:roles`, `unused:>5`, and every service as a column of times (`glue:>90d`,
        `s3:unused`, `!sqs:n/a`). Raises FilterError."""
        from .filtering import parse

        if not text.strip():
            return list(range(len(self.lines)))
        columns = self.columns()
        if self._index is None:
            self._index = Index(columns, [(row, None) for row in range(len(self.lines))], now)
        return self._index.select(parse(text, columns, now))

    def columns(self) -> tuple[Column, ...]:
        """What a filter may name."""
        text, number, time = ColumnKind.TEXT, ColumnKind.NUMBER, ColumnKind.TIME
        own = (
            Column("identity", "IDENTITY", text, "Name.", lambda row, _: known(self.lines[row].name)),
            Column("kind", "KIND", text, "users, roles, groups or policies.", lambda row, _: known(self.lines[row].kind)),
            Column("unused", "UNUSED", number, "Granted services not used.", lambda row, _: self._counted(row)),
            Column("state", "STATE", text, "Why there is no answer.", lambda row, _: known(self._state(row)), detail_only=True),
            Column("arn", "ARN", text, "ARN.", lambda row, _: known(self.lines[row].arn), detail_only=True),
        )
        taken = {column.id for column in own}
        return (
            *own,
            *(
                Column(name, name.upper(), time, f"Last use of {name}.", _of_service(self, place), detail_only=True)
                for place, name in enumerate(self.names)
                if name not in taken
            ),
        )

    def _counted(self, row: int) -> Fact[int]:
        digest = self.lines[row].digest
        if digest is None:
            return absent(self.lines[row].why.state)
        return known(array("I", digest.last).count(0), SOURCE, digest.completed)

    def _state(self, row: int) -> str:
        line = self.lines[row]
        return "known" if line.digest is not None else line.why.state.value


def _of_service(matrix: Matrix, place: int) -> Any:
    return lambda row, _: matrix.fact(row, place)


def mark_of(value: int, now: float) -> Mark:
    """The mark of a cell of a line that was answered; `now` in seconds since 1970."""
    if value == NOT_GRANTED:
        return NOTHING
    if value == NOT_USED:
        return UNUSED
    age = now - value
    return next((mark for limit, mark in AGES if age <= limit), OLDER)


def _fact(value: int, digest: UsageDigest) -> Fact[datetime]:
    if value == NOT_GRANTED:
        return absent(State.NOT_APPLICABLE, SOURCE, digest.completed, "not granted")
    if value == NOT_USED:
        since = f"{(digest.completed - digest.tracking_from).days} d" if digest.tracking_from else ""
        return absent(State.NOT_IN_TRACKING_PERIOD, SOURCE, digest.completed, since)
    return known(datetime.fromtimestamp(value, UTC), SOURCE, digest.completed)


def _machine_order() -> Any:
    import sys

    return sys.byteorder


_ORDER = _machine_order()
