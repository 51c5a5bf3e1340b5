"""What an entry gives and takes, by the engine; and the same as a comparison of documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

from ...model.change import Change, ChangeKind
from ...model.fact import Fact, State
from ...model.identity import Group, Role, User
from ...model.policy import PolicyRef
from ...policy.document import Statement, parse
from ..classing import gives as class_of
from ..preflight import Change as Access
from ..preflight import Danger, preflight
from ..reach import groups_by_name
from .history import History
from .settling import group_named

K = ChangeKind
_NOTHING = '{"Version":"2012-10-17","Statement":[]}'
ABOUT_ACCESS = frozenset(
    {
        K.CREATED,
        K.DELETED,
        K.ATTACHED,
        K.DETACHED,
        K.PUT,
        K.REMOVED,
        K.VERSION,
        K.DEFAULT,
        K.TRUST,
        K.BOUNDARY_SET,
        K.BOUNDARY_REMOVED,
        K.JOINED,
        K.LEFT,
    }
)
"""Kinds that may give or take access by documents."""


class Meaning(msgspec.Struct, frozen=True, eq=False):
    """What a change gives and takes.

    old, new: the documents compared, "" for none
    admin:    `gained`, `lost`: the documents by themselves give an administrator's rights now, or no longer; `given`: they do, and
              what stood before is not told
    opens, closes: ways to an administrator's rights and openings to the outside, of the documents alone
    untold:   why it cannot be worked out, "" when it was
    limit:    the documents are a permissions boundary: they give nothing, they say how far other policies reach
    """

    old: str = ""
    new: str = ""
    gained: tuple[Access, ...] = ()
    lost: tuple[Access, ...] = ()
    opens: tuple[Danger, ...] = ()
    closes: tuple[Danger, ...] = ()
    admin: str = ""
    untold: str = ""
    limit: bool = False


NO_ACCESS = Meaning()


def documents(change: Change, history: History) -> tuple[str, str, str]:
    """(before, after, why one of them is not known): the documents whose difference is what the entry gives and takes."""
    if change.kind not in ABOUT_ACCESS or change.repeated or (change.kind is K.VERSION and change.default is False):
        return "", "", ""
    if change.kind in (K.CREATED, K.DELETED) and change.target in ("user", "group"):
        return "", "", ""
    if change.kind in (K.JOINED, K.LEFT):
        text, why = _of_group(change, history)
        return ("", text, why) if change.kind is K.JOINED else (text, "", why)
    why = next(
        (f"{side}: {fact.detail or 'not told'}" for side, fact in (("before", change.before), ("after", change.after)) if _open(fact)), ""
    )
    return change.before.value or "", change.after.value or "", why


def _open(fact: Fact[str]) -> bool:
    return not fact.is_known and fact.state is not State.NOT_APPLICABLE


def _of_group(change: Change, history: History) -> tuple[str, str]:
    """What a group gave at that time, as one document: its policies as the entries leave them."""
    group: Group | None = group_named(groups_by_name(history.snapshot), change.part)
    if group is None:
        return "", f"the group {change.part} is not in what was read"
    inline = {policy.name: policy.document for policy in group.inline}
    attached = {ref.arn for ref in group.attached}
    why = ""
    for entry in reversed(history.of(group)):
        if entry.at is None or change.at is None or entry.at <= change.at or entry.repeated:
            continue
        if entry.kind is K.ATTACHED:
            attached.discard(entry.part)
        elif entry.kind is K.DETACHED:
            attached.add(entry.part)
        elif entry.kind in (K.PUT, K.REMOVED):
            if entry.before.is_known:
                inline[entry.part] = entry.before.value or ""
            else:
                inline.pop(entry.part, None)
                why = why if not _open(entry.before) else f"what {entry.part} of the group said then is not told"
    texts = list(inline.values())
    for arn in sorted(attached):
        fact = history.texts.at(arn, change.at)
        texts.append(fact.value or "")
        why = why if fact.is_known else f"{arn.rpartition('/')[2]} of the group: {fact.detail}"
    return joined(texts), why


def joined(texts: Iterable[str]) -> str:
    """Documents as one that gives what they give together; "" when there is none."""
    statements: list[object] = []
    for text in texts:
        try:
            document = msgspec.json.decode(text) if text else {}
        except (msgspec.MsgspecError, RecursionError, ValueError):
            continue
        held = document.get("Statement", []) if isinstance(document, dict) else []
        statements += held if isinstance(held, list) else [held]
    return msgspec.json.encode({"Version": "2012-10-17", "Statement": statements}).decode() if statements else ""


def meaning(change: Change, history: History) -> Meaning:
    """What an entry gives and takes. Loads the catalogue: for a worker."""
    if change.kind in (K.BOUNDARY_SET, K.BOUNDARY_REMOVED):
        return _limited(change, history)
    old, new, why = documents(change, history)
    if why:
        return Meaning(old, new, untold=why, admin="given" if gives_admin(new) and not change.before.is_known else "")
    if not old and not new:
        return NO_ACCESS
    return compared(old, new)


def _limited(change: Change, history: History) -> Meaning:
    """What a boundary takes away or gives back: the identity's policies as they are now, within the one and within the other."""
    from ..effective import compared as side_by_side
    from ..effective import effective_access

    snapshot = history.snapshot
    people: tuple[User | Role, ...] = (*snapshot.users, *snapshot.roles)
    identity = next((one for one in people if one.unique_id and one.unique_id == change.unique_id), None)
    old, new = change.before.value or "", change.after.value or ""
    why = next((fact.detail or "the text of a boundary is not told" for fact in (change.before, change.after) if _open(fact)), "")
    if change.repeated or identity is None or why:
        return Meaning(old, new, untold=why or ("" if change.repeated else "the identity is gone"), limit=True)
    sides = [
        effective_access(msgspec.structs.replace(identity, boundary=PolicyRef(arn, arn.rpartition("/")[2]) if arn else None), snapshot)
        for arn in (change.was, change.becomes)
    ]
    gained: list[Access] = []
    lost: list[Access] = []
    for one in side_by_side(*sides):
        for found, names, words in (
            (lost, one.only_first, "the boundary does not let it through"),
            (gained, one.only_second, "no boundary stops it any more"),
            (lost if change.becomes else gained, one.unlike, "on fewer or other resources, or under other conditions"),
        ):
            if names:
                actions = tuple(f"{one.service}:{name}" for name in names)
                found.append(Access(one.service, one.level, actions, (), False, (), "with the policies it has now", words))
    return Meaning(old, new, tuple(gained), tuple(lost), limit=True)


@lru_cache(maxsize=2048)
def compared(old: str, new: str) -> Meaning:
    """Two documents, "" for none; kept, because an account has the same documents many times."""
    before, after = gives_admin(old), gives_admin(new)
    admin = "" if before is after else "gained" if after else "lost"
    all_before, all_after = _gives_everything(old), _gives_everything(new)
    if all_before is not all_after:  # to name every action there is tells nobody more
        rest = (_EVERYTHING,)
        return Meaning(old, new, rest if all_after else (), rest if all_before else (), admin=admin)
    forth = preflight(old or _NOTHING, new or _NOTHING)
    back = preflight(new or _NOTHING, old or _NOTHING)
    opens = (*forth.escalations, *forth.exposures)
    closes = (*back.escalations, *back.exposures)
    return Meaning(old, new, forth.gained, forth.lost, opens, closes, admin)


_EVERYTHING = Access("every service", "every level", ("*:*",), ("*",), False, (), "Allow * on *", "an administrator's rights")


@lru_cache(maxsize=4096)
def _gives_everything(text: str) -> bool:
    return any(
        one.allows and not one.broken and not one.conditions and "*" in one.actions and "*" in one.resources and not one.principals
        for one in (parse(text).statements if text else ())
    )


@lru_cache(maxsize=4096)
def gives_admin(text: str) -> bool:
    """Whether a document by itself gives an administrator's rights."""
    found = class_of(text) if text and not _speaks_of_principals(parse(text).statements) else None
    return found is not None and found.severity is not None and found.severity.value == "critical"


def _speaks_of_principals(statements: Sequence[Statement]) -> bool:
    return any(one.principals or one.not_principals for one in statements)


def admin_by_documents(change: Change, history: History) -> str:
    """`gained` or `lost` an administrator's rights by the documents of an entry alone, `given` where what stood before is not told;
    cheap, for lists of thousands."""
    if change.kind in (K.BOUNDARY_SET, K.BOUNDARY_REMOVED, K.TRUST) or (change.target == "role" and change.kind is K.CREATED):
        return ""
    old, new, why = documents(change, history)
    before, after = gives_admin(old), gives_admin(new)
    if why and not old:
        return "given" if after else ""
    return "" if before is after else "gained" if after else "lost"
