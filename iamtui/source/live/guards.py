"""What watches over the account, Region by Region, all Regions side by side: trails, filters, alarms, topics, rules, recorders, analyzers.

A refusal of one call is a gap, and the rest goes on. A Region that is not enabled is one gap and is asked no further.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ...errors import CredentialsError
from ...model.document import Gap, Kind
from ...model.fact import State
from ..base import Cancelled, Item, Step
from ..decode.guards import NOT_ENABLED
from .calls import Caller
from .connection import GLOBAL_REGION, THROTTLED, code_of
from .inventory import side_by_side
from .limits import guard_calls

MOST_PAGES = 200
"""Pages of one list in one Region: 20,000 alarms, 10,000 metric filters."""
MOST_RULES = 300
"""Rules of one Region whose targets are asked for."""
MOST_BUSES = 20
_NOT_ENABLED = ("UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure", "OptInRequired", "SubscriptionRequiredException")
_TRIES = 4


class _Off(Exception):
    """The Region is not enabled for the account."""


def read_guards(caller: Caller, regions: tuple[str, ...], cancelled: Cancelled) -> Iterator[Item]:
    """Documents and gaps of kind GUARDS of all Regions; a Step whenever one is done. IAM's own Region begins."""
    ordered = sorted(dict.fromkeys(regions), key=lambda region: region != GLOBAL_REGION)
    seen: set[str] = set()  # trails of several Regions show themselves in each; they are asked about once
    jobs = [(lambda stop, out, region=region: _Region(caller, region, stop, out, seen).read()) for region in ordered]
    done = 0
    yield Step("Regions", 0, len(ordered))
    for item in side_by_side(jobs, cancelled):  # type: ignore[arg-type]
        if isinstance(item, Step):
            done += 1
            yield Step("Regions", done, len(ordered))
        else:
            yield item


def read_alarm_history(caller: Caller, name: str, region: str) -> Iterator[Item]:
    """Changes of one alarm's state, newest first: two weeks, as AWS keeps them (30 days at most)."""
    out: queue.SimpleQueue[Any] = queue.SimpleQueue()
    place = _Region(caller, region, lambda: False, out, set())
    asked: dict[str, Any] = {"AlarmName": name, "MaxRecords": 100, "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
    place.pages("cloudwatch", "DescribeAlarmHistory", "AlarmHistoryItems", "NextToken", "NextToken", about=name, most=5, **asked)
    while not out.empty():
        yield out.get()


class _Region:
    """All questions of one Region, one after the other."""

    def __init__(self, caller: Caller, region: str, cancelled: Cancelled, out: queue.SimpleQueue[Any], seen: set[str]) -> None:
        self.caller, self.region, self.cancelled, self.out, self.seen = caller, region, cancelled, out, seen

    def read(self) -> None:
        try:
            self._read()
        except _Off as off:
            reason = f"{self.region} is not enabled for this account, or does not accept these credentials ({off})"
            hint = "nothing happens in a Region that is not enabled"
            account = self.caller.account
            self.out.put(Gap(Kind.GUARDS, State.NOT_APPLICABLE, reason, "", account, NOT_ENABLED, self.region, hint))
        self.out.put(Step(self.region))

    def _read(self) -> None:
        trails = self.once("cloudtrail", "DescribeTrails", includeShadowTrails=True)
        groups = [self._trail(trail) for trail in _entries(trails, "trailList")]
        filters = self.pages("logs", "DescribeMetricFilters", "metricFilters", "nextToken", "nextToken")
        metrics = {
            (one.get("metricNamespace"), one.get("metricName")) for entry in filters for one in _entries(entry, "metricTransformations")
        }
        for name in dict.fromkeys(group for group in groups if group):
            self.pages("logs", "DescribeLogGroups", "logGroups", "nextToken", "nextToken", about=name, logGroupNamePrefix=name)
        alarms = self.pages(
            "cloudwatch",
            "DescribeAlarms",
            ("MetricAlarms", "CompositeAlarms"),
            "NextToken",
            "NextToken",
            MaxRecords=100,
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
        )
        topics = _topics_of(alarms, metrics)
        topics += self._rules()
        for topic in dict.fromkeys(topics):
            self._topic(topic)
        self.once("config", "DescribeConfigurationRecorders")
        self.once("config", "DescribeConfigurationRecorderStatus")
        self.pages("accessanalyzer", "ListAnalyzers", "analyzers", "nextToken", "nextToken")

    def _trail(self, trail: dict[str, Any]) -> str:
        """Status and selectors, in the trail's home Region or, when that is not asked, here; its log group's name when that
        is in this Region and account."""
        arn, home = str(trail.get("TrailARN") or ""), str(trail.get("HomeRegion") or self.region)
        if arn and arn not in self.seen:
            self.seen.add(arn)
            about = {"TrailARN": arn}
            self.once("cloudtrail", "GetTrailStatus", about=arn, beside=about, region=home, Name=arn)
            self.once("cloudtrail", "GetEventSelectors", about=arn, beside=about, region=home, TrailName=arn)
        parts = str(trail.get("CloudWatchLogsLogGroupArn") or "").split(":")
        if len(parts) > 6 and parts[3] == self.region and parts[4] == self.caller.account:
            return parts[6]
        return ""

    def _rules(self) -> list[str]:
        """Rules of every bus with their targets; the topics among these."""
        buses = self.pages("events", "ListEventBuses", "EventBuses", "NextToken", "NextToken")
        names = [str(bus.get("Name") or "") for bus in buses if bus.get("Name")] or ["default"]
        if len(names) > MOST_BUSES:
            self._left_out("events", "ListRules", f"{len(names) - MOST_BUSES} of {len(names)} event buses were not asked about")
        topics: list[str] = []
        asked = 0
        for bus in sorted(names, key=lambda name: name != "default")[:MOST_BUSES]:
            rules = self.pages("events", "ListRules", "Rules", "NextToken", "NextToken", about=bus, EventBusName=bus)
            for rule in rules:
                if not rule.get("EventPattern") or self.cancelled():
                    continue
                asked += 1
                if asked > MOST_RULES:
                    self._left_out("events", "ListTargetsByRule", f"targets were asked for of {MOST_RULES} rules, there are more")
                    return topics
                name, arn = str(rule.get("Name") or ""), str(rule.get("Arn") or "")
                targets = self.pages(
                    "events",
                    "ListTargetsByRule",
                    "Targets",
                    "NextToken",
                    "NextToken",
                    about=arn,
                    beside={"Rule": name, "EventBusName": bus, "RuleArn": arn},
                    Rule=name,
                    EventBusName=bus,
                )
                topics += [str(target["Arn"]) for target in targets if ":sns:" in str(target.get("Arn"))]
        return topics

    def _topic(self, arn: str) -> None:
        parts = arn.split(":")
        region = parts[3] if len(parts) > 5 else self.region
        self.pages(
            "sns",
            "ListSubscriptionsByTopic",
            "Subscriptions",
            "NextToken",
            "NextToken",
            about=arn,
            beside={"TopicArn": arn},
            region=region,
            TopicArn=arn,
        )

    def _left_out(self, service: str, operation: str, reason: str) -> None:
        action = f"{service}:{operation}"
        self.out.put(Gap(Kind.GUARDS, State.NOT_LOADED, f"{self.region}: {reason}", action, self.caller.account, region=self.region))

    # -- calls -------------------------------------------------------------------------------------------------------------

    def once(
        self, service: str, operation: str, *, about: str = "", beside: dict[str, str] | None = None, region: str = "", **asked: Any
    ) -> dict[str, Any]:
        """One call; {} when it was refused."""
        answers = list(self._answers(service, operation, "", "", about, beside or {}, region, 1, asked))
        return answers[0] if answers else {}

    def pages(
        self,
        service: str,
        operation: str,
        lists: str | tuple[str, ...],
        token_in: str,
        token_out: str,
        *,
        about: str = "",
        beside: dict[str, str] | None = None,
        region: str = "",
        most: int = MOST_PAGES,
        **asked: Any,
    ) -> list[dict[str, Any]]:
        """All pages; the entries of `lists` joined."""
        names = (lists,) if isinstance(lists, str) else lists
        found: list[dict[str, Any]] = []
        for answer in self._answers(service, operation, token_in, token_out, about, beside or {}, region, most, asked):
            for name in names:
                found.extend(_entries(answer, name))
        return found

    def _answers(
        self,
        service: str,
        operation: str,
        token_in: str,
        token_out: str,
        about: str,
        beside: dict[str, str],
        region: str,
        most: int,
        asked: dict[str, Any],
    ) -> Iterator[dict[str, Any]]:
        place = region or self.region
        action = f"{'access-analyzer' if service == 'accessanalyzer' else service}:{operation}"
        key = f"{action} {about}".strip()
        method = _method(self.caller.connection.client(service, place), operation)
        for part in range(most):
            if self.cancelled():
                return
            try:
                answer = self._patiently(partial(method, **asked))
            except Exception as error:
                if code_of(error) in _NOT_ENABLED and place != GLOBAL_REGION:
                    raise _Off(code_of(error)) from error
                self.out.put(self._refusal(action, error, key, place))
                return
            body = {name: value for name, value in answer.items() if name not in ("ResponseMetadata", token_out)}
            self.out.put(self.caller.document(Kind.GUARDS, action, {**body, **beside}, key=key, region=place, part=part))
            yield answer
            token = answer.get(token_out) if token_out else None
            if not token:
                return
            asked = {**asked, token_in: token}
        self._left_out(service, operation, f"stopped after {most} pages, there are more")

    def _refusal(self, action: str, error: Exception, key: str, place: str) -> Gap:
        """A gap, also of errors that would end all reading elsewhere: one Region's endpoint may be out of reach alone."""
        try:
            return self.caller.gap(Kind.GUARDS, action, error, key=key, region=place)
        except CredentialsError:
            raise
        except Exception as final:
            account = self.caller.account
            return Gap(Kind.GUARDS, State.FAILED, str(final), action, account, key, place, "r tries again", None)

    def _patiently(self, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """A call within the budget, tried again when AWS throttles."""
        wait = 0.5
        for attempt in range(_TRIES):
            try:
                with guard_calls:
                    return call()
            except Exception as error:
                if code_of(error) not in THROTTLED or attempt == _TRIES - 1 or self.cancelled():
                    raise
                time.sleep(wait)
                wait *= 2
        raise AssertionError("not reached")


def _method(client: Any, operation: str) -> Callable[..., dict[str, Any]]:
    from botocore import xform_name

    method: Callable[..., dict[str, Any]] = getattr(client, xform_name(operation))
    return method


def _entries(answer: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [entry for entry in answer.get(name) or () if isinstance(entry, dict)]


def _topics_of(alarms: list[dict[str, Any]], metrics: set[tuple[Any, Any]]) -> list[str]:
    """Topics of alarms that stand over metrics of filters, and of composite ones, which may stand over those."""
    found = []
    for alarm in alarms:
        used = {(alarm.get("Namespace"), alarm.get("MetricName"))}
        for one in _entries(alarm, "Metrics"):
            metric = (one.get("MetricStat") or {}).get("Metric") or {}
            used.add((metric.get("Namespace"), metric.get("MetricName")))
        if "AlarmRule" in alarm or used & metrics:
            found += [str(action) for action in alarm.get("AlarmActions") or () if ":sns:" in str(action)]
    return found
