"""Which events belong to an identity: those it made, and those made to it."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.event import ActorKind, Event
from ..model.identity import Group, Identity, Role, User
from ..model.policy import Policy

_HANDS_OUT = frozenset({"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot"})


_NAMES_THINGS = ("iam.amazonaws.com", "signin.amazonaws.com")


def by_actor(events: Sequence[Event], item: Identity | Policy | Event) -> tuple[Event, ...]:
    """Calls an identity made, in the order of `events`.

    A user: by ARN, by unique id, or by a key handed out to it (GetSessionToken keeps the user's identity anyway). A role:
    by session issuer, by unique id, or by a session key that an AssumeRole of this very role handed out. Never by the
    session's name alone, which is anything its caller liked.
    """
    if not isinstance(item, User | Role):
        return ()
    if isinstance(item, User) and item.arn.endswith(":root"):
        return tuple(e for e in events if e.actor.kind is ActorKind.ROOT and e.actor.account in ("", item.account))
    keys: set[str] = set()
    if isinstance(item, Role):
        keys = {e.session_key_id for e in events if e.session_key_id and e.name in _HANDS_OUT and _names(e, item)}
    unique_id = item.unique_id
    return tuple(
        event
        for event in events
        if (event.actor.arn == item.arn and (not unique_id or not event.actor.unique_id or event.actor.unique_id == unique_id))
        or (unique_id and event.actor.unique_id == unique_id)
        or (keys and event.actor.access_key_id in keys)
    )


def on_target(events: Sequence[Event], item: Identity | Policy | Event) -> tuple[Event, ...]:
    """Calls made to an identity or policy: it is named by ARN, or by name in an IAM or STS call of its own account."""
    if isinstance(item, Event):
        return ()
    field = {User: "userName", Role: "roleName", Group: "groupName", Policy: "policyName"}[type(item)]
    mark = f'"{field}"'
    found = []
    for event in events:
        if item.arn in event.targets or (
            item.name in event.targets and event.source in _NAMES_THINGS and mark in event.record and _same_account(item, event)
        ):
            found.append(event)
    return tuple(found)


def _same_account(item: Identity | Policy, event: Event) -> bool:
    return not item.account or not event.account or item.account == event.account


def _names(event: Event, role: Role) -> bool:
    return role.arn in event.targets


def limits(item: Identity | Policy | Event, source: str) -> tuple[str, ...]:
    """What a person must know to read an activity list, in words. `source` is the kind of source."""
    if source != "live":
        return ("Only the events that were opened are searched.",)
    found = ["LookupEvents holds management events of the last 90 days; data events (S3 objects, Lambda invocations) are not in it."]
    if isinstance(item, Role):
        found.append("A role's sessions are found by AssumeRole events that name it, by the keys those handed out, and by session issuer.")
    elif isinstance(item, User):
        found.append("Found by user name and by each access key; what the user did through a role is on that role.")
    return tuple(found)
