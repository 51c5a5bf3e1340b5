"""`iamtui collect`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import BadInputError, Exit
from .opening import exit_code, open_session, read_all, say_problems, settings_of
from .output import words


def collect_bundle(options: Mapping[str, Any], output: str) -> int:
    """Read the account and write a bundle."""
    settings = settings_of(options)
    session = open_session(options, settings)
    read_all(session)
    try:
        count = session.collect(Path(output))
    except OSError as error:
        raise BadInputError(f"{output} could not be written: {error.strerror or error}", "choose another place with -o") from error
    words(f"Wrote {count:,} answers to {output}")
    say_problems(session)
    code = exit_code(session)
    if count and code == Exit.WRONG_USE:  # CloudTrail files alone tell of no account, and are worth a bundle
        code = int(Exit.PARTIAL if session.world.gaps else Exit.FINE)
    return code
