"""`iamtui review decide`, `undo`, `owner`, `marks`, `merge`, `export` and `leavers`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..analysis.reviewing import change_words
from ..analysis.words import relative
from ..errors import BadInputError, Exit, NotFoundError, UsageError
from ..model.identity import User
from ..model.review import Decision, Evidence, Subject
from ..session import ListKind, Row, Session
from ..session import campaigns as reviews
from ..session.reviewing import end_of, rows_named
from ..text import visible
from .opening import not_found, open_session, settings_of, unread
from .output import data, markdown_text, print_json, words
from .reviewshared import finish, label, opened, print_rows, say_kept, sides, standing_json, subject_json, text_of

DECISIONS = {
    "keep": Decision.KEEP,
    "reduce": Decision.REDUCE,
    "remove": Decision.REMOVE,
    "ask": Decision.ASK,
    "exception": Decision.EXCEPTION,
}


def _named(session: Session, targets: Sequence[str]) -> list[Row]:
    """What names mean; where nothing could be read at all, that is the error, and no name is blamed."""
    if targets and (reason := unread(session)) is not None:
        raise reason
    return rows_named(session, targets)


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
    session = opened(options)
    end = end_of(expires, session.now())
    rows = _named(session, targets)
    for pane, text in reviews.scope_of(where) if where else ():
        if pane == "findings":
            session.load_findings()
        selection = session.select(ListKind(pane), text)
        if selection.error:
            raise UsageError(f"{pane} {text}: {selection.error}")
        rows += list(selection.rows)
    if not rows:
        raise not_found(session, "There is nothing to decide about", 'name something, or --where "roles last-used:>180d"')
    ident = reviews.campaign_named(session, campaign, closed=False).id if campaign else ""
    how: dict[str, Any] = {"reason": reason, "expires": end, "ticket": ticket, "campaign": ident}
    if grant or key:
        done = session.decide_about(_parts(rows, grant, key), DECISIONS[decision], **how)
    else:
        done = session.decide(rows, DECISIONS[decision], **how)
    for refused in done.refused:
        words(refused)
    data(visible(f"{DECISIONS[decision].value}: {done.count:,}, by {session.reviewer}") + "\n")
    say_kept(session)
    return int(Exit.PARTIAL) if done.refused else finish(session)


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
                f"{item.name} has no {f'policy {grant}' if grant else f'key {key}'}",
                f"iamtui identity {item.name} lists what it has",
            )
    return found


def undo(options: Mapping[str, Any]) -> int:
    """Take back the last decision of this reviewer."""
    session = opened(options)
    data(visible(f"taken back: {session.undo()}") + "\n")
    return finish(session)


def set_owner(options: Mapping[str, Any], name: str, targets: Sequence[str]) -> int:
    """Say who answers for identities and policies."""
    session = opened(options)
    count = session.set_owner(_named(session, targets), name)
    data(visible(f"{count} answered for by {name or 'nobody set here'}") + "\n")
    say_kept(session)
    return finish(session)


def marks(options: Mapping[str, Any], form: str) -> int:
    """Everything in force in the open accounts."""
    session = opened(options)
    session.load_findings()
    held = session.load_marks()
    now = session.now()
    every = sorted(held.marks.values(), key=lambda one: one.id, reverse=True)
    if form == "json":
        print_json([{"subject": subject_json(one.mark.subject), **(standing_json(one, now) or {}), "gone": one.gone} for one in every])
        return finish(session)
    rows = [
        [
            label(one.mark.subject),
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
    print_rows(["what", "mark", "by", "when", "until", "ticket", "reason", "changed"], rows, form)
    return finish(session)


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
        data(visible(f"conflict: {label(one.mark.subject)}: {sides(one)}") + "\n")
    say_kept(session)
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
    session = opened(options)
    matches, missed, how = reviews.leavers(session, text_of(file))
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
        return finish(session)
    rows = [
        [one.person.label, one.role, one.identity.name, one.identity.__class__.__name__.lower(), one.how, one.unsure] for one in matches
    ]
    rows += [[one.label, "", "nothing matches", "", "", ""] for one in missed]
    if form == "markdown":
        data("| person | is | identity | kind | matched by | unsure |\n|---|---|---|---|---|---|\n")
        for row in rows:
            data("| " + " | ".join(markdown_text(cell) for cell in row) + " |\n")
    else:
        print_rows(["person", "is", "identity", "kind", "matched by", "unsure"], rows, form)
    words(f"read as {how}; {len(missed)} of {len(missed) + len({(m.person.line, m.person.label) for m in matches})} people match nothing")
    return finish(session)
