"""`iamtui changes` over the demo, and over an account in which every name, document and value is an attack."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from iamtui.cli import cli
from iamtui.errors import NotFoundError, UsageError
from iamtui.session import Session
from iamtui.session.changetext import what_words
from iamtui.source.demo import DemoSource
from iamtui.source.evidence import EvidenceSource
from iamtui.ui.render.changes import entry_lines, what_cell, who_cell
from tests.hostile import ACCOUNT, NASTY, authorization

NOW = datetime(2026, 10, 1, 14, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_homes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CONFIG", "CACHE", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["changes", *words])


def test_an_identity_in_every_form() -> None:
    table = run("t.dubois", "--demo")
    assert table.exit_code == 0
    assert table.stdout.startswith("Administrator since ")
    assert "not told: AWS Config: the recorder of us-east-1 was off" in table.stderr
    told = json.loads(run("t.dubois", "--demo", "--format", "json").stdout)
    assert told["administrator"]["now"] == "yes"
    assert told["administrator"]["since"]["who"] == "k.meyer@acme.example"
    assert told["changes"][0]["admin"] == "gained"
    assert [one["source"] for one in told["changes"][0]["told_by"]] == ["CloudTrail", "AWS Config"]
    assert told["changes"][0]["before"] == {"state": "not applicable"}
    assert json.loads(told["changes"][0]["after"])["Statement"]
    assert any(gap["since"] and gap["until"] for gap in told["gaps"])
    report = run("t.dubois", "--demo", "--format", "markdown").stdout
    assert report.startswith("# Changes of t.dubois\n")
    assert "Not told:" in report


def test_the_account_since_and_admin() -> None:
    told = json.loads(run("--demo", "--since", "30d", "--admin", "--format", "json").stdout)
    assert told["counts"]["changes"] == len(told["changes"]) == told["counts"]["give_admin"] == 4
    assert sum(told["counts"]["kinds"].values()) == 4
    assert [one["name"] for one in told["changes"]] == ["svc-monitoring", "ci-runner", "image-resize", "t.dubois"]
    by = run("--demo", "by:n.haddad", "since:30d", "--format", "csv")
    assert by.exit_code == 0
    assert "role image-resize" in by.stdout
    assert {len(row) for row in csv.reader(io.StringIO(by.stdout))} == {7}
    assert "svc-monitoring" not in by.stdout


def test_wrong_use_is_said() -> None:
    assert isinstance(run("nobody-of-this-name", "--demo").exception, NotFoundError)
    assert isinstance(run("--demo", "--since", "soon").exception, UsageError)
    empty = run("User1", "--demo", "since:1h", "--rollback", "cli")
    assert empty.exit_code == 0
    assert "no entry is left" in empty.stderr


def test_every_entry_of_the_demo_has_a_key_of_its_own_and_its_text() -> None:
    session = Session(DemoSource(NOW), now=lambda: NOW)
    session.open()
    list(session.load_account_changes())
    entries = session.account_changes().entries
    assert len({one.change.key for one in entries}) == len(entries) > 60
    for one in entries:
        text = session.rollback(one.change)
        assert "puts back what stood before" in text
        assert all(not words or words[:2] == ["aws", "iam"] for words in (shlex.split(line, comments=True) for line in text.splitlines()))
        assert "puts back what stood before" in session.rollback(one.change, "terraform")


def test_a_trail_alone_tells_changes_of_its_accounts(tmp_path: Path) -> None:
    """No inventory, no policies: who attached an administrator's policy is told all the same."""
    from tests.support.changes import ADMIN_ARN, record

    trail = [record("AttachUserPolicy", 3, {"userName": "ana", "policyArn": ADMIN_ARN}), record("DeleteUser", 2, {"userName": "ana"})]
    (tmp_path / "trail.json").write_text(json.dumps({"Records": trail}))
    told = json.loads(run("--from", str(tmp_path), "--format", "json").stdout)
    assert [(one["name"], one["kind"], one["admin"], one["who"]) for one in told["changes"]] == [
        ("ana", "deleted", "", "boss"),
        ("ana", "policy attached", "gained", "boss"),
    ]
    text = run("--from", str(tmp_path), "kind:attached", "--rollback", "cli").stdout
    assert f"aws iam detach-user-policy --user-name ana --policy-arn {ADMIN_ARN}" in text


# -- attacks -------------------------------------------------------------------------------------------------------------

_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_CALLS = ("AttachUserPolicy", "PutUserPolicy", "DeleteUserPolicy", "AddUserToGroup", "TagUser", "CreateAccessKey", "UpdateUser", "CreatePolicyVersion", "UpdateAssumeRolePolicy", "PutUserPermissionsBoundary", "DeleteRole", "CreatePolicy")  # fmt: skip


def attacks(folder: Path) -> Path:
    """Every call that changes something with every nasty text in every place, and Config items of the same."""
    records: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    nasty = list(NASTY.values())
    for number, text in enumerate(nasty):
        other = nasty[(number * 7 + 3) % len(nasty)]
        document = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": text, "Effect": "Allow", "Action": "*", "Resource": "*"}]})
        for place, name in enumerate(_CALLS):
            request = {"userName": text, "roleName": text, "groupName": other, "policyName": other, "policyArn": f"arn:aws:iam::{ACCOUNT}:policy/{other}", "policyDocument": document if place % 2 else text, "tags": [{"key": text, "value": other}], "newUserName": other, "permissionsBoundary": other, "accessKeyId": other}  # fmt: skip
            records.append(
                {
                    "eventVersion": "1.09",
                    "eventID": f"{number}-{place}-{other[:40]}",
                    "eventTime": f"2026-09-{number % 28 + 1:02}T{place:02}:00:00Z",
                    "eventName": name,
                    "eventSource": "iam.amazonaws.com",
                    "awsRegion": "us-east-1",
                    "recipientAccountId": ACCOUNT,
                    "userIdentity": {
                        "type": "IAMUser",
                        "arn": f"arn:aws:iam::{ACCOUNT}:user/{text}",
                        "userName": other,
                        "accountId": ACCOUNT,
                    },
                    "requestParameters": request,
                    "responseElements": {"accessKey": {"userName": text, "accessKeyId": other}, "policyVersion": {"versionId": text}},
                }
            )
        for day, attached in ((1, []), (2, [{"policyArn": text, "policyName": other}])):
            items.append(
                {
                    "accountId": ACCOUNT,
                    "resourceType": "AWS::IAM::User",
                    "resourceId": text,
                    "resourceName": other,
                    "arn": text,
                    "configurationItemStatus": "OK",
                    "configurationItemCaptureTime": f"2026-08-0{day}T00:00:00Z",
                    "configuration": json.dumps(
                        {"attachedManagedPolicies": attached, "userPolicyList": [{"policyName": text, "policyDocument": other}]}
                    ),
                }
            )
    folder.mkdir()
    (folder / "gaad.json").write_bytes(json.dumps(authorization()).encode("utf-8", "surrogatepass"))
    (folder / "trail.json").write_text(json.dumps({"Records": records}))
    (folder / "config.json").write_text(json.dumps({"configurationItems": items}))
    return folder


def test_attacks_in_every_form_stay_text(tmp_path: Path) -> None:
    folder = str(attacks(tmp_path / "evil"))
    for form in ("table", "markdown"):
        done = run("--from", folder, "--format", form)
        assert done.exit_code in (0, 4), done.output
        assert done.exception is None or isinstance(done.exception, SystemExit)
        assert not _CONTROL.findall(done.stdout)
        assert not _CONTROL.findall(done.stderr)
    rows = list(csv.reader(io.StringIO(run("--from", folder, "--format", "csv").stdout, newline="")))
    assert len(rows) > 100
    assert not [cell for row in rows for cell in row if cell.lstrip(" \ufeff").startswith(("=", "+", "-", "@", "\t", "\r"))]
    told = run("--from", folder, "--format", "json").stdout
    assert not _CONTROL.findall(told)
    assert len(json.loads(told)["changes"]) == len(rows) - 1
    for form in ("cli", "terraform"):
        text = run("--from", folder, "--rollback", form).stdout
        assert not _CONTROL.findall(text)
        for line in text.splitlines() if form == "cli" else ():
            words = shlex.split(line, comments=True)
            assert not words or words[:2] == ["aws", "iam"], line
            assert not any(word.startswith(("file:", "fileb:", "http:", "https:")) for word in words)
        assert not re.search(r"(?<![$%])[$%]\{", "\n".join(line for line in text.splitlines() if not line.startswith("#")))


def test_attacks_on_screen_stay_text(tmp_path: Path) -> None:
    session = Session(EvidenceSource([str(attacks(tmp_path / "evil"))]), now=lambda: NOW)
    for _ in session.refresh():
        pass
    list(session.load_account_changes())
    from iamtui.analysis.changes.standing import Entry

    listed = session.account_changes()
    assert len(listed.entries) > 100
    seen: set[str] = set()
    for one in listed.entries:
        if one.change.kind.value + one.change.name[:3] in seen:
            continue
        seen.add(one.change.kind.value + one.change.name[:3])
        entry = Entry(one.change)
        assert what_words(one.change)
        lines = entry_lines(entry, session.meaning(one.change), session.rollback(one.change), session.rollback(one.change, "terraform"))
        for line in lines:
            for text, _ in line:
                assert not _CONTROL.findall(text.replace("\n", "\x00")), text
        assert not _CONTROL.findall(what_cell(entry).text + who_cell(entry).text)
