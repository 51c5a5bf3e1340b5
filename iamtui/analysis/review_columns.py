"""Columns of reviews, in every list of what can be decided about: the decision in force, and who answers for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..model.account import Snapshot
from ..model.fact import Fact, State, absent, known
from .lists import Column, ColumnKind

if TYPE_CHECKING:
    from ..model.review import Standings

SOURCE = "the ledger"
OWNER_TAGS = ("owner", "team", "contact")
"""Tags that name who answers for something, the best first; upper and lower case are alike."""


def mark(item: Any, snapshot: Snapshot) -> Fact[Any]:
    """The decision in force, with `reopened`, `conflict` or `expired` behind it; known and empty where nobody has decided."""
    held: Standings | None = snapshot.standings
    if held is None:
        return absent(State.NOT_LOADED, SOURCE)
    if held.state is not State.KNOWN:
        return absent(held.state, SOURCE, None, held.detail)
    if not held.marks:
        return known((), SOURCE)
    from .grounds import key_of

    standing = held.marks.get(key_of(item, snapshot))
    if standing is None or held.at is None:
        return known((), SOURCE)
    return known(standing.words(held.at), SOURCE, standing.at)


def owner(item: Any, snapshot: Snapshot) -> Fact[Any]:
    """Who answers for it: as set here, else by the first tag that tells."""
    held: Standings | None = snapshot.standings
    if held is not None and held.owners:
        from .grounds import key_of

        told = held.owners.get(key_of(item, snapshot))
        if told:
            return known(told, SOURCE)
    tags = getattr(item, "tags", None)
    if tags is None:
        return known("", SOURCE)
    found = by_tag(tags, held.owner_tags if held is not None and held.owner_tags else OWNER_TAGS)
    return known(found[1], f"tag {found[0]}") if found else known("", "tags")


def by_tag(tags: tuple[tuple[str, str], ...], names: tuple[str, ...]) -> tuple[str, str] | None:
    """(tag, value) of the first of these tags that has a value."""
    if not tags:
        return None
    folded = {key.casefold(): (key, value) for key, value in reversed(tags) if value.strip()}
    return next((folded[name.casefold()] for name in names if name.casefold() in folded), None)


def with_review(columns: tuple[Column, ...], *, owner_id: str = "owner", owned: bool = True) -> tuple[Column, ...]:
    """A list's columns with these two: the decision after the name, off screen while there are no decisions."""
    first = Column(
        "mark",
        "MARK",
        ColumnKind.LIST,
        "What a reviewer decided: keep, reduce, remove, ask owner, exception; reopened when its evidence has changed since.",
        mark,
        10,
        0,
        detail_only=True,
    )
    last = Column(owner_id, "OWNER", ColumnKind.TEXT, "Who answers for it: set here (:owner), else by tag.", owner, 14, 3, detail_only=True)
    return (columns[0], first, *columns[1:], *((last,) if owned else ()))
