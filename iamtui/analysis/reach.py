"""Who is where in a snapshot: members of groups, policies by ARN, attachments. Made once a snapshot, asked row by row."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..model.account import Snapshot
from ..model.identity import Group, Identity, Role, User
from ..model.policy import Policy

T = TypeVar("T")
_EACH = 24
_kept = _EACH
_lock = threading.Lock()
_made: OrderedDict[tuple[str, tuple[int, ...]], tuple[tuple[object, ...], Any]] = OrderedDict()


def once(name: str, inputs: tuple[object, ...], make: Callable[[], T]) -> T:
    """`make()` once for these very objects. Snapshots are immutable, so identity is enough; the inputs are held while the
    answer is, so an id cannot come to mean another object."""
    key = (name, tuple(map(id, inputs)))
    held = _made.get(key)
    if held is not None:
        answer: T = held[1]
        return answer
    answer = make()
    with _lock:
        _made[key] = (inputs, answer)
        while len(_made) > _kept:
            _made.popitem(last=False)
    return answer


def keep_for(accounts: int) -> None:
    """Keep as many answers as so many open accounts need: with too few of them, each account would push another's out."""
    global _kept
    _kept = _EACH * max(accounts, 1)


def groups_by_name(snapshot: Snapshot) -> Mapping[str, Group]:
    return once("groups", (snapshot.groups,), lambda: {group.name: group for group in snapshot.groups})


def policies_by_arn(snapshot: Snapshot) -> Mapping[str, Policy]:
    return once("policies", (snapshot.policies,), lambda: {policy.arn: policy for policy in snapshot.policies})


def roles_by_arn(snapshot: Snapshot) -> Mapping[str, Role]:
    return once("roles", (snapshot.roles,), lambda: {role.arn: role for role in snapshot.roles})


def members_by_group(snapshot: Snapshot) -> Mapping[str, tuple[User, ...]]:
    """By group name; group names are unique in an account."""

    def make() -> dict[str, tuple[User, ...]]:
        members: dict[str, list[User]] = {}
        for user in snapshot.users:
            for name in user.groups:
                members.setdefault(name, []).append(user)
        return {name: tuple(users) for name, users in members.items()}

    return once("members", (snapshot.users,), make)


def attached_to(snapshot: Snapshot) -> Mapping[str, tuple[Identity, ...]]:
    """By policy ARN: users, roles and groups it is attached to, in that order."""

    def make() -> dict[str, tuple[Identity, ...]]:
        found: dict[str, list[Identity]] = {}
        everyone: tuple[Identity, ...] = (*snapshot.users, *snapshot.roles, *snapshot.groups)
        for identity in everyone:
            for ref in identity.attached:
                found.setdefault(ref.arn, []).append(identity)
        return {arn: tuple(identities) for arn, identities in found.items()}

    return once("attached", (snapshot.users, snapshot.roles, snapshot.groups), make)


def bounded_by(snapshot: Snapshot) -> Mapping[str, tuple[Identity, ...]]:
    """By policy ARN: users and roles whose permissions boundary it is."""

    def make() -> dict[str, tuple[Identity, ...]]:
        found: dict[str, list[Identity]] = {}
        bounded: tuple[User | Role, ...] = (*snapshot.users, *snapshot.roles)
        for identity in bounded:
            if identity.boundary is not None:
                found.setdefault(identity.boundary.arn, []).append(identity)
        return {arn: tuple(identities) for arn, identities in found.items()}

    return once("bounded", (snapshot.users, snapshot.roles), make)
