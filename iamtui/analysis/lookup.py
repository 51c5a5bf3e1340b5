"""Where a name, ARN, unique id, access key, account or event id leads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from ..model.account import Snapshot, World
from ..model.event import Event
from .lists import account_rows, is_root

MOST = 200
"""Answers given at most; the best come first."""

_KINDS = {"user": "users", "role": "roles", "group": "groups", "policy": "policies"}
_LISTS = {**_KINDS, **{plural: plural for plural in _KINDS.values()}}

_KEY = re.compile(r"A(?:KIA|SIA)[A-Z0-9]{12,}", re.IGNORECASE)
_UNIQUE_ID = re.compile(r"A(?:IDA|ROA|GPA|NPA)[A-Z0-9]{12,}(:.*)?", re.IGNORECASE)
_ACCOUNT = re.compile(r"[0-9]{12}")
_EVENT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Hit(msgspec.Struct, frozen=True, eq=False):
    """`kind` is the list it is in (`users`, `roles`, `groups`, `policies`, `events`); `how` why it matched."""

    kind: str
    item: Any
    snapshot: Snapshot | None
    how: str


def resolve(target: str, world: World, events: Sequence[Event] = ()) -> tuple[Hit, ...]:
    """Best first: exact ARN, key, id or name; then beginnings, then parts of names. Empty when nowhere.

    Understood: ARNs (also of sessions), `user/NAME`, `role/NAME`, `group/NAME`, `policy/NAME`, names, access key ids, unique
    ids, account numbers, event ids. `events` newest first.
    """
    wanted = target.strip()
    if not wanted:
        return ()
    if wanted.startswith("arn:"):
        return _by_arn(wanted, world)
    kind, slash, name = wanted.partition("/")
    if slash and kind.casefold() in _LISTS and name:
        found = _by_name(name.rstrip("/"), world, _LISTS[kind.casefold()])
        if found:
            return found
    if _KEY.fullmatch(wanted):
        found = _by_key(wanted.upper(), world, events)
    elif _UNIQUE_ID.fullmatch(wanted):
        found = _by_unique_id(wanted.partition(":")[0].upper(), world, events)
    elif _ACCOUNT.fullmatch(wanted):
        found = _by_account(wanted, world)
    elif _EVENT_ID.fullmatch(wanted):
        found = tuple(Hit("events", e, None, "event id") for e in events if e.event_id.casefold() == wanted.casefold())[:1]
    else:
        found = ()
    return found or _by_any_id(wanted, world) or _by_name(wanted, world)


def kind_of(target: str) -> str:
    """What a target looks like, of what events can answer: `key`, `unique id`, `event id`, or ""."""
    wanted = target.strip()
    for name, pattern in (("key", _KEY), ("unique id", _UNIQUE_ID), ("event id", _EVENT_ID)):
        if pattern.fullmatch(wanted):
            return name
    return ""


def _everything(world: World) -> Iterator[Hit]:
    for snapshot in world.snapshots:
        for kind in _KINDS.values():
            for item in account_rows(snapshot) if kind == "users" else getattr(snapshot, kind):
                yield Hit(kind, item, snapshot, "")


def _how(hits: Iterator[Hit] | Sequence[Hit], how: str) -> tuple[Hit, ...]:
    return tuple(msgspec.structs.replace(hit, how=how) for hit in hits)


def _by_arn(arn: str, world: World) -> tuple[Hit, ...]:
    found = [hit for hit in _everything(world) if hit.item.arn == arn]
    if found:
        return _how(found, "ARN")
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return ()
    account, resource = parts[4], parts[5]
    kind, _, rest = resource.partition("/")
    if kind == "assumed-role":
        # The session's ARN has the role's name without its path.
        return _how(_named(world, "roles", rest.partition("/")[0], account), "session of the role")
    if kind in _KINDS:
        # A path mistyped or left out, as in ARNs of some logs.
        return _how(_named(world, _KINDS[kind], rest.rsplit("/", 1)[-1], account), "name in the ARN")
    return ()


def _named(world: World, kind: str, name: str, account: str) -> list[Hit]:
    return [hit for hit in _everything(world) if hit.kind == kind and hit.item.name == name and hit.item.account in (account, "")]


def _by_key(key_id: str, world: World, events: Sequence[Event]) -> tuple[Hit, ...]:
    """A long-lived key by the keys that were listed; then, as for a session's key, whoever used it, or was handed it."""
    owners = {arn for s in world.snapshots for arn, keys in s.access_keys.items() if any(key.key_id == key_id for key in keys)}
    if owners:
        return _how([hit for hit in _everything(world) if hit.item.arn in owners], "access key")
    users = {event.actor.arn: event for event in reversed(events) if event.actor.access_key_id == key_id and event.actor.arn}
    found = [hit for hit in _everything(world) if hit.item.arn in users and _same(hit.item, users[hit.item.arn])]
    if found:
        return _how(found, "access key in events")
    handed = {target for event in events if event.session_key_id == key_id for target in event.targets}
    found = [hit for hit in _everything(world) if hit.kind == "roles" and hit.item.arn in handed]
    if found:
        return _how(found, "session key handed out in events")
    used = next((e for e in events if key_id in (e.actor.access_key_id, e.session_key_id) or key_id in e.targets), None)
    return (Hit("events", used, None, "latest event with this key"),) if used else ()


def _same(item: Any, event: Event) -> bool:
    """A re-created name is another identity."""
    told, held = event.actor.unique_id.partition(":")[0], getattr(item, "unique_id", "")
    return not told or not held or told == held


def _by_unique_id(unique_id: str, world: World, events: Sequence[Event]) -> tuple[Hit, ...]:
    found = _by_any_id(unique_id, world)
    if found:
        return found
    used = next((event for event in events if event.actor.unique_id.partition(":")[0] == unique_id), None)
    return (Hit("events", used, None, "latest event of this unique id"),) if used else ()


def _by_any_id(unique_id: str, world: World) -> tuple[Hit, ...]:
    hits = (hit for hit in _everything(world) if unique_id in (getattr(hit.item, "unique_id", ""), getattr(hit.item, "policy_id", "")))
    return _how(hits, "unique id")


def _by_account(account: str, world: World) -> tuple[Hit, ...]:
    """Root of the account where it is known, else its first identities."""
    hits = [hit for hit in _everything(world) if hit.snapshot is not None and hit.snapshot.account == account and hit.kind != "policies"]
    root = [hit for hit in hits if hit.kind == "users" and is_root(hit.item)]
    return _how((root or hits)[:MOST], "account")


def _by_name(name: str, world: World, kind: str = "") -> tuple[Hit, ...]:
    folded = name.casefold()
    ranked: list[tuple[int, str, int, Hit]] = []
    for number, hit in enumerate(_everything(world)):
        if kind and hit.kind != kind:
            continue
        held = hit.item.name.casefold()
        if hit.item.name == name:
            rank, how = 0, "name"
        elif held == folded:
            rank, how = 1, "name"
        elif held.startswith(folded):
            rank, how = 2, "prefix"
        elif folded in held:
            rank, how = 3, "substring"
        else:
            continue
        ranked.append((rank, held, number, msgspec.structs.replace(hit, how=how)))
    ranked.sort(key=lambda entry: entry[:3])
    return tuple(hit for _, _, _, hit in ranked[:MOST])
