"""Questions about changes: an identity's or policy's history, since when it administers, what changed in the account, how to put it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from ..errors import NotFoundError
from ..model.identity import Group, Role, User
from ..model.policy import Policy
from ..source.base import Cancelled, EventQuery, SourceInfo, Step, never_cancelled
from .answers import Row
from .book import Book
from .reading import Reader

if TYPE_CHECKING:
    from ..analysis.attribution import Chain
    from ..analysis.changes.filtering import ChangeFilter, ChangeList
    from ..analysis.changes.history import EventReach, History
    from ..analysis.changes.meaning import Meaning
    from ..analysis.changes.standing import AdminSince, Entry
    from ..model.account import Snapshot
    from ..model.change import Change, ChangeGap
    from ..model.event import Activity, Event
    from ..model.identity import Identity
    from .searching import EventSearch
    from .trail import Trail

_MOST_NEAR = 12
"""Groups and policies that reach an identity whose own events are looked up in a live account."""
_MOST_SESSIONS = 6
"""Sessions behind a live account's changes that are followed back to whoever opened them."""
_IAM_KINDS = {User: "user", Role: "role", Group: "group", Policy: "policy"}


class ChangeView(msgspec.Struct, frozen=True, eq=False):
    """The history of one user, role, group or policy.

    entries: newest first; of a user or role with those of groups and policies that reached it, of a group or policy with who joined or got
             it
    admin:   since when it administers; None for a group or policy
    gaps:    what could not be told
    earlier: how many entries are of others who bore the name before
    """

    row: Row
    entries: tuple[Entry, ...]
    admin: AdminSince | None
    gaps: tuple[ChangeGap, ...]
    earlier: int = 0


class ChangeQuestions:
    """The part of the session that knows of changes. Nothing here is for the event loop."""

    _book: Book
    _reader: Reader
    info: SourceInfo
    now: Callable[[], datetime]
    offline: bool
    _histories: dict[str, tuple[object, History]]

    if TYPE_CHECKING:

        @property
        def search(self) -> EventSearch: ...

        @property
        def trail(self) -> Trail: ...

        def chain(self, event: Event) -> Chain: ...

        def _event_version(self) -> int: ...

        def load_events(self, query: EventQuery | None = None, cancelled: Cancelled = never_cancelled) -> Iterator[Activity]: ...

    # -- reading -----------------------------------------------------------------------------------------------------

    def load_changes(self, row: Row, cancelled: Cancelled = never_cancelled, *, again: bool = False) -> Iterator[ChangeView]:
        """The history of one identity or policy, growing: of a live account AWS Config is asked about it, and CloudTrail for the calls
        that name it, its groups and its policies. What was asked once in this run is asked again only by `again`."""
        self._read_around(cancelled)
        if self.info.kind == "live" and not self.offline:
            yield self.changes(row)
            for _ in self._ask_live(row, cancelled, again=again):
                if cancelled():
                    return
                yield self.changes(row)
        yield self.changes(row)

    def load_account_changes(self, cancelled: Cancelled = never_cancelled, *, since: datetime | None = None) -> Iterator[Step]:
        """What the account-wide list needs: the events of the account, and what AWS Config told so far. Of a live account CloudTrail is
        asked for each of the calls that change an identity or policy by its name: among all calls of IAM they are lost. Two a second."""
        yield Step("events")
        self._read_around(cancelled)
        if self.info.kind == "live" and not self.offline and not self._covered("", since):
            from ..analysis.changes.events import CALLS

            for snapshot in self._book.world.snapshots:
                for number, name in enumerate(CALLS):
                    if cancelled():
                        return
                    if self._covered(f"{_ALL}{name}", since):
                        continue
                    yield Step(f"events {name}", number, len(CALLS))
                    query = EventQuery(attribute="EventName", value=name, since=since, regions=(self._home(snapshot),))
                    for _ in self._reader.events(query, f"{_ALL}{name}", snapshot.account, cancelled):
                        pass
        if not cancelled():
            yield Step("who opened the sessions")
            self._follow_back(self._book.world.snapshots, cancelled)

    def _read_around(self, cancelled: Cancelled) -> None:
        """Config items and, where files or the demo have them, events: read once."""
        self._reader.config_back()
        self._reader.surroundings(cancelled)
        if (self.info.kind != "live" or self.trail.delivered) and not self._book.windows.get("", ()):
            for _ in self.load_events(None, cancelled):
                if cancelled():
                    return

    def _covered(self, owner: str, since: datetime | None) -> bool:
        """Whether IAM's events of a question were read in this run, back to a time where one is given."""
        from ..model.event import WindowState

        homes = {"", *(self._home(snapshot) for snapshot in self._book.world.snapshots)}
        held = [window for window in self._book.windows.get(owner, ()) if window.region in homes]
        covered = [w.since for w in held if w.state is WindowState.COVERED and w.since is not None]
        return any(since is None or begin <= since + _SLACK for begin in covered)

    def _ask_live(self, row: Row, cancelled: Cancelled, *, again: bool) -> Iterator[None]:
        item = row.item
        kind = _IAM_KINDS.get(type(item))
        if kind is None or (isinstance(item, Policy) and item.aws_managed):
            return
        assert isinstance(item, User | Role | Group | Policy)
        unique_id = item.policy_id if isinstance(item, Policy) else item.unique_id
        if unique_id and (again or unique_id not in self._book.config.asked):
            yield from self._reader.config_history(kind, unique_id, item.arn, cancelled)
        for name, arn in ((item.name, item.arn), *self._near(row)):
            for value in dict.fromkeys((name, arn)):
                owner = f"{_OF}{arn} {value}"
                if cancelled():
                    return
                if self._covered(owner, None) and not again:
                    continue
                query = EventQuery(attribute="ResourceName", value=value, regions=(self._home(row.snapshot),))
                for _ in self._reader.events(query, owner, row.snapshot.account, cancelled):
                    pass
            yield None
        self._follow_back((row.snapshot,), cancelled)
        yield None

    def _near(self, row: Row) -> list[tuple[str, str]]:
        """(name, ARN) of the groups and the account's own policies that reach an identity."""
        from ..analysis.reach import groups_by_name

        item, found = row.item, []
        refs = list(getattr(item, "attached", ()))
        if isinstance(item, User):
            known = groups_by_name(row.snapshot)
            for name in item.groups:
                if name in known:
                    found.append((name, known[name].arn))
                    refs += known[name].attached
        boundary = getattr(item, "boundary", None)
        refs += [boundary] if boundary is not None else []
        found += [(ref.name, ref.arn) for ref in refs if ":iam::aws:" not in ref.arn]
        return list(dict.fromkeys(found))[:_MOST_NEAR]

    def _home(self, snapshot: Snapshot) -> str:
        from ..analysis.changes.history import home_region

        return home_region(snapshot.partition)

    def _follow_back(self, snapshots: Sequence[Snapshot], cancelled: Cancelled) -> None:
        """Look up who opened the sessions behind the newest changes: the event that handed out a key names the key as a resource."""
        if self.info.kind != "live" or self.offline:
            return
        for _ in range(2):  # a role, and the role before it
            keys: dict[str, str] = {}
            for snapshot in snapshots:
                for change in reversed(self.history(snapshot).entries):
                    if change.event is None or not change.author.missing:
                        continue
                    key = self.chain(change.event).origin.access_key_id
                    if key.startswith("ASIA") and f"key:{key}" not in self._book.windows:
                        keys.setdefault(key, snapshot.account)
            for key, account in list(keys.items())[:_MOST_SESSIONS]:
                query = EventQuery(attribute="ResourceName", value=key, regions=self.info.regions)
                for _ in self._reader.events(query, f"key:{key}", account, cancelled):
                    pass
                if cancelled():
                    return
            if not keys:
                return

    # -- answers -----------------------------------------------------------------------------------------------------

    def _iam_events(self) -> Sequence[Event]:
        """Every event that may be a change: the one place that takes events for it."""
        from ..analysis.changes.events import CALLS, SOURCE

        return self.search.of_calls(SOURCE, tuple(CALLS))

    def _accounts(self) -> tuple[Snapshot, ...]:
        """The open accounts, and those that only events of changes or Config items tell of, with empty lists."""
        from ..analysis.changes.events import CALLS, SOURCE
        from ..model.account import Snapshot

        book = self._book
        held = self.__dict__.get("_strangers")
        version = (self._event_version(), book.config.version)
        if held is None or held[0] != version:
            named = {event.account for event in self._iam_events() if event.source == SOURCE and event.name in CALLS}
            named |= {account for account, _ in book.config.items()}
            before = {one.account: one for one in (held[1] if held is not None else ())}
            held = self.__dict__["_strangers"] = (version, [before.get(one) or Snapshot(account=one) for one in sorted(named - {""})])
        known = {snapshot.account for snapshot in book.world.snapshots}
        return (*book.world.snapshots, *(one for one in held[1] if one.account not in known))

    def history(self, snapshot: Snapshot) -> History:
        """All changes of one account, joined once for what has been read."""
        from ..analysis.changes.history import History, reach_of

        book = self._book
        windows = {owner: held for owner, held in list(book.windows.items()) if not owner or owner.startswith((_ALL, _OF))}
        # The log's length is taken first: what arrives meanwhile makes another history, and is in no older one.
        version: object = (self._event_version(), book.config.version, id(snapshot), tuple(windows.items()))
        histories = self.__dict__.setdefault("_histories", {})
        held = histories.get(snapshot.account)
        if held is not None and held[0] == version and held[1].snapshot is snapshot:
            answer: History = held[1]
            return answer

        def reach(arn: str) -> EventReach:
            own = tuple(w for owner, held in windows.items() if arn and owner.startswith(f"{_OF}{arn} ") for w in held)
            wide = windows.get("", ()) or tuple(w for owner, held in windows.items() if owner.startswith(_ALL) for w in held)
            return reach_of(own or wide, snapshot.partition, self.info.kind)

        events = self._iam_events()
        made = History(snapshot, events, book.config.items(), self.search.chains(events), reach)
        histories[snapshot.account] = (version, made)
        return made

    def changes(self, row: Row) -> ChangeView:
        """The history of one identity or policy, from what was read so far."""
        from ..analysis.changes.merging import order
        from ..analysis.changes.standing import Entry, timeline

        snapshot = self._book.world.snapshot(row.snapshot.account) or row.snapshot
        item = _item(row)
        history = self.history(snapshot)
        unique_id = item.policy_id if isinstance(item, Policy) else item.unique_id
        config = self._book.config
        refused = (*config.gaps.get(unique_id, ()), *config.gaps.get("", ()))
        gaps = history.gaps(item, config.recorders(snapshot.account), refused, self.info.kind)
        if isinstance(item, User | Role):
            told = timeline(history, item)
            return ChangeView(row, told.entries, told.admin, gaps, history.earlier(item))
        own = [Entry(change) for change in history.of(item)]
        near = [Entry(change, f"{change.target} {change.name}") for change in history.touching(item)]
        entries = sorted((*own, *near), key=lambda entry: order(entry.change), reverse=True)
        return ChangeView(row, tuple(entries), None, gaps, history.earlier(item))

    def account_changes(self, filter_text: str = "", wanted: ChangeFilter | None = None) -> ChangeList:
        """What changed in the open accounts, newest first. Raises UsageError for a filter that is none."""
        from ..analysis.changes.filtering import chosen, parse_filter
        from ..analysis.changes.meaning import admin_by_documents
        from ..analysis.reach import attached_to, bounded_by

        wanted = wanted or parse_filter(filter_text, self.now())
        lists: list[ChangeList] = []
        notes: list[str] = []
        for snapshot in self._accounts():
            history = self.history(snapshot)
            held = {**attached_to(snapshot), **bounded_by(snapshot)}
            lists.append(
                chosen(
                    history.entries,
                    wanted,
                    lambda change, history=history: admin_by_documents(change, history),  # type: ignore[misc]
                    lambda change, held=held: ":iam::aws:" not in change.arn or change.arn in held,  # type: ignore[misc]
                )
            )
            notes += history.notes(wanted.since, self._book.config.recorders(snapshot.account), self.info.kind)
        if len(lists) == 1:
            return msgspec.structs.replace(lists[0], notes=tuple(dict.fromkeys(notes)))
        return _together(lists, wanted, notes)

    def meaning(self, change: Change) -> Meaning:
        """What an entry gives and takes, by the engine."""
        from ..analysis.changes.meaning import meaning

        snapshot = self._snapshot_of(change)
        return meaning(change, self.history(snapshot))

    def rollback(self, change: Change, form: str = "cli") -> str:
        """Text that puts back what stood before an entry: `cli` or `terraform`. Nothing is run."""
        from ..analysis.changes.terraform import terraform
        from ..analysis.changes.undoing import undo

        history = self.history(self._snapshot_of(change))
        newer = history.of_key(change.target, change.unique_id) if change.unique_id else ()
        policy = history.names.policy(change.arn) if change.target == "policy" else None
        return terraform(change, policy, newer) if form == "terraform" else undo(change, policy, newer).text

    def change_target(self, change: Change) -> str:
        """ARN of what an entry is about, as far as a list has it; "" when it is gone."""
        known = self.history(self._snapshot_of(change)).names.find(
            change.target, change.name, change.at, arn=change.arn, unique_id=change.unique_id
        )
        return "" if known.gone else known.arn

    def _snapshot_of(self, change: Change) -> Snapshot:
        accounts = self._accounts()
        snapshot = next((one for one in accounts if one.account == change.account), accounts[0] if len(accounts) == 1 else None)
        if snapshot is None:
            raise NotFoundError(f"The account {change.account} is not open")
        return snapshot


_OF = "changes of "
_ALL = "changes by "
_SLACK = timedelta(days=1)


def _together(lists: Sequence[ChangeList], wanted: ChangeFilter, notes: Sequence[str]) -> ChangeList:
    from collections import Counter

    from ..analysis.changes.filtering import ChangeList
    from ..analysis.changes.merging import order

    kinds: Counter[str] = Counter()
    authors: Counter[str] = Counter()
    for one in lists:
        kinds.update(dict(one.kinds))
        authors.update(dict(one.authors))
    entries = sorted((entry for one in lists for entry in one.entries), key=lambda entry: order(entry.change), reverse=True)
    return ChangeList(
        tuple(entries),
        wanted,
        tuple(kinds.most_common()),
        tuple(authors.most_common()),
        sum(one.admins for one in lists),
        sum(one.authorless for one in lists),
        sum(one.undated for one in lists),
        tuple(dict.fromkeys(notes)),
    )


def _item(row: Row) -> Identity | Policy:
    if not isinstance(row.item, User | Role | Group | Policy):
        raise NotFoundError("Only users, roles, groups and policies have a history of changes")
    return row.item


__all__ = ["ChangeQuestions", "ChangeView"]
