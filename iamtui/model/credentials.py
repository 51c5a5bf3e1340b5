"""Credential facts of a user: one row of the credential report, and access keys as ListAccessKeys tells them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from .fact import Fact


class KeySlot(msgspec.Struct, frozen=True):
    """One of the two key slots of a credential report row. The report names no key ids."""

    active: Fact[bool]
    last_rotated: Fact[datetime]
    last_used: Fact[datetime]
    last_used_region: Fact[str]
    last_used_service: Fact[str]


class Credentials(msgspec.Struct, frozen=True):
    """A row of the credential report. `arn` is the user's; root's is `arn:…:root` with the name `<root_account>`."""

    arn: str
    name: str
    created: Fact[datetime]
    password_enabled: Fact[bool]
    password_last_used: Fact[datetime]
    password_last_changed: Fact[datetime]
    password_next_rotation: Fact[datetime]
    mfa: Fact[bool]
    keys: tuple[KeySlot, ...]
    certificates: tuple[Fact[bool], ...] = ()

    @property
    def is_root(self) -> bool:
        return self.name == "<root_account>" or self.arn.endswith(":root")


class AccessKey(msgspec.Struct, frozen=True):
    """An access key by id, from ListAccessKeys and GetAccessKeyLastUsed."""

    key_id: str
    user_name: str
    active: bool
    created: datetime | None
    last_used: Fact[datetime]
    last_used_region: str = ""
    last_used_service: str = ""
