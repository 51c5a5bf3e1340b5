"""Requests as JSON lines, the public form of `iamtui evaluate`: one object in, one object out.

Request keys (all but `principal` and `action` may be left out; a layer that is left out, null or [] is not applied):

    id                       text or number, given back
    principal                ARN of a user, role, role session, federated user or provider; an account; a service; `*` for nobody
    action                   `s3:GetObject`
    resource                 an ARN or `*` (default)
    resourceAccount          account the resource is in (default: that of the ARN, else that of the principal)
    context                  condition key -> text, number, boolean or a list of them
    identityPolicies         documents; permissionsBoundaries, sessionPolicies, endpointPolicies: likewise
    resourcePolicy           one document
    serviceControlPolicies   a list a level, root of the organisation first, of documents; resourceControlPolicies: likewise
    mode                     `strict` (default): a missing context key is missing; `conditional`: it stays open
    blockPublicAccess        true: S3 Block Public Access is on for the bucket
    bucketAbac               false: the bucket does not take part in access by tags, `aws:ResourceTag/…` is not in the request

Answer: `id`, `decision` (`Allowed`, `ImplicitlyDenied`, `ExplicitlyDenied`, `Depends`), `because` (a list of objects: `layer`,
`effect`, `policy`, `statement`, `words`), `missing` (layers that did not allow), for `Depends` also `conditions` (a tree of
`all`, `any`, `not` and `operator`/`key`/`values`) and `conditionWords`, and `findings` (what was malformed in the documents).
A request that cannot be read is answered with `id` and `error`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from .caller import caller_of
from .compiled import Form
from .decision import Because, Decision, Held, Layers
from .evaluation import Request, evaluate, held
from .expression import as_data, words

MAX_LINE = 16_000_000
"""Bytes of one request. An account's policies fit many times over."""

Document = msgspec.Raw
_NONE: tuple[Any, ...] = ()


class _Wire(msgspec.Struct, rename="camel"):
    principal: str | None
    action: str
    id: Any = None
    resource: str | None = "*"
    resource_account: str | None = None
    context: dict[str, Any] | None = None
    identity_policies: list[Document] | None = None
    permissions_boundaries: list[Document] | None = None
    session_policies: list[Document] | None = None
    resource_policy: Document = Document(b"")
    service_control_policies: list[list[Document]] | None = None
    resource_control_policies: list[list[Document]] | None = None
    endpoint_policies: list[Document] | None = None
    mode: str = "strict"
    block_public_access: bool | None = None
    bucket_abac: bool | None = None


class _OnlyId(msgspec.Struct):
    id: Any = None


_DECODER = msgspec.json.Decoder(_Wire)
_ID = msgspec.json.Decoder(_OnlyId)
_ENCODER = msgspec.json.Encoder()
_MODES = ("strict", "conditional")


class BadRequestError(ValueError):
    """A request that cannot be asked; the text says why."""


def request_of(line: bytes | str) -> tuple[Any, Request]:
    """(id, request) of one line. Raises BadRequestError."""
    try:
        wire = _DECODER.decode(line)
    except RecursionError:
        raise BadRequestError("nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadRequestError(str(error)) from None
    if wire.mode not in _MODES:
        raise BadRequestError(f"mode is {wire.mode!r}; there are {' and '.join(_MODES)}")
    prefix, colon, name = wire.action.partition(":")
    if not (prefix and colon and name) or "*" in wire.action or "?" in wire.action:
        raise BadRequestError(f"action is {wire.action!r}, not service:Action")
    try:
        caller = caller_of(wire.principal or "*")
    except ValueError as error:
        raise BadRequestError(f"principal {wire.principal!r} {error}") from None
    context = dict(wire.context or {})
    if wire.bucket_abac is False:
        context = {key: value for key, value in context.items() if not key.lower().startswith("aws:resourcetag/")}
    layers = Layers(
        identity=_layer(wire.identity_policies, Form.IDENTITY, "identityPolicies") or (),
        boundary=_layer(wire.permissions_boundaries, Form.IDENTITY, "permissionsBoundaries"),
        session=_layer(wire.session_policies, Form.IDENTITY, "sessionPolicies"),
        resource=_layer(None if _absent(wire.resource_policy) else [wire.resource_policy], Form.RESOURCE, "resourcePolicy"),
        service_control=_levels(wire.service_control_policies, Form.IDENTITY, "serviceControlPolicies"),
        resource_control=_levels(wire.resource_control_policies, Form.ORGANIZATION_RESOURCE, "resourceControlPolicies"),
        endpoint=_layer(wire.endpoint_policies, Form.RESOURCE, "endpointPolicies"),
    )
    request = Request(
        caller,
        wire.action,
        wire.resource or "*",
        layers,
        context=context,
        resource_account=wire.resource_account or "",
        conditional=wire.mode == "conditional",
        block_public=bool(wire.block_public_access),
    )
    return wire.id, request


def _absent(document: Document) -> bool:
    return bytes(document).strip() in (b"", b"null")


def _layer(documents: list[Document] | None, form: Form, key: str) -> tuple[Held, ...] | None:
    if not documents:
        return None
    one = key == "resourcePolicy"
    return tuple(held(_text(document), form, key if one else f"{key}[{at}]") for at, document in enumerate(documents))


def _levels(levels: list[list[Document]] | None, form: Form, key: str) -> tuple[tuple[Held, ...], ...]:
    return tuple(
        tuple(held(_text(document), form, f"{key}[{depth}][{at}]") for at, document in enumerate(level))
        for depth, level in enumerate(levels or ())
    )


def _text(document: Document) -> str:
    """A document's JSON text; one that was saved as a JSON string is unwrapped."""
    raw = bytes(document)
    if raw.lstrip()[:1] == b'"':
        return str(msgspec.json.decode(raw, type=str))
    return raw.decode("utf-8", "replace")


def answer_of(identifier: Any, request: Request, decision: Decision) -> dict[str, Any]:
    """The answer as JSON data."""
    answer: dict[str, Any] = {"id": identifier, "decision": decision.effect.value, "because": [_because(one) for one in decision.because]}
    answer["missing"] = [layer.value for layer in decision.missing]
    if decision.conditions is not None:
        answer["conditions"] = as_data(decision.conditions)
        answer["conditionWords"] = words(decision.conditions)
    findings = list(_findings(request.layers))
    if findings:
        answer["findings"] = findings
    return answer


def _because(because: Because) -> dict[str, Any]:
    told: dict[str, Any] = {"layer": because.layer.value, "effect": "Allow" if because.allows else "Deny", "words": because.told}
    if because.rule is not None and because.held is not None:
        told["policy"] = because.held.name
        told["statement"] = {"index": because.rule.statement.index, "sid": because.rule.statement.sid}
    return told


def _findings(layers: Layers) -> Iterator[str]:
    groups: Iterable[Held] = (
        *layers.identity,
        *(layers.boundary or ()),
        *(layers.session or ()),
        *(layers.resource or ()),
        *(one for level in (*layers.service_control, *layers.resource_control) for one in level),
        *(layers.endpoint or ()),
    )
    for one in groups:
        for finding in one.policy.findings:
            yield f"{one.name}: {finding}"


def answer_line(line: bytes | str) -> tuple[bytes, bool]:
    """(answer without the newline, whether the request could be asked). Never raises: what cannot be asked is answered with
    `error`."""
    if len(line) > MAX_LINE:
        # The rest of it is not read: its id cannot be told.
        return _ENCODER.encode({"id": None, "error": f"the line is longer than {MAX_LINE:,} bytes"}), False
    try:
        identifier, request = request_of(line)
    except BadRequestError as error:
        return _ENCODER.encode({"id": _id_of(line), "error": str(error)}), False
    return _ENCODER.encode(answer_of(identifier, request, evaluate(request))), True


def _id_of(line: bytes | str) -> Any:
    try:
        return _ID.decode(line).id
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
