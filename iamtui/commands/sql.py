"""`iamtui sql`."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from ..errors import Exit, IamtuiError, UsageError
from ..model.event import WindowState
from ..query import QUERIES, fill, named
from ..session import Session
from ..session.sqltext import span_words, sql_csv, sql_objects, step_words, value_text
from ..session.trail import SqlColumn, TrailState
from ..source.base import EventQuery
from ..text import inert_json, visible
from .opening import open_session, settings_of, time_bounds
from .output import data, print_json, print_table, words

_AT_MOST = 10_000
"""Rows of a table printed without --limit."""


def list_queries(form: str) -> int:
    """The saved queries with what they answer."""
    if form == "json":
        print_json([{"name": q.name, "answers": q.title, "sql": q.sql, "parameters": [_told(p) for p in q.parameters]} for q in QUERIES])
        return 0
    print_table(
        ["NAME", "ANSWERS", "PARAMETERS"],
        [[q.name, q.title, ", ".join(f"{p.name}={p.default}" if p.default else p.name for p in q.parameters)] for q in QUERIES],
    )
    return 0


def _told(parameter: Any) -> dict[str, str]:
    return {"name": parameter.name, "kind": parameter.kind.value, "default": parameter.default, "help": parameter.help}


def query_text(text: str, name: str, file: str, parameters: Sequence[str]) -> str:
    """The query that is meant. Raises UsageError when there is none, or more than one."""
    given = [source for source in (text, name, file) if source]
    if len(given) != 1:
        what = "There is no query" if not given else "One query at a time: a text, a saved query (-q) or a file (-f)"
        raise UsageError(what, 'iamtui sql "SELECT eventname, count(*) FROM cloudtrail_logs GROUP BY 1", or iamtui sql --list')
    if name:
        pairs = {key: value for key, _, value in (pair.partition("=") for pair in parameters)}
        return fill(named(name), pairs)
    if parameters:
        raise UsageError("-p is for saved queries", "write the value into the query")
    if file == "-" or text == "-":
        return sys.stdin.read()
    if file:
        try:
            return Path(file).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{file} cannot be read: {error}") from None
    return text


def ask(options: Mapping[str, Any], text: str, form: str, limit: int | None, *, show: bool = False) -> int:
    """Print an answer; on standard error what it was asked of. Exit 4 when part of the events could not be read."""
    if show:
        from ..query.dialect import translate

        data(translate(text).sql + "\n")
        return 0
    settings = settings_of(options)
    session = open_session(options, settings)
    session.open()
    session.trail.within(*time_bounds(options, session.now()))
    _have_events(session)
    columns: tuple[SqlColumn, ...] = ()
    rows: list[tuple[Any, ...]] = []
    took, more, stopped = 0.0, False, False
    most = limit or (_AT_MOST if form == "table" else sys.maxsize)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        session.trail.interrupt()

    before = signal.signal(signal.SIGINT, stop)
    try:
        for page in session.trail.ask(text, lambda: stopped):
            if page.step is not None and sys.stderr.isatty():
                sys.stderr.write(f"\r\033[K{visible(step_words(page.step))[: max(shutil.get_terminal_size().columns - 1, 20)]}")
            columns, took = page.columns or columns, page.took
            rows.extend(page.rows)
            if len(rows) > most:
                more = True
                del rows[most:]
                break
    finally:
        signal.signal(signal.SIGINT, before)
    if stopped:
        raise KeyboardInterrupt
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    state = session.trail.state()
    if not state.events:
        return _nothing(session, state)
    _print(columns, rows, form)
    count = f"the first {len(rows):,} rows (--limit tells how many)" if more else f"{len(rows):,} {'row' if len(rows) == 1 else 'rows'}"
    words(f"{count} in {took:.2f} s, of {span_words(state)}")
    if options.get("since") or options.get("until"):
        words("The answer is of the time asked for alone (--since, --until)")
    if not rows and state.until is not None and session.now() - state.until > timedelta(days=1):
        words(f"The newest event is of {state.until:%Y-%m-%d}: what asks for the last days may have to ask for more (-p days=…)")
    return max(_say_refused(state), _say_uncovered(session))


def _have_events(session: Session) -> None:
    """A demo has its events at once; of a live account what was read before is asked, and read first when there is nothing."""
    if session.trail.delivered:
        return  # the query reads them itself
    if session.info.kind == "demo" or (session.info.kind == "live" and not session.offline and not session.has_events()):
        for _ in session.load_events(EventQuery(regions=session.info.regions)):
            pass


def _print(columns: Sequence[SqlColumn], rows: Sequence[Sequence[Any]], form: str) -> None:
    if form == "json":
        print_json(list(sql_objects(columns, rows)))
    elif form == "csv":
        for line in sql_csv(columns, rows):
            data(line)
    else:
        right = frozenset(n for n, column in enumerate(columns) if column.kind == "number")
        print_table([inert_json(c.name) for c in columns], ([value_text(value) for value in row] for row in rows), right=right)


def _nothing(session: Session, state: TrailState) -> int:
    for reason in state.refused:
        words(reason)
    if session.info.kind == "evidence":
        raise UsageError("No CloudTrail events are among what was opened", "add files or folders: --from PATH")
    if session.trail.delivered:
        hint = (
            "--trail-days or --since read more; --trail-account and --region narrow" if not session.offline else "start without --offline"
        )
        raise IamtuiError(f"There are no events in {session.trail.reach}", hint)
    problems = session.problems()
    raise IamtuiError(problems[-1].what if problems else "There are no events to ask", "iamtui events reads them from CloudTrail")


def _say_uncovered(session: Session) -> int:
    """A live account's events are those that were looked up; what was not covered is said, and makes the answer partial."""
    if session.info.kind not in ("live", "cache"):
        return int(Exit.FINE)
    if session.trail.delivered:
        words(f"Read from {session.trail.reach}")
        return int(Exit.PARTIAL if session.offline else Exit.FINE)
    windows = session.windows()
    if not windows:
        words("These are the events that were read before, not all there are: iamtui events reads more")
        return int(Exit.PARTIAL)
    missing = [window for window in windows if window.state is not WindowState.COVERED]
    for window in missing:
        words(f"{window.region}: {window.state.value} {window.reason}".rstrip())
    return int(Exit.PARTIAL if missing else Exit.FINE)


def _say_refused(state: TrailState) -> int:
    for reason in state.refused:
        words(reason)
    return int(Exit.PARTIAL if state.refused else Exit.FINE)
