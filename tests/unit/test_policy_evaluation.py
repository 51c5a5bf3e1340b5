"""Decisions of AWS's documentation, page by page, in our own words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iamtui.policy.decision import Decision, Effect, Layer
from iamtui.policy.evaluation import evaluate
from iamtui.policy.requests import BadRequestError, answer_line, request_of
from tests.policy_reference import decide

A, B = "111111111111", "222222222222"
ANA, ROLE = f"arn:aws:iam::{A}:user/ana", f"arn:aws:iam::{A}:role/app/deploy"
SESSION = f"arn:aws:sts::{A}:assumed-role/deploy/ana"
OBJECT = "arn:aws:s3:::logs/a"
QUEUE = f"arn:aws:sqs:eu-west-1:{A}:q"
KEY = f"arn:aws:kms:eu-west-1:{A}:key/1"
YES, NO, NEVER = Effect.ALLOWED, Effect.IMPLICITLY_DENIED, Effect.EXPLICITLY_DENIED


def policy(*statements: dict[str, Any], version: str = "2012-10-17") -> dict[str, Any]:
    return {"Version": version, "Statement": list(statements)}


def allow(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def to(principal: Any, action: Any = "*", **more: Any) -> dict[str, Any]:
    return policy(allow(action, Principal=principal, **more))


ALL = policy(allow())
NOTHING = policy(allow("ec2:*"))


def ask(principal: str = ANA, action: str = "s3:GetObject", resource: str = OBJECT, **layers: Any) -> Decision:
    request = {"principal": principal, "action": action, "resource": resource, **layers}
    return evaluate(request_of(json.dumps(request))[1])


LAYERS: dict[str, tuple[dict[str, Any], Effect]] = {
    "nothing allows": ({}, NO),
    "an identity policy allows": ({"identityPolicies": [ALL]}, YES),
    "a deny beats every allow": ({"identityPolicies": [ALL, policy(deny("s3:Get*"))], "resourcePolicy": to("*")}, NEVER),
    "a deny of a boundary is a deny": ({"identityPolicies": [ALL], "permissionsBoundaries": [policy(allow(), deny("s3:*"))]}, NEVER),
    "a boundary limits": ({"identityPolicies": [ALL], "permissionsBoundaries": [NOTHING]}, NO),
    "a boundary grants nothing": ({"identityPolicies": [], "permissionsBoundaries": [ALL]}, NO),
    "a session policy limits": ({"principal": SESSION, "identityPolicies": [ALL], "sessionPolicies": [NOTHING]}, NO),
    "an endpoint policy limits": ({"identityPolicies": [ALL], "endpointPolicies": [to("*", "ec2:*")]}, NO),
    "an endpoint policy lets pass": ({"identityPolicies": [ALL], "endpointPolicies": [to("*")]}, YES),
    "every level of SCPs must allow": ({"identityPolicies": [ALL], "serviceControlPolicies": [[ALL], [NOTHING]]}, NO),
    "one SCP of a level is enough": ({"identityPolicies": [ALL], "serviceControlPolicies": [[ALL], [NOTHING, ALL]]}, YES),
    "an SCP level without a policy allows nothing": ({"identityPolicies": [ALL], "serviceControlPolicies": [[ALL], []]}, NO),
    "an SCP grants nothing": ({"serviceControlPolicies": [[ALL]]}, NO),
    "a deny of an SCP reaches root": (
        {"principal": f"arn:aws:iam::{A}:root", "serviceControlPolicies": [[policy(allow(), deny("s3:*"))]]},
        NEVER,
    ),
    "SCPs do not reach service-linked roles": (
        {
            "principal": f"arn:aws:iam::{A}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
            "identityPolicies": [ALL],
            "serviceControlPolicies": [[policy(deny())]],
        },
        YES,
    ),
    "SCPs do not reach a session of a service-linked role": (
        {
            "principal": f"arn:aws:sts::{A}:assumed-role/AWSServiceRoleForX/s",
            "identityPolicies": [ALL],
            "serviceControlPolicies": [[NOTHING]],
        },
        YES,
    ),
    "an RCP limits the resources of its services": (
        {"identityPolicies": [ALL], "resourceControlPolicies": [[policy(allow(Principal="*")), policy(deny("s3:*", Principal="*"))]]},
        NEVER,
    ),
    "an RCP says nothing of other services": (
        {
            "action": "ec2:StartInstances",
            "resource": f"arn:aws:ec2:eu-west-1:{A}:instance/i-1",
            "identityPolicies": [ALL],
            "resourceControlPolicies": [[policy(deny(Principal="*"))]],
        },
        YES,
    ),
    "an RCP reaches anonymous callers": (
        {
            "principal": "*",
            "resourcePolicy": to("*"),
            "resourceControlPolicies": [[policy(allow(Principal="*"), deny("s3:*", Principal="*"))]],
        },
        NEVER,
    ),
    "root needs no policy": ({"principal": f"arn:aws:iam::{A}:root"}, YES),
    "whoever asks who they are is told": ({"action": "sts:GetCallerIdentity", "resource": "*", "identityPolicies": [policy(deny())]}, YES),
}

RESOURCE_POLICIES: dict[str, tuple[dict[str, Any], Effect]] = {
    "a user by name, past an implicit deny of its boundary": (
        {"resourcePolicy": to({"AWS": ANA}), "permissionsBoundaries": [NOTHING]},
        YES,
    ),
    "not past an explicit deny": ({"resourcePolicy": to({"AWS": ANA}), "permissionsBoundaries": [policy(deny())]}, NEVER),
    "a role by name, within its boundary": (
        {"principal": SESSION, "resourcePolicy": to({"AWS": ROLE}), "permissionsBoundaries": [NOTHING]},
        NO,
    ),
    "a role by name, without an identity policy": ({"principal": SESSION, "resourcePolicy": to({"AWS": ROLE})}, YES),
    "a role by name, within the session policy": (
        {"principal": SESSION, "resourcePolicy": to({"AWS": ROLE}), "sessionPolicies": [NOTHING]},
        NO,
    ),
    "the very session, past session policy and boundary": (
        {"principal": SESSION, "resourcePolicy": to({"AWS": SESSION}), "sessionPolicies": [NOTHING], "permissionsBoundaries": [NOTHING]},
        YES,
    ),
    "another session of the role": ({"principal": SESSION + "2", "resourcePolicy": to({"AWS": SESSION})}, NO),
    "everybody, past the boundary": ({"principal": SESSION, "resourcePolicy": to("*"), "permissionsBoundaries": [NOTHING]}, YES),
    "everybody of a role by condition, past the boundary": (
        {
            "principal": SESSION,
            "resourcePolicy": to("*", Condition={"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{A}:role/deploy"}}),
            "permissionsBoundaries": [NOTHING],
        },
        YES,
    ),
    "the account delegates": ({"resourcePolicy": to({"AWS": A})}, NO),
    "the account and the identity": ({"resourcePolicy": to({"AWS": f"arn:aws:iam::{A}:root"}), "identityPolicies": [ALL]}, YES),
    "a principal with a wildcard is nobody": ({"resourcePolicy": to({"AWS": f"arn:aws:iam::{A}:user/*"})}, NO),
    "cross-account wants both: only the identity": ({"resourceAccount": B, "identityPolicies": [ALL]}, NO),
    "cross-account wants both: only the resource": ({"resourceAccount": B, "resourcePolicy": to({"AWS": ANA})}, NO),
    "cross-account with both": ({"resourceAccount": B, "identityPolicies": [ALL], "resourcePolicy": to({"AWS": A})}, YES),
    "cross-account with everybody": ({"resourceAccount": B, "identityPolicies": [ALL], "resourcePolicy": to("*")}, YES),
    "anonymous and everybody": ({"principal": "*", "resourcePolicy": to("*")}, YES),
    "anonymous and the AWS star": ({"principal": "*", "resourcePolicy": to({"AWS": "*"})}, YES),
    "anonymous and an account": ({"principal": "*", "resourcePolicy": to({"AWS": A})}, NO),
    "a service by name": ({"principal": "s3.amazonaws.com", "resourcePolicy": to({"Service": "s3.amazonaws.com"})}, YES),
    "another service": ({"principal": "s3.amazonaws.com", "resourcePolicy": to({"Service": "sns.amazonaws.com"})}, NO),
    "the AWS star names no service": ({"principal": "s3.amazonaws.com", "resourcePolicy": to({"AWS": "*"})}, NO),
    "the bare star names every service": ({"principal": "s3.amazonaws.com", "resourcePolicy": to("*")}, YES),
    "NotPrincipal excepts the user it names": (
        {
            "identityPolicies": [ALL],
            "resourcePolicy": policy({"Effect": "Deny", "NotPrincipal": {"AWS": [ANA, A]}, "Action": "*", "Resource": "*"}),
        },
        YES,
    ),
    "NotPrincipal denies everybody else": (
        {
            "identityPolicies": [ALL],
            "resourcePolicy": policy({"Effect": "Deny", "NotPrincipal": {"AWS": [ANA + "2", A]}, "Action": "*", "Resource": "*"}),
        },
        NEVER,
    ),
    "NotPrincipal denies whoever has a boundary": (
        {
            "identityPolicies": [ALL],
            "permissionsBoundaries": [ALL],
            "resourcePolicy": policy({"Effect": "Deny", "NotPrincipal": {"AWS": [ANA, A]}, "Action": "*", "Resource": "*"}),
        },
        NEVER,
    ),
    "a key policy must allow": ({"action": "kms:Decrypt", "resource": KEY, "identityPolicies": [ALL]}, NO),
    "a key policy that delegates, and the identity": (
        {"action": "kms:Decrypt", "resource": KEY, "identityPolicies": [ALL], "resourcePolicy": to({"AWS": f"arn:aws:iam::{A}:root"})},
        YES,
    ),
    "a key policy that delegates alone": (
        {"action": "kms:Decrypt", "resource": KEY, "resourcePolicy": to({"AWS": f"arn:aws:iam::{A}:root"})},
        NO,
    ),
    "a key policy that names the user": ({"action": "kms:Decrypt", "resource": KEY, "resourcePolicy": to({"AWS": ANA})}, YES),
    "a trust policy that names the user": (
        {
            "action": "sts:AssumeRole",
            "resource": ROLE,
            "resourcePolicy": policy({"Effect": "Allow", "Principal": {"AWS": ANA}, "Action": "sts:AssumeRole"}),
        },
        YES,
    ),
    "without a trust policy nobody gets in": ({"action": "sts:AssumeRole", "resource": ROLE, "identityPolicies": [ALL]}, NO),
    "a provider by its trust policy": (
        {
            "principal": f"arn:aws:iam::{A}:oidc-provider/token.actions.githubusercontent.com",
            "action": "sts:AssumeRoleWithWebIdentity",
            "resource": ROLE,
            "context": {"token.actions.githubusercontent.com:sub": "repo:acme/shop:ref:refs/heads/main"},
            "resourcePolicy": policy(
                {
                    "Effect": "Allow",
                    "Principal": {"Federated": f"arn:aws:iam::{A}:oidc-provider/token.actions.githubusercontent.com"},
                    "Action": "sts:AssumeRoleWithWebIdentity",
                    "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:acme/*"}},
                }
            ),
        },
        YES,
    ),
}


def conditioned(condition: dict[str, Any], context: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"identityPolicies": [policy(allow(Condition=condition), **more)], "context": context}


CONDITIONS: dict[str, tuple[dict[str, Any], Effect]] = {
    "keys in any case": (conditioned({"StringEquals": {"AWS:requestedregion": "x"}}, {"aws:RequestedRegion": "x"}), YES),
    "values in their case": (conditioned({"StringEquals": {"aws:RequestedRegion": "X"}}, {"aws:RequestedRegion": "x"}), NO),
    "several values: one is enough": (conditioned({"StringEquals": {"k": ["a", "b"]}}, {"k": "b"}), YES),
    "several keys: all": (conditioned({"StringEquals": {"k": "a", "l": "b"}}, {"k": "a"}), NO),
    "not equal: none of the values": (conditioned({"StringNotEquals": {"k": ["a", "b"]}}, {"k": "b"}), NO),
    "a missing key: positive": (conditioned({"StringLike": {"k": "*"}}, {}), NO),
    "a missing key: negated": (conditioned({"StringNotLike": {"k": "a"}}, {}), YES),
    "a missing key: IfExists": (conditioned({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}, {}), YES),
    "a key that is there: IfExists": (
        conditioned({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}, {"aws:MultiFactorAuthPresent": False}),
        NO,
    ),
    "Null true: missing": (conditioned({"Null": {"k": "true"}}, {}), YES),
    "Null false: there": (conditioned({"Null": {"k": False}}, {"k": "a"}), YES),
    "ForAllValues on nothing holds": (conditioned({"ForAllValues:StringEquals": {"k": "a"}}, {}), YES),
    "ForAnyValue on nothing does not": (conditioned({"ForAnyValue:StringEquals": {"k": "a"}}, {}), NO),
    "ForAllValues: one stranger": (conditioned({"ForAllValues:StringEquals": {"k": ["a", "b"]}}, {"k": ["a", "c"]}), NO),
    "ForAnyValue: one friend": (conditioned({"ForAnyValue:StringLike": {"k": "a*"}}, {"k": ["x", "ab"]}), YES),
    "numbers are numbers": (conditioned({"NumericEquals": {"k": "10"}}, {"k": 10.0}), YES),
    "dates by their moment": (
        conditioned({"DateLessThan": {"aws:CurrentTime": "2026-01-01T01:00:00+01:00"}}, {"aws:CurrentTime": "2025-12-31T23:59:59Z"}),
        YES,
    ),
    "dates as seconds": (conditioned({"DateEquals": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, {"aws:CurrentTime": 1767225600}), YES),
    "an address in a network": (conditioned({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, {"aws:SourceIp": "192.0.2.9"}), YES),
    "an address of the other family": (
        conditioned({"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, {"aws:SourceIp": "2001:db8::1"}),
        YES,
    ),
    "an ARN by its segments": (conditioned({"ArnLike": {"k": "arn:aws:s3:*:*:b*"}}, {"k": "arn:aws:s3:::b/x"}), YES),
    "a star does not cross segments": (conditioned({"ArnEquals": {"k": "arn:aws:*:b"}}, {"k": "arn:aws:s3:::b"}), NO),
    "binary": (conditioned({"BinaryEquals": {"k": "QmluYXJ5"}}, {"k": "QmluYXJ5"}), YES),
    "a variable": (conditioned({"StringEquals": {"k": "${aws:username}"}}, {"k": "ana"}), YES),
    "a variable's default": (conditioned({"StringEquals": {"k": "${aws:PrincipalTag/team, 'none'}"}}, {"k": "none"}), YES),
    "no variables in old policies": (
        conditioned({"StringEquals": {"k": "${aws:username}"}}, {"k": "${aws:username}"}, version="2008-10-17"),
        YES,
    ),
    "a literal star": (conditioned({"StringLike": {"k": "a${*}"}}, {"k": "ab"}), NO),
    "a star in a value is text": (
        {"identityPolicies": [policy(allow(resource="arn:aws:s3:::logs/${aws:PrincipalTag/t}"))], "context": {"aws:PrincipalTag/t": "*"}},
        NO,
    ),
    "an unknown operator says nothing": (conditioned({"StringIs": {"k": "a"}}, {"k": "a"}), NO),
}

ELEMENTS: dict[str, tuple[dict[str, Any], Effect]] = {
    "actions in any case": ({"identityPolicies": [policy(allow("S3:GETobject"))]}, YES),
    "a wildcard inside an action": ({"identityPolicies": [policy(allow("s3:*Object"))]}, YES),
    "NotAction": ({"identityPolicies": [policy({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})]}, YES),
    "NotAction excepts": ({"identityPolicies": [policy({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"})]}, NO),
    "NotResource": ({"identityPolicies": [policy({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::other/*"})]}, YES),
    "NotResource excepts": ({"identityPolicies": [policy({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::logs/*"})]}, NO),
    "resources in their case": ({"identityPolicies": [policy(allow(resource="arn:aws:s3:::LOGS/*"))]}, NO),
    "a question mark is one character": ({"identityPolicies": [policy(allow(resource="arn:aws:s3:::logs/?"))]}, YES),
    "a star in the middle of segments": ({"identityPolicies": [policy(allow(resource="arn:*:s3:*:*:l*/a"))]}, YES),
    "an action without resource types wants a star": (
        {"action": "s3:ListAllMyBuckets", "resource": "*", "identityPolicies": [policy(allow(resource="arn:aws:s3:::*"))]},
        NO,
    ),
    "a pattern that is asked must lie within": (
        {"resource": "arn:aws:s3:::logs/*", "identityPolicies": [policy(allow(resource="arn:aws:s3:::logs/a*"))]},
        NO,
    ),
    "a pattern that lies within": (
        {"resource": "arn:aws:s3:::logs/a*", "identityPolicies": [policy(allow(resource="arn:aws:s3:::logs/*"))]},
        YES,
    ),
    "a statement without an effect": ({"identityPolicies": [policy({"Action": "*", "Resource": "*"})]}, NO),
    "a statement with Action and NotAction": ({"identityPolicies": [policy({**allow(), "NotAction": "iam:*"})]}, NO),
    "a condition that is no object": ({"identityPolicies": [policy(allow(Condition="x"))]}, NO),
    "an identity policy without Resource": ({"identityPolicies": [policy({"Effect": "Allow", "Action": "*"})]}, NO),
    "nobody changes an AWS managed policy": (
        {"action": "iam:CreatePolicyVersion", "resource": "arn:aws:iam::aws:policy/ReadOnlyAccess", "identityPolicies": [ALL]},
        NO,
    ),
    "everybody may read one": (
        {"action": "iam:GetPolicy", "resource": "arn:aws:iam::aws:policy/ReadOnlyAccess", "identityPolicies": [ALL]},
        YES,
    ),
    "nobody changes a reserved role": (
        {
            "action": "iam:PutRolePolicy",
            "resource": f"arn:aws:iam::{A}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_x_1",
            "identityPolicies": [ALL],
        },
        NO,
    ),
    "Block Public Access stops strangers": ({"principal": "*", "resourcePolicy": to("*"), "blockPublicAccess": True}, NO),
    "Block Public Access lets the account": ({"resourcePolicy": to("*"), "blockPublicAccess": True}, YES),
    "a bucket without access by tags": (
        {**conditioned({"StringEquals": {"aws:ResourceTag/t": "a"}}, {"aws:ResourceTag/t": "a"}), "bucketAbac": False},
        NO,
    ),
}

CASES = {**LAYERS, **RESOURCE_POLICIES, **CONDITIONS, **ELEMENTS}
_BEYOND_THE_REFERENCE = (
    *(
        name
        for name in CASES
        if name.startswith(("nobody", "Block", "a bucket", "a pattern", "a statement", "a condition that", "an unknown"))
    ),
)


@pytest.mark.parametrize(("layers", "effect"), CASES.values(), ids=CASES)
def test_decision(layers: dict[str, Any], effect: Effect) -> None:
    decision = ask(**layers)
    assert decision.effect is effect, decision.told


@pytest.mark.parametrize(("layers", "effect"), [case for name, case in CASES.items() if name not in _BEYOND_THE_REFERENCE])
def test_the_second_reading_reads_the_same(layers: dict[str, Any], effect: Effect) -> None:
    assert decide({"principal": ANA, "action": "s3:GetObject", "resource": OBJECT, **layers}) == effect.value


@pytest.mark.parametrize(
    ("layers", "missing"),
    [
        ({}, [Layer.IDENTITY]),
        ({"identityPolicies": [ALL], "permissionsBoundaries": [NOTHING]}, [Layer.BOUNDARY]),
        ({"identityPolicies": [ALL], "resourceAccount": B}, [Layer.RESOURCE]),
        ({"resourceAccount": B}, [Layer.IDENTITY, Layer.RESOURCE]),
        ({"identityPolicies": [ALL], "serviceControlPolicies": [[NOTHING]]}, [Layer.SERVICE_CONTROL]),
        ({"action": "kms:Decrypt", "resource": KEY, "identityPolicies": [ALL]}, [Layer.RESOURCE]),
        ({"principal": "*", "resourcePolicy": to({"AWS": A})}, [Layer.RESOURCE]),
    ],
)
@pytest.mark.parametrize("mode", ["strict", "conditional"])
def test_a_refusal_names_the_layer_that_was_missing(layers: dict[str, Any], missing: list[Layer], mode: str) -> None:
    assert list(ask(**layers, mode=mode).missing) == missing


def test_open_conditions_read_as_a_sentence() -> None:
    mfa = deny(Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}})
    office = allow("s3:*", Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})
    home = allow("s3:*", Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})
    decision = ask(identityPolicies=[policy(mfa, office, home)], mode="conditional")
    assert decision.effect is Effect.DEPENDS
    assert decision.told[-1] == (
        "depends on (aws:SourceIp IpAddress 192.0.2.0/24 or aws:SourceVpc StringEquals vpc-1)"
        " and not (aws:MultiFactorAuthPresent BoolIfExists false)"
    )


def test_a_part_of_the_asked_resources_that_is_denied_stays_open() -> None:
    decision = ask(
        resource="arn:aws:s3:::logs/*",
        identityPolicies=[policy(allow("s3:*"), deny("s3:*", "arn:aws:s3:::logs/secret/*"))],
        mode="conditional",
    )
    assert decision.effect is Effect.DEPENDS
    assert "not (resource matches arn:aws:s3:::logs/secret/*)" in decision.told[-1]


def test_because_names_layer_policy_statement_and_way() -> None:
    decision = ask(identityPolicies=[NOTHING, policy({**allow("s3:*"), "Sid": "Read"})])
    assert decision.told == ("identity policy identityPolicies[1], statement Read, allows",)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"junk", "JSON"),
        (b"{}", "principal"),
        (b'{"id": 7, "principal": "ana", "action": "s3:GetObject"}', "principal"),
        (b'{"id": 7, "principal": "*", "action": "s3:Get*"}', "action"),
        (b'{"id": 7, "principal": "*", "action": "s3:GetObject", "mode": "maybe"}', "mode"),
        (b'{"id": 7, "principal": "*", "action": "s3:GetObject", "identityPolicies": {}}', "identityPolicies"),
        (b"[" * 100_000, ""),
    ],
)
def test_a_bad_line_is_answered_with_its_id(line: bytes, words: str) -> None:
    answer, asked = answer_line(line)
    told = json.loads(answer)
    assert not asked
    assert words in told["error"]
    assert told["id"] == (7 if b'"id"' in line else None)
    with pytest.raises(BadRequestError):
        request_of(line)


def test_malformed_documents_are_findings() -> None:
    request = {
        "principal": ANA,
        "action": "s3:GetObject",
        "resource": OBJECT,
        "identityPolicies": [ALL, {"Statement": [7, {"Effect": "Maybe"}]}],
    }
    answer, asked = answer_line(json.dumps(request))
    told = json.loads(answer)
    assert asked
    assert told["decision"] == "Allowed"
    assert any("identityPolicies[1]" in finding for finding in told["findings"])
