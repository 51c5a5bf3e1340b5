"""Practices: a rule of keeping an account in order, and how far the facts say it is kept."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class Kept(StrEnum):
    """What the facts carry. `PARTLY` and `BROKEN` differ only in the share: a broken one is kept by less than half, or hurts most."""

    YES = "kept"
    PARTLY = "partly kept"
    BROKEN = "not kept"
    UNKNOWN = "cannot be told"


class Offender(msgspec.Struct, frozen=True):
    """One thing that breaks a practice.

    name, arn: what it is; `arn` "" for what has none (a Region, the account)
    subject:   `user`, `role`, `policy`, `root`, `account` …
    words:     the evidence, a sentence part with its values
    source, as_of: where the evidence comes from, and its age
    account:   12 digits
    tab:       where on the subject it is seen, "" for its first tab
    grave:     counts before the others
    at:        when it was, of what has a date
    """

    name: str
    arn: str
    subject: str
    words: str
    source: str
    account: str
    as_of: datetime | None = None
    tab: str = ""
    grave: bool = False
    at: datetime | None = None


class Practice(msgspec.Struct, frozen=True):
    """One practice over the open accounts.

    id:         stable word: `mfa`
    claim:      what was found, one sentence
    of, held:   how many were looked at, and how many of them keep it
    missing:    facts that were not there, as sentences with what to type or to grant; with any of them `kept` is never YES
    definition: what is checked, exactly
    sources:    where the facts come from
    blind:      what it cannot see
    control:    the control of the CIS AWS Foundations Benchmark 4.0.1 it corresponds to, "" for none
    todo:       what to do, text to copy where there is one
    """

    number: int
    id: str
    title: str
    kept: Kept
    claim: str
    offenders: tuple[Offender, ...]
    of: int
    held: int
    missing: tuple[str, ...]
    definition: str
    sources: tuple[str, ...]
    blind: str
    control: str
    todo: str

    @property
    def share(self) -> float | None:
        """Part of what was looked at that keeps it, 0 to 1; None when nothing could be looked at."""
        return self.held / self.of if self.of else None
