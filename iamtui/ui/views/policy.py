"""A managed policy: its document, its versions, and the difference between any two of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...analysis.words import relative
from ...model.policy import Policy, PolicyVersion
from ...session import Row
from ...text import visible
from ..render.cells import Cell
from ..render.documents import Line, diff_lines, json_lines
from ..widgets.table import TableColumn
from .base import Cancelled, View, heading


class DocumentView(View):
    """The version in force, as a summary by service and access level and as JSON; `t` turns."""

    json = True

    def open(self) -> None:
        policy = self.row.item
        assert isinstance(policy, Policy)
        version = policy.default_version
        if version is None or not version.document:
            self.host.note("")
            self.host.show_text([[("The text of this policy was not in what was read", "state-absent")], [("r asks AWS for it", "")]])
            self.refresh()
            return
        self._show(version)

    def _show(self, version: PolicyVersion) -> None:
        self.version = version
        self.host.note(f"{visible(version.version_id)}, the default version · t shows {'the summary' if self.json else 'the JSON'}")
        if self.json:
            self.host.show_text(json_lines(version.document))
            return
        session, text = self.session, version.document

        def job(cancelled: Cancelled) -> Iterable[Any]:
            yield session.document_summary(text)

        self.host.work("summary", job)

    def answered(self, question: object, value: Any, finished: bool) -> None:
        if question == "summary" and not self.json:
            from ..render.permissions import summary_lines

            self.host.show_text(summary_lines(value))
        elif question == "version" and isinstance(value, Row):
            self.row = value
            policy = value.item
            if isinstance(policy, Policy) and policy.default_version and policy.default_version.document:
                self._show(policy.default_version)

    def toggle(self) -> None:
        self.json = not self.json
        self.open()

    def refresh(self) -> None:
        session, row = self.session, self.row

        def job(cancelled: Cancelled) -> Iterable[Row]:
            yield session.load_policy_version(row, "", cancelled)

        self.host.work("version", job)

    def copy_json(self) -> str:
        policy = self.row.item
        return policy.default_version.document if isinstance(policy, Policy) and policy.default_version else ""


class VersionsView(View):
    """Stored versions, newest first. Enter opens one; `d` compares the marked two, or the one under the cursor with the
    one before it."""

    def open(self) -> None:
        self._opened = False
        policy = self.row.item
        assert isinstance(policy, Policy)
        versions = self._versions = policy.versions
        columns = (
            TableColumn("version", "VERSION", 9, 0),
            TableColumn("default", "DEFAULT", 8, 0),
            TableColumn("created", "MADE", 10, 0, right=True),
            TableColumn("exact", "UTC", 17, 1),
            TableColumn("text", "TEXT", 12, 2),
        )
        now = self.now

        def cells(row: int, column: int) -> Cell:
            version = versions[row]
            match column:
                case 0:
                    return Cell(visible(version.version_id), "strong")
                case 1:
                    return Cell("in force" if version.is_default or version.version_id == policy.default_version_id else "")
                case 2:
                    return Cell(relative(version.created, now), right=True) if version.created else Cell("no info", "state-absent", True)
                case 3:
                    return Cell(f"{version.created:%Y-%m-%d %H:%M}" if version.created else "")
                case _:
                    return Cell("read") if version.document else Cell("…", "state-absent")

        self.host.note("enter opens · d compares with the version before it, or the two that are marked (space)")
        self.host.show_table(columns, len(versions), cells, lambda row: versions[row].version_id, empty="No version was in what was read")

    def activate(self, key: str) -> None:
        version = self._version(key)
        if version is None:
            return
        self._opened = True
        self.host.note(f"{visible(key)} · esc goes back to the versions")
        if version.document:
            self.host.show_text(json_lines(version.document))
        else:
            self.host.show_text([[("The text of this version was not in what was read", "state-absent")]])

    def _version(self, key: str) -> PolicyVersion | None:
        return next((v for v in self._versions if v.version_id == key), None)

    def back(self) -> bool:
        if self._opened:
            self.open()
            return True
        return False

    def diff(self, key: str, marks: set[str]) -> None:
        chosen = [v for v in self._versions if v.version_id in marks]
        if len(chosen) != 2:
            place = next((n for n, v in enumerate(self._versions) if v.version_id == key), None)
            if place is None or place + 1 >= len(self._versions):
                self.host.say("There is no version before this one; mark two with space and press d")
                return
            chosen = [self._versions[place], self._versions[place + 1]]
        new, old = chosen[0], chosen[1]
        if not new.document or not old.document:
            self.host.say("The text of one of the two was not in what was read", bad=True)
            return
        difference = self.session.policy_diff(old, new)
        lines: list[Line] = [heading(f"{visible(old.version_id)} → {visible(new.version_id)}")]
        if difference.same:
            lines.append([("No difference", "state-absent")])
        for change in difference.changes:
            lines.append(
                [(f"{change.kind:<8} ", "diff-removed" if change.kind == "removed" else "diff-added"), (visible(change.label), "strong")]
            )
            lines.extend([("         " + visible(words), "")] for words in change.words)
        lines.append([])
        lines.extend(diff_lines((line.kind.value, line.text) for line in difference.lines))
        self._opened = True
        self.host.note(f"{visible(old.version_id)} → {visible(new.version_id)} · esc goes back to the versions")
        self.host.show_text(lines)

    def export_rows(self) -> tuple[list[str], list[list[str]]] | None:
        return ["version", "default", "created"], [
            [v.version_id, str(v.is_default).lower(), v.created.isoformat() if v.created else ""] for v in self._versions
        ]
