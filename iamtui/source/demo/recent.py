"""When roles, keys and passwords were last used, as the demo's own events tell."""

from __future__ import annotations

import msgspec


class Use(msgspec.Struct, frozen=True, order=True):
    """The latest use of one thing."""

    at: int  # epoch seconds
    region: str = ""
    service: str = ""


class Recent(msgspec.Struct, frozen=True):
    """roles by name, keys by key id, passwords by user name (`<root_account>` too). The later use wins."""

    roles: dict[str, Use]
    keys: dict[str, Use]
    passwords: dict[str, Use]

    def role(self, name: str, use: Use) -> None:
        _later(self.roles, name, use)

    def key(self, key_id: str, use: Use) -> None:
        _later(self.keys, key_id, use)

    def password(self, user: str, use: Use) -> None:
        _later(self.passwords, user, use)


def _later(uses: dict[str, Use], name: str, use: Use) -> None:
    held = uses.get(name)
    if held is None or held < use:
        uses[name] = use
