"""Who can walk which escalation path, decided by the engine: every permission on the resource the path needs it on.

Permissions may be split over policies and groups; resource scope, conditions, denies and the permissions boundary count. A target must be
worth having: an administrator, or one that can be made into one. Identities that are administrators already escalate to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from ...model.account import Snapshot
from ...model.identity import Group, Identity, Role, User
from ...model.surroundings import Surroundings
from ...policy.caller import Caller as Asker
from ...policy.caller import CallerKind, Reach
from ...policy.compiled import CompiledPolicy, Form, compile_policy
from ...policy.decision import Decision, Effect, Layers
from ...policy.evaluation import Request, evaluate, held
from ...policy.expression import Truth, all_of, words
from ...policy.wildcard import matches
from ..access import NOTHING_AROUND, Around, as_caller, organization_levels
from ..reach import groups_by_name, policies_by_arn
from ..whocan import around_all
from .paths import Caller, Check, Gain, On, Path, Permission, paths

_POWERS = ("iam:PutUserPolicy", "iam:AttachRolePolicy", "iam:CreatePolicyVersion")
_MOST_TARGETS = 200
_MAY = (Effect.ALLOWED, Effect.DEPENDS)


class Escalation(msgspec.Struct, frozen=True, eq=False):
    """One way of one identity to an administrator's rights.

    target:     ARN of the user, role, group or policy it goes through, "" for none
    ends_as:    in words
    conditions: what it depends on, "" when nothing is open
    unseen:     prerequisites nobody can see in what was read
    known:      values for the holes of the path's commands
    """

    identity: Identity
    path: Path
    target: str
    ends_as: str
    conditions: str
    decisions: tuple[Decision, ...]
    unseen: tuple[str, ...]
    known: Mapping[str, str]


class Hops(msgspec.Struct, frozen=True, eq=False):
    """How an identity ends as an administrator by assuming roles: `roles` in order, then `last` from the last of them.

    conditions: what assuming them depends on, told of ways between accounts
    """

    identity: Identity
    roles: tuple[Role, ...]
    last: Escalation | None
    conditions: str = ""

    @property
    def account(self) -> str:
        """The account it ends in."""
        return self.roles[-1].account

    @property
    def crosses(self) -> bool:
        """Whether it leads through another account."""
        return any(role.account != self.identity.account for role in self.roles)


class Field:
    """One account, made ready: its identities with their policies, who is an administrator, and which roles trust which service."""

    def __init__(self, snapshot: Snapshot, surroundings: Surroundings = NOTHING_AROUND) -> None:
        self.snapshot = snapshot
        self.everyone = around_all(snapshot)
        self.scps = organization_levels(surroundings, snapshot.account, "SERVICE_CONTROL_POLICY", Form.IDENTITY)
        self.rcps = organization_levels(surroundings, snapshot.account, "RESOURCE_CONTROL_POLICY", Form.ORGANIZATION_RESOURCE)
        self.personal = any(one.policy.personal for level in (*self.scps, *self.rcps) for one in level)
        self.context = surroundings.principal_context(snapshot.account)
        self.resource_context = surroundings.resource_context(snapshot.account)
        self.around = {identity.arn: policies for identity, policies in self.everyone}
        self.groups = {group.arn: group for group in snapshot.groups}
        self._admin: dict[tuple[object, ...], bool] = {}
        self.admins = {identity.arn for identity, policies in self.everyone if self._is_admin(identity, policies)}
        self.own_roles = tuple(role for role in snapshot.roles if not (role.service_linked or role.identity_center))
        self.admin_roles = tuple(role for role in self.own_roles if role.arn in self.admins)
        self.trusting: dict[str, list[Role]] = {}
        for role in self.admin_roles:
            for service in _services(role):
                self.trusting.setdefault(service, []).append(role)

    def ask(self, identity: Identity, action: str, resource: str, trust: str = "") -> Decision:
        """The decision about one permission; `trust` is the trust policy at the door of a role."""
        policies = self.around[identity.arn]
        layers = Layers(
            identity=policies.layers.identity,
            boundary=policies.layers.boundary,
            service_control=self.scps,
            resource=(held(trust, Form.RESOURCE),) if trust else None,
        )
        return evaluate(Request(as_caller(identity), action, resource, layers, context=self.context, conditional=True))

    def _is_admin(self, identity: Identity, policies: Around) -> bool:
        key = (tuple(h.text for h in policies.layers.identity), tuple(h.text for h in policies.layers.boundary or ()))
        known = self._admin.get(key)
        if known is None:
            known = self._admin[key] = administers(identity, policies)
        return known


def administers(identity: Identity, policies: Around) -> bool:
    """Whether an identity with these policies may, under no condition, give anybody any rights."""
    return all(_speaks(policies, action) for action in _POWERS) and all(_plainly(identity, policies, action) for action in _POWERS)


def _plainly(identity: Identity, policies: Around, action: str) -> bool:
    context = {"aws:MultiFactorAuthPresent": "true", "aws:SecureTransport": "true", "aws:RequestedRegion": "us-east-1"}
    request = Request(as_caller(identity), action, "*", policies.layers, context=context)
    return evaluate(request).effect is Effect.ALLOWED


def _speaks(policies: Around, action: str) -> bool:
    """Whether anything of an identity allows an action at all: cheap, and false for most."""
    lowered = action.lower()
    return any(one.policy.rules(lowered)[1] for one in policies.layers.identity)


def _services(role: Role) -> Iterator[str]:
    """Services a role's trust policy lets in."""
    policy = compile_policy(role.trust, Form.RESOURCE)
    for rule in policy.rules("sts:assumerole")[1]:
        if rule.principal is not None:
            yield from rule.principal.services
            if rule.principal.everybody:
                yield "*"


def escalations(field: Field, only: Sequence[Identity] = ()) -> tuple[Escalation, ...]:
    """Every path every identity can walk (of `only`, when given), one target each."""
    chosen = {identity.arn for identity in only}
    found: list[Escalation] = []
    every = paths()
    needs = [tuple(action.lower() for action in path.actions) for path in every]
    named = dict.fromkeys(action for needed in needs for action in needed)
    spoken: dict[str, frozenset[str]] = {}
    patterns: dict[str, frozenset[str]] = {}
    for identity, policies in field.everyone:
        if identity.arn in field.admins or (chosen and identity.arn not in chosen):
            continue
        if isinstance(identity, Role) and identity.service_linked:
            continue  # only its service can act as it
        allowed = _spoken(policies, named, spoken, patterns)
        if not allowed:
            continue
        kind = Caller.USER if isinstance(identity, User) else Caller.ROLE
        for path, needed in zip(every, needs, strict=True):
            if kind in path.callers and allowed.issuperset(needed):
                way = _walk(field, identity, path)
                if way is not None:
                    found.append(way)
    return tuple(found)


def _spoken(
    policies: Around, named: Iterable[str], known: dict[str, frozenset[str]], patterns: dict[str, frozenset[str]]
) -> frozenset[str]:
    """Actions out of some that any of an identity's policies allows at all; `known` by the policy's text, because most have the same ones,
    `patterns` by what its statements name, because policies that differ name the same."""
    found: frozenset[str] = frozenset()
    for one in policies.layers.identity:
        held = known.get(one.text)
        if held is None:
            held = known[one.text] = _named_by(one.policy, named, patterns)
        found = found | held if held and found else held or found
    return found


def _named_by(policy: CompiledPolicy, named: Iterable[str], patterns: dict[str, frozenset[str]]) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for rule in policy.allows:
        if not rule.statement.actions:  # NotAction
            return frozenset(action for action in named if policy.rules(action)[1])
        for pattern in rule.statement.actions:
            held = patterns.get(pattern)
            if held is None:
                held = patterns[pattern] = frozenset(action for action in named if matches(pattern, action))
            found = found | held if held else found
    return found


def _walk(field: Field, identity: Identity, path: Path) -> Escalation | None:
    """The first target by which an identity can walk a path; a certain one before one that depends."""
    open_: Escalation | None = None
    for target, ends_as, known in _targets(field, identity, path):
        decisions = [decision for permission in path.permissions for decision in _permission(field, identity, path, permission, known)]
        if not decisions or any(decision.effect not in _MAY for decision in decisions):
            continue
        truths: list[Truth] = [decision.conditions if decision.conditions is not None else True for decision in decisions]
        joined = all_of(truths)
        if joined is False:
            continue
        told = words(joined) if not isinstance(joined, bool) else ""
        way = Escalation(identity, path, target, ends_as, told, tuple(decisions), path.unseen, known)
        if not told:
            return way
        open_ = open_ or way
    return open_


def _permission(field: Field, identity: Identity, path: Path, permission: Permission, known: Mapping[str, str]) -> Iterator[Decision]:
    """The decisions about one permission, on every resource it needs."""
    arn = {
        On.OWN_USER: identity.arn,
        On.OWN_ROLE: identity.arn,
        On.OWN_GROUP: known.get("group_arn", ""),
        On.OTHER_GROUP: known.get("group_arn", ""),
        On.OTHER_USER: known.get("user_arn", ""),
        On.OTHER_ROLE: known.get("role_arn", ""),
        On.PASSED_ROLE: known.get("role_arn", ""),
        On.CALLERS_POLICY: known.get("policy_arn", ""),
        On.ROLES_POLICY: known.get("policy_arn", ""),
    }.get(permission.on)
    if arn is None:
        for resource in permission.asked(known) or ("*",):
            yield field.ask(identity, permission.action, resource)
        return
    trust = known.get("trust", "") if permission.action == "sts:AssumeRole" and not _rewrites_trust(path) else ""
    if permission.action == "sts:AssumeRole" and _rewrites_trust(path):
        # The trust policy is rewritten on the way: the caller names itself in it.
        trust = f'{{"Statement": {{"Effect": "Allow", "Principal": {{"AWS": "{identity.arn}"}}, "Action": "sts:AssumeRole"}}}}'
    decision = field.ask(identity, permission.action, arn, trust)
    if permission.on is On.PASSED_ROLE and decision.effect is Effect.DEPENDS:
        decision = _passed(field, identity, permission, arn, path) or decision
    yield decision


def _passed(field: Field, identity: Identity, permission: Permission, arn: str, path: Path) -> Decision | None:
    """PassRole with the service it is passed to told: the path knows it."""
    policies = field.around[identity.arn]
    layers = Layers(identity=policies.layers.identity, boundary=policies.layers.boundary, service_control=field.scps)
    answers = [
        evaluate(Request(as_caller(identity), permission.action, arn, layers, context={"iam:PassedToService": service}, conditional=True))
        for service in path.services
    ]
    return next((a for effect in _MAY for a in answers if a.effect is effect), answers[0] if answers else None)


def _rewrites_trust(path: Path) -> bool:
    return "iam:UpdateAssumeRolePolicy" in path.actions


def _targets(field: Field, identity: Identity, path: Path) -> Iterator[tuple[str, str, dict[str, str]]]:
    """(target, what the caller ends as, known values) worth trying, at most _MOST_TARGETS."""
    needs = {permission.on for permission in path.permissions}
    snapshot = field.snapshot
    basis = {"partition": snapshot.partition, "account": snapshot.account, "caller_name": identity.name, "caller_arn": identity.arn}
    if needs & {On.PASSED_ROLE}:
        roles = {role.arn: role for service in (*path.services, "*") for role in field.trusting.get(service.lower(), ())}
        for role in list(roles.values())[:_MOST_TARGETS]:
            if Check.INSTANCE_PROFILE in path.checks and not role.instance_profiles:
                continue
            yield role.arn, f"role {role.name}, an administrator", {**basis, "role_arn": role.arn, "role_name": role.name}
        return
    if needs & {On.OTHER_USER}:
        yield from _users(field, path, identity, basis)
        return
    if needs & {On.OTHER_ROLE, On.ROLES_POLICY}:
        yield from _roles(field, path, identity, basis)
        return
    if needs & {On.OWN_GROUP, On.OTHER_GROUP}:
        yield from _groups(field, needs, identity, basis)
        return
    if On.CALLERS_POLICY in needs:
        for arn in _own_policies(identity, snapshot):
            yield arn, "itself, with any rights", {**basis, "policy_arn": arn, "policy_name": arn.rpartition("/")[2]}
        return
    if path.gain is Gain.WORKLOAD_ROLE:
        for service in path.services:
            if field.trusting.get(service.lower()):
                yield "", f"the role of a workload; administrators trust {service}", basis
                return
        return
    yield "", "itself, with any rights", basis


def _users(field: Field, path: Path, identity: Identity, basis: dict[str, str]) -> Iterator[tuple[str, str, dict[str, str]]]:
    count = 0
    for user in field.snapshot.users:
        if user.arn == identity.arn or not (path.gain.administrator or user.arn in field.admins):
            continue
        if not _credentials_fit(field.snapshot, user, path):
            continue
        count += 1
        if count > _MOST_TARGETS:
            return
        what = "with any rights" if path.gain.administrator else "an administrator"
        yield user.arn, f"user {user.name}, {what}", {**basis, "user_arn": user.arn, "user_name": user.name}


def _credentials_fit(snapshot: Snapshot, user: User, path: Path) -> bool:
    """Prerequisites about keys and passwords; what the credential report does not tell does not rule a path out."""
    row = snapshot.credentials.get(user.arn)
    if row is None or not row.password_enabled.is_known:
        return True
    has_password = bool(row.password_enabled.value)
    if Check.NO_PASSWORD in path.checks and has_password:
        return False
    return not (Check.PASSWORD in path.checks and not has_password)


def _roles(field: Field, path: Path, identity: Identity, basis: dict[str, str]) -> Iterator[tuple[str, str, dict[str, str]]]:
    count = 0
    caller = as_caller(identity)
    known_policies = policies_by_arn(field.snapshot)
    for role in field.own_roles if path.gain.administrator else field.admin_roles:
        if role.arn == identity.arn:
            continue
        if Check.TRUSTS_CALLER in path.checks and not _trusts(role, caller):
            continue
        values = {**basis, "role_arn": role.arn, "role_name": role.name, "trust": role.trust}
        what = "with any rights" if path.gain.administrator else "an administrator"
        ends_as = f"role {role.name}, {what}"
        if any(permission.on is On.ROLES_POLICY for permission in path.permissions):
            for ref in role.attached:
                if ref.arn in known_policies and not known_policies[ref.arn].aws_managed:
                    yield role.arn, ends_as, {**values, "policy_arn": ref.arn, "policy_name": ref.name}
            continue
        count += 1
        if count > _MOST_TARGETS:
            return
        yield role.arn, ends_as, values


def _trusts(role: Role, caller: Asker) -> bool:
    return any(
        rule.principal is not None and rule.principal.reach(caller) is not Reach.NONE
        for rule in compile_policy(role.trust, Form.RESOURCE).rules("sts:assumerole")[1]
    )


def _groups(field: Field, needs: set[On], identity: Identity, basis: dict[str, str]) -> Iterator[tuple[str, str, dict[str, str]]]:
    own = set(identity.groups) if isinstance(identity, User) else set()
    for group in field.snapshot.groups:
        inside = group.name in own
        if (On.OWN_GROUP in needs) is not inside:
            continue
        if On.OTHER_GROUP in needs and not _group_is_admin(field, group):
            continue
        ends_as = "itself, with any rights" if inside else f"a member of group {group.name}, which administers"
        yield group.arn, ends_as, {**basis, "group_arn": group.arn, "group_name": group.name}


def _group_is_admin(field: Field, group: Group) -> bool:
    from ..access import around

    layers = around(group, field.snapshot).layers
    member = Asker(CallerKind.USER, group.arn, group.account, "")
    return all(evaluate(Request(member, action, "*", layers, context=_SIGNED_IN)).effect is Effect.ALLOWED for action in _POWERS)


_SIGNED_IN = {"aws:MultiFactorAuthPresent": "true", "aws:SecureTransport": "true", "aws:RequestedRegion": "us-east-1"}


def _own_policies(identity: Identity, snapshot: Snapshot) -> Iterator[str]:
    """Customer managed policies that reach an identity, directly or through a group."""
    refs = list(identity.attached)
    if isinstance(identity, User):
        groups = groups_by_name(snapshot)
        refs += [ref for name in identity.groups if name in groups for ref in groups[name].attached]
    for arn in dict.fromkeys(ref.arn for ref in refs):
        if arn.split(":")[4:5] != ["aws"]:
            yield arn


def hops(field: Field, found: Sequence[Escalation]) -> tuple[Hops, ...]:
    """Who ends as an administrator by assuming roles, by the shortest way: backwards from administrators and from roles that escalate."""
    last: dict[str, Escalation] = {}
    for way in found:
        if isinstance(way.identity, Role):
            last.setdefault(way.identity.arn, way)
    good: dict[str, tuple[Role, ...]] = {}
    frontier = [role for role in field.snapshot.roles if role.arn in field.admins or role.arn in last]
    reached: dict[str, Hops] = {}
    for role in frontier:
        good[role.arn] = (role,)
    doors = _Doors(field)
    while frontier:
        following: list[Role] = []
        for role in frontier:
            if role.service_linked:
                continue
            for identity in doors.before(role):
                if identity.arn in reached or identity.arn == role.arn or identity.arn in good:
                    continue
                if field.ask(identity, "sts:AssumeRole", role.arn, role.trust).effect in _MAY:
                    chain = good[role.arn]
                    reached[identity.arn] = Hops(identity, chain, last.get(chain[-1].arn))
                    if isinstance(identity, Role):
                        good[identity.arn] = (identity, *chain)
                        following.append(identity)
        frontier = following
    return tuple(reached.values())


class _Doors:
    """Who stands before the doors of roles, once for all roles that trust alike: in large accounts that is what a search over roles costs."""

    def __init__(self, field: Field) -> None:
        self._everyone = [
            (identity, as_caller(identity), _speaks(policies, "sts:AssumeRole"))
            for identity, policies in field.everyone
            if identity.arn not in field.admins
        ]
        self._known: dict[str, tuple[Identity, ...]] = {}

    def before(self, role: Role) -> tuple[Identity, ...]:
        """Identities that the trust policy names, or whose account it names where their own policies speak of assuming roles."""
        held = self._known.get(role.trust)
        if held is None:
            rules = compile_policy(role.trust, Form.RESOURCE).rules("sts:assumerole")[1]
            tests = [rule.principal for rule in rules if rule.principal is not None]
            held = self._known[role.trust] = tuple(
                identity
                for identity, caller, speaks in self._everyone
                if (reach := max((test.reach(caller) for test in tests), default=Reach.NONE)) > Reach.ACCOUNT
                or (speaks and reach is Reach.ACCOUNT)
            )
        return held
