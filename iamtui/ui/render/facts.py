"""Facts as words of a detail view, with a style that says their state a second time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ...analysis.words import long_words
from ...model.fact import Fact, State
from ...text import visible
from .cells import STATE_STYLE


def detail(fact: Fact[Any], now: datetime) -> tuple[str, str]:
    """(words, style name) of one fact: exact, with the reason where there is no value."""
    return visible(long_words(fact, now)), "" if fact.state is State.KNOWN else STATE_STYLE[fact.state]


def origin_words(fact: Fact[Any]) -> str:
    """`iam:GetCredentialReport, as of 2026-10-01 14:02 UTC`."""
    when = f", as of {fact.as_of:%Y-%m-%d %H:%M} UTC" if fact.as_of else ""
    return visible(f"{fact.source or 'no source'}{when}")
