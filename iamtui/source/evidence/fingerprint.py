"""What a reading of evidence rests on, by content: a report that names it can be made again, by whoever holds the same bytes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from ...errors import BadInputError
from .bundle import is_bundle, made
from .opening import is_zip
from .walk import Found, walk


class Fingerprint(msgspec.Struct, frozen=True):
    """One path that was given.

    name:    its last part; where it lies is nobody's business
    sha256:  of a file its own; of a folder that of the lines `SHA-256, two blanks, path in it` of its files, sorted
    files:   how many there are; `dated` when all of them are bundles, which hold the dates of their answers inside
    made:    of a bundle, when
    reason:  why it could not be read again, "" where it could
    """

    name: str
    kind: str
    sha256: str
    files: int
    dated: bool
    made: datetime | None = None
    reason: str = ""


def fingerprint(path: str) -> Fingerprint:
    """A path by its content."""
    name = os.path.basename(os.path.abspath(path)) or path
    listed: list[str] = []
    dated = True
    only = ""
    try:
        for found in walk([path]):
            if not isinstance(found, Found):
                continue
            with open(found.path, "rb") as file:
                only = hashlib.file_digest(file, "sha256").hexdigest()
            listed.append(f"{only}  {'' if found.named else Path(found.path).relative_to(path).as_posix()}\n")
            dated = dated and _bundle(found.path)
    except OSError as error:
        return Fingerprint(name, "path", "", len(listed), False, None, error.strerror or str(error))
    if os.path.isdir(path):
        whole = hashlib.sha256("".join(sorted(listed)).encode("utf-8", "surrogateescape")).hexdigest()
        return Fingerprint(name, "folder", whole, len(listed), dated and bool(listed))
    if not listed:
        return Fingerprint(name, "path", "", 0, False, None, "it is no longer there")
    return Fingerprint(name, "bundle" if dated else "file", only, 1, dated, made(path) if dated else None)


def fingerprints(paths: Sequence[str]) -> tuple[Fingerprint, ...]:
    return tuple(fingerprint(path) for path in paths)


def _bundle(path: str) -> bool:
    try:
        return is_zip(path) and is_bundle(path)
    except BadInputError:
        return False
