"""Every published path: walkable with exactly its permissions, and gone when one is dropped, denied or outside the boundary."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import msgspec
import pytest

from iamtui.analysis.escalation.evaluating import Field, escalations, hops
from iamtui.analysis.escalation.paths import Caller, On, Path, by_id, paths
from iamtui.model.account import Snapshot
from iamtui.model.identity import Group, Identity, InlinePolicy, InstanceProfile, Role, User
from iamtui.model.policy import Policy, PolicyRef, PolicyVersion

ACCOUNT = "123456789012"
ADMIN = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})


def arn(kind: str, name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:{kind}/{name}"


def allow(actions: Any, resource: Any = "*", **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions, "Resource": resource, **more}})


def deny(action: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": action, "Resource": "*"}})


def managed(name: str, document: str) -> Policy:
    version = PolicyVersion("v1", True, None, document)
    return Policy(arn("policy", name), name, f"ANPA{name}", "/", ACCOUNT, None, None, "v1", 1, 0, True, (version,))


def trust(*principals: str) -> str:
    services = [p for p in principals if p.endswith(".amazonaws.com")]
    others = [p for p in principals if not p.endswith(".amazonaws.com")]
    principal = {**({"Service": services} if services else {}), **({"AWS": others} if others else {})}
    return json.dumps({"Statement": {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}})


def account(caller: Identity, path: Path | None = None) -> Snapshot:
    """The caller, and one of everything that a path can go through: administrators, a group of them, a role everybody may assume."""
    services = path.services if path else ()
    policies = (managed("plain", allow("s3:GetObject")), managed("admin", ADMIN), managed("boundary", allow("s3:*")))
    boss = User(arn("user", "boss"), "boss", "AIDABOSS", "/", ACCOUNT, None, attached=(PolicyRef(arn("policy", "admin"), "admin"),))
    target = Role(
        arn("role", "target"),
        "target",
        "AROATARGET",
        "/",
        ACCOUNT,
        None,
        trust=trust(f"arn:aws:iam::{ACCOUNT}:root", *(services or ("ec2.amazonaws.com",))),
        attached=(PolicyRef(arn("policy", "admin"), "admin"),),
        instance_profiles=(InstanceProfile(arn("instance-profile", "target"), "target"),),
    )
    admins = Group(arn("group", "admins"), "admins", "AGPAADMINS", "/", ACCOUNT, None, inline=(InlinePolicy("all", ADMIN),))
    mine = Group(arn("group", "mine"), "mine", "AGPAMINE", "/", ACCOUNT, None)
    users = (boss, caller) if isinstance(caller, User) else (boss,)
    roles = (target, caller) if isinstance(caller, Role) else (target,)
    return Snapshot(ACCOUNT, users=users, roles=roles, groups=(admins, mine), policies=policies)


def caller_with(path: Path, *documents: str, boundary: str = "") -> tuple[Identity, tuple[Policy, ...]]:
    """An identity of a kind that can walk the path, its permissions split over inline policies."""
    inline = tuple(InlinePolicy(f"p{n}", document) for n, document in enumerate(documents))
    attached = (PolicyRef(arn("policy", "plain"), "plain"),)
    limit = PolicyRef(arn("policy", "limit"), "limit") if boundary else None
    extra = (managed("limit", boundary),) if boundary else ()
    if Caller.USER in path.callers:
        return User(arn("user", "me"), "me", "AIDAME", "/", ACCOUNT, None, ("mine",), inline, attached, limit), extra
    return (
        Role(
            arn("role", "me"),
            "me",
            "AROAME",
            "/",
            ACCOUNT,
            None,
            trust("ec2.amazonaws.com"),
            inline=inline,
            attached=attached,
            boundary=limit,
        ),
        extra,
    )


def walks(path: Path, *documents: str, boundary: str = "") -> bool:
    caller, extra = caller_with(path, *documents, boundary=boundary)
    snapshot = account(caller, path)
    snapshot = msgspec.structs.replace(snapshot, policies=(*snapshot.policies, *extra))
    return path.id in {way.path.id for way in escalations(Field(snapshot), [caller])}


@cache
def ids() -> list[str]:
    return [path.id for path in paths()]


@pytest.mark.parametrize("name", ids())
def test_a_path_is_there_with_its_permissions_and_gone_without_one(name: str) -> None:
    path = by_id()[name]
    actions = list(dict.fromkeys(path.actions))
    assert walks(path, *(allow(action) for action in actions)), "split over policies"
    assert walks(path, allow(actions)), "in one policy"
    for action in actions:
        rest = [other for other in actions if other != action]
        assert not walks(path, allow(rest or "s3:ListBucket")), f"without {action}"
        assert not walks(path, allow(actions), deny(action)), f"with {action} denied"
        assert not walks(path, allow(actions), boundary=allow(rest or "s3:ListBucket")), f"boundary without {action}"


def test_pass_role_counts_the_roles_it_names() -> None:
    path = next(p for p in paths() if p.passes_role and p.id.startswith("lambda"))
    rest = [action for action in path.actions if action != "iam:PassRole"]
    assert walks(path, allow(rest), allow("iam:PassRole", arn("role", "target")))
    assert not walks(path, allow(rest), allow("iam:PassRole", arn("role", "other*")))
    passed = {"StringEquals": {"iam:PassedToService": path.services[0]}}
    assert walks(path, allow(rest), allow("iam:PassRole", Condition=passed))
    assert not walks(path, allow(rest), allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "glacier.amazonaws.com"}}))


def test_a_role_that_is_not_worth_having_is_no_target() -> None:
    path = next(p for p in paths() if p.passes_role)
    caller, _ = caller_with(path, allow(list(path.actions)))
    snapshot = account(caller, path)
    poor = tuple(msgspec.structs.replace(role, attached=()) if role.name == "target" else role for role in snapshot.roles)
    assert path.id not in {way.path.id for way in escalations(Field(msgspec.structs.replace(snapshot, roles=poor)), [caller])}


def test_administrators_escalate_to_nothing_and_open_conditions_are_told() -> None:
    boss = account(User(arn("user", "me"), "me", "AIDAME", "/", ACCOUNT, None))
    assert escalations(Field(boss)) == ()
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    me = User(arn("user", "me"), "me", "AIDAME", "/", ACCOUNT, None, inline=(InlinePolicy("p", allow("iam:PutUserPolicy", Condition=mfa)),))
    ways = escalations(Field(account(me)), [me])
    assert {way.path.actions for way in ways} == {("iam:PutUserPolicy",)}
    assert all(way.conditions == "aws:MultiFactorAuthPresent Bool true" for way in ways)


def test_the_own_policy_only_counts_when_it_can_be_changed() -> None:
    path = by_id()["iam-001"]
    assert path.permissions[0].on is On.CALLERS_POLICY
    assert walks(path, allow("iam:CreatePolicyVersion", arn("policy", "plain")))
    assert not walks(path, allow("iam:CreatePolicyVersion", arn("policy", "another")))


def test_hops_lead_over_roles_to_an_administrator() -> None:
    def hop(name: str, trusted: str, *documents: str) -> Role:
        inline = tuple(InlinePolicy(f"p{n}", document) for n, document in enumerate(documents))
        return Role(arn("role", name), name, f"AROA{name}", "/", ACCOUNT, None, trust=trust(trusted), inline=inline)

    me = User(arn("user", "me"), "me", "AIDAME", "/", ACCOUNT, None)
    first = hop("first", me.arn, allow("sts:AssumeRole"))
    second = hop("second", first.arn, allow("iam:PutRolePolicy"))
    closed = hop("closed", arn("user", "nobody"), allow("iam:PutRolePolicy"))
    snapshot = Snapshot(ACCOUNT, users=(me,), roles=(first, second, closed))
    field = Field(snapshot)
    found = {one.identity.name: one for one in hops(field, escalations(field))}
    assert set(found) == {"me", "first"}
    assert [role.name for role in found["me"].roles] == ["first", "second"]
    assert found["me"].last is not None
    assert found["me"].last.path.actions == ("iam:PutRolePolicy",)
