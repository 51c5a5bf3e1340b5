"""`LookupEvents`: whose events, by which attribute, over which Regions, within its budget.

Everything of an account is read newest first, after a first few pages by the event sources that matter most here: sign-in and IAM,
which are a few per cent of a busy account's events, so that they are all there minutes after it began, where everything takes hours (a
hundred events a second: a million take 2 h 47 min). What is asked for by its source is read once more with the rest, so a source is
worth it only while it is a small part: STS is asked for first where it is at most a quarter of the newest events.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from ...model.coverage import Covered, Span, second
from ...model.document import Document
from ...model.event import Window, WindowState
from ..base import Cancelled, EventQuery, Item
from ..decode import decode_events
from ..lookup import Attribute, first_attributes, is_role
from .calls import Caller, utc_now
from .connection import GLOBAL_REGION
from .inventory import side_by_side
from .question import Outcome, Question

MOST_KEYS = 40
"""Session keys followed per Region; the newest sessions first."""

FIRST_SOURCES = ("signin.amazonaws.com", "iam.amazonaws.com", "sts.amazonaws.com")
"""Event sources of us-east-1 that are read before the rest."""

ALWAYS_FIRST = ("signin.amazonaws.com", "iam.amazonaws.com")

PROBE = 4
"""Pages of everything that are read before any source by itself: what has just happened, and how much of it is what."""

SMALL_PART = 0.25

LONG_ENOUGH = 24 * 3600
"""Seconds that must be missing before the order matters: less is read soon, whatever comes first."""

_STOPPED = "stopped after {:,} requests; there are older events, and reading again goes on from there"


def read_events(
    caller: Caller, query: EventQuery, regions: tuple[str, ...], days: int, cancelled: Cancelled
) -> Iterator[Item | Window | Covered]:
    """Events of one question, all Regions side by side; IAM's own Region begins."""
    ordered = sorted(dict.fromkeys(regions), key=lambda region: region != GLOBAL_REGION)
    now = utc_now()
    until = min(query.until or now, now)
    since = max(query.since or until - timedelta(days=days), now - timedelta(days=90))
    jobs = [(lambda stop, out, region=region: _Region(caller, region, query, since, until, stop, out).read()) for region in ordered]
    for item in side_by_side(jobs, cancelled):  # type: ignore[arg-type]
        if isinstance(item, tuple):
            yield from item  # a document, and what it covers
        else:
            yield item


class _Region:
    """The question in one Region."""

    def __init__(
        self,
        caller: Caller,
        region: str,
        query: EventQuery,
        since: datetime,
        until: datetime,
        cancelled: Cancelled,
        out: queue.SimpleQueue[Any],
    ) -> None:
        self.caller, self.region, self.query, self.since, self.until = caller, region, query, since, until
        self.cancelled, self.out = cancelled, out
        self.keys: dict[str, datetime | None] = {}

    def read(self) -> None:
        if self.query.whole:
            self._everything()
        else:
            self._one()

    def _question(self, attribute: Attribute | None, last: int | None = None) -> Question:
        """`last`: second up to which it is asked."""
        since, until = attribute.within(self.since, self.until) if attribute else (self.since, self.until)
        time: Span = second(since), second(until) if last is None else last
        words = attribute.words if attribute else ""
        missing = self.query.covered.spans(self.caller.account, self.region, words).missing(*time)
        seen = self._remember_keys if attribute and is_role(self.query) else None
        return Question(self.caller, self.region, attribute, time, missing, self.out, patient=self.query.whole, seen=seen)

    # -- the whole account -----------------------------------------------------------------------------------------------

    def _everything(self) -> None:
        everything = self._question(None)
        most = self.query.most
        used = 0
        if self.region == GLOBAL_REGION and everything.missing >= LONG_ENOUGH:
            if everything.run(self.cancelled, _least(PROBE, most)) is not Outcome.ENOUGH:
                return
            everything.window(WindowState.PARTIAL, "sign-in and IAM first")
            for source in self._first_sources(everything):
                one = self._question(Attribute("EventSource", source), everything.next)
                outcome = one.run(self.cancelled, most // 4 if most is not None else None)
                used += one.requests
                if outcome is Outcome.ENDED:
                    everything.window(one.state, one.reason)
                    return
                if outcome is Outcome.ENOUGH:
                    one.window(WindowState.PARTIAL, _STOPPED.format(one.requests))
        left = None if most is None else max(most - used - everything.requests, 0)
        if everything.run(self.cancelled, left) is Outcome.ENOUGH:
            everything.window(WindowState.PARTIAL, _STOPPED.format(everything.requests + used))

    def _first_sources(self, everything: Question) -> list[str]:
        """Sources that are worth a reading of their own: see above."""
        count = everything.sources
        few = SMALL_PART * max(count.total(), 1)
        return [source for source in FIRST_SOURCES if source in ALWAYS_FIRST or count[source] <= few]

    # -- one identity, or one attribute ------------------------------------------------------------------------------------

    def _one(self) -> None:
        waiting = first_attributes(self.query)
        asked: set[str] = set()
        while waiting and not self.cancelled():
            attribute = waiting.pop(0)
            if attribute.words in asked:
                continue
            asked.add(attribute.words)
            question = self._question(attribute)
            if question.since > question.until:
                continue  # a session that had ended by then
            outcome = question.run(self.cancelled, self.query.most)
            if outcome is Outcome.ENDED:
                return
            if outcome is Outcome.ENOUGH:
                question.window(WindowState.PARTIAL, _STOPPED.format(question.requests))
            waiting.extend(self._more(asked, waiting))

    def _more(self, asked: set[str], waiting: list[Attribute]) -> list[Attribute]:
        """Session keys that came to light."""
        known = asked | {attribute.words for attribute in waiting}
        new = [attribute for key, made in self.keys.items() if (attribute := Attribute("AccessKeyId", key, made)).words not in known]
        room = MOST_KEYS - sum(1 for words in known if words.startswith("AccessKeyId="))
        return new[: max(room, 0)]

    def _remember_keys(self, document: Document) -> None:
        """Session keys that belong to the role that is asked for: handed out by events that name it, or used by it."""
        for event in decode_events(document).events:
            if event.session_key_id and self.query.actor_arn in event.targets:
                self.keys[event.session_key_id] = event.time
            elif event.actor.arn == self.query.actor_arn and event.actor.access_key_id.startswith("ASIA"):
                self.keys.setdefault(event.actor.access_key_id, None)


def _least(one: int, other: int | None) -> int:
    return one if other is None else min(one, other)
