"""`:sweep`: last-accessed details of everybody, behind, while one moves around; the lists fill in without a row changing its place."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual.worker import Worker, get_current_worker

from ..session.sweeping import KINDS, Sweep
from ..session.sweeptext import end_words, progress_words, short_words
from .messages import Answered

if TYPE_CHECKING:
    from .screens.explorer import Explorer

USE = ":sweep [users|roles|groups|policies]… [again] asks for everybody's last use; :sweep stop"
_EVERY = 1.0
"""Seconds between two pictures."""


class Sweeping:
    """The sweep of one explorer; its worker lives as long as that screen."""

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = explorer
        self.words = self.short = ""  # how it goes, for a sentence and for a header of 80 cells; "" when nothing is under way
        self._worker: Worker[None] | None = None

    @property
    def running(self) -> bool:
        return bool(self.words)

    def ask(self, argument: str) -> None:
        """What was typed after `:sweep`."""
        words = argument.casefold().split()
        if words == ["stop"]:
            self.stop()
            return
        again = "again" in words
        kinds = tuple(word for word in words if word not in ("again", "last-used"))
        if not set(kinds) <= set(KINDS):
            self.explorer._say(USE, bad=True)
        elif self.running:
            self.explorer._say(f"Already under way: {self.words}; :sweep stop ends it")
        elif not self.explorer.app.session.world.snapshots:
            self.explorer._say("No account has been read yet", bad=True)
        else:
            self._start(kinds, again=again)

    def _start(self, kinds: tuple[str, ...], *, again: bool) -> None:
        session, explorer = self.explorer.app.session, self.explorer
        self.words = self.short = "last used: beginning"
        explorer._draw()

        def run() -> None:
            worker = get_current_worker()
            told = 0.0
            for state in session.sweep(kinds, again=again, cancelled=lambda: worker.is_cancelled):
                now = time.monotonic()
                if state.finished or now - told >= _EVERY:
                    told = now
                    explorer.post_message(Answered("sweep", state, finished=state.finished))

        self._worker = explorer.run_worker(run, thread=True, exclusive=True, group="sweep", exit_on_error=False)

    def stop(self) -> None:
        """Ask it to end; what came is kept."""
        if self._worker is None or not self.running:
            self.explorer._say("No sweep is under way")
        else:
            self._worker.cancel()
            self.explorer._say("Stopping; what came is kept, :sweep goes on")

    def take(self, state: Sweep) -> None:
        """A picture of how it stands."""
        self.words, self.short = ("", "") if state.finished else (progress_words(state), short_words(state))
        self.explorer.list.renew()
        self.explorer._draw()
        if state.finished:
            self._worker = None
            self.explorer._preview()
            self.explorer._say(end_words(state), bad=bool(state.broken))
