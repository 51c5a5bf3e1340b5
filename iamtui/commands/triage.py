"""`iamtui triage`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import Exit, UsageError
from ..session.triagetext import sections, triage_object
from ..text import visible
from .opening import exit_code, find_trail, open_session, read_all, say_problems, settings_of
from .output import data, markdown_text, print_json

_MOST = 4 << 20


def triage(options: Mapping[str, Any], source: str, form: str) -> int:
    """Print what is known about an alert. `source`: a file, `-` for standard input, or the alert's text itself. Exit 4 when no event has
    what it names."""
    session = open_session(options, settings_of(options))
    alert = session.alert(_text(source))
    find_trail(session)
    read_all(session)
    for _ in session.load_clues(alert):
        pass
    found = session.triage(alert)
    if form == "json":
        print_json(triage_object(found))
    else:
        for heading, lines in sections(found):
            if form == "markdown":
                block = heading.startswith("Now")
                data(f"## {markdown_text(heading)}\n\n")
                data("```sh\n" if block else "")
                data("".join(f"{visible(line)}\n" if block else f"- {markdown_text(line)}\n" for line in lines))
                data("```\n\n" if block else "\n")
            else:
                data(f"{visible(heading)}\n" + "".join(f"  {visible(line)}\n" for line in lines))
    say_problems(session)
    code = exit_code(session)
    if code == Exit.WRONG_USE and session.has_events():
        code = int(Exit.FINE)
    return int(Exit.PARTIAL) if code == Exit.FINE and found.event is None else code


def _text(source: str) -> str:
    if source == "-":
        return sys.stdin.read(_MOST + 1)
    path = Path(source)
    try:
        if len(source) < 1024 and path.is_file():
            return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError) as error:
        raise UsageError(f"{source[:200]} cannot be read: {error}") from None
    return source
