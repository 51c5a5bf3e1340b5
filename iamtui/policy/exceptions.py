"""AWS's own exceptions: what needs no permission, what nobody may change, whom organisation policies do not reach.

Sources: STS API Reference (GetCallerIdentity, GetSessionToken, AssumeRole); IAM User Guide, "Service-linked roles", "AWS managed
policies"; IAM Identity Center User Guide, "Referencing permission sets"; Organizations User Guide, "SCPs", "RCPs".
"""

from __future__ import annotations

from functools import lru_cache

from .caller import Caller, CallerKind
from .catalogue import AccessLevel, catalogue

_RESERVED = ":role/aws-reserved/"
_SERVICE_LINKED = ":role/aws-service-role/"
_CHANGING = frozenset((AccessLevel.WRITE, AccessLevel.PERMISSIONS, AccessLevel.TAGGING))
_HARMLESS = frozenset(("iam:passrole", "iam:createservicelinkedrole", "iam:deleteservicelinkedrole"))
_ON_ATTACHING = frozenset(f"iam:{verb}{kind}policy" for verb in ("attach", "detach") for kind in ("user", "role", "group")) | frozenset(
    ("iam:putuserpermissionsboundary", "iam:putrolepermissionsboundary")
)


def scps_bind(caller: Caller) -> bool:
    """Service control policies bind users, roles and the root user of member accounts, service-linked roles aside."""
    return caller.in_account and not caller.service_linked


def rcps_bind(caller: Caller, action: str) -> bool:
    """Resource control policies bind everybody who comes to a resource of a supported service, service-linked roles aside."""
    return not caller.service_linked and rcp_governs(action)


@lru_cache(maxsize=4096)
def rcp_governs(action: str) -> bool:
    """Whether resource control policies apply to an action's service at all."""
    known = catalogue()
    service = action.partition(":")[0]
    return service in known.resource_control_services


def ungoverned(action: str, caller: Caller) -> str:
    """Why a request is allowed whatever policies say; "" when policies decide."""
    if action == "sts:getcalleridentity" and caller.in_account:
        return "GetCallerIdentity needs no permission, and an explicit deny does not stop it"
    if action == "sts:getsessiontoken" and caller.kind in (CallerKind.USER, CallerKind.ROOT):
        return "GetSessionToken needs no permission: policies cannot control it"
    return ""


def unmodifiable(action: str, resource: str, caller: Caller) -> str:
    """Why a request fails whatever policies say; "" when policies decide."""
    if action == "sts:assumerole" and caller.kind is CallerKind.ROOT:
        return "a root user cannot assume roles"
    if not action.startswith("iam:") or action in _HARMLESS:
        return ""
    if _RESERVED in resource and _changes(action):
        return "only IAM Identity Center changes roles under aws-reserved"
    if _SERVICE_LINKED in resource and _changes(action) and action != "iam:updateroledescription":
        return "only the linked service changes a service-linked role"
    if ":iam::aws:policy/" in resource and _changes(action) and action not in _ON_ATTACHING:
        return "only AWS changes AWS managed policies"
    return ""


def _changes(action: str) -> bool:
    return catalogue().level(action) in _CHANGING


@lru_cache(maxsize=8192)
def _without_resource(action: str) -> bool:
    return catalogue().has_resources(action) is False


def asked_resource(action: str, resource: str) -> str:
    """What policies see: `*` for an action that has no resource type, whatever was asked."""
    return "*" if resource != "*" and _without_resource(action) else resource
