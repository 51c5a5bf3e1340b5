"""The application: themes, keymap, copies, exports. What is on screen is the explorer's."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import App
from textual.filter import LineFilter
from textual.widget import Widget

from .. import paths
from ..config import Settings
from ..session import Session
from ..text import visible
from . import themes
from .clipboard import osc52
from .keymap import load_keymap
from .screens.explorer import Explorer
from .terminal import ControlFilter, write_raw

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.app import SystemCommand
    from textual.screen import Screen

    from ..session.engines import SqlEngine
    from ..store.history import History

_LONGEST_WAY = 1.0
"""Seconds after which a key that has not come up from a widget was kept by it."""


class IamtuiApp(App[None]):
    """One session, one explorer. `start_problems` are sentences about settings, themes and keys that were not usable.

    target: a place to go to after the first picture, as it is typed after `:`
    first:  what the first picture shows: `users`, or `summary` as a start without a target has it
    """

    CSS_PATH: ClassVar[str] = "iamtui.tcss"
    TITLE = "iamtui"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "f12"  # ours opens it; the keymap says with which key

    def __init__(
        self, session: Session, settings: Settings, target: str = "", problems: Sequence[str] = (), *, first: str = "users"
    ) -> None:
        super().__init__()
        self._first = first
        self.session = session
        self.settings = settings
        self.start_problems = list(problems)
        self._target = target
        self.next_profile = ""
        self.asked = ""  # what waits for a yes
        self._net = [ControlFilter()]
        self._under_way = 0  # keys that were handed to a widget and have not come up from it
        self._way: Widget | None = None
        self._sent_at = 0.0
        self.sql_text = ""
        self._sql_history: History | None = None
        self._sql_engines: dict[str, SqlEngine] = {}
        self._sql_engine = ""
        self.animation_level = "none" if not settings.animations else "full"
        self.keymap_overrides, keymap_problems = load_keymap(settings.keymap_path)
        self.start_problems += keymap_problems
        self.use_theme(settings.theme)  # before the stylesheet is read, so that it is read once

    # -- start -------------------------------------------------------------------------------------------------------

    def get_default_screen(self) -> Explorer:
        return Explorer(self._target, summary=self._first == "summary")

    def on_mount(self) -> None:
        if self.keymap_overrides:
            self.set_keymap(self.keymap_overrides)

    async def on_event(self, event: events.Event) -> None:
        """Keys reach a prompt in the order they were typed.

        While keys are still on their way through the list, a key that comes in goes the same way: straight into the prompt, which
        meanwhile has the focus, it would overtake them.
        """
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
            return
        focused = self.focused
        if focused is not None and focused.id == "prompt-input":
            way = self._way
            if way is not None and self._under_way and way.is_attached and time.monotonic() - self._sent_at < _LONGEST_WAY:
                self._under_way += 1
                way._forward_event(event)
                return
            self._under_way = 0
            await super().on_event(event)
            return
        await super().on_event(event)
        way = focused or self.screen
        if event.is_forwarded and not (isinstance(way, Widget) and way.check_consume_key(event.key, event.character)):
            self._way, self._sent_at = way, time.monotonic()
            self._under_way += 1

    def on_key(self, event: events.Key) -> None:
        """What was typed ahead of a prompt belongs into it: `:users` in one go, as tmux and fast fingers send it.

        Such keys were handed to the list before the prompt had the focus, and come up here without the prompt having seen
        them.
        """
        seen = getattr(event, "seen_by_prompt", False)
        if not seen:
            self._under_way = max(0, self._under_way - 1)
        focused = self.focused
        if focused is not None and focused.id == "prompt-input" and not seen:
            event.stop()
            event.prevent_default()
            focused._forward_event(events.Key(event.key, event.character))

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), *self._net]

    def get_css_variables(self) -> dict[str, str]:
        variables = super().get_css_variables()
        for name, stand_in in themes.MEANINGS.items():
            variables.setdefault(name, variables.get(stand_in[1:], variables["foreground"]))
        return variables

    # -- themes ------------------------------------------------------------------------------------------------------

    @property
    def _user_themes(self) -> Path:
        return self.settings.themes_dir

    def use_theme(self, name: str) -> bool:
        """Switch; an unknown or broken theme is said, and what was in force stays."""
        if name not in self.available_themes:
            theme, problems = themes.find(name, self._user_themes)
            self.start_problems += problems
            if theme is None:
                self.start_problems.append(f"There is no usable theme {name}")
                theme, _ = themes.find(themes.DEFAULT, None)
                if theme is None:
                    return False
                name = theme.name
            self.register_theme(theme)
        self.theme = name
        return True

    def load_all_themes(self) -> list[str]:
        """Names of every palette; broken ones are reported together."""
        found, problems = themes.all_themes(self._user_themes)
        for theme in found:
            self.register_theme(theme)
        if problems:
            self._tell("; ".join(problems))
        return [theme.name for theme in found]

    def next_theme(self) -> None:
        names = self.load_all_themes()
        at = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(at + 1) % len(names)]
        self._tell(f"theme {self.theme}")

    # -- what the explorer asks --------------------------------------------------------------------------------------

    @property
    def explorer(self) -> Explorer:
        return next(screen for screen in self.screen_stack if isinstance(screen, Explorer))

    def _tell(self, words: str, *, bad: bool = False) -> None:
        self.explorer._say(words, bad=bad)

    def account_label(self, account: str) -> str:
        return self.settings.account_labels.get(account, "")

    def copy(self, text: str) -> str:
        """Hand text to the terminal's clipboard; say what has happened, no more. Answers what was said."""
        answer = osc52(text, os.environ, self.settings.clipboard_cap)
        if answer.sequence and not write_raw(self, answer.sequence):
            words, bad = "There is no terminal to send a copy to", True
        else:
            words, bad = answer.words, not answer.sent
        self._tell(words, bad=bad)
        return words

    def open_console(self, url: str) -> None:
        from .terminal import has_desktop

        if not url:
            self._tell("The AWS console has no page for this")
        elif has_desktop(os.environ):
            import webbrowser

            webbrowser.open(url)
            self._tell(f"Opened {visible(url)}")
        else:
            self.copy(url)
            self._tell(f"Sent to the clipboard: {visible(url)}")

    def do(self, verb: str, argument: str) -> None:
        """A verb of the go-anywhere line."""
        match verb:
            case "quit":
                self.exit()
            case "theme":
                self.load_all_themes()
                if argument in self.available_themes:
                    self.theme = argument
                else:
                    self._tell(f"There is no theme {argument}; there are {', '.join(sorted(self.available_themes))}", bad=True)
            case "summary":
                self.explorer.show_summary(argument)
            case "account" if self.explorer.on_summary:
                self.explorer.show_summary(argument)
            case "account":
                self.explorer.go_to_list(self.explorer.list.kind, _of_account(argument))
            case "accounts":
                from .access import show_accounts

                show_accounts(self, argument)
            case "refresh":
                self.explorer.action_refresh()
            case "help":
                self.explorer.action_help()
            case "problems":
                self.explorer.action_problems()
            case "info":
                self.explorer.action_provenance()
            case "copy":
                self.explorer.action_copy()
            case "can" | "who-can":
                from .access import ask_can, ask_who_can

                (ask_can if verb == "can" else ask_who_can)(self, argument)
            case "escalations":
                from .access import show_escalations

                show_escalations(self, argument)
            case "compare":
                from .access import ask_compare

                ask_compare(self, argument)
            case "preflight":
                from .access import ask_preflight

                ask_preflight(self, argument)
            case "unused":
                from .access import show_unused

                show_unused(self, argument)
            case "diff" | "history":
                from .comparing import show_diff, show_history

                (show_diff if verb == "diff" else show_history)(self, argument)
            case "changes":
                from .access import show_changes

                show_changes(self, argument)
            case "exposure":
                from .access import show_exposure

                show_exposure(self)
            case "sweep":
                self.explorer.sweeping().ask(argument)
            case "matrix":
                from .access import show_matrix

                show_matrix(self, argument)
            case "analyzer":
                from .access import show_analyzer

                show_analyzer(self)
            case "practices":
                from .access import show_practices

                show_practices(self, argument)
            case "guards":
                from .guards import show_guards

                show_guards(self)
            case "alarms":
                from .guards import show_alarms

                show_alarms(self, argument)
            case "logging":
                from .guards import show_logging

                show_logging(self)
            case "review":
                from .review import open_review

                open_review(self, argument)
            case "plan":
                from .review import show_plan

                show_plan(self, argument)
            case "report":
                from .review import write_report

                write_report(self, argument)
            case "owner":
                from .review import set_owner

                set_owner(self, argument)
            case "sql":
                self.open_sql(argument)
            case "triage":
                from .access import show_triage

                show_triage(self, argument)
            case "profile":
                self._switch_profile(argument)
            case "export" | "collect":
                if argument:
                    self.answer(verb, argument)
                else:
                    self.explorer.ask(verb, "write to:", "iamtui-bundle.zip" if verb == "collect" else "iamtui.csv")

    def answer(self, purpose: str, text: str) -> None:
        """A file name that was asked for, or a yes."""
        if purpose == "validate":
            from .access import ask_preflight

            asked, self.asked = self.asked, ""
            if text.casefold() in ("y", "yes"):
                ask_preflight(self, asked, aws=True)
            else:
                self._tell("Nothing was sent")
            return
        path = Path(text).expanduser()
        if purpose == "export":
            self.run_worker(self._export(path), group="export", exclusive=True, exit_on_error=False)
        elif purpose == "collect":
            self.run_worker(lambda: self._collect(path), thread=True, group="export", exclusive=True, exit_on_error=False)

    async def _export(self, path: Path) -> None:
        explorer = self.explorer
        source = explorer.export_source()
        rows = () if source else explorer.chosen_rows()
        try:
            count = await self.session.export(path, explorer.list.kind, rows, source)
        except OSError as error:
            self._tell(f"{path} could not be written: {error.strerror or error}", bad=True)
            return
        self._tell(f"Wrote {count:,} rows to {visible(str(path))}")

    def _collect(self, path: Path) -> None:
        from ..errors import IamtuiError

        try:
            count = self.session.collect(path)
            words, bad = f"Wrote {count:,} answers to {path}", False
        except (IamtuiError, OSError) as error:
            words, bad = f"{path} could not be written: {error}", True
        self.call_from_thread(self._tell, words, bad=bad)

    def _switch_profile(self, name: str) -> None:
        if self.session.info.kind != "live":
            self._tell("There are no profiles here: this is not a live account", bad=True)
        elif not name:
            self._tell("Which profile? :profile NAME", bad=True)
        else:
            self.next_profile = name
            self.exit()

    # -- SQL ---------------------------------------------------------------------------------------------------------

    def open_sql(self, text: str = "") -> None:
        """The SQL view: empty-handed, with a query (`:sql SELECT …`), or with a saved one (`:sql users-created days=30`); an engine may
        stand before it (`:sql athena`)."""
        from ..errors import IamtuiError
        from ..query import fill, named
        from ..session.engines import ENGINES
        from .screens.sql import SqlScreen

        first, _, rest = text.strip().partition(" ")
        if first.casefold() in ENGINES:
            try:
                self.use_sql_engine(first.casefold())
            except IamtuiError as error:
                self._tell(f"{error.message}; {error.hint}", bad=True)
                return
            text = rest.strip()
        if not text or (" " in text.strip() and not _is_saved(text)):
            self.push_screen(SqlScreen(text, run=bool(text)))
            return
        name, *pairs = text.split()
        try:
            query = fill(named(name), dict(pair.partition("=")[::2] for pair in pairs))
        except IamtuiError as error:
            self._tell(f"{error.message}; {error.hint}" if error.hint else error.message, bad=True)
            return
        self.push_screen(SqlScreen(query, run=True))

    @property
    def sql_history(self) -> list[str]:
        """Queries asked before, oldest first."""
        return self._history().texts

    def remember_sql(self, text: str) -> None:
        """Keep a query that is asked, with its engine, for later runs as well."""
        from ..session.sqltext import with_engine

        self.sql_text = text
        self._history().add(with_engine(text, self.sql_engine.name))

    @property
    def sql_engine(self) -> SqlEngine:
        """What answers SQL: what was chosen last, else what the settings say where it can be asked."""
        if not self._sql_engine:
            from ..session.engines import available

            wanted = self.settings.engine
            self.use_sql_engine(wanted if wanted in available(self.session) else "local")
        return self._sql_engines[self._sql_engine]

    def use_sql_engine(self, name: str) -> None:
        """Choose an engine; what it has found is kept. Raises UsageError where it cannot be asked."""
        if name not in self._sql_engines:
            from ..session.engines import choice_of

            self._sql_engines[name] = self.session.sql_engine(name, choice_of(self.settings))
        self._sql_engine = name

    def _history(self) -> History:
        if self._sql_history is None:
            from ..store.history import History

            self._sql_history = History(paths.state_dir() / "sql-history")
        return self._sql_history

    # -- palette -----------------------------------------------------------------------------------------------------

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        from .palette import system_commands

        yield from system_commands(self)

    def action_command_palette(self) -> None:
        from .palette import open_palette

        open_palette(self)


def _is_saved(text: str) -> bool:
    """Whether a text names a saved query, with values for its parameters, and is not a query itself."""
    first, *rest = text.split()
    return first.upper() not in ("SELECT", "WITH", "VALUES", "(") and all("=" in word for word in rest)


def run(session: Session, settings: Settings, target: str = "", problems: Sequence[str] = ()) -> str:
    """Run until the user quits; the profile to go on with, "" when that is all."""
    app = IamtuiApp(session, settings, target, problems, first="users" if target else "summary")
    app.run(mouse=settings.mouse)
    return app.next_profile


def _of_account(name: str) -> str:
    """The filter for one account; a name with blanks is one word."""
    return (f'account:"{name}"' if " " in name else f"account:{name}") if name else ""
