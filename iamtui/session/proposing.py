"""What a campaign would hold: scopes, the order by risk and disuse, what is spared and what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from ..analysis.grants import grants
from ..analysis.grounds import IDLE_DAYS, evidence_of, subject_of
from ..analysis.queueing import Around, Weight, given_at, granted, is_young, reviewable, tagged_leavers, weigh
from ..analysis.reviewing import Folded
from ..errors import UsageError
from ..model.account import GROUPS, POLICIES, ROLES, USERS, Snapshot
from ..model.finding import Finding
from ..model.identity import Group, Role, User
from ..model.review import Evidence, Subject
from .answers import ListKind, Row

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
    return Proposed(tuple(scope), tuple(items), tuple(dict.fromkeys(spared)), gaps_of(session, scope), tuple(untold))


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


def gaps_of(session: Session, scope: Sequence[tuple[str, str]]) -> tuple[str, ...]:
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


def folded(session: Session) -> Folded:
    """Everything in the ledger, looked at again: what is shown from now on is what others wrote as well. Raises LedgerError."""
    if session.has_ledger and session.desk.look() and session.standings is not None:
        session._take_in()
    return session.desk.folded
