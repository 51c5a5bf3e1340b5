"""AWS Config of a live account: from moto, and from the server that speaks botocore's models: pages, refusals, Regions, offline."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from iamtui.model.document import Document, Gap, Kind
from iamtui.model.fact import State
from iamtui.session import Session
from iamtui.session.changing import ChangeView
from iamtui.session.configlog import ConfigLog
from iamtui.source.live import LiveOptions, LiveSource
from iamtui.source.live.guard import required_policy
from iamtui.store.cache import Cache
from tests.live.test_emulators import free_port, serve
from tests.server import AwsTestServer
from tests.server.serving import Fault

ACCOUNT = "123456789012"
ADMIN_ARN = "arn:aws:iam::aws:policy/AdministratorAccess"
NOW = datetime.now(UTC).replace(microsecond=0)
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
ADMIN = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
USER_ID = "AIDAEXAMPLEANA0000000"
ALL = {"name": "default", "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True}}

pytestmark = pytest.mark.usefixtures("quick_lookups")


def stamp(days: float) -> str:
    return (NOW - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def user_item(days: float, attached: list[str]) -> dict[str, Any]:
    at = NOW - timedelta(days=days)
    return {
        "version": "1.3",
        "accountId": ACCOUNT,
        "configurationItemCaptureTime": at,
        "configurationItemStatus": "OK",
        "configurationStateId": str(int(at.timestamp() * 1000)),
        "arn": f"arn:aws:iam::{ACCOUNT}:user/ana",
        "resourceType": "AWS::IAM::User",
        "resourceId": USER_ID,
        "resourceName": "ana",
        "awsRegion": "global",
        "resourceCreationTime": NOW - timedelta(days=400),
        "relatedEvents": [],
        "configuration": json.dumps(
            {"userName": "ana", "groupList": [], "attachedManagedPolicies": [{"policyArn": arn} for arn in attached]}
        ),
    }


def gaad() -> dict[str, Any]:
    return {
        "UserDetailList": [{"Path": "/", "UserName": "ana", "UserId": USER_ID, "Arn": f"arn:aws:iam::{ACCOUNT}:user/ana", "CreateDate": NOW - timedelta(days=400), "GroupList": [], "AttachedManagedPolicies": [{"PolicyName": "AdministratorAccess", "PolicyArn": ADMIN_ARN}]}],
        "RoleDetailList": [],
        "GroupDetailList": [],
        "Policies": [{"PolicyName": "AdministratorAccess", "PolicyId": "ANPAEXAMPLE0000000001", "Arn": ADMIN_ARN, "Path": "/", "DefaultVersionId": "v1", "AttachmentCount": 1, "IsAttachable": True, "CreateDate": NOW - timedelta(days=4000), "UpdateDate": NOW - timedelta(days=4000), "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": True, "CreateDate": NOW - timedelta(days=4000), "Document": ADMIN}]}],
    }  # fmt: skip


def events() -> list[dict[str, Any]]:
    """A person assumes a role, and the role's session attaches the policy; reads in between."""
    session = {"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/iam-admin/k", "accountId": ACCOUNT, "accessKeyId": "ASIAEXAMPLE000000001", "sessionContext": {"sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::{ACCOUNT}:role/iam-admin", "userName": "iam-admin", "principalId": "AROAEXAMPLE0000000001"}}}  # fmt: skip
    common = {
        "eventVersion": "1.09",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.1",
        "userAgent": "t",
        "recipientAccountId": ACCOUNT,
    }
    return [
        {**common, "eventTime": stamp(10), "eventSource": "iam.amazonaws.com", "eventName": "AttachUserPolicy", "eventID": "attach", "userIdentity": session, "requestParameters": {"userName": "ana", "policyArn": ADMIN_ARN}, "responseElements": None, "readOnly": False, "resources": [{"ARN": "ana"}]},
        {**common, "eventTime": stamp(10.01), "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "eventID": "assume", "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/meyer", "accountId": ACCOUNT, "userName": "meyer", "accessKeyId": "AKIAEXAMPLE000000001"}, "requestParameters": {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/iam-admin"}, "responseElements": {"credentials": {"accessKeyId": "ASIAEXAMPLE000000001"}}, "readOnly": True, "resources": [{"ARN": "ASIAEXAMPLE000000001", "type": "AWS::IAM::AccessKey"}]},
    ]  # fmt: skip


def opened(server: AwsTestServer, *regions: str, cache: Cache | None = None) -> Session:
    session = Session(LiveSource(LiveOptions(endpoint_url=server.url, regions=regions or ("us-east-1", "eu-west-1"))), cache)
    for _ in session.refresh():
        pass
    return session


def view(session: Session) -> ChangeView:
    return list(session.load_changes(session.find("user/ana")[0].row))[-1]


def configured() -> dict[str, Any]:
    return {
        "us-east-1": {
            "recorders": [ALL],
            "status": [{"name": "default", "recording": True}],
            "items": {USER_ID: [user_item(9.99, [ADMIN_ARN]), user_item(30, [])]},
        }
    }


def test_events_and_items_of_the_one_that_is_opened(tmp_path: Path) -> None:
    with AwsTestServer(gaad(), events(), config=configured(), rate=1000) as server:
        cache = Cache(tmp_path / "cache")
        session = opened(server, cache=cache)
        assert server.count("GetResourceConfigHistory") == 0  # nothing is asked before somebody opens it
        found = view(session)
        (entry,) = [one for one in found.entries if one.change.kind.value == "policy attached"]
        assert entry.change.sources == ("CloudTrail", "AWS Config")
        assert entry.change.author.human == "meyer (IAM user)"
        assert entry.change.author.actor == "iam-admin"
        assert entry.admin == "gained"
        assert found.admin is not None
        assert found.admin.since is entry
        pages = [p for name, _, p in server.calls if name == "GetResourceConfigHistory"]
        assert [p.get("nextToken") for p in pages] == [None, "1", "2"]  # a short page, an empty one, the last
        assert {p["resourceId"] for p in pages} == {USER_ID}
        assert any("eu-west-1 has no configuration recorder" in gap.words for gap in found.gaps)
        asked = len(server.calls)
        view(session)
        assert len(server.calls) == asked  # once in a run
        cache.close()
    later = Session(None, Cache(tmp_path / "cache"), offline=True, connection=session.info)
    later.open()
    again = view(later)
    assert again.entries[0].change.sources == ("CloudTrail", "AWS Config")


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ("GetResourceConfigHistory", "config:GetResourceConfigHistory denied in us-east-1"),
        ("DescribeConfigurationRecorders", "config:DescribeConfigurationRecorders denied"),
    ],
)
def test_a_refusal_is_told_beside_what_is_known(operation: str, words: str) -> None:
    fault = Fault("AccessDeniedException", "not authorized", 400)
    with AwsTestServer(gaad(), events(), config=configured(), rate=1000, faults={operation: fault}) as server:
        session = opened(server, "us-east-1")
        found = view(session)
    assert found.entries[0].change.event is not None
    assert any(words in gap.words for gap in found.gaps), [gap.words for gap in found.gaps]
    assert any("denied" in problem.what for problem in session.problems())


def test_a_closed_region_is_a_state_and_the_others_answer() -> None:
    fault = Fault("UnrecognizedClientException", "The security token included in the request is invalid", 400, region="me-south-1")
    with AwsTestServer(gaad(), events(), config=configured(), rate=1000, faults={"DescribeConfigurationRecorders": fault}) as server:
        items = list(
            LiveSource(LiveOptions(endpoint_url=server.url, regions=("me-south-1", "us-east-1"))).config_history("user", USER_ID, "")
        )
    gaps = [one for one in items if isinstance(one, Gap)]
    assert [(gap.region, gap.state) for gap in gaps] == [("me-south-1", State.NOT_APPLICABLE)]
    assert sum(one.kind is Kind.CONFIG_ITEMS for one in items if isinstance(one, Document)) == 3


def test_throttling_is_waited_out_and_a_stop_between_pages_is_one() -> None:
    fault = Fault("ThrottlingException", "Rate exceeded", 400, times=2)
    with AwsTestServer(gaad(), events(), config=configured(), faults={"GetResourceConfigHistory": fault}) as server:
        source = LiveSource(LiveOptions(endpoint_url=server.url, regions=("us-east-1",)))
        items = list(source.config_history("user", USER_ID, ""))
        assert not [one for one in items if isinstance(one, Gap)]
        before = server.count("GetResourceConfigHistory")
        assert list(source.config_history("user", USER_ID, "", cancelled=lambda: True))[1:] == []
        assert server.count("GetResourceConfigHistory") == before


def test_the_account_asks_for_each_call_by_name() -> None:
    with AwsTestServer(gaad(), events(), config=configured(), rate=1000) as server:
        session = opened(server, "us-east-1")
        steps = list(session.load_account_changes(since=NOW - timedelta(days=30)))
        found = session.account_changes("since:30d")
        names = [p["LookupAttributes"][0] for name, _, p in server.calls if name == "LookupEvents"]
        asked = {one["AttributeValue"] for one in names if one["AttributeKey"] == "EventName"}
        again = server.count("LookupEvents")
        list(session.load_account_changes(since=NOW - timedelta(days=30)))
        assert server.count("LookupEvents") == again
    assert {"AttachUserPolicy", "CreatePolicyVersion", "DeleteUser"} <= asked
    assert not any(name.startswith(("Get", "List")) for name in asked)
    assert [entry.change.author.name for entry in found.entries] == ["meyer"]
    assert found.admins == 1
    assert max(step.total or 0 for step in steps) == len(asked)


def test_the_new_actions_are_in_the_policy() -> None:
    actions = required_policy()["Statement"][0]["Action"]
    assert {action for action in actions if action.startswith("config:")} == {
        "config:GetResourceConfigHistory",
        "config:DescribeConfigurationRecorders",
        "config:DescribeConfigurationRecorderStatus",
    }


# -- moto ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    port = free_port()
    yield from serve([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port)


def test_motos_history_of_a_policy_and_its_broken_one_of_a_role(moto: str) -> None:
    import boto3

    def client(service: str) -> Any:
        return boto3.client(
            service, endpoint_url=moto, region_name="us-east-1", aws_access_key_id="AKIAEXAMPLETEST00000", aws_secret_access_key="x"
        )

    recorder = {"name": "default", "roleARN": f"arn:aws:iam::{ACCOUNT}:role/config", "recordingGroup": ALL["recordingGroup"]}
    client("config").put_configuration_recorder(ConfigurationRecorder=recorder)
    client("iam").create_role(RoleName="job", AssumeRolePolicyDocument=json.dumps(TRUST))
    policy = client("iam").create_policy(PolicyName="lake", PolicyDocument=json.dumps(READ))["Policy"]
    source = LiveSource(LiveOptions(endpoint_url=moto, regions=("us-east-1", "eu-west-1")))
    log = ConfigLog()
    for one in source.config_history("policy", policy["PolicyId"], policy["Arn"]):  # moto's GAAD leaves the ids of policies out
        if isinstance(one, Document):
            log.take(one)
    (version,) = log.items()[ACCOUNT, policy["PolicyId"]]
    assert (version.name, version.default) == ("lake", "v1")
    assert json.loads(dict(version.documents)["v1"]) == READ
    assert [(one.region, one.state) for one in log.recorders(ACCOUNT)] == [("eu-west-1", State.NOT_APPLICABLE), ("us-east-1", State.KNOWN)]
    session = Session(source)
    for _ in session.refresh():
        pass
    # moto writes the tags of a role as a list, where AWS has a map: an answer that cannot be read is said, and the rest goes on
    job = list(session.load_changes(session.find("role/job")[0].row))[-1]
    words = [gap.words for gap in job.gaps]
    assert any("config:GetResourceConfigHistory failed in us-east-1" in one for one in words)
    assert "the recorder of us-east-1 is off" in words
    assert "eu-west-1 has no configuration recorder" in words
