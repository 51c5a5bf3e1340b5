"""A fact as text: for a cell of a table, for a program, for a spreadsheet. States never look alike, nor like a value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ..model.fact import Fact, State

EMPTY = "none"
"""A list or text that is known and empty."""

PARTIAL = "partial"
"""A known number whose `detail` begins with this word is a lower bound, shown as `41+`."""

_WORDS = {
    State.NEVER: "never",
    State.NOT_IN_TRACKING_PERIOD: "not in tracking period",
    State.NOT_TRACKED: "not tracked",
    State.NO_INFORMATION: "no information",
    State.NOT_APPLICABLE: "n/a",
    State.DENIED: "denied",
    State.FAILED: "failed",
    State.NOT_LOADED: "not loaded",
}
_KNOWN = State.KNOWN
_WITH_DETAIL = frozenset({State.DENIED, State.FAILED})


def plain(fact: Fact[Any], now: datetime) -> str:
    """The words of a cell: `3 d`, `yes`, `never`, `denied (iam:GetCredentialReport)`, `none` for what is known and empty.

    Not made safe for a terminal: whoever prints it does that (`iamtui.text.visible`).
    """
    # Runs for every cell of a list when a filter is typed: the common kinds come first.
    if fact.state is not _KNOWN:
        return state_words(fact)
    value: Any = fact.value
    kind: Any = type(value)
    if kind is str:
        return value or EMPTY
    if kind is datetime:
        return relative(value, now)
    if kind is bool:
        return "yes" if value else "no"
    if kind is tuple:
        return ", ".join(value) or EMPTY
    if kind is timedelta:
        return length(value)
    if value is None:
        return EMPTY
    return f"{value}+" if fact.detail.startswith(PARTIAL) else str(value)


def state_words(fact: Fact[Any]) -> str:
    """Why there is no value: `never`, `denied (iam:ListUsers)`, `not in 400 d`."""
    state = fact.state
    if state is State.NOT_IN_TRACKING_PERIOD and fact.detail:
        return f"not in {fact.detail}"
    if state in _WITH_DETAIL and fact.detail:
        return f"{_WORDS[state]} ({fact.detail})"
    return _WORDS.get(state, state.value)


def long_words(fact: Fact[Any], now: datetime) -> str:
    """What a detail shows: the exact time with its age; a state with its action, reason or window."""
    if fact.state is not State.KNOWN:
        return f"{fact.state.value}: {fact.detail}" if fact.detail else fact.state.value
    if isinstance(fact.value, datetime):
        return f"{exact(fact.value)} ({relative(fact.value, now)})"
    return plain(fact, now)


def machine(fact: Fact[Any]) -> Any:
    """The JSON value: the value itself where it is known (times as ISO 8601 in UTC, lengths in seconds), else an object with
    `state`, and `source`, `as_of` and `detail` where they are told."""
    if fact.state is State.KNOWN:
        return _json(fact.value)
    answer: dict[str, Any] = {"state": fact.state.value}
    if fact.source:
        answer["source"] = fact.source
    if fact.as_of is not None:
        answer["as_of"] = iso(fact.as_of)
    if fact.detail:
        answer["detail"] = fact.detail
    return answer


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    return list(value) if isinstance(value, tuple) else value


def csv_text(fact: Fact[Any]) -> str:
    """A cell of a CSV: ISO times, `true`/`false`, lists joined by `; `; states in the words of the table.

    Not defused for spreadsheets: whoever writes the file does that.
    """
    if fact.state is not State.KNOWN:
        return state_words(fact)
    value = fact.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "; ".join(value)
    if value is None:
        return ""
    return str(_json(value))


def utc(moment: datetime) -> datetime:
    """`moment` in UTC; one without zone is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def iso(moment: datetime) -> str:
    """`2024-03-01T10:00:00Z`."""
    return utc(moment).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def exact(moment: datetime) -> str:
    """`2024-03-01 10:00:00 UTC`, for detail views."""
    return utc(moment).strftime("%Y-%m-%d %H:%M:%S UTC")


_DAYS = tuple(f"{days} d" for days in range(730))


def relative(moment: datetime, now: datetime) -> str:
    """How long ago: `now`, `5 min`, `3 h`, `412 d`, `6 y`; `in 3 d` for what is to come. Days up to two years, because
    rules are written in days."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    span = now - moment
    days = span.days
    if days >= 730:
        return f"{days // 365} y"
    if days >= 2:
        return _DAYS[days]
    seconds = span.seconds + days * 86_400
    if days < 0:
        return "now" if seconds > -60 else f"in {length(-span)}"
    if seconds < 60:
        return "now"
    return f"{seconds // 60} min" if seconds < 3600 else f"{seconds // 3600} h"


def length(span: timedelta) -> str:
    """A length of time in its largest fitting unit: `45 s`, `90 min`, `12 h`, `30 d`."""
    seconds = int(span.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600 or (seconds % 3600 and seconds < 7200):
        return f"{seconds // 60} min"
    if seconds < 172_800:
        hours, rest = divmod(seconds, 3600)
        return f"{hours} h {rest // 60} min" if rest >= 60 else f"{hours} h"
    return f"{seconds // 86_400} d"
