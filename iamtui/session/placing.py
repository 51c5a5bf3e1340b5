"""Which events are somebody's first from a network or in a Region, kept up with the log."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from ..model.account import Snapshot, World
from ..model.event import Event
from .eventlog import EventLog

if TYPE_CHECKING:
    from ..analysis.places import Places

_AT_A_TIME = 2_000
_STRANGERS: dict[str, Snapshot] = {}


def stranger(account: str) -> Snapshot:
    """An account seen only in events."""
    return _STRANGERS.setdefault(account, Snapshot(account=account or "unknown"))


class Surroundings:
    """The snapshot each event belongs to. An event that is a first use has one that says so; all others share theirs, so that what
    was worked out of them stays good when another turns out to be new."""

    def __init__(self, world: World, reasons: Mapping[str, tuple[str, ...]]) -> None:
        self.world, self.reasons = world, reasons
        self._plain = {snapshot.account: snapshot for snapshot in world.snapshots}
        self._told: dict[str, Snapshot] = {}

    def plain(self, account: str) -> Snapshot:
        """The snapshot of an account, without first uses."""
        return self._plain.get(account) or stranger(account)

    def of(self, event: Event) -> Snapshot:
        plain = self.plain(event.account)
        if event.event_id not in self.reasons:
            return plain
        held = self._told.get(event.account)
        if held is None:
            held = self._told.setdefault(event.account, msgspec.structs.replace(plain, new_places=self.reasons))
        return held


class Placing:
    """The index over a session's event log. `follow` takes its time and belongs into a worker; the rest answers by what it knows.

    Safe to call from any thread.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._places: Places | None = None
        self._followed = 0
        self._held = Surroundings(World(), {})
        self.reasons: Mapping[str, tuple[str, ...]] = {}
        """By event id. Another object whenever it has changed."""

    def follow(self) -> Mapping[str, tuple[str, ...]]:
        """Take in what has been read since."""
        from ..analysis.places import Places

        with self._lock:
            if self._places is None:
                self._places = Places()
            fresh = self._log.since(self._followed)
            for begin in range(0, len(fresh), _AT_A_TIME):
                self._places.learn(fresh[begin : begin + _AT_A_TIME])
            self._followed += len(fresh)
            self.reasons = self._places.found() if fresh else self.reasons
        return self.reasons

    def adopt(self, places: Places) -> None:
        """Take an index over events that are in no log."""
        with self._lock:
            self._places, self.reasons = places, places.found()

    def learn(self, events: Iterable[Event]) -> None:
        """Take in events that are in no log, each once."""
        from ..analysis.places import Places

        with self._lock:
            if self._places is None:
                self._places = Places()
            self._places.learn(events)
            self.reasons = self._places.found()

    def supposing(self, world: World, events: Iterable[Event]) -> Surroundings:
        """As if some events had been read as well, which are not: an alert that is pasted may be anybody's."""
        self.follow()
        with self._lock:
            assert self._places is not None
            reasons = self._places.supposing(events)
        return Surroundings(world, {**self.reasons, **reasons})

    def surroundings(self, world: World) -> Surroundings:
        """Snapshots of events, by what is known now."""
        held, reasons = self._held, self.reasons
        if held.world is not world or held.reasons is not reasons:
            held = self._held = Surroundings(world, reasons)
        return held
