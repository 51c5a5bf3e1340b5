"""An account's identities as callers: which policies stand around their requests, and what those decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..model.account import Snapshot
from ..model.identity import Group, Identity
from ..model.policy import Grant, Via
from ..policy.caller import Caller, CallerKind, caller_of
from ..policy.decision import Decision, Held, Layers
from ..policy.evaluation import Request, evaluate, held
from .grants import grants


class Around(msgspec.Struct, frozen=True, eq=False):
    """The policies of one identity, compiled. `unread`: names of policies and groups whose text was not read."""

    layers: Layers
    unread: tuple[str, ...] = ()


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
    return Around(Layers(identity=tuple(own), boundary=boundary), tuple(unread))


def as_caller(identity: Identity) -> Caller:
    """An identity as the caller of a request; a group stands for a member without anything of its own."""
    if isinstance(identity, Group):
        return Caller(CallerKind.USER, identity.arn, identity.account, "")
    return caller_of(identity.arn)


def decide(
    identity: Identity,
    snapshot: Snapshot,
    action: str,
    resource: str = "*",
    *,
    context: Mapping[str, Any] | None = None,
    conditional: bool = True,
    resource_policy: tuple[Held, ...] | None = None,
    service_control: tuple[tuple[Held, ...], ...] = (),
    resource_control: tuple[tuple[Held, ...], ...] = (),
    resource_account: str = "",
) -> Verdict:
    """Whether an identity may do something, by what was read of its account and what else is given."""
    found = around(identity, snapshot)
    layers = msgspec.structs.replace(
        found.layers, resource=resource_policy, service_control=service_control, resource_control=resource_control
    )
    request = Request(
        as_caller(identity), action, resource, layers, context=context, conditional=conditional, resource_account=resource_account
    )
    return Verdict(evaluate(request), found.unread)
