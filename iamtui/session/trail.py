"""The trail: events on disk in a store of their own, filled from the source, asked in SQL."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ..errors import IamtuiError
from ..model.event import Window, WindowState
from ..source.base import Cancelled, EventFile, SourceInfo, Step, never_cancelled

if TYPE_CHECKING:
    from ..source.base import Source
    from ..store.events.engine import EventEngine
    from ..store.events.segments import Batch, EventStore, StoreState
    from .book import Book

_EVERY = 0.25

LARGE = 30_000
"""Events above which a trail stays on disk."""


class TrailState(msgspec.Struct, frozen=True):
    """What the store holds, for the line under a query.

    files:    inputs that held events
    refused:  inputs that could not be read whole, with the reason, as sentences
    others:   inputs that hold no events
    """

    events: int = 0
    files: int = 0
    others: int = 0
    repeated: int = 0
    undated: int = 0
    no_events: int = 0
    since: datetime | None = None
    until: datetime | None = None
    refused: tuple[str, ...] = ()


class SqlColumn(msgspec.Struct, frozen=True):
    """`kind`: text, number, time, boolean, nested."""

    name: str
    kind: str


class SqlPage(msgspec.Struct, frozen=True, eq=False):
    """A step of an answer: progress while files are read, then pages of rows.

    words:    progress of an engine at AWS, in words
    before:   what such an engine knows before it asks: of what, what it may cost
    after:    what it has cost
    rows:     new rows of this page; values are str, int, float, bool, None, datetime, dict or list
    finished: on the last one; seconds the query took are in `took`
    """

    columns: tuple[SqlColumn, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    step: Step | None = None
    finished: bool = False
    took: float = 0.0
    translated: str = ""
    words: str = ""
    before: str = ""
    after: str = ""


class Trail:
    """One store and one engine. `read` and `ask` block and belong into worker threads; `interrupt` may come from anywhere.

    folder: where stores of evidence are kept from run to run; None for a temporary one
    """

    def __init__(self, book: Book, source: Source | None, info: SourceInfo, folder: Path | None) -> None:
        self._book, self._source, self._info = book, source, info
        self._folder = folder
        self._store: EventStore | None = None
        self._engine: EventEngine | None = None
        self._engine_of: tuple[Path, ...] | None = None
        self._log_of = -1
        self._lock = threading.Lock()
        self._refused: tuple[str, ...] = ()
        self._running: EventEngine | None = None
        self._was_read = False
        self._state = TrailState()
        self._step = Step("reading files")
        self._within: tuple[datetime | None, datetime | None] = (None, None)

    @property
    def delivered(self) -> bool:
        """Whether events come from a trail's bucket: a part of it is read at a time, and what was read stays."""
        return bool(getattr(self._source, "keeps_gone", False))

    @property
    def reach(self) -> str:
        """Of a trail's bucket, what is read of it, in words; "" of all else."""
        return str(getattr(self._source, "reach", "")) if self.delivered else ""

    @property
    def store(self) -> EventStore:
        """Where the events lie."""
        return self._open()

    def is_large(self, cancelled: Cancelled = never_cancelled) -> bool:
        """Whether the source has more events than the memory should hold."""
        asked = getattr(self._source, "is_large", None)
        if asked is None:
            return False
        if self.delivered:
            return True
        return self.store.state().events > LARGE or bool(asked(cancelled))  # what an earlier run has read is known at once

    def windows(self, *, running: bool, step: Step | None = None) -> tuple[Window, ...]:
        """What the files hold, as far as they were read: one for all Regions, or one each where only some were chosen."""
        state = self._state if not running else self._work_out()
        files = f"what {state.files:,} {'file holds' if state.files == 1 else 'files hold'}"
        if step is not None and step.total:
            files = f"{step.done:,} of {step.total:,} files read"
        elif step is not None and self.delivered:
            files = f"{step.what}, {step.done:,} files read"
        elif self.reach:
            files = f"{self.reach}: {files}"
        if state.refused:
            files += f"; {len(state.refused):,} could not be read whole"
        partial = bool(state.refused) or not self._was_read or getattr(self._source, "kept_only", False)
        regions = getattr(self._source, "narrowed_to", ())
        left_out = getattr(self._source, "leaves_out", "")
        if left_out:
            files, partial = f"{files}; events of {left_out} are not among them", True
        whole = WindowState.RUNNING if running else WindowState.PARTIAL if partial else WindowState.COVERED
        if len(regions) > 1:
            files += f"; {state.events:,} events in all"
        return tuple(
            Window(region, whole, state.since, state.until, files, events=state.events if len(regions) < 2 else 0)
            for region in regions or ("",)
        )

    # -- filling -----------------------------------------------------------------------------------------------------

    def read(self, cancelled: Cancelled = never_cancelled) -> Iterator[Step]:
        """Bring the store up to what there is. Reads only what is new, or was written since. Raises IamtuiError on a full disk."""
        while not self._lock.acquire(timeout=_EVERY):  # somebody is reading: what they tell is told here, too
            if cancelled():
                return
            yield self._step
        try:
            if hasattr(self._source, "event_files"):
                yield from self._from_files(cancelled)
            else:
                self._from_log(cancelled)
            self._was_read = not cancelled()
        finally:
            self._state = self._work_out()
            self._lock.release()

    def _from_files(self, cancelled: Cancelled) -> Iterator[Step]:
        from ..source.decode.lines import event_lines
        from ..store.events.segments import Batch, Input, tag_of

        store = self._open()
        known = {name: one.signature for name, one in store.state().inputs.items()}
        keeps = self.delivered
        seen: set[str] = set()
        refused: list[str] = []
        steps: list[Step] = []
        rewritten = False
        told = 0.0

        def batches() -> Iterator[Batch | None]:
            nonlocal rewritten
            for number, item in enumerate(self._source.event_files(known, cancelled)):  # type: ignore[union-attr]
                if isinstance(item, Step):
                    steps[:] = [item]
                    if time.monotonic() - told >= _EVERY:
                        yield None
                    continue
                assert isinstance(item, EventFile)
                if not keeps:
                    seen.add(item.name)
                if item.reason:
                    refused.append(f"{item.name}: {item.reason}")
                    continue
                if known.get(item.name) == item.signature:
                    continue
                if item.name in known and not keeps:
                    rewritten = True
                    return
                if item.body is None:
                    yield Batch(Input(item.name, item.signature), b"", number)
                    continue
                lines = event_lines(item.body, tag_of(number))
                yield Batch(Input(item.name, item.signature, lines.count, lines.skipped, lines.broken), lines.data, number)

        for _ in store.ingest(batches(), cancelled):
            if steps and time.monotonic() - told >= _EVERY:
                told = time.monotonic()
                self._step = steps[0]
                yield self._step
        if cancelled():
            return
        if not keeps and (rewritten or not known.keys() <= seen):
            # A file that was written again, or is gone, may have held events nothing else holds: start over without them.
            store.clear()
            yield from self._from_files(cancelled)
            return
        self._refused = tuple(refused)

    def _from_log(self, cancelled: Cancelled) -> None:
        """Events that are in memory (the demo account, a live account's history): written out anew when there are more."""
        from ..store.events.segments import Batch, Input, tag_of

        events = self._book.log.newest_first()
        if self._log_of == len(events):
            return
        store = self._open()
        store.clear()
        origins: dict[str, list[bytes]] = {}
        for event in events:
            origins.setdefault(event.origin, []).append(event.record.encode("utf-8", "replace"))
        batches = []
        for number, (origin, records) in enumerate(origins.items()):
            tag = tag_of(number)
            lines = b"".join(tag + record.replace(b"\n", b" ") + b"\n" for record in records)
            batches.append(Batch(Input(origin, (), len(records)), lines, number))
        for _ in store.ingest(batches, cancelled):
            pass
        self._log_of = len(events) if not cancelled() else -1

    def _open(self) -> EventStore:
        if self._store is None:
            from ..source.decode.lines import cleaned
            from ..store.events.segments import EventStore

            key = getattr(self._source, "store_key", "")
            if self._folder is not None and (key or self._info.kind == "evidence"):
                import hashlib

                roots = key or "\n".join(sorted(os.path.abspath(path) for path in self._info.paths))
                place = self._folder / hashlib.sha256(roots.encode("utf-8", "surrogateescape")).hexdigest()[:20]
            else:
                import shutil
                import tempfile

                place = Path(tempfile.mkdtemp(prefix="iamtui-"))
                weakref.finalize(self, shutil.rmtree, place, ignore_errors=True)
            self._store = EventStore(place, cleaned)
        return self._store

    @property
    def was_read(self) -> bool:
        return self._was_read

    def state(self) -> TrailState:
        """What the last reading found; at once."""
        return self._state

    def _work_out(self) -> TrailState:
        if self._store is None:
            return TrailState()
        held: StoreState = self._store.state()
        reasons = [f"{one.name}: {why}" for one in held.inputs.values() if one.broken for why in one.skipped]
        return TrailState(
            events=held.events,
            files=sum(1 for one in held.inputs.values() if one.events),
            others=sum(1 for one in held.inputs.values() if not one.events),
            repeated=held.repeated,
            undated=held.undated,
            no_events=held.no_events,
            since=held.since,
            until=held.until,
            refused=(*self._refused, *reasons),
        )

    # -- asking ------------------------------------------------------------------------------------------------------

    def ask(self, text: str, cancelled: Cancelled = never_cancelled, page: int = 500) -> Iterator[SqlPage]:
        """Read what is new, then answer one query. Raises IamtuiError (UsageError for a query that is not understood)."""
        from ..query.dialect import translate

        translated = translate(text)  # first: a wrong query is told before a million events are read
        for step in self.read(cancelled):
            yield SqlPage(step=step)
        if cancelled():
            return
        engine = self._ready()
        began = time.monotonic()
        self._running = engine
        try:
            for columns, rows in engine.ask(translated.sql, page=page):
                heads = tuple(SqlColumn(column.name, column.kind) for column in columns)
                yield SqlPage(heads, tuple(rows), took=time.monotonic() - began, translated=translated.sql)
                if cancelled():
                    return
        finally:
            self._running = None
        yield SqlPage(finished=True, took=time.monotonic() - began, translated=translated.sql)

    def within(self, since: datetime | None, until: datetime | None) -> None:
        """Let queries see only events from a moment to before another."""
        self._within = (since, until)

    def interrupt(self) -> None:
        """Stop the query that is being worked on."""
        running = self._running
        if running is not None:
            running.interrupt()

    def _ready(self) -> EventEngine:
        from ..store.events.engine import EventEngine

        assert self._store is not None
        segments = self._store.state().segments
        if self._engine is None or self._engine_of != segments:
            if self._engine is not None:
                self._engine.close()
            try:
                self._engine = EventEngine(segments, within=self._within)
            except Exception as error:
                raise IamtuiError(
                    f"The event store in {self._store.folder} cannot be read: {str(error).partition(chr(10))[0]}",
                    "iamtui cache clear forgets it; the next query reads the files again",
                ) from error
            self._engine_of = segments
        return self._engine
