"""A trail's bucket: events as CloudTrail delivers them, for as long as the bucket keeps them.

    [prefix/]AWSLogs/[o-organisation/]account/CloudTrail/Region/2026/11/27/…​.json.gz

Objects are found day by day below an account and a Region, so that digests, Insights and other services' logs beside them are never
listed, and days nobody asked for neither. Several are fetched at once, within a bound of bytes. What the event store knows already is
named and not fetched. An object that cannot be had (denied, its key not to be used, archived, gone) is named with its reason, and the rest
is read.
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from ...errors import AwsError, BadInputError, UsageError
from ...model.document import Kind
from ..base import Cancelled, EventFile, Step, never_cancelled
from ..containers import text_of
from ..evidence.kinds import event_file
from .calls import Caller
from .connection import DENIED, code_of, message_of, told

FETCHERS = 8
MAX_OBJECT = 128 << 20
"""Bytes of one object; CloudTrail's own are far smaller."""
_IN_FLIGHT = 96 << 20
"""Bytes that are fetched or waiting to be taken, about."""
_TAIL = "AWSLogs/"
_ACCOUNT = re.compile(r"[0-9]{12}\Z")
_LATE = timedelta(days=1)
"""CloudTrail names a file by when it was delivered: events of a day may lie under the next."""


class Place(NamedTuple):
    """Where a trail's files lie: `prefix` ends with a slash, or is ""."""

    bucket: str
    prefix: str
    region: str = ""

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


class Found(NamedTuple):
    key: str
    size: int
    mark: tuple[int, ...]


class Wanted(NamedTuple):
    """What of a bucket is read: days from `since` to `until`, accounts and Regions (() for all)."""

    since: datetime
    until: datetime
    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()


def place_of(caller: Caller, trail: str) -> Place:
    """Where the files of a trail lie, by its name, its ARN or `s3://bucket/prefix`. Raises UsageError, AwsError."""
    if trail.startswith("s3://"):
        bucket, _, prefix = trail.removeprefix("s3://").partition("/")
        if not bucket:
            raise UsageError(f"{trail} names no bucket", "write s3://BUCKET or s3://BUCKET/PREFIX")
        return Place(bucket, prefix.rstrip("/") + "/" if prefix.strip("/") else "")
    region = trail.split(":")[3] if trail.startswith("arn:") and trail.count(":") >= 5 else ""
    try:
        answer = caller.connection.client("cloudtrail", region).describe_trails(trailNameList=[trail], includeShadowTrails=True)
    except Exception as error:
        gap = caller.gap(Kind.OTHER, "cloudtrail:DescribeTrails", error)
        raise AwsError(
            f"Where {trail} delivers to could not be read: {gap.reason}", gap.hint or "name its bucket: --trail s3://…"
        ) from error
    for one in answer.get("trailList") or ():
        if one.get("S3BucketName") and trail in (one.get("Name"), one.get("TrailARN")):
            prefix = str(one.get("S3KeyPrefix") or "").strip("/")
            return Place(one["S3BucketName"], f"{prefix}/" if prefix else "", str(one.get("HomeRegion") or ""))
    raise UsageError(
        f"There is no trail {trail} in {region or caller.connection.region}",
        "name its ARN, another --region, or its bucket: --trail s3://BUCKET/PREFIX",
    )


class Bucket:
    """The files of one place."""

    def __init__(self, caller: Caller, place: Place, wanted: Wanted) -> None:
        self.place, self.wanted = place, wanted
        self._caller = caller
        self._client = caller.connection.client("s3", place.region)
        caller.connection.guard.buckets.add(place.bucket)

    def files(self, known: Mapping[str, tuple[int, ...]], cancelled: Cancelled = never_cancelled) -> Iterator[EventFile | Step]:
        """Every file of the days asked for; those whose signature is `known` are named without being fetched. Raises AwsError
        when nothing at all can be listed."""
        waiting: deque[tuple[Found, Future[EventFile] | None]] = deque()
        count = flying = fetched = 0
        with ThreadPoolExecutor(FETCHERS) as pool:
            try:
                for found in self._listed(cancelled):
                    name = self._name(found.key)
                    future = None if known.get(name) == found.mark else pool.submit(self._fetch, found, cancelled)
                    waiting.append((found, future))
                    flying += found.size if future is not None else 0
                    while waiting and (waiting[0][1] is None or waiting[0][1].done() or flying > _IN_FLIGHT or len(waiting) > 4 * FETCHERS):
                        taken, answer = waiting.popleft()
                        count += 1
                        if answer is None:
                            yield EventFile(self._name(taken.key), taken.mark)
                        else:
                            flying -= taken.size
                            fetched += taken.size
                            yield answer.result()
                        yield Step(f"{self.place.url}: {_day(taken.key)}, {fetched / 1e6:,.0f} MB", count)
                    if cancelled():
                        return
                while waiting:
                    taken, answer = waiting.popleft()
                    count += 1
                    if cancelled():
                        return
                    yield answer.result() if answer is not None else EventFile(self._name(taken.key), taken.mark)
                    yield Step(f"{self.place.url}: {_day(taken.key)}", count)
            finally:
                for _, future in waiting:
                    if future is not None:
                        future.cancel()

    def _name(self, key: str) -> str:
        return f"s3://{self.place.bucket}/{key}"

    # -- listing -----------------------------------------------------------------------------------------------------

    def _listed(self, cancelled: Cancelled) -> Iterator[Found]:
        """Objects of the days asked for, the newest day of each account and Region last."""
        head, tail, below = self.place.prefix.partition(_TAIL)
        if tail:
            yield from self._below(head + tail, [part for part in below.split("/") if part], cancelled)
        elif self._folders(self.place.prefix + _TAIL, 1):
            yield from self._accounts(self.place.prefix + _TAIL, cancelled)
        else:
            yield from self._objects(self.place.prefix, "", "", cancelled)  # no tree of CloudTrail's: a folder of files

    def _below(self, root: str, parts: Sequence[str], cancelled: Cancelled) -> Iterator[Found]:
        """The tree from where the prefix stops."""
        if parts and parts[0].startswith("o-"):
            root, parts = f"{root}{parts[0]}/", parts[1:]
        if not parts:
            yield from self._accounts(root, cancelled)
            return
        account = f"{root}{parts[0]}/CloudTrail/"
        if len(parts) < 3:
            yield from self._regions(account, cancelled)
        else:
            days = "/".join(parts[3:])
            yield from self._days(f"{account}{parts[2]}/", cancelled, f"{days}/" if days else "")

    def _accounts(self, root: str, cancelled: Cancelled) -> Iterator[Found]:
        names = self._folders(root)
        for name in names:
            if cancelled():
                return
            if name.startswith("o-"):
                yield from self._accounts(f"{root}{name}/", cancelled)
            elif _ACCOUNT.match(name) and (not self.wanted.accounts or name in self.wanted.accounts):
                yield from self._regions(f"{root}{name}/CloudTrail/", cancelled)

    def _regions(self, root: str, cancelled: Cancelled) -> Iterator[Found]:
        for name in self._folders(root):
            if cancelled():
                return
            if not self.wanted.regions or name in self.wanted.regions:
                yield from self._days(f"{root}{name}/", cancelled)

    def _days(self, root: str, cancelled: Cancelled, only: str = "") -> Iterator[Found]:
        since, until = self.wanted.since, self.wanted.until + _LATE
        yield from self._objects(root + only, f"{root}{since:%Y/%m/%d}/", f"{root}{until:%Y/%m/%d}/~", cancelled)

    def _folders(self, prefix: str, most: int = 10_000) -> list[str]:
        """Names of the folders directly below. Raises AwsError."""
        names: list[str] = []
        more: dict[str, str] = {}
        while True:
            answer = self._list(Prefix=prefix, Delimiter="/", **more)
            names += [one["Prefix"][len(prefix) :].rstrip("/") for one in answer.get("CommonPrefixes") or ()]
            if not answer.get("IsTruncated") or len(names) >= most:
                return names
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    def _objects(self, prefix: str, first: str, last: str, cancelled: Cancelled) -> Iterator[Found]:
        more: dict[str, str] = {"StartAfter": first} if first else {}
        while not cancelled():
            answer = self._list(Prefix=prefix, **more)
            for one in answer.get("Contents") or ():
                key = one["Key"]
                if last and key > last:
                    return
                if key.endswith("/") or not one.get("Size"):
                    continue
                mark = hashlib.sha256(str(one.get("ETag") or "").encode()).digest()[:6]
                yield Found(key, int(one["Size"]), (int(one["Size"]), int.from_bytes(mark, "big")))
            if not answer.get("IsTruncated"):
                return
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    def _list(self, **more: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = self._client.list_objects_v2(Bucket=self.place.bucket, **more)
        except Exception as error:
            final = told(error, "s3:ListBucket", self._caller.connection.options.profile)
            if final is not None:
                raise final from error
            hint = "ask for s3:ListBucket on the bucket" if code_of(error) in DENIED else "check the bucket's name"
            raise AwsError(f"{self.place.url} could not be listed: {code_of(error)} {message_of(error)}", hint, "s3:ListBucket") from error
        return answer

    # -- fetching ----------------------------------------------------------------------------------------------------

    def _fetch(self, found: Found, cancelled: Cancelled) -> EventFile:
        name = self._name(found.key)
        if cancelled():
            return EventFile(name, (), reason="not fetched")
        if found.size > MAX_OBJECT:
            return EventFile(name, (), reason=f"larger than {MAX_OBJECT >> 20} MiB")
        try:
            answer = self._client.get_object(Bucket=self.place.bucket, Key=found.key)
            data = answer["Body"].read(MAX_OBJECT + 1)
        except Exception as error:
            return EventFile(name, (), reason=_reason(error))
        try:
            return event_file(name, found.mark, text_of(data))
        except BadInputError as error:
            return EventFile(name, (), reason=error.message)


def _reason(error: Exception) -> str:
    code, words = code_of(error), message_of(error)
    if code in DENIED and "kms" in words.casefold():
        return "denied: its key may not be used (kms:Decrypt)"
    if code in DENIED:
        return f"denied (s3:GetObject): {words}"
    if code == "InvalidObjectState":
        return "it is archived, and must be restored before it can be read"
    if code in ("NoSuchKey", "404"):
        return "it was there when the bucket was listed, and is gone"
    return f"{code} {words}".strip()


def _day(key: str) -> str:
    """`eu-west-1 2026-11-27` of an object's key."""
    parts = key.split("/")
    return f"{parts[-5]} {'-'.join(parts[-4:-1])}" if len(parts) >= 6 else key.rpartition("/")[2]
