"""Event patterns of EventBridge: the user guide's examples, a second literal reading, and what cannot be told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iamtui.analysis.alarms.eventpattern import event_pattern
from iamtui.analysis.alarms.told import Free

EVENT: dict[str, Any] = {
    "source": "aws.iam",
    "detail-type": "AWS API Call via CloudTrail",
    "time": "2026-10-02T18:43:48Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {
        "eventName": "AttachUserPolicy",
        "sourceIPAddress": "10.0.0.17",
        "errorCode": "",
        "responseElements": None,
        "count": 15,
        "price": 301.8,
        "requestParameters": {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess", "userName": "ana"},
        "tags": ["one", "two"],
        "list": [{"k": "a", "v": 1}, {"k": "b", "v": 2}],
        "flag": True,
    },
}


def told(pattern: Any, event: Any = EVENT) -> bool | None:
    return event_pattern(pattern if isinstance(pattern, str) else json.dumps(pattern)).matches(event).answer


@pytest.mark.parametrize(
    ("detail", "answer"),
    [
        ({"eventName": ["AttachUserPolicy", "Other"]}, True),
        ({"eventName": ["attachuserpolicy"]}, False),
        ({"eventName": [{"equals-ignore-case": "attachuserpolicy"}]}, True),
        ({"eventName": [{"prefix": "Attach"}]}, True),
        ({"eventName": [{"prefix": {"equals-ignore-case": "ATTACH"}}]}, True),
        ({"eventName": [{"suffix": "Policy"}]}, True),
        ({"eventName": [{"suffix": {"equals-ignore-case": "POLICY"}}]}, True),
        ({"eventName": [{"wildcard": "Attach*Policy"}]}, True),
        ({"eventName": [{"wildcard": "Attach*Role*"}]}, False),
        ({"eventName": [{"anything-but": "Other"}]}, True),
        ({"eventName": [{"anything-but": ["AttachUserPolicy", "Other"]}]}, False),
        ({"eventName": [{"anything-but": {"prefix": "Attach"}}]}, False),
        ({"eventName": [{"anything-but": {"suffix": "User"}}]}, True),
        ({"eventName": [{"anything-but": {"wildcard": "*User*"}}]}, False),
        ({"eventName": [{"anything-but": {"equals-ignore-case": ["attachuserpolicy"]}}]}, False),
        ({"count": [{"numeric": [">", 0, "<=", 15]}]}, True),
        ({"count": [{"numeric": ["<", 10]}]}, False),
        ({"price": [{"numeric": ["=", 3.018e2]}]}, True),
        ({"eventName": [{"numeric": ["=", 1]}]}, False),
        ({"sourceIPAddress": [{"cidr": "10.0.0.0/24"}]}, True),
        ({"sourceIPAddress": [{"cidr": "10.1.0.0/24"}]}, False),
        ({"eventName": [{"cidr": "10.0.0.0/24"}]}, False),
        ({"nothing": [{"exists": False}]}, True),
        ({"eventName": [{"exists": True}]}, True),
        ({"requestParameters": [{"exists": False}]}, True),  # no leaf, as the guide says
        ({"nothing": ["x"]}, False),
        ({"nothing": [{"anything-but": "x"}]}, False),
        ({"errorCode": [""]}, True),
        ({"responseElements": [None]}, True),
        ({"eventName": [None]}, False),
        ({"tags": ["two", "three"]}, True),
        ({"tags": ["three"]}, False),
        ({"list": {"k": ["a"], "v": [1]}}, True),
        ({"list": {"k": ["a"], "v": [2]}}, False),  # of two different entries
        ({"requestParameters": {"policyArn": [{"suffix": ":policy/AdministratorAccess"}]}}, True),
        ({"$or": [{"eventName": ["x"]}, {"count": [15]}]}, True),
        ({"$or": [{"eventName": ["x"]}, {"count": [16]}]}, False),
        ({"eventName": ["AttachUserPolicy"], "$or": [{"count": [1]}, {"price": [{"exists": True}]}]}, True),
        ({"flag": [True]}, True),
    ],
)
def test_patterns_of_the_user_guide(detail: dict[str, Any], answer: bool) -> None:
    assert told({"source": ["aws.iam"], "detail": detail}) is answer
    assert told({"source": ["aws.ec2"], "detail": detail}) is False


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("not json", "cannot be read"),
        ("[]", "no JSON object"),
        ("{}", "no JSON object"),
        ({"detail": {"eventName": "DeleteUser"}}, "wants a list"),
        ({"detail": {"eventName": []}}, "empty list"),
        ({"detail": {}}, "empty object"),
        ({"source": [{"regex": "a"}]}, "no documented operator"),
        ({"source": [{"prefix": "a", "suffix": "b"}]}, "stands alone"),
        ({"source": [{"wildcard": "a**b"}]}, "**"),
        ({"source": [{"numeric": ["=", "1"]}]}, "numeric wants"),
        ({"source": [{"cidr": "x"}]}, "no network"),
        ({"source": [{"exists": "yes"}]}, "exists wants"),
        ({"source": [{"anything-but": [True]}]}, "anything-but wants"),
        ({"source": [["a"]]}, "list inside"),
        ({"detail": {"tags": [{"anything-but": "one"}]}}, "not documented"),
        ({"detail": {"flag": [{"anything-but": "x"}]}}, "not documented"),
        ({"detail": {"count": [15.0]}}, "written differently"),
        ('{"a":' * 100 + '["x"]' + "}" * 100, "nested"),
    ],
)
def test_what_the_documentation_does_not_say_cannot_be_told(pattern: Any, reason: str) -> None:
    answer = event_pattern(pattern if isinstance(pattern, str) else json.dumps(pattern)).matches(EVENT)
    assert answer.answer is None
    assert reason in answer.why


def test_what_nobody_knows_beforehand_stays_open_or_is_an_unless() -> None:
    event = {"detail": {"sourceIPAddress": Free("10.0.0.1")}}
    assert told({"detail": {"sourceIPAddress": [{"cidr": "10.0.0.0/8"}]}}, event) is None
    answer = event_pattern(json.dumps({"detail": {"sourceIPAddress": [{"anything-but": "10.0.0.1"}]}})).matches(event)
    assert (answer.answer, answer.unless) == (True, ("detail.sourceIPAddress is one the pattern leaves out",))
    assert told({"detail": {"sourceIPAddress": [{"exists": True}]}}, event) is True


# -- a second, literal reading ---------------------------------------------------------------------------------------------

_VALUES = st.sampled_from(["one", "two", "", "One", 5, 7, None])
_FIELDS = ("a", "b", "c")


def leaf_says(entry: Any, value: Any) -> bool:
    """One entry of a list, by the words of the guide."""
    if not isinstance(entry, dict):
        return type(entry) is type(value) and entry == value
    (operator, argument), *_ = entry.items()
    text = value if isinstance(value, str) else None
    match operator:
        case "prefix":
            return text is not None and text.startswith(argument)
        case "suffix":
            return text is not None and text.endswith(argument)
        case "equals-ignore-case":
            return text is not None and text.lower() == argument.lower()
        case "numeric":
            return isinstance(value, int) and {"<": value < argument[1], ">=": value >= argument[1]}[argument[0]]
        case "wildcard":
            head, _, tail = argument.partition("*")
            return text is not None and len(text) >= len(head) + len(tail) and text.startswith(head) and text.endswith(tail)
    raise AssertionError(operator)


_ENTRIES = st.one_of(
    _VALUES,
    st.builds(lambda t: {"prefix": t}, st.sampled_from(["o", "tw", ""])),
    st.builds(lambda t: {"suffix": t}, st.sampled_from(["ne", "o"])),
    st.builds(lambda t: {"equals-ignore-case": t}, st.sampled_from(["ONE", "two"])),
    st.builds(lambda s, n: {"numeric": [s, n]}, st.sampled_from(["<", ">="]), st.integers(4, 8)),
    st.builds(lambda t: {"wildcard": t}, st.sampled_from(["o*e", "*o", "t*"])),
)
_PATTERNS = st.dictionaries(st.sampled_from(_FIELDS), st.lists(_ENTRIES, min_size=1, max_size=3), min_size=1)
_EVENTS = st.dictionaries(st.sampled_from(_FIELDS), st.one_of(_VALUES, st.lists(_VALUES, min_size=1, max_size=3)))


@settings(max_examples=200, deadline=None)
@given(_PATTERNS, _EVENTS)
def test_patterns_and_a_literal_second_reading_agree(pattern: dict[str, Any], event: dict[str, Any]) -> None:
    expected = True
    for name, entries in pattern.items():
        values = event[name] if isinstance(event.get(name), list) else [event[name]] if name in event else []
        expected &= any(leaf_says(entry, value) for entry in entries for value in values)
    assert told({"detail": pattern}, {"detail": event}) is expected


@settings(max_examples=200, deadline=None)
@given(st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)), lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)), max_leaves=10))  # fmt: skip
def test_no_json_makes_it_raise(value: Any) -> None:
    answer = event_pattern(json.dumps(value)).matches({"detail": value if isinstance(value, dict) else {}})
    assert answer.answer in (True, False, None)
