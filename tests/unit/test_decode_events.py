"""CloudTrail records as events: actors, outcomes, targets, times, and secrets that are not kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.model.document import Document, Kind, Origin
from iamtui.model.event import ActorKind, Event, Outcome
from iamtui.source.decode import decode_events, redact_document
from tests.hostile import hostile_documents

WHEN = datetime(2026, 11, 1, tzinfo=UTC)
USER = {
    "type": "IAMUser",
    "arn": "arn:aws:iam::111122223333:user/x/ann",
    "userName": "ann",
    "accountId": "111122223333",
    "principalId": "AIDA1",
}
ISSUER = {"type": "Role", "principalId": "AROA1", "arn": "arn:aws:iam::111122223333:role/app/deploy", "userName": "deploy"}


def document(value: Any) -> Document:
    return Document(Kind.EVENTS, value if isinstance(value, bytes) else json.dumps(value).encode(), WHEN, Origin("evidence", "f.json"))


def one(**fields: Any) -> Event:
    base = {
        "eventVersion": "1.09",
        "eventID": "e1",
        "eventTime": "2026-10-01T10:00:00Z",
        "eventName": "CreateUser",
        "eventSource": "iam.amazonaws.com",
        "awsRegion": "us-east-1",
        "userIdentity": USER,
    }
    record = {k: v for k, v in {**base, **fields}.items() if v is not ...}
    batch = decode_events(document({"Records": [record]}))
    assert batch.skipped == ()
    return batch.events[0]


@pytest.mark.parametrize(
    ("identity", "kind", "name", "arn", "session", "concluded"),
    [
        (USER, ActorKind.USER, "ann", USER["arn"], "", "userIdentity"),
        ({"type": "IAMUser", "arn": USER["arn"]}, ActorKind.USER, "ann", USER["arn"], "", "userIdentity"),
        (
            {"type": "Root", "arn": "arn:aws:iam::111122223333:root"},
            ActorKind.ROOT,
            "root",
            "arn:aws:iam::111122223333:root",
            "",
            "userIdentity",
        ),
        (
            {
                "type": "AssumedRole",
                "principalId": "AROA1:build-7",
                "arn": "arn:aws:sts::111122223333:assumed-role/deploy/build-7",
                "sessionContext": {"sessionIssuer": ISSUER},
            },
            ActorKind.ROLE,
            "deploy",
            ISSUER["arn"],
            "build-7",
            "session issuer",
        ),
        (
            {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/deploy/build-7"},
            ActorKind.ROLE,
            "deploy",
            "",
            "build-7",
            "session ARN; the record has no session issuer",
        ),
        (
            {
                "type": "FederatedUser",
                "arn": "arn:aws:sts::111122223333:federated-user/bob",
                "sessionContext": {"sessionIssuer": {"type": "IAMUser", "arn": USER["arn"], "userName": "ann"}},
            },
            ActorKind.USER,
            "ann",
            USER["arn"],
            "bob",
            "session issuer of a federated session",
        ),
        ({"type": "SAMLUser", "userName": "a@b.c", "principalId": "x:a@b.c"}, ActorKind.SAML, "a@b.c", "", "", "userIdentity"),
        (
            {"type": "WebIdentityUser", "userName": "sub", "principalId": "token.actions"},
            ActorKind.WEB_IDENTITY,
            "sub",
            "",
            "",
            "userIdentity",
        ),
        ({"type": "IdentityCenterUser", "onBehalfOf": {"userId": "u-1"}}, ActorKind.IDENTITY_CENTER, "u-1", "", "", "onBehalfOf"),
        ({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}, ActorKind.SERVICE, "ec2.amazonaws.com", "", "", "invokedBy"),
        ({"invokedBy": "s3.amazonaws.com"}, ActorKind.SERVICE, "s3.amazonaws.com", "", "", "invokedBy"),
        ({"type": "AWSAccount", "accountId": "999988887777"}, ActorKind.ACCOUNT, "999988887777", "", "", "accountId"),
        ({"accountId": "999988887777"}, ActorKind.ACCOUNT, "999988887777", "", "", "accountId"),
        ({"type": "Directory", "userName": "d"}, ActorKind.UNKNOWN, "d", "", "", "userIdentity of type Directory"),
        ({}, ActorKind.UNKNOWN, "", "", "", "userIdentity of type (none)"),
        (None, ActorKind.UNKNOWN, "", "", "", "the record has no userIdentity"),
        ("text", ActorKind.UNKNOWN, "", "", "", "the record has no userIdentity"),
    ],
)
def test_actor(identity: Any, kind: ActorKind, name: str, arn: str, session: str, concluded: str) -> None:
    actor = one(userIdentity=identity).actor
    assert (actor.kind, actor.name, actor.arn, actor.session_name, actor.concluded) == (kind, name, arn, session, concluded)


def test_a_person_behind_a_permission_set_stays_the_session_of_a_role() -> None:
    role = "AWSReservedSSO_Admin_0123456789abcdef"
    identity = {
        "type": "AssumedRole",
        "principalId": "AROA9:jane@acme.example",
        "arn": f"arn:aws:sts::111122223333:assumed-role/{role}/jane@acme.example",
        "sessionContext": {
            "sourceIdentity": "jane",
            "sessionIssuer": {
                **ISSUER,
                "principalId": "AROA9",
                "userName": role,
                "arn": f"arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/{role}",
            },
        },
    }
    actor = one(userIdentity=identity).actor
    assert (actor.kind, actor.name, actor.session_name, actor.source_identity, actor.unique_id) == (
        ActorKind.ROLE,
        role,
        "jane@acme.example",
        "jane",
        "AROA9",
    )


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({}, Outcome.SUCCESS),
        ({"errorCode": "AccessDenied"}, Outcome.DENIED),
        ({"errorCode": "Client.UnauthorizedOperation"}, Outcome.DENIED),
        ({"errorCode": "AccessDeniedException"}, Outcome.DENIED),
        ({"errorCode": "NoSuchEntityException"}, Outcome.FAILED),
        ({"errorCode": "ThrottlingException"}, Outcome.FAILED),
        (
            {"eventName": "ConsoleLogin", "errorMessage": "Failed authentication", "responseElements": {"ConsoleLogin": "Failure"}},
            Outcome.FAILED,
        ),
        ({"eventName": "ConsoleLogin", "responseElements": {"ConsoleLogin": "Failure"}}, Outcome.FAILED),
        ({"eventName": "ConsoleLogin", "responseElements": {"ConsoleLogin": "Success"}}, Outcome.SUCCESS),
        ({"userIdentity": ...}, Outcome.UNKNOWN),
    ],
)
def test_outcome(fields: dict[str, Any], outcome: Outcome) -> None:
    assert one(**fields).outcome is outcome


def test_time_and_the_field_it_came_from() -> None:
    assert one().time == datetime(2026, 10, 1, 10, tzinfo=UTC)
    assert one().time_from == ""
    other = one(eventTime=..., requestTime="2026-10-01 10:00:00")
    assert (other.time, other.time_from) == (datetime(2026, 10, 1, 10, tzinfo=UTC), "requestTime")
    nothing = one(eventTime="...")
    assert (nothing.time, nothing.time_from) == (None, "")


def test_targets_of_requests_resources_and_answers() -> None:
    told = one(
        requestParameters={
            "userName": "bob",
            "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess",
            "instancesSet": {"items": [{"instanceId": "i-1"}]},
        },
        resources=[{"ARN": "arn:aws:s3:::b"}, {"x": 1}, None],
        responseElements={"accessKey": {"accessKeyId": "AKIA9"}},
    ).targets
    assert set(told) == {"bob", "arn:aws:iam::aws:policy/AdministratorAccess", "i-1", "arn:aws:s3:::b", "AKIA9"}
    assert "b/secret.txt" in one(requestParameters={"bucketName": "b", "key": "secret.txt"}).targets
    assert one(requestParameters={"name": ["x"], "roleName": None, "instancesSet": "?"}, resources="?").targets == ()


SECRETS = {
    "credentials": {"sessionToken": "SECRET1", "accessKeyId": "ASIAHANDED", "secretAccessKey": "SECRET2"},
    "password": "SECRET3",
    "tdeCredentialPassword": "SECRET4",
    "clientSecret": "SECRET5",
    "SecretString": "SECRET6",
    "plaintext": "SECRET7",
    "environment": {"variables": [{"text": "aws_secret_access_key=SECRET8&x=1"}, {"json": '{"sessionToken": "SECRET9"}'}]},
    "url": "https://x/?X-Amz-Security-Token=SECRET10&b=2",
    "nested": [[{"AuthorizationToken": {"a": "SECRET11"}}]],
}


def test_secrets_are_dropped_and_key_ids_stay() -> None:
    event = one(eventName="AssumeRole", responseElements=SECRETS, requestParameters={"newPassword": "SECRET12", "accessKeyId": "AKIAKEPT"})
    assert "SECRET" not in event.record.replace("SecretString", "")
    assert "(dropped)" in event.record
    assert "AKIAKEPT" in event.record
    assert event.session_key_id == "ASIAHANDED"
    json.loads(event.record)


@pytest.mark.parametrize("wrap", ["records", "lookup", "lines"])
def test_documents_are_cleaned_before_they_are_kept(wrap: str) -> None:
    record = {"eventName": "AssumeRole", "eventSource": "sts.amazonaws.com", "eventID": "e", "responseElements": SECRETS}
    body = {
        "records": json.dumps({"Records": [record]}),
        "lookup": json.dumps({"Events": [{"CloudTrailEvent": json.dumps(record)}]}),
        "lines": json.dumps(record) + "\n" + json.dumps(record),
    }[wrap]
    cleaned = redact_document(document(body.encode())).body
    assert b"SECRET" not in cleaned.replace(b"SecretString", b"")
    assert b"ASIAHANDED" in cleaned
    assert len(decode_events(document(cleaned)).events) == (2 if wrap == "lines" else 1)


def test_insights_and_strangers_are_skipped_with_a_reason() -> None:
    batch = decode_events(
        document({"Records": [{"insightDetails": {}}, {"a": 1}, 5, None, "x", {"eventName": "A", "eventSource": "b", "eventID": "1"}]})
    )
    assert len(batch.events) == 1
    assert batch.skipped == (
        "a CloudTrail Insight, no event",
        "an entry has neither eventName nor eventSource",
        "an entry is no record (3 times)",
    )


def test_versions_and_odd_types_do_not_matter() -> None:
    event = one(
        eventVersion=1.1,
        eventID=7,
        errorMessage=["x"],
        readOnly="true",
        sourceIPAddress=None,
        userAgent={},
        awsRegion=3,
        requestParameters=[1],
    )
    assert (event.event_id, event.read_only, event.ip, event.user_agent, event.region) == ("7", True, "", "", "3")


def test_hostile_events_decode_and_hold_no_token() -> None:
    batch = decode_events(hostile_documents()[-1])
    assert len(batch.events) == 27
    assert not any("SECRET-CANARY" in e.record for e in batch.events)
    for event in batch.events:
        event.record.encode()


def numbered(count: int) -> list[dict[str, Any]]:
    return [{"eventID": f"e{n}", "eventName": "CreateUser", "eventSource": "iam.amazonaws.com", "note": 'a ] } " {'} for n in range(count)]


@pytest.mark.parametrize("wrap", [lambda records: {"Records": records}, lambda records: records], ids=["file", "array"])
@pytest.mark.parametrize("indent", [None, 1])
def test_a_text_that_breaks_off_gives_the_records_before_the_break(wrap: Any, indent: int | None) -> None:
    body = json.dumps(wrap(numbered(5)), indent=indent).encode()
    for cut in range(len(body) // 2, len(body) - 4, 7):
        batch = decode_events(document(body[:cut]))
        assert 2 <= len(batch.events) < 5
        assert [event.event_id for event in batch.events] == [f"e{n}" for n in range(len(batch.events))]
        assert batch.broken
        assert f"{len(batch.events)} records before the break" in batch.skipped[0]
    assert not decode_events(document(body)).broken


@given(st.binary(max_size=60))
def test_whatever_stands_after_the_break_costs_no_good_record(junk: bytes) -> None:
    body = json.dumps({"Records": numbered(3)}).encode()
    batch = decode_events(document(body[: len(body) - 2] + b", {\x00" + junk))
    assert [event.event_id for event in batch.events][:3] == ["e0", "e1", "e2"]
