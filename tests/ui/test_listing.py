"""While an account is read for the first time rows keep their places, also when a user known from the report gets an id."""

from __future__ import annotations

from datetime import UTC, datetime

from iamtui.model.account import Snapshot
from iamtui.model.identity import User
from iamtui.session import Row, Session
from iamtui.source.demo import DemoSource
from iamtui.ui.screens.listing import ListPane


def row(name: str, unique_id: str) -> Row:
    arn = f"arn:aws:iam::123456789012:user/{name}"
    return Row(f"{arn}#{unique_id}", User(arn, name, unique_id, "/", "123456789012", None), Snapshot("123456789012"))


def test_a_user_of_the_report_keeps_its_place_when_its_details_come() -> None:
    pane = ListPane(Session(DemoSource(now=datetime(2026, 11, 1, tzinfo=UTC))))
    first = [row("ana", ""), row("ben", "AIDAB"), row("eve", "")]
    assert pane._calm(first) == first
    then = [row("aba", "AIDAX"), row("ana", "AIDAA"), row("ben", "AIDAB"), row("eve", "")]
    assert pane._calm(then) == [*then[1:], then[0]]


def test_a_user_made_again_is_another_row() -> None:
    pane = ListPane(Session(DemoSource(now=datetime(2026, 11, 1, tzinfo=UTC))))
    before = [row("ana", "AIDAOLD"), row("ben", "AIDAB")]
    assert pane._calm(before) == before
    after = [row("ana", "AIDANEW"), before[1]]
    assert pane._calm(after) == [after[1], after[0]]
