"""What is granted, reported and seen, joined without claiming more than the sources carry."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from iamtui.analysis.usage import EVENTS, UsageRow, event_action, unused, usage_rows
from iamtui.model.document import Document, Kind, Origin
from iamtui.model.event import Actor, ActorKind, Event, Outcome
from iamtui.model.fact import Fact, State, absent, known
from iamtui.model.policy import Grant, Via
from iamtui.model.usage import ActionUsage, ServiceUsage, UsageReport
from iamtui.source.decode import decode_last_accessed
from tests.support.evidence import data

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SOURCE = "iam:GetServiceLastAccessedDetails"


def grant(*actions: str) -> Grant:
    return Grant(Via.ATTACHED, "p", document=json.dumps({"Statement": {"Effect": "Allow", "Action": list(actions), "Resource": "*"}}))


def event(name: str, service: str, days: int, **more: Any) -> Event:
    actor = Actor(ActorKind.USER, "alice", "arn:alice")
    return Event(
        "e", NOW - timedelta(days=days), name, f"{service}.amazonaws.com", "eu-west-1", "1", actor, Outcome.SUCCESS, True, "{}", **more
    )


def service(namespace: str, days: int | None, actions: tuple[ActionUsage, ...] = ()) -> ServiceUsage:
    used: Fact[datetime] = (
        absent(State.NOT_IN_TRACKING_PERIOD, SOURCE, NOW, "400 d") if days is None else known(NOW - timedelta(days=days), SOURCE, NOW)
    )
    return ServiceUsage(namespace, namespace.upper(), used, "us-east-1" if days is not None else "", actions=actions)


def report(*services: ServiceUsage) -> Fact[UsageReport]:
    return known(UsageReport("arn:alice", "ACTION_LEVEL", services, NOW, SOURCE, NOW - timedelta(days=400)), SOURCE, NOW)


def by_name(rows: tuple[UsageRow, ...]) -> dict[str, UsageRow]:
    return {row.namespace: row for row in rows}


def test_join() -> None:
    rows = usage_rows(
        report(service("s3", 5), service("sqs", None), service("ec2", 50)),
        [grant("s3:*", "sqs:*", "sns:Publish")],
        [event("GetObject", "s3", 2), event("DescribeInstances", "ec2", 90)],
    )
    assert [row.namespace for row in rows] == ["s3", "ec2", "sqs", "sns"]
    found = by_name(rows)
    assert (found["s3"].last_used.value, found["s3"].source, found["s3"].region) == (NOW - timedelta(days=2), EVENTS, "eu-west-1")
    assert found["s3"].window == "the events read so far"
    assert (found["ec2"].last_used.value, found["ec2"].source, found["ec2"].region) == (NOW - timedelta(days=50), SOURCE, "us-east-1")
    assert found["ec2"].granted is False
    assert found["sqs"].last_used.state is State.NOT_IN_TRACKING_PERIOD
    assert found["sqs"].window.startswith("since 2025-09-27; lags about 4 h")
    assert found["sqs"].granted_by == ("p",)
    assert found["sqs"].levels == "Full access"
    assert found["sns"].last_used.state is State.NOT_TRACKED
    assert "not in AWS's report" in found["sns"].last_used.detail


def test_unused_is_claimed_only_where_aws_tracked_it() -> None:
    rows = usage_rows(report(service("s3", 5), service("sqs", None), service("iam", None)), [grant("s3:*", "sqs:*", "sns:Publish")])
    assert [row.namespace for row in unused(rows)] == ["sqs"]
    seen = usage_rows(report(service("sqs", None)), [grant("sqs:*")], [event("SendMessage", "sqs", 1)])
    assert unused(seen) == ()


def test_what_is_granted_is_unknown_while_a_policy_is_unread() -> None:
    rows = usage_rows(report(service("s3", None)), [Grant(Via.ATTACHED, "unread")])
    assert rows[0].granted is None
    assert usage_rows(report(service("s3", None)), [])[0].granted is None


@pytest.mark.parametrize("state", [State.DENIED, State.FAILED, State.NOT_LOADED])
def test_without_a_report_every_row_says_why(state: State) -> None:
    usage: Fact[UsageReport] = absent(state, "iam:GenerateServiceLastAccessedDetails", NOW, "reason")
    rows = usage_rows(usage, [grant("s3:*", "sqs:*")], [event("ListBuckets", "s3", 3)])
    assert [(row.namespace, row.last_used.state) for row in rows] == [("s3", State.KNOWN), ("sqs", state)]
    assert rows[1].last_used.detail == "reason"
    assert unused(rows) == ()


def test_actions() -> None:
    told = (
        ActionUsage("ListAllMyBuckets", known(NOW - timedelta(days=9), SOURCE, NOW), "us-east-1"),
        ActionUsage("GetBucketAcl", absent(State.NOT_IN_TRACKING_PERIOD, SOURCE)),
    )
    events = [event("ListAllMyBuckets", "s3", 1), event("PutBucketPolicy", "s3", 4), event("ListBuckets", "s3", 6)]
    (row,) = usage_rows(report(service("s3", 9, told)), [grant("s3:List*", "s3:GetBucketAcl")], events)
    assert [(a.name, a.last_used.state, a.granted, a.level) for a in row.actions] == [
        ("ListAllMyBuckets", State.KNOWN, True, "List"),
        ("PutBucketPolicy", State.KNOWN, False, "Permissions management"),
        ("ListBuckets", State.KNOWN, None, ""),
        ("GetBucketAcl", State.NOT_IN_TRACKING_PERIOD, True, "Read"),
    ]
    assert row.actions[0].last_used.source == EVENTS


def test_event_names_become_actions_and_prefixes() -> None:
    assert event_action(event("ListDistributions2020_05_31", "cloudfront", 1)) == "ListDistributions"
    assert event_action(event("GetFunction20150331", "lambda", 1)) == "GetFunction"
    rows = usage_rows(report(), [grant("cloudwatch:PutMetricAlarm")], [event("PutMetricAlarm", "monitoring", 1)])
    assert [(row.namespace, row.last_used.state) for row in rows] == [("cloudwatch", State.KNOWN)]


def test_a_real_report() -> None:
    path = data("iam/access_advisor/c7n-iam.GetServiceLastAccessedDetails_2.json")
    found = decode_last_accessed(
        Document(Kind.LAST_ACCESSED, path.read_bytes(), NOW, Origin("evidence", path.name), key="arn:aws:iam::644160558196:user/kapil")
    )
    assert isinstance(found, UsageReport)
    rows = usage_rows(known(found, found.source, found.completed), [grant("*")])
    assert len(by_name(rows)) == len(rows)
    assert {s.namespace for s in found.services} <= set(by_name(rows))
    used = [row for row in rows if row.last_used.is_known]
    assert used
    assert rows[: len(used)] == tuple(used)
    assert [row.last_used.value for row in used] == sorted((row.last_used.value for row in used if row.last_used.value), reverse=True)
    assert len(unused(rows)) == len(found.services) - len(used)
