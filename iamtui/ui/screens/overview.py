"""The Summary: what stands out in the account, one line a topic, each a way further in; below or beside it counts as small charts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Static
from textual.worker import get_current_worker

from ...model.overview import Chart, Line, Overview, Standing
from ...session import Session
from ...text import visible
from ..messages import Answered
from ..render.cells import Cell
from ..widgets.table import RowTable, TableColumn

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from textual.timer import Timer

    from ..render.documents import Line as TextLine

BESIDE = 132
"""Columns from which the charts stand beside the lines."""
_CHARTS = 48
_LINES = 15
"""Lines of the table, heading included, that charts below it leave."""
_DETAIL = 6
"""Rows below the lines from which on those show what is under the cursor."""
_EVERY = 0.5
"""Seconds between two pictures while it is worked out."""

_COLUMNS = (
    TableColumn("severity", "SEVERITY", 8, 0),
    TableColumn("what", "WHAT", 22, 0),
    TableColumn("count", "COUNT", 5, 0, right=True),
    TableColumn("examples", "WHO AND WHAT", 60, 0),
    TableColumn("when", "WHEN", 5, 1, right=True),
)
_COLUMNS[3].least = 14  # on sixty columns some of it says more than none
_SEVERITY = {"critical": "severity-high", "high": "severity-high", "medium": "severity-medium", "low": ""}
_STANDING = {Standing.DENIED: "state-denied", Standing.FAILED: "state-failed", Standing.NONE: "effect-allow"}


class OverviewPane(Container):
    """Shows an `Overview` and asks for the next one. `reading` tells whether the account or its events are on their way."""

    def __init__(self, session: Session, reading: Callable[[], bool], *, plain: bool) -> None:
        super().__init__(id="overview")
        self.session, self._reading, self.plain = session, reading, plain
        self.account = ""
        self.filter = ""
        self.overview = Overview()
        self.lines: tuple[Line, ...] = ()
        self._asked = self._again = False
        self._charts, self._detail = Text(), Text()
        self._timer: Timer | None = None
        self.charts_wanted = True

    def compose(self) -> ComposeResult:
        with Container(id="overview-left"):
            yield RowTable(id="overview-table")
            yield Static("", id="overview-detail", markup=False)
        yield Static("", id="overview-charts", markup=False)

    def on_mount(self) -> None:
        table = self.table
        table.empty = "No line holds that. esc shows all."
        table.set_columns(_COLUMNS)
        self.show(self.session.overview(self.account, reading=self._reading()))

    @property
    def table(self) -> RowTable:
        return self.query_one(RowTable)

    # -- what is shown -----------------------------------------------------------------------------------------------

    def show(self, overview: Overview) -> None:
        """Draw what differs. The cursor stays on its topic; at the top it stays at the top, where the gravest is."""
        self.overview = overview
        wanted = self.filter.casefold().split()
        self.lines = tuple(line for line in overview.lines if all(_holds(line, word) for word in wanted))
        table = self.table
        if not table.cursor:
            table.expect_key("")
        lines, now, several = self.lines, self.session.now(), len(overview.accounts) > 1 and not self.account
        table.set_rows(len(lines), lambda row, column: _cell(lines[row], now, several, column), lambda row: lines[row].topic)
        self._draw_charts()
        self._draw_detail()

    def narrow(self, text: str) -> None:
        """Only lines that hold every word; `!word` for those that do not."""
        self.filter = text
        self.show(self.overview)

    def turn_to(self, account: str) -> None:
        """Of one account; "" for all."""
        self.account = account
        self.show(self.session.overview(account, reading=self._reading()))

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= BESIDE, "-beside")
        self._draw_charts()
        self._draw_detail()

    def on_row_table_highlighted(self, message: RowTable.Highlighted) -> None:
        message.stop()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(0.15, self._draw_detail)

    def _draw_detail(self) -> None:
        """All of the line under the cursor, where there is room below the lines."""
        static, line = self.query_one("#overview-detail", Static), self.line
        beside = self.size.width >= BESIDE
        below = 0 if beside else self.query_one("#overview-charts").display * len(self.overview.charts)
        room = self.size.height - len(self.overview.lines) - 2 - below
        static.display = room >= _DETAIL and line is not None
        if not static.display or line is None:
            return
        width = self.size.width - (_CHARTS if beside else 0) - 1
        text = _detail_of(line, width, room - 1, self.session.now())
        static.styles.height = room
        if text != self._detail:
            self._detail = text
            static.update(text)

    def _draw_charts(self) -> None:
        static, size = self.query_one("#overview-charts", Static), self.size
        beside = size.width >= BESIDE
        room = size.height if beside else max(0, min(size.height - _LINES, len(self.overview.charts)))
        static.display = self.charts_wanted and room > 0
        if not static.display:
            return
        text = (
            _charts_beside(self.overview.charts, _CHARTS - 2, room, plain=self.plain)
            if beside
            else _charts_below(self.overview.charts, size.width, room, plain=self.plain)
        )
        if text != self._charts:
            self._charts = text
            static.update(text)

    # -- working it out ----------------------------------------------------------------------------------------------

    def renew(self) -> None:
        """Work out what is not known of the state the session is in. One at a time; who asks meanwhile is answered after."""
        if self._asked:
            self._again = True
            return
        self._asked, self._again = True, False
        session, account, reading = self.session, self.account, self._reading()

        def run() -> None:
            worker = get_current_worker()
            told = 0.0
            try:
                for _ in session.load_overview(lambda: worker.is_cancelled, account, reading=reading):
                    now = time.monotonic()
                    if now - told >= _EVERY:
                        told = now
                        self.post_message(Answered("overview", account, finished=False))
            finally:
                self.post_message(Answered("overview", account, finished=True))

        self.run_worker(run, thread=True, group="overview", exit_on_error=False)

    def leave(self) -> None:
        """Nobody looks any more: what is worked out is kept, the rest is left."""
        self._again = False
        self.workers.cancel_group(self, "overview")

    def on_answered(self, message: Answered) -> None:
        message.stop()
        if message.finished:
            self._asked = False
        if not self.display:
            return
        self.show(self.session.overview(self.account, reading=self._reading()))
        self.screen.post_message(Answered("overview", None, finished=message.finished))
        if message.finished and self._again:
            self.renew()

    def on_row_table_activated(self, message: RowTable.Activated) -> None:
        message.stop()
        line = self.line
        if line is not None:
            self.screen.drill(line.drill)  # type: ignore[attr-defined]

    def crumbs(self) -> list[tuple[str, str, int]]:
        """What stands in the line above: whose it is, how many of what."""
        from ...session.overviewtext import headline

        parts = [("summary", "bold", 0)]
        if self.account:
            parts.append((f"account {visible(self.account)}", "", 1))
        if self.filter:
            parts.append((f"/{visible(self.filter)}", "", 1))
        return [*parts, *((words, "", 2 + place) for place, words in enumerate(headline(self.overview).split("; ")))]

    # -- under the cursor --------------------------------------------------------------------------------------------

    @property
    def line(self) -> Line | None:
        at = self.table.cursor
        return self.lines[at] if at < len(self.lines) else None

    def copy_text(self) -> str:
        """The line under the cursor, its cells with tabs between."""
        from ...session.overviewtext import row

        line = self.line
        return "\t".join(row(line, self.session.now())) if line is not None else ""

    def copy_json(self) -> str:
        """The line under the cursor as JSON."""
        import json

        from ...session.overviewtext import line_json

        line = self.line
        return json.dumps(line_json(line), ensure_ascii=False, indent=2) if line is not None else ""

    def export_rows(self) -> tuple[list[str], list[list[str]]]:
        """The lines in view as a table."""
        from ...session.overviewtext import CSV_COLUMNS, csv_row

        return list(CSV_COLUMNS), [csv_row(line) for line in self.lines]

    def provenance(self) -> list[TextLine]:
        """Of every line: how far it was looked, what is missing, where it comes from."""
        from ...session.overviewtext import missing_words, state_word

        found: list[TextLine] = []
        for line in self.overview.lines:
            found.append([(f"{line.title}  ", "strong"), (f"{state_word(line)}  {line.count or ''}".rstrip(), "")])
            if line.looked:
                found.append([("  looked at  ", "label"), (visible(line.looked), "")])
            found += [[("  missing    ", "label"), (visible(missing_words(gap)), "state-absent")] for gap in line.missing]
            if line.source:
                as_of = f", as of {line.as_of:%Y-%m-%d %H:%M} UTC" if line.as_of is not None else ""
                found.append([("  from       ", "label"), (visible(f"{line.source}{as_of}"), "")])
            found.append([("  more       ", "label"), (f":{visible(line.drill)}", "")])
        return found


def _holds(line: Line, word: str) -> bool:
    from ...session.overviewtext import examples, state_word

    negated = word.startswith("!") and len(word) > 1
    text = f"{state_word(line)} {line.section} {line.title} {examples(line, most=len(line.items))}".casefold()
    return (word.removeprefix("!") in text) is not negated


def _cell(line: Line, now: datetime, several: bool, column: int) -> Cell:
    from ...session.overviewtext import count_word, examples, state_word, when_word

    match column:
        case 0:
            style = _SEVERITY[line.severity.value] if line.severity is not None else _STANDING.get(line.standing, "state-absent")
            return Cell(state_word(line), style)
        case 1:
            return Cell(line.title, "strong" if line.items else "")
        case 2:
            return Cell(count_word(line), right=True)
        case 3:
            return Cell(visible(examples(line, several=several)), "" if line.items else "state-absent")
        case _:
            return Cell(when_word(line, now), right=True)


def _detail_of(line: Line, width: int, room: int, now: datetime) -> Text:
    """Every item while there is room, how far it was looked, what is missing, and what to type for more."""
    from ...analysis.words import relative
    from ...session.overviewtext import missing_words, state_word

    after = [Text.assemble(("looked at  ", "dim"), visible(line.looked))] if line.looked else []
    after += [Text.assemble(("missing    ", "dim"), visible(missing_words(gap))) for gap in line.missing[:3]]
    after.append(Text.assemble(("more       ", "dim"), visible(f":{line.drill}")))
    most = max(1, room - len(after) - 2)
    lines = [Text.assemble((line.title, "bold"), f"  {state_word(line)}")]
    for item in line.items[: most if len(line.items) <= most else most - 1]:
        when = relative(item.at, now) if item.at is not None else ""
        lines.append(Text.assemble(f"  {when:>5}  ", (visible(item.name), "bold"), visible(f"  {item.words}")))
    if len(line.items) > most:
        lines.append(Text(f"         and {len(line.items) - most + 1:,} more", "dim"))
    return Text("\n").join(_cut(one, width) for one in [*lines, *after])


def _charts_below(charts: tuple[Chart, ...], width: int, room: int, *, plain: bool) -> Text:
    """One line a chart, the most telling of those that fit."""
    from ...session.overviewtext import chart_line

    lines = []
    for chart in charts[:room]:
        title, signs, words = chart_line(chart, plain=plain)
        lines.append(_cut(Text.assemble((f" {title:<17} ", "bold"), f"{signs} ", visible(words)), width))
    return Text("\n").join(lines)


def _charts_beside(charts: tuple[Chart, ...], width: int, room: int, *, plain: bool) -> Text:
    """Every chart with its own heading; what is by age as bars."""
    from ...session.overviewtext import bars, chart_line

    lines: list[Text] = []
    for chart in charts:
        title, signs, words = chart_line(chart, plain=plain)
        if lines:
            lines.append(Text())
        lines.append(Text.assemble((title, "bold")))
        if chart.over_time:
            lines += [Text(signs), Text(visible(words))]
        else:
            told = bars(chart, width - 20, plain=plain)
            lines += [Text(f"{label:<9} {number:>8} {bar}") for label, bar, number in told]
        if chart.note and chart.note not in words:
            lines.append(Text(visible(chart.note), "dim"))
    return Text("\n").join(_cut(line, width) for line in lines[:room])


def _cut(text: Text, width: int) -> Text:
    text.truncate(width, overflow="ellipsis")
    return text
