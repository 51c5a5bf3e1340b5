"""The event store: append-only Parquet segments, each named by a manifest entry that also names what it was read from.

A batch of inputs becomes one segment: JSON lines are written to a temporary file, DuckDB turns them into Parquet under a
temporary name, repeated events are left out, the segment is renamed and synced, and only then is the entry written, again by
rename. A segment no entry names does not exist: whatever moment a process dies at, an input is either read and acknowledged
with all its events, or will be read again. Writers take turns by a lock file; readers need none, because nothing that an entry
names is ever written to again.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from ...errors import IamtuiError
from ..files import locked, private_dir, private_file
from .schema import NO_EVENT, select

if TYPE_CHECKING:
    import duckdb

VERSION = 1
"""Of the columns of a segment. A store of another version is left alone and filled anew beside it."""

BATCH_BYTES = 24 << 20
"""Bytes of JSON lines in one segment, about 20,000 events: what is held in memory while it is written, once for each writer."""

FIRST_BYTES = 2 << 20
"""Of the first segment of a run, so that a list has its first rows soon; each next one is twice as large, up to BATCH_BYTES."""

WRITERS = 2
"""Threads in which DuckDB turns lines into columns, each on one core."""

_LONGEST_LINE = 8 << 20

_PARQUET = "FORMAT parquet, COMPRESSION snappy, DICTIONARY_SIZE_LIMIT 5000, ROW_GROUP_SIZE 30000"
"""Twice the bytes of zstd for a third less work; a dictionary of texts that are never the same is work for nothing."""


class Input(msgspec.Struct, frozen=True):
    """One file or answer that was read.

    name:      its path, or a key of its own
    signature: differs when it was written since; () where that cannot be told
    events:    records found in it
    skipped:   what in it is no event, or could not be read, as sentences
    broken:    whether something that should have been events could not be read
    """

    name: str
    signature: tuple[int, ...] = ()
    events: int = 0
    skipped: tuple[str, ...] = ()
    broken: bool = False


class Batch(msgspec.Struct, frozen=True):
    """An input with its records: JSON lines without secrets, each after `number` and the byte 1."""

    input: Input
    lines: bytes
    number: int


def tag_of(number: int) -> bytes:
    """What the lines of a batch begin with."""
    return b"%d\x01" % number


class _Entry(msgspec.Struct, frozen=True):
    segment: str
    rows: int
    repeated: int
    inputs: tuple[Input, ...]
    since: datetime | None = None
    until: datetime | None = None
    undated: int = 0
    no_events: int = 0


class _Converted(NamedTuple):
    inputs: tuple[Input, ...]
    raw: Path | None


class StoreState(msgspec.Struct, frozen=True):
    """What is in a store. `repeated`: deliveries of events that were there already; `undated`: events without any time;
    `no_events`: CloudTrail Insights and records that name neither an event nor a service, which are not kept."""

    inputs: dict[str, Input] = {}
    segments: tuple[Path, ...] = ()
    events: int = 0
    repeated: int = 0
    undated: int = 0
    no_events: int = 0
    since: datetime | None = None
    until: datetime | None = None


class Written(msgspec.Struct, frozen=True):
    """Progress: inputs and events that were acknowledged in this run."""

    inputs: int = 0
    events: int = 0
    repeated: int = 0


class EventStore:
    """One folder of segments. Methods block and belong into worker threads; several processes may use one folder at once.

    cleaned: makes lines that DuckDB takes for JSON out of lines it does not
    """

    def __init__(self, folder: Path, cleaned: Callable[[bytes], bytes] = bytes) -> None:
        self.folder = folder / f"v{VERSION}"
        self._cleaned = cleaned

    # -- reading -----------------------------------------------------------------------------------------------------

    def state(self) -> StoreState:
        """What has been acknowledged. An entry that cannot be read, or whose segment is gone, counts as not there."""
        return _state(self.folder, self._entries())

    def _entries(self) -> list[_Entry]:
        found: list[_Entry] = []
        try:
            names = sorted(name for name in os.listdir(self.folder) if name.endswith(".json"))
        except FileNotFoundError:
            return found
        for name in names:
            try:
                entry = msgspec.json.decode((self.folder / name).read_bytes(), type=_Entry)
            except (OSError, msgspec.MsgspecError, ValueError):
                continue
            if not entry.segment or (self.folder / entry.segment).is_file():
                found.append(entry)
        return found

    # -- writing -----------------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """Forget everything; segments still open elsewhere stay readable there."""
        if not self.folder.is_dir():
            return
        with locked(self.folder / "lock"):
            for suffix in (".json", ".parquet"):  # entries first: a segment without one does not exist
                for path in self.folder.glob(f"*{suffix}"):
                    path.unlink(missing_ok=True)

    def ingest(self, batches: Iterable[Batch | None], cancelled: Callable[[], bool] = lambda: False) -> Iterator[Written]:
        """Add inputs. Yields after each segment that was acknowledged, and for each None among the batches, by which a slow source lets
        its progress be told; when cancelled, what was acknowledged stays.

        Raises IamtuiError when the disk is full or the folder cannot be written.
        """
        done = Written()
        with told_disk(self.folder):
            private_dir(self.folder)
            with _workshop(self.folder) as shop, connection(threads=1) as db, ThreadPoolExecutor(WRITERS) as pool:
                waiting: list[Future[_Converted]] = []
                hashed: set[str] = set()
                db.execute("CREATE TEMP TABLE held (h UBIGINT)")

                def begin(held: list[Batch]) -> None:
                    waiting.append(pool.submit(self._convert, db.cursor(), shop / secrets.token_hex(6), held))

                for held in _grouped(batches, cancelled):
                    if held is None:
                        yield done
                        continue
                    begin(held)
                    while len(waiting) > WRITERS or (waiting and waiting[0].done()):
                        done = _more(done, self._commit(db, hashed, waiting.pop(0).result()))
                        yield done
                for converted in waiting:
                    done = _more(done, self._commit(db, hashed, converted.result()))
                    yield done

    def _convert(self, db: duckdb.DuckDBPyConnection, place: Path, batches: list[Batch]) -> _Converted:
        """Lines to columns, in a file nobody else knows. DuckDB works here beside the decoding of the next batch."""
        inputs = tuple(batch.input for batch in batches)
        if not any(batch.lines for batch in batches):
            return _Converted(inputs, None)
        lines, raw = place.with_suffix(".lines"), place.with_suffix(".parquet")
        first = min(batch.number for batch in batches)
        names = [""] * (max(batch.number for batch in batches) - first + 1)
        for batch in batches:
            names[batch.number - first] = batch.input.name
        try:
            _fill(lines, (batch.lines for batch in batches))
            try:
                _copy(db, select(_lines_relation(lines, first)), raw, [names])
            except Exception as error:
                if not _is_about_text(error):
                    raise
                _fill(lines, (self._cleaned(batch.lines) for batch in batches))
                _copy(db, select(_lines_relation(lines, first)), raw, [names])
        finally:
            lines.unlink(missing_ok=True)
            db.close()
        return _Converted(inputs, raw)

    def _commit(self, db: duckdb.DuckDBPyConnection, hashed: set[str], converted: _Converted) -> _Entry:
        """Leave out what is there already, and acknowledge the rest."""
        with locked(self.folder / "lock"):
            entries = self._entries()
            self._sweep(entries)
            known = _state(self.folder, entries).inputs
            fresh = tuple(one for one in converted.inputs if one.name not in known or known[one.name].signature != one.signature)
            if not fresh:
                return _Entry("", 0, 0, ())
            name = f"{len(entries):06d}-{secrets.token_hex(6)}"
            final = self.folder / f"{name}.parquet"
            entry = self._without_repeats(db, hashed, converted.raw, final, fresh, entries) if converted.raw else _Entry("", 0, 0, fresh)
            with private_file(self.folder / f"{name}.json") as file:
                file.write(msgspec.json.encode(entry))
            _sync_folder(self.folder)
            return entry

    def _sweep(self, entries: list[_Entry]) -> None:
        """Remove segments a process that died has left without an entry. The lock is held, so nobody is between the two."""
        named = {entry.segment for entry in entries}
        for path in self.folder.iterdir():
            if (path.suffix == ".parquet" and path.name not in named) or (path.name.startswith(".") and ".json." in path.name):
                path.unlink(missing_ok=True)

    def _without_repeats(
        self,
        db: duckdb.DuckDBPyConnection,
        hashed: set[str],
        raw: Path,
        final: Path,
        inputs: tuple[Input, ...],
        entries: list[_Entry],
    ) -> _Entry:
        """Leave out events that are there already; nearly always there are none, and the segment is taken as it is.

        Whether there are any is asked of hashes, of which the table `held` has those of the `hashed` segments: to read their ids again for
        every new segment would make a store the slower to fill the more it holds.
        """
        key = "coalesce(recipientaccountid, ''), coalesce(awsregion, ''), _id"
        new = f"read_parquet({quoted(raw)}, file_row_number = true)"
        told = f"count(*), count(*) FILTER ({NO_EVENT}), min(_time), max(_time), count(*) - count(_time), count(DISTINCT hash({key}))"
        rows, no_events, since, until, undated, different = _one(db, f"SELECT {told} FROM {new}")
        near = [e.segment for e in entries if e.segment and (undated or e.undated or _touch(e, since, until))]
        for name in near:
            if name not in hashed:
                db.execute(f"INSERT INTO held SELECT hash({key}) FROM read_parquet({quoted(self.folder / name)})")
                hashed.add(name)
        (again,) = _one(db, f"SELECT count(*) FROM (SELECT hash({key}) AS h FROM {new}) SEMI JOIN held USING (h)")
        if different == rows and not (no_events or again):
            return self._take(db, raw, final, _Entry(final.name, rows, 0, inputs, _zoned(since), _zoned(until), undated))
        before = ""
        if near:
            held = ", ".join(quoted(self.folder / name) for name in near)
            before = (
                f"WHERE NOT EXISTS (FROM (SELECT {key} FROM read_parquet([{held}])) AS h(a, r, i) WHERE (h.a, h.r, h.i) = (n.a, n.r, n.i))"
            )
        # Records without an id are told apart by their text; within one file, equal ones are still two.
        first = (
            "SELECT min(file_row_number) AS f FROM n GROUP BY a, r, CASE WHEN starts_with(i, 'text:') THEN i || file_row_number ELSE i END"
        )
        db.execute(
            f"CREATE OR REPLACE TEMP TABLE keep AS WITH n AS (SELECT a, r, i, file_row_number FROM (SELECT {key}, file_row_number FROM {new} "
            f"WHERE NOT ({NO_EVENT})) "
            f"AS n(a, r, i, file_row_number) {before}) {first}"
        )
        (kept,) = _one(db, "SELECT count(*) FROM keep")
        if not kept:
            return _Entry("", 0, rows - no_events, inputs, no_events=no_events)
        entry = _Entry(final.name, kept, rows - no_events - kept, inputs, _zoned(since), _zoned(until), undated, no_events)
        if kept < rows:
            _copy(db, f"SELECT * EXCLUDE (file_row_number) FROM {new} WHERE file_row_number IN (SELECT f FROM keep)", final)
            raw = final
        return self._take(db, raw, final, entry)

    def _take(self, db: duckdb.DuckDBPyConnection, made: Path, final: Path, entry: _Entry) -> _Entry:
        if made != final:
            os.replace(made, final)
        _sync(final)
        return entry


@contextlib.contextmanager
def connection(memory: str = "512MB", threads: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB of our own, in memory, that installs and loads nothing."""
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": False,
    }
    if threads:
        config["threads"] = threads
    db = duckdb.connect(":memory:", config=config)
    try:
        db.execute("SET TimeZone = 'UTC'")
        yield db
    finally:
        db.close()


def _lines_relation(lines: Path, first: int) -> str:
    """Lines with the name of the input each is of; the names are a parameter, from that of batch number `first` on."""
    return (
        f"(SELECT line AS j, list_extract(?::VARCHAR[], i - {int(first)} + 1) AS o FROM read_csv({quoted(lines)}, "
        "columns = {'i': 'INTEGER', 'line': 'VARCHAR'}, auto_detect = false, delim = E'\\x01', quote = '', escape = '', header = false, "
        f"new_line = '\\n', max_line_size = {_LONGEST_LINE}))"
    )


def _grouped(batches: Iterable[Batch | None], cancelled: Callable[[], bool]) -> Iterator[list[Batch] | None]:
    held: list[Batch] = []
    size, most = 0, FIRST_BYTES
    for batch in batches:
        if cancelled():
            return
        if batch is None:
            yield None
            continue
        held.append(batch)
        size += len(batch.lines)
        if size >= most:
            yield held
            held, size, most = [], 0, min(most * 2, BATCH_BYTES)
    if held and not cancelled():
        yield held


@contextlib.contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
    """A folder for files that are being made, ours while its lock is held. Those of processes that died are removed."""
    shop = folder / f"work-{secrets.token_hex(6)}"
    with locked(folder / "lock"):
        for path in folder.glob("work-*"):
            if _abandoned(path):
                shutil.rmtree(path, ignore_errors=True)
        shop.mkdir(mode=0o700)
        lock = os.open(shop / "lock", os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        _try_lock(lock)
    try:
        yield shop
    finally:
        os.close(lock)
        shutil.rmtree(shop, ignore_errors=True)


def _abandoned(shop: Path) -> bool:
    """Whether nobody holds the lock of a workshop."""
    try:
        lock = os.open(shop / "lock", os.O_RDWR)
    except OSError:
        return True
    try:
        return _try_lock(lock)
    finally:
        os.close(lock)


def _try_lock(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _fill(path: Path, pieces: Iterable[bytes]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        for piece in pieces:
            file.write(piece)


def _is_about_text(error: Exception) -> bool:
    """Whether DuckDB stopped at what a line holds: JSON it does not take, a line it cannot split."""
    import duckdb

    return isinstance(error, duckdb.InvalidInputException | duckdb.ConversionException | duckdb.OutOfRangeException)


def _copy(db: duckdb.DuckDBPyConnection, query: str, to: Path, parameters: Sequence[Any] = ()) -> None:
    db.execute(f"COPY ({query}) TO {quoted(to)} ({_PARQUET})", list(parameters))
    to.chmod(0o600)


def _one(db: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    return db.execute(query).fetchone() or ()


def quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _zoned(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None else None


def _touch(entry: _Entry, since: datetime | None, until: datetime | None) -> bool:
    if entry.since is None or entry.until is None or since is None or until is None:
        return True
    return entry.since <= until.replace(tzinfo=UTC) and since.replace(tzinfo=UTC) <= entry.until


def _state(folder: Path, entries: list[_Entry]) -> StoreState:
    return StoreState(
        inputs={one.name: one for entry in entries for one in entry.inputs},
        segments=tuple(folder / entry.segment for entry in entries if entry.segment),
        events=sum(entry.rows for entry in entries),
        repeated=sum(entry.repeated for entry in entries),
        undated=sum(entry.undated for entry in entries),
        no_events=sum(entry.no_events for entry in entries),
        since=min((entry.since for entry in entries if entry.since), default=None),
        until=max((entry.until for entry in entries if entry.until), default=None),
    )


def _more(done: Written, entry: _Entry) -> Written:
    return Written(done.inputs + len(entry.inputs), done.events + entry.rows, done.repeated + entry.repeated)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path: Path) -> None:
    with contextlib.suppress(OSError):  # some file systems cannot sync a folder
        _sync(path)


@contextlib.contextmanager
def told_disk(folder: Path) -> Iterator[None]:
    """Failures of the disk as sentences."""
    try:
        yield
    except OSError as error:
        raise _disk_error(folder, error.strerror or str(error), full=error.errno in (errno.ENOSPC, errno.EDQUOT)) from error
    except Exception as error:
        import duckdb

        if not isinstance(error, duckdb.Error):
            raise
        words = str(error).partition("\n")[0]
        raise _disk_error(folder, words, full="No space left" in words or "disk quota" in words.lower()) from error


def _disk_error(folder: Path, reason: str, *, full: bool) -> IamtuiError:
    if full:
        return IamtuiError(
            f"The disk is full: events could not be written to {folder}", "make room, or choose another folder with --cache-dir; then again"
        )
    return IamtuiError(f"Events could not be written to {folder}: {reason}", "choose another folder with --cache-dir")
