"""What screens look like: the demo account with a fixed clock. `--snapshot-update` makes them anew; look at them first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from iamtui.config import Settings
from iamtui.session import ListKind, Session
from iamtui.source.demo import DemoSource
from iamtui.ui.app import IamtuiApp
from iamtui.ui.screenshot import settle as settled
from tests.faulty import Faulty

NOW = datetime(2026, 10, 1, 14, 2, tzinfo=UTC)
NARROW, WIDE = (80, 24), (140, 36)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def app(theme: str = "iamtui-dark", source: Any = None) -> IamtuiApp:
    session = Session(source or DemoSource(now=NOW), now=lambda: NOW)
    session.open()
    return IamtuiApp(session, Settings(theme=theme))


def at(do: Callable[[IamtuiApp], Any] | None = None) -> Callable[[Any], Any]:
    """Settle, go somewhere, settle."""

    async def before(pilot: Any) -> None:
        await settle(pilot)
        if do is not None:
            do(pilot.app)
            await settle(pilot)

    return before


async def settle(pilot: Any) -> None:
    await settled(pilot.app, pilot)


def listing(kind: ListKind, text: str = "") -> Callable[[IamtuiApp], None]:
    return lambda app: app.explorer.go_to_list(kind, text)


def identity(name: str, tab: str) -> Callable[[IamtuiApp], None]:
    return lambda app: app.explorer.open_row(app.session.find(name)[0].row, tab)


VIEWS = {
    "users-narrow": (None, NARROW),
    "users-wide": (None, WIDE),
    "roles-narrow": (listing(ListKind.ROLES), NARROW),
    "groups-narrow": (listing(ListKind.GROUPS), NARROW),
    "policies-narrow": (listing(ListKind.POLICIES), NARROW),
    "events-wide": (listing(ListKind.EVENTS), WIDE),
    "events-of-interest": (listing(ListKind.EVENTS, "class:critical|high"), NARROW),
    "event": (lambda app: app.explorer.open_row(app.session.select(ListKind.EVENTS, "about:policies class:critical").row(0)), NARROW),
    "nothing-matches": (listing(ListKind.USERS, "no-such-name"), NARROW),
    "filter-not-understood": (listing(ListKind.USERS, "colour:red"), NARROW),
    "user-permissions": (identity("deploy-bot", "permissions"), NARROW),
    "user-last-used": (identity("deploy-bot", "used"), NARROW),
    "user-credentials": (identity("deploy-bot", "credentials"), NARROW),
    "role-activity": (identity("role/ci-deploy", "activity"), WIDE),
    "user-story": (identity("ci-runner", "story"), NARROW),
    "role-trust": (identity("role/ci-deploy", "trust"), NARROW),
    "policy-versions": (identity("policy/deploy-base", "versions"), NARROW),
    "findings-narrow": (listing(ListKind.FINDINGS), NARROW),
    "findings-wide": (listing(ListKind.FINDINGS, "kind:escalation"), WIDE),
    "who-can": (lambda app: app.explorer.go(":who-can iam:CreateUser"), NARROW),
    "can": (lambda app: app.explorer.go(":can inventory-scanner ec2:TerminateInstances"), NARROW),
    "unused": (lambda app: app.explorer.go(":unused inventory-scanner"), NARROW),
    "compare": (lambda app: app.explorer.go(":compare deploy-bot inventory-scanner"), NARROW),
    "escalations": (lambda app: app.explorer.go(":escalations"), NARROW),
    "exposure": (lambda app: app.explorer.go(":exposure"), NARROW),
    "summary-narrow": (lambda app: app.explorer.action_summary(), NARROW),
    "summary-wide": (lambda app: app.explorer.action_summary(), WIDE),
    "guards": (lambda app: app.explorer.go(":guards"), NARROW),
    "practices": (lambda app: app.explorer.go(":practices"), NARROW),
    "review": (lambda app: app.explorer.go(":review"), NARROW),
    "help": (lambda app: app.explorer.action_help(), NARROW),
    "small": (None, (60, 15)),
    "too-small": (None, (50, 10)),
}


@pytest.mark.parametrize("view", VIEWS)
def test_a_view(view: str, snap_compare: Any) -> None:
    do, size = VIEWS[view]
    assert snap_compare(app(), terminal_size=size, run_before=at(do))


@pytest.mark.parametrize("theme", ["iamtui-light", "iamtui-ansi"])
def test_another_palette(theme: str, snap_compare: Any) -> None:
    assert snap_compare(app(theme), terminal_size=NARROW, run_before=at())


def test_denied_is_not_never(snap_compare: Any) -> None:
    """Denied credential report: every column it feeds says so."""
    assert snap_compare(app(source=Faulty(DemoSource(now=NOW))), terminal_size=WIDE, run_before=at())
