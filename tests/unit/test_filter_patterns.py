"""Filter patterns of CloudWatch Logs: the documentation's own examples, a second literal reading, and what cannot be told."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iamtui.analysis.alarms.filterpattern import filter_pattern, log_event
from iamtui.analysis.alarms.regex import RegexError, parse_regex
from iamtui.analysis.alarms.told import Free

# the event and the answers of the user guide's section on JSON patterns
GUIDE: dict[str, Any] = {
    "eventType": "UpdateTrail",
    "sourceIPAddress": "111.111.111.111",
    "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
    "SomeObject": None,
    "cluster.name": "c",
    "ThisFlag": True,
    "latency": 600,
    "numbers": [5, 0.001],
    "user": {"id": 1, "email": "John.Stiles@example.com"},
    "users": [{"id": 2, "email": "John.Doe@example.com"}, {"id": 3, "email": "Jane.Doe@example.com"}],
    "actions": ["GET", "PUT", "DELETE"],
    "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]],
}


def told(pattern: str, event: dict[str, Any]) -> bool | None:
    return filter_pattern(pattern).matches(log_event(event)).answer


@pytest.mark.parametrize(
    ("pattern", "answer"),
    [
        ('{ $.eventType = "UpdateTrail" }', True),
        ("{ $.sourceIPAddress != 123.123.* }", True),
        ('{ $.arrayKey[0] = "value" }', True),
        ("{ $.objectList[1].id = 2 }", True),
        ("{ $.SomeObject IS NULL }", True),
        ("{ $.SomeOtherObject NOT EXISTS }", True),
        ("{ $.ThisFlag IS TRUE }", True),
        ("{ $.ThisFlag IS FALSE }", False),
        ('{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }', True),
        ('{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }', False),
        ('{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch && $.actions[2] = nomatch }', True),
        ('{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch) && $.actions[2] = nomatch }', False),
        ("{ $.users = 1 }", False),
        ("{ $.users != 1 }", False),
        ("{ $.latency >= 500 }", True),
        ("{ $.latency > +1000 }", False),
        ("{ $.numbers[0] < 10e3 }", True),
        ("{ $.numbers[1] = 1e-3 }", True),
        ("{ $.numbers[1] != 1e-3 }", False),
        ("{ $.latency = * }", True),
        ("{ $.nothing = * }", False),
        ('{ $.eventType = "*Trail" }', True),
        ('{ $.eventType = "Up*" }', True),
        ('{ $.eventType = "*dateTr*" }', True),
        ("{ $.['cluster.name'] = c }", True),
        ("{ $['cluster.name'] = c }", True),
        ("{ $.objectList[*].id = 2 }", True),
        ("{ $.user.* = 1 }", True),
        ("{ $.user.email = %[Ss]tiles@% }", True),
        ("{ $.user.email = %^Stiles% }", False),
        ("{ $.eventType = updatetrail }", False),
    ],
)
def test_json_patterns_of_the_user_guide(pattern: str, answer: bool) -> None:
    assert told(pattern, GUIDE) is answer


CIS = {
    "4.1": '{($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") && ($.sourceIPAddress!="delivery.logs.amazonaws.com") '
    '&& ($.eventName!="HeadBucket") }',
    "4.2": '{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") && ($.userIdentity.type = "IAMUser") && '
    '($.responseElements.ConsoleLogin = "Success") }',
    "4.3": '{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }',
    "4.4": "{($.eventName=DeleteGroupPolicy)||($.eventName=DeleteRolePolicy)||($.eventName=PutUserPolicy)||($.eventName=AttachUserPolicy)}",
}


@pytest.mark.parametrize(
    ("control", "event", "answer"),
    [
        ("4.1", {"errorCode": "Client.UnauthorizedOperation"}, True),
        ("4.1", {"errorCode": "AccessDenied", "sourceIPAddress": "1.2.3.4", "eventName": "ListUsers"}, True),
        ("4.1", {"errorCode": "AccessDenied", "sourceIPAddress": "1.2.3.4", "eventName": "HeadBucket"}, False),
        ("4.1", {"eventName": "ListUsers"}, False),
        (
            "4.2",
            {
                "eventName": "ConsoleLogin",
                "additionalEventData": {"MFAUsed": "No"},
                "userIdentity": {"type": "IAMUser"},
                "responseElements": {"ConsoleLogin": "Success"},
            },
            True,
        ),
        ("4.3", {"userIdentity": {"type": "Root"}, "eventType": "AwsApiCall"}, True),
        ("4.3", {"userIdentity": {"type": "Root", "invokedBy": "x"}, "eventType": "AwsApiCall"}, False),
        ("4.4", {"eventName": "PutUserPolicy"}, True),
        ("4.4", {"eventName": "DeleteUser"}, False),
    ],
)
def test_the_filters_of_cis(control: str, event: dict[str, Any], answer: bool) -> None:
    assert told(CIS[control], event) is answer


LINES = {"a": "ERROR WARN message", "b": "ERROR message", "c": "WARN message", "d": "Exiting with ERRORCODE: -1"}


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("", "abcd"),
        ('""', "abcd"),
        ("ERROR", "abd"),
        ("ERROR WARN", "a"),
        ("?ERROR ?WARN", "abcd"),
        ("ERROR -WARN", "bd"),
        ("ERROR -Exiting", "ab"),
        ('"ERROR" - "Exiting"', "ab"),
        ('"ERROR message"', "b"),
        ("error", ""),
        ("%ERR.R W?ARN%", "a"),
        ("%ERROR|WARN%", "abcd"),
        ("%^.message%", ""),
    ],
)
def test_term_patterns_of_the_user_guide(pattern: str, found: str) -> None:
    assert "".join(name for name, line in LINES.items() if told(pattern, {"m": line})) == found


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("[w1=ERROR, w2]", "space-delimited"),
        ("{ $.eventName = DeleteUser", "closing brace"),
        ("{ $.a EXISTS }", "documented grammar"),
        ("{ $.a IN [1,2] }", "documented grammar"),
        ("{ $.a IS NOT NULL }", "documented grammar"),
        ("{ eventName = DeleteUser }", "selector"),
        ("{ $.eventName == DeleteUser }", "a value is wanted"),
        ("{ !($.eventName = x) }", "not understood"),
        ("{ $.eventName = DeleteUser $.a = 1 }", "left over"),
        ("{ ($.eventName = DeleteUser }", "parenthesis"),
        ("{ $.eventName > Delete }", "compares numbers"),
        ("{ $.eventName = %a(b)% }", "not supported"),
        ("{ }", "selector"),
        ("ERROR ?WARN", "stand together"),
        ("iam.amazonaws.com", "quotes"),
        ("{ " + "(" * 200 + "$.a = 1" + ")" * 200 + " }", "nested too deeply"),
        ("{ $.a = " + "x" * 9000 + " }", "longer"),
        ("%(a|b)%", "not supported"),
        ("{ $.missing != x }", "does not say what != finds"),
        ('{ $.flag = "true" }', "IS TRUE"),
        ('{ $.eventName = "D*User" }', "the * inside"),
        ("{ $.text > 5 }", "written as text"),
        ('"eventName\\":\\"DeleteUser\\",\\"x"', "punctuation"),
    ],
)
def test_what_the_documentation_does_not_say_cannot_be_told(pattern: str, reason: str) -> None:
    answer = filter_pattern(pattern).matches(log_event({"eventName": "DeleteUser", "flag": True, "text": "7"}))
    assert answer.answer is None, pattern
    assert reason in answer.why


def test_what_nobody_knows_beforehand_stays_open_or_is_an_unless() -> None:
    event = {"eventName": "DeleteUser", "sourceIPAddress": Free("198.51.100.7")}

    def answer(pattern: str) -> tuple[bool | None, tuple[str, ...]]:
        found = filter_pattern(pattern).matches(log_event(event))
        return found.answer, found.unless

    assert answer("{ $.sourceIPAddress = 10.* }") == (None, ())
    assert answer("{ $.eventName = DeleteUser && $.sourceIPAddress != 10.* }") == (True, ("$.sourceIPAddress is 10.*",))
    assert answer("{ $.eventName = DeleteUser || $.sourceIPAddress != 10.* }") == (True, ())
    assert answer("{ $.eventName = Other && $.sourceIPAddress = 10.* }") == (False, ())
    assert answer("{ $.sourceIPAddress = * }") == (True, ())
    assert answer("{ $.sourceIPAddress > 3 }") == (None, ())


# -- a second, literal reading ---------------------------------------------------------------------------------------------

EVENT: dict[str, Any] = {"a": "one", "b": {"c": 5, "d": "two"}, "e": ["one", 7, {"f": "x-y"}], "n": None, "t": True, "g": 2.5}
_SELECTORS: dict[str, tuple[Any, ...]] = {
    "$.a": ("a",),
    "$.b.c": ("b", "c"),
    "$.b.d": ("b", "d"),
    "$.e[0]": ("e", 0),
    "$.e[1]": ("e", 1),
    "$.e[2].f": ("e", 2, "f"),
    "$.n": ("n",),
    "$.t": ("t",),
    "$.g": ("g",),
    "$['a']": ("a",),
    "$.none": ("none",),
    "$.b.none[3]": ("b", "none", 3),
    "$.b": ("b",),
}
_GONE = object()


def value_at(path: tuple[Any, ...]) -> Any:
    here: Any = EVENT
    for step in path:
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            return _GONE
    return here


def literally(tree: Any) -> bool | None:
    """The answer by the words of the guide, condition by condition; None where the guide is silent."""
    if tree[0] in ("&&", "||"):
        answers = [literally(part) for part in tree[1]]
        decisive = tree[0] == "||"
        return decisive if decisive in answers else None if None in answers else not decisive
    _, path, sign, literal = tree
    value = value_at(path)
    if sign == "NOT EXISTS":
        return value is _GONE
    if sign in ("IS NULL", "IS TRUE", "IS FALSE"):
        return value is {"IS NULL": None, "IS TRUE": True, "IS FALSE": False}[sign]
    if isinstance(value, dict | list):
        return False
    if value is _GONE:
        return None if sign == "!=" else False
    if sign in ("<", ">", "<=", ">="):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return bool({"<": value < literal, ">": value > literal, "<=": value <= literal, ">=": value >= literal}[sign])
    if value is None or isinstance(value, bool):
        return None
    if isinstance(literal, int | float):
        same = not isinstance(value, str) and value == literal
    elif isinstance(value, str):
        same = re.fullmatch(".*".join(re.escape(part) for part in literal.split("*")), value, re.DOTALL) is not None
    else:
        same = False
    return same if sign == "=" else not same


texts = st.sampled_from(["one", "two", "x-y", "on*", "*wo", "*-*", "o", "three"])
comparisons = st.tuples(
    st.just("?"), st.sampled_from(sorted(_SELECTORS)), st.sampled_from(["=", "!="]), st.one_of(texts, st.integers(4, 8), st.just(2.5))
)
orders = st.tuples(st.just("?"), st.sampled_from(sorted(_SELECTORS)), st.sampled_from(["<", ">", "<=", ">="]), st.integers(4, 8))
words = st.tuples(
    st.just("?"), st.sampled_from(sorted(_SELECTORS)), st.sampled_from(["NOT EXISTS", "IS NULL", "IS TRUE", "IS FALSE"]), st.none()
)
trees = st.recursive(
    st.one_of(comparisons, orders, words),
    lambda inner: st.tuples(st.sampled_from(["&&", "||"]), st.lists(inner, min_size=2, max_size=3)),
    max_leaves=8,
)


def written(tree: Any, outer: str = "||") -> str:
    """The tree as a pattern, parentheses only where the order of operations needs them."""
    if tree[0] in ("&&", "||"):
        inner = f" {tree[0]} ".join(written(part, tree[0]) for part in tree[1])
        return f"({inner})" if tree[0] == "||" and outer == "&&" else inner
    _, name, sign, literal = tree
    shown = "" if literal is None else f'"{literal}"' if isinstance(literal, str) else f"{literal}"
    return f"{name} {sign} {shown}".strip()


def resolved(tree: Any) -> Any:
    if tree[0] in ("&&", "||"):
        return tree[0], [resolved(part) for part in tree[1]]
    return tree[0], _SELECTORS[tree[1]], tree[2], tree[3]


@settings(max_examples=200, deadline=None)
@given(trees)
def test_patterns_and_a_literal_second_reading_agree(tree: Any) -> None:
    assert told(f"{{ {written(tree)} }}", EVENT) is literally(resolved(tree)), written(tree)


# -- regular expressions ------------------------------------------------------------------------------------------------

atoms = st.sampled_from(["a", "b", "1", "_", ".", "\\d", "\\w", "\\S", "[ab]", "[^a]", "[a-c1]", "\\.", "\\x61", "[\\d_]"])
repeated = st.tuples(atoms, st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,3}", "{0,2}", "{1,}"])).map("".join)
branches = st.tuples(st.sampled_from(["", "^"]), st.lists(repeated, min_size=1, max_size=4).map("".join), st.sampled_from(["", "$"])).map(
    "".join
)
expressions = st.lists(branches, min_size=1, max_size=3).map("|".join)


@settings(max_examples=200, deadline=None)
@given(expressions, st.text("ab1_.x ", max_size=12))
def test_regular_expressions_and_pythons_agree(expression: str, text: str) -> None:
    assert parse_regex(expression).search(text).answer is (re.search(expression, text, re.ASCII) is not None)


def test_no_expression_takes_more_than_linear_time() -> None:
    steps = parse_regex(".*a.*a.*a.*a.*a.*a.*a.*b")
    assert steps.search("a" * 1_000).answer is False  # a backtracking engine would not come back
    assert parse_regex("a{1,900}a{1,900}b").search("a" * 300).answer is False


@pytest.mark.parametrize("bad", ["", "(a)", "a!b", "*a", "a**", "[a", "[b-a]", "a{3,1}", "a{x}", "\\q", "é", "a$b", "a{1,99999}", "{2}"])
def test_expressions_outside_the_grammar_are_refused(bad: str) -> None:
    with pytest.raises(RegexError):
        parse_regex(bad)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.text('{}()$.[]"%*&|=!<>? -aIS1', max_size=60)))
def test_no_text_makes_the_parser_raise(text: str) -> None:
    answer = filter_pattern(text).matches(log_event({"a": 1, "eventName": text}))
    assert answer.answer in (True, False, None)
    assert answer.answer is not None or answer.why


def test_terms_are_sought_in_the_record_as_it_is_written() -> None:
    record = {"eventName": "DeleteUser", "userIdentity": {"type": "IAMUser"}}
    assert log_event(record).text == json.dumps(record, separators=(",", ":"))
    assert told('"\\"eventName\\":\\"DeleteUser\\""', record) is True
    assert told('"\\"eventName\\":\\"CreateUser\\""', record) is False
