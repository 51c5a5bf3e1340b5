"""CloudTrail records out of every container they come in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from ...model.document import Document
from ...model.event import DENIED_CODES, OTHER_TIMES, TARGET_FIELDS, Event, Outcome
from .actors import actor_of
from .secrets import redact, suspect
from .wire import BROKEN, items, mend, moment, reason_of, text

_DENIED = re.compile(DENIED_CODES, re.IGNORECASE)
_TIMES = ("eventTime", *OTHER_TIMES)
_TARGET_SET = frozenset(TARGET_FIELDS)
_MAX_TARGETS = 12


class EventBatch(msgspec.Struct, frozen=True):
    """Events of one document, and what in it is not among them: reasons in words, with counts. `broken`: among what is missing
    are events that could not be read."""

    events: tuple[Event, ...] = ()
    skipped: tuple[str, ...] = ()
    broken: bool = False


def decode_events(document: Document) -> EventBatch:
    """All events of one container, in its order. What cannot be read is skipped with a reason; nothing is invented."""
    events: list[Event] = []
    skipped: dict[str, int] = {}
    for raw in records(document.body, skipped):
        try:
            record = msgspec.json.decode(raw)
        except BROKEN:
            try:
                raw = mend(bytes(raw))
                record = msgspec.json.decode(raw)
            except BROKEN as error:
                _count(skipped, f"a record cannot be read: {reason_of(error)}")
                continue
        if not isinstance(record, dict):
            _count(skipped, "an entry is no record")
            continue
        if isinstance(record.get("detail"), dict) and ("detail-type" in record or "source" in record):
            record, raw = record["detail"], msgspec.json.encode(record["detail"])
        if "insightDetails" in record or record.get("eventType") == "AwsCloudTrailInsight":
            _count(skipped, "a CloudTrail Insight, no event")
            continue
        if not record.get("eventName") and not record.get("eventSource"):
            _count(skipped, "an entry has neither eventName nor eventSource")
            continue
        try:
            events.append(_event(record, raw, document))
        except BROKEN as error:
            _count(skipped, f"a record cannot be read: {reason_of(error)}")
    reasons = tuple(why if n == 1 else f"{why} ({n} times)" for why, n in skipped.items())
    return EventBatch(tuple(events), reasons, any("cannot be read" in why for why in skipped))


def records(body: bytes, skipped: dict[str, int]) -> Iterator[msgspec.Raw | bytes]:
    """Raw records of a `Records` file, a bare array, a single record, JSON lines, `LookupEvents` output or envelopes."""
    stripped = body.removeprefix(b"\xef\xbb\xbf").strip()
    if not stripped:
        return
    try:
        yield from _unpack(stripped, skipped)
        return
    except BROKEN as whole:
        if b"\n" not in stripped:
            try:
                yield from _unpack(mend(stripped), skipped)
            except BROKEN:
                yield from _before_the_break(stripped, reason_of(whole), skipped)
            return
    lines = [line for line in stripped.splitlines() if line.strip()]
    if lines[0].lstrip()[:1] == b"{" and lines[0].rstrip()[-1:] == b"}":
        for line in lines:
            try:
                yield from _unpack(line, skipped)
            except BROKEN as error:
                try:
                    yield from _unpack(mend(line), skipped)
                except BROKEN:
                    _count(skipped, f"a line cannot be read: {reason_of(error)}")
        return
    try:
        yield from _unpack(mend(stripped), skipped)
    except BROKEN as error:
        yield from _before_the_break(stripped, reason_of(error), skipped)


def _before_the_break(body: bytes, reason: str, skipped: dict[str, int]) -> Iterator[bytes]:
    """The whole records of a list that is cut off or broken further on: what was good is not lost."""
    words = body.decode("utf-8", "replace")
    place = words.find("[") + 1
    import json

    read = json.JSONDecoder().raw_decode
    count = 0
    while place:
        while place < len(words) and words[place] in " \t\r\n,":
            place += 1
        if words[place : place + 1] != "{":
            break
        try:
            _, end = read(words, place)
        except (ValueError, RecursionError):
            break
        yield words[place:end].encode("utf-8", "replace")
        place, count = end, count + 1
    told = f"{count:,} records before the break were read" if count else "no record before the break is whole"
    _count(skipped, f"the text cannot be read to its end: {reason}; {told}")


def _unpack(data: bytes, skipped: dict[str, int]) -> list[msgspec.Raw | bytes]:
    if data[:1] == b"[":
        return [piece for raw in msgspec.json.decode(data, type=list[msgspec.Raw]) for piece in _inner(raw)]
    return _inner(data)


def _inner(raw: msgspec.Raw | bytes) -> list[msgspec.Raw | bytes]:
    """What one JSON value stands for: itself, or the records it wraps."""
    if not bytes(raw).lstrip().startswith(b"{"):
        return [raw]
    head = msgspec.json.decode(raw, type=_Head)
    if head.Records is not None:
        return list(head.Records)
    if head.Events is not None:
        return [piece for event in head.Events for piece in _inner(event)]
    if head.CloudTrailEvent is not None:
        wrapped = head.CloudTrailEvent
        return [wrapped.encode("utf-8", "replace") if isinstance(wrapped, str) else msgspec.json.encode(wrapped)]
    return [raw]


class _Head(msgspec.Struct):
    Records: list[msgspec.Raw] | None = None
    Events: list[msgspec.Raw] | None = None
    CloudTrailEvent: Any = None


def _count(skipped: dict[str, int], why: str) -> None:
    skipped[why] = skipped.get(why, 0) + 1


def _event(record: dict[str, Any], raw: msgspec.Raw | bytes, document: Document) -> Event:
    data = bytes(raw)
    handed_out = ""
    response = _object(record.get("responseElements"))
    if response:
        credentials = _object(response.get("credentials") or response.get("Credentials"))
        handed_out = text(credentials.get("accessKeyId") or credentials.get("AccessKeyId")) if credentials else ""
    if suspect(data):
        record = redact(record)
        data = msgspec.json.encode(record)
    elif b"\n" in data:
        data = msgspec.json.format(data, indent=-1)
    stamp, field = None, ""
    for field in _TIMES:
        stamp = moment(record.get(field)) if field in record else None
        if stamp is not None:
            break
    read_only = record.get("readOnly")
    if isinstance(read_only, str):
        read_only = {"true": True, "false": False}.get(read_only.casefold())
    return Event(
        event_id=text(record.get("eventID")),
        time=stamp,
        time_from="" if stamp is None or field == "eventTime" else field,
        name=text(record.get("eventName")),
        source=text(record.get("eventSource")),
        region=text(record.get("awsRegion")) or document.region,
        account=text(record.get("recipientAccountId")) or _identity_account(record) or document.account,
        actor=actor_of(record),
        outcome=_outcome(record, response),
        read_only=read_only if isinstance(read_only, bool) else None,
        record=data.decode("utf-8", "replace"),
        targets=_targets(record, response),
        error_code=text(record.get("errorCode")),
        error_message=text(record.get("errorMessage")),
        ip=text(record.get("sourceIPAddress")),
        user_agent=text(record.get("userAgent")),
        session_key_id=handed_out,
        origin=document.origin.name,
    )


def _object(value: Any) -> dict[str, Any] | None:
    """A JSON object, also when it was written as a string."""
    if isinstance(value, dict):
        return value
    if isinstance(value, str) and value[:1] == "{":
        try:
            inner = msgspec.json.decode(value)
        except BROKEN:
            return None
        return inner if isinstance(inner, dict) else None
    return None


def _identity_account(record: dict[str, Any]) -> str:
    identity = record.get("userIdentity")
    return text(identity.get("accountId")) if isinstance(identity, dict) else ""


def _outcome(record: dict[str, Any], response: dict[str, Any] | None) -> Outcome:
    code = text(record.get("errorCode"))
    if code:
        return Outcome.DENIED if _DENIED.search(code) else Outcome.FAILED
    told = text(response.get("ConsoleLogin") or response.get("CheckMfa") or response.get("SwitchRole")) if response else ""
    if told.casefold() == "failure" or record.get("errorMessage"):
        return Outcome.FAILED  # a failed ConsoleLogin has no errorCode
    return Outcome.SUCCESS if record.get("eventName") and isinstance(record.get("userIdentity"), dict) else Outcome.UNKNOWN


def _targets(record: dict[str, Any], response: dict[str, Any] | None) -> tuple[str, ...]:
    """Names and ARNs acted on, most telling first: request parameters, then `resources`, then what the answer created."""
    found: dict[str, None] = {}
    request = _object(record.get("requestParameters"))
    if request:
        told = request.keys() & _TARGET_SET
        for field in sorted(told, key=TARGET_FIELDS.index) if len(told) > 1 else told:
            value = request[field]
            if isinstance(value, str) and value:
                found[value] = None
        if "instancesSet" in request:
            for entry in items((_object(request["instancesSet"]) or {}).get("items")):
                if isinstance(entry, dict) and entry.get("instanceId"):
                    found[text(entry["instanceId"])] = None
        if "bucketName" in told and isinstance(request.get("key"), str) and isinstance(request["bucketName"], str):
            found[f"{request['bucketName']}/{request['key']}"] = None
    for entry in items(record.get("resources")) if "resources" in record else ():
        if isinstance(entry, dict):
            value = text(entry.get("ARN") or entry.get("arn") or entry.get("resourceName") or entry.get("ResourceName"))
            if value:
                found[value] = None
    if response:
        created = _object(response.get("accessKey"))
        if created and created.get("accessKeyId"):
            found[text(created["accessKeyId"])] = None
    return tuple(list(found)[:_MAX_TARGETS])
