"""Smaller policies: each document with what was used, at the access that was used, on the resources that events name.

Nothing that was used is taken away. An action whose use nobody could have seen stays, in a statement of its own (`Unseen1`) that can be
struck out by somebody who knows; whatever the catalogue does not know stays too.
Denies, conditions and excepted resources stay as they are. A document of which nothing was used is told as one to detach.
The engine decides in the end: every use is asked of the old and of the new policies, and a document that fails is left as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from ..model.account import Snapshot
from ..model.event import Event
from ..model.identity import Group, Identity
from ..model.policy import Grant, Via
from ..model.surroundings import Surroundings
from ..policy.arns import arn_test, tokens
from ..policy.catalogue import catalogue
from ..policy.compiled import compile_policy
from ..policy.coverage import gained
from ..policy.decision import Effect, Layers
from ..policy.document import Statement, parse
from ..policy.evaluation import Request, evaluate, held
from ..policy.wildcard import is_pattern, matches
from .access import NOTHING_AROUND, around, as_caller, way
from .grants import grants
from .reach import attached_to
from .unused import IDLE, UnusedAccess, UseState, uses

_MOST_RESOURCES = 10
_MAY = (Effect.ALLOWED, Effect.DEPENDS)


class Smaller(msgspec.Struct, frozen=True):
    """One policy of an identity, made smaller.

    new:      the document, "" when nothing of it was used: detach it
    removed:  actions that go, in full; kept: those that stay; narrowed: those that stay on fewer resources
    notes:    what to know before applying it
    """

    name: str
    way: str
    arn: str
    old: str
    new: str
    removed: tuple[str, ...]
    kept: int
    narrowed: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def changed(self) -> bool:
        return bool(self.removed or self.narrowed)


class Reduction(msgspec.Struct, frozen=True):
    """Policies with what they become; `checked` uses were asked of the engine before and after."""

    policies: tuple[Smaller, ...]
    checked: int


def reduced(
    identity: Identity,
    snapshot: Snapshot,
    unused: UnusedAccess,
    events: Sequence[Event],
    surroundings: Surroundings = NOTHING_AROUND,
) -> Reduction:
    """The policies of an identity without what it does not use. `events` are those it made."""
    found = [g for g in grants(identity, snapshot) if g.via is not Via.BOUNDARY and g.document]
    plan = _Plan(unused)
    asked = _questions(identity, snapshot, events, found)
    made: list[tuple[Grant, str]] = []
    for grant in found:
        text = grant.document or ""
        for narrowing in (True, False):
            candidate = plan.document(text, narrow=narrowing)
            if candidate == text:
                break  # nothing goes, so nothing can be missed or gained
            documents = [new for _g, new in made] + [candidate] + [g.document or "" for g in found[len(made) + 1 :]]
            if _still_allowed(identity, snapshot, asked, documents) and not _gains(text, candidate or _NONE):
                break
        else:
            candidate = text
        made.append((grant, candidate))
    return Reduction(tuple(_smaller(identity, snapshot, plan, grant, new) for grant, new in made), len(asked))


_NONE = '{"Version": "2012-10-17", "Statement": []}'


@lru_cache(maxsize=256)
def _gains(old: str, new: str) -> bool:
    """Whether one document gives anything another does not; the same for everybody who has it."""
    return bool(gained(compile_policy(old), compile_policy(new)))


class _Plan:
    """Which actions stay and which of them stay on fewer resources."""

    def __init__(self, unused: UnusedAccess) -> None:
        self.known = catalogue()
        self.dropped: set[str] = set()
        self.unseen: set[str] = set()
        self.granted: set[str] = set()
        self.resources: dict[str, tuple[str, ...]] = {}
        for service in unused.services:
            for action in service.actions:
                full = f"{service.prefix}:{action.name}"
                self.granted.add(full.lower())
                if action.state in IDLE:
                    self.dropped.add(full.lower())
                elif action.state is not UseState.USED:
                    self.unseen.add(full.lower())
                elif action.resources:
                    named = self._narrow(full, action.resources)
                    if named:
                        self.resources[full.lower()] = named

    def _narrow(self, action: str, arns: Iterable[str]) -> tuple[str, ...]:
        """The resources of an action with one resource type, as events name them; () when they do not tell."""
        forms = self.known.resource_forms(action)
        if len(forms) != 1 or not self.known.has_resources(action):
            return ()
        test = arn_test(tokens(forms[0], False))
        named = dict.fromkeys(_whole_object(arn) for arn in arns if test(arn))
        return tuple(named) if 0 < len(named) <= _MOST_RESOURCES else ()

    def document(self, text: str, *, narrow: bool) -> str:
        """A document without what goes; "" when nothing is left. Denies stay, because what they take away they take from other policies too."""
        try:
            raw = msgspec.json.decode(text)
        except (msgspec.MsgspecError, RecursionError, ValueError):
            return text
        if not isinstance(raw, dict):
            return text
        key = next((name for name in raw if name.lower() == "statement"), "")
        entries = raw.get(key)
        listed = entries if isinstance(entries, list) else [entries]
        statements = {statement.index: statement for statement in parse(text).statements}
        out: list[Any] = []
        for index, entry in enumerate(listed):
            statement = statements.get(index)
            if statement is None or not isinstance(entry, dict) or statement.broken or not statement.allows:
                out.append(entry)
                continue
            out.extend(self._statement(statement, entry, narrow))
        if out == listed:
            return text
        if not out:
            return ""
        return msgspec.json.encode({**raw, key: out}).decode()

    def _statement(self, statement: Statement, entry: dict[str, Any], narrow: bool) -> list[dict[str, Any]]:
        """The pieces an Allow becomes: none, itself, or one for each set of resources."""
        keep, going, kept_patterns = self.split(statement)
        narrowed: dict[tuple[str, ...], list[str]] = {}
        staying: list[str] = []
        unseen: list[str] = []
        for action in keep:
            arns = self._inside(statement, self.resources.get(action.lower(), ())) if narrow else ()
            if arns:
                narrowed.setdefault(arns, []).append(action)
            else:
                (unseen if action.lower() in self.unseen else staying).append(action)
        if not going and not narrowed:
            return [entry]
        number = statement.index + 1
        pieces = []
        names = [*self._short(statement, staying), *kept_patterns]
        if names:
            pieces.append(_with(entry, names, None, ""))
        for count, (arns, actions) in enumerate(narrowed.items(), 1):
            pieces.append(_with(entry, self._short(statement, actions, exact=True), arns, f"Used{number}x{count}" if pieces else ""))
        if unseen:
            pieces.append(_with(entry, self._short(statement, unseen), None, f"Unseen{number}"))
        return pieces

    def split(self, statement: Statement) -> tuple[list[str], list[str], list[str]]:
        """(actions that stay, actions that go, patterns nobody can judge) of an Allow, in the catalogue's spelling."""
        stay: list[str] = []
        go: list[str] = []
        for prefix, mask in self._masks(statement).items():
            service = self.known.service(prefix)
            for name in service.names(mask) if service else ():
                full = f"{prefix}:{name}"
                lowered = full.lower()
                (go if lowered in self.dropped or lowered not in self.granted else stay).append(full)
        unknown = [pattern for pattern in statement.actions if not self.known.expand(pattern)]
        return stay, go, unknown

    def _masks(self, statement: Statement) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for pattern in statement.actions or statement.not_actions:
            for prefix, mask in self.known.expand(pattern).items():
                found[prefix] = found.get(prefix, 0) | mask
        if statement.actions:
            return found
        return {prefix: rest for prefix, full in self.known.everything().items() if (rest := full & ~found.get(prefix, 0))}

    def _short(self, statement: Statement, actions: list[str], *, exact: bool = False) -> list[str]:
        """As few names as say it: a pattern of the statement, or all of a service, where everything it covers stays."""
        lowered = {action.lower() for action in actions}
        names: dict[str, None] = {}
        covered: set[str] = set()
        services = {action.partition(":")[0] for action in actions}
        wide = [f"{prefix}:*" for prefix in services if any(not p.partition(":")[2].strip("*") for p in statement.actions or ("*",))]
        for pattern in () if exact else (*statement.actions, *wide):
            expanded = {
                f"{prefix}:{name}".lower()
                for prefix, mask in self.known.expand(pattern).items()
                if (service := self.known.service(prefix)) is not None
                for name in service.names(mask)
            }
            if expanded and expanded <= lowered and not expanded <= covered:
                names[pattern] = None
                covered |= expanded
        for action in actions:
            if action.lower() not in covered:
                names[action] = None
        return list(names)

    @staticmethod
    def _inside(statement: Statement, arns: tuple[str, ...]) -> tuple[str, ...]:
        """The named resources, when the statement takes in all of them by a pattern that is wider."""
        if not arns or statement.not_resources or not any(is_pattern(pattern) for pattern in statement.resources):
            return ()
        tests = [arn_test(tokens(pattern, False)) for pattern in statement.resources if "${" not in pattern]
        inside = tuple(arn for arn in arns if "*" in statement.resources or any(test(arn) for test in tests))
        return inside if set(inside) == set(arns) and set(inside) != set(statement.resources) else ()


def _whole_object(arn: str) -> str:
    """Objects of a bucket are told as all objects of the bucket: keys come and go."""
    parts = arn.split(":", 5)
    if parts[2:3] == ["s3"] and len(parts) == 6 and "/" in parts[5] and not parts[4]:
        return f"{arn.partition('/')[0]}/*"
    return arn


def _with(entry: dict[str, Any], actions: Sequence[str], resources: Sequence[str] | None, sid: str) -> dict[str, Any]:
    """A statement with other actions, and other resources where given. Keys stay where they were."""
    made: dict[str, Any] = {}
    for key, value in entry.items():
        lowered = key.lower()
        if lowered in ("action", "notaction"):
            made["Action"] = actions[0] if len(actions) == 1 else list(actions)
        elif lowered == "resource" and resources is not None:
            made[key] = resources[0] if len(resources) == 1 else list(resources)
        elif lowered == "sid" and sid:
            made[key] = sid
        else:
            made[key] = value
    return made if not sid or any(key.lower() == "sid" for key in made) else {"Sid": sid, **made}


# -- asking the engine -----------------------------------------------------------------------------------------------


def _questions(identity: Identity, snapshot: Snapshot, events: Sequence[Event], found: Sequence[Grant]) -> list[tuple[str, str]]:
    """Every use the policies allowed: on each named resource they allow it on, else on the first of theirs they allow it on."""
    documents = [grant.document or "" for grant in found]
    asked: list[tuple[str, str]] = []
    for action, arns in uses(events).items():
        named = [arn for arn in arns if _allowed(identity, snapshot, action, arn, documents)]
        if not named:
            patterns = _patterns(action, documents)
            named = [pattern for pattern in patterns if _allowed(identity, snapshot, action, pattern, documents)][:1]
        asked.extend((action, arn) for arn in named)
    return asked


def _patterns(action: str, documents: Sequence[str]) -> list[str]:
    rules = (rule for text in documents for rule in compile_policy(text).rules(action.lower())[1])
    return [pattern for rule in rules for pattern in rule.statement.resources or ("*",)]


def _still_allowed(identity: Identity, snapshot: Snapshot, asked: Iterable[tuple[str, str]], documents: Sequence[str]) -> bool:
    """Whether every use is allowed by some documents; one that no event tied to a resource may be allowed on fewer."""
    for action, resource in asked:
        if _allowed(identity, snapshot, action, resource, documents):
            continue
        fewer = _patterns(action, documents) if is_pattern(resource) else []
        if not any(matches(resource, one) and _allowed(identity, snapshot, action, one, documents) for one in fewer):
            return False
    return True


def _allowed(identity: Identity, snapshot: Snapshot, action: str, resource: str, documents: Sequence[str]) -> bool:
    policies = tuple(held(text) for text in documents if text)
    layers = Layers(identity=policies, boundary=around(identity, snapshot).layers.boundary)
    decision = evaluate(Request(as_caller(identity), action, resource, layers, conditional=True, resource_account=snapshot.account))
    return decision.effect in _MAY


# -- telling ---------------------------------------------------------------------------------------------------------


def _smaller(identity: Identity, snapshot: Snapshot, plan: _Plan, grant: Grant, new: str) -> Smaller:
    old = grant.document or ""
    before, after = _actions(plan, old), _actions(plan, new)
    narrowed = _narrowed(old, new, after)
    return Smaller(
        grant.policy_name,
        way(grant),
        grant.policy_arn,
        old,
        new,
        tuple(action for action in before if action not in after),
        len(after),
        narrowed,
        tuple(_notes(identity, snapshot, grant, plan, after)) if new != old else (),
    )


def _actions(plan: _Plan, text: str) -> dict[str, None]:
    found: dict[str, None] = {}
    for statement in parse(text).statements if text else ():
        if statement.allows:
            for prefix, mask in plan._masks(statement).items():
                service = plan.known.service(prefix)
                found.update(dict.fromkeys(f"{prefix}:{name}" for name in (service.names(mask) if service else ())))
    return found


def _narrowed(old: str, new: str, actions: Iterable[str]) -> tuple[str, ...]:
    if not new or old == new:
        return ()
    before, after = compile_policy(old), compile_policy(new)

    def resources(policy: Any, action: str) -> set[str]:
        return {pattern for rule in policy.rules(action.lower())[1] for pattern in rule.statement.resources}

    return tuple(action for action in actions if resources(before, action) != resources(after, action))


def _notes(identity: Identity, snapshot: Snapshot, grant: Grant, plan: _Plan, left: Iterable[str]) -> Iterable[str]:
    unseen = sum(1 for action in left if action.lower() in plan.unseen)
    if unseen:
        yield f"{unseen} actions whose use nobody could have seen stay, in statements named Unseen"
    if grant.group and not isinstance(identity, Group):
        yield f"it comes through the group {grant.group}: the other members have it too"
    if ":iam::aws:" in grant.policy_arn:
        yield "an AWS managed policy cannot be changed: put a policy of your own in its place"
    elif grant.policy_arn:
        others = [one.name for one in attached_to(snapshot).get(grant.policy_arn, ()) if one.arn not in (identity.arn, grant.group_arn)]
        if others:
            few = f"{', '.join(others[:3])}{f' and {len(others) - 3} more' if len(others) > 3 else ''}"
            yield f"also attached to {few}: give this one a copy"
