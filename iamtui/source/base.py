"""What every source of facts offers. Live AWS, evidence and the demo differ only in how they produce documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Protocol

import msgspec

from ..model.coverage import Coverage, Covered
from ..model.document import Document, Gap
from ..model.event import Window

Cancelled = Callable[[], bool]
"""Asked between pages; when it answers True a source stops at once and leaves what was yielded."""


def never_cancelled() -> bool:
    return False


class SourceInfo(msgspec.Struct, frozen=True):
    """Who reads what. For the header line and the provenance view.

    kind:        `live`, `evidence`, `demo`
    connection:  stable name of the way in (profile, role, endpoint), the cache's key before the account is known
    changed:     when the files that say who we are were last written; what was kept before that may be another account's
    days:        how far back events are looked up
    """

    kind: str
    connection: str = ""
    profile: str = ""
    regions: tuple[str, ...] = ()
    role_arn: str = ""
    endpoint_url: str = ""
    paths: tuple[str, ...] = ()
    changed: datetime | None = None
    days: int = 90


class Step(msgspec.Struct, frozen=True):
    """Progress in words and numbers; `total` None when nobody knows."""

    what: str
    done: int = 0
    total: int | None = None
    throttled: bool = False


FIRST_LOOK = 60
"""Requests of a first look: 3,000 events, half a minute of CloudTrail's budget."""


class EventQuery(msgspec.Struct, frozen=True):
    """Which events are wanted. A source may yield more than asked; the session filters again.

    actor_arn:  identity whose calls are wanted ("" for all); user or role ARN
    actor_name: its name (user name or role name)
    key_ids:    access keys known to belong to it
    attribute, value: one LookupEvents attribute when no actor is given (`EventName`, `CreateUser`)
    regions:    () for the source's own
    sessions:   temporary keys known to be the identity's, each with the moment it was handed out, the latest first
    covered:    what was read before and need not be asked again
    most:       requests of a first look, per Region (of an identity: and attribute); None to go on until all is covered
    """

    actor_arn: str = ""
    actor_name: str = ""
    key_ids: tuple[str, ...] = ()
    attribute: str = ""
    value: str = ""
    since: datetime | None = None
    until: datetime | None = None
    regions: tuple[str, ...] = ()
    sessions: tuple[tuple[str, datetime], ...] = ()
    covered: Coverage = Coverage()
    most: int | None = FIRST_LOOK

    @property
    def whole(self) -> bool:
        """Whether everything is asked for, not an identity or an attribute."""
        return not (self.actor_arn or self.attribute)


Item = Document | Gap | Step


class EventFile(msgspec.Struct, frozen=True):
    """A file that may hold events, for the event store.

    name:      its path; members of a bundle have names of their own
    signature: differs when it was written since
    body:      text of a CloudTrail container; None when the file was known already, or holds none
    reason:    why it could not be read, "" when it could
    """

    name: str
    signature: tuple[int, ...]
    body: bytes | None = None
    reason: str = ""


class PolicyRemark(msgspec.Struct, frozen=True):
    """One finding of Access Analyzer's ValidatePolicy. `kind`: ERROR, SECURITY_WARNING, WARNING, SUGGESTION."""

    kind: str
    code: str
    words: str
    where: str = ""


class Source(Protocol):
    """Iterators block (network, disk) and are consumed in worker threads. A refusal is a yielded Gap, never an exception;
    only CredentialsError and NotReadOnlyError are raised.

    A source may offer more: `service_entities(arn, service)` and `granting_policies(arn, service)` about one service of one ARN,
    `analyzers()` and `analyzer_finding(analyzer, id)` where Access Analyzer is not part of `account` or `surroundings`.
    """

    info: SourceInfo

    def account(self, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """Everything the lists need: caller, GAAD pages, credential report, summary, aliases, password policy."""
        ...

    def events(self, query: EventQuery, cancelled: Cancelled = never_cancelled) -> Iterator[Item | Window | Covered]:
        """Event documents, newest first where the source can; a Window again whenever what is covered has changed.

        A Covered speaks of the document right before it and of those before that: it may be kept once their events are.
        """
        ...

    def last_accessed(self, arn: str, granularity: str = "ACTION_LEVEL", cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """One LAST_ACCESSED document (all pages joined), preceded by Steps while the job runs."""
        ...

    def access_keys(self, user_name: str, user_arn: str, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """One ACCESS_KEYS document of that user."""
        ...

    def policy_version(self, policy_arn: str, version_id: str = "", cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """One POLICY_VERSION document, key `ARN:version`; version "" asks for the default version (GetPolicy first)."""
        ...

    def surroundings(self, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """RESOURCE_POLICIES and ORGANIZATION documents that `account` does not bring: what stands around the identities."""
        ...

    def config_history(
        self, target: str, unique_id: str, arn: str, regions: tuple[str, ...] = (), cancelled: Cancelled = never_cancelled
    ) -> Iterator[Item]:
        """What AWS Config recorded of one IAM resource: a CONFIG_RECORDERS document and CONFIG_ITEMS pages a Region, key: the unique id.
        `target`: user, role, group, policy. Evidence and the demo yield nothing here: all they have is in `account` and
        `surroundings`."""

    def guards(self, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """GUARDS documents that `account` does not bring: trails, metric filters, alarms, topics, rules, recorders, analyzers."""
        ...

    def alarm_history(self, name: str, region: str) -> Iterator[Item]:
        """GUARDS documents of one alarm's history, newest first."""
        ...

    def role(self, role_name: str, role_arn: str, cancelled: Cancelled = never_cancelled) -> Iterator[Item]:
        """ROLE documents: maximum session and description, which GAAD does not tell. One of that role, or pages of all roles
        when no name is given."""
        ...
