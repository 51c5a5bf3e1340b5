"""`:can` and `:who-can` by keys on 80x24."""

from __future__ import annotations

from pathlib import Path

import pytest

from iamtui.ui.screens.access import AnswersPage
from iamtui.ui.screens.pages import TextPage
from tests.ui.test_explorer import demo
from tests.ui.test_stories import settle, shown, take


@pytest.fixture(autouse=True)
def own_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


async def test_can_shows_the_statement_that_decided() -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await take(pilot, ":can inventory-scanner ec2:TerminateInstances arn:aws:ec2:eu-west-1:123456789012:instance/i-1")
        assert isinstance(app.screen, TextPage)
        lines = app.screen.text.splitlines()
        assert lines[0].startswith("Allowed")
        assert "identity policy inventory-scan (attached), statement Scan" in lines[1]
        marked = [line for line in lines if line.startswith("▌")]
        assert any('"Action": "ec2:*"' in line for line in marked)
        assert not any("Version" in line for line in marked)
        await take(pilot, "escape")
        assert app.screen is app.explorer


async def test_inside_an_identity_the_name_can_be_left_out() -> None:
    app = demo("User1")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await take(pilot, ":can iam:CreateUser")
        assert isinstance(app.screen, TextPage)
        assert app.screen.text.startswith("ImplicitlyDenied")
        assert "no identity policy allows it" in app.screen.text


async def test_who_can_leads_to_the_identity() -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await take(pilot, ":who-can iam:CreateUser")
        assert isinstance(app.screen, AnswersPage)
        assert "t.dubois" in shown(app)
        await take(pilot, "down")
        await take(pilot, "enter")
        assert app.screen is app.explorer
        assert "break-glass-2 › Permissions" in shown(app)


@pytest.mark.parametrize("line", [":can", ":can nobody-of-that-name s3:GetObject", ":can User1 nonsense", ":who-can s3:*", ":who-can"])
async def test_what_cannot_be_asked_is_a_sentence(line: str) -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await take(pilot, line)
        assert app.screen is app.explorer
        assert "service:Action" in app.explorer._said or "nowhere" in app.explorer._said


async def test_exposure_leads_to_the_trust_policy() -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await take(pilot, ":exposure")
        assert isinstance(app.screen, AnswersPage)
        seen = shown(app)
        assert "critical s3 acme-public-assets" in seen
        assert "open to everybody" in seen
        await take(pilot, "enter")
        assert isinstance(app.screen, TextPage)
        lines = app.screen.text.splitlines()
        assert "no condition" in lines[3]
        assert any(line.startswith("▌") and '"Principal": "*"' in line for line in lines)
        await take(pilot, "escape")
        for _ in range(3):
            await take(pilot, "down")
        await take(pilot, "enter")
        assert "partner-ingest › Trust" in shown(app)


async def test_escalations_show_the_steps() -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await take(pilot, ":escalations data-admin")
        assert isinstance(app.screen, AnswersPage)
        assert "Ways of data-admin" in shown(app)
        await take(pilot, "enter")
        assert isinstance(app.screen, TextPage)
        text = app.screen.text
        assert "iam:CreatePolicyVersion  Allowed: identity policy" in text
        assert "aws iam create-policy-version --policy-arn arn:aws:iam::123456789012:policy/" in text
