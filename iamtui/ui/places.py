"""Where one has been: back, forward, and the last view."""

from __future__ import annotations

from typing import NamedTuple

from ..session import ListKind


class Place(NamedTuple):
    """A list with its filter, or one thing in it with a tab open; the Summary where `kind` is None (then `filter` is its account)."""

    kind: ListKind | None
    filter: str = ""
    key: str = ""
    tab: str = ""


class History:
    """Like a browser's: going somewhere new forgets what was ahead."""

    def __init__(self, most: int = 200) -> None:
        self._places: list[Place] = []
        self._at = -1
        self._most = most

    def visit(self, place: Place) -> None:
        if self._at >= 0 and self._places[self._at] == place:
            return
        del self._places[self._at + 1 :]
        self._places.append(place)
        del self._places[: -self._most]
        self._at = len(self._places) - 1

    def replace(self, place: Place) -> None:
        """The place we are at has changed (another filter, another tab)."""
        if self._at >= 0:
            self._places[self._at] = place

    def step(self, by: int) -> Place | None:
        """The place `by` steps on, None at either end."""
        target = self._at + by
        if not 0 <= target < len(self._places):
            return None
        self._at = target
        return self._places[target]
