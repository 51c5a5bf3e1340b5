"""Which events a question needs: of those in memory, or of those on disk. One protocol, so that nobody who asks must know."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from ..analysis import activity as activities
from ..analysis import lookup
from ..analysis.lists import is_root
from ..model.alert import Clue, ClueKind
from ..model.event import ActorKind, Event, Outcome
from ..model.identity import Identity, Role, User
from ..model.policy import Policy

if TYPE_CHECKING:
    from ..analysis.attribution import Chains
    from .eventlog import EventLog
    from .stored import StoredEvents

Subject = Identity | Policy
_ROUNDS = 20
"""How often a key that was handed out is followed to the next."""
_STORY_ROUNDS = 12
_MOST_RECORDS = 20_000
"""Events with their records that are taken into memory for one question, the newest first."""


class EventSearch(Protocol):
    """Answers are newest first and hold whole events or excerpts (`Event.excerpt`); `whole` gives the record. Not for the event loop."""

    def count(self) -> int: ...

    def everything(self, most: int) -> Sequence[Event]:
        """At most so many events, the newest."""
        ...

    def by_actor(self, item: Subject) -> tuple[Event, ...]:
        """Calls an identity made."""
        ...

    def on_target(self, item: Subject) -> tuple[Event, ...]:
        """Calls made to an identity or policy."""
        ...

    def through_roles(self, arn: str) -> tuple[Event, ...]:
        """Calls a user made in sessions of roles."""
        ...

    def chains(self, events: Iterable[Event]) -> Chains:
        """The chains behind some events."""
        ...

    def of_story(self, about: Event | str, *, follow: bool) -> Sequence[Event]:
        """At least the events that can be in the story of who is behind an event, or of an ARN."""
        ...

    def of_clue(self, clue: Clue) -> Sequence[Event]:
        """At least the events an alert's clue can mean."""
        ...

    def of_arn(self, arn: str) -> Sequence[Event]:
        """Calls of the identity with that ARN."""
        ...

    def of_target(self, target: str) -> Sequence[Event]:
        """At least the events that a name, key or id typed by a person can lead to."""
        ...

    def with_id(self, event_id: str, ident: str) -> Event | None:
        """One event, by its id or by what stands for it."""
        ...

    def within(self, since: datetime | None, until: datetime | None) -> Sequence[Event]:
        """Events of a stretch of time, both ends included, and those without a time; with their records."""
        ...

    def writes(self) -> Sequence[Event]:
        """Calls that went through and may have changed something."""
        ...

    def of_calls(self, source: str, names: Sequence[str]) -> Sequence[Event]:
        """At least the events of some operations of a service, with their records."""
        ...

    def last_seen(self) -> dict[str, datetime]:
        """Latest event by the ARN of the identity behind it."""
        ...

    def whole(self, event: Event, ident: str = "") -> Event:
        """An event with its record."""
        ...


class LogSearch:
    """Events in memory: every question may have all of them."""

    def __init__(self, log: EventLog) -> None:
        from .attributing import Attributing

        self._log = log
        self._behind = Attributing(log)
        self._actors: activities.Actors | None = None

    def count(self) -> int:
        return len(self._log)

    def everything(self, most: int) -> Sequence[Event]:
        return self._log.newest_first()[:most]

    def by_actor(self, item: Subject) -> tuple[Event, ...]:
        events = self._log.newest_first()
        if self._actors is None or self._actors.events is not events:
            self._actors = activities.Actors(events)
        return self._actors.of(item)

    def on_target(self, item: Subject) -> tuple[Event, ...]:
        return activities.on_target(self._log.newest_first(), item)

    def through_roles(self, arn: str) -> tuple[Event, ...]:
        return self._behind.through_roles(arn)

    def chains(self, events: Iterable[Event]) -> Chains:
        return self._behind.follow()

    def of_story(self, about: Event | str, *, follow: bool) -> Sequence[Event]:
        return self._log.newest_first()

    def of_clue(self, clue: Clue) -> Sequence[Event]:
        return self._log.newest_first()

    def of_arn(self, arn: str) -> Sequence[Event]:
        return [event for event in self._log.newest_first() if event.actor.arn == arn]

    def of_target(self, target: str) -> Sequence[Event]:
        return self._log.newest_first()

    def with_id(self, event_id: str, ident: str) -> Event | None:
        wanted = event_id or ident
        return next((event for event in self._log.newest_first() if (event.event_id or str(id(event))) == wanted), None)

    def of_calls(self, source: str, names: Sequence[str]) -> Sequence[Event]:
        return self._log.newest_first()

    def within(self, since: datetime | None, until: datetime | None) -> Sequence[Event]:
        events = self._log.newest_first()
        if since is None and until is None:
            return events
        return [e for e in events if e.time is None or not ((since and e.time < since) or (until and e.time > until))]

    def writes(self) -> Sequence[Event]:
        return [event for event in self._log.newest_first() if not event.read_only and event.outcome is Outcome.SUCCESS]

    def last_seen(self) -> dict[str, datetime]:
        return self._log.last_seen()

    def whole(self, event: Event, ident: str = "") -> Event:
        return event


class StoredSearch:
    """Events on disk: a question has what it needs, found by condition."""

    def __init__(self, stored: StoredEvents) -> None:
        self._stored = stored
        self._lock = threading.RLock()
        self._chains: Chains | None = None
        self._asked: set[str] = set()
        self._roles: set[str] = set()
        self._of = -1

    def count(self) -> int:
        return len(self._stored)

    def everything(self, most: int) -> Sequence[Event]:
        return self._stored.events("true", (), most)

    def by_actor(self, item: Subject) -> tuple[Event, ...]:
        if not isinstance(item, User | Role):
            return ()
        if isinstance(item, User) and is_root(item):
            return activities.by_actor(self._stored.events("kind = 'root'"), item)
        keys = self._keys_of(item) if isinstance(item, Role) else frozenset()
        where, values = "actor_arn = ?", [item.arn]
        if item.unique_id:
            where += " OR starts_with(unique_id, ?)"
            values.append(item.unique_id)
        more: list[Any] = [*values]
        if keys:
            where += " OR access_key IN (SELECT unnest(?::VARCHAR[]))"
            more.append(list(keys))
        return activities.by_actor(self._stored.events(where, more), item, keys)

    def _keys_of(self, role: Role) -> frozenset[str]:
        names = ", ".join(f"'{name}'" for name in sorted(activities.HANDS_OUT))
        sql = f"SELECT DISTINCT session_key FROM {self._stored.rows.relation()} WHERE session_key <> '' AND name IN ({names}) AND list_contains(targets, ?)"
        return frozenset(key for (key,) in self._stored.rows.run(sql, [role.arn]))

    def on_target(self, item: Subject) -> tuple[Event, ...]:
        sources = ", ".join(f"'{source}'" for source in sorted(activities.NAMES_THINGS))
        where = f"list_contains(targets, ?) OR (source IN ({sources}) AND list_contains(targets, ?))"
        found = self._stored.events(where, [item.arn, item.name])
        return activities.on_target(self._stored.wholes(found), item)

    # -- sessions ----------------------------------------------------------------------------------------------------

    def chains(self, events: Iterable[Event]) -> Chains:
        from ..analysis.attribution import Chains

        with self._lock:
            if self._chains is None or self._of != self._stored.version:
                self._chains, self._of = Chains(), self._stored.version
                self._asked.clear()
                self._roles.clear()
            waiting = list(events)
            for _ in range(_ROUNDS):
                keys = {key for event in waiting if (key := event.actor.access_key_id).startswith("ASIA")} - self._asked
                if not keys:
                    break
                self._asked |= keys
                waiting = list(self._stored.events("session_key IN (SELECT unnest(?::VARCHAR[]))", [list(keys)]))
                self._chains.add(waiting)
            roles = {event.actor.arn for event in events if event.actor.kind is ActorKind.ROLE and event.actor.arn} - self._roles
            if roles:
                self._roles |= roles
                where = "starts_with(name, 'AssumeRole') AND session_key = '' AND error_code = '' AND list_has_any(targets, ?::VARCHAR[])"
                self._chains.add(self._stored.events(where, [list(roles)], 5000))
            return self._chains

    def _handed_on(self, keys: set[str]) -> set[str]:
        """All keys that calls signed with these handed out, and theirs in turn."""
        every: set[str] = set()
        more = keys
        for _ in range(_ROUNDS):
            if not more:
                break
            every |= more
            sql = (
                f"SELECT DISTINCT session_key FROM {self._stored.rows.relation()} "
                "WHERE session_key <> '' AND access_key IN (SELECT unnest(?::VARCHAR[]))"
            )
            more = {key for (key,) in self._stored.rows.run(sql, [list(more)])} - every
        return every

    def _handed_out(self, where: str, values: Sequence[Any]) -> set[str]:
        sql = f"SELECT DISTINCT session_key FROM {self._stored.rows.relation()} WHERE session_key <> '' AND ({where})"
        return self._handed_on({key for (key,) in self._stored.rows.run(sql, values)})

    def through_roles(self, arn: str) -> tuple[Event, ...]:
        keys = self._handed_out("actor_arn = ?", [arn])
        if not keys:
            return ()
        where = "access_key IN (SELECT unnest(?::VARCHAR[])) AND kind <> 'user' AND actor_arn <> ?"
        found = self._stored.events(where, [list(keys), arn])
        chains = self.chains(found)
        return tuple(event for event in found if chains.of(event).origin.arn == arn)

    # -- stories -----------------------------------------------------------------------------------------------------

    def of_story(self, about: Event | str, *, follow: bool) -> Sequence[Event]:
        wanted: list[tuple[str, list[Any]]] = []
        if isinstance(about, Event):
            origin = self.chains([about]).of(about).origin
            if origin.arn:
                wanted.append(("actor_arn = ?", [origin.arn]))
            elif origin.access_key_id:
                wanted.append(("access_key = ?", [origin.access_key_id]))
            else:
                wanted.append(("kind = ? AND actor_name = ?", [origin.kind.value, origin.name]))
            if about.actor.access_key_id:
                wanted.append(("access_key = ?", [about.actor.access_key_id]))
        else:
            wanted.append(("actor_arn = ?", [about]))
        found: dict[tuple[str, str, str, datetime | None], Event] = {}
        asked: set[str] = set()
        for _ in range(_STORY_ROUNDS):
            fresh = [event for where, values in wanted for event in self._with_what_followed(where, values)]
            new = {(e.account, e.event_id, e.name, e.time): e for e in fresh}
            new = {key: event for key, event in new.items() if key not in found}
            found.update(new)
            wanted = [one for one in self._made(new.values()) if str(one) not in asked] if follow else []
            asked |= {str(one) for one in wanted}
            if not wanted:
                break
        events = sorted(found.values(), key=lambda e: (e.time is not None, e.time), reverse=True)
        self.chains(events)
        return events

    def _with_what_followed(self, where: str, values: Sequence[Any]) -> list[Event]:
        keys = self._handed_out(where, values)
        found = list(self._stored.events(where, values))
        if keys:
            found += self._stored.events("access_key IN (SELECT unnest(?::VARCHAR[]))", [list(keys)])
        return found

    @staticmethod
    def _made(events: Iterable[Event]) -> list[tuple[str, list[Any]]]:
        """Conditions for the calls of keys and users that were made on the way."""
        found: list[tuple[str, list[Any]]] = []
        for event in events:
            if event.source != "iam.amazonaws.com" or event.outcome is not Outcome.SUCCESS:
                continue
            if event.name == "CreateAccessKey":
                found += [("access_key = ?", [target]) for target in event.targets if target.startswith("AKIA")]
            elif event.name in ("CreateLoginProfile", "UpdateLoginProfile") and event.targets:
                found.append(("kind = 'user' AND actor_name = ? AND actor_account = ?", [event.targets[0], event.account]))
        return found

    # -- names and ids -----------------------------------------------------------------------------------------------

    def of_clue(self, clue: Clue) -> Sequence[Event]:
        value = clue.value
        match clue.kind:
            case ClueKind.EVENT:
                return self._stored.events("lower(event_id) = ?", [value.casefold()])
            case ClueKind.REQUEST:
                return self._stored.with_request(value)
            case ClueKind.KEY:
                return self._stored.events("access_key = ?", [value])
            case ClueKind.UNIQUE_ID:
                return self._stored.events("starts_with(unique_id, ?)", [value])
            case ClueKind.IP:
                return self._stored.events("ip = ?", [value])
            case ClueKind.ARN:
                if ":assumed-role/" in value:
                    role, _, session = value.partition(":assumed-role/")[2].partition("/")
                    return self._stored.wholes(self._stored.events("actor_name = ? AND session_name = ?", [role, session], 2000))
                return self._stored.events("actor_arn = ? OR list_contains(targets, ?)", [value, value])
            case ClueKind.USER | ClueKind.ROLE:
                return self._stored.events("actor_name = ?", [value])
        return ()

    def of_arn(self, arn: str) -> Sequence[Event]:
        return self._stored.events("actor_arn = ?", [arn])

    def of_target(self, target: str) -> Sequence[Event]:
        match lookup.kind_of(target):
            case "key":
                where = "access_key = ? OR session_key = ? OR list_contains(targets, ?)"
                return self._stored.events(where, [target.upper()] * 3, 2000)
            case "unique id":
                return self._stored.events("starts_with(unique_id, ?)", [target.partition(":")[0].upper()], 1)
            case "event id":
                return self._stored.events("lower(event_id) = ?", [target.casefold()], 1)
        return ()

    def with_id(self, event_id: str, ident: str) -> Event | None:
        found = self._stored.events("event_id = ? AND event_id <> '' OR ident = ?", [event_id, ident or event_id], 1)
        return found[0] if found else None

    def of_calls(self, source: str, names: Sequence[str]) -> Sequence[Event]:
        where = "source = ? AND name IN (SELECT unnest(?::VARCHAR[]))"
        return self._stored.wholes(self._stored.events(where, [source, list(names)], _MOST_RECORDS))

    def within(self, since: datetime | None, until: datetime | None) -> Sequence[Event]:
        bounds = [(sign, one.astimezone(UTC).replace(tzinfo=None)) for sign, one in ((">=", since), ("<=", until)) if one is not None]
        where = "time IS NULL OR (" + (" AND ".join(f"time {sign} ?" for sign, _ in bounds) or "true") + ")"
        return self._stored.wholes(self._stored.events(where, [one for _, one in bounds], _MOST_RECORDS))

    def writes(self) -> Sequence[Event]:
        return self._stored.events("read_only IS DISTINCT FROM true AND outcome = 'success'")

    def last_seen(self) -> dict[str, datetime]:
        return self._stored.last_seen()

    def whole(self, event: Event, ident: str = "") -> Event:
        return self._stored.whole(event, ident) if event.excerpt else event
