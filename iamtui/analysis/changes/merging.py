"""One entry of what several sources tell about the same change.

The same change is: the same kind, of the same thing, of the same bearer of the name, at about the same time, with nothing that speaks
against it (another document, another unique id). Every telling stays in exactly one entry, and no entry has two of one source.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from ...model.change import Author, Change, ChangeKind, Tells
from ...model.fact import Fact, State
from ..documents import same_document

_EARLIEST = datetime.min.replace(tzinfo=UTC)
NEAR = timedelta(minutes=2)
"""A stored version's date and its event's time differ by less."""
LATE = timedelta(hours=24)
"""An item without one before it, of a recorder that writes once a day, is so late at most."""

_Slot = tuple[str, str, str, ChangeKind, str]


def merged(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The entries, oldest first; those without a time come first of all."""
    slots: dict[_Slot, list[Change]] = {}
    unnumbered: list[Change] = []
    for change in changes:
        if change.kind is ChangeKind.VERSION and not change.part:
            unnumbered.append(change)
        else:
            slots.setdefault(_slot(change), []).append(change)
    found: list[Change] = []
    for held in slots.values():
        found.extend(_joined(held) if len(held) > 1 else held)
    if unnumbered:
        found = _numbered(found, unnumbered)
    return tuple(sorted(found, key=order))


def order(change: Change) -> tuple[bool, datetime, int]:
    """Sorts oldest first; at the same moment, making comes before giving, and giving before taking away."""
    return (change.at is not None, change.at or _EARLIEST, _RANKS[change.kind])


_RANKS = {kind: rank for rank, kind in enumerate(ChangeKind)}
_RANKS[ChangeKind.DELETED] = len(_RANKS)


def _slot(change: Change) -> _Slot:
    part = change.part if ":" in change.part else change.part.casefold()
    if change.kind in (ChangeKind.BOUNDARY_SET, ChangeKind.RENAMED):
        part = change.becomes.casefold()
    elif change.kind in (ChangeKind.CREATED, ChangeKind.DELETED, ChangeKind.TRUST, ChangeKind.BOUNDARY_REMOVED, ChangeKind.UNTAGGED, ChangeKind.TAGGED):  # fmt: skip
        part = ""
    name = change.arn if change.target == "policy" and change.arn else change.name.casefold()
    return (change.account, change.target, name, change.kind, part)


def _joined(held: Sequence[Change]) -> list[Change]:
    """Entries of one slot: events first, then versions to the nearest, then items to the last one they can mean."""
    entries: list[Change] = []
    for source in (Tells.EVENT, Tells.VERSION, Tells.CONFIG):
        for change in sorted((one for one in held if one.told[0].by is source), key=order):
            # Events come first, and two of them are never the same change.
            place = _place(change, entries) if source is not Tells.EVENT else None
            if place is None:
                entries.append(change)
            else:
                entries[place] = _with(entries[place], change)
    return entries


def _place(change: Change, entries: Sequence[Change]) -> int | None:
    """The entry that tells of the same change, by number."""
    source = change.told[0].by
    fits = [n for n, one in enumerate(entries) if all(told.by is not source for told in one.told) and _agree(one, change)]
    if source is Tells.CONFIG:
        named = [n for n in fits if entries[n].event is not None and entries[n].event.event_id in change.related]  # type: ignore[union-attr]
        if named:
            return named[-1]
        fits = [n for n in fits if _within(entries[n], change)]
        return max(fits, key=lambda n: order(entries[n]), default=None)
    near = [n for n in fits if _near(entries[n].at, change.at)]
    return min(near, key=lambda n: abs(entries[n].at - change.at), default=None)  # type: ignore[operator]


def _near(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and abs(one - other) <= NEAR


def _within(entry: Change, item: Change) -> bool:
    """Whether an entry's time is one the item can mean."""
    if entry.at is None or item.at is None:
        return False
    if item.not_before is None:
        captured = item.told[0].at
        return _near(entry.at, item.at) or (captured is not None and item.at == captured and entry.at <= captured <= entry.at + LATE)
    # What happened while an item was being written may stand in it or in the next one.
    return item.not_before - NEAR < entry.at <= item.at + NEAR


def _agree(one: Change, other: Change) -> bool:
    if one.unique_id and other.unique_id and one.unique_id != other.unique_id:
        return False
    if one.kind is ChangeKind.TAGGED and one.part and other.part and not set(one.part.split(", ")) & set(other.part.split(", ")):
        return False
    if one.after.is_known and other.after.is_known:
        return same_document(one.after.value or "", other.after.value or "")
    return True


def _with(one: Change, other: Change) -> Change:
    """Two tellings as one: the event's time and words go first, then whatever is known goes before what is not."""
    first, second = (one, other) if one.event is not None or other.event is None else (other, one)
    return msgspec.structs.replace(
        first,
        told=(*one.told, *other.told),
        at=first.at or second.at,
        arn=first.arn if first.unique_id or not second.unique_id else second.arn,
        unique_id=first.unique_id or second.unique_id,
        part=first.part or second.part,
        not_before=first.not_before if first.event is None and second.event is None and second.told[0].by is Tells.CONFIG else None,
        before=_known(first.before, second.before),
        after=_known(first.after, second.after),
        was=first.was or second.was,
        becomes=first.becomes or second.becomes,
        default=first.default if first.default is not None else second.default,
        related=tuple(dict.fromkeys((*first.related, *second.related))),
        author=first.author if first.author != Author() else second.author,
        unknown=tuple(dict.fromkeys((*first.unknown, *second.unknown))),
    )


def _known(one: Fact[str], other: Fact[str]) -> Fact[str]:
    if one.is_known or (one.state is State.NOT_APPLICABLE and not other.is_known):
        return one
    return other if other.is_known or other.state is State.NOT_APPLICABLE else one


def _numbered(found: list[Change], unnumbered: Sequence[Change]) -> list[Change]:
    """Events that do not tell the number of the version they made, joined with the version made at that moment."""
    for change in sorted(unnumbered, key=order):
        name = _slot(change)[:4]
        fits = [
            n
            for n, one in enumerate(found)
            if one.part
            and _slot(one)[:4] == name
            and not {told.by for told in one.told} & {told.by for told in change.told}
            and _near(one.at, change.at)
            and _agree(one, change)
        ]
        place = min(fits, key=lambda n: abs(found[n].at - change.at), default=None)  # type: ignore[operator]
        if place is None:
            found.append(change)
        else:
            numbered = _with(found[place], change)
            unknown = tuple(words for words in numbered.unknown if "number of the new version" not in words)
            found[place] = msgspec.structs.replace(numbered, unknown=unknown)
    return found
