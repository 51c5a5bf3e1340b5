"""The explorer: a list on the left, what is open on the right, one of them at a time where there is little room."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Static
from textual.worker import get_current_worker

from ...analysis.coverage import progress_parts, progress_words
from ...errors import IamtuiError
from ...model.event import Event
from ...session import NAMED, ListKind, Row, Session, Update
from ...source.base import FIRST_LOOK, EventQuery
from ...text import visible
from ..keymap import KEYS, bindings, key_words
from ..messages import Answered, GoTo, Said, ShowPage
from ..places import History, Place
from ..render import chrome
from ..views import tabs_of
from ..widgets.line import Line
from ..widgets.table import RowTable
from .asking import PromptEntered, PromptLeft, PromptTyped
from .listing import ListPane
from .summarizing import SummaryScreen

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...session.reviewitems import Part
    from ..app import IamtuiApp
    from ..sweeping import Sweeping
    from .detail import DetailPane
    from .overview import OverviewPane
    from .prompt import Prompt

WIDE = 100
SMALLEST = (60, 15)
PRESETS = {
    "users": 'about:"users and keys"',
    "policies": "about:policies",
    "trust": "about:trust",
    "logging": "about:logging",
    "sign-in": 'about:sign-in|root|"new place"',
    "grave": "class:critical|high",
}
"""Filters of the events list that are one key."""

_QUIET_TABS = ("summary", "permissions", "trust", "members", "document", "versions", "attached", "event", "record", "finding")
"""Tabs that ask AWS nothing, so that moving through a list may show them."""


class Explorer(SummaryScreen):
    """Wires list, detail, prompt and the lines around them; they do not know each other."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("explorer")
    app: IamtuiApp

    def __init__(self, target: str = "", *, summary: bool = False) -> None:
        super().__init__()
        self._target = target
        self.on_summary = summary
        self._overview: OverviewPane | None = None
        self._drilled: tuple[Place, str] | None = None  # where a line of the Summary led, and the filter that list had before
        self._history = History()
        self._last_view: ListKind | None = None  # None is the Summary
        self._no_last_view = True
        self._inside = False
        self._zoomed = False
        self._progress = ""
        self._said = ""
        self._drawn_at = 0.0
        self._refreshing = False
        self._events_asked = False
        self._reading_events = False
        self.began = False  # True once everything that a start reads has been asked for
        self._roles_asked = False
        self._review_count = ""
        self._reminded = False
        self._preview_timer: object = None
        self._detail: DetailPane | None = None
        self._prompt: Prompt | None = None
        self._sweeping: Sweeping | None = None

    # -- building ----------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield Line(id="header")
        yield Line(id="tabs")
        yield Line(id="crumbs")
        with Horizontal(id="body"):
            if self.on_summary:
                yield self._ensure_overview()
            yield ListPane(self.app.session)
        yield Line(id="hints")
        yield Static("", id="too-small", markup=False)

    def on_mount(self) -> None:
        self._header, self._tabs, self._crumbs, self._hints = (
            self.query_one(f"#{name}", Line) for name in ("header", "tabs", "crumbs", "hints")
        )
        self.list = self.query_one(ListPane)
        self.query_one("#too-small").display = False
        session = self.app.session
        self.list.settled = bool(session.world.snapshots)
        self.list.show(ListKind.USERS)
        self.list.display = not self.on_summary
        self.set_focus(self._overview.table if self._overview is not None else self.list.table)
        self._history.visit(Place(None if self.on_summary else ListKind.USERS))
        if self._target:
            self.call_after_refresh(self._open_target)
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """After the first picture: read what can be read."""
        gc.freeze()
        gc.enable()
        for problem in self.app.start_problems:
            self._say(problem, bad=True)
        session = self.app.session
        if session.info.kind == "evidence" or (session.info.kind == "live" and not session.offline and session.wants_reading()):
            self.action_refresh()
        elif session.info.kind == "demo":
            self._read_events()
        if self.size.width >= WIDE:
            self._preview()
        if session.has_ledger:
            self.read_marks()
        self.began = True
        self._renew_summary()

    # -- lines around ------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        """Everything around the panes."""
        width = self.size.width
        session = self.app.session
        snapshots = session.world.snapshots
        label = self.app.account_label(snapshots[0].account) if len(snapshots) == 1 else ""
        elsewhere = progress_words(session.windows(), short=True) if self._reading_events and self.list.kind is not ListKind.EVENTS else ""
        self._header.update(chrome.header(session, width, session.now(), self._progress, label, self._sweep_words(width), elsewhere))
        self._draw_tabs()
        self._draw_crumbs()
        self._draw_hints()

    def _draw_tabs(self) -> None:
        session, counts = self.app.session, [("0", "Summary" if self.size.width >= WIDE else "Sum", "", self.on_summary)]
        for kind, key, title in chrome.VIEWS:
            listing = session.listing(kind)
            more = "" if listing.complete or not listing.rows else "+"
            count = f"{len(listing.rows):,}{more}" if listing.rows or listing.complete else ""
            counts.append((key, title, count, kind is self.list.kind and not self.on_summary))
        review = [("8", "Review", self._review_count, False)]
        every = chrome.tabs([*counts, ("7", "Guards", "", False), *review, ("9", "SQL", "", False)], 1000)
        if every.cell_len <= self.size.width:
            self._tabs.update(every)
            return
        self._tabs.update(chrome.tabs([*counts, *(review if self._review_count else [])], self.size.width))

    def _draw_crumbs(self) -> None:
        width = self.size.width
        if self.on_summary and self._overview is not None:
            self._crumbs.update(chrome.fitted(self._overview.crumbs(), width, "  "))
            return
        state, selection = self.list.state, self.list.selection
        parts: list[chrome.Part] = [(self.list.kind.value, "bold", 0)]
        if state.filter:
            parts.append((f"/{visible(state.filter)}", "", 1))
            if selection is not None:
                parts.append((f"{len(selection):,} of {len(selection.listing.rows):,}", "", 2))
        if selection is not None and selection.error:
            parts = [(f"/{visible(state.filter)}: {visible(selection.error)}", "bold", 0)]
        if self._reading_events and self.list.kind is ListKind.EVENTS:
            told = progress_parts(self.app.session.windows())
            parts.extend((visible(words), "", room) for words, room in zip(told, (3, 5, 6, 2, 7), strict=False))
        if state.sort:
            parts.append((f"by {state.sort}{' ▼' if state.descending else ' ▲'}", "", 3))
        if state.marks:
            hidden = self.list.marks_hidden()
            parts.append((f"{len(state.marks)} selected" + (f", {hidden} of them hidden" if hidden else ""), "bold", 1))
        if self._inside and self._detail is not None and self._detail.row is not None:
            item = self._detail.row.item
            tab = dict(tabs_of(self._detail.row)).get(self._detail.tab, "")
            parts.append((f"› {visible(item.name)[:80]} › {tab}", "bold", 1))
        self._crumbs.update(chrome.fitted(parts, width, "  "))

    def _draw_hints(self) -> None:
        width = self.size.width
        if self._said:
            self._hints.update(Text(visible(self._said), style="bold", no_wrap=True, overflow="ellipsis"))
            return
        overrides = self.app.keymap_overrides
        pairs = [("enter", "open"), ("/", "filter"), (":", "go to"), ("space", "select"), ("m", "decide"), ("y", "copy"), ("?", "keys")]
        if self._inside:
            pairs = [("esc", "back"), ("← →", "tabs"), ("t", "other reading"), ("y", "copy"), ("i", "source"), ("?", "keys")]
        if self.on_summary:
            pairs = [
                ("enter", "open"),
                (":", "go to"),
                ("/", "narrow"),
                ("y", "copy"),
                ("i", "looked at"),
                ("r", "read again"),
                ("?", "keys"),
            ]
        if overrides:
            named = {key.id: overrides.get(key.id, key.keys) for key in KEYS}
            ids = (
                ["open", "go", "filter", "copy", "provenance", "refresh", "help"]
                if self.on_summary
                else ["back", "", "toggle", "copy", "provenance", "help"]
                if self._inside
                else ["open", "filter", "go", "mark", "decide", "copy", "help"]
            )
            pairs = [(key_words(named[i].split(",")[0]) if i else k, w) for i, (k, w) in zip(ids, pairs, strict=True)]
        self._hints.update(chrome.hints(pairs, width))

    def _say(self, words: str, *, bad: bool = False) -> None:
        """A sentence in the bottom line, until the next key."""
        self._said = words
        self._draw_hints()

    def on_key(self, event: events.Key) -> None:
        if self._said:
            self._said = ""
            self._draw_hints()
        if self.on_summary and self._is_of_lists(event.key):
            self._say("That is for lists: enter on a line opens one")

    def on_paste(self, event: events.Paste) -> None:
        """What is pasted while nothing is being typed is an alert, or something out of one."""
        if event.text.strip():
            event.stop()
            self.app.do("triage", event.text)

    # -- room --------------------------------------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        small = event.size.width < SMALLEST[0] or event.size.height < SMALLEST[1]
        notice = self.query_one("#too-small", Static)
        notice.display = small
        for name in ("header", "tabs", "crumbs", "body", "hints"):
            self.query_one(f"#{name}").display = not small
        if small:
            notice.update(
                f"iamtui needs {SMALLEST[0]}x{SMALLEST[1]} cells; this is {event.size.width}x{event.size.height}. Enlarge the window, or q quits."
            )
            return
        self._arrange()
        self._draw()

    @property
    def wide(self) -> bool:
        return self.size.width >= WIDE and not self._zoomed

    def _arrange(self) -> None:
        detail = self._detail
        self.set_class(self.wide, "-wide")
        if self._overview is not None:
            self._overview.display = self.on_summary
            self._overview.charts_wanted = not self._zoomed
        self.list.display = not self.on_summary and (self.wide or not self._inside)
        if detail is not None:
            detail.display = not self.on_summary and ((self.wide and detail.row is not None) or self._inside)

    def _ensure_detail(self) -> DetailPane:
        if self._detail is None:
            from .detail import DetailPane

            self._detail = DetailPane(self.app.session)
        return self._detail

    # -- going places ------------------------------------------------------------------------------------------------

    async def _show_row(self, row: Row, tab: str = "", *, enter: bool) -> None:
        session = self.app.session
        if session.events_on_disk and isinstance(row.item, Event):
            try:
                row = await asyncio.to_thread(_fetched, session, row)
            except IamtuiError as error:
                self._say(error.message, bad=True)
        detail = self._ensure_detail()
        if not detail.is_attached:
            await self.query_one("#body").mount(detail)
        if enter:
            self._inside = True
        detail.show(row, tab, entered=enter)
        self._arrange()
        if enter:
            detail.focus_content()
        self._draw_crumbs()
        self._draw_hints()

    def open_row(self, row: Row, tab: str = "") -> None:
        """Enter a row, and remember where we were."""
        kind, from_summary = self.app.session.kind_of(row), self.on_summary
        if kind is not self.list.kind or from_summary:
            self._turn_to(kind)
        if from_summary:
            self._drilled = Place(kind, self.list.state.filter, row.key), self.list.state.filter
        self.list.table.move_to_key(row.key)
        self._history.visit(Place(kind, self.list.state.filter, row.key, tab))
        self._inside = True  # at once: a preview that is under way must not take its place
        self.run_worker(self._show_row(row, tab, enter=True), exclusive=True, group="open")

    def _turn_to(self, kind: ListKind, filter_text: str | None = None) -> None:
        if self.on_summary or kind is not self.list.kind:
            self._last_view = None if self.on_summary else self.list.kind
            self._no_last_view = False
        if self.on_summary and self._overview is not None:
            self._overview.leave()
        self.on_summary = False
        self._drilled = None
        self.list.show(kind, filter_text)
        self._draw_tabs()
        if kind is ListKind.EVENTS and not self._events_asked:
            self._read_events()  # of a live account: what is new since; what was kept is shown at once
        if kind is ListKind.ROLES and not self._roles_asked and not self._refreshing:
            self._read_roles()
        if kind is ListKind.FINDINGS and self.app.session.findings_stale:
            self._work_out_findings()

    def action_view(self, name: str) -> None:
        """A list, as it was left."""
        self.go_to_list(ListKind(name))

    def go_to_list(self, kind: ListKind, filter_text: str | None = None) -> None:
        self._inside = False
        self._turn_to(kind, filter_text)
        self._arrange()
        self.set_focus(self.list.table)
        self._history.visit(Place(kind, self.list.state.filter))
        self._draw()
        self._preview()

    def action_preset(self, name: str) -> None:
        """The events of one kind an audit looks for."""
        self.go_to_list(ListKind.EVENTS, PRESETS[name])

    def _sweep_words(self, width: int) -> str:
        if self._sweeping is None:
            return ""
        return self._sweeping.words if width >= WIDE else self._sweeping.short

    def sweeping(self) -> Sweeping:
        """Last-accessed details of everybody."""
        if self._sweeping is None:
            from ..sweeping import Sweeping

            self._sweeping = Sweeping(self)
        return self._sweeping

    def action_sql(self) -> None:
        """SQL over events."""
        self.app.open_sql()

    def action_last_view(self) -> None:
        if self._no_last_view:
            self._say("There is no last view yet")
        elif self._last_view is None:
            self.show_summary()
        else:
            self.go_to_list(self._last_view)

    def action_history(self, by: int) -> None:
        place = self._history.step(by)
        if place is None:
            self._say("This is the beginning" if by < 0 else "This is the latest")
            return
        if place.kind is None:
            self.show_summary(place.filter, visit=False)
            return
        self._inside = False
        self._turn_to(place.kind, place.filter)
        row = self.app.session.row(place.key) if place.key else None
        if row is not None:
            self.list.table.move_to_key(row.key)
            self.run_worker(self._show_row(row, place.tab, enter=True), exclusive=True, group="open")
        else:
            self._arrange()
            self.set_focus(self.list.table)
        self._draw()

    def action_back(self) -> None:
        """One level: out of a document, out of the detail, out of the filter; from where a line of the Summary led, back to it."""
        if self._inside and self._detail is not None:
            if not self._detail.back() and not self._back_to_summary():
                self._leave()
        elif self._back_to_summary():
            return
        elif self.on_summary:
            self._back_on_summary()
        elif self.list.state.filter:
            self.list.state.filter = ""
            self.list.update()
            self._draw_crumbs()
        elif self._sweeping is not None and self._sweeping.running:
            self._sweeping.stop()
        elif self._reading_events and self.list.kind is ListKind.EVENTS and self.app.session.info.kind == "live":
            self._stop_events()
        else:
            self._say("This is the top; q quits")

    def _leave(self) -> None:
        self._inside = False
        self._arrange()
        self.set_focus(self.list.table)
        self._draw_crumbs()
        self._draw_hints()

    def on_go_to(self, message: GoTo) -> None:
        message.stop()
        if message.key:
            row = self.app.session.row(message.key)
            if row is not None:
                self.open_row(row, message.tab)
            return
        self.go(message.target, message.tab)

    def go(self, line: str, tab: str = "") -> None:
        """What was typed after `:`, or a target of the command line."""
        from ..commands import interpret

        intent = interpret(line)
        if intent.what == "view" and intent.kind is not None:
            self.go_to_list(intent.kind, intent.text or None)
        elif intent.what == "verb":
            self.app.do(intent.verb, intent.text)
        elif intent.text:
            self._find(intent.text, tab)

    def _find(self, target: str, tab: str) -> None:
        matches = self.app.session.find(target)
        if not matches:
            where = "in what has been read" + ("; still reading" if self._refreshing else "")
            self._say(f"{target} is nowhere {where}", bad=True)
        elif len(matches) == 1 or matches[0].how not in ("prefix", "substring"):
            self.open_row(matches[0].row, tab)
        else:
            name = target.rpartition("/")[2]
            self.go_to_list(matches[0].kind, name)
            others = {m.kind.value for m in matches if m.kind is not matches[0].kind}
            self._say(f"{len(matches)} names match" + (f", also among {', '.join(sorted(others))}" if others else ""))

    def _open_target(self) -> None:
        if self.app.session.world.snapshots or not self._refreshing:
            target, self._target = self._target, ""
            if target:
                self.go(target)

    # -- list and detail ---------------------------------------------------------------------------------------------

    def on_row_table_activated(self, message: RowTable.Activated) -> None:
        row = self.list.row()
        if message.table is self.list.table and row is not None:
            self.open_row(row)

    def on_row_table_highlighted(self, message: RowTable.Highlighted) -> None:
        if message.table is self.list.table:
            self.list.state.cursor_key = message.key
            self._preview(delay=0.15)

    def on_row_table_cursor_lost(self, message: RowTable.CursorLost) -> None:
        if not self.list.state.filter:
            self._say("What the cursor was on is gone; it is on the row in its place now")

    def on_row_table_sort_requested(self, message: RowTable.SortRequested) -> None:
        if message.table is self.list.table:
            self.list.sort_by(message.column)
            self._draw_crumbs()

    def _preview(self, delay: float = 0.0) -> None:
        """Where there is room for two panes, the right one follows the cursor, without asking AWS anything."""
        if not self.wide or self._inside or self.on_summary:
            return
        timer, self._preview_timer = self._preview_timer, None
        if timer is not None:
            timer.stop()  # type: ignore[attr-defined]
        self._preview_timer = self.set_timer(delay or 0.01, self._preview_now)

    def _preview_now(self) -> None:
        self._preview_timer = None
        row = self.list.row()
        if row is None or self._inside or not self.wide or self.on_summary:
            return
        quiet = next(name for name, _ in tabs_of(row) if name in _QUIET_TABS)
        self.run_worker(self._show_row(row, quiet, enter=False), exclusive=True, group="open")

    # -- reading -----------------------------------------------------------------------------------------------------

    def action_refresh(self) -> None:
        """Read again: the open tab's own facts when inside, else the account."""
        if self._inside and self._detail is not None and self._detail.view is not None:
            self._detail.view.refresh()
            return
        if not self.on_summary and self.list.kind is ListKind.EVENTS and not self._refreshing and self._events_asked:
            if self._reading_events:
                self._say("Already reading; esc stops it, and what was read is kept")
            else:
                self._read_events(most=None)
            return
        if self._refreshing:
            self._say("Already reading")
            return
        self._refreshing = True
        session = self.app.session
        self.list.settled = bool(session.listing(self.list.kind).rows)

        def run() -> None:
            worker = get_current_worker()
            last = 0.0
            for update in session.refresh(lambda: worker.is_cancelled):
                if worker.is_cancelled:
                    return
                now = time.monotonic()
                if update.finished or now - last >= 1.0 or last == 0.0:
                    last = now
                    self.post_message(Answered("refresh", update, finished=update.finished))

        self.run_worker(run, thread=True, exclusive=True, group="refresh", exit_on_error=False)

    def _read_roles(self) -> None:
        """What the account's lists do not tell of roles is asked for when somebody looks at them."""
        session = self.app.session
        if session.offline or session.info.kind not in ("live", "demo") or not session.world.snapshots:
            return
        self._roles_asked = True

        def run() -> None:
            worker = get_current_worker()
            session.load_roles(lambda: worker.is_cancelled)
            if not worker.is_cancelled:
                self.post_message(Answered("roles", None, finished=True))

        self.run_worker(run, thread=True, exclusive=True, group="roles", exit_on_error=False)

    def _work_out_findings(self) -> None:
        """What the analyses claim of what has been read so far; again when the account has been read again."""
        session = self.app.session
        self.list.settled = bool(session.listing(ListKind.FINDINGS).rows)

        def run() -> None:
            worker = get_current_worker()
            session.load_findings(lambda: worker.is_cancelled)
            if not worker.is_cancelled:
                self.post_message(Answered("findings", None, finished=True))

        self.run_worker(run, thread=True, exclusive=True, group="findings", exit_on_error=False)

    def _read_events(self, most: int | None = FIRST_LOOK) -> None:
        """Read the account's events: a first look, or (`most` None) on until everything is covered or it is stopped."""
        self._events_asked = self._reading_events = True
        session = self.app.session
        query = EventQuery(regions=session.info.regions, most=most)

        def run() -> None:
            worker = get_current_worker()
            last = 0.0
            try:
                for activity in session.load_events(query, lambda: worker.is_cancelled):
                    if worker.is_cancelled:
                        return
                    now = time.monotonic()
                    if activity.running and now - last >= 1.0:
                        last = now
                        self.post_message(Answered("events", activity, finished=False))
            finally:
                if not worker.is_cancelled:
                    self.post_message(Answered("events", None, finished=True))

        self.run_worker(run, thread=True, exclusive=True, group="events", exit_on_error=False)

    def _stop_events(self) -> None:
        self.workers.cancel_group(self, "events")
        self._reading_events = False
        self._draw()
        self._say("Stopped. What was read is kept; r reads on from there")

    def read_marks(self) -> None:
        """What reviewers decided, compared with what is known now; the lists show it."""
        session = self.app.session

        def run() -> None:
            from ..review import count_words

            worker = get_current_worker()
            session.load_marks(lambda: worker.is_cancelled)
            words = count_words(session)
            if not worker.is_cancelled:
                self.post_message(Answered("marks", words, finished=True))

        self.run_worker(run, thread=True, exclusive=True, group="marks", exit_on_error=False)

    def _marks_read(self, count: str) -> None:
        self._review_count = count
        self._renew_summary()
        if self.list.kind is not ListKind.EVENTS:
            self.list.update()
        self._draw()
        if not self._reminded and self.app.session.world.snapshots:
            self._reminded = True
            told = self.app.session.reminders()
            if told and not self._said:
                self._say("; ".join(told))

    def on_answered(self, message: Answered) -> None:
        message.stop()
        if message.question in ("selection", "overview"):
            self._draw_crumbs()
            if message.question == "overview" and message.finished:
                self._draw_tabs()
            return
        if message.question == "marks":
            self._marks_read(message.value)
            return
        if message.question == "refresh":
            self._refreshed(message.value, finished=message.finished)
        elif message.question == "sweep":
            self.sweeping().take(message.value)
        elif message.question == "roles":
            if self.list.kind is ListKind.ROLES:
                self.list.update()
            self._draw()
        elif message.question == "findings":
            self.list.settled = True
            if self.list.kind is ListKind.FINDINGS:
                self.list.update()
                self._preview()
            self._draw()
            if self.app.session.has_marks:
                self.read_marks()
        elif message.question == "events":
            self._reading_events = self._reading_events and not message.finished
            if message.finished:
                self._renew_summary()
            if self.list.kind in (ListKind.EVENTS, ListKind.USERS, ListKind.ROLES):
                self.list.update()
            self._draw()

    def _refreshed(self, update: Update, *, finished: bool) -> None:
        session = self.app.session
        done = sum(len(session.listing(kind).rows) for kind in NAMED)
        self._progress = "" if finished else f"reading, {done:,} so far"
        if finished:
            self._refreshing = False
            self.list.settled = True
            self._roles_asked = False
            if self.list.kind is ListKind.ROLES:
                self._read_roles()
            if self.list.kind is ListKind.FINDINGS:
                self._work_out_findings()
            if session.has_ledger:
                self.read_marks()
        self.list.update()
        self._draw()
        if self._target and session.world.snapshots and (finished or session.find(self._target)):
            self._open_target()
        detail = self._detail
        if detail is not None and detail.row is not None:
            fresh = session.row(detail.row.key)
            if fresh is not None:
                detail.renew(fresh)
        if finished:
            problems = session.problems()
            if session.link.value in ("no credentials", "unreachable") and problems:
                last = problems[-1]
                self._say(f"{last.what}. {last.hint}" if last.hint else last.what, bad=True)
            if session.info.kind == "evidence" and not self._events_asked:
                self._read_events()
            self._renew_summary()
            self._preview()

    # -- filter, sort, selection -----------------------------------------------------------------------------------------

    async def action_filter(self) -> None:
        if self._inside and not self.wide:
            self._leave()
        await self._open_prompt(
            "filter", "/", self._overview.filter if self.on_summary and self._overview is not None else self.list.state.filter
        )

    async def action_go(self) -> None:
        await self._open_prompt("go", ":", "", self._complete)

    async def action_who_can(self) -> None:
        """On an event: everyone who may do the same on the same resource; elsewhere the question is begun."""
        row = self.current_row()
        if row is None or not isinstance(row.item, Event):
            await self._open_prompt("go", ":", "who-can ", self._complete)
            return
        from ..access import ask_who_can, question_of

        asked = question_of(row.item)
        if asked:
            ask_who_can(self.app, asked)
        else:
            self._say(f"{row.item.name} needs no permission: everybody may")

    def action_guards(self) -> None:
        """Every system an audit uses."""
        self.app.do("guards", "")

    def action_alarms(self) -> None:
        """On an event: who was, or would be, told of it; elsewhere who would hear of what."""
        from ..guards import show_alarms, show_event_ways

        row = self.current_row()
        if row is not None and isinstance(row.item, Event):
            show_event_ways(self.app, row.item)
        else:
            show_alarms(self.app, "")

    async def _open_prompt(self, purpose: str, sign: str, text: str, complete: Callable[[str], str | None] | None = None) -> None:
        """The prompt is made when it is first wanted, because it is dear. It is waited for, so that what is typed ahead goes
        into it."""
        if self._prompt is None:
            from .prompt import Prompt

            self._prompt = Prompt()
            await self.mount(self._prompt, before="#hints")
        self._prompt.open(purpose, sign, text, complete)

    def _complete(self, line: str) -> str | None:
        from ..commands import complete

        session = self.app.session
        names = (row.item.name for kind in NAMED for row in session.listing(kind).rows)
        accounts = (word for snapshot in session.world.snapshots for word in dict.fromkeys((snapshot.account, snapshot.label)))
        return complete(line, names, self.app.available_themes, accounts)

    def ask(self, purpose: str, question: str, text: str) -> None:
        """A question in the prompt line; the answer comes back as PromptEntered with that purpose."""
        self.run_worker(self._open_prompt(purpose, question + " ", text), exclusive=True, group="prompt")

    def on_prompt_typed(self, message: PromptTyped) -> None:
        message.stop()
        if message.purpose == "filter" and self.on_summary:
            self._narrow_summary(message.text)
        elif message.purpose == "filter":
            self.list.state.filter = message.text
            self.list.update()
            self._draw_crumbs()

    def on_prompt_entered(self, message: PromptEntered) -> None:
        message.stop()
        if self._prompt is not None:
            self._prompt.close()
        self._focus_again()
        if message.purpose == "filter" and self.on_summary:
            return
        if message.purpose == "filter":
            self._history.replace(Place(self.list.kind, self.list.state.filter))
        elif message.purpose == "go":
            self.go(message.text)
        elif message.text.strip():
            self.app.answer(message.purpose, message.text.strip())

    def on_prompt_left(self, message: PromptLeft) -> None:
        message.stop()
        if self._prompt is not None:
            self._prompt.close()
        if message.purpose == "filter" and self.on_summary:
            self._narrow_summary("")
        elif message.purpose == "filter" and self.list.state.filter:
            self.list.state.filter = ""
            self.list.update()
            self._draw_crumbs()
        self._focus_again()

    def _focus_again(self) -> None:
        if self._inside and self._detail is not None:
            self._detail.focus_content()
        else:
            self.set_focus(self._overview.table if self.on_summary and self._overview is not None else self.list.table)

    def action_sort(self) -> None:
        chosen = self.list.next_sort()
        self._draw_crumbs()
        self._say(f"sorted by {chosen}" if chosen else "in the list's own order")

    def action_sort_reverse(self) -> None:
        if self.list.state.sort:
            self.list.sort_by(self.list.state.sort)
            self._draw_crumbs()

    def action_mark(self) -> None:
        if self._inside and self._detail is not None:
            table = self._detail.table
            if table.display and table.cursor_key:
                table.marks.symmetric_difference_update({table.cursor_key})
                table.refresh_cursor_row()
        else:
            self.list.toggle_mark()
            self._draw_crumbs()

    def action_mark_on(self, step: int) -> None:
        if not self._inside:
            self.list.toggle_mark(step)
            self._draw_crumbs()

    def action_mark_all(self) -> None:
        self._selected(self.list.toggle_all())

    def action_mark_invert(self) -> None:
        self._selected(self.list.invert_marks())

    def action_mark_range(self) -> None:
        self._selected(self.list.mark_range())

    def _selected(self, refused: str) -> None:
        if refused:
            self._say(refused, bad=True)
        else:
            self._draw_crumbs()

    def action_decide(self) -> None:
        """Decide about what is selected, or what the cursor is on."""
        from ..review import ask_decision

        ask_decision(self.app)

    def action_undo(self) -> None:
        """Take the last decision back."""
        from ..review import undo

        undo(self.app)

    def action_review(self) -> None:
        """The queue of the open campaign, or what one would hold."""
        from ..review import open_review

        open_review(self.app)

    def parts_to_decide(self) -> Sequence[Part]:
        """What an open tab has to decide about by itself: a grant, keys."""
        view = self._detail.view if self._inside and self._detail is not None else None
        return view.parts() if view is not None else ()

    def to_decide(self) -> tuple[list[Row], int]:
        """What a decision is about, and how many of it the filter hides: what is selected, else what is open or under the cursor."""
        if not self._inside:
            chosen, hidden = self.list.marked_rows()
            if chosen:
                return chosen, hidden
        row = self.current_row()
        return ([row] if row is not None else []), 0

    def count_review(self, words: str) -> None:
        """How far the open campaign is, for the line of views."""
        if words != self._review_count:
            self._review_count = words
            self._draw_tabs()

    def decided(self, *, clear: bool = True) -> None:
        """Something was decided: the lists show it, and nothing is selected any more."""
        if clear and not self._inside:
            self.list.clear_marks()
        if self.list.kind is not ListKind.EVENTS:
            self.list.update()
        detail = self._detail
        if detail is not None and detail.row is not None:
            fresh = self.app.session.row(detail.row.key)
            if fresh is not None:
                detail.renew(fresh)
                if detail.tab in ("summary", "permissions", "finding") and detail.view is not None:
                    detail.view.refresh()
        self._draw()

    # -- the detail's keys -------------------------------------------------------------------------------------------

    def action_tab(self, by: int) -> None:
        if self._inside and self._detail is not None:
            self._detail.turn(by)
            row = self._detail.row
            if row is not None:
                self._history.replace(Place(self.list.kind, self.list.state.filter, row.key, self._detail.tab))
            self._detail.focus_content()
            self._draw_crumbs()

    def action_next_pane(self) -> None:
        if self._inside:
            self._leave()
        else:
            row = self.list.row()
            if row is not None:
                self.open_row(row)

    def action_zoom(self) -> None:
        self._zoomed = not self._zoomed
        self._arrange()
        self._draw()

    def action_other_reading(self) -> None:
        if self._inside and self._detail is not None and self._detail.view is not None:
            self._detail.view.toggle()

    def action_unused(self) -> None:
        if self._inside and self._detail is not None and self._detail.view is not None:
            self._detail.view.unused()

    def action_diff(self) -> None:
        """Two versions of a policy, or two identities: the selected one and this one."""
        if self._inside and self._detail is not None and self._detail.tab in ("versions", "changes"):
            self._detail.diff()
            return
        from ..access import compare

        chosen, _hidden = self.list.marked_rows()
        row = self.current_row()
        if len(chosen) == 1 and row is not None and row.key != chosen[0].key:
            chosen = [*chosen, row]
        compare(self.app, chosen)

    # -- what is under the cursor ------------------------------------------------------------------------------------

    def current_row(self) -> Row | None:
        if self.on_summary:
            return None
        return self._detail.row if self._inside and self._detail is not None else self.list.row()

    def action_copy(self) -> None:
        if self.on_summary and self._overview is not None:
            self.app.copy(self._overview.copy_text())
            return
        row = self.current_row()
        view = self._detail.view if self._inside and self._detail is not None else None
        text = view.copy_text() if view else ""
        if text:
            self.app.copy(text)
            return
        self.app.copy(getattr(row.item, "arn", "") or getattr(row.item, "event_id", "") if row else "")

    def action_copy_json(self) -> None:
        if self.on_summary and self._overview is not None:
            self.app.copy(self._overview.copy_json())
            return
        row = self.current_row()
        view = self._detail.view if self._inside and self._detail is not None else None
        text = view.copy_json() if view else ""
        if not text and row is not None:
            text = self.app.session.row_json(row)
        self.app.copy(text)

    def action_console(self) -> None:
        row = self.current_row()
        if row is not None:
            self.app.open_console(self.app.session.console_url(row))

    def action_provenance(self) -> None:
        from .provenance import list_lines

        if self._inside and self._detail is not None and self._detail.view is not None:
            lines = self._detail.view.provenance() or list_lines(self.app.session, self.list.kind)
            title = f"Where this comes from: {self._detail.tab}"
        elif self.on_summary and self._overview is not None:
            lines, title = self._overview.provenance(), "How far the Summary was looked, and where it comes from"
        else:
            lines, title = list_lines(self.app.session, self.list.kind), f"Where this comes from: {self.list.kind.value}"
        self.post_message(ShowPage(title, lines))

    def action_problems(self) -> None:
        from .pages import problem_lines

        self.post_message(ShowPage("What went wrong so far", problem_lines(self.app.session)))

    def action_help(self) -> None:
        from .pages import help_lines

        self.post_message(ShowPage("Keys", help_lines(self.app.keymap_overrides)))

    def on_show_page(self, message: ShowPage) -> None:
        from .pages import TextPage

        message.stop()
        self.app.push_screen(TextPage(message.title, message.lines))

    def on_said(self, message: Said) -> None:
        message.stop()
        self._say(message.words, bad=message.bad)

    async def action_export(self) -> None:
        name = f"iamtui-{'summary' if self.on_summary else self.list.kind.value}.csv"
        await self._open_prompt("export", "write to (.csv or .json): ", os.path.join(".", name))

    def export_source(self) -> tuple[list[str], list[list[str]]] | None:
        """The table of the open tab, when the cursor is in it."""
        if self.on_summary and self._overview is not None:
            return self._overview.export_rows()
        if self._inside and self._detail is not None and self._detail.view is not None and self._detail.table.display:
            return self._detail.view.export_rows()
        return None

    def chosen_rows(self) -> Sequence[Row]:
        """Selected rows where there are any, else all that are shown."""
        marked, _ = self.list.marked_rows()
        return marked or self.list.shown_rows()

    def action_palette(self) -> None:
        self.app.action_command_palette()

    def action_next_theme(self) -> None:
        self.app.next_theme()

    def action_quit(self) -> None:
        self.app.exit()

    @property
    def export_folder(self) -> Path:
        return Path.cwd()


def _fetched(session: Session, row: Row) -> Row:
    """The row of an event on disk with its record; what its view asks next is then at hand."""
    whole = session.whole(row)
    if isinstance(whole.item, Event):
        session.chain(whole.item)
    return whole
