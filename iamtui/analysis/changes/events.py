"""Changes as CloudTrail tells them: every IAM call that alters a user, role, group or managed policy, with what it was given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from ...model.change import Change, ChangeKind, Tells, Told
from ...model.event import ActorKind, Event, Outcome
from ...model.fact import Fact, State, absent, known
from ..documents import plain_document
from .resolving import Names, Target

SOURCE = "iam.amazonaws.com"
_NONE: Fact[str] = absent(State.NOT_APPLICABLE)
_CUT = "CloudTrail does not tell the document whole: it was cut off or left out"


class _Call(NamedTuple):
    """How an operation is read: what it does, whom to, and the parameter that names the part of it."""

    kind: ChangeKind
    target: str
    part: str = ""


K = ChangeKind
CALLS: dict[str, _Call] = {
    **{f"Create{t}": _Call(K.CREATED, t.lower()) for t in ("User", "Role", "Group", "Policy")},
    **{f"Delete{t}": _Call(K.DELETED, t.lower()) for t in ("User", "Role", "Group", "Policy")},
    **{f"Attach{t}Policy": _Call(K.ATTACHED, t.lower(), "policyArn") for t in ("User", "Role", "Group")},
    **{f"Detach{t}Policy": _Call(K.DETACHED, t.lower(), "policyArn") for t in ("User", "Role", "Group")},
    **{f"Put{t}Policy": _Call(K.PUT, t.lower(), "policyName") for t in ("User", "Role", "Group")},
    **{f"Delete{t}Policy": _Call(K.REMOVED, t.lower(), "policyName") for t in ("User", "Role", "Group")},
    **{f"Put{t}PermissionsBoundary": _Call(K.BOUNDARY_SET, t.lower()) for t in ("User", "Role")},
    **{f"Delete{t}PermissionsBoundary": _Call(K.BOUNDARY_REMOVED, t.lower()) for t in ("User", "Role")},
    **{f"Tag{t}": _Call(K.TAGGED, t.lower()) for t in ("User", "Role", "Policy")},
    **{f"Untag{t}": _Call(K.UNTAGGED, t.lower()) for t in ("User", "Role", "Policy")},
    "CreateServiceLinkedRole": _Call(K.CREATED, "role"),
    "DeleteServiceLinkedRole": _Call(K.DELETED, "role"),
    "CreatePolicyVersion": _Call(K.VERSION, "policy"),
    "SetDefaultPolicyVersion": _Call(K.DEFAULT, "policy", "versionId"),
    "DeletePolicyVersion": _Call(K.VERSION_DELETED, "policy", "versionId"),
    "UpdateAssumeRolePolicy": _Call(K.TRUST, "role"),
    "AddUserToGroup": _Call(K.JOINED, "user", "groupName"),
    "RemoveUserFromGroup": _Call(K.LEFT, "user", "groupName"),
    "CreateAccessKey": _Call(K.KEY_MADE, "user"),
    "UpdateAccessKey": _Call(K.KEY_DISABLED, "user", "accessKeyId"),
    "DeleteAccessKey": _Call(K.KEY_DELETED, "user", "accessKeyId"),
    "CreateLoginProfile": _Call(K.LOGIN_MADE, "user"),
    "UpdateLoginProfile": _Call(K.LOGIN_CHANGED, "user"),
    "ChangePassword": _Call(K.LOGIN_CHANGED, "user"),
    "DeleteLoginProfile": _Call(K.LOGIN_REMOVED, "user"),
    "EnableMFADevice": _Call(K.MFA_ON, "user", "serialNumber"),
    "DeactivateMFADevice": _Call(K.MFA_OFF, "user", "serialNumber"),
    "UploadSSHPublicKey": _Call(K.CREDENTIAL, "user"),
    "UploadSigningCertificate": _Call(K.CREDENTIAL, "user"),
    "CreateServiceSpecificCredential": _Call(K.CREDENTIAL, "user", "serviceName"),
    "ResetServiceSpecificCredential": _Call(K.CREDENTIAL, "user", "serviceSpecificCredentialId"),
    "UpdateUser": _Call(K.RENAMED, "user"),
    "UpdateGroup": _Call(K.RENAMED, "group"),
    "UpdateRole": _Call(K.SETTINGS, "role"),
    "UpdateRoleDescription": _Call(K.SETTINGS, "role"),
    "AddRoleToInstanceProfile": _Call(K.PROFILE_JOINED, "role", "instanceProfileName"),
    "RemoveRoleFromInstanceProfile": _Call(K.PROFILE_LEFT, "role", "instanceProfileName"),
}
"""IAM operations that change an identity or policy. Refused and failed calls change nothing and are no entries."""


def changes_of(events: Iterable[Event], names: Callable[[str], Names | None]) -> Iterator[Change]:
    """A change of every event that made one, in the order of `events`. `names`: the account's, None for accounts that are not open."""
    for event in events:
        call = CALLS.get(event.name) if event.source == SOURCE else None
        if call is None or event.outcome not in (Outcome.SUCCESS, Outcome.UNKNOWN):
            continue
        told = names(event.account)
        if told is not None:
            yield _change(event, call, told)


def _change(event: Event, call: _Call, names: Names) -> Change:
    record = _record(event)
    request, response = _part(record, "requestParameters"), _part(record, "responseElements")
    unknown = ["CloudTrail left the parameters of the call out"] if request.get("omitted") is True else []
    target = _target(event, call, request, response, names)
    part = _text(request.get(call.part)) if call.part else ""
    kind, was, becomes, default = call.kind, "", "", None
    before: Fact[str] = absent(State.NO_INFORMATION)
    after: Fact[str] = absent(State.NO_INFORMATION)
    match kind:
        case K.CREATED:
            before = _NONE
            name = "assumeRolePolicyDocument" if call.target == "role" else "policyDocument"
            after = _document(request, name) if call.target in ("role", "policy") else _NONE
            if call.target == "policy":
                part, default = "v1", True
            if target.gone and not target.unique_id:
                unknown.append(f"the answer does not tell the new {call.target}'s id")
        case K.PUT | K.TRUST:
            after = _document(request, "policyDocument")
        case K.VERSION:
            after = _document(request, "policyDocument")
            part = _text(_object(response.get("policyVersion")).get("versionId"))
            default = request.get("setAsDefault") in (True, "true")
            if not part:
                unknown.append("the answer does not tell the number of the new version")
        case K.DEFAULT:
            becomes, default = part, True
        case K.REMOVED | K.DELETED | K.DETACHED | K.VERSION_DELETED | K.LEFT:
            after = _NONE
        case K.ATTACHED | K.JOINED:
            before = _NONE
        case K.BOUNDARY_SET:
            becomes = _text(request.get("permissionsBoundary"))
        case K.BOUNDARY_REMOVED:
            after = _NONE
        case K.KEY_MADE:
            part = _text(_object(response.get("accessKey")).get("accessKeyId"))
        case K.KEY_DISABLED:
            status = _text(request.get("status")).casefold()
            kind = K.KEY_ENABLED if status == "active" else K.KEY_DISABLED
            becomes = _text(request.get("status"))
        case K.TAGGED:
            tags = [(_text(t.get("key") or t.get("Key")), _text(t.get("value") or t.get("Value"))) for t in _dicts(request.get("tags"))]
            part = ", ".join(key for key, _ in tags)
            becomes = ", ".join(f"{key}={value}" for key, value in tags)
        case K.UNTAGGED:
            keys = request.get("tagKeys")
            part = ", ".join(_text(key) for key in keys) if isinstance(keys, list) else ""
        case K.RENAMED:
            was = target.name
            becomes = _text(request.get("newUserName") or request.get("newGroupName"))
            path = _text(request.get("newPath"))
            part = "" if becomes or not path else f"path {path}"
        case K.SETTINGS:
            part = ", ".join(name for name in ("description", "maxSessionDuration") if name in request)
            becomes = _text(request.get("maxSessionDuration")) if part == "maxSessionDuration" else ""
        case K.CREDENTIAL:
            part = part or event.name
    return Change(
        kind=kind,
        target=target.kind,
        name=target.name,
        account=event.account or names.snapshot.account,
        at=event.time,
        told=(Told(Tells.EVENT, event.time, event.event_id or f"{event.name} without an id"),),
        arn=target.arn,
        unique_id=target.unique_id,
        part=part,
        before=before,
        after=after,
        was=was,
        becomes=becomes,
        default=default,
        event=event,
        unknown=tuple(unknown),
    )


def _target(event: Event, call: _Call, request: dict[str, Any], response: dict[str, Any], names: Names) -> Target:
    kind = call.target
    created = _object(response.get(kind)) if call.kind is K.CREATED else {}
    unique_id = _text(created.get(f"{kind}Id"))
    arn = _text(created.get("arn"))
    if kind == "policy":
        arn = arn or _text(request.get("policyArn"))
        name = _text(request.get("policyName")) or arn.rpartition("/")[2]
    else:
        name = _text(request.get(f"{kind}Name")) or _text(created.get(f"{kind}Name"))
        if not name and kind == "user":
            key = _object(response.get("accessKey"))
            name = _text(key.get("userName")) or (event.actor.name if event.actor.kind is ActorKind.USER else "")
    if not name and not arn:
        wanted = f":{kind}/"
        arn = next((one for one in event.targets if wanted in one), "")
    return names.find(kind, name, event.time, arn=arn, unique_id=unique_id)


def _document(request: dict[str, Any], name: str) -> Fact[str]:
    if name not in request:
        return absent(State.NO_INFORMATION, "CloudTrail", detail="CloudTrail does not tell the document")
    text = plain_document(request[name])
    return known(text, "CloudTrail") if text else absent(State.NO_INFORMATION, "CloudTrail", detail=_CUT)


def _record(event: Event) -> dict[str, Any]:
    try:
        record = msgspec.json.decode(event.record)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _part(record: dict[str, Any], name: str) -> dict[str, Any]:
    """Parameters or answer; also when they were written as text, as Lake and Athena keep them."""
    return _object(record.get(name))


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, str) and value[:1] == "{":
        try:
            value = msgspec.json.decode(value)
        except (msgspec.MsgspecError, RecursionError, ValueError):
            return {}
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""
