"""Questions to the segments: SQL in DuckDB's dialect against three views, in an engine that can reach nothing else.

`events`           everything a segment holds, ours included
`cloudtrail_logs`  the columns of AWS's Athena table
`cloudtrail_lake`  the same events with the types of a CloudTrail Lake event data store: times are timestamps, request
                   parameters, response elements and additional event data are maps, readOnly is a boolean

The engine may read the files of its segments and nothing else: external access is switched off, extensions cannot be loaded, and
the configuration is locked before the first question is asked.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ...errors import IamtuiError
from .schema import COLUMNS, select
from .segments import connection, quoted

if TYPE_CHECKING:
    import duckdb

_MAPS = ("requestparameters", "responseelements", "additionaleventdata", "serviceeventdetails")
_BOOLEANS = ("readonly", "managementevent")


_MACROS = (
    "json_text(x) AS CASE WHEN json_valid(CAST(x AS VARCHAR)) THEN CAST(x AS VARCHAR) END",
    "list_any(l, f) AS list_bool_or(list_transform(l, f))",
)
"""Words the translated SQL uses. Text that is no JSON holds nothing: it is no reason for a query to fail."""


class SqlError(IamtuiError):
    """A query the engine does not understand or cannot finish; the message is a sentence."""


class SqlInterrupted(SqlError):
    """The query was stopped."""


class Column(msgspec.Struct, frozen=True):
    """A column of an answer; `kind`: text, number, time, boolean, nested."""

    name: str
    kind: str


class EventEngine:
    """A connection of its own over an unchanging set of segments. One question at a time; `interrupt` may come from any thread.

    within: only events from the first moment to before the second are there; with a bound those without a time are not
    """

    def __init__(
        self, segments: Sequence[Path], memory: str = "1GB", within: tuple[datetime | None, datetime | None] = (None, None)
    ) -> None:
        self._exit = ExitStack()
        self._lock = threading.Lock()
        try:
            self._db: duckdb.DuckDBPyConnection = self._exit.enter_context(connection(memory))
            self._prepare(tuple(segments), within)
        except BaseException:
            self._exit.close()
            raise

    def close(self) -> None:
        self._exit.close()

    def interrupt(self) -> None:
        """Stop the question that is being worked on."""
        self._db.interrupt()

    def _prepare(self, segments: tuple[Path, ...], within: tuple[datetime | None, datetime | None]) -> None:
        db = self._db
        if segments:
            files = ", ".join(quoted(path) for path in segments)
            relation = f"read_parquet([{files}])"
            db.execute(f"SET allowed_paths = [{files}]")
        else:
            nothing = select("(SELECT NULL::JSON AS j, ''::VARCHAR AS o WHERE false)")
            relation = f"({nothing})"
        db.execute("SET temp_directory = ''")
        bounds = [
            f"_time {sign} TIMESTAMP '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'"
            for sign, moment in zip((">=", "<"), within, strict=True)
            if moment is not None
        ]
        db.execute(f"CREATE VIEW events AS SELECT * FROM {relation}" + (f" WHERE {' AND '.join(bounds)}" if bounds else ""))
        columns = ", ".join(COLUMNS)
        db.execute(f"CREATE VIEW cloudtrail_logs AS SELECT {columns} FROM events")
        shape = "'\"MAP(VARCHAR, VARCHAR)\"'"
        maps = ", ".join(f"CASE WHEN json_valid({name}) THEN json_transform({name}, {shape}) END AS {name}" for name in _MAPS)
        booleans = ", ".join(f"try_cast({name} AS BOOLEAN) AS {name}" for name in _BOOLEANS)
        others = ", ".join(name for name in COLUMNS if name not in (*_MAPS, *_BOOLEANS, "eventtime"))
        db.execute(
            f"CREATE VIEW cloudtrail_lake AS SELECT _time AS eventtime, {others}, {booleans}, {maps}, _record AS eventjson, "
            "NULL::VARCHAR AS eventjsonchecksum, NULL::VARCHAR AS annotation, NULL::VARCHAR AS insightdetails FROM events"
        )
        for macro in _MACROS:
            db.execute(f"CREATE MACRO {macro}")
        db.execute("SET enable_external_access = false")
        db.execute("SET lock_configuration = true")

    def ask(self, sql: str, parameters: Sequence[Any] = (), page: int = 1000) -> Iterator[tuple[tuple[Column, ...], list[tuple[Any, ...]]]]:
        """Pages of an answer, each with its columns; at least one page, perhaps empty. Raises SqlError."""
        import duckdb

        with self._lock:
            try:
                cursor = self._db.execute(sql, list(parameters)) if parameters else self._db.execute(sql)
                columns = tuple(Column(str(name), _kind(str(type_))) for name, type_, *_ in cursor.description or ())
                rows = cursor.fetchmany(page)
                yield columns, rows
                while len(rows) == page:
                    rows = cursor.fetchmany(page)
                    if rows:
                        yield columns, rows
            except duckdb.InterruptException:
                raise SqlInterrupted("The query was stopped") from None
            except duckdb.OutOfMemoryException:
                raise SqlError(
                    "The query needs more memory than it may take (1 GB)", "narrow it by time, or select fewer columns"
                ) from None
            except duckdb.Error as error:
                raise SqlError(_sentence(error)) from None


def _kind(type_: str) -> str:
    upper = type_.upper()
    if upper.startswith(("STRUCT", "MAP", "LIST", "JSON", "UNION")) or upper.endswith("]"):
        return "nested"
    if upper.startswith(("TIMESTAMP", "DATE", "TIME")):
        return "time"
    if upper == "BOOLEAN":
        return "boolean"
    if upper.startswith(("DECIMAL", "NUMBER")) or any(word in upper for word in ("INT", "DOUBLE", "FLOAT", "REAL")):
        return "number" if upper != "INTERVAL" else "text"
    return "text"


def _sentence(error: Exception) -> str:
    """The engine's complaint in one line, without its name for the kind of error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    words = [line for line in lines if not line.startswith(("LINE ", "^")) and set(line) != {"^"}]
    first = words[0].partition(": ")[2] if words and " Error: " in words[0] else words[0] if words else type(error).__name__
    return " ".join([first.removeprefix("Error: "), *words[1:3]])
