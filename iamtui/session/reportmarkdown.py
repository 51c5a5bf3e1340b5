"""The report as Markdown: the form that is signed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from ..text import markdown_text as text
from .reportdata import Report
from .reporttables import tables
from .reporttext import EVIDENCE, UNLIKE, clue_words, header, subject_words


def markdown(report: Report) -> str:
    """The report, and under that of a closed campaign its signature."""
    told = body(report)
    if report.ending is None:
        return told
    whole, digest = signed(told)
    if report.signature is not None and report.signature.sha256 != digest:
        whole = f"{whole[:-1]}; `{text(report.signature.sha256)}` was signed: {text(UNLIKE)}\n"
    return whole


def body(report: Report) -> str:
    """The report as it is signed: without the signature, so that its hash can be under it."""
    return "".join(line + "\n" for line in _lines(report))


def signed(told: str) -> tuple[str, str]:
    """(the report with an empty line and its signature line, the SHA-256 of what stands above these two)."""
    digest = hashlib.sha256(told.encode()).hexdigest()
    return f"{told}\nSHA-256 of everything above this line: `{digest}`\n", digest


def _lines(report: Report) -> Iterator[str]:
    yield f"# Review {text(report.name)}"
    yield ""
    yield from (f"- {what}: {text(words)}" for what, words in header(report))
    for table in tables(report):
        yield from ("", f"## {table.heading}", "")
        if table.note:
            yield text(table.note)
        if table.note and table.rows:
            yield ""
        if not table.names:
            yield from (f"- {text(cell)}" for (cell,) in table.rows)
        elif table.rows:
            yield f"| {' | '.join(map(text, table.names))} |"
            yield f"|{'|'.join('---:' if i in table.right else '---' for i in range(len(table.names)))}|"
            yield from (f"| {' | '.join(map(text, row))} |" for row in table.rows)
    if not report.decided_on:
        return
    yield from ("", f"## Evidence ({len(report.decided_on):,})", "", EVIDENCE)
    for line in report.decided_on:
        yield from ("", f"### {line.place}. {text(subject_words(line.subject))}: {line.state}", "")
        yield f"- hash: {text(line.hash) or 'none'}"
        yield from (f"- {text(clue_words(clue))}" for clue in line.clues)
