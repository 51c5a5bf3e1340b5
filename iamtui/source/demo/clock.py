"""The demo's time: everything is told relative to the midnight (UTC) at which the day of `now` began."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

DAYS = 90
DAY = 86_400


class Clock:
    """`midnight` is the end of the demo's time. Day 1 is the calendar day before it, day 90 the oldest one with events."""

    def __init__(self, midnight: datetime) -> None:
        self.midnight = midnight
        self.epoch = int(midnight.timestamp())
        self.date = lru_cache(2048)(self._date)

    def _date(self, day: int) -> str:
        return (self.midnight - timedelta(days=day)).date().isoformat()

    def at(self, day: int, second: int = 43_200) -> int:
        """Epoch seconds of a moment of day `day`, `second` seconds after its beginning."""
        return self.epoch - day * DAY + second

    def stamp(self, day: int, second: int = 43_200) -> str:
        """The same as GAAD and the credential report write it: `…T…+00:00`."""
        return f"{self.date(day)}T{hours(second)}+00:00"

    def event_time(self, day: int, second: int) -> str:
        """The same as CloudTrail writes it: `…T…Z`."""
        return f"{self.date(day)}T{hours(second)}Z"

    def place(self, at: int) -> tuple[int, int]:
        """Day and second of epoch seconds."""
        past = self.epoch - at
        day = -(-past // DAY)
        return day, day * DAY - past

    def stamp_at(self, at: int) -> str:
        return self.stamp(*self.place(at))

    def weekday(self, day: int) -> int:
        """0 is Monday."""
        return (self.midnight - timedelta(days=day)).weekday()


def hours(second: int) -> str:
    """`14:02:09` of a second of the day."""
    minutes, seconds = divmod(second, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{seconds:02}"


def clock(now: datetime | None) -> Clock:
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    return Clock(moment.replace(hour=0, minute=0, second=0, microsecond=0))
