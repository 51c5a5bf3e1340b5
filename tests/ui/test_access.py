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


async def test_effective_access_by_service_and_down_to_actions() -> None:
    app = demo("deploy-bot")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await take(pilot, "right")
        await take(pilot, "enter")
        await settle(pilot)
        text = shown(app)
        assert "6 services · limited by permissions boundary ci-boundary" in text
        assert "cloudformation     Full access" in text
        await take(pilot, "down")
        await take(pilot, "down")
        await take(pilot, "enter")
        text = shown(app)
        assert "Limited: Write 2/54  on every resource" in text
        assert "and within its limits when" in text
        assert "RegisterTaskDefinition, UpdateService" in text
        assert "granted by deploy-base (attached)" in text
        await take(pilot, "escape")
        assert "ACCESS" in shown(app)
        await take(pilot, "t")
        await settle(pilot)
        assert "Explicitly denied, whatever else allows it" in shown(app)
        await take(pilot, "escape")
        assert "everything together" in shown(app)


async def test_two_identities_side_by_side() -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await take(pilot, ":roles")
        for key in ("space", "down", "d"):
            await take(pilot, key)
        await settle(pilot)
        assert isinstance(app.screen, AnswersPage)
        assert "services and levels differ" in shown(app)
        await take(pilot, "enter")
        assert isinstance(app.screen, TextPage)
        assert app.screen.text.splitlines()[2].startswith("Only ")
        await take(pilot, "escape")
        await take(pilot, "escape")
        await take(pilot, ":compare deploy-bot inventory-scanner")
        await settle(pilot)
        assert "deploy-bot and inventory-scanner" in shown(app)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (":compare nobody-here deploy-bot", "nobody-here is nowhere"),
        (":compare deploy-bot deploy-bot x", "Select one user"),
        (":unused nobody-here", "nobody-here is nowhere"),
        (":preflight", ":preflight OLD NEW"),
        (":preflight none /no/such/file", "neither a file nor a policy"),
        (":preflight none none for nobody-here", "nobody-here is nowhere"),
    ],
)
async def test_questions_that_lead_nowhere_are_sentences(line: str, words: str) -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await take(pilot, line)
        await settle(pilot)
        assert app.screen is app.explorer
        assert words in shown(app)


async def test_nothing_marked_is_nothing_to_compare() -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await take(pilot, "d")
        assert "Select one user, role or group with space" in shown(app)


async def test_unused_shows_the_smaller_policy() -> None:
    app = demo()
    async with app.run_test(size=(100, 40)) as pilot:
        await settle(pilot)
        await take(pilot, ":unused inventory-scanner")
        await settle(pilot)
        assert isinstance(app.screen, TextPage)
        text = app.screen.text
        assert "801 of 826 actions unused in 90 days, 24 not observable" in text
        assert '+       "Action": "ec2:DescribeInstances",' in text
        assert '-       "Action": "ec2:*",' in text
        assert "1 use asked of the engine before and after: all stay allowed" in text


async def test_preflight_of_the_policy_under_the_cursor(tmp_path: Path) -> None:
    new = tmp_path / "new.json"
    new.write_text('{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:*", "Resource": "*"}}', encoding="utf-8")
    app = demo("policy/inventory-scan")
    async with app.run_test(size=(100, 40)) as pilot:
        await settle(pilot)
        await take(pilot, f":preflight {new}")
        await settle(pilot)
        assert isinstance(app.screen, TextPage)
        lines = app.screen.text.splitlines()
        assert lines[0] == "Access grows"
        assert "escalation  inventory-scanner: becomes an administrator" in app.screen.text


async def test_findings_lead_to_what_they_are_about() -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await take(pilot, "6")
        await settle(pilot)
        text = shown(app)
        assert "critical exposure   acme-public-assets" in text
        assert "6 Findings" in text
        await take(pilot, ":findings kind:escalation jenkins-agent")
        await take(pilot, "enter")
        assert "What to do" in shown(app)
        await take(pilot, "t")
        await settle(pilot)
        assert "jenkins-agent › Permissions" in shown(app)


async def test_w_on_an_event_asks_who_else_may() -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await take(pilot, ":events AttachUserPolicy")
        await take(pilot, "w")
        await settle(pilot)
        assert isinstance(app.screen, AnswersPage)
        assert "Who can iam:AttachUserPolicy" in shown(app)
        await take(pilot, "escape")
        await take(pilot, ":users")
        await take(pilot, "w")
        assert ":who-can" in shown(app).replace(": who", ":who")
