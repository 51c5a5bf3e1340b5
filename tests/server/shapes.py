"""Requests to dicts and dicts to answers, by the botocore service models."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, quote, unquote
from xml.sax.saxutils import escape

import botocore.session
from botocore.model import ListShape, MapShape, Shape, StructureShape


@cache
def model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def query_request(body: str) -> tuple[str, dict[str, Any]]:
    """(operation, parameters) of a query-protocol body; lists come as `Name.member.N`."""
    flat = dict(parse_qsl(body, keep_blank_values=True))
    operation = flat.pop("Action")
    flat.pop("Version", None)
    parameters: dict[str, Any] = {}
    for name, value in flat.items():
        head, dot, _ = name.partition(".member.")
        if dot:
            parameters.setdefault(head, []).append(value)
        else:
            parameters[name] = value
    return operation, parameters


def rest_request(service: str, method: str, path: str, query: str, body: str) -> tuple[str, dict[str, Any]]:
    """(operation, parameters) of a REST-JSON request, by the model's addresses."""
    asked = path.strip("/").split("/")
    for name in model(service).operation_names:
        found = model(service).operation_model(name)
        template = str(found.http["requestUri"]).partition("?")[0].strip("/").split("/")
        if found.http["method"] != method or len(template) != len(asked):
            continue
        if all(t.startswith("{") or t == a for t, a in zip(template, asked, strict=True)):
            told = {t.strip("{}+"): unquote(a) for t, a in zip(template, asked, strict=True) if t.startswith("{")}
            told.update(parse_qsl(query))
            wire = {m.serialization.get("name", n): n for n, m in (found.input_shape.members if found.input_shape else {}).items()}
            return name, {**{wire.get(k, k): v for k, v in told.items()}, **json.loads(body or "{}")}
    raise AssertionError(f"{service} has no {method} {path}")


def check_request(service: str, operation: str, parameters: dict[str, Any]) -> None:
    shape = model(service).operation_model(operation).input_shape
    unknown = set(parameters) - set(shape.members if shape else ())
    if unknown:
        raise AssertionError(f"{service}:{operation} has no parameter {unknown}")


def xml_answer(service: str, operation: str, answer: dict[str, Any]) -> bytes:
    shape = model(service).operation_model(operation).output_shape
    inner = _xml(shape, answer, operation) if shape is not None else ""
    result = f"<{operation}Result>{inner}</{operation}Result>"
    return (
        f'<{operation}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/">{result}'
        f"<ResponseMetadata><RequestId>test</RequestId></ResponseMetadata></{operation}Response>"
    ).encode()


class Written(str):
    """XML that is ready."""


def xml_of(shape: Shape, value: Any, where: str) -> str:
    return _xml(shape, value, where)


def _xml(shape: Shape, value: Any, where: str) -> str:
    if isinstance(value, Written):
        return value
    if isinstance(shape, StructureShape):
        unknown = set(value) - set(shape.members)
        if unknown:
            raise AssertionError(f"{where} has no field {sorted(unknown)}")
        parts = []
        for name, member in shape.members.items():
            if name in value and value[name] is not None:
                tag = member.serialization.get("name", name)
                parts.append(f"<{tag}>{_xml(member, value[name], f'{where}.{name}')}</{tag}>")
        return "".join(parts)
    if isinstance(shape, ListShape):
        return "".join(f"<member>{_xml(shape.member, entry, where)}</member>" for entry in value)
    if isinstance(shape, MapShape):
        return "".join(f"<entry><key>{escape(str(k))}</key><value>{_xml(shape.value, v, where)}</value></entry>" for k, v in value.items())
    if shape.type_name == "timestamp":
        return iso(value)
    if shape.type_name == "blob":
        return base64.b64encode(value).decode()
    if shape.type_name == "boolean":
        return "true" if value else "false"
    text = value if isinstance(value, str) else json.dumps(value)
    if where.endswith(("Document", "PolicyDocument")):
        text = quote(text, safe="")
    return escape(text)


def json_answer(service: str, operation: str, answer: dict[str, Any]) -> bytes:
    return json.dumps(_json(model(service).operation_model(operation).output_shape, answer, operation)).encode()


def _json(shape: Shape, value: Any, where: str) -> Any:
    if isinstance(shape, StructureShape):
        unknown = set(value) - set(shape.members)
        if unknown:
            raise AssertionError(f"{where} has no field {sorted(unknown)}")
        return {name: _json(shape.members[name], value[name], f"{where}.{name}") for name in value if value[name] is not None}
    if isinstance(shape, ListShape):
        return [_json(shape.member, entry, where) for entry in value]
    if isinstance(shape, MapShape):
        return {key: _json(shape.value, entry, where) for key, entry in value.items()}
    if shape.type_name == "timestamp":
        return iso(value) if shape.serialization.get("timestampFormat") == "iso8601" else stamp(value).timestamp()
    return value


def stamp(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    found = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def iso(value: Any) -> str:
    return stamp(value).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
