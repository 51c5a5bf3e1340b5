"""Accounts that are known of, read or not; a reading of many of them without a network; many of them in lists and campaigns."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from iamtui.cli import cli
from iamtui.commands.organization import accounts_of, excluded_of
from iamtui.errors import AwsError, BadInputError, UsageError
from iamtui.model.accounts import KnownAccount, Reading
from iamtui.model.document import Document, Gap, Kind, Origin
from iamtui.model.fact import State
from iamtui.session import ListKind, Session
from iamtui.session.collecting import Collection, Progress
from iamtui.session.collectingtext import end_words, progress_words
from iamtui.source.decode import Assembler
from iamtui.source.evidence import EvidenceSource
from iamtui.source.evidence.bundle import read_bundle
from iamtui.source.live import LiveOptions
from iamtui.source.live.limits import JobLimit
from iamtui.source.live.members import Members, NotAssumed
from iamtui.store.bundle import write_bundle
from tests.support.accounts import ADMIN, A, B, C, assume, gaad, role, root, trust, user

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
ORIGIN = Origin("evidence", "accounts.json")
HOSTILE = "\x1b]0;owned\x07[bold]=cmd|' /C calc'!A0"


# -- what is told ----------------------------------------------------------------------------------------------------


def listed(*entries: dict[str, Any], at: datetime = NOW) -> Document:
    return Document(Kind.ACCOUNTS, json.dumps({"Accounts": list(entries)}).encode(), at, ORIGIN)


def test_state_is_read_and_its_older_name_where_there_is_no_other() -> None:
    assembler = Assembler()
    assembler.add(
        listed(
            {"Id": A, "Name": "a", "State": "PENDING_CLOSURE", "Status": "ACTIVE"},
            {"Id": B, "Name": HOSTILE, "Status": "SUSPENDED"},
            {"Id": "12", "Name": "no id"},
            {"Id": {"x": 1}},
        )
    )
    world = assembler.world()
    assert {number: (one.name, one.status) for number, one in world.accounts.items()} == {
        A: ("a", "PENDING_CLOSURE"),
        B: (HOSTILE, "SUSPENDED"),
    }
    assert world.gaps == ()  # a list alone claims nothing about what was to be read


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"Accounts": 3}', b"\xff", b'{"Accounts": [' + b"[" * 5000])
def test_what_is_no_list_of_accounts_is_a_gap(body: bytes) -> None:
    assembler = Assembler()
    assembler.add(Document(Kind.ACCOUNTS, body, NOW, ORIGIN))
    assert [gap.kind for gap in assembler.world().gaps] == [Kind.ACCOUNTS]


def test_a_newer_list_leads_and_what_a_sweep_told_stays() -> None:
    told = {"Result": "denied", "Reason": "no", "Action": "sts:AssumeRole", "At": "2026-11-26T00:00:00Z"}
    swept = listed({"Id": A, "Name": "old", "State": "ACTIVE", "Reading": told}, at=NOW - timedelta(days=1))
    newer = listed({"Id": A, "Name": "new", "State": "SUSPENDED"})
    for order in ((swept, newer), (newer, swept)):
        assembler = Assembler()
        for one in order:
            assembler.add(one)
        known = assembler.world().accounts[A]
        assert (known.name, known.status, known.reading, known.reason) == ("new", "SUSPENDED", Reading.DENIED, "no")
        (gap,) = assembler.world().gaps
        assert (gap.state, gap.account, gap.action) == (State.DENIED, A, "sts:AssumeRole")


# -- lists that people name ------------------------------------------------------------------------------------------

ACCEPTED = [
    ("lines.txt", f"# mine\n{A}\n\n2222-2222-2222  # with dashes\n{A}\n", [A, B]),
    ("table.csv", f"Name,Account ID,Owner\nprod,{A},x\ndev,{B},y\n", [A, B]),
    ("bare.csv", f"prod;{A}\ndev;{B}\n", [A, B]),
    ("list.json", json.dumps({"Accounts": [{"Id": A, "Name": "prod", "State": "ACTIVE"}, {"Id": B}]}), [A, B]),
    ("plain.json", json.dumps([A, B]), [A, B]),
]


@pytest.mark.parametrize(("name", "text", "ids"), ACCEPTED, ids=[case[0] for case in ACCEPTED])
def test_lists_of_accounts_come_in_these_forms(tmp_path: Path, name: str, text: str, ids: list[str]) -> None:
    path = tmp_path / name
    path.write_text("\ufeff" + text)
    assert [one.account for one in accounts_of([str(path)])] == ids
    assert accounts_of([f"{A},{B}"]) == (KnownAccount(A), KnownAccount(B))
    assert set(excluded_of([str(path), "sandbox"])) == {*ids, "sandbox"}


@pytest.mark.parametrize(
    ("text", "words"),
    [("11111111111\n", "leading zeros"), ("{", "no JSON"), ('{"a": 1}', "no list of accounts"), ("[[1]]", "no id"), ("", "no account"), ("id,name\nx,y", "no id")],
)  # fmt: skip
def test_a_list_nobody_can_read_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "list"
    path.write_text(text)
    with pytest.raises(BadInputError, match=words):
        accounts_of([str(path)])
    with pytest.raises(UsageError, match="no such file"):
        accounts_of(["no-such-file.csv"])


def test_wrong_use_is_said_before_anything_is_asked(tmp_path: Path) -> None:
    for options in (
        ["--organization", "--demo"],
        ["--organization", "--every", "24h"],
        ["--role-name", "x"],
        ["--organization", "--role-name", "arn:aws:iam::111111111111:role/x"],
    ):
        told = CliRunner().invoke(cli, ["collect", "-o", str(tmp_path / "out"), *options])
        assert isinstance(told.exception, UsageError), options
    assert not (tmp_path / "out").exists()


def test_roles_are_named_in_the_callers_partition() -> None:
    way = Members(LiveOptions(), "/audit/iamtui")
    way.partition = "aws-cn"
    assert way.role_arn(A) == f"arn:aws-cn:iam::{A}:role/audit/iamtui"


# -- a run -----------------------------------------------------------------------------------------------------------


class Fake:
    """A source of one account."""

    def __init__(self, account: str, items: Callable[[Callable[[], bool]], Iterator[Any]]) -> None:
        self.number, self.items = account, items

    def account(self, cancelled: Callable[[], bool]) -> Iterator[Any]:
        return self.items(cancelled)


def body(account: str, *gaps: Gap) -> Callable[[Callable[[], bool]], Iterator[Any]]:
    def items(_: Callable[[], bool]) -> Iterator[Any]:
        yield Document(Kind.AUTHORIZATION, gaad([user(account, "ana")]), NOW, Origin("live", "iam:GetAccountAuthorizationDetails"), account)
        yield from gaps

    return items


class Way:
    """A way into accounts that does what a test says: by account, what each attempt comes to, the last one for ever."""

    account = "999999999999"

    def __init__(self, **outcomes: list[Any]) -> None:
        self.outcomes = {name.strip("_"): held for name, held in outcomes.items()}
        self.asked: list[str] = []

    def who(self) -> None:
        pass

    def accounts(self, cancelled: Any = None) -> Iterator[Any]:
        yield listed(*({"Id": number, "Name": f"n{number[0]}", "State": "ACTIVE"} for number in self.outcomes))

    def organization(self, cancelled: Any = None) -> Iterator[Any]:
        yield from ()

    def into(self, known: KnownAccount) -> tuple[Any, str]:
        self.asked.append(known.account)
        held = self.outcomes[known.account]
        outcome = held.pop(0) if len(held) > 1 else held[0]
        if isinstance(outcome, Exception):
            raise outcome
        return Fake(known.account, outcome), f"arn:aws:iam::{known.account}:role/r"


def drive(way: Way, folder: Path, *, now: datetime = NOW, cancelled: Any = lambda: False, **options: Any) -> Progress:
    run = Collection(way, folder, lambda: now, **options)
    clock = iter(range(10**9))
    run._limit = JobLimit(run._at_once, clock=lambda: float(next(clock)), sleep=lambda _: None)
    return list(run.run(cancelled))[-1]


def refusal(reading: Reading = Reading.DENIED, **more: bool) -> NotAssumed:
    return NotAssumed(reading, "refused", "do this", **more)


def readings(progress: Progress) -> dict[str, Reading | None]:
    return {one.account: one.reading for one in progress.accounts}


def test_what_is_throttled_is_tried_again_and_named_when_it_stays_so(tmp_path: Path) -> None:
    throttled = refusal(Reading.FAILED, throttled=True)
    way = Way(**{f"_{A}": [throttled, throttled, body(A)], f"_{B}": [throttled]})
    last = drive(way, tmp_path / "out")
    assert readings(last) == {A: Reading.READ, B: Reading.FAILED}
    assert (way.asked.count(A), way.asked.count(B)) == (3, 4)
    assert not last.whole
    assert "2 accounts: 1 read, 1 failed" in end_words(last, "out")


def test_a_network_that_is_gone_ends_the_run_early(tmp_path: Path) -> None:
    accounts = {f"_{number:012d}": [refusal(Reading.FAILED, network=True)] for number in range(30)}
    last = drive(Way(**accounts), tmp_path / "out", at_once=1)
    assert "was not reached" in last.broken
    assert last.failed < 10
    assert "the same command goes on" in end_words(last, "out").casefold()
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_young_bundles_stay_and_what_had_failed_is_read_again(tmp_path: Path) -> None:
    failed = Gap(Kind.CREDENTIAL_REPORT, State.FAILED, "late", "iam:GetCredentialReport", B)
    denied = Gap(Kind.CREDENTIAL_REPORT, State.DENIED, "no", "iam:GetCredentialReport", C)
    way = Way(**{f"_{A}": [body(A)], f"_{B}": [body(B, failed), body(B)], f"_{C}": [body(C, denied)]})
    first = drive(way, tmp_path)
    assert readings(first) == {A: Reading.READ, B: Reading.PARTLY, C: Reading.PARTLY}
    way.asked.clear()
    second = drive(way, tmp_path, now=NOW + timedelta(hours=3))
    assert way.asked == [B]
    assert readings(second) == {A: Reading.READ, B: Reading.READ, C: Reading.PARTLY}
    assert (second.fresh, second.read, second.partly) == (1, 1, 1)
    way.asked.clear()
    drive(way, tmp_path, now=NOW + timedelta(hours=26))
    assert set(way.asked) == {A, C}
    (tmp_path / f"{A}.zip").write_bytes(b"PK damaged")
    way.asked.clear()
    drive(way, tmp_path, now=NOW + timedelta(hours=26))
    assert way.asked == [A]
    way.asked.clear()
    drive(way, tmp_path, now=NOW + timedelta(hours=26), again=True)
    assert set(way.asked) == {A, B, C}


def test_what_a_killed_run_had_begun_is_taken_away(tmp_path: Path) -> None:
    old, young, theirs = f".{A}.zip.0123456789ab", f".{B}.zip.0123456789ab", ".mine.zip.0123456789ab"
    for name in (old, young, theirs):
        (tmp_path / name).write_bytes(b"PK")
    for name in (old, theirs):
        os.utime(tmp_path / name, (1, 1))
    drive(Way(**{f"_{A}": [body(A)]}), tmp_path)
    assert sorted(path.name for path in tmp_path.glob(".*")) == sorted([young, theirs])


def test_closed_and_excluded_accounts_are_not_asked(tmp_path: Path) -> None:
    way = Way(**{f"_{A}": [body(A)], f"_{B}": [body(B)], f"_{C}": [body(C)]})
    way.accounts = lambda cancelled=None: iter(  # type: ignore[method-assign]
        [
            listed(
                {"Id": A, "Name": "a", "State": "ACTIVE"}, {"Id": B, "State": "SUSPENDED"}, {"Id": C, "Name": "Sandbox", "State": "ACTIVE"}
            )
        ]
    )
    last = drive(way, tmp_path, excluded=["sandbox"])
    assert way.asked == [A]
    assert readings(last) == {A: Reading.READ, B: Reading.CLOSED, C: Reading.EXCLUDED}
    assert last.whole
    with pytest.raises(BadInputError, match="no such account"):
        drive(way, tmp_path, excluded=["sandbocks"])


def test_cancelled_it_ends_at_once_and_keeps_what_was_whole(tmp_path: Path) -> None:
    stopped = threading.Event()

    def endless(cancelled: Callable[[], bool]) -> Iterator[Any]:
        stopped.set()
        while not cancelled():
            stopped.wait(0.01)
        yield from ()

    way = Way(**{f"_{A}": [body(A)], f"_{B}": [endless]})
    last = drive(way, tmp_path, cancelled=stopped.is_set, at_once=1)
    assert last.stopped
    assert "stopped with 1 to read" in end_words(last, "out")
    assert (tmp_path / f"{A}.zip").exists()
    assert not (tmp_path / f"{B}.zip").exists()
    (told,) = [d for d in read_bundle(str(tmp_path / "organization.zip")) if isinstance(d, Document)]
    assert {one["Id"]: one["Reading"]["Result"] for one in json.loads(told.body)["Accounts"]} == {A: "read", B: "not read"}


def test_a_defect_in_one_thread_is_no_silence(tmp_path: Path) -> None:
    class Broken(Exception):
        pass

    with pytest.raises(Broken):
        drive(Way(**{f"_{A}": [Broken()]}), tmp_path)
    last = drive(Way(**{f"_{A}": [AwsError("AWS does not answer", "see")]}), tmp_path)
    assert last.broken == "AWS does not answer; see"


def test_progress_is_words() -> None:
    told = Progress(total=100, read=30, fresh=5, denied=2, in_flight=6, rate=12, left=timedelta(minutes=5))
    assert progress_words(told) == "accounts: 37 of 100, 6 at once, 12 a minute, 5 min left, 2 denied"


# -- many accounts in front of somebody ------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_folder(tmp_path)
    return tmp_path


def write_folder(tmp_path: Path) -> None:
    """Two accounts that were read, one with a hostile name that was denied."""
    for number, identities in (
        (A, [user(A, "ana", assume("*")), user(A, "old")]),
        (B, [role(B, "admin", trust(root(A)), ADMIN), user(B, "bea")]),
    ):
        document = Document(Kind.AUTHORIZATION, gaad(identities), NOW, ORIGIN, number)
        write_bundle(tmp_path / f"{number}.zip", [document], [], source="live", created=NOW)
    told = {"Result": "denied", "Reason": HOSTILE, "Action": "sts:AssumeRole", "Hint": "ask"}
    entries = [{"Id": A, "Name": "prod"}, {"Id": B, "Name": "dev"}, {"Id": C, "Name": HOSTILE, "Reading": told}]
    write_bundle(tmp_path / "organization.zip", [listed(*entries)], [], source="live", created=NOW)


def command(folder: Path, *words: str) -> Any:
    return CliRunner().invoke(cli, [*words, "--from", str(folder)])


def test_lists_and_answers_are_of_all_accounts(folder: Path) -> None:
    session = Session(EvidenceSource([str(folder)]), now=lambda: NOW)
    for _ in session.refresh():
        pass
    for wanted, names in (
        ("", {"ana", "old", "bea"}),
        ("account:prod", {"ana", "old"}),
        (f"account:={B}", {"bea"}),
        ("account:=dev", {"bea"}),
        ("!account:dev", {"ana", "old"}),
        ("acc:prod|dev", {"ana", "old", "bea"}),
        ("account:nowhere", set()),
    ):
        assert {row.item.name for row in session.select(ListKind.USERS, wanted).rows} == names, wanted  # type: ignore[union-attr]
    shown = {c.id for c in session.listing(ListKind.USERS).columns if not c.detail_only}
    assert {"account", "account-name"} <= shown
    assert {one.account for one in session.who_can("sts:AssumeRole", f"arn:aws:iam::{B}:role/admin")} == {A}
    assert {(c.identity.name, c.account) for c in session.ways().crossings} == {("ana", B)}
    assert {one.account for practice in session.load_practices() for one in practice.offenders} >= {A, B}
    assert session.load_findings()
    assert {row.snapshot.account for row in session.listing(ListKind.FINDINGS).rows} == {A, B}


def test_a_missing_account_is_everywhere_and_inert(folder: Path) -> None:
    for words in (("accounts",), ("accounts", "--format", "csv"), ("accounts", "--format", "json"), ("list", "users"), ("escalations",)):
        told = command(folder, *words)
        assert told.exit_code in (1, 4), words
        assert "\x1b" not in told.output
        assert "\x07" not in told.output
        assert C in told.output, words
    assert "'=cmd" not in command(folder, "accounts", "--format", "csv").stdout  # it does not begin the cell
    assert [line.split()[0] for line in command(folder, "accounts", "state:read").stdout.splitlines()[1:]] == [B, A]


def test_a_campaign_is_over_all_accounts_and_one_over_one(folder: Path, tmp_path: Path) -> None:
    ledger = ["--ledger", str(tmp_path / "l.db"), "--reviewer", "ana"]
    assert CliRunner().invoke(cli, ["review", "start", "all", "--scope", "users", "--from", str(folder), *ledger]).exit_code in (0, 4)
    told = CliRunner().invoke(cli, ["review", "queue", "all", "--format", "json", "--from", str(folder), *ledger])
    assert {one["subject"]["account"] for one in json.loads(told.stdout)} == {A, B}
    table = CliRunner().invoke(cli, ["review", "queue", "all", "--from", str(folder), *ledger]).stdout
    assert "prod" in table
    assert "dev" in table
    CliRunner().invoke(cli, ["review", "start", "dev", "--scope", "users account:dev", "--from", str(folder), *ledger])
    told = CliRunner().invoke(cli, ["review", "queue", "dev", "--format", "json", "--from", str(folder), *ledger])
    assert {one["subject"]["account"] for one in json.loads(told.stdout)} == {B}
