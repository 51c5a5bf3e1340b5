"""`iamtui access`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..session import Row, Session
from ..session.export import csv_table
from .opening import exit_code, not_found, open_session, read_all, say_problems, settings_of
from .output import data, print_json, print_table, words

_COLUMNS = ("service", "level", "access", "resources", "conditions", "granted by", "actions")
_DIFFERENCE = ("service", "level", "only first", "only second", "unlike", "both")
_FEW = 4


def print_access(options: Mapping[str, Any], name: str, other: str, form: str) -> int:
    """Print what an identity may do, and what limits stop; or the difference between two."""
    session = open_session(options, settings_of(options))
    read_all(session)
    row = _row(session, name)
    if other:
        _difference(session, row, _row(session, other), form)
    else:
        _access(session, row, form)
    say_problems(session)
    return exit_code(session)


def _access(session: Session, row: Row, form: str) -> None:
    found = session.effective(row)
    if form == "json":
        print_json({"identity": getattr(row.item, "arn", ""), **msgspec.to_builtins(found)})
        return
    lines: list[list[str]] = [
        [
            a.service,
            a.level,
            a.words,
            a.scope,
            " and ".join(filter(None, (a.conditions, a.within))),
            ", ".join(a.granted_by),
            _names(a.actions, form),
        ]
        for a in found.allowed
    ]
    lines += [
        [s.service, s.level, f"stopped: {s.by}", ", ".join(s.resources), "", ", ".join(s.granted_by), _names(s.actions, form)]
        for s in found.stopped
    ]
    _print(_COLUMNS, lines, form)
    for limit in found.limits:
        words(f"limited by {limit}")
    for name in found.unread:
        words(f"not read, and not in this answer: {name}")
    for note in found.notes:
        words(note)


def _difference(session: Session, row: Row, other: Row, form: str) -> None:
    found = session.compare(row, other)
    if form == "json":
        print_json([msgspec.to_builtins(one) for one in found])
        return
    unlike = [one for one in found if one.only_first or one.only_second or one.unlike]
    _print(
        _DIFFERENCE,
        [
            [o.service, o.level, _names(o.only_first, form), _names(o.only_second, form), _names(o.unlike, form), str(o.both)]
            for o in unlike
        ],
        form,
    )
    words(f"{len(unlike)} services and levels differ" if unlike else "they may do the same")


def _print(columns: tuple[str, ...], lines: list[list[str]], form: str) -> None:
    if form == "csv":
        data(csv_table(list(columns), lines))
    else:
        print_table([column.upper() for column in columns], lines)


def _names(names: tuple[str, ...], form: str) -> str:
    """All of them in CSV; in a table the first few."""
    if form == "csv" or len(names) <= _FEW:
        return " ".join(names)
    return f"{' '.join(names[:_FEW])} and {len(names) - _FEW} more"


def _row(session: Session, name: str) -> Row:
    matches = session.find(name)
    if not matches:
        raise not_found(session, f"{name} is nowhere in what has been read")
    return matches[0].row
