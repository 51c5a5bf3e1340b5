"""Policy text becomes a value whatever it is; what is wrong with it is said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.policy.document import MAX_TEXT, parse
from tests.support.evidence import data

ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def one(statement: dict[str, Any]) -> Any:
    return parse(json.dumps({"Version": "2012-10-17", "Statement": statement}))


def test_single_values_stand_where_lists_are_usual() -> None:
    document = one({**ALLOW, "Principal": {"AWS": "arn:aws:iam::1:root"}, "Condition": {"Bool": {"aws:SecureTransport": True}}})
    (statement,) = document.statements
    assert statement.actions == ("s3:GetObject",)
    assert statement.resources == ("*",)
    assert statement.principals == {"AWS": ("arn:aws:iam::1:root",)}
    assert statement.conditions == {"Bool": {"aws:SecureTransport": ("true",)}}
    assert document.findings == ()


def test_keys_are_known_in_any_case_and_values_stay_as_written() -> None:
    document = parse('{"version":"2012-10-17","STATEMENT":{"effect":"Allow","ACTION":["S3:getobject"],"resource":"arn:aws:s3:::B"}}')
    (statement,) = document.statements
    assert statement.allows
    assert statement.actions == ("S3:getobject",)
    assert statement.resources == ("arn:aws:s3:::B",)
    assert document.version == "2012-10-17"
    assert document.findings == ()


def test_numbers_and_booleans_of_conditions_become_text() -> None:
    (statement,) = one(
        {**ALLOW, "Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": 3600}, "Null": {"k": [False, "x"]}}}
    ).statements
    assert statement.conditions == {"NumericLessThan": {"aws:MultiFactorAuthAge": ("3600",)}, "Null": {"k": ("false", "x")}}


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("*", {"*": ("*",)}),
        ({"aws": ["*"], "Service": "ec2.amazonaws.com"}, {"AWS": ("*",), "Service": ("ec2.amazonaws.com",)}),
        ({"AWS": "1", "aws": ["2"]}, {"AWS": ("1", "2")}),
    ],
)
def test_principals(principal: object, expected: dict[str, tuple[str, ...]]) -> None:
    assert one({**ALLOW, "Principal": principal}).statements[0].principals == expected


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("", "the document is empty"),
        ("nonsense", "not JSON"),
        ("[]", "the document is a list, not an object"),
        ("{}", "the document has no Statement"),
        ('{"Statement": ["x"]}', "statement 1 is text, not an object"),
        ('{"Statement": {"Effect": "Permit", "Action": "*"}}', "Effect is 'Permit'; it says nothing"),
        ('{"Statement": {"Effect": "allow", "Action": "*"}}', "Effect is written 'allow'"),
        ('{"Statement": {"Effect": "Allow"}}', "statement 1 names no action"),
        ('{"Statement": {"Effect": "Allow", "Action": 5}}', "Action is a number, not text or a list"),
        ('{"Statement": {"Effect": "Allow", "Action": ["a:b", 5]}}', "Action holds 1 entries that are not text"),
        ('{"Statement": {"Effect": "Allow", "Action": "a:b", "NotAction": "a:c"}}', "has both Action and NotAction"),
        ('{"Statement": {"Effect": "Allow", "Action": "a:b", "Actoin": "a:c"}}', "unknown element 'Actoin'"),
        ('{"Statement": {"Effect": "Allow", "Action": "a:b", "action": "a:c"}}', "has Action twice"),
        ('{"Statement": {"Effect": "Allow", "Action": "a:b", "Condition": ["x"]}}', "Condition is a list, not an object"),
        ('{"Version": "2012-10-18", "Statement": []}', "unknown policy version '2012-10-18'"),
    ],
)
def test_what_is_malformed_is_said(text: str, finding: str) -> None:
    assert any(finding in said for said in parse(text).findings), parse(text).findings


def test_one_malformed_statement_loses_no_other() -> None:
    document = parse(json.dumps({"Statement": [7, ALLOW, {"Effect": []}]}))
    assert [statement.index for statement in document.statements] == [1, 2]
    assert document.statements[0].actions == ("s3:GetObject",)
    assert document.statements[1].effect == ""


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 50_000, '{"Statement":' + "[" * 2000 + "]" * 2000 + "}", "\ud800", '{"a":"\ud800"}']
)
def test_hostile_text_is_a_finding(text: str) -> None:
    document = parse(text)
    assert document.statements == ()
    assert document.findings


def test_text_longer_than_any_policy_is_not_read() -> None:
    text = json.dumps({"Statement": [ALLOW] * (MAX_TEXT // 40)})
    assert len(text) > MAX_TEXT
    assert parse(text).statements == ()
    assert "was not read" in parse(text).findings[0]


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8) | st.sampled_from(["Allow", "Deny", "*", "s3:*"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["Statement", "Effect", "Action", "Principal", "Condition", "Resource", "x"]), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(_JSON)
def test_no_document_raises(value: object) -> None:
    document = parse(json.dumps(value))
    assert all(statement.effect in ("Allow", "Deny", "") for statement in document.statements)


def test_real_documents_have_no_findings() -> None:
    account = json.loads(data("iam/gaad/example-authz-details.json").read_text())
    documents = [v["Document"] for p in account["Policies"] for v in p["PolicyVersionList"]]
    documents += [role["AssumeRolePolicyDocument"] for role in account["RoleDetailList"]]
    assert len(documents) > 30
    for document in documents:
        parsed = parse(json.dumps(document))
        assert parsed.findings == ()
        assert len(parsed.statements) == (len(document["Statement"]) if isinstance(document["Statement"], list) else 1)
