"""When a service or an action was last used, by which source, within which window."""

from __future__ import annotations

from datetime import datetime

import msgspec

from .fact import Fact


class ActionUsage(msgspec.Struct, frozen=True):
    name: str
    last_used: Fact[datetime]
    region: str = ""
    entity_arn: str = ""


class ServiceUsage(msgspec.Struct, frozen=True):
    """One service an identity may use, as Access Advisor tells it.

    last_used: KNOWN, or NOT_IN_TRACKING_PERIOD (AWS does not say `never`)
    entities:  how many identities authenticated (groups and policies), None for users and roles
    actions:   only for services with action-level tracking and ACTION_LEVEL jobs
    """

    namespace: str
    name: str
    last_used: Fact[datetime]
    region: str = ""
    entity_arn: str = ""
    entities: int | None = None
    actions: tuple[ActionUsage, ...] = ()


class UsageReport(msgspec.Struct, frozen=True, eq=False):
    """Last-accessed details of one identity or policy.

    granularity:   `SERVICE_LEVEL` or `ACTION_LEVEL`
    tracking_from: begin of the window AWS looks at (up to 400 days), None when not told
    """

    arn: str
    granularity: str
    services: tuple[ServiceUsage, ...]
    completed: datetime | None
    source: str
    tracking_from: datetime | None = None


class ServiceEntity(msgspec.Struct, frozen=True):
    """Somebody who used a service by way of an identity or policy. `kind`: USER, ROLE, GROUP."""

    arn: str
    name: str
    kind: str
    last_used: Fact[datetime]


class GrantingPolicy(msgspec.Struct, frozen=True):
    """A policy that gives a service, as AWS tells it.

    kind:  `INLINE` or `MANAGED`; `arn` "" for an inline one
    via, via_name: whose the inline policy is: USER, ROLE, GROUP and its name; "" for a managed one
    """

    name: str
    kind: str
    arn: str = ""
    via: str = ""
    via_name: str = ""


class UsageBrief(msgspec.Struct, frozen=True):
    """What a list shows of last-accessed details.

    last, service: the latest access of any service; None and "" when none is in the tracking period
    granted:       services the answer names; `unused` of them were not accessed in the tracking period
    tracking_from: begin of that period
    """

    last: datetime | None
    service: str
    granted: int
    unused: int
    completed: datetime
    tracking_from: datetime | None
    source: str


class UsageDigest(msgspec.Struct, frozen=True, array_like=True):
    """One answer, packed: an account of ten thousand identities has a million and a half of these numbers.

    services: positions in `UsageDigests.names`, 16 bits each, machine order
    last:     seconds since 1970 of the last access of each, 32 bits; 0 for none in the tracking period
    """

    completed: datetime
    granularity: str
    tracking_from: datetime | None
    services: bytes
    last: bytes


class UsageDigests(msgspec.Struct, frozen=True):
    """Packed answers by ARN, as they are kept on disk. `order`: `little` or `big`, of the machine that wrote them."""

    order: str
    names: tuple[str, ...]
    by_arn: dict[str, UsageDigest]
