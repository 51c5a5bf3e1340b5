"""The events pane over a trail on disk: rows come when somebody looks, and nothing waits for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from iamtui.config import Settings
from iamtui.session import ListKind, Session, StoredRows
from iamtui.source.evidence import EvidenceSource
from iamtui.source.evidence import source as evidence
from iamtui.ui.app import IamtuiApp
from iamtui.ui.screens import listing
from tests.support.trails import write_trail

EVENTS = 600


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> IamtuiApp:
    monkeypatch.setattr(evidence, "LARGE_BYTES", 20_000)
    write_trail(tmp_path / "trail", 12, EVENTS // 12)
    return IamtuiApp(Session(EvidenceSource([str(tmp_path / "trail")]), trails=tmp_path / "kept"), Settings())


async def until(pilot: Pilot[None], held: Callable[[], bool]) -> None:
    for _ in range(200):
        if held():
            return
        await pilot.pause(0.02)
    raise AssertionError("it never came")


async def shown(app: IamtuiApp, pilot: Pilot[None]) -> None:
    app.explorer.go_to_list(ListKind.EVENTS)
    pane = app.explorer.list
    await until(pilot, lambda: pane.table.row_count == EVENTS and app.session.listing(ListKind.EVENTS).complete)
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def test_scrolling_reads_rows_and_the_cursor_keeps_its_event(app: IamtuiApp) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        await shown(app, pilot)
        pane = app.explorer.list
        assert isinstance(pane.shown_rows(), StoredRows)
        await pilot.press("G")
        await until(pilot, lambda: pane.row() is not None)
        assert pane.table.cursor == EVENTS - 1
        row = pane.row()
        assert row is not None
        assert pane.table.cursor_key == row.key
        app.explorer.action_sort()
        await until(pilot, lambda: pane.state.sort == "time" and pane.table.row_count == EVENTS)
        assert pane.table.cursor_key == row.key
        await until(pilot, lambda: pane.row() is not None)
        found = pane.row()
        assert found is not None
        assert found.key == row.key


async def test_a_filter_an_event_and_the_way_back(app: IamtuiApp) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        await shown(app, pilot)
        pane = app.explorer.list
        await pilot.press("slash", *"event:CreateUser", "enter")
        await until(pilot, lambda: pane.table.row_count == EVENTS // 4)
        await pilot.press("space")
        await pilot.press("enter")
        await until(pilot, lambda: app.explorer._detail is not None and app.explorer._detail.row is not None and app.explorer._inside)
        detail = app.explorer._detail
        assert detail is not None
        await until(pilot, lambda: detail.row is not None and not detail.row.item.excerpt)  # type: ignore[union-attr]
        assert '"eventID"' in detail.row.item.record  # type: ignore[union-attr]
        await pilot.press("escape", "escape")
        await until(pilot, lambda: pane.table.row_count == EVENTS)
        assert len(pane.marked_rows()[0]) == 1
        await pilot.press("slash", *"event:ListUsers", "enter")
        await until(pilot, lambda: pane.table.row_count == EVENTS // 4)
        assert pane.marks_hidden() == 1


async def test_more_than_can_be_kept_in_mind_is_not_marked(app: IamtuiApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_MOST_MARKS", 200)
    async with app.run_test(size=(120, 30)) as pilot:
        await shown(app, pilot)
        assert "too many to select" in app.explorer.list.toggle_all()
        assert not app.explorer.list.state.marks
        await pilot.press("slash", *"event:CreateUser", "enter")
        await until(pilot, lambda: app.explorer.list.table.row_count == EVENTS // 4)
        assert app.explorer.list.toggle_all() == ""
        assert len(app.explorer.list.state.marks) == EVENTS // 4


async def test_the_activity_of_a_role_comes_from_disk(app: IamtuiApp) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        await shown(app, pilot)
        await pilot.press("enter", "right")
        detail = app.explorer._detail
        assert detail is not None
        await until(pilot, lambda: detail.tab == "story" and detail.table.row_count > 3)
