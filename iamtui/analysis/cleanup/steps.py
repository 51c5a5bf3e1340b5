"""The steps of one item, in the order AWS documents: what hangs on an identity goes first, the boundary after what it limits, itself last.

See "Deleting an IAM user", DeleteRole, DeleteGroup and DeletePolicy in the IAM documentation. What cannot be known from what was read
(SSH keys, service-specific credentials) is listed by the script when it runs.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...model.account import Snapshot
from ...model.cleanup import Op, Phase, Step
from ...model.identity import Group, Role, User
from ...model.policy import Grant, Policy, Via
from ..changes.versions import MOST_STORED, number
from ..commandtext import Refused
from ..reach import attached_to, bounded_by, policies_by_arn
from ..reducing import Smaller

DENY_NAME = "DenyAllUntilRemoved"
"""The inline policy that takes everything away from a user or role between deactivating and removing."""
DENY = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'

MOST_MANAGED = 6_144
"""Characters of a managed policy, blanks not counted; inline policies of an identity are counted together."""
MOST_INLINE = {"user": 2_048, "role": 10_240, "group": 5_120}
MOST_NAME = 128


def off(identity: User | Role) -> Iterator[Step]:
    """What takes everything away and can be taken back by one command each."""
    if isinstance(identity, User):
        yield Step(
            Op.KEYS_OFF,
            "deactivates the access keys that are active, and writes down which",
            "activates those keys again",
            Phase.DEACTIVATE,
        )
    if not denies(identity):
        return
    yield Step(
        Op.DENY,
        f"puts the inline policy {DENY_NAME}: sessions that are open are denied too",
        "deletes that policy",
        Phase.DEACTIVATE,
        DENY_NAME,
        new=DENY,
    )


def denies(identity: User | Role) -> bool:
    """Whether IAM has room for the policy that takes everything away."""
    held = sum(_size(one.document) for one in identity.inline if one.name != DENY_NAME)
    return held + _size(DENY) <= MOST_INLINE["user" if isinstance(identity, User) else "role"]


def user(identity: User) -> Iterator[Step]:
    yield from off(identity)
    yield Step(
        Op.CREDENTIALS,
        "deletes password, access keys, signing certificates, SSH keys, service-specific credentials and MFA devices, as listed then",
        "uploads SSH keys and certificates again, from what was saved, under new ids",
        lost="password, secrets of access keys and of service-specific credentials, seeds of MFA devices: its owner gets new ones",
    )
    yield from _policies(identity)
    for name in identity.groups:
        yield Step(Op.GROUP_LEAVE, f"takes it out of the group {name}", f"adds it to {name}", part=name)
    yield Step(
        Op.DELETE,
        "deletes the user",
        "makes a user of the name, path, boundary and tags",
        lost="its unique id: policies that name it as a principal keep the old one and are to be written again",
    )


def role(identity: Role, *, profiles_too: bool = False) -> Iterator[Step]:
    yield from off(identity)
    for profile in identity.instance_profiles:
        yield Step(
            Op.PROFILE_LEAVE, f"takes it out of the instance profile {profile.name}", f"adds it to {profile.name}", part=profile.name
        )
        if profiles_too:
            path = "/" + profile.arn.partition(":instance-profile/")[2].rpartition("/")[0]
            yield Step(
                Op.PROFILE_DELETE,
                f"deletes the instance profile {profile.name}, which is empty then",
                "makes an instance profile of the name",
                part=profile.name,
                name=f"{path}/" if path != "/" else "/",
                lost="its unique id; instances that had it are to be associated again",
            )
    yield from _policies(identity)
    yield Step(
        Op.DELETE,
        "deletes the role",
        "makes a role of the name, path, trust policy, boundary, session length and tags",
        lost="its unique id: policies that name it as a principal keep the old one and are to be written again",
    )


def group(identity: Group, members: tuple[str, ...]) -> Iterator[Step]:
    for name in members:
        yield Step(Op.MEMBER_LEAVE, f"takes the user {name} out", f"adds {name} again", part=name)
    yield from _policies(identity)
    yield Step(Op.DELETE, "deletes the group", "makes a group of the name and path", lost="its unique id")


def policy(item: Policy) -> Iterator[Step]:
    yield Step(Op.VERSIONS_DELETE, "deletes the versions that are not in force", "makes them again, in their order", lost="their numbers")
    yield Step(
        Op.DELETE,
        "deletes the policy, if it is attached to nothing then",
        "makes a policy of the name and path with its text",
        lost="its unique id and the dates of its versions",
    )


def _policies(identity: User | Role | Group) -> Iterator[Step]:
    for one in identity.inline:
        if one.name != DENY_NAME:  # an earlier plan's, which goes last of all
            yield inline_delete(one.name, one.document)
    for ref in identity.attached:
        yield detach(ref.arn, ref.name)
    boundary = getattr(identity, "boundary", None)
    if boundary is not None:
        yield Step(
            Op.BOUNDARY_OFF,
            "takes its boundary off, now that nothing it limits is left",
            "sets it again",
            part=boundary.arn,
            name=boundary.name,
        )


def inline_delete(name: str, document: str) -> Step:
    return Step(
        Op.INLINE_DELETE,
        f"deletes its inline policy {name}, after saving it",
        "puts the saved text",
        part=name,
        name=name,
        document=document,
    )


def detach(arn: str, name: str) -> Step:
    return Step(Op.DETACH, f"detaches {name}", "attaches it", part=arn, name=name)


def key(ident: str, *, active: bool | None) -> Iterator[Step]:
    """`ident`: the key's id, or `key 1 made …` where only the credential report tells of it."""
    if active is not False:
        yield Step(Op.KEY_OFF, "deactivates the key", "activates it", Phase.DEACTIVATE, ident)
    yield Step(
        Op.KEY_DELETE,
        "deletes the key",
        "nothing: while it is only deactivated it can be activated again",
        part=ident,
        lost="its secret: a new key is to be made and given to whatever used it",
    )


# -- smaller policies --------------------------------------------------------------------------------------------------


def smaller(identity: User | Role | Group, snapshot: Snapshot, grant: Grant, found: Smaller) -> Step:
    """One policy of an identity made smaller. Raises Refused where it would not fit or is not this identity's to change."""
    if grant.via in (Via.GROUP_ATTACHED, Via.GROUP_INLINE) and not isinstance(identity, Group):
        raise Refused(f"it comes through the group {grant.group}, whose other members have it too: decide about the group")
    if grant.via in (Via.INLINE, Via.GROUP_INLINE):
        if not found.new:
            return inline_delete(grant.policy_name, grant.document or "")
        _fits_inline(identity, grant.policy_name, found.new)
        return Step(
            Op.INLINE_PUT,
            f"puts the inline policy {grant.policy_name} without {len(found.removed):,} actions; {found.kept:,} stay",
            "puts the text as it was saved",
            part=grant.policy_name,
            name=grant.policy_name,
            document=grant.document or "",
            new=found.new,
        )
    if not found.new:
        return detach(grant.policy_arn, grant.policy_name)
    if _size(found.new) > MOST_MANAGED:
        raise Refused(f"the smaller policy has {_size(found.new):,} characters and IAM takes {MOST_MANAGED:,}: split it by hand")
    others = _others(identity, snapshot, grant.policy_arn)
    if grant.policy_arn.split(":", 5)[4:5] == ["aws"] or others:
        why = f"{others} have it too" if others else "it is AWS's own"
        return Step(
            Op.COPY,
            f"gives it a copy of {grant.policy_name} without {len(found.removed):,} actions and detaches the wide one ({why})",
            "attaches the wide one, then takes the copy off and deletes it",
            part=grant.policy_arn,
            name=_copy_name(grant.policy_name, identity.name),
            document=grant.document or "",
            new=found.new,
        )
    return Step(
        Op.VERSION,
        f"makes a version of {grant.policy_name} without {len(found.removed):,} actions the one in force; {found.kept:,} stay",
        "sets the version that was in force, and deletes the new one",
        part=grant.policy_arn,
        name=grant.policy_name,
        document=grant.document or "",
        new=found.new,
        spare=_spare(snapshot, grant.policy_arn),
    )


def _others(identity: User | Role | Group, snapshot: Snapshot, arn: str) -> int:
    """How many others have a policy."""
    held = {one.arn for one in attached_to(snapshot).get(arn, ())} | {f"{one.arn} boundary" for one in bounded_by(snapshot).get(arn, ())}
    one = policies_by_arn(snapshot).get(arn)
    told = (one.attachment_count or 0) + (one.boundary_count or 0) if one is not None else 0
    return max(len(held - {identity.arn}), told - 1)


def _spare(snapshot: Snapshot, arn: str) -> tuple[str, str]:
    """The oldest version that is not in force, where five are stored."""
    item = policies_by_arn(snapshot).get(arn)
    if item is None or len(item.versions) < MOST_STORED:
        return "", ""
    spare = [one for one in item.versions if not one.is_default and one.version_id != item.default_version_id]
    oldest = min(spare, key=lambda one: number(one.version_id), default=None)
    return (oldest.version_id, oldest.document) if oldest is not None else ("", "")


def _copy_name(policy_name: str, identity_name: str) -> str:
    made = f"{policy_name}-for-{identity_name}"
    if len(made) <= MOST_NAME:
        return made
    import hashlib

    return f"{made[: MOST_NAME - 9]}-{hashlib.blake2b(made.encode('utf-8', 'replace'), digest_size=4).hexdigest()}"


def _size(document: str) -> int:
    """Characters as IAM counts them: without blanks."""
    return sum(1 for character in document if not character.isspace())


def _fits_inline(identity: User | Role | Group, name: str, new: str) -> None:
    kind = "user" if isinstance(identity, User) else "role" if isinstance(identity, Role) else "group"
    total = _size(new) + sum(_size(one.document) for one in identity.inline if one.name != name)
    if total > MOST_INLINE[kind]:
        raise Refused(
            f"the smaller policy makes {total:,} characters of inline policies, and IAM takes {MOST_INLINE[kind]:,} of a {kind}: split it by hand"
        )
