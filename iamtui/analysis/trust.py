"""Who may assume a role, by its trust policy, in words.

What the document says, not an evaluation: whether a principal it names can also make the call depends on that principal's
own policies.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import msgspec

from ..model.account import Snapshot
from ..model.fact import Fact, State, absent, known
from ..model.identity import Role
from ..policy.document import Statement, parse
from ..policy.wildcard import matches
from .conditions import condition_words, entries
from .lists import GAAD, ROLES, source_of

_ASSUMING = ("sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")


class Trustee(msgspec.Struct, frozen=True):
    """One principal of one statement.

    kind:       `service`, `account`, `role`, `user`, `session`, `SAML`, `OIDC`, `anyone`, `organization`, `deleted`,
                `canonical user`, `unknown`
    name:       short, for columns: `ec2`, `123456789012`, `role/ci`, `github OIDC`, `anyone`, `org o-1234`
    principal:  as written
    account:    the account it is in, "" where that makes no sense
    own:        whether that is the role's own account; None where that makes no sense or is not known
    conditions: in words, all of which must hold
    effect:     `Allow`, `Deny`, or "" when the statement has neither
    statement:  index of its statement in the document
    label:      the statement's Sid, or `statement 2`
    actions:    as written (`sts:AssumeRoleWithSAML`)
    assumes:    whether these actions assume the role at all (tagging a session alone does not)
    excepted:   NotPrincipal: everyone *but* this one
    subjects:   values a condition wants of an identity provider's `sub` claim
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
    account: str = ""
    label: str = ""
    assumes: bool = True
    excepted: bool = False
    subjects: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """`service ec2`, `anyone in any AWS account`, `account 123456789012 (another account)`."""
        if self.excepted:
            return f"everyone except {self.principal}"
        if self.kind == "anyone":
            return "anyone in any AWS account"
        if self.kind == "organization":
            return f"every account of {self.name.replace('org ', 'organization ')}"
        if self.kind in ("role", "user", "session"):
            name = self.name.split(":", 1)[-1].split("/", 1)[-1]
            return f"{self.kind} {name}" + ("" if self.own else f" of account {self.account}")
        place = "" if self.own is None else (" (this account)" if self.own else " (another account)")
        return f"{self.name}{place}" if self.name.endswith(self.kind) else f"{self.kind} {self.name}{place}"

    @property
    def sentence(self) -> str:
        """The whole of what the statement says of this principal."""
        verb = {"Allow": "may", "Deny": "must not"}.get(self.effect, "is named without an effect to")
        what = "assume this role" if self.assumes else f"call {', '.join(self.actions) or 'nothing'}"
        return f"{self.words} {verb} {what}" + (f", if {' and '.join(self.conditions)}" if self.conditions else "")


class TrustSummary(msgspec.Struct, frozen=True):
    """Denials first, then as written. `findings` say what in the document is malformed or deserves a look."""

    trustees: tuple[Trustee, ...]
    findings: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Short names of all that an Allow statement lets assume the role, each once."""
        return tuple(dict.fromkeys(t.name for t in self.trustees if t.effect == "Allow" and t.assumes))


def trust_summary(role: Role, snapshot: Snapshot) -> TrustSummary:
    """Who may assume `role`. `snapshot` tells which account is its own."""
    if not role.trust:
        return TrustSummary((), ("the trust policy is not in what was read",))
    return summarize_trust(role.trust, role.account or snapshot.account)


def trusted_by(role: Role, snapshot: Snapshot) -> Fact[Any]:
    """The list column: short names of all that an Allow statement names. Known and empty where nobody is trusted."""
    source, as_of = source_of(snapshot, ROLES, GAAD)
    if not role.trust:
        return absent(State.NOT_LOADED, source, as_of, "the trust policy is not in what was read")
    summary = summarize_trust(role.trust, role.account or snapshot.account)
    if not summary.trustees and summary.findings:
        return absent(State.FAILED, source, as_of, f"malformed trust policy: {summary.findings[0]}")
    return known(summary.names, source, as_of)


@lru_cache(maxsize=16384)
def summarize_trust(text: str, account: str) -> TrustSummary:
    """A trust policy's text, read from the point of view of `account` ("" when that is not known)."""
    document = parse(text)
    trustees: list[Trustee] = []
    findings = list(document.findings)
    for statement in document.statements:
        excepted = bool(statement.not_principals)
        named = statement.not_principals if excepted else statement.principals
        if not named:
            findings.append(f"{statement.label} names no principal")
        if excepted and statement.allows:
            findings.append(f"{statement.label}: NotPrincipal with Allow trusts everyone it does not name")
        trustees.extend(_trustee(kind, value, statement, account, excepted) for kind, values in named.items() for value in values)
    trustees.sort(key=lambda trustee: trustee.effect != "Deny")
    return TrustSummary(tuple(trustees), tuple(findings))


# -- one principal ----------------------------------------------------------------------------------------------------

_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_DELETED_ID = re.compile(r"A(?:ROA|IDA|GPA|NPA)[A-Z0-9]{12,}")
_ARN_KINDS = {"role": "role", "user": "user", "assumed-role": "session", "federated-user": "session"}


def _trustee(kind: str, value: str, statement: Statement, own_account: str, excepted: bool) -> Trustee:
    noun, name, account = _named(kind, value)
    own = account == own_account if account and own_account else None
    if noun in ("role", "user", "session") and own is False:
        name = f"{account}:{name}"
    if noun == "anyone":
        noun, name = _narrowed(statement)
    if excepted:
        name = "anyone except some"
    subjects = tuple(v for _op, key, values in entries(statement.conditions) if key.endswith(":sub") for v in values)
    warning = _warning(noun, own, statement, subjects, excepted) if statement.allows else ""
    return Trustee(
        kind=noun,
        name=name,
        principal=value,
        own=own,
        conditions=condition_words(statement.conditions),
        effect=statement.effect,
        statement=statement.index,
        actions=statement.actions or tuple(f"everything but {action}" for action in statement.not_actions),
        warning=warning,
        account=account,
        label=statement.label,
        assumes=not statement.actions or any(matches(pattern, action) for pattern in statement.actions for action in _ASSUMING),
        excepted=excepted,
        subjects=subjects,
    )


def _named(kind: str, value: str) -> tuple[str, str, str]:
    """(kind, short name, account) of a principal as written."""
    if value == "*":
        return "anyone", "anyone", ""
    if kind == "Service":
        return "service", re.sub(r"\.amazonaws\.com(\.cn)?\Z", "", value), ""
    if kind == "Federated":
        return _provider(value)
    if kind == "CanonicalUser":
        return "canonical user", value, ""
    if _ACCOUNT_ID.fullmatch(value):
        return "account", value, value
    if _DELETED_ID.fullmatch(value):
        return "deleted", value, ""
    parts = value.split(":", 5)
    if kind != "AWS" or len(parts) < 6 or parts[0] != "arn":
        return "unknown", value, ""
    account, resource = parts[4], parts[5]
    if resource == "root":
        return "account", account, account
    noun = _ARN_KINDS.get(resource.partition("/")[0], "unknown")
    if noun in ("role", "user"):
        # The path is no part of the name.
        return noun, f"{noun}/{resource.rsplit('/', 1)[-1]}", account
    return noun, resource, account


def _provider(value: str) -> tuple[str, str, str]:
    parts = value.split(":", 5)
    account, resource = (parts[4], parts[5]) if len(parts) == 6 else ("", value)
    if resource.startswith("saml-provider/"):
        return "SAML", f"{resource.removeprefix('saml-provider/')} SAML", account
    return "OIDC", f"{_provider_name(resource.removeprefix('oidc-provider/'))} OIDC", account


# Providers people call by another name than their host's.
_PROVIDERS = (
    (re.compile(r"token\.actions\.githubusercontent\.com(/.*)?"), "github"),
    (re.compile(r"oidc\.eks\.[^/]*/id/.*"), "eks"),
)


def _provider_name(host: str) -> str:
    """`github`, `gitlab`, `accounts.google.com`, `eks`."""
    for expression, name in _PROVIDERS:
        if expression.fullmatch(host):
            return name
    domain = host.split("/", 1)[0]
    labels = domain.split(".")
    return labels[0] if len(labels) == 2 else domain


def _narrowed(statement: Statement) -> tuple[str, str]:
    """`*` with a condition on who that is, is not anyone."""
    for operator, key, values in entries(statement.conditions):
        if operator not in ("stringequals", "stringlike") or not values or any("*" in value for value in values):
            continue
        if key == "aws:principalorgid":
            return "organization", f"org {', '.join(values)}"
        if key == "aws:principalaccount":
            return "account", ", ".join(values)
    return "anyone", "anyone"


_NARROW_ENOUGH = ("sts:externalid", "aws:principalorgid", "aws:principalarn", "aws:sourceaccount", "aws:sourcearn", "aws:principalaccount")


def _warning(noun: str, own: bool | None, statement: Statement, subjects: tuple[str, ...], excepted: bool) -> str:
    keys = {key for _operator, key, _values in entries(statement.conditions)}
    if excepted:
        return "NotPrincipal with Allow lets in everybody else"
    if noun == "anyone":
        return "" if keys.intersection(_NARROW_ENOUGH) else "anyone may assume it: no condition says who"
    if noun == "account" and own is False and "sts:externalid" not in keys:
        return "another account may use it without an external id"
    if noun == "deleted":
        return "the identity behind this id was deleted"
    if noun == "OIDC":
        if not subjects and not any(key.endswith((":aud", ":amr")) for key in keys):
            return "no condition on the subject: whoever the provider vouches for may assume it"
        if not subjects:
            return "no condition on the subject (sub)"
        if any(subject.startswith("*") or subject.split(":")[1:2] == ["*"] for subject in subjects):
            return "the subject (sub) begins with a wildcard"
    return ""
