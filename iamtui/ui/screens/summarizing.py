"""The explorer's part that turns to the Summary, from it to where a line leads, and back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from textual.screen import Screen

from ...session import ListKind
from ..keymap import KEYS
from ..places import History, Place

if TYPE_CHECKING:
    from ..app import IamtuiApp
    from .detail import DetailPane
    from .listing import ListPane
    from .overview import OverviewPane

_OF_LISTS = frozenset(
    {"sort", "sort_reverse", "mark", "mark_on", "mark_all", "mark_invert", "mark_range", "decide", "next_pane", "tab", "other_reading"}
    | {"unused", "diff", "console"}
)
"""Actions that need a list or a detail."""


class SummaryScreen(Screen[None]):
    """What of the explorer knows the Summary.

    on_summary: whether it is what is shown
    _drilled:   where a line of it led, and the filter that list had before
    """

    app: IamtuiApp
    list: ListPane
    on_summary: bool
    began: bool
    _overview: OverviewPane | None
    _drilled: tuple[Place, str] | None
    _detail: DetailPane | None
    _history: History
    _last_view: ListKind | None
    _no_last_view: bool
    _inside: bool
    _refreshing: bool
    _reading_events: bool

    if TYPE_CHECKING:

        def _say(self, words: str, *, bad: bool = False) -> None: ...

        def _arrange(self) -> None: ...

        def _draw(self) -> None: ...

        def _draw_crumbs(self) -> None: ...

        def go(self, line: str, tab: str = "") -> None: ...

    def _ensure_overview(self) -> OverviewPane:
        if self._overview is None:
            from ..terminal import has_blocks
            from .overview import OverviewPane

            plain = not has_blocks(self.app.settings.charts, os.environ, self.app.console.encoding)
            self._overview = OverviewPane(self.app.session, lambda: self._refreshing or self._reading_events or not self.began, plain=plain)
        return self._overview

    def action_summary(self) -> None:
        """What stands out, as it was left."""
        self.show_summary(self._overview.account if self._overview is not None else "")

    def show_summary(self, account: str = "", *, visit: bool = True) -> None:
        """The Summary; of one account where one is named."""
        if account and self.app.session.world.snapshot(account) is None:
            self._say(f"There is no account {account} here", bad=True)
            return
        if not self.on_summary:
            self._last_view, self._no_last_view = self.list.kind, False
        self.on_summary, self._inside, self._drilled = True, False, None
        self.run_worker(self._turn_to_summary(account), exclusive=True, group="open")
        if visit:
            self._history.visit(Place(None, account))

    async def _turn_to_summary(self, account: str) -> None:
        pane = self._ensure_overview()
        if not pane.is_attached:
            await self.query_one("#body").mount(pane, before=0)
        if pane.account != account:
            pane.turn_to(account)
        self._arrange()
        self.set_focus(pane.table)
        self._draw()
        self._renew_summary()

    def _renew_summary(self) -> None:
        """Work out again what rests on something else now; while nobody looks, nothing is."""
        if self.on_summary and self._overview is not None:
            self._overview.renew()

    def on_screen_resume(self) -> None:
        if self.began:  # the first time it is the first picture that comes first
            self._renew_summary()

    def drill(self, line: str) -> None:
        """To where a line of the Summary leads; esc comes back."""
        from ..commands import interpret

        intent = interpret(line)
        before = self.list.states[intent.kind].filter if intent.kind is not None else ""
        self.go(line)
        if not self.on_summary:
            self._drilled = Place(self.list.kind, self.list.state.filter), before

    def _back_to_summary(self) -> bool:
        """From where a line of it led, or deeper: back, and the list has the filter it had before."""
        if self._drilled is None:
            return False
        (kind, filter_text, key, _), before = self._drilled
        opened = self._detail.row.key if self._inside and self._detail is not None and self._detail.row is not None else ""
        if self._inside and opened != key:
            return False
        if self.list.kind is not kind or self.list.state.filter != filter_text:
            return False
        self.list.state.filter = before
        self.show_summary(self._overview.account if self._overview is not None else "", visit=False)
        return True

    def _back_on_summary(self) -> None:
        if self._overview is not None and self._overview.filter:
            self._narrow_summary("")
        elif self._overview is not None and self._overview.account:
            self.show_summary()
        else:
            self._say("This is the top; q quits")

    def _narrow_summary(self, text: str) -> None:
        if self._overview is not None:
            self._overview.narrow(text)
            self._draw_crumbs()

    def _is_of_lists(self, key: str) -> bool:
        """Whether a key does something that only a list can."""
        overrides = self.app.keymap_overrides
        named = (one for one in KEYS if one.where == "explorer" and one.action.partition("(")[0] in _OF_LISTS)
        return any(key in overrides.get(one.id, one.keys).split(",") for one in named)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What only a list can do is not done on the Summary."""
        return not (self.on_summary and action in _OF_LISTS)
