"""Policies as AWS stores them. A document stays JSON text here; `policy/` parses it when it is asked about."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class InlinePolicy(msgspec.Struct, frozen=True):
    """A policy that lives in one identity. `document` is JSON text."""

    name: str
    document: str


class PolicyVersion(msgspec.Struct, frozen=True):
    """One stored version of a managed policy. `document` is JSON text, "" when it was not in what was read."""

    version_id: str
    is_default: bool
    created: datetime | None
    document: str = ""


class PolicyRef(msgspec.Struct, frozen=True):
    """A managed policy attached somewhere."""

    arn: str
    name: str


class Policy(msgspec.Struct, frozen=True):
    """A managed policy. Versions newest first; `versions_complete` is False when fewer were read than exist."""

    arn: str
    name: str
    policy_id: str
    path: str
    account: str
    created: datetime | None
    updated: datetime | None
    default_version_id: str
    attachment_count: int | None
    boundary_count: int | None
    attachable: bool | None
    versions: tuple[PolicyVersion, ...] = ()
    description: str = ""
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def aws_managed(self) -> bool:
        return self.arn.split(":", 5)[4:5] == ["aws"]

    @property
    def default_version(self) -> PolicyVersion | None:
        for version in self.versions:
            if version.is_default or version.version_id == self.default_version_id:
                return version
        return None


class Via(StrEnum):
    """How a policy reaches an identity."""

    INLINE = "inline"
    ATTACHED = "attached"
    GROUP_INLINE = "group inline"
    GROUP_ATTACHED = "group attached"
    BOUNDARY = "boundary"


class Grant(msgspec.Struct, frozen=True):
    """One policy reaching an identity, and the way it came.

    policy_arn: "" for an inline policy
    group:      name of the group it came through, "" when direct
    document:   JSON text, or None when the policy's text was not read (deprecated AWS policy, filtered GAAD)
    """

    via: Via
    policy_name: str
    policy_arn: str = ""
    group: str = ""
    group_arn: str = ""
    version_id: str = ""
    document: str | None = None
