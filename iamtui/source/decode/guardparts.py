"""Small readings of answers about what watches over an account."""

from __future__ import annotations

from typing import Any

import msgspec

from ...model.guards import Guards
from .wire import text

Raw = dict[str, Any]


def with_more(guards: Guards, field: str, more: dict[Any, Any]) -> Guards:
    return msgspec.structs.replace(guards, **{field: {**getattr(guards, field), **more}})


def entries(raw: Any, key: str) -> list[Raw]:
    value = raw.get(key) if isinstance(raw, dict) else None
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def texts(raw: Any, key: str) -> tuple[str, ...]:
    value = raw.get(key) if isinstance(raw, dict) else None
    return tuple(text(one) for one in value if text(one)) if isinstance(value, list) else ()


def number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def region_of(arn: str) -> str:
    parts = arn.split(":", 5)
    return parts[3] if len(parts) == 6 and parts[0] == "arn" else ""


def bare(arn: str) -> str:
    """A log group's ARN without the `:*` it is often written with."""
    return arn.removesuffix(":*")


def region_in(raw: Raw) -> str:
    """The Region the answer's first ARN names, for answers saved without it."""
    for value in raw.values():
        for entry in value if isinstance(value, list) else ():
            for name in ("AlarmArn", "Arn", "arn", "logGroupArn") if isinstance(entry, dict) else ():
                if region := region_of(text(entry.get(name))):
                    return region
    return ""
