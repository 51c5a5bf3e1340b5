"""`:diff` and `:history`: the differences by keys at 80x24, one of them whole, where it leads, and hostile text inert."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from iamtui.config import Settings
from iamtui.session import Session
from iamtui.source.demo import DemoSource
from iamtui.source.evidence import EvidenceSource
from iamtui.ui.app import IamtuiApp
from iamtui.ui.screens.differences import DifferencePage, DifferencesPage, HistoryPage
from iamtui.ui.screens.pages import TextPage
from tests.hostile import CANARIES, write_evidence
from tests.support.demo import NOW
from tests.support.hosts import controls
from tests.support.points import a_month_ago, demo_bundle
from tests.ui.test_stories import settle, shown, take


@pytest.fixture(autouse=True)
def own_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(demo_bundle(tmp_path_factory.mktemp("old point") / "a month ago.zip", a_month_ago, at=NOW - timedelta(days=31)))


@asynccontextmanager
async def opened(*steps: str, size: tuple[int, int] = (80, 24), source: Any = None) -> AsyncIterator[tuple[IamtuiApp, Any]]:
    session = Session(source or DemoSource(now=NOW), now=lambda: NOW)
    session.open()
    app = IamtuiApp(session, Settings())
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        for step in steps:
            await take(pilot, step)
        yield app, pilot


async def test_what_is_another_than_a_month_ago(old: str) -> None:
    async with opened(f":diff '{old}'") as (app, pilot):
        assert isinstance(app.screen, DifferencesPage)
        screen = shown(app)
        assert "4 differences (2 critical, 1 high, 1 medium), access grew" in screen
        assert "critical svc-monito… is an administrator now" in screen
        assert "k.meyer@ac" in screen
        await take(pilot, "/dubois")
        assert "2 of them shown" in shown(app)
        await take(pilot, "down")
        await take(pilot, "enter")
        assert isinstance(app.screen, DifferencePage)
        text = app.screen.text
        for expected in (
            "grant added: policy AdministratorAccess attached",
            "AttachUserPolicy  k.meyer@acme.example (person)  by iam-admin",
            "grows    yes",
            "The document",
            '"Action": "*"',
        ):
            assert expected in text
        await take(pilot, "enter")
        assert app.screen is app.explorer
        assert "t.dubois › Summary" in shown(app)


async def test_sorted_copied_and_what_was_not_compared(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    async with opened(f":diff '{old}'", size=(160, 45)) as (app, pilot):
        monkeypatch.setattr(app, "copy", lambda text: copied.append(text) or "sent to the terminal")
        page = app.screen
        assert isinstance(page, DifferencesPage)
        await take(pilot, "s")
        assert [one.name for one in page._shown] == ["svc-monitoring", "svc-monitoring", "t.dubois", "t.dubois"]
        await take(pilot, "S")
        assert page._shown[0].name == "t.dubois"
        await take(pilot, "y")
        assert json.loads(copied[0])["name"] == "svc-monitoring"  # the cursor stays on what it was on
        assert "sent to the terminal" in shown(app)
        await take(pilot, "i")
        assert isinstance(app.screen, TextPage)
        assert "organisation policies: not read in the old one" in app.screen.text
        await take(pilot, "escape")
        await take(pilot, "/colour:red")
        assert "There is no column" in shown(app) or "no column" in shown(app)
        await take(pilot, "t")
        assert app.screen is app.explorer


async def test_what_cannot_be_compared_is_a_sentence() -> None:
    async with opened() as (app, pilot):
        for line, said in (
            (":diff", "OLD [NEW]"),
            (":diff a b c", "OLD [NEW]"),
            (":diff nowhere.zip", "There is no file or folder nowhere.zip"),
            (":diff 'open", "There is no file or folder 'open"),
            (":history t.dubois", "NAME BUNDLE"),
            (":history nobody nowhere.zip", "There is no file or folder nowhere.zip"),
        ):
            await take(pilot, line)
            assert app.screen is app.explorer
            assert said in app.explorer._said


async def test_the_history_of_the_identity_under_the_cursor(old: str, tmp_path: Path) -> None:
    folder = tmp_path / "points"
    folder.mkdir()
    shutil.copy(old, folder / "1.zip")
    demo_bundle(folder / "2.zip", at=NOW - timedelta(days=1))
    async with opened(":user/t.dubois", f":history . {folder}", size=(120, 30)) as (app, pilot):
        assert isinstance(app.screen, HistoryPage)
        screen = shown(app)
        assert "user t.dubois: there in 2 of 2 points" in screen
        assert "2026-02-08 09:30 2026-03-10 09:30 critical is an administrator now" in " ".join(screen.split())
        await take(pilot, "enter")
        assert isinstance(app.screen, DifferencePage)
        assert "no events are in the newer one" in app.screen.text
        await take(pilot, "escape")
        await take(pilot, "i")
        assert "first in" in app.screen.text  # type: ignore[attr-defined]
        await take(pilot, "escape")
        await take(pilot, "t")
        assert "t.dubois › Summary" in shown(app)


async def test_a_hostile_account_at_two_times_is_inert(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
        write_evidence(folder)
    for path in old.rglob("*.json"):
        try:
            answer = json.loads(path.read_bytes())
        except ValueError:
            continue
        if isinstance(answer, dict) and "UserDetailList" in answer:
            answer["UserDetailList"] = answer["UserDetailList"][::2]
            for user in answer["UserDetailList"]:
                user["Tags"], user["AttachedManagedPolicies"], user["UserPolicyList"] = [], [], []
            path.write_text(json.dumps(answer))
    async with opened(f":diff {old}", source=EvidenceSource((str(new),)), size=(100, 30)) as (app, pilot):
        page = app.screen
        assert isinstance(page, DifferencesPage)
        assert len(page._shown) > 20
        for _ in range(3):
            screen = shown(app)
            assert not controls(screen.replace("\n", ""))
            assert not any(canary in screen.encode("utf-8", "replace") for canary in CANARIES)
            await take(pilot, "enter")
            assert isinstance(app.screen, DifferencePage)
            assert not controls(app.screen.text.replace("\n", ""))
            await take(pilot, "escape")
            await take(pilot, "down")
