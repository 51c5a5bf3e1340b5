"""Two points in time of an account that really changes between them: collected from an emulator, compared with what it is now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from iamtui.cli import cli
from iamtui.model.document import Document, Kind, Origin
from iamtui.store.bundle import write_bundle
from tests.live.test_emulators import ALLOW, TRUST, free_port, serve
from tests.live.test_trail import NOW, event, user
from tests.server import AwsTestServer
from tests.server.accounts import ACCOUNT, large_account, policy


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    import sys

    port = free_port()
    yield from serve([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port)


def test_collected_then_changed(moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    iam = boto3.client("iam", endpoint_url=moto, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    everything = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    iam.create_user(UserName="ana")
    iam.create_user(UserName="leaver")
    iam.create_role(RoleName="job", AssumeRolePolicyDocument=TRUST)
    made = iam.create_policy(PolicyName="deploy", PolicyDocument=ALLOW)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="job", PolicyArn=made)
    run = CliRunner().invoke
    source = ["--endpoint-url", moto, "--cache-dir", str(tmp_path / "cache")]
    folder = tmp_path / "points"
    assert run(cli, ["collect", "-o", f"{folder}/", "--every", "24h", "--times", "1", "--keep", "5", *source]).exit_code in (0, 4)
    (bundle,) = folder.glob("*.zip")

    iam.delete_user(UserName="leaver")
    iam.put_user_policy(UserName="ana", PolicyName="own", PolicyDocument=everything)
    iam.create_policy_version(PolicyArn=made, PolicyDocument=everything, SetAsDefault=True)
    iam.update_assume_role_policy(RoleName="job", PolicyDocument=TRUST.replace('"Service": "ec2.amazonaws.com"', '"AWS": "999999999999"'))
    result = run(cli, ["diff", str(bundle), "now", "--format", "json", *source])
    assert result.exit_code == 1, result.output
    told = {(one["what"], one["turn"], one["name"], one["severity"]) for one in json.loads(result.stdout)["differences"]}
    assert told >= {
        ("admin", "added", "ana", "critical"),
        ("admin", "added", "job", "critical"),
        ("grant", "added", "ana", "high"),
        ("policy", "changed", "deploy", "high"),
        ("trust", "changed", "job", "high"),
        ("identity", "removed", "leaver", "low"),
    }


@pytest.mark.usefixtures("quick_lookups")
def test_who_is_looked_up_in_the_event_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the names of the calls that change something: reads of IAM are many, and nobody asks for them."""
    account = large_account(3, 3, 1)
    document = Document(
        Kind.AUTHORIZATION, json.dumps(account, default=str).encode(), NOW - timedelta(days=9), Origin("live", "gaad"), ACCOUNT
    )
    write_bundle(tmp_path / "old.zip", [document], [], source="live", created=document.as_of)
    account["UserDetailList"][1]["UserPolicyList"] = [{"PolicyName": "own", "PolicyDocument": policy("s3:*")}]
    put = event("PutUserPolicy", user("eve"), 600, source="iam.amazonaws.com", readOnly=False)
    put["requestParameters"] = {"userName": "user-1", "policyName": "own", "policyDocument": "{}"}
    reads = [event("GetUser", user("scanner"), minute, source="iam.amazonaws.com") for minute in range(200)]
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with AwsTestServer(account, [put, *reads], rate=1000.0) as server:
        source = ["--endpoint-url", server.url, "--cache-dir", str(tmp_path / "cache"), "--format", "json"]
        plain = CliRunner().invoke(cli, ["diff", str(tmp_path / "old.zip"), "now", *source])
        asked = server.count("LookupEvents")
        told = CliRunner().invoke(cli, ["diff", str(tmp_path / "old.zip"), "now", "--who", *source])
        names = {p["LookupAttributes"][0]["AttributeValue"] for name, _, p in server.calls if name == "LookupEvents"}
    assert asked == 0
    assert "GetUser" not in names
    assert {one["who_not_told"] for one in json.loads(plain.stdout)["differences"]} == {"no CloudTrail events were read"}
    given = next(one for one in json.loads(told.stdout)["differences"] if one["what"] == "grant")
    assert [(doer["event"], doer["actor"], doer["human"]) for doer in given["doers"]] == [("PutUserPolicy", "eve", "eve (IAM user)")]
