"""What watches over an account: trails, log groups, metric filters, alarms, topics, rules, recorders and analyzers, as they were read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from .document import Gap
from .fact import Fact, State

NOT_READ: Fact[None] = Fact(State.NOT_LOADED)


class FieldTest(msgspec.Struct, frozen=True):
    """One condition of an advanced event selector. `operator` as AWS calls it: Equals, NotEquals, StartsWith, NotStartsWith,
    EndsWith, NotEndsWith."""

    field: str
    operator: str
    values: tuple[str, ...]


class Selector(msgspec.Struct, frozen=True):
    """Which events a trail keeps: all tests must hold. Basic selectors are told in the same form."""

    name: str
    tests: tuple[FieldTest, ...]


class TrailStatus(msgspec.Struct, frozen=True):
    """GetTrailStatus. Times in UTC; errors are AWS's words, "" for none."""

    logging: bool
    delivered: datetime | None = None
    delivery_error: str = ""
    logs_delivered: datetime | None = None
    logs_error: str = ""
    digest_delivered: datetime | None = None
    digest_error: str = ""
    stopped: datetime | None = None


class Trail(msgspec.Struct, frozen=True):
    """One trail, once, whatever number of Regions it shows itself in.

    account:  whose trail it is: the management account's, or a delegated administrator's, for an organisation trail
    log_group: ARN of the log group it delivers to, "" for none
    custom:   whether it has event selectors of its own; None when that was not told
    """

    arn: str
    name: str
    home: str
    account: str
    bucket: str = ""
    multi_region: bool = False
    global_events: bool = False
    organization: bool = False
    validation: bool = False
    kms_key: str = ""
    log_group: str = ""
    topic: str = ""
    custom: bool | None = None
    status: Fact[TrailStatus] = Fact(State.NOT_LOADED)
    selectors: Fact[tuple[Selector, ...]] = Fact(State.NOT_LOADED)


class LogGroup(msgspec.Struct, frozen=True):
    """retention: days; None for kept for ever. stored: bytes. arn: without the `:*` at its end."""

    arn: str
    name: str
    region: str
    account: str
    retention: int | None = None
    stored: int | None = None
    kms_key: str = ""
    made: datetime | None = None


class Metric(msgspec.Struct, frozen=True):
    """A metric a filter writes. value: `1`, or a selector `$.x`; default: value of minutes without a match, None for none."""

    namespace: str
    name: str
    value: str = "1"
    default: float | None = None
    dimensions: tuple[str, ...] = ()


class MetricFilter(msgspec.Struct, frozen=True):
    """criteria: a selection by system fields, which goes before the pattern; "" for none."""

    name: str
    group: str
    region: str
    account: str
    pattern: str
    metrics: tuple[Metric, ...] = ()
    criteria: str = ""


class Alarm(msgspec.Struct, frozen=True):
    """One alarm.

    composite: then `rule` is its expression over other alarms, and the fields of a metric are empty
    state:     OK, ALARM, INSUFFICIENT_DATA
    inputs:    (namespace, metric) pairs of an alarm over metric math; () for a plain one
    actions:   ARNs of what is done on ALARM
    statistic: `Sum`, `p99` …; period in seconds
    """

    arn: str
    name: str
    region: str
    account: str
    state: str
    composite: bool = False
    actions_enabled: bool = True
    actions: tuple[str, ...] = ()
    state_reason: str = ""
    state_since: datetime | None = None
    namespace: str = ""
    metric: str = ""
    inputs: tuple[tuple[str, str], ...] = ()
    dimensions: tuple[tuple[str, str], ...] = ()
    statistic: str = ""
    period: int = 0
    periods: int = 0
    datapoints: int = 0
    threshold: float | None = None
    operator: str = ""
    missing: str = ""
    rule: str = ""
    suppressor: str = ""


class AlarmChange(msgspec.Struct, frozen=True):
    """One entry of an alarm's history. kind: StateUpdate, Action, ConfigurationUpdate."""

    alarm: str
    at: datetime
    kind: str
    summary: str
    old: str = ""
    new: str = ""


class Subscription(msgspec.Struct, frozen=True):
    """state: `confirmed`, `pending` or `deleted`."""

    topic: str
    protocol: str
    endpoint: str
    state: str
    arn: str = ""


class Topic(msgspec.Struct, frozen=True):
    arn: str
    subscriptions: Fact[tuple[Subscription, ...]] = Fact(State.NOT_LOADED)


class Target(msgspec.Struct, frozen=True):
    id: str
    arn: str


class EventRule(msgspec.Struct, frozen=True):
    """state: ENABLED, DISABLED, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS."""

    arn: str
    name: str
    region: str
    account: str
    bus: str
    state: str
    pattern: str
    managed_by: str = ""
    targets: Fact[tuple[Target, ...]] = Fact(State.NOT_LOADED)


class Recorder(msgspec.Struct, frozen=True):
    """A configuration recorder of AWS Config. types: resource types it records, () with `all_types`; left_out: those it leaves out.

    recording, status: None when the status was not read
    """

    name: str
    region: str
    all_types: bool = False
    global_types: bool = False
    types: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    recording: bool | None = None
    status: str = ""
    error: str = ""


class Analyzer(msgspec.Struct, frozen=True):
    """type: ACCOUNT, ORGANIZATION, ACCOUNT_UNUSED_ACCESS, ORGANIZATION_UNUSED_ACCESS, ACCOUNT_INTERNAL_ACCESS …"""

    arn: str
    name: str
    region: str
    type: str
    status: str
    analyzed: datetime | None = None


# what was asked, by Region
TRAILS, FILTERS, GROUPS, ALARMS, RULES, RECORDERS, ANALYZERS = (
    "trails",
    "metric filters",
    "log groups",
    "alarms",
    "rules",
    "recorders",
    "analyzers",
)


class Guards(msgspec.Struct, frozen=True, eq=False):
    """Everything of one account that was read. Maps by ARN; filters by (Region, group, name).

    asked: (what, Region) -> KNOWN once an answer is there, DENIED or FAILED with its reason; nothing for never asked
    off:   Regions that are not enabled for the account
    history: changes of alarms that were asked for, by alarm ARN or name, newest first
    """

    account: str = ""
    trails: Mapping[str, Trail] = {}
    groups: Mapping[str, LogGroup] = {}
    filters: Mapping[tuple[str, str, str], MetricFilter] = {}
    alarms: Mapping[str, Alarm] = {}
    topics: Mapping[str, Topic] = {}
    rules: Mapping[str, EventRule] = {}
    recorders: Mapping[tuple[str, str], Recorder] = {}
    analyzers: Mapping[str, Analyzer] = {}
    asked: Mapping[tuple[str, str], Fact[None]] = {}
    off: frozenset[str] = frozenset()
    history: Mapping[str, tuple[AlarmChange, ...]] = {}
    gaps: tuple[Gap, ...] = ()

    @property
    def regions(self) -> tuple[str, ...]:
        """Regions that were asked and are enabled, in order."""
        return tuple(sorted({region for _, region in self.asked if region} - self.off))

    def state(self, what: str, region: str) -> Fact[None]:
        """Whether something was read in a Region."""
        return self.asked.get((what, region), NOT_READ)

    @property
    def read(self) -> bool:
        """Whether anything was read at all."""
        return any(fact.is_known for fact in self.asked.values())

    @property
    def as_of(self) -> datetime | None:
        """Age of the oldest answer."""
        return min((fact.as_of for fact in self.asked.values() if fact.as_of is not None), default=None)
