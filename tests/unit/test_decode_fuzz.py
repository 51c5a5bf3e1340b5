"""Whatever arrives, decoding answers: nothing raises, and what could not be read is named."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iamtui.model.document import Document, Gap, Kind, Origin
from iamtui.model.usage import UsageReport
from iamtui.source.decode import Assembler, decode_events, decode_last_accessed, redact_document
from iamtui.source.decode.secrets import DROPPED, redact
from iamtui.source.evidence.kinds import Unreadable, recognise
from tests.hostile import hostile_documents

WHEN = datetime(2026, 11, 1, tzinfo=UTC)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

NAMES = [
    "UserDetailList", "RoleDetailList", "GroupDetailList", "Policies", "Arn", "UserName", "RoleName", "UserPolicyList", "PolicyDocument", "Tags", "Key",
    "PolicyVersionList", "Document", "CreateDate", "RoleLastUsed", "LastUsedDate", "PermissionsBoundary", "AttachedManagedPolicies", "PolicyArn",
    "InstanceProfileList", "AssumeRolePolicyDocument", "IsTruncated", "Marker", "SummaryMap", "AccountAliases", "PasswordPolicy", "PolicyVersion",
    "VersionId", "Role", "AccessKeyMetadata", "LastUsed", "AccessKeyId", "ServicesLastAccessed", "JobStatus", "JobCompletionDate", "JobCreationDate",
    "LastAuthenticated", "LastAuthenticatedEntity", "TrackedActionsLastAccessed", "Error", "Records", "Events", "CloudTrailEvent", "detail", "source",
    "eventName", "eventSource", "eventTime", "eventID", "userIdentity", "sessionContext", "sessionIssuer", "arn", "type", "requestParameters",
    "responseElements", "credentials", "resources", "instancesSet", "items", "errorCode", "insightDetails", "Content", "ReportFormat", "findings",
]  # fmt: skip
TEXTS = [
    "arn:aws:iam::111122223333:user/a",
    "COMPLETED",
    "AssumedRole",
    "2026-01-01T00:00:00Z",
    '{"a":1}',
    "%7B%22a%22%3A1%7D",
    "{",
    "",
    "\ud800",
    "v1",
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(TEXTS) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=4), inner, max_size=6),
    max_leaves=40,
)


def document(kind: Kind, body: bytes) -> Document:
    return Document(kind, body, WHEN, Origin("evidence", "f"), "111122223333", "arn:aws:iam::111122223333:user/a")


def all_of(body: bytes) -> None:
    """Every decoder over one text. A document is never without a trace: a note, a gap or an event, or a reason."""
    for kind in Kind:
        assembler = Assembler()
        assembler.add(document(kind, body))
        world = assembler.world()
        assert world.notes or world.gaps
    batch = decode_events(document(Kind.EVENTS, body))
    assert all(isinstance(reason, str) for reason in batch.skipped)
    assert isinstance(decode_last_accessed(document(Kind.LAST_ACCESSED, body)), UsageReport | Gap)
    found = recognise(body)
    assert isinstance(found, Unreadable) or len(found) >= 1
    redact_document(document(Kind.EVENTS, body))


@QUICK
@given(VALUES)
def test_any_json(value: Any) -> None:
    all_of(json.dumps(value).encode())


@QUICK
@given(st.binary(max_size=300))
def test_any_bytes(body: bytes) -> None:
    all_of(body)


@QUICK
@given(st.data())
def test_damaged_answers(data: st.DataObject) -> None:
    """Real answers with a stretch cut out, doubled or overwritten."""
    small = [d for d in hostile_documents() if len(d.body) < 60_000]
    chosen = data.draw(st.sampled_from(small))
    body = chosen.body
    begin = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(begin, min(len(body), begin + 200)))
    patch = data.draw(st.sampled_from([b"", body[begin:end] * 2, b"null", b"[", b"}", b'"', b"\xff\x00", b"\\ud800", b"1e999"]))
    body = body[:begin] + patch + body[end:]
    assembler = Assembler()
    assembler.add(document(chosen.kind, body))
    world = assembler.world()
    assert world.notes or world.gaps
    decode_events(document(Kind.EVENTS, body))
    recognise(body)


SECRET_NAMES = st.sampled_from(
    ["sessionToken", "SecretAccessKey", "password", "masterUserPassword", "SecretString", "plaintext", "clientSecret"]
)


@QUICK
@given(VALUES, SECRET_NAMES, st.integers(0, 3))
def test_a_secret_is_dropped_wherever_it_is(value: Any, name: str, depth: int) -> None:
    planted: Any = {name: "CANARY-SECRET"}
    for level in range(depth):
        planted = [planted, value] if level % 2 else {"x": planted, "y": value}
    cleaned = redact(planted)
    assert "CANARY-SECRET" not in json.dumps(cleaned)
    assert DROPPED in json.dumps(cleaned)


@QUICK
@given(SECRET_NAMES, st.sampled_from(["{}={}", '"{}": "{}"', "{}:{}", '\\"{}\\":\\"{}\\"', "x=1&{}={}&z=2", "https://h/?{}={}"]))
def test_a_secret_inside_text_is_dropped(name: str, form: str) -> None:
    assert "CANARY-SECRET" not in redact(form.format(name, "CANARY-SECRET"))


def test_text_without_secrets_is_left_alone_and_long_text_takes_no_time() -> None:
    for text in ("a" * 200_000 + "password", "x=" * 100_000 + "token", "password " * 20_000 + ":", "-_" * 100_000 + "secret:"):
        assert redact(text) == text
