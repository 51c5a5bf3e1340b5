"""Whether one policy grants what another grants: statement against statement, without asking about every possible request.

Sound, not complete: what is called covered is covered; what only several statements together cover may be called gained.
Judged on the actions the catalogue knows and those that are written out in full.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from .arns import STAR, arn_test, overlaps, tokens
from .catalogue import catalogue
from .compiled import CompiledPolicy, Rule
from .document import Statement
from .wildcard import is_pattern


class Gain(msgspec.Struct, frozen=True):
    """Access one policy grants and another does not.

    actions:   in full (`s3:PutObject`)
    resources: patterns; `excepted` True: everything but these
    why:       what makes it new, as a sentence part
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    excepted: bool
    conditions: tuple[str, ...]
    statement: str
    why: str


_Test = tuple[str, str, frozenset[str]]


def gained(old: CompiledPolicy, new: CompiledPolicy) -> tuple[Gain, ...]:
    """What `new` grants and `old` does not, grouped by statement and reason."""
    if not new.allows:
        return ()
    found: dict[tuple[int, tuple[str, ...], str], list[str]] = {}
    for action in actions_of((*new.allows, *old.denies)):
        lowered = action.lower()
        old_denies, old_allows = old.rules(lowered)
        new_denies, new_allows = new.rules(lowered)
        loosened = [deny for deny in old_denies if not any(_wider(other, deny) for other in new_denies)]
        for rule in new_allows:
            open_ = tuple(pattern for pattern in _patterns(rule) if not _granted(pattern, rule, old_allows))
            if open_:
                why = "no statement granted it" if not old_allows else "resources or conditions are wider than before"
                found.setdefault((rule.statement.index, open_, why), []).append(action)
            for deny in loosened:
                if any(_meet(pattern, deny) for pattern in _patterns(rule)):
                    why = f"{deny.statement.label}, which denied it, is gone or narrower"
                    found.setdefault((rule.statement.index, _patterns(rule), why), []).append(action)
                    break
    statements = {rule.statement.index: rule.statement for rule in new.allows}
    gains = []
    for (index, patterns, why), actions in found.items():
        statement = statements[index]
        gains.append(Gain(tuple(actions), patterns, bool(statement.not_resources), condition_texts(statement), statement.label, why))
    return tuple(gains)


def actions_of(rules: Iterable[Rule]) -> tuple[str, ...]:
    """Every action some rules speak of, in the catalogue's spelling; what it does not know, as written, where it is written out."""
    known = catalogue()
    names: dict[str, str] = {}
    for rule in rules:
        statement = rule.statement
        if statement.not_actions:
            for prefix, mask in known.everything().items():
                service = known.service(prefix)
                for name in service.names(mask) if service else ():
                    names.setdefault(f"{prefix}:{name}".lower(), f"{prefix}:{name}")
        for pattern in statement.actions:
            for prefix, mask in known.expand(pattern).items():
                service = known.service(prefix)
                for name in service.names(mask) if service else ():
                    names.setdefault(f"{prefix}:{name}".lower(), f"{prefix}:{name}")
            if not is_pattern(pattern):
                names.setdefault(pattern.lower(), pattern)
    return tuple(names.values())


def condition_texts(statement: Statement) -> tuple[str, ...]:
    return tuple(f"{key} {operator} {', '.join(values)}" for operator, keys in statement.conditions.items() for key, values in keys.items())


def _patterns(rule: Rule) -> tuple[str, ...]:
    return rule.statement.not_resources or rule.statement.resources


def _granted(pattern: str, rule: Rule, others: Iterable[Rule]) -> bool:
    """Whether one of the other rules grants everything of this rule's pattern, under no more conditions."""
    excepted = bool(rule.statement.not_resources)
    return any(
        _conditions(other) <= _conditions(rule)
        and _variables_alike(other, rule)
        and _lets_in(other.statement, rule.statement)
        and (_covers_all_but(rule, other) if excepted else _covers(other, pattern))
        for other in others
    )


def _wider(deny: Rule, other: Rule) -> bool:
    """Whether a deny stops everything another one stops."""
    if not (_conditions(deny) <= _conditions(other) and _variables_alike(deny, other) and _lets_in(deny.statement, other.statement)):
        return False
    if other.statement.not_resources:
        return _covers_all_but(other, deny)
    return all(_covers(deny, pattern) for pattern in other.statement.resources)


def _covers(rule: Rule, pattern: str) -> bool:
    """Whether a rule's resources take in all of a pattern."""
    statement = rule.statement
    if statement.not_resources:
        return not any(overlaps(excepted, pattern) for excepted in statement.not_resources)
    return any(one in (pattern, STAR) or arn_test(tokens(one, False))(pattern) for one in statement.resources)


def _covers_all_but(rule: Rule, other: Rule) -> bool:
    """Whether `other` takes in everything but what `rule` excepts."""
    excepted = rule.statement.not_resources
    if other.statement.not_resources:
        return all(
            any(one in (mine, STAR) or arn_test(tokens(one, False))(mine) for one in excepted) for mine in other.statement.not_resources
        )
    return STAR in other.statement.resources


def _meet(pattern: str, deny: Rule) -> bool:
    """Whether a deny could stop some of a pattern's resources."""
    statement = deny.statement
    return bool(statement.not_resources) or any(overlaps(one, pattern) or "${" in one or "${" in pattern for one in statement.resources)


def _lets_in(wider: Statement, statement: Statement) -> bool:
    """Whether a statement speaks of everybody another one speaks of; two of identity policies always do."""
    if wider.not_principals or statement.not_principals:
        return wider.not_principals == statement.not_principals and wider.principals == statement.principals
    if "*" in wider.principals:
        return True
    return all(set(values) <= set(wider.principals.get(kind, ())) for kind, values in statement.principals.items())


def _conditions(rule: Rule) -> frozenset[_Test]:
    """A rule's conditions as a set: a rule with fewer of them applies at least as often."""
    return frozenset((test.operator.lower(), test.lowered, frozenset(test.values)) for test in rule.conditions)


def _variables_alike(one: Rule, other: Rule) -> bool:
    """A `${…}` means something in one version of the language and is text in the other; only alike policies are compared by it."""
    return one.variables is other.variables or not ("${" in str(one.statement) or "${" in str(other.statement))
