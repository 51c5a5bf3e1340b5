"""The grid of identities by services, and the sweep that fills the lists behind it."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from iamtui.config import Settings
from iamtui.model.document import Kind
from iamtui.session import ListKind, Session
from iamtui.source.base import Cancelled, Item, never_cancelled
from iamtui.source.demo import DemoSource
from iamtui.text import visible
from iamtui.ui.app import IamtuiApp
from iamtui.ui.screens.matrix import MatrixScreen
from iamtui.ui.widgets.grid import GridCell, MarkGrid
from tests.faulty import Faulty
from tests.support.hosts import HOSTILE, Host, controls, lines_of

NOW = datetime(2026, 10, 1, 14, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path))


# -- the widget ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def grid(
    rows: int, titles: Sequence[str], size: tuple[int, int] = (80, 24), names: Any = str
) -> AsyncIterator[tuple[MarkGrid, Pilot[None], list[int]]]:
    asked: list[int] = []

    def cell(row: int, column: int) -> GridCell:
        asked.append(row)
        return GridCell("dwmqy·"[(row + column) % 6], "age-day")

    app = Host(MarkGrid())
    async with app.run_test(size=size) as pilot:
        made = app.widget
        assert isinstance(made, MarkGrid)
        made.fill(rows, titles, names, cell, at=(0, 0))
        await pilot.pause()
        asked.clear()
        yield made, pilot, asked


async def test_ten_thousand_by_a_hundred_and_fifty_draws_what_is_in_view() -> None:
    async with grid(10_000, [f"service-{n}" for n in range(150)]) as (made, pilot, asked):
        await pilot.press("G")
        await pilot.pause()
        assert made.row == 9_999
        assert set(asked) <= {0, *range(9_950, 10_000)}
        asked.clear()
        await pilot.press("up")
        await pilot.pause()
        assert set(asked) <= {9_998, 9_999}  # a move draws the row it leaves and the one it comes to
        await pilot.press("L", "L", "right", "home")
        await pilot.pause()
        assert (made.row, made.column) == (0, 2 * made._columns + 1)
        left, right = made.hidden
        assert left + made._columns + right == 150
        assert left <= made.column < left + made._columns


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        (["right", "l", "left"], (0, 1)),
        (["down", "j", "up", "k", "k"], (0, 0)),
        (["G", "down"], (29, 0)),
        (["pagedown", "pageup"], (0, 0)),
        (["L", "L", "L"], (0, 9)),
        (["H"], (0, 0)),
    ],
)
async def test_the_cursor_stays_inside(keys: list[str], place: tuple[int, int]) -> None:
    async with grid(30, [f"s{n}" for n in range(10)]) as (made, pilot, _):
        await pilot.press(*keys)
        assert (made.row, made.column) == place


async def test_names_stand_above_their_columns_letter_by_letter() -> None:
    async with grid(3, ["s3", "glue"]) as (made, _, _asked):
        lines = lines_of(made)
        at = lines[4].index("d")  # the first row
        assert [line[at] for line in lines[:4]] == [" ", " ", "s", "3"]
        assert "".join(line[at + 2] for line in lines[:4]) == "glue"


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (160, 45)])
async def test_every_line_is_as_wide_as_the_screen(size: tuple[int, int]) -> None:
    titles = ["x" * 40, "glue"] * 40
    async with grid(len(HOSTILE), titles, size, names=lambda row: visible(HOSTILE[row])) as (made, _, _asked):
        for line in lines_of(made):
            assert not controls(line)
        for y in range(made.size.height):
            assert made.render_line(y).cell_length == made.size.width


# -- the screen ------------------------------------------------------------------------------------------------------


async def settle(pilot: Any) -> None:
    for _ in range(3):
        await pilot.pause()
        await pilot.app.workers.wait_for_complete()
    await pilot.pause(0.05)


def shown(app: IamtuiApp) -> str:
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in app.screen._compositor.render_strips())


def demo(source: Any = None) -> IamtuiApp:
    session = Session(source or DemoSource(now=NOW), now=lambda: NOW)
    session.open()
    return IamtuiApp(session, Settings())


@asynccontextmanager
async def running(app: IamtuiApp, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[None]]:
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        yield pilot


async def test_who_still_uses_glue_and_what_gives_it() -> None:
    app = demo()
    async with running(app) as pilot:
        app.explorer.go(":matrix glue users")
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, MatrixScreen)
        text = shown(app)
        assert "glue user i.santos" in text  # the cursor is on the service, the latest use on top
        assert "sorted by it" in text
        assert all(words in text for words in ("d day", "w week", "m month", "q quarter", "y older", "· granted, unused"))
        await pilot.press("slash", *"glue", "colon", "greater_than_sign", *"90d", "enter")
        await settle(pilot)
        assert [screen._matrix.lines[row].name for row in screen._rows] == ["User1", "svc-glue-dev"]
        await pilot.press("enter")
        await settle(pilot)
        assert "given by (AWS)" in shown(app)
        assert "AWSGlueConsoleFullAccess" in shown(app)
        await pilot.press("escape")
        await settle(pilot)
        await pilot.press("slash", "space", *"colour", "colon", *"red")
        await settle(pilot)
        assert "There is no column" in shown(app)
        assert screen._rows  # a wrong filter is said, and nothing is lost
        await pilot.press("escape")
        await settle(pilot)
        assert len(screen._rows) == 40
        await pilot.press("t")
        await settle(pilot)
        assert "glue-" not in shown(app)
        assert "Last used" in shown(app)
        app.explorer.go(":matrix glue groups")  # a group tells who used the service
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert re.search(r"used by +i\.santos", shown(app))


async def test_denied_is_no_blank() -> None:
    app = demo(Faulty(DemoSource(now=NOW), frozenset({Kind.LAST_ACCESSED}), "", throttled_page=False))
    async with running(app) as pilot:
        app.explorer.go(":matrix users")
        await settle(pilot)
        text = shown(app)
        assert "last-accessed details" in text
        app.explorer.list.show(ListKind.USERS)
        await pilot.press("escape")
        await settle(pilot)
        assert "denied" in shown(app)


# -- the sweep behind ------------------------------------------------------------------------------------------------


class Held(DemoSource):
    """Answers one by one, each when it is let go."""

    def __init__(self) -> None:
        super().__init__(now=NOW)
        self.gate = threading.Semaphore(0)
        self.stopped = False

    def last_accessed(self, arn: str, granularity: str = "ACTION_LEVEL", cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        while not self.gate.acquire(timeout=0.02):
            if cancelled():
                self.stopped = True
                return
        yield from super().last_accessed(arn, granularity, cancelled)


async def wait_for(pilot: Any, true: Any) -> None:
    for _ in range(400):
        if true():
            return
        await pilot.pause(0.02)
    raise AssertionError(f"never: {shown(pilot.app)}")


async def test_lists_fill_in_without_a_row_changing_its_place() -> None:
    source = Held()
    app = demo(source)
    async with app.run_test(size=(120, 30)) as pilot:
        await settle(pilot)
        explorer = app.explorer
        explorer.list.sort_by("last-seen")
        await settle(pilot)
        before = [row.key for row in explorer.list.shown_rows()]
        await pilot.press("down", "down")
        here = explorer.list.table.cursor_key
        explorer.go(":sweep users")
        for _ in range(25):
            source.gate.release()
        await wait_for(pilot, lambda: "25 of 40" in shown(app))
        text = shown(app)
        assert "UNUSED SVC" in text
        assert "last used: 25 of 40" in text.splitlines()[0]
        assert [row.key for row in explorer.list.shown_rows()] == before
        assert explorer.list.table.cursor_key == here
        await pilot.press("4")  # it goes on while one moves about
        await wait_for(pilot, lambda: "policies" in shown(app).splitlines()[2])
        for _ in range(15):
            source.gate.release()
        await wait_for(pilot, lambda: "40 answers" in shown(app))
        await settle(pilot)
        assert app.session.advised == 40


async def test_it_can_be_stopped_and_goes_on() -> None:
    source = Held()
    app = demo(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.explorer.go(":sweep users")
        for _ in range(3):
            source.gate.release()
        await wait_for(pilot, lambda: app.session.advised == 3)
        app.explorer.go(":sweep users")
        await pilot.pause()
        assert "Already under way" in shown(app)
        await pilot.press("escape")  # at the top
        await wait_for(pilot, lambda: "stopped with 37 to ask" in shown(app))
        assert source.stopped
        for _ in range(60):
            source.gate.release()
        app.explorer.go(":sweep users")
        await wait_for(pilot, lambda: "37 answers, 3 known before" in shown(app))
        app.explorer.go(":sweep stop")
        await pilot.pause()
        assert "No sweep is under way" in shown(app)
        app.explorer.go(":sweep elephants")
        await pilot.pause()
        assert ":sweep [users|roles|groups|policies]" in shown(app)


# -- Access Analyzer -------------------------------------------------------------------------------------------------


async def test_the_page_of_access_analyzer() -> None:
    app = demo()
    async with running(app) as pilot:
        app.explorer.go(":analyzer")
        await settle(pilot)
        text = shown(app)
        assert "only AWS" in text
        assert "no analyzer in eu-central-1, ap-southeast-2" in text
        await pilot.press(*["down"] * 4, "enter")
        await settle(pilot)
        text = shown(app)
        assert "support-readonly" in text
        assert "999988887777" in text
        await pilot.press("G")
        await settle(pilot)
        await pilot.press("escape", "i")
        await settle(pilot)
        assert "external access, account" in shown(app)
        await pilot.press("escape")
        await settle(pilot)
        rows = app.screen.query_one("#claims").row_count  # type: ignore[attr-defined]
        await pilot.press("a")
        await settle(pilot)
        assert app.screen.query_one("#claims").row_count < rows  # type: ignore[attr-defined]
        await pilot.press("t")
        await settle(pilot)
        assert "support-readonly" in shown(app)
        assert "Trust" in shown(app)


async def test_validate_policy_asks_before_it_sends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    policy = tmp_path / "new.json"
    policy.write_text('{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}')
    sent: list[str] = []
    app = demo()
    demo_info = app.session.info
    monkeypatch.setattr(app.session, "info", type(app.session.info)(kind="live"))
    monkeypatch.setattr(app.session, "wants_reading", lambda: False)
    monkeypatch.setattr(app.session, "validate_policy", lambda text: sent.append(text) or ())
    async with running(app) as pilot:
        app.explorer.go(f":preflight none {policy} aws")
        await settle(pilot)
        assert "Send the new policy" in shown(app)
        assert sent == []
        await pilot.press(*"no", "enter")
        await settle(pilot)
        assert "Nothing was sent" in shown(app)
        assert sent == []
        app.explorer.go(f":preflight none {policy} aws")
        await settle(pilot)
        await pilot.press(*"yes", "enter")
        await settle(pilot)
        assert len(sent) == 1
        assert "nothing to find fault with" in shown(app)
        await pilot.press("escape")
        monkeypatch.setattr(app.session, "info", demo_info)
        app.explorer.go(f":preflight none {policy} aws")
        await settle(pilot)
        assert "needs a live account" in shown(app)
        assert len(sent) == 1
