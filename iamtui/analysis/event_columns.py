"""Columns of the events list. They need no snapshot: an event may be of an account that was never read."""

from __future__ import annotations

from typing import Any

from ..model.event import Event
from ..model.fact import Fact, State, absent, known
from .lists import Column, ColumnKind

SOURCE = "CloudTrail"
_CLASSES = "iamtui's own classes"


def _time(event: Event, _snapshot: Any = None) -> Fact[Any]:
    if event.time is None:
        return absent(State.NO_INFORMATION, event.origin or SOURCE, detail="the record has no eventTime")
    return known(event.time, event.origin or SOURCE, event.time, f"from {event.time_from}" if event.time_from else "")


def actor_words(event: Event) -> str:
    """`ci-deploy/i-0abc`: the identity, and the session's name where there is one."""
    actor = event.actor
    name = actor.name or actor.arn or actor.account or actor.kind.value
    return f"{name}/{actor.session_name}" if actor.session_name and actor.session_name != name else name


def short_target(target: str) -> str:
    """An ARN without the five parts before its resource; anything else as it is."""
    parts = target.split(":", 5)
    return parts[5] if len(parts) == 6 and parts[0] == "arn" and parts[5] else target


def _text(pick: Any, none: str = "not told") -> Any:
    """A text column. What the record does not tell is no information, not an empty value."""

    def fact(event: Event, _snapshot: Any = None) -> Fact[Any]:
        value = pick(event)
        if value:
            return known(value, event.origin or SOURCE, event.time)
        return absent(State.NO_INFORMATION, event.origin or SOURCE, event.time, none)

    return fact


def _error(event: Event, _snapshot: Any = None) -> Fact[Any]:
    return known(event.error_code or ("unnamed" if event.error_message else ""), event.origin or SOURCE, event.time)


def _access(event: Event, _snapshot: Any = None) -> Fact[Any]:
    if event.read_only is None:
        return absent(State.NO_INFORMATION, event.origin or SOURCE, event.time, "the record has no readOnly")
    return known("read" if event.read_only else "write", event.origin or SOURCE, event.time)


def _weight(event: Event, snapshot: Any = None) -> Fact[Any]:
    """What only reads has no class; of what nobody knows whether it writes, that is said."""
    from .classing import classify

    found = classify(event, snapshot)
    if found.severity is None and not found.told:
        return absent(State.NO_INFORMATION, _CLASSES, event.time, "neither the catalogue nor the record tells whether it writes")
    return known(found.severity.value if found.severity else "", _CLASSES, event.time)


def _class(pick: Any) -> Any:
    """A column of an event's class. The classes are imported when the first one is asked for: they load the action catalogue."""

    def fact(event: Event, snapshot: Any = None) -> Fact[Any]:
        from .classing import classify

        return known(pick(classify(event, snapshot)), _CLASSES, event.time)

    return fact


def _plain(pick: Any) -> Any:
    """A column that may be known to be empty."""
    return lambda event, _snapshot=None: known(pick(event), event.origin or SOURCE, event.time)


COLUMNS: tuple[Column, ...] = (
    Column("time", "TIME", ColumnKind.TIME, "When the call was made (eventTime).", _time, 10, 0),
    Column(
        "actor",
        "ACTOR",
        ColumnKind.TEXT,
        "Who made the call: the identity behind the session, and the session's name.",
        _text(actor_words),
        28,
        0,
    ),
    Column("event", "EVENT", ColumnKind.TEXT, "Name of the API operation (eventName).", _text(lambda e: e.name), 26, 0),
    Column("service", "SERVICE", ColumnKind.TEXT, "Service that was called (eventSource).", _text(lambda e: e.service), 14, 2),
    Column(
        "target",
        "TARGET",
        ColumnKind.LIST,
        "What was acted on, from the record's resources and request; ARNs without their first five parts.",
        _plain(lambda e: tuple(short_target(target) for target in e.targets)),
        28,
        1,
    ),
    Column(
        "outcome",
        "OUTCOME",
        ColumnKind.TEXT,
        "success, denied, failed, or unknown where the record does not tell.",
        _plain(lambda e: e.outcome.value),
        8,
        1,
    ),
    Column(
        "class",
        "CLASS",
        ColumnKind.TEXT,
        "How much it matters: critical, high, medium, low, or empty for what only reads; from access levels, names and what a policy gives.",
        _weight,
        8,
        1,
    ),
    Column("origin", "ORIGIN", ColumnKind.TEXT, "Where the call came from: an IP address or an AWS service.", _text(lambda e: e.ip), 16, 2),
    Column("region", "REGION", ColumnKind.TEXT, "Region of the call.", _text(lambda e: e.region), 12, 3),
    Column("account", "ACCOUNT", ColumnKind.TEXT, "Account the event was recorded in.", _text(lambda e: e.account), 12, 2),
    Column("error", "ERROR", ColumnKind.TEXT, "Error code of a call that failed.", _error, 18, 3),
    Column("access", "ACCESS", ColumnKind.TEXT, "read for a call that only reads, write for any other (readOnly).", _access, 6, 4),
    Column(
        "about",
        "ABOUT",
        ColumnKind.TEXT,
        "What an event of interest is about: users and keys, policies, trust, logging, data, compute, network, account, sessions, sign-in, root, new place.",
        _class(lambda found: found.about),
        14,
        4,
        detail_only=True,
    ),
    Column("why", "WHY", ColumnKind.LIST, "Why it has its class.", _class(lambda found: found.why), 40, 4, detail_only=True),
    Column(
        "actor-kind", "ACTOR KIND", ColumnKind.TEXT, "What the actor is.", _plain(lambda e: e.actor.kind.value), 12, 4, detail_only=True
    ),
    Column(
        "actor-arn",
        "ACTOR ARN",
        ColumnKind.TEXT,
        "ARN of the identity behind the call.",
        _text(lambda e: e.actor.arn),
        40,
        4,
        detail_only=True,
    ),
    Column("session", "SESSION", ColumnKind.TEXT, "Role session name.", _plain(lambda e: e.actor.session_name), 20, 4, detail_only=True),
    Column(
        "access-key",
        "ACCESS KEY",
        ColumnKind.TEXT,
        "Key that signed the call.",
        _text(lambda e: e.actor.access_key_id),
        20,
        4,
        detail_only=True,
    ),
    Column(
        "source-identity",
        "SOURCE IDENTITY",
        ColumnKind.TEXT,
        "The sts source identity.",
        _plain(lambda e: e.actor.source_identity),
        20,
        4,
        detail_only=True,
    ),
    Column("targets", "TARGETS", ColumnKind.LIST, "What was acted on, in full.", _plain(lambda e: e.targets), 40, 4, detail_only=True),
    Column(
        "message",
        "MESSAGE",
        ColumnKind.TEXT,
        "Error message of a call that failed.",
        _plain(lambda e: e.error_message),
        40,
        4,
        detail_only=True,
    ),
    Column(
        "user-agent",
        "USER AGENT",
        ColumnKind.TEXT,
        "Program that made the call, as it calls itself.",
        _text(lambda e: e.user_agent),
        30,
        4,
        detail_only=True,
    ),
    Column("event-id", "EVENT ID", ColumnKind.TEXT, "Id of the event.", _text(lambda e: e.event_id), 36, 4, detail_only=True),
)
