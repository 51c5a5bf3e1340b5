"""The demo's events: CloudTrail's own shape, sessions that hang together, nothing anybody could not have done."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from iamtui.model.document import Document, Gap
from iamtui.model.event import ActorKind, Window, WindowState
from iamtui.source.base import EventQuery, Step
from iamtui.source.decode import decode_events, decode_last_accessed
from iamtui.source.demo import DemoSource
from iamtui.source.demo.calls import ACTION_OF, PREFIXES
from iamtui.source.demo.grammar import REGIONS
from iamtui.source.demo.people import USERS
from iamtui.source.demo.recent import Recent
from iamtui.source.demo.roles import all_roles
from iamtui.source.demo.touched import TOUCHED, touch
from iamtui.source.demo.usage import _allows, _of_role, _of_user
from tests.support.demo import NOW, authorization, by_id, event_documents, issuer, moment, records, source

MIDNIGHT = NOW.replace(hour=0, minute=0)
ACCOUNT = "123456789012"
COMMON = {
    "eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent", "requestParameters",
    "responseElements", "eventID", "readOnly", "eventType", "managementEvent", "recipientAccountId", "eventCategory",
}  # fmt: skip


def test_there_are_twenty_thousand_events_in_ninety_days() -> None:
    assert 19_000 <= len(records()) <= 21_000
    assert len(by_id()) == len(records())
    assert max(len(json.loads(d.body)["Records"]) for d in event_documents()) <= 500
    assert {r["awsRegion"] for r in records()} == set(REGIONS)
    read_only = sum(r["readOnly"] for r in records())
    assert read_only / len(records()) > 0.6


@pytest.mark.parametrize("now", [datetime(2026, 11, 23, 12, tzinfo=UTC), datetime(2025, 3, 2, tzinfo=UTC)])
def test_other_days_have_as_many(now: datetime) -> None:
    count = sum(len(decode_events(d).events) for d in DemoSource(now).events(EventQuery()) if isinstance(d, Document))
    assert 18_500 <= count <= 21_500


def test_events_come_newest_first_and_none_is_in_the_future() -> None:
    times = [r["eventTime"] for r in records()]
    assert all(a >= b for a, b in pairwise(times))
    assert moment(times[0]) < MIDNIGHT
    assert moment(times[-1]) >= MIDNIGHT - timedelta(days=90)


def test_every_record_has_the_fields_cloudtrail_writes() -> None:
    for record in records():
        assert set(record) >= COMMON, record["eventName"]
        assert record["eventVersion"] in ("1.08", "1.09", "1.10", "1.11")
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", record["eventID"])
        assert record["recipientAccountId"] == ACCOUNT
        assert (record["eventCategory"] == "Data") is (not record["managementEvent"])
        if record.get("errorCode"):
            assert record["errorMessage"]
            assert record["responseElements"] is None
        if record["eventSource"].split(".")[0] in ("iam", "signin", "organizations", "support", "ce"):
            assert record["awsRegion"] == "us-east-1"
        if record["eventType"] == "AwsApiCall":
            assert record["requestID"]
        service_call = record["sourceIPAddress"].endswith(".amazonaws.com")
        assert ("tlsDetails" in record) is not service_call


def test_all_kinds_of_identities_and_errors_are_there() -> None:
    kinds = Counter(r["userIdentity"].get("type") for r in records())
    assert {"AssumedRole", "IAMUser", "AWSService", "SAMLUser", "AWSAccount", "WebIdentityUser", "Root"} <= set(kinds)
    errors = Counter(r.get("errorCode") for r in records())
    assert errors["AccessDenied"] > 20
    assert errors["ThrottlingException"] > 5
    assert errors["Client.UnauthorizedOperation"] > 5
    failed = [r for r in records() if r["eventName"] == "ConsoleLogin" and r["responseElements"]["ConsoleLogin"] == "Failure"]
    assert len(failed) >= 3
    assert all("errorCode" not in r and r["errorMessage"] == "Failed authentication" for r in failed)


def test_the_decoder_reads_every_record_and_knows_every_actor() -> None:
    for document in event_documents():
        batch = decode_events(document)
        assert not batch.skipped
        for event in batch.events:
            assert event.actor.kind is not ActorKind.UNKNOWN
            assert event.time is not None
            assert "EXAMPLETOKEN" not in event.record


def _handed_out() -> dict[str, dict[str, Any]]:
    return {
        r["responseElements"]["credentials"]["accessKeyId"]: r
        for r in records()
        if r["eventName"].startswith("AssumeRole") and r["responseElements"]
    }


def test_every_session_key_was_handed_out_before_it_was_used() -> None:
    handed = _handed_out()
    used = 0
    for record in records():
        identity = record["userIdentity"]
        if identity.get("type") != "AssumedRole" or ("invokedBy" in identity and "accessKeyId" not in identity):
            continue
        opening = handed[identity["accessKeyId"]]
        assert opening["eventTime"] <= record["eventTime"]
        assert opening["responseElements"]["assumedRoleUser"]["arn"] == identity["arn"]
        assert opening["requestParameters"]["roleArn"] == identity["sessionContext"]["sessionIssuer"]["arn"]
        assert identity["sessionContext"]["attributes"]["creationDate"] == opening["eventTime"]
        used += 1
    assert used > 10_000


def test_long_term_keys_exist_or_were_deleted_and_are_not_used_before_they_were_made() -> None:
    made = {
        r["responseElements"]["accessKey"]["accessKeyId"]: r["eventTime"]
        for r in records()
        if r["eventName"] == "CreateAccessKey" and r["responseElements"]
    }
    gone = {r["requestParameters"]["accessKeyId"]: r["eventTime"] for r in records() if r["eventName"] == "DeleteAccessKey"}
    listed: dict[str, datetime] = {}
    for user in USERS:
        (document,) = [i for i in source().access_keys(user.name, "") if isinstance(i, Document)]
        listed |= {k["AccessKeyId"]: moment(k["CreateDate"]) for k in json.loads(document.body)["AccessKeyMetadata"]}
    assert {k for k, created in listed.items() if created > MIDNIGHT - timedelta(days=90)} == set(made)
    for key, stamp in made.items():
        assert moment(stamp) == listed[key]
    for record in records():
        key = str(record["userIdentity"].get("accessKeyId", ""))
        if not key.startswith("AKIA"):
            continue
        if key in listed:
            assert listed[key] < moment(record["eventTime"])
        else:
            assert record["eventTime"] <= gone[key]


def test_chains_lead_to_the_person() -> None:
    """Identity Center person, then a role, then the person again as the role's source identity."""
    handed, found = _handed_out(), 0
    for record in records():
        context = record["userIdentity"].get("sessionContext", {})
        if context.get("sourceIdentity"):
            opening = handed[record["userIdentity"]["accessKeyId"]]
            before = opening["userIdentity"]["arn"]
            assert "assumed-role/AWSReservedSSO_" in before
            assert before.endswith(f"/{context['sourceIdentity']}")
            found += 1
    assert found > 20


def test_what_was_created_is_in_the_lists_with_the_same_date() -> None:
    answer = authorization()
    users = {u["UserName"]: u for u in answer["UserDetailList"]}
    roles = {r["RoleName"]: r for r in answer["RoleDetailList"]}
    deleted = {r["requestParameters"].get("userName") or r["requestParameters"].get("roleName") for r in records() if r["eventName"].startswith("Delete") and r["eventSource"].startswith("iam")}  # fmt: skip
    checked = 0
    for record in records():
        if record["eventName"] == "CreateUser":
            name, held, key = record["requestParameters"]["userName"], users, "user"
        elif record["eventName"] == "CreateRole":
            name, held, key = record["requestParameters"]["roleName"], roles, "role"
        else:
            continue
        if name in deleted:
            assert name not in held
            continue
        assert moment(held[name]["CreateDate"]) == moment(record["eventTime"])
        told = record["responseElements"][key]
        assert told["arn"] == held[name]["Arn"]
        assert told[f"{key}Id"] == held[name]["UserId" if key == "user" else "RoleId"]
        checked += 1
    assert checked >= 6
    young = {n for n, e in {**users, **roles}.items() if moment(e["CreateDate"]) > MIDNIGHT - timedelta(days=90)}
    created = {r["requestParameters"].get("userName") or r["requestParameters"].get("roleName") for r in records() if r["eventName"] in ("CreateUser", "CreateRole")}  # fmt: skip
    assert young <= created


def test_nobody_did_what_no_policy_grants_and_nobody_was_refused_what_one_grants() -> None:
    documents = {f"arn:aws:iam::{ACCOUNT}:user{u.path}{u.name}": _of_user(u) for u in USERS}
    documents |= {f"arn:aws:iam::{ACCOUNT}:role{r.path}{r.name}": _of_role(r) for r in all_roles()}
    became_admin = max(
        r["eventTime"] for r in records() if r["eventName"] == "AttachUserPolicy" and r["requestParameters"]["userName"] == "ci-runner"
    )
    for record in records():
        identity = issuer(record)
        if identity not in documents or record["eventSource"].startswith("signin") or record["eventName"] == "GetCallerIdentity":
            continue
        prefix = record["eventSource"].partition(".")[0]
        name = re.sub(r"20\d{6}(v\d+)?$", "", record["eventName"])
        action = f"{PREFIXES.get(prefix, prefix)}:{ACTION_OF.get(name, name)}"
        refused = record.get("errorCode") in ("AccessDenied", "Client.UnauthorizedOperation")
        message = record.get("errorMessage", "")
        if "service control policy" in message or "trust policy" in message:
            continue
        if identity.endswith("ci-runner") and record["eventTime"] < became_admin:
            continue
        assert _allows(documents[identity], action) is not refused, (identity, action, record["eventTime"])


def test_since_until_and_the_actor_limit_what_is_written() -> None:
    since, until = NOW - timedelta(days=5), NOW - timedelta(days=3)
    few = [d for d in source().events(EventQuery(since=since, until=until)) if isinstance(d, Document)]
    assert 2 <= len(few) <= 4
    whole = {r["eventID"] for r in records()}
    name = "inventory-scanner"
    query = EventQuery(actor_arn=f"arn:aws:iam::{ACCOUNT}:role/{name}", actor_name=name)
    some = [r for d in source().events(query) if isinstance(d, Document) for r in json.loads(d.body)["Records"]]
    assert {r["eventID"] for r in some} <= whole
    assert [r["eventID"] for r in some if issuer(r).endswith(name)] == [r["eventID"] for r in records() if issuer(r).endswith(name)]


def test_windows_grow_until_every_region_is_covered_and_reading_can_be_stopped() -> None:
    windows = [i for i in source().events(EventQuery()) if isinstance(i, Window)]
    last = {w.region: w for w in windows}
    assert set(last) == set(REGIONS)
    assert all(w.state is WindowState.COVERED and w.since == MIDNIGHT - timedelta(days=90) for w in last.values())
    assert {w.state for w in windows[:4]} == {WindowState.RUNNING}
    few = [i for i in source().events(EventQuery(since=NOW - timedelta(days=2), regions=("eu-west-1",))) if isinstance(i, Window)]
    assert [(w.region, w.state) for w in few] == [("eu-west-1", WindowState.COVERED)]
    assert list(source().events(EventQuery(), lambda: True)) == []


def test_the_same_day_and_seed_give_the_same_events() -> None:
    since = NOW - timedelta(days=14)
    first = [d.body for d in DemoSource(NOW).events(EventQuery(since=since)) if isinstance(d, Document)]
    assert first == [d.body for d in event_documents()[: len(first)]]
    other = [d.body for d in DemoSource(NOW, seed=3).events(EventQuery(since=since)) if isinstance(d, Document)]
    assert other != first


def test_the_written_down_uses_are_those_of_the_stories() -> None:
    """`touched.py` spares the lists from waiting for the stories; it must say what the stories do."""
    stories = source()._stories.recent
    written = touch(Recent({}, {}, {}), source().clock, source().seed)
    assert written == stories
    assert len(TOUCHED) == len(stories.roles) + len(stories.keys) + len(stories.passwords)


def test_last_accessed_agrees_with_the_events_for_every_identity() -> None:
    latest: dict[tuple[str, str], str] = {}
    for record in records():
        prefix = record["eventSource"].partition(".")[0]
        if record["managementEvent"] and prefix != "signin":
            latest.setdefault((issuer(record), PREFIXES.get(prefix, prefix)), record["eventTime"])
    answer = authorization()
    arns = [e["Arn"] for e in (*answer["UserDetailList"], *answer["RoleDetailList"])]
    services = 0
    for arn in arns[::3]:
        steps = list(source().last_accessed(arn))
        assert isinstance(steps[0], Step)
        assert isinstance(steps[-1], Document)
        told = decode_last_accessed(steps[-1])
        assert not isinstance(told, Gap)
        for service in told.services:
            event = latest.get((arn, service.namespace))
            if event is not None:
                assert service.last_used.value == moment(event)
            elif service.last_used.is_known:
                assert service.last_used.value < MIDNIGHT - timedelta(days=90)
            services += 1
    assert services > 300


def test_last_accessed_of_nobody_is_a_gap() -> None:
    item = list(source().last_accessed("arn:aws:iam::123456789012:user/nobody"))[-1]
    assert isinstance(item, Gap)
    assert "NoSuchEntity" in item.reason
