"""`iamtui changes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..analysis.changes.filtering import parse_filter
from ..analysis.changes.meaning import Meaning
from ..analysis.changes.standing import Entry
from ..errors import Exit
from ..model.event import WindowState
from ..model.identity import Group, Role, User
from ..model.policy import Policy
from ..session import Row, Session
from ..session.changetext import (
    COLUMNS,
    admin_answer,
    change_json,
    count_words,
    gap_words,
    line,
    since_words,
    target_words,
)
from ..session.export import csv_table
from ..text import visible
from .gate import gated
from .opening import exit_code, not_found, open_session, read_all, say_problems, settings_of
from .output import data, markdown_text, print_json, print_table, words

_HEADER = ("TIME (UTC)", "WHAT", "WHO", "GIVES OR TAKES", "TOLD BY")


def print_changes(
    options: Mapping[str, Any], name: str, asked: Sequence[str], since: str, form: str, rollback: str, fail_on: str, *, admin: bool
) -> int:
    """Print the history of one identity or policy, or what changed in the whole account; or the text that puts entries back."""
    session = open_session(options, settings_of(options))
    read_all(session)
    row = _row(session, name) if name else None
    told = [*asked, *([f"since:{since}"] if since else []), *(["admin"] if admin else [])]
    count = _account(session, told, form, rollback) if row is None else _one(session, row, told, form, rollback)
    say_problems(session)
    return gated(_exit(session, row), fail_on, [""] * count)


def _row(session: Session, name: str) -> Row:
    for match in session.find(name):
        if isinstance(match.row.item, User | Role | Group | Policy):
            return match.row
    raise not_found(
        session, f"{name} is no user, role, group or policy in what has been read", "without a name: what changed in the account"
    )


def _exit(session: Session, row: Row | None) -> int:
    code = exit_code(session)
    partial = session.events_lost or any(window.state is not WindowState.COVERED for window in session.windows(row))
    return int(Exit.PARTIAL) if code == Exit.FINE and partial else code


# -- one identity or policy --------------------------------------------------------------------------------------------


def _one(session: Session, row: Row, told: Sequence[str], form: str, rollback: str) -> int:
    """Print them; how many there are."""
    for _ in session.load_changes(row):
        pass
    view = session.changes(row)
    entries = _narrowed(session, view.entries, told)
    if rollback:
        _rollback(session, entries, rollback)
        return len(entries)
    weighed = [(entry, session.meaning(entry.change)) for entry in entries]
    name = str(getattr(row.item, "name", ""))
    if form == "json":
        since = view.admin
        print_json(
            {
                "name": name,
                "arn": getattr(row.item, "arn", ""),
                "administrator": None
                if since is None
                else {
                    "now": since.now.value,
                    "since": change_json(since.since, None, documents=False) if since.since is not None else None,
                    "words": admin_answer(since),
                    "not_known": since.unknown,
                    "needed": since.needed,
                },
                "changes": [change_json(entry, meaning) for entry, meaning in weighed],
                "earlier_of_this_name": view.earlier,
                "gaps": [{"source": gap.source.value, "words": gap.words, "since": gap.since, "until": gap.until} for gap in view.gaps],
            }
        )
        return len(entries)
    if form == "csv":
        data(csv_table(list(COLUMNS), [line(entry, meaning) for entry, meaning in weighed]))
        return len(entries)
    answer = admin_answer(view.admin) if view.admin is not None else []
    gaps = [gap_words(gap) for gap in view.gaps]
    if view.earlier:
        gaps.append(f"{view.earlier} entries are of an earlier one of this name, and are not listed")
    if form == "markdown":
        _markdown(f"Changes of {name}", answer, weighed, gaps)
        return len(entries)
    for sentence in answer:
        data(visible(sentence) + "\n")
    if answer:
        data("\n")
    print_table(_HEADER, [line(entry, meaning)[:5] for entry, meaning in weighed])
    for gap in gaps:
        words(f"not told: {gap}")
    return len(entries)


def _narrowed(session: Session, entries: Sequence[Entry], told: Sequence[str]) -> list[Entry]:
    """The entries of a history that a filter leaves; `admin`: those that made the identity an administrator or took it away, or whose
    documents do."""
    from ..analysis.changes.filtering import keeps

    wanted = parse_filter(" ".join(told), session.now())
    kept = [entry for entry in entries if keeps(entry.change, wanted)]
    if wanted.admin:
        kept = [entry for entry in kept if entry.admin or session.meaning(entry.change).admin]
    return kept


# -- the account -------------------------------------------------------------------------------------------------------


def _account(session: Session, told: Sequence[str], form: str, rollback: str) -> int:
    """Print them; how many there are."""
    wanted = parse_filter(" ".join(told), session.now())
    for _ in session.load_account_changes(since=wanted.since):
        pass
    found = session.account_changes(wanted=wanted)
    entries = [Entry(listed.change) for listed in found.entries]
    if rollback:
        _rollback(session, entries, rollback)
        return len(entries)
    weighed = [(entry, session.meaning(entry.change)) for entry in entries]
    if form == "json":
        print_json(
            {
                "since": wanted.since,
                "counts": {"changes": len(entries), "kinds": dict(found.kinds), "authors": dict(found.authors), "give_admin": found.admins, "without_author": found.authorless, "without_date": found.undated},
                "changes": [change_json(entry, meaning) for entry, meaning in weighed],
                "notes": list(found.notes),
            }
        )  # fmt: skip
        return len(entries)
    lines = [line(entry, meaning) for entry, meaning in weighed]
    targets = [target_words(entry.change) for entry in entries]
    if form == "csv":
        data(csv_table(["of", *COLUMNS], [[target, *cells] for target, cells in zip(targets, lines, strict=True)]))
        return len(entries)
    title = f"Changes{since_words(wanted.since)}"
    if form == "markdown":
        _markdown(title, [count_words(found)], weighed, found.notes, of=True)
        return len(entries)
    print_table(("TIME (UTC)", "OF", *_HEADER[1:]), [[cells[0], target, *cells[1:5]] for target, cells in zip(targets, lines, strict=True)])
    words(f"{title}: {count_words(found)}")
    for note in found.notes:
        words(f"not told: {note}" if "no events" in note else note)
    return len(entries)


def _markdown(
    title: str, answer: Sequence[str], weighed: Sequence[tuple[Entry, Meaning]], gaps: Sequence[str], *, of: bool = False
) -> None:
    data(f"# {markdown_text(title)}\n\n")
    for sentence in answer:
        data(f"{markdown_text(sentence)}.\n\n")
    header = ("time (UTC)", *(("of",) if of else ()), "what", "who", "gives or takes", "told by")
    data("| " + " | ".join(header) + " |\n" + "|---" * len(header) + "|\n")
    for entry, meaning in weighed:
        cells = line(entry, meaning)[:5]
        row = [cells[0], *([target_words(entry.change)] if of else []), *cells[1:]]
        data("| " + " | ".join(markdown_text(cell) for cell in row) + " |\n")
    if gaps:
        data("\nNot told:\n\n")
        for gap in gaps:
            data(f"- {markdown_text(gap)}\n")


def _rollback(session: Session, entries: Sequence[Entry], form: str) -> None:
    """The texts of all entries, the newest first: as they would have to be run. What is printed is ASCII and commands, to look at and paste."""
    if not entries:
        words("no entry is left to put back")
    for number, entry in enumerate(entries):
        data(("\n" if number else "") + session.rollback(entry.change, form))
