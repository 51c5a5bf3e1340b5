"""How far a long reading of events is, on standard error, and ctrl+c that ends the reading and not the answer."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from types import FrameType

from ..analysis.coverage import progress_words
from ..model.event import Activity, Window
from ..text import visible
from .output import words

_ON_TERMINAL = 1.0
_IN_LOG = 10.0
"""Seconds between two lines: on a terminal one line is written over, in a file there would be many."""


def read_events(load: Callable[[Callable[[], bool]], Iterable[Activity]]) -> bool:
    """Read to the end, telling how far it is at most once a second. False when ctrl+c stopped it: what was read so far is
    kept and can be answered with; a second ctrl+c ends everything."""
    stopped = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        if stopped:
            raise KeyboardInterrupt
        stopped = True

    line = _Line()
    before = signal.signal(signal.SIGINT, stop)
    try:
        for activity in load(lambda: stopped):
            line.tell(activity.windows)
    finally:
        signal.signal(signal.SIGINT, before)
        line.end()
    if stopped:
        words("Stopped. What was read so far is answered with and kept; the same command reads on from there")
    return not stopped


class _Line:
    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._told = time.monotonic()
        self._shown = False

    def tell(self, windows: Sequence[Window]) -> None:
        now = time.monotonic()
        if now - self._told < (_ON_TERMINAL if self._terminal else _IN_LOG):
            return
        text = visible(progress_words(windows))
        if not text:
            return
        self._told = now
        if self._terminal:
            sys.stderr.write("\r\033[K" + text[: max(shutil.get_terminal_size().columns - 1, 20)])
            sys.stderr.flush()
            self._shown = True
        else:
            words(text)

    def end(self) -> None:
        if self._shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
