"""The one object the UI and the commands talk to: `Session`; questions in, frozen answers out."""

from __future__ import annotations

from .answers import (
    NAMED,
    CredentialView,
    Direction,
    Link,
    Listing,
    ListKind,
    Match,
    Problem,
    Row,
    Selection,
    StoredRows,
    Update,
    UsageUpdate,
)
from .facade import Session, utc_now

__all__ = [
    "NAMED",
    "CredentialView",
    "Direction",
    "Link",
    "ListKind",
    "Listing",
    "Match",
    "Problem",
    "Row",
    "Selection",
    "Session",
    "StoredRows",
    "Update",
    "UsageUpdate",
    "utc_now",
]
