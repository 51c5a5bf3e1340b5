"""A policy before it is applied: what is wrong with it, what access it gives and takes, and what that means for one identity."""

from __future__ import annotations

import msgspec

from ..model.account import Snapshot
from ..model.identity import Identity
from ..policy.catalogue import AccessLevel, catalogue
from ..policy.compiled import compile_policy
from ..policy.coverage import Gain, gained
from ..policy.decision import Effect, Held, Layers
from ..policy.evaluation import Request, evaluate, held
from ..policy.validation import Remark, validate
from .access import around, as_caller

_EMPTY = '{"Version": "2012-10-17", "Statement": []}'


class Change(msgspec.Struct, frozen=True):
    """Access gained or lost of one service and access level by one statement.

    already: policies by which the identity has it anyway; stopped: its boundary or another policy stops it
    """

    service: str
    level: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    excepted: bool
    conditions: tuple[str, ...]
    statement: str
    why: str
    already: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()

    @property
    def grows(self) -> bool:
        """Whether it changes anything for whom it was asked."""
        return not self.already and not self.stopped


class Preflight(msgspec.Struct, frozen=True):
    """`remarks` about the new policy; `gained` and `lost` against the old one."""

    remarks: tuple[Remark, ...]
    gained: tuple[Change, ...]
    lost: tuple[Change, ...]

    @property
    def grows(self) -> bool:
        return any(change.grows for change in self.gained)

    @property
    def broken(self) -> bool:
        return any(remark.broken for remark in self.remarks)


def preflight(old: str, new: str, identity: Identity | None = None, snapshot: Snapshot | None = None) -> Preflight:
    """Compare two documents; "" for the old one means there is none yet. With an identity, its other policies count."""
    before, after = compile_policy(old.strip() or _EMPTY), compile_policy(new)
    gains = _changes(gained(before, after))
    if identity is not None and snapshot is not None:
        gains = tuple(_for(change, old, new, identity, snapshot) for change in gains)
    return Preflight(validate(new), gains, _changes(gained(after, before)))


def _changes(gains: tuple[Gain, ...]) -> tuple[Change, ...]:
    """By service and access level, the most dangerous level first."""
    known = catalogue()
    found: dict[tuple[str, str, int], list[str]] = {}
    for number, gain in enumerate(gains):
        for action in gain.actions:
            level = known.level(action)
            found.setdefault((action.partition(":")[0], level.value if level else "unknown", number), []).append(action)
    order = [level.value for level in reversed(AccessLevel)]
    changes = [
        Change(
            service,
            level,
            tuple(actions),
            gains[number].resources,
            gains[number].excepted,
            gains[number].conditions,
            gains[number].statement,
            gains[number].why,
        )
        for (service, level, number), actions in found.items()
    ]
    return tuple(sorted(changes, key=lambda c: (order.index(c.level) if c.level in order else -1, c.service)))


def _for(change: Change, old: str, new: str, identity: Identity, snapshot: Snapshot) -> Change:
    """What a gain means for an identity: nothing where other policies grant it anyway, or where its boundary or a deny stops it."""
    found = around(identity, snapshot).layers
    others = tuple(one for one in found.identity if one.text.strip() != old.strip())
    candidate = held(new, name="the new policy")

    def effect(own: tuple[Held, ...], action: str, resource: str) -> tuple[Effect, str]:
        layers = Layers(identity=own, boundary=found.boundary)
        decision = evaluate(Request(as_caller(identity), action, resource, layers, conditional=True))
        return decision.effect, decision.told[0] if decision.told else ""

    resources = ("*",) if change.excepted else change.resources
    already = [effect(others, action, resource) for action in change.actions for resource in resources]
    if all(answer is Effect.ALLOWED for answer, _ in already):
        return msgspec.structs.replace(change, already=tuple(dict.fromkeys(told for _, told in already)))
    after = [effect((*others, candidate), action, resource) for action in change.actions for resource in resources]
    if all(answer in (Effect.IMPLICITLY_DENIED, Effect.EXPLICITLY_DENIED) for answer, _ in after):
        return msgspec.structs.replace(change, stopped=tuple(dict.fromkeys(told for _, told in after)))
    return change
