"""The small readings every decoder needs: dates in all their spellings, policy documents in all their wrappings, ARNs."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import msgspec

BROKEN = (msgspec.MsgspecError, RecursionError, ValueError, UnicodeError)
"""What reading hostile or damaged text may raise."""

_ACCOUNT = re.compile(r"^arn:[^:]*:[^:]*:[^:]*:(\d{12}):")
_SURROGATE = re.compile(rb"\\u[dD][89abABcCdDeEfF][0-9a-fA-F]{2}")
_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")

_BLANKED = bytes(32 if code < 32 and code not in (9, 10, 13) else code for code in range(256))


def account_of(arn: object) -> str:
    """The 12 digits in an ARN, "" for AWS's own and for anything that is no ARN."""
    match = _ACCOUNT.match(arn) if isinstance(arn, str) else None
    return match[1] if match else ""


def partition_of(arn: str) -> str:
    parts = arn.split(":", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "arn" and parts[1] else "aws"


def moment(value: object) -> datetime | None:
    """A date in UTC: ISO with blank or T, with or without zone (UTC then), with or without fraction, or epoch seconds.

    None for what is no date: N/A, empty, words, numbers out of range.
    """
    try:
        if isinstance(value, bool):
            return None
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
        if not isinstance(value, str) or len(value) < 8 or not value[:4].isdigit():
            return None
        stamp = datetime.fromisoformat(value)
        return stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def text(value: object) -> str:
    """A string as it is; other scalars as text; "" for null and containers."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) else ""


def document_text(raw: object) -> str:
    """A policy document as JSON text, from an object, a JSON string or a URL-encoded string. "" when there is none.

    Text that is not JSON is given as it is, so that a person can see what was stored.
    """
    if raw is None:
        return ""
    if isinstance(raw, msgspec.Raw):
        data = bytes(raw)
        if data == b"null":
            return ""
        if data[:1] in (b"{", b"["):
            return msgspec.json.format(data, indent=-1).decode("utf-8", "replace")
        raw = msgspec.json.decode(data)
    if isinstance(raw, dict | list):
        return msgspec.json.encode(raw).decode()
    if not isinstance(raw, str):
        return ""
    return _compact(raw)


@lru_cache(maxsize=2048)
def _compact(text: str) -> str:
    """JSON text without its wrapping and blanks. An account has the same trust policy hundreds of times; one copy is kept."""
    if text.lstrip()[:1] not in ("{", "[") and "%7B" in text[:20].upper():
        text = unquote(text)
    try:
        return msgspec.json.format(text, indent=-1)
    except BROKEN:
        return text


def mend(body: bytes) -> bytes:
    """Text that strict readers refuse, made readable: no byte-order mark, no broken UTF-8, no half surrogate pairs, no bare
    control characters but those of lines."""
    if body[:3] == b"\xef\xbb\xbf":
        body = body[3:]
    body = body.translate(_BLANKED)
    try:
        body.decode()
    except UnicodeDecodeError:
        body = body.decode("utf-8", "replace").encode()
    if _SURROGATE.search(body):
        pairs: list[bytes] = []

        def hide(match: re.Match[bytes]) -> bytes:
            pairs.append(match[0])
            return b"\x00%d\x00" % (len(pairs) - 1)

        if b"\x00" not in body:
            body = _PAIR.sub(hide, body)
            body = _SURROGATE.sub(rb"\\ufffd", body)
            body = re.sub(rb"\x00(\d+)\x00", lambda m: pairs[int(m[1])], body)
        else:
            body = _SURROGATE.sub(rb"\\ufffd", body)
    return body


def reason_of(error: BaseException) -> str:
    """Why text could not be read, in words without a class name."""
    if isinstance(error, RecursionError):
        return "the JSON is nested too deeply"
    return str(error) or type(error).__name__


def tags(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list):
        return ()
    return tuple((text(tag.get("Key")), text(tag.get("Value"))) for tag in value if isinstance(tag, dict))


def items(value: Any) -> list[Any]:
    """A list as it is, nothing for null, one thing as a list of one."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]
