"""The resources a statement applies to, seen from one service, in words."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from ..policy.catalogue import Catalogue
from ..policy.document import Statement
from ..policy.wildcard import is_pattern

ALL = "All resources"


class Scope(msgspec.Struct, frozen=True):
    """`excepted` True: every resource but these (NotResource)."""

    patterns: tuple[str, ...]
    excepted: bool = False

    @property
    def everything(self) -> bool:
        return not self.excepted and "*" in self.patterns

    @property
    def told(self) -> tuple[str, ...]:
        return tuple(f"not {pattern}" for pattern in self.patterns) if self.excepted else self.patterns

    def words(self, known: Catalogue) -> str:
        """`All resources`, `one bucket: logs`, `object pattern: logs/*`, `Multiple (4)`, `All resources except one key: …`."""
        if self.everything:
            return ALL
        if not self.patterns:
            return "no resource named"
        words = f"Multiple ({len(self.patterns)})" if len(self.patterns) > 1 else _one(self.patterns[0], known)
        return f"{ALL} except {words}" if self.excepted else words


def _one(pattern: str, known: Catalogue) -> str:
    noun = known.resource_type(pattern) or "resource"
    parts = pattern.split(":", 5)
    name = parts[5] if len(parts) == 6 else pattern
    name = name.removeprefix(f"{noun}/").removeprefix(f"{noun}:")
    return f"{noun} pattern: {name}" if is_pattern(pattern) else f"one {noun}: {name}"


def scope_of(statement: Statement, service: str) -> Scope:
    """The statement's resources as far as they concern a service ("" for all of them)."""
    if statement.not_resources and not statement.resources:
        return Scope(statement.not_resources, excepted=True)
    return Scope(_relevant(statement.resources, service))


@lru_cache(maxsize=8192)
def _relevant(patterns: tuple[str, ...], service: str) -> tuple[str, ...]:
    """ARNs of other services say nothing of this one. Where none is of this service all are kept: ARNs do not always carry
    the prefix its actions have."""
    if not service or "*" in patterns:
        return ("*",) if "*" in patterns else patterns
    mine = tuple(p for p in patterns if _service_of(p) == service or is_pattern(_service_of(p)))
    return mine or patterns


def _service_of(arn: str) -> str:
    parts = arn.split(":", 3)
    return parts[2].lower() if len(parts) > 2 else arn
