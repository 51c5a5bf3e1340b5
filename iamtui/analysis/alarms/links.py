"""The links between a call and a person: what each may be, and how it stands."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from ...model.fact import Fact, State


class Standing(StrEnum):
    """How one link stands."""

    OK = "ok"
    BROKEN = "broken"
    UNKNOWN = "cannot be told"


class Link(msgspec.Struct, frozen=True):
    """One link of a way.

    what:  `trail`, `log group`, `filter`, `alarm`, `action`, `topic`, `rule`, `target`, `bus`
    name:  its name; may be hostile text
    words: what is so, or what is wrong with it
    """

    what: str
    name: str
    standing: Standing
    words: str = ""
    region: str = ""


class Hearer(msgspec.Struct, frozen=True):
    """Who or what is told at the end. person: whether it is a way to people (mail, phone, a paging or chat service)."""

    protocol: str
    endpoint: str
    person: bool
    topic: str = ""

    @property
    def words(self) -> str:
        return f"{self.protocol} {self.endpoint}" if self.protocol not in ("email", "email-json") else self.endpoint


class Way(msgspec.Struct, frozen=True):
    """One way from an event to whoever hears of it, whole or broken.

    kind:    `alarm` or `rule`; name: of the alarm or rule, else of the filter that leads nowhere
    unless:  what must not be the case, of values nobody knows beforehand
    pending: addresses that never confirmed
    """

    kind: str
    name: str
    links: tuple[Link, ...]
    hearers: tuple[Hearer, ...] = ()
    unless: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    alarm: str = ""
    region: str = ""

    @property
    def standing(self) -> Standing:
        states = {link.standing for link in self.links}
        return Standing.BROKEN if Standing.BROKEN in states else Standing.UNKNOWN if Standing.UNKNOWN in states else Standing.OK

    @property
    def fault(self) -> Link | None:
        """The first link that is broken, else the first that cannot be told."""
        for standing in (Standing.BROKEN, Standing.UNKNOWN):
            for link in self.links:
                if link.standing is standing:
                    return link
        return None


def not_read(fact: Fact[Any]) -> str:
    """Why something is not known, in words."""
    if fact.state is State.DENIED:
        return f"AWS denied reading it{': ' + fact.detail if fact.detail else ''}"
    if fact.state is State.FAILED:
        return f"reading it failed: {fact.detail}"
    return "it was not read"
