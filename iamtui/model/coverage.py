"""What of a trail has been read: closed intervals of whole seconds, by account, Region and what was asked for.

CloudTrail tells times by the second, and `StartTime` and `EndTime` of a lookup are both included. So [3, 5] and [6, 9] touch:
nothing can be between them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec

Span = tuple[int, int]
"""First and last second, both included, since 1970 in UTC."""


class Spans(msgspec.Struct, frozen=True):
    """A set of seconds. `parts` ascend, and neither overlap nor touch."""

    parts: tuple[Span, ...] = ()

    @classmethod
    def of(cls, spans: Iterable[Span]) -> Spans:
        """The union of any spans; those that end before they begin are empty."""
        parts: list[Span] = []
        for low, high in sorted(span for span in spans if span[0] <= span[1]):
            if parts and low <= parts[-1][1] + 1:
                if high > parts[-1][1]:
                    parts[-1] = (parts[-1][0], high)
            else:
                parts.append((low, high))
        return cls(tuple(parts))

    def __or__(self, other: Spans) -> Spans:
        if not self.parts or not other.parts:
            return self if self.parts else other
        return Spans.of((*self.parts, *other.parts))

    def __contains__(self, second: int) -> bool:
        at = bisect_left(self.parts, (second + 1,)) - 1
        return at >= 0 and self.parts[at][1] >= second

    def missing(self, low: int, high: int) -> tuple[Span, ...]:
        """What of [low, high] is not in the set, ascending."""
        found: list[Span] = []
        for first, last in self.parts:
            if last < low:
                continue
            if first > high:
                break
            if first > low:
                found.append((low, first - 1))
            low = last + 1
        if low <= high:
            found.append((low, high))
        return tuple(found)

    def reach(self, low: int, high: int) -> int:
        """The first second from which all up to `high` is in the set, `low` at the earliest; `high` + 1 when not even that is."""
        gaps = self.missing(low, high)
        return gaps[-1][1] + 1 if gaps else low

    @property
    def seconds(self) -> int:
        return sum(high - low + 1 for low, high in self.parts)


class Covered(msgspec.Struct, frozen=True):
    """All that CloudTrail had of these seconds was read.

    asked:        the attribute that was asked for (`ResourceName=audit`), "" for everything
    since, until: first and last second, both included
    """

    account: str
    region: str
    asked: str
    since: int
    until: int


class Coverage(msgspec.Struct, frozen=True):
    """Everything that is covered, by (account, Region, asked). A value: `with_` makes another one."""

    parts: Mapping[tuple[str, str, str], Spans] = {}

    @classmethod
    def of(cls, covered: Iterable[Covered]) -> Coverage:
        return cls().with_(covered)

    def with_(self, covered: Iterable[Covered]) -> Coverage:
        fresh: dict[tuple[str, str, str], list[Span]] = {}
        for one in covered:
            fresh.setdefault((one.account, one.region, one.asked), []).append((one.since, one.until))
        if not fresh:
            return self
        parts = dict(self.parts)
        for key, spans in fresh.items():
            parts[key] = Spans.of((*parts.get(key, Spans()).parts, *spans))
        return Coverage(parts)

    def spans(self, account: str, region: str, asked: str = "") -> Spans:
        """What is covered of a question: by itself, or because everything was read."""
        everything = self.parts.get((account, region, ""), Spans())
        return everything | self.parts.get((account, region, asked), Spans()) if asked else everything


def second(moment: datetime) -> int:
    """The second a moment is in."""
    return int(moment.timestamp() // 1)


def moment(at: int) -> datetime:
    """The beginning of a second, in UTC."""
    return datetime.fromtimestamp(at, UTC)
