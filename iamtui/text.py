"""The one rendering door: all text from accounts, logs and files passes `visible` before a person's terminal sees it.

Terminals obey control characters inside data (an OSC 52 sequence in a user agent writes the clipboard), and
bidirectional controls reorder what is read. Both are replaced by visible symbols, one for one.
"""

from __future__ import annotations

import re

# C0, DEL, C1, line and paragraph separators, bidi and invisible format controls, tags, unpaired surrogates.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufffb\ud800-\udfff\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def _symbol(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    return "�"


def visible(text: str) -> str:
    """`text` on one line with nothing in it a terminal would obey. Length is kept, so offsets stay true."""
    return _UNSAFE.sub(_symbol, text)


def inert_json(text: str) -> str:
    """JSON text with every character a terminal might obey written as its escape: the value stays the same.

    JSON itself escapes only C0; DEL, C1 and bidirectional controls may stand in its strings as they are.
    """
    return _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] == "\n":
        return "\n"
    if code > 0xFFFF:
        code -= 0x10000
        return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
    return f"\\u{code:04x}"


def visible_block(text: str) -> str:
    """Like `visible`, for text with lines of its own (JSON): `\\n` stays, tabs become four blanks."""
    return "\n".join(visible(line) for line in text.replace("\t", "    ").split("\n"))


_MARKUP = re.compile(r"[\\`*_{}\[\]<>()#!|~$&]|:(?=//)|/(?=/)|(?i:(?<=www))\.|^[-+=](?![0-9A-Za-z])")
_NUMBERED = re.compile(r"^([0-9]{1,9})\.(?=\s|$)")


def markdown_text(text: str) -> str:
    """Text of a table cell, heading or list entry that is neither markup nor a link; a mail address stays what some readers make one of."""
    shown = _MARKUP.sub(lambda match: f"\\{match[0]}", visible(text).strip())
    return _NUMBERED.sub(r"\1\\.", shown)
