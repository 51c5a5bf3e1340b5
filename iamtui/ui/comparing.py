"""`:diff` and `:history`: points in time that were typed are read in a thread, and compared on a page."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from textual.worker import get_current_worker

from ..errors import IamtuiError
from ..text import visible

if TYPE_CHECKING:
    from pathlib import Path

    from .app import IamtuiApp

DIFF = ":diff OLD [NEW]: bundles, folders or files; without NEW what is open is the newer one"
HISTORY = ":history NAME BUNDLE…: bundles, or a folder of them; on an identity the name can be left out with ."


def _words(argument: str) -> list[str]:
    """Words, quoted where a path has blanks in it."""
    try:
        return shlex.split(argument)
    except ValueError:
        return argument.split()


def _path(word: str) -> str:
    from os.path import expanduser

    return expanduser(word) if word.startswith("~") else word


def _trails(app: IamtuiApp) -> Path:
    return app.settings.cache_path / "trails"


def show_diff(app: IamtuiApp, argument: str) -> None:
    """What is another between two points; the page opens when they have been compared."""
    words = [_path(word) for word in _words(argument)]
    if len(words) not in (1, 2):
        app._tell(DIFF, bad=True)
        return
    app._tell(f"Comparing with {visible(words[0])}…")
    session, trails = app.session, _trails(app)

    def run() -> None:
        worker = get_current_worker()
        from ..session.comparing import OPEN, compared, opened, point_of

        try:
            old = opened(words[:1], session.now, trails, lambda: worker.is_cancelled)
            if len(words) > 1 and words[1] != OPEN:
                new = opened(words[1:], session.now, trails, lambda: worker.is_cancelled)
            else:
                new = point_of(session, "what is open")
            found = compared(old, new, lambda: worker.is_cancelled)
        except IamtuiError as error:
            _refused(app, error, cancelled=worker.is_cancelled)
            return
        if worker.is_cancelled:
            return
        from .screens.differences import DifferencesPage

        app.call_from_thread(app.push_screen, DifferencesPage(f"{old.label} → {new.label}", found))
        app.call_from_thread(app._tell, "")

    app.run_worker(run, thread=True, exclusive=True, group="comparing", exit_on_error=False)


def show_history(app: IamtuiApp, argument: str) -> None:
    """One identity over many bundles, what is open being the newest of them."""
    words = _words(argument)
    if len(words) < 2:
        app._tell(HISTORY, bad=True)
        return
    name, paths = words[0], [_path(word) for word in words[1:]]
    if name == ".":
        row = app.explorer.current_row()
        name = getattr(row.item, "arn", "") if row is not None else ""
        if not name:
            app._tell(HISTORY, bad=True)
            return
    app._tell(f"Reading the history of {visible(name)}…")
    session, trails = app.session, _trails(app)

    def run() -> None:
        worker = get_current_worker()
        from ..session.comparing import OPEN, history

        try:
            last = session if OPEN in paths else None
            files = [path for path in paths if path != OPEN]
            found = history(name, files, session.now, trails, lambda: worker.is_cancelled, last=last)
        except IamtuiError as error:
            _refused(app, error, cancelled=worker.is_cancelled)
            return
        if worker.is_cancelled:
            return
        from .screens.differences import HistoryPage

        app.call_from_thread(app.push_screen, HistoryPage(found))
        app.call_from_thread(app._tell, "")

    app.run_worker(run, thread=True, exclusive=True, group="comparing", exit_on_error=False)


def _refused(app: IamtuiApp, error: IamtuiError, *, cancelled: bool) -> None:
    if not cancelled:
        app.call_from_thread(app._tell, f"{error.message}; {error.hint}" if error.hint else error.message, bad=True)
