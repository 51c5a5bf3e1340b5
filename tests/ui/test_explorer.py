"""The explorer by keys, on the demo account."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from iamtui.config import Settings
from iamtui.errors import CredentialsError
from iamtui.model.document import Document, Kind, Origin
from iamtui.session import ListKind, Session
from iamtui.source.base import SourceInfo
from iamtui.source.demo import DemoSource
from iamtui.ui.app import IamtuiApp
from iamtui.ui.screens.pages import TextPage
from iamtui.ui.views import tabs_of
from tests.server.accounts import large_account

NOW = datetime(2026, 10, 1, 14, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def demo(target: str = "") -> IamtuiApp:
    session = Session(DemoSource(now=NOW), now=lambda: NOW)
    session.open()
    return IamtuiApp(session, Settings(), target)


async def settle(pilot: Any) -> None:
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause(0.05)
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def press(pilot: Any, *keys: str) -> None:
    for key in keys:
        await pilot.press(*(NAMES.get(c, c) for c in key[1:]) if key.startswith("~") else (key,))
        await settle(pilot)


NAMES = {
    " ": "space",
    ":": "colon",
    "/": "slash",
    "-": "minus",
    "_": "underscore",
    "=": "equals_sign",
    ".": "full_stop",
    "!": "exclamation_mark",
}


def screen(app: IamtuiApp) -> str:
    return "\n".join("".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips())


async def test_in_and_out_keeps_cursor_filter_and_sort() -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "slash", "~mfa:no", "enter", "s", "down", "down")
        table = app.explorer.list.table
        key, state = table.cursor_key, app.explorer.list.state
        assert state.filter == "mfa:no"
        await press(pilot, "enter", "right", "right", "escape", "2", "1")
        assert (table.cursor_key, state.filter, state.sort) == (key, "mfa:no", "user")
        assert "22 of 41" in screen(app)
        await press(pilot, "escape")
        assert state.filter == ""
        assert table.cursor_key == key


@pytest.mark.parametrize("target", ["deploy-bot", "role/ci-deploy", "group/ops", "policy/deploy-base"])
async def test_every_tab_opens_and_says_something(target: str) -> None:
    app = demo(target)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        detail = app.explorer._detail
        assert detail is not None
        assert detail.row is not None
        seen = set()
        for _ in tabs_of(detail.row):
            await settle(pilot)
            content = detail.text.plain_text() if detail.text.display else str(detail.table.row_count) + detail.table.empty
            assert len(content) > (0 if detail.table.display else 10), detail.tab
            assert (detail.table.row_count or detail.table.empty) if detail.table.display else True
            seen.add(detail.tab)
            await press(pilot, "right")
        assert seen == {name for name, _ in tabs_of(detail.row)}


async def test_an_event_leads_to_its_actor() -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "colon", "~events CreateUser", "enter", "enter")
        assert "CreateUser" in screen(app)
        detail = app.explorer._detail
        assert detail is not None
        row = next(i for i, f in enumerate(detail.view._fields) if f[0] == "actor")  # type: ignore[union-attr]
        detail.table.move_to(row)
        await press(pilot, "enter")
        assert app.explorer.list.kind in (ListKind.USERS, ListKind.ROLES)
        await press(pilot, "left_square_bracket")
        assert app.explorer.list.kind is ListKind.EVENTS
        await press(pilot, "right_square_bracket")
        assert app.explorer.list.kind in (ListKind.USERS, ListKind.ROLES)


@pytest.mark.parametrize(("size", "panes"), [((80, 24), 1), ((100, 30), 2), ((160, 45), 2), ((60, 15), 1)])
async def test_every_size_has_its_panes(size: tuple[int, int], panes: int) -> None:
    app = demo()
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.pause(0.2)
        await settle(pilot)
        detail = app.explorer._detail
        shown = int(app.explorer.list.display) + int(detail is not None and detail.display)
        assert shown == panes
        assert "READ-ONLY" in screen(app)
        await press(pilot, "enter")
        assert detail is None or panes == 2 or not app.explorer.list.display


async def test_too_small_is_a_sentence() -> None:
    app = demo()
    async with app.run_test(size=(50, 10)) as pilot:
        await settle(pilot)
        assert "needs 60x15" in screen(app)


async def test_a_filter_nobody_understands_is_said() -> None:
    app = demo()
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "slash", "~colour:red")
        assert "no column" in screen(app)
        assert app.explorer.list.table.row_count == 41


async def test_marks_are_counted_also_when_hidden() -> None:
    app = demo()
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "space", "space", "slash", "~deploy-bot", "enter")
        assert "2 selected, 2 of them hidden" in screen(app)


@pytest.mark.parametrize(("name", "cells"), [("x.csv", None), ("x.json", None)])
async def test_export_writes_what_is_shown(name: str, cells: object, tmp_path: Path) -> None:
    app = demo()
    path = tmp_path / name
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "slash", "~mfa:no", "enter")
        app.answer("export", str(path))
        await settle(pilot)
    rows = json.loads(path.read_text()) if name.endswith("json") else list(csv.DictReader(path.read_text().splitlines()))
    assert len(rows) == 22
    assert path.stat().st_mode & 0o077 == 0


async def test_pages_open_and_close() -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for key, words in (
            ("question_mark", "Filter (/)"),
            ("i", "iam:GetAccountAuthorizationDetails"),
            ("exclamation_mark", "Nothing has gone wrong"),
        ):
            await press(pilot, key)
            assert isinstance(app.screen, TextPage)
            assert words in app.screen.text
            await press(pilot, "escape")
            assert not isinstance(app.screen, TextPage)


async def test_a_copy_says_no_more_than_it_knows() -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "y")
        assert "opied" not in screen(app)


async def test_every_theme_can_be_switched_to() -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        seen = {app.theme}
        for _ in range(8):
            await press(pilot, "T")
            seen.add(app.theme)
        assert len(seen) >= 7
        await press(pilot, "colon", "~theme nonsense", "enter")
        assert "no theme nonsense" in screen(app)


@pytest.mark.parametrize(("target", "words"), [("deploy-bot", "› deploy-bot ›"), ("roles ci-", "/ci-"), ("no-such-thing", "nowhere")])
async def test_it_starts_at_a_place(target: str, words: str) -> None:
    app = demo(target)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        assert words in screen(app)


class Scripted:
    """A live source that gives one list of users after another, and then has no credentials."""

    info = SourceInfo(kind="live", connection="test")

    def __init__(self, *lists: list[int]) -> None:
        self.lists = list(lists)

    def account(self, cancelled: Any = None) -> Iterator[Any]:
        if not self.lists:
            raise CredentialsError("The AWS credentials have expired", "aws sso login --profile acme, then r")
        users = large_account(10, 0, 1)["UserDetailList"]
        body = msgspec.json.encode(
            {"UserDetailList": [users[i] for i in self.lists.pop(0)], "RoleDetailList": [], "GroupDetailList": [], "Policies": []}
        )
        yield Document(Kind.AUTHORIZATION, body, NOW, Origin("live", "x"), "123456789012")

    def events(self, query: Any, cancelled: Any = None) -> Iterator[Any]:
        yield from ()

    last_accessed = access_keys = policy_version = role = events


async def test_a_refresh_never_moves_the_cursor_to_somebody_else() -> None:
    session = Session(Scripted([3, 5, 7], [1, 2, 3, 4, 5, 6, 7], [1, 7]), now=lambda: NOW)  # type: ignore[arg-type]
    app = IamtuiApp(session, Settings())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        table = app.explorer.list.table
        await press(pilot, "down")
        key = table.cursor_key
        assert "user-5" in key
        await press(pilot, "r")
        assert table.row_count == 7
        assert table.cursor_key == key
        await press(pilot, "r")
        assert table.row_count == 2
        assert table.cursor_key != key
        assert "is gone" in screen(app)


async def test_without_credentials_the_empty_list_says_what_to_type() -> None:
    app = IamtuiApp(Session(Scripted(), now=lambda: NOW), Settings())  # type: ignore[arg-type]
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        shown = screen(app)
        assert "Not loaded: The AWS credentials have expired" in shown
        assert "\n  aws sso login --profile acme, then r" in shown


async def test_expired_credentials_leave_the_lists_and_say_the_command() -> None:
    session = Session(Scripted([1, 2, 3]), now=lambda: NOW)  # type: ignore[arg-type]
    app = IamtuiApp(session, Settings())
    async with app.run_test(size=(100, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "r")
        shown = screen(app)
        assert "NO CREDENTIALS" in shown
        assert "aws sso login --profile acme" in shown
        assert app.explorer.list.table.row_count == 3
        await press(pilot, "down", "enter")
        assert "user-2" in screen(app)
