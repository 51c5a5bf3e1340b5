"""Whether a query bounds the time of the events it reads, and from when on: told by its form, table by table.

A bound is a condition that must hold for every row (in WHERE, or in an inner join's ON), on the time of events or on a partition of
days, against something that is no column: from below, because what grows without end lies in the past. A bound on the outside of a
subquery or of every use of a WITH query bounds what is inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from sqlglot import exp

DAYS = ("timestamp", "day", "date", "dt", "year", "eventday", "event_date", "eventdate", "partition_date")
"""Names of partition keys that hold days, where nobody has looked at the table; `year` with its months and days beside it."""


class Kind(IntEnum):
    """`EVENTS`: rows are bounded, and everything is scanned all the same unless partitions follow. `PARTITION`: what is scanned is."""

    NONE = 0
    EVENTS = 1
    PARTITION = 2


class Bound(msgspec.Struct, frozen=True):
    """The bound of one table in a query. since: UTC, None where it cannot be worked out beforehand."""

    kind: Kind = Kind.NONE
    since: datetime | None = None


def bound_of(table: exp.Table, partitions: tuple[str, ...], now: datetime) -> Bound:
    """The best bound of one table. `partitions`: names of partition keys that hold days."""
    from sqlglot import exp

    select = table.find_ancestor(exp.Select)
    if select is None or not _reads(select, table):
        return Bound()
    return _best(_conditions(select, table), table.alias_or_name.lower(), partitions, now) or _around(select, partitions, now, 0)


def _reads(select: exp.Select, table: exp.Table) -> bool:
    from sqlglot import exp

    parent = table.parent
    return isinstance(parent, exp.From | exp.Join) and parent.parent is select


def _around(select: exp.Expr, partitions: tuple[str, ...], now: datetime, depth: int) -> Bound:
    """The bound of what a SELECT gives, by those that read it; where it groups, counts, limits or renames times, nothing says so."""
    from sqlglot import exp

    if depth > 20 or any(select.args.get(part) for part in ("group", "limit", "distinct", "offset", "qualify")) or not _passes_on(select):
        return Bound()
    parent = select.parent
    if isinstance(parent, exp.Subquery) and isinstance(parent.parent, exp.From | exp.Join):
        return _outside(parent, parent.alias_or_name.lower(), partitions, now, depth)
    if isinstance(parent, exp.CTE) and not parent.args["alias"].columns:
        holder = parent.find_ancestor(exp.Query)
        uses = [
            t for t in (holder.find_all(exp.Table) if holder else ()) if t.name.lower() == parent.alias.lower() and not t.args.get("db")
        ]
        found = [_outside(use, use.alias_or_name.lower(), partitions, now, depth) for use in uses]
        if found:
            return min(found, key=lambda bound: (bound.kind, -_age(bound, now)))
    return Bound()


def _passes_on(select: exp.Expr) -> bool:
    """Whether a column of times keeps its name and meaning on the way out."""
    from sqlglot import exp

    for one in select.expressions:
        if one.find(exp.AggFunc, exp.Window):
            return False
        if isinstance(one, exp.Alias) and one.alias.lower() in ("eventtime", *DAYS):
            return False
    return any(isinstance(one, exp.Star) or one.name.lower() in ("eventtime", "*", *DAYS) for one in select.expressions)


def _age(bound: Bound, now: datetime) -> float:
    return (now - bound.since).total_seconds() if bound.since else float("inf")


def _outside(source: exp.Expr, name: str, partitions: tuple[str, ...], now: datetime, depth: int) -> Bound:
    from sqlglot import exp

    select = source.find_ancestor(exp.Select)
    if select is None:
        return Bound()
    return _best(_conditions(select, source), name, partitions, now) or _around(select, partitions, now, depth + 1)


def _conditions(select: exp.Expr, source: exp.Expr) -> Iterator[exp.Expr]:
    """Conditions every row of `source` must meet to count. A row of an outer join's own side counts without."""
    for join in select.args.get("joins") or ():
        side = str(join.args.get("side") or "").upper()
        inside = join.this is source
        if side in ("FULL",) or (side == "RIGHT" and not inside) or (side == "LEFT" and inside):
            if join.args.get("on") is not None and side == "LEFT" and inside:
                yield from _flat(join.args["on"])
            continue
        if side in ("LEFT", "RIGHT"):
            continue
        if join.args.get("on") is not None:
            yield from _flat(join.args["on"])
    where = select.args.get("where")
    if where is not None:
        yield from _flat(where.this)


def _flat(node: exp.Expr, joined: type[exp.Connector] | None = None) -> Iterator[exp.Expr]:
    """The parts of a chain of AND (or of what `joined` says), in order; a chain of thousands is no reason to fail."""
    from sqlglot import exp

    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, joined or exp.And):
            waiting += [one.expression, one.this]
        elif isinstance(one, exp.Paren):
            waiting.append(one.this)
        else:
            yield one


def _best(conditions: Iterator[exp.Expr], name: str, partitions: tuple[str, ...], now: datetime) -> Bound | None:
    best: Bound | None = None
    for condition in conditions:
        found = _lower(condition, name, partitions, now)
        if found is None:
            continue
        if best is None:
            best = found
        else:
            since = max((one for one in (best.since, found.since) if one is not None), default=None)
            best = Bound(max(best.kind, found.kind), since)
    return best


def _lower(node: exp.Expr, name: str, partitions: tuple[str, ...], now: datetime) -> Bound | None:
    """The bound a condition gives, None when it gives none."""
    from sqlglot import exp

    if isinstance(node, exp.Or):
        known: list[Bound] = []
        for side in _flat(node, exp.Or):
            found = _best(_flat(side), name, partitions, now)
            if found is None:
                return None
            known.append(found)
        since = min((s.since for s in known if s.since), default=None) if all(s.since for s in known) else None
        return Bound(min(side.kind for side in known), since)
    if isinstance(node, exp.Between):
        return _against(node.this, node.args["low"], name, partitions, now, below=True)
    if isinstance(node, exp.GT | exp.GTE | exp.LT | exp.LTE | exp.EQ):
        below = isinstance(node, exp.GT | exp.GTE | exp.EQ)
        found = _against(node.this, node.expression, name, partitions, now, below=below)
        return found or _against(node.expression, node.this, name, partitions, now, below=not below or isinstance(node, exp.EQ))
    if isinstance(node, exp.In) and node.expressions:
        found_each = [_against(node.this, one, name, partitions, now, below=True) for one in node.expressions]
        if any(one is None for one in found_each):
            return None
        known = [one for one in found_each if one is not None]
        since = min((one.since for one in known if one.since), default=None) if all(one.since for one in known) else None
        return Bound(known[0].kind, since)
    if isinstance(node, exp.Like) and isinstance(node.expression, exp.Literal):
        start = re.split(r"[%_]", node.expression.name)[0]
        if len(start) >= 4 and isinstance(node.this, exp.Column):
            return _against(node.this, exp.Literal.string(start), name, partitions, now, below=True)
    return None


def _against(side: exp.Expr, value: exp.Expr, name: str, partitions: tuple[str, ...], now: datetime, *, below: bool) -> Bound | None:
    from sqlglot import exp

    if value.find(exp.Column, exp.Subquery):
        return None
    columns = list(side.find_all(exp.Column))
    kinds = {_kind(column, name, partitions) for column in columns}
    if len(kinds) != 1 or Kind.NONE in kinds:
        return None
    (kind,) = kinds
    if _plain(side):
        return Bound(kind, moment(value, now)) if below else None
    return Bound(kind) if kind is Kind.EVENTS else None


def _plain(node: exp.Expr) -> bool:
    """Whether an expression grows as the column in it does."""
    from sqlglot import exp

    if isinstance(node, exp.Column):
        return True
    growing = (
        exp.Cast,
        exp.TryCast,
        exp.Paren,
        exp.FromISO8601Timestamp,
        exp.StrToTime,
        exp.ParseDatetime,
        exp.TimestampTrunc,
        exp.DateTrunc,
        exp.Date,
        exp.TsOrDsToDate,
        exp.Year,
        exp.TimeToUnix,
    )
    if isinstance(node, growing) or (isinstance(node, exp.Anonymous) and node.name.lower() in ("date", "at_timezone", "from_iso8601_date")):
        inner = node.expressions[0] if isinstance(node, exp.Anonymous) else node.this
        return _plain(inner)
    if isinstance(node, exp.Substring):
        start = node.args.get("start")
        return isinstance(start, exp.Literal) and start.name == "1" and _plain(node.this)
    return False


def _kind(column: exp.Column, name: str, partitions: tuple[str, ...]) -> Kind:
    word, of = column.name.lower(), column.table.lower()
    if of and of != name:
        return Kind.NONE
    if word in partitions:
        return Kind.PARTITION
    return Kind.EVENTS if word == "eventtime" else Kind.NONE


# -- moments that can be worked out beforehand ---------------------------------------------------------------------------------


def moment(node: exp.Expr, now: datetime) -> datetime | None:
    """The moment a constant stands for, UTC; None where that is not known beforehand."""
    from sqlglot import exp

    if isinstance(node, exp.Literal):
        return _read(node.name) if node.is_string else None
    if isinstance(node, exp.CurrentTimestamp | exp.CurrentDatetime):
        return now
    if isinstance(node, exp.CurrentDate):
        return now.replace(hour=0, minute=0, second=0, microsecond=0)
    if isinstance(node, exp.Paren | exp.Cast | exp.TryCast | exp.FromISO8601Timestamp | exp.FromISO8601Date | exp.TimeToStr):
        return moment(node.this, now)
    if isinstance(node, exp.Anonymous) and node.name.lower() in ("to_iso8601", "format_datetime", "at_timezone", "date"):
        return moment(node.expressions[0], now) if node.expressions else None
    if isinstance(node, exp.TimestampTrunc | exp.DateTrunc):
        start = moment(node.this, now)
        unit = node.text("unit").lower()
        zeros: dict[str, Any] = {"microsecond": 0, "second": 0, "minute": 0}
        zeros |= {} if unit == "hour" else {"hour": 0}
        zeros |= {"day": 1} if unit in ("month", "year") else {}
        zeros |= {"month": 1} if unit == "year" else {}
        return start.replace(**zeros) if start is not None and unit in ("hour", "day", "month", "year") else None
    if isinstance(node, exp.DateAdd):
        return _shift(moment(node.this, now), node.expression, node.text("unit"), 1)
    if isinstance(node, exp.Add | exp.Sub) and isinstance(node.expression, exp.Interval):
        sign = 1 if isinstance(node, exp.Add) else -1
        return _shift(moment(node.this, now), node.expression.this, node.expression.text("unit"), sign)
    return None


_UNITS = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86400,
    "week": 604800,
    "month": 31 * 86400,
    "quarter": 92 * 86400,
    "year": 366 * 86400,
}
"""Seconds; a month and longer at most, so that a bound is never too late."""


def _shift(start: datetime | None, count: exp.Expr | None, unit: str, sign: int) -> datetime | None:
    if start is None or count is None:
        return None
    words = count.sql().replace("'", "").replace(" ", "")
    seconds = _UNITS.get(unit.lower().rstrip("s"))
    if seconds is None or not re.fullmatch(r"([+-]?\d{1,6})([+-]\d{1,6})*", words):
        return None
    amount = sum(int(part) for part in re.findall(r"[+-]?\d+", words)) * sign
    if amount > 0 and seconds > 604800:
        return None
    try:
        return start + timedelta(seconds=seconds * amount)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def _read(words: str) -> datetime | None:
    """`2026-11-03T08:12:55Z`, `2026-11-03 08:12:55`, `2026/11/03`, `2026-11`, `2026`."""
    text = words.strip().replace("/", "-").replace(" UTC", "Z")
    if re.fullmatch(r"\d{4}(-\d{2})?", text):
        text += "-01" if len(text) == 7 else "-01-01"
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
