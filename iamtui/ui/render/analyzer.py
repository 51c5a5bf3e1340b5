"""Access Analyzer's claims beside ours, as cells and lines."""

from __future__ import annotations

from datetime import datetime

from ...analysis.analyzing import Compared, Verdict
from ...analysis.pretty import pretty
from ...analysis.words import exact, relative
from ...model.analyzer import AnalyzerFinding
from ...model.event import Event
from ...session.analyzing import AnalyzerView, headline, notes
from ...text import visible
from ..widgets.table import TableColumn
from .cells import Cell
from .documents import Line, json_lines

COLUMNS = (
    TableColumn("verdict", "SAID BY", 10, 0),
    TableColumn("kind", "KIND", 8, 2),
    TableColumn("status", "STATUS", 8, 3),
    TableColumn("name", "OF", 26, 0),
    TableColumn("what", "WHO OR WHAT", 24, 0),
    TableColumn("why", "WHY", 44, 0),
    TableColumn("since", "SINCE", 6, 2, right=True),
    TableColumn("region", "REGION", 14, 4),
)
_STYLE = {
    Verdict.BOTH: "severity-high",
    Verdict.ONLY_AWS: "severity-medium",
    Verdict.ONLY_HERE: "severity-medium",
    Verdict.NOT_JUDGED: "state-absent",
    Verdict.RESOLVED: "state-absent",
}


def analyzer_cell(row: Compared, column: int, now: datetime) -> Cell:
    finding = row.finding
    match column:
        case 0:
            return Cell(row.verdict.value, _STYLE[row.verdict] if row.status != "archived" else "state-absent")
        case 1:
            return Cell(row.kind.value)
        case 2:
            return Cell(row.status, "state-absent" if row.status != "active" else "")
        case 3:
            return Cell(visible(row.name), "strong")
        case 4:
            return Cell(visible(row.what))
        case 5:
            told = (row.ours, *row.why) if row.verdict is Verdict.ONLY_HERE else row.why or (row.ours,)
            return Cell(visible("; ".join(words for words in told if words)))
        case 6:
            return Cell(relative(finding.created, now) if finding is not None and finding.created else "", "", True)
        case _:
            return Cell(visible(" ".join(row.regions)))


def claim_lines(row: Compared, cause: Event | None, now: datetime) -> list[Line]:
    """One claim in full: both sides, the reason for the difference, the statement, the event, and the finding as AWS has it."""
    lines: list[Line] = [
        [(row.verdict.value, _STYLE[row.verdict]), (visible(f"  {row.kind.value} access  {row.arn}"), "")],
        [],
        [("who or what  ", "label"), (visible(row.what), "strong")],
        [("iamtui says  ", "label"), (visible(row.ours or "nothing"), "" if row.ours else "state-absent")],
    ]
    lines += [[("why  ", "label"), (visible(words), "")] for words in row.why]
    if row.finding is not None:
        lines += _finding(row.finding, row.regions, now)
    if cause is not None and cause.time is not None:
        lines += [[], [("Most likely brought about by", "heading")]]
        lines.append(
            [(visible(f"  {cause.name}  {exact(cause.time)} ({relative(cause.time, now)})  by {cause.actor.arn or cause.actor.name}"), "")]
        )
    if row.exposure is not None:
        lines += [[], [("The statement", "heading"), (visible(f"  {row.exposure.label}"), "state-absent")]]
        lines += _marked(row.exposure.document, row.exposure.statement)
    if row.finding is not None and row.finding.raw:
        lines += [[], [("As AWS has it", "heading")], *([("  ", ""), *line] for line in json_lines(row.finding.raw))]
    return lines


def _finding(finding: AnalyzerFinding, regions: tuple[str, ...], now: datetime) -> list[Line]:
    told = [
        ("status", finding.status.value),
        ("type", finding.type),
        ("resource", f"{finding.resource_type} of account {finding.owner}"),
        (
            "principal",
            ", ".join(f"{kind} {value}" for kind, value in finding.principal) or ("" if finding.detailed else "details not read"),
        ),
        ("public", "" if finding.public is None else "yes" if finding.public else "no"),
        ("actions", ", ".join(finding.actions)),
        ("only if", ", ".join(f"{key} is {value}" for key, value in finding.condition)),
        ("comes by", ", ".join(finding.sources)),
        ("organisation", ", ".join(finding.restricted)),
        ("error", finding.error),
    ]
    lines: list[Line] = [
        [],
        [("Access Analyzer", "heading"), (visible(f"  {' '.join(regions)}  {finding.analyzer.rpartition('/')[2]}"), "state-absent")],
    ]
    lines += [[(f"  {label:<13}", "label"), (visible(words), "")] for label, words in told if words]
    for one in finding.unused:
        when = f"last used {relative(one.last_used, now)} ago" if one.last_used else "not used in its period"
        lines.append([("  unused       ", "label"), (visible(f"{one.service}: {', '.join(one.actions) or 'all of it'} ({when})"), "")])
    for label, stamp in (
        ("made", finding.created),
        ("changed", finding.updated),
        ("looked", finding.analyzed),
        ("last used", finding.last_used),
    ):
        if stamp is not None:
            lines.append([(f"  {label:<13}", "label"), (f"{exact(stamp)} ({relative(stamp, now)})", "")])
    return lines


def _marked(text: str, statement: int) -> list[Line]:
    ranges = pretty(text).statements
    marked = range(*ranges[statement]) if 0 <= statement < len(ranges) else range(0)
    return [[("▌ " if number in marked else "  ", "label"), *line] for number, line in enumerate(json_lines(text))]


def about_lines(view: AnalyzerView, now: datetime) -> list[Line]:
    """The analyzers, Regions, what is not covered, and what AWS would add."""
    lines: list[Line] = [[("Analyzers", "heading")]]
    for one in view.analyzers:
        looked = f"looked {relative(one.analyzed, now)} ago" if one.analyzed else "never looked"
        days = f", unused after {one.days} days" if one.days else ""
        trust = "organisation" if one.organization else "account"
        lines.append(
            [
                (visible(f"  {one.region:<16}"), "label"),
                (visible(f"{one.kind.value} access, {trust}  {one.name}"), "strong"),
                (visible(f"  {one.status.lower()}, {looked}{days}"), ""),
            ]
        )
    if not view.analyzers:
        lines.append([("  none in what was read", "state-absent")])
    lines += [[], [("Not covered", "heading")], *([(f"  {visible(words)}", "")] for words in notes(view) or ["nothing that is known"])]
    lines += [
        [],
        [("How they are compared", "heading")],
        [("  By resource and outsider, or by identity and period. A difference is told with the reason the facts carry.", "state-absent")],
        [("  AWS looks at a change within about half an hour, and at everything once a day.", "state-absent")],
    ]
    return lines


def title(view: AnalyzerView) -> str:
    return f"Access Analyzer and iamtui: {headline(view.rows)}"
