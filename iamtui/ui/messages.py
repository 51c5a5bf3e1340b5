"""Messages between workers, panes and screens. Each answer carries its question; answers to old questions are dropped."""

from __future__ import annotations

from typing import Any

from textual.message import Message


class Answered(Message):
    """An answer of a worker. `question` is compared with the one that is still open."""

    def __init__(self, question: object, value: Any, *, finished: bool = True) -> None:
        super().__init__()
        self.question, self.value, self.finished = question, value, finished


class Said(Message):
    """A sentence for the bottom line. `lasting` ones are also in the problem log."""

    def __init__(self, words: str, *, bad: bool = False) -> None:
        super().__init__()
        self.words, self.bad = words, bad


class GoTo(Message):
    """Go to an identity, policy or event by row key, or to a list with a filter."""

    def __init__(self, target: str = "", *, key: str = "", tab: str = "") -> None:
        super().__init__()
        self.target, self.key, self.tab = target, key, tab


class ShowPage(Message):
    """Open a page of text over the explorer."""

    def __init__(self, title: str, lines: list[list[tuple[str, str]]]) -> None:
        super().__init__()
        self.title, self.lines = title, lines
