"""Action patterns: `*` is any text, `?` any one character, letters match in either case."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache


def matches(pattern: str, action: str) -> bool:
    """Whether the pattern covers the action (`s3:Get*`, `s3:GetObject`)."""
    return matcher(pattern)(action.lower())


@lru_cache(maxsize=4096)
def matcher(pattern: str) -> Callable[[str], bool]:
    """A test for *lower-case* texts.

    Patterns come from strangers: groups are atomic, so that `*a*a*a*b` costs no more than its length times the text's.
    """
    lowered = re.sub(r"\*+", "*", pattern.lower())
    if lowered == "*":
        return _always
    head, star, tail = lowered.partition("*")
    if "?" not in lowered:
        if not star:
            return lowered.__eq__
        if not tail:
            return lambda text: text.startswith(head)
    found = re.compile(_expression(lowered), re.DOTALL).fullmatch
    return lambda text: found(text) is not None


def _always(_text: str) -> bool:
    return True


def _expression(pattern: str) -> str:
    parts = ["".join("." if char == "?" else re.escape(char) for char in part) for part in pattern.split("*")]
    if len(parts) == 1:
        return parts[0]
    first, *middle, last = parts
    return first + "".join(f"(?>.*?{part})" for part in middle) + ".*" + last


def is_pattern(text: str) -> bool:
    return "*" in text or "?" in text
