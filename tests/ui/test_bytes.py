"""What the widgets write to a real terminal: little per key, nothing when idle, nothing of strangers' that it would obey."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.terminal import Terminal

ROOT = str(Path(__file__).parents[2])

OURS = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]"  # what moves, colours and asks: CSI
    rb"|\x1b[=>78]|\x1b[()][A-Z0-9]"  # keypad, cursor, character sets
    rb"|\x1bP=[12]s\x1b\\|\x1b_G[^\x1b]*\x1b\\"  # questions of the framework to the terminal
    rb"|\r\n"
)


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Iterator[Terminal]:
    with Terminal([sys.executable, "-m", "tests.support.widget_app", request.param], 80, 24, cwd=ROOT) as terminal:
        terminal.until("USER")
        terminal.settle()
        yield terminal


@pytest.mark.parametrize("run", ["plain"], indirect=True)
def test_a_cursor_move_writes_little_and_idle_nothing(run: Terminal) -> None:
    run.press("down")
    for key in ("down", "j", "up", "k", "down"):
        written = run.press(key)
        assert 0 < written <= 800, f"{key}: {written} bytes"
    assert "▌ user-00002" in run.text()
    assert run.settle(quiet=2, limit=2) == 0
    run.press("G")
    assert "▌ user-99999" in run.text()
    assert run.press("down") == 0


@pytest.mark.parametrize("run", ["hostile"], indirect=True)
def test_nothing_of_strangers_reaches_the_terminal_as_a_command(run: Terminal) -> None:
    start = len(run.raw)
    run.press(*["down"] * 15, "g", "G", quiet=0.1)
    run.press("tab", *["pagedown"] * 8, "W", "g", *["pagedown"] * 4, quiet=0.1)
    raw = bytes(run.raw[start:])
    assert b"52;c" in raw or b"]52" in raw  # it is shown …
    assert b"\x1b]" not in raw  # … and not sent
    left = OURS.sub(b"", raw).decode()
    assert not re.findall("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", left)
    assert "[bold red]markup" in left
