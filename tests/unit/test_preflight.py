"""A policy before it is applied: what is called no gain gives nothing, what is wrong is said, and a pipeline can stop on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import Phase, given, settings

from iamtui.analysis.preflight import preflight
from iamtui.cli import cli
from iamtui.policy.compiled import compile_policy
from iamtui.policy.coverage import gained
from iamtui.policy.decision import Effect
from iamtui.policy.evaluation import evaluate
from iamtui.policy.requests import request_of
from iamtui.policy.validation import Severity, validate
from iamtui.source.demo.surroundings import proposed_policy
from tests.policy_strategies import documents, requests


def text(*statements: dict[str, Any], version: str = "2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": list(statements)} if version else {"Statement": list(statements)})


def allow(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


OFFICE = {"Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}
NOT_IAM = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}


@settings(max_examples=80, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink))
@given(requests(), documents("identity"), documents("identity"))
def test_without_a_gain_nothing_new_is_allowed(request: dict[str, Any], old: dict[str, Any], new: dict[str, Any]) -> None:
    request = {key: value for key, value in request.items() if key in ("principal", "action", "resource", "context")}

    def answer(document: dict[str, Any]) -> Effect:
        return evaluate(request_of(json.dumps({**request, "identityPolicies": [document]}))[1]).effect

    if answer(new) is Effect.ALLOWED and answer(old) is not Effect.ALLOWED and not request["principal"].endswith(":root"):
        actions = [a for gain in gained(compile_policy(json.dumps(old)), compile_policy(json.dumps(new))) for a in gain.actions]
        assert request["action"] in actions


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (text(allow("s3:*")), text(allow("s3:GetObject")), ""),
        (text(allow("s3:GetObject")), text(allow(["s3:GetObject", "s3:PutObject"])), "s3:PutObject"),
        (text(allow("s3:GetObject", "arn:aws:s3:::a/*")), text(allow("s3:GetObject", "arn:aws:s3:::a/b/*")), ""),
        (text(allow("s3:GetObject", "arn:aws:s3:::a/*")), text(allow("s3:GetObject", "arn:aws:s3:::*")), "s3:GetObject"),
        (text(allow("s3:GetObject", **OFFICE)), text(allow("s3:GetObject")), "s3:GetObject"),
        (text(allow("s3:GetObject")), text(allow("s3:GetObject", **OFFICE)), ""),
        (text(allow("s3:GetObject"), deny("s3:GetObject", "arn:aws:s3:::secret/*")), text(allow("s3:GetObject")), "s3:GetObject"),
        (text(allow("s3:GetObject"), deny("s3:GetObject")), text(allow("s3:GetObject"), deny("s3:*")), ""),
        (text(allow("s3:GetObject"), deny("sqs:*")), text(allow("s3:GetObject")), ""),
        (text(NOT_IAM), text(allow(["s3:GetObject", "iam:PassRole"])), "iam:PassRole"),
        ("", text(allow("sqs:SendMessage")), "sqs:SendMessage"),
        (text(allow("newservice:DoIt")), text(allow(["newservice:DoIt", "newservice:Other"])), "newservice:Other"),
        (
            text({"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::a/*"}),
            text(allow("s3:GetObject", "arn:aws:s3:::b/*")),
            "",
        ),
        (
            text({"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::a/*"}),
            text({"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::a/b/*"}),
            "s3:GetObject",
        ),
    ],
)
def test_gains(old: str, new: str, expected: str) -> None:
    found = {action for gain in preflight(old, new).gained for action in gain.actions}
    assert found == ({expected} if expected else set())


@pytest.mark.parametrize(
    ("document", "severity", "words"),
    [
        (text(allow()), Severity.HIGH, "administrator access"),
        (text(allow("iam:PassRole")), Severity.HIGH, "iam:PassRole on every role"),
        (text(allow("s3:GetObjekt")), Severity.MEDIUM, "matches no action"),
        (text(allow("nosuch:Thing")), Severity.MEDIUM, "does not know"),
        (text(allow("s3:ListAllMyBuckets", "arn:aws:s3:::logs")), Severity.MEDIUM, "can name no resource"),
        (text(allow("s3:GetObject", "arn:aws:s3:::logs")), Severity.MEDIUM, "none of the statement's ARNs is of such a type"),
        (text(NOT_IAM), Severity.HIGH, "NotAction"),
        (text(deny(Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}})), Severity.HIGH, "does not stop access keys"),
        (text(allow("s3:GetObject", Condition={"ForAllValues:StringEquals": {"aws:TagKeys": "a"}})), Severity.MEDIUM, "also holds when"),
        (text(allow("s3:GetObject", Condition={"StringEquals": {"aws:RequestedRegion": "eu-*"}})), Severity.MEDIUM, "as a character"),
        (text(allow("s3:GetObject"), version=""), Severity.MEDIUM, "Version is missing"),
        (text(allow("s3:GetObject", "arn:aws:s3:::${aws:username}/*"), version="2008-10-17"), Severity.HIGH, "plain text"),
        ("{", Severity.HIGH, "not JSON"),
        (text({"Effect": "Allow", "Action": "s3:GetObject"}), Severity.HIGH, "names no resource"),
        (text(allow("iam:AttachUserPolicy")), Severity.HIGH, "changes who may do what"),
        (text(allow("s3:GetObject", Condition={"StringLike": {"s3:prefix": "a/*"}})), Severity.MEDIUM, "never applies to it"),
        (text(deny("ec2:RunInstances", Condition={"StringNotEquals": {"iam:PassedToService": "a"}})), Severity.MEDIUM, "decides nothing"),
        (text(allow(["s3:Get*", "s3:List*"], Condition={"StringEquals": {"s3:prefix": "a"}})), Severity.MEDIUM, "s3:Get*: no such request"),
        (text(allow("s3:ListBucket", Condition={"StringEquals": {"s3:prefiks": "a"}})), Severity.MEDIUM, "no such condition key"),
    ],
)
def test_what_is_wrong_is_said(document: str, severity: Severity, words: str) -> None:
    found = [remark for remark in validate(document) if words in remark.words]
    assert found, validate(document)
    assert found[0].severity is severity


@pytest.mark.parametrize(
    "document",
    [
        text(allow("s3:GetObject", "arn:aws:s3:::logs/*")),
        text(allow(["s3:ListBucket", "s3:GetObject"], ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"])),
        text(
            allow(
                "iam:PassRole",
                "arn:aws:iam::123456789012:role/app-*",
                Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
            )
        ),
        text(deny(Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}})),
        text(allow("ec2:StartInstances", "arn:aws:ec2:*:123456789012:instance/*")),
        text(allow("s3:ListBucket", "arn:aws:s3:::logs", Condition={"StringLike": {"s3:prefix": "a/*"}})),
        text(allow("s3:GetObject", "arn:aws:s3:::a/*", Condition={"StringEquals": {"s3:ExistingObjectTag/team": "a"}})),
        text(
            allow("s3:GetObject", "arn:aws:s3:::a/*", Condition={"ArnLike": {"lambda:SourceFunctionArn": "arn:aws:lambda:*:1:function:a"}})
        ),
        text(allow("kms:Decrypt", "arn:aws:kms:*:1:key/*", Condition={"StringEquals": {"kms:EncryptionContext:app": "a"}})),
    ],
)
def test_a_sound_policy_has_nothing_to_look_at(document: str) -> None:
    assert validate(document) == ()


@pytest.fixture
def proposed(tmp_path: Path) -> str:
    file = tmp_path / "proposed.json"
    file.write_text(json.dumps(proposed_policy()))
    return str(file)


def run(*words: str) -> Any:
    return CliRunner().invoke(cli, ["--demo", "preflight", *words])


def test_the_story_of_a_policy_tested_before_it_is_applied(proposed: str) -> None:
    result = run("deploy-base", proposed)
    assert result.exit_code == 1
    assert "high: iam:PassRole on every role" in result.stdout
    assert "gained: iam Write: PassRole on *" in result.stdout
    assert "lost: lambda Write: PublishVersion" in result.stdout
    assert run(proposed, "deploy-base").exit_code == 1  # PublishVersion comes back
    assert run("deploy-base", "deploy-base").exit_code == 0


def test_for_an_identity_what_it_has_anyway_is_no_gain(proposed: str) -> None:
    assert run("deploy-base", proposed, "--for", "deploy-bot").exit_code == 1
    admin = run("deploy-base", proposed, "--for", "test-migration")
    assert admin.exit_code == 0, admin.stdout
    assert "it has that already: identity policy AdministratorAccess" in admin.stdout


def test_as_json(proposed: str) -> None:
    told = json.loads(run("deploy-base", proposed, "--format", "json").stdout)
    assert told["grows"] is True
    assert told["gained"][0]["actions"] == ["iam:PassRole"]
    assert {"severity", "statement", "words", "what_to_do", "broken"} == set(told["remarks"][0])


@pytest.mark.parametrize(
    "words", [("no-such-policy", "none"), ("deploy-base", "/nowhere/policy.json"), ("deploy-base", "none", "--for", "nobody-here")]
)
def test_what_is_not_there_is_a_sentence(words: tuple[str, ...]) -> None:
    from iamtui.errors import IamtuiError

    assert isinstance(run(*words).exception, IamtuiError)
