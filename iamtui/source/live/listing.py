"""What lies in a trail's bucket: folders and days side by side, nothing beside them.

Below an account only `CloudTrail/` is listed, so that digests, Insights and other services' logs never are; below a Region only the days
asked for. The last days of every Region come first, because they are looked at first.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from ...errors import RefusedError, UsageError
from .connection import DENIED, THROTTLED, Connection, code_of, message_of, told
from .place import EVENTS, LOGS, Place, is_account, is_organisation, span_of, start_of

LIST = "s3:ListBucket"
_LATE = timedelta(days=1)
"""CloudTrail files an object under the day it was delivered: events of a day may lie under the next."""
_RECENT = timedelta(days=3)
"""Days up to so long before the last one are listed before all others."""
_OVER = timedelta(days=2)
"""So long after its end CloudTrail delivers nothing more into a day; what is written later was put there by somebody else."""
_TRUSTED = 3600.0
"""Seconds for which days that are over, and of which everything is known, are not listed again by one process."""
_SEEK_DEPTH, _SEEK_WIDTH = 4, 50
"""How far below a prefix `AWSLogs/` is looked for: levels, and folders of a level."""
MOST_PLAIN = 300_000
"""Files of a folder that is no tree of CloudTrail's."""
_DATE = re.compile(r"[0-9]{4}/[0-9]{2}/[0-9]{2}/")


class Wanted(NamedTuple):
    """What of a bucket is read: events from `since` to `until`, accounts and Regions (() for all). `chosen`: somebody named these days; a
    day in a prefix counts more than days nobody named."""

    since: datetime
    until: datetime
    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    chosen: bool = False


class Found(NamedTuple):
    """An object. `mark` differs when it was written again; `root` is its Region's folder."""

    key: str
    size: int
    mark: tuple[int, ...]
    root: str


Add = Callable[[int, Callable[[], None]], None]
"""Work for later: its order (the smallest first) and what to do."""

Settled = dict[tuple[str, date, date], float]
"""Days of a Region that are over and were known whole when they were last listed, and when that was (of the monotonic clock)."""


class Listing:
    """Lists one place. `begin` puts the first task; tasks put more, and pages of objects, and refusals by name.

    page:   takes objects; answers how many of them were not known
    refuse: takes the name of a folder that could not be listed, and why
    """

    def __init__(
        self,
        connection: Connection,
        place: Place,
        wanted: Wanted,
        settled: Settled | None,
        *,
        add: Add,
        page: Callable[[list[Found]], int],
        refuse: Callable[[str, str], None],
        stopped: Callable[[], bool],
    ) -> None:
        self._connection, self._place, self._wanted, self._settled = connection, place, wanted, settled
        self._add, self._page, self._refuse, self._stopped = add, page, refuse, stopped
        self._client = connection.client("s3", place.region)
        self._requests = 0
        self._lock = threading.Lock()

    @property
    def requests(self) -> int:
        """How often S3 was asked."""
        return self._requests

    def begin(self) -> None:
        start = start_of(self._place)
        if start is None:
            prefix = self._place.prefix
            self._add(-1, self._seek if not prefix or prefix.endswith("/") else lambda: self._plain(prefix))
            return
        account = f"{start.root}{start.account}/{EVENTS}/"
        if start.region:
            root, day = f"{account}{start.region}/", start.day
            self._add(0, (lambda: self._one_day(root, day)) if day else (lambda: self._span(root, self._days(), first=True)))
        elif start.account:
            self._add(-1, lambda: self._regions(account, first=True))
        else:
            self._add(-1, lambda: self._accounts(start.root, first=True))

    # -- the tree ----------------------------------------------------------------------------------------------------

    def _seek(self) -> None:
        """Find the nearest `AWSLogs/` below the prefix; without one the prefix is a folder of files."""
        level = [self._place.prefix]
        for _ in range(_SEEK_DEPTH):
            roots: list[str] = []
            below: list[str] = []
            for prefix in level[:_SEEK_WIDTH]:
                names = list(self._folders(prefix, first=True))
                if LOGS in names:
                    roots.append(f"{prefix}{LOGS}/")
                else:
                    below += [f"{prefix}{name}/" for name in names]
            for root in roots:
                self._add(-1, lambda root=root: self._accounts(root))  # type: ignore[misc]
            if roots:
                return
            level = below
        if not self._place.prefix:
            raise UsageError(
                f"No {LOGS}/ was found in s3://{self._place.bucket}",
                f"name the folder it lies in: --trail s3://{self._place.bucket}/PREFIX",
            )
        self._plain(self._place.prefix)

    def _accounts(self, root: str, *, first: bool = False) -> None:
        for name in self._folders(root, first=first):
            if is_organisation(name):
                self._add(-1, lambda name=name: self._accounts(f"{root}{name}/"))  # type: ignore[misc]
            elif is_account(name) and (not self._wanted.accounts or name in self._wanted.accounts):
                self._add(-1, lambda name=name: self._regions(f"{root}{name}/{EVENTS}/"))  # type: ignore[misc]

    def _regions(self, root: str, *, first: bool = False) -> None:
        for name in self._folders(root, first=first):
            if not self._wanted.regions or name in self._wanted.regions:
                self._span(f"{root}{name}/", self._days())

    def _days(self) -> tuple[date, date]:
        return self._wanted.since.date(), (self._wanted.until + _LATE).date()

    def _one_day(self, root: str, day: str) -> None:
        """The days a prefix names; those that were chosen beside it narrow it."""
        span = span_of(day)
        assert span is not None
        first, last = span[0].date(), span[1].date()
        if self._wanted.chosen:
            chosen = self._days()
            first, last = max(first, chosen[0]), min(last, chosen[1])
        self._span(root, (first, last), f"{day}/", first=True)

    def _span(self, root: str, days: tuple[date, date], below: str = "", *, first: bool = False) -> None:
        begin, last = days
        cut = max(begin, last - _RECENT)
        for order, one, other in ((0, cut, last), (1, begin, cut - timedelta(days=1))):
            if one <= other:
                self._add(order, lambda one=one, other=other: self._range(root, below, one, other, first=first))  # type: ignore[misc]

    def _range(self, root: str, below: str, begin: date, last: date, *, first: bool) -> None:
        """Objects of a Region from one day to another, where `below` names a year, month or day, of that."""
        asked = (root, begin, last)
        over = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1) + _OVER < datetime.now(UTC)
        if over and self._settled is not None and time.monotonic() - self._settled.get(asked, -_TRUSTED) < _TRUSTED:
            return
        new = seen = 0
        on_time = True
        for objects in self._pages(root + below, f"{root}{begin:%Y/%m/%d}/", f"{root}{last:%Y/%m/%d}/~", first=first):
            new += self._page([_found(one, root) for one in objects])
            seen += len(objects)
            on_time = on_time and all(_on_time(one, root) for one in objects)
        if self._settled is not None and over and on_time and seen and not new and not self._stopped():
            self._settled[asked] = time.monotonic()

    def _plain(self, prefix: str) -> None:
        """A folder of files somebody has put together, or one file."""
        count = 0
        for objects in self._pages(prefix, "", "", first=True):
            self._page([_found(one, prefix) for one in objects])
            count += len(objects)
            if count > MOST_PLAIN:
                self._refuse(prefix, f"there are more than {MOST_PLAIN:,} files; the rest is not read")
                return

    # -- asking S3 ---------------------------------------------------------------------------------------------------

    def _folders(self, prefix: str, *, first: bool = False) -> Iterator[str]:
        """Names of the folders directly below."""
        for answer in self._answers(prefix, first, Delimiter="/"):
            for one in answer.get("CommonPrefixes") or ():
                yield str(one["Prefix"])[len(prefix) :].removesuffix("/")

    def _pages(self, prefix: str, after: str, last: str, *, first: bool) -> Iterator[list[dict[str, Any]]]:
        """Objects with content whose keys lie between two keys."""
        for answer in self._answers(prefix, first, **({"StartAfter": after} if after else {})):
            objects = answer.get("Contents") or []
            yield [one for one in objects if one.get("Size") and not one["Key"].endswith("/") and (not last or one["Key"] <= last)]
            if last and objects and objects[-1]["Key"] > last:
                return

    def _answers(self, prefix: str, first: bool, **asked: Any) -> Iterator[dict[str, Any]]:
        """Pages of one question. A refusal is one of this folder; of the `first` folder it is one of everything, and is raised."""
        while not self._stopped():
            with self._lock:
                self._requests += 1
            try:
                answer: dict[str, Any] = self._client.list_objects_v2(Bucket=self._place.bucket, Prefix=prefix, **asked)
            except Exception as error:
                final = told(error, LIST, self._connection.options.profile)
                if final is not None:
                    raise final from error
                if first:
                    raise self._refusal(error, prefix) from error
                self._refuse(prefix, _reason(error))
                return
            yield answer
            if not answer.get("IsTruncated"):
                return
            asked["ContinuationToken"] = answer["NextContinuationToken"]

    def _refusal(self, error: Exception, prefix: str) -> RefusedError:
        hint, denied = "check the bucket's name", code_of(error) in DENIED
        if denied:
            hint = f"ask for {LIST} on the bucket; where it is allowed below one account only, name its folder: --trail s3://…/ACCOUNT"
        return RefusedError(f"s3://{self._place.bucket}/{prefix} could not be listed: {_reason(error)}", hint, LIST, denied=denied)


def _found(one: dict[str, Any], root: str) -> Found:
    size = int(one["Size"])
    mark = hashlib.sha256(str(one.get("ETag") or "").encode()).digest()[:6]
    return Found(one["Key"], size, (size, int.from_bytes(mark, "big")), root)


def _on_time(one: dict[str, Any], root: str) -> bool:
    """Whether an object was written when its key says, as CloudTrail does and nobody who copies files later."""
    day, written = one["Key"][len(root) : len(root) + 11], one.get("LastModified")
    if not _DATE.match(day) or not isinstance(written, datetime):
        return False
    span = span_of(day.rstrip("/"))
    return span is not None and written <= span[1] + timedelta(days=1) + _OVER


def _reason(error: Exception) -> str:
    code, words = code_of(error), message_of(error)
    if code in DENIED:
        return f"denied ({LIST}): {words}"
    if code in THROTTLED:
        return f"throttled by S3 ({code})"
    return f"{code} {words}".strip()
