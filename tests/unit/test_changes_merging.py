"""Several tellings of one change are one entry: none is lost, none is told twice, and what speaks against it keeps two apart."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iamtui.analysis.changes import events as told_by_events
from iamtui.analysis.changes import items as told_by_items
from iamtui.analysis.changes import versions as told_by_versions
from iamtui.analysis.changes.merging import merged
from iamtui.analysis.changes.resolving import Names
from iamtui.analysis.documents import plain_document, same_document
from iamtui.model.change import Change, ChangeKind, Tells, Told
from iamtui.model.fact import State, absent, known
from tests.support.changes import ADMIN, NOW, READ, WRITE, ago, arn, encoded, events, item, items, kinds, policy, record, snapshot, user

LAKE = policy("lake", (1, 100, READ), (2, 50, WRITE), (3, 10, ADMIN), created=100)


def told(*records: dict[str, Any], account: Any = None) -> list[Change]:
    names = Names(account or snapshot(user(), LAKE))
    return list(told_by_events.changes_of(events(*records), lambda _: names))


def version_event(number: int, days: float, text: Any, **more: Any) -> dict[str, Any]:
    request = {"policyArn": LAKE.arn, "policyDocument": json.dumps(text), "setAsDefault": True}
    response = {"policyVersion": {"versionId": f"v{number}", "isDefaultVersion": True}} if number else None
    return record("CreatePolicyVersion", days, request, response=response, **more)


def test_version_event_and_item_are_one_entry() -> None:
    def state(version: str, text: Any) -> dict[str, Any]:
        return {"policyName": "lake", "defaultVersionId": version, "policyVersionList": [{"versionId": version, "isDefaultVersion": True, "document": encoded(text)}]}  # fmt: skip

    config = items(item("Policy", LAKE, 49, state("v2", WRITE)), item("Policy", LAKE, 9.99, state("v3", ADMIN)))
    (series,) = config.values()
    raw = [*told_by_versions.changes_of(snapshot(LAKE)), *told(version_event(3, 10, ADMIN)), *told_by_items.changes_of(series)]
    found = merged(raw)
    assert kinds(found) == ["CREATED", "VERSION", "VERSION"]
    assert found[-1].sources == ("CloudTrail", "stored version", "AWS Config")
    assert found[-1].event is not None
    assert found[-1].at == ago(10)


def test_an_event_without_the_number_is_joined_by_time_and_document() -> None:
    found = merged([*told_by_versions.changes_of(snapshot(LAKE)), *told(version_event(0, 10, ADMIN))])
    assert [change.part for change in found] == ["v1", "v2", "v3"]
    assert found[-1].sources == ("CloudTrail", "stored version") or found[-1].sources == ("stored version", "CloudTrail")
    assert not any("number" in words for words in found[-1].unknown)
    other = merged([*told_by_versions.changes_of(snapshot(LAKE)), *told(version_event(0, 10, READ))])
    assert len(other) == 4  # another document: another version, since deleted
    late = merged([*told_by_versions.changes_of(snapshot(LAKE)), *told(version_event(0, 9, ADMIN))])
    assert len(late) == 4


def test_an_item_means_the_last_of_several_events_and_never_another_document() -> None:
    ana = user(inline={"p": WRITE})
    put = {"userName": "ana", "policyName": "p"}
    raw = told(
        record("PutUserPolicy", 5, {**put, "policyDocument": json.dumps(READ)}),
        record("PutUserPolicy", 4, {**put, "policyDocument": encoded(WRITE)}),
        record("PutUserPolicy", 3, {**put, "policyDocument": json.dumps(ADMIN)}),
        account=snapshot(ana),
    )
    before = item("User", ana, 6, {"userPolicyList": []})
    after = item("User", ana, 2, {"userPolicyList": [{"policyName": "p", "policyDocument": encoded(WRITE)}]})
    (series,) = items(before, after).values()
    found = merged([*raw, *told_by_items.changes_of(series)])
    assert [(change.sources, change.at) for change in found] == [
        (("CloudTrail",), ago(5)),
        (("CloudTrail", "AWS Config"), ago(4)),
        (("CloudTrail",), ago(3)),
    ]


def test_a_related_event_wins_over_time() -> None:
    ana = user(attached=(LAKE.arn,))
    attach = {"userName": "ana", "policyArn": LAKE.arn}
    raw = told(
        record("AttachUserPolicy", 5, attach, event_id="first"),
        record("AttachUserPolicy", 4, attach, event_id="second"),
        account=snapshot(ana, LAKE),
    )
    before = item("User", ana, 6, {"attachedManagedPolicies": []})
    after = item("User", ana, 2, {"attachedManagedPolicies": [{"policyArn": LAKE.arn}]}, relatedEvents=["first"])
    (series,) = items(before, after).values()
    found = merged([*raw, *told_by_items.changes_of(series)])
    assert [change.sources for change in found] == [("CloudTrail", "AWS Config"), ("CloudTrail",)]


def test_another_bearer_of_the_name_is_another_one() -> None:
    first = Change(ChangeKind.ATTACHED, "user", "ana", "1", NOW, (Told(Tells.EVENT, NOW, "e"),), unique_id="AIDA1", part="arn:x")
    other = Change(ChangeKind.ATTACHED, "user", "ana", "1", NOW, (Told(Tells.CONFIG, NOW, "c"),), unique_id="AIDA2", part="arn:x")
    assert len(merged([first, other])) == 2


def test_two_regions_that_record_the_same_tell_it_once() -> None:
    ana = user()
    series = [
        item("User", ana, 6, {"attachedManagedPolicies": []}, awsRegion="us-east-1"),
        item("User", ana, 2, {"attachedManagedPolicies": [{"policyArn": LAKE.arn}]}, awsRegion="us-east-1"),
        item("User", ana, 6.001, {"attachedManagedPolicies": []}, awsRegion="eu-west-1"),
        item("User", ana, 1.99, {"attachedManagedPolicies": [{"policyArn": LAKE.arn}]}, awsRegion="eu-west-1"),
    ]
    (held,) = items(*series).values()
    assert kinds(told_by_items.changes_of(held)) == ["ATTACHED"]


def test_what_an_item_tells_between_two_states() -> None:
    ana = user()
    old = {"groupList": ["a"], "attachedManagedPolicies": [{"policyArn": LAKE.arn}], "permissionsBoundary": {"permissionsBoundaryArn": arn("policy", "b")}, "tags": [{"key": "t", "value": "1"}]}  # fmt: skip
    new = {"groupList": ["b"], "attachedManagedPolicies": [], "userPolicyList": [{"policyName": "p", "policyDocument": encoded(READ)}], "tags": [{"key": "t", "value": "2"}]}  # fmt: skip
    gone = item("User", ana, 1, {}, status="ResourceDeleted")
    (held,) = items(item("User", ana, 6, old), item("User", ana, 2, new), gone).values()
    found = list(told_by_items.changes_of(held))
    assert sorted(kinds(found)) == sorted(["DETACHED", "PUT", "JOINED", "LEFT", "BOUNDARY_REMOVED", "TAGGED", "DELETED"])
    tagged = next(change for change in found if change.kind is ChangeKind.TAGGED)
    assert (tagged.was, tagged.becomes) == ("t=1", "t=2")
    assert all(change.not_before == ago(6) for change in found[:-1])


# -- events --------------------------------------------------------------------------------------------------------------


def test_refused_calls_change_nothing() -> None:
    assert (
        told(record("AttachUserPolicy", 1, {"userName": "ana", "policyArn": LAKE.arn}, errorCode="AccessDenied", errorMessage="no")) == []
    )


@pytest.mark.parametrize("text", [json.dumps(READ), encoded(READ), READ, encoded(READ).replace("%20", "+")])
def test_documents_of_events_in_every_wrapping(text: Any) -> None:
    (change,) = told(record("PutUserPolicy", 1, {"userName": "ana", "policyName": "p", "policyDocument": text}))
    assert json.loads(change.after.value or "") == READ


@pytest.mark.parametrize("text", ["", '{"Version": "2012-10-17", "Statem', "HIDDEN_DUE_TO_SECURITY_REASONS", 5, None, "[]"])
def test_a_document_that_is_cut_off_is_not_known(text: Any) -> None:
    (change,) = told(record("PutUserPolicy", 1, {"userName": "ana", "policyName": "p", "policyDocument": text}))
    assert change.after.state is State.NO_INFORMATION
    assert change.after.detail


def test_parameters_that_were_left_out_are_said() -> None:
    (change,) = told(record("PutUserPolicy", 1, {"omitted": True, "originalSize": 110000, "reason": "request parameters too large"}))
    assert "CloudTrail left the parameters of the call out" in change.unknown
    assert change.after.state is State.NO_INFORMATION


def test_parameters_as_text_and_the_own_key() -> None:
    (change,) = told(record("AddUserToGroup", 1, json.dumps({"userName": "ANA", "groupName": "ops"})))
    assert (change.kind, change.name, change.part) == (ChangeKind.JOINED, "ana", "ops")  # names have no case in IAM
    (key,) = told(record("CreateAccessKey", 1, None, response={"accessKey": {"userName": "ana", "accessKeyId": "AKIAEXAMPLE111111111"}}))
    assert (key.name, key.part) == ("ana", "AKIAEXAMPLE111111111")
    (on,) = told(record("UpdateAccessKey", 1, {"userName": "ana", "accessKeyId": "AKIAEXAMPLE111111111", "status": "Active"}))
    assert on.kind is ChangeKind.KEY_ENABLED


_TEXT = st.text(max_size=12) | st.none() | st.integers() | st.lists(st.text(max_size=3), max_size=2)


@settings(max_examples=80)
@given(
    st.sampled_from(sorted(told_by_events.CALLS)),
    st.dictionaries(
        st.sampled_from(
            [
                "userName",
                "roleName",
                "groupName",
                "policyName",
                "policyArn",
                "policyDocument",
                "tags",
                "tagKeys",
                "versionId",
                "status",
                "setAsDefault",
            ]
        ),
        _TEXT,
    ),
    st.dictionaries(
        st.sampled_from(["user", "role", "policy", "policyVersion", "accessKey"]),
        _TEXT | st.dictionaries(st.text(max_size=4), _TEXT, max_size=2),
    ),
)
def test_no_event_raises(name: str, request: dict[str, Any], response: dict[str, Any]) -> None:
    (change,) = told(record(name, 1, request, response=response))
    assert merged([change]) == (change,)


# -- the general rule ------------------------------------------------------------------------------------------------------

_DOCUMENTS = (json.dumps(READ), json.dumps(WRITE))


@st.composite
def changes(draw: st.DrawFn) -> Change:
    source = draw(st.sampled_from(list(Tells)))
    kind = draw(st.sampled_from([ChangeKind.VERSION, ChangeKind.PUT, ChangeKind.ATTACHED, ChangeKind.TRUST, ChangeKind.CREATED]))
    at = NOW + timedelta(minutes=draw(st.integers(0, 12))) if draw(st.integers(0, 9)) else None
    captured = at if source is not Tells.CONFIG or at is None else at + timedelta(minutes=draw(st.integers(0, 5)))
    after = draw(st.sampled_from([absent(State.NO_INFORMATION), *(known(text) for text in _DOCUMENTS)]))
    part = draw(st.sampled_from(["", "v1", "v2"])) if kind is not ChangeKind.ATTACHED else "arn:x"
    number = draw(st.integers(0, 10**9))
    (event,) = events(record("PutUserPolicy", 1, {}, event_id=f"e{number}")) if source is Tells.EVENT else (None,)
    return Change(
        kind,
        draw(st.sampled_from(["user", "policy"])),
        draw(st.sampled_from(["ana", "Ana", "bo"])),
        "1",
        captured if source is Tells.CONFIG else at,
        (Told(source, at, f"{source.value} {number}"),),
        unique_id=draw(st.sampled_from(["", "", "AIDA1", "AIDA2"])),
        part=part,
        not_before=at - timedelta(minutes=draw(st.integers(1, 10))) if source is Tells.CONFIG and at and draw(st.booleans()) else None,
        after=after,
        event=event,
    )


@settings(max_examples=120)
@given(st.lists(changes(), max_size=7))
def test_merging_neither_loses_nor_doubles(given_: list[Change]) -> None:
    found = merged(given_)
    assert Counter(one for change in found for one in change.told) == Counter(one for change in given_ for one in change.told)
    by_told = {id(one): change for change in given_ for one in change.told}
    for change in found:
        assert len({one.by for one in change.told}) == len(change.told)  # no two of one source
        parts = [by_told[id(one)] for one in change.told]
        assert len({part.kind for part in parts}) == 1
        assert len({part.name.casefold() for part in parts}) == 1
        assert len({part.unique_id for part in parts} - {""}) <= 1
        texts = [part.after.value for part in parts if part.after.is_known]
        assert all(same_document(texts[0] or "", text or "") for text in texts)
        if texts:
            assert change.after.is_known
    stamps = [change.at for change in found if change.at is not None]
    assert stamps == sorted(stamps)


@given(st.recursive(st.text(max_size=4) | st.booleans(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=6))  # fmt: skip
def test_a_document_is_the_same_as_itself_in_every_wrapping(value: Any) -> None:
    text = json.dumps({"Statement": value})
    assert same_document(text, plain_document(encoded({"Statement": value})))
    assert same_document(json.dumps({"A": ["x", "y"]}), json.dumps({"A": ["y", "x"]}))
    assert same_document(json.dumps({"A": ["x"]}), json.dumps({"A": "x"}))
    assert not same_document(json.dumps({"A": ["x"]}), json.dumps({"A": "y"}))
