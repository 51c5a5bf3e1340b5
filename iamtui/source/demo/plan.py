"""When each habit has its sessions. Cheap to ask, so that last uses are known before any event is written."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from .clock import Clock
from .grammar import GLOBAL
from .ids import long_term_key, mixed, number
from .recent import Recent, Use
from .work import By, Work

_STEP = 0x9E3779B97F4A7C15
_ALL_DAY = (0, 23)
_LONG = frozenset({By.CENTER, By.CONSOLE})


class Session(msgspec.Struct, frozen=True):
    """One session on one day. Seconds of the day; `pivot` is where a chained session changes its role, else 0."""

    start: int
    end: int
    pivot: int
    seed: int

    @property
    def own_end(self) -> int:
        """The last call under the first credentials."""
        return self.pivot or self.end


class Plan:
    """All habits and their sessions."""

    def __init__(self, clock: Clock, seed: int, works: tuple[Work, ...]) -> None:
        self.clock = clock
        self.seed = seed
        self.works = tuple((work, number(seed, "work", work.name, work.by.name, work.slot, work.detail)) for work in works)

    def last_day(self, work: Work) -> int:
        """The newest day with a session."""
        day = work.until
        while work.weekdays and self.clock.weekday(day) > 4:
            day += 1
        return day

    def sessions(self, work: Work, key: int, day: int) -> list[Session]:
        """Sessions of one habit on one day, in order of their numbers (not of time)."""
        if not work.until <= day <= work.since or (work.weekdays and self.clock.weekday(day) > 4):
            return []
        bits = mixed(key ^ day * _STEP)
        whole = int(work.rate)
        count = whole + ((bits & 0xFFFF) < (work.rate - whole) * 65536)
        if not count and day == self.last_day(work):
            count = 1
        out = []
        for nth in range(count):
            value = mixed(bits + nth + 1)
            first, last = work.hours
            if work.hours == _ALL_DAY and value >> 40 & 7 < 5:
                first, last = 7, 20
            start = first * 3600 + (value & 0xFFFF) * ((last - first) * 3600) // 65536 + (value >> 44 & 0x1FF)
            length = 70 + (value >> 16 & 0x7FF) * (4 if work.by in _LONG else 1)
            end = min(start + length, 86_390)
            chained = work.chain is not None and (value >> 32 & 0xFF) < work.chain.share * 256
            out.append(Session(start, end, (start + end) // 2 if chained else 0, value))
        return out

    def newest(self, work: Work, key: int) -> list[Session]:
        return self.sessions(work, key, self.last_day(work))

    def recent(self) -> Recent:
        """Last uses over all habits."""
        recent = Recent({}, {}, {})
        for work, key in self.works:
            newest = self.newest(work, key)
            if not newest:
                continue
            day = self.last_day(work)
            last = max(newest, key=lambda s: s.own_end)
            at = self.clock.at(day, last.own_end)
            use = Use(at, "us-east-1", "sts") if last.pivot else _use(at, work.region, work.habit)
            if work.by is By.KEY:
                recent.key(long_term_key(self.seed, work.name, work.slot), use)
            elif work.by is By.CONSOLE:
                recent.password(work.name, Use(self.clock.at(day, max(s.start for s in newest))))
            else:
                recent.role(work.name, use)
            if work.chain is not None:
                for day, session in self._chained(work, key):
                    recent.role(work.chain.role, _use(self.clock.at(day, session.end), work.region, work.chain.habit))
        return recent

    def _chained(self, work: Work, key: int) -> Iterator[tuple[int, Session]]:
        """The chained sessions of the newest day that has one."""
        for day in range(work.until, work.since + 1):
            found = [s for s in self.sessions(work, key, day) if s.pivot]
            if found:
                yield day, max(found, key=lambda s: s.end)
                return


def _use(at: int, region: str, habit: str) -> Use:
    prefix = habit.partition(":")[0]
    return Use(at, "us-east-1" if prefix in GLOBAL else region, prefix)
