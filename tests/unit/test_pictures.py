"""The README's pictures are those this program makes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.pictures import FOLDER, PICTURES, make


def drawn(path: Path) -> str:
    """The picture without the random part of its element ids."""
    return re.sub(r"terminal-\d+", "terminal", path.read_text())


@pytest.mark.parametrize("name", ["users", "permissions", "narrow"])
def test_a_picture_is_not_stale(name: str, tmp_path: Path) -> None:
    assert set(PICTURES) == {path.stem for path in FOLDER.glob("*.svg")}
    assert drawn(make(name, tmp_path)) == drawn(FOLDER / f"{name}.svg"), "make them anew with python -m tests.pictures"
