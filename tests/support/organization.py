"""An emulated organisation, and a loopback proxy before it that refuses what a test wants refused."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3

ADMIN = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
ROLE = "OrganizationAccountAccessRole"


def client(url: str, service: str, **credentials: str) -> Any:
    held = {"aws_access_key_id": "AKIAEXAMPLETEST00000", "aws_secret_access_key": "x", **credentials}
    return boto3.client(service, endpoint_url=url, region_name="us-east-1", **held)


def inside(url: str, account: str) -> Any:
    """IAM of a member account."""
    told = client(url, "sts").assume_role(RoleArn=f"arn:aws:iam::{account}:role/{ROLE}", RoleSessionName="tests")["Credentials"]
    return client(
        url,
        "iam",
        aws_access_key_id=told["AccessKeyId"],
        aws_secret_access_key=told["SecretAccessKey"],
        aws_session_token=told["SessionToken"],
    )


def trusting(principal: str, **condition: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole", **condition}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def furnish(url: str, names: list[str]) -> dict[str, str]:
    """An organisation with accounts of these names (name -> id), half of them in a unit `workloads`; a role that the management account
    may assume and a user in each."""
    organizations = client(url, "organizations")
    management = client(url, "sts").get_caller_identity()["Account"]
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]["Id"]
    unit = organizations.create_organizational_unit(ParentId=root, Name="workloads")["OrganizationalUnit"]["Id"]
    made = {"management": management}
    for number, name in enumerate(names):
        account = organizations.create_account(AccountName=name, Email=f"a{number}@example.com")["CreateAccountStatus"]["AccountId"]
        made[name] = account
        if number % 2 == 0:
            organizations.move_account(AccountId=account, SourceParentId=root, DestinationParentId=unit)
        iam = inside(url, account)
        iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=trusting(f"arn:aws:iam::{management}:root"))
        iam.put_role_policy(RoleName=ROLE, PolicyName="all", PolicyDocument=ADMIN)
        iam.create_user(UserName=f"user-{number}")
    return made


class Call:
    """One request as the proxy sees it: operation and parameters, as far as it can tell."""

    def __init__(self, target: str, body: bytes, path: str) -> None:
        form = {key: values[0] for key, values in parse_qs(body.decode("utf-8", "replace")).items()}
        self.operation = target.rpartition(".")[2] or form.get("Action", "")
        self.form, self.path = form, path
        self.json: dict[str, Any] = json.loads(body) if target and body else {}

    @property
    def account(self) -> str:
        """The account whose role is to be assumed."""
        return self.form.get("RoleArn", "::::").split(":")[4]


Refuse = Callable[[Call], "tuple[int, str, str] | None"]
"""(HTTP status, AWS error code, message) for a call that is refused."""


@contextmanager
def proxy(url: str, refuse: Refuse, calls: list[Call] | None = None) -> Iterator[str]:
    """A server before another one."""
    where = urlsplit(url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            call = Call(self.headers.get("X-Amz-Target") or "", body, self.path)
            if calls is not None:
                calls.append(call)
            refused = refuse(call)
            if refused is not None:
                status, code, message = refused
                if call.json or self.headers.get("X-Amz-Target"):
                    told = json.dumps({"__type": code, "message": message})
                else:
                    told = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
                self._answer(status, [], told.encode())
                return
            through = http.client.HTTPConnection(where.hostname or "", where.port, timeout=20)
            headers = dict(self.headers)
            if call.json:  # what a test has changed of it
                body = json.dumps(call.json).encode()
                headers["Content-Length"] = str(len(body))
            through.request(self.command, self.path, body, headers)
            answer = through.getresponse()
            data = answer.read()
            left_out = ("content-length", "transfer-encoding", "connection")
            self._answer(answer.status, [(k, v) for k, v in answer.getheaders() if k.lower() not in left_out], data)
            through.close()

        def _answer(self, status: int, headers: list[tuple[str, str]], data: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_HEAD = _pass

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def nothing(_: Call) -> None:
    return None
