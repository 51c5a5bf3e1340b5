"""Answers about an account: inventories in all spellings, merged, with what could not be read by name."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from iamtui.model.account import ALIASES, CREDENTIALS, PASSWORD_POLICY, POLICIES, ROLES, SUMMARY, USERS, Snapshot, World
from iamtui.model.document import Document, Gap, Kind, Origin
from iamtui.model.fact import State
from iamtui.model.usage import UsageReport
from iamtui.source.decode import Assembler, decode_last_accessed, fold
from tests.hostile import ACCOUNT, NASTY, hostile_documents

WHEN = datetime(2026, 11, 1, tzinfo=UTC)
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
COMPACT = json.dumps(POLICY, separators=(",", ":"))
N = "111122223333"


def arn(kind: str, name: str, account: str = N) -> str:
    return f"arn:aws:iam::{account}:{kind}/{name}"


def document(kind: Kind, value: Any, key: str = "", as_of: datetime = WHEN, **more: Any) -> Document:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Document(kind, body, as_of, Origin("evidence", f"{kind.value}{key}"), key=key, **more)


def gaad(**lists: Any) -> dict[str, Any]:
    return {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [], "Policies": [], **lists}


def user(name: str, **more: Any) -> dict[str, Any]:
    return {"UserName": name, "UserId": f"AIDA{name}", "Arn": arn("user", name), "Path": "/", "CreateDate": "2026-01-01T00:00:00Z", **more}


def role(name: str, **more: Any) -> dict[str, Any]:
    return {"RoleName": name, "RoleId": f"AROA{name}", "Arn": arn("role", name), "AssumeRolePolicyDocument": POLICY, **more}


def world_of(*items: Document | Gap) -> World:
    assembler = Assembler()
    for item in items:
        assembler.add(item)
    return assembler.world()


def only(*items: Document | Gap) -> Snapshot:
    [snapshot] = world_of(*items).snapshots
    return snapshot


@pytest.mark.parametrize(
    "spelling",
    [
        "2026-01-02T03:04:05Z",
        "2026-01-02 03:04:05+00:00",
        "2026-01-02T05:04:05+02:00",
        "2026-01-02T03:04:05",
        "2026-01-02 03:04:05",
        1767323045,
        1767323045.0,
    ],
)
def test_dates_in_all_spellings(spelling: Any) -> None:
    found = only(document(Kind.AUTHORIZATION, gaad(UserDetailList=[user("ann", CreateDate=spelling)])))
    assert found.users[0].created == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("spelling", ["", "N/A", None, "yesterday", [], {}, True, 1e300, -1e300, "2026-99-99T00:00:00Z"])
def test_what_is_no_date_is_none(spelling: Any) -> None:
    found = only(document(Kind.AUTHORIZATION, gaad(UserDetailList=[user("ann", CreateDate=spelling)])))
    assert found.users[0].created is None


@pytest.mark.parametrize(
    "spelling", [POLICY, json.dumps(POLICY), json.dumps(POLICY, indent=4), quote(json.dumps(POLICY)), quote(COMPACT, safe="")]
)
def test_policy_documents_in_all_wrappings_keep_their_order(spelling: Any) -> None:
    found = only(document(Kind.AUTHORIZATION, gaad(RoleDetailList=[role("r", AssumeRolePolicyDocument=spelling)])))
    assert found.roles[0].trust == COMPACT


def test_text_that_is_no_policy_is_kept_for_a_person_to_see() -> None:
    found = only(document(Kind.AUTHORIZATION, gaad(RoleDetailList=[role("r", AssumeRolePolicyDocument="{broken")])))
    assert found.roles[0].trust == "{broken"


def test_lists_are_sorted_by_name_without_case_then_arn() -> None:
    found = only(document(Kind.AUTHORIZATION, gaad(UserDetailList=[user(n) for n in ("bob", "Ann", "Zoe", "carl", "Émile")])))
    assert [u.name for u in found.users] == ["Ann", "bob", "carl", "Zoe", "Émile"]


def test_pages_by_filter_are_whole_when_the_last_has_come() -> None:
    assembler = Assembler()
    assembler.add(document(Kind.AUTHORIZATION, gaad(UserDetailList=[user("a")], IsTruncated=True, Marker="m"), key="User"))
    assert not assembler.world().snapshots[0].section(USERS).complete
    assert assembler.world().snapshots[0].section(ROLES).state is State.NOT_LOADED
    assembler.add(document(Kind.AUTHORIZATION, gaad(UserDetailList=[user("b")]), key="User", part=1))
    assert assembler.world().snapshots[0].section(USERS).complete
    assert [u.name for u in assembler.world().snapshots[0].users] == ["a", "b"]
    assembler.add(document(Kind.AUTHORIZATION, gaad(), key="LocalManagedPolicy"))
    assert not assembler.world().snapshots[0].section(POLICIES).complete, "AWS managed policies are still to come"
    assembler.add(document(Kind.AUTHORIZATION, gaad(), key="AWSManagedPolicy"))
    assert assembler.world().snapshots[0].section(POLICIES).complete


def test_the_newer_answer_wins_whatever_the_order() -> None:
    old = document(Kind.AUTHORIZATION, gaad(UserDetailList=[user("ann", Path="/old/")]), as_of=WHEN - timedelta(days=1))
    new = document(Kind.AUTHORIZATION, gaad(UserDetailList=[user("ann", Path="/new/")]))
    assert [u.path for u in only(old, new).users] == [u.path for u in only(new, old).users] == ["/new/"]
    assert only(old, new).section(USERS).as_of == WHEN - timedelta(days=1), "as old as its oldest part"


def test_accounts_side_by_side() -> None:
    other = gaad(UserDetailList=[{**user("ann"), "Arn": arn("user", "ann", "444455556666")}])
    world = world_of(document(Kind.AUTHORIZATION, gaad(UserDetailList=[user("ann")])), document(Kind.AUTHORIZATION, other))
    assert [s.account for s in world.snapshots] == [N, "444455556666"]


def test_the_world_is_cheap_while_nothing_changes() -> None:
    assembler = Assembler()
    assembler.add(document(Kind.AUTHORIZATION, gaad(UserDetailList=[user("ann")])))
    assert assembler.world().snapshots[0].users is assembler.world().snapshots[0].users


def test_nothing_of_one_item_is_lost_by_another() -> None:
    found = only(
        document(
            Kind.AUTHORIZATION,
            gaad(
                UserDetailList=[
                    user("good", GroupList=None, UserPolicyList=None, AttachedManagedPolicies=None, Tags=None),
                    {"UserName": "no arn"},
                    user("bad", UserPolicyList="x"),
                    None,
                    user("fine", Tags=[{"Key": "k", "Value": None}, "x"], AttachedManagedPolicies=[None, {"PolicyArn": "p"}]),
                ],
                RoleDetailList=None,
            ),
        )
    )
    assert [u.name for u in found.users] == ["fine", "good"]
    assert len([g for g in found.gaps if g.state is State.FAILED]) == 3
    assert not found.section(USERS).complete


def test_small_answers() -> None:
    found = only(
        document(Kind.CALLER, {"UserId": "AIDA", "Account": N, "Arn": "arn:aws-cn:iam::111122223333:user/me"}),
        document(Kind.ACCOUNT_SUMMARY, {"SummaryMap": {"Users": 1, "odd": "x"}}),
        document(Kind.ACCOUNT_ALIASES, {"AccountAliases": ["acme"]}),
        document(Kind.PASSWORD_POLICY, {"PasswordPolicy": {"MinimumPasswordLength": 14}}),
    )
    assert (found.account, found.partition, found.label, found.caller_arn[-7:]) == (N, "aws-cn", "acme", "user/me")
    assert found.summary == {"Users": 1}
    assert found.password_policy == {"MinimumPasswordLength": 14}
    assert all(found.section(name).state is State.KNOWN for name in (SUMMARY, ALIASES, PASSWORD_POLICY))


def test_refusals_differ_from_failures_and_from_nothing_asked() -> None:
    found = only(
        document(Kind.CALLER, {"UserId": "AIDA", "Account": N, "Arn": arn("user", "me")}),
        Gap(Kind.CREDENTIAL_REPORT, State.DENIED, "not allowed", "iam:GetCredentialReport", N),
        Gap(Kind.ACCOUNT_SUMMARY, State.FAILED, "throttled", "iam:GetAccountSummary", N),
        Gap(Kind.AUTHORIZATION, State.DENIED, "not allowed", "iam:GetAccountAuthorizationDetails", N, key="Role"),
    )
    states = [found.section(name).state for name in (CREDENTIALS, SUMMARY, ROLES, USERS)]
    assert states == [State.DENIED, State.FAILED, State.DENIED, State.NOT_LOADED]
    assert len(found.gaps) == 3


def test_credential_report_columns_are_read_by_header() -> None:
    text = f"mfa_active,arn,user,access_key_1_last_rotated,access_key_1_last_used_date,new_column\nTRUE,{arn('user', 'ann')},ann,2026-01-01T00:00:00+00:00,N/A,x\n"
    row = only(document(Kind.CREDENTIAL_REPORT, text.encode())).credentials[arn("user", "ann")]
    assert row.mfa.value is True
    assert row.keys[0].last_used.state is State.NEVER
    assert row.password_enabled.state is State.NOT_LOADED
    assert "no column password_enabled" in row.password_enabled.detail


@pytest.mark.parametrize("body", [b"", b"a,b\n1,2\n", b"{}", b"\xff\xfe\x00", b"user,arn\nann"])
def test_a_report_that_is_none_is_a_gap(body: bytes) -> None:
    world = world_of(document(Kind.CREDENTIAL_REPORT, body, account=N))
    gaps = [*world.gaps, *(g for s in world.snapshots for g in s.gaps)]
    assert gaps
    assert gaps[0].state is State.FAILED


def test_a_policy_version_and_a_role_complete_what_is_there() -> None:
    policy = {
        "PolicyName": "p",
        "Arn": arn("policy", "p"),
        "DefaultVersionId": "v2",
        "PolicyVersionList": [{"VersionId": "v1", "Document": POLICY}],
    }
    inventory = document(Kind.AUTHORIZATION, gaad(Policies=[policy], RoleDetailList=[role("r")]))
    version = document(
        Kind.POLICY_VERSION,
        {"ResponseMetadata": {}, "PolicyVersion": {"VersionId": "v2", "IsDefaultVersion": True, "Document": quote(COMPACT)}},
        key=f"{arn('policy', 'p')}:v2",
    )
    told = document(Kind.ROLE, {"ResponseMetadata": {}, "Role": role("r", MaxSessionDuration=7200, Description="d")})
    for found in (only(inventory, version, told), fold(fold(world_of(inventory), version, N), told, N).snapshots[0]):
        assert [v.version_id for v in found.policies[0].versions] == ["v2", "v1"]
        assert found.policies[0].default_version is not None
        assert found.policies[0].default_version.document == COMPACT
        assert (found.roles[0].max_session, found.roles[0].description) == (7200, "d")


def test_last_accessed_states() -> None:
    def answer(value: Any) -> UsageReport | Gap:
        return decode_last_accessed(document(Kind.LAST_ACCESSED, value))

    running = answer({"JobStatus": "IN_PROGRESS", "JobCreationDate": "2026-01-01T00:00:00Z"})
    assert isinstance(running, Gap)
    assert running.state is State.NOT_LOADED
    failed = answer({"JobStatus": "FAILED", "Error": {"Code": "X", "Message": "went wrong"}})
    assert isinstance(failed, Gap)
    assert failed.reason == "the job failed: went wrong"
    broken = answer(b"{")
    assert isinstance(broken, Gap)
    report = answer(
        {
            "JobStatus": "COMPLETED",
            "JobType": "ACTION_LEVEL",
            "JobCompletionDate": "2026-10-01T00:00:00Z",
            "ServicesLastAccessed": [
                {"ServiceName": "Glue", "ServiceNamespace": "glue", "TotalAuthenticatedEntities": 0},
                {
                    "ServiceName": "S3",
                    "ServiceNamespace": "s3",
                    "LastAuthenticated": "2026-09-01T00:00:00Z",
                    "LastAuthenticatedEntity": arn("role", "r"),
                    "TrackedActionsLastAccessed": [
                        {"ActionName": "GetObject"},
                        {"ActionName": "ListBucket", "LastAccessedTime": "2026-09-01T00:00:00Z"},
                    ],
                },
            ],
        }
    )
    assert isinstance(report, UsageReport)
    assert (report.arn, report.granularity) == (arn("role", "r"), "ACTION_LEVEL")
    assert report.tracking_from == datetime(2026, 10, 1, tzinfo=UTC) - timedelta(days=400)
    glue, s3 = report.services
    assert glue.last_used.state is State.NOT_IN_TRACKING_PERIOD, "AWS does not say never"
    assert [a.last_used.state for a in s3.actions] == [State.NOT_IN_TRACKING_PERIOD, State.KNOWN]


def test_the_hostile_account_decodes_whole() -> None:
    documents = hostile_documents()
    found = only(*documents)
    assert found.account == ACCOUNT
    assert len(found.users) == len(found.roles) == len(found.groups) == len(NASTY)
    assert len(found.credentials) == len(NASTY) + 1
    assert found.gaps == ()
    for item in (*found.users, *found.roles, *found.groups, *found.policies):
        str(item).encode()
    usage = decode_last_accessed(documents[7])
    assert isinstance(usage, UsageReport)
    assert len(usage.services) == len(NASTY)


def test_one_broken_line_of_a_report_loses_no_other() -> None:
    lines = ["user,arn,mfa_active", f"ann,{arn('user', 'ann')},true", "x" * 200_000 + ",y,true", "bob", f"zoe,{arn('user', 'zoe')},maybe"]
    found = only(document(Kind.CREDENTIAL_REPORT, "\n".join(lines).encode(), account=N))
    assert {row.name for row in found.credentials.values()} == {"ann", "zoe"}
    assert found.credentials[arn("user", "zoe")].mfa.state is State.FAILED
    assert [g.reason.partition(":")[0] for g in found.gaps] == ["line 3", "line 4"]
    assert not found.section(CREDENTIALS).complete
