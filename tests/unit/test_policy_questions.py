"""Permission questions about small accounts, answered through account files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from iamtui.analysis.access import decide
from iamtui.analysis.lookup import resolve
from iamtui.model.account import World
from iamtui.policy.compiled import Form
from iamtui.policy.decision import Effect, Held
from iamtui.policy.evaluation import held
from iamtui.session import Session
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


def resource_policy(files: list[str], resource: str) -> tuple[tuple[Held, ...] | None, str]:
    for name in files:
        for entry in json.loads((QUESTIONS / name).read_text()):
            if entry["Resource"] == resource:
                return (held(json.dumps(entry["Policy"]), Form.RESOURCE, name),), entry["Account"]
    return None, ""


def organisation(files: list[str], account: str) -> tuple[tuple[Held, ...], ...]:
    """Levels from the root down to the account; none for the management account, whose principals SCPs do not bind."""

    def down(node: dict[str, Any]) -> list[tuple[Held, ...]] | None:
        level = tuple(held(json.dumps(policy["Content"]), name=policy["Name"]) for policy in node.get("Policies", ()))
        if node["Id"] == account:
            return [level]
        for child in node.get("Children", ()):
            below = down(child)
            if below is not None:
                return [level, *below]
        return None

    roots = [json.loads((QUESTIONS / name).read_text()) for name in files]
    return tuple(level for root in roots if root["Arn"].split(":")[4] != account for level in down(root) or ())


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
    policy, account = resource_policy(question["files"].get("resources", []), resource)
    verdict = decide(
        identity,
        snapshot,
        action,
        resource,
        context=given,
        conditional=not strict,
        resource_policy=policy,
        resource_account=account,
        service_control=organisation(question["files"].get("scps", []), snapshot.account),
    )
    # Without `strict` a condition nobody answered counts as one that can be met.
    may = verdict.decision.effect in (Effect.ALLOWED, Effect.DEPENDS)
    assert may is question["expected"], verdict.decision.told
    assert verdict.decision.because or verdict.decision.missing
