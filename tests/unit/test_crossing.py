"""Roles between accounts: both sides must allow, what was not read is named, and nothing is invented."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from iamtui.analysis.access import decide, question
from iamtui.analysis.escalation.crossing import Ways, all_ways
from iamtui.analysis.findings import findings
from iamtui.model.account import Snapshot
from iamtui.model.finding import FindingKind, Severity
from iamtui.model.surroundings import Organization, OrganizationPolicy, Surroundings
from iamtui.policy.decision import Effect
from iamtui.session.crossingtext import grouped, unread_words
from tests.support.accounts import ADMIN, A, B, C, assume, policy, role, root, snapshot, trust, user

TARGET = f"arn:aws:iam::{B}:role/admin"
EVERYTHING = policy("Allow", "*")


def organization(**policies: list[tuple[str, str]]) -> Surroundings:
    """A and B in units of one organisation; policies by level (`r`, `a`, `b`), each (kind, document)."""
    kinds = ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY")
    held = {
        level: (
            *(OrganizationPolicy("Full", kind, EVERYTHING, level) for kind in kinds),
            *(OrganizationPolicy("own", kind, text, level) for kind, text in policies.get(level, ())),
        )
        for level in ("r", "ou-a", "ou-b", A, B)
    }
    return Surroundings(organizations=(Organization("999999999999", {A: ("r", "ou-a", A), B: ("r", "ou-b", B)}, held, {}, {}, "o-ours"),))


def told(ways: Ways) -> set[tuple[str, tuple[str, ...], str]]:
    return {(chain.identity.arn, tuple(r.arn for r in chain.roles), chain.conditions) for chain in ways.crossings}


def walk(snapshots: list[Snapshot], around: Surroundings | None = None) -> Ways:
    """The ways; every hop of each is one that `can` allows or leaves open, too."""
    around = around or Surroundings()
    ways = all_ways(snapshots, around)
    home = {one.arn: (one, s) for s in snapshots for one in (*s.users, *s.roles)}
    for chain in ways.crossings:
        caller = chain.identity.arn
        for step in chain.roles:
            identity, where = home[caller]
            verdict = decide(identity, where, question("sts:AssumeRole", step.arn, snapshots, around), around)
            assert verdict.decision.effect in (Effect.ALLOWED, Effect.DEPENDS)
            caller = step.arn
    return ways


ANA = f"arn:aws:iam::{A}:user/ana"

BOTH_SIDES: list[tuple[str, str, str, set[str] | None]] = [
    ("root trusted, identity allows", trust(root(A)), assume(TARGET), {""}),
    ("the account's number trusted", trust(A), assume("*"), {""}),
    ("the user herself trusted", trust(ANA), assume(TARGET), {""}),
    ("trusted, but her own side says nothing", trust(ANA), policy("Allow", "s3:GetObject"), None),
    ("trusted by root, her own side says nothing", trust(root(A)), policy("Allow", "s3:GetObject"), None),
    ("allowed, but somebody else is trusted", trust(f"arn:aws:iam::{A}:user/bea"), assume(TARGET), None),
    ("allowed, but another account is trusted", trust(root(C)), assume(TARGET), None),
    ("allowed on another role alone", trust(root(A)), assume(f"arn:aws:iam::{B}:role/other"), None),
    (
        "with an external id",
        trust(root(A), Condition={"StringEquals": {"sts:ExternalId": "x-1"}}),
        assume(TARGET),
        {"sts:ExternalId StringEquals x-1"},
    ),
    ("with MFA", trust(root(A), Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}), assume(TARGET), {"aws:MultiFactorAuthPresent Bool true"}),
    ("of another account by condition", trust("*", Condition={"StringEquals": {"aws:PrincipalAccount": C}}), assume(TARGET), None),
    ("everybody of this account by condition", trust("*", Condition={"StringEquals": {"aws:PrincipalAccount": A}}), assume(TARGET), {""}),
]  # fmt: skip


@pytest.mark.parametrize(("_", "trusted", "own", "conditions"), BOTH_SIDES, ids=[case[0] for case in BOTH_SIDES])
def test_both_sides_must_allow(_: str, trusted: str, own: str, conditions: set[str] | None) -> None:
    ways = walk([snapshot(A, user(A, "ana", own)), snapshot(B, role(B, "admin", trusted, ADMIN))])
    assert told(ways) == ({(ANA, (TARGET,), one) for one in conditions} if conditions else set())
    assert not ways.hops
    assert not ways.unread or conditions is None


def test_a_deny_a_boundary_and_the_organisation_on_either_side_close_the_door() -> None:
    near = [user(A, "ana", assume(TARGET))]
    far = snapshot(B, role(B, "admin", trust(root(A)), ADMIN))
    assert told(walk([snapshot(A, *near), far], organization())) == {(ANA, (TARGET,), "")}
    denied = user(A, "ana", assume(TARGET), policy("Deny", "sts:AssumeRole", "arn:aws:iam::2*:role/*"))
    assert not told(walk([snapshot(A, denied), far], organization()))
    deny, scp, rcp = policy("Deny", "sts:AssumeRole"), "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
    everybody = json.dumps({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*"}})
    for level, kind, text in (("ou-a", scp, deny), ("r", scp, deny), ("ou-b", rcp, everybody), (B, rcp, everybody)):
        assert not told(walk([snapshot(A, *near), far], organization(**{level: [(kind, text)]}))), (level, kind)
    # The caller's resource control policies and the role's service control policies are not asked.
    for level, kind, text in (("ou-b", scp, deny), ("ou-a", rcp, everybody)):
        assert told(walk([snapshot(A, *near), far], organization(**{level: [(kind, text)]}))), (level, kind)


def test_the_organisation_of_the_caller_is_known_where_it_was_read() -> None:
    near = snapshot(A, user(A, "ana", assume(TARGET)))

    def far(organization_id: str) -> Snapshot:
        return snapshot(B, role(B, "admin", trust("*", Condition={"StringEquals": {"aws:PrincipalOrgID": organization_id}}), ADMIN))

    assert told(walk([near, far("o-ours")], organization())) == {(ANA, (TARGET,), "")}
    assert not told(walk([near, far("o-theirs")], organization()))
    assert told(walk([near, far("o-ours")])) == {(ANA, (TARGET,), "aws:PrincipalOrgID StringEquals o-ours")}
    below = trust("*", Condition={"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-ours/r/ou-a/*"}})
    assert told(walk([near, snapshot(B, role(B, "admin", below, ADMIN))], organization())) == {(ANA, (TARGET,), "")}


def test_a_way_leads_over_accounts_to_the_first_administrator() -> None:
    step = role(B, "step", trust(ANA, Condition={"StringEquals": {"sts:ExternalId": "x"}}), assume("*"))
    end = role(C, "admin", trust(step.arn), ADMIN)
    home = role(A, "home", trust(end.arn), ADMIN)
    ways = walk([snapshot(A, user(A, "ana", assume("*")), home), snapshot(B, step), snapshot(C, end)])
    by_end = {(chain.identity.name, chain.account): chain for chain in ways.crossings}
    assert [r.name for r in by_end["ana", C].roles] == ["step", "admin"]
    assert by_end["ana", C].conditions == "sts:ExternalId StringEquals x"
    assert ("ana", A) not in by_end  # what leads on from an administrator is told of him
    assert [r.name for r in by_end["admin", A].roles] == ["home"]
    assert ("step", C) in by_end
    assert all(chain.crosses for chain in ways.crossings)


def test_an_administrator_has_less_to_gain_and_ways_that_are_alike_are_one_row() -> None:
    members = [str(number) * 12 for number in (4, 5, 6)]
    boss, ana = user(A, "boss", ADMIN), user(A, "ana", assume("arn:aws:iam::*:role/org"))
    snapshots = [snapshot(A, boss, ana), *(snapshot(m, role(m, "org", trust(root(A)), ADMIN), name=f"n{m[0]}") for m in members)]
    ways = walk(snapshots)
    assert {(c.identity.name, c.account) for c in ways.crossings} == {(name, m) for name in ("boss", "ana") for m in members}
    rows = grouped(ways.crossings, {s.account: s.label for s in snapshots})
    assert {(row["identity"], row["ends_as"]) for row in rows} == {
        (name, "administrator of 3 accounts: n4, n5, n6") for name in ("boss", "ana")
    }
    found = {f.name: f for f in findings(snapshots) if f.kind is FindingKind.ESCALATION and "other accounts" in f.claim}
    assert (found["ana"].severity, found["boss"].severity) == (Severity.HIGH, Severity.MEDIUM)
    assert found["ana"].claim == "ends as an administrator of other accounts: n4 by assuming org of n4, and 2 other accounts"
    assert found["ana"].account == A


def test_an_account_that_was_not_read_is_named_and_nothing_is_said_of_it() -> None:
    vendor = role(B, "vendor", trust(root(C), ANA), ADMIN)
    plain = role(B, "plain", trust(root("444444444444")), policy("Allow", "s3:GetObject"))
    out = user(A, "out", assume(f"arn:aws:iam::{C}:role/x", "arn:aws:iam::*:role/y"))
    ways = walk([snapshot(A, out), snapshot(B, vendor, plain)])
    assert not ways.crossings
    assert {(edge.account, edge.name, edge.inward) for edge in ways.unread} == {(C, "vendor", True), (C, "out", False)}
    words = unread_words(ways.unread, {})
    assert words[0].startswith(f"account {C} was not read: somebody there may assume vendor")
    assert any("out may by their own policies assume roles there" in line for line in words)
    alone = all_ways([snapshot(B, vendor)])
    assert not alone.crossings
    assert {edge.account for edge in alone.unread} == {C, A}


def test_policies_that_ask_who_they_are_get_answers_of_their_own() -> None:
    """Two users with the very same policy, of whom the trust policy wants one: an answer is not passed on."""
    trusted: Any = trust("*", Condition={"StringLike": {"aws:PrincipalArn": "*/ana"}})
    ways = walk([snapshot(A, user(A, "bea", assume()), user(A, "ana", assume())), snapshot(B, role(B, "admin", trusted, ADMIN))])
    assert {chain.identity.name for chain in ways.crossings} == {"ana"}


def test_a_service_linked_role_crosses_nothing() -> None:
    linked = msgspec.structs.replace(role(A, "AWSServiceRoleForX", trust(ANA), assume()), path="/aws-service-role/x.amazonaws.com/")
    assert linked.service_linked
    assert not walk([snapshot(A, linked), snapshot(B, role(B, "admin", trust(root(A)), ADMIN))]).crossings


def test_an_arn_that_names_no_account_belongs_to_the_answer_it_stands_in() -> None:
    odd = msgspec.structs.replace(user("test", "eve", assume(TARGET)), account="")
    there = snapshot(B, role(B, "admin", trust("*"), EVERYTHING))
    found = [one for one in findings([Snapshot("unknown", users=(odd,)), there]) if one.arn == odd.arn]
    assert {one.account for one in found if one.kind is FindingKind.ESCALATION} == {"unknown"}
