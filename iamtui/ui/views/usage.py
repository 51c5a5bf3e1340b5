"""Last used: services and actions, when, where, by which source, within which window."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ...analysis.usage import ActionRow, UsageRow, unused
from ...analysis.words import csv_text, plain, relative
from ...model.fact import Fact, State
from ...session import UsageUpdate
from ...text import visible
from ..render.cells import SHORT, STATE_STYLE, Cell
from ..render.documents import Line
from ..render.facts import detail, origin_words
from ..widgets.table import TableColumn
from .base import Cancelled, View, heading

if TYPE_CHECKING:
    from ..render.advice import DrillRow


class UsageView(View):
    """Services newest first; Enter shows a service's actions and, again, who used it and which policies give it; `u` only what is
    unused, `t` oldest first."""

    only_unused = False
    oldest_first = False

    def open(self) -> None:
        self._service: UsageRow | None = None
        self._drilled = False
        self._found: list[DrillRow] = []
        self._rows: tuple[UsageRow, ...] = ()
        self._step = ""
        self._running = False
        if self.session.usage(self.row).state is State.NOT_LOADED:
            self.refresh()
        else:
            self._join()

    def refresh(self) -> None:
        """Ask for the report; what is there already stays on screen."""
        row, session = self.row, self.session
        self._running = True
        self._show()

        def job(cancelled: Cancelled) -> Iterable[Any]:
            yield from session.load_usage(row, cancelled=cancelled)
            yield session.usage_rows(row)

        self.host.work("usage", job)

    def _join(self) -> None:
        session, row = self.session, self.row
        self._running = True
        self._show()

        def job(cancelled: Cancelled) -> Iterable[Any]:
            yield session.usage_rows(row)

        self.host.work("usage", job)

    def answered(self, question: object, value: Any, finished: bool) -> None:
        if question == "service":
            self._show_drill(value)
            return
        if isinstance(value, UsageUpdate):
            step = value.step
            if step is not None:
                total = f" of {step.total}" if step.total else ""
                self._step = f"{step.what} {step.done or ''}{total}".strip() + (", throttled by AWS" if step.throttled else "")
                self._note()
            return
        if isinstance(value, tuple):
            self._rows, self._running, self._step = value, False, ""
            if self._service is None:
                self._show()

    def _chosen(self) -> list[UsageRow]:
        rows = list(unused(self._rows) if self.only_unused else self._rows)
        if self.oldest_first:
            known = [r for r in rows if r.last_used.is_known]
            known.sort(key=lambda r: r.last_used.value)  # type: ignore[arg-type,return-value]
            rows = [r for r in rows if not r.last_used.is_known] + known
        return rows

    def _note(self) -> None:
        usage = self.session.usage(self.row)
        if self._running:
            self.host.note(self._step or "reading…")
            return
        if usage.value is None:
            words, _ = detail(usage, self.now)
            self.host.note(f"last accessed: {words}")
            return
        report = usage.value
        window = f"looked at since {report.tracking_from:%Y-%m-%d}" if report.tracking_from else "window not told"
        idle = len(unused(self._rows))
        level = "actions too" if report.granularity == "ACTION_LEVEL" else "services only"
        made = f" · made {relative(report.completed, self.now)} ago" if report.completed else ""
        self.host.note(f"{idle} of {len(self._rows)} services unused · {window} · {level}{made} · u unused, t order")

    def _show(self) -> None:
        self._note()
        rows = self._shown = self._chosen()
        now = self.now
        columns = (
            TableColumn("service", "SERVICE", 20, 0),
            TableColumn("last-used", "LAST USED", 10, 0, right=True),
            TableColumn("granted", "GRANTED", 26, 1),
            TableColumn("region", "REGION", 14, 2),
            TableColumn("source", "BY SOURCE", 16, 2),
            TableColumn("actions", "ACTIONS", 9, 2, right=True),
            TableColumn("by", "GRANTED BY", 22, 4),
        )
        self.host.show_table(
            columns, len(rows), lambda row, column: _cell(rows[row], column, now), lambda row: rows[row].namespace, self._empty()
        )

    def _empty(self) -> str:
        usage = self.session.usage(self.row)
        if self._running:
            return "Reading…"
        if self.only_unused and self._rows:
            return "Nothing is unused: every service that is granted was used in the window."
        if usage.state is State.DENIED:
            return f"Denied: {usage.detail or usage.source}\n\nThat is not the same as never used. ! says more, r tries again."
        if usage.state is State.FAILED:
            return f"Failed: {usage.detail}\n\n! says more, r tries again."
        if usage.state is State.NOT_LOADED:
            return f"Not loaded{': ' + usage.detail if usage.detail else ''}\n\nThat is not the same as never used. r asks."
        return "The report was read and names no service: nothing is granted."

    def activate(self, key: str) -> None:
        if self._drilled:
            target = self._found[int(key)].target if key.isdigit() and int(key) < len(self._found) else ""
            if target:
                self.host.go(target)
            return
        if self._service is not None:
            self._drill()
            return
        service = next((r for r in self._shown if r.namespace == key), None)
        if service is None:
            return
        self._service = service
        self._show_actions(service)
        if not service.actions:
            self._drill()

    def _show_actions(self, service: UsageRow) -> None:
        actions, now = service.actions, self.now
        self.host.note(f"{visible(service.namespace)} · {visible(service.window)} · enter: who and by which policy · esc back")
        columns = (
            TableColumn("action", "ACTION", 30, 0),
            TableColumn("last-used", "LAST USED", 10, 0, right=True),
            TableColumn("level", "ACCESS LEVEL", 22, 1),
            TableColumn("granted", "GRANTED", 8, 2),
            TableColumn("region", "REGION", 14, 3),
        )
        empty = f"AWS tracks no single actions of {visible(service.namespace)} here, and no event named one."
        self.host.show_table(
            columns, len(actions), lambda row, column: _action(actions[row], column, now), lambda row: actions[row].name, empty
        )

    def _drill(self) -> None:
        """Who used the service, and which policies give it: AWS is asked."""
        service, row, session = self._service, self.row, self.session
        if service is None:
            return
        self._drilled = True
        name = service.namespace
        self.host.note(f"{visible(name)} · asking who used it and which policies give it…")

        def job(cancelled: Cancelled) -> Iterable[Any]:
            yield from session.load_service(row, name, cancelled)

        self.host.work("service", job)

    def _show_drill(self, value: Any) -> None:
        from ...session.sweeping import ServiceDrill
        from ..render.advice import COLUMNS, drill_cell, drill_rows

        service, now = self._service, self.now
        if service is None or not self._drilled:
            return
        if not isinstance(value, ServiceDrill):
            self.host.note(f"{visible(service.namespace)} · {value.what}" + (", throttled by AWS" if value.throttled else ""))
            return
        rows = self._found = drill_rows(value)
        used = f" · last {plain(service.last_used, now)}" if service.last_used.is_known else ""
        self.host.note(f"{visible(service.namespace)}{used} · enter goes there, esc back")
        self.host.show_table(COLUMNS, len(rows), lambda row, column: drill_cell(rows[row], column, now), str)

    def back(self) -> bool:
        if self._service is not None and self._drilled and self._service.actions:
            self._drilled = False
            self._show_actions(self._service)
            return True
        if self._service is not None:
            self._service, self._drilled = None, False
            self._show()
            return True
        return False

    def unused(self) -> None:
        self.only_unused = not self.only_unused
        self._service, self._drilled = None, False
        self._show()

    def toggle(self) -> None:
        self.oldest_first = not self.oldest_first
        self._service, self._drilled = None, False
        self._show()

    def provenance(self) -> list[Line]:
        usage = self.session.usage(self.row)
        words, style = detail(usage, self.now) if usage.value is None else (usage.state.value, "")
        return [
            heading("Last accessed (Access Advisor)"),
            [(words, style)],
            [(origin_words(usage), "")],
            [],
            [("AWS looks back at most 400 days and lags about four hours.", "state-absent")],
            [("Attempts count, denied ones too. Only identity policies are looked at.", "state-absent")],
            [("iam:PassRole and S3 data events are not tracked: no use seen there is no proof.", "state-absent")],
            [("Events that were read are joined; BY SOURCE says which source was the latest.", "state-absent")],
        ]

    def export_rows(self) -> tuple[list[str], list[list[str]]] | None:
        if self._drilled:
            from ..render.advice import DRILL_HEADER

            return DRILL_HEADER, [[r.how, r.name, csv_text(r.fact) if r.fact else "", r.way, r.target] for r in self._found]
        header = ["service", "last_used", "region", "source", "granted", "granted_by", "window"]
        return header, [
            [r.namespace, csv_text(r.last_used), r.region, r.source, r.levels, " ".join(r.granted_by), r.window] for r in self._shown
        ]


def _when(fact: Fact[datetime], now: datetime) -> Cell:
    if fact.state is State.KNOWN:
        return Cell(plain(fact, now), "", True)
    return Cell(plain(fact, now), STATE_STYLE[fact.state], True, SHORT[fact.state])


def _cell(row: UsageRow, column: int, now: datetime) -> Cell:
    match column:
        case 0:
            return Cell(visible(row.namespace), "strong")
        case 1:
            return _when(row.last_used, now)
        case 2:
            if row.granted is None:
                return Cell("unknown", "state-absent")
            return Cell(visible(row.levels)) if row.granted else Cell("no longer granted", "state-never")
        case 3:
            return Cell(visible(row.region))
        case 4:
            return Cell(visible(row.source.removeprefix("iam:")))
        case 5:
            used = sum(1 for action in row.actions if action.last_used.is_known)
            return Cell(f"{used} of {len(row.actions)}" if row.actions else "", "", True)
        case _:
            return Cell(visible(", ".join(row.granted_by)))


def _action(row: ActionRow, column: int, now: datetime) -> Cell:
    match column:
        case 0:
            return Cell(visible(row.name), "strong")
        case 1:
            return _when(row.last_used, now)
        case 2:
            return Cell(visible(row.level))
        case 3:
            return Cell("unknown", "state-absent") if row.granted is None else Cell("yes" if row.granted else "no")
        case _:
            return Cell(visible(row.region))
