"""Reading a trail on: what was read is not asked for again, nothing is called covered that is not there, and what goes first."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from iamtui.cli import cli
from iamtui.model.coverage import Coverage, second
from iamtui.model.event import WindowState
from iamtui.session import Direction, Session
from iamtui.source.base import EventQuery
from iamtui.source.live import LiveOptions, LiveSource, limits, question, trail
from iamtui.store.cache import Cache
from tests.live.test_trail import ROLE, assume, event, session_of, user
from tests.server import AwsTestServer
from tests.server.accounts import ACCOUNT, large_account
from tests.server.serving import Fault

REGIONS = ("us-east-1", "eu-west-1")
ROOT = Path(__file__).parents[2]


def opened(server: AwsTestServer, cache: Cache | None, *regions: str, account: bool = True) -> Session:
    session = Session(LiveSource(LiveOptions(endpoint_url=server.url, regions=regions or ("us-east-1",))), cache)
    session.open()
    if account:
        for _ in session.refresh():
            pass
    return session


def read(session: Session, most: int | None = None, **more: Any) -> None:
    for _ in session.load_events(EventQuery(regions=session.info.regions, most=most, **more)):
        pass


def lookups(server: AwsTestServer) -> list[tuple[str, dict[str, Any]]]:
    return [(region, parameters) for name, region, parameters in server.calls if name == "LookupEvents"]


def asked_for(parameters: dict[str, Any]) -> str:
    attribute = (parameters.get("LookupAttributes") or [{}])[0]
    return str(attribute.get("AttributeValue", ""))


def assert_true(cache: Cache, server: AwsTestServer) -> Coverage:
    """Everything the server had in what is called covered is on disk."""
    rows = list(cache.event_rows(ACCOUNT))
    held = {one.event_id for row in rows for one in row.events}
    coverage = Coverage.of(row.covered for row in rows if row.covered is not None)
    spans = {key: coverage.spans(*key) for key in coverage.parts}
    for told in server.events:
        at = second(datetime.fromisoformat(told["eventTime"].replace("Z", "+00:00")))
        for (_, region, asked), covered in spans.items():
            mine = region == told["awsRegion"] and asked in ("", f"EventSource={told['eventSource']}")
            assert not mine or at not in covered or told["eventID"] in held, (told["eventTime"], region, asked)
    return coverage


def crowded(seed: int, count: int = 900) -> list[dict[str, Any]]:
    """Calls of two Regions over two days, most of them in a dozen seconds, so that pages end in the middle of one."""
    chance = random.Random(seed)
    full = [chance.randrange(20, 2880) for _ in range(12)]
    minutes = [chance.choice([chance.randrange(20, 2880), *chance.sample(full, 3)]) for _ in range(count)]
    sources = ["iam.amazonaws.com", "sts.amazonaws.com", *["ec2.amazonaws.com"] * 6]
    return [event(f"Call{n}", user(), at, region=chance.choice(REGIONS), source=chance.choice(sources)) for n, at in enumerate(minutes)]


@pytest.mark.parametrize("seed", range(2))
def test_read_in_pieces_nothing_is_lost_and_nothing_claimed_too_early(quick_lookups: None, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    with AwsTestServer(large_account(3, 3, 1), crowded(seed), rate=0) as server:
        source = LiveSource(LiveOptions(endpoint_url=server.url, regions=REGIONS))
        for _ in range(100):
            session = Session(source, Cache(tmp_path / "cache"))
            session.open()
            read(session, chance.randrange(3, 7))  # more than a second's events take, or it could not get past that second
            assert_true(Cache(tmp_path / "cache"), server)
            if all(window.state is WindowState.COVERED for window in session.windows()):
                break
        else:
            pytest.fail("it never ends")
        assert {one["eventID"] for one in server.events} == {one.event_id for one in session._book.log.newest_first()}


def test_a_second_start_asks_only_for_what_is_new_since(quick_lookups: None, tmp_path: Path) -> None:
    events = [event(f"Call{n}", user(), 20 + n * 40) for n in range(150)]
    with AwsTestServer(large_account(3, 3, 1), events, rate=0) as server:
        read(opened(server, Cache(tmp_path / "cache"), account=False))
        first = len(lookups(server))
        server.events.insert(0, event("Late", user(), 10))
        again = opened(server, Cache(tmp_path / "cache"), account=False)
        read(again)
        new = lookups(server)[first:]
    assert len(new) == 1  # one page, though there are 151 events
    asked = datetime.fromtimestamp(new[0][1]["StartTime"], UTC)
    assert timedelta(minutes=14) < datetime.now(UTC) - asked < timedelta(minutes=17)  # the quarter in which events still arrive, again
    assert again._book.log.newest_first()[0].name == "Late"
    assert len(again._book.log) == 151
    assert [window.state for window in again.windows()] == [WindowState.COVERED]


def test_a_hole_is_filled_with_a_request_of_its_own(quick_lookups: None, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    events = [event(f"Call{n}", user(), 30 + n * 60) for n in range(70)]
    with AwsTestServer(large_account(3, 3, 1), events, rate=0) as server:
        session = opened(server, Cache(tmp_path / "cache"), account=False)
        for days in (1.0, 2.5):  # two windows with a hole between them
            read(session, since=now - timedelta(days=days, hours=6), until=now - timedelta(days=days))
        begun = len(lookups(server))
        read(session)
        ranges = [(p["StartTime"], p["EndTime"]) for _, p in lookups(server)[begun:] if not p.get("NextToken") and not asked_for(p)]
        assert_true(Cache(tmp_path / "cache"), server)
    assert ranges == sorted(ranges, reverse=True)  # the newest first
    assert len(ranges) == 3
    for (_, end), (start, _) in zip(ranges[1:], ranges, strict=False):
        assert start - end > 6 * 3600 - 2  # what lies between was not asked for


def test_sign_in_iam_and_sts_go_first_where_they_are_few(quick_lookups: None) -> None:
    sources = ["iam.amazonaws.com", "signin.amazonaws.com", "sts.amazonaws.com", *["ec2.amazonaws.com"] * 17]
    events = [event(f"Call{n}", user(), 20 + n * 40, source=sources[n % 20], region=REGIONS[n % 3 == 0]) for n in range(900)]
    with AwsTestServer(large_account(3, 3, 1), events, rate=0) as server:
        session = opened(server, None, *REGIONS, account=False)
        read(session)
        calls = lookups(server)
    order = [asked_for(parameters) for region, parameters in calls if region == "us-east-1"]
    few = ["signin.amazonaws.com", "iam.amazonaws.com", "sts.amazonaws.com"]
    assert list(dict.fromkeys(order[4:])) == [*few, ""]
    assert order[:4] == [""] * 4  # what has just happened, and how much of it is what
    tokens = [parameters.get("NextToken") for region, parameters in calls if region == "us-east-1" and not asked_for(parameters)]
    assert tokens.count(None) == 1  # everything goes on where it was left
    assert not any(asked_for(parameters) for region, parameters in calls if region == "eu-west-1")
    assert [(window.region, window.state) for window in session.windows()] == [(r, WindowState.COVERED) for r in REGIONS]
    assert len(session._book.log) == 900


def test_a_source_that_is_a_large_part_of_all_does_not_go_first(quick_lookups: None) -> None:
    sources = ["sts.amazonaws.com", "ec2.amazonaws.com", "iam.amazonaws.com"]
    events = [event(f"Call{n}", user(), 20 + n * 40, source=sources[n % 3]) for n in range(400)]
    with AwsTestServer(large_account(3, 3, 1), events, rate=0) as server:
        read(opened(server, None, account=False))
        asked = Counter(asked_for(parameters) for _, parameters in lookups(server))
    assert asked["iam.amazonaws.com"] == 2  # only older than what was read with everything
    assert "sts.amazonaws.com" not in asked


def test_a_first_look_ends_and_shares_its_requests(quick_lookups: None) -> None:
    sources = ["iam.amazonaws.com", *["ec2.amazonaws.com"] * 2]
    events = [event(f"Call{n}", user(), 20 + n * 20, source=sources[n % 3]) for n in range(6000)]
    with AwsTestServer(large_account(3, 3, 1), events, rate=0) as server:
        session = opened(server, None, account=False)
        read(session, most=20)
        asked = Counter(asked_for(parameters) for _, parameters in lookups(server))
    assert asked.total() == 20
    assert asked["iam.amazonaws.com"] == 5
    told = {window.asked: window for window in session.windows()}
    assert [told[asked].state for asked in ("", "EventSource=iam.amazonaws.com")] == [WindowState.PARTIAL] * 2
    assert "reading again goes on" in told[""].reason
    assert told["EventSource=signin.amazonaws.com"].state is WindowState.COVERED


def test_throttling_is_shown_and_survived(monkeypatch: pytest.MonkeyPatch, quick_lookups: None) -> None:
    pauses: list[int] = []
    monkeypatch.setattr(question, "_pause", lambda waits: pauses.append(waits) or 0.2)
    events = [event(f"Call{n}", user(), n) for n in range(260)]
    with AwsTestServer(large_account(3, 3, 1), events, rate=2) as server:
        session, seen = opened(server, None, account=False), set()
        for activity in session.load_events(EventQuery(regions=("us-east-1",), attribute="Username", value="user-1", most=None)):
            seen |= {(window.state, window.reason.partition(";")[0]) for window in activity.windows}
    assert (WindowState.THROTTLED, "AWS throttles") in seen
    assert [window.state for window in session.windows()] == [WindowState.COVERED]
    assert len(session._book.log) == 260
    assert pauses
    assert pauses[0] == 0


def test_throttling_without_an_end_is_given_up_with_a_sentence(monkeypatch: pytest.MonkeyPatch, quick_lookups: None) -> None:
    monkeypatch.setattr(question, "_pause", lambda waits: 0.001)
    with AwsTestServer(
        large_account(3, 3, 1),
        [event("Call", user(), 1)],
        rate=0,
        faults={"LookupEvents": Fault("ThrottlingException", "Rate exceeded", 400)},
    ) as server:
        session = opened(server, None, account=False)
        read(session)
        assert len(lookups(server)) == question.MOST_WAITS + 1
    (window,) = session.windows()
    assert window.state is WindowState.FAILED
    assert "throttled" in window.reason


def test_pauses_double_differ_and_have_an_end() -> None:
    for waits in range(20):
        found = {question._pause(waits) for _ in range(50)}
        assert len(found) > 10
        assert 0 < min(found) <= max(found) <= min(2.0**waits, question.LONGEST_WAIT)


def test_a_token_that_has_expired_is_no_end(quick_lookups: None) -> None:
    events = [event(f"Call{n}", user(), n) for n in range(260)]
    with AwsTestServer(large_account(3, 3, 1), events, rate=0) as server:
        session = opened(server, None, account=False)
        for _ in session.load_events(EventQuery(regions=("us-east-1",), attribute="Username", value="user-1", most=None)):
            if len(lookups(server)) == 3:
                server._tokens.clear()
    assert len(session._book.log) == 260
    assert [window.state for window in session.windows()] == [WindowState.COVERED]


def test_a_stop_while_waiting_for_the_budget_sends_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in the hour after AWS throttled: nothing is waited for."""
    monkeypatch.setattr(limits, "_buckets", {(ACCOUNT, "us-east-1"): limits.Bucket(1 / 3600, 1.0)})
    stopped = threading.Event()
    with AwsTestServer(large_account(3, 3, 1), [event(f"Call{n}", user(), n) for n in range(200)], rate=0) as server:
        session = opened(server, None, account=False)
        ended: list[bool] = []

        def run() -> None:
            for _ in session.load_events(EventQuery(regions=("us-east-1",), most=None), stopped.is_set):
                pass
            ended.append(True)

        worker = threading.Thread(target=run)
        worker.start()
        while len(session._book.log) < 50:
            time.sleep(0.01)
        stopped.set()
        worker.join(20)
        assert ended
        assert len(lookups(server)) == 1
    (window,) = session.windows()
    assert (window.state, window.reason) == (WindowState.PARTIAL, "stopped")
    assert len(session._book.log) == 50  # what was read is there


def test_sessions_of_a_role_are_asked_for_only_in_their_time(quick_lookups: None, tmp_path: Path) -> None:
    made = 10 * 24 * 60
    events = [
        assume(user(), ROLE, "ASIAEXAMPLESESSION01", made),
        event("DescribeInstances", session_of("role-1", "deploy-7", "ASIAEXAMPLESESSION01"), made - 30),
    ]
    with AwsTestServer(large_account(3, 3, 1), events, rate=0) as server:
        for _ in range(2):
            session = opened(server, Cache(tmp_path / "cache"))
            row = session.find("role-1")[0].row
            for _ in session.load_activity(row):
                pass
            assert [e.name for e in session.activity(row, Direction.BY).events] == ["DescribeInstances"]
        asked = [(asked_for(p), int(p["EndTime"] - p["StartTime"])) for _, p in lookups(server)]
    keys = [span for value, span in asked if value.startswith("ASIA")]
    assert keys == [(36 * 60 + 5) * 60]  # once, and never again: it has ended
    assert len(asked) == 5


def test_damaged_rows_are_forgotten_with_what_they_covered(quick_lookups: None, tmp_path: Path) -> None:
    chance = random.Random(3)
    with AwsTestServer(large_account(3, 3, 1), crowded(3, 300), rate=0) as server:
        cache = Cache(tmp_path / "cache")
        read(opened(server, cache, *REGIONS, account=False))
        names = cache._keys(f"events/{ACCOUNT}/")
        for name in names[::2]:
            value = bytearray(cache._get(name) or b"")
            value[chance.randrange(8, len(value))] ^= 1 << chance.randrange(8)
            cache._set(name, bytes(value))
        cut = cache._get(names[1]) or b""
        cache._set(names[1], cut[:20])
        cache.close()
        damaged = Cache(tmp_path / "cache")
        assert_true(damaged, server)
        assert any("asked for again" in notice for notice in damaged.notices)
        session = opened(server, damaged, *REGIONS, account=False)
        read(session)
        assert len(session._book.log) == 300
        assert all(window.state is WindowState.COVERED for window in session.windows())


def test_events_of_another_model_take_their_coverage_with_them(
    quick_lookups: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from iamtui.store import cache as module

    with AwsTestServer(large_account(3, 3, 1), [event("Call", user(), 50)], rate=0) as server:
        read(opened(server, Cache(tmp_path / "cache"), account=False))
    monkeypatch.setattr(module, "_mark", b"12345678")
    assert list(Cache(tmp_path / "cache").event_rows(ACCOUNT)) == []


def test_a_page_that_could_not_be_read_whole_is_not_covered(quick_lookups: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from iamtui.source import decode

    true = decode.decode_events
    monkeypatch.setattr(decode, "decode_events", lambda document: msgspec.structs.replace(true(document), broken=True))
    with AwsTestServer(large_account(3, 3, 1), [event("Call", user(), 50)], rate=0) as server:
        session = opened(server, Cache(tmp_path / "cache"), account=False)
        read(session, attribute="EventName", value="Call")
    assert session._book.coverage.parts == {}
    assert [row.covered for row in Cache(tmp_path / "cache").event_rows(ACCOUNT)] == [None]
    assert session.events_lost


_READER = """
import sys
from pathlib import Path
from iamtui.session import Session
from iamtui.source.base import EventQuery
from iamtui.source.live import LiveOptions, LiveSource, limits
from iamtui.store.cache import Cache
limits.LOOKUPS_PER_SECOND = 500.0
session = Session(LiveSource(LiveOptions(endpoint_url=sys.argv[1], regions=("us-east-1", "eu-west-1"))), Cache(Path(sys.argv[2])))
session.open()
print("reading", flush=True)
for _ in session.load_events(EventQuery(regions=session.info.regions, most=None)):
    pass
"""


def _killed(tmp_path: Path, times: int, seed: int) -> None:
    chance = random.Random(seed)
    with AwsTestServer(large_account(3, 3, 1), crowded(seed, 900), rate=0) as server:
        partial = 0
        for _ in range(times):
            command = [sys.executable, "-c", _READER, server.url, str(tmp_path / "cache")]
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
            assert process.stdout is not None
            assert process.stdout.readline() == b"reading\n"
            begun = len(lookups(server))
            wanted = chance.randrange(1, 8)
            while process.poll() is None and len(lookups(server)) - begun < wanted:
                time.sleep(0.001)
            time.sleep(chance.random() * 0.01)
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
            cache = Cache(tmp_path / "cache")
            coverage = assert_true(cache, server)
            assert not cache.notices
            partial += bool(coverage.parts)
            cache.close()
        session = opened(server, Cache(tmp_path / "cache"), *REGIONS, account=False)
        read(session)
        assert len(session._book.log) == 900
        assert partial  # it did get somewhere


def test_a_kill_never_leaves_a_claim_without_its_events(quick_lookups: None, tmp_path: Path) -> None:
    _killed(tmp_path, 3, 1)


@pytest.mark.long
def test_many_kills(quick_lookups: None, tmp_path: Path) -> None:
    for seed in range(10):
        _killed(tmp_path / str(seed), 6, seed)


def run(server: AwsTestServer, folder: Path, *arguments: str) -> Any:
    options = ["--endpoint-url", server.url, "--region", "us-east-1", "--cache-dir", str(folder)]
    return CliRunner().invoke(cli, [*arguments, *options])


def test_events_since_reads_all_of_that_time_and_goes_on_where_it_was(
    quick_lookups: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iamtui.commands.events.FIRST_LOOK", 10)
    events = [event(f"Call{n}", user(), 20 + n * 8) for n in range(1000)]  # five and a half days
    with AwsTestServer(large_account(3, 3, 1), events, rate=0) as server:
        look = run(server, tmp_path, "events", "--format", "json")
        assert look.exit_code == 4
        assert "stopped after 10 requests" in look.stderr
        begun = len(lookups(server))
        whole = run(server, tmp_path, "events", "--since", "5d", "--format", "json")
        assert (whole.exit_code, whole.stderr) == (0, "")
        assert len(msgspec.json.decode(whole.stdout)) > 880
        assert len(lookups(server)) - begun < 14  # of 18 pages some were there already
        begun = len(lookups(server))
        assert run(server, tmp_path, "events", "--since", "5d", "--format", "csv").exit_code == 0
        assert len(lookups(server)) - begun <= 1
    offline = CliRunner().invoke(cli, ["cache", "info", "--cache-dir", str(tmp_path), "--format", "json"])
    (covered,) = [one for one in msgspec.json.decode(offline.stdout)["covered"] if not one["asked"]]
    assert (covered["account"], covered["region"]) == (ACCOUNT, "us-east-1")
    assert covered["since"] < covered["until"]
    table = CliRunner().invoke(cli, ["cache", "info", "--cache-dir", str(tmp_path)]).stdout
    assert "everything" in table


def test_offline_knows_what_was_covered(quick_lookups: None, tmp_path: Path) -> None:
    events = [event(f"Call{n}", user(), 30 + n) for n in range(3)]
    with AwsTestServer(large_account(3, 3, 1), events, rate=0) as server:
        run(server, tmp_path, "list", "users")
        one = run(server, tmp_path, "events", "--identity", "user-1", "--format", "json")
        assert one.exit_code == 0
        part = run(server, tmp_path, "events", "--offline", "--format", "json")
        assert len(msgspec.json.decode(part.stdout)) == 3
        mine = run(server, tmp_path, "events", "--identity", "user-1", "--offline", "--format", "json")
        assert mine.exit_code == 0  # of this identity all is there
        session = Session(None, Cache(tmp_path), offline=True, connection=LiveSource(LiveOptions(endpoint_url=server.url)).info)
        session.open()
        assert session.windows() == ()
        assert {w.state for w in session.windows(session.find("user-1")[0].row)} == {WindowState.COVERED}
        run(server, tmp_path, "events")
        assert run(server, tmp_path, "events", "--offline").exit_code == 0


def test_one_budget_for_all_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading in the background and somebody who looks at one user share AWS's two a second, and neither is throttled."""
    monkeypatch.setattr(limits, "LOOKUPS_PER_SECOND", 20.0)
    monkeypatch.setattr(limits, "_buckets", {})
    events = [event(f"Call{n}", user(), 20 + n * 5) for n in range(1000)]
    with AwsTestServer(large_account(3, 3, 1), events, rate=20) as server:
        session, states = opened(server, None), set()

        def background() -> None:
            for activity in session.load_events(EventQuery(regions=("us-east-1",), most=None)):
                states.update(window.state for window in activity.windows)

        worker = threading.Thread(target=background)
        worker.start()
        row = session.find("user-1")[0].row
        for activity in session.load_activity(row, most=None):
            states.update(window.state for window in activity.windows)
        worker.join()
    assert WindowState.THROTTLED not in states
    assert len(session._book.log) == 1000


def test_the_order_is_told_where_it_is_decided() -> None:
    assert set(trail.ALWAYS_FIRST) < set(trail.FIRST_SOURCES)
