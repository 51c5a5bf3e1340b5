"""`iamtui practices`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import Exit, UsageError
from ..model.practice import Practice
from ..session.export import csv_table
from ..session.practicetext import COLUMNS, OFFENDER_COLUMNS, failing, offender_row, practice_json, practice_row, share_words, untold
from .opening import exit_code, open_session, read_all, say_problems, settings_of
from .output import data, markdown_text, print_json, print_table, words


def print_practices(options: Mapping[str, Any], name: str, form: str, least: int | None) -> int:
    """Print the ten practices, or one with who breaks it. Exit 1 when one is kept by less than `least` percent."""
    session = open_session(options, settings_of(options))
    read_all(session)
    if session.info.kind != "live" or session.trail.delivered:
        for _ in session.load_events():
            pass
    found = session.load_practices()
    if name:
        found = (_named(name, found),)
    if form == "json":
        print_json([practice_json(one) for one in found])
    elif form == "csv":
        data(csv_table(list(OFFENDER_COLUMNS), [offender_row(one, offender) for one in found for offender in one.offenders]))
    elif form == "markdown":
        _markdown(found)
    elif name:
        _one(found[0], {snapshot.account: snapshot.label for snapshot in session.world.snapshots})
    else:
        print_table([column.upper() for column in COLUMNS], [practice_row(one) for one in found], right=frozenset({0, 3}))
    say_problems(session)
    if form in ("table", "csv"):
        for practice in untold(found):
            for missing in practice.missing:
                words(f"{practice.id}: not known: {missing}")
    code = exit_code(session)
    if code not in (Exit.FINE, Exit.PARTIAL):
        return code
    if least is not None and failing(found, least):
        words(f"kept by less than {least} %: {', '.join(one.id for one in failing(found, least))}")
        return int(Exit.CHECK_FAILED)
    return int(Exit.PARTIAL) if untold(found) else code


def _named(name: str, found: tuple[Practice, ...]) -> Practice:
    chosen = [one for one in found if name in (one.id, str(one.number))] or [one for one in found if one.id.startswith(name.casefold())]
    if len(chosen) != 1:
        raise UsageError(f"There is no practice {name}", f"there are {', '.join(one.id for one in found)}")
    return chosen[0]


def _one(practice: Practice, names: Mapping[str, str]) -> None:
    share = f", {share_words(practice)}" if practice.share is not None else ""
    data(f"{practice.number}  {practice.title}: {practice.kept.value}{share}\n{practice.claim}\n\n")
    several = len(names) > 1
    if practice.offenders:
        rows = [
            [one.name, *([names.get(one.account, one.account)] if several else []), one.subject, one.words, one.source]
            for one in practice.offenders
        ]
        print_table(["NAME", *(["ACCOUNT"] if several else []), "SUBJECT", "EVIDENCE", "SOURCE"], rows)
        data("\n")
    for missing in practice.missing:
        data(f"not known: {missing}\n")
    data(f"checked: {practice.definition}\nnot seen: {practice.blind}\n")
    if practice.control:
        data(f"CIS AWS Foundations Benchmark 4.0.1: {practice.control}\n")
    data(f"do: {practice.todo}\n")


def _markdown(found: tuple[Practice, ...]) -> None:
    data("# Practices\n\n| nr | practice | state | kept | what was found |\n|---|---|---|---|---|\n")
    for one in found:
        data("| " + " | ".join(markdown_text(cell) for cell in practice_row(one)) + " |\n")
    for one in found:
        data(f"\n## {one.number}. {markdown_text(one.title)}: {one.kept.value}\n\n{markdown_text(one.definition)}\n\n")
        for missing in one.missing:
            data(f"- not known: {markdown_text(missing)}\n")
        if one.offenders:
            data("\n| name | subject | evidence | source | as of |\n|---|---|---|---|---|\n")
            for offender in one.offenders:
                row = offender_row(one, offender)[1:6]
                data("| " + " | ".join(markdown_text(cell) for cell in row) + " |\n")
        control = f" CIS AWS Foundations Benchmark 4.0.1: {one.control}." if one.control else ""
        data(f"\nNot seen: {markdown_text(one.blind)}{control}\n\nDo: {markdown_text(one.todo)}\n")
