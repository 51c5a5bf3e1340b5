"""Who can: everyone who may do an action on a resource, from inside the account and from outside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from ..model.account import Snapshot
from ..model.identity import Identity, Role, User
from ..model.surroundings import Surroundings
from ..policy.caller import Reach, caller_of
from ..policy.compiled import Form, Rule
from ..policy.decision import Because, Decision, Effect, Held, Layer, Layers
from ..policy.evaluation import Request, evaluate
from ..policy.expression import Truth, words
from .access import NOTHING_AROUND, Around, Question, around, as_caller, organization_levels
from .reach import once


class Holder(msgspec.Struct, frozen=True, eq=False):
    """One who can. `identity` None for somebody outside what was read; `kind`: user, role, account, service, federated, everybody."""

    name: str
    kind: str
    arn: str
    account: str
    decision: Decision
    identity: Identity | None = None
    unread: tuple[str, ...] = ()

    @property
    def conditions(self) -> str:
        return words(self.decision.conditions) if self.decision.conditions is not None else ""

    @property
    def because(self) -> str:
        return next((because.told for because in self.decision.because if because.allows), "")


def around_all(snapshot: Snapshot) -> Sequence[tuple[Identity, Around]]:
    """Every user and role with its compiled policies, made once a snapshot."""
    everyone: tuple[Identity, ...] = (*snapshot.users, *snapshot.roles)
    inputs = (snapshot.users, snapshot.roles, snapshot.groups, snapshot.policies)
    return once("around", inputs, lambda: tuple((identity, around(identity, snapshot)) for identity in everyone))


def who_can(asked: Question, snapshots: Sequence[Snapshot], surroundings: Surroundings = NOTHING_AROUND) -> tuple[Holder, ...]:
    """Everybody whose answer is Allowed or Depends: identities of the open accounts, then principals a resource policy names from
    outside them."""
    found: list[Holder] = []
    for snapshot in snapshots:
        found.extend(_inside(asked, snapshot, surroundings))
    found.extend(_outside(asked, {snapshot.account for snapshot in snapshots}))
    return tuple(found)


def _inside(asked: Question, snapshot: Snapshot, surroundings: Surroundings) -> Iterator[Holder]:
    scps = organization_levels(surroundings, snapshot.account, "SERVICE_CONTROL_POLICY", Form.IDENTITY)
    owner = asked.resource_account or snapshot.account
    rcps = organization_levels(surroundings, owner, "RESOURCE_CONTROL_POLICY", Form.ORGANIZATION_RESOURCE)
    action = asked.action.lower()
    named = asked.resource_policy is not None and any(held.policy.rules(action)[1] for held in asked.resource_policy)
    allows: dict[int, bool] = {}

    def may(held: Held) -> bool:
        key = id(held.policy)
        known = allows.get(key)
        if known is None:
            known = allows[key] = bool(held.policy.rules(action)[1])
        return known

    for identity, policies in around_all(snapshot):
        # Nothing of its own speaks of the action, and no resource policy does: no need to ask further.
        if not named and not any(may(held) for held in policies.layers.identity):
            continue
        layers = Layers(
            identity=policies.layers.identity,
            boundary=policies.layers.boundary,
            resource=asked.resource_policy,
            service_control=scps,
            resource_control=rcps,
        )
        request = Request(
            as_caller(identity),
            asked.action,
            asked.resource,
            layers,
            context=asked.context,
            resource_account=asked.resource_account,
            conditional=asked.conditional,
        )
        decision = evaluate(request)
        if decision.effect in (Effect.ALLOWED, Effect.DEPENDS):
            kind = "user" if isinstance(identity, User) else "role" if isinstance(identity, Role) else "group"
            yield Holder(identity.name, kind, identity.arn, identity.account, decision, identity, policies.unread)


def _outside(asked: Question, inside: set[str]) -> Iterator[Holder]:
    """Principals of allowing statements that are no identity of an open account: their own side is not known, so the answer says
    what the resource's side allows."""
    for held in asked.resource_policy or ():
        for rule in held.policy.rules(asked.action.lower())[1]:
            for kind, name, account in _principals(rule, inside):
                yield _outsider(asked, held, rule, kind, name, account)


def _principals(rule: Rule, inside: set[str]) -> Iterator[tuple[str, str, str]]:
    test = rule.principal
    if test is None:
        return
    if test.everybody or test.signed:
        yield "everybody", "everybody" if test.everybody else "every AWS principal", ""
    elif test.negated:
        yield "everybody", "everybody but the principals it excepts", ""
    for service in sorted(test.services):
        yield "service", service, ""
    for provider in sorted(test.federated):
        yield "federated", provider, ""
    for account in sorted(test.accounts - inside):
        yield "account", f"account {account}", account
    for arn in sorted(test.names):
        account = arn.split(":")[4] if arn.count(":") >= 5 else ""
        if account not in inside and not arn.endswith(":root"):
            yield caller_of(arn).kind.value if _is_caller(arn) else "principal", arn, account


def _is_caller(arn: str) -> bool:
    try:
        caller_of(arn)
    except ValueError:
        return False
    return True


def _outsider(asked: Question, held: Held, rule: Rule, kind: str, name: str, account: str) -> Holder:
    truth: Truth = rule.truth(asked.resource, {key.lower(): tuple(map(str, [value])) for key, value in asked.context.items()})
    because = (Because(Layer.RESOURCE, True, held, rule, Reach.DIRECT, truth),)
    decision = (
        Decision(Effect.ALLOWED, because)
        if truth is True
        else Decision(Effect.DEPENDS, because, conditions=truth if not isinstance(truth, bool) else None)
    )
    return Holder(name, kind, name if name.startswith("arn:") else "", account, decision)
