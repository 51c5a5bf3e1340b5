"""What logging health and alarm coverage tell of the Summary's topics."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..model.fact import State
from ..model.finding import Severity
from ..model.overview import Item, Missing, Told
from .alarms.controlling import by_control
from .alarms.coverage import Coverage
from .alarms.health import Health, Row

_STATES = {Health.DENIED: State.DENIED, Health.UNKNOWN: State.NOT_LOADED}


def logging_told(account: str, rows: Sequence[Row]) -> Told:
    """What keeps the account from being audited."""
    grave = {Health.MISSING: Severity.HIGH, Health.WEAK: Severity.MEDIUM}
    items = tuple(
        Item(f"{row.subject} {row.name}".strip(), row.found, grave[row.state], account=account) for row in rows if row.state in grave
    )
    missing = tuple(
        Missing(_STATES[row.state], f"{row.subject} {row.name}: {row.found}", row.todo or ":logging says more")
        for row in rows
        if row.state in _STATES
    )
    told = sum(1 for row in rows if row.state not in _STATES)
    as_of: datetime | None = min((row.as_of for row in rows if row.as_of is not None), default=None)
    return Told(
        "logging", account, items, told, f"{told:,} checks of trails, log groups, Config, analyzers", missing, "logging health", as_of
    )


def alarms_told(account: str, covered: Sequence[Coverage]) -> Told:
    """Monitoring controls nobody would hear of."""
    found = list(by_control(covered))
    items = tuple(Item(name, words, Severity.MEDIUM, account=account) for name, good, words in found if good is False)
    missing = tuple(Missing(State.NOT_LOADED, f"{name}: {words}", ":alarms says more") for name, good, words in found if good is None)
    told = len(found) - len(missing)
    return Told("alarms", account, items, told, f"{told:,} of {len(found):,} CIS monitoring controls", missing, "alarms and rules")


def not_watched(account: str, words: str, todo: str) -> list[Told]:
    """Where nobody has read trails, alarms and rules."""
    return [Told(topic, account, missing=(Missing(State.NOT_LOADED, words, todo),)) for topic in ("logging", "alarms")]
