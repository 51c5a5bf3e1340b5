"""Alerts: what a pasted text is about."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class ClueKind(StrEnum):
    ARN = "ARN"
    KEY = "access key"
    UNIQUE_ID = "unique id"
    IP = "IP address"
    EVENT = "event id"
    REQUEST = "request id"
    USER = "user name"
    ROLE = "role name"


class Clue(msgspec.Struct, frozen=True):
    """Something an alert names that events can be looked up by. May be hostile text."""

    kind: ClueKind
    value: str


class Alert(msgspec.Struct, frozen=True):
    """One alert, as far as it tells.

    kind:     what it is: `GuardDuty finding`, `CloudTrail record`, `access key` …
    clues:    the most telling first
    record:   CloudTrail record in it, as JSON text, secrets dropped; "" when there is none
    """

    kind: str
    title: str = ""
    words: str = ""
    severity: str = ""
    at: datetime | None = None
    account: str = ""
    region: str = ""
    clues: tuple[Clue, ...] = ()
    record: str = ""
