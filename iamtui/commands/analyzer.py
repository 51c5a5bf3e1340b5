"""`iamtui analyzer`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import Exit
from ..session.analyzing import COLUMNS, headline, notes, row_cells, row_json
from ..session.export import csv_table
from .gate import gated
from .opening import exit_code, open_session, read_all, say_problems, settings_of
from .output import data, print_json, print_table, words


def print_analyzer(options: Mapping[str, Any], statuses: Sequence[str], form: str, fail_on: str) -> int:
    """Print what Access Analyzer and iamtui claim, side by side. 4 when a Region could not be read."""
    session = open_session(options, settings_of(options))
    read_all(session)
    if session.info.kind != "live" and not session.offline:
        for _ in session.load_events():
            pass
    for step in session.load_analyzers():
        if session.info.kind == "live":
            words(step.what)
    view = session.analyzer_view()
    rows = [row for row in view.rows if not row.status or not statuses or row.status in statuses]
    if form == "json":
        print_json(
            {
                "analyzers": [
                    {
                        "arn": one.arn,
                        "region": one.region,
                        "kind": one.kind.value,
                        "organization": one.organization,
                        "status": one.status,
                        "days": one.days,
                        "analyzed": one.analyzed,
                    }
                    for one in view.analyzers
                ],
                "regions": view.asked,
                "notes": notes(view),
                "claims": [row_json(row) for row in rows],
            }
        )
    elif form == "csv":
        data(csv_table(list(COLUMNS), [row_cells(row, session.now()) for row in rows]))
    else:
        cells = [row_cells(row, session.now()) for row in rows]
        print_table(
            ["SAID BY", "KIND", "STATUS", "OF", "WHO OR WHAT", "WHY", "SINCE"],
            [[c[0], c[1], c[2], _short(c[3]), *c[4:6], c[7]] for c in cells],
        )
        words(f"{headline(rows)}")
    for note in notes(view):
        words(note)
    say_problems(session)
    code = exit_code(session)
    code = int(Exit.PARTIAL) if code == Exit.FINE and any(view.asked.values()) else code
    return gated(code, fail_on, ("" for _ in rows))


def _short(arn: str) -> str:
    """An ARN without its account."""
    parts = arn.split(":", 5)
    return f"{parts[2]} {parts[5]}" if len(parts) > 5 else arn
