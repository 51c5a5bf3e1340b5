"""First uses of networks and Regions: against a literal second reading, and what is left out to keep the noise low."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from iamtui.analysis import places
from iamtui.analysis.classing import classify
from iamtui.analysis.places import Places, Sighting, first_uses, network_of, sighting_of
from iamtui.cli import cli
from iamtui.model.account import Snapshot
from iamtui.model.event import Actor, ActorKind, Event, Outcome
from iamtui.model.finding import Severity
from iamtui.session import ListKind, Session
from iamtui.source.demo import DemoSource
from tests.support.demo import NOW

T = datetime(2026, 9, 1, tzinfo=UTC)
DAY = 86_400.0
ANA = Actor(ActorKind.USER, "ana", "arn:aws:iam::1:user/ana", "1", "AIDA1")
OPS = Actor(ActorKind.ROLE, "ops", "arn:aws:iam::1:role/ops", "1", "AROA1", "ben")


def call(days: float, actor: Actor = ANA, name: str = "DescribeInstances", **more: Any) -> Event:
    made = Event(
        f"{name}-{days}-{actor.name}-{actor.session_name}",
        T + timedelta(days=days),
        name,
        "ec2.amazonaws.com",
        "eu-west-1",
        "1",
        actor,
        Outcome.SUCCESS,
        True,
        "{}",
        ip="192.0.2.1",
    )
    return msgspec.structs.replace(made, **more)


def habit(actor: Actor = ANA, days: int = 20, **more: Any) -> list[Event]:
    return [call(day, actor, **more) for day in range(days)]


def told(*events: Event) -> list[tuple[str, ...]]:
    found = Places()
    found.learn(events)
    return list(found.found().values())


NETWORK = ("first use from network 198.51.100.0/24 after 43 days in others",)


def test_a_new_network_and_a_new_region_of_somebody_with_habits() -> None:
    stolen = call(43, ip="198.51.100.77")
    assert told(*habit(), stolen) == [NETWORK]
    assert told(*habit(), stolen, call(43.1, ip="198.51.100.9")) == [NETWORK]  # the first one, once
    assert told(*habit(), call(20, region="ap-southeast-1")) == [("first use of Region ap-southeast-1 after 20 days in others",)]
    both = told(*habit(), call(43, ip="198.51.100.77", region="ap-southeast-1"))
    assert both == [(*NETWORK, "first use of Region ap-southeast-1 after 43 days in others")]


@pytest.mark.parametrize(
    "events",
    [
        [*habit(days=11), call(43, ip="198.51.100.77")],  # eleven calls are no habit
        [*[call(n / 100) for n in range(40)], call(1, ip="198.51.100.77")],  # nor is one day
        [*habit(), call(43, ip="cloudformation.amazonaws.com", region="ap-southeast-1")],  # a service on somebody's behalf
        [*habit(), call(43, ip="192.0.2.200")],  # the same network
        [*habit(), call(43, ip="")],
        [*habit(), call(43, ip="198.51.100.77", time=None)],
        [*habit(), call(43, ip="198.51.100.77", event_id="")],
        [*habit(), call(43, name="ListUsers", source="iam.amazonaws.com", region="us-east-1")],  # IAM has one place for all
        [*habit(), call(43, name="ConsoleLogin", source="signin.amazonaws.com", region="eu-north-1")],
        [*habit(Actor(ActorKind.SERVICE, "ec2.amazonaws.com")), call(43, Actor(ActorKind.SERVICE, "ec2.amazonaws.com"), ip="198.51.100.7")],
        [
            *habit(Actor(ActorKind.ROLE, "AWSServiceRoleForConfig", "arn:aws:iam::1:role/x")),
            call(43, Actor(ActorKind.ROLE, "AWSServiceRoleForConfig", "arn:aws:iam::1:role/x"), ip="198.51.100.7"),
        ],
        [
            *habit(OPS),
            call(0, Actor(ActorKind.SERVICE, "lambda.amazonaws.com"), "AssumeRole", targets=(OPS.arn,)),
            call(43, OPS, ip="198.51.100.7"),
        ],
        [*habit(OPS), call(43, msgspec.structs.replace(OPS, session_name="i-0abcdef1234567890"), ip="198.51.100.7")],
    ],
)
def test_what_is_no_news(events: list[Event]) -> None:
    assert told(*events) == []


def test_what_a_pipeline_takes_on_has_any_address_and_still_its_regions() -> None:
    runner = Actor(ActorKind.WEB_IDENTITY, "repo:acme/shop:ref:refs/heads/main")
    taken = call(0, runner, "AssumeRoleWithWebIdentity", targets=(OPS.arn,))
    assert told(*habit(OPS), taken, call(43, OPS, ip="198.51.100.7")) == []
    assert told(*habit(OPS), taken, call(43, OPS, ip="198.51.100.7", region="us-west-2")) == [
        ("first use of Region us-west-2 after 43 days in others",)
    ]
    person = Actor(ActorKind.WEB_IDENTITY, "ana@example.com")
    assert told(*habit(OPS), call(0, person, "AssumeRoleWithWebIdentity", targets=(OPS.arn,)), call(43, OPS, ip="198.51.100.7")) == [
        NETWORK
    ]


def test_who_moves_about_all_the_time_is_not_told_each_time() -> None:
    moving = [call(20 + n, ip=f"198.51.{n}.1") for n in range(10)]
    assert len(told(*habit(), *moving)) == places.MOST_NEW  # the first network is among those of the thirty days before
    assert len(told(*habit(), *moving, call(80, ip="203.0.113.9"))) == places.MOST_NEW + 1  # after a quiet time it is news again


def test_people_of_identity_center_have_habits_of_their_own() -> None:
    ben = Actor(ActorKind.ROLE, "AWSReservedSSO_Admin_1", "arn:aws:iam::1:role/sso", "1", "AROA2", "ben@example.com")
    eve = msgspec.structs.replace(ben, session_name="eve@example.com")
    assert told(*habit(ben), *habit(eve, ip="198.51.100.7"), call(43, ben, ip="198.51.100.7")) == [NETWORK]


def test_a_refused_call_is_a_use_and_a_failed_sign_in_is_none() -> None:
    assert told(*habit(), call(43, ip="198.51.100.77", outcome=Outcome.DENIED)) == [NETWORK]
    tried = call(40, name="ConsoleLogin", source="signin.amazonaws.com", ip="198.51.100.77", outcome=Outcome.FAILED)
    inside = call(43, name="ConsoleLogin", source="signin.amazonaws.com", ip="198.51.100.77")
    found = Places()
    found.learn([*habit(), tried, inside])
    assert dict(found.found()) == {inside.event_id: NETWORK}  # the try before does not make the network known


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("10.1.2.3", places.PRIVATE),
        ("172.31.0.9", places.PRIVATE),
        ("100.64.1.1", places.PRIVATE),
        ("fd00::1", places.PRIVATE),
        ("AWS Internal", ""),
        ("lambda.amazonaws.com", ""),
        ("203.0.113.77\x1b]52;c;x\x07", ""),
        ("999.1.1.1", ""),
        ("", ""),
    ],
)
def test_networks(ip: str, network: str) -> None:
    assert network_of(ip) == network


SIGHTINGS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("12345678"), st.sampled_from(["", "r", "s", "t"]), st.integers(0, 80)),
    max_size=60,
)


def literal(calls: list[Sighting]) -> dict[str, tuple[str, ...]]:
    """The rules as they stand in words, one event at a time, in order of time."""
    found: dict[str, tuple[str, ...]] = {}
    for event in calls:
        mine = [one for one in calls if one.actor == event.actor]
        before = [one for one in mine if one.time < event.time]
        begin = min(one.time for one in mine)
        if len(before) < places.CALLS_BEFORE or event.time - begin <= places.DAYS_BEFORE * DAY:
            continue
        for pick, words in ((lambda one: network_of(one.ip), "from network"), (lambda one: one.region, "of Region")):
            name = pick(event)
            same = [one for one in mine if pick(one) == name]
            if not name or (event.time, event.key) != min((one.time, one.key) for one in same):
                continue
            others: dict[str, tuple[float, str]] = {}
            for one in mine:
                if pick(one) and pick(one) != name:
                    others[pick(one)] = min(others.get(pick(one), (one.time, one.key)), (one.time, one.key))
            earlier = [at for at, key in others.values() if (at, key) < (event.time, event.key)]
            recent = sum(1 for at in earlier if at > event.time - places.IN_DAYS * DAY)
            if recent > places.MOST_NEW or (not earlier and words == "from network"):
                continue
            days = int((event.time - begin) // DAY)
            why = f"first use {words} {name} after {days} {'day' if days == 1 else 'days'} in {'others' if earlier else 'none'}"
            found[event.key] = (*found.get(event.key, ()), why)
    return found


@given(SIGHTINGS, st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_what_a_literal_reading_gives(drawn: list[Any], chance: Any) -> None:
    calls = [Sighting(actor, f"192.0.{net}.1", region, day * DAY / 2, f"e{n:02}") for n, (actor, net, region, day) in enumerate(drawn)]
    wanted = literal(calls)
    assert first_uses(calls) == wanted
    chance.shuffle(calls)
    index = Places()
    for begin in range(0, len(calls), 7):
        index.add(calls[begin : begin + 7])
        index.found()
    assert dict(index.found()) == wanted


def test_nothing_changed_is_the_same_object() -> None:
    index = Places()
    index.learn([*habit(), call(43, ip="198.51.100.77")])
    held = index.found()
    index.learn([call(44, ip="198.51.100.78")])
    assert index.found() is held
    index.learn([call(1.5, ip="198.51.100.78")])  # an older event comes in late: it was no first use
    assert dict(index.found()) == {}


def test_an_event_without_an_actor_is_no_sighting() -> None:
    assert sighting_of(call(1, Actor(ActorKind.UNKNOWN, "x", "arn:x"))) is None


# -- the class ---------------------------------------------------------------------------------------------------------


def classed(event: Event) -> Any:
    return classify(event, Snapshot("1", new_places={event.event_id: NETWORK}))


def test_the_class_is_medium_at_least_and_keeps_its_other_reasons() -> None:
    read = classed(call(43))
    assert (read.severity, read.about, read.why) == (Severity.MEDIUM, "new place", NETWORK)
    denied = classed(call(43, name="CreateTags", read_only=False, outcome=Outcome.DENIED))
    assert denied.severity is Severity.MEDIUM
    assert "the call was denied" in denied.why
    key = classed(call(43, name="CreateAccessKey", source="iam.amazonaws.com", read_only=False))
    assert key.severity is Severity.HIGH
    assert key.about == "users and keys, new place"
    assert key.why[-1:] == NETWORK
    assert classify(call(43), Snapshot("1")).severity is None


@pytest.fixture(scope="module")
def demo() -> Session:
    session = Session(DemoSource(now=NOW), now=lambda: NOW)
    session.open()
    for _ in session.load_events():
        pass
    return session


def test_the_stolen_key_of_the_demo_is_an_event_of_interest(demo: Session) -> None:
    found = demo.select(ListKind.EVENTS, 'about:"new place" actor:ci-runner')
    events = [found.row(n).item for n in range(len(found))]
    assert [event.name for event in events] == ["DescribeInstances", "DescribeInstances", "ListBuckets", "GetCallerIdentity"]
    everybody = demo.select(ListKind.EVENTS, 'about:"new place"')
    assert len(everybody) < 10  # of twenty thousand
    columns = {column.id: column for column in everybody.listing.columns}
    row = found.row(3)
    assert columns["class"].fact(row.item, row.snapshot).value == "medium"
    assert columns["why"].fact(row.item, row.snapshot).value[0].startswith("first use from network 203.0.113.0/24 after 83 days")
    story = demo.story(demo.find("ci-runner")[0].row)
    reasons = {m.event.event_id: m.why for m in story.moments if m.event is not None}
    for event in events:
        place = demo.places.reasons[event.event_id]
        assert set(place) <= set(reasons[event.event_id])  # the story says the same, word for word
    first = events[-1]
    usual = demo.triage(demo.alert(first.event_id)).usual
    assert f"NEW: {demo.places.reasons[first.event_id][0]}" in usual
    later = demo.select(ListKind.EVENTS, "actor:ci-runner origin:203.0.113.0/24").row(0).item
    told = demo.triage(demo.alert(later.event_id)).usual
    assert any(line.startswith(("NEW: first use from network 203.0.113.0/24", "NEW: first use of Region")) for line in told)


def test_an_alert_that_is_pasted_is_judged_by_what_was_read(demo: Session) -> None:
    before = next(e for e in demo._book.log.newest_first() if e.actor.name == "ci-runner" and not e.ip.startswith("203."))
    record = json.loads(before.record)
    when = f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    record.update(eventID="11111111-2222-3333-4444-555555555555", sourceIPAddress="198.51.100.200", eventTime=when)
    text = json.dumps(record)
    for _ in range(2):
        found = demo.triage(demo.alert(text))
        assert any("first use from network 198.51.100.0/24" in line for line in found.usual)
        assert found.weight is not None
        assert "new place" in found.weight.about
    assert record["eventID"] not in demo.places.reasons  # it was not learned from


def test_what_turns_out_new_leaves_other_rows_as_they_are(demo: Session) -> None:
    rows = demo.listing(ListKind.EVENTS).rows
    assert len({id(row.snapshot) for row in rows}) <= 4  # the account's own, strangers, and those of first uses
    assert len([row for row in rows if row.snapshot.new_places]) == len(demo.places.reasons)


def test_events_json_has_it() -> None:
    run = CliRunner().invoke(cli, ["events", "--demo", 'about:"new place"', "--since", "30d", "--format", "json"])
    rows = msgspec.json.decode(run.stdout)
    assert rows
    assert all("new place" in row["about"] and row["class"] in ("medium", "high", "critical") for row in rows)
    assert any(why.startswith("first use from network 203.0.113.0/24") for row in rows for why in row["why"])


def test_it_is_never_kept_on_disk(tmp_path: Path) -> None:
    from iamtui.store.cache import Cache

    cache = Cache(tmp_path / "cache")
    cache.put_snapshot("1", Snapshot("1", new_places={"x": NETWORK}))
    kept = cache.snapshot("1")
    assert kept is not None
    assert kept.new_places == {}
