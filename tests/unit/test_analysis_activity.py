"""Whose event is whose: by issuer, unique id and session key, never by a session's name."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from iamtui.analysis.activity import by_actor, last_seen, limits, on_target, session_keys
from iamtui.model.event import Actor, ActorKind, Event, Outcome
from iamtui.model.identity import Group, Role, User
from iamtui.model.policy import Policy
from tests.support.evidence import events

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ACCOUNT = "123456789012"
ROLE = Role(f"arn:aws:iam::{ACCOUNT}:role/ci/deploy", "deploy", "AROA1", "/ci/", ACCOUNT, NOW)
USER = User(f"arn:aws:iam::{ACCOUNT}:user/deploy", "deploy", "AIDA1", "/", ACCOUNT, NOW)


def event(name: str = "PutObject", actor: Actor | None = None, **more: Any) -> Event:
    made = Event(
        "e", NOW, name, "s3.amazonaws.com", "eu-west-1", ACCOUNT, actor or Actor(ActorKind.UNKNOWN, ""), Outcome.SUCCESS, False, "{}"
    )
    return msgspec.structs.replace(made, **more)


def test_a_role_by_its_issuer_and_not_by_a_session_name() -> None:
    mine = event(actor=Actor(ActorKind.ROLE, "deploy", ROLE.arn, ACCOUNT, "AROA1", "anything"))
    by_id = event(actor=Actor(ActorKind.ROLE, "deploy", "", ACCOUNT, "AROA1", "x"))
    other = event(actor=Actor(ActorKind.ROLE, "other", f"arn:aws:iam::{ACCOUNT}:role/other", ACCOUNT, "AROA2", "deploy"))
    assert by_actor([mine, by_id, other], ROLE) == (mine, by_id)


def test_a_recreated_name_is_another_identity() -> None:
    before = event(actor=Actor(ActorKind.ROLE, "deploy", ROLE.arn, ACCOUNT, "AROAOLD"))
    untold = event(actor=Actor(ActorKind.ROLE, "deploy", ROLE.arn, ACCOUNT))
    assert by_actor([before, untold], ROLE) == (untold,)


def test_a_session_is_followed_by_the_key_that_was_handed_out() -> None:
    handed = event("AssumeRole", source="sts.amazonaws.com", targets=(ROLE.arn,), session_key_id="ASIA1")
    elsewhere = event("AssumeRole", source="sts.amazonaws.com", targets=(f"{ROLE.arn}-other",), session_key_id="ASIA2")
    used = event(actor=Actor(ActorKind.UNKNOWN, "", access_key_id="ASIA1"))
    not_ours = event(actor=Actor(ActorKind.UNKNOWN, "", access_key_id="ASIA2"))
    assert session_keys([handed, elsewhere], ROLE) == {"ASIA1"}
    assert by_actor([handed, elsewhere, used, not_ours], ROLE) == (used,)


def test_groups_and_policies_make_no_calls() -> None:
    group = Group("arn:x", "g", "AGPA1", "/", ACCOUNT, NOW)
    assert by_actor([event(actor=Actor(ActorKind.UNKNOWN, "g", "arn:x"))], group) == ()
    assert by_actor([event()], event()) == ()


def test_root() -> None:
    root = User(f"arn:aws:iam::{ACCOUNT}:root", "<root_account>", "", "/", ACCOUNT, None)
    mine = event(actor=Actor(ActorKind.ROOT, "root", root.arn, ACCOUNT, ACCOUNT))
    other = event(actor=Actor(ActorKind.ROOT, "root", "arn:aws:iam::999999999999:root", "999999999999"))
    assert by_actor([mine, other], root) == (mine,)


def change(name: str, request: dict[str, str], **more: Any) -> Event:
    record = json.dumps({"requestParameters": request})
    return event(name, source="iam.amazonaws.com", record=record, targets=tuple(request.values()), **more)


def test_a_user_and_a_role_of_one_name_are_told_apart() -> None:
    on_user, on_role = change("DeleteUser", {"userName": "deploy"}), change("DeleteRole", {"roleName": "deploy"})
    both = change("AddUserToGroup", {"groupName": "deploy", "userName": "alice"})
    assert on_target([on_user, on_role, both], USER) == (on_user,)
    assert on_target([on_user, on_role, both], ROLE) == (on_role,)
    assert on_target([on_user, on_role, both], Group("arn:g", "deploy", "AGPA1", "/", ACCOUNT, NOW)) == (both,)


def test_names_count_only_in_the_same_account_and_in_calls_that_name_identities() -> None:
    elsewhere = change("DeleteUser", {"userName": "deploy"}, account="999999999999")
    bucket = event("GetObject", targets=("deploy",), record='{"requestParameters":{"userName":"deploy"}}')
    assert on_target([elsewhere, bucket], USER) == ()


def test_arns_count_everywhere() -> None:
    policy = Policy("arn:aws:iam::aws:policy/Admin", "Admin", "ANPA1", "/", "", NOW, NOW, "v1", None, None, True)
    attach = change("AttachUserPolicy", {"userName": "deploy", "policyArn": policy.arn})
    assert on_target([attach], policy) == (attach,)
    assert on_target([attach], USER) == (attach,)
    assume = event("AssumeRole", source="sts.amazonaws.com", targets=(ROLE.arn,))
    assert on_target([assume], ROLE) == (assume,)


def test_what_a_call_created_is_its_target_too() -> None:
    record = json.dumps({"requestParameters": None, "responseElements": {"accessKey": {"userName": "deploy"}}})
    made = event("CreateAccessKey", source="iam.amazonaws.com", record=record, targets=("deploy",))
    assert on_target([made], USER) == (made,)
    broken = msgspec.structs.replace(made, record='{"userName": "deploy"')
    assert on_target([broken], USER) == (broken,)


def test_last_seen() -> None:
    actor = Actor(ActorKind.USER, "deploy", USER.arn)
    earlier = event(actor=actor, time=NOW - timedelta(days=2))
    assert last_seen([event(actor=actor), earlier, event(actor=actor, time=None), event()]) == {USER.arn: NOW}


@pytest.mark.parametrize("item", [ROLE, USER, event()])
def test_limits_are_always_said(item: Any) -> None:
    assert limits(item, "evidence") == ("Only the events that were opened are searched.",)
    assert any("90 days" in note for note in limits(item, "live"))


def test_a_real_attack() -> None:
    found = events("invictus")
    assert len(found) == 2900
    bert = User("arn:aws:iam::123837392027:user/bert-jan", "bert-jan", "", "/", "123837392027", None)
    assert len(by_actor(found, bert)) == 2641
    arn = "arn:aws:iam::123837392027:role/stratus-red-team-ec2-get-password-data-role"
    role = Role(arn, arn.rsplit("/", 1)[1], "", "/", "123837392027", None)
    assert len(session_keys(found, role)) >= 1
    made = by_actor(found, role)
    assert len(made) == 29
    assert {e.name for e in made if e.outcome is Outcome.DENIED} == {"GetPasswordData"}
    suffered = on_target(found, role)
    assert {"CreateRole", "DeleteRole", "AssumeRole"} <= {e.name for e in suffered}
    assert not {e.event_id for e in made} & {e.event_id for e in suffered}
    assert set(last_seen(found)) >= {bert.arn, arn}
