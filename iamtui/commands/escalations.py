"""`iamtui escalations`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import Exit
from ..session.export import csv_table
from ..session.verdicts import escalation_json
from .opening import exit_code, not_found, open_session, read_all, say_problems, settings_of
from .output import data, print_json, print_table, words

_COLUMNS = ("identity", "path", "title", "ends_as", "conditions", "unseen")


def print_escalations(options: Mapping[str, Any], name: str, form: str, fail_on: str = "any") -> int:
    """Print who can become an administrator, and how; of one identity with its commands. 1 when there is a way."""
    session = open_session(options, settings_of(options))
    read_all(session)
    row = None
    if name:
        matches = session.find(name)
        if not matches:
            raise not_found(session, f"{name} is nowhere in what has been read")
        row = matches[0].row
    found, chains = session.escalations(row)
    rows = [escalation_json(one) for one in found]
    hops = [
        {
            "identity": chain.identity.name,
            "path": "sts:AssumeRole",
            "title": "Assume " + " → ".join(role.name for role in chain.roles),
            "ends_as": chain.last.ends_as if chain.last is not None else "administrator",
            "conditions": "",
            "unseen": [],
            "arn": chain.identity.arn,
            "target": chain.roles[-1].arn,
            "steps": [],
        }
        for chain in chains
    ]
    everything = [*rows, *hops]
    flat = [[value if isinstance(value := one[c], str) else "; ".join(value) for c in _COLUMNS] for one in everything]
    if form == "json":
        print_json(everything)
    elif form == "csv":
        data(csv_table(list(_COLUMNS), flat))
    else:
        print_table([c.upper().replace("_", " ") for c in _COLUMNS], flat)
        words(f"{len(everything)} ways to an administrator's rights" if everything else "no way to an administrator's rights was found")
    say_problems(session)
    code = exit_code(session)
    return int(Exit.CHECK_FAILED) if everything and fail_on != "none" and code in (Exit.FINE, Exit.PARTIAL) else code
