"""Questions about who would hear: alarm coverage and logging health. A part of the session; nothing here is for the event loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from ..errors import IamtuiError, NotFoundError
from ..model.account import World
from ..model.document import Document, Gap, Kind, Origin
from ..model.event import Event, Window
from ..source.base import Cancelled, SourceInfo, Step, never_cancelled
from .answers import Row
from .book import Book
from .reading import Reader

if TYPE_CHECKING:
    from ..analysis.alarms.coverage import Coverage
    from ..analysis.alarms.fixes import Place
    from ..analysis.alarms.health import Row as HealthRow
    from ..analysis.alarms.links import Way
    from ..analysis.alarms.samples import Watched
    from ..analysis.alarms.told import Told
    from ..analysis.systems import System
    from ..model.guards import Alarm, AlarmChange, Guards
    from .searching import EventSearch


class GuardQuestions:
    """What watches over the open accounts, and what it would notice."""

    _book: Book
    _reader: Reader
    info: SourceInfo
    now: Callable[[], datetime]

    if TYPE_CHECKING:

        @property
        def world(self) -> World: ...

        @property
        def search(self) -> EventSearch: ...

        def windows(self, row: Row | None = None) -> tuple[Window, ...]: ...

    # -- reading ---------------------------------------------------------------------------------------------------------

    def load_guards(self, cancelled: Cancelled = never_cancelled, *, again: bool = False, ask: bool = True) -> Iterator[Step]:
        """Read trails, filters, alarms, topics, rules, recorders and analyzers, once; of a live account from the cache first.
        `again`: ask AWS even when they are on hand; `ask` False: never ask a live account. Refusals are gaps in `guards()` and lines in
        `problems()`."""
        book, source = self._book, self._reader.source
        if book.guards_read and not again:
            return
        kept = self._kept_guards() if not again else ()
        if kept:
            book.guard_items, book.guards_read = kept, True
            return
        read = getattr(source, "guards", None)
        if read is None or (self.info.kind == "live" and not ask):
            return
        found: list[Document | Gap] = [] if self.info.kind == "live" else list(book.guard_items)
        try:
            for item in read(cancelled):
                if isinstance(item, Step):
                    yield item
                    continue
                found.append(item)
                if isinstance(item, Gap):
                    book.note_gap(item)
        except IamtuiError as error:
            book.failed(error)
            if not found:
                return
        if cancelled():
            return
        book.guard_items, book.guards_read = tuple(found), True
        self._keep(found)

    def _kept_guards(self) -> tuple[Document, ...]:
        """What an earlier run read, while it is fresh; any age when AWS cannot be asked."""
        from ..model.freshness import is_stale

        cache = self._reader.cache
        if cache is None:
            return ()
        found = [d for snapshot in self.world.snapshots for d in cache.documents(snapshot.account, Kind.GUARDS)]
        stale = any(is_stale(Kind.GUARDS, document.as_of, self.now()) for document in found)
        return () if stale and self._reader.source is not None else tuple(found)

    def _keep(self, items: Sequence[Document | Gap]) -> None:
        from ..source.decode.guards import GAPS, gaps_body

        cache = self._reader.cache
        if cache is None or self.info.kind != "live":
            return
        groups: dict[tuple[str, str], list[Document]] = {}
        for item in items:
            if isinstance(item, Document):
                groups.setdefault((item.account, item.key), []).append(item)
        gaps = [item for item in items if isinstance(item, Gap)]
        for account in {account for account, _ in groups} | {gap.account for gap in gaps if gap.account}:
            body = gaps_body([gap for gap in gaps if gap.account == account])
            groups[(account, GAPS)] = [Document(Kind.GUARDS, body, self.now(), Origin("live", "what was refused"), account, GAPS)]
        for (account, key), documents in groups.items():
            cache.replace_documents(account, Kind.GUARDS, key, documents)

    def guards(self) -> tuple[Guards, ...]:
        """The guards of every open account, as far as they were read."""
        from ..model.guards import Guards
        from ..source.decode.guards import fold_all, owner_of

        accounts = [snapshot.account for snapshot in self.world.snapshots]
        items, held = self._book.guard_items, self._book.guards_held
        if held is not None and held[0] is items and held[1] == tuple(accounts):
            return held[2]
        only = accounts[0] if len(accounts) == 1 else "" if accounts else _most_named(items)
        owned: dict[str, list[Document | Gap]] = {account: [] for account in accounts}
        for item in items:
            owner = item.account or only or (owner_of(item) if isinstance(item, Document) else "")
            owned.setdefault(owner or (accounts[0] if accounts else ""), []).append(item)
        found = []
        for account, mine in owned.items():
            if mine or account in accounts:
                guards, broken = fold_all(mine, account)
                for reason in broken:
                    self._book.note(IamtuiError(reason))
                found.append(guards)
        made = tuple(found) or (Guards(),)
        self._book.guards_held = (items, tuple(accounts), made)
        return made

    # -- coverage --------------------------------------------------------------------------------------------------------

    def coverage(self, wanted: Sequence[str] = (), at: datetime | None = None) -> tuple[tuple[Guards, tuple[Coverage, ...]], ...]:
        """Who would hear of what, by account: of the events named (`DeleteUser`, `iam:DeleteUser`, `root`), else of all that
        are watched; now, or at a moment. Raises NotFoundError for a name that can be no event."""
        from ..analysis.alarms.coverage import coverage

        answers = []
        for guards in self.guards():
            answers.append((guards, coverage(guards, chosen(guards.account, wanted), at or self.now())))
        return tuple(answers)

    def place_for(self, guards: Guards) -> Place:
        """Where new filters would stand."""
        from ..analysis.alarms.fixes import place_for

        return place_for(guards, self.now())

    def ways_of(self, event: Event) -> tuple[Way, ...]:
        """The ways by which one event is heard of, or would be if they were whole."""
        from ..analysis.alarms.coverage import ways_of
        from ..analysis.alarms.links import Link, Standing, Way

        record, every = _record(event), self.guards()
        guards = next((one for one in every if one.account == event.account), every[0] if not event.account else None)
        if guards is None or not record:
            words = f"what watches over account {event.account} was not read" if record else "the record cannot be read"
            return (Way("rule", "unknown", (Link("rule", "unknown", Standing.UNKNOWN, words),)),)
        return ways_of(guards, record, event.region, self.now())

    # -- alarms --------------------------------------------------------------------------------------------------------------

    def alarm(self, name: str) -> Alarm | None:
        """An alarm by name or ARN."""
        for guards in self.guards():
            for alarm in guards.alarms.values():
                if name in (alarm.name, alarm.arn):
                    return alarm
        return None

    def load_alarm_history(self, alarm: Alarm) -> tuple[AlarmChange, ...]:
        """What became of an alarm, newest first, asked when it is looked at."""
        ask = getattr(self._reader.source, "alarm_history", None)
        more: list[Document | Gap] = []
        if ask is not None:
            try:
                more = [item for item in ask(alarm.name, alarm.region) if isinstance(item, Document | Gap)]
            except IamtuiError as error:
                self._book.failed(error)
        for item in more:
            if isinstance(item, Gap):
                self._book.note_gap(item)
        held = {(item.key, item.region, getattr(item, "part", 0)) for item in more}
        before = [item for item in self._book.guard_items if (item.key, item.region, getattr(item, "part", 0)) not in held]
        if more:
            self._book.guard_items = (*before, *more)
        changes = [change for guards in self.guards() for change in guards.history.get(alarm.name, ())]
        return tuple(sorted(changes, key=lambda change: change.at, reverse=True))

    def raised_by(self, alarm: Alarm, since: datetime | None = None, until: datetime | None = None) -> tuple[Event, ...]:
        """Events on hand that the alarm's filters find, newest first."""
        found = []
        tests = self._filters_of(alarm)
        for event in self.search.within(since, until) if tests else ():
            if any(told.answer for told in _answers(tests, event)):
                found.append(event)
        return tuple(found)

    def _filters_of(self, alarm: Alarm) -> list[Callable[[Event], Told]]:
        from ..analysis.alarms.raising import event_tests

        guards = next((one for one in self.guards() if alarm.arn in one.alarms), None)
        return event_tests(alarm, guards) if guards is not None else []

    # -- health ----------------------------------------------------------------------------------------------------------

    def logging_health(self, at: datetime | None = None) -> tuple[tuple[str, tuple[HealthRow, ...]], ...]:
        """Whether an account can be audited at all, row by row, by account; now, or at a moment."""
        from ..analysis.alarms.health import health

        now, found = at or self.now(), []
        for guards in self.guards():
            snapshot = self.world.snapshot(guards.account)
            found.append((guards.account, health(guards, snapshot, self.windows(), now, kind=self.info.kind)))
        return tuple(found)

    # -- all systems -----------------------------------------------------------------------------------------------------

    def systems(self) -> tuple[System, ...]:
        """Every system an audit uses, by account, as far as it was read; nothing is asked for."""
        from ..analysis.systems import systems
        from .sweeping import targets

        self._reader.surroundings()
        health = dict(self.logging_health())
        covered = {guards.account: found for guards, found in self.coverage()} if self._book.guards_read else {}
        found: list[System] = []
        for snapshot in self.world.snapshots:
            arns = [target.arn for target in targets(World((snapshot,)))]
            advised = sum(1 for arn in arns if arn in self._book.advisor)
            account = snapshot.account
            around = self._book.surroundings
            found += systems(account, health.get(account, ()), covered.get(account, ()), around, advised=advised, to_ask=len(arns))
        return tuple(found)


def _most_named(items: Sequence[Document | Gap]) -> str:
    """Whose answers they are when no inventory tells: the account most of them name (an organisation's trail names another)."""
    from collections import Counter

    from ..source.decode.guards import owner_of

    counted = Counter(owner for item in items if isinstance(item, Document) and (owner := owner_of(item)))
    return counted.most_common(1)[0][0] if counted else ""


def _answers(tests: Sequence[Callable[[Event], Told]], event: Event) -> Iterator[Told]:
    for test in tests:
        yield test(event)


def _record(event: Event) -> dict[str, object]:
    try:
        record = msgspec.json.decode(event.record)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def chosen(account: str, wanted: Sequence[str]) -> tuple[Watched, ...]:
    """The watched events of some names; an event on no list is sampled by its name. Raises NotFoundError."""
    from ..analysis.alarms.samples import watched, watched_event

    every = watched(account)
    if not wanted:
        return every
    found: list[Watched] = []
    for word in wanted:
        folded = word.casefold()
        hits = [one for one in every if folded in (one.key.casefold(), one.event.casefold(), one.about.casefold())]
        if not hits:
            source, _, name = word.rpartition(":")
            if not name.isalnum() or not (source or "iam").replace("-", "").isalnum():
                raise NotFoundError(
                    f"{word[:80]} is no event", "iamtui alarms DeleteUser, or with its service: iamtui alarms ec2:RunInstances"
                )
            hits = [watched_event(account, name, source)]
        found.extend(one for one in hits if one not in found)
    return tuple(found)
