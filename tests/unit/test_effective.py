"""Effective access says what the engine says, action by action, and tells limits as limits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from iamtui.analysis.access import around, as_caller
from iamtui.analysis.effective import Access, EffectiveAccess, compared, effective_access
from iamtui.cli import cli
from iamtui.errors import NotFoundError
from iamtui.model.account import Snapshot
from iamtui.model.identity import User
from iamtui.model.policy import Policy, PolicyRef, PolicyVersion
from iamtui.model.surroundings import Organization, OrganizationPolicy, Surroundings
from iamtui.policy.catalogue import AccessLevel, catalogue
from iamtui.policy.decision import Effect
from iamtui.policy.evaluation import Request, evaluate
from tests.unit.test_analysis_access import ACCOUNT, ALL, demo, text, user

MAY = (Effect.ALLOWED, Effect.DEPENDS)
ACTIONS = ("s3:GetObject", "s3:PutObject", "s3:ListAllMyBuckets", "sqs:SendMessage", "ec2:DescribeInstances", "ec2:StartInstances")


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def bounded(document: str, *own: str) -> tuple[User, Snapshot]:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/limits"
    one = user("ana", *own, boundary=PolicyRef(arn, "limits"))
    policy = Policy(
        arn, "limits", "ANPAX", "/", ACCOUNT, None, None, "v1", 1, 0, True, versions=(PolicyVersion("v1", True, None, document),)
    )
    return one, Snapshot(ACCOUNT, users=(one,), policies=(policy,))


def access(*own: str) -> EffectiveAccess:
    one = user("ana", *own)
    return effective_access(one, Snapshot(ACCOUNT, users=(one,)))


def lines(found: EffectiveAccess, action: str) -> tuple[Access, ...]:
    return found.actions().get(action, ())


PATTERNS = st.sampled_from(["*", "s3:*", "s3:Get*", "s3:GetObject", "sqs:*", "ec2:Describe*", "ec2:StartInstances", "ec2:*"])
RESOURCES = st.sampled_from(
    ["*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/x/*", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q", "arn:aws:ec2:*:*:instance/*"]
)
CONCRETE = (
    "arn:aws:s3:::b/x/y",
    "arn:aws:s3:::b/z",
    "arn:aws:s3:::c/z",
    f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q",
    f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-1",
)
CONDITIONS = st.sampled_from([{}, {}, {"Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}}])


@st.composite
def statements(draw: Any) -> dict[str, Any]:
    one: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])), **draw(CONDITIONS)}
    one[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(st.lists(PATTERNS, min_size=1, max_size=2))
    one[draw(st.sampled_from(["Resource", "Resource", "NotResource"]))] = draw(st.lists(RESOURCES, min_size=1, max_size=2))
    return one


DOCUMENTS = st.lists(statements(), min_size=1, max_size=3).map(lambda held: text(*held))


@settings(max_examples=30, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink))
@given(st.lists(DOCUMENTS, min_size=1, max_size=2), st.none() | DOCUMENTS)
def test_it_says_what_the_engine_says(own: list[str], boundary: str | None) -> None:
    """What is told allowed is not refused on any of its resources; what is not told is not allowed on any."""
    one, snapshot = (user("ana", *own), Snapshot(ACCOUNT)) if boundary is None else bounded(boundary, *own)
    found = effective_access(one, snapshot)
    layers = around(one, snapshot).layers
    caller = as_caller(one)

    def effect(action: str, resource: str) -> Effect:
        return evaluate(Request(caller, action, resource, layers, conditional=True)).effect

    told = found.actions()
    for action in ACTIONS:
        for line in told.get(action, ()):
            for resource in () if line.excepted else line.resources:
                assert effect(action, "**" if resource == "*" else resource) in MAY, (action, resource)
        if action not in told:
            for resource in CONCRETE:
                assert effect(action, resource) not in MAY, (action, resource)


def test_levels_are_full_or_limited_and_name_their_policies() -> None:
    found = access(text(allow("s3:*")), text(allow(["sqs:SendMessage", "sqs:GetQueueUrl"], f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q")))
    assert "s3" in found.full
    by_level = {(line.service, line.level): line for line in found.allowed}
    known = catalogue().service("s3")
    assert known is not None
    assert len(by_level["s3", "Write"].actions) == known.by_level[AccessLevel.WRITE].bit_count()
    assert by_level["s3", "Write"].words == "Full: Write"
    write = by_level["sqs", "Write"]
    assert (write.actions, write.resources, write.granted_by) == (
        ("SendMessage",),
        (f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q",),
        ("p1 (inline)",),
    )
    assert write.words.startswith("Limited: Write 1/")


def test_a_boundary_narrows_to_what_both_name_and_tells_what_it_stops() -> None:
    one, snapshot = bounded(text(allow("s3:GetObject", "arn:aws:s3:::logs/*")), text(allow("s3:GetObject"), allow("s3:PutObject")))
    found = effective_access(one, snapshot)
    (line,) = lines(found, "s3:GetObject")
    assert line.resources == ("arn:aws:s3:::logs/*",)
    assert [s.by for s in found.stopped if "PutObject" in s.actions] == ["permissions boundary limits does not allow it"]
    assert found.limits == ("permissions boundary limits",)


def test_an_explicit_deny_on_everything_stops_and_one_on_some_stays_a_condition() -> None:
    found = access(text(allow(["s3:GetObject", "s3:PutObject"]), deny("s3:PutObject"), deny("s3:GetObject", "arn:aws:s3:::secret/*")))
    (line,) = lines(found, "s3:GetObject")
    assert line.conditions == "not (resource matches arn:aws:s3:::secret/*)"
    (stop,) = found.stopped
    assert (stop.actions, stop.granted_by) == (("PutObject",), ("p0 (inline)",))
    assert stop.by.endswith("statement 2, denies")


def test_not_action_is_expanded_and_not_resource_told_as_excepted() -> None:
    found = access(text({"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::secret/*"}))
    assert "iam" not in found.services
    assert len(found.services) > 300
    (line,) = lines(found, "s3:GetObject")
    assert (line.excepted, line.scope) == (True, "everything but arn:aws:s3:::secret/*")


def test_an_action_without_a_resource_type_needs_a_star() -> None:
    found = access(text(allow(["s3:ListAllMyBuckets", "s3:GetObject"], "arn:aws:s3:::b/*")))
    assert not lines(found, "s3:ListAllMyBuckets")
    assert [s.by for s in found.stopped] == ["the action has no resource type: only a statement on * gives it"]
    assert lines(access(text(allow("s3:ListAllMyBuckets"))), "s3:ListAllMyBuckets")[0].resources == ("*",)


def test_a_trust_or_key_policy_must_agree() -> None:
    found = access(
        text(allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/deploy"), allow("kms:Decrypt", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/k"))
    )
    assert lines(found, "sts:AssumeRole")[0].conditions == "the policy of the resource allows it too"
    assert lines(found, "kms:Decrypt")[0].conditions == "the policy of the resource allows it too"


def test_the_organisation_limits_and_its_conditions_stand_apart() -> None:
    regions = text(ALL, deny("*", Condition={"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}))
    scp = OrganizationPolicy("regions", "SERVICE_CONTROL_POLICY", regions, "r-1")
    around_ = Surroundings(
        organizations=(Organization("999999999999", {ACCOUNT: ("r-1", ACCOUNT)}, {"r-1": (scp,), ACCOUNT: (scp,)}, {"r-1": "Root"}),)
    )
    one = user("ana", text(allow("s3:GetObject", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})))
    found = effective_access(one, Snapshot(ACCOUNT, users=(one,)), around_)
    (line,) = lines(found, "s3:GetObject")
    assert line.conditions == "aws:MultiFactorAuthPresent Bool true"
    assert "aws:RequestedRegion" in line.within
    assert found.notes == ()
    assert effective_access(one, Snapshot(ACCOUNT)).notes == ("organisation policies were not read",)


def test_variables_are_filled_in_where_the_caller_tells_them() -> None:
    (line,) = lines(access(text(allow("iam:ChangePassword", f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"))), "iam:ChangePassword")
    assert line.conditions == ""
    assert line.resources == (f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}",)


def test_what_the_catalogue_does_not_know_and_what_was_not_read_is_told() -> None:
    one = user("ana", text(allow("newservice:DoIt")))
    gone = User(
        one.arn,
        one.name,
        one.unique_id,
        "/",
        ACCOUNT,
        None,
        inline=one.inline,
        attached=(PolicyRef("arn:aws:iam::aws:policy/Gone", "Gone"),),
    )
    found = effective_access(gone, Snapshot(ACCOUNT, users=(gone,)))
    assert lines(found, "newservice:DoIt")[0].level == "unknown"
    assert found.unread == ("Gone",)


def test_side_by_side() -> None:
    first = access(text(allow(["s3:GetObject", "s3:PutObject"]), allow("sqs:SendMessage")))
    second = access(text(allow("s3:GetObject"), allow("sqs:SendMessage", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q"), allow("s3:DeleteObject")))
    found = {(d.service, d.level): d for d in compared(first, second)}
    assert found["s3", "Write"].only_first == ("PutObject",)
    assert found["s3", "Write"].only_second == ("DeleteObject",)
    assert (found["s3", "Read"].both, found["s3", "Read"].unlike) == (1, ())
    assert found["sqs", "Write"].unlike == ("SendMessage",)
    assert all(not (d.only_first or d.only_second or d.unlike) for d in compared(first, first))


def test_everybody_of_the_demo_account_has_an_answer() -> None:
    session = demo()
    (snapshot,) = session.world.snapshots
    for identity in (*snapshot.users[:12], *snapshot.roles[:12], *snapshot.groups):
        found = effective_access(identity, snapshot, session._book.surroundings)
        assert not found.unread, identity.name
        assert all(line.granted_by for line in found.allowed), identity.name


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_the_command(form: str) -> None:
    result = CliRunner().invoke(cli, ["access", "--demo", "deploy-bot", "--format", form])
    assert result.exit_code == 0, result.output
    assert "PassRole" in result.stdout
    assert "ci-boundary" in result.output
    if form == "json":
        assert {line["service"] for line in json.loads(result.stdout)["allowed"]} >= {"ecs", "ecr", "iam"}


def test_the_command_compares() -> None:
    result = CliRunner().invoke(cli, ["access", "--demo", "deploy-bot", "inventory-scanner", "--format", "json"])
    assert result.exit_code == 0, result.output
    ec2 = next(d for d in json.loads(result.stdout) if (d["service"], d["level"]) == ("ec2", "Write"))
    assert "TerminateInstances" in ec2["only_second"]
    assert isinstance(CliRunner().invoke(cli, ["access", "--demo", "deploy-bot", "nobody-here"]).exception, NotFoundError)
