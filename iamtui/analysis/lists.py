"""The lists: which columns each has and the fact behind every cell. One definition for panes, commands, filter and sort."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

import msgspec

from ..model.account import CREDENTIALS, ROLES, USERS, Snapshot
from ..model.credentials import Credentials, KeySlot
from ..model.event import Event
from ..model.fact import Fact, State, absent, known
from ..model.identity import Group, Role, User
from ..model.policy import Policy
from .trust import trusted_by

ROOT_NAME = "<root_account>"
REPORT = "iam:GetCredentialReport"
GAAD = "iam:GetAccountAuthorizationDetails"


class ColumnKind(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    BOOL = "bool"
    TIME = "time"  # datetime; a past moment, shown relative in lists
    LIST = "list"  # tuple of str


class Column(msgspec.Struct, frozen=True, eq=False):
    """One column.

    id:    stable name: JSON field, CSV header, `id:value` in filters, sort key (`last-seen`)
    title: heading on screen, upper case, short
    help:  one sentence: what it says and from where
    width: cells wanted at 160 columns; `priority` 0 stays longest when room gets scarce
    fact:  (item, snapshot it belongs to) -> the cell
    """

    id: str
    title: str
    kind: ColumnKind
    help: str
    fact: Callable[[Any, Snapshot], Fact[Any]]
    width: int = 12
    priority: int = 1
    detail_only: bool = False  # in JSON and CSV, not on screen


_N_A: Fact[Any] = absent(State.NOT_APPLICABLE)


@cache
def columns(kind: str, several_accounts: bool = False) -> tuple[Column, ...]:
    """Columns of `users`, `roles`, `groups`, `policies` or `events`; the account is one of them where there are several."""
    chosen = {"users": _USERS, "roles": _ROLES, "groups": _GROUPS, "policies": _POLICIES, "events": _EVENTS}[kind]
    if several_accounts and kind != "events":
        return (chosen[0], _ACCOUNT, *chosen[1:])
    return (*chosen, msgspec.structs.replace(_ACCOUNT, priority=1 if several_accounts else 6, detail_only=not several_accounts))


def account_rows(snapshot: Snapshot) -> Sequence[User]:
    """The users of an account, root first where the credential report has its row."""
    for credentials in snapshot.credentials.values():
        if credentials.is_root:
            root = User(credentials.arn, ROOT_NAME, "", "/", snapshot.account, credentials.created.value)
            return (root, *snapshot.users)
    return snapshot.users


# -- reading facts ---------------------------------------------------------------------------------------------------------


def _told(value: Any, snapshot: Snapshot, section: str) -> Fact[Any]:
    """A value of a list, with the list's source and age."""
    held = snapshot.section(section)
    return known(value, held.origin.name if held.origin else GAAD, held.as_of)


def _moment(value: datetime | None, snapshot: Snapshot, section: str) -> Fact[Any]:
    return _told(value, snapshot, section) if value else absent(State.NO_INFORMATION, GAAD, detail="the answer has no date here")


def credentials_of(user: User, snapshot: Snapshot) -> Fact[Credentials]:
    """The report's row of a user, or why there is none."""
    row = snapshot.credentials.get(user.arn)
    if row is not None:
        return known(row, REPORT)
    section = snapshot.section(CREDENTIALS)
    if section.state is State.KNOWN:
        return absent(State.NO_INFORMATION, REPORT, section.as_of, "the report has no row of this user; it may be older than the user")
    return absent(section.state, REPORT, section.as_of, section.detail)


def _report(user: User, snapshot: Snapshot, read: Callable[[Credentials], Fact[Any]]) -> Fact[Any]:
    row = credentials_of(user, snapshot)
    return read(row.value) if row.value is not None else row


def _slot(number: int, read: Callable[[KeySlot], Fact[Any]]) -> Callable[[User, Snapshot], Fact[Any]]:
    def fact(user: User, snapshot: Snapshot) -> Fact[Any]:
        return _report(user, snapshot, lambda row: read(row.keys[number]) if number < len(row.keys) else _N_A)

    return fact


def _key_state(slot: KeySlot) -> Fact[Any]:
    if slot.active.value is True:
        return msgspec.structs.replace(slot.active, value="active")  # type: ignore[arg-type]
    if slot.last_rotated.is_known:
        return msgspec.structs.replace(slot.active, value="inactive") if slot.active.is_known else slot.active  # type: ignore[arg-type]
    return slot.last_rotated


def _key_count(row: Credentials) -> Fact[Any]:
    active = [slot.active for slot in row.keys]
    unread = next((fact for fact in active if fact.state in (State.FAILED, State.NOT_LOADED)), None)
    return unread or known(sum(1 for fact in active if fact.value is True), REPORT, active[0].as_of if active else None)


def seen_facts(user: User, snapshot: Snapshot) -> list[tuple[str, Fact[datetime]]]:
    """When a user was last seen, by source: password, each key, CloudTrail events read so far."""
    found: list[tuple[str, Fact[datetime]]] = []
    row = credentials_of(user, snapshot)
    if row.value is not None:
        found.append(("password", row.value.password_last_used))
        found.extend((f"key {n}", slot.last_used) for n, slot in enumerate(row.value.keys, 1))
    else:
        found.append(("credential report", row))  # type: ignore[arg-type]
    for key in snapshot.access_keys.get(user.arn, ()):
        found.append((key.key_id, key.last_used))
    event = snapshot.last_events.get(user.arn)
    if event is not None:
        found.append(("events", known(event, "CloudTrail")))
    return found


def _last_seen(user: User, snapshot: Snapshot) -> Fact[Any]:
    facts = [fact for _, fact in seen_facts(user, snapshot)]
    latest = max((fact for fact in facts if fact.value is not None and fact.is_known), key=lambda fact: fact.value, default=None)  # type: ignore[arg-type,return-value]
    if latest is not None:
        return latest
    for state in (State.DENIED, State.FAILED, State.NOT_LOADED):
        blocked = next((fact for fact in facts if fact.state is state), None)
        if blocked is not None:
            return blocked
    return next((fact for fact in facts if fact.state in (State.NEVER, State.NO_INFORMATION)), absent(State.NEVER, REPORT))


def _role_used(role: Role, snapshot: Snapshot) -> Fact[Any]:
    event = snapshot.last_events.get(role.arn)
    if role.last_used is not None and (event is None or event <= role.last_used):
        held = snapshot.section(ROLES)
        return known(role.last_used, "RoleLastUsed", held.as_of, role.last_used_region)
    if event is not None:
        return known(event, "CloudTrail")
    if role.last_used_told:
        return absent(State.NOT_IN_TRACKING_PERIOD, "RoleLastUsed", detail="400 days")
    return absent(State.NOT_LOADED, "RoleLastUsed", detail="the answer does not carry RoleLastUsed")


def _boundary(item: User | Role, snapshot: Snapshot, section: str) -> Fact[Any]:
    return _told(item.boundary.name, snapshot, section) if item.boundary else absent(State.NOT_APPLICABLE, GAAD, detail="no boundary")


def _grants_count(item: User | Role | Group) -> int:
    return len(item.inline) + len(item.attached)


def _policy_text(policy: Policy, count: int | None, what: str) -> Fact[Any]:
    return known(count, GAAD) if count is not None else absent(State.NOT_LOADED, GAAD, detail=f"{what} was not in what was read")


def _members(group: Group, snapshot: Snapshot) -> Fact[Any]:
    section = snapshot.section(USERS)
    if section.state is not State.KNOWN:
        return absent(section.state, GAAD, section.as_of, section.detail)
    return known(_membership(snapshot).get(group.name, 0), GAAD, section.as_of)


_memberships: dict[int, tuple[object, dict[str, int]]] = {}


def _membership(snapshot: Snapshot) -> dict[str, int]:
    """Members by group name; counted once a list of users."""
    held = _memberships.get(0)
    if held is None or held[0] is not snapshot.users:
        counts: dict[str, int] = {}
        for user in snapshot.users:
            for name in user.groups:
                counts[name] = counts.get(name, 0) + 1
        held = (snapshot.users, counts)
        _memberships[0] = held
    return held[1]


def _max_session(role: Role, snapshot: Snapshot) -> Fact[Any]:
    if role.max_session is None:
        return absent(State.NOT_LOADED, "iam:GetRole", detail="only GetRole tells it")
    return known(role.max_session // 60, "iam:GetRole", detail="minutes")


def _text(value: str, source: str = "CloudTrail") -> Fact[Any]:
    return known(value, source) if value else absent(State.NOT_APPLICABLE, source)


def actor_words(event: Event) -> str:
    """`k.meyer` of a user, `deploy (session)` of a role."""
    actor = event.actor
    if actor.session_name and actor.session_name != actor.name:
        return f"{actor.name} ({actor.session_name})"
    return actor.name or actor.kind.value


def _name_column(title: str, identifier: str) -> Column:
    return Column(identifier, title, ColumnKind.TEXT, "Name.", lambda i, s: known(i.name, GAAD), 26, 0)


def _created(section: str, priority: int = 3) -> Column:
    return Column("created", "CREATED", ColumnKind.TIME, "When it was made.", lambda i, s: _moment(i.created, s, section), 8, priority)


_ACCOUNT = Column("account", "ACCOUNT", ColumnKind.TEXT, "Account it belongs to.", lambda i, s: known(i.account or s.account), 12, 1)

_T, _N, _B, _D, _L = ColumnKind.TEXT, ColumnKind.NUMBER, ColumnKind.BOOL, ColumnKind.TIME, ColumnKind.LIST

_USERS = (
    _name_column("USER", "user"),
    Column("mfa", "MFA", _B, "Whether an MFA device is assigned (credential report).", lambda u, s: _report(u, s, lambda r: r.mfa), 6, 1),
    Column(
        "keys",
        "KEYS",
        _N,
        "Active access keys (credential report).",
        lambda u, s: _report(u, s, _key_count),
        6,
        1,
    ),
    Column(
        "last-seen",
        "LAST SEEN",
        _D,
        "Latest use over all sources: password, both keys, events read so far.",
        _last_seen,
        10,
        0,
    ),
    Column("console", "CONSOLE", _B, "Whether there is a password.", lambda u, s: _report(u, s, lambda r: r.password_enabled), 8, 2),
    Column(
        "password-age",
        "PW AGE",
        _D,
        "When the password was last changed.",
        lambda u, s: _report(u, s, lambda r: r.password_last_changed),
        8,
        2,
    ),
    Column("password-used", "PW USED", _D, "Last sign-in with the password.", lambda u, s: _report(u, s, lambda r: r.password_last_used), 8, 3),
    Column("key1", "KEY 1", _T, "First access key: active or inactive.", _slot(0, _key_state), 8, 4, True),
    Column("key1-age", "K1 AGE", _D, "When the first key was made or rotated.", _slot(0, lambda k: k.last_rotated), 8, 2),
    Column("key1-used", "K1 USED", _D, "Last use of the first key.", _slot(0, lambda k: k.last_used), 8, 3),
    Column("key1-service", "K1 SERVICE", _T, "Service the first key was last used for.", _slot(0, lambda k: k.last_used_service), 10, 5, True),
    Column("key2", "KEY 2", _T, "Second access key: active or inactive.", _slot(1, _key_state), 8, 4, True),
    Column("key2-age", "K2 AGE", _D, "When the second key was made or rotated.", _slot(1, lambda k: k.last_rotated), 8, 4),
    Column("key2-used", "K2 USED", _D, "Last use of the second key.", _slot(1, lambda k: k.last_used), 8, 4),
    Column("key2-service", "K2 SERVICE", _T, "Service the second key was last used for.", _slot(1, lambda k: k.last_used_service), 10, 5, True),
    Column("groups", "GROUPS", _L, "Groups it is in.", lambda u, s: _root_or(u, lambda: _told(u.groups, s, USERS)), 20, 3),
    Column("policies", "POLICIES", _N, "Policies attached or inline, groups' not counted.", lambda u, s: _root_or(u, lambda: _told(_grants_count(u), s, USERS)), 8, 5),
    Column("boundary", "BOUNDARY", _T, "Permissions boundary.", lambda u, s: _root_or(u, lambda: _boundary(u, s, USERS)), 16, 5, True),
    _created(USERS, 3),
    Column("path", "PATH", _T, "IAM path.", lambda u, s: known(u.path, GAAD), 10, 6, True),
)


def _root_or(user: User, read: Callable[[], Fact[Any]]) -> Fact[Any]:
    return _N_A if user.name == ROOT_NAME else read()


_ROLES = (
    _name_column("ROLE", "role"),
    Column("trusted-by", "TRUSTED BY", _L, "Who may assume it, by its trust policy.", lambda r, s: trusted_by(r, s), 24, 1),
    Column("last-used", "LAST USED", _D, "RoleLastUsed, or a later event; 400 days are tracked.", _role_used, 10, 0),
    Column("region", "REGION", _T, "Region of the last use.", lambda r, s: _text(r.last_used_region, "RoleLastUsed"), 14, 3),
    Column("boundary", "BOUNDARY", _T, "Permissions boundary.", lambda r, s: _boundary(r, s, ROLES), 18, 3),
    Column("policies", "POLICIES", _N, "Policies attached or inline.", lambda r, s: _told(_grants_count(r), s, ROLES), 8, 3),
    _created(ROLES, 2),
    Column("max-session", "MAX MIN", _N, "Longest session in minutes (GetRole).", _max_session, 8, 5),
    Column("path", "PATH", _T, "IAM path; tells service-linked and Identity Center roles.", lambda r, s: known(r.path, GAAD), 18, 5, True),
)

_GROUPS = (
    _name_column("GROUP", "group"),
    Column("members", "MEMBERS", _N, "Users in it.", _members, 8, 0),
    Column("policies", "POLICIES", _N, "Policies attached or inline.", lambda g, s: known(_grants_count(g), GAAD), 9, 1),
    Column("names", "NAMES", _L, "Names of its policies.", lambda g, s: known((*(p.name for p in g.attached), *(p.name for p in g.inline)), GAAD), 40, 2),
    _created("groups", 2),
    Column("path", "PATH", _T, "IAM path.", lambda g, s: known(g.path, GAAD), 10, 6, True),
)

_POLICIES = (
    _name_column("POLICY", "policy"),
    Column("kind", "KIND", _T, "Own (customer managed) or AWS managed.", lambda p, s: known("AWS" if p.aws_managed else "own", GAAD), 6, 1),
    Column("attached", "ATTACHED", _N, "Identities it is attached to (AttachmentCount).", lambda p, s: _policy_text(p, p.attachment_count, "the count"), 9, 0),
    Column("versions", "VERSIONS", _N, "Stored versions (at most five).", lambda p, s: _policy_text(p, len(p.versions) or None, "a version"), 9, 2),
    Column("edited", "EDITED", _D, "When a version was last made.", lambda p, s: _moment(p.updated, s, "policies"), 8, 1),
    Column("default", "DEFAULT", _T, "Version in force.", lambda p, s: _text(p.default_version_id, GAAD), 8, 4),
    Column("as-boundary", "BOUNDARY", _N, "Identities that have it as boundary.", lambda p, s: _policy_text(p, p.boundary_count, "the count"), 9, 3),
    _created("policies", 3),
    Column("description", "DESCRIPTION", _T, "Description.", lambda p, s: _text(p.description, GAAD), 30, 5, True),
    Column("path", "PATH", _T, "IAM path.", lambda p, s: known(p.path, GAAD), 10, 6, True),
)


def _event_time(event: Event, snapshot: Snapshot) -> Fact[Any]:
    if event.time is None:
        return absent(State.NO_INFORMATION, "CloudTrail", detail="the record has no eventTime")
    return known(event.time, "CloudTrail", detail=f"from {event.time_from}" if event.time_from else "")


_EVENTS = (
    Column("time", "TIME", _D, "eventTime, UTC.", _event_time, 9, 0),
    Column("actor", "ACTOR", _T, "Identity behind the call; the role's session in brackets.", lambda e, s: _text(actor_words(e)), 28, 0),
    Column("event", "EVENT", _T, "API operation (eventName).", lambda e, s: _text(e.name), 24, 0),
    Column("service", "SERVICE", _T, "Service called (eventSource).", lambda e, s: _text(e.service), 10, 3),
    Column("target", "TARGET", _T, "What was acted on.", lambda e, s: _text(e.targets[0] if e.targets else ""), 26, 2),
    Column("outcome", "OUTCOME", _T, "success, denied, failed or unknown.", lambda e, s: known(e.outcome.value, "CloudTrail"), 8, 1),
    Column("origin", "ORIGIN", _T, "Address it came from (sourceIPAddress).", lambda e, s: _text(e.ip), 16, 3),
    Column("region", "REGION", _T, "Region it was recorded in.", lambda e, s: _text(e.region), 14, 4),
    Column("error", "ERROR", _T, "errorCode.", lambda e, s: _text(e.error_code), 16, 5, True),
    Column("access", "ACCESS", _T, "read or write (readOnly).", lambda e, s: _access(e), 7, 5, True),
    Column("actor-kind", "ACTOR KIND", _T, "Kind of identity.", lambda e, s: known(e.actor.kind.value, "CloudTrail"), 12, 6, True),
    Column("actor-arn", "ACTOR ARN", _T, "ARN of the identity.", lambda e, s: _text(e.actor.arn), 30, 6, True),
    Column("session", "SESSION", _T, "Role session name.", lambda e, s: _text(e.actor.session_name), 20, 6, True),
    Column("key", "KEY", _T, "Access key that signed.", lambda e, s: _text(e.actor.access_key_id), 20, 6, True),
    Column("targets", "TARGETS", _L, "All that was acted on.", lambda e, s: known(e.targets, "CloudTrail"), 30, 6, True),
    Column("message", "MESSAGE", _T, "errorMessage.", lambda e, s: _text(e.error_message), 30, 6, True),
    Column("user-agent", "USER AGENT", _T, "userAgent.", lambda e, s: _text(e.user_agent), 30, 6, True),
    Column("id", "ID", _T, "eventID.", lambda e, s: _text(e.event_id), 36, 6, True),
)


def _access(event: Event) -> Fact[Any]:
    if event.read_only is None:
        return absent(State.NO_INFORMATION, "CloudTrail", detail="the record has no readOnly")
    return known("read" if event.read_only else "write", "CloudTrail")
