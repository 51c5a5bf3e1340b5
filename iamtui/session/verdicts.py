"""Decisions in words and as JSON: the same for the command line and the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..policy.decision import Because, Decision, Effect
from ..policy.expression import as_data, words

if TYPE_CHECKING:
    from ..analysis.access import Verdict
    from ..analysis.escalation.evaluating import Escalation
    from ..analysis.exposure import Exposure
    from ..analysis.whocan import Holder

_MAY = {
    Effect.ALLOWED: "may",
    Effect.DEPENDS: "may, under conditions,",
    Effect.IMPLICITLY_DENIED: "may not",
    Effect.EXPLICITLY_DENIED: "may not",
}


def verdict_lines(name: str, action: str, resource: str, verdict: Verdict) -> tuple[str, str, str]:
    """Three lines: the answer, its because, and what is not in it."""
    decision = verdict.decision
    on = f" on {resource}" if resource != "*" else ""
    return (
        f"{decision.effect.value}: {name} {_MAY[decision.effect]} {action}{on}",
        f"because: {because_words(decision)}",
        f"not in this answer: {unknown_words(verdict)}",
    )


def because_words(decision: Decision) -> str:
    """What spoke, what was missing, and what is open, in one line; the first three statements, then how many more."""
    spoke = decision.deciding
    told = [one.told for one in spoke[:3]]
    if len(spoke) > 3:
        told.append(f"and {len(spoke) - 3} more")
    told += [f"no {layer.value} allows it" for layer in decision.missing]
    if decision.conditions is not None:
        told.append(f"when {words(decision.conditions)}")
    return "; ".join(told)


def unknown_words(verdict: Verdict) -> str:
    parts = [f"{name} (its text was not read)" for name in verdict.unread]
    return "; ".join((*parts, *verdict.notes)) or "nothing that is known to be missing"


def verdict_json(arn: str, action: str, resource: str, verdict: Verdict) -> dict[str, Any]:
    decision = verdict.decision
    return {
        "principal": arn,
        "action": action,
        "resource": resource,
        "decision": decision.effect.value,
        "because": [because_json(one) for one in decision.because],
        "missing": [layer.value for layer in decision.missing],
        "conditions": as_data(decision.conditions) if decision.conditions is not None else None,
        "condition_words": words(decision.conditions) if decision.conditions is not None else "",
        "unread": list(verdict.unread),
        "notes": list(verdict.notes),
    }


def because_json(because: Because) -> dict[str, Any]:
    told: dict[str, Any] = {"layer": because.layer.value, "effect": "Allow" if because.allows else "Deny", "words": because.told}
    if because.rule is not None and because.held is not None:
        told.update(policy=because.held.name, way=because.held.way, statement=because.rule.statement.label)
    return told


def exposure_json(found: Exposure) -> dict[str, Any]:
    """`severity`, `resource`, `kind`, `who`, `account`, `actions`, `only_if`, `why`, `statement`."""
    return {
        "severity": found.severity.value,
        "resource": found.resource,
        "kind": found.kind,
        "who": found.who,
        "account": found.account,
        "actions": list(found.actions),
        "only_if": list(found.only_if),
        "why": found.why,
        "statement": found.label,
    }


def escalation_json(way: Escalation) -> dict[str, Any]:
    """`identity`, `arn`, `path`, `title`, `target`, `ends_as`, `conditions`, `unseen`, `steps` (words and commands)."""
    return {
        "identity": way.identity.name,
        "arn": way.identity.arn,
        "path": way.path.id,
        "title": way.path.title,
        "target": way.target,
        "ends_as": way.ends_as,
        "conditions": way.conditions,
        "unseen": list(way.unseen),
        "steps": [{"words": step.words, "command": step.filled(way.known)} for step in way.path.steps],
    }


def holder_json(holder: Holder) -> dict[str, str]:
    """`who`, `kind`, `account`, `answer`, `because`, `conditions`, `arn`."""
    return {
        "who": holder.name,
        "kind": holder.kind,
        "account": holder.account,
        "answer": holder.effect.value,
        "because": holder.because,
        "conditions": holder.conditions,
        "arn": holder.arn,
    }
