"""Budgets of the whole process: LookupEvents per account and Region, and calls in flight."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..base import Cancelled

LOOKUPS_PER_SECOND = 2.0
"""CloudTrail's limit for LookupEvents, per account and Region."""


class Bucket:
    """A token bucket. `take` waits for a token; it never gives more than the rate, whoever asks.

    Who is patient (a long reading in the background) waits behind those who are not (somebody looks at one identity).
    """

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._rate, self._burst, self._clock, self._sleep = rate, burst, clock, sleep
        self._tokens, self._at = burst, clock()
        self._urgent = 0
        self._lock = threading.Lock()

    def take(self, cancelled: Cancelled, *, patient: bool = False) -> bool:
        """Wait for a token; False when cancelled meanwhile, which is noticed within 0.05 s."""
        with self._lock:
            self._urgent += not patient
        try:
            while not cancelled():
                wait = self._try(patient)
                if wait <= 0:
                    return True
                self._sleep(max(min(wait, 0.05), 0.001))
            return False
        finally:
            with self._lock:
                self._urgent -= not patient

    def _try(self, patient: bool) -> float:
        with self._lock:
            if patient and self._urgent:
                return 0.05
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
            self._at = now
            if self._tokens >= 1 - 1e-9:
                self._tokens -= 1
                return 0.0
            return (1 - self._tokens) / self._rate

    def penalise(self, seconds: float) -> None:
        """AWS throttled us all the same: somebody else spends of this budget. Begin again from `-seconds` of tokens."""
        with self._lock:
            self._tokens = min(self._tokens, 0.0) - seconds * self._rate


_buckets: dict[tuple[str, str], Bucket] = {}
_lock = threading.Lock()


def iam_calls() -> threading.BoundedSemaphore:
    """Calls to IAM in flight, of one way into an account. IAM has unpublished buckets per account and API: the five lists of an
    inventory and one more call, not hundreds."""
    return threading.BoundedSemaphore(6)


class JobLimit:
    """How many jobs may be in flight at once: `most` at best, half as many whenever AWS throttles, one more after every `calm` jobs
    that went well. After a throttle nobody starts for some seconds, twice as long each time until something goes well."""

    def __init__(
        self, most: int, calm: int = 6, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.most, self.allowed, self.running = most, most, 0
        self.highest = 0
        self._calm, self._good, self._pause, self._until = calm, 0, 0.5, 0.0
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()

    def acquire(self, cancelled: Cancelled) -> bool:
        """Wait for a place; False when cancelled meanwhile."""
        while not cancelled():
            with self._lock:
                if self.running < self.allowed and self._clock() >= self._until:
                    self.running += 1
                    self.highest = max(self.highest, self.running)
                    return True
            self._sleep(0.02)
        return False

    def release(self, *, well: bool = False) -> None:
        with self._lock:
            self.running -= 1
            if not well:
                return
            self._good, self._pause = self._good + 1, 0.5
            if self._good >= self._calm and self.allowed < self.most:
                self.allowed, self._good = self.allowed + 1, 0

    def throttled(self) -> float:
        """AWS said it is too much; answers how long (seconds) to wait. Several that hear it at once count once."""
        with self._lock:
            now = self._clock()
            if now >= self._until:
                self.allowed, self._good = max(1, self.allowed // 2), 0
                self._until, self._pause = now + self._pause, min(self._pause * 2, 30.0)
            return max(self._until - now, 0.05)


last_accessed_jobs = JobLimit(4)
"""More than about five jobs in flight get throttled."""
guard_calls = threading.BoundedSemaphore(12)
"""Calls about trails, filters, alarms, topics and rules: all Regions side by side, a dozen calls in flight."""


def lookup_bucket(account: str, region: str) -> Bucket:
    """The one budget for LookupEvents of an account and Region, shared by everything in this process."""
    with _lock:
        return _buckets.setdefault((account, region), Bucket(LOOKUPS_PER_SECOND, 1.0))
