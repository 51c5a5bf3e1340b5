"""Every system an audit uses: what is said of it when it was read, refused, or nobody asked."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from iamtui.analysis.alarms.healthrow import Health
from iamtui.analysis.systems import systems
from iamtui.cli import cli
from iamtui.model.surroundings import Organization, OrganizationPolicy, Surroundings
from iamtui.session import Session
from iamtui.source.demo import DemoSource
from tests.faulty import Faulty

NOW = datetime(2026, 10, 1, 14, 2, tzinfo=UTC)
ACCOUNT = "123456789012"


def session_of(source: object = None) -> Session:
    session = Session(source or DemoSource(now=NOW), now=lambda: NOW)  # type: ignore[arg-type]
    session.open()
    list(session.load_guards())
    return session


def test_the_demo_has_a_word_on_each() -> None:
    found = {one.id: one for one in session_of().systems()}
    assert list(found) == ["cloudtrail", "alarms", "config", "credential-report", "access-analyzer", "access-advisor", "organizations"]
    assert found["cloudtrail"].state is Health.WEAK
    assert "no log file validation" in found["cloudtrail"].found
    assert found["config"].state is Health.MISSING
    assert "active findings: 17 of external access, 20 of unused access" in found["access-analyzer"].found
    assert "internal" not in found["access-analyzer"].found  # it is charged for, and not held against an account
    assert found["organizations"].found == "6 service control policies on 3 levels"
    assert all(one.source for one in found.values() if one.state is not Health.UNKNOWN)


def test_what_was_not_read_is_no_ill() -> None:
    found = systems(ACCOUNT, (), (), Surroundings(), advised=0, to_ask=9)
    assert {one.state for one in found} == {Health.UNKNOWN}
    assert all("not read" in one.found or "was asked about" in one.found or "was read" in one.found for one in found)


def test_a_sweep_that_is_under_way_and_one_that_is_done() -> None:
    for advised, state in ((3, Health.WEAK), (9, Health.OK)):
        found = {one.id: one for one in systems(ACCOUNT, (), (), Surroundings(), advised=advised, to_ask=9)}
        assert found["access-advisor"].state is state
        assert f"{advised} of 9" in found["access-advisor"].found
    assert ":sweep" not in found["access-advisor"].found


@pytest.mark.parametrize(
    ("organization", "state", "words"),
    [
        (Organization(management=ACCOUNT), Health.WEAK, "management account"),
        (Organization("1", {ACCOUNT: ("r-1", ACCOUNT)}), Health.MISSING, "no policy binds"),
        (
            Organization("1", {ACCOUNT: ("r-1", ACCOUNT)}, {"r-1": (OrganizationPolicy("a", "RESOURCE_CONTROL_POLICY", "{}"),)}),
            Health.OK,
            "1 resource control policy on 2 levels",
        ),
    ],
)
def test_organisation_policies(organization: Organization, state: Health, words: str) -> None:
    around = Surroundings(organizations=(organization,))
    found = systems(ACCOUNT, (), (), around, advised=0, to_ask=1)[-1]
    assert (found.id, found.state) == ("organizations", state)
    assert words in found.found


def test_the_command() -> None:
    ran = CliRunner().invoke(cli, ["guards", "--demo", "--format", "json"])
    rows = json.loads(ran.stdout)
    assert ran.exit_code == 0  # that nobody has asked Access Advisor yet is no gap
    assert {row["state"] for row in rows} == {"ok", "weak", "missing", "unknown"}
    table = CliRunner().invoke(cli, ["guards", "--demo"]).stdout
    assert ":analyzer" in table
    csv = CliRunner().invoke(cli, ["guards", "--demo", "--format", "csv"]).stdout
    assert csv.startswith("account,system,state,")


def test_a_refusal_is_told_as_one() -> None:
    session = session_of(Faulty(DemoSource(now=NOW)))
    found = {one.id: one for one in session.systems()}
    assert found["credential-report"].state is Health.DENIED


def test_regions_that_answered_without_findings_were_read() -> None:
    asked = Surroundings(analyzer_regions={"us-east-1": "", "eu-west-1": "denied: AccessDenied"})
    for around, words in ((asked, "no findings in us-east-1"), (Surroundings(), "no finding was read")):
        found = {one.id: one for one in systems(ACCOUNT, (), (), around, advised=0, to_ask=1)}
        assert found["access-analyzer"].found.startswith(words + ";")
