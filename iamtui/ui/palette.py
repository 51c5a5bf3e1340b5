"""The command palette: what can be done, and everything that has a name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from textual.app import SystemCommand
from textual.await_complete import AwaitComplete
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from ..session import NAMED, ListKind
from ..text import visible
from .keymap import KEYS, key_words

if TYPE_CHECKING:
    from .app import IamtuiApp

_MOST = 60
"""Names that are scored; those that hold the text at all are found by a plain search first."""


_ID = re.compile(r"arn:\S+|A[A-Z0-9]{15,}")


def system_commands(app: IamtuiApp) -> Iterable[SystemCommand]:
    """One for every key of the explorer."""
    explorer = app.explorer
    for key in KEYS:
        if key.where != "explorer" or key.id in ("palette",):
            continue
        shown = key_words(app.keymap_overrides.get(key.id, key.keys))
        yield SystemCommand(key.words.capitalize(), f"key {shown}", partial(_run, explorer, key.action))


async def _run(explorer: object, action: str) -> None:
    await explorer.run_action(f"screen.{action}")  # type: ignore[attr-defined]


class CommandProvider(Provider):
    """What can be done."""

    async def discover(self) -> Hits:
        for command in system_commands(self.app):  # type: ignore[arg-type]
            yield DiscoveryHit(command.title, command.callback, help=command.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in system_commands(self.app):  # type: ignore[arg-type]
            score = matcher.match(command.title)
            if score > 0:
                yield Hit(score, matcher.highlight(command.title), command.callback, help=command.help)


class NameProvider(Provider):
    """Identities and policies by name, and by what names one of them alone: ARN, unique id, access key."""

    async def search(self, query: str) -> Hits:
        app: IamtuiApp = self.app  # type: ignore[assignment]
        folded = query.casefold()
        if _ID.fullmatch(query.strip()):
            for match in app.session.find(query.strip())[:5]:
                words = Content(f"{visible(match.row.item.name)}  by {match.how}")
                yield Hit(1.0, words, partial(app.explorer.open_row, match.row), text=visible(match.row.item.name))
        found = 0
        for kind in NAMED:
            for row in app.session.listing(kind).rows:
                name = row.item.name
                if folded not in name.casefold():
                    continue
                found += 1
                if found > _MOST:
                    return
                score = 0.9 if name.casefold().startswith(folded) else 0.6
                words = Content(f"{visible(name)}  {kind.value.removesuffix('s') if kind is not ListKind.POLICIES else 'policy'}")
                yield Hit(score, words, partial(app.explorer.open_row, row), text=visible(name))


async def _nothing() -> None:
    """What a second Enter does."""


class Palette(CommandPalette):
    """Textual's, which leaves twice, and takes the application with it, when Enter is pressed again before it is gone."""

    _left = False

    def dismiss(self, result: None = None) -> AwaitComplete:
        if self._left:
            self._selected_command = DiscoveryHit("", _nothing)
            return AwaitComplete()
        self._left = True
        return super().dismiss(result)


def open_palette(app: IamtuiApp) -> None:
    app.push_screen(Palette(providers=[CommandProvider, NameProvider], placeholder="name or command"))
