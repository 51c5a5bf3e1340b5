"""Campaigns: scope and evidence frozen, a queue by risk and disuse, one item with what a reviewer needs, carry-over, leavers, the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from ..analysis.grants import grants
from ..analysis.grounds import IDLE_DAYS, evidence_of, grant_evidence, grant_subject, keys_of, subject_of
from ..analysis.leavers import LeaverMatch, Person
from ..analysis.queueing import Around, Weight, given_at, granted, is_young, last_seen, reviewable, tagged_leavers, weigh
from ..analysis.review_columns import owner
from ..analysis.reviewing import Folded, ItemState, Progress, changes, item_states, progress
from ..errors import NotFoundError, UsageError
from ..model.account import GROUPS, POLICIES, ROLES, USERS, Snapshot
from ..model.fact import Fact, State, absent
from ..model.finding import Finding
from ..model.identity import Group, Identity, Role, User
from ..model.policy import Grant
from ..model.review import Campaign, Change, Close, Decision, Entry, Evidence, Item, Standing, Subject
from .answers import ListKind, Row
from .reviewing import MOST_REASON, Decided, Finder

if TYPE_CHECKING:
    from .facade import Session

MIN_AGE = 30
"""Days within which something new is spared, unless a campaign says otherwise."""

PANES = ("users", "roles", "groups", "policies", "findings")
DEFAULT_SCOPE: tuple[tuple[str, str], ...] = (("users", ""), ("roles", ""))
MOST_ITEMS = 100_000


class Proposal(msgspec.Struct, frozen=True):
    """One thing a campaign would hold: what, why, and the facts about it."""

    subject: Subject
    row: Row
    pane: str
    weight: Weight
    evidence: Evidence


class Proposed(msgspec.Struct, frozen=True):
    """What a campaign would hold, in the order of its queue. `spared` is what is too new, `gaps` what could not be read."""

    scope: tuple[tuple[str, str], ...]
    items: tuple[Proposal, ...]
    spared: tuple[str, ...]
    gaps: tuple[str, ...]
    untold: tuple[str, ...] = ()


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


class Part(msgspec.Struct, frozen=True):
    """Something an identity holds that can be decided about by itself: a grant or a key.

    given: when it came and by which call, where events tell; `young` while it is too new to be judged by its use
    """

    subject: Subject
    evidence: Evidence
    label: str
    how: str
    given: str = ""
    young: bool = False
    standing: Standing | None = None


class ItemView(msgspec.Struct, frozen=True, eq=False):
    """What a reviewer needs about one item. `row` None: it is no longer there.

    changes: what of the evidence is not as it was frozen; `since` what is not as it was at the decision before
    """

    state: ItemState
    row: Row | None
    evidence: Evidence
    changes: tuple[Change, ...]
    since: tuple[Change, ...]
    parts: tuple[Part, ...]
    findings: tuple[Finding, ...]
    admin: bool
    owner: Fact[Any]
    seen: Fact[Any]
    standing: Standing | None


_GONE: Fact[Any] = absent(State.NOT_APPLICABLE, detail="it is no longer there")

# -- scope and order -------------------------------------------------------------------------------------------------


def scope_of(words: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """`roles last-used:>90d` and its like as (pane, filter). Raises UsageError."""
    found: list[tuple[str, str]] = []
    for text in words:
        pane, _, rest = text.strip().partition(" ")
        folded = pane.casefold()
        if folded not in PANES:
            folded += "s"
        if folded not in PANES:
            raise UsageError(
                f"{pane or 'nothing'} is no list that can be reviewed", f"a scope begins with {', '.join(PANES)}: roles last-used:>90d"
            )
        found.append((folded, rest.strip()))
    return tuple(dict.fromkeys(found)) or DEFAULT_SCOPE


def around(session: Session, idle_days: int = IDLE_DAYS, left: Iterable[str] = (), cancelled: Callable[[], bool] = lambda: False) -> Around:
    """What everything is weighed with; made once for a state of the account. Seconds: for a worker."""
    from ..analysis.escalation.evaluating import Field
    from ..analysis.findings import findings

    world = session.world
    told = frozenset(name.casefold() for name in left) | tagged_leavers(world.snapshots)
    key = (world, session.windows(), told, idle_days)
    held = session._around
    if held is not None and held[0] == key:
        kept: Around = held[1]
        return kept
    surroundings = session.surroundings()
    if session._found.of is world:
        every: Sequence[Finding] = session._found.findings
    else:
        every = findings(world.snapshots, surroundings, session.now(), cancelled)
    by_arn: dict[str, list[Finding]] = {}
    for one in every:
        by_arn.setdefault(one.arn, []).append(one)
    admins = {arn for snapshot in world.snapshots for arn in Field(snapshot, surroundings).admins}
    events = session.search.everything(200_000) if session.has_events() else ()
    made = Around(session.now(), idle_days, {arn: tuple(held) for arn, held in by_arn.items()}, frozenset(admins), told, granted(events))
    if not cancelled():
        session._around = (key, made)
    return made


def propose(
    session: Session,
    scope: Sequence[tuple[str, str]] = DEFAULT_SCOPE,
    *,
    min_age: int = MIN_AGE,
    idle_days: int = IDLE_DAYS,
    left: Iterable[str] = (),
    cancelled: Callable[[], bool] = lambda: False,
) -> Proposed:
    """What a campaign would hold. Raises UsageError for a filter nobody understands."""
    now = session.now()
    if any(pane == "findings" for pane, _ in scope) and session.findings_stale:
        session.load_findings(cancelled)
    beside = around(session, idle_days, left, cancelled)
    found: dict[str, Proposal] = {}
    spared: list[str] = []
    untold: list[str] = []
    for pane, text in scope:
        selection = session.select(ListKind(pane), text)
        if selection.error:
            raise UsageError(f"{pane} {text}: {selection.error}", "a scope is a list and its filter: roles last-used:>90d")
        for row in selection.rows:
            item: Any = row.item
            if not reviewable(item):
                continue
            subject = subject_of(item, row.snapshot)
            if subject is None:
                untold.append(item.name)
                continue
            if subject.key in found:
                continue
            if is_young(item, now, min_age):
                spared.append(f"{subject.noun} {subject.name}, made {item.created:%Y-%m-%d}")
                continue
            weight = weigh(item, row.snapshot, beside)
            if beside.grants:
                weight = msgspec.structs.replace(weight, signs=weight.signs + tuple(_new_grants(item, row.snapshot, beside, min_age)))
            found[subject.key] = Proposal(subject, row, pane, weight, evidence_of(item, row.snapshot, now))
            if len(found) > MOST_ITEMS:
                raise UsageError(f"The scope holds more than {MOST_ITEMS:,} things", "narrow it by filters, or review in several campaigns")
    items = sorted(found.values(), key=lambda p: (-p.weight.score, _age(p.row.item), p.subject.name.casefold(), p.subject.key))
    return Proposed(tuple(scope), tuple(items), tuple(dict.fromkeys(spared)), _gaps(session, scope), tuple(untold))


def _new_grants(item: Any, snapshot: Snapshot, beside: Around, min_age: int) -> Iterable[str]:
    """Policies that came within the days, as far as events tell: too new to be judged by their use."""
    if isinstance(item, User | Role | Group):
        for grant in grants(item, snapshot):
            told = given_at(item, grant, beside)
            if told is not None and told[0] > beside.now - timedelta(days=min_age):
                yield f"spared as new: {grant.policy_name}, given {told[0]:%Y-%m-%d}"


def _age(item: Any) -> float:
    created = getattr(item, "created", None)
    return created.timestamp() if created is not None else 0.0


def _gaps(session: Session, scope: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """What of the account could not be read, in sentences: a review must say so."""
    told = [f"{gap.state.value}: {gap.reason}" for snapshot in session.world.snapshots for gap in snapshot.gaps]
    told += [f"{gap.state.value}: {gap.reason}" for gap in session.world.gaps]
    names = {"users": USERS, "roles": ROLES, "groups": GROUPS, "policies": POLICIES}
    for snapshot in session.world.snapshots:
        for pane, _ in scope:
            section = snapshot.section(names[pane]) if pane in names else None
            if section is not None and not section.complete:
                told.append(
                    f"{pane} of {snapshot.account}: {section.state.value if section.state.value != 'known' else 'not all pages were read'}"
                )
    return tuple(dict.fromkeys(told))


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


def folded(session: Session) -> Folded:
    """Everything in the ledger, looked at again: what is shown from now on is what others wrote as well. Raises LedgerError."""
    if session.has_ledger and session.desk.look() and session.standings is not None:
        session._take_in()
    return session.desk.folded


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
        raise UsageError(f"{len(running)} campaigns are open", "say which: " + ", ".join(_name(entry) for entry in running))
    wanted = name.strip().casefold()
    found = [
        entry
        for entry, end in every
        if (closed or end is None) and (_name(entry).casefold() == wanted or (len(wanted) > 5 and entry.id.casefold().startswith(wanted)))
    ]
    if not found:
        raise NotFoundError(f"There is no campaign {name}" + ("" if closed else " that is open"), "iamtui review list names them")
    running = [entry for entry in found if entry in open_campaigns(session)]
    return (running or found)[-1]


def _name(entry: Entry) -> str:
    assert isinstance(entry.body, Campaign)
    return entry.body.name


def queue(session: Session, campaign: Entry | None, cancelled: Callable[[], bool] = lambda: False) -> Queue:
    """A campaign as it stands; without one, what one begun now would hold (seconds: for a worker)."""
    if campaign is not None:
        known = folded(session)
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


def item_view(session: Session, state: ItemState, min_age: int = MIN_AGE) -> ItemView:
    """One item with what a reviewer needs. Reads the evidence as it was frozen: for a worker."""
    subject, now = state.item.subject, session.now()
    row = _row(session, subject)
    frozen = state.entry.evidence or (session.evidence_then(state.entry.id) if state.entry.id else ())
    beside = around(session)
    claims = beside.findings.get(subject.arn, ())
    if row is None:
        return ItemView(state, None, Evidence(frozen), (), (), (), claims, False, _GONE, _GONE, None)
    current = evidence_of(row.item, row.snapshot, now)
    changed, _ = changes(frozen, current) if state.entry.id else ((), ())
    since: tuple[Change, ...] = ()
    if state.before is not None and not state.alike:
        since, _ = changes(session.evidence_then(state.before.id), Evidence(frozen))
    item: Any = row.item
    return ItemView(
        state,
        row,
        current,
        changed,
        since,
        tuple(_parts(session, item, row.snapshot, beside, min_age)),
        claims,
        subject.arn in beside.admins,
        owner(item, row.snapshot),
        last_seen(item, row.snapshot),
        folded(session).marks.get(subject.key) if session.has_ledger else None,
    )


def _row(session: Session, subject: Subject, finder: Finder | None = None) -> Row | None:
    """The row of a subject as it is now; None when it is no longer there."""
    finder = finder or Finder(session.world.snapshots, session._found.findings, session.now())
    held = finder.item(subject.key)
    if held is None:
        return None
    return Row(subject.key.rpartition("#")[0] if subject.key.startswith("finding:") else subject.key, held[0], held[1])


def _parts(session: Session, item: Any, snapshot: Snapshot, beside: Around, min_age: int) -> Iterable[Part]:
    """Grants and keys of an identity."""
    if not isinstance(item, User | Role | Group):
        return
    marks = folded(session).marks if session.has_ledger else {}
    cutoff = session.now() - timedelta(days=min_age)
    for grant in grants(item, snapshot):
        subject = grant_subject(item, snapshot, grant)
        told = given_at(item, grant, beside)
        given = f"{told[1]} {told[0]:%Y-%m-%d}" if told is not None else ""
        young = told is not None and told[0] > cutoff
        yield Part(
            subject, grant_evidence(grant), grant.policy_name or "(not read)", _way(item, grant), given, young, marks.get(subject.key)
        )
    if isinstance(item, User):
        for subject, evidence in keys_of(item, snapshot):
            facts = {clue.name: clue.value for clue in evidence.clues}
            label = subject.name.removesuffix(f" of {item.name}")
            how = f"{'active' if facts.get('active') == 'yes' else 'inactive'}, last used {facts.get('last used', 'not told')}"
            yield Part(subject, evidence, label, how, standing=marks.get(subject.key))


def _way(identity: Identity, grant: Grant) -> str:
    return f"through group {grant.group}" if grant.group and not isinstance(identity, Group) else grant.via.value


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
    rows = [(state, _row(session, state.item.subject, finder)) for state in states]
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
        row = _row(session, state.item.subject, finder)
        if row is None or evidence_of(row.item, row.snapshot, now).hash != state.before.mark.hash:
            continue
        mark = state.before.mark
        by.setdefault((mark.decision, mark.reason, mark.expires, mark.ticket), []).append(row)
    for (decision, reason, expires, ticket), rows in by.items():
        ident = queue_.campaign.id if queue_.campaign is not None else ""
        count += session.decide(rows, decision, reason=reason, expires=expires, ticket=ticket, campaign=ident).count
    return count


def close(session: Session, campaign: Entry, report_hash: str, note: str = "") -> Entry:
    """End a campaign, signed by the reviewer. Raises UsageError when it has ended already."""
    from ..store.ledger import new_id

    told = queue(session, campaign)
    if told.closed is not None:
        raise UsageError(f"{told.name} was closed {told.closed.at:%Y-%m-%d} by {_closer(told.closed)}")
    now, count = session.now(), told.progress
    open_ = count.total - count.decided - count.conflicts
    body = Close(session.reviewer, count.decided, open_, count.conflicts, note.strip()[:MOST_REASON], report_hash)
    entry = Entry(new_id(now), now, campaign.account, campaign.id, body)
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
