"""The session: joins a source, the store and the analysis, and answers what the screens and commands ask."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ..analysis import activity as activities
from ..analysis import lists, lookup
from ..analysis.filtering import Filter, FilterError, parse
from ..analysis.indexing import Index
from ..errors import IamtuiError, RefusedError
from ..model.account import CREDENTIALS, GROUPS, POLICIES, ROLES, USERS, Section, Snapshot, World
from ..model.document import Kind
from ..model.event import Activity, Event, Window, WindowState
from ..model.fact import Fact, State, absent, known
from ..model.finding import Finding
from ..model.freshness import stale_sections
from ..model.identity import Group, Identity, Role, User
from ..model.policy import Grant, Policy, PolicyVersion
from ..model.usage import UsageReport
from ..source.base import Cancelled, EventQuery, Source, SourceInfo, never_cancelled
from .accounting import AccountQuestions
from .analyzing import AnalyzerQuestions
from .answers import (
    NAMED,
    CredentialView,
    Direction,
    Link,
    Listing,
    ListKind,
    Match,
    Picked,
    Problem,
    Row,
    Selection,
    StoredRows,
    Update,
    UsageUpdate,
)
from .asking import AccessQuestions, Found
from .book import Book, arn_of
from .changing import ChangeQuestions
from .eventlog import when
from .guarding import GuardQuestions
from .overviewing import OverviewQuestions
from .practising import PracticeQuestions
from .reading import Reader
from .reviewing import ReviewQuestions
from .sweeping import SweepQuestions

if TYPE_CHECKING:
    from ..analysis.attribution import Chain, Chains
    from ..analysis.diff import PolicyDiff
    from ..analysis.grants import Attachment
    from ..analysis.permissions import PermissionSummary
    from ..analysis.story import Story
    from ..analysis.trust import TrustSummary
    from ..analysis.usage import UsageRow
    from ..model.alert import Alert
    from ..store.cache import Cache
    from .engines import EngineChoice, SqlEngine
    from .placing import Placing, Surroundings
    from .searching import EventSearch
    from .stored import StoredEvents
    from .trail import Trail
    from .triage import Triage
    from .watching import Watch

_SECTION_OF = {ListKind.USERS: USERS, ListKind.ROLES: ROLES, ListKind.GROUPS: GROUPS, ListKind.POLICIES: POLICIES}

_FIRST = 1000
"""Events of a trail that are shown before any of it is on disk."""

_NOUNS: dict[ListKind, type] = {
    ListKind.USERS: User,
    ListKind.ROLES: Role,
    ListKind.GROUPS: Group,
    ListKind.POLICIES: Policy,
    ListKind.EVENTS: Event,
    ListKind.FINDINGS: Finding,
}


def utc_now() -> datetime:
    return datetime.now(UTC)


class Session(
    AccessQuestions,
    AccountQuestions,
    ChangeQuestions,
    GuardQuestions,
    OverviewQuestions,
    PracticeQuestions,
    ReviewQuestions,
    SweepQuestions,
    AnalyzerQuestions,
):
    """Every method is safe to call from any thread. Methods named `load_…` and `refresh` may block on the network or the
    disk and yield growing answers; everything else answers from memory, at once.

    source:  None when there is only a cache to look at (`--offline`)
    cache:   None for the demo and for evidence, which are their own record
    now:     the clock; fixed in tests and pictures
    trails:  folder in which events of evidence and of trails are kept from run to run; None for a temporary one
    kept:    what was read of a trail's bucket before, offline
    """

    def __init__(
        self,
        source: Source | None,
        cache: Cache | None = None,
        *,
        offline: bool = False,
        now: Callable[[], datetime] = utc_now,
        connection: SourceInfo | None = None,
        trails: Path | None = None,
        kept: Source | None = None,
    ) -> None:
        self.info: SourceInfo = connection or (source.info if source else SourceInfo(kind="cache"))
        self.now = now
        self.offline = offline or source is None
        self._book = Book(now)
        self._book.link = Link.OFFLINE if self.offline else Link.DISK
        self._reader = Reader(self._book, source, cache, self.info, offline=offline)
        self._source = source
        self._cache = cache
        self._trails = trails
        self._kept = kept
        self._cache_notices = 0
        self._found = Found()
        self._indices: dict[ListKind, tuple[Listing, Index]] = {}
        self._listings: dict[ListKind, tuple[object, Listing]] = {}
        self._stored: StoredEvents | None = None
        self._narrowed: list[StoredRows] = []
        self._seen_last: tuple[int, dict[str, datetime]] = (-1, {})

    @cached_property
    def places(self) -> Placing:
        """Which events are somebody's first from a network or in a Region."""
        from .placing import Placing

        return Placing(self._book.log)

    @cached_property
    def trail(self) -> Trail:
        """The events on disk, asked in SQL."""
        from .trail import Trail

        source = self._kept or (None if self.offline and self.info.kind == "live" else self._source)
        return Trail(self._book, source, self.info, self._trails)

    @property
    def events_on_disk(self) -> bool:
        """Whether events are too many for the memory: then questions about them are for workers."""
        return self._stored is not None

    @property
    def search(self) -> EventSearch:
        """Which events a question needs, wherever they are."""
        if self._stored is not None:
            return self._stored_search
        return self._log_search

    @cached_property
    def _log_search(self) -> EventSearch:
        from .searching import LogSearch

        return LogSearch(self._book.log)

    @cached_property
    def _stored_search(self) -> EventSearch:
        from .searching import StoredSearch

        assert self._stored is not None
        return StoredSearch(self._stored)

    def chain(self, event: Event) -> Chain:
        """The chain behind one call. For a worker where events are on disk."""
        return self.search.chains([event]).of(event)

    def chains(self, events: Sequence[Event]) -> Chains:
        """The chains behind some events. For a worker where events are on disk."""
        return self.search.chains(events)

    def whole(self, row: Row) -> Row:
        """The row of an event with its record. For a worker where events are on disk."""
        if not isinstance(row.item, Event) or not row.item.excerpt:
            return row
        return msgspec.structs.replace(row, item=self.search.whole(row.item, row.key.rpartition("/")[2]))

    def sql_engine(self, name: str, choice: EngineChoice | None = None) -> SqlEngine:
        """The engine that answers SQL: local, athena, lake. Raises UsageError where it cannot be asked here."""
        from .engines import EngineChoice, engine_of

        return engine_of(self, name, choice or EngineChoice())

    # -- the account -------------------------------------------------------------------------------------------------

    @property
    def world(self) -> World:
        return self._book.world

    @property
    def link(self) -> Link:
        """How we stand to the source right now."""
        return self._book.link

    def open(self) -> World:
        """What is there without the network: the cache, the demo account. Evidence is read by `refresh`."""
        self._reader.open()
        return self._book.world

    @property
    def events_lost(self) -> bool:
        """Whether something that should have been events could not be read; `problems()` says what."""
        return self._book.events_lost

    def has_events(self) -> bool:
        """Whether any event has been read."""
        return self._event_count() > 0 and (self._stored is not None or not self.trail.delivered)

    def _event_count(self) -> int:
        return len(self._stored) if self._stored is not None else len(self._book.log)

    def stale(self) -> tuple[str, ...]:
        """Names of the parts (`users`, `credentials` …) that are older than their kind's life. A demo and evidence have no life."""
        if self.info.kind not in ("live", "cache"):
            return ()
        now = self.now()
        return tuple(dict.fromkeys(name for snapshot in self.world.snapshots for name in stale_sections(snapshot, now)))

    def wants_reading(self) -> bool:
        """Whether a start should read the account: nothing is there, something is stale, missing or was refused, or the files
        that say who we are were written since."""
        snapshots = self.world.snapshots
        oldest = min((snapshot.as_of for snapshot in snapshots if snapshot.as_of), default=None)
        if self.info.changed is not None and oldest is not None and self.info.changed > oldest:
            return True
        whole = all(snapshot.section(name).complete for snapshot in snapshots for name in _SECTION_OF.values())
        refused = any(snapshot.gaps for snapshot in snapshots) or bool(self.world.gaps)
        return not snapshots or not whole or refused or bool(self.stale())

    def refresh(self, cancelled: Cancelled = never_cancelled) -> Iterator[Update]:
        """Read the account again. Yields after every page; a part that cannot be read again stays, with its age.

        A refusal of one call is a gap in the world, not an exception. Missing credentials or an unreachable endpoint end
        the refresh with a line in `problems()` and `link` saying so.
        """
        return self._reader.account(cancelled)

    # -- lists -------------------------------------------------------------------------------------------------------

    def listing(self, kind: ListKind) -> Listing:
        """The whole list of one kind over all open accounts, users in the order of their names."""
        if kind is ListKind.EVENTS:
            version: object = (self._event_version(), self.windows(), self._book.world, self._surroundings())
        elif kind is ListKind.FINDINGS:
            version = (self._found, self._book.world, self._standings)
        elif kind in (ListKind.USERS, ListKind.ROLES):
            version = (self._book.world, self._event_version(), self._book.advisor.version, self._standings)
        else:
            version = (self._book.world, self._book.advisor.version, self._standings)
        held = self._listings.get(kind)
        if held is not None and held[0] == version:
            return held[1]
        made = {ListKind.EVENTS: self._event_listing, ListKind.FINDINGS: self._finding_listing}.get(kind)
        listing = made() if made is not None else self._account_listing(kind)
        self._listings[kind] = (version, listing)
        return listing

    def _account_listing(self, kind: ListKind) -> Listing:
        world = self._book.world
        name = _SECTION_OF[kind]
        rows: list[Row] = []
        last_seen = self._last_seen() if kind in (ListKind.USERS, ListKind.ROLES) else {}
        advisor = self._book.advisor
        for known_snapshot in world.snapshots:
            snapshot = self._seen_by(known_snapshot, last_seen)
            if advisor:
                snapshot = msgspec.structs.replace(snapshot, last_accessed=advisor.briefs())
            items: Sequence[Any] = lists.account_rows(snapshot) if kind is ListKind.USERS else getattr(snapshot, name)
            unique = "policy_id" if kind is ListKind.POLICIES else "unique_id"
            rows.extend(Row(f"{item.arn}#{getattr(item, unique)}", item, snapshot) for item in items)
        sections = [snapshot.section(name) for snapshot in world.snapshots]
        gaps = tuple(gap for snapshot in world.snapshots for gap in snapshot.gaps) + world.gaps
        return Listing(
            kind=kind,
            columns=lists.columns(kind.value, len(world.snapshots) > 1, bool(advisor), self.has_marks, _named(world)),
            rows=rows,
            complete=bool(sections) and all(section.complete for section in sections),
            as_of=min((s.as_of for s in sections if s.as_of), default=None),
            gaps=gaps,
            state=_list_state(sections),
        )

    def _seen_by(self, snapshot: Snapshot, last_seen: dict[str, datetime]) -> Snapshot:
        """A snapshot as lists show it: with what events and reviewers add."""
        if not last_seen and self._standings is None:
            return snapshot
        return msgspec.structs.replace(snapshot, last_events=last_seen, standings=self._standings)

    def _event_version(self) -> int:
        return -self._stored.version if self._stored is not None else len(self._book.log)

    def _last_seen(self) -> dict[str, datetime]:
        """Latest event by the ARN of the identity behind it; of events on disk as of the last reading."""
        return self._seen_last[1] if self._stored is not None else self._book.log.last_seen()

    def _event_listing(self) -> Listing:
        windows, around = self.windows(), self._surroundings()
        rows: Sequence[Row]
        if self._stored is not None:
            rows = self._stored.list
            accounts = self._stored.accounts
        else:
            rows = [_event_row(event, around) for event in self._book.log.newest_first()]
            accounts = frozenset(event.account for event in self._book.log.newest_first()[:2000])
        refused = [w for w in windows if w.state in (WindowState.DENIED, WindowState.FAILED)]
        if rows or any(w.state is WindowState.COVERED for w in windows):
            state: Fact[None] = known(None)
        elif refused:
            kind = State.DENIED if refused[0].state is WindowState.DENIED else State.FAILED
            state = absent(kind, source="cloudtrail:LookupEvents", detail=refused[0].reason)
        else:
            state = absent(State.NOT_LOADED)
        return Listing(
            kind=ListKind.EVENTS,
            columns=lists.columns("events", several_accounts=len(accounts) > 1),
            rows=rows,
            complete=any(not w.asked for w in windows) and all(w.state is WindowState.COVERED for w in windows if not w.asked),
            as_of=None,
            gaps=(),
            state=state,
        )

    def _surroundings(self) -> Surroundings:
        """Snapshots of events, with what is known of first uses."""
        return self.places.surroundings(self._book.world)

    def _finding_listing(self) -> Listing:
        from .placing import stranger

        world, found = self._book.world, self._found
        by_account = {snapshot.account: self._seen_by(snapshot, {}) for snapshot in world.snapshots}
        rows = [Row(f"finding:{one.key}", one, by_account.get(one.account) or stranger(one.account)) for one in found.findings]
        state: Fact[None] = known(None, "iamtui's own analysis", found.at) if found.of is not None else absent(State.NOT_LOADED)
        whole = all(snapshot.section(name).complete for snapshot in world.snapshots for name in _SECTION_OF.values())
        gaps = tuple(gap for snapshot in world.snapshots for gap in snapshot.gaps) + world.gaps
        return Listing(
            kind=ListKind.FINDINGS,
            columns=lists.columns("findings", several_accounts=len(world.snapshots) > 1, marked=self.has_marks, named=_named(world)),
            rows=rows,
            complete=found.of is world and whole,
            as_of=found.at,
            gaps=gaps,
            state=state,
        )

    def select(self, kind: ListKind, filter_text: str = "", sort: str = "", descending: bool = False) -> Selection:
        """A list narrowed by the filter grammar and sorted by a column id; a wrong filter is told in `error`."""
        listing = self.listing(kind)
        try:
            wanted = parse(filter_text, listing.columns, self.now())
        except FilterError as error:
            return Selection(listing, listing.rows, filter_text, sort, descending, error=str(error))
        try:
            if isinstance(listing.rows, StoredRows):
                return self._select_stored(listing, wanted, filter_text, sort, descending)
            index = self._index(listing)
            indices: Sequence[int] = index.select(wanted) if filter_text.strip() else range(len(listing.rows))
            if sort:
                indices = index.sorted(indices, sort, descending)
        except FilterError as error:
            return Selection(listing, listing.rows, filter_text, "", False, error=str(error))
        whole = isinstance(indices, range)
        return Selection(listing, listing.rows if whole else Picked(listing.rows, indices), filter_text, sort, descending)

    def _select_stored(self, listing: Listing, wanted: Filter, text: str, sort: str, descending: bool) -> Selection:
        """Of events on disk. The last few narrowed lists are kept: one may still be looked at while the next is made."""
        assert self._stored is not None
        rows = self._stored.narrowed(wanted, listing.columns, sort, descending, self._surroundings())
        if rows is not listing.rows:
            self._narrowed.append(rows)
            while len(self._narrowed) > 3:
                self._stored.drop(self._narrowed.pop(0))
        return Selection(listing, rows, text, sort, descending)

    def position(self, selection: Selection, key: str) -> int | None:
        """Where in a selection a row is, by its key. Looks at many rows: for a worker where events are on disk."""
        if isinstance(selection.rows, StoredRows):
            assert self._stored is not None
            return self._stored.position(selection.rows, key.rpartition("/")[2]) if key.startswith("event:") else None
        return next((place for place, row in enumerate(selection.rows) if row.key == key), None)

    def shown_of(self, selection: Selection, keys: Collection[str]) -> int:
        """How many rows of these keys are in a selection."""
        if isinstance(selection.rows, StoredRows):
            assert self._stored is not None
            return self._stored.shown_of(selection.rows, [key.rpartition("/")[2] for key in keys])
        return sum(1 for row in selection.rows if row.key in keys)

    def _index(self, listing: Listing) -> Index:
        held = self._indices.get(listing.kind)
        if held is not None and held[0] is listing:
            return held[1]
        before = held[1] if held is not None else None
        index = Index(listing.columns, [(row.item, row.snapshot) for row in listing.rows], self.now(), before)
        self._indices[listing.kind] = (listing, index)
        return index

    def row(self, key: str) -> Row | None:
        """The row with that key in any list; None when it is gone."""
        if key.startswith("event:"):
            wanted = key.rpartition("/")[2]
            event = self.search.with_id(wanted, wanted)
            return self._row_of(event, wanted) if event is not None else None
        for kind in (*NAMED, ListKind.FINDINGS):
            for row in self.listing(kind).rows:
                if row.key == key:
                    return row
        return None

    def find(self, target: str) -> tuple[Match, ...]:
        """Where a name, ARN, unique id, access key id or event id leads, best first. Empty when nowhere."""
        found: list[Match] = []
        rows: dict[str, Row] = {}
        for hit in lookup.resolve(target, self._book.world, self.search.of_target(target)):
            kind = ListKind(hit.kind)
            if kind is ListKind.EVENTS:
                row = self._row_of(hit.item)
            else:
                if not rows:
                    rows = {r.item.arn: r for k in _SECTION_OF for r in self.listing(k).rows}  # type: ignore[union-attr]
                row = rows[hit.item.arn]
            found.append(Match(kind, row, hit.how))
        return tuple(found)

    def _row_of(self, event: Event, ident: str = "") -> Row:
        return _event_row(event, self._surroundings(), ident)

    def event_key(self, event: Event) -> str:
        """Key of an event's row."""
        return _event_key(event)

    def kind_of(self, row: Row) -> ListKind:
        """The list a row belongs to."""
        for kind, nouns in _NOUNS.items():
            if isinstance(row.item, nouns):
                return kind
        raise TypeError(f"{type(row.item).__name__} is in no list")

    # -- one identity or policy --------------------------------------------------------------------------------------

    def grants(self, row: Row) -> tuple[Grant, ...]:
        from ..analysis.grants import grants

        return grants(row.item, row.snapshot) if isinstance(row.item, User | Role | Group) else ()

    def permissions(self, row: Row) -> PermissionSummary:
        """What the documents of an identity or policy say, by service and access level. Loads the catalogue: not for the
        event loop."""
        from ..analysis.permissions import summarize, summarize_text

        if isinstance(row.item, Policy):
            version = row.item.default_version
            return summarize_text(version.document if version else "", row.item.name)
        return summarize(self.grants(row))

    def document_summary(self, text: str, name: str = "") -> PermissionSummary:
        from ..analysis.permissions import summarize_text

        return summarize_text(text, name)

    def trust(self, row: Row) -> TrustSummary | None:
        from ..analysis.trust import trust_summary

        return trust_summary(row.item, row.snapshot) if isinstance(row.item, Role) else None

    def members(self, row: Row) -> tuple[User, ...]:
        from ..analysis.grants import members

        return members(row.item, row.snapshot) if isinstance(row.item, Group) else ()

    def attachments(self, row: Row) -> tuple[Attachment, ...]:
        from ..analysis.grants import attachments

        return attachments(row.item, row.snapshot) if isinstance(row.item, Policy) else ()

    def policy_diff(self, old: PolicyVersion, new: PolicyVersion) -> PolicyDiff:
        from ..analysis.diff import diff_documents

        return diff_documents(old.document, new.document)

    def credentials(self, row: Row) -> CredentialView:
        """The report's row of a user with the report's own state, and its keys by id when they were read."""
        arn, snapshot = arn_of(row.item), row.snapshot
        current = self._book.world.snapshot(snapshot.account) or snapshot
        section = current.section(CREDENTIALS)
        source = section.origin.name if section.origin else "iam:GetCredentialReport"
        held = current.credentials.get(arn)
        if held is not None:
            report: Fact[Any] = known(held, source, section.as_of)
        elif section.state is State.KNOWN:
            report = absent(
                State.NO_INFORMATION, source, section.as_of, "the report has no row of this user; it may be older than the user"
            )
        else:
            report = absent(section.state, source, section.as_of, section.detail)
        keys = current.access_keys.get(arn)
        if keys is not None:
            return CredentialView(report, known(keys, "iam:ListAccessKeys"))
        gap = next((g for g in current.gaps if g.kind is Kind.ACCESS_KEYS and g.key in (arn, getattr(row.item, "name", ""))), None)
        state = gap.state if gap else State.NOT_LOADED
        return CredentialView(report, absent(state, "iam:ListAccessKeys", detail=gap.reason if gap else ""))

    def load_access_keys(self, row: Row, cancelled: Cancelled = never_cancelled) -> CredentialView:
        if isinstance(row.item, User) and self._source is not None and not self.offline:
            self._reader.absorb(self._source.access_keys(row.item.name, row.item.arn, cancelled), row.snapshot.account)
        return self.credentials(row)

    def load_role(self, row: Row, cancelled: Cancelled = never_cancelled) -> Row:
        """The role again, with what only GetRole tells: maximum session and description."""
        if isinstance(row.item, Role) and self._source is not None and not self.offline:
            self._reader.absorb(self._source.role(row.item.name, row.item.arn, cancelled), row.snapshot.account)
        return self.row(row.key) or row

    def load_roles(self, cancelled: Cancelled = never_cancelled) -> None:
        """Maximum session and description of every role, which the lists of an account do not carry."""
        if self._source is not None and not self.offline and self.world.snapshots:
            self._reader.absorb(self._source.role("", "", cancelled), self.world.snapshots[0].account)

    def load_policy_version(self, row: Row, version_id: str = "", cancelled: Cancelled = never_cancelled) -> Row:
        """The policy again, with the text of that version (default version when "") when it could be read."""
        arn = arn_of(row.item)
        if arn and self._source is not None and not self.offline:
            self._reader.absorb(self._source.policy_version(arn, version_id, cancelled), row.snapshot.account)
        return next((r for r in self.listing(ListKind.POLICIES).rows if arn_of(r.item) == arn), row)

    def load_grant_document(self, row: Row, grant: Grant, cancelled: Cancelled = never_cancelled) -> Grant:
        """A grant whose text was not in what was read, with its text where it can be read now."""
        if grant.document is not None or not grant.policy_arn or self._source is None or self.offline:
            return grant
        self._reader.absorb(self._source.policy_version(grant.policy_arn, "", cancelled), row.snapshot.account)
        fresh = self.row(row.key) or row
        return next((g for g in self.grants(fresh) if g.policy_arn == grant.policy_arn and g.via == grant.via), grant)

    # -- last used ---------------------------------------------------------------------------------------------------

    def usage(self, row: Row) -> Fact[UsageReport]:
        """Last-accessed details on hand. NOT_LOADED until `load_usage` was asked."""
        return self._reader.held_usage(arn_of(row.item), row.snapshot.account)

    def usage_rows(self, row: Row) -> tuple[UsageRow, ...]:
        """Services and actions granted and used, joined over all sources. Loads the catalogue: not for the event loop."""
        from ..analysis.usage import usage_rows

        events = self.search.by_actor(row.item) if isinstance(row.item, User | Role) else ()
        permissions = self.permissions(row) if isinstance(row.item, Policy) else None
        return usage_rows(self.usage(row), self.grants(row), events, permissions)

    def load_usage(self, row: Row, granularity: str = "ACTION_LEVEL", cancelled: Cancelled = never_cancelled) -> Iterator[UsageUpdate]:
        """Ask for last-accessed details of one identity or policy, with progress."""
        return self._reader.usage(arn_of(row.item), row.snapshot.account, granularity, cancelled)

    # -- activity and events -----------------------------------------------------------------------------------------

    def activity(self, row: Row, direction: Direction = Direction.BOTH) -> Activity:
        """Events of an identity or policy among those read so far, newest first, with what was covered to find them."""
        item = row.item
        if isinstance(item, Event):
            return Activity(events=(item,))
        if isinstance(item, Finding):
            return Activity()
        search = self.search
        made = search.by_actor(item) if direction is not Direction.ON else ()
        through = search.through_roles(item.arn) if isinstance(item, User) and direction is not Direction.ON else ()
        suffered = search.on_target(item) if direction is not Direction.BY else ()
        found = _joined([part for part in (made, through, suffered) if part])
        windows = self.windows(row) or self.windows()
        return Activity(events=found, windows=windows, notes=self._limits(item, found), total=len(found))

    def story(self, row: Row, *, follow: bool = True) -> Story:
        """What one actor did, in order: of a user, a role's sessions, or whoever is behind an event. For a worker."""
        from .telling import story_of

        about = row.item if isinstance(row.item, Event) else arn_of(row.item)
        self.places.follow()
        return story_of(self._surroundings(), self.search, about, follow=follow)

    def _limits(self, item: Identity | Policy, found: Sequence[Event]) -> tuple[str, ...]:
        from .stored import MOST

        notes = activities.limits(item, "trail" if self.trail.delivered else self.info.kind)
        return (*notes, f"There are more: the newest {MOST:,} are looked at.") if len(found) >= MOST else notes

    def alert(self, text: str) -> Alert:
        """What a pasted text is about. Raises BadInputError when nothing in it can be looked up."""
        from ..source.decode.alerts import decode_alert

        return decode_alert(text)

    def load_clues(self, alert: Alert, cancelled: Cancelled = never_cancelled) -> Iterator[Activity]:
        """Look up in a live account what an alert names; elsewhere everything is read already, or is read now."""
        if self.info.kind != "live" or self.trail.delivered:
            if not self.windows():
                yield from self.load_events(None, cancelled)
            return
        asked = {"access key": "AccessKeyId", "event id": "EventId", "user name": "Username", "ARN": "ResourceName"}
        for clue in [clue for clue in alert.clues if clue.kind.value in asked][:4]:
            query = EventQuery(attribute=asked[clue.kind.value], value=clue.value, regions=self.info.regions)
            yield from self.load_events(query, cancelled)
        for _ in self.load_guards(cancelled):
            pass

    def triage(self, alert: Alert) -> Triage:
        """One alert joined with who it is about, who is behind it, what else they did, could do and had changed. For a worker."""
        from ..model.document import Document, Origin
        from ..source.decode import decode_events
        from .triage import triage

        own: tuple[Event, ...] = ()
        if alert.record:
            document = Document(Kind.EVENTS, alert.record.encode(), self.now(), Origin("alert", "the alert"), alert.account)
            own = tuple(e for e in decode_events(document).events if not e.event_id or self.search.with_id(e.event_id, "") is None)
        return triage(self, alert, own, self.places.supposing(self.world, own))

    def watch(self, filter_text: str = "") -> Watch:
        """A watch for new events; they do not go into the lists. Raises UsageError where nothing can arrive."""
        from .watching import Watch, watchable

        source = watchable(None if self.offline else self._source, self.info.kind)
        self.places.follow()
        return Watch(source, self.world, filter_text, self.now, self.info.regions, self.places)

    def load_activity(
        self, row: Row, cancelled: Cancelled = never_cancelled, direction: Direction = Direction.BOTH, **limits: Any
    ) -> Iterator[Activity]:
        """Look up an identity's events, over the chosen Regions; yields as they come. `limits`: since, until, most of the EventQuery."""
        from .covering import query_of

        if self._stored is None and self.trail.delivered:
            for reading in self.load_events(None, cancelled):
                yield msgspec.structs.replace(self.activity(row, direction), running=reading.running)
        if self._stored is not None:
            yield self.activity(row, direction)  # all there is has been read
            return
        query = msgspec.structs.replace(query_of(row, self._book.log, self.info), **limits)
        told = 0.0
        for running in self._reader.events(query, arn_of(row.item), row.snapshot.account, cancelled):
            if running and time.monotonic() - told < 0.5:
                continue
            told = time.monotonic()
            self.places.follow()
            yield msgspec.structs.replace(self.activity(row, direction), running=running)

    def load_events(self, query: EventQuery | None = None, cancelled: Cancelled = never_cancelled) -> Iterator[Activity]:
        """Read events of the whole account, newest first. `listing(EVENTS)` grows with every answer."""
        if query is None or not query.attribute:
            if self._stored is None and self.trail.delivered:
                self._book.windows[""] = (Window("", WindowState.RUNNING, reason=f"asking for {self.trail.reach}"),)
                yield Activity(windows=self.windows(), running=True)
            try:
                stored = self._on_disk(cancelled)
            except IamtuiError as error:
                self._not_read(error)
                yield Activity(windows=self.windows())
                return
            if stored is not None:
                yield from self._load_stored(stored, cancelled)
                return
        self.places.follow()
        for running in self._reader.events(query or EventQuery(regions=self.info.regions), "", "", cancelled):
            self.places.follow()
            yield Activity(windows=self.windows(), running=running, total=len(self._book.log))

    def _on_disk(self, cancelled: Cancelled) -> StoredEvents | None:
        """The events on disk, where there are too many of them for the memory."""
        if self._stored is None and (self._source or self._kept) is not None and self.trail.is_large(cancelled):
            from .stored import StoredEvents

            self._stored = StoredEvents(self.trail.store, self._row_of)
        return self._stored

    def _load_stored(self, stored: StoredEvents, cancelled: Cancelled) -> Iterator[Activity]:
        """Read what is new into the store, and let the list follow it."""
        try:
            if stored.show_head() or self._show_first(stored, cancelled):
                self._book.windows[""] = self.trail.windows(running=True)
                yield self._stored_answer(stored, running=True)
            if self.trail.store.state().segments:
                stored.refresh(cancelled)
                yield self._stored_answer(stored, running=True)
            told = 0.0
            for step in self.trail.read(cancelled):
                if time.monotonic() < told:
                    continue
                begun = time.monotonic()
                if self.trail.store.state().segments:  # the first rows stay as long as there are no others
                    stored.refresh(cancelled)
                told = time.monotonic() + max(0.5, 4 * (time.monotonic() - begun))  # to put a list in order costs, and nobody sees more
                self._book.windows[""] = self.trail.windows(running=True, step=step)
                yield self._stored_answer(stored, running=True)
            stored.refresh(cancelled)
            self._seen_last = (stored.version, stored.last_seen())
            self.places.adopt(stored.places())
            stored.renew()
            if not cancelled():
                stored.keep_head()
            for reason in self.trail.state().refused:
                self._book.note(IamtuiError(reason))
            self._book.windows[""] = self.trail.windows(running=False)
        except IamtuiError as error:
            self._not_read(error)
        self._book.events_lost |= bool(self.trail.state().refused)
        yield self._stored_answer(stored, running=False)

    def _not_read(self, error: IamtuiError) -> None:
        """Events on disk could not be brought up to what there is: told in their window, beside what was read before."""
        if isinstance(error, RefusedError):
            self._book.note(error)  # the account itself may be read all the same
        else:
            self._book.failed(error)
        denied = isinstance(error, RefusedError) and error.denied
        state = WindowState.DENIED if denied else WindowState.FAILED
        held = self.trail.state()
        self._book.windows[""] = (Window("", state, held.since, held.until, error.message, events=held.events),)

    def _show_first(self, stored: StoredEvents, cancelled: Cancelled) -> bool:
        """The events of one file, while the store is empty: somebody is waiting for the first rows."""
        from ..model.document import Document, Origin
        from ..source.base import EventFile
        from ..source.decode import decode_events

        if self.trail.store.state().segments:
            return False
        for item in (self._kept or self._source).event_files({}, cancelled):  # type: ignore[union-attr]
            if isinstance(item, EventFile) and item.body:
                found = decode_events(Document(Kind.EVENTS, item.body, self.now(), Origin("evidence", item.name))).events[:_FIRST]
                if found:
                    events = sorted(found, key=when, reverse=True)
                    stored.show_first(events, [str(id(event)) for event in events], len(events), frozenset(e.account for e in events))
                    return True
        return False

    def _stored_answer(self, stored: StoredEvents, *, running: bool) -> Activity:
        return Activity(windows=self.windows(), running=running, total=len(stored))

    def windows(self, row: Row | None = None) -> tuple[Window, ...]:
        """What has been covered of the events of an identity, or of the whole account; offline, by what was kept."""
        held = self._book.windows.get(arn_of(row.item) if row else "", ())
        if row is None or held or not self.offline or not self._book.coverage.parts:
            return held
        from .covering import kept_windows_of, query_of

        query = query_of(row, self._book.log, self.info)
        return kept_windows_of(self._book.coverage, query, row.snapshot.account, self.info, self.now())

    # -- what went wrong, and where things come from -----------------------------------------------------------------

    def problems(self) -> tuple[Problem, ...]:
        """Everything that went wrong so far, oldest first."""
        self._note_cache()
        return self._book.problems

    def problem_count(self) -> int:
        self._note_cache()
        return self._book.problem_count

    def _note_cache(self) -> None:
        """What the cache had to say, once each."""
        if self._cache is not None and len(self._cache.notices) > self._cache_notices:
            for notice in self._cache.notices[self._cache_notices :]:
                self._book.note(IamtuiError(notice, "iamtui cache info tells what is kept"))
            self._cache_notices = len(self._cache.notices)

    def describe(self, row: Row) -> dict[str, Any]:
        """Everything on hand about an identity or policy, JSON-able. Loads the catalogue: not for the event loop."""
        from .describing import describe

        return describe(self, row)

    def row_json(self, row: Row) -> str:
        """One row as JSON text, as `list --format json` has it; an event's record."""
        from .export import json_text

        if isinstance(row.item, Event):
            return self.search.whole(row.item, row.key.rpartition("/")[2]).record
        return json_text(self.listing(self.kind_of(row)).columns, [row])

    async def export(self, path: Path, kind: ListKind, rows: Sequence[Row], table: tuple[list[str], list[list[str]]] | None = None) -> int:
        """Write rows to a private file: JSON when the name ends so, else CSV no spreadsheet computes. Answers how many.

        `table` (header, cells) is written instead of rows where a view has a table of its own. Raises OSError.
        """
        from ..store.files import write_lines, write_text
        from .export import csv_lines, csv_table, json_lines, json_table, json_text

        as_json = path.suffix.casefold() == ".json"
        if table is not None:
            await write_text(path, json_table(*table) if as_json else csv_table(*table))
            return len(table[1])
        columns = self.listing(kind).columns
        if isinstance(rows, StoredRows):
            import asyncio

            lines = json_lines(columns, rows) if as_json else csv_lines(columns, rows)
            await asyncio.to_thread(write_lines, path, lines)
        else:
            await write_text(path, json_text(columns, rows) if as_json else "".join(csv_lines(columns, rows)))
        return len(rows)

    def console_url(self, row: Row) -> str:
        from ..analysis.console import console_url

        return console_url(row.item, row.snapshot)

    def collect(self, path: Path, cancelled: Cancelled = never_cancelled) -> int:
        """Write a bundle of everything that was read to `path`; answers the number of documents in it."""
        from . import keeping

        return keeping.collect(self._source, self._cache, self._book.world, self.info, path, self.now(), cancelled)


def _named(world: World) -> bool:
    """Whether any account is called something."""
    return any(snapshot.label != snapshot.account for snapshot in world.snapshots)


def _list_state(sections: Sequence[Section]) -> Fact[None]:
    for section in sections:
        if section.state is State.KNOWN:
            return known(None, section.origin.name if section.origin else "", section.as_of)
    if sections:
        first = sections[0]
        return absent(first.state, first.origin.name if first.origin else "", first.as_of, first.detail)
    return absent(State.NOT_LOADED)


def _joined(parts: Sequence[tuple[Event, ...]]) -> tuple[Event, ...]:
    """Events of several answers, each once, newest first."""
    if len(parts) < 2:
        return parts[0] if parts else ()
    chosen: dict[object, Event] = {}
    for part in parts:
        for event in part:
            chosen.setdefault((event.account, event.region, event.event_id) if event.event_id else id(event), event)
    return tuple(sorted(chosen.values(), key=when, reverse=True))


def _event_key(event: Event, ident: str = "") -> str:
    return f"event:{event.account}/{event.region}/{event.event_id or ident or id(event)}"


def _event_row(event: Event, around: Surroundings, ident: str = "") -> Row:
    return Row(_event_key(event, ident), event, around.of(event))


__all__ = ["Session", "utc_now"]
