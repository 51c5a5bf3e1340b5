"""Alerts out of whatever an on-call engineer has at hand: EventBridge events, GuardDuty, Security Hub and Access Analyzer findings,
CloudWatch alarm messages, SNS envelopes, CloudTrail records, or a bare key id, ARN, address, event or request id."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import msgspec

from ...errors import BadInputError
from ...model.alert import Alert, Clue, ClueKind
from .events import records
from .secrets import redact
from .wire import BROKEN, account_of, mend, moment, text

MAX_TEXT = 4 << 20
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_KEY = re.compile(r"\bA(?:KIA|SIA)[A-Z0-9]{12,}\b")
_UNIQUE_ID = re.compile(r"\bA(?:IDA|ROA)[A-Z0-9]{12,}\b")
_IDENTITY_ARN = re.compile(r"\barn:aws[a-z-]*:(?:iam|sts)::\d{12}:(?:user|role|assumed-role|federated-user|root)[/\w+=,.@-]*")
_IP = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_MOST_CLUES = 12
_DEPTH = 6


def decode_alert(words: str) -> Alert:
    """What a text is about. Raises BadInputError when nothing in it can be looked up."""
    if len(words) > MAX_TEXT:
        raise BadInputError(f"The text is longer than {MAX_TEXT >> 20} MiB: that is no alert", "iamtui --from FILE opens logs")
    stripped = words.strip().lstrip("\ufeff")
    if not stripped:
        raise BadInputError("There is nothing to triage: the text is empty", "paste an alert, a key id, an ARN, an address or an event id")
    alert = _told(_parsed(stripped), 0) if stripped[:1] in "{[" else _bare(stripped)
    if not alert.clues and not alert.record:
        raise BadInputError(
            f"Nothing in the {alert.kind} can be looked up in events",
            "iamtui triage takes EventBridge, GuardDuty, Security Hub, CloudWatch, SNS",
        )
    return alert


def _parsed(words: str) -> Any:
    body = words.encode("utf-8", "replace")
    for attempt in (body, mend(body)):
        try:
            return msgspec.json.decode(attempt)
        except BROKEN:
            continue
    for raw in records(mend(body), {}):  # several lines, or a list that is cut off
        try:
            return msgspec.json.decode(raw)
        except BROKEN:
            continue
    raise BadInputError("The text begins as JSON and cannot be read", "copy it whole")


def _told(value: Any, depth: int) -> Alert:
    """The alert in a JSON value: envelopes are opened, the first of several is taken."""
    if depth > _DEPTH:
        return Alert("text")
    if isinstance(value, str):
        inner = value.strip()
        return _told(_parsed(inner), depth + 1) if inner[:1] in ("{", "[") else _bare(inner)
    if isinstance(value, list):
        return _told(value[0], depth + 1) if value else Alert("empty list")
    if not isinstance(value, dict):
        return Alert("text")
    if value.get("Type") == "Notification" or ("TopicArn" in value and "Message" in value):
        return _told(value["Message"], depth + 1)
    for name in ("Records", "Events"):
        if isinstance(value.get(name), list) and value[name]:
            first = value[name][0]
            return _told(
                first.get("Sns", {}).get("Message", first) if isinstance(first, dict) and isinstance(first.get("Sns"), dict) else first,
                depth + 1,
            )
    if "CloudTrailEvent" in value:
        return _told(value["CloudTrailEvent"], depth + 1)
    if isinstance(value.get("detail"), dict) and ("detail-type" in value or "source" in value):
        return _eventbridge(value, depth)
    if "AlarmName" in value:
        return _alarm(value)
    if "eventName" in value and ("eventSource" in value or "userIdentity" in value):
        return _record(value)
    if isinstance(value.get("Findings"), list) and value["Findings"]:
        return _told(value["Findings"][0], depth + 1)
    if "ProductArn" in value or ("SchemaVersion" in value and "GeneratorId" in value):
        return _hub(value)
    if _any(value, "service") and _any(value, "type") and (_any(value, "resource") or "Resource" in value):
        return _guardduty(value)
    if "findings" in value and isinstance(value["findings"], list) and value["findings"]:
        return _told(value["findings"][0], depth + 1)
    if isinstance(value.get("finding"), dict):
        return _told(value["finding"], depth + 1)
    if ("resourceOwnerAccount" in value or "findingType" in value) and ("resource" in value or "id" in value):
        return _analyzer(value)
    return Alert("JSON text", clues=_clues_in(msgspec.json.encode(value).decode()))


def _any(value: dict[str, Any], name: str) -> Any:
    """A field in the spelling of the API (`service`) or of the CLI's input (`Service`)."""
    return value.get(name, value.get(name[:1].upper() + name[1:]))


def _eventbridge(value: dict[str, Any], depth: int) -> Alert:
    detail, kind = value["detail"], text(value.get("detail-type"))
    if kind == "GuardDuty Finding" or text(value.get("source")) == "aws.guardduty":
        inner = _guardduty(detail)
    elif "eventName" in detail:
        inner = _record(detail)
    elif isinstance(detail.get("alarmName"), str):
        inner = Alert(
            "CloudWatch alarm",
            text(detail["alarmName"]),
            text((detail.get("state") or {}).get("reason") if isinstance(detail.get("state"), dict) else ""),
        )
    else:
        inner = _told(detail, depth + 1)
    when = inner.at or moment(value.get("time"))
    clues = inner.clues or _clues_in(msgspec.json.encode(value).decode())
    return msgspec.structs.replace(
        inner,
        at=when,
        account=inner.account or text(value.get("account")),
        region=inner.region or text(value.get("region")),
        clues=clues,
        title=inner.title or kind,
    )


def _record(value: dict[str, Any]) -> Alert:
    clean = redact(value)
    identity = value.get("userIdentity")
    identity = identity if isinstance(identity, dict) else {}
    clues = [
        Clue(ClueKind.EVENT, text(value.get("eventID"))),
        Clue(ClueKind.KEY, text(identity.get("accessKeyId"))),
        Clue(ClueKind.ARN, text(identity.get("arn"))),
        Clue(ClueKind.IP, text(value.get("sourceIPAddress"))),
    ]
    return Alert(
        "CloudTrail record",
        text(value.get("eventName")),
        text(value.get("errorMessage")),
        at=moment(value.get("eventTime")),
        account=text(value.get("recipientAccountId")) or text(identity.get("accountId")),
        region=text(value.get("awsRegion")),
        clues=_some(clues),
        record=msgspec.json.encode(clean).decode(),
    )


def _guardduty(value: dict[str, Any]) -> Alert:
    resource, service = _any(value, "resource"), _any(value, "service")
    resource = resource if isinstance(resource, dict) else {}
    service = service if isinstance(service, dict) else {}
    key = _any(resource, "accessKeyDetails")
    key = key if isinstance(key, dict) else {}
    kind = text(_any(key, "userType"))
    name = text(_any(key, "userName"))
    principal = text(_any(key, "principalId")).partition(":")[0]
    clues = [
        Clue(ClueKind.KEY, text(_any(key, "accessKeyId"))),
        Clue(ClueKind.UNIQUE_ID, principal if principal[:1] == "A" else ""),
        Clue(ClueKind.ROLE if "Role" in kind else ClueKind.USER, name if kind != "Root" else ""),
    ]
    action = _any(service, "action")
    told = msgspec.json.encode(redact(action)).decode() if isinstance(action, dict) else ""
    clues += [Clue(ClueKind.IP, ip) for ip in _IP.findall(told) if _is_ip(ip)]
    severity = _any(value, "severity")
    return Alert(
        "GuardDuty finding",
        text(_any(value, "type")),
        text(_any(value, "description")) or text(_any(value, "title")),
        _guardduty_severity(severity),
        moment(_any(service, "eventLastSeen")) or moment(_any(value, "updatedAt")),
        text(_any(value, "accountId")),
        text(_any(value, "region")),
        _some([*clues, *_clues_in(msgspec.json.encode(value).decode())]),
    )


def _guardduty_severity(value: Any) -> str:
    """GuardDuty's number as its documentation names it: 9 critical, 7 high, 4 medium, 1 low."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return text(value)
    return "critical" if value >= 9 else "high" if value >= 7 else "medium" if value >= 4 else "low"


def _hub(value: dict[str, Any]) -> Alert:
    severity = value.get("Severity")
    resources = value.get("Resources")
    clues = [Clue(ClueKind.ARN, text(r.get("Id"))) for r in resources if isinstance(r, dict)] if isinstance(resources, list) else []
    return Alert(
        "Security Hub finding",
        text(value.get("Title")),
        text(value.get("Description")),
        text(severity.get("Label")).lower() if isinstance(severity, dict) else "",
        moment(value.get("LastObservedAt")) or moment(value.get("UpdatedAt")),
        text(value.get("AwsAccountId")),
        text(value.get("Region")),
        _some([*_clues_in(msgspec.json.encode(value).decode()), *clues]),
    )


def _analyzer(value: dict[str, Any]) -> Alert:
    resource = text(value.get("resource"))
    return Alert(
        "Access Analyzer finding",
        text(value.get("findingType")) or text(value.get("resourceType")) or "external access",
        resource,
        at=moment(value.get("updatedAt")) or moment(value.get("analyzedAt")),
        account=text(value.get("resourceOwnerAccount")) or account_of(resource),
        clues=_some([Clue(ClueKind.ARN, resource), *_clues_in(msgspec.json.encode(value).decode())]),
    )


def _alarm(value: dict[str, Any]) -> Alert:
    return Alert(
        "CloudWatch alarm",
        text(value.get("AlarmName")),
        text(value.get("NewStateReason")) or text(value.get("AlarmDescription")),
        text(value.get("NewStateValue")),
        moment(value.get("StateChangeTime")),
        text(value.get("AWSAccountId")),
        text(value.get("Region")),
        _some([*_clues_in(msgspec.json.encode(value).decode()), Clue(ClueKind.ARN, text(value.get("AlarmArn")))]),
    )


def _bare(words: str) -> Alert:
    """A key id, ARN, address, event or request id by itself, or any text that names some."""
    one = words.strip().strip("\"'`,;")
    if " " not in one and "\n" not in one:
        if one.startswith("arn:"):
            return Alert("ARN", one, account=account_of(one), clues=(Clue(ClueKind.ARN, one),))
        if _KEY.fullmatch(one.upper()):
            return Alert("access key", one.upper(), clues=(Clue(ClueKind.KEY, one.upper()),))
        if _UNIQUE_ID.fullmatch(one.upper()):
            return Alert("unique id", one.upper(), clues=(Clue(ClueKind.UNIQUE_ID, one.upper()),))
        if _UUID.fullmatch(one):
            return Alert("id", one, clues=(Clue(ClueKind.EVENT, one.lower()), Clue(ClueKind.REQUEST, one)))
        if _is_ip(one):
            return Alert("IP address", one, clues=(Clue(ClueKind.IP, one),))
        if len(one) <= 128:
            return Alert("name", one, clues=(Clue(ClueKind.REQUEST, one), Clue(ClueKind.USER, one), Clue(ClueKind.ROLE, one)))
    return Alert("text", words.splitlines()[0][:120], clues=_clues_in(words))


def _clues_in(words: str) -> tuple[Clue, ...]:
    """Whatever a text names: keys first, because they cannot be mistaken."""
    words = words[:200_000]
    found = [
        *(Clue(ClueKind.KEY, key) for key in _KEY.findall(words)),
        *(Clue(ClueKind.ARN, arn.rstrip(".,")) for arn in _IDENTITY_ARN.findall(words)),
        *(Clue(ClueKind.UNIQUE_ID, one) for one in _UNIQUE_ID.findall(words)),
        *(Clue(ClueKind.IP, ip) for ip in _IP.findall(words) if _is_ip(ip)),
    ]
    return _some(found)


def _is_ip(words: str) -> bool:
    try:
        ipaddress.ip_address(words)
    except ValueError:
        return False
    return True


def _some(clues: list[Clue]) -> tuple[Clue, ...]:
    return tuple(dict.fromkeys(clue for clue in clues if clue.value))[:_MOST_CLUES]
