"""Trails, filters, alarms, topics, rules and recorders of a live account: read from servers on loopback, refusals told, nothing invented."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from iamtui.cli import cli
from iamtui.model import guards as watch
from iamtui.model.document import Document, Gap, Kind
from iamtui.model.fact import State
from iamtui.model.guards import Guards
from iamtui.session import Session
from iamtui.source.base import Step
from iamtui.source.decode.guards import fold_all
from iamtui.source.live import LiveOptions, LiveSource
from iamtui.source.live import guards as live_guards
from iamtui.store.cache import Cache
from tests.live.test_emulators import free_port, serve

HOME, ACCOUNT = "eu-west-1", "123456789012"
PATTERN = "{ ($.eventName = DeleteUser) || ($.eventName = CreateUser) }"


@pytest.fixture(scope="module")
def account() -> Iterator[str]:
    """An emulated account: a trail with a log group, filters, alarms, topics with real subscriptions, a rule, a recorder."""
    port = free_port()
    for url in serve([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port):
        furnish(url)
        yield url


def furnish(url: str) -> None:
    import boto3

    def client(service: str, region: str = HOME) -> Any:
        return boto3.client(
            service, endpoint_url=url, region_name=region, aws_access_key_id="AKIAEXAMPLETEST00000", aws_secret_access_key="x"
        )

    client("s3").create_bucket(Bucket="trail-bucket", CreateBucketConfiguration={"LocationConstraint": HOME})
    client("logs").create_log_group(logGroupName="trail")
    client("logs").put_retention_policy(logGroupName="trail", retentionInDays=30)
    client("logs").create_log_group(logGroupName="old-trail")
    client("cloudtrail").create_trail(
        Name="main",
        S3BucketName="trail-bucket",
        IsMultiRegionTrail=True,
        CloudWatchLogsLogGroupArn=f"arn:aws:logs:{HOME}:{ACCOUNT}:log-group:trail:*",
        CloudWatchLogsRoleArn=f"arn:aws:iam::{ACCOUNT}:role/x",
    )
    client("cloudtrail").start_logging(Name="main")
    topics = {name: client("sns").create_topic(Name=name)["TopicArn"] for name in ("heard", "unheard")}
    client("sns").subscribe(TopicArn=topics["heard"], Protocol="sms", Endpoint="+15005550006")
    for number in range(60):  # more than one page of filters
        client("logs").put_metric_filter(
            logGroupName="old-trail",
            filterName=f"filler-{number:02}",
            filterPattern="{ $.eventName = Nothing }",
            metricTransformations=[{"metricName": f"filler-{number}", "metricNamespace": "Filler", "metricValue": "1"}],
        )
    for name, group, pattern in (
        ("users", "trail", PATTERN),
        ("policies", "trail", "{ $.eventName = *Policy }"),
        ("dead", "old-trail", PATTERN),
    ):
        client("logs").put_metric_filter(
            logGroupName=group,
            filterName=name,
            filterPattern=pattern,
            metricTransformations=[{"metricName": name, "metricNamespace": "Sec", "metricValue": "1", "defaultValue": 0.0}],
        )
    for name, topic, enabled in (("users", "heard", True), ("policies", "unheard", True), ("dead", "heard", True)):
        client("cloudwatch").put_metric_alarm(
            AlarmName=name,
            Namespace="Sec",
            MetricName=name,
            Statistic="Sum",
            Period=300,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            TreatMissingData="notBreaching",
            AlarmActions=[topics[topic]],
            ActionsEnabled=enabled,
        )
    client("cloudwatch").set_alarm_state(AlarmName="users", StateValue="ALARM", StateReason="test")
    client("cloudwatch").set_alarm_state(AlarmName="users", StateValue="OK", StateReason="test")
    far = client("events", "us-east-1")
    pattern = {"source": ["aws.iam"], "detail": {"eventName": [{"prefix": "Attach"}]}}
    far.put_rule(Name="attached", EventPattern=json.dumps(pattern))
    pager = client("sns", "us-east-1").create_topic(Name="pager")["TopicArn"]
    client("sns", "us-east-1").subscribe(TopicArn=pager, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:q")
    far.put_targets(Rule="attached", Targets=[{"Id": "1", "Arn": pager}])
    client("config").put_configuration_recorder(
        ConfigurationRecorder={
            "name": "default",
            "roleARN": f"arn:aws:iam::{ACCOUNT}:role/x",
            "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True},
        }
    )


def source(url: str, *regions: str) -> LiveSource:
    return LiveSource(LiveOptions(endpoint_url=url, regions=regions or ("us-east-1", HOME)))


def read(url: str, *regions: str) -> tuple[Guards, list[Any]]:
    items = list(source(url, *regions).guards())
    guards, broken = fold_all([item for item in items if not isinstance(item, Step)], ACCOUNT)
    assert not broken
    return guards, items


def test_everything_is_read_in_every_region(account: str) -> None:
    guards, items = read(account)
    gaps = {item.action for item in items if isinstance(item, Gap)}
    assert gaps == {"access-analyzer:ListAnalyzers"}  # which moto does not have
    (trail,) = guards.trails.values()
    assert trail.status.value is not None
    assert trail.status.value.logging
    assert trail.selectors.is_known
    assert sum(item.key.startswith("cloudtrail:GetTrailStatus") for item in items if isinstance(item, Document)) == 1
    assert len(guards.filters) == 63  # two pages
    assert {alarm.name for alarm in guards.alarms.values()} == {"users", "policies", "dead"}
    protocols = {arn.rpartition(":")[2]: [s.protocol for s in t.subscriptions.value or ()] for arn, t in guards.topics.items()}
    assert protocols == {"heard": ["sms"], "unheard": [], "pager": ["sqs"]}
    (rule,) = guards.rules.values()
    assert [target.id for target in rule.targets.value or ()] == ["1"]
    (group,) = guards.groups.values()
    assert group.retention == 30
    (recorder,) = guards.recorders.values()
    assert recorder.recording is False
    for region in ("us-east-1", HOME):
        assert all(guards.state(what, region).is_known for what in (watch.TRAILS, watch.FILTERS, watch.ALARMS, watch.RULES))
        assert guards.state(watch.ANALYZERS, region).state is State.FAILED
    assert [item.done for item in items if isinstance(item, Step)] == [0, 1, 2]


def run(url: str, tmp_path: Path, *words: str) -> Any:
    options = ["--endpoint-url", url, "--region", "us-east-1", "--region", HOME, "--cache-dir", str(tmp_path / "cache")]
    return CliRunner().invoke(cli, [words[0], *options, *words[1:]])


def test_coverage_of_a_live_account_claims_no_more_than_was_read(account: str, tmp_path: Path) -> None:
    result = run(account, tmp_path, "alarms", "DeleteUser", "AttachUserPolicy", "CreateRole", "--format", "json")
    assert result.exit_code == 1, result.output
    found = {entry["event"]: entry for entry in json.loads(result.stdout)}
    ways = {way["name"]: way for case in found["DeleteUser"]["cases"] for way in case["ways"]}
    assert found["DeleteUser"]["verdict"] == "cannot be told"  # moto tells no delivery to the log group
    assert [link["standing"] for link in ways["users"]["links"]] == ["ok", "cannot be told", "ok", "ok", "ok"]
    assert [h["endpoint"] for h in ways["users"]["hears"]] == ["+15005550006"]
    assert ways["dead"]["standing"] == "broken"
    assert "no trail delivers to it" in ways["dead"]["links"][0]["words"]
    attached = {way["name"]: way for way in found["AttachUserPolicy"]["cases"][0]["ways"]}
    assert attached["attached"]["standing"] == "ok"
    assert found["AttachUserPolicy"]["verdict"] == "handed to a program"  # a queue hears, no person
    assert "has no subscription" in attached["policies"]["links"][-1]["words"]
    assert found["CreateRole"]["verdict"] == "nobody hears"
    again = CliRunner().invoke(cli, ["alarms", "--offline", "--cache-dir", str(tmp_path / "cache"), "DeleteUser", "--format", "json"])
    assert json.loads(again.stdout)[0]["cases"][0]["ways"] == found["DeleteUser"]["cases"][0]["ways"]


def test_an_alarms_history_is_asked_when_it_is_looked_at(account: str, tmp_path: Path) -> None:
    result = run(account, tmp_path, "alarms", "--states", "users", "--format", "json")
    (alarm,) = json.loads(result.stdout)
    assert alarm["state"] == "OK"
    assert alarm["filters"] == [{"name": "users", "group": "trail", "pattern": PATTERN}]


def test_logging_health_of_a_live_account(account: str, tmp_path: Path) -> None:
    result = run(account, tmp_path, "logging", "--format", "json")
    rows = {(row["id"], row["name"]): row for row in json.loads(result.stdout)}
    assert rows[("trail.logging", "main")]["state"] == "ok"
    assert rows[("trail.validation", "main")]["state"] == "weak"
    assert rows[("log-group", "trail")]["found"] == "keeps events for 30 days"
    assert rows[("config.recorder", HOME)]["state"] == "missing"
    assert [row["state"] for (id, _), row in rows.items() if id == "analyzer"] == ["unknown"]
    assert result.exit_code == 4, result.output  # sound, but the analyzers could not be asked


def test_an_account_without_anything(account: str, tmp_path: Path) -> None:
    options = ["--endpoint-url", account, "--region", "ap-northeast-1", "--cache-dir", str(tmp_path / "cache")]
    result = CliRunner().invoke(cli, ["alarms", *options, "DeleteUser"])
    assert result.exit_code == 1
    assert "there is no trail" not in result.stdout  # the multi-Region trail of another Region shows itself here
    logging = CliRunner().invoke(cli, ["logging", *options, "--format", "csv"])
    assert "no Region has a recorder that records" in logging.stdout


class Refusing:
    """Knows who asks and refuses everything else; in `off` nothing is enabled."""

    def __init__(self, off: str = "") -> None:
        outer = self
        self.calls: list[tuple[str, str]] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                scope = self.headers.get("Authorization", "").partition("Credential=")[2].split("/")
                region = scope[2] if len(scope) > 2 else ""
                outer.calls.append((region, self.headers.get("X-Amz-Target", "") or self.path))
                code = "UnrecognizedClientException" if region == off else "AccessDeniedException"
                status, kind, answer = outer.answer(body, code, cbor="cbor" in self.headers.get("Content-Type", ""))
                self.send_response(status)
                if kind == "application/cbor":
                    self.send_header("smithy-protocol", "rpc-v2-cbor")
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def answer(self, body: bytes, code: str, *, cbor: bool) -> tuple[int, str, bytes]:
        if b"Action=GetCallerIdentity" in body:
            identity = (
                "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/a</Arn><UserId>A</UserId>"
                "<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
            )
            return 200, "text/xml", identity.encode()
        if cbor:
            text = lambda word: bytes([0x78, len(word)]) + word.encode()  # noqa: E731
            return 403, "application/cbor", b"\xa2" + text("__type") + text(code) + text("message") + text("you may not")
        if b"Action=" in body:
            error = (
                f"<ErrorResponse><Error><Code>{code.removesuffix('Exception')}</Code><Message>you may not</Message></Error></ErrorResponse>"
            )
            return 403, "text/xml", error.encode()
        return 403, "application/json", json.dumps({"__type": code, "message": "you may not"}).encode()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def refusing() -> Iterator[Refusing]:
    made = Refusing(off="me-south-1")
    yield made
    made.close()


def test_refusals_are_gaps_and_nothing_is_claimed(refusing: Refusing, tmp_path: Path) -> None:
    guards, items = read(refusing.url)
    gaps = [item for item in items if isinstance(item, Gap)]
    assert {gap.state for gap in gaps} == {State.DENIED}
    assert {gap.action for gap in gaps} == {
        "cloudtrail:DescribeTrails",
        "logs:DescribeMetricFilters",
        "cloudwatch:DescribeAlarms",
        "events:ListEventBuses",
        "events:ListRules",
        "config:DescribeConfigurationRecorders",
        "config:DescribeConfigurationRecorderStatus",
        "access-analyzer:ListAnalyzers",
    }
    assert not guards.read
    result = run(refusing.url, tmp_path, "alarms", "DeleteUser")
    assert "nothing about trails, alarms and rules was read" in result.stderr
    assert result.exit_code in (3, 4)
    for words in (["logging"], ["logging", "--offline"]):  # a denial stays one when what was kept is looked at
        options = [] if "--offline" not in words else ["--cache-dir", str(tmp_path / "cache")]
        told = (
            CliRunner().invoke(cli, [*words, *options, "--format", "json"])
            if options
            else run(refusing.url, tmp_path, "logging", "--format", "json")
        )
        states = {row["id"]: row["state"] for row in json.loads(told.stdout)}
        assert states["trails"] == states["config"] == states["analyzer"] == "denied", words


def test_a_region_that_is_not_enabled_is_a_state_and_is_asked_once(refusing: Refusing) -> None:
    guards, items = read(refusing.url, "us-east-1", "me-south-1")
    assert guards.off == {"me-south-1"}
    (gap,) = [item for item in items if isinstance(item, Gap) and item.region == "me-south-1"]
    assert gap.state is State.NOT_APPLICABLE
    assert sum(region == "me-south-1" for region, _ in refusing.calls) == 1


def test_reading_stops_when_it_is_cancelled(account: str) -> None:
    assert not [item for item in source(account).guards(lambda: True) if isinstance(item, Document)]


def test_a_refused_reading_leaves_what_was_kept(account: str, refusing: Refusing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path / "cache")
    first = Session(source(account), cache)
    for _ in first.refresh():
        pass
    for _ in first.load_guards():
        pass
    second = Session(source(account), cache)
    second.open()
    for _ in second.load_guards():
        pass
    assert second.guards()[0].trails.keys() == first.guards()[0].trails.keys()
    assert all(item.kind is Kind.GUARDS for item in second._book.guard_items)


def test_all_regions_are_asked_when_none_is_chosen() -> None:
    regions = LiveSource(LiveOptions(endpoint_url="http://127.0.0.1:9")).connection.every_region()
    assert regions[0] == "us-east-1"
    assert len(regions) > 25


def test_throttling_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import ClientError

    place = live_guards._Region.__new__(live_guards._Region)
    place.cancelled = lambda: False
    monkeypatch.setattr(live_guards.time, "sleep", lambda _: None)
    answers = iter([ClientError({"Error": {"Code": "ThrottlingException"}}, "x"), {"fine": True}])

    def call() -> dict[str, Any]:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert place._patiently(call) == {"fine": True}
