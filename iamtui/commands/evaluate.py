"""`iamtui evaluate`: one JSON request a line in, one JSON answer a line out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import BinaryIO

from ..errors import Exit
from ..text import inert_json


def evaluate_lines(source: BinaryIO) -> int:
    """Answer every line as it comes; 4 when there was one that could not be read."""
    from ..session.evaluating import answers

    bad = False
    interactive = sys.stdout.isatty()
    for answer, asked in answers(_lines(source)):
        bad = bad or not asked
        text = answer.decode()
        sys.stdout.write((inert_json(text) if interactive else text) + "\n")
        if interactive:
            sys.stdout.flush()
    return int(Exit.PARTIAL if bad else Exit.FINE)


def _lines(source: BinaryIO) -> Iterator[bytes]:
    """Lines, never more of one in memory than the longest request that is read."""
    from ..policy.requests import MAX_LINE

    while line := source.readline(MAX_LINE + 1):
        yield line
        while len(line) > MAX_LINE and not line.endswith(b"\n"):
            line = source.readline(MAX_LINE + 1)
