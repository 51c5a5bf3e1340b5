"""Nothing but the list leaves the process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from iamtui.errors import NotReadOnlyError
from iamtui.policy.catalogue import catalogue
from iamtui.source.live.connection import Connection, LiveOptions
from iamtui.source.live.guard import OTHERS, READS, allowed, install, required_policy

LISTED = {(service, name) for service, names in READS.items() for name in names} | set(OTHERS)


@pytest.fixture(scope="module")
def session() -> Any:
    return botocore.session.Session()


@pytest.fixture
def trap() -> Iterator[tuple[str, list[str]]]:
    """A loopback server that counts what arrives."""
    arrived: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            arrived.append(self.path)
            self.send_response(400)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = handle_any

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", arrived
    server.shutdown()
    server.server_close()
    thread.join()


def test_every_operation_of_every_service_is_refused_but_the_list(session: Any) -> None:
    loader = session.get_component("data_loader")
    passed, walked = set(), 0
    for service in session.get_available_services():
        for operation in loader.load_service_model(service, "service-2")["operations"]:
            walked += 1
            if allowed(service, operation):
                passed.add((service, operation))
    assert walked > 10_000
    assert passed == LISTED  # also: every name on the list exists


@pytest.mark.parametrize("service", sorted({s for s, _ in LISTED} | {"s3", "kms", "organizations", "lambda"}))
def test_the_installed_hooks_refuse_what_the_table_refuses(session: Any, service: str) -> None:
    """Asked as botocore asks them, for every operation of the services that are reached and of some that are not."""
    guarded = botocore.session.Session()
    install(guarded).allow_objects("trail", "")
    emitter = guarded.get_component("event_emitter")
    model = session.get_service_model(service)
    for operation in model.operation_names:
        asked = {"params": {"Bucket": "trail"}, "model": model.operation_model(operation), "context": {}}
        if (service, operation) in LISTED:
            emitter.emit(f"before-parameter-build.{service}.{operation}", **asked)
            continue
        with pytest.raises(NotReadOnlyError) as raised:
            emitter.emit(f"before-parameter-build.{service}.{operation}", **asked)
        assert raised.value.action == f"{service}:{operation}"


WRITES = [
    ("iam", "delete_user", {"UserName": "x"}),
    ("iam", "attach_user_policy", {"UserName": "x", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
    ("sts", "get_session_token", {}),
    ("s3", "delete_object", {"Bucket": "b", "Key": "k"}),
    ("s3", "get_object", {"Bucket": "b", "Key": "k"}),
    ("sqs", "receive_message", {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/q"}),
    ("secretsmanager", "get_secret_value", {"SecretId": "s"}),
    ("kms", "put_key_policy", {"KeyId": "k", "PolicyName": "default", "Policy": "{}"}),
    ("ec2", "terminate_instances", {"InstanceIds": ["i-0123456789abcdef0"]}),
    ("cloudtrail", "stop_logging", {"Name": "x"}),
    ("lambda", "invoke", {"FunctionName": "x"}),
    ("kms", "decrypt", {"CiphertextBlob": b"x"}),
    ("dynamodb", "put_item", {"TableName": "t", "Item": {"a": {"S": "b"}}}),
    ("athena", "create_named_query", {"Name": "n", "Database": "d", "QueryString": "SELECT 1"}),
    ("cloudtrail", "create_event_data_store", {"Name": "abc"}),
]


@pytest.mark.parametrize(("service", "method", "parameters"), WRITES)
def test_a_call_off_the_list_never_arrives(trap: tuple[str, list[str]], service: str, method: str, parameters: dict[str, Any]) -> None:
    url, arrived = trap
    client = Connection(LiveOptions(endpoint_url=url)).client(service, "us-east-1")
    with pytest.raises(NotReadOnlyError) as raised:
        getattr(client, method)(**parameters)
    assert arrived == []
    assert service in raised.value.message
    assert "not sent" in raised.value.message


TEXTS = [
    ("athena", "start_query_execution", {"QueryString": "UNLOAD (SELECT 1) TO 's3://x/' WITH (format = 'JSON')"}),
    ("athena", "start_query_execution", {"QueryString": "/* /* */ DROP TABLE x -- */ SELECT 1"}),
    ("athena", "start_query_execution", {"QueryString": "SELECT 1; DROP TABLE x"}),
    ("cloudtrail", "start_query", {"QueryStatement": "DELETE FROM x"}),
    ("cloudtrail", "start_query", {"QueryAlias": "theirs"}),
    ("cloudtrail", "start_query", {"QueryStatement": "SELECT 1", "DeliveryS3Uri": "s3://elsewhere/x"}),
]


@pytest.mark.parametrize(("service", "method", "parameters"), TEXTS)
def test_a_text_that_is_no_select_never_arrives(trap: tuple[str, list[str]], service: str, method: str, parameters: dict[str, Any]) -> None:
    """The operation is on the list; what it would carry is looked at below the one door that leads to it."""
    url, arrived = trap
    client = Connection(LiveOptions(endpoint_url=url)).client(service, "us-east-1")
    with pytest.raises(NotReadOnlyError, match="not one SELECT"):
        getattr(client, method)(**parameters)
    assert arrived == []
    with pytest.raises((BotoCoreError, ClientError, ResponseParserError)):  # and a SELECT does arrive
        getattr(client, method)(**{next(iter(parameters)).replace("QueryAlias", "QueryStatement"): "SELECT 1"})
    assert arrived


@pytest.mark.parametrize(("service", "method", "parameters"), WRITES[:3])
def test_without_the_guard_it_would_arrive(trap: tuple[str, list[str]], service: str, method: str, parameters: dict[str, Any]) -> None:
    """The proof that the test above tests the guard."""
    url, arrived = trap
    client = botocore.session.Session().create_client(service, region_name="us-east-1", endpoint_url=url)
    with pytest.raises((BotoCoreError, ClientError, ResponseParserError)):
        getattr(client, method)(**parameters)
    assert arrived


def test_paginators_and_presigned_urls_are_refused_too(trap: tuple[str, list[str]]) -> None:
    url, arrived = trap
    connection = Connection(LiveOptions(endpoint_url=url))
    with pytest.raises(NotReadOnlyError):
        list(connection.client("iam").get_paginator("list_users").paginate())
    with pytest.raises(NotReadOnlyError):
        connection.client("s3", "us-east-1").generate_presigned_url("delete_object", Params={"Bucket": "b", "Key": "k"})
    assert arrived == []


def test_the_policy_is_exactly_the_list() -> None:
    actions = set(required_policy()["Statement"][0]["Action"])
    exchanges = {(service, name) for service, name in OTHERS if service in ("sts", "sso", "sso-oidc", "signin")}
    called_otherwise = {
        ("s3", "ListBuckets"): "s3:ListAllMyBuckets",
        ("s3", "ListObjectsV2"): "s3:ListBucket",
        ("s3", "HeadBucket"): "s3:ListBucket",
        **{
            ("accessanalyzer", name): f"access-analyzer:{name.removesuffix('V2')}"
            for name in ("ValidatePolicy", "ListAnalyzers", "ListFindingsV2", "GetFindingV2")
        },
    }
    assert actions == {called_otherwise.get(entry, ":".join(entry)) for entry in LISTED - exchanges}
    known = catalogue()
    assert all(known.action(action) is not None for action in actions)
    assert not any("*" in action for action in actions)
    for reason in OTHERS.values():
        assert reason.reason
        assert reason.leaves
