"""A plan to be read: Markdown for a ticket, and the same as data for JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from ...model.cleanup import Left, Op, Plan, PlanItem, Step
from ...text import inert_json
from ...text import markdown_text as text
from ..words import exact, iso


def counts(plan: Plan) -> str:
    """`12 steps for 3 decisions, 2 left: 1 not now: used lately, 1 others need it`."""
    number = sum(len(item.steps) for item in plan.items)
    made = f"{number:,} {'step' if number == 1 else 'steps'} for {len(plan.items):,} {'decision' if len(plan.items) == 1 else 'decisions'}"
    if not plan.left:
        return made
    why: dict[str, int] = {}
    for left in plan.left:
        why[left.why.value] = why.get(left.why.value, 0) + 1
    return f"{made}; not acted on: " + ", ".join(f"{count:,} {words}" for words, count in why.items())


def markdown(plan: Plan) -> str:
    return "".join(line + "\n" for line in _lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    yield f"# Cleanup plan of account {text(plan.account)}"
    yield ""
    yield f"Made {exact(plan.made)} by {text(plan.reviewer or 'nobody named')}" + (
        f", campaign {text(plan.campaign)}" if plan.campaign else ""
    )
    yield ""
    yield f"- {text(counts(plan))}"
    yield f"- rests on what was read {exact(plan.as_of)}" if plan.as_of is not None else "- when the account was read is not told"
    yield f"- {plan.wait} days between deactivating and removing"
    yield f"- what was used in the last {plan.hours} hours is left alone" if plan.hours else "- recent use is not looked at"
    yield from (f"- could not be looked at: {text(gap)}" for gap in plan.gaps)
    for item in plan.items:
        yield from _item(item)
    if plan.left:
        yield ""
        yield f"## Not acted on ({len(plan.left)})"
        yield ""
        yield "| what | why | more | decision | instead |"
        yield "|---|---|---|---|---|"
        yield from (_left(left) for left in plan.left)


def _item(item: PlanItem) -> Iterator[str]:
    yield ""
    yield f"## {item.number}. {text(item.title)}"
    yield ""
    yield f"{text(item.mark)} ({text(item.target.arn)}, {text(item.target.unique_id)})"
    yield ""
    yield from (f"- {text(note)}" for note in item.notes)
    if item.stack:
        yield f"- belongs to the CloudFormation stack {text(item.stack)}: change it there"
    if item.notes or item.stack:
        yield ""
    yield "| step | phase | what it does | roll-back | does not come back |"
    yield "|---|---|---|---|---|"
    for number, step in enumerate(item.steps, 1):
        cells = (f"{item.number}.{number}", step.phase.value, text(step.say), text(step.back), text(step.lost))
        yield f"| {' | '.join(cells)} |"
    for number, step in enumerate(item.steps, 1):
        if step.new and step.op is not Op.DENY:
            yield from _document(f"{item.number}.{number}", step.new)


def _document(number: str, document: str) -> Iterator[str]:
    """The smaller policy as a block of code that nothing in it can end."""
    body = inert_json(msgspec.json.format(document, indent=2))
    longest = max((len(run) for run in re.findall("`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"\nThe smaller policy of {number}:\n\n{fence}json\n{body}\n{fence}"


def _left(left: Left) -> str:
    return f"| {' | '.join(text(cell) for cell in (left.title, left.why.value, left.words, left.mark, '; '.join(left.instead)))} |"


def plan_json(plan: Plan) -> dict[str, Any]:
    return {
        "account": plan.account,
        "made": iso(plan.made),
        "reviewer": plan.reviewer,
        "campaign": plan.campaign or None,
        "recent_hours": plan.hours,
        "wait_days": plan.wait,
        "as_of": iso(plan.as_of) if plan.as_of is not None else None,
        "items": [_item_json(item) for item in plan.items],
        "left": [
            {"what": left.title, "why": left.why.value, "words": left.words, "decision": left.mark, "instead": list(left.instead)}
            for left in plan.left
        ],
        "gaps": list(plan.gaps),
    }


def _item_json(item: PlanItem) -> dict[str, Any]:
    return {
        "number": item.number,
        "what": item.title,
        "noun": item.noun,
        "decision": item.decision,
        "mark": item.mark,
        "kind": item.target.kind,
        "name": item.target.name,
        "arn": item.target.arn,
        "unique_id": item.target.unique_id,
        "stack": item.stack or None,
        "notes": list(item.notes),
        "steps": [_step_json(step) for step in item.steps],
    }


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "phase": step.phase.value,
        "does": step.op.value,
        "words": step.say,
        "on": step.part or None,
        "policy_now": step.document or None,
        "policy_new": step.new or None,
        "rollback": step.back,
        "lost": step.lost or None,
    }
