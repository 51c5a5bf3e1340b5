"""Trust: who may assume a role, in words and as JSON."""

from __future__ import annotations

from ...model.identity import Role
from ...text import visible
from ..render.documents import Line, json_lines
from .base import View, heading


class TrustView(View):
    """Words first, the document under it; `t` shows the document alone."""

    words = True

    def open(self) -> None:
        role = self.row.item
        assert isinstance(role, Role)
        trust = self.session.trust(self.row)
        warnings = sum(1 for t in trust.trustees if t.warning) if trust else 0
        self.host.note(f"{warnings} to look at" if warnings else "t shows only the JSON")
        lines = self._lines() if self.words else []
        if role.trust:
            lines.extend([*([[], heading("Trust policy")] if self.words else []), *json_lines(role.trust)])
        else:
            lines.append([("The trust policy was not in what was read", "state-absent")])
        self.host.show_text(lines)

    def _lines(self) -> list[Line]:
        trust = self.session.trust(self.row)
        if trust is None:
            return []
        lines: list[Line] = []
        for trustee in trust.trustees:
            effect = trustee.effect or "(no effect)"
            style = {"Allow": "effect-allow", "Deny": "effect-deny"}.get(trustee.effect, "state-failed")
            lines.append([(f"{effect:<6} ", style), (visible(trustee.words), "strong")])
            if trustee.principal not in (trustee.name, "*"):
                lines.append([("       " + visible(trustee.principal), "state-absent")])
            lines.append([("       may ", "label"), (visible(", ".join(trustee.actions) or "nothing"), "")])
            lines.extend([("       only ", "label"), (visible(words), "")] for words in trustee.conditions)
            if trustee.warning:
                lines.append([("       ! ", "severity-high"), (visible(trustee.warning), "severity-high")])
            lines.append([])
        if not trust.trustees:
            lines.append([("No principal can be read from the trust policy: nobody is known to be let in", "state-absent")])
        lines.extend([("! ", "severity-medium"), (visible(finding), "severity-medium")] for finding in trust.findings)
        return lines

    def toggle(self) -> None:
        self.words = not self.words
        self.open()

    def copy_json(self) -> str:
        return self.row.item.trust if isinstance(self.row.item, Role) else ""

    def provenance(self) -> list[Line]:
        return [heading("Trust policy"), [("AssumeRolePolicyDocument of iam:GetAccountAuthorizationDetails", "")]]
