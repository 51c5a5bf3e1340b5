"""Access Analyzer's findings beside ours: decoded from real answers, compared, explained."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from iamtui.analysis.analyzing import Compared, Known, Verdict, cause, compared, principal_words
from iamtui.analysis.exposure import exposures
from iamtui.cli import cli
from iamtui.model.account import Snapshot
from iamtui.model.analyzer import AnalyzerKind, Status
from iamtui.model.document import Document, Kind, Origin
from iamtui.model.event import Event
from iamtui.model.fact import State as FactState
from iamtui.model.fact import absent, known
from iamtui.model.identity import Role
from iamtui.model.surroundings import Surroundings
from iamtui.model.usage import ActionUsage, ServiceUsage, UsageReport
from iamtui.session import Session
from iamtui.session.analyzing import notes
from iamtui.source.decode import BROKEN, with_document
from iamtui.source.demo import DemoSource
from iamtui.source.evidence import EvidenceSource
from tests.support.evidence import data

NOW = datetime(2026, 10, 1, 14, tzinfo=UTC)
ACCOUNT = "123456789012"
BUCKET = "arn:aws:s3:::logs"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/ci"
ANALYZER = f"arn:aws:access-analyzer:eu-west-1:{ACCOUNT}:analyzer/outside"


def document(body: Any, kind: Kind = Kind.ANALYZER_FINDINGS, region: str = "") -> Document:
    return Document(kind, json.dumps(body).encode(), NOW, Origin("test", "x"), ACCOUNT, region=region)


def around(*documents: Document) -> Surroundings:
    found = Surroundings()
    for one in documents:
        found = with_document(found, one)
    return found


# -- decoding --------------------------------------------------------------------------------------------------------


def test_real_answers_of_both_versions_are_one_noun() -> None:
    first = json.loads(data("iam/access_analyzer/get-finding.0.json").read_text())
    second = json.loads(data("iam/access_analyzer/get-finding-v2.0.json").read_text())
    (old,), (new,) = (tuple(around(document(one)).findings.values()) for one in (first, second))
    assert (old.id, old.principal, old.actions, old.condition, old.public) == (
        new.id,
        new.principal,
        new.actions,
        new.condition,
        new.public,
    )
    assert old.principal == (("Federated", "cognito-identity.amazonaws.com"),)
    assert old.detailed
    assert new.kind is AnalyzerKind.EXTERNAL
    assert new.created == datetime(2021, 2, 26, 21, 17, 50, 905000, tzinfo=UTC)


def test_a_finding_told_twice_is_one_with_its_details() -> None:
    listed = json.loads(data("iam/access_analyzer/list-findings-v2.0.json").read_text())
    whole = json.loads(data("iam/access_analyzer/list-findings.0.json").read_text())
    for order in ((listed, whole), (whole, listed)):
        found = around(*(document(one) for one in order)).findings.values()
        assert len(found) == 2
        assert all(one.detailed and one.principal for one in found)


@pytest.mark.parametrize(
    "name", ["test_access_analyzer_finding.json", "test_access_analyzer_finding_org_analyzer.json", "test_sqs_analyzer_finding.json"]
)
def test_real_files_are_evidence(name: str) -> None:
    session = Session(EvidenceSource((str(data(f"iam/access_analyzer/{name}")),)), now=lambda: NOW)
    for _ in session.refresh():
        pass
    view = session.analyzer_view()
    statuses = {row.finding.status for row in view.rows if row.finding is not None}
    assert view.rows
    assert Status.ACTIVE in statuses
    if "sqs" not in name:
        assert statuses == {Status.ACTIVE, Status.RESOLVED}
    assert view.missing == ("unused",)
    assert any("charged" in words for words in notes(view))


def test_an_analyzer_read_again_forgets_what_is_not_there_any_more() -> None:
    analyzers = document(
        {"analyzers": [{"arn": ANALYZER, "name": "outside", "type": "ACCOUNT", "status": "ACTIVE"}]}, Kind.ANALYZERS, "eu-west-1"
    )
    first = document({"analyzer": {"arn": ANALYZER}, "findings": [external("a"), external("b")]}, region="eu-west-1")
    second = document({"analyzer": {"arn": ANALYZER}, "findings": [external("b")]}, region="eu-west-1")
    assert [one.id for one in around(analyzers, first, second).findings.values()] == ["b"]
    none = document({"analyzers": []}, Kind.ANALYZERS, "eu-west-1")
    gone = around(analyzers, first, none)
    assert not gone.findings
    assert gone.analyzer_regions == {"eu-west-1": ""}
    assert not around(none, first).findings  # kept from before the analyzer was deleted


@pytest.mark.parametrize("body", [[], 7, "x", None])
def test_what_is_no_answer_is_said(body: Any) -> None:
    with pytest.raises(BROKEN):
        around(document(body))


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"resource": "arn:x", "findingDetails": "nonsense", "status": 3, "createdAt": "never"},
        {"resource": "\x1b[2J", "findingDetails": [7, {"externalAccessDetails": {"principal": [], "condition": 4, "action": "s3:*"}}]},
        {"resource": "arn:x", "findingDetails": [{"unusedPermissionDetails": {"serviceNamespace": None, "actions": {"a": 1}}}]},
    ],
)
def test_broken_findings_do_no_harm(entry: dict[str, Any]) -> None:
    found = around(document({"findings": [entry, external("ok")]}))
    assert any(one.id == "ok" for one in found.findings.values())
    compared(of(found))


# -- comparing -------------------------------------------------------------------------------------------------------


def external(identifier: str, resource: str = BUCKET, principal: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    details = {"principal": principal or {"AWS": "*"}, "action": ["s3:GetObject"], "condition": {}, "isPublic": principal is None}
    stamps = {"createdAt": "2026-09-01T00:00:00Z", "updatedAt": "2026-09-01T00:00:00Z", "analyzedAt": "2026-09-20T00:00:00Z"}
    base = {"id": identifier, "resource": resource, "resourceType": "AWS::S3::Bucket", "resourceOwnerAccount": ACCOUNT, "status": "ACTIVE"}
    return {**base, **stamps, "findingType": "ExternalAccess", "findingDetails": [{"externalAccessDetails": details}], **more}


def bucket(principal: Any, arn: str = BUCKET, **statement: Any) -> Document:
    policy = {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": f"{arn}/*", **statement}]}
    return document({"ResourceArn": arn, "Policy": json.dumps(policy)}, Kind.RESOURCE_POLICIES)


def analyzers(*regions: str, kind: str = "ACCOUNT", **more: Any) -> list[Document]:
    return [
        document(
            {
                "analyzers": [
                    {
                        "arn": ANALYZER.replace("eu-west-1", region),
                        "name": "outside",
                        "type": kind,
                        "status": "ACTIVE",
                        "createdAt": "2025-01-01T00:00:00Z",
                        "lastResourceAnalyzedAt": "2026-09-20T00:00:00Z",
                        **more,
                    }
                ]
            },
            Kind.ANALYZERS,
            region,
        )
        for region in regions
    ]


def of(
    surroundings: Surroundings,
    *roles: Role,
    usage: Callable[[str], Any] = lambda _: absent(FactState.NOT_LOADED),
    changed: Callable[[str], Event | None] = lambda _: None,
) -> Known:
    snapshot = Snapshot(account=ACCOUNT, roles=roles)
    return Known((snapshot,), surroundings, exposures((snapshot,), surroundings), usage, changed, NOW)


def one(known_: Known) -> Compared:
    (found,) = compared(known_)
    return found


def test_both_say_it() -> None:
    found = one(of(around(*analyzers("eu-west-1"), bucket("*"), document({"findings": [external("a")]}))))
    assert (found.verdict, found.what, found.why) == (Verdict.BOTH, "anyone", ())
    assert found.exposure is not None


def test_the_same_claim_of_two_regions_is_one_row() -> None:
    documents = [
        document(
            {"analyzer": {"arn": ANALYZER.replace("eu-west-1", region)}, "findings": [external(f"id-{region}", ROLE, {"AWS": "999"})]},
            region=region,
        )
        for region in ("eu-west-1", "us-east-1")
    ]
    found = one(of(around(*analyzers("eu-west-1", "us-east-1"), *documents)))
    assert found.regions == ("eu-west-1", "us-east-1")
    assert found.verdict is Verdict.NOT_JUDGED
    assert "not in what was read" in found.why[0]


@pytest.mark.parametrize(
    ("documents", "why"),
    [
        ([bucket("*")], "Access Analyzer was not asked"),
        ([bucket("*"), document({"analyzers": []}, Kind.ANALYZERS, "eu-west-1")], "no external-access analyzer in eu-west-1"),
        ([*analyzers("eu-west-1"), bucket("*", "arn:aws:sqs:us-west-2:123456789012:q")], "no external-access analyzer in us-west-2"),
        ([*analyzers("eu-west-1"), bucket({"Service": "sns.amazonaws.com"})], "does not call AWS services outsiders"),
        ([*analyzers("eu-west-1"), bucket("*", "arn:aws:glue:eu-west-1:123456789012:catalog")], "does not look at policies of glue"),
        (
            [
                *analyzers("eu-west-1"),
                bucket("*", "arn:aws:sqs:eu-west-1:123456789012:q", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
            ],
            "weighs the conditions",
        ),
    ],
)
def test_what_only_we_say_has_a_reason(documents: list[Document], why: str) -> None:
    found = one(of(around(*documents)))
    assert found.verdict is Verdict.ONLY_HERE
    assert why in "; ".join(found.why)


@pytest.mark.parametrize(
    ("documents", "verdict", "why"),
    [
        ([external("a", "arn:aws:ec2:eu-west-1:1:snapshot/s", resourceType="AWS::EC2::Snapshot")], Verdict.NOT_JUDGED, "not read here"),
        ([external("a", "arn:aws:s3:::unread")], Verdict.NOT_JUDGED, "its policy was not read"),
        ([external("a", findingType="InternalAccess")], Verdict.NOT_JUDGED, "inside the organisation"),
        ([external("a", status="RESOLVED")], Verdict.RESOLVED, "over since 2026-09-01"),
        ([external("a", principal={"AWS": "222222222222"})], Verdict.ONLY_AWS, "does not let this principal in"),
        ([external("a", principal={"AWS": "222222222222"}, status="ARCHIVED")], Verdict.ONLY_AWS, "archived"),
    ],
)
def test_what_only_aws_says_has_a_reason(documents: list[dict[str, Any]], verdict: Verdict, why: str) -> None:
    found = one(of(around(*analyzers("eu-west-1"), bucket({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), document({"findings": documents}))))
    assert found.verdict is verdict
    assert why in "; ".join(found.why)


def test_access_by_a_list_of_grants_is_not_a_policys() -> None:
    finding = external("a")
    finding["findingDetails"][0]["externalAccessDetails"]["sources"] = [{"type": "BUCKET_ACL"}]
    found = one(of(around(*analyzers("eu-west-1"), bucket({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), document({"findings": [finding]}))))
    assert found.verdict is Verdict.NOT_JUDGED
    assert "BUCKET_ACL" in found.why[0]


def test_a_resolved_finding_our_reading_contradicts() -> None:
    found = one(of(around(*analyzers("eu-west-1"), bucket("*"), document({"findings": [external("a", status="RESOLVED")]}))))
    assert found.verdict is Verdict.ONLY_HERE
    assert "still lets it in" in found.why[0]


def event(name: str, when: datetime) -> Event:
    record = {
        "eventTime": when.isoformat(),
        "eventName": name,
        "eventSource": "s3.amazonaws.com",
        "eventID": name,
        "awsRegion": "eu-west-1",
    }
    from iamtui.source.decode import decode_events

    body = json.dumps({"Records": [{**record, "userIdentity": {}, "requestParameters": {}, "responseElements": None}]}).encode()
    return decode_events(Document(Kind.EVENTS, body, NOW, Origin("test", "x"))).events[0]


def test_a_change_after_aws_looked_is_told() -> None:
    changed = event("PutBucketPolicy", datetime(2026, 9, 25, tzinfo=UTC))
    surroundings = around(*analyzers("eu-west-1"), bucket({"AWS": "222222222222"}), document({"findings": [external("a")]}))
    rows = compared(of(surroundings, changed=lambda _: changed))
    assert {row.verdict for row in rows} == {Verdict.ONLY_AWS, Verdict.ONLY_HERE}
    assert all("PutBucketPolicy changed it on 2026-09-25, after AWS looked (2026-09-20)" in "; ".join(row.why) for row in rows)


def test_the_event_that_opened_it() -> None:
    (finding,) = around(document({"findings": [external("a")]})).findings.values()
    before = [event("PutBucketPolicy", datetime(2026, 8, 31, 23, tzinfo=UTC)), event("Old", datetime(2026, 8, 1, tzinfo=UTC))]
    later = event("Later", datetime(2026, 9, 5, tzinfo=UTC))
    found = cause(finding, [later, *before])
    assert found is not None
    assert found.name == "PutBucketPolicy"
    assert cause(finding, [later]) is None


def role(used: datetime | None, name: str = "ci") -> Role:
    return Role(
        f"arn:aws:iam::{ACCOUNT}:role/{name}", name, "AROA", "/", ACCOUNT, NOW - timedelta(days=500), last_used=used, last_used_told=True
    )


def unused(kind: str, details: dict[str, Any], **more: Any) -> Document:
    name = {"UnusedIAMRole": "unusedIamRoleDetails", "UnusedPermission": "unusedPermissionDetails"}[kind]
    entry = external("u", ROLE, findingType=kind, resourceType="AWS::IAM::Role", **more)
    return document({"analyzer": {"arn": ANALYZER}, "findings": [{**entry, "findingDetails": [{name: details}]}]}, region="eu-west-1")


UNUSED = analyzers("eu-west-1", kind="ACCOUNT_UNUSED_ACCESS", configuration={"unusedAccess": {"unusedAccessAge": 90}})


@pytest.mark.parametrize(
    ("used", "verdict", "why"),
    [
        (None, Verdict.BOTH, ""),
        (NOW - timedelta(days=200), Verdict.BOTH, ""),
        (NOW - timedelta(days=30), Verdict.ONLY_AWS, "AWS's period is 90 days"),
        (NOW - timedelta(days=2), Verdict.ONLY_AWS, "after AWS looked"),
    ],
)
def test_an_unused_role(used: datetime | None, verdict: Verdict, why: str) -> None:
    found = one(of(around(*UNUSED, unused("UnusedIAMRole", {})), role(used)))
    assert found.verdict is verdict
    assert why in "; ".join(found.why)


def test_an_idle_role_aws_does_not_name_says_why() -> None:
    without = one(of(Surroundings(), role(None)))
    assert (without.verdict, without.why) == (Verdict.ONLY_HERE, ("Access Analyzer was not asked",))
    excluded = analyzers(
        "eu-west-1",
        kind="ACCOUNT_UNUSED_ACCESS",
        configuration={"unusedAccess": {"unusedAccessAge": 180, "analysisRule": {"exclusions": [{"resourceTags": [{"team": "old"}]}]}}},
    )
    assert "leaves out tags team=old" in one(of(around(*excluded), role(None))).why[0]
    assert compared(of(around(*excluded), role(NOW - timedelta(days=100)))) == ()  # its period is 180 days


@pytest.mark.parametrize(
    ("report", "verdict", "why"),
    [
        (None, Verdict.NOT_JUDGED, "sweep last-used"),
        ({"s3": (None, {})}, Verdict.BOTH, ""),
        ({"s3": (5, {"PutObject": None})}, Verdict.BOTH, ""),
        ({"s3": (5, {"PutObject": 5})}, Verdict.ONLY_AWS, "s3:PutObject on 2026-09-26"),
        ({"s3": (5, {})}, Verdict.NOT_JUDGED, "not in last-accessed details: s3:PutObject"),
        ({}, Verdict.NOT_JUDGED, "not in last-accessed details: s3"),
    ],
)
def test_unused_permissions_by_last_accessed_details(
    report: dict[str, tuple[int | None, dict[str, int | None]]] | None, verdict: Verdict, why: str
) -> None:
    def when(days: int | None) -> Any:
        return absent(FactState.NOT_IN_TRACKING_PERIOD) if days is None else known(NOW - timedelta(days=days))

    def usage(_: str) -> Any:
        if report is None:
            return absent(FactState.NOT_LOADED)
        services = tuple(
            ServiceUsage(s, s, when(days), actions=tuple(ActionUsage(a, when(d)) for a, d in actions.items()))
            for s, (days, actions) in report.items()
        )
        return known(UsageReport(ROLE, "ACTION_LEVEL", services, NOW, "x"))

    details = {"serviceNamespace": "s3", "actions": [{"action": "PutObject"}]}
    found = one(of(around(*UNUSED, unused("UnusedPermission", details)), role(NOW), usage=usage))
    assert found.verdict is verdict
    assert why in "; ".join(found.why)


@pytest.mark.parametrize(
    ("principal", "words"),
    [
        ({"AWS": "*"}, "anyone"),
        ({"AWS": "222222222222"}, "account 222222222222"),
        ({"Federated": "arn:aws:iam::1:saml-provider/x"}, "federated x"),
    ],
)
def test_principals_in_words(principal: dict[str, str], words: str) -> None:
    (finding,) = around(document({"findings": [external("a", principal=principal)]})).findings.values()
    assert principal_words(finding) == words


# -- the demo and the command ----------------------------------------------------------------------------------------


def test_the_demo_agrees_with_its_own_policies() -> None:
    session = Session(DemoSource(now=NOW), now=lambda: NOW)
    session.open()
    for _ in session.load_analyzers():
        pass
    for _ in session.load_events():
        pass
    view = session.analyzer_view()
    by_name = {(row.name, row.kind.value): row for row in view.rows}
    assert by_name["support-readonly", "external"].verdict is Verdict.BOTH
    found = by_name["support-readonly", "external"].finding
    assert found is not None
    opened = session.analyzer_cause(found)
    assert opened is not None
    assert opened.name == "UpdateAssumeRolePolicy"
    assert by_name["test-migration", "unused"].verdict is Verdict.ONLY_AWS
    assert by_name["inventory-scanner", "unused"].verdict is Verdict.BOTH
    assert "own Region" in by_name["s3 acme-data-lake", "external"].why[0]
    only_aws = [row for row in view.rows if row.verdict is Verdict.ONLY_AWS]
    assert len(only_aws) == 1
    assert view.missing == ()
    assert notes(view) == ["no analyzer in eu-central-1, ap-southeast-2"]


def test_the_command_in_every_form() -> None:
    told = {
        form: CliRunner().invoke(cli, ["analyzer", "--demo", "--format", form, "--status", "active"]) for form in ("table", "json", "csv")
    }
    assert all(result.exit_code == 0 for result in told.values())
    claims = json.loads(told["json"].stdout)["claims"]
    assert {claim["finding"]["status"] for claim in claims if claim["finding"]} == {"active"}
    assert any(claim["finding"] and claim["finding"]["unused"] for claim in claims)
    assert told["csv"].stdout.startswith("verdict,kind,status,resource,what,why,region,since,ours\n")
    assert "only AWS" in told["table"].stdout
    assert "no analyzer in eu-central-1" in told["table"].stderr
