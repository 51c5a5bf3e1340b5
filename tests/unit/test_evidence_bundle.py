"""Bundles as evidence: what one person collected opens at another's, and a damaged or hostile one does no harm."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from iamtui.model.document import Document, Gap, Kind, Origin
from iamtui.model.fact import State
from iamtui.session import Session
from iamtui.source.base import EventQuery
from iamtui.source.decode import decode_events
from iamtui.source.evidence import EvidenceSource, bundle
from iamtui.store.bundle import write_bundle
from tests.hostile import ACCOUNT, hostile_documents, write_evidence

WHEN = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
BODY = json.dumps({"AccountAliases": ["acme"]}).encode()


def entry(body: bytes = BODY, path: str = "documents/00000.json", **more: Any) -> dict[str, Any]:
    return {
        "path": path,
        "kind": "account-aliases",
        "account": "111122223333",
        "as_of": "2026-10-01T00:00:00Z",
        "origin": "iam:ListAccountAliases",
        "sha256": hashlib.sha256(body).hexdigest(),
        "bytes": len(body),
        **more,
    }


def made(path: Path, entries: list[Any], members: dict[str, bytes] | None = None, **manifest: Any) -> Path:
    head = {"format": "iamtui-bundle", "version": 1, "created": "2026-11-01T12:00:00Z", "documents": entries, "gaps": [], **manifest}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in (members if members is not None else {"documents/00000.json": BODY}).items():
            archive.writestr(name, body)
        archive.writestr("manifest.json", json.dumps(head))
    return path


def items(path: Path) -> list[Any]:
    return list(EvidenceSource([str(path)]).account())


def only_gap(path: Path) -> Gap:
    found = items(path)
    assert [type(i) for i in found] == [Gap]
    return found[0]


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "acme.zip"
    documents = hostile_documents()
    gap = Gap(Kind.CREDENTIAL_REPORT, State.DENIED, "not allowed", "iam:GetCredentialReport", ACCOUNT, hint="grant it", at=WHEN)
    assert write_bundle(path, documents, [gap], source="live", created=WHEN) == len(documents)
    source = EvidenceSource([str(path)])
    found = [i for i in source.account() if isinstance(i, Document)]
    wanted = [d for d in documents if d.kind is not Kind.EVENTS]
    fields = ("kind", "body", "as_of", "account", "key", "region", "part", "complete")
    assert {tuple(getattr(d, f) for f in fields) for d in found} == {tuple(getattr(d, f) for f in fields) for d in wanted}
    assert all(d.origin.source == "evidence" and str(path) in d.origin.name for d in found)
    [told] = [i for i in source.account() if isinstance(i, Gap)]
    assert (told.kind, told.state, told.reason, told.action, told.hint, told.at) == (
        Kind.CREDENTIAL_REPORT,
        State.DENIED,
        "not allowed",
        "iam:GetCredentialReport",
        "grant it",
        WHEN,
    )
    events = [e for d in source.events(EventQuery()) if isinstance(d, Document) for e in decode_events(d).events]
    assert len(events) == len(decode_events(documents[-1]).events)


def test_a_path_that_is_no_text_can_be_collected(tmp_path: Path) -> None:
    """File names are bytes: those that are no UTF-8 must neither stop the reading nor the bundle."""
    name = os.fsdecode(b"aliases-\xff\xfe.json")
    try:
        (tmp_path / name).write_bytes(BODY)
    except OSError:
        pytest.skip("the file system takes only text as names")
    documents = [i for i in EvidenceSource([str(tmp_path)]).account() if isinstance(i, Document)]
    assert [d.kind for d in documents] == [Kind.ACCOUNT_ALIASES]
    gap = Gap(Kind.OTHER, State.FAILED, f"{name}: half \ud800")
    assert write_bundle(tmp_path / "out.zip", documents, [gap], source="evidence", created=WHEN) == 1


def collected(folder: Path, target: Path) -> list[Document]:
    session = Session(EvidenceSource([str(folder)]))
    for _ in session.refresh():
        pass
    session.collect(target)
    source = EvidenceSource([str(target)])
    return [i for i in (*source.account(), *source.events(EventQuery())) if isinstance(i, Document)]


def test_evidence_can_be_collected_and_opened_again(tmp_path: Path) -> None:
    """Each answer once, nothing that is no answer, no session token; and CloudTrail files alone too."""
    folder = tmp_path / "evidence"
    found = collected(write_evidence(folder), tmp_path / "all.zip")
    assert sorted(d.kind for d in found) == sorted(d.kind for d in hostile_documents())
    assert not any(b"SECRET-CANARY" in d.body for d in found)
    only = tmp_path / "trail"
    only.mkdir()
    (only / "trail.json").write_bytes(hostile_documents()[-1].body)
    assert [d.kind for d in collected(only, tmp_path / "trail.zip")] == [Kind.EVENTS]


def test_the_last_accessed_answer_of_a_bundle_is_found_by_its_key(tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    arn = "arn:aws:iam::111122223333:role/r"
    document = Document(Kind.LAST_ACCESSED, b'{"JobStatus":"COMPLETED"}', WHEN, Origin("live", "x"), "111122223333", arn)
    write_bundle(path, [document], [], source="live", created=WHEN)
    [found] = EvidenceSource([str(path)]).last_accessed(arn)
    assert isinstance(found, Document)
    assert found.key == arn


@pytest.mark.parametrize("version", [2, 99, "1", None, True, 0])
def test_an_unknown_version_is_refused_with_a_sentence(tmp_path: Path, version: Any) -> None:
    gap = only_gap(made(tmp_path / "b.zip", [entry()], version=version))
    assert "this iamtui reads up to version 1" in gap.reason
    assert "update" in gap.hint


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "/etc/passwd", "documents/../../x", "documents/a/b", "documents/..", "other.json", "documents/x\n"]
)
def test_a_path_that_leads_out_is_not_read(tmp_path: Path, path: str) -> None:
    gap = only_gap(made(tmp_path / "b.zip", [entry(path=path)], {path: BODY, "documents/00000.json": BODY}))
    assert "leads out of the bundle" in gap.reason


def test_a_damaged_document_is_a_gap_and_the_rest_is_read(tmp_path: Path) -> None:
    good = entry()
    changed = entry(path="documents/00001.json")
    missing = entry(path="documents/00002.json")
    strange = entry(kind="from-the-future")
    undated = entry(as_of=None)
    path = made(
        tmp_path / "b.zip",
        [good, changed, missing, strange, 7, {"path": 1}, undated],
        {"documents/00000.json": BODY, "documents/00001.json": BODY + b" "},
    )
    found = items(path)
    assert [i.kind for i in found if isinstance(i, Document)] == [Kind.ACCOUNT_ALIASES, Kind.ACCOUNT_ALIASES]
    reasons = [i.reason.removeprefix(f"{path}: ") for i in found if isinstance(i, Gap)]
    assert len(reasons) == 5
    assert reasons[0] == "documents/00001.json: damaged: its hash is not the one in the manifest"
    assert reasons[1] == "documents/00002.json: it is missing in the bundle"
    assert "a kind this version does not know: from-the-future" in reasons[2]


def test_a_cut_off_or_scrambled_bundle_is_named(tmp_path: Path) -> None:
    whole = made(tmp_path / "b.zip", [entry()]).read_bytes()
    for size in range(4, len(whole), 7):
        path = tmp_path / "cut.zip"
        path.write_bytes(whole[:size])
        assert "damaged zip file" in only_gap(path).reason
    for position in range(0, len(whole), 5):
        path = tmp_path / "scrambled.zip"
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        for item in items(path):
            assert isinstance(item, Gap) or item.body == BODY, "nothing but what was hashed is believed"


def test_bombs_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_MEMBER", 1 << 20)
    monkeypatch.setattr(bundle, "MAX_TOTAL", 1 << 20)
    big = b" " * (4 << 20)
    assert "larger than 1 MiB" in only_gap(made(tmp_path / "a.zip", [entry(big)], {"documents/00000.json": big})).reason
    half = b" " * (700 << 10)
    two = [entry(half), entry(half, "documents/00001.json")]
    found = items(made(tmp_path / "b.zip", two, {"documents/00000.json": half, "documents/00001.json": half}))
    assert [type(i) for i in found] == [Document, Gap], "the sum is bounded too"


def test_a_zip_that_is_no_bundle(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "looks like a zip archive" in only_gap(path).reason
    assert "not one of an iamtui bundle" in only_gap(made(tmp_path / "y.zip", [], format="other")).reason
