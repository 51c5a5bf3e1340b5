"""`iamtui review …` on the demo account and on evidence written by strangers."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from iamtui import errors
from iamtui.cli import cli
from tests.hostile import CANARIES, write_evidence


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "IAMTUI_")):
            monkeypatch.delenv(name)
    for kind in ("CACHE", "CONFIG", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))


@pytest.fixture(autouse=True)
def no_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take a second a command to read, and nothing here is about them."""
    monkeypatch.setattr("iamtui.source.demo.DemoSource.events", lambda *given, **more: iter(()))


@pytest.fixture
def kept(tmp_path: Path) -> list[str]:
    return ["--demo", "--ledger", str(tmp_path / "l.db")]


def run(*words: str, text: str | None = None) -> Result:
    """As `main` would, without leaving the process."""
    result = CliRunner().invoke(cli, words, input=text)
    if isinstance(result.exception, errors.IamtuiError):
        result.exit_code = int(result.exception.exit_code)
    elif result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def fine(*words: str, text: str | None = None) -> str:
    result = run(*words, text=text)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_quarter_from_its_beginning_to_the_signed_report(kept: list[str], tmp_path: Path) -> None:
    assert "2026 Q4: 40 items" in fine(
        "review", "start", "2026 Q4", "--scope", "users", "--scope", "roles test-", *kept, "--reviewer", "ana"
    )
    fine(
        "review",
        "decide",
        "remove",
        "d.kowalski",
        "test-migration",
        "--reason",
        "left | *gone*",
        "--ticket",
        "SEC-1",
        *kept,
        "--reviewer",
        "ana",
    )
    fine("review", "decide", "exception", "break-glass-1", "--reason", "emergency", "--expires", "90d", *kept, "--reviewer", "ben")
    told = fine("review", "show", *kept)
    assert "3 of 40 decided" in told
    assert re.search(r"ana +2", told)
    rows = json.loads(fine("review", "queue", "--open", *kept, "--format", "json"))
    assert len(rows) == 37
    assert not any(row["subject"]["name"] == "d.kowalski" for row in rows)
    assert "2026 Q4" in fine("review", "list", *kept)
    report = tmp_path / "report.md"
    closed = run("review", "close", "--note", "all seen", "-o", str(report), *kept, "--reviewer", "eve")
    assert closed.exit_code == 0
    assert "signed by eve; 37 of 40 were left undecided" in closed.stderr
    text = report.read_text()
    assert report.stat().st_mode & 0o077 == 0
    assert r"left \| \*gone\*" in text
    body, _, signature = text.rpartition("\nSHA-256 of everything above this line: ")
    assert hashlib.sha256(body.encode()).hexdigest() in signature
    assert hashlib.sha256(body.encode()).hexdigest() in fine("review", "export", *kept)
    assert run("review", "close", *kept).exit_code == 2
    again = fine("review", "show", "2026 Q4", "--format", "markdown", *kept)
    assert "closed" in again
    assert "## Remove (2)" in again


def test_s16_the_queue_without_a_campaign_has_both_on_top_with_why() -> None:
    rows = list(csv.DictReader(io.StringIO(fine("review", "queue", "--demo", "--format", "csv"))))
    place = {row["what"]: int(row["place"]) for row in rows}
    signs = {row["what"]: row["signs"] for row in rows}
    assert place["d.kowalski"] <= 10
    assert place["test-migration"] <= 15
    assert "tagged as left" in signs["d.kowalski"]
    assert "administrator; its owner d.kowalski left; named like something temporary" in signs["test-migration"]


def test_the_demo_is_forgotten_unless_a_file_is_named(tmp_path: Path) -> None:
    result = run("review", "decide", "keep", "jenkins", "--demo")
    assert result.exit_code == 0
    assert "kept in memory only" in result.stderr
    assert not (tmp_path / "data").exists()


def test_marks_are_in_lists_and_json(kept: list[str]) -> None:
    fine("review", "decide", "remove", "--where", "users groups:data-analysts", "--reason", "x", *kept)
    rows = json.loads(fine("list", "users", "mark:remove", *kept, "--format", "json"))
    assert rows
    assert all(row["mark"] == ["remove"] for row in rows)
    fine("review", "owner", "k.meyer", "jenkins", *kept)
    (row,) = json.loads(fine("list", "users", "owner:k.meyer", "jenkins", *kept, "--format", "json"))
    assert (row["user"], row["mark"]) == ("jenkins", [])
    assert "MARK" in fine("list", "users", "mark:remove", *kept)
    assert json.loads(fine("review", "marks", *kept, "--format", "json"))[0]["state"] == ["remove"]
    assert "taken back: remove on" in fine("review", "undo", *kept)
    assert json.loads(fine("list", "users", "mark:remove", *kept, "--format", "json")) == []


def test_a_grant_or_a_key_by_itself(kept: list[str]) -> None:
    fine("review", "decide", "remove", "d.kowalski", "--grant", "migration", *kept)
    fine("review", "decide", "remove", "jenkins", "--key", "1", *kept)
    nouns = [one["subject"]["noun"] for one in json.loads(fine("review", "marks", *kept, "--format", "json"))]
    assert nouns == ["access key", "grant"]
    assert run("review", "decide", "keep", "jenkins", "--grant", "nothing", *kept).exit_code == 2
    assert run("review", "decide", "keep", "jenkins", "--key", "7", *kept).exit_code == 2


def test_merging_names_conflicts(kept: list[str], tmp_path: Path) -> None:
    fine("review", "decide", "keep", "jenkins", *kept, "--reviewer", "ana")
    other = ["--demo", "--ledger", str(tmp_path / "other.db")]
    fine("review", "decide", "remove", "jenkins", *other, "--reviewer", "ben")
    fine("review", "export", *other, "-o", str(tmp_path / "other.jsonl"))
    told = fine("review", "merge", str(tmp_path / "other.jsonl"), str(tmp_path / "other.db"), *kept)
    assert "1 new, 0 known" in told
    assert "0 new, 1 known" in told
    assert "conflict: user jenkins: ana: keep; ben: remove" in told
    assert run("review", "merge", str(tmp_path / "nowhere"), *kept).exit_code == 2


def test_carry_confirms_what_stands_on_the_same_evidence(kept: list[str]) -> None:
    fine("review", "start", "Q3", "--scope", "users", *kept)
    fine("review", "decide", "keep", "jenkins", "--reason", "pipelines", *kept)
    fine("review", "close", *kept)
    fine("review", "start", "Q4", "--scope", "users", *kept)
    assert "evidence as it was" in fine("review", "carry", *kept)
    result = run("review", "carry", "--confirm", *kept, "--reviewer", "ben")
    assert "1 confirmed as ben" in result.stderr
    assert "1 of" in fine("review", "show", *kept)


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown"])
def test_leavers_in_every_form(form: str) -> None:
    told = fine("review", "leavers", "-", "--demo", "--format", form, text="email\nd.kowalski@acme.example\nnobody@acme.example\n")
    for words in (
        "d.kowalski",
        "email local part",
        "test-migration",
        "owner tag",
        "sandbox-d.kowalski",
        "trust policy",
        "nobody@acme.example",
    ):
        assert words in told or words.replace("_", "\\_") in told


@pytest.mark.parametrize(
    "words",
    [
        ("review", "decide", "keep"),
        ("review", "decide", "keep", "nobody-here"),
        ("review", "decide", "exception", "jenkins"),
        ("review", "decide", "keep", "jenkins", "--expires", "yesterday"),
        ("review", "decide", "burn", "jenkins"),
        ("review", "start", "Q4", "--scope", "cats"),
        ("review", "show"),
        ("review", "undo"),
        ("review", "leavers", "/nowhere.csv"),
    ],
)
def test_wrong_use_is_exit_2(words: tuple[str, ...]) -> None:
    assert run(*words, "--demo").exit_code == 2


def test_an_account_of_strangers_through_every_command(tmp_path: Path) -> None:
    kept = ["--from", str(write_evidence(tmp_path / "evil")), "--ledger", str(tmp_path / "l.db")]
    scope = [word for pane in ("users", "roles", "groups", "policies") for word in ("--scope", pane)]
    reason = "=cmd|' /C calc'!A0\x1b]52;c;SEFDS0VE\x07"
    outputs = [
        run("review", "start", "Q\x1b[31m4", *scope, "--min-age", "0", *kept).output,
        run("review", "decide", "remove", "--where", "users", "--where", "roles", "--reason", reason, *kept).output,
        run("review", "queue", *kept).output,
        run("review", "show", "--format", "json", *kept).output,
        run("review", "marks", *kept).output,
        run("review", "carry", *kept).output,
        run("review", "leavers", "-", *kept, text="user\n\x1b]0;HACKED-TITLE\x07\n").output,
        run("review", "export", *kept).output,
        run("review", "close", *kept).output,
    ]
    assert "remove" in outputs[4]
    for text in outputs:
        raw = text.encode("utf-8", "surrogateescape")
        assert not any(canary in raw for canary in CANARIES)
        assert all(line.isprintable() for line in text.splitlines() if "\ufffd" not in line), text[:200]
    for row in csv.reader(io.StringIO(run("review", "marks", "--format", "csv", *kept).stdout)):
        assert not any(cell.startswith(("=", "+", "@", "|")) for cell in row)


def test_a_report_in_four_forms_and_the_last_campaign_where_none_is_open(kept: list[str], tmp_path: Path) -> None:
    fine("review", "start", "2026 Q4", "--scope", "users", *kept)
    fine("review", "decide", "remove", "d.kowalski", "--reason", "left", *kept)
    for name in ("r.html", "r.csv", "r.json", "r.md"):
        told = run("review", "report", *kept, "-o", str(tmp_path / name))
        assert told.exit_code == 0
        assert f"{name}: 38 items, as" in told.stderr
        assert "d.kowalski" in (tmp_path / name).read_text()
    run("review", "close", *kept)
    assert json.loads(fine("review", "report", *kept, "--format", "json"))["state"] == "closed"
    assert "\n- closed: " in fine("review", "report", "--campaign", "2026 q4", *kept)
    early = json.loads(fine("review", "report", "2026 Q4", *kept, "--format", "json", "--as-of", "2099-01-01T10:00:00Z"))
    assert early["state"] == "closed"
    assert run("review", "report", *kept, "--as-of", "2020-01-01").exit_code == 2
    assert run("review", "report", *kept, "--as-of", "someday").exit_code == 2
    assert run("review", "report", *kept, "-o", str(tmp_path / "r.md" / "x.html")).exit_code == 2
    nothing = run("review", "report", "--from", str(tmp_path / "gone.zip"), "--ledger", kept[-1])
    assert nothing.exit_code == 2
    assert "gone.zip" in nothing.stderr


def test_a_close_that_cannot_write_its_report_closes_nothing(kept: list[str], tmp_path: Path) -> None:
    fine("review", "start", "Q", "--scope", "users ops", *kept)
    (tmp_path / "file").write_text("")
    assert run("review", "close", "-o", str(tmp_path / "file" / "r.md"), *kept).exit_code == 2
    assert "open" in fine("review", "list", *kept)
