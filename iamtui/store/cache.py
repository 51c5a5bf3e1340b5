"""What was read from AWS, on disk: raw answers, decoded lists and events, private, and never a pickle.

diskcache pickles by default, and unpickles whatever it finds (CVE-2025-69872); its own `JSONDisk` does too. Ours stores text
keys and msgpack or compressed bytes, and refuses every row that says it holds a pickle.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import sqlite3
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from ..errors import BadInputError
from ..model.account import Snapshot
from ..model.coverage import Coverage, Covered
from ..model.document import Document, Kind
from ..model.event import Event
from ..model.freshness import is_stale
from ..model.usage import UsageDigests
from .files import locked, private_dir

_SIZE_LIMIT = 8 << 30
_SCHEMA = "2"


class PickleRefusedError(BadInputError):
    """A row of the cache claims to hold a pickle. Nothing of it was loaded."""


class Entry(msgspec.Struct, frozen=True):
    """A line of `cache info`: what is kept of one account and kind."""

    account: str
    kind: str
    entries: int
    oldest: datetime | None
    newest: datetime | None
    stale: bool


class CacheInfo(msgspec.Struct, frozen=True):
    directory: str
    bytes: int
    entries: tuple[Entry, ...]
    connections: tuple[tuple[str, str], ...]
    covered: tuple[Covered, ...] = ()


class EventRow(msgspec.Struct, frozen=True, eq=False):
    """Events as they were kept together, and what of the trail they are all of."""

    events: tuple[Event, ...]
    covered: Covered | None = None


def _disk_class() -> Any:
    """The disk, made when diskcache is first needed: its import is no part of the first picture."""
    import diskcache
    from diskcache.core import MODE_BINARY, MODE_RAW, MODE_TEXT

    class PlainDisk(diskcache.Disk):  # type: ignore[misc]
        """Keys are text, values are bytes. Nothing is ever pickled or unpickled."""

        def put(self, key: Any) -> tuple[Any, bool]:
            if not isinstance(key, str):
                raise TypeError("cache keys are text")
            return key, True

        def get(self, key: Any, raw: bool) -> Any:
            if not raw or not isinstance(key, str):
                raise PickleRefusedError("a key in the cache claims to be a pickle")
            return key

        def store(self, value: Any, read: bool, key: Any = None) -> Any:
            if not isinstance(value, bytes) or read:
                raise TypeError("cache values are bytes")
            return super().store(value, False, key=key)

        def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
            if mode not in (MODE_RAW, MODE_BINARY, MODE_TEXT):
                raise PickleRefusedError("a row in the cache claims to hold a pickle")
            if filename is not None:
                place = (Path(self._directory) / filename).resolve()
                if not place.is_relative_to(Path(self._directory).resolve()):
                    raise PickleRefusedError("a row in the cache points outside the cache")
            fetched = super().fetch(mode, filename, value, read)
            return bytes(fetched) if isinstance(fetched, memoryview | bytearray) else fetched

    return PlainDisk


class Cache:
    """One folder for all accounts. Any number of instances may use it at once.

    A damaged or foreign cache is set aside under another name, said in `notices`, and begun anew: by one instance, while
    the others wait at a lock beside the folder and then follow to the new one.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.notices: list[str] = []
        self._held: Any = None
        self._place: tuple[int, int] | None = None  # device and inode of the database that is open

    # -- opening -----------------------------------------------------------------------------------------------------

    @property
    def _cache(self) -> Any:
        if self._held is None:
            self._held = self._open()
        return self._held

    def _open(self) -> Any:
        with locked(self.directory.with_name(f"{self.directory.name}.lock")):
            private_dir(self.directory)
            try:
                return self._try()
            except (sqlite3.Error, PickleRefusedError, OSError, ValueError, TypeError, AttributeError, KeyError) as error:
                if _is_busy(error):
                    raise
                self._set_aside(str(error) or type(error).__name__)
                return self._try()

    def _recover(self, error: Exception) -> None:
        """After an error of an open cache: follow to the new one when another instance set ours aside, or set it aside."""
        if _is_busy(error):
            self._cannot_read(error)
            return
        with locked(self.directory.with_name(f"{self.directory.name}.lock")):
            moved = self._database_place() != self._place
            self.close()
            if not moved:
                self._set_aside(str(error) or type(error).__name__)

    def _database_place(self) -> tuple[int, int] | None:
        try:
            found = (self.directory / "cache.db").stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _try(self) -> Any:
        import diskcache

        database = self.directory / "cache.db"
        if database.exists():
            self._inspect(database)
        before = os.umask(0o077)
        try:
            cache = diskcache.Cache(
                str(self.directory),
                disk=_disk_class(),
                eviction_policy="none",
                size_limit=_SIZE_LIMIT,
                cull_limit=0,
                statistics=0,
                disk_min_file_size=1 << 20,
                sqlite_synchronous=1,
            )
        finally:
            os.umask(before)
        self._tighten()
        self._place = self._database_place()
        return cache

    def _inspect(self, database: Path) -> None:
        """Look before diskcache does: a foreign or damaged file, or any row that says it is a pickle."""
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)
        try:
            rows = connection.execute("SELECT COUNT(*) FROM Cache WHERE mode = 4 OR raw = 0").fetchone()
            if rows[0]:
                raise PickleRefusedError("it holds a pickle, which iamtui never writes")
        finally:
            connection.close()

    def _set_aside(self, reason: str) -> None:
        target = self.directory.with_name(f"{self.directory.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
        self.directory.rename(target)
        private_dir(self.directory)
        self.notices.append(f"The cache could not be used ({reason}). It was set aside as {target}, and a new one begun")
        self._held = None

    def _tighten(self) -> None:
        """0600 for every file here, whoever made it."""
        for place, folders, files in os.walk(self.directory):
            for name in folders:
                (Path(place) / name).chmod(0o700)
            for name in files:
                with contextlib.suppress(FileNotFoundError):
                    path = Path(place) / name
                    if path.stat().st_mode & 0o077:
                        path.chmod(0o600)

    def close(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None

    # -- raw rows ----------------------------------------------------------------------------------------------------

    def _get(self, key: str) -> bytes | None:
        try:
            value = self._cache.get(key)
        except (sqlite3.Error, PickleRefusedError, OSError) as error:
            self._recover(error)
            return None
        return value if isinstance(value, bytes) else None

    def _set(self, key: str, value: bytes) -> None:
        before = os.umask(0o077)
        try:
            self._attempt(lambda: self._cache.set(key, value, retry=True))
        except (sqlite3.Error, OSError) as error:
            self._cannot_write(error)
        finally:
            os.umask(before)

    def _keys(self, prefix: str) -> list[str]:
        """Keys that begin with `prefix`, in their order."""
        try:
            found = [key for key in self._cache if isinstance(key, str) and key.startswith(prefix)]
        except (sqlite3.Error, PickleRefusedError) as error:
            self._recover(error)
            return []
        return sorted(found)

    # -- documents ---------------------------------------------------------------------------------------------------

    def put_document(self, account: str, document: Document) -> None:
        """Keep one raw answer, in place of an older one of the same kind, key, Region and page.

        The body must hold no secrets: the session drops them first (`decode.redact_document`).
        """
        self._set(_document_key(account, document), _packed(document))

    def replace_documents(self, account: str, kind: Kind, key: str, documents: Sequence[Document]) -> None:
        """Keep a whole set of pages in place of the old set, in one transaction."""
        prefix = f"doc/{account}/{kind.value}/{_safe(key)}/"
        wanted = {_document_key(account, document): _packed(document) for document in documents}
        old = [name for name in self._keys(prefix) if name not in wanted]

        def write() -> None:
            with self._cache.transact(retry=True):
                for name, value in wanted.items():
                    self._cache.set(name, value)
                for name in old:
                    self._cache.delete(name)

        before = os.umask(0o077)
        try:
            self._attempt(write)
        except (sqlite3.Error, OSError) as error:
            self._cannot_write(error)
        finally:
            os.umask(before)

    def _attempt(self, write: Callable[[], object]) -> None:
        """Write; once more when another instance set our database aside meanwhile."""
        try:
            write()
        except (sqlite3.Error, OSError):
            if self._database_place() == self._place:
                raise
            self.close()
            write()

    def _cannot_read(self, error: Exception) -> None:
        notice = f"{self.directory} could not be read just now ({error})"
        if notice not in self.notices:
            self.notices.append(notice)

    def _cannot_write(self, error: Exception) -> None:
        notice = f"{self.directory} could not be written ({error}); what was read is kept in memory only"
        if notice not in self.notices:
            self.notices.append(notice)

    def documents(self, account: str, kind: Kind | None = None) -> Iterator[Document]:
        """Raw answers of an account, in the order of kind, key and page. A row that cannot be read is left out and said."""
        prefix = f"doc/{account}/" + (f"{kind.value}/" if kind else "")
        for name in self._keys(prefix):
            value = self._get(name)
            if value is None:
                continue
            try:
                yield _document.decode(zlib.decompress(value))
            except (zlib.error, msgspec.MsgspecError) as error:
                self.notices.append(f"An answer in the cache could not be read ({name}: {error})")

    def document(self, account: str, kind: Kind, key: str) -> Document | None:
        """The one raw answer of that kind and key, None when there is none."""
        value = self._get(f"doc/{account}/{kind.value}/{_safe(key)}/-/000000")
        if value is None:
            return None
        try:
            return _document.decode(zlib.decompress(value))
        except (zlib.error, msgspec.MsgspecError) as error:
            self.notices.append(f"An answer in the cache could not be read ({kind.value} {key}: {error})")
            return None

    # -- last-accessed answers, packed -------------------------------------------------------------------------------

    def put_digests(self, account: str, digests: UsageDigests) -> None:
        """Keep what lists and the matrix show of all last-accessed answers; the answers themselves are documents."""
        self._set(f"usage/{account}", zlib.compress(msgspec.msgpack.encode(digests), 1))

    def digests(self, account: str) -> UsageDigests | None:
        value = self._get(f"usage/{account}")
        if value is None:
            return None
        try:
            found = _digests.decode(zlib.decompress(value))
        except (zlib.error, msgspec.MsgspecError):
            return None  # made anew from the answers
        return found if found.order == sys.byteorder else None

    # -- lists, decoded ----------------------------------------------------------------------------------------------

    def put_snapshot(self, account: str, snapshot: Snapshot) -> None:
        """Keep the decoded lists for the next start, marked with the model they were written by."""
        bare = msgspec.structs.replace(snapshot, last_events={}, last_accessed={}, new_places={}, standings=None)
        self._set(f"snapshot/{account}", _model_mark() + zlib.compress(msgspec.msgpack.encode(bare), 1))

    def snapshot(self, account: str) -> Snapshot | None:
        """The lists as kept; None when there are none, or another version of the model wrote them."""
        value = self._get(f"snapshot/{account}")
        mark = _model_mark()
        if value is None or value[: len(mark)] != mark:
            return None
        collecting = gc.isenabled()
        gc.disable()  # tens of thousands of small values are made, none of them garbage
        try:
            return _snapshot.decode(zlib.decompress(value[len(mark) :]))
        except (zlib.error, msgspec.MsgspecError):
            return None
        finally:
            if collecting:
                gc.enable()

    def names(self, account: str) -> list[str]:
        """Names of users, roles, groups and policies in the lists as kept, without decoding the rest of them."""
        value = self._get(f"snapshot/{account}")
        mark = _model_mark()
        if value is None or value[: len(mark)] != mark:
            return []
        try:
            lists = _lists.decode(zlib.decompress(value[len(mark) :]))
        except (zlib.error, msgspec.MsgspecError):
            return []
        return [one.name for part in (lists.users, lists.roles, lists.groups, lists.policies) for one in part]

    # -- events ------------------------------------------------------------------------------------------------------

    def put_events(self, account: str, events: Sequence[Event], covered: Covered | None = None) -> None:
        """Keep events as a segment that is never changed; the same events make the same segment.

        What they cover stands in the same row, under one checksum: it is there if and only if they are, whatever is killed or damaged.
        """
        body = msgspec.msgpack.encode(tuple(events))
        packed = zlib.compress(body, 1)
        if covered is None:
            self._set(f"events/{account}/{hashlib.sha256(body).hexdigest()[:24]}", _model_mark() + packed)
            return
        claim = msgspec.msgpack.encode(covered)
        value = len(claim).to_bytes(2, "big") + claim + packed
        name = hashlib.sha256(claim + body).hexdigest()[:24]
        self._set(f"events/{account}/{name}", _covered_mark() + zlib.crc32(value).to_bytes(4, "big") + value)

    def event_rows(self, account: str) -> Iterator[EventRow]:
        """All events kept of an account, in no order, repeated ones repeated. A row that is damaged is forgotten, with what it covered."""
        for name, covered, packed in self._event_rows(account):
            try:
                yield EventRow(_events.decode(zlib.decompress(packed)), covered)
            except (zlib.error, msgspec.MsgspecError) as error:
                self.notices.append(f"Events in the cache could not be read ({name}: {error})")

    def events(self, account: str) -> Iterator[Event]:
        """All events kept of an account, in no order, repeated ones repeated."""
        for row in self.event_rows(account):
            yield from row.events

    def _event_rows(self, account: str) -> Iterator[tuple[str, Covered | None, bytes]]:
        """Rows of this model: name, what they cover, and their events still packed."""
        mark, covering = _model_mark(), _covered_mark()
        for name in self._keys(f"events/{account}/"):
            value = self._get(name) or b""
            if value[: len(mark)] == mark:
                yield name, None, value[len(mark) :]
            elif value[: len(covering)] == covering:
                check, rest = value[len(covering) :][:4], value[len(covering) + 4 :]
                end = 2 + int.from_bytes(rest[:2], "big")
                try:
                    if zlib.crc32(rest).to_bytes(4, "big") != check:
                        raise ValueError("its checksum is wrong")
                    yield name, _covered.decode(rest[2:end]), rest[end:]
                except (ValueError, msgspec.MsgspecError) as error:
                    self.notices.append(f"Events in the cache could not be read ({name}: {error}); they will be asked for again")

    # -- accounts ----------------------------------------------------------------------------------------------------

    def remember_account(self, connection: str, account: str) -> None:
        """The account a connection (profile, role, endpoint) led to."""
        self._set(f"connection/{_safe(connection)}", msgspec.msgpack.encode((connection, account)))

    def account_of(self, connection: str) -> str | None:
        value = self._get(f"connection/{_safe(connection)}")
        if value is None:
            return None
        held: tuple[str, str] = msgspec.msgpack.decode(value, type=tuple[str, str])
        return held[1]

    def accounts(self) -> tuple[str, ...]:
        return tuple(key.partition("/")[2] for key in self._keys("snapshot/"))

    # -- commands ----------------------------------------------------------------------------------------------------

    def info(self, now: datetime) -> CacheInfo:
        """What is kept, by account and kind."""
        groups: dict[tuple[str, str], list[datetime]] = {}
        for account in {key.split("/")[1] for key in self._keys("doc/")}:
            for document in self.documents(account):
                groups.setdefault((account, document.kind.value), []).append(document.as_of)
        entries = [
            Entry(account, kind, len(stamps), min(stamps), max(stamps), is_stale(Kind(kind), max(stamps), now))
            for (account, kind), stamps in sorted(groups.items())
        ]
        covered: list[Covered] = []
        for account in sorted({key.split("/")[1] for key in self._keys("events/")}):
            count = len(self._keys(f"events/{account}/"))
            entries.append(Entry(account, "events", count, None, None, False))
            covered.extend(_joined(one for _, one, _ in self._event_rows(account) if one is not None))
        links = [msgspec.msgpack.decode(value, type=tuple[str, str]) for key in self._keys("connection/") if (value := self._get(key))]
        size = sum(path.stat().st_size for path in self.directory.rglob("*") if path.is_file())
        return CacheInfo(str(self.directory), size, tuple(entries), tuple(links), tuple(covered))

    def clear(self, account: str = "") -> int:
        """Forget one account, or everything; the number of rows that went."""
        count = 0
        for key in self._keys(""):
            parts = key.split("/")
            owner = parts[1] if len(parts) > 1 else ""
            if parts[0] == "connection" and account:
                value = self._get(key)
                owner = msgspec.msgpack.decode(value, type=tuple[str, str])[1] if value else ""
            if not account or owner == account:
                self._cache.delete(key)
                count += 1
        with contextlib.suppress(sqlite3.Error):
            self._cache._sql("VACUUM")
        return count


def _is_busy(error: Exception) -> bool:
    """Another instance holds the database: no sign of damage."""
    return isinstance(error, sqlite3.OperationalError) and any(word in str(error) for word in ("locked", "busy"))


class _Named(msgspec.Struct):
    name: str = ""


class _Lists(msgspec.Struct):
    """Of a snapshot nothing but names."""

    users: list[_Named] = []
    roles: list[_Named] = []
    groups: list[_Named] = []
    policies: list[_Named] = []


_lists = msgspec.msgpack.Decoder(_Lists)
_document = msgspec.msgpack.Decoder(Document)
_snapshot = msgspec.msgpack.Decoder(Snapshot)
_events = msgspec.msgpack.Decoder(tuple[Event, ...])
_digests = msgspec.msgpack.Decoder(UsageDigests)
_covered = msgspec.msgpack.Decoder(Covered)


def _joined(covered: Iterable[Covered]) -> Iterator[Covered]:
    """Ranges that touch, as one; by account, Region and what was asked, in order of time."""
    for (account, region, asked), spans in sorted(Coverage.of(covered).parts.items()):
        yield from (Covered(account, region, asked, low, high) for low, high in spans.parts)


def _packed(document: Document) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(document), 1)


def _safe(text: str) -> str:
    """Any text as a part of a key: short ones as they are, others by hash."""
    if text and len(text) <= 120 and text.isascii() and text.replace("-", "").replace("_", "").replace(".", "").isalnum():
        return text
    return "#" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _document_key(account: str, document: Document) -> str:
    return f"doc/{account}/{document.kind.value}/{_safe(document.key)}/{document.region or '-'}/{document.part:06d}"


_mark = b""


def _model_mark() -> bytes:
    """Names and types of all that is kept decoded: another model writes another mark and is not misread."""
    global _mark
    if not _mark:
        from ..model import credentials, identity, policy

        shapes = [_SCHEMA]
        for noun in (
            Snapshot,
            Event,
            identity.User,
            identity.Role,
            identity.Group,
            policy.Policy,
            policy.PolicyVersion,
            credentials.Credentials,
        ):
            shapes.append(noun.__name__ + ",".join(f"{f}:{noun.__annotations__.get(f)}" for f in noun.__struct_fields__))
        _mark = hashlib.sha256("|".join(shapes).encode()).digest()[:8]
    return _mark


def _covered_mark() -> bytes:
    """The mark of rows that also say what they cover."""
    return hashlib.sha256(_model_mark() + b"covered 1").digest()[:8]
