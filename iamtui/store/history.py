"""What was typed before, kept from run to run in a private file."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from .files import locked, private_file

MOST = 200


class History:
    """Texts, oldest first, each once. A file that cannot be read or written is no reason to stop: then there is no history."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.texts: list[str] = self._read()

    def _read(self) -> list[str]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[str])[-MOST:]
        except (OSError, ValueError, msgspec.MsgspecError):
            return []

    def add(self, text: str) -> None:
        """Remember a text as the latest, beside what other instances have written."""
        with contextlib.suppress(OSError), locked(self._path.with_suffix(".lock")):
            texts = [held for held in self._read() if held != text] + [text]
            with private_file(self._path) as file:
                file.write(msgspec.json.encode(texts[-MOST:]))
        self.texts[:] = [*[held for held in self.texts if held != text][-MOST + 1 :], text]
