"""The story tab: it begins where it matters, goes by minute, hour and day, and leads to each event."""

from __future__ import annotations

from textual.pilot import Pilot

from iamtui.config import Settings
from iamtui.session import Session
from iamtui.source.demo import DemoSource
from iamtui.ui.app import IamtuiApp
from iamtui.ui.screens.detail import DetailPane
from iamtui.ui.views.story import StoryView
from tests.support.demo import NOW


def app(target: str) -> IamtuiApp:
    session = Session(DemoSource(NOW), now=lambda: NOW)
    session.open()
    return IamtuiApp(session, Settings(), target)


async def settle(pilot: Pilot[None]) -> None:
    for _ in range(400):
        await pilot.pause(0.02)
        if not any(not worker.is_finished for worker in pilot.app.workers):
            break
    await pilot.pause(0.1)


async def story(pilot: Pilot[None]) -> tuple[DetailPane, StoryView]:
    await settle(pilot)
    explorer = pilot.app.explorer  # type: ignore[attr-defined]
    explorer.open_row(pilot.app.session.find("ci-runner")[0].row, "story")  # type: ignore[attr-defined]
    await settle(pilot)
    pane = pilot.app.screen.query_one(DetailPane)
    view = pane.view
    assert isinstance(view, StoryView)
    assert view.story is not None
    return pane, view


async def test_it_begins_at_the_gravest_and_enter_opens_the_event() -> None:
    async with app("").run_test(size=(80, 24)) as pilot:
        pane, view = await story(pilot)
        assert view.story is not None
        moment = view.story.moments[pane.table.cursor]
        assert moment.severity is not None
        assert moment.severity.value == "critical"
        await pilot.press("enter")
        await settle(pilot)
        assert pane.row is not None
        assert pane.row.item is moment.event


async def test_minutes_hours_and_days() -> None:
    async with app("").run_test(size=(80, 24)) as pilot:
        pane, view = await story(pilot)
        assert view.story is not None
        moments = view.story.moments
        await pilot.press("g")
        for key, least in (("m", 60), ("h", 3600), ("d", 86400)):
            before = moments[pane.table.cursor].at
            await pilot.press(key)
            await pilot.pause()
            after = moments[pane.table.cursor].at
            assert (after - before).total_seconds() >= least or pane.table.cursor == len(moments) - 1
            assert pane.tab == "story"  # h and d are the story's here, not the explorer's
        await pilot.press("D", "D", "D")
        await pilot.pause()
        assert pane.table.cursor == 0


async def test_t_leaves_out_what_was_made_on_the_way() -> None:
    async with app("").run_test(size=(120, 30)) as pilot:
        _, view = await story(pilot)
        assert view.story is not None
        whole = view.story.events
        await pilot.press("t")
        await settle(pilot)
        assert view.story.events < whole
        assert view.export_rows() is not None
        lines = "\n".join("".join(text for text, _ in line) for line in view.provenance())
        assert "ci-runner" in lines


async def test_a_pasted_alert_is_triaged() -> None:
    from textual import events

    from iamtui.ui.screens.pages import TextPage

    async with app("").run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        pilot.app.screen.post_message(events.Paste("203.0.113.77"))
        await settle(pilot)
        page = pilot.app.screen
        assert isinstance(page, TextPage)
        assert "behind it: ci-runner (IAM user)" in page.text
        assert "aws iam update-access-key" in page.text
        await pilot.press("escape")
        pilot.app.screen.post_message(events.Paste("nothing of note here"))
        await settle(pilot)
        assert not isinstance(pilot.app.screen, TextPage)
