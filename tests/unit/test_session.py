"""The session: what stays while newer answers come, what is said when they do not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from iamtui.errors import AwsError, CredentialsError
from iamtui.model.account import USERS
from iamtui.model.document import Document, Gap, Kind, Origin
from iamtui.model.fact import State
from iamtui.session import Link, ListKind, Session
from iamtui.source.base import SourceInfo
from iamtui.source.demo import DemoSource
from tests.server.accounts import large_account

NOW = datetime(2026, 10, 1, 14, 2, tzinfo=UTC)
LIVE = Origin("live", "iam:GetAccountAuthorizationDetails")


def page(name: str, count: int, complete: bool = True, part: int = 0) -> Document:
    field = {"User": "UserDetailList", "Role": "RoleDetailList", "Group": "GroupDetailList"}.get(name, "Policies")
    whole = large_account(count, count, 1)
    entries = list(whole[field]) if name != "AWSManagedPolicy" else []
    return Document(
        Kind.AUTHORIZATION, msgspec.json.encode({field: entries}), NOW, LIVE, "123456789012", name, part=part, complete=complete
    )


class Scripted:
    """Gives one prepared answer after another."""

    info = SourceInfo(kind="live", connection="test")

    def __init__(self, *answers: list[Any]) -> None:
        self.answers = list(answers)

    def account(self, cancelled: Any = None) -> Iterator[Any]:
        for item in self.answers.pop(0):
            if isinstance(item, Exception):
                raise item
            yield item

    def events(self, query: Any, cancelled: Any = None) -> Iterator[Any]:
        yield from ()

    last_accessed = access_keys = policy_version = events


ALL = [page(name, 5) for name in ("User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy")]


def refreshed(*answers: list[Any]) -> Session:
    session = Session(Scripted(*answers), now=lambda: NOW)  # type: ignore[arg-type]
    for _ in answers:
        for _ in session.refresh():
            pass
    return session


def names(session: Session, kind: ListKind) -> list[str]:
    return [row.item.name for row in session.listing(kind).rows]


def test_a_list_that_is_refused_stays_as_it_was() -> None:
    refused = Gap(
        Kind.AUTHORIZATION, State.DENIED, "not authorized", "iam:GetAccountAuthorizationDetails", "123456789012", "User", origin=LIVE
    )
    session = refreshed(ALL, [refused, *ALL[1:]])
    assert len(names(session, ListKind.USERS)) == 5
    section = session.world.snapshots[0].section(USERS)
    assert section.state is State.KNOWN
    assert section.detail
    assert any("denied" in problem.what for problem in session.problems())


def test_a_list_that_is_refused_the_first_time_is_denied_not_empty() -> None:
    refused = Gap(
        Kind.AUTHORIZATION, State.DENIED, "not authorized", "iam:GetAccountAuthorizationDetails", "123456789012", "User", origin=LIVE
    )
    listing = refreshed([*ALL[1:], refused]).listing(ListKind.USERS)
    assert listing.state.state is State.DENIED
    assert list(listing.rows) == []
    assert not listing.complete


def test_an_unfinished_list_does_not_replace_a_finished_one() -> None:
    session = refreshed(ALL, [page("User", 2, complete=False), AwsError("the network went away", "r")])
    assert len(names(session, ListKind.USERS)) == 5
    assert session.link is Link.UNREACHABLE


def test_a_shorter_finished_list_does() -> None:
    session = refreshed(ALL, [page("User", 2), *ALL[1:]])
    assert names(session, ListKind.USERS) == ["user-0", "user-1"]
    assert session.link is Link.CURRENT


def test_expired_credentials_leave_everything_to_look_at() -> None:
    session = refreshed(ALL, [CredentialsError("expired", "aws sso login --profile x, then r")])
    assert len(names(session, ListKind.ROLES)) == 5
    assert session.link is Link.NO_CREDENTIALS
    assert session.problems()[-1].hint.startswith("aws sso login")


def test_problems_are_said_once() -> None:
    session = refreshed([AwsError("gone", "r")], [AwsError("gone", "r")])
    assert [p.what for p in session.problems()] == ["gone"]


def test_selection_tells_a_wrong_filter_and_narrows_nothing() -> None:
    session = refreshed(ALL)
    selection = session.select(ListKind.USERS, "colour:red")
    assert selection.error
    assert len(selection) == 5
    assert [selection.row(i).item.name for i in range(len(session.select(ListKind.USERS, "user-3")))]  # type: ignore[union-attr]
    assert session.select(ListKind.USERS, "", sort="nothing").error


def test_keys_are_stable_over_refreshes_and_tell_recreated_names_apart() -> None:
    session = refreshed(ALL, ALL)
    before = session.listing(ListKind.USERS).rows[0].key
    assert session.row(before) is not None
    assert "#" in before


def test_a_list_looked_at_before_the_last_window_was_told_becomes_complete() -> None:
    """All events can be there before the source says that nothing is missing; a list made in between must not stay partial."""
    session = Session(DemoSource(now=NOW), now=lambda: NOW)
    session.open()
    seen = [session.listing(ListKind.EVENTS).complete for _ in session.load_events()]
    assert not seen[0]
    assert session.listing(ListKind.EVENTS).complete


def test_the_demo_answers_everything_without_a_network() -> None:
    session = Session(DemoSource(now=NOW), now=lambda: NOW)
    session.open()
    for activity in session.load_events():
        last = activity
    assert not last.running
    assert last.total is not None
    assert last.total > 15_000
    for target in ("deploy-bot", "role/ci-deploy", "group/ops", "policy/deploy-base"):
        row = session.find(target)[0].row
        assert session.describe(row)["kind"] in ("user", "role", "group", "policy")
        assert session.console_url(row).startswith("https://")
    row = session.find("deploy-bot")[0].row
    for update in session.load_usage(row):
        finished = update.finished
    assert finished
    assert session.usage(row).state is State.KNOWN
    assert session.usage_rows(row)
    assert session.load_access_keys(row).keys.value
    assert session.find(session.load_access_keys(row).keys.value[0].key_id)[0].row.key == row.key  # type: ignore[index]
