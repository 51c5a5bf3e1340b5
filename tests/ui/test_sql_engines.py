"""The SQL view with an engine at AWS: chosen, always visible, told before and after, stopped, remembered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from iamtui.config import Settings
from iamtui.session import Session
from iamtui.source.live import LiveOptions, LiveSource, running
from iamtui.ui.app import IamtuiApp
from iamtui.ui.screens.explorer import Explorer
from iamtui.ui.screens.sql import QueryArea, SqlScreen
from iamtui.ui.widgets.line import Line
from iamtui.ui.widgets.table import RowTable
from tests.server.engines import Engines, Script, store, table
from tests.server.serving import AwsTestServer

BOUNDED = "SELECT eventname, count(*) AS n FROM cloudtrail_logs WHERE eventtime > '2026-11-01T00:00:00Z' GROUP BY 1"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsTestServer]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLETEST00000"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(running, "LONGEST", 0.1)
    script = Script([("eventname", "varchar"), ("n", "bigint")], [("CreateUser", "3"), ("\x1b[31m[bold]red", "4")])
    made = Engines({"audit": [table("events", projected=True)]}, stores=[store("org-trail", 1)], script=script)
    with AwsTestServer(engines=made) as found:
        yield found


def app(server: AwsTestServer, **settings: Any) -> IamtuiApp:
    source = LiveSource(LiveOptions(endpoint_url=server.url, regions=("us-east-1",)))
    return IamtuiApp(Session(source), Settings(**settings))


async def until(pilot: Pilot[None], told: Any) -> None:
    for _ in range(400):
        await pilot.pause(0.02)
        if told():
            return
    raise AssertionError("it did not come")


def words(screen: SqlScreen, name: str) -> str:
    widget = screen.query_one(f"#{name}")
    content = widget.content if isinstance(widget, Line | Static) else ""
    return content.plain if hasattr(content, "plain") else str(content)


async def opened(pilot: Pilot[None]) -> SqlScreen:
    await pilot.pause()
    pilot.app.do("sql", "")  # type: ignore[attr-defined]
    await pilot.pause()
    screen = pilot.app.screen
    assert isinstance(screen, SqlScreen)
    return screen


async def test_an_engine_is_chosen_by_key_asked_and_its_cost_told(server: AwsTestServer) -> None:
    async with app(server).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert words(screen, "page-title").startswith("SQL · local")
        assert not screen.query_one("#sql-engine").display
        await pilot.press("ctrl+t")
        assert words(screen, "page-title").startswith("SQL · athena · a table that is found")
        assert "5 USD per TB" in words(screen, "sql-engine")
        screen.query_one(QueryArea).text = BOUNDED
        await pilot.press("ctrl+r")
        assert words(screen, "page-title").startswith("SQL · athena, asking")
        await until(pilot, lambda: words(screen, "sql-status").startswith("2 rows in"))
        assert words(screen, "page-title") == "SQL · athena · audit.events in us-east-1 · workgroup primary"
        assert "3.0 GB scanned, about 0.01 USD" in words(screen, "sql-engine")
        rows = screen.query_one(RowTable)
        assert rows.row_count == 2
        text = "\n".join(strip.text for strip in rows.render_lines(rows.size.region))
        assert "[bold]red" in text
        assert "\x1b" not in text
        await pilot.press("ctrl+t")
        assert words(screen, "page-title").startswith("SQL · lake")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: words(screen, "page-title").startswith("SQL · lake · org-trail in us-east-1"))
        await until(pilot, lambda: words(screen, "sql-status").startswith("2 rows in"))
        await pilot.press("ctrl+t")
        assert words(screen, "page-title").startswith("SQL · local")
        await pilot.press("ctrl+p", "ctrl+p")  # the same text was asked of two engines; the history knows both
        assert words(screen, "page-title").startswith("SQL · athena")
        assert screen.query_one(QueryArea).text == BOUNDED


async def test_without_a_bound_a_second_ctrl_r_is_needed(server: AwsTestServer) -> None:
    async with app(server, engine="athena").run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert "date_add('day', -7, now())" in screen.query_one(QueryArea).text
        screen.query_one(QueryArea).text = "SELECT eventname FROM cloudtrail_logs"
        await pilot.press("ctrl+r")
        await until(pilot, lambda: words(screen, "sql-status") == "Not asked: ctrl+r again asks all the same")
        assert "all of audit.events would be scanned" in words(screen, "sql-engine")
        assert "add to WHERE: eventtime > '" in words(screen, "sql-engine")
        assert server.count("StartQueryExecution") == 0
        screen.query_one(QueryArea).text = "SELECT eventid FROM cloudtrail_logs"  # another text has to be told again
        await pilot.press("ctrl+r")
        await until(pilot, lambda: words(screen, "sql-status").startswith("Not asked"))
        assert server.count("StartQueryExecution") == 0
        await pilot.press("ctrl+r")
        await until(pilot, lambda: words(screen, "sql-status").startswith("2 rows in"))
        assert server.count("StartQueryExecution") == 1


async def test_esc_stops_a_query_at_aws_and_so_does_quitting(server: AwsTestServer) -> None:
    assert server.engines is not None
    server.engines.script.polls = 10_000
    running_app = app(server, engine="athena")
    async with running_app.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot)
        screen.query_one(QueryArea).text = BOUNDED
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "running" in words(screen, "sql-status"))
        await pilot.press("escape")
        await until(pilot, lambda: server.engines.stopped == ["query-1"])  # type: ignore[union-attr]
        assert words(screen, "sql-status") == "Stopped"
        assert pilot.app.screen is screen
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "running" in words(screen, "sql-status"))
        running_app.exit()
        await until(pilot, lambda: server.engines.stopped == ["query-1", "query-2"])  # type: ignore[union-attr]


async def test_ctrl_c_stops_too_and_one_of_several_tables_is_chosen(server: AwsTestServer) -> None:
    assert server.engines is not None
    server.engines.databases = {"a": [table("one"), table("two")], "b": [table("\x1b[31mthree")]}
    async with app(server, engine="athena").run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        screen.query_one(QueryArea).text = BOUNDED
        await pilot.press("ctrl+r")
        await until(pilot, lambda: pilot.app.screen is not screen)
        assert "3 tables: enter asks one" in "".join(str(one.content) for one in pilot.app.screen.query(Static))
        await pilot.press("down", "enter")
        await until(pilot, lambda: words(screen, "sql-status").startswith("2 rows in"))
        assert words(screen, "page-title").startswith("SQL · athena · a.two in us-east-1")
        server.engines.script.polls = 10_000
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "running" in words(screen, "sql-status"))
        await pilot.press("ctrl+c")
        await until(pilot, lambda: server.engines.stopped == ["query-2"])  # type: ignore[union-attr]
        assert words(screen, "sql-status") == "Stopped"


async def test_a_wrong_query_and_a_failed_one_are_told(server: AwsTestServer) -> None:
    assert server.engines is not None
    async with app(server, engine="athena").run_test(size=(120, 30)) as pilot:
        screen = await opened(pilot)
        screen.query_one(QueryArea).text = "DROP TABLE x"
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "Only a SELECT leaves for AWS" in words(screen, "sql-status"))
        server.engines.script.fails = "SYNTAX_ERROR: line 1:8: Column 'x' cannot be resolved"
        screen.query_one(QueryArea).text = BOUNDED
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "line 1, column 8" in words(screen, "sql-status"))


async def test_an_engine_stands_before_a_query_after_the_colon(server: AwsTestServer) -> None:
    made = app(server)
    async with made.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        made.do("sql", "lake users-created days=30")
        await pilot.pause()
        screen = made.screen
        assert isinstance(screen, SqlScreen)
        await until(pilot, lambda: words(screen, "sql-status").startswith("2 rows in"))
        assert server.engines is not None
        assert "ELEMENT_AT(requestparameters, 'userName')" in server.engines.texts[0]
        await pilot.press("ctrl+o")
        await pilot.pause()
        await pilot.press("enter")  # what costs is not asked by choosing it
        await pilot.pause(0.1)
        assert server.count("StartQuery") == 1
        assert "ctrl+r asks lake" in words(screen, "sql-status")
        await pilot.press("escape")
        assert isinstance(made.screen, Explorer)


async def test_a_demo_has_the_local_engine_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from iamtui.source.demo import DemoSource

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = IamtuiApp(Session(DemoSource()), Settings(engine="athena"))
    async with made.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot)
        assert words(screen, "page-title") == "SQL over events, Athena's dialect"
        await pilot.press("ctrl+t")
        assert "There is only the local engine here" in words(screen, "sql-status")
        await pilot.press("escape")
        made.do("sql", "athena")
        await pilot.pause()
        assert "is asked of a live account, and this is the demo" in made.explorer._said


async def test_esc_leaves_at_once_when_nothing_is_asked(server: AwsTestServer) -> None:
    async with app(server).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(pilot.app.screen, Explorer)
