"""`iamtui review start`, `list`, `show`, `queue`, `carry` and `close`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..analysis.reviewing import ItemState, change_words
from ..model.review import Campaign, Change, Evidence, Standing
from ..session import Session
from ..session import campaigns as reviews
from ..text import visible
from .gate import gated
from .output import data, print_json, words
from .reviewshared import finish, label, opened, print_rows, say_kept, sides, standing_json, subject_json, text_of

# -- campaigns -------------------------------------------------------------------------------------------------------


def start(options: Mapping[str, Any], name: str, scope: Sequence[str], min_age: int, idle_days: int, leavers: str) -> int:
    """Begin a campaign."""
    wanted = reviews.scope_of(scope)
    session = opened(options, events=True)
    left: list[str] = []
    if leavers:
        matches, _, how = reviews.leavers(session, text_of(leavers))
        left = [one.identity.name for one in matches if one.role == "is" and not one.unsure]
        words(f"leavers ({how}): {len(left)} users for sure")
    entry = reviews.start(session, name, wanted, min_age=min_age, idle_days=idle_days, left=left)
    found = reviews.queue(session, entry)
    data(
        visible(f"{found.name}: {len(found.states):,} items, {', '.join(f'{pane} {total:,}' for pane, _, total in found.progress.panes)}")
        + "\n"
    )
    if found.spared:
        words(
            f"{len(found.spared):,} made within {min_age} days are spared: {', '.join(found.spared[:5])}{' …' if len(found.spared) > 5 else ''}"
        )
    for gap in found.gaps:
        words(f"frozen without {gap}")
    say_kept(session)
    return finish(session)


def list_campaigns(options: Mapping[str, Any], form: str) -> int:
    """All campaigns of the open accounts."""
    session = opened(options)
    rows = []
    for entry, closed in reviews.campaigns(session):
        found = reviews.queue(session, entry)
        count, body = found.progress, entry.body
        assert isinstance(body, Campaign)
        state = f"closed {closed.at:%Y-%m-%d}" if closed is not None else "open"
        rows.append(
            [body.name, state, f"{entry.at:%Y-%m-%d}", str(count.total), str(count.decided), str(count.conflicts), body.reviewer, entry.id]
        )
    print_rows(["name", "state", "begun", "items", "decided", "conflicts", "by", "id"], rows, form, right=frozenset((3, 4, 5)))
    if not rows:
        words('No campaign yet; iamtui review start "2026 Q4" begins one')
    return finish(session)


def show(options: Mapping[str, Any], name: str, form: str) -> int:
    """One campaign: progress, decisions, conflicts; as Markdown the whole report."""
    if form == "markdown":
        from .reporting import report

        return report(options, name, form, "", "")
    session = opened(options)
    entry = reviews.campaign_named(session, name)
    found = reviews.queue(session, entry)
    if form != "table":
        return _queue_rows(session, found, form, open_only=False, limit=None)
    count = found.progress
    state = f"closed {found.closed.at:%Y-%m-%d}" if found.closed is not None else "open"
    open_ = count.total - count.decided - count.conflicts
    data(
        visible(f"{found.name} ({state}): {count.decided:,} of {count.total:,} decided, {open_:,} open, {count.conflicts} in conflict")
        + "\n\n"
    )
    print_rows(
        ["pane", "decided", "of"], [[pane, str(done), str(total)] for pane, done, total in count.panes], "table", right=frozenset((1, 2))
    )
    for title, told in (("reviewer", count.reviewers), ("decision", count.decisions)):
        if told:
            data("\n")
            print_rows([title, "items"], [[who, str(number)] for who, number in told], "table", right=frozenset((1,)))
    conflicts = [s for s in found.states if s.decided is not None and s.decided.conflict]
    if conflicts:
        data("\n")
        print_rows(["conflict", "sides"], [[label(s.item.subject), sides(s.decided)] for s in conflicts], "table")
    return finish(session)


def queue(options: Mapping[str, Any], name: str, form: str, *, open_only: bool, limit: int | None, fail_on: str = "none") -> int:
    """A campaign's queue, the first to look at on top; without a campaign what one begun now would hold."""
    session = opened(options, events=True)
    if name or reviews.open_campaigns(session):
        found = reviews.queue(session, reviews.campaign_named(session, name))
    else:
        found = reviews.queue(session, None)
        words("No campaign is open; this is what iamtui review start NAME would freeze now")
        if found.spared:
            words(f"{len(found.spared):,} made within {reviews.MIN_AGE} days are spared")
    code = _queue_rows(session, found, form, open_only=open_only, limit=limit)
    return gated(code, fail_on, ("" for state in found.states if not open_only or state.decided is None))


def _queue_rows(session: Session, found: reviews.Queue, form: str, *, open_only: bool, limit: int | None) -> int:
    states = [s for s in found.states if not open_only or s.decided is None][:limit]
    now = session.now()
    if form == "json":
        print_json([_state_json(session, state) for state in states])
        return finish(session)
    names = {snapshot.account: snapshot.label for snapshot in session.world.snapshots}
    several = len({s.item.subject.account for s in found.states}) > 1
    header = ["place", "what", "of", *(["account"] if several else []), "score", "decided", "before", "signs"]
    rows = [
        [
            str(s.item.place + 1),
            s.item.subject.name,
            s.item.subject.noun,
            *([names.get(s.item.subject.account, s.item.subject.account)] if several else []),
            str(s.item.score),
            ", ".join(s.decided.words(now)) if s.decided is not None else "",
            _before(s, now),
            "; ".join(s.item.signs),
        ]
        for s in states
    ]
    print_rows(header, rows, form, right=frozenset((0, 4 if several else 3)))
    return finish(session)


def _before(state: ItemState, now: Any) -> str:
    if state.before is None:
        return ""
    return f"{state.before.mark.decision.value}, {'evidence as it was' if state.alike else 'evidence changed'}" + (
        ", expired" if state.before.expired(now) else ""
    )


def _state_json(session: Session, state: ItemState) -> dict[str, Any]:
    item = state.item
    return {
        "place": item.place + 1,
        "subject": subject_json(item.subject),
        "pane": item.pane,
        "score": item.score,
        "signs": list(item.signs),
        "evidence": item.hash,
        "decided": standing_json(state.decided, session.now()),
        "before": standing_json(state.before, session.now()),
        "evidence_as_before": state.alike if state.before is not None else None,
    }


def carry(options: Mapping[str, Any], name: str, form: str, *, confirm: bool) -> int:
    """Decisions from before a campaign: whose evidence is as it was, and what changed in the others."""
    session = opened(options)
    entry = reviews.campaign_named(session, name, closed=False)
    found = reviews.queue(session, entry)
    alike, changed = reviews.carried(found.states, session.now())
    rows = []
    for state in (*alike, *changed):
        held = state.before
        assert held is not None
        told = "evidence as it was" if state in alike else "; ".join(map(change_words, _since(session, state))) or _why(held, session)
        rows.append(
            [label(state.item.subject), held.mark.decision.value, held.mark.reviewer, f"{held.at:%Y-%m-%d}", held.mark.reason, told]
        )
    print_rows(["what", "decision", "by", "when", "reason", "since"], rows, form)
    if confirm:
        done = reviews.confirm(session, found, found.states)
        words(f"{done:,} confirmed as {session.reviewer}; {len(alike) - done + len(changed):,} are to be looked at again")
        say_kept(session)
    elif alike:
        words(f"--confirm decides the {len(alike):,} whose evidence is as it was again as before, as {session.reviewer}")
    return finish(session)


def _since(session: Session, state: ItemState) -> tuple[Change, ...]:
    from ..analysis.reviewing import changes

    assert state.before is not None
    return changes(session.evidence_then(state.before.id), Evidence(session.evidence_then(state.entry.id)))[0]


def _why(held: Standing, session: Session) -> str:
    if held.conflict:
        return "reviewers disagreed"
    return (
        f"expired {held.mark.expires:%Y-%m-%d}" if held.expired(session.now()) and held.mark.expires else "parts of it cannot be read now"
    )


def close(options: Mapping[str, Any], name: str, note: str, output: str) -> int:
    """Write the signed report, then end the campaign."""
    from ..session.reporting import report, scores_of
    from ..session.reportmarkdown import body, signed
    from .reporting import write

    session = opened(options)
    at = session.now()
    entry = reviews.campaign_named(session, name, closed=False)
    end = reviews.closing(session, entry, note, scores_of(session, at, reviews.campaign_name(entry)), at)
    made = report(session, entry, closing=end)
    text, digest = signed(body(made))
    if output:
        write(output, [text], "; the campaign is still open")
    reviews.close(session, entry, digest, note, end)
    if not output:
        data(text)
    left, total = made.number("items") - made.number("decided"), made.number("items")
    words(f"{made.name} is closed, signed by {session.reviewer}" + (f"; {left:,} of {total:,} were left undecided" if left else ""))
    say_kept(session)
    return finish(session)
