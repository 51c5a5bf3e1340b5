"""Who may assume a role, by its trust policy, in words. A reading of the document, not an evaluation."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from ..model.account import Snapshot
from ..model.fact import Fact, State, absent, known
from ..model.identity import Role
from ..policy.document import Statement, parse

TRUST = "AssumeRolePolicyDocument"


class Trustee(msgspec.Struct, frozen=True):
    """One principal of one statement.

    kind:       `service`, `account`, `role`, `user`, `session`, `SAML`, `OIDC`, `anyone`, `unknown`
    name:       short: `ec2`, `123456789012`, `role/ci`, `token.actions.githubusercontent.com`
    principal:  as written
    own:        whether it is of the role's own account; None where that makes no sense
    conditions: in words, all of which must hold
    effect:     `Allow` or `Deny`
    warning:    what a reviewer should look at, "" when nothing stands out
    """

    kind: str
    name: str
    principal: str
    own: bool | None
    conditions: tuple[str, ...]
    effect: str
    statement: int
    actions: tuple[str, ...]
    warning: str = ""

    @property
    def words(self) -> str:
        """`service ec2`, `anyone`, `account 123456789012 (another account)`."""
        if self.kind == "anyone":
            return "anyone in any AWS account"
        place = "" if self.own is None else (" (this account)" if self.own else " (another account)")
        return f"{self.kind} {self.name}{place}"


class TrustSummary(msgspec.Struct, frozen=True):
    """Denials first; `findings` say what in the document is malformed."""

    trustees: tuple[Trustee, ...]
    findings: tuple[str, ...] = ()


def trust_summary(role: Role, snapshot: Snapshot) -> TrustSummary:
    """Who may assume `role`. `snapshot` tells which account is its own."""
    return _summary(role.trust, role.account or snapshot.account)


def trusted_by(role: Role, snapshot: Snapshot) -> Fact[Any]:
    """The list column: short names of all that an Allow statement names."""
    if not role.trust:
        return absent(State.NOT_LOADED, TRUST, detail="the answer has no trust policy")
    names = _short_names(role.trust, role.account or snapshot.account)
    return known(names, TRUST) if names else absent(State.NO_INFORMATION, TRUST, detail="no Allow statement with a principal can be read")


@lru_cache(maxsize=16384)
def _short_names(trust: str, account: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(t.name for t in _summary(trust, account).trustees if t.effect == "Allow"))


@lru_cache(maxsize=4096)
def _summary(trust: str, account: str) -> TrustSummary:
    document = parse(trust)
    trustees: list[Trustee] = []
    for statement in document.statements:
        conditions = _conditions(statement)
        for kind_word, values in statement.principals.items():
            trustees.extend(_trustee(kind_word, value, statement, conditions, account) for value in values)
        for kind_word, values in statement.not_principals.items():
            words = f"everybody but {', '.join(values)}"
            trustees.append(
                _made(
                    "anyone",
                    words,
                    f"NotPrincipal {kind_word}",
                    None,
                    statement,
                    conditions,
                    "NotPrincipal with Allow lets in everybody else",
                )
            )
    trustees.sort(key=lambda trustee: trustee.effect != "Deny")
    return TrustSummary(tuple(trustees), document.findings)


def _made(
    kind: str, name: str, principal: str, own: bool | None, statement: Statement, conditions: tuple[str, ...], warning: str = ""
) -> Trustee:
    actions = statement.actions or tuple(f"all but {a}" for a in statement.not_actions)
    return Trustee(
        kind, name, principal, own, conditions, statement.effect, statement.index, actions, warning if statement.effect == "Allow" else ""
    )


def _trustee(kind_word: str, value: str, statement: Statement, conditions: tuple[str, ...], account: str) -> Trustee:
    if value == "*":
        warning = "" if conditions else "anyone may assume it: no condition narrows it"
        return _made("anyone", "anyone", value, None, statement, conditions, warning)
    if kind_word == "Service":
        name = value.removesuffix(".amazonaws.com")
        return _made("service", name, value, None, statement, conditions)
    if kind_word == "Federated":
        return _federated(value, statement, conditions)
    parts = value.split(":", 5)
    if value.isdecimal() and len(value) == 12:
        parts = ["arn", "aws", "iam", "", value, "root"]
    if len(parts) != 6 or parts[0] != "arn":
        deleted = value[:4] in ("AIDA", "AROA", "ANPA", "AGPA")
        warning = "the identity behind this id was deleted" if deleted else ""
        return _made("unknown", value, value, None, statement, conditions, warning)
    owner, resource = parts[4], parts[5]
    own = owner == account if account.isdecimal() else None
    if resource == "root":
        warning = ""
        if own is False and not any("external id" in c for c in conditions):
            warning = "another account may use it without an external id"
        return _made("account", owner, value, own, statement, conditions, warning)
    kind = "session" if parts[2] == "sts" else resource.partition("/")[0]
    name = resource if own is not False else f"{owner}:{resource}"
    return _made(kind if kind in ("role", "user", "session") else "unknown", name, value, own, statement, conditions)


def _federated(value: str, statement: Statement, conditions: tuple[str, ...]) -> Trustee:
    if ":saml-provider/" in value:
        return _made("SAML", value.rpartition(":saml-provider/")[2], value, None, statement, conditions)
    host = value.rpartition(":oidc-provider/")[2] or value
    name = "github OIDC" if host.startswith("token.actions.githubusercontent.com") else host
    subjects = [
        v for keys in statement.conditions.values() for key, values in keys.items() if key.casefold().endswith(":sub") for v in values
    ]
    warning = ""
    if not subjects:
        warning = "no subject (sub) condition: every workload of this provider may assume it"
    elif any(s.startswith("*") or s.split(":")[1:2] == ["*"] or s.split("/")[0].endswith("*") for s in subjects):
        warning = "the subject (sub) begins with a wildcard"
    return _made("OIDC", name, value, None, statement, conditions, warning)


_WORDS = {
    "sts:externalid": "with external id",
    "aws:sourceaccount": "for account",
    "aws:sourcearn": "for resource",
    "aws:principalorgid": "of organization",
    "aws:principalarn": "as principal",
    "aws:sourceip": "from address",
    "aws:sourceidentity": "with source identity",
    "sts:rolesessionname": "with session name",
    "saml:aud": "for audience",
}


def _conditions(statement: Statement) -> tuple[str, ...]:
    found = []
    for operator, keys in statement.conditions.items():
        for key, values in keys.items():
            said = " or ".join(values) if values else "(nothing)"
            lowered = key.casefold()
            if (
                lowered == "aws:multifactorauthpresent"
                and [v.casefold() for v in values] == ["true"]
                and operator.casefold().startswith("bool")
            ):
                if_exists = operator.casefold().endswith("ifexists")
                found.append("with MFA" + (", where the request says" if if_exists else ""))
            elif lowered in _WORDS and operator.casefold().startswith(("stringequals", "stringlike", "arnlike", "arnequals", "ipaddress")):
                found.append(f"{_WORDS[lowered]} {said}")
            else:
                found.append(f"{key} {operator} {said}")
    return tuple(found)
