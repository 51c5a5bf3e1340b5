"""First uses: an identity that has its habits turns up from a network, or in a Region, it never used before.

What counts as habits: at least twelve calls and three days before. What is not told, to keep the noise low: the second and later
calls from the same place; services and their addresses, service-linked roles and roles that AWS services take on; networks of
pipelines and of the roles they take on (their addresses are whatever the provider has free); one more place of somebody who has turned up in more than four new ones within thirty days
(they travel, or their provider hands out addresses as it likes). A refused call is a use: somebody holds the credentials. A failed
sign-in is none, because anybody can try one.

A network is the first 24 bits of an IPv4 address and the first 48 of an IPv6 address: the smallest blocks that are routed on their
own in the internet, and for IPv6 what one site is given (RFC 6177). Which networks belong to one provider is not known here. All
private addresses are one place.

All of it is among the events that were read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from heapq import heappush, heapreplace
from typing import NamedTuple

from ..model.event import Actor, ActorKind, Event, Outcome
from .attribution import is_workload

CALLS_BEFORE = 12
DAYS_BEFORE = 3
MOST_NEW = 4
IN_DAYS = 30
NEW_PLACE = "new place"
PRIVATE = "private addresses"

_DAY = 86_400.0
_SSO = "AWSReservedSSO_"


class Sighting(NamedTuple):
    """One call. `actor`: whose habits it belongs to; `ip`, `region`: "" when that is no place; `time`: seconds since 1970; `key`: of the
    event, "" for one that cannot be told again."""

    actor: str
    ip: str
    region: str
    time: float
    key: str


def first_uses(sightings: Iterable[Sighting]) -> dict[str, tuple[str, ...]]:
    """Reasons by event key, of those events that are somebody's first in a place."""
    places = Places()
    places.add(sightings)
    return dict(places.found())


class _Habits:
    """One actor. The twelve earliest calls say since when there are habits; the earliest call in each place is all that is kept of it."""

    __slots__ = ("earliest", "networks", "regions")

    def __init__(self) -> None:
        self.earliest: list[float] = []  # a heap of negative times
        self.networks: dict[str, tuple[float, str]] = {}
        self.regions: dict[str, tuple[float, str]] = {}

    def copy(self) -> _Habits:
        other = _Habits()
        other.earliest, other.networks, other.regions = list(self.earliest), dict(self.networks), dict(self.regions)
        return other

    def add(self, one: Sighting) -> None:
        if len(self.earliest) < CALLS_BEFORE:
            heappush(self.earliest, -one.time)
        elif one.time < -self.earliest[0]:
            heapreplace(self.earliest, -one.time)
        self.place(one)

    def place(self, one: Sighting) -> None:
        """Where a call came from and went to, when it is the earliest one there."""
        at = (one.time, one.key)
        network = network_of(one.ip)
        if network and (network not in self.networks or at < self.networks[network]):
            self.networks[network] = at
        if one.region and (one.region not in self.regions or at < self.regions[one.region]):
            self.regions[one.region] = at

    def told(self, *, roams: bool) -> dict[str, tuple[str, ...]]:
        """Reasons by event key. `roams`: its networks say nothing."""
        if len(self.earliest) < CALLS_BEFORE:
            return {}
        begin = -max(self.earliest)
        settled = max(-self.earliest[0], begin + DAYS_BEFORE * _DAY)
        found: dict[str, tuple[str, ...]] = {}
        for places, word in (({} if roams else self.networks, _network_words), (self.regions, _region_words)):
            order = sorted((at, key, name) for name, (at, key) in places.items())
            for number, (at, key, name) in enumerate(order):
                if not key or at <= settled or (not number and places is self.networks):
                    continue
                if sum(1 for before, _, _ in order[:number] if before > at - IN_DAYS * _DAY) > MOST_NEW:
                    continue
                found[key] = (*found.get(key, ()), f"{word(name)} after {_days(at - begin)} in {'others' if number else 'none'}")
        return found


class Places:
    """The index: each event once, in any order, at any time."""

    def __init__(self) -> None:
        self._actors: dict[str, _Habits] = {}
        self._served: set[str] = set()  # roles that services take on
        self._roaming: set[str] = set()  # roles that pipelines take on
        self._changed: set[str] = set()
        self._told: dict[str, dict[str, tuple[str, ...]]] = {}
        self._found: Mapping[str, tuple[str, ...]] = {}

    def add(self, sightings: Iterable[Sighting]) -> None:
        for one in sightings:
            habits = self._actors.get(one.actor)
            if habits is None:
                habits = self._actors[one.actor] = _Habits()
            habits.add(one)
            self._changed.add(one.actor)

    def add_summed(self, sightings: Iterable[Sighting], earliest: Mapping[str, Sequence[float]]) -> None:
        """Many calls by what matters of them: the earliest one in each place, and each actor's twelve earliest times."""
        for one in sightings:
            habits = self._actors.setdefault(one.actor, _Habits())
            habits.place(one)
            self._changed.add(one.actor)
        for actor, times in earliest.items():
            habits = self._actors.setdefault(actor, _Habits())
            habits.earliest = sorted(-time for time in sorted(times)[:CALLS_BEFORE])
            self._changed.add(actor)

    def learn_role(self, event: Event) -> None:
        """What an event that hands out a session tells of the role."""
        self._learn_role(event)

    def learn(self, events: Iterable[Event]) -> None:
        """Events, with what they tell of roles that services take on."""
        for event in events:
            if event.name.startswith("AssumeRole"):
                self._learn_role(event)
            one = sighting_of(event)
            if one is not None:
                self.add((one,))

    def supposing(self, events: Iterable[Event]) -> dict[str, tuple[str, ...]]:
        """Reasons of events that are not learned from, each as if it were the latest one read."""
        found: dict[str, tuple[str, ...]] = {}
        for event in events:
            one = sighting_of(event)
            if one is None or one.actor in self._served or one.actor not in self._actors:
                continue
            habits = self._actors[one.actor].copy()
            habits.add(one)
            why = habits.told(roams=one.actor in self._roaming).get(one.key, ())
            if why:
                found[one.key] = why
        return found

    def _learn_role(self, event: Event) -> None:
        kind = event.actor.kind
        if kind is ActorKind.SERVICE:
            known = self._served
        elif kind is ActorKind.WEB_IDENTITY and is_workload(event.actor):
            known = self._roaming
        else:
            return
        roles = {target for target in event.targets if ":role/" in target} - known
        known |= roles
        self._changed |= roles

    def found(self) -> Mapping[str, tuple[str, ...]]:
        """Reasons by event id. The same object as before when nothing has changed."""
        changed = False
        for actor in self._changed:
            habits = None if actor in self._served else self._actors.get(actor)
            told = habits.told(roams=actor in self._roaming) if habits is not None else {}
            changed = changed or told != self._told.get(actor, {})
            self._told[actor] = told
        self._changed.clear()
        if changed:
            self._found = {key: why for told in self._told.values() for key, why in told.items()}
        return self._found


def sighting_of(event: Event) -> Sighting | None:
    """An event as a use of a place; None for what is none."""
    actor = actor_key(event.actor)
    if not actor or event.time is None or (event.source == "signin.amazonaws.com" and event.outcome is Outcome.FAILED):
        return None
    if event.ip and not network_of(event.ip):
        return None  # the address of a service
    ip = "" if event.actor.kind is ActorKind.WEB_IDENTITY and is_workload(event.actor) else event.ip
    return Sighting(actor, ip, _region(event), event.time.timestamp(), event.event_id)


def actor_key(actor: Actor) -> str:
    """Whose habits a call belongs to; "" for services and for what nobody can tell.

    A role is one, by its ARN, whoever uses it; but the roles of Identity Center, whose sessions are named after people, are one for
    each person.
    """
    kind = actor.kind
    if kind is ActorKind.USER or kind is ActorKind.ROOT:
        return actor.unique_id or actor.arn
    if kind is ActorKind.ROLE:
        if actor.name.startswith(_SSO):
            return f"{actor.arn or actor.unique_id} {actor.session_name}"
        if actor.name.startswith("AWSServiceRoleFor") or _is_instance(actor.session_name):
            return ""
        return actor.arn or actor.unique_id
    if kind in (ActorKind.SERVICE, ActorKind.UNKNOWN):
        return ""
    return actor.arn or (f"{kind.value} {actor.name}" if actor.name else "")


def _is_instance(session: str) -> bool:
    """Sessions of an instance's role are named after the instance."""
    return session.startswith("i-") and len(session) in (10, 19) and all(c in "0123456789abcdef" for c in session[2:])


@lru_cache(maxsize=65_536)
def network_of(ip: str) -> str:
    """`203.0.113.0/24`, `2001:db8:1::/48`, `private addresses`; "" for what is no address."""
    import ipaddress

    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return network_of(str(address.ipv4_mapped))
        # Not `is_private`, which also holds the blocks of documentation.
        private = address.is_loopback or address.is_link_local or address in ipaddress.ip_network("fc00::/7")
        return PRIVATE if private else str(ipaddress.ip_network((int(address) >> 80 << 80, 48)))
    blocks = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8")
    if any(address in ipaddress.ip_network(block) for block in blocks):
        return PRIVATE
    return str(ipaddress.ip_network((int(address) >> 8 << 8, 24)))


def _region(event: Event) -> str:
    """The Region a call was meant for; "" where a service has one place for all: IAM in us-east-1 is no use of us-east-1."""
    if event.region in ("us-east-1", "us-gov-west-1", "cn-north-1") and not _is_regional(event.source, event.name):
        return ""
    return "" if event.source == "signin.amazonaws.com" else event.region


@lru_cache(maxsize=4096)
def _is_regional(source: str, name: str) -> bool:
    """Whether most kinds of things of a service are named with a Region."""
    from ..policy.catalogue import catalogue
    from ..policy.operations import actions_of

    needed = actions_of(source, name)
    prefix = needed[0].partition(":")[0] if needed else source.partition(".")[0]
    return catalogue().is_regional(prefix)


def is_of(why: str, event: Event) -> bool:
    """Whether a reason speaks of the network or the Region of an event."""
    return why.startswith((_network_words(network_of(event.ip)) + " ", _region_words(event.region) + " "))


def _network_words(name: str) -> str:
    return f"first use from {name}" if name == PRIVATE else f"first use from network {name}"


def _region_words(name: str) -> str:
    return f"first use of Region {name}"


def _days(seconds: float) -> str:
    days = int(seconds // _DAY)
    return f"{days} {'day' if days == 1 else 'days'}"
