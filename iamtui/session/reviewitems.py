"""One item of a review with what a reviewer needs: what it holds, when it was used, what is claimed, what was decided, what changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from ..analysis.grants import grants
from ..analysis.grounds import evidence_of, grant_evidence, grant_subject, keys_of
from ..analysis.queueing import Around, given_at, last_seen
from ..analysis.review_columns import owner
from ..analysis.reviewing import ItemState, changes
from ..model.account import Snapshot
from ..model.fact import Fact, State, absent
from ..model.finding import Finding
from ..model.identity import Group, Identity, Role, User
from ..model.policy import Grant
from ..model.review import Change, Evidence, Standing, Subject
from .answers import Row
from .desk import Finder
from .proposing import MIN_AGE, around, folded

if TYPE_CHECKING:
    from .facade import Session


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


def item_view(session: Session, state: ItemState, min_age: int = MIN_AGE) -> ItemView:
    """One item with what a reviewer needs. Reads the evidence as it was frozen: for a worker."""
    subject, now = state.item.subject, session.now()
    row = row_of(session, subject)
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


def row_of(session: Session, subject: Subject, finder: Finder | None = None) -> Row | None:
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
        told = given_at(item, grant, beside)
        given = f"{told[1]} {told[0]:%Y-%m-%d}" if told is not None else ""
        young = told is not None and told[0] > cutoff
        yield grant_part(item, snapshot, grant, marks, given=given, young=young)
    yield from key_parts(item, snapshot, marks)


def grant_part(
    item: Identity, snapshot: Snapshot, grant: Grant, marks: Mapping[str, Standing], *, given: str = "", young: bool = False
) -> Part:
    """A grant of an identity, as something to decide about. `marks`: what is in force, by the key of what it is about."""
    subject = grant_subject(item, snapshot, grant)
    name = grant.policy_name or "(not read)"
    return Part(subject, grant_evidence(grant), name, _way(item, grant), given, young, marks.get(subject.key))


def key_parts(item: Any, snapshot: Snapshot, marks: Mapping[str, Standing]) -> Iterable[Part]:
    """The access keys of a user; none of anything else."""
    if not isinstance(item, User):
        return
    for subject, evidence in keys_of(item, snapshot):
        facts = {clue.name: clue.value for clue in evidence.clues}
        label = subject.name.removesuffix(f" of {item.name}")
        how = f"{'active' if facts.get('active') == 'yes' else 'inactive'}, last used {facts.get('last used', 'not told')}"
        yield Part(subject, evidence, label, how, standing=marks.get(subject.key))


def standing_words(held: Standing | None) -> str:
    """`remove`, `conflict`; "" for nothing."""
    if held is None:
        return ""
    return "conflict" if held.conflict else held.mark.decision.value


def _way(identity: Identity, grant: Grant) -> str:
    return f"through group {grant.group}" if grant.group and not isinstance(identity, Group) else grant.via.value
