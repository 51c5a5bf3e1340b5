"""A trail's bucket: events as CloudTrail delivers them, for as long as the bucket keeps them.

Objects are listed and fetched side by side, within a bound of bytes, and unpacked one at a time by whoever asks: a bucket of any size
takes no more memory than a small one. What the event store knows already is named and not fetched. An object that cannot be had (denied,
its key not to be used, archived, gone) is named with its reason, and the rest is read.
"""

from __future__ import annotations

import heapq
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ...errors import BadInputError
from ..base import Cancelled, EventFile, Step, never_cancelled
from ..containers import text_of
from ..evidence.kinds import event_file
from .calls import Caller
from .connection import DENIED, THROTTLED, code_of, message_of, told
from .listing import Found, Listing, Settled, Wanted
from .place import Place

GET = "s3:GetObject"
LISTERS = 8
FETCHERS = 8
MAX_OBJECT = 128 << 20
"""Bytes of one object; CloudTrail's own are far smaller."""
IN_FLIGHT = 48 << 20
"""Bytes that are being fetched, or wait to be unpacked."""
_LEAST = 16 << 10
"""What a small object counts as, so that there are never too many of them."""
AHEAD = 20_000
"""Objects listed and not yet fetched; listing waits when there are so many."""
_CHUNK = 1 << 20
_TRIES = 3
_TICK = 0.1
GIVEN_UP = 20
"""So many denied objects of one account and Region, and none that was not: the rest of them is not tried."""
NAMED = 20
"""Objects named one by one for one kind of reason; then they are counted."""
_FOLDERS = "folders that could not be listed"


class _Refused(NamedTuple):
    """kind: what such reasons have in common, in words"""

    name: str
    kind: str
    reason: str


class _Fetched(NamedTuple):
    found: Found
    data: bytes


_Known = list[tuple[str, tuple[int, ...]]]


class Bucket:
    """The files of one place.

    settled: days that need not be listed again; remembers new ones
    broken:  why an object could not be read, by name and mark; such a one is not fetched again
    """

    def __init__(
        self,
        caller: Caller,
        place: Place,
        wanted: Wanted,
        settled: Settled | None = None,
        broken: dict[tuple[str, tuple[int, ...]], str] | None = None,
    ) -> None:
        self.place, self.wanted = place, wanted
        self._connection = caller.connection
        self._settled = settled
        self._broken = {} if broken is None else broken
        self._client = caller.connection.client("s3", place.region)
        caller.connection.guard.allow_objects(place.bucket, place.prefix)

    def files(
        self, known: Mapping[str, tuple[int, ...]], cancelled: Cancelled = never_cancelled, *, fetch: bool = True
    ) -> Iterator[EventFile | Step]:
        """Every file of the days asked for, the latest days first; those whose signature is `known` are named without being fetched,
        and those of days that are settled not at all. `fetch` False: all are only named.

        Raises AwsError when nothing at all can be listed, or nothing more can be read; UsageError when there is no trail.
        """
        work = _Work(self, known, fetch)
        try:
            yield from work.results(cancelled)
        finally:
            work.stop()

    def name(self, key: str) -> str:
        return f"s3://{self.place.bucket}/{key}"

    def fetch(self, found: Found, stopped: Callable[[], bool]) -> bytes | _Refused | None:
        """The bytes of an object; None when stopped. Raises AwsError when nothing more can be read."""
        name = self.name(found.key)
        if found.size > MAX_OBJECT:
            return _Refused(name, "too large", f"larger than {MAX_OBJECT >> 20} MiB")
        for last in (False,) * (_TRIES - 1) + (True,):
            try:
                body = self._client.get_object(Bucket=self.place.bucket, Key=found.key)["Body"]
                with body:
                    data = _read(body, found.size, stopped)
            except Exception as error:
                final = told(error, GET, self._connection.options.profile)
                if final is not None:
                    raise final from error
                if not last and not code_of(error) and not stopped():
                    continue  # the line broke in the middle of a body, which botocore does not try again
                return _Refused(name, *_reason(error))
            if data is None or len(data) == found.size:
                return data
            return _Refused(name, "written again", "it was written again while it was read; the next reading takes it")
        return None

    def unpack(self, fetched: _Fetched) -> EventFile | _Refused:
        """The text of an object."""
        name, mark = self.name(fetched.found.key), fetched.found.mark
        try:
            made = event_file(name, mark, text_of(fetched.data))
        except BadInputError as error:
            made = EventFile(name, mark, reason=error.message)
        if not made.reason:
            return made
        self._broken[name, mark] = made.reason
        return _Refused(name, "damaged", made.reason)

    def broken(self, found: Found) -> str:
        """Why an object could not be read before; "" when nobody has tried."""
        return self._broken.get((self.name(found.key), found.mark), "")


class _Work:
    """One reading: threads that list, threads that fetch, and the one who takes what they found. All of them die with the process; none
    is waited for."""

    def __init__(self, bucket: Bucket, known: Mapping[str, tuple[int, ...]], fetch: bool) -> None:
        self._bucket, self._known, self._fetch = bucket, known, fetch
        self._changed = threading.Condition()
        self._tasks: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = self._listing = self._fetching = self._flying = 0
        self._ready: deque[Found] = deque()
        self._out: deque[_Known | _Refused | _Fetched] = deque()
        self._stopped = False
        self._failure: BaseException | None = None
        self._denied: Counter[str] = Counter()
        self._had: set[str] = set()
        self._left: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._files = self._done = self._bytes = self._taken = 0
        self._at = ""
        self._lister = Listing(
            bucket._connection,
            bucket.place,
            bucket.wanted,
            bucket._settled,
            add=self._add,
            page=self._page,
            refuse=lambda key, reason: self._put(_Refused(bucket.name(key), _FOLDERS, reason)),
            stopped=lambda: self._stopped,
        )

    # -- the one who takes -------------------------------------------------------------------------------------------

    def results(self, cancelled: Cancelled) -> Iterator[EventFile | Step]:
        self._lister.begin()
        for run, count in ((self._list, LISTERS), (self._fetch_all, FETCHERS if self._fetch else 0)):
            for _ in range(count):
                threading.Thread(target=self._guarded, args=(run,), daemon=True).start()
        while not cancelled():
            item = self._next()
            if self._failure is not None:
                raise self._failure
            if item is None:
                if self._finished():
                    break
            elif isinstance(item, list):
                self._done += len(item)
                yield from (EventFile(name, mark) for name, mark in item)
            elif isinstance(item, _Refused):
                yield from self._told(item)
            else:
                yield from self._unpacked(item)
            yield self._step()
        else:
            return
        for root, count in self._left.items():
            reason = f"{_files(count)} not tried: the first {self._denied[root]:,} were all denied ({GET})"
            yield EventFile(self._bucket.name(root), (), reason=reason)
        for kind, count in self._refused.items():
            if count > NAMED:
                yield EventFile(self._bucket.place.url, (), reason=f"{count - NAMED:,} more like these: {kind}")

    def _next(self) -> _Known | _Refused | _Fetched | None:
        with self._changed:
            if not self._out and not self._idle():
                self._changed.wait(_TICK)
            return self._out.popleft() if self._out else None

    def _idle(self) -> bool:
        """Whether nobody works and there is nothing to do. The lock is held."""
        return not (self._tasks or self._listing or self._ready or self._fetching) or self._failure is not None

    def _finished(self) -> bool:
        with self._changed:
            return self._idle() and not self._out

    def _told(self, refused: _Refused) -> Iterator[EventFile]:
        if refused.kind != _FOLDERS:
            self._done += 1
        self._refused[refused.kind] += 1
        if self._refused[refused.kind] <= NAMED:
            yield EventFile(refused.name, (), reason=refused.reason)

    def _unpacked(self, fetched: _Fetched) -> Iterator[EventFile]:
        found = fetched.found
        made = self._bucket.unpack(fetched)
        self._at = _day(found)
        self._taken += found.size
        if isinstance(made, _Refused):
            yield from self._told(made)
        else:
            self._done += 1
            yield made
        with self._changed:
            self._flying -= max(found.size, _LEAST)
            self._changed.notify_all()

    def _step(self) -> Step:
        listed = not (self._tasks or self._listing)
        where = f"{self._bucket.place.url}: " + (self._at or f"{self._lister.requests:,} listings")
        if self._bytes:
            where += f", {self._taken / 1e6:,.1f} of {self._bytes / 1e6:,.1f} MB"
        return Step(where if listed else f"{where} so far", self._done + self._left.total(), self._files if listed else None)

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._ready.clear()
            self._out.clear()
            self._tasks.clear()
            self._changed.notify_all()

    # -- those who list ----------------------------------------------------------------------------------------------

    def _guarded(self, run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException as error:
            with self._changed:
                if self._failure is None and not self._stopped:
                    self._failure = error
                self._changed.notify_all()

    def _add(self, order: int, run: Callable[[], None]) -> None:
        with self._changed:
            if not self._stopped:
                self._numbers += 1
                heapq.heappush(self._tasks, (order, self._numbers, run))
                self._changed.notify_all()

    def _put(self, item: _Known | _Refused) -> None:
        with self._changed:
            if not self._stopped:
                self._out.append(item)
                self._changed.notify_all()

    def _list(self) -> None:
        while True:
            with self._changed:
                while not self._tasks or len(self._ready) >= AHEAD:
                    if self._over() or not (self._tasks or self._listing):
                        return
                    self._changed.wait()
                _, _, run = heapq.heappop(self._tasks)
                self._listing += 1
            try:
                run()
            finally:
                with self._changed:
                    self._listing -= 1
                    self._changed.notify_all()

    def _over(self) -> bool:
        return self._stopped or self._failure is not None

    def _page(self, found: list[Found]) -> int:
        """Take listed objects; waits while too many are ahead. Answers how many were not known."""
        bucket, known = self._bucket, self._known
        held: _Known = []
        new: list[Found] = []
        broken: list[_Refused] = []
        for one in found:
            name = bucket.name(one.key)
            if not self._fetch or known.get(name) == one.mark:
                held.append((name, one.mark))
            elif why := bucket.broken(one):
                broken.append(_Refused(name, "damaged", why))
            else:
                new.append(one)
        with self._changed:
            if not self._stopped:
                self._files += len(found)
                self._bytes += sum(one.size for one in new)
                self._out.extend(broken)
                if held:
                    self._out.append(held)
                self._ready.extend(new)
                self._changed.notify_all()
            while len(self._ready) >= AHEAD and not self._over():
                self._changed.wait()
        return len(new) + len(broken)

    # -- those who fetch ---------------------------------------------------------------------------------------------

    def _fetch_all(self) -> None:
        while True:
            with self._changed:
                while not self._ready or not self._room(self._ready[0]):
                    if self._over() or not (self._tasks or self._listing or self._ready):
                        return
                    self._changed.wait()
                found = self._ready.popleft()
                if self._denied[found.root] >= GIVEN_UP and found.root not in self._had:
                    self._left[found.root] += 1
                    self._changed.notify_all()
                    continue
                self._flying += max(found.size, _LEAST)
                self._fetching += 1
            answer: Any = None
            try:
                answer = self._bucket.fetch(found, lambda: self._stopped)
            finally:
                with self._changed:
                    self._fetching -= 1
                    self._take(found, answer)
                    self._changed.notify_all()

    def _room(self, found: Found) -> bool:
        return not self._flying or self._flying + max(found.size, _LEAST) <= IN_FLIGHT

    def _take(self, found: Found, answer: bytes | _Refused | None) -> None:
        """Put what was fetched where it is taken from. The lock is held."""
        if isinstance(answer, bytes) and not self._stopped:
            self._had.add(found.root)
            self._out.append(_Fetched(found, answer))
            return
        self._flying -= max(found.size, _LEAST)
        if isinstance(answer, _Refused) and not self._stopped:
            if answer.kind.startswith("denied"):
                self._denied[found.root] += 1
            self._out.append(answer)


def _read(body: Any, size: int, stopped: Callable[[], bool]) -> bytes | None:
    """A body, up to one byte more than it should have; None when stopped."""
    pieces: list[bytes] = []
    left = size + 1
    while left > 0:
        if stopped():
            return None
        piece = body.read(min(left, _CHUNK))
        if not piece:
            break
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _reason(error: Exception) -> tuple[str, str]:
    """What kind of refusal an error is, and its sentence."""
    code, words = code_of(error), message_of(error)
    if code.startswith("KMS.") or (code in DENIED and "kms:" in words):
        why = "its key may not be used (kms:Decrypt)" if code in DENIED else f"its key cannot be used ({code})"
        return "denied by their key", f"denied: {why}: {words}"
    if code in DENIED:
        return f"denied ({GET})", f"denied ({GET}): {words}"
    if code == "InvalidObjectState":
        return "archived", "it is archived, and must be restored before it can be read"
    if code in ("NoSuchKey", "404"):
        return "gone", "it was there when the bucket was listed, and is gone"
    if code in THROTTLED:
        return "throttled by S3", f"throttled by S3 ({code}); the next reading takes it"
    return "failed", f"{code} {words}".strip()


def _files(count: int) -> str:
    return f"{count:,} {'file' if count == 1 else 'files'}"


def _day(found: Found) -> str:
    """`eu-west-1 2026-11-27` of an object of the tree, else the name of its file."""
    region, rest = found.root.rstrip("/").rpartition("/")[2], found.key[len(found.root) :].split("/")
    return f"{region} {'-'.join(rest[:3])}" if len(rest) == 4 else found.key.rpartition("/")[2]
