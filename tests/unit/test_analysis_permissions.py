"""What documents say, by service and access level; never more than they say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iamtui.analysis.grants import grants
from iamtui.analysis.permissions import NOT_AN_EVALUATION, PermissionSummary, ServiceSummary, grant_label, summarize, summarize_text
from iamtui.model.policy import Grant, Via
from iamtui.policy.catalogue import catalogue
from tests.support.evidence import snapshot, world


def of(*statements: dict[str, Any], via: Via = Via.ATTACHED, name: str = "p") -> Grant:
    return Grant(via, name, document=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def service(summary: PermissionSummary, prefix: str) -> ServiceSummary:
    return next(s for s in summary.services if s.prefix == prefix)


def test_levels_full_and_limited() -> None:
    known = catalogue().service("s3")
    assert known is not None
    lists = [a.name for a in known.actions if a.level == "List"]
    summary = summarize([of(allow([f"s3:{name}" for name in lists] + ["s3:GetObject"]))])
    s3 = service(summary, "s3")
    assert s3.name == "Amazon S3"
    assert [(level.level, level.full) for level in s3.levels] == [("List", True), ("Read", False)]
    assert s3.levels[0].actions == ()
    assert s3.levels[1].actions == ("GetObject",)
    assert s3.levels[1].words.startswith("Limited: Read 1/")
    assert s3.words.startswith("Full: List · Limited: Read 1/")
    assert not s3.full
    assert service(summarize([of(allow("s3:*"))]), "s3").words == "Full access"


def test_administrator_access_is_known_by_its_content() -> None:
    assert summarize([of(allow("*"), name="harmless")]).admin == ("harmless",)
    assert summarize([of(allow("*:*"))]).admin == ("p",)
    assert len(summarize([of(allow("*"))]).services) == len(catalogue().prefixes)
    assert all(s.full for s in summarize([of(allow("*"))]).services)
    assert summarize([of(allow("*", "arn:aws:s3:::b"))]).admin == ()
    assert summarize([of(allow("*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}))]).admin == ()
    assert summarize([of(allow("*"), via=Via.BOUNDARY)]).admin == ()
    assert summarize([of({"Effect": "Deny", "Action": "*", "Resource": "*"})]).admin == ()


def test_explicit_denies_stand_in_their_own_block() -> None:
    deny = {"Sid": "NoDelete", "Effect": "Deny", "Action": "s3:Delete*", "Resource": "arn:aws:s3:::logs"}
    summary = summarize([of(allow("s3:*"), deny)])
    (denied,) = summary.denies
    assert (denied.label, denied.what, denied.services, denied.scope, denied.everything) == (
        "NoDelete",
        "s3:Delete*",
        ("s3",),
        "one bucket: logs",
        False,
    )
    assert service(summary, "s3").full
    (everything,) = summarize([of({"Effect": "Deny", "Action": "*", "Resource": "*"})]).denies
    assert (everything.what, everything.everything, everything.services) == ("every action", True, ())


def test_a_real_deny() -> None:
    account = snapshot("gaad/truncated-page.json")
    bob = next(user for user in account.users if user.name == "Bob")
    summary = summarize(grants(bob, account))
    assert [(d.grant, d.what) for d in summary.denies] == [("DenyBillingAndIAMPolicy (inline)", "aws-portal:*, iam:*")]
    assert summary.services == ()
    assert not summary.complete
    assert any("AdministratorAccess" in note and "was not read" in note for note in summary.notes)


@pytest.mark.parametrize(
    ("file", "beyond"), [("role-boundary-allow", 0), ("role-boundary-deny", 1), ("user-boundary-deny", 1), ("basic-allow", None)]
)
def test_a_boundary_is_a_limit(file: str, beyond: int | None) -> None:
    account = snapshot(f"questions/{file}.json")
    identity = (*account.users, *account.roles)[0]
    summary = summarize(grants(identity, account))
    assert service(summary, "lambda").beyond_boundary == beyond
    assert bool(summary.boundaries) is (beyond is not None)
    assert any("limits all of this" in note for note in summary.notes) is (beyond is not None)


def test_a_boundary_alone_grants_nothing() -> None:
    account = snapshot("questions/role-boundary-no-policies.json")
    summary = summarize(grants(account.roles[0], account))
    assert summary.services == ()
    assert summary.boundaries == ("NotInvoking",)


def test_an_unread_boundary_is_said_and_nothing_is_claimed_about_it() -> None:
    summary = summarize([of(allow("s3:*")), Grant(Via.BOUNDARY, "limits")])
    assert service(summary, "s3").beyond_boundary is None
    assert not summary.complete
    assert any("text of the boundary limits was not read" in note for note in summary.notes)


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        ("*", "All resources"),
        ("arn:aws:s3:::logs", "one bucket: logs"),
        ("arn:aws:s3:::logs/*", "object pattern: logs/*"),
        (["arn:aws:s3:::a", "arn:aws:s3:::b"], "Multiple (2)"),
        (["arn:aws:s3:::a", "arn:aws:sqs:eu-west-1:1:q"], "one bucket: a"),
        (["arn:aws:sqs:eu-west-1:1:q"], "one queue: q"),
        ([], "no resource named"),
    ],
)
def test_scope(resource: Any, words: str) -> None:
    assert service(summarize([of(allow("s3:GetObject", resource))]), "s3").scope == words


def test_scope_of_several_statements() -> None:
    summary = summarize([of(allow("s3:GetObject", "arn:aws:s3:::a/*"), allow("s3:PutObject"))])
    assert service(summary, "s3").scope == "Multiple; all resources for 1 of 2 actions"
    wide = summarize([of(allow("s3:GetObject", "arn:aws:s3:::a/*"), allow("s3:*"))])
    assert service(wide, "s3").scope == "All resources"


def test_conditions_are_named_only_where_nothing_gives_the_action_without_them() -> None:
    mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    s3 = service(summarize([of(allow("s3:GetObject", Condition=mfa))]), "s3")
    assert (s3.conditions, s3.conditional) == (("MFA required",), 1)
    both = service(summarize([of(allow("s3:GetObject", Condition=mfa), allow("s3:*"))]), "s3")
    assert (both.conditions, both.conditional) == ((), 0)


def test_not_action_and_not_resource_are_told_as_they_are() -> None:
    summary = summarize([of({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})])
    assert {s.prefix for s in summary.services} == set(catalogue().prefixes) - {"iam"}
    assert summary.admin == ()
    assert any("every action except iam:*" in note and "NotAction" in note for note in summary.notes)
    other = summarize([of({"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::secret/*"})])
    assert service(other, "s3").scope == "All resources except object pattern: secret/*"
    assert service(other, "s3").resources == ("not arn:aws:s3:::secret/*",)
    assert any("NotResource" in note for note in other.notes)


def test_typos_are_said_and_unknown_services_stay() -> None:
    summary = summarize([of(allow(["s3:GetObjekt", "nowhere:Do", "nonsense"]))])
    assert [(s.prefix, s.words, s.name) for s in summary.services] == [("nowhere", "unknown service", "")]
    assert summary.findings == (
        "p, statement 1: s3:GetObjekt matches no action the catalogue knows",
        "p, statement 1: nowhere:Do names a service the catalogue does not know",
        "p, statement 1: nonsense has no service prefix",
    )


def test_malformed_documents_are_findings() -> None:
    summary = summarize([Grant(Via.INLINE, "broken", document="{")])
    assert summary.services == ()
    assert summary.findings[0].startswith("broken (inline): not JSON")
    assert summary.complete


def test_it_says_that_it_is_no_evaluation() -> None:
    assert summarize([]).notes == (NOT_AN_EVALUATION,)
    assert not summarize_text("", "x").complete


def test_patterns_over_wildcard_services_are_bounded() -> None:
    summary = summarize([of(allow([f"*:*{n}" for n in range(500)]))])
    assert any("patterns with a wildcard service" in finding for finding in summary.findings)


def test_labels() -> None:
    assert grant_label(Grant(Via.ATTACHED, "A")) == "A"
    assert grant_label(Grant(Via.GROUP_INLINE, "A", group="ops")) == "A (group ops)"
    assert grant_label(Grant(Via.GROUP_ATTACHED, "", group="ops")) == "group ops"


def test_real_accounts() -> None:
    account = snapshot("gaad/example-authz-details.json")
    admins = {i.name for i in (*account.users, *account.roles, *account.groups) if summarize(grants(i, account)).admin}
    assert admins == {"obama", "userwithlotsofpermissions", "admin"}
    for snap in world("gaad/boundaries.json", "gaad/trust-star.json", "gaad/example_authz_v2.json").snapshots:
        for identity in (*snap.users, *snap.roles, *snap.groups):
            assert summarize(grants(identity, snap)).notes


_statement = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny", "Perhaps"])},
    optional={
        "Action": st.lists(st.sampled_from(["*", "s3:*", "s3:Get*", "iam:PassRole", "x:y", "*:*", "ec2:?escribe*", "", "s3"]), max_size=3),
        "NotAction": st.lists(st.sampled_from(["*", "s3:*", "iam:*", "x:y"]), max_size=2),
        "Resource": st.one_of(st.just("*"), st.lists(st.sampled_from(["*", "arn:aws:s3:::b", "b", "arn:"]), max_size=2)),
        "NotResource": st.sampled_from(["*", "arn:aws:s3:::b"]),
        "Condition": st.one_of(st.none(), st.just({"Bool": {"a:b": "true"}}), st.just({"x": 1})),
        "Principal": st.sampled_from(["*", {"AWS": "*"}]),
    },
)


@settings(deadline=None, max_examples=60)
@given(st.lists(_statement, max_size=4))
def test_no_document_raises(statements: list[dict[str, Any]]) -> None:
    summary = summarize([of(*statements)])
    for found in summary.services:
        assert found.words
        assert found.scope
        for level in found.levels:
            assert 0 < level.granted <= level.total
            assert level.full is (level.granted == level.total) is (not level.actions)


@settings(deadline=None, max_examples=60)
@given(st.lists(_statement, max_size=3), _statement)
def test_another_allow_takes_no_service_away(statements: list[dict[str, Any]], more: dict[str, Any]) -> None:
    before = {s.prefix: s.granted for s in summarize([of(*statements)]).services}
    after = {s.prefix: s.granted for s in summarize([of(*statements, {**more, "Effect": "Allow"})]).services}
    assert all(after.get(prefix, -1) >= granted for prefix, granted in before.items())


@settings(deadline=None, max_examples=30)
@given(st.lists(_statement, max_size=4), st.randoms())
def test_the_order_of_statements_does_not_matter(statements: list[dict[str, Any]], random: Any) -> None:
    shuffled = list(statements)
    random.shuffle(shuffled)
    levels = [[(s.prefix, s.levels) for s in summarize([of(*chosen)]).services] for chosen in (statements, shuffled)]
    assert levels[0] == levels[1]
