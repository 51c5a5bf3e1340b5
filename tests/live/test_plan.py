"""The script of a cleanup plan, run by real shells against an account of moto: what is marked goes, nothing else does, and it comes back."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from iamtui.analysis.cleanup.planning import Marked, plan
from iamtui.analysis.grants import grants
from iamtui.analysis.grounds import grant_evidence, grant_subject, key_subject, keys_of
from iamtui.analysis.reducing import Reduction
from iamtui.model.cleanup import Plan
from iamtui.model.policy import Via
from iamtui.model.review import Decision, Mark, Standing
from iamtui.session import Session
from iamtui.session.cleanup import plan_text, plans
from iamtui.session.reviewing import ReviewSettings, rows_named
from iamtui.source.evidence import EvidenceSource
from tests.support.awscli import AwsCommand, Refused, aws_command

ACCOUNT = "123456789012"
NASTY_PATH = "/$(touch>pwned);'`touch>pwned`\"/"
NASTY_VALUE = "$(touch pwned)'; touch pwned; \"`touch pwned`\\"
SSH = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC0 nobody@example.com"


@cache
def certificate() -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nobody")])
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    signed = made.not_valid_before(begin).not_valid_after(begin + timedelta(days=9000)).sign(key, SHA256())
    return signed.public_bytes(Encoding.PEM).decode().strip()


def document(*actions: str, sid: str = "") -> str:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    if sid:
        statement["Condition"] = {"StringEquals": {"aws:PrincipalTag/x": sid}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(**principal: str) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def moto() -> Iterator[dict[str, Any]]:
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    how: dict[str, Any] = {"region_name": "us-east-1", "aws_access_key_id": "AKIAX", "aws_secret_access_key": "x"}
    yield {name: boto3.client(name, endpoint_url=f"http://{host}:{port}", **how) for name in ("iam", "sts")}
    server.stop()


@pytest.fixture
def iam(moto: dict[str, Any]) -> Any:
    urllib.request.urlopen(urllib.request.Request(f"{moto['iam'].meta.endpoint_url}/moto-api/reset", method="POST")).close()
    return moto["iam"]


@pytest.fixture
def aws(iam: Any, moto: dict[str, Any], tmp_path: Path) -> Iterator[AwsCommand]:
    with aws_command(moto, tmp_path / "bin") as made:
        yield made


def fill(iam: Any, aws: AwsCommand) -> None:
    """An account in which every name is as bad as IAM allows, and a neighbour for each."""
    for name in ("-rf", "--help", "stays", "k=e,y+@.-_"):
        iam.create_user(UserName=name, Path=NASTY_PATH if name == "-rf" else "/", Tags=[{"Key": "note", "Value": NASTY_VALUE}])
    for name in ("-group", "stays"):
        iam.create_group(GroupName=name, Path="/")
        for user in ("-rf", "stays"):
            iam.add_user_to_group(GroupName=name, UserName=user)
    arns = {}
    for name in ("-wide", "=shared", "stays", "five", "small"):
        path = NASTY_PATH if name == "-wide" else "/"
        text = document("s3:*", "ec2:*", sid=NASTY_VALUE) if name in ("five", "=shared") else document("s3:*", sid=NASTY_VALUE)
        made = iam.create_policy(
            PolicyName=name, Path=path, PolicyDocument=text, Description="a\nb", Tags=[{"Key": "k", "Value": NASTY_VALUE}]
        )
        arns[name] = made["Policy"]["Arn"]
    for number in range(2):
        iam.create_policy_version(PolicyArn=arns["-wide"], PolicyDocument=document(f"sqs:{number}"), SetAsDefault=number == 0)
    for number in range(4):
        iam.create_policy_version(PolicyArn=arns["five"], PolicyDocument=document("s3:*", "ec2:*"), SetAsDefault=number == 2)
    iam.attach_user_policy(UserName="-rf", PolicyArn=arns["-wide"])
    iam.attach_user_policy(UserName="-rf", PolicyArn=arns["=shared"])
    iam.attach_user_policy(UserName="stays", PolicyArn=arns["stays"])
    iam.put_user_policy(UserName="-rf", PolicyName="-p+=,.@_", PolicyDocument=document("s3:Get*", sid=NASTY_VALUE))
    iam.put_user_policy(UserName="stays", PolicyName="-p", PolicyDocument=document("sns:*"))
    iam.put_user_policy(UserName="stays", PolicyName="stays", PolicyDocument=document("sns:*"))
    iam.put_group_policy(GroupName="-group", PolicyName="inline", PolicyDocument=document("sns:*"))
    iam.attach_group_policy(GroupName="-group", PolicyArn=arns["small"])
    # `-first` trusts `-role`, which trusts the user: each must be gone before the one it names, and back after it.
    rf = iam.get_user(UserName="-rf")["User"]["Arn"]
    role = iam.create_role(
        RoleName="-role", Path=NASTY_PATH, AssumeRolePolicyDocument=trust(AWS=rf), Description="plain words", MaxSessionDuration=7200
    )["Role"]["Arn"]
    iam.create_role(RoleName="-first", AssumeRolePolicyDocument=trust(AWS=role), PermissionsBoundary=arns["stays"])
    iam.create_role(RoleName="stays", AssumeRolePolicyDocument=trust(Service="ec2.amazonaws.com"))
    iam.create_role(RoleName="reduced", AssumeRolePolicyDocument=trust(Service="ec2.amazonaws.com"))
    iam.tag_role(RoleName="-role", Tags=[{"Key": "-k", "Value": NASTY_VALUE}])
    iam.attach_role_policy(RoleName="-role", PolicyArn=arns["-wide"])
    iam.put_role_policy(RoleName="reduced", PolicyName="in", PolicyDocument=document("s3:*", "ec2:*"))
    for name in ("five", "=shared"):
        iam.attach_role_policy(RoleName="reduced", PolicyArn=arns[name])
    for name, holder in (("-profile", "-role"), ("stays", "stays")):
        iam.create_instance_profile(InstanceProfileName=name)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=holder)
    for user in ("-rf", "-rf", "stays", "k=e,y+@.-_", "k=e,y+@.-_"):
        iam.create_access_key(UserName=user)
    first = iam.list_access_keys(UserName="-rf")["AccessKeyMetadata"][0]["AccessKeyId"]
    iam.update_access_key(UserName="-rf", AccessKeyId=first, Status="Inactive")
    for user in ("-rf", "stays"):
        iam.create_login_profile(UserName=user, Password="Not-4-secret!")
        serial = iam.create_virtual_mfa_device(VirtualMFADeviceName=f"mfa{user}")["VirtualMFADevice"]["SerialNumber"]
        iam.enable_mfa_device(UserName=user, SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="234567")
        iam.upload_ssh_public_key(UserName=user, SSHPublicKeyBody=SSH)
        iam.upload_signing_certificate(UserName=user, CertificateBody=certificate())
        aws.service_credentials[user] = [f"ACCA{'X' * 16}{len(user)}"]


def whole(iam: Any, aws: AwsCommand, *, ids: bool = True) -> dict[str, Any]:
    """Everything there is, by kind and name; without `ids` as far as a roll-back can bring it back."""
    found: dict[str, Any] = {"services": {name: held for name, held in aws.service_credentials.items() if held}}
    details = iam.get_paginator("get_account_authorization_details").paginate().build_full_result()
    for kind, noun in (("UserDetailList", "User"), ("RoleDetailList", "Role"), ("GroupDetailList", "Group")):
        for one in details[kind]:
            one = _bare(one, ids)
            if noun == "Role":
                role = iam.get_role(RoleName=one["RoleName"])["Role"]
                one |= {"session": role["MaxSessionDuration"], "description": role.get("Description", "")}
                one.pop("RoleLastUsed", None)
            if noun == "User":
                name = one["UserName"]
                keys = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
                one["keys"] = sorted((key["AccessKeyId"], key["Status"]) for key in keys) if ids else ()
                if ids:
                    one["mfa"] = sorted(d["SerialNumber"] for d in iam.list_mfa_devices(UserName=name)["MFADevices"])
                one["ssh"] = [
                    iam.get_ssh_public_key(UserName=name, SSHPublicKeyId=key["SSHPublicKeyId"], Encoding="SSH")["SSHPublicKey"][
                        "SSHPublicKeyBody"
                    ]
                    for key in iam.list_ssh_public_keys(UserName=name)["SSHPublicKeys"]
                ]
                one["certificates"] = [c["CertificateBody"].strip() for c in iam.list_signing_certificates(UserName=name)["Certificates"]]
            found[f"{noun} {one[f'{noun}Name']}"] = one
    for policy in details["Policies"]:
        if ":iam::aws:" in policy["Arn"]:
            continue
        versions = sorted(policy["PolicyVersionList"], key=lambda v: int(v["VersionId"][1:]))
        told = [(v["VersionId"] if ids else "", v["IsDefaultVersion"], v["Document"]) for v in versions]
        tags = iam.list_policy_tags(PolicyArn=policy["Arn"])["Tags"]
        described = iam.get_policy(PolicyArn=policy["Arn"])["Policy"].get("Description", "")
        found[f"Policy {policy['Arn'].rpartition('/')[2]}"] = [policy["Arn"], policy["AttachmentCount"], told, tags, described]
    for profile in iam.list_instance_profiles()["InstanceProfiles"]:
        found[f"Profile {profile['InstanceProfileName']}"] = [role["RoleName"] for role in profile["Roles"]]
    return found


def _bare(one: dict[str, Any], ids: bool) -> dict[str, Any]:
    """Without dates, ids unless wanted, and the order AWS does not promise."""
    gone = ("CreateDate", "InstanceProfileList", "PasswordLastUsed", *(() if ids else ("UserId", "RoleId", "GroupId")))
    made = {key: value for key, value in one.items() if key not in gone}
    for key in ("GroupList", "AttachedManagedPolicies", "UserPolicyList", "RolePolicyList", "GroupPolicyList", "Tags"):
        if key in made:
            made[key] = sorted(made[key], key=lambda held: json.dumps(held, sort_keys=True, default=str))
    return made


def read(iam: Any, folder: Path) -> Session:
    """The account as evidence: what the AWS CLI would have saved."""
    folder.mkdir(exist_ok=True)
    details = iam.get_paginator("get_account_authorization_details").paginate().build_full_result()
    details.pop("ResponseMetadata", None)
    for policy in details["Policies"]:  # moto leaves two fields out that AWS tells
        policy |= {
            "PolicyName": policy["Arn"].rpartition("/")[2],
            "PolicyId": iam.get_policy(PolicyArn=policy["Arn"])["Policy"]["PolicyId"],
        }
    now = datetime.now(UTC)
    for role in details["RoleDetailList"]:
        if role["RoleName"] == "reduced":  # moto knows no use
            role["RoleLastUsed"] = {"LastUsedDate": now - timedelta(days=2), "Region": "eu-west-1"}
    (folder / "gaad.json").write_text(json.dumps({**details, "IsTruncated": False}, default=str))
    user = "k=e,y+@.-_"
    keys = iam.list_access_keys(UserName=user)["AccessKeyMetadata"]
    (folder / "keys.json").write_text(json.dumps({"Arn": f"arn:aws:iam::{ACCOUNT}:user/{user}", "AccessKeyMetadata": keys}, default=str))
    used = [
        {"ServiceName": "S3", "ServiceNamespace": "s3", "LastAuthenticated": f"{now - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}"},
        {"ServiceName": "EC2", "ServiceNamespace": "ec2"},
    ]
    job = {"JobStatus": "COMPLETED", "JobType": "SERVICE_LEVEL", "JobCreationDate": f"{now:%Y-%m-%dT%H:%M:%SZ}"}
    (folder / "used.json").write_text(
        json.dumps(
            {
                "Arn": f"arn:aws:iam::{ACCOUNT}:role/reduced",
                **job,
                "JobCompletionDate": job["JobCreationDate"],
                "ServicesLastAccessed": used,
                "IsTruncated": False,
            }
        )
    )
    session = Session(EvidenceSource([str(folder)]))
    session.review_settings = ReviewSettings(None, "ana")
    session.open()
    for _ in session.refresh():
        pass
    session.load_marks()
    return session


def run(script: Path, aws: AwsCommand, *words: str, shell: str = "dash", fails: str = "") -> str:
    if shutil.which(shell) is None:
        shell = "sh"
    done = subprocess.run(
        [shell, str(script), *words],
        cwd=script.parent,
        env={"PATH": f"{aws.folder}:{os.environ['PATH']}", "HOME": str(script.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    if fails:
        assert done.returncode == 1, done.stdout + done.stderr
        assert fails in done.stderr
    else:
        assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def written(session: Session, folder: Path) -> tuple[Plan, Path]:
    (made,) = plans(session)
    text = plan_text(made, "cli")
    script = folder / "plan.sh"
    script.write_text(text)
    for shell in ("bash", "dash"):
        if shutil.which(shell):
            subprocess.run([shell, "-n", str(script)], check=True)
    return made, script


def decide_all(session: Session) -> None:
    session.decide(
        rows_named(session, ["user/-rf", "role/-role", "role/-first", "group/-group", "policy/-wide"]), Decision.REMOVE, reason=NASTY_VALUE
    )
    (stays,) = rows_named(session, ["user/stays"])
    losing = [
        grant
        for grant in grants(stays.item, stays.snapshot)
        if (grant.policy_name, grant.via) in (("-p", Via.INLINE), ("stays", Via.ATTACHED))
    ]
    session.decide_about([(grant_subject(stays.item, stays.snapshot, g), grant_evidence(g)) for g in losing], Decision.REMOVE)
    (owner,) = rows_named(session, ["user/k=e,y+@.-_"])
    session.decide_about([keys_of(owner.item, owner.snapshot)[0]], Decision.REMOVE)
    session.decide(rows_named(session, ["role/reduced"]), Decision.REDUCE)


def test_everything_marked_goes_nothing_else_does_and_it_comes_back(iam: Any, aws: AwsCommand, tmp_path: Path) -> None:
    fill(iam, aws)
    session = read(iam, tmp_path / "evidence")
    before, bare = whole(iam, aws), whole(iam, aws, ids=False)
    decide_all(session)
    made, script = written(session, tmp_path)
    assert not made.left
    assert [item.title for item in made.items if item.noun == "role"] == ["role -first", "role -role"]

    aws.calls.clear()
    assert "nothing was changed" in run(script, aws)
    for phase in ("deactivate", "remove"):
        run(script, aws, phase, "--dry-run")
    assert {operation for _, operation, _ in aws.calls if not operation.startswith(("Get", "List"))} == set()
    assert whole(iam, aws) == before

    run(script, aws, "deactivate")
    off = whole(iam, aws)
    assert {status for _, status in off["User -rf"]["keys"]} == {"Inactive"}
    assert {name for name in before if off[name] != before[name]} == {"User -rf", "Role -role", "Role -first", "User k=e,y+@.-_"}
    run(script, aws, "remove", fails="wait 14")
    run(script, aws, "rollback")
    assert whole(iam, aws) == before

    run(script, aws, "deactivate", shell="bash")
    run(script, aws, "remove", "--now")
    after = whole(iam, aws)
    gone = {"User -rf", "Role -role", "Role -first", "Group -group", "Policy -wide"}
    assert set(before) - set(after) == gone
    assert set(after) - set(before) == {"Policy =shared-for-reduced"}
    assert "-rf" not in after["services"]
    assert [d["SerialNumber"] for d in iam.list_virtual_mfa_devices()["VirtualMFADevices"]] == [f"arn:aws:iam::{ACCOUNT}:mfa/mfastays"]
    touched = {name for name in before if name in after and before[name] != after[name]}
    reduced = {"Role reduced", "Policy five", "Policy =shared"}
    parted = {"User stays", "User k=e,y+@.-_", "Profile -profile", "Policy small", "Policy stays", "services"}
    assert touched == reduced | parted
    assert after["Profile -profile"] == []
    assert [policy["PolicyName"] for policy in after["User stays"]["UserPolicyList"]] == ["stays"]
    assert after["User stays"]["GroupList"] == ["stays"]
    assert len(after["User k=e,y+@.-_"]["keys"]) == 1
    for text in (
        after["Role reduced"]["RolePolicyList"][0]["PolicyDocument"],
        next(document for _, default, document in after["Policy five"][2] if default),
        after["Policy =shared-for-reduced"][2][0][2],
    ):
        assert "ec2:*" not in json.dumps(text)
        assert "s3:*" in json.dumps(text)
    run(script, aws, "remove", "--now")  # again: everything is gone already
    assert whole(iam, aws) == after

    told = run(script, aws, "rollback", shell="bash")
    assert "does not come back: password" in told
    restored = whole(iam, aws, ids=False)
    bare["services"].pop("-rf")
    five = restored.pop("Policy five")
    was = bare.pop("Policy five")
    assert sorted(map(str, five[2])) == sorted(map(str, was[2]))  # the one that made room has another number
    assert restored == bare
    assert not list(tmp_path.rglob("pwned"))


def test_what_changed_since_the_plan_stops_it_before_anything_is_touched(iam: Any, aws: AwsCommand, tmp_path: Path) -> None:
    iam.create_user(UserName="victim")
    iam.create_role(RoleName="robot", AssumeRolePolicyDocument=trust(Service="ec2.amazonaws.com"))
    iam.create_user(UserName="k=e,y+@.-_")
    wide = iam.create_policy(PolicyName="wide", PolicyDocument=document("s3:*"))["Policy"]["Arn"]
    session = read(iam, tmp_path / "evidence")
    session.decide(rows_named(session, ["user/victim", "role/robot", "policy/wide"]), Decision.REMOVE)
    _, script = written(session, tmp_path)

    run(script, aws, "check", "9", fails="there is no item 9")
    iam.attach_user_policy(UserName="k=e,y+@.-_", PolicyArn=wide)
    run(script, aws, "remove", "--now", fails="the attachment to user k=e,y+@.-_ was not there when the plan was made")
    iam.detach_user_policy(UserName="k=e,y+@.-_", PolicyArn=wide)

    iam.put_user_policy(UserName="victim", PolicyName="new", PolicyDocument=document("s3:*"))
    before = whole(iam, aws)
    run(script, aws, "deactivate", fails="the inline policy new was not there when the plan was made")
    assert whole(iam, aws) == before
    iam.delete_user_policy(UserName="victim", PolicyName="new")

    iam.delete_user(UserName="victim")
    iam.create_user(UserName="victim")
    before = whole(iam, aws)
    run(script, aws, "remove", "--now", fails="another one of the same name")
    run(script, aws, "rollback", fails="another one of the same name")
    assert whole(iam, aws) == before

    def refuse(operation: str, given: dict[str, Any]) -> None:
        if operation == "GetUser":
            raise Refused("AccessDenied")

    aws.before = refuse
    run(script, aws, fails="aws iam get-user was refused")
    aws.before = lambda operation, given: None
    script.write_text(script.read_text().replace(f"account={ACCOUNT}", "account=210987654321"))
    run(script, aws, "deactivate", fails="these credentials are not of it")
    assert whole(iam, aws) == before


def test_a_script_that_was_killed_goes_on_and_can_still_be_rolled_back(iam: Any, aws: AwsCommand, tmp_path: Path) -> None:
    iam.create_group(GroupName="ops")
    iam.create_user(UserName="k=e,y+@.-_")
    iam.create_user(UserName="victim", Path="/people/")
    iam.add_user_to_group(GroupName="ops", UserName="victim")
    iam.put_user_policy(UserName="victim", PolicyName="in", PolicyDocument=document("s3:*"))
    session = read(iam, tmp_path / "evidence")
    session.decide(rows_named(session, ["user/victim"]), Decision.REMOVE)
    _, script = written(session, tmp_path)
    bare = whole(iam, aws, ids=False)
    run(script, aws, "deactivate")

    def refuse(operation: str, given: dict[str, Any]) -> None:
        if operation == "DeleteUser":
            raise Refused("the network is gone")

    aws.before = refuse
    run(script, aws, "remove", "--now", fails="aws iam delete-user was refused")
    aws.before = lambda operation, given: None
    run(script, aws, "rollback")
    assert whole(iam, aws, ids=False) == bare
    run(script, aws, "deactivate")
    run(script, aws, "remove", "--now")
    assert "User victim" not in whole(iam, aws)
    run(script, aws, "rollback")
    assert whole(iam, aws, ids=False) == bare
    run(script, aws, "remove", "--now", fails="make a new plan")


def test_a_key_known_by_its_moment_and_a_profile_that_goes_too(iam: Any, aws: AwsCommand, tmp_path: Path) -> None:
    iam.create_user(UserName="k=e,y+@.-_")
    key = iam.create_access_key(UserName="k=e,y+@.-_")["AccessKey"]
    iam.create_role(RoleName="robot", AssumeRolePolicyDocument=trust(Service="ec2.amazonaws.com"))
    iam.create_instance_profile(InstanceProfileName="web", Path="/x/")
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="robot")
    session = read(iam, tmp_path / "evidence")
    (owner, robot) = rows_named(session, ["user/k=e,y+@.-_", "role/robot"])
    session.decide([robot], Decision.REMOVE)
    slot = f"key 1 made {key['CreateDate'].astimezone(UTC):%Y-%m-%d %H:%M}"
    mark = Mark(key_subject(owner.item, owner.snapshot, slot), Decision.REMOVE, "ana")
    marked = Marked(Standing("1", datetime.now(UTC), mark, (), ()), owner.item, key=slot)
    held = [plans(session, profiles=True)[0], plan(owner.snapshot, [marked], lambda _: Reduction((), 0), datetime.now(UTC))]
    before = whole(iam, aws)
    for number, one in enumerate(held):
        script = tmp_path / f"{number}.sh"
        script.write_text(plan_text(one, "cli"))
        was = whole(iam, aws)
        run(script, aws, "deactivate")
        assert whole(iam, aws) != was
        run(script, aws, "rollback", "1")
        assert whole(iam, aws) == was
        run(script, aws, "deactivate")
        run(script, aws, "remove", "--now")
    after = whole(iam, aws)
    assert set(before) - set(after) == {"Role robot", "Profile web"}
    assert not after["User k=e,y+@.-_"]["keys"]
    run(tmp_path / "0.sh", aws, "rollback")
    run(tmp_path / "1.sh", aws, "rollback")
    bare = whole(iam, aws, ids=False)
    assert bare["Profile web"] == ["robot"]
    assert iam.get_instance_profile(InstanceProfileName="web")["InstanceProfile"]["Path"] == "/x/"
