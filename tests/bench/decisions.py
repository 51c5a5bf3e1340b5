"""Decisions and compilations a second on one core: `python -m tests.bench.decisions` prints both, then a peer's where it is installed.

The corpus is made of the words of `tests.policy_strategies` by a fixed seed: 400 requests with up to seven layers.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from typing import Any

from iamtui.policy.compiled import CompiledPolicy, Form
from iamtui.policy.document import PolicyDocument
from iamtui.policy.document import parse as parse_document
from iamtui.policy.evaluation import evaluate
from iamtui.policy.requests import request_of
from tests import policy_strategies as words

REQUESTS = 400


def statement(pick: random.Random, form: str) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": pick.choice(("Allow", "Allow", "Allow", "Allow", "Deny"))}
    made["Action" if pick.random() < 0.85 else "NotAction"] = pick.sample(words.ACTION_PATTERNS, pick.randint(1, 3))
    made["Resource" if pick.random() < 0.9 else "NotResource"] = pick.sample(words.RESOURCE_PATTERNS, pick.randint(1, 3))
    if form == "resource":
        made["Principal"] = pick.choice(words.PRINCIPAL_ELEMENTS)
    if pick.random() < 0.4:
        key = pick.choice(words.KEYS)
        operators, wanted = words._WANTED[key]
        made["Condition"] = {pick.choice(operators): {key: list(pick.sample(wanted, min(2, len(wanted))))}}
    return made


def document(pick: random.Random, form: str = "identity") -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [statement(pick, form) for _ in range(pick.randint(1, 4))]}


def corpus() -> list[dict[str, Any]]:
    pick = random.Random(7)
    made = []
    for number in range(REQUESTS):
        action = pick.choice(words.ACTIONS)
        request: dict[str, Any] = {
            "id": number,
            "principal": pick.choice(words.PRINCIPALS),
            "action": action,
            "resource": pick.choice(words.RESOURCES[action.split(":")[0]]),
            "identityPolicies": [document(pick) for _ in range(pick.randint(1, 3))],
            "context": {key: pick.choice(words.VALUES[key]) for key in pick.sample(words.KEYS, pick.randint(0, 4))},
        }
        if pick.random() < 0.3:
            request["permissionsBoundaries"] = [document(pick)]
        if pick.random() < 0.5:
            request["resourcePolicy"] = document(pick, "resource")
        if pick.random() < 0.2:
            request["serviceControlPolicies"] = [[document(pick)], [{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}]]
        made.append(request)
    return made


def main() -> None:
    asked = corpus()
    requests = [request_of(json.dumps(request))[1] for request in asked]
    answers = Counter(evaluate(request).effect.value for request in requests)
    best = 0.0
    for _ in range(5):
        begin = time.perf_counter()
        for _ in range(20):
            for request in requests:
                evaluate(request)
        best = max(best, 20 * len(requests) / (time.perf_counter() - begin))
    texts = [json.dumps(policy) for request in asked for policy in request["identityPolicies"]]
    begin = time.perf_counter()
    for text in texts:
        parsed: PolicyDocument = parse_document.__wrapped__(text)
        CompiledPolicy(parsed, Form.IDENTITY)
    compiled = len(texts) / (time.perf_counter() - begin)
    print(f"{best:.0f} {compiled:.0f} {dict(answers)}")


if __name__ == "__main__":
    main()
