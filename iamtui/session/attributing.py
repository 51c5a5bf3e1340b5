"""Who is behind the events that were read."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime

from ..analysis.attribution import Chain, Chains, people, through_roles
from ..model.event import Event
from .eventlog import EventLog


class Attributing:
    """The chains over a session's event log, kept up with it. Safe to call from any thread."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._chains = Chains()
        self._followed = 0

    def follow(self) -> Chains:
        """The chains over everything that has been read."""
        with self._lock:
            fresh = self._log.since(self._followed)
            if fresh:
                self._chains.add(fresh)
                self._followed += len(fresh)
            return self._chains

    def chain(self, event: Event) -> Chain:
        """The chain behind one call."""
        return self.follow().of(event)

    def people(self, events: Iterable[Event]) -> tuple[tuple[Chain, int, datetime | None], ...]:
        """Who is behind some events, how often, and when last; the busiest first."""
        return people(self.follow(), events)

    def through_roles(self, arn: str) -> tuple[Event, ...]:
        """Calls a user made in sessions of roles, newest first."""
        return through_roles(self.follow(), self._log.newest_first(), arn)
