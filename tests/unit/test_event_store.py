"""The event store: what goes in comes out once, whatever happens in between."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iamtui.errors import IamtuiError
from iamtui.model.document import Document
from iamtui.session import Session
from iamtui.source.base import EventQuery
from iamtui.source.decode import decode_events
from iamtui.source.decode.lines import cleaned, event_lines
from iamtui.source.evidence import EvidenceSource
from iamtui.store.events import Batch, EventStore, Input, segments
from iamtui.store.events.engine import EventEngine, SqlError
from iamtui.store.events.segments import tag_of
from tests.support.trails import record, write_file, write_trail

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "cloudtrail"
needs_data = pytest.mark.skipif(not SHARED.exists(), reason="the development data is not here")


def batches(*bodies: bytes, names: str = "f", signature: tuple[int, ...] = (1,)) -> list[Batch]:
    made = []
    for number, body in enumerate(bodies):
        lines = event_lines(body, tag_of(number))
        made.append(Batch(Input(f"{names}{number}", signature, lines.count, lines.skipped, lines.broken), lines.data, number))
    return made


def trail(*records: object) -> bytes:
    return json.dumps({"Records": list(records)}).encode()


def store(folder: Path) -> EventStore:
    return EventStore(folder, cleaned)


def filled(folder: Path, *bodies: bytes) -> EventStore:
    made = store(folder)
    list(made.ingest(batches(*bodies)))
    return made


def column(made: EventStore, what: str, rest: str = "ORDER BY 1") -> list[object]:
    engine = EventEngine(made.state().segments)
    try:
        return [row[0] for _, rows in engine.ask(f"SELECT {what} FROM events {rest}") for row in rows]
    finally:
        engine.close()


# -- in and out -------------------------------------------------------------------------------------------------------


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    made = filled(tmp_path, trail(record(1), record(2)), trail(record(3)))
    assert column(made, "_id") == ["e-1", "e-2", "e-3"]
    state = made.state()
    assert (state.events, state.repeated, len(state.inputs), len(state.segments)) == (3, 0, 2, 1)
    assert column(made, "_record", "WHERE _id = 'e-2'") == [json.dumps(record(2))]
    assert column(made, "_origin", "WHERE _id = 'e-3'") == ["f1"]


def test_repeated_events_once(tmp_path: Path) -> None:
    made = filled(tmp_path, trail(record(1), record(1), record(2)), trail(record(2)))
    assert column(made, "_id") == ["e-1", "e-2"]
    list(made.ingest(batches(trail(record(2), record(3)), names="later")))
    assert column(made, "_id") == ["e-1", "e-2", "e-3"]
    assert made.state().repeated == 3


def test_equal_records_without_an_id_are_two_events_and_a_second_reading_adds_none(tmp_path: Path) -> None:
    nameless = {k: v for k, v in record(1).items() if k != "eventID"}
    made = filled(tmp_path, trail(nameless, nameless, record(2, eventID="")))
    assert len(column(made, "_id")) == 3
    list(made.ingest(batches(trail(nameless, nameless, record(2, eventID="")))))
    assert len(column(made, "_id")) == 3


def test_a_second_run_reads_only_what_is_new(tmp_path: Path) -> None:
    write_trail(tmp_path / "trail", 3, 10)
    source = EvidenceSource([str(tmp_path / "trail")])
    for run, more in ((0, 0), (1, 1)):
        if more:
            write_trail(tmp_path / "trail", more, 10, start=30)
        session = Session(source, trails=tmp_path / "kept")
        (count,) = [row[0] for page in session.trail.ask("SELECT count(*) FROM cloudtrail_logs") for row in page.rows]
        assert count == 30 + 10 * more
        assert len(session.trail.state().refused) == 0
        entries = list((tmp_path / "kept").rglob("*.json"))
        assert len(entries) == run + 1


def test_known_files_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = write_trail(tmp_path / "trail", 2, 5)
    source = EvidenceSource([str(tmp_path / "trail")])
    list(Session(source, trails=tmp_path / "kept").trail.read())
    opened: list[str] = []
    from iamtui.source.evidence import source as module

    real = module.read
    monkeypatch.setattr(module, "read", lambda path: (opened.append(path), real(path))[1])
    new = write_trail(tmp_path / "trail", 1, 5, start=90)
    list(Session(source, trails=tmp_path / "kept").trail.read())
    assert opened == [str(new[0])]
    assert paths[0].exists()


@pytest.mark.parametrize("change", ["written again", "gone"])
def test_a_file_that_is_written_again_or_gone_takes_its_events_along(tmp_path: Path, change: str) -> None:
    paths = write_trail(tmp_path / "trail", 2, 5)
    session = Session(EvidenceSource([str(tmp_path / "trail")]), trails=tmp_path / "kept")
    list(session.trail.read())
    if change == "gone":
        paths[0].unlink()
        expected = 5
    else:
        write_file(paths[0], [record(100)])
        expected = 6
    session = Session(EvidenceSource([str(tmp_path / "trail")]), trails=tmp_path / "kept")
    list(session.trail.read())
    assert session.trail.state().events == expected


def test_every_container_is_read(tmp_path: Path) -> None:
    one = record(1)
    envelope = {"version": "0", "detail-type": "AWS API Call via CloudTrail", "source": "aws.iam", "detail": record(2)}
    lookup = {"Events": [{"EventId": "e-3", "CloudTrailEvent": json.dumps(record(3))}]}
    lines = "\n".join(json.dumps(record(n)) for n in (4, 5))
    bodies = (json.dumps(one), json.dumps([envelope]), json.dumps(lookup), lines, json.dumps({"Records": [record(6)]}, indent=2))
    made = filled(tmp_path, *(body.encode() for body in bodies), b'{"Records":[]}')
    assert column(made, "_id") == [f"e-{n}" for n in range(1, 7)]


def test_insights_and_strangers_are_counted_not_kept(tmp_path: Path) -> None:
    insight = {"eventVersion": "1.07", "eventType": "AwsCloudTrailInsight", "insightDetails": {"state": "Start"}, "eventID": "i-1"}
    made = filled(tmp_path, trail(record(1), insight, {"eventVersion": "1.08", "eventID": "x"}, {"hello": 1}))
    assert column(made, "_id") == ["e-1"]
    assert made.state().no_events == 2
    assert made.state().inputs["f0"].skipped == ("an entry has neither eventName nor eventSource",)


def test_events_without_eventtime_keep_another_time_and_say_which(tmp_path: Path) -> None:
    def timed(**more: object) -> dict[str, object]:
        return {**{k: v for k, v in record(1).items() if k != "eventTime"}, "eventID": str(more), **more}

    made = filled(
        tmp_path,
        trail(timed(createTime="2026-03-01 10:00:00"), timed(timestamp=1_772_359_200), timed(requestTime="soon"), timed(eventTime=None)),
    )
    found = column(made, "coalesce(_time_from, '-') || ' ' || coalesce(CAST(_time AS VARCHAR), 'none')")
    assert found == ["- none", "- none", "createTime 2026-03-01 10:00:00", "timestamp 2026-03-01 10:00:00"]
    assert made.state().undated == 2


def test_secrets_are_never_written(tmp_path: Path) -> None:
    secret = "IQoJb3JpZ2luX2VjEXAMPLE+SECRET/VALUE"
    handed_out = {"credentials": {"accessKeyId": "ASIA1", "sessionToken": secret, "secretAccessKey": secret}}
    leaky = record(
        1, eventName="AssumeRole", responseElements=handed_out, requestParameters={"password": secret, "masterUserPassword": secret}
    )
    made = filled(tmp_path, trail(*(record(n) for n in range(2, 30)), leaky, record(31)))
    assert column(made, "_handed_out", "WHERE _id = 'e-1'") == ["ASIA1"]
    assert len(column(made, "_id")) == 30
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or secret.encode() not in path.read_bytes()
    assert column(made, "_id", f"WHERE contains(_record, '{secret}')") == []


def test_files_are_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = filled(tmp_path / "kept", trail(record(1)))
    finally:
        os.umask(before)
    assert made.folder.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in made.folder.iterdir())


BROKEN_TEXT = (
    b'{"Records":[{"eventVersion":"1.08","eventName":"A","eventID":"a","userAgent":"\xff\xfe"},{"eventVersion":"1.08","eventName":"B","eventID":"b"}]}',
    b'{"Records":[{"eventVersion":"1.08","eventName":"A","eventID":"a","userAgent":"\\ud800x"},{"eventVersion":"1.08","eventName":"B","eventID":"b"}]}',
    b'{"Records":[{"eventVersion":"1.08","eventName":"A","eventID":"a","n":1e999},{"eventVersion":"1.08","eventName":"B","eventID":"b"}]}',
    b'{"Records":[{"eventVersion":"1.08","eventName":"A","eventID":"a","u":"\x01x"},{"eventVersion":"1.08","eventName":"B","eventID":"b"}]}',
    b'{"Records":[{"eventVersion":"1.08","eventName":"A","eventID":"a","userIdentity":"text","resources":{"a":1},"eventTime":7},'
    b'{"eventVersion":"1.08","eventName":"B","eventID":"b"}]}',
    b'{"Records":[{"eventVersion":"1.08","eventName":"A","eventID":"a","requestParameters":'
    + b"[" * 900
    + b"]" * 900
    + b'},{"eventVersion":"1.08","eventName":"B","eventID":"b"}]}',
)


@pytest.mark.parametrize("body", BROKEN_TEXT, ids=["utf8", "surrogate", "number", "control", "types", "deep"])
def test_one_odd_record_costs_no_other(tmp_path: Path, body: bytes) -> None:
    made = filled(tmp_path, body, trail(record(1)))
    names = column(made, "eventname")
    assert "B" in names
    assert len(names) == 3


@given(
    st.lists(
        st.dictionaries(st.text(max_size=8), st.recursive(st.none() | st.text() | st.integers() | st.booleans(), st.lists, max_leaves=5))
    )
)
@settings(max_examples=40, deadline=None)
def test_any_json_is_read_as_the_decoder_reads_it(entries: list[dict[str, object]]) -> None:
    from iamtui.model.document import Document, Kind, Origin

    records = [{"eventName": "X", "eventID": str(n), **entry} for n, entry in enumerate(entries)]
    body = json.dumps({"Records": records}).encode()
    lines = event_lines(body)
    from datetime import datetime

    batch = decode_events(Document(Kind.EVENTS, body, datetime.now(UTC), Origin("evidence", "x")))
    assert lines.count == len(batch.events) + sum("cannot be read" in reason for reason in batch.skipped)
    assert [msgspec.json.decode(line) for line in lines.data.splitlines() if line] == [
        msgspec.json.decode(event.record) for event in batch.events
    ]


@needs_data
def test_columns_say_what_the_decoder_says(tmp_path: Path) -> None:
    """Time, actor and outcome, worked out in SQL over whole segments, are those of `decode_events`."""
    session = Session(EvidenceSource([str(SHARED)]), trails=tmp_path)
    list(session.refresh())
    list(session.load_events(EventQuery()))
    list(session.trail.read())
    made = store(next(path for path in tmp_path.iterdir()))
    engine = EventEngine(made.state().segments)
    told = {}
    asked = "SELECT _id, coalesce(awsregion, ''), _time, _time_from, _actor_arn, _outcome, _record FROM events"
    for _, rows in engine.ask(asked):
        told.update({(row[0], row[1]): row[2:] for row in rows})
    events = session._book.log.newest_first()
    assert made.state().events == len(events) > 3_000
    delivered: dict[tuple[str, str], set[str]] = {}
    for document in session._source.events(EventQuery()):  # type: ignore[union-attr]
        for event in decode_events(document).events if isinstance(document, Document) else ():
            delivered.setdefault((event.event_id, event.region), set()).add(event.record)
    wrong = []
    for event in events:
        if event.event_id and len(delivered[event.event_id, event.region]) == 1:  # one id was given to two events there
            when, field, arn, outcome, text = told[event.event_id, event.region]
            stamp = when.replace(tzinfo=UTC) if when else None
            ours = (event.time, event.time_from, event.actor.arn, event.outcome.value, event.record)
            if ours != (stamp, field or "", arn or "", outcome, text):
                wrong.append((event.event_id, ours, (stamp, field, arn, outcome)))
    assert wrong == []


# -- accidents --------------------------------------------------------------------------------------------------------


def test_a_full_disk_is_a_sentence_and_costs_nothing_that_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = filled(tmp_path, trail(record(1)))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(segments, "_fill", full)
    with pytest.raises(IamtuiError, match="The disk is full"):
        list(made.ingest(batches(trail(record(2)), names="g")))
    monkeypatch.undo()
    assert column(made, "_id") == ["e-1"]
    list(made.ingest(batches(trail(record(2)), names="g")))
    assert column(made, "_id") == ["e-1", "e-2"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs resource limits")
def test_a_disk_that_fills_up_under_duckdb_is_a_sentence(tmp_path: Path) -> None:
    """The file size limit of the process stands for the full disk: DuckDB meets it while it writes."""
    write_trail(tmp_path / "trail", 1, 20_000)
    code = (
        "import resource, signal, sys\nfrom pathlib import Path\nfrom iamtui.session import Session\n"
        "from iamtui.source.evidence import EvidenceSource\nfrom iamtui.errors import IamtuiError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))\n"
        "session = Session(EvidenceSource([sys.argv[1]]), trails=Path(sys.argv[2]))\n"
        "try:\n    list(session.trail.read())\nexcept IamtuiError as error:\n    print(error.message)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "trail"), str(tmp_path / "kept")],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "could not be written" in run.stdout
    assert run.stderr == ""


def test_what_a_dead_process_left_is_swept_and_never_read(tmp_path: Path) -> None:
    made = filled(tmp_path, trail(record(1)))
    (kept,) = made.state().segments
    orphan = made.folder / "000009-dead.parquet"
    orphan.write_bytes(kept.read_bytes())
    (made.folder / "work-dead").mkdir()
    (made.folder / "work-dead" / "x.lines").write_text("half")
    assert made.state().events == 1
    list(made.ingest(batches(trail(record(2)), names="g")))
    assert sorted(path.name for path in made.folder.iterdir() if path.suffix not in (".json", ".parquet")) == ["lock"]
    assert not orphan.exists()
    assert column(made, "_id") == ["e-1", "e-2"]


def test_a_damaged_entry_means_its_input_is_read_again(tmp_path: Path) -> None:
    write_trail(tmp_path / "trail", 2, 5)
    session = Session(EvidenceSource([str(tmp_path / "trail")]), trails=tmp_path / "kept")
    list(session.trail.read())
    (entry,) = (tmp_path / "kept").rglob("*.json")
    entry.write_bytes(entry.read_bytes()[:20])
    session = Session(EvidenceSource([str(tmp_path / "trail")]), trails=tmp_path / "kept")
    list(session.trail.read())
    assert session.trail.state().events == 10


_RUN = (
    "import sys\nfrom pathlib import Path\nfrom iamtui.store.events import segments\nsegments.BATCH_BYTES = segments.FIRST_BYTES = 40_000\n"
    "from iamtui.session import Session\nfrom iamtui.source.evidence import EvidenceSource\n"
    "session = Session(EvidenceSource([sys.argv[1]]), trails=Path(sys.argv[2]))\nprint('go', flush=True)\nlist(session.trail.read())\n"
    "print(session.trail.state().events, flush=True)\n"
)


def _start(trail_folder: Path, kept: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN, str(trail_folder), str(kept)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "go\n"
    return process


def _killed(tmp_path: Path, times: int, seed: int) -> None:
    """Kill an ingest again and again; what was acknowledged stays, and the end is the whole trail, each event once."""
    write_trail(tmp_path / "trail", 40, 40)
    chance = random.Random(seed)
    acknowledged = 0
    for _ in range(times):
        process = _start(tmp_path / "trail", tmp_path / "kept")
        time.sleep(chance.random() * 0.8)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()
        folders = list((tmp_path / "kept").glob("*")) if (tmp_path / "kept").exists() else []
        now = store(folders[0]).state().events if folders else 0
        assert now >= acknowledged
        acknowledged = now
        if acknowledged == 1600:
            store(folders[0]).clear()
            acknowledged = 0
    process = _start(tmp_path / "trail", tmp_path / "kept")
    out, err = process.communicate(timeout=120)
    assert (out, err) == ("1600\n", "")
    (folder,) = (tmp_path / "kept").iterdir()
    ids = column(store(folder), "_id")
    assert len(ids) == len(set(ids)) == 1600


def test_a_kill_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    _killed(tmp_path, 4, seed=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(5))
def test_sixty_kills_lose_nothing(tmp_path: Path, seed: int) -> None:
    _killed(tmp_path, 12, seed=100 + seed)


def test_two_instances_at_once(tmp_path: Path) -> None:
    write_trail(tmp_path / "trail", 30, 40)
    both = [_start(tmp_path / "trail", tmp_path / "kept") for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=120)
        assert (out, err) == ("1200\n", "")
    (folder,) = (tmp_path / "kept").iterdir()
    ids = column(store(folder), "_id")
    assert len(ids) == len(set(ids)) == 1200


def test_cancelling_keeps_what_was_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "FIRST_BYTES", 2_000)
    monkeypatch.setattr(segments, "BATCH_BYTES", 2_000)
    made = store(tmp_path)
    bodies = [trail(*(record(n) for n in range(first, first + 5))) for first in range(0, 50, 5)]
    seen = 0

    def cancelled() -> bool:
        nonlocal seen
        seen += 1
        return seen > 5

    list(made.ingest(batches(*bodies), cancelled))
    assert 0 < made.state().events < 50
    list(made.ingest(batches(*bodies)))
    assert made.state().events == 50


# -- the engine reaches nothing else --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM '{file}'",
        "SELECT * FROM glob('{folder}/*')",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "COPY events TO '{segment}'",
        "ATTACH '{folder}/x.db'",
        "EXPORT DATABASE '{folder}/x'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET allowed_paths = ['{file}']",
        "RESET lock_configuration",
        "SELECT * FROM read_parquet('{folder}/other.parquet')",
        "CREATE SECRET s (TYPE s3)",
    ],
)
def test_the_engine_reads_and_writes_nothing_but_the_segments(tmp_path: Path, sql: str) -> None:
    made = filled(tmp_path / "kept", trail(record(1)))
    (segment,) = made.state().segments
    (tmp_path / "file.txt").write_text("secret")
    (tmp_path / "other.parquet").write_bytes(segment.read_bytes())
    before = segment.read_bytes()
    engine = EventEngine((segment,))
    with pytest.raises(SqlError):
        list(engine.ask(sql.format(file=tmp_path / "file.txt", folder=tmp_path, segment=segment)))
    assert segment.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file.txt", "kept", "other.parquet"]
    assert [row for _, rows in engine.ask("SELECT count(*) FROM events") for row in rows] == [(1,)]


def test_an_empty_store_has_its_columns(tmp_path: Path) -> None:
    engine = EventEngine(store(tmp_path).state().segments)
    (page,) = engine.ask("SELECT useridentity.arn, eventtime FROM cloudtrail_logs")
    assert page[1] == []


def test_a_question_can_be_stopped(tmp_path: Path) -> None:
    import threading

    engine = EventEngine(filled(tmp_path, trail(*(record(n) for n in range(300)))).state().segments)
    threading.Timer(0.3, engine.interrupt).start()
    with pytest.raises(SqlError, match="stopped"):
        list(engine.ask("SELECT count(*) FROM events a, events b, events c, events d WHERE a._id < b._id || c._id || d._id"))


@given(st.lists(st.integers(0, 6), min_size=1, max_size=6), st.sampled_from([b"", b"7\x01"]), st.booleans())
def test_a_file_read_at_once_is_the_file_read_record_by_record(kinds: list[int], tag: bytes, spaced: bool) -> None:
    """`_delivered` is a short cut: with a space before the body, which is no difference, the long way is taken."""
    made: list[Any] = [
        record(1),
        record(2, responseElements={"credentials": {"sessionToken": "S3CRET"}}),
        {"eventName": "Odd", "eventVersion": "1.08"},
        {"eventVersion": "1.11", "insightDetails": {}},
        {"detail-type": "x", "detail": record(3)},
        5,
        record(4, requestParameters={"text": "a\nb\u2028\r"}),
    ]
    body = json.dumps({"Records": [made[kind] for kind in kinds]}, separators=None if spaced else (",", ":")).encode()
    quick, slow = event_lines(body, tag), event_lines(b" " + body, tag)
    assert quick == slow
    assert b"S3CRET" not in quick.data
