"""Two points in time: every kind of difference, how grave it is, and what is no difference."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from iamtui.analysis.snapshots.comparing import compare, compare_snapshots
from iamtui.analysis.snapshots.difference import Side
from iamtui.model.account import CREDENTIALS, PASSWORD_POLICY, POLICIES, ROLES, USERS, Section, World
from iamtui.model.credentials import AccessKey
from iamtui.model.fact import State, absent
from iamtui.model.identity import InstanceProfile
from iamtui.model.policy import PolicyRef
from iamtui.model.surroundings import ResourcePolicy, Surroundings
from tests.support.changes import ACCOUNT, ADMIN, ADMIN_ARN, AWS_ADMIN, NOW, READ, WRITE, ago, arn, group, policy, role, user
from tests.support.points import BEFORE, before, differences, key, notes, point, row, told

TRUST_EC2 = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def trust(principal: Any, condition: Any = None) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [{**statement, **({"Condition": condition} if condition else {})}]}


def with_(item: Any, **more: Any) -> Any:
    return msgspec.structs.replace(item, **more)


# -- who is there ----------------------------------------------------------------------------------------------------


def test_equal_points_have_no_difference() -> None:
    held = (user("ana", attached=[ADMIN_ARN], groups=["ops"]), role("job", TRUST_EC2), group("ops"), AWS_ADMIN)
    found = compare_snapshots(before(*held), point(*held))
    assert found.differences == ()
    assert found.notes == ()
    assert not found.grows
    assert not found.partial


def test_when_a_role_was_last_used_is_no_difference() -> None:
    old, new = role("job", TRUST_EC2), role("job", TRUST_EC2, last_used=ago(1), last_used_region="eu-west-1", last_used_told=True)
    assert differences(before(old), point(new)) == ()


def test_created_and_deleted_with_what_they_hold() -> None:
    old = before(user("gone"), group("ops", attached=[ADMIN_ARN]), AWS_ADMIN)
    new = point(user("ana", groups=["ops"], created=ago(3)), group("ops", attached=[ADMIN_ARN]), AWS_ADMIN)
    found = {(one.change, one.name): one for one in differences(old, new)}
    created = found["identity added", "ana"]
    assert created.words == "user created: groups ops, policies AdministratorAccess"
    assert created.grows
    assert created.at == ago(3)
    assert created.severity == "medium"
    assert found["admin added", "ana"].severity == "critical"
    gone = found["identity removed", "gone"]
    assert gone.words == "user deleted: no policy"
    assert not gone.grows
    assert set(found) == {("identity added", "ana"), ("admin added", "ana"), ("identity removed", "gone")}


def test_another_one_under_the_same_name() -> None:
    old, new = user("ana", attached=[ADMIN_ARN]), with_(user("ana"), unique_id="AIDANEWONE0000000000")
    found = {one.change: one for one in differences(before(old, AWS_ADMIN), point(new, AWS_ADMIN))}
    assert found["identity replaced"].before == old.unique_id
    assert found["identity replaced"].after == "AIDANEWONE0000000000"
    assert set(found) == {"identity replaced", "grant removed", "admin removed"}


def test_renamed_and_moved_are_the_same_user() -> None:
    old = user("ana")
    renamed = with_(old, name="anna", arn=arn("user", "anna"))
    moved = with_(old, path="/left/", arn=f"arn:aws:iam::{ACCOUNT}:user/left/ana")
    (one,) = differences(before(old), point(renamed))
    assert (one.change, one.words, one.old_arn) == ("name changed", "renamed from ana to anna", old.arn)
    (one,) = differences(before(old), point(moved))
    assert one.words == "moved from path / to /left/"


def test_a_rename_into_a_name_that_is_made_again_keeps_both_apart() -> None:
    first = user("ana")
    renamed = with_(first, name="anna", arn=arn("user", "anna"))
    second = with_(user("ana"), unique_id="AIDASECOND0000000000")
    assert sorted(told(before(first), point(renamed, second))) == [
        ("identity added", "ana", "medium"),
        ("name changed", "anna", "low"),
    ]


def test_ids_that_are_shared_or_missing_decide_nothing() -> None:
    """Documents on the web mask ids: the same one for everybody, or none."""
    for unique in ("AIDACKCEVSQ6C2EXAMPLE", ""):
        old = [with_(user(name), unique_id=unique) for name in ("ana", "bo", "cy")]
        new = [with_(user(name), unique_id=unique) for name in ("ana", "bo", "di")]
        assert sorted(told(before(*old), point(*new))) == [("identity added", "di", "medium"), ("identity removed", "cy", "low")]


# -- grants ----------------------------------------------------------------------------------------------------------


def test_policies_attached_and_detached() -> None:
    reading = policy("reading", (1, 300, READ))
    old = before(user("ana", attached=[reading.arn]), user("bo"), reading, AWS_ADMIN)
    new = point(user("ana"), user("bo", attached=[ADMIN_ARN]), reading, AWS_ADMIN)
    found = {(one.change, one.name): one for one in differences(old, new)}
    given = found["grant added", "bo"]
    assert (given.severity, given.grows, given.about) == ("high", True, ADMIN_ARN)
    assert given.words == "policy AdministratorAccess attached, an administrator's rights by itself"
    assert json.loads(given.new_document) == ADMIN
    taken = found["grant removed", "ana"]
    assert (taken.severity, taken.grows, taken.before) == ("low", False, "reading")
    assert found["access removed", "ana"].lost[0].actions == ("s3:GetObject",)
    assert ("access added", "bo") not in found  # that it administers says all


def test_an_inline_policy_changed_by_meaning() -> None:
    old, new = user("ana", inline={"own": READ}), user("ana", inline={"own": WRITE})
    found = {one.change: one for one in differences(before(old), point(new))}
    assert set(found) == {"grant changed", "access added"}
    assert "grants more: s3 Write (PutObject)" in found["grant changed"].words
    assert found["grant changed"].grows
    assert found["access added"].words == "may do more: s3 Write (PutObject)"
    back = {one.change: one for one in differences(before(new), point(old))}
    assert back["grant changed"].severity == "low"
    assert not back["grant changed"].grows
    assert back["access removed"].words == "may do less: s3 Write (PutObject)"


def test_the_same_policy_written_otherwise_is_no_difference() -> None:
    statement = {**READ["Statement"][0], "Action": ["s3:GetObject"], "Resource": ["*"]}
    old, new = user("ana", inline={"own": READ}), user("ana", inline={"own": {"Statement": statement, "Version": "2012-10-17"}})
    assert differences(before(old), point(new)) == ()


def test_labels_are_told_and_give_nothing() -> None:
    labelled = {**READ, "Id": "x", "Statement": [{**READ["Statement"][0], "Sid": "Read"}]}
    (one,) = differences(before(user("ana", inline={"own": READ})), point(user("ana", inline={"own": labelled})))
    assert one.words == "inline policy own: labels (Sid, Id) changed, and it says the same"
    assert (one.severity, one.grows) == ("low", False)


def test_groups_joined_bring_their_policies() -> None:
    ops = group("ops", attached=[ADMIN_ARN])
    found = {
        one.change: one for one in differences(before(user("ana"), ops, AWS_ADMIN), point(user("ana", groups=["ops"]), ops, AWS_ADMIN))
    }
    assert found["group added"].words == "joined group ops, which gives AdministratorAccess"
    assert found["group added"].grows
    assert found["admin added"].severity == "critical"


def test_a_groups_policy_is_told_once_and_says_whom_it_reaches() -> None:
    members = [user(name, groups=["ops"]) for name in ("ana", "bo", "cy")]
    writing = policy("writing", (1, 300, WRITE))
    old = before(*members, group("ops"), writing)
    new = point(*members, group("ops", attached=[writing.arn]), writing)
    found = differences(old, new)
    assert [(one.change, one.subject) for one in found] == [("access added", "group"), ("grant added", "group")]
    assert all(one.reaches == tuple(sorted(member.arn for member in members)) for one in found)


def test_a_boundary_taken_off_lets_through_what_it_stopped() -> None:
    limit = policy("limit", (1, 300, READ))
    ref = PolicyRef(limit.arn, "limit")
    old, new = user("ana", inline={"own": WRITE}, boundary=ref), user("ana", inline={"own": WRITE})
    found = {one.change: one for one in differences(before(old, limit), point(new, limit))}
    assert found["boundary removed"].severity == "high"
    assert found["access added"].words == "may do more: s3 Write (PutObject)"
    back = {one.change: one for one in differences(before(new, limit), point(old, limit))}
    assert (back["boundary added"].severity, back["boundary added"].grows) == ("low", False)
    assert back["access removed"].severity == "low"


# -- policies --------------------------------------------------------------------------------------------------------


def test_a_policys_text_in_force() -> None:
    old = policy("deploy", (1, 300, READ))
    new = policy("deploy", (1, 300, READ), (2, 5, WRITE))
    holder = user("ana", attached=[old.arn])
    (one,) = differences(before(holder, old), point(holder, new))
    assert one.change == "policy changed"
    assert one.words == "v1 → v2: grants more: s3 Write (PutObject)"
    assert (one.before, one.after, one.at) == ("v1", "v2", ago(5))
    assert one.reaches == (holder.arn,)
    assert one.grows
    assert one.gained[0].actions == ("s3:PutObject",)
    (nobodys,) = differences(before(old), point(new))
    assert (nobodys.severity, nobodys.grows) == ("low", False)
    assert "it reaches nobody" in nobodys.words


def test_a_policy_that_becomes_an_administrators_makes_its_holders_ones() -> None:
    old, new = policy("deploy", (1, 300, READ)), policy("deploy", (1, 300, READ), (2, 5, ADMIN))
    holder, member = role("job", TRUST_EC2, attached=[old.arn]), user("ana", groups=["ops"])
    ops = group("ops", attached=[old.arn])
    found = {(one.change, one.name): one for one in differences(before(holder, member, ops, old), point(holder, member, ops, new))}
    assert set(found) == {("policy changed", "deploy"), ("admin added", "job"), ("admin added", "ana")}
    assert "gives an administrator's rights by itself" in found["policy changed", "deploy"].words
    assert set(found["policy changed", "deploy"].reaches) == {holder.arn, member.arn, ops.arn}


def test_versions_that_are_not_in_force() -> None:
    old = policy("deploy", (1, 300, READ))
    new = policy("deploy", (1, 300, READ), (2, 5, ADMIN), default=1)
    (one,) = differences(before(old), point(new))
    assert (one.change, one.about, one.severity, one.at) == ("version added", "v2", "low", ago(5))
    assert one.words == "version v2 made, and not in force"
    (back,) = differences(before(new), point(old))
    assert (back.change, back.words) == ("version removed", "version v2 deleted")


def test_another_version_that_says_the_same() -> None:
    old = policy("deploy", (1, 300, READ))
    new = policy("deploy", (1, 300, READ), (2, 5, READ))
    (one,) = differences(before(old), point(new))
    assert one.words == "v2 is in force instead of v1, and says the same"


def test_aws_changes_its_own_policies() -> None:
    where = "arn:aws:iam::aws:policy/Reading"
    old, new = policy("Reading", (1, 300, READ), where=where), policy("Reading", (2, 5, WRITE), where=where)
    holder = user("ana", attached=[where])
    (one,) = differences(before(holder, old), point(holder, new))
    assert one.words.startswith("v1 → v2: AWS changed it: grants more")
    assert one.untold == "AWS changes its own policies; no event of the account tells"
    assert differences(before(old), point()) == ()  # listed while somebody has it; nobody deleted it


# -- trust -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "severity", "grows", "words"),
    [
        (TRUST_EC2, trust({"AWS": "arn:aws:iam::999999999999:root"}), "high", True, "lets in account 999999999999 (another account); no longer lets in service ec2"),
        (TRUST_EC2, trust({"AWS": "*"}), "critical", True, "lets in anyone in any AWS account"),
        (trust({"AWS": "*"}), TRUST_EC2, "medium", True, "lets in service ec2"),
        (trust({"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}), TRUST_EC2, "low", False, "no longer lets in service lambda"),
        (TRUST_EC2, trust({"Service": "ec2.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": ACCOUNT}}), "low", False, "no longer lets in as before, only under more conditions: service ec2"),
        (trust({"Service": "ec2.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": ACCOUNT}}), TRUST_EC2, "medium", True, "lets in otherwise than before: service ec2"),
    ],
)  # fmt: skip
def test_who_may_assume_a_role_now_and_could_not_before(old: Any, new: Any, severity: str, grows: bool, words: str) -> None:
    found = [one for one in differences(before(role("job", old)), point(role("job", new))) if one.what == "trust"]
    assert [(one.severity, one.grows) for one in found] == [(severity, grows)]
    assert found[0].words.startswith(words)


def test_a_deny_that_is_gone_lets_in() -> None:
    deny = {"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "sts:AssumeRole"}
    closed = {"Version": "2012-10-17", "Statement": [*TRUST_EC2["Statement"], deny]}
    (one,) = differences(before(role("job", closed)), point(role("job", TRUST_EC2)))
    assert one.grows
    assert one.words == "no longer denies account 999999999999 (another account)"


def test_a_new_role_that_is_open_to_the_outside() -> None:
    made = role("job", trust({"AWS": "arn:aws:iam::999999999999:root"}), created=ago(1))
    assert told(before(), point(made)) == [("trust added", "job", "high"), ("identity added", "job", "medium")]
    assert told(before(made), point()) == [("trust removed", "job", "low"), ("identity removed", "job", "low")]


def test_policies_of_resources_that_were_read_at_both_points() -> None:
    bucket, other = "arn:aws:s3:::logs", "arn:aws:s3:::more"

    def around(*held: tuple[str, Any]) -> Surroundings:
        return Surroundings(resources={where: ResourcePolicy(where, ACCOUNT, json.dumps(text)) for where, text in held})

    closed = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "s3:*", "Resource": "*"}]}
    opened = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}]}
    found = compare_snapshots(before(), point(), around((bucket, closed)), around((bucket, opened), (other, closed)))
    (one,) = found.differences
    assert (one.change, one.subject, one.name, one.severity, one.grows) == ("resource policy changed", "s3", "logs", "critical", True)
    assert notes(found) == ["policies of 1 resources are missing in the old one: taken off, or not read"]


# -- credentials -----------------------------------------------------------------------------------------------------


def keys_of(old: Any, new: Any) -> list[tuple[str, str, bool]]:
    return [(one.change, one.words, one.grows) for one in differences(before(user("ana"), rows=[old]), point(user("ana"), rows=[new]))]


def test_keys_made_disabled_deleted_and_rotated() -> None:
    first, second = ago(300), ago(10)
    one, two = f"of {first:%Y-%m-%d}", f"of {second:%Y-%m-%d}"
    assert keys_of(row("ana"), row("ana", keys=(key(second),))) == [("key added", f"access key {two} made", True)]
    assert keys_of(row("ana", keys=(key(first),)), row("ana")) == [("key removed", f"access key {one} deleted", False)]
    assert keys_of(row("ana", keys=(key(first),)), row("ana", keys=(key(first, active=False),))) == [
        ("key changed", f"access key {one} disabled", False)
    ]
    assert keys_of(row("ana", keys=(key(first, active=False),)), row("ana", keys=(key(first),))) == [
        ("key changed", f"access key {one} switched on again", True)
    ]
    assert sorted(keys_of(row("ana", keys=(key(first),)), row("ana", keys=(key(second),)))) == [
        ("key added", f"access key {two} made, and another deleted: rotated", False),
        ("key removed", f"access key {one} deleted, and another made", False),
    ]
    # The report's slots may change places.
    assert keys_of(row("ana", keys=(key(first), key(second))), row("ana", keys=(key(second), key(first)))) == []


def test_keys_by_id_where_they_were_asked_for() -> None:
    def held(*ids: str) -> dict[str, tuple[AccessKey, ...]]:
        return {arn("user", "ana"): tuple(AccessKey(one, "ana", True, ago(20), absent(State.NEVER)) for one in ids)}

    old = before(user("ana"), rows=[row("ana")], keys=held("AKIAEXAMPLE000000001"))
    new = point(user("ana"), rows=[row("ana")], keys=held("AKIAEXAMPLE000000001", "AKIAEXAMPLE000000002"))
    assert [(one.change, one.about) for one in differences(old, new)] == [("key added", "AKIAEXAMPLE000000002")]
    # Asked for on one side only: told by the day they were made, as the report does.
    by_report = before(user("ana"), rows=[row("ana", keys=(key(ago(20)),))])
    assert differences(by_report, point(user("ana"), rows=[row("ana")], keys=held("AKIAEXAMPLE000000001"))) == ()


def test_passwords_and_mfa() -> None:
    found = keys_of(row("ana"), row("ana", password=True, changed=ago(3)))
    assert found == [("console added", "console password made, without MFA", True)]
    assert keys_of(row("ana", password=True, changed=ago(300)), row("ana", password=True, changed=ago(3))) == [
        ("password changed", "console password changed", False)
    ]
    (one,) = differences(before(user("ana"), rows=[row("ana", mfa=True)]), point(user("ana"), rows=[row("ana")]))
    assert (one.change, one.severity, one.words) == ("MFA removed", "high", "MFA taken off")
    (one,) = differences(before(rows=[row("<root_account>", mfa=True)]), point(rows=[row("<root_account>")]))
    assert (one.subject, one.severity) == ("root", "critical")
    (one,) = differences(before(rows=[row("<root_account>")]), point(rows=[row("<root_account>", keys=(key(ago(1)),))]))
    assert (one.change, one.severity) == ("key added", "critical")


def test_the_accounts_password_policy_and_alias() -> None:
    strong = {"MinimumPasswordLength": 14, "RequireSymbols": True, "ExpirePasswords": True, "MaxPasswordAge": 90}
    weak = {**strong, "MinimumPasswordLength": 8}
    (one,) = differences(before(password_policy=strong), point(password_policy=weak))
    assert (one.change, one.severity, one.words) == (
        "password policy changed",
        "medium",
        "password policy weaker: MinimumPasswordLength 14 is now 8",
    )
    (one,) = differences(before(password_policy=weak), point(password_policy=strong))
    assert one.severity == "low"
    (one,) = differences(before(password_policy=strong), point())
    assert (one.words, one.severity) == ("password policy deleted", "medium")
    (one,) = differences(before(alias="acme"), point(alias="acme-prod"))
    assert one.words == "account alias: acme is now acme-prod"


def test_tags_owner_and_settings() -> None:
    old = role("job", TRUST_EC2, tags=(("owner", "ana"), ("env", "dev")), max_session=3600, description="old")
    profile = InstanceProfile(arn("instance-profile", "job"), "job")
    new = role(
        "job", TRUST_EC2, tags=(("owner", "bo"), ("env", "prod")), max_session=43200, description="new", instance_profiles=(profile,)
    )
    found = {(one.change, one.about): one.words for one in differences(before(old), point(new))}
    assert found == {
        ("owner changed", "owner"): "owner: ana is now bo",
        ("tags changed", ""): "tags: env dev is now prod",
        ("settings changed", "maximum session"): "longest session 60 min is now 720 min",
        ("settings changed", "description"): "description changed",
        ("instance profile added", "job"): "put into instance profile job",
    }


# -- what cannot be compared -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.DENIED, State.FAILED, State.NOT_LOADED])
@pytest.mark.parametrize("side", [Side.OLD, Side.NEW])
def test_a_list_that_one_side_has_not_read_is_a_note(state: State, side: Side) -> None:
    hole = {ROLES: Section(state, None, None, False, "iam:GetAccountAuthorizationDetails")}
    held = (user("ana"), role("job", trust({"AWS": "*"})))
    old = before(user("ana"), sections=hole) if side is Side.OLD else before(*held)
    new = point(user("ana"), sections=hole) if side is Side.NEW else point(*held)
    found = compare_snapshots(old, new)
    assert found.differences == ()
    assert found.partial
    words = "not read" if state is State.NOT_LOADED else f"{state.value}: iam:GetAccountAuthorizationDetails"
    assert [note.words for note in found.notes if note.side is side] == [f"roles: {words} in the {side.value} one"]


def test_a_report_that_one_side_has_not_is_a_note() -> None:
    hole = {CREDENTIALS: Section(State.DENIED, None, None, False, "iam:GenerateCredentialReport")}
    found = compare_snapshots(before(user("ana"), sections=hole), point(user("ana"), rows=[row("ana", password=True)]))
    assert found.differences == ()
    assert notes(found) == ["credential report: denied: iam:GenerateCredentialReport in the old one"]
    both = compare_snapshots(before(user("ana"), sections=hole), point(user("ana"), sections=hole))
    assert not both.partial


def test_a_row_that_one_report_has_not_is_counted() -> None:
    found = compare_snapshots(before(user("ana"), rows=[]), point(user("ana"), rows=[row("ana", password=True)]))
    assert found.differences == ()
    assert "the old one has no row of 1 user" in notes(found)[0]


def test_facts_without_a_value_are_no_difference() -> None:
    blind = with_(row("ana"), mfa=absent(State.NO_INFORMATION), password_enabled=absent(State.DENIED))
    old, new = before(user("ana"), rows=[blind]), point(user("ana"), rows=[row("ana", password=True, mfa=True)])
    assert differences(old, new) == ()
    assert differences(point(user("ana"), rows=[row("ana", mfa=True)]), before(user("ana"), rows=[blind])) == ()


def test_what_a_part_of_a_list_lacks_is_not_called_created() -> None:
    part = {USERS: Section(State.KNOWN, BEFORE, None, complete=False, detail="truncated")}
    old = before(user("ana"), sections=part)
    new = point(user("ana"), user("bo"), user("cy", created=NOW - timedelta(days=2)))
    found = compare_snapshots(old, new)
    assert [(one.change, one.name) for one in found.differences] == [("identity added", "cy")]  # its own date tells
    assert "users: read in part in the old one (truncated); 1 of the new one are in it or not" in notes(found)
    assert [(one.change, one.name) for one in compare_snapshots(new, old).differences] == [("identity removed", "cy")]


def test_a_policy_whose_text_was_not_read() -> None:
    blind = policy("deploy", (2, 5, None))
    holder = user("ana", attached=[blind.arn])
    found = compare_snapshots(before(holder, policy("deploy", (1, 300, READ))), point(holder, blind))
    assert found.differences == ()
    assert notes(found) == [
        "policy deploy: its text was not read in the new one, and v1 is now v2 in force",
        "what ana may do: deploy was not read in the new one",
    ]


def test_access_is_not_judged_by_a_policy_nobody_read() -> None:
    holder = user("ana", attached=[ADMIN_ARN])
    found = compare_snapshots(before(user("ana")), point(holder))
    assert [one.change for one in found.differences] == ["grant added"]
    assert found.differences[0].words == "policy AdministratorAccess attached; its text was not read"
    assert found.differences[0].grows


def test_ways_to_an_administrator_need_all_lists() -> None:
    """A role that only one side has read makes nobody an escalator."""
    passing = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["iam:PassRole", "lambda:*"], "Resource": "*"}]}
    held = (user("ana", inline={"own": passing}), role("boss", trust({"Service": "lambda.amazonaws.com"}), attached=[ADMIN_ARN]), AWS_ADMIN)
    hole = {ROLES: Section(State.DENIED)}
    found = compare_snapshots(before(held[0], AWS_ADMIN, sections=hole), point(*held))
    assert found.differences == ()
    whole = compare_snapshots(before(held[0], AWS_ADMIN), point(*held))
    assert ("escalation added", "ana") in {(one.change, one.name) for one in whole.differences}


def test_a_password_policy_that_was_not_read_is_not_a_deleted_one() -> None:
    old = before(password_policy={"MinimumPasswordLength": 14})
    assert differences(old, point(sections={PASSWORD_POLICY: Section(State.DENIED, NOW)})) == ()


def test_organisation_policies_count_only_where_both_have_them() -> None:
    from iamtui.model.surroundings import Organization, OrganizationPolicy

    deny = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]})
    everything = OrganizationPolicy("Full", "SERVICE_CONTROL_POLICY", json.dumps(ADMIN), "r-1")
    organization = Organization(
        management="999999999999",
        paths={ACCOUNT: ("r-1",)},
        policies={"r-1": (everything, OrganizationPolicy("no-s3", "SERVICE_CONTROL_POLICY", deny, "r-1"))},
    )
    bound = Surroundings(organizations=(organization,))
    old, new = before(user("ana", inline={"own": READ})), point(user("ana", inline={"own": WRITE}))
    one_side = compare_snapshots(old, new, Surroundings(), bound)
    assert "access added" in {one.change for one in one_side.differences}
    assert "organisation policies: not read in the old one, so they count at neither point" in notes(one_side)
    both = compare_snapshots(old, new, bound, bound)
    assert "access added" not in {one.change for one in both.differences}  # the organisation stops it at both points


def test_accounts_that_only_one_side_has() -> None:
    other = with_(point(), account="999999999999")
    found = compare(World((before(user("ana")),)), World((point(user("ana"), user("bo")), other)))
    assert {(one.change, one.account) for one in found.differences} == {("identity added", ACCOUNT)}
    assert "account 999999999999: not in the old one" in notes(found)
    assert found.partial


def test_a_policy_list_that_was_not_read_is_no_deleted_policy() -> None:
    held = policy("deploy", (1, 300, READ))
    found = compare_snapshots(before(held), point(sections={POLICIES: Section(State.FAILED, NOW, None, False, "timeout")}))
    assert found.differences == ()
    assert "policies: failed: timeout in the new one" in notes(found)
