"""Athena: a table of CloudTrail events is found, a workgroup chosen, what is known is said, the query followed, its pages handed on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..errors import AwsError, UsageError
from ..model.document import Gap
from ..model.fact import State
from ..model.remote import Run, RunState, TrailTable, WorkGroup
from ..source.base import Cancelled, Step, never_cancelled
from .costs import ATHENA_PRICE, athena_usd, size_words, usd_words
from .engines import EngineChoice, Several
from .remote import EVERY, Remote, told_gaps, unbounded_error
from .remotewords import failure, typed
from .trail import SqlColumn, SqlPage

if TYPE_CHECKING:
    from ..query.remote import Outgoing
    from .facade import Session

_CATALOG = "AwsDataCatalog"


class AthenaEngine(Remote):
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
                raise unbounded_error(table.words, self._bound_hint(table), ATHENA_PRICE)
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
        from ..query.remote import check_athena, check_catalogs, for_athena, tables_of

        checked = check_athena(text)
        check_catalogs(checked, self._choice.catalog)
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
        outgoing = for_athena(checked, table, named_table, self._session.now())
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
            for region in self._source.regions():
                try:
                    held = door.table(region, catalog, database, name)
                    break
                except AwsError as error:
                    if not hasattr(error, "code"):
                        raise
            held = held or TrailTable(name, database, catalog, self._region(), known=False)
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
                if time.monotonic() - told >= EVERY:
                    told = time.monotonic()
                    yield SqlPage(step=item)
            else:
                whole = whole and item.whole
        if not cancelled():
            self._table = self._one_table(found, gaps, whole)

    def _one_table(self, found: list[TrailTable], gaps: list[Gap], whole: bool) -> TrailTable:
        """The table to ask, or a sentence about those there are."""
        if len(found) > 1:
            projected = [table for table in found if table.projected]
            tables = [table for table in found if not table.view]
            found = projected if len(projected) == 1 else tables or found
        if len(found) == 1:
            return found[0]
        if found:
            found.sort(key=lambda table: (table.words, table.region))
            names = tuple(f"{table.words} ({table.region})" for table in found)

            def take(number: int) -> None:
                self._table = found[number]

            told = f"{len(found)} tables hold CloudTrail events: {', '.join(names[:12])}"
            raise Several(told, "--athena-table database.table names one, --region its Region", "tables", names, take)
        choice = self._choice
        what = f"There is no table {choice.table}" if choice.table else "No table of CloudTrail events was found"
        why = f": {told_gaps(gaps)}" if gaps else "" if whole else ": the search stopped after 5,000 tables"
        hint = "--athena-table database.table names one; the CloudTrail console makes one (Event history, Create Athena table)"
        if gaps and all(gap.state is State.DENIED for gap in gaps):
            raise AwsError(
                what + why, "the caller also needs glue:GetDatabases and glue:GetTables; or name it: --athena-table database.table"
            )
        raise UsageError(what + why, hint)

    # -- the workgroup -----------------------------------------------------------------------------------------------

    def _group(self, door: Any, region: str, cancelled: Cancelled) -> WorkGroup:
        held = self._groups.get(region)
        if held is None:
            held = self._groups[region] = self._choose_group(door, region, cancelled)
        return held

    def _choose_group(self, door: Any, region: str, cancelled: Cancelled) -> WorkGroup:
        choice = self._choice
        if choice.workgroup:
            group: WorkGroup = door.group(region, choice.workgroup)
            if not group.enabled:
                raise UsageError(f"The workgroup {group.name} is switched off", "--athena-workgroup names another")
            if group.known and not _has_place(group, choice):
                raise UsageError(f"The workgroup {group.name} has no place for results", "--athena-output s3://bucket/prefix/ names one")
            return group
        primary: WorkGroup = door.group(region, "primary")
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
            able.sort(key=lambda one: one.name)
            names = tuple(one.name for one in able)

            def take(number: int) -> None:
                self._groups[region] = able[number]

            told = f"{len(able)} workgroups can be asked: {', '.join(names[:12])}"
            raise Several(told, "--athena-workgroup names one", "workgroups", names, take)
        if (gaps or not primary.known) and choice.output:
            return primary
        why = f" ({told_gaps(gaps)})" if gaps else ""
        raise UsageError(
            f"No workgroup in {region} has a place for results{why}",
            "--athena-output s3://bucket/prefix/ names one, --athena-workgroup a workgroup",
        )

    # -- the query ---------------------------------------------------------------------------------------------------

    def _bound_hint(self, table: TrailTable) -> str:
        day = self._session.now() - timedelta(days=7)
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
        if not table.words:
            return "reads no table of events that is known here"
        if table.view:
            return "what a view reads is not known"
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
