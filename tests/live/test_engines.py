"""SQL at AWS over HTTP: Athena at moto and at our server, CloudTrail Lake at our server; found, told, asked, stopped, refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from iamtui.cli import cli
from iamtui.errors import AwsError, IamtuiError, UsageError
from iamtui.session import Session
from iamtui.session.engines import EngineChoice, Several, SqlEngine, Unbounded
from iamtui.session.trail import SqlPage
from iamtui.source.live import LiveOptions, LiveSource, running
from tests.live.test_emulators import free_port, serve
from tests.server.engines import Engines, Script, store, table
from tests.server.serving import AwsTestServer, Fault

BOUNDED = "SELECT eventname, count(*) AS n FROM cloudtrail_logs WHERE eventtime > '2026-11-01T00:00:00Z' GROUP BY 1"
ROWS: list[tuple[str | None, ...]] = [("CreateUser", "3"), (None, "4"), ("\x1b[31mred", "0")]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "FIRST_LOOK", 0.01)
    monkeypatch.setattr(running, "LONGEST", 0.05)
    monkeypatch.setattr(running, "THROTTLED_WAIT", 0.02)


def engines(**given: Any) -> Engines:
    made = {
        "databases": {
            "audit": [table("ips", columns=("ip",)), table("events", projected=True)],
            "default": [],
            "shop": [table("orders", columns=("x",))],
        },
        "stores": [store("org-trail", 1)],
        "script": Script([("eventname", "varchar"), ("n", "bigint")], list(ROWS)),
    }
    return Engines(**{**made, **given})


def engine(url: str, name: str = "athena", regions: tuple[str, ...] = ("us-east-1",), **choice: str) -> SqlEngine:
    return Session(LiveSource(LiveOptions(endpoint_url=url, regions=regions))).sql_engine(name, EngineChoice(**choice))


def ask(asked: SqlEngine, text: str = BOUNDED, **given: Any) -> tuple[list[tuple[Any, ...]], list[SqlPage]]:
    pages = list(asked.ask(text, **given))
    return [row for page in pages for row in page.rows], pages


def told(asked: SqlEngine, text: str = BOUNDED, kind: type[IamtuiError] = UsageError) -> str:
    with pytest.raises(kind) as raised:
        ask(asked, text)
    return f"{raised.value.message} | {raised.value.hint}"


# -- Athena at our server -------------------------------------------------------------------------------------------------


def test_a_table_is_found_told_asked_and_priced() -> None:
    with AwsTestServer(engines=engines()) as server:
        asked = engine(server.url)
        assert "is found with the first query" in asked.where()
        rows, pages = ask(asked)
        assert rows == [("CreateUser", 3), (None, 4), ("\x1b[31mred", 0)]
        before = next(page.before for page in pages if page.before)
        for words in (
            "audit.events in us-east-1",
            "s3://trail-bucket/events/",
            "workgroup primary",
            "2026/10/31",
            "not known before",
            "5 USD per TB",
        ):
            assert words in before
        assert pages[-1].finished
        assert pages[-1].after == "3.0 GB scanned, about 0.01 USD (estimate by list price), 1.5 s in Athena"
        assert any(page.words.startswith("running, 3.0 GB scanned") for page in pages) or server.count("GetQueryExecution") <= 2
        assert asked.where() == "audit.events in us-east-1 · workgroup primary"
        assert server.engines is not None
        assert server.engines.texts == [
            BOUNDED.replace("cloudtrail_logs", '(SELECT * FROM "audit"."events" WHERE "timestamp" >= \'2026/10/31\')')
        ]
        assert not server.engines.stopped
        ask(asked)
        assert server.count("ListDatabases") == 2  # pages of one search: what was found is kept


def test_a_table_called_otherwise_and_tables_called_alike() -> None:
    named = {"a": [table("cloudtrail_notes", columns=("x",)), table("cloudtrail_logs_pp", projected=True)], "b": [table("my_trail")]}
    with AwsTestServer(engines=engines(databases=named)) as server:
        _, pages = ask(engine(server.url))
        assert "a.cloudtrail_logs_pp in" in next(page.before for page in pages if page.before)
    two = {"a": [table("one"), table("two")], "b": [table("three")]}
    with AwsTestServer(engines=engines(databases=two)) as server:
        words = told(engine(server.url))
        assert "3 tables hold CloudTrail events: a.one (us-east-1), a.two (us-east-1), b.three (us-east-1) | --athena-table" in words
        assert ask(engine(server.url, table="three"))[0]
        assert ask(engine(server.url, database="a", table="two"))[0]
        asked = engine(server.url)
        with pytest.raises(Several) as raised:
            ask(asked)
        raised.value.take(2)
        ask(asked)
        assert asked.where().startswith("b.three in")
        two["b"] = [table("three", projected=True)]
        _, pages = ask(engine(server.url))
        assert "b.three in" in next(page.before for page in pages if page.before)


def test_no_table_is_a_sentence_and_a_refused_search_is_another() -> None:
    with AwsTestServer(engines=engines(databases={"shop": [table("orders", columns=("x",))]})) as server:
        assert "No table of CloudTrail events was found | --athena-table" in told(engine(server.url))
        assert "There is no table nothing" in told(engine(server.url, table="nothing"))
    denied = {"ListDatabases": Fault("AccessDeniedException", "not authorized to perform: athena:ListDatabases", 400)}
    with AwsTestServer(engines=engines(), faults=denied) as server:
        words = told(engine(server.url), kind=AwsError)
        assert "athena:ListDatabases in us-east-1: not authorized" in words
        assert "glue:GetTables" in words
        rows, pages = ask(engine(server.url, database="audit", table="events"))
        assert rows
        assert next(page.before for page in pages if page.before)


def test_regions_are_searched_side_by_side_and_one_may_refuse() -> None:
    fault = {"ListDatabases": Fault("AccessDeniedException", "no", 400, region="eu-west-1")}
    with AwsTestServer(engines=engines(regions=("us-east-1",)), faults=fault) as server:
        rows, pages = ask(engine(server.url, regions=("eu-west-1", "us-east-1")))
        assert len(rows) == 3
        assert "audit.events in us-east-1" in next(page.before for page in pages if page.before)
        assert {region for name, region, _ in server.calls if name == "StartQueryExecution"} == {"us-east-1"}


def test_a_view_is_asked_only_when_there_is_no_table() -> None:
    view = {**table("cloudtrail_view"), "TableType": "VIRTUAL_VIEW"}
    with AwsTestServer(engines=engines(databases={"a": [view, table("cloudtrail_table")]})) as server:
        asked = engine(server.url)
        ask(asked)
        assert asked.where().startswith("a.cloudtrail_table in")
    with AwsTestServer(engines=engines(databases={"a": [view]})) as server:
        _, pages = ask(engine(server.url))
        assert "what a view reads is not known" in next(page.before for page in pages if page.before)


def test_names_that_strangers_gave_do_not_reach_the_terminal(command: Callable[..., Result]) -> None:
    hostile = {"a\x1b]0;owned\x07": [table('cloudtrail"; DROP TABLE x; --\x1b[2J', projected=True)]}
    with AwsTestServer(engines=engines(databases=hostile)) as server:
        found = command(server.url, "--engine", "athena", BOUNDED)
        assert found.exit_code == 0, found.exception
        assert "\x1b" not in found.stderr
        assert server.engines is not None
        assert '"cloudtrail""; DROP TABLE x; --\x1b[2J"' in server.engines.texts[0]


def test_only_glues_own_catalogs_are_searched() -> None:
    made = engines(catalogs={"AwsDataCatalog": "GLUE", "programs": "LAMBDA", "hive": "HIVE"})
    with AwsTestServer(engines=made) as server:
        ask(engine(server.url))
        assert {asked["CatalogName"] for name, _, asked in server.calls if name == "ListDatabases"} == {"AwsDataCatalog"}


PLACE = {"ResultConfiguration": {"OutputLocation": "s3://results/"}}


@pytest.mark.parametrize(
    ("groups", "choice", "words"),
    [
        ({"primary": {}}, {}, "No workgroup in us-east-1 has a place for results"),
        ({"primary": {}, "a": PLACE, "b": PLACE}, {}, "2 workgroups can be asked: a, b"),
        ({"primary": {}, "a": {}}, {"workgroup": "a"}, "The workgroup a has no place for results"),
    ],
)
def test_workgroups_that_cannot_be_chosen_are_told(groups: dict[str, Any], choice: dict[str, str], words: str) -> None:
    with AwsTestServer(engines=engines(groups=groups)) as server:
        assert words in told(engine(server.url, **choice))
        assert server.count("StartQueryExecution") == 0


@pytest.mark.parametrize(
    ("groups", "choice", "group", "output"),
    [
        ({"primary": {}, "a": PLACE}, {}, "a", None),
        ({"primary": {}, "a": {"ManagedQueryResultsConfiguration": {"Enabled": True}}}, {"output": "s3://x/"}, "primary", "s3://x/"),
        ({"primary": {}, "m": {"ManagedQueryResultsConfiguration": {"Enabled": True}}}, {"workgroup": "m", "output": "s3://x/"}, "m", None),
        ({"audit": {**PLACE, "EnforceWorkGroupConfiguration": True}}, {"workgroup": "audit", "output": "s3://x/"}, "audit", None),
        ({"audit": PLACE}, {"workgroup": "audit", "output": "s3://x/"}, "audit", "s3://x/"),
    ],
)
def test_a_workgroup_and_its_place_are_respected(groups: dict[str, Any], choice: dict[str, str], group: str, output: str | None) -> None:
    with AwsTestServer(engines=engines(groups=groups)) as server:
        ask(engine(server.url, **choice))
        sent = next(asked for name, _, asked in server.calls if name == "StartQueryExecution")
        assert sent["WorkGroup"] == group
        assert (sent.get("ResultConfiguration") or {}).get("OutputLocation") == output


def test_a_limit_of_the_workgroup_is_told_before_and_when_it_strikes() -> None:
    limited = {"primary": {**PLACE, "BytesScannedCutoffPerQuery": 1 << 40}}
    script = Script(fails="Bytes scanned limit was exceeded", state="CANCELLED")
    with AwsTestServer(engines=engines(groups=limited, script=script)) as server:
        asked = engine(server.url)
        pages: list[SqlPage] = []
        with pytest.raises(AwsError, match=r"limit of 1\.0 TB was reached; 3\.0 GB scanned"):
            pages.extend(asked.ask(BOUNDED))
        assert "1.0 TB a query at most" in asked.where()


def test_without_a_bound_nothing_is_asked_unless_told() -> None:
    text = "SELECT count(*) FROM cloudtrail_logs"
    with AwsTestServer(engines=engines()) as server:
        for name in ("athena", "lake"):
            words = told(engine(server.url, name), text, Unbounded)
            assert "add to WHERE: eventtime > '" in words
            assert ask(engine(server.url, name), text, unbounded=True)[0]
        assert server.count("StartQueryExecution") == server.count("StartQuery") == 1


def test_pages_stream_and_are_not_read_further_than_wanted() -> None:
    many: list[tuple[str | None, ...]] = [(f"name-{n}", str(n)) for n in range(2500)]
    with AwsTestServer(engines=engines(script=Script([("eventname", "varchar"), ("n", "bigint")], many, polls=1), page=1000)) as server:
        rows, pages = ask(engine(server.url))
        assert [row[1] for row in rows] == list(range(2500))
        assert [len(page.rows) for page in pages if page.rows] == [999, 1000, 501]
        asked = engine(server.url).ask(BOUNDED)
        for page in asked:
            if page.rows:
                break
        asked.close()  # type: ignore[attr-defined]
        assert server.count("GetQueryResults") == 4
        assert server.engines is not None
        assert not server.engines.stopped
    lake = Script([("eventname", ""), ("n", "")], many, polls=1)
    with AwsTestServer(engines=engines(script=lake, page=1000)) as server:
        assert len(ask(engine(server.url, "lake"))[0]) == 2500


def test_a_row_like_the_header_is_no_header() -> None:
    with AwsTestServer(engines=engines(script=Script([("eventname", "varchar")], [("eventname",)], polls=1))) as server:
        assert ask(engine(server.url))[0] == [("eventname",)]


@pytest.mark.parametrize("name", ["athena", "lake"])
def test_a_query_is_stopped_at_aws(name: str) -> None:
    """Cancelled, interrupted, or left behind: AWS is told each time."""
    with AwsTestServer(engines=engines(script=Script(polls=10_000))) as server:
        assert server.engines is not None
        stop = threading.Event()
        for number, leave in enumerate(("cancel", "interrupt", "close"), 1):
            asked = engine(server.url, name)
            pages = asked.ask(BOUNDED, stop.is_set)
            for page in pages:
                if page.words.startswith("running"):
                    if leave == "cancel":
                        stop.set()
                    elif leave == "interrupt":
                        asked.interrupt()
                    else:
                        pages.close()  # type: ignore[attr-defined]
            stop.clear()
            assert len(server.engines.stopped) == number, leave


@pytest.mark.parametrize(("name", "operation"), [("athena", "StopQueryExecution"), ("lake", "CancelQuery")])
def test_a_query_that_cannot_be_stopped_is_told_with_its_command(name: str, operation: str) -> None:
    faults = {operation: Fault("AccessDeniedException", "no", 400)}
    with AwsTestServer(engines=engines(script=Script(polls=10_000)), faults=faults) as server:
        asked = engine(server.url, name)
        pages = asked.ask(BOUNDED)

        def read() -> None:
            for page in pages:
                if page.words.startswith("running"):
                    asked.interrupt()

        with pytest.raises(AwsError, match="may go on at AWS") as raised:
            read()
        assert raised.value.hint.startswith(
            f"aws {'athena stop-query-execution' if name == 'athena' else 'cloudtrail cancel-query'} --query"
        )


@pytest.mark.parametrize(
    ("name", "operations"),
    [
        ("athena", ("StartQueryExecution", "GetQueryExecution", "GetQueryResults")),
        ("lake", ("ListEventDataStores", "StartQuery", "DescribeQuery", "GetQueryResults")),
    ],
)
def test_throttling_is_survived(name: str, operations: tuple[str, ...]) -> None:
    faults = {operation: Fault("ThrottlingException", "Rate exceeded", 400, times=1) for operation in operations}
    with AwsTestServer(
        engines=engines(script=Script([("eventname", "varchar"), ("n", "bigint")], list(ROWS), polls=1)), faults=faults
    ) as server:
        rows, pages = ask(engine(server.url, name))
        assert len(rows) == 3
        if name == "lake":
            assert any("AWS throttles" in page.words for page in pages)


@pytest.mark.parametrize(("name", "operation"), [("athena", "GetQueryExecution"), ("lake", "DescribeQuery"), ("lake", "GetQueryResults")])
def test_a_hiccup_of_aws_does_not_end_a_query(name: str, operation: str) -> None:
    faults = {operation: Fault("InternalServerException", "try later", 500, times=2)}
    with AwsTestServer(engines=engines(), faults=faults) as server:
        assert len(ask(engine(server.url, name))[0]) == 3
        assert server.engines is not None
        assert not server.engines.stopped
    for_ever = {operation: Fault("InternalServerException", "try later", 500)}
    with AwsTestServer(engines=engines(script=Script(polls=10_000 if "Results" not in operation else 1)), faults=for_ever) as server:
        if name == "lake":
            assert "InternalServerException" in told(engine(server.url, name), kind=AwsError)
            assert server.engines is not None
            assert bool(server.engines.stopped) is (operation == "DescribeQuery")  # what nobody follows does not go on


def test_a_query_is_not_started_twice_when_nobody_knows_whether_it_was() -> None:
    faults = {"StartQuery": Fault("InternalServerException", "try later", 500)}
    with AwsTestServer(engines=engines(), faults=faults) as server:
        assert "did not take the query" in told(engine(server.url, "lake"), kind=AwsError)
        assert server.count("StartQuery") == 1


def test_a_catalog_of_programs_is_not_even_looked_at() -> None:
    with AwsTestServer(engines=engines()) as server:
        assert "another data catalog" in told(engine(server.url), "SELECT * FROM programs.db.t WHERE eventtime > '2026'")
        assert server.count("GetTableMetadata") == server.count("StartQueryExecution") == 0


@pytest.mark.parametrize(
    ("name", "operation", "code", "words"),
    [
        ("athena", "StartQueryExecution", "AccessDeniedException", "Athena did not take the query: AWS refuses it"),
        ("athena", "StartQueryExecution", "InvalidRequestException", "Athena did not take the query: InvalidRequestException"),
        ("athena", "GetQueryResults", "AccessDeniedException", "The answer was not read: AWS refuses it"),
        ("lake", "StartQuery", "AccessDeniedException", "CloudTrail Lake did not take the query: AWS refuses it"),
        ("lake", "StartQuery", "MaxConcurrentQueriesException", "Ten queries are running"),
        ("lake", "StartQuery", "InactiveEventDataStoreException", "it is not active"),
        ("lake", "StartQuery", "InvalidQueryStatementException", "did not take the query"),
        (
            "lake",
            "ListEventDataStores",
            "AccessDeniedException",
            "Event data stores were not listed: cloudtrail:ListEventDataStores in us-east-1",
        ),
        ("lake", "ListEventDataStores", "UnsupportedOperationException", "Event data stores were not listed"),
    ],
)
def test_refusals_are_sentences(name: str, operation: str, code: str, words: str) -> None:
    faults = {operation: Fault(code, "the reason AWS gives", 400)}
    with AwsTestServer(engines=engines(script=Script(polls=1)), faults=faults) as server:
        assert words in told(engine(server.url, name), kind=IamtuiError)


def test_a_failed_query_tells_why() -> None:
    reason = "SYNTAX_ERROR: line 1:8: Column 'evntname' cannot be resolved"
    with AwsTestServer(engines=engines(script=Script(fails=reason))) as server:
        assert "Athena does not understand the query at line 1, column 8" in told(engine(server.url))
        assert "CloudTrail Lake does not understand the query at line 1" in told(engine(server.url, "lake"))


def test_a_reused_result_costs_nothing() -> None:
    with AwsTestServer(engines=engines(script=Script(rows=[("x",)], reused=True))) as server:
        assert "nothing was scanned" in ask(engine(server.url))[1][-1].after


def test_unreadable_metadata_does_not_keep_a_named_table_from_being_asked() -> None:
    faults = {"GetTableMetadata": Fault("AccessDeniedException", "no", 400)}
    with AwsTestServer(engines=engines(), faults=faults) as server:
        _, pages = ask(engine(server.url, database="audit", table="events"))
        assert "could not be looked at" in next(page.before for page in pages if page.before)
        rows, _ = ask(engine(server.url), "SELECT * FROM audit.events WHERE eventtime > '2026-11-01'")
        assert rows


# -- CloudTrail Lake ------------------------------------------------------------------------------------------------------


def test_lake_is_found_told_asked_and_priced() -> None:
    stores = [
        store("config", 3, category="ConfigurationItem"),
        store("gone", 4, status="PENDING_DELETION"),
        store("org-trail", 5, days=2557),
    ]
    with AwsTestServer(engines=engines(stores=stores)) as server:
        asked = engine(server.url, "lake")
        rows, pages = ask(asked)
        assert rows == [("CreateUser", 3), (None, 4), ("\x1b[31mred", 0)]
        before = next(page.before for page in pages if page.before)
        assert "org-trail in us-east-1, keeps 2,557 days · scans events since 2026-11-01" in before
        assert "0.005 USD per GB" in before
        assert pages[-1].after.startswith("3.0 GB scanned, about 0.01 USD (estimate by list price), 0.9 s")
        assert asked.where() == "org-trail in us-east-1, keeps 2,557 days"
        assert server.engines is not None
        assert "FROM 00000005-0000-4000-8000-000000000000" in server.engines.texts[0]
        assert "'2026-11-01 00:00:00'" in server.engines.texts[0]


def test_lake_without_stores_with_several_and_with_a_named_one() -> None:
    with AwsTestServer(engines=engines(stores=[])) as server:
        words = told(engine(server.url, "lake"))
        assert (
            "There is no event data store in us-east-1 | CloudTrail Lake takes no new customers since 2026-05-31; --engine athena" in words
        )
    with AwsTestServer(engines=engines(stores=[store("one", 1), store("two", 2), store("three", 3)])) as server:
        words = told(engine(server.url, "lake"), kind=Several)
        assert (
            "3 event data stores can be asked: one (us-east-1), three (us-east-1), two (us-east-1)" in words
            or "3 event data stores" in words
        )
        assert "There is no event data store four" in told(engine(server.url, "lake", store="four"))
        for name in ("two", "00000002-0000-4000-8000-000000000000", store("two", 2)["EventDataStoreArn"]):
            asked = engine(server.url, "lake", store=name)
            ask(asked)
            assert asked.where().startswith("two in")
        asked = engine(server.url, "lake")
        ask(asked, "SELECT eventName FROM 00000003-0000-4000-8000-000000000000 WHERE eventTime > '2026-11-01 00:00:00'")
        assert asked.where().startswith("three in")
        assert "There is no event data store 99999999" in told(
            engine(server.url, "lake"), "SELECT 1 FROM 99999999-0000-4000-8000-000000000000 WHERE eventTime > '2026-01-01'"
        )
    with AwsTestServer(engines=engines(stores=[store("a", 1, status="PENDING_DELETION")])) as server:
        assert "No event data store holds CloudTrail events that can be asked: a (pending deletion" in told(engine(server.url, "lake"))
    denied = {"GetEventDataStore": Fault("AccessDeniedException", "no", 400)}
    with AwsTestServer(engines=engines(), faults=denied) as server:
        assert ask(engine(server.url, "lake"))[0]  # the name alone is enough to ask


def test_an_empty_answer_of_lake_has_its_columns_and_a_late_one_gave_up() -> None:
    with AwsTestServer(engines=engines(script=Script(rows=[]))) as server:
        _, pages = ask(engine(server.url, "lake"))
        assert [column.name for column in pages[-1].columns] == ["eventname", "n"]
    with AwsTestServer(engines=engines(script=Script(fails="", state="TIMED_OUT"))) as server:
        assert server.engines is not None
        server.engines.script.fails = "TIMED_OUT"
        assert "CloudTrail Lake gave up" in told(engine(server.url, "lake"), kind=AwsError)


def test_lake_in_one_region_of_two() -> None:
    fault = {"ListEventDataStores": Fault("UnrecognizedClientException", "not enabled", 400, region="ap-east-1")}
    with AwsTestServer(engines=engines(), faults=fault) as server:
        assert len(ask(engine(server.url, "lake", regions=("us-east-1", "ap-east-1")))[0]) == 3


# -- the command ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def run(url: str, *words: str) -> Result:
        return CliRunner().invoke(cli, ["sql", "--endpoint-url", url, "--cache-dir", str(tmp_path / "cache"), *words])

    return run


@pytest.mark.parametrize("name", ["athena", "lake"])
def test_the_command_tells_before_and_after(command: Callable[..., Result], name: str) -> None:
    with AwsTestServer(engines=engines()) as server:
        found = command(server.url, "--engine", name, "--format", "json", BOUNDED)
        assert found.exit_code == 0, found.stderr
        assert json.loads(found.stdout)[0] == {"eventname": "CreateUser", "n": 3}
        first, last = found.stderr.strip().splitlines()
        assert "not known before" in first
        assert "3.0 GB scanned, about 0.01 USD" in last
        limited = command(server.url, "--engine", name, "--limit", "1", BOUNDED)
        assert "CreateUser" in limited.stdout
        assert "the first 1 rows" in limited.stderr
        assert "\x1b" not in command(server.url, "--engine", name, BOUNDED).stdout
        shown = command(server.url, "--engine", name, "--show", BOUNDED)
        assert "eventtime >" in shown.stdout
        assert server.count("StartQueryExecution") + server.count("StartQuery") == 3
        refused = command(server.url, "--engine", name, "SELECT 1 FROM cloudtrail_logs")
        assert isinstance(refused.exception, Unbounded)
        assert "--no-time-bound asks all the same" in refused.exception.hint
        assert command(server.url, "--engine", name, "--no-time-bound", "SELECT 1 FROM cloudtrail_logs").exit_code == 0
        assert isinstance(command(server.url, "--engine", name, "DROP TABLE x").exception, UsageError)


def test_the_settings_choose_as_the_flags_do(command: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.toml").write_text('engine = "athena"\nathena-table = "audit.events"\nathena-workgroup = "audit"\n')
    monkeypatch.setenv("IAMTUI_CONFIG", str(tmp_path / "config.toml"))
    with AwsTestServer(engines=engines(groups={"audit": PLACE})) as server:
        found = command(server.url, BOUNDED)
        assert found.exit_code == 0, found.exception
        assert "audit.events in us-east-1" in found.stderr
        assert "workgroup audit" in found.stderr
        assert server.count("ListDatabases") == 0
    away = CliRunner().invoke(cli, ["sql", "--demo", "SELECT 1 AS x FROM cloudtrail_logs LIMIT 1"])
    assert away.exit_code == 0
    assert "athena is asked of live accounts only" in away.stderr


@pytest.mark.parametrize("where", [["--demo"], ["--offline"], ["--from", "."]])
@pytest.mark.parametrize("name", ["athena", "lake"])
def test_what_is_no_live_account_has_no_engine_at_aws(where: list[str], name: str) -> None:
    found = CliRunner().invoke(cli, ["sql", *where, "--engine", name, BOUNDED])
    assert isinstance(found.exception, UsageError)
    assert "is asked of a live account" in found.exception.message


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_that_is_interrupted_stops_its_query(tmp_path: Path, number: signal.Signals) -> None:
    with AwsTestServer(engines=engines(script=Script(polls=10_000))) as server:
        assert server.engines is not None
        words = [
            sys.executable,
            "-m",
            "iamtui",
            "sql",
            "--engine",
            "athena",
            "--endpoint-url",
            server.url,
            "--cache-dir",
            str(tmp_path),
            BOUNDED,
        ]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ})
        end = time.monotonic() + 30
        while server.count("GetQueryExecution") < 2 and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(number)
        _, complaint = process.communicate(timeout=30)
        assert server.engines.stopped == ["query-1"], complaint
        assert process.returncode == 130


# -- Athena at moto -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    port = free_port()
    yield from serve([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port)


def preset(url: str, rows: list[list[str | None]], columns: list[tuple[str, str]]) -> None:
    """What moto answers to the next query; it runs none itself."""
    data = [{"Data": [{} if cell is None else {"VarCharValue": cell} for cell in row]} for row in [[name for name, _ in columns], *rows]]
    info = [{"Name": name, "Label": name, "Type": kind} for name, kind in columns]
    body = json.dumps({"results": [{"rows": data, "column_info": info}]}).encode()
    request = urllib.request.Request(f"{url}/moto-api/static/athena/query-results", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 201


def test_the_whole_way_at_moto(moto: str, command: Callable[..., Result]) -> None:
    import boto3

    athena = boto3.client("athena", endpoint_url=moto, region_name="us-east-1")
    athena.create_work_group(Name="audit", Configuration={"ResultConfiguration": {"OutputLocation": "s3://results/"}})
    columns = [("eventname", "varchar"), ("n", "bigint"), ("at", "timestamp(3)")]
    preset(moto, [["CreateUser", "3", "2026-11-03 08:12:55.000"], [None, None, None]], columns)
    where = ("--engine", "athena", "--athena-workgroup", "audit", "--athena-table", "default.cloudtrail_logs_pp")
    found = command(moto, *where, "--format", "json", BOUNDED)
    assert found.exit_code == 0, found.exception
    assert json.loads(found.stdout) == [
        {"eventname": "CreateUser", "n": 3, "at": "2026-11-03T08:12:55Z"},
        {"eventname": None, "n": None, "at": None},
    ]
    assert "default.cloudtrail_logs_pp in us-east-1 · workgroup audit" in found.stderr
    assert "0 bytes scanned, under 0.01 USD" in found.stderr
    (name,) = athena.list_query_executions(WorkGroup="audit")["QueryExecutionIds"]
    execution = athena.get_query_execution(QueryExecutionId=name)["QueryExecution"]
    assert execution["Query"] == BOUNDED.replace("cloudtrail_logs", '"default"."cloudtrail_logs_pp"')
    assert execution["QueryExecutionContext"] == {"Catalog": "AwsDataCatalog", "Database": "default"}


def test_a_query_is_stopped_at_moto(moto: str) -> None:
    import boto3

    athena = boto3.client("athena", endpoint_url=moto, region_name="us-east-1")
    asked = engine(moto, database="default", table="trail", output="s3://results/")
    pages = asked.ask(BOUNDED)
    for page in pages:
        if page.words.startswith("queued"):
            asked.interrupt()
    newest = athena.list_query_executions(WorkGroup="primary")["QueryExecutionIds"][-1]
    assert athena.get_query_execution(QueryExecutionId=newest)["QueryExecution"]["Status"]["State"] == "CANCELLED"
