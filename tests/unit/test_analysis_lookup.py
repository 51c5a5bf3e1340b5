"""Where a target leads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from iamtui.analysis.console import console_url
from iamtui.analysis.lookup import MOST, resolve
from iamtui.model.account import SUMMARY, USERS, Section, Snapshot, World
from iamtui.model.credentials import AccessKey
from iamtui.model.event import Actor, ActorKind, Event, Outcome
from iamtui.model.fact import State, absent
from iamtui.model.identity import Group, Role, User
from iamtui.model.policy import Policy

NOW = datetime(2026, 11, 1, tzinfo=UTC)
A, B = "123456789012", "999999999999"
READ = Section(State.KNOWN, NOW, None, True)


def user(name: str, account: str = A, unique_id: str = "") -> User:
    return User(f"arn:aws:iam::{account}:user/{name}", name, unique_id or f"AIDA{name.upper():X<16}", "/", account, NOW)


DEPLOY = Role(f"arn:aws:iam::{A}:role/ci/deploy", "deploy", "AROAAAAAAAAAAAAAAAAA", "/ci/", A, NOW)
OTHER = Role(f"arn:aws:iam::{B}:role/deploy", "deploy", "AROABBBBBBBBBBBBBBBB", "/", B, NOW)
KEY = AccessKey("AKIAEXAMPLE000000001", "ops-admin", True, NOW, absent(State.NEVER))
POLICY = Policy(f"arn:aws:iam::{A}:policy/Deploy", "Deploy", "ANPAAAAAAAAAAAAAAAAA", "/", A, NOW, NOW, "v1", 0, 0, True)
WORLD = World(
    (
        Snapshot(
            A,
            users=(user("deploy-bot"), user("ops-admin")),
            roles=(DEPLOY,),
            groups=(Group(f"arn:aws:iam::{A}:group/deploy", "deploy", "AGPAAAAAAAAAAAAAAAAA", "/", A, NOW),),
            policies=(POLICY,),
            access_keys={user("ops-admin").arn: (KEY,)},
            sections={USERS: READ, SUMMARY: READ},
            summary={"AccountMFAEnabled": 1},
        ),
        Snapshot(B, users=(user("ops-admin", B),), roles=(OTHER,), sections={USERS: READ}),
    )
)


def event(**more: Any) -> Event:
    made = Event(
        "0a1b2c3d-0000-1111-2222-333344445555",
        NOW,
        "PutObject",
        "s3.amazonaws.com",
        "eu-west-1",
        A,
        Actor(ActorKind.UNKNOWN, ""),
        Outcome.SUCCESS,
        False,
        "{}",
    )
    return msgspec.structs.replace(made, **more)


def found(target: str, events: list[Event] | None = None) -> list[tuple[str, str, str]]:
    return [(hit.kind, getattr(hit.item, "arn", "event"), hit.how) for hit in resolve(target, WORLD, events or [])]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (DEPLOY.arn, [("roles", DEPLOY.arn, "ARN")]),
        (f"  {DEPLOY.arn} ", [("roles", DEPLOY.arn, "ARN")]),
        (f"arn:aws:sts::{A}:assumed-role/deploy/i-0abc", [("roles", DEPLOY.arn, "session of the role")]),
        (f"arn:aws:sts::{B}:assumed-role/deploy/x", [("roles", OTHER.arn, "session of the role")]),
        (f"arn:aws:iam::{A}:role/deploy", [("roles", DEPLOY.arn, "name in the ARN")]),
        (f"arn:aws:iam::{A}:role/nothing", []),
        ("role/deploy", [("roles", DEPLOY.arn, "name"), ("roles", OTHER.arn, "name")]),
        ("ROLE/deploy", [("roles", DEPLOY.arn, "name"), ("roles", OTHER.arn, "name")]),
        ("users/ops-admin", [("users", user("ops-admin").arn, "name"), ("users", user("ops-admin", B).arn, "name")]),
        ("policy/Deploy", [("policies", POLICY.arn, "name")]),
        (
            "deploy",
            [
                ("roles", DEPLOY.arn, "name"),
                ("groups", f"arn:aws:iam::{A}:group/deploy", "name"),
                ("roles", OTHER.arn, "name"),
                ("policies", POLICY.arn, "name"),
                ("users", user("deploy-bot").arn, "prefix"),
            ],
        ),
        ("bot", [("users", user("deploy-bot").arn, "substring")]),
        ("AKIAEXAMPLE000000001", [("users", user("ops-admin").arn, "access key")]),
        ("akiaexample000000001", [("users", user("ops-admin").arn, "access key")]),
        ("AROABBBBBBBBBBBBBBBB", [("roles", OTHER.arn, "unique id")]),
        ("AROABBBBBBBBBBBBBBBB:session", [("roles", OTHER.arn, "unique id")]),
        ("ANPAAAAAAAAAAAAAAAAA", [("policies", POLICY.arn, "unique id")]),
        (A, [("users", f"arn:aws:iam::{A}:root", "account")]),
        (B, [("users", user("ops-admin", B).arn, "account"), ("roles", OTHER.arn, "account")]),
        ("nobody", []),
        ("", []),
        ("arn:", []),
        ("role/", []),
    ],
)
def test_targets(target: str, expected: list[tuple[str, str, str]]) -> None:
    assert found(target) == expected


def test_keys_in_events() -> None:
    used = event(actor=Actor(ActorKind.USER, "ops-admin", user("ops-admin", B).arn, B, access_key_id="AKIAEXAMPLE000000002"))
    assert found("AKIAEXAMPLE000000002", [used]) == [("users", user("ops-admin", B).arn, "access key in events")]
    handed = event(name="AssumeRole", targets=(OTHER.arn,), session_key_id="ASIAEXAMPLE000000001")
    assert found("ASIAEXAMPLE000000001", [handed]) == [("roles", OTHER.arn, "session key handed out in events")]
    stranger = event(actor=Actor(ActorKind.UNKNOWN, "", access_key_id="ASIAEXAMPLE000000009"))
    assert found("ASIAEXAMPLE000000009", [stranger]) == [("events", "event", "latest event with this key")]
    assert found("AKIAEXAMPLE000000009", [stranger]) == []


def test_a_key_of_a_former_namesake_does_not_lead_to_its_successor() -> None:
    former = Actor(ActorKind.USER, "ops-admin", user("ops-admin").arn, A, "AIDAFORMER0000000000", access_key_id="AKIAEXAMPLE000000003")
    assert found("AKIAEXAMPLE000000003", [event(actor=former)]) == [("events", "event", "latest event with this key")]


def test_unique_ids_and_event_ids_in_events() -> None:
    gone = event(actor=Actor(ActorKind.USER, "gone", "arn:gone", A, "AIDAGONE000000000000"))
    assert found("AIDAGONE000000000000", [gone]) == [("events", "event", "latest event of this unique id")]
    assert found("0A1B2C3D-0000-1111-2222-333344445555", [gone]) == [("events", "event", "event id")]


def test_answers_are_bounded() -> None:
    many = World((Snapshot(A, users=tuple(user(f"u{n}") for n in range(1000))),))
    hits = resolve("u", many)
    assert len(hits) == MOST
    assert hits[0].item.name == "u0"


# -- the console --------------------------------------------------------------------------------------------------------------


def test_console_urls() -> None:
    base = "https://us-east-1.console.aws.amazon.com/iam/home#"
    assert console_url(DEPLOY) == f"{base}/roles/details/deploy"
    assert console_url(user("a/b c#?&")) == f"{base}/users/details/a%2Fb%20c%23%3F%26"
    assert console_url(POLICY) == f"{base}/policies/details/arn%3Aaws%3Aiam%3A%3A{A}%3Apolicy%2FDeploy"
    assert console_url(WORLD.snapshots[0].groups[0]) == f"{base}/groups/details/deploy"
    root = resolve(A, WORLD)[0].item
    assert console_url(root) == f"{base}/security_credentials"


def test_console_urls_of_other_partitions() -> None:
    chinese = msgspec.structs.replace(DEPLOY, arn="arn:aws-cn:iam::1:role/deploy")
    assert console_url(chinese) == "https://cn-north-1.console.amazonaws.cn/iam/home#/roles/details/deploy"
    gov = event(region="us-gov-west-1")
    assert console_url(gov).startswith(
        "https://us-gov-west-1.console.amazonaws-us-gov.com/cloudtrailv2/home?region=us-gov-west-1#/events/0a1b2c3d-"
    )


def test_console_url_of_a_hostile_event() -> None:
    assert console_url(event(region="evil.example/?x=", event_id="a/../b")) == (
        "https://us-east-1.console.aws.amazon.com/cloudtrailv2/home?region=us-east-1#/events/a%2F..%2Fb"
    )
    assert console_url(event(event_id="")) == ""
