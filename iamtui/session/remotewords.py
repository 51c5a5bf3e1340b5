"""Answers and failures of engines at AWS: texts as values, reasons as sentences."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from ..errors import AwsError, IamtuiError, UsageError
from ..model.remote import Answer, Run, RunState
from .costs import size_words
from .trail import SqlColumn

_REASON = re.compile(r"^([A-Z][A-Z_]{3,}):\s*(?:line (\d+):(\d+):\s*)?(.*)", re.DOTALL)
_WRONG = ("SYNTAX", "NOT_FOUND", "MISMATCH", "INVALID", "AMBIGUOUS", "MISSING", "NOT_SUPPORTED", "EXPRESSION", "DUPLICATE", "CONSTRAINT")
_DENIED = re.compile(
    r"access ?denied|permission denied|not authorized|insufficient permission|forbidden|lake formation permission", re.IGNORECASE
)


def failure(engine: str, run: Run, cost: str, limit: int = 0) -> IamtuiError:
    """Why a query did not end well."""
    reason = " ".join(run.reason.split())
    if re.search(r"bytes scanned limit|data usage control|exceeded.{0,20}limit.{0,20}scan", reason, re.IGNORECASE):
        most = f" of {size_words(limit)}" if limit else ""
        return AwsError(
            f"{engine} stopped the query: the workgroup's limit{most} was reached; {cost}", "narrow it by time, or by a partition"
        )
    if run.state is RunState.CANCELLED:
        by = f": {reason}" if reason else " by somebody else, or by the account's settings"
        return AwsError(f"{engine} has cancelled the query{by}; {cost}")
    found = _REASON.match(reason)
    if found and not found[1].startswith("HIVE") and any(word in found[1] for word in _WRONG):
        place = f" at line {found[2]}, column {found[3]} of what was sent" if found[2] else ""
        return UsageError(f"{engine} does not understand the query{place}: {found[4]}", "--show prints what is sent")
    if _DENIED.search(reason):
        return AwsError(f"{engine} was refused what the query needs: {reason}", _needs(reason))
    if "exhausted resources" in reason.lower() or "timed out" in reason.lower() or "TIMED_OUT" in reason:
        return AwsError(f"{engine} gave up: {reason}", "narrow it by time, or select fewer columns")
    return AwsError(f"{engine} did not answer: {reason or 'it gives no reason'}; {cost}", "ask again")


def _needs(reason: str) -> str:
    """What to ask for, as far as the reason tells."""
    folded = reason.lower()
    if "lake formation" in folded:
        return "ask for SELECT on the table in Lake Formation"
    if "kms" in folded:
        return "ask for kms:Decrypt on the key of the trail, and kms:GenerateDataKey on that of the results"
    if "glue" in folded:
        return "ask for glue:GetDatabase, glue:GetTable and glue:GetPartitions"
    if "writing output" in folded or "output" in folded:
        return "ask for s3:PutObject, s3:GetObject and s3:GetBucketLocation on the place of the results"
    return "ask for s3:GetObject and s3:ListBucket on the trail's bucket (and kms:Decrypt where it is encrypted)"


# -- values ---------------------------------------------------------------------------------------------------------------


def typed(answer: Answer) -> tuple[tuple[SqlColumn, ...], tuple[tuple[Any, ...], ...]]:
    """Columns with their kind and rows with values: numbers, moments and booleans where the type says so, else text as AWS writes it."""
    readers = [_reader(kind) for _, kind in answer.columns]
    columns = tuple(SqlColumn(name, kind) for (name, _), (kind, _) in zip(answer.columns, readers, strict=True))
    width = len(columns)
    rows = []
    for row in answer.rows:
        cells = (*row, *(None,) * (width - len(row)))[:width]
        rows.append(tuple(None if cell is None else read(cell) for cell, (_, read) in zip(cells, readers, strict=True)))
    return columns, tuple(rows)


def _reader(type_: str) -> tuple[str, Callable[[str], Any]]:
    name = type_.lower()
    if name in ("tinyint", "smallint", "integer", "int", "bigint"):
        return "number", _or_text(int)
    if name in ("float", "real", "double"):
        return "number", _or_text(float)
    if name.startswith("decimal"):
        return "number", _or_text(Decimal)
    if name == "boolean":
        return "boolean", lambda text: {"true": True, "false": False}.get(text.lower(), text)
    if name == "date":
        return "time", _or_text(date.fromisoformat)
    if name.startswith("timestamp"):
        return "time", _or_text(_moment)
    if name.startswith(("array", "map", "row", "struct", "json")):
        return "nested", str
    return "text", str


def _or_text(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """What is not what it should be stays as it was written."""

    def value(text: str) -> Any:
        try:
            return read(text)
        except (ValueError, InvalidOperation):
            return text

    return value


def _moment(text: str) -> datetime:
    """`2026-11-03 08:12:55.000`, perhaps with `UTC` or an offset behind it. Raises ValueError on other zones."""
    found = datetime.fromisoformat(text.removesuffix(" UTC").strip())
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
