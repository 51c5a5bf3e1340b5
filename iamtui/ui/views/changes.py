"""Changes: what was altered, when, by whom, from which sources; enter opens one with its difference and the text that puts it back."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ...analysis.changes.meaning import Meaning
from ...analysis.changes.standing import Entry
from ...model.change import ChangeGap
from ...model.identity import Role, User
from ...session.changetext import COLUMNS, admin_answer, admin_short, gap_words, line, meaning_words, source_words
from ...session.changing import ChangeView
from ...text import visible
from ..render.cells import Cell
from ..render.changes import entry_lines, gives_style, what_cell, who_cell
from ..render.documents import Line
from ..widgets.table import TableColumn
from .base import Cancelled, View, heading

_TIME = TableColumn("time", "TIME (UTC)", 16, 0)
_TIME.least = 16
TABLE = (
    _TIME,
    TableColumn("what", "WHAT", 38, 0),
    TableColumn("who", "WHO (HUMAN)", 22, 0),
    TableColumn("gives", "GIVES OR TAKES", 28, 0),
    TableColumn("told", "TOLD BY", 26, 2),
)
_MOST_WEIGHED = 400
_AT_ONCE = 20


class _Opened(NamedTuple):
    """An entry worked out, with its two texts."""

    entry: Entry
    meaning: Meaning
    cli: str
    terraform: str


class ChangesView(View):
    """`t` leaves out what came by groups and policies."""

    own = False

    def open(self) -> None:
        self._view: ChangeView | None = None
        self._opened: _Opened | None = None
        self._meanings: dict[str, Meaning] = {}
        self._rows: list[Entry | ChangeGap] = []
        self.host.note("Reading the history…")
        self.host.show_table(TABLE, 0, lambda row, column: Cell(""), str, empty="Reading what tells of changes…")
        self._read(again=False)

    def _read(self, *, again: bool) -> None:
        session, row = self.session, self.row

        def job(cancelled: Cancelled) -> Iterable[Any]:
            found: ChangeView | None = None
            last = 0.0
            for found in session.load_changes(row, cancelled, again=again):
                if cancelled():
                    return
                if time.monotonic() - last >= 0.5:
                    last = time.monotonic()
                    yield found
            if found is None:
                return
            yield found
            weighed: dict[str, Meaning] = {}
            for number, entry in enumerate(found.entries[:_MOST_WEIGHED], 1):
                if cancelled():
                    return
                weighed[entry.change.key] = session.meaning(entry.change)
                if number % _AT_ONCE == 0 and time.monotonic() - last >= 0.5:
                    last = time.monotonic()
                    yield dict(weighed)
            yield weighed

        self.host.work("changes", job)

    def answered(self, question: object, value: Any, finished: bool) -> None:
        if isinstance(value, ChangeView):
            self._view = value
        elif isinstance(value, dict):
            self._meanings = {**self._meanings, **value}
        elif isinstance(value, _Opened):
            self._show_entry(value)
            return
        if self._opened is None:
            self._show()

    def _show(self) -> None:
        view = self._view
        if view is None:
            return
        self._rows = _rows([entry for entry in view.entries if not (self.own and entry.via)], view.gaps)
        rows, meanings = self._rows, self._meanings
        self.host.note(self._note(view))
        empty = "Nothing that was read tells of a change. That is not the same as never."
        self.host.show_table(
            TABLE, len(rows), lambda row, column: _cell(rows[row], meanings, column), lambda row: _key(rows[row], row), empty=empty
        )

    def _note(self, view: ChangeView) -> str:
        parts = [admin_short(view.admin)] if view.admin is not None else [f"{len(view.entries):,} changes"]
        if view.earlier:
            parts.append(f"{view.earlier} more of an earlier one of this name")
        parts.append("enter opens")
        if isinstance(self.row.item, User | Role):
            parts.append(f"t {'with' if self.own else 'without'} groups and policies")
        parts.append("i what is not told")
        return " · ".join(parts)

    def activate(self, key: str) -> None:
        number = next((n for n, one in enumerate(self._rows) if _key(one, n) == key), None)
        if number is None:
            return
        one = self._rows[number]
        if isinstance(one, ChangeGap):
            self.host.page("What is not told", self.provenance())
            return
        session, entry = self.session, one

        def job(cancelled: Cancelled) -> Iterable[_Opened]:
            meaning = session.meaning(entry.change)
            yield _Opened(entry, meaning, session.rollback(entry.change), session.rollback(entry.change, "terraform"))

        self.host.note("Working out what it gave and took…")
        self.host.work("entry", job)

    def _show_entry(self, opened: _Opened) -> None:
        self._opened = opened
        event = opened.entry.change.event
        self.host.note(
            "y copies the AWS CLI roll-back, Y Terraform's · "
            + ("d goes to the event · " if event else "")
            + "esc goes back to the changes"
        )
        self.host.show_text(entry_lines(*opened))

    def back(self) -> bool:
        if self._opened is None:
            return False
        self._opened = None
        self._show()
        return True

    def toggle(self) -> None:
        if self._opened is None and self._view is not None and isinstance(self.row.item, User | Role):
            self.own = not self.own
            self.host.say("Only its own changes" if self.own else "With what came by groups and policies")
            self._show()

    def diff(self, key: str, marks: set[str]) -> None:
        event = self._opened.entry.change.event if self._opened is not None else None
        if event is None:
            self.host.say("enter opens a change; d there goes to its event")
        else:
            self.host.go(key=self.session.event_key(event))

    def refresh(self) -> None:
        self._opened = None
        self._read(again=True)

    def copy_text(self) -> str:
        return self._opened.cli if self._opened is not None else ""

    def copy_json(self) -> str:
        return self._opened.terraform if self._opened is not None else ""

    def provenance(self) -> list[Line]:
        lines = [heading("Where these changes come from"), []]
        lines.append([("CloudTrail events, stored versions of policies and AWS Config items; one entry of what several tell", "")])
        if self._view is None:
            return lines
        if self._view.admin is not None:
            lines += [[], heading("Administrator")]
            lines += [[(visible(words), "")] for words in admin_answer(self._view.admin)]
        lines += [[], heading("What is not told")]
        lines += [[(visible(gap_words(gap)), "state-absent")] for gap in self._view.gaps] or [[("Nothing that is known of", "")]]
        return lines

    def export_rows(self) -> tuple[list[str], list[list[str]]] | None:
        entries = [one for one in self._rows if isinstance(one, Entry)]
        return list(COLUMNS), [line(entry, self._meanings.get(entry.change.key)) for entry in entries]


def _cell(one: Entry | ChangeGap, meanings: dict[str, Meaning], column: int) -> Cell:
    if isinstance(one, ChangeGap):
        stamp = one.until or one.since
        if column == 0:
            return Cell(f"{stamp:%Y-%m-%d %H:%M}" if stamp is not None else "", "state-absent")
        return Cell(visible(f"… {gap_words(one)}") if column == 1 else "", "state-absent")
    change = one.change
    match column:
        case 0:
            return Cell(f"{change.at:%Y-%m-%d %H:%M}" if change.at is not None else "no date", "" if change.at else "state-absent")
        case 1:
            return what_cell(one)
        case 2:
            return who_cell(one)
        case 3:
            meaning = meanings.get(change.key)
            words = meaning_words(meaning, one.admin) if meaning is not None else "…"
            return Cell(visible(words), gives_style(words) if meaning is not None else "state-absent")
        case _:
            return Cell(source_words(change))


def _rows(entries: Sequence[Entry], gaps: Sequence[ChangeGap]) -> list[Entry | ChangeGap]:
    """Entries newest first, each dated gap where it begins or ends; gaps without a date last."""
    dated = sorted((gap for gap in gaps if gap.since or gap.until), key=_moment, reverse=True)
    found: list[Entry | ChangeGap] = []
    for entry in entries:
        while dated and entry.change.at is not None and _moment(dated[0]) > entry.change.at:
            found.append(dated.pop(0))
        found.append(entry)
    return [*found, *dated, *(gap for gap in gaps if not (gap.since or gap.until))]


def _moment(gap: ChangeGap) -> datetime:
    moment = gap.until or gap.since
    assert moment is not None
    return moment


def _key(one: Entry | ChangeGap, number: int) -> str:
    return f"gap:{number}" if isinstance(one, ChangeGap) else f"{one.via} {one.change.key}"
