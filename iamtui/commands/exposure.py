"""`iamtui exposure`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import Exit
from ..session.export import csv_table
from ..session.verdicts import exposure_json
from .gate import gated
from .opening import exit_code, open_session, read_all, say_problems, settings_of
from .output import data, print_json, print_table, words

_COLUMNS = ("severity", "resource", "who", "actions", "only_if", "why")


def print_exposure(options: Mapping[str, Any], form: str, fail_on: str) -> int:
    """Print what can be reached from outside, the gravest first."""
    session = open_session(options, settings_of(options))
    read_all(session)
    rows = [exposure_json(found) for found in session.exposures()]
    flat = [[value if isinstance(value := row[c], str) else ", ".join(value) for c in _COLUMNS] for row in rows]
    if form == "json":
        print_json(rows)
    elif form == "csv":
        data(csv_table(list(_COLUMNS), flat))
    else:
        print_table([c.upper().replace("_", " ") for c in _COLUMNS], flat)
        if not rows:
            words("nothing of what was read can be reached from outside")
    if not session.has_resource_policies:
        words("no resource policies were read: only trust policies of roles are in this answer")
    say_problems(session)
    code = exit_code(session)
    code = int(Exit.PARTIAL) if code == Exit.FINE and not session.has_resource_policies else code
    return gated(code, fail_on, (row["severity"] for row in rows))
