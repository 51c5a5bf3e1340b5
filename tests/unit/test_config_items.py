"""AWS Config items: both key styles, every wrapping of a document, hostile and broken input; recorders and their states."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iamtui.model.document import Document, Kind, Origin
from iamtui.model.fact import State
from iamtui.session import Session
from iamtui.session.configlog import ConfigLog
from iamtui.source.decode.config_items import decode_config_items, decode_recorders
from iamtui.source.evidence import EvidenceSource
from iamtui.source.evidence.kinds import Recognised, recognise
from tests.support.changes import NOW, READ, encoded, item, role, user
from tests.support.evidence import data

ANA = user()


def document(body: Any, kind: Kind = Kind.CONFIG_ITEMS, region: str = "") -> Document:
    return Document(kind, body if isinstance(body, bytes) else json.dumps(body).encode(), NOW, Origin("evidence", "x.json"), region=region)


def test_real_items_of_all_four_types() -> None:
    found = {}
    for path in sorted(data("iam/config").glob("*.json")):
        items, broken = decode_config_items(document(path.read_bytes()))
        assert not broken
        found[items[0].target] = items[0]
    assert set(found) == {"user", "role", "group", "policy"}
    assert found["user"].arn == "arn:aws:iam::112233445566:user/johndoe"  # written ARN, with configurationItemVersion
    assert found["user"].account == "112233445566"
    assert found["user"].groups == ("MyTestGroup",)
    assert "codedeploy:*" in dict(found["user"].documents)["policygen-johndoe-201611060951"]
    assert json.loads(dict(found["policy"].documents)["v1"])["Statement"][0]["Action"] == ["elasticloadbalancing:Describe*"]
    assert found["policy"].default == "v1"
    assert json.loads(found["role"].trust)["Statement"][0]["Principal"] == {"Service": "config.amazonaws.com"}
    assert found["group"].attached == ("arn:aws:iam::aws:policy/AdministratorAccess",)
    assert all(one.recorded for one in found.values())


@pytest.mark.parametrize("wrapped", [encoded(READ), json.dumps(READ), READ, [READ], encoded(READ).replace("%20", "+")])
def test_a_document_in_every_wrapping(wrapped: Any) -> None:
    raw = item("User", ANA, 1, {"userName": "ana", "userPolicyList": [{"policyName": "p", "policyDocument": wrapped}]})
    (found,), _ = decode_config_items(document({"configurationItems": [raw]}))
    assert json.loads(dict(found.documents)["p"]) == READ


def test_a_plus_in_an_encoded_document_stays() -> None:
    text = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::a+b"}]}
    raw = item("User", ANA, 1, {"userPolicyList": [{"policyName": "p", "policyDocument": encoded(text)}]})
    (found,), _ = decode_config_items(document([raw]))
    assert "a+b" in found.documents[0][1]


def test_delivered_files_write_other_keys() -> None:
    raw = {
        "configurationItemVersion": "1.3",
        "awsAccountId": "123456789012",
        "ARN": ANA.arn,
        "resourceType": "AWS::IAM::User",
        "resourceId": ANA.unique_id,
        "awsRegion": "global",
        "configurationItemCaptureTime": "2026-10-01T10:00:00.000Z",
        "configurationItemStatus": "ResourceDiscovered",
        "configurationStateId": 1764000000000,
        "configuration": {
            "userName": "ana",
            "attachedManagedPolicies": [],
            "permissionsBoundary": {"permissionsBoundaryArn": "arn:aws:iam::aws:policy/X"},
        },
        "tags": {"team": "a"},
    }
    (found,), _ = decode_config_items(document({"fileVersion": "1.0", "configSnapshotId": "x", "configurationItems": [raw]}))
    assert (found.arn, found.account, found.name, found.state_id) == (ANA.arn, "123456789012", "ana", "1764000000000")
    assert found.boundary == "arn:aws:iam::aws:policy/X"
    assert found.tags == (("team", "a"),)


def test_other_resources_are_left_out_and_notifications_are_opened() -> None:
    bucket = {"resourceType": "AWS::S3::Bucket", "configurationItemStatus": "OK", "resourceId": "b"}
    mine = item("User", ANA, 1, {})
    assert len(decode_config_items(document({"configurationItems": [bucket, mine, bucket]}))[0]) == 1
    envelope = {"detail-type": "Config Configuration Item Change", "source": "aws.config", "detail": {"configurationItem": mine}}
    assert recognise(json.dumps(envelope).encode()) == (Recognised(Kind.CONFIG_ITEMS),)
    assert len(decode_config_items(document(envelope))[0]) == 1


def test_a_large_snapshot_keeps_only_iam() -> None:
    bucket = {"resourceType": "AWS::S3::Bucket", "configurationItemStatus": "OK", "resourceId": "b", "configuration": {"x": "y" * 2000}}
    body = json.dumps({"configurationItems": [bucket] * 800 + [item("User", ANA, 1, {})]}).encode()
    (told,) = recognise(body)  # type: ignore[misc]
    assert told.kind is Kind.CONFIG_ITEMS
    assert told.body is not None
    assert len(told.body) < 5000
    assert len(decode_config_items(document(told.body))[0]) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"configurationItems": 5}',
        b'{"configurationItems": [1, null, {"resourceType": "AWS::IAM::User"}]}',
        b'{"configurationItems": [{"resourceType": "AWS::IAM::User", "configuration": "{\\"a\\":"}]}',
        b"[" * 3000,
        '{"resourceType": "AWS::IAM::User", "configuration": {"userPolicyList": {"policyName": "\u202e"}}}'.encode(),
    ],
)
def test_broken_items_are_said_and_never_raised(body: bytes) -> None:
    found, broken = decode_config_items(document(body))
    assert all(isinstance(words, str) for words in broken)
    assert all(one.target == "user" for one in found)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=8
)  # fmt: skip


@settings(max_examples=120)
@given(st.dictionaries(st.sampled_from(["userPolicyList", "groupList", "attachedManagedPolicies", "permissionsBoundary", "tags", "policyVersionList", "defaultVersionId", "assumeRolePolicyDocument", "createDate"]), _json), st.sampled_from(["User", "Role", "Group", "Policy"]), st.booleans())  # fmt: skip
def test_no_configuration_raises(configuration: dict[str, Any], kind: str, as_text: bool) -> None:
    raw = {
        **item(kind, ANA, 1, {}),
        "configuration": json.dumps(configuration) if as_text else configuration,
        "tags": configuration.get("tags"),
    }
    found, broken = decode_config_items(document([raw]))
    assert len(found) + len(broken) >= 1


# -- recorders ---------------------------------------------------------------------------------------------------------


def group(**more: Any) -> dict[str, Any]:
    return {"name": "default", "recordingGroup": more}


@pytest.mark.parametrize(
    ("recorder", "iam"),
    [
        (group(allSupported=True, includeGlobalResourceTypes=True), True),
        (group(allSupported=True, includeGlobalResourceTypes=False), False),
        (group(allSupported=False, resourceTypes=["AWS::IAM::Role"]), True),
        (group(allSupported=False, resourceTypes=["AWS::S3::Bucket"]), False),
        (
            group(
                recordingStrategy={"useOnly": "EXCLUSION_BY_RESOURCE_TYPES"}, exclusionByResourceTypes={"resourceTypes": ["AWS::IAM::User"]}
            ),
            False,
        ),
        (group(recordingStrategy={"useOnly": "EXCLUSION_BY_RESOURCE_TYPES"}, exclusionByResourceTypes={"resourceTypes": []}), True),
        ({"name": "default"}, None),
    ],
)
def test_whether_a_recorder_records_iam(recorder: dict[str, Any], iam: bool | None) -> None:
    (found,) = decode_recorders(document({"ConfigurationRecorders": [recorder]}, Kind.CONFIG_RECORDERS, "us-east-1"))
    assert found.iam is iam


def test_the_two_answers_of_a_recorder_are_one_and_none_is_a_state() -> None:
    log = ConfigLog()
    log.take(
        document(
            {"ConfigurationRecorders": [group(allSupported=True, includeGlobalResourceTypes=True)]}, Kind.CONFIG_RECORDERS, "us-east-1"
        )
    )
    status = {
        "name": "default",
        "recording": False,
        "lastStatus": "FAILURE",
        "lastErrorMessage": "no bucket",
        "lastStopTime": "2026-10-01T00:00:00Z",
    }
    log.take(document({"ConfigurationRecordersStatus": [status]}, Kind.CONFIG_RECORDERS, "us-east-1"))
    (one,) = log.recorders("123456789012")
    assert (one.iam, one.on, one.reason) == (True, False, "no bucket")
    log.take(document({"ConfigurationRecorders": [], "ConfigurationRecordersStatus": []}, Kind.CONFIG_RECORDERS, "eu-west-1"))
    assert [r.state for r in log.recorders("123456789012")] == [State.NOT_APPLICABLE, State.KNOWN]


# -- evidence ----------------------------------------------------------------------------------------------------------


def test_saved_items_recorders_and_gzipped_deliveries_reach_the_session(tmp_path: Path) -> None:
    job = role(attached=("arn:aws:iam::aws:policy/AdministratorAccess",))
    account = {"RoleDetailList": [{"Path": "/", "RoleName": "job", "RoleId": job.unique_id, "Arn": job.arn, "CreateDate": "2025-01-01T00:00:00Z", "AttachedManagedPolicies": [{"PolicyArn": job.attached[0].arn, "PolicyName": "AdministratorAccess"}]}], "UserDetailList": [], "GroupDetailList": [], "Policies": []}  # fmt: skip
    (tmp_path / "gaad.json").write_text(json.dumps(account))
    (tmp_path / "recorders.json").write_text(
        json.dumps({"ConfigurationRecorders": [group(allSupported=True, includeGlobalResourceTypes=False)]})
    )
    before = item("Role", job, 20, {"roleName": "job", "attachedManagedPolicies": []})
    after = item("Role", job, 10, {"roleName": "job", "attachedManagedPolicies": [{"policyArn": job.attached[0].arn}]})
    with gzip.open(tmp_path / "123456789012_Config_us-east-1_ConfigHistory_AWS__IAM__Role_x.json.gz", "wb") as file:
        file.write(json.dumps({"fileVersion": "1.0", "configurationItems": [before, after]}).encode())
    session = Session(EvidenceSource([str(tmp_path)]), now=lambda: NOW)
    for _ in session.refresh():
        pass
    row = session.find("role/job")[0].row
    view = list(session.load_changes(row))[-1]
    (entry,) = view.entries
    assert entry.change.kind.value == "policy attached"
    assert entry.change.not_before is not None
    assert not entry.change.author.actor
    assert entry.change.author.missing
    words = [gap.words for gap in view.gaps]
    assert any("does not record IAM" in one for one in words)
