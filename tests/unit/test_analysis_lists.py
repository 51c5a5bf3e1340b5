"""Every cell of every list: its value or its state, with source and age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from iamtui.analysis import lists
from iamtui.analysis.lists import account_rows, columns
from iamtui.analysis.words import plain
from iamtui.model.account import CREDENTIALS, POLICIES, ROLES, SUMMARY, USERS, Section, Snapshot
from iamtui.model.credentials import AccessKey, Credentials, KeySlot
from iamtui.model.document import Document, Gap, Kind, Origin
from iamtui.model.event import Actor, ActorKind, Event, Outcome
from iamtui.model.fact import Fact, State, absent, known
from iamtui.model.identity import Group, Role, User
from iamtui.model.policy import Policy, PolicyRef
from iamtui.source.decode import Assembler
from tests.support.evidence import NOW, data, snapshot

ACCOUNT = "123456789012"
REPORT = "iam:GetCredentialReport"
CREATED = datetime(2024, 3, 1, tzinfo=UTC)
READ = Section(State.KNOWN, NOW, Origin("live", "iam:GetAccountAuthorizationDetails"), True)


def cell(kind: str, column: str, item: Any, of: Snapshot | None) -> Fact[Any]:
    (found,) = [c for c in columns(kind) if c.id == column]
    return found.fact(item, of)


def shown(kind: str, column: str, item: Any, of: Snapshot | None) -> str:
    return plain(cell(kind, column, item, of), NOW)


def user(name: str = "alice", **more: Any) -> User:
    return User(f"arn:aws:iam::{ACCOUNT}:user/{name}", name, f"AIDA{name.upper():0<16}", "/", ACCOUNT, CREATED, **more)


def role(**more: Any) -> Role:
    return msgspec.structs.replace(Role(f"arn:aws:iam::{ACCOUNT}:role/ci", "ci", "AROA1", "/", ACCOUNT, CREATED), **more)


def slot(active: bool = True, rotated: datetime | None = CREATED, used: Fact[datetime] | None = None) -> KeySlot:
    na: Fact[Any] = absent(State.NOT_APPLICABLE, REPORT, NOW)
    return KeySlot(known(active, REPORT, NOW), known(rotated, REPORT, NOW) if rotated else na, used or na, na, na)


def report(of: User, keys: tuple[KeySlot, ...] = (), password: Fact[datetime] | None = None, console: bool = True) -> Credentials:
    na: Fact[Any] = absent(State.NOT_APPLICABLE, REPORT, NOW)
    return Credentials(
        of.arn,
        of.name,
        known(CREATED, REPORT, NOW),
        known(console, REPORT, NOW),
        password or na,
        known(CREATED, REPORT, NOW) if console else na,
        na,
        known(True, REPORT, NOW),
        keys or (slot(False, None), slot(False, None)),
    )


def account(*users: User, rows: tuple[Credentials, ...] = (), **more: Any) -> Snapshot:
    sections = {USERS: READ, ROLES: READ, POLICIES: READ, "groups": READ}
    if rows:
        sections[CREDENTIALS] = Section(State.KNOWN, NOW, Origin("live", REPORT), True)
    sections |= more.pop("sections", {})
    return Snapshot(ACCOUNT, users=users, credentials={row.arn: row for row in rows}, sections=sections, **more)


FROM_REPORT = [
    "mfa",
    "console",
    "password-age",
    "password-used",
    "keys",
    "key1-age",
    "key1-used",
    "key2-age",
    "key2-used",
    "last-seen",
    "key1-active",
    "key1-where",
    "key2-active",
    "key2-where",
]


# -- columns ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["users", "roles", "groups", "policies", "events"])
def test_columns_are_well_formed(kind: str) -> None:
    found = columns(kind)
    assert len({column.id for column in found}) == len(found)
    assert all(column.help.endswith(".") and column.title == column.title.upper() and column.width > 0 for column in found)
    assert found[0].priority == 0
    assert columns(kind) is found
    account_column = next(column for column in found if column.id == "account")
    assert account_column.detail_only
    assert not next(column for column in columns(kind, True) if column.id == "account").detail_only


def test_there_is_no_other_list() -> None:
    with pytest.raises(ValueError, match="no list of cats"):
        columns("cats")


# -- users --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "state", "words"),
    [
        (Section(State.DENIED, NOW, None, False, REPORT), State.DENIED, f"denied ({REPORT})"),
        (Section(State.DENIED, NOW), State.DENIED, f"denied ({REPORT})"),
        (Section(State.FAILED, NOW, None, False, "throttled"), State.FAILED, "failed (throttled)"),
        (None, State.NOT_LOADED, "not loaded"),
    ],
)
def test_without_a_report_no_cell_of_it_is_blank_or_never(section: Section | None, state: State, words: str) -> None:
    alice = user()
    of = account(alice, sections={CREDENTIALS: section} if section else {})
    for column in FROM_REPORT:
        fact = cell("users", column, alice, of)
        assert fact.state is state, column
        assert fact.source == REPORT
        assert plain(fact, NOW) == words


def test_a_user_younger_than_the_report_has_no_information() -> None:
    alice, bob = user(), user("bob")
    of = account(alice, bob, rows=(report(bob),))
    assert {cell("users", column, alice, of).state for column in FROM_REPORT} == {State.NO_INFORMATION}


def test_key_columns() -> None:
    used = known(NOW - timedelta(days=3), REPORT, NOW)
    alice = user()
    of = account(alice, rows=(report(alice, (slot(True, CREATED, used), slot(False, CREATED, absent(State.NEVER, REPORT, NOW)))),))
    assert shown("users", "keys", alice, of) == "1 active, 1 inactive"
    assert shown("users", "key1-age", alice, of) == "2 y"
    assert shown("users", "key1-used", alice, of) == "3 d"
    assert shown("users", "key2-used", alice, of) == "never"
    assert shown("users", "key2-active", alice, of) == "no"
    fact = cell("users", "key1-used", alice, of)
    assert (fact.source, fact.as_of) == (REPORT, NOW)


def test_no_key_is_not_a_key_never_used() -> None:
    alice = user()
    of = account(alice, rows=(report(alice),))
    assert shown("users", "keys", alice, of) == "none"
    assert cell("users", "key1-used", alice, of).state is State.NOT_APPLICABLE
    assert cell("users", "key1-used", alice, of).detail == "no key"


def test_a_key_cell_that_cannot_be_read_is_no_missing_key() -> None:
    alice = user()
    broken = msgspec.structs.replace(slot(False, None), active=absent(State.FAILED, REPORT, NOW, "neither true nor false"))
    of = account(alice, rows=(report(alice, (broken, slot(False, None))),))
    assert cell("users", "keys", alice, of).state is State.FAILED
    assert cell("users", "key1-active", alice, of).state is State.FAILED


def test_never_used_needs_a_key_younger_than_the_records() -> None:
    old = datetime(2012, 1, 1, tzinfo=UTC)
    alice = user()
    of = account(alice, rows=(report(alice, (slot(True, old, absent(State.NEVER, REPORT, NOW)), slot(False, None))),))
    assert cell("users", "key1-used", alice, of).state is State.NO_INFORMATION


def test_without_a_password_its_columns_do_not_apply() -> None:
    alice = user()
    of = account(alice, rows=(report(alice, console=False),))
    for column in ("password-age", "password-used"):
        assert cell("users", column, alice, of).state is State.NOT_APPLICABLE
        assert cell("users", column, alice, of).detail == "no password"
    assert shown("users", "console", alice, of) == "no"


def test_listed_keys_stand_in_for_a_missing_report() -> None:
    alice = user()
    keys = (
        AccessKey("AKIA2", "alice", True, NOW - timedelta(days=5), absent(State.NEVER)),
        AccessKey("AKIA1", "alice", False, NOW - timedelta(days=50), known(NOW - timedelta(days=9)), "eu-west-1", "s3"),
    )
    of = account(alice, access_keys={alice.arn: keys})
    assert shown("users", "keys", alice, of) == "1 active, 1 inactive"
    assert shown("users", "key1-age", alice, of) == "50 d"
    assert shown("users", "key1-where", alice, of) == "s3 eu-west-1"
    assert shown("users", "key2-used", alice, of) == "never"
    assert shown("users", "last-seen", alice, of) == "9 d"


def test_last_seen_is_the_latest_of_all_sources() -> None:
    alice = user()
    password = known(NOW - timedelta(days=30), REPORT, NOW)
    key = slot(True, CREATED, known(NOW - timedelta(days=10), REPORT, NOW))
    of = account(alice, rows=(report(alice, (key, slot(False, None)), password),))
    assert shown("users", "last-seen", alice, of) == "10 d"
    assert cell("users", "last-seen", alice, of).detail == "key 1"
    later = msgspec.structs.replace(of, last_events={alice.arn: NOW - timedelta(days=2)})
    assert shown("users", "last-seen", alice, later) == "2 d"
    assert cell("users", "last-seen", alice, later).source == "CloudTrail events"


def test_last_seen_by_events_alone_says_what_was_denied() -> None:
    alice = user()
    denied = {CREDENTIALS: Section(State.DENIED, NOW, None, False, REPORT)}
    of = account(alice, sections=denied, last_events={alice.arn: NOW - timedelta(days=2)})
    fact = cell("users", "last-seen", alice, of)
    assert fact.is_known
    assert fact.detail == "event; credential report: denied"


@pytest.mark.parametrize(
    ("password", "created", "state"),
    [
        (absent(State.NOT_APPLICABLE, REPORT), CREATED, State.NEVER),
        (absent(State.NO_INFORMATION, REPORT), CREATED, State.NO_INFORMATION),
        (absent(State.FAILED, REPORT, None, "no date"), CREATED, State.FAILED),
        (absent(State.NOT_APPLICABLE, REPORT), datetime(2013, 1, 1, tzinfo=UTC), State.NO_INFORMATION),
    ],
)
def test_never_seen_only_where_the_sources_carry_it(password: Fact[datetime], created: datetime, state: State) -> None:
    alice = msgspec.structs.replace(user(), created=created)
    of = account(alice, rows=(report(alice, password=password),))
    assert cell("users", "last-seen", alice, of).state is state


# -- root and rows of the report alone ------------------------------------------------------------------------------------


def test_root_is_the_first_row() -> None:
    of = snapshot("credential_reports/cloudmapper-demo.csv")
    rows = account_rows(of)
    assert rows[0].name == lists.ROOT_NAME
    assert rows[0].arn == "arn:aws:iam::123456789012:root"
    assert shown("users", "mfa", rows[0], of) == "yes"
    assert cell("users", "groups", rows[0], of).state is State.NOT_APPLICABLE
    assert cell("users", "password-age", rows[0], of).state is State.NOT_APPLICABLE


def test_a_report_alone_lists_its_users_and_says_what_it_does_not_tell() -> None:
    of = snapshot("credential_reports/cloudmapper-demo.csv")
    auditor = next(row for row in account_rows(of) if row.name == "auditor_tmp")
    assert shown("users", "keys", auditor, of) == "1 active"
    assert shown("users", "key1-used", auditor, of) == "never"
    assert shown("users", "console", auditor, of) == "no"
    for column in ("groups", "policies", "path", "boundary", "tags"):
        assert cell("users", column, auditor, of).state is State.NOT_LOADED


def test_a_complete_list_of_users_is_not_lengthened_by_an_old_report() -> None:
    alice, gone = user(), user("gone")
    of = account(alice, rows=(report(alice), report(gone)))
    assert [row.name for row in account_rows(of)] == ["alice"]
    partial = account(alice, rows=(report(alice), report(gone)), sections={USERS: msgspec.structs.replace(READ, complete=False)})
    assert [row.name for row in account_rows(partial)] == ["alice", "gone"]
    assert cell("users", "groups", account_rows(partial)[1], partial).state is State.NOT_LOADED


def test_root_is_told_by_the_account_summary_too() -> None:
    of = account(user(), summary={"AccountMFAEnabled": 0}, sections={SUMMARY: READ})
    root = account_rows(of)[0]
    assert root.name == lists.ROOT_NAME
    assert shown("users", "mfa", root, of) == "no"
    assert cell("users", "keys", root, of).state is State.NOT_LOADED


def test_denied_report_through_the_decoder() -> None:
    assembler = Assembler()
    assembler.add(Document(Kind.AUTHORIZATION, data("iam/gaad/example-authz-details.json").read_bytes(), NOW, Origin("live", "x")))
    assembler.add(Gap(Kind.CREDENTIAL_REPORT, State.DENIED, "not authorized", action=REPORT, account="012345678901"))
    (of,) = assembler.world().snapshots
    rows = account_rows(of)
    assert [row.name for row in rows] == ["biden", "obama", "userwithlotsofpermissions"]
    assert {shown("users", column, row, of) for column in FROM_REPORT for row in rows} == {f"denied ({REPORT})"}
    assert shown("users", "groups", rows[0], of) == "biden"
    assert shown("users", "policies", rows[0], of) == "2"


# -- roles, groups, policies ------------------------------------------------------------------------------------------------


def test_role_last_used() -> None:
    of = account()
    used = role(last_used=NOW - timedelta(days=5), last_used_region="eu-west-1", last_used_told=True)
    assert (shown("roles", "last-used", used, of), shown("roles", "region", used, of)) == ("5 d", "eu-west-1")
    untold = role()
    assert cell("roles", "last-used", untold, of).state is State.NOT_LOADED
    old = role(last_used_told=True, created=NOW - timedelta(days=900))
    assert shown("roles", "last-used", old, of) == "not in 400 d"
    young = role(last_used_told=True, created=NOW - timedelta(days=1))
    assert cell("roles", "last-used", young, of).state is State.NOT_IN_TRACKING_PERIOD
    assert shown("roles", "last-used", young, of) == "not in 1 d (created 2026-10-31)"
    for unused in (old, young, untold):
        assert cell("roles", "region", unused, of).state is cell("roles", "last-used", unused, of).state
    later = msgspec.structs.replace(of, last_events={old.arn: NOW - timedelta(days=2)})
    assert shown("roles", "last-seen", old, later) == "2 d"
    assert shown("roles", "last-used", old, later) == "not in 400 d"


def test_role_columns() -> None:
    of = account()
    assert cell("roles", "trusted-by", role(), of).state is State.NOT_LOADED
    assert cell("roles", "trusted-by", role(trust="{"), of).state is State.FAILED
    assert cell("roles", "max-session", role(), of).state is State.NOT_LOADED
    assert shown("roles", "max-session", role(max_session=3600), of) == "1 h"
    assert shown("roles", "boundary", role(), of) == "none"
    assert shown("roles", "type", role(path="/aws-service-role/x/"), of) == "service-linked"


def test_group_members_are_a_lower_bound_while_users_are_missing() -> None:
    ops = Group(f"arn:aws:iam::{ACCOUNT}:group/ops", "ops", "AGPA1", "/", ACCOUNT, CREATED)
    members = (user(groups=("ops",)), user("bob", groups=("ops", "dev")))
    assert shown("groups", "members", ops, account(*members)) == "2"
    partial = account(*members, sections={USERS: msgspec.structs.replace(READ, complete=False)})
    assert shown("groups", "members", ops, partial) == "2+"
    denied = account(sections={USERS: Section(State.DENIED, NOW, None, False, "iam:ListUsers")})
    assert shown("groups", "members", ops, denied) == "denied (iam:ListUsers)"


def test_policy_columns() -> None:
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    policy = Policy(arn, "ReadOnlyAccess", "ANPA1", "/", ACCOUNT, CREATED, CREATED, "v1", None, None, True)
    of = account(user(attached=(PolicyRef(arn, "ReadOnlyAccess"),)), user("bob", boundary=PolicyRef(arn, "ReadOnlyAccess")))
    assert shown("policies", "owner", policy, of) == "AWS"
    assert shown("policies", "attached", policy, of) == "1"
    assert shown("policies", "boundary-use", policy, of) == "1"
    assert shown("policies", "attached-to", policy, of) == "user/alice"
    assert shown("policies", "attached", msgspec.structs.replace(policy, attachment_count=7), of) == "7"
    unread = account(sections={ROLES: Section()})
    assert cell("policies", "attached", policy, unread).state is State.NOT_LOADED


# -- events -----------------------------------------------------------------------------------------------------------------


def test_event_columns_need_no_snapshot() -> None:
    actor = Actor(ActorKind.ROLE, "ci", "arn:aws:iam::1:role/ci", session_name="i-0abc")
    event = Event(
        "id", NOW - timedelta(hours=3), "AttachUserPolicy", "iam.amazonaws.com", "us-east-1", ACCOUNT, actor, Outcome.DENIED, False, "{}",
        targets=("ops-admin", "arn:aws:iam::aws:policy/AdministratorAccess"), error_code="AccessDenied", ip="192.0.2.1",
    )  # fmt: skip
    assert {column.id: plain(column.fact(event, None), NOW) for column in columns("events") if not column.detail_only} == {
        "time": "3 h",
        "actor": "ci/i-0abc",
        "event": "AttachUserPolicy",
        "service": "iam",
        "target": "ops-admin, policy/AdministratorAccess",
        "outcome": "denied",
        "class": "low",
        "origin": "192.0.2.1",
        "region": "us-east-1",
        "error": "AccessDenied",
        "access": "write",
    }


def test_what_a_record_does_not_tell_is_no_information() -> None:
    event = Event("", None, "", "", "", "", Actor(ActorKind.UNKNOWN, ""), Outcome.UNKNOWN, None, "{}")
    for column in ("time", "event", "service", "origin", "region", "account", "access", "user-agent"):
        assert cell("events", column, event, None).state is State.NO_INFORMATION, column
    assert shown("events", "actor", event, None) == "unknown"
    assert shown("events", "target", event, None) == "none"


# -- everything there is ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "gaad/boundaries.json",
        "gaad/example-authz-details.json",
        "gaad/truncated-page.json",
        "gaad/trust-star.json",
        "credential_reports/fixinventory.csv",
    ],
)
def test_every_cell_of_real_accounts_has_words(name: str) -> None:
    of = snapshot(name)
    for kind in ("users", "roles", "groups", "policies"):
        for item in account_rows(of) if kind == "users" else getattr(of, kind):
            for column in columns(kind):
                fact = column.fact(item, of)
                assert plain(fact, NOW)
                assert fact.source or column.id in (
                    "account",
                    "account-name",
                    "arn",
                    "groups",
                    "policies",
                    "path",
                    "boundary",
                    "tags",
                    "unique-id",
                ), column.id
