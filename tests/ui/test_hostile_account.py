"""The whole program on the hostile account: every screen in a real pty, every command; no byte of a stranger's is obeyed."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile import CANARIES, NASTY, write_evidence
from tests.support.terminal import Terminal

ROOT = str(Path(__file__).parents[2])

OURS = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]"  # what moves, colours and asks: CSI
    rb"|\x1b[=>78]|\x1b[()][A-Z0-9]"  # keypad, cursor, character sets
    rb"|\x1bP=[12]s\x1b\\|\x1b_G[^\x1b]*\x1b\\"  # questions of the framework to the terminal
    rb"|\x1b\]22;[a-z]+\x07|(?<=H)\x07(?=\x1b|$)"  # the shape of the mouse pointer; the bell for a key that does nothing
    rb"|\r\n"
)
FOREIGN = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
COLOURED_BY_STRANGERS = b"\x1b[31mred"


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    return write_evidence(tmp_path / "evil")


def environment(tmp_path: Path) -> dict[str, str]:
    homes = {name: str(tmp_path / name) for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")}
    return {**homes, "PYTHONPATH": ROOT, "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(params=[(80, 24), (140, 40)], ids=["80x24", "140x40"])
def explorer(request: pytest.FixtureRequest, evil: Path, tmp_path: Path) -> Iterator[Terminal]:
    cols, rows = request.param
    command = [sys.executable, "-m", "iamtui", "--from", str(evil)]
    with Terminal(command, cols, rows, environment(tmp_path), cwd=str(tmp_path)) as terminal:
        terminal.until("Users 28")
        terminal.settle(0.5)
        yield terminal


def check(raw: bytes) -> None:
    """Nothing in what was written is a command of anybody but the framework's."""
    for canary in (*CANARIES, COLOURED_BY_STRANGERS):
        assert canary not in raw, f"written as it came: {canary!r}"
    found = FOREIGN.findall(OURS.sub(b"", raw).decode())
    assert not found, f"foreign controls: {sorted(set(found))!r}"


def test_every_screen(explorer: Terminal) -> None:
    def go(*keys: str) -> None:
        explorer.press(*keys, quiet=0.1)

    go("jjj", "G", "g")
    for view in "012345":
        go(view, "jjjjjj", "enter")
        for _ in range(5):
            go("l", "tjjj")
        go("i", "escape", "escape", "s")
    for keys in (("1", "/", "red", "enter", "escape"), ("/", "name:csi", "enter", "enter"), ("escape", "escape", ":", "csi", "escape")):
        go(*keys)
    go("!", "escape", "?", "escape", "ctrl+p", "markup", "escape", "i", "escape")
    assert explorer.exit_code is None
    assert "Traceback" not in explorer.text()
    go("q")
    check(bytes(explorer.raw))


def run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "iamtui", *arguments]
    return subprocess.run(command, capture_output=True, check=False, cwd=tmp_path, env={**os.environ, **environment(tmp_path)}, timeout=60)


def plain(output: bytes) -> None:
    """Text for people: whole lines, no control of any kind."""
    for line in output.decode().split("\n"):
        assert not FOREIGN.findall(line.replace("\x1b[0m", "")), repr(line[:300])


@pytest.mark.parametrize(
    "arguments",
    [
        ("summary",),
        ("list", "users"),
        ("list", "roles"),
        ("list", "groups"),
        ("list", "policies"),
        ("events",),
        ("identity", NASTY["csi"]),
        ("identity", NASTY["markup"]),
        ("identity", "role/" + NASTY["osc52"]),
        ("list", "users", NASTY["csi"]),
        ("identity", "nobody" + NASTY["osc52"]),
        ("--from", NASTY["osc52"], "list", "users"),
    ],
    ids=lambda arguments: f"{arguments[0]}-{arguments[1][:4].encode('ascii', 'replace').decode()}" if len(arguments) > 1 else arguments[0],
)
def test_every_command_as_a_table(evil: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    options = ("--from", str(evil)) if arguments[0] != "--from" else ()
    if arguments[0] == "--from":
        arguments = (*arguments[2:], *arguments[:2])
    done = run(tmp_path, *arguments, *options)
    assert b"Traceback" not in done.stderr
    assert done.returncode in (0, 2, 4)
    plain(done.stdout)
    plain(done.stderr)


@pytest.mark.parametrize("kind", ["users", "roles", "groups", "policies", "events"])
def test_tables_for_spreadsheets_compute_nothing(evil: Path, tmp_path: Path, kind: str) -> None:
    words = ("events",) if kind == "events" else ("list", kind)
    done = run(tmp_path, *words, "--from", str(evil), "--format", "csv")
    assert b"Traceback" not in done.stderr
    rows = list(csv.reader(io.StringIO(done.stdout.decode(), newline="")))
    assert len(rows) >= len(NASTY)
    for row in rows:
        assert len(row) == len(rows[0])
        for cell in row:
            assert not cell.lstrip(" \ufeff").startswith(("=", "+", "-", "@", "\t", "\r")), cell[:80]
            assert "\0" not in cell


@pytest.mark.parametrize("kind", ["users", "roles", "groups", "policies", "events"])
def test_json_keeps_the_text_and_is_safe_to_print(evil: Path, tmp_path: Path, kind: str) -> None:
    words = ("events",) if kind == "events" else ("list", kind)
    done = run(tmp_path, *words, "--from", str(evil), "--format", "json")
    assert b"Traceback" not in done.stderr
    values = json.loads(done.stdout)
    assert len(values) >= len(NASTY)
    plain(done.stdout)
    assert any(NASTY["c1"] in json.dumps(value, ensure_ascii=False) for value in values), "escaped, so the text is the same"
    assert b"SECRET-CANARY" not in done.stdout
