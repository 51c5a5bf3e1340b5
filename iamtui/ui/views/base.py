"""What a view and its pane know of each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from ...session import Row, Session
from ..render.cells import Cell
from ..render.documents import Line
from ..widgets.table import TableColumn

if TYPE_CHECKING:
    from ...session.reviewitems import Part

Cancelled = Callable[[], bool]


class Host(Protocol):
    """The pane a view fills."""

    session: Session
    entered: bool  # False while a list's cursor only passes by: then AWS is asked nothing

    def show_table(
        self, columns: Sequence[TableColumn], count: int, cell: Callable[[int, int], Cell], key: Callable[[int], str], empty: str = ""
    ) -> None: ...

    def show_text(self, lines: Sequence[Line], *, keep_place: bool = False) -> None: ...

    def start_at(self, row: int) -> None: ...

    @property
    def cursor_key(self) -> str: ...

    def note(self, words: str) -> None: ...

    def work(self, question: object, job: Callable[[Cancelled], Iterable[Any]]) -> None: ...

    def go(self, target: str = "", *, key: str = "", tab: str = "") -> None: ...

    def page(self, title: str, lines: Sequence[Line]) -> None: ...

    def say(self, words: str, *, bad: bool = False) -> None: ...


class View:
    """One tab of one row. Methods run on the event loop and must not block; slow questions go through `host.work`."""

    keys: tuple[str, ...] = ()  # keys of its own, which go before those of the explorer

    def __init__(self, host: Host, row: Row) -> None:
        self.host, self.row = host, row

    @property
    def session(self) -> Session:
        return self.host.session

    @property
    def now(self) -> datetime:
        return self.session.now()

    def open(self) -> None:
        """Fill the pane."""

    def answered(self, question: object, value: Any, finished: bool) -> None:
        """An answer of `host.work`; questions of views no longer open never get here."""

    def activate(self, key: str) -> None:
        """Enter on a row of the table."""

    def key(self, key: str, place: int) -> int | None:
        """Where one of `keys` moves the cursor from a row; None for nowhere."""
        return None

    def back(self) -> bool:
        """Esc: True when the view had a level of its own to leave."""
        return False

    def toggle(self) -> None:
        self.host.say("There is no other reading of this")

    def unused(self) -> None:
        self.host.say("Only the Last used tab can be narrowed to what is unused")

    def diff(self, key: str, marks: set[str]) -> None:
        self.host.say("Compare works on the Versions tab of a policy")

    def parts(self) -> Sequence[Part]:
        """What `m` decides about here instead of the row: a grant under the cursor, keys."""
        return ()

    def refresh(self) -> None:
        """Read again what this tab shows."""
        self.open()

    def provenance(self) -> list[Line]:
        """Where what is shown comes from."""
        return []

    def copy_text(self) -> str:
        """What `y` copies here, "" for the row's ARN."""
        return ""

    def copy_json(self) -> str:
        """What `Y` copies here, "" for the row itself."""
        return ""

    def export_rows(self) -> tuple[list[str], list[list[str]]] | None:
        """Header and rows of the table shown, for `e`; None when there is no table."""
        return None


def heading(words: str) -> Line:
    return [(words, "heading")]


def fact_line(label: str, words: str, style: str = "", width: int = 20) -> Line:
    return [(f"{label:<{width}} ", "label"), (words, style)]
