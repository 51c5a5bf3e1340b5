"""The report for programs: JSON with stable keys, and CSV with one record a row that no spreadsheet computes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from ..analysis.words import iso
from ..model.review import Change, Clue, Score, Subject
from ..text import inert_json, visible
from .export import csv_stream, defuse
from .reportdata import SCHEMA, VERSION, Earlier, Figures, Follow, Line, Report, Side
from .reporttext import before_words, changes_words, clue_words, earlier_words, follow_words, header, reviewers, signature_words

# -- JSON ------------------------------------------------------------------------------------------------------------


def json(report: Report) -> Iterator[str]:
    """One object; items and earlier decisions come one by one, so that a large report is never one text."""
    head, rest = _head(report), _rest(report)
    yield "{"
    between = "\n  "
    for name, value in head.items():
        yield f"{between}{_text(name)}: {_nested(_text(value))}"
        between = ",\n  "
    yield from _array("items", (_line(line) for line in report.lines))
    yield from _array("parts", (_line(line) for line in report.parts))
    yield from _array("earlier", (_earlier(one) for one in report.earlier))
    for name, value in rest.items():
        yield f",\n  {_text(name)}: {_nested(_text(value))}"
    yield "\n}\n"


def _array(name: str, values: Iterator[dict[str, Any]]) -> Iterator[str]:
    yield f",\n  {_text(name)}: ["
    between = "\n    "
    for value in values:
        yield between + _text(value).replace("\n", "\n    ")
        between = ",\n    "
    yield "]" if between[0] == "\n" else "\n  ]"


def _text(value: Any) -> str:
    return inert_json(msgspec.json.format(msgspec.json.encode(_sound(value)), indent=2).decode())


def _nested(text: str) -> str:
    return text.replace("\n", "\n  ")


def _sound(value: Any) -> Any:
    """Half surrogate pairs, which JSON text cannot hold, replaced."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _sound(held) for key, held in value.items()}
    return [_sound(held) for held in value] if isinstance(value, list) else value


def _when(at: datetime | None) -> str | None:
    return iso(at) if at is not None else None


def _head(report: Report) -> dict[str, Any]:
    ending, signature, reading = report.ending, report.signature, report.reading
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "tool": report.tool,
        "campaign": report.name,
        "id": report.id,
        "state": "closed" if ending is not None else "open",
        "accounts": list(report.accounts),
        "scope": [{"list": pane, "filter": words} for pane, words in report.scope],
        "begun": iso(report.begun),
        "begun_by": report.reviewer,
        "closed": _when(ending.at) if ending is not None else None,
        "closed_by": ending.reviewer if ending is not None else None,
        "note": report.note,
        "as_of": iso(report.as_of),
        "min_age_days": report.min_age,
        "idle_days": report.idle_days,
        "signature": {"sha256": signature.sha256, "same": signature.same} if signature is not None else None,
        "reading": {
            "kind": reading.kind,
            "words": reading.words,
            "again": reading.again,
            "reproducible": reading.reproducible,
            "as_of": _when(reading.as_of),
            "files": [
                {"name": f.name, "kind": f.kind, "sha256": f.sha256 or None, "files": f.files, "made": _when(f.made), "reason": f.reason}
                for f in reading.files
            ],
            "accounts": [
                {"account": number, "alias": alias, "as_of": _when(as_of), "caller": caller}
                for number, alias, as_of, caller in reading.accounts
            ],
        },
        "ledger": {"lines": report.ledger.lines, "sha256": report.ledger.sha256, "refused": list(report.ledger.refused)},
        "numbers": {one.id: one.value for one in report.numbers},
        "lists": [{"list": pane, "decided": done, "items": total} for pane, done, total in report.panes],
        "reviewers": [{"reviewer": who, "decisions": count} for who, count in report.reviewers],
    }


def _rest(report: Report) -> dict[str, Any]:
    return {
        "practices_as_of": report.practices_words,
        "practices": [{"number": p.number, "title": p.title, "found": p.words, **_score(p.score)} for p in report.practices],
        "trend": [_figures(one) for one in report.trend],
        "gaps": list(report.gaps),
        "unread": list(report.unread),
        "spared": list(report.spared),
    }


def _score(score: Score) -> dict[str, Any]:
    return {
        "practice": score.practice,
        "state": score.kept.value,
        "kept": score.held,
        "looked_at": score.of,
        "offenders": score.offenders,
        "missing": score.missing,
    }


def _figures(one: Figures) -> dict[str, Any]:
    return {
        "campaign": one.name,
        "id": one.id,
        "begun": iso(one.begun),
        "closed": _when(one.closed),
        "days": one.days,
        "items": one.items,
        "decided": one.decided,
        "open": one.open,
        "conflicts": one.conflicts,
        "decisions": {decision.value: count for decision, count in one.counts},
        "practices_kept": one.kept,
        "practices": [_score(score) for score in one.scores] if one.scores is not None else None,
    }


def _subject(subject: Subject) -> dict[str, Any]:
    return {
        "kind": subject.kind.value,
        "noun": subject.noun,
        "name": subject.name,
        "arn": subject.arn,
        "unique_id": subject.unique_id or None,
        "account": subject.account,
    }


def _changes(found: tuple[Change, ...]) -> list[dict[str, Any]]:
    return [{"fact": c.name, "was": c.was or None, "now": c.now or None} for c in found]


def _side(side: Side) -> dict[str, Any]:
    return {
        "reviewer": side.reviewer,
        "decision": side.decision.value,
        "at": iso(side.at),
        "reason": side.reason,
        "expires": _when(side.expires),
        "ticket": side.ticket,
        "evidence": side.hash,
    }


def _follow(follow: Follow | None) -> dict[str, Any] | None:
    if follow is None:
        return None
    return {"state": follow.done.value, "changes": _changes(follow.changes), "unread": list(follow.unread), "why": follow.words}


def _clue(clue: Clue) -> dict[str, Any]:
    return {
        "fact": clue.name,
        "value": clue.value,
        "state": clue.state.value,
        "source": clue.source,
        "as_of": _when(clue.as_of),
        "weighs": clue.weighs,
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "place": line.place,
        "list": line.pane,
        "subject": _subject(line.subject),
        "owner": line.owner,
        "score": line.score,
        "signs": list(line.signs),
        "state": line.state,
        "decisions": [_side(side) for side in line.sides],
        "expired": line.expired,
        "reopened": line.reopened,
        "now": _follow(line.follow),
        "before": _side(line.before) if line.before is not None else None,
        "changed_before": _changes(line.since),
        "evidence": {"hash": line.hash, "facts": [_clue(clue) for clue in line.clues]},
    }


def _earlier(one: Earlier) -> dict[str, Any]:
    return {
        "campaign": one.campaign,
        "subject": _subject(one.subject),
        "decision": one.decision.value,
        "reviewer": one.reviewer,
        "at": iso(one.at),
        "reason": one.reason,
        "ticket": one.ticket,
        "now": _follow(one.follow),
        "decided_since": one.now or None,
    }


# -- CSV -------------------------------------------------------------------------------------------------------------

COLUMNS = (
    "record", "name", "kind", "state", "number", "of", "unique_id", "arn", "account", "owner", "reviewer", "at", "expires", "ticket",
    "reason", "signs", "before", "now", "campaign", "evidence_hash", "evidence",
)  # fmt: skip
"""`record` says what a row is: header, number, list, reviewer, item, part, earlier, practice, trend, gap, unread, spared."""


def csv(report: Report) -> Iterator[str]:
    """One record a row, all with the same columns. Control characters are shown as symbols, as on a screen; JSON has them escaped."""
    return csv_stream(COLUMNS, ([defuse(visible(row.get(column, ""))) for column in COLUMNS] for row in _records(report)))


def _records(report: Report) -> Iterator[dict[str, str]]:
    for what, words in header(report):
        yield {"record": "header", "name": what, "state": words}
    if signature_words(report):
        yield {"record": "header", "name": "signature", "state": signature_words(report)}
    for one in report.numbers:
        yield {"record": "number", "name": one.id, "kind": one.words, "number": str(one.value), "of": "" if one.of is None else str(one.of)}
    for pane, done, total in report.panes:
        yield {"record": "list", "name": pane, "number": str(done), "of": str(total)}
    for who, count in report.reviewers:
        yield {"record": "reviewer", "name": who, "number": str(count)}
    for record, lines in (("item", report.lines), ("part", report.parts)):
        for line in lines:
            yield _item_record(line) | {"record": record}
    for past in report.earlier:
        yield _about(past.subject) | {
            "record": "earlier",
            "state": past.decision.value,
            "reviewer": past.reviewer,
            "at": iso(past.at),
            "reason": past.reason,
            "ticket": past.ticket,
            "now": earlier_words(past),
            "campaign": past.campaign,
        }
    for practice in report.practices:
        score = practice.score
        yield {
            "record": "practice",
            "name": score.practice,
            "kind": practice.title,
            "state": score.kept.value,
            "number": str(score.held),
        } | {
            "of": str(score.of),
            "evidence": f"{practice.words}; {score.offenders} offenders, {score.missing} facts missing",
        }
    for figures in report.trend:
        yield from _trend_records(figures)
    for record, entries in (("gap", report.gaps), ("unread", report.unread), ("spared", report.spared)):
        for entry in entries:
            yield {"record": record, "name": entry}


def _about(subject: Subject) -> dict[str, str]:
    told = {"name": subject.name, "kind": subject.noun, "unique_id": subject.unique_id, "arn": subject.arn}
    return told | {"account": subject.account}


def _item_record(line: Line) -> dict[str, str]:
    told = _about(line.subject) | {
        "state": line.state,
        "number": str(line.place),
        "owner": line.owner,
        "signs": "; ".join(line.signs),
        "before": "; ".join(part for part in (before_words(line), changes_words(line.since)) if part),
        "now": follow_words(line.follow),
        "evidence_hash": line.hash,
        "evidence": "; ".join(map(clue_words, line.clues)),
    }
    if line.sides:
        last = line.sides[-1]
        conflict = len({side.decision for side in line.sides}) > 1
        told |= {
            "reviewer": reviewers(line),
            "at": iso(last.at),
            "expires": iso(last.expires) if last.expires else "",
            "ticket": last.ticket,
            "reason": "; ".join(f"{side.reviewer}: {side.decision.value}: {side.reason}" for side in line.sides)
            if conflict
            else last.reason,
        }
    return told


def _trend_records(one: Figures) -> Iterator[dict[str, str]]:
    """A row a measure, as spreadsheets pivot them."""
    measures = [("days", one.days), ("items", one.items), ("decided", one.decided), ("open", one.open), ("conflicts", one.conflicts)]
    measures += [(decision.value, count) for decision, count in one.counts]
    measures += [("practices kept", one.kept)] if one.kept is not None else []
    about = {"record": "trend", "campaign": one.name, "at": iso(one.begun)}
    state = f"closed {iso(one.closed)}" if one.closed else "open"
    for name, value in measures:
        yield about | {"name": name, "number": str(value), "state": state}
    for score in one.scores or ():
        yield about | {"name": f"practice {score.practice}", "state": score.kept.value, "number": str(score.held), "of": str(score.of)}
