"""ARN and text patterns: `*` is any text, `?` any one character, `${key}` the value a request brings.

A wildcard stays inside its ARN segment; the last segment is everything after the fifth colon. Values that replace a
variable are text: a `*` in a tag is a star, not a wildcard.
Source: IAM User Guide, "JSON policy elements: Resource" and "Policy variables and tags".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

import msgspec

Test = Callable[[str], bool]
Values = Mapping[str, tuple[str, ...]]
"""Context: key in lower case -> values as text."""

STAR, ANY = "*", "?"
_SPECIAL = {"${*}": "*", "${?}": "?", "${$}": "$"}
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_DEFAULT = re.compile(r"\s*([^,]*?)\s*(?:,\s*'((?:[^'])*)'\s*)?\Z", re.DOTALL)
_SEGMENTS = 6


class Wild(msgspec.Struct, frozen=True):
    """`*` or `?` of a pattern; text of the same look is a str."""

    sign: str


class Variable(msgspec.Struct, frozen=True):
    """`${aws:username, 'nobody'}`. `key` in lower case; `default` None when there is none."""

    key: str
    default: str | None = None


Token = str | Wild | Variable
_WILD = {STAR: Wild(STAR), ANY: Wild(ANY)}


@lru_cache(maxsize=16384)
def tokens(pattern: str, variables: bool, wildcards: bool = True) -> tuple[Token, ...]:
    """A pattern's parts. Without `variables` (policies of version 2008) `${…}` is text like any other."""
    found: list[Token] = []
    place = 0
    if variables and "${" in pattern:
        for match in _VARIABLE.finditer(pattern):
            _plain(pattern[place : match.start()], wildcards, found)
            place = match.end()
            special = _SPECIAL.get(match.group())
            if special is not None:
                found.append(special)
            else:
                inner = _DEFAULT.match(match.group(1))
                key, default = (inner.group(1), inner.group(2)) if inner else (match.group(1), None)
                found.append(Variable(key.lower(), default))
    _plain(pattern[place:], wildcards, found)
    return _joined(found)


def _plain(text: str, wildcards: bool, found: list[Token]) -> None:
    if not wildcards:
        if text:
            found.append(text)
        return
    for part in re.split(r"([*?])", text):
        if part in _WILD:
            found.append(_WILD[part])
        elif part:
            found.append(part)


def _joined(parts: list[Token]) -> tuple[Token, ...]:
    """Neighbouring texts as one; neighbouring stars as one."""
    joined: list[Token] = []
    for part in parts:
        last = joined[-1] if joined else None
        if isinstance(part, str) and isinstance(last, str):
            joined[-1] = last + part
        elif not (part == _WILD[STAR] and last == part):
            joined.append(part)
    return tuple(joined)


def resolved(parts: tuple[Token, ...], values: Values) -> tuple[Token, ...] | None:
    """The parts with every variable replaced; None when one has no value (or several: only single-valued keys count)."""
    found: list[Token] = []
    for part in parts:
        if isinstance(part, Variable):
            held = values.get(part.key, ())
            if len(held) == 1:
                found.append(held[0])
            elif part.default is not None and not held:
                found.append(part.default)
            else:
                return None
        else:
            found.append(part)
    return _joined(found)


def variables_of(parts: tuple[Token, ...]) -> tuple[Variable, ...]:
    return tuple(part for part in parts if isinstance(part, Variable))


@lru_cache(maxsize=16384)
def text_test(parts: tuple[Token, ...]) -> Test:
    """Whether a text has the pattern's form; case counts, wildcards cross everything."""
    if all(isinstance(part, str) for part in parts):
        return "".join(part for part in parts if isinstance(part, str)).__eq__
    if parts == (_WILD[STAR],):
        return _always
    if len(parts) == 2 and parts[1] == _WILD[STAR] and isinstance(parts[0], str):
        head = parts[0]
        return lambda text: text.startswith(head)
    found = re.compile(_expression(parts, "(?s:.)"), re.DOTALL).fullmatch
    return lambda text: found(text) is not None


@lru_cache(maxsize=16384)
def arn_test(parts: tuple[Token, ...]) -> Test:
    """Whether an ARN (or `*`, or an asked pattern, which must lie within this one) is covered segment by segment."""
    if parts == (_WILD[STAR],):
        return _always
    segments = segments_of(parts)
    if len(segments) < _SEGMENTS:
        return _short_test(parts, segments)
    if all(len(segment) <= 1 and not (segment and isinstance(segment[0], Wild)) for segment in segments[:5]):
        head = ":".join(str(segment[0]) if segment else "" for segment in segments[:5]) + ":"
        rest = segments[5]
        if not rest or (len(rest) == 1 and isinstance(rest[0], str)):
            return (head + (str(rest[0]) if rest else "")).__eq__
        if rest[-1] == _WILD[STAR] and all(isinstance(part, str) for part in rest[:-1]):
            head += "".join(str(part) for part in rest[:-1])
            return lambda text: text.startswith(head)
    body = "".join(f"(?>{_expression(segment, '[^:]', one='[^:*]')}:)" for segment in segments[:5])
    # `?` stands for one character; a star of an asked pattern stands for many.
    found = re.compile(body + _expression(segments[5], "(?s:.)", one="[^*]"), re.DOTALL).fullmatch
    return lambda text: found(text) is not None


def segments_of(parts: tuple[Token, ...]) -> list[tuple[Token, ...]]:
    """The parts, cut at the first five colons."""
    segments: list[list[Token]] = [[]]
    for part in parts:
        if not isinstance(part, str):
            segments[-1].append(part)
            continue
        pieces = part.split(":", _SEGMENTS - len(segments))
        for number, piece in enumerate(pieces):
            if number:
                segments.append([])
            if piece:
                segments[-1].append(piece)
    return [tuple(segment) for segment in segments]


def _short_test(parts: tuple[Token, ...], segments: list[tuple[Token, ...]]) -> Test:
    """`arn:aws:s3*`: fewer than six segments. A star at the end takes the segments that were left out; no other wildcard does."""
    if parts and parts[-1] == _WILD[STAR]:
        body = "".join(f"(?>{_expression(segment, '[^:]')}:)" for segment in segments[:-1])
        found = re.compile(body + _expression(segments[-1], "(?s:.)"), re.DOTALL).fullmatch
        return lambda text: found(text) is not None
    return text_test(parts) if all(isinstance(part, str) for part in parts) else _never


def _expression(parts: tuple[Token, ...], one_of: str, one: str = "") -> str:
    """A regular expression that cannot be made to run long: all but the last star are settled where they first fit."""
    chunks = [""]
    for part in parts:
        if part == _WILD[STAR]:
            chunks.append("")
        elif isinstance(part, Wild):
            chunks[-1] += one or one_of
        elif isinstance(part, str):
            chunks[-1] += re.escape(part)
    if len(chunks) == 1:
        return chunks[0]
    first, *middle, last = chunks
    return first + "".join(f"(?>{one_of}*?{chunk})" for chunk in middle) + f"{one_of}*" + last


def _always(_text: str) -> bool:
    return True


def _never(_text: str) -> bool:
    return False


def overlaps(one: str, other: str) -> bool:
    """Whether two patterns have an ARN in common: what a statement and an asked pattern share. Wildcards of both count."""
    return _overlap(tokens(one, False), tokens(other, False))


@lru_cache(maxsize=8192)
def _overlap(one: tuple[Token, ...], other: tuple[Token, ...]) -> bool:
    left, right = _signs(one), _signs(other)
    if len(left) * len(right) > 1_000_000:
        return True
    reached = {0}
    for position in range(len(left) + 1):
        following: set[int] = set()
        frontier = sorted(reached)
        seen = set(frontier)
        while frontier:
            at = frontier.pop()
            if at < len(right) and right[at] is STAR_SIGN and at + 1 not in seen:
                seen.add(at + 1)
                frontier.append(at + 1)
            if position < len(left) and left[position] is STAR_SIGN and at < len(right) and at + 1 not in seen:
                seen.add(at + 1)
                frontier.append(at + 1)
        if position == len(left):
            return len(right) in seen
        sign = left[position]
        for at in seen:
            if sign is STAR_SIGN or (at < len(right) and right[at] is STAR_SIGN):
                following.add(at)
            if sign is not STAR_SIGN and at < len(right) and right[at] is not STAR_SIGN and _same(sign, right[at]):
                following.add(at + 1)
        reached = following
        if not reached:
            return False
    return False


STAR_SIGN, ANY_SIGN = object(), object()


def _signs(parts: tuple[Token, ...]) -> list[object]:
    signs: list[object] = []
    for part in parts:
        if isinstance(part, str):
            signs.extend(part)
        else:
            signs.append(STAR_SIGN if part == _WILD[STAR] else ANY_SIGN)
    return signs


def _same(one: object, other: object) -> bool:
    return one is ANY_SIGN or other is ANY_SIGN or one == other
