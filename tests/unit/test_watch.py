"""Watching: each new event once, nothing kept, troubles told once."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from iamtui.cli import cli
from iamtui.errors import UsageError
from iamtui.model.account import World
from iamtui.model.document import Document, Kind, Origin
from iamtui.model.event import Window, WindowState
from iamtui.session import Session
from iamtui.session.watching import Seen, Trouble, Watch
from iamtui.source.base import EventQuery, SourceInfo
from iamtui.source.demo import DemoSource
from iamtui.source.evidence import EvidenceSource
from tests.support.trails import record, write_file, write_trail


class Live:
    """One event a second, told again as long as the lag reaches back, like LookupEvents."""

    info = SourceInfo(kind="live")

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, tzinfo=UTC)
        self.begin = self.now
        self.state = WindowState.COVERED
        self.asked: list[EventQuery] = []

    def events(self, query: EventQuery, cancelled: object = None) -> Iterator[Any]:
        self.asked.append(query)
        assert query.since is not None
        first = max(int((query.since - self.begin).total_seconds()), 0)
        made = []
        for second in range(first, int((self.now - self.begin).total_seconds())):
            when = self.begin + timedelta(seconds=second)
            made.append(record(second, eventTime=f"{when:%Y-%m-%dT%H:%M:%SZ}"))
        yield Document(Kind.EVENTS, json.dumps({"Records": made}).encode(), self.now, Origin("live", "cloudtrail:LookupEvents"))
        yield Window("us-east-1", self.state, reason="AWS throttles" if self.state is WindowState.THROTTLED else "")


def seen(watch: Watch) -> list[str]:
    return [item.event.event_id for item in watch.look() if isinstance(item, Seen)]


def test_each_event_once_oldest_first() -> None:
    live = Live()
    watch = Watch(live, World(), "", lambda: live.now)  # type: ignore[arg-type]
    assert seen(watch) == []
    for minute in range(1, 4):
        live.now += timedelta(minutes=1)
        assert seen(watch) == [f"e-{n}" for n in range((minute - 1) * 60, minute * 60)]
    assert all(query.since is not None for query in live.asked)


def test_events_without_a_time_are_told_first() -> None:
    live = Live()
    watch = Watch(live, World(), "", lambda: live.now)  # type: ignore[arg-type]
    live.now += timedelta(seconds=2)
    plain, live.events = live.events, None  # type: ignore[method-assign, assignment]

    def events(query: EventQuery, cancelled: object = None) -> Iterator[Any]:
        undated = [record(n, eventTime=None) for n in (7, 8)]
        yield Document(Kind.EVENTS, json.dumps({"Records": undated}).encode(), live.now, Origin("live", "x"))
        yield from plain(query)

    live.events = events  # type: ignore[method-assign]
    assert seen(watch)[:2] == ["e-7", "e-8"]


def test_a_filter_narrows_and_a_wrong_one_is_told_first() -> None:
    live = Live()
    watch = Watch(live, World(), "event:=CreateUser class:high", lambda: live.now)  # type: ignore[arg-type]
    list(watch.look())
    live.now += timedelta(seconds=8)
    assert seen(watch) == ["e-0", "e-4"]
    with pytest.raises(UsageError):
        Watch(live, World(), "colour:red", lambda: live.now)  # type: ignore[arg-type]


def test_a_trouble_is_told_once_until_it_changes() -> None:
    live = Live()
    watch = Watch(live, World(), "", lambda: live.now)  # type: ignore[arg-type]
    live.state = WindowState.THROTTLED
    assert [item.words for item in watch.look() if isinstance(item, Trouble)] == ["us-east-1: throttled AWS throttles"]
    assert [item for item in watch.look() if isinstance(item, Trouble)] == []
    live.state = WindowState.COVERED
    list(watch.look())
    live.state = WindowState.THROTTLED
    assert len([item for item in watch.look() if isinstance(item, Trouble)]) == 1


@pytest.mark.parametrize("hours", [1, pytest.param(8, marks=pytest.mark.long)])
def test_hours_do_not_grow(hours: int) -> None:
    """One event a second, looked for every half hour: ids are all that is held, and only so many."""
    live = Live()
    watch = Watch(live, World(), "", lambda: live.now)  # type: ignore[arg-type]
    list(watch.look())
    tracemalloc.start()
    count = 0
    for _ in range(2 * hours):
        live.now += timedelta(minutes=30)
        live.asked.clear()
        count += len(seen(watch))
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == hours * 3600
    assert grown < 20_000_000


def test_files_that_are_delivered(tmp_path: Path) -> None:
    write_trail(tmp_path, 1, 5)
    now = datetime(2026, 11, 1, tzinfo=UTC)
    watch = Watch(EvidenceSource([str(tmp_path)]), World(), "", lambda: now)
    assert seen(watch) == []  # what was there before is no news
    write_trail(tmp_path, 1, 3, start=50)
    assert seen(watch) == ["e-50", "e-51", "e-52"]
    write_file(tmp_path / "again.json", [record(51), record(99)])
    assert seen(watch) == ["e-99"]
    (tmp_path / "bad.json.gz").write_bytes(b"\x1f\x8b\x08\0x")
    assert [item.words for item in watch.look() if isinstance(item, Trouble)] != []


def test_where_nothing_can_arrive() -> None:
    with pytest.raises(UsageError, match="demo"):
        Session(DemoSource()).watch()


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from iamtui.commands import watch as command

    write_trail(tmp_path, 1, 2)

    def deliver(seconds: float, cancelled: object) -> None:
        write_file(tmp_path / f"{seconds}.json", [record(60, userAgent="x\x1b]0;y"), record(61)])

    monkeypatch.setattr(command, "wait", deliver)
    run = CliRunner().invoke(cli, ["watch", "--from", str(tmp_path), "--looks", "2", "--format", "json"])
    assert run.exit_code == 0
    assert [json.loads(line)["event-id"] for line in run.stdout.splitlines()] == ["e-60", "e-61"]
    assert "2 events in 2 looks" in run.stderr


def test_a_call_from_a_new_network_is_told_by_what_was_read_before(tmp_path: Path) -> None:
    from iamtui.model.event import Event
    from iamtui.session.eventlog import EventLog
    from iamtui.session.placing import Placing
    from iamtui.source.decode import decode_events

    def calls(first: int, count: int, begin: datetime, **more: Any) -> list[dict[str, Any]]:
        ana = {"type": "IAMUser", "principalId": "AIDA1", "arn": "arn:aws:iam::1:user/ana", "userName": "ana"}
        days = [f"{begin + timedelta(days=n):%Y-%m-%dT%H:%M:%SZ}" for n in range(count)]
        return [record(first + n, eventTime=day, userIdentity=ana, **more) for n, day in enumerate(days)]

    begin = datetime(2026, 10, 1, tzinfo=UTC)
    held = json.dumps({"Records": calls(0, 20, begin, sourceIPAddress="192.0.2.1")}).encode()
    log = EventLog()
    known: tuple[Event, ...] = decode_events(Document(Kind.EVENTS, held, begin, Origin("live", "x"))).events
    log.add(known)
    places = Placing(log)
    places.follow()
    write_file(tmp_path / "old.json", calls(100, 1, begin))
    watch = Watch(EvidenceSource((str(tmp_path),)), World(), 'about:"new place"', lambda: begin, (), places)
    assert list(watch.look()) == []
    write_file(tmp_path / "new.json", calls(200, 2, begin + timedelta(days=40), sourceIPAddress="198.51.100.7"))
    (told,) = [item for item in watch.look() if isinstance(item, Seen)]
    assert told.event.ip == "198.51.100.7"
    assert "first use from network 198.51.100.0/24 after 40 days in others" in told.weight.why
    assert len(log) == 20  # it is learned from, and not kept
