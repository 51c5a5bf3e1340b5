"""A folder of bundles named by account and date: what `collect` puts there, and what it may take away again."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

_NAME = re.compile(
    r"(?P<account>[0-9]{12}|several|unknown)-(?P<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{4}Z)(?:-(?P<number>[0-9]{1,4}))?\.zip"
)
_ACCOUNT = re.compile(r"[0-9]{12}")
_TRIES = 100


def account_name(accounts: Iterable[str]) -> str:
    """What stands for the account in a name: its number, `several`, or `unknown`. An account's own text is never part of a path."""
    held = tuple(dict.fromkeys(accounts))
    if len(held) > 1:
        return "several"
    return held[0] if held and _ACCOUNT.fullmatch(held[0]) else "unknown"


def write_dated(folder: Path, account: str, at: datetime, write: Callable[[Path], int]) -> tuple[Path | None, int]:
    """Write `ACCOUNT-2026-11-27T0300Z.zip` into a folder, and nothing over anything; (its path, what `write` answered: how many
    answers are in it). None for the path when there were none: then nothing is left.

    The folder is made when it is not there, for its owner alone. A name appears when its bundle is whole. Raises OSError.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    stem = f"{account}-{at:%Y-%m-%dT%H%MZ}"
    unnamed = folder / f".{stem}.{secrets.token_hex(6)}"
    try:
        count = write(unnamed)
        if not count:
            return None, 0
        number = max((n for told, n, _ in _bundles(folder, account) if told == f"{at:%Y-%m-%dT%H%MZ}"), default=0)
        for _ in range(_TRIES):
            number += 1
            path = folder / f"{stem}{'' if number == 1 else f'-{number}'}.zip"
            with contextlib.suppress(FileExistsError):
                _name(unnamed, path)
                return path, count
        raise FileExistsError(errno.EEXIST, "other bundles of that minute appear all the time", stem)
    finally:
        with contextlib.suppress(OSError):
            unnamed.unlink()


def _name(unnamed: Path, path: Path) -> None:
    """Give a file its name, unless the name is taken: FileExistsError."""
    try:
        os.link(unnamed, path, follow_symlinks=False)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):  # a file system without links: take the name first, then put the file there
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600))
        unnamed.replace(path)


def _bundles(folder: Path, account: str) -> list[tuple[str, int, Path]]:
    """(date, number, path) of plain files with a dated name of an account, oldest first."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            if match is not None and match["account"] == account and stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
                found.append((match["stamp"], int(match["number"] or 1), Path(entry.path)))
    return sorted(found)


def prune(folder: Path, account: str, keep: int) -> list[Path]:
    """Take the oldest bundles of an account away until `keep` are left, at least one; those that are gone. Only plain files with such a
    name are touched. Raises OSError."""
    found = _bundles(folder, account)
    gone = [path for _, _, path in found[: max(len(found) - max(keep, 1), 0)]]
    for path in gone:
        path.unlink(missing_ok=True)
    return gone
