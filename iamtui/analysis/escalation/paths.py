"""The published escalation paths as data: who may walk them, what each step needs and on what, and what comes of it.

`paths.toml` holds them; it is read on first use. Source: DataDog/pathfinding.cloud (Apache-2.0), restated, see there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache

import msgspec


class Category(StrEnum):
    """How a path works, in the words of its source."""

    SELF = "self-escalation"
    PRINCIPAL = "principal-access"
    NEW = "new-passrole"
    EXISTING = "existing-passrole"


class On(StrEnum):
    """The resource a permission is asked on. `OTHER_…`, `PASSED_ROLE` and the policies are one candidate throughout a path: the same
    role must be rewritten and assumed."""

    OWN_USER = "own user"
    OWN_ROLE = "own role"
    OWN_GROUP = "own group"
    """A group the caller is in."""
    OTHER_USER = "other user"
    OTHER_ROLE = "other role"
    OTHER_GROUP = "other group"
    """A group the caller is not in."""
    CALLERS_POLICY = "policy of the caller"
    """A customer managed policy that is attached to the caller, directly or through a group."""
    ROLES_POLICY = "policy of the role"
    """A customer managed policy that is attached to OTHER_ROLE."""
    PASSED_ROLE = "passed role"
    WORKLOAD = "workload"
    """Something that exists and runs with a role. IAM's data does not show it: asked by pattern."""
    NEW = "new"
    """Something the caller makes and may name freely: one allowed name is enough. Asked by pattern."""
    ANY = "any"
    """The action has no resource, or cannot know it beforehand: asked on `*`."""


class Gain(StrEnum):
    """What the caller has at the end. Permissions boundaries and organisation policies still hold for whoever acts."""

    ANY_RIGHTS = "any rights"
    """The own identity has whatever it writes: administrator, within its boundary."""
    GROUP = "rights of the group"
    USER = "acts as the user"
    ROLE = "acts as the role"
    USER_ANY_RIGHTS = "acts as the user, with any rights"
    ROLE_ANY_RIGHTS = "acts as the role, with any rights"
    PASSED_ROLE = "acts as the passed role"
    WORKLOAD_ROLE = "acts as the workload's role"

    @property
    def administrator(self) -> bool:
        """Whether the end is an administrator whatever the target was before; else it is worth as much as the target."""
        return self in (Gain.ANY_RIGHTS, Gain.USER_ANY_RIGHTS, Gain.ROLE_ANY_RIGHTS)


class Check(StrEnum):
    """A prerequisite beside the permissions that an account's IAM data can answer."""

    CALLERS_POLICY = "the policy is a customer managed one that reaches the caller"
    ROLES_POLICY = "the policy is a customer managed one that is attached to the role"
    MEMBER = "the caller is in the group"
    KEY_FREE = "the user has fewer than two access keys"
    NO_KEY_FREE = "the user has two access keys"
    NO_PASSWORD = "the user has no console password"
    PASSWORD = "the user has a console password"
    TRUSTS_CALLER = "the role trusts the caller"
    INSTANCE_PROFILE = "the role is in an instance profile"


class Caller(StrEnum):
    USER = "user"
    ROLE = "role"


class Permission(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One permission a path needs.

    resources: ARN templates that must all be allowed, for WORKLOAD, NEW and ANY; () where the resource is an IAM one
    """

    action: str
    on: On
    resources: tuple[str, ...] = ()

    def asked(self, known: Mapping[str, str]) -> tuple[str, ...]:
        """The ARNs to ask for: `known` (partition, region, account, …) filled in, `*` for every name that may be anything."""
        return tuple(_HOLE.sub(lambda hole: known.get(hole[1], "*"), template) for template in self.resources)


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step a person can take: what it does, and the command (AWS CLI, or the address to open) with holes like `{role_arn}`."""

    words: str
    command: str

    @property
    def holes(self) -> tuple[str, ...]:
        """Names a command asks for, in order, each once."""
        return tuple(dict.fromkeys(_HOLE.findall(self.command)))

    def filled(self, known: Mapping[str, str]) -> str:
        """The command with what is known; the rest stays as `<role_arn>`.

        The text goes into a shell, also inside quotes: a value that a shell or the AWS CLI could read otherwise is left out.
        """

        def fill(hole: re.Match[str]) -> str:
            value = known.get(hole[1], "")
            return value if _HARMLESS.fullmatch(value) else f"<{hole[1]}>"

        return _HOLE.sub(fill, self.command)


class Path(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One published path.

    services:   the role passed, or the workload's role, must trust one of these; `iam:PassedToService` is one of these
    callers:    kinds of identity that can walk it
    checks:     prerequisites that IAM data answers
    unseen:     prerequisites nobody can see there, as sentences without a stop
    variant_of: id of the path this one extends, "" when none
    """

    id: str
    title: str
    category: Category
    gain: Gain
    permissions: tuple[Permission, ...]
    steps: tuple[Step, ...]
    services: tuple[str, ...] = ()
    callers: tuple[Caller, ...] = (Caller.USER, Caller.ROLE)
    checks: tuple[Check, ...] = ()
    unseen: tuple[str, ...] = ()
    variant_of: str = ""

    @property
    def actions(self) -> tuple[str, ...]:
        return tuple(permission.action for permission in self.permissions)

    @property
    def passes_role(self) -> bool:
        return any(permission.on is On.PASSED_ROLE for permission in self.permissions)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    path: tuple[Path, ...]


# Braces of JSON and of the AWS CLI's shorthand are not holes: a hole is one lower-case name.
_HOLE = re.compile(r"\{([a-z][a-z_]*)\}")
# No blank, quote or shell sign; no leading `-` (an option), no `,` and `=` (the CLI's shorthand), no `://` (it reads files by that).
_HARMLESS = re.compile(r"(?!-)(?!.*://)[A-Za-z0-9_+.@:/-]+")


@cache
def paths() -> tuple[Path, ...]:
    """All published paths, in the order of the file: own rights, other identities, then by service."""
    import tomllib

    with open(os.path.join(os.path.dirname(__file__), "paths.toml"), "rb") as file:
        return msgspec.convert(tomllib.load(file), type=_File).path


@cache
def by_id() -> Mapping[str, Path]:
    return {path.id: path for path in paths()}
