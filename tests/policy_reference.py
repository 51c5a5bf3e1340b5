"""A second, slow and literal reading of AWS's documentation on policy evaluation, for tests to compare the engine with.

One function for each rule, named after what it says; the page it restates is in its docstring. Nothing is compiled, cached or
shared with the engine, not even the parsing. Strict mode only: a context key that is not given is missing.
"""

from __future__ import annotations

import base64
import ipaddress
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

Json = dict[str, Any]
ALLOWED, IMPLICIT, EXPLICIT = "Allowed", "ImplicitlyDenied", "ExplicitlyDenied"
RCP_SERVICES = ("s3", "sts", "kms", "sqs", "secretsmanager")


def decide(request: Json) -> str:
    """IAM User Guide, "How AWS enforcement code logic evaluates requests to allow or deny access"."""
    world = World(request)
    if world.action == "sts:getcalleridentity" and world.account:
        return ALLOWED
    if world.explicit_deny():
        return EXPLICIT
    if world.action == "sts:assumerole" and world.is_root():  # STS API Reference, "AssumeRole": not with root credentials
        return IMPLICIT
    if not all(world.any_allow(level, "rcp") for level in world.resource_control()):
        return IMPLICIT
    if not all(world.any_allow(level, "identity") for level in world.service_control()):
        return IMPLICIT
    endpoint = request.get("endpointPolicies") or []
    if endpoint and not world.any_allow(endpoint, "resource"):
        return IMPLICIT
    return ALLOWED if world.granted() else IMPLICIT


class World:
    def __init__(self, request: Json) -> None:
        self.request = request
        self.principal: str = request.get("principal") or "*"
        self.action: str = request["action"].lower()
        self.resource: str = request.get("resource") or "*"
        parts = self.principal.split(":")
        self.account = parts[4] if len(parts) > 5 and "-provider/" not in self.principal else ""
        named = self.resource.split(":")
        owner = named[4] if len(named) > 5 and named[4].isdigit() else ""
        self.resource_account = request.get("resourceAccount") or owner or self.account
        self.context = {key.lower(): texts(value) for key, value in self.facts().items()}
        self.context.update({key.lower(): texts(value) for key, value in (request.get("context") or {}).items()})

    # -- who ---------------------------------------------------------------------------------------------------------

    def tail(self) -> str:
        return self.principal.split(":", 5)[5] if self.account else ""

    def is_root(self) -> bool:
        return self.tail() == "root"

    def role_name(self) -> str:
        """Of a role or of the session of a role."""
        tail = self.tail()
        if tail.startswith("assumed-role/"):
            return tail.split("/")[1]
        return tail.rsplit("/", 1)[1] if tail.startswith("role/") else ""

    def facts(self) -> Json:
        """IAM User Guide, "AWS global condition context keys": what is in every request."""
        facts: Json = {"aws:PrincipalIsAWSService": self.principal.endswith(".amazonaws.com")}
        if self.account:
            facts["aws:PrincipalAccount"] = self.account
            facts["aws:PrincipalArn"] = self.principal
            if self.tail().startswith("assumed-role/"):
                facts["aws:PrincipalArn"] = f"arn:aws:iam::{self.account}:role/{self.role_name()}"
            if self.tail().startswith("user/"):
                facts["aws:username"] = self.tail().rsplit("/", 1)[1]
            kinds = {
                "user": "User",
                "role": "AssumedRole",
                "assumed-role": "AssumedRole",
                "root": "Account",
                "federated-user": "FederatedUser",
            }
            facts["aws:PrincipalType"] = kinds[self.tail().split("/")[0]]
        if self.principal.endswith(".amazonaws.com"):
            facts["aws:PrincipalServiceName"] = self.principal
        if self.principal == "*":
            facts["aws:PrincipalType"] = "Anonymous"
        if self.resource_account:
            facts["aws:ResourceAccount"] = self.resource_account
        return facts

    def is_service_linked(self) -> bool:
        return "role/aws-service-role/" in self.principal or self.role_name().startswith("AWSServiceRoleFor")

    # -- layers ------------------------------------------------------------------------------------------------------

    def service_control(self) -> list[list[Json]]:
        """Organizations, "Service control policies": users, roles and root of member accounts, not service-linked roles."""
        return (self.request.get("serviceControlPolicies") or []) if self.account and not self.is_service_linked() else []

    def resource_control(self) -> list[list[Json]]:
        """Organizations, "Resource control policies": resources of supported services; not for service-linked roles."""
        if self.is_service_linked() or self.action.split(":")[0] not in RCP_SERVICES:
            return []
        return self.request.get("resourceControlPolicies") or []

    def identity(self) -> list[Json]:
        return (self.request.get("identityPolicies") or []) if self.account else []

    def boundary(self) -> list[Json]:
        return (self.request.get("permissionsBoundaries") or []) if self.account and not self.is_root() else []

    def session(self) -> list[Json]:
        return (self.request.get("sessionPolicies") or []) if self.account else []

    def resource_policies(self) -> list[Json]:
        policy = self.request.get("resourcePolicy")
        return [policy] if policy else []

    def explicit_deny(self) -> bool:
        """Any Deny that applies, in any policy, ends the evaluation."""
        groups = [(self.identity(), "identity"), (self.boundary(), "identity"), (self.session(), "identity")]
        groups += [(self.resource_policies(), "resource"), (self.request.get("endpointPolicies") or [], "resource")]
        groups += [(level, "identity") for level in self.service_control()] + [(level, "rcp") for level in self.resource_control()]
        return any(statement["Effect"] == "Deny" for policies, form in groups for statement, _ in self.matching(policies, form))

    def any_allow(self, policies: list[Json], form: str) -> bool:
        return any(statement["Effect"] == "Allow" for statement, _ in self.matching(policies, form))

    def granted(self) -> bool:
        """ "Evaluating identity-based policies with resource-based policies"; "Cross-account policy evaluation logic"."""
        named = {how for statement, how in self.matching(self.resource_policies(), "resource") if statement["Effect"] == "Allow"}
        if not self.account:
            return bool(named)
        limited = (not self.boundary() or self.any_allow(self.boundary(), "identity")) and (
            not self.session() or self.any_allow(self.session(), "identity")
        )
        own = (self.is_root() or self.any_allow(self.identity(), "identity")) and limited
        if self.resource_account != self.account:
            return own and bool(named)
        if "itself" in named or ("role" in named and limited):
            return True
        if self.must_be_named():
            return "account" in named and own
        return own

    def must_be_named(self) -> bool:
        """ "Role trust policies"; KMS, "Key policies": no access without them, whatever identity policies say."""
        return (self.action == "sts:assumerole" and ":role/" in self.resource) or (
            self.action.startswith("kms:") and ":key/" in self.resource
        )

    # -- statements --------------------------------------------------------------------------------------------------

    def matching(self, policies: list[Json], form: str) -> list[tuple[Json, str]]:
        """(statement, how it names the principal) of the statements that apply to the request."""
        found = []
        for policy in policies:
            for statement in many(policy.get("Statement")):
                how = "itself"
                if form != "identity" and ("Principal" in statement or "NotPrincipal" in statement):
                    how = self.named_by(statement)
                elif form == "resource":
                    how = ""
                if form == "identity" and "Resource" not in statement and "NotResource" not in statement:
                    how = ""
                if (
                    how
                    and self.speaks_of_action(statement)
                    and self.speaks_of_resource(statement, policy)
                    and self.conditions(statement, policy)
                ):
                    found.append((statement, how))
        return found

    def named_by(self, statement: Json) -> str:
        """ "Principal", "NotPrincipal": `itself`, through its `role`, through its `account`, or not at all."""
        if "NotPrincipal" in statement:
            listed = statement["NotPrincipal"]
            bounded = bool(self.request.get("permissionsBoundaries")) and statement["Effect"] == "Deny"
            return "" if not bounded and self.how(listed) in ("itself", "role") else "itself"
        return self.how(statement["Principal"])

    def how(self, listed: Any) -> str:
        if listed == "*":
            return "itself"
        if self.principal.endswith(".amazonaws.com"):
            return "itself" if self.principal in many(listed.get("Service")) else ""
        if not self.account and self.principal != "*":
            return "itself" if self.principal in many(listed.get("Federated")) else ""
        values = many(listed.get("AWS"))
        if "*" in values:
            return "itself"
        if self.principal in values:
            return "role" if self.tail().startswith("role/") else "itself"
        role = f"arn:aws:iam::{self.account}:role/"
        if self.tail().startswith("assumed-role/") and any(v.startswith(role) and v.rsplit("/", 1)[1] == self.role_name() for v in values):
            return "role"
        if self.account and (self.account in values or f"arn:aws:iam::{self.account}:root" in values):
            return "itself" if self.is_root() else "account"
        return ""

    def speaks_of_action(self, statement: Json) -> bool:
        """ "Action", "NotAction": case does not matter, wildcards anywhere."""
        if "Action" in statement:
            return any(glob(pattern.lower(), self.action) for pattern in many(statement["Action"]))
        return not any(glob(pattern.lower(), self.action) for pattern in many(statement["NotAction"]))

    def speaks_of_resource(self, statement: Json, policy: Json) -> bool:
        """ "Resource", "NotResource"."""
        if "Resource" in statement:
            return any(self.resource_matches(pattern, policy) for pattern in many(statement["Resource"]))
        if "NotResource" in statement:
            return not any(self.resource_matches(pattern, policy) for pattern in many(statement["NotResource"]))
        return True

    def resource_matches(self, pattern: str, policy: Json) -> bool:
        filled = self.filled(pattern, policy)
        return filled is not None and arn_glob(filled, self.resource)

    # -- conditions --------------------------------------------------------------------------------------------------

    def conditions(self, statement: Json, policy: Json) -> bool:
        """ "Condition": all operators and all keys must hold."""
        blocks = statement.get("Condition") or {}
        return all(
            self.condition(operator, key, texts(values), policy) for operator, keys in blocks.items() for key, values in keys.items()
        )

    def condition(self, operator: str, key: str, wanted: list[str], policy: Json) -> bool:
        given = self.context.get(key.lower(), [])
        operator = operator.lower()
        prefix, _, word = operator.rpartition(":")
        if word == "null":
            return any((not given) is (value.lower() == "true") for value in wanted)
        if_exists, word = word.endswith("ifexists"), word.removesuffix("ifexists")
        negative = "not" in word
        word = word.replace("not", "")
        if not given or (prefix and given == [""]):
            return if_exists or (prefix == "forallvalues" if prefix else negative)

        def fits(value: str) -> bool:
            return any(self.value_fits(word, value, one, policy) for one in wanted)

        if prefix == "forallvalues":
            return all(fits(value) is not negative for value in given)
        if prefix == "foranyvalue":
            return any(fits(value) is not negative for value in given)
        return any(fits(value) for value in given) is not negative

    def value_fits(self, word: str, value: str, wanted: str, policy: Json) -> bool:
        """ "Condition operators": one value of the request against one of the policy."""
        if word in ("stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike"):
            filled = self.filled(wanted, policy, wild=word in ("stringlike", "arnequals", "arnlike"))
            if filled is None:
                return False
            if word == "stringequals":
                return value == "".join(char for char, _ in filled)
            if word == "stringequalsignorecase":
                return value.casefold() == "".join(char for char, _ in filled).casefold()
            return glob_marked(filled, value) if word == "stringlike" else value.startswith("arn:") and arn_glob(filled, value)
        if word == "bool":
            return wanted.lower() in ("true", "false") and value.lower() == wanted.lower()
        if word == "binaryequals":
            return base64.b64decode(value) == base64.b64decode(wanted)
        if word == "ipaddress":
            try:
                return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
            except (ValueError, TypeError):
                return False
        read = number if word.startswith("numeric") else moment
        one, other = read(value), read(wanted)
        if one is None or other is None:
            return False
        compare = word.removeprefix("numeric").removeprefix("date")
        return {
            "equals": one == other,
            "lessthan": one < other,
            "lessthanequals": one <= other,
            "greaterthan": one > other,
            "greaterthanequals": one >= other,
        }[compare]

    def filled(self, text: str, policy: Json, wild: bool = True) -> list[tuple[str, bool]] | None:
        """ "Policy variables and tags": (character, is a wildcard) of the text; None when a variable has no value."""
        if policy.get("Version") != "2012-10-17":
            return [(char, wild and char in "*?") for char in text]
        out: list[tuple[str, bool]] = []
        place = 0
        while place < len(text):
            end = text.find("}", place)
            if text.startswith("${", place) and end > 0:
                inside = text[place + 2 : end]
                place = end + 1
                if inside in ("*", "?", "$"):
                    out.append((inside, False))
                    continue
                key, comma, default = inside.partition(",")
                values = self.context.get(key.strip().lower(), [])
                if len(values) == 1:
                    out.extend((char, False) for char in values[0])
                elif comma and not values:
                    out.extend((char, False) for char in default.strip()[1:-1])
                else:
                    return None
                continue
            out.append((text[place], wild and text[place] in "*?"))
            place += 1
        return out


def many(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def texts(value: Any) -> list[str]:
    return [str(item).lower() if isinstance(item, bool) else str(item) for item in many(value)]


def glob(pattern: str, text: str) -> bool:
    return glob_marked([(char, char in "*?") for char in pattern], text)


def glob_marked(pattern: list[tuple[str, bool]], text: str) -> bool:
    """Wildcards by the schoolbook table: does pattern[:i] fit text[:j]?"""
    fits = [True] + [False] * len(text)
    for char, wild in pattern:
        row = [fits[0] and wild and char == "*"]
        for place, letter in enumerate(text):
            if wild and char == "*":
                row.append(row[place] or fits[place + 1])
            else:
                row.append(fits[place] and (letter == char or (wild and char == "?")))
        fits = row
    return fits[-1]


def arn_glob(pattern: list[tuple[str, bool]], arn: str) -> bool:
    """Each of the first five segments by itself; the sixth is the rest."""
    if pattern == [("*", True)]:
        return True
    segments: list[list[tuple[str, bool]]] = [[]]
    for char, wild in pattern:
        if char == ":" and len(segments) < 6:
            segments.append([])
        else:
            segments[-1].append((char, wild))
    if len(segments) < 6:
        whole = pattern[-1:] == [("*", True)] or not any(wild for _, wild in pattern)
        return whole and all(glob_marked(one, other) for one, other in zip(segments, arn.split(":", len(segments) - 1), strict=False))
    parts = arn.split(":", 5)
    return len(parts) == 6 and all(glob_marked(one, other) for one, other in zip(segments, parts, strict=True))


def number(text: str) -> Fraction | None:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None


def moment(text: str) -> Fraction | None:
    if text.isdigit() and len(text) != 4:
        return Fraction(text)
    try:
        value = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return Fraction(int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()))
