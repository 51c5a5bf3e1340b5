"""The Changes tab and the page of the account: entries, one of them whole, roll-back text copied, gaps told, hostile text inert."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from iamtui.config import Settings
from iamtui.session import Session
from iamtui.source.demo import DemoSource
from iamtui.ui.app import IamtuiApp
from tests.ui.test_stories import settle, shown, take

NOW = datetime(2026, 10, 1, 14, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path))


@asynccontextmanager
async def opened(*steps: str, size: tuple[int, int] = (80, 24)) -> AsyncIterator[tuple[IamtuiApp, Any]]:
    session = Session(DemoSource(now=NOW), now=lambda: NOW)
    session.open()
    app = IamtuiApp(session, Settings())
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        for step in steps:
            await take(pilot, step)
        yield app, pilot


async def test_a_tab_with_the_answer_its_entries_and_what_is_not_told() -> None:
    async with opened(":changes t.dubois") as (app, pilot):
        screen = shown(app)
        assert "Administrator since 2026-09-11 14:07 by k.meyer@acme.example" in screen
        assert "ADMIN gained" in screen
        assert "AWS Config: no item" in screen
        assert "policy developer-base" in screen
        await take(pilot, "t")
        assert "policy developer-base" not in shown(app)


async def test_one_entry_whole_and_its_texts_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    async with opened(":changes data-lake-access", "enter", size=(120, 60)) as (app, pilot):
        monkeypatch.setattr(app, "copy", lambda text: copied.append(text) or "sent")
        screen = shown(app)
        for expected in (
            "v6 made and in force",
            "k.meyer@acme.example (person)",
            "CloudTrail ",
            "stored version v6",
            "AWS Config us-east-1",
            "- s3 Write",
        ):
            assert expected in screen
        await pilot.press("y")
        await pilot.press("Y")
        await settle(pilot)
        assert shlex.split(copied[0].splitlines()[-1])[:3] == ["aws", "iam", "set-default-policy-version"]
        assert 'resource "aws_iam_policy" "data_lake_access"' in copied[1]
        await pilot.press("escape")
        await settle(pilot)
        assert "v5 made and in force" in shown(app)
        await pilot.press("y")
        assert copied[2].endswith(":policy/data-lake-access")


async def test_the_account_narrowed_and_led_on() -> None:
    async with opened(":changes since=30d") as (app, pilot):
        assert "30 changes" in shown(app)
        await take(pilot, "/")
        await pilot.press(*"admin", "enter")
        await settle(pilot)
        screen = shown(app)
        assert "4 changes; 4 give admin" in screen
        assert "gives admin" in screen
        await take(pilot, "end")
        await take(pilot, "enter")
        assert "policy attached: user t.dubois" in shown(app)
        await take(pilot, "enter")
        assert "Administrator since 2026-09-11" in shown(app)


async def test_a_wrong_filter_nothing_found_and_a_filter_typed_while_the_list_is_weighed() -> None:
    async with opened(":changes since=soon") as (app, pilot):
        assert "soon is no time" in shown(app)
        await pilot.press("escape")
        await take(pilot, ":changes since=1d by=nobody")
        assert "not the same as never" in shown(app)
        await pilot.press("escape")
        app.explorer.go(":changes since=60d")
        await pilot.pause(0.3)
        await pilot.press("slash")
        await pilot.press(*"admin", "enter")
        await settle(pilot)
        assert "give admin" in shown(app)
