"""All story records, told once and kept by day."""

from __future__ import annotations

from . import breach, changes
from .daily import Daily
from .records import Record
from .tale import Tale


class Storybook:
    """by_day: (second, record) of the stories' days; recent: last uses by the stories."""

    def __init__(self, daily: Daily) -> None:
        tale = Tale(daily)
        changes.tell(tale)
        breach.tell(tale)
        self.by_day: dict[int, list[tuple[int, Record]]] = {}
        for day, second, record in tale.rows:
            self.by_day.setdefault(day, []).append((second, record))
        self.recent = tale.recent
