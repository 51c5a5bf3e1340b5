"""The events read so far, in memory, each once, newest first."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from ..model.event import Event

_NO_TIME = datetime.min.replace(tzinfo=UTC)


def when(event: Event) -> datetime:
    """The time events are ordered by; the beginning of all times for those without one."""
    return event.time or _NO_TIME


class EventLog:
    """Grows only. Repeated deliveries of an event (same account, Region and event id) are kept once.

    Events without an id cannot be recognised again and are all kept. Reads give immutable tuples, so a reader never
    sees a list that changes under it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: set[tuple[str, str, str]] = set()
        self._events: list[Event] = []
        self._sorted: tuple[Event, ...] = ()
        self._last_seen: dict[str, datetime] = {}

    def __len__(self) -> int:
        return len(self._events)

    def add(self, events: Iterable[Event]) -> Sequence[Event]:
        """Keep what is new and answer it."""
        fresh: list[Event] = []
        with self._lock:
            for event in events:
                if event.event_id:
                    ident = (event.account, event.region, event.event_id)
                    if ident in self._seen:
                        continue
                    self._seen.add(ident)
                fresh.append(event)
                if event.time is not None and event.actor.arn:
                    before = self._last_seen.get(event.actor.arn)
                    if before is None or before < event.time:
                        self._last_seen[event.actor.arn] = event.time
            self._events.extend(fresh)
        return fresh

    def since(self, count: int) -> tuple[Event, ...]:
        """The events read after the first `count`, in the order they were read."""
        with self._lock:
            return tuple(self._events[count:])

    def last_seen(self) -> dict[str, datetime]:
        """Latest event by the ARN of the identity behind it."""
        with self._lock:
            return dict(self._last_seen)

    def newest_first(self) -> tuple[Event, ...]:
        """All events, newest first; those without any time last. Ties keep the order they were read in."""
        with self._lock:
            if len(self._sorted) != len(self._events):
                self._sorted = tuple(sorted(self._events, key=when, reverse=True))
            return self._sorted
