"""Access Analyzer over loopback: Regions side by side, pages, details, refusals, what is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from iamtui.analysis.analyzing import Verdict
from iamtui.model.analyzer import AnalyzerKind
from iamtui.session import Session
from iamtui.source.live import LiveOptions, LiveSource
from iamtui.source.live import analyzer as live_analyzer
from iamtui.store.cache import Cache
from tests.server import AwsTestServer, Fault
from tests.server.accounts import ACCOUNT, large_account

MADE = datetime(2026, 9, 1, tzinfo=UTC)
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2")
OUTSIDE, UNUSED = (f"arn:aws:access-analyzer:us-east-1:{ACCOUNT}:analyzer/{name}" for name in ("outside", "unused"))
THROTTLED = ("ThrottlingException", "Rate exceeded", 429)


def analyzer(arn: str, kind: str = "ACCOUNT", **more: Any) -> dict[str, Any]:
    return {
        "arn": arn,
        "name": arn.rpartition("/")[2],
        "type": kind,
        "createdAt": MADE,
        "status": "ACTIVE",
        "lastResourceAnalyzedAt": MADE,
        **more,
    }


def finding(identifier: str, resource: str, kind: str = "ExternalAccess", status: str = "ACTIVE", **details: Any) -> dict[str, Any]:
    base = {"id": identifier, "resource": resource, "resourceType": "AWS::IAM::Role", "resourceOwnerAccount": ACCOUNT, "status": status}
    stamps = {"createdAt": MADE, "updatedAt": MADE, "analyzedAt": MADE}
    return {**base, **stamps, "findingType": kind, "findingDetails": [details] if details else []}


def outsider(number: int, status: str = "ACTIVE") -> dict[str, Any]:
    told = {"principal": {"AWS": "222222222222"}, "action": ["sts:AssumeRole"], "condition": {}, "isPublic": False}
    return finding(f"f{number}", f"arn:aws:iam::{ACCOUNT}:role/role-{number}", status=status, externalAccessDetails=told)


ACTIONS = [{"unusedPermissionDetails": {"serviceNamespace": f"s{n}", "actions": [{"action": "Put"}]}} for n in range(130)]
TWO = {"us-east-1": [analyzer(OUTSIDE), analyzer(UNUSED, "ACCOUNT_UNUSED_ACCESS", configuration={"unusedAccess": {"unusedAccessAge": 90}})]}


def opened(server: AwsTestServer, cache: Path | None = None, **more: Any) -> Session:
    session = Session(LiveSource(LiveOptions(endpoint_url=server.url, regions=REGIONS)), Cache(cache) if cache else None, **more)
    session.open()
    for _ in session.refresh():
        pass
    session._book.surroundings_read = True  # policies of resources have tests of their own
    return session


def asked(session: Session, **more: Any) -> Session:
    for _ in session.load_analyzers(**more):
        pass
    return session


def test_pages_kinds_and_details_of_all_regions() -> None:
    permission = finding("u", f"arn:aws:iam::{ACCOUNT}:role/role-1", "UnusedPermission")
    permission["findingDetails"] = ACTIONS
    internal = finding(
        "i", "arn:aws:s3:::b", "InternalAccess", internalAccessDetails={"action": ["s3:GetObject"], "accessType": "INTRA_ACCOUNT"}
    )
    found = {
        OUTSIDE: [*(outsider(n) for n in range(140)), outsider(200, "ARCHIVED"), outsider(201, "RESOLVED"), internal],
        UNUSED: [permission],
    }
    with AwsTestServer(large_account(1, 3, 0), analyzers=TWO, analyzer_findings=found) as server:
        session = asked(opened(server))
        regions = {region for name, region, _ in server.calls if name == "ListAnalyzers"}
        details = server.count("GetFindingV2")
    around = session._book.surroundings
    assert regions == set(REGIONS)
    assert len(around.findings) == 144
    assert sum(one.detailed for one in around.findings.values()) == 142  # those that are active
    assert details == 141 + 2  # 130 services are two pages
    assert {one.kind for one in around.findings.values()} == set(AnalyzerKind)
    (unused,) = (one for one in around.findings.values() if one.kind is AnalyzerKind.UNUSED)
    assert len(unused.unused) == 130
    assert around.analyzer_regions == dict.fromkeys(REGIONS, "")
    assert [one.days for one in around.analyzers.values()] == [None, 90]
    assert len(around.unused[f"arn:aws:iam::{ACCOUNT}:role/role-1"]) == 130


def test_a_region_that_refuses_is_a_gap_and_the_others_answer() -> None:
    faults: dict[str, Any] = {
        "ListAnalyzers": [Fault(region="eu-west-1"), Fault("UnrecognizedClientException", "not enabled", 403, region="ap-southeast-2")]
    }
    with AwsTestServer(large_account(1, 3, 0), analyzers=TWO, analyzer_findings={OUTSIDE: [outsider(1)]}, faults=faults) as server:
        session = asked(opened(server))
    asked_regions = session.analyzer_view().asked
    assert asked_regions["us-east-1"] == ""
    assert asked_regions["eu-west-1"].startswith("denied:")
    assert "not enabled" in asked_regions["ap-southeast-2"]
    assert len(session._book.surroundings.findings) == 1
    assert any(p.where.startswith("access-analyzer:ListAnalyzers") and "eu-west-1" in p.where for p in session.problems())


def test_refused_details_leave_the_findings_and_say_how_many() -> None:
    faults = {"GetFindingV2": Fault("AccessDeniedException", "no", 403)}
    with AwsTestServer(
        large_account(1, 3, 0), analyzers=TWO, analyzer_findings={OUTSIDE: [outsider(n) for n in range(5)]}, faults=faults
    ) as server:
        session = asked(opened(server))
    assert len(session._book.surroundings.findings) == 5
    (problem,) = (p for p in session.problems() if "access-analyzer:GetFinding " in f"{p.where} ")
    assert "details of 5 of 5 active findings of outside" in problem.what
    rows = [row for row in session.analyzer_view().rows if row.finding is not None]
    assert all(row.what == "details not read" for row in rows)


def test_throttled_calls_come_all_the_same() -> None:
    faults: dict[str, Any] = {name: Fault(*THROTTLED, times=1) for name in ("ListAnalyzers", "ListFindingsV2", "GetFindingV2")}
    with AwsTestServer(large_account(1, 3, 0), analyzers=TWO, analyzer_findings={OUTSIDE: [outsider(1)]}, faults=faults) as server:
        session = asked(opened(server))
    (one,) = session._book.surroundings.findings.values()
    assert one.detailed


def test_details_beyond_the_number_are_read_when_somebody_opens_one(monkeypatch: Any) -> None:
    monkeypatch.setattr(live_analyzer, "MOST_DETAILS", 1)
    with AwsTestServer(large_account(1, 3, 0), analyzers=TWO, analyzer_findings={OUTSIDE: [outsider(1), outsider(2)]}) as server:
        session = asked(opened(server))
        bare = next(one for one in session._book.surroundings.findings.values() if not one.detailed)
        whole = session.load_finding(bare)
        calls = server.count("GetFindingV2")
        assert session.load_finding(whole) is whole
        assert server.count("GetFindingV2") == calls
    assert whole.principal == (("AWS", "222222222222"),)
    assert whole.analyzer == OUTSIDE
    assert len(session._book.surroundings.findings) == 2


def test_no_analyzer_says_what_aws_would_add() -> None:
    from iamtui.session.analyzing import notes

    with AwsTestServer(large_account(1, 3, 0)) as server:
        view = asked(opened(server)).analyzer_view()
    told = " ".join(notes(view))
    assert view.missing == ("external", "unused")
    assert "our own answers stand alone" in told
    assert "free of charge" in told
    assert "charged" in told


def test_what_was_read_is_kept_and_read_again_when_it_is_old(tmp_path: Path) -> None:
    found = {OUTSIDE: [outsider(1), outsider(2)]}
    with AwsTestServer(large_account(1, 3, 0), analyzers=TWO, analyzer_findings=found) as server:
        asked(opened(server, tmp_path))
        asked_first = server.count("ListAnalyzers")
        session = opened(server, tmp_path)
        assert len(session._book.surroundings.findings) == 2
        asked(session)
        assert server.count("ListAnalyzers") == asked_first
        found[OUTSIDE].pop()
        later = asked(opened(server, tmp_path, now=lambda: datetime.now(UTC) + timedelta(hours=2)))
        assert server.count("ListAnalyzers") == 2 * asked_first
        assert len(later._book.surroundings.findings) == 1
        offline = Session(None, Cache(tmp_path), offline=True, connection=session.info)
        offline.open()
        asked(offline)
        assert {row.verdict for row in offline.analyzer_view().rows if row.finding is not None} == {Verdict.ONLY_AWS}
