"""Story: what an actor did, in order, routine folded; `m h d` go on by a minute, an hour, a day, their capitals back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from ...analysis.story import Beat, Moment, Story
from ...analysis.words import exact
from ...text import visible
from ..render.cells import Cell
from ..render.documents import Line
from ..widgets.table import TableColumn
from .base import Cancelled, View, heading

_TIME = TableColumn("time", "TIME (UTC)", 14, 0)
_TIME.least = 14  # a moment cut off is no moment
_COLUMNS = (
    _TIME,
    TableColumn("what", "WHAT", 38, 0),
    TableColumn("why", "WHY IT STANDS OUT", 44, 1),
    TableColumn("who", "WHO", 12, 9),
)
_STYLE = {"critical": "severity-high", "high": "severity-high", "medium": "severity-medium"}
STEPS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class StoryView(View):
    """`t` leaves out what was done with users and keys that were made on the way."""

    keys = tuple(STEPS) + tuple(key.upper() for key in STEPS)
    follow = True
    story: Story | None = None

    def open(self) -> None:
        self.host.note("Putting the story together…")
        self.host.show_table(_COLUMNS, 0, lambda row, column: Cell(""), str, empty="Reading the events in order…")
        row, follow, session = self.row, self.follow, self.session

        def job(cancelled: Cancelled) -> Iterable[Story]:
            yield session.story(row, follow=follow)

        self.host.work("story", job)

    def answered(self, question: object, value: Any, finished: bool) -> None:
        if isinstance(value, Story):
            self._show(value)

    def _show(self, story: Story) -> None:
        self.story = story
        moments = story.moments
        parts = [f"{story.about}: {story.events:,} calls"]
        if story.followed:
            parts.append(f"with {story.followed[0]}" + (f" and {len(story.followed) - 1} more" if len(story.followed) > 1 else ""))
        if story.undated:
            parts.append(f"{story.undated:,} without a time left out")
        parts.append("m h d and M H D move by minute, hour, day")
        self.host.note(" · ".join(parts))
        empty = "No events of it are among those that were read. That is not the same as never."
        self.host.show_table(_COLUMNS, len(moments), lambda row, column: _cell(moments, row, column), str, empty=empty)
        self.host.start_at(_first_of_weight(moments))

    def toggle(self) -> None:
        self.follow = not self.follow
        self.host.say("With what was done by users and keys it made" if self.follow else "Only its own calls and sessions")
        self.open()

    def refresh(self) -> None:
        self.open()

    def key(self, key: str, place: int) -> int | None:
        """Where a key leads from a line: on or back by a minute, an hour or a day; to the first or last line beyond the ends."""
        if self.story is None or not self.story.moments:
            return None
        moments = self.story.moments
        step = STEPS[key.lower()]
        now = moments[place].at
        if key.islower():
            return next((n for n in range(place + 1, len(moments)) if moments[n].at >= now + step), len(moments) - 1)
        return next((n for n in range(place - 1, -1, -1) if moments[n].at <= now - step), 0)

    def activate(self, key: str) -> None:
        if self.story is None:
            return
        moment = self.story.moments[int(key)]
        if moment.event is not None:
            self.host.go(key=self.session.event_key(moment.event))
        elif moment.count:
            names = " ".join(f'actor:"{name.strip()}"' for name in moment.who.split(",")[:1] if name.strip() and "+" not in name)
            until = moment.until + timedelta(seconds=1)
            self.host.go(f":events {names} time:>={moment.at:%Y-%m-%dT%H:%M:%S} time:<{until:%Y-%m-%dT%H:%M:%S}")

    def provenance(self) -> list[Line]:
        lines = [heading("How this story was put together"), []]
        if self.story is None:
            return lines
        lines.append([(visible(f"{self.story.events:,} calls of {self.story.about}, among the events that were read"), "")])
        lines.extend([(visible(f"with {words}"), "")] for words in self.story.followed)
        lines.append([(visible(f"addresses: {', '.join(self.story.addresses[:20]) or 'none'}"), "state-absent")])
        lines.append([(visible(f"Regions: {', '.join(self.story.regions) or 'none'}"), "state-absent")])
        return lines

    def export_rows(self) -> tuple[list[str], list[list[str]]] | None:
        if self.story is None:
            return None
        rows = [[exact(m.at), m.severity.value if m.severity else "", m.who, m.words, "; ".join(m.why)] for m in self.story.moments]
        return ["time", "class", "who", "what", "why"], rows


def _first_of_weight(moments: tuple[Moment, ...]) -> int:
    """The first line of the gravest class, so that the eye begins where it matters."""
    grave = [n for n, m in enumerate(moments) if m.severity is not None and m.severity.value == "critical"]
    high = [n for n, m in enumerate(moments) if m.severity is not None and m.severity.value == "high"]
    return (grave or high or [0])[0]


def _cell(moments: tuple[Moment, ...], row: int, column: int) -> Cell:
    moment = moments[row]
    style = _STYLE.get(moment.severity.value, "") if moment.severity is not None else ""
    dim = "state-absent" if moment.beat in (Beat.FOLD, Beat.ROUTINE, Beat.QUIET) else ""
    if column == 0:
        day = row == 0 or moments[row - 1].at.date() != moment.at.date()
        return Cell(f"{moment.at:%m-%d %H:%M:%S}" if day or moment.beat is not Beat.EVENT else f"      {moment.at:%H:%M:%S}", dim)
    if column == 1:
        mark = {Beat.SCENE: "▸ ", Beat.EVENT: "  ", Beat.FOLD: "  · ", Beat.ROUTINE: "· ", Beat.QUIET: "… "}[moment.beat]
        return Cell(mark + visible(moment.words), dim or style or ("strong" if moment.beat is Beat.SCENE else ""))
    if column == 2:
        return Cell(visible("; ".join(moment.why)), dim or style)
    return Cell(visible(moment.who), dim)
