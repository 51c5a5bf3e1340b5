"""Condition operators: one test an operator and key, made once, asked of many requests.

Source: IAM User Guide, "Condition operators", "Multivalued context keys", "Policy variables and tags".
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from .arns import Token, Values, Variable, arn_test, resolved, text_test, tokens
from .document import Conditions
from .expression import Open, Truth

Matcher = Callable[[str], bool]

_ALL, _ANY = "forallvalues:", "foranyvalue:"
_NEGATED = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
    "notipaddress": "ipaddress",
    "arnnotequals": "arnlike",
    "arnnotlike": "arnlike",
}
_TAKES_VARIABLES = frozenset(("stringequals", "stringequalsignorecase", "stringlike", "arnlike"))


class UnknownOperatorError(ValueError):
    """A condition operator AWS does not have. The statement says nothing."""


class ConditionTest:
    """One operator and key of a Condition. Made by `condition_tests`.

    A key that the request lacks: positive operators do not hold, negated ones do, `IfExists` does; `ForAllValues` holds,
    `ForAnyValue` does not.
    """

    __slots__ = (
        "_dynamic",
        "_matchers",
        "_null",
        "_texts",
        "_word",
        "if_exists",
        "key",
        "lowered",
        "negated",
        "operator",
        "quantifier",
        "values",
    )

    def __init__(self, operator: str, key: str, values: tuple[str, ...], variables: bool) -> None:
        word = operator.strip().lower()
        self.operator, self.key, self.lowered, self.values = operator, key, key.lower(), values
        self.quantifier = next((prefix for prefix in (_ALL, _ANY) if word.startswith(prefix)), "")
        word = word[len(self.quantifier) :]
        self._null: frozenset[bool] | None = None
        self._texts: frozenset[str] | None = None
        self._matchers: tuple[Matcher, ...] = ()
        self._dynamic: tuple[tuple[Token, ...], ...] = ()
        self._word = ""
        self.negated = False
        if word == "null":
            self.if_exists = False
            self._null = frozenset(value.strip().lower() == "true" for value in values if value.strip().lower() in ("true", "false"))
            return
        self.if_exists = word.endswith("ifexists")
        word = word.removesuffix("ifexists")
        self.negated = word in _NEGATED
        word = _NEGATED.get(word, word)
        word = "arnlike" if word == "arnequals" else word
        maker = _MAKERS.get(word)
        if maker is None:
            raise UnknownOperatorError(operator)
        if word not in _TAKES_VARIABLES:
            self._matchers = tuple(maker(value) for value in values)
            return
        wild = word in ("stringlike", "arnlike")
        parsed = [tokens(value, variables, wild) for value in values]
        static = [parts for parts in parsed if not any(isinstance(part, Variable) for part in parts)]
        self._dynamic = tuple(parts for parts in parsed if parts not in static)
        if word == "stringequals":
            self._texts = frozenset("".join(str(part) for part in parts) for parts in static)
        else:
            self._matchers = tuple(_pattern(word, parts) for parts in static)
        self._word = word

    @property
    def has_variables(self) -> bool:
        return bool(self._dynamic)

    # -- asked -------------------------------------------------------------------------------------------------------

    def holds(self, context: Values) -> bool:
        """Whether the condition holds; a key the context does not name is missing."""
        values = context.get(self.lowered, ())
        if self._null is not None:
            return (not values) in self._null
        if not values or (self.quantifier and values == ("",)):
            if self.if_exists:
                return True
            if self.quantifier:
                return self.quantifier == _ALL
            return self.negated
        if self.quantifier == _ALL:
            return all(self._matches(value, context) is not self.negated for value in values)
        if self.quantifier == _ANY:
            return any(self._matches(value, context) is not self.negated for value in values)
        return any(self._matches(value, context) for value in values) is not self.negated

    def truth(self, context: Values) -> Truth:
        """As `holds`, but a key nobody told about keeps the condition open."""
        if self.lowered not in context or any(
            part.key not in context for parts in self._dynamic for part in parts if isinstance(part, Variable)
        ):
            return Open(self.operator, self.key, self.values)
        return self.holds(context)

    def _matches(self, value: str, context: Values) -> bool:
        if self._texts is not None:
            if value in self._texts:
                return True
        else:
            for matcher in self._matchers:
                if matcher(value):
                    return True
        for parts in self._dynamic:
            filled = resolved(parts, context)
            if filled is not None and _pattern(self._word, filled)(value):
                return True
        return False


def condition_tests(conditions: Conditions, *, variables: bool) -> tuple[ConditionTest, ...]:
    """All must hold. Raises UnknownOperatorError. `variables`: the document's version is 2012-10-17."""
    return tuple(
        ConditionTest(operator, key, tuple(values), variables) for operator, keys in conditions.items() for key, values in keys.items()
    )


# -- one value ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16384)
def _pattern(word: str, parts: tuple[Token, ...]) -> Matcher:
    if word == "arnlike":
        test = arn_test(parts)
        return lambda value: value.startswith("arn:") and test(value)
    if word == "stringequalsignorecase":
        wanted = "".join(str(part) for part in parts).casefold()
        return lambda value: value.casefold() == wanted
    if word == "stringequals":
        return "".join(str(part) for part in parts).__eq__
    return text_test(parts)


def _never(_value: str) -> bool:
    return False


@lru_cache(maxsize=8192)
def number(text: str) -> Decimal | None:
    """A number of a policy or request; None when it is none."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


_PLAIN_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(:\d\d)?([.,]\d+)?\s*([Zz]|[+-]\d\d:?\d\d)?")


@lru_cache(maxsize=8192)
def moment(text: str) -> Decimal | None:
    """Seconds since 1970 of a date (ISO 8601 in W3C's forms, or the seconds themselves); None when it is none."""
    text = text.strip()
    plain = _PLAIN_DATE.fullmatch(text)
    try:
        if plain:
            year, month, day = (int(part) if part else 1 for part in plain.groups())
            return Decimal(int(datetime(year, month, day, tzinfo=UTC).timestamp()))
        found = _MOMENT.fullmatch(text)
        if found:
            date, minute, second, fraction, zone = found.groups()
            offset = "+00:00" if not zone or zone in "Zz" else zone
            whole = datetime.fromisoformat(f"{date}T{minute}{second or ':00'}{offset}")
            return Decimal(int(whole.timestamp())) + Decimal("0" + fraction.replace(",", ".") if fraction else 0)
    except (ValueError, OverflowError):
        return None
    return number(text)


def _comparing(read: Callable[[str], Decimal | None], holds: Callable[[Decimal, Decimal], bool]) -> Callable[[str], Matcher]:
    def make(value: str) -> Matcher:
        wanted = read(value)
        if wanted is None:
            return _never

        def test(text: str) -> bool:
            given = read(text)
            return given is not None and holds(given, wanted)

        return test

    return make


_ORDER: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "equals": lambda given, wanted: given == wanted,
    "lessthan": lambda given, wanted: given < wanted,
    "lessthanequals": lambda given, wanted: given <= wanted,
    "greaterthan": lambda given, wanted: given > wanted,
    "greaterthanequals": lambda given, wanted: given >= wanted,
}


def _bool(value: str) -> Matcher:
    wanted = value.strip().lower()
    if wanted not in ("true", "false"):
        return _never
    return lambda text: text.strip().lower() == wanted


@lru_cache(maxsize=8192)
def address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.strip())
    except ValueError:
        return None


def _network(value: str) -> Matcher:
    try:
        network = ipaddress.ip_network(value.strip(), strict=False)
    except ValueError:
        return _never

    def test(text: str) -> bool:
        given = address(text)
        return given is not None and given.version == network.version and given in network

    return test


def _binary(value: str) -> Matcher:
    wanted = _bytes(value)
    return lambda text: _bytes(text) == wanted


def _bytes(text: str) -> bytes | str:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text


_MAKERS: dict[str, Callable[[str], Matcher]] = {
    "stringequals": lambda value: value.__eq__,
    "stringequalsignorecase": lambda value: value.__eq__,
    "stringlike": lambda value: value.__eq__,
    "arnlike": lambda value: value.__eq__,
    "bool": _bool,
    "ipaddress": _network,
    "binaryequals": _binary,
    **{f"numeric{word}": _comparing(number, order) for word, order in _ORDER.items()},
    **{f"date{word}": _comparing(moment, order) for word, order in _ORDER.items()},
}
