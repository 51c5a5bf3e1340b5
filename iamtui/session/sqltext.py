"""Answers of SQL as text: for a table, for CSV and for JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from ..source.base import Step
from ..store.events.schema import FIELDS
from .export import csv_stream, defuse
from .trail import SqlColumn, TrailState

COLUMN_NAMES = FIELDS
"""Columns of the table, with the nested fields worth completing."""


def value_text(value: Any) -> str:
    """A value as a person reads it. NULL is an empty text; what is nested is JSON; a moment is UTC, as CloudTrail writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, dict | list | tuple):
        return msgspec.json.encode(plain(value)).decode()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def moment_text(value: datetime) -> str:
    """`2026-11-03T08:12:55Z`, with a fraction where there is one."""
    from datetime import UTC

    stamp = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo is not None else value
    return stamp.isoformat(timespec="milliseconds" if stamp.microsecond else "seconds") + "Z"


def plain(value: Any) -> Any:
    """A value as JSON knows it."""
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float):
        return value if value == value and value not in (float("inf"), float("-inf")) else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 1 << 63:
        return str(value)
    if isinstance(value, date | time | timedelta | bytes):
        return value_text(value)
    if value is None or isinstance(value, str | int | bool):
        return value
    return str(value)


def sql_csv(columns: Sequence[SqlColumn], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Header and one line a row; what a spreadsheet would compute is defused."""
    return csv_stream([defuse(column.name) for column in columns], ([_cell(value) for value in row] for row in rows))


def _cell(value: Any) -> str:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else defuse(value_text(value))


def sql_objects(columns: Sequence[SqlColumn], rows: Iterable[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """A row as a JSON object; a column that has another's name gets a number after it, so that none is lost."""
    names: list[str] = []
    for column in columns:
        name, count = column.name, 1
        while name in names:
            count += 1
            name = f"{column.name}_{count}"
        names.append(name)
    for row in rows:
        yield {name: plain(value) for name, value in zip(names, row, strict=True)}


async def write_answer(columns: Sequence[SqlColumn], rows: Sequence[Sequence[Any]]) -> str:
    """Write an answer as CSV into a new file of the current folder; its name."""
    from pathlib import Path

    from ..store.files import write_text

    path = next(p for n in range(1, 10_000) if not (p := Path("iamtui-sql.csv" if n == 1 else f"iamtui-sql-{n}.csv")).exists())
    await write_text(path, "".join(sql_csv(columns, rows)))
    return str(path)


def step_words(step: Step) -> str:
    """`reading files 50 of 200`; without a total how many so far."""
    return f"{step.what} {step.done:,}" + (f" of {step.total:,}" if step.total else "") + ("" if step.what.endswith("files") else " files")


_ENGINE = re.compile(r"-- engine: (\w+)\n")


def with_engine(text: str, engine: str) -> str:
    """A query for the history, with the engine it was asked of; a comment, so that the text stays a query."""
    return text if engine == "local" else f"-- engine: {engine}\n{text}"


def engine_in(text: str) -> tuple[str, str]:
    """The engine and the query of an entry of the history."""
    found = _ENGINE.match(text)
    return (found[1], text[found.end() :]) if found else ("local", text)


def span_words(state: TrailState) -> str:
    """`20,228 events of 2026-08-26 … 2026-11-24, 55 files`."""
    span = f" of {state.since:%Y-%m-%d %H:%M} … {state.until:%Y-%m-%d %H:%M} UTC" if state.since and state.until else ""
    extra = []
    if state.repeated:
        extra.append(f"{state.repeated:,} repeated deliveries left out")
    if state.undated:
        extra.append(f"{state.undated:,} without a time")
    if state.no_events:
        extra.append(f"{state.no_events:,} Insights and other entries left out")
    return f"{state.events:,} events{span}" + "".join(f", {part}" for part in extra)
