"""The ten practices of an IAM audit as checks over what was read, each with its offenders.

A check claims what its facts carry: what was not read, or was refused, is told as missing, and keeps the practice from being called
kept. What each looks at, and what it cannot see, is in its texts (`practice_texts`); the numbers of controls are those of the CIS AWS
Foundations Benchmark 4.0.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, partial

import msgspec

from ..model.account import CREDENTIALS, POLICIES, ROLES, SUMMARY, USERS, Section, Snapshot
from ..model.credentials import Credentials, KeySlot
from ..model.fact import Fact, State
from ..model.identity import Group, Identity, Role, User
from ..model.practice import Kept, Offender, Practice
from ..model.surroundings import Surroundings
from ..model.usage import UsageBrief
from .access import NOTHING_AROUND
from .escalation.evaluating import Field
from .escalation.paths import paths
from .grants import grants
from .practice_texts import TEXTS
from .reach import attached_to, members_by_group
from .unused import idle_words, signs

KEY_DAYS = 90
UNUSED_DAYS = 90
REVIEW_DAYS = 183
_REPORT = "iam:GetCredentialReport"
_GAAD = "iam:GetAccountAuthorizationDetails"


class Monitoring(msgspec.Struct, frozen=True):
    """One line of what watches the account, as the analyses of logging and alarms found it. `good` None: could not be told."""

    name: str
    good: bool | None
    words: str
    source: str
    account: str = ""
    as_of: datetime | None = None


class Reviews(msgspec.Struct, frozen=True):
    """Reviews that were closed, the latest first. `known` False: no ledger was looked at."""

    known: bool = False
    closed: tuple[tuple[str, datetime], ...] = ()
    open: tuple[str, ...] = ()


class _Looked:
    """Collects one check."""

    def __init__(self) -> None:
        self.offenders: list[Offender] = []
        self.missing: dict[str, None] = {}
        self.of = 0
        self.bad: set[str] = set()

    def look(self, key: str, offenders: Iterable[Offender]) -> None:
        """One thing that was looked at, with what is wrong with it."""
        self.of += 1
        found = list(offenders)
        if found:
            self.bad.add(key)
            self.offenders += found


def practices(
    snapshots: Sequence[Snapshot],
    now: datetime,
    *,
    surroundings: Surroundings = NOTHING_AROUND,
    usage: Mapping[str, Fact[UsageBrief]] | None = None,
    monitoring: Sequence[Monitoring] | None = None,
    reviews: Reviews | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    only: Collection[str] = (),
) -> tuple[Practice, ...]:
    """All ten, in their order, over the open accounts.

    usage:      last-accessed details on hand by ARN
    monitoring: None when nobody has looked at logging and alarms
    only:       ids of those that are wanted; () for all
    """
    found = {text.id: _Looked() for text in TEXTS if not only or text.id in only}
    for snapshot in snapshots:
        if cancelled():
            break
        checks: dict[str, Callable[[_Looked], None]] = {
            "mfa": partial(_mfa, snapshot=snapshot),
            "roles-not-users": partial(_roles, snapshot=snapshot, now=now),
            "no-root": partial(_root, snapshot=snapshot, now=now),
            "rotation": partial(_rotation, snapshot=snapshot, now=now),
            "wildcards": partial(_wildcards, snapshot=snapshot),
        }
        if not found.keys() <= checks.keys() | {"monitoring", "reviews"}:
            field = Field(snapshot, surroundings)  # the dear part
            checks["least-privilege"] = partial(_least, snapshot=snapshot, field=field, usage=usage or {})
            checks["conditions"] = partial(_conditions, snapshot=snapshot, field=field)
            checks["unused"] = partial(_unused, snapshot=snapshot, field=field, now=now)
        for name, check in checks.items():
            if name in found:
                check(found[name])
    if "monitoring" in found:
        _monitored(found["monitoring"], monitoring)
    if "reviews" in found:
        _reviewed(found["reviews"], reviews or Reviews(), now)
    return tuple(_practice(number, text.id, found[text.id], snapshots) for number, text in enumerate(TEXTS, 1) if text.id in found)


def _practice(number: int, name: str, looked: _Looked, snapshots: Sequence[Snapshot]) -> Practice:
    text = TEXTS[number - 1]
    held = looked.of - len(looked.bad)
    offenders = sorted(looked.offenders, key=lambda one: (not one.grave, one.subject, _natural(one.name), one.words))
    if looked.offenders:
        broken = held * 2 < looked.of or any(one.grave for one in offenders)
        kept = Kept.BROKEN if broken else Kept.PARTLY
    elif looked.missing or not looked.of:
        kept = Kept.UNKNOWN
    else:
        kept = Kept.YES
    claim = text.claim.format(bad=f"{len(looked.bad):,}", of=f"{looked.of:,}") if looked.of else "nothing could be looked at"
    if looked.of and not looked.offenders:
        claim = text.good.format(of=f"{looked.of:,}")
    missing = tuple(looked.missing) or (() if looked.of or snapshots else ("no account has been read",))
    return Practice(
        number, name, text.title, kept, claim, tuple(offenders), looked.of, held, missing,
        text.definition, text.sources, text.blind, text.control, text.todo,
    )  # fmt: skip


# -- what was not read ------------------------------------------------------------------------------------------------


def _absent(looked: _Looked, snapshot: Snapshot, name: str, action: str, what: str) -> Section | None:
    """The section when it was read; else what is missing is noted."""
    section = snapshot.section(name)
    if section.state is State.KNOWN:
        if not section.complete:
            looked.missing[f"{what} of {snapshot.label} were read in part"] = None
        return section
    if section.state is State.DENIED:
        looked.missing[f"{what} of {snapshot.label}: denied; ask for {action}"] = None
    elif section.state is State.FAILED:
        looked.missing[f"{what} of {snapshot.label}: failed ({section.detail})"] = None
    else:
        looked.missing[f"{what} of {snapshot.label}: not loaded ({action})"] = None
    return None


def _reports(looked: _Looked, snapshot: Snapshot) -> Iterator[tuple[Credentials, Section]]:
    section = _absent(looked, snapshot, CREDENTIALS, _REPORT, "credentials")
    if section is not None:
        for row in snapshot.credentials.values():
            yield row, section


def _everyone(looked: _Looked, snapshot: Snapshot) -> Iterator[User | Role]:
    """Users and roles somebody decides about: not those of services, nor those Identity Center keeps."""
    if _absent(looked, snapshot, USERS, _GAAD, "users") is not None:
        yield from snapshot.users
    if _absent(looked, snapshot, ROLES, _GAAD, "roles") is not None:
        yield from (role for role in snapshot.roles if not role.service_linked)


def _of(identity: Identity, words: str, source: str, as_of: datetime | None, tab: str = "", *, grave: bool = False) -> Offender:
    subject = "user" if isinstance(identity, User) else "group" if isinstance(identity, Group) else "role"
    return Offender(identity.name, identity.arn, subject, words, source, identity.account, as_of, tab, grave)


def _of_row(
    row: Credentials, words: str, snapshot: Snapshot, section: Section, *, grave: bool = False, at: datetime | None = None
) -> Offender:
    subject = "root" if row.is_root else "user"
    return Offender(row.name, row.arn, subject, words, _REPORT, snapshot.account, section.as_of, "credentials", grave, at)


# -- 1 least privilege -------------------------------------------------------------------------------------------------


def _least(looked: _Looked, snapshot: Snapshot, field: Field, usage: Mapping[str, Fact[UsageBrief]]) -> None:
    unasked = 0
    as_of = snapshot.as_of
    for identity in _everyone(looked, snapshot):
        around = field.around.get(identity.arn)
        if around is None or not around.layers.identity:
            continue
        found: list[Offender] = []
        if identity.arn in field.admins:
            through = ", ".join(list(dict.fromkeys(g.policy_name for g in grants(identity, snapshot) if g.via.value != "boundary"))[:3])
            found.append(_of(identity, f"has an administrator's rights, through {through}", _GAAD, as_of, "permissions", grave=True))
        told = usage.get(identity.arn)
        if told is None or not told.is_known or told.value is None:
            unasked += 1
        else:
            brief = told.value
            if brief.unused * 2 > brief.granted:
                words = f"{brief.unused} of {brief.granted} services it may use were not used in the tracking period"
                found.append(_of(identity, words, told.source, told.as_of, "used"))
        looked.look(identity.arn, found)
    if unasked:
        looked.missing[f"last-accessed details of {unasked:,} identities of {snapshot.label}: not loaded (iamtui sweep last-used)"] = None


# -- 2 MFA ----------------------------------------------------------------------------------------------------------------


def _mfa(looked: _Looked, snapshot: Snapshot) -> None:
    rooted = False
    for row, section in _reports(looked, snapshot):
        if row.is_root:
            rooted = True
            if row.mfa.is_known:
                looked.look(row.arn, () if row.mfa.value else [_of_row(row, "root has no MFA", snapshot, section, grave=True)])
            continue
        if not row.password_enabled.is_known:
            looked.missing[f"whether {row.name} has a password: {row.password_enabled.state.value}"] = None
        elif row.password_enabled.value:
            if row.mfa.is_known:
                looked.look(row.arn, () if row.mfa.value else [_of_row(row, "has a console password and no MFA", snapshot, section)])
            else:
                looked.missing[f"whether {row.name} has MFA: {row.mfa.state.value}"] = None
    if not rooted and snapshot.section(SUMMARY).state is State.KNOWN and "AccountMFAEnabled" in snapshot.summary:
        good = snapshot.summary["AccountMFAEnabled"] == 1
        arn = f"arn:{snapshot.partition}:iam::{snapshot.account}:root"
        offender = Offender("root", arn, "root", "root has no MFA", "iam:GetAccountSummary", snapshot.account, None, "credentials", True)
        looked.look(arn, () if good else [offender])


# -- 3 roles instead of users --------------------------------------------------------------------------------------------------


def _active(row: Credentials) -> list[tuple[int, KeySlot]]:
    return [(number, key) for number, key in enumerate(row.keys, 1) if key.active.is_known and key.active.value]


def _roles(looked: _Looked, snapshot: Snapshot, now: datetime) -> None:
    for row, section in _reports(looked, snapshot):
        if row.is_root:
            continue
        keys = _active(row)
        machine = bool(keys) and row.password_enabled.is_known and not row.password_enabled.value
        words = ""
        if machine:
            told = [_used_words(key, now) for _, key in keys]
            words = f"no console password and {len(keys)} active {'key' if len(keys) == 1 else 'keys'}, {'; '.join(told)}: a program's user"
        looked.look(row.arn, [_of_row(row, words, snapshot, section)] if machine else ())


def _used_words(key: KeySlot, now: datetime) -> str:
    if key.last_used.is_known and key.last_used.value is not None:
        service = key.last_used_service.value if key.last_used_service.is_known else ""
        return f"used {(now - key.last_used.value).days} d ago" + (f" with {service}" if service else "")
    return {State.NEVER: "never used", State.NOT_APPLICABLE: "never used"}.get(key.last_used.state, f"use {key.last_used.state.value}")


# -- 4 root ----------------------------------------------------------------------------------------------------------------------


def _root(looked: _Looked, snapshot: Snapshot, now: datetime) -> None:
    told = False
    for row, section in _reports(looked, snapshot):
        if not row.is_root:
            continue
        told = True
        found = [
            _of_row(
                row,
                f"root has an active access key ({_used_words(key, now)})",
                snapshot,
                section,
                grave=True,
                at=key.last_used.value if key.last_used.is_known else None,
            )
            for _, key in _active(row)
        ]
        used = row.password_last_used
        if used.is_known and used.value is not None and now - used.value < timedelta(days=KEY_DAYS):
            found.append(_of_row(row, f"root signed in {(now - used.value).days} d ago", snapshot, section, grave=True, at=used.value))
        seen = snapshot.last_events.get(row.arn)
        if (
            seen is not None
            and now - seen < timedelta(days=KEY_DAYS)
            and not (used.is_known and used.value is not None and used.value >= seen)
        ):
            words = f"an event of root {(now - seen).days} d ago"
            found.append(Offender(row.name, row.arn, "root", words, "CloudTrail events", snapshot.account, seen, "activity", True, seen))
        looked.look(row.arn, found)
    if not told and snapshot.section(SUMMARY).state is State.KNOWN and "AccountAccessKeysPresent" in snapshot.summary:
        keys = snapshot.summary["AccountAccessKeysPresent"]
        arn = f"arn:{snapshot.partition}:iam::{snapshot.account}:root"
        offender = Offender(
            "root", arn, "root", "root has an access key", "iam:GetAccountSummary", snapshot.account, None, "credentials", True
        )
        looked.look(arn, [offender] if keys else ())
        looked.missing[f"when root of {snapshot.label} signed in last: not loaded ({_REPORT})"] = None


# -- 5 key rotation ----------------------------------------------------------------------------------------------------------------


def _rotation(looked: _Looked, snapshot: Snapshot, now: datetime) -> None:
    for row, section in _reports(looked, snapshot):
        keys = _active(row)
        if not keys:
            continue
        found: list[Offender] = []
        for number, key in keys:
            made = key.last_rotated
            if not made.is_known or made.value is None:
                looked.missing[f"the age of key {number} of {row.name}: {made.state.value}"] = None
                continue
            days = (now - made.value).days
            if days > KEY_DAYS:
                words = f"key {number} is {days} days old, {_used_words(key, now)}"
                found.append(_of_row(row, words, snapshot, section, grave=row.is_root or days > 2 * 365))
        if len(keys) == 2:
            found.append(_of_row(row, "two active keys", snapshot, section))
        looked.look(row.arn, found)


# -- 6 conditions, 9 wildcards ------------------------------------------------------------------------------------------------------


def _documents(looked: _Looked, snapshot: Snapshot) -> Iterator[tuple[str, str, str, str, str]]:
    """(name, ARN of what holds it, subject, where, text) of the account's own policies that reach anybody."""
    if _absent(looked, snapshot, POLICIES, _GAAD, "policies") is not None:
        for policy in snapshot.policies:
            users = [one for one in attached_to(snapshot).get(policy.arn, ()) if not (isinstance(one, Role) and one.service_linked)]
            if policy.aws_managed or not users:
                continue
            version = policy.default_version
            if version is None or not version.document:
                looked.missing[f"the text of {policy.name} was not read (iam:GetPolicyVersion)"] = None
                continue
            yield policy.name, policy.arn, "policy", f"attached to {_few([one.name for one in users])}", version.document
    holders: list[Identity] = [*snapshot.users, *snapshot.groups, *(role for role in snapshot.roles if not role.service_linked)]
    for identity in holders:
        subject = "user" if isinstance(identity, User) else "group" if isinstance(identity, Group) else "role"
        for inline in identity.inline:
            if inline.document:
                yield identity.name, identity.arn, subject, f"inline policy {inline.name}", inline.document


def _few(names: list[str]) -> str:
    return f"{', '.join(names[:3])} and {len(names) - 3} more" if len(names) > 4 else ", ".join(names)


def _conditions(looked: _Looked, snapshot: Snapshot, field: Field) -> None:
    from ..policy.document import parse

    for name, arn, subject, where, text in _documents(looked, snapshot):
        powerful = [
            s for s in parse(text).statements if s.allows and not s.broken and any(r == "*" for r in s.resources) and _power(s.actions)
        ]
        if not powerful:
            continue
        open_ones = [s for s in powerful if not s.conditions]
        tab = "document" if subject == "policy" else "permissions"
        found = [
            Offender(
                name,
                arn,
                subject,
                f"{s.label} allows {_few(_power(s.actions))} on everything under no condition ({where})",
                _GAAD,
                snapshot.account,
                snapshot.as_of,
                tab,
            )
            for s in open_ones
        ]
        looked.look(f"{arn} {where}", found)
    for role in snapshot.roles:
        if role.service_linked or role.identity_center or not role.trust:
            continue
        strangers = [s for s in parse(role.trust).statements if s.allows and not s.broken and _strangers(s.principals, snapshot.account)]
        if strangers:
            found = [
                _of(
                    role,
                    f"{s.label} lets {_few(_strangers(s.principals, snapshot.account))} assume it under no condition",
                    _GAAD,
                    snapshot.as_of,
                    "trust",
                    grave=True,
                )
                for s in strangers
                if not s.conditions
            ]
            looked.look(f"{role.arn} trust", found)


def _power(actions: Sequence[str]) -> list[str]:
    """The actions of a statement that hand out rights: every action, all of IAM, or one a published way to more rights begins with."""
    from ..policy.wildcard import matches

    return [action for action in actions if any(matches(action.lower(), one) for one in _ways())]


@cache
def _ways() -> frozenset[str]:
    return frozenset(path.actions[0].lower() for path in paths() if path.actions)


def _strangers(principals: Mapping[str, Sequence[str]], account: str) -> list[str]:
    """Who of another account, or anybody, a trust policy names."""
    found = []
    for kind, names in principals.items():
        for name in names:
            owner = name.split(":")[4] if name.startswith("arn:") and name.count(":") >= 5 else name
            if name == "*" or (kind == "AWS" and owner.isdigit() and owner != account):
                found.append(name)
    return found


def _wildcards(looked: _Looked, snapshot: Snapshot) -> None:
    from ..policy.document import parse

    for name, arn, subject, where, text in _documents(looked, snapshot):
        found: list[Offender] = []
        for statement in parse(text).statements:
            if not statement.allows or statement.broken or not any(resource == "*" for resource in statement.resources):
                continue
            wide = [action for action in statement.actions if action == "*" or action.endswith(":*")]
            if statement.not_actions:
                wide.append(f"everything but {_few(list(statement.not_actions))}")
            if wide:
                words = f"{statement.label} allows {_few(wide)} on every resource ({where})"
                tab = "document" if subject == "policy" else "permissions"
                grave = any(action in ("*", "*:*", "iam:*") for action in statement.actions) and not statement.conditions
                found.append(Offender(name, arn, subject, words, _GAAD, snapshot.account, snapshot.as_of, tab, grave))
        looked.look(f"{arn} {where}", found)


# -- 7 unused --------------------------------------------------------------------------------------------------------------------------


def _unused(looked: _Looked, snapshot: Snapshot, field: Field, now: datetime) -> None:
    young = now - timedelta(days=UNUSED_DAYS)
    for identity in _everyone(looked, snapshot):
        if identity.created is None or identity.created > young or (isinstance(identity, Role) and identity.identity_center):
            continue
        told = signs(identity, snapshot, ())
        if any(fact.state in (State.NOT_LOADED, State.DENIED, State.FAILED) for _, fact in told):
            looked.missing[f"when {identity.name} was used last: {told[0][1].state.value}"] = None
            continue
        seen = snapshot.last_events.get(identity.arn)
        words = "" if seen is not None and seen > young else idle_words(identity, told, now, UNUSED_DAYS)
        source = told[0][1].source if told else _GAAD
        admin = identity.arn in field.admins
        looked.look(
            identity.arn,
            [_of(identity, words + (", and it is an administrator" if admin else ""), source, snapshot.as_of, "used", grave=admin)]
            if words
            else (),
        )
    for row, section in _reports(looked, snapshot):
        for number, key in _active(row):
            used = key.last_used
            old = key.last_rotated.is_known and key.last_rotated.value is not None and key.last_rotated.value < young
            idle = used.state in (State.NEVER, State.NOT_APPLICABLE) or (used.is_known and used.value is not None and used.value < young)
            looked.look(
                f"{row.arn} key {number}",
                [_of_row(row, f"key {number} is active, {_used_words(key, now)}", snapshot, section)] if old and idle else (),
            )
    if snapshot.section(POLICIES).state is State.KNOWN:
        for policy in snapshot.policies:
            if not policy.aws_managed and (policy.created is None or policy.created < young):
                alone = policy.attachment_count == 0 and not policy.boundary_count
                offender = Offender(
                    policy.name,
                    policy.arn,
                    "policy",
                    "attached to nobody, and nobody's boundary",
                    _GAAD,
                    snapshot.account,
                    snapshot.as_of,
                    "attached",
                )
                looked.look(policy.arn, [offender] if alone else ())
    if snapshot.section(USERS).complete:
        for group in snapshot.groups:
            empty = not members_by_group(snapshot).get(group.name)
            looked.look(group.arn, [_of(group, "has no members", _GAAD, snapshot.as_of, "members")] if empty else ())


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """A key that puts `CIS 4.2` before `CIS 4.10`."""
    parts = re.findall(r"[0-9]{1,9}|[^0-9]+|[0-9]", name.casefold())
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


# -- 8 monitoring, 10 reviews ------------------------------------------------------------------------------------------------------------


def _monitored(looked: _Looked, monitoring: Sequence[Monitoring] | None) -> None:
    if monitoring is None:
        looked.missing["logging and alarms: not loaded (iamtui logging, iamtui alarms)"] = None
        return
    for one in monitoring:
        if one.good is None:
            looked.missing[f"{one.name}: {one.words}"] = None
            continue
        offender = Offender(one.name, "", "account", one.words, one.source, one.account, one.as_of)
        looked.look(f"{one.account} {one.name}", () if one.good else [offender])


def _reviewed(looked: _Looked, reviews: Reviews, now: datetime) -> None:
    if not reviews.known:
        looked.missing["reviews: no ledger was looked at (iamtui review start begins one)"] = None
        return
    latest = reviews.closed[0] if reviews.closed else None
    found: list[Offender] = []
    if latest is None:
        going = f"; {', '.join(reviews.open[:3])} is open" if reviews.open else ""
        found.append(Offender("reviews", "", "account", f"no review was ever closed{going}", "review ledger", "", None))
    elif now - latest[1] > timedelta(days=REVIEW_DAYS):
        words = f"the last review, {latest[0]}, was closed {(now - latest[1]).days} days ago"
        found.append(Offender("reviews", "", "account", words, "review ledger", "", latest[1]))
    looked.look("reviews", found)
