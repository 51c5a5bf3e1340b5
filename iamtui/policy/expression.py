"""Truths that may stay open: True, False, or an expression of conditions nobody has answered yet.

`all_of`, `any_of` and `negated` keep the three apart; an expression never becomes True by being joined with others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec


class Open(msgspec.Struct, frozen=True):
    """A condition that depends on the request: `StringEquals aws:RequestedRegion eu-west-1`. `holds` False: it must not hold.

    key: a condition key, or `resource` where a part of the asked resources is meant
    """

    operator: str
    key: str
    values: tuple[str, ...]
    holds: bool = True


class All(msgspec.Struct, frozen=True):
    """Every part must hold."""

    parts: tuple[Expression, ...]


class Any_(msgspec.Struct, frozen=True):
    """One part must hold."""

    parts: tuple[Expression, ...]


Expression = Open | All | Any_
Truth = bool | Expression


def all_of(truths: Iterable[Truth]) -> Truth:
    parts: dict[Expression, None] = {}
    for truth in truths:
        if truth is False:
            return False
        if truth is True:
            continue
        for part in truth.parts if isinstance(truth, All) else (truth,):
            parts[part] = None
    if len(parts) > 1 and _contradict(parts):
        return False
    if not parts:
        return True
    # A part that another part already says in more general words adds nothing: a and (a or b) is a.
    kept = tuple(part for part in parts if not (isinstance(part, Any_) and any(other in parts for other in part.parts)))
    return kept[0] if len(kept) == 1 else All(kept)


def any_of(truths: Iterable[Truth]) -> Truth:
    parts: dict[Expression, None] = {}
    for truth in truths:
        if truth is True:
            return True
        if truth is False:
            continue
        for part in truth.parts if isinstance(truth, Any_) else (truth,):
            parts[part] = None
    if not parts:
        return False
    kept = tuple(part for part in parts if not (isinstance(part, All) and any(other in parts for other in part.parts)))
    return kept[0] if len(kept) == 1 else Any_(kept)


def negated(truth: Truth) -> Truth:
    if isinstance(truth, bool):
        return not truth
    if isinstance(truth, Open):
        return Open(truth.operator, truth.key, truth.values, not truth.holds)
    if isinstance(truth, All):
        return any_of(negated(part) for part in truth.parts)
    return all_of(negated(part) for part in truth.parts)


def _contradict(parts: Iterable[Expression]) -> bool:
    """A condition and its opposite, side by side."""
    opens = {part for part in parts if isinstance(part, Open)}
    return any(Open(part.operator, part.key, part.values, not part.holds) in opens for part in opens)


def words(expression: Expression) -> str:
    """The expression as a person reads it: `(aws:MultiFactorAuthPresent Bool true) and not (…)`."""
    return _words(expression, False)


def _words(expression: Expression, inner: bool) -> str:
    if isinstance(expression, Open):
        text = f"{expression.key} {expression.operator} {', '.join(expression.values)}".rstrip()
        return text if expression.holds else f"not ({text})"
    joint = " and " if isinstance(expression, All) else " or "
    text = joint.join(_words(part, True) for part in expression.parts)
    return f"({text})" if inner else text


def as_data(expression: Expression) -> dict[str, Any]:
    """JSON form: `{"all": […]}`, `{"any": […]}`, `{"operator", "key", "values"}` and, where it must not hold, `{"not": …}`."""
    if isinstance(expression, Open):
        leaf = {"operator": expression.operator, "key": expression.key, "values": list(expression.values)}
        return leaf if expression.holds else {"not": leaf}
    return {"all" if isinstance(expression, All) else "any": [as_data(part) for part in expression.parts]}
