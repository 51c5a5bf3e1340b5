"""SQL over events: AWS's own examples run as they are written, and a query reaches events and nothing else."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from iamtui.cli import cli
from iamtui.errors import UsageError
from iamtui.query import QUERIES, draft, fill, named
from iamtui.query.completion import complete
from iamtui.query.dialect import DialectError, translate
from iamtui.source.decode.lines import cleaned, event_lines
from iamtui.store.events import Batch, EventStore, Input
from iamtui.store.events.engine import EventEngine, SqlError
from iamtui.store.events.schema import FIELDS
from iamtui.store.events.segments import tag_of
from tests.support.trails import ACCOUNT, record, write_file, write_trail


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventEngine]:
    bucket = "arn:aws:s3:::acme-logs"
    records = [
        *(record(n) for n in range(40)),
        record(
            100,
            eventSource="s3.amazonaws.com",
            eventName="GetObject",
            eventCategory="Data",
            requestParameters={"bucketName": "acme-logs", "key": "a.csv"},
            resources=[
                {"ARN": f"{bucket}/a.csv", "type": "AWS::S3::Object"},
                {"ARN": bucket, "accountId": ACCOUNT, "type": "AWS::S3::Bucket"},
            ],
            additionalEventData={"aclRequired": "Yes"},
            tlsDetails={"tlsVersion": "TLSv1.2", "cipherSuite": "x", "clientProvidedHostHeader": "s3.amazonaws.com"},
        ),
        record(101, eventName="ConsoleLogin", responseElements={"ConsoleLogin": "Failure"}, errorMessage="Failed authentication"),
        record(
            102,
            eventName="RunInstances",
            eventSource="ec2.amazonaws.com",
            responseElements={"instancesSet": {"items": [{"instanceId": "i-0abc"}]}},
            errorCode="AccessDenied",
        ),
        record(103, eventName="AddUserToGroup", requestParameters={"userName": "mallory", "groupName": "admins"}),
        record(104, userIdentity={"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT, "principalId": ACCOUNT}),
    ]
    made = EventStore(tmp_path_factory.mktemp("kept"), cleaned)
    lines = event_lines(json.dumps({"Records": records}).encode(), tag_of(0))
    list(made.ingest([Batch(Input("f", (), lines.count), lines.data, 0)]))
    found = EventEngine(made.state().segments)
    yield found
    found.close()


def rows(engine: EventEngine, sql: str) -> list[tuple[Any, ...]]:
    return [row for _, page in engine.ask(translate(sql).sql) for row in page]


# Queries in the forms of AWS's documentation of CloudTrail with Athena and of CloudTrail Lake: the functions, the nesting, the
# places left open.
ATHENA = {
    "columns": ("SELECT useridentity.arn, eventname, sourceipaddress, eventtime FROM cloudtrail_logs LIMIT 100", 45),
    "nested": ("SELECT useridentity.sessioncontext.sessionissuer.username AS r, count(*) FROM cloudtrail_logs GROUP BY 1", 8),
    "another table name": ("SELECT eventName FROM s3_cloudtrail_events_db.cloudtrail_table WHERE eventName = 'GetObject'", 1),
    "quoted": ('SELECT count(*) FROM "default"."cloudtrail_logs_pp"', 1),
    "json": (
        "SELECT json_extract_scalar(requestParameters, '$.bucketName') AS bucket, json_extract_scalar(requestParameters, '$.key') AS object, "
        "userIdentity.arn FROM cloudtrail_logs WHERE eventName = 'GetObject' AND eventTime BETWEEN '2021-07-05T00:00:00Z' AND '2030-01-01T00:00:00Z'",
        1,
    ),
    "times": (
        "SELECT eventname FROM cloudtrail_logs WHERE from_iso8601_timestamp(eventtime) > date_add('year', -30, now()) "
        "AND from_iso8601_timestamp(eventtime) < timestamp '2100-01-01 00:00:00'",
        45,
    ),
    "time as text": (
        "SELECT eventid FROM cloudtrail_logs WHERE eventtime >= '2017-02-17T00:00:00Z' AND eventtime < '2100-02-18T00:00:00Z'",
        45,
    ),
    "date_format": ("SELECT 1 FROM cloudtrail_logs WHERE eventtime >= date_format(date_add('year', -30, now()), '%Y-%m-%dT%H:%i:%sZ')", 45),
    "unnest": ("SELECT r.arn FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS t(r)", 2),
    "unnest, columns": ("SELECT arn_, type_ FROM cloudtrail_logs CROSS JOIN UNNEST(resources) AS t(arn_, account_, type_)", 2),
    "unnest, comma": ("SELECT r.type FROM cloudtrail_logs, UNNEST(resources) t(r) WHERE r.arn LIKE 'arn:aws:s3%'", 2),
    "element_at": ("SELECT element_at(resources, 1).arn FROM cloudtrail_logs WHERE cardinality(resources) > 0", 1),
    "regexp_like": ("SELECT 1 FROM cloudtrail_logs WHERE regexp_like(errorcode, 'AccessDenied|Unauthorized')", 1),
    "approx_distinct": ("SELECT eventsource, approx_distinct(sourceipaddress) FROM cloudtrail_logs GROUP BY eventsource", 3),
    "with": (
        "WITH l AS (SELECT eventname, readonly FROM cloudtrail_logs) SELECT eventname, count(*) c FROM l GROUP BY 1 HAVING count(*) > 1",
        4,
    ),
    "lambda": ("SELECT 1 FROM cloudtrail_logs WHERE any_match(resources, x -> x.type = 'AWS::S3::Bucket')", 1),
    "moment against text column": ("SELECT 1 FROM cloudtrail_logs WHERE eventtime > now() - interval '10000' day", 45),
    "format_datetime": ("SELECT DISTINCT format_datetime(from_iso8601_timestamp(eventtime), 'yyyy-MM') FROM cloudtrail_logs", 1),
    "json_array_get": (
        "SELECT json_extract_scalar(json_array_get(json_extract(responseelements, '$.instancesSet.items'), 0), '$.instanceId') AS i "
        "FROM cloudtrail_logs WHERE eventname = 'RunInstances'",
        1,
    ),
    "json of what is no JSON": ("SELECT json_extract_scalar(useragent, '$.x') FROM cloudtrail_logs", 45),
    "window": ("SELECT eventname, row_number() OVER (PARTITION BY eventname ORDER BY eventtime DESC) AS n FROM cloudtrail_logs", 45),
}
LAKE = {
    "map": ("SELECT element_at(requestParameters, 'userName') AS u FROM $EDS_ID WHERE eventTime > '2022-04-30 00:00:00' "
            "AND element_at(requestParameters, 'groupName') LIKE '%admin%'", 1),
    "left open": ("SELECT eventName, userIdentity.arn AS user FROM <event_data_store_id> WHERE eventTime >= '2023-07-06 00:00:00' -- <EDS>", 45),
    "store id": ("SELECT eventName FROM 1b2c3d4e-1111-2222-3333-444455556666 WHERE eventTime > timestamp '2022-01-01 00:00:00'", 45),
    "day of week": ("SELECT day_of_week(eventTime) AS weekday, COUNT(*) FROM $EDS_ID WHERE eventCategory = 'Data' GROUP BY day_of_week(eventTime)", 1),
    "tls": ("SELECT eventSource FROM <EDS ID> WHERE tlsDetails.tlsVersion LIKE 'TLSv%' "
            "AND CAST(REPLACE(tlsDetails.tlsVersion, 'TLSv', '') AS DOUBLE) <= 1.2", 1),
    "nested in a map": ("SELECT userIdentity.principalid FROM <EDS ID> WHERE responseElements IS NOT NULL AND "
                        "element_at(responseElements, 'instancesSet') LIKE '%\"instanceId\":\"i-0abc\"%'", 1),
    "eventjson": ("SELECT json_extract_scalar(eventjson, '$.requestParameters.groupName') AS g FROM $EDS_ID WHERE eventName IN ('AddUserToGroup')", 1),
    "booleans": ("SELECT eventName FROM <event_data_store_id> WHERE readOnly=False AND managementEvent=True AND eventTime > '2023-10-01 00:00:00'", 34),
    "formatted moment": ("SELECT 1 FROM $EDS_ID WHERE eventTime >= date_format(date_add('year', -30, now()), '%Y-%m-%d %H:%i:%s')", 45),
    "all columns": ("SELECT eventVersion, userIdentity.sessionContext.webidfederationData.attributes, userIdentity.sessionContext.ec2IssuedInVPC, "
                    "userIdentity.identityProvider, eventTime, annotation, addendum, edgeDeviceDetails, insightDetails, eventCategory, "
                    "sessionCredentialFromConsole, eventJson, eventJsonChecksum FROM <event_data_store_id>", 45),
    "zone": ("SELECT eventTime AT TIME ZONE 'US/Pacific' AS here FROM $EDS_ID LIMIT 3", 3),
    "union": ("SELECT eventName FROM <EDS_ID> WHERE eventName = 'RunInstances' UNION ALL SELECT eventName FROM <EDS_ID> "
              "WHERE eventName = 'GetObject' ORDER BY eventName", 2),
    "additional data": ("SELECT DISTINCT element_at(requestParameters, 'bucketName') AS b FROM <EDS_ID> WHERE "
                        "element_at(additionalEventData, 'aclRequired') = 'Yes'", 1),
    "grouped by a map": ("SELECT element_at(requestParameters, 'bucketName') b, COUNT(*) c FROM $EDS_ID WHERE eventName = 'GetObject' "
                         "GROUP BY requestParameters ORDER BY c DESC LIMIT 20;", 1),
    "entries": ("SELECT k, v FROM $EDS_ID CROSS JOIN UNNEST(requestParameters) AS x(k, v) WHERE eventName = 'AddUserToGroup'", 2),
}  # fmt: skip


@pytest.mark.parametrize("name", ATHENA)
def test_athena_queries_run_unchanged(engine: EventEngine, name: str) -> None:
    sql, count = ATHENA[name]
    assert len(rows(engine, sql)) == count


@pytest.mark.parametrize("name", LAKE)
def test_lake_queries_run_unchanged(engine: EventEngine, name: str) -> None:
    sql, count = LAKE[name]
    assert len(rows(engine, sql)) == count
    assert translate(sql).lake


def test_answers_are_values_not_only_rows(engine: EventEngine) -> None:
    assert rows(engine, ATHENA["json"][0]) == [("acme-logs", "a.csv", f"arn:aws:sts::{ACCOUNT}:assumed-role/role-2/s1")]
    assert rows(engine, LAKE["map"][0]) == [("mallory",)]
    assert rows(engine, ATHENA["json_array_get"][0]) == [("i-0abc",)]
    assert sorted(rows(engine, ATHENA["unnest, columns"][0]))[0] == ("arn:aws:s3:::acme-logs", "AWS::S3::Bucket")
    assert rows(engine, "SELECT count_if(errorcode IS NOT NULL), max_by(eventname, eventid) FROM cloudtrail_logs") == [(1, "ListUsers")]


# -- saved queries --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", QUERIES, ids=lambda q: q.name)
def test_saved_queries_run(engine: EventEngine, query: Any) -> None:
    given = {p.name: "%" for p in query.parameters if not p.default}
    text = fill(query, given)
    rows(engine, text)
    assert translate(text).timed or query.name == "new-addresses"


def test_saved_queries_find_what_they_promise(engine: EventEngine) -> None:
    far = {"days": "20000"}
    assert len(rows(engine, fill(named("trust-changes"), far))) == 10
    assert len(rows(engine, fill(named("users-created"), far))) == 11
    assert {row[3] for row in rows(engine, fill(named("policy-changes"), far))} == {"AttachUserPolicy", "AddUserToGroup"}
    assert len(rows(engine, fill(named("root-use"), far))) == 1
    assert len(rows(engine, fill(named("failed-logins"), far))) == 1
    assert [row[3] for row in rows(engine, fill(named("on-resource"), {**far, "resource": "%acme-logs"}))] == ["arn:aws:s3:::acme-logs"]
    assert len(rows(engine, fill(named("iam-by-origin"), {**far, "origin": "203.0.113.7"}))) == 1


@given(st.text(min_size=1).filter(lambda text: "\0" not in text))
@settings(max_examples=80, deadline=None)
def test_no_value_of_a_parameter_is_read_as_sql(value: str) -> None:
    import sqlglot
    from sqlglot import exp

    text = fill(named("key-activity"), {"key": value})
    (tree,) = sqlglot.parse(text, read="trino")
    assert tree is not None
    literals = [literal.name for literal in tree.find_all(exp.Literal) if literal.is_string]
    assert literals[0] == value
    assert len(list(tree.find_all(exp.Table))) == 1
    translate(text)


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("trust-changes", {"days": "30; DROP"}, "whole number"),
        ("trust-changes", {"day": "3"}, "no parameter day"),
        ("iam-by-origin", {}, "needs origin"),
    ],
)
def test_wrong_parameters_are_told(name: str, given: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        fill(named(name), given)


def test_names_of_queries_can_be_shortened() -> None:
    assert named("trust").name == "trust-changes"
    with pytest.raises(UsageError, match="could be"):
        named("key")
    with pytest.raises(UsageError, match="no saved query"):
        named("nothing")
    assert "{origin}" in draft(named("iam-by-origin"))
    assert "{days}" not in draft(named("iam-by-origin"))


# -- what a query may not -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT * FROM read_csv('/etc/passwd')", "no table"),
        ("SELECT * FROM '/etc/passwd'", "no table"),
        ("SELECT (SELECT max(content) FROM read_text('/etc/passwd')) FROM cloudtrail_logs", "no table"),
        ("SELECT * FROM cloudtrail_logs WHERE eventid IN (SELECT file FROM glob('/*'))", "lacks something"),
        ("SELECT * FROM information_schema.tables", "no table"),
        ("SELECT * FROM users", "There is no table users; there is cloudtrail_logs"),
        ("DROP TABLE cloudtrail_logs", "Only a SELECT"),
        ("INSERT INTO cloudtrail_logs SELECT * FROM cloudtrail_logs", "Only a SELECT"),
        ("CREATE TABLE x AS SELECT * FROM cloudtrail_logs", "Only a SELECT"),
        ("SELECT * INTO x FROM cloudtrail_logs", "Only a SELECT|not understood|Invalid|Expected|no table"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("", "no query"),
        ("-- nothing", "no query"),
        ("SELECT FROM WHERE", "line 1"),
        ("SELECT eventname FROM cloudtrail_logs WHERE (", "line 1|Expect"),
        ("SELECT " + "(" * 3000 + "1" + ")" * 3000 + " FROM cloudtrail_logs", "nested too deeply"),
    ],
)  # fmt: skip
def test_what_is_no_question_about_events_is_refused(sql: str, words: str) -> None:
    with pytest.raises(DialectError, match=words):
        translate(sql)


@given(st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_query_or_a_sentence(text: str) -> None:
    for sql in (text, f"SELECT * FROM cloudtrail_logs WHERE {text}", f"SELECT {text} FROM cloudtrail_logs"):
        assert "\n" not in told(sql)


def told(sql: str) -> str:
    """The translation's complaint, "" when there is none. Any other error is the test's failure."""
    try:
        translate(sql)
    except DialectError as error:
        return error.message or "\n"
    return ""


def test_a_wrong_column_is_a_sentence(engine: EventEngine) -> None:
    with pytest.raises(SqlError) as caught:
        rows(engine, "SELECT evntname FROM cloudtrail_logs")
    assert "evntname" in caught.value.message
    assert "LINE" not in caught.value.message


def test_text_that_looks_like_a_store_stays_text(engine: EventEngine) -> None:
    assert rows(engine, "SELECT '$EDS_ID <EDS ID>' FROM cloudtrail_logs LIMIT 1") == [("$EDS_ID <EDS ID>",)]


# -- typing ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "added"),
    [
        ("SELECT eventn", "ame"),
        ("SELECT useridentity.sessioncontext.sessioni", "ssuer.type"),
        ("SELECT json_extract_s", "calar("),
        ("SELECT x FR", "OM cloudtrail_logs"),
        ("SELECT 'eventn", ""),
        ("SELECT eventname ", ""),
        ("SELECT zzz", ""),
    ],
)
def test_completion(before: str, added: str) -> None:
    assert complete(before, FIELDS) == added


# -- the command ----------------------------------------------------------------------------------------------------------


def run(*arguments: str, tmp: Path, input: str | None = None) -> Any:
    from iamtui.errors import IamtuiError

    result = CliRunner().invoke(cli, ["sql", "--cache-dir", str(tmp / "cache"), *arguments], input=input)
    if isinstance(result.exception, IamtuiError):
        result.output_bytes = result.exception.message.encode()
    return result


def test_the_command_answers_in_three_forms(tmp_path: Path) -> None:
    write_trail(tmp_path / "trail", 2, 20)
    sql = "SELECT eventname, count(*) AS n, max(useridentity) AS who FROM cloudtrail_logs GROUP BY 1 ORDER BY 1 LIMIT 2"
    source = ("--from", str(tmp_path / "trail"))
    table = run(*source, sql, tmp=tmp_path)
    assert table.exit_code == 0
    assert table.stdout.splitlines()[1].split()[:2] == ["AttachUserPolicy", "10"]
    assert "2 rows in" in table.stderr
    assert "40 events of 2026-11-01 00:00 … 2026-11-20 19:19 UTC" in table.stderr
    found = json.loads(run(*source, sql, "--format", "json", tmp=tmp_path).stdout)
    assert [(row["eventname"], row["n"]) for row in found] == [("AttachUserPolicy", 10), ("CreateUser", 10)]
    assert found[0]["who"]["type"] == "AssumedRole"
    assert next(csv.DictReader(io.StringIO(run(*source, sql, "--format", "csv", tmp=tmp_path).stdout)))["n"] == "10"


def test_a_cell_is_never_a_formula_or_a_control_sequence(tmp_path: Path) -> None:
    write_file(tmp_path / "t.json", [record(1, userAgent="=HYPERLINK(1)\x1b]0;x\x07")])
    source = ("--from", str(tmp_path / "t.json"))
    told = run(*source, "SELECT useragent, 'a' AS \"=x\" FROM cloudtrail_logs", "--format", "csv", tmp=tmp_path).stdout
    assert "\n=" not in "\n" + told
    assert told.startswith("useragent,'=x")
    assert "\x1b" not in run(*source, "SELECT useragent FROM cloudtrail_logs", tmp=tmp_path).stdout
    assert "\x1b" not in run(*source, "SELECT useragent FROM cloudtrail_logs", "--format", "json", tmp=tmp_path).stdout


def test_a_file_that_cannot_be_read_makes_the_answer_partial(tmp_path: Path) -> None:
    write_trail(tmp_path / "trail", 1, 20)
    (tmp_path / "trail" / "broken.json.gz").write_bytes(b"\x1f\x8b\x08\0half")
    result = run("--from", str(tmp_path / "trail"), "SELECT count(*) FROM cloudtrail_logs", tmp=tmp_path)
    assert result.exit_code == 4
    assert "broken.json.gz: damaged gzip" in result.stderr
    assert result.stdout.splitlines()[1].strip() == "20"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "There is no query"),
        (("SELECT 1 FROM cloudtrail_logs", "-q", "denied"), "One query at a time"),
        (("SELECT 1 FROM cloudtrail_logs", "-p", "x=1"), "-p is for saved queries"),
        (("-f", "/nonexistent/q.sql"), "cannot be read"),
        (("SELEC 1",), "line 1"),
    ],
)
def test_wrong_use_is_told(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    write_trail(tmp_path / "trail", 1, 2)
    result = run("--from", str(tmp_path / "trail"), *arguments, tmp=tmp_path)
    assert result.exit_code == 1
    assert words in result.output_bytes.decode()


def test_nothing_to_ask_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("hello")
    result = run("--from", str(tmp_path / "x.txt"), "SELECT 1 FROM cloudtrail_logs", tmp=tmp_path)
    assert b"No CloudTrail events" in result.output_bytes


def test_a_query_from_a_file_and_from_standard_input(tmp_path: Path) -> None:
    write_trail(tmp_path / "trail", 1, 2)
    (tmp_path / "q.sql").write_text("SELECT count(*) AS n FROM cloudtrail_logs")
    source = ("--from", str(tmp_path / "trail"), "--format", "csv")
    assert run(*source, "-f", str(tmp_path / "q.sql"), tmp=tmp_path).stdout == "n\n2\n"
    assert run(*source, "-", tmp=tmp_path, input="SELECT count(*) AS n FROM cloudtrail_logs").stdout == "n\n2\n"


def test_the_list_of_saved_queries_and_the_translated_text(tmp_path: Path) -> None:
    listed = run("--list", tmp=tmp_path).stdout
    assert all(query.name in listed for query in QUERIES)
    assert len(QUERIES) >= 15
    assert "CAST(" in run("--show", "SELECT from_iso8601_timestamp(eventtime) FROM cloudtrail_logs", tmp=tmp_path).stdout


def test_the_seed_questions_are_answered_by_the_demo(tmp_path: Path) -> None:
    """S8, S9, S10: who changed a trust policy, IAM actions by an address, users created."""
    trust = run("--demo", "-q", "trust-changes", "--format", "json", tmp=tmp_path)
    assert trust.exit_code == 0
    assert all(row["eventname"] == "UpdateAssumeRolePolicy" for row in json.loads(trust.stdout))
    assert json.loads(trust.stdout)
    origin = json.loads(run("--demo", "-q", "iam-by-origin", "-p", "origin=203.0.113.77", "--format", "json", tmp=tmp_path).stdout)
    assert {"CreateUser"} <= {row["eventname"] for row in origin}
    created = json.loads(run("--demo", "-q", "users-created", "--format", "json", tmp=tmp_path).stdout)
    assert "svc-monitoring" in {row["created"] for row in created}
