"""Which condition keys a request for an action can carry, from the catalogue's service authorization reference.

Only keys of services are judged (`s3:prefix`): AWS puts the global ones (`aws:…`) into any request. A key that the reference ties to no
action of its own service travels with the caller's credentials (`lambda:SourceFunctionArn`), and is not judged either.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from .catalogue import Catalogue

_TRAVELLING = frozenset({"ec2:sourceinstancearn", "ssm:sourceinstancearn"})
"""Keys of the role an instance carries, in every request made with its credentials (IAM User Guide, "AWS global condition context keys")."""

_PLACEHOLDER = re.compile(r"\\\$\\\{.*?\\\}|<.*?>")


class _Type(msgspec.Struct):
    name: str
    conditionKeys: tuple[str, ...] = ()


class _Action(msgspec.Struct):
    resourceTypes: tuple[_Type, ...] = ()
    conditionKeys: tuple[str, ...] = ()


class _Resource(msgspec.Struct):
    key: str
    conditionKeys: tuple[str, ...] = ()


_ACTIONS = msgspec.json.Decoder(dict[str, _Action])
_RESOURCES = msgspec.json.Decoder(dict[str, _Resource])


class ConditionKeys:
    """Answers for one catalogue; a service's files are read when it is first asked about."""

    def __init__(self, known: Catalogue) -> None:
        self._known = known

    def supports(self, action: str, key: str) -> bool | None:
        """Whether a request for `s3:ListBucket` can carry `s3:prefix`; None when that cannot be judged."""
        prefix, _, name = action.lower().partition(":")
        if not self._judged(key):
            return None
        keys = self._of_service(prefix)
        if keys is None or name not in keys:
            return None
        return any(one.fullmatch(key) for one in keys[name])

    def exists(self, key: str) -> bool | None:
        """Whether the key's service has it at all; None for the keys of other things than services."""
        service = key.partition(":")[0].lower()
        if service == "aws" or service not in self._known:
            return None
        names = self._names(service)
        return any(one.fullmatch(key) for one in names) if names is not None else None

    def _judged(self, key: str) -> bool:
        lowered = key.lower()
        service = lowered.partition(":")[0]
        if lowered in _TRAVELLING or service == "aws" or service not in self._known:
            return False
        own = self._of_service(service)
        return own is not None and any(one.fullmatch(key) for keys in own.values() for one in keys)

    @lru_cache(maxsize=64)  # noqa: B019  lives as long as the one catalogue
    def _of_service(self, service: str) -> dict[str, tuple[re.Pattern[str], ...]] | None:
        actions = self._known.raw("actions", service, _ACTIONS)
        if actions is None:
            return None
        resources = self._known.raw("resourceTypes", service, _RESOURCES) or {}
        of_type = {entry.key.lower(): entry.conditionKeys for entry in resources.values()}
        found: dict[str, tuple[re.Pattern[str], ...]] = {}
        for name, action in actions.items():
            keys = set(action.conditionKeys)
            for kind in action.resourceTypes:
                keys.update(kind.conditionKeys, of_type.get(kind.name.lower(), ()))
            found[name.lower()] = tuple(_expression(key) for key in sorted(keys) if not key.lower().startswith("aws:"))
        return found

    @lru_cache(maxsize=64)  # noqa: B019  lives as long as the one catalogue
    def _names(self, service: str) -> tuple[re.Pattern[str], ...] | None:
        listed = self._known.raw("conditionKeys", service, msgspec.json.Decoder(dict[str, dict[str, str]]))
        return tuple(_expression(entry["key"]) for entry in listed.values()) if listed else None


@lru_cache(maxsize=4096)
def _expression(template: str) -> re.Pattern[str]:
    return re.compile(_PLACEHOLDER.sub(".+", re.escape(template)), re.IGNORECASE)


@lru_cache(maxsize=1)
def condition_keys(known: Catalogue) -> ConditionKeys:
    """The one answerer of this process."""
    return ConditionKeys(known)
