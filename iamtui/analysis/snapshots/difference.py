"""What a comparison of two points in time is made of: differences, and what could not be compared."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from ...model.finding import Severity
from ..preflight import Change as Access


class What(StrEnum):
    """What of a subject is another. In the order in which equally grave ones are told; the values are the words of tables and JSON."""

    ADMIN = "admin"
    ESCALATION = "escalation"
    TRUST = "trust"
    RESOURCE = "resource policy"
    ACCESS = "access"
    IDENTITY = "identity"
    GRANT = "grant"
    GROUP = "group"
    BOUNDARY = "boundary"
    POLICY = "policy"
    KEY = "key"
    MFA = "MFA"
    CONSOLE = "console"
    PASSWORD = "password"
    PASSWORD_POLICY = "password policy"
    NAME = "name"
    VERSION = "version"
    PROFILE = "instance profile"
    OWNER = "owner"
    TAGS = "tags"
    SETTINGS = "settings"
    ALIAS = "account alias"


ORDER = {what: place for place, what in enumerate(What)}


class Turn(StrEnum):
    """Which way it went, from the older to the newer side."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    REPLACED = "replaced"  # another one under the same name: the unique id is another

    @property
    def back(self) -> Turn:
        """The same seen from the newer side."""
        return _BACK.get(self, self)


_BACK = {Turn.ADDED: Turn.REMOVED, Turn.REMOVED: Turn.ADDED}


class Side(StrEnum):
    """Which of the two points something is about."""

    OLD = "old"
    NEW = "new"
    BOTH = "both"


class Doer(msgspec.Struct, frozen=True):
    """A call that made a difference, or may have: it names the subject, and lies between the two points.

    human:   who is behind it in words, "" when the way back is broken; then `missing` says where
    """

    at: datetime | None
    event: str
    actor: str
    actor_arn: str = ""
    human: str = ""
    missing: str = ""
    event_id: str = ""
    ip: str = ""

    @property
    def words(self) -> str:
        return self.human or self.actor or "not told"


class Difference(msgspec.Struct, frozen=True):
    """One thing that is another at the newer point.

    subject:   `user`, `role`, `group`, `policy`, `root`, `account`, or the service of a resource
    arn:       of the newer side where it is there; `old_arn`: of the older side, where that is another one
    about:     which of several: policy ARN or name, group, key, tag …
    grows:     somebody may do more than before
    before, after: short values; "" for none, documents stand in `old_document` and `new_document`
    gained, lost:  access, where the difference is of that kind; `lines` what else belongs to it, a sentence each
    reaches:   ARNs of the identities it is about beside its subject: holders of a policy, members of a group
    since, until: the two points it lies between; `at`: when exactly, where the facts tell it
    doers:     the newest first; () with the reason in `untold`
    """

    what: What
    turn: Turn
    subject: str
    name: str
    arn: str
    account: str
    severity: Severity
    words: str
    grows: bool = False
    about: str = ""
    before: str = ""
    after: str = ""
    old_document: str = ""
    new_document: str = ""
    gained: tuple[Access, ...] = ()
    lost: tuple[Access, ...] = ()
    lines: tuple[str, ...] = ()
    reaches: tuple[str, ...] = ()
    unique_id: str = ""
    old_arn: str = ""
    since: datetime | None = None
    until: datetime | None = None
    at: datetime | None = None
    doers: tuple[Doer, ...] = ()
    untold: str = ""

    @property
    def key(self) -> str:
        """Stable for the same two points."""
        return f"{self.account}/{self.subject}/{self.arn}/{self.what.value}/{self.about}/{self.turn.value}"

    @property
    def change(self) -> str:
        """`key added`, `policy changed`."""
        return f"{self.what.value} {self.turn.value}"

    @property
    def who(self) -> str:
        return ", ".join(dict.fromkeys(doer.words for doer in self.doers)) or "not told"


class Note(msgspec.Struct, frozen=True):
    """Something that was not compared, and why. `partial`: one side tells less than the other, so that differences may be missing."""

    side: Side
    words: str
    account: str = ""
    partial: bool = True


class Comparison(msgspec.Struct, frozen=True):
    """The gravest first. `since`, `until`: dates of the two points."""

    differences: tuple[Difference, ...] = ()
    notes: tuple[Note, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def grows(self) -> bool:
        return any(difference.grows for difference in self.differences)

    @property
    def partial(self) -> bool:
        return any(note.partial for note in self.notes)


def order(difference: Difference) -> tuple[int, bool, int, str, str, str, str]:
    """The gravest first, what grows before what does not, and the same order whatever the lists were read in."""
    one = difference
    return (one.severity.rank, not one.grows, ORDER[one.what], one.name.casefold(), one.arn, one.about, one.turn.value)
