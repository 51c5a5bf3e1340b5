"""Event patterns of EventBridge rules, read as its user guide describes them ("Comparison operators for use in event patterns").

A pattern has the shape of the event: every field must match (and), any entry of a field's list is enough (or). An event's list
matches when any of its entries does; lists of objects are looked into entry by entry. What the guide does not say cannot be told.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from .told import NO, YES, Free, Told, all_of, any_of, unknown

MOST_TEXT = 65_536
MOST_DEPTH = 60
MISSING = object()

Test = Callable[[Any], Told]
"""A test of one value of an event; MISSING when the field is not there."""


class EventPattern(msgspec.Struct, frozen=True):
    """why: what could not be read, "" when all could."""

    text: str
    test: Test
    why: str = ""

    def matches(self, event: dict[str, Any]) -> Told:
        """Whether a rule with this pattern takes an event (the whole envelope)."""
        return self.test(event)


class PatternError(ValueError):
    """Not of the documented grammar."""


@lru_cache(maxsize=4096)
def event_pattern(text: str) -> EventPattern:
    """A pattern, parsed once. Never raises: what cannot be read is a pattern that cannot be told."""
    try:
        if len(text) > MOST_TEXT:
            raise PatternError(f"it is longer than {MOST_TEXT:,} characters")
        raw = msgspec.json.decode(text)
        if not isinstance(raw, dict) or not raw:
            raise PatternError("it is no JSON object with fields")
        return EventPattern(text, _object(raw, 0, ""))
    except (PatternError, msgspec.MsgspecError, RecursionError, ValueError) as error:
        why = f"the pattern cannot be read: {error}"
        return EventPattern(text, lambda _: unknown(why), why)


def _object(raw: dict[str, Any], depth: int, where: str) -> Test:
    if depth > MOST_DEPTH:
        raise PatternError("it is nested too deeply")
    fields: list[tuple[str, Test]] = []
    choices: list[Test] = []
    for name, value in raw.items():
        if name == "$or" and _is_choice(value):
            choices.append(_either([_object(part, depth + 1, where) for part in value]))
        elif isinstance(value, dict):
            if not value:
                raise PatternError(f"{name} is an empty object")
            fields.append((name, _object(value, depth + 1, f"{where}{name}.")))
        elif isinstance(value, list):
            if not value:
                raise PatternError(f"{name} has an empty list")
            fields.append((name, _leaf([_entry(one) for one in value], f"{where}{name}")))
        else:
            raise PatternError(f"{name} wants a list of what it may be")

    def test(value: Any) -> Told:
        if isinstance(value, list):
            return any_of(test(one) for one in value)
        if not isinstance(value, dict):
            value = {}  # `exists: false` is true of a field that cannot be there
        return all_of([*(part(value.get(name, MISSING)) for name, part in fields), *(choice(value) for choice in choices)])

    return test


def _is_choice(value: Any) -> bool:
    """`$or` is an operator over at least two objects; else it is a field of that name."""
    return isinstance(value, list) and len(value) > 1 and all(isinstance(one, dict) and one for one in value)


def _either(parts: list[Test]) -> Test:
    return lambda value: any_of(part(value) for part in parts)


def _leaf(entries: list[tuple[str, Test]], where: str) -> Test:
    def test(value: Any) -> Told:
        return any_of(_applied(operator, part, value, where) for operator, part in entries)

    return test


def _applied(operator: str, part: Test, value: Any, where: str) -> Told:
    """One entry of a pattern on a field. `exists` looks at whether a leaf is there, the others at its values."""
    if operator == "exists":
        return part(MISSING if isinstance(value, dict) else value)
    if value is MISSING or isinstance(value, dict):
        return NO
    if isinstance(value, Free):
        if operator == "anything-but":
            return Told(True, "", (f"{where} is one the pattern leaves out",))
        return unknown(f"only for certain {where}")
    if not isinstance(value, list):
        return part(value)
    answers = [part(one) for one in value if not isinstance(one, dict | list)]
    if operator == "anything-but" and any_of(answers).answer is not all_of(answers).answer:
        return unknown("anything-but over a list whose entries differ is not documented")
    return any_of(answers)


def _entry(raw: Any) -> tuple[str, Test]:
    if isinstance(raw, dict):
        if len(raw) != 1:
            raise PatternError("an operator stands alone in its braces")
        name, argument = next(iter(raw.items()))
        made = _OPERATORS.get(name)
        if made is None:
            raise PatternError(f"{name} is no documented operator")
        return name, made(argument)
    if isinstance(raw, list):
        raise PatternError("a list inside a list")
    return "equals", _equals(raw)


def _equals(wanted: Any) -> Test:
    def test(value: Any) -> Told:
        if isinstance(wanted, bool) or isinstance(value, bool) or wanted is None or value is None:
            return Told(wanted is value)
        if isinstance(wanted, float) != isinstance(value, float) and isinstance(wanted, int | float) and isinstance(value, int | float):
            return unknown("numbers that are written differently") if wanted == value else NO
        return Told(type(wanted) is type(value) and wanted == value)

    return test


def _text(argument: Any, operator: str) -> str:
    if not isinstance(argument, str):
        raise PatternError(f"{operator} wants text")
    return argument


def _folded(argument: Any, operator: str) -> tuple[str, bool]:
    """Text, or `{"equals-ignore-case": text}`."""
    if isinstance(argument, dict) and set(argument) == {"equals-ignore-case"}:
        return _text(argument["equals-ignore-case"], operator).lower(), True
    return _text(argument, operator), False


def _of_text(check: Callable[[str], bool]) -> Test:
    return lambda value: Told(isinstance(value, str) and check(value))


def _prefix(argument: Any) -> Test:
    text, folds = _folded(argument, "prefix")
    return _of_text(lambda value: (value.lower() if folds else value).startswith(text))


def _suffix(argument: Any) -> Test:
    text, folds = _folded(argument, "suffix")
    return _of_text(lambda value: (value.lower() if folds else value).endswith(text))


def _ignoring_case(argument: Any) -> Test:
    text = _text(argument, "equals-ignore-case").lower()
    return _of_text(lambda value: value.lower() == text)


def _wildcard(argument: Any) -> Test:
    parts = _parts(_text(argument, "wildcard"))
    return _of_text(lambda value: _glob(parts, value))


def _parts(pattern: str) -> list[str]:
    """The texts between the stars of a wildcard; `\\*` is a star, `\\\\` a backslash."""
    parts, place = [""], 0
    while place < len(pattern):
        sign = pattern[place]
        if sign == "\\" and pattern[place + 1 : place + 2] in ("*", "\\"):
            parts[-1] += pattern[place + 1]
            place += 2
            continue
        if sign == "*":
            if pattern[place + 1 : place + 2] == "*":
                raise PatternError("** is not allowed in a wildcard")
            parts.append("")
        else:
            parts[-1] += sign
        place += 1
    return parts


def _glob(parts: list[str], text: str) -> bool:
    if len(parts) == 1:
        return text == parts[0]
    first, *middle, last = parts
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    place, end = len(first), len(text) - len(last)
    for part in middle:
        at = text.find(part, place, end)
        if at < 0:
            return False
        place = at + len(part)
    return True


def _exists(argument: Any) -> Test:
    if not isinstance(argument, bool):
        raise PatternError("exists wants true or false")
    return lambda value: Told((value is not MISSING and value != []) is argument)


def _numeric(argument: Any) -> Test:
    if not isinstance(argument, list) or not argument or len(argument) % 2 or len(argument) > 4:
        raise PatternError("numeric wants a comparison and a number, once or twice")
    checks: list[Callable[[float], bool]] = []
    for sign, number in zip(argument[::2], argument[1::2], strict=True):
        if isinstance(number, bool) or not isinstance(number, int | float) or sign not in ("=", "<", "<=", ">", ">="):
            raise PatternError("numeric wants a comparison and a number, once or twice")
        checks.append(_ordered(sign, number))
    return lambda value: Told(isinstance(value, int | float) and not isinstance(value, bool) and all(check(value) for check in checks))


def _ordered(sign: str, number: float) -> Callable[[float], bool]:
    return {
        "=": lambda value: value == number,
        "<": lambda value: value < number,
        "<=": lambda value: value <= number,
        ">": lambda value: value > number,
        ">=": lambda value: value >= number,
    }[sign]


def _cidr(argument: Any) -> Test:
    try:
        network = ipaddress.ip_network(_text(argument, "cidr"), strict=False)
    except ValueError:
        raise PatternError(f"{str(argument)[:60]} is no network") from None

    def within(value: str) -> bool:
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            return False
        return address.version == network.version and address in network

    return _of_text(within)


def _anything_but(argument: Any) -> Test:
    if isinstance(argument, dict):
        if len(argument) != 1:
            raise PatternError("an operator stands alone in its braces")
        name, inner = next(iter(argument.items()))
        if name not in ("prefix", "suffix", "equals-ignore-case", "wildcard"):
            raise PatternError(f"anything-but {name} is not documented")
        tests = [_OPERATORS[name](one) for one in (inner if isinstance(inner, list) else [inner])]
    else:
        wanted = argument if isinstance(argument, list) else [argument]
        if not wanted or not all(isinstance(one, str | int | float) and not isinstance(one, bool) for one in wanted):
            raise PatternError("anything-but wants texts or numbers")
        tests = [_equals(one) for one in wanted]

    def test(value: Any) -> Told:
        if value is None or isinstance(value, bool):
            return unknown("anything-but over null, true or false is not documented")
        told = any_of(one(value) for one in tests)
        return told if told.answer is None else Told(not told.answer)

    return test


_OPERATORS: dict[str, Callable[[Any], Test]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _ignoring_case,
    "wildcard": _wildcard,
    "exists": _exists,
    "numeric": _numeric,
    "cidr": _cidr,
    "anything-but": _anything_but,
}

__all__ = ["YES", "EventPattern", "event_pattern"]
