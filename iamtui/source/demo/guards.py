"""What watches over the demo account, with the gaps that real accounts have: an alarm that was silenced, a mail nobody confirmed, a filter on
a log group no trail writes to any more, a rule in a Region that sees no IAM events, and CIS's filter, which names no user events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from .clock import Clock
from .grammar import ACCOUNT, MANAGEMENT, REGIONS

HOME = "eu-central-1"
GROUP = "acme-organization-trail"
DEAD_GROUP = "cloudtrail-2022"
_TRAIL = f"arn:aws:cloudtrail:{HOME}:{ACCOUNT}:trail/acme-organization"
_BASELINE = f"arn:aws:cloudtrail:{HOME}:{MANAGEMENT}:trail/acme-baseline"
_ALERTS = f"arn:aws:sns:{HOME}:{ACCOUNT}:security-alerts"
_REVIEWS = f"arn:aws:sns:{HOME}:{ACCOUNT}:identity-reviews"
_PAGER = f"arn:aws:sns:us-east-1:{ACCOUNT}:admin-pager"

FILTERS: dict[str, tuple[str, str]] = {
    "root-sign-in": (
        GROUP,
        '{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }',
    ),
    "iam-changes": (
        GROUP,
        "{ ($.eventName = AttachUserPolicy) || ($.eventName = AttachRolePolicy) || ($.eventName = PutUserPolicy) || "
        "($.eventName = PutRolePolicy) || ($.eventName = CreatePolicyVersion) }",
    ),
    "unauthorized": (GROUP, '{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }'),
    "user-lifecycle": (
        GROUP,
        '{ ($.eventSource = "iam.amazonaws.com") && (($.eventName = "CreateUser") || ($.eventName = "DeleteUser") || '
        '($.eventName = "*AccessKey")) }',
    ),
    "trail-changes": (GROUP, "{ ($.eventName = StopLogging) || ($.eventName = DeleteTrail) || ($.eventName = UpdateTrail) }"),
    "delete-user": (DEAD_GROUP, "{ $.eventName = DeleteUser }"),
}
"""Metric filters: name -> (log group, pattern). `unauthorized` has no alarm."""

_ALARMS: dict[str, tuple[str, bool, float, str]] = {
    "root-sign-in": (_ALERTS, False, 1, "OK"),
    "iam-changes": (_ALERTS, True, 1, "OK"),
    "user-lifecycle": (_REVIEWS, True, 1, "OK"),
    "trail-changes": (_ALERTS, True, 3, "INSUFFICIENT_DATA"),
    "delete-user": (_ALERTS, True, 1, "INSUFFICIENT_DATA"),
}
"""Alarms over the filters' metrics: name -> (topic, actions enabled, threshold, state)."""

_RULES: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "admin-granted": (
        "us-east-1",
        "ENABLED",
        {
            "source": ["aws.iam"],
            "detail-type": ["AWS API Call via CloudTrail"],
            "detail": {
                "eventName": ["AttachUserPolicy", "AttachRolePolicy", "AttachGroupPolicy"],
                "requestParameters": {"policyArn": [{"suffix": ":policy/AdministratorAccess"}]},
            },
        },
        _PAGER,
    ),
    "iam-user-deleted": (
        HOME,
        "ENABLED",
        {"source": ["aws.iam"], "detail": {"eventSource": ["iam.amazonaws.com"], "eventName": ["DeleteUser"]}},
        _ALERTS,
    ),
}
"""Rules on the default bus: name -> (Region, state, pattern, target). The second one waits where IAM's events never come."""


def seconds(time: str) -> int:
    """Second of the day of `14:02:09`."""
    hour, minute, second = time.split(":")
    return int(hour) * 3600 + int(minute) * 60 + int(second)


def documents(clock: Clock, now: datetime) -> Iterator[tuple[str, str, bytes, str]]:
    """(operation, what it is about, body, Region) of everything."""
    for region in REGIONS:
        for operation, about, body in _region(clock, now, region):
            yield operation, about, msgspec.json.encode(body), region


def monitoring(clock: Clock, now: datetime) -> dict[str, Any]:
    """The answers of the home Region, by operation; topics and rules joined."""
    found: dict[str, Any] = {}
    for operation, _about, body in _region(clock, now, HOME):
        if operation == "sns:ListSubscriptionsByTopic" and operation in found:
            found[operation]["Subscriptions"].extend(body["Subscriptions"])
        else:
            found[operation] = body
    return found


def _region(clock: Clock, now: datetime, region: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    yield "cloudtrail:DescribeTrails", "", {"trailList": [_own_trail(), _organization_trail()]}
    if region == HOME:
        yield from _trail_answers(now)
    yield "logs:DescribeMetricFilters", "", {"metricFilters": _filters() if region == HOME else []}
    if region == HOME:
        yield "logs:DescribeLogGroups", GROUP, {"logGroups": [_group(clock)]}
    yield "cloudwatch:DescribeAlarms", "", {"MetricAlarms": _alarms(clock) if region == HOME else [], "CompositeAlarms": []}
    for name, (place, state, pattern, target) in _RULES.items():
        if place == region:
            arn = f"arn:aws:events:{region}:{ACCOUNT}:rule/{name}"
            rule = {"Name": name, "Arn": arn, "EventPattern": _text(pattern), "State": state, "EventBusName": "default"}
            yield "events:ListRules", "default", {"Rules": [rule]}
            yield "events:ListTargetsByRule", arn, {"Targets": [{"Id": "1", "Arn": target}], "Rule": name, "RuleArn": arn}
    if not any(place == region for place, *_ in _RULES.values()):
        yield "events:ListRules", "default", {"Rules": []}
    yield from _topics(region)
    yield "config:DescribeConfigurationRecorders", "", {"ConfigurationRecorders": _recorders(region)}
    yield "config:DescribeConfigurationRecorderStatus", "", {"ConfigurationRecordersStatus": _recording(clock, region)}
    yield "access-analyzer:ListAnalyzers", "", {"analyzers": _analyzers(clock, region)}


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _own_trail() -> dict[str, Any]:
    return {
        "Name": "acme-organization",
        "S3BucketName": "acme-organization-trail",
        "IncludeGlobalServiceEvents": True,
        "IsMultiRegionTrail": True,
        "HomeRegion": HOME,
        "TrailARN": _TRAIL,
        "LogFileValidationEnabled": True,
        "CloudWatchLogsLogGroupArn": f"arn:aws:logs:{HOME}:{ACCOUNT}:log-group:{GROUP}:*",
        "CloudWatchLogsRoleArn": f"arn:aws:iam::{ACCOUNT}:role/cloudtrail-to-logs",
        "HasCustomEventSelectors": True,
        "HasInsightSelectors": False,
        "IsOrganizationTrail": False,
    }


def _organization_trail() -> dict[str, Any]:
    """The management account's trail, which shows itself here; it goes to a bucket only."""
    return {
        "Name": "acme-baseline",
        "S3BucketName": "acme-baseline-log-archive",
        "IncludeGlobalServiceEvents": True,
        "IsMultiRegionTrail": True,
        "HomeRegion": HOME,
        "TrailARN": _BASELINE,
        "LogFileValidationEnabled": False,
        "KmsKeyId": f"arn:aws:kms:{HOME}:{MANAGEMENT}:key/91c6EXAMPLE-7d20-4a15-8f3b-2e6d0c9b5a17",
        "HasCustomEventSelectors": False,
        "HasInsightSelectors": False,
        "IsOrganizationTrail": True,
    }


def _trail_answers(now: datetime) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for arn, minutes, logs in ((_TRAIL, 4, True), (_BASELINE, 6, False)):
        status: dict[str, Any] = {
            "IsLogging": True,
            "LatestDeliveryTime": now - timedelta(minutes=minutes),
            "StartLoggingTime": now - timedelta(days=1100),
            "TrailARN": arn,
        }
        if logs:
            status["LatestCloudWatchLogsDeliveryTime"] = now - timedelta(minutes=minutes - 1)
            status["LatestDigestDeliveryTime"] = now - timedelta(minutes=38)
        yield "cloudtrail:GetTrailStatus", arn, status
    bucket = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::acme-customer-exports/"]}
    own = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": [bucket], "ExcludeManagementEventSources": []}
    yield "cloudtrail:GetEventSelectors", _TRAIL, {"TrailARN": _TRAIL, "EventSelectors": [own]}
    plain = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": [], "ExcludeManagementEventSources": []}
    yield "cloudtrail:GetEventSelectors", _BASELINE, {"TrailARN": _BASELINE, "EventSelectors": [plain]}


def _filters() -> list[dict[str, Any]]:
    return [
        {
            "filterName": name,
            "filterPattern": pattern,
            "logGroupName": group,
            "metricTransformations": [{"metricName": name, "metricNamespace": "Security", "metricValue": "1", "defaultValue": 0.0}],
        }
        for name, (group, pattern) in FILTERS.items()
    ]


def _group(clock: Clock) -> dict[str, Any]:
    arn = f"arn:aws:logs:{HOME}:{ACCOUNT}:log-group:{GROUP}"
    made = clock.at(1100) * 1000
    return {
        "logGroupName": GROUP,
        "arn": f"{arn}:*",
        "logGroupArn": arn,
        "retentionInDays": 90,
        "storedBytes": 48_318_382_080,
        "creationTime": made,
    }


def _alarms(clock: Clock) -> list[dict[str, Any]]:
    return [
        {
            "AlarmName": name,
            "AlarmArn": f"arn:aws:cloudwatch:{HOME}:{ACCOUNT}:alarm:{name}",
            "ActionsEnabled": enabled,
            "OKActions": [],
            "AlarmActions": [topic],
            "InsufficientDataActions": [],
            "StateValue": state,
            "StateReason": "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching].",
            "StateUpdatedTimestamp": clock.stamp(*_turned(name)),
            "MetricName": name,
            "Namespace": "Security",
            "Statistic": "Sum",
            "Dimensions": [],
            "Period": 300,
            "EvaluationPeriods": 1,
            "DatapointsToAlarm": 1,
            "Threshold": threshold,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
        }
        for name, (topic, enabled, threshold, state) in _ALARMS.items()
    ]


def _turned(name: str) -> tuple[int, int]:
    """Day and second of the last change of state: back to OK, five minutes after the latest alarm."""
    day, time = _RAISED[name][-1] if name in _RAISED else (200, "09:00")
    return day, seconds(f"{time}:00") + 300


def _topics(region: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    if region == HOME:
        mail = {"SubscriptionArn": f"{_ALERTS}:0f1bEXAMPLE", "Protocol": "email", "Endpoint": "on-call@acme.example", "TopicArn": _ALERTS}
        yield "sns:ListSubscriptionsByTopic", _ALERTS, {"Subscriptions": [mail], "TopicArn": _ALERTS}
        asked = {"SubscriptionArn": "PendingConfirmation", "Protocol": "email", "Endpoint": "security@acme.example", "TopicArn": _REVIEWS}
        yield "sns:ListSubscriptionsByTopic", _REVIEWS, {"Subscriptions": [asked], "TopicArn": _REVIEWS}
    if region == "us-east-1":
        pager = {
            "SubscriptionArn": f"{_PAGER}:7c20EXAMPLE",
            "Protocol": "https",
            "Endpoint": "https://events.pager.example/integration/acme/enqueue",
            "TopicArn": _PAGER,
        }
        yield "sns:ListSubscriptionsByTopic", _PAGER, {"Subscriptions": [pager], "TopicArn": _PAGER}


def _recorders(region: str) -> list[dict[str, Any]]:
    if region == "ap-southeast-2":
        return []
    group = {"allSupported": True, "includeGlobalResourceTypes": region == "us-east-1", "resourceTypes": []}
    return [{"name": "default", "roleARN": f"arn:aws:iam::{ACCOUNT}:role/config-recorder", "recordingGroup": group}]


def _recording(clock: Clock, region: str) -> list[dict[str, Any]]:
    if region == "ap-southeast-2":
        return []
    running = region != "eu-west-1"
    return [{"name": "default", "recording": running, "lastStatus": "SUCCESS", "lastStatusChangeTime": clock.stamp(1, 3_600)}]


def _analyzers(clock: Clock, region: str) -> list[dict[str, Any]]:
    if region == "ap-southeast-2":
        return []
    found = [("account", "ACCOUNT")] + ([("unused-90-days", "ACCOUNT_UNUSED_ACCESS")] if region == "us-east-1" else [])
    return [
        {
            "arn": f"arn:aws:access-analyzer:{region}:{ACCOUNT}:analyzer/{name}",
            "name": name,
            "type": kind,
            "status": "ACTIVE",
            "createdAt": clock.stamp(700),
            "lastResourceAnalyzedAt": clock.stamp(1, 7_260),
        }
        for name, kind in found
    ]


_RAISED: dict[str, tuple[tuple[int, str], ...]] = {
    "iam-changes": (
        (27, "14:03"), (20, "14:09"), (17, "11:31"), (12, "19:43"), (12, "19:57"), (9, "09:16"), (6, "02:07"), (6, "02:23"), (6, "03:33"), (1, "14:10"),
    ),
    "user-lifecycle": ((17, "11:30"), (8, "10:12"), (8, "10:43"), (8, "11:00"), (6, "02:22")),
    "root-sign-in": ((23, "21:16"),),
}  # fmt: skip
"""When alarms went to ALARM in the 30 days AWS keeps: minutes after the stories' events."""


def history(clock: Clock, name: str) -> bytes:
    """DescribeAlarmHistory of one alarm; the root alarm's actions were silenced before it went off."""
    items = []
    for day, time in _RAISED.get(name, ()):
        second = seconds(f"{time}:00")
        for after, old, new in ((0, "OK", "ALARM"), (300, "ALARM", "OK")):
            told = {"version": "1.0", "oldState": {"stateValue": old}, "newState": {"stateValue": new}}
            items.append(_item(clock, name, day, second + after, "StateUpdate", f"Alarm updated from {old} to {new}", told))
        enabled = _ALARMS[name][1]
        if enabled:
            topic = _ALARMS[name][0]
            items.append(_item(clock, name, day, second + 2, "Action", f"Successfully executed action {topic}", {}))
    return msgspec.json.encode({"AlarmHistoryItems": items})


def _item(clock: Clock, name: str, day: int, second: int, kind: str, summary: str, told: dict[str, Any]) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "AlarmType": "MetricAlarm",
        "Timestamp": clock.stamp(day, second),
        "HistoryItemType": kind,
        "HistorySummary": summary,
        "HistoryData": _text(told),
    }
