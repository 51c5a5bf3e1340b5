"""Conditions of a statement in words. What the words do not know is shown as it is written."""

from __future__ import annotations

from collections.abc import Iterator

from ..policy.document import Conditions

_OPERATORS = {
    "stringequals": "is",
    "stringequalsignorecase": "is (any case)",
    "stringnotequals": "is not",
    "stringnotequalsignorecase": "is not (any case)",
    "stringlike": "is like",
    "stringnotlike": "is not like",
    "numericequals": "=",
    "numericnotequals": "≠",
    "numericlessthan": "<",
    "numericlessthanequals": "≤",
    "numericgreaterthan": ">",
    "numericgreaterthanequals": "≥",
    "dateequals": "is at",
    "datenotequals": "is not at",
    "datelessthan": "is before",
    "datelessthanequals": "is at or before",
    "dategreaterthan": "is after",
    "dategreaterthanequals": "is at or after",
    "bool": "is",
    "ipaddress": "is in",
    "notipaddress": "is not in",
    "arnequals": "is",
    "arnlike": "is like",
    "arnnotequals": "is not",
    "arnnotlike": "is not like",
    "binaryequals": "is",
}

_SENTENCES = {
    ("bool", "aws:multifactorauthpresent", "true"): "MFA required",
    ("boolifexists", "aws:multifactorauthpresent", "true"): "MFA required where the request tells of it",
    ("bool", "aws:multifactorauthpresent", "false"): "only without MFA",
    ("boolifexists", "aws:multifactorauthpresent", "false"): "only without MFA, or where MFA is not told (access keys)",
    ("bool", "aws:securetransport", "true"): "TLS required",
    ("bool", "aws:securetransport", "false"): "only without TLS",
}

_NAMES = {
    "sts:externalid": "external id",
    "aws:sourceaccount": "source account",
    "aws:sourcearn": "source ARN",
    "aws:sourceip": "source IP",
    "aws:principalorgid": "organisation",
    "aws:sourceorgid": "source organisation",
    "aws:principalorgpaths": "organisation path",
    "aws:principalarn": "principal ARN",
    "aws:principalaccount": "principal account",
    "aws:requestedregion": "Region",
    "aws:multifactorauthage": "seconds since MFA",
    "aws:sourcevpc": "source VPC",
    "aws:sourcevpce": "source VPC endpoint",
    "sts:rolesessionname": "session name",
    "sts:sourceidentity": "source identity",
}

MAX_VALUES = 6


def entries(conditions: Conditions) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(operator, key, values), the first two in lower case."""
    for operator, keys in conditions.items():
        for key, values in keys.items():
            yield operator.lower(), key.lower(), values


def condition_words(conditions: Conditions) -> tuple[str, ...]:
    """One phrase an operator and key: `external id is abc`, `MFA required`. All of them must hold."""
    return tuple(_phrase(operator, key, values) for operator, keys in conditions.items() for key, values in keys.items())


def _phrase(operator: str, key: str, values: tuple[str, ...]) -> str:
    lowered, name = operator.lower(), key.lower()
    if len(values) == 1:
        sentence = _SENTENCES.get((lowered, name, values[0].lower()))
        if sentence:
            return sentence
    subject = _NAMES.get(name, key)
    base = lowered
    quantifier = ""
    for prefix, words in (("foranyvalue:", "any value of "), ("forallvalues:", "all values of ")):
        if base.startswith(prefix):
            base, quantifier = base[len(prefix) :], words
    if base == "null":
        told = values[0].lower() if values else ""
        return f"{subject} is {'absent' if told == 'true' else 'present' if told == 'false' else 'null?'}"
    if_exists = base.endswith("ifexists")
    base = base.removesuffix("ifexists")
    verb = _OPERATORS.get(base, operator)
    shown = " or ".join(values[:MAX_VALUES]) if values else "nothing"
    if len(values) > MAX_VALUES:
        shown += f" or {len(values) - MAX_VALUES} more"
    return f"{quantifier}{subject} {verb} {shown}{', where it is told' if if_exists else ''}"
