"""Facts as words: relative for tables and filters, exact for CSV, typed for JSON."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ..model.fact import Fact, State

SHORT_STATE = {
    State.NEVER: "never",
    State.NOT_IN_TRACKING_PERIOD: ">400 d",
    State.NOT_TRACKED: "untracked",
    State.NO_INFORMATION: "no info",
    State.NOT_APPLICABLE: "-",
    State.DENIED: "denied",
    State.FAILED: "failed",
    State.NOT_LOADED: "…",
}
"""One word for every state without a value; no two alike, none empty."""


def age(moment: datetime, now: datetime) -> str:
    """`3 d`, `5 min`, `2 y`; `in 4 d` for what is to come."""
    delta = now - moment
    prefix = ""
    if delta < timedelta(0):
        delta, prefix = -delta, "in "
    seconds = int(delta.total_seconds())
    if seconds < 60:
        words = "now" if seconds < 5 and not prefix else f"{seconds} s"
    elif seconds < 3600:
        words = f"{seconds // 60} min"
    elif seconds < 172_800:
        words = f"{seconds // 3600} h"
    elif delta.days < 730:
        words = f"{delta.days} d"
    else:
        words = f"{delta.days // 365} y"
    return prefix + words


def plain(fact: Fact[Any], now: datetime) -> str:
    """What a table shows: relative times, yes and no, and the word of every state that is not a value."""
    if fact.state is not State.KNOWN:
        return SHORT_STATE[fact.state]
    value = fact.value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return age(value, now)
    if isinstance(value, tuple):
        return ", ".join(value) if value else "none"
    return str(value)


def exact(moment: datetime) -> str:
    """`2026-10-01 14:02:07 UTC`."""
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def long_words(fact: Fact[Any], now: datetime) -> str:
    """What a detail shows: exact time with its age; a state with its action, reason or window."""
    if fact.state is not State.KNOWN:
        return f"{fact.state.value}: {fact.detail}" if fact.detail else fact.state.value
    if isinstance(fact.value, datetime):
        return f"{exact(fact.value)} ({age(fact.value, now)})"
    return plain(fact, now)


def csv_text(fact: Fact[Any]) -> str:
    """What a CSV cell holds: ISO times, and the state's full word where there is no value."""
    if fact.state is not State.KNOWN:
        return f"({fact.state.value})"
    value = fact.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, tuple):
        return " ".join(value)
    return str(value)


def machine(fact: Fact[Any]) -> Any:
    """What JSON holds: the value itself, or `{"state": …, "detail": …}` where there is none."""
    if fact.state is State.KNOWN:
        value = fact.value
        if isinstance(value, datetime):
            return value.strftime("%Y-%m-%dT%H:%M:%SZ")
        return list(value) if isinstance(value, tuple) else value
    return {"state": fact.state.value, **({"detail": fact.detail} if fact.detail else {})}
