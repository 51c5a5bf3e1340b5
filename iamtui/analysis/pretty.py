"""Policy text for reading: indented JSON and where each statement stands in it."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from ..policy.document import MAX_TEXT


class PrettyDocument(msgspec.Struct, frozen=True):
    """`text` indented by two blanks, or as it came when it is no JSON (`formatted` False).

    statements: (first line, line after the last) of each statement, from 0, by `Statement.index`
    """

    text: str
    statements: tuple[tuple[int, int], ...] = ()
    formatted: bool = True

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")


@lru_cache(maxsize=64)
def pretty(text: str) -> PrettyDocument:
    """Never raises. Keys stay in their order, repeated keys stay repeated: nothing of the text is lost."""
    if len(text) > MAX_TEXT:
        return PrettyDocument(text, formatted=False)
    try:
        msgspec.json.decode(text)
        shown = msgspec.json.format(text, indent=2)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return PrettyDocument(text, formatted=False)
    return PrettyDocument(shown, _statements(shown))


_STATEMENT = re.compile(r'  "statement": (\[|\{|.*)', re.IGNORECASE)


def _statements(text: str) -> tuple[tuple[int, int], ...]:
    """By indentation, which the formatter sets and no string can imitate: a JSON string holds no line break."""
    lines = text.split("\n")
    starts = [n for n, line in enumerate(lines) if _STATEMENT.fullmatch(line)]
    if len(starts) != 1 or lines[starts[0]].rstrip(",").endswith("[]"):
        return ()
    start = starts[0]
    if not lines[start].endswith("["):
        end = next((n for n in range(start, len(lines)) if n > start and not lines[n].startswith("   ")), start)
        closing = end + 1 if lines[start].endswith("{") else start + 1
        return ((start, closing),)
    found: list[tuple[int, int]] = []
    first: int | None = None
    for number in range(start + 1, len(lines)):
        line = lines[number]
        if not line.startswith("    "):
            break
        if line.startswith("     "):
            continue
        if line.rstrip(",") in ("    {", "    ["):
            first = number
        elif first is not None and line.rstrip(",") in ("    }", "    ]"):
            found.append((first, number + 1))
            first = None
        else:
            found.append((number, number + 1))
    return tuple(found)
