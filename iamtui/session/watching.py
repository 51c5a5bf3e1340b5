"""Watching: new events as they arrive, of an account or of files, without keeping them."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from ..analysis.classing import Class, classify, warm
from ..analysis.filtering import Filter, Index, parse
from ..analysis.lists import columns
from ..errors import IamtuiError, UsageError
from ..model.account import World
from ..model.document import Document, Gap, Kind, Origin
from ..model.event import Event, Window, WindowState
from ..source.base import Cancelled, EventFile, EventQuery, Source, never_cancelled
from .eventlog import EventLog
from .placing import Placing, Surroundings

LAG = timedelta(minutes=20)
"""CloudTrail's event history tells of most calls within five minutes, and of nearly all within fifteen: each look goes back so far."""

MOST_SEEN = 50_000
"""Ids of events remembered so that none is told twice; older ones are beyond the lag."""

_NO_TIME = datetime.min.replace(tzinfo=UTC)
_BAD = (WindowState.DENIED, WindowState.FAILED, WindowState.THROTTLED)


class Seen(msgspec.Struct, frozen=True, eq=False):
    """A new event with its class."""

    event: Event
    weight: Class


class Trouble(msgspec.Struct, frozen=True):
    """What cannot be watched right now, and why; told once until it changes."""

    words: str


class Watch:
    """One watch. `look` blocks on the network or the disk; between two looks nothing is held but ids.

    filter_text: the filter language of the events list
    places:      what is known of where everybody usually is; new events are learned from
    """

    def __init__(
        self,
        source: Source,
        world: World,
        filter_text: str,
        now: Callable[[], datetime],
        regions: Sequence[str] = (),
        places: Placing | None = None,
    ) -> None:
        self._source, self._world, self._now = source, world, now
        self._places = places or Placing(EventLog())
        self._columns = columns("events")
        self._text = filter_text
        self._regions = tuple(regions)
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._files: dict[str, tuple[int, ...]] = {}
        self._troubles: set[str] = set()
        self._since = now()
        self._first = True
        parse(filter_text, self._columns, now())  # a filter nobody can understand is told before anything is asked
        warm()

    def look(self, cancelled: Cancelled = never_cancelled) -> Iterator[Seen | Trouble]:
        """What is new since the last look, oldest first. The first look at files only learns what is there."""
        fresh: list[Event] = []
        troubles: set[str] = set()
        looked = False
        try:
            for item in self._items(cancelled):
                if isinstance(item, Document):
                    fresh.extend(self._new(item))
                elif isinstance(item, Trouble):
                    troubles.add(item.words)
            looked = not cancelled()
        except IamtuiError as error:
            troubles.add(error.message)
        for words in sorted(troubles - self._troubles):
            yield Trouble(words)
        self._troubles = troubles
        self._places.learn(fresh)
        around = self._places.surroundings(self._world)
        for event in sorted(self._wanted(fresh, around), key=lambda e: e.time or _NO_TIME):
            yield Seen(event, classify(event, around.of(event)))
        self._first = self._first and not looked  # what was there is not known before a look has ended

    def _items(self, cancelled: Cancelled) -> Iterator[Document | Trouble]:
        if hasattr(self._source, "event_files"):
            yield from self._from_files(cancelled)
            return
        query = EventQuery(since=self._since - LAG, regions=self._regions, most=None)
        self._since = self._now()
        for item in self._source.events(query, cancelled):
            if isinstance(item, Window) and item.state in _BAD:
                yield Trouble(f"{item.region}: {item.state.value} {item.reason}".strip())
            elif isinstance(item, Gap):
                yield Trouble(f"{item.region or item.action}: {item.reason}")
            elif isinstance(item, Document):
                yield item

    def _from_files(self, cancelled: Cancelled) -> Iterator[Document | Trouble]:
        latest = getattr(self._source, "latest_files", None)  # a bucket's: what was there before the watch is not even fetched
        files = latest(self._files, cancelled, fetch=not self._first) if latest else self._source.event_files(self._files, cancelled)  # type: ignore[attr-defined]
        there: dict[str, tuple[int, ...]] = {}
        for item in files:
            if not isinstance(item, EventFile):
                continue
            if item.reason:
                yield Trouble(f"{item.name}: {item.reason}")
                continue
            known = self._files.get(item.name) == item.signature
            there[item.name] = item.signature
            if item.body is not None and not known:
                yield Document(Kind.EVENTS, item.body, self._now(), Origin(self._source.info.kind, item.name))
        self._files = {**self._files, **there} if cancelled() else there

    def _new(self, document: Document) -> list[Event]:
        from ..source.decode import decode_events

        fresh = []
        for event in decode_events(document).events:
            ident = event.event_id or str(hash(event.record))
            if ident in self._ids:
                continue
            self._ids[ident] = None
            if len(self._ids) > MOST_SEEN:
                self._ids.popitem(last=False)
            if not self._first or not hasattr(self._source, "event_files"):
                fresh.append(event)
        return fresh

    def _wanted(self, events: list[Event], around: Surroundings) -> list[Event]:
        if not events or not self._text.strip():
            return events
        now = self._now()
        wanted: Filter = parse(self._text, self._columns, now)
        index = Index(self._columns, [(event, around.of(event)) for event in events], now)
        return [events[i] for i in index.select(wanted)]


def wait(seconds: float, cancelled: Cancelled) -> None:
    """Sleep between two looks; ends at once when cancelled."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not cancelled():
        time.sleep(min(0.2, max(end - time.monotonic(), 0)))


def watchable(source: Source | None, kind: str) -> Source:
    """The source, when there is something to wait for. Raises UsageError."""
    if source is None:
        raise UsageError("There is nothing to watch: the network is forbidden by --offline", "start without --offline")
    if kind == "demo":
        raise UsageError(
            "The demo account has no new events",
            "iamtui watch watches a live account, iamtui watch --from FOLDER files that are delivered to it",
        )
    return source
