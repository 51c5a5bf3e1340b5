"""Bundles in a bucket, read by the same commands: fetched once, into a private place, whatever their keys say."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from iamtui.cli import cli
from iamtui.errors import Exit, NotReadOnlyError, UsageError
from iamtui.model.document import Document, Gap, Kind, Origin
from iamtui.model.fact import State
from iamtui.source.live import LiveOptions, mirror
from iamtui.source.live.mirror import Mirror
from iamtui.store.bundle import write_bundle
from tests.live.test_emulators import free_port, serve
from tests.support.accounts import A, B, gaad, user
from tests.support.bucket import BucketServer
from tests.support.organization import Call, client, nothing, proxy

NOW = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    port = free_port()
    yield from serve([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port)


def bundle(folder: Path, account: str, *names: str) -> bytes:
    path = folder / "made.zip"
    body = gaad([user(account, name) for name in names])
    write_bundle(path, [Document(Kind.AUTHORIZATION, body, NOW, Origin("live", "iam"), account)], [], source="live", created=NOW)
    return path.read_bytes()


@pytest.fixture
def bucket(moto: str, tmp_path: Path) -> Any:
    """A bucket with two bundles below `audit/`, beside things that are not asked for."""
    s3 = client(moto, "s3")
    s3.create_bucket(Bucket="evidence")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="evidence"):
        for entry in page.get("Contents") or ():
            s3.delete_object(Bucket="evidence", Key=entry["Key"])
    s3.put_object(Bucket="evidence", Key="audit/a.zip", Body=bundle(tmp_path, A, "ana"))
    s3.put_object(Bucket="evidence", Key="audit/deep/b.zip", Body=bundle(tmp_path, B, "bea"))
    s3.put_object(Bucket="evidence", Key="audit/", Body=b"")
    s3.put_object(Bucket="evidence", Key="audits/other.zip", Body=b"not asked for")
    return s3


def run(url: str, home: Path, *words: str) -> Any:
    return CliRunner().invoke(cli, [*words, "--endpoint-url", url, "--cache-dir", str(home)])


def names(result: Any) -> list[str]:
    return sorted(one["user"] for one in json.loads(result.stdout))


def test_bundles_in_a_bucket_answer_as_files_do(moto: str, bucket: Any, tmp_path: Path) -> None:
    """Fetched once; what was written again is fetched again, what is gone is gone; offline and refused, the copy answers."""
    home = tmp_path / "home"
    listing = ("list", "users", "--format", "json", "--from", "s3://evidence/audit")
    calls: list[Call] = []
    gone: set[str] = set()

    def refuse(call: Call) -> tuple[int, str, str] | None:
        return (403, "AccessDenied", "no") if any(part in call.path for part in gone) else None

    with proxy(moto, refuse, calls) as url:
        first = run(url, home, *listing)
        assert (first.exit_code, names(first)) == (Exit.FINE, ["ana", "bea"]), first.output
        assert sorted(call.path for call in calls if "list-type" not in call.path) == [
            "/evidence/audit/a.zip",
            "/evidence/audit/deep/b.zip",
        ]
        copies = [path for path in (home / "s3").rglob("*") if path.is_file()]
        assert len(copies) == 3
        assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in copies)
        assert all(stat.S_IMODE(path.stat().st_mode) == 0o700 for path in (home / "s3").iterdir())
        calls.clear()
        assert names(run(url, home, *listing)) == ["ana", "bea"]
        assert all("list-type" in call.path for call in calls)
        bucket.put_object(Bucket="evidence", Key="audit/a.zip", Body=bundle(tmp_path, A, "ana", "new"))
        bucket.delete_object(Bucket="evidence", Key="audit/deep/b.zip")
        calls.clear()
        assert names(run(url, home, *listing)) == ["ana", "new"]
        assert [call.path for call in calls if "list-type" not in call.path] == ["/evidence/audit/a.zip"]
        assert names(run(url, home, "list", "users", "--format", "json", "--from", "s3://evidence/audit/a.zip")) == ["ana", "new"]
        diff = run(url, home, "diff", "s3://evidence/audit/a.zip", "s3://evidence/audit/", "--format", "json")
        assert json.loads(diff.stdout)["differences"] == []
        bucket.put_object(Bucket="evidence", Key="audit/a.zip", Body=bundle(tmp_path, A, "newer"))
        gone.add("audit/a.zip")
        kept = run(url, home, *listing)
        assert names(kept) == ["ana", "new"]
        assert kept.exit_code == Exit.PARTIAL
        assert "denied: s3://evidence/audit/a.zip: no (s3:GetObject)" in kept.stderr
        gone.add("list-type")
        refused = run(url, home, *listing)
        assert (refused.exit_code, names(refused)) == (Exit.PARTIAL, ["ana", "new"])
        assert "s3:ListBucket" in refused.stderr
    offline = run(url, home, *listing, "--offline")
    assert (offline.exit_code, names(offline)) == (Exit.FINE, ["ana", "new"])
    unreachable = run(url, home, *listing[:4], "--from", "s3://evidence/elsewhere", "--offline")
    assert unreachable.exit_code == Exit.WRONG_USE
    assert "not fetched before" in unreachable.stderr


HOSTILE = ["../../../evil.zip", "/etc/passwd", "a//b/../c.zip", "\x1b[31mred\n.zip", ".index.json", "x" * 500, "name ünï.zip"]


def test_hostile_keys_stay_in_their_folder(tmp_path: Path) -> None:
    body = bundle(tmp_path, A, "ana")
    before = set(tmp_path.rglob("*"))
    with BucketServer({f"keys/{key}": body for key in HOSTILE}, name="evidence") as server:
        one = Mirror(LiveOptions(endpoint_url=server.url), "s3://evidence/keys/", tmp_path / "home" / "s3")
        assert [item for item in one.bring(lambda: False) if isinstance(item, Gap)] == []
        check(one, before, tmp_path)
        (one.path / "planted").symlink_to("/etc/passwd")
        list(one.bring(lambda: False))
        assert not (one.path / "planted").is_symlink()


def check(one: Mirror, before: set[Path], tmp_path: Path) -> None:
    made = set(tmp_path.rglob("*")) - before
    assert all(path == tmp_path / "home" or path.is_relative_to(tmp_path / "home" / "s3") for path in made)
    files = [path for path in one.path.iterdir() if path.name != ".index.json"]
    assert len(files) == len(HOSTILE)
    assert all(path.name.isascii() and path.name.isprintable() and len(path.name) < 120 for path in files)


def test_nothing_but_the_address_is_read(moto: str, bucket: Any, tmp_path: Path) -> None:
    one = Mirror(LiveOptions(endpoint_url=moto), "s3://evidence/audit", tmp_path)
    list(one.bring(lambda: False))
    s3 = one._connection.client("s3")
    for call, parameters in (
        (s3.get_object, {"Bucket": "evidence", "Key": "audits/other.zip"}),
        (s3.get_object, {"Bucket": "other", "Key": "audit/a.zip"}),
        (s3.list_objects_v2, {"Bucket": "evidence"}),
        (s3.put_object, {"Bucket": "evidence", "Key": "audit/a.zip"}),
    ):
        with pytest.raises(NotReadOnlyError):
            call(**parameters)
    with pytest.raises(UsageError, match="names no bucket"):
        Mirror(LiveOptions(), "s3:///x", tmp_path)


def test_what_is_too_much_is_named_and_not_fetched(moto: str, bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "MAX_OBJECT", 100)
    calls: list[Call] = []
    with proxy(moto, nothing, calls) as url:
        gaps = [
            g for g in Mirror(LiveOptions(endpoint_url=url), "s3://evidence/audit", tmp_path).bring(lambda: False) if isinstance(g, Gap)
        ]
    assert {(gap.state, gap.action) for gap in gaps} == {(State.NOT_LOADED, "s3:GetObject")}
    assert all("list-type" in call.path for call in calls)
    monkeypatch.setattr(mirror, "MAX_OBJECTS", 1)
    (gap, *_) = [g for g in Mirror(LiveOptions(endpoint_url=moto), "s3://evidence/audit", tmp_path).bring(lambda: False) if isinstance(g, Gap) and g.action == "s3:ListBucket"]  # fmt: skip
    assert "more than 1 objects" in gap.reason
    empty = [g for g in Mirror(LiveOptions(endpoint_url=moto), "s3://evidence/none", tmp_path).bring(lambda: False) if isinstance(g, Gap)]
    assert ["there is nothing below it" in gap.reason for gap in empty] == [True]
