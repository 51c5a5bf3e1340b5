"""Bytes of a file, uncompressed, within bounds: a small file cannot fill the memory, and a device cannot block."""

from __future__ import annotations

import os
import stat
import zlib
from datetime import UTC, datetime
from typing import BinaryIO

import msgspec

from ...errors import BadInputError
from ..containers import MAX_BYTES, text_of
from .walk import os_reason, special


class Opened(msgspec.Struct, frozen=True):
    """The text of a file (UTF-8 where it was UTF-16), its date, and its signature: equal when the file has not changed."""

    body: bytes
    modified: datetime
    zipped: bool = False


def signature(path: str) -> tuple[int, int, int]:
    """Inode, size and date of a file; differs when the file was written since. Raises OSError."""
    info = os.stat(path)
    return info.st_ino, info.st_size, info.st_mtime_ns


def _open(path: str) -> tuple[BinaryIO, os.stat_result]:
    """A regular file, opened so that nothing that took its place can block."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        raise BadInputError(os_reason(error)) from None
    file = os.fdopen(handle, "rb")
    info = os.fstat(file.fileno())
    if not stat.S_ISREG(info.st_mode):
        file.close()
        raise BadInputError(f"{special(info.st_mode)}, not a file")
    return file, info


def is_zip(path: str) -> bool:
    """Whether a file begins like a zip archive. Raises BadInputError when it cannot be opened."""
    file, _ = _open(path)
    with file:
        return file.read(4) == b"PK\x03\x04"


def read(path: str) -> Opened:
    """Raises BadInputError with the reason: too large, damaged gzip, not a regular file, not readable."""
    file, info = _open(path)
    with file:
        if info.st_size > MAX_BYTES:
            raise BadInputError(f"larger than {MAX_BYTES >> 20} MiB", "split it, or name the folder of its parts")
        try:
            data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise BadInputError(os_reason(error)) from None
    modified = datetime.fromtimestamp(min(max(info.st_mtime, 0), 253402300799), UTC)
    return Opened(text_of(data), modified, data[:2] == b"\x1f\x8b")


def peek(path: str, size: int = 4096) -> bytes:
    """How the text of a file begins; b"" where that cannot be told. Raises BadInputError when it cannot be opened."""
    file, _ = _open(path)
    with file:
        try:
            data = file.read(size)
        except OSError as error:
            raise BadInputError(os_reason(error)) from None
    if data[:2] == b"\x1f\x8b":
        try:
            return zlib.decompressobj(wbits=31).decompress(data, size)
        except zlib.error:
            return b""
    return data
