"""`iamtui collect`: one bundle, or dated ones in a folder, now and then."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ..errors import BadInputError, Exit, IamtuiError, UsageError
from ..session import Link, Session
from ..session.facade import utc_now
from .opening import exit_code, open_session, read_all, say_problems, settings_of, unread
from .output import words

_UNITS = {"min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LEAST = timedelta(minutes=5)
_NAP = 30.0
"""Seconds slept at once: a machine that was suspended wakes up late, and the clock is looked at again."""


def collect_bundle(options: Mapping[str, Any], output: str, every: str = "", keep: int = 0, times: int = 0) -> int:
    """Read the account and write a bundle. Where `output` is a folder the bundle gets a dated name in it; `every` goes on doing so."""
    if options.get("organization") or options.get("accounts"):
        if every or keep or times:
            raise UsageError("--every and --keep are for one account", "start it from cron: what is younger than a day is not read again")
        from .organization import collect_accounts

        return collect_accounts(options, output)
    for option in ("exclude", "role_name", "at_once", "again"):
        if options.get(option):
            raise UsageError(f"--{option.replace('_', '-')} is for many accounts", "add --organization or --accounts")
    span = _span(every) if every else None
    folder = span is not None or output.endswith(("/", os.sep)) or Path(output).is_dir()
    if span is not None and Path(output).is_file():
        raise UsageError(f"{output} is a file, and --every writes a bundle each time", "name a folder with -o")
    if keep and not folder:
        raise UsageError("--keep is for a folder of dated bundles", "name a folder with -o, as in -o bundles/")
    if not folder:
        return _one(options, Path(output))
    if span is None:
        return _dated(options, Path(output), keep)
    return _again_and_again(options, Path(output), keep, span, times)


def _one(options: Mapping[str, Any], output: Path) -> int:
    session = open_session(options, settings_of(options))
    read_all(session)
    if (reason := unread(session)) is not None:
        raise reason
    try:
        count = session.collect(output)
    except OSError as error:
        raise BadInputError(f"{output} could not be written: {error.strerror or error}", "choose another place with -o") from error
    words(f"Wrote {count:,} answers to {output}")
    return _told(session, count)


def _told(session: Session, count: int) -> int:
    say_problems(session)
    code = exit_code(session)
    if count and code == Exit.WRONG_USE:  # CloudTrail files alone tell of no account, and are worth a bundle
        code = int(Exit.PARTIAL if session.world.gaps else Exit.FINE)
    return code


def _dated(options: Mapping[str, Any], folder: Path, keep: int) -> int:
    """One bundle with a dated name. What was read before and could not be read again is no picture of now: then none is written."""
    from ..store.dated import account_name, prune, write_dated

    session = open_session(options, settings_of(options))
    read_all(session)
    if session.link in (Link.NO_CREDENTIALS, Link.UNREACHABLE):
        say_problems(session)
        words("nothing was written: the account could not be read, and what was read before is not of today")
        return int(Exit.AWS_UNREACHABLE)
    account = account_name(snapshot.account for snapshot in session.world.snapshots)
    try:
        path, count = write_dated(folder, account, session.now(), session.collect)
        if path is None:
            say_problems(session)
            words("nothing was written: there is nothing to collect")
            return int(Exit.WRONG_USE)
        words(f"Wrote {count:,} answers to {path}")
        for gone in prune(folder, account, keep) if keep else ():
            words(f"Took {gone} away (--keep {keep})")
    except OSError as error:
        raise BadInputError(f"{folder} could not be written to: {error.strerror or error}", "choose another place with -o") from error
    return _told(session, count)


def _again_and_again(options: Mapping[str, Any], folder: Path, keep: int, span: timedelta, times: int) -> int:
    """A collection each `span`, counted from the first one's beginning. One that fails is named, and the next goes on."""
    code, done = int(Exit.FINE), 0
    due = utc_now()
    while True:
        try:
            code = _dated(options, folder, keep)
        except IamtuiError as error:
            code = int(error.exit_code)
            words(f"{_stamp(utc_now())} the collection failed: {error.message}{f'; {error.hint}' if error.hint else ''}")
        done += 1
        if done == times:
            return code
        due = _next(due, span, utc_now())
        words(f"{_stamp(utc_now())} the next one is due at {_stamp(due)}")
        while (left := (due - utc_now()).total_seconds()) > 0:
            time.sleep(min(left, _NAP))


def _next(due: datetime, span: timedelta, now: datetime) -> datetime:
    """The first time after now on the beat; what was slept through is not made up for."""
    late = max(now - due, timedelta())
    return due + span * (late // span + 1)


def _span(text: str) -> timedelta:
    match = re.fullmatch(r"([0-9]{1,5})(min|h|d|w)", text.strip())
    if match is None:
        raise UsageError(f"--every {text} is no length of time", "write it as 30min, 6h, 24h, 7d")
    span = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if span < _LEAST:
        raise UsageError(f"--every {text} is too often", "every five minutes at most: each time the whole account is read")
    return span


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
