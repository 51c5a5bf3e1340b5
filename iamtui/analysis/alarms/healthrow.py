"""One line of logging health, and what all of them are made with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from ...model.fact import Fact, State
from ...model.guards import Guards
from .links import not_read


class Health(StrEnum):
    OK = "ok"
    WEAK = "weak"
    MISSING = "missing"
    DENIED = "denied"
    UNKNOWN = "unknown"


class Row(msgspec.Struct, frozen=True):
    """One line of the page.

    id:     stable name of the check (`trail.logging`)
    name:   what it is about: a trail, a log group, a Region; may be hostile text
    found:  what is so; means: what follows from it; todo: what to do, text to copy where that is one command
    """

    id: str
    subject: str
    name: str
    state: Health
    found: str
    means: str = ""
    todo: str = ""
    source: str = ""
    as_of: datetime | None = None


def state_of(fact: Fact[Any]) -> Health:
    return Health.DENIED if fact.state is State.DENIED else Health.UNKNOWN


def refused(rows: list[Row], guards: Guards, what: str, id: str, means: str) -> None:
    """A row for the Regions in which something could not be read; one for all with the same reason."""
    reasons: dict[tuple[Health, str], list[str]] = {}
    for (name, region), fact in guards.asked.items():
        if name == what and not fact.is_known and region not in guards.off:
            reasons.setdefault((state_of(fact), not_read(fact)), []).append(region)
    for (state, words), regions in reasons.items():
        rows.append(Row(id, what, some(sorted(regions)), state, words, means, "iamtui info --policy prints what is needed"))
    if not any(name == what for name, _ in guards.asked):
        rows.append(Row(id, what, "nowhere", Health.UNKNOWN, "it was not read", means))


def some(names: Sequence[str], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
