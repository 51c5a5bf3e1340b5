"""A policy before it is applied, against an identity of an open account where one is given."""

from __future__ import annotations

from ..analysis.preflight import Preflight
from ..analysis.preflight import preflight as compare
from ..model.identity import Group, Role, User
from .answers import Row


def preflight(old: str, new: str, row: Row | None = None) -> Preflight:
    """Compare two policy documents. Loads the catalogue."""
    identity = row.item if row is not None and isinstance(row.item, User | Role | Group) else None
    return compare(old, new, identity, row.snapshot if row is not None else None)
