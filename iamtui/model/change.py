"""Changes: what was altered of an identity or policy, when, by whom, from what to what, and who says so."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from .event import Event
from .fact import Fact, State, absent


class ChangeKind(StrEnum):
    """What was done. The values are the stable words of tables, filters and JSON."""

    CREATED = "created"
    DELETED = "deleted"
    ATTACHED = "policy attached"
    DETACHED = "policy detached"
    PUT = "inline policy put"
    REMOVED = "inline policy removed"
    VERSION = "version made"
    DEFAULT = "default switched"
    VERSION_DELETED = "version deleted"
    TRUST = "trust changed"
    BOUNDARY_SET = "boundary set"
    BOUNDARY_REMOVED = "boundary removed"
    JOINED = "group joined"
    LEFT = "group left"
    KEY_MADE = "key made"
    KEY_DISABLED = "key disabled"
    KEY_ENABLED = "key enabled"
    KEY_DELETED = "key deleted"
    LOGIN_MADE = "console password made"
    LOGIN_CHANGED = "console password changed"
    LOGIN_REMOVED = "console password removed"
    MFA_ON = "MFA device enabled"
    MFA_OFF = "MFA device removed"
    CREDENTIAL = "other credential changed"
    TAGGED = "tags set"
    UNTAGGED = "tags removed"
    RENAMED = "renamed"
    PROFILE_JOINED = "instance profile joined"
    PROFILE_LEFT = "instance profile left"
    SETTINGS = "settings changed"


class Tells(StrEnum):
    """Who tells of a change."""

    EVENT = "CloudTrail"
    VERSION = "stored version"
    CONFIG = "AWS Config"


class Told(msgspec.Struct, frozen=True):
    """One telling of a change.

    at:   when its source says it was; of Config the time of the item, which is minutes to hours late
    name: event id, version id, or `us-east-1 1478455016560` (Region and state id of a Config item)
    """

    by: Tells
    at: datetime | None
    name: str = ""


class Author(msgspec.Struct, frozen=True):
    """Who did it.

    actor:   name of the identity that made the call, `actor_arn` its ARN; "" when no event tells
    human:   who is behind it, in words: `k.meyer@acme.example (person)`; "" when the way back is broken
    name:    of the person, service or workload alone
    missing: why it is not known, or what would be needed to go further back
    """

    actor: str = ""
    actor_arn: str = ""
    human: str = ""
    name: str = ""
    missing: str = ""

    @property
    def words(self) -> str:
        """The human where told, else the actor."""
        return self.human or self.actor


NOBODY = Author()


class Change(msgspec.Struct, frozen=True, eq=False):
    """One change of one user, role, group or managed policy.

    target:     `user`, `role`, `group`, `policy`
    unique_id:  AIDA…/AROA…/AGPA…/ANPA…, "" when nothing tells it (an identity that is gone)
    part:       what of it: policy ARN, name of the inline policy or group, version id, key id, tag keys; "" for the whole
    at:         when; None when nobody tells
    not_before: when only AWS Config tells: it happened after this (the item before) and by `at`
    before, after: policy documents (JSON text); NOT_APPLICABLE where there was or is none, else why it is not known
    was, becomes:  values that are no documents: version ids, boundary ARNs, names, tag values; "" when not told or none
    default:    of a version: whether it became the default with this; None when not told
    event:      the CloudTrail event, when one tells
    related:    ids of events an AWS Config item names
    repeated:   it changed nothing: the same already stood
    unknown:    what could not be told, as sentences
    """

    kind: ChangeKind
    target: str
    name: str
    account: str
    at: datetime | None
    told: tuple[Told, ...]
    arn: str = ""
    unique_id: str = ""
    part: str = ""
    not_before: datetime | None = None
    before: Fact[str] = absent(State.NO_INFORMATION)
    after: Fact[str] = absent(State.NO_INFORMATION)
    was: str = ""
    becomes: str = ""
    default: bool | None = None
    event: Event | None = None
    related: tuple[str, ...] = ()
    author: Author = NOBODY
    repeated: bool = False
    unknown: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Stable over refreshes."""
        first = self.told[0] if self.told else None
        told = f"{first.by.name.lower()}:{first.name}" if first is not None else ""
        return f"change:{self.account}/{self.target}/{self.name}/{self.kind.name.lower()}/{self.part}/{told}"

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(told.by.value for told in self.told))


class ChangeGap(msgspec.Struct, frozen=True):
    """A stretch of time of which a source can tell nothing, or why it cannot be asked. Either end may be open."""

    source: Tells
    words: str
    since: datetime | None = None
    until: datetime | None = None
