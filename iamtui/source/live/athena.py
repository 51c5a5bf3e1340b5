"""Athena: tables of CloudTrail events found in the data catalogs, workgroups, and queries.

Glue, which keeps the catalog, and S3 are asked by Athena with the caller's rights, not by us.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from ...errors import AwsError
from ...model.document import Gap, Kind
from ...model.remote import Answer, Run, RunState, TrailTable, WorkGroup
from ..base import Cancelled, Step
from .calls import Caller
from .inventory import side_by_side
from .running import follow, patient, refused, region_gap

CATALOG = "AwsDataCatalog"
MOST_TABLES = 5_000
"""Looked at in one Region when none is called like a trail."""
MOST_GROUPS = 50
_PAGE = 1_000
_AT_ONCE = 4
"""Databases looked into side by side: Athena allows a few such calls a second."""
_COLUMNS = {"useridentity", "eventtime", "eventname"}
_CALLED = ".*cloud.?trail.*"
_STATES = {"QUEUED": RunState.QUEUED, "RUNNING": RunState.RUNNING, "SUCCEEDED": RunState.DONE, "FAILED": RunState.FAILED}


class Looked(msgspec.Struct, frozen=True):
    """How far a search in one Region came. `whole` False where it stopped after MOST_TABLES."""

    region: str
    tables: int
    whole: bool = True


class Athena:
    """Athena of one account. Iterators block; they belong into worker threads."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def _client(self, region: str) -> Any:
        return self._caller.connection.client("athena", region)

    # -- finding -----------------------------------------------------------------------------------------------------

    def tables(
        self, regions: tuple[str, ...], catalog: str, database: str, name: str, cancelled: Cancelled
    ) -> Iterator[TrailTable | Step | Gap | Looked]:
        """Tables of CloudTrail events, all Regions side by side; narrowed by what is not "". With a name, tables of that name."""
        jobs = [
            lambda stop, out, region=region: _Search(self._caller, self._client(region), region, name, stop, out).run(catalog, database)
            for region in regions
        ]
        yield from side_by_side(jobs, cancelled)  # type: ignore[arg-type,misc]

    def table(self, region: str, catalog: str, database: str, name: str) -> TrailTable:
        """One table by its name. Raises Refused."""
        action = "athena:GetTableMetadata"
        try:
            answer = self._client(region).get_table_metadata(CatalogName=catalog, DatabaseName=database, TableName=name)
        except Exception as error:
            raise refused(self._caller, action, error, f"{database}.{name} was not looked at", region) from error
        return _table(answer.get("TableMetadata") or {"Name": name}, region, catalog, database)

    def groups(self, region: str, cancelled: Cancelled) -> Iterator[WorkGroup | Gap]:
        """Workgroups that are switched on, each as far as it can be read."""
        client, count = self._client(region), 0
        more: dict[str, str] = {}
        while not cancelled():
            try:
                answer = client.list_work_groups(MaxResults=50, **more)
            except Exception as error:
                yield self._caller.gap(Kind.OTHER, "athena:ListWorkGroups", error, region=region)
                return
            for one in answer.get("WorkGroups") or ():
                if one.get("State") != "DISABLED" and count < MOST_GROUPS and not cancelled():
                    count += 1
                    yield self.group(region, str(one.get("Name") or ""))
            if not answer.get("NextToken"):
                return
            more = {"NextToken": answer["NextToken"]}

    def group(self, region: str, name: str) -> WorkGroup:
        """A workgroup; `known` False where AWS refuses to tell."""
        try:
            found = self._client(region).get_work_group(WorkGroup=name).get("WorkGroup") or {}
        except Exception as error:
            self._caller.gap(Kind.OTHER, "athena:GetWorkGroup", error, region=region)  # raises when nothing more can be read at all
            return WorkGroup(name, known=False)
        configuration = found.get("Configuration") or {}
        engine = configuration.get("EngineVersion") or {}
        return WorkGroup(
            name,
            enabled=found.get("State") != "DISABLED",
            output=str((configuration.get("ResultConfiguration") or {}).get("OutputLocation") or ""),
            enforced=bool(configuration.get("EnforceWorkGroupConfiguration")),
            managed=bool((configuration.get("ManagedQueryResultsConfiguration") or {}).get("Enabled")),
            cutoff=int(configuration.get("BytesScannedCutoffPerQuery") or 0),
            known=bool(found),
            spark="spark" in str(engine.get("EffectiveEngineVersion") or "").lower(),
        )

    # -- asking ------------------------------------------------------------------------------------------------------

    def run(
        self, text: str, region: str, group: str, catalog: str, database: str, output: str, cancelled: Cancelled
    ) -> Iterator[Run | Step]:
        """Start a query and tell how it stands until it has ended; stopped at AWS when whoever asks does not wait. Raises Refused."""
        client = self._client(region)
        asked: dict[str, Any] = {"QueryString": text, "WorkGroup": group, "QueryExecutionContext": {"Catalog": catalog}}
        if database:
            asked["QueryExecutionContext"]["Database"] = database
        if output:
            asked["ResultConfiguration"] = {"OutputLocation": output}

        def state(name: str) -> Run:
            return _run(name, client.get_query_execution(QueryExecutionId=name)["QueryExecution"])

        try:
            yield from follow(
                lambda: client.start_query_execution(**asked), "QueryExecutionId", state, lambda name: self._stop(client, name), cancelled
            )
        except AwsError:
            raise
        except Exception as error:
            raise refused(self._caller, "athena:StartQueryExecution", error, "Athena did not take the query", region) from error

    def _stop(self, client: Any, name: str) -> None:
        try:
            client.stop_query_execution(QueryExecutionId=name)
        except Exception as error:
            hint = f"aws athena stop-query-execution --query-execution-id {name}"
            failure = refused(self._caller, "athena:StopQueryExecution", error, "The query was not stopped, and may go on at AWS")
            failure.hint = hint
            raise failure from error

    def rows(self, name: str, region: str, cancelled: Cancelled) -> Iterator[Answer | Step]:
        """The answer of a query that is done, in pages of 1,000 rows; the first even when it is empty. Raises Refused."""
        client, first = self._client(region), True
        more: dict[str, str] = {}
        while not cancelled():
            token = dict(more)
            try:
                answer: dict[str, Any] = {}
                for item in patient(lambda t=token: client.get_query_results(QueryExecutionId=name, MaxResults=_PAGE, **t), cancelled):  # type: ignore[misc]
                    if isinstance(item, Step):
                        yield item
                    else:
                        answer = item
            except Exception as error:
                raise refused(self._caller, "athena:GetQueryResults", error, "The answer was not read", region) from error
            result = answer.get("ResultSet") or {}
            columns = tuple(
                (str(one.get("Label") or one.get("Name") or ""), str(one.get("Type") or ""))
                for one in (result.get("ResultSetMetadata") or {}).get("ColumnInfo") or ()
            )
            rows = [tuple(cell.get("VarCharValue") for cell in row.get("Data") or ()) for row in result.get("Rows") or ()]
            if first and rows and rows[0] == tuple(label for label, _ in columns):
                del rows[0]  # the first row of a SELECT are the names of its columns
            if answer:
                yield Answer(columns, tuple(rows))
            first = False
            if not answer.get("NextToken"):
                return
            more = {"NextToken": answer["NextToken"]}


def _run(name: str, execution: dict[str, Any]) -> Run:
    status, statistics = execution.get("Status") or {}, execution.get("Statistics") or {}
    state = _STATES.get(str(status.get("State")), RunState.CANCELLED)
    words = str(status.get("StateChangeReason") or (status.get("AthenaError") or {}).get("ErrorMessage") or "")
    return Run(
        name,
        state,
        int(statistics.get("DataScannedInBytes") or 0),
        int(statistics.get("EngineExecutionTimeInMillis") or 0),
        words,
        bool((statistics.get("ResultReuseInformation") or {}).get("ReusedPreviousResult")),
    )


def _table(entry: dict[str, Any], region: str, catalog: str, database: str) -> TrailTable:
    parameters = {str(name).lower(): str(value) for name, value in (entry.get("Parameters") or {}).items()}
    partitions = tuple(str(key.get("Name") or "").lower() for key in entry.get("PartitionKeys") or ())
    projected = parameters.get("projection.enabled", "").lower() == "true"
    formats = {
        name: parameters.get(f"projection.{name}.format", "")
        for name in partitions
        if projected and parameters.get(f"projection.{name}.type", "").lower() == "date"
    }
    view = str(entry.get("TableType") or "").upper() == "VIRTUAL_VIEW"
    return TrailTable(
        str(entry.get("Name") or ""),
        database,
        catalog,
        region,
        partitions,
        formats,
        projected,
        location=parameters.get("location", ""),
        view=view,
    )


def is_trail(entry: dict[str, Any]) -> bool:
    """Whether a table's metadata is that of CloudTrail events: by its reader, or by its columns."""
    parameters = {str(name).lower(): str(value) for name, value in (entry.get("Parameters") or {}).items()}
    reader = parameters.get("serde.serialization.lib", "") + parameters.get("inputformat", "")
    names = {str(column.get("Name") or "").lower() for column in entry.get("Columns") or ()}
    return "CloudTrailSerde" in reader or "CloudTrailInputFormat" in reader or names >= _COLUMNS


class _Search:
    """The search in one Region: first for tables that are called like a trail, then among all."""

    def __init__(self, caller: Caller, client: Any, region: str, name: str, cancelled: Cancelled, out: queue.SimpleQueue[Any]) -> None:
        self._caller, self._client, self._region, self._name = caller, client, region, name
        self._cancelled, self._out = cancelled, out
        self._seen = self._found = 0

    def run(self, catalog: str, database: str) -> None:
        catalogs = [catalog] if catalog else self._catalogs()
        places = [(one, base) for one in catalogs for base in ([database] if database else self._databases(one))]
        wanted = f"^{self._name}$" if self._name else _CALLED
        for expression in (wanted,) if self._name else (wanted, ""):
            with ThreadPoolExecutor(_AT_ONCE, "tables") as pool:
                done = pool.map(lambda place, wanted=expression: self._look(place[0], place[1], wanted), places)
                for number, _ in enumerate(done, 1):
                    self._out.put(Step(f"looking for a table of CloudTrail events in {self._region}, databases", number, len(places)))
            if self._found or self._cancelled():
                break
        self._out.put(Looked(self._region, self._seen, self._seen < MOST_TABLES))

    def _catalogs(self) -> list[str]:
        """Glue's own catalogs. Others are programs (Lambda) or other databases; they are asked only when they are named."""
        found = [CATALOG]
        for page in self._pages("ListDataCatalogs", "list_data_catalogs", "DataCatalogsSummary"):
            found += [str(one.get("CatalogName")) for one in page if one.get("Type") == "GLUE"]
        return list(dict.fromkeys(found))

    def _databases(self, catalog: str) -> list[str]:
        pages = self._pages("ListDatabases", "list_databases", "DatabaseList", CatalogName=catalog)
        return [str(one.get("Name")) for page in pages for one in page]

    def _look(self, catalog: str, database: str, expression: str) -> None:
        if self._cancelled() or self._seen >= MOST_TABLES:
            return
        asked = {"CatalogName": catalog, "DatabaseName": database, **({"Expression": expression} if expression else {})}
        for page in self._pages("ListTableMetadata", "list_table_metadata", "TableMetadataList", **asked):
            self._seen += len(page)
            for entry in page:
                if (self._name and str(entry.get("Name")).lower() == self._name.lower()) or (not self._name and is_trail(entry)):
                    self._found += 1
                    self._out.put(_table(entry, self._region, catalog, database))
            if self._seen >= MOST_TABLES:
                return

    def _pages(self, operation: str, method: str, field: str, **asked: Any) -> Iterator[list[dict[str, Any]]]:
        more: dict[str, str] = {}
        while not self._cancelled():
            try:
                answer = getattr(self._client, method)(MaxResults=50, **asked, **more)
            except Exception as error:
                self._out.put(region_gap(self._caller, f"athena:{operation}", error, self._region))
                return
            yield answer.get(field) or []
            if not answer.get("NextToken"):
                return
            more = {"NextToken": answer["NextToken"]}
