"""The Summary: what stands out in the open accounts, worked out part by part from what has been read. A part of the session.

Nothing here asks AWS by itself: what was not read says so, with what to type. `load_overview` is for a worker; `overview` answers at once
from what was worked out before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from ..errors import IamtuiError
from ..model.account import Snapshot
from ..model.event import Event, Outcome, Window
from ..model.fact import State
from ..model.finding import Severity
from ..model.overview import Chart, Missing, Overview, Standing, Told
from ..source.base import Cancelled, SourceInfo, Step, never_cancelled

if TYPE_CHECKING:
    from ..analysis.changes.filtering import ChangeFilter, ChangeList
    from ..model.practice import Practice
    from ..model.review import Standings
    from .asking import Found
    from .book import Book
    from .placing import Surroundings
    from .reading import Reader
    from .stored import StoredEvents

MOST_EVENTS = 2000
"""Events of one class that are taken into a line, the newest first."""
MOST_CHANGES = 5000
"""Calls on disk that change an identity or policy, up to which grants are worked out without anybody asking: seconds."""
CHECKS = ("mfa", "no-root", "rotation")
"""Practices of which the Summary tells."""
_SLICE = 2000
_NO_LISTS = "users, roles and policies"
_OF_EVENTS = ("events", "grants")


class _Itself:
    """Equal to what holds the same object, however alike another one is."""

    def __init__(self, held: object) -> None:
        self._held = held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self._held is other._held

    __hash__ = None  # type: ignore[assignment]


class _Part(msgspec.Struct, frozen=True):
    """What one part told, of which state of the session."""

    version: object
    told: tuple[Told, ...] = ()
    charts: tuple[Chart, ...] = ()


class OverviewQuestions:
    """What stands out now."""

    _book: Book
    _reader: Reader
    _found: Found
    _stored: StoredEvents | None
    info: SourceInfo
    now: Callable[[], datetime]
    offline: bool

    if TYPE_CHECKING:

        @property
        def has_ledger(self) -> bool: ...

        @property
        def standings(self) -> Standings | None: ...

        @property
        def findings_stale(self) -> bool: ...

        def load_findings(self, cancelled: Callable[[], bool] = lambda: False, *, ask: bool = True) -> int: ...

        def load_practices(
            self,
            cancelled: Cancelled = never_cancelled,
            only: tuple[str, ...] = (),
            *,
            at: datetime | None = None,
            closing: str = "",
        ) -> tuple[Practice, ...]: ...

        def load_guards(self, cancelled: Cancelled = never_cancelled, *, again: bool = False, ask: bool = True) -> Iterator[Step]: ...

        def load_marks(self, cancelled: Callable[[], bool] = lambda: False) -> Standings: ...

        def account_changes(self, filter_text: str = "", wanted: ChangeFilter | None = None) -> ChangeList: ...

        def logging_health(self, at: datetime | None = None) -> Any: ...

        def coverage(self, wanted: Sequence[str] = (), at: datetime | None = None) -> Any: ...

        def windows(self) -> tuple[Window, ...]: ...

        def _surroundings(self) -> Surroundings: ...

        def _last_seen(self) -> dict[str, datetime]: ...

        def _seen_by(self, snapshot: Snapshot, last_seen: dict[str, datetime]) -> Snapshot: ...

        def _event_version(self) -> int: ...

        def _event_count(self) -> int: ...

    @property
    def _parts(self) -> dict[str, _Part]:
        held: dict[str, _Part] = self.__dict__.setdefault("_overview_parts", {})
        return held

    def overview(self, account: str = "", *, reading: bool = False) -> Overview:
        """The Summary as it is known now, at once. `reading`: the account or its events are being read, so that what is not there yet is
        on its way."""
        from ..analysis.overview import PARTS, charts, lines

        held = dict(self._parts)
        accounts = tuple(snapshot.account for snapshot in self._book.world.snapshots)
        coming = PARTS if not accounts else _OF_EVENTS
        waiting = {part: Standing.READING if reading and part in coming else Standing.COMPUTING for part in PARTS if part not in held}
        told = [one for part in PARTS if part in held for one in held[part].told]
        drawn = [one for part in PARTS if part in held for one in held[part].charts]
        finished = not waiting and not any(held[part].version != self._version(part) for part in PARTS)
        return Overview(lines(told, waiting=waiting, account=account, accounts=accounts), charts(drawn, account), accounts, finished)

    def load_overview(self, cancelled: Cancelled = never_cancelled, account: str = "", *, reading: bool = False) -> Iterator[Overview]:
        """Work out what is not known of the state the session is in, part by part, the dear ones last; yields after each. Parts that wait
        for a reading are left: who reads asks again."""
        from ..analysis.overview import PARTS

        if reading and not self._book.world.snapshots:
            yield self.overview(account, reading=True)
            return
        self._reader.surroundings(cancelled)
        for part in PARTS:
            if cancelled():
                return
            if reading and part in _OF_EVENTS:
                continue
            version = self._version(part)
            held = self._parts.get(part)
            if held is not None and held.version == version:
                continue
            told, drawn = getattr(self, f"_{part}_part")(cancelled)
            if cancelled():
                return
            self._parts[part] = _Part(self._version(part) if part in ("guards", "reviews", "findings") else version, told, drawn)
            yield self.overview(account, reading=reading)
        yield self.overview(account, reading=reading)

    def _version(self, part: str) -> object:
        """What a part rests on: another one, and it is worked out again."""
        book = self._book
        match part:
            case "account":
                return (book.world, self._event_version())
            case "events":
                return (book.world, self._event_version(), self.windows())
            case "grants":
                return (book.world, self._event_version(), tuple(book.windows.items()), book.config.version)
            case "findings":
                return (book.world, _Itself(book.surroundings))
            case "guards":
                return (book.world, _Itself(book.guard_items), book.guards_read)
            case _:
                return (_Itself(self.standings), self.has_ledger)

    # -- parts -----------------------------------------------------------------------------------------------------------

    def _account_part(self, cancelled: Cancelled) -> tuple[tuple[Told, ...], tuple[Chart, ...]]:
        from ..analysis import role_columns, user_columns
        from ..analysis.practices import practices
        from ..analysis.standouts import account_charts, account_tells, gap_tells, no_account

        world, now, seen = self._book.world, self.now(), self._last_seen()
        told: list[Told] = gap_tells(world)
        drawn: list[Chart] = []
        if not world.snapshots:
            told += no_account(("root", "mfa", "keys", "new-users", "new-roles"), _NO_LISTS)
        for held in world.snapshots:
            if cancelled():
                break
            snapshot = self._seen_by(held, seen)
            told += account_tells(snapshot, practices([snapshot], now, only=CHECKS), now)

            def last(identity: Any, snapshot: Snapshot = snapshot) -> tuple[State, datetime | None]:
                columns = user_columns if hasattr(identity, "groups") else role_columns
                fact = columns.last_seen(identity, snapshot)
                return fact.state, fact.value if isinstance(fact.value, datetime) else None

            drawn += account_charts(snapshot, last, now)
        return tuple(told), tuple(drawn)

    def _todo(self, asks: str, file: str) -> str:
        """What to do about something that was not read."""
        if self.info.kind not in ("live", "cache"):
            return f"open {file} as well"
        return "start without --offline to read them" if self.offline else asks

    @property
    def _dated(self) -> bool:
        """Whether events may end long before now: files, not an account one can ask."""
        return self.info.kind == "evidence"

    def _events_part(self, cancelled: Cancelled) -> tuple[tuple[Told, ...], tuple[Chart, ...]]:
        from ..analysis.overview import RECENT_DAYS, TREND_DAYS
        from ..analysis.standouts import event_charts, event_tells, reach

        windows, todo = self.windows(), self._todo(":events reads them", "CloudTrail files")
        since, end = reach(windows, self.now(), dated=self._dated)
        recent, first = end - timedelta(days=RECENT_DAYS), end - timedelta(days=TREND_DAYS)
        around = self._surroundings()
        if self._stored is not None:
            critical = self._stored.of_class(Severity.CRITICAL, recent, around, MOST_EVENTS)
            high = self._stored.of_class(Severity.HIGH, recent, around, MOST_EVENTS)
            days: Mapping[tuple[str, date, int | None, bool], int] = self._stored.by_day(first, around)
        else:
            critical, high, days = self._weighed(around, recent, first, cancelled)
        told = event_tells(
            critical,
            high,
            windows,
            end,
            since,
            count=self._event_count(),
            dated=end < self.now() - timedelta(days=1),
            most=MOST_EVENTS,
            todo=todo,
        )
        return tuple(told), tuple(event_charts(days, windows, end, since, self.now(), todo))

    def _weighed(
        self, around: Surroundings, recent: datetime, first: datetime, cancelled: Cancelled
    ) -> tuple[tuple[Event, ...], tuple[Event, ...], Counter[tuple[str, date, int | None, bool]]]:
        """The newest events in memory by their class, and how many there are by day."""
        from ..analysis.classing import classify

        found: dict[Severity, list[Event]] = {Severity.CRITICAL: [], Severity.HIGH: []}
        days: Counter[tuple[str, date, int | None, bool]] = Counter()
        for number, event in enumerate(self._book.log.newest_first()):
            if not number % _SLICE and cancelled():
                break
            if event.time is None or event.time < first:
                break
            severity = classify(event, around.of(event)).severity
            rank = severity.rank if severity is not None else None
            days[(event.account, event.time.date(), rank, event.outcome is Outcome.DENIED)] += 1
            if severity in found and event.time >= recent and len(found[severity]) < MOST_EVENTS:
                found[severity].append(event)
        return tuple(found[Severity.CRITICAL]), tuple(found[Severity.HIGH]), days

    def _grants_part(self, cancelled: Cancelled) -> tuple[tuple[Told, ...], tuple[Chart, ...]]:
        from ..analysis.changes.events import CALLS, SOURCE
        from ..analysis.changes.filtering import ChangeFilter
        from ..analysis.overview import GRANT_DAYS
        from ..analysis.standouts import event_gaps, grant_tells, reach
        from ..model.event import WindowState
        from .changetext import what_words, who_words

        if self._stored is not None and (number := self._stored.count_of(SOURCE, tuple(CALLS))) > MOST_CHANGES:
            gap = Missing(State.NOT_LOADED, f"{number:,} changes on disk", ":changes admin works them out")
            return (Told("admin-grants", missing=(gap,)),), ()
        self._reader.config_back()
        now, windows = self.now(), self.windows()
        since, end = reach(windows, now, dated=self._dated)
        begin = end - timedelta(days=GRANT_DAYS)
        by_name = [w for owner, held in self._book.windows.items() if owner.startswith("changes by ") for w in held]
        gaps = event_gaps(windows, since, begin, self._todo(":changes admin asks CloudTrail", "CloudTrail files"))
        if by_name and all(w.state is WindowState.COVERED for w in by_name):
            gaps = ()
        try:
            found = self.account_changes(wanted=ChangeFilter(since=begin, admin=True))
        except IamtuiError as error:
            return (Told("admin-grants", missing=(Missing(State.FAILED, error.message, error.hint),)),), ()
        count = self._event_count()
        told = grant_tells(
            found, lambda change: (what_words(change), who_words(change)), gaps, end, count=count, dated=end < now - timedelta(days=1)
        )
        return (told,), ()

    def _findings_part(self, cancelled: Cancelled) -> tuple[tuple[Told, ...], tuple[Chart, ...]]:
        from ..analysis.standouts import finding_tells, no_account

        world = self._book.world
        if not world.snapshots:
            topics = ("public", "outside", "escalation", "policies", "unused-admins", "unused")
            return tuple(no_account(topics, _NO_LISTS)), ()
        if self._found.of is not world or self._found.around is not self._book.surroundings:
            self.load_findings(cancelled, ask=False)
        if cancelled():
            return (), ()
        resources = len(self._book.surroundings.resources)
        todo = self._todo(":exposure reads them", "the policies of resources")
        return tuple(finding_tells(world.snapshots, self._found.findings, resources, todo)), ()

    def _guards_part(self, cancelled: Cancelled) -> tuple[tuple[Told, ...], tuple[Chart, ...]]:
        from ..analysis.watchouts import alarms_told, logging_told, not_watched

        for _ in self.load_guards(cancelled, ask=False):
            pass
        if not self._book.guards_read or not self._book.guard_items:
            todo = self._todo(":alarms reads them", "saved answers about them")
            accounts = [snapshot.account for snapshot in self._book.world.snapshots] or [""]
            return tuple(one for account in accounts for one in not_watched(account, "trails, alarms and rules", todo)), ()
        told = [logging_told(account, rows) for account, rows in self.logging_health()]
        told += [alarms_told(guards.account, covered) for guards, covered in self.coverage()]
        return tuple(told), ()

    def _reviews_part(self, cancelled: Cancelled) -> tuple[tuple[Told, ...], tuple[Chart, ...]]:
        from ..analysis.standouts import review_tells
        from .campaigns import campaign_name, open_campaigns, queue

        if self.standings is None:
            self.load_marks(cancelled)
        running: list[tuple[str, datetime, str]] = []
        if self.has_ledger:
            try:
                for entry in open_campaigns(self):  # type: ignore[arg-type]
                    progress = queue(self, entry).progress  # type: ignore[arg-type]
                    running.append((campaign_name(entry), entry.at, f"{progress.decided:,} of {progress.total:,}"))
            except IamtuiError as error:
                self._book.failed(error)
        return tuple(review_tells(self.standings, running, self.now())), ()
