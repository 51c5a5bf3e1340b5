"""An account's identities as callers: which policies stand around their requests, and what those decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ..model.account import Snapshot
from ..model.identity import Group, Identity, User
from ..model.policy import Grant, Via
from ..model.surroundings import Surroundings
from ..policy.caller import Caller, CallerKind, caller_of
from ..policy.compiled import Form
from ..policy.decision import Decision, Held, Layers
from ..policy.evaluation import Request, evaluate, held
from ..policy.wildcard import is_pattern
from .grants import grants
from .reach import roles_by_arn

NOTHING_AROUND = Surroundings()

# Services whose resources can carry a policy. Source: IAM User Guide, "AWS services that work with IAM", resource-based policies.
_HAVE_POLICIES = frozenset(
    [
        "apigateway",
        "backup",
        "codeartifact",
        "codebuild",
        "dynamodb",
        "ecr",
        "elasticfilesystem",
        "es",
        "events",
        "execute-api",
        "glacier",
        "glue",
        "iam",
        "iot",
        "kinesis",
        "kms",
        "lambda",
        "logs",
        "mediastore",
        "rds-data",
        "s3",
        "s3-outposts",
        "schemas",
        "secretsmanager",
        "ses",
        "sns",
        "sqs",
        "ssm-incidents",
        "vpc-lattice",
    ]
)


class Around(msgspec.Struct, frozen=True, eq=False):
    """The policies of one identity, compiled.

    unread: names of policies and groups whose text was not read
    personal: a policy asks who they are, so that others with the same policies may get another answer
    """

    layers: Layers
    unread: tuple[str, ...] = ()
    personal: bool = False


class Verdict(msgspec.Struct, frozen=True, eq=False):
    """A decision about an identity of an account, and what it rests on.

    unread: policies that were not read: what they grant or deny is not in the decision
    notes:  what else is not in it (organisation policies, resource policies)
    """

    decision: Decision
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def way(grant: Grant) -> str:
    """How a policy came, in words: `inline`, `attached`, `via group ops`, `inline in group ops`, `boundary`."""
    match grant.via:
        case Via.GROUP_ATTACHED:
            return f"via group {grant.group}"
        case Via.GROUP_INLINE:
            return f"inline in group {grant.group}"
        case _:
            return grant.via.value


def around(identity: Identity, snapshot: Snapshot) -> Around:
    """Identity policies, groups' policies and boundary of an identity as layers of a request."""
    own: list[Held] = []
    boundary: tuple[Held, ...] | None = None
    unread: list[str] = []
    for grant in grants(identity, snapshot):
        if grant.document is None:
            unread.append(grant.policy_name or f"group {grant.group}")
            continue
        one = held(grant.document, name=grant.policy_name, way=way(grant))
        if grant.via is Via.BOUNDARY:
            boundary = (one,)
        else:
            own.append(one)
    personal = any(one.policy.personal for one in (*own, *(boundary or ())))
    return Around(Layers(identity=tuple(own), boundary=boundary), tuple(unread), personal)


def as_caller(identity: Identity) -> Caller:
    """An identity as the caller of a request; a group stands for a member without anything of its own."""
    if isinstance(identity, Group):
        return Caller(CallerKind.USER, identity.arn, identity.account, "")
    try:
        return caller_of(identity.arn)
    except ValueError:  # an ARN nobody but a stranger's file would write: it is asked about all the same, as what it claims to be
        kind = CallerKind.USER if isinstance(identity, User) else CallerKind.ROLE
        return Caller(kind, identity.arn, identity.account, identity.name, path=identity.path)


def organization_levels(surroundings: Surroundings, account: str, kind: str, form: Form) -> tuple[tuple[Held, ...], ...]:
    """The organisation's policies of one kind over an account, a tuple a level from the root down."""
    organization = surroundings.organization_of(account)
    if organization is None:
        return ()
    return tuple(
        tuple(held(p.document, form, p.name, f"at {organization.names.get(p.target) or p.target}") for p in level)
        for level in organization.levels(account, kind)
    )


def organization_note(surroundings: Surroundings, account: str) -> str:
    """What of the organisation's policies is in no answer about an account, in words; "" when all of them are."""
    organization = surroundings.organization_of(account)
    if organization is None:
        return "organisation policies were not read"
    if account == organization.management or not organization.unread:
        return ""
    kinds = {"SERVICE_CONTROL_POLICY": "service control policies", "RESOURCE_CONTROL_POLICY": "resource control policies"}
    unread = " and ".join(kinds.get(kind, kind) for kind in sorted(organization.unread, reverse=True))
    return f"{unread} of the organisation were not read"


def resource_policy(resource: str, snapshots: Iterable[Snapshot], surroundings: Surroundings) -> tuple[tuple[Held, ...] | None, str]:
    """(the policy on a resource, the account it is in) as far as known: trust policies of roles, bucket policies of objects."""
    if ":role/" in resource:
        for snapshot in snapshots:
            role = roles_by_arn(snapshot).get(resource)
            if role is not None:
                return ((held(role.trust, Form.RESOURCE, role.name, "trust policy"),) if role.trust else None), role.account
    arn = resource
    if arn not in surroundings.resources and arn.split(":")[2:3] == ["s3"]:
        arn = arn.partition("/")[0]
    known = surroundings.resources.get(arn)
    if known is None:
        return None, ""
    return (held(known.document, Form.RESOURCE, known.arn.rpartition(":")[2], "resource policy"),), known.account


class Question(msgspec.Struct, frozen=True, eq=False):
    """An action on a resource, with everything around it that does not depend on who asks."""

    action: str
    resource: str
    resource_policy: tuple[Held, ...] | None = None
    resource_account: str = ""
    context: Mapping[str, Any] = {}
    conditional: bool = True


def question(
    action: str,
    resource: str,
    snapshots: Iterable[Snapshot],
    surroundings: Surroundings,
    *,
    context: Mapping[str, Any] | None = None,
    conditional: bool = True,
) -> Question:
    """A question about open accounts. A request about a resource of one Region goes to that Region, so its key is told."""
    policy, account = resource_policy(resource, snapshots, surroundings)
    told: dict[str, Any] = {}
    parts = resource.split(":", 5)
    if len(parts) == 6 and parts[3] and not is_pattern(parts[3]):
        told["aws:RequestedRegion"] = parts[3]
    for key, value in (context or {}).items():
        told = {known: held for known, held in told.items() if known.lower() != key.lower()} | {key: value}
    return Question(action, resource, policy, account, told, conditional)


def decide(identity: Identity, snapshot: Snapshot, asked: Question, surroundings: Surroundings = NOTHING_AROUND) -> Verdict:
    """Whether an identity may do something, by what was read of its account and of what stands around it."""
    found = around(identity, snapshot)
    scps = organization_levels(surroundings, snapshot.account, "SERVICE_CONTROL_POLICY", Form.IDENTITY)
    owner = asked.resource_account or snapshot.account
    rcps = organization_levels(surroundings, owner, "RESOURCE_CONTROL_POLICY", Form.ORGANIZATION_RESOURCE)
    layers = msgspec.structs.replace(found.layers, resource=asked.resource_policy, service_control=scps, resource_control=rcps)
    decision = evaluate(
        Request(
            as_caller(identity),
            asked.action,
            asked.resource,
            layers,
            context={**surroundings.principal_context(snapshot.account), **asked.context},
            conditional=asked.conditional,
            resource_account=asked.resource_account,
        )
    )
    notes = []
    if unread := organization_note(surroundings, snapshot.account):
        notes.append(unread)
    if asked.resource_policy is None and asked.resource.split(":")[2:3] and asked.resource.split(":")[2] in _HAVE_POLICIES:
        notes.append("a policy on the resource was not read")
    return Verdict(decision, found.unread, tuple(notes))
