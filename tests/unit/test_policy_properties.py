"""The engine against a literal second reading of the documentation, and the rules that hold for every policy."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from iamtui.policy.decision import Effect
from iamtui.policy.evaluation import evaluate
from iamtui.policy.requests import request_of
from tests.policy_reference import decide
from tests.policy_strategies import documents, requests

PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
MAY = (Effect.ALLOWED, Effect.DEPENDS)


def answer(request: dict[str, Any]) -> Effect:
    return evaluate(request_of(json.dumps(request))[1]).effect


@settings(max_examples=250, deadline=None, phases=PHASES)
@given(requests())
def test_the_engine_agrees_with_the_second_reading(request: dict[str, Any]) -> None:
    decision = evaluate(request_of(json.dumps(request))[1])
    assert decision.effect.value == decide(request), decision.told


@settings(max_examples=60, deadline=None, phases=PHASES)
@given(requests(), st.randoms())
def test_order_and_repetition_do_not_matter(request: dict[str, Any], random: Any) -> None:
    other = json.loads(json.dumps(request))
    for key in ("identityPolicies", "permissionsBoundaries", "sessionPolicies", "endpointPolicies"):
        if other.get(key):
            other[key] = other[key] + [other[key][0]]
            for document in other[key]:
                random.shuffle(document["Statement"])
            random.shuffle(other[key])
    assert answer(other) is answer(request)


@settings(max_examples=60, deadline=None, phases=PHASES)
@given(requests(), documents("identity"), st.sampled_from(("strict", "conditional")))
def test_another_deny_never_allows(request: dict[str, Any], document: dict[str, Any], mode: str) -> None:
    request["mode"] = mode
    for statement in document["Statement"]:
        statement["Effect"] = "Deny"
    before = answer(request)
    after = answer({**request, "identityPolicies": [*request["identityPolicies"], document]})
    if before is not Effect.ALLOWED:
        assert after is not Effect.ALLOWED
    if before is Effect.EXPLICITLY_DENIED:
        assert after is Effect.EXPLICITLY_DENIED


@settings(max_examples=60, deadline=None, phases=PHASES)
@given(requests(), st.sampled_from(("strict", "conditional")))
def test_a_narrower_resource_never_widens(request: dict[str, Any], mode: str) -> None:
    request["mode"] = mode
    narrow = json.loads(json.dumps(request))
    for document in narrow["identityPolicies"]:
        for statement in document["Statement"]:
            if statement["Effect"] == "Allow" and "Resource" in statement:
                statement["Resource"] = statement["Resource"][:1]
    if answer(request) not in MAY:
        assert answer(narrow) not in MAY


@settings(max_examples=60, deadline=None, phases=PHASES)
@given(requests())
def test_what_depends_is_decided_by_what_is_missing(request: dict[str, Any]) -> None:
    """With every key told, nothing is open; and a certain answer does not change when the missing keys are called missing."""
    from tests.policy_strategies import KEYS

    told = {**request, "mode": "conditional", "context": {**{key: [] for key in KEYS}, **request["context"]}}
    assert answer(told) is answer(request)
    open_ = answer({**request, "mode": "conditional"})
    if open_ is not Effect.DEPENDS:
        assert (open_ in MAY) is (answer(request) in MAY)


@settings(max_examples=60, deadline=None, phases=PHASES)
@given(requests())
def test_every_decision_says_why(request: dict[str, Any]) -> None:
    request["mode"] = "conditional"
    decision = evaluate(request_of(json.dumps(request))[1])
    if decision.effect is Effect.IMPLICITLY_DENIED:
        assert decision.missing or decision.because
    else:
        assert decision.because
    assert (decision.effect is Effect.DEPENDS) is (decision.conditions is not None)
    assert decision.told


def test_the_requests_made_here_reach_every_answer() -> None:
    seen: set[Effect] = set()

    @settings(max_examples=150, deadline=None, database=None, phases=(Phase.generate,))
    @given(requests())
    def look(request: dict[str, Any]) -> None:
        seen.add(answer(request))

    look()
    assert seen == set(Effect) - {Effect.DEPENDS}
