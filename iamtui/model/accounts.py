"""Accounts that are known of, read or not: members of an organisation, or those of a list."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class Reading(StrEnum):
    """How the last attempt to read an account went."""

    READ = "read"
    PARTLY = "partly read"
    DENIED = "denied"
    FAILED = "failed"
    CLOSED = "not open"
    EXCLUDED = "excluded"
    NOT_READ = "not read"

    @property
    def missing(self) -> bool:
        """Whether something of the account is missing that somebody wanted. A closed account has nothing that could be read."""
        return self in (Reading.DENIED, Reading.FAILED, Reading.NOT_READ)


CLOSED = frozenset(("SUSPENDED", "PENDING_CLOSURE", "CLOSED"))
"""States of an account in which nobody can assume a role there."""


class KnownAccount(msgspec.Struct, frozen=True):
    """One account as an organisation, a list or a sweep tells of it. Names may be hostile text.

    status:  ACTIVE, SUSPENDED, PENDING_CLOSURE, PENDING_ACTIVATION, CLOSED; "" when nothing told. `State` of ListAccounts, else its
             older `Status`
    reading: how the last sweep of it went; None when no sweep tried
    action:  API action that was refused, with `reason` and what to type next in `hint`
    role:    role that was assumed there, "" for the caller's own credentials
    at:      when it was tried; listed: when the account was told of
    """

    account: str
    name: str = ""
    status: str = ""
    arn: str = ""
    joined: datetime | None = None
    reading: Reading | None = None
    reason: str = ""
    action: str = ""
    hint: str = ""
    role: str = ""
    at: datetime | None = None
    listed: datetime | None = None


__all__ = ["CLOSED", "KnownAccount", "Reading"]
