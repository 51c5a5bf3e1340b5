"""Requests made of few words, so that policies and requests meet often."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

ACCOUNT, OTHER = "111111111111", "222222222222"
PRINCIPALS = (
    f"arn:aws:iam::{ACCOUNT}:user/ana",
    f"arn:aws:iam::{ACCOUNT}:user/team/bob",
    f"arn:aws:iam::{ACCOUNT}:role/deploy",
    f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/ana",
    f"arn:aws:sts::{ACCOUNT}:federated-user/ana",
    f"arn:aws:iam::{ACCOUNT}:root",
    "*",
    "lambda.amazonaws.com",
)
ACTIONS = ("s3:GetObject", "s3:PutObject", "sqs:SendMessage", "kms:Decrypt", "sts:AssumeRole", "ec2:StartInstances")
RESOURCES = {
    "s3": ("arn:aws:s3:::b/ana/x", "arn:aws:s3:::b/y"),
    "sqs": (f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q", f"arn:aws:sqs:eu-west-1:{OTHER}:q"),
    "kms": (f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/k", f"arn:aws:kms:eu-west-1:{OTHER}:key/k"),
    "sts": (f"arn:aws:iam::{ACCOUNT}:role/deploy", f"arn:aws:iam::{OTHER}:role/deploy"),
    "ec2": (f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-1",),
}
KEYS = (
    "aws:SourceIp",
    "aws:RequestedRegion",
    "aws:PrincipalTag/team",
    "aws:TagKeys",
    "aws:CurrentTime",
    "s3:max-keys",
    "aws:MultiFactorAuthPresent",
)
VALUES: dict[str, tuple[Any, ...]] = {
    "aws:SourceIp": ("192.0.2.7", "198.51.100.1", "2001:db8::1"),
    "aws:RequestedRegion": ("eu-west-1", "us-east-1", "EU-WEST-1"),
    "aws:PrincipalTag/team": ("ana", "red", "r*d"),
    "aws:TagKeys": (["team"], ["team", "cost"], [], [""]),
    "aws:CurrentTime": ("2026-01-01T00:00:00Z", "2025-06-01T12:00:00Z", 1767225600),
    "s3:max-keys": (5, "10", "many"),
    "aws:MultiFactorAuthPresent": (True, "false"),
}
_WANTED: dict[str, tuple[tuple[str, ...], tuple[Any, ...]]] = {
    "aws:SourceIp": (("IpAddress", "NotIpAddress"), ("192.0.2.0/24", "198.51.100.1", "2001:db8::/32", "nonsense")),
    "aws:RequestedRegion": (
        ("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringLike", "StringNotLike"),
        ("eu-west-1", "eu-*", "us-????-1", "*"),
    ),
    "aws:PrincipalTag/team": (
        ("StringEquals", "StringLike", "StringNotEquals"),
        ("red", "r${*}d", "${aws:username}", "${aws:username, 'red'}", "r*"),
    ),
    "aws:TagKeys": (
        (
            "ForAllValues:StringEquals",
            "ForAnyValue:StringEquals",
            "ForAllValues:StringNotEquals",
            "ForAnyValue:StringNotLike",
            "StringEquals",
        ),
        ("team", "cost", "c*"),
    ),
    "aws:CurrentTime": (
        ("DateGreaterThan", "DateLessThanEquals", "DateEquals", "DateNotEquals"),
        ("2026-01-01T00:00:00Z", "2025-12-31", "1767225600"),
    ),
    "s3:max-keys": (("NumericLessThan", "NumericEquals", "NumericNotEquals", "NumericGreaterThanEquals"), ("5", "10.0", "x")),
    "aws:MultiFactorAuthPresent": (("Bool", "Null"), ("true", "false")),
}
ACTION_PATTERNS = ("*", "s3:*", "s3:Get*", "S3:getobject", "s3:?etObject", "sqs:SendMessage", "kms:*", "sts:AssumeRole", "ec2:Start*")
RESOURCE_PATTERNS = (
    "*",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::b/${aws:username}/*",
    "arn:aws:s3:::b/?",
    "arn:aws:s3:::*/x",
    f"arn:aws:sqs:*:{ACCOUNT}:*",
    "arn:aws:sqs:eu-west-1:*:q",
    f"arn:aws:kms:*:{OTHER}:key/*",
    "arn:aws:*:*:*:*/k",
    "arn:aws:iam::*:role/d*",
    f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-1",
)
PRINCIPAL_ELEMENTS: tuple[Any, ...] = (
    "*",
    {"AWS": "*"},
    {"AWS": ACCOUNT},
    {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    {"AWS": [f"arn:aws:iam::{ACCOUNT}:user/ana", f"arn:aws:iam::{ACCOUNT}:user/team/bob"]},
    {"AWS": f"arn:aws:iam::{ACCOUNT}:role/deploy"},
    {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/ana"},
    {"AWS": f"arn:aws:sts::{ACCOUNT}:federated-user/ana"},
    {"AWS": OTHER},
    {"Service": "lambda.amazonaws.com"},
    {"Service": ["ec2.amazonaws.com"], "AWS": f"arn:aws:iam::{ACCOUNT}:user/ana"},
)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    blocks: dict[str, dict[str, Any]] = {}
    for key in draw(st.lists(st.sampled_from(KEYS), max_size=2, unique=True)):
        operators, wanted = _WANTED[key]
        operator = draw(st.sampled_from(operators)) + draw(st.sampled_from(("", "", "IfExists")))
        operator = operator.replace("NullIfExists", "Null")
        values = draw(st.lists(st.sampled_from(wanted), min_size=1, max_size=2))
        blocks.setdefault(operator, {})[draw(st.sampled_from((key, key.lower())))] = values if len(values) > 1 else values[0]
    return blocks


@st.composite
def statements(draw: st.DrawFn, form: str) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": draw(st.sampled_from(("Allow", "Allow", "Allow", "Deny")))}
    statement[draw(st.sampled_from(("Action", "Action", "Action", "NotAction")))] = draw(
        st.lists(st.sampled_from(ACTION_PATTERNS), min_size=1, max_size=2)
    )
    statement[draw(st.sampled_from(("Resource", "Resource", "Resource", "NotResource")))] = draw(
        st.lists(st.sampled_from(RESOURCE_PATTERNS), min_size=1, max_size=2)
    )
    if form == "resource":
        element = "NotPrincipal" if statement["Effect"] == "Deny" and draw(st.booleans()) else "Principal"
        statement[element] = draw(st.sampled_from(PRINCIPAL_ELEMENTS))
    elif form == "rcp":
        statement["Principal"] = "*"
    found = draw(conditions())
    if found:
        statement["Condition"] = found
    return statement


def documents(form: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda version, body: {**({"Version": version} if version else {}), "Statement": body},
        st.sampled_from(("2012-10-17", "2012-10-17", "2008-10-17", "")),
        st.lists(statements(form), min_size=1, max_size=3),
    )


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """A request with layers; about a third of them end in Allowed."""
    action = draw(st.sampled_from(ACTIONS))
    principal = draw(st.sampled_from(PRINCIPALS))
    request: dict[str, Any] = {
        "principal": principal,
        "action": action,
        "resource": draw(st.sampled_from(RESOURCES[action.split(":")[0]])),
        "identityPolicies": draw(st.lists(documents("identity"), max_size=2)),
        "context": {key: draw(st.sampled_from(VALUES[key])) for key in draw(st.lists(st.sampled_from(KEYS), max_size=4, unique=True))},
    }
    if action.startswith("s3:") and draw(st.booleans()):
        request["resourceAccount"] = draw(st.sampled_from((ACCOUNT, OTHER)))
    for key, form in (("permissionsBoundaries", "identity"), ("sessionPolicies", "identity"), ("endpointPolicies", "resource")):
        if draw(st.integers(0, 4)) == 0:
            request[key] = [draw(documents(form))]
    if draw(st.booleans()):
        request["resourcePolicy"] = draw(documents("resource"))
    for key, form in (("serviceControlPolicies", "identity"), ("resourceControlPolicies", "rcp")):
        if draw(st.integers(0, 5)) == 0:
            request[key] = draw(st.lists(st.lists(documents(form), min_size=1, max_size=2), min_size=1, max_size=2))
    return request
