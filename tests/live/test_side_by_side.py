"""Many Regions: asked side by side and within the budget; and the Summary, which asks nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from iamtui.model.document import Gap
from iamtui.model.fact import State
from iamtui.model.overview import Line, Standing
from iamtui.session import Session
from iamtui.source.live import LiveOptions, LiveSource
from iamtui.source.live.limits import guard_calls
from iamtui.store.cache import Cache
from tests.live.test_guards import Refusing
from tests.server import AwsTestServer
from tests.server.accounts import ACCOUNT, large_account

REGIONS = LiveSource(LiveOptions(endpoint_url="http://127.0.0.1:9")).connection.every_region()
OFF = "me-south-1"
TOGETHER = 6


class Counting(Refusing):
    """Answers the first calls only when so many are there at once, and counts how many there ever were."""

    def __init__(self) -> None:
        super().__init__(off=OFF)
        self.now = self.most = 0
        self.wanted = 1
        self._count, self._met = threading.Lock(), threading.Event()

    def expect(self, together: int) -> None:
        self.most, self.wanted = 0, together
        self._met.clear()

    def answer(self, body: bytes, code: str, *, cbor: bool) -> tuple[int, str, bytes]:
        with self._count:
            self.now += 1
            self.most = max(self.most, self.now)
            if self.now >= self.wanted:
                self._met.set()
        if not self._met.wait(5):  # one after the other they would wait here, and the count tells
            self._met.set()
        try:
            return super().answer(body, code, cbor=cbor)
        finally:
            with self._count:
                self.now -= 1


@pytest.fixture
def counting() -> Iterator[Counting]:
    made = Counting()
    yield made
    made.close()


READINGS: dict[str, Callable[[LiveSource], Iterator[Any]]] = {
    "trails, alarms and rules": lambda source: source.guards(),
    "Access Analyzer": lambda source: source.analyzers(),
    "AWS Config": lambda source: source.config_history("role", "AROAEXAMPLE", "", REGIONS),
}


@pytest.mark.parametrize("what", READINGS)
def test_regions_are_asked_side_by_side_and_one_that_is_off_is_a_state(counting: Counting, what: str) -> None:
    source = LiveSource(LiveOptions(endpoint_url=counting.url, regions=REGIONS))
    source._caller.account = ACCOUNT
    counting.expect(TOGETHER)
    gaps = [item for item in READINGS[what](source) if isinstance(item, Gap)]
    assert counting.most >= TOGETHER, what
    if what.startswith("trails"):
        assert counting.most <= guard_calls._initial_value  # type: ignore[attr-defined]
    assert {gap.region for gap in gaps if gap.region} == set(REGIONS)
    (off,) = [gap for gap in gaps if gap.region == OFF]
    assert off.state in (State.NOT_APPLICABLE, State.FAILED)
    assert "is not enabled for this account" in off.reason
    assert {gap.state for gap in gaps if gap.region != OFF} == {State.DENIED}
    assert sum(region == OFF for region, _ in counting.calls) == 1  # and it is asked no further


def lines(session: Session) -> dict[str, Line]:
    for _ in session.load_overview():
        pass
    found = session.overview()
    assert found.finished
    return {line.topic: line for line in found.lines}


def record(name: str, minutes: int, now: datetime, **request: str) -> dict[str, Any]:
    return {
        "eventVersion": "1.08",
        "eventID": f"{minutes:032x}",
        "eventTime": f"{now - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}",
        "eventName": name,
        "eventSource": "iam.amazonaws.com",
        "awsRegion": "us-east-1",
        "recipientAccountId": ACCOUNT,
        "readOnly": False,
        "userIdentity": {"type": "IAMUser", "userName": "user-1", "arn": f"arn:aws:iam::{ACCOUNT}:user/user-1", "accountId": ACCOUNT},
        "requestParameters": request or None,
        "responseElements": None,
    }


def test_the_summary_is_painted_from_the_cache_without_a_network(quick_lookups: None, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    admin = record("AttachUserPolicy", 30, now, userName="user-2", policyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    with AwsTestServer(large_account(12, 12, 2), [admin, record("CreateUser", 90, now, userName="x")]) as server:
        options = LiveOptions(endpoint_url=server.url, regions=("us-east-1",))
        first = Session(LiveSource(options), Cache(tmp_path))
        first.open()
        for _ in first.refresh():
            pass
        before = len(server.calls)
        unread = lines(first)
        assert len(server.calls) == before  # it asks nobody
        assert first.findings_stale  # the list of findings asks for the policies of resources first
        assert unread["critical-events"].standing is unread["alarms"].standing is Standing.NOT_READ
        assert unread["alarms"].missing[0].todo == ":alarms reads them"
        for _ in first.load_events():
            pass
        told = lines(first)
        assert told["critical-events"].count == 1
    dead = Session(LiveSource(options), Cache(tmp_path))  # nobody answers there any more
    offline = Session(None, Cache(tmp_path), offline=True, connection=LiveSource(options).info)
    for session in (dead, offline):
        session.open()
        found = lines(session)
        assert session.problems() == ()
        for topic in ("critical-events", "keys", "mfa", "new-users", "escalation"):
            assert (found[topic].standing, found[topic].count) == (told[topic].standing, told[topic].count), topic
    assert found["alarms"].missing[0].todo == "start without --offline to read them"
