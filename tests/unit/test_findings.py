"""Findings: each claim with its evidence, what an attacker would use first at the top, no claim the facts do not carry."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from iamtui.analysis.findings import findings
from iamtui.cli import cli
from iamtui.model.account import Snapshot
from iamtui.model.finding import Finding, FindingKind, Severity
from iamtui.model.identity import InlinePolicy, Role
from iamtui.model.surroundings import ResourcePolicy, Surroundings
from iamtui.session import ListKind, Session
from iamtui.source.demo import DemoSource
from tests.unit.test_analysis_access import ACCOUNT, ALL, NOW, role, text, user
from tests.unit.test_effective import allow

LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}


def kinds(found: tuple[Finding, ...]) -> list[tuple[str, str, str]]:
    return [(f.severity.value, f.kind.value, f.name) for f in found]


def test_what_an_attacker_would_use_first_stands_first() -> None:
    open_bucket = ResourcePolicy("arn:aws:s3:::b", ACCOUNT, text({**allow("s3:*"), "Principal": "*"}))
    outside = role("vendor", {**TRUST, "Principal": {"AWS": "arn:aws:iam::999999999999:root"}})
    climber = user("climber", text(allow("iam:AttachUserPolicy")))
    admin = user("admin", text(ALL))
    snapshot = Snapshot(ACCOUNT, users=(admin, climber), roles=(outside,))
    found = findings([snapshot], Surroundings(resources={open_bucket.arn: open_bucket}))
    assert kinds(found)[:3] == [("critical", "exposure", "b"), ("high", "exposure", "vendor"), ("high", "escalation", "climber")]
    assert ("high", "policy", "admin") in kinds(found)
    assert [f.severity.rank for f in found] == sorted(f.severity.rank for f in found)


def test_every_finding_says_what_it_rests_on_and_what_to_do() -> None:
    session = Session(DemoSource(now=NOW), now=lambda: NOW)
    session.open()
    assert session.listing(ListKind.FINDINGS).state.state.value == "not loaded"
    count = session.load_findings()
    listing = session.listing(ListKind.FINDINGS)
    assert len(listing.rows) == count > 50
    assert len({row.key for row in listing.rows}) == count
    for row in listing.rows:
        finding = row.item
        assert isinstance(finding, Finding)
        assert finding.evidence
        assert finding.todo
        assert finding.claim
        if finding.tab:
            assert session.find(finding.arn), finding.arn
    assert {row.item.kind for row in listing.rows} == set(FindingKind)  # type: ignore[union-attr]
    assert session.findings_stale is False


def idle_role(**more: Any) -> Role:
    held = {"created": LONG_AGO, "last_used_told": True, **more}
    return msgspec.structs.replace(role("old", TRUST, text(allow("s3:GetObject"))), **held)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, True),
        ({"last_used": NOW - timedelta(days=200)}, True),
        ({"last_used": NOW - timedelta(days=20)}, False),
        ({"last_used_told": False}, False),  # nobody told: no claim
        ({"created": NOW - timedelta(days=20)}, False),  # too new to judge
        ({"created": None}, False),
        ({"inline": ()}, False),  # holds nothing
        ({"path": "/aws-service-role/x.amazonaws.com/"}, False),
    ],
)
def test_unused_is_only_claimed_where_the_facts_carry_it(more: dict[str, Any], expected: bool) -> None:
    found = findings([Snapshot(ACCOUNT, roles=(idle_role(**more),))], now=NOW)
    assert (FindingKind.UNUSED in {f.kind for f in found}) is expected


def test_a_user_whose_report_was_not_read_is_not_called_unused() -> None:
    ana = msgspec.structs.replace(user("ana", text(allow("s3:GetObject"))), created=LONG_AGO)
    assert not [f for f in findings([Snapshot(ACCOUNT, users=(ana,))], now=NOW) if f.kind is FindingKind.UNUSED]


def test_inline_policies_that_read_alike_are_told_once() -> None:
    many = tuple(user(f"u{n}", text(ALL)) for n in range(7))
    (found,) = [f for f in findings([Snapshot(ACCOUNT, users=many)]) if f.kind is FindingKind.POLICY]
    assert "inline policy p0 of u0, u1, u2, u3 and 3 more" in found.evidence[0]


def test_a_policy_attached_to_nobody_weighs_less() -> None:
    from iamtui.model.policy import Policy, PolicyVersion

    policy = Policy(
        f"arn:aws:iam::{ACCOUNT}:policy/p",
        "p",
        "ANPAX",
        "/",
        ACCOUNT,
        None,
        None,
        "v1",
        1,
        0,
        True,
        versions=(PolicyVersion("v1", True, None, text(ALL)),),
    )
    (found,) = findings([Snapshot(ACCOUNT, policies=(policy,))])
    assert (found.severity, found.evidence[0]) == (Severity.LOW, "attached to nobody")


def test_a_service_linked_role_is_nobody_to_escalate() -> None:
    linked = msgspec.structs.replace(
        idle_role(), path="/aws-service-role/x.amazonaws.com/", inline=(InlinePolicy("p", text(allow("iam:*"))),)
    )
    assert not findings([Snapshot(ACCOUNT, roles=(linked,))], now=NOW)


def test_the_list_command_filters_sorts_and_exports() -> None:
    result = CliRunner().invoke(cli, ["list", "findings", "--demo", "kind:exposure severity:critical", "--format", "json"])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert {row["severity"] for row in rows} == {"critical"}
    assert "acme-public-assets" in {row["name"] for row in rows}
    table = CliRunner().invoke(cli, ["list", "findings", "--demo", "--sort", "-severity"])
    severities = [line.split()[0] for line in table.stdout.splitlines()[1:]]
    assert severities == sorted(severities, key=["low", "medium", "high", "critical"].index)
