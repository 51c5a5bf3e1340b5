"""Columns of the users list. Everything about passwords, keys and MFA comes from one credential report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from ..model.account import ACCESS_KEYS, CREDENTIALS, SUMMARY, USERS, Snapshot
from ..model.credentials import AccessKey, Credentials, KeySlot
from ..model.fact import Fact, State, absent, known
from ..model.identity import User
from .lists import Column, ColumnKind, from_section, is_root, missing, source_of, time_from_section
from .usage_columns import UNUSED_COLUMN, later

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


# -- keys: the two slots of the report, or the keys by id where they were asked for -----------------------------------


def _empty(slot: KeySlot) -> bool:
    """No key in this slot. A cell that could not be read is no empty slot."""
    active = slot.active
    if active.value is True:
        return False
    return (active.is_known or active.state in _ABSENT) and slot.last_rotated.state in _ABSENT


def _slot_used(slot: KeySlot) -> Fact[Any]:
    """Last use of an existing key. Its N/A means: not used since IAM began to record it."""
    used = slot.last_used
    if used.value is not None or used.state not in _ABSENT:
        return used
    rotated = slot.last_rotated.value
    if rotated is None or rotated < _KEYS_SINCE:
        return absent(State.NO_INFORMATION, used.source, used.as_of, "not used since 2015-04-22, when IAM began to record it")
    return used if used.state is State.NEVER else absent(State.NEVER, used.source, used.as_of)


def _listed(user: User, snapshot: Snapshot, number: int) -> AccessKey | None:
    """The n-th key of iam:ListAccessKeys, oldest first."""
    keys = sorted(snapshot.access_keys.get(user.arn, ()), key=lambda key: (key.created is None, key.created or _KEYS_SINCE, key.key_id))
    return keys[number] if number < len(keys) else None


def _of_key(
    number: int, of_slot: Callable[[KeySlot], Fact[Any]], of_listed: Callable[[AccessKey], Fact[Any]]
) -> Callable[[User, Snapshot], Fact[Any]]:
    """A column that is one fact of the n-th key."""

    def fact(user: User, snapshot: Snapshot) -> Fact[Any]:
        row = snapshot.credentials.get(user.arn)
        if row is not None:
            if number >= len(row.keys) or _empty(row.keys[number]):
                return absent(State.NOT_APPLICABLE, *source_of(snapshot, CREDENTIALS, REPORT), "no key")
            return of_slot(row.keys[number])
        if user.arn in snapshot.access_keys:
            key = _listed(user, snapshot, number)
            if key is not None:
                return of_listed(key)
            return absent(State.NOT_APPLICABLE, *source_of(snapshot, ACCESS_KEYS, KEYS_API), "no key")
        return _no_row(snapshot)

    return fact


_COUNT_WORDS = {
    (active, inactive): ", ".join(f"{count} {word}" for count, word in ((active, "active"), (inactive, "inactive")) if count)
    for active in range(3)
    for inactive in range(3)
}


def _key_count(user: User, snapshot: Snapshot) -> Fact[Any]:
    row = snapshot.credentials.get(user.arn)
    active = inactive = 0
    if row is not None:
        for slot in row.keys:
            if slot.active.value is True:
                active += 1
            elif not _empty(slot):
                if not slot.active.is_known and slot.active.state not in _ABSENT:
                    return slot.active
                inactive += 1
        source, as_of = source_of(snapshot, CREDENTIALS, REPORT)
    elif user.arn in snapshot.access_keys:
        listed = snapshot.access_keys[user.arn]
        active = sum(key.active for key in listed)
        inactive = len(listed) - active
        source, as_of = source_of(snapshot, ACCESS_KEYS, KEYS_API)
    else:
        return _no_row(snapshot)
    words = _COUNT_WORDS.get((active, inactive))
    return known(words if words is not None else f"{active} active, {inactive} inactive", source, as_of)


def _slot_active(slot: KeySlot) -> Fact[Any]:
    return known(False, slot.active.source, slot.active.as_of) if slot.active.state in _ABSENT else slot.active


def _slot_where(slot: KeySlot) -> Fact[Any]:
    used = _slot_used(slot)
    return _where(_word(slot.last_used_service), _word(slot.last_used_region), used)


def _where(service: str, region: str, used: Fact[Any]) -> Fact[Any]:
    if service or region:
        return known(" ".join(part for part in (service, region) if part), used.source, used.as_of)
    return absent(State.NO_INFORMATION if used.is_known else used.state, used.source, used.as_of, used.detail)


def _word(fact: Fact[str]) -> str:
    return fact.value or "" if fact.is_known else ""


def _listed_created(key: AccessKey) -> Fact[Any]:
    return known(key.created, KEYS_API) if key.created else absent(State.NO_INFORMATION, KEYS_API, detail="not told")


_AGE: tuple[Any, Any] = (lambda slot: slot.last_rotated, _listed_created)
_USED: tuple[Any, Any] = (_slot_used, lambda key: key.last_used)
_ACTIVE: tuple[Any, Any] = (_slot_active, lambda key: known(key.active, KEYS_API))
_WHERE: tuple[Any, Any] = (_slot_where, lambda key: _where(key.last_used_service, key.last_used_region, key.last_used))


# -- last seen over all sources ---------------------------------------------------------------------------------------


def last_seen(user: User, snapshot: Snapshot) -> Fact[Any]:
    """The latest of: password sign-in, key use, last-accessed details, events read. `detail` names which one, and what could not
    be looked at.

    NEVER only where the report covers the user's whole life: it forgets keys that were deleted, and knows nothing of
    sign-ins before 2014-10-20.
    """
    row = snapshot.credentials.get(user.arn)
    best: Fact[Any] | None = None
    name = ""
    found: list[Fact[Any]] = []
    for where, fact in _uses(row, snapshot.access_keys.get(user.arn, ())):
        if fact.value is None:
            found.append(fact)
        elif best is None or fact.value > best.value:
            best, name = fact, where
    told = later(best or absent(State.NOT_LOADED), user, snapshot)
    if told is not best and told.is_known:
        best, name = told, told.detail
    event = snapshot.last_events.get(user.arn)
    if event is not None and (best is None or best.value is None or event > best.value):
        best, name = Fact(State.KNOWN, event, "CloudTrail events"), "event"
    if best is not None:
        if row is None:
            name += f"; credential report: {_no_row(snapshot).state.value}"
        return Fact(State.KNOWN, best.value, best.source, best.as_of, name)
    if row is None:
        return _no_row(snapshot)
    unread = next((fact for fact in found if fact.state in (State.FAILED, State.NOT_LOADED, State.DENIED)), None)
    if unread is not None:
        return unread
    report, report_date = source_of(snapshot, CREDENTIALS, REPORT)
    if any(fact.state is State.NO_INFORMATION for fact in found) or (user.created or _PASSWORDS_SINCE) < _PASSWORDS_SINCE:
        return absent(State.NO_INFORMATION, report, report_date, "no use of password or keys is recorded")
    return absent(State.NEVER, report, report_date, "no use of its password or present keys")


_KEY_NAMES = ("key 1", "key 2")


def _uses(row: Credentials | None, listed: tuple[AccessKey, ...]) -> Iterator[tuple[str, Fact[Any]]]:
    if row is not None:
        yield "password", _password_used(row)
        for name, slot in zip(_KEY_NAMES, row.keys, strict=False):
            if not _empty(slot):
                yield name, _slot_used(slot)
    for key in listed:
        yield f"key {key.key_id}", key.last_used


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
    Column("mfa", "MFA", ColumnKind.BOOL, "Whether an MFA device is active, from the credential report.", _mfa, 6, 0),
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
    Column("key1-age", "KEY1 AGE", ColumnKind.TIME, "When the first access key was made or rotated.", _of_key(0, *_AGE), 8, 2),
    Column(
        "key1-used",
        "KEY1 USED",
        ColumnKind.TIME,
        "Last use of the first access key; recorded since 2015-04-22.",
        _of_key(0, *_USED),
        9,
        2,
    ),
    Column("key2-age", "KEY2 AGE", ColumnKind.TIME, "When the second access key was made or rotated.", _of_key(1, *_AGE), 8, 3),
    Column(
        "key2-used",
        "KEY2 USED",
        ColumnKind.TIME,
        "Last use of the second access key; recorded since 2015-04-22.",
        _of_key(1, *_USED),
        9,
        3,
    ),
    Column(
        "last-seen",
        "LAST SEEN",
        ColumnKind.TIME,
        "Latest of password sign-in, use of a present key, last-accessed details and events read; which one is in the detail.",
        last_seen,
        10,
        0,
    ),
    UNUSED_COLUMN,
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
        _of_key(0, *_ACTIVE),
        6,
        4,
        detail_only=True,
    ),
    Column(
        "key1-where",
        "KEY1 WHERE",
        ColumnKind.TEXT,
        "Service and Region of the first key's last use.",
        _of_key(0, *_WHERE),
        16,
        4,
        detail_only=True,
    ),
    Column(
        "key2-active",
        "KEY2 ACTIVE",
        ColumnKind.BOOL,
        "Whether the second access key is active.",
        _of_key(1, *_ACTIVE),
        6,
        4,
        detail_only=True,
    ),
    Column(
        "key2-where",
        "KEY2 WHERE",
        ColumnKind.TEXT,
        "Service and Region of the second key's last use.",
        _of_key(1, *_WHERE),
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
