"""Requests from outside, answered line by line: no account, no source, only the policies that stand in the request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def answers(lines: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """(answer, whether it could be asked) for every line that is not blank, as they come."""
    from ..policy.requests import answer_line

    for line in lines:
        if line.strip():
            yield answer_line(line)
