"""Against emulators that others wrote: real servers on loopback, started and stopped here."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iamtui.session import Direction, ListKind, Session
from iamtui.source.live import LiveOptions, LiveSource

TRUST = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
)
ALLOW = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_port(port: int, process: subprocess.Popen[bytes], seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.1)
    return False


def serve(command: list[str], port: int, **environment: str) -> Iterator[str]:
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        if not await_port(port, process):
            pytest.skip(f"{command[0]} did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    port = free_port()
    yield from serve([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port)


@pytest.fixture(scope="module")
def ministack() -> Iterator[str]:
    program = shutil.which("ministack", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("ministack is not installed")
    port = free_port()
    yield from serve([program], port, CLOUDTRAIL_RECORDING="1", GATEWAY_PORT=str(port))


def furnish(url: str) -> Any:
    """Users, roles, a group and a policy, made as anybody makes them."""
    import boto3

    iam = boto3.client("iam", endpoint_url=url, region_name="us-east-1")
    arn = iam.create_policy(PolicyName="readers", PolicyDocument=ALLOW)["Policy"]["Arn"]
    iam.create_group(GroupName="ops")
    for number in range(3):
        iam.create_user(UserName=f"person-{number}")
        iam.create_role(RoleName=f"worker-{number}", AssumeRolePolicyDocument=TRUST)
    iam.attach_user_policy(UserName="person-1", PolicyArn=arn)
    iam.put_role_policy(RoleName="worker-1", PolicyName="inline", PolicyDocument=ALLOW)
    iam.add_user_to_group(GroupName="ops", UserName="person-1")
    return iam


def read(url: str) -> Session:
    session = Session(LiveSource(LiveOptions(endpoint_url=url, regions=("us-east-1",))))
    for _ in session.refresh():
        pass
    return session


def check(session: Session) -> None:
    names = {
        kind: {row.item.name for row in session.listing(kind).rows}
        for kind in (ListKind.USERS, ListKind.ROLES, ListKind.GROUPS, ListKind.POLICIES)
    }  # type: ignore[union-attr]
    assert {"person-0", "person-1", "person-2"} <= names[ListKind.USERS]
    assert {"worker-0", "worker-1", "worker-2"} <= names[ListKind.ROLES]
    assert "ops" in names[ListKind.GROUPS]
    assert "readers" in names[ListKind.POLICIES]
    person = session.find("user/person-1")[0].row
    grants = session.grants(person)
    assert [g.policy_name for g in grants] == ["readers"]
    assert json.loads(grants[0].document or "{}")["Statement"][0]["Action"] == "s3:GetObject"
    worker = session.find("role/worker-1")[0].row
    assert [g.policy_name for g in session.grants(worker)] == ["inline"]
    trust = session.trust(worker)
    assert trust is not None
    assert trust.names == ("ec2",)


def test_moto(moto: str) -> None:
    furnish(moto)
    check(read(moto))


def test_ministack_with_its_own_trail(ministack: str, quick_lookups: None) -> None:
    furnish(ministack)
    session = read(ministack)
    check(session)
    for _ in session.load_events():
        pass
    assert len(session.listing(ListKind.EVENTS).rows) > 3, session.problems()
    row = session.listing(ListKind.EVENTS).rows[0]
    assert session.activity(row, Direction.BOTH).events
