"""The report of a campaign as one value; its four forms (Markdown, HTML, CSV, JSON) say what is in it and add nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from ..model.practice import Kept
from ..model.review import Change, Clue, Decision, Score, Subject
from ..source.evidence.fingerprint import Fingerprint

SCHEMA = "iamtui-review-report"
VERSION = 1
"""Of the JSON form: keys are added within a version, never renamed or taken away."""

OPEN, CONFLICT = "open", "conflict"
DECISIONS = (Decision.REMOVE, Decision.REDUCE, Decision.ASK, Decision.EXCEPTION, Decision.KEEP)
"""In the order they are told: what asks for something first."""


class Done(StrEnum):
    """What became of a decision by the reading, by unique id. `CHANGED`: it is there, and what it rests on is not what it was."""

    GONE = "gone"
    AGAIN = "gone, and the name was made again"
    CHANGED = "there, changed"
    THERE = "there, as it was"
    UNTOLD = "cannot be told"


class Follow(msgspec.Struct, frozen=True, gc=False):
    """How something stands by the reading. `words`: why it cannot be told."""

    done: Done
    changes: tuple[Change, ...] = ()
    unread: tuple[str, ...] = ()
    words: str = ""


class Side(msgspec.Struct, frozen=True, gc=False):
    """One reviewer's decision in force."""

    reviewer: str
    decision: Decision
    at: datetime
    reason: str
    expires: datetime | None
    ticket: str
    hash: str


class Line(msgspec.Struct, frozen=True, gc=False):
    """One item.

    place:   in the queue, from 1: counted here, as rows of others may say anything
    state:   the decision's word, `conflict` or `open`
    sides:   the decisions in force; one in all but conflicts and agreements
    expired: by the report's date
    hash, clues: the evidence of the decision (of a conflict the newest), of an open item that of the campaign's beginning
    follow:  how it stands by the reading against that evidence; None for open items
    before:  the decision in force when the campaign began, and what had changed since it was made
    """

    place: int
    pane: str
    subject: Subject
    score: int
    signs: tuple[str, ...]
    state: str
    sides: tuple[Side, ...]
    expired: bool
    hash: str
    clues: tuple[Clue, ...]
    owner: str = ""
    follow: Follow | None = None
    before: Side | None = None
    since: tuple[Change, ...] = ()

    @property
    def reopened(self) -> bool:
        """What the decision rests on is not what it was, though it is there."""
        return self.follow is not None and bool(self.follow.changes)


class Earlier(msgspec.Struct, frozen=True, gc=False):
    """What an earlier campaign wanted removed or reduced. `now`: the decision of today, where it is another."""

    campaign: str
    subject: Subject
    decision: Decision
    reviewer: str
    at: datetime
    reason: str
    ticket: str
    follow: Follow
    now: str = ""


class Figures(msgspec.Struct, frozen=True):
    """A campaign in numbers, as it was closed; one that is open as of the report. `scores` None: not recorded."""

    name: str
    id: str
    begun: datetime
    closed: datetime | None
    items: int
    decided: int
    open: int
    conflicts: int
    counts: tuple[tuple[Decision, int], ...]
    days: int
    scores: tuple[Score, ...] | None

    def count(self, decision: Decision) -> int:
        return dict(self.counts).get(decision, 0)

    @property
    def kept(self) -> int | None:
        """Practices that were kept; None when nobody looked."""
        return sum(score.kept is Kept.YES for score in self.scores) if self.scores is not None else None


class Reading(msgspec.Struct, frozen=True):
    """What the facts of today rest on.

    kind:  `live`, `evidence`, `demo`, `cache`
    words: one sentence; `again` says how the same bytes come again, or why they cannot
    accounts: number, alias ("" for none), age of the oldest list, and the ARN that read it ("" where that is not told)
    """

    kind: str
    words: str
    again: str
    reproducible: bool
    files: tuple[Fingerprint, ...]
    accounts: tuple[tuple[str, str, datetime | None, str], ...]
    as_of: datetime | None


class Ledger(msgspec.Struct, frozen=True):
    """The rows a report rests on: the first `lines` lines of `iamtui review export`, and their SHA-256."""

    lines: int
    sha256: str
    refused: tuple[str, ...] = ()


class Ending(msgspec.Struct, frozen=True):
    """How a campaign ended."""

    at: datetime
    reviewer: str
    note: str


class Signature(msgspec.Struct, frozen=True):
    """The SHA-256 that was written into the ledger at the end, and whether this report, as Markdown, has it."""

    sha256: str
    same: bool


class Number(msgspec.Struct, frozen=True):
    """One number of the summary, the same in all forms. `of`: of how many, None for a number that stands alone."""

    id: str
    words: str
    value: int
    of: int | None = None


class PracticeLine(msgspec.Struct, frozen=True):
    number: int
    title: str
    words: str
    score: Score


class Report(msgspec.Struct, frozen=True):
    """Everything a report says.

    as_of: what "expired" and "since" are judged by: the end of a closed campaign, else what was given, else the latest of reading and
           ledger; of a live account now
    lines: in the order of the queue; `parts` what was decided about grants and keys alone, numbered on behind them; `earlier` newest campaign first; `trend` oldest first, this campaign last
    gaps:  what could not be read when it began; `unread` by this reading
    practices: `practices_words` says when they are from, or why there are none
    """

    tool: str
    name: str
    id: str
    reviewer: str
    begun: datetime
    as_of: datetime
    accounts: tuple[str, ...]
    scope: tuple[tuple[str, str], ...]
    min_age: int
    idle_days: int
    ending: Ending | None
    note: str
    reading: Reading
    ledger: Ledger
    numbers: tuple[Number, ...]
    panes: tuple[tuple[str, int, int], ...]
    reviewers: tuple[tuple[str, int], ...]
    lines: tuple[Line, ...]
    parts: tuple[Line, ...]
    gaps: tuple[str, ...]
    unread: tuple[str, ...]
    spared: tuple[str, ...]
    practices: tuple[PracticeLine, ...]
    practices_words: str
    trend: tuple[Figures, ...]
    earlier: tuple[Earlier, ...]
    signature: Signature | None = None

    def number(self, ident: str) -> int:
        return next(one.value for one in self.numbers if one.id == ident)

    @property
    def decided_on(self) -> tuple[Line, ...]:
        """Items and parts: all that has evidence."""
        return self.lines + self.parts

    def of_state(self, state: str) -> list[Line]:
        return [line for line in self.lines if line.state == state]

    @property
    def figures(self) -> Figures:
        return self.trend[-1]


def numbers_of(
    figures: Figures, lines: Sequence[Line], parts: Sequence[Line], earlier: Sequence[Earlier], spared: int, gaps: int
) -> tuple[Number, ...]:
    """The summary, counted once."""

    def count(test: Callable[[Line], bool]) -> int:
        return sum(1 for line in (*lines, *parts) if test(line))

    removed = [one for one in earlier if one.decision is Decision.REMOVE]
    gone = (Done.GONE, Done.AGAIN)
    return (
        Number("items", "items", figures.items),
        Number("decided", "decided", figures.decided, figures.items),
        Number("open", "open", figures.open, figures.items),
        Number("conflicts", "in conflict", figures.conflicts, figures.items),
        *(Number(one.name.lower(), one.value, figures.count(one), figures.items) for one in DECISIONS),
        Number("parts", "decisions about a grant or key alone", len(parts)),
        Number("expired", "decisions that have expired", count(lambda line: line.expired)),
        Number("reopened", "decisions whose evidence has changed since", count(lambda line: line.reopened)),
        Number("changed", "carried-over items whose evidence had changed", count(lambda line: bool(line.since))),
        Number("spared", "spared as new", spared),
        Number("gaps", "things that could not be read", gaps),
        Number("earlier_removals", "removals decided in earlier campaigns", len(removed)),
        Number("earlier_gone", "of these, gone", sum(one.follow.done in gone for one in removed), len(removed)),
        Number(
            "earlier_there", "of these, still there", sum(one.follow.done in (Done.THERE, Done.CHANGED) for one in removed), len(removed)
        ),
        Number("earlier_untold", "of these, not to be told", sum(one.follow.done is Done.UNTOLD for one in removed), len(removed)),
        Number("days", "days from its beginning", figures.days),
    )
