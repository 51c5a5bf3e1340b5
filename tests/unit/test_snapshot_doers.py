"""Who made a difference: the calls between both points that name it, the human behind them, and why nobody is named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from iamtui.analysis.attribution import Chains
from iamtui.analysis.changes.history import EventReach
from iamtui.analysis.snapshots.comparing import compare_snapshots
from iamtui.analysis.snapshots.difference import Difference
from iamtui.analysis.snapshots.doers import with_doers
from iamtui.model.account import Snapshot
from tests.support.changes import ADMIN, ADMIN_ARN, AWS_ADMIN, NOW, READ, ago, arn, events, group, policy, record, role, user
from tests.support.points import BEFORE, before, key, point, row

REACH = EventReach(BEFORE - timedelta(days=1), NOW, "", True)


def told(old: Snapshot, new: Snapshot, *records: dict[str, Any], reach: EventReach = REACH) -> dict[tuple[str, str], Difference]:
    held = events(*records)
    chains = Chains(held)
    found = with_doers(compare_snapshots(old, new), [(old, new)], held, chains.of, reach)
    return {(one.change, one.name): one for one in found.differences}


def names(one: Difference) -> list[str]:
    return [doer.event for doer in one.doers]


def attach(days: float, where: str = ADMIN_ARN, name: str = "ana", **more: Any) -> dict[str, Any]:
    return record("AttachUserPolicy", days, {"userName": name, "policyArn": where}, **more)


def test_the_call_between_both_points_that_names_it() -> None:
    old, new = before(user("ana"), AWS_ADMIN), point(user("ana", attached=[ADMIN_ARN]), AWS_ADMIN)
    found = told(
        old,
        new,
        attach(200),  # before the older point
        attach(5, by="eve"),
        attach(4, where=arn("policy", "other"), by="other"),
        attach(3, name="bo", by="other"),
        attach(2, by="refused", errorCode="AccessDenied"),
        record("AttachRolePolicy", 1, {"roleName": "ana", "policyArn": ADMIN_ARN}, by="other"),
    )
    given = found["grant added", "ana"]
    assert [(doer.actor, doer.human, doer.at) for doer in given.doers] == [("eve", "eve (IAM user)", ago(5))]
    assert given.who == "eve (IAM user)"
    assert found["admin added", "ana"].doers == given.doers  # it follows from it


def test_the_human_behind_a_role() -> None:
    session = {
        "type": "AssumedRole",
        "principalId": "AROAX:night",
        "arn": "arn:aws:sts::123456789012:assumed-role/iam-admin/night",
        "accountId": "123456789012",
        "accessKeyId": "ASIAEXAMPLE000000001",
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": arn("role", "iam-admin"), "userName": "iam-admin"}},
    }
    answer = {"credentials": {"accessKeyId": "ASIAEXAMPLE000000001"}}
    opened = record("AssumeRole", 5.01, {"roleArn": arn("role", "iam-admin")}, response=answer, by="eve", eventSource="sts.amazonaws.com")
    old, new = before(user("ana"), AWS_ADMIN), point(user("ana", attached=[ADMIN_ARN]), AWS_ADMIN)
    found = told(old, new, opened, attach(5, userIdentity=session))
    (doer,) = found["grant added", "ana"].doers
    assert (doer.actor, doer.human) == ("iam-admin", "eve (IAM user)")
    found = told(old, new, attach(5, userIdentity=session))
    (doer,) = found["grant added", "ana"].doers
    assert doer.human == ""
    assert "ASIAEXAMPLE000000001" in doer.missing
    assert found["grant added", "ana"].who == "iam-admin"


def test_every_kind_finds_its_call() -> None:
    old = before(
        user("gone"),
        user("ana"),
        role("job", {"Version": "2012-10-17", "Statement": []}),
        group("ops"),
        policy("deploy", (1, 300, READ)),
        rows=[row("ana", mfa=True, keys=(key(ago(300)),))],
        password_policy={"MinimumPasswordLength": 14},
    )
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
    new = point(
        user("new", created=ago(3)),
        user("ana", groups=["ops"], inline={"own": READ}, tags=(("env", "x"),)),
        role("job", trust),
        group("ops"),
        policy("deploy", (1, 300, READ), (2, 5, ADMIN)),
        rows=[row("ana", password=True, keys=(key(ago(300), active=False), key(ago(2))))],
        password_policy={"MinimumPasswordLength": 8},
    )  # fmt: skip
    calls = {
        ("identity added", "new"): record("CreateUser", 3, {"userName": "new"}),
        ("identity removed", "gone"): record("DeleteUser", 4, {"userName": "gone"}),
        ("group added", "ana"): record("AddUserToGroup", 5, {"userName": "ana", "groupName": "ops"}),
        ("grant added", "ana"): record("PutUserPolicy", 6, {"userName": "ana", "policyName": "own", "policyDocument": "{}"}),
        ("tags changed", "ana"): record("TagUser", 6, {"userName": "ana", "tags": [{"key": "env", "value": "x"}]}),
        ("trust changed", "job"): record("UpdateAssumeRolePolicy", 7, {"roleName": "job", "policyDocument": "{}"}),
        ("policy changed", "deploy"): record("CreatePolicyVersion", 5, {"policyArn": arn("policy", "deploy"), "policyDocument": "{}"}),
        ("MFA removed", "ana"): record("DeactivateMFADevice", 8, {"userName": "ana", "serialNumber": "x"}),
        ("console added", "ana"): record("CreateLoginProfile", 9, {"userName": "ana"}),
        # Without a name it is the caller's own.
        ("key added", "ana"): record("CreateAccessKey", 2, None, by="ana"),
        ("key changed", "ana"): record("UpdateAccessKey", 2, {"userName": "ana", "status": "Inactive"}),
        ("password policy changed", "123456789012"): record("UpdateAccountPasswordPolicy", 2, {"minimumPasswordLength": 8}),
    }
    found = told(old, new, *calls.values())
    assert {key: names(found[key]) for key in calls} == {key: [call["eventName"]] for key, call in calls.items()}
    assert found["access added", "ana"].doers == tuple(
        sorted({*found["grant added", "ana"].doers, *found["group added", "ana"].doers}, key=lambda doer: str(doer.at), reverse=True)
    )


def test_a_renamed_user_is_found_by_both_names() -> None:
    old = user("ana")
    new = msgspec.structs.replace(old, name="anna", arn=arn("user", "anna"), attached=user("x", attached=[ADMIN_ARN]).attached)
    found = told(
        before(old, AWS_ADMIN),
        point(new, AWS_ADMIN),
        attach(6),  # under the old name
        record("UpdateUser", 5, {"userName": "ana", "newUserName": "anna"}),
        attach(4, name="anna"),
    )
    assert names(found["name changed", "anna"]) == ["UpdateUser"]
    assert names(found["grant added", "anna"]) == ["AttachUserPolicy", "AttachUserPolicy"]


def test_what_a_policy_gives_its_holders_is_by_who_changed_it() -> None:
    holder = user("ana", attached=[arn("policy", "deploy")])
    old, new = before(holder, policy("deploy", (1, 300, READ))), point(holder, policy("deploy", (1, 300, READ), (2, 5, ADMIN)))
    found = told(old, new, record("CreatePolicyVersion", 5, {"policyArn": arn("policy", "deploy"), "setAsDefault": True}, by="eve"))
    assert [doer.actor for doer in found["admin added", "ana"].doers] == ["eve"]


def test_why_nobody_is_named() -> None:
    old, new = before(user("ana"), AWS_ADMIN), point(user("ana", attached=[ADMIN_ARN]), AWS_ADMIN)

    def why(reach: EventReach, *records: dict[str, Any]) -> str:
        return told(old, new, *records, reach=reach)["grant added", "ana"].untold

    assert why(EventReach(why="no events are in the newer one")) == "no events are in the newer one"
    assert why(REACH) == "no call among the events that were read names it"
    late = EventReach(ago(10), NOW, "", True)
    assert why(late, attach(300)) == f"no call that was read names it; the events begin on {ago(10):%Y-%m-%d %H:%M} only"
    early = EventReach(ago(200), ago(100), "", True)
    assert why(early) == f"the events that were read are of {ago(200):%Y-%m-%d %H:%M} to {ago(100):%Y-%m-%d %H:%M}, not of that time"
    ended = EventReach(ago(200), ago(10), "", True)
    assert why(ended) == f"no call that was read names it; the events end on {ago(10):%Y-%m-%d %H:%M}"


def test_calls_of_another_account_are_not_its() -> None:
    old, new = before(user("ana"), AWS_ADMIN), point(user("ana", attached=[ADMIN_ARN]), AWS_ADMIN)
    assert not told(old, new, attach(5, recipientAccountId="999999999999"))["grant added", "ana"].doers
