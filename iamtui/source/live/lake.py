"""CloudTrail Lake: event data stores found by listing, and queries on them. AWS takes no new customers for it since 2026-05-31."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any

from ...errors import AwsError
from ...model.document import Gap, Kind
from ...model.remote import Answer, DataStore, Run, RunState
from ..base import Cancelled, Step
from .calls import Caller
from .inventory import side_by_side
from .running import follow, patient, refused, region_gap

_PAGE = 1_000
_STATES = {
    "QUEUED": RunState.QUEUED,
    "RUNNING": RunState.RUNNING,
    "FINISHED": RunState.DONE,
    "FAILED": RunState.FAILED,
    "TIMED_OUT": RunState.FAILED,
}


class Lake:
    """Event data stores of one account. Iterators block; they belong into worker threads."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def _client(self, region: str) -> Any:
        return self._caller.connection.client("cloudtrail", region)

    # -- finding -----------------------------------------------------------------------------------------------------

    def stores(self, regions: tuple[str, ...], cancelled: Cancelled) -> Iterator[DataStore | Step | Gap]:
        """Event data stores, all Regions side by side."""
        jobs = [lambda stop, out, region=region: self._stores_of(region, stop, out) for region in regions]
        yield from side_by_side(jobs, cancelled)  # type: ignore[arg-type,misc]

    def _stores_of(self, region: str, cancelled: Cancelled, out: queue.SimpleQueue[Any]) -> None:
        client = self._client(region)
        more: dict[str, str] = {}
        while True:
            out.put(Step(f"listing event data stores in {region}"))
            token = dict(more)
            try:
                answer = self._answer(lambda t=token: client.list_event_data_stores(MaxResults=1000, **t), cancelled, out)
            except Exception as error:
                out.put(region_gap(self._caller, "cloudtrail:ListEventDataStores", error, region))
                return
            for entry in answer.get("EventDataStores") or ():
                if cancelled():
                    return
                out.put(self._store(client, entry, region, cancelled, out))
            if not answer.get("NextToken"):
                return
            more = {"NextToken": answer["NextToken"]}

    def _answer(self, call: Any, cancelled: Cancelled, out: queue.SimpleQueue[Any]) -> dict[str, Any]:
        for item in patient(call, cancelled):
            if not isinstance(item, Step):
                return item
            out.put(item)
        return {}

    def _store(self, client: Any, entry: dict[str, Any], region: str, cancelled: Cancelled, out: queue.SimpleQueue[Any]) -> DataStore:
        """The listing tells names only; state, retention and what a store takes are told one by one."""
        arn, name = str(entry.get("EventDataStoreArn") or ""), str(entry.get("Name") or "")
        try:
            more = self._answer(lambda: client.get_event_data_store(EventDataStore=arn), cancelled, out)
        except Exception as error:
            self._caller.gap(Kind.OTHER, "cloudtrail:GetEventDataStore", error, region=region)
            return DataStore(arn, name, region, str(entry.get("Status") or ""), known=False)
        selectors = [field for one in more.get("AdvancedEventSelectors") or () for field in one.get("FieldSelectors") or ()]
        kinds = tuple(str(value) for field in selectors if field.get("Field") == "eventCategory" for value in field.get("Equals") or ())
        days = int(more.get("RetentionPeriod") or 0)
        return DataStore(arn, name, region, str(more.get("Status") or ""), days, kinds, bool(more.get("OrganizationEnabled")))

    # -- asking ------------------------------------------------------------------------------------------------------

    def run(self, text: str, store: DataStore, cancelled: Cancelled) -> Iterator[Run | Step]:
        """Start a query and tell how it stands until it has ended; cancelled at AWS when whoever asks does not wait. Raises Refused."""
        client = self._client(store.region)

        def state(name: str) -> Run:
            answer = client.describe_query(QueryId=name)
            statistics = answer.get("QueryStatistics") or {}
            return Run(
                name,
                _STATES.get(str(answer.get("QueryStatus")), RunState.CANCELLED),
                int(statistics.get("BytesScanned") or 0),
                int(statistics.get("ExecutionTimeInMillis") or 0),
                str(
                    answer.get("ErrorMessage")
                    or ("" if answer.get("QueryStatus") != "TIMED_OUT" else "the query took too long (TIMED_OUT)")
                ),
            )

        try:
            yield from follow(
                lambda: client.start_query(QueryStatement=text), "QueryId", state, lambda name: self._stop(client, name, store), cancelled
            )
        except AwsError:
            raise
        except Exception as error:
            raise refused(self._caller, "cloudtrail:StartQuery", error, "CloudTrail Lake did not take the query", store.region) from error

    def _stop(self, client: Any, name: str, store: DataStore) -> None:
        from .connection import code_of

        try:
            client.cancel_query(QueryId=name)
        except Exception as error:
            if code_of(error) == "InactiveQueryException":
                return
            failure = refused(self._caller, "cloudtrail:CancelQuery", error, "The query was not stopped, and may go on at AWS")
            failure.hint = f"aws cloudtrail cancel-query --query-id {name} --region {store.region}"
            raise failure from error

    def rows(self, name: str, store: DataStore, cancelled: Cancelled) -> Iterator[Answer | Step]:
        """The answer of a query that is done, page by page; values are texts without a type. Raises Refused."""
        client = self._client(store.region)
        more: dict[str, str] = {}
        columns: tuple[str, ...] = ()
        while not cancelled():
            token = dict(more)
            try:
                answer: dict[str, Any] = {}
                for item in patient(lambda t=token: client.get_query_results(QueryId=name, MaxQueryResults=_PAGE, **t), cancelled):  # type: ignore[misc]
                    if isinstance(item, Step):
                        yield item
                    else:
                        answer = item
            except Exception as error:
                raise refused(self._caller, "cloudtrail:GetQueryResults", error, "The answer was not read", store.region) from error
            rows = [[pair for cell in row for pair in cell.items()] for row in answer.get("QueryResultRows") or ()]
            if not columns and rows:
                columns = tuple(label for label, _ in max(rows, key=len))
            if answer:
                yield Answer(tuple((label, "") for label in columns), tuple(_row(columns, row) for row in rows))
            if not answer.get("NextToken"):
                return
            more = {"NextToken": answer["NextToken"]}


def _row(columns: tuple[str, ...], cells: list[tuple[str, str | None]]) -> tuple[str | None, ...]:
    """Cells in the order of the columns; what a row leaves out is NULL."""
    if len(cells) == len(columns):
        return tuple(value for _, value in cells)
    held = dict(cells)
    return tuple(held.get(name) for name in columns)
