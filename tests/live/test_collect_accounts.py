"""Many accounts over loopback: an emulated organisation, with a proxy before it that refuses, throttles and counts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from iamtui.cli import cli
from iamtui.errors import Exit, RefusedError
from iamtui.model.accounts import Reading
from iamtui.policy.decision import Effect
from iamtui.session import Session
from iamtui.source.evidence import EvidenceSource
from iamtui.source.live import LiveOptions, LiveSource
from iamtui.store.cache import Cache
from tests.live.test_emulators import free_port, serve
from tests.support.organization import ROLE, Call, client, furnish, nothing, proxy

READS = {
    "GetCallerIdentity", "ListAccounts", "DescribeOrganization", "ListRoots", "ListAccountsForParent", "ListOrganizationalUnitsForParent",
    "ListPolicies", "ListTargetsForPolicy", "DescribePolicy", "GetAccountAuthorizationDetails", "GetCredentialReport",
    "ListAccountAliases", "GetAccountSummary", "GetAccountPasswordPolicy",
}  # fmt: skip
NOW = datetime.now(UTC)
NAMES = ["prod", "dev", "\x1b[31mred[/] =1+1", "logs", "shared"]
HOSTILE = NAMES[2]


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    port = free_port()
    yield from serve([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port)


@pytest.fixture(scope="module")
def made(moto: str) -> dict[str, str]:
    return furnish(moto, NAMES)


def run(url: str, folder: Path, *more: str) -> Any:
    return CliRunner().invoke(cli, ["collect", "--organization", "--endpoint-url", url, "-o", str(folder), *more])


def opened(folder: Path) -> Session:
    session = Session(EvidenceSource([str(folder)]))
    for _ in session.refresh():
        pass
    return session


def denied(made: dict[str, str], *names: str) -> Any:
    """AssumeRole is refused for some accounts."""
    accounts = {made[name] for name in names}

    def refuse(call: Call) -> tuple[int, str, str] | None:
        if call.operation == "AssumeRole" and call.account in accounts:
            return 403, "AccessDenied", f"not authorized to perform: sts:AssumeRole on resource: {call.form['RoleArn']}"
        return None

    return refuse


def test_every_account_is_read_and_a_refused_one_is_a_state(moto: str, made: dict[str, str], tmp_path: Path) -> None:
    """ListAccounts in pages of two, its first call throttled; one account refuses the role; one's own refuses it too and is read all the
    same. The folder opens as one, and everything says who is missing."""
    calls: list[Call] = []
    refuse = denied(made, "dev", "management")
    throttled = iter([(400, "TooManyRequestsException", "Rate exceeded")])

    def both(call: Call) -> tuple[int, str, str] | None:
        if call.operation == "ListAccounts":
            call.json["MaxResults"] = 2
            return next(throttled, None)
        return refuse(call)

    folder = tmp_path / "out"
    with proxy(moto, both, calls) as url:
        told = run(url, folder, "--external-id", "tick-et")
    assert told.exit_code == Exit.PARTIAL, told.output
    assert f"{made['dev']} (dev) denied: sts:AssumeRole: not authorized" in told.stderr
    assert "--exclude" in told.stderr
    assert "6 accounts: 5 read, 1 denied" in told.stderr
    assert sum(call.operation == "ListAccounts" for call in calls) == 4
    assumed = [call.form for call in calls if call.operation == "AssumeRole" and call.account == made["prod"]]
    assert assumed[0]["RoleArn"] == f"arn:aws:iam::{made['prod']}:role/{ROLE}"
    assert (assumed[0]["ExternalId"], assumed[0]["RoleSessionName"]) == ("tick-et", "iamtui")
    assert {call.operation for call in calls} - {"AssumeRole", "GenerateCredentialReport"} <= READS
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*(f"{number}.zip" for name, number in made.items() if name != "dev"), "organization.zip"]
    )
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder, *folder.iterdir()))
    for path in folder.iterdir():
        with zipfile.ZipFile(path) as archive:
            assert not any(b"@example.com" in archive.read(name) for name in archive.namelist())

    session = opened(folder)
    assert {s.account for s in session.world.snapshots} == set(made.values()) - {made["dev"]}
    lines = {line.name: line for line in session.accounts()}
    assert lines["dev"].reading is Reading.DENIED
    assert (lines["dev"].snapshot, lines["dev"].action) == (None, "sts:AssumeRole")
    assert lines["prod"].path == "Root/workloads"
    assert lines["prod"].reading is Reading.READ
    assert lines["prod"].snapshot is not None
    assert session.missing_accounts() == 1
    assert [gap.account for gap in session.world.gaps] == [made["dev"]]
    assert any("is missing" in problem.what for problem in session.problems())

    shown = CliRunner().invoke(cli, ["accounts", "--from", str(folder)])
    assert shown.exit_code == Exit.PARTIAL
    assert "\x1b" not in shown.stdout
    table = CliRunner().invoke(cli, ["accounts", "name:red", "--format", "csv", "--from", str(folder)])
    assert made[HOSTILE] in table.stdout
    assert "\x1b" not in table.stdout
    users = CliRunner().invoke(cli, ["list", "users", "account:prod", "user-", "--format", "json", "--from", str(folder)])
    assert [one["user"] for one in json.loads(users.stdout)] == ["user-0"]


def test_a_killed_run_goes_on_where_it_was(moto: str, made: dict[str, str], tmp_path: Path) -> None:
    """Killed while one account hangs: what was finished stays whole, the next run asks only for the rest."""
    folder = tmp_path / "out"
    held, asked = made["shared"], threading.Event()
    release = threading.Event()

    def hang(call: Call) -> None:
        if call.operation == "AssumeRole" and call.account == held:
            asked.set()
            release.wait(30)

    with proxy(moto, hang) as url:
        command = [sys.executable, "-m", "iamtui", "collect", "--organization", "--at-once", "2", "--endpoint-url", url, "-o", str(folder)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ})
        try:
            assert asked.wait(20)
            end = time.monotonic() + 20
            while len(list(folder.glob("[0-9]*.zip"))) < 5 and time.monotonic() < end:
                time.sleep(0.02)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            release.set()
    done = {path.name for path in folder.glob("[0-9]*.zip")}
    assert done == {f"{number}.zip" for number in made.values() if number != held}
    before = opened(folder)
    lines = {line.account: line for line in before.accounts()}
    assert lines[held].reading is Reading.NOT_READ
    assert all(line.reading is Reading.READ for number, line in lines.items() if number != held)

    stamps = {path.name: path.stat().st_mtime_ns for path in folder.glob("[0-9]*.zip")}
    calls: list[Call] = []
    with proxy(moto, nothing, calls) as url:
        told = run(url, folder)
    assert told.exit_code == Exit.FINE, told.output
    assert "5 read within the last 24 h" in told.stderr
    assert {call.account for call in calls if call.operation == "AssumeRole"} == {held}
    assert {name: (folder / name).stat().st_mtime_ns for name in stamps} == stamps
    assert not opened(folder).world.gaps


def test_credentials_that_end_in_the_middle_end_the_run(moto: str, made: dict[str, str], tmp_path: Path) -> None:
    """What the caller's own credentials cannot do any more is no state of one account."""

    def expired(call: Call) -> tuple[int, str, str] | None:
        if call.operation == "AssumeRole" and call.account == made["logs"]:
            return 403, "ExpiredToken", "The security token included in the request is expired"
        return None

    with proxy(moto, expired) as url:
        told = run(url, tmp_path / "out", "--at-once", "1", "--accounts", f"{made['prod']},{made['logs']},{made['dev']}")
    assert told.exit_code == Exit.PARTIAL
    assert "ended early with 2 to read: The AWS credentials have expired" in told.stderr
    lines = {
        line.account: line.reading for line in opened(tmp_path / "out").accounts(f"account:{made['prod']}|{made['logs']}|{made['dev']}")
    }
    assert lines == {made["prod"]: Reading.READ, made["logs"]: Reading.NOT_READ, made["dev"]: Reading.NOT_READ}


def test_an_account_that_denies_iam_is_denied_and_an_older_bundle_stays(moto: str, made: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with proxy(moto, nothing) as url:
        assert run(url, folder, "--accounts", made["prod"]).exit_code == Exit.FINE
    first = (folder / f"{made['prod']}.zip").read_bytes()

    def refuse(call: Call) -> tuple[int, str, str] | None:
        return (403, "AccessDenied", "not authorized") if call.operation == "GetAccountAuthorizationDetails" else None

    with proxy(moto, refuse) as url:
        told = run(url, folder, "--accounts", made["prod"], "--again")
    assert told.exit_code == Exit.PARTIAL
    assert "iam:GetAccountAuthorizationDetails" in told.stderr
    assert (folder / f"{made['prod']}.zip").read_bytes() == first
    line = next(line for line in opened(folder).accounts() if line.account == made["prod"])
    assert line.reading is Reading.DENIED
    assert line.snapshot is not None


SCP = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*"}]}


def test_organisation_policies_decide_as_those_of_evidence_do(moto: str, made: dict[str, str], tmp_path: Path) -> None:
    organizations = client(moto, "organizations")
    root = organizations.list_roots()["Roots"][0]["Id"]
    unit = organizations.list_organizational_units_for_parent(ParentId=root)["OrganizationalUnits"][0]["Id"]
    with proxy(moto, nothing) as url:
        run(url, tmp_path / "before", "--accounts", f"{made['prod']},{made['dev']}")
    assert not opened(tmp_path / "before").surroundings().organizations[0].policies  # no kind of policy is on
    organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    policy = organizations.create_policy(Content=json.dumps(SCP), Description="", Name="no-delete", Type="SERVICE_CONTROL_POLICY")
    organizations.attach_policy(PolicyId=policy["Policy"]["PolicySummary"]["Id"], TargetId=unit)
    folder = tmp_path / "out"
    with proxy(moto, nothing) as url:
        assert run(url, folder, "--accounts", f"{made['prod']},{made['dev']}").exit_code == Exit.FINE
    live = opened(folder)
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    everything = {"Name": "FullAWSAccess", "Type": "SERVICE_CONTROL_POLICY", "Content": json.dumps(allow)}
    accounts = {name: {"Id": made[name], "Name": name, "Type": "Account", "Policies": [everything]} for name in ("prod", "dev")}
    tree = {
        "Id": root,
        "Arn": f"arn:aws:organizations::{made['management']}:root/o-aa111bb222/{root}",
        "Name": "Root",
        "Policies": [everything],
        "Children": [
            {
                "Id": unit,
                "Name": "workloads",
                "Policies": [everything, {"Name": "no-delete", "Type": "SERVICE_CONTROL_POLICY", "Content": json.dumps(SCP)}],
                "Children": [accounts["prod"]],
            },
            accounts["dev"],
        ],
    }
    saved = tmp_path / "saved"
    saved.mkdir()
    (saved / "organization.json").write_text(json.dumps(tree))
    for name in ("prod", "dev"):
        (saved / f"{made[name]}.zip").write_bytes((folder / f"{made[name]}.zip").read_bytes())
    evidence = opened(saved)
    answers = {}
    for session in (live, evidence):
        for name in ("prod", "dev"):
            row = next(match.row for match in session.find(f"arn:aws:iam::{made[name]}:role/{ROLE}"))
            answers[session is live, name] = [
                session.can(row, action).decision.effect for action in ("s3:DeleteBucket", "s3:ListAllMyBuckets")
            ]
    assert answers[True, "prod"] == answers[False, "prod"] == [Effect.EXPLICITLY_DENIED, Effect.ALLOWED]
    assert answers[True, "dev"] == answers[False, "dev"] == [Effect.ALLOWED, Effect.ALLOWED]
    assert {one.account for one in live.who_can("s3:DeleteBucket")} == {made["dev"]}

    def partly(call: Call) -> tuple[int, str, str] | None:
        return (400, "AccessDeniedException", "not authorized") if call.operation == "DescribePolicy" else None

    with proxy(moto, partly) as url:
        told = run(url, tmp_path / "partly", "--accounts", f"{made['prod']},{made['dev']}")
    assert told.exit_code == Exit.PARTIAL
    assert "organizations:DescribePolicy" in told.stderr
    blind = opened(tmp_path / "partly")
    row = blind.find(f"arn:aws:iam::{made['prod']}:role/{ROLE}")[0].row
    assert blind.can(row, "s3:DeleteBucket").notes == ("service control policies of the organisation were not read",)


def test_an_account_reads_its_organisation_once_a_day(moto: str, made: dict[str, str], tmp_path: Path) -> None:
    calls: list[Call] = []
    with proxy(moto, nothing, calls) as url:
        for moment in (NOW, NOW + timedelta(hours=20), NOW + timedelta(days=2)):
            cache = Cache(tmp_path / "cache")
            session = Session(LiveSource(LiveOptions(endpoint_url=url)), cache, now=lambda moment=moment: moment)  # type: ignore[misc]
            session.open()
            for _ in session.refresh():
                pass
            calls.clear()
            session._reader._organization(lambda: False)
            asked = {call.operation for call in calls}
            assert ("ListRoots" in asked) is (moment != NOW + timedelta(hours=20)), moment
            assert set(session._book.surroundings.organizations[0].paths) == set(made.values())
            assert len(session._book.surroundings.organizations) == 1
            cache.close()


def test_without_a_list_of_accounts_it_says_how_to_name_them(moto: str, made: dict[str, str], tmp_path: Path) -> None:
    def no_list(call: Call) -> tuple[int, str, str] | None:
        refused = ("ListAccounts", "DescribeOrganization", "ListRoots")
        return (400, "AccessDeniedException", "not authorized") if call.operation in refused else None

    with proxy(moto, no_list) as url:
        refused = run(url, tmp_path / "out").exception
        assert isinstance(refused, RefusedError)
        assert (refused.action, refused.denied, refused.exit_code) == ("organizations:ListAccounts", True, Exit.AWS_UNREACHABLE)
        assert "--accounts" in refused.hint
        named = CliRunner().invoke(cli, ["collect", "--accounts", made["prod"], "--endpoint-url", url, "-o", str(tmp_path / "out")])
    assert named.exit_code == Exit.FINE, named.output
    assert [s.account for s in opened(tmp_path / "out").world.snapshots] == [made["prod"]]

    def alone(call: Call) -> tuple[int, str, str] | None:
        return (400, "AWSOrganizationsNotInUseException", "no organisation") if call.operation == "ListAccounts" else None

    with proxy(moto, alone) as url:
        lonely = run(url, tmp_path / "alone").exception
    assert isinstance(lonely, RefusedError)
    assert "in no organisation" in lonely.message
