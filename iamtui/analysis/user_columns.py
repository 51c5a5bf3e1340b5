"""Columns of the users list. Everything about passwords, keys and MFA comes from one credential report."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ..model.account import ACCESS_KEYS, CREDENTIALS, SUMMARY, USERS, Snapshot
from ..model.credentials import AccessKey, Credentials, KeySlot
from ..model.fact import Fact, State, absent, known
from ..model.identity import User
from .lists import Column, ColumnKind, from_section, is_root, missing, source_of, time_from_section

REPORT = "iam:GetCredentialReport"
KEYS_API = "iam:ListAccessKeys"

# IAM records sign-ins with a password, and uses of a key, since these days.
_PASSWORDS_SINCE = datetime(2014, 10, 20, tzinfo=UTC)
_KEYS_SINCE = datetime(2015, 4, 22, tzinfo=UTC)

_ABSENT = frozenset({State.NEVER, State.NOT_APPLICABLE, State.NO_INFORMATION})


# -- what the report tells --------------------------------------------------------------------------------------------


def _no_row(snapshot: Snapshot) -> Fact[Any]:
    """Why the report says nothing about a user."""
    section = snapshot.section(CREDENTIALS)
    if section.state is not State.KNOWN:
        return missing(snapshot, CREDENTIALS, REPORT)
    source, as_of = source_of(snapshot, CREDENTIALS, REPORT)
    return absent(State.NO_INFORMATION, source, as_of, "the report has no row of this user; it may be older than the user")


def _reported(pick: Callable[[Credentials], Fact[Any]]) -> Callable[[User, Snapshot], Fact[Any]]:
    """A column that is one field of the report's row."""

    def fact(user: User, snapshot: Snapshot) -> Fact[Any]:
        row = snapshot.credentials.get(user.arn)
        return _no_row(snapshot) if row is None else pick(row)

    return fact


def _no_password(row: Credentials) -> bool:
    return row.password_enabled.is_known and not row.password_enabled.value


def _password_changed(row: Credentials) -> Fact[Any]:
    fact = row.password_last_changed
    if fact.state in _ABSENT and _no_password(row):
        return absent(State.NOT_APPLICABLE, fact.source, fact.as_of, "no password")
    return fact


def _password_used(row: Credentials) -> Fact[Any]:
    fact = row.password_last_used
    if fact.state in _ABSENT and _no_password(row):
        return absent(State.NOT_APPLICABLE, fact.source, fact.as_of, "no password")
    return fact


def _mfa(user: User, snapshot: Snapshot) -> Fact[Any]:
    row = snapshot.credentials.get(user.arn)
    if row is not None:
        return row.mfa
    if is_root(user) and "AccountMFAEnabled" in snapshot.summary:
        source, as_of = source_of(snapshot, SUMMARY, "iam:GetAccountSummary")
        return known(bool(snapshot.summary["AccountMFAEnabled"]), source, as_of)
    return _no_row(snapshot)


# -- keys: two slots of the report, or the keys by id where they were asked for ---------------------------------------


class _Key:
    """A key of either source, in the same words."""

    __slots__ = ("active", "changed", "region", "service", "used")

    def __init__(self, active: bool, changed: Fact[Any], used: Fact[Any], region: str, service: str) -> None:
        self.active = active
        self.changed = changed
        self.used = used
        self.region = region
        self.service = service


def _of_slot(slot: KeySlot) -> _Key | None:
    """The key in a slot of the report; None for an empty slot."""
    active = bool(slot.active.value)
    if not active and not slot.last_rotated.is_known:
        return None
    used = slot.last_used
    if used.state in _ABSENT:
        # N/A of an existing key: not used since IAM began to record it.
        rotated = slot.last_rotated.value
        old = rotated is None or rotated < _KEYS_SINCE
        state = State.NO_INFORMATION if old else State.NEVER
        used = absent(state, used.source, used.as_of, "not used since 2015-04-22, when IAM began to record it" if old else "")
    return _Key(active, slot.last_rotated, used, _word(slot.last_used_region), _word(slot.last_used_service))


def _of_access_key(key: AccessKey) -> _Key:
    created = known(key.created, KEYS_API) if key.created else absent(State.NO_INFORMATION, KEYS_API, detail="not told")
    return _Key(key.active, created, key.last_used, key.last_used_region, key.last_used_service)


def _word(fact: Fact[str]) -> str:
    return fact.value or "" if fact.is_known else ""


def _keys(user: User, snapshot: Snapshot) -> list[_Key] | Fact[Any]:
    """The user's keys, or why they are not known."""
    row = snapshot.credentials.get(user.arn)
    if row is not None:
        return [key for key in map(_of_slot, row.keys) if key is not None]
    listed = snapshot.access_keys.get(user.arn)
    if listed is not None:
        oldest_first = sorted(listed, key=lambda key: (key.created is None, key.created or _KEYS_SINCE, key.key_id))
        return [_of_access_key(key) for key in oldest_first]
    return _no_row(snapshot)


def _key_source(user: User, snapshot: Snapshot) -> tuple[str, datetime | None]:
    if user.arn in snapshot.credentials:
        return source_of(snapshot, CREDENTIALS, REPORT)
    return source_of(snapshot, ACCESS_KEYS, KEYS_API)


def _key_count(user: User, snapshot: Snapshot) -> Fact[Any]:
    keys = _keys(user, snapshot)
    if isinstance(keys, Fact):
        return keys
    active = sum(key.active for key in keys)
    words = [f"{count} {word}" for count, word in ((active, "active"), (len(keys) - active, "inactive")) if count]
    return known(", ".join(words), *_key_source(user, snapshot))


def _of_key(number: int, pick: Callable[[_Key], Fact[Any] | Any]) -> Callable[[User, Snapshot], Fact[Any]]:
    """A column that is one fact of the n-th key."""

    def fact(user: User, snapshot: Snapshot) -> Fact[Any]:
        keys = _keys(user, snapshot)
        if isinstance(keys, Fact):
            return keys
        source, as_of = _key_source(user, snapshot)
        if number >= len(keys):
            return absent(State.NOT_APPLICABLE, source, as_of, "no key")
        value = pick(keys[number])
        return value if isinstance(value, Fact) else known(value, source, as_of)

    return fact


def _key_where(key: _Key) -> Any:
    if key.region or key.service:
        return " ".join(part for part in (key.service, key.region) if part)
    return absent(key.used.state if not key.used.is_known else State.NO_INFORMATION, key.used.source, key.used.as_of)


# -- last seen over all sources ---------------------------------------------------------------------------------------


def last_seen(user: User, snapshot: Snapshot) -> Fact[Any]:
    """The latest of: password sign-in, key use, events read. `detail` names which one, and what could not be looked at.

    NEVER only where the report covers the user's whole life: it forgets keys that were deleted, and knows nothing of
    sign-ins before 2014-10-20.
    """
    best: datetime | None = None
    source, as_of, detail = "", None, ""
    row = snapshot.credentials.get(user.arn)
    found: list[tuple[str, Fact[Any]]] = []
    if row is not None:
        found.append(("password", _password_used(row)))
        for number, slot in enumerate(row.keys, 1):
            key = _of_slot(slot)
            if key is not None:
                found.append((f"key {number}", key.used))
    for listed in snapshot.access_keys.get(user.arn, ()):
        found.append((f"key {listed.key_id}", listed.last_used))
    for name, fact in found:
        if fact.is_known and fact.value is not None and (best is None or fact.value > best):
            best, source, as_of, detail = fact.value, fact.source, fact.as_of, name
    event = snapshot.last_events.get(user.arn)
    if event is not None and (best is None or event > best):
        best, source, as_of, detail = event, "CloudTrail events", None, "event"
    no_row = _no_row(snapshot) if row is None else None
    if best is not None:
        if no_row is not None:
            detail += f"; credential report: {no_row.state.value}"
        return known(best, source, as_of, detail)
    if no_row is not None:
        return no_row
    report, report_date = source_of(snapshot, CREDENTIALS, REPORT)
    if any(fact.state is State.NO_INFORMATION for _name, fact in found) or (user.created or _PASSWORDS_SINCE) < _PASSWORDS_SINCE:
        return absent(State.NO_INFORMATION, report, report_date, "no use of password or keys is recorded")
    return absent(State.NEVER, report, report_date, "no use of its password or present keys")


# -- what GetAccountAuthorizationDetails tells ------------------------------------------------------------------------


def _detailed(pick: Callable[[User], Any]) -> Callable[[User, Snapshot], Fact[Any]]:
    """A column only the account's details tell; a row of the credential report alone does not have it."""

    def fact(user: User, snapshot: Snapshot) -> Fact[Any]:
        if user.unique_id:
            return from_section(snapshot, USERS, pick(user))
        return absent(State.NOT_APPLICABLE, detail="root is no IAM user") if is_root(user) else missing(snapshot, USERS)

    return fact


def _name(user: User, snapshot: Snapshot) -> Fact[Any]:
    return from_section(snapshot, USERS if user.unique_id else CREDENTIALS, user.name)


def _created(user: User, snapshot: Snapshot) -> Fact[Any]:
    return time_from_section(snapshot, USERS if user.unique_id else CREDENTIALS, user.created)


COLUMNS: tuple[Column, ...] = (
    Column("user", "USER", ColumnKind.TEXT, "Name of the user; the account's root user is <root_account>.", _name, 24, 0),
    Column("account", "ACCOUNT", ColumnKind.TEXT, "Account the user is in.", lambda u, s: known(u.account), 12, 2),
    Column("mfa", "MFA", ColumnKind.BOOL, "Whether an MFA device is active, from the credential report.", _mfa, 4, 0),
    Column(
        "console",
        "CONSOLE",
        ColumnKind.BOOL,
        "Whether the user has a password for the console, from the credential report.",
        _reported(lambda row: row.password_enabled),
        7,
        2,
    ),
    Column(
        "password-age",
        "PWD AGE",
        ColumnKind.TIME,
        "When the password was last changed, from the credential report.",
        _reported(_password_changed),
        8,
        3,
    ),
    Column(
        "password-used",
        "PWD USED",
        ColumnKind.TIME,
        "Last sign-in with the password, from the credential report; recorded since 2014-10-20.",
        _reported(_password_used),
        9,
        2,
    ),
    Column(
        "keys",
        "KEYS",
        ColumnKind.TEXT,
        "How many access keys are active and inactive, from the credential report or iam:ListAccessKeys.",
        _key_count,
        12,
        1,
    ),
    Column(
        "key1-age", "KEY1 AGE", ColumnKind.TIME, "When the first access key was made or rotated.", _of_key(0, lambda k: k.changed), 8, 2
    ),
    Column(
        "key1-used",
        "KEY1 USED",
        ColumnKind.TIME,
        "Last use of the first access key; recorded since 2015-04-22.",
        _of_key(0, lambda k: k.used),
        9,
        2,
    ),
    Column(
        "key2-age", "KEY2 AGE", ColumnKind.TIME, "When the second access key was made or rotated.", _of_key(1, lambda k: k.changed), 8, 3
    ),
    Column(
        "key2-used",
        "KEY2 USED",
        ColumnKind.TIME,
        "Last use of the second access key; recorded since 2015-04-22.",
        _of_key(1, lambda k: k.used),
        9,
        3,
    ),
    Column(
        "last-seen",
        "LAST SEEN",
        ColumnKind.TIME,
        "Latest of password sign-in, use of a present key and events read; which one is in the detail.",
        last_seen,
        10,
        0,
    ),
    Column("groups", "GROUPS", ColumnKind.LIST, "Groups the user is a member of.", _detailed(lambda u: u.groups), 18, 1),
    Column(
        "policies",
        "POLICIES",
        ColumnKind.NUMBER,
        "Policies on the user itself: attached and inline, without those of its groups.",
        _detailed(lambda u: len(u.attached) + len(u.inline)),
        8,
        2,
    ),
    Column("created", "CREATED", ColumnKind.TIME, "When the user was created.", _created, 8, 1),
    Column("path", "PATH", ColumnKind.TEXT, "Path of the user.", _detailed(lambda u: u.path), 12, 4),
    Column(
        "boundary",
        "BOUNDARY",
        ColumnKind.TEXT,
        "Name of the permissions boundary.",
        _detailed(lambda u: u.boundary.name or u.boundary.arn if u.boundary else ""),
        16,
        4,
        detail_only=True,
    ),
    Column(
        "key1-active",
        "KEY1 ACTIVE",
        ColumnKind.BOOL,
        "Whether the first access key is active.",
        _of_key(0, lambda k: k.active),
        6,
        4,
        detail_only=True,
    ),
    Column(
        "key1-where",
        "KEY1 WHERE",
        ColumnKind.TEXT,
        "Service and Region of the first key's last use.",
        _of_key(0, _key_where),
        16,
        4,
        detail_only=True,
    ),
    Column(
        "key2-active",
        "KEY2 ACTIVE",
        ColumnKind.BOOL,
        "Whether the second access key is active.",
        _of_key(1, lambda k: k.active),
        6,
        4,
        detail_only=True,
    ),
    Column(
        "key2-where",
        "KEY2 WHERE",
        ColumnKind.TEXT,
        "Service and Region of the second key's last use.",
        _of_key(1, _key_where),
        16,
        4,
        detail_only=True,
    ),
    Column(
        "tags",
        "TAGS",
        ColumnKind.LIST,
        "Tags, as key=value.",
        _detailed(lambda u: tuple(f"{k}={v}" for k, v in u.tags)),
        20,
        4,
        detail_only=True,
    ),
    Column(
        "unique-id",
        "UNIQUE ID",
        ColumnKind.TEXT,
        "Unique id (AIDA…); a user re-created under the same name has another one.",
        _detailed(lambda u: u.unique_id),
        21,
        4,
        detail_only=True,
    ),
    Column("arn", "ARN", ColumnKind.TEXT, "ARN of the user.", lambda u, s: known(u.arn), 40, 4, detail_only=True),
)
