"""SQL at AWS: what to ask is found, what it may cost is said, the query is followed, its pages are handed on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..errors import AwsError, IamtuiError, UsageError
from ..model.document import Gap
from ..model.fact import State
from ..model.remote import Answer, DataStore, Run, RunState, TrailTable, WorkGroup
from ..source.base import Cancelled, Step, never_cancelled
from .costs import ATHENA_PRICE, LAKE_PRICE, athena_usd, lake_usd, size_words, usd_words
from .engines import EngineChoice, Unbounded
from .remotewords import failure, typed
from .trail import SqlColumn, SqlPage

if TYPE_CHECKING:
    from ..query.remote import Outgoing
    from .facade import Session

_EVERY = 0.5
"""Seconds between two lines of progress."""
_CATALOG = "AwsDataCatalog"


class _Remote:
    """What both have in common: one question at a time, stopped from anywhere."""

    def __init__(self, session: Session, choice: EngineChoice) -> None:
        self._session, self._choice = session, choice
        self._stopped = threading.Event()
        self._source: Any = session._source

    def interrupt(self) -> None:
        """Stop the query that is being worked on; AWS is told by the thread that follows it."""
        self._stopped.set()

    def _begin(self, cancelled: Cancelled) -> Cancelled:
        self._stopped = stopped = threading.Event()
        return lambda: stopped.is_set() or cancelled()

    def _follow(self, runs: Iterator[Run | Step]) -> Iterator[SqlPage | Run]:
        """Progress as pages of words, at most two a second; the last state at the end."""
        began, told, before = time.monotonic(), 0.0, ""
        last: Run | None = None
        for item in runs:
            if isinstance(item, Step):
                yield SqlPage(words=item.what)
                continue
            last = item
            now = time.monotonic()
            if item.state.value != before or now - told >= _EVERY:
                before, told = item.state.value, now
                scanned = f", {size_words(item.scanned)} scanned" if item.scanned else ""
                yield SqlPage(words=f"{item.state.value}{scanned}, {now - began:.0f} s")
        if last is not None:
            yield last


def _told(gaps: list[Gap]) -> str:
    return "; ".join(dict.fromkeys(f"{gap.action}{f' in {gap.region}' if gap.region else ''}: {gap.reason}" for gap in gaps))


class AthenaEngine(_Remote):
    """Athena: a table of CloudTrail events, from the settings or found; a workgroup; a query that is followed and can be stopped."""

    name = "athena"

    def __init__(self, session: Session, choice: EngineChoice) -> None:
        super().__init__(session, choice)
        self._table: TrailTable | None = None
        self._groups: dict[str, WorkGroup] = {}
        self._own: dict[tuple[str, str], TrailTable] = {}

    def where(self) -> str:
        table = self._table
        words = f"{table.words} in {table.region}" if table else self._choice.table or "a table that is found with the first query"
        group = next(iter(self._groups.values()), None)
        name = group.name if group else self._choice.workgroup
        limit = f", {size_words(group.cutoff)} a query at most" if group and group.cutoff else ""
        return words + (f" · workgroup {name}{limit}" if name else "")

    def ask(self, text: str, cancelled: Cancelled = never_cancelled, *, unbounded: bool = False) -> Iterator[SqlPage]:
        cancelled = self._begin(cancelled)
        began = time.monotonic()
        for item in self._prepared(text, cancelled):
            if isinstance(item, SqlPage):
                yield item
                continue
            outgoing, table, group = item
            if not outgoing.bound.kind and not unbounded:
                raise _unbounded(table.words, self._bound_hint(table), ATHENA_PRICE)
            yield SqlPage(before=self._before(outgoing, table, group), translated=outgoing.text)
            yield from self._run(outgoing, table, group, began, cancelled)

    def show(self, text: str, cancelled: Cancelled = never_cancelled) -> tuple[str, str]:
        for item in self._prepared(text, self._begin(cancelled)):
            if not isinstance(item, SqlPage):
                outgoing, table, group = item
                return outgoing.text, self._before(outgoing, table, group)
        return "", ""

    def _prepared(self, text: str, cancelled: Cancelled) -> Iterator[SqlPage | tuple[Outgoing, TrailTable, WorkGroup]]:
        """The text as it is sent, of which table, by which workgroup; a wrong text is told before anything is asked."""
        from ..query.remote import check_athena, for_athena, tables_of

        checked = check_athena(text)
        placeholder, named = tables_of(checked)
        door = self._source.athena()
        table = named_table = None
        if placeholder:
            yield from self._find(door, cancelled)
            table = self._table
        elif named:
            first = next((one for one in named if "trail" in one.name.lower()), named[0])
            database = first.database or self._choice.database or "default"
            named_table = self._look(door, first.catalog or self._choice.catalog or _CATALOG, database, first.name)
        if cancelled():
            return
        known = table or named_table or TrailTable("", self._choice.database, self._choice.catalog or _CATALOG, self._region(), known=False)
        catalogs = tuple(dict.fromkeys((_CATALOG.lower(), known.catalog.lower(), self._choice.catalog.lower() or _CATALOG.lower())))
        if named and table is None and self._choice.catalog == "":
            catalogs = (_CATALOG.lower(),)
        outgoing = for_athena(checked, table, named_table, self._session.now(), catalogs)
        yield SqlPage(words="looking for a workgroup")
        group = self._group(door, known.region, cancelled)
        if not cancelled():
            yield outgoing, known, group

    # -- the table ---------------------------------------------------------------------------------------------------

    def _region(self) -> str:
        return str(self._source.regions()[0])

    def _look(self, door: Any, catalog: str, database: str, name: str) -> TrailTable:
        held = self._own.get((database, name))
        if held is None:
            region = self._region()
            try:
                held = door.table(region, catalog, database, name)
            except AwsError as error:
                if not hasattr(error, "code"):
                    raise
                held = TrailTable(name, database, catalog, region, known=False)
            self._own[(database, name)] = held
        return held

    def _find(self, door: Any, cancelled: Cancelled) -> Iterator[SqlPage]:
        if self._table is not None:
            return
        choice = self._choice
        if choice.table and choice.database:
            self._table = self._look(door, choice.catalog or _CATALOG, choice.database, choice.table)
            return
        found: list[TrailTable] = []
        gaps: list[Gap] = []
        whole = True
        told = 0.0
        for item in door.tables(self._source.regions(), choice.catalog, choice.database, choice.table, cancelled):
            if isinstance(item, TrailTable):
                found.append(item)
            elif isinstance(item, Gap):
                gaps.append(item)
            elif isinstance(item, Step):
                if time.monotonic() - told >= _EVERY:
                    told = time.monotonic()
                    yield SqlPage(step=item)
            else:
                whole = whole and item.whole
        if not cancelled():
            self._table = _one_table(found, gaps, choice, whole)

    # -- the workgroup -----------------------------------------------------------------------------------------------

    def _group(self, door: Any, region: str, cancelled: Cancelled) -> WorkGroup:
        held = self._groups.get(region)
        if held is None:
            held = self._groups[region] = self._choose_group(door, region, cancelled)
        return held

    def _choose_group(self, door: Any, region: str, cancelled: Cancelled) -> WorkGroup:
        choice = self._choice
        if choice.workgroup:
            group = door.group(region, choice.workgroup)
            if not group.enabled:
                raise UsageError(f"The workgroup {group.name} is switched off", "--athena-workgroup names another")
            if group.known and not _has_place(group, choice):
                raise UsageError(f"The workgroup {group.name} has no place for results", "--athena-output s3://bucket/prefix/ names one")
            return group
        primary = door.group(region, "primary")
        if _has_place(primary, choice) and primary.known and primary.enabled:
            return primary
        groups: list[WorkGroup] = []
        gaps: list[Gap] = []
        for item in door.groups(region, cancelled):
            (gaps if isinstance(item, Gap) else groups).append(item)
        able = [one for one in groups if one.known and one.enabled and not one.spark and _has_place(one, choice)]
        if len(able) == 1:
            return able[0]
        if able:
            raise UsageError(
                f"{len(able)} workgroups can be asked: {', '.join(sorted(one.name for one in able)[:12])}", "--athena-workgroup names one"
            )
        if (gaps or not primary.known) and choice.output:
            return primary
        why = f" ({_told(gaps)})" if gaps else ""
        raise UsageError(
            f"No workgroup in {region} has a place for results{why}",
            "--athena-output s3://bucket/prefix/ names one, --athena-workgroup a workgroup",
        )

    # -- the query ---------------------------------------------------------------------------------------------------

    def _bound_hint(self, table: TrailTable) -> str:
        day = self._session.now()
        name = next((name for name in table.partitions if name in table.formats), "")
        more = f", or \"{name}\" >= '{day:%Y/%m/%d}'" if table.formats.get(name) == "yyyy/MM/dd" else ""
        return f"add to WHERE: eventtime > '{day:%Y-%m-%d}T00:00:00Z'{more}"

    def _before(self, outgoing: Outgoing, table: TrailTable, group: WorkGroup) -> str:
        """What is known before a query runs. Bytes are not: AWS tells them of no table of files."""
        place = f" ({table.location})" if table.location else ""
        limit = f", stopped at {size_words(group.cutoff)} ({usd_words(athena_usd(group.cutoff))})" if group.cutoff else ""
        own = " to its own place" if group.enforced and self._choice.output and not group.managed else ""
        return (
            f"{table.words or 'tables named in the query'} in {table.region}{place} · workgroup {group.name}{own}{limit} · "
            f"{self._scan(outgoing, table)} · how many bytes is not known before · {ATHENA_PRICE}"
        )

    def _scan(self, outgoing: Outgoing, table: TrailTable) -> str:
        bound = outgoing.bound
        if outgoing.added:
            days = (self._session.now() - bound.since).days + 2 if bound.since else 0
            return f"scans partitions {outgoing.added}, {days:,} days (put in from the bound on eventtime)"
        if bound.kind == 2:
            since = f" since {bound.since:%Y-%m-%d}" if bound.since else ""
            return f"scans the partitions that were named{since}"
        keys = f" (partitions: {', '.join(table.partitions)})" if table.partitions else ""
        if not table.known:
            keys = ", if its partitions do not say otherwise: they could not be looked at"
        reason = "the bound on eventtime narrows the answer only" if bound.kind else "no bound of time"
        return f"scans the whole table, {reason}{keys}"

    def _run(self, outgoing: Outgoing, table: TrailTable, group: WorkGroup, began: float, cancelled: Cancelled) -> Iterator[SqlPage]:
        door = self._source.athena()
        output = "" if group.managed or (group.enforced and group.output) else self._choice.output
        done: Run | None = None
        for item in self._follow(door.run(outgoing.text, table.region, group.name, table.catalog, table.database, output, cancelled)):
            if isinstance(item, Run):
                done = item
            else:
                yield item
        if cancelled() or done is None:
            return
        cost = self._cost(done)
        if done.state is not RunState.DONE:
            raise failure("Athena", done, cost, limit=group.cutoff)
        columns: tuple[SqlColumn, ...] = ()
        for page in door.rows(done.id, table.region, cancelled):
            if isinstance(page, Step):
                yield SqlPage(words=page.what)
                continue
            columns, rows = typed(page)
            yield SqlPage(columns, rows, took=time.monotonic() - began, translated=outgoing.text, after=cost)
        if not cancelled():
            yield SqlPage(columns, finished=True, took=time.monotonic() - began, translated=outgoing.text, after=cost)

    def _cost(self, run: Run) -> str:
        if run.reused:
            return "an earlier result was used again: nothing was scanned"
        engine = f", {run.millis / 1000:.1f} s in Athena" if run.millis else ""
        return f"{size_words(run.scanned)} scanned, {usd_words(athena_usd(run.scanned))} (estimate by list price){engine}"


def _has_place(group: WorkGroup, choice: EngineChoice) -> bool:
    return group.managed or bool(group.output) or (bool(choice.output) and not group.enforced)


def _unbounded(what: str, add: str, price: str) -> Unbounded:
    return Unbounded(f"Nothing bounds the time of events: all of {what or 'the table'} would be scanned, at {price}", add)


def _one_table(found: list[TrailTable], gaps: list[Gap], choice: EngineChoice, whole: bool) -> TrailTable:
    """The table to ask, or a sentence about those there are."""
    if len(found) > 1:
        projected = [table for table in found if table.projected]
        found = projected if len(projected) == 1 else found
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(sorted(f"{table.words} ({table.region})" for table in found)[:12])
        raise UsageError(f"{len(found)} tables hold CloudTrail events: {names}", "--athena-table database.table names one, --region its Region")
    what = f"There is no table {choice.table}" if choice.table else "No table of CloudTrail events was found"
    why = f": {_told(gaps)}" if gaps else "" if whole else ": the search stopped after 5,000 tables"
    hint = "--athena-table database.table names one; the CloudTrail console makes one (Event history, Create Athena table)"
    if gaps and all(gap.state is State.DENIED for gap in gaps):
        raise AwsError(what + why, "the caller also needs glue:GetDatabases and glue:GetTables; or name it: --athena-table database.table")
    raise UsageError(what + why, hint)


class LakeEngine(_Remote):
    """CloudTrail Lake: an event data store, from the settings or found."""

    name = "lake"

    def __init__(self, session: Session, choice: EngineChoice) -> None:
        super().__init__(session, choice)
        self._stores: tuple[DataStore, ...] | None = None
        self._gaps: list[Gap] = []
        self._asked: DataStore | None = None

    def where(self) -> str:
        store = self._asked
        if store is None:
            return self._choice.store or "an event data store that is found with the first query"
        keeps = f", keeps {store.days:,} days" if store.days else ""
        status = f", {store.status.lower().replace('_', ' ')}" if store.status not in ("", "ENABLED") else ""
        return f"{store.name} in {store.region}{keeps}{status}"

    def ask(self, text: str, cancelled: Cancelled = never_cancelled, *, unbounded: bool = False) -> Iterator[SqlPage]:
        cancelled = self._begin(cancelled)
        began = time.monotonic()
        for item in self._prepared(text, cancelled):
            if isinstance(item, SqlPage):
                yield item
                continue
            outgoing, store = item
            if not outgoing.bound.kind and not unbounded:
                day = f"{self._session.now():%Y-%m-%d}"
                raise _unbounded(f"the event data store {store.name}", f"add to WHERE: eventtime > '{day} 00:00:00'", LAKE_PRICE)
            yield SqlPage(before=self._before(outgoing, store), translated=outgoing.text)
            yield from self._run(outgoing, store, began, cancelled)

    def show(self, text: str, cancelled: Cancelled = never_cancelled) -> tuple[str, str]:
        for item in self._prepared(text, self._begin(cancelled)):
            if not isinstance(item, SqlPage):
                outgoing, store = item
                return outgoing.text, self._before(outgoing, store)
        return "", ""

    def _prepared(self, text: str, cancelled: Cancelled) -> Iterator[SqlPage | tuple[Outgoing, DataStore]]:
        from ..query.lake import check_lake, for_lake

        checked, ids = check_lake(text)
        for_lake(checked, ids, DataStore("x/" + "0" * 36, "x"), self._session.now())  # what cannot be turned is told before AWS is asked
        checked, ids = check_lake(text)
        yield from self._find(cancelled)
        if cancelled():
            return
        store = self._choose(ids)
        self._asked = store
        yield for_lake(checked, ids, store, self._session.now()), store

    def _find(self, cancelled: Cancelled) -> Iterator[SqlPage]:
        if self._stores is not None:
            return
        found: list[DataStore] = []
        self._gaps = []
        told = 0.0
        for item in self._source.lake().stores(self._source.regions(), cancelled):
            if isinstance(item, DataStore):
                found.append(item)
            elif isinstance(item, Gap):
                self._gaps.append(item)
            elif time.monotonic() - told >= _EVERY:
                told = time.monotonic()
                yield SqlPage(words=item.what)
        if not cancelled():
            self._stores = tuple(found)

    def _choose(self, ids: tuple[str, ...]) -> DataStore:
        stores, wanted = self._stores or (), self._choice.store
        if ids:
            named = next((one for one in stores if one.id.lower() == ids[0]), None)
            if named is not None:
                return named
            raise UsageError(f"There is no event data store {ids[0]} in {self._places()}", self._names() or _NEW_CUSTOMERS)
        if wanted:
            same = [one for one in stores if wanted in (one.name, one.id, one.arn)]
            if len(same) == 1:
                return same[0]
            what = f"There is no event data store {wanted}" if not same else f"{len(same)} event data stores are called {wanted}"
            raise UsageError(f"{what} in {self._places()}", self._names() or _NEW_CUSTOMERS)
        able = [one for one in stores if one.askable]
        if len(able) == 1:
            return able[0]
        if able:
            raise UsageError(f"{len(able)} event data stores can be asked: {self._names()}", "--lake-store names one, by name, id or ARN")
        self._stores = None  # the next query looks again
        if self._gaps:
            told = _told(self._gaps)
            raise AwsError(f"Event data stores were not listed: {told}", self._gaps[0].hint, "cloudtrail:ListEventDataStores")
        if stores:
            states = ", ".join(f"{one.name} ({one.status.lower().replace('_', ' ') or 'unknown'}, {', '.join(one.kinds)})" for one in stores[:6])
            raise UsageError(f"No event data store holds CloudTrail events that can be asked: {states}", "--engine athena asks a trail's files")
        raise UsageError(f"There is no event data store in {self._places()}", _NEW_CUSTOMERS)

    def _places(self) -> str:
        return ", ".join(self._source.regions())

    def _names(self) -> str:
        names = [f"{one.name} ({one.region}{'' if one.known else ', not looked into'})" for one in self._stores or () if one.askable]
        return f"there are {', '.join(names[:12])}" if names else ""

    def _before(self, outgoing: Outgoing, store: DataStore) -> str:
        since = outgoing.bound.since
        keeps = f", keeps {store.days:,} days" if store.days else ""
        scan = f"events since {since:%Y-%m-%d}" if since else "the bound of time decides" if outgoing.bound.kind else "everything it holds"
        late = ""
        if since is not None and store.days and (self._session.now() - since).days > store.days:
            late = ", which is more than it keeps"
        return f"{store.name} in {store.region}{keeps} · scans {scan}{late} · how many bytes is not known before · {LAKE_PRICE}"

    def _run(self, outgoing: Outgoing, store: DataStore, began: float, cancelled: Cancelled) -> Iterator[SqlPage]:
        door = self._source.lake()
        done: Run | None = None
        try:
            for item in self._follow(door.run(outgoing.text, store, cancelled)):
                if isinstance(item, Run):
                    done = item
                else:
                    yield item
        except AwsError as error:
            raise _lake_refusal(error, store) from error
        if cancelled() or done is None:
            return
        engine = f", {done.millis / 1000:.1f} s in CloudTrail Lake" if done.millis else ""
        cost = f"{size_words(done.scanned)} scanned, {usd_words(lake_usd(done.scanned))} (estimate by list price){engine}"
        if done.state is not RunState.DONE:
            raise failure("CloudTrail Lake", done, cost)
        columns: tuple[SqlColumn, ...] = ()
        for page in door.rows(done.id, store, cancelled):
            if isinstance(page, Step):
                yield SqlPage(words=page.what)
                continue
            counted = tuple(
                (name, "bigint" if number in outgoing.numbers else kind) for number, (name, kind) in enumerate(page.columns)
            )
            columns, rows = typed(Answer(counted, page.rows))
            yield SqlPage(columns, rows, took=time.monotonic() - began, translated=outgoing.text, after=cost)
        if not cancelled():
            yield SqlPage(columns, finished=True, took=time.monotonic() - began, translated=outgoing.text, after=cost)


_NEW_CUSTOMERS = "CloudTrail Lake takes no new customers since 2026-05-31; --engine athena asks the files of a trail"


def _lake_refusal(error: AwsError, store: DataStore) -> IamtuiError:
    """Refusals that have a meaning of their own."""
    code = getattr(error, "code", "")
    if code == "MaxConcurrentQueriesException":
        return AwsError("Ten queries are running in CloudTrail Lake already, the most an account may have", "wait for one to end", error.action)
    if code == "InactiveEventDataStoreException":
        return UsageError(f"The event data store {store.name} cannot be asked: it is not active", "--lake-store names another")
    if code == "InvalidQueryStatementException":
        return UsageError(error.message, "--show prints the text that was sent")
    return error
