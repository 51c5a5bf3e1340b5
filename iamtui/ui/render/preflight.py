"""A policy before it is applied, as lines: the answer first, then what it opens, gives and takes, then the comparison."""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.diff import diff_documents
from ...analysis.preflight import Preflight
from ...session.preflight import change_words, danger_lines, remark_lines
from ...source.base import PolicyRemark
from ...text import visible
from .documents import Line, diff_lines

_AWS = {"ERROR": "severity-high", "SECURITY_WARNING": "severity-high", "WARNING": "severity-medium"}
_STYLE = {"broken": "severity-high", "high": "severity-high", "medium": "severity-medium", "low": ""}


def preflight_lines(answer: Preflight, old: str, new: str, aws: Sequence[PolicyRemark] | None = None, failed: str = "") -> list[Line]:
    """The whole page. `aws`: what ValidatePolicy said, None when it was not asked; `failed`: why it could not be."""
    verdict = "Access grows" if answer.grows else "Access does not grow"
    lines: list[Line] = [[(verdict, "severity-medium" if answer.grows else "strong")]]
    if answer.broken:
        lines.append([("AWS would refuse it, or parts of it never apply", "severity-high")])
    dangers, remarks = danger_lines(answer), remark_lines(answer)
    if dangers:
        lines += [[], [("What it opens", "heading")]]
        lines += [[(f"  {kind}  ", "severity-high"), (visible(words), "")] for kind, words in dangers]
    for title, changes, style in (("Gained", answer.gained, "diff-added"), ("Lost", answer.lost, "diff-removed")):
        if changes:
            lines += [[], [(title, "heading")]]
            lines += [[("  + " if title == "Gained" else "  - ", style), (visible(change_words(change)), "")] for change in changes]
    if remarks:
        lines += [[], [("To look at", "heading")]]
        lines += [[(f"  {kind}  ", _STYLE[kind]), (visible(words), "")] for kind, words in remarks]
    if aws is not None:
        lines += [[], [("AWS says", "heading"), ("  access-analyzer:ValidatePolicy", "state-absent")]]
        lines += [
            [
                (f"  {one.kind.lower()}  ", _AWS.get(one.kind, "")),
                (visible(f"{one.code}: {one.words}{f' ({one.where})' if one.where else ''}"), ""),
            ]
            for one in aws
        ]
        if failed:
            lines.append([(visible(f"  not asked: {failed}"), "state-failed")])
        elif not aws:
            lines.append([("  nothing to find fault with", "")])
    difference = diff_documents(old or new, new)
    lines += [[], [("The document" if not old.strip() else "The change", "heading")]]
    lines += diff_lines((line.kind.value, line.text) for line in difference.lines)
    return lines
