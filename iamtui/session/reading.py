"""Reading: how answers of a source get into the book, and onto the disk."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from ..analysis.reach import keep_for
from ..errors import IamtuiError, OfflineError
from ..model.coverage import Covered
from ..model.document import Document, Gap, Kind
from ..model.event import Event, Window
from ..model.fact import Fact, State, absent, known
from ..model.freshness import is_stale
from ..model.surroundings import Surroundings
from ..model.usage import UsageReport
from ..source.base import Cancelled, EventQuery, PolicyRemark, Source, SourceInfo, Step, never_cancelled
from .answers import Link, Update, UsageUpdate
from .book import Book
from .merging import merge_world

if TYPE_CHECKING:
    from ..source.decode.events import EventBatch
    from ..store.cache import Cache

_EVERY = 0.4
"""Seconds between two pictures of a world that is being read; putting one together costs, and nobody sees more."""

_CONFIG = (Kind.CONFIG_ITEMS, Kind.CONFIG_RECORDERS)
_RECORDERS = "config:DescribeConfigurationRecorder"
"""What the answers about recorders begin with: one saved answer tells of the guard and of how far the history reaches."""
_AROUND = (Kind.RESOURCE_POLICIES, Kind.ORGANIZATION, Kind.ANALYZERS, Kind.ANALYZER_FINDINGS, *_CONFIG)
LAST_ACCESSED_ACTION = "iam:GenerateServiceLastAccessedDetails"


class _Page(NamedTuple):
    """Events of one answer, and which of them had not been read before."""

    account: str
    batch: EventBatch
    fresh: Sequence[Event]


class Reader:
    """Drives one source. Its iterators block and belong into worker threads."""

    def __init__(self, book: Book, source: Source | None, cache: Cache | None, info: SourceInfo, *, offline: bool) -> None:
        self.book = book
        self.source = None if offline else source
        self.cache = cache
        self.info = info
        self.offline = offline or source is None
        self._config_read = False
        self._remembered = False

    def open(self) -> None:
        """What is there without the network: the cache, the demo account."""
        if self.cache is not None:
            from . import keeping

            world, documents, events, coverage = keeping.read_back(self.cache, self.info, offline=self.offline)
            keep_for(len(world.snapshots))
            self.book.world = world
            self.book.log.add(events)
            if coverage.parts:
                from .covering import kept_windows

                self.book.coverage = coverage
                self.book.windows[""] = kept_windows(coverage, self.info, self.book.now())
            for document in documents:
                self._take_back(document)
            for snapshot in world.snapshots:
                digests = self.cache.digests(snapshot.account)
                if digests is not None:
                    self.book.advisor.take_back(digests)
        elif self.info.kind == "demo":
            for _ in self.account(lambda: False):
                pass

    def account(self, cancelled: Cancelled) -> Iterator[Update]:
        """Everything the lists need, again. What cannot be read again stays as it was, with its age."""
        book = self.book
        if self.source is None:
            book.note(OfflineError("The network is forbidden by --offline", "start without --offline to read again"))
            yield Update(book.world, finished=True)
            return
        from ..source.decode import Assembler

        before, assembler, documents = book.world, Assembler(), []
        book.surroundings_read = book.analyzers_read = False
        book.resources_asked.clear()
        if self.info.kind != "live":
            book.surroundings = Surroundings()
            book.guard_items = ()
        book.guards_read = False
        book.forget_problems()
        book.link = Link.REFRESHING
        told = 0.0
        try:
            for item in self.source.account(cancelled):
                if isinstance(item, Step):
                    yield Update(book.world, step=item)
                    continue
                assembler.add(item)
                if isinstance(item, Document) and item.kind in _AROUND:
                    self._around(item)
                if item.kind is Kind.GUARDS:
                    book.guard_items = (*book.guard_items, item)
                    if isinstance(item, Document) and item.key.startswith(_RECORDERS):
                        self._around(item)
                if isinstance(item, Document):
                    documents.append(item)
                if self.info.kind != "demo" and time.monotonic() - told >= _EVERY:
                    book.world = merge_world(before, assembler.world())
                    told = time.monotonic()
                    yield Update(book.world)
            book.world = merge_world(before, assembler.world())
            keep_for(len(book.world.snapshots))
            for gap in (*book.world.gaps, *(gap for snapshot in book.world.snapshots for gap in snapshot.gaps)):
                book.note_gap(gap)
            book.link = Link.DISK if cancelled() else Link.CURRENT
            if self.cache is not None and not cancelled():
                from . import keeping

                keeping.keep_account(self.cache, self.info, book.world, documents)
        except IamtuiError as error:
            book.failed(error)
        yield Update(book.world, finished=True)

    def surroundings(self, cancelled: Cancelled = never_cancelled, *, ask: bool = False) -> None:
        """Read what stands around the identities, once. `ask`: in a live account, ask AWS for it; else only what was kept."""
        book = self.book
        if book.surroundings_read or (self.info.kind == "live" and not ask):
            return
        if self.source is None:
            return
        try:
            if ask:
                self._organization(cancelled)
            for item in self.source.surroundings(cancelled):
                self.take_around(item)
            book.surroundings_read = not cancelled()
        except IamtuiError as error:
            book.failed(error)

    def _organization(self, cancelled: Cancelled) -> None:
        """The organisation above a live account, where what was kept of it is not of today: Organizations throttles hard."""
        read = getattr(self.source, "organization", None)
        if read is None:
            return
        if self.cache is not None:
            for snapshot in self.book.world.snapshots:
                kept = self.cache.document(snapshot.account, Kind.ORGANIZATION, "")
                if kept is not None and not is_stale(Kind.ORGANIZATION, kept.as_of, self.book.now()):
                    return
        for item in read(cancelled):
            self.take_around(item)

    def config_history(self, target: str, unique_id: str, arn: str, cancelled: Cancelled) -> Iterator[None]:
        """What AWS Config recorded of one resource; yields after every answer. A refusal is kept beside the resource."""
        if self.source is None:
            return
        config = self.book.config
        config.forgive(unique_id)
        try:
            for item in self.source.config_history(target, unique_id, arn, self.info.regions, cancelled):
                if isinstance(item, Document):
                    self._around(item)
                    if self.cache is not None:
                        self.cache.put_document(item.account, item)
                elif isinstance(item, Gap):
                    config.refuse(item)
                    if item.state is not State.NOT_APPLICABLE:
                        self.book.note_gap(item)
                yield None
            if not cancelled():
                config.asked.add(unique_id)
        except IamtuiError as error:
            self.book.failed(error)

    def config_back(self) -> None:
        """What AWS Config told before, from the cache; once, when somebody asks for changes."""
        if self.cache is None or self._config_read:
            return
        self._config_read = True
        for snapshot in self.book.world.snapshots:
            for kind in _CONFIG:
                for document in self.cache.documents(snapshot.account, kind):
                    self._around(document)

    def resource_policy(self, arn: str) -> None:
        """The policy of one resource of a live account, once."""
        book, read = self.book, getattr(self.source, "resource_policy", None)
        if read is None or book.surroundings_read or arn in book.resources_asked:
            return
        book.resources_asked.add(arn)
        try:
            for item in read(arn):
                self.take_around(item)
        except IamtuiError as error:
            book.failed(error)

    def validate_policy(self, document: str, kind: str) -> tuple[PolicyRemark, ...]:
        """What AWS says of a policy; () with a problem noted when it could not be asked."""
        ask = getattr(self.source, "validate_policy", None)
        if ask is None:
            self.book.note(
                OfflineError("ValidatePolicy needs credentials: a demo, evidence and --offline ask AWS nothing", "leave --aws out")
            )
            return ()
        try:
            return tuple(ask(document, kind))
        except IamtuiError as error:
            self.book.note(error)
            return ()

    def take_around(self, item: object) -> None:
        """What stands around the identities: into the book, and onto the disk of a live account."""
        if isinstance(item, Document):
            self._around(item)
            if self.cache is not None and self.info.kind == "live":
                self.cache.put_document(item.account, item)
        elif isinstance(item, Gap):
            self.book.note_gap(item)

    def _around(self, document: Document) -> None:
        from ..source.decode import BROKEN, reason_of, with_document

        if document.kind is Kind.ANALYZERS:
            self.book.analyzers_at = document.as_of
        try:
            if document.kind in _CONFIG or document.kind is Kind.GUARDS:
                for reason in self.book.config.take(document):
                    self.book.note(IamtuiError(f"{document.origin.name}: {reason}"))
                return
            self.book.surroundings = with_document(self.book.surroundings, document)
        except BROKEN as error:
            self.book.note(IamtuiError(f"{document.origin.name}: {reason_of(error)}"))

    def usage(self, arn: str, account: str, granularity: str, cancelled: Cancelled) -> Iterator[UsageUpdate]:
        """Last-accessed details of one ARN, with progress."""
        held = self.held_usage(arn, account)
        if self.source is None:
            if not held.is_known:
                reason = "not read before, and the network is forbidden (--offline)"
                self.book.usage[arn] = absent(State.NOT_LOADED, LAST_ACCESSED_ACTION, detail=reason)
            yield UsageUpdate(self.held_usage(arn), finished=True)
            return
        try:
            for item in self.source.last_accessed(arn, granularity, cancelled):
                if isinstance(item, Step):
                    yield UsageUpdate(self.held_usage(arn), step=item)
                    continue
                fact = self.take_usage(arn, account, item)
                if not fact.is_known:
                    hint = item.hint if isinstance(item, Gap) else "r tries again"
                    self.book.note_gap(
                        Gap(Kind.LAST_ACCESSED, fact.state, fact.detail, fact.source, account, arn, hint=hint, at=fact.as_of)
                    )
                self.book.usage[arn] = self._kept_on(arn, fact)
        except IamtuiError as error:
            self.book.failed(error)
            if not held.is_known:
                self.book.usage[arn] = absent(State.FAILED, LAST_ACCESSED_ACTION, self.book.now(), error.message)
        yield UsageUpdate(self.held_usage(arn), finished=True)

    def take_usage(self, arn: str, account: str, item: Document | Gap) -> Fact[UsageReport]:
        """One answer into the lists, and onto the disk; a refusal or an answer nobody can read stays off the disk."""
        from ..source.decode import decode_last_accessed

        answer = decode_last_accessed(item) if isinstance(item, Document) else item
        if isinstance(answer, Gap):
            fact: Fact[UsageReport] = absent(answer.state, answer.action, answer.at, answer.reason)
        else:
            fact = known(answer, answer.source, answer.completed)
            if isinstance(item, Document):
                self._keep(item, account)
        self.book.advisor.take(arn, fact)
        return fact

    def _kept_on(self, arn: str, fact: Fact[UsageReport]) -> Fact[UsageReport]:
        """What is known stays when AWS does not tell it again, with the reason beside it."""
        held = self.book.usage.get(arn)
        if not fact.is_known and held is not None and held.is_known:
            return msgspec.structs.replace(held, detail=fact.detail)
        return fact

    def held_usage(self, arn: str, account: str = "") -> Fact[UsageReport]:
        """The answer on hand; what was read before in a live account is on the disk until somebody looks at it."""
        held = self.book.usage.get(arn)
        if held is not None:
            return held
        kept = self.kept_usage(arn, account) if account else None
        if kept is not None:
            self.book.usage[arn] = known(kept, kept.source, kept.completed)
            return self.book.usage[arn]
        told = self.book.advisor.brief(arn)
        if told is not None and not told.is_known:
            return absent(told.state, told.source, told.as_of, told.detail)
        return absent(State.NOT_LOADED, LAST_ACCESSED_ACTION)

    def kept_usage(self, arn: str, account: str) -> UsageReport | None:
        """The answer on the disk, if there is one that can be read."""
        document = self.cache.document(account, Kind.LAST_ACCESSED, arn) if self.cache is not None else None
        if document is None:
            return None
        from ..source.decode import decode_last_accessed

        answer = decode_last_accessed(document)
        return answer if isinstance(answer, UsageReport) else None

    def events(self, query: EventQuery, owner: str, account: str, cancelled: Cancelled) -> Iterator[bool]:
        """Read events into the log; yields True after every answer, False at the end. `owner` is whose windows they are.

        What was covered before is not asked again. Events are kept before anything says that they are all there are.
        """
        if self.source is None:
            yield False
            return
        from ..analysis.classing import warm
        from ..source.decode import decode_events
        from .covering import ended

        warm()
        windows = {(window.region, window.asked): window for window in self.book.windows.get(owner, ())}
        waiting: _Page | None = None  # the one that came last, until it is known what it covers
        try:
            for item in self.source.events(msgspec.structs.replace(query, covered=self.book.coverage), cancelled):
                if isinstance(item, Covered):
                    self._keep_events(waiting, item)
                    waiting = None
                    continue
                if waiting is not None:
                    self._keep_events(waiting)
                    waiting = None
                if isinstance(item, Window):
                    windows[(item.region, item.asked)] = item
                    self.book.windows[owner] = tuple(windows.values())
                elif isinstance(item, Document):
                    batch = decode_events(item)
                    waiting = _Page(account or item.account, batch, self.book.log.add(batch.events))
                    self.book.events_lost |= batch.broken
                    for reason in batch.skipped:
                        self.book.note(IamtuiError(f"{item.origin.name}: {reason}"))
                elif isinstance(item, Gap):
                    self.book.note_gap(item)
                yield True
        except IamtuiError as error:
            self.book.failed(error)
        finally:
            if waiting is not None:
                self._keep_events(waiting)
            self.book.windows[owner] = ended(windows.values())
        yield False

    def _keep_events(self, page: _Page | None, covered: Covered | None = None) -> None:
        """Keep the new events of a page; all of them with what they cover, so that a row that says so leans on no other row."""
        if page is not None and page.batch.broken:
            covered = None  # something of it could not be read: it is asked for again
        events = () if page is None else page.fresh if covered is None else page.batch.events
        if self.cache is not None and (events or covered is not None):
            account = covered.account if covered is not None else (page.account if page else "") or events[0].account
            self.cache.put_events(account, events, covered)
            if self.info.connection and not self._remembered:
                # A start that asks for events alone finds them again, too.
                self._remembered = bool(self.cache.account_of(self.info.connection))
                if not self._remembered:
                    self.cache.remember_account(self.info.connection, account)
        if covered is not None:
            with self.book.lock:
                self.book.coverage = self.book.coverage.with_((covered,))

    def absorb(self, items: Iterator[Any], account: str) -> None:
        """Fold single answers (access keys, policy versions) into the world."""
        from ..source.decode import fold

        try:
            for item in items:
                if isinstance(item, Document):
                    self._keep(item, account)
                elif isinstance(item, Gap):
                    self.book.note_gap(item)
                if isinstance(item, Document | Gap):
                    with self.book.lock:
                        self.book.world = fold(self.book.world, item, account)
        except IamtuiError as error:
            self.book.failed(error)

    def _take_back(self, document: Document) -> None:
        """A document from the cache, beside the account's lists."""
        if document.kind in _AROUND:
            self._around(document)
        else:
            from ..source.decode import fold

            self.book.world = fold(self.book.world, document, document.account)

    def _keep(self, document: Document, account: str) -> None:
        if self.cache is not None:
            self.cache.put_document(account, document)
