"""The demo's time: everything is told relative to the midnight (UTC) at which the day of `now` began."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

DAYS = 90
DAY = 86_400


class Clock(msgspec.Struct, frozen=True):
    """`midnight` is the end of the demo's time. Day 1 is the calendar day before it, day 90 the oldest one with events."""

    midnight: datetime
    epoch: int

    def at(self, day: int, second: int = 43_200) -> datetime:
        """A moment of day `day`, `second` seconds after its midnight."""
        return self.midnight - timedelta(days=day) + timedelta(seconds=second)

    def stamp(self, day: int, second: int = 43_200) -> str:
        """The same as GAAD writes it: `…T…+00:00`."""
        return self.at(day, second).isoformat()

    def weekday(self, day: int) -> int:
        """0 is Monday."""
        return (self.midnight - timedelta(days=day)).weekday()


def clock(now: datetime | None) -> Clock:
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return Clock(midnight, int(midnight.timestamp()))
