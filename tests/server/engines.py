"""Athena and CloudTrail Lake on the test server: catalogs to search, queries that take their time, answers in pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

TRAIL_COLUMNS = ("eventversion", "useridentity", "eventtime", "eventsource", "eventname", "awsregion", "requestparameters")
SERDE = "org.apache.hive.hcatalog.data.JsonSerDe"


def table(
    name: str, *, partitions: tuple[str, ...] = (), projected: bool = False, columns: tuple[str, ...] = TRAIL_COLUMNS
) -> dict[str, Any]:
    """A table's metadata as Athena gives it; `projected` partitions of days are called timestamp."""
    parameters = {"EXTERNAL": "TRUE", "location": f"s3://trail-bucket/{name}/", "serde.serialization.lib": SERDE}
    if projected:
        partitions = partitions or ("timestamp",)
        parameters |= {"projection.enabled": "true", "projection.timestamp.type": "date", "projection.timestamp.format": "yyyy/MM/dd"}
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Columns": [{"Name": column, "Type": "string"} for column in columns],
        "PartitionKeys": [{"Name": key, "Type": "string"} for key in partitions],
        "Parameters": parameters,
    }


def store(name: str, number: int, *, status: str = "ENABLED", days: int = 366, category: str = "Management") -> dict[str, Any]:
    """An event data store as GetEventDataStore gives it."""
    return {
        "EventDataStoreArn": f"arn:aws:cloudtrail:us-east-1:123456789012:eventdatastore/{number:08x}-0000-4000-8000-000000000000",
        "Name": name,
        "Status": status,
        "RetentionPeriod": days,
        "AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": [category]}]}],
    }


@dataclass
class Script:
    """How queries go. columns: (name, Athena's type); rows: texts; polls: looks until it is done; fails: the reason, "" when it does not."""

    columns: list[tuple[str, str]] = field(default_factory=lambda: [("eventname", "varchar")])
    rows: list[tuple[str | None, ...]] = field(default_factory=list)
    polls: int = 2
    fails: str = ""
    state: str = "FAILED"
    scanned: int = 3 << 30
    reused: bool = False


class Engines:
    """Operations; `databases` is {database: [tables]}, `groups` {name: configuration}, `stores` what GetEventDataStore answers."""

    def __init__(
        self,
        databases: dict[str, list[dict[str, Any]]] | None = None,
        groups: dict[str, dict[str, Any]] | None = None,
        stores: list[dict[str, Any]] | None = None,
        script: Script | None = None,
        regions: tuple[str, ...] = ("us-east-1",),
        page: int = 1000,
        catalogs: dict[str, str] | None = None,
    ) -> None:
        self.databases, self.stores = databases or {}, stores or []
        self.groups = groups if groups is not None else {"primary": {"ResultConfiguration": {"OutputLocation": "s3://results/"}}}
        self.script, self.regions, self.page = script or Script(), regions, page
        self.catalogs = catalogs or {"AwsDataCatalog": "GLUE"}
        self.texts: list[str] = []
        self.looks: dict[str, int] = {}
        self.stopped: list[str] = []

    def answer(self, service: str, operation: str, region: str, asked: dict[str, Any]) -> dict[str, Any]:
        method = getattr(self, f"{service}_{operation}")
        answer: dict[str, Any] = method(region, asked)
        return answer

    # -- Athena ------------------------------------------------------------------------------------------------------

    def athena_ListDataCatalogs(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        return {"DataCatalogsSummary": [{"CatalogName": name, "Type": kind} for name, kind in self.catalogs.items()]}

    def athena_ListDatabases(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        names = sorted(self.databases) if region in self.regions else []
        return self._paged("DatabaseList", [{"Name": name} for name in names], p, 2)

    def athena_ListTableMetadata(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        import re

        found = [one for one in self.databases.get(p["DatabaseName"], []) if re.search(p.get("Expression", ""), one["Name"])]
        return self._paged("TableMetadataList", found, p, 2)

    def athena_GetTableMetadata(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        from .serving import AwsError

        for one in self.databases.get(p["DatabaseName"], []):
            if one["Name"] == p["TableName"]:
                return {"TableMetadata": one}
        raise AwsError("MetadataException", "EntityNotFoundException: Table not found")

    def _paged(self, key: str, entries: list[dict[str, Any]], p: dict[str, Any], size: int) -> dict[str, Any]:
        start = int(p.get("NextToken") or 0)
        more = {"NextToken": str(start + size)} if start + size < len(entries) else {}
        return {key: entries[start : start + size], **more}

    def athena_ListWorkGroups(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        return self._paged("WorkGroups", [{"Name": name, "State": "ENABLED"} for name in sorted(self.groups)], p, 2)

    def athena_GetWorkGroup(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        from .serving import AwsError

        if p["WorkGroup"] not in self.groups:
            raise AwsError("InvalidRequestException", "WorkGroup is not found.")
        return {"WorkGroup": {"Name": p["WorkGroup"], "State": "ENABLED", "Configuration": self.groups[p["WorkGroup"]]}}

    def athena_StartQueryExecution(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        self.texts.append(p["QueryString"])
        return {"QueryExecutionId": f"query-{len(self.texts)}"}

    def _step(self, name: str) -> tuple[str, str]:
        """State, and the reason where there is one; a query that was stopped is cancelled."""
        if name in self.stopped:
            return "CANCELLED", "stopped"
        looks = self.looks[name] = self.looks.get(name, 0) + 1
        if looks < self.script.polls:
            return ("QUEUED" if looks == 1 else "RUNNING"), ""
        return (self.script.state, self.script.fails) if self.script.fails else ("SUCCEEDED", "")

    def athena_GetQueryExecution(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        state, reason = self._step(p["QueryExecutionId"])
        status = {"State": state, **({"StateChangeReason": reason} if reason else {})}
        statistics = {
            "DataScannedInBytes": self.script.scanned if state != "QUEUED" else 0,
            "EngineExecutionTimeInMillis": 1500,
            "ResultReuseInformation": {"ReusedPreviousResult": self.script.reused},
        }
        return {"QueryExecution": {"QueryExecutionId": p["QueryExecutionId"], "Status": status, "Statistics": statistics}}

    def athena_GetQueryResults(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        start, size = int(p.get("NextToken") or 0), min(int(p.get("MaxResults") or 1000), self.page)
        names = [name for name, _ in self.script.columns]
        rows: list[tuple[str | None, ...]] = [tuple(names), *self.script.rows]
        data = [{"Data": [{} if cell is None else {"VarCharValue": cell} for cell in row]} for row in rows[start : start + size]]
        info = [{"Name": name, "Label": name, "Type": kind} for name, kind in self.script.columns]
        more = {"NextToken": str(start + size)} if start + size < len(rows) else {}
        return {"ResultSet": {"Rows": data, "ResultSetMetadata": {"ColumnInfo": info}}, **more}

    def athena_StopQueryExecution(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        self.stopped.append(p["QueryExecutionId"])
        return {}

    # -- CloudTrail Lake ---------------------------------------------------------------------------------------------

    def cloudtrail_ListEventDataStores(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        names = [{"EventDataStoreArn": one["EventDataStoreArn"], "Name": one["Name"]} for one in self.stores if region in self.regions]
        start = int((p.get("NextToken") or "page0")[4:])
        more = {"NextToken": f"page{start + 2}"} if start + 2 < len(names) else {}
        return {"EventDataStores": names[start : start + 2], **more}

    def cloudtrail_GetEventDataStore(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        return next(one for one in self.stores if one["EventDataStoreArn"] == p["EventDataStore"])

    def cloudtrail_StartQuery(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        self.texts.append(p["QueryStatement"])
        return {"QueryId": f"{len(self.texts):08x}-0000-4000-8000-00000000000a"}

    def cloudtrail_DescribeQuery(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        state, reason = self._step(p["QueryId"])
        words = "FINISHED" if state == "SUCCEEDED" else state
        statistics = {"BytesScanned": self.script.scanned, "ExecutionTimeInMillis": 900, "EventsScanned": 10, "EventsMatched": 1}
        error = {"ErrorMessage": reason} if reason else {}
        return {"QueryId": p["QueryId"], "QueryStatus": words, "QueryStatistics": statistics, **error}

    def cloudtrail_GetQueryResults(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        start, size = int((p.get("NextToken") or "page0")[4:]), min(int(p.get("MaxQueryResults") or 1000), self.page)
        names = [name for name, _ in self.script.columns]
        rows = [
            [{name: cell} for name, cell in zip(names, row, strict=True) if cell is not None]
            for row in self.script.rows[start : start + size]
        ]
        more = {"NextToken": f"page{start + size}"} if start + size < len(self.script.rows) else {}
        return {"QueryStatus": "FINISHED", "QueryResultRows": rows, **more}

    def cloudtrail_CancelQuery(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
        self.stopped.append(p["QueryId"])
        return {"QueryId": p["QueryId"], "QueryStatus": "CANCELLED"}
