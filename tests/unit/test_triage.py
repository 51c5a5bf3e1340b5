"""Triage: any alert, however it is wrapped, is joined with what is known; what cannot be known is said; nothing is run."""

from __future__ import annotations

import json
import shlex
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from iamtui.cli import cli
from iamtui.errors import BadInputError
from iamtui.model.alert import ClueKind
from iamtui.model.event import Event
from iamtui.session import Session
from iamtui.session.triage import Triage
from iamtui.session.triagetext import sections, triage_object
from iamtui.source.base import EventQuery
from iamtui.source.decode.alerts import decode_alert
from iamtui.source.demo import DemoSource
from tests.support.demo import NOW
from tests.support.trails import record

SHAPES = Path(__file__).parents[2] / "../shared/data/cloudtrail/shapes"
KEY = "AKIAEXAMPLE0123456789"


def guardduty(**details: Any) -> dict[str, Any]:
    return {
        "schemaVersion": "2.0",
        "accountId": "123456789012",
        "region": "us-east-1",
        "type": "UnauthorizedAccess:IAMUser/MaliciousIPCaller",
        "severity": 8,
        "description": "An API was called from a malicious address.",
        "resource": {
            "accessKeyDetails": {
                "accessKeyId": KEY,
                "userName": "ana",
                "userType": "IAMUser",
                "principalId": "AIDAEXAMPLE0123456789",
                **details,
            }
        },
        "service": {
            "eventLastSeen": "2026-11-01T10:00:00Z",
            "action": {"awsApiCallAction": {"remoteIpDetails": {"ipAddressV4": "198.51.100.9"}}},
        },
    }


def alarm() -> dict[str, Any]:
    return {
        "AlarmName": "root-use",
        "NewStateValue": "ALARM",
        "NewStateReason": f"Threshold crossed by {KEY}",
        "StateChangeTime": "2026-11-01T10:00:00.000+0000",
        "AWSAccountId": "123456789012",
        "Trigger": {},
    }


HUB = {
    "SchemaVersion": "2018-10-08",
    "ProductArn": "arn:aws:securityhub:us-east-1::product/aws/securityhub",
    "GeneratorId": "x",
    "Title": "IAM root user access key should not exist",
    "Severity": {"Label": "CRITICAL"},
    "AwsAccountId": "123456789012",
    "Resources": [{"Type": "AwsIamUser", "Id": "arn:aws:iam::123456789012:user/ana"}],
}
ANALYZER = {
    "id": "f-1",
    "resource": "arn:aws:iam::123456789012:role/open",
    "resourceType": "AWS::IAM::Role",
    "resourceOwnerAccount": "123456789012",
    "status": "ACTIVE",
    "updatedAt": "2026-11-01T10:00:00Z",
}


def bridge(detail: object, kind: str, source: str) -> dict[str, Any]:
    return {
        "version": "0",
        "detail-type": kind,
        "source": source,
        "account": "123456789012",
        "time": "2026-11-01T10:00:00Z",
        "detail": detail,
    }


def sns(message: object) -> dict[str, Any]:
    return {"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:123456789012:alerts", "Message": json.dumps(message)}


@pytest.mark.parametrize(
    ("alert", "kind", "clue"),
    [
        (record(7), "CloudTrail record", (ClueKind.EVENT, "e-7")),
        ({"Records": [record(7)]}, "CloudTrail record", (ClueKind.EVENT, "e-7")),
        ({"Events": [{"EventId": "e-7", "CloudTrailEvent": json.dumps(record(7))}]}, "CloudTrail record", (ClueKind.EVENT, "e-7")),
        (bridge(record(7), "AWS API Call via CloudTrail", "aws.iam"), "CloudTrail record", (ClueKind.EVENT, "e-7")),
        (guardduty(), "GuardDuty finding", (ClueKind.KEY, KEY)),
        ([guardduty()], "GuardDuty finding", (ClueKind.KEY, KEY)),
        ({"Findings": [guardduty()]}, "GuardDuty finding", (ClueKind.KEY, KEY)),
        (bridge(guardduty(), "GuardDuty Finding", "aws.guardduty"), "GuardDuty finding", (ClueKind.KEY, KEY)),
        (sns(bridge(guardduty(), "GuardDuty Finding", "aws.guardduty")), "GuardDuty finding", (ClueKind.KEY, KEY)),
        ({"Records": [{"EventSource": "aws:sns", "Sns": sns(guardduty())}]}, "GuardDuty finding", (ClueKind.KEY, KEY)),
        (HUB, "Security Hub finding", (ClueKind.ARN, "arn:aws:iam::123456789012:user/ana")),
        (bridge({"findings": [HUB]}, "Security Hub Findings - Imported", "aws.securityhub"), "Security Hub finding", (ClueKind.ARN, "arn:aws:iam::123456789012:user/ana")),
        (sns(alarm()), "CloudWatch alarm", (ClueKind.KEY, KEY)),
        (alarm(), "CloudWatch alarm", (ClueKind.KEY, KEY)),
        (ANALYZER, "Access Analyzer finding", (ClueKind.ARN, "arn:aws:iam::123456789012:role/open")),
        ({"finding": ANALYZER}, "Access Analyzer finding", (ClueKind.ARN, "arn:aws:iam::123456789012:role/open")),
    ],
)  # fmt: skip
def test_alerts_in_their_envelopes(alert: object, kind: str, clue: tuple[ClueKind, str]) -> None:
    found = decode_alert(json.dumps(alert))
    assert found.kind == kind
    assert (found.clues[0].kind, found.clues[0].value) == clue


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        (KEY.lower(), ClueKind.KEY, KEY),
        (f'"{KEY}",', ClueKind.KEY, KEY),
        ("arn:aws:iam::123456789012:user/ana", ClueKind.ARN, "arn:aws:iam::123456789012:user/ana"),
        ("203.0.113.77", ClueKind.IP, "203.0.113.77"),
        ("2001:db8::1", ClueKind.IP, "2001:db8::1"),
        ("FCB4C20C-5294-4808-940e-f2b5fda3d187", ClueKind.EVENT, "fcb4c20c-5294-4808-940e-f2b5fda3d187"),
        ("AIDAEXAMPLE0123456789", ClueKind.UNIQUE_ID, "AIDAEXAMPLE0123456789"),
        (f"ALARM: key {KEY} was used from 203.0.113.7, please look", ClueKind.KEY, KEY),
    ],
)
def test_bare_things(text: str, kind: ClueKind, value: str) -> None:
    assert (decode_alert(text).clues[0].kind, decode_alert(text).clues[0].value) == (kind, value)


def test_what_a_finding_tells_is_kept() -> None:
    found = decode_alert(json.dumps(guardduty()))
    assert (found.severity, found.account, found.title) == ("high", "123456789012", "UnauthorizedAccess:IAMUser/MaliciousIPCaller")
    assert {(clue.kind, clue.value) for clue in found.clues} >= {(ClueKind.USER, "ana"), (ClueKind.IP, "198.51.100.9")}


@pytest.mark.parametrize("text", ["", "   ", "{", "[]", "{}", '{"a": 1}', "hello there my friend", "[" * 4000])
def test_what_is_no_alert_is_a_sentence(text: str) -> None:
    with pytest.raises(BadInputError) as caught:
        decode_alert(text)
    assert "\n" not in caught.value.message


@given(st.recursive(st.none() | st.text() | st.integers() | st.floats(allow_nan=False), lambda x: st.lists(x) | st.dictionaries(
    st.sampled_from(["detail", "detail-type", "source", "Message", "Type", "Records", "Findings", "resource", "service", "type", "eventName",
                     "userIdentity", "AlarmName", "Severity", "Resources", "ProductArn", "Sns", "finding", "findings"]), x), max_leaves=12))  # fmt: skip
def test_any_json_is_an_alert_or_a_sentence(value: object) -> None:
    for wrapped in (value, {"detail": value, "source": "aws.guardduty"}, {"Records": [value]}):
        try:
            found = decode_alert(json.dumps(wrapped))
        except BadInputError:
            continue
        assert found.clues or found.record


def test_secrets_of_a_pasted_record_are_dropped() -> None:
    leaky = record(1, responseElements={"credentials": {"accessKeyId": "ASIA1", "sessionToken": "IQoJsecretsecret"}})
    assert "IQoJsecret" not in decode_alert(json.dumps(leaky)).record


@pytest.mark.skipif(not SHAPES.exists(), reason="the development data (../shared/data) is not here")
def test_real_eventbridge_events() -> None:
    for path in (SHAPES / "eventbridge").glob("*.json"):
        found = decode_alert(path.read_text())
        assert found.kind == "CloudTrail record"
        assert found.clues


# -- joined -----------------------------------------------------------------------------------------------------------


@cache
def demo() -> Session:
    session = Session(DemoSource(NOW), now=lambda: NOW)
    session.open()
    for _ in session.load_events(EventQuery()):
        pass
    return session


def breach(name: str) -> Event:
    return next(e for e in demo()._book.log.newest_first() if e.name == name and e.ip in ("203.0.113.77", "198.51.100.201"))


def answered(text: str) -> Triage:
    return demo().triage(demo().alert(text))


def words(found: Triage) -> str:
    return "\n".join(line for heading, lines in sections(found) for line in (heading, *lines))


def test_a_pasted_record_of_the_breach_is_answered_whole() -> None:
    event = breach("CreateAccessKey")
    found = answered(json.dumps(bridge(json.loads(event.record), "AWS API Call via CloudTrail", "aws.iam")))
    told = words(found)
    assert found.event is event
    assert found.who is not None
    assert found.who.item.name == "ci-runner"
    assert "behind it: ci-runner (IAM user)" in told
    assert "NEW: none of them of CreateAccessKey" in told
    assert "gives an administrator's rights" in told
    assert "AttachUserPolicy success  ci-runner" in told
    assert f"--access-key-id {event.actor.access_key_id} --status Inactive" in told


def test_what_was_done_through_a_role_leads_to_the_user() -> None:
    event = next(e for e in demo()._book.log.newest_first() if e.name == "StopLogging")
    found = answered(event.event_id)
    assert found.chain is not None
    assert found.chain.words == "svc-monitoring (IAM user)"
    assert "session by svc-monitoring" in words(found)
    assert any("put-role-policy" in command for _, command in found.steps)


def test_a_key_and_an_address_find_the_same_night() -> None:
    event = breach("CreateUser")
    for text in (event.actor.access_key_id, event.ip):
        found = answered(text)
        assert found.found > 5
        assert found.who is not None
        assert found.who.item.name == "ci-runner"


def test_what_no_event_names_is_said() -> None:
    found = answered("AKIAEXAMPLENOWHERE000")
    assert found.event is None
    assert found.who is None
    told = words(found)
    assert "no event among the" in told
    assert "the identity is in no list that was read" in told


def test_a_record_that_was_not_read_is_taken_from_the_alert() -> None:
    found = answered(json.dumps(record(3)))
    assert found.event is not None
    assert found.event.event_id == "e-3"
    assert "nothing of this identity was seen before it" in words(found)


def test_commands_quote_names_for_the_shell() -> None:
    for _, command in answered(breach("CreateUser").event_id).steps:
        parts = shlex.split(command)
        assert parts[0] in ("aws", "iamtui")
    event = next(e for e in demo()._book.log.newest_first() if e.name == "StopLogging")
    (command,) = [c for _, c in answered(event.event_id).steps if "put-role-policy" in c]
    shown = subprocess.run(["sh", "-c", command.replace("aws iam", "printf '%s\\n'", 1)], capture_output=True, text=True, check=True).stdout
    document = json.loads(shown.splitlines()[-1])
    assert document["Statement"][0]["Condition"]["DateLessThan"]["aws:TokenIssueTime"].startswith("20")


def test_json_has_every_part() -> None:
    answer = triage_object(answered(breach("CreateUser").event_id))
    assert json.loads(json.dumps(answer, default=str))["behind"]["name"] == "ci-runner"
    assert answer["steps"]
    assert answer["usual"]


# -- the command ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["table", "json", "markdown"])
def test_the_command(form: str, tmp_path: Path) -> None:
    path = tmp_path / "alert.json"
    path.write_text(json.dumps(sns(guardduty(accessKeyId="", userName="ci-runner", principalId=""))))
    result = CliRunner().invoke(cli, ["triage", str(path), "--demo", "--format", form])
    assert result.exit_code == 0, result.output
    assert "ci-runner" in result.stdout
    if form == "json":
        assert json.loads(result.stdout)["alert"]["kind"] == "GuardDuty finding"


def test_standard_input_and_exit_codes() -> None:
    assert CliRunner().invoke(cli, ["triage", "-", "--demo"], input="203.0.113.77").exit_code == 0
    assert CliRunner().invoke(cli, ["triage", "198.18.0.1", "--demo"]).exit_code == 4
    assert isinstance(CliRunner().invoke(cli, ["triage", "-", "--demo"], input="").exception, BadInputError)


def test_hostile_text_stays_text() -> None:
    nasty = record(1, eventName="A\x1b]0;x\x07<b>|`", userAgent="[x](javascript:1)\u202e")
    for form in ("table", "json", "markdown"):
        out = CliRunner().invoke(cli, ["triage", "-", "--demo", "--format", form], input=json.dumps(nasty)).stdout
        assert "\x1b" not in out
        assert "\u202e" not in out
        if form == "markdown":
            assert "[x](javascript:1)" not in out


# -- alarms and rules --------------------------------------------------------------------------------------------------


def demo_triage(text: str) -> Triage:
    session = Session(DemoSource(now=NOW), now=lambda: NOW)
    session.open()
    alert = session.alert(text)
    for _ in session.load_clues(alert):
        pass
    return session.triage(alert)


def gone_off(name: str, day: str) -> str:
    arn = f"arn:aws:cloudwatch:eu-central-1:123456789012:alarm:{name}"
    return json.dumps(
        {"AlarmName": name, "AlarmArn": arn, "NewStateValue": "ALARM", "StateChangeTime": f"{day}:00.000+0000", "Trigger": {}}
    )


def test_an_alarm_that_goes_off_leads_to_the_event_that_raised_it() -> None:
    found = demo_triage(gone_off("iam-changes", "2026-03-05T02:07"))
    assert found.event is not None
    assert (found.event.name, found.event.actor.name) == ("AttachUserPolicy", "ci-runner")
    alarm, rule = found.alarms
    assert (alarm.name, alarm.named, alarm.hears) == ("iam-changes", True, ("on-call@acme.example",))
    assert [change.new for change in alarm.then if change.new][:2] == ["ALARM", "OK"]
    assert (rule.kind, rule.name) == ("rule", "admin-granted")
    told = dict(sections(found))["Alarms and rules"]
    assert told[0] == "alarm iam-changes (OK), named by the alert: tells on-call@acme.example"
    assert triage_object(found)["alarms"][0]["hears"] == ("on-call@acme.example",)


def test_an_event_nobody_heard_of_says_so() -> None:
    session = Session(DemoSource(now=NOW), now=lambda: NOW)
    session.open()
    for _ in session.load_events():
        pass
    deleted = next(event for event in session._book.log.newest_first() if event.name == "DeleteUser")
    found = session.triage(session.alert(deleted.event_id))
    lines = dict(sections(found))["Alarms and rules"]
    assert any("user-lifecycle (OK): tells nobody: topic identity-reviews nobody has confirmed" in line for line in lines)
    assert any(line.startswith("rule iam-user-deleted: tells nobody: rule iam-user-deleted is in eu-central-1") for line in lines)


def test_an_alarm_nobody_has_read_is_said() -> None:
    found = demo_triage(gone_off("not-ours", "2026-03-05T02:07"))
    assert "the alarm not-ours is not among those that were read" in found.unknown
    assert not found.alarms


def test_markdown_of_the_ticket_has_the_alarms() -> None:
    text = gone_off("root-sign-in", "2026-02-16T21:16")
    result = CliRunner().invoke(cli, ["triage", "--demo", "--format", "markdown", "-"], input=text)
    assert "## Alert" in result.stdout
    assert "## Alarms and rules" in result.stdout or "not read" in result.stdout
