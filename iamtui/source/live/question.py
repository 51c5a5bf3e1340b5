"""One `LookupEvents` question in one Region: its gaps, newest first, page by page, within the budget.

What a page covers. Pages come newest first, and a page may end in the middle of a second: there may be more of that second on the
next one. So a page covers down to just after its oldest event, and only the last page of a gap all of it. What is told of the newest
quarter of an hour is not covered at all: CloudTrail delivers most events within five minutes and nearly all within fifteen, so they
are shown, and asked for again next time.
"""

from __future__ import annotations

import queue
import random
import time
from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from ...model.coverage import Covered, Span, moment, second
from ...model.document import Document, Gap, Kind
from ...model.event import Window, WindowState
from ...model.fact import State
from ..base import Cancelled
from ..lookup import Attribute
from .calls import Caller, utc_now
from .connection import GLOBAL_REGION, THROTTLED, code_of
from .limits import lookup_bucket

ACTION = "cloudtrail:LookupEvents"
PAGE = 50
LATE = 15 * 60
"""Seconds in which events may still arrive."""
LONGEST_WAIT = 30.0
MOST_WAITS = 12
"""Times in a row that AWS may throttle before a question is given up: some three minutes."""


class Outcome(Enum):
    COVERED = auto()
    ENOUGH = auto()  # as many requests as were allowed; there is more
    ENDED = auto()  # cancelled, refused or failed: this Region cannot be asked any further


class Pace:
    """How fast a question goes, from what really happened.

    seconds: of the trail that were missing when it began
    """

    def __init__(self, seconds: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._total, self._done, self._clock = seconds, 0, clock
        self._began = self._ended = clock()
        self._asked: deque[float] = deque(maxlen=41)

    def go_on(self) -> None:
        """After a rest: what others did meanwhile is not our pace."""
        self._began += self._clock() - self._ended
        self._asked.clear()

    def rest(self) -> None:
        self._ended = self._clock()

    def page(self, seconds: int) -> None:
        """An answer came, and so many seconds of the trail are done with."""
        self._asked.append(self._clock())
        self._done += seconds

    @property
    def rate(self) -> float:
        """Requests a second over the last forty; 0 when there were too few."""
        if len(self._asked) < 3:
            return 0.0
        took = self._asked[-1] - self._asked[0]
        return (len(self._asked) - 1) / took if took > 0 else 0.0

    @property
    def left(self) -> float | None:
        """Seconds until the rest is done, if the trail goes on as dense as it was; None when that cannot be told yet."""
        if len(self._asked) < 3 or self._done <= 0:
            return None
        took = self._asked[-1] - self._began
        return took * max(self._total - self._done, 0) / self._done


class _Chain:
    """One request with its tokens: the rest of a gap.

    top:     latest second that is not done with
    ordered: whether all came newest first so far; if not, only the end tells what was covered
    tail:    events of the oldest second, which the next page may go on with
    """

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high
        self.top = high
        self.token = ""
        self.ordered = True
        self.last: int | None = None
        self.tail: list[dict[str, Any]] = []
        self.settled: int | None = None

    def take(self, answer: dict[str, Any], asked_at: int) -> tuple[list[dict[str, Any]], Span | None]:
        """A page in: the events that what it covers speaks of, and what that is."""
        found = answer.get("Events") or []
        if self.settled is None:
            self.settled = asked_at - LATE
        for event in found:
            when = event.get("EventTime")
            at = second(when) if isinstance(when, datetime) else None
            if at is None or (self.last is not None and at > self.last):
                self.ordered = False
            self.last = at if at is not None else self.last
        told = [*self.tail, *found]
        self.token = answer.get("NextToken") or ""
        if not self.token:
            done: Span = (self.low, self.top)
            self.top, self.tail = self.low - 1, []
        elif self.ordered and self.last is not None:
            done = (max(self.last + 1, self.low), self.top)
            self.top = min(self.top, max(self.last, self.low))
            self.tail = [event for event in told if second(event["EventTime"]) == self.last]
        else:
            self.tail = told if self.ordered else []
            return told, None
        done = (done[0], min(done[1], self.settled))
        return told, done if done[0] <= done[1] else None


class Question:
    """One attribute (or everything) in one Region, over a time. Puts (document, covered) pairs, Windows and Gaps into `out`.

    missing: what of the time was not read before, ascending
    patient: waits behind questions that somebody looks at
    """

    def __init__(
        self,
        caller: Caller,
        region: str,
        attribute: Attribute | None,
        time: Span,
        missing: tuple[Span, ...],
        out: queue.SimpleQueue[Any],
        *,
        patient: bool = False,
        seen: Callable[[Document], None] | None = None,
    ) -> None:
        self.caller, self.region, self.attribute, self.out = caller, region, attribute, out
        self.since, self.until = time
        self.words = attribute.words if attribute else ""
        self.requests = self.events = 0
        self.state, self.reason = WindowState.RUNNING, ""
        self.sources: Counter[str] = Counter()
        self._gaps = [*reversed(missing)]
        self._chain: _Chain | None = None
        self._patient, self._seen = patient, seen
        self._pace = Pace(self.missing)

    @property
    def missing(self) -> int:
        """Seconds that are still to be read."""
        return sum(high - low + 1 for low, high in self._gaps)

    @property
    def next(self) -> int:
        """The latest second that is still to be read; before the beginning when all is."""
        return self._gaps[0][1] if self._gaps else self.since - 1

    def window(self, state: WindowState, reason: str = "") -> None:
        """Tell how far it is."""
        self.state, self.reason = state, reason
        reached = self.since if state is WindowState.COVERED else min(self.next + 1, self.until)
        moving = state in (WindowState.RUNNING, WindowState.THROTTLED)
        self.out.put(
            Window(
                self.region,
                state,
                moment(reached),
                moment(self.until),
                reason,
                self.requests,
                self.events,
                self.words,
                self._pace.rate if moving else 0.0,
                self._pace.left if moving else None,
            )
        )

    def run(self, cancelled: Cancelled, most: int | None = None) -> Outcome:
        """Ask on, with at most so many requests. A last Window has been put out when it is COVERED or ENDED."""
        self._pace.go_on()
        try:
            return self._run(cancelled, most)
        finally:
            self._pace.rest()

    def _run(self, cancelled: Cancelled, most: int | None) -> Outcome:
        end = None if most is None else self.requests + most
        while self._gaps:
            if end is not None and self.requests >= end:
                return Outcome.ENOUGH
            self.window(WindowState.RUNNING)
            asked_at = utc_now()
            answer = self._ask(cancelled)
            if answer is None:
                return Outcome.ENDED
            self._take(answer, _earlier(asked_at, answer))
        self.window(WindowState.COVERED)
        return Outcome.COVERED

    def _take(self, answer: dict[str, Any], asked_at: datetime) -> None:
        chain = self._chain
        assert chain is not None
        low, before = self._gaps[0]
        told, done = chain.take(answer, second(asked_at))
        if chain.token:
            self._gaps[0] = (low, chain.top)
        else:
            del self._gaps[0]
            self._chain = None
        self.requests += 1
        self._pace.page(before - chain.top)
        found = answer.get("Events") or []
        self.events += len(found)
        self.sources.update(event.get("EventSource") or "" for event in found)
        covered = Covered(self.caller.account, self.region, self.words, *done) if done is not None else None
        if told:
            document = self.caller.document(
                Kind.EVENTS, ACTION, {"Events": told}, key=self.words, region=self.region, part=self.requests - 1
            )
            if self._seen is not None:
                self._seen(document)
            self.out.put((document, covered) if covered else (document,))
        elif covered:
            self.out.put((covered,))

    # -- one request ---------------------------------------------------------------------------------------------------

    def _ask(self, cancelled: Cancelled) -> dict[str, Any] | None:
        """The next page; None when there is none to be had, which has been told."""
        bucket = lookup_bucket(self.caller.account, self.region)
        waits = 0
        while True:
            if self._chain is None:
                self._chain = _Chain(*self._gaps[0])
            if not bucket.take(cancelled, patient=self._patient):
                self.window(WindowState.PARTIAL, "stopped")
                return None
            try:
                client = self.caller.connection.client("cloudtrail", self.region)
                answer: dict[str, Any] = client.lookup_events(**self._request(self._chain))
                return answer
            except Exception as error:
                code = code_of(error)
                if code in THROTTLED and waits < MOST_WAITS:
                    pause = _pause(waits)
                    self.window(WindowState.THROTTLED, f"AWS throttles; waiting {pause:.0f} s")
                    bucket.penalise(pause)
                    waits += 1
                    continue
                if code == "InvalidNextTokenException" and self._chain.top < self._chain.high:
                    self._chain = None  # the token has expired: what is left of the gap is asked for anew
                    continue
                gap = self._refusal(error)
                self.out.put(gap)
                self.window(WindowState.DENIED if gap.state is State.DENIED else WindowState.FAILED, gap.reason)
                return None

    def _request(self, chain: _Chain) -> dict[str, Any]:
        # All of the last second: CloudTrail's own times have no fractions, those of its likenesses do.
        end = moment(chain.high) + timedelta(milliseconds=999)
        request: dict[str, Any] = {"StartTime": moment(chain.low), "EndTime": end, "MaxResults": PAGE}
        if self.attribute is not None:
            request["LookupAttributes"] = [{"AttributeKey": self.attribute.key, "AttributeValue": self.attribute.value}]
        if chain.token:
            request["NextToken"] = chain.token
        return request

    def _refusal(self, error: Exception) -> Gap:
        """A Region that refuses is a gap; only missing credentials end everything, and those only in the first Region."""
        code = code_of(error)
        if self.region != GLOBAL_REGION and code in ("UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure"):
            reason = f"{self.region} is not enabled for this account, or does not accept these credentials ({code})"
            return Gap(Kind.EVENTS, State.FAILED, reason, ACTION, self.caller.account, region=self.region, hint="leave it out of --region")
        return self.caller.gap(Kind.EVENTS, ACTION, error, region=self.region)


def _pause(waits: int) -> float:
    """How long to leave AWS alone: doubling, and never quite the same as another who was told to wait in the same moment."""
    return min(2.0**waits, LONGEST_WAIT) * random.uniform(0.5, 1.0)


def _earlier(asked_at: datetime, answer: dict[str, Any]) -> datetime:
    """When a page was asked for, by AWS's clock where ours is ahead: what has not happened yet is not covered."""
    from email.utils import parsedate_to_datetime

    headers = (answer.get("ResponseMetadata") or {}).get("HTTPHeaders") or {}
    try:
        theirs = parsedate_to_datetime(headers["date"])
        return min(asked_at, theirs)
    except (KeyError, TypeError, ValueError):
        return asked_at
