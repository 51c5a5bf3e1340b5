"""What is wrong or risky in a policy, without asking AWS: the language, the catalogue, and the traps people fall into.

Sources: IAM User Guide, "Grammar of the JSON policy language", "Security best practices", "Multivalued context keys",
"Checking for MFA"; the service authorization reference by way of the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from .arns import STAR, overlaps
from .catalogue import AccessLevel, Catalogue, catalogue
from .compiled import VARIABLES_SINCE, Form, compile_policy
from .condition_keys import condition_keys
from .document import Statement, parse
from .wildcard import is_pattern, matches


class Severity(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Remark(msgspec.Struct, frozen=True):
    """One thing to look at. `broken`: AWS would refuse the policy, or the statement never applies as it is meant."""

    severity: Severity
    statement: str
    words: str
    what_to_do: str = ""
    broken: bool = False


_ADMIN_LEVELS = (AccessLevel.PERMISSIONS, AccessLevel.WRITE)
_MOST_NAMED = 6
_MOST_ASKED = 200
"""Actions of one pattern looked at for a condition key; a wider pattern is meant to reach what it can."""


def form_of(text: str) -> Form:
    """Whether a document is written for an identity or for a resource (a trust policy too): the latter names principals."""
    statements = parse(text).statements
    return Form.RESOURCE if any(one.principals or one.not_principals for one in statements) else Form.IDENTITY


def validate(text: str) -> tuple[Remark, ...]:
    """Everything to look at in an identity policy or the policy of a resource, the gravest first."""
    form = form_of(text)
    policy = compile_policy(text, form)
    known = catalogue()
    remarks = [Remark(Severity.HIGH, "", finding, broken=True) for finding in policy.findings]
    version = policy.document.version
    if version != VARIABLES_SINCE and policy.document.statements:
        remarks.append(
            Remark(
                Severity.LOW if version else Severity.MEDIUM,
                "",
                f"Version is {version or 'missing, which means 2008-10-17'}: policy variables are plain text in it",
                'write "Version": "2012-10-17"',
            )
        )
    for statement in policy.document.statements:
        if not statement.broken and statement.effect:
            remarks.extend(_statement(statement, known, version, form))
    order = list(Severity)
    return tuple(sorted(remarks, key=lambda remark: (not remark.broken, order.index(remark.severity))))


def _statement(statement: Statement, known: Catalogue, version: str, form: Form) -> Iterator[Remark]:
    label = statement.label
    for pattern in (*statement.actions, *statement.not_actions):
        why = known.unknown(pattern)
        if why:
            yield Remark(
                Severity.MEDIUM, label, f"{pattern} {why}", "check its spelling; new services may be missing in the catalogue", True
            )
    yield from _resources(statement, known)
    if version != VARIABLES_SINCE and any("${" in text for text in (*statement.resources, *statement.not_resources)):
        yield Remark(
            Severity.HIGH, label, "a policy variable in a resource is plain text in this version", 'write "Version": "2012-10-17"', True
        )
    if statement.allows and form is Form.IDENTITY:
        yield from _broad(statement, known)
    yield from _conditions(statement)
    yield from _useless_conditions(statement, known)


def _resources(statement: Statement, known: Catalogue) -> Iterator[Remark]:
    """Actions whose resource types no ARN of the statement can be."""
    if not statement.resources or STAR in statement.resources:
        return
    need_star: list[str] = []
    need_other: list[str] = []
    for pattern in statement.actions:
        if is_pattern(pattern):
            continue  # a wildcard is meant to reach what it can
        action = known.action(pattern)
        if action is None:
            continue
        if not action.resources:
            need_star.append(pattern)
        else:
            forms = known.resource_forms(pattern)
            if forms and not any(overlaps(form, resource) or "${" in resource for form in forms for resource in statement.resources):
                need_other.append(f"{pattern} (needs {', '.join(action.resources[:3])})")
    if need_star:
        yield Remark(
            Severity.MEDIUM,
            statement.label,
            f"{_named(need_star)} can name no resource: with these ARNs the statement never applies to it",
            'give it a statement of its own with "Resource": "*"',
            True,
        )
    if need_other:
        yield Remark(
            Severity.MEDIUM,
            statement.label,
            f"{_named(need_other)}: none of the statement's ARNs is of such a type",
            "name resources of that type",
            True,
        )


def _broad(statement: Statement, known: Catalogue) -> Iterator[Remark]:
    label = statement.label
    everywhere = STAR in statement.resources
    if statement.not_actions:
        yield Remark(
            Severity.HIGH, label, "Allow with NotAction grants every action but those named, of services to come, too", "name the actions"
        )
    if statement.not_resources:
        yield Remark(Severity.MEDIUM, label, "Allow with NotResource grants every resource but those named", "name the resources")
    if any(pattern.strip("*") == "" or pattern == "*:*" for pattern in statement.actions):
        words = "every action on every resource: administrator access" if everywhere else "every action"
        yield Remark(Severity.HIGH, label, f"grants {words}", "name the actions that are used")
    elif everywhere:
        wide = [p for p in statement.actions if p.endswith(":*")]
        if wide:
            yield Remark(Severity.MEDIUM, label, f"{_named(wide)} on every resource", "name the actions, the resources or both")
    if any(matches(pattern, "iam:passrole") for pattern in statement.actions) and everywhere:
        keys = {key.lower() for keys in statement.conditions.values() for key in keys}
        if "iam:passedtoservice" not in keys:
            yield Remark(
                Severity.HIGH,
                label,
                "iam:PassRole on every role: whoever has it can hand any role to a service",
                "name the roles, and the service by iam:PassedToService",
            )
    if not statement.conditions and everywhere:
        grave = sorted(
            {
                f"{prefix}:{name}"
                for pattern in statement.actions
                if not is_pattern(pattern)
                for prefix, name in [pattern.split(":", 1)]
                if prefix == "iam" and known.level(pattern) is AccessLevel.PERMISSIONS
            }
        )
        if grave:
            yield Remark(Severity.HIGH, label, f"{_named(grave)} on every resource changes who may do what", "name the resources")


def _conditions(statement: Statement) -> Iterator[Remark]:
    label = statement.label
    for operator, keys in statement.conditions.items():
        word = operator.lower()
        for key, values in keys.items():
            lowered = key.lower()
            if statement.denies and word == "bool" and lowered == "aws:multifactorauthpresent" and "false" in (v.lower() for v in values):
                yield Remark(
                    Severity.HIGH,
                    label,
                    "Deny by Bool aws:MultiFactorAuthPresent false does not stop access keys: their requests lack the key",
                    "use BoolIfExists",
                )
            if statement.allows and word.startswith("forallvalues:"):
                yield Remark(
                    Severity.MEDIUM,
                    label,
                    f"Allow by {operator} {key} also holds when the request has no {key} at all",
                    f'add "Null": {{"{key}": "false"}}',
                )
            if word.removeprefix("forallvalues:").removeprefix("foranyvalue:").startswith("stringequals") and any("*" in v for v in values):
                yield Remark(
                    Severity.MEDIUM,
                    label,
                    f"{operator} takes the star in {key} as a character",
                    "use StringLike, or ${*} for a real star",
                    True,
                )


def _useless_conditions(statement: Statement, known: Catalogue) -> Iterator[Remark]:
    """Keys that no request for the statement's actions carries."""
    keys = condition_keys(known)
    for operator, tests in statement.conditions.items():
        word = operator.lower()
        passes = word == "null" or word.endswith("ifexists") or "not" in word or word.startswith("forallvalues:")
        effect = "the condition decides nothing" if passes else "the statement never applies to it"
        for key in tests:
            if keys.exists(key) is False:
                yield Remark(Severity.MEDIUM, statement.label, f"{key}: its service has no such condition key", "check its spelling", True)
                continue
            without: list[str] = []
            for pattern in statement.actions:
                covered = [f"{prefix}:{name}" for prefix, mask in known.expand(pattern).items() for name in _names(known, prefix, mask)]
                verdicts = {keys.supports(action, key) for action in covered[:_MOST_ASKED]}
                if verdicts == {False} and len(covered) <= _MOST_ASKED:
                    without.append(pattern)
            if without:
                yield Remark(
                    Severity.MEDIUM,
                    statement.label,
                    f"{_named(without)}: no such request carries {key}, so {effect}",
                    f"give it a statement of its own, without {key}",
                    not passes,
                )


def _names(known: Catalogue, prefix: str, mask: int) -> tuple[str, ...]:
    service = known.service(prefix)
    return service.names(mask) if service else ()


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
