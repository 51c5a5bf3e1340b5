"""Decisions and items of a review as lines and cells of a screen. Everything passes the door."""

from __future__ import annotations

from datetime import datetime

from ...analysis.reviewing import ItemState, change_words
from ...analysis.words import exact, relative
from ...model.review import Standing
from ...text import visible
from .cells import Cell
from .documents import Line


def standing_lines(held: Standing, now: datetime) -> list[Line]:
    """What is in force about something: who decided what, when, why; then what changed since, and what is wrong with it."""
    lines: list[Line] = []
    for _, at, mark in held.marks:
        tail = f" by {mark.reviewer}, {exact(at)} ({relative(at, now)})"
        lines.append([(f"  {mark.decision.value}", "strong"), (visible(tail), "")])
        if mark.reason:
            lines.append([("    reason  ", "label"), (visible(mark.reason), "")])
        if mark.ticket:
            lines.append([("    ticket  ", "label"), (visible(mark.ticket), "")])
        if mark.expires is not None:
            over = mark.expires <= now
            words = f"{exact(mark.expires)} ({relative(mark.expires, now)}{', it has expired' if over else ''})"
            lines.append([("    until   ", "label"), (words, "severity-medium" if over else "")])
    if held.conflict:
        lines.append([("  conflict: they did not see each other's decision; m decides between them", "severity-high")])
    if held.changes:
        lines.append([("  reopened: its evidence is not what it was", "severity-medium")])
        lines.extend([("    ", ""), (visible(change_words(change)), "")] for change in held.changes)
    lines.extend([("    cannot be read now  ", "label"), (visible(words), "state-absent")] for words in held.unread)
    return lines


def decided_cell(state: ItemState, now: datetime) -> Cell:
    """What was decided about an item in this campaign."""
    held = state.decided
    if held is None:
        return Cell("")
    if held.conflict:
        return Cell("conflict", "severity-high")
    return Cell(held.mark.decision.value, "strong")


def before_cell(state: ItemState, now: datetime) -> Cell:
    """The decision from before: `=` when it stands on the same evidence, else that it is to be looked at again."""
    held = state.before
    if held is None:
        return Cell("")
    word = held.mark.decision.value
    if held.conflict:
        return Cell("conflict", "severity-high")
    if held.expired(now):
        return Cell(f"{word}, expired", "severity-medium", False, (f"{word}!",))
    return Cell(f"= {word}") if state.alike else Cell(f"{word}, changed", "severity-medium", False, (f"{word}!",))
