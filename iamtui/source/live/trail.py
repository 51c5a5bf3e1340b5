"""`LookupEvents`: whose events, by which attribute, over which Regions, within its budget.

A role's calls are not found by its name: `Username` of a session is the session's name. They are found by the AssumeRole
events that name the role (`ResourceName`), by the keys those handed out (`AccessKeyId`), and by session issuer among all that
was read.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from ...model.document import Gap, Kind
from ...model.event import Window, WindowState
from ...model.fact import State
from ..base import Cancelled, EventQuery, Item
from ..decode import decode_events
from .calls import Caller, utc_now
from .connection import GLOBAL_REGION, THROTTLED, code_of
from .inventory import side_by_side
from .limits import lookup_bucket

ACTION = "cloudtrail:LookupEvents"
PAGE = 50
MOST_PAGES = 60
"""Pages per attribute and Region of one question: 3,000 events, half a minute of budget."""
MOST_KEYS = 40
"""Session keys followed per Region; the newest sessions first."""


class Attribute(NamedTuple):
    key: str
    value: str

    @property
    def words(self) -> str:
        return f"{self.key}={self.value}"


def read_events(caller: Caller, query: EventQuery, regions: tuple[str, ...], days: int, cancelled: Cancelled) -> Iterator[Item | Window]:
    """Events of one question, all Regions side by side; IAM's own Region begins."""
    ordered = sorted(dict.fromkeys(regions), key=lambda region: region != GLOBAL_REGION)
    until = query.until or utc_now()
    since = max(query.since or until - timedelta(days=days), utc_now() - timedelta(days=90))
    jobs = [(lambda stop, out, region=region: _Region(caller, region, since, until, stop, out).read(query)) for region in ordered]
    yield from side_by_side(jobs, cancelled)  # type: ignore[arg-type]


class _Region:
    """The question in one Region."""

    def __init__(
        self, caller: Caller, region: str, since: datetime, until: datetime, cancelled: Cancelled, out: queue.SimpleQueue[Any]
    ) -> None:
        self.caller, self.region, self.since, self.until = caller, region, since, until
        self.cancelled, self.out = cancelled, out
        self.keys: dict[str, None] = {}
        self.part = 0

    def read(self, query: EventQuery) -> None:
        first = _first_attributes(query)
        asked: set[Attribute | None] = set()
        waiting: list[Attribute | None] = list(first)
        follow = ":role/" in query.actor_arn
        while waiting and not self.cancelled():
            attribute = waiting.pop(0)
            if attribute in asked:
                continue
            asked.add(attribute)
            if not self._lookup(attribute, query):
                return
            if follow:
                known = {a.value for a in asked if a is not None and a.key == "AccessKeyId"}
                new = [Attribute("AccessKeyId", key) for key in self.keys if key not in known]
                room = MOST_KEYS - len(known) - sum(1 for a in waiting if a is not None and a.key == "AccessKeyId")
                waiting.extend([a for a in new if a not in waiting][: max(room, 0)])

    def _lookup(self, attribute: Attribute | None, query: EventQuery) -> bool:
        """All pages of one attribute; False when this Region cannot be asked any further."""
        client = self.caller.connection.client("cloudtrail", self.region)
        bucket = lookup_bucket(self.caller.account, self.region)
        request: dict[str, Any] = {"StartTime": self.since, "EndTime": self.until, "MaxResults": PAGE}
        if attribute is not None:
            request["LookupAttributes"] = [{"AttributeKey": attribute.key, "AttributeValue": attribute.value}]
        words = attribute.words if attribute else ""
        requests = events = 0
        reached = self.until
        backoff = 1.0

        def window(state: WindowState, reason: str = "") -> None:
            since = self.since if state is WindowState.COVERED else reached
            self.out.put(Window(self.region, state, since, self.until, reason, requests, events, words))

        window(WindowState.RUNNING)
        while True:
            if not bucket.take(self.cancelled):
                window(WindowState.PARTIAL, "stopped")
                return False
            try:
                answer = client.lookup_events(**request)
            except Exception as error:
                code = code_of(error)
                if code in THROTTLED and backoff < 60:
                    window(WindowState.THROTTLED, f"AWS throttles; waiting {backoff:.0f} s")
                    bucket.penalise(backoff)
                    _wait(backoff, self.cancelled)
                    backoff *= 2
                    continue
                gap = self._refusal(error)
                self.out.put(gap)
                window(WindowState.DENIED if gap.state is State.DENIED else WindowState.FAILED, gap.reason)
                return False
            requests += 1
            backoff = 1.0
            found = answer.get("Events") or []
            if found:
                document = self.caller.document(Kind.EVENTS, ACTION, {"Events": found}, key=words, region=self.region, part=self.part)
                self.part += 1
                self._remember_keys(document, query, attribute)
                events += len(found)
                oldest = found[-1].get("EventTime")
                reached = oldest if isinstance(oldest, datetime) else reached
                self.out.put(document)
            token = answer.get("NextToken")
            if not token:
                window(WindowState.COVERED)
                return True
            if requests >= MOST_PAGES:
                window(WindowState.PARTIAL, f"stopped after {requests} requests; there are older events")
                return True
            window(WindowState.RUNNING)
            request["NextToken"] = token

    def _remember_keys(self, document: Any, query: EventQuery, attribute: Attribute | None) -> None:
        """Session keys that belong to the role that is asked for: handed out by events that name it, or used by it."""
        if ":role/" not in query.actor_arn:
            return
        for event in decode_events(document).events:
            if event.session_key_id and query.actor_arn in (*event.targets,):
                self.keys[event.session_key_id] = None
            elif event.actor.arn == query.actor_arn and event.actor.access_key_id.startswith("ASIA"):
                self.keys[event.actor.access_key_id] = None

    def _refusal(self, error: Exception) -> Gap:
        """A Region that refuses is a gap; only missing credentials end everything, and those only in the first Region."""
        code = code_of(error)
        if self.region != GLOBAL_REGION and code in ("UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure"):
            reason = f"{self.region} is not enabled for this account, or does not accept these credentials ({code})"
            return Gap(Kind.EVENTS, State.FAILED, reason, ACTION, self.caller.account, region=self.region, hint="leave it out of --region")
        return self.caller.gap(Kind.EVENTS, ACTION, error, region=self.region)


def _first_attributes(query: EventQuery) -> list[Attribute | None]:
    if query.attribute:
        return [Attribute(query.attribute, query.value)]
    if not query.actor_arn:
        return [None]
    if ":role/" in query.actor_arn:
        return [Attribute("ResourceName", query.actor_name), Attribute("ResourceName", query.actor_arn), *_keys(query)]
    if ":user/" in query.actor_arn:
        named = Attribute("ResourceName", query.actor_name)
        return [Attribute("Username", query.actor_name), *_keys(query), named]
    if query.actor_arn.endswith(":root"):
        return [Attribute("Username", "root")]
    return [Attribute("ResourceName", query.actor_name), Attribute("ResourceName", query.actor_arn)]


def _keys(query: EventQuery) -> list[Attribute | None]:
    return [Attribute("AccessKeyId", key) for key in query.key_ids]


def _wait(seconds: float, cancelled: Cancelled) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not cancelled():
        time.sleep(0.05)
