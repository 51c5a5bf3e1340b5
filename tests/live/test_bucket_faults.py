"""A bucket that refuses, stalls, redirects and breaks off: what that costs, and what it does not."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from iamtui.cli import cli
from iamtui.errors import AwsError, CredentialsError, RefusedError, UsageError
from iamtui.model.event import WindowState
from iamtui.model.fact import State
from iamtui.session import ListKind, Session
from iamtui.session.watching import Seen, Trouble
from iamtui.source.base import EventFile, Step
from iamtui.source.live import KeptTrail, LiveOptions, TrailSource, bucket, listing
from iamtui.store.events import segments
from tests.support.bucket import BucketServer, wait_until
from tests.support.trails import record

ACCOUNT, OTHER = "111122223333", "444455556666"
NOW = datetime.now(UTC)
DENIED = (403, "AccessDenied", "User: x is not authorized to perform: s3:GetObject on resource: y")


def key(number: int, *, days: int = 0, account: str = ACCOUNT, region: str = "us-east-1", when: datetime | None = None) -> str:
    day = when or NOW - timedelta(days=days)
    return f"AWSLogs/{account}/CloudTrail/{region}/{day:%Y/%m/%d}/{account}_CloudTrail_{region}_{number:06}.json.gz"


def body(first: int, count: int = 3, **more: Any) -> bytes:
    return gzip.compress(json.dumps({"Records": [record(n, **more) for n in range(first, first + count)]}).encode())


@pytest.fixture
def server() -> Iterator[BucketServer]:
    with BucketServer() as made:
        yield made


def source(server: BucketServer, trail: str = "s3://trail", **more: Any) -> TrailSource:
    return TrailSource(LiveOptions(endpoint_url=server.url, trail=trail, **more))


def read(made: TrailSource, known: dict[str, tuple[int, ...]] | None = None) -> tuple[list[str], list[str]]:
    """Ends of the names of files that were had, and reasons by name of those that were not."""
    had, refused = [], []
    for item in made.event_files(known or {}):
        if isinstance(item, EventFile):
            (refused if item.reason else had).append(f"{item.name}: {item.reason}" if item.reason else item.name.rpartition("_")[2][:6])
    return sorted(had), refused


def opened(server: BucketServer, folder: Path, **more: Any) -> Session:
    session = Session(source(server, **more), trails=folder)
    list(session.trail.read())
    return session


# -- refusals -------------------------------------------------------------------------------------------------------------


def test_each_refusal_has_its_own_sentence_and_the_rest_is_read(server: BucketServer) -> None:
    server.objects = {key(n): body(n * 10) for n in range(1, 9)}
    server.faults = {
        key(2): DENIED,
        key(3): (403, "AccessDenied", "User: x is not authorized to perform: kms:Decrypt on the resource"),
        key(4): (403, "InvalidObjectState", "The operation is not valid for the object's storage class"),
        key(5): (404, "NoSuchKey", "The specified key does not exist."),
        key(6): (400, "KMS.DisabledException", "arn:aws:kms:us-east-1:111122223333:key/x is disabled."),
    }
    server.cut = {key(7): 1, key(8): 9}
    had, refused = read(source(server))
    assert had == ["000001", "000007"]
    reasons = {line.partition(": ")[0].rpartition("_")[2][:6]: line.partition(": ")[2] for line in refused}
    assert reasons.keys() == {f"{n:06}" for n in (2, 3, 4, 5, 6, 8)}
    for number, words in ((2, "denied (s3:GetObject)"), (3, "kms:Decrypt"), (4, "archived"), (5, "is gone"), (6, "KMS.DisabledException")):
        assert words in reasons[f"{number:06}"]
    assert "kms" not in reasons["000002"]


def test_a_region_whose_objects_are_all_denied_is_given_up_and_said(server: BucketServer) -> None:
    denied = [key(n, account=OTHER) for n in range(400)]
    server.objects = dict.fromkeys(denied, b"x") | {key(n): body(n * 10) for n in range(3)}
    server.faults = dict.fromkeys(denied, DENIED)
    had, refused = read(source(server))
    assert len(had) == 3
    assert len([name for name in server.gets if OTHER in name]) <= bucket.GIVEN_UP + bucket.FETCHERS
    told = [line for line in refused if "not tried" in line]
    assert len(told) == 1
    assert f"s3://trail/AWSLogs/{OTHER}/CloudTrail/us-east-1/" in told[0]
    assert len(refused) <= bucket.NAMED + 2


def test_many_refusals_are_counted(server: BucketServer) -> None:
    server.objects = {key(n): body(n * 10, 1) for n in range(100)}
    server.faults = {key(n): (403, "InvalidObjectState", "archived") for n in range(50)}
    had, refused = read(source(server))
    assert len(had) == 50
    assert len(refused) == bucket.NAMED + 1
    assert "30 more like these: archived" in refused[-1]


def test_a_folder_that_may_not_be_listed_is_named_and_the_others_are_read(server: BucketServer, tmp_path: Path) -> None:
    server.objects = {key(1): body(10), key(2, account=OTHER): body(20), key(3, region="eu-west-1"): body(30)}
    server.faults = {
        f"list:AWSLogs/{OTHER}/CloudTrail/": (403, "AccessDenied", "not yours"),
        f"list:AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/": (503, "ServiceUnavailable", "later"),
    }
    session = opened(server, tmp_path)
    state = session.trail.state()
    assert state.events == 3
    assert any(OTHER in line and "denied (s3:ListBucket): not yours" in line for line in state.refused)
    assert any("eu-west-1/: ServiceUnavailable" in line for line in state.refused)


def test_a_bucket_that_may_not_be_listed_is_denied_and_not_empty(server: BucketServer, tmp_path: Path) -> None:
    server.faults = {"list:*": (403, "AccessDenied", "no")}
    session = Session(source(server), trails=tmp_path)
    list(session.load_events())
    found = session.listing(ListKind.EVENTS)
    assert (found.state.state, found.complete, [w.state for w in session.windows()]) == (State.DENIED, False, [WindowState.DENIED])
    with pytest.raises(RefusedError, match=r"denied \(s3:ListBucket\)") as raised:
        list(session.trail.read())
    assert raised.value.denied
    assert "ACCOUNT" in raised.value.hint
    options = ["--trail", "s3://trail", "--endpoint-url", server.url, "--cache-dir", str(tmp_path / "cache"), "--format", "csv"]
    assert CliRunner().invoke(cli, ["events", *options]).exit_code == 3


def test_credentials_that_expire_end_the_reading_and_keep_what_was_acknowledged(
    server: BucketServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "FIRST_BYTES", 1)
    monkeypatch.setattr(segments, "BATCH_BYTES", 1)
    monkeypatch.setattr(bucket, "FETCHERS", 1)
    server.objects = {key(n): body(n * 10) for n in range(16)}
    server.faults = {key(n): (400, "ExpiredToken", "The provided token has expired.") for n in range(8, 16)}
    session = Session(source(server), trails=tmp_path)
    with pytest.raises(CredentialsError):
        list(session.trail.read())
    held = session.trail.state().events
    assert 0 < held <= 24
    server.faults.clear()
    server.gets.clear()
    assert opened(server, tmp_path).trail.state().events == 48
    assert len(server.gets) == 16 - held // 3


def test_an_object_that_was_written_again_meanwhile_is_read_the_next_time(server: BucketServer, tmp_path: Path) -> None:
    server.objects = {key(1): body(10)}
    server.sizes = {key(2): 7}
    server.made = lambda _: body(20)
    session = opened(server, tmp_path)
    assert session.trail.state().events == 3
    assert any("written again" in line for line in session.trail.state().refused)
    server.sizes.clear()
    server.objects[key(2)] = body(20)
    assert opened(server, tmp_path).trail.state().events == 6


# -- where the bucket is ------------------------------------------------------------------------------------------------------


def test_a_bucket_of_another_region_is_followed_there() -> None:
    with BucketServer({key(1): body(10)}, region="eu-central-1") as server:
        assert read(source(server)) == (["000001"], [])


@pytest.mark.parametrize(
    ("below", "expected"),
    [
        ("", ["000001"]),
        ("myAWSLogs", ["000001"]),
        ("myAWSLogs/a", ["000001"]),
        (f"myAWSLogs/a/b/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2024/", ["000002"]),
        (f"myAWSLogs/a/b/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2024/02/29", ["000002"]),
        (f"myAWSLogs/a/b/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2024/03", []),
    ],
)
def test_a_prefix_leads_to_the_tree_and_into_it(server: BucketServer, below: str, expected: list[str]) -> None:
    """A day in a prefix is read whatever the days are that nobody chose."""
    server.objects = {
        f"myAWSLogs/a/b/{key(1)}": body(10),
        f"myAWSLogs/a/b/{key(2, when=datetime(2024, 2, 29, tzinfo=UTC))}": body(20),
        "other/file": b"x",
    }
    assert read(source(server, f"s3://trail/{below}"))[0] == expected


@pytest.mark.parametrize(
    "below",
    [f"AWSLogs/{ACCOUNT}/CloudTrail-Digest", "AWSLogs/somebody", f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/13", "", "nowhere.d"],
)
def test_a_prefix_that_leads_to_no_events_is_told(server: BucketServer, below: str) -> None:
    server.objects = {"other/file": b"x"}
    if below == "nowhere.d":
        assert read(source(server, f"s3://trail/{below}")) == ([], [])
        return
    with pytest.raises(UsageError):
        read(source(server, f"s3://trail/{below}"))
    assert server.gets == []


# -- bounds -----------------------------------------------------------------------------------------------------------------


def test_no_more_is_fetched_or_listed_than_is_taken(server: BucketServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who takes one file and waits: what is in memory then is bounded, however large the bucket."""
    monkeypatch.setattr(bucket, "IN_FLIGHT", 20 * bucket._LEAST)
    monkeypatch.setattr(bucket, "AHEAD", 50)
    server.page = 20
    server.objects = {key(n): body(n, 1) for n in range(400)}
    files = source(server).event_files({})
    first = next(item for item in files if isinstance(item, EventFile))
    assert first.body is not None
    assert wait_until(lambda: len(server.gets) >= 20)
    assert not wait_until(lambda: len(server.gets) > 22 or len(server.lists) > 14, 0.5)
    steps = [item for item in files if isinstance(item, Step)]
    assert (steps[-1].done, steps[-1].total) == (400, 400)
    assert len(server.gets) == 400


def test_an_object_larger_than_the_bound_is_fetched_alone(server: BucketServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket, "IN_FLIGHT", 10)
    monkeypatch.setattr(bucket, "MAX_OBJECT", 100_000)
    server.objects = {key(n): body(n * 10) for n in range(5)} | {key(9): b"x" * 100_001}
    had, refused = read(source(server))
    assert len(had) == 5
    assert "larger than" in refused[0]
    assert key(9) not in server.gets


def test_a_damaged_object_is_not_fetched_again_and_again(server: BucketServer) -> None:
    server.objects = {key(1): b"\x1f\x8bnot gzip", key(2): body(20)}
    made = source(server)
    for _ in range(3):
        had, refused = read(made)
        assert (had, len(refused)) == (["000002"], 1)
    assert server.gets.count(key(1)) == 1


def test_cancelling_waits_for_nobody(server: BucketServer, tmp_path: Path) -> None:
    """One object that never comes: progress goes on being told, and a stop is a stop."""
    server.objects = {key(1): body(10), key(2): body(20)}
    server.stalled = {key(2)}
    told: list[Step] = []
    session = Session(source(server), trails=tmp_path)

    def run() -> None:
        told.extend(session.trail.read(lambda: len(told) >= 2))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    assert (told[-1].done, told[-1].total) == (1, 2)
    assert "us-east-1" in told[-1].what


def test_two_who_read_at_once_are_told_the_same(server: BucketServer, tmp_path: Path) -> None:
    server.objects = {key(1): body(10), key(2): body(20)}
    server.stalled = {key(2)}
    session = Session(source(server), trails=tmp_path)
    first = session.trail.read()
    told = next(step for step in first if step.done == 1)
    assert next(session.trail.read()) == told
    assert list(session.trail.read(lambda: True)) == []
    first.close()


def test_the_first_rows_stay_until_there_are_more(server: BucketServer, tmp_path: Path) -> None:
    server.objects = {key(1): body(10), key(2): body(20)}
    server.stalled = {key(2)}
    session = Session(source(server), trails=tmp_path)
    seen = []
    for activity in session.load_events(None, lambda: len(seen) > 4):
        seen.append((activity.total or 0, activity.windows[0].state))
        assert len(session.listing(ListKind.EVENTS).rows) == seen[-1][0]
    assert seen[0] == (0, WindowState.RUNNING)
    assert {total for total, _ in seen[1:-1]} == {3}


# -- what need not be asked again ---------------------------------------------------------------------------------------------


def _ranges(server: BucketServer) -> set[str]:
    found = {query["start-after"].removeprefix(f"AWSLogs/{ACCOUNT}/CloudTrail/") for query in server.lists if "start-after" in query}
    server.lists.clear()
    return found


def _known(server: BucketServer, made: TrailSource) -> dict[str, tuple[int, ...]]:
    return {item.name: item.signature for item in made.event_files({}) if isinstance(item, EventFile)}


@pytest.mark.parametrize("copied", [False, True])
def test_days_that_are_over_are_listed_again_only_where_others_may_have_written(
    server: BucketServer, monkeypatch: pytest.MonkeyPatch, copied: bool
) -> None:
    """Of files that CloudTrail has delivered the last days are listed; of files that were copied later all of them, every time."""
    from iamtui.source.live import delivered

    monkeypatch.setattr(delivered, "_FRESH", 0.0)
    old = key(1, days=10)
    server.objects = {old: body(10), key(2): body(20)}
    if copied:
        server.written[old] = NOW
    made = source(server)
    known = _known(server, made)
    assert len(known) == len(_ranges(server)) == 2
    read(made, known)
    assert len(_ranges(server)) == 2
    read(made, known)
    assert len(_ranges(server)) == (2 if copied else 1)
    server.objects[key(3, days=10)] = body(30)  # into a day that is over
    assert read(made, known)[0] == (["000001", "000002", "000003"] if copied else ["000002"])
    monkeypatch.setattr(listing, "_TRUSTED", 0.0)
    assert "000003" in read(made, known)[0]


def test_a_reading_that_found_nothing_new_counts_for_a_while(server: BucketServer, tmp_path: Path) -> None:
    server.objects = {key(1): body(10)}
    session = opened(server, tmp_path)
    list(session.trail.read())
    asked = len(server.lists)
    list(session.trail.read())
    assert len(server.lists) == asked
    assert session.trail.state().events == 3


def test_other_credentials_read_only_what_is_new_and_another_choice_only_what_was_chosen(
    server: BucketServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.objects = {key(1): body(10), key(2, region="eu-west-1"): body(20), key(3, account=OTHER): body(30)}
    assert opened(server, tmp_path).trail.state().events == 9
    server.gets.clear()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIAEXAMPLEANOTHER00")
    assert opened(server, tmp_path).trail.state().events == 9
    assert server.gets == []
    assert opened(server, tmp_path, regions=("eu-west-1",)).trail.state().events == 3
    assert opened(server, tmp_path, trail_accounts=(OTHER,)).trail.state().events == 3


def test_what_was_chosen_is_all_that_is_called_covered(server: BucketServer, tmp_path: Path) -> None:
    server.objects = {key(1): body(10), key(2, region="eu-west-1"): body(20), key(3, account=OTHER): body(30)}

    def windows(**more: Any) -> list[tuple[str, WindowState]]:
        made = source(server, **more)
        made._caller.account = ACCOUNT
        session = Session(made, trails=tmp_path)
        list(session.load_events())
        assert "s3://trail/" in session.windows()[0].reason
        return [(window.region, window.state) for window in session.windows()]

    assert windows() == [("", WindowState.COVERED)]
    assert windows(regions=("eu-west-1", "us-east-1")) == [("eu-west-1", WindowState.COVERED), ("us-east-1", WindowState.COVERED)]
    assert windows(trail_accounts=(ACCOUNT, OTHER)) == [("", WindowState.COVERED)]
    assert windows(trail_accounts=(OTHER,)) == [("", WindowState.PARTIAL)]
    assert windows(trail=f"s3://trail/AWSLogs/{OTHER}/CloudTrail/us-east-1") == [("us-east-1", WindowState.PARTIAL)]


# -- commands ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(server: BucketServer, tmp_path: Path) -> Callable[..., Any]:
    options = ["--trail", "s3://trail", "--endpoint-url", server.url, "--cache-dir", str(tmp_path), "--format", "csv"]
    return lambda *words: CliRunner().invoke(cli, [*words, *options])


COUNT = "SELECT count(*) AS n FROM cloudtrail_logs"


def _two_times(server: BucketServer) -> None:
    for number, days in ((1, 0), (2, 100)):
        when = NOW - timedelta(days=days)
        server.objects[key(number, days=days)] = body(number * 10, eventTime=f"{when:%Y-%m-%dT%H:%M:%SZ}")


def test_the_days_of_a_question_are_the_days_that_are_read(server: BucketServer, run: Callable[..., Any]) -> None:
    _two_times(server)
    assert run("sql", COUNT).stdout == "n\n3\n"
    old = (NOW - timedelta(days=101), NOW - timedelta(days=99))
    span = ["--since", f"{old[0]:%Y-%m-%d}", "--until", f"{old[1]:%Y-%m-%d}"]
    asked = run("sql", COUNT, *span)
    assert asked.stdout == "n\n3\n"
    assert f"{old[0]:%Y-%m-%d} to {old[1]:%Y-%m-%d}" in asked.stderr
    assert run("sql", COUNT).stdout == "n\n6\n"  # what was read stays
    assert run("sql", COUNT, "--since", "2d").stdout == "n\n3\n"
    assert len(server.gets) == 2
    listed = run("events", "--since", "200d")
    assert (len(listed.stdout.splitlines()), listed.exit_code) == (7, 4), listed.stderr  # 4: the account itself cannot be read here
    assert run("sql", COUNT, "--since", "whenever").exception.exit_code == 2


def test_offline_asks_what_was_read_before(server: BucketServer, run: Callable[..., Any], tmp_path: Path) -> None:
    server.objects = {key(1): body(10)}
    assert run("sql", COUNT).exit_code == 0
    asked = len(server.lists)
    found = run("sql", COUNT, "--offline")
    assert (found.stdout, found.exit_code) == ("n\n3\n", 4)
    assert "as it was read before" in found.stderr
    assert len(server.lists) == asked
    with pytest.raises(UsageError, match="--offline"):
        _ = KeptTrail(LiveOptions(trail="main")).place


def test_nothing_in_the_days_asked_for_says_where_was_looked(server: BucketServer, run: Callable[..., Any]) -> None:
    server.objects = {key(1, days=400): body(10)}
    wrong = run("sql", COUNT).exception
    assert "There are no events in s3://trail/" in wrong.message
    assert "--since" in wrong.hint


def test_keys_are_never_terminal_commands(server: BucketServer, run: Callable[..., Any]) -> None:
    evil = "\x1b]52;c;aGFja2Vk\x07"
    server.objects = {key(1): body(10), f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/{NOW:%Y/%m/%d}/{evil}.json": b"\x1f\x8bno gzip"}
    asked = run("sql", COUNT)
    assert (asked.stdout, asked.exit_code) == ("n\n3\n", 4)
    assert "damaged gzip" in asked.stderr
    assert "\x1b]" not in asked.output
    assert "\x07" not in asked.output


def test_activity_and_triage_look_into_the_bucket(server: BucketServer, tmp_path: Path) -> None:
    from iamtui.model.alert import Clue, ClueKind

    server.objects = {key(1): body(10)}
    session = Session(source(server), trails=tmp_path)
    for _ in session.load_clues(session.alert("ASIA0000000000000003")):
        pass
    assert len(session.search.of_clue(Clue(ClueKind.KEY, "ASIA0000000000000003"))) == 0 or session.has_events()
    assert session.has_events()
    assert all(name.startswith("AWSLogs/") for name in server.gets)


# -- watching ---------------------------------------------------------------------------------------------------------------


def test_a_watch_fetches_what_is_delivered_after_it_began(server: BucketServer) -> None:
    server.objects = {key(n): body(n * 10) for n in range(4)} | {key(9, days=20): body(90)}
    watch = Session(source(server)).watch()
    server.faults = {"list:*": (503, "ServiceUnavailable", "later")}
    assert [type(item) for item in watch.look()] == [Trouble]
    server.faults.clear()
    assert list(watch.look()) == []
    assert server.gets == []
    server.objects[key(5)] = body(50)
    assert [item.event.event_id for item in watch.look() if isinstance(item, Seen)] == ["e-50", "e-51", "e-52"]
    assert list(watch.look()) == []
    assert server.gets == [key(5)]
    del server.objects[key(1)]
    list(watch.look())
    assert len(watch._files) == 4


def test_a_session_that_only_names_its_trail_asks_nothing(server: BucketServer) -> None:
    source(server)
    assert (server.lists, server.gets) == ([], [])


def test_an_unreachable_endpoint_is_told_once(tmp_path: Path) -> None:
    made = TrailSource(LiveOptions(endpoint_url="http://127.0.0.1:9", trail="s3://trail"))
    with pytest.raises(AwsError, match="could not be reached"):
        list(made.event_files({}))
