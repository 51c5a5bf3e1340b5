"""Single answers added to what is already decoded: a policy's version, a role's details, a user's keys."""

from __future__ import annotations

import msgspec

from ...model.account import Snapshot, World
from ...model.document import Document, Gap, Kind, Origin
from ...model.fact import State
from ...model.identity import Role
from ...model.policy import Policy, PolicyVersion
from .credentials import decode_access_keys
from .inventory import decode_policy_version, decode_roles
from .wire import BROKEN, account_of, reason_of


def with_version(policy: Policy, version: PolicyVersion) -> Policy:
    """The policy with the text of one version added, newest first."""
    others = [v for v in policy.versions if v.version_id != version.version_id]
    default = version.version_id if version.is_default else policy.default_version_id
    versions = sorted([*others, version], key=lambda v: int(v.version_id[1:]) if v.version_id[1:].isdecimal() else 0, reverse=True)
    return msgspec.structs.replace(policy, versions=tuple(versions), default_version_id=default)


def enriched(role: Role, told: Role) -> Role:
    """A role as GAAD has it, with what only GetRole and ListRoles tell."""
    return msgspec.structs.replace(role, max_session=told.max_session or role.max_session, description=told.description or role.description)


def bare_policy(arn: str) -> Policy:
    """A policy only its ARN and a version are known of (attached, but not in what was read)."""
    name = arn.rpartition("/")[2]
    return Policy(arn, name, "", "/", account_of(arn), None, None, "", None, None, None)


def fold(world: World, item: Document | Gap, account: str) -> World:
    """The world with one single answer (access keys, policy version, role) or gap added to one account."""
    snapshot = world.snapshot(account) or (world.snapshots[0] if len(world.snapshots) == 1 else None)
    if snapshot is None:
        return world
    try:
        changed = _folded(snapshot, item)
    except BROKEN as error:
        origin = item.origin or Origin("", "")
        changed = _with_gap(snapshot, Gap(item.kind, State.FAILED, reason_of(error), account=account, key=item.key, origin=origin))
    return msgspec.structs.replace(world, snapshots=tuple(changed if s is snapshot else s for s in world.snapshots))


def _folded(snapshot: Snapshot, item: Document | Gap) -> Snapshot:
    if isinstance(item, Gap):
        return _with_gap(snapshot, item)
    replace = msgspec.structs.replace
    if item.kind is Kind.ACCESS_KEYS:
        keys = decode_access_keys(item.body, item.as_of)
        owner = item.key if account_of(item.key) else next((u.arn for u in snapshot.users if u.name == item.key), item.key)
        gaps = tuple(g for g in snapshot.gaps if not (g.kind is item.kind and g.key == item.key))
        return replace(snapshot, access_keys={**snapshot.access_keys, owner: keys}, gaps=gaps)
    if item.kind is Kind.POLICY_VERSION:
        arn = item.key.rsplit(":", 1)[0] if item.key.count(":") > 5 else item.key
        version = decode_policy_version(item.body)
        held = next((p for p in snapshot.policies if p.arn == arn), None)
        policy = with_version(held or bare_policy(arn), version)
        rest = [p for p in snapshot.policies if p.arn != arn]
        return replace(snapshot, policies=tuple(sorted([*rest, policy], key=lambda p: (p.name.casefold(), p.arn))))
    if item.kind is Kind.ROLE:
        told = {role.arn: role for role in decode_roles(item.body)}
        return replace(snapshot, roles=tuple(enriched(r, told[r.arn]) if r.arn in told else r for r in snapshot.roles))
    return snapshot


def _with_gap(snapshot: Snapshot, gap: Gap) -> Snapshot:
    rest = tuple(g for g in snapshot.gaps if (g.kind, g.key, g.region) != (gap.kind, gap.key, gap.region))
    return msgspec.structs.replace(snapshot, gaps=(*rest, gap))
