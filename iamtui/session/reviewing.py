"""Decisions of reviewers: made, taken back, shown with what has changed since. A part of the session.

The ledger is opened when somebody asks for it, never at a start that shows none. Nothing here changes an account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ..errors import IamtuiError, NotFoundError, UsageError
from ..model.fact import State
from .answers import NAMED, Listing, ListKind, Row
from .asking import Found
from .book import Book

if TYPE_CHECKING:
    from ..model.account import World
    from ..model.review import Clue, Decision, Entry, Evidence, Standing, Standings, Subject
    from .desk import Desk

MOST_REASON = 4000
"""Characters of a reason, a ticket or a name that are kept."""


class ReviewSettings(msgspec.Struct, frozen=True):
    """ledger: the file, None for memory only; reviewer: "" for user@host; owner_tags: empty for the usual ones"""

    ledger: Path | None = None
    reviewer: str = ""
    owner_tags: tuple[str, ...] = ()


class Decided(msgspec.Struct, frozen=True):
    """What came of a decision: how many, under which batch, and what could not be decided about, in sentences."""

    count: int
    batch: str
    refused: tuple[str, ...] = ()


class ReviewQuestions:
    """What reviewers decide, and what is in force. Methods that open the ledger may block on the disk."""

    _book: Book
    _found: Found
    now: Callable[[], datetime]
    review_settings = ReviewSettings()
    _desk: Desk | None = None
    _standings: Standings | None = None
    _around: tuple[object, Any] | None = None

    if TYPE_CHECKING:

        @property
        def world(self) -> World: ...

        def listing(self, kind: ListKind) -> Listing: ...

        def kind_of(self, row: Row) -> ListKind: ...

    # -- the ledger --------------------------------------------------------------------------------------------------

    @property
    def has_ledger(self) -> bool:
        """Whether anybody has decided anything yet; opens and makes nothing."""
        if self._desk is not None:
            return True
        path = self.review_settings.ledger
        return path is not None and path.exists()

    @property
    def desk(self) -> Desk:
        if self._desk is None:
            from .desk import Desk

            self._desk = Desk(self.review_settings.ledger)
        return self._desk

    @property
    def reviewer(self) -> str:
        """Who decides: as set, else user@host."""
        if self.review_settings.reviewer:
            return self.review_settings.reviewer
        import getpass
        import socket

        try:
            user = getpass.getuser()
        except (OSError, KeyError, ImportError):
            user = "unknown"
        return f"{user}@{socket.gethostname()}"

    @property
    def standings(self) -> Standings | None:
        """What is in force in the open accounts, as of the last `load_marks` or decision; None before."""
        return self._standings

    @property
    def has_marks(self) -> bool:
        """Whether anything is decided in the open accounts, as far as the ledger was read."""
        return self._standings is not None and bool(self._standings.marks)

    def load_marks(self, cancelled: Callable[[], bool] = lambda: False) -> Standings:
        """Read the ledger and compare every decision with the facts as they are now. A ledger that cannot be read is in `problems()`."""
        from ..model.review import Standings

        tags = self.review_settings.owner_tags
        if not self.has_ledger:
            made = Standings(State.KNOWN, owner_tags=tags, at=self.now())
        else:
            try:
                desk = self.desk
                desk.look()
                made = self._judged(desk, cancelled)
                for words in desk.ledger.refused:
                    self._book.note(IamtuiError(words, "iamtui review export writes what is understood"))
            except IamtuiError as error:
                self._book.note(error)
                made = Standings(State.FAILED, error.message, owner_tags=tags, at=self.now())
        if not cancelled():
            self._standings = made
        return made

    def _judged(self, desk: Desk, cancelled: Callable[[], bool] = lambda: False) -> Standings:
        """Everything in force in the open accounts, each compared with what is known now."""
        from ..model.review import Standings
        from .desk import Finder

        folded = desk.folded
        open_ = {snapshot.account for snapshot in self.world.snapshots}
        mine = {key: held for key, held in folded.marks.items() if held.mark.subject.account in open_}
        finder = Finder(self.world.snapshots, self._found.findings if self._found.of is self.world else None, self.now())
        differ: dict[str, Evidence] = {}
        judged: dict[str, Standing] = {}
        for key, held in mine.items():
            if cancelled():
                break
            found = finder.evidence(held.mark.subject)
            if found is None:
                judged[key] = msgspec.structs.replace(held, gone=finder.gone(held.mark.subject))
            elif found.hash == held.mark.hash:
                judged[key] = held
            else:
                differ[key] = found
        judged |= self._compared(desk, {key: mine[key] for key in differ}, differ)
        owners = {key: name for key, (_, name) in folded.owners.items() if name}
        return Standings(State.KNOWN, "", judged, owners, self.review_settings.owner_tags, self.now())

    def _compared(self, desk: Desk, held: dict[str, Standing], now: dict[str, Evidence]) -> dict[str, Standing]:
        from ..analysis.reviewing import changes

        clues = desk.ledger.evidence(standing.id for standing in held.values())
        judged = {}
        for key, standing in held.items():
            found, unread = changes(clues.get(standing.id, ()), now[key])
            judged[key] = msgspec.structs.replace(standing, changes=found, unread=unread) if found or unread else standing
        return judged

    def standing(self, row: Row) -> Standing | None:
        """What is in force about a row, as of the last `load_marks`."""
        from ..analysis.grounds import key_of

        return self._standings.marks.get(key_of(row.item, row.snapshot)) if self._standings is not None else None

    @property
    def marks(self) -> Mapping[str, Standing]:
        """What is in force, by the key of what it is about, as of the last `load_marks`."""
        return self._standings.marks if self._standings is not None else {}

    def evidence_then(self, ident: str) -> tuple[Clue, ...]:
        """The facts a decision or an item of a campaign rests on, as they were."""
        return self.desk.ledger.evidence((ident,)).get(ident, ())

    def evidence_now(self, row: Row) -> Evidence:
        """The facts about a row as they are now."""
        from ..analysis.grounds import evidence_of

        return evidence_of(row.item, row.snapshot, self.now())

    # -- deciding ----------------------------------------------------------------------------------------------------

    def decide(
        self,
        rows: Iterable[Row],
        decision: Decision,
        *,
        reason: str = "",
        expires: datetime | None = None,
        ticket: str = "",
        campaign: str = "",
    ) -> Decided:
        """One decision about some rows, with the evidence as it is now. When this returns it is on the disk.

        Raises UsageError for an exception without reason or end, LedgerError when it cannot be kept.
        """
        from ..analysis.grounds import evidence_of, subject_of

        now = self.now()
        subjects: list[tuple[Subject, Evidence]] = []
        refused: list[str] = []
        for row in rows:
            subject = subject_of(row.item, row.snapshot)
            if subject is None:
                refused.append(_no_subject(row))
            else:
                subjects.append((subject, evidence_of(row.item, row.snapshot, now)))
        done = self.decide_about(subjects, decision, reason=reason, expires=expires, ticket=ticket, campaign=campaign)
        return msgspec.structs.replace(done, refused=tuple(refused))

    def decide_about(
        self,
        subjects: Sequence[tuple[Subject, Evidence]],
        decision: Decision,
        *,
        reason: str = "",
        expires: datetime | None = None,
        ticket: str = "",
        campaign: str = "",
    ) -> Decided:
        """`decide`, about subjects that are in no list as well: grants and keys."""
        from ..model.review import Decision as Kind
        from ..model.review import Entry, Mark
        from ..store.ledger import new_id

        now = self.now()
        if decision is Kind.EXCEPTION and (not reason.strip() or expires is None):
            raise UsageError("An exception needs a reason and an end", "for instance until 90d, or a date such as 2027-01-31")
        if expires is not None and expires <= now:
            raise UsageError(f"The end {expires:%Y-%m-%d} is in the past", "write a date to come, or a length such as 90d")
        if not subjects:
            return Decided(0, "")
        reason, ticket = reason.strip()[:MOST_REASON], ticket.strip()[:MOST_REASON]
        seen = self._seen()
        batch = new_id(now)
        entries = [
            Entry(
                new_id(now),
                now,
                subject.account,
                campaign,
                Mark(subject, decision, self.reviewer, reason, expires, ticket, evidence.hash, seen(subject.key), batch, campaign),
                evidence.clues,
            )
            for subject, evidence in subjects
        ]
        self.desk.add(entries)
        self._take_in()
        return Decided(len(entries), batch)

    def _seen(self) -> Callable[[str], tuple[str, ...]]:
        """What of a subject its reviewer has seen in force: what was shown, not what others have written since. Nothing was shown
        before `load_marks`: then a decision stands beside what is there."""
        shown = self._standings.marks if self._standings is not None else {}
        return lambda key: shown[key].seen if key in shown else ()

    def _take_in(self) -> None:
        """After something was written: what is new stands on evidence of now; what was judged before stays so."""
        from ..model.review import Standings

        folded = self.desk.folded
        held = self._standings
        before = held.marks if held is not None and held.state is State.KNOWN else {}
        open_ = {snapshot.account for snapshot in self.world.snapshots}
        marks = {}
        for key, standing in folded.marks.items():
            if standing.mark.subject.account in open_:
                known = before.get(key)
                marks[key] = known if known is not None and known.seen == standing.seen else standing
        owners = {key: name for key, (_, name) in folded.owners.items() if name}
        self._standings = Standings(State.KNOWN, "", marks, owners, self.review_settings.owner_tags, self.now())

    def undo(self) -> str:
        """Take back this reviewer's last decision in the open accounts; says what it was. Raises NotFoundError when there is none."""
        from ..model.review import Entry, Mark, Undo
        from ..store.ledger import new_id

        desk = self.desk
        desk.look()
        open_ = {snapshot.account for snapshot in self.world.snapshots}
        me, dead = self.reviewer, desk.folded.dead
        mine: dict[str, list[Entry]] = {}
        order: dict[str, tuple[datetime, int]] = {}
        for place, entry in enumerate(desk.entries):
            body = entry.body
            if isinstance(body, Mark) and body.reviewer == me and entry.id not in dead and entry.account in open_:
                batch = body.batch or entry.id
                mine.setdefault(batch, []).append(entry)
                order[batch] = (entry.at, place)
        if not mine:
            raise NotFoundError(f"There is no decision of {me} to take back")
        batch = max(mine, key=order.__getitem__)
        told = mine[batch]
        first = told[0].body
        assert isinstance(first, Mark)
        names = ", ".join(e.body.subject.name for e in told[:3] if isinstance(e.body, Mark)) + (" …" if len(told) > 3 else "")
        words = f"{first.decision.value} on {names}" if len(told) == 1 else f"{first.decision.value} on {len(told):,} ({names})"
        now = self.now()
        desk.add([Entry(new_id(now), now, told[0].account, "", Undo(batch, me, len(told), words))])
        self.load_marks()
        return words

    def set_owner(self, rows: Iterable[Row], name: str) -> int:
        """Who answers for some rows from now on; "" for nobody set here. Answers how many. Raises LedgerError."""
        from ..analysis.grounds import subject_of
        from ..model.review import Entry, Owner
        from ..store.ledger import new_id

        now, name = self.now(), name.strip()[:MOST_REASON]
        desk = self.desk
        if not desk.entries and desk.ledger.exists:
            desk.look()
        before = desk.folded.owners
        entries = []
        for row in rows:
            subject = subject_of(row.item, row.snapshot)
            if subject is not None:
                after = (before[subject.key][0],) if subject.key in before else ()
                entries.append(Entry(new_id(now), now, subject.account, "", Owner(subject, name, self.reviewer, after)))
        if entries:
            desk.add(entries)
            self._take_in()
        return len(entries)

    # -- what wants looking at ---------------------------------------------------------------------------------------

    def reminders(self) -> tuple[str, ...]:
        """Quiet sentences: decisions that have expired, were opened again, or are in conflict."""
        held, now = self._standings, self.now()
        if held is None or not held.marks:
            return ()
        told = []
        expired = [one for one in held.marks.values() if one.expired(now) and not one.gone]
        if expired:
            exceptions = sum(1 for one in expired if one.mark.decision.value == "exception")
            what = "exception" if exceptions == len(expired) else "decision"
            told.append(f"{len(expired)} {what}{'s have' if len(expired) > 1 else ' has'} expired: /mark:expired")
        for word, count in (
            ("reopened", sum(1 for one in held.marks.values() if one.changes)),
            ("conflict", sum(1 for one in held.marks.values() if one.conflict)),
        ):
            if count:
                told.append(f"{count} reopened: /mark:reopened" if word == "reopened" else f"{count} in conflict: /mark:conflict")
        return tuple(told)

    # -- other ledgers -----------------------------------------------------------------------------------------------

    def merge_ledger(self, path: Path) -> tuple[int, int, tuple[str, ...]]:
        """Bring in another ledger or an export: (new, known, sentences about what was not taken). Raises IamtuiError."""
        from ..store.ledger import read_other

        found, refused = read_other(path)
        new, same, other = self.desk.ledger.merge(found)
        self.desk.look()
        told = [*refused, *(f"{ident} is here with another content; ours stays" for ident in other)]
        return new, same, tuple(told)

    def export_ledger(self) -> Iterable[str]:
        """The ledger as JSON lines, or just its heading when there is none."""
        from ..store.ledger import export_lines

        return export_lines(self.desk.ledger.entries() if self.has_ledger else ())


def _no_subject(row: Row) -> str:
    name = str(getattr(row.item, "name", "") or getattr(row.item, "event_id", ""))
    if getattr(row.item, "event_id", None) is not None:
        return f"{name} is an event, and those are facts: decide about the identity behind it"
    return (
        f"{name} has no unique id in what was read, so a later user of that name could not be told apart; read the account's details first"
    )


def end_of(text: str, now: datetime) -> datetime | None:
    """`90d` from now, or the end of a day, month or year, in UTC; None for nothing. Raises UsageError."""
    from ..analysis.filtering import age_of, span_of

    text = text.strip().casefold().removeprefix("until ").removeprefix("in ")
    if not text:
        return None
    length = age_of(text)
    if length is not None:
        try:
            return now + length
        except OverflowError:
            length = None
    span = span_of(text)
    if span is None:
        raise UsageError(f"{text} is no end", "write a length (90d, 6mo) or a date (2027-01-31)")
    return span[1]


def rows_named(session: Any, targets: Sequence[str]) -> list[Row]:
    """Rows of identities and policies by name, ARN, unique id or access key. Raises NotFoundError for what is not there, or not clear."""
    found: list[Row] = []
    for target in targets:
        matches = [match for match in session.find(target) if match.how not in ("prefix", "substring") and match.kind in NAMED]
        if not matches:
            raise NotFoundError(f"{target} is no user, role, group or policy in what has been read", "the whole name, ARN or unique id")
        if len({match.row.key for match in matches}) > 1:
            labels = ", ".join(f"{match.kind.value.removesuffix('s')}/{target}" for match in matches)
            raise UsageError(f"{target} may be several", f"say which: {labels}, or its ARN")
        found.append(matches[0].row)
    return found
