"""Copying over SSH: OSC 52, wrapped for tmux and screen, with a cap and a message that tells the truth."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import NamedTuple

from ..text import visible

CAP = 74_994
"""Bytes of text most terminals take in one OSC 52 sequence (100,000 in base64)."""

_SCREEN_CHUNK = 76
"""Characters of one string GNU screen passes on for sure; longer strings than its buffer end up as text on the screen."""

_UNPASTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What must not come out of a paste: ESC ends a shell's bracketed paste, and what follows would be typed."""


_DEAF = frozenset({"linux", "dumb", "vt100", "vt220"})


class Copied(NamedTuple):
    """`sequence` is what to write to the terminal, "" when nothing is to be sent; `words` say what has happened."""

    sequence: str
    words: str
    sent: bool


def osc52(text: str, environ: Mapping[str, str], cap: int = CAP) -> Copied:
    """How to hand `text` to the clipboard of the terminal on the user's desk.

    Nothing comes back from a terminal, so the words promise no more than that it was sent.
    """
    if not text:
        return Copied("", "Nothing to copy here", False)
    text = _UNPASTABLE.sub(lambda match: visible(match[0]), text.replace("\r\n", "\n"))
    data = text.encode("utf-8", "replace")
    if len(data) > cap:
        return Copied("", f"Too large for the clipboard: {len(data):,} bytes, the limit is {cap:,}. Write it to a file with e", False)
    if environ.get("TERM_PROGRAM") == "Apple_Terminal":
        return Copied("", "This terminal (macOS Terminal) takes no copies from programs. Write it to a file with e", False)
    term = environ.get("TERM", "")
    if term in _DEAF:
        return Copied("", f"This terminal ({term}) takes no copies from programs. Write it to a file with e", False)
    body = f"\x1b]52;c;{base64.b64encode(data).decode()}\x07"
    if environ.get("TMUX") or term.startswith("tmux"):
        # tmux takes the bare one with `set-clipboard on`, the wrapped one with `allow-passthrough on`, and drops the other
        body += "\x1bPtmux;" + body.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    elif environ.get("STY") or term.startswith("screen"):
        pieces = [body[i : i + _SCREEN_CHUNK] for i in range(0, len(body), _SCREEN_CHUNK)]
        body = "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return Copied(body, f"Sent {len(text):,} characters to the terminal's clipboard (OSC 52)", True)
