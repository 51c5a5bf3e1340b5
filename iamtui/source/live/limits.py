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

iam_calls = threading.BoundedSemaphore(6)
"""IAM has unpublished buckets per API: the five lists of an inventory and one more call, not hundreds."""

last_accessed_jobs = threading.BoundedSemaphore(4)


def lookup_bucket(account: str, region: str) -> Bucket:
    """The one budget for LookupEvents of an account and Region, shared by everything in this process."""
    with _lock:
        return _buckets.setdefault((account, region), Bucket(LOOKUPS_PER_SECOND, 1.0))
