"""GAAD pages, read five times faster than botocore reads them.

A large account is a hundred pages and more, and turning their XML into Python values takes longer than AWS takes to send
them. The lists of a page are lifted out before botocore parses it, by the same service model botocore goes by; what is left
for botocore are the marker and the metadata, so that errors, retries and paging stay its own.
"""

from __future__ import annotations

import threading
from typing import Any
from xml.etree import ElementTree

_LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
_held = threading.local()


def install(session: Any) -> None:
    """Lift the lists out of every GAAD answer of this botocore session."""
    session.register("before-parse.iam.GetAccountAuthorizationDetails", _lift, unique_id="iamtui-gaad-pages")


def take() -> dict[str, Any]:
    """The lists of the page that this thread has just read; {} when botocore read them itself."""
    lists: dict[str, Any] = getattr(_held, "lists", {})
    _held.lists = {}
    return lists


def _lift(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    _held.lists = {}
    if response_dict.get("status_code") != 200:
        return
    try:
        root = ElementTree.fromstring(response_dict["body"])  # expat neither loads entities nor the network
    except ElementTree.ParseError:
        return  # botocore says what is wrong with it
    result = next((child for child in root if _local(child.tag) == "GetAccountAuthorizationDetailsResult"), None)
    if result is None:
        return
    members = operation_model.output_shape.members
    lists: dict[str, Any] = {}
    for child in list(result):
        name = _local(child.tag)
        if name in _LISTS:
            if name not in _plans:
                _plans[name] = _plan(members[name])
            lists[name] = _value(child, _plans[name])
            result.remove(child)
    response_dict["body"] = ElementTree.tostring(root)
    _held.lists = lists


_plans: dict[str, Any] = {}
"""Plans of the four lists, by name: one botocore has one model of them."""


def _plan(shape: Any) -> Any:
    """A shape as nested tuples: (`list`, plan), (`structure`, {name: plan}), or (type of a scalar, None)."""
    if shape.type_name == "list":
        return ("list", _plan(shape.member))
    if shape.type_name == "structure":
        return ("structure", {m.serialization.get("name", n): (n, _plan(m)) for n, m in shape.members.items()})
    return (shape.type_name, None)


def _value(element: Any, plan: Any) -> Any:
    kind, inner = plan
    if kind == "structure":
        found = {}
        for child in element:
            known = inner.get(_local(child.tag))
            if known is not None:
                found[known[0]] = _value(child, known[1])
        return found
    if kind == "list":
        return [_value(child, inner) for child in element]
    text = element.text or ""
    if kind == "boolean":
        return text == "true"
    if kind in ("integer", "long"):
        return int(text)
    return text


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
