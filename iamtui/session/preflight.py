"""A policy before it is applied, against an identity of an open account where one is given."""

from __future__ import annotations

from pathlib import Path

from ..analysis.preflight import Change, Preflight
from ..analysis.preflight import preflight as compare
from ..errors import BadInputError, NotFoundError
from ..model.identity import Group, Role, User
from ..model.policy import Policy
from .answers import Row
from .facade import Session

_MOST_NAMES = 8


def preflight(old: str, new: str, session: Session | None = None, row: Row | None = None, policy: Row | None = None) -> Preflight:
    """Compare two policy documents. `row` is the identity it is for, `policy` the policy the old one is of. Loads the catalogue."""
    identity = row.item if row is not None and isinstance(row.item, User | Role | Group) else None
    held = row or policy
    snapshot = held.snapshot if held is not None else None
    if session is None:
        return compare(old, new)
    return compare(old, new, identity, snapshot, session.surroundings())


def document_of(text: str, session: Session | None) -> tuple[str, Row | None]:
    """(JSON text, its policy's row) behind a file, `none`, or the name or ARN of a policy that was read.

    Raises BadInputError and NotFoundError.
    """
    if text == "none":
        return "", None
    path = Path(text)
    if path.is_file():
        try:
            return path.read_text(encoding="utf-8-sig"), None
        except (OSError, UnicodeDecodeError) as error:
            raise BadInputError(f"{text} cannot be read: {error}", "a policy is a JSON file in UTF-8") from error
    for match in session.find(text) if session is not None else ():
        if isinstance(match.row.item, Policy):
            version = match.row.item.default_version
            if version is not None and version.document:
                return version.document, match.row
            raise BadInputError(f"The text of {text} was not read", "save it with aws iam get-policy-version")
    raise NotFoundError(f"{text} is neither a file nor a policy that was read", "give a file, a policy's name or ARN, - or none")


def remark_lines(answer: Preflight) -> list[tuple[str, str]]:
    """(severity or `broken`, words) of what is wrong or risky."""
    lines = []
    for remark in answer.remarks:
        where = f" ({remark.statement})" if remark.statement else ""
        todo = f"; {remark.what_to_do}" if remark.what_to_do else ""
        lines.append(("broken" if remark.broken else remark.severity.value, f"{remark.words}{where}{todo}"))
    return lines


def danger_lines(answer: Preflight) -> list[tuple[str, str]]:
    """(`escalation` or `exposure`, words) of what the change opens."""
    told = [("escalation", danger) for danger in answer.escalations] + [("exposure", danger) for danger in answer.exposures]
    return [(kind, f"{one.who}{': ' if one.who else ''}{one.words}{f' ({one.why})' if one.why else ''}") for kind, one in told]


def change_words(change: Change) -> str:
    """Access gained or lost, in a line."""
    names = [action.partition(":")[2] for action in change.actions]
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    what = f"{change.service} {change.level}: {', '.join(names[:_MOST_NAMES])}{more}"
    on = f" on {'everything but ' if change.excepted else ''}{', '.join(change.resources)}" if change.resources else ""
    when = f" when {' and '.join(change.conditions)}" if change.conditions else ""
    known = f"; it has that already: {'; '.join(change.already)}" if change.already else ""
    known += f"; it does not get it: {'; '.join(change.stopped)}" if change.stopped else ""
    return f"{what}{on}{when} ({change.statement}: {change.why}){known}"
