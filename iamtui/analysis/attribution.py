"""Who is behind a call: from a session's key to the AssumeRole event that made it, to the caller of that, to a person or a service.

What is followed cannot be chosen by a caller: the temporary access key that an answer handed out is the key the session's events
are signed with. What a caller may choose (a role session name) is told, and never followed. Where a link is missing the chain says
which one, and what else is known: a source identity stays with a session through every further role.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from ..model.event import Actor, ActorKind, Event

_MOST_LINKS = 20
_LONGEST_SESSION = timedelta(hours=36)  # GetSessionToken of a user; a role session lasts twelve hours at most
_SSO = "AWSReservedSSO_"
_CI = ("token.actions.githubusercontent.com", "gitlab", "bitbucket", "circleci", "buildkite", "app.terraform.io")
_OF_SERVICE = (".amazonaws.com", ".amazonaws.com.cn")


class Behind(StrEnum):
    """What a chain ends in."""

    PERSON = "person"
    ROOT = "root user"
    USER = "IAM user"
    SERVICE = "AWS service"
    WORKLOAD = "workload"
    ACCOUNT = "another account"
    UNKNOWN = "not told"


class Link(msgspec.Struct, frozen=True, eq=False):
    """One step back: a session, and the event that made it.

    actor: who used the session
    made:  the AssumeRole* or Get*Token event whose answer held the session's key
    """

    actor: Actor
    made: Event


class Chain(msgspec.Struct, frozen=True, eq=False):
    """A call's way back.

    links:     steps, the call's own session first; () when the caller is no session, or its beginning is not known
    origin:    the actor at the end of what could be followed
    behind:    what that is
    name:      of the person, service or workload; "" when not told
    concluded: how, as a sentence part
    missing:   what would be needed to go on, "" when the chain is whole
    hint:      what is known all the same, and is no proof
    """

    links: tuple[Link, ...]
    origin: Actor
    behind: Behind
    name: str
    concluded: str
    missing: str = ""
    hint: str = ""

    @property
    def whole(self) -> bool:
        return not self.missing

    @property
    def words(self) -> str:
        """`ana (IAM user)`, `ec2.amazonaws.com (AWS service)`, `role ci-deploy, further back not told`."""
        if self.missing:
            known = f"{self.name} (source identity)" if self.name else f"role {self.origin.name}, further back not told"
            return known if self.origin.kind is ActorKind.ROLE else self.name or "not told"
        return f"{self.name} ({self.behind.value})" if self.name else self.behind.value


class Chains:
    """The index over a set of events that only grows."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._made: dict[str, list[Event]] = {}
        self._by_name: dict[tuple[str, str], list[Event]] = {}
        self._known: dict[tuple[object, ...], Chain] = {}
        self.add(events)

    def add(self, events: Iterable[Event]) -> None:
        """More events: chains that ended before may go on now."""
        self._known = {}
        for event in events:
            if event.session_key_id:
                self._made.setdefault(event.session_key_id, []).append(event)
            elif event.name.startswith("AssumeRole") and event.error_code == "":
                for target in event.targets:
                    if ":role/" in target:
                        self._by_name.setdefault((target, event.account), []).append(event)

    def of(self, event: Event) -> Chain:
        """The chain behind one call."""
        actor = event.actor
        # A temporary key is one session: all its calls have the same beginning.
        key = (actor.access_key_id, actor.arn, actor.session_name) if actor.access_key_id.startswith("ASIA") else None
        if key is None:
            return self._chain(event)
        held = self._known.get(key)
        if held is None:
            held = self._known[key] = self._chain(event)
        return held

    def _chain(self, event: Event) -> Chain:
        links: list[Link] = []
        actor, when = event.actor, event.time
        seen: set[str] = set()
        while len(links) < _MOST_LINKS:
            made = self._origin_of(actor, when, seen)
            if made is None:
                break
            links.append(Link(actor, made))
            seen.add(actor.access_key_id)
            actor, when = made.actor, made.time
        return self._end(tuple(links), actor, when)

    def _origin_of(self, actor: Actor, when: datetime | None, seen: set[str]) -> Event | None:
        """The event that handed out the key a call was signed with: the latest one before it."""
        key = actor.access_key_id
        if not key or key in seen:
            return None
        made = self._made.get(key, ())
        before = [e for e in made if when is None or e.time is None or timedelta(minutes=-5) <= when - e.time <= _LONGEST_SESSION]
        return max(before, key=lambda e: (e.time is not None, e.time), default=None)

    def _end(self, links: tuple[Link, ...], actor: Actor, when: datetime | None) -> Chain:
        behind, name, concluded = _told_by(actor, links)
        if behind is not Behind.UNKNOWN:
            return Chain(links, actor, behind, name, concluded)
        key = actor.access_key_id
        if actor.kind is ActorKind.ROLE and key:
            missing = (
                f"the event that handed out {key} to the session {actor.session_name or '(unnamed)'} is not among the events that were read"
            )
        elif actor.kind is ActorKind.ROLE:
            missing = "the record does not tell with which key it was signed"
        else:
            missing = "the record does not tell who called"
        if actor.source_identity:
            return Chain(links, actor, Behind.PERSON, actor.source_identity, "source identity, which stays with a session", missing)
        return Chain(links, actor, Behind.UNKNOWN, "", "", missing, self._hint(actor, when))

    def _hint(self, actor: Actor, when: datetime | None) -> str:
        """Who assumed the role about then, where answers do not tell keys (a log that leaves responses out)."""
        if not actor.arn or when is None:
            return ""
        found = [
            event
            for event in self._by_name.get((actor.arn, actor.account), ())
            if event.time is not None and timedelta() <= when - event.time <= timedelta(hours=12)
        ]
        callers = dict.fromkeys(event.actor.name for event in found if event.actor.name)
        if not callers:
            return ""
        return f"in the twelve hours before, {_listed(list(callers))} assumed the role; which of them, or another, made this session is not told"


def _told_by(actor: Actor, links: Sequence[Link]) -> tuple[Behind, str, str]:
    """(what, name, how) when an actor is an end of a chain."""
    match actor.kind:
        case ActorKind.USER:
            return (
                Behind.USER,
                actor.name,
                "the call is signed with the user's own credentials" if not links else "the user assumed the role",
            )
        case ActorKind.ROOT:
            return Behind.ROOT, actor.account or "root", "userIdentity"
        case ActorKind.SAML:
            return Behind.PERSON, actor.name, "SAML subject of the sign-in"
        case ActorKind.WEB_IDENTITY:
            workload = is_workload(actor)
            return (Behind.WORKLOAD if workload else Behind.PERSON), actor.name, "web identity subject of the sign-in"
        case ActorKind.IDENTITY_CENTER:
            return Behind.PERSON, actor.name, "Identity Center user"
        case ActorKind.SERVICE:
            return Behind.SERVICE, actor.name, "invokedBy"
        case ActorKind.ACCOUNT:
            return Behind.ACCOUNT, actor.account or actor.name, "the caller is of another account; its own trail knows who"
        case ActorKind.FEDERATED:
            return Behind.PERSON, actor.name, "federated user"
        case ActorKind.ROLE if actor.name.startswith(_SSO) and actor.session_name:
            return Behind.PERSON, actor.session_name, "Identity Center names the session after its user"
        case ActorKind.ROLE if actor.name.startswith("AWSServiceRoleFor"):
            return Behind.SERVICE, actor.name.removeprefix("AWSServiceRoleFor"), "a service-linked role is used by its service alone"
    return Behind.UNKNOWN, "", ""


def is_workload(actor: Actor) -> bool:
    """Whether a web identity's subject is a pipeline or a cluster's service account rather than a person."""
    subject = actor.name.casefold()
    return subject.startswith(("repo:", "system:serviceaccount:", "project_path:", "organization:")) or any(name in subject for name in _CI)


def people(chains: Chains, events: Iterable[Event]) -> tuple[tuple[Chain, int, datetime | None], ...]:
    """Who is behind some events: one chain of each origin, the number of its events and the latest, the busiest first."""
    found: dict[tuple[str, str], tuple[Chain, int, datetime | None]] = {}
    for event in events:
        chain = chains.of(event)
        key = (chain.behind.value, chain.name or chain.origin.arn or chain.origin.name)
        first, count, latest = found.get(key, (chain, 0, None))
        if event.time is not None and (latest is None or latest < event.time):
            latest = event.time
        found[key] = (first, count + 1, latest)
    return tuple(sorted(found.values(), key=lambda row: -row[1]))


def through_roles(chains: Chains, events: Sequence[Event], arn: str) -> tuple[Event, ...]:
    """Calls a user made in sessions of roles, in the order of `events`. Only what is signed with a key that came from the user, at
    however many removes, is looked at: this is asked while somebody waits."""
    handed = [event for event in events if event.session_key_id]
    keys: set[str] = set()
    more = {event.session_key_id for event in handed if event.actor.arn == arn}
    while more - keys:
        keys |= more
        more = {event.session_key_id for event in handed if event.actor.access_key_id in keys}
    if not keys:
        return ()
    found = (
        event for event in events if event.actor.access_key_id in keys and event.actor.kind is not ActorKind.USER and event.actor.arn != arn
    )
    return tuple(event for event in found if chains.of(event).origin.arn == arn)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
