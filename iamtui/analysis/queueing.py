"""The order of a review: what an attacker would use first and what nobody uses, each with the signs it is judged by.

A score is a sum of signs, so that it can be told in words: administrator, findings by severity, out of use, its owner left, named
like something temporary. Nothing here decides; it says where to look first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ..model.account import Snapshot
from ..model.event import Event, Outcome
from ..model.fact import Fact, State
from ..model.finding import Finding, FindingKind, Severity
from ..model.identity import Group, Identity, Role, User
from ..model.policy import Grant, Policy
from .group_columns import COLUMNS as GROUP_COLUMNS
from .lists import is_root
from .review_columns import owner
from .role_columns import last_seen as role_seen
from .user_columns import COLUMNS as USER_COLUMNS
from .user_columns import last_seen as user_seen
from .words import relative

_SEVERITY = {Severity.CRITICAL: 40, Severity.HIGH: 25, Severity.MEDIUM: 10, Severity.LOW: 3}
_ADMIN, _IDLE, _LEFT, _OWNER_LEFT, _TEMPORARY, _NO_MFA, _OLD_KEY, _NOBODY = 40, 30, 45, 15, 10, 8, 4, 15
_MOST_FINDINGS = 60
_OLD_KEY_DAYS = 365
_TEMPORARY_NAME = re.compile(r"(?:^|[-_./])(?:test|tmp|temp|sandbox|poc|demo|trial|old|backup)(?:[-_./0-9]|$)", re.IGNORECASE)
_LEFT_TAGS = frozenset({"left", "leaver", "gone", "terminated", "offboarded", "inactive", "former"})
_STATUS_TAGS = frozenset({"status", "employment", "state", "lifecycle"})


class Around(msgspec.Struct, frozen=True, eq=False):
    """What one looks at beside a thing itself.

    findings: by ARN of what they are about
    admins:   ARNs of administrators, under no condition
    left:     names and addresses of people who left, in folded case; those tagged so are found by themselves
    grants:   when rights were given, by events: (noun, name, policy) -> time and event name
    """

    now: datetime
    idle_days: int
    findings: Mapping[str, tuple[Finding, ...]] = {}
    admins: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    grants: Mapping[tuple[str, str, str], tuple[datetime, str]] = {}


class Weight(msgspec.Struct, frozen=True):
    score: int
    signs: tuple[str, ...]


def weigh(item: Any, snapshot: Snapshot, around: Around) -> Weight:
    """How much something of a list wants to be looked at."""
    found: list[tuple[int, str]] = []
    if isinstance(item, Finding):
        return Weight(_SEVERITY[item.severity] * 2, (item.severity.value, item.claim))
    arn = item.arn
    if isinstance(item, User | Role):
        if arn in around.admins:
            found.append((_ADMIN, "administrator"))
        if _tagged_left(item):
            found.append((_LEFT, "tagged as left"))
        elif isinstance(item, User) and item.name.casefold() in around.left:
            found.append((_LEFT, "on the list of leavers"))
        answers = owner(item, snapshot).value or ""
        if answers and answers.casefold() in around.left:
            found.append((_OWNER_LEFT, f"its owner {answers} left"))
        found += _disuse(item, snapshot, around)
    if isinstance(item, User):
        found += _credentials(item, snapshot, around.now)
    if isinstance(item, Policy):
        count = item.attachment_count
        if count == 0 and not item.boundary_count:
            found.append((_NOBODY, "attached to nobody"))
    if isinstance(item, Group) and _members(item, snapshot) == 0:
        found.append((_NOBODY, "no members"))
    if _TEMPORARY_NAME.search(item.name):
        age = f", {relative(item.created, around.now)} old" if item.created is not None else ""
        found.append((_TEMPORARY, f"named like something temporary{age}"))
    claims = [claim for claim in around.findings.get(arn, ()) if claim.kind is not FindingKind.UNUSED]  # that is judged above
    if claims:
        score = min(sum(_SEVERITY[claim.severity] for claim in claims), _MOST_FINDINGS)
        first = claims[0]
        more = f" and {len(claims) - 1} more" if len(claims) > 1 else ""
        found.append((score, f"{first.severity.value}: {first.claim}{more}"))
    found.sort(key=lambda pair: -pair[0])
    return Weight(sum(score for score, _ in found), tuple(words for _, words in found))


def _disuse(item: User | Role, snapshot: Snapshot, around: Around) -> Iterable[tuple[int, str]]:
    seen = last_seen(item, snapshot)
    if seen.is_known and seen.value is not None:
        if seen.value < around.now - timedelta(days=around.idle_days):
            yield _IDLE + min((around.now - seen.value).days // 60, 10), f"not used for {relative(seen.value, around.now)}"
    elif seen.state in (State.NEVER, State.NOT_IN_TRACKING_PERIOD):
        if item.created is None or item.created < around.now - timedelta(days=around.idle_days):
            yield _IDLE + 5, "never used" if seen.state is State.NEVER else f"not used in {seen.detail or 'the tracking period'}"
    else:
        yield 2, f"use not known: {seen.state.value}"


def last_seen(item: Any, snapshot: Snapshot) -> Fact[Any]:
    """The latest sign of a user or role; not applicable to everything else."""
    if isinstance(item, User):
        return user_seen(item, snapshot)
    return role_seen(item, snapshot) if isinstance(item, Role) else Fact(State.NOT_APPLICABLE)


_USER = {column.id: column.fact for column in USER_COLUMNS}
_GROUP_MEMBERS = next(column.fact for column in GROUP_COLUMNS if column.id == "members")


def _members(group: Group, snapshot: Snapshot) -> int | None:
    fact = _GROUP_MEMBERS(group, snapshot)
    return fact.value if fact.is_known else None


def _credentials(user: User, snapshot: Snapshot, now: datetime) -> Iterable[tuple[int, str]]:
    if _USER["console"](user, snapshot).value is True and _USER["mfa"](user, snapshot).value is False:
        yield _NO_MFA, "password without MFA"
    limit = now - timedelta(days=_OLD_KEY_DAYS)
    for number in (1, 2):
        made: Any = _USER[f"key{number}-age"](user, snapshot).value
        if made is not None and made < limit and _USER[f"key{number}-active"](user, snapshot).value is True:
            yield _OLD_KEY, f"key of {relative(made, now)}"


def _tagged_left(item: User | Role) -> bool:
    return any(key.casefold() in _STATUS_TAGS and value.casefold() in _LEFT_TAGS for key, value in item.tags)


def tagged_leavers(snapshots: Iterable[Snapshot]) -> frozenset[str]:
    """Names, in folded case, of users whose tags say that the person left."""
    return frozenset(user.name.casefold() for snapshot in snapshots for user in snapshot.users if _tagged_left(user))


def is_young(item: Any, now: datetime, days: int) -> bool:
    """Whether something was made within the days: nobody can say yet that it is not needed."""
    created = getattr(item, "created", None)
    return created is not None and created > now - timedelta(days=days)


def reviewable(item: Any) -> bool:
    """Whether anybody could take it away: not root, not what AWS owns."""
    if isinstance(item, User):
        return not is_root(item)
    if isinstance(item, Role):
        return not item.service_linked
    return not (isinstance(item, Policy) and item.aws_managed)


# -- when rights were given ------------------------------------------------------------------------------------------


def granted(events: Iterable[Event]) -> dict[tuple[str, str, str], tuple[datetime, str]]:
    """The latest time a policy was given to somebody, or somebody put into a group, as far as events tell."""
    found: dict[tuple[str, str, str], tuple[datetime, str]] = {}
    for event in events:
        if event.source != "iam.amazonaws.com" or event.time is None or event.outcome is not Outcome.SUCCESS:
            continue
        nouns = _GIVES.get(event.name)
        if nouns is None:
            continue
        for who in event.targets:
            for what in event.targets:
                key = (nouns, _name(who), _name(what))
                if who != what and (key not in found or found[key][0] < event.time):
                    found[key] = (event.time, event.name)
    return found


_GIVES = {
    "AttachUserPolicy": "user",
    "PutUserPolicy": "user",
    "AddUserToGroup": "user",
    "AttachRolePolicy": "role",
    "PutRolePolicy": "role",
    "AttachGroupPolicy": "group",
    "PutGroupPolicy": "group",
}
"""Operations of IAM that give a policy, by whom to."""


def _name(text: str) -> str:
    return text.rpartition("/")[2] if text.startswith("arn:") else text


def given_at(identity: Identity, grant: Grant, around: Around) -> tuple[datetime, str] | None:
    """When a grant came to an identity, where events tell: attached to it or to its group, or it was put into the group."""
    noun = "user" if isinstance(identity, User) else "group" if isinstance(identity, Group) else "role"
    what = grant.policy_name
    told = [around.grants.get((noun, identity.name, what))] if not grant.group else []
    if grant.group:
        told = [around.grants.get(("group", grant.group, what)), around.grants.get(("user", identity.name, grant.group))]
    return max((one for one in told if one is not None), default=None)
