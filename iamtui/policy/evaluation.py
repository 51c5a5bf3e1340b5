"""The decision: AWS's evaluation order over every layer, with the statements and layers that decided.

Source: IAM User Guide, "Policy evaluation logic" (single account, cross-account, how AWS enforcement code decides),
"Permissions boundaries", "Session policies"; Organizations User Guide, "SCP evaluation", "RCP evaluation"; KMS Developer
Guide, "Key policies"; PrivateLink Guide, "Control access to VPC endpoints".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .caller import Caller, CallerKind, Reach, caller_of
from .compiled import Form, Rule, compile_policy
from .context import context_of
from .decision import Because, Decision, Effect, Held, Layer, Layers
from .exceptions import asked_resource, rcps_bind, scps_bind, ungoverned, unmodifiable
from .expression import Truth, all_of, any_of, negated


class Request:
    """One question, made ready: who, what, on what, in which context, under which layers.

    resource:     an ARN, `*` for actions without a resource, or a pattern, of which all must be allowed
    conditional:  keys that `context` does not name stay open, and the answer can be Depends
    block_public: S3 Block Public Access is on for the bucket
    """

    __slots__ = (
        "account",
        "action",
        "asked",
        "block_public",
        "caller",
        "conditional",
        "context",
        "in_account",
        "layers",
        "must_be_named",
        "rcps",
        "refused",
        "resource",
        "root",
        "scps",
        "ungoverned",
    )

    def __init__(
        self,
        caller: Caller,
        action: str,
        resource: str,
        layers: Layers,
        *,
        context: Mapping[str, Any] | None = None,
        resource_account: str = "",
        conditional: bool = False,
        block_public: bool = False,
    ) -> None:
        self.caller = caller
        self.asked = action
        self.action = action.lower()
        self.resource = asked_resource(self.action, resource)
        self.account = resource_account or _account_of(resource) or caller.account
        self.context = context_of(context or {}, caller, self.account)
        self.layers = layers
        self.conditional = conditional
        self.block_public = block_public
        # What does not depend on what policies say is settled once, because a request may be asked many times.
        self.in_account = caller.in_account
        self.root = caller.kind in (CallerKind.ROOT, CallerKind.ACCOUNT)
        self.rcps = layers.resource_control if layers.resource_control and rcps_bind(caller, self.action) else ()
        self.scps = layers.service_control if layers.service_control and scps_bind(caller) else ()
        self.must_be_named = _must_name(self.action, self.resource)
        self.ungoverned = ungoverned(self.action, caller)
        self.refused = unmodifiable(self.action, self.resource, caller) or (_blocked(self) if block_public else "")


def _account_of(resource: str) -> str:
    """Account of an ARN; "" where it names none (S3) or one that stands for everybody's (`aws`, `*`)."""
    parts = resource.split(":", 5)
    account = parts[4] if len(parts) == 6 else ""
    return account if account.isdigit() else ""


def evaluate(request: Request) -> Decision:
    """The decision about one request."""
    if request.ungoverned:
        return Decision(Effect.ALLOWED, (Because(Layer.AWS, True, words=request.ungoverned),))
    decision = _open(request) if request.conditional else _certain(request)
    if request.refused and decision.effect is not Effect.EXPLICITLY_DENIED:
        return Decision(Effect.IMPLICITLY_DENIED, (Because(Layer.AWS, False, words=request.refused),), (Layer.AWS,))
    return decision


_ROOT_NEEDS_NONE = Because(Layer.IDENTITY, True, words="the root user needs no identity policy")


def _certain(request: Request) -> Decision:
    """Every key that is not told is missing: the order of `_open`, in plain truth values, because this is asked most."""
    layers = request.layers
    denied: list[Because] = []
    allowed: list[Because] = []
    missing: list[Layer] = []
    for level in request.rcps:
        if not _allows(request, Layer.RESOURCE_CONTROL, level, denied, allowed):
            missing.append(Layer.RESOURCE_CONTROL)
    for level in request.scps:
        if not _allows(request, Layer.SERVICE_CONTROL, level, denied, allowed):
            missing.append(Layer.SERVICE_CONTROL)
    if layers.endpoint is not None and not _reaches(request, Layer.ENDPOINT, layers.endpoint, denied, allowed):
        missing.append(Layer.ENDPOINT)
    named = 0 if layers.resource is None else _reaches(request, Layer.RESOURCE, layers.resource, denied, allowed)
    identity = False
    boundary = session = True
    if request.in_account:
        identity = _allows(request, Layer.IDENTITY, layers.identity, denied, allowed)
        if request.root:
            allowed.append(_ROOT_NEEDS_NONE)
            identity = True
        elif layers.boundary is not None:
            boundary = _allows(request, Layer.BOUNDARY, layers.boundary, denied, allowed)
        if layers.session is not None:
            session = _allows(request, Layer.SESSION, layers.session, denied, allowed)
    if denied:
        return Decision(Effect.EXPLICITLY_DENIED, tuple(denied))
    direct, role = bool(named & 1 << Reach.DIRECT), bool(named & 1 << Reach.ROLE)
    limited = boundary and session
    own = identity and limited
    if not request.in_account:
        granted = bool(named)
    elif request.account != request.caller.account:
        granted = own and bool(named)
    elif direct or (role and limited):
        granted = True
    elif request.must_be_named:
        granted = own and bool(named)
    else:
        granted = own
    if granted and not missing:
        return Decision(Effect.ALLOWED, tuple(allowed))
    if not granted:
        lacking = _lacking(request, identity, boundary, session, role, bool(named))
        missing += [layer for layer, truth in lacking if truth is False]
    return Decision(Effect.IMPLICITLY_DENIED, tuple(allowed), tuple(dict.fromkeys(missing)))


def _lacking(
    request: Request, identity: Truth, boundary: Truth, session: Truth, role: Truth, named: Truth
) -> tuple[tuple[Layer, Truth], ...]:
    """The layers whose allow a caller needs besides the limits of the organisation, each with what it said."""
    if not request.in_account:
        return ((Layer.RESOURCE, named),)
    if request.account != request.caller.account:
        return (Layer.IDENTITY, identity), (Layer.BOUNDARY, boundary), (Layer.SESSION, session), (Layer.RESOURCE, named)
    own = (Layer.IDENTITY, any_of((identity, role))), (Layer.BOUNDARY, boundary), (Layer.SESSION, session)
    if not request.must_be_named:
        return own
    return ((Layer.RESOURCE, named),) if named is False else ((Layer.RESOURCE, named), *own)


def _allows(request: Request, layer: Layer, policies: Iterable[Held], denied: list[Because], allowed: list[Because]) -> bool:
    """Whether a layer that names no principals allows. What spoke is added to `denied` and `allowed`."""
    action, resource, context = request.action, request.resource, request.context
    found = False
    for held in policies:
        denies, allows = held.policy.rules(action)
        for rule in denies:
            if rule.applies(resource, context):
                denied.append(Because(layer, False, held, rule))
        for rule in allows:
            if rule.applies(resource, context):
                allowed.append(Because(layer, True, held, rule))
                found = True
    return found


def _reaches(request: Request, layer: Layer, policies: Iterable[Held], denied: list[Because], allowed: list[Because]) -> int:
    """The reaches by which a layer that names principals allows, a bit each (`1 << Reach.ROLE`)."""
    caller, action, resource, context = request.caller, request.action, request.resource, request.context
    found = 0
    for held in policies:
        denies, allows = held.policy.rules(action)
        for rule in denies:
            if (_names(request, rule) is not Reach.NONE or _denies_bounded(request, rule)) and rule.applies(resource, context):
                denied.append(Because(layer, False, held, rule))
        for rule in allows:
            reach = Reach.DIRECT if rule.principal is None else rule.principal.reach(caller)
            if reach is not Reach.NONE and rule.applies(resource, context):
                allowed.append(Because(layer, True, held, rule, reach))
                found |= 1 << reach
    return found


def _names(request: Request, rule: Rule) -> Reach:
    return Reach.DIRECT if rule.principal is None else rule.principal.reach(request.caller)


def _open(request: Request) -> Decision:
    """Keys nobody told about stay open: truths that may be expressions, joined in AWS's order."""
    caller, layers = request.caller, request.layers
    denied: list[Because] = []
    allowed: list[Because] = []
    limits: list[tuple[Layer, Truth]] = []

    for level in request.rcps:
        limits.append((Layer.RESOURCE_CONTROL, _ask(request, Layer.RESOURCE_CONTROL, level, denied, allowed)))
    for level in request.scps:
        limits.append((Layer.SERVICE_CONTROL, _ask(request, Layer.SERVICE_CONTROL, level, denied, allowed)))
    if layers.endpoint is not None:
        limits.append((Layer.ENDPOINT, _ask(request, Layer.ENDPOINT, layers.endpoint, denied, allowed)))
    named: dict[Reach, list[Truth]] = {}
    if layers.resource is not None:
        _ask(request, Layer.RESOURCE, layers.resource, denied, allowed, named)
    identity: Truth = False
    boundary: Truth = True
    session: Truth = True
    if request.in_account:
        identity = _ask(request, Layer.IDENTITY, layers.identity, denied, allowed)
        if request.root:
            allowed.append(_ROOT_NEEDS_NONE)
            identity = True
        elif layers.boundary is not None:
            boundary = _ask(request, Layer.BOUNDARY, layers.boundary, denied, allowed)
        if layers.session is not None:
            session = _ask(request, Layer.SESSION, layers.session, denied, allowed)

    refused = any_of(because.open for because in denied)
    if refused is True:
        return Decision(Effect.EXPLICITLY_DENIED, tuple(because for because in denied if because.open is True))

    direct, role, account = (any_of(named.get(reach, ())) for reach in (Reach.DIRECT, Reach.ROLE, Reach.ACCOUNT))
    by_resource = any_of((direct, role, account))
    own = all_of((identity, boundary, session))
    if not request.in_account:
        granted = by_resource
    elif request.account != caller.account:
        granted = all_of((own, by_resource))
    else:
        limited = all_of((role, boundary, session))
        granted = any_of((direct, limited, all_of((account, own)) if request.must_be_named else own))
    answer = all_of((*(truth for _layer, truth in limits), granted))
    if answer is False:
        lacking = _lacking(request, identity, boundary, session, role, by_resource) if granted is False else ()
        missing = dict.fromkeys(layer for layer, truth in (*limits, *lacking) if truth is False)
        return Decision(Effect.IMPLICITLY_DENIED, tuple(allowed), tuple(missing))
    answer = all_of((answer, negated(refused)))
    if answer is True:
        return Decision(Effect.ALLOWED, tuple(allowed))
    if answer is False:
        return Decision(Effect.IMPLICITLY_DENIED, (*denied, *allowed))
    assert not isinstance(answer, bool)
    return Decision(Effect.DEPENDS, (*denied, *allowed), conditions=answer)


def _ask(
    request: Request,
    layer: Layer,
    policies: Iterable[Held],
    denied: list[Because],
    allowed: list[Because],
    named: dict[Reach, list[Truth]] | None = None,
) -> Truth:
    """Whether a layer allows; what spoke is added to `denied` and `allowed`, and by reach to `named` (resource policies)."""
    caller, action, resource, context = request.caller, request.action, request.resource, request.context
    truths: list[Truth] = []
    for held in policies:
        denies, allows = held.policy.rules(action)
        for rules, spoke, allowing in ((denies, denied, False), (allows, allowed, True)):
            for rule in rules:
                reach = Reach.NONE
                if rule.principal is not None:
                    reach = rule.principal.reach(caller)
                    if reach is Reach.NONE and not _denies_bounded(request, rule):
                        continue
                truth = rule.truth(resource, context)
                if truth is False:
                    continue
                spoke.append(Because(layer, allowing, held, rule, reach, truth))
                if allowing:
                    truths.append(truth)
                    if named is not None:
                        named.setdefault(reach, []).append(truth)
    return any_of(truths)


def _denies_bounded(request: Request, rule: Rule) -> bool:
    """A Deny with NotPrincipal reaches everyone who has a permissions boundary, whoever it excepts (IAM User Guide, NotPrincipal)."""
    principal = rule.principal
    return principal is not None and principal.negated and rule.statement.denies and request.layers.boundary is not None


def _must_name(action: str, resource: str) -> bool:
    """Trust and key policies: without them nobody gets in, whatever identity policies say."""
    if action.startswith("sts:"):
        return action in _ROLE_ENTRANCES and ":role/" in resource
    return action.startswith("kms:") and ":key/" in resource


_ROLE_ENTRANCES = frozenset(
    (
        "sts:assumerole",
        "sts:assumerolewithsaml",
        "sts:assumerolewithwebidentity",
        "sts:tagsession",
        "sts:setsourceidentity",
        "sts:setcontext",
    )
)


def _blocked(request: Request) -> str:
    """Why S3 Block Public Access refuses; "" when it does not."""
    from .public import blocked_by_public_access_block

    if request.layers.resource is None or not request.action.startswith("s3"):
        return ""
    return blocked_by_public_access_block(request.caller, request.account, [one.policy for one in request.layers.resource])


def held(text: str, form: Form = Form.IDENTITY, name: str = "", way: str = "") -> Held:
    """A policy document's text, in a layer."""
    return Held(compile_policy(text, form), name, way, text)


def ask(
    principal: str, action: str, resource: str, identity: Sequence[str] = (), *, context: Mapping[str, Any] | None = None, **layers: Any
) -> Decision:
    """A question in one line: documents as text, layers by name. For tables and trying out."""
    documents = tuple(held(text) for text in identity)
    return evaluate(Request(caller_of(principal), action, resource, Layers(identity=documents, **layers), context=context))
