"""Exit codes, for gates: the same rule for every command that has one, and how a run ends that was not let finish."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from iamtui.cli import cli
from iamtui.commands.gate import GRADES, gated
from iamtui.commands.manual.roff import contexts
from iamtui.errors import Exit
from tests.support.running import desk, one_demo, own_folders, run, run_line

ROOT = Path(__file__).parents[2]
PARTIAL = {"TrailList": []}

GATES: dict[str, tuple[str, str, str]] = {
    # command: (finds something, finds nothing, fails on)
    "list": ("list users mfa:no", "list users user:=nobody", "any"),
    "events": ("events event:CreateUser", "events event:=Nothing", "any"),
    "sql": ("sql 'SELECT 1 AS one'", "sql 'SELECT 1 AS one WHERE false'", "any"),
    "who-can": ("who-can iam:PassRole", "who-can iam:PassRole arn:aws:iam::999999999999:role/x", "any"),
    "escalations": ("escalations deploy-bot", "escalations cost-reporter", "any"),
    "exposure": ("exposure", "", "high"),
    "summary": ("summary", "", "critical"),
    "analyzer": ("analyzer --status active", "", "any"),
    "changes": ("changes t.dubois", "changes t.dubois since:2031-01-01", "any"),
    "alarms": ("alarms DeleteUser", "", "any"),
    "logging": ("", "logging", "any"),
    "unused": ("unused deploy-bot", "", "any"),
    "preflight": ("preflight old.json new.json", "preflight new.json old.json", "any"),
    "diff": ("diff yesterday.zip changed.zip", "diff yesterday.zip today.zip", "critical"),
    "review queue": ("review queue '2026 Q4' --open --ledger team.db", "", "any"),
}
"""Every command with --fail-on; "" where the demo account has no such case."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("desk")
        own_folders(patch, folder)
        one_demo(patch)
        patch.chdir(folder)
        desk(folder)
        yield folder


def test_every_command_with_a_gate_is_here() -> None:
    """What a new command must add, when it takes --fail-on: a line in GATES."""
    having = {
        ctx.command_path.partition(" ")[2]
        for ctx in contexts(click.Context(cli, info_name="iamtui"))
        if any("--fail-on" in param.opts for param in ctx.command.params)
    }
    assert having == set(GATES)


@pytest.mark.parametrize("name", GATES)
def test_a_gate_fails_on_what_it_finds_and_on_nothing_else(place: Path, name: str) -> None:
    finds, nothing, on = GATES[name]
    if finds:
        assert run_line(f"iamtui {finds} --demo --fail-on {on}").exit_code == 1
        assert run_line(f"iamtui {finds} --demo --fail-on none").exit_code in (0, 4)
    if nothing:
        assert run_line(f"iamtui {nothing} --demo --fail-on {on}").exit_code == 0


def test_a_severity_counts_itself_and_what_is_graver(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert GRADES == ("critical", "high", "medium", "low")
    for least, found, code in (
        ("high", ["high"], 1),
        ("high", ["critical"], 1),
        ("high", ["medium", "", "odd"], 0),
        ("any", [""], 1),
        ("any", [], 0),
    ):
        assert gated(0, least, found) == code
    assert "1 found" in capsys.readouterr().err
    assert run("list", "findings", "--demo", "severity:low", "--fail-on", "critical").exit_code == 0
    assert run("list", "findings", "--demo", "--fail-on", "critical").exit_code == 1
    assert run("events", "--demo", "class:low", "--fail-on", "high").exit_code == 0
    assert run("list", "users", "--demo", "--fail-on", "high").exit_code == 2  # users have no severity


@pytest.mark.parametrize("code", list(Exit))
def test_of_several_codes_the_first_of_2_3_1_4(code: Exit) -> None:
    found = gated(int(code), "any", ["high"])
    assert found == (int(code) if code in (Exit.WRONG_USE, Exit.AWS_UNREACHABLE) else int(Exit.CHECK_FAILED))


def test_a_partial_answer_passes_no_gate_and_fails_none(place: Path) -> None:
    """A file that cannot be read makes the answer partial: 4 where nothing was found, 1 where something was."""
    (place / "broken.json").write_text("{")
    source = ("--from", "changed.zip", "--from", "broken.json")
    assert run("list", "users", "user:=nobody", *source, "--fail-on", "any").exit_code == 4
    assert run("list", "users", *source, "--fail-on", "any").exit_code == 1
    assert run("who-can", "iam:PassRole", *source).exit_code == 4
    assert run("list", "users", "--from", "broken.json", "--fail-on", "any").exit_code == 2


NOTHING_READ = (
    "list findings --fail-on any", "identity x", "can x s3:GetObject", "who-can iam:PassRole", "access x", "story x", "sql 'SELECT 1'", "escalations",
    "escalations x", "exposure --fail-on any", "practices --fail-under 90", "changes x", "alarms", "unused x", "matrix s3", "diff yesterday.zip now",
    "collect -o none.zip", "review decide keep x --reason y",
)  # fmt: skip


@pytest.mark.parametrize("line", NOTHING_READ)
def test_nothing_read_is_3_and_no_check_that_passed_or_failed(place: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """Without credentials no name is blamed for being nowhere, and no gate passes or fails."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    done = run_line(f"iamtui {line}")
    assert done.exit_code == 3
    assert "credentials" in done.stderr


def process(*words: str) -> list[str]:
    return [sys.executable, "-m", "iamtui", *words]


def test_a_closed_pipe_is_141_with_nothing_said() -> None:
    for words in (("list", "users", "--demo"), ("list", "policies", "--demo", "--format", "json"), ("--help",)):
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(process(*words), stdout=writing, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        os.close(writing)
        assert (done.returncode, done.stderr) == (141, "")


def test_ctrl_c_is_130_with_nothing_said(tmp_path: Path) -> None:
    """A pipe nobody writes to is what the command waits for."""
    fifo = tmp_path / "requests"
    os.mkfifo(fifo)
    running = subprocess.Popen(process("evaluate", str(fifo)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    with fifo.open("w"):  # opens when the command has opened it, too
        running.send_signal(signal.SIGINT)
        out, err = running.communicate()
    assert (running.returncode, out, err.strip()) == (130, "", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_a_sentence() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(process("list", "users", "--demo"), stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert "No space left" in done.stderr
    assert "defect" not in done.stderr
    assert "Exception" not in done.stderr


def test_the_explorer_is_drawn_for_a_browser_where_textual_serve_asks_for_it() -> None:
    """What textual-serve runs: no terminal, a driver by name, the picture in packets on standard output."""
    env = {**os.environ, "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver", "COLUMNS": "80", "ROWS": "24", "TERM": "xterm"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    running = subprocess.Popen(process("--demo"), **pipes, cwd=ROOT, env=env)  # type: ignore[call-overload]
    try:
        assert running.stdout.readline() == b"__GANGLION__\n"
        seen = b""
        while b"READ-ONLY" not in seen:
            piece = running.stdout.read1(65536)
            assert piece, running.stderr.read()
            seen += piece
    finally:
        running.kill()
        running.communicate()
