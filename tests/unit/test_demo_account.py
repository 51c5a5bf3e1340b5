"""The demo's lists: complete, in AWS's shape, agreeing with each other and with the demo's events."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.loaders
import botocore.model
import pytest

from iamtui.model.document import Document, Gap, Kind
from iamtui.model.fact import State
from iamtui.source.base import EventQuery
from iamtui.source.decode import Assembler
from iamtui.source.demo import DemoSource
from iamtui.source.demo.ids import long_term_key
from iamtui.source.demo.people import USERS
from tests.faulty import Faulty
from tests.support.demo import NOW, authorization, documents, issuer, moment, records, source

MIDNIGHT = NOW.replace(hour=0, minute=0)


def report() -> dict[str, dict[str, str]]:
    return {row["user"]: row for row in csv.DictReader(io.StringIO(documents()[Kind.CREDENTIAL_REPORT].body.decode()))}


def test_the_account_is_as_large_as_promised() -> None:
    answer = authorization()
    own = [p for p in answer["Policies"] if ":aws:policy" not in p["Arn"]]
    assert len(answer["UserDetailList"]) == 40
    assert 115 <= len(answer["RoleDetailList"]) <= 130
    assert len(answer["GroupDetailList"]) == 10
    assert 55 <= len(own) <= 65
    assert {"deploy-bot", "ops-admin", "User1", "k.meyer"} <= {u["UserName"] for u in answer["UserDetailList"]}
    assert {"audit", "ci-deploy", "test-migration"} <= {r["RoleName"] for r in answer["RoleDetailList"]}
    assert "ops" in {g["GroupName"] for g in answer["GroupDetailList"]}


def test_names_and_ids_are_unique() -> None:
    answer = authorization()
    for entries, keys in (
        (answer["UserDetailList"], ("UserName", "UserId", "Arn")),
        (answer["RoleDetailList"], ("RoleName", "RoleId", "Arn")),
        (answer["Policies"], ("PolicyId", "Arn")),
    ):
        for key in keys:
            assert [name for name, n in Counter(e[key] for e in entries).items() if n > 1] == []


def _check(value: Any, shape: botocore.model.Shape, where: str) -> None:
    if shape.type_name == "structure":
        assert isinstance(shape, botocore.model.StructureShape)
        assert isinstance(value, dict), where
        for key, inner in value.items():
            assert key in shape.members, f"{where}.{key} is no member of {shape.name}"
            _check(inner, shape.members[key], f"{where}.{key}")
    elif shape.type_name == "list":
        assert isinstance(shape, botocore.model.ListShape)
        assert isinstance(value, list), where
        for entry in value:
            _check(entry, shape.member, f"{where}[]")
    elif shape.name == "policyDocumentType":
        assert isinstance(value, dict), where  # decoded, as the AWS CLI saves it
        assert value["Version"] == "2012-10-17"
        assert value["Statement"]
    elif shape.type_name == "timestamp":
        assert moment(value).tzinfo is not None, where
    else:
        wanted = {"string": str, "boolean": bool, "integer": int}[shape.type_name]
        assert isinstance(value, wanted), where
        if shape.type_name == "string" and "enum" in shape.metadata:
            assert value in shape.metadata["enum"], where


@pytest.mark.parametrize(
    ("kind", "operation"),
    [
        (Kind.AUTHORIZATION, "GetAccountAuthorizationDetails"),
        (Kind.ACCOUNT_ALIASES, "ListAccountAliases"),
        (Kind.PASSWORD_POLICY, "GetAccountPasswordPolicy"),
    ],
)
def test_answers_have_the_shape_of_the_service_model(kind: Kind, operation: str) -> None:
    model = botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model("iam", "service-2"))
    shape = model.operation_model(operation).output_shape
    assert shape is not None
    _check(json.loads(documents()[kind].body), shape, operation)


def test_last_accessed_has_the_shape_of_the_service_model() -> None:
    model = botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model("iam", "service-2"))
    shape = model.operation_model("GetServiceLastAccessedDetails").output_shape
    assert shape is not None
    for arn in (
        "arn:aws:iam::123456789012:role/inventory-scanner",
        "arn:aws:iam::123456789012:group/ops",
        "arn:aws:iam::aws:policy/ReadOnlyAccess",
    ):
        (document,) = [item for item in source().last_accessed(arn) if isinstance(item, Document)]
        _check(json.loads(document.body), shape, arn)


def test_every_attached_policy_and_boundary_exists_and_is_counted() -> None:
    answer = authorization()
    entries = [*answer["UserDetailList"], *answer["GroupDetailList"], *answer["RoleDetailList"]]
    attached = Counter(p["PolicyArn"] for e in entries for p in e["AttachedManagedPolicies"])
    bounding = Counter(e["PermissionsBoundary"]["PermissionsBoundaryArn"] for e in entries if "PermissionsBoundary" in e)
    policies = {p["Arn"]: p for p in answer["Policies"]}
    assert set(attached) | set(bounding) <= set(policies)
    assert {arn: p["AttachmentCount"] for arn, p in policies.items() if p["AttachmentCount"]} == dict(attached)
    assert {arn: p["PermissionsBoundaryUsageCount"] for arn, p in policies.items() if p["PermissionsBoundaryUsageCount"]} == dict(bounding)
    groups = {g["GroupName"] for g in answer["GroupDetailList"]}
    assert {g for u in answer["UserDetailList"] for g in u["GroupList"]} <= groups


def test_policy_versions_are_in_order_and_one_is_the_default() -> None:
    edited = 0
    for policy in authorization()["Policies"]:
        versions = policy["PolicyVersionList"]
        assert len(versions) <= 5
        assert [v["VersionId"] for v in versions if v["IsDefaultVersion"]] == [policy["DefaultVersionId"]]
        dates = [moment(v["CreateDate"]) for v in versions]
        assert dates == sorted(dates, reverse=True)
        assert moment(policy["CreateDate"]) <= dates[-1]
        assert moment(policy["UpdateDate"]) == dates[0]
        edited += len(versions) > 1
    assert edited >= 5


def test_nothing_is_in_the_future() -> None:
    texts = [documents()[k].body.decode() for k in (Kind.AUTHORIZATION, Kind.CREDENTIAL_REPORT)]
    dates = [d for text in texts for d in re.findall(r"(?<!,true,)\d{4}-\d\d-\d\dT[\d:]+\+00:00", text)]
    rotation = {row["password_next_rotation"] for row in report().values()}
    assert max(moment(d) for d in dates if d not in rotation) < MIDNIGHT


def test_the_credential_report_has_every_user_and_root_with_all_states() -> None:
    rows = report()
    assert set(rows) == {u["UserName"] for u in authorization()["UserDetailList"]} | {"<root_account>"}
    by_name = {u["UserName"]: u for u in authorization()["UserDetailList"]}
    for name, row in rows.items():
        assert len(row) == 22
        assert None not in row.values()
        if name in by_name:
            assert row["arn"] == by_name[name]["Arn"]
            assert row["user_creation_time"] == by_name[name]["CreateDate"]
    assert rows["<root_account>"]["password_enabled"] == "not_supported"
    assert rows["h.schmidt"]["password_last_used"] == "no_information"
    assert rows["deploy-bot"]["password_last_used"] == "N/A"
    assert rows["cost-reporter"]["access_key_1_last_used_date"] == "N/A"
    two = {name for name, row in rows.items() if row["access_key_1_active"] == row["access_key_2_active"] == "true"}
    assert two == {"jenkins", "s.rossi"}
    without = {name for name, row in rows.items() if row["password_enabled"] == "true" and row["mfa_active"] == "false"}
    assert without == {"s.rossi", "d.kowalski", "h.schmidt", "b.jones", "svc-monitoring"}


def test_role_last_used_is_the_latest_event_of_the_role() -> None:
    latest: dict[str, dict[str, Any]] = {}
    for record in records():
        if record["userIdentity"].get("type") == "AssumedRole":
            latest.setdefault(issuer(record), record)
    for role in authorization()["RoleDetailList"]:
        told, event = role["RoleLastUsed"], latest.get(role["Arn"])
        if event is not None:
            assert (moment(told["LastUsedDate"]), told["Region"]) == (moment(event["eventTime"]), event["awsRegion"]), role["RoleName"]
        elif told:
            assert moment(told["LastUsedDate"]) < MIDNIGHT - timedelta(days=90), role["RoleName"]
        if told:
            assert moment(told["LastUsedDate"]) > moment(role["CreateDate"])
    never = {r["RoleName"] for r in authorization()["RoleDetailList"] if not r["RoleLastUsed"]}
    assert {"old-reporting", "AWSControlTowerExecution", "AWSServiceRoleForEC2Spot"} <= never


def test_keys_and_passwords_were_last_used_when_the_events_say() -> None:
    keys: dict[str, dict[str, Any]] = {}
    logins: dict[str, str] = {}
    for record in records():
        identity = record["userIdentity"]
        if str(identity.get("accessKeyId", "")).startswith("AKIA"):
            keys.setdefault(identity["accessKeyId"], record)
        if record["eventName"] == "ConsoleLogin" and record["responseElements"]["ConsoleLogin"] == "Success":
            logins.setdefault(identity.get("userName", "<root_account>"), record["eventTime"])
    rows = report()
    for name, stamp in logins.items():
        assert moment(rows[name]["password_last_used"]) == moment(stamp), name
    for user in USERS:
        for slot, _ in enumerate(user.keys):
            row, event = rows[user.name], keys.get(long_term_key(source().seed, user.name, slot))
            prefix = f"access_key_{slot + 1}_last_used"
            if event is not None:
                told = (moment(row[f"{prefix}_date"]), row[f"{prefix}_region"])
                assert told == (moment(event["eventTime"]), event["awsRegion"]), user.name
            elif row[f"{prefix}_date"] != "N/A":
                assert moment(row[f"{prefix}_date"]) < MIDNIGHT - timedelta(days=90), user.name


def test_access_keys_agree_with_the_report_and_are_recognisably_made_up() -> None:
    rows = report()
    for user in USERS:
        (document,) = [i for i in source().access_keys(user.name, f"arn:{user.name}") if isinstance(i, Document)]
        answer = json.loads(document.body)
        assert len(answer["AccessKeyMetadata"]) == len(user.keys)
        for slot, key in enumerate(answer["AccessKeyMetadata"], 1):
            assert re.fullmatch(r"AKIA[A-Z2-7]{16}", key["AccessKeyId"])
            assert "EXAMPLE" in key["AccessKeyId"]
            assert rows[user.name][f"access_key_{slot}_last_rotated"] == key["CreateDate"]
            used = answer["LastUsed"][key["AccessKeyId"]]
            assert used.get("LastUsedDate", "N/A") == rows[user.name][f"access_key_{slot}_last_used_date"]
    (gap,) = source().access_keys("nobody", "")
    assert isinstance(gap, Gap)


def test_every_stored_policy_version_can_be_asked_for() -> None:
    policy = next(p for p in authorization()["Policies"] if p["PolicyName"] == "data-lake-access")
    assert [v["VersionId"] for v in policy["PolicyVersionList"]] == ["v6", "v5", "v4", "v3"]
    for version in policy["PolicyVersionList"]:
        (item,) = source().policy_version(policy["Arn"], version["VersionId"])
        assert isinstance(item, Document)
        assert json.loads(item.body)["PolicyVersion"] == version
    (item,) = source().policy_version(policy["Arn"])
    assert isinstance(item, Document)
    assert json.loads(item.body)["PolicyVersion"]["VersionId"] == "v6"
    (gap,) = source().policy_version(policy["Arn"], "v99")
    assert isinstance(gap, Gap)


def test_get_role_tells_what_the_list_does_not() -> None:
    model = botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model("iam", "service-2"))
    shape = model.operation_model("GetRole").output_shape
    assert shape is not None
    arn = "arn:aws:iam::123456789012:role/prod-operator"
    (document,) = source().role("prod-operator", arn)
    assert isinstance(document, Document)
    answer = json.loads(document.body)
    _check(answer, shape, "GetRole")
    assert (answer["Role"]["Arn"], answer["Role"]["MaxSessionDuration"]) == (arn, 7200)
    (gap,) = source().role("nobody", "")
    assert isinstance(gap, Gap)


def test_the_same_day_and_seed_give_the_same_bytes() -> None:
    again = {item.kind: item for item in DemoSource(NOW.replace(hour=23)).account() if isinstance(item, Document)}
    assert {k: d.body for k, d in again.items()} == {k: d.body for k, d in documents().items()}
    other = next(i for i in DemoSource(NOW, seed=7).account() if isinstance(i, Document))
    assert other.body != documents()[Kind.AUTHORIZATION].body
    assert len(json.loads(other.body)["RoleDetailList"]) == len(authorization()["RoleDetailList"])


def test_dates_move_with_now() -> None:
    for now in (datetime(2024, 2, 29, 23, 59, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), datetime(2026, 7, 5, 4, tzinfo=UTC)):
        answer = json.loads(next(i for i in DemoSource(now).account() if isinstance(i, Document)).body)
        ages = {r["RoleName"]: (now - moment(r["CreateDate"])).days for r in answer["RoleDetailList"]}
        assert 182 <= ages["test-migration"] <= 184
        assert ages["shop-returns-task"] <= 1
        assert max(moment(r["CreateDate"]) for r in answer["RoleDetailList"]) < now


def test_everything_decodes_without_a_gap() -> None:
    assembler = Assembler()
    for item in source().account():
        assert isinstance(item, Document)
        assembler.add(item)
    world = assembler.world()
    assert not world.gaps
    (snapshot,) = world.snapshots
    assert snapshot.label == "acme-prod"
    assert (len(snapshot.users), len(snapshot.groups)) == (40, 10)
    assert all(note.accepted for note in world.notes)
    summary = snapshot.summary
    assert (summary["Users"], summary["Roles"], summary["Groups"]) == (len(snapshot.users), len(snapshot.roles), len(snapshot.groups))


def test_a_faulty_source_shows_four_different_states() -> None:
    faulty = Faulty(source())
    items = list(faulty.account())
    gaps = {i.kind: i for i in items if isinstance(i, Gap)}
    assert gaps[Kind.CREDENTIAL_REPORT].state is State.DENIED
    assert gaps[Kind.CREDENTIAL_REPORT].action == "iam:GenerateCredentialReport"
    assert gaps[Kind.AUTHORIZATION].state is State.FAILED
    partial = next(i for i in items if isinstance(i, Document) and i.kind is Kind.AUTHORIZATION)
    assert not partial.complete
    assert [i.state for i in faulty.last_accessed("arn:aws:iam::123456789012:role/audit") if isinstance(i, Gap)] == [State.DENIED]
    since = NOW - timedelta(days=3)
    events = list(faulty.events(EventQuery(since=since)))
    assert [g.region for g in events if isinstance(g, Gap)] == ["eu-central-1"]
    assert not any("eu-central-1" in str(r["awsRegion"]) for d in events if isinstance(d, Document) for r in json.loads(d.body)["Records"])
