"""`iamtui escalations`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import Exit
from ..session.crossingtext import grouped, hops_json, unread_words
from ..session.export import csv_table
from ..session.verdicts import escalation_json
from .opening import exit_code, not_found, open_session, read_all, say_problems, settings_of
from .output import data, print_json, print_table, words

_COLUMNS = ("identity", "path", "title", "ends_as", "conditions", "unseen")
_ACCOUNTS = ("account", "ends_in")
_MOST_UNREAD = 10


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
    found = session.ways(row)
    names = {snapshot.account: snapshot.label for snapshot in session.world.snapshots}
    several = len(names) > 1
    ways = [{**escalation_json(one), "account": one.identity.account, "ends_in": one.identity.account} for one in found.escalations]
    hops = [hops_json(chain, names) for chain in found.hops]
    crossings = [hops_json(chain, names) for chain in found.crossings]
    everything = [*ways, *hops, *crossings]
    columns = (_COLUMNS[0], *_ACCOUNTS, *_COLUMNS[1:]) if several else _COLUMNS
    if form == "json":
        print_json(everything)
    elif form == "csv":
        data(csv_table(list(columns), [_flat(one, columns) for one in everything]))
    else:
        rows = [*ways, *hops, *grouped(found.crossings, names)]
        print_table([c.upper().replace("_", " ") for c in columns], [_flat(one, columns) for one in rows])
        words(f"{len(everything):,} ways to an administrator's rights" if everything else "no way to an administrator's rights was found")
    if several or session.world.accounts:
        edges = unread_words(found.unread, session.world.accounts)
        for line in edges[:_MOST_UNREAD]:
            words(line)
        if len(edges) > _MOST_UNREAD:
            words(f"and {len(edges) - _MOST_UNREAD} more accounts that were not read")
    say_problems(session)
    code = exit_code(session)
    return int(Exit.CHECK_FAILED) if everything and fail_on != "none" and code in (Exit.FINE, Exit.PARTIAL) else code


def _flat(one: Mapping[str, Any], columns: tuple[str, ...]) -> list[str]:
    return [value if isinstance(value := one[c], str) else "; ".join(value) for c in columns]
