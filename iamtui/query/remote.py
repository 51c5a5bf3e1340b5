"""What leaves for Athena: the same text, with the real table in the place of `cloudtrail_logs` and nothing else touched.

Where the text bounds the time of events and the table is partitioned by days that Athena works out itself, the table's name is put in
with that bound on its partitions as well: a bound on `eventtime` alone narrows the answer, not what is scanned and paid.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from ..model.remote import TrailTable
from .bounds import DAYS, Bound, Kind, bound_of
from .dialect import TABLE, DialectError, java_date, name_stores
from .door import Checked, one_select

if TYPE_CHECKING:
    from sqlglot import exp

_TRAIL = re.compile(r"cloud_?trail", re.IGNORECASE)
MOST_CHARACTERS = 262_144
"""Of an Athena query; CloudTrail Lake takes fewer."""


class Outgoing(msgspec.Struct, frozen=True):
    """What is sent.

    text:    the query
    bound:   the weakest bound of a table of events in it
    added:   the condition on partitions that was put in, "" when none was
    numbers: places of columns that hold counts, for answers that come without types
    columns: names of the columns as far as the text tells, for answers without rows; () where it selects everything
    """

    text: str
    bound: Bound
    added: str = ""
    numbers: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()


class Named(msgspec.Struct, frozen=True):
    """A table as a text names it; `database` and `catalog` "" where it does not."""

    name: str
    database: str = ""
    catalog: str = ""


def check_athena(text: str) -> Checked:
    """One SELECT in Athena's form. Raises DialectError on anything else."""
    lake = False

    def note(_id: str) -> str:
        nonlocal lake
        lake = True
        return "event_data_store"

    checked = one_select(text, lambda plain: name_stores(plain, note))
    if lake:
        raise DialectError(
            "This query is written for an event data store, whose times and parameters have other types than Athena's",
            f"--engine lake, or --engine local; for Athena: FROM {TABLE}",
        )
    return checked


def tables_of(checked: Checked) -> tuple[bool, tuple[Named, ...]]:
    """Whether `cloudtrail_logs` is read, the table that has to be found; and the tables that are named in full."""
    placeholder, named = False, []
    for table in _read(checked.tree):
        if _is_placeholder(table):
            placeholder = True
        else:
            named.append(Named(table.name, table.db, table.catalog))
    return placeholder, tuple(named)


def _read(tree: exp.Query) -> list[exp.Table]:
    """Tables from outside: no WITH query of the text itself."""
    from sqlglot import exp

    own = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    return [table for table in tree.find_all(exp.Table) if table.args.get("db") or table.name.lower() not in own]


def _is_placeholder(table: exp.Table) -> bool:
    return table.name.lower() == TABLE and not table.args.get("db")


def check_catalogs(checked: Checked, catalog: str) -> None:
    """Refuse tables of another data catalog than Athena's own and the one that was chosen: what answers there may be a program."""
    for one in _read(checked.tree):
        if one.catalog and one.catalog.lower() not in ("awsdatacatalog", catalog.lower()):
            raise DialectError(
                f"{one.catalog} is another data catalog; what answers there may be a program, and a read may do anything",
                f"--athena-catalog {one.catalog} says that this one may be read",
            )


def for_athena(checked: Checked, table: TrailTable | None, named: TrailTable | None, now: datetime) -> Outgoing:
    """The text for Athena. table: in the place of `cloudtrail_logs`, None where the text does not name it. named: what is known of a table
    of events that the text names itself. Raises DialectError."""
    try:
        return _for_athena(checked, table, named, now)
    except RecursionError:
        raise DialectError("The query is nested too deeply to be read") from None


def _for_athena(checked: Checked, table: TrailTable | None, named: TrailTable | None, now: datetime) -> Outgoing:
    from sqlglot import exp

    tree = checked.tree
    tables = _read(tree)
    events = [one for one in tables if _is_placeholder(one) or _TRAIL.search(one.name)] or tables
    qualified = any(column.table.lower() == TABLE for column in tree.find_all(exp.Column))
    hidden = any(column.name.startswith("$") for column in tree.find_all(exp.Column))
    changes: list[tuple[int, int, str]] = []
    bounds: list[Bound] = []
    added = ""
    for one in tables:
        ours = table if _is_placeholder(one) else named if named is not None and one.name.lower() == named.name.lower() else None
        bound = bound_of(one, _days(ours), now)
        if one in events:
            bounds.append(bound)
        if ours is None:
            continue
        condition = "" if hidden or one.args.get("version") else _partition_bound(ours, bound)
        added = added or condition
        start, end = _place(one)
        name = quoted(ours) if ours is table else checked.text[start : end + 1]
        put = f"(SELECT * FROM {name} WHERE {condition})" if condition else name
        if not one.args.get("alias") and (condition or qualified) and (ours is not table or qualified):
            put += f" AS {one.name if ours is not table else TABLE}"
        if put != checked.text[start : end + 1]:
            changes.append((start, end, put))
    text = checked.text
    for start, end, put in sorted(changes, reverse=True):
        text = text[:start] + put + text[end + 1 :]
    if len(text.encode()) > MOST_CHARACTERS:
        raise DialectError(f"The query has {len(text):,} characters; Athena takes {MOST_CHARACTERS:,}")
    weakest = min(bounds, key=lambda bound: (bound.kind, bound.since.timestamp() if bound.since else 0), default=Bound(Kind.PARTITION))
    return Outgoing(text, Bound(Kind.PARTITION, weakest.since) if added and weakest.kind else weakest, added)


def _place(table: exp.Table) -> tuple[int, int]:
    """First and last character of a table's name in the text, database and catalog with it."""
    parts = [part for part in (table.args.get("catalog"), table.args.get("db"), table.this) if part is not None]
    return int(parts[0].meta["start"]), int(parts[-1].meta["end"])


def quoted(table: TrailTable) -> str:
    """`"database"."table"`, with the catalog where it is not Athena's own."""
    parts = [table.name]
    if table.database:
        parts.insert(0, table.database)
        if table.catalog.lower() != "awsdatacatalog":
            parts.insert(0, table.catalog)
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def _days(table: TrailTable | None) -> tuple[str, ...]:
    """Partition keys of days: those of the table, or what such keys are called where nobody has looked."""
    if table is None or not table.known:
        return DAYS
    return tuple(name for name in table.partitions if name in table.formats or name in DAYS)


def _partition_bound(table: TrailTable, bound: Bound) -> str:
    """A condition on a projected partition of days that leaves out nothing: an event is delivered after it happened, and a day is given
    to clocks that differ."""
    if bound.kind is not Kind.EVENTS or bound.since is None:
        return ""
    for name in table.partitions:
        pattern = table.formats.get(name, "")
        if pattern.startswith("yyyy") and re.fullmatch(r"yyyy([^A-Za-z]?)MM(\1dd)?", pattern) and bound.since.year >= 1000:
            day = (bound.since - timedelta(days=1)).strftime(java_date(pattern))
            return f"\"{name}\" >= '{day}'"
    return ""


def counts(tree: exp.Query) -> tuple[int, ...]:
    """Places of columns that hold counts and nothing else."""
    from sqlglot import exp

    kinds = (exp.Count, exp.CountIf, exp.ApproxDistinct)
    return tuple(number for number, one in enumerate(tree.selects) if isinstance(one.unalias(), kinds))
