"""One finding: the claim, what it rests on, what to do, and the statement it is about."""

from __future__ import annotations

from ...analysis.pretty import pretty
from ...model.finding import Finding
from ...text import visible
from ..render.documents import Line, json_lines
from .base import View, heading

_GRAVITY = {"critical": "severity-high", "high": "severity-high", "medium": "severity-medium", "low": ""}


class FindingView(View):
    """Text to read; `t` opens what the finding is about."""

    def open(self) -> None:
        finding = self._finding
        self.host.note(f"t opens {finding.subject} {visible(finding.name)}")
        lines: list[Line] = [
            [
                (finding.severity.value, _GRAVITY[finding.severity.value] or "strong"),
                (visible(f"  {finding.kind.value}  {finding.arn}"), ""),
            ],
            [],
            [(visible(finding.claim), "strong")],
            [],
            heading("What to do"),
            [("  " + visible(finding.todo), "")],
            [],
            heading("Evidence"),
            *([("  " + visible(words), "")] for words in finding.evidence),
        ]
        standing = self.session.standing(self.row)
        if standing is not None:
            from ..render.review import standing_lines

            lines += [[], heading("Decided"), *standing_lines(standing, self.now)]
        if finding.document:
            lines += [[], heading("The policy"), *self._document(finding)]
        self.host.show_text(lines)

    @property
    def _finding(self) -> Finding:
        assert isinstance(self.row.item, Finding)
        return self.row.item

    @staticmethod
    def _document(finding: Finding) -> list[Line]:
        ranges = pretty(finding.document).statements
        told = range(*ranges[finding.statement]) if 0 <= finding.statement < len(ranges) else range(0)
        return [[("▌ " if number in told else "  ", "label"), *line] for number, line in enumerate(json_lines(finding.document))]

    def toggle(self) -> None:
        if self._finding.tab:
            self.host.go(self._finding.arn, tab=self._finding.tab)
        else:
            self.host.say("What this is about is in no list; its policy is below")

    def copy_json(self) -> str:
        return self._finding.document

    def provenance(self) -> list[Line]:
        return [
            heading("Finding"),
            [("worked out here from the lists, by the policy engine; AWS was asked nothing for it", "")],
            [("Access Analyzer looks at resources and regions that were not read, and may say more", "state-absent")],
        ]
