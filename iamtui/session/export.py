"""Lists and identities as text for other programs: CSV that no spreadsheet obeys, JSON with stable names."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from ..analysis.lists import Column
from ..analysis.words import csv_text, machine
from ..text import inert_json
from .answers import Row

_OBEYED = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def defuse(text: str) -> str:
    """`text` so that a spreadsheet shows it instead of computing it: a leading apostrophe where it would start a formula.

    Null bytes are dropped, because readers cut a cell there.
    """
    text = text.replace("\0", "")
    return "'" + text if text.lstrip(" \ufeff").startswith(_OBEYED) or text.startswith(_OBEYED) else text


def csv_lines(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[str]:
    """Header and one line a row, ended by newlines; headers are column ids."""
    cells = ([defuse(csv_text(column.fact(row.item, row.snapshot))) for column in columns] for row in rows)
    return csv_stream([column.id for column in columns], cells)


def csv_stream(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of CSV as they come. The cells are defused already."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for cells in itertools.chain([header], rows):
        writer.writerow(cells)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def csv_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of texts as CSV, defused."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([defuse(cell) for cell in row] for row in rows)
    return buffer.getvalue()


def json_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of texts as a JSON array of objects."""
    return inert_json(msgspec.json.format(msgspec.json.encode([dict(zip(header, row, strict=True)) for row in rows]), indent=2).decode())


def json_object(columns: Sequence[Column], row: Row) -> dict[str, Any]:
    """One row as a JSON object: the value where it is known, `{"state": …}` where it is not; the ARN always."""
    values: dict[str, Any] = {"key": row.key, "arn": getattr(row.item, "arn", ""), "account": row.snapshot.account}
    for column in columns:
        values[column.id] = machine(column.fact(row.item, row.snapshot))
    return values


def json_text(columns: Sequence[Column], rows: Iterable[Row]) -> str:
    """A JSON array of `json_object`, indented."""
    return "".join(json_lines(columns, rows))


def json_lines(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[str]:
    """`json_text` in pieces, one a row."""
    between = "[\n  "
    for row in rows:
        text = msgspec.json.format(msgspec.json.encode(json_object(columns, row)), indent=2).decode()
        yield between + inert_json(text).replace("\n", "\n  ")
        between = ",\n  "
    yield "\n]" if between[0] == "," else "[]"
