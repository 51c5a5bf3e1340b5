"""Who made a call, as `userIdentity` tells it."""

from __future__ import annotations

from typing import Any

from ...model.event import Actor, ActorKind
from .wire import account_of, text


def actor_of(record: dict[str, Any]) -> Actor:
    """The actor of one CloudTrail record. `concluded` names the field it was read from."""
    identity = record.get("userIdentity")
    if not isinstance(identity, dict):
        return Actor(ActorKind.UNKNOWN, "", concluded="the record has no userIdentity")
    kind = text(identity.get("type"))
    arn = text(identity.get("arn"))
    account = text(identity.get("accountId")) or account_of(arn)
    principal = text(identity.get("principalId"))
    context = identity.get("sessionContext")
    context = context if isinstance(context, dict) else {}
    issuer = context.get("sessionIssuer")
    issuer = issuer if isinstance(issuer, dict) else {}
    common = {
        "account": account,
        "access_key_id": text(identity.get("accessKeyId")),
        "source_identity": text(context.get("sourceIdentity")),
    }
    unique_id, _, session_name = principal.partition(":")
    if kind == "IAMUser":
        name = text(identity.get("userName")) or arn.rpartition("/")[2] or principal
        return Actor(ActorKind.USER, name, arn, unique_id=principal, concluded="userIdentity", **common)
    if kind == "Root":
        return Actor(ActorKind.ROOT, "root", arn, unique_id=principal, concluded="userIdentity", **common)
    if kind == "AssumedRole" or (not kind and ":assumed-role/" in arn):
        return _role(arn, unique_id, session_name, issuer, common)
    if kind == "FederatedUser":
        name = text(identity.get("userName")) or arn.rpartition("/")[2] or session_name
        if text(issuer.get("type")) in ("IAMUser", "Root"):
            found = ActorKind.USER if text(issuer.get("type")) == "IAMUser" else ActorKind.ROOT
            owner = text(issuer.get("userName")) or "root"
            return Actor(
                found,
                owner,
                text(issuer.get("arn")),
                unique_id=text(issuer.get("principalId")),
                session_name=name,
                concluded="session issuer of a federated session",
                **common,
            )
        return Actor(ActorKind.FEDERATED, name, arn, unique_id=unique_id, session_name=session_name, concluded="userIdentity", **common)
    if kind == "SAMLUser":
        name = text(identity.get("userName")) or session_name or principal
        return Actor(ActorKind.SAML, name, arn, unique_id=principal, concluded="userIdentity", **common)
    if kind == "WebIdentityUser":
        name = text(identity.get("userName")) or principal
        return Actor(ActorKind.WEB_IDENTITY, name, arn, unique_id=principal, concluded="userIdentity", **common)
    if kind == "IdentityCenterUser":
        behalf = identity.get("onBehalfOf")
        behalf = behalf if isinstance(behalf, dict) else {}
        name = text(identity.get("userName")) or text(behalf.get("userId")) or principal
        return Actor(ActorKind.IDENTITY_CENTER, name, arn, unique_id=text(behalf.get("userId")), concluded="onBehalfOf", **common)
    if kind == "AWSService" or (not kind and identity.get("invokedBy")):
        name = text(identity.get("invokedBy")) or text(record.get("eventSource"))
        return Actor(ActorKind.SERVICE, name, arn, concluded="invokedBy", **common)
    if kind == "AWSAccount" or (not kind and account):
        return Actor(ActorKind.ACCOUNT, account or principal, arn, unique_id=principal, concluded="accountId", **common)
    if ":assumed-role/" in arn:
        return _role(arn, unique_id, session_name, issuer, common)
    name = text(identity.get("userName")) or arn or principal
    return Actor(ActorKind.UNKNOWN, name, arn, unique_id=principal, concluded=f"userIdentity of type {kind or '(none)'}", **common)


def _role(arn: str, unique_id: str, session_name: str, issuer: dict[str, Any], common: dict[str, str]) -> Actor:
    role_arn = text(issuer.get("arn"))
    tail = arn.partition(":assumed-role/")[2]
    role_name, _, session = tail.partition("/")
    if role_arn:
        return Actor(
            ActorKind.ROLE,
            text(issuer.get("userName")) or role_arn.rpartition("/")[2],
            role_arn,
            unique_id=text(issuer.get("principalId")) or unique_id,
            session_name=session_name or session,
            concluded="session issuer",
            **common,
        )
    # The ARN of a session lacks the role's path, so it names the role but is not its ARN.
    return Actor(
        ActorKind.ROLE,
        role_name or unique_id,
        "",
        unique_id=unique_id,
        session_name=session_name or session,
        concluded="session ARN; the record has no session issuer",
        **common,
    )
