"""`iamtui screenshot`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import BadInputError, UsageError
from .opening import open_session, settings_of
from .output import words


def take_screenshot(options: Mapping[str, Any], view: list[str], output: str, size: str, clock: str) -> int:
    """Write a picture of a view."""
    columns, _, rows = size.partition("x")
    if not (columns.isdecimal() and rows.isdecimal() and 20 <= int(columns) <= 500 and 5 <= int(rows) <= 200):
        raise UsageError(f"{size} is no size", "write columns x rows, as in --size 120x36")
    try:
        now = datetime.fromisoformat(clock).replace(tzinfo=UTC) if clock else None
    except ValueError as error:
        raise UsageError(f"{clock} is no time", "write it as 2026-10-01T14:00") from error
    settings = settings_of(options)
    session = open_session(options, settings, now=now)
    session.open()
    from ..ui.screenshot import take

    try:
        take(session, settings, view, Path(output), (int(columns), int(rows)))
    except OSError as error:
        raise BadInputError(f"{output} could not be written: {error.strerror or error}") from error
    words(f"Wrote {output}")
    return 0
