"""`iamtui review …`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..analysis.reviewing import ItemState, change_words
from ..analysis.words import iso, relative
from ..errors import BadInputError, Exit, NotFoundError, UsageError
from ..model.identity import User
from ..model.review import Campaign, Change, Decision, Evidence, Standing, Subject
from ..session import ListKind, Row, Session
from ..session import campaigns as reviews
from ..session.export import csv_table
from ..session.reviewing import end_of, rows_named
from ..text import visible
from .opening import exit_code, open_session, read_all, say_problems, settings_of
from .output import data, markdown_text, print_json, print_table, words
from .reviewreport import report, signed

DECISIONS = {
    "keep": Decision.KEEP,
    "reduce": Decision.REDUCE,
    "remove": Decision.REMOVE,
    "ask": Decision.ASK,
    "exception": Decision.EXCEPTION,
}


def _opened(options: Mapping[str, Any], *, events: bool = False) -> Session:
    session = open_session(options, settings_of(options))
    read_all(session)
    if events and session.info.kind != "live":
        for _ in session.load_events():
            pass
    session.load_marks()
    return session


def _kept(session: Session) -> None:
    """Say where decisions are, where that is not for long."""
    if session.review_settings.ledger is None:
        words("kept in memory only, as this is the demo; --ledger FILE keeps it")


def _done(session: Session) -> int:
    say_problems(session)
    return exit_code(session)


# -- campaigns -------------------------------------------------------------------------------------------------------


def start(options: Mapping[str, Any], name: str, scope: Sequence[str], min_age: int, idle_days: int, leavers: str) -> int:
    """Begin a campaign."""
    wanted = reviews.scope_of(scope)
    session = _opened(options, events=True)
    left: list[str] = []
    if leavers:
        matches, _, how = reviews.leavers(session, _text(leavers))
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
    _kept(session)
    return _done(session)


def list_campaigns(options: Mapping[str, Any], form: str) -> int:
    """All campaigns of the open accounts."""
    session = _opened(options)
    rows = []
    for entry, closed in reviews.campaigns(session):
        found = reviews.queue(session, entry)
        count, body = found.progress, entry.body
        assert isinstance(body, Campaign)
        state = f"closed {closed.at:%Y-%m-%d}" if closed is not None else "open"
        rows.append(
            [body.name, state, f"{entry.at:%Y-%m-%d}", str(count.total), str(count.decided), str(count.conflicts), body.reviewer, entry.id]
        )
    _print(["name", "state", "begun", "items", "decided", "conflicts", "by", "id"], rows, form, right=frozenset((3, 4, 5)))
    if not rows:
        words('No campaign yet; iamtui review start "2026 Q4" begins one')
    return _done(session)


def show(options: Mapping[str, Any], name: str, form: str) -> int:
    """One campaign: progress, decisions, conflicts; as Markdown the whole report."""
    session = _opened(options)
    entry = reviews.campaign_named(session, name)
    found = reviews.queue(session, entry)
    if form == "markdown":
        data(report(found, session.reviewer, found.closed.at if found.closed else session.now()))
        return _done(session)
    if form != "table":
        return _queue_rows(session, found, form, open_only=False, limit=None)
    count = found.progress
    state = f"closed {found.closed.at:%Y-%m-%d}" if found.closed is not None else "open"
    open_ = count.total - count.decided - count.conflicts
    data(
        visible(f"{found.name} ({state}): {count.decided:,} of {count.total:,} decided, {open_:,} open, {count.conflicts} in conflict")
        + "\n\n"
    )
    _print(
        ["pane", "decided", "of"], [[pane, str(done), str(total)] for pane, done, total in count.panes], "table", right=frozenset((1, 2))
    )
    for title, told in (("reviewer", count.reviewers), ("decision", count.decisions)):
        if told:
            data("\n")
            _print([title, "items"], [[who, str(number)] for who, number in told], "table", right=frozenset((1,)))
    conflicts = [s for s in found.states if s.decided is not None and s.decided.conflict]
    if conflicts:
        data("\n")
        _print(["conflict", "sides"], [[_label(s.item.subject), _sides(s.decided)] for s in conflicts], "table")
    return _done(session)


def queue(options: Mapping[str, Any], name: str, form: str, *, open_only: bool, limit: int | None) -> int:
    """A campaign's queue, the first to look at on top; without a campaign what one begun now would hold."""
    session = _opened(options, events=True)
    if name or reviews.open_campaigns(session):
        found = reviews.queue(session, reviews.campaign_named(session, name))
    else:
        found = reviews.queue(session, None)
        words("No campaign is open; this is what iamtui review start NAME would freeze now")
        if found.spared:
            words(f"{len(found.spared):,} made within {reviews.MIN_AGE} days are spared")
    return _queue_rows(session, found, form, open_only=open_only, limit=limit)


def _queue_rows(session: Session, found: reviews.Queue, form: str, *, open_only: bool, limit: int | None) -> int:
    states = [s for s in found.states if not open_only or s.decided is None][:limit]
    now = session.now()
    if form == "json":
        print_json([_state_json(session, state) for state in states])
        return _done(session)
    header = ["place", "what", "of", "score", "decided", "before", "signs"]
    rows = [
        [
            str(s.item.place + 1),
            s.item.subject.name,
            s.item.subject.noun,
            str(s.item.score),
            ", ".join(s.decided.words(now)) if s.decided is not None else "",
            _before(s, now),
            "; ".join(s.item.signs),
        ]
        for s in states
    ]
    _print(header, rows, form, right=frozenset((0, 3)))
    return _done(session)


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
        "subject": _subject_json(item.subject),
        "pane": item.pane,
        "score": item.score,
        "signs": list(item.signs),
        "evidence": item.hash,
        "decided": _standing_json(state.decided, session.now()),
        "before": _standing_json(state.before, session.now()),
        "evidence_as_before": state.alike if state.before is not None else None,
    }


def _subject_json(subject: Subject) -> dict[str, Any]:
    return {
        "kind": subject.kind.value,
        "noun": subject.noun,
        "name": subject.name,
        "arn": subject.arn,
        "unique_id": subject.unique_id or None,
        "account": subject.account,
    }


def _standing_json(held: Standing | None, now: Any) -> dict[str, Any] | None:
    if held is None:
        return None
    return {
        "state": list(held.words(now)),
        "changes": [{"fact": c.name, "was": c.was or None, "now": c.now or None} for c in held.changes],
        "marks": [
            {
                "id": ident,
                "at": iso(at),
                "decision": mark.decision.value,
                "reviewer": mark.reviewer,
                "reason": mark.reason,
                "expires": iso(mark.expires) if mark.expires else None,
                "ticket": mark.ticket,
                "evidence": mark.hash,
            }
            for ident, at, mark in held.marks
        ],
    }


def carry(options: Mapping[str, Any], name: str, form: str, *, confirm: bool) -> int:
    """Decisions from before a campaign: whose evidence is as it was, and what changed in the others."""
    session = _opened(options)
    entry = reviews.campaign_named(session, name, closed=False)
    found = reviews.queue(session, entry)
    alike, changed = reviews.carried(found.states, session.now())
    rows = []
    for state in (*alike, *changed):
        held = state.before
        assert held is not None
        told = "evidence as it was" if state in alike else "; ".join(map(change_words, _since(session, state))) or _why(held, session)
        rows.append(
            [_label(state.item.subject), held.mark.decision.value, held.mark.reviewer, f"{held.at:%Y-%m-%d}", held.mark.reason, told]
        )
    _print(["what", "decision", "by", "when", "reason", "since"], rows, form)
    if confirm:
        done = reviews.confirm(session, found, found.states)
        words(f"{done:,} confirmed as {session.reviewer}; {len(alike) - done + len(changed):,} are to be looked at again")
        _kept(session)
    elif alike:
        words(f"--confirm decides the {len(alike):,} whose evidence is as it was again as before, as {session.reviewer}")
    return _done(session)


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
    from ..store.files import private_file

    session = _opened(options)
    entry = reviews.campaign_named(session, name, closed=False)
    found = reviews.queue(session, entry)
    text, digest = signed(report(found, session.reviewer, session.now(), note))
    if output:
        try:
            with private_file(Path(output)) as file:
                file.write(text.encode("utf-8", "replace"))
        except OSError as error:
            raise BadInputError(f"{output} could not be written: {error.strerror or error}; the campaign is still open") from None
    reviews.close(session, entry, digest, note)
    if not output:
        data(text)
    left = found.progress.total - found.progress.decided
    words(
        f"{found.name} is closed, signed by {session.reviewer}"
        + (f"; {left:,} of {found.progress.total:,} were left undecided" if left else "")
    )
    _kept(session)
    return _done(session)


# -- decisions -------------------------------------------------------------------------------------------------------


def decide(
    options: Mapping[str, Any],
    decision: str,
    targets: Sequence[str],
    where: Sequence[str],
    *,
    reason: str,
    expires: str,
    ticket: str,
    campaign: str,
    grant: str,
    key: str,
) -> int:
    """Decide about identities and policies by name, or all that filters let through; or about one grant or key of them."""
    session = _opened(options)
    end = end_of(expires, session.now())
    rows = rows_named(session, targets)
    for pane, text in reviews.scope_of(where) if where else ():
        if pane == "findings":
            session.load_findings()
        selection = session.select(ListKind(pane), text)
        if selection.error:
            raise UsageError(f"{pane} {text}: {selection.error}")
        rows += list(selection.rows)
    if not rows:
        raise NotFoundError("There is nothing to decide about", 'name something, or --where "roles last-used:>180d"')
    ident = reviews.campaign_named(session, campaign, closed=False).id if campaign else ""
    how: dict[str, Any] = {"reason": reason, "expires": end, "ticket": ticket, "campaign": ident}
    if grant or key:
        done = session.decide_about(_parts(rows, grant, key), DECISIONS[decision], **how)
    else:
        done = session.decide(rows, DECISIONS[decision], **how)
    for refused in done.refused:
        words(refused)
    data(visible(f"{DECISIONS[decision].value}: {done.count:,}, by {session.reviewer}") + "\n")
    _kept(session)
    return int(Exit.PARTIAL) if done.refused else _done(session)


def _parts(rows: Sequence[Row], grant: str, key: str) -> list[tuple[Subject, Evidence]]:
    from ..analysis.grants import grants
    from ..analysis.grounds import grant_evidence, grant_subject, keys_of

    found: list[tuple[Subject, Evidence]] = []
    for row in rows:
        item: Any = row.item
        before = len(found)
        if grant:
            for one in grants(item, row.snapshot):
                if grant in (one.policy_name, one.policy_arn):
                    found.append((grant_subject(item, row.snapshot, one), grant_evidence(one)))
        if key and isinstance(item, User):
            for subject, evidence in keys_of(item, row.snapshot):
                if subject.name.startswith((f"{key} ", f"key {key} ")):
                    found.append((subject, evidence))
        if len(found) == before:
            raise NotFoundError(
                f"{item.name} has no {f'policy {grant}' if grant else f'key {key}'}", f"iamtui identity {item.name} lists what it has"
            )
    return found


def undo(options: Mapping[str, Any]) -> int:
    """Take back the last decision of this reviewer."""
    session = _opened(options)
    data(visible(f"taken back: {session.undo()}") + "\n")
    return _done(session)


def set_owner(options: Mapping[str, Any], name: str, targets: Sequence[str]) -> int:
    """Say who answers for identities and policies."""
    session = _opened(options)
    count = session.set_owner(rows_named(session, targets), name)
    data(visible(f"{count} answered for by {name or 'nobody set here'}") + "\n")
    _kept(session)
    return _done(session)


def marks(options: Mapping[str, Any], form: str) -> int:
    """Everything in force in the open accounts."""
    session = _opened(options)
    session.load_findings()
    held = session.load_marks()
    now = session.now()
    every = sorted(held.marks.values(), key=lambda one: one.id, reverse=True)
    if form == "json":
        print_json([{"subject": _subject_json(one.mark.subject), **(_standing_json(one, now) or {}), "gone": one.gone} for one in every])
        return _done(session)
    rows = [
        [
            _label(one.mark.subject),
            ", ".join((*one.words(now), *(("gone",) if one.gone else ()))),
            ", ".join(m.reviewer for _, _, m in one.marks),
            f"{one.at:%Y-%m-%d}" if form == "csv" else relative(one.at, now),
            f"{one.mark.expires:%Y-%m-%d}" if one.mark.expires else "",
            one.mark.ticket,
            one.mark.reason,
            "; ".join(map(change_words, one.changes)),
        ]
        for one in every
    ]
    _print(["what", "mark", "by", "when", "until", "ticket", "reason", "changed"], rows, form)
    return _done(session)


# -- ledgers ---------------------------------------------------------------------------------------------------------


def merge(options: Mapping[str, Any], files: Sequence[str]) -> int:
    """Bring in other ledgers; says which decisions are in conflict then."""
    session = open_session(options, settings_of(options))
    refused = 0
    for name in files:
        new, same, told = session.merge_ledger(Path(name))
        data(visible(f"{name}: {new:,} new, {same:,} known") + "\n")
        for line in told:
            refused += 1
            words(line)
    held = [one for one in session.desk.folded.marks.values() if one.conflict]
    for one in held:
        data(visible(f"conflict: {_label(one.mark.subject)}: {_sides(one)}") + "\n")
    _kept(session)
    return int(Exit.PARTIAL) if refused else int(Exit.FINE)


def export(options: Mapping[str, Any], output: str) -> int:
    """The ledger as JSON lines."""
    from ..store.files import write_lines

    session = open_session(options, settings_of(options))
    if output:
        try:
            write_lines(Path(output), session.export_ledger())
        except OSError as error:
            raise BadInputError(f"{output} could not be written: {error.strerror or error}") from None
        return int(Exit.FINE)
    for line in session.export_ledger():
        data(line)
    return int(Exit.FINE)


# -- leavers ---------------------------------------------------------------------------------------------------------


def leavers(options: Mapping[str, Any], file: str, form: str) -> int:
    """People who left, matched to identities, with how."""
    session = _opened(options)
    matches, missed, how = reviews.leavers(session, _text(file))
    if form == "json":
        print_json(
            {
                "matches": [
                    {
                        "person": one.person.label,
                        "line": one.person.line,
                        "identity": one.identity.name,
                        "arn": one.identity.arn,
                        "account": one.snapshot.account,
                        "is": one.role,
                        "how": one.how,
                        "unsure": one.unsure or None,
                    }
                    for one in matches
                ],
                "unmatched": [{"person": one.label, "line": one.line} for one in missed],
                "read_as": how,
            }
        )
        return _done(session)
    rows = [
        [one.person.label, one.role, one.identity.name, one.identity.__class__.__name__.lower(), one.how, one.unsure] for one in matches
    ]
    rows += [[one.label, "", "nothing matches", "", "", ""] for one in missed]
    if form == "markdown":
        data("| person | is | identity | kind | matched by | unsure |\n|---|---|---|---|---|---|\n")
        for row in rows:
            data("| " + " | ".join(markdown_text(cell) for cell in row) + " |\n")
    else:
        _print(["person", "is", "identity", "kind", "matched by", "unsure"], rows, form)
    words(f"read as {how}; {len(missed)} of {len(missed) + len({(m.person.line, m.person.label) for m in matches})} people match nothing")
    return _done(session)


# -- helpers ---------------------------------------------------------------------------------------------------------


def _text(name: str) -> str:
    import sys

    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise BadInputError(f"{name} cannot be read: {error.strerror or error}") from None
    for encoding in ("utf-8-sig", "utf-16") if raw[:2] not in (b"\xff\xfe", b"\xfe\xff") else ("utf-16",):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def _label(subject: Subject) -> str:
    return f"{subject.noun} {subject.name}"


def _sides(held: Standing | None) -> str:
    return "; ".join(f"{m.reviewer}: {m.decision.value}" for _, _, m in held.marks) if held is not None else ""


def _print(header: Sequence[str], rows: Sequence[Sequence[str]], form: str, *, right: frozenset[int] = frozenset()) -> None:
    if form == "csv":
        data(csv_table(header, rows))
    elif form == "json":
        print_json([dict(zip(header, row, strict=True)) for row in rows])
    else:
        print_table([title.upper() for title in header], rows, right=right)
