"""JSON and diffs as styled lines. The tokenizer colours what it understands and shows the rest as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec
from rich.text import Text

from ...text import visible, visible_block

_TOKEN = re.compile(
    r"""(?P<key>"(?:[^"\\]|\\.)*"(?=\s*:))|(?P<string>"(?:[^"\\]|\\.)*"?)|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"""
    r"""|(?P<word>\b(?:true|false|null)\b)|(?P<mark>[{}\[\],:]+)""",
)
_STYLE = {"key": "json-key", "string": "json-string", "number": "json-number", "word": "json-keyword", "mark": "json-mark"}
_SPECIAL = {'"Deny"': "effect-deny", '"Allow"': "effect-allow", '"*"': "severity-high"}
_LONGEST = 4000

Line = list[tuple[str, str]]
"""One line: (text, style name) pieces."""


def pretty(text: str) -> str:
    """JSON indented by two; text that is not JSON as it is."""
    try:
        return msgspec.json.format(text, indent=2)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return text


def json_lines(text: str) -> list[Line]:
    """Pretty JSON as styled lines."""
    lines: list[Line] = []
    for raw in visible_block(pretty(text)).split("\n"):
        line: Line = []
        end = 0
        shown = raw[:_LONGEST]
        for match in _TOKEN.finditer(shown):
            if match.start() > end:
                line.append((shown[end : match.start()], ""))
            kind = match.lastgroup or ""
            line.append((match[0], _SPECIAL.get(match[0], _STYLE[kind]) if kind == "string" else _STYLE[kind]))
            end = match.end()
        line.append((shown[end:], ""))
        if len(raw) > _LONGEST:
            line.append((f" … {len(raw) - _LONGEST} more characters", "state-absent"))
        lines.append(line)
    return lines


def plain_lines(text: str, style: str = "") -> list[Line]:
    return [[(line, style)] for line in visible_block(text).split("\n")]


_DIFF = {"added": ("+ ", "diff-added"), "removed": ("- ", "diff-removed"), "same": ("  ", "")}


def diff_lines(lines: Iterable[tuple[str, str]]) -> list[Line]:
    """(`added` | `removed` | `same`, text) pairs; the sign carries what the colour says."""
    return [[(sign + visible(text.replace("\t", "    ")), style)] for kind, text in lines for sign, style in (_DIFF.get(kind, ("  ", "")),)]


def as_text(line: Line, styles: dict[str, str] | None = None) -> Text:
    result = Text(no_wrap=True)
    for piece, style in line:
        result.append(piece, (styles or {}).get(style))
    return result
