"""Triage: one alert joined with everything that is known about whom and what it names."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from ..analysis.attribution import Chain
from ..analysis.classing import Class, classify
from ..analysis.places import is_of, network_of
from ..analysis.story import Beat, Moment
from ..model.alert import Alert, Clue, ClueKind
from ..model.event import ActorKind, Event, Outcome
from ..model.finding import Severity
from ..model.identity import Role, User
from .answers import ListKind, Row
from .noticing import Noticed, noticed, raised_around

if TYPE_CHECKING:
    from .facade import Session
    from .placing import Surroundings
    from .searching import EventSearch

_FRESH = timedelta(days=1)
_CHANGES = timedelta(days=30)
_MOST = 12
_NAMED_KINDS = (ListKind.USERS, ListKind.ROLES)


class Triage(msgspec.Struct, frozen=True, eq=False):
    """An answer on one screen. Every part is there or says why it is not.

    who:      the identity it is about; None when no list has it
    chain:    who is behind the event; None without an event
    event:    the event it is about, the latest where it names no single one
    matches:  events it names, newest first, at most a dozen; `found` is how many there are
    usual:    sentences: what of it was seen before, what is new
    around:   what stands out of the same actor's calls of that hour and after
    could:    sentences: what the identity may do
    changed:  changes to the identity in the thirty days before
    alarms:   alarms and rules that find the event or that the alert names, with who hears of them
    steps:    (what it does, text to copy); nothing is run
    unknown:  what could not be told, and why
    weight:   the event's class
    """

    alert: Alert
    who: Row | None = None
    chain: Chain | None = None
    event: Event | None = None
    matches: tuple[Event, ...] = ()
    found: int = 0
    usual: tuple[str, ...] = ()
    around: tuple[Moment, ...] = ()
    could: tuple[str, ...] = ()
    changed: tuple[Event, ...] = ()
    steps: tuple[tuple[str, str], ...] = ()
    alarms: tuple[Noticed, ...] = ()
    unknown: tuple[str, ...] = ()
    weight: Class | None = None


def triage(session: Session, alert: Alert, own: Sequence[Event], known: Surroundings) -> Triage:
    """The answer to one alert. For a worker.

    own:   events the alert itself holds that are not among those that were read
    known: whose first uses are among all of them
    """
    unknown: list[str] = []
    search = session.search
    matches = _matching(alert, own, search) or raised_around(session, alert)
    event = matches[0] if matches else None
    if event is None:
        unknown.append(f"no event among the {search.count() + len(own):,} that were read has {_named(alert.clues)}")
    chain = session.chain(event) if event is not None else None
    if chain is not None and chain.missing:
        unknown.append(chain.missing)
    who = _identity(session, alert, event, chain)
    if who is None:
        unknown.append("the identity is in no list that was read")
    return Triage(
        alert,
        who,
        chain,
        event,
        matches[:_MOST],
        len(matches),
        _usual(known.reasons, event, search.of_arn(event.actor.arn) if event.actor.arn else ()) if event is not None else (),
        _around(session, event) if event is not None else (),
        _could(session, who) if who is not None else (),
        _changed(session, who, event) if who is not None else (),
        _steps(who, event),
        noticed(session, alert, event, unknown),
        tuple(unknown),
        classify(event, known.of(event)) if event is not None else None,
    )


def _named(clues: Sequence[Clue]) -> str:
    return ", ".join(f"{clue.kind.value} {clue.value}" for clue in clues[:3]) or "anything it names"


def _matching(alert: Alert, own: Sequence[Event], search: EventSearch) -> tuple[Event, ...]:
    """Events by the first clue that any event has."""
    for clue in alert.clues:
        found = tuple(event for event in (*own, *search.of_clue(clue)) if _has(event, clue))
        if found:
            return found
    return ()


def _has(event: Event, clue: Clue) -> bool:
    value = clue.value
    match clue.kind:
        case ClueKind.EVENT:
            return event.event_id.casefold() == value.casefold()
        case ClueKind.REQUEST:
            return value in event.record and f'"requestID":"{value}"' in event.record.replace('": "', '":"')
        case ClueKind.KEY:
            return value == event.actor.access_key_id
        case ClueKind.UNIQUE_ID:
            return event.actor.unique_id.partition(":")[0] == value
        case ClueKind.IP:
            return event.ip == value
        case ClueKind.ARN:
            return value in (event.actor.arn, *event.targets) or (":assumed-role/" in value and value in event.record)
        case ClueKind.USER:
            return event.actor.kind is ActorKind.USER and event.actor.name == value
        case ClueKind.ROLE:
            return event.actor.kind is ActorKind.ROLE and event.actor.name == value
    return False


def _identity(session: Session, alert: Alert, event: Event | None, chain: Chain | None) -> Row | None:
    wanted = [event.actor.arn] if event is not None and event.actor.arn else []
    if chain is not None and chain.whole and chain.origin.arn:
        wanted.append(chain.origin.arn)
    names = {ClueKind.USER: "user/", ClueKind.ROLE: "role/"}
    wanted += [f"{names.get(c.kind, '')}{c.value}" for c in alert.clues if c.kind not in (ClueKind.IP, ClueKind.EVENT, ClueKind.REQUEST)]
    for target in wanted:
        for match in session.find(target):
            if match.kind in _NAMED_KINDS and match.how not in ("prefix", "substring"):
                return match.row
    return None


def _usual(reasons: Mapping[str, tuple[str, ...]], event: Event, events: Sequence[Event]) -> tuple[str, ...]:
    """What of this call was seen before, among the events of the same identity. What is a new place is told as everywhere
    (`analysis.places`)."""
    arn = event.actor.arn
    if not arn or event.time is None:
        return ("whether it is usual cannot be told: the event names no identity, or no time",)
    before = [e for e in events if e.time is not None and e.time < event.time and e is not event]
    if not before:
        return ("nothing of this identity was seen before it, among the events that were read",)
    days = (event.time - min(e.time for e in before if e.time is not None)).days
    told = [f"{len(before):,} calls of this identity in the {days} days before"]
    told += _new_places(reasons, event, before)
    network = network_of(event.ip)
    told.append(
        _seen(
            f"from {network or event.ip or 'no address'}",
            [e for e in before if e.ip == event.ip or (network and network_of(e.ip) == network)],
        )
    )
    same = [e for e in before if e.name == event.name and e.source == event.source]
    first = min((e.time for e in same if e.time is not None), default=None)
    if first is None:
        told.append(f"NEW: none of them of {event.name}")
    elif event.time - first < _FRESH and days >= 2:
        told.append(f"NEW: {len(same):,} of them of {event.name}, the first at {first:%Y-%m-%d %H:%M}")
    else:
        told.append(_seen(f"of {event.name}", same))
    told.append(_seen(f"in {event.region or 'no Region'}", [e for e in before if e.region == event.region]))
    agent = event.user_agent.split("/")[0].split(" ")[0]
    if agent and not any(e.user_agent.startswith(agent) for e in before):
        told.append(f"NEW: none of them with {agent}")
    return tuple(told)


def _seen(words: str, same: Sequence[Event]) -> str:
    return f"{len(same):,} of them {words}" if same else f"none of them {words}"


def _new_places(reasons: Mapping[str, tuple[str, ...]], event: Event, before: Sequence[Event]) -> list[str]:
    """First uses: the event itself, or one of the day before from the same network or in the same Region."""
    told = [f"NEW: {why}" for why in reasons.get(event.event_id, ())]
    for earlier in before:
        if earlier.time is None or event.time is None or event.time - earlier.time > _FRESH:
            continue
        for why in reasons.get(earlier.event_id, ()):
            if is_of(why, event):
                told.append(f"NEW: {why}, at {earlier.time:%Y-%m-%d %H:%M}")
    return told


def _around(session: Session, event: Event) -> tuple[Moment, ...]:
    from .telling import story_of

    if event.time is None:
        return ()
    story = story_of(session.places.surroundings(session.world), session.search, event)
    since, until = event.time - timedelta(hours=1), event.time + timedelta(hours=24)
    near = [m for m in story.moments if m.beat in (Beat.EVENT, Beat.FOLD) and since <= m.at <= until]
    grave = [m for m in near if m.severity in (Severity.HIGH, Severity.CRITICAL) or m.why]
    chosen = grave if len(grave) >= 3 else near
    return tuple(chosen[:_MOST])


def _could(session: Session, who: Row) -> tuple[str, ...]:
    summary = session.permissions(who)
    told = []
    if summary.admin:
        told.append(f"everything: {', '.join(summary.admin[:3])} gives an administrator's rights")
    ways, _ = session.escalations(who)
    if ways and not summary.admin:
        told.append(f"become an administrator, by {len(ways)} {'way' if len(ways) == 1 else 'ways'}; the first: {ways[0].path.title}")
    names = [service.name or service.prefix for service in summary.services]
    if names:
        told.append(f"{len(names)} services: {', '.join(names[:6])}{' …' if len(names) > 6 else ''}")
    if summary.boundaries:
        told.append(f"within the boundary {', '.join(summary.boundaries)}")
    if not summary.complete:
        told.append("not all of its policies were read: it may do more")
    return tuple(told) or ("nothing: no policy gives it anything",)


def _changed(session: Session, who: Row, event: Event | None) -> tuple[Event, ...]:
    from .answers import Direction

    until = event.time if event is not None and event.time is not None else session.now()
    found = []
    for change in session.activity(who, Direction.ON).events:
        if change.time is None or not until - _CHANGES <= change.time <= until + timedelta(days=1):
            continue
        if (
            change.outcome is Outcome.SUCCESS
            and classify(change, who.snapshot).severity is not None
            and not change.name.startswith("AssumeRole")
        ):
            found.append(change)
    return tuple(found[:_MOST])


_DENY_ALL = '{"Version":"2012-10-17","Statement":[{"Sid":"Quarantine","Effect":"Deny","Action":"*","Resource":"*"}]}'


def _steps(who: Row | None, event: Event | None) -> tuple[tuple[str, str], ...]:
    """What to do now, as text. Nothing of it is run."""
    found: list[tuple[str, str]] = []
    key = event.actor.access_key_id if event is not None else ""
    item = who.item if who is not None else None
    if isinstance(item, User) and not item.arn.endswith(":root"):
        name = shlex.quote(item.name)
        if key.startswith("AKIA"):
            found.append(
                ("disable the key", f"aws iam update-access-key --user-name {name} --access-key-id {shlex.quote(key)} --status Inactive")
            )
        deny = f"aws iam put-user-policy --user-name {name} --policy-name Quarantine --policy-document {shlex.quote(_DENY_ALL)}"
        found.append(("deny the user everything, sessions of GetSessionToken too", deny))
        found.append(("take away console sign-in", f"aws iam delete-login-profile --user-name {name}"))
    elif isinstance(item, Role):
        name = shlex.quote(item.name)
        now = event.time if event is not None else None
        stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ") if now else "NOW"
        revoke = (
            '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*",'
            '"Condition":{"DateLessThan":{"aws:TokenIssueTime":"REPLACE-WITH-NOW"}}}]}'
        )
        document = shlex.quote(revoke.replace("REPLACE-WITH-NOW", "$(date -u +%Y-%m-%dT%H:%M:%SZ)")).replace(
            "$(date -u +%Y-%m-%dT%H:%M:%SZ)", "'\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\"'"
        )
        put = f"aws iam put-role-policy --role-name {name} --policy-name AWSRevokeOlderSessions --policy-document {document}"
        found.append((f"revoke its sessions of before now (the event is of {stamp})", put))
        found.append(("see who may assume it", f"iamtui identity role/{item.name}"))
    elif event is not None and event.actor.kind is ActorKind.ROOT:
        found.append(
            (
                "sign in as root: change the password, renew MFA, delete access keys",
                "https://console.aws.amazon.com/iam/home#/security_credentials",
            )
        )
    return tuple(found)


def moments_words(moments: Sequence[Moment]) -> list[str]:
    """Lines of what stood out."""
    return [f"{m.at:%m-%d %H:%M:%S}  {m.who}  {m.words}" + (f"  ({'; '.join(m.why)})" if m.why else "") for m in moments]


def by_name(events: Sequence[Event]) -> str:
    """`GetObject ×27, ListBuckets`."""
    counted = Counter(event.name for event in events).most_common(5)
    return ", ".join(name if n == 1 else f"{name} ×{n}" for name, n in counted)
