"""Every seed story is in the demo account, told by AWS's own raw answers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from iamtui.model.document import Document, Kind
from iamtui.source.demo.breach import FIRST_IP, INSTANCE, SECOND_IP
from iamtui.source.demo.guards import GROUP, monitoring
from iamtui.source.demo.stories import STORIES, event_ids, story
from iamtui.source.demo.surroundings import RESOURCE_POLICIES, proposed_policy
from tests.support.demo import NOW, authorization, by_id, documents, issuer, moment, records, source

MIDNIGHT = NOW.replace(hour=0, minute=0)


def events(story_id: str) -> dict[str, dict[str, Any]]:
    return {name: by_id()[i] for name, i in event_ids(story(story_id)).items()}


def named(kind: str, name: str) -> dict[str, Any]:
    lists = {"user": "UserDetailList", "role": "RoleDetailList", "policy": "Policies"}
    return next(e for e in authorization()[lists[kind]] if e["Arn"].rpartition("/")[2] == name)


def usage(arn: str) -> dict[str, dict[str, Any]]:
    document = next(i for i in source().last_accessed(arn) if isinstance(i, Document))
    return {s["ServiceNamespace"]: s for s in json.loads(document.body)["ServicesLastAccessed"]}


def opening(record: dict[str, Any]) -> dict[str, Any]:
    """The event that handed out the key a record was signed with."""
    key = record["userIdentity"]["accessKeyId"]
    return next(r for r in records() if ((r["responseElements"] or {}).get("credentials") or {}).get("accessKeyId") == key)


def is_admin(document: dict[str, Any]) -> bool:
    return any(s["Effect"] == "Allow" and s.get("Action") == "*" and s.get("Resource") == "*" for s in document["Statement"])


def s1() -> None:
    told = events("S1")
    assert [r["eventName"] for r in told.values()] == ["CreateUser", "CreateLoginProfile"]
    for record in told.values():
        assert record["requestParameters"]["userName"] == "svc-monitoring"
        assert (record["sourceIPAddress"], record["userIdentity"]["userName"]) == (FIRST_IP, "ci-runner")
    assert moment(told["create-user"]["eventTime"]) == moment(named("user", "svc-monitoring")["CreateDate"])


def s2() -> None:
    record = events("S2")["give-admin"]
    assert record["eventName"] == "AttachUserPolicy"
    assert record["requestParameters"] == {"userName": "t.dubois", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    assert issuer(record).endswith("role/iam-admin")
    assert record["userIdentity"]["sessionContext"]["sourceIdentity"] == "k.meyer@acme.example"
    before = opening(record)
    assert "AWSReservedSSO_PlatformAdmin" in issuer(before)
    assert opening(before)["userIdentity"]["userName"] == "k.meyer@acme.example"
    attached = named("user", "t.dubois")["AttachedManagedPolicies"]
    assert "AdministratorAccess" in {p["PolicyName"] for p in attached}


def s3() -> None:
    reads = [r for r in records() if r["eventName"] == "GetObject" and r["requestParameters"]["bucketName"] == "acme-customer-exports"]
    assert {issuer(r) for r in reads} == set(story("S3").identities)
    assert all(r["eventCategory"] == "Data" and r["resources"][1]["ARN"] == "arn:aws:s3:::acme-customer-exports" for r in reads)
    foreign = [r for r in reads if r["sourceIPAddress"] == SECOND_IP]
    assert len(foreign) == 27
    assert {r["eventID"] for r in events("S3").values()} <= {r["eventID"] for r in foreign}
    logged = {r["requestParameters"]["bucketName"] for r in records() if r["eventCategory"] == "Data"}
    assert logged == {"acme-customer-exports"}


def s4() -> None:
    told = events("S4")
    names = [told[n]["eventName"] for n in ("rotate-create", "rotate-disable", "rotate-delete", "change-password", "reset-password")]
    assert names == ["CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey", "ChangePassword", "UpdateLoginProfile"]
    old = told["rotate-disable"]["requestParameters"]["accessKeyId"]
    assert told["rotate-delete"]["requestParameters"]["accessKeyId"] == old
    assert old != told["rotate-create"]["responseElements"]["accessKey"]["accessKeyId"]
    rows = {r["user"]: r for r in csv.DictReader(io.StringIO(documents()[Kind.CREDENTIAL_REPORT].body.decode()))}
    assert moment(rows["deploy-bot"]["access_key_1_last_rotated"]) == moment(told["rotate-create"]["eventTime"])
    changed = {
        (r["requestParameters"] or {}).get("userName"): r["eventTime"]
        for r in reversed(records())
        if r["eventName"] in ("ChangePassword", "UpdateLoginProfile", "CreateLoginProfile")
    }
    for name, row in rows.items():
        if row["password_enabled"] == "true" and moment(row["password_last_changed"]) > MIDNIGHT - timedelta(days=90):
            assert moment(changed[name]) == moment(row["password_last_changed"]), name


def s5() -> None:
    record = events("S5")["terminate"]
    item = record["requestParameters"]["instancesSet"]["items"][0]
    assert (record["eventName"], item["instanceId"]) == ("TerminateInstances", story("S5").facts["instance"])
    assert issuer(record).endswith("role/prod-operator")
    assert issuer(opening(record)).endswith("user/p.novak")
    assert record["userIdentity"]["sessionContext"]["attributes"]["mfaAuthenticated"] == "true"


def s6() -> None:
    told = events("S6")
    times = [r["eventTime"] for r in told.values()]
    assert times == sorted(times)
    # the thread from one key to the data: every step is signed with what an earlier one handed out
    made = told["breach-key"]["responseElements"]["accessKey"]["accessKeyId"]
    assert told["breach-assume-admin"]["userIdentity"]["accessKeyId"] == made
    first = told["breach-assume-admin"]["responseElements"]["credentials"]["accessKeyId"]
    assert told["breach-assume-reader"]["userIdentity"]["accessKeyId"] == first
    second = told["breach-assume-reader"]["responseElements"]["credentials"]["accessKeyId"]
    assert {told[n]["userIdentity"]["accessKeyId"] for n in ("exports-first", "exports-last", "exports-passports")} == {second}
    assert {told[n]["userIdentity"]["accessKeyId"] for n in ("breach-terminate", "stop-logging")} == {first}
    assert told["breach-terminate"]["requestParameters"]["instancesSet"]["items"][0]["instanceId"] == INSTANCE
    assert told["stop-logging"]["errorCode"] == "AccessDenied"
    assert "service control policy" in told["stop-logging"]["errorMessage"]
    from_there = {r["sourceIPAddress"] for r in told.values()}
    assert from_there == {FIRST_IP, SECOND_IP}
    assert {issuer(r) for r in records() if r["sourceIPAddress"] in from_there} == {
        i for i in story("S6").identities if "support-readonly" not in i
    }


def s7() -> None:
    told = events("S7")
    facts = story("S7").facts
    for name in facts["admin granted"].split():
        record = told[name]
        assert "errorCode" not in record
        asked = record["requestParameters"]
        assert asked.get("policyArn", "").endswith("/AdministratorAccess") or is_admin(json.loads(asked["policyDocument"]))
    for name in facts["refused"].split():
        assert told[name]["errorCode"] == "AccessDenied"
        assert is_admin(json.loads(told[name]["requestParameters"]["policyDocument"]))
    fix = told["tamper-role"]
    assert opening(fix)["userIdentity"]["arn"].endswith("/n.haddad@acme.example")
    stored = {p["PolicyName"]: p["PolicyDocument"] for p in named("role", "image-resize")["RolePolicyList"]}
    assert stored["temporary-fix"] == json.loads(fix["requestParameters"]["policyDocument"])
    harmless = [r for r in records() if r["eventName"] in ("AttachRolePolicy", "PutUserPolicy", "AttachUserPolicy")]
    assert len(harmless) > len(told)


def s8() -> None:
    found = [r for r in records() if r["eventName"] == "UpdateAssumeRolePolicy"]
    recent = [r for r in found if moment(r["eventTime"]) > NOW - timedelta(days=30)]
    assert {r["eventID"] for r in recent} == set(event_ids(story("S8")).values())
    assert len(found) == len(recent) + 1
    for record in found:
        role = named("role", record["requestParameters"]["roleName"])
        now = json.dumps(role["AssumeRolePolicyDocument"], sort_keys=True)
        assert "999988887777" in now or now == json.dumps(json.loads(record["requestParameters"]["policyDocument"]), sort_keys=True)
    assert "999988887777" in events("S8")["backdoor-trust"]["requestParameters"]["policyDocument"]
    assert "999988887777" in json.dumps(named("role", "support-readonly")["AssumeRolePolicyDocument"])


def s9() -> None:
    facts = story("S9").facts
    by_ip = [r for r in records() if r["eventSource"] == "iam.amazonaws.com" and r["sourceIPAddress"] == facts["ip"]]
    assert len(by_ip) >= 8
    by_service = [
        r for r in records() if r["eventSource"] == "iam.amazonaws.com" and r["userIdentity"].get("invokedBy") == facts["service"]
    ]
    assert [r["eventName"] for r in reversed(by_service)] == ["CreateRole", "PutRolePolicy", "DeleteRolePolicy", "DeleteRole"]


def s10() -> None:
    found = [r for r in reversed(records()) if r["eventName"] == "CreateUser" and moment(r["eventTime"]) > NOW - timedelta(days=60)]
    assert [r["eventID"] for r in found] == list(event_ids(story("S10")).values())
    names = [r["requestParameters"]["userName"] for r in found]
    listed = {u["UserName"] for u in authorization()["UserDetailList"]}
    assert [n for n in names if n not in listed] == [story("S10").facts["gone again"]]


def s11() -> None:
    role = named("role", "inventory-scanner")
    (attached,) = role["AttachedManagedPolicies"]
    policy = named("policy", attached["PolicyName"])
    assert policy["PolicyVersionList"][0]["Document"]["Statement"][0]["Action"] == "ec2:*"
    ec2 = usage(role["Arn"])
    assert set(ec2) == {"ec2"}
    tracked = ec2["ec2"]["TrackedActionsLastAccessed"]
    assert len(tracked) > 30
    assert [a["ActionName"] for a in tracked if "LastAccessedTime" in a] == ["DescribeInstances"]
    assert {r["eventName"] for r in records() if issuer(r) == role["Arn"]} == {"DescribeInstances"}


def s12() -> None:
    facts = story("S12").facts
    assert RESOURCE_POLICIES[facts["public"]][2]["Statement"][0]["Principal"] == "*"
    assert "555566667777" in json.dumps(RESOURCE_POLICIES[facts["other account"]][2])
    surroundings = list(source().surroundings())
    found = [f for d in surroundings if d.kind is Kind.ANALYZER_FINDINGS for f in json.loads(d.body)["findings"]]
    outside = {f["resource"] for f in found if f["findingType"] == "ExternalAccess"}
    assert {facts["public"], facts["other account"], facts["forgotten"]} <= outside
    assert set(story("S12").identities) <= outside
    assert any(f["findingType"] == "UnusedPermission" and f["resource"].endswith("inventory-scanner") for f in found)
    wildcard = named("role", "ci-terraform")["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]["StringLike"]
    assert list(wildcard.values()) == ["repo:acme/*"]
    assert "Condition" not in named("role", "vendor-datapeek")["AssumeRolePolicyDocument"]["Statement"][0]
    assert "ExternalId" in json.dumps(named("role", "vendor-paywise")["AssumeRolePolicyDocument"])


def s13() -> None:
    user = named("user", "User1")
    glue = usage(user["Arn"])["glue"]
    assert (NOW - moment(glue["LastAuthenticated"])).days > 183
    assert user["GroupList"] == ["data-analysts"]
    analysts = next(g for g in authorization()["GroupDetailList"] if g["GroupName"] == "data-analysts")
    assert "AWSGlueConsoleFullAccess" in {p["PolicyName"] for p in analysts["AttachedManagedPolicies"]}
    assert any(issuer(r) == user["Arn"] for r in records())
    for arn in story("S13").identities[1:]:
        recent = [s for s in usage(arn).values() if "LastAuthenticated" in s and moment(s["LastAuthenticated"]) > NOW - timedelta(days=180)]
        assert recent == [], arn


def s14() -> None:
    told = events("S14")
    versions = {v["VersionId"]: v for v in named("policy", "data-lake-access")["PolicyVersionList"]}
    assert len(versions) == 4
    for name, record in told.items():
        version = versions[name.removeprefix("lake-")]
        assert record["eventName"] == "CreatePolicyVersion"
        assert record["responseElements"]["policyVersion"]["versionId"] == version["VersionId"]
        assert moment(record["eventTime"]) == moment(version["CreateDate"])
        assert json.loads(record["requestParameters"]["policyDocument"]) == version["Document"]
    assert opening(told["lake-v5"])["userIdentity"]["arn"].endswith("/n.haddad@acme.example")
    assert "Deny" not in json.dumps(versions["v5"]["Document"])
    config = next(d for d in source().surroundings() if d.kind is Kind.CONFIG_ITEMS)
    items = json.loads(config.body)["configurationItems"]
    assert [json.loads(i["configuration"])["defaultVersionId"] for i in items] == ["v6", "v5", "v4", "v3"]


def s15() -> None:
    told = events("S15")
    for name in ("contractor-self-admin", "self-admin"):
        record = told[name]
        assert record["requestParameters"]["userName"] == record["userIdentity"]["userName"]
    assert told["delete-user"]["requestParameters"] == {"userName": "tmp-loadtest"}
    answers = monitoring(source().clock, NOW)
    filters = {f["filterName"]: f for f in answers["logs:DescribeMetricFilters"]["metricFilters"]}
    assert "AttachUserPolicy" in filters["iam-changes"]["filterPattern"]
    assert "DeleteUser" not in filters["iam-changes"]["filterPattern"]  # as CIS's filter of IAM changes
    assert {name for name, f in filters.items() if "DeleteUser" in f["filterPattern"]} == {"user-lifecycle", "delete-user"}
    assert filters["user-lifecycle"]["logGroupName"] == GROUP != filters["delete-user"]["logGroupName"]
    silenced = [a["AlarmName"] for a in answers["cloudwatch:DescribeAlarms"]["MetricAlarms"] if not a["ActionsEnabled"]]
    assert silenced == [story("S15").facts["silenced"]]
    mails = answers["sns:ListSubscriptionsByTopic"]["Subscriptions"]
    assert [s["Endpoint"] for s in mails if s["SubscriptionArn"] == "PendingConfirmation"] == [story("S15").facts["unconfirmed"]]


def s16() -> None:
    role = named("role", "test-migration")
    assert 182 <= (NOW - moment(role["CreateDate"])).days <= 184
    assert "AdministratorAccess" in {p["PolicyName"] for p in role["AttachedManagedPolicies"]}
    assert moment(role["RoleLastUsed"]["LastUsedDate"]) > NOW - timedelta(days=30)
    left = named("user", "d.kowalski")
    assert {"Key": "status", "Value": "left"} in left["Tags"]
    assert "ops" in left["GroupList"]
    assert any(issuer(r) == left["Arn"] for r in records())


def s17() -> None:
    now = named("policy", "deploy-base")["PolicyVersionList"][0]["Document"]
    then = proposed_policy()
    assert now != then
    assert "PassedToService" in json.dumps(now)
    assert "PassedToService" not in json.dumps(then)
    assert "lambda:PublishVersion" not in json.dumps(then)


def s18() -> None:
    record = events("S18")["root-login"]
    assert record["userIdentity"]["type"] == "Root"
    report = csv.DictReader(io.StringIO(documents()[Kind.CREDENTIAL_REPORT].body.decode()))
    rows = {r["user"]: r for r in report}
    assert moment(rows["<root_account>"]["password_last_used"]) == moment(record["eventTime"])
    facts = story("S18").facts
    two = {n for n, r in rows.items() if r["access_key_1_active"] == r["access_key_2_active"] == "true"}
    assert two == set(facts["two active keys"].split())
    without = {n for n, r in rows.items() if r["password_enabled"] == "true" and r["mfa_active"] == "false"}
    assert without == set(facts["without MFA"].split())


TOLD: dict[str, Callable[[], None]] = {
    f.__name__.upper(): f for f in (s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15, s16, s17, s18)
}


def test_there_are_eighteen_stories() -> None:
    assert [s.id for s in STORIES] == [f"S{n}" for n in range(1, 19)] == list(TOLD)


@pytest.mark.parametrize("story_id", list(TOLD))
def test_story(story_id: str) -> None:
    TOLD[story_id]()


@pytest.mark.parametrize("told", STORIES, ids=lambda s: s.id)
def test_a_story_names_what_exists_in_the_order_it_happened(told: Any) -> None:
    answer = authorization()
    arns = {e["Arn"] for key in ("UserDetailList", "RoleDetailList", "Policies") for e in answer[key]} | {"arn:aws:iam::123456789012:root"}
    gone = {told.facts.get("gone again", "")}
    assert {i for i in told.identities if i.rpartition("/")[2] not in gone} <= arns
    times = [by_id()[i]["eventTime"] for i in event_ids(told).values()]
    assert times == sorted(times)


def test_the_surroundings_are_readable_json_of_known_kinds() -> None:
    kinds = {d.kind for d in source().surroundings() if json.loads(d.body)}
    assert kinds == {
        Kind.ANALYZERS,
        Kind.ANALYZER_FINDINGS,
        Kind.CONFIG_ITEMS,
        Kind.CONFIG_RECORDERS,
        Kind.ORGANIZATION,
        Kind.RESOURCE_POLICIES,
    }
    organization = json.loads(next(d.body for d in source().surroundings() if d.kind is Kind.ORGANIZATION))
    units = {u["Id"] for u in organization["OrganizationalUnits"]} | {organization["Roots"][0]["Id"]}
    assert {a["ParentId"] for a in organization["Accounts"]} <= units
    for policy in organization["Policies"]:
        assert json.loads(policy["Content"])["Statement"]
