"""What leaves for AWS: one SELECT, the same text on the real table, bounded in time; for Lake with its types."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iamtui.errors import NotReadOnlyError
from iamtui.model.remote import DataStore, TrailTable
from iamtui.query import QUERIES, fill
from iamtui.query.bounds import Kind
from iamtui.query.dialect import DialectError
from iamtui.query.door import bare, one_select
from iamtui.query.lake import check_lake, for_lake
from iamtui.query.remote import Outgoing, check_athena, check_catalogs, for_athena
from iamtui.source.live.guard import _check_sql

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
PROJECTED = TrailTable(
    "trail", "audit", region="eu-west-1", partitions=("region", "timestamp"), formats={"timestamp": "yyyy/MM/dd"}, projected=True
)
PLAIN = TrailTable("trail", "audit", region="eu-west-1")
BY_YEAR = TrailTable("trail", "audit", region="eu-west-1", partitions=("year", "month", "day"))
STORE = DataStore("arn:aws:cloudtrail:eu-west-1:123456789012:eventdatastore/0123abcd-0123-4567-89ab-0123456789ab", "org")


def athena(text: str, table: TrailTable = PLAIN) -> Outgoing:
    return for_athena(check_athena(text), table, None, NOW)


def lake(text: str) -> Outgoing:
    checked, ids = check_lake(text)
    return for_lake(checked, ids, STORE, NOW)


# -- the door -------------------------------------------------------------------------------------------------------------

WRITES = [
    "CREATE TABLE x AS SELECT * FROM cloudtrail_logs",
    "CREATE VIEW x AS SELECT 1",
    "INSERT INTO x SELECT * FROM cloudtrail_logs",
    "WITH a AS (SELECT 1) INSERT INTO x SELECT * FROM a",
    "UNLOAD (SELECT * FROM cloudtrail_logs) TO 's3://elsewhere/' WITH (format = 'JSON')",
    "DROP TABLE cloudtrail_logs",
    "ALTER TABLE cloudtrail_logs ADD PARTITION (day = '2026')",
    "MSCK REPAIR TABLE cloudtrail_logs",
    "DELETE FROM cloudtrail_logs",
    "UPDATE cloudtrail_logs SET eventname = 'x'",
    "MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN DELETE",
    "TRUNCATE TABLE x",
    "OPTIMIZE x REWRITE DATA USING BIN_PACK",
    "VACUUM x",
    "PREPARE p FROM SELECT 1",
    "EXECUTE p",
    "EXECUTE IMMEDIATE 'DROP TABLE x'",
    "DEALLOCATE PREPARE p",
    "CALL system.sync_partition_metadata('a', 'b', 'FULL')",
    "GRANT SELECT ON x TO y",
    "SET SESSION x = 1",
    "EXPLAIN ANALYZE SELECT 1",
    "EXPLAIN SELECT 1",
    "SHOW TABLES",
    "DESCRIBE x",
    "USING EXTERNAL FUNCTION f(a varchar) RETURNS varchar LAMBDA 'g' SELECT f('a')",
    "SELECT * INTO x FROM cloudtrail_logs",
    "SELECT 1 FROM x FOR UPDATE",
    "SELECT * FROM TABLE(system.query(query => 'DROP TABLE x'))",
    "SELECT 1; DROP TABLE x",
    "SELECT 1; SELECT 2",
    ";DROP TABLE x",
    "SELECT '1\\'; DROP TABLE x; --'",
    "/* /* */ UNLOAD (SELECT 1) TO 's3://x/' WITH (format = 'JSON') -- */ SELECT 1",
    "{# #} DROP TABLE x {# SELECT 1 #}",
    "-- a\rDROP TABLE x -- \nSELECT 1",
    "SELECT 1 /* never closed",
    "SELECT 'never closed",
    "SELECT `a` FROM b",
    "SELECT a FROM b WHERE c = ?",
    "SELECT 1 # c",
    "SELECT $$a$$",
    "SELECT 1\0",
    "SELEC 1",
    "VALUES (1)",
    "TABLE x",
    "x",
    "",
    "-- nothing",
    "SELECT " + "(" * 4000 + "1" + ")" * 4000,
]


@pytest.mark.parametrize("text", WRITES, ids=lambda text: text[:40])
def test_only_one_select_leaves(text: str) -> None:
    for check in (check_athena, check_lake):
        with pytest.raises(DialectError) as raised:
            check(text)
        assert raised.value.message


@pytest.mark.parametrize("text", [text for text in WRITES[:22] if text])
def test_the_guard_below_refuses_them_too(text: str) -> None:
    """Without the first door: the second looks at what is sent by the letter."""
    for sent in (text, text.lower(), f"  ({text}", f"\n{text} "):
        with pytest.raises(NotReadOnlyError, match="not one SELECT"):
            _check_sql("athena", "StartQueryExecution", {"QueryString": sent}, "QueryString")


@pytest.mark.parametrize("sent", ["SELECT 1; DROP TABLE x", "SELECT 1 -- x", "/* */ SELECT 1", "SELECT 'a", "SELECT * INTO x FROM y"])
def test_the_guard_lets_no_comment_and_no_second_statement_through(sent: str) -> None:
    with pytest.raises(NotReadOnlyError):
        _check_sql("cloudtrail", "StartQuery", {"QueryStatement": sent}, "QueryStatement")
    with pytest.raises(NotReadOnlyError):
        _check_sql("cloudtrail", "StartQuery", {"QueryStatement": "SELECT 1", "DeliveryS3Uri": "s3://x/"}, "QueryStatement")


_PIECES = st.sampled_from(
    [
        "SELECT 1", "SELECT", "UNLOAD (SELECT 1) TO 's3://x/'", "DROP TABLE x", "INSERT INTO x", "WITH a AS (SELECT 1)", "FROM cloudtrail_logs",
        "--", "/*", "*/", "\n", "\r", ";", "'", '"', "''", "\\", "(", ")", " ", "{#", "#}", "{{", "}}", "$$", "`", "\u2028", "\x85", "\ufeff",
    ]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=12).map(" ".join) | st.lists(_PIECES, max_size=12).map("".join))
@settings(max_examples=300, deadline=None)
def test_whatever_leaves_begins_as_a_query_and_has_no_comment(text: str) -> None:
    try:
        sent = one_select(text).text
    except DialectError:
        return
    _check_sql("athena", "StartQueryExecution", {"QueryString": sent}, "QueryString")
    assert bare(sent) == sent.rstrip()


def test_comments_go_and_lines_stay() -> None:
    assert one_select("-- who?\nSELECT 1 /* a\nb */ AS x -- c\n;").text == " \nSELECT 1  \n AS x"
    assert one_select("SELECT '--;/*' AS \"a;--\" FROM cloudtrail_logs").text.startswith("SELECT '--;/*' AS \"a;--\"")


# -- the table ------------------------------------------------------------------------------------------------------------


def test_the_table_is_put_in_and_nothing_else_changes() -> None:
    text = "SELECT  eventname , count( * )\nFROM  cloudtrail_logs  AS c\nWHERE c.eventtime > '2026-11-01T00:00:00Z'\nGROUP  BY 1"
    assert athena(text).text == text.replace("cloudtrail_logs", '"audit"."trail"')
    named = "SELECT cloudtrail_logs.eventname FROM cloudtrail_logs"
    assert athena(named).text == 'SELECT cloudtrail_logs.eventname FROM "audit"."trail" AS cloudtrail_logs'
    own = 'SELECT * FROM security."My Trail" JOIN other USING (x)'
    assert athena(own).text == own
    within = "WITH cloudtrail_logs AS (SELECT 1 AS x) SELECT * FROM cloudtrail_logs"
    assert athena(within).text == within


def test_hostile_names_are_quoted() -> None:
    table = TrailTable('t"; DROP TABLE x; --', "d\n'b", catalog='c"c')
    sent = for_athena(check_athena("SELECT 1 FROM cloudtrail_logs"), table, None, NOW).text
    assert sent == 'SELECT 1 FROM "c""c"."d\n\'b"."t""; DROP TABLE x; --"'
    _check_sql("athena", "StartQueryExecution", {"QueryString": sent}, "QueryString")


def test_another_catalog_is_read_only_when_it_is_named() -> None:
    checked = check_athena("SELECT * FROM Own.db.t JOIN awsdatacatalog.db.u USING (x)")
    with pytest.raises(DialectError, match="another data catalog"):
        check_catalogs(checked, "")
    check_catalogs(checked, "own")
    assert for_athena(checked, None, None, NOW).text == checked.text


def test_long_chains_and_deep_nesting_are_read_or_refused() -> None:
    chain = " OR ".join(f"(eventname = 'n{n}' AND eventtime > '2026-11-01')" for n in range(3000))
    assert athena(f"SELECT 1 FROM cloudtrail_logs WHERE {chain}").bound.kind is Kind.EVENTS
    assert athena("SELECT 1").bound.kind
    for depth in (60, 150, 400):
        text = f"SELECT 1 FROM cloudtrail_logs WHERE {'(' * depth}requestparameters IS NULL{')' * depth} AND readonly = 'true'"
        for send in (athena, lake):
            with contextlib.suppress(DialectError):
                send(text)


def test_a_text_for_lake_is_not_asked_of_athena() -> None:
    for name in ("$EDS_ID", "<event_data_store_id>", "0123abcd-0123-4567-89ab-0123456789ab"):
        with pytest.raises(DialectError, match="event data store"):
            check_athena(f"SELECT eventName FROM {name} WHERE eventTime > '2026-01-01 00:00:00'")


# -- bounds ---------------------------------------------------------------------------------------------------------------

BOUNDS = [
    ("eventtime > '2026-11-01T00:00:00Z'", Kind.EVENTS, "2026-11-01"),
    ("'2026-11-01' <= eventtime", Kind.EVENTS, "2026-11-01"),
    ("eventtime BETWEEN '2026-10-01' AND '2026-10-02'", Kind.EVENTS, "2026-10-01"),
    ("eventtime LIKE '2026-11%'", Kind.EVENTS, "2026-11-01"),
    ("from_iso8601_timestamp(eventtime) > date_add('day', -30, now())", Kind.EVENTS, "2026-10-28"),
    ("from_iso8601_timestamp(eventtime) > date_add('day', -7 - 23, now())", Kind.EVENTS, "2026-10-28"),
    ("from_iso8601_timestamp(eventtime) > current_timestamp - interval '2' hour", Kind.EVENTS, "2026-11-27"),
    ("date(from_iso8601_timestamp(eventtime)) = current_date", Kind.EVENTS, "2026-11-27"),
    ("date_diff('day', from_iso8601_timestamp(eventtime), now()) < 3", Kind.EVENTS, ""),
    ("(eventname = 'x' AND eventtime > '2026-11-01') OR eventtime > '2026-10-01'", Kind.EVENTS, "2026-10-01"),
    ("eventname = 'x' AND (eventtime > '2026-11-01' AND errorcode IS NULL)", Kind.EVENTS, "2026-11-01"),
    ("\"timestamp\" >= '2026/11/01'", Kind.PARTITION, "2026-11-01"),
    ("\"timestamp\" IN ('2026/11/02', '2026/11/01')", Kind.PARTITION, "2026-11-01"),
    ("eventname = 'x' OR eventtime > '2026-11-01'", Kind.NONE, ""),
    ("NOT eventtime > '2026-11-01'", Kind.NONE, ""),
    ("eventtime < '2026-11-01'", Kind.NONE, ""),
    ("eventtime IS NOT NULL", Kind.NONE, ""),
    ("eventtime > eventname", Kind.NONE, ""),
    ("eventtime LIKE '%2026'", Kind.NONE, ""),
    ("eventid IN (SELECT eventid FROM other WHERE eventtime > '2026-11-01')", Kind.NONE, ""),
    ("useragent = 'eventtime > 2026'", Kind.NONE, ""),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "kind", "since"), BOUNDS, ids=lambda value: str(value)[:40])
def test_a_bound_is_told_by_its_form(condition: str, kind: Kind, since: str) -> None:
    text = f"SELECT * FROM audit.cloudtrail_trail WHERE {condition}"
    bound = for_athena(check_athena(text), None, None, NOW).bound
    assert bound.kind == kind
    assert (f"{bound.since:%Y-%m-%d}" if bound.since else "") == since


@pytest.mark.parametrize(
    ("text", "bounded"),
    [
        ("SELECT * FROM (SELECT * FROM cloudtrail_logs) AS x WHERE x.eventtime > '2026'", True),
        ("WITH a AS (SELECT * FROM cloudtrail_logs) SELECT * FROM a WHERE eventtime > '2026'", True),
        ("WITH a AS (SELECT * FROM cloudtrail_logs) SELECT 1 FROM a WHERE eventtime > '2026' UNION SELECT 1 FROM a", False),
        ("SELECT * FROM (SELECT * FROM cloudtrail_logs LIMIT 9) AS x WHERE eventtime > '2026'", False),
        ("SELECT * FROM (SELECT max(eventtime) AS eventtime FROM cloudtrail_logs) AS x WHERE eventtime > '2026'", False),
        ("SELECT * FROM (SELECT eventname AS eventtime FROM cloudtrail_logs) AS x WHERE eventtime > '2026'", False),
        ("SELECT * FROM cloudtrail_logs AS a JOIN cloudtrail_logs AS b ON a.eventid = b.eventid WHERE a.eventtime > '2026'", False),
        ("SELECT * FROM cloudtrail_logs AS a LEFT JOIN cloudtrail_logs AS b ON b.eventtime > '2026' WHERE a.eventtime > '2026'", True),
        ("SELECT * FROM cloudtrail_logs AS a LEFT JOIN ips AS b ON a.eventtime > '2026'", False),
        ("SELECT min(eventtime) FROM cloudtrail_logs GROUP BY eventname HAVING min(eventtime) > '2026'", False),
        ("SELECT 1 FROM ips WHERE ip IN (SELECT sourceipaddress FROM cloudtrail_logs WHERE eventtime > '2026')", True),
        ("SELECT r.arn FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS t(r) WHERE eventtime > '2026'", True),
    ],
)  # fmt: skip
def test_every_reading_of_the_trail_needs_its_bound(text: str, bounded: bool) -> None:
    assert bool(athena(text).bound.kind) is bounded


def test_a_bound_on_events_is_put_on_projected_partitions_as_well() -> None:
    sent = athena("SELECT * FROM cloudtrail_logs WHERE eventtime > '2026-11-01T00:00:00Z'", PROJECTED)
    assert sent.added == "\"timestamp\" >= '2026/10/31'"
    put = '(SELECT * FROM "audit"."trail" WHERE "timestamp" >= \'2026/10/31\')'
    assert sent.text == f"SELECT * FROM {put} WHERE eventtime > '2026-11-01T00:00:00Z'"
    assert sent.bound.kind is Kind.PARTITION
    both = athena("SELECT * FROM cloudtrail_logs WHERE eventtime > '2026-11-01' AND \"timestamp\" > '2026/11/20'", PROJECTED)
    assert both.added == ""
    assert athena("SELECT * FROM cloudtrail_logs WHERE eventname = 'x' OR eventtime > '2026'", PROJECTED).added == ""
    assert athena("SELECT \"$path\" FROM cloudtrail_logs WHERE eventtime > '2026'", PROJECTED).added == ""
    assert athena("SELECT * FROM cloudtrail_logs WHERE eventtime > '2026'", BY_YEAR).added == ""
    assert athena("SELECT * FROM cloudtrail_logs WHERE year = '2026' AND month = '11'", BY_YEAR).bound.kind is Kind.PARTITION
    assert athena("SELECT * FROM cloudtrail_logs WHERE month = '11'", BY_YEAR).bound.kind is Kind.NONE


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_every_saved_query_leaves_bounded(query: Any) -> None:
    text = fill(query, {p.name: "%" for p in query.parameters if not p.default})
    assert athena(text, PROJECTED).added, query.name
    assert athena(text).text == text.replace("cloudtrail_logs", '"audit"."trail"')
    assert lake(text).bound.kind is Kind.EVENTS


# -- CloudTrail Lake ------------------------------------------------------------------------------------------------------

TURNED = [
    ("SELECT eventname FROM cloudtrail_logs WHERE eventtime > '2026-11-01T08:00:00Z'", "eventtime > '2026-11-01 08:00:00'"),
    ("SELECT eventname FROM cloudtrail_logs WHERE eventtime BETWEEN '2026-11-01' AND '2026-11-02T00:00Z'", "'2026-11-01 00:00:00' AND '2026-11-02 00:00:00'"),
    ("SELECT substr(eventtime, 1, 10) FROM cloudtrail_logs", "SUBSTR(DATE_FORMAT(eventtime, '%Y-%m-%dT%H:%i:%sZ'), 1, 10)"),
    ("SELECT 1 FROM cloudtrail_logs WHERE eventtime LIKE '2026-11%'", "DATE_FORMAT(eventtime, '%Y-%m-%dT%H:%i:%sZ') LIKE '2026-11%'"),
    ("SELECT json_extract_scalar(requestparameters, '$.userName') FROM cloudtrail_logs", "ELEMENT_AT(requestparameters, 'userName')"),
    ("SELECT json_extract_scalar(responseelements, '$.user.name') FROM cloudtrail_logs", "JSON_EXTRACT_SCALAR(ELEMENT_AT(responseelements, 'user'), '$.name')"),
    ("SELECT json_extract(requestparameters, '$.tags') FROM cloudtrail_logs", "TRY(JSON_PARSE(ELEMENT_AT(requestparameters, 'tags')))"),
    ("SELECT 1 FROM cloudtrail_logs WHERE readonly = 'false'", "readonly = FALSE"),
    ("SELECT 1 FROM cloudtrail_logs WHERE readonly IN ('false')", "CAST(readonly AS VARCHAR) IN ('false')"),
    ("SELECT min(useridentity.sessioncontext.attributes.creationdate) FROM cloudtrail_logs WHERE useridentity.sessioncontext.attributes.creationdate > '2026-11-01'", "creationdate > '2026-11-01 00:00:00'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), TURNED, ids=lambda value: value[:50])
def test_athenas_types_become_lakes(text: str, words: str) -> None:
    sent = " ".join(lake(text).text.split()).replace("( ", "(").replace(" )", ")")
    assert words in sent
    assert f"FROM {STORE.id}" in sent


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("SELECT 1 FROM cloudtrail_logs WHERE requestparameters LIKE '%admin%'", "requestparameters"),
        ("SELECT json_extract_scalar(responseelements, '$[0]') FROM cloudtrail_logs", "responseelements"),
        ("SELECT length(additionaleventdata) FROM cloudtrail_logs", "additionaleventdata"),
        ("SELECT 1 FROM cloudtrail_logs WHERE \"timestamp\" > '2026/11/01'", "timestamp"),
        ("SELECT 1 FROM cloudtrail_logs WHERE region = 'eu-west-1'", "region"),
        ("SELECT 1 FROM cloudtrail_logs WHERE eventtime > 'yesterday'", "eventtime"),
    ],
)
def test_what_has_no_meaning_in_lake_is_refused_by_name(text: str, column: str) -> None:
    with pytest.raises(DialectError) as raised:
        lake(text)
    assert raised.value.message.startswith(column)
    assert raised.value.hint


def test_a_text_for_lake_is_sent_as_it_is() -> None:
    for name in ("$EDS_ID", "<event_data_store_id>", "${EDS_ID}", "cloudtrail_logs"):
        text = f"SELECT  eventName FROM {name}  WHERE eventTime > '2026-01-01 00:00:00' AND element_at(requestParameters, 'a') = 'b'"
        assert lake(text).text == text.replace(name, STORE.id)
    other = "99999999-0123-4567-89ab-0123456789ab"
    text = f"SELECT a.eventName FROM {other} AS a JOIN $EDS_ID AS b ON a.eventID = b.eventID"
    assert lake(text).text == text.replace("$EDS_ID", STORE.id)
    named = "SELECT cloudtrail_logs.eventname FROM cloudtrail_logs"
    assert lake(named).text == f"SELECT cloudtrail_logs.eventname FROM {STORE.id} AS cloudtrail_logs"
    assert lake("SELECT '$EDS_ID' FROM $EDS_ID").text == f"SELECT '$EDS_ID' FROM {STORE.id}"


def test_a_text_that_is_too_long_for_lake_is_told_before() -> None:
    with pytest.raises(DialectError, match="takes 10,000"):
        lake("SELECT 1 FROM $EDS_ID WHERE eventname IN (" + ", ".join(f"'name-{n}'" for n in range(1000)) + ")")
    with pytest.raises(DialectError, match="no event data store"):
        lake("SELECT 1 FROM users")
