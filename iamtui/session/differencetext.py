"""Differences in words and as JSON: the same for the command line and the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..analysis.snapshots.columns import COLUMNS
from ..analysis.snapshots.difference import Comparison, Difference, Note
from ..analysis.words import csv_text, exact, iso
from .preflight import change_words

if TYPE_CHECKING:
    from ..analysis.preflight import Change as Access
    from .comparing import History, Step

TABLE = ("severity", "of", "name", "what", "words", "who")
"""Columns of a table for people; CSV has all."""

_MOST_ACCESS = 16
"""Lines of access gained, and of access lost, on the page of one difference."""

STEP_HEADER = ("AFTER", "BY", "SEVERITY", "WHAT", "DIFFERENCE", "WHO")


def cells(one: Difference, columns: Sequence[str] = ()) -> list[str]:
    """A row of texts, not made safe for anything."""
    return [csv_text(column.fact(one, None)) for column in COLUMNS if not columns or column.id in columns]


def header(columns: Sequence[str] = ()) -> list[str]:
    return [column.title for column in COLUMNS if not columns or column.id in columns]


def row_cells(one: Difference) -> list[str]:
    """A row of the table for people."""
    texts = dict(zip((column.id for column in COLUMNS), cells(one), strict=True))
    texts["who"] = one.who
    return [texts[name] for name in TABLE]


def summary(found: Comparison, shown: int) -> str:
    """`31 differences (2 critical, 5 high), access grew; 2026-10-01 03:00 to 2026-11-01 03:00`."""
    total = len(found.differences)
    counts: dict[str, int] = {}
    for one in found.differences:
        counts[one.severity.value] = counts.get(one.severity.value, 0) + 1
    grave = ", ".join(f"{counts[name]:,} {name}" for name in ("critical", "high", "medium") if name in counts)
    what = f"{total:,} {'difference' if total == 1 else 'differences'}" if total else "no difference"
    narrowed = f", {shown:,} of them shown" if shown != total else ""
    grew = ", access grew" if found.grows else ", access did not grow" if total else ""
    when = f"; {day(found.since)} to {day(found.until)}"
    return f"{what}{f' ({grave})' if grave else ''}{narrowed}{grew}{when}"


def day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment is not None else "no date"


def note_words(note: Note) -> str:
    return f"{'not compared' if note.partial else 'note'}: {note.words}"


def sections(one: Difference) -> list[tuple[str, list[str]]]:
    """A difference whole but for its documents: headed lists of sentences."""
    about = [
        f"what     {one.change}: {one.words}",
        f"of       {one.subject} {one.name}  {one.arn}{f'  {one.unique_id}' if one.unique_id else ''}",
    ]
    if one.old_arn:
        about.append(f"was      {one.old_arn}")
    if one.about:
        about.append(f"about    {one.about}")
    if one.before or one.after:
        about += [f"before   {one.before or 'none'}", f"after    {one.after or 'none'}"]
    about.append(f"when     {exact(one.at) if one.at is not None else f'between {day(one.since)} and {day(one.until)}'}")
    about.append(f"grows    {'yes: somebody may do more, or come in' if one.grows else 'no'}")
    found = [("The difference", about), ("Who", who_lines(one))]
    if one.lines:
        found.append(("With it", list(one.lines)))
    access = [*_signed("+", one.gained), *_signed("-", one.lost)]
    if access:
        found.append(("Access gained and lost", access))
    if one.reaches:
        most = 12
        rest = len(one.reaches) - most
        found.append((f"Reaches {len(one.reaches):,}", [*one.reaches[:most], *([f"and {rest:,} more"] if rest > 0 else [])]))
    return found


def _signed(sign: str, changes: Sequence[Access]) -> list[str]:
    rest = len(changes) - _MOST_ACCESS
    lines = [f"{sign} {access_line(change)}" for change in changes[:_MOST_ACCESS]]
    return [*lines, f"{sign} and {rest:,} more lines, all of them in the JSON"] if rest > 0 else lines


def access_line(change: Access) -> str:
    """As a preflight says it; of effective access no statement is named, because several policies make it."""
    words = change_words(change)
    return words.replace(" (effective access: ", " (") if change.statement == "effective access" else words


def who_lines(one: Difference) -> list[str]:
    if not one.doers:
        return [f"not told: {one.untold}" if one.untold else "not told"]
    lines = []
    for doer in one.doers:
        by = f"by {doer.actor}" if doer.actor and doer.actor not in doer.human else ""
        at = exact(doer.at) if doer.at is not None else "no date"
        parts = [doer.event, doer.words, by, f"from {doer.ip}" if doer.ip else "", doer.event_id]
        lines.append(f"{at}  " + "  ".join(part for part in parts if part))
        if doer.missing:
            lines.append(f"  further back not told: {doer.missing}")
    return lines


# -- JSON ------------------------------------------------------------------------------------------------------------


def difference_json(one: Difference, *, documents: bool = True) -> dict[str, Any]:
    """Stable names; `before` and `after` are short values, documents stand beside them."""
    found: dict[str, Any] = {
        "key": one.key,
        "severity": one.severity.value,
        "what": one.what.value,
        "turn": one.turn.value,
        "of": one.subject,
        "name": one.name,
        "arn": one.arn,
        "old_arn": one.old_arn,
        "unique_id": one.unique_id,
        "account": one.account,
        "words": one.words,
        "grows": one.grows,
        "about": one.about,
        "before": one.before,
        "after": one.after,
        "gained": [_access_json(change) for change in one.gained],
        "lost": [_access_json(change) for change in one.lost],
        "lines": list(one.lines),
        "reaches": list(one.reaches),
        "since": machine_date(one.since),
        "until": machine_date(one.until),
        "at": machine_date(one.at),
        "who": one.who if one.doers else "",
        "doers": [
            {
                "time": machine_date(doer.at),
                "event": doer.event,
                "actor": doer.actor,
                "actor_arn": doer.actor_arn,
                "human": doer.human,
                "missing": doer.missing,
                "event_id": doer.event_id,
                "ip": doer.ip,
            }
            for doer in one.doers
        ],
        "who_not_told": one.untold,
    }
    if documents:
        found["old_document"], found["new_document"] = one.old_document, one.new_document
    return found


def machine_date(moment: datetime | None) -> str | None:
    return iso(moment) if moment is not None else None


def _access_json(change: Access) -> dict[str, Any]:
    return {
        "service": change.service,
        "level": change.level,
        "actions": list(change.actions),
        "resources": list(change.resources),
        "excepted": change.excepted,
        "conditions": list(change.conditions),
        "why": change.why,
    }


def comparison_json(found: Comparison, shown: Iterable[Difference]) -> dict[str, Any]:
    return {
        "since": machine_date(found.since),
        "until": machine_date(found.until),
        "grows": found.grows,
        "differences": [difference_json(one) for one in shown],
        "notes": [{"side": note.side.value, "account": note.account, "words": note.words, "partial": note.partial} for note in found.notes],
    }


# -- a history -------------------------------------------------------------------------------------------------------


def seen_words(found: History) -> list[str]:
    """Where it was and where not, as sentences: `there in 5 of 7: from a.zip (2026-10-01 03:00) to …`."""
    there = [one for one in found.seen if one.there]
    words = [f"{found.kind} {found.name}: there in {len(there)} of {len(found.seen)} points"]
    if found.created is not None:
        words[0] += f", created {day(found.created)}"
    if there:
        words.append(f"first in {there[0].label} ({day(there[0].as_of)}), last in {there[-1].label} ({day(there[-1].as_of)})")
    words += [f"not there in {one.label} ({day(one.as_of)})" for one in found.seen if one.there is False]
    words += [f"not told in {one.label} ({day(one.as_of)}): its list was not read whole then" for one in found.seen if one.there is None]
    if len(found.arns) > 1:
        words.append(f"known as {', '.join(found.arns)}")
    return words


def step_cells(step: Step) -> list[str]:
    one = step.difference
    whose = f"{one.subject} {one.name}: " if one.reaches else ""
    return [day(one.since), day(one.until), one.severity.value, one.change, f"{whose}{one.words}", one.who]


def history_json(found: History) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "name": found.name,
        "arns": list(found.arns),
        "created": machine_date(found.created),
        "points": [{"label": one.label, "as_of": machine_date(one.as_of), "there": one.there} for one in found.seen],
        "steps": [{"older_point": step.since, "newer_point": step.until, **difference_json(step.difference)} for step in found.steps],
        "notes": list(found.notes),
    }
