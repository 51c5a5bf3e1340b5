"""`iamtui diff` and `iamtui history`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..analysis.snapshots.columns import COLUMNS
from ..analysis.snapshots.difference import Comparison, Difference
from ..errors import Exit, UsageError
from ..session.comparing import OPEN, History, Point, compared, history, narrowed, opened, point_of
from ..session.differencetext import (
    STEP_HEADER,
    cells,
    comparison_json,
    header,
    history_json,
    note_words,
    row_cells,
    seen_words,
    step_cells,
    summary,
    who_lines,
)
from ..session.export import csv_table
from ..session.facade import utc_now
from .gate import gated
from .opening import fetched, open_session, read_all, say_problems, settings_of, unread
from .output import data, markdown_text, print_json, print_table, words

_TABLE = ("SEVERITY", "OF", "NAME", "WHAT", "DIFFERENCE", "WHO")


def print_diff(
    options: Mapping[str, Any],
    old: str,
    new: str,
    told: Sequence[str],
    form: str,
    *,
    sort: str = "",
    more_old: Sequence[str] = (),
    more_new: Sequence[str] = (),
    look_up: bool = False,
    fail_on: str = "grown",
) -> int:
    """Print what is another in the newer one. 1 when access grew, 4 when a side does not tell all."""
    settings = settings_of(options)
    trails = settings.cache_path / "trails"
    if old == OPEN:
        raise UsageError("OLD is a bundle, a folder or a file", f"only NEW can be {OPEN}: the account of the source options")
    before = opened(fetched((old, *more_old), settings), utc_now, trails)
    after = _open_point(options, more_new) if new == OPEN else opened(fetched((new, *more_new), settings), utc_now, trails)
    found = compared(before, after, look_up=look_up)
    shown = narrowed(found, " ".join(told), utc_now(), sort.removeprefix("-"), descending=sort.startswith("-"))
    if form == "json":
        print_json(comparison_json(found, shown))
    elif form == "csv":
        data(csv_table([column.id for column in COLUMNS], [cells(one) for one in shown]))
    elif form == "markdown":
        _markdown(found, shown, before, after)
    else:
        print_table(_TABLE, [row_cells(one) for one in shown])
    if form != "json":
        for note in found.notes:
            words(note_words(note))
    if form in ("table", "csv"):
        words(summary(found, len(shown)))
    code = int(Exit.PARTIAL if found.partial else Exit.FINE)
    if fail_on == "grown":
        return int(Exit.CHECK_FAILED) if found.grows else code
    return gated(code, fail_on, (one.severity.value if one.severity else "" for one in shown))


def _open_point(options: Mapping[str, Any], more: Sequence[str]) -> Point:
    """The account of the source options."""
    if more:
        raise UsageError(f"--new adds files to a NEW of files, and NEW is {OPEN}", "name the files with --from")
    session = open_session(options, settings_of(options))
    read_all(session)
    if (reason := unread(session)) is not None:
        raise reason
    say_problems(session)
    return point_of(session, OPEN)


def _markdown(found: Comparison, shown: Sequence[Difference], old: Point, new: Point) -> None:
    data(f"# {markdown_text(f'{old.label} → {new.label}')}\n\n{markdown_text(summary(found, len(shown)))}.\n\n")
    _rows(header(("severity", "of", "name", "what", "words", "who")), [row_cells(one) for one in shown])
    grave = [one for one in shown if one.grows]
    if grave:
        data("\n## Access that grew\n\n")
        for one in grave:
            data(f"- {markdown_text(f'{one.subject} {one.name}: {one.words}')}\n")
            for line in (*one.lines[:8], *who_lines(one)[:4]):
                data(f"  - {markdown_text(line)}\n")
    if found.notes:
        data("\n## Not compared\n\n")
        for note in found.notes:
            data(f"- {markdown_text(note.words)}\n")


def _rows(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    data("| " + " | ".join(title.casefold() for title in titles) + " |\n" + "|---" * len(titles) + "|\n")
    for row in rows:
        data("| " + " | ".join(markdown_text(cell) for cell in row) + " |\n")


def print_history(options: Mapping[str, Any], name: str, paths: Sequence[str], form: str) -> int:
    """Print what became of one identity or policy over many bundles. 4 when one of them does not tell all."""
    settings = settings_of(options)
    live = OPEN in paths
    last = _open_point(options, ()).session if live else None
    found = history(name, fetched([path for path in paths if path != OPEN], settings), utc_now, settings.cache_path / "trails", last=last)
    if form == "json":
        print_json(history_json(found))
    elif form == "csv":
        titles = ["older-point", "newer-point", *(column.id for column in COLUMNS)]
        data(csv_table(titles, [[step.since, step.until, *cells(step.difference)] for step in found.steps]))
    elif form == "markdown":
        _history_markdown(found)
    else:
        for sentence in seen_words(found):
            words(sentence)
        print_table(STEP_HEADER, [step_cells(step) for step in found.steps])
        if not found.steps:
            words("nothing of it is another at any of them")
    for note in found.notes if form != "json" else ():
        words(f"not compared: {note}")
    return int(Exit.PARTIAL if found.notes or any(one.there is None for one in found.seen) else Exit.FINE)


def _history_markdown(found: History) -> None:
    data(f"# {markdown_text(f'{found.kind} {found.name}')}\n\n")
    for sentence in seen_words(found):
        data(f"{markdown_text(sentence)}.\n\n")
    _rows(STEP_HEADER, [step_cells(step) for step in found.steps])
    if found.notes:
        data("\nNot compared:\n\n")
        for note in found.notes:
            data(f"- {markdown_text(note)}\n")
