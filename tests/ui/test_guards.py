"""`:alarms` and `:logging` by keys on 80x24."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from iamtui.config import Settings
from iamtui.model.document import Document
from iamtui.model.event import Window
from iamtui.session import Session
from iamtui.source.base import Cancelled, EventQuery, Item, never_cancelled
from iamtui.source.demo import DemoSource
from iamtui.ui.app import IamtuiApp
from iamtui.ui.screens.access import AnswersPage
from iamtui.ui.screens.pages import TextPage
from tests.hostile import NASTY
from tests.ui.test_stories import NOW, settle, shown, take
from tests.unit.test_guard_evidence import attacked


@pytest.fixture(autouse=True)
def own_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def opened(source: DemoSource) -> IamtuiApp:
    session = Session(source, now=lambda: NOW)
    session.open()
    return IamtuiApp(session, Settings())


class Quiet(DemoSource):
    """The demo without its events, which these pages do not need."""

    def events(self, query: EventQuery, cancelled: Cancelled = never_cancelled) -> Iterator[Item | Window]:
        yield from ()


async def test_the_pages_lead_to_the_whole_path_and_back() -> None:
    app = opened(Quiet(now=NOW))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await take(pilot, "a")  # on no event: of all
        assert isinstance(app.screen, AnswersPage)
        assert "nobody" in shown(app)
        await take(pilot, "enter")
        assert isinstance(app.screen, TextPage)
        assert "wants >= 3 in 300 s" in app.screen.text
        assert "aws cloudwatch put-metric-alarm" in app.screen.text
        await take(pilot, "escape")
        assert isinstance(app.screen, AnswersPage)
        await take(pilot, "escape")
        assert app.screen is app.explorer
        await take(pilot, ":logging")
        assert "A trail records" in shown(app)
        await take(pilot, "enter")
        assert isinstance(app.screen, TextPage)
        assert "start-configuration-recorder" in app.screen.text
        await take(pilot, "escape")
        await take(pilot, "escape")
        await take(pilot, ":alarms not-an-event")
        assert app.screen is app.explorer
        assert "is no event" in shown(app)


async def test_from_an_alarm_to_the_event_that_raised_it() -> None:
    app = opened(DemoSource(now=NOW))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await take(pilot, ":alarms states")
        assert "disabled" in shown(app)
        names = [re.sub("[▌ ]+", " ", line).split()[0] for line in shown(app).splitlines()[2:7]]
        await pilot.press(*["down"] * names.index("iam-changes"))
        await take(pilot, "enter")
        assert "its filters find" in shown(app)
        assert "ALARM → OK" in shown(app)
        await take(pilot, "down")  # over the alarm's own change to an event
        await take(pilot, "enter")
        assert app.screen is app.explorer
        assert "› Event" in shown(app)
        assert "AttachRolePolicy" in shown(app)


async def test_hostile_names_on_every_page() -> None:
    attack = NASTY["osc52"] + NASTY["markup"]

    class Hostile(Quiet):
        def guards(self, cancelled: Cancelled = never_cancelled) -> Iterator[Document]:
            for document in super().guards(cancelled):
                yield msgspec.structs.replace(document, body=json.dumps(attacked(json.loads(document.body), attack)).encode())

    app = opened(Hostile(now=NOW))
    async with app.run_test(size=(160, 24)) as pilot:
        await settle(pilot)
        for line in (":alarms DeleteUser", ":alarms states", ":logging"):
            await take(pilot, line)
            assert app.screen is not app.explorer
            assert "\x1b" not in shown(app)
            assert line == ":alarms states" or "[red]" in shown(app)
            await take(pilot, "escape")


async def test_seven_shows_every_system_and_leads_on_and_back() -> None:
    app = opened(Quiet(now=NOW))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await take(pilot, "7")
        assert "Alarms and rules" in shown(app)
        assert re.search(r"Access Advisor +unknown +none of \d+ identities", shown(app))
        guards = app.screen
        await take(pilot, "j")
        await take(pilot, "enter")
        assert "nobody" in shown(app)
        await take(pilot, "escape")
        assert app.screen is guards
        await take(pilot, "G")
        await take(pilot, "enter")
        assert "Least privilege" in shown(app)
        await take(pilot, "escape")
        await take(pilot, "escape")
        assert app.screen is app.explorer
