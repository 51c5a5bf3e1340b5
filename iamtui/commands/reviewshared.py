"""What all commands of reviews share: opening, saying, tables and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..analysis.words import iso
from ..errors import BadInputError
from ..model.review import Standing, Subject
from ..session import Session
from ..session.export import csv_table
from .opening import exit_code, open_session, read_all, say_problems, settings_of
from .output import data, print_json, print_table, words


def opened(options: Mapping[str, Any], *, events: bool = False) -> Session:
    session = open_session(options, settings_of(options))
    read_all(session)
    if events and session.info.kind != "live":
        for _ in session.load_events():
            pass
    session.load_marks()
    return session


def say_kept(session: Session) -> None:
    """Say where decisions are, where that is not for long."""
    if session.review_settings.ledger is None:
        words("kept in memory only, as this is the demo; --ledger FILE keeps it")


def finish(session: Session) -> int:
    say_problems(session)
    return exit_code(session)


def subject_json(subject: Subject) -> dict[str, Any]:
    return {
        "kind": subject.kind.value,
        "noun": subject.noun,
        "name": subject.name,
        "arn": subject.arn,
        "unique_id": subject.unique_id or None,
        "account": subject.account,
    }


def standing_json(held: Standing | None, now: Any) -> dict[str, Any] | None:
    if held is None:
        return None
    return {
        "state": list(held.words(now)),
        "changes": [{"fact": c.name, "was": c.was or None, "now": c.now or None} for c in held.changes],
        "marks": [
            {
                "id": ident,
                "at": iso(at),
                "decision": mark.decision.value,
                "reviewer": mark.reviewer,
                "reason": mark.reason,
                "expires": iso(mark.expires) if mark.expires else None,
                "ticket": mark.ticket,
                "evidence": mark.hash,
            }
            for ident, at, mark in held.marks
        ],
    }


def text_of(name: str) -> str:
    import sys

    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise BadInputError(f"{name} cannot be read: {error.strerror or error}") from None
    for encoding in ("utf-8-sig", "utf-16") if raw[:2] not in (b"\xff\xfe", b"\xfe\xff") else ("utf-16",):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def label(subject: Subject) -> str:
    return f"{subject.noun} {subject.name}"


def sides(held: Standing | None) -> str:
    return "; ".join(f"{m.reviewer}: {m.decision.value}" for _, _, m in held.marks) if held is not None else ""


def print_rows(header: Sequence[str], rows: Sequence[Sequence[str]], form: str, *, right: frozenset[int] = frozenset()) -> None:
    if form == "csv":
        data(csv_table(header, rows))
    elif form == "json":
        print_json([dict(zip(header, row, strict=True)) for row in rows])
    else:
        print_table([title.upper() for title in header], rows, right=right)
