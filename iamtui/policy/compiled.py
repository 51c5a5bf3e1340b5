"""Policies made ready to be asked: compiled once, then a question costs a look-up by action and the few statements that are left."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from .arns import STAR, Token, Values, Variable, arn_test, overlaps, resolved, tokens
from .caller import PrincipalTest, principal_test
from .conditions import UnknownOperatorError, condition_tests
from .document import PolicyDocument, Statement, parse
from .expression import Open, Truth, all_of, any_of, negated
from .wildcard import is_pattern, matches

VARIABLES_SINCE = "2012-10-17"
_KEPT_ACTIONS = 2048
_PERSONAL = ("aws:principal", "aws:user", "saml:", "cognito-identity")


class Form(StrEnum):
    """What a statement must name: identity policies a resource, resource policies a principal, the others their own."""

    IDENTITY = "identity"
    RESOURCE = "resource"
    ORGANIZATION_RESOURCE = "resource control"


class Rule:
    """A statement, ready to be asked. `findings` of its policy say why a statement is left out."""

    __slots__ = (
        "_broad",
        "_dynamic",
        "_literal",
        "_negated",
        "_patterns",
        "_tests",
        "_wild",
        "conditions",
        "principal",
        "statement",
        "variables",
    )

    def __init__(self, statement: Statement, form: Form, variables: bool) -> None:
        self.statement = statement
        self.variables = variables
        self.conditions = condition_tests(statement.conditions, variables=variables)
        named = statement.actions or statement.not_actions
        self._wild = tuple(pattern for pattern in named if is_pattern(pattern))
        self._literal = frozenset(pattern.lower() for pattern in named) if len(self._wild) < len(named) else frozenset()
        self.principal: PrincipalTest | None = None
        if form is not Form.IDENTITY and (statement.principals or statement.not_principals):
            self.principal = principal_test(statement.principals or statement.not_principals, negated=not statement.principals)
        self._negated = bool(statement.not_resources)
        self._patterns = statement.not_resources or statement.resources
        # A resource policy without Resource (a trust policy) speaks of the resource it hangs on.
        self._broad = not self._patterns or (STAR in self._patterns and not self._negated)
        parsed = [tokens(pattern, variables) for pattern in self._patterns]
        self._dynamic: tuple[tuple[Token, ...], ...] = tuple(parts for parts in parsed if any(isinstance(part, Variable) for part in parts))
        self._tests = tuple(arn_test(parts) for parts in parsed if parts not in self._dynamic)

    @property
    def personal(self) -> bool:
        """Whether it asks who the caller is, by a condition key or a variable."""
        return bool(self._dynamic) or any(
            condition.lowered.startswith(_PERSONAL) or condition.has_variables for condition in self.conditions
        )

    def speaks_of(self, action: str) -> bool:
        """Whether Action or NotAction takes in an action, written in lower case."""
        named = action in self._literal or any(matches(pattern, action) for pattern in self._wild)
        return named if self.statement.actions else not named

    def covers(self, resource: str, context: Values) -> bool:
        """Whether Resource or NotResource lets the statement speak of all of `resource`."""
        if self._broad:
            return True
        for test in self._tests:
            if test(resource):
                return not self._negated
        for parts in self._dynamic:
            filled = resolved(parts, context)
            if filled is not None and arn_test(filled)(resource):
                return not self._negated
        if self._negated and self.statement.allows and STAR in resource and resource != STAR:
            return not any(overlaps(pattern, resource) for pattern in self._patterns)
        return self._negated

    def applies(self, resource: str, context: Values) -> bool:
        """Whether the statement speaks of this request, its action and principal aside. A missing key is missing."""
        if not self._broad and not self.covers(resource, context):
            return False
        for condition in self.conditions:  # noqa: SIM110  measured: a generator here costs a third of a decision
            if not condition.holds(context):
                return False
        return True

    def truth(self, resource: str, context: Values) -> Truth:
        """As `applies`, with what is not known left open: condition keys, variables, and parts of an asked pattern."""
        return all_of((self._resource_truth(resource, context), *(condition.truth(context) for condition in self.conditions)))

    def _resource_truth(self, resource: str, context: Values) -> Truth:
        if self._broad:
            return True
        found: list[Truth] = [True for test in self._tests if test(resource)]
        for parts in self._dynamic:
            unknown = [part for part in parts if isinstance(part, Variable) and part.key not in context]
            if unknown:
                found.append(Open("resource matches", "resource", (_text(parts),)))
            else:
                filled = resolved(parts, context)
                found.append(filled is not None and arn_test(filled)(resource))
        named = any_of(found)
        if named is False and ("*" in resource or "?" in resource) and resource != STAR:
            shared = tuple(pattern for pattern in self._patterns if overlaps(pattern, resource))
            if shared:
                named = Open("matches", "resource", shared)
        return negated(named) if self._negated else named


def _text(parts: tuple[Token, ...]) -> str:
    return "".join(part if isinstance(part, str) else "${" + part.key + "}" if isinstance(part, Variable) else part.sign for part in parts)


class CompiledPolicy:
    """A policy's rules by effect. `findings` are sentences about statements that were left out or read with care; `personal` says
    that what it decides can differ between two callers it names alike."""

    __slots__ = ("_found", "allows", "denies", "document", "findings", "form", "personal")

    def __init__(self, document: PolicyDocument, form: Form) -> None:
        self.document = document
        self.form = form
        findings = list(document.findings)
        variables = document.version == VARIABLES_SINCE
        rules = []
        for statement in document.statements:
            why = _left_out(statement, form, findings)
            if why:
                findings.append(f"{statement.label} {why}; it is left out")
                continue
            try:
                rules.append(Rule(statement, form, variables))
            except UnknownOperatorError as error:
                findings.append(f"{statement.label} uses the unknown condition operator {str(error)[:60]!r}; it is left out")
        self.allows = tuple(rule for rule in rules if rule.statement.allows)
        self.denies = tuple(rule for rule in rules if rule.statement.denies)
        self.findings = tuple(findings)
        self.personal = any(rule.personal for rule in rules)
        self._found: dict[str, tuple[tuple[Rule, ...], tuple[Rule, ...]]] = {}

    def rules(self, action: str) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
        """(denying, allowing) rules that speak of an action, written in lower case."""
        held = self._found.get(action)
        if held is None:
            if len(self._found) >= _KEPT_ACTIONS:
                self._found.clear()
            held = self._found[action] = (
                tuple(rule for rule in self.denies if rule.speaks_of(action)),
                tuple(rule for rule in self.allows if rule.speaks_of(action)),
            )
        return held


def _left_out(statement: Statement, form: Form, findings: list[str]) -> str:
    """Why AWS would not take this statement; "" when it would."""
    if statement.broken or not statement.effect:
        return "is malformed"
    if form is Form.IDENTITY:
        if statement.principals or statement.not_principals:
            findings.append(f"{statement.label} names a principal, which only resource policies can; that element is not read")
        if not statement.resources and not statement.not_resources:
            return "names no resource"
    elif form is Form.RESOURCE and not statement.principals and not statement.not_principals:
        return "names no principal"
    return ""


@lru_cache(maxsize=16384)
def compile_policy(text: str, form: Form = Form.IDENTITY) -> CompiledPolicy:
    """The compiled policy behind a document's JSON text. Never raises; the same text is compiled once."""
    return CompiledPolicy(parse(text), form)
