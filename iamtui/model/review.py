"""Reviews: a person's decisions about identities and what they hold, with the evidence as it was, and campaigns of them.

Everything a ledger holds is an `Entry`: written once, never changed. What is in force is folded from entries (`analysis.reviewing`).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from .fact import State
from .practice import Kept


class Decision(StrEnum):
    KEEP = "keep"
    REDUCE = "reduce"
    REMOVE = "remove"
    ASK = "ask owner"
    EXCEPTION = "exception"


class SubjectKind(StrEnum):
    IDENTITY = "identity"
    GRANT = "grant"
    KEY = "key"
    FINDING = "finding"
    POLICY = "policy"


class Subject(msgspec.Struct, frozen=True, gc=False):
    """What a decision is about.

    key:  kind, ARN and unique id in one text, the same for every reading: a name made again is another subject
    arn:  of the identity or policy it belongs to; `unique_id` is that one's (root has none)
    noun: what people call it: `user`, `role`, `group`, `policy`, `access key`, `grant`, `finding`
    """

    kind: SubjectKind
    key: str
    arn: str
    unique_id: str
    name: str
    account: str
    noun: str = ""


class Clue(msgspec.Struct, frozen=True, gc=False):
    """One fact of the evidence, as text.

    state:  KNOWN, or why there was no value (then `value` says it in words)
    source: what told it, `as_of` when
    weighs: whether a change of it opens the decision again; dates of last use do not, being in use or not does
    """

    name: str
    value: str
    source: str = ""
    as_of: datetime | None = None
    state: State = State.KNOWN
    weighs: bool = True


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """What was known when something was decided. `hash` is over the facts that weigh, the same whenever and however they were read."""

    clues: tuple[Clue, ...] = ()
    hash: str = ""


class Change(msgspec.Struct, frozen=True, gc=False):
    """A fact that is not what it was; "" where it was not there, or is gone."""

    name: str
    was: str
    now: str


# -- what a ledger holds ---------------------------------------------------------------------------------------------


class Mark(msgspec.Struct, frozen=True, gc=False, tag="mark"):
    """One decision.

    after:    ids of the entries it takes the place of: what the reviewer saw in force
    batch:    decisions made at once, undone at once
    expires:  until when it holds; None for always
    campaign: id of the campaign it was made in, "" for none
    """

    subject: Subject
    decision: Decision
    reviewer: str
    reason: str = ""
    expires: datetime | None = None
    ticket: str = ""
    hash: str = ""
    after: tuple[str, ...] = ()
    batch: str = ""
    campaign: str = ""


class Undo(msgspec.Struct, frozen=True, gc=False, tag="undo"):
    """Takes back what was decided at once. `count` and `words` say what it was."""

    batch: str
    reviewer: str
    count: int = 1
    words: str = ""


class Owner(msgspec.Struct, frozen=True, gc=False, tag="owner"):
    """Who answers for something; "" takes an owner that was set away. `after` as in Mark."""

    subject: Subject
    owner: str
    reviewer: str
    after: tuple[str, ...] = ()


class Campaign(msgspec.Struct, frozen=True, tag="campaign"):
    """The beginning of a campaign; its id is the entry's.

    scope:     filters by list, in their order: `(("roles", "last-used:>90d"),)`
    min_age:   days; what is younger is spared
    idle_days: days without use after which something is called unused
    spared:    names of what was left out because it is new
    accounts:  the accounts it is about
    gaps:      what could not be read when it was frozen, in sentences
    """

    name: str
    reviewer: str
    scope: tuple[tuple[str, str], ...]
    min_age: int
    idle_days: int
    items: int
    spared: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


class Item(msgspec.Struct, frozen=True, gc=False, tag="item"):
    """One line of a campaign's queue, frozen at its beginning.

    place: in the queue, from 0, the one to look at first
    pane:  the list it came from
    score: by risk and disuse; `signs` say what it is made of, in words
    """

    subject: Subject
    place: int
    pane: str
    score: int
    signs: tuple[str, ...]
    hash: str


class Score(msgspec.Struct, frozen=True, gc=False):
    """How far a practice was kept at one time: `held` of `of` that were looked at, what broke it, how many facts were missing."""

    practice: str
    kept: Kept
    of: int
    held: int
    offenders: int
    missing: int = 0


class Close(msgspec.Struct, frozen=True, tag="close"):
    """The end of a campaign, signed by a reviewer.

    report: SHA-256 of the report's Markdown form as it was written then, above its signature
    scores: the practices then; UNSET where they were not looked at, and then no part of the row's text: rows from before there were
            scores stay the same to the byte, and a version that knows none reads past them
    """

    reviewer: str
    decided: int
    open: int
    conflicts: int
    note: str = ""
    report: str = ""
    scores: tuple[Score, ...] | msgspec.UnsetType = msgspec.UNSET


Body = Mark | Undo | Owner | Campaign | Item | Close


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A row of the ledger.

    id:       26 characters, the time it was made first: sorted by id is sorted by time
    account:  12 digits, "" for what is about several
    campaign: id of the campaign's first entry, for items and closes
    evidence: the facts of a mark or an item; empty where they were left in the ledger (see `Ledger.evidence`)
    """

    id: str
    at: datetime
    account: str
    campaign: str
    body: Body
    evidence: tuple[Clue, ...] = ()


# -- what is in force ------------------------------------------------------------------------------------------------


class Standing(msgspec.Struct, frozen=True, gc=False):
    """What is in force about one subject.

    mark:      the decision; in a conflict the newest of them
    marks:     (entry id, time, decision) of everything in force, one a reviewer: more than one where they decided side by side
    seen:      ids of all entries the next decision takes the place of
    changes:   what of the evidence is not what it was; empty for a decision that stands
    unread:    facts that weighed and cannot be read now
    gone:      what it is about is no longer in what was read whole
    """

    id: str
    at: datetime
    mark: Mark
    marks: tuple[tuple[str, datetime, Mark], ...]
    seen: tuple[str, ...]
    changes: tuple[Change, ...] = ()
    unread: tuple[str, ...] = ()
    gone: bool = False

    @property
    def conflict(self) -> bool:
        """Whether reviewers disagree and nobody has decided between them."""
        return len({mark.decision for _, _, mark in self.marks}) > 1

    def expired(self, now: datetime) -> bool:
        return self.mark.expires is not None and self.mark.expires <= now

    def words(self, now: datetime) -> tuple[str, ...]:
        """`remove`, and what is wrong with it: `reopened`, `expired`, `conflict`."""
        decisions = tuple(dict.fromkeys(mark.decision.value for _, _, mark in self.marks)) or (self.mark.decision.value,)
        found = decisions if self.conflict else (self.mark.decision.value,)
        if self.conflict:
            found += ("conflict",)
        if self.changes:
            found += ("reopened",)
        if self.expired(now):
            found += ("expired",)
        return found


class Standings(msgspec.Struct, frozen=True, eq=False):
    """Everything in force, by the subject's key.

    state: KNOWN once the ledger was read; NOT_LOADED before, FAILED when it cannot be read (`detail` says why)
    at:    the moment what has expired is judged by
    """

    state: State = State.NOT_LOADED
    detail: str = ""
    marks: dict[str, Standing] = {}
    owners: dict[str, str] = {}
    owner_tags: tuple[str, ...] = ()
    at: datetime | None = None
