"""The palette: everything that can be done, and everything that has a name, found by typing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandPalette

from iamtui.config import Settings
from iamtui.session import Session
from iamtui.source.demo import DemoSource
from iamtui.ui.app import IamtuiApp
from iamtui.ui.keymap import KEYS
from iamtui.ui.palette import NameProvider, system_commands
from tests.ui.test_stories import settle, shown

NOW = datetime(2026, 10, 1, 14, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def app() -> IamtuiApp:
    session = Session(DemoSource(now=NOW), now=lambda: NOW)
    session.open()
    return IamtuiApp(session, Settings())


async def hits(running: IamtuiApp, query: str) -> list[Any]:
    provider = NameProvider(running.screen)
    return [hit async for hit in provider.search(query)]


async def test_a_name_is_opened_by_keys() -> None:
    running = app()
    async with running.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+p")
        await settle(pilot)
        assert isinstance(running.screen, CommandPalette)
        await pilot.press(*"deploy", "minus", *"bot")
        await pilot.pause(0.6)
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert "deploy-bot › Summary" in shown(running)


async def test_enter_pressed_twice_opens_once() -> None:
    running = app()
    async with running.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+p")
        await settle(pilot)
        await pilot.press(*"deploy", "minus", *"bot")
        await pilot.pause(0.6)
        await settle(pilot)
        await pilot.press("enter", "enter", "enter")
        await settle(pilot)
        assert running.screen is running.explorer
        assert "deploy-bot › Summary" in shown(running)


async def test_arn_unique_id_and_access_key_lead_to_one_thing() -> None:
    running = app()
    async with running.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        user = next(u for u in running.session.world.snapshots[0].users if u.name == "deploy-bot")
        for query in (user.arn, user.unique_id):
            found = await hits(running, query)
            assert [hit.text for hit in found][:1] == ["deploy-bot"], query
        key = next(
            e.actor.access_key_id
            for e in running.session._book.log.newest_first()
            if e.actor.name == "deploy-bot" and e.actor.access_key_id
        )
        assert [hit.text for hit in await hits(running, key)][:1] == ["deploy-bot"]
        assert await hits(running, "AKIANOSUCHKEY0000000") == []


async def test_every_key_of_the_explorer_is_a_command() -> None:
    running = app()
    async with running.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        titles = {command.title for command in system_commands(running)}
        assert titles == {key.words.capitalize() for key in KEYS if key.where == "explorer" and key.id != "palette"}


async def test_a_name_like_markup_is_shown_as_it_is() -> None:
    running = app()
    async with running.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        listing = running.session.listing(next(iter(type(running.explorer.list.kind))))
        import msgspec

        row = listing.rows[1]
        evil = msgspec.structs.replace(row.item, name="[red]x\x1b]52;c;eA==\x07[/red]")
        listing.rows[1] = msgspec.structs.replace(row, item=evil)  # type: ignore[index]
        (hit, *_) = await hits(running, "[red]x")
        assert "\x1b" not in hit.text
        assert "[red]x" in str(hit.match_display)
