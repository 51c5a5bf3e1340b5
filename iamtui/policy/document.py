"""A policy's JSON text as a value. What AWS would refuse becomes a finding in words, never an exception.

This is the seam of the evaluation engine: everything that asks about a policy asks a `PolicyDocument`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

MAX_TEXT = 300_000
"""Characters. AWS's largest documents have 10,240 (IAM) to 32,768 (KMS) without blanks; what is longer is not read."""

ALLOW, DENY = "Allow", "Deny"

Principals = Mapping[str, tuple[str, ...]]
Conditions = Mapping[str, Mapping[str, tuple[str, ...]]]

_ELEMENTS = {
    "sid": "Sid",
    "effect": "Effect",
    "principal": "Principal",
    "notprincipal": "NotPrincipal",
    "action": "Action",
    "notaction": "NotAction",
    "resource": "Resource",
    "notresource": "NotResource",
    "condition": "Condition",
}
_DOCUMENT_ELEMENTS = {"version": "Version", "id": "Id", "statement": "Statement"}
_PRINCIPAL_TYPES = {"aws": "AWS", "service": "Service", "federated": "Federated", "canonicaluser": "CanonicalUser"}


class Statement(msgspec.Struct, frozen=True):
    """One statement. An element that is absent is an empty tuple or mapping; `findings` of the document say which are
    missing where they must not be.

    effect:     `Allow`, `Deny`, or "" when it is neither: such a statement says nothing
    principals: type (`AWS`, `Service`, `Federated`, `CanonicalUser`, and `*` for the bare star) -> values
    conditions: operator as written (`StringEquals`) -> key as written -> values as text
    index:      position in the document's statement list; line ranges of the pretty text go by it (`analysis.pretty`)
    broken:     AWS would refuse it, or a part that narrows it could not be read: it must not be taken to grant or to deny
    """

    index: int
    sid: str = ""
    effect: str = ""
    principals: Principals = {}
    not_principals: Principals = {}
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    conditions: Conditions = {}
    broken: bool = False

    @property
    def allows(self) -> bool:
        return self.effect == ALLOW

    @property
    def denies(self) -> bool:
        return self.effect == DENY

    @property
    def label(self) -> str:
        """What people call it: its Sid, else its number from 1."""
        return self.sid or f"statement {self.index + 1}"


class PolicyDocument(msgspec.Struct, frozen=True):
    """A parsed policy. `findings` are sentences about what is malformed; what could be read is in `statements`."""

    version: str = ""
    id: str = ""
    statements: tuple[Statement, ...] = ()
    findings: tuple[str, ...] = ()


@lru_cache(maxsize=8192)
def parse(text: str) -> PolicyDocument:
    """The document behind JSON text. Never raises; answers are shared, so asking again is free."""
    if not text.strip():
        return PolicyDocument(findings=("the document is empty",))
    if len(text) > MAX_TEXT:
        return PolicyDocument(findings=(f"the document has {len(text):,} characters and was not read: no AWS policy is that long",))
    try:
        raw = msgspec.json.decode(text)
    except RecursionError:
        return PolicyDocument(findings=("the document is nested too deeply to be a policy",))
    except (msgspec.MsgspecError, ValueError) as error:
        return PolicyDocument(findings=(f"not JSON: {error}",))
    return _document(raw)


def _document(raw: Any) -> PolicyDocument:
    findings: list[str] = []
    if not isinstance(raw, dict):
        return PolicyDocument(findings=(f"the document is {_noun(raw)}, not an object",))
    values = _known(raw, _DOCUMENT_ELEMENTS, "the document", findings)
    version = _text(values.get("Version"))
    if version not in ("2012-10-17", "2008-10-17", ""):
        findings.append(f"unknown policy version {_short(version)}")
    entries = values.get("Statement")
    if entries is None:
        findings.append("the document has no Statement")
        entries = []
    elif not isinstance(entries, list):
        entries = [entries]
    statements = []
    for index, entry in enumerate(entries):
        if isinstance(entry, dict):
            statements.append(_statement(index, entry, findings))
        else:
            findings.append(f"statement {index + 1} is {_noun(entry)}, not an object")
    return PolicyDocument(version, _text(values.get("Id")), tuple(statements), tuple(findings))


def _statement(index: int, raw: dict[str, Any], findings: list[str]) -> Statement:
    where = f"statement {index + 1}"
    values = _known(raw, _ELEMENTS, where, findings)
    effect = _text(values.get("Effect"))
    # AWS takes `Allow` and `Deny` only as written; another spelling is read for what it means, and said.
    if effect not in (ALLOW, DENY):
        if effect.capitalize() in (ALLOW, DENY):
            findings.append(f"{where}: Effect is written {_short(effect)}")
            effect = effect.capitalize()
        else:
            findings.append(f"{where}: Effect is {_short(effect) if effect else 'missing'}; it says nothing")
            effect = ""
    lists = {
        name: _strings(values[name], f"{where}: {name}", findings) if name in values else ()
        for name in ("Action", "NotAction", "Resource", "NotResource")
    }
    broken = False
    for name, other in (("Action", "NotAction"), ("Resource", "NotResource")):
        if name in values and other in values:
            findings.append(f"{where} has both {name} and {other}")
            broken = True
    if not lists["Action"] and not lists["NotAction"]:
        findings.append(f"{where} names no action")
        broken = True
    if "Principal" in values and "NotPrincipal" in values:
        findings.append(f"{where} has both Principal and NotPrincipal")
        broken = True
    sid = values.get("Sid", "")
    if not isinstance(sid, str):
        findings.append(f"{where}: Sid is {_noun(sid)}, not text")
    conditions, whole = _conditions(values["Condition"], f"{where}: Condition", findings) if "Condition" in values else ({}, True)
    return Statement(
        index=index,
        sid=_text(sid),
        effect=effect,
        principals=_principals(values["Principal"], f"{where}: Principal", findings) if "Principal" in values else {},
        not_principals=_principals(values["NotPrincipal"], f"{where}: NotPrincipal", findings) if "NotPrincipal" in values else {},
        actions=lists["Action"],
        not_actions=lists["NotAction"],
        resources=lists["Resource"],
        not_resources=lists["NotResource"],
        conditions=conditions,
        broken=broken or not whole,
    )


def _known(raw: dict[str, Any], names: Mapping[str, str], where: str, findings: list[str]) -> dict[str, Any]:
    """`raw` with its keys in AWS's spelling; keys that are no element are told."""
    values: dict[str, Any] = {}
    for key, value in raw.items():
        name = names.get(key.lower())
        if name is None:
            findings.append(f"{where} has an unknown element {_short(key)}")
        elif name in values:
            findings.append(f"{where} has {name} twice; the first one counts here")
        else:
            values[name] = value
    return values


def _strings(value: Any, where: str, findings: list[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        findings.append(f"{where} is {_noun(value)}, not text or a list")
        return ()
    if not value:
        findings.append(f"{where} is an empty list")
    strings = tuple(item for item in value if isinstance(item, str))
    if len(strings) != len(value):
        findings.append(f"{where} holds {len(value) - len(strings)} entries that are not text")
    return strings


def _principals(value: Any, where: str, findings: list[str]) -> Principals:
    if isinstance(value, str):
        if value != "*":
            findings.append(f"{where} is the bare text {_short(value)}")
            return {"AWS": (value,)}
        return {"*": ("*",)}
    if not isinstance(value, dict):
        findings.append(f"{where} is {_noun(value)}, not an object")
        return {}
    principals: dict[str, tuple[str, ...]] = {}
    for key, entries in value.items():
        kind: str = _PRINCIPAL_TYPES.get(str(key).lower(), str(key))
        if kind not in _PRINCIPAL_TYPES.values():
            findings.append(f"{where} has an unknown type {_short(key)}")
        principals[kind] = principals.get(kind, ()) + _strings(entries, f"{where}.{kind}", findings)
    return principals


def _conditions(value: Any, where: str, findings: list[str]) -> tuple[Conditions, bool]:
    """(conditions, whether all of them could be read)."""
    if not isinstance(value, dict):
        findings.append(f"{where} is {_noun(value)}, not an object")
        return {}, False
    before = len(findings)
    conditions: dict[str, dict[str, tuple[str, ...]]] = {}
    for operator, keys in value.items():
        if not isinstance(keys, dict):
            findings.append(f"{where}.{_short(operator)} is {_noun(keys)}, not an object")
            continue
        conditions[operator] = {key: _values(entries, f"{where}.{_short(operator)}", findings) for key, entries in keys.items()}
    return conditions, len(findings) == before


def _values(value: Any, where: str, findings: list[str]) -> tuple[str, ...]:
    """Condition values as text: AWS takes numbers and booleans with and without quotes."""
    entries = value if isinstance(value, list) else [value]
    values = tuple(_text(entry) for entry in entries if isinstance(entry, str | int | float))
    if len(values) != len(entries):
        findings.append(f"{where} holds {len(entries) - len(values)} values that are neither text nor a number")
    return values


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else ""


def _noun(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    for kind, noun in ((dict, "an object"), (list, "a list"), (str, "text")):
        if isinstance(value, kind):
            return noun
    return "a number"


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:59] + "…")
