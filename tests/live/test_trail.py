"""`LookupEvents`: whose events are found, by what, and within which budget."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.model.event import WindowState
from iamtui.session import Direction, Session
from iamtui.source.live import LiveOptions, LiveSource, limits
from tests.server import AwsTestServer
from tests.server.accounts import ACCOUNT, large_account

NOW = datetime.now(UTC).replace(microsecond=0)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/role-1"
_numbers = iter(range(10**9))


def event(
    name: str, identity: dict[str, Any], minutes: int, region: str = "us-east-1", source: str = "ec2.amazonaws.com", **more: Any
) -> dict[str, Any]:
    return {
        "eventVersion": "1.09",
        "eventID": f"{next(_numbers):08d}-0000-4000-8000-000000000000",
        "eventName": name,
        "eventSource": source,
        "awsRegion": region,
        "eventTime": (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "userIdentity": identity,
        "recipientAccountId": ACCOUNT,
        "sourceIPAddress": "192.0.2.1",
        "readOnly": True,
        "managementEvent": True,
        **more,
    }


def user(name: str = "user-1", key: str = "AKIAEXAMPLEUSER00001") -> dict[str, Any]:
    arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
    return {"type": "IAMUser", "principalId": f"AIDA{1:017}", "arn": arn, "accountId": ACCOUNT, "userName": name, "accessKeyId": key}


def session_of(role: str, session: str, key: str) -> dict[str, Any]:
    unique = f"AROA{int(role[-1]):017}"
    issuer = {"type": "Role", "principalId": unique, "arn": f"arn:aws:iam::{ACCOUNT}:role/{role}", "accountId": ACCOUNT, "userName": role}
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"
    return {
        "type": "AssumedRole",
        "principalId": f"{unique}:{session}",
        "arn": arn,
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "sessionContext": {"sessionIssuer": issuer},
    }


def assume(who: dict[str, Any], role_arn: str, key: str, minutes: int) -> dict[str, Any]:
    return event(
        "AssumeRole",
        who,
        minutes,
        source="sts.amazonaws.com",
        requestParameters={"roleArn": role_arn, "roleSessionName": "s"},
        responseElements={"credentials": {"accessKeyId": key, "sessionToken": "SECRETTOKEN", "expiration": "x"}},
    )


def opened(server: AwsTestServer, *regions: str) -> Session:
    session = Session(LiveSource(LiveOptions(endpoint_url=server.url, regions=regions or ("us-east-1",))))
    for _ in session.refresh():
        pass
    return session


def load(session: Session, name: str) -> tuple[str, ...]:
    row = session.find(name)[0].row
    for _ in session.load_activity(row):
        pass
    return tuple(e.name for e in session.activity(row, Direction.BY).events)


def test_a_roles_activity_is_found_and_never_by_its_name_as_user_name(quick_lookups: None) -> None:
    events = [
        assume(user(), ROLE, "ASIAEXAMPLESESSION01", 60),
        event("DescribeInstances", session_of("role-1", "deploy-7", "ASIAEXAMPLESESSION01"), 50),
        event("PutObject", session_of("role-1", "deploy-7", "ASIAEXAMPLESESSION01"), 40),
        event("ListUsers", session_of("role-2", "role-1", "ASIAEXAMPLEOTHER0001"), 30),  # a session that is called like the role
    ]
    with AwsTestServer(large_account(3, 3, 1), events, rate=0) as server:
        found = load(opened(server), "role-1")
        asked = [p["LookupAttributes"][0] for name, _, p in server.calls if name == "LookupEvents"]
    assert found == ("PutObject", "DescribeInstances")
    assert not any(a["AttributeKey"] == "Username" for a in asked)
    assert {"AttributeKey": "AccessKeyId", "AttributeValue": "ASIAEXAMPLESESSION01"} in asked


def test_chained_sessions_are_followed_by_their_keys(quick_lookups: None) -> None:
    second = f"arn:aws:iam::{ACCOUNT}:role/role-2"
    events = [
        assume(session_of("role-1", "first", "ASIAEXAMPLEFIRST0001"), second, "ASIAEXAMPLESECOND001", 50),
        event("DescribeInstances", session_of("role-2", "second", "ASIAEXAMPLESECOND001"), 40),
    ]
    with AwsTestServer(large_account(3, 3, 1), events, rate=0) as server:
        assert load(opened(server), "role-2") == ("DescribeInstances",)


def test_a_user_is_found_by_name_and_by_key(quick_lookups: None) -> None:
    nameless = user(key="AKIAEXAMPLEUSER00001")
    del nameless["userName"]
    events = [event("GetUser", user(), 10), event("ListBuckets", nameless, 5)]
    keys = {
        "user-1": [{"UserName": "user-1", "AccessKeyId": "AKIAEXAMPLEUSER00001", "Status": "Active", "CreateDate": "2026-01-01T00:00:00Z"}]
    }
    with AwsTestServer(large_account(3, 3, 1), events, keys=keys, rate=0) as server:
        session = opened(server)
        session.load_access_keys(session.find("user-1")[0].row)
        assert set(load(session, "user-1")) == {"GetUser", "ListBuckets"}


def test_101_events_are_paged_with_the_identical_request(quick_lookups: None) -> None:
    events = [event(f"Call{i}", user(), i) for i in range(101)]
    with AwsTestServer(large_account(3, 3, 1), events, rate=0) as server:
        session = opened(server)
        found = load(session, "user-1")
        windows = session.windows(session.find("user-1")[0].row)
    assert len(found) == 101
    assert found[0] == "Call0"
    assert {w.state for w in windows} == {WindowState.COVERED}


def test_where_it_stops_it_says_so(quick_lookups: None) -> None:
    events = [event(f"Call{i}", user(), i) for i in range(180)]
    with AwsTestServer(large_account(3, 3, 1), events, rate=0) as server:
        session = opened(server)
        row = session.find("user-1")[0].row
        for _ in session.load_activity(row, most=2):
            pass
        window = next(w for w in session.windows(row) if w.asked.startswith("Username"))
    assert window.state is WindowState.PARTIAL
    assert "older" in window.reason
    assert window.since is not None
    assert window.since > NOW - timedelta(minutes=120)  # it claims no more than it has read


def test_no_session_token_is_kept(quick_lookups: None) -> None:
    with AwsTestServer(large_account(3, 3, 1), [assume(user(), ROLE, "ASIAEXAMPLESESSION01", 60)], rate=0) as server:
        session = opened(server)
        load(session, "role-1")
        row = session.find("role-1")[0].row
        records = [e.record for e in session.activity(row).events]
    assert records
    assert not any("SECRETTOKEN" in record for record in records)


def test_the_real_limit_is_kept_by_the_real_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """At AWS's own rate nothing is throttled: the budget is ours before it is theirs."""
    monkeypatch.setattr(limits, "_buckets", {})
    events = [event(f"Call{i}", user(), i) for i in range(150)]
    with AwsTestServer(large_account(3, 3, 1), events, rate=2) as server:
        session = opened(server)
        seen = set()
        row = session.find("user-1")[0].row
        for activity in session.load_activity(row):
            seen |= {w.state for w in activity.windows}
    assert WindowState.THROTTLED not in seen
    assert len(session.activity(row).events) == 150


@given(st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_a_bucket_never_gives_more_than_its_rate(pauses: list[float]) -> None:
    clock = [0.0]
    given_at: list[float] = []

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    bucket = limits.Bucket(2.0, 2.0, clock=lambda: clock[0], sleep=sleep)
    for pause in pauses:
        clock[0] += pause
        assert bucket.take(lambda: False)
        given_at.append(clock[0])
    for start in given_at:
        assert sum(1 for moment in given_at if start <= moment < start + 10) <= 2 * 10 + 2


def test_a_cancelled_wait_gives_nothing() -> None:
    bucket = limits.Bucket(0.001, 1.0)
    assert bucket.take(lambda: False)
    assert not bucket.take(lambda: True)


def test_sql_over_a_live_account_says_what_was_not_covered(quick_lookups: None, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from iamtui.cli import cli

    events = [event("ListUsers", user(), 60), event("ListRoles", user(), 50)]
    with AwsTestServer(large_account(3, 3, 1), events, rate=0) as server:
        arguments = ["sql", "--endpoint-url", server.url, "--region", "us-east-1", "--cache-dir", str(tmp_path), "--format", "csv"]
        query = "SELECT count(*) AS n FROM cloudtrail_logs"
        CliRunner().invoke(cli, ["events", "--identity", "user-1", *arguments[1:]])
        part = CliRunner().invoke(cli, [*arguments, "--offline", query])
        CliRunner().invoke(cli, ["events", *arguments[1:]])
        offline = CliRunner().invoke(cli, [*arguments, "--offline", query])
    assert (part.exit_code, part.stdout) == (4, "n\n2\n")
    assert "not all there are" in part.stderr
    assert (offline.exit_code, offline.stdout) == (0, "n\n2\n")  # it is known that nothing else was there
