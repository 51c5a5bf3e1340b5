"""`iamtui identity`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..analysis.words import long_words
from ..errors import UsageError
from ..model.event import Event
from ..session import Row, Session
from ..session.export import csv_lines
from .opening import exit_code, not_found, open_session, read_all, say_problems, settings_of
from .output import data, print_json, print_table, words


def show_identity(options: Mapping[str, Any], name: str, form: str, *, last_used: bool, activity: bool) -> int:
    """Print everything on hand about one identity or policy."""
    settings = settings_of(options)
    session = open_session(options, settings)
    read_all(session)
    session.load_marks()
    matches = session.find(name)
    if not matches and session.info.kind != "live" and name[:4] in ("AKIA", "ASIA"):
        for _ in session.load_events():
            pass
        matches = session.find(name)
    if not matches:
        say_problems(session)
        raise not_found(
            session, f"{name} is nowhere in what has been read", f"iamtui list users {name.rpartition('/')[2]} searches by parts of names"
        )
    best = matches[0]
    if len(matches) > 1 and best.how in ("prefix", "substring"):
        found = ", ".join(f"{m.kind.value}/{getattr(m.row.item, 'name', '')}" for m in matches[:10])
        raise UsageError(f"{len(matches)} names match {name}: {found}", "give the whole name, or its ARN")
    row = best.row
    if last_used:
        for _ in session.load_usage(row):
            pass
    if activity:
        for _ in session.load_activity(row):
            pass
    if form == "json":
        print_json(session.describe(row))
    elif form == "csv":
        for line in csv_lines(session.listing(session.kind_of(row)).columns, [row]):
            data(line)
    else:
        _print(session, row, last_used=last_used, activity=activity)
    say_problems(session)
    return exit_code(session)


def _print(session: Session, row: Row, *, last_used: bool, activity: bool) -> None:
    now = session.now()
    item = row.item
    columns = session.listing(session.kind_of(row)).columns
    lines = [["arn", getattr(item, "arn", "")], ["unique id", getattr(item, "unique_id", getattr(item, "policy_id", ""))]]
    lines += [[column.id, long_words(column.fact(item, row.snapshot), now)] for column in columns]
    print_table(["FACT", "VALUE"], lines)
    grants = session.grants(row)
    if grants:
        data("\n")
        print_table(
            ["POLICY", "HOW IT COMES", "ARN"],
            [[g.policy_name or "(not read)", f"group {g.group}" if g.group else g.via.value, g.policy_arn] for g in grants],
        )
    trust = session.trust(row)
    if trust is not None:
        data("\n")
        print_table(["TRUSTS", "ONLY", "LOOK AT"], [[f"{t.effect}: {t.words}", "; ".join(t.conditions), t.warning] for t in trust.trustees])
    members = session.members(row)
    if members:
        data("\n")
        print_table(["MEMBER"], [[user.name] for user in members])
    attached = session.attachments(row)
    if attached:
        data("\n")
        print_table(["ATTACHED TO", "KIND", "HOW"], [[a.name, a.kind, "boundary" if a.as_boundary else "attached"] for a in attached])
    if last_used:
        usage = session.usage(row)
        data("\n")
        if usage.value is None:
            words(f"last accessed: {long_words(usage, now)}")
        print_table(
            ["SERVICE", "LAST USED", "REGION", "GRANTED BY"],
            [[r.namespace, long_words(r.last_used, now), r.region, ", ".join(r.granted_by)] for r in session.usage_rows(row)],
        )
    if activity and not isinstance(item, Event):
        data("\n")
        events = session.activity(row).events
        print_table(
            ["TIME", "EVENT", "ACTOR", "OUTCOME", "ORIGIN"],
            [[f"{e.time:%Y-%m-%dT%H:%M:%SZ}" if e.time else "", e.name, e.actor.name, e.outcome.value, e.ip] for e in events],
        )
