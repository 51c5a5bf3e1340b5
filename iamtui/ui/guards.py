"""`:alarms` and `:logging`: asked in a thread, answered on a page."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.worker import get_current_worker

from ..errors import IamtuiError

if TYPE_CHECKING:
    from textual.screen import Screen

    from ..model.event import Event
    from ..model.guards import Alarm
    from .app import IamtuiApp

    Made = Callable[[], Screen[None]]

STATES = "states"


def show_alarms(app: IamtuiApp, argument: str) -> None:
    """Who would hear of which event; of one event the whole path; `states`: the alarms as they are now."""
    words = argument.split()

    def made() -> Screen[None]:
        from .screens.guards import alarms_page, coverage_page, event_page

        if words == [STATES]:
            return alarms_page(app, app.session.guards())
        answers = app.session.coverage(words)
        if words and sum(len(found) for _, found in answers) == 1:
            guards, found = next((guards, found) for guards, found in answers if found)
            return event_page(found[0], guards, app.session.place_for(guards))
        return coverage_page(answers, app.session.place_for)

    _ask(app, made)


def show_guards(app: IamtuiApp) -> None:
    """Every system an audit uses, and what it says."""

    def made() -> Screen[None]:
        from .screens.guards import guards_page

        return guards_page(app, app.session.systems())

    _ask(app, made)


def show_logging(app: IamtuiApp) -> None:
    """Whether the account can be audited at all."""

    def made() -> Screen[None]:
        from .screens.guards import health_page

        return health_page(app.session.logging_health())

    _ask(app, made)


def show_event_ways(app: IamtuiApp, event: Event) -> None:
    """The ways by which one event is told of, with its own values."""

    def made() -> Screen[None]:
        from .screens.guards import ways_page

        return ways_page(event, app.session.ways_of(event))

    _ask(app, made)


def show_alarm(app: IamtuiApp, alarm: Alarm) -> None:
    """One alarm: what became of it, and the events on hand that raise it."""

    def made() -> Screen[None]:
        from .screens.guards import alarm_page

        return alarm_page(alarm, app.session.load_alarm_history(alarm), app.session.raised_by(alarm), app.session.now())

    _ask(app, made)


def _ask(app: IamtuiApp, made: Made) -> None:
    """Read what watches over the account where nobody has yet, then make the page."""

    def run() -> None:
        worker = get_current_worker()
        told = 0.0
        try:
            for step in app.session.load_guards(lambda: worker.is_cancelled):
                if worker.is_cancelled:
                    return
                if time.monotonic() - told >= 0.5:
                    told = time.monotonic()
                    app.call_from_thread(app._tell, f"Reading trails, alarms and rules: {step.done} of {step.total} Regions")
            page = made()
        except IamtuiError as error:
            if not worker.is_cancelled:
                app.call_from_thread(app._tell, f"{error.message}; {error.hint}" if error.hint else error.message, bad=True)
            return
        if not worker.is_cancelled:
            app.call_from_thread(app.push_screen, page)

    app.run_worker(run, thread=True, exclusive=True, group="access", exit_on_error=False)
