"""Through a proxy that breaks answers the way AWS does: throttling, server errors, expired tokens, cut and slow answers."""

from __future__ import annotations

import importlib.util
import json
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from iamtui.model.account import CREDENTIALS, GROUPS, POLICIES, ROLES, USERS
from iamtui.model.fact import State
from iamtui.session import Link, ListKind, Session
from iamtui.source.live import LiveOptions, LiveSource
from tests.live.test_emulators import free_port, serve
from tests.server import AwsTestServer
from tests.server.accounts import large_account

pytestmark = pytest.mark.skipif(importlib.util.find_spec("microburst") is None, reason="microburst is not installed")
LISTS = (USERS, ROLES, GROUPS, POLICIES)


@pytest.fixture(scope="module")
def upstream() -> Iterator[AwsTestServer]:
    with AwsTestServer(large_account(250, 250, 3), page=100) as server:
        yield server


@pytest.fixture(scope="module")
def proxy(upstream: AwsTestServer) -> Iterator[str]:
    port = free_port()
    yield from serve([sys.executable, "-m", "microburst", "--upstream", upstream.url, "--port", str(port), "--host", "127.0.0.1"], port)


def read(proxy: str, *rules: dict[str, Any]) -> tuple[Session, list[dict[str, Any]]]:
    """A session that has read the account under these rules, and what the proxy did."""
    for method, path, body in (("DELETE", "fired", None), ("POST", "rules", list(rules))):
        request = urllib.request.Request(
            f"{proxy}/_microburst/{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=10).read()
    session = Session(LiveSource(LiveOptions(endpoint_url=proxy)))
    session.open()
    for _ in session.refresh():
        pass
    with urllib.request.urlopen(f"{proxy}/_microburst/fired", timeout=10) as answer:
        fired = json.loads(answer.read())
    return session, fired if isinstance(fired, list) else fired.get("fired", [])


def whole(session: Session) -> bool:
    snapshots = session.world.snapshots
    return len(snapshots) == 1 and all(snapshots[0].section(name).complete for name in LISTS)


def test_without_rules_everything_passes(proxy: str) -> None:
    session, fired = read(proxy)
    assert whole(session)
    assert fired == []
    assert len(session.world.snapshots[0].users) == 250


@pytest.mark.parametrize(
    "rule",
    [
        {"service": "iam", "operation": "GetAccountAuthorizationDetails", "times": 2, "error": {"code": "Throttling", "status": 400}},
        {
            "service": "iam",
            "operation": "GetAccountAuthorizationDetails",
            "times": 2,
            "error": {"code": "ServiceUnavailable", "status": 503},
        },
        {"service": "iam", "operation": "GetAccountAuthorizationDetails", "times": 1, "reset": True},
        {"service": "iam", "operation": "GetAccountAuthorizationDetails", "times": 2, "latency": 400},
    ],
    ids=["throttled", "unavailable", "reset", "slow"],
)
def test_what_passes_by_itself_is_waited_for(proxy: str, rule: dict[str, Any]) -> None:
    session, fired = read(proxy, rule)
    assert fired
    assert whole(session), session.problems()
    assert session.problems() == ()
    assert len(session.world.snapshots[0].roles) == 250


def test_a_refused_report_is_denied_and_the_lists_are_there(proxy: str) -> None:
    denied = {"code": "AccessDenied", "status": 403, "message": "not authorized to perform: iam:GetCredentialReport"}
    session, fired = read(proxy, *({"service": "iam", "operation": name, "error": denied} for name in _REPORT))
    assert fired
    assert whole(session)
    assert session.world.snapshots[0].section(CREDENTIALS).state is State.DENIED
    (problem,) = session.problems()
    assert "CredentialReport" in problem.what + problem.where


_REPORT = ("GetCredentialReport", "GenerateCredentialReport")


def test_an_expired_token_says_what_to_type(proxy: str) -> None:
    session, fired = read(
        proxy, {"service": "*", "error": {"code": "ExpiredToken", "status": 403, "message": "The security token is expired"}}
    )
    assert fired
    assert session.link is Link.NO_CREDENTIALS
    problem = session.problems()[-1]
    assert "expired" in problem.what.lower()
    assert "aws" in problem.hint
    assert session.listing(ListKind.USERS).state.state is not State.KNOWN


def test_one_list_that_keeps_failing_is_partial_and_named(proxy: str) -> None:
    body = "contains(keys(@), 'Filter.member.1') && \"Filter.member.1\" == 'Role'"
    rule = {
        "service": "iam",
        "operation": "GetAccountAuthorizationDetails",
        "body": body,
        "error": {"code": "ServiceFailure", "status": 500},
    }
    session, fired = read(proxy, rule)
    assert fired
    assert session.world.snapshots, session.problems()
    snapshot = session.world.snapshots[0]
    assert snapshot.section(USERS).complete
    assert len(snapshot.users) == 250
    assert not snapshot.section(ROLES).complete
    assert session.listing(ListKind.ROLES).state.state is State.FAILED
    assert session.problems()
