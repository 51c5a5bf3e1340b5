"""What stood before and after, since when somebody administers and by whom, what is not told and why."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from iamtui.analysis.changes.filtering import chosen, parse_filter
from iamtui.analysis.changes.history import EventReach, reach_of
from iamtui.analysis.changes.meaning import admin_by_documents, meaning
from iamtui.analysis.changes.standing import Admin, Timeline, timeline
from iamtui.errors import UsageError
from iamtui.model.change import ChangeKind, Tells
from iamtui.model.configitem import Recorder
from iamtui.model.document import Gap, Kind
from iamtui.model.event import Window, WindowState
from iamtui.model.fact import State
from tests.support.changes import (
    ACCOUNT,
    ADMIN,
    ADMIN_ARN,
    AWS_ADMIN,
    NOW,
    READ,
    WRITE,
    ago,
    arn,
    encoded,
    events,
    group,
    history,
    item,
    items,
    policy,
    record,
    role,
    snapshot,
    user,
)

FILES = EventReach(NOW - timedelta(days=90), NOW, "what the files hold", False)


def put(kind: str, name: str, days: float, text: Any, policy_name: str = "p", **more: Any) -> dict[str, Any]:
    return record(
        f"Put{kind}Policy", days, {f"{kind.lower()}Name": name, "policyName": policy_name, "policyDocument": json.dumps(text)}, **more
    )


def attach(name: str, days: float, policy_arn: str = ADMIN_ARN, kind: str = "User", verb: str = "Attach") -> dict[str, Any]:
    return record(f"{verb}{kind}Policy", days, {f"{kind.lower()}Name": name, "policyArn": policy_arn})


# -- before and after ------------------------------------------------------------------------------------------------------


def test_an_inline_policy_followed_through_its_life() -> None:
    ana = user(inline={"p": WRITE})
    told = events(
        put("User", "ana", 9, READ),
        put("User", "ana", 8, READ),
        put("User", "ana", 7, ADMIN),
        record("DeleteUserPolicy", 6, {"userName": "ana", "policyName": "p"}),
        put("User", "ana", 5, "cut off"),
    )
    first, again, admin, removed, last = history(snapshot(ana), told).of(ana)
    assert first.before.state is State.NO_INFORMATION
    assert again.repeated
    assert json.loads(admin.before.value or "") == READ
    assert json.loads(removed.before.value or "") == ADMIN
    assert removed.after.state is State.NOT_APPLICABLE
    assert last.before.state is State.NOT_APPLICABLE
    assert json.loads(last.after.value or "") == WRITE  # as it stands now
    assert last.after.detail == "as it stands now"


def test_an_item_before_the_event_tells_what_stood_there() -> None:
    ana = user(inline={"p": ADMIN})
    config = items(item("User", ana, 20, {"userPolicyList": [{"policyName": "p", "policyDocument": encoded(READ)}]}))
    (entry,) = history(snapshot(ana), events(put("User", "ana", 5, ADMIN)), config).of(ana)
    assert json.loads(entry.before.value or "") == READ
    assert entry.before.source == "AWS Config"
    empty = items(item("User", ana, 20, {"userPolicyList": []}))
    (entry,) = history(snapshot(ana), events(put("User", "ana", 5, ADMIN)), empty).of(ana)
    assert entry.before.state is State.NOT_APPLICABLE


def test_a_trust_policy_from_its_creation_on() -> None:
    job = role("job", WRITE, created=ago(20))
    made = record("CreateRole", 20, {"roleName": "job", "assumeRolePolicyDocument": encoded(READ)}, response={"role": {"roleId": job.unique_id, "roleName": "job", "arn": job.arn}})  # fmt: skip
    changed = record("UpdateAssumeRolePolicy", 5, {"roleName": "job", "policyDocument": json.dumps(WRITE)})
    created, trust = history(snapshot(job), events(made, changed)).of(job)
    assert created.kind is ChangeKind.CREATED
    assert json.loads(trust.before.value or "") == READ
    assert json.loads(trust.after.value or "") == WRITE


def test_versions_put_in_force_and_back() -> None:
    lake = policy("lake", (1, 50, READ), (2, 30, ADMIN), default=1, created=50)
    made = record("CreatePolicyVersion", 30, {"policyArn": lake.arn, "policyDocument": json.dumps(ADMIN), "setAsDefault": False}, response={"policyVersion": {"versionId": "v2"}})  # fmt: skip
    on = record("SetDefaultPolicyVersion", 20, {"policyArn": lake.arn, "versionId": "v2"})
    back = record("SetDefaultPolicyVersion", 10, {"policyArn": lake.arn, "versionId": "v1"})
    held = history(snapshot(lake), events(made, on, back))
    created, version, first, second = held.of(lake)
    assert (created.kind, version.default, first.was, second.was) == (ChangeKind.CREATED, False, "v1", "v2")
    assert meaning(version, held).gained == ()
    assert meaning(first, held).admin == "gained"
    assert meaning(second, held).admin == "lost"
    assert json.loads(held.texts.at(lake.arn, ago(15)).value or "") == ADMIN
    assert json.loads(held.texts.at(lake.arn, ago(5)).value or "") == READ
    assert json.loads(held.texts.at(lake.arn, ago(40)).value or "") == READ


def test_what_an_attachment_gave_is_what_the_policy_said_then() -> None:
    lake = policy("lake", (1, 50, ADMIN), (2, 10, READ), created=50)
    ana = user(attached=(lake.arn,))
    held = history(snapshot(ana, lake), events(attach("ana", 30, lake.arn)))
    (entry,) = held.of(ana)
    assert meaning(entry, held).admin == "gained"


def test_a_name_borne_before_by_somebody_else() -> None:
    ana = user(created=ago(10))
    told = events(attach("ana", 30), record("DeleteUser", 20, {"userName": "ana"}), record("CreateUser", 10, {"userName": "ana"}, response={"user": {"userId": ana.unique_id, "userName": "ana", "arn": ana.arn}}))  # fmt: skip
    held = history(snapshot(ana, AWS_ADMIN), told)
    assert [change.kind for change in held.of(ana)] == [ChangeKind.CREATED]
    assert held.earlier(ana) == 2
    assert timeline(held, ana).admin is not None
    assert timeline(held, ana).admin.now is Admin.NO  # type: ignore[union-attr]


# -- since when somebody administers ---------------------------------------------------------------------------------------


def since(found: Timeline) -> tuple[str, str]:
    assert found.admin is not None
    entry = found.admin.since
    return (entry.change.kind.value, entry.via) if entry is not None else ("", "")


def test_by_an_attachment() -> None:
    ana = user(attached=(ADMIN_ARN,))
    found = timeline(history(snapshot(ana, AWS_ADMIN), events(attach("ana", 30), attach("ana", 20))), ana)
    assert since(found) == ("policy attached", "")
    assert found.admin.since.change.at == ago(30)  # type: ignore[union-attr]
    assert found.entries[0].change.repeated
    assert found.entries[1].admin == "gained"


def test_by_a_group_by_its_policy_and_by_an_edit_of_it() -> None:
    lake = policy("lake", (1, 80, READ), (2, 10, ADMIN), created=80)
    ops = group(attached=(lake.arn,))
    ana = user(groups=("ops",))
    joined = record("AddUserToGroup", 40, {"userName": "ana", "groupName": "ops"})
    given = record("AttachGroupPolicy", 20, {"groupName": "ops", "policyArn": lake.arn})
    found = timeline(history(snapshot(ana, ops, lake), events(joined, given)), ana)
    assert [(entry.change.kind.value, entry.via) for entry in found.entries] == [
        ("version made", "policy lake"),
        ("policy attached", "group ops"),
        ("group joined", ""),
    ]
    assert since(found) == ("version made", "policy lake")
    direct = policy("lake", (1, 80, ADMIN), created=80)
    assert since(timeline(history(snapshot(ana, ops, direct), events(joined, given)), ana)) == ("policy attached", "group ops")
    late = record("AddUserToGroup", 4, {"userName": "ana", "groupName": "OPS"})
    assert since(timeline(history(snapshot(ana, ops, direct), events(late, given)), ana)) == ("group joined", "")


def test_a_break_counts() -> None:
    ana = user(attached=(ADMIN_ARN,))
    told = events(attach("ana", 30), attach("ana", 20, verb="Detach"), attach("ana", 10))
    found = timeline(history(snapshot(ana, AWS_ADMIN), told), ana)
    assert found.admin.since.change.at == ago(10)  # type: ignore[union-attr]
    assert [entry.admin for entry in found.entries] == ["gained", "lost", "gained"]
    gone = user()
    lost = timeline(history(snapshot(gone, AWS_ADMIN), events(attach("ana", 30), attach("ana", 20, verb="Detach"))), gone)
    assert lost.admin.now is Admin.NO  # type: ignore[union-attr]
    assert lost.admin.lost.change.at == ago(20)  # type: ignore[union-attr]


def test_two_ways_at_once_hold_it() -> None:
    ana = user(attached=(ADMIN_ARN,), inline={"p": ADMIN})
    found = timeline(history(snapshot(ana, AWS_ADMIN), events(put("User", "ana", 30, ADMIN), attach("ana", 20))), ana)
    assert found.entries[0].admin == ""  # it was one already, or that is not known
    assert since(found) == ("", "")
    assert "not known" in found.admin.unknown  # type: ignore[union-attr]


def test_a_boundary_taken_away() -> None:
    limit = policy("limit", (1, 80, READ), created=80)
    ana = user(attached=(ADMIN_ARN,))
    held = history(snapshot(ana, AWS_ADMIN, limit), events(record("PutUserPermissionsBoundary", 40, {"userName": "ana", "permissionsBoundary": limit.arn}), record("DeleteUserPermissionsBoundary", 20, {"userName": "ana"})))  # fmt: skip
    assert since(timeline(held, ana)) == ("boundary removed", "")
    given = meaning(held.of(ana)[-1], held)
    assert given.limit
    assert given.gained
    assert not given.lost
    assert meaning(held.of(ana)[0], held).untold  # which boundary stood before is not told
    state = items(item("User", ana, 60, {"userName": "ana"}))
    told = events(record("PutUserPermissionsBoundary", 40, {"userName": "ana", "permissionsBoundary": limit.arn}))
    held = history(snapshot(ana, AWS_ADMIN, limit), told, state)
    assert meaning(held.of(ana)[0], held).lost


def test_where_the_history_does_not_reach() -> None:
    ana = user(attached=(ADMIN_ARN,))
    found = timeline(history(snapshot(ana, AWS_ADMIN)), ana)
    assert found.admin.since is None  # type: ignore[union-attr]
    assert "begin" in found.admin.unknown  # type: ignore[union-attr]
    assert "CloudTrail events before" in found.admin.needed  # type: ignore[union-attr]
    assert timeline(history(snapshot(ana)), ana).admin.now is Admin.YES  # type: ignore[union-attr]  # what AWS's own says is known
    bo = user("bo", attached=(arn("policy", "unread"),))
    unread = timeline(history(snapshot(bo)), bo)
    assert unread.admin.now is Admin.UNKNOWN  # type: ignore[union-attr]


def test_a_document_that_was_cut_off_leaves_it_open() -> None:
    ana = user(inline={"p": ADMIN})
    found = timeline(history(snapshot(ana), events(put("User", "ana", 9, "cut"), put("User", "ana", 5, ADMIN))), ana)
    assert found.admin.since is None  # type: ignore[union-attr]
    assert "at least since" in found.admin.unknown  # type: ignore[union-attr]


# -- who, and what is not told ----------------------------------------------------------------------------------------------


def window(state: WindowState, days: float = 90, region: str = "us-east-1") -> Window:
    return Window(region, state, ago(days), NOW, "AccessDenied" if state is WindowState.DENIED else "")


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        ((), "no CloudTrail events were read"),
        ((window(WindowState.COVERED, region="eu-west-1"),), "us-east-1, where IAM's events are, was not among the Regions"),
        ((window(WindowState.DENIED),), "CloudTrail was denied in us-east-1: AccessDenied"),
        ((window(WindowState.COVERED),), "they cover that time"),
        ((window(WindowState.PARTIAL),), "some may be missing"),
        ((window(WindowState.COVERED, 5),), "the events that were read begin on"),
    ],
)
def test_why_nobody_is_named(windows: tuple[Window, ...], words: str) -> None:
    lake = policy("lake", (1, 20, READ), (2, 10, WRITE), created=20)
    held = history(snapshot(lake), reach=reach_of(windows, "aws", "live"))
    assert words in held.of(lake)[-1].author.missing


def test_gaps_of_every_source() -> None:
    lake = policy("lake", (4, 20, READ), (7, 10, WRITE))
    held = history(snapshot(lake), reach=FILES)
    recorders = (
        Recorder("us-east-1", State.KNOWN, ACCOUNT, iam=True, on=True, started=ago(5), stopped=ago(8)),
        Recorder("eu-west-1", State.KNOWN, ACCOUNT, iam=False, on=True),
        Recorder("eu-north-1", State.KNOWN, ACCOUNT, iam=True, on=False, stopped=ago(3)),
        Recorder("sa-east-1", State.NOT_APPLICABLE, ACCOUNT),
    )
    refused = (
        Gap(Kind.CONFIG_ITEMS, State.DENIED, "not authorized", "config:GetResourceConfigHistory", ACCOUNT, lake.policy_id, "us-east-1"),
    )
    found = held.gaps(lake, recorders, refused, "live")
    words = "\n".join(gap.words for gap in found)
    for expected in (
        "no events before",
        "may be missing",
        "v1 to v6 (5 of them) are no longer stored",
        "config:GetResourceConfigHistory denied in us-east-1",
        "the recorder of us-east-1 was off",
        "eu-west-1 does not record IAM",
        "the recorder of eu-north-1 is off",
        "sa-east-1 has no configuration recorder",
    ):
        assert expected in words
    off = next(gap for gap in found if "us-east-1 was off" in gap.words)
    assert (off.since, off.until) == (ago(8), ago(5))
    assert all(isinstance(gap.source, Tells) for gap in found)
    quiet = history(snapshot(lake))
    assert any(gap.words == "was not asked" for gap in quiet.gaps(lake, (), (), "live"))
    assert any(gap.words == "no item of it is among what was opened" for gap in quiet.gaps(lake, (), (), "evidence"))


def test_what_stands_now_against_what_was_told() -> None:
    ana = user(inline={"p": WRITE})
    told = events(
        put("User", "ana", 9, READ),
        put("User", "ana", 8, READ, "gone"),
        attach("ana", 7),
        attach("ana", 6, verb="Detach", policy_arn=arn("policy", "x")),
    )
    words = "\n".join(gap.words for gap in history(snapshot(ana), told).gaps(ana, (), (), "demo"))
    assert "the inline policy p is another one now" in words
    assert "the inline policy gone is gone now" in words
    assert f"{ADMIN_ARN} is no longer attached now" in words


# -- the account ------------------------------------------------------------------------------------------------------------


def listed(text: str) -> list[str]:
    ana, bo = user(attached=(ADMIN_ARN,)), user("bo")
    told = events(
        attach("ana", 3),
        attach("bo", 2, arn("policy", "lake")),
        record("CreateUser", 10, {"userName": "bo"}, by="root"),
        put("User", "bo", 1, READ),
    )
    held = history(snapshot(ana, bo, AWS_ADMIN, policy("lake", (1, 50, READ), created=50)), told)
    found = chosen(
        held.entries,
        parse_filter(text, NOW),
        lambda change: admin_by_documents(change, held),
        lambda change: ":iam::aws:" not in change.arn,
    )
    assert sum(count for _, count in found.kinds) == len(found.entries)
    return [f"{entry.change.name} {entry.change.kind.value}" for entry in found.entries]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("since:5d", ["bo inline policy put", "bo policy attached", "ana policy attached"]),
        ("admin", ["ana policy attached"]),
        ("by:root", ["bo created"]),
        ("on:lake", ["bo policy attached", "lake created"]),
        ("kind:attached", ["bo policy attached", "ana policy attached"]),
        ("since:5d !kind:put !on:ana", ["bo policy attached"]),
        ("since=36h", ["bo inline policy put"]),
        ("until:2026-10-23", ["bo created", "lake created"]),
        ("source:version", ["lake created"]),
    ],
)
def test_what_changed_since(text: str, expected: list[str]) -> None:
    assert listed(text) == expected


@pytest.mark.parametrize("text", ["since:soon", "until:", "since:99999999d", "colour=red"])
def test_a_wrong_filter_is_said(text: str) -> None:
    if text == "until:":
        assert listed(text) == []
        return
    with pytest.raises(UsageError):
        parse_filter(text, NOW)


def test_dates_without_a_zone_are_utc() -> None:
    assert parse_filter("since:2026-10-01", NOW).since == datetime(2026, 10, 1, tzinfo=UTC)


def test_an_edit_of_a_policy_everybody_has_is_one_look_up_each() -> None:
    lake = policy("lake", (1, 50, READ), (2, 10, ADMIN), created=50)
    many = [user(f"u{n}", attached=(lake.arn,)) for n in range(400)]
    held = history(snapshot(*many, lake))
    assert len(held.entries) == 2
    assert all(since(timeline(held, one)) == ("version made", "policy lake") for one in many[:20])
