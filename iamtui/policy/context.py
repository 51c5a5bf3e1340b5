"""What a request tells about itself: condition keys and their values, and what the caller's ARN already says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .caller import Caller, CallerKind

MISSING: tuple[str, ...] = ()


def as_text(value: Any) -> tuple[str, ...]:
    """A context value as condition operators see it: `true`, `5`, texts; null and [] are a key without a value."""
    if value is None:
        return MISSING
    if isinstance(value, list | tuple | set | frozenset):
        return tuple(text for item in value for text in as_text(item))
    if isinstance(value, bool):
        return ("true" if value else "false",)
    return (value if isinstance(value, str) else str(value),)


def context_of(given: Mapping[str, Any], caller: Caller, resource_account: str) -> dict[str, tuple[str, ...]]:
    """Keys in lower case. What AWS itself puts into every request is there when `given` does not say otherwise.

    A key with no values is known to be missing; a key that is not there at all is unknown (`conditional` mode).
    Source: IAM User Guide, "AWS global condition context keys".
    """
    context: dict[str, tuple[str, ...]] = {
        "aws:principalisawsservice": ("true" if caller.kind is CallerKind.SERVICE else "false",),
    }
    if caller.kind is CallerKind.SERVICE:
        context["aws:principalservicename"] = (caller.text,)
    else:
        context["aws:principalservicename"] = MISSING
        context["aws:principalservicenameslist"] = MISSING
    if caller.account:
        context["aws:principalaccount"] = (caller.account,)
    if caller.principal_arn:
        context["aws:principalarn"] = (caller.principal_arn,)
    if caller.type_word:
        context["aws:principaltype"] = (caller.type_word,)
    if caller.kind is not CallerKind.ACCOUNT:
        context["aws:username"] = (caller.name,) if caller.kind is CallerKind.USER else MISSING
    if resource_account:
        context["aws:resourceaccount"] = (resource_account,)
    for key, value in given.items():
        context[key.lower()] = as_text(value)
    return context
