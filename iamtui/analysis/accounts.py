"""The accounts that are open or known of: how each was read, where it stands in its organisation, what is in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from ..model.account import POLICIES, ROLES, USERS, Snapshot, World
from ..model.accounts import CLOSED, KnownAccount, Reading
from ..model.fact import Fact, State, absent, known
from ..model.surroundings import Surroundings
from .lists import Column, ColumnKind, from_section


class AccountLine(msgspec.Struct, frozen=True, eq=False):
    """One account.

    path:     names of the levels above it, from the root down, `/` between them; "" when no organisation was read
    snapshot: what was read of it, None when nothing was
    action, reason, hint: what is missing, why, and what to type next
    """

    account: str
    name: str
    path: str
    status: str
    reading: Reading
    snapshot: Snapshot | None
    action: str = ""
    reason: str = ""
    hint: str = ""
    role: str = ""

    @property
    def arn(self) -> str:
        return ""

    @property
    def missing(self) -> bool:
        return self.reading.missing


_ORDER = (Reading.DENIED, Reading.FAILED, Reading.NOT_READ, Reading.PARTLY, Reading.READ, Reading.CLOSED, Reading.EXCLUDED)


def account_lines(world: World, surroundings: Surroundings) -> tuple[AccountLine, ...]:
    """Every account that is open, or that a list or an organisation names: those that are missing first, then by path and name."""
    snapshots = {snapshot.account: snapshot for snapshot in world.snapshots}
    numbers = dict.fromkeys((*world.accounts, *(n for o in surroundings.organizations for n in o.paths), *snapshots))
    lines = [_line(number, world.accounts.get(number), snapshots.get(number), surroundings) for number in numbers]
    return tuple(sorted(lines, key=lambda one: (_ORDER.index(one.reading), one.path.casefold(), one.name.casefold(), one.account)))


def _line(number: str, told: KnownAccount | None, snapshot: Snapshot | None, surroundings: Surroundings) -> AccountLine:
    organization = surroundings.organization_of(number)
    path = organization.paths.get(number, ())[:-1] if organization is not None else ()
    names = organization.names if organization is not None else {}
    name = (
        (told.name if told is not None else "") or names.get(number, "") or (snapshot.aliases[0] if snapshot and snapshot.aliases else "")
    )
    line = AccountLine(
        number, name, "/".join(names.get(level) or level for level in path), told.status if told is not None else "", Reading.READ, snapshot
    )
    reading = told.reading if told is not None else None
    if told is not None and reading is not None and not (snapshot is not None and reading is Reading.NOT_READ):
        line = msgspec.structs.replace(line, reading=reading, action=told.action, reason=told.reason, hint=told.hint, role=told.role)
    elif snapshot is None:
        closed = told is not None and told.status in CLOSED
        reason = "nobody can assume a role in it" if closed else "nothing of it is among what was opened"
        hint = "" if closed else f"iamtui collect --accounts {number} -o FOLDER"
        return msgspec.structs.replace(line, reading=Reading.CLOSED if closed else Reading.NOT_READ, reason=reason, hint=hint)
    if line.reading is Reading.READ and snapshot is not None and snapshot.gaps:
        gap = snapshot.gaps[0]
        more = f", and {len(snapshot.gaps) - 1} more" if len(snapshot.gaps) > 1 else ""
        line = msgspec.structs.replace(line, reading=Reading.PARTLY, action=gap.action, reason=gap.reason + more, hint=gap.hint)
    return line


# -- columns ---------------------------------------------------------------------------------------------------------


def _told(pick: Callable[[AccountLine], str]) -> Callable[[Any, Any], Fact[Any]]:
    def fact(line: AccountLine, _: Any) -> Fact[Any]:
        value = pick(line)
        return known(value) if value else absent(State.NO_INFORMATION)

    return fact


def _path(line: AccountLine, _: Any) -> Fact[Any]:
    return known(line.path) if line.path else absent(State.NOT_LOADED, "organizations:ListRoots")


def _counted(section: str, pick: Callable[[Snapshot], Any]) -> Callable[[Any, Any], Fact[Any]]:
    def fact(line: AccountLine, _: Any) -> Fact[Any]:
        if line.snapshot is None:
            state = {Reading.DENIED: State.DENIED, Reading.FAILED: State.FAILED}.get(line.reading, State.NOT_LOADED)
            return absent(state, line.action)
        return from_section(line.snapshot, section, pick(line.snapshot))

    return fact


def _as_of(line: AccountLine, _: Any) -> Fact[datetime]:
    if line.snapshot is None or line.snapshot.as_of is None:
        return absent(State.NEVER if line.snapshot is None else State.NO_INFORMATION)
    return known(line.snapshot.as_of)


def _why(line: AccountLine, _: Any) -> Fact[Any]:
    if not line.reason:
        return absent(State.NOT_APPLICABLE)
    return known(f"{line.action}: {line.reason}" if line.action else line.reason)


def _own(snapshot: Snapshot) -> int:
    return sum(not policy.aws_managed for policy in snapshot.policies)


COLUMNS = (
    Column("account", "ACCOUNT", ColumnKind.TEXT, "Id of the account.", _told(lambda a: a.account), 12, 0),
    Column("name", "NAME", ColumnKind.TEXT, "Its name in the organisation, else its alias.", _told(lambda a: a.name), 24, 0),
    Column("state", "STATE", ColumnKind.TEXT, "How the last attempt to read it went.", lambda a, _: known(a.reading.value), 11, 0),
    Column("path", "PATH", ColumnKind.TEXT, "Organisational units above it, from the root down.", _path, 24, 2),
    Column("as-of", "AGE", ColumnKind.TIME, "Age of the oldest list that was read of it.", _as_of, 7, 1),
    Column("users", "USERS", ColumnKind.NUMBER, "Users that were read.", _counted(USERS, lambda s: len(s.users)), 6, 1),
    Column("roles", "ROLES", ColumnKind.NUMBER, "Roles that were read.", _counted(ROLES, lambda s: len(s.roles)), 6, 1),
    Column("policies", "POLICIES", ColumnKind.NUMBER, "Policies of its own that were read.", _counted(POLICIES, _own), 8, 2),
    Column("why", "WHAT IS MISSING", ColumnKind.TEXT, "What was refused or failed, and the API action.", _why, 40, 0),
    Column("hint", "NEXT", ColumnKind.TEXT, "What to type next.", _told(lambda a: a.hint), 40, 4, detail_only=True),
    Column(
        "status", "STATUS", ColumnKind.TEXT, "State of the account in its organisation.", _told(lambda a: a.status), 10, 4, detail_only=True
    ),
    Column("role", "ROLE", ColumnKind.TEXT, "Role that was assumed to read it.", _told(lambda a: a.role), 40, 4, detail_only=True),
)

__all__ = ["COLUMNS", "AccountLine", "account_lines"]
