"""Bytes of a file, uncompressed, within bounds: a small file cannot fill the memory, and a device cannot block."""

from __future__ import annotations

import os
import stat
import zlib
from datetime import UTC, datetime
from typing import BinaryIO

import msgspec

from ...errors import BadInputError
from .walk import os_reason, special

MAX_BYTES = 512 << 20
"""Uncompressed bytes of one file. The largest account's inventory is about a tenth of it."""

_CHUNK = 1 << 20


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
    zipped = data[:2] == b"\x1f\x8b"
    return Opened(_as_utf8(gunzip(data) if zipped else data), modified, zipped)


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


def gunzip(data: bytes) -> bytes:
    """All members of a gzip file. Raises BadInputError on a damaged or endless one."""
    pieces: list[bytes] = []
    size = 0
    while data:
        if data[:2] != b"\x1f\x8b":
            if data.strip(b"\0"):
                raise BadInputError("damaged gzip: something else follows the compressed data")
            break
        engine = zlib.decompressobj(wbits=31)
        try:
            while not engine.eof:
                piece = engine.decompress(data, _CHUNK)
                data = engine.unconsumed_tail
                if not piece and not data and not engine.eof:
                    raise BadInputError("damaged gzip: the file ends in the middle", "download or copy it again")
                size += len(piece)
                if size > MAX_BYTES:
                    raise BadInputError(f"larger than {MAX_BYTES >> 20} MiB when uncompressed")
                pieces.append(piece)
        except zlib.error as error:
            raise BadInputError(f"damaged gzip: {error}", "download or copy it again") from None
        data = engine.unused_data
    return b"".join(pieces)


def _as_utf8(data: bytes) -> bytes:
    """Windows shells save the output of commands as UTF-16."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace").encode("utf-8", "replace")
    return data
