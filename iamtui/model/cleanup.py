"""A cleanup plan: decisions turned into ordered steps, each with what puts it back. A plan is text; nothing here is run."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class Op(StrEnum):
    """What a step does. The values are the words of the JSON output."""

    DENY = "deny everything"
    KEY_OFF = "deactivate key"
    KEYS_OFF = "deactivate keys"
    CREDENTIALS = "delete credentials"
    KEY_DELETE = "delete key"
    INLINE_DELETE = "delete inline policy"
    DETACH = "detach policy"
    BOUNDARY_OFF = "take boundary off"
    GROUP_LEAVE = "remove from group"
    PROFILE_LEAVE = "remove from instance profile"
    PROFILE_DELETE = "delete instance profile"
    MEMBER_LEAVE = "remove member"
    VERSIONS_DELETE = "delete versions"
    DELETE = "delete"
    INLINE_PUT = "put smaller inline policy"
    VERSION = "smaller policy version"
    COPY = "smaller copy of policy"


class Phase(StrEnum):
    DEACTIVATE = "deactivate"
    REMOVE = "remove"


class Step(msgspec.Struct, frozen=True):
    """One step.

    say:      what it does, one sentence
    part:     what it is done to, beside the item itself: a policy's ARN, an inline policy's name, a group, a profile, a key's id
    name:     of the policy at `part`, or of the smaller copy that takes its place
    document: JSON text as it stands now, "" where it is not needed or was not read
    new:      JSON text that takes its place
    spare:    (version id, JSON text) of the stored version that makes room
    back:     what puts it back, one sentence; `lost` what does not come back, "" for nothing
    """

    op: Op
    say: str
    back: str
    phase: Phase = Phase.REMOVE
    part: str = ""
    name: str = ""
    document: str = ""
    new: str = ""
    spare: tuple[str, str] = ("", "")
    lost: str = ""


class Target(msgspec.Struct, frozen=True):
    """What an item's commands are about; for a grant or a key the identity that has it. kind: user, role, group or policy"""

    kind: str
    name: str
    unique_id: str
    arn: str
    path: str = "/"


class PlanItem(msgspec.Struct, frozen=True):
    """One decision that is acted on.

    number:   its place in the order of removal, from 1
    noun:     what was marked: user, role, group, policy, grant, access key
    mark:     who decided, when, why
    notes:    what else uses it, what could not be looked at, what to know before
    stack:    name of the CloudFormation stack it belongs to, `logical` its id there; "" for none
    used:     last use of a role as it was read, to be compared before it is deleted; None where not told
    trust, description, tags, boundary, versions, session: of what is deleted, for its roll-back
    attached … holders: what it holds, or who has it (`user`, name), as it was read: more than that when it is done stops it
    """

    number: int
    noun: str
    title: str
    decision: str
    target: Target
    mark: str
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    stack: str = ""
    logical: str = ""
    used: datetime | None = None
    used_told: bool = False
    trust: str = ""
    description: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    boundary: str = ""
    session: int | None = None
    versions: tuple[tuple[str, bool, str], ...] = ()
    attached: tuple[str, ...] = ()
    inline: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    holders: tuple[tuple[str, str], ...] = ()

    @property
    def deactivates(self) -> bool:
        return any(step.phase is Phase.DEACTIVATE for step in self.steps)

    @property
    def deletes(self) -> bool:
        """Whether the target itself goes, not something of it."""
        return any(step.op is Op.DELETE for step in self.steps)


class Why(StrEnum):
    """Why a decision is not acted on."""

    NOT_NOW = "not now: used lately"
    NEEDED = "others need it"
    CHANGED = "evidence has changed since the decision"
    CONFLICT = "reviewers disagree"
    EXPIRED = "the decision has expired"
    UNREAD = "not in what was read"
    CANNOT = "cannot be done by these commands"
    BY_HAND = "by hand"
    NOTHING = "nothing to do"
    KEPT = "kept, asked about, or an exception"


class Left(msgspec.Struct, frozen=True):
    """A decision that gives no step. `instead`: commands somebody may want to run, as words."""

    title: str
    why: Why
    words: str
    mark: str = ""
    instead: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """One account's plan.

    hours:    what was used within them is not touched; 0 when that was switched off
    wait:     days between deactivating and removing
    as_of:    age of the oldest list it rests on
    gaps:     what could not be looked at, in sentences
    """

    account: str
    partition: str
    made: datetime
    reviewer: str
    campaign: str
    hours: int
    wait: int
    as_of: datetime | None
    items: tuple[PlanItem, ...]
    left: tuple[Left, ...]
    gaps: tuple[str, ...] = ()
