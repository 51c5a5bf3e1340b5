"""Managed policies: which came and went, what the text in force grants now and did not before, which versions are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from ...model.finding import Severity
from ...model.identity import Group, Identity
from ...model.policy import Policy, PolicyVersion
from ..changes.meaning import NO_ACCESS, Meaning, compared
from ..diff import diff_documents
from ..documents import canonical, same_document
from ..preflight import Change as Access
from ..reach import attached_to, bounded_by, members_by_group
from .difference import Difference, Side, Turn, What
from .identities import tag_differences
from .pairing import Pair
from .sides import Sides

_MOST_WORDS = 3
_GRAVE_LEVEL = "Permissions management"


def policies(sides: Sides, wanted: Callable[[Any], bool]) -> Iterator[Difference]:
    for pair in sides.policies:
        if pair.old == pair.new or not wanted(pair):
            continue
        if pair.old is None or pair.new is None:
            if not pair.one.aws_managed:  # AWS's own are listed while somebody has them: the grants tell that
                yield _came_or_went(sides, pair)
            continue
        if pair.replaced:
            words = f"another policy of this name: {pair.old.policy_id} is now {pair.new.policy_id}"
            yield sides.of(
                pair, What.IDENTITY, Turn.REPLACED, Severity.MEDIUM, words,
                before=pair.old.policy_id, after=pair.new.policy_id, at=sides.dated(pair.new.created),
            )  # fmt: skip
        yield from _in_force(sides, pair)
        yield from _kept(sides, pair)
        yield from tag_differences(sides, pair)


def _came_or_went(sides: Sides, pair: Pair[Policy]) -> Difference:
    came, policy = pair.old is None, pair.one
    version = policy.default_version
    text = version.document if version is not None else ""
    return sides.of(
        pair,
        What.IDENTITY,
        Turn.ADDED if came else Turn.REMOVED,
        Severity.LOW,
        f"policy {'created' if came else 'deleted'}",
        before="" if came else policy.policy_id or policy.arn,
        after=(policy.policy_id or policy.arn) if came else "",
        old_document="" if came else text,
        new_document=text if came else "",
        at=sides.dated(policy.created) if came else None,
    )


def holders(arn: str, sides: Sides) -> tuple[tuple[str, ...], bool]:
    """(ARNs of everybody a policy reaches at both points, groups and their members among them; whether it limits anybody)."""
    found: dict[str, None] = {}
    for side in (sides.old, sides.new):
        for holder in _held(arn, side):
            found[holder.arn] = None
            if isinstance(holder, Group):
                found.update(dict.fromkeys(user.arn for user in members_by_group(side).get(holder.name, ())))
    limits = any(arn in bounded_by(side) for side in (sides.old, sides.new))
    return tuple(sorted(found)), limits


def _held(arn: str, snapshot: Any) -> tuple[Identity, ...]:
    return (*attached_to(snapshot).get(arn, ()), *bounded_by(snapshot).get(arn, ()))


def _in_force(sides: Sides, pair: Pair[Policy]) -> Iterator[Difference]:
    was, is_now = pair.both
    old, new = was.default_version, is_now.default_version
    first, second = old.document if old is not None else "", new.document if new is not None else ""
    before, after = was.default_version_id, is_now.default_version_id
    if not first or not second:
        if first or second or before != after:
            side = Side.BOTH if not first and not second else Side.OLD if not first else Side.NEW
            where = "at both points" if side is Side.BOTH else f"in the {side.value} one"
            also = f", and {before} is now {after} in force" if before != after else ""
            sides.note(side, f"policy {pair.one.name}: its text was not read {where}{also}")
        return
    if same_document(first, second):
        if before != after:
            words = f"{after} is in force instead of {before}, and says the same"
            yield sides.of(pair, What.POLICY, Turn.CHANGED, Severity.LOW, words, before=before, after=after, about="in force")
        return
    reaches, limits = holders(pair.one.arn, sides)
    severity, grows, words, access = weighed(first, second)
    if not reaches:
        severity, grows, words = Severity.LOW, False, f"{words}; it reaches nobody"
    elif limits:
        words = f"{words}; it is the boundary of somebody"
    if pair.one.aws_managed:
        words = f"AWS changed it: {words}"
    yield sides.of(
        pair,
        What.POLICY,
        Turn.CHANGED,
        severity,
        f"{before} → {after}: {words}" if before != after else words,
        grows=grows,
        about="in force",
        before=before,
        after=after,
        old_document=first,
        new_document=second,
        gained=access.gained,
        lost=access.lost,
        lines=tuple(f"opens: {one.who}{': ' if one.who else ''}{one.words}" for one in access.opens),
        reaches=reaches,
        at=sides.dated(new.created) if new is not None else None,
        **({"untold": "AWS changes its own policies; no event of the account tells"} if pair.one.aws_managed else {}),
    )


def weighed(old: str, new: str) -> tuple[Severity, bool, str, Meaning]:
    """(severity, whether it grants more, words, what it gives and takes) of a changed document, by itself."""
    if _unlabelled(old) == _unlabelled(new):
        return Severity.LOW, False, "labels (Sid, Id) changed, and it says the same", NO_ACCESS
    found = compared(old, new)
    grows = bool(found.gained or found.opens)
    levels = {one.level for one in found.gained}
    if found.admin == "gained" or found.opens or _GRAVE_LEVEL in levels:
        severity = Severity.HIGH
    else:
        severity = Severity.MEDIUM if grows else Severity.LOW
    parts = []
    if found.admin:
        parts.append(
            "gives an administrator's rights by itself" if found.admin == "gained" else "no longer gives an administrator's rights"
        )
    if found.gained and found.admin != "gained":
        parts.append(f"grants more: {access_words(found.gained)}")
    if found.lost and found.admin != "lost":
        parts.append(f"grants less: {access_words(found.lost)}")
    if not parts:
        changes = diff_documents(old, new).changes
        parts = [f"{one.label}: {', '.join(one.words)}" for one in changes[:_MOST_WORDS]] or ["written otherwise, and means the same"]
    return severity, grows, "; ".join(parts), found


def _unlabelled(text: str) -> str:
    """A document without what only names its parts."""
    try:
        document = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return text
    if not isinstance(document, dict):
        return text
    held = document.get("Statement", [])
    statements = [
        {key: value for key, value in one.items() if key != "Sid"} if isinstance(one, dict) else one
        for one in (held if isinstance(held, list) else [held])
    ]
    rest = {key: value for key, value in document.items() if key not in ("Id", "Statement")}
    return canonical(msgspec.json.encode({**rest, "Statement": statements}).decode())


def access_words(found: Iterable[Access]) -> str:
    """`s3 Write (PutObject, DeleteObject and 3 more), kms Read (Decrypt)`."""
    levels: dict[tuple[str, str], dict[str, None]] = {}
    for one in found:
        levels.setdefault((one.service, one.level), {}).update(dict.fromkeys(action.partition(":")[2] for action in one.actions))
    parts = []
    for (service, level), actions in list(levels.items())[:_MOST_WORDS]:
        names = list(actions)
        more = f" and {len(names) - 2:,} more" if len(names) > 2 else ""
        parts.append(f"{service} {level} ({', '.join(names[:2])}{more})")
    rest = len(levels) - _MOST_WORDS
    return ", ".join(parts) + (f" and {rest} more" if rest > 0 else "")


def _kept(sides: Sides, pair: Pair[Policy]) -> Iterator[Difference]:
    """Versions beside the one in force: made and not put in force, or deleted."""
    was, is_now = pair.both
    if pair.one.aws_managed:
        return
    before = {version.version_id: version for version in was.versions}
    after = {version.version_id: version for version in is_now.versions}
    known = was.default_version_id, is_now.default_version_id
    for number in before.keys() ^ after.keys():
        if number in known:
            continue
        made = number in after
        version: PolicyVersion = after[number] if made else before[number]
        side, other = (Side.NEW, sides.since) if made else (Side.OLD, sides.until)
        if sides.later(side) and other is not None and version.created is not None and version.created < other:
            continue  # it was there before: the earlier point had not read all of them
        yield sides.of(
            pair,
            What.VERSION,
            Turn.ADDED if made else Turn.REMOVED,
            Severity.LOW,
            f"version {number} {'made, and not in force' if made else 'deleted'}",
            about=number,
            before="" if made else number,
            after=number if made else "",
            old_document="" if made else version.document,
            new_document=version.document if made else "",
            at=sides.dated(version.created) if made else None,
        )
