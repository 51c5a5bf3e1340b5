"""`iamtui list`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from ..analysis.lists import ColumnKind
from ..analysis.words import plain
from ..errors import UsageError
from ..model.fact import State
from ..session import ListKind, Selection, Session
from ..session.export import csv_lines, json_lines, json_object
from .gate import gated
from .opening import exit_code, open_session, read_all, say_problems, settings_of
from .output import data, line_by_line, print_json, print_table, words


def list_rows(options: Mapping[str, Any], kind: str, filter_text: str, sort: str, form: str, fail_on: str) -> int:
    """Print a list; the exit code says whether it is whole."""
    if fail_on not in ("none", "any") and kind != ListKind.FINDINGS:
        raise UsageError(f"{kind} have no severity", "--fail-on any fails when there are some; findings and events have one")
    settings = settings_of(options)
    session = open_session(options, settings)
    read_all(session)
    if kind == ListKind.FINDINGS:
        session.load_findings()
    session.load_marks()
    selection = chosen(session, ListKind(kind), filter_text, sort)
    print_selection(session, selection, form)
    say_problems(session)
    state = selection.listing.state
    if state.state is not State.KNOWN:
        words(f"{kind}: {state.state.value}{': ' + state.detail if state.detail else ''}. This is not an empty list")
    elif not selection.listing.complete:
        words(f"{kind}: partial, there are more in the account than were read")
    return gated(exit_code(session), fail_on, grades(selection))


def grades(selection: Selection) -> Iterator[str]:
    """The severity of every row, "" where it has none."""
    column = next((one for one in selection.listing.columns if one.id in ("severity", "class")), None)
    for row in selection.rows:
        fact = column.fact(row.item, row.snapshot) if column is not None else None
        yield str(fact.value or "") if fact is not None and fact.is_known else ""


def chosen(session: Session, kind: ListKind, filter_text: str, sort: str) -> Selection:
    """The rows wanted. Raises UsageError on a filter or column nobody understands."""
    selection = session.select(kind, filter_text, sort.lstrip("-"), sort.startswith("-"))
    if selection.error:
        raise UsageError(selection.error, "iamtui help filters, or ? in the explorer, tells the filter language")
    return selection


def print_selection(session: Session, selection: Selection, form: str, limit: int | None = None) -> None:
    """Rows as a table of the columns on screen, or as JSON or CSV of all columns."""
    columns = selection.listing.columns
    count = len(selection) if limit is None else min(limit, len(selection))
    rows = itertools.islice(selection.rows, count)
    if form == "csv":
        for line in csv_lines(columns, rows):
            data(line)
    elif form == "json":
        if line_by_line():
            for row in rows:
                print_json(json_object(columns, row))
            return
        for piece in json_lines(columns, rows):
            data(piece)
        data("\n")
    else:
        shown = [column for column in columns if not column.detail_only]
        now = session.now()
        right = frozenset(i for i, c in enumerate(shown) if c.kind in (ColumnKind.NUMBER, ColumnKind.TIME))
        print_table(
            [c.title for c in shown],
            ([plain(c.fact(row.item, row.snapshot), now) for c in shown] for row in rows),
            right=right,
        )
