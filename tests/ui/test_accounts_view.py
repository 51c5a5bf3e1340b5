"""Many accounts on screen: how many there are, which are missing, and ways between them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from iamtui.config import Settings
from iamtui.session import ListKind, Session
from iamtui.source.evidence import EvidenceSource
from iamtui.ui.app import IamtuiApp
from iamtui.ui.screens.access import AnswersPage
from tests.support.accounts import B, C
from tests.ui.test_access import take
from tests.unit.test_accounts import HOSTILE, write_folder

NOW = datetime(2026, 11, 27, 13, tzinfo=UTC)


async def test_accounts_are_counted_listed_and_lead_to_what_is_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    folder = tmp_path / "accounts"
    folder.mkdir()
    write_folder(folder)
    session = Session(EvidenceSource([str(folder)]), now=lambda: NOW)
    for _ in session.refresh():
        pass
    app = IamtuiApp(session, Settings())
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        assert "2 accounts, 1 missing" in str(app.explorer._header.render())
        await take(pilot, ":accounts")
        page = app.screen
        assert isinstance(page, AnswersPage)
        assert "Accounts: 3, 1 missing" in page._title
        cells = [page._rows[0][0](column).text for column in range(len(page._columns))]
        assert cells[0] == C
        assert "\x1b" not in "".join(cells)
        assert HOSTILE not in cells[1]
        await pilot.press("down", "enter")
        await pilot.pause()
        assert app.explorer.list.kind is ListKind.USERS
        assert {row.item.name for row in app.explorer.list.selection.rows} == {"bea"}  # type: ignore[union-attr]
        await take(pilot, ":escalations")
        page = app.screen
        assert isinstance(page, AnswersPage)
        rows = [[cell(column).text for column in range(len(page._columns))] for cell, _ in page._rows]
        assert ["ana", "Assume dev/admin", "administrator of account dev", "", "sts:AssumeRole", "prod"] in rows
    assert B in {snapshot.account for snapshot in session.world.snapshots}
