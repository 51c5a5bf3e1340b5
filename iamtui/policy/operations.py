"""Which IAM actions an API operation needs, and which actions leave a trace in CloudTrail.

CloudTrail names operations, policies name actions. Nine in ten are called the same: `prefix:Operation`. `operations.json` holds the
rest, `recording.json` the actions that CloudTrail does not record like a management call. Both are read on first use.

The rules restate facts of iann0036/iam-dataset (MIT), completed from AWS's service models and Service Authorization Reference.
"""

from __future__ import annotations

import os
import re
from enum import StrEnum
from functools import cache, lru_cache

import msgspec


class Recording(StrEnum):
    """How CloudTrail records the use of an action. Only with MANAGEMENT does `no event` mean `not used`."""

    MANAGEMENT = "management event"
    DATA = "data event"
    """Recorded only by trails that log data events; never in the event history."""
    UNPUBLISHED = "no published operation"
    """No public API operation asks for it (console, agents, permission only): whether its use is recorded is not documented."""
    NEVER = "never recorded"
    """Checked inside another operation, which is what CloudTrail shows (`iam:PassRole`), or by a service that logs elsewhere."""


class _Rules(msgspec.Struct, frozen=True):
    """operations.json. Keys named *label* are an event source or SDK service in lower case, letters and digits only.

    hyphenated: prefixes written with a hyphen, which SDK names leave out
    prefixes:   label -> prefix, where they differ
    free:       label -> operations that need no permission
    rules:      label or prefix -> actions -> operations that need them. Actions: the first is the primary one; `:Name` has the
                prefix of the section; a leading `+` stands for the action named like the operation.
    """

    hyphenated: str
    prefixes: dict[str, str]
    free: dict[str, str]
    rules: dict[str, dict[str, str]]


class _Recordings(msgspec.Struct, frozen=True):
    """recording.json. Prefix -> action names and `Get*` patterns; `*` as prefix stands for every service."""

    data: dict[str, str]
    never: dict[str, str]
    unpublished: dict[str, str]


_HOST = re.compile(r"\.amazonaws\.com(?:\.cn)?\Z")
_VERSION = re.compile(r"(?:[0-9]{4}_[0-9]{2}_[0-9]{2}|[0-9]{8})(?:v[0-9]+)?\Z")
_PREFIX = re.compile(r"[a-z0-9-]+")
_NOT_ALNUM = re.compile(r"[^a-z0-9]")


@lru_cache(maxsize=8192)
def actions_of(event_source: str, event_name: str) -> tuple[str, ...]:
    """The actions an operation needs (`s3:PutObject`), the primary one first; () when it needs no permission.

    event_source: CloudTrail's eventSource (`ec2.amazonaws.com`), a prefix (`ec2`) or an SDK service name (`Cognito Identity Provider`)
    event_name:   CloudTrail's eventName or the operation; API versions may follow (`CreateDistribution2020_05_31`)

    The other actions are needed beside the primary one, some of them only with some parameters (`iam:PassRole` when a role is
    passed). An operation that no rule knows is taken to need the action of its name; the catalogue says whether that exists.
    """
    label = _label(event_source)
    prefix = prefix_of(event_source)
    free, rules = _rules()
    for name in dict.fromkeys((event_name, _VERSION.sub("", event_name))):
        if name in free.get(label, ()):
            return ()
        for section in (label, prefix):
            found = rules.get(section, {}).get(name)
            if found is not None:
                return found
    return (f"{prefix}:{_VERSION.sub('', event_name)}",)


def plain_name(event_name: str) -> str:
    """An operation's name without the API version some services put behind it: `Invoke` of `Invoke20150331`."""
    return _VERSION.sub("", event_name)


def prefix_of(event_source: str) -> str:
    """The service prefix policies use for an event source: `cloudwatch` of `monitoring.amazonaws.com`."""
    known = _prefixes()
    label = _label(event_source)
    if label in known:
        return known[label]
    host = _HOST.sub("", event_source.lower())
    return host if _PREFIX.fullmatch(host) else label


@lru_cache(maxsize=32768)
def recording(action: str) -> Recording:
    """How the use of an action (`s3:GetObject`, in any case) is recorded."""
    prefix, _, name = action.lower().partition(":")
    for kind, table in _recordings():
        for key in (prefix, "*"):
            pattern = table.get(key)
            if pattern is not None and pattern.fullmatch(name):
                return kind
    return Recording.MANAGEMENT


def observable(action: str) -> bool:
    """Whether every use of an action is a management event, so that its absence from the events means something."""
    return recording(action) is Recording.MANAGEMENT


def _label(event_source: str) -> str:
    return _NOT_ALNUM.sub("", _HOST.sub("", event_source.lower()))


@cache
def _file() -> _Rules:
    return msgspec.json.decode(_read("operations.json"), type=_Rules)


@cache
def _prefixes() -> dict[str, str]:
    held = _file()
    return {_label(prefix): prefix for prefix in held.hyphenated.split()} | held.prefixes


@cache
def _rules() -> tuple[dict[str, frozenset[str]], dict[str, dict[str, tuple[str, ...]]]]:
    held = _file()
    free = {label: frozenset(names.split()) for label, names in held.free.items()}
    rules: dict[str, dict[str, tuple[str, ...]]] = {}
    for section, groups in held.rules.items():
        prefix = _prefixes().get(_label(section), section)
        rules[section] = {
            operation: _actions(spec, prefix, operation) for spec, operations in groups.items() for operation in operations.split()
        }
    return free, rules


def _actions(spec: str, prefix: str, operation: str) -> tuple[str, ...]:
    own = (f"{prefix}:{operation}",) if spec.startswith("+") else ()
    return own + tuple(prefix + name if name.startswith(":") else name for name in spec.removeprefix("+").split())


@cache
def _recordings() -> tuple[tuple[Recording, dict[str, re.Pattern[str]]], ...]:
    held = msgspec.json.decode(_read("recording.json"), type=_Recordings)
    kinds = (
        (Recording.NEVER, held.never),
        (Recording.DATA, held.data),
        (Recording.UNPUBLISHED, held.unpublished),
    )
    return tuple((kind, {prefix: _pattern(names) for prefix, names in table.items()}) for kind, table in kinds)


def _pattern(names: str) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(name.lower()).replace(r"\*", ".*") for name in names.split()))


def _read(name: str) -> bytes:
    with open(os.path.join(os.path.dirname(__file__), name), "rb") as file:
        return file.read()
