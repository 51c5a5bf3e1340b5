"""A change as lines: what, who, what it gives and takes, the comparison of its documents, and the text that puts it back."""

from __future__ import annotations

from ...analysis.changes.meaning import Meaning
from ...analysis.changes.standing import Entry
from ...analysis.diff import diff_documents
from ...session.changetext import entry_words, fact_words, sections, who_name
from ...text import visible
from .cells import Cell
from .documents import Line, diff_lines, json_lines

_MOST_JSON = 400


def entry_lines(entry: Entry, meaning: Meaning, cli: str, terraform: str) -> list[Line]:
    """The entry whole."""
    lines: list[Line] = []
    for heading, told in sections(entry, meaning):
        lines.append([(visible(heading), "heading")])
        lines.extend(_told(heading, words) for words in told)
        lines.append([])
    lines += _comparison(entry, meaning)
    lines += [[("Roll back with the AWS CLI", "heading"), ("  y copies, nothing is run", "state-absent")]]
    lines += _shell(cli)
    lines += [[], [("Roll back with Terraform", "heading"), ("  Y copies", "state-absent")]]
    lines += _shell(terraform)
    return lines


def _told(heading: str, words: str) -> Line:
    if heading == "The change":
        label, _, rest = words.partition(" ")
        return [(f"  {label:<9}", "label"), (visible(rest.strip()), "strong" if label in ("what", "who") else "")]
    if heading == "Access":
        style = "diff-added" if words.startswith("+ ") else "diff-removed" if words.startswith("- ") else ""
        if "administrator" in words or words.startswith("opens: "):
            style = "severity-high"
        return [("  " + visible(words), style)]
    return [("  " + visible(words), "state-absent" if heading == "Not told" else "")]


def _comparison(entry: Entry, meaning: Meaning) -> list[Line]:
    """What the documents say, before and after; of an attachment the policy, of a membership all the group's."""
    old, new, change = meaning.old, meaning.new, entry.change
    lines: list[Line] = []
    if change.before.is_known or change.after.is_known or meaning.untold:
        lines.append([("Documents", "heading")])
        for label, fact in (("before", change.before), ("after", change.after)):
            lines.append([(f"  {label:<9}", "label"), (visible(fact_words(fact)), "" if fact.is_known else "state-absent")])
        lines.append([])
    if old and new:
        difference = diff_documents(old, new)
        lines.append(
            [
                ("Difference", "heading"),
                (f"  {difference.removed} lines gone, {difference.added} new" if not difference.same else "  none", "state-absent"),
            ]
        )
        for one in difference.changes:
            style = "diff-removed" if one.kind == "removed" else "diff-added"
            lines.append([(f"  {one.kind:<8} ", style), (visible(one.label), "strong")])
            lines.extend([("           " + visible(words), "")] for words in one.words)
        lines.append([])
        lines += _cut(diff_lines((line.kind.value, line.text) for line in difference.lines))
        lines.append([])
    elif old or new:
        sign, style = ("+ ", "diff-added") if new else ("- ", "diff-removed")
        lines.append([("The boundary" if meaning.limit else "Given" if new else "Taken", "heading")])
        lines += _cut([[(sign, style), *line] for line in json_lines(new or old)])
        lines.append([])
    return lines


def _cut(lines: list[Line]) -> list[Line]:
    if len(lines) <= _MOST_JSON:
        return lines
    return [*lines[:_MOST_JSON], [(f"… {len(lines) - _MOST_JSON:,} more lines", "state-absent")]]


def _shell(text: str) -> list[Line]:
    return [[("  " + visible(line), "state-absent" if line.startswith("#") else "")] for line in text.rstrip("\n").split("\n")]


def what_cell(entry: Entry) -> Cell:
    style = "state-absent" if entry.change.repeated else "strong" if not entry.via else ""
    return Cell(visible(entry_words(entry)), style)


def who_cell(entry: Entry) -> Cell:
    author = entry.change.author
    return Cell(visible(who_name(entry.change)), "" if author.words else "state-absent")


def gives_style(words: str) -> str:
    if words.startswith(("ADMIN gained", "gives admin")):
        return "severity-high"
    if words.startswith("opens "):
        return "severity-medium"
    return "state-absent" if words == "not known" else ""
