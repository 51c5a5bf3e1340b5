"""Which policies reach an identity, and whom a policy or group reaches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from ..model.account import GROUPS, Snapshot
from ..model.document import Gap, Kind
from ..model.fact import State
from ..model.identity import Group, Identity, User
from ..model.policy import Grant, InlinePolicy, Policy, PolicyRef, Via
from .reach import attached_to, bounded_by, groups_by_name, members_by_group, policies_by_arn


class Attachment(msgspec.Struct, frozen=True):
    """One identity that has a policy. `kind` is `user`, `role` or `group`; `as_boundary` says it limits and grants nothing."""

    kind: str
    name: str
    arn: str
    as_boundary: bool = False


def grants(identity: Identity, snapshot: Snapshot) -> tuple[Grant, ...]:
    """Every policy that reaches an identity: its own, its groups', and its boundary last (a limit, not a grant).

    `document` is None where the policy's text was not read. A group that was not read gives one Grant without a policy
    (`policy_name` ""), so that the hole is seen; `missing_groups` says it as gaps.
    """
    found = [*_own(identity.inline, identity.attached, snapshot, Via.INLINE, Via.ATTACHED)]
    if isinstance(identity, User):
        groups = groups_by_name(snapshot)
        for name in identity.groups:
            group = groups.get(name)
            if group is None:
                found.append(Grant(Via.GROUP_ATTACHED, "", group=name))
            else:
                found.extend(_own(group.inline, group.attached, snapshot, Via.GROUP_INLINE, Via.GROUP_ATTACHED, group))
    if not isinstance(identity, Group) and identity.boundary is not None:
        found.append(_managed(identity.boundary, policies_by_arn(snapshot), Via.BOUNDARY))
    return tuple(found)


def _own(
    inline: Iterable[InlinePolicy],
    attached: Iterable[PolicyRef],
    snapshot: Snapshot,
    via_inline: Via,
    via_attached: Via,
    group: Group | None = None,
) -> Iterable[Grant]:
    name, arn = (group.name, group.arn) if group else ("", "")
    known = policies_by_arn(snapshot) if attached else {}
    for ref in attached:
        yield _managed(ref, known, via_attached, name, arn)
    for policy in inline:
        yield Grant(via_inline, policy.name, group=name, group_arn=arn, document=policy.document or None)


def _managed(ref: PolicyRef, known: Mapping[str, Policy], via: Via, group: str = "", group_arn: str = "") -> Grant:
    policy = known.get(ref.arn)
    version = policy.default_version if policy else None
    return Grant(
        via=via,
        policy_name=ref.name or ref.arn.rsplit("/", 1)[-1],
        policy_arn=ref.arn,
        group=group,
        group_arn=group_arn,
        version_id=version.version_id if version else policy.default_version_id if policy else "",
        document=(version.document or None) if version else None,
    )


def missing_groups(identity: Identity, snapshot: Snapshot) -> tuple[Gap, ...]:
    """Groups a user is a member of that are not in what was read: what they grant is unknown."""
    if not isinstance(identity, User):
        return ()
    groups = groups_by_name(snapshot)
    section = snapshot.section(GROUPS)
    state = section.state if section.state is not State.KNOWN else State.NOT_LOADED
    return tuple(
        Gap(
            kind=Kind.AUTHORIZATION,
            state=state,
            reason=f"group {name} is not in what was read; what it grants is missing here",
            action="iam:GetAccountAuthorizationDetails" if state is State.DENIED else "",
            account=identity.account,
            key=name,
        )
        for name in identity.groups
        if name not in groups
    )


def attachments(policy: Policy, snapshot: Snapshot) -> tuple[Attachment, ...]:
    """Who has a policy: users, roles, groups it is attached to, then those it bounds."""
    attached = [_attachment(identity, False) for identity in attached_to(snapshot).get(policy.arn, ())]
    return (*attached, *(_attachment(identity, True) for identity in bounded_by(snapshot).get(policy.arn, ())))


def _attachment(identity: Identity, as_boundary: bool) -> Attachment:
    kind = "user" if isinstance(identity, User) else "group" if isinstance(identity, Group) else "role"
    return Attachment(kind, identity.name, identity.arn, as_boundary)


def members(group: Group, snapshot: Snapshot) -> tuple[User, ...]:
    return members_by_group(snapshot).get(group.name, ())
