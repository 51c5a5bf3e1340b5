"""A real terminal: what is typed in one go arrives where it belongs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.terminal import Terminal

ROOT = str(Path(__file__).parents[2])


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        (":events CreateUser\r", r"/CreateUser  \d of"),
        ("1/mfa:no keys:active\r", r"/mfa:no keys:active  \d+ of 41"),
        (":deploy-bot\r", r"› deploy-bot › Summary"),
    ],
)
def test_typed_ahead(keys: str, shown: str, tmp_path: Path) -> None:
    with Terminal([sys.executable, "-m", "iamtui", "--demo"], cwd=ROOT, env={"HOME": str(tmp_path)}) as terminal:
        terminal.until("READ-ONLY")
        terminal.until(r"Events 20")
        terminal.press(keys, quiet=0.4)
        terminal.until(shown, limit=10)


def test_it_ends_when_asked_and_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    with Terminal([sys.executable, "-m", "iamtui", "--demo"], cwd=ROOT, env={"HOME": str(tmp_path)}) as terminal:
        terminal.until("READ-ONLY")
        terminal.press("q", quiet=0.1, limit=0.2)
        assert terminal.wait_exit(15) == 0
        assert b"\x1b[?1049l" in bytes(terminal.raw)
