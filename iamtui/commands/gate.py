"""When a report becomes a check: `--fail-on`, the same for every command that finds things."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import Exit
from ..model.finding import Severity
from .output import words

GRADES = tuple(severity.value for severity in Severity)
"""Severities, the gravest first; `--fail-on high` is high and critical."""


def gated(code: int, fail_on: str, found: Iterable[str]) -> int:
    """The exit code of an answer that holds things of these severities ("" where a thing has none).

    A failed check goes before a partial answer, and behind bad input and a source nobody could read: those found nothing.
    """
    if fail_on == "none" or code not in (Exit.FINE, Exit.PARTIAL):
        return code
    least = len(GRADES) if fail_on == "any" else GRADES.index(fail_on)
    count = sum(1 for grade in found if fail_on == "any" or (grade in GRADES and GRADES.index(grade) <= least))
    if not count:
        return code
    words(f"{count:,} found, and --fail-on {fail_on} makes that a failed check")
    return int(Exit.CHECK_FAILED)
