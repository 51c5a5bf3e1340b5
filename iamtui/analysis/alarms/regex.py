"""The regular expressions of CloudWatch Logs filter patterns (`%…%`), searched in linear time.

The grammar is the one of the CloudWatch Logs user guide ("Supported regular expressions"): letters, digits and `: _ # = @ / ; , -`
stand for themselves; `^ $ ? [] {m,n} | \\ * + .` act; `\\d \\D \\s \\S \\w \\W` and `\\xHH`; no parentheses, no other
characters. Patterns and events are written by strangers, so nothing is handed to a backtracking engine.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from .told import Told, unknown

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_#=@/;,- ")
_OPERATORS = frozenset("^$?[]{}|\\*+.")
_DIGITS = frozenset("0123456789")
_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_SPACE = frozenset(" \t\n\r\f\v")
_CLASSES = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
MOST_STATES = 2_000
"""Atoms after repetitions are written out; a pattern with more cannot be told."""
MOST_TEXT = 300_000
"""Characters that are searched: a CloudTrail record has at most 256 KB."""

Test = Callable[[str], bool]


class RegexError(ValueError):
    """Not of the documented grammar; the text says where."""


class _Atom(msgspec.Struct, frozen=True):
    """One character's test, and whether it may be left out or repeated."""

    test: Test
    optional: bool
    repeats: bool


class _Branch(msgspec.Struct, frozen=True):
    """One alternative. `starts`, `ends`: anchored."""

    atoms: tuple[_Atom, ...]
    starts: bool
    ends: bool


class Regex(msgspec.Struct, frozen=True):
    """A parsed expression: alternatives of atoms in a row."""

    text: str
    branches: tuple[_Branch, ...]

    def search(self, text: str) -> Told:
        """Whether any part of a text matches."""
        if len(text) > MOST_TEXT:
            return unknown(f"the text has more than {MOST_TEXT:,} characters")
        return Told(any(_found(branch, text) for branch in self.branches), f"%{self.text}%")


def parse_regex(text: str) -> Regex:
    """Raises RegexError."""
    if not text:
        raise RegexError("an empty regular expression")
    branches = []
    place = 0
    while True:
        branch, place = _branch(text, place)
        branches.append(branch)
        if place >= len(text):
            return Regex(text, tuple(branches))
        place += 1  # over the bar


def _branch(text: str, place: int) -> tuple[_Branch, int]:
    atoms: list[_Atom] = []
    starts = ends = False
    if text[place : place + 1] == "^":
        starts, place = True, place + 1
    while place < len(text) and text[place] != "|":
        sign = text[place]
        if sign == "$":
            if text[place + 1 : place + 2] not in ("", "|"):
                raise RegexError("$ stands inside the expression")
            ends, place = True, place + 1
            continue
        if ends:
            raise RegexError("something follows $")
        test, place = _test(text, place)
        least, most, place = _times(text, place)
        if len(atoms) + least + (most or least) > MOST_STATES:
            raise RegexError(f"more than {MOST_STATES:,} repetitions")
        atoms.extend([_Atom(test, False, False)] * (least if most is not None or least == 0 else least - 1))
        if most is None:
            atoms.append(_Atom(test, least == 0, True))
        else:
            atoms.extend([_Atom(test, True, False)] * (most - least))
    return _Branch(tuple(atoms), starts, ends), place


def _test(text: str, place: int) -> tuple[Test, int]:
    sign = text[place]
    if sign == "\\":
        chosen, negative, place = _escape(text, place)
        return (lambda c: (c in chosen) is not negative), place
    if sign == "[":
        return _class(text, place + 1)
    if sign == ".":
        return (lambda c: c != "\n"), place + 1
    if sign in _PLAIN:
        return (lambda c: c == sign), place + 1
    if sign in _OPERATORS:
        raise RegexError(f"{sign} has nothing before it")
    raise RegexError(f"{sign} is not supported in regular expressions of filter patterns")


def _escape(text: str, place: int) -> tuple[frozenset[str], bool, int]:
    """(characters, whether all others are meant, place after it)."""
    sign = text[place + 1 : place + 2]
    if sign.lower() in _CLASSES and sign:
        return _CLASSES[sign.lower()], sign.isupper(), place + 2
    if sign == "x":
        code = text[place + 2 : place + 4]
        try:
            return frozenset(chr(int(code, 16))), False, place + 4
        except ValueError:
            raise RegexError(f"\\x{code} is no character") from None
    if sign and not sign.isalnum():
        return frozenset(sign), False, place + 2
    raise RegexError(f"\\{sign} is not supported in regular expressions of filter patterns")


def _class(text: str, place: int) -> tuple[Test, int]:
    negative = text[place : place + 1] == "^"
    place += negative
    chosen: set[str] = set()
    others: list[frozenset[str]] = []
    begin = place
    while True:
        sign = text[place : place + 1]
        if not sign:
            raise RegexError("[ is not closed")
        if sign == "]" and place > begin:
            break
        if sign == "\\":
            found, inverse, place = _escape(text, place)
            if inverse:
                others.append(found)
            else:
                chosen |= found
            continue
        if sign in "[&" or not sign.isascii():
            raise RegexError(f"{sign} inside [ ] is not supported in regular expressions of filter patterns")
        last = text[place + 2 : place + 3]
        if text[place + 1 : place + 2] == "-" and last not in ("]", "", "\\"):
            if not (sign.isalnum() and last.isalnum() and last.isascii() and sign <= last):
                raise RegexError(f"{sign}-{last} is no range")
            chosen |= {chr(code) for code in range(ord(sign), ord(last) + 1)}
            place += 3
        else:
            chosen.add(sign)
            place += 1
    kept = frozenset(chosen)
    return (lambda c: (c in kept or any(c not in group for group in others)) is not negative), place + 1


def _times(text: str, place: int) -> tuple[int, int | None, int]:
    """(least, most or None for no end, place after it)."""
    sign = text[place : place + 1]
    if sign in ("*", "+", "?") and sign:
        place += 1
        found: tuple[int, int | None] = {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
    elif sign == "{":
        inner, closed, _ = text[place + 1 :].partition("}")
        least, comma, most = inner.partition(",")
        if not closed or not least.isdecimal() or (most and not most.isdecimal()):
            raise RegexError("{ } wants a number, or two with a comma")
        place += len(inner) + 2
        found = int(least), (int(most) if most else None) if comma else int(least)
        if found[1] is not None and found[1] < found[0]:
            raise RegexError("{ } ends before it begins")
    else:
        return 1, 1, place
    if text[place : place + 1] in ("*", "+", "?", "{") and place < len(text):
        raise RegexError("a repetition of a repetition")
    return *found, place


def _found(branch: _Branch, text: str) -> bool:
    """All places of the expression at once, a character at a time."""
    atoms, last = branch.atoms, len(branch.atoms)
    fresh = _closed({0}, atoms)
    states = fresh
    for character in text:
        if last in states and not branch.ends:
            return True
        following = set()
        for state in states:
            if state < last and atoms[state].test(character):
                following.add(state + 1)
                if atoms[state].repeats:
                    following.add(state)
        states = _closed(following, atoms)
        if not branch.starts:
            states |= fresh
    return last in states


def _closed(states: set[int], atoms: tuple[_Atom, ...]) -> set[int]:
    """The states with those that are reached by leaving optional atoms out; each is looked at once."""
    found = set(states)
    for state in states:
        while state < len(atoms) and atoms[state].optional and state + 1 not in found:
            state += 1
            found.add(state)
    return found
