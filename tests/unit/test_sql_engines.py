"""Answers of engines at AWS as values, failures as sentences, costs as estimates; and that a turned query means the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from iamtui.errors import AwsError, UsageError
from iamtui.model.remote import Answer, DataStore, Run, RunState
from iamtui.query import QUERIES, fill
from iamtui.query.dialect import translate
from iamtui.query.lake import check_lake, for_lake
from iamtui.session.costs import athena_usd, lake_usd, size_words, usd_words
from iamtui.session.remotewords import failure, typed
from iamtui.session.sqltext import engine_in, value_text, with_engine
from iamtui.source.decode.lines import cleaned, event_lines
from iamtui.store.events import Batch, EventStore, Input
from iamtui.store.events.engine import EventEngine
from iamtui.store.events.segments import tag_of
from tests.support.trails import record
from tests.unit.test_sql import ATHENA
from tests.unit.test_sql import engine as documented  # noqa: F401

NOW = datetime(2026, 11, 27, tzinfo=UTC)
STORE = DataStore("arn:aws:cloudtrail:eu-west-1:123456789012:eventdatastore/0123abcd-0123-4567-89ab-0123456789ab", "org")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventEngine]:
    records = [record(n) for n in range(40)]
    records.append(record(101, eventName="ConsoleLogin", responseElements={"ConsoleLogin": "Failure"}, errorMessage="Failed"))
    records.append(
        record(102, eventName="TagUser", readOnly=False, requestParameters={"userName": "ana", "tags": [{"key": "a"}], "n": {"m": 3}})
    )
    made = EventStore(tmp_path_factory.mktemp("kept"), cleaned)
    lines = event_lines(json.dumps({"Records": records}).encode(), tag_of(0))
    list(made.ingest([Batch(Input("f", (), lines.count), lines.data, 0)]))
    found = EventEngine(made.state().segments)
    yield found
    found.close()


def rows(engine: EventEngine, sql: str) -> list[tuple[str, ...]]:
    return [tuple(value_text(value) for value in row) for _, page in engine.ask(translate(sql).sql) for row in page]


MORE = (
    "SELECT eventname FROM cloudtrail_logs WHERE json_extract_scalar(requestparameters, '$.n.m') = '3'",
    "SELECT json_extract_scalar(requestparameters, '$.tags[0].key') FROM cloudtrail_logs WHERE eventname = 'TagUser'",
    "SELECT count(*) FROM cloudtrail_logs WHERE readonly <> 'false'",
    "SELECT count(*) FROM cloudtrail_logs WHERE eventtime >= '2025-01-01T00:00:00Z' AND eventtime < '2030-01-01T00:00:00Z'",
)


@pytest.mark.parametrize(
    "text", [*(fill(q, {"days": "20000", **{p.name: "%" for p in q.parameters if not p.default}}) for q in QUERIES), *MORE]
)
def test_a_query_turned_for_lake_answers_the_same(engine: EventEngine, text: str) -> None:
    """The local engine has both schemas: the Athena form against the one, what leaves for Lake against the other."""
    checked, ids = check_lake(text)
    sent = for_lake(checked, ids, STORE, NOW).text
    assert translate(sent).lake
    there, here = rows(engine, sent), rows(engine, text)
    assert len(there) == len(here)
    if "requestparameters," not in text:  # a map is written otherwise than JSON text
        assert sorted(there) == sorted(here)


@pytest.mark.parametrize("name", ATHENA)
def test_aws_own_examples_answer_the_same_when_turned(documented: EventEngine, name: str) -> None:  # noqa: F811
    text = ATHENA[name][0]
    checked, ids = check_lake(text)
    sent = for_lake(checked, ids, STORE, NOW).text
    assert sorted(rows(documented, sent)) == sorted(rows(documented, text))


def test_texts_become_values() -> None:
    kinds = [
        "varchar",
        "bigint",
        "double",
        "decimal(10,2)",
        "boolean",
        "date",
        "timestamp",
        "timestamp with time zone",
        "array",
        "row",
        "varchar",
    ]
    texts: tuple[str | None, ...] = (
        "012345678901", "12", "1.5", "3.10", "true", "2026-11-03", "2026-11-03 08:12:55.000", "2026-11-03 08:12:55.000 UTC", "[a, b]", "{x=1}", None,
    )  # fmt: skip
    columns, found = typed(Answer(tuple((f"c{n}", kind) for n, kind in enumerate(kinds)), (texts, texts[:2])))
    moment = datetime(2026, 11, 3, 8, 12, 55, tzinfo=UTC)
    assert found[0] == ("012345678901", 12, 1.5, Decimal("3.10"), True, date(2026, 11, 3), moment, moment, "[a, b]", "{x=1}", None)
    assert found[1] == ("012345678901", 12, *(None,) * 9)
    assert [column.kind for column in columns] == [
        "text", "number", "number", "number", "boolean", "time", "time", "time", "nested", "nested", "text",
    ]  # fmt: skip
    _, odd = typed(Answer((("a", "bigint"), ("b", "timestamp"), ("c", "boolean")), (("NaN", "2026-11-03 08:00:00.000 Europe/Paris", "?"),)))
    assert odd == (("NaN", "2026-11-03 08:00:00.000 Europe/Paris", "?"),)


@pytest.mark.parametrize(
    ("reason", "kind", "words", "hint"),
    [
        (
            "SYNTAX_ERROR: line 2:8: Column 'evntname' cannot be resolved",
            UsageError,
            "line 2, column 8 of what was sent: Column 'evntname'",
            "--show",
        ),
        (
            "COLUMN_NOT_FOUND: line 1:8: Column 'x' cannot be resolved or requester is not authorized to access",
            UsageError,
            "line 1, column 8",
            "--show",
        ),
        (
            "HIVE_CURSOR_ERROR: Access Denied (Service: Amazon S3; Status Code: 403)",
            AwsError,
            "was refused",
            "s3:GetObject and s3:ListBucket",
        ),
        ("TABLE_NOT_FOUND: line 1:15: Table 'a.b' does not exist", UsageError, "does not exist", "--show"),
        ("Access denied when writing output to url: s3://results/x.csv", AwsError, "was refused", "s3:PutObject"),
        ("Permission denied on S3 path: s3://trail/AWSLogs/", AwsError, "was refused", "s3:GetObject and s3:ListBucket"),
        ("User is not authorized to perform: glue:GetTable on resource", AwsError, "was refused", "glue:GetTable"),
        ("User is not authorized to perform: kms:Decrypt", AwsError, "was refused", "kms:Decrypt"),
        ("Insufficient Lake Formation permission(s): Required SELECT", AwsError, "was refused", "Lake Formation"),
        ("Bytes scanned limit was exceeded", AwsError, "limit of 1.0 GB was reached; 2 GB scanned", "narrow it by time"),
        ("Query exhausted resources at this scale factor", AwsError, "gave up", "narrow it"),
        ("GENERIC_INTERNAL_ERROR: boom", AwsError, "boom", "ask again"),
        ("", AwsError, "gives no reason", "ask again"),
    ],
)
def test_failures_are_sentences(reason: str, kind: type, words: str, hint: str) -> None:
    error = failure("Athena", Run("q", RunState.FAILED, 2 << 30, reason=reason), "2 GB scanned", limit=1 << 30)
    assert type(error) is kind
    assert words in error.message
    assert hint in error.hint


def test_a_query_somebody_else_cancelled() -> None:
    assert "has cancelled the query" in failure("Athena", Run("q", RunState.CANCELLED), "").message


def test_costs_are_those_of_the_price_list() -> None:
    assert athena_usd(1 << 40) == 5
    assert athena_usd(1) == athena_usd(0) == athena_usd(10 << 20) == pytest.approx(0.0000477, rel=0.01)
    assert lake_usd(200 << 30) == pytest.approx(1)
    assert (size_words(0), size_words(1536), size_words(3 << 30), size_words(250 << 40)) == ("0 bytes", "1.5 KB", "3.0 GB", "250 TB")
    assert (usd_words(5), usd_words(0.0001)) == ("about 5.00 USD", "under 0.01 USD")


def test_the_history_knows_the_engine() -> None:
    assert engine_in(with_engine("SELECT 1", "athena")) == ("athena", "SELECT 1")
    assert engine_in(with_engine("SELECT 1", "local")) == ("local", "SELECT 1")
    assert engine_in("-- a comment\nSELECT 1") == ("local", "-- a comment\nSELECT 1")
