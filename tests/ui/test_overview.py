"""The Summary on screen: painted at once, each line a way in and back, readable in any terminal."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from iamtui.config import Settings
from iamtui.model.overview import Overview
from iamtui.session import ListKind, Session
from iamtui.source.demo import DemoSource
from iamtui.ui.app import IamtuiApp
from iamtui.ui.screens.access import AnswersPage
from iamtui.ui.screens.pages import TextPage
from iamtui.ui.terminal import has_blocks
from tests.ui.test_explorer import press, screen, settle

NOW = datetime(2026, 10, 1, 14, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CONFIG", "CACHE", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path))


def app_of(session: Session, target: str = "", **settings: Any) -> IamtuiApp:
    session.open()
    return IamtuiApp(session, Settings(**settings), target, first="summary")


def demo(**settings: Any) -> IamtuiApp:
    return app_of(Session(DemoSource(now=NOW), now=lambda: NOW), **settings)


def topics(app: IamtuiApp) -> list[str]:
    assert app.explorer._overview is not None
    return [line.topic for line in app.explorer._overview.lines]


class Slow(Session):
    """Works nothing out before it is told to."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.go = threading.Event()

    def load_overview(self, *args: Any, **more: Any) -> Iterator[Overview]:
        self.go.wait(20)
        yield from super().load_overview(*args, **more)


async def test_it_is_painted_before_anything_is_worked_out_and_the_cursor_stays_where_one_put_it() -> None:
    session = Slow(DemoSource(now=NOW), now=lambda: NOW)
    app = app_of(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        shown = screen(app)
        assert "summary" in shown
        assert "ways to administrator" in shown
        assert len(re.findall(r"computing|reading", shown)) > 8
        assert "READ-ONLY" in shown
        table = app.explorer._overview.table  # type: ignore[union-attr]
        while table.cursor_key != "keys":
            await pilot.press("down")
        session.go.set()
        await settle(pilot)
        await settle(pilot)
        assert topics(app)[:3] == ["critical-events", "admin-grants", "public"]
        assert table.cursor_key == "keys"
        assert "computing" not in screen(app)
        assert "▌ high     keys over 90 days" in screen(app)
        assert re.search(r"denied/day +[▁-█]+ max \d+, total \d+", screen(app))


async def test_a_line_leads_in_and_escape_comes_back_to_it() -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await settle(pilot)
        explorer = app.explorer
        table = explorer._overview.table  # type: ignore[union-attr]
        await press(pilot, "5", "slash", "~CreateUser", "enter", "0")
        assert explorer.on_summary
        await press(pilot, "enter")  # a list
        assert (explorer.list.kind, explorer.list.state.filter) == (ListKind.EVENTS, "class:critical since:7d")
        assert "2 of" in screen(app)
        await press(pilot, "enter", "escape", "escape")
        assert explorer.on_summary
        assert table.cursor_key == "critical-events"
        assert explorer.list.state.filter == "CreateUser"  # as it was left
        while table.cursor_key != "mfa":
            await pilot.press("down")
        await press(pilot, "enter")  # a page
        assert isinstance(app.screen, AnswersPage)
        await press(pilot, "escape")
        assert explorer.on_summary
        assert table.cursor_key == "mfa"
        await press(pilot, "enter", "down", "enter")  # and from the page to somebody
        assert explorer.list.kind is ListKind.USERS
        assert explorer._inside
        await press(pilot, "escape")
        assert explorer.on_summary
        assert table.cursor_key == "mfa"
        await press(pilot, "space", "s", "m")  # what only lists can do
        assert not explorer.list.state.marks
        assert "for lists" in screen(app)
        await press(pilot, "2", "minus")
        assert explorer.on_summary
        await press(pilot, "left_square_bracket")
        assert explorer.list.kind is ListKind.ROLES
        assert not explorer.on_summary
        await press(pilot, "colon", "~summary", "enter", "slash", "~unused", "enter")
        assert set(topics(app)) == {"unused", "unused-admins"}
        await press(pilot, "escape", "i")
        assert isinstance(app.screen, TextPage)
        assert "looked at" in app.screen.text
        await press(pilot, "escape", "colon", "~summary 1", "enter")
        assert "no account 1" in screen(app)


async def test_wide_shows_the_whole_line_and_charts_in_plain_signs() -> None:
    app = demo(charts="plain")
    async with app.run_test(size=(160, 45)) as pilot:
        await settle(pilot)
        await settle(pilot)
        await press(pilot, "down")
        await pilot.pause(0.2)
        shown = screen(app)
        assert re.search(r"t\.dubois +attached AdministratorAccess, by k\.meyer@acme\.example", shown)
        assert ":changes admin since:30d" in shown
        assert re.search(r"│ [_.:\-=+*#]{30}", shown)
        assert re.search(r"<=90d +\d+ #+", shown)
        assert not set("▁▂▃▄▅▆▇█") & set(shown.replace("▁", "", 1) if "▁" in shown else shown) - set("▌")


async def test_an_empty_account_without_a_network_is_unread_and_not_fine() -> None:
    app = app_of(Session(None, offline=True, now=lambda: NOW))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        shown = screen(app)
        assert re.search(r"not read +ways to administrator", shown)
        assert re.search(r"not read +critical events +events; start", shown)
        assert not re.search(r"none +(ways|keys|critical|uncovered)", shown)


def test_a_terminal_without_blocks_is_told_by_its_name_and_encoding() -> None:
    assert has_blocks("auto", {"TERM": "xterm-256color"}, "utf-8")
    assert not has_blocks("auto", {"TERM": "linux"}, "utf-8")
    assert not has_blocks("auto", {"TERM": "xterm"}, "ascii")
    assert has_blocks("blocks", {"TERM": "linux"}, "ascii")
    assert not has_blocks("plain", {}, "utf-8")
