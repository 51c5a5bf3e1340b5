"""How far a reading of events is, in words; and what is covered, as ranges. Not made safe for a terminal: whoever prints it does that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..model.event import Window, WindowState
from .words import length

if TYPE_CHECKING:
    from .filtering import Filter

_MOVING = (WindowState.RUNNING, WindowState.THROTTLED)


def progress_words(windows: Sequence[Window], *, short: bool = False) -> str:
    """`us-east-1: 2,400 events, back to 2026-10-03 14:00, 1.9 requests/s, about 12 min left`: of the Region that has longest to go.

    short: `reading events, about 12 min left`. "" when nothing is being read.
    """
    slowest = _slowest(windows)
    if slowest is None:
        return ""
    if short:
        return "reading events, " + _ending(slowest)
    return ", ".join(part for part in progress_parts(windows) if part)


def progress_parts(windows: Sequence[Window]) -> tuple[str, ...]:
    """The same in parts, for where there is little room: how many, how far back, how fast, how long, and where else; () for nothing."""
    slowest = _slowest(windows)
    if slowest is None:
        return ()
    back = f"back to {slowest.since:%Y-%m-%d %H:%M}" if slowest.since is not None and slowest.requests else ""
    rate = f"{slowest.rate:.1f} requests/s" if slowest.rate else ""
    others = len({window.region for window in windows if window.state in _MOVING} - {slowest.region})
    more = f"and {others} more {'Region' if others == 1 else 'Regions'}" if others else ""
    return (f"{slowest.region} {slowest.asked}".strip() + f": {slowest.events:,} events", back, rate, _ending(slowest), more)


def _slowest(windows: Sequence[Window]) -> Window | None:
    moving = [window for window in windows if window.state in _MOVING]
    return max(moving, key=lambda window: (window.left is None, window.left or 0.0), default=None)


def _ending(window: Window) -> str:
    return window.reason if window.state is WindowState.THROTTLED else time_left(window)


def time_left(window: Window) -> str:
    """`about 12 min left`; at first nobody knows."""
    if window.left is None:
        return "time left not known yet"
    return f"about {length(timedelta(seconds=max(round(window.left), 1)))} left"


def bounds(wanted: Filter) -> tuple[datetime | None, datetime | None]:
    """From and to which time a filter of events looks at all; the second is not included."""
    since: datetime | None = None
    until: datetime | None = None
    for term in wanted.terms:
        if term.columns != ("time",) or term.negated or len(term.tests) != 1:
            continue
        low, high = term.tests[0].low, term.tests[0].high
        if isinstance(low, datetime):
            since = low if since is None else max(since, low)
        if isinstance(high, datetime):
            until = high if until is None else min(until, high)
    return since, until
