"""Where a name, ARN, unique id, access key id or event id leads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ..model.account import Snapshot, World
from ..model.event import Event
from .lists import account_rows

MOST = 200
"""Answers given at most; the best come first."""

_KINDS = {"user": "users", "role": "roles", "group": "groups", "policy": "policies"}
_PLURAL = {**_KINDS, **{plural: plural for plural in _KINDS.values()}}


class Hit(msgspec.Struct, frozen=True, eq=False):
    """`kind` is the list it is in; `how` why it matched."""

    kind: str
    item: Any
    snapshot: Snapshot | None
    how: str


def resolve(target: str, world: World, events: Sequence[Event] = ()) -> tuple[Hit, ...]:
    """Best first: exact ARN, id, key or name; then prefixes, then substrings of names. Empty when nowhere."""
    wanted = target.strip()
    if not wanted:
        return ()
    if wanted.startswith("arn:"):
        return _by_arn(wanted, world)
    if wanted[:4] in ("AKIA", "ASIA") and len(wanted) >= 16:
        return _by_key(wanted, world, events)
    kind, slash, name = wanted.partition("/")
    if slash and kind.casefold() in _PLURAL and name:
        found = _by_name(name, world, _PLURAL[kind.casefold()])
        if found:
            return found
    by_id = tuple(hit for hit in _everything(world) if wanted in (getattr(hit.item, "unique_id", ""), getattr(hit.item, "policy_id", "")))
    if by_id:
        return tuple(msgspec.structs.replace(hit, how="unique id") for hit in by_id)
    if len(wanted) == 36 and wanted.count("-") == 4:
        event = next((event for event in events if event.event_id == wanted), None)
        if event is not None:
            return (Hit("events", event, None, "event id"),)
    return _by_name(wanted, world)


def _everything(world: World) -> list[Hit]:
    return [
        Hit(kind, item, snapshot, "")
        for snapshot in world.snapshots
        for kind in ("users", "roles", "groups", "policies")
        for item in (account_rows(snapshot) if kind == "users" else getattr(snapshot, kind))
    ]


def _by_arn(arn: str, world: World) -> tuple[Hit, ...]:
    found = [hit for hit in _everything(world) if hit.item.arn == arn]
    how = "ARN"
    if not found and ":assumed-role/" in arn:
        account = arn.split(":")[4]
        role = arn.partition(":assumed-role/")[2].partition("/")[0]
        found = [hit for hit in _everything(world) if hit.kind == "roles" and hit.item.name == role and hit.item.account == account]
        how = "session of the role"
    return tuple(msgspec.structs.replace(hit, how=how) for hit in found)


def _by_key(key_id: str, world: World, events: Sequence[Event]) -> tuple[Hit, ...]:
    owners = {arn for snapshot in world.snapshots for arn, keys in snapshot.access_keys.items() if any(k.key_id == key_id for k in keys)}
    how = "access key"
    if not owners:
        owners = {event.actor.arn for event in events if event.actor.access_key_id == key_id and event.actor.arn}
        how = "access key in events"
    found = tuple(msgspec.structs.replace(hit, how=how) for hit in _everything(world) if hit.item.arn in owners)
    if found:
        return found
    used = next((event for event in events if key_id in (event.actor.access_key_id, event.session_key_id) or key_id in event.targets), None)
    return (Hit("events", used, None, "latest event with this key"),) if used else ()


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
