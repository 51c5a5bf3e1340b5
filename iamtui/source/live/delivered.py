"""The live source with events from a trail's bucket."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from ...errors import UsageError
from ..base import Cancelled, EventFile, Step, never_cancelled
from .calls import utc_now
from .connection import LiveOptions
from .source import LiveSource

if TYPE_CHECKING:
    from .listing import Settled, Wanted
    from .place import Place, Start

_FRESH = 60.0
"""Seconds for which a reading that found nothing new counts: CloudTrail delivers every five minutes or so."""

_WATCHED = timedelta(days=1)
"""How far back a watch looks for files that were delivered."""


class TrailSource(LiveSource):
    """The account behind credentials, its events from a trail's bucket."""

    keeps_gone = True
    """What the bucket does not hold any more, or was not asked for this time, stays among the events that were read."""

    def __init__(self, options: LiveOptions, mfa_prompt: Callable[[str], str] | None = None) -> None:
        super().__init__(options, mfa_prompt)
        self._place: Place | None = None
        self._settled: Settled = {}
        self._broken: dict[tuple[str, tuple[int, ...]], str] = {}
        self._fresh_until = 0.0

    @property
    def place(self) -> Place:
        """Where the trail delivers to; asked once. Raises AwsError, UsageError."""
        if self._place is None:
            from .place import place_of

            self._place = place_of(self._caller, self.options.trail)
        return self._place

    @property
    def store_key(self) -> str:
        """What tells the store of these events from others: the place and what of it was chosen, not the days and not the credentials, so that
        other days and another session read only what is new. Raises AwsError, UsageError."""
        chosen = (",".join(sorted(set(self.options.trail_accounts))), ",".join(sorted(set(self.options.regions))))
        return "\n".join((self.options.endpoint_url, self.place.url, *chosen))

    @property
    def reach(self) -> str:
        """What is read of which bucket, in words."""
        wanted = self._wanted()
        last = wanted.until - timedelta(microseconds=1)
        parts = [self._place.url if self._place is not None else self.options.trail, f"{wanted.since:%Y-%m-%d} to {last:%Y-%m-%d}"]
        for what, chosen in (("accounts", self.options.trail_accounts), ("Regions", self.options.regions)):
            if chosen:
                parts.append(f"{what} {' '.join(chosen)}")
        return ", ".join(parts)

    @property
    def narrowed_to(self) -> tuple[str, ...]:
        """The Regions of which events are read, () for all."""
        start = self._start()
        return self.options.regions or ((start.region,) if start is not None and start.region else ())

    @property
    def leaves_out(self) -> str:
        """The account behind the credentials when its events are not among what is read; "" when they are, or nobody knows."""
        start, account = self._start(), self._caller.account
        accounts = self.options.trail_accounts or ((start.account,) if start is not None and start.account else ())
        return account if account and accounts and account not in accounts else ""

    def _start(self) -> Start | None:
        from .place import start_of

        return start_of(self._place) if self._place is not None else None

    def is_large(self, cancelled: Cancelled = never_cancelled) -> bool:
        """A trail is: its events are read into the store, never into the memory."""
        return True

    def event_files(self, known: Mapping[str, tuple[int, ...]], cancelled: Cancelled = never_cancelled) -> Iterator[EventFile | Step]:
        """Objects of the days asked for. Raises AwsError, UsageError when the trail cannot be found, listed or read any further."""
        from .bucket import Bucket

        if time.monotonic() < self._fresh_until and known:
            return
        new = False
        bucket = Bucket(self._caller, self.place, self._wanted(), self._settled, self._broken)
        for item in bucket.files(known, cancelled):
            new = new or (isinstance(item, EventFile) and (bool(item.reason) or known.get(item.name) != item.signature))
            yield item
        if not new and not cancelled():
            self._fresh_until = time.monotonic() + _FRESH

    def latest_files(
        self, known: Mapping[str, tuple[int, ...]], cancelled: Cancelled = never_cancelled, *, fetch: bool = True
    ) -> Iterator[EventFile | Step]:
        """Objects of the last day, for a watch; those that are not known only named when not to be fetched."""
        from .bucket import Bucket

        now = utc_now()
        wanted = self._wanted()._replace(since=now - _WATCHED, until=now, chosen=True)
        yield from Bucket(self._caller, self.place, wanted, broken=self._broken).files(known, cancelled, fetch=fetch)

    def _wanted(self) -> Wanted:
        from .listing import Wanted

        options = self.options
        until = options.trail_until or utc_now()
        since = options.trail_since or until - timedelta(days=options.trail_days)
        chosen = options.trail_since is not None or options.trail_until is not None
        return Wanted(since, until, options.trail_accounts, options.regions, chosen)


class KeptTrail(TrailSource):
    """What was read of a trail's bucket before, where the network is forbidden: nothing is asked of AWS."""

    kept_only = True

    @property
    def place(self) -> Place:
        """Where the events came from. Raises UsageError for a trail's name: only AWS knows where it delivers to."""
        if not self.options.trail.startswith("s3://"):
            raise UsageError(
                f"Where {self.options.trail} delivers to cannot be asked with --offline", "name its bucket: --trail s3://BUCKET/PREFIX"
            )
        return super().place

    @property
    def reach(self) -> str:
        return f"{self.options.trail}, as it was read before (--offline)"

    def event_files(self, known: Mapping[str, tuple[int, ...]], cancelled: Cancelled = never_cancelled) -> Iterator[EventFile | Step]:
        """Nothing new."""
        return iter(())
