"""Access Analyzer: its analyzers and what they found."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class AnalyzerKind(StrEnum):
    EXTERNAL = "external"
    INTERNAL = "internal"
    UNUSED = "unused"


class Status(StrEnum):
    """A finding's: ACTIVE until the access is gone (RESOLVED) or somebody, or an archive rule, calls it meant (ARCHIVED)."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    RESOLVED = "resolved"


class Analyzer(msgspec.Struct, frozen=True):
    """One analyzer of a Region.

    organization: whether its zone of trust is the organisation; else it is the account
    status:       ACTIVE, CREATING, DISABLED, FAILED; reason: why it is disabled or failed
    analyzed:     when it last looked at a resource
    days:         of an unused-access analyzer: not used for so long is unused; None when not told
    excluded:     accounts and tags an unused-access analyzer leaves out, in words
    """

    arn: str
    name: str
    region: str
    kind: AnalyzerKind
    organization: bool
    status: str
    reason: str = ""
    created: datetime | None = None
    analyzed: datetime | None = None
    days: int | None = None
    excluded: tuple[str, ...] = ()


class UnusedService(msgspec.Struct, frozen=True):
    """A service, or some of its actions (names without prefix; () for all of it), with the last use; None for none in the period."""

    service: str
    actions: tuple[str, ...] = ()
    last_used: datetime | None = None


class AnalyzerFinding(msgspec.Struct, frozen=True):
    """One finding.

    analyzer:   ARN of its analyzer, "" when the answer does not tell
    type:       AWS's: ExternalAccess, InternalAccess, UnusedIAMRole, UnusedIAMUserPassword, UnusedIAMUserAccessKey, UnusedPermission
    region:     of the analyzer, "" when not told
    principal:  (kind, value) pairs: ("AWS", "111122223333"), ("Federated", "…"); empty when details were not read
    condition:  (key, value) pairs that narrow it
    public:     None when not told
    sources:    how the access comes about: POLICY, BUCKET_ACL, S3_ACCESS_POINT …; () when not told
    restricted: what organisation policies do to it, in AWS's words
    unused:     of UnusedPermission: services and actions; last_used: of roles, passwords and keys
    detailed:   whether principal, actions or unused permissions were read
    raw:        the whole finding as JSON text
    """

    id: str
    analyzer: str
    kind: AnalyzerKind
    type: str
    region: str
    resource: str
    resource_type: str
    owner: str
    status: Status
    principal: tuple[tuple[str, str], ...] = ()
    actions: tuple[str, ...] = ()
    condition: tuple[tuple[str, str], ...] = ()
    public: bool | None = None
    sources: tuple[str, ...] = ()
    restricted: tuple[str, ...] = ()
    unused: tuple[UnusedService, ...] = ()
    access_key: str = ""
    last_used: datetime | None = None
    created: datetime | None = None
    updated: datetime | None = None
    analyzed: datetime | None = None
    detailed: bool = False
    error: str = ""
    raw: str = ""

    @property
    def key(self) -> str:
        return f"{self.analyzer}#{self.id}"
