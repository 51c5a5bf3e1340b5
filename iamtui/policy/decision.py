"""What the engine is asked with and what it answers: layers of policies, a decision, and its because."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from .caller import Reach
from .compiled import CompiledPolicy, Rule
from .expression import Expression, Truth, words


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
    """A policy in a layer: its compiled form, its name, and the way it came (`attached`, `inline`, `via group ops`); `text` is its JSON."""

    policy: CompiledPolicy
    name: str = ""
    way: str = ""
    text: str = ""


_GRANTING = frozenset((Layer.IDENTITY, Layer.RESOURCE, Layer.AWS))


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
    def lets_all_pass(self) -> bool:
        """A statement that allows everything to everybody under no condition: a limit that is none."""
        said = self.rule.statement if self.rule is not None else None
        return said is not None and said.allows and said.actions == said.resources == ("*",) and not said.conditions

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
    def deciding(self) -> tuple[Because, ...]:
        """What matters for the answer, the grants first: of a refusal what refuses; of a permission what permits it and what it
        depends on, without limits that let everything pass."""
        if not self.allowed and self.effect is not Effect.DEPENDS:
            return tuple(one for one in self.because if not one.allows)
        told = [one for one in self.because if one.layer in _GRANTING or not one.allows or not one.lets_all_pass]
        return tuple(sorted(told, key=lambda one: (not (one.allows and one.layer in _GRANTING), one.allows)))

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
