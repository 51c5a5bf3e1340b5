"""Real account documents for tests, decoded as the product decodes them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from iamtui.model.account import Snapshot, World
from iamtui.model.document import Document, Kind, Origin
from iamtui.model.event import Event
from iamtui.source.decode import Assembler, decode_events

DATA = Path(__file__).parents[2] / "../shared/data"
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def data(name: str) -> Path:
    """A file or folder of the development data; the test is skipped where the data is not there (as in a public clone)."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"development data {name} is not here")
    return path


def _kind(name: str) -> Kind:
    return Kind.CREDENTIAL_REPORT if name.endswith(".csv") else Kind.AUTHORIZATION


def world(*names: str) -> World:
    """The accounts of these files of `iam/`, seen together."""
    assembler = Assembler()
    for name in names:
        path = data(f"iam/{name}")
        assembler.add(Document(_kind(name), path.read_bytes(), NOW, Origin("evidence", path.name)))
    return assembler.world()


def snapshot(*names: str) -> Snapshot:
    """The one account of these files."""
    (found,) = world(*names).snapshots
    return found


def events(*names: str) -> list[Event]:
    """The events of these files or folders of `cloudtrail/` (plain JSON), in the order read."""
    found: list[Event] = []
    for name in names:
        path = data(f"cloudtrail/{name}")
        for file in sorted(path.rglob("*.json")) if path.is_dir() else [path]:
            found += decode_events(Document(Kind.EVENTS, file.read_bytes(), NOW, Origin("evidence", file.name))).events
    return found
