"""Reading bundles: a zip file of raw answers with a manifest that names and hashes each."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from ...errors import BadInputError
from ...model.document import Document, Gap, Kind, Origin
from ...model.fact import State
from ..decode.wire import BROKEN, moment, reason_of, text

FORMAT = "iamtui-bundle"
VERSION = 1
MANIFEST = "manifest.json"
MAX_MEMBER = 512 << 20
MAX_TOTAL = 1 << 30
MAX_MANIFEST = 64 << 20
_MEMBER = re.compile(r"documents/[0-9A-Za-z_.-]+\Z")
_KINDS = {kind.value: kind for kind in Kind}
_STATES = {state.value: state for state in State}


class _Entry(msgspec.Struct):
    path: str
    kind: str
    sha256: str
    account: str = ""
    key: str = ""
    region: str = ""
    part: int = 0
    complete: bool = True
    as_of: Any = None
    origin: Any = ""
    bytes: int | None = None


class _Manifest(msgspec.Struct):
    format: str = ""
    version: Any = None
    tool_version: str = ""
    created: Any = None
    source: str = ""
    documents: list[msgspec.Raw] = []
    gaps: list[Any] = []


def is_bundle(path: str) -> bool:
    """Whether a zip file has a manifest in it. Raises BadInputError on a damaged zip file."""
    with _archive(path) as archive:
        return MANIFEST in archive.namelist()


def made(path: str) -> datetime | None:
    """When a bundle was made, as its manifest says; None for whatever is no sound bundle. Nothing else of it is read."""
    try:
        with _archive(path) as archive:
            return moment(_manifest(archive).created)
    except BadInputError:
        return None


def refused(path: str) -> tuple[str, ...]:
    """States of what was missing when a bundle was made. Raises BadInputError for whatever is no sound bundle."""
    with _archive(path) as archive:
        return tuple(text(gap.get("state")) for gap in _manifest(archive).gaps if isinstance(gap, dict))


def _archive(path: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BadInputError(f"damaged zip file: {error}", "copy or collect it again") from None


def read_bundle(path: str) -> Iterator[Document | Gap]:
    """Its documents and gaps. A damaged document is a gap and the rest is read.

    Raises BadInputError when the file as a whole is no bundle of a version this program knows.
    """
    with _archive(path) as archive:
        path = path.encode("utf-8", "replace").decode()
        manifest = _manifest(archive)
        created = moment(manifest.created)
        total = 0
        for number, raw in enumerate(manifest.documents):
            try:
                entry = msgspec.json.decode(raw, type=_Entry)
            except BROKEN as error:
                yield _gap(path, Kind.OTHER, f"entry {number} of the manifest cannot be read: {reason_of(error)}")
                continue
            kind = _KINDS.get(entry.kind)
            if kind is None:
                yield _gap(path, Kind.OTHER, f"{entry.path} is of a kind this version does not know: {entry.kind}", state=State.NOT_LOADED)
                continue
            stamp = moment(entry.as_of) or created
            if stamp is None:
                yield _gap(path, kind, f"{entry.path} has no date in the manifest", entry.account, entry.key)
                continue
            try:
                body = _member(archive, entry, MAX_TOTAL - total)
            except BadInputError as error:
                yield _gap(path, kind, f"{entry.path}: {error.message}", entry.account, entry.key)
                continue
            total += len(body)
            origin = Origin("evidence", f"{path} ({_origin(entry.origin) or entry.path})")
            yield Document(kind, body, stamp, origin, entry.account, entry.key, entry.region, entry.part, entry.complete)
        for told in manifest.gaps:
            if isinstance(told, dict):
                yield _told_gap(told, path)


def _manifest(archive: zipfile.ZipFile) -> _Manifest:
    try:
        body = _read(archive, MANIFEST, MAX_MANIFEST)
        head = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        if msgspec.json.decode(head.get("format", msgspec.Raw(b'""'))) != FORMAT:
            raise BadInputError("its manifest is not one of an iamtui bundle")
        version = msgspec.json.decode(head.get("version", msgspec.Raw(b"null")))
        if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version <= VERSION:
            raise BadInputError(
                f"it is a bundle of version {version!r}; this iamtui reads up to version {VERSION}", "update iamtui: pip install -U iamtui"
            )
        return msgspec.json.decode(body, type=_Manifest)
    except BROKEN as error:
        raise BadInputError(f"its manifest cannot be read: {reason_of(error)}", "copy or collect it again") from None


def _member(archive: zipfile.ZipFile, entry: _Entry, room: int) -> bytes:
    if not _MEMBER.match(entry.path) or ".." in entry.path:
        raise BadInputError("its path leads out of the bundle; not read")
    body = _read(archive, entry.path, min(MAX_MEMBER, room))
    if hashlib.sha256(body).hexdigest() != entry.sha256.lower():
        raise BadInputError("damaged: its hash is not the one in the manifest")
    return body


def _read(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """One member, at most `limit` bytes whatever its header claims."""
    try:
        with archive.open(name) as member:
            body = member.read(limit + 1)
    except KeyError:
        raise BadInputError("it is missing in the bundle") from None
    except Exception as error:  # zipfile raises many kinds on damaged data: zlib.error, BadZipFile, EOFError, RuntimeError …
        raise BadInputError(f"damaged: {error or type(error).__name__}") from None
    if len(body) > limit:
        raise BadInputError(f"larger than {limit >> 20} MiB")
    return body


def _origin(told: object) -> str:
    return text(told.get("name")) if isinstance(told, dict) else text(told)


def _told_gap(told: dict[str, Any], path: str) -> Gap:
    """A gap as it was when the bundle was made."""
    return Gap(
        kind=_KINDS.get(text(told.get("kind")), Kind.OTHER),
        state=_STATES.get(text(told.get("state")), State.NOT_LOADED),
        reason=text(told.get("reason")),
        action=text(told.get("action")),
        account=text(told.get("account")),
        key=text(told.get("key")),
        region=text(told.get("region")),
        hint=text(told.get("hint")),
        origin=Origin("evidence", f"{path} ({_origin(told.get('origin')) or 'as collected'})"),
        at=moment(told.get("at")),
    )


def _gap(path: str, kind: Kind, reason: str, account: str = "", key: str = "", state: State = State.FAILED) -> Gap:
    origin = Origin("evidence", path)
    return Gap(kind, state, f"{path}: {reason}", account=account, key=key, hint="collect or copy the bundle again", origin=origin)
