"""What can be reached from outside, what narrows it, and what makes the difference between a partner and a stranger."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iamtui.analysis.exposure import Severity, exposures
from iamtui.model.account import Snapshot
from iamtui.model.identity import Role
from iamtui.model.surroundings import Organization, ResourcePolicy, Surroundings

OWN, PARTNER, SISTER = "111111111111", "222222222222", "333333333333"
ORGANIZATION = Organization("999999999999", {OWN: ("r", OWN), SISTER: ("r", SISTER)}, {}, {SISTER: "data"})
AROUND = Surroundings(organizations=(ORGANIZATION,))


def statement(principal: Any, **condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **({"Condition": condition} if condition else {})}


def role(*statements: dict[str, Any]) -> Snapshot:
    arn = f"arn:aws:iam::{OWN}:role/r"
    return Snapshot(OWN, roles=(Role(arn, "r", "AROAR", "/", OWN, None, trust=json.dumps({"Statement": list(statements)})),))


GITHUB = {"Federated": f"arn:aws:iam::{OWN}:oidc-provider/token.actions.githubusercontent.com"}
SUB = "token.actions.githubusercontent.com:sub"


@pytest.mark.parametrize(
    ("given", "severity", "words"),
    [
        (statement("*"), Severity.CRITICAL, "everybody"),
        (statement("*", StringEquals={"aws:PrincipalOrgID": "o-1"}), Severity.LOW, "organisation"),
        (statement("*", IpAddress={"aws:SourceIp": "192.0.2.0/24"}), Severity.HIGH, "conditions"),
        (statement({"AWS": PARTNER}), Severity.HIGH, "without an external id"),
        (statement({"AWS": PARTNER}, StringEquals={"sts:ExternalId": "x"}), Severity.MEDIUM, "with an external id"),
        (statement({"AWS": f"arn:aws:iam::{PARTNER}:role/x"}), Severity.HIGH, "outside the organisation"),
        (statement({"AWS": SISTER}), Severity.LOW, "same organisation (data)"),
        (statement(GITHUB), Severity.HIGH, "whoever the provider vouches for"),
        (statement(GITHUB, StringLike={SUB: "*"}), Severity.HIGH, "begins with a wildcard"),
        (statement(GITHUB, StringLike={SUB: "repo:acme/*"}), Severity.MEDIUM, "which repository"),
        (statement(GITHUB, StringLike={SUB: "repo:acme/shop:*"}), Severity.LOW, "which branch"),
        (statement(GITHUB, StringEquals={SUB: "repo:acme/shop:ref:refs/heads/main"}), Severity.LOW, "one named subject"),
        ({"Effect": "Allow", "NotPrincipal": {"AWS": OWN}, "Action": "sts:AssumeRole"}, Severity.CRITICAL, "NotPrincipal"),
        (statement({"AWS": "AROAEXAMPLEEXAMPLE12"}), Severity.LOW, "deleted"),
    ],
)
def test_trust(given: dict[str, Any], severity: Severity, words: str) -> None:
    (found,) = exposures([role(given)], AROUND)
    assert (found.severity, found.kind) == (severity, "role")
    assert words in found.why


@pytest.mark.parametrize(
    "given", [statement({"AWS": OWN}), statement({"AWS": f"arn:aws:iam::{OWN}:user/a"}), statement({"Service": "ec2.amazonaws.com"})]
)
def test_what_is_inside_is_no_exposure(given: dict[str, Any]) -> None:
    assert exposures([role(given)], AROUND) == ()
    assert exposures([role({**statement("*"), "Effect": "Deny"})], AROUND) == ()


def test_resources_and_services_that_act_for_others() -> None:
    topic = f"arn:aws:sns:eu-west-1:{OWN}:t"
    for condition, expected in (({}, 1), ({"StringEquals": {"aws:SourceAccount": OWN}}, 0)):
        given = {**statement({"Service": "s3.amazonaws.com"}, **condition), "Action": "sns:Publish", "Resource": "*"}
        around = Surroundings({topic: ResourcePolicy(topic, OWN, json.dumps({"Statement": given}))}, (ORGANIZATION,))
        found = exposures([], around)
        assert len(found) == expected
        assert all("confused deputy" in one.why and one.severity is Severity.MEDIUM for one in found)


@pytest.mark.parametrize(
    "condition", [{}, {"StringEquals": {"aws:SourceAccount": OWN}}, {"ArnLike": {"aws:SourceArn": f"arn:aws:states:*:{OWN}:*"}}]
)
def test_a_role_that_a_service_assumes_for_whoever_asks(condition: dict[str, Any]) -> None:
    """Told apart from a missing external id and from a wide subject; not told of services that only run the account's own code."""
    found = exposures([role(statement({"Service": "states.amazonaws.com"}, **condition))], AROUND)
    assert [(one.severity, "confused deputy" in one.why) for one in found] == ([] if condition else [(Severity.LOW, True)])
    assert exposures([role(statement({"Service": "lambda.amazonaws.com"}, **condition))], AROUND) == ()


def test_the_gravest_first_and_a_deny_is_named() -> None:
    bucket = "arn:aws:s3:::b"
    document = {"Statement": [{**statement("*"), "Resource": "*"}, {**statement("*"), "Effect": "Deny", "Resource": "*"}]}
    around = Surroundings({bucket: ResourcePolicy(bucket, OWN, json.dumps(document))}, (ORGANIZATION,))
    found = exposures([role(statement({"AWS": SISTER}))], around)
    assert [one.severity for one in found] == [Severity.CRITICAL, Severity.LOW]
    assert "a Deny of the same policy may narrow it" in found[0].why
