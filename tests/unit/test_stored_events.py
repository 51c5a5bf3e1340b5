"""Events on disk answer as events in memory do: the same rows, filters, orders, sessions and stories."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from iamtui.analysis.changes.events import CALLS, SOURCE
from iamtui.analysis.classing import classify
from iamtui.analysis.filtering import parse
from iamtui.analysis.story import plain_lines
from iamtui.model.alert import Clue, ClueKind
from iamtui.model.event import Event
from iamtui.model.finding import Severity
from iamtui.model.identity import Role, User
from iamtui.session import ListKind, Row, Session, StoredRows
from iamtui.session.eventlog import when
from iamtui.session.searching import LogSearch, StoredSearch
from iamtui.session.stored import HeadRows, StoredEvents, ViewRows
from iamtui.source.base import EventQuery
from iamtui.source.demo import DemoSource
from iamtui.source.evidence import EvidenceSource
from iamtui.source.evidence import source as evidence
from tests.support.trails import record, write_file, write_trail

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "cloudtrail"
needs_data = pytest.mark.skipif(not SHARED.exists(), reason="the development data is not here")
NOW = datetime(2026, 3, 11, 9, 30, tzinfo=UTC)


def both(session: Session) -> StoredEvents:
    """The events of a session on disk as well."""
    list(session.load_events(EventQuery()))
    list(session.trail.read())
    made = StoredEvents(session.trail.store, session._row_of)
    made.refresh()
    return made


@pytest.fixture(scope="module")
def demo() -> Iterator[tuple[Session, StoredEvents]]:
    session = Session(DemoSource(NOW), now=lambda: NOW)
    session.open()
    made = both(session)
    yield session, made
    made.close()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Session, StoredEvents]]:
    # In the fourth folder one event id was given to two events.
    paths = [str(SHARED / name) for name in ("invictus", "stratus", "shapes")]
    session = Session(EvidenceSource(paths), now=lambda: NOW, trails=tmp_path_factory.mktemp("kept"))
    list(session.refresh())
    made = both(session)
    yield session, made
    made.close()


def ident(event: Event) -> tuple[str, str, str]:
    return event.account, event.region, event.event_id


def hold_alike(session: Session, made: StoredEvents) -> None:
    rows = {ident(row.item): row.item for row in made.list}  # type: ignore[arg-type, misc]
    events = session._book.log.newest_first()
    assert len(made.list) == len(events)
    wrong = []
    for event in events:
        if not event.event_id:
            continue
        held = rows[ident(event)]
        for field in Event.__struct_fields__:
            if field not in ("record", "excerpt", "origin") and getattr(event, field) != getattr(held, field):
                wrong.append((event.event_id, field, getattr(event, field), getattr(held, field)))
        snapshot = session._surroundings().of(event)
        if classify(event, snapshot) != classify(held, snapshot):
            wrong.append((event.event_id, "class", classify(event, snapshot), classify(held, snapshot)))
    assert wrong == []


@needs_data
def test_rows_say_what_the_decoder_says_of_real_events(real: tuple[Session, StoredEvents]) -> None:
    session, made = real
    hold_alike(session, made)


def test_rows_say_what_the_decoder_says_of_the_demo(demo: tuple[Session, StoredEvents]) -> None:
    session, made = demo
    hold_alike(session, made)
    times = [row.item.time for row in made.list]  # type: ignore[union-attr]
    assert times == sorted(times, reverse=True)  # type: ignore[type-var]


SHAPES = st.sampled_from(
    [
        "IAMUser",
        "AssumedRole",
        "Root",
        "FederatedUser",
        "SAMLUser",
        "WebIdentityUser",
        "IdentityCenterUser",
        "AWSService",
        "AWSAccount",
        "X",
        "",
    ]
)
WORDS = st.sampled_from(
    ["", "a", "ana/x", "AROA1:s:t", "AIDA1", "arn:aws:sts::111122223333:assumed-role/r/s", "arn:aws:iam::111122223333:user/p/u"]
)
IDENTITY = st.fixed_dictionaries(
    {"type": SHAPES},
    optional={
        "arn": WORDS,
        "principalId": WORDS,
        "accountId": st.sampled_from(["", "111122223333"]),
        "userName": WORDS,
        "invokedBy": st.sampled_from(["", "ec2.amazonaws.com"]),
        "accessKeyId": WORDS,
        "onBehalfOf": st.fixed_dictionaries({"userId": WORDS}),
        "sessionContext": st.fixed_dictionaries(
            {
                "sessionIssuer": st.fixed_dictionaries(
                    {},
                    optional={"type": st.sampled_from(["IAMUser", "Root", "Role"]), "arn": WORDS, "userName": WORDS, "principalId": WORDS},
                )
            },
            optional={"sourceIdentity": WORDS},
        ),
    },
)
REQUEST = st.dictionaries(
    st.sampled_from(["userName", "policyArn", "bucketName", "key", "policyDocument", "instancesSet", "name", "other"]),
    st.one_of(
        WORDS,
        st.integers(),
        st.none(),
        st.just({"items": [{"instanceId": "i-1"}, {"instanceId": "i-2"}]}),
        st.just('{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'),
    ),
    max_size=4,
)
RECORD = st.fixed_dictionaries(
    {"userIdentity": st.one_of(IDENTITY, IDENTITY, st.none())},
    optional={
        "eventName": st.sampled_from(["PutUserPolicy", "ConsoleLogin", "AttachRolePolicy", "AssumeRole", "RunInstances", ""]),
        "eventSource": st.sampled_from(["iam.amazonaws.com", "signin.amazonaws.com", "ec2.amazonaws.com"]),
        "errorCode": st.sampled_from(["", "AccessDenied", "Throttling"]),
        "errorMessage": st.sampled_from(["", "no"]),
        "requestParameters": st.one_of(REQUEST, st.none(), st.just("text"), REQUEST.map(json.dumps)),
        "responseElements": st.sampled_from(
            [
                None,
                "Failure",
                {"ConsoleLogin": "Failure"},
                {"ConsoleLogin": "Success"},
                {"credentials": {"accessKeyId": "ASIA1"}},
                {"accessKey": {"accessKeyId": "AKIA1"}},
            ]
        ),
        "additionalEventData": st.sampled_from([None, {"MFAUsed": "No"}, {"MFAUsed": "Yes"}]),
        "resources": st.sampled_from([None, [], [{"ARN": "arn:aws:s3:::b"}, {"ARN": "arn:aws:s3:::b"}]]),
        "readOnly": st.sampled_from([True, False, None, "true"]),
        "recipientAccountId": st.sampled_from(["", "444455556666"]),
    },
)


@settings(
    max_examples=12,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(st.lists(RECORD, min_size=20, max_size=40))
def test_rows_say_what_the_decoder_says_of_any_shape(tmp_path_factory: pytest.TempPathFactory, shapes: list[dict[str, object]]) -> None:
    folder = tmp_path_factory.mktemp("shapes")
    write_file(folder / "t.json.gz", [{**record(n), "eventSource": "ec2.amazonaws.com", **shape} for n, shape in enumerate(shapes)])
    session = Session(EvidenceSource([str(folder)]), now=lambda: NOW, trails=folder / "kept")
    list(session.refresh())
    made = both(session)
    try:
        hold_alike(session, made)
    finally:
        made.close()


def test_first_uses_are_the_same(demo: tuple[Session, StoredEvents]) -> None:
    session, made = demo
    reasons = session.places.follow()
    assert reasons
    assert made.places().found() == reasons


@needs_data
def test_first_uses_of_real_events_are_the_same(real: tuple[Session, StoredEvents]) -> None:
    session, made = real
    assert made.places().found() == session.places.follow()


# -- filters and orders ---------------------------------------------------------------------------------------------------

FILTERS = (
    "createuser",
    "!createuser",
    "denied",
    "outcome:denied",
    "class:critical|high",
    "class:none",
    "class:no-information",
    "about:policies",
    "why:administrator",
    "origin:10.0.0.0/8",
    "origin:203.0.113.0/24|198.51.100.0/24",
    "access:read",
    "access:no-information",
    "target:=ana",
    "targets:arn",
    "error:none",
    "service:iam !read",
    "since:2026-02-10T12:10",
    "until:2026-02-10",
    "time:no-information",
    "user-agent:boto|terraform",
    "event-id:a",
    "actor:=root",
    "session:none",
    "actor-kind:role",
    "source-identity:none",
    '!message:"not authorized"',
    "access-key:akia",
    "region:us-east-1 event:get",
    "no information",
    "none",
    "arn:aws:iam::",
    "medium",
    'about:"new place"',
    "why:first-use",
    "class:medium about:place",
    "outcome:denied|success class:high !origin:10.0.0.0/8",
)


def idents(made: StoredEvents, rows: StoredRows) -> list[tuple[str, str, str]]:
    """Which events are in a list, in its order, without making rows of them."""
    assert isinstance(rows, ViewRows)
    sql = (
        f"SELECT account, region, event_id FROM {rows.view.table} AS v JOIN {made.rows.relation()} "
        "ON rows.file_index = v.f AND rows.file_row_number = v.r ORDER BY v.rowid"
    )
    return made.rows.run(sql)  # type: ignore[return-value]


def passing(session: Session, made: StoredEvents, text: str) -> tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]]:
    listing = session.listing(ListKind.EVENTS)
    wanted = parse(text, listing.columns, NOW)
    memory = [ident(listing.rows[i].item) for i in session._index(listing).select(wanted)]  # type: ignore[arg-type]
    rows = made.narrowed(wanted, listing.columns, "", False, session._surroundings())
    disk = idents(made, rows)
    made.drop(rows)
    return sorted(memory), sorted(disk)


@pytest.mark.parametrize("text", FILTERS)
def test_a_filter_lets_the_same_events_through(demo: tuple[Session, StoredEvents], text: str) -> None:
    memory, disk = passing(*demo, text)
    assert memory == disk


@needs_data
@pytest.mark.parametrize("text", FILTERS)
def test_a_filter_lets_the_same_real_events_through(real: tuple[Session, StoredEvents], text: str) -> None:
    memory, disk = passing(*real, text)
    assert memory == disk


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.sampled_from(
                ["", "actor:", "event:", "service:", "target:", "error:", "region:", "session:", "user-agent:", "about:", "actor:="]
            ),
            st.sampled_from(["a", "iam", "arn", "us-", "'", "%", "_", "\\", "boto", "ana", "none", "$x", "?", "admin"]),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_any_filter_lets_the_same_events_through(demo: tuple[Session, StoredEvents], terms: list[tuple[bool, str, str]]) -> None:
    text = " ".join(f"{'!' if negated else ''}{column}{json.dumps(word)}" for negated, column, word in terms)
    memory, disk = passing(*demo, text)
    assert memory == disk


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("column", ["time", "actor", "target", "class", "error", "access", "why"])
def test_an_order_is_the_same(demo: tuple[Session, StoredEvents], column: str, descending: bool) -> None:
    session, made = demo
    listing = session.listing(ListKind.EVENTS)
    index = session._index(listing)
    memory = [index.values(column)[i] for i in index.sorted(range(len(listing.rows)), column, descending)]
    place = {ident(row.item): i for i, row in enumerate(listing.rows)}  # type: ignore[arg-type]
    rows = made.narrowed(parse("", listing.columns, NOW), listing.columns, column, descending, session._surroundings())
    assert memory == [index.values(column)[place[one]] for one in idents(made, rows)]


# -- questions --------------------------------------------------------------------------------------------------------------


def test_questions_have_the_same_answers(demo: tuple[Session, StoredEvents]) -> None:
    """Activity, sessions, people behind them and stories of every user and role that did something."""
    session, made = demo
    memory, disk = LogSearch(session._book.log), StoredSearch(made)
    busy = 0
    for kind in (ListKind.USERS, ListKind.ROLES, ListKind.POLICIES):
        for row in session.listing(kind).rows[:24]:
            item = row.item
            assert isinstance(item, User | Role) or kind is ListKind.POLICIES
            for ask in ("by_actor", "on_target"):
                expected = getattr(memory, ask)(item)
                found = getattr(disk, ask)(item)
                assert sorted(map(ident, expected)) == sorted(map(ident, found)), (item, ask)
                if ask == "by_actor" and expected:
                    busy += 1
                    some = expected[:: max(1, len(expected) // 5)]
                    chains = disk.chains(found)
                    by_id = {ident(event): event for event in found}
                    for event in some:
                        ours, theirs = memory.chains([event]).of(event), chains.of(by_id[ident(event)])
                        assert (ours.words, ours.missing, ours.hint, len(ours.links)) == (
                            theirs.words,
                            theirs.missing,
                            theirs.hint,
                            len(theirs.links),
                        )
            if kind is ListKind.USERS:
                through = memory.through_roles(item.arn)  # type: ignore[union-attr]
                assert sorted(map(ident, through)) == sorted(map(ident, disk.through_roles(item.arn)))  # type: ignore[union-attr]
    assert busy > 15
    assert memory.last_seen() == made.last_seen()


def test_a_story_is_the_same(demo: tuple[Session, StoredEvents]) -> None:
    from iamtui.session.telling import story_of

    session, made = demo
    memory, disk = LogSearch(session._book.log), StoredSearch(made)
    grave = session.select(ListKind.EVENTS, "class:critical").rows[:6]
    assert grave
    for row in grave:
        event = row.item
        assert isinstance(event, Event)
        ours = story_of(session._surroundings(), memory, event)
        theirs = story_of(session._surroundings(), disk, event)
        assert plain_lines(ours) == plain_lines(theirs)
        assert ours.followed == theirs.followed


def test_clues_find_the_same_events(demo: tuple[Session, StoredEvents]) -> None:
    session, made = demo
    disk = StoredSearch(made)
    events = session._book.log.newest_first()
    event = next(e for e in events if e.session_key_id and e.actor.access_key_id)
    request = json.loads(event.record)["requestID"]
    assert {e.event_id for e in disk.of_clue(Clue(ClueKind.REQUEST, request))} == {event.event_id}
    assert disk.of_clue(Clue(ClueKind.REQUEST, request))[0].record == event.record
    assert {e.event_id for e in disk.of_clue(Clue(ClueKind.EVENT, event.event_id.upper()))} == {event.event_id}
    for kind, value, same in (
        (ClueKind.KEY, event.actor.access_key_id, lambda e: e.actor.access_key_id == event.actor.access_key_id),
        (ClueKind.IP, event.ip, lambda e: e.ip == event.ip),
        (ClueKind.ARN, event.actor.arn, lambda e: event.actor.arn in (e.actor.arn, *e.targets)),
    ):
        assert {e.event_id for e in disk.of_clue(Clue(kind, value))} == {e.event_id for e in events if same(e)}
    whole = disk.whole(next(e for e in disk.of_clue(Clue(ClueKind.EVENT, event.event_id))))
    assert (whole.record, whole.excerpt) == (event.record, False)


# -- a session over a large trail ----------------------------------------------------------------------------------------------


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(evidence, "LARGE_BYTES", 20_000)
    write_trail(tmp_path / "trail", 8, 50)
    return tmp_path


def opened(folder: Path) -> Session:
    session = Session(EvidenceSource([str(folder / "trail")]), now=lambda: NOW, trails=folder / "kept")
    list(session.refresh())
    return session


def test_a_large_trail_is_listed_from_disk(large: Path) -> None:
    session = opened(large)
    answers = list(session.load_events())
    assert answers[0].total is not None
    assert 0 < answers[0].total <= 50  # the first file, at once
    listing = session.listing(ListKind.EVENTS)
    assert isinstance(listing.rows, StoredRows)
    assert (len(listing.rows), listing.complete, len(session._book.log)) == (400, True, 0)
    row = listing.rows[399]
    assert session.row(row.key) is not None
    assert isinstance(row.item, Event)
    assert row.item.excerpt
    whole = session.whole(row).item
    assert isinstance(whole, Event)
    assert json.loads(whole.record)["eventID"] == row.item.event_id
    assert json.loads(session.row_json(row)) == json.loads(whole.record)
    assert session.windows()[0].reason == "what 8 files hold"
    assert [match.row.item.name for match in session.find(row.item.actor.access_key_id)] != []  # type: ignore[union-attr]
    narrowed = session.select(ListKind.EVENTS, "event:CreateUser", "actor", True)
    assert len(narrowed) == 100
    assert session.position(narrowed, narrowed.row(7).key) == 7
    assert session.shown_of(narrowed, [narrowed.row(3).key, row.key]) == 1 + (row.item.name == "CreateUser")
    assert session.select(ListKind.EVENTS, "colour:red").error


def test_the_next_start_shows_the_newest_rows_before_it_asks(large: Path) -> None:
    first = opened(large)
    list(first.load_events())
    newest = [row.key for row in first.listing(ListKind.EVENTS).rows[:5]]
    session = opened(large)
    answers = session.load_events()
    next(answers)
    rows = session.listing(ListKind.EVENTS).rows
    assert isinstance(rows, HeadRows)
    assert (len(rows), [row.key for row in rows[:5]]) == (400, newest)
    assert rows.held(399) is None
    list(answers)
    assert not isinstance(session.listing(ListKind.EVENTS).rows, HeadRows)


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"segments": 1}', b"\xff\xfe"])
def test_a_damaged_head_is_not_believed(large: Path, damage: bytes) -> None:
    list(opened(large).load_events())
    (head,) = (large / "kept").rglob("head.json")
    head.write_bytes(damage)
    session = opened(large)
    list(session.load_events())
    assert len(session.listing(ListKind.EVENTS).rows) == 400


def test_new_files_come_in_and_lost_rows_are_made_again(large: Path) -> None:
    list(opened(large).load_events())
    for path in (large / "kept").rglob("rows/*.parquet"):
        path.unlink()
    write_trail(large / "trail", 1, 50, start=900)
    session = opened(large)
    list(session.load_events())
    assert len(session.listing(ListKind.EVENTS).rows) == 450
    assert all(path.stat().st_mode & 0o077 == 0 for path in (large / "kept").rglob("*") if path.is_file())


def test_a_damaged_trail_file_is_told_and_costs_no_other(large: Path) -> None:
    path = sorted((large / "trail").iterdir())[2]
    path.write_bytes(path.read_bytes()[:200])
    session = opened(large)
    list(session.load_events())
    assert len(session.listing(ListKind.EVENTS).rows) == 350
    assert not session.listing(ListKind.EVENTS).complete
    assert any("damaged gzip" in problem.what for problem in session.problems())


@pytest.mark.parametrize("name", ["out.csv", "out.json"])
def test_rows_are_exported_as_they_are_read(large: Path, name: str) -> None:
    session = opened(large)
    list(session.load_events())
    rows = session.select(ListKind.EVENTS, "event:CreateUser").rows
    assert asyncio.run(session.export(large / name, ListKind.EVENTS, rows)) == 100
    text = (large / name).read_text()
    events = json.loads(text) if name.endswith("json") else list(csv.DictReader(text.splitlines()))
    assert len(events) == 100
    assert {event["event"] for event in events} == {"CreateUser"}
    assert (large / name).stat().st_mode & 0o777 == 0o600


def test_the_command_lists_a_large_trail(large: Path) -> None:
    from click.testing import CliRunner

    from iamtui.cli import cli

    arguments = ["events", "event:CreateUser", "--from", str(large / "trail"), "--cache-dir", str(large / "cache"), "--format", "json"]
    found = CliRunner().invoke(cli, arguments)
    assert found.exit_code == 0, found.output
    assert len(json.loads(found.stdout)) == 100


def test_actors_of_a_large_trail_have_their_activity(large: Path) -> None:
    session = opened(large)
    list(session.load_events())
    arn = "arn:aws:iam::111122223333:role/role-3"
    role = Role(arn, "role-3", "", "/", "111122223333", None)
    snapshot = session.listing(ListKind.EVENTS).rows[0].snapshot
    activity = session.activity(Row(f"{arn}#", role, snapshot))
    assert len(activity.events) == 57
    assert [when(event) for event in activity.events] == sorted((when(event) for event in activity.events), reverse=True)
    assert session.story(Row(f"{arn}#", role, snapshot)).events == 57


def test_the_summary_counts_alike(demo: tuple[Session, StoredEvents]) -> None:
    session, made = demo
    since, week = NOW - timedelta(days=30), NOW - timedelta(days=7)
    around = session._surroundings()
    critical, high, days = session._weighed(around, week, since, lambda: False)
    assert sum(days.values()) > 1000
    assert made.by_day(since, around) == dict(days)
    for severity, events in ((Severity.CRITICAL, critical), (Severity.HIGH, high)):
        assert [ident(event) for event in made.of_class(severity, week, around, 2000)] == [ident(event) for event in events]
    assert high
    assert len(made.of_class(Severity.HIGH, week, around, 1)) == 1


def test_too_many_changes_on_disk_are_left_to_who_asks(demo: tuple[Session, StoredEvents], monkeypatch: pytest.MonkeyPatch) -> None:
    session, made = demo
    events = [event for event in session._book.log.newest_first() if event.source == SOURCE and event.name in CALLS]
    assert made.count_of(SOURCE, tuple(CALLS)) == len(events) > 10
    monkeypatch.setattr(session, "_stored", made)
    ((told,), _) = session._grants_part(lambda: False)
    assert {item.name for item in told.items} >= {"t.dubois"}
    monkeypatch.setattr("iamtui.session.overviewing.MOST_CHANGES", 5)
    ((told,), _) = session._grants_part(lambda: False)
    assert not told.items
    assert told.missing[0].todo == ":changes admin works them out"
