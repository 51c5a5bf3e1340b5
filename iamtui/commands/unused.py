"""`iamtui unused`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..analysis.diff import diff_documents
from ..analysis.reducing import Reduction
from ..analysis.unused import UnusedAccess
from ..model.fact import State
from ..model.identity import Group, Role, User
from ..session import ListKind, Row, Session
from ..session.export import csv_stream, defuse
from ..session.unused import (
    SERVICE_COLUMNS,
    headline,
    pretty_new,
    service_row,
    smaller_words,
    source_words,
    unused_json,
    uses_words,
    whole_words,
)
from ..text import visible
from .gate import gated
from .opening import exit_code, not_found, open_session, read_all, say_problems, settings_of
from .output import data, json_words, line_by_line, markdown_text, print_json, print_table, words

_Answer = tuple[UnusedAccess, Reduction]


def print_unused(options: Mapping[str, Any], name: str, days: int, form: str, fail_on: str) -> int:
    """Print what one identity, or every user and role, holds and did not use, with the smaller policies. Of everybody one answer is
    held at a time."""
    session = open_session(options, settings_of(options))
    read_all(session)
    if session.info.kind != "live" or session.trail.delivered:
        for _ in session.load_events():
            pass
    rows = [_row(session, name)] if name else _everybody(session)
    unasked, idle = [0], [0]
    answers = _counted(_answers(session, rows, days, unasked, one=bool(name), smaller=form != "csv"), idle)
    if form == "json":
        _print_json(answers, one=bool(name))
    elif form == "csv":
        lines = ([defuse(cell) for cell in [a.arn, *service_row(a, service)]] for a, _ in answers for service in a.services)
        for line in csv_stream(["identity", *SERVICE_COLUMNS], lines):
            data(line)
    elif form == "markdown" and not name:
        _print_report(session, answers, days)
    elif form == "markdown":
        for answer in answers:
            _markdown(*answer)
    elif name:
        _print(*next(answers))
    else:
        _print_all(answers)
    if unasked[0]:
        words(f"{unasked[0]} of {len(rows)} have no last-accessed report on hand; iamtui sweep last-used asks AWS for them")
    say_problems(session)
    return gated(exit_code(session), fail_on, [""] * idle[0])


def _answers(session: Session, rows: Sequence[Row], days: int, unasked: list[int], *, one: bool, smaller: bool) -> Iterator[_Answer]:
    """The answers one after the other; `unasked` counts those nobody asked Access Advisor about."""
    terminal, told = sys.stderr.isatty() and not one, 0.0
    for number, row in enumerate(rows, 1):
        if terminal and time.monotonic() - told >= 0.5:
            told = time.monotonic()
            sys.stderr.write(f"\r{number:,} of {len(rows):,}\x1b[K")
            sys.stderr.flush()
        answer = _ask(session, row, days, one=one, smaller=smaller)
        unasked[0] += session.usage(row).state is State.NOT_LOADED
        session.let_go(row)
        yield answer
    if terminal:
        sys.stderr.write("\r\x1b[K")


def _counted(answers: Iterator[_Answer], idle: list[int]) -> Iterator[_Answer]:
    """The same; `idle` counts the services somebody holds and nobody used."""
    for answer in answers:
        idle[0] += len(answer[0].idle_services)
        yield answer


def _print_json(answers: Iterator[_Answer], *, one: bool) -> None:
    """An object, or an array written as it comes."""
    if one:
        print_json(unused_json(*next(answers)))
        return
    if line_by_line():
        for answer in answers:
            print_json(unused_json(*answer))
        return
    lead = "["
    for answer in answers:
        data(lead + "\n" + json_words(unused_json(*answer)))
        lead = ","
    data(("[" if lead == "[" else "\n") + "]\n")


def _print_report(session: Session, answers: Iterator[_Answer], days: int) -> None:
    """The report about an account: what was looked at, everybody in a line, then everybody in full."""
    import shutil
    import tempfile

    from .output import into

    accounts = ", ".join(snapshot.label for snapshot in session.world.snapshots)
    lines: list[str] = []
    idle = 0
    with tempfile.SpooledTemporaryFile(max_size=4 << 20, mode="w+", encoding="utf-8", errors="replace") as sections:
        with into(sections):
            for found, smaller in answers:
                idle += bool(found.idle)
                changed = ", ".join(f"{p.name}{' (detach)' if not p.new else ''}" for p in smaller.policies if p.changed)
                cells = (found.name, f"{len(found.idle_services)}/{len(found.services)}", headline(found), found.idle, changed)
                lines.append("| " + " | ".join(markdown_text(cell) for cell in cells) + " |\n")
                _markdown(found, smaller)
        data(f"# Access nobody used in {days} days: {markdown_text(accounts)}\n\n")
        data(f"Made {session.now():%Y-%m-%d %H:%M} UTC of {len(lines):,} users and roles; {idle:,} of them were not used at all.\n\n")
        data("| identity | services unused | actions | all of it | policies to make smaller or detach |\n|---|---|---|---|---|\n")
        for line in lines:
            data(line)
        data("\n")
        sections.seek(0)
        shutil.copyfileobj(sections, sys.stdout)


def _row(session: Session, name: str) -> Row:
    for match in session.find(name):
        if isinstance(match.row.item, User | Role | Group):
            return match.row
    raise not_found(session, f"{name} is no user, role or group in what has been read")


def _everybody(session: Session) -> list[Row]:
    kinds = (ListKind.USERS, ListKind.ROLES)
    rows = (row for kind in kinds for row in session.listing(kind).rows)
    return [row for row in rows if not getattr(row.item, "service_linked", False) and session.grants(row)]


def _ask(session: Session, row: Row, days: int, *, one: bool, smaller: bool) -> _Answer:
    """For one identity AWS is asked; for all of them only what is on hand is joined (a demo and evidence have it all)."""
    if one or session.info.kind != "live":
        for _ in session.load_usage(row):
            pass
    if one and session.info.kind == "live":
        for _ in session.load_activity(row):
            pass
    return session.unused(row, days) if smaller else (session.unused_access(row, days), Reduction((), 0))


def _print(found: UnusedAccess, smaller: Reduction) -> None:
    data(visible(f"{found.name}: {headline(found)}") + "\n")
    if found.idle:
        data(visible(f"all of it: {found.idle}") + "\n")
    for label, value, source in whole_words(found):
        data(visible(f"{label}: {value}  ({source})") + "\n")
    for told in source_words(found):
        data(visible(f"looked at {told}") + "\n")
    data("\n")
    print_table([column.upper() for column in SERVICE_COLUMNS], [service_row(found, service) for service in found.services])
    for policy in smaller.policies:
        data("\n" + visible(smaller_words(policy)) + "\n")
        for note in policy.notes:
            data(visible(f"  note: {note}") + "\n")
        if policy.changed and policy.new:
            for line in diff_documents(policy.old, policy.new).unified().splitlines():
                data(visible(line) + "\n")
    words(uses_words(smaller))


def _print_all(answers: Iterator[_Answer]) -> None:
    header = ["IDENTITY", "SERVICES UNUSED", "ACTIONS", "ALL OF IT", "POLICIES TO MAKE SMALLER OR DETACH"]
    lines = []
    for found, smaller in answers:
        changed = [f"{p.name}{' (detach)' if not p.new else ''}" for p in smaller.policies if p.changed]
        order = (not found.idle, -len(found.idle_services), found.name)
        share = f"{len(found.idle_services)}/{len(found.services)}"
        lines.append((order, [found.name, share, headline(found), found.idle, ", ".join(changed)]))
    print_table(header, [line for _, line in sorted(lines)])


def _markdown(found: UnusedAccess, smaller: Reduction) -> None:
    """A section of a report; account text is code, so that nothing in it is markup."""
    data(f"## {_code(found.name)}\n\n{headline(found)}.\n\n")
    if found.idle:
        data(f"All of it: {markdown_text(found.idle)}.\n\n")
    for told in (*(f"{label}: {value} ({source})" for label, value, source in whole_words(found)), *source_words(found)):
        data(f"- {markdown_text(told)}\n")
    data("\n| " + " | ".join(SERVICE_COLUMNS) + " |\n" + "|---" * len(SERVICE_COLUMNS) + "|\n")
    for service in found.services:
        data("| " + " | ".join(markdown_text(cell) for cell in service_row(found, service)) + " |\n")
    for policy in smaller.policies:
        data(f"\n### {_code(policy.name)}\n\n{markdown_text(smaller_words(policy))}\n\n")
        for note in policy.notes:
            data(f"- {markdown_text(note)}\n")
        if policy.changed and policy.new:
            shown = "\n".join(visible(line) for line in pretty_new(policy).splitlines())
            fence = "`" * max(3, _longest_ticks(shown) + 1)
            data(f"\n{fence}json\n{shown}\n{fence}\n")
    data("\n")


def _code(text: str) -> str:
    shown = visible(text).replace("\n", " ")
    ticks = "`" * (_longest_ticks(shown) + 1)
    return f"{ticks} {shown} {ticks}" if "`" in shown else f"`{shown}`"


def _longest_ticks(text: str) -> int:
    longest = run = 0
    for character in text:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    return longest
