"""`iamtui sql`."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from ..errors import Exit, IamtuiError, UsageError
from ..model.event import WindowState
from ..query import QUERIES, fill, named
from ..session import Session
from ..session.engines import ENGINES, SqlEngine, Unbounded, available, choice_of
from ..session.sqltext import span_words, sql_csv, sql_objects, step_words, value_text
from ..session.trail import SqlColumn, SqlPage, TrailState
from ..text import inert_json, visible
from .gate import gated
from .opening import open_session, settings_of, time_bounds, unread
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


def ask(
    options: Mapping[str, Any],
    text: str,
    form: str,
    limit: int | None,
    *,
    show: bool = False,
    unbounded: bool = False,
    fail_on: str = "none",
) -> int:
    """Print an answer; on standard error what it was asked of, and what it cost. Exit 4 when part of the events could not be read."""
    settings = settings_of(options)
    name = settings.engine
    if name == "local" and show:
        from ..query.dialect import translate

        data(translate(text).sql + "\n")
        return 0
    session = open_session(options, settings)
    if name not in available(session) and name in ENGINES and settings.came_from.get("engine") != "--engine":
        words(f"Asking the local engine: {name} is asked of live accounts only")
        name = "local"
    engine = session.sql_engine(name, choice_of(settings))
    if name == "local":
        session.open()
        session.trail.within(*time_bounds(options, session.now()))
    elif options.get("since") or options.get("until"):
        raise UsageError("--since and --until are for the local engine", "bound the time in the query, or with -p of a saved one")
    with _Stopping(engine, terminated=name != "local") as stopping:
        if show:
            sent, before = engine.show(text, stopping)
            if not stopping():
                words(before)
                data(sent + "\n")
        else:
            answer = _collect(engine, text, stopping, limit or (_AT_MOST if form == "table" else sys.maxsize), unbounded)
    if stopping():
        _clear()
        words("Stopped")
        return 130
    if show:
        return 0
    _clear()
    state = session.trail.state() if name == "local" else None
    if state is not None and not state.events:
        return _nothing(session, state)
    _print(answer.columns, answer.rows, form)
    rows = len(answer.rows)
    count = f"the first {rows:,} rows (--limit tells how many)" if answer.more else f"{rows:,} {'row' if rows == 1 else 'rows'}"
    if state is None:
        words(f"{count} in {answer.took:.2f} s, of {engine.where()}; {answer.after}")
        return gated(int(Exit.FINE), fail_on, [""] * rows)
    words(f"{count} in {answer.took:.2f} s, of {span_words(state)}")
    if options.get("since") or options.get("until"):
        words("The answer is of the time asked for alone (--since, --until)")
    if not rows and state.until is not None and session.now() - state.until > timedelta(days=1):
        words(f"The newest event is of {state.until:%Y-%m-%d}: what asks for the last days may have to ask for more (-p days=…)")
    return gated(max(_say_refused(state), _say_uncovered(session)), fail_on, [""] * rows)


@dataclass
class _Answer:
    columns: tuple[SqlColumn, ...] = ()
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    took: float = 0.0
    more: bool = False
    after: str = ""


class _Stopping:
    """Ctrl+c stops the query, not the process: an engine at AWS has to be told. A second one stops everything."""

    def __init__(self, engine: SqlEngine, *, terminated: bool) -> None:
        self._engine, self._stopped = engine, False
        self._signals = [signal.SIGINT, *([signal.SIGTERM, signal.SIGHUP] if terminated and hasattr(signal, "SIGHUP") else [])]
        self._before: dict[signal.Signals, Any] = {}

    def __call__(self) -> bool:
        return self._stopped

    def __enter__(self) -> _Stopping:
        self._before = {number: signal.signal(number, self._stop) for number in self._signals}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        if self._stopped:
            raise KeyboardInterrupt
        self._stopped = True
        self._engine.interrupt()


def _collect(engine: SqlEngine, text: str, cancelled: _Stopping, most: int, unbounded: bool) -> _Answer:
    answer = _Answer()
    try:
        for page in engine.ask(text, cancelled, unbounded=unbounded):
            if page.before:
                _clear()
                words(page.before)
            if page.words or page.step is not None:
                _progress(page)
            answer.columns, answer.took = page.columns or answer.columns, page.took
            answer.after = page.after or answer.after
            answer.rows.extend(page.rows)
            if len(answer.rows) > most:
                answer.more = True
                del answer.rows[most:]
                break
    except Unbounded as error:
        raise Unbounded(error.message, f"{error.hint}; --no-time-bound asks all the same") from None
    return answer


def _progress(page: SqlPage) -> None:
    if sys.stderr.isatty():
        line = page.words or (step_words(page.step) if page.step else "")
        sys.stderr.write(f"\r\033[K{visible(line)[: max(shutil.get_terminal_size().columns - 1, 20)]}")
        sys.stderr.flush()


def _clear() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")


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
    if (why := unread(session)) is not None:
        raise why
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
