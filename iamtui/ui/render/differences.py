"""A difference as cells and as a page: what, who, what it gives and takes, and its documents compared."""

from __future__ import annotations

from ...analysis.diff import diff_documents
from ...analysis.snapshots.difference import Comparison, Difference
from ...session.differencetext import note_words, sections
from ...text import visible
from .cells import Cell
from .documents import Line, diff_lines, json_lines

SEVERITY = {"critical": "severity-high", "high": "severity-high", "medium": "severity-medium", "low": ""}
_MOST_LINES = 3000


def difference_cell(one: Difference, column: str) -> Cell:
    """One cell of a list, by the column's id."""
    match column:
        case "severity":
            return Cell(one.severity.value, SEVERITY[one.severity.value])
        case "name":
            return Cell(visible(one.name), "strong")
        case "of":
            return Cell(visible(one.subject))
        case "what":
            return Cell(one.change)
        case "words":
            return Cell(visible(one.words))
        case "who":
            return Cell(visible(one.who), "" if one.doers else "state-absent", short=("untold",) if not one.doers else ())
        case _:
            return Cell(visible(one.account))


def difference_lines(one: Difference) -> list[Line]:
    """A difference whole."""
    lines: list[Line] = []
    for heading, told in sections(one):
        lines.append([(visible(heading), "heading")])
        lines += [[("  " + visible(words), _style(words))] for words in told]
        lines.append([])
    lines += _documents(one)
    return lines


def _style(words: str) -> str:
    if words.startswith("+ "):
        return "diff-added"
    if words.startswith("- "):
        return "diff-removed"
    if words.startswith(("critical:", "high:", "opens:")):
        return "severity-high"
    return "state-absent" if words.startswith(("not told", "  further back")) else ""


def _documents(one: Difference) -> list[Line]:
    old, new = one.old_document, one.new_document
    if not old and not new:
        return []
    if not old or not new:
        return [[("The document" if new else "The document it was", "heading")], *json_lines(new or old)[:_MOST_LINES]]
    found = diff_documents(old, new)
    lines: list[Line] = [[("What changed in the document", "heading")]]
    for change in found.changes:
        lines.append([("  " + visible(f"{change.label} {change.kind}: {', '.join(change.words)}"), "")])
    if not found.changes:
        lines.append([("  it is written otherwise, and its statements are the same", "state-absent")])
    shown = diff_lines((line.kind.value, line.text) for line in found.lines[:_MOST_LINES])
    if len(found.lines) > _MOST_LINES:
        shown.append([(f"… and {len(found.lines) - _MOST_LINES:,} more lines", "state-absent")])
    return [*lines, [], *shown]


def note_lines(found: Comparison) -> list[Line]:
    """What was not compared."""
    if not found.notes:
        return [[("Both points tell all: everything was compared.", "")]]
    return [[(visible(note_words(note)), "severity-medium" if note.partial else "state-absent")] for note in found.notes]
