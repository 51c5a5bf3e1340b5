"""Last-accessed details of everybody, over loopback: four at a time, throttled, killed, refused, deleted meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from iamtui.model.document import Document, Gap, Kind
from iamtui.model.fact import State
from iamtui.session import ListKind, Session
from iamtui.session.sweeping import ServiceDrill, Sweep, targets
from iamtui.session.sweeptext import end_words
from iamtui.source.live import LiveOptions, LiveSource, limits, usage
from iamtui.source.live.limits import JobLimit
from iamtui.store.cache import Cache
from tests.server import AwsTestServer, Fault
from tests.server.accounts import ACCOUNT, large_account

ROOT = Path(__file__).parents[2]
USED = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> JobLimit:
    """Polls and pauses as they are, only faster; a limit of its own for each test."""
    limit = JobLimit(4, sleep=lambda _: time.sleep(0.001))
    limit._pause = 0.01
    monkeypatch.setattr(limits, "last_accessed_jobs", limit)
    monkeypatch.setattr(usage, "last_accessed_jobs", limit)
    monkeypatch.setattr(usage, "_sleep", lambda seconds, cancelled: time.sleep(min(seconds, 0.005)))
    return limit


def service(namespace: str, when: datetime | None = None) -> dict[str, Any]:
    told: dict[str, Any] = {"ServiceName": namespace.upper(), "ServiceNamespace": namespace, "TotalAuthenticatedEntities": int(bool(when))}
    return {**told, "LastAuthenticated": when, "LastAuthenticatedRegion": "us-east-1"} if when else told


def everybody(account: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """An answer for each: s3 used, glue not."""
    lists = ("UserDetailList", "RoleDetailList", "GroupDetailList", "Policies")
    return {entry["Arn"]: [service("s3", USED), service("glue")] for name in lists for entry in account[name]}


def opened(server: AwsTestServer, cache: Cache | None = None, **more: Any) -> Session:
    session = Session(LiveSource(LiveOptions(endpoint_url=server.url)), cache, **more)
    session.open()
    for _ in session.refresh():
        pass
    return session


def swept(session: Session, **more: Any) -> Sweep:
    return list(session.sweep(**more))[-1]


def fact(session: Session, kind: ListKind, name: str, column: str) -> Any:
    listing = session.listing(kind)
    row = next(row for row in listing.rows if row.item.name == name)
    return next(c for c in listing.columns if c.id == column).fact(row.item, row.snapshot)


def test_everybody_is_asked_four_at_a_time_and_kept(tmp_path: Path) -> None:
    account = large_account(12, 12, 2)
    with AwsTestServer(account, last_accessed=everybody(account), job_ready_after=3) as server:
        session = opened(server, Cache(tmp_path / "cache"))
        before = [c.id for c in session.listing(ListKind.USERS).columns if not c.detail_only]
        last = swept(session)
        highest = server.highest
    assert last.whole
    assert last.known == last.total == len(targets(session.world))
    assert 2 <= highest <= 4
    unused = fact(session, ListKind.USERS, "user-3", "unused-services")
    assert (unused.value, unused.source) == (1, "iam:GetServiceLastAccessedDetails")
    assert "of 2 granted" in unused.detail
    seen = fact(session, ListKind.USERS, "user-3", "last-seen")
    assert (seen.value, seen.detail) == (USED, "last accessed, s3")
    assert fact(session, ListKind.POLICIES, "team-1", "last-accessed").value == USED
    after = [c.id for c in session.listing(ListKind.USERS).columns if not c.detail_only]
    assert set(after) - set(before) == {"unused-services"}
    assert [row.item.name for row in _rows(session, "unused-services:1 role-1")] == ["role-1", "role-10", "role-11"]  # type: ignore[union-attr]


def _rows(session: Session, text: str) -> list[Any]:
    selection = session.select(ListKind.ROLES, text)
    assert not selection.error
    return [selection.row(place) for place in range(len(selection))]


def test_a_second_sweep_asks_only_for_what_is_missing_or_old(tmp_path: Path) -> None:
    account = large_account(4, 4, 0)
    arns = [entry["Arn"] for entry in account["UserDetailList"]]
    cache = tmp_path / "cache"
    with AwsTestServer(account, last_accessed=everybody(account), refused=arns[:2]) as server:
        first = swept(opened(server, Cache(cache)), kinds=("users",))
        assert (first.known, first.denied) == (2, 2)
        server.refused.clear()
        asked = len(server.calls)
        session = opened(server, Cache(cache))
        second = swept(session, kinds=("users",))
        told = [p["Arn"] for name, _, p in server.calls[asked:] if name == "GenerateServiceLastAccessedDetails"]
        assert sorted(told) == sorted(arns[:2])
        assert (second.known, second.fresh, second.whole) == (2, 2, True)
        third = swept(session, kinds=("users",), again=True)
        assert (third.known, third.fresh) == (4, 0)
        later = opened(server, Cache(cache), now=lambda: datetime.now(UTC) + timedelta(days=2))
        assert swept(later, kinds=("users",)).known == 4


def test_an_answer_about_an_older_one_of_the_same_name_does_not_count(tmp_path: Path) -> None:
    account = large_account(1, 0, 0)
    account["Policies"] = []
    with AwsTestServer(account, last_accessed=everybody(account)) as server:
        swept(opened(server, Cache(tmp_path / "cache")))
        made = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        account["UserDetailList"][0] = {**account["UserDetailList"][0], "CreateDate": made, "UserId": "AIDAANOTHER000000000"}
        session = opened(server, Cache(tmp_path / "cache"))
        assert fact(session, ListKind.USERS, "user-0", "unused-services").state is State.NOT_LOADED
        assert session.matrix().lines[0].digest is None
        assert swept(session).fresh == 0


def test_refused_deleted_and_failed_ones_do_not_stop_the_rest(tmp_path: Path) -> None:
    account = large_account(6, 0, 0)
    arns = [entry["Arn"] for entry in account["UserDetailList"]]
    with AwsTestServer(
        account,
        last_accessed=everybody(account),
        refused=[arns[0]],
        gone=[arns[1]],
        failing_jobs={arns[2]: 1, arns[3]: 9},
    ) as server:
        session = opened(server, Cache(tmp_path / "cache"))
        last = swept(session, kinds=("users",))
    assert (last.known, last.denied, last.gone, last.failed, last.done) == (3, 1, 1, 1, 6)
    assert not last.whole
    assert "1 denied, 1 failed, 1 deleted meanwhile" in end_words(last)
    states = [fact(session, ListKind.USERS, f"user-{i}", "unused-services").state for i in range(4)]
    assert states == [State.DENIED, State.NOT_APPLICABLE, State.KNOWN, State.FAILED]  # one failed job is asked for anew
    letters = [session.matrix(("users",)).mark(i, 0, 0).letter for i in range(4)]
    assert letters[0] == "!"
    assert (letters[1], letters[3]) == ("-", "x")
    assert sum("iam:GenerateServiceLastAccessedDetails" in p.where for p in session.problems()) == 2  # one line each kind, not one each


def test_a_job_of_another_session_is_never_read_and_asked_for_anew() -> None:
    account = large_account(1, 0, 0)
    arn = account["UserDetailList"][0]["Arn"]

    class Renewed(AwsTestServer):
        """Credentials are renewed between the start of the first job and its first reading."""

        def _GenerateServiceLastAccessedDetails(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
            answer = super()._GenerateServiceLastAccessedDetails(region, p)
            if len(self._jobs) == 1:
                self.forget_jobs()
            return answer

    with Renewed(account, last_accessed=everybody(account)) as server:
        source = LiveSource(LiveOptions(endpoint_url=server.url))
        (document,) = [item for item in source.last_accessed(arn) if isinstance(item, Document)]
        asked = [p["JobId"] for name, _, p in server.calls if name == "GetServiceLastAccessedDetails"]
    assert len(set(asked)) == 2
    assert "job-" not in document.body.decode()
    assert json.loads(document.body)["JobStatus"] == "COMPLETED"


def test_throttling_makes_fewer_and_all_arrive(quick: JobLimit) -> None:
    account = large_account(10, 0, 0)
    faults: dict[str, Any] = {"GetServiceLastAccessedDetails": Fault("Throttling", "Rate exceeded", 400, times=6)}
    with AwsTestServer(account, last_accessed=everybody(account), faults=faults, most_jobs=2) as server:
        last = swept(opened(server), kinds=("users",))
        assert server.highest <= 2
    assert last.known == 10
    assert quick.allowed < 4 or quick.highest <= 4


def test_the_limit_halves_and_comes_back_slowly() -> None:
    now = [0.0]
    limit = JobLimit(4, calm=3, clock=lambda: now[0], sleep=lambda s: now.__setitem__(0, now[0] + s))
    for _ in range(4):
        assert limit.acquire(lambda: False)
    assert not limit.acquire(lambda: now[0] > 1)
    limit.throttled()
    limit.throttled()  # heard by two at once: counted once
    assert limit.allowed == 2
    now[0] += 60
    limit.throttled()
    assert limit.allowed == 1
    for _ in range(4):
        limit.release(well=True)
    assert limit.allowed == 2
    for _ in range(12):
        now[0] += 60
        assert limit.acquire(lambda: False)
        limit.release(well=True)
    assert limit.allowed == 4


def test_it_stops_when_told_and_goes_on_later(tmp_path: Path) -> None:
    account = large_account(30, 0, 0)
    cache = tmp_path / "cache"
    with AwsTestServer(account, last_accessed=everybody(account)) as server:
        session = opened(server, Cache(cache))
        last = swept(session, kinds=("users",), cancelled=lambda: session.advised >= 5)
        assert last.stopped
        assert last.finished
        assert 5 <= session.advised < 30
        assert "goes on" in end_words(last)
        known = session.advised
        rest = swept(opened(server, Cache(cache)), kinds=("users",))
        assert rest.fresh >= known
        assert rest.whole


def test_a_killed_sweep_has_kept_what_came(tmp_path: Path) -> None:
    """SIGKILL in the middle: the next run asks only for the others."""
    account = large_account(40, 0, 0)
    slow = {"GetServiceLastAccessedDetails": Fault(code="", delay=0.05)}
    environment = {**os.environ, "IAMTUI_CACHE_DIR": str(tmp_path / "cache"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    with AwsTestServer(account, last_accessed=everybody(account), faults=slow, job_ready_after=1) as server:
        command = [sys.executable, "-m", "iamtui", "sweep", "last-used", "users", "--endpoint-url", server.url, "--format", "json"]
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        end = time.monotonic() + 60
        while server.count("GetServiceLastAccessedDetails") < 12 and process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        before = server.count("GenerateServiceLastAccessedDetails")
        assert before < 40
        session = opened(server, Cache(tmp_path / "cache"))
        last = swept(session, kinds=("users",))
    assert last.whole
    assert last.fresh >= 4
    assert last.fresh + last.known == 40


def test_offline_shows_what_was_read_and_says_what_was_not(tmp_path: Path) -> None:
    account = large_account(3, 0, 0)
    with AwsTestServer(account, last_accessed=everybody(account), refused=[account["UserDetailList"][2]["Arn"]]) as server:
        source = LiveSource(LiveOptions(endpoint_url=server.url))
        session = Session(source, Cache(tmp_path / "cache"))
        session.open()
        for _ in session.refresh():
            pass
        swept(session, kinds=("users",))
    offline = Session(None, Cache(tmp_path / "cache"), offline=True, connection=source.info)
    offline.open()
    assert fact(offline, ListKind.USERS, "user-0", "unused-services").value == 1
    last = swept(offline, kinds=("users",))
    assert (last.fresh, last.missing, last.whole) == (2, 1, False)
    row = next(row for row in offline.listing(ListKind.USERS).rows if row.item.name == "user-1")  # type: ignore[union-attr]
    report = offline.usage(row)
    assert report.value is not None
    assert [s.namespace for s in report.value.services] == ["s3", "glue"]


def test_no_credentials_end_it_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    account = large_account(8, 0, 0)
    faults = {"GenerateServiceLastAccessedDetails": Fault("ExpiredToken", "The security token has expired", 403)}
    with AwsTestServer(account, faults=faults) as server:
        session = opened(server)
        last = swept(session, kinds=("users",))
        assert server.count("GenerateServiceLastAccessedDetails") <= 4
    assert "expired" in last.broken
    assert not last.whole


def test_who_used_a_service_and_which_policies_give_it(tmp_path: Path) -> None:
    account = large_account(2, 1, 1)
    policy, user = account["Policies"][0]["Arn"], account["UserDetailList"][0]["Arn"]
    entities = [
        {"EntityInfo": {"Arn": f"{user}{i}", "Name": f"user-{i}", "Type": "USER", "Id": f"AIDA{i:017}"}, "LastAuthenticated": USED}
        for i in range(130)
    ]
    entities.append({"EntityInfo": {"Arn": user, "Name": "never", "Type": "USER", "Id": "AIDA"}})
    given = [
        {"PolicyName": "team-0", "PolicyType": "MANAGED", "PolicyArn": policy},
        {"PolicyName": "inline", "PolicyType": "INLINE", "EntityType": "GROUP", "EntityName": "group-0"},
    ]
    with AwsTestServer(account, used_by={f"{policy}#s3": entities}, granting={f"{user}#s3": given}) as server:
        session = opened(server, Cache(tmp_path / "cache"))
        by_name = {row.item.name: row for kind in (ListKind.POLICIES, ListKind.USERS) for row in session.listing(kind).rows}  # type: ignore[union-attr]
        of_policy = drilled(session, by_name["team-0"])
        of_user = drilled(session, by_name["user-0"])
        asked = len(server.calls)
        assert drilled(session, by_name["user-0"]).granting.value == of_user.granting.value
        assert len(server.calls) == asked  # kept
    assert of_policy.entities.value is not None
    assert len(of_policy.entities.value) == 131
    assert of_policy.entities.value[-1].last_used.state is State.NOT_IN_TRACKING_PERIOD
    assert of_policy.granting.state is State.NOT_APPLICABLE
    assert of_user.granting.value is not None
    assert [(p.name, p.kind, p.via_name) for p in of_user.granting.value] == [("team-0", "MANAGED", ""), ("inline", "INLINE", "group-0")]
    assert of_user.entities.state is State.NOT_APPLICABLE
    assert any("team-0" in words for words in of_user.ours)


def test_a_refused_drill_is_denied_and_not_empty() -> None:
    faults = {"ListPoliciesGrantingServiceAccess": Fault(), "GetServiceLastAccessedDetailsWithEntities": Fault()}
    with AwsTestServer(large_account(1, 1, 1), faults=faults) as server:
        session = opened(server)
        assert drilled(session, session.find("user-0")[0].row).granting.state is State.DENIED
        assert drilled(session, session.find("team-0")[0].row).entities.state is State.DENIED


def drilled(session: Session, row: Any, namespace: str = "s3") -> ServiceDrill:
    (found,) = [item for item in session.load_service(row, namespace) if isinstance(item, ServiceDrill)]
    return found


def test_the_gap_of_a_deleted_one_says_so() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:user/user-0"
    with AwsTestServer(gone=[arn]) as server:
        (gap,) = [item for item in LiveSource(LiveOptions(endpoint_url=server.url)).last_accessed(arn) if isinstance(item, Gap)]
    assert (gap.kind, gap.state, gap.reason) == (Kind.LAST_ACCESSED, State.NOT_APPLICABLE, "deleted since the lists were read")


def test_the_first_ctrl_c_asks_to_stop() -> None:
    from iamtui.commands.sweep import interruptible

    before = signal.getsignal(signal.SIGINT)
    with interruptible() as stopped:
        assert not stopped()
        signal.raise_signal(signal.SIGINT)
        assert stopped()
        with pytest.raises(KeyboardInterrupt):  # the second ends the program
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
