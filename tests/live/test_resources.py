"""Policies of resources of a live account, and ValidatePolicy: read from servers on loopback, refusals told, nothing invented."""

from __future__ import annotations

import io
import json
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from iamtui.cli import cli
from iamtui.model.document import Document, Gap, Kind
from iamtui.session import Session
from iamtui.source.base import Step
from iamtui.source.live import LiveOptions, LiveSource
from iamtui.source.live.resources import SERVICES
from iamtui.store.cache import Cache
from tests.live.test_emulators import free_port, serve

OUTSIDE = "arn:aws:iam::999999999999:root"


def policy(action: str, resource: str = "*", principal: Any = None) -> str:
    statement = {"Effect": "Allow", "Principal": principal or {"AWS": OUTSIDE}, "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def account() -> Iterator[str]:
    """An emulated account with one open resource of each service, and one without a policy where that is possible."""
    port = free_port()
    for url in serve([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port):
        furnish(url)
        yield url


def furnish(url: str) -> None:
    import boto3

    def client(service: str) -> Any:
        return boto3.client(
            service, endpoint_url=url, region_name="eu-west-1", aws_access_key_id="AKIAEXAMPLETEST00000", aws_secret_access_key="x"
        )

    s3 = client("s3")
    for name in ("open-bucket", "plain-bucket"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_policy(Bucket="open-bucket", Policy=policy("s3:GetObject", "arn:aws:s3:::open-bucket/*", "*"))
    queue = client("sqs").create_queue(QueueName="inbox")["QueueUrl"]
    client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy("sqs:SendMessage")})
    client("sqs").create_queue(QueueName="quiet")
    topic = client("sns").create_topic(Name="alerts")["TopicArn"]
    client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy("sns:Publish", topic))
    client("kms").create_key(Policy=policy("kms:*"))
    client("secretsmanager").create_secret(Name="plain", SecretString="x")
    secret = client("secretsmanager").create_secret(Name="shared", SecretString="x")["ARN"]
    client("secretsmanager").put_resource_policy(SecretId=secret, ResourcePolicy=policy("secretsmanager:GetSecretValue"))
    client("ecr").create_repository(repositoryName="team/app")
    client("ecr").create_repository(repositoryName="team/base")
    client("ecr").set_repository_policy(repositoryName="team/app", policyText=policy("ecr:BatchGetImage").replace(', "Resource": "*"', ""))
    role = client("iam").create_role(RoleName="lambda-role", AssumeRolePolicyDocument=policy("sts:AssumeRole"))["Role"]["Arn"]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return None\n")
    for name in ("hook", "worker"):
        client("lambda").create_function(
            FunctionName=name, Role=role, Runtime="python3.12", Handler="index.handler", Code={"ZipFile": package.getvalue()}
        )
    client("lambda").add_permission(FunctionName="hook", StatementId="all", Action="lambda:InvokeFunction", Principal="*")


def source(url: str, *regions: str) -> LiveSource:
    return LiveSource(LiveOptions(endpoint_url=url, regions=regions or ("eu-west-1",)))


def test_every_service_is_read(account: str) -> None:
    items = list(source(account).surroundings())
    gaps = [item for item in items if isinstance(item, Gap)]
    assert not gaps, gaps
    found = {entry["Resource"]: entry["Policy"] for item in items if isinstance(item, Document) for entry in json.loads(item.body)}
    services = {arn.split(":")[2] for arn in found}
    assert services == {"s3", "sqs", "sns", "kms", "lambda", "secretsmanager", "ecr"}
    assert "arn:aws:s3:::open-bucket" in found
    assert not [arn for arn in found if "plain" in arn or "quiet" in arn or "worker" in arn or arn.endswith("team/base")]
    assert [item.what for item in items if isinstance(item, Step)] == [
        "policies of s3",
        *(f"policies of {one.name} in eu-west-1" for one in SERVICES[1:]),
    ]


def test_exposure_of_a_live_account_and_offline_afterwards(account: str, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    session = Session(source(account), cache)
    for _ in session.refresh():
        pass
    kinds = {one.kind: one for one in session.exposures()}
    assert {"s3", "sqs", "sns", "kms", "secretsmanager", "ecr", "lambda", "role"} <= set(kinds)
    assert kinds["s3"].severity.value == "critical"
    assert session.problem_count() == 0
    cache.close()
    later = Session(None, Cache(tmp_path / "cache"), offline=True, connection=source(account).info)
    later.open()
    assert {one.kind for one in later.exposures()} == set(kinds)


def test_a_question_about_one_resource_reads_its_policy_alone(account: str) -> None:
    session = Session(source(account))
    for _ in session.refresh():
        pass
    asked: list[str] = []
    held = session._source
    assert isinstance(held, LiveSource)
    held.connection.session.register("before-call", lambda model, **_: asked.append(model.name))
    holders = session.who_can("s3:GetObject", "arn:aws:s3:::open-bucket/x")
    assert "everybody" in {holder.kind for holder in holders}
    assert asked == ["GetBucketPolicy"]
    session.who_can("s3:GetObject", "arn:aws:s3:::plain-bucket/x")
    session.who_can("sqs:SendMessage", "arn:aws:sqs:eu-west-1:123456789012:inbox")
    session.who_can("s3:GetObject", "arn:aws:s3:::open-bucket/x")
    assert asked == ["GetBucketPolicy", "GetBucketPolicy", "GetQueueAttributes"]
    assert session.problem_count() == 0


@pytest.mark.parametrize(
    "arn",
    ["*", "arn:aws:s3:::open*", "arn:aws:dynamodb:eu-west-1:123456789012:table/t", "arn:aws:sqs:eu-west-1:999999999999:theirs", "nonsense"],
)
def test_what_cannot_be_asked_is_not_asked(account: str, arn: str) -> None:
    assert list(source(account).resource_policy(arn)) == []


# -- refusals --------------------------------------------------------------------------------------------------------


class Refusing:
    """A loopback server that lists two queues, tells the policy of one, and refuses everything else."""

    def __init__(self) -> None:
        outer = self
        self.validated: list[dict[str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                target = self.headers.get("X-Amz-Target", "")
                status, answer = outer.answer(target, self.path, body)
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, target: str, path: str, body: bytes) -> tuple[int, bytes]:
        if b"Action=GetCallerIdentity" in body:
            identity = (
                "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/a</Arn><UserId>A</UserId>"
                "<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
            )
            return 200, identity.encode()
        if target.endswith("ListQueues"):
            return 200, json.dumps({"QueueUrls": [f"{self.url}/123456789012/{name}" for name in ("one", "two")]}).encode()
        if target.endswith("GetQueueAttributes") and b"/one" in body:
            return 200, json.dumps({"Attributes": {"Policy": policy("sqs:SendMessage")}}).encode()
        if path.startswith("/policy/validation"):
            asked = json.loads(body)
            self.validated.append(asked)
            if "second" in path:
                return 200, json.dumps({"findings": [finding("WARNING", "MISSING_VERSION")]}).encode()
            return 200, json.dumps({"findings": [finding("ERROR", "INVALID_ACTION")], "nextToken": "second"}).encode()
        if b"Action=" in body:
            return 403, b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>you may not</Message></Error></ErrorResponse>"
        if path.startswith("/?"):
            return 403, b"<Error><Code>AccessDenied</Code><Message>you may not</Message></Error>"
        return 403, json.dumps({"__type": "AccessDeniedException", "message": "you may not"}).encode()


def finding(kind: str, code: str) -> dict[str, Any]:
    position = {"line": 4, "column": 2, "offset": 30}
    return {
        "findingType": kind,
        "issueCode": code,
        "findingDetails": "the words of AWS",
        "learnMoreLink": "https://docs.aws.amazon.com/",
        "locations": [{"path": [], "span": {"start": position, "end": position}}],
    }


@pytest.fixture
def refusing() -> Iterator[Refusing]:
    made = Refusing()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def test_refusals_are_gaps_and_what_could_be_read_stays(refusing: Refusing) -> None:
    items = list(source(refusing.url).surroundings())
    gaps = {gap.action: gap for gap in items if isinstance(gap, Gap)}
    assert set(gaps) == {one.listing for one in SERVICES if one.name != "sqs"} | {"sqs:GetQueueAttributes"}
    assert all(gap.state.value == "denied" and gap.kind is Kind.RESOURCE_POLICIES for gap in gaps.values())
    assert gaps["sqs:GetQueueAttributes"].reason.startswith("1 of 2 policies of sqs, first arn:aws:sqs:eu-west-1:123456789012:two")
    (document,) = [item for item in items if isinstance(item, Document)]
    assert [entry["Resource"] for entry in json.loads(document.body)] == ["arn:aws:sqs:eu-west-1:123456789012:one"]
    assert document.complete is False


def test_reading_stops_when_it_is_cancelled(refusing: Refusing) -> None:
    assert list(source(refusing.url).surroundings(lambda: True)) == []


def test_aws_validates_a_policy_beside_our_own_look(refusing: Refusing, tmp_path: Path) -> None:
    from click.testing import CliRunner

    new = tmp_path / "new.json"
    new.write_text(policy("s3:GetObject"), encoding="utf-8")
    options = ["--endpoint-url", refusing.url, "--region", "eu-west-1", "--cache-dir", str(tmp_path / "c")]
    result = CliRunner().invoke(cli, ["preflight", *options, "none", str(new), "--aws"])
    assert result.exit_code == 1, result.output
    assert "AWS says: ERROR: INVALID_ACTION: the words of AWS (line 4)" in result.stdout
    assert "AWS says: WARNING: MISSING_VERSION" in result.stdout  # the second page
    assert {asked["policyType"] for asked in refusing.validated} == {"RESOURCE_POLICY"}
    new.write_text('{"Version": "2012-10-17", "Statement": []}', encoding="utf-8")
    CliRunner().invoke(cli, ["preflight", *options, "none", str(new), "--aws"])
    assert refusing.validated[-1]["policyType"] == "IDENTITY_POLICY"


def test_without_a_network_aws_is_not_asked_and_that_is_said(tmp_path: Path) -> None:
    from click.testing import CliRunner

    new = tmp_path / "new.json"
    new.write_text('{"Version": "2012-10-17", "Statement": []}', encoding="utf-8")
    result = CliRunner().invoke(cli, ["preflight", "--demo", "none", str(new), "--aws"])
    assert result.exit_code == 0
    assert "ValidatePolicy needs credentials" in result.stderr
    assert "AWS says" not in result.output
