"""`iamtui sweep last-used`."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ..analysis.lists import Column
from ..errors import Exit
from ..session import ListKind, Row, Session
from ..session.export import csv_lines, json_object
from ..session.sweeping import KINDS, Sweep
from ..session.sweeptext import end_words, progress_words
from ..text import visible
from .opening import exit_code, open_session, read_all, say_problems, settings_of
from .output import data, print_json, print_table, words

_LINE_EVERY = 10.0
"""Seconds between two lines of progress where standard error is no terminal."""


def sweep(options: Mapping[str, Any], kinds: Sequence[str], form: str, *, again: bool, services_only: bool) -> int:
    """Ask for everybody's last-accessed details, with progress on standard error; then print them. Ctrl+c stops and keeps what came."""
    session = open_session(options, settings_of(options))
    read_all(session)
    with interruptible() as stopped:
        last = run(session, kinds, stopped, again=again, granularity="SERVICE_LEVEL" if services_only else "ACTION_LEVEL")
    _print(session, tuple(kinds) or KINDS, form)
    words(end_words(last))
    say_problems(session)
    code = exit_code(session)
    return code if code or last.whole else int(Exit.PARTIAL)


def run(
    session: Session, kinds: Sequence[str], stopped: Any, *, again: bool = False, granularity: str = "ACTION_LEVEL", quiet: bool = False
) -> Sweep:
    """Drive a sweep to its end, and say how it goes."""
    last = Sweep(0)
    terminal, shown, told = sys.stderr.isatty(), False, time.monotonic()
    for last in session.sweep(kinds, again=again, granularity=granularity, cancelled=stopped):
        if quiet or last.finished:
            continue
        if terminal:
            sys.stderr.write(f"\r{visible(progress_words(last))[:100]}\x1b[K")
            sys.stderr.flush()
            shown = True
        elif time.monotonic() - told >= _LINE_EVERY:
            told = time.monotonic()
            words(progress_words(last))
    if shown:
        sys.stderr.write("\r\x1b[K")
    return last


@contextmanager
def interruptible() -> Iterator[Any]:
    """Within it the first ctrl+c asks to stop; the second ends the program."""
    stopped = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield lambda: stopped
    finally:
        signal.signal(signal.SIGINT, before)


def _print(session: Session, kinds: Sequence[str], form: str) -> None:
    """One row each: name, last seen, unused services, in all forms alike."""
    rows = [(kind, row) for kind in kinds for row in session.listing(ListKind(kind)).rows if not row.item.arn.endswith(":root")]  # type: ignore[union-attr]
    columns = {kind: _columns(session.listing(ListKind(kind)).columns) for kind in kinds}
    if form == "json":
        print_json([{"kind": kind, **_renamed(json_object(columns[kind], row))} for kind, row in rows])
    elif form == "csv":
        for number, kind in enumerate(kinds):
            lines = csv_lines([_kind(kind), *columns[kind]], (row for k, row in rows if k == kind))
            for place, line in enumerate(lines):
                if place or not number:
                    data("kind,name,last-seen,unused-services,account,arn\n" if not place else line)
    else:
        now = session.now()
        print_table(
            ["KIND", "NAME", "LAST SEEN", "UNUSED SVC"],
            [[kind, *_cells(columns[kind][:3], row, now)] for kind, row in rows],
            right=frozenset((2, 3)),
        )


def _columns(found: Sequence[Column]) -> list[Column]:
    """Name, last seen, unused services, account, ARN of any list."""
    by_id = {column.id: column for column in found}
    seen = by_id.get("last-seen") or by_id["last-accessed"]
    return [found[0], seen, by_id["unused-services"], by_id["account"], by_id["arn"]]


def _renamed(told: dict[str, Any]) -> dict[str, Any]:
    """The same names for all kinds."""
    return {
        {"user": "name", "role": "name", "group": "name", "policy": "name", "last-accessed": "last-seen"}.get(k, k): v
        for k, v in told.items()
    }


def _kind(kind: str) -> Column:
    from ..analysis.lists import ColumnKind
    from ..model.fact import known

    return Column("kind", "KIND", ColumnKind.TEXT, "", lambda _item, _snapshot: known(kind))


def _cells(columns: Sequence[Column], row: Row, now: Any) -> list[str]:
    from ..analysis.words import plain

    return [plain(column.fact(row.item, row.snapshot), now) for column in columns]
