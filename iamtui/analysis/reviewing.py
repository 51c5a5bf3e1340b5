"""What is in force, folded from the entries of a ledger: the same for every order they arrive in, and for entries seen twice.

A decision takes the place of those its reviewer saw. Two that did not see each other stand side by side: alike they are one, and when
they differ they are a conflict until somebody who sees both decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from ..model.fact import State
from ..model.review import Campaign, Change, Close, Clue, Entry, Evidence, Item, Mark, Owner, Standing, Undo


class Folded(msgspec.Struct, frozen=True, eq=False):
    """All entries, made ready.

    marks:     what is in force, by subject key
    owners:    (entry id, owner) set here, by subject key
    campaigns: first entries, oldest first; `closes` by campaign id
    items:     of each campaign, in the order of its queue
    history:   all decisions about a subject, oldest first, also those taken back; `dead` holds the ids of these
    """

    marks: Mapping[str, Standing]
    owners: Mapping[str, tuple[str, str]]
    campaigns: Mapping[str, Entry]
    closes: Mapping[str, Entry]
    items: Mapping[str, tuple[Entry, ...]]
    history: Mapping[str, tuple[Entry, ...]]
    dead: frozenset[str]


def fold(entries: Iterable[Entry]) -> Folded:
    """What the entries amount to. Entries with one id are one entry."""
    by_id = {entry.id: entry for entry in entries}
    ordered = [by_id[ident] for ident in sorted(by_id)]
    undone = {entry.body.batch for entry in ordered if isinstance(entry.body, Undo)}
    history: dict[str, list[Entry]] = {}
    set_owners: dict[str, list[Entry]] = {}
    items: dict[str, list[Entry]] = {}
    campaigns: dict[str, Entry] = {}
    closes: dict[str, Entry] = {}
    dead: set[str] = set()
    for entry in ordered:
        body = entry.body
        if isinstance(body, Mark):
            history.setdefault(body.subject.key, []).append(entry)
            if (body.batch or entry.id) in undone:
                dead.add(entry.id)
        elif isinstance(body, Item):
            items.setdefault(entry.campaign, []).append(entry)
        elif isinstance(body, Owner):
            set_owners.setdefault(body.subject.key, []).append(entry)
        elif isinstance(body, Campaign):
            campaigns[entry.id] = entry
        elif isinstance(body, Close):
            closes.setdefault(entry.campaign, entry)
    return Folded(
        marks={key: held for key, told in history.items() if (held := standing(told, dead)) is not None},
        owners={key: _owner(told) for key, told in set_owners.items()},
        campaigns=campaigns,
        closes=closes,
        items={ident: tuple(sorted(told, key=lambda e: (e.body.place, e.id))) for ident, told in items.items()},  # type: ignore[union-attr]
        history={key: tuple(told) for key, told in history.items()},
        dead=frozenset(dead),
    )


def standing(told: Sequence[Entry], dead: frozenset[str] | set[str]) -> Standing | None:
    """What is in force of all decisions about one subject; None when all were taken back."""
    if len(told) == 1:  # most of them
        entry = told[0]
        return _one((entry,), (entry.id,)) if entry.id not in dead else None
    after = {entry.id: entry.body.after for entry in told}  # type: ignore[union-attr]
    replaced: set[str] = set()
    for entry in told:
        if entry.id not in dead:
            # Through what was taken back as well: what that one had replaced stays replaced by whoever saw it.
            ahead = [ident for ident in after[entry.id] if ident != entry.id]
            while ahead:
                ident = ahead.pop()
                if ident not in replaced:
                    replaced.add(ident)
                    ahead.extend(after.get(ident, ()))
    heads = [entry for entry in told if entry.id not in dead and entry.id not in replaced]
    if not heads:
        return None
    newest: dict[str, Entry] = {}
    for entry in heads:  # one reviewer on two machines: the later one counts
        newest[entry.body.reviewer] = entry  # type: ignore[union-attr]
    return _one(tuple(sorted(newest.values(), key=lambda e: e.id)), tuple(entry.id for entry in heads))


def _one(heads: tuple[Entry, ...], seen: tuple[str, ...]) -> Standing:
    last = heads[-1]
    assert isinstance(last.body, Mark)
    return Standing(last.id, last.at, last.body, tuple((e.id, e.at, e.body) for e in heads if isinstance(e.body, Mark)), seen)


def _owner(told: Sequence[Entry]) -> tuple[str, str]:
    """The newest of what nobody has replaced."""
    replaced = {ident for entry in told for ident in entry.body.after}  # type: ignore[union-attr]
    last = max((entry for entry in told if entry.id not in replaced), key=lambda e: e.id, default=told[-1])
    return last.id, last.body.owner  # type: ignore[union-attr]


# -- evidence then and now -------------------------------------------------------------------------------------------

_READ = frozenset((State.KNOWN, State.NEVER, State.NOT_APPLICABLE, State.NOT_IN_TRACKING_PERIOD))


def changes(before: Sequence[Clue], now: Evidence) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """(facts that changed, facts that could be read then and cannot now). What nobody could read on either side is no change."""
    was = {clue.name: clue for clue in before if clue.weighs}
    held = {clue.name: clue for clue in now.clues if clue.weighs}
    found: list[Change] = []
    unread: list[str] = []
    for name in dict.fromkeys((*was, *held)):
        old, new = was.get(name), held.get(name)
        if (old is not None and old.state not in _READ) or (new is not None and new.state not in _READ):
            if new is not None and new.state not in _READ and old is not None and old.state in _READ:
                unread.append(f"{name}: {new.value}")
            continue
        if old is None or new is None or old.value != new.value:
            found.append(Change(name, old.value if old else "", new.value if new else ""))
    return tuple(found), tuple(unread)


def change_words(change: Change) -> str:
    if not change.was:
        return f"new: {change.name} {change.now}".rstrip()
    if not change.now:
        return f"gone: {change.name} {change.was}".rstrip()
    return f"{change.name}: {change.was} → {change.now}"


# -- campaigns -------------------------------------------------------------------------------------------------------


class ItemState(msgspec.Struct, frozen=True, gc=False):
    """How one item of a campaign stands.

    decided: what was decided since the campaign began, None while it is open
    before:  the decision that was in force when it began, and the entry it is in
    alike:   whether the evidence was frozen as it was at that decision
    """

    entry: Entry
    decided: Standing | None
    before: Standing | None
    alike: bool

    @property
    def item(self) -> Item:
        assert isinstance(self.entry.body, Item)
        return self.entry.body


def item_states(folded: Folded, campaign: str) -> tuple[ItemState, ...]:
    """Every item of a campaign, in the order of its queue."""
    began = folded.campaigns[campaign].at
    closed = folded.closes.get(campaign)
    until = closed.at if closed is not None else None
    return tuple(item_state(folded, campaign, entry, began, until) for entry in folded.items.get(campaign, ()))


def item_state(folded: Folded, campaign: str, entry: Entry, began: datetime, until: datetime | None = None) -> ItemState:
    """One item. What was decided about its subject since the campaign began counts, wherever that was typed; after its end nothing does."""
    assert isinstance(entry.body, Item)
    told = folded.history.get(entry.body.subject.key, ())
    if not told:
        return ItemState(entry, None, None, False)
    inside = [e for e in told if _inside(e, campaign, began, until)]
    early = [e for e in told if e not in inside and e.at < began]
    decided = standing(inside, folded.dead) if inside else None
    before = standing(early, folded.dead) if early else None
    return ItemState(entry, decided, before, before is not None and before.mark.hash == entry.body.hash)


def _inside(entry: Entry, campaign: str, began: datetime, until: datetime | None) -> bool:
    if until is not None and entry.at > until:
        return False
    assert isinstance(entry.body, Mark)
    return entry.body.campaign == campaign or entry.at >= began


class Progress(msgspec.Struct, frozen=True):
    """How far a campaign is: all of it, by pane and by reviewer (decisions in force)."""

    total: int
    decided: int
    conflicts: int
    panes: tuple[tuple[str, int, int], ...]
    reviewers: tuple[tuple[str, int], ...]
    decisions: tuple[tuple[str, int], ...]


def progress(states: Sequence[ItemState]) -> Progress:
    panes: dict[str, list[int]] = {}
    reviewers: dict[str, int] = {}
    decisions: dict[str, int] = {}
    done = conflicts = 0
    for state in states:
        count = panes.setdefault(state.item.pane, [0, 0])
        count[1] += 1
        if state.decided is None:
            continue
        for _, _, mark in state.decided.marks:
            reviewers[mark.reviewer] = reviewers.get(mark.reviewer, 0) + 1
        if state.decided.conflict:
            conflicts += 1
            continue
        done += 1
        count[0] += 1
        name = state.decided.mark.decision.value
        decisions[name] = decisions.get(name, 0) + 1
    return Progress(
        len(states),
        done,
        conflicts,
        tuple((pane, count[0], count[1]) for pane, count in panes.items()),
        tuple(sorted(reviewers.items(), key=lambda pair: (-pair[1], pair[0]))),
        tuple(sorted(decisions.items(), key=lambda pair: (-pair[1], pair[0]))),
    )
