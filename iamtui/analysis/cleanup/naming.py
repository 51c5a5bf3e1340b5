"""Names of a plan held against what IAM allows, before any of them gets into a text that somebody runs."""

from __future__ import annotations

import re

from ...model.cleanup import Op, PlanItem, Step
from ..commandtext import Refused, ascii_json, iam_arn_of, key_id_of, name_of, path_of, unique_id_of, version_of

_SLOT = re.compile(r"key [12] made (\d{4}-\d{2}-\d{2}) (\d{2}:\d{2})")
_ACCOUNT = re.compile(r"\d{12}")
_DESCRIPTION = 1_000


def account_of(value: str) -> str:
    if not _ACCOUNT.fullmatch(value):
        raise Refused("no script: which account was read is not told, so it could not make sure that it runs on the right one")
    return value


def validate(item: PlanItem) -> None:
    """Raises Refused where anything of an item is none that IAM allows in its place."""
    target = item.target
    name_of(target.name, f"{target.kind}'s name")
    unique_id_of(target.unique_id)
    path_of(target.path)
    if target.kind == "policy":
        iam_arn_of(target.arn)
    for arn in (item.boundary, *item.attached):
        if arn:
            iam_arn_of(arn)
    for _, name in item.holders:
        name_of(name)
    for name in (*item.inline, *item.groups, *item.members, *item.profiles):
        name_of(name)
    if item.trust:
        ascii_json(item.trust, "its trust policy")
    for ident, _, document in item.versions:
        version_of(ident)
        if document:
            ascii_json(document, f"its version {ident}")
    for step in item.steps:
        _step(step)


def _step(step: Step) -> None:
    match step.op:
        case Op.DETACH | Op.VERSION | Op.COPY | Op.BOUNDARY_OFF:
            iam_arn_of(step.part)
        case Op.KEY_OFF | Op.KEY_DELETE:
            if made_at(step.part) == "":
                key_id_of(step.part)
        case Op.PROFILE_DELETE:
            name_of(step.part, "instance profile's name")
            path_of(step.name)
        case _ if step.part:
            name_of(step.part)
    if step.op is Op.COPY:
        name_of(step.name, "copy's name")
    if step.spare[0]:
        version_of(step.spare[0])
    for document in (step.document, step.new, step.spare[1]):
        if document:
            ascii_json(document, f"the policy {step.name}" if step.name.isprintable() else "the policy")


def made_at(ident: str) -> str:
    """`2025-01-02T03:04` of a key that the credential report alone tells of, "" for an id."""
    found = _SLOT.fullmatch(ident)
    return f"{found[1]}T{found[2]}" if found else ""


def description_of(text: str) -> str:
    """A description that can be given again; "" for what the AWS CLI would read as something else, or IAM would not take."""
    fine = len(text) <= _DESCRIPTION and all(c.isprintable() or c in "\n\t" for c in text)
    return text if fine and not text.startswith(("file:", "fileb:", "http:", "https:")) else ""


__all__ = ["Refused", "account_of", "description_of", "made_at", "validate"]
