"""The SQL view: a query is written, asked, stopped, recalled; the answer leads on."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from iamtui.config import Settings
from iamtui.session import Session
from iamtui.source.evidence import EvidenceSource
from iamtui.ui.app import IamtuiApp
from iamtui.ui.screens.explorer import Explorer
from iamtui.ui.screens.pages import TextPage
from iamtui.ui.screens.sql import QueryArea, SqlScreen
from iamtui.ui.widgets.line import Line
from iamtui.ui.widgets.table import RowTable
from tests.support.trails import record, write_file, write_trail


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    write_trail(tmp_path / "trail", 2, 20)
    return tmp_path


def app(folder: Path, target: str = "") -> IamtuiApp:
    return IamtuiApp(Session(EvidenceSource([str(folder / "trail")]), trails=folder / "kept"), Settings(), target)


async def settle(pilot: Pilot[None]) -> None:
    for _ in range(200):
        await pilot.pause(0.02)
        if not any(not worker.is_finished for worker in pilot.app.workers):
            break
    await pilot.pause(0.05)


def status(screen: SqlScreen) -> str:
    return screen.query_one("#sql-status", Line).content.plain


async def opened(pilot: Pilot[None]) -> SqlScreen:
    await settle(pilot)
    await pilot.press("9")
    await pilot.pause()
    screen = pilot.app.screen
    assert isinstance(screen, SqlScreen)
    return screen


async def test_a_query_is_asked_and_its_rows_lead_on(folder: Path) -> None:
    async with app(folder).run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot)
        area = screen.query_one(QueryArea)
        area.text = "SELECT eventname, count(*) AS n, max(useridentity) AS who FROM cloudtrail_logs GROUP BY 1 ORDER BY 1"
        await pilot.press("ctrl+r")
        await settle(pilot)
        table = screen.query_one(RowTable)
        assert table.row_count == 4
        assert status(screen).startswith("4 rows in")
        assert "40 events" in status(screen)
        await pilot.press("ctrl+p")  # the query stays in the history
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, Explorer)
        await pilot.press("9")
        await pilot.pause()
        pilot.app.screen.query_one(RowTable).focus()


async def test_enter_shows_the_whole_row_and_y_copies_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(IamtuiApp, "copy", lambda self, text: copied.append(text))
    async with app(folder).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        screen.query_one(QueryArea).text = "SELECT eventid, errorcode, useridentity FROM cloudtrail_logs WHERE eventid = 'e-3'"
        await pilot.press("ctrl+r")
        await settle(pilot)
        screen.query_one(RowTable).focus()
        await pilot.press("y")
        assert '"eventid":"e-3","errorcode":null' in copied[0]
        await pilot.press("enter")
        await pilot.pause()
        page = pilot.app.screen
        assert isinstance(page, TextPage)
        assert "eventid  e-3" in page.text
        assert "errorcode  null" in page.text
        assert '"sessionContext"' in page.text
        await pilot.press("escape")
        assert pilot.app.screen is screen


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELEC 1", "line 1"),
        ("SELECT x FROM users", "There is no table users"),
        ("SELECT evntname FROM cloudtrail_logs", "evntname"),
        ("SELECT * FROM cloudtrail_logs WHERE sourceipaddress = {origin}", "in the place of {origin}"),
        ("  ", "There is no query"),
    ],
)
async def test_what_is_wrong_is_told_in_the_status_line(folder: Path, query: str, words: str) -> None:
    async with app(folder).run_test(size=(120, 30)) as pilot:
        screen = await opened(pilot)
        screen.query_one(QueryArea).text = query
        await pilot.press("ctrl+r")
        await settle(pilot)
        assert words in status(screen)


async def test_esc_stops_a_query_that_runs(folder: Path) -> None:
    async with app(folder).run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot)
        names = ", ".join(f"cloudtrail_logs AS t{n}" for n in range(7))
        screen.query_one(QueryArea).text = f"SELECT count(*) FROM {names} WHERE t1.eventid < t2.eventid || t3.eventid || t4.eventid"
        await pilot.press("ctrl+r")
        await pilot.pause(0.6)
        await pilot.press("escape")
        await settle(pilot)
        assert status(screen) == "Stopped"
        assert pilot.app.screen is screen
        screen.query_one(QueryArea).text = "SELECT 1 AS one FROM cloudtrail_logs LIMIT 1"
        await pilot.press("ctrl+r")
        await settle(pilot)
        assert status(screen).startswith("1 row in")


async def test_tab_completes_and_then_goes_to_the_answer(folder: Path) -> None:
    async with app(folder).run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot)
        area = screen.query_one(QueryArea)
        area.text = "SELECT sourceipa"
        area.move_cursor(area.document.end)
        await pilot.press("tab")
        assert area.text == "SELECT sourceipaddress"
        await pilot.press("tab")
        assert screen.query_one(RowTable).has_focus
        await pilot.press("tab")
        assert area.has_focus


async def test_a_saved_query_is_taken_from_the_list(folder: Path) -> None:
    async with app(folder).run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot)
        await pilot.press("ctrl+o")
        await pilot.pause()
        await pilot.press("down", "enter")  # iam-by-origin asks for an address
        await pilot.pause()
        assert pilot.app.screen is screen
        assert "{origin}" in screen.query_one(QueryArea).text
        assert "IP address" in status(screen)
        await pilot.press("ctrl+o")
        await pilot.pause()
        await pilot.press("enter")  # trust-changes runs at once
        await settle(pilot)
        assert "rows" in status(screen)


async def test_a_query_is_typed_after_the_colon(folder: Path) -> None:
    running = app(folder)
    async with running.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        running.do("sql", "users-created days=20000")
        await settle(pilot)
        assert isinstance(running.screen, SqlScreen)
        assert running.screen.query_one(RowTable).row_count == 10
        await pilot.press("escape")
        running.do("sql", "SELECT count(*) FROM cloudtrail_logs")
        await settle(pilot)
        assert running.screen.query_one(RowTable).row_count == 1
        await pilot.press("escape")
        running.do("sql", "no-such-query")
        await pilot.pause()
        assert "no saved query" in running.explorer._said


async def test_history_stays_from_run_to_run(folder: Path) -> None:
    for number in range(2):
        async with app(folder).run_test(size=(100, 30)) as pilot:
            screen = await opened(pilot)
            if number == 0:
                screen.query_one(QueryArea).text = "SELECT 7 AS seven FROM cloudtrail_logs LIMIT 1"
                await pilot.press("ctrl+r")
                await settle(pilot)
            else:
                await pilot.press("ctrl+p")
                assert screen.query_one(QueryArea).text.startswith("SELECT 7")
                await pilot.press("ctrl+n")
                assert screen.query_one(QueryArea).text == ""


async def test_hostile_cells_pass_the_door(folder: Path) -> None:
    write_file(folder / "trail" / "h.json", [record(900, userAgent="\x1b]0;owned\x07[bold]x[/]\u202e")])
    async with app(folder).run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot)
        screen.query_one(QueryArea).text = "SELECT useragent FROM cloudtrail_logs WHERE eventid = 'e-900'"
        await pilot.press("ctrl+r")
        await settle(pilot)
        text = "\n".join(strip.text for strip in screen.query_one(RowTable).render_lines(screen.query_one(RowTable).size.region))
        assert "[bold]x[/]" in text
        assert not any(ord(char) < 32 or char == "\u202e" for char in text if char != "\n")


async def test_the_answer_is_written_to_a_new_file(folder: Path) -> None:
    async with app(folder).run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot)
        screen.query_one(QueryArea).text = "SELECT count(*) AS n, '=1+1' AS f FROM cloudtrail_logs"
        await pilot.press("ctrl+r")
        await settle(pilot)
        screen.query_one(RowTable).focus()
        await pilot.press("e")
        await settle(pilot)
        assert (folder / "iamtui-sql.csv").read_text() == "n,f\n40,'=1+1\n"
        assert "iamtui-sql.csv" in status(screen)
        await pilot.press("e")
        await settle(pilot)
        assert (folder / "iamtui-sql-2.csv").exists()
