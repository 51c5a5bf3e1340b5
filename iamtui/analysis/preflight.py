"""A policy before it is applied: what is wrong with it, what access it gives and takes, and what that means for one identity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from ..model.account import Snapshot
from ..model.identity import Group, Identity
from ..model.policy import InlinePolicy
from ..model.surroundings import Surroundings
from ..policy.catalogue import AccessLevel, catalogue
from ..policy.compiled import CompiledPolicy, Form, compile_policy
from ..policy.coverage import Gain, gained
from ..policy.decision import Effect, Held, Layers
from ..policy.evaluation import Request, evaluate, held
from ..policy.validation import Remark, form_of, validate
from .access import NOTHING_AROUND, around, as_caller
from .exposure import document_exposures
from .reach import attached_to, members_by_group

if TYPE_CHECKING:
    from .escalation.evaluating import Escalation, Hops

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


class Danger(msgspec.Struct, frozen=True):
    """A way to an administrator's rights, or an opening to the outside, that the change makes.

    who:  the identity that gets it, "" when the document alone was judged; of an opening, who is let in
    """

    who: str
    words: str
    why: str = ""


class Preflight(msgspec.Struct, frozen=True):
    """`remarks` about the new policy; `gained` and `lost` against the old one; `escalations` and `exposures` that it makes."""

    remarks: tuple[Remark, ...]
    gained: tuple[Change, ...]
    lost: tuple[Change, ...]
    escalations: tuple[Danger, ...] = ()
    exposures: tuple[Danger, ...] = ()

    @property
    def grows(self) -> bool:
        return any(change.grows for change in self.gained) or bool(self.escalations or self.exposures)

    @property
    def broken(self) -> bool:
        return any(remark.broken for remark in self.remarks)


def preflight(
    old: str,
    new: str,
    identity: Identity | None = None,
    snapshot: Snapshot | None = None,
    surroundings: Surroundings = NOTHING_AROUND,
) -> Preflight:
    """Compare two documents; "" for the old one means there is none yet. With an identity, its other policies count.

    Escalation is judged for the identity, else for everybody in the snapshot who has the old policy, else of the document alone.
    """
    form = form_of(new)
    before, after = compile_policy(old.strip() or _EMPTY, form), compile_policy(new, form)
    gains = _changes(gained(before, after))
    if form is Form.IDENTITY and identity is not None and snapshot is not None:
        gains = tuple(_for(change, old, new, identity, snapshot) for change in gains)
    escalating = tuple(_escalating(old, new, identity, snapshot, surroundings)) if form is Form.IDENTITY else ()
    exposing = tuple(_exposing(old, new, snapshot, surroundings)) if form is Form.RESOURCE else ()
    return Preflight(validate(new), gains, _changes(gained(after, before)), escalating, exposing)


# -- what the change opens -------------------------------------------------------------------------------------------


def _escalating(old: str, new: str, identity: Identity | None, snapshot: Snapshot | None, surroundings: Surroundings) -> Iterator[Danger]:
    """Ways to an administrator's rights that are there afterwards and were not before."""
    from .escalation.paths import paths

    if snapshot is not None:
        changed, touched = _applied(old, new, identity, snapshot)
        if touched:
            arns = {one.arn for one in touched}
            admins, ways, chains = _standing(snapshot, surroundings, arns)
            admins_after, ways_after, chains_after = _standing(changed, surroundings, arns)
            names = {one.arn: one.name for one in touched}
            for arn in sorted(admins_after - admins):
                yield Danger(names[arn], "becomes an administrator")
            known = {(way.identity.arn, way.path.id) for way in ways}
            for way in ways_after:
                if (way.identity.arn, way.path.id) not in known:
                    yield Danger(way.identity.name, f"can become {way.ends_as}: {way.path.title}", way.conditions)
            assumed = {(chain.identity.arn, chain.roles) for chain in chains}
            for chain in chains_after:
                if (chain.identity.arn, chain.roles) not in assumed:
                    over = " → ".join(role.name for role in chain.roles)
                    yield Danger(chain.identity.name, f"ends as an administrator by assuming {over}")
            return
    before, after = compile_policy(old.strip() or _EMPTY), compile_policy(new)
    for path in paths():
        if _carries(after, path.actions) and not _carries(before, path.actions):
            yield Danger("", f"carries every permission of: {path.title}", ", ".join(path.actions))


def _standing(snapshot: Snapshot, surroundings: Surroundings, arns: set[str]) -> tuple[set[str], list[Escalation], list[Hops]]:
    """(administrators, ways, chains) of some identities as the account is."""
    from .escalation.evaluating import Field, escalations, hops

    field = Field(snapshot, surroundings)
    ways = escalations(field)
    chains = hops(field, ways)
    return field.admins & arns, [way for way in ways if way.identity.arn in arns], [one for one in chains if one.identity.arn in arns]


def _carries(policy: CompiledPolicy, actions: Iterable[str]) -> bool:
    """Whether a document allows all of some actions on something, and denies none of them everywhere."""
    for action in actions:
        denies, allows = policy.rules(action.lower())
        if not allows or any("*" in deny.statement.resources and not deny.statement.conditions for deny in denies):
            return False
    return True


def _applied(old: str, new: str, identity: Identity | None, snapshot: Snapshot) -> tuple[Snapshot, tuple[Identity, ...]]:
    """(the account with the new document in place of the old one, identities it reaches).

    The old document is found as a managed policy or an inline one; for an identity that has it not, the new one is added to it.
    """
    text = old.strip()
    policies = []
    replaced = set()
    for policy in snapshot.policies:
        version = policy.default_version
        if text and version is not None and version.document.strip() == text and not policy.aws_managed:
            replaced.add(policy.arn)
            policies.append(msgspec.structs.replace(policy, versions=(msgspec.structs.replace(version, document=new),)))
        else:
            policies.append(policy)
    reached: dict[str, Identity] = {one.arn: one for arn in replaced for one in attached_to(snapshot).get(arn, ())}
    for group in [one for one in reached.values() if isinstance(one, Group)]:
        reached.update({user.arn: user for user in members_by_group(snapshot).get(group.name, ())})
    changed = msgspec.structs.replace(snapshot, policies=tuple(policies))
    if identity is None:
        return changed, tuple(reached.values())
    if identity.arn in reached:
        return changed, (identity,)
    inline = [one for one in identity.inline if not text or one.document.strip() != text]
    given = msgspec.structs.replace(identity, inline=(*inline, InlinePolicy("the new policy", new)))
    for name in ("users", "roles", "groups"):
        held = getattr(snapshot, name)
        if any(one.arn == identity.arn for one in held):
            changed = msgspec.structs.replace(changed, **{name: tuple(given if one.arn == identity.arn else one for one in held)})
    return changed, (identity,)


def _exposing(old: str, new: str, snapshot: Snapshot | None, surroundings: Surroundings) -> Iterator[Danger]:
    """Who from outside the new document lets in and the old one did not."""
    account = snapshot.account if snapshot is not None else ""
    known = {(one.who, one.actions, one.only_if) for one in document_exposures(old, account, surroundings)} if old.strip() else set()
    for one in document_exposures(new, account, surroundings):
        if (one.who, one.actions, one.only_if) not in known:
            narrowed = f" only if {' and '.join(one.only_if)}" if one.only_if else ""
            yield Danger(one.who, f"{', '.join(one.actions)}{narrowed}", f"{one.severity.value}: {one.why}")


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
