"""Saved answers about trails, alarms and rules: recognised by content, answered like a live account, hostile or broken as they may be."""

from __future__ import annotations

import csv
import io
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from iamtui.cli import cli
from iamtui.model.document import Document, Kind, Origin
from iamtui.source.decode.guards import ORDER, fold_all
from iamtui.source.demo import DemoSource
from iamtui.source.demo.guards import documents
from iamtui.source.evidence.kinds import Recognised, recognise
from tests.hostile import CANARIES, NASTY
from tests.support.demo import NOW, source

ACCOUNT = "123456789012"


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "IAMTUI_")):
            monkeypatch.delenv(name)
    for kind in ("CACHE", "CONFIG", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def saved(folder: Path, *, beside: bool, regions: tuple[str, ...] = ("us-east-1", "eu-central-1")) -> Path:
    """The demo's answers as `aws … > file` would save them; `beside`: with what they are about put beside them."""
    now = datetime.now(UTC)
    folder.mkdir()
    (folder / "who.json").write_text(json.dumps({"UserId": "A", "Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/a"}))
    for number, (operation, _about, body, region) in enumerate(documents(DemoSource(now).clock, now)):
        answer = json.loads(body)
        if region not in regions:
            continue
        if not beside:
            for name in ("TrailARN", "Rule", "RuleArn", "TopicArn"):
                if operation.endswith(("GetTrailStatus", "ListTargetsByRule", "ListSubscriptionsByTopic")):
                    answer.pop(name, None)
            if operation == "cloudtrail:GetTrailStatus" and "LatestCloudWatchLogsDeliveryTime" not in answer:
                continue
            if operation == "cloudtrail:DescribeTrails":
                answer["trailList"] = [trail for trail in answer["trailList"] if trail["Name"] == "acme-organization"]
        (folder / f"{number:03}.json").write_text(json.dumps(answer, indent=4))
    return folder


def test_every_answer_is_told_by_its_content() -> None:
    seen = set()
    for operation, _about, body, _region in documents(source().clock, NOW):
        answer = json.loads(body)
        (found,) = recognise(json.dumps(answer).encode())  # type: ignore[misc]
        assert (found.kind, found.key) == (Kind.GUARDS, operation)
        seen.add(operation)
    extra = {
        "events:DescribeRule": {"Name": "r", "Arn": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/r", "EventPattern": "{}", "State": "ENABLED"},
        "events:ListEventBuses": {"EventBuses": []},
        "cloudwatch:DescribeAlarmHistory": {"AlarmHistoryItems": []},
        "cloudtrail:DescribeTrails": {"Trail": {"TrailARN": "arn:x", "Name": "n"}},
        "cloudtrail:GetEventSelectors": {"TrailARN": "arn:x", "AdvancedEventSelectors": []},
    }
    for operation, answer in extra.items():
        (found,) = recognise(json.dumps(answer).encode())  # type: ignore[misc]
        assert (found.kind, found.key) == (Kind.GUARDS, operation)
    assert seen | extra.keys() == ORDER.keys()


@pytest.mark.parametrize(
    "other",
    [{"Rules": [{"ID": "1", "Status": "Enabled"}]}, {"Targets": [{"TargetId": "1"}]}, {"Subscriptions": [{"Id": "x"}]}, {"Trail": {}}],
)
def test_lists_of_the_same_name_of_other_services_are_not_mistaken(other: Any) -> None:
    (found,) = recognise(json.dumps(other).encode())  # type: ignore[misc]
    assert isinstance(found, Recognised)
    assert found.kind is Kind.OTHER


@pytest.mark.parametrize("beside", [True, False])
def test_saved_answers_answer_as_the_account_would(tmp_path: Path, beside: bool) -> None:
    folder = saved(tmp_path / "e", beside=beside)
    result = run("alarms", "--from", str(folder), "DeleteUser", "AttachUserPolicy", "--format", "json")
    assert result.exit_code == 1, result.output
    deleted, attached = sorted(json.loads(result.stdout), key=lambda entry: entry["event"] == "AttachUserPolicy")
    assert deleted["verdict"] == "nobody hears"
    assert "identity-reviews nobody has confirmed" in deleted["words"]
    assert attached["verdict"] == "heard"
    assert next(h["endpoint"] for h in attached["hears"]) == "on-call@acme.example"


def test_logging_health_from_saved_answers(tmp_path: Path) -> None:
    folder = saved(tmp_path / "e", beside=True)
    result = run("logging", "--from", str(folder), "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["state"] for row in rows if row["subject"] == "trail" and "logging" in row["found"]] == ["ok", "ok"]
    assert any(row["subject"] == "credential report" and row["state"] == "unknown" for row in rows)


def test_a_bundle_carries_them(tmp_path: Path) -> None:
    folder = saved(tmp_path / "e", beside=True)
    assert run("collect", "--from", str(folder), "-o", str(tmp_path / "b.zip")).exit_code == 0
    first = run("alarms", "--from", str(folder), "DeleteUser", "--format", "json")
    second = run("alarms", "--from", str(tmp_path / "b.zip"), "DeleteUser", "--format", "json")
    assert json.loads(first.stdout) == json.loads(second.stdout)


def test_evidence_without_any_of_it_claims_nothing(tmp_path: Path) -> None:
    (tmp_path / "who.json").write_text(json.dumps({"UserId": "A", "Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/a"}))
    result = run("alarms", "--from", str(tmp_path / "who.json"), "DeleteUser")
    assert result.exit_code == 4
    assert "nothing is known about who would hear" in result.stderr
    assert "trails: it was not read" in result.stdout


def attacked(value: Any, text: str) -> Any:
    """The answer with every free text replaced by an attack; what refers to something else keeps referring."""
    if isinstance(value, dict):
        kept = (
            "filterPattern",
            "EventPattern",
            "State",
            "StateValue",
            "ComparisonOperator",
            "Statistic",
            "TreatMissingData",
            "metricValue",
        )
        return {key: one if key in kept else attacked(one, text) for key, one in value.items()}
    if isinstance(value, list):
        return [attacked(one, text) for one in value]
    if isinstance(value, str) and not value[:4].isdigit():
        return value.replace("user-lifecycle", text).replace("acme", text) if ":" in value or "user-lifecycle" in value else text
    return value


@pytest.mark.parametrize("name", sorted(NASTY))
def test_hostile_names_reach_no_terminal(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "e"
    folder.mkdir()
    now = datetime.now(UTC)
    for number, (_operation, _about, body, region) in enumerate(documents(DemoSource(now).clock, now)):
        if region == "eu-central-1":
            (folder / f"{number}.json").write_text(json.dumps(attacked(json.loads(body), NASTY[name])), encoding="utf-8")
    for words in (("alarms", "DeleteUser"), ("alarms", "--states"), ("logging",), ("alarms", "--text", "cli", "DeleteUser")):
        result = CliRunner().invoke(cli, [words[0], "--from", str(folder), *words[1:]])
        assert result.exit_code in (0, 1, 4), (words, result.output)
        assert not isinstance(result.exception, UnicodeError)
        for canary in CANARIES:
            assert canary not in result.output.encode("utf-8", "replace")


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=6)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["Name", "Arn", "Rules", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(ORDER)), st.data())
def test_no_answer_makes_the_decoder_raise(operation: str, data: st.DataObject) -> None:
    bodies = {op: json.loads(body) for op, _, body, _ in documents(source().clock, NOW)}
    body = bodies.get(operation, {"AlarmHistoryItems": [{"AlarmName": "a", "Timestamp": "x", "HistoryData": "{"}]})

    def spoilt(value: Any) -> Any:
        if data.draw(st.integers(0, 3)) == 0:
            return data.draw(values)
        if isinstance(value, dict):
            return {key: spoilt(one) for key, one in value.items()}
        return [spoilt(one) for one in value] if isinstance(value, list) else value

    document = Document(Kind.GUARDS, json.dumps(spoilt(body)).encode(), NOW, Origin("evidence", "f"), "", operation)
    guards, broken = fold_all([document], ACCOUNT)
    assert guards.account == ACCOUNT
    assert all(isinstance(reason, str) for reason in broken)


def test_a_broken_answer_is_named_and_the_rest_counts() -> None:
    good = next(documents(source().clock, NOW))
    items = [
        Document(Kind.GUARDS, good[2], NOW, Origin("evidence", "good.json"), ACCOUNT, good[0], good[3]),
        Document(Kind.GUARDS, b"[1]", NOW, Origin("evidence", "bad.json"), ACCOUNT, "events:ListRules", good[3]),
    ]
    guards, broken = fold_all(items, ACCOUNT)
    assert len(guards.trails) == 2
    assert broken == ("bad.json: the answer is no JSON object",)
