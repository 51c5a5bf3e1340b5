"""`iamtui events`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..analysis.coverage import bounds
from ..analysis.filtering import parse
from ..analysis.lists import columns
from ..errors import Exit
from ..model.event import WindowState
from ..session import ListKind, Row, Session
from ..source.base import FIRST_LOOK, EventQuery
from .gate import gated
from .lists import chosen, grades, print_selection
from .opening import exit_code, find_trail, not_found, open_session, read_all, say_problems, settings_of
from .output import words
from .progress import read_events


def list_events(
    options: Mapping[str, Any],
    filter_text: str,
    limit: int | None,
    who: str,
    form: str,
    *,
    since: str = "",
    until: str = "",
    fail_on: str = "none",
) -> int:
    """Print events newest first, and on standard error what was covered to find them.

    Of a live account all of a time that is asked for (`--since`, `since:`) is read, without it a first look; both go on where an
    earlier run stopped.
    """
    settings = settings_of(options)
    session = open_session(options, settings)
    find_trail(session)
    filter_text = " ".join([filter_text, *([f"since:{since}"] if since else []), *([f"until:{until}"] if until else [])]).strip()
    first, last = bounds(parse(filter_text, columns("events"), session.now()))
    limits: dict[str, Any] = {}
    if (
        session.info.kind == "live" and not session.trail.delivered
    ):  # elsewhere all is at hand, and what is new in a week is told by what was before it
        limits = {"since": first, "until": last, "most": None if first is not None else FIRST_LOOK}
    read_all(session)
    if who:
        row = _identity(session, who)
        read_events(lambda cancelled: session.load_activity(row, cancelled, **limits))
        arn = getattr(row.item, "arn", "")
        filter_text = f'{filter_text} actor-arn:="{arn}"'.strip()
        windows = session.windows(row) or session.windows()
    else:
        read_events(lambda cancelled: session.load_events(EventQuery(regions=session.info.regions, **limits), cancelled))
        windows = session.windows()
    selection = chosen(session, ListKind.EVENTS, filter_text, "")
    print_selection(session, selection, form, limit)
    say_problems(session)
    partial = session.events_lost
    for window in windows:
        if window.state is not WindowState.COVERED:
            partial = True
            back = f" back to {window.since:%Y-%m-%d %H:%M}" if window.since else ""
            parts = (f"{window.region or 'files'}: {window.state.value}{back}", window.asked, window.reason)
            words(", ".join(part for part in parts if part))
    code = exit_code(session)
    has_events = len(session.listing(ListKind.EVENTS).rows) > 0
    if (
        code == Exit.FINE
        and not has_events
        and any(w.state in (WindowState.DENIED, WindowState.FAILED) for w in windows)
        and session.trail.delivered
    ):
        return int(Exit.AWS_UNREACHABLE)
    if code == Exit.AWS_UNREACHABLE and has_events and session.trail.delivered:
        return int(Exit.PARTIAL)  # events are one thing, the account another
    if code == Exit.WRONG_USE and has_events:
        code = int(Exit.PARTIAL if session.world.gaps else Exit.FINE)
    return gated(int(Exit.PARTIAL) if partial and code == Exit.FINE else code, fail_on, grades(selection))


def _identity(session: Session, who: str) -> Row:
    matches = session.find(who)
    if not matches:
        raise not_found(session, f"{who} is nowhere in what has been read")
    return matches[0].row
