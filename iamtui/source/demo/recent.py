"""When roles, keys and passwords were last used, as the demo's own events tell."""

from __future__ import annotations

import msgspec


class Use(msgspec.Struct, frozen=True, order=True):
    """The latest use of one thing."""

    at: int  # epoch seconds
    region: str = ""
    service: str = ""


class Recent(msgspec.Struct, frozen=True):
    """roles by name, keys by key id, passwords by user name (`<root_account>` too)."""

    roles: dict[str, Use] = {}
    keys: dict[str, Use] = {}
    passwords: dict[str, Use] = {}
