"""The ten practices over the open accounts: what the session knows of them, joined for the checks. A part of the session."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from ..errors import IamtuiError
from ..source.base import Cancelled, never_cancelled

if TYPE_CHECKING:
    from ..analysis.alarms.coverage import Coverage
    from ..analysis.alarms.health import Row
    from ..analysis.practices import Monitoring, Reviews
    from ..model.guards import Guards
    from ..model.practice import Practice
    from ..source.base import Step
    from .book import Book
    from .reading import Reader


class PracticeQuestions:
    """Not for the event loop."""

    _book: Book
    _reader: Reader
    now: Callable[[], datetime]

    if TYPE_CHECKING:

        def _last_seen(self) -> dict[str, datetime]: ...

        @property
        def has_ledger(self) -> bool: ...

        def load_guards(self, cancelled: Cancelled = never_cancelled, *, again: bool = False) -> Iterator[Step]: ...

        def logging_health(self, at: datetime | None = None) -> tuple[tuple[str, tuple[Row, ...]], ...]: ...

        def coverage(self, wanted: Sequence[str] = (), at: datetime | None = None) -> tuple[tuple[Guards, tuple[Coverage, ...]], ...]: ...

    def load_practices(
        self, cancelled: Cancelled = never_cancelled, only: tuple[str, ...] = (), *, at: datetime | None = None, closing: str = ""
    ) -> tuple[Practice, ...]:
        """All ten, or some by their ids, by what has been read; what the demo and evidence can tell without asking anybody is asked first.

        at:      the moment ages are counted to; now unless given
        closing: the name of a campaign that ends at that moment
        """
        from ..analysis.practices import practices

        moment = at or self.now()
        self._reader.surroundings(cancelled)
        if self._reader.info.kind != "live" and not self._book.advisor and (not only or "least-privilege" in only):
            for _ in self.sweep(("users", "roles"), cancelled=cancelled):  # type: ignore[attr-defined]
                pass
        seen = self._last_seen()
        snapshots = [msgspec.structs.replace(one, last_events=seen) if seen else one for one in self._book.world.snapshots]
        return practices(
            snapshots,
            moment,
            surroundings=self._book.surroundings,
            usage=self._book.advisor.briefs(),
            monitoring=self._monitoring(cancelled, moment) if not only or "monitoring" in only else None,
            reviews=self._reviews(moment, closing) if not only or "reviews" in only else None,
            cancelled=cancelled,
            only=only,
        )

    def _monitoring(self, cancelled: Cancelled, at: datetime) -> Sequence[Monitoring] | None:
        """What watches the accounts: logging health, and who would hear of the events CIS names. None when nothing was read."""
        from ..analysis.alarms.controlling import by_control
        from ..analysis.alarms.health import Health
        from ..analysis.practices import Monitoring

        for _ in self.load_guards(cancelled):
            pass
        if not self._book.guards_read:
            return None
        good = {Health.OK: True, Health.WEAK: False, Health.MISSING: False}
        found = [
            Monitoring(row.subject + (f" {row.name}" if row.name else ""), good.get(row.state), row.found, row.source, account, row.as_of)
            for account, rows in self.logging_health(at)
            for row in rows
        ]
        for guards, covered in self.coverage(at=at):
            found += [Monitoring(name, good, words, "alarms and rules", guards.account) for name, good, words in by_control(covered)]
        return found

    def _reviews(self, at: datetime, closing: str = "") -> Reviews | None:
        """Reviews in the ledger at a moment; None when there is no ledger, or it cannot be read (which is a line in `problems()`)."""
        from ..analysis.practices import Reviews
        from .campaigns import campaign_name, campaigns

        if not self.has_ledger:
            return None
        try:
            held = [(begun, end) for begun, end in campaigns(self) if begun.at <= at]  # type: ignore[arg-type]
        except IamtuiError as error:
            self._book.failed(error)
            return None
        closed = [(campaign_name(begun), end.at) for begun, end in held if end is not None and end.at <= at]
        closed += [(closing, at)] if closing else []
        running = tuple(campaign_name(begun) for begun, end in held if end is None or end.at > at)
        return Reviews(True, tuple(sorted(closed, key=lambda one: one[1], reverse=True)), running)
