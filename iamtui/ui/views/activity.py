"""Activity: the events of an identity, newest first, as they come in, and what has been covered to find them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...analysis.attribution import Chain, Chains, people
from ...analysis.coverage import progress_words, time_left
from ...model.event import Activity, Event, Window, WindowState
from ...model.identity import Role, User
from ...session import Direction, ListKind
from ...text import visible
from ..render.cells import Cell, cell
from ..render.documents import Line
from ..widgets.table import TableColumn
from .base import Cancelled, View, heading

_SHOWN = ("time", "actor", "event", "target", "outcome", "origin", "region")


class ActivityView(View):
    """`t` turns between events made by it, made to it, and both."""

    direction = Direction.BOTH

    def open(self) -> None:
        columns = {column.id: column for column in self.session.listing(ListKind.EVENTS).columns}
        self._columns = [columns[name] for name in _SHOWN if name in columns]
        if self.session.events_on_disk:
            self._show(Activity(running=True), Chains(), running=True)
            self._load()
            return
        self._show(*self._now())
        if not self.session.windows(self.row) and not (self.session.windows() and self.session.info.kind != "live"):
            self._load()

    def refresh(self) -> None:
        """What is new, and on to where a first look stopped, until all is covered."""
        self._load(most=None)

    def _load(self, **limits: Any) -> None:
        row, direction, session = self.row, self.direction, self.session

        def job(cancelled: Cancelled) -> Iterable[tuple[Activity, Chains]]:
            for activity in session.load_activity(row, cancelled, direction, **limits):
                yield activity, session.chains(activity.events)

        self.host.work("activity", job)

    def _now(self) -> tuple[Activity, Chains]:
        activity = self.session.activity(self.row, self.direction)
        return activity, self.session.chains(activity.events)

    def answered(self, question: object, value: Any, finished: bool) -> None:
        activity, chains = value
        self._show(activity, chains, running=activity.running)

    def _show(self, activity: Activity, chains: Chains, *, running: bool = False) -> None:
        self.activity, self._chains = activity, chains
        events, columns, now = activity.events, self._columns, self.now
        snapshot = self.row.snapshot
        coverage = coverage_words(activity.windows, running=running, count=len(events), direction=self.direction.value)
        who = _people_words(self._people()) if isinstance(self.row.item, Role) else ""
        self.host.note(f"{who} · {coverage}" if who else coverage)
        heads = [TableColumn(c.id, c.title, c.width, c.priority, c.kind.value in ("time", "number")) for c in columns]
        behind = len(heads)
        if isinstance(self.row.item, Role | User):
            heads.insert(2, TableColumn("behind", "BEHIND IT", 22, 1))
            behind = 2

        def cells(row: int, column: int) -> Cell:
            if column == behind:
                chain = chains.of(events[row])
                return Cell(visible(chain.words), "" if chain.whole else "state-absent")
            at = column - (column > behind)
            return cell(columns[at].fact(events[row], snapshot), columns[at], now)

        self.host.show_table(heads, len(events), cells, lambda row: events[row].event_id or str(row), empty=_empty(activity, running))

    def _people(self) -> tuple[tuple[Chain, int, Any], ...]:
        """Who is behind the calls of this identity."""
        arn = getattr(self.row.item, "arn", "")
        return people(self._chains, (event for event in self.activity.events if _is_by(event, arn)))

    def toggle(self) -> None:
        order = (Direction.BOTH, Direction.BY, Direction.ON)
        self.direction = order[(order.index(self.direction) + 1) % 3]
        if self.session.events_on_disk:
            self._load()
        else:
            self._show(*self._now())

    def activate(self, key: str) -> None:
        event = next((e for n, e in enumerate(self.activity.events) if (e.event_id or str(n)) == key), None)
        if event is not None:
            self.host.go(key=self.session.event_key(event))

    def provenance(self) -> list[Line]:
        lines = [heading("What was covered to find these events"), []]
        for window in self.activity.windows:
            lines.append([(window_words(window), "state-denied" if window.state is WindowState.DENIED else "")])
        if not self.activity.windows:
            lines.append([("Nothing has been asked yet; r asks", "state-absent")])
        lines.append([])
        found = self._people()
        if found:
            lines.extend([heading("Who is behind its calls"), []])
            for chain, count, latest in found:
                when = f", last {latest:%Y-%m-%d %H:%M}" if latest else ""
                lines.append([(visible(f"{chain.words}: {count:,} events{when}"), "")])
                lines.append([(visible(f"    {chain.concluded or chain.missing}"), "state-absent")])
                if chain.hint:
                    lines.append([(visible(f"    {chain.hint}"), "state-absent")])
            lines.append([])
        lines.extend([(visible(note), "state-absent")] for note in self.activity.notes)
        return lines

    def export_rows(self) -> tuple[list[str], list[list[str]]] | None:
        from ...analysis.words import csv_text

        columns, snapshot = self._columns, self.row.snapshot
        return [c.id for c in columns], [[csv_text(c.fact(e, snapshot)) for c in columns] for e in self.activity.events]


def _is_by(event: Event, arn: str) -> bool:
    return event.actor.arn == arn


def _people_words(found: tuple[tuple[Chain, int, Any], ...]) -> str:
    """`used by ana (IAM user) 12, ec2.amazonaws.com (AWS service) 4 and 2 more`."""
    if not found:
        return ""
    words = ", ".join(f"{chain.words} {count:,}" for chain, count, _ in found[:3])
    return visible(f"used by {words}" + (f" and {len(found) - 3} more" if len(found) > 3 else ""))


def _empty(activity: Activity, running: bool) -> str:
    if running:
        return "Looking…"
    bad = [w for w in activity.windows if w.state in (WindowState.DENIED, WindowState.FAILED, WindowState.THROTTLED)]
    if bad:
        return f"No events could be read: {window_words(bad[0])}"
    if activity.windows:
        return "No events in what was covered (i tells what that is). That is not the same as never."
    return "Events have not been read yet. r reads them."


def window_words(window: Window) -> str:
    """`eu-west-1: 2026-07-03 … 2026-10-01, ResourceName=audit, 12 requests, 431 events`."""
    when = ""
    if window.since and window.until:
        when = f" {window.since:%Y-%m-%d %H:%M} … {window.until:%Y-%m-%d %H:%M} UTC"
    asked = f", {window.asked}" if window.asked else ""
    count = f", {window.requests} requests" if window.requests else ""
    if window.requests or window.events or window.state is not WindowState.PARTIAL:
        count += f", {window.events:,} events"
    pace = f", {window.rate:.1f} requests/s" if window.rate else ""
    if window.state is WindowState.RUNNING:
        pace += f", {time_left(window)}"
    reason = f", {window.reason}" if window.reason else ""
    return visible(f"{window.region or 'files'}: {window.state.value}{when}{asked}{count}{pace}{reason}")


def coverage_words(windows: tuple[Window, ...], *, running: bool, count: int, direction: str) -> str:
    """One line: what is covered and what is not, by Region."""
    which = {"both": "by it and to it", "by": "made by it", "on": "made to it"}.get(direction, direction)
    begin = f"{count} events {which} · " if direction else ""
    if not windows:
        return begin + ("looking…" if running else "nothing covered yet")
    regions: dict[str, list[Window]] = {}
    for window in windows:
        regions.setdefault(window.region or "files", []).append(window)
    parts = []
    for region, held in regions.items():
        states = {w.state for w in held}
        worst = next(
            (
                s
                for s in (WindowState.DENIED, WindowState.FAILED, WindowState.THROTTLED, WindowState.RUNNING, WindowState.PARTIAL)
                if s in states
            ),
            None,
        )
        oldest = min((w.since for w in held if w.since), default=None)
        days = f" {oldest:%Y-%m-%d}→" if oldest else ""
        parts.append(f"{region}{days} {worst.value}" if worst else f"{region}{days} covered")
    far = progress_words(windows) if running else ""
    return visible(begin + (f"looking… {far}" if far else ", ".join(parts)))
