"""Policies laid out and compared."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.analysis.diff import MAX_LINES, LineKind, diff_documents
from iamtui.analysis.pretty import pretty
from iamtui.policy.document import parse
from tests.support.evidence import data


def text(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


READ = {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*"}
ADMIN = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def test_statements_are_found_in_the_pretty_text() -> None:
    shown = pretty(text(READ, {"a": [{"b": 1}]}, 7, [], [1], ADMIN))
    parts = ["\n".join(shown.lines[a:b]).strip().rstrip(",") for a, b in shown.statements]
    assert [json.loads(part) for part in parts] == [READ, {"a": [{"b": 1}]}, 7, [], [1], ADMIN]


@pytest.mark.parametrize("document", [{"Statement": ADMIN, "Version": "x"}, {"Id": "x", "statement": ADMIN}])
def test_a_single_statement(document: dict[str, Any]) -> None:
    shown = pretty(json.dumps(document))
    ((first, end),) = shown.statements
    part = "\n".join(shown.lines[first:end]).strip().rstrip(",").partition(": ")[2]
    assert json.loads(part) == ADMIN


@pytest.mark.parametrize("document", ["{", "", "[" * 100_000, "\ud800", '{"a": 1} trailing'])
def test_malformed_text_stays_as_it_is(document: str) -> None:
    shown = pretty(document)
    assert (shown.text, shown.statements, shown.formatted) == (document, (), False)


@pytest.mark.parametrize(
    "document",
    ["7", "[]", '{"Statement": []}', '{"Statement": [], "x": 1}', '{"Statement": "x"}', '{"Statement": [{}], "statement": [{}]}'],
)
def test_odd_documents(document: str) -> None:
    shown = pretty(document)
    assert json.loads(shown.text) == json.loads(document)
    assert all(0 <= a < b <= len(shown.lines) for a, b in shown.statements)


def test_real_statements_stand_where_they_are_said_to_stand() -> None:
    account = json.loads(data("iam/gaad/example-authz-details.json").read_text())
    documents = [v["Document"] for p in account["Policies"] for v in p["PolicyVersionList"]]
    for document in documents:
        shown = pretty(json.dumps(document))
        statements = document["Statement"]
        if isinstance(statements, list):
            for statement in parse(json.dumps(document)).statements:
                first, end = shown.statements[statement.index]
                assert json.loads("\n".join(shown.lines[first:end]).strip().rstrip(",")) == statements[statement.index]


# -- differences --------------------------------------------------------------------------------------------------------------


def test_lines() -> None:
    found = diff_documents(text(READ), text({**READ, "Action": ["s3:GetObject", "s3:PutObject"]}))
    assert [(line.kind.value, line.text.strip(), line.old, line.new) for line in found.lines if line.kind is not LineKind.SAME] == [
        ("added", '"s3:PutObject"', None, 9),
    ]
    assert (found.added, found.removed, found.same) == (1, 0, False)
    assert '+        "s3:PutObject"' in found.unified().split("\n")


def test_changes_in_words() -> None:
    condition = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    changed = {**READ, "Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::b", "Condition": condition}
    (change,) = diff_documents(text(READ), text(changed)).changes
    assert (change.label, change.kind) == ("Read", "changed")
    assert change.words == (
        "effect: Allow became Deny",
        "action added: s3:*",
        "action removed: s3:GetObject",
        "resource added: arn:aws:s3:::b",
        "resource removed: *",
        "condition added: MFA required",
    )


def test_statements_added_and_removed() -> None:
    found = diff_documents(text(READ), text(READ, ADMIN))
    assert [(c.kind, c.label, c.words) for c in found.changes] == [("added", "statement 2", ("effect: Allow", "action: *", "resource: *"))]
    back = diff_documents(text(READ, ADMIN), text(READ))
    assert [c.kind for c in back.changes] == ["removed"]


def test_a_statement_that_only_moved_has_not_changed() -> None:
    found = diff_documents(text(READ, ADMIN), text(ADMIN, READ))
    assert found.changes == ()
    assert not found.same


def test_blanks_do_not_matter() -> None:
    assert diff_documents(text(READ), json.dumps(json.loads(text(READ)), indent=7)).same


def test_what_was_not_read_or_is_malformed_is_said() -> None:
    assert diff_documents("", text(READ)).findings == ("the old text was not read",)
    assert not diff_documents("", text(READ)).same
    found = diff_documents("{broken", text(READ))
    assert found.findings == ("the old text is not JSON",)
    assert found.removed == 1


def test_enormous_texts_are_not_compared_line_by_line() -> None:
    old, new = (json.dumps({"Statement": [[n * k] for n in range(MAX_LINES)]}) for k in (2, 3))
    found = diff_documents(old, new)
    kinds = [line.kind for line in found.lines if line.kind is not LineKind.SAME]
    assert kinds == sorted(kinds, key=lambda kind: kind is LineKind.ADDED)
    assert found.added > MAX_LINES


_documents = st.lists(st.sampled_from([READ, ADMIN, {"Effect": "Deny", "Action": ["iam:*"], "Resource": []}, 7]), max_size=4)


@given(_documents, _documents)
def test_lines_rebuild_both_sides(old: list[Any], new: list[Any]) -> None:
    found = diff_documents(text(*old), text(*new))
    kept = [line.text.rstrip(",") for line in found.lines if line.kind is not LineKind.ADDED]
    assert kept == [line.rstrip(",") for line in pretty(text(*old)).lines]
    assert [line.text for line in found.lines if line.kind is not LineKind.REMOVED] == pretty(text(*new)).lines
    assert [line.old for line in found.lines if line.old] == list(range(1, len(pretty(text(*old)).lines) + 1))
    assert [line.new for line in found.lines if line.new] == list(range(1, len(pretty(text(*new)).lines) + 1))
    assert found.same is (old == new)
    if sorted(map(str, old)) == sorted(map(str, new)):
        assert found.changes == ()
