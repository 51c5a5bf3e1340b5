"""`iamtui review report`: a campaign's report in one of four forms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ..errors import BadInputError
from .opening import open_session, read_all, settings_of
from .output import data, words
from .reviewshared import finish, say_kept


def report(options: Mapping[str, Any], name: str, form: str, output: str, as_of: str) -> int:
    """Print or write the report of a campaign; the form is the file's where none is named."""
    from ..session.reporting import campaign_of
    from ..session.reporting import report as put_together
    from ..session.reporttext import UNLIKE, form_of, written

    form = form or form_of(output) or "markdown"
    at = _moment(as_of) if as_of else None
    session = open_session(options, settings_of(options), now=at)
    read_all(session)
    if not session.world.snapshots:  # and what it is about cannot be told
        return finish(session)
    session.load_marks()
    made = put_together(session, campaign_of(session, name), at=at)
    pieces = written(made, form)
    if output:
        write(output, pieces)
        words(f"Wrote the report of {made.name} to {output}: {made.number('items'):,} items, as {form}")
    else:
        for piece in pieces:
            data(piece)
    if made.signature is not None and not made.signature.same:
        words(f"{made.signature.sha256} was signed at the end; {UNLIKE}")
    if not made.reading.reproducible:
        words(f"{made.reading.words}: {made.reading.again}")
    say_kept(session)
    return finish(session)


def write(output: str, pieces: Iterable[str], also: str = "") -> None:
    """A file its owner alone can read, whole or not at all. Raises BadInputError."""
    from ..store.files import write_lines

    try:
        write_lines(Path(output), pieces)
    except OSError as error:
        raise BadInputError(f"{output} could not be written: {error.strerror or error}{also}", "choose another place with -o") from None


def _moment(text: str) -> datetime:
    """The last moment a text means: of a day, a minute, a second. Raises FilterError."""
    from ..analysis.filtering import moment_of
    from ..session import utc_now

    return moment_of(text, utc_now(), end=True) - timedelta(microseconds=1)
