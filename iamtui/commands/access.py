"""`iamtui can` and `iamtui who-can`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import Exit, UsageError
from ..session import Row, Session
from ..session.export import csv_table
from ..session.verdicts import holder_json, verdict_json, verdict_lines
from ..text import visible
from .gate import gated
from .opening import exit_code, not_found, open_session, read_all, say_problems, settings_of
from .output import data, print_json, print_table, words


def context_of(pairs: Sequence[str]) -> dict[str, str]:
    """`KEY=VALUE` options as a request context. Raises UsageError."""
    context: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise UsageError(f"--context {pair} is not KEY=VALUE", "for example --context aws:SourceIp=192.0.2.1")
        context[key] = value
    return context


def check_action(action: str) -> None:
    """Raises UsageError when the text is no action."""
    prefix, colon, name = action.partition(":")
    if not (prefix and colon and name) or "*" in action or "?" in action:
        raise UsageError(f"{action} is no action", "write it as service:Action, for example s3:PutObject")


def can(options: Mapping[str, Any], name: str, action: str, resource: str, pairs: Sequence[str], form: str) -> int:
    """Print the answer in three lines: what, because of what, what is not in it. 0 allowed, 1 denied, 4 depends."""
    check_action(action)
    context = context_of(pairs)
    session = open_session(options, settings_of(options))
    read_all(session)
    row = _row(session, name)
    verdict = session.can(row, action, resource, context)
    effect = verdict.decision.effect.value
    if form == "json":
        print_json(verdict_json(getattr(row.item, "arn", ""), action, resource, verdict))
    else:
        for line in verdict_lines(getattr(row.item, "name", name), action, resource, verdict):
            data(visible(line) + "\n")
    say_problems(session)
    return {"Allowed": int(Exit.FINE), "Depends": int(Exit.PARTIAL)}.get(effect, int(Exit.CHECK_FAILED))


def who_can(options: Mapping[str, Any], action: str, resource: str, pairs: Sequence[str], form: str, fail_on: str) -> int:
    """Print everyone who may. 0 also when nobody may: that is an answer; 4 when what was read is partial."""
    check_action(action)
    context = context_of(pairs)
    session = open_session(options, settings_of(options))
    read_all(session)
    holders = session.who_can(action, resource, context)
    rows = [holder_json(holder) for holder in holders]
    if form == "json":
        print_json(rows)
    elif form == "csv":
        data(csv_table(list(_COLUMNS), [[str(row[c]) for c in _COLUMNS] for row in rows]))
    else:
        print_table([c.upper().replace("_", " ") for c in _COLUMNS], [[str(row[c]) for c in _COLUMNS] for row in rows])
        words(f"{len(rows)} may {action} on {resource}" if rows else f"nobody in what was read may {action} on {resource}")
    say_problems(session)
    return gated(exit_code(session), fail_on, ("" for _ in rows))


_COLUMNS = ("who", "kind", "account", "answer", "because", "conditions")


def _row(session: Session, name: str) -> Row:
    matches = session.find(name)
    if not matches:
        raise not_found(
            session, f"{name} is nowhere in what has been read", f"iamtui list users {name.rpartition('/')[2]} searches by parts of names"
        )
    return matches[0].row
