"""Who else uses something that is marked: trust relations, policies of resources, attachments, members, and use in the last hours."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ...model.account import POLICIES, Snapshot
from ...model.event import Event, Outcome
from ...model.fact import Fact, State
from ...model.identity import Group, Identity, Role, User
from ...model.policy import Grant, Policy
from ...model.surroundings import Surroundings
from ...policy.compiled import compile_policy
from ...policy.operations import actions_of
from ..grants import attachments
from ..reach import members_by_group, once
from ..role_columns import last_seen as role_seen
from ..trust import summarize_trust
from ..user_columns import last_seen as user_seen
from ..words import relative

_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::\d{12}:(?:user|role|assumed-role)/[^\"\\\s]+")
_UNREAD = frozenset({State.DENIED, State.FAILED, State.NOT_LOADED, State.NO_INFORMATION})


def seen(identity: Identity, snapshot: Snapshot) -> Fact[Any]:
    """When an identity was last seen, from all sources on hand."""
    return user_seen(identity, snapshot) if isinstance(identity, User) else role_seen(identity, snapshot)  # type: ignore[arg-type]


class Recent(msgspec.Struct, frozen=True):
    """The window in which use speaks against a step. `events` are those an identity made, newest first; hours 0 switches it off."""

    now: datetime
    hours: int
    events: Mapping[str, Sequence[Event]] = {}

    @property
    def since(self) -> datetime:
        return self.now - timedelta(hours=self.hours)

    def identity(self, identity: Identity, snapshot: Snapshot) -> str:
        """Why an identity is in use right now, "" when nothing says so."""
        if not self.hours:
            return ""
        if isinstance(identity, Group):
            return ""
        fact = seen(identity, snapshot)
        if fact.is_known and isinstance(fact.value, datetime) and fact.value >= self.since:
            return f"{identity.name} was last seen {self._when(fact.value)} ({fact.source}{f', {fact.detail}' if fact.detail else ''})"
        for event in self.events.get(identity.arn, ()):
            if event.time is not None and event.time >= self.since:
                return f"{identity.name} called {event.name} {self._when(event.time)}"
        return ""

    def grant(self, identity: Identity, snapshot: Snapshot, grant: Grant) -> str:
        """Why one policy of an identity is in use: a call within the window that it allows. Where its text was not read, any call is."""
        if not self.hours or isinstance(identity, Group):
            return ""
        if grant.document is None:
            active = self.identity(identity, snapshot)
            return f"{active}, and what the policy allows was not read" if active else ""
        policy = compile_policy(grant.document)
        for event in self.events.get(identity.arn, ()):
            if event.time is None or event.time < self.since or event.outcome is Outcome.DENIED:
                continue
            for action in actions_of(event.source, event.name)[:1]:
                if policy.rules(action.lower())[1]:
                    return f"{identity.name} called {event.name} {self._when(event.time)}, which it allows"
        return ""

    def key(self, user: User, snapshot: Snapshot, ident: str, last_used: Fact[Any]) -> str:
        if not self.hours:
            return ""
        if last_used.is_known and isinstance(last_used.value, datetime) and last_used.value >= self.since:
            return f"the key was used {self._when(last_used.value)} ({last_used.source})"
        for event in self.events.get(user.arn, ()):
            if event.time is not None and event.time >= self.since and event.actor.access_key_id == ident:
                return f"the key signed {event.name} {self._when(event.time)}"
        return ""

    def _when(self, moment: datetime) -> str:
        words = relative(moment, self.now)
        return words if words.startswith(("now", "in ")) else f"{words} ago"


def trusting(snapshot: Snapshot, surroundings: Surroundings, others: Sequence[Snapshot] = ()) -> Mapping[str, tuple[str, ...]]:
    """By ARN of a user or role: what names it as a principal, as words: `role ci (trust policy)`, an ARN of a resource. `others`: the
    accounts that are open beside it."""
    beside = tuple(one for one in others if one is not snapshot)

    def make() -> dict[str, tuple[str, ...]]:
        found: dict[str, dict[str, None]] = {}
        named: Iterable[tuple[str, str]] = (
            *((f"role {role.name} (trust policy)", role.trust) for role in snapshot.roles),
            *((f"role {role.name} of account {one.account} (trust policy)", role.trust) for one in beside for role in one.roles),
            *((f"{arn} (policy)", resource.document) for arn, resource in surroundings.resources.items()),
        )
        for holder, text in named:
            for arn in _PRINCIPAL.findall(text):
                if ":assumed-role/" in arn:
                    continue
                found.setdefault(arn, {})[holder] = None
        return {arn: tuple(holders) for arn, holders in found.items()}

    return once("trusting", (snapshot.roles, surroundings.resources, *(one.roles for one in beside)), make)


def dependents(identity: Identity, snapshot: Snapshot, surroundings: Surroundings, others: Sequence[Snapshot] = ()) -> Iterator[str]:
    """What somebody must know before an identity goes, one sentence each."""
    names = [one for one in trusting(snapshot, surroundings, others).get(identity.arn, ()) if one != f"role {identity.name} (trust policy)"]
    if names:
        yield f"named as a principal by {_few(names)}: they keep its old unique id when it is deleted, and a new one of the name is not it"
    if isinstance(identity, Role):
        trustees = summarize_trust(identity.trust, identity.account or snapshot.account).names if identity.trust else ()
        if trustees:
            yield f"may be assumed by {_few(trustees)}"
        if identity.instance_profiles:
            few = _few([one.name for one in identity.instance_profiles])
            yield f"in the instance profile {few}: instances that use it lose their credentials; {_list_instances(identity)}"
        if any(name in ("lambda", "ecs-tasks", "codebuild", "states", "ec2") for name in trustees):
            yield "which functions, tasks and instances run as it is not in what was read: look at those services before it is removed"
    if isinstance(identity, Group):
        members = members_by_group(snapshot).get(identity.name, ())
        if members:
            yield f"{len(members)} {'member loses' if len(members) == 1 else 'members lose'} what it gives: {_few([m.name for m in members])}"


def _list_instances(role: Role) -> str:
    arn = role.instance_profiles[0].arn
    command = ("aws", "ec2", "describe-instances", "--filters", f"Name=iam-instance-profile.arn,Values={arn}")
    return f"{shlex.join(command)} tells which, in each Region"


def attached_elsewhere(policy: Policy, snapshot: Snapshot, going: frozenset[tuple[str, str]]) -> str:
    """Why a policy cannot go: whom it is attached to beside those that lose it by this plan, as (identity's ARN, policy's ARN)."""
    held = attachments(policy, snapshot)
    others = [one for one in held if (one.arn, policy.arn) not in going]
    if others:
        names = [f"{one.kind} {one.name}{' as boundary' if one.as_boundary else ''}" for one in others]
        return f"still used by {_few(names)}, which nobody has marked or which stay for now"
    told = (policy.attachment_count or 0) + (policy.boundary_count or 0)
    if told > len(held):
        return f"AWS counts {told} attachments, and {len(held)} were read: who else has it is not known"
    if not snapshot.section(POLICIES).complete:
        return "the list of policies was not read whole: who else has it is not known"
    return ""


def _few(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def unread_words(identity: Identity, snapshot: Snapshot) -> str:
    """Why recent use of an identity cannot be told, "" when it can."""
    if isinstance(identity, Group):
        return ""
    fact = seen(identity, snapshot)
    if fact.state in _UNREAD:
        return f"last use of {identity.name}: {fact.state.value}{f' ({fact.detail})' if fact.detail else ''}"
    return ""
