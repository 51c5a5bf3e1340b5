"""Which events belong to an identity: those it made, and those made to it.

Sessions are followed by what cannot be chosen by their caller: the session's issuer, unique ids, and the temporary keys
that AssumeRole handed out. Never by a role session name, which is anything its caller liked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from ..model.event import ActorKind, Event
from ..model.identity import Group, Identity, Role, User
from ..model.policy import Policy
from .lists import is_root

HANDS_OUT = frozenset({"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot"})
NAMES_THINGS = frozenset({"iam.amazonaws.com", "sts.amazonaws.com", "signin.amazonaws.com"})
_FIELDS: dict[type, tuple[str, ...]] = {
    User: ("userName",),
    Role: ("roleName",),
    Group: ("groupName",),
    Policy: ("policyName", "policyArn"),
}


def by_actor(events: Sequence[Event], item: Identity | Policy | Event, keys: frozenset[str] | None = None) -> tuple[Event, ...]:
    """Calls an identity made, in the order of `events`. Groups and policies make none.

    keys: temporary keys of a role where `events` does not hold all the calls that handed them out; None: found among `events`

    An actor with another unique id is another identity, even under the same ARN: the name was re-created. Session keys of
    a role are followed also where an event does not tell its issuer.
    """
    if not isinstance(item, User | Role):
        return ()
    if isinstance(item, User) and is_root(item):
        return tuple(e for e in events if e.actor.kind is ActorKind.ROOT and e.actor.account in ("", item.account))
    if keys is None:
        keys = session_keys(events, item) if isinstance(item, Role) else frozenset()
    arn, unique_id = item.arn, item.unique_id
    found = []
    for event in events:
        actor = event.actor
        told = actor.unique_id.partition(":")[0] if unique_id else ""
        if told:
            mine = told == unique_id
        elif actor.arn:
            mine = actor.arn == arn
        else:
            mine = False
        if mine or (keys and not told and actor.access_key_id in keys):
            found.append(event)
    return tuple(found)


class Actors:
    """`by_actor` for many identities over the same events: one walk over them, then each answer costs what it holds."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = events
        self._told: dict[str, list[int]] = {}
        self._arns: dict[str, list[int]] = {}
        self._nameless: dict[str, list[int]] = {}
        self._keyed: dict[str, list[int]] = {}
        self._handed: dict[str, set[str]] = {}
        for place, event in enumerate(events):
            actor = event.actor
            told = actor.unique_id.partition(":")[0]
            if told:
                self._told.setdefault(told, []).append(place)
            elif actor.arn:
                self._nameless.setdefault(actor.arn, []).append(place)
            if actor.arn:
                self._arns.setdefault(actor.arn, []).append(place)
            if actor.access_key_id and not told:
                self._keyed.setdefault(actor.access_key_id, []).append(place)
            if event.session_key_id and event.name in HANDS_OUT:
                for target in event.targets:
                    self._handed.setdefault(target, set()).add(event.session_key_id)

    def of(self, item: Identity | Policy | Event) -> tuple[Event, ...]:
        """Calls an identity made, in the order of the events."""
        if not isinstance(item, User | Role) or (isinstance(item, User) and is_root(item)) or not item.unique_id:
            return by_actor(self.events, item)
        found = {*self._told.get(item.unique_id, ()), *self._nameless.get(item.arn, ())}
        if isinstance(item, Role):
            for key in self._handed.get(item.arn, ()):
                found.update(self._keyed.get(key, ()))
        return tuple(self.events[place] for place in sorted(found))


def session_keys(events: Iterable[Event], role: Role) -> frozenset[str]:
    """Temporary keys (ASIA…) handed out for a role by the AssumeRole events among `events`."""
    return frozenset(event.session_key_id for event in events if event.session_key_id and event.name in HANDS_OUT and _is_of(event, role))


def _is_of(event: Event, role: Role) -> bool:
    return role.arn in event.targets


def on_target(events: Sequence[Event], item: Identity | Policy | Event) -> tuple[Event, ...]:
    """Calls made to an identity or policy: it is named by ARN, or by name in an IAM, STS or sign-in call of its account."""
    if isinstance(item, Event):
        return ()
    arn, name, fields = item.arn, item.name, _FIELDS[type(item)]
    found = []
    for event in events:
        targets = event.targets
        if arn in targets or (
            name in targets
            and event.source in NAMES_THINGS
            and (not item.account or not event.account or item.account == event.account)
            and _names(event, name, fields)
        ):
            found.append(event)
    return tuple(found)


def _names(event: Event, name: str, fields: tuple[str, ...]) -> bool:
    """Whether the request (or what was created) names it in one of these fields: a role and a user may share a name."""
    try:
        record = msgspec.json.decode(event.record)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return any(f'"{field}"' in event.record for field in fields)
    parts: list[Any] = [record.get("requestParameters")] if isinstance(record, dict) else []
    if isinstance(record, dict) and isinstance(record.get("responseElements"), dict):
        parts += [part for part in record["responseElements"].values() if isinstance(part, dict)]
    return any(isinstance(part, dict) and any(part.get(field) == name for field in fields) for part in parts)


def last_seen(events: Iterable[Event]) -> dict[str, datetime]:
    """Latest event by the ARN of the identity behind it."""
    found: dict[str, datetime] = {}
    for event in events:
        arn, time = event.actor.arn, event.time
        if arn and time is not None:
            held = found.get(arn)
            if held is None or held < time:
                found[arn] = time
    return found


def limits(item: Identity | Policy | Event, source: str) -> tuple[str, ...]:
    """What a person must know to read an activity list, in words. `source` is the kind of source: `live`, `evidence`, `demo`,
    or `trail` for a live account whose events come from a trail's bucket."""
    first: tuple[str, ...] = ()
    if isinstance(item, Group):
        first = ("A group makes no calls; these are the calls that changed it.",)
    elif isinstance(item, Policy):
        first = ("A policy makes no calls; these are the calls that changed or attached it.",)
    if source == "trail":
        return (*first, "Only what was read of the trail's bucket is searched; data events are among it where the trail records them.")
    if source != "live":
        return (*first, "Only the events that were opened are searched.")
    found = [
        *first,
        "Event history holds management events of the last 90 days; data events (S3 objects, Lambda invocations) are not in it.",
        "Events of IAM, STS's global endpoint and sign-in are in us-east-1 only.",
    ]
    if isinstance(item, Role):
        found.append("A role's sessions are found by AssumeRole events that name it, by the keys those handed out, and by session issuer.")
    elif isinstance(item, User):
        found.append(
            "Found by user name and by each access key; what the user did through a role is here where the role's events were read as well."
        )
    return tuple(found)
