"""Facts: a value, or the named reason why there is none, with its source and its age.

`denied`, `failed`, `not loaded`, `never` and an empty value are different facts and stay different
everywhere: on screen, in JSON and in CSV.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class State(StrEnum):
    """What is known about a fact. The values are the stable words of the JSON output."""

    KNOWN = "known"
    NEVER = "never"
    NOT_IN_TRACKING_PERIOD = "not in tracking period"
    NOT_TRACKED = "not tracked"
    NO_INFORMATION = "no information"
    NOT_APPLICABLE = "not applicable"
    DENIED = "denied"
    FAILED = "failed"
    NOT_LOADED = "not loaded"


class Fact(msgspec.Struct, Generic[T], frozen=True):
    """One fact.

    value:  only meaningful when `state` is KNOWN
    source: the API operation, file or computation it comes from (`GetAccountAuthorizationDetails`)
    as_of:  when the source said so, UTC; None when the source has no date
    detail: the denied action, the reason of a failure, the tracking window; plain text, may be hostile
    """

    state: State
    value: T | None = None
    source: str = ""
    as_of: datetime | None = None
    detail: str = ""

    @property
    def is_known(self) -> bool:
        return self.state is State.KNOWN


def known(value: T, source: str = "", as_of: datetime | None = None, detail: str = "") -> Fact[T]:
    return Fact(State.KNOWN, value, source, as_of, detail)


def absent(state: State, source: str = "", as_of: datetime | None = None, detail: str = "") -> Fact[T]:
    """A fact without a value; `state` is anything but KNOWN."""
    return Fact(state, None, source, as_of, detail)
