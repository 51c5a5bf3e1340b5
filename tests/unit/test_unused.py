"""Unused is only said where a source looked; a smaller policy never takes away what was used, and never gives."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from iamtui.analysis.access import around, as_caller
from iamtui.analysis.effective import effective_access
from iamtui.analysis.reducing import Reduction, reduced
from iamtui.analysis.unused import ActionUse, UnusedAccess, UseState, covers, unused_access
from iamtui.cli import cli
from iamtui.model.account import Snapshot
from iamtui.model.event import Actor, ActorKind, Event, Outcome, Window, WindowState
from iamtui.model.fact import Fact, State, absent, known
from iamtui.model.identity import Group, Identity, InlinePolicy, Role
from iamtui.model.policy import Policy, PolicyRef, PolicyVersion
from iamtui.model.usage import ActionUsage, ServiceUsage, UsageReport
from iamtui.policy.compiled import compile_policy
from iamtui.policy.coverage import gained
from iamtui.policy.decision import Effect, Layers
from iamtui.policy.evaluation import Request, evaluate, held
from iamtui.session import Session
from iamtui.source.demo import DemoSource
from tests.unit.test_analysis_access import ACCOUNT, text, user
from tests.unit.test_effective import allow, deny

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SOURCE = "iam:GetServiceLastAccessedDetails"
COVERED = (Window("eu-west-1", WindowState.COVERED, NOW - timedelta(days=90), NOW),)
NOT_ASKED: Fact[UsageReport] = absent(State.NOT_LOADED, SOURCE)


def event(action: str, days: float = 1, *arns: str, outcome: Outcome = Outcome.SUCCESS) -> Event:
    service, _, name = action.partition(":")
    actor = Actor(ActorKind.USER, "ana", f"arn:aws:iam::{ACCOUNT}:user/ana")
    when = NOW - timedelta(days=days)
    return Event(f"e{action}{days}", when, name, f"{service}.amazonaws.com", "eu-west-1", ACCOUNT, actor, outcome, True, "{}", targets=arns)


def used(days: float | None) -> Fact[datetime]:
    return absent(State.NOT_IN_TRACKING_PERIOD, SOURCE, NOW) if days is None else known(NOW - timedelta(days=days), SOURCE, NOW)


def report(*services: ServiceUsage) -> Fact[UsageReport]:
    return known(UsageReport("arn", "ACTION_LEVEL", services, NOW, SOURCE, NOW - timedelta(days=400)), SOURCE, NOW)


def service(prefix: str, days: float | None, **actions: float | None) -> ServiceUsage:
    return ServiceUsage(prefix, prefix, used(days), actions=tuple(ActionUsage(name, used(when)) for name, when in actions.items()))


def answer(
    identity: Identity,
    usage: Fact[UsageReport] = NOT_ASKED,
    events: Sequence[Event] = (),
    windows: Sequence[Window] = (),
    snapshot: Snapshot | None = None,
    days: int = 90,
) -> UnusedAccess:
    snapshot = snapshot or Snapshot(ACCOUNT)
    return unused_access(identity, snapshot, effective_access(identity, snapshot), usage, events, windows, NOW, days)


def action(found: UnusedAccess, full: str) -> ActionUse:
    prefix, _, name = full.partition(":")
    return next(a for s in found.services if s.prefix == prefix for a in s.actions if a.name == name)


EC2 = user("ana", text(allow(["ec2:DescribeInstances", "ec2:StartInstances", "ec2:TerminateInstances"])))


def test_used_and_unused_since() -> None:
    found = answer(EC2, report(service("ec2", 3, DescribeInstances=3, StartInstances=200, TerminateInstances=None)))
    assert action(found, "ec2:DescribeInstances").state is UseState.USED
    since = action(found, "ec2:StartInstances")
    assert (since.state, since.last_used) == (UseState.UNUSED_SINCE, NOW - timedelta(days=200))
    never = action(found, "ec2:TerminateInstances")
    assert (never.state, never.source) == (UseState.NEVER, SOURCE)
    assert "2025" in never.why


def test_the_newest_source_wins_and_is_named() -> None:
    found = answer(EC2, report(service("ec2", 30, DescribeInstances=30)), [event("ec2:DescribeInstances", 2)])
    one = action(found, "ec2:DescribeInstances")
    assert (one.last_used, one.source) == (NOW - timedelta(days=2), "CloudTrail events")


def test_events_that_cover_the_days_tell_what_was_not_done() -> None:
    found = answer(EC2, NOT_ASKED, [event("ec2:DescribeInstances")], COVERED)
    assert action(found, "ec2:TerminateInstances").state is UseState.NEVER
    assert action(found, "ec2:TerminateInstances").source == "CloudTrail events"


@pytest.mark.parametrize(
    "windows",
    [
        (),
        (Window("eu-west-1", WindowState.COVERED, NOW - timedelta(days=20), NOW),),
        (Window("eu-west-1", WindowState.PARTIAL, NOW - timedelta(days=90), NOW),),
        (*COVERED, Window("us-east-1", WindowState.DENIED, NOW - timedelta(days=90), NOW, "denied")),
    ],
)
def test_events_that_do_not_cover_the_days_tell_nothing(windows: tuple[Window, ...]) -> None:
    assert not covers(windows, NOW - timedelta(days=90), 90)
    found = answer(EC2, NOT_ASKED, [event("ec2:DescribeInstances")], windows)
    assert action(found, "ec2:TerminateInstances").state is UseState.UNKNOWN


@pytest.mark.parametrize("state", [State.DENIED, State.FAILED, State.NOT_LOADED])
def test_a_source_that_was_not_asked_or_refused_is_no_claim(state: State) -> None:
    found = answer(EC2, absent(state, SOURCE, detail="no"))
    one = action(found, "ec2:TerminateInstances")
    assert one.state is UseState.UNKNOWN
    assert state.value in one.why
    assert found.services[0].state is UseState.UNKNOWN
    assert not found.sources[0].seen


def test_what_nobody_can_see_is_not_observable() -> None:
    one = user("ana", text(allow(["s3:GetObject", "iam:PassRole", "s3:ListAllMyBuckets"])))
    found = answer(one, report(service("s3", 1, ListAllMyBuckets=1), service("iam", None)), [event("s3:ListBuckets")], COVERED)
    assert action(found, "s3:GetObject").state is UseState.NOT_OBSERVABLE
    assert "data event" in action(found, "s3:GetObject").why
    assert action(found, "iam:PassRole").state is UseState.NOT_OBSERVABLE
    assert action(found, "s3:ListAllMyBuckets").state is UseState.USED  # the operation is ListBuckets


def test_a_service_nobody_used_takes_its_data_actions_along() -> None:
    one = user("ana", text(allow(["s3:GetObject", "dynamodb:GetItem"])))
    found = answer(one, report(service("s3", None), service("dynamodb", 200)))
    assert action(found, "s3:GetObject").state is UseState.NEVER
    assert action(found, "dynamodb:GetItem").state is UseState.UNUSED_SINCE


def test_a_denied_call_is_no_use() -> None:
    found = answer(EC2, NOT_ASKED, [event("ec2:TerminateInstances", outcome=Outcome.DENIED)], COVERED)
    assert action(found, "ec2:TerminateInstances").state is UseState.NEVER


def test_what_another_call_may_need_stays() -> None:
    one = user("ana", text(allow(["ec2:RunInstances", "iam:PassRole", "ec2:CreateTags"])))
    found = answer(one, report(service("ec2", 1)), [event("ec2:RunInstances")], COVERED)
    assert action(found, "iam:PassRole").state is UseState.NOT_OBSERVABLE


def test_a_role_nobody_assumed_uses_nothing() -> None:
    role = Role(
        f"arn:aws:iam::{ACCOUNT}:role/old",
        "old",
        "AROA1",
        "/",
        ACCOUNT,
        None,
        inline=(InlinePolicy("p", text(allow("s3:GetObject"))),),
        last_used_told=True,
    )
    found = answer(role)
    assert found.idle == "the role was never used in the window"
    assert action(found, "s3:GetObject").state is UseState.NEVER
    told = answer(msgspec.structs.replace(role, last_used=NOW - timedelta(days=3)))
    assert (told.idle, action(told, "s3:GetObject").state) == ("", UseState.NOT_OBSERVABLE)
    assert answer(msgspec.structs.replace(role, last_used_told=False)).idle == ""


# -- smaller policies ------------------------------------------------------------------------------------------------


def smaller(identity: Identity, found: UnusedAccess, events: Sequence[Event] = (), snapshot: Snapshot | None = None) -> Reduction:
    return reduced(identity, snapshot or Snapshot(ACCOUNT), found, events)


def statements(document: str) -> list[dict[str, Any]]:
    return list(json.loads(document)["Statement"])


def test_seed_story_only_describes() -> None:
    one = user("ana", text({"Sid": "Scan", **allow("ec2:*")}))
    events = [event("ec2:DescribeInstances")]
    found = answer(one, report(service("ec2", 1, DescribeInstances=1)), events, COVERED)
    (policy,) = smaller(one, found, events).policies
    first = statements(policy.new)[0]
    assert (first["Sid"], first["Action"], first["Resource"]) == ("Scan", "ec2:DescribeInstances", "*")
    assert "ec2:TerminateInstances" in policy.removed
    assert {s["Sid"] for s in statements(policy.new)} <= {"Scan", "Unseen1"}


def test_resources_that_events_name() -> None:
    one = user("ana", text(allow(["sqs:SetQueueAttributes", "sqs:ListQueues", "sqs:DeleteQueue", "sqs:CreateQueue"])))
    queue = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q"
    events = [event("sqs:CreateQueue", 3, queue), event("sqs:DeleteQueue", 2), event("sqs:ListQueues", 1)]
    (policy,) = smaller(one, answer(one, NOT_ASKED, events, COVERED), events).policies
    by_action = {a: s for s in statements(policy.new) for a in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])}
    assert by_action["sqs:CreateQueue"]["Resource"] == queue
    assert by_action["sqs:DeleteQueue"]["Resource"] == "*"  # one call named no queue
    assert "sqs:SetQueueAttributes" not in by_action
    assert policy.narrowed == ("sqs:CreateQueue",)


def test_a_use_no_event_shows_keeps_its_resources() -> None:
    """The report knows a later use: on which resource nobody knows."""
    one = user("ana", text(allow("sqs:CreateQueue")))
    events = [event("sqs:CreateQueue", 30, f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q")]
    found = answer(one, report(service("sqs", 1, CreateQueue=1)), events, COVERED)
    (policy,) = smaller(one, found, events).policies
    assert not policy.changed


def test_nothing_used_is_told_as_detach_and_denies_stay() -> None:
    one = user("ana", text(allow("sqs:*")), text(deny("iam:*"), allow("sqs:ListQueues")))
    events = [event("sqs:ListQueues")]
    found = answer(one, report(service("sqs", 1, ListQueues=1)), events, COVERED)
    first, second = smaller(one, found, events).policies
    assert second.new == second.old
    assert statements(first.new)[0]["Action"] == "sqs:ListQueues"
    idle = answer(one, report(service("sqs", None)))
    first, second = smaller(one, idle).policies
    assert first.new == ""
    assert [statement["Effect"] for statement in statements(second.new)] == ["Deny"]


def test_what_the_catalogue_does_not_know_stays() -> None:
    one = user("ana", text(allow(["newservice:*", "sqs:ListQueues"])))
    (policy,) = smaller(one, answer(one, report(service("sqs", None)), [], COVERED)).policies
    assert statements(policy.new)[0]["Action"] == "newservice:*"


def test_who_else_has_it_is_said() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/shared"
    policy = Policy(
        arn,
        "shared",
        "ANPAX",
        "/",
        ACCOUNT,
        None,
        None,
        "v1",
        1,
        0,
        True,
        versions=(PolicyVersion("v1", True, None, text(allow("sqs:*"))),),
    )
    ana, ben = (msgspec.structs.replace(user(name), attached=(PolicyRef(arn, "shared"),)) for name in ("ana", "ben"))
    group = Group(f"arn:aws:iam::{ACCOUNT}:group/g", "g", "AGPA1", "/", ACCOUNT, None, inline=(InlinePolicy("in", text(allow("sns:*"))),))
    ana = msgspec.structs.replace(ana, groups=("g",))
    snapshot = Snapshot(ACCOUNT, users=(ana, ben), groups=(group,), policies=(policy,))
    found = answer(ana, report(service("sqs", None), service("sns", None)), [], COVERED, snapshot)
    notes = {p.name: p.notes for p in smaller(ana, found, (), snapshot).policies}
    assert notes["shared"] == ("also attached to ben: give this one a copy",)
    assert notes["in"] == ("it comes through the group g: the other members have it too",)


OPERATIONS = (
    "ec2:DescribeInstances",
    "ec2:StartInstances",
    "sqs:CreateQueue",
    "sqs:ListQueues",
    "sns:Publish",
    "iam:CreateUser",
    "s3:CreateBucket",
)
NAMED = {
    "sqs": (f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:r"),
    "ec2": (f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-1",),
    "iam": (f"arn:aws:iam::{ACCOUNT}:user/x",),
    "s3": ("arn:aws:s3:::b",),
    "sns": (f"arn:aws:sns:eu-west-1:{ACCOUNT}:t",),
}
PATTERNS = st.sampled_from(
    ["*", "ec2:*", "ec2:Describe*", "sqs:*", "sqs:CreateQueue", "sns:*", "iam:*", "iam:Create*", "s3:*", "newservice:Do"]
)
WHERE = st.sampled_from(
    ["*", "*", f"arn:aws:sqs:*:{ACCOUNT}:*", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q", "arn:aws:s3:::*", f"arn:aws:iam::{ACCOUNT}:*"]
)


@st.composite
def policies(draw: Any) -> str:
    made = []
    for number in range(draw(st.integers(1, 3))):
        one: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Allow", "Deny"]))}
        one[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(st.lists(PATTERNS, min_size=1, max_size=2, unique=True))
        one["Resource"] = draw(st.lists(WHERE, min_size=1, max_size=2, unique=True))
        if draw(st.booleans()):
            one["Sid"] = f"S{number}"
        if draw(st.integers(0, 4)) == 0:
            one["Condition"] = {"Bool": {"aws:SecureTransport": "true"}}
        made.append(one)
    return text(*made)


@st.composite
def uses(draw: Any) -> list[Event]:
    found = []
    for number in range(draw(st.integers(0, 5))):
        name = draw(st.sampled_from(OPERATIONS))
        arns = draw(st.lists(st.sampled_from(NAMED[name.partition(":")[0]]), max_size=2, unique=True))
        found.append(event(name, draw(st.sampled_from([1, 5, 40, 89])) + number / 1000, *arns))
    return found


@settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink))
@given(st.lists(policies(), min_size=1, max_size=2), uses())
def test_everything_used_stays_allowed_and_nothing_is_gained(documents: list[str], events: list[Event]) -> None:
    one = user("ana", *documents)
    snapshot = Snapshot(ACCOUNT, users=(one,))
    found = answer(one, NOT_ASKED, events, COVERED, snapshot)
    made = smaller(one, found, events, snapshot).policies

    def effect(texts: Sequence[str], name: str, resource: str) -> Effect:
        layers = Layers(identity=tuple(held(t) for t in texts if t), boundary=around(one, snapshot).layers.boundary)
        return evaluate(Request(as_caller(one), name, resource, layers, conditional=True)).effect

    for seen in events:
        name = f"{seen.service}:{seen.name}"
        for resource in seen.targets:
            before = effect(documents, name, resource)
            if before in (Effect.ALLOWED, Effect.DEPENDS):
                assert effect([p.new for p in made], name, resource) is before, (name, resource)
    for policy in made:
        if policy.new:
            assert not gained(compile_policy(policy.old), compile_policy(policy.new))
            assert not compile_policy(policy.new).findings or compile_policy(policy.old).findings


# -- the command -----------------------------------------------------------------------------------------------------


def run(*words: str) -> Any:
    result = CliRunner().invoke(cli, ["unused", "--demo", *words])
    assert result.exit_code == 0, result.output
    return result


def test_the_command_tells_the_seed_story() -> None:
    result = run("inventory-scanner")
    assert '+      "Action": "ec2:DescribeInstances",' in result.stdout
    assert '-      "Action": "ec2:*",' in result.stdout
    assert "by action; lags about 4 h" in result.stdout


def test_the_command_as_json_csv_and_markdown() -> None:
    told = json.loads(run("User1", "--format", "json").stdout)
    glue = next(s for s in told["services"] if s["service"] == "glue")
    assert glue["state"] == "unused since"
    assert "AWSGlueConsoleFullAccess (via group data-analysts)" in glue["granted_by"]
    rows = list(csv.DictReader(io.StringIO(run("User1", "--format", "csv").stdout)))
    assert {row["service"]: row["state"] for row in rows}["glue"] == "unused since"
    page = run("User1", "--format", "markdown").stdout
    assert page.startswith("## `User1`")
    assert "| glue | unused since |" in page


def test_days_are_asked() -> None:
    assert "unused since" in run("User1", "--days", "180").stdout
    assert CliRunner().invoke(cli, ["unused", "--demo", "User1", "--days", "0"]).exit_code == 2


def test_names_are_no_markup() -> None:
    from iamtui.commands.output import markdown_text
    from iamtui.commands.unused import _code

    assert _code("a`b") == "`` a`b ``"
    assert markdown_text("[x](http://y) <b> |") == "\\[x\\]\\(http\\:\\//y\\) \\<b\\> \\|"
    assert "\x1b" not in markdown_text("\x1b]0;x\x07")


# -- findings of an analyzer -----------------------------------------------------------------------------------------


def test_an_analyzer_of_unused_access_is_a_source() -> None:
    from iamtui.model.surroundings import UnusedFinding

    one = user("ana", text(allow(["s3:GetObject", "s3:PutObject", "ec2:StartInstances"])))
    snapshot = Snapshot(ACCOUNT)
    told = (UnusedFinding(one.arn, "UnusedPermission", "s3", ("PutObject",), None, NOW - timedelta(days=2)),)
    access = effective_access(one, snapshot)
    found = unused_access(one, snapshot, access, NOT_ASKED, (), (), NOW, 90, told)
    put = action(found, "s3:PutObject")
    # A data event is seen by nobody but Access Advisor and the analyzer.
    assert (put.state, put.source) == (UseState.NEVER, "access-analyzer:ListFindingsV2")
    assert action(found, "s3:GetObject").state is UseState.NOT_OBSERVABLE
    assert action(found, "ec2:StartInstances").state is UseState.UNKNOWN
    assert found.sources[-1].window == "UnusedPermission; looked 2026-10-30, over the analyzer's own tracking period"
    assert unused_access(one, snapshot, access, NOT_ASKED, (), (), NOW, 90).sources[-1].source != found.sources[-1].source


@pytest.mark.parametrize(
    ("entry", "count"),
    [
        ({"findingType": "UnusedPermission", "status": "ACTIVE"}, 2),
        ({"findingType": "UnusedPermission", "status": "ARCHIVED"}, 0),
        ({"findingType": "ExternalAccess", "status": "ACTIVE"}, 0),
        ({"findingType": "UnusedIAMRole", "status": "ACTIVE"}, 1),
        ({"findingType": 7, "status": None}, 0),
    ],
)
def test_findings_as_they_are_saved(entry: dict[str, Any], count: int) -> None:
    from iamtui.model.document import Document, Kind, Origin
    from iamtui.model.surroundings import Surroundings
    from iamtui.source.decode import with_document

    details = [
        {
            "unusedPermissionDetails": {
                "serviceNamespace": "S3",
                "actions": [{"action": "PutObject"}],
                "lastAccessed": "2026-01-01T00:00:00Z",
            }
        },
        {"unusedPermissionDetails": {"serviceNamespace": "sqs", "actions": []}},
        "nonsense",
    ]
    finding = {"resource": "arn:x", "analyzedAt": "2026-10-30T00:00:00Z", "findingDetails": details, **entry}
    for body in ({"findings": [finding]}, finding):
        document = Document(Kind.ANALYZER_FINDINGS, json.dumps(body).encode(), NOW, Origin("test", "f"), ACCOUNT)
        around_ = with_document(with_document(Surroundings(), document), document)
        assert len(around_.unused.get("arn:x", ())) == count


def test_a_policy_of_which_nothing_was_used_keeps_its_denies() -> None:
    """They take from the other policies too: without them the user could do more than before."""
    everything = text({"Effect": "Allow", "Action": "ec2:*", "Resource": "*"})
    guarded = text(
        {"Effect": "Allow", "Action": "iam:Create*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    )
    one = user("ana", everything, guarded)
    snapshot = Snapshot(ACCOUNT, users=(one,))
    events = [event("ec2:DescribeInstances", 1)]
    made = smaller(one, answer(one, NOT_ASKED, events, COVERED, snapshot), events, snapshot).policies
    assert [statement["Effect"] for statement in json.loads(made[1].new)["Statement"]] == ["Deny"]


def test_the_index_of_who_made_events_answers_as_the_search_does() -> None:
    """Re-created names, sessions told only by their key, root: over real events and the demo's."""
    from iamtui.analysis.activity import Actors, by_actor
    from iamtui.analysis.lists import account_rows
    from iamtui.session import Session
    from tests.support.demo import event_documents, source

    session = Session(source(), now=lambda: NOW)
    session.open()
    snapshot = session.world.snapshots[0]
    from iamtui.source.decode import decode_events

    events = tuple(event for one in event_documents()[:12] for event in decode_events(one).events)
    stripped = tuple(
        msgspec.structs.replace(e, actor=msgspec.structs.replace(e.actor, unique_id="", arn="")) if n % 3 == 0 else e
        for n, e in enumerate(events)
    )
    for known_events in (events, stripped):
        index = Actors(known_events)
        for item in (*account_rows(snapshot), *snapshot.roles, *snapshot.groups, *snapshot.policies[:3]):
            assert index.of(item) == by_actor(known_events, item), item.name
            another = msgspec.structs.replace(item, unique_id="AIDAANOTHER") if hasattr(item, "unique_id") and item.unique_id else item
            assert index.of(another) == by_actor(known_events, another)


def test_the_report_about_everybody_is_written_as_it_is_made(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A few of the demo's: an array that is whole JSON, CSV without smaller policies, Markdown with the summary above."""
    from iamtui.commands import unused as command

    few = ("User1", "inventory-scanner", "old-reporting")
    everybody = command._everybody
    monkeypatch.setattr(command, "_everybody", lambda session: [row for row in everybody(session) if row.item.name in few])  # type: ignore[union-attr]
    told = {form: CliRunner().invoke(cli, ["unused", "--demo", "--format", form]) for form in ("json", "csv", "markdown")}
    assert all(result.exit_code == 0 for result in told.values())
    assert [one["name"] for one in json.loads(told["json"].stdout)] == list(few)
    assert any(policy["new"] for policy in json.loads(told["json"].stdout)[1]["policies"])
    assert told["csv"].stdout.count("role/inventory-scanner") == 1
    report = told["markdown"].stdout
    assert report.startswith("# Access nobody used in 90 days: acme-prod\n")
    assert report.index("| User1 |") < report.index("## `User1`")
    assert "3 users and roles; 1 of them were not used at all" in report
    command._print_json(iter(()), one=False)
    assert json.loads(capsys.readouterr().out) == []


def test_a_group_uses_what_its_members_use() -> None:
    session = Session(DemoSource())
    session.open()
    for _ in session.load_events():
        pass
    row = session.find("developers")[0].row
    for _ in session.load_usage(row):
        pass
    found, smaller = session.unused(row)
    used = {f"{s.prefix}:{a.name}".lower() for s in found.services for a in s.actions if a.state is UseState.USED}
    members = [user for user in row.snapshot.users if "developers" in user.groups]
    events = [e for user in members for e in session.search.by_actor(user) if e.outcome is not Outcome.DENIED]
    called = {f"{e.source.partition('.')[0]}:{e.name}".lower() for e in events}
    granted = {f"{s.prefix}:{a.name}".lower() for s in found.services for a in s.actions}
    assert len(called & granted) > 5
    assert called & granted <= used
    assert smaller.checked
