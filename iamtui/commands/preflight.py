"""`iamtui preflight OLD NEW`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ..analysis.preflight import Change, Preflight
from ..errors import BadInputError, Exit, NotFoundError
from ..model.policy import Policy
from ..session import Session
from ..text import visible
from .opening import open_session, read_all, say_problems, settings_of
from .output import data, print_json, words

_MOST = 8


def check(options: Mapping[str, Any], old: str, new: str, who: str, form: str) -> int:
    """Print what is wrong, gained and lost. 1 when access grows or AWS would refuse the new policy."""
    session: Session | None = None
    if who or not (_is_file(old) and _is_file(new)):
        session = open_session(options, settings_of(options))
        read_all(session)
    row = None
    if who and session is not None:
        matches = session.find(who)
        if not matches:
            raise NotFoundError(f"{who} is nowhere in what has been read")
        row = matches[0].row
    from ..session.preflight import preflight

    answer = preflight(_document(old, session), _document(new, session), row)
    if form == "json":
        print_json({**msgspec.to_builtins(answer), "grows": answer.grows, "broken": answer.broken})
    else:
        _print(answer)
    if session is not None:
        say_problems(session)
    return int(Exit.CHECK_FAILED if answer.grows or answer.broken else Exit.FINE)


def _is_file(text: str) -> bool:
    return text in ("-", "none") or Path(text).is_file()


def _document(text: str, session: Session | None) -> str:
    """The JSON text behind a file, `-` (standard input), `none`, or the name or ARN of a policy that was read."""
    if text == "none":
        return ""
    if text == "-":
        return sys.stdin.read()
    path = Path(text)
    if path.is_file():
        try:
            return path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInputError(f"{text} cannot be read: {error}", "a policy is a JSON file in UTF-8") from error
    for match in session.find(text) if session is not None else ():
        if isinstance(match.row.item, Policy):
            version = match.row.item.default_version
            if version is not None and version.document:
                return version.document
            raise BadInputError(f"The text of {text} was not read", "save it with aws iam get-policy-version")
    raise NotFoundError(f"{text} is neither a file nor a policy that was read", "give a file, a policy's name or ARN, - or none")


def _print(answer: Preflight) -> None:
    for remark in answer.remarks:
        where = f" ({remark.statement})" if remark.statement else ""
        todo = f"; {remark.what_to_do}" if remark.what_to_do else ""
        data(visible(f"{'broken' if remark.broken else remark.severity.value}: {remark.words}{where}{todo}") + "\n")
    for title, changes in (("gained", answer.gained), ("lost", answer.lost)):
        for change in changes:
            data(visible(f"{title}: {_words(change)}") + "\n")
    if not answer.gained:
        words("no access is gained")


def _words(change: Change) -> str:
    names = [action.partition(":")[2] for action in change.actions]
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    what = f"{change.service} {change.level}: {', '.join(names[:_MOST])}{more}"
    on = f" on {'everything but ' if change.excepted else ''}{', '.join(change.resources)}"
    when = f" when {' and '.join(change.conditions)}" if change.conditions else ""
    known = f"; it has that already: {'; '.join(change.already)}" if change.already else ""
    known += f"; it does not get it: {'; '.join(change.stopped)}" if change.stopped else ""
    return f"{what}{on}{when} ({change.statement}: {change.why}){known}"
