"""The two points of one account side by side, and what of them can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from ...model.account import GROUPS, POLICIES, ROLES, USERS, Section, Snapshot
from ...model.fact import State
from ...model.finding import Severity
from ...model.identity import Group, Identity, Role, User
from ...model.policy import Policy
from ...model.surroundings import Surroundings
from ..access import NOTHING_AROUND
from .difference import Difference, Note, Side, Turn, What
from .pairing import Pair, id_of, pairs

if TYPE_CHECKING:
    from collections.abc import Callable

_SECTION = {"user": USERS, "role": ROLES, "group": GROUPS, "policy": POLICIES}
LISTS = (USERS, ROLES, GROUPS, POLICIES)


def noun(item: Identity | Policy) -> str:
    return {User: "user", Role: "role", Group: "group", Policy: "policy"}[type(item)]


class Sides:
    """Two snapshots of one account, with what stood around them.

    notes: filled as parts are looked at that cannot be compared
    """

    def __init__(
        self, old: Snapshot, new: Snapshot, old_around: Surroundings = NOTHING_AROUND, new_around: Surroundings = NOTHING_AROUND
    ) -> None:
        self.old, self.new = _ordered(old), _ordered(new)
        self.old_around, self.new_around = old_around, new_around
        self.account = new.account
        self.notes: dict[Note, None] = {}

    # -- what can be compared ----------------------------------------------------------------------------------------

    def note(self, side: Side, words: str, *, partial: bool = True) -> None:
        self.notes[Note(side, words, self.account, partial)] = None

    def tells(self, name: str, words: str = "", *, needed: bool = True) -> bool:
        """Whether both points tell a section; else it is noted. `needed` False: where neither does, that is no hole."""
        found = [self._told(side.section(name)) for side in (self.old, self.new)]
        if not any(found):
            return True
        shown = words or name.replace("-", " ")
        if all(found):
            self.note(Side.BOTH, f"{shown}: not read at either point ({found[0]}; {found[1]})", partial=needed)
        else:
            side = Side.OLD if found[0] else Side.NEW
            self.note(side, f"{shown}: {found[0] or found[1]} in the {side.value} one")
        return False

    @staticmethod
    def _told(section: Section) -> str:
        """Why a section tells nothing, "" when it does. That there is none is something told."""
        if section.state in (State.KNOWN, State.NEVER):
            return ""
        words = "not read" if section.state is State.NOT_LOADED else section.state.value
        return f"{words}: {section.detail}" if section.detail and section.state is not State.NOT_LOADED else words

    def whole(self, name: str) -> tuple[bool, bool]:
        """Whether a list of the older and of the newer point is all there: only then is what is missing in it not there."""
        return self.old.section(name).complete, self.new.section(name).complete

    @cached_property
    def lists_whole(self) -> bool:
        """Whether all four lists of both points are all there."""
        return all(all(self.whole(name)) for name in LISTS)

    # -- pairs -------------------------------------------------------------------------------------------------------

    @cached_property
    def users(self) -> list[Pair[User]]:
        return self._pairs(USERS, self.old.users, self.new.users)

    @cached_property
    def roles(self) -> list[Pair[Role]]:
        return self._pairs(ROLES, self.old.roles, self.new.roles)

    @cached_property
    def groups(self) -> list[Pair[Group]]:
        return self._pairs(GROUPS, self.old.groups, self.new.groups)

    @cached_property
    def policies(self) -> list[Pair[Policy]]:
        return self._pairs(POLICIES, self.old.policies, self.new.policies)

    @property
    def identities(self) -> Sequence[Pair[Any]]:
        return (*self.users, *self.roles, *self.groups)

    def _pairs(self, name: str, old: Sequence[Any], new: Sequence[Any]) -> list[Pair[Any]]:
        """Pairs of one list, without those whose absence on one side nobody can claim."""
        if not self.tells(name):
            return []
        kept: list[Pair[Any]] = []
        unclear = {Side.OLD: 0, Side.NEW: 0}
        was_whole, is_whole = self.whole(name)
        for pair in pairs(old, new):
            if pair.old is None and not was_whole and not _made_after(pair.new, self.since):
                unclear[Side.OLD] += 1
            elif pair.new is None and not is_whole and not _made_after(pair.old, self.until):
                unclear[Side.NEW] += 1
            else:
                kept.append(pair)
        for side, whole in ((Side.OLD, was_whole), (Side.NEW, is_whole)):
            if not whole:
                section = (self.old if side is Side.OLD else self.new).section(name)
                why = f" ({section.detail})" if section.detail else ""
                other = Side.NEW if side is Side.OLD else Side.OLD
                count = f"; {unclear[side]:,} of the {other.value} one are in it or not" if unclear[side] else ""
                self.note(side, f"{name}: read in part in the {side.value} one{why}{count}")
        return kept

    def later(self, side: Side) -> bool:
        """Whether a side is the later one by its date, whichever is called the older."""
        since, until = self.since, self.until
        return since is not None and until is not None and (until > since if side is Side.NEW else since > until)

    # -- times -------------------------------------------------------------------------------------------------------

    @property
    def since(self) -> datetime | None:
        return self.old.as_of or _any_date(self.old)

    @property
    def until(self) -> datetime | None:
        return self.new.as_of or _any_date(self.new)

    def between(self, section: str) -> tuple[datetime | None, datetime | None]:
        """The dates of a section at both points."""
        return self.old.section(section).as_of or self.since, self.new.section(section).as_of or self.until

    def dated(self, at: datetime | None) -> datetime | None:
        """A date, when it lies between the two points; readings take a while, and clocks differ by minutes."""
        if at is None or self.since is None or self.until is None:
            return None
        return at if min(self.since, self.until) <= at <= max(self.since, self.until) else None

    # -- differences -------------------------------------------------------------------------------------------------

    def of(self, pair: Pair[Any], what: What, turn: Turn, severity: Severity, words: str, **more: Any) -> Difference:
        """A difference of an identity or policy."""
        item = pair.one
        old_arn = pair.old.arn if pair.old is not None and pair.old.arn != item.arn else ""
        section = _SECTION[noun(item)]
        since, until = self.between(section)
        values = {"since": since, "until": until, "old_arn": old_arn, "unique_id": id_of(item), **more}
        return Difference(what, turn, noun(item), item.name, item.arn, self.account, severity, words, **values)

    def of_account(self, what: What, turn: Turn, severity: Severity, words: str, section: str, **more: Any) -> Difference:
        since, until = self.between(section)
        arn = f"arn:{self.new.partition}:iam::{self.account}:root"
        values = {"since": since, "until": until, **more}
        return Difference(what, turn, "account", self.new.label, arn, self.account, severity, words, **values)


def _made_after(item: Any, moment: datetime | None) -> bool:
    """Whether it was certainly not there at a point, by its own date."""
    return item.created is not None and moment is not None and item.created > moment


def _any_date(snapshot: Snapshot) -> datetime | None:
    return min((section.as_of for section in snapshot.sections.values() if section.as_of), default=None)


def _ordered(snapshot: Snapshot) -> Snapshot:
    """The lists in the order of names, as they are read: analyses choose the first of several targets."""
    changed = {}
    for name in LISTS:
        held = getattr(snapshot, name)
        key: Callable[[Any], tuple[str, str]] = lambda item: (item.name.casefold(), item.arn)  # noqa: E731
        ordered = tuple(sorted(held, key=key))
        if any(one is not other for one, other in zip(held, ordered, strict=True)):
            changed[name] = ordered
    return msgspec.structs.replace(snapshot, **changed) if changed else snapshot
