"""Effective access: what an identity may do, by service and access level, on which resources, under which conditions, by what.

Every action its policies name is asked of the engine with all that stands around it: explicit denies, the permissions boundary,
the organisation's policies. What those stop is told as stopped, with what stops it. Policies on resources can give more and are not
counted here; where one is needed beside the identity's own (trust policies, KMS keys, other accounts) that is told as a condition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

import msgspec

from ..model.account import Snapshot
from ..model.identity import Identity
from ..model.surroundings import Surroundings
from ..policy.arns import arn_test, tokens
from ..policy.caller import Caller
from ..policy.catalogue import AccessLevel, Catalogue, Service, catalogue
from ..policy.compiled import Form, Rule
from ..policy.context import context_of
from ..policy.decision import Decision, Effect, Layer, Layers
from ..policy.document import Statement
from ..policy.evaluation import Request, evaluate
from ..policy.expression import All, Open, all_of, any_of, negated, words
from ..policy.wildcard import is_pattern
from .access import NOTHING_AROUND, around, as_caller, organization_levels, organization_note

UNKNOWN_LEVEL = "unknown"
_EVERYTHING = "**"  # asks for every resource, but lets a deny on some of them be seen, which a lone star does not
_MAY = (Effect.ALLOWED, Effect.DEPENDS)


class Access(msgspec.Struct, frozen=True):
    """Actions of one service and access level that share resources, conditions and the policies that give them.

    actions:    names without prefix
    total:      actions of that level the service has
    resources:  patterns; `excepted` True: everything but these
    conditions: of the policies that give them, in words, "" for none
    within:     what the limits ask beside that (boundary, organisation), in words, "" for none
    granted_by: policies with the way they came
    """

    service: str
    name: str
    level: str
    actions: tuple[str, ...]
    total: int
    resources: tuple[str, ...]
    excepted: bool
    conditions: str
    within: str
    granted_by: tuple[str, ...]

    @property
    def full(self) -> bool:
        return len(self.actions) == self.total

    @property
    def words(self) -> str:
        """`Full: Write`, `Limited: List 3/12`."""
        return f"Full: {self.level}" if self.full else f"Limited: {self.level} {len(self.actions)}/{self.total or '?'}"

    @property
    def scope(self) -> str:
        if self.excepted:
            return f"everything but {', '.join(self.resources)}"
        return "every resource" if self.resources == ("*",) else ", ".join(self.resources)


class Stopped(msgspec.Struct, frozen=True):
    """What the identity's policies grant and something else stops: `by` says what."""

    service: str
    level: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    by: str
    granted_by: tuple[str, ...]


class EffectiveAccess(msgspec.Struct, frozen=True):
    """`allowed` by service and level, `stopped` beside it; `unread` names policies that were not read; `limits` what limits all;
    `full` the services of which every action is allowed on every resource under no condition of its policies."""

    allowed: tuple[Access, ...]
    stopped: tuple[Stopped, ...]
    limits: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    full: tuple[str, ...] = ()
    catalogue: str = ""

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(access.service for access in self.allowed))

    def actions(self) -> dict[str, tuple[Access, ...]]:
        """Every allowed action in full, with the lines it is in."""
        found: dict[str, list[Access]] = {}
        for access in self.allowed:
            for name in access.actions:
                found.setdefault(f"{access.service}:{name}", []).append(access)
        return {action: tuple(lines) for action, lines in found.items()}


def effective_access(identity: Identity, snapshot: Snapshot, surroundings: Surroundings = NOTHING_AROUND) -> EffectiveAccess:
    """What an identity may do by its own policies within its limits. Opens the catalogue: some 100 ms on first use."""
    own = around(identity, snapshot)
    scps = organization_levels(surroundings, snapshot.account, "SERVICE_CONTROL_POLICY", Form.IDENTITY)
    rcps = organization_levels(surroundings, snapshot.account, "RESOURCE_CONTROL_POLICY", Form.ORGANIZATION_RESOURCE)
    layers = msgspec.structs.replace(own.layers, service_control=scps, resource_control=rcps)
    return _Effective(as_caller(identity), layers).answer(own.unread, organization_note(surroundings, snapshot.account))


@lru_cache(maxsize=4096)
def _named(actions: tuple[str, ...], not_actions: tuple[str, ...]) -> dict[str, int]:
    """Masks of the actions a statement names, by service."""
    known = catalogue()
    found: dict[str, int] = {}
    for pattern in actions or not_actions:
        for service, mask in known.expand(pattern).items():
            found[service] = found.get(service, 0) | mask
    if actions:
        return found
    return {service: rest for service, full in known.everything().items() if (rest := full & ~found.get(service, 0))}


def _masks(statement: Statement) -> dict[str, int]:
    return _named(statement.actions, () if statement.actions else statement.not_actions)


# service, access level, actions (or, joined: resources), whether resources are excepted, conditions, those of limits, policies
_Line = tuple[str, str, tuple[str, ...], bool, str, str, tuple[str, ...]]
# service, access level, resources, what stops it, policies
_Stop = tuple[str, str, tuple[str, ...], str, tuple[str, ...]]


class _Effective:
    def __init__(self, caller: Caller, layers: Layers) -> None:
        self.known: Catalogue = catalogue()
        self.caller, self.layers = caller, layers
        self.context = context_of({}, caller, caller.account)
        self.allows = [rule for one in layers.identity for rule in one.policy.allows]
        limits = [*(layers.boundary or ()), *(one for level in (*layers.service_control, *layers.resource_control) for one in level)]
        self.limiting = [rule for one in limits for rule in one.policy.allows]
        denies = [rule for one in (*layers.identity, *limits) for rule in one.policy.denies]
        self.telling = [(rule, _masks(rule.statement)) for rule in (*self.allows, *self.limiting, *denies)]
        self.found: dict[_Line, dict[str, None]] = {}
        self.stopped: dict[_Stop, dict[str, None]] = {}

    def answer(self, unread: tuple[str, ...], note: str) -> EffectiveAccess:
        granted: dict[str, int] = {}
        for rule in self.allows:
            for prefix, mask in _masks(rule.statement).items():
                granted[prefix] = granted.get(prefix, 0) | mask
        for prefix in sorted(granted):
            service = self.known.service(prefix)
            if service is not None:
                for part in self._parts(service, granted[prefix]):
                    self._ask(prefix, service.names(part), self._level(service, part))
        for action in self._unknown():
            prefix, _, name = action.partition(":")
            self._ask(prefix.lower(), (name,), UNKNOWN_LEVEL)
        allowed = self._allowed()
        notes = (note,) if note else ()
        return EffectiveAccess(allowed, self._stopped(), self._limits(), unread, notes, self._full(allowed), self.known.version)

    def _full(self, allowed: tuple[Access, ...]) -> tuple[str, ...]:
        counts: dict[str, int] = {}
        for one in allowed:
            if one.resources == ("*",) and not one.excepted and not one.conditions:
                counts[one.service] = counts.get(one.service, 0) + len(one.actions)
        services = ((prefix, self.known.service(prefix), count) for prefix, count in counts.items())
        return tuple(prefix for prefix, service, count in services if service is not None and count >= len(service.actions))

    def _parts(self, service: Service, granted: int) -> Iterator[int]:
        """The granted actions of a service in sets that every statement treats alike, of one level each."""
        resourceless = sum(1 << bit for bit, action in enumerate(service.actions) if not action.resources)
        cuts = [*service.by_level.values(), resourceless]
        cuts += [mask[service.prefix] for _rule, mask in self.telling if service.prefix in mask]
        parts = [granted]
        for cut in dict.fromkeys(cuts):
            parts = [piece for part in parts for piece in (part & cut, part & ~cut) if piece]
        return iter(parts)

    @staticmethod
    def _level(service: Service, part: int) -> str:
        return next((level.value for level, mask in service.by_level.items() if mask & part), UNKNOWN_LEVEL)

    def _unknown(self) -> Iterable[str]:
        """Actions that are written out and that the catalogue does not know."""
        return dict.fromkeys(
            pattern
            for rule in self.allows
            for pattern in rule.statement.actions
            if ":" in pattern and not is_pattern(pattern) and not self.known.expand(pattern)
        )

    # -- asking ------------------------------------------------------------------------------------------------------

    def _ask(self, prefix: str, names: tuple[str, ...], level: str) -> None:
        """One question for actions that are all treated alike; on each of the resources that statements name."""
        action = f"{prefix}:{names[0]}"
        lowered = action.lower()
        own = [rule for one in self.layers.identity for rule in one.policy.rules(lowered)[1]]
        resourceless = self.known.has_resources(action) is False
        narrower = [pattern for rule in self.limiting if _speaks(rule, lowered) for pattern in rule.statement.resources]
        seen: list[str] = []
        for pattern, excepted in sorted(dict.fromkeys(_patterns(own)), key=lambda one: len(one[0][0]) if one[0] else 0):
            if any(not excepted and _within(pattern[0], wider) for wider in seen):
                continue
            asked = _EVERYTHING if excepted or pattern[0] == "*" else self._filled(pattern[0])
            decision = self._decide(action, asked)
            inside = [one for one in dict.fromkeys(narrower) if one != pattern[0] and (excepted or _within(one, pattern[0]))]
            reached: list[tuple[str, Decision]] = []
            if decision.effect not in _MAY or _on_a_part(decision):
                answers = [(one, self._decide(action, self._filled(one))) for one in inside]
                reached = [(one, answer) for one, answer in answers if answer.effect in _MAY]
            if (decision.effect in _MAY and not reached) or self._lacks_only_resource(decision):
                if resourceless:
                    self._allow(prefix, names, level, ("*",), False, decision)
                    return
                self._allow(prefix, names, level, pattern, excepted, decision)
                if decision.effect is Effect.ALLOWED and not excepted:
                    seen.append(pattern[0])
                continue
            for one, answer in reached:
                self._allow(prefix, names, level, (one,), False, answer)
            if resourceless and decision.missing == (Layer.IDENTITY,):
                by = "the action has no resource type: only a statement on * gives it"
                self._stop(prefix, names, level, pattern, by, self._speaking(lowered))
            elif not reached:
                self._stop(prefix, names, level, pattern, self._why(decision), _givers(decision) or self._speaking(lowered))

    def _speaking(self, action: str) -> tuple[str, ...]:
        """The identity policies that name an action, whatever on."""
        return tuple(f"{one.name} ({one.way})" if one.way else one.name for one in self.layers.identity if one.policy.rules(action)[1])

    def _decide(self, action: str, resource: str) -> Decision:
        return evaluate(Request(self.caller, action, resource, self.layers, conditional=True))

    def _filled(self, pattern: str) -> str:
        """A pattern to ask with: its policy variables filled in where the caller tells them, else a star."""
        if "${" not in pattern:
            return pattern
        text = []
        for part in tokens(pattern, True):
            if isinstance(part, str):
                text.append(part)
                continue
            value = self.context.get(part.key) if hasattr(part, "key") else getattr(part, "sign", "*")
            text.append(value if isinstance(value, str) else value[0] if value else "*")
        return "".join(text)

    @staticmethod
    def _lacks_only_resource(decision: Decision) -> bool:
        return decision.effect is Effect.IMPLICITLY_DENIED and decision.missing == (Layer.RESOURCE,)

    # -- gathering ---------------------------------------------------------------------------------------------------

    def _allow(self, prefix: str, names: tuple[str, ...], level: str, pattern: tuple[str, ...], excepted: bool, decision: Decision) -> None:
        conditions, within = self._conditions(decision)
        givers = _givers(decision) or self._speaking(f"{prefix}:{names[0]}".lower())
        if self._lacks_only_resource(decision):
            conditions = "the policy of the resource allows it too"
        key = (prefix, level, names, excepted, conditions, within, givers)
        self.found.setdefault(key, {}).update(dict.fromkeys(pattern))

    @staticmethod
    def _conditions(decision: Decision) -> tuple[str, str]:
        """(conditions of the identity's own policies, those its limits add) in words."""
        if decision.conditions is None:
            return "", ""
        parts = decision.conditions.parts if isinstance(decision.conditions, All) else (decision.conditions,)
        own = any_of(one.open for one in decision.because if one.allows and one.layer is Layer.IDENTITY)
        refused = [negated(one.open) for one in decision.because if not one.allows and one.layer is Layer.IDENTITY]
        mine = {part for truth in (own, *refused) for part in (truth.parts if isinstance(truth, All) else (truth,))}
        told = all_of(part for part in parts if part in mine)
        limits = all_of(part for part in parts if part not in mine)
        return tuple("" if isinstance(truth, bool) else words(truth) for truth in (told, limits))  # type: ignore[return-value]

    def _stop(self, prefix: str, names: tuple[str, ...], level: str, pattern: tuple[str, ...], by: str, givers: tuple[str, ...]) -> None:
        self.stopped.setdefault((prefix, level, pattern, by, givers), {}).update(dict.fromkeys(names))

    def _why(self, decision: Decision) -> str:
        if decision.effect is Effect.EXPLICITLY_DENIED:
            return "; ".join(dict.fromkeys(one.told for one in decision.because if not one.allows))
        return "; ".join(self._lacking(layer) for layer in decision.missing)

    def _lacking(self, layer: Layer) -> str:
        if layer is Layer.BOUNDARY:
            return f"permissions boundary {', '.join(one.name for one in self.layers.boundary or ())} does not allow it"
        if layer is Layer.AWS:
            return "AWS lets nobody in the account change it"
        return f"no {layer.value} allows it"

    def _allowed(self) -> tuple[Access, ...]:
        joined: dict[_Line, dict[str, None]] = {}
        for (prefix, level, names, excepted, conditions, within, givers), patterns in self.found.items():
            key = (prefix, level, tuple(patterns), excepted, conditions, within, givers)
            joined.setdefault(key, {}).update(dict.fromkeys(names))
        name, total = self.known.service_name, self._total
        lines = [
            Access(prefix, name(prefix), level, tuple(names), total(prefix, level), patterns, excepted, conditions, within, givers)
            for (prefix, level, patterns, excepted, conditions, within, givers), names in joined.items()
        ]
        return tuple(sorted(lines, key=lambda a: (a.service, -_rank(a.level), -len(a.actions), a.resources, a.conditions)))

    def _stopped(self) -> tuple[Stopped, ...]:
        lines = [
            Stopped(prefix, level, tuple(names), pattern, by, givers)
            for (prefix, level, pattern, by, givers), names in self.stopped.items()
        ]
        return tuple(sorted(lines, key=lambda s: (s.service, -_rank(s.level), s.by, s.resources)))

    def _total(self, prefix: str, level: str) -> int:
        service = self.known.service(prefix)
        if service is None or level == UNKNOWN_LEVEL:
            return 0
        return service.by_level.get(AccessLevel(level), 0).bit_count()

    def _limits(self) -> tuple[str, ...]:
        told = [f"permissions boundary {one.name}" for one in self.layers.boundary or ()]
        for layer, levels in (
            (Layer.SERVICE_CONTROL, self.layers.service_control),
            (Layer.RESOURCE_CONTROL, self.layers.resource_control),
        ):
            told += [f"{layer.value} {one.name} ({one.way})" for level in levels for one in level if not _is_no_limit(one.policy.allows)]
        return tuple(dict.fromkeys(told))


def _on_a_part(decision: Decision) -> bool:
    """Whether it holds for those of the asked resources only that a limit names."""
    if decision.conditions is None:
        return False
    parts = decision.conditions.parts if isinstance(decision.conditions, All) else (decision.conditions,)
    return any(isinstance(part, Open) and part.key == "resource" and part.holds for part in parts)


def _is_no_limit(allows: tuple[Rule, ...]) -> bool:
    return any(rule.statement.actions == rule.statement.resources == ("*",) and not rule.statement.conditions for rule in allows)


def _patterns(rules: Iterable[Rule]) -> Iterator[tuple[tuple[str, ...], bool]]:
    for rule in rules:
        if rule.statement.not_resources:
            yield rule.statement.not_resources, True
        else:
            yield from (((pattern,), False) for pattern in rule.statement.resources)


def _speaks(rule: Rule, action: str) -> bool:
    prefix, _, name = action.partition(":")
    service = catalogue().service(prefix)
    if service is None or name not in service.lowered:
        return True
    return bool(_masks(rule.statement).get(prefix, 0) >> service.lowered.index(name) & 1)


def _within(pattern: str, wider: str) -> bool:
    return wider in ("*", pattern) or ("${" not in wider and arn_test(tokens(wider, False))(pattern))


def _givers(decision: Decision) -> tuple[str, ...]:
    """The identity policies that give it, with the way they came."""
    given = (one for one in decision.because if one.allows and one.layer is Layer.IDENTITY and one.held is not None)
    return tuple(dict.fromkeys(f"{one.held.name} ({one.held.way})" if one.held.way else one.held.name for one in given if one.held))


_RANKS = {level.value: rank for rank, level in enumerate(AccessLevel)}


def _rank(level: str) -> int:
    return _RANKS.get(level, len(_RANKS))


class Difference(msgspec.Struct, frozen=True):
    """What one of two identities may and the other may not, or not alike, of one service and access level.

    only_first, only_second: actions that the other may not at all
    unlike: actions both may, on other resources or under other conditions
    both:   how many both may alike
    """

    service: str
    level: str
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    unlike: tuple[str, ...]
    both: int


def compared(first: EffectiveAccess, second: EffectiveAccess) -> tuple[Difference, ...]:
    """Two identities side by side, by service and level; levels where neither may anything are left out."""
    mine, yours = first.actions(), second.actions()
    levels = {action: lines[0].level for action, lines in (*yours.items(), *mine.items())}
    groups: dict[tuple[str, str], list[str]] = {}
    for action in sorted(levels):
        groups.setdefault((action.partition(":")[0], levels[action]), []).append(action)
    found = []
    for (service, level), actions in sorted(groups.items(), key=lambda item: (item[0][0], -_rank(item[0][1]))):
        split: dict[str, list[str]] = {"first": [], "second": [], "unlike": [], "both": []}
        for action in actions:
            name = action.partition(":")[2]
            if action not in yours:
                split["first"].append(name)
            elif action not in mine:
                split["second"].append(name)
            else:
                split["both" if _reach(mine[action]) == _reach(yours[action]) else "unlike"].append(name)
        found.append(Difference(service, level, tuple(split["first"]), tuple(split["second"]), tuple(split["unlike"]), len(split["both"])))
    return tuple(found)


def _reach(lines: Iterable[Access]) -> frozenset[tuple[object, ...]]:
    return frozenset((frozenset(line.resources), line.excepted, line.conditions, line.within) for line in lines)
