"""The tables of a report, as Markdown and HTML show them: one place that says what stands in which cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from .reportdata import CONFLICT, DECISIONS, OPEN, Line, Report
from .reporttext import (
    before_words,
    changes_words,
    day,
    earlier_words,
    follow_words,
    kept_words,
    latest,
    reviewers,
    share_words,
    side_words,
    subject_words,
)


class Table(msgspec.Struct, frozen=True):
    """A table, or a list where `names` is empty.

    id:    its anchor; `counted`: whether its title tells how many rows it has
    right: columns of numbers; a first column called `nr` is the item's place, by which its evidence is found
    note:  a sentence above it
    """

    id: str
    title: str
    names: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    right: frozenset[int] = frozenset()
    counted: bool = True
    note: str = ""

    @property
    def heading(self) -> str:
        return f"{self.title} ({len(self.rows):,})" if self.counted else self.title


def tables(report: Report) -> Iterator[Table]:
    """All there are, in the order they are told; those without rows are left out."""
    for table in _all(report):
        if table.rows or table.note:
            yield table


def _all(report: Report) -> Iterator[Table]:
    yield _summary(report)
    panes = [(pane, f"{done:,}", f"{total:,}") for pane, done, total in report.panes]
    yield Table("lists", "By list", ("list", "decided", "of"), panes, frozenset((1, 2)), counted=False)
    who = [(name, f"{count:,}") for name, count in report.reviewers]
    yield Table("reviewers", "By reviewer", ("reviewer", "decisions"), who, frozenset((1,)), counted=False)
    yield _list("gaps", "What could not be read when it began", report.gaps)
    yield _list("unread", "What could not be read in this reading", report.unread)
    yield _practices(report)
    yield _trend(report)
    yield _practice_trend(report)
    yield _earlier(report)
    sides = [(str(line.place), _what(line), "; ".join(map(side_words, line.sides))) for line in report.of_state(CONFLICT)]
    yield Table("conflicts", "Conflicts: reviewers who disagree", ("nr", "what", "sides"), sides, frozenset((0,)))
    for decision in DECISIONS:
        yield _decided(decision.name.lower(), decision.value.capitalize(), report.of_state(decision.value))
    yield _parts(report.parts)
    yield Table(
        "reopened",
        "Reopened: the evidence has changed since the decision",
        ("nr", "what", "decision", "what changed"),
        [(str(o.place), _what(o), o.state, changes_words(o.follow.changes) if o.follow else "") for o in report.decided_on if o.reopened],
        frozenset((0,)),
    )
    yield Table(
        "changed",
        "Carried over: the evidence had changed since the decision before",
        ("nr", "what", "decided before", "what had changed"),
        [(str(line.place), _what(line), before_words(line), changes_words(line.since)) for line in report.lines if line.since],
        frozenset((0,)),
    )
    still = report.of_state(OPEN)
    yield Table(
        "open",
        "Open",
        ("nr", "what", "owner", "signs", "decided before"),
        [(str(line.place), _what(line), line.owner, "; ".join(line.signs) or "no sign", before_words(line)) for line in still],
        frozenset((0,)),
    )
    yield _list("spared", "Spared because it is new", report.spared)


def _list(ident: str, title: str, entries: Sequence[str]) -> Table:
    return Table(ident, title, (), [(entry,) for entry in entries])


def _what(line: Line) -> str:
    return subject_words(line.subject)


def _summary(report: Report) -> Table:
    rows = [(one.words, f"{one.value:,}", f"{one.of:,}" if one.of is not None else "") for one in report.numbers]
    return Table("summary", "Summary", ("what", "number", "of"), rows, frozenset((1, 2)), counted=False)


def _decided(ident: str, title: str, lines: Sequence[Line]) -> Table:
    names = ("nr", "what", "reason", "by", "when", "until", "ticket", "owner", "signs at the beginning", "now", "evidence")
    rows = []
    for line in lines:
        side = latest(line)
        told = [str(line.place), _what(line), side.reason, reviewers(line), day(side.at), _until(line), side.ticket, line.owner]
        rows.append([*told, "; ".join(line.signs), follow_words(line.follow), line.hash])
    return Table(ident, title, names, rows, frozenset((0,)))


def _parts(lines: Sequence[Line]) -> Table:
    names = ("nr", "what", "decision", "reason", "by", "when", "until", "ticket", "now", "evidence")
    rows = []
    for line in lines:
        side = latest(line)
        decided = "; ".join(map(side_words, line.sides)) if line.state == CONFLICT else line.state
        told = [str(line.place), _what(line), decided, side.reason, reviewers(line), day(side.at), _until(line), side.ticket]
        rows.append([*told, follow_words(line.follow), line.hash])
    return Table("parts", "Decided about a grant or key alone", names, rows, frozenset((0,)))


def _until(line: Line) -> str:
    expires = latest(line).expires
    return day(expires) + (", expired" if line.expired else "") if expires else ""


def _practices(report: Report) -> Table:
    rows = []
    for one in report.practices:
        score = one.score
        share = f"{score.held:,} of {score.of:,}" if score.of else ""
        rows.append([str(one.number), one.title, score.kept.value, share, share_words(score), f"{score.offenders:,}", one.words])
    names = ("nr", "practice", "state", "keep it", "share", "offenders", "what was found")
    note = f"{report.practices_words.capitalize()}."
    return Table("practices", "Practices", names, rows, frozenset((0, 3, 4, 5)), counted=False, note=note)


def _trend(report: Report) -> Table:
    names = ("campaign", "begun", "closed", "days", "items", "decided", *(one.value for one in DECISIONS), "in conflict", "open")
    rows = []
    for one in report.trend:
        told = [one.name, day(one.begun), day(one.closed) if one.closed else "open"]
        counts = (one.days, one.items, one.decided, *(one.count(decision) for decision in DECISIONS), one.conflicts, one.open)
        rows.append([*told, *(f"{count:,}" for count in counts), kept_words(one)])
    return Table("trend", "Trend: campaigns of these accounts", (*names, "practices kept"), rows, frozenset(range(3, 13)))


_MOST_CAMPAIGNS = 6
"""Campaigns side by side in a table."""


def _practice_trend(report: Report) -> Table:
    """Each practice at the end of campaign after campaign; without rows where only this one looked at them."""
    recorded = [one for one in report.trend if one.scores is not None][-_MOST_CAMPAIGNS:]
    told = [{score.practice: f"{score.kept.value} {share_words(score)}".rstrip() for score in one.scores or ()} for one in recorded]
    rows = [[one.title, *(held.get(one.score.practice, "not looked at") for held in told)] for one in report.practices]
    names = ("practice", *(one.name for one in recorded))
    return Table("practice-trend", "Practices by campaign", names, rows if len(recorded) > 1 else (), counted=False)


def _earlier(report: Report) -> Table:
    rows = []
    for one in report.earlier:
        rows.append([subject_words(one.subject), one.decision.value, one.campaign, one.reviewer, day(one.at), one.reason, one.ticket])
        rows[-1].append(earlier_words(one))
    names = ("what", "decision", "campaign", "by", "when", "reason", "ticket", "now")
    return Table("earlier", "What earlier campaigns wanted removed or reduced", names, rows)
