"""Ways from one account into another by assuming roles, both sides decided: the caller's policies and organisation, and the trust policy.

A way is told only where both accounts were read. Where one was not, the edge is named and nothing is said of what is behind it.
A way ends at the first administrator: what leads on from there is told of that administrator, and what somebody could give himself
first (an escalation in his own account, then the other account) is two ways as well. All ways at once would be their product.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from ...model.account import Snapshot
from ...model.identity import Identity, Role
from ...model.surroundings import Surroundings
from ...policy.caller import Caller, PrincipalTest, Reach
from ...policy.compiled import CompiledPolicy, Form, Rule, compile_policy
from ...policy.decision import Decision, Held, Layers
from ...policy.evaluation import Request, evaluate, held
from ...policy.expression import Truth, all_of, words
from ...policy.wildcard import is_pattern
from ..access import NOTHING_AROUND, Around, as_caller
from .evaluating import _MAY, Escalation, Field, Hops, _speaks, escalations, hops

ASSUME = "sts:AssumeRole"


class Unread(msgspec.Struct, frozen=True):
    """An edge to an account that was not read.

    inward: somebody of that account may assume `name`, which is or becomes an administrator; who there is, is not known
            else: `name` may, by its own policies, assume `target` there; whether it is let in, and what it is worth, is not known
    """

    account: str
    name: str
    arn: str
    target: str
    inward: bool


class Ways(msgspec.Struct, frozen=True, eq=False):
    """Everything about the open accounts.

    crossings: ways that end as an administrator of another account than the one they begin in, or lead through another one
    """

    escalations: tuple[Escalation, ...] = ()
    hops: tuple[Hops, ...] = ()
    crossings: tuple[Hops, ...] = ()
    unread: tuple[Unread, ...] = ()


def all_ways(snapshots: Sequence[Snapshot], surroundings: Surroundings = NOTHING_AROUND) -> Ways:
    """Ways in each account, and between them when there are several."""
    fields = {snapshot.account: Field(snapshot, surroundings) for snapshot in snapshots}
    ways: list[Escalation] = []
    chains: list[Hops] = []
    for field in fields.values():
        found = escalations(field)
        ways += found
        chains += hops(field, found)
    return Ways(tuple(ways), tuple(chains), *crossings(fields, ways, chains))


def crossings(
    fields: Mapping[str, Field], ways: Sequence[Escalation], chains: Sequence[Hops]
) -> tuple[tuple[Hops, ...], tuple[Unread, ...]]:
    """Ways between accounts, the shortest for each identity and account it ends in, and the edges that leave what was read."""
    last: dict[str, Escalation] = {}
    for way in ways:
        if isinstance(way.identity, Role):
            last.setdefault(way.identity.arn, way)
    ends: dict[str, list[Role]] = {}
    for account, field in fields.items():
        for role in field.snapshot.roles:
            if (role.arn in field.admins or role.arn in last) and not role.service_linked:
                ends.setdefault(account, []).append(role)
    unread = tuple(_unread(fields, [role for roles in ends.values() for role in roles]))
    if len(fields) < 2:
        return (), unread
    doors = _Doors(fields)
    inside = {(chain.identity.arn, chain.identity.account) for chain in chains}
    inside |= {(arn, account) for account, field in fields.items() for arn in field.admins}
    good = {role.arn for roles in ends.values() for role in roles}
    found: list[Hops] = []
    for account, roles in ends.items():
        found += _into(account, roles, doors, last, inside, good)
    return tuple(found), unread


def _into(
    account: str,
    roles: Sequence[Role],
    doors: _Doors,
    last: Mapping[str, Escalation],
    inside: set[tuple[str, str]],
    ends: set[str],
) -> Iterator[Hops]:
    """Who ends as an administrator of one account from outside it: backwards from its administrators, account by account."""
    good: dict[str, tuple[tuple[Role, ...], Truth]] = {role.arn: ((role,), True) for role in roles}
    seen: set[str] = set(good)
    frontier = list(roles)
    while frontier:
        following: list[Role] = []
        for role in frontier:
            chain, open_ = good[role.arn]
            for identity, decision in doors.before(role, inside=role.account == account):
                if identity.arn in seen:
                    continue
                seen.add(identity.arn)
                joined = all_of([open_, decision.conditions if decision.conditions is not None else True])
                if joined is False:
                    seen.discard(identity.arn)
                    continue
                if isinstance(identity, Role) and identity.arn not in ends:
                    good[identity.arn] = ((identity, *chain), joined)
                    following.append(identity)
                crosses = any(one.account != identity.account for one in chain)
                if crosses and (identity.arn, account) not in inside:
                    told = words(joined) if not isinstance(joined, bool) else ""
                    yield Hops(identity, chain, last.get(chain[-1].arn), told)
        frontier = following


class _Person(NamedTuple):
    """Somebody who may stand before doors.

    said:     what of his policies has to do with assuming roles, each with its rules; boundary: its texts
    personal: whether one of his policies asks who he is
    """

    identity: Identity
    caller: Caller
    speaks: bool
    said: tuple[tuple[str, tuple[Rule, ...]], ...]
    boundary: tuple[str, ...] | None
    personal: bool


class _Doors:
    """Who may walk through the door of a role, decided once a role. Who stands before it is found once for all roles that trust alike, and
    those who are the same to a door get the same answer."""

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self._fields = fields
        self._everyone: dict[str, list[_Person]] = {}
        self._standing: dict[str, dict[str, tuple[tuple[_Person, tuple[Reach, ...]], ...]]] = {}
        self._speakers: dict[tuple[str, str], int] = {}
        self._open: dict[tuple[str, bool], tuple[tuple[Identity, Decision], ...]] = {}

    def before(self, role: Role, *, inside: bool) -> tuple[tuple[Identity, Decision], ...]:
        """Who may assume a role. `inside`: of its own account only roles, as a way from another account may lead through them."""
        key = (role.arn, inside)
        known = self._open.get(key)
        if known is None:
            known = self._open[key] = tuple(self._walk(role, inside=inside))
        return known

    def _walk(self, role: Role, *, inside: bool) -> Iterator[tuple[Identity, Decision]]:
        there = self._fields.get(role.account)
        if there is None:
            return  # an answer written by hand: its ARN names no account that is open
        door = held(role.trust, Form.RESOURCE, role.name, "trust policy")
        standing = self._standing.get(role.trust)
        if standing is None:
            standing = self._standing[role.trust] = self._before(role.trust)
        for account, people in standing.items():
            here, own = self._fields[account], account == role.account
            alike = not (_asks_who(door.policy) or here.personal or there.personal)
            known: dict[object, Decision] = {}
            for person, reaches in people if own else people[: self._speakers[role.trust, account]]:
                identity = person.identity
                if identity.arn == role.arn or (own and (identity.arn in here.admins or (inside and not isinstance(identity, Role)))):
                    continue
                if not own and not _speaks_of(person, role.arn):
                    continue  # between accounts both sides must allow
                key = (*_saying(person, role.arn), reaches) if alike and not person.personal else None
                decision = known.get(key) if key is not None else None
                if decision is None:
                    decision = _assume(here, person, there, role, door)
                    if key is not None:
                        known[key] = decision
                if decision.effect in _MAY:
                    yield identity, decision

    def _before(self, trust: str) -> dict[str, tuple[tuple[_Person, tuple[Reach, ...]], ...]]:
        denying, allowing = compile_policy(trust, Form.RESOURCE).rules(ASSUME.lower())
        tests = [rule.principal for rule in allowing if rule.principal is not None]
        every = [*tests, *(rule.principal for rule in denying if rule.principal is not None)]
        found: dict[str, tuple[tuple[_Person, tuple[Reach, ...]], ...]] = {}
        for account in _named(tests, self._fields):
            standing = []
            for person in self._people(account):
                reaches = tuple([test.reach(person.caller) for test in every])
                reach = max(reaches[: len(tests)], default=Reach.NONE)
                if reach > Reach.ACCOUNT or (person.speaks and reach is Reach.ACCOUNT):
                    standing.append((person, reaches))
            if standing:
                standing.sort(key=lambda one: not one[0].speaks)  # who says nothing comes to no door of another account
                self._speakers[trust, account] = sum(1 for person, _ in standing if person.speaks)
                found[account] = tuple(standing)
        return found

    def _people(self, account: str) -> list[_Person]:
        known = self._everyone.get(account)
        if known is None:
            known = self._everyone[account] = [
                _person(identity, policies)
                for identity, policies in self._fields[account].everyone
                if not (isinstance(identity, Role) and identity.service_linked)
            ]
        return known


def _person(identity: Identity, policies: Around) -> _Person:
    said = []
    for one in policies.layers.identity:
        denying, allowing = one.policy.rules(ASSUME.lower())
        if denying or allowing:
            said.append((one.text, (*denying, *allowing)))
    boundary = policies.layers.boundary
    texts = None if boundary is None else tuple(one.text for one in boundary)
    return _Person(identity, as_caller(identity), _speaks(policies, ASSUME.lower()), tuple(said), texts, policies.personal)


def _saying(person: _Person, arn: str) -> tuple[object, ...]:
    """What somebody's policies say of assuming one role: who says the same is answered the same."""
    return tuple([text for text, rules in person.said if any(rule.covers(arn, {}) for rule in rules)]), person.boundary


def _asks_who(policy: CompiledPolicy) -> bool:
    """Whether a trust policy may answer two identities of one account differently that it names alike."""
    return policy.personal and any(
        rule.personal
        and (rule.statement.resources or not all(c.lowered in _OF_THE_ACCOUNT and not c.has_variables for c in rule.conditions))
        for rule in (*policy.allows, *policy.denies)
    )


_OF_THE_ACCOUNT = frozenset(("aws:principalaccount", "aws:principalorgid", "aws:principalorgpaths", "sts:externalid"))
"""Condition keys that are the same for all identities of an account, or that nobody knows beforehand."""


def _named(tests: Sequence[PrincipalTest], fields: Mapping[str, Field]) -> Sequence[str]:
    """The open accounts a trust policy may let somebody of in."""
    if any(test.everybody or test.signed or test.negated for test in tests):
        return tuple(fields)
    return [account for account in _accounts(tests) if account in fields]


def _accounts(tests: Sequence[PrincipalTest]) -> Sequence[str]:
    """Accounts that principals name, by themselves or as part of an ARN."""
    found: dict[str, None] = {}
    for test in tests:
        if test.negated:
            continue
        found |= dict.fromkeys(test.accounts)
        found |= dict.fromkeys(name.split(":")[4] for name in test.names if name.count(":") >= 5)
    return sorted(account for account in found if account.isdigit())


def _speaks_of(person: _Person, arn: str) -> bool:
    """Whether anything of somebody allows to assume this very role: cheap, and false for most."""
    return any(rule.statement.allows and (rule.personal or rule.covers(arn, {})) for _, rules in person.said for rule in rules)


def _assume(here: Field, person: _Person, there: Field, role: Role, door: Held) -> Decision:
    """Both sides: identity policies, boundary and service control policies of the caller, trust and resource control policies of the
    role."""
    policies = here.around[person.identity.arn]
    layers = Layers(
        identity=policies.layers.identity,
        boundary=policies.layers.boundary,
        service_control=here.scps,
        resource=(door,),
        resource_control=there.rcps,
    )
    context = {**there.resource_context, **here.context}
    return evaluate(Request(person.caller, ASSUME, role.arn, layers, context=context, conditional=True))


# -- edges that leave what was read ----------------------------------------------------------------------------------


def _unread(fields: Mapping[str, Field], good: Sequence[Role]) -> Iterator[Unread]:
    for role in good:
        rules = compile_policy(role.trust, Form.RESOURCE).rules(ASSUME.lower())[1]
        for account in _accounts([rule.principal for rule in rules if rule.principal is not None]):
            if account not in fields:
                yield Unread(account, role.name, role.arn, "", inward=True)
    outside: dict[str, tuple[tuple[str, str], ...]] = {}
    for field in fields.values():
        for identity, policies in field.everyone:
            for one in policies.layers.identity:
                known = outside.get(one.text)
                if known is None:
                    rules = one.policy.rules(ASSUME.lower())[1]
                    arns = dict.fromkeys(arn for rule in rules for arn in rule.statement.resources if arn.count(":") >= 5)
                    known = outside[one.text] = tuple((arn.split(":")[4], arn) for arn in arns if not is_pattern(arn.split(":")[4]))
                for account, arn in known:
                    if account and account not in fields:
                        yield Unread(account, identity.name, identity.arn, arn, inward=False)


__all__ = ["Unread", "Ways", "all_ways", "crossings"]
