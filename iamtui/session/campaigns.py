"""Campaigns: scope and evidence frozen, a queue by risk and disuse, one item with what a reviewer needs, carry-over, leavers, the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from ..analysis.grounds import IDLE_DAYS, evidence_of
from ..analysis.leavers import LeaverMatch, Person
from ..analysis.reviewing import ItemState, Progress, fold, item_states, progress
from ..errors import NotFoundError, UsageError
from ..model.review import Campaign, Close, Decision, Entry, Item, Score, Undo
from .answers import Row
from .desk import Finder
from .proposing import DEFAULT_SCOPE, MIN_AGE, PANES, Proposed, around, folded, propose, scope_of
from .reviewing import MOST_REASON, Decided
from .reviewitems import ItemView, Part, item_view, row_of

if TYPE_CHECKING:
    from .facade import Session


class Queue(msgspec.Struct, frozen=True, eq=False):
    """A campaign as it stands. `campaign` None: none is open, and the items are what one begun now would hold."""

    campaign: Entry | None
    states: tuple[ItemState, ...]
    progress: Progress
    closed: Entry | None = None
    spared: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.campaign.body.name if self.campaign is not None and isinstance(self.campaign.body, Campaign) else ""


# -- campaigns -------------------------------------------------------------------------------------------------------


def start(
    session: Session,
    name: str,
    scope: Sequence[tuple[str, str]] = DEFAULT_SCOPE,
    *,
    min_age: int = MIN_AGE,
    idle_days: int = IDLE_DAYS,
    left: Iterable[str] = (),
    cancelled: Callable[[], bool] = lambda: False,
) -> Entry:
    """Begin a campaign: its scope, order and evidence are written down as they are now. Raises UsageError, LedgerError."""
    from ..store.ledger import new_id

    name = name.strip()[:MOST_REASON]
    if not name:
        raise UsageError("A campaign wants a name", 'iamtui review start "2026 Q4"')
    for entry in open_campaigns(session):
        if isinstance(entry.body, Campaign) and entry.body.name.casefold() == name.casefold():
            raise UsageError(f"{name} is open already, since {entry.at:%Y-%m-%d}", "close it, or choose another name")
    found = propose(session, scope, min_age=min_age, idle_days=idle_days, left=left, cancelled=cancelled)
    now = session.now()
    ident = new_id(now)
    accounts = tuple(snapshot.account for snapshot in session.world.snapshots)
    body = Campaign(name, session.reviewer, found.scope, min_age, idle_days, len(found.items), found.spared, accounts, found.gaps)
    first = Entry(ident, now, accounts[0] if len(accounts) == 1 else "", ident, body)
    entries = [first]
    for place, one in enumerate(found.items):
        item = Item(one.subject, place, one.pane, one.weight.score, one.weight.signs, one.evidence.hash)
        entries.append(Entry(new_id(now), now, one.subject.account, ident, item, one.evidence.clues))
    session.desk.add(entries)
    return first


def campaigns(session: Session) -> tuple[tuple[Entry, Entry | None], ...]:
    """(campaign, its end) of the open accounts, oldest first."""
    if not session.has_ledger:
        return ()
    known = folded(session)
    open_ = {snapshot.account for snapshot in session.world.snapshots}
    found = []
    for ident, entry in known.campaigns.items():
        assert isinstance(entry.body, Campaign)
        if not entry.body.accounts or open_ & set(entry.body.accounts):
            found.append((entry, known.closes.get(ident)))
    return tuple(found)


def open_campaigns(session: Session) -> tuple[Entry, ...]:
    return tuple(entry for entry, closed in campaigns(session) if closed is None)


def campaign_named(session: Session, name: str, *, closed: bool = True) -> Entry:
    """A campaign by its name, or the beginning of its id; the only open one for "". Raises NotFoundError, UsageError."""
    every = campaigns(session)
    if not name:
        running = [entry for entry, end in every if end is None]
        if len(running) == 1:
            return running[0]
        if not running:
            raise NotFoundError("No campaign is open", 'iamtui review start "2026 Q4" begins one')
        raise UsageError(f"{len(running)} campaigns are open", "say which: " + ", ".join(campaign_name(entry) for entry in running))
    wanted = name.strip().casefold()
    found = [
        entry
        for entry, end in every
        if (closed or end is None)
        and (campaign_name(entry).casefold() == wanted or (len(wanted) > 5 and entry.id.casefold().startswith(wanted)))
    ]
    if not found:
        raise NotFoundError(f"There is no campaign {name}" + ("" if closed else " that is open"), "iamtui review list names them")
    running = [entry for entry in found if entry in open_campaigns(session)]
    return (running or found)[-1]


def campaign_name(entry: Entry) -> str:
    assert isinstance(entry.body, Campaign)
    return entry.body.name


def queue(session: Session, campaign: Entry | None, cancelled: Callable[[], bool] = lambda: False) -> Queue:
    """A campaign as it stands; without one, what one begun now would hold (seconds: for a worker)."""
    if campaign is not None:
        known = folded(session)
        end = known.closes.get(campaign.id)
        if end is not None and any(isinstance(entry.body, Undo) and entry.id > end.id for entry in session.desk.entries):
            # What was taken back since was decided all the same when it was closed.
            known = fold(entry for entry in session.desk.entries if entry.id <= end.id)
        states = item_states(known, campaign.id)
        assert isinstance(campaign.body, Campaign)
        return Queue(campaign, states, progress(states), known.closes.get(campaign.id), campaign.body.spared, campaign.body.gaps)
    found = propose(session, cancelled=cancelled)
    now = session.now()
    marks = folded(session).marks if session.has_ledger else {}
    made = []
    for place, one in enumerate(found.items):
        item = Item(one.subject, place, one.pane, one.weight.score, one.weight.signs, one.evidence.hash)
        held = marks.get(one.subject.key)
        alike = held is not None and held.mark.hash == item.hash
        # Without a campaign what is in force is what was decided, as long as nothing opens it again.
        stands = held if held is not None and alike and not held.expired(now) else None
        made.append(ItemState(Entry("", now, one.subject.account, "", item, one.evidence.clues), stands, None if stands else held, alike))
    states = tuple(made)
    return Queue(None, states, progress(states), None, found.spared, found.gaps)


def decide_items(
    session: Session,
    queue_: Queue,
    states: Sequence[ItemState],
    decision: Decision,
    *,
    reason: str = "",
    expires: datetime | None = None,
    ticket: str = "",
) -> Decided:
    """One decision about some items, on the facts as they are now. Raises UsageError where the campaign is closed, NotFoundError
    where none of them is there any more."""
    if queue_.closed is not None:
        raise UsageError(f"{queue_.name} was closed {queue_.closed.at:%Y-%m-%d}: its decisions stand as they are")
    finder = Finder(session.world.snapshots, session._found.findings, session.now())
    rows = [(state, row_of(session, state.item.subject, finder)) for state in states]
    gone = [state.item.subject.name for state, row in rows if row is None]
    if len(gone) == len(rows):
        raise NotFoundError(f"{', '.join(gone[:3])}: no longer in what has been read")
    ident = queue_.campaign.id if queue_.campaign is not None else ""
    present = [row for _, row in rows if row is not None]
    done = session.decide(present, decision, reason=reason, expires=expires, ticket=ticket, campaign=ident)
    return msgspec.structs.replace(done, refused=(*done.refused, *(f"{name} is no longer there" for name in gone)))


def carried(states: Iterable[ItemState], now: datetime) -> tuple[tuple[ItemState, ...], tuple[ItemState, ...]]:
    """Open items with a decision from before: (those whose evidence is as it was, which one key confirms; those to look at again).
    What has expired is always looked at again."""
    alike: list[ItemState] = []
    changed: list[ItemState] = []
    for state in states:
        if state.decided is None and state.before is not None:
            (alike if state.alike and not state.before.expired(now) and not state.before.conflict else changed).append(state)
    return tuple(alike), tuple(changed)


def confirm(session: Session, queue_: Queue, states: Sequence[ItemState]) -> int:
    """Decide again as before about items whose evidence is as it was. Answers how many; those that changed meanwhile are left open."""
    now, count = session.now(), 0
    finder = Finder(session.world.snapshots, session._found.findings, now)
    alike, _ = carried(states, now)
    by: dict[tuple[Any, ...], list[Row]] = {}
    for state in alike:
        assert state.before is not None
        row = row_of(session, state.item.subject, finder)
        if row is None or evidence_of(row.item, row.snapshot, now).hash != state.before.mark.hash:
            continue
        mark = state.before.mark
        by.setdefault((mark.decision, mark.reason, mark.expires, mark.ticket), []).append(row)
    for (decision, reason, expires, ticket), rows in by.items():
        ident = queue_.campaign.id if queue_.campaign is not None else ""
        count += session.decide(rows, decision, reason=reason, expires=expires, ticket=ticket, campaign=ident).count
    return count


def closing(
    session: Session,
    campaign: Entry,
    note: str = "",
    scores: tuple[Score, ...] | msgspec.UnsetType = msgspec.UNSET,
    at: datetime | None = None,
) -> Entry:
    """The end of a campaign as `close` would write it now, without the report's hash. Raises UsageError when it has ended already."""
    from ..store.ledger import new_id

    told = queue(session, campaign)
    if told.closed is not None:
        raise UsageError(f"{told.name} was closed {told.closed.at:%Y-%m-%d} by {_closer(told.closed)}")
    now, count = at or session.now(), told.progress
    open_ = count.total - count.decided - count.conflicts
    body = Close(session.reviewer, count.decided, open_, count.conflicts, note.strip()[:MOST_REASON], "", scores)
    # Behind all rows of its moment: its report is told by the rows before it.
    held = max((entry.id for entry in session.desk.entries if entry.at <= now), default="")
    return Entry(new_id(now, held), now, campaign.account, campaign.id, body)


def close(session: Session, campaign: Entry, report_hash: str, note: str = "", made: Entry | None = None) -> Entry:
    """End a campaign, signed by the reviewer; `made` is the end its report was written with. Raises UsageError when it has ended already."""
    now = closing(session, campaign, note)
    entry = made or now
    assert isinstance(entry.body, Close)
    entry = msgspec.structs.replace(entry, body=msgspec.structs.replace(entry.body, report=report_hash))
    session.desk.add([entry])
    return entry


def _closer(entry: Entry) -> str:
    assert isinstance(entry.body, Close)
    return entry.body.reviewer


def leavers(session: Session, text: str) -> tuple[tuple[LeaverMatch, ...], tuple[Person, ...], str]:
    """(matches, people nothing matches, how the list was read). Raises BadInputError."""
    from ..analysis.leavers import match, people

    found, how = people(text)
    matches, missed = match(found, session.world.snapshots)
    return matches, missed, how


__all__ = [
    "DEFAULT_SCOPE",
    "MIN_AGE",
    "PANES",
    "ItemView",
    "Part",
    "Proposed",
    "Queue",
    "around",
    "campaign_named",
    "campaigns",
    "carried",
    "close",
    "closing",
    "confirm",
    "decide_items",
    "folded",
    "item_view",
    "leavers",
    "open_campaigns",
    "propose",
    "queue",
    "scope_of",
    "start",
]
