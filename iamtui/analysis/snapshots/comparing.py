"""Two points in time of one account, or of several, compared."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterator
from typing import Any

from ...model.account import Snapshot, World
from ...model.surroundings import Surroundings
from ..access import NOTHING_AROUND
from .access import standing
from .credentials import account, credentials
from .difference import Comparison, Difference, Note, Side, order
from .identities import identities
from .policies import policies
from .sides import Sides
from .trusting import resources


def compare_snapshots(
    old: Snapshot,
    new: Snapshot,
    old_around: Surroundings = NOTHING_AROUND,
    new_around: Surroundings = NOTHING_AROUND,
    *,
    only: Collection[str] = (),
    cancelled: Callable[[], bool] = lambda: False,
) -> Comparison:
    """Everything that is another in the newer one. What a side does not tell is a note and no difference.

    only: ARNs of users, roles and groups; () for everybody. What is of the account alone is then left out, policies are not.
    """
    sides = Sides(old, new, old_around, new_around)
    wanted = _wanted(frozenset(only))
    collecting = gc.isenabled()
    gc.disable()  # ten thousand values of each side, none of them garbage
    try:
        found = sorted(_differences(sides, wanted, focused=bool(only), cancelled=cancelled), key=order)
    finally:
        if collecting:
            gc.enable()
    return Comparison(tuple(found), tuple(sides.notes), sides.since, sides.until)


def _wanted(only: frozenset[str]) -> Callable[[Any], bool]:
    def wanted(pair: Any) -> bool:
        return not only or any(item is not None and item.arn in only for item in (pair.old, pair.new))

    return wanted


def _differences(sides: Sides, wanted: Callable[[Any], bool], *, focused: bool, cancelled: Callable[[], bool]) -> Iterator[Difference]:
    yield from identities(sides, wanted)
    yield from policies(sides, lambda pair: True)
    yield from credentials(sides, wanted)
    if not focused:
        yield from account(sides)
        yield from resources(sides)
    if not cancelled():
        yield from standing(sides, wanted, focused=focused, cancelled=cancelled)


def compare(
    old: World,
    new: World,
    old_around: Surroundings = NOTHING_AROUND,
    new_around: Surroundings = NOTHING_AROUND,
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> Comparison:
    """All accounts that both worlds hold; one that only one of them holds is a note."""
    before = {snapshot.account: snapshot for snapshot in old.snapshots}
    after = {snapshot.account: snapshot for snapshot in new.snapshots}
    found: list[Difference] = []
    notes: list[Note] = []
    points: list[Comparison] = []
    for number in sorted(before.keys() | after.keys()):
        if number not in before or number not in after:
            side = Side.OLD if number not in before else Side.NEW
            notes.append(Note(side, f"account {number}: not in the {side.value} one", number))
            continue
        one = compare_snapshots(before[number], after[number], old_around, new_around, cancelled=cancelled)
        found += one.differences
        notes += one.notes
        points.append(one)
    return Comparison(
        tuple(sorted(found, key=order)),
        tuple(notes),
        min((one.since for one in points if one.since), default=None),
        max((one.until for one in points if one.until), default=None),
    )
