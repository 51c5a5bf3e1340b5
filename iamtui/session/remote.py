"""SQL at AWS, what both engines have in common: one question at a time, progress in words, stopped from anywhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..model.document import Gap
from ..model.remote import Run
from ..source.base import Cancelled, Step
from .costs import size_words
from .engines import EngineChoice, Unbounded
from .trail import SqlPage

if TYPE_CHECKING:
    from .facade import Session

EVERY = 0.5
"""Seconds between two lines of progress."""


class Remote:
    """An engine at AWS. `session`: of a live account."""

    def __init__(self, session: Session, choice: EngineChoice) -> None:
        self._session, self._choice = session, choice
        self._stopped = threading.Event()
        self._source: Any = session._source

    def interrupt(self) -> None:
        """Stop the query that is being worked on; AWS is told by the thread that follows it."""
        self._stopped.set()

    def _begin(self, cancelled: Cancelled) -> Cancelled:
        self._stopped = stopped = threading.Event()
        return lambda: stopped.is_set() or cancelled()

    def _follow(self, runs: Iterator[Run | Step]) -> Iterator[SqlPage | Run]:
        """Progress as pages of words, at most two a second; the last state at the end."""
        began, told, before = time.monotonic(), 0.0, ""
        last: Run | None = None
        for item in runs:
            if isinstance(item, Step):
                yield SqlPage(words=item.what)
                continue
            last = item
            now = time.monotonic()
            if item.state.value != before or now - told >= EVERY:
                before, told = item.state.value, now
                scanned = f", {size_words(item.scanned)} scanned" if item.scanned else ""
                yield SqlPage(words=f"{item.state.value}{scanned}, {now - began:.0f} s")
        if last is not None:
            yield last


def told_gaps(gaps: list[Gap]) -> str:
    return "; ".join(dict.fromkeys(f"{gap.action}{f' in {gap.region}' if gap.region else ''}: {gap.reason}" for gap in gaps))


def unbounded_error(what: str, add: str, price: str) -> Unbounded:
    return Unbounded(f"Nothing bounds the time of events: all of {what or 'the table'} would be scanned, at {price}", add)
