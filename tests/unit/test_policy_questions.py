"""Permission questions about small accounts, answered through account files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from iamtui.analysis.access import decide
from iamtui.analysis.access import question as ask
from iamtui.analysis.lookup import resolve
from iamtui.model.account import World
from iamtui.model.document import Document, Kind, Origin
from iamtui.model.surroundings import Surroundings
from iamtui.policy.decision import Effect
from iamtui.session import Session
from iamtui.source.decode import with_document
from iamtui.source.evidence import EvidenceSource

QUESTIONS = Path(__file__).parents[2] / "../shared/data/iam/questions"

pytestmark = pytest.mark.skipif(not QUESTIONS.is_dir(), reason="the development data (../shared/data) is not here")


def questions() -> list[Any]:
    path = QUESTIONS / "expected.json"
    return json.loads(path.read_text()) if path.is_file() else []


def world_of(files: list[str]) -> World:
    session = Session(EvidenceSource([str(QUESTIONS / name) for name in files]))
    session.open()
    for _ in session.refresh():
        pass
    return session.world


def around(question: Any) -> Surroundings:
    found = Surroundings()
    for kind, key in ((Kind.RESOURCE_POLICIES, "resources"), (Kind.ORGANIZATION, "scps")):
        for name in question["files"].get(key, []):
            body = (QUESTIONS / name).read_bytes()
            found = with_document(found, Document(kind, body, datetime.now(UTC), Origin("evidence", name)))
    return found


@pytest.mark.parametrize(
    "question", questions(), ids=lambda question: "-".join((*question["files"]["gaads"], *map(str, question["input"][:2])))
)
def test_question(question: Any) -> None:
    principal, action, resource, *rest = question["input"]
    given = dict(text.split("=", 1) for text in (rest[0] if rest else []))
    strict = bool(rest[2]) if len(rest) > 2 else False
    world = world_of(question["files"]["gaads"])
    (snapshot,) = world.snapshots
    found = resolve(principal, world)
    if not found:
        assert question["expected"] is False, "nobody of that name is in the account"
        return
    identity: Any = found[0].item
    surroundings = around(question)
    asked = ask(action, resource, world.snapshots, surroundings, context=given, conditional=not strict)
    verdict = decide(identity, snapshot, asked, surroundings)
    # Without `strict` a condition nobody answered counts as one that can be met.
    may = verdict.decision.effect in (Effect.ALLOWED, Effect.DEPENDS)
    assert may is question["expected"], verdict.decision.told
    assert verdict.decision.because or verdict.decision.missing
