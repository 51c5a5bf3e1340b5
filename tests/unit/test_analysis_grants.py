"""Which policies reach whom, and what is missing is named."""

from __future__ import annotations

import msgspec
import pytest

from iamtui.analysis.grants import Attachment, attachments, grants, members, missing_groups
from iamtui.model.account import GROUPS, Section, Snapshot
from iamtui.model.fact import State
from iamtui.model.policy import Via
from tests.support.evidence import snapshot


def _ways(of: Snapshot, name: str) -> list[tuple[Via, str, str, bool]]:
    identity = next(i for i in (*of.users, *of.roles, *of.groups) if i.name == name)
    return [(g.via, g.policy_name, g.group, g.document is not None) for g in grants(identity, of)]


def test_a_user_gets_its_own_and_its_groups_policies() -> None:
    of = snapshot("gaad/example-authz-details.json")
    assert _ways(of, "biden")[2:] == [
        (Via.GROUP_ATTACHED, "AmazonRDSFullAccess", "biden", True),
        (Via.GROUP_INLINE, "InlinePolicyForBidenGroup", "biden", True),
    ]
    assert _ways(of, "biden")[:2] == [(Via.ATTACHED, "AWSLambdaFullAccess", "", True), (Via.INLINE, "InsecureUserPolicy", "", True)]


def test_a_boundary_comes_last_and_is_no_grant() -> None:
    of = snapshot("questions/role-boundary-deny.json")
    assert _ways(of, "name") == [(Via.INLINE, "policy", "", True), (Via.BOUNDARY, "NotInvoking", "", True)]
    only = snapshot("questions/role-boundary-no-policies.json")
    assert _ways(only, "name") == [(Via.BOUNDARY, "NotInvoking", "", True)]


@pytest.mark.parametrize(("file", "name", "policy"), [
    ("gaad/boundaries.json", "ReposSync", "AmazonS3FullAccess"),
    ("gaad/example_authz_v2.json", "GOAT", "AdministratorAccess"),
    ("gaad/managed_policy_mismatch.json", "anton-test", "AWSLambdaReadOnlyAccess"),
])  # fmt: skip
def test_a_policy_whose_text_was_not_read_is_still_a_grant(file: str, name: str, policy: str) -> None:
    of = snapshot(file)
    group_or_user = next(i for i in (*of.users, *of.groups) if i.name == name)
    (found,) = [g for g in grants(group_or_user, of) if g.policy_name == policy]
    assert found.document is None


def test_a_group_that_was_not_read_is_a_named_hole() -> None:
    of = msgspec.structs.replace(snapshot("gaad/example-authz-details.json"), groups=())
    biden = next(user for user in of.users if user.name == "biden")
    holes = [g for g in grants(biden, of) if not g.policy_name]
    assert [(g.group, g.document) for g in holes] == [("biden", None)]
    (gap,) = missing_groups(biden, of)
    assert (gap.state, gap.key, gap.account) == (State.NOT_LOADED, "biden", of.account)
    denied = msgspec.structs.replace(of, sections={**of.sections, GROUPS: Section(State.DENIED)})
    assert missing_groups(biden, denied)[0].state is State.DENIED
    assert missing_groups(biden, snapshot("gaad/example-authz-details.json")) == ()


def test_who_has_a_policy_and_whom_it_bounds() -> None:
    of = snapshot("gaad/example-authz-details.json")
    admin = next(policy for policy in of.policies if policy.name == "AdministratorAccess")
    assert [(a.kind, a.name, a.as_boundary) for a in attachments(admin, of)] == [("user", "obama", False), ("group", "admin", False)]
    bounded = snapshot("questions/user-boundary-deny.json")
    (policy,) = bounded.policies
    (user,) = bounded.users
    assert attachments(policy, bounded) == (Attachment("user", user.name, user.arn, as_boundary=True),)


def test_members() -> None:
    of = snapshot("gaad/example-authz-details.json")
    admin = next(group for group in of.groups if group.name == "admin")
    assert [user.name for user in members(admin, of)] == ["obama", "userwithlotsofpermissions"]
    smaller = msgspec.structs.replace(of, users=of.users[:1])
    assert [user.name for user in members(admin, smaller)] == []
