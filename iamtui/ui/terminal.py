"""What Textual does not offer publicly, in one file; and what the terminal around us is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rich.segment import Segment
from textual.app import App
from textual.color import Color
from textual.filter import LineFilter

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


class ControlFilter(LineFilter):
    """The net under the rendering door: no segment that is drawn holds a control character, whoever made it."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            Segment(_CONTROL.sub("�", segment.text), segment.style, segment.control) if _CONTROL.search(segment.text) else segment
            for segment in segments
        ]


def write_raw(app: App[Any], sequence: str) -> bool:
    """Send an escape sequence of our own past the screen; False when there is no terminal (tests, pictures)."""
    driver = app._driver  # Textual offers no public way to write a sequence of one's own
    if driver is None:
        return False
    driver.write(sequence)
    driver.flush()
    return True


_WITHOUT_BLOCKS = ("linux", "dumb", "vt100", "vt220")


def has_blocks(wanted: str, environ: Mapping[str, str], encoding: str) -> bool:
    """Whether the terminal can show the eighths of a block: by the setting, else by what it calls itself and the encoding."""
    if wanted in ("blocks", "plain"):
        return wanted == "blocks"
    return "utf" in encoding.casefold() and environ.get("TERM", "") not in _WITHOUT_BLOCKS


def over_ssh(environ: Mapping[str, str]) -> bool:
    return any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"))


def has_desktop(environ: Mapping[str, str]) -> bool:
    """Whether a browser opened here would be seen by the person at the keyboard."""
    return not over_ssh(environ) and bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY") or environ.get("__CFBundleIdentifier"))
