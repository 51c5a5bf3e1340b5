"""`iamtui accounts`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..analysis.accounts import COLUMNS
from ..analysis.lists import ColumnKind
from ..analysis.words import csv_text, plain
from ..errors import Exit
from ..session.export import csv_table, json_lines
from ..text import visible
from .opening import exit_code, open_session, read_all, say_problems, settings_of
from .output import data, print_table, words

_MOST_HINTS = 5
"""What to type next is the same for accounts that are missing alike, and told once."""


def print_accounts(options: Mapping[str, Any], filter_text: str, sort: str, form: str) -> int:
    """Print the accounts that are open or known of; the exit code says whether any is missing."""
    session = open_session(options, settings_of(options))
    read_all(session)
    lines = session.accounts(filter_text, sort.lstrip("-"), descending=sort.startswith("-"))
    if form == "csv":
        cells = [[visible(csv_text(c.fact(one, one.snapshot))) for c in COLUMNS] for one in lines]
        data(csv_table([c.id for c in COLUMNS], cells))
    elif form == "json":
        for piece in json_lines(COLUMNS, session.account_rows(lines)):
            data(piece)
        data("\n")
    else:
        shown = [column for column in COLUMNS if not column.detail_only]
        right = frozenset(place for place, column in enumerate(shown) if column.kind in (ColumnKind.NUMBER, ColumnKind.TIME))
        now = session.now()
        print_table([c.title for c in shown], ([plain(c.fact(one, one.snapshot), now) for c in shown] for one in lines), right=right)
        missing = sum(1 for one in lines if one.missing)
        hints = {one.hint.replace(one.account, "ID"): f"{one.account}: {one.hint}" for one in reversed(lines) if one.missing and one.hint}
        for hint in list(hints.values())[:_MOST_HINTS]:
            words(hint)
        words(f"{len(lines):,} {'account' if len(lines) == 1 else 'accounts'}{f', {missing:,} of them missing' if missing else ''}")
    if not lines or form != "table":
        say_problems(session)
    code = exit_code(session)
    return int(Exit.PARTIAL) if code == Exit.WRONG_USE and lines else code  # that all are missing is an answer
