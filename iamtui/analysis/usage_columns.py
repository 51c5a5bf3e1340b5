"""What lists show of last-accessed details: when, by which service, and how many granted services nobody has used."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..model.account import Snapshot
from ..model.fact import Fact, State, absent, known
from ..model.usage import UsageBrief
from .lists import Column, ColumnKind

ASKED_BY = "iam:GenerateServiceLastAccessedDetails"
UNUSED = "unused-services"


def brief_of(item: Any, snapshot: Snapshot) -> Fact[UsageBrief]:
    """Last-accessed details of an identity or policy, in short. NOT_LOADED where nobody asked, or the answer is about an older one
    of the same name."""
    held = snapshot.last_accessed.get(item.arn)
    if held is None:
        return absent(State.NOT_LOADED, ASKED_BY, detail="iamtui sweep last-used asks")
    created: datetime | None = item.created
    if held.value is not None and created is not None and held.value.completed < created:
        return absent(State.NOT_LOADED, held.source, held.as_of, "the answer is older than what has this name now")
    return held


def later(best: Fact[Any], item: Any, snapshot: Snapshot) -> Fact[Any]:
    """The later of a last sign and the last access of any service; `detail` names the service."""
    held = snapshot.last_accessed.get(item.arn)
    if held is None or held.value is None or held.value.last is None:
        return best
    brief = brief_of(item, snapshot).value
    if brief is None or brief.last is None or (best.is_known and best.value is not None and best.value >= brief.last):
        return best
    return known(brief.last, brief.source, brief.completed, f"last accessed, {brief.service}")


def last_accessed(item: Any, snapshot: Snapshot) -> Fact[Any]:
    """The last access of any service: of groups and policies, by anybody they give it to."""
    told = brief_of(item, snapshot)
    if told.value is None or not told.is_known:
        return _attached_to_nobody(item) or told
    brief = told.value
    if brief.last is None:
        since = f"{(brief.completed - brief.tracking_from).days} d" if brief.tracking_from else ""
        return absent(State.NOT_IN_TRACKING_PERIOD, brief.source, brief.completed, since)
    return known(brief.last, brief.source, brief.completed, f"last accessed, {brief.service}")


def unused_services(item: Any, snapshot: Snapshot) -> Fact[Any]:
    """How many services are granted and were not accessed in the tracking period."""
    if item.arn.endswith(":root"):
        return absent(State.NOT_APPLICABLE, ASKED_BY, detail="root holds everything; Access Advisor does not tell of it")
    told = brief_of(item, snapshot)
    if told.value is None or not told.is_known:
        return _attached_to_nobody(item) or told
    brief = told.value
    since = f" since {brief.tracking_from:%Y-%m-%d}" if brief.tracking_from else ""
    return known(brief.unused, brief.source, brief.completed, f"of {brief.granted} granted{since}")


def _attached_to_nobody(item: Any) -> Fact[Any] | None:
    """A policy nobody has cannot have been used; it is not asked about."""
    if getattr(item, "attachment_count", None) == 0:
        return absent(State.NOT_APPLICABLE, ASKED_BY, detail="attached to nobody")
    return None


UNUSED_COLUMN = Column(
    UNUSED,
    "UNUSED SVC",
    ColumnKind.NUMBER,
    "Granted services nobody accessed in AWS's tracking period (400 days at most), by last-accessed details; :sweep asks for all.",
    unused_services,
    10,
    2,
    detail_only=True,
)
LAST_COLUMN = Column(
    "last-accessed",
    "LAST SEEN",
    ColumnKind.TIME,
    "Last access of a service it gives, by anybody who has it; by last-accessed details, which :sweep asks for.",
    last_accessed,
    10,
    2,
    detail_only=True,
)


__all__ = ["ASKED_BY", "LAST_COLUMN", "UNUSED", "UNUSED_COLUMN", "brief_of", "last_accessed", "later", "unused_services"]
