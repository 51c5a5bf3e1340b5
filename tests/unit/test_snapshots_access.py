"""Escalation between two points, effective access by direction, and searches over roles that large accounts can afford."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iamtui.analysis.access import as_caller
from iamtui.analysis.effective import Access, EffectiveAccess
from iamtui.analysis.escalation.evaluating import _MAY, Field, Hops, _trusts, escalations, hops
from iamtui.analysis.snapshots.access import more
from iamtui.analysis.snapshots.comparing import compare_snapshots
from iamtui.model.account import Snapshot
from iamtui.model.identity import Role
from tests.support.changes import ACCOUNT, ADMIN, READ, arn, role, user
from tests.support.demo import documents
from tests.support.points import before, differences, point

PASSING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["iam:PassRole", "lambda:*"], "Resource": "*"}]}
ASSUMING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]}
SIGNED_IN = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def trust(principal: Any, **more: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}]}


def test_a_role_that_becomes_an_administrator_makes_others_escalators() -> None:
    """ana has not changed at all: what she can become has."""
    ana = user("ana", inline={"own": PASSING})
    runner = trust({"Service": "lambda.amazonaws.com"})
    old, new = before(ana, role("runner", runner, inline={"own": READ})), point(ana, role("runner", runner, inline={"own": ADMIN}))
    found = {(one.change, one.name): one for one in differences(old, new)}
    way = found["escalation added", "ana"]
    assert way.grows
    assert way.severity == "high"
    assert "role runner" in way.words
    assert "ways" in way.words
    back = {(one.change, one.name): one for one in differences(new, old)}
    assert back["escalation removed", "ana"].severity == "low"
    assert back["escalation removed", "ana"].words.startswith("no longer can become")


def test_a_way_that_loses_its_condition() -> None:
    boss = role("boss", trust({"Service": "lambda.amazonaws.com"}), inline={"own": ADMIN})
    narrow = json.loads(json.dumps(PASSING))
    narrow["Statement"][0]["Condition"] = SIGNED_IN
    old, new = before(user("ana", inline={"own": narrow}), boss), point(user("ana", inline={"own": PASSING}), boss)
    (one,) = [one for one in differences(old, new) if one.what == "escalation"]
    assert (one.turn, one.severity) == ("added", "high")
    assert not any(" when " in line for line in one.lines)
    (one,) = [one for one in differences(new, old) if one.what == "escalation"]
    assert (one.turn, one.grows) == ("removed", False)


def test_roles_that_can_be_assumed() -> None:
    ana = user("ana")
    old = before(ana, role("boss", trust({"Service": "ec2.amazonaws.com"}), inline={"own": ADMIN}))
    new = point(ana, role("boss", trust({"AWS": ana.arn}), inline={"own": ADMIN}))
    found = {(one.change, one.name): one.words for one in differences(old, new)}
    assert found["escalation added", "ana"] == "ends as an administrator by assuming boss"
    assert found["trust changed", "boss"].startswith("lets in user ana")


def test_who_was_an_administrator_and_can_become_one_again() -> None:
    boss = role("boss", trust({"Service": "lambda.amazonaws.com"}), inline={"own": ADMIN})
    old, new = before(user("ana", inline={"own": ADMIN}), boss), point(user("ana", inline={"own": PASSING}), boss)
    found = {one.change: one for one in differences(old, new) if one.name == "ana"}
    assert "is no administrator any more, and can become role boss" in found["admin removed"].words
    assert not found["admin removed"].grows
    assert "escalation added" not in found  # it could be an administrator before without any way


def test_only_some_identities() -> None:
    old = before(user("ana"), user("bo"), password_policy={"MinimumPasswordLength": 8})
    new = point(user("ana", inline={"own": ADMIN}), user("bo", inline={"own": ADMIN}))
    found = compare_snapshots(old, new, only=[arn("user", "ana")])
    assert {one.name for one in found.differences} == {"ana"}
    assert {one.change for one in found.differences} == {"admin added", "grant added"}


# -- effective access ------------------------------------------------------------------------------------------------


def line(actions: str, resources: str = "*", *, excepted: bool = False, conditions: str = "", within: str = "") -> Access:
    return Access("s3", "S3", "Write", tuple(actions.split()), 10, tuple(resources.split()), excepted, conditions, within, ())


def access(*lines: Access) -> EffectiveAccess:
    return EffectiveAccess(lines, ())


@pytest.mark.parametrize(
    ("old", "new", "gained"),
    [
        (line("Put"), line("Put Delete"), {"s3:Delete"}),
        (line("Put", "arn:aws:s3:::a/*"), line("Put"), {"s3:Put"}),
        (line("Put"), line("Put", "arn:aws:s3:::a/*"), set()),
        (line("Put", "arn:aws:s3:::a/*"), line("Put", "arn:aws:s3:::a/b/*"), set()),
        (line("Put", "arn:aws:s3:::a/b/*"), line("Put", "arn:aws:s3:::a/*"), {"s3:Put"}),
        (line("Put", conditions="MFA"), line("Put"), {"s3:Put"}),
        (line("Put"), line("Put", conditions="MFA"), set()),
        (line("Put", within="eu-west-1"), line("Put"), {"s3:Put"}),
        (line("Put", "a b", excepted=True), line("Put", "a", excepted=True), {"s3:Put"}),
        (line("Put", "a", excepted=True), line("Put", "a b", excepted=True), set()),
        (line("Put", "a"), line("Put", "a", excepted=True), {"s3:Put"}),
        (line("Put"), line("Put", "a", excepted=True), set()),
    ],
)  # fmt: skip
def test_what_access_is_more(old: Access, new: Access, gained: set[str]) -> None:
    assert {action for one in more(access(old), access(new)) for action in one.actions} == gained


# -- searches --------------------------------------------------------------------------------------------------------


def slow_hops(field: Field, found: Any) -> tuple[Hops, ...]:
    """The search as it reads: everybody before every door."""
    last: dict[str, Any] = {}
    for way in found:
        if isinstance(way.identity, Role):
            last.setdefault(way.identity.arn, way)
    good: dict[str, tuple[Role, ...]] = {}
    frontier = [one for one in field.snapshot.roles if one.arn in field.admins or one.arn in last]
    reached: dict[str, Hops] = {}
    good.update({one.arn: (one,) for one in frontier})
    while frontier:
        following: list[Role] = []
        for door in frontier:
            for identity, _ in field.everyone:
                if door.service_linked or identity.arn in field.admins or identity.arn in reached or identity.arn in good:
                    continue
                if _trusts(door, as_caller(identity)) and field.ask(identity, "sts:AssumeRole", door.arn, door.trust).effect in _MAY:
                    reached[identity.arn] = Hops(identity, good[door.arn], last.get(good[door.arn][-1].arn))
                    if isinstance(identity, Role):
                        good[identity.arn] = (identity, *good[door.arn])
                        following.append(identity)
        frontier = following
    return tuple(reached.values())


def _doors() -> Snapshot:
    principals: tuple[Any, ...] = (
        {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        {"AWS": "arn:aws:iam::999999999999:root"},
        {"AWS": arn("user", "ana")},
        {"AWS": arn("role", "r0")},
        {"AWS": "*"},
        "*",
        {"Service": "ec2.amazonaws.com"},
        {"AWS": [arn("user", "bo"), f"arn:aws:iam::{ACCOUNT}:root"]},
    )
    roles = [
        role(f"r{number}", trust(who), inline={"own": ADMIN} if number % 3 == 0 else {"own": ASSUMING} if number % 3 == 1 else {})
        for number, who in enumerate((*principals, *principals))
    ]
    refusing = trust({"AWS": "*"})
    refusing["Statement"].append({"Effect": "Deny", "Principal": {"AWS": arn("user", "ana")}, "Action": "sts:AssumeRole"})
    excepting = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "NotPrincipal": {"AWS": arn("user", "bo")}, "Action": "sts:*"}]}
    roles += [role("refusing", refusing, inline={"own": ADMIN}), role("excepting", excepting, inline={"own": ADMIN}), role("mute", {})]
    people = [user("ana"), user("bo", inline={"own": ASSUMING}), user("cy", inline={"own": READ}), user("di", inline={"own": ADMIN})]
    return point(*roles, *people)


@pytest.mark.parametrize("account", ["doors", "demo"])
def test_the_search_over_roles_finds_what_the_plain_one_finds(account: str) -> None:
    from iamtui.source.decode import Assembler

    if account == "demo":
        assembler = Assembler()
        for document in documents().values():
            assembler.add(document)
        (snapshot,) = assembler.world().snapshots
    else:
        snapshot = _doors()
    field = Field(snapshot)
    ways = escalations(field)
    quick, slow = hops(field, ways), slow_hops(field, ways)
    assert [(one.identity.arn, [door.arn for door in one.roles], one.last) for one in quick] == [
        (one.identity.arn, [door.arn for door in one.roles], one.last) for one in slow
    ]
    assert quick
