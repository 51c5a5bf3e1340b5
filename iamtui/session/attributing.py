"""Who is behind the events that were read."""

from __future__ import annotations

import threading

from ..analysis.attribution import Chains, through_roles
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

    def through_roles(self, arn: str) -> tuple[Event, ...]:
        """Calls a user made in sessions of roles, newest first."""
        return through_roles(self.follow(), self._log.newest_first(), arn)
