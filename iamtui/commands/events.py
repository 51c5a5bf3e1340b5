"""`iamtui events`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import Exit, NotFoundError
from ..model.event import WindowState
from ..session import ListKind, Row, Session
from ..source.base import EventQuery
from .lists import chosen, print_selection
from .opening import exit_code, find_trail, open_session, read_all, say_problems, settings_of
from .output import words


def list_events(options: Mapping[str, Any], filter_text: str, limit: int | None, who: str, form: str) -> int:
    """Print events newest first, and on standard error what was covered to find them."""
    settings = settings_of(options)
    session = open_session(options, settings)
    find_trail(session)
    read_all(session)
    if who:
        row = _identity(session, who)
        for _ in session.load_activity(row):
            pass
        arn = getattr(row.item, "arn", "")
        filter_text = f'{filter_text} actor-arn:="{arn}"'.strip()
        windows = session.windows(row) or session.windows()
    else:
        for _ in session.load_events(EventQuery(regions=session.info.regions)):
            pass
        windows = session.windows()
    print_selection(session, chosen(session, ListKind.EVENTS, filter_text, ""), form, limit)
    say_problems(session)
    partial = session.events_lost
    for window in windows:
        if window.state is not WindowState.COVERED:
            partial = True
            since = f" {window.since:%Y-%m-%d %H:%M}" if window.since else ""
            words(f"{window.region or 'files'}: {window.state.value}{since} {window.asked} {window.reason}".rstrip())
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
    return int(Exit.PARTIAL) if partial and code == Exit.FINE else code


def _identity(session: Session, who: str) -> Row:
    matches = session.find(who)
    if not matches:
        raise NotFoundError(f"{who} is nowhere in what has been read")
    return matches[0].row
