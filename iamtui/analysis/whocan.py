"""Who can: everyone who may do an action on a resource, from inside the account and from outside."""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial

from ..model.account import Snapshot
from ..model.identity import Identity, User
from ..model.surroundings import Surroundings
from ..policy.caller import Caller, Reach, caller_of
from ..policy.compiled import Form, Rule
from ..policy.decision import Because, Decision, Effect, Held, Layer, Layers
from ..policy.evaluation import Request, evaluate
from ..policy.expression import Truth, words
from .access import NOTHING_AROUND, Around, Question, around, as_caller, organization_levels
from .reach import once


class Holder:
    """One who can. `identity` None for somebody outside what was read; `kind`: user, role, account, service, federated, everybody.

    Whether they can is known; the whole decision with its because is worked out when it is looked at.
    """

    __slots__ = ("_decide", "_decision", "account", "arn", "effect", "identity", "kind", "name", "open", "unread")

    def __init__(
        self,
        name: str,
        kind: str,
        arn: str,
        account: str,
        decision: Decision,
        *,
        identity: Identity | None = None,
        unread: tuple[str, ...] = (),
        decide: Callable[[], Decision] | None = None,
    ) -> None:
        self.name, self.kind, self.arn, self.account = name, kind, arn, account
        self.identity, self.unread = identity, unread
        self.effect, self.open = decision.effect, decision.conditions
        self._decide = decide
        self._decision = None if decide else decision

    @property
    def decision(self) -> Decision:
        if self._decision is None:
            assert self._decide is not None
            self._decision = self._decide()
        return self._decision

    @property
    def conditions(self) -> str:
        return words(self.open) if self.open is not None else ""

    @property
    def because(self) -> str:
        return next((because.told for because in self.decision.deciding if because.allows), "")


def around_all(snapshot: Snapshot) -> Sequence[tuple[Identity, Around]]:
    """Every user and role with its compiled policies, made once a snapshot."""
    everyone: tuple[Identity, ...] = (*snapshot.users, *snapshot.roles)
    inputs = (snapshot.users, snapshot.roles, snapshot.groups, snapshot.policies)
    return once("around", inputs, lambda: tuple((identity, around(identity, snapshot)) for identity in everyone))


def _callers(snapshot: Snapshot) -> Sequence[tuple[Identity, Around, Caller]]:
    """As `around_all`, with each as the caller of a request."""
    inputs = (snapshot.users, snapshot.roles, snapshot.groups, snapshot.policies)
    return once("callers", inputs, lambda: tuple((identity, held, as_caller(identity)) for identity, held in around_all(snapshot)))


def who_can(asked: Question, snapshots: Sequence[Snapshot], surroundings: Surroundings = NOTHING_AROUND) -> tuple[Holder, ...]:
    """Everybody whose answer is Allowed or Depends: identities of the open accounts, then principals a resource policy names from
    outside them."""
    found: list[Holder] = []
    collecting = gc.isenabled()
    gc.disable()  # an answer may be ten thousand small values, none of them garbage
    try:
        for snapshot in snapshots:
            found.extend(_inside(asked, snapshot, surroundings))
        found.extend(_outside(asked, {snapshot.account for snapshot in snapshots}))
    finally:
        if collecting:
            gc.enable()
    return tuple(found)


def _inside(asked: Question, snapshot: Snapshot, surroundings: Surroundings) -> Iterator[Holder]:
    scps = organization_levels(surroundings, snapshot.account, "SERVICE_CONTROL_POLICY", Form.IDENTITY)
    owner = asked.resource_account or snapshot.account
    rcps = organization_levels(surroundings, owner, "RESOURCE_CONTROL_POLICY", Form.ORGANIZATION_RESOURCE)
    action = asked.action.lower()
    context = {**surroundings.principal_context(snapshot.account), **asked.context}
    resource_rules = [rule for held in asked.resource_policy or () for rules in held.policy.rules(action) for rule in rules]
    named = any(rule.statement.allows for rule in resource_rules)
    elsewhere = [held for level in (*scps, *rcps) for held in level] + list(asked.resource_policy or ())
    personal = any(held.policy.personal for held in elsewhere)
    tests = [rule.principal for rule in resource_rules if rule.principal is not None]
    spoken: dict[str, tuple[int, bool]] = {}
    decided: dict[Hashable, Decision] = {}

    def speaks(held: Held) -> tuple[int, bool]:
        """(a number for its statements about the action, 0 for none; whether one of them allows)."""
        known = spoken.get(held.text)
        if known is None:
            denies, allows = held.policy.rules(action)
            known = spoken[held.text] = (len(spoken) + 1 if denies or allows else 0, bool(allows))
        return known

    def ask(caller: Caller, policies: Around) -> Decision:
        layers = Layers(
            identity=policies.layers.identity,
            boundary=policies.layers.boundary,
            resource=asked.resource_policy,
            service_control=scps,
            resource_control=rcps,
        )
        return evaluate(
            Request(
                caller,
                asked.action,
                asked.resource,
                layers,
                context=context,
                resource_account=asked.resource_account,
                conditional=asked.conditional,
            )
        )

    for identity, policies, caller in _callers(snapshot):
        said = [speaks(held) for held in policies.layers.identity]
        # Nothing of its own allows the action, and no resource policy does: no need to ask further.
        if not named and not any(allows for _, allows in said):
            continue
        decision: Decision | None = None
        key: Hashable = None
        if not policies.personal and not personal:
            # The same statements, and the resource policy names them alike: the same answer, if by other policies' names.
            limit = policies.layers.boundary
            bound = None if limit is None else tuple(held.text for held in limit)
            reaches = tuple([test.reach(caller) for test in tests]) if tests else ()
            key = (frozenset([number for number, _ in said if number]), bound, caller.service_linked, reaches)
            decision = decided.get(key)
        if decision is None:
            decision = ask(caller, policies)
            if key is not None:
                decided[key] = decision
        if decision.effect in _MAY:
            kind = "user" if isinstance(identity, User) else "role"
            yield Holder(
                identity.name,
                kind,
                identity.arn,
                identity.account,
                decision,
                identity=identity,
                unread=policies.unread,
                decide=partial(ask, caller, policies),
            )


_MAY = frozenset((Effect.ALLOWED, Effect.DEPENDS))


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
