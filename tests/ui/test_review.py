"""Selecting, deciding and taking back in the explorer, and the queue of a review: by keys, on 80x24."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from iamtui.config import Settings
from iamtui.model.review import Decision
from iamtui.session import Session, campaigns
from iamtui.session.reviewing import ReviewSettings, rows_named
from iamtui.source.demo import DemoSource
from iamtui.ui.app import IamtuiApp
from iamtui.ui.screens.deciding import DecideDialog
from iamtui.ui.screens.review import ReviewScreen
from iamtui.ui.screens.reviewitem import ItemScreen
from iamtui.ui.widgets.line import Line as OneLine
from tests.hostile import NASTY

NOW = datetime(2026, 10, 1, 14, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CONFIG", "CACHE", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path))


class Quiet(DemoSource):
    """The demo account without its events, which take a second to read."""

    def events(self, *given: Any, **more: Any) -> Iterator[Any]:
        return iter(())


def session_of(path: Path | None = None, who: str = "ana", now: datetime = NOW) -> Session:
    session = Session(Quiet(now=NOW), now=lambda: now)
    session.review_settings = ReviewSettings(path, who)
    session.open()
    return session


def demo(path: Path | None = None, who: str = "ana", now: datetime = NOW) -> IamtuiApp:
    return IamtuiApp(session_of(path, who, now), Settings())


async def settle(pilot: Any) -> None:
    for _ in range(2):
        await pilot.pause()
        await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def press(pilot: Any, *keys: str) -> None:
    for key in keys:
        await pilot.press(*key[1:]) if key.startswith("~") else await pilot.press(key)
    await settle(pilot)


async def until(pilot: Any, true: Callable[[], bool]) -> None:
    for _ in range(400):
        if true():
            return
        await pilot.pause(0.02)
    raise AssertionError(shown(pilot.app))


def shown(app: IamtuiApp) -> str:
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in app.screen._compositor.render_strips())


def marked(app: IamtuiApp, text: str) -> list[str]:
    from iamtui.session import ListKind

    return [row.item.name for row in app.session.select(ListKind.USERS, text).rows]  # type: ignore[union-attr]


async def test_select_ranges_all_inverted_and_the_shifted_arrows() -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        pane = app.explorer.list
        await press(pilot, "V")
        assert "Select one row with space first" in shown(app)
        await press(pilot, "space", "j", "j", "V")
        assert len(pane.state.marks) == 4
        await press(pilot, "I")
        assert len(pane.state.marks) == 37
        await press(pilot, "asterisk")
        assert len(pane.state.marks) == 41
        await press(pilot, "asterisk")
        assert pane.state.marks == set()
        await press(pilot, "g", "shift+down", "shift+down", "shift+up")
        assert len(pane.state.marks) == 3
        assert "3 selected" in shown(app)


async def test_decide_for_all_selected_with_reason_end_and_ticket(tmp_path: Path) -> None:
    app = demo(tmp_path / "l.db")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "j", "space", "space", "m")
        assert isinstance(app.screen, DecideDialog)
        text = shown(app)
        assert "Decide about a.fischer, b.jones" in text
        assert "[keep]" in text
        await press(pilot, "r", "r", "r", "x")  # reduce, remove, reduce; no decision begins with x
        assert "[reduce]" in shown(app)
        await press(pilot, "r", "e", "m", "tab", "~left in May", "tab", "~90d", "down", "~SEC-7", "enter")
        await until(pilot, lambda: app.screen is app.explorer and app.session.has_marks)
        await settle(pilot)
        assert "remove on 2; U takes it back" in shown(app)
        assert "MARK" in shown(app)
        assert app.explorer.list.state.marks == set()
        assert marked(app, "mark:remove") == ["a.fischer", "b.jones"]
        held = app.session.standing(rows_named(app.session, ["b.jones"])[0])
        assert held is not None
        assert (held.mark.reason, held.mark.ticket, held.mark.expires) == ("left in May", "SEC-7", NOW + timedelta(days=90))
        await press(pilot, "U")
        await until(pilot, lambda: not app.session.has_marks)
        assert "Taken back: remove on 2 (a.fischer, b.jones)" in shown(app)
        assert "MARK" not in shown(app)


async def test_an_exception_without_reason_or_end_is_asked_for_and_esc_decides_nothing() -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "m", "e", "enter")
        assert "An exception needs a reason" in shown(app)
        await press(pilot, "~why", "enter")
        assert "An exception needs an end" in shown(app)
        await press(pilot, "~soon", "enter")
        assert "soon is no end" in shown(app)
        await press(pilot, "escape")
        assert app.screen is app.explorer
        assert not app.session.has_marks


@pytest.mark.parametrize("too", [False, True])
async def test_what_the_filter_hides_is_asked_about(too: bool) -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "j", "space", "space", "slash", "~fischer", "enter")
        assert "2 selected, 1 of them hidden" in shown(app)
        await press(pilot, "m")
        text = shown(app)
        assert "1 of the 2 selected are hidden by the filter" in text
        assert "[only the 1 shown]" in text
        await press(pilot, "r", "tab", *(["right"] if too else []), "enter")
        await until(pilot, lambda: app.session.has_marks)
        assert marked(app, "mark:reduce") == (["a.fischer", "b.jones"] if too else ["a.fischer"])


async def test_events_are_facts() -> None:
    app = IamtuiApp(Session(DemoSource(now=NOW), now=lambda: NOW), Settings())
    app.session.open()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "5", "m")
        assert "Events are facts" in shown(app)


async def test_compare_still_takes_what_is_selected() -> None:
    app = demo()
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "j", "space", "d")
        await until(pilot, lambda: app.screen is not app.explorer)
        assert "a.fischer and b.jones" in shown(app)


async def test_the_summary_tells_who_decided_what_and_what_changed(tmp_path: Path) -> None:
    first = session_of(tmp_path / "l.db", "ben")
    first.load_marks()
    row = rows_named(first, ["jenkins"])[0]
    first.decide([row], Decision.KEEP, reason="runs the pipelines", ticket="OPS-1")
    app = demo(tmp_path / "l.db", now=NOW + timedelta(days=200))  # nobody has seen it for long: that is a change
    async with app.run_test(size=(100, 40)) as pilot:
        await settle(pilot)
        assert "1 reopened: /mark:reopened" in shown(app)
        await press(pilot, "slash", "~mark:reopened", "enter", "enter")
        text = shown(app)
        assert "keep by ben" in text
        assert "runs the pipelines" in text
        assert "use: within 90 days → not within 90 days" in text


async def test_an_owner_is_set_by_a_line() -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "j", "colon", "~owner dana", "enter")
        await until(pilot, lambda: marked(app, "owner:dana") == ["a.fischer"])
        await settle(pilot)
        assert "1 answered for by dana" in shown(app)


# -- the queue ---------------------------------------------------------------------------------------------------------


async def queue(app: IamtuiApp, pilot: Any) -> ReviewScreen:
    await settle(pilot)
    await press(pilot, "8")
    screen = app.screen
    assert isinstance(screen, ReviewScreen)
    await until(pilot, lambda: screen.queue is not None)
    await settle(pilot)
    return screen


async def test_the_queue_decides_and_moves_on(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    session = session_of(path)
    campaigns.start(session, "2026 Q4", campaigns.scope_of(["users"]))
    app = demo(path)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "0/38" in shown(app)
        screen = await queue(app, pilot)
        assert "0 of 38 decided" in shown(app)
        first, second, third = (state.item.subject.name for state in screen.shown[:3])
        await press(pilot, "X")
        await until(pilot, lambda: "1 of 38 decided" in shown(app))
        assert f"remove: {first}; U takes it back" in shown(app)
        assert screen.table.cursor == 1
        await press(pilot, "enter")
        assert isinstance(app.screen, ItemScreen)
        await until(pilot, lambda: "open · 2 of 38 · 2026 Q4" in shown(app) and "signs" in shown(app))
        await press(pilot, "K")
        await until(pilot, lambda: third in shown(app).splitlines()[0])
        await press(pilot, "U", "escape")
        await until(pilot, lambda: "1 of 38 decided" in shown(app))
        assert screen.state() is not None
        assert {s.item.subject.name for s in screen.shown if s.decided} == {first}
        await press(pilot, "p", "escape")
        assert app.screen is app.explorer
        assert "1/38" in shown(app)
        assert marked(app, "mark:remove") == [first]
        assert second not in marked(app, "mark:keep")


async def test_one_grant_by_itself_and_into_the_explorer(tmp_path: Path) -> None:
    app = demo(tmp_path / "l.db")
    async with app.run_test(size=(80, 24)) as pilot:
        await queue(app, pilot)
        await press(pilot, "slash", "~test-migration", "enter", "enter")
        screen = app.screen
        assert isinstance(screen, ItemScreen)
        await until(pilot, lambda: bool(screen._rows))
        text = shown(app)
        for words in (
            "administrator",
            "its owner d.kowalski left",
            "last seen",
            "AdministratorAccess",
            "everything: it can give anybody any rights",
        ):
            assert words in text
        place = next(n for n, row in enumerate(screen._rows) if row.part is not None)
        screen.table.move_to(place)
        await press(pilot, "X")
        await until(pilot, lambda: "[remove]" in shown(app))
        assert screen.table.cursor == place
        (held,) = app.session.desk.folded.marks.values()
        assert held.mark.subject.noun == "grant"
        await press(pilot, "enter")
        assert app.screen is app.explorer
        assert "› test-migration › Permissions" in shown(app)


async def test_confirming_as_before_is_one_key(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    session = session_of(path, "ben")
    session.load_marks()
    session.decide(rows_named(session, ["d.kowalski"]), Decision.REMOVE, reason="left")
    later = NOW + timedelta(minutes=5)
    campaigns.start(session_of(path, now=later), "Q4", campaigns.scope_of(["users"]))
    app = demo(path, now=later)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await queue(app, pilot)
        assert "= remove" in shown(app)
        await press(pilot, "c")
        await until(pilot, lambda: "1 of 38 decided" in shown(app))
        assert "1 as before" in shown(app)
        assert screen.queue is not None
        assert dict(screen.queue.progress.reviewers) == {"ana": 1}


async def test_a_campaign_is_begun_by_a_line_and_digits_lead_away() -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.explorer.go(':review start "2026 Q4" roles test-; users kowalski')
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen) and app.screen.queue is not None)
        await settle(pilot)
        assert "2026 Q4" in shown(app)
        assert "0 of 3 decided" in shown(app)
        await press(pilot, "2")
        assert app.screen is app.explorer
        assert "roles" in shown(app)
        app.explorer.go(":review start")
        await settle(pilot)
        assert ":review start NAME" in shown(app)
        app.explorer.go(":review nothing")
        await settle(pilot)
        assert "There is no campaign nothing" in shown(app)


async def test_a_start_without_a_ledger_opens_none(tmp_path: Path) -> None:
    app = demo(tmp_path / "none/l.db")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert app.session._desk is None
        assert not (tmp_path / "none").exists()


async def test_a_ledger_that_is_damaged_is_a_problem_to_read(tmp_path: Path) -> None:
    (tmp_path / "l.db").write_text("no database " * 100)
    app = demo(tmp_path / "l.db")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "exclamation_mark")
        assert f"The ledger {tmp_path}"[:60] in shown(app)
        await press(pilot, "escape", "m", "enter")
        await settle(pilot)
        assert f"The ledger {tmp_path}"[:60] in shown(app)


async def test_what_strangers_and_reviewers_write_is_inert() -> None:
    session = session_of()
    session.load_marks()
    rows = rows_named(session, ["jenkins", "ci-runner", "d.kowalski"])
    for text in NASTY.values():
        session.decide(rows, Decision.REDUCE, reason=text, ticket=text)
    session.set_owner(rows, NASTY["osc52"] + NASTY["markup"])
    app = IamtuiApp(session, Settings())
    async with app.run_test(size=(60, 15)) as pilot:
        await settle(pilot)
        await press(pilot, "slash", "~mark:reduce", "enter", "enter", "m", "escape", "escape", "8")
        screen = app.screen
        assert isinstance(screen, ReviewScreen)
        await until(pilot, lambda: screen.queue is not None)
        await press(pilot, "slash", "~jenkins", "enter", "enter")
        await asyncio.sleep(0)
        assert not [c for c in shown(app) if not c.isprintable() and c != "\n"]


async def test_the_plan_of_what_is_decided_is_shown_form_by_form_copied_and_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from iamtui.ui.screens.plan import PlanPage

    monkeypatch.chdir(tmp_path)
    app = demo()
    app.session.decide(rows_named(app.session, ["d.kowalski", "role/test-migration"]), Decision.REMOVE, reason="left")
    copied: list[str] = []
    app.copy = lambda text: copied.append(text) or "Sent"  # type: ignore[method-assign,func-returns-value]
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "8")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen) and app.screen.queue is not None)
        await press(pilot, "P")
        await until(pilot, lambda: isinstance(app.screen, PlanPage))
        await settle(pilot)
        assert "#!/bin/sh" in shown(app)
        assert "AWS CLI: 11 steps for 2 decisions" in shown(app)
        await press(pilot, "y", "t")
        assert copied[0].startswith("#!/bin/sh\n# Cleanup plan of account")
        assert "drop delete-user --user-name=d.kowalski" in copied[0]
        assert "Terraform" in shown(app)
        await press(pilot, "e")
        await until(pilot, lambda: "write to:" in shown(app))
        await press(pilot, "enter")
        (written,) = tmp_path.glob("*.tf")
        await until(pilot, lambda: f"Wrote {written.name}" in shown(app))
        assert "from = aws_iam_user.d_kowalski" in written.read_text()
        assert written.stat().st_mode & 0o077 == 0
        await press(pilot, "escape", "escape")
        assert app.screen is app.explorer


async def test_a_plan_of_nothing_says_what_to_do() -> None:
    app = demo()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "colon", *"plan", "enter")
        await until(pilot, lambda: "Nothing is decided that could be acted on" in shown(app))


def said(app: IamtuiApp) -> str:
    """The bottom line of the review, as far as it goes: more than the screen shows of it."""
    return app.screen.query_one("#page-hints", OneLine).content.plain


async def test_the_report_is_written_from_the_queue_and_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    session = session_of()
    app = IamtuiApp(session, Settings())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "8")
        await settle(pilot)
        await press(pilot, "e")
        assert "once a campaign is begun" in said(app)
        await press(pilot, "escape")
        campaigns.start(session, "2026 Q4", (("users", "ops"),))
        await press(pilot, "8")
        await settle(pilot)
        await press(pilot, "X")
        await settle(pilot)
        await press(pilot, "e", "enter")
        await settle(pilot)
        assert "Wrote the report of 2026 Q4 to iamtui-review-2026-q4.html" in said(app)
        assert "not reproducible" in said(app)
        assert "<h2" in (tmp_path / "iamtui-review-2026-q4.html").read_text()
        await press(pilot, "e")
        app.screen.query_one("#prompt-input").value = "x.doc"  # type: ignore[attr-defined]
        await press(pilot, "enter")
        await settle(pilot)
        assert "x.doc is of no form" in said(app)
        await press(pilot, "escape")
        app.do("report", "csv kept.txt")
        await settle(pilot)
        assert (tmp_path / "kept.txt").read_text().startswith("record,name,")


async def test_a_grant_and_a_key_are_decided_about_where_they_stand() -> None:
    app = demo()
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        app.explorer.go("jenkins")
        await settle(pilot)
        await press(pilot, "right", "m")
        assert "jenkins" in shown(app)  # on the line of everything together it is the identity
        await press(pilot, "escape", "j", "m")
        dialog = shown(app)
        grant = app.session.grants(app.explorer.current_row())[0]  # type: ignore[arg-type]
        assert grant.policy_name in dialog
        await press(pilot, "r", "enter")
        await until(pilot, lambda: "U takes it back" in shown(app))
        assert re.search(rf"MARK.*\n(.*\n)?.*{re.escape(grant.policy_name[:12])}.* reduce ", shown(app))
        for _ in range(9):
            if app.explorer._detail.tab == "credentials":  # type: ignore[union-attr]
                break
            await press(pilot, "right")
        await press(pilot, "m")
        assert "Decide about which?" in shown(app)
        assert "the user" in shown(app)
        await press(pilot, "enter")
        await press(pilot, "enter")
        await until(pilot, lambda: len(app.session.marks) == 2)
        held = [one.mark.subject.noun for one in app.session.marks.values()]
        assert sorted(held) == ["access key", "grant"]
