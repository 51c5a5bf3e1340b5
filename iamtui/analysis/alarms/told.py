"""Yes, no, or cannot be told: the three answers of everything here, with the reason of the third."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class Free:
    """A value nobody can know beforehand: an address, a name, an id. `example` stands for it in texts."""

    __slots__ = ("example",)

    def __init__(self, example: str) -> None:
        self.example = example


class Told(msgspec.Struct, frozen=True):
    """One answer.

    answer: None when it cannot be told
    why:    the reason, then; else what decided (may be "")
    unless: what must not be the case for a yes, of values nobody knows beforehand
    """

    answer: bool | None
    why: str = ""
    unless: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        return {True: "yes", False: "no", None: "cannot be told"}[self.answer]


YES, NO = Told(True), Told(False)


def unknown(why: str) -> Told:
    return Told(None, why)


def any_of(parts: Iterable[Told]) -> Told:
    """Kleene's or: one yes is enough, whatever cannot be told beside it; a yes without `unless` goes before others."""
    narrow: Told | None = None
    open_end: Told | None = None
    for part in parts:
        if part.answer and not part.unless:
            return part
        if part.answer:
            narrow = narrow or part
        elif part.answer is None:
            open_end = open_end or part
    return narrow or open_end or NO


def all_of(parts: Iterable[Told]) -> Told:
    """Kleene's and: one no is enough."""
    open_end: Told | None = None
    unless: list[str] = []
    why = ""
    for part in parts:
        if part.answer is False:
            return part
        if part.answer is None:
            open_end = open_end or part
        unless.extend(part.unless)
        why = why or part.why
    return open_end or (Told(True, why, tuple(dict.fromkeys(unless))) if unless or why else YES)


def negated(told: Told) -> Told:
    """The opposite. Of a yes with `unless` it is a no only as far as that holds, so it cannot be told."""
    if told.answer is None:
        return told
    if told.unless:
        return unknown(f"depends: {told.unless[0]}")
    return Told(not told.answer, told.why)
