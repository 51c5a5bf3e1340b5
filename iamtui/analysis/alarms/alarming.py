"""Whether one event raises an alarm: from a filter's metric over the threshold to the alarm's actions."""

from __future__ import annotations

from datetime import datetime, timedelta

from ...model.guards import Alarm, Guards, Metric
from .composite import alarm_rule
from .links import Link, Standing

_STUCK = timedelta(days=1)
_SIGNS = {
    "GreaterThanOrEqualToThreshold": ">=",
    "GreaterThanThreshold": ">",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "<=",
}


def alarms_on(metric: Metric, guards: Guards, region: str) -> list[Alarm]:
    """Alarms of a Region over a metric, plain ones first."""
    key = (metric.namespace, metric.name)
    near = [alarm for alarm in guards.alarms.values() if not region or not alarm.region or alarm.region == region]
    plain = [alarm for alarm in near if (alarm.namespace, alarm.metric) == key]
    return plain + [alarm for alarm in near if key in alarm.inputs]


def reaches(alarm: Alarm, metric: Metric, now: datetime) -> Link:
    """Whether one event, counted in one period, takes an alarm to ALARM."""

    def link(standing: Standing, words: str) -> Link:
        return Link("alarm", alarm.name, standing, words, alarm.region)

    if alarm.inputs:
        return link(Standing.UNKNOWN, "it stands over metric math, which is not computed here")
    if bool(alarm.dimensions) != bool(metric.dimensions):
        side = (
            "the alarm asks for dimensions the filter does not write"
            if alarm.dimensions
            else "the filter writes dimensions the alarm leaves out"
        )
        return link(Standing.BROKEN, f"it never gets data: {side}")
    told = _over(alarm, metric)
    if told is not None:
        return link(*told)
    needed = alarm.datapoints or alarm.periods or 1
    if needed > 1 and alarm.missing != "breaching":
        words = f"it wants {needed} of {alarm.periods or needed} periods of {alarm.period} s over the threshold; one event fills one"
        return link(Standing.BROKEN if alarm.missing == "notBreaching" else Standing.UNKNOWN, words)
    how = f"one event reaches {_SIGNS.get(alarm.operator, '')} {_plain(alarm.threshold)}"
    if alarm.state == "ALARM":
        since = f" since {alarm.state_since:%Y-%m-%d %H:%M}" if alarm.state_since else ""
        stuck = alarm.state_since is not None and now - alarm.state_since > _STUCK
        words = f"{how}; it is in ALARM{since}: it tells nothing new until it has left that"
        return link(Standing.UNKNOWN if stuck else Standing.OK, words)
    if alarm.state == "INSUFFICIENT_DATA":
        more = "the filter writes no value for minutes without a match" if metric.default is None else "the metric has had no data yet"
        return link(Standing.OK, f"{how}; now INSUFFICIENT_DATA: {more}")
    return link(Standing.OK, f"{how}; now {alarm.state or 'of unknown state'}")


def _over(alarm: Alarm, metric: Metric) -> tuple[Standing, str] | None:
    """What keeps the value of one event from the threshold; None when nothing does."""
    try:
        value = float(metric.value)
    except ValueError:
        return Standing.UNKNOWN, f"the filter takes the metric's value from {metric.value}"
    if alarm.threshold is None or alarm.operator not in _SIGNS:
        return Standing.UNKNOWN, f"its threshold is no fixed number ({alarm.operator or 'no comparison'})"
    statistic = alarm.statistic
    if statistic == "SampleCount":
        value = 1.0
    elif statistic in ("Average", "Minimum") and metric.default is not None and metric.default != value:
        return Standing.UNKNOWN, f"the {statistic.lower()} depends on how many other lines arrive, each counted as {_plain(metric.default)}"
    elif statistic not in ("Sum", "Average", "Minimum", "Maximum"):
        return Standing.UNKNOWN, f"the statistic {statistic or 'of it'} is not computed here"
    sign = _SIGNS[alarm.operator]
    over = {">=": value >= alarm.threshold, ">": value > alarm.threshold, "<": value < alarm.threshold, "<=": value <= alarm.threshold}[
        sign
    ]
    if over:
        return None
    return Standing.BROKEN, f"one event counts {_plain(value)}, and it wants {sign} {_plain(alarm.threshold)} in {alarm.period} s"


def _plain(number: float | None) -> str:
    return "nothing" if number is None else f"{number:g}"


def acting(alarm: Alarm, guards: Guards) -> tuple[list[Alarm], list[Link]]:
    """The alarms whose actions run when one goes to ALARM: itself, and composite ones over it. With a link for each that
    does not act."""
    found: list[Alarm] = []
    links: list[Link] = []
    for one in (alarm, *_above(alarm, guards)):
        fault = _idle(one, guards)
        if fault is None:
            found.append(one)
        elif one is alarm or one.actions:
            links.append(fault)
    return found, links


def _idle(alarm: Alarm, guards: Guards) -> Link | None:
    """Why an alarm in ALARM does nothing; None when it acts."""

    def broken(words: str) -> Link:
        return Link("action", alarm.name, Standing.BROKEN, words, alarm.region)

    if not alarm.actions:
        return broken("it has no action for ALARM: it turns red in the console, and nobody is told")
    if not alarm.actions_enabled:
        return broken("its actions are disabled")
    if alarm.suppressor:
        states = _states(guards, alarm.region)
        if states.get(alarm.suppressor) == "ALARM":
            return broken(f"its actions are suppressed by {alarm.suppressor}, which is in ALARM")
    return None


def _above(alarm: Alarm, guards: Guards) -> list[Alarm]:
    """Composite alarms that go to ALARM with this one, the others being as they are."""
    found = []
    for one in guards.alarms.values():
        if not one.composite or (one.region and alarm.region and one.region != alarm.region) or one.arn == alarm.arn:
            continue
        rule, names = alarm_rule(one.rule)
        if not names & {alarm.name, alarm.arn}:
            continue
        states = {**_states(guards, alarm.region), alarm.name: "ALARM", alarm.arn: "ALARM"}
        if rule(states).answer is not False:
            found.append(one)
    return found


def _states(guards: Guards, region: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in guards.alarms.values():
        if not region or not one.region or one.region == region:
            found[one.name] = found[one.arn] = one.state
    return found
