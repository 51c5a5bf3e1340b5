"""Text for what is missing: AWS CLI, Terraform, CloudFormation. Nothing of it is run.

Names come from the account and may be hostile: each form quotes them in its own way (`shlex.quote`, HCL strings without
interpolation, JSON strings, which are YAML strings too).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from ...model.guards import Guards, Trail
from ...text import visible
from .coverage import Coverage, Verdict
from .keeping import delivers, keeps
from .links import Standing, Way
from .samples import GLOBAL_REGION

MOST_PATTERN = 1_024
"""Characters CloudWatch Logs takes in a filter pattern."""
NAMESPACE = "CloudTrailMetrics"
MAIL = "YOUR-ADDRESS@example.com"


class Form(StrEnum):
    CLI = "cli"
    TERRAFORM = "terraform"
    CLOUDFORMATION = "cloudformation"


class Place(msgspec.Struct, frozen=True):
    """Where a new filter would stand. group: "" when no trail delivers to a log group that can be used; topic: "" for a new one."""

    region: str
    group: str
    topic: str
    trail: str = ""
    account: str = ""
    partition: str = "aws"


def place_for(guards: Guards, now: datetime) -> Place:
    """The log group of the trail that sees the most, and a topic beside it that somebody confirmed."""
    best: Trail | None = None
    for trail in sorted(guards.trails.values(), key=lambda t: (t.multi_region, t.global_events), reverse=True):
        status = trail.status.value
        ours = not guards.account or trail.log_group.split(":")[4:5] == [guards.account]
        logging = status is None or status.logging
        if trail.log_group and ours and logging and delivers(trail, guards, now).standing is not Standing.BROKEN:
            best = trail
            break
    region = (
        best.log_group.split(":")[3] if best is not None else (next(iter(guards.trails.values())).home if guards.trails else GLOBAL_REGION)
    )
    name = best.log_group.split(":", 6)[6] if best is not None else ""
    topic = ""
    for arn, one in guards.topics.items():
        heard = [
            s for s in one.subscriptions.value or () if s.state == "confirmed" and s.protocol in ("email", "email-json", "https", "sms")
        ]
        if heard and arn.split(":")[3:4] == [region]:
            topic = arn
            break
    any_trail = best or next(iter(guards.trails.values()), None)
    partition = any_trail.arn.split(":")[1] if any_trail is not None and any_trail.arn.count(":") > 4 else "aws"
    return Place(region, name, topic, any_trail.name if any_trail is not None else "", guards.account, partition)


# -- patterns ------------------------------------------------------------------------------------------------------------

_SPECIAL = {
    "root": '{ ($.userIdentity.type = "Root") && ($.userIdentity.invokedBy NOT EXISTS) && ($.eventType != "AwsServiceEvent") }',
    "login-without-mfa": '{ ($.eventName = "ConsoleLogin") && ($.userIdentity.type = "IAMUser") && ($.additionalEventData.MFAUsed = "No") '
    '&& ($.responseElements.ConsoleLogin = "Success") }',
    "login-failed": '{ ($.eventName = "ConsoleLogin") && ($.errorMessage = "Failed authentication") }',
    "refused": '{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }',
}


def patterns(found: Sequence[Coverage]) -> list[tuple[str, str]]:
    """(name, filter pattern) that find the events: those of one service share a filter as long as it fits."""
    made: list[tuple[str, str]] = []
    by_source: dict[str, list[str]] = {}
    for one in found:
        key = one.watched.key
        if key in _SPECIAL:
            made.append((key, _SPECIAL[key]))
        elif one.watched.event.isalnum():
            by_source.setdefault(key.partition(":")[0], []).append(one.watched.event)
    for source, names in by_source.items():
        for number, some in enumerate(_split(source, names), 1):
            label = f"{source}-{_kebab(some[0])}" if len(some) == 1 else f"{source}-changes{f'-{number}' if number > 1 else ''}"
            made.append((label, _pattern(source, some)))
    return made


def _pattern(source: str, names: Sequence[str]) -> str:
    either = " || ".join(f'($.eventName = "{name}")' for name in names)
    return f'{{ ($.eventSource = "{source}.amazonaws.com") && {either if len(names) == 1 else f"({either})"} }}'


def _split(source: str, names: Sequence[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for name in dict.fromkeys(names):
        if parts[-1] and len(_pattern(source, [*parts[-1], name])) > MOST_PATTERN:
            parts.append([])
        parts[-1].append(name)
    return parts


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


# -- what is missing -------------------------------------------------------------------------------------------------------


def missing_text(found: Sequence[Coverage], place: Place, form: Form) -> str:
    """Filters, alarms and a topic for events nobody hears of."""
    made = patterns(found)
    if not made:
        return ""
    writers = {Form.CLI: _cli, Form.TERRAFORM: _terraform, Form.CLOUDFORMATION: _cloudformation}
    return writers[form](made, place)


def _no_group(place: Place, mark: str) -> list[str]:
    if place.group:
        return []
    lines = [
        f"{mark} No trail delivers to a log group here. Give one to a trail first (or make a trail):",
        f"{mark}   aws logs create-log-group --log-group-name cloudtrail --region {shlex.quote(place.region)}",
        f"{mark}   aws cloudtrail update-trail --name {shlex.quote(place.trail or 'TRAIL')} --region {shlex.quote(place.region)} "
        "--cloud-watch-logs-log-group-arn LOG-GROUP-ARN --cloud-watch-logs-role-arn ROLE-ARN",
    ]
    return [visible(line) for line in lines]  # a comment ends with its line


def _cli(made: Sequence[tuple[str, str]], place: Place) -> str:
    region, group = shlex.quote(place.region), shlex.quote(place.group or "cloudtrail")
    lines = _no_group(place, "#")
    topic = place.topic
    if not topic:
        topic = f"arn:{place.partition}:sns:{place.region}:{place.account or 'ACCOUNT'}:iamtui-alarms"
        lines += [
            f"aws sns create-topic --name iamtui-alarms --region {region}",
            f"aws sns subscribe --topic-arn {shlex.quote(topic)} --protocol email --notification-endpoint {MAIL} --region {region}",
            "# then follow the link in the mail: an unconfirmed subscription hears nothing",
        ]
    for name, pattern in made:
        transformation = f"metricName={name},metricNamespace={NAMESPACE},metricValue=1,defaultValue=0"
        lines += [
            f"aws logs put-metric-filter --region {region} --log-group-name {group} --filter-name {name} "
            f"--filter-pattern {shlex.quote(pattern)} --metric-transformations {transformation}",
            f"aws cloudwatch put-metric-alarm --region {region} --alarm-name {name} --metric-name {name} --namespace {NAMESPACE} "
            "--statistic Sum --period 300 --evaluation-periods 1 --threshold 1 --comparison-operator GreaterThanOrEqualToThreshold "
            f"--treat-missing-data notBreaching --alarm-actions {shlex.quote(topic)}",
        ]
    return "\n".join(lines) + "\n"


def _hcl(text: str) -> str:
    """An HCL string: JSON's escapes, and nothing is interpolated."""
    return msgspec.json.encode(text).decode().replace("${", "$${").replace("%{", "%%{")


def _terraform(made: Sequence[tuple[str, str]], place: Place) -> str:
    lines = _no_group(place, "#")
    topic = _hcl(place.topic)
    if not place.topic:
        topic = "aws_sns_topic.iamtui_alarms.arn"
        lines += [
            'resource "aws_sns_topic" "iamtui_alarms" {',
            '  name = "iamtui-alarms"',
            "}",
            "",
            'resource "aws_sns_topic_subscription" "iamtui_alarms" {',
            "  topic_arn = aws_sns_topic.iamtui_alarms.arn",
            '  protocol  = "email"',
            f'  endpoint  = "{MAIL}" # confirm by the link in the mail',
            "}",
            "",
        ]
    for name, pattern in made:
        label = name.replace("-", "_")
        lines += [
            f'resource "aws_cloudwatch_log_metric_filter" "{label}" {{',
            f'  name           = "{name}"',
            f"  log_group_name = {_hcl(place.group or 'cloudtrail')} # in {visible(place.region)}",
            f"  pattern        = {_hcl(pattern)}",
            "",
            "  metric_transformation {",
            f'    name          = "{name}"',
            f'    namespace     = "{NAMESPACE}"',
            '    value         = "1"',
            '    default_value = "0"',
            "  }",
            "}",
            "",
            f'resource "aws_cloudwatch_metric_alarm" "{label}" {{',
            f'  alarm_name          = "{name}"',
            f'  namespace           = "{NAMESPACE}"',
            f'  metric_name         = "{name}"',
            '  statistic           = "Sum"',
            "  period              = 300",
            "  evaluation_periods  = 1",
            "  threshold           = 1",
            '  comparison_operator = "GreaterThanOrEqualToThreshold"',
            '  treat_missing_data  = "notBreaching"',
            f"  alarm_actions       = [{topic}]",
            "}",
            "",
        ]
    return "\n".join(lines)


def _cloudformation(made: Sequence[tuple[str, str]], place: Place) -> str:
    text = msgspec.json.encode
    lines = _no_group(place, "#")
    lines += ['AWSTemplateFormatVersion: "2010-09-09"', "Resources:"]
    topic = text(place.topic).decode()
    if not place.topic:
        topic = "!Ref IamtuiAlarms"
        lines += [
            "  IamtuiAlarms:",
            "    Type: AWS::SNS::Topic",
            "    Properties:",
            "      TopicName: iamtui-alarms",
            "      Subscription:",
            "        - Protocol: email",
            f"          Endpoint: {MAIL} # confirm by the link in the mail",
        ]
    for name, pattern in made:
        label = "".join(part.capitalize() for part in name.split("-"))
        lines += [
            f"  {label}Filter:",
            "    Type: AWS::Logs::MetricFilter",
            "    Properties:",
            f"      FilterName: {name}",
            f"      LogGroupName: {text(place.group or 'cloudtrail').decode()} # in {visible(place.region)}",
            f"      FilterPattern: {text(pattern).decode()}",
            "      MetricTransformations:",
            f"        - MetricName: {name}",
            f"          MetricNamespace: {NAMESPACE}",
            '          MetricValue: "1"',
            "          DefaultValue: 0",
            f"  {label}Alarm:",
            "    Type: AWS::CloudWatch::Alarm",
            "    Properties:",
            f"      AlarmName: {name}",
            f"      Namespace: {NAMESPACE}",
            f"      MetricName: {name}",
            "      Statistic: Sum",
            "      Period: 300",
            "      EvaluationPeriods: 1",
            "      Threshold: 1",
            "      ComparisonOperator: GreaterThanOrEqualToThreshold",
            "      TreatMissingData: notBreaching",
            "      AlarmActions:",
            f"        - {topic}",
        ]
    return "\n".join(lines) + "\n"


# -- what is broken ----------------------------------------------------------------------------------------------------------


def mend(way: Way, guards: Guards) -> list[tuple[str, str]]:
    """(what it does, AWS CLI) for the broken links of a way that one command mends; [] where there is none."""
    found: list[tuple[str, str]] = []
    quote = shlex.quote
    for link in way.links:
        if link.standing is not Standing.BROKEN:
            continue
        region = f" --region {quote(link.region)}" if link.region else ""
        if link.what == "trail" and "is stopped" in link.words:
            arn = next((t.arn for t in guards.trails.values() if t.name == link.name), link.name)
            found.append(("start the trail again", f"aws cloudtrail start-logging --name {quote(arn)}{region}"))
        elif link.what == "action" and link.words == "its actions are disabled":
            found.append(("let the alarm act", f"aws cloudwatch enable-alarm-actions --alarm-names {quote(link.name)}{region}"))
        elif link.what == "action" and link.words.startswith("it has no action"):
            found.append(("give the alarm an action (put-metric-alarm wants all its settings again)", _alarm_again(way, guards, region)))
        elif link.what == "topic":
            arn = next((arn for arn in guards.topics if arn.endswith(f":{link.name}") and f":{link.region}:" in arn), "TOPIC-ARN")
            address = way.pending[0].partition(" ")[2] if way.pending else MAIL
            words = "send the confirmation again; whoever gets it must follow its link" if way.pending else "subscribe somebody"
            command = f"aws sns subscribe --topic-arn {quote(arn)} --protocol email --notification-endpoint {quote(address)}{region}"
            found.append((words, command))
        elif link.what == "rule" and link.words == "is disabled":
            found.append(("enable the rule", f"aws events enable-rule --name {quote(link.name)}{region}"))
        elif link.what == "rule" and "only" in link.words and GLOBAL_REGION in link.words:
            rule = next((r for r in guards.rules.values() if r.name == link.name and r.region == link.region), None)
            pattern = quote(rule.pattern) if rule is not None else "PATTERN"
            command = f"aws events put-rule --name {quote(link.name)} --region {GLOBAL_REGION} --event-pattern {pattern}"
            found.append((f"make the rule in {GLOBAL_REGION}, with a target there", command))
        elif link.what == "target" and link.name == "none":
            command = f"aws events put-targets --rule {quote(way.name)}{region} --targets Id=mail,Arn=TOPIC-ARN"
            found.append(("give the rule a target", command))
        elif link.what == "alarm" and link.name == "none":
            one = next((f for f in guards.filters.values() if f.name == way.name and f.region in ("", way.region)), None)
            if one is not None and one.metrics:
                metric = one.metrics[0]
                command = (
                    f"aws cloudwatch put-metric-alarm{region} --alarm-name {quote(one.name)} --metric-name {quote(metric.name)} "
                    f"--namespace {quote(metric.namespace)} --statistic Sum --period 300 --evaluation-periods 1 --threshold 1 "
                    "--comparison-operator GreaterThanOrEqualToThreshold --treat-missing-data notBreaching --alarm-actions TOPIC-ARN"
                )
                found.append(("put an alarm over the filter's metric", command))
    return found


def _alarm_again(way: Way, guards: Guards, region: str) -> str:
    alarm = guards.alarms.get(way.alarm)
    if alarm is None or alarm.composite:
        return f"aws cloudwatch describe-alarms --alarm-names {shlex.quote(way.name)}{region}"
    quote = shlex.quote
    return (
        f"aws cloudwatch put-metric-alarm{region} --alarm-name {quote(alarm.name)} --metric-name {quote(alarm.metric)} "
        f"--namespace {quote(alarm.namespace)} --statistic {quote(alarm.statistic)} --period {alarm.period} "
        f"--evaluation-periods {alarm.periods} --threshold {alarm.threshold if alarm.threshold is not None else 1:g} "
        f"--comparison-operator {quote(alarm.operator)} --treat-missing-data {quote(alarm.missing or 'notBreaching')} --alarm-actions TOPIC-ARN"
    )


def lacking(found: Sequence[Coverage]) -> list[Coverage]:
    """Events that want a new filter and alarm: nobody hears, or not always."""
    return [one for one in found if one.watched.samples and one.verdict in (Verdict.SILENT, Verdict.PARTLY)]


__all__ = ["Form", "Place", "keeps", "lacking", "mend", "missing_text", "patterns", "place_for"]
