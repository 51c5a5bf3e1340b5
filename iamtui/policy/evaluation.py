"""The decision: AWS's evaluation order over every layer, with the statements and layers that decided.

Source: IAM User Guide, "Policy evaluation logic" (single account, cross-account, how AWS enforcement code decides),
"Permissions boundaries", "Session policies"; Organizations User Guide, "SCP evaluation", "RCP evaluation"; KMS Developer
Guide, "Key policies"; PrivateLink Guide, "Control access to VPC endpoints".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from .caller import Caller, CallerKind, Reach, caller_of
from .compiled import CompiledPolicy, Form, Rule, compile_policy
from .context import context_of
from .exceptions import asked_resource, rcps_bind, scps_bind, ungoverned, unmodifiable
from .expression import Expression, Truth, all_of, any_of, negated, words


class Effect(StrEnum):
    ALLOWED = "Allowed"
    IMPLICITLY_DENIED = "ImplicitlyDenied"
    EXPLICITLY_DENIED = "ExplicitlyDenied"
    DEPENDS = "Depends"


class Layer(StrEnum):
    """Where a decision came from, in words."""

    RESOURCE_CONTROL = "resource control policy"
    SERVICE_CONTROL = "service control policy"
    ENDPOINT = "VPC endpoint policy"
    RESOURCE = "resource policy"
    IDENTITY = "identity policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    AWS = "AWS itself"


class Held(msgspec.Struct, frozen=True, eq=False):
    """A policy in a layer: its compiled form, its name, and the way it came (`attached`, `inline`, `via group ops`, `level 2`)."""

    policy: CompiledPolicy
    name: str = ""
    way: str = ""


class Because(msgspec.Struct, frozen=True, eq=False):
    """One statement that spoke.

    reach: how a resource policy named the caller
    open:  what the statement still depends on; True when it spoke for certain
    words: a reason that is no statement (`Layer.AWS`, an identity that needs no policy)
    """

    layer: Layer
    allows: bool
    held: Held | None = None
    rule: Rule | None = None
    reach: Reach = Reach.NONE
    open: Truth = True
    words: str = ""

    @property
    def told(self) -> str:
        """`identity policy Deploy (attached), statement Write, allows`."""
        if self.rule is None or self.held is None:
            return f"{self.layer}: {self.words}"
        name = f" {self.held.name}" if self.held.name else ""
        way = f" ({self.held.way})" if self.held.way else ""
        label = self.rule.statement.label
        statement = label if label.startswith("statement ") else f"statement {label}"
        return f"{self.layer}{name}{way}, {statement}, {'allows' if self.allows else 'denies'}"


class Decision(msgspec.Struct, frozen=True, eq=False):
    """because: the statements that decided; missing: the layers that did not allow; conditions: what `Depends` depends on."""

    effect: Effect
    because: tuple[Because, ...] = ()
    missing: tuple[Layer, ...] = ()
    conditions: Expression | None = None

    @property
    def allowed(self) -> bool:
        return self.effect is Effect.ALLOWED

    @property
    def told(self) -> tuple[str, ...]:
        """Sentences: what spoke, which layer was missing, what is open."""
        lines = [because.told for because in self.because]
        lines += [f"no {layer} allows it" for layer in self.missing]
        if self.conditions is not None:
            lines.append(f"depends on {words(self.conditions)}")
        return tuple(lines)


class Layers(msgspec.Struct, frozen=True, eq=False):
    """The policies around a request. None: the layer is not there and is not applied.

    service_control, resource_control: one tuple a level, root of the organisation first
    """

    identity: tuple[Held, ...] = ()
    boundary: tuple[Held, ...] | None = None
    session: tuple[Held, ...] | None = None
    resource: tuple[Held, ...] | None = None
    service_control: tuple[tuple[Held, ...], ...] = ()
    resource_control: tuple[tuple[Held, ...], ...] = ()
    endpoint: tuple[Held, ...] | None = None


class Request:
    """One question, made ready: who, what, on what, in which context, under which layers.

    resource:     an ARN, `*` for actions without a resource, or a pattern, of which all must be allowed
    conditional:  keys that `context` does not name stay open, and the answer can be Depends
    block_public: S3 Block Public Access is on for the bucket
    """

    __slots__ = ("account", "action", "asked", "block_public", "caller", "conditional", "context", "layers", "resource")

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


def _account_of(resource: str) -> str:
    """Account of an ARN; "" where it names none (S3) or one that stands for everybody's (`aws`, `*`)."""
    parts = resource.split(":", 5)
    account = parts[4] if len(parts) == 6 else ""
    return account if account.isdigit() else ""


def evaluate(request: Request) -> Decision:
    """The decision about one request."""
    why = ungoverned(request.action, request.caller)
    if why:
        return Decision(Effect.ALLOWED, (Because(Layer.AWS, True, words=why),))
    decision = _by_policies(request)
    if decision.effect is not Effect.EXPLICITLY_DENIED:
        why = _refused_by_aws(request)
        if why:
            return Decision(Effect.IMPLICITLY_DENIED, (Because(Layer.AWS, False, words=why),), (Layer.AWS,))
    return decision


def _by_policies(request: Request) -> Decision:
    caller, layers = request.caller, request.layers
    denied: list[Because] = []
    allowed: list[Because] = []
    limits: list[tuple[Layer, Truth]] = []

    if layers.resource_control and rcps_bind(caller, request.action):
        for level in layers.resource_control:
            limits.append((Layer.RESOURCE_CONTROL, _ask(request, Layer.RESOURCE_CONTROL, level, denied, allowed)))
    if layers.service_control and scps_bind(caller):
        for level in layers.service_control:
            limits.append((Layer.SERVICE_CONTROL, _ask(request, Layer.SERVICE_CONTROL, level, denied, allowed)))
    if layers.endpoint is not None:
        limits.append((Layer.ENDPOINT, _ask(request, Layer.ENDPOINT, layers.endpoint, denied, allowed)))
    named: dict[Reach, list[Truth]] = {}
    if layers.resource is not None:
        _ask(request, Layer.RESOURCE, layers.resource, denied, allowed, named)
    identity: Truth = False
    boundary: Truth = True
    session: Truth = True
    if caller.in_account:
        identity = _ask(request, Layer.IDENTITY, layers.identity, denied, allowed)
        if caller.kind in (CallerKind.ROOT, CallerKind.ACCOUNT):
            allowed.append(Because(Layer.IDENTITY, True, words="the root user needs no identity policy"))
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
    lacking: list[tuple[Layer, Truth]] = []
    if not caller.in_account:
        granted = by_resource
        lacking.append((Layer.RESOURCE, by_resource))
    elif request.account != caller.account:
        granted = all_of((own, by_resource))
        lacking += [(Layer.IDENTITY, identity), (Layer.BOUNDARY, boundary), (Layer.SESSION, session), (Layer.RESOURCE, by_resource)]
    else:
        limited = all_of((role, boundary, session))
        if _must_name(request):
            granted = any_of((direct, limited, all_of((account, own))))
            lacking.append((Layer.RESOURCE, by_resource))
            if by_resource is not False:
                lacking += [(Layer.IDENTITY, any_of((identity, role))), (Layer.BOUNDARY, boundary), (Layer.SESSION, session)]
        else:
            granted = any_of((direct, limited, own))
            lacking += [(Layer.IDENTITY, any_of((identity, role))), (Layer.BOUNDARY, boundary), (Layer.SESSION, session)]
    answer = all_of((*(truth for _layer, truth in limits), granted))
    if answer is False:
        missing = dict.fromkeys(layer for layer, truth in (*limits, *(lacking if granted is False else ())) if truth is False)
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
    conditional = request.conditional
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
                if not conditional:
                    if not rule.applies(resource, context):
                        continue
                    truth: Truth = True
                else:
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


def _must_name(request: Request) -> bool:
    """Trust and key policies: without them nobody gets in, whatever identity policies say."""
    action, resource = request.action, request.resource
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


def _refused_by_aws(request: Request) -> str:
    """Why AWS refuses whatever policies allow; "" when policies decide."""
    why = unmodifiable(request.action, request.resource, request.caller)
    if not why and request.block_public and request.layers.resource is not None and request.action.startswith("s3"):
        from .public import blocked_by_public_access_block

        policies = [one.policy for one in request.layers.resource]
        why = blocked_by_public_access_block(request.caller, request.account, policies)
    return why


def held(text: str, form: Form = Form.IDENTITY, name: str = "", way: str = "") -> Held:
    """A policy document's text, in a layer."""
    return Held(compile_policy(text, form), name, way)


def ask(
    principal: str, action: str, resource: str, identity: Sequence[str] = (), *, context: Mapping[str, Any] | None = None, **layers: Any
) -> Decision:
    """A question in one line: documents as text, layers by name. For tables and trying out."""
    documents = tuple(held(text) for text in identity)
    return evaluate(Request(caller_of(principal), action, resource, Layers(identity=documents, **layers), context=context))
