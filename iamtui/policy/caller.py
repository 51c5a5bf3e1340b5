"""Who asks: the caller of a request as policies see it, and how a `Principal` element names it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, IntEnum, StrEnum
from functools import lru_cache

import msgspec


class CallerKind(StrEnum):
    USER = "user"
    ROLE = "role"
    SESSION = "role session"
    FEDERATED_USER = "federated user session"
    ROOT = "root user"
    ACCOUNT = "account"
    SERVICE = "AWS service"
    FEDERATED = "identity provider"
    CANONICAL = "canonical user"
    ANONYMOUS = "anonymous"


class Reach(IntEnum):
    """How closely a resource policy names a caller; what an implicit deny elsewhere still limits goes by it.

    ACCOUNT: the caller's account: authority is delegated, the identity's own policies must allow too
    ROLE:    the role of a session: limited by permissions boundary and session policies
    DIRECT:  the user, the very session, a service, or everybody: limited by explicit denies only
    Source: IAM User Guide, "Evaluating identity-based policies with resource-based policies", "Principal".
    """

    NONE = 0
    ACCOUNT = 1
    ROLE = 2
    DIRECT = 3


class _Types(Enum):
    USER = "User"
    SESSION = "AssumedRole"
    FEDERATED_USER = "FederatedUser"
    ROOT = "Account"
    ANONYMOUS = "Anonymous"


_ACCOUNT = re.compile(r"\d{12}")
_ARN = re.compile(r"arn:[\w-]*:(iam|sts)::(\d{12}|aws)?:(.*)", re.DOTALL)
_SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com(?:\.cn)?")
_WEB = ("cognito-identity.amazonaws.com",)
_ANONYMOUS = frozenset(("", "*", "anonymous", "anonymous user"))


class Caller(msgspec.Struct, frozen=True):
    """A request's principal.

    text:    as given (ARN, service principal, provider)
    name:    last part of a user's or role's name; "" where there is none
    session: session name of a role session or federated user
    path_known: False for a session, whose ARN does not carry its role's path
    """

    kind: CallerKind
    text: str = ""
    account: str = ""
    name: str = ""
    session: str = ""
    partition: str = "aws"
    path: str = "/"
    path_known: bool = True

    @property
    def principal_arn(self) -> str:
        """The value of `aws:PrincipalArn`: of a session it is its role's ARN."""
        if self.kind is CallerKind.SESSION:
            return f"arn:{self.partition}:iam::{self.account}:role{self.path}{self.name}"
        if self.kind in (CallerKind.USER, CallerKind.ROLE, CallerKind.ROOT, CallerKind.FEDERATED_USER):
            return self.text
        return f"arn:{self.partition}:iam::{self.account}:root" if self.kind is CallerKind.ACCOUNT else ""

    @property
    def type_word(self) -> str:
        """The value of `aws:PrincipalType`; "" where AWS gives none."""
        kind = CallerKind.SESSION if self.kind is CallerKind.ROLE else self.kind
        held = _Types.__members__.get(kind.name)
        return held.value if held is not None else ""

    @property
    def is_role(self) -> bool:
        return self.kind in (CallerKind.ROLE, CallerKind.SESSION)

    @property
    def service_linked(self) -> bool:
        """A service-linked role: organisation policies do not reach it."""
        return self.is_role and (
            self.path.startswith("/aws-service-role/") or (not self.path_known and self.name.startswith("AWSServiceRoleFor"))
        )

    @property
    def in_account(self) -> bool:
        """Whether identity policies and organisation policies can apply at all."""
        return self.kind in _OF_ACCOUNT


_OF_ACCOUNT = frozenset(
    (CallerKind.USER, CallerKind.ROLE, CallerKind.SESSION, CallerKind.FEDERATED_USER, CallerKind.ROOT, CallerKind.ACCOUNT)
)


@lru_cache(maxsize=16384)
def caller_of(text: str) -> Caller:
    """The caller a request names. Raises ValueError when the text is no principal."""
    word = text.strip()
    if word.lower() in _ANONYMOUS:
        return Caller(CallerKind.ANONYMOUS, "*")
    if _ACCOUNT.fullmatch(word):
        return Caller(CallerKind.ROOT, f"arn:aws:iam::{word}:root", word)
    match = _ARN.fullmatch(word)
    if match:
        return _from_arn(word, match.group(1), match.group(2) or "", match.group(3))
    if word.startswith("arn:"):
        raise ValueError("is an ARN, but not of a user, role, session, provider or account")
    if word in _WEB:
        return Caller(CallerKind.FEDERATED, word)
    if _SERVICE.fullmatch(word.lower()):
        return Caller(CallerKind.SERVICE, word)
    if re.fullmatch(r"[0-9a-f]{64}", word):
        return Caller(CallerKind.CANONICAL, word)
    if re.fullmatch(r"[\w-]+(\.[\w-]+)+(/\S*)?", word):
        return Caller(CallerKind.FEDERATED, word)
    raise ValueError("is neither an ARN, an account, a service, a provider nor *")


def _from_arn(text: str, service: str, account: str, resource: str) -> Caller:
    partition = text.split(":", 2)[1]
    kind, _, rest = resource.partition("/")
    if service == "iam" and resource == "root":
        return Caller(CallerKind.ROOT, text, account, partition=partition)
    if service == "iam" and kind in ("user", "role") and rest:
        path, _, name = rest.rpartition("/")
        return Caller(
            CallerKind.USER if kind == "user" else CallerKind.ROLE,
            text,
            account,
            name,
            partition=partition,
            path=f"/{path}/" if path else "/",
        )
    if service == "iam" and kind in ("oidc-provider", "saml-provider") and rest:
        return Caller(CallerKind.FEDERATED, text, account, partition=partition)
    if service == "sts" and kind == "assumed-role" and "/" in rest:
        role, _, session = rest.rpartition("/")
        path, _, role = role.rpartition("/")
        return Caller(CallerKind.SESSION, text, account, role, session, partition, path=f"/{path}/" if path else "/", path_known=bool(path))
    if service == "sts" and kind == "federated-user" and rest:
        return Caller(CallerKind.FEDERATED_USER, text, account, rest, rest, partition)
    raise ValueError("is an ARN, but not of a user, role, session, provider or account")


class PrincipalTest(msgspec.Struct, frozen=True):
    """A `Principal` or `NotPrincipal` element, sorted by how it is asked.

    everybody:  the bare `*`; signed: `{"AWS": "*"}`, which names no service and no provider
    """

    negated: bool = False
    everybody: bool = False
    signed: bool = False
    accounts: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    roles: frozenset[tuple[str, str]] = frozenset()
    services: frozenset[str] = frozenset()
    federated: frozenset[str] = frozenset()
    canonical: frozenset[str] = frozenset()

    def reach(self, caller: Caller) -> Reach:
        """How this element names the caller. A negated one answers DIRECT or NONE."""
        if self.negated:
            return Reach.NONE if self._excepts(caller) else Reach.DIRECT
        kind = caller.kind
        if self.everybody:
            return Reach.DIRECT
        if kind is CallerKind.SERVICE:
            return Reach.DIRECT if caller.text.lower() in self.services or "*" in self.services else Reach.NONE
        if kind is CallerKind.FEDERATED:
            return Reach.DIRECT if caller.text in self.federated or "*" in self.federated else Reach.NONE
        if kind is CallerKind.CANONICAL:
            return Reach.DIRECT if caller.text in self.canonical or self.signed else Reach.NONE
        if self.signed or caller.text in self.names:
            return Reach.ROLE if kind is CallerKind.ROLE and not self.signed else Reach.DIRECT
        if kind is CallerKind.SESSION and (caller.account, caller.name) in self.roles:
            return Reach.ROLE
        if caller.account and caller.account in self.accounts:
            return Reach.DIRECT if kind in (CallerKind.ROOT, CallerKind.ACCOUNT) else Reach.ACCOUNT
        return Reach.NONE

    def _excepts(self, caller: Caller) -> bool:
        """Whether a NotPrincipal names this caller itself. Its account alone does not: AWS checks account, role and session in
        turn. Source: IAM User Guide, "NotPrincipal"."""
        if self.everybody:
            return True
        match caller.kind:
            case CallerKind.SERVICE:
                return caller.text.lower() in self.services or "*" in self.services
            case CallerKind.FEDERATED:
                return caller.text in self.federated or "*" in self.federated
            case CallerKind.CANONICAL:
                return caller.text in self.canonical
            case CallerKind.ROOT | CallerKind.ACCOUNT:
                return self.signed or caller.account in self.accounts
            case CallerKind.SESSION:
                return self.signed or caller.text in self.names or (caller.account, caller.name) in self.roles
        return self.signed or caller.text in self.names


def principal_test(principals: Mapping[str, tuple[str, ...]], *, negated: bool = False) -> PrincipalTest:
    """Sort the values of a Principal element by type. Ids of deleted identities (`AROA…`) name nobody any more."""
    accounts: set[str] = set()
    names: set[str] = set()
    roles: set[tuple[str, str]] = set()
    aws = principals.get("AWS", ())
    for value in aws:
        if _ACCOUNT.fullmatch(value):
            accounts.add(value)
        elif value.startswith("arn:"):
            names.add(value)
            parts = value.split(":", 5)
            if len(parts) == 6 and parts[5] == "root":
                accounts.add(parts[4])
            elif len(parts) == 6 and parts[5].startswith("role/"):
                roles.add((parts[4], parts[5].rsplit("/", 1)[1]))
    return PrincipalTest(
        negated=negated,
        everybody="*" in principals,
        signed="*" in aws,
        accounts=frozenset(accounts),
        names=frozenset(names),
        roles=frozenset(roles),
        services=frozenset(value.lower() for value in principals.get("Service", ())),
        federated=frozenset(principals.get("Federated", ())),
        canonical=frozenset(principals.get("CanonicalUser", ())),
    )
