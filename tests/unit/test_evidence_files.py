"""Files as they come: broken, huge, special, linked, hostile. Nothing raises, everything unread is named."""

from __future__ import annotations

import base64
import gzip
import json
import os
import zlib
from pathlib import Path
from typing import Any

import pytest

from iamtui.model.document import Document, Gap, Kind
from iamtui.model.event import Window, WindowState
from iamtui.model.fact import State
from iamtui.source import containers
from iamtui.source.base import EventQuery
from iamtui.source.decode import Assembler, decode_events
from iamtui.source.evidence import EvidenceSource, opening
from iamtui.source.evidence import source as evidence
from tests.hostile import ACCOUNT, NASTY, write_evidence

USER = {
    "UserName": "ann",
    "UserId": "AIDA1",
    "Arn": "arn:aws:iam::111122223333:user/ann",
    "Path": "/",
    "CreateDate": "2026-01-01T00:00:00Z",
}
GAAD = {"UserDetailList": [USER], "GroupDetailList": [], "RoleDetailList": [], "Policies": []}


def record(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.11",
        "eventID": f"e-{number}",
        "eventTime": f"2026-10-01T10:00:{number % 60:02}Z",
        "eventName": "CreateUser",
        "eventSource": "iam.amazonaws.com",
        "awsRegion": "us-east-1",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann", "userName": "ann", "accountId": "111122223333"},
        **more,
    }


def put(folder: Path, name: str, value: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    return path


def items(*paths: Path | str) -> list[Any]:
    return list(EvidenceSource([str(p) for p in paths]).account())


def gaps(*paths: Path | str) -> list[Gap]:
    return [item for item in items(*paths) if isinstance(item, Gap)]


def kinds(*paths: Path | str) -> list[Kind]:
    return [item.kind for item in items(*paths) if isinstance(item, Document)]


def event_ids(source: EvidenceSource, query: EventQuery | None = None) -> list[str]:
    return [e.event_id for d in source.events(query or EventQuery()) if isinstance(d, Document) for e in decode_events(d).events]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "an empty file"),
        (b"  \n ", "an empty file"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"\x7fELF\x02\x01", "an ELF binary"),
        (b"%PDF-1.7", "a PDF document"),
        (b"<html>", "HTML or XML"),
        (b"#!/bin/sh\nrm", "a script"),
        (b"a,b,c\n1,2,3\n", "a CSV table with columns a, b, c"),
        (b"[section]\nkey = 1\n", "plain text"),
        (b"hello", "plain text"),
        (b"\x00\x01\x02\x03", "binary data"),
        (b"{}", "an empty JSON object"),
        (b"[]", "an empty JSON list"),
        (b"[1,2]", "a JSON list of 2 plain values"),
        (b'{"a":1,"b":2}', "a JSON object with keys a, b"),
        (b'{"Version":"2012-10-17","Statement":[]}', "a policy document by itself"),
        (b'{"digestStartTime":"x","logFiles":[]}', "a CloudTrail digest"),
        (b'{"Records":[{"eventVersion":"1.08","insightDetails":{}}]}', "CloudTrail Insights"),
        (b'{"Records":[{"eventSource":"aws:s3","eventName":"x","eventTime":"y"}]}', "Records that are no CloudTrail events"),
        (gzip.compress(b"\x89PNG", mtime=0), "a PNG picture"),
    ],
)
def test_a_file_that_is_neither_says_what_it_looked_like(tmp_path: Path, body: bytes, words: str) -> None:
    [gap] = gaps(put(tmp_path, "x.json", body))
    assert gap.state is State.FAILED
    assert f"looks like {words}" in gap.reason
    assert gap.hint


def test_paths_that_cannot_be_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert [g.reason for g in gaps(tmp_path / "no")] == [f"{tmp_path}/no: no such file or folder"]
    assert "a named pipe" in gaps(tmp_path / "pipe")[0].reason
    assert "a device" in gaps("/dev/null")[0].reason
    assert gaps("bad\x00path")[0].state is State.FAILED


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    [gap] = gaps(tmp_path)
    assert "nothing of an account in it: 0 files" in gap.reason


def test_one_broken_file_among_many_loses_nothing_good(tmp_path: Path) -> None:
    put(tmp_path, "a.json", GAAD)
    put(tmp_path, "b.json", b'{"UserDetailList": [\n{"UserName": }\n]}')
    put(tmp_path, "c.json", b'{"UserDetailList": [\n\n')
    put(tmp_path, "d.json.gz", gzip.compress(json.dumps(GAAD).encode())[:-12])
    put(tmp_path, "e.json", {"Records": [record()]})
    told = {g.reason for g in gaps(tmp_path)}
    assert {r.removeprefix(f"{tmp_path}/") for r in told} == {
        "b.json: broken JSON: invalid character at line 2 (byte 34)",
        "c.json: broken JSON: the text ends in the middle, at line 1",
        "d.json.gz: damaged gzip: the file ends in the middle",
    }
    assert kinds(tmp_path) == [Kind.AUTHORIZATION]
    assert event_ids(EvidenceSource([str(tmp_path)])) == ["e-1"]


def test_kind_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    assert kinds(put(tmp_path, "picture.png", GAAD)) == [Kind.AUTHORIZATION]
    assert kinds(put(tmp_path, "trail.csv", gzip.compress(json.dumps(GAAD).encode()))) == [Kind.AUTHORIZATION]
    assert kinds(put(tmp_path, "x.json", b"user,arn,mfa_active\nann,arn:aws:iam::111122223333:user/ann,true\n")) == [Kind.CREDENTIAL_REPORT]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"SummaryMap": {"Users": 1}}, Kind.ACCOUNT_SUMMARY),
        ({"AccountAliases": ["a"]}, Kind.ACCOUNT_ALIASES),
        ({"PasswordPolicy": {"MinimumPasswordLength": 8}}, Kind.PASSWORD_POLICY),
        ({"UserId": "AIDA", "Account": "111122223333", "Arn": USER["Arn"]}, Kind.CALLER),
        ({"AccessKeyMetadata": [{"UserName": "ann", "AccessKeyId": "AKIA"}]}, Kind.ACCESS_KEYS),
        ({"PolicyVersion": {"VersionId": "v1", "Document": {}}, "Arn": "arn:aws:iam::111122223333:policy/p"}, Kind.POLICY_VERSION),
        ({"Role": {"RoleName": "r", "Arn": "arn:aws:iam::111122223333:role/r"}}, Kind.ROLE),
        ({"EvaluationResults": []}, Kind.SIMULATION),
        ({"configurationItems": []}, Kind.CONFIG_ITEMS),
        ({"findings": []}, Kind.ANALYZER_FINDINGS),
        ([{"Resource": "arn:aws:s3:::b", "Policy": {}}], Kind.RESOURCE_POLICIES),
        ({"Policy": '{"Statement":[]}'}, Kind.RESOURCE_POLICIES),
        ({"Organization": {}}, Kind.ORGANIZATION),
        ({"JobStatus": "IN_PROGRESS", "JobCreationDate": "2026-01-01T00:00:00Z"}, Kind.LAST_ACCESSED),
        (
            {"Content": base64.b64encode(b"user,arn\nann,arn:aws:iam::111122223333:user/ann\n").decode(), "ReportFormat": "text/csv"},
            Kind.CREDENTIAL_REPORT,
        ),
        ([GAAD, GAAD], Kind.AUTHORIZATION),
    ],
)
def test_answers_saved_with_the_aws_cli(tmp_path: Path, value: Any, kind: Kind) -> None:
    assert set(kinds(put(tmp_path, "x.json", value))) == {kind}


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"Records": [record()]}).encode(),
        json.dumps([record()]).encode(),
        json.dumps(record()).encode(),
        json.dumps(record(), indent=2).encode(),
        (json.dumps(record()) + "\n" + json.dumps(record(2)) + "\n").encode(),
        json.dumps({"Events": [{"EventId": "e-1", "CloudTrailEvent": json.dumps(record())}]}).encode(),
        json.dumps({"detail-type": "AWS API Call via CloudTrail", "source": "aws.iam", "detail": record()}).encode(),
        b"\xef\xbb\xbf" + json.dumps({"Records": [record()]}).encode(),
        json.dumps({"Records": [record()]}).encode("utf-16"),
        gzip.compress(json.dumps({"Records": [record()]}).encode()),
        gzip.compress(json.dumps(record()).encode() + b"\n") + gzip.compress(json.dumps(record(2)).encode() + b"\n"),
        b"not json\n" + json.dumps(record()).encode(),
    ],
    ids=["records", "array", "single", "pretty", "lines", "lookup", "envelope", "bom", "utf-16", "gzip", "two-gzip-members", "no"],
)
def test_event_containers(tmp_path: Path, body: bytes, request: pytest.FixtureRequest) -> None:
    found = event_ids(EvidenceSource([str(put(tmp_path, "x", body))]))
    assert found[:1] == ([] if request.node.callspec.id == "no" else ["e-1"])


def test_a_broken_line_is_skipped_with_a_reason(tmp_path: Path) -> None:
    path = put(tmp_path, "x.jsonl", (json.dumps(record(1)) + "\n{broken}\n" + json.dumps(record(2)) + "\n").encode())
    [document] = [d for d in EvidenceSource([str(path)]).events(EventQuery()) if isinstance(d, Document)]
    batch = decode_events(document)
    assert [e.event_id for e in batch.events] == ["e-1", "e-2"]
    assert len(batch.skipped) == 1


def test_what_the_files_cover_is_said(tmp_path: Path) -> None:
    put(tmp_path, "a.json", {"Records": [record()]})
    put(tmp_path, "b.json", {"Records": []})
    [window] = [w for w in EvidenceSource([str(tmp_path)]).events(EventQuery()) if isinstance(w, Window)]
    assert (window.state, window.events, window.reason) == (WindowState.COVERED, 1, "what 2 files hold, 1 of them empty")
    put(tmp_path, "c.json.gz", gzip.compress(b"x" * 100)[:-9])
    [window] = [w for w in EvidenceSource([str(tmp_path)]).events(EventQuery()) if isinstance(w, Window)]
    assert (window.state, window.reason) == (WindowState.PARTIAL, "what 2 files hold, 1 of them empty; 1 file could not be read")


def test_hidden_files_links_and_special_files_in_a_folder(tmp_path: Path) -> None:
    outside = put(tmp_path, "outside/secret.json", GAAD)
    root = tmp_path / "root"
    put(root, "good.json", GAAD)
    put(root, ".DS_Store", b"x")
    put(root, ".hidden.json", GAAD)
    (root / "out.json").symlink_to(outside)
    (root / "loop").symlink_to(root)
    (root / "again.json").symlink_to(root / "good.json")
    (root / "dangling").symlink_to(root / "nothing")
    os.mkfifo(root / "pipe")
    assert kinds(root).count(Kind.AUTHORIZATION) == 1, "once, not again through a link"
    told = "\n".join(g.reason for g in gaps(root))
    assert "out.json: a link that leads out of the folder" in told
    assert "loop: a link to a folder that contains it" in told
    assert "dangling: no such file" in told
    left_out = [d.key for d in items(root) if isinstance(d, Document) and d.kind is Kind.OTHER]
    assert left_out == ["2 hidden files left out (.DS_Store)", "a named pipe, not a file"]


def test_lists_come_before_the_many_files_of_a_trail(tmp_path: Path) -> None:
    put(tmp_path, "AWSLogs/1/CloudTrail/us-east-1/a.json.gz", gzip.compress(json.dumps({"Records": [record()]}).encode()))
    put(tmp_path, "AWSLogs/1/CloudTrail-Digest/d.json.gz", gzip.compress(b'{"digestStartTime":"x"}'))
    put(tmp_path, "zoo/gaad.json", GAAD)
    assert kinds(tmp_path) == [Kind.AUTHORIZATION, Kind.OTHER]


def test_the_same_file_named_twice_is_read_once(tmp_path: Path) -> None:
    path = put(tmp_path, "a.json", GAAD)
    assert kinds(tmp_path, path, path) == [Kind.AUTHORIZATION]


def test_gzip_bombs_and_large_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MAX_BYTES", 1 << 20)
    monkeypatch.setattr(containers, "MAX_BYTES", 1 << 20)
    bomb = put(tmp_path, "bomb.json.gz", gzip.compress(b"[" + b" " * (8 << 20)))
    large = put(tmp_path, "large.json", b"[" + b" " * (2 << 20))
    assert bomb.stat().st_size < 20_000
    assert "larger than 1 MiB when uncompressed" in gaps(bomb)[0].reason
    assert "larger than 1 MiB" in gaps(large)[0].reason


def test_gzip_is_uncompressed_in_pieces_that_stay_within_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the compressed text claims, no single step makes more than a chunk."""
    steps: list[int] = []
    real = zlib.decompressobj

    class Watched:
        def __init__(self, **options: Any) -> None:
            self.engine = real(**options)

        def decompress(self, data: bytes, limit: int) -> bytes:
            piece = self.engine.decompress(data, limit)
            steps.append(len(piece))
            return piece

        def __getattr__(self, name: str) -> Any:
            return getattr(self.engine, name)

    monkeypatch.setattr(containers.zlib, "decompressobj", Watched)
    assert containers.gunzip(gzip.compress(b" " * (3 << 20))) == b" " * (3 << 20)
    assert max(steps) <= 1 << 20


def test_deep_and_strange_json_is_named_not_raised(tmp_path: Path) -> None:
    put(tmp_path, "deep.json", b'{"UserDetailList":' + b"[" * 100_000)
    put(tmp_path, "deeper.json", b"[" * 100_000 + b"]" * 100_000)
    put(tmp_path, "nan.json", b'{"UserDetailList": [NaN]}')
    put(tmp_path, "huge.json", b'{"SummaryMap": {"Users": ' + b"9" * 10_000 + b"}}")
    put(tmp_path, "twice.json", b'{"SummaryMap": {"Users": 1, "Users": 2}, "SummaryMap": {"Users": 3}}')
    put(tmp_path, "types.json", {"UserDetailList": {"a": 1}, "Policies": "x"})
    put(
        tmp_path,
        "items.json",
        {**GAAD, "UserDetailList": [USER, None, 5, [], {"Arn": 7}, {**USER, "Arn": "arn:aws:iam::111122223333:user/b"}]},
    )
    assembler = Assembler()
    for item in items(tmp_path):
        if isinstance(item, Document | Gap):
            assembler.add(item)
    world = assembler.world()
    [found] = world.snapshots
    assert [u.arn for u in found.users] == ["arn:aws:iam::111122223333:user/ann", "arn:aws:iam::111122223333:user/b"]
    unread = [g for g in found.gaps if "an item cannot be read" in g.reason]
    assert len(unread) == 4
    named = "\n".join(g.reason for g in world.gaps)
    for name in ("deep.json", "deeper.json", "nan.json", "types.json"):
        assert name in named or any(name in n.origin.name for n in world.notes if not n.accepted), name


def test_answers_without_an_account_go_to_the_one_beside_them(tmp_path: Path) -> None:
    other = json.loads(json.dumps(GAAD).replace("111122223333", "444455556666"))
    put(tmp_path, "one/gaad.json", GAAD)
    put(tmp_path, "one/aliases.json", {"AccountAliases": ["first"]})
    put(tmp_path, "two/aliases.json", {"AccountAliases": ["second"]})
    put(tmp_path, "two/gaad.json", other)
    put(tmp_path, "three/aliases.json", {"AccountAliases": ["nobody's"]})
    assembler = Assembler()
    for item in items(tmp_path):
        if isinstance(item, Document | Gap):
            assembler.add(item)
    labels = {s.account: s.label for s in assembler.world().snapshots}
    assert labels == {"111122223333": "first", "444455556666": "second", "unknown": "nobody's"}


def test_lists_are_held_against_the_account_summary(tmp_path: Path) -> None:
    """The CLI saves empty lists for what a filter left out: that must not read as an account without roles."""
    put(tmp_path, "gaad.json", GAAD)
    put(tmp_path, "summary.json", {"SummaryMap": {"Users": 1, "Roles": 41, "Groups": 0}})
    assembler = Assembler()
    for item in items(tmp_path):
        if isinstance(item, Document | Gap):
            assembler.add(item)
    [found] = assembler.world().snapshots
    assert found.section("users").complete
    assert not found.section("roles").complete
    assert found.section("roles").detail == "the account summary counts 41 roles, 0 were read"
    assert [g.reason for g in found.gaps] == ["the account summary counts 41 roles, 0 were read"]


def test_reading_again_opens_only_what_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = evidence.read

    def watched(path: str) -> Any:
        opened.append(os.path.basename(path))
        return real(path)

    monkeypatch.setattr(evidence, "read", watched)
    put(tmp_path, "a.json", GAAD)
    put(tmp_path, "b.json", {"Records": [record()]})
    source = EvidenceSource([str(tmp_path)])
    list(source.account())
    assert event_ids(source) == ["e-1"]
    list(source.account())
    assert opened == ["a.json", "b.json"]
    put(tmp_path, "b.json", {"Records": [record(1), record(2)]})
    put(tmp_path, "c.json", {"Records": [record(3)]})
    (tmp_path / "a.json").unlink()
    assert [i.kind for i in source.account() if isinstance(i, Document)] == []
    assert opened == ["a.json", "b.json", "b.json", "c.json"]
    assert sorted(event_ids(source)) == ["e-1", "e-2", "e-3"]


def test_event_files_beyond_the_memory_bound_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "HELD_EVENT_BYTES", 0)
    put(tmp_path, "a.json", {"Records": [record(1)]})
    put(tmp_path, "b.json", {"Records": [record(2)]})
    source = EvidenceSource([str(tmp_path)])
    assert event_ids(source) == ["e-2", "e-1"]
    (tmp_path / "a.json").unlink()
    rest = list(source.events(EventQuery()))
    assert [type(x) for x in rest] == [Document, Gap, Window]
    assert rest[2].state is WindowState.PARTIAL
    assert "1 file could not be read" in rest[2].reason


def test_cancelling_stops_between_files(tmp_path: Path) -> None:
    for number in range(5):
        put(tmp_path, f"{number}.json", GAAD)
    found: list[Any] = []
    for item in EvidenceSource([str(tmp_path)]).account(lambda: len(found) >= 2):
        found.append(item)
    assert len(found) == 2


def test_keys_and_policy_texts_are_answered_from_files(tmp_path: Path) -> None:
    put(tmp_path, "keys.json", {"AccessKeyMetadata": [{"UserName": "ann", "AccessKeyId": "AKIA1", "Status": "Active"}]})
    put(tmp_path, "version.json", {"Arn": "arn:aws:iam::aws:policy/P", "PolicyVersion": {"VersionId": "v3", "Document": {}}})
    source = EvidenceSource([str(tmp_path)])
    [keys] = source.access_keys("ann", "arn:aws:iam::111122223333:user/ann")
    assert isinstance(keys, Document)
    assert keys.key == "arn:aws:iam::111122223333:user/ann"
    [gap] = source.access_keys("bob", "arn:aws:iam::111122223333:user/bob")
    assert isinstance(gap, Gap)
    assert gap.hint == "aws iam list-access-keys --user-name bob"
    [version] = source.policy_version("arn:aws:iam::aws:policy/P")
    assert isinstance(version, Document)
    assert version.key == "arn:aws:iam::aws:policy/P:v3"
    [gap] = source.policy_version("arn:aws:iam::aws:policy/P", "v1")
    assert isinstance(gap, Gap)
    assert gap.state is State.NOT_LOADED


def test_the_hostile_account_opens_from_files(tmp_path: Path) -> None:
    source = EvidenceSource([str(write_evidence(tmp_path / "evil"))])
    assembler = Assembler()
    for item in source.account():
        if isinstance(item, Document | Gap):
            assembler.add(item)
    [found] = assembler.world().snapshots
    assert found.account == ACCOUNT
    assert len(found.users) == len(found.roles) == len(found.groups) == len(NASTY)
    assert any(role.max_session == 3600 for role in found.roles), "GetRole's answer is added to the inventory's"
    assert len(event_ids(source)) == len(NASTY)
    assert len(assembler.world().gaps) == 1
