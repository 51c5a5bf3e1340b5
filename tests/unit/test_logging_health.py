"""Can this account be audited? Each state has its fact; nothing is claimed that was not read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from iamtui.analysis.alarms.health import Health, Row, health
from iamtui.model import guards as watch
from iamtui.model.account import CREDENTIALS, Section, Snapshot
from iamtui.model.event import Window, WindowState
from iamtui.model.fact import State, absent, known
from iamtui.model.guards import FieldTest, Guards, Recorder, Selector
from iamtui.session.guardtext import health_words
from tests.support.demo import NOW
from tests.unit.test_alarm_coverage import ACCOUNT, HOME, TRAIL, changed, demo, status

BASELINE = f"arn:aws:cloudtrail:{HOME}:111122223333:trail/acme-baseline"


def rows(guards: Guards, snapshot: Snapshot | None = None, windows: tuple[Window, ...] = ()) -> list[Row]:
    return list(health(guards, snapshot, windows, NOW))


def state(guards: Guards, id: str, name: str = "") -> tuple[Health, str]:
    row = next(row for row in rows(guards) if row.id == id and name in row.name)
    return row.state, row.found


def alone(**more: Any) -> Guards:
    """The demo with its own trail only, changed."""
    guards = msgspec.structs.replace(demo(), trails={TRAIL: demo().trails[TRAIL]})
    return changed(guards, "trails", TRAIL, **more)


@pytest.mark.parametrize(
    ("guards", "id", "expected", "words"),
    [
        (alone(), "trail.logging", Health.OK, "last delivery 4 min ago"),
        (alone(status=status(logging=False)), "trail.logging", Health.MISSING, "stopped"),
        (alone(status=status(delivered=NOW - timedelta(days=4))), "trail.logging", Health.WEAK, "last delivery 4 d ago"),
        (alone(status=status(delivery_error="AccessDenied")), "trail.logging", Health.WEAK, "cannot deliver: AccessDenied"),
        (alone(status=status(delivered=None)), "trail.logging", Health.WEAK, "no delivery is told yet"),
        (alone(status=absent(State.DENIED, detail="you may not")), "trail.logging", Health.DENIED, "you may not"),
        (alone(status=absent(State.NOT_LOADED)), "trail.logging", Health.UNKNOWN, "was not read"),
        (alone(multi_region=False), "trail.regions", Health.WEAK, "records eu-central-1 only"),
        (alone(multi_region=False), "recording.write", Health.MISSING, "no trail of every Region"),
        (alone(global_events=False), "trail.global", Health.WEAK, "leaves out global services"),
        (alone(validation=False), "trail.validation", Health.WEAK, "no log file validation"),
        (alone(kms_key="arn:key"), "trail.encryption", Health.OK, "encrypted with arn:key"),
        (alone(log_group=""), "trail.logs", Health.WEAK, "delivers to no log group"),
        (alone(status=status(logs_error="gone")), "trail.logs", Health.WEAK, "failing: gone"),
        (alone(selectors=absent(State.DENIED)), "recording.write", Health.UNKNOWN, "were not read"),
        (alone(selectors=absent(State.DENIED)), "recording.data", Health.UNKNOWN, "were not read"),
        (alone(selectors=known(()), custom=False), "recording.data", Health.WEAK, "no data events are recorded"),
        (
            alone(
                selectors=known(
                    (Selector("", (FieldTest("eventCategory", "Equals", ("Management",)), FieldTest("readOnly", "Equals", ("false",)))),)
                )
            ),
            "recording.read",
            Health.WEAK,
            "no trail of every Region records calls that read",
        ),
        (alone(), "log-group", Health.OK, "keeps events for 90 days"),
        (msgspec.structs.replace(alone(), groups={}), "log-group", Health.MISSING, "is gone"),
        (alone(log_group=f"arn:aws:logs:{HOME}:111122223333:log-group:x"), "log-group", Health.UNKNOWN, "is in account 111122223333"),
        (msgspec.structs.replace(alone(), recorders={}), "config.recorder", Health.MISSING, "no Region has a recorder"),
        (msgspec.structs.replace(alone(), analyzers={}), "analyzer.external", Health.WEAK, "no analyzer of external access"),
        (msgspec.structs.replace(alone(), off=frozenset({"me-south-1"})), "regions.off", Health.OK, "me-south-1"),
    ],
)
def test_each_row_says_what_is_so(guards: Guards, id: str, expected: Health, words: str) -> None:
    found, told = state(guards, id)
    assert found is expected, told
    assert words in told


def test_short_retention_and_forever() -> None:
    group = next(iter(demo().groups))
    assert state(changed(demo(), "groups", group, retention=7), "log-group")[0] is Health.WEAK
    assert state(changed(demo(), "groups", group, retention=None), "log-group") == (Health.OK, "keeps events for ever")


@pytest.mark.parametrize(
    ("recorder", "expected"),
    [
        (Recorder("d", "us-east-1", True, True, recording=True), Health.OK),
        (Recorder("d", "us-east-1", True, False, recording=True), Health.WEAK),
        (Recorder("d", "us-east-1", types=("AWS::EC2::Instance",), recording=True), Health.WEAK),
        (
            Recorder("d", "us-east-1", types=("AWS::IAM::User", "AWS::IAM::Role", "AWS::IAM::Group", "AWS::IAM::Policy"), recording=True),
            Health.OK,
        ),
        (Recorder("d", "us-east-1", True, left_out=("AWS::IAM::Role",), recording=True), Health.WEAK),
        (Recorder("d", "us-east-1", True, left_out=("AWS::EC2::Instance",), recording=True), Health.OK),
    ],
)
def test_whether_config_records_iam(recorder: Recorder, expected: Health) -> None:
    assert state(msgspec.structs.replace(demo(), recorders={("us-east-1", "d"): recorder}), "config.iam")[0] is expected


def test_what_was_denied_is_denied_and_what_nobody_asked_is_unknown() -> None:
    nothing = Guards(account=ACCOUNT)
    assert {row.id: row.state for row in rows(nothing)} == {
        "trails": Health.UNKNOWN,
        "config": Health.UNKNOWN,
        "analyzer": Health.UNKNOWN,
        "credential-report": Health.UNKNOWN,
        "history": Health.UNKNOWN,
    }
    refused = Guards(
        account=ACCOUNT, asked={(what, "us-east-1"): absent(State.DENIED) for what in (watch.TRAILS, watch.RECORDERS, watch.ANALYZERS)}
    )
    assert [row.state for row in rows(refused)][:3] == [Health.DENIED] * 3
    empty = Guards(account=ACCOUNT, asked={(what, "us-east-1"): known(None) for what in (watch.TRAILS, watch.RECORDERS, watch.ANALYZERS)})
    assert state(empty, "trails")[0] is Health.MISSING
    assert "there is no trail" in state(empty, "trails")[1]


def test_report_and_history() -> None:
    def report(section: Section) -> Health:
        snapshot = Snapshot(ACCOUNT, sections={CREDENTIALS: section})
        return next(row.state for row in rows(demo(), snapshot) if row.id == "credential-report")

    assert report(Section(State.KNOWN, NOW)) is Health.OK
    assert report(Section(State.KNOWN, NOW - timedelta(days=3))) is Health.WEAK
    assert report(Section(State.DENIED)) is Health.DENIED

    def history(window: Window) -> tuple[Health, str]:
        row = next(row for row in rows(demo(), None, (window,)) if row.id == "history")
        return row.state, row.found

    since = NOW - timedelta(days=90)
    assert history(Window("us-east-1", WindowState.COVERED, since, NOW)) == (Health.OK, "90 days back in us-east-1")
    assert history(Window("us-east-1", WindowState.PARTIAL, since, NOW))[0] is Health.WEAK
    assert history(Window("eu-west-1", WindowState.COVERED, since, NOW))[0] is Health.WEAK  # not where IAM's events are
    assert history(Window("us-east-1", WindowState.DENIED, reason="no"))[0] is Health.DENIED


def test_text_for_another_accounts_trail_says_whose_credentials_it_wants() -> None:
    row = next(row for row in rows(demo()) if row.id == "trail.validation" and row.name == "acme-baseline")
    assert row.todo.endswith("(with credentials of account 111122223333)")
    assert BASELINE in row.todo


def test_the_sentence_on_top_claims_no_more_than_the_rows() -> None:
    assert health_words(rows(demo())).startswith("A trail records; ")
    assert health_words(rows(alone(status=status(logging=False)))).startswith("No trail records as it should")
    assert health_words(rows(Guards(account=ACCOUNT))).startswith("Whether a trail records cannot be told")
