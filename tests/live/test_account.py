"""An account read over loopback: pages, states, refusals."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pytest

from iamtui.errors import AwsError, CredentialsError
from iamtui.model.account import CREDENTIALS, GROUPS, POLICIES, ROLES, USERS
from iamtui.model.document import Document, Gap, Kind
from iamtui.model.event import WindowState
from iamtui.model.fact import State
from iamtui.session import Link, ListKind, Session
from iamtui.source.live import LiveOptions, LiveSource
from iamtui.store.cache import Cache
from tests.server import AwsTestServer, Fault
from tests.server.accounts import large_account


def source(server: AwsTestServer, **options: Any) -> LiveSource:
    return LiveSource(LiveOptions(endpoint_url=server.url, **options))


def read(session: Session) -> Session:
    session.open()
    for _ in session.refresh():
        pass
    return session


@pytest.mark.parametrize("count", [101, 1001])
def test_every_page_arrives(count: int) -> None:
    with AwsTestServer(large_account(count, count, 3), page=100) as server:
        session = read(Session(source(server)))
        asked = [p["Filter"] for name, _, p in server.calls if name == "GetAccountAuthorizationDetails"]
    snapshot = session.world.snapshots[0]
    assert (len(snapshot.users), len(snapshot.roles), len(snapshot.groups)) == (count, count, 3)
    assert all(snapshot.section(name).complete for name in (USERS, ROLES, GROUPS, POLICIES, CREDENTIALS))
    assert snapshot.account == "123456789012"
    assert snapshot.aliases == ("test-account",)
    assert session.link is Link.CURRENT
    assert session.problems() == ()
    if count > 1000:
        first_roles, last_users = asked.index(["Role"]), len(asked) - 1 - asked[::-1].index(["User"])
        assert first_roles < last_users  # the lists are paged side by side


def test_pages_are_read_as_botocore_would_read_them() -> None:
    """The lifted lists hold what botocore's own parser makes of the same answer."""
    import boto3

    account = large_account(3, 3, 2)
    account["UserDetailList"][0]["Tags"] = [{"Key": "a", "Value": "<&>\u00e4"}]
    account["UserDetailList"][1]["PermissionsBoundary"] = {
        "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
        "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/team-1",
    }
    with AwsTestServer(account) as server:
        documents = [i for i in source(server).account() if isinstance(i, Document) and i.kind is Kind.AUTHORIZATION]
        plain = boto3.client("iam", endpoint_url=server.url, region_name="us-east-1").get_account_authorization_details(MaxItems=1000)
    from iamtui.source.decode import Assembler
    from iamtui.source.live.calls import json_body

    ours, theirs = Assembler(), Assembler()
    for document in documents:
        ours.add(document)
    theirs.add(Document(Kind.AUTHORIZATION, json_body(plain), documents[0].as_of, documents[0].origin, account="123456789012"))
    a, b = ours.world().snapshots[0], theirs.world().snapshots[0]
    assert a.users == b.users
    assert a.roles == b.roles
    assert a.groups == b.groups
    assert a.policies == b.policies
    assert a.users[0].tags == (("a", "<&>\u00e4"),)


def test_the_report_is_asked_for_only_when_there_is_none() -> None:
    with AwsTestServer(report_ready_after=3) as server:
        read(Session(source(server)))
        assert server.count("GenerateCredentialReport") == 1
        before = server.count("GenerateCredentialReport")
        session = read(Session(source(server)))
        assert server.count("GenerateCredentialReport") == before
    assert session.world.snapshots[0].section(CREDENTIALS).state is State.KNOWN


def test_a_denied_report_is_denied_and_the_lists_load() -> None:
    with AwsTestServer(faults={"GetCredentialReport": Fault()}) as server:
        session = read(Session(source(server)))
    snapshot = session.world.snapshots[0]
    assert snapshot.section(CREDENTIALS).state is State.DENIED
    assert len(snapshot.users) == 3
    user = next(r for r in session.listing(ListKind.USERS).rows if r.item.name == "user-1")  # type: ignore[union-attr]
    mfa = next(c for c in session.listing(ListKind.USERS).columns if c.id == "mfa").fact(user.item, user.snapshot)
    assert mfa.state is State.DENIED
    assert any("GetCredentialReport" in p.where and p.hint for p in session.problems())


def test_one_denied_list_does_not_take_the_others() -> None:
    class OnlyRolesDenied(AwsTestServer):
        def _GetAccountAuthorizationDetails(self, region: str, p: dict[str, Any]) -> dict[str, Any]:
            from tests.server.serving import AwsError as Refusal

            if p.get("Filter") == ["Role"]:
                raise Refusal("AccessDenied", "not authorized", 403)
            return super()._GetAccountAuthorizationDetails(region, p)

    with OnlyRolesDenied() as server:
        session = read(Session(source(server)))
    roles, users = session.listing(ListKind.ROLES), session.listing(ListKind.USERS)
    assert roles.state.state is State.DENIED
    assert users.state.state is State.KNOWN
    assert users.complete


def test_a_throttled_page_comes_all_the_same() -> None:
    with AwsTestServer(
        large_account(250, 5, 1), faults={"GetAccountAuthorizationDetails": Fault("Throttling", "Rate exceeded", 400, times=2)}
    ) as server:
        session = read(Session(source(server)))
    assert len(session.world.snapshots[0].users) == 250


def test_four_states_stay_four_states(quick_lookups: None, tmp_path: Path) -> None:
    """A denied report, denied last accessed, a denied Region, a throttled page: each has its own name, the rest works."""
    faults: dict[str, Any] = {
        "GetCredentialReport": Fault(),
        "GenerateServiceLastAccessedDetails": Fault(),
        "LookupEvents": [Fault(region="eu-west-1"), Fault("ThrottlingException", "Rate exceeded", 400, times=2, region="us-east-1")],
    }
    with AwsTestServer(faults=faults, rate=0) as server:
        session = read(Session(source(server, regions=("us-east-1", "eu-west-1")), Cache(tmp_path / "cache")))
        row = session.find("role-1")[0].row
        for _ in session.load_usage(row):
            pass
        seen = set()
        for activity in session.load_activity(row):
            seen |= {w.state for w in activity.windows}
    assert session.world.snapshots[0].section(CREDENTIALS).state is State.DENIED
    assert session.usage(row).state is State.DENIED
    assert WindowState.DENIED in seen
    assert WindowState.THROTTLED in seen
    final = {w.region: w.state for w in session.windows(row)}
    assert final == {"us-east-1": WindowState.COVERED, "eu-west-1": WindowState.DENIED}
    for kind in (ListKind.USERS, ListKind.ROLES, ListKind.GROUPS, ListKind.POLICIES):
        assert session.listing(kind).state.state is State.KNOWN


def test_offline_shows_what_was_read_without_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick_lookups: None) -> None:
    cache = Cache(tmp_path / "cache")
    with AwsTestServer(
        large_account(30, 40, 2),
        last_accessed={"arn:aws:iam::123456789012:user/user-3": [{"ServiceName": "Amazon S3", "ServiceNamespace": "s3"}]},
    ) as server:
        live = read(Session(source(server), cache))
        for _ in live.load_usage(live.find("user-3")[0].row):
            pass
        info = live.info
    cache.close()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    offline = Session(None, Cache(tmp_path / "cache"), offline=True, connection=info)
    offline.open()
    snapshot = offline.world.snapshots[0]
    assert (len(snapshot.users), len(snapshot.roles)) == (30, 40)
    assert snapshot.as_of is not None
    usage = offline.usage(offline.find("user-3")[0].row)
    assert usage.state is State.KNOWN
    assert [s.namespace for s in usage.value.services] == ["s3"]  # type: ignore[union-attr]
    updates = list(offline.refresh())
    assert updates[-1].finished
    assert offline.link is Link.OFFLINE
    assert len(offline.world.snapshots[0].users) == 30


def test_what_cannot_be_read_again_stays(tmp_path: Path) -> None:
    with AwsTestServer(large_account(20, 20, 1)) as server:
        session = read(Session(source(server), Cache(tmp_path / "cache")))
        server.faults["GetAccountAuthorizationDetails"] = [Fault()]
        for _ in session.refresh():
            pass
    assert len(session.world.snapshots[0].users) == 20
    assert any("denied" in p.what for p in session.problems())


@pytest.mark.parametrize(("code", "words"), [("ExpiredToken", "expired"), ("InvalidClientTokenId", "does not accept")])
def test_bad_credentials_are_one_sentence_with_a_command(code: str, words: str) -> None:
    with AwsTestServer(faults={"GetCallerIdentity": Fault(code, "The security token is no good", 403)}) as server:
        session = read(Session(source(server)))
    assert session.link is Link.NO_CREDENTIALS
    problem = session.problems()[-1]
    assert words in problem.what
    assert "aws s" in problem.hint


def test_no_credentials_do_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9/")
    with pytest.raises(CredentialsError) as raised:
        list(LiveSource(LiveOptions()).account())
    assert "aws" in raised.value.hint


def test_an_unknown_profile_names_those_there_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[profile acme]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with pytest.raises(CredentialsError) as raised:
        list(LiveSource(LiveOptions(profile="acne")).account())
    assert "acme" in raised.value.hint


def test_an_unreachable_endpoint_is_said() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(AwsError) as raised:
        list(LiveSource(LiveOptions(endpoint_url=f"http://127.0.0.1:{port}")).account())
    assert "reached" in raised.value.message


def test_a_role_is_assumed_with_its_external_id() -> None:
    with AwsTestServer() as server:
        live = source(server, role_arn="arn:aws:iam::123456789012:role/audit", external_id="x-1")
        list(live.account())
        assumed = [p for name, _, p in server.calls if name == "AssumeRole"]
    assert assumed[0]["RoleArn"].endswith("role/audit")
    assert assumed[0]["ExternalId"] == "x-1"


def test_the_mfa_code_is_asked_through_the_prompt() -> None:
    asked: list[str] = []

    def prompt(question: str) -> str:
        asked.append(question)
        return "123456"

    options = {"role_arn": "arn:aws:iam::123456789012:role/audit", "mfa_serial": "arn:aws:iam::123456789012:mfa/me"}
    with AwsTestServer() as server:
        list(LiveSource(LiveOptions(endpoint_url=server.url, **options), mfa_prompt=prompt).account())
        code = next(p for name, _, p in server.calls if name == "AssumeRole")["TokenCode"]
        with pytest.raises(CredentialsError):
            list(LiveSource(LiveOptions(endpoint_url=server.url, **options)).account())
    assert code == "123456"
    assert len(asked) == 1


def test_credential_process_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    answer = '{"Version": 1, "AccessKeyId": "AKIAEXAMPLEPROCESS00", "SecretAccessKey": "x"}'
    program = tmp_path / "give"
    program.write_text(f"#!/bin/sh\necho '{answer}'\n")
    program.chmod(0o700)
    config = tmp_path / "config"
    config.write_text(f"[profile made]\ncredential_process = {program}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with AwsTestServer() as server:
        items = list(source(server, profile="made").account())
    assert any(isinstance(item, Document) and item.kind is Kind.CALLER for item in items)


# -- last accessed ---------------------------------------------------------------------------------------------------------


def test_last_accessed_is_polled_and_paged() -> None:
    arn = "arn:aws:iam::123456789012:user/user-1"
    services = [{"ServiceName": f"S{i}", "ServiceNamespace": f"s{i}"} for i in range(250)]
    with AwsTestServer(last_accessed={arn: services}, job_ready_after=3) as server:
        session = read(Session(source(server)))
        steps = [u.step for u in session.load_usage(session.find(arn)[0].row) if u.step]
    report = session.usage(session.find(arn)[0].row).value
    assert report is not None
    assert len(report.services) == 250
    assert report.granularity == "ACTION_LEVEL"
    assert any(step.done for step in steps)


def test_action_level_falls_back_to_service_level() -> None:
    faults = {"GenerateServiceLastAccessedDetails": Fault("InvalidInput", "no action level here", 400, times=1)}
    with AwsTestServer(faults=faults) as server:
        items = list(source(server).last_accessed("arn:aws:iam::123456789012:user/user-1"))
        asked = [p["Granularity"] for name, _, p in server.calls if name == "GenerateServiceLastAccessedDetails"]
    assert asked == ["ACTION_LEVEL", "SERVICE_LEVEL"]
    assert isinstance(items[-1], Document)


def test_cancelling_stops_a_job() -> None:
    with AwsTestServer(job_ready_after=10_000) as server:
        begin = time.monotonic()
        items = []
        for item in source(server).last_accessed("arn:aws:iam::123456789012:user/user-1", cancelled=lambda: len(items) > 2):
            items.append(item)
    assert not any(isinstance(item, Document | Gap) for item in items)
    assert time.monotonic() - begin < 20


def test_keys_versions_and_roles_are_read_one_by_one() -> None:
    keys = {
        "user-1": [{"UserName": "user-1", "AccessKeyId": "AKIAEXAMPLEKEY000001", "Status": "Active", "CreateDate": "2026-01-01T00:00:00Z"}]
    }
    with AwsTestServer(keys=keys) as server:
        live = source(server)
        session = read(Session(live))
        view = session.load_access_keys(session.find("user-1")[0].row)
        assert view.keys.value is not None
        assert view.keys.value[0].key_id == "AKIAEXAMPLEKEY000001"
        assert view.keys.value[0].last_used.is_known
        assert session.find("AKIAEXAMPLEKEY000001")[0].row.item.name == "user-1"  # type: ignore[union-attr]
        version = list(live.policy_version("arn:aws:iam::123456789012:policy/team-1"))
        assert isinstance(version[0], Document)
        role = list(live.role("role-1", "arn:aws:iam::123456789012:role/role-1"))
        assert isinstance(role[0], Document)
        missing = list(live.policy_version("arn:aws:iam::123456789012:policy/none"))
        assert isinstance(missing[0], Gap)


def test_all_roles_are_told_their_maximum_session_in_pages() -> None:
    with AwsTestServer(large_account(2, 230, 1), page=100) as server:
        session = read(Session(source(server)))
        before = session.world.snapshots[0].roles
        session.load_roles()
        assert server.count("ListRoles") == 3
        assert server.count("GetRole") == 0
    roles = session.world.snapshots[0].roles
    assert {role.max_session for role in before} == {None}
    assert {role.max_session for role in roles} == {7200}
    assert [role.unique_id for role in roles] == [role.unique_id for role in before]
    assert [role.inline for role in roles] == [role.inline for role in before]


def test_refused_role_details_are_said_and_cost_nothing() -> None:
    with AwsTestServer(large_account(2, 3, 1), faults={"ListRoles": [Fault("AccessDenied")]}) as server:
        session = read(Session(source(server)))
        session.load_roles()
    assert len(session.world.snapshots[0].roles) == 3
    assert any("ListRoles" in problem.where + problem.what for problem in session.problems())
