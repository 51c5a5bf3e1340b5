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
