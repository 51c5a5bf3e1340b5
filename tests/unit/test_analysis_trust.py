"""Trust policies in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.analysis.trust import summarize_trust, trust_summary
from tests.support.evidence import snapshot

OWN = "123456789012"


def trust(principal: Any, action: Any = "sts:AssumeRole", effect: str = "Allow", **more: Any) -> Any:
    document = {"Statement": {"Effect": effect, "Principal": principal, "Action": action, **more}}
    return summarize_trust(json.dumps(document), OWN)


GITHUB = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
WEB = "sts:AssumeRoleWithWebIdentity"


@pytest.mark.parametrize(
    ("principal", "kind", "name", "words"),
    [
        ({"Service": "ec2.amazonaws.com"}, "service", "ec2", "service ec2"),
        ({"Service": "ec2.amazonaws.com.cn"}, "service", "ec2", "service ec2"),
        ({"AWS": OWN}, "account", OWN, f"account {OWN} (this account)"),
        ({"AWS": "arn:aws:iam::999999999999:root"}, "account", "999999999999", "account 999999999999 (another account)"),
        ({"AWS": f"arn:aws:iam::{OWN}:role/path/ci"}, "role", "role/ci", "role ci"),
        ({"AWS": "arn:aws:iam::999999999999:user/bob"}, "user", "999999999999:user/bob", "user bob of account 999999999999"),
        ({"AWS": "AROAABCDEFGHIJKLMNOP"}, "deleted", "AROAABCDEFGHIJKLMNOP", "deleted AROAABCDEFGHIJKLMNOP"),
        ({"Federated": f"arn:aws:iam::{OWN}:saml-provider/okta"}, "SAML", "okta SAML", "okta SAML (this account)"),
        ({"Federated": GITHUB}, "OIDC", "github OIDC", "github OIDC (this account)"),
        ({"Federated": f"arn:aws:iam::{OWN}:oidc-provider/gitlab.com"}, "OIDC", "gitlab OIDC", "gitlab OIDC (this account)"),
        ({"Federated": f"arn:aws:iam::{OWN}:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"}, "OIDC", "eks OIDC", None),
        ({"Federated": "accounts.google.com"}, "OIDC", "accounts.google.com OIDC", None),
        ("*", "anyone", "anyone", "anyone in any AWS account"),
        ({"AWS": "*"}, "anyone", "anyone", "anyone in any AWS account"),
        ({"AWS": "nonsense"}, "unknown", "nonsense", "unknown nonsense"),
    ],
)
def test_principals(principal: Any, kind: str, name: str, words: str | None) -> None:
    (found,) = trust(principal).trustees
    assert (found.kind, found.name) == (kind, name)
    assert words is None or found.words == words


def test_conditions_in_words() -> None:
    condition = {"StringEquals": {"sts:ExternalId": "abc"}, "Bool": {"aws:MultiFactorAuthPresent": "true"}}
    (found,) = trust({"AWS": "999999999999"}, Condition=condition).trustees
    assert found.conditions == ("external id is abc", "MFA required")
    assert found.warning == ""
    assert found.sentence == "account 999999999999 (another account) may assume this role, if external id is abc and MFA required"


@pytest.mark.parametrize(
    ("principal", "condition", "warning"),
    [
        ("*", None, "anyone may assume it: no condition says who"),
        ("*", {"Bool": {"aws:SecureTransport": "true"}}, "anyone may assume it: no condition says who"),
        ("*", {"StringEquals": {"sts:ExternalId": "x"}}, ""),
        ({"AWS": "999999999999"}, None, "another account may use it without an external id"),
        ({"AWS": OWN}, None, ""),
        ({"Federated": GITHUB}, None, "no condition on the subject: whoever the provider vouches for may assume it"),
        (
            {"Federated": GITHUB},
            {"StringLike": {"token.actions.githubusercontent.com:sub": "*"}},
            "the subject (sub) begins with a wildcard",
        ),
        ({"Federated": GITHUB}, {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:acme/app:*"}}, ""),
        ({"AWS": "AIDAABCDEFGHIJKLMNOP"}, None, "the identity behind this id was deleted"),
    ],
)
def test_what_a_reviewer_should_look_at(principal: Any, condition: Any, warning: str) -> None:
    more = {"Condition": condition} if condition else {}
    action = WEB if isinstance(principal, dict) and "Federated" in principal else "sts:AssumeRole"
    assert trust(principal, action, **more).trustees[0].warning == warning
    assert trust(principal, action, effect="Deny", **more).trustees[0].warning == ""


def test_anyone_of_an_organisation_is_not_anyone() -> None:
    found = trust("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1234"}})
    assert found.names == ("org o-1234",)
    assert found.trustees[0].kind == "organization"
    assert found.trustees[0].warning == ""
    assert trust("*", Condition={"StringLike": {"aws:PrincipalOrgID": "*"}}).names == ("anyone",)


def test_subjects_of_a_provider() -> None:
    condition = {"StringLike": {"token.actions.githubusercontent.com:sub": ["repo:a/b:*", "repo:a/c:*"]}}
    assert trust({"Federated": GITHUB}, WEB, Condition=condition).trustees[0].subjects == ("repo:a/b:*", "repo:a/c:*")


def test_denies_come_first_and_are_not_named_in_the_list() -> None:
    document = {
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": OWN}, "Action": "sts:AssumeRole"},
            {"Effect": "Deny", "Principal": "*", "Action": "sts:*"},
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:TagSession"},
        ]
    }
    summary = summarize_trust(json.dumps(document), OWN)
    assert [t.effect for t in summary.trustees] == ["Deny", "Allow", "Allow"]
    assert summary.names == (OWN,)
    assert summary.trustees[2].sentence == "service ec2 may call sts:TagSession"


def test_not_principal_is_everyone_else() -> None:
    document = {"Statement": {"Effect": "Allow", "NotPrincipal": {"AWS": f"arn:aws:iam::{OWN}:user/x"}, "Action": "sts:AssumeRole"}}
    summary = summarize_trust(json.dumps(document), OWN)
    assert summary.names == ("anyone except some",)
    assert any("trusts everyone it does not name" in finding for finding in summary.findings)


@pytest.mark.parametrize(
    ("text", "finding"),
    [("", "empty"), ("{", "not JSON"), ('{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole"}]}', "names no principal")],
)
def test_malformed_is_said(text: str, finding: str) -> None:
    assert any(finding in said for said in summarize_trust(text, OWN).findings)


def test_real_roles() -> None:
    of = snapshot("gaad/trust-star.json")
    assert {role.name: trust_summary(role, of).names for role in of.roles} == {
        "bad_role": ("anyone",),
        "exfiller": ("ec2",),
        "level1": ("lambda",),
        "level3": ("ecs-tasks",),
    }


@given(st.text(max_size=40), st.sampled_from(["AWS", "Service", "Federated", "CanonicalUser", "Other"]))
def test_no_principal_raises(value: str, kind: str) -> None:
    for found in trust({kind: value}).trustees:
        assert found.words
        assert found.sentence
