"""All stores in a folder: how much they hold, and forgetting them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from .segments import VERSION, EventStore


class Kept(msgspec.Struct, frozen=True):
    """bytes: of all files, those of other versions included."""

    folders: int = 0
    events: int = 0
    bytes: int = 0


def _stores(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def kept_trails(folder: Path) -> Kept:
    """What is in the stores under a folder."""
    stores = _stores(folder)
    events = sum(EventStore(path).state().events for path in stores)
    size = sum(file.stat().st_size for path in stores for file in path.rglob("*") if file.is_file())
    return Kept(len(stores), events, size)


def forget_trails(folder: Path) -> int:
    """Remove every store under a folder; how many there were. What holds the lock of one finishes first."""
    stores = _stores(folder)
    for path in stores:
        EventStore(path).clear()
        for version in path.glob("v*"):
            if version.name != f"v{VERSION}":
                for file in version.iterdir():
                    file.unlink(missing_ok=True)
    return len(stores)
