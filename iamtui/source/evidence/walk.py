"""Which files there are under the given paths, and which of them are not opened, and why."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence

import msgspec

MAX_FILES = 300_000
MAX_DEPTH = 40


class Found(msgspec.Struct, frozen=True):
    """A regular file. `named` when the path itself was given, not its folder; `root` is the path given."""

    path: str
    root: str
    named: bool


class Refused(msgspec.Struct, frozen=True):
    """A path that is not opened. `fault` False for what is only left out (hidden files)."""

    path: str
    reason: str
    hint: str = ""
    fault: bool = True


def walk(paths: Sequence[str]) -> Iterator[Found | Refused]:
    """Every file once, folders in the order of their names. Links are followed only where they stay inside what was given."""
    seen_files: set[tuple[int, int]] = set()
    count = 0
    for root in paths:
        for item in _under(root):
            if isinstance(item, Refused):
                yield item
                continue
            found, identity = item
            if identity in seen_files:
                continue
            seen_files.add(identity)
            count += 1
            if count > MAX_FILES:
                yield Refused(root, f"there are more than {MAX_FILES:,} files; the rest is not opened", "name a smaller folder")
                return
            yield found


def _under(root: str) -> Iterator[tuple[Found, tuple[int, int]] | Refused]:
    try:
        info = os.stat(root)
    except (OSError, ValueError) as error:
        yield Refused(root, os_reason(error), "check the path" if isinstance(error, FileNotFoundError) else "")
        return
    if stat.S_ISDIR(info.st_mode):
        yield from _folder(root, root, os.path.realpath(root), 0, {(info.st_dev, info.st_ino)})
    elif stat.S_ISREG(info.st_mode):
        yield Found(root, root, named=True), (info.st_dev, info.st_ino)
    else:
        yield Refused(root, f"{special(info.st_mode)}, not a file or folder", "save it to a file first")


def _folder(
    path: str, root: str, inside: str, depth: int, trail: set[tuple[int, int]]
) -> Iterator[tuple[Found, tuple[int, int]] | Refused]:
    try:
        with os.scandir(path) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        yield Refused(path, f"the folder cannot be listed: {os_reason(error)}")
        return
    hidden = [entry.name for entry in ordered if entry.name.startswith(".")]
    if hidden:
        yield Refused(path, f"{len(hidden)} hidden {'file' if len(hidden) == 1 else 'files'} left out ({hidden[0]})", fault=False)
    for entry in ordered:
        if entry.name.startswith("."):
            continue
        try:
            if entry.is_symlink() and not _stays(entry.path, inside):
                yield Refused(entry.path, "a link that leads out of the folder; not followed", "name its target as a path of its own")
                continue
            info = entry.stat()
        except (OSError, ValueError) as error:
            yield Refused(entry.path, os_reason(error))
            continue
        identity = (info.st_dev, info.st_ino)
        if stat.S_ISDIR(info.st_mode):
            if identity in trail:
                yield Refused(entry.path, "a link to a folder that contains it; not followed again")
            elif depth >= MAX_DEPTH:
                yield Refused(entry.path, f"more than {MAX_DEPTH} folders deep; not opened", "name the folder itself")
            else:
                yield from _folder(entry.path, root, inside, depth + 1, {*trail, identity})
        elif stat.S_ISREG(info.st_mode):
            yield Found(entry.path, root, named=False), identity
        else:
            yield Refused(entry.path, f"{special(info.st_mode)}, not a file", fault=False)


def _stays(path: str, inside: str) -> bool:
    target = os.path.realpath(path)
    return target == inside or target.startswith(inside.rstrip(os.sep) + os.sep)


def special(mode: int) -> str:
    """What a path is that is neither file nor folder."""
    for test, name in (
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
        (stat.S_ISSOCK, "a socket"),
    ):
        if test(mode):
            return name
    return "a special file"


def os_reason(error: OSError | ValueError) -> str:
    """Why the system refused, as a sentence part."""
    if isinstance(error, FileNotFoundError):
        return "no such file or folder"
    if isinstance(error, PermissionError):
        return "this user may not read it"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return str(error) or "it cannot be opened"
