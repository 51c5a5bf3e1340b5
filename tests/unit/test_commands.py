"""The commands over the demo, real evidence and a hostile account."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from iamtui import errors
from iamtui.cli import cli, main
from tests.hostile import write_evidence

ROOT = Path(__file__).parents[2]
GAAD = ROOT / "../shared/data/iam/gaad"


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "IAMTUI_")):
            monkeypatch.delenv(name)
    for kind in ("CACHE", "CONFIG", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))


def run(*words: str) -> Result:
    """As `main` would, without leaving the process."""
    result = CliRunner().invoke(cli, words)
    if isinstance(result.exception, errors.IamtuiError):
        result.exit_code = int(result.exception.exit_code)
    elif result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.parametrize("kind", ["users", "roles", "groups", "policies"])
@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_every_list_in_every_form(kind: str, form: str) -> None:
    result = run("list", kind, "--demo", "--format", form)
    assert result.exit_code == 0
    out = result.stdout
    if form == "json":
        rows = json.loads(out)
        assert len(rows) >= 10
        assert all(row["account"] == "123456789012" and row["key"] for row in rows)
    elif form == "csv":
        rows = list(csv.DictReader(io.StringIO(out)))
        assert len(rows) >= 10
    else:
        assert len(out.splitlines()) > 10
    assert result.stderr == ""


def test_filter_and_sort_are_the_explorers() -> None:
    result = run("list", "users", "mfa:no", "keys:active", "--demo", "--sort", "-created", "--format", "json")
    rows = json.loads(result.stdout)
    assert rows
    assert all(row["mfa"] is False for row in rows)
    assert [row["created"] for row in rows] == sorted((row["created"] for row in rows), reverse=True)


@pytest.mark.parametrize(
    "words", [("list", "users", "colour:red", "--demo"), ("list", "users", "--demo", "--sort", "colour"), ("list", "things", "--demo")]
)
def test_wrong_use_is_exit_2(words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 2


def test_an_identity_by_name_arn_and_id() -> None:
    by_name = json.loads(run("identity", "deploy-bot", "--demo", "--format", "json").stdout)
    assert by_name["kind"] == "user"
    assert by_name["grants"]
    again = json.loads(run("identity", by_name["arn"], "--demo", "--format", "json").stdout)
    assert again["arn"] == by_name["arn"]
    assert run("identity", "nobody-at-all", "--demo").exit_code == 2
    assert run("identity", "AWSServiceRole", "--demo").exit_code == 2  # ambiguous
    policy = json.loads(run("identity", "policy/deploy-base", "--demo", "--format", "json").stdout)
    assert policy["versions"]
    assert policy["attached_to"]


def test_events_are_newest_first_and_limited() -> None:
    result = run("events", "event:CreateUser", "--demo", "--limit", "3", "--format", "json")
    rows = json.loads(result.stdout)
    assert 1 <= len(rows) <= 3
    assert {row["event"] for row in rows} == {"CreateUser"}
    assert [row["time"] for row in rows] == sorted((row["time"] for row in rows), reverse=True)
    assert (
        json.loads(run("events", "--demo", "--since", "2d", "--until", "1d", "--identity", "ci-deploy", "--format", "json").stdout)
        is not None
    )


def test_collect_opens_again_as_evidence(tmp_path: Path) -> None:
    bundle = tmp_path / "account.zip"
    assert run("collect", "--demo", "-o", str(bundle)).exit_code == 0
    assert bundle.stat().st_mode & 0o077 == 0
    ours = json.loads(run("list", "roles", "--demo", "--format", "json").stdout)
    theirs = json.loads(run("list", "roles", "--from", str(bundle), "--format", "json").stdout)
    assert [row["arn"] for row in ours] == [row["arn"] for row in theirs]
    assert len(json.loads(run("events", "--from", str(bundle), "--format", "json").stdout)) > 10_000
    alike = run("diff", str(bundle), "now", "--demo")
    assert (alike.exit_code, alike.stdout.count("\n")) == (0, 1)
    assert "not compared" not in alike.stderr  # a bundle holds what stands around the identities, too


def test_info_tells_paths_versions_and_settings() -> None:
    result = run("info")
    for word in ("textual", "boto3", "action catalogue", "settings file", "cache", "IAMTUI_THEME"):
        assert word in result.stdout
    policy = json.loads(run("info", "--policy").stdout)
    assert policy["Statement"][0]["Effect"] == "Allow"


def test_cache_info_and_clear_on_an_empty_machine() -> None:
    assert run("cache", "info", "--format", "json").exit_code == 0
    assert run("cache", "clear").exit_code == 0


def test_no_credentials_is_exit_3_with_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    result = run("list", "users")
    assert result.exit_code == 3
    assert "credentials" in result.stderr
    assert "aws " in result.stderr


@pytest.mark.skipif(not GAAD.is_dir(), reason="the development data is not here")
def test_partial_evidence_is_exit_4_and_says_so() -> None:
    result = run("list", "users", "--from", str(GAAD / "truncated-page.json"))
    assert result.exit_code == 4
    assert "partial" in result.stderr
    broken = run("list", "users", "--from", str(GAAD), "--from", "/etc/hostname")
    assert broken.exit_code == 4
    assert "hostname" in broken.stderr
    assert broken.stdout.count("\n") > 3


def test_two_sources_are_refused() -> None:
    result = run("list", "users", "--demo", "--from", "x")
    assert result.exit_code == 2


def test_a_hostile_account_prints_nothing_a_terminal_or_spreadsheet_obeys(tmp_path: Path) -> None:
    write_evidence(tmp_path)
    for kind in ("users", "roles", "groups", "policies"):
        table = run("list", kind, "--from", str(tmp_path)).stdout
        assert table
        assert not any((ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 for c in table)
        text = run("list", kind, "--from", str(tmp_path), "--format", "csv").stdout
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
        json.loads(run("list", kind, "--from", str(tmp_path), "--format", "json").stdout)


def process(*words: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "iamtui", *words], capture_output=True, text=True, cwd=ROOT, stdin=subprocess.DEVNULL, **more
    )  # type: ignore[call-overload,no-any-return]


def test_errors_of_the_real_program_are_sentences() -> None:
    for words, code, said in (
        (("--demo",), 2, "needs a terminal"),
        (("identity", "nobody", "--demo"), 2, "nowhere"),
        (("list", "users", "--demo", "x:y"), 2, "no column"),
        (("screenshot", "nobody", "-o", "/nonexistent/x.svg", "--demo"), 2, ""),
    ):
        done = process(*words)
        assert done.returncode == code, done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m iamtui events --demo --format csv | head -1", shell=True, capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout.startswith("time,")
    assert "Traceback" not in done.stderr
    assert "Error" not in done.stderr


def test_a_defect_is_one_sentence_and_a_file(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from iamtui import paths

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr("iamtui.commands.info.print_info", broken)
    monkeypatch.setattr(sys, "argv", ["iamtui", "info"])
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr().err
    assert left.value.code == 70
    assert "defect of iamtui" in said
    assert "Traceback" not in said
    assert "ZeroDivisionError" in paths.log_file().read_text()
