"""Reading a trail in the explorer: how far it is, r reads on, esc stops, and the other views tell it too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from iamtui.config import Settings
from iamtui.model.coverage import Coverage, Covered, second
from iamtui.model.event import Window, WindowState
from iamtui.session import ListKind, Session
from iamtui.source.base import FIRST_LOOK, EventQuery, SourceInfo
from iamtui.source.demo import DemoSource
from iamtui.ui.app import IamtuiApp
from tests.ui.test_explorer import NOW, screen


@pytest.fixture(autouse=True)
def own_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


class Slow(DemoSource):
    """An account that is read page by page, until it is told to end."""

    def __init__(self) -> None:
        super().__init__(now=NOW)
        self.info = SourceInfo(kind="live", regions=("us-east-1",))
        self.queries: list[EventQuery] = []
        self.end = threading.Event()
        self.stopped = False

    def events(self, query: EventQuery, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Any]:
        self.queries.append(query)
        reached = NOW - timedelta(days=3)
        yield Window("us-east-1", WindowState.RUNNING, reached, NOW, "", 48, 2400, "", 1.93, 722.0)
        yield Window("us-east-1", WindowState.RUNNING, reached, NOW, "", 48, 2400, "", 1.93, 722.0)
        while not self.end.is_set():
            if cancelled():
                self.stopped = True
                return
            self.end.wait(0.01)
        yield Window("us-east-1", WindowState.PARTIAL, reached, NOW, "stopped after 60 requests", 60, 3000)


def app_of(source: Slow) -> IamtuiApp:
    session = Session(source, now=lambda: NOW)
    for _ in session.refresh():
        pass
    return IamtuiApp(session, Settings())


async def until(pilot: Any, true: Callable[[], bool]) -> None:
    for _ in range(400):
        await pilot.pause(0.01)
        if true():
            return
    pytest.fail(screen(pilot.app))


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_progress_is_shown_and_esc_stops_it(size: tuple[int, int]) -> None:
    source = Slow()
    app = app_of(source)
    async with app.run_test(size=size) as pilot:
        await pilot.press("5")
        await until(pilot, lambda: "about 12 min left" in screen(app))
        line = screen(app).splitlines()[2]
        assert "us-east-1: 2,400 events" in line
        assert "back to 2026-09-28 14:02" in line
        assert ("1.9 requests/s" in line) is (size[0] > 100)
        await pilot.press("r")
        await until(pilot, lambda: "Already reading; esc stops it" in screen(app))
        await pilot.press("1")
        await until(pilot, lambda: "reading events, about 12 min left" in screen(app).splitlines()[0])
        await pilot.press("5")
        await pilot.press("escape")
        await until(pilot, lambda: source.stopped and "Stopped. What was read is kept" in screen(app))
        assert "min left" not in screen(app)
        assert [query.most for query in source.queries] == [FIRST_LOOK]


async def test_r_reads_on_without_a_bound() -> None:
    source = Slow()
    app = app_of(source)
    async with app.run_test(size=(80, 24)) as pilot:
        source.end.set()
        await pilot.press("5")
        await until(pilot, lambda: len(source.queries) == 1 and not app.explorer._reading_events)
        await pilot.press("r")
        await until(pilot, lambda: len(source.queries) == 2)
        assert source.queries[1].most is None
        await pilot.press("i")
        await until(pilot, lambda: "stopped after 60 requests" in screen(app))


async def test_a_start_shows_what_was_kept_and_asks_for_what_is_new() -> None:
    source = Slow()
    app = app_of(source)
    at = second(NOW)
    covered = Coverage.of([Covered("123456789012", "us-east-1", "", at - 90 * 86_400, at - 1000)])
    from iamtui.session.covering import kept_windows

    app.session._book.coverage = covered
    app.session._book.windows[""] = kept_windows(covered, source.info, NOW)
    assert app.session.listing(ListKind.EVENTS).complete
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await until(pilot, lambda: len(source.queries) == 1)
        assert source.queries[0].covered is covered
        source.end.set()
