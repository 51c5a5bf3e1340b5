"""The ten practices over the open accounts: what the session knows of them, joined for the checks. A part of the session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from ..source.base import Cancelled, never_cancelled

if TYPE_CHECKING:
    from ..analysis.practices import Monitoring, Reviews
    from ..model.practice import Practice
    from .answers import Listing, ListKind
    from .book import Book
    from .reading import Reader


class PracticeQuestions:
    """Not for the event loop."""

    _book: Book
    _reader: Reader
    now: Callable[[], datetime]

    if TYPE_CHECKING:

        def _last_seen(self) -> dict[str, datetime]: ...

        def listing(self, kind: ListKind) -> Listing: ...

    def load_practices(self, cancelled: Cancelled = never_cancelled) -> tuple[Practice, ...]:
        """All ten, by what has been read; what the demo and evidence can tell without asking anybody is asked first."""
        from ..analysis.practices import practices

        self._reader.surroundings(cancelled)
        if self._reader.info.kind != "live" and not self._book.advisor:
            for _ in self.sweep(("users", "roles"), cancelled=cancelled):  # type: ignore[attr-defined]
                pass
        seen = self._last_seen()
        snapshots = [msgspec.structs.replace(one, last_events=seen) if seen else one for one in self._book.world.snapshots]
        return practices(
            snapshots,
            self.now(),
            surroundings=self._book.surroundings,
            usage=self._book.advisor.briefs(),
            monitoring=self._monitoring(cancelled),
            reviews=self._reviews(),
            cancelled=cancelled,
        )

    def _monitoring(self, cancelled: Cancelled) -> Sequence[Monitoring] | None:
        """What watches the accounts; None when that was not looked at."""
        return None

    def _reviews(self) -> Reviews | None:
        """Reviews in the ledger; None when there is no ledger."""
        return None
