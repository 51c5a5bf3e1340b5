"""How long an answer counts as fresh, by its kind. What is older is stale: shown all the same, with its age, and read again behind."""

from __future__ import annotations

from datetime import datetime, timedelta

from .account import (
    ACCESS_KEYS,
    ALIASES,
    CREDENTIALS,
    GROUPS,
    PASSWORD_POLICY,
    POLICIES,
    ROLES,
    SUMMARY,
    USERS,
    Snapshot,
)
from .document import Kind

FRESH_FOR: dict[Kind, timedelta] = {
    Kind.AUTHORIZATION: timedelta(hours=1),
    Kind.ACCOUNT_SUMMARY: timedelta(hours=1),
    Kind.ACCOUNT_ALIASES: timedelta(days=1),
    Kind.PASSWORD_POLICY: timedelta(hours=1),
    Kind.CALLER: timedelta(hours=1),
    Kind.CREDENTIAL_REPORT: timedelta(hours=4),  # AWS makes no newer one sooner
    Kind.ACCESS_KEYS: timedelta(hours=1),
    Kind.LAST_ACCESSED: timedelta(days=1),
    Kind.LAST_ACCESSED_ENTITIES: timedelta(days=1),
    Kind.GRANTING_POLICIES: timedelta(days=1),
    Kind.POLICY_VERSION: timedelta(days=1),
    Kind.ROLE: timedelta(days=1),
    Kind.RESOURCE_POLICIES: timedelta(hours=1),
    Kind.ORGANIZATION: timedelta(days=1),  # Organizations is throttled hard
    Kind.ACCOUNTS: timedelta(days=1),
    Kind.ANALYZERS: timedelta(hours=1),
    Kind.ANALYZER_FINDINGS: timedelta(hours=1),
    Kind.GUARDS: timedelta(hours=1),
}

_KIND_OF = {
    USERS: Kind.AUTHORIZATION,
    ROLES: Kind.AUTHORIZATION,
    GROUPS: Kind.AUTHORIZATION,
    POLICIES: Kind.AUTHORIZATION,
    CREDENTIALS: Kind.CREDENTIAL_REPORT,
    ACCESS_KEYS: Kind.ACCESS_KEYS,
    SUMMARY: Kind.ACCOUNT_SUMMARY,
    ALIASES: Kind.ACCOUNT_ALIASES,
    PASSWORD_POLICY: Kind.PASSWORD_POLICY,
}


def is_stale(kind: Kind, as_of: datetime, now: datetime) -> bool:
    """Events and what has no life of its own never get stale."""
    life = FRESH_FOR.get(kind)
    return life is not None and now - as_of > life


def stale_sections(snapshot: Snapshot, now: datetime) -> tuple[str, ...]:
    """Names of the sections whose answer is older than its kind's life."""
    return tuple(
        name
        for name, section in snapshot.sections.items()
        if section.as_of is not None and name in _KIND_OF and is_stale(_KIND_OF[name], section.as_of, now)
    )
