"""Policy documents as events carry them: text, URL-encoded text, objects; and whether two of them mean the same."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import unquote, unquote_plus

import msgspec

_BROKEN = (msgspec.MsgspecError, RecursionError, ValueError)
_MOST = 1 << 20


def plain_document(value: Any) -> str:
    """A document as compact JSON text; "" when there is none, or when what is there is cut off or no JSON object."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        return msgspec.json.encode(value).decode()
    return _plain(value) if isinstance(value, str) and len(value) <= _MOST else ""


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    for one in dict.fromkeys((text, unquote(text), unquote_plus(text)) if "%7B" in text[:20].upper() else (text,)):
        try:
            if isinstance(msgspec.json.decode(one), dict):
                return msgspec.json.format(one, indent=-1)
        except _BROKEN:
            continue
    return ""


@lru_cache(maxsize=4096)
def canonical(text: str) -> str:
    """The same text for documents that say the same: one string is a list of one, the order of lists and keys does not matter."""
    try:
        return msgspec.json.encode(_ordered(msgspec.json.decode(text))).decode()
    except _BROKEN:
        return text


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        parts = [_ordered(entry) for entry in value]
        if len(parts) == 1:
            return parts[0]
        return sorted(parts, key=lambda part: msgspec.json.encode(part))
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def same_document(one: str, other: str) -> bool:
    return one == other or canonical(one) == canonical(other)
