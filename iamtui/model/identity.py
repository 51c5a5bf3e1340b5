"""Users, roles and groups. Keyed by unique id *and* ARN: a re-created name is another identity."""

from __future__ import annotations

from datetime import datetime

import msgspec

from .policy import InlinePolicy, PolicyRef


class User(msgspec.Struct, frozen=True):
    """An IAM user as GAAD tells it. Credential facts are in `Credentials`, never here."""

    arn: str
    name: str
    unique_id: str
    path: str
    account: str
    created: datetime | None
    groups: tuple[str, ...] = ()
    inline: tuple[InlinePolicy, ...] = ()
    attached: tuple[PolicyRef, ...] = ()
    boundary: PolicyRef | None = None
    tags: tuple[tuple[str, str], ...] = ()


class Group(msgspec.Struct, frozen=True):
    arn: str
    name: str
    unique_id: str
    path: str
    account: str
    created: datetime | None
    inline: tuple[InlinePolicy, ...] = ()
    attached: tuple[PolicyRef, ...] = ()


class InstanceProfile(msgspec.Struct, frozen=True):
    arn: str
    name: str


class Role(msgspec.Struct, frozen=True):
    """An IAM role.

    trust:            JSON text of the trust policy
    last_used:        RoleLastUsed.LastUsedDate; None with `last_used_told` True means not in the 400-day window
    last_used_told:   whether the source carries RoleLastUsed at all (ListRoles does not)
    max_session:      seconds, None when not told (GAAD does not carry it, GetRole does)
    """

    arn: str
    name: str
    unique_id: str
    path: str
    account: str
    created: datetime | None
    trust: str = ""
    inline: tuple[InlinePolicy, ...] = ()
    attached: tuple[PolicyRef, ...] = ()
    boundary: PolicyRef | None = None
    tags: tuple[tuple[str, str], ...] = ()
    instance_profiles: tuple[InstanceProfile, ...] = ()
    last_used: datetime | None = None
    last_used_region: str = ""
    last_used_told: bool = False
    max_session: int | None = None
    description: str = ""

    @property
    def service_linked(self) -> bool:
        return self.path.startswith("/aws-service-role/")

    @property
    def identity_center(self) -> bool:
        return self.path.startswith("/aws-reserved/sso.amazonaws.com/")


Identity = User | Role | Group
