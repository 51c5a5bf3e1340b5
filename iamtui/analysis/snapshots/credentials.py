"""Passwords, MFA and access keys of users and of root, and the account's password policy: what other answers than the lists tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from ...model.account import ALIASES, CREDENTIALS, PASSWORD_POLICY, USERS
from ...model.credentials import Credentials
from ...model.fact import Fact, State
from ...model.finding import Severity
from ...model.identity import User
from ..words import iso
from .difference import Difference, Side, Turn, What
from .pairing import Pair
from .sides import Sides

_TELLS = frozenset({State.KNOWN, State.NEVER, State.NOT_APPLICABLE})
_ROOT = "<root_account>"


class _Key(NamedTuple):
    name: str  # what it is called here: its id, or the day it was made
    active: bool
    made: datetime | None


def credentials(sides: Sides, wanted: Callable[[Any], bool]) -> Iterator[Difference]:
    """Users that are there at both points, and root. What a new user has is told with its coming."""
    if not sides.tells(CREDENTIALS, "credential report", needed=False):
        yield from _by_id_alone(sides, wanted)
        return
    before, after = sides.old.credentials, sides.new.credentials
    missing = {Side.OLD: 0, Side.NEW: 0}
    for pair in [*sides.users, *_root(sides)]:
        if pair.old is None or pair.new is None or not wanted(pair):
            continue
        old, new = before.get(pair.old.arn), after.get(pair.new.arn)
        if old is None or new is None:
            if (old is None) is not (new is None):
                missing[Side.OLD if old is None else Side.NEW] += 1
            continue
        yield from _password(sides, pair, old, new)
        yield from _mfa(sides, pair, old, new)
        yield from _keys(sides, pair, _keys_of(sides.old, pair.old, old), _keys_of(sides.new, pair.new, new))
    for side, count in missing.items():
        if count:
            users = "1 user" if count == 1 else f"{count:,} users"
            sides.note(
                side, f"credential report: the {side.value} one has no row of {users} that it should have; it may be older than they are"
            )
    yield from _by_report(sides)


def _root(sides: Sides) -> list[Pair[User]]:
    found = []
    for snapshot in (sides.old, sides.new):
        row = next((row for row in snapshot.credentials.values() if row.is_root), None)
        found.append(User(row.arn, _ROOT, "", "/", snapshot.account, None) if row is not None else None)
    return [Pair(found[0], found[1])] if all(found) else []


def _of(sides: Sides, pair: Pair[User], what: What, turn: Turn, severity: Severity, words: str, **more: Any) -> Difference:
    """A difference of a user or of root, dated by the reports."""
    since, until = sides.between(CREDENTIALS)
    told = {"since": since, "until": until, **more}
    if pair.one.name == _ROOT:
        arn = pair.one.arn
        grave = severity is Severity.HIGH or (what in (What.KEY, What.CONSOLE) and told.get("grows"))
        severity = Severity.CRITICAL if grave else severity
        return Difference(what, turn, "root", "root user", arn, sides.account, severity, words, **told)
    return sides.of(pair, what, turn, severity, words, **told)


def _values(old: Fact[Any], new: Fact[Any]) -> tuple[Any, Any] | None:
    """Both values where both are told; None where nothing can be said."""
    return (old.value, new.value) if old.state in _TELLS and new.state in _TELLS else None


def _password(sides: Sides, pair: Pair[User], old: Credentials, new: Credentials) -> Iterator[Difference]:
    enabled = _values(old.password_enabled, new.password_enabled)
    changed = _values(old.password_last_changed, new.password_last_changed)
    if enabled is not None and bool(enabled[0]) is not bool(enabled[1]):
        on = bool(enabled[1])
        bare = on and new.mfa.is_known and not new.mfa.value
        words = f"console password {'made' if on else 'removed'}{', without MFA' if bare else ''}"
        at = sides.dated(changed[1]) if changed is not None and on else None
        turn = Turn.ADDED if on else Turn.REMOVED
        severity = Severity.MEDIUM if on else Severity.LOW
        yield _of(sides, pair, What.CONSOLE, turn, severity, words, grows=on, before=_yes(not on), after=_yes(on), at=at)
    elif changed is not None and changed[0] != changed[1] and all(isinstance(one, datetime) for one in changed):
        yield _of(
            sides, pair, What.PASSWORD, Turn.CHANGED, Severity.LOW, "console password changed",
            before=iso(changed[0]), after=iso(changed[1]), at=sides.dated(changed[1]),
        )  # fmt: skip


def _mfa(sides: Sides, pair: Pair[User], old: Credentials, new: Credentials) -> Iterator[Difference]:
    found = _values(old.mfa, new.mfa)
    if found is None or bool(found[0]) is bool(found[1]):
        return
    on = bool(found[1])
    turn, severity = (Turn.ADDED, Severity.LOW) if on else (Turn.REMOVED, Severity.HIGH)
    yield _of(sides, pair, What.MFA, turn, severity, f"MFA {'switched on' if on else 'taken off'}", before=_yes(not on), after=_yes(on))


def _yes(value: bool) -> str:
    return "yes" if value else "no"


# -- keys ------------------------------------------------------------------------------------------------------------


def _keys_of(snapshot: Any, user: User, row: Credentials | None) -> tuple[dict[object, _Key], bool] | None:
    """(keys by what tells one from another, whether those are ids); None when nobody tells. The report knows a key by the day it was
    made: which of the two slots it is in may change."""
    by_id = snapshot.access_keys.get(user.arn)
    if by_id is not None:
        return {key.key_id: _Key(key.key_id, key.active, key.created) for key in by_id}, True
    if row is None or any(slot.active.state not in _TELLS or slot.last_rotated.state not in _TELLS for slot in row.keys):
        return None
    found: dict[object, _Key] = {}
    for slot in row.keys:
        if slot.last_rotated.is_known and slot.last_rotated.value is not None:
            made = slot.last_rotated.value
            found[made] = _Key(f"of {made:%Y-%m-%d}", bool(slot.active.value), made)
        elif slot.active.is_known and slot.active.value:
            found["no date"] = _Key("without a date", True, None)
    return found, False


def _keys(
    sides: Sides, pair: Pair[User], old: tuple[dict[object, _Key], bool] | None, new: tuple[dict[object, _Key], bool] | None
) -> Iterator[Difference]:
    if old is None or new is None:
        return
    before, after = (old[0], new[0]) if old[1] is new[1] else (_by_day(old[0]), _by_day(new[0]))
    gone, came = [key for key in before if key not in after], [key for key in after if key not in before]
    rotated = len(gone) == len(came) == 1
    for name in gone:
        key = before[name]
        words = f"access key {key.name} deleted{', and another made' if rotated else ''}"
        yield _of(sides, pair, What.KEY, Turn.REMOVED, Severity.LOW, words, about=key.name, before=_active(key))
    for name in came:
        key = after[name]
        words = f"access key {key.name} made{', and another deleted: rotated' if rotated else ''}"
        severity = Severity.LOW if rotated else Severity.MEDIUM
        grows = key.active and not rotated
        yield _of(
            sides, pair, What.KEY, Turn.ADDED, severity, words, grows=grows, about=key.name, after=_active(key), at=sides.dated(key.made)
        )
    for name in before.keys() & after.keys():
        first, second = before[name], after[name]
        if first.active is not second.active:
            words = f"access key {second.name} {'switched on again' if second.active else 'disabled'}"
            severity = Severity.MEDIUM if second.active else Severity.LOW
            yield _of(
                sides, pair, What.KEY, Turn.CHANGED, severity, words,
                grows=second.active, about=second.name, before=_active(first), after=_active(second),
            )  # fmt: skip


def _by_day(keys: dict[object, _Key]) -> dict[object, _Key]:
    """Keys whose ids only one side tells, by when they were made."""
    return {key.made or "no date": key._replace(name=f"of {key.made:%Y-%m-%d}" if key.made else "without a date") for key in keys.values()}


def _active(key: _Key) -> str:
    return "active" if key.active else "inactive"


def _by_id_alone(sides: Sides, wanted: Callable[[Any], bool]) -> Iterator[Difference]:
    """Without reports, users whose keys were asked for at both points."""
    for pair in sides.users:
        if pair.old is None or pair.new is None or not wanted(pair):
            continue
        old, new = _keys_of(sides.old, pair.old, None), _keys_of(sides.new, pair.new, None)
        yield from _keys(sides, pair, old, new)


def _by_report(sides: Sides) -> Iterator[Difference]:
    """Where the list of users is missing at a point, the reports tell who came and went."""
    if all(side.section(USERS).state is State.KNOWN for side in (sides.old, sides.new)):
        return
    if not all(side.section(CREDENTIALS).complete for side in (sides.old, sides.new)):
        return
    before, after = sides.old.credentials, sides.new.credentials
    since, until = sides.between(CREDENTIALS)
    for arn in sorted(before.keys() ^ after.keys()):
        came = arn in after
        row = after[arn] if came else before[arn]
        if row.is_root:
            continue
        words = f"user {'created' if came else 'deleted'}, as the credential report tells"
        made = row.created.value if row.created.is_known else None
        yield Difference(
            What.IDENTITY, Turn.ADDED if came else Turn.REMOVED, "user", row.name, arn, sides.account,
            Severity.MEDIUM if came else Severity.LOW, words, grows=came, before="" if came else arn, after=arn if came else "",
            since=since, until=until, at=sides.dated(made) if came else None,
        )  # fmt: skip


# -- the account -----------------------------------------------------------------------------------------------------

# Setting -> whether a larger number (or yes) is the stricter one. Source: IAM API reference, PasswordPolicy.
_STRICTER = {
    "MinimumPasswordLength": True,
    "RequireSymbols": True,
    "RequireNumbers": True,
    "RequireUppercaseCharacters": True,
    "RequireLowercaseCharacters": True,
    "ExpirePasswords": True,
    "PasswordReusePrevention": True,
    "MaxPasswordAge": False,
}


def account(sides: Sides) -> Iterator[Difference]:
    """The password policy and the alias."""
    if sides.tells(PASSWORD_POLICY, needed=False):
        yield from _password_policy(sides)
    if sides.tells(ALIASES, "account alias", needed=False) and sides.old.aliases != sides.new.aliases:
        before, after = ", ".join(sides.old.aliases), ", ".join(sides.new.aliases)
        turn = Turn.ADDED if not before else Turn.REMOVED if not after else Turn.CHANGED
        words = f"account alias: {before or 'none'} is now {after or 'none'}"
        yield sides.of_account(What.ALIAS, turn, Severity.LOW, words, ALIASES, before=before, after=after)


def _password_policy(sides: Sides) -> Iterator[Difference]:
    old, new = dict(sides.old.password_policy), dict(sides.new.password_policy)
    had, has = (side.section(PASSWORD_POLICY).state is State.KNOWN for side in (sides.old, sides.new))
    changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    if had is has and not changed:
        return
    turn = Turn.CHANGED if had and has else Turn.ADDED if has else Turn.REMOVED
    weaker = turn is Turn.REMOVED or any(_weaker(key, old.get(key), new.get(key)) for key in changed)
    if turn is Turn.CHANGED:
        words = ", ".join(f"{key} {_setting(old.get(key))} is now {_setting(new.get(key))}" for key in changed)
        words = f"password policy {'weaker: ' if weaker else ''}{words}"
    else:
        words = f"password policy {'made' if has else 'deleted'}"
    before, after = (", ".join(f"{key}={_setting(value)}" for key, value in sorted(one.items())) for one in (old, new))
    severity = Severity.MEDIUM if weaker and turn is not Turn.ADDED else Severity.LOW
    yield sides.of_account(What.PASSWORD_POLICY, turn, severity, words, PASSWORD_POLICY, before=before, after=after)


def _weaker(key: str, old: Any, new: Any) -> bool:
    larger = _STRICTER.get(key)
    if larger is None:
        return False
    if larger:
        return int(new or 0) < int(old or 0) if _number(old) and _number(new) else False
    return bool(old) and (not new or (_number(new) and _number(old) and int(new) > int(old)))


def _number(value: Any) -> bool:
    return value is None or isinstance(value, int)


def _setting(value: Any) -> str:
    return "not set" if value is None else _yes(value) if isinstance(value, bool) else str(value)
