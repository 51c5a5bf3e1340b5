"""Which policies reach an identity and by which way, and the same the other way round."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import msgspec

from ..model.account import Snapshot
from ..model.identity import Group, Identity, Role, User
from ..model.policy import Grant, InlinePolicy, Policy, PolicyRef, Via


class Attachment(msgspec.Struct, frozen=True):
    """One identity that has a policy. `kind` is `user`, `role` or `group`; `as_boundary` says it limits and grants nothing."""

    kind: str
    name: str
    arn: str
    as_boundary: bool = False


class _PolicyIndex:
    """Policies by ARN and groups by name of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.policies = {policy.arn: policy for policy in snapshot.policies}
        self.groups = {group.name: group for group in snapshot.groups}


@lru_cache(maxsize=8)
def _index(snapshot: Snapshot) -> _PolicyIndex:
    return _PolicyIndex(snapshot)


def grants(identity: Identity, snapshot: Snapshot) -> tuple[Grant, ...]:
    """Every policy that reaches the identity: attached, inline, then through each group, the boundary last.

    A policy whose text was not read has `document` None. A group that is not in what was read gives one Grant without a
    policy (`policy_name` ""), so that the hole is seen.
    """
    index = _index(snapshot)
    found: list[Grant] = [*_attached(identity.attached, index, Via.ATTACHED), *_inline(identity.inline, Via.INLINE)]
    if isinstance(identity, User):
        for name in identity.groups:
            group = index.groups.get(name)
            if group is None:
                found.append(Grant(Via.GROUP_ATTACHED, "", group=name))
                continue
            found.extend(_attached(group.attached, index, Via.GROUP_ATTACHED, group))
            found.extend(_inline(group.inline, Via.GROUP_INLINE, group))
    if isinstance(identity, User | Role) and identity.boundary is not None:
        found.extend(_attached((identity.boundary,), index, Via.BOUNDARY))
    return tuple(found)


def _attached(refs: tuple[PolicyRef, ...], index: _PolicyIndex, via: Via, group: Group | None = None) -> Iterator[Grant]:
    for ref in refs:
        policy = index.policies.get(ref.arn)
        version = policy.default_version if policy else None
        yield Grant(
            via,
            ref.name,
            ref.arn,
            group=group.name if group else "",
            group_arn=group.arn if group else "",
            version_id=version.version_id if version else "",
            document=version.document if version and version.document else None,
        )


def _inline(policies: tuple[InlinePolicy, ...], via: Via, group: Group | None = None) -> Iterator[Grant]:
    for policy in policies:
        yield Grant(via, policy.name, group=group.name if group else "", group_arn=group.arn if group else "", document=policy.document)


def attachments(policy: Policy, snapshot: Snapshot) -> tuple[Attachment, ...]:
    """Who has a policy, among what was read: groups, roles, users, then those it is a boundary of."""
    found: list[Attachment] = []
    limits: list[Attachment] = []
    for kind, identities in (("group", snapshot.groups), ("role", snapshot.roles), ("user", snapshot.users)):
        for identity in identities:
            if any(ref.arn == policy.arn for ref in identity.attached):
                found.append(Attachment(kind, identity.name, identity.arn))
            boundary = getattr(identity, "boundary", None)
            if boundary is not None and boundary.arn == policy.arn:
                limits.append(Attachment(kind, identity.name, identity.arn, as_boundary=True))
    return (*found, *limits)


def members(group: Group, snapshot: Snapshot) -> tuple[User, ...]:
    """Users of a group, in the order of their names."""
    return tuple(user for user in snapshot.users if group.name in user.groups)
