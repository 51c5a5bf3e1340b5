"""A plan as CloudFormation: what to change in which stack, and the smaller policies as parts of a template (JSON, which is YAML too)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ...model.cleanup import Op, Plan, PlanItem, Step
from ...text import inert_json
from ..commandtext import comment
from ..words import exact

_TYPES = {"user": "AWS::IAM::User", "role": "AWS::IAM::Role", "group": "AWS::IAM::Group", "policy": "AWS::IAM::ManagedPolicy"}


def cloudformation(plan: Plan) -> str:
    return "".join(line + "\n" for line in _lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    yield f"# Cleanup plan of account {comment(plan.account)}, made {exact(plan.made)} by {comment(plan.reviewer or 'nobody named')}"
    yield "# Parts of templates, to be put into the stacks they belong to; look at a change set before you run it."
    yield "# Roll-back of all of it: update the stack with the template as it was; what was deleted has a new unique id then."
    for gap in plan.gaps:
        yield f"# Could not be looked at: {comment(gap)}"
    for left in plan.left:
        yield f"# Not in here: {comment(left.title)}: {left.why.value}: {comment(left.words)}"
    loose = [item for item in plan.items if not item.stack and not _smaller(item)]
    if loose:
        yield "#"
        yield "# In no stack, as far as their tags tell (groups have none): use the AWS CLI form"
        yield from (f"#   {item.number}. {comment(item.title)}" for item in loose)
    for item in plan.items:
        if item in loose:
            continue
        yield ""
        yield f"# == {item.number}. {comment(item.title)} ({comment(item.target.unique_id)})"
        yield f"# {comment(item.mark)}"
        yield from (f"# - {comment(note)}" for note in item.notes)
        if item.stack:
            yield f"# stack {comment(item.stack)}, logical id {comment(item.logical) if item.logical else 'not told'}"
        for step in item.steps:
            yield from _step(item, step)


def _smaller(item: PlanItem) -> bool:
    return any(step.new and step.op is not Op.DENY for step in item.steps)


def _step(item: PlanItem, step: Step) -> Iterator[str]:
    kind = item.target.kind
    logical = item.logical if item.logical.isascii() and item.logical.isalnum() else "TheLogicalId"
    document = msgspec.json.decode(step.new) if step.new else None
    match step.op:
        case Op.DELETE:
            yield f"# take {comment(item.logical or 'its resource')} ({_TYPES[kind]}) out of the template, and what refers to it; update the stack"
            yield "# back: put it in again and update the stack"
        case Op.INLINE_PUT:
            body = {"PolicyName": step.part, "PolicyDocument": document}
            yield f"# in its Policies, in place of the one of that name; back: {comment(step.back)}"
            yield _json({logical: {"Type": _TYPES[kind], "Properties": {"Policies": [body]}}})
        case Op.VERSION:
            yield f"# the document of {comment(step.name)}; back: the one that stands in the template now"
            yield _json({logical: {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document}}})
        case Op.COPY:
            yield f"# a policy of its own, in place of {comment(step.part)} in its ManagedPolicyArns; back: that ARN again, and this one out"
            properties: dict[str, Any] = {
                "ManagedPolicyName": step.name,
                "PolicyDocument": document,
                f"{kind.capitalize()}s": [item.target.name],
            }
            yield _json({"SmallerPolicy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}})
        case Op.DETACH:
            yield f"# take {comment(step.part)} out of its ManagedPolicyArns; back: put it in again"
        case Op.INLINE_DELETE:
            yield f"# take the policy {comment(step.part)} out of its Policies; back: put it in again"
        case _:
            pass


def _json(value: Any) -> str:
    return inert_json(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
