"""Answers about trails, log groups, metric filters, alarms, topics, rules, recorders and analyzers.

The operation stands in the document's key; what an answer is about and does not say itself stands beside it in its body
(`TrailARN`, `TopicArn`, `Rule` and `EventBusName`), put there by the live source and by whoever saves it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from ...model import guards as watch
from ...model.document import Document, Gap
from ...model.fact import Fact, State, absent, known
from ...model.guards import (
    Alarm,
    AlarmChange,
    FieldTest,
    Guards,
    LogGroup,
    Metric,
    MetricFilter,
    Selector,
    Topic,
    Trail,
    TrailStatus,
)
from .guardparts import Raw, bare, entries, number, region_in, region_of, texts, with_more
from .hearers import analyzers, buses, recorders, recording, rules, subscriptions, targets
from .wire import BROKEN, account_of, mend, moment, reason_of, text

_OWNER = re.compile(rb'"arn:aws[a-z-]*:[a-z-]+:[a-z0-9-]+:(\d{12}):')

WHAT = {
    "cloudtrail:DescribeTrails": watch.TRAILS,
    "logs:DescribeMetricFilters": watch.FILTERS,
    "logs:DescribeLogGroups": watch.GROUPS,
    "cloudwatch:DescribeAlarms": watch.ALARMS,
    "events:ListRules": watch.RULES,
    "events:ListEventBuses": watch.RULES,
    "events:DescribeRule": watch.RULES,
    "config:DescribeConfigurationRecorders": watch.RECORDERS,
    "config:DescribeConfigurationRecorderStatus": watch.RECORDERS,
    "access-analyzer:ListAnalyzers": watch.ANALYZERS,
}
"""What an operation's answer is about, for those that are asked once a Region."""

NOT_ENABLED = "not enabled"
"""In a gap's key: the Region is not enabled for the account."""

GAPS = "gaps"
"""Key of the document that keeps what was refused beside what was read: a denial stays one when it is looked at later."""


def gaps_body(gaps: Sequence[Gap]) -> bytes:
    """Gaps as they are kept."""
    return msgspec.json.encode(list(gaps))


def fold_guards(guards: Guards, item: Document | Gap) -> Guards:
    """The guards with what one answer, or one refusal, tells. Raises BROKEN."""
    if isinstance(item, Gap):
        return _refused(guards, item)
    operation = item.key.partition(" ")[0]
    raw = msgspec.json.decode(mend(item.body))
    if not isinstance(raw, dict):
        raise ValueError("the answer is no JSON object")
    apply = _DECODERS.get(operation)
    if apply is None:
        return guards
    if not item.region:
        item = msgspec.structs.replace(item, region=text(raw.get("Region")) or region_in(raw))
    guards = apply(guards, raw, item)
    what = WHAT.get(operation)
    if what is None:
        return guards
    region = item.region
    before = guards.asked.get((what, region))
    fact: Fact[None] = known(None, item.origin.name, item.as_of)
    if before is not None and not before.is_known and before.state is not State.NOT_LOADED:
        return guards  # a part was refused: what was read of it stays, and so does the refusal
    return with_more(guards, "asked", {(what, region): fact})


def fold_all(items: Iterable[Document | Gap], account: str) -> tuple[Guards, tuple[str, ...]]:
    """The guards of one account from all answers, whatever order they came in; and what could not be read, in sentences."""
    guards, broken = Guards(account=account), []
    documents = [item for item in items if isinstance(item, Document)]
    documents.sort(key=lambda item: (ORDER.get(item.key.partition(" ")[0], len(ORDER)), item.part))
    kept = [item for item in documents if item.key == GAPS]
    ordered: list[Document | Gap] = [item for item in documents if item.key != GAPS]
    ordered += [item for item in items if isinstance(item, Gap)]
    for document in kept:
        try:
            ordered += msgspec.json.decode(document.body, type=list[Gap])
        except BROKEN as error:
            broken.append(f"{document.origin.name}: {reason_of(error)}")
    for item in ordered:
        try:
            guards = fold_guards(guards, item)
        except BROKEN as error:
            broken.append(f"{item.origin.name if item.origin else item.key}: {reason_of(error)}")
    return guards, tuple(broken)


def owner_of(document: Document) -> str:
    """The account an answer is of: told with it, else by the first ARN that names one; "" when nothing tells."""
    if document.account:
        return document.account
    match = _OWNER.search(document.body)
    return match[1].decode() if match else ""


def _refused(guards: Guards, gap: Gap) -> Guards:
    operation, _, about = gap.key.partition(" ")
    fact: Fact[Any] = absent(gap.state, gap.action, gap.at, gap.reason)
    guards = msgspec.structs.replace(guards, gaps=(*guards.gaps, gap))
    if gap.key == NOT_ENABLED:
        return msgspec.structs.replace(guards, off=guards.off | {gap.region})
    if operation == "cloudtrail:GetTrailStatus" and about in guards.trails:
        return with_more(guards, "trails", {about: msgspec.structs.replace(guards.trails[about], status=fact)})
    if operation == "cloudtrail:GetEventSelectors" and about in guards.trails:
        return with_more(guards, "trails", {about: msgspec.structs.replace(guards.trails[about], selectors=fact)})
    if operation == "sns:ListSubscriptionsByTopic":
        return with_more(guards, "topics", {about: Topic(about, fact)})
    if operation == "events:ListTargetsByRule" and about in guards.rules:
        return with_more(guards, "rules", {about: msgspec.structs.replace(guards.rules[about], targets=fact)})
    what = WHAT.get(operation)
    return with_more(guards, "asked", {(what, gap.region): fact}) if what is not None else guards


# -- CloudTrail -----------------------------------------------------------------------------------------------------------


def _trails(guards: Guards, raw: Raw, document: Document) -> Guards:
    found = {}
    for entry in entries(raw, "trailList"):
        arn = text(entry.get("TrailARN"))
        if not arn:
            continue
        before = guards.trails.get(arn)
        trail = Trail(
            arn,
            text(entry.get("Name")) or arn.rpartition("/")[2],
            text(entry.get("HomeRegion")) or region_of(arn),
            account_of(arn),
            text(entry.get("S3BucketName")),
            entry.get("IsMultiRegionTrail") is True,
            entry.get("IncludeGlobalServiceEvents") is True,
            entry.get("IsOrganizationTrail") is True,
            entry.get("LogFileValidationEnabled") is True,
            text(entry.get("KmsKeyId")),
            bare(text(entry.get("CloudWatchLogsLogGroupArn"))),
            text(entry.get("SnsTopicARN")),
            custom if isinstance(custom := entry.get("HasCustomEventSelectors"), bool) else None,
        )
        if before is not None:
            trail = msgspec.structs.replace(trail, status=before.status, selectors=before.selectors)
        found[arn] = trail
    return with_more(_of_account(guards, document), "trails", found)


def _of_account(guards: Guards, document: Document) -> Guards:
    return msgspec.structs.replace(guards, account=document.account) if document.account and not guards.account else guards


def _trail(guards: Guards, raw: Raw, document: Document) -> Trail | None:
    """The trail an answer is about: named in it or in the key, else the only one there is."""
    about = text(raw.get("TrailARN")) or text(raw.get("Name")) or document.key.partition(" ")[2]
    for trail in guards.trails.values():
        if about in (trail.arn, trail.name):
            return trail
    return next(iter(guards.trails.values())) if not about and len(guards.trails) == 1 else None


def _status(guards: Guards, raw: Raw, document: Document) -> Guards:
    trail = _trail(guards, raw, document)
    if trail is None:
        return guards
    status = TrailStatus(
        raw.get("IsLogging") is True,
        moment(raw.get("LatestDeliveryTime")),
        text(raw.get("LatestDeliveryError")),
        moment(raw.get("LatestCloudWatchLogsDeliveryTime")),
        text(raw.get("LatestCloudWatchLogsDeliveryError")),
        moment(raw.get("LatestDigestDeliveryTime")),
        text(raw.get("LatestDigestDeliveryError")),
        moment(raw.get("StopLoggingTime")),
    )
    fact = known(status, document.origin.name, document.as_of)
    return with_more(guards, "trails", {trail.arn: msgspec.structs.replace(trail, status=fact)})


def _selectors(guards: Guards, raw: Raw, document: Document) -> Guards:
    trail = _trail(guards, raw, document)
    if trail is None:
        return guards
    found = (*_basic(raw), *_advanced(raw))
    fact = known(found, document.origin.name, document.as_of)
    return with_more(guards, "trails", {trail.arn: msgspec.structs.replace(trail, selectors=fact)})


def _basic(raw: Raw) -> Iterator[Selector]:
    """Basic selectors as advanced ones."""
    for entry in entries(raw, "EventSelectors"):
        kind = text(entry.get("ReadWriteType")) or "All"
        only = () if kind == "All" else (FieldTest("readOnly", "Equals", ("true" if kind == "ReadOnly" else "false",)),)
        if entry.get("IncludeManagementEvents") is not False:
            spared = texts(entry, "ExcludeManagementEventSources")
            tests = (FieldTest("eventCategory", "Equals", ("Management",)), *only)
            yield Selector("", (*tests, FieldTest("eventSource", "NotEquals", spared)) if spared else tests)
        for resource in entries(entry, "DataResources"):
            arns = texts(resource, "Values")
            kept = (FieldTest("resources.type", "Equals", (text(resource.get("Type")),)), *only)
            everything = any(arn.count(":") < 5 or arn.endswith(":::") for arn in arns)
            narrowed = () if everything else (FieldTest("resources.ARN", "StartsWith", arns),)
            yield Selector("", (FieldTest("eventCategory", "Equals", ("Data",)), *kept, *narrowed))


def _advanced(raw: Raw) -> Iterator[Selector]:
    for entry in entries(raw, "AdvancedEventSelectors"):
        tests = [
            FieldTest(text(one.get("Field")), operator, values)
            for one in entries(entry, "FieldSelectors")
            for operator in ("Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith", "NotEndsWith")
            if (values := texts(one, operator))
        ]
        yield Selector(text(entry.get("Name")), tuple(tests))


# -- CloudWatch -------------------------------------------------------------------------------------------------------------


def _groups(guards: Guards, raw: Raw, document: Document) -> Guards:
    found = {}
    for entry in entries(raw, "logGroups"):
        arn = bare(text(entry.get("logGroupArn")) or text(entry.get("arn")))
        if arn:
            days, stored = entry.get("retentionInDays"), entry.get("storedBytes")
            found[arn] = LogGroup(
                arn,
                text(entry.get("logGroupName")),
                region_of(arn),
                account_of(arn),
                days if isinstance(days, int) else None,
                stored if isinstance(stored, int) else None,
                text(entry.get("kmsKeyId")),
                moment(entry.get("creationTime")),
            )
    return with_more(guards, "groups", found)


def _filters(guards: Guards, raw: Raw, document: Document) -> Guards:
    found = {}
    for entry in entries(raw, "metricFilters"):
        group, name = text(entry.get("logGroupName")), text(entry.get("filterName"))
        metrics = []
        for one in entries(entry, "metricTransformations"):
            default, dimensions = one.get("defaultValue"), one.get("dimensions")
            metrics.append(
                Metric(
                    text(one.get("metricNamespace")),
                    text(one.get("metricName")),
                    text(one.get("metricValue")) or "1",
                    float(default) if isinstance(default, int | float) and not isinstance(default, bool) else None,
                    tuple(str(key) for key in dimensions) if isinstance(dimensions, dict) else (),
                )
            )
        found[(document.region, group, name)] = MetricFilter(
            name,
            group,
            document.region,
            document.account,
            text(entry.get("filterPattern")),
            tuple(metrics),
            text(entry.get("fieldSelectionCriteria")),
        )
    return with_more(_of_account(guards, document), "filters", found)


def _alarms(guards: Guards, raw: Raw, document: Document) -> Guards:
    found = {}
    for composite, name in ((False, "MetricAlarms"), (True, "CompositeAlarms")):
        for entry in entries(raw, name):
            alarm = _alarm(entry, document, composite=composite)
            found[alarm.arn] = alarm
    return with_more(guards, "alarms", found)


def _alarm(entry: Raw, document: Document, *, composite: bool) -> Alarm:
    name = text(entry.get("AlarmName"))
    arn = text(entry.get("AlarmArn")) or f"{document.region}/{name}"
    inputs = []
    statistic, period = text(entry.get("Statistic")) or text(entry.get("ExtendedStatistic")), entry.get("Period")
    for one in entries(entry, "Metrics"):
        stat = one.get("MetricStat")
        metric = stat.get("Metric") if isinstance(stat, dict) else None
        if isinstance(metric, dict):
            inputs.append((text(metric.get("Namespace")), text(metric.get("MetricName"))))
    threshold = entry.get("Threshold")
    return Alarm(
        arn,
        name,
        region_of(arn) if arn.startswith("arn:") else document.region,
        account_of(arn) or document.account,
        text(entry.get("StateValue")),
        composite,
        entry.get("ActionsEnabled") is not False,
        texts(entry, "AlarmActions"),
        text(entry.get("StateReason")),
        moment(entry.get("StateTransitionedTimestamp")) or moment(entry.get("StateUpdatedTimestamp")),
        text(entry.get("Namespace")),
        text(entry.get("MetricName")),
        tuple(inputs),
        tuple((text(one.get("Name")), text(one.get("Value"))) for one in entries(entry, "Dimensions")),
        statistic,
        number(period),
        number(entry.get("EvaluationPeriods")),
        number(entry.get("DatapointsToAlarm")),
        float(threshold) if isinstance(threshold, int | float) and not isinstance(threshold, bool) else None,
        text(entry.get("ComparisonOperator")),
        text(entry.get("TreatMissingData")),
        text(entry.get("AlarmRule")),
        text(entry.get("ActionsSuppressor")),
    )


def _history(guards: Guards, raw: Raw, document: Document) -> Guards:
    found: dict[str, list[AlarmChange]] = {}
    for entry in entries(raw, "AlarmHistoryItems"):
        name, at = text(entry.get("AlarmName")), moment(entry.get("Timestamp"))
        if not name or at is None:
            continue
        old, new = _states(text(entry.get("HistoryData")))
        change = AlarmChange(name, at, text(entry.get("HistoryItemType")), text(entry.get("HistorySummary")), old, new)
        found.setdefault(name, []).append(change)
    merged = {
        name: tuple(sorted({*guards.history.get(name, ()), *changes}, key=lambda change: change.at, reverse=True))
        for name, changes in found.items()
    }
    about = document.key.partition(" ")[2]
    if about and about not in merged:
        merged[about] = guards.history.get(about, ())
    return with_more(guards, "history", merged)


def _states(data: str) -> tuple[str, str]:
    """(old, new) state of a StateUpdate's data, which is JSON in text."""
    try:
        told = msgspec.json.decode(data) if data else {}
    except (msgspec.MsgspecError, RecursionError):
        return "", ""

    def state(name: str) -> str:
        part = told.get(name) if isinstance(told, dict) else None
        return text(part.get("stateValue")) if isinstance(part, dict) else ""

    return state("oldState"), state("newState")


_DECODERS: dict[str, Callable[[Guards, Raw, Document], Guards]] = {
    "cloudtrail:DescribeTrails": _trails,
    "cloudtrail:GetTrailStatus": _status,
    "cloudtrail:GetEventSelectors": _selectors,
    "logs:DescribeLogGroups": _groups,
    "logs:DescribeMetricFilters": _filters,
    "cloudwatch:DescribeAlarms": _alarms,
    "cloudwatch:DescribeAlarmHistory": _history,
    "sns:ListSubscriptionsByTopic": subscriptions,
    "events:ListEventBuses": buses,
    "events:ListRules": rules,
    "events:DescribeRule": rules,
    "events:ListTargetsByRule": targets,
    "config:DescribeConfigurationRecorders": recorders,
    "config:DescribeConfigurationRecorderStatus": recording,
    "access-analyzer:ListAnalyzers": analyzers,
}

ORDER = {operation: place for place, operation in enumerate(_DECODERS)}
"""Answers that name others by what they are about come after them."""
