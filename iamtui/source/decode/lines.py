"""Records as clean JSON lines: what the event store is filled with.

A record is split off and looked at for secrets, nothing else: no value of it is decoded here, so that a trail of a million
events is read at the speed of its text. What a record means is told by its columns in the store, and by `decode_events` for
the few that are looked at.
"""

from __future__ import annotations

import msgspec

from .events import records
from .secrets import HINTS, redact
from .wire import BROKEN, mend, reason_of

_RECORD = b'{"eventVersion"'
"""How CloudTrail begins every record; what begins otherwise is looked at."""

UNREADABLE = "(unreadable)"
"""Name of the event a record stands as when it looks like one and is not JSON."""

MAX_RECORD = 4 << 20
"""Bytes of one record; CloudTrail's own limit is 256 KiB, or 1 MiB for a trail with enriched events."""


class Lines(msgspec.Struct, frozen=True):
    """data:    one record a line, each ended by a newline, secrets dropped
    count:   number of lines
    skipped: what is not among them, as sentences
    broken:  whether something that should have been events is not among them
    """

    data: bytes = b""
    count: int = 0
    skipped: tuple[str, ...] = ()
    broken: bool = False


def event_lines(body: bytes, tag: bytes = b"") -> Lines:
    """The records of one container, as lines that begin with `tag`. Never raises: what cannot be read is skipped with a reason."""
    plain = _delivered(body, tag)
    if plain is not None:
        return plain
    skipped: dict[str, int] = {}
    wrapped = b"\n" in body or b"\r" in body
    kept: list[bytes] = []
    for raw in records(body, skipped):
        data = bytes(raw)
        if not data.startswith(_RECORD):
            found = _event_in(data, skipped)
            if found is None:
                continue
            data = found
        if wrapped and (b"\n" in data or b"\r" in data):
            data = _one_line(data)
        if len(data) > MAX_RECORD:
            _count(skipped, f"a record cannot be read: it is larger than {MAX_RECORD >> 20} MiB")
            continue
        kept.append(data)
    reasons = tuple(why if n == 1 else f"{why} ({n} times)" for why, n in skipped.items())
    broken = any("cannot be read" in why for why in skipped)
    if not kept:
        return Lines(b"", 0, reasons, broken)
    kept[0] = tag + kept[0]
    return Lines(_without_secrets((b"\n" + tag).join(kept) + b"\n", len(tag)), len(kept), reasons, broken)


def _delivered(body: bytes, tag: bytes) -> Lines | None:
    """What `event_lines` tells of a file as CloudTrail delivers it, without looking at each record by itself; None of any other."""
    if not body.startswith(b'{"Records"') or len(body) > MAX_RECORD or b"\n" in body or b"\r" in body:
        return None
    try:
        found = msgspec.json.decode(body, type=_Delivered).Records
    except BROKEN:
        return None
    end = b"\n" + tag
    data = tag + end.join(found) + b"\n"
    if not found or not data.startswith(tag + _RECORD) or data.count(end + _RECORD) != len(found) - 1:
        return None
    return Lines(_without_secrets(data, len(tag)), len(found))


class _Delivered(msgspec.Struct, forbid_unknown_fields=True):
    Records: list[msgspec.Raw]


def cleaned(lines: bytes) -> bytes:
    """Tagged lines that any JSON reader takes, for the few batches where one does not: valid UTF-8, no lone surrogates, no control
    characters. What is not JSON after all becomes a record that holds its text and says so."""
    kept: list[bytes] = []
    for line in lines.split(b"\n"):
        tag, mark, text = line.partition(b"\x01")
        if not mark:
            continue
        text = mend(text.decode("utf-8", "replace").encode())
        try:
            text = msgspec.json.encode(msgspec.json.decode(text))
        except BROKEN:
            text = msgspec.json.encode({"eventName": UNREADABLE, "text": text.decode("utf-8", "replace")})
        kept += (tag, mark, text, b"\n")
    return b"".join(kept)


def _event_in(data: bytes, skipped: dict[str, int]) -> bytes | None:
    """The record in an entry that is not plainly one: an EventBridge envelope, an Insight, something else."""
    try:
        record = msgspec.json.decode(data)
    except BROKEN as error:
        _count(skipped, f"a record cannot be read: {reason_of(error)}")
        return None
    if not isinstance(record, dict):
        _count(skipped, "an entry is no record")
        return None
    if isinstance(record.get("detail"), dict) and ("detail-type" in record or "source" in record):
        record = record["detail"]
        data = msgspec.json.encode(record)
    if "insightDetails" in record or record.get("eventType") == "AwsCloudTrailInsight":
        _count(skipped, "a CloudTrail Insight, no event")
        return None
    if not record.get("eventName") and not record.get("eventSource"):
        _count(skipped, "an entry has neither eventName nor eventSource")
        return None
    return data


def _one_line(data: bytes) -> bytes:
    try:
        return msgspec.json.format(data, indent=-1)
    except BROKEN:
        return data.replace(b"\r", b" ").replace(b"\n", b" ")


_KEPT = b"bcdefghjklmnpqrstvwxyz-\n"
_LOWER = bytes(range(256)).lower()
_DROPPED = bytes(set(range(256)) - set(_KEPT) - set(_KEPT.upper()))
_HINTS = tuple(hint.translate(_LOWER, _DROPPED) for hint in HINTS)


def _without_secrets(lines: bytes, tag: int) -> bytes:
    """The same lines; those in which something looks like a secret are decoded and cleaned.

    Looked for is the text without vowels (but e) and all that is no letter, half as much to search; what is found by chance is only
    looked at for nothing.
    """
    letters = lines.translate(_LOWER, _DROPPED)
    found: set[int] = set()
    for hint in _HINTS:
        place, line, counted = letters.find(hint), 0, 0
        while place >= 0:
            line += letters.count(b"\n", counted, place)
            found.add(line)
            counted = letters.find(b"\n", place)
            line += 1
            place = letters.find(hint, counted)
            counted += 1
    if not found:
        return lines
    kept = lines.split(b"\n")
    for number in found:
        kept[number] = kept[number][:tag] + _redacted(kept[number][tag:])
    return b"\n".join(kept)


def _redacted(line: bytes) -> bytes:
    try:
        return msgspec.json.encode(redact(msgspec.json.decode(line)))
    except BROKEN:
        return msgspec.json.encode({"eventName": UNREADABLE})


def _count(skipped: dict[str, int], why: str) -> None:
    skipped[why] = skipped.get(why, 0) + 1
