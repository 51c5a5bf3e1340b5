"""Which identity or policy of the older point is which of the newer one.

The unique id decides: a renamed user is the same one, and a name that was made again is another. Made-up accounts and cut-down files
have ids that are empty or shared; there the ARN decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

import msgspec

from ...model.identity import Group, Role, User
from ...model.policy import Policy

T = TypeVar("T", User, Role, Group, Policy)


class Pair(msgspec.Struct, Generic[T], frozen=True, eq=False):
    """`old` or `new` None: only on the other side. `replaced`: another one under the same name."""

    old: T | None
    new: T | None
    replaced: bool = False

    @property
    def one(self) -> T:
        """Of the newer side, where it is there."""
        found = self.new if self.new is not None else self.old
        assert found is not None
        return found

    @property
    def both(self) -> tuple[T, T]:
        """Of a pair that is there at both points."""
        assert self.old is not None
        assert self.new is not None
        return self.old, self.new


def id_of(item: User | Role | Group | Policy) -> str:
    return item.policy_id if isinstance(item, Policy) else item.unique_id


def pairs(old: Sequence[T], new: Sequence[T]) -> list[Pair[T]]:
    """Everything of both sides, each in one pair; the same whichever side is called the older one."""
    found: list[Pair[T]] = []
    left, right = {item.arn: item for item in old}, {item.arn: item for item in new}
    for arn in [arn for arn, item in left.items() if arn in right and id_of(item) == id_of(right[arn])]:
        found.append(Pair(left.pop(arn), right.pop(arn)))
    ids = Counter(id_of(item) for item in (*old, *new))  # twice where both sides have it, more where it is shared

    def by_id(item: T) -> Hashable:
        unique = id_of(item)
        return unique if unique and ids[unique] <= 2 else None

    def take(key: Callable[[T], Hashable]) -> None:
        mine, other = _single(left.values(), key), _single(right.values(), key)
        for value in [value for value in mine if value in other]:
            one, two = mine[value], other[value]
            first, second = id_of(one), id_of(two)
            found.append(Pair(left.pop(one.arn), right.pop(two.arn), replaced=bool(first and second and first != second)))

    take(by_id)
    take(lambda item: item.arn)
    take(lambda item: item.name.casefold())  # names are unique in an account, also under another path
    found += [Pair(item, None) for item in left.values()]
    found += [Pair(None, item) for item in right.values()]
    return found


def _single(items: Iterable[T], key: Callable[[T], Hashable]) -> dict[Hashable, T]:
    """By key, those whose key no other has."""
    groups: dict[Hashable, list[T]] = {}
    for item in items:
        value = key(item)
        if value is not None:
            groups.setdefault(value, []).append(item)
    return {value: held[0] for value, held in groups.items() if len(held) == 1}
