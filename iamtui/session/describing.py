"""One identity or policy as a JSON-able answer: the headless sibling of the identity view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ..analysis.words import machine
from ..model.fact import Fact, State
from ..model.identity import Group, Role, User
from ..model.policy import Grant, Policy
from .answers import Direction, Row
from .export import json_object

if TYPE_CHECKING:
    from .facade import Session


def fact_json(fact: Fact[Any], value: Any = None) -> dict[str, Any]:
    """A fact with its state, source and age; `value` replaces the fact's own where that is not plain JSON."""
    answer: dict[str, Any] = {"state": fact.state.value}
    if fact.state is State.KNOWN:
        answer["value"] = fact.value if value is None else value
    if fact.source:
        answer["source"] = fact.source
    if fact.as_of:
        answer["as_of"] = fact.as_of
    if fact.detail:
        answer["detail"] = fact.detail
    return answer


def describe(session: Session, row: Row) -> dict[str, Any]:
    """Facts, grants and what is on hand about credentials, trust and use of one row. Loads the catalogue."""
    kind = _kind(row.item)
    answer: dict[str, Any] = {"kind": kind, **json_object(session.listing(session.kind_of(row)).columns, row)}
    if isinstance(row.item, Policy):
        answer["versions"] = [
            {"version_id": v.version_id, "default": v.is_default, "created": v.created, "document": _document(v.document)}
            for v in row.item.versions
        ]
        answer["attached_to"] = [msgspec.to_builtins(a) for a in session.attachments(row)]
        return answer
    answer["grants"] = [_grant(grant) for grant in session.grants(row)]
    answer["permissions"] = msgspec.to_builtins(session.permissions(row), builtin_types=(bytes,))
    if isinstance(row.item, Role):
        trust = session.trust(row)
        answer["trust"] = {"document": _document(row.item.trust), "summary": msgspec.to_builtins(trust) if trust else None}
    if isinstance(row.item, User):
        view = session.credentials(row)
        answer["credentials"] = fact_json(view.report, _credentials(view.report))
        answer["access_keys"] = fact_json(view.keys, msgspec.to_builtins(view.keys.value) if view.keys.value is not None else None)
    if isinstance(row.item, Group):
        answer["members"] = [user.arn for user in session.members(row)]
    usage = session.usage(row)
    answer["last_used"] = fact_json(usage, msgspec.to_builtins(usage.value) if usage.value is not None else None)
    answer["activity"] = {
        "events": [e.event_id for e in session.activity(row, Direction.BOTH).events],
        "covered": [msgspec.to_builtins(w) for w in session.windows(row) or session.windows()],
    }
    return answer


def _kind(item: object) -> str:
    return type(item).__name__.lower()


def _document(text: str | None) -> Any:
    """The document as JSON where it is JSON, else its text."""
    if not text:
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return text


def _grant(grant: Grant) -> dict[str, Any]:
    return {
        "via": grant.via.value,
        "policy": grant.policy_name,
        "policy_arn": grant.policy_arn or None,
        "group": grant.group or None,
        "document": _document(grant.document),
        "document_state": "known" if grant.document is not None else "not loaded",
    }


def _credentials(report: Fact[Any]) -> dict[str, Any] | None:
    if report.value is None:
        return None
    answer: dict[str, Any] = {}
    for name in report.value.__struct_fields__:
        value = getattr(report.value, name)
        if isinstance(value, Fact):
            answer[name] = machine(value)
        elif name == "keys":
            answer[name] = [{f: machine(getattr(key, f)) for f in key.__struct_fields__} for key in value]
        elif name == "certificates":
            answer[name] = [machine(fact) for fact in value]
        else:
            answer[name] = value
    return answer
