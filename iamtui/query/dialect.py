"""Athena's and CloudTrail Lake's SQL (Trino) as DuckDB's.

sqlglot reads and writes the dialects; what is here are the tables a query may name, the places AWS's examples leave to be filled
in, and the Trino functions sqlglot has no DuckDB word for. A query is one SELECT over `cloudtrail_logs`, an event data store, or
tables it defines itself: nothing else in it is looked up anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from ..errors import UsageError

if TYPE_CHECKING:
    from sqlglot import exp

TABLE = "cloudtrail_logs"
LAKE = "cloudtrail_lake"

_PLACEHOLDER = re.compile(r"<\s*(?:EDS|event[_ -]?data[_ -]?store)[^<>\n]*>|\$\{?EDS_?ID\}?|\$EDS\b|\beds-?ID\b", re.IGNORECASE)
_STORE_ID = re.compile(r'"?\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"?')
_NOT_IN_TEXT = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_MISSING = re.compile(r"Required keyword: '\w+' missing for <class '[\w.]*?(\w+)'>")
_TABLE_NAME = re.compile(r"cloud_?trail", re.IGNORECASE)
_TABLE_FUNCTIONS = ("generate_series", "range")


class DialectError(UsageError):
    """A query that is not understood, or asks for something it may not; the message is a sentence."""


class Translated(msgspec.Struct, frozen=True):
    """sql: for DuckDB. lake: whether it was asked of an event data store. limited: whether it bounds its own rows.
    timed: whether it bounds the time of events anywhere."""

    sql: str
    lake: bool
    limited: bool
    timed: bool


def translate(text: str) -> Translated:
    """One SELECT. Raises DialectError with what was wrong, where, and what to type instead."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    prepared, lake = _stores_named(text)
    try:
        statements = [statement for statement in sqlglot.parse(prepared, read="trino") if statement is not None]
    except SqlglotError as error:
        raise DialectError(where(error), "the dialect is Athena's (Trino): iamtui sql --help shows an example") from None
    except RecursionError:
        raise DialectError("The query is nested too deeply to be read") from None
    if len(statements) != 1:
        what = "There is no query in the text" if not statements else f"There are {len(statements)} statements; ask one at a time"
        raise DialectError(what, f"for example: SELECT eventtime, eventname FROM {TABLE} LIMIT 10")
    (tree,) = statements
    if not isinstance(tree, exp.Query) or tree.find(exp.Into, exp.Lock, exp.DML, exp.DDL):
        raise DialectError("Only a SELECT can be asked: events are read, never changed", f"SELECT … FROM {TABLE}")
    try:
        return _translated(tree, lake)
    except RecursionError:
        raise DialectError("The query is nested too deeply to be read") from None


def _translated(tree: exp.Query, lake: bool) -> Translated:
    from sqlglot import exp

    lake = _tables(tree) or lake
    timed = any(_is_time_bound(node) for node in tree.find_all(exp.Binary, exp.Between))
    changed = tree.transform(_function).transform(lambda node: _comparison(node, lake))
    sql = changed.sql(dialect="duckdb", comments=False)
    return Translated(sql, lake, tree.args.get("limit") is not None, timed)


def _stores_named(text: str) -> tuple[str, bool]:
    """Event data stores, by id or as AWS's examples leave them open, become the table that stands for them."""
    found = False

    def put(_name: str) -> str:
        nonlocal found
        found = True
        return LAKE

    return name_stores(text, put), found


def name_stores(text: str, put: Callable[[str], str]) -> str:
    """The text with something in the place of every event data store. `put` gets the store's id, or "" where AWS's examples leave it
    open; texts in quotes and comments are left alone."""
    pieces: list[str] = []
    done = 0

    def inside(piece: str) -> str:
        return _STORE_ID.sub(lambda found: put(found[0].strip('"').lower()), _PLACEHOLDER.sub(lambda _: put(""), piece))

    for skip in _NOT_IN_TEXT.finditer(text):
        pieces += (inside(text[done : skip.start()]), skip[0])
        done = skip.end()
    pieces.append(inside(text[done:]))
    return "".join(pieces)


def _tables(tree: exp.Query) -> bool:
    """Point every table at ours; True when one is an event data store. Raises DialectError on any other name."""
    from sqlglot import exp

    own = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    lake = False
    for table in list(tree.find_all(exp.Table)):
        name = table.this
        if isinstance(name, exp.Func):
            if name.sql_name().lower() in _TABLE_FUNCTIONS or name.name.lower() in _TABLE_FUNCTIONS:
                continue
            raise DialectError(f"{name.sql('trino')[:60]} is no table: a query reads events only", f"FROM {TABLE}")
        if not isinstance(name, exp.Identifier):
            raise DialectError(f"{table.sql('trino')[:60]} is no table: a query reads events only", f"FROM {TABLE}")
        word = name.name.lower()
        if word in own and not table.args.get("db"):
            continue
        if word == LAKE and not table.args.get("db"):
            lake = True
            target = LAKE
        elif _TABLE_NAME.search(word):
            target = TABLE
        else:
            raise DialectError(
                f"There is no table {table.sql('trino')[:80]}; there is {TABLE}", f"FROM {TABLE}, or an event data store's id"
            )
        table.set("this", exp.to_identifier(target))
        table.set("db", None)
        table.set("catalog", None)
        if not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(word, quoted=True)))
    return lake


# -- functions sqlglot leaves as they are --------------------------------------------------------------------------------


def _function(node: exp.Expr) -> exp.Expr:
    from sqlglot import exp

    if isinstance(node, exp.Anonymous):
        make = _TRINO.get(node.name.lower())
        return make(list(node.expressions)) if make else node
    if isinstance(node, exp.FromISO8601Timestamp):
        return exp.cast(node.this, "TIMESTAMPTZ")
    if isinstance(node, exp.StrToTime) and node.args.get("format") is not None:
        pattern = node.args["format"]
        if isinstance(pattern, exp.Literal) and "%" not in pattern.name:
            node.set("format", exp.Literal.string(java_date(pattern.name)))
    if isinstance(node, exp.Unnest):
        return _unnest(node)
    if isinstance(node, exp.JSONExtract | exp.JSONExtractScalar):
        # A map's or a column's text that is no JSON is no reason to fail: there is nothing in it.
        inner = exp.cast(node.this.copy(), "VARCHAR") if isinstance(node.this, exp.Bracket) else node.this
        node.set("this", exp.func("JSON_TEXT", inner, dialect="duckdb") if not _is_json(inner) else inner)
    return node


def _is_json(node: exp.Expr) -> bool:
    from sqlglot import exp

    return isinstance(node, exp.ParseJSON | exp.JSONExtract | exp.JSONExtractScalar | exp.Literal) or (
        isinstance(node, exp.Anonymous) and node.name.upper() in ("JSON_TEXT",)
    )


def _unnest(node: exp.Unnest) -> exp.Expr:
    """`UNNEST(resources) AS t(arn, accountid, type)`: Trino makes a column of each field of a row, and two of a map's entries."""
    import sqlglot
    from sqlglot import exp

    alias = node.args.get("alias")
    if not isinstance(alias, exp.TableAlias) or len(alias.columns) < 2 or len(node.expressions) != 1 or node.args.get("offset"):
        return node
    (what,) = node.expressions
    if isinstance(what, exp.Column) and what.name.lower() in _MAPS:
        what = exp.func("map_entries", what, dialect="duckdb")
    inner = sqlglot.parse_one(f"SELECT UNNEST({what.sql('duckdb')}, max_depth := 2)", read="duckdb")
    return exp.Lateral(this=exp.Subquery(this=inner), alias=alias.copy())


_MAPS = ("requestparameters", "responseelements", "additionaleventdata", "serviceeventdetails")


def _comparison(node: exp.Expr, lake: bool) -> exp.Expr:
    """The time of events against text or a moment: in an event data store it is a moment, in Athena text."""
    from sqlglot import exp

    if isinstance(node, exp.Binary) and isinstance(node, exp.Predicate):
        for side, other in (("this", "expression"), ("expression", "this")):
            column, value = node.args[side], node.args[other]
            if _is_event_time(column) and _is_moment(value):
                node.set(side, exp.TryCast(this=column, to=exp.DataType.build("TIMESTAMPTZ")))
            elif lake and _is_event_time(column) and isinstance(value, exp.TimeToStr):
                node.set(other, exp.TryCast(this=value, to=exp.DataType.build("TIMESTAMP")))
    elif isinstance(node, exp.Between) and _is_event_time(node.this) and _is_moment(node.args["low"]):
        node.set("this", exp.TryCast(this=node.this, to=exp.DataType.build("TIMESTAMPTZ")))
    return node


def _is_event_time(node: exp.Expr) -> bool:
    from sqlglot import exp

    return isinstance(node, exp.Column) and node.name.lower() == "eventtime"


_MOMENTS = ("CurrentTimestamp", "CurrentDate", "CurrentDatetime", "DateAdd", "DateSub", "TimestampTrunc", "DateTrunc", "TsOrDsAdd")


def _is_moment(node: exp.Expr) -> bool:
    """An expression whose value is a moment, told by its form."""
    from sqlglot import exp

    if isinstance(node, exp.Paren):
        return _is_moment(node.this)
    if isinstance(node, exp.Add | exp.Sub):
        return _is_moment(node.this) or _is_moment(node.expression)
    if isinstance(node, exp.Cast | exp.TryCast):
        return node.to.is_type("timestamp", "timestamptz", "date")
    return type(node).__name__ in _MOMENTS


def _is_time_bound(node: exp.Expr) -> bool:
    from sqlglot import exp

    if isinstance(node, exp.Between):
        return any(column.name.lower() in _TIMES for column in node.this.find_all(exp.Column))
    if isinstance(node, exp.GT | exp.GTE | exp.LT | exp.LTE | exp.EQ):
        return any(column.name.lower() in _TIMES for column in node.find_all(exp.Column))
    return False


_TIMES = ("eventtime", "timestamp", "day", "date", "year")


def _call(name: str) -> Callable[[list[exp.Expr]], exp.Expr]:
    def make(arguments: list[exp.Expr]) -> exp.Expr:
        from sqlglot import exp

        return exp.Anonymous(this=name, expressions=arguments)

    return make


def _text(form: str) -> Callable[[list[exp.Expr]], exp.Expr]:
    """A DuckDB expression with `@1`, `@2` … for the arguments."""

    def make(arguments: list[exp.Expr]) -> exp.Expr:
        import sqlglot

        words = form
        for number, argument in enumerate(arguments, 1):
            words = words.replace(f"@{number}", f"({argument.sql('duckdb')})")
        if "@" in re.sub(r"'[^']*'", "", words):
            raise DialectError(f"A function was given {len(arguments)} arguments, which are too few")
        return sqlglot.parse_one(words, read="duckdb")

    return make


_TRINO: dict[str, Callable[[list[exp.Expr]], exp.Expr]] = {
    "json_array_get": _text("json_extract(json_text(@1), '$[' || @2 || ']')"),
    "json_array_length": _text("json_array_length(json_text(@1))"),
    "json_array_contains": _text("list_contains(CAST(json_text(@1) AS VARCHAR[]), CAST(@2 AS VARCHAR))"),
    "json_size": _text("len(json_keys(json_text(@1), @2))"),
    "any_match": _call("list_any"),
    "none_match": _call("list_none"),
    "all_match": _call("list_all"),
    "contains_sequence": _call("list_has_all"),
    "url_extract_host": _text("regexp_extract(@1, '^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/@]*@)?([^/:?#]+)', 1)"),
    "url_extract_path": _text("regexp_extract(@1, '^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*([^?#]*)', 1)"),
    "format_datetime": lambda arguments: _format_datetime(arguments),
    "to_iso8601": _text("strftime(CAST(@1 AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%gZ')"),
    "from_iso8601_date": _text("CAST(@1 AS DATE)"),
    "from_unixtime_nanos": _text("make_timestamptz(CAST(@1 / 1000 AS BIGINT))"),
    "is_json_scalar": _text("json_type(json_text(@1)) NOT IN ('OBJECT', 'ARRAY')"),
    "checksum": _text("bit_xor(hash(@1))"),
    "approx_set": _call("approx_count_distinct"),
    "map_agg": _text("map_from_entries(list({k: @1, v: @2}))"),
    "multimap_agg": _text("map_from_entries(list({k: @1, v: @2}))"),
    "set_agg": _text("list(DISTINCT @1)"),
    "element_at": _text("@1[@2]"),
    "codepoint": _call("unicode"),
    "bool_and": _call("bool_and"),
    "bool_or": _call("bool_or"),
    "every": _call("bool_and"),
    "at_timezone": _text("(CAST(@1 AS TIMESTAMPTZ) AT TIME ZONE @2)"),
    "with_timezone": _text("(CAST(@1 AS TIMESTAMP) AT TIME ZONE @2)"),
    "last_day_of_month": _call("last_day"),
    "human_readable_seconds": _text("CAST(to_seconds(@1) AS VARCHAR)"),
}


def _format_datetime(arguments: list[exp.Expr]) -> exp.Expr:
    from sqlglot import exp

    if len(arguments) != 2 or not isinstance(arguments[1], exp.Literal):
        raise DialectError("format_datetime needs a moment and a pattern in quotes", "format_datetime(now(), 'yyyy-MM-dd')")
    return exp.Anonymous(this="strftime", expressions=[arguments[0], exp.Literal.string(java_date(arguments[1].name))])


_JODA = (
    ("yyyy", "%Y"),
    ("yy", "%y"),
    ("MMMM", "%B"),
    ("MMM", "%b"),
    ("MM", "%m"),
    ("dd", "%d"),
    ("HH", "%H"),
    ("hh", "%I"),
    ("mm", "%M"),
    ("SSS", "%g"),
    ("ss", "%S"),
    ("EEEE", "%A"),
    ("EEE", "%a"),
    ("a", "%p"),
    ("Z", "%z"),
)


def java_date(pattern: str) -> str:
    """A Java date pattern as DuckDB's: the letters of dates, and text in quotes."""
    pieces: list[str] = []
    place = 0
    while place < len(pattern):
        if pattern[place] == "'":
            end = pattern.find("'", place + 1)
            end = len(pattern) if end < 0 else end
            pieces.append(pattern[place + 1 : end] or "'")
            place = end + 1
            continue
        for letters, code in _JODA:
            if pattern.startswith(letters, place):
                pieces.append(code)
                place += len(letters)
                break
        else:
            pieces.append(pattern[place])
            place += 1
    return "".join(pieces)


def where(error: Exception) -> str:
    """sqlglot's complaint in one line: what, and at which line and column."""
    told = getattr(error, "errors", None)
    if told:
        first = told[0]
        words = str(first.get("description") or "the query is not understood").rstrip(".").split("<Token")[0].strip()
        words = _MISSING.sub(lambda found: f"{found[1].lower()} lacks something", words)
        near = str(first.get("highlight") or "")
        place = f" at line {first.get('line')}, column {first.get('col')}" if first.get("line") else ""
        return f"{words}{place}" + (f", near {near[:40]}" if near else "")
    return str(error).partition("\n")[0][:200]
