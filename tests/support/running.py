"""Commands in this process: a fixed clock, and one demo session for all of a module's commands, because making 20,000 events takes a second."""

from __future__ import annotations

import json
import os
import shlex
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from iamtui import errors
from iamtui.cli import cli
from iamtui.commands import opening
from iamtui.model.document import Document, Kind
from iamtui.session import Session
from iamtui.source.demo import DemoSource
from iamtui.store.bundle import write_bundle
from tests.support.demo import NOW, documents

_opened: dict[str, Session] = {}


def own_folders(patch: pytest.MonkeyPatch, place: Path) -> None:
    """Nothing of the person who runs the tests."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "IAMTUI_")):
            patch.delenv(name)
    for kind in ("CACHE", "CONFIG", "STATE", "DATA"):
        patch.setenv(f"XDG_{kind}_HOME", str(place / kind.lower()))


def one_demo(patch: pytest.MonkeyPatch, *, anew: bool = False) -> None:
    """Every `--demo` is the same open account at a fixed time, whose events are read once. Ledgers are opened anew, as each command names
    its own. `anew`: nothing of what other tests have read of it is there."""
    plain = opening._session_of
    if anew:
        _opened.clear()

    def shared(options: dict[str, object], settings: object, now: object) -> Session:
        if not options.get("demo") or options.get("evidence"):
            return plain(options, settings, now)  # type: ignore[arg-type]
        if "demo" not in _opened:
            made = Session(DemoSource(NOW), now=lambda: NOW)
            made.open()
            for _ in made.load_events():
                pass
            made.load_events = lambda *_: iter(())  # type: ignore[method-assign]
            _opened["demo"] = made
        session = _opened["demo"]
        session._desk = None
        return session

    patch.setattr(opening, "_session_of", shared)


def run(*words: str, stdin: str = "") -> Result:
    """As `main` would, without leaving the process."""
    result = CliRunner().invoke(cli, words, input=stdin, prog_name="iamtui")
    if isinstance(result.exception, errors.IamtuiError):
        result.exit_code = int(result.exception.exit_code)
        result.stderr_bytes = (result.stderr_bytes or b"") + f"{result.exception.message}\n".encode()
    elif result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_line(line: str) -> Result:
    """A line to type, without redirections."""
    program, *words = shlex.split(line)
    assert program == "iamtui"
    return run(*words)


OLD = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
NEW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "iam:PassRole"], "Resource": "*"}]}
REQUEST = {
    "id": 1,
    "principal": "arn:aws:iam::123456789012:user/ana",
    "action": "s3:GetObject",
    "resource": "arn:aws:s3:::logs/a",
    "identityPolicies": [OLD],
}


def _changed(document: Document) -> Document:
    """An account the day after: somebody has become an administrator."""
    body = json.loads(document.body)
    user = next(one for one in body["UserDetailList"] if one["UserName"] == "a.fischer")
    user["AttachedManagedPolicies"] = [{"PolicyName": "AdministratorAccess", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}]
    return msgspec.structs.replace(document, body=json.dumps(body).encode(), as_of=NOW + timedelta(days=1))


def desk(place: Path) -> None:
    """The files that examples and recipes speak of."""
    (place / "old.json").write_text(json.dumps(OLD))
    (place / "new.json").write_text(json.dumps(NEW))
    (place / "requests.jsonl").write_text(json.dumps(REQUEST) + "\n")
    (place / "left.csv").write_text("email\nd.kowalski@acme.example\n")
    before = documents()[Kind.AUTHORIZATION]
    for name, document in (("yesterday.zip", before), ("today.zip", before), ("changed.zip", _changed(before))):
        write_bundle(place / name, [document], [], source="demo", created=NOW)
    team = ("--ledger", str(place / "team.db"), "--reviewer", "ana", "--demo")
    assert run("review", "decide", "keep", "c.moreau", "--reason", "pays the bills", *team).exit_code == 0
    assert run("review", "start", "2026 Q4", "--scope", "users", *team).exit_code == 0
    assert run("review", "decide", "keep", "a.fischer", "--reason", "works here", *team).exit_code == 0
    assert run("review", "export", "-o", str(place / "other.jsonl"), *team).exit_code == 0
