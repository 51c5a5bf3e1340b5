"""An actor's story: in order, over keys and roles, with what stands out and why."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from iamtui.analysis.attribution import Chains
from iamtui.analysis.places import Places
from iamtui.analysis.story import Beat, Story, gather, tell
from iamtui.cli import cli
from iamtui.model.event import Actor, ActorKind, Event, Outcome
from iamtui.model.finding import Severity
from iamtui.session import ListKind, Session
from iamtui.source.base import EventQuery
from iamtui.source.demo import DemoSource
from tests.support.demo import NOW

T = datetime(2026, 11, 1, 12, tzinfo=UTC)
ANA = Actor(ActorKind.USER, "ana", "arn:aws:iam::1:user/ana", "1", access_key_id="AKIAANA")
EVE = Actor(ActorKind.USER, "eve", "arn:aws:iam::1:user/eve", "1", access_key_id="AKIAEVE")


def call(hours: float, name: str = "ListUsers", actor: Actor = ANA, **more: Any) -> Event:
    made = Event(
        f"{name}-{hours}-{actor.name}",
        T + timedelta(hours=hours),
        name,
        "iam.amazonaws.com",
        "us-east-1",
        "1",
        actor,
        Outcome.SUCCESS,
        name.startswith(("List", "Get")),
        "{}",
        ip="192.0.2.1",
    )
    return msgspec.structs.replace(made, **more)


def weigh(event: Event) -> tuple[Severity | None, str]:
    return (Severity.CRITICAL, "gives everything") if event.name == "AttachUserPolicy" else (None, "")


def told(*events: Event) -> Story:
    found = Places()
    found.learn(events)
    return tell(Chains(events), events, "ana", weigh, (), lambda event: found.found().get(event.event_id, ()))


def why(story: Story, name: str) -> tuple[str, ...]:
    return next(m.why for m in story.moments if m.event is not None and m.event.name == name)


def test_routine_is_folded_and_pauses_are_told() -> None:
    story = told(*(call(day * 24) for day in range(5)), call(200, "AttachUserPolicy"), call(200.1))
    assert [m.beat for m in story.moments] == [Beat.ROUTINE, Beat.QUIET, Beat.SCENE, Beat.EVENT, Beat.FOLD]
    assert story.moments[0].words == "routine: 5 calls, in 5 stretches: ListUsers ×5"
    assert story.moments[1].words == "nothing for 4 d 8 h"
    assert story.moments[3].severity is Severity.CRITICAL
    assert sum(m.count for m in story.moments if m.beat in (Beat.ROUTINE, Beat.SCENE)) == story.events == 7


def test_what_is_new_stands_out_only_after_a_day_of_others() -> None:
    fresh = told(call(0), call(1, ip="198.51.100.7"), call(2, "CreateUser"))
    assert [m.beat for m in fresh.moments] == [Beat.ROUTINE]
    settled = [call(hours) for hours in range(0, 120, 10)]
    story = told(*settled, call(130, ip="198.51.100.7"), call(160, region="eu-west-1"), call(190, "CreateUser"))
    reasons = [m.why for m in story.moments if m.beat is Beat.EVENT]
    assert reasons == [
        ("first use from network 198.51.100.0/24 after 5 days in others",),
        ("first use of Region eu-west-1 after 6 days in none",),
        ("first CreateUser",),
    ]


def test_persons_who_sign_in_to_the_same_role_have_stories_of_their_own() -> None:
    arn = "arn:aws:iam::1:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_1"
    kim, lee = (
        Actor(ActorKind.ROLE, "AWSReservedSSO_Admin_1", arn, "1", session_name=name, access_key_id=f"ASIA{name}") for name in ("kim", "lee")
    )
    events = [call(0, actor=kim), call(1, actor=lee), call(2, "CreateUser", actor=kim)]
    own, _ = gather(Chains(events), events, events[0])
    assert {event.actor.session_name for event in own} == {"kim"}


def test_a_refusal_that_went_through_later() -> None:
    denied = call(0, "CreateUser", outcome=Outcome.DENIED)
    assert why(told(denied, call(2, "CreateUser")), "CreateUser") == ("was refused at 12:00:00, and went through now",)
    later = told(denied, call(30, "CreateUser"))
    assert not any("refused" in reason for moment in later.moments for reason in moment.why)


def test_a_key_that_is_made_and_then_used() -> None:
    made = call(1, "CreateAccessKey", targets=("eve", "AKIAEVE"))
    used = call(2, "ListRoles", EVE)
    events = [call(0), made, used, call(-5, "ListGroups", EVE)]
    chains = Chains(events)
    found, followed = gather(chains, events, ANA.arn)
    assert {e.name for e in found} == {"ListUsers", "CreateAccessKey", "ListRoles"}  # not what was done with it before
    assert followed == ["the key AKIAEVE, made by ana (1 call)"]
    assert why(tell(chains, found, "ana", weigh), "ListRoles") == ("first use of AKIAEVE, made 2026-11-01 13:00",)
    own, none = gather(chains, events, ANA.arn, follow=False)
    assert len(own) == 2
    assert none == []


def test_a_user_whose_password_was_set_is_followed_from_then_on() -> None:
    events = [call(1, "CreateLoginProfile", targets=("eve",)), call(0, "ListKeys", EVE), call(3, "DeleteUser", EVE)]
    found, _ = gather(Chains(events), events, ANA.arn)
    assert {e.name for e in found} == {"CreateLoginProfile", "DeleteUser"}


def test_a_story_begun_at_any_event_is_the_same() -> None:
    session = Actor(ActorKind.ROLE, "admin", "arn:aws:iam::1:role/admin", "1", "AROA1", "s", "ASIA1")
    events = [
        call(0),
        call(1, "AssumeRole", session_key_id="ASIA1", targets=("arn:aws:iam::1:role/admin",)),
        call(2, "DeleteUser", session),
    ]
    chains = Chains(events)
    for event in events:
        found, _ = gather(chains, events, event)
        assert len(found) == 3
    found, _ = gather(chains, events, "arn:aws:iam::1:role/admin")
    assert [e.name for e in found] == ["DeleteUser"]


def test_events_without_a_time_are_counted() -> None:
    story = told(call(0), call(1, time=None))
    assert (story.events, story.undated) == (1, 1)


def test_nothing_is_a_story_without_moments() -> None:
    assert told().moments == ()


@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.sampled_from(["ListUsers", "CreateUser", "AttachUserPolicy", "AssumeRole"]), st.booleans()),
        max_size=40,
    )
)
def test_every_event_is_in_exactly_one_line(entries: list[tuple[int, str, bool]]) -> None:
    events = [
        call(hours, name, event_id=str(n), outcome=Outcome.DENIED if denied else Outcome.SUCCESS)
        for n, (hours, name, denied) in enumerate(entries)
    ]
    story = told(*events)
    assert sum(m.count for m in story.moments if m.beat in (Beat.SCENE, Beat.ROUTINE)) == len(events)
    assert sum(m.count for m in story.moments if m.beat in (Beat.EVENT, Beat.FOLD, Beat.ROUTINE)) == len(events)
    times = [m.at for m in story.moments]
    assert times == sorted(times)


def demo() -> Session:
    session = Session(DemoSource(NOW), now=lambda: NOW)
    session.open()
    for _ in session.load_events(EventQuery()):
        pass
    return session


def test_the_demo_breach_is_told_whole_from_its_first_user() -> None:
    """S6: from the leaked key to the administrator made on the way, the roles taken on, the logging that was to be switched off."""
    session = demo()
    (row,) = (row for row in session.listing(ListKind.USERS).rows if row.item.name == "ci-runner")
    story = session.story(row)
    names = [m.event.name for m in story.moments if m.event is not None]
    for wanted in (
        "AttachUserPolicy",
        "CreateUser",
        "CreateAccessKey",
        "UpdateAssumeRolePolicy",
        "AssumeRole",
        "StopLogging",
        "DeleteTrail",
    ):
        assert wanted in names
    assert any("svc-monitoring" in sentence for sentence in story.followed)
    assert len(story.moments) < 60 < story.events
    alone = session.story(row, follow=False)
    assert "StopLogging" not in [m.event.name for m in alone.moments if m.event is not None]


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown"])
def test_the_command(form: str) -> None:
    result = CliRunner().invoke(cli, ["story", "ci-runner", "--demo", "--format", form])
    assert result.exit_code == 0, result.output
    assert "gives an administrator's rights" in result.stdout
    assert "svc-monitoring" in result.stderr
    if form == "json":
        answer = json.loads(result.stdout)
        assert answer["about"] == "ci-runner"
        assert {"critical"} <= {m["class"] for m in answer["moments"]}


@pytest.mark.parametrize("target", ["203.0.113.77", "arn:aws:iam::123456789012:user/ci/ci-runner"])
def test_the_command_finds_actors_by_what_events_tell(target: str) -> None:
    result = CliRunner().invoke(cli, ["story", target, "--demo", "--format", "csv"])
    assert result.exit_code == 0
    assert "svc-monitoring" in result.stdout


def test_nobody_is_a_sentence() -> None:
    from iamtui.errors import NotFoundError

    result = CliRunner().invoke(cli, ["story", "nobody-at-all", "--demo"])
    assert isinstance(result.exception, NotFoundError)
