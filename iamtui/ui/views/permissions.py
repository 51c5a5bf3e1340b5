"""Permissions: every grant with the way it came; each opens as JSON and as a summary. The first line is what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ...model.identity import Group, Role, User
from ...model.policy import Grant, Via
from ...policy.document import parse
from ...text import visible
from ..render.cells import Cell
from ..render.documents import Line, json_lines
from ..render.effective import access_cell, service_lines, services_of
from ..render.permissions import summary_lines
from ..widgets.table import TableColumn
from .base import Cancelled, View, heading
from .summary import ROOT_WORDS, is_root_user

if TYPE_CHECKING:
    from ...analysis.effective import EffectiveAccess
    from ...session.reviewitems import Part

ALL = "all"
ACCESS_COLUMNS = (
    TableColumn("service", "SERVICE", 18, 0),
    TableColumn("access", "ACCESS", 40, 0),
    TableColumn("resources", "RESOURCES", 24, 1),
    TableColumn("stopped", "STOPPED", 7, 1, right=True),
    TableColumn("conditions", "CONDITIONS", 24, 2),
    TableColumn("by", "GRANTED BY", 26, 3),
)


class PermissionsView(View):
    """Enter opens a policy, or from the first line the effective access by service, and there a service. `t` turns between the
    summary and the JSON of a policy, and between effective access and what all documents say. Esc goes back a level."""

    json = True
    _access: EffectiveAccess | None = None

    def open(self) -> None:
        self._access = None
        self._opened: Grant | str | None = None
        self._service = ""
        grants = self._grants = self.session.grants(self.row)
        marks = self._decided()
        columns = (
            TableColumn("policy", "POLICY", 26, 0),
            *([TableColumn("mark", "MARK", 9, 0)] if any(marks) else ()),
            TableColumn("way", "HOW IT COMES", 26, 0),
            TableColumn("kind", "KIND", 6, 2),
            TableColumn("says", "SAYS", 30, 1),
        )

        def cells(row: int, column: int) -> Cell:
            if any(marks) and column:
                if column == 1:
                    return Cell(marks[row - 1] if row else "", "severity-medium")
                column -= 1
            if row == 0:
                return (
                    Cell("everything together", "strong"),
                    Cell("effective access"),
                    Cell(""),
                    Cell(f"{len(grants)} policies, by service"),
                )[column]
            return _cell(grants[row - 1], column)

        unread = sum(1 for grant in grants if grant.document is None)
        self.host.note(
            f"{unread} of {len(grants)} policies were not in what was read; opening one asks for it"
            if unread
            else "enter opens a policy, or what they come to"
        )
        if not grants:
            self.host.show_table(
                columns,
                0,
                cells,
                str,
                empty=ROOT_WORDS
                if is_root_user(self.row.item)
                else "No policy reaches this identity.\n\nResource policies of other accounts and services may still let it in.",
            )
            return
        self.host.show_table(columns, len(grants) + 1, cells, lambda row: ALL if row == 0 else _key(row - 1, grants[row - 1]))

    def _decided(self) -> list[str]:
        """What was decided about each grant by itself; "" for nothing."""
        from ...session.reviewitems import grant_part, standing_words

        marks, item = self.session.marks, self.row.item
        if not marks or not isinstance(item, User | Role | Group):
            return [""] * len(self._grants)
        return [standing_words(grant_part(item, self.row.snapshot, grant, marks).standing) for grant in self._grants]

    def parts(self) -> Sequence[Part]:
        """The grant that is open, or under the cursor; on the first line the identity itself."""
        from ...session.reviewitems import grant_part

        grant = self._opened
        if grant is None:
            key = self.host.cursor_key
            grant = next((g for n, g in enumerate(self._grants) if _key(n, g) == key), None)
        item = self.row.item
        if not isinstance(grant, Grant) or not isinstance(item, User | Role | Group):
            return ()
        return (grant_part(item, self.row.snapshot, grant, self.session.marks),)

    def activate(self, key: str) -> None:
        if self._opened == ALL and self._access is not None:
            self._service = key
            self.host.note(f"{visible(key)} · esc goes back to the services")
            self.host.show_text(service_lines(self._access, key))
            return
        if key == ALL:
            self._opened = ALL
            self._weigh()
            return
        grant = next((g for n, g in enumerate(self._grants) if _key(n, g) == key), None)
        if grant is None or not grant.policy_name:
            return
        self._opened = grant
        if grant.document is None:
            self.host.note(f"asking for {visible(grant.policy_name)}…")
            row, session = self.row, self.session

            def job(cancelled: Cancelled) -> Iterable[Grant]:
                yield session.load_grant_document(row, grant, cancelled)

            self.host.work("document", job)
            return
        self._show(grant)

    def _show(self, grant: Grant) -> None:
        other = "the summary" if self.json else "the JSON"
        way = f"through group {grant.group}" if grant.group else grant.via.value
        self.host.note(f"{visible(grant.policy_name)} · {way} · t shows {other} · esc goes back")
        if grant.document is None:
            self.host.show_text([[("The text of this policy could not be read (! says why)", "state-denied")]])
        elif self.json:
            self.host.show_text([*_findings(grant.document), *json_lines(grant.document)])
        else:
            self._summarize(grant)

    def _weigh(self) -> None:
        """Effective access, worked out in a thread."""
        self._access, self._service = None, ""
        session, row = self.session, self.row
        self.host.note("effective access · esc goes back to the list")
        self.host.show_text([[("Working it out…", "state-absent")]])

        def job(cancelled: Cancelled) -> Iterable[Any]:
            yield session.effective(row)

        self.host.work("effective", job)

    def _show_access(self, access: EffectiveAccess) -> None:
        self._access = access
        services = services_of(access)
        absent = [f"not read: {', '.join(access.unread)}"] if access.unread else []
        limits = [f"limited by {', '.join(access.limits)}"] if access.limits else []
        self.host.note(" · ".join([f"{len(access.services)} services", *limits, *absent, *access.notes, "t what the documents say"]))
        self.host.show_table(
            ACCESS_COLUMNS,
            len(services),
            lambda row, column: access_cell(access, services[row], column),
            lambda row: services[row],
            empty="No policy of this identity allows anything.\n\nPolicies of resources may still let it in.",
        )

    def _summarize(self, grant: Grant | None = None) -> None:
        session, row = self.session, self.row
        self.host.note(
            "summary · esc goes back to the list" if grant is None else f"{visible(grant.policy_name)} · t shows the JSON · esc goes back"
        )
        self.host.show_text([[("Working it out…", "state-absent")]])

        def job(cancelled: Cancelled) -> Iterable[Any]:
            yield session.permissions(row) if grant is None else session.document_summary(grant.document or "", grant.policy_name)

        self.host.work("summary", job)

    def answered(self, question: object, value: Any, finished: bool) -> None:
        if question == "effective" and self._opened == ALL:
            self._show_access(value)
        elif question == "summary" and self._opened is not None:
            self.host.show_text(summary_lines(value))
        elif question == "document" and isinstance(value, Grant) and isinstance(self._opened, Grant):
            self._opened = value
            self._show(value)

    def toggle(self) -> None:
        if isinstance(self._opened, Grant):
            self.json = not self.json
            self._show(self._opened)
        elif self._opened == ALL and self._access is not None and not self._service:
            self._access = None
            self._summarize()
        else:
            self._opened = ALL
            self._weigh()

    def back(self) -> bool:
        if self._service and self._access is not None:
            self._service = ""
            self._show_access(self._access)
            return True
        if self._opened is not None:
            self.open()
            return True
        return False

    def copy_json(self) -> str:
        return self._opened.document or "" if isinstance(self._opened, Grant) else ""

    def provenance(self) -> list[Line]:
        return [
            heading("Grants"),
            [("attached, inline and group policies and the boundary: iam:GetAccountAuthorizationDetails", "")],
            [("effective access: every action asked of the policy engine, with boundary and organisation policies as limits", "")],
            [("services and access levels: the action catalogue", "")],
            [("not counted: what policies of resources add, session policies", "state-absent")],
        ]

    def export_rows(self) -> tuple[list[str], list[list[str]]] | None:
        if self._access is not None:
            rows = [
                [a.service, a.level, action, a.scope, a.conditions, a.within, ", ".join(a.granted_by)]
                for a in self._access.allowed
                for action in a.actions
            ]
            return ["service", "level", "action", "resources", "conditions", "within limits", "granted by"], rows
        return ["policy", "via", "group", "arn"], [[g.policy_name, g.via.value, g.group, g.policy_arn] for g in self._grants]


def _key(number: int, grant: Grant) -> str:
    return f"{number}:{grant.via}:{grant.policy_name}:{grant.group}"


def _cell(grant: Grant, column: int) -> Cell:
    match column:
        case 0:
            if not grant.policy_name:
                return Cell("(not read)", "state-denied")
            return Cell(visible(grant.policy_name))
        case 1:
            if grant.group:
                how = "attached" if grant.via is Via.GROUP_ATTACHED else "inline"
                return Cell(
                    visible(f"group {grant.group}, {how}") if grant.policy_name else visible(f"group {grant.group}: not in what was read")
                )
            return Cell("boundary: a limit", "state-never") if grant.via is Via.BOUNDARY else Cell(grant.via.value)
        case 2:
            if grant.via in (Via.INLINE, Via.GROUP_INLINE):
                return Cell("inline")
            return Cell("AWS" if ":iam::aws:" in grant.policy_arn else "own")
        case _:
            return Cell("not read", "state-absent") if grant.document is None else Cell(*_says(grant.document))


def _says(text: str) -> tuple[str, str]:
    """A glance at a document: how many allow and deny statements, and what stands out."""
    document = parse(text)
    allows = sum(1 for s in document.statements if s.allows)
    denies = sum(1 for s in document.statements if s.denies)
    words = f"{allows} allow" + (f", {denies} deny" if denies else "")
    if any(s.allows and "*" in s.actions and "*" in s.resources and not s.conditions for s in document.statements):
        return "every action on everything", "severity-high"
    if document.findings:
        return f"{words}, malformed", "severity-medium"
    return words, ""


def _findings(text: str) -> list[Line]:
    return [[("! ", "severity-medium"), (visible(finding), "severity-medium")] for finding in parse(text).findings]
