"""`iamtui matrix`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..analysis.filtering import FilterError
from ..analysis.matrix import LEGEND, NOT_GRANTED, Matrix
from ..analysis.words import csv_text, machine, plain
from ..errors import Exit, UsageError
from ..session.export import csv_stream, csv_table, defuse
from ..text import visible
from .opening import exit_code, open_session, read_all, say_problems, settings_of, unread
from .output import data, print_json, print_table, words

_HIGHEST = 12
"""Letters of a service's name that stand above its column."""


def print_matrix(options: Mapping[str, Any], service: str, kinds: Sequence[str], filter_text: str, form: str) -> int:
    """Print identities by services, or who holds one service, the latest use first."""
    session = open_session(options, settings_of(options))
    read_all(session)
    if session.info.kind in ("demo", "evidence"):
        for _ in session.sweep(kinds):
            pass
    matrix = session.matrix(kinds)
    try:
        rows = matrix.select(filter_text, session.now())
    except FilterError as error:
        raise UsageError(error.message, error.hint) from error
    if service:
        if (reason := unread(session)) is not None:
            raise reason
        _print_service(matrix, _place(matrix, service), rows, form, session.now())
    else:
        _print_all(matrix, rows, form, session.now())
    unasked = sum(1 for row in rows if matrix.lines[row].digest is None)
    if unasked:
        words(f"{unasked:,} of {len(rows):,} have no answer on hand; iamtui sweep last-used asks AWS for them")
    say_problems(session)
    code = exit_code(session)
    return int(Exit.PARTIAL) if code == Exit.FINE and unasked else code


def _place(matrix: Matrix, service: str) -> int:
    """The column somebody means by a service's prefix or a unique beginning of it."""
    wanted = service.casefold()
    if wanted in matrix.names:
        return list(matrix.names).index(wanted)
    found = [place for place, name in enumerate(matrix.names) if name.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{service} could be {', '.join(matrix.names[place] for place in found)}")
    raise UsageError(f"Nobody who was asked about holds a service {service}", "services are named by their prefix: s3, glue, ec2")


def _print_service(matrix: Matrix, place: int, rows: Sequence[int], form: str, now: Any) -> None:
    """Who holds one service: name, kind, last use."""
    held = [row for row in matrix.users_of(place, rows) if matrix.lines[row].digest is None or matrix.value(row, place) != NOT_GRANTED]
    facts = [(matrix.lines[row], matrix.fact(row, place)) for row in held]
    if form == "json":
        print_json([{"identity": o.name, "kind": o.kind, "account": o.account, "arn": o.arn, "last_used": machine(f)} for o, f in facts])
    elif form == "csv":
        data(
            csv_table(
                ["identity", "kind", "account", "service", "last_used", "arn"],
                [[o.name, o.kind, o.account, matrix.names[place], csv_text(f), o.arn] for o, f in facts],
            )
        )
    else:
        shown = [[o.name, o.noun, plain(f, now)] for o, f in facts if o.digest is not None]
        print_table(["IDENTITY", "KIND", f"LAST USED {matrix.names[place].upper()}"], shown, right=frozenset((2,)))
        if not shown:
            words(f"nobody who was asked about holds {matrix.names[place]}")


def _print_all(matrix: Matrix, rows: Sequence[int], form: str, now: Any) -> None:
    places = matrix.services()
    if form == "json":
        print_json([_object(matrix, row, places) for row in rows])
    elif form == "csv":
        header = ["identity", "kind", "account", "arn", "state", *(matrix.names[p] for p in places)]
        for line in csv_stream(header, ([defuse(cell) for cell in _csv_row(matrix, row, places)] for row in rows)):
            data(line)
    else:
        _print_letters(matrix, rows, places, now)


def _object(matrix: Matrix, row: int, places: Sequence[int]) -> dict[str, Any]:
    """`services` holds what is granted: the time of the last use, or the state in an object."""
    line = matrix.lines[row]
    granted = {matrix.names[p]: machine(matrix.fact(row, p)) for p in places if line.digest and matrix.value(row, p) != NOT_GRANTED}
    told = {"identity": line.name, "kind": line.kind, "account": line.account, "arn": line.arn}
    if line.digest is None:
        return {**told, "services": machine(line.why)}
    return {**told, "as_of": line.digest.completed, "granularity": line.digest.granularity, "services": granted}


def _csv_row(matrix: Matrix, row: int, places: Sequence[int]) -> list[str]:
    """Empty where a service is not granted."""
    line = matrix.lines[row]
    told = [line.name, line.kind, line.account, line.arn, "known" if line.digest else line.why.state.value]
    if line.digest is None:
        return [*told, *("" for _ in places)]
    return [*told, *("" if matrix.value(row, p) == NOT_GRANTED else csv_text(matrix.fact(row, p)) for p in places)]


def _print_letters(matrix: Matrix, rows: Sequence[int], places: Sequence[int], now: Any) -> None:
    """The picture: a letter a cell, services written downwards above it."""
    stamp = now.timestamp()
    wide = max([8, *(len(visible(matrix.lines[row].name)) for row in rows)], default=8)
    names = [visible(matrix.names[p])[:_HIGHEST] for p in places]
    height = max((len(name) for name in names), default=0)
    for level in range(height):
        letters = " ".join(name.rjust(height)[level] for name in names)
        data(f"{'':{wide}}  {letters}".rstrip() + "\n")
    for row in rows:
        letters = " ".join(matrix.mark(row, p, stamp).letter for p in places)
        data(f"{visible(matrix.lines[row].name):{wide}}  {letters}".rstrip() + "\n")
    words(
        "used within: "
        + ", ".join(f"{mark.letter} {mark.words}" for mark in LEGEND)
        + "; blank: not granted. Unused: not in the tracking period"
    )
