"""From an alarm back to the events that raise it: its filters' patterns over real events."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ...model.event import Event
from ...model.guards import Alarm, Guards, MetricFilter
from .composite import alarm_rule
from .filterpattern import LogEvent, filter_pattern
from .told import Told, unknown


def filters_of(alarm: Alarm, guards: Guards) -> list[MetricFilter]:
    """The filters that write the metrics an alarm stands over; of a composite one, those of the alarms it names."""
    if alarm.composite:
        names = alarm_rule(alarm.rule)[1]
        below = [one for one in guards.alarms.values() if not one.composite and names & {one.name, one.arn} and one.region == alarm.region]
        return list(dict.fromkeys(found for one in below for found in filters_of(one, guards)))
    wanted = {(alarm.namespace, alarm.metric), *alarm.inputs}
    return [
        one
        for one in guards.filters.values()
        if one.region in ("", alarm.region) and any((metric.namespace, metric.name) in wanted for metric in one.metrics)
    ]


def event_tests(alarm: Alarm, guards: Guards) -> list[Callable[[Event], Told]]:
    """A test an alarm's filter: whether it finds a real event."""
    return [_test(one) for one in filters_of(alarm, guards)]


def _test(one: MetricFilter) -> Callable[[Event], Told]:
    pattern = filter_pattern(one.pattern)

    def test(event: Event) -> Told:
        try:
            return pattern.matches(LogEvent(msgspec.json.decode(event.record), event.record))
        except (msgspec.MsgspecError, RecursionError, ValueError):
            return unknown("the record cannot be read")

    return test
