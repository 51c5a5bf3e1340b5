"""Who is behind a call: only what a caller cannot choose is followed, and a missing link is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.analysis.attribution import Behind, Chains, people, through_roles
from iamtui.model.event import Actor, ActorKind, Event, Outcome
from iamtui.session import Direction, ListKind, Session
from iamtui.source.base import EventQuery
from iamtui.source.demo import DemoSource
from tests.support.demo import NOW as DEMO_NOW

T = datetime(2026, 11, 1, 12, tzinfo=UTC)
ACCOUNT = "123456789012"
ANA = Actor(ActorKind.USER, "ana", f"arn:aws:iam::{ACCOUNT}:user/ana", ACCOUNT, access_key_id="AKIAANA")


def role(name: str, key: str, session: str = "s", **more: Any) -> Actor:
    return Actor(ActorKind.ROLE, name, f"arn:aws:iam::{ACCOUNT}:role/{name}", ACCOUNT, f"AROA{name}", session, key, **more)


def call(actor: Actor, minute: float = 0, name: str = "ListUsers", **more: Any) -> Event:
    when = T + timedelta(minutes=minute)
    made = Event(f"{name}-{minute}", when, name, "iam.amazonaws.com", "us-east-1", ACCOUNT, actor, Outcome.SUCCESS, True, "{}")
    return msgspec.structs.replace(made, **more)


def assume(actor: Actor, to: str, key: str, minute: float = 0, name: str = "AssumeRole", **more: Any) -> Event:
    return call(actor, minute, name, targets=(f"arn:aws:iam::{ACCOUNT}:role/{to}",), session_key_id=key, **more)


def test_a_chain_of_roles_leads_to_the_user() -> None:
    first = assume(ANA, "dev", "ASIA1", 0)
    second = assume(role("dev", "ASIA1"), "admin", "ASIA2", 5)
    done = call(role("admin", "ASIA2"), 9, "DeleteUser")
    chain = Chains([done, first, second]).of(done)
    assert [link.made for link in chain.links] == [second, first]
    assert (chain.behind, chain.name, chain.whole) == (Behind.USER, "ana", True)
    assert chain.words == "ana (IAM user)"


def test_a_session_name_is_never_followed() -> None:
    """Whoever assumes a role may call the session after somebody else."""
    stranger = call(role("admin", "ASIAX", session="ana"), 9)
    chain = Chains([assume(ANA, "admin", "ASIA1"), stranger]).of(stranger)
    assert chain.behind is Behind.UNKNOWN
    assert "ASIAX" in chain.missing
    assert "ana" not in chain.words


def test_who_assumed_the_role_about_then_is_a_hint_and_no_proof() -> None:
    untold = assume(ANA, "admin", "", 0)
    later = call(role("admin", "ASIAX"), 30)
    much_later = call(role("admin", "ASIAY"), 60 * 13)
    chains = Chains([untold, later, much_later])
    assert "ana assumed the role" in chains.of(later).hint
    assert not chains.of(later).whole
    assert chains.of(much_later).hint == ""


def test_a_key_is_followed_to_the_event_before_the_call_not_after() -> None:
    other = Actor(ActorKind.USER, "bob", f"arn:aws:iam::{ACCOUNT}:user/bob", ACCOUNT)
    done = call(role("admin", "ASIA1"), 10)
    chains = Chains([assume(ANA, "admin", "ASIA1", 0), assume(other, "admin", "ASIA1", 60), done])
    assert chains.of(done).name == "ana"
    stale = call(role("admin", "ASIA1"), 60 * 24 * 3)
    assert not Chains([assume(ANA, "admin", "ASIA1", 0), stale]).of(stale).whole


def test_keys_that_hand_out_each_other_end() -> None:
    one, two = assume(role("a", "ASIA2"), "b", "ASIA1", 0), assume(role("b", "ASIA1"), "a", "ASIA2", 0)
    chain = Chains([one, two]).of(call(role("a", "ASIA2"), 1))
    assert len(chain.links) <= 2
    assert not chain.whole


@pytest.mark.parametrize(
    ("actor", "behind", "name"),
    [
        (ANA, Behind.USER, "ana"),
        (Actor(ActorKind.ROOT, "root", f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT), Behind.ROOT, ACCOUNT),
        (Actor(ActorKind.SAML, "kim@acme.example"), Behind.PERSON, "kim@acme.example"),
        (Actor(ActorKind.WEB_IDENTITY, "repo:acme/shop:ref:refs/heads/main"), Behind.WORKLOAD, "repo:acme/shop:ref:refs/heads/main"),
        (Actor(ActorKind.WEB_IDENTITY, "system:serviceaccount:shop:cart"), Behind.WORKLOAD, "system:serviceaccount:shop:cart"),
        (Actor(ActorKind.WEB_IDENTITY, "114.google"), Behind.PERSON, "114.google"),
        (Actor(ActorKind.IDENTITY_CENTER, "kim"), Behind.PERSON, "kim"),
        (Actor(ActorKind.SERVICE, "ec2.amazonaws.com"), Behind.SERVICE, "ec2.amazonaws.com"),
        (Actor(ActorKind.ACCOUNT, "999999999999", account="999999999999"), Behind.ACCOUNT, "999999999999"),
        (role("AWSReservedSSO_Admin_0123", "ASIA9", session="kim@acme.example"), Behind.PERSON, "kim@acme.example"),
        (role("AWSServiceRoleForConfig", "ASIA9"), Behind.SERVICE, "Config"),
        (role("app", "ASIA9", source_identity="kim"), Behind.PERSON, "kim"),
        (Actor(ActorKind.UNKNOWN, ""), Behind.UNKNOWN, ""),
    ],
)
def test_ends(actor: Actor, behind: Behind, name: str) -> None:
    event = call(actor)
    chain = Chains([event]).of(event)
    assert (chain.behind, chain.name) == (behind, name)
    assert chain.concluded or chain.missing


def test_a_source_identity_is_told_and_the_missing_link_too() -> None:
    event = call(role("app", "ASIA9", source_identity="kim"))
    chain = Chains([event]).of(event)
    assert chain.words == "kim (source identity)"
    assert "ASIA9" in chain.missing


def test_more_events_complete_a_chain() -> None:
    done = call(role("admin", "ASIA1"), 10)
    chains = Chains([done])
    assert not chains.of(done).whole
    chains.add([assume(ANA, "admin", "ASIA1")])
    assert chains.of(done).name == "ana"


def test_people_and_what_a_user_did_through_roles() -> None:
    events = [
        assume(ANA, "dev", "ASIA1"),
        *(call(role("dev", "ASIA1"), n) for n in range(1, 4)),
        call(role("dev", "ASIA8"), 5),
        call(ANA, 6),
    ]
    chains = Chains(events)
    found = people(chains, [event for event in events if event.actor.kind is ActorKind.ROLE])
    assert [(chain.words, count) for chain, count, _ in found] == [("ana (IAM user)", 3), ("role dev, further back not told", 1)]
    assert found[0][2] == T + timedelta(minutes=3)
    assert through_roles(chains, events, ANA.arn) == tuple(events[1:4])


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 500)), max_size=25))
def test_any_web_of_keys_ends(web: list[tuple[int, int, int]]) -> None:
    events = [assume(role(f"r{a}", f"ASIA{a}"), f"r{b}", f"ASIA{b}", minute) for a, b, minute in web]
    chains = Chains(events)
    for event in events:
        chain = chains.of(event)
        keys = [link.actor.access_key_id for link in chain.links]
        assert len(keys) == len(set(keys))
        assert bool(chain.missing) == (chain.behind is Behind.UNKNOWN)


def demo() -> Session:
    session = Session(DemoSource(now=DEMO_NOW), now=lambda: DEMO_NOW)
    session.open()
    for _ in session.load_events(EventQuery()):
        pass
    return session


def test_the_demo_breach_leads_through_roles_to_the_leaked_user() -> None:
    """S2 and S6: what was done in sessions of roles is the intruder's, and on his own activity."""
    session = demo()
    (row,) = (row for row in session.listing(ListKind.USERS).rows if row.item.name == "svc-monitoring")
    events = session.activity(row, Direction.BY).events
    roles = {event.actor.name for event in events if event.actor.kind is ActorKind.ROLE}
    assert roles
    assert all(session.chain(event).name == "svc-monitoring" for event in events)


def test_the_demo_tells_the_human_behind_an_administrators_role() -> None:
    session = demo()
    (row,) = (row for row in session.listing(ListKind.ROLES).rows if row.item.name == "iam-admin")
    events = session.activity(row, Direction.BY).events
    assert {session.chain(event).words for event in events} == {"k.meyer@acme.example (person)"}
    assert all(len(session.chain(event).links) == 2 for event in events)
