"""One account as it was read, and the world of all accounts that are open side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from .accounts import KnownAccount
from .credentials import AccessKey, Credentials
from .document import Gap, Kind, Origin
from .fact import Fact, State
from .identity import Group, Identity, Role, User
from .policy import Policy
from .usage import UsageBrief


class Section(msgspec.Struct, frozen=True):
    """State, source and age of one part of a snapshot.

    state:    KNOWN once anything was read; DENIED, FAILED or NOT_LOADED otherwise
    complete: False while pages are missing, filtered or still coming
    """

    state: State = State.NOT_LOADED
    as_of: datetime | None = None
    origin: Origin | None = None
    complete: bool = False
    detail: str = ""


NOT_LOADED = Section()

# names of the sections of a snapshot
USERS, ROLES, GROUPS, POLICIES = "users", "roles", "groups", "policies"
CREDENTIALS, ACCESS_KEYS, SUMMARY, ALIASES, PASSWORD_POLICY = "credentials", "access-keys", "summary", "aliases", "password-policy"


class Snapshot(msgspec.Struct, frozen=True, eq=False):
    """Everything read about one account. Lists are sorted by name (case-insensitively, then by ARN).

    account:     12 digits; "unknown" when no document told
    credentials: by user ARN; holds the root row too
    access_keys: by user ARN, only of users whose keys were asked for
    summary:     GetAccountSummary's map (`AccountMFAEnabled`, `Users` …)
    sections:    by section name (USERS … PASSWORD_POLICY)
    caller_arn:  who read it, "" for evidence without that fact
    name:        what its organisation calls the account, "" when nothing told
    last_events: latest event by identity ARN among the events read so far; never kept on disk
    last_accessed: last-accessed details by ARN, of those that were asked for; never kept on disk with it
    new_places:  why events are somebody's first from a network or in a Region, by event id; never kept on disk
    standings:   decisions of reviewers, None until somebody asked for them; never kept on disk
    """

    account: str
    partition: str = "aws"
    aliases: tuple[str, ...] = ()
    users: tuple[User, ...] = ()
    roles: tuple[Role, ...] = ()
    groups: tuple[Group, ...] = ()
    policies: tuple[Policy, ...] = ()
    credentials: Mapping[str, Credentials] = {}
    access_keys: Mapping[str, tuple[AccessKey, ...]] = {}
    summary: Mapping[str, int] = {}
    password_policy: Mapping[str, bool | int | str | None] = {}
    sections: Mapping[str, Section] = {}
    gaps: tuple[Gap, ...] = ()
    caller_arn: str = ""
    name: str = ""
    last_events: Mapping[str, datetime] = {}
    last_accessed: Mapping[str, Fact[UsageBrief]] = {}
    new_places: Mapping[str, tuple[str, ...]] = {}
    standings: Any = None  # model.review.Standings, which a start does not import

    def section(self, name: str) -> Section:
        return self.sections.get(name, NOT_LOADED)

    @property
    def label(self) -> str:
        """What people call the account: its alias, else its name in the organisation, else its id."""
        return self.aliases[0] if self.aliases else self.name or self.account

    @property
    def as_of(self) -> datetime | None:
        """Age of the oldest list, because a screen is as old as its oldest part."""
        stamps = [s.as_of for n, s in self.sections.items() if s.as_of and n in (USERS, ROLES, GROUPS, POLICIES)]
        return min(stamps) if stamps else None


class DocumentNote(msgspec.Struct, frozen=True):
    """What became of one file or answer: `accepted` False with a reason when it was skipped."""

    origin: Origin
    kind: Kind
    account: str = ""
    accepted: bool = True
    reason: str = ""
    items: int = 0


class World(msgspec.Struct, frozen=True, eq=False):
    """All open accounts, in the order they were opened.

    accounts: accounts that are known of, by id, read or not; empty when no list of accounts was read
    """

    snapshots: tuple[Snapshot, ...] = ()
    notes: tuple[DocumentNote, ...] = ()
    gaps: tuple[Gap, ...] = ()
    accounts: Mapping[str, KnownAccount] = {}

    def snapshot(self, account: str) -> Snapshot | None:
        return next((s for s in self.snapshots if s.account == account), None)

    def identities(self) -> Iterator[Identity]:
        for snapshot in self.snapshots:
            yield from snapshot.users
            yield from snapshot.roles
            yield from snapshot.groups
