"""What is shown while newer answers arrive: each list stays as it was until its successor is complete."""

from __future__ import annotations

from typing import Any

import msgspec

from ..model.account import (
    ACCESS_KEYS,
    ALIASES,
    CREDENTIALS,
    GROUPS,
    PASSWORD_POLICY,
    POLICIES,
    ROLES,
    SUMMARY,
    USERS,
    Section,
    Snapshot,
    World,
)
from ..model.fact import State

FIELD_OF_SECTION = {
    USERS: "users",
    ROLES: "roles",
    GROUPS: "groups",
    POLICIES: "policies",
    CREDENTIALS: "credentials",
    ACCESS_KEYS: "access_keys",
    SUMMARY: "summary",
    ALIASES: "aliases",
    PASSWORD_POLICY: "password_policy",
}


def keeps_old(old: Section, new: Section) -> bool:
    """Whether the old part is still the better one: it holds something, and the new one is not all there yet."""
    return old.state is State.KNOWN and not (new.state is State.KNOWN and new.complete)


def merge_snapshot(old: Snapshot | None, new: Snapshot) -> Snapshot:
    """`new`, with the parts of `old` that it cannot replace yet. Gaps are the new ones: they say why a part stayed old."""
    if old is None or old.account != new.account:
        return new
    fields: dict[str, Any] = {}
    sections = dict(new.sections)
    for name, field in FIELD_OF_SECTION.items():
        before, after = old.section(name), new.section(name)
        if name == ACCESS_KEYS:
            if old.access_keys:
                fields[field] = {**old.access_keys, **new.access_keys}
                sections[name] = before if after.state is State.NOT_LOADED else after
        elif keeps_old(before, after):
            fields[field] = getattr(old, field)
            reason = after.detail if after.state in (State.DENIED, State.FAILED) else ""
            sections[name] = msgspec.structs.replace(before, detail=reason) if reason else before
    return msgspec.structs.replace(new, sections=sections, caller_arn=new.caller_arn or old.caller_arn, **fields)


def merge_world(old: World, new: World) -> World:
    """Accounts of `new` with their older parts; accounts only `old` has stay while `new` has told of no account yet."""
    if not new.snapshots:
        return msgspec.structs.replace(old, notes=new.notes, gaps=new.gaps, accounts=new.accounts) if old.snapshots else new
    return msgspec.structs.replace(new, snapshots=tuple(merge_snapshot(old.snapshot(s.account), s) for s in new.snapshots))
