"""A campaign's report put together: ledger rows up to one row, a reading of the account, and nothing of the clock.

A campaign that was closed is told by the rows before its end, so what was signed can be made again on the same reading; one that is open
by all rows there are. The same rows and the same reading make the same report.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from .. import __version__
from ..analysis.practice_texts import TEXTS
from ..analysis.reviewing import Folded, ItemState, changes, fold, item_states, progress, standing
from ..analysis.words import exact, utc
from ..errors import BadInputError, UsageError
from ..model.identity import Identity
from ..model.practice import Practice
from ..model.review import (
    Campaign,
    Close,
    Clue,
    Decision,
    Entry,
    Evidence,
    Item,
    Mark,
    Score,
    Standing,
    Standings,
    Subject,
    SubjectKind,
    Undo,
)
from .campaigns import campaign_named, campaigns
from .desk import Finder
from .proposing import gaps_of
from .reportdata import (
    CONFLICT,
    DECISIONS,
    OPEN,
    Done,
    Earlier,
    Ending,
    Figures,
    Follow,
    Ledger,
    Line,
    PracticeLine,
    Reading,
    Report,
    Side,
    Signature,
    numbers_of,
)  # fmt: skip
from .reportreading import reading_of, without_place
from .reporttext import FORMS, form_of, written

if TYPE_CHECKING:
    from .facade import Session

Cancelled = Callable[[], bool]


def report(
    session: Session, campaign: Entry, *, at: datetime | None = None, closing: Entry | None = None, cancelled: Cancelled = lambda: False
) -> Report:
    """The report of a campaign. Reads the ledger, hashes evidence, and works out the practices of an open campaign: for a worker.

    at:      as of when, instead of the end or the latest of reading and ledger; rows written after it are left out
    closing: the end that is about to be written. Raises UsageError for a moment before the campaign, LedgerError.
    """
    body = campaign.body
    assert isinstance(body, Campaign)
    rows = _Rows(session, closing)
    if at is not None:
        from ..store.ledgerrows import last_id

        rows.cut(last_id(at))
    if campaign.id > rows.last:
        raise UsageError(f"{body.name} began {exact(campaign.at)}, after the moment asked for", "choose a later --as-of")
    close = rows.close_of(campaign)
    reading = reading_of(session)
    ending = close.body if close is not None else None
    assert ending is None or isinstance(ending, Close)
    if close is not None:
        rows.cut(close.id)  # other campaigns as well: those that went on then are told as they stood
    held = fold(rows.entries)
    as_of = close.at if close is not None else at or _latest(session, reading, rows.entries)
    states = item_states(held, campaign.id)
    trend = [rows.figures(entry, as_of) for entry in _campaigns(session, campaign)]
    parts = rows.parts(campaign)
    past = list(_past(rows, _campaigns(session, campaign)[:-1]))
    told = _Told(session, held, as_of, [*(state.item.subject for state in states), *(subject for _, subject, _ in past)])
    wanted = {_evidence_row(state) for state in states} | {held.id for _, held in parts} | {decided.id for _, _, decided in past}
    for state in states:
        if state.before is not None and not state.alike:
            wanted |= {state.before.id, state.entry.id}
    ledger, clues = _ledger(session, close, rows.last, wanted)
    lines = tuple(_line(place, state, clues, told, as_of) for place, state in enumerate(states, 1))
    alone = tuple(_part(place, *one, clues, told, as_of) for place, one in enumerate(parts, len(lines) + 1))
    earlier = tuple(_earlier(past, clues, told, held))
    if ending is not None:
        scores = None if ending.scores is msgspec.UNSET else ending.scores
        words = "as of its end" if scores is not None else "not recorded when it was closed"
    else:
        scores = scores_of(session, as_of, cancelled=cancelled)
        words = "as of this report"
    trend[-1] = msgspec.structs.replace(trend[-1], scores=scores)
    here = {snapshot.account for snapshot in session.world.snapshots}
    unread = tuple(f"account {account}: not in this reading" for account in body.accounts if account not in here)
    unread += tuple(without_place(words, session.info.paths) for words in gaps_of(session, body.scope))
    made = Report(
        tool=f"iamtui {__version__}",
        name=body.name,
        id=campaign.id,
        reviewer=body.reviewer,
        begun=campaign.at,
        as_of=as_of,
        accounts=body.accounts,
        scope=body.scope,
        min_age=body.min_age,
        idle_days=body.idle_days,
        ending=Ending(close.at, ending.reviewer, ending.note) if close is not None and ending is not None else None,
        note=ending.note if ending is not None else "",
        reading=reading,
        ledger=ledger,
        numbers=numbers_of(trend[-1], lines, alone, earlier, len(body.spared), len(dict.fromkeys((*body.gaps, *unread)))),
        panes=progress(states).panes,
        reviewers=progress(states).reviewers,
        lines=lines,
        parts=alone,
        gaps=body.gaps,
        unread=unread,
        spared=body.spared,
        practices=tuple(practice_lines(scores or ())),
        practices_words=words,
        trend=tuple(trend),
        earlier=earlier,
    )
    if ending is None or not ending.report:
        return made
    return msgspec.structs.replace(made, signature=Signature(ending.report, _digest(made) == ending.report))


def campaign_of(session: Session, name: str) -> Entry:
    """A campaign by name; for "" the open one, or when none is open the last that was closed. Raises NotFoundError, UsageError."""
    every = campaigns(session)
    if not name and every and all(end is not None for _, end in every):
        return every[-1][0]
    return campaign_named(session, name)


def default_name(name: str, form: str = "html") -> str:
    """A new file of the current folder for a campaign's report: of its name only what no file system minds."""
    word = "-".join(re.findall(r"[a-z0-9]+", name.casefold()))[:60] or "campaign"
    stem, ending = f"iamtui-review-{word}", FORMS[form]
    return next(path for n in range(1, 10_000) if not Path(path := f"{stem}{'' if n == 1 else f'-{n}'}{ending}").exists())


def write_report(session: Session, campaign: Entry, path: str = "", form: str = "", cancelled: Cancelled = lambda: False) -> str:
    """Write a campaign's report to a private file, in the form its name asks for unless one is given; says what was written, and
    whether it can be made again. Raises UsageError for a name of no form, BadInputError, LedgerError."""
    from ..store.files import write_lines

    form = form or (form_of(path) if path else "html")
    if not form:
        raise UsageError(f"{path} is of no form", f"its name ends in {', '.join(FORMS.values())}")
    made = report(session, campaign, cancelled=cancelled)
    path = path or default_name(made.name, form)
    try:
        write_lines(Path(path).expanduser(), written(made, form))
    except OSError as error:
        raise BadInputError(f"{path} could not be written: {error.strerror or error}", "choose another place") from None
    again = "" if made.reading.reproducible else f"; from {made.reading.words}, {made.reading.again.partition(';')[0].partition(':')[0]}"
    return f"Wrote the report of {made.name} to {path}: {made.number('items'):,} items, {made.number('open'):,} open{again}"


def _digest(made: Report) -> str:
    from .reportmarkdown import body

    return hashlib.sha256(body(made).encode()).hexdigest()


# -- practices -------------------------------------------------------------------------------------------------------


def scores_of(session: Session, at: datetime, closing: str = "", cancelled: Cancelled = lambda: False) -> tuple[Score, ...]:
    """How far the ten practices are kept. Reads what they need; of a live account that asks every Region about its logging."""
    if session.info.kind != "live" or session.trail.delivered:
        for _ in session.load_events(None, cancelled):
            pass
    return tuple(score_of(one) for one in session.load_practices(cancelled, at=at, closing=closing))


def score_of(one: Practice) -> Score:
    return Score(one.id, one.kept, one.of, one.held, len(one.offenders), len(one.missing))


def practice_lines(scores: Sequence[Score]) -> Iterator[PracticeLine]:
    """Scores with the words of their practices, also of those that a later version would have."""
    texts = {text.id: (number, text) for number, text in enumerate(TEXTS, 1)}
    for score in scores:
        number, text = texts.get(score.practice, (0, None))
        if text is None:
            words = f"{score.held:,} of {score.of:,} keep it"
        elif not score.of:
            words = "nothing could be looked at"
        else:
            words = (text.claim if score.offenders else text.good).format(bad=f"{score.of - score.held:,}", of=f"{score.of:,}")
        if score.missing and score.of:
            words += " (not all was looked at)"
        yield PracticeLine(number, text.title if text is not None else score.practice, words, score)


# -- the ledger's rows -----------------------------------------------------------------------------------------------


def _latest(session: Session, reading: Reading, entries: Iterable[Entry]) -> datetime:
    """The moment an open campaign's report is of: now where the reading is of now, else the latest thing in reading and ledger."""
    if reading.kind in ("live", "demo"):
        return session.now()
    return max([entry.at for entry in entries] + ([reading.as_of] if reading.as_of else []), default=session.now())


class _Rows:
    """The ledger's rows up to `last`, grouped so that each campaign is folded from what concerns it, as it was at its end."""

    def __init__(self, session: Session, closing: Entry | None) -> None:
        desk = session.desk
        if session.has_ledger:
            desk.look()
        self.entries = sorted([*desk.entries, *([closing] if closing is not None else [])], key=lambda entry: entry.id)
        self.last = self.entries[-1].id if self.entries else ""
        self._states: dict[str, tuple[ItemState, ...]] = {}
        self._group()

    def cut(self, ident: str) -> None:
        """Leave out the rows behind one."""
        self.last = ident
        self.entries = [entry for entry in self.entries if entry.id <= ident]
        self._states.clear()
        self._group()

    def _group(self) -> None:
        self._marks: dict[str, list[Entry]] = {}
        self._items: dict[str, list[Entry]] = {}
        self._undos: list[Entry] = []
        self._closes: dict[str, Entry] = {}
        for entry in self.entries:
            if isinstance(entry.body, Mark):
                self._marks.setdefault(entry.body.subject.key, []).append(entry)
            elif isinstance(entry.body, Item):
                self._items.setdefault(entry.campaign, []).append(entry)
            elif isinstance(entry.body, Undo):
                self._undos.append(entry)
            elif isinstance(entry.body, Close):
                self._closes.setdefault(entry.campaign, entry)

    def close_of(self, campaign: Entry) -> Entry | None:
        return self._closes.get(campaign.id)

    def states(self, campaign: Entry) -> tuple[ItemState, ...]:
        """The items of a campaign as they were at its end, or are."""
        if campaign.id not in self._states:
            close, items = self.close_of(campaign), self._items.get(campaign.id, [])
            cut = close.id if close is not None else self.last
            keys = dict.fromkeys(entry.body.subject.key for entry in items if isinstance(entry.body, Item))
            marks = [entry for key in keys for entry in self._marks.get(key, ()) if entry.id <= cut]
            undos = [entry for entry in self._undos if entry.id <= cut]
            held = fold([campaign, *items, *marks, *undos, *([close] if close is not None else [])])
            self._states[campaign.id] = item_states(held, campaign.id)
        return self._states[campaign.id]

    def parts(self, campaign: Entry) -> list[tuple[Subject, Standing]]:
        """What was decided in a campaign about grants and keys alone: of its items, or made in it by name."""
        close = self.close_of(campaign)
        cut = close.id if close is not None else self.last
        owners = {state.item.subject.key for state in self.states(campaign)}
        undone = {entry.body.batch for entry in self._undos if entry.id <= cut and isinstance(entry.body, Undo)}
        found = []
        for told in self._marks.values():
            subject = _mark(told[0]).subject
            if subject.kind not in (SubjectKind.GRANT, SubjectKind.KEY):
                continue
            ours = f"{subject.arn}#{subject.unique_id}" in owners
            inside = [e for e in told if e.id <= cut and (_mark(e).campaign == campaign.id or (ours and e.at >= campaign.at))]
            dead = {entry.id for entry in inside if (_mark(entry).batch or entry.id) in undone}
            held = standing(inside, dead) if inside else None
            if held is not None:
                found.append((subject, held))
        return sorted(found, key=lambda one: (one[0].arn, one[0].name.casefold(), one[0].key))

    def figures(self, campaign: Entry, as_of: datetime) -> Figures:
        assert isinstance(campaign.body, Campaign)
        states, close = self.states(campaign), self.close_of(campaign)
        count = progress(states)
        named = dict(count.decisions)
        until = close.at if close is not None else as_of
        scores = close.body.scores if close is not None and isinstance(close.body, Close) else msgspec.UNSET
        return Figures(
            campaign.body.name,
            campaign.id,
            campaign.at,
            close.at if close is not None else None,
            count.total,
            count.decided,
            count.total - count.decided - count.conflicts,
            count.conflicts,
            tuple((decision, named.get(decision.value, 0)) for decision in DECISIONS),
            max((until - campaign.at).days, 0),
            None if scores is msgspec.UNSET else scores,
        )


def _mark(entry: Entry) -> Mark:
    assert isinstance(entry.body, Mark)
    return entry.body


def _campaigns(session: Session, campaign: Entry) -> list[Entry]:
    """Campaigns about the same accounts that began before, oldest first, then this one."""
    assert isinstance(campaign.body, Campaign)
    mine = set(campaign.body.accounts)
    found = []
    for entry, _ in campaigns(session):
        assert isinstance(entry.body, Campaign)
        if entry.id < campaign.id and (not mine or not entry.body.accounts or mine & set(entry.body.accounts)):
            found.append(entry)
    return [*sorted(found, key=lambda entry: entry.id), campaign]


def _ledger(session: Session, close: Entry | None, cut: str, wanted: set[str]) -> tuple[Ledger, Mapping[str, tuple[Clue, ...]]]:
    """The rows as `review export` writes them, counted and hashed, and the evidence of some."""
    from ..store.ledger import export_lines

    found: dict[str, tuple[Clue, ...]] = {}
    ledger = session.desk.ledger

    def rows() -> Iterator[Entry]:
        for entry in ledger.entries():
            if entry.id > cut or (close is not None and entry.id == close.id):
                return
            if entry.id in wanted:
                found[entry.id] = entry.evidence
            yield entry

    count, told = 0, hashlib.sha256()
    for line in export_lines(rows()):
        count += 1
        told.update(line.encode())
    return Ledger(count, told.hexdigest(), tuple(dict.fromkeys(ledger.refused))), found


# -- items -----------------------------------------------------------------------------------------------------------


class _Told:
    """How subjects stand by the reading."""

    def __init__(self, session: Session, held: Folded, at: datetime, subjects: Iterable[Subject]) -> None:
        self._snapshots = {snapshot.account: snapshot for snapshot in session.world.snapshots}
        findings: Sequence[Any] | None = None
        if any(subject.kind is SubjectKind.FINDING for subject in subjects):
            from ..analysis.findings import findings as work_out

            findings = work_out(session.world.snapshots, session.surroundings(), at)
        self._finder = Finder(session.world.snapshots, findings, at)
        owners = {key: name for key, (_, name) in held.owners.items() if name}
        self._standings = Standings(owners=owners, owner_tags=session.review_settings.owner_tags)
        self._arns: dict[str, str] | None = None

    def owner(self, subject: Subject) -> str:
        from ..analysis.review_columns import owner

        item = self._finder.item(subject.key)
        if item is None:
            return self._standings.owners.get(subject.key, "")
        told = owner(item[0], msgspec.structs.replace(item[1], standings=self._standings))
        return str(told.value or "") if told.is_known else ""

    def follow(self, subject: Subject, clues: Sequence[Clue]) -> Follow:
        """By unique id, against the evidence of a decision."""
        now = self._finder.evidence(subject)
        if now is not None:
            found, unread = changes(clues, now)
            return Follow(Done.CHANGED if found else Done.THERE, found, unread)
        snapshot = self._snapshots.get(subject.account)
        if snapshot is None:
            return Follow(Done.UNTOLD, words=f"account {subject.account or 'unknown'} is not in this reading")
        if not self._finder.gone(subject):
            return Follow(Done.UNTOLD, words="not everything was read that would hold it")
        owner_key = f"{subject.arn}#{subject.unique_id}"
        if subject.kind is SubjectKind.KEY and self._finder.item(owner_key) is not None:
            listed = subject.arn in snapshot.access_keys
            by_slot = "/key " in subject.key
            if listed == by_slot or (by_slot and subject.arn not in snapshot.credentials):
                return Follow(Done.UNTOLD, words="this reading does not name keys as they were named then")
        if subject.kind in (SubjectKind.IDENTITY, SubjectKind.POLICY) and self._again(subject):
            return Follow(Done.AGAIN)
        return Follow(Done.GONE)

    def _again(self, subject: Subject) -> bool:
        """Whether another has its ARN now."""
        if self._arns is None:
            self._arns = {}
            for snapshot in self._snapshots.values():
                everyone: tuple[Identity, ...] = (*snapshot.users, *snapshot.roles, *snapshot.groups)
                self._arns.update((identity.arn, identity.unique_id) for identity in everyone)
                self._arns.update((policy.arn, policy.policy_id) for policy in snapshot.policies)
        other = self._arns.get(subject.arn)
        return bool(other) and other != subject.unique_id


def _past(rows: _Rows, earlier: Sequence[Entry]) -> Iterator[tuple[Entry, Subject, Standing]]:
    """What was decided in earlier campaigns, the latest first."""
    for entry in reversed(earlier):
        for state in rows.states(entry):
            if state.decided is not None:
                yield entry, state.item.subject, state.decided
        for subject, held in rows.parts(entry):
            yield entry, subject, held


def _evidence_row(state: ItemState) -> str:
    return state.decided.id if state.decided is not None else state.entry.id


def _side(mark: Mark, at: datetime) -> Side:
    return Side(mark.reviewer, mark.decision, utc(at), mark.reason, mark.expires, mark.ticket, mark.hash)


def _state(held: Standing | None) -> str:
    if held is None:
        return OPEN
    return CONFLICT if held.conflict else held.mark.decision.value


def _line(place: int, state: ItemState, clues: Mapping[str, tuple[Clue, ...]], told: _Told, as_of: datetime) -> Line:
    item, held = state.item, state.decided
    evidence = clues.get(_evidence_row(state), ())
    since: tuple[Any, ...] = ()
    if state.before is not None and not state.alike:
        frozen = clues.get(state.entry.id, ())
        since, _ = changes(clues.get(state.before.id, ()), Evidence(frozen))
    return Line(
        place,
        item.pane,
        item.subject,
        item.score,
        item.signs,
        _state(held),
        tuple(_side(mark, at) for _, at, mark in held.marks) if held is not None else (),
        held is not None and held.expired(as_of),
        held.mark.hash if held is not None else item.hash,
        evidence,
        told.owner(item.subject),
        told.follow(item.subject, evidence) if held is not None else None,
        _side(state.before.mark, state.before.at) if state.before is not None else None,
        since,
    )


def _part(place: int, subject: Subject, held: Standing, clues: Mapping[str, tuple[Clue, ...]], told: _Told, as_of: datetime) -> Line:
    evidence = clues.get(held.id, ())
    sides = tuple(_side(mark, at) for _, at, mark in held.marks)
    follow = told.follow(subject, evidence)
    return Line(place, "", subject, 0, (), _state(held), sides, held.expired(as_of), held.mark.hash, evidence, told.owner(subject), follow)


def _earlier(
    past: Sequence[tuple[Entry, Subject, Standing]], clues: Mapping[str, tuple[Clue, ...]], told: _Told, held: Folded
) -> Iterator[Earlier]:
    """What earlier campaigns wanted removed or reduced: each subject once, as its latest campaign had it."""
    seen: set[str] = set()
    for entry, subject, decided in past:
        if subject.key in seen:
            continue
        seen.add(subject.key)
        mark = decided.mark
        if decided.conflict or mark.decision not in (Decision.REMOVE, Decision.REDUCE):
            continue
        assert isinstance(entry.body, Campaign)
        in_force = held.marks.get(subject.key)
        now = _state(in_force) if in_force is not None and in_force.id != decided.id else ""
        follow = told.follow(subject, clues.get(decided.id, ()))
        yield Earlier(entry.body.name, subject, mark.decision, mark.reviewer, utc(decided.at), mark.reason, mark.ticket, follow, now)
