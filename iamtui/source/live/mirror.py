"""A private copy of what lies below an address in S3, so that it can be opened as evidence.

Only listed and read, and only below the address (the guard of the connection knows no other place). An object is fetched once: its ETag
says whether it is the same. Its key decides nothing about where the copy lies but the last letters of a name.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ...errors import IamtuiError, UsageError
from ...model.document import Gap, Kind, Origin
from ...model.fact import State
from ..base import Cancelled, Step
from .connection import DENIED, Connection, LiveOptions, code_of, message_of, told

MAX_OBJECT = 512 << 20
MAX_TOTAL = 4 << 30
MAX_OBJECTS = 20_000
_AT_ONCE = 8
_CHUNK = 1 << 20
_INDEX = ".index.json"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
LIST, GET = "s3:ListBucket", "s3:GetObject"


class _Held(msgspec.Struct, frozen=True):
    """What the copy of one object was made of."""

    key: str
    etag: str
    size: int


class _Object(NamedTuple):
    key: str
    etag: str
    size: int

    @property
    def name(self) -> str:
        """The name of its copy: a hash of the key, and of the key's own end what no path can be made of."""
        end = _UNSAFE.sub("_", self.key.rpartition("/")[2])[-80:].lstrip(".")
        return f"{hashlib.sha256(self.key.encode('utf-8', 'surrogatepass')).hexdigest()[:20]}-{end or 'object'}"


class Mirror:
    """One address, `s3://bucket/prefix` or that of one object.

    folder:  where copies are kept; `path` is that of this address, made by `bring`
    offline: nothing is asked, what was fetched before is used
    """

    def __init__(
        self, options: LiveOptions, url: str, folder: Path, mfa_prompt: Callable[[str], str] | None = None, *, offline: bool = False
    ) -> None:
        self.url = url
        self.bucket, _, prefix = url.removeprefix("s3://").partition("/")
        self.prefix = prefix.strip("/")
        if not self.bucket:
            raise UsageError(f"{url} names no bucket", "write s3://BUCKET or s3://BUCKET/PREFIX")
        place = "\n".join((options.endpoint_url, self.bucket, self.prefix))
        self.path = folder / hashlib.sha256(place.encode()).hexdigest()[:20]
        self._connection = Connection(options, mfa_prompt)
        self._offline = offline

    def bring(self, cancelled: Cancelled) -> Iterator[Step | Gap]:
        """Make the copy what the bucket holds. What cannot be had is a gap, and an older copy of it is used.

        Raises AwsError or CredentialsError when there is no copy yet and none can be made.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.chmod(0o700)
        held = self._held()
        if self._offline:
            if not held:
                yield self._gap(State.NOT_LOADED, "it was not fetched before, and the network is forbidden (--offline)", "", LIST)
            return
        try:
            objects = list(self._list(cancelled))
        except IamtuiError as error:
            if not held:
                raise
            yield self._gap(State.FAILED, f"{error.message}; what was fetched before is shown", "", LIST, error.hint)
            return
        except Exception as error:
            yield self._refused(error, "", LIST)
            return
        if not objects and not cancelled():
            yield self._gap(State.FAILED, "there is nothing below it", "", LIST, "check the prefix: aws s3 ls " + self.url)
        yield from self._fetch(objects, held, cancelled)

    # -- listing -----------------------------------------------------------------------------------------------------

    def _list(self, cancelled: Cancelled) -> Iterator[_Object]:
        """Objects below the prefix, else the one object of that very key."""
        client = self._connection.client("s3")
        below = f"{self.prefix}/" if self.prefix else ""
        self._connection.guard.allow_objects(self.bucket, below)
        found = False
        for one in self._pages(client, below, cancelled):
            found = True
            yield one
        if not found and self.prefix and not cancelled():
            self._connection.guard.allow_objects(self.bucket, self.prefix)
            yield from (one for one in self._pages(client, self.prefix, cancelled) if one.key == self.prefix)

    def _pages(self, client: Any, prefix: str, cancelled: Cancelled) -> Iterator[_Object]:
        more: dict[str, str] = {}
        count = 0
        while not cancelled():
            answer = client.list_objects_v2(Bucket=self.bucket, Prefix=prefix, **more)
            for entry in answer.get("Contents") or ():
                key = str(entry.get("Key") or "")
                if key.startswith(prefix) and not key.endswith("/"):
                    count += 1
                    yield _Object(key, str(entry.get("ETag") or ""), int(entry.get("Size") or 0))
            if not answer.get("NextContinuationToken") or count > MAX_OBJECTS:
                return
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    # -- fetching ----------------------------------------------------------------------------------------------------

    def _fetch(self, objects: list[_Object], held: dict[str, _Held], cancelled: Cancelled) -> Iterator[Step | Gap]:
        kept: dict[str, _Held] = {}
        wanted: list[_Object] = []
        room = MAX_TOTAL
        for one in objects[:MAX_OBJECTS]:
            before = held.get(one.name)
            if one.size > MAX_OBJECT or one.size > room:
                limit = MAX_OBJECT if one.size > MAX_OBJECT else MAX_TOTAL
                yield self._gap(State.NOT_LOADED, f"it would be more than {limit >> 20:,} MiB", one.key, GET, "name a smaller prefix")
                continue
            room -= one.size
            if before is not None and (before.etag, before.size) == (one.etag, one.size) and self._is_there(one):
                kept[one.name] = before
            else:
                wanted.append(one)
        if len(objects) > MAX_OBJECTS:
            hint = "name a smaller prefix; for the events of a trail there is --trail s3://…"
            yield self._gap(State.NOT_LOADED, f"there are more than {MAX_OBJECTS:,} objects; the rest is not fetched", "", LIST, hint)
        lost: set[str] = set()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for count, (one, error) in enumerate(pool.map(lambda one: self._one(one, cancelled), wanted), 1):
                if cancelled():
                    pool.shutdown(wait=False, cancel_futures=True)
                    break
                if error is None:
                    kept[one.name] = _Held(one.key, one.etag, one.size)
                    self._write_index(kept | {name: entry for name, entry in held.items() if name not in kept})
                else:
                    lost.add(one.name)
                    yield self._refused(error, one.key, GET)
                yield Step(f"fetching {self.url}", count, len(wanted))
        if cancelled():
            return
        kept |= {name: entry for name, entry in held.items() if name in lost}  # an older copy is better than none
        for name in os.listdir(self.path):
            if name not in kept and name != _INDEX:
                with contextlib.suppress(OSError):
                    (self.path / name).unlink()
        self._write_index(kept)

    def _one(self, one: _Object, cancelled: Cancelled) -> tuple[_Object, Exception | None]:
        if cancelled():
            return one, None
        try:
            body = self._connection.client("s3").get_object(Bucket=self.bucket, Key=one.key)["Body"]
            with body, self._private(self.path / one.name) as file:
                size = 0
                while chunk := body.read(_CHUNK):
                    size += len(chunk)
                    if size > one.size or cancelled():
                        raise OSError("it was written again while it was read" if size > one.size else "stopped")
                    file.write(chunk)
                if size != one.size:
                    raise OSError("it was cut short")
        except Exception as error:
            return one, error
        return one, None

    @contextlib.contextmanager
    def _private(self, path: Path) -> Iterator[Any]:
        """A file only its owner can read, under its name when it is whole."""
        temporary = path.parent / f".{secrets.token_hex(8)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise

    # -- what is there -----------------------------------------------------------------------------------------------

    def _held(self) -> dict[str, _Held]:
        try:
            return msgspec.json.decode((self.path / _INDEX).read_bytes(), type=dict[str, _Held])
        except (OSError, msgspec.MsgspecError, ValueError):
            return {}

    def _is_there(self, one: _Object) -> bool:
        try:
            return (self.path / one.name).stat(follow_symlinks=False).st_size == one.size
        except OSError:
            return False

    def _write_index(self, kept: dict[str, _Held]) -> None:
        with self._private(self.path / _INDEX) as file:
            file.write(msgspec.json.encode(kept))

    def _refused(self, error: Exception, key: str, action: str) -> Gap:
        """Raises what ends all reading."""
        final = told(error, action, self._connection.options.profile)
        if final is not None:
            return self._gap(State.FAILED, final.message, key, action, final.hint)
        code = code_of(error)
        if code in DENIED:
            return self._gap(State.DENIED, message_of(error), key, action, f"ask for {action} on {self.url}")
        reason = f"{code}: {message_of(error)}" if code else str(error)
        return self._gap(State.FAILED, reason, key, action, "r tries again")

    def _gap(self, state: State, reason: str, key: str, action: str, hint: str = "") -> Gap:
        name = f"s3://{self.bucket}/{key}" if key else self.url
        return Gap(Kind.OTHER, state, f"{name}: {reason}", action, "", hint=hint, origin=Origin("evidence", name), at=datetime.now(UTC))


__all__ = ["MAX_OBJECT", "MAX_OBJECTS", "MAX_TOTAL", "Mirror"]
