"""Credentials as the AWS CLI finds them: each way in leads to the account, and a way that fails says what to type."""

from __future__ import annotations

import http.server
import json
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iamtui.session import Link, Session
from iamtui.source.live import LiveOptions, LiveSource
from tests.server import AwsTestServer
from tests.server.accounts import large_account


@pytest.fixture
def server() -> Iterator[AwsTestServer]:
    with AwsTestServer(large_account(2, 2, 1)) as running:
        yield running


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty configuration, and no keys in the environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    file = tmp_path / "config"
    file.write_text("")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    monkeypatch.setenv("HOME", str(tmp_path))
    return file


def read(server: AwsTestServer, **options: str) -> Session:
    session = Session(LiveSource(LiveOptions(endpoint_url=server.url, **options)))  # type: ignore[arg-type]
    session.open()
    for _ in session.refresh():
        pass
    return session


def is_whole(session: Session) -> bool:
    return [len(snapshot.users) for snapshot in session.world.snapshots] == [2] and session.link is Link.CURRENT


def test_credential_process(server: AwsTestServer, config: Path, tmp_path: Path) -> None:
    program = tmp_path / "creds.py"
    program.write_text('print(\'{"Version": 1, "AccessKeyId": "ASIAEXAMPLEPROCESS00", "SecretAccessKey": "s", "SessionToken": "t"}\')')
    config.write_text(f"[profile made]\ncredential_process = {sys.executable} {program}\nregion = us-east-1\n")
    assert is_whole(read(server, profile="made"))


def test_a_credential_process_that_fails_is_a_sentence(server: AwsTestServer, config: Path) -> None:
    config.write_text(f"[profile made]\ncredential_process = {sys.executable} -c 'import sys; sys.exit(\"vault is sealed\")'\n")
    session = read(server, profile="made")
    assert session.link is Link.NO_CREDENTIALS
    assert session.problems()[-1].hint


def test_web_identity(server: AwsTestServer, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = tmp_path / "token"
    token.write_text("eyJhbGciOi.example.token")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/ci")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
    assert is_whole(read(server))
    assert server.count("AssumeRoleWithWebIdentity") == 1


def test_a_profile_that_assumes_a_role(server: AwsTestServer, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text(
        "[profile base]\naws_access_key_id = AKIAEXAMPLEBASE00000\naws_secret_access_key = s\n"
        "[profile audit]\nrole_arn = arn:aws:iam::123456789012:role/audit\nsource_profile = base\nregion = us-east-1\n"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
    assert is_whole(read(server, profile="audit"))
    assert server.count("AssumeRole") == 1


def test_container_credentials(server: AwsTestServer, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization", ""))
            end = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
            body = json.dumps({"AccessKeyId": "ASIAEXAMPLECONTAINER", "SecretAccessKey": "s", "Token": "t", "Expiration": end}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as agent:
        thread = threading.Thread(target=agent.serve_forever, daemon=True)
        thread.start()
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{agent.server_address[1]}/creds")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "secret")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        session = read(server)
        agent.shutdown()
    assert is_whole(session)
    assert seen == ["secret"]


SSO = """[profile acme]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Audit
region = us-east-1
[sso-session corp]
sso_region = us-east-1
sso_start_url = https://acme.example/start
sso_registration_scopes = sso:account:access
"""


def test_a_single_sign_on_that_has_run_out_says_how_to_sign_in(server: AwsTestServer, config: Path, tmp_path: Path) -> None:
    import hashlib

    config.write_text(SSO)
    cache = tmp_path / ".aws/sso/cache"
    cache.mkdir(parents=True)
    token = {"startUrl": "https://acme.example/start", "region": "us-east-1", "accessToken": "old", "expiresAt": "2020-01-01T00:00:00Z"}
    (cache / f"{hashlib.sha1(b'corp').hexdigest()}.json").write_text(json.dumps(token))
    begin = time.monotonic()
    session = read(server, profile="acme")
    assert time.monotonic() - begin < 20, "it must not hang"
    assert session.link is Link.NO_CREDENTIALS
    assert "aws sso login --profile acme" in session.problems()[-1].hint


def test_without_any_credentials_nobody_waits_for_the_metadata_service(
    server: AwsTestServer, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = read(server)
    assert session.link is Link.NO_CREDENTIALS
    assert session.problems()[-1].hint


def test_an_unknown_profile_names_those_there_are(server: AwsTestServer, config: Path) -> None:
    config.write_text("[profile acme]\nregion = us-east-1\n")
    session = read(server, profile="acne")
    assert session.link is Link.NO_CREDENTIALS
    assert "acme" in session.problems()[-1].hint


def test_files_written_since_are_noticed(config: Path) -> None:
    changed = LiveSource(LiveOptions()).info.changed
    assert changed is not None
    assert abs((datetime.now(UTC) - changed).total_seconds()) < 60
