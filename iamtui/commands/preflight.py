"""`iamtui preflight OLD NEW`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ..analysis.preflight import Preflight
from ..errors import Exit
from ..session import Row, Session
from ..session.preflight import change_words, danger_lines, document_of, preflight, remark_lines
from ..text import visible
from .opening import exit_code, not_found, open_session, read_all, say_problems, settings_of
from .output import data, print_json, words


def check(options: Mapping[str, Any], old: str, new: str, who: str, form: str, *, ask_aws: bool, fail_on: str = "any") -> int:
    """Print what is wrong, gained, lost and opened. 1 when access grows or AWS would refuse the new policy."""
    session: Session | None = None
    if who or ask_aws or not (_is_file(old) and _is_file(new)):
        session = open_session(options, settings_of(options))
        if who or not (_is_file(old) and _is_file(new)):
            read_all(session)
    row = None
    if who and session is not None:
        matches = session.find(who)
        if not matches:
            raise not_found(session, f"{who} is nowhere in what has been read")
        row = matches[0].row
    before, policy = _document(old, session)
    after, _ = _document(new, session)
    answer = preflight(before, after, session, row, policy)
    told = session.validate_policy(after) if ask_aws and session is not None else ()
    if form == "json":
        print_json(
            {
                **msgspec.to_builtins(answer),
                "grows": answer.grows,
                "broken": answer.broken,
                **({"aws": [msgspec.to_builtins(one) for one in told]} if ask_aws else {}),
            }
        )
    else:
        _print(answer)
        for one in told:
            data(visible(f"AWS says: {one.kind}: {one.code}: {one.words}{f' ({one.where})' if one.where else ''}") + "\n")
        if ask_aws and not told and session is not None and not session.problem_count():
            data("AWS says: nothing to find fault with\n")
    if session is not None:
        say_problems(session)
    refused = any(one.kind == "ERROR" for one in told)
    code = int(Exit.FINE) if session is None or not session.world.snapshots else exit_code(session)
    return int(Exit.CHECK_FAILED) if fail_on != "none" and (answer.grows or answer.broken or refused) else code


def _is_file(text: str) -> bool:
    return text in ("-", "none") or Path(text).is_file()


def _document(text: str, session: Session | None) -> tuple[str, Row | None]:
    return (sys.stdin.read(), None) if text == "-" else document_of(text, session)


def _print(answer: Preflight) -> None:
    for kind, told in (*remark_lines(answer), *danger_lines(answer)):
        data(visible(f"{kind}: {told}") + "\n")
    for title, changes in (("gained", answer.gained), ("lost", answer.lost)):
        for change in changes:
            data(visible(f"{title}: {change_words(change)}") + "\n")
    if not answer.grows:
        words("no access is gained")
