"""Plans of what reviewers decided: the marks in force joined with what they are about, and the plan as text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..analysis.cleanup.planning import HOURS, WAIT, Marked, Settings, plan
from ..analysis.cleanup.telling import counts, plan_json
from ..analysis.commandtext import Refused
from ..analysis.grants import grants, members
from ..analysis.grounds import grant_subject, keys_of
from ..analysis.reducing import Reduction
from ..analysis.user_columns import COLUMNS as USER_COLUMNS
from ..analysis.words import exact
from ..errors import IamtuiError, UsageError
from ..model.account import Snapshot
from ..model.cleanup import Plan
from ..model.event import Event, WindowState
from ..model.fact import Fact, State, absent
from ..model.identity import Group, Identity, Role, User
from ..model.review import Decision, Standing, SubjectKind
from .answers import Row
from .desk import Finder

if TYPE_CHECKING:
    from .facade import Session

FORMS = ("cli", "terraform", "cloudformation", "markdown", "json")
MOST_ASKED = 40
"""Identities whose events a live account is asked for, one after the other: half a second to some seconds each."""
_USER = {column.id: column.fact for column in USER_COLUMNS}
_KINDS = {
    "user": "user",
    "role": "role",
    "group": "group",
    "policie": "policy",
    "policy": "policy",
    "key": "access key",
    "grant": "grant",
    "finding": "finding",
}


def plans(
    session: Session,
    campaign: str = "",
    only: Sequence[str] = (),
    *,
    hours: int = HOURS,
    wait: int = WAIT,
    profiles: bool = False,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Plan, ...]:
    """A plan of each account about which anything is decided. Seconds where policies are made smaller: for a worker. Raises
    NotFoundError, UsageError; IamtuiError where the ledger cannot be read."""
    standings = session.load_marks(cancelled)
    if standings.state is State.FAILED:
        raise IamtuiError(f"The decisions cannot be read: {standings.detail}", "iamtui info tells where they are kept")
    if session.findings_stale and any(held.mark.subject.kind is SubjectKind.FINDING for held in standings.marks.values()):
        session.load_findings(cancelled)
        standings = session.load_marks(cancelled)
    chosen = list(_chosen(session, standings.marks.values(), campaign, only))
    finder = Finder(session.world.snapshots, session._found.findings if session._found.of is session.world else None, session.now())
    name = _campaign_name(session, campaign)
    settings = Settings(session.reviewer, name, hours, wait, profiles)
    made = []
    for snapshot in session.world.snapshots:
        marked = [_marked(held, finder, snapshot) for held in chosen if held.mark.subject.account == snapshot.account]
        if not marked:
            continue
        events, gaps = _recent(session, marked, snapshot, hours, cancelled)
        made.append(
            plan(
                snapshot,
                marked,
                lambda identity, held=snapshot: _smaller(session, identity, held, cancelled),  # type: ignore[misc]
                session.now(),
                settings,
                surroundings=session.surroundings(),
                others=session.world.snapshots,
                events=events,
                gaps=gaps,
            )
        )
    return tuple(made)


def plan_text(plan_: Plan, form: str) -> str:
    """One of FORMS. Raises UsageError."""
    from ..analysis.cleanup.hcl import terraform
    from ..analysis.cleanup.script import script
    from ..analysis.cleanup.stack import cloudformation
    from ..analysis.cleanup.telling import markdown

    writers = {"cli": script, "terraform": terraform, "cloudformation": cloudformation, "markdown": markdown}
    try:
        return writers[form](plan_)
    except Refused as refusal:
        raise UsageError(f"{refusal}"[:1].upper() + f"{refusal}"[1:], "--form markdown tells the plan all the same") from None


async def write_plan(path: Path, text: str) -> None:
    """A plan's text to a file only its owner reads. Raises OSError."""
    from ..store.files import write_text

    await write_text(path, text)


# -- which decisions ---------------------------------------------------------------------------------------------------


def _campaign_name(session: Session, campaign: str) -> str:
    from .campaigns import campaign_name, campaign_named

    return campaign_name(campaign_named(session, campaign)) if campaign else ""


def _chosen(session: Session, held: Iterable[Standing], campaign: str, only: Sequence[str]) -> Iterator[Standing]:
    """The decisions in force that are asked about: of a campaign's items and their parts, and those that `only` names."""
    from ..analysis.reviewing import item_states
    from .campaigns import campaign_named
    from .proposing import folded

    inside: Callable[[Standing], bool] = lambda _: True  # noqa: E731
    if campaign:
        entry = campaign_named(session, campaign)
        keys = {state.item.subject.key for state in item_states(folded(session), entry.id) if state.decided is not None}

        def inside(one: Standing) -> bool:
            subject = one.mark.subject
            return one.mark.campaign == entry.id or subject.key in keys

    wanted = [word.strip().casefold() for word in only if word.strip()]
    for one in held:
        if inside(one) and (not wanted or any(_named(one, word) for word in wanted)):
            yield one


def _named(held: Standing, word: str) -> bool:
    """Whether a word of `--only` means a decision: a kind, a decision, or the name, ARN or unique id of what it is about."""
    subject = held.mark.subject
    if word == held.mark.decision.value or _KINDS.get(word.removesuffix("s"), "") == subject.noun:
        return True
    names = (subject.name, subject.arn, subject.unique_id, subject.arn.rpartition("/")[2])
    return word in (name.casefold() for name in names if name)


def _marked(held: Standing, finder: Finder, snapshot: Snapshot) -> Marked:
    subject = held.mark.subject
    if subject.kind not in (SubjectKind.GRANT, SubjectKind.KEY):
        found = finder.item(subject.key)
        return Marked(held, found[0] if found is not None else None)
    owner = finder.item(f"{subject.arn}#{subject.unique_id}")
    if owner is None:
        return Marked(held, None)
    item = owner[0]
    if subject.kind is SubjectKind.GRANT:
        grant = next((g for g in grants(item, snapshot) if grant_subject(item, snapshot, g).key == subject.key), None)
        return Marked(held, item if grant is not None else None, grant)
    evidence = next((told for one, told in keys_of(item, snapshot) if one.key == subject.key), None)
    if evidence is None:
        return Marked(held, None)
    ident = subject.key.rpartition("/")[2]
    told = {clue.name: clue.value for clue in evidence.clues}
    active = {"yes": True, "no": False}.get(told.get("active", ""))
    return Marked(held, item, None, ident, active, _key_used(item, snapshot, ident))


def _key_used(user: User, snapshot: Snapshot, ident: str) -> Fact[Any]:
    for key in snapshot.access_keys.get(user.arn, ()):
        if key.key_id == ident:
            return key.last_used
    if ident.startswith("key "):
        return _USER[f"key{ident[4:5]}-used"](user, snapshot)
    return absent(State.NOT_LOADED)


# -- what was used lately, and the smaller policies --------------------------------------------------------------------


def _recent(
    session: Session, marked: Sequence[Marked], snapshot: Snapshot, hours: int, cancelled: Callable[[], bool]
) -> tuple[dict[str, tuple[Event, ...]], list[str]]:
    """(by ARN the calls of the last hours of those that lose something, what could not be looked at)."""
    if not hours:
        return {}, []
    since = session.now() - timedelta(hours=hours)
    losing: dict[str, Any] = {
        one.item.arn: one.item
        for one in marked
        if one.standing.mark.decision is Decision.REMOVE and isinstance(one.item, User | Role) and not one.standing.gone
    }
    gaps: list[str] = []
    unasked: dict[str, list[str]] = {}
    if session.info.kind == "live" and not session.trail.delivered:
        for item in list(losing.values())[:MOST_ASKED]:
            if cancelled():
                break
            row = Row(item.arn, item, snapshot)
            for _ in session.load_activity(row, cancelled, since=since):
                pass
            failed = next((one for one in session.windows(row) if one.state is not WindowState.COVERED), None)
            if failed is not None:
                where = f" in {failed.region}" if failed.region else ""
                unasked.setdefault(f"{failed.state.value}{where}{f' ({failed.reason})' if failed.reason else ''}", []).append(item.name)
        for why, names in unasked.items():
            few = f"{', '.join(names[:3])}{' …' if len(names) > 3 else ''}"
            gaps.append(f"events of the last {hours} hours of {len(names):,} that lose something were not read whole: {why}: {few}")
        if len(losing) > MOST_ASKED:
            gaps.append(f"events of {len(losing) - MOST_ASKED:,} of {len(losing):,} that lose something were not asked for")
    elif not session.has_events():
        gaps.append("no events were read: recent use is told by last-used facts alone, which AWS tells up to 4 hours late")
    newest_of_all = max(snapshot.last_events.values(), default=None)
    if session.info.kind != "live" and newest_of_all is not None and newest_of_all < since:
        gaps.append(f"the newest event that was read is of {exact(newest_of_all)}: use since then is not in it")
    found = {}
    if session.has_events():
        for arn, item in losing.items():
            last = session.world.snapshot(snapshot.account)
            newest = last.last_events.get(arn) if last is not None else None
            if newest is not None and newest >= since:
                found[arn] = tuple(e for e in session.search.by_actor(item) if e.time is not None and e.time >= since)
    return found, gaps


def _smaller(session: Session, identity: Identity, snapshot: Snapshot, cancelled: Callable[[], bool]) -> Reduction:
    """The engine's smaller policies; of a live account what it takes is asked for first."""
    row = Row(identity.arn, identity, snapshot)
    for _ in session.load_usage(row, cancelled=cancelled):
        pass
    if session.info.kind == "live" and not session.trail.delivered:
        who = members(identity, snapshot) if isinstance(identity, Group) else (identity,)
        for one in who[:MOST_ASKED]:  # a group with more stays as it is: what was not covered is not called unused
            for _ in session.load_activity(Row(one.arn, one, snapshot), cancelled):
                pass
    return session.unused(row)[1]


__all__ = ["FORMS", "HOURS", "WAIT", "counts", "plan_json", "plan_text", "plans", "write_plan"]
