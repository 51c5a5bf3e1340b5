"""By which attributes of `LookupEvents` an identity's events are found.

A role's calls are not found by its name: `Username` of a session is the session's name. They are found by the AssumeRole
events that name the role (`ResourceName`), by the keys those handed out (`AccessKeyId`), and by session issuer among all that
was read.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from .base import EventQuery

LONGEST_SESSION = timedelta(hours=36)
"""GetSessionToken of a user; a role session lasts twelve hours at most. No later call is signed with a session's key."""

EARLY = timedelta(minutes=5)
"""Clocks differ: a call may be recorded a little before the event that handed out its key."""


class Attribute(NamedTuple):
    """`made`: when the key of an AccessKeyId was handed out, if it is a session's."""

    key: str
    value: str
    made: datetime | None = None

    @property
    def words(self) -> str:
        return f"{self.key}={self.value}"

    def within(self, since: datetime, until: datetime) -> tuple[datetime, datetime]:
        """The part of a time in which there can be such events."""
        if self.made is None:
            return since, until
        return max(since, self.made - EARLY), min(until, self.made + LONGEST_SESSION)


def first_attributes(query: EventQuery) -> list[Attribute]:
    """What to ask for, the surest first; () for everything."""
    if query.attribute:
        return [Attribute(query.attribute, query.value)]
    if not query.actor_arn:
        return []
    keys = [Attribute("AccessKeyId", key) for key in query.key_ids]
    sessions = [Attribute("AccessKeyId", key, made) for key, made in query.sessions]
    named = [Attribute("ResourceName", query.actor_name), Attribute("ResourceName", query.actor_arn)]
    if is_role(query):
        return [*named, *keys, *sessions]
    if ":user/" in query.actor_arn:
        return [Attribute("Username", query.actor_name), *keys, named[0]]
    if query.actor_arn.endswith(":root"):
        return [Attribute("Username", "root")]
    return named


def is_role(query: EventQuery) -> bool:
    return ":role/" in query.actor_arn
