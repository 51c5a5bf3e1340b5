"""Questions about an account: can this identity, who can, and what is not in the answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from iamtui.analysis.access import NOTHING_AROUND, around, as_caller, decide, question
from iamtui.analysis.whocan import who_can
from iamtui.cli import cli
from iamtui.model.account import Snapshot
from iamtui.model.identity import InlinePolicy, Role, User
from iamtui.model.policy import PolicyRef
from iamtui.model.surroundings import Organization, OrganizationPolicy, ResourcePolicy, Surroundings
from iamtui.policy.decision import Effect, Layer
from iamtui.session import ListKind, Session
from iamtui.source.demo import DemoSource

NOW = datetime(2026, 10, 1, 14, 2, tzinfo=UTC)
ACCOUNT = "123456789012"
MAY = (Effect.ALLOWED, Effect.DEPENDS)


@cache
def demo() -> Session:
    session = Session(DemoSource(now=NOW), now=lambda: NOW)
    session.open()
    session.who_can("s3:GetObject")
    return session


def text(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def user(name: str, *documents: str, boundary: PolicyRef | None = None) -> User:
    arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
    inline = tuple(InlinePolicy(f"p{n}", document) for n, document in enumerate(documents))
    return User(arn, name, f"AIDA{name}", "/", ACCOUNT, None, inline=inline, boundary=boundary)


def role(name: str, trust: dict[str, Any], *documents: str) -> Role:
    arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    inline = tuple(InlinePolicy(f"p{n}", document) for n, document in enumerate(documents))
    return Role(arn, name, f"AROA{name}", "/", ACCOUNT, None, trust=text(trust), inline=inline)


def ask(identity: Any, snapshot: Snapshot, action: str, resource: str = "*", surroundings: Surroundings = NOTHING_AROUND) -> Any:
    return decide(identity, snapshot, question(action, resource, [snapshot], surroundings), surroundings)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:CreateUser", "*"),
        ("s3:GetObject", "arn:aws:s3:::acme-settlements/x"),
        ("s3:GetObject", "arn:aws:s3:::acme-public-assets/logo.png"),
        ("s3:PutObject", "arn:aws:s3:::acme-data-lake/raw/x"),
        ("kms:Decrypt", "arn:aws:kms:eu-west-1:123456789012:key/5f0e6c1a-EXAMPLE-4b7d-9c52-3d1f7a80be44"),
        ("sts:AssumeRole", "arn:aws:iam::123456789012:role/prod-operator"),
        ("ec2:TerminateInstances", "arn:aws:ec2:eu-west-1:123456789012:instance/i-1"),
        ("sts:GetCallerIdentity", "*"),
    ],
)
def test_who_can_agrees_with_asking_everybody(action: str, resource: str) -> None:
    session = demo()
    (snapshot,) = session.world.snapshots
    surroundings = session._book.surroundings
    asked = question(action, resource, [snapshot], surroundings)
    found = {h.arn: h for h in who_can(asked, [snapshot], surroundings) if h.identity is not None}
    for identity in (*snapshot.users, *snapshot.roles):
        verdict = decide(identity, snapshot, asked, surroundings)
        expected = verdict.decision.effect in MAY
        if action == "sts:GetCallerIdentity":
            continue  # needs no permission: everybody may, and nobody asks
        assert (identity.arn in found) is expected, (identity.name, verdict.decision.told)
        if expected:
            holder = found[identity.arn]
            assert holder.effect is verdict.decision.effect
            assert holder.decision.told == verdict.decision.told
            assert holder.conditions == (
                "" if verdict.decision.conditions is None else verdict.decision.told[-1].removeprefix("depends on ")
            )


def test_a_policy_that_was_not_read_is_named() -> None:
    ana = msgspec.structs.replace(user("ana", text(ALL)), attached=(PolicyRef("arn:aws:iam::aws:policy/Gone", "Gone"),), groups=("ops",))
    verdict = ask(ana, Snapshot(ACCOUNT, users=(ana,)), "iam:CreateUser")
    assert verdict.decision.effect is Effect.ALLOWED
    assert set(verdict.unread) == {"Gone", "group ops"}
    assert "organisation policies were not read" in verdict.notes


def test_a_trust_policy_stands_at_the_door() -> None:
    trusted = role("app", {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"})
    closed = role("shut", {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
    ana, ben = user("ana", text(ALL)), user("ben")
    snapshot = Snapshot(ACCOUNT, users=(ana, ben), roles=(trusted, closed))
    assert ask(ana, snapshot, "sts:AssumeRole", trusted.arn).decision.effect is Effect.ALLOWED
    assert ask(ben, snapshot, "sts:AssumeRole", trusted.arn).decision.missing == (Layer.IDENTITY,)
    assert ask(ana, snapshot, "sts:AssumeRole", closed.arn).decision.missing == (Layer.RESOURCE,)
    holders = who_can(question("sts:AssumeRole", closed.arn, [snapshot], NOTHING_AROUND), [snapshot])
    assert [(h.kind, h.name) for h in holders] == [("service", "ec2.amazonaws.com")]


def test_organisation_policies_bind_members_and_not_the_management_account() -> None:
    scp = OrganizationPolicy("no-iam", "SERVICE_CONTROL_POLICY", text(ALL, {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}), "r-1")
    member = Organization("999999999999", {ACCOUNT: ("r-1", ACCOUNT)}, {"r-1": (scp,), ACCOUNT: (scp,)}, {"r-1": "Root"})
    ana = user("ana", text(ALL))
    snapshot = Snapshot(ACCOUNT, users=(ana,))
    verdict = ask(ana, snapshot, "iam:CreateUser", "*", Surroundings(organizations=(member,)))
    assert verdict.decision.effect is Effect.EXPLICITLY_DENIED
    assert "service control policy no-iam (at Root)" in verdict.decision.told[0]
    management = msgspec.structs.replace(member, management=ACCOUNT)
    assert ask(ana, snapshot, "iam:CreateUser", "*", Surroundings(organizations=(management,))).decision.effect is Effect.ALLOWED


def test_a_bucket_policy_answers_for_its_objects_and_names_strangers() -> None:
    policy = text(
        {
            "Effect": "Allow",
            "Principal": {"AWS": ["222222222222", f"arn:aws:iam::{ACCOUNT}:user/ana"]},
            "Action": "s3:GetObject",
            "Resource": "*",
        },
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": "*",
            "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
        },
    )
    bucket = "arn:aws:s3:::logs"
    surroundings = Surroundings({bucket: ResourcePolicy(bucket, ACCOUNT, policy)})
    ana, ben = user("ana"), user("ben")
    snapshot = Snapshot(ACCOUNT, users=(ana, ben))
    asked = question("s3:GetObject", f"{bucket}/a", [snapshot], surroundings)
    found = {(h.kind, h.name): h for h in who_can(asked, [snapshot], surroundings)}
    assert found[("user", "ana")].effect is Effect.ALLOWED
    assert found[("user", "ben")].conditions == "aws:SourceIp IpAddress 192.0.2.0/24"
    assert found[("account", "account 222222222222")].effect is Effect.ALLOWED
    assert found[("everybody", "everybody")].effect is Effect.DEPENDS


def test_variables_keep_identities_apart() -> None:
    own = text({"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::home/${aws:username}/*"})
    ana, ben = user("ana", own), user("ben", own)
    snapshot = Snapshot(ACCOUNT, users=(ana, ben))
    holders = who_can(question("s3:GetObject", "arn:aws:s3:::home/ana/x", [snapshot], NOTHING_AROUND), [snapshot])
    assert [holder.name for holder in holders] == ["ana"]
    assert around(ana, snapshot).personal


def test_the_region_of_a_resource_is_the_region_of_the_request() -> None:
    only = text({**ALL, "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}})
    ana = user("ana", only)
    snapshot = Snapshot(ACCOUNT, users=(ana,))
    for region, effect in (("eu-west-1", Effect.ALLOWED), ("us-east-1", Effect.IMPLICITLY_DENIED)):
        assert ask(ana, snapshot, "sqs:SendMessage", f"arn:aws:sqs:{region}:{ACCOUNT}:q").decision.effect is effect


def run(*words: str) -> Any:
    return CliRunner().invoke(cli, ["--demo", *words])


@pytest.mark.parametrize(
    ("words", "code", "first"),
    [
        (
            ("can", "inventory-scanner", "ec2:TerminateInstances", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-1"),
            0,
            "Allowed: inventory-scanner may",
        ),
        (("can", "User1", "iam:CreateUser"), 1, "ImplicitlyDenied: User1 may not iam:CreateUser"),
        (("can", "p.novak", "sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/prod-operator"), 4, "Depends: p.novak may, under conditions,"),
        (
            (
                "can",
                "p.novak",
                "sts:AssumeRole",
                f"arn:aws:iam::{ACCOUNT}:role/prod-operator",
                "--context",
                "aws:MultiFactorAuthPresent=true",
            ),
            0,
            "Allowed",
        ),
    ],
)
def test_can_prints_three_lines(words: tuple[str, ...], code: int, first: str) -> None:
    result = run(*words)
    lines = result.stdout.splitlines()
    assert result.exit_code == code, result.output
    assert len(lines) == 3
    assert lines[0].startswith(first)
    assert lines[1].startswith("because: ")
    assert lines[2].startswith("not in this answer: ")


@pytest.mark.parametrize("words", [("can", "User1", "nonsense"), ("who-can", "s3:*"), ("can", "User1", "s3:GetObject", "--context", "x")])
def test_wrong_use_is_a_sentence(words: tuple[str, ...]) -> None:
    from iamtui.errors import UsageError

    result = run(*words)
    assert isinstance(result.exception, UsageError)
    assert result.exception.hint


def test_who_can_as_json_and_csv() -> None:
    rows = json.loads(run("who-can", "iam:CreateUser", "--format", "json").stdout)
    assert {row["who"] for row in rows} >= {"ci-runner", "t.dubois", "test-migration"}
    assert set(rows[0]) == {"who", "kind", "account", "answer", "because", "conditions", "arn"}
    assert "t.dubois,user,123456789012,Allowed" in run("who-can", "iam:CreateUser", "--format", "csv").stdout


def test_only_identities_can() -> None:
    from iamtui.errors import NotFoundError

    session = demo()
    with pytest.raises(NotFoundError):
        session.can(session.listing(ListKind.POLICIES).rows[0], "s3:GetObject")


def test_escalations_of_the_demo_account() -> None:
    result = run("escalations", "--format", "json")
    rows = json.loads(result.stdout)
    assert result.exit_code == 1
    ways = {(row["identity"], row["path"]) for row in rows}
    assert {("data-admin", "iam-001"), ("jenkins", "sts-001"), ("prod-operator", "sts:AssumeRole")} <= ways
    one = next(row for row in rows if row["path"] == "iam-001")
    assert one["steps"][0]["command"].startswith("aws iam create-policy-version")
    assert json.loads(run("escalations", "data-admin", "--format", "json").stdout)


@pytest.mark.parametrize("where", ["arn:aws:iam::666666666666:user/", "arn:aws:iam::666666666666:thing/x", "", "not an ARN", "arn:aws:iam"])
def test_an_arn_that_only_a_strangers_file_would_hold_is_asked_about_all_the_same(where: str) -> None:
    found = as_caller(User(where, "odd", "AIDAEXAMPLE", "/", "666666666666", None))
    assert found.text == where or where == ""
    assert found.account in ("666666666666", "")


def test_an_identity_whose_arn_aws_would_not_give_is_judged_all_the_same() -> None:
    from iamtui.analysis.findings import findings

    admin = InlinePolicy("all", '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}')
    passes = InlinePolicy(
        "some", '{"Statement": {"Effect": "Allow", "Action": ["iam:PassRole", "sts:AssumeRole", "lambda:*"], "Resource": "*"}}'
    )
    now = datetime(2026, 10, 1, tzinfo=UTC)
    user = User("arn:aws:iam::test:user/ana", "ana", "AIDA1", "/", "test", now, inline=(passes,))
    role = Role("arn:aws:iam::test:role/r", "r", "AROA1", "/", "test", now, trust='{"Statement": []}', inline=(admin,))
    assert findings([Snapshot("test", users=(user,), roles=(role,))], now=now)
