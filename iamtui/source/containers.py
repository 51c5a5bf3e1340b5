"""What a file or an object that may hold CloudTrail events is: its text within bounds, told by content."""

from __future__ import annotations

import re
import zlib

from ..errors import BadInputError

MAX_BYTES = 512 << 20
"""Uncompressed bytes of one file. The largest account's inventory is about a tenth of it."""

_CHUNK = 1 << 20
PLAIN_TRAIL = re.compile(rb'\s*\{\s*"Records"\s*:\s*\[\s*\{\s*"eventVersion"')
"""How a file that CloudTrail has delivered begins."""


def text_of(data: bytes) -> bytes:
    """Bytes as they lie on disk or in a bucket, uncompressed where they are gzip, UTF-8 where they were UTF-16. Raises BadInputError."""
    return as_utf8(gunzip(data) if data[:2] == b"\x1f\x8b" else data)


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


def as_utf8(data: bytes) -> bytes:
    """Windows shells save the output of commands as UTF-16."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace").encode("utf-8", "replace")
    return data
