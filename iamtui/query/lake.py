"""What leaves for CloudTrail Lake: the event data store in the place of the table, and Athena's types turned into Lake's.

A text that names an event data store is Lake's own and is sent as it is, but for the store's id. A text over `cloudtrail_logs` is
Athena's form. There `eventtime` and an MFA session's `creationdate` are text, `requestparameters`, `responseelements`,
`additionaleventdata` and `serviceeventdetails` JSON text, `readonly` and `managementevent` text; in an event data store they are
timestamps, maps and booleans (AWS, "Supported SQL schemas for event data stores"). What means the same in both is turned; what does
not is refused, by the column's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from ..model.remote import DataStore
from .bounds import DAYS, Bound, Kind, bound_of
from .dialect import TABLE, DialectError, name_stores
from .door import Checked, one_select
from .remote import Outgoing, counts

if TYPE_CHECKING:
    from sqlglot import exp

MOST_CHARACTERS = 10_000
_STORE = "iamtui_event_data_store"
_TRAIL = re.compile(r"cloud_?trail", re.IGNORECASE)
_MAPS = ("requestparameters", "responseelements", "additionaleventdata", "serviceeventdetails")
_BOOLEANS = ("readonly", "managementevent")
_TIMES = ("eventtime", "creationdate")
_PARTITIONS = (*DAYS, "month", "hour", "region", "account", "accountid_partition")
_STAMP = "%Y-%m-%dT%H:%i:%sZ"
"""Trino's pattern of CloudTrail's own spelling of a time."""


def check_lake(text: str) -> tuple[Checked, tuple[str, ...]]:
    """One SELECT, with names for the stores in it; and the ids of those it names itself. Raises DialectError on anything else."""
    ids: list[str] = []

    def put(store: str) -> str:
        if not store:
            return f"{_STORE}_"
        if store not in ids:
            ids.append(store)
        return f"{_STORE}_{ids.index(store)}_"

    return one_select(text, lambda plain: name_stores(plain, put)), tuple(ids)


def for_lake(checked: Checked, ids: tuple[str, ...], store: DataStore, now: datetime) -> Outgoing:
    """The text for CloudTrail Lake. Raises DialectError on a column that cannot be turned, on a table that is none there, and on a text
    that is too long."""
    try:
        return _for_lake(checked, ids, store, now)
    except RecursionError:
        raise DialectError("The query is nested too deeply to be read") from None


def _for_lake(checked: Checked, ids: tuple[str, ...], store: DataStore, now: datetime) -> Outgoing:
    from sqlglot import exp

    tree = checked.tree
    own = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    changes: list[tuple[int, int, str]] = []
    bounds: list[Bound] = []
    foreign: list[exp.Table] = []
    for table in tree.find_all(exp.Table):
        name = table.name.lower()
        if name in own and not table.args.get("db"):
            continue
        bounds.append(bound_of(table, (), now))
        if name.startswith(_STORE):
            continue
        if not _TRAIL.search(name):
            raise DialectError(f"{table.sql('trino')[:80]} is no event data store", f"FROM {TABLE}, or an event data store's id")
        foreign.append(table)
    numbers = counts(tree)
    columns = () if tree.is_star else tuple(tree.named_selects)
    turned = _turn(tree) if foreign else False
    for table in foreign:
        name, alias = table.name, table.args.get("alias")
        named = any(column.table.lower() == name.lower() for column in tree.find_all(exp.Column))
        parts = [part for part in (table.args.get("catalog"), table.args.get("db"), table.this) if part is not None]
        end = f" AS {name}" if named and not alias else ""
        changes.append((int(parts[0].meta["start"]), int(parts[-1].meta["end"]), f"{_STORE}_{end}"))
        if turned:
            table.set("db", None)
            table.set("catalog", None)
            table.set("this", exp.to_identifier(f"{_STORE}_"))
            if end:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(name)))
    text = checked.text
    if turned:
        text = tree.sql(dialect="trino", comments=False, pretty=True)
    else:
        for start, last, words in sorted(changes, reverse=True):
            text = text[:start] + words + text[last + 1 :]
    text = re.sub(rf"{_STORE}_(?:(\d+)_)?", lambda found: ids[int(found[1])] if found[1] else store.id, text)
    if len(text) > MOST_CHARACTERS:
        raise DialectError(
            f"The query has {len(text):,} characters; CloudTrail Lake takes {MOST_CHARACTERS:,}", "shorten it, or --engine athena"
        )
    return Outgoing(text, min(bounds, key=lambda bound: bound.kind, default=Bound(Kind.PARTITION)), numbers=numbers, columns=columns)


# -- from Athena's types to Lake's ------------------------------------------------------------------------------------------


def _turn(tree: exp.Query) -> bool:
    """Change the tree in place; False when nothing had to be."""
    from sqlglot import exp

    before = tree.sql(dialect="trino", comments=False)
    aliases = {one.alias.lower() for one in tree.find_all(exp.Alias)} | {
        name.lower() for alias in tree.find_all(exp.TableAlias) for name in alias.alias_column_names
    }
    for call in [*tree.find_all(exp.FromISO8601Timestamp, exp.StrToTime, exp.ParseDatetime, exp.FromISO8601Date)]:
        if _is_time(call.this):
            call.replace(call.this.copy())
    for column in [*_columns(tree)]:
        name = column.name.lower()
        if name in _TIMES and _is_time(column):
            _turn_time(column)
        elif name in _MAPS:
            _turn_map(column)
        elif name in _BOOLEANS:
            _turn_boolean(column)
        elif name in _PARTITIONS and name not in aliases and isinstance(column, exp.Column) and not column.args.get("db"):
            _refuse(name, "is a partition of Athena's table; an event data store has none", "bound eventtime instead")
    return tree.sql(dialect="trino", comments=False) != before


def _columns(tree: exp.Query) -> Iterator[exp.Expr]:
    """Columns and fields behind a dot, each with its last name."""
    from sqlglot import exp

    for node in tree.find_all(exp.Column, exp.Dot):
        if not isinstance(node.parent, exp.Dot):
            yield node


def _is_time(node: exp.Expr) -> bool:
    from sqlglot import exp

    if isinstance(node, exp.Paren | exp.Min | exp.Max | exp.ArgMax | exp.ArgMin):
        return _is_time(node.this)
    if isinstance(node, exp.Column | exp.Dot):
        return node.name.lower() == "eventtime" or node.sql().lower().endswith("sessioncontext.attributes.creationdate")
    return False


def _refuse(name: str, why: str, hint: str) -> NoReturn:
    raise DialectError(f"{name} {why}", hint)


def _texts() -> tuple[type, ...]:
    """What works on text."""
    from sqlglot import exp

    return (
        exp.Like,
        exp.ILike,
        exp.RegexpLike,
        exp.RegexpExtract,
        exp.RegexpReplace,
        exp.Substring,
        exp.SplitPart,
        exp.Split,
        exp.Concat,
        exp.ConcatWs,
        exp.DPipe,
        exp.Upper,
        exp.Lower,
        exp.Length,
        exp.StrPosition,
        exp.Replace,
        exp.Trim,
        exp.StartsWith,
        exp.Left,
        exp.Right,
        exp.Reverse,
    )


def _user(node: exp.Expr) -> exp.Expr | None:
    from sqlglot import exp

    parent = node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    return parent


def _turn_time(column: exp.Expr) -> None:
    from sqlglot import exp

    name, user = column.name.lower(), _user(column)
    as_text = exp.Anonymous(this="date_format", expressions=[column.copy(), exp.Literal.string(_STAMP)])
    if isinstance(user, exp.EQ | exp.NEQ | exp.GT | exp.GTE | exp.LT | exp.LTE | exp.Between | exp.In):
        others = [one for one in user.iter_expressions() if one is not column and not _holds(one, column)]
        literals = [one for one in others if isinstance(one, exp.Literal) and one.is_string]
        for literal in literals:
            literal.replace(exp.Literal.string(_moment(name, literal.name)))
        if not literals and any(isinstance(one, exp.TimeToStr) or _is_iso(one) for one in others):
            column.replace(as_text)
    elif isinstance(user, _texts()):
        column.replace(as_text)


def _holds(node: exp.Expr, inner: exp.Expr) -> bool:
    return any(one is inner for one in node.walk())


def _is_iso(node: exp.Expr) -> bool:
    from sqlglot import exp

    return isinstance(node, exp.Anonymous) and node.name.lower() in ("to_iso8601", "format_datetime", "concat")


def _moment(name: str, words: str) -> str:
    """A time as event data stores compare it: `2026-11-03 08:12:55`."""
    found = re.fullmatch(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)Z?)?", words.strip())
    if found is None:
        _refuse(name, f"is a timestamp in an event data store, and {words!r} is none", f"write {name} > '2026-11-03 08:12:55'")
    time = found[2] or "00:00:00"
    return f"{found[1]} {time if len(time) > 5 else time + ':00'}"


def _turn_map(column: exp.Expr) -> None:
    from sqlglot import exp

    name, user = column.name.lower(), _user(column)
    if isinstance(user, exp.JSONExtract | exp.JSONExtractScalar) and _holds(user.this, column):
        _turn_path(name, column, user)
    elif isinstance(user, exp.ParseJSON):
        user.replace(exp.cast(column.copy(), "JSON"))
    elif isinstance(user, _texts()) or (isinstance(user, exp.Predicate) and not isinstance(user, exp.Is)) or _is_json_function(user):
        _refuse(name, "is a map in an event data store, not text", f"element_at({name}, 'userName') takes one entry out of it")


def _is_json_function(node: exp.Expr | None) -> bool:
    from sqlglot import exp

    return isinstance(node, exp.Anonymous) and node.name.lower().startswith("json_")


def _turn_path(name: str, column: exp.Expr, call: Any) -> None:
    """`json_extract_scalar(requestparameters, '$.user.name')`: an entry of the map, and what lies deeper in its JSON text."""
    from sqlglot import exp

    path = call.expression
    parts = list(path.expressions)[1:] if isinstance(path, exp.JSONPath) else []
    if not parts or not isinstance(parts[0], exp.JSONPathKey) or not isinstance(parts[0].this, str):
        _refuse(
            name, f"is a map in an event data store, which {path.sql('trino')[:40]} does not lead into", f"element_at({name}, 'userName')"
        )
    entry = exp.Anonymous(this="element_at", expressions=[column.copy(), exp.Literal.string(parts[0].this)])
    if len(parts) > 1:
        call.set("this", entry)
        call.set("expression", exp.JSONPath(expressions=[exp.JSONPathRoot(), *(part.copy() for part in parts[1:])]))
    elif isinstance(call, exp.JSONExtractScalar):
        call.replace(entry)
    else:
        parsed = exp.Anonymous(this="try", expressions=[exp.Anonymous(this="json_parse", expressions=[entry])])
        call.replace(exp.Coalesce(this=parsed, expressions=[exp.cast(entry.copy(), "JSON")]))


def _turn_boolean(column: exp.Expr) -> None:
    from sqlglot import exp

    user = _user(column)
    if isinstance(user, exp.EQ | exp.NEQ):
        for one in (user.this, user.expression):
            if isinstance(one, exp.Literal) and one.is_string and one.name.lower() in ("true", "false"):
                one.replace(exp.Boolean(this=one.name.lower() == "true"))
    elif isinstance(user, (exp.In, *_texts())):
        column.replace(exp.cast(column.copy(), "VARCHAR"))
