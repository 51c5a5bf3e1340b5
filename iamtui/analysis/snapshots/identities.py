"""Users, roles and groups: who came, went, was renamed, and what they are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from ...model.account import Snapshot
from ...model.finding import Severity
from ...model.identity import Group, Identity, Role, User
from ...model.policy import InlinePolicy
from ..changes.meaning import gives_admin
from ..documents import same_document
from ..grants import grants
from ..reach import groups_by_name, members_by_group, policies_by_arn
from ..review_columns import OWNER_TAGS
from .difference import Difference, Turn, What
from .pairing import Pair
from .sides import Sides, noun
from .trusting import changed_trust, new_trust

_MOST_NAMES = 4


def identities(sides: Sides, wanted: Callable[[Any], bool]) -> Iterator[Difference]:
    """Everything but what follows from it (access, escalation) and what other answers tell (credentials)."""
    for pair in sides.identities:
        if _alike(pair.old, pair.new) or not wanted(pair):
            continue
        if pair.old is None or pair.new is None:
            yield _came_or_went(sides, pair)
            if isinstance(pair.one, Role):
                yield from new_trust(sides, pair)
            continue
        if pair.replaced:
            yield sides.of(
                pair,
                What.IDENTITY,
                Turn.REPLACED,
                Severity.MEDIUM,
                f"another {noun(pair.one)} of this name: {pair.old.unique_id} is now {pair.new.unique_id}",
                before=pair.old.unique_id,
                after=pair.new.unique_id,
                at=sides.dated(pair.new.created),
            )
        yield from _called(sides, pair)
        yield from _granted(sides, pair)
        if not isinstance(pair.one, Group):
            yield from _bounded(sides, pair)
            yield from _tagged(sides, pair)
        if isinstance(pair.one, User):
            yield from _grouped(sides, pair)
        if isinstance(pair.one, Role):
            yield from changed_trust(sides, pair)
            yield from _role(sides, pair)


def _alike(old: Any, new: Any) -> bool:
    """Whether nothing of it is another; when a role was last used is no difference."""
    if old is None or new is None:
        return False
    if old == new:
        return True
    if not isinstance(old, Role) or not isinstance(new, Role) or old.name != new.name:
        return False
    used = {name: getattr(new, name) for name in ("last_used", "last_used_region", "last_used_told")}
    return msgspec.structs.replace(old, **used) == new


# -- who is there ----------------------------------------------------------------------------------------------------


def _came_or_went(sides: Sides, pair: Pair[Any]) -> Difference:
    came = pair.old is None
    item, snapshot = pair.one, sides.new if came else sides.old
    held = grants(item, snapshot)
    plain = isinstance(item, Role) and item.service_linked
    severity = Severity.MEDIUM if came and not isinstance(item, Group) and not plain else Severity.LOW
    return sides.of(
        pair,
        What.IDENTITY,
        Turn.ADDED if came else Turn.REMOVED,
        severity,
        f"{noun(item)} {'created' if came else 'deleted'}{_holding(item, snapshot)}",
        grows=came and bool(held) and not isinstance(item, Group) and not plain,
        before="" if came else item.unique_id or item.arn,
        after=(item.unique_id or item.arn) if came else "",
        lines=tuple(f"{'holds' if came else 'held'} {_grant_words(grant)}" for grant in held),
        at=sides.dated(item.created) if came else None,
    )


def _holding(item: Identity, snapshot: Snapshot) -> str:
    names = list(dict.fromkeys(grant.policy_name or f"what group {grant.group} gives" for grant in grants(item, snapshot)))
    parts = [f"policies {_few(names)}"] if names else ["no policy"]
    if isinstance(item, User) and item.groups:
        parts.insert(0, f"groups {_few(item.groups)}")
    return ": " + ", ".join(parts)


def _grant_words(grant: Any) -> str:
    if not grant.policy_name:
        return f"what group {grant.group} gives, which was not read"
    way = f" via group {grant.group}" if grant.group else ""
    return f"{grant.policy_name} ({grant.via.value}){way}"


def _few(names: Any) -> str:
    held = list(names)
    return ", ".join(held[:_MOST_NAMES]) + (f" and {len(held) - _MOST_NAMES} more" if len(held) > _MOST_NAMES else "")


def _called(sides: Sides, pair: Pair[Any]) -> Iterator[Difference]:
    old, new = pair.both
    if old.name != new.name:
        words = f"renamed from {old.name} to {new.name}"
        yield sides.of(pair, What.NAME, Turn.CHANGED, Severity.LOW, words, before=old.name, after=new.name)
    if old.path != new.path:
        words = f"moved from path {old.path} to {new.path}"
        yield sides.of(pair, What.NAME, Turn.CHANGED, Severity.LOW, words, about="path", before=old.path, after=new.path)


# -- what they hold --------------------------------------------------------------------------------------------------


def reached(item: Identity, sides: Sides) -> tuple[str, ...]:
    """Members of a group at either point."""
    if not isinstance(item, Group):
        return ()
    found = {user.arn for side in (sides.old, sides.new) for user in members_by_group(side).get(item.name, ())}
    return tuple(sorted(found))


def _granted(sides: Sides, pair: Pair[Any]) -> Iterator[Difference]:
    old, new = pair.both
    reaches = reached(new, sides) if old.attached != new.attached or old.inline != new.inline else ()
    before, after = {ref.arn: ref for ref in old.attached}, {ref.arn: ref for ref in new.attached}
    for arn in before.keys() ^ after.keys():
        gone = arn in before
        ref = before[arn] if gone else after[arn]
        text = _text(arn, sides.old if gone else sides.new)
        admin = bool(text) and gives_admin(text)
        what = f"policy {ref.name or arn} {'detached' if gone else 'attached'}"
        more = ", an administrator's rights by itself" if admin else "" if text else "; its text was not read"
        yield sides.of(
            pair,
            What.GRANT,
            Turn.REMOVED if gone else Turn.ADDED,
            Severity.LOW if gone else Severity.HIGH if admin else Severity.MEDIUM,
            what + more,
            grows=not gone,
            about=arn,
            before=ref.name if gone else "",
            after="" if gone else ref.name,
            old_document=text if gone else "",
            new_document="" if gone else text,
            reaches=reaches,
        )
    yield from _inline(sides, pair, reaches)


def _text(arn: str, snapshot: Snapshot) -> str:
    policy = policies_by_arn(snapshot).get(arn)
    version = policy.default_version if policy is not None else None
    return version.document if version is not None else ""


def _inline(sides: Sides, pair: Pair[Any], reaches: tuple[str, ...]) -> Iterator[Difference]:
    from .policies import weighed

    was, is_now = pair.both
    before: Mapping[str, InlinePolicy] = {one.name: one for one in was.inline}
    after: Mapping[str, InlinePolicy] = {one.name: one for one in is_now.inline}
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        first, second = (old.document if old is not None else ""), (new.document if new is not None else "")
        more: dict[str, Any] = {"about": name, "old_document": first, "new_document": second, "reaches": reaches}
        if old is None or new is None:
            admin = gives_admin(second or first)
            words = f"inline policy {name} {'put' if old is None else 'removed'}"
            yield sides.of(
                pair,
                What.GRANT,
                Turn.ADDED if old is None else Turn.REMOVED,
                Severity.LOW if new is None else Severity.HIGH if admin else Severity.MEDIUM,
                words + (", an administrator's rights by itself" if admin else ""),
                grows=old is None,
                before="" if old is None else "inline",
                after="" if new is None else "inline",
                **more,
            )
        elif not same_document(first, second):
            severity, grows, words, access = weighed(first, second)
            yield sides.of(
                pair, What.GRANT, Turn.CHANGED, severity, f"inline policy {name}: {words}", grows=grows,
                before="inline", after="inline", gained=access.gained, lost=access.lost, **more,
            )  # fmt: skip


def _bounded(sides: Sides, pair: Pair[Any]) -> Iterator[Difference]:
    was, is_now = pair.both
    old, new = was.boundary, is_now.boundary
    if (old.arn if old else "") == (new.arn if new else ""):
        return
    more = {
        "about": "",
        "before": old.name or old.arn if old else "",
        "after": new.name or new.arn if new else "",
        "old_document": _text(old.arn, sides.old) if old else "",
        "new_document": _text(new.arn, sides.new) if new else "",
    }
    if new is None:
        yield sides.of(
            pair, What.BOUNDARY, Turn.REMOVED, Severity.HIGH, f"permissions boundary {more['before']} taken off", grows=True, **more
        )
    elif old is None:
        yield sides.of(pair, What.BOUNDARY, Turn.ADDED, Severity.LOW, f"permissions boundary {more['after']} set", **more)
    else:
        words = f"permissions boundary {more['before']} replaced by {more['after']}"
        yield sides.of(pair, What.BOUNDARY, Turn.CHANGED, Severity.MEDIUM, words, grows=True, **more)


def _grouped(sides: Sides, pair: Pair[Any]) -> Iterator[Difference]:
    was, is_now = pair.both
    before, after = set(was.groups), set(is_now.groups)
    for name in before ^ after:
        joined = name in after
        group = groups_by_name(sides.new if joined else sides.old).get(name)
        held = [ref.name for ref in group.attached] + [one.name for one in group.inline] if group is not None else []
        by = f", which gives {_few(held)}" if held else ", which gives nothing" if group is not None else ", which was not read"
        yield sides.of(
            pair,
            What.GROUP,
            Turn.ADDED if joined else Turn.REMOVED,
            Severity.MEDIUM if joined else Severity.LOW,
            f"{'joined' if joined else 'left'} group {name}{by}",
            grows=joined and (bool(held) or group is None),
            about=name,
            before="" if joined else name,
            after=name if joined else "",
        )


# -- tags, settings --------------------------------------------------------------------------------------------------


def tag_differences(sides: Sides, pair: Pair[Any]) -> Iterator[Difference]:
    """Tags of identities and policies; the tag that names an owner by itself."""
    was, is_now = pair.both
    before, after = dict(was.tags), dict(is_now.tags)
    changed = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    for key in [key for key in changed if key.casefold() in OWNER_TAGS]:
        old, new = before.get(key), after.get(key)
        turn = Turn.ADDED if old is None else Turn.REMOVED if new is None else Turn.CHANGED
        words = f"{key}: {_value(old)} is now {_value(new)}"
        yield sides.of(pair, What.OWNER, turn, Severity.LOW, words, about=key, before=old or "", after=new or "")
    rest = [key for key in changed if key.casefold() not in OWNER_TAGS]
    if rest:
        words = ", ".join(f"{key} {_value(before.get(key))} is now {_value(after.get(key))}" for key in rest[:_MOST_NAMES])
        more = f" and {len(rest) - _MOST_NAMES} more" if len(rest) > _MOST_NAMES else ""
        yield sides.of(
            pair,
            What.TAGS,
            Turn.CHANGED,
            Severity.LOW,
            f"tags: {words}{more}",
            before=", ".join(f"{key}={before[key]}" for key in rest if key in before),
            after=", ".join(f"{key}={after[key]}" for key in rest if key in after),
        )


_tagged = tag_differences


def _value(value: str | None) -> str:
    return "not set" if value is None else value or "empty"


def _role(sides: Sides, pair: Pair[Role]) -> Iterator[Difference]:
    old, new = pair.both
    # GetRole and ListRoles tell them, the bulk answer does not: where one side has not asked there is nothing to compare.
    if old.max_session is not None and new.max_session is not None:
        if old.max_session != new.max_session:
            before, after = f"{old.max_session // 60} min", f"{new.max_session // 60} min"
            words = f"longest session {before} is now {after}"
            severity = Severity.MEDIUM if new.max_session > old.max_session else Severity.LOW
            yield sides.of(pair, What.SETTINGS, Turn.CHANGED, severity, words, about="maximum session", before=before, after=after)
        if old.description != new.description:
            words = "description changed"
            yield sides.of(
                pair, What.SETTINGS, Turn.CHANGED, Severity.LOW, words, about="description", before=old.description, after=new.description
            )
    before_, after_ = {one.name for one in old.instance_profiles}, {one.name for one in new.instance_profiles}
    for name in before_ ^ after_:
        put = name in after_
        yield sides.of(
            pair,
            What.PROFILE,
            Turn.ADDED if put else Turn.REMOVED,
            Severity.LOW,
            f"{'put into' if put else 'taken out of'} instance profile {name}",
            about=name,
            before="" if put else name,
            after=name if put else "",
        )
