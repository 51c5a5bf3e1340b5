"""A plan as Terraform: `removed` blocks for what goes, resources with the smaller documents, imports as hints. Addresses are to be adapted."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import msgspec

from ...model.cleanup import Op, Plan, PlanItem, Step
from ..changes.terraform import block, label, quoted, value_of
from ..commandtext import ascii_json, comment
from ..words import exact
from .steps import DENY, DENY_NAME

_BACK = {
    Op.DENY: "take that block out",
    Op.KEYS_OFF: 'status = "Active"',
    Op.KEY_OFF: 'status = "Active"',
    Op.CREDENTIALS: "those blocks again: Terraform makes new ones",
    Op.KEY_DELETE: "its block again: Terraform makes another key",
    Op.BOUNDARY_OFF: "with its block",
    Op.VERSIONS_DELETE: "with its block, in the version in force",
    Op.GROUP_LEAVE: "put it in again",
    Op.MEMBER_LEAVE: "put it in again",
    Op.PROFILE_LEAVE: "put it in again",
    Op.INLINE_PUT: "the document that stands in the configuration now",
    Op.VERSION: "the document that stands in the configuration now",
    Op.COPY: "the attachment of the wide one again, and the copy out",
}


def terraform(plan: Plan) -> str:
    return "".join(line + "\n" for line in _lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    yield f"# Cleanup plan of account {comment(plan.account)}, made {exact(plan.made)} by {comment(plan.reviewer or 'nobody named')}"
    yield "# Hints to be put into your configuration: the addresses are made from names, terraform state list tells the real ones."
    yield "# What Terraform does not manage stays as it is; the AWS CLI form of the plan does that. Read terraform plan before you apply."
    yield f"# Deactivate first (the blocks in comments), wait {plan.wait} days, then remove. removed blocks want Terraform 1.7 or newer."
    for gap in plan.gaps:
        yield f"# Could not be looked at: {comment(gap)}"
    for left in plan.left:
        yield f"# Not in here: {comment(left.title)}: {left.why.value}: {comment(left.words)}"
    for item in plan.items:
        yield ""
        yield f"# == {item.number}. {comment(item.title)} ({comment(item.target.unique_id)})"
        yield f"# {comment(item.mark)}"
        yield from (f"# - {comment(note)}" for note in item.notes)
        if item.stack:
            yield f"# It belongs to the CloudFormation stack {comment(item.stack)}: change it there."
            continue
        for number, step in enumerate(item.steps, 1):
            yield f"# {item.number}.{number} {comment(step.say)}"
            yield from _step(item, step, plan)
            yield f"# back: {_BACK.get(step.op, 'its block again')}" + (f"; does not come back: {comment(step.lost)}" if step.lost else "")
        if item.deletes:
            yield "# Roll-back: take the removed blocks out again and put this in their place:"
            yield from (f"#   {line}".rstrip() for line in _again(item).splitlines())


def _removed(kind: str, name: str) -> str:
    return f"removed {{\n  from = {kind}.{name}\n  lifecycle {{\n    destroy = true\n  }}\n}}"


def _step(item: PlanItem, step: Step, plan: Plan) -> Iterator[str]:
    kind, name = item.target.kind, item.target.name
    who, base = quoted(name), label(name)
    part = label(f"{name}_{step.name or step.part.rpartition('/')[2]}")
    match step.op:
        case Op.DENY:
            fields = {"name": quoted(DENY_NAME), kind: who, "policy": _document(DENY)}
            yield from (f"#   {line}" for line in block(f"aws_iam_{kind}_policy", f"{base}_deny", fields).splitlines())
        case Op.KEYS_OFF | Op.KEY_OFF:
            yield f'#   status = "Inactive" in the blocks aws_iam_access_key of {comment(name)}'
        case Op.CREDENTIALS:
            yield f"#   take its aws_iam_access_key, aws_iam_user_login_profile and aws_iam_user_ssh_key out; force_destroy = true in aws_iam_user.{base}"
            yield "#   lets Terraform delete what it did not make"
        case Op.KEY_DELETE:
            yield _removed("aws_iam_access_key", base)
        case Op.INLINE_DELETE:
            yield _removed(f"aws_iam_{kind}_policy", part)
        case Op.DETACH:
            yield _removed(f"aws_iam_{kind}_policy_attachment", part)
        case Op.BOUNDARY_OFF | Op.VERSIONS_DELETE:
            yield "#   goes with the block of it"
        case Op.GROUP_LEAVE:
            yield f"#   take {quoted(step.part)} out of aws_iam_user_group_membership.{base}, or {who} out of the group's aws_iam_group_membership"
        case Op.MEMBER_LEAVE:
            yield f"#   take {quoted(step.part)} out of aws_iam_group_membership.{base}"
        case Op.PROFILE_LEAVE:
            yield f"#   take role out of aws_iam_instance_profile.{label(step.part)}"
        case Op.PROFILE_DELETE:
            yield _removed("aws_iam_instance_profile", label(step.part))
        case Op.DELETE:
            yield _removed(f"aws_iam_{kind}", base)
            ident = item.target.arn if kind == "policy" else name
            yield f"#   not in the state? the AWS CLI form, or first: terraform import aws_iam_{kind}.{base} {shlex.quote(ident)}"
        case Op.INLINE_PUT:
            fields = {"name": quoted(step.part), kind: who, "policy": _document(step.new)}
            yield block(f"aws_iam_{kind}_policy", part, fields, f"{name}:{step.part}").rstrip()
        case Op.VERSION:
            yield block("aws_iam_policy", label(step.name), {"name": quoted(step.name), "policy": _document(step.new)}, step.part).rstrip()
        case Op.COPY:
            made = label(step.name)
            yield block("aws_iam_policy", made, {"name": quoted(step.name), "policy": _document(step.new)}).rstrip()
            yield block(f"aws_iam_{kind}_policy_attachment", made, {kind: who, "policy_arn": f"aws_iam_policy.{made}.arn"}).rstrip()
            yield _removed(f"aws_iam_{kind}_policy_attachment", label(f"{name}_{step.part.rpartition('/')[2]}"))


def _document(text: str) -> str:
    return f"jsonencode({value_of(msgspec.json.decode(ascii_json(text, 'a document')), 1)})"


def _again(item: PlanItem) -> str:
    """The resource blocks of what was there."""
    kind, target = item.target.kind, item.target
    base = label(target.name)
    fields = {"name": quoted(target.name)}
    if target.path != "/":
        fields["path"] = quoted(target.path)
    if item.trust:
        fields["assume_role_policy"] = _document(item.trust)
    if item.boundary:
        fields["permissions_boundary"] = quoted(item.boundary)
    if item.tags:
        fields["tags"] = value_of(dict(item.tags), 1)
    default = next((document for _, in_force, document in item.versions if in_force), "")
    if default:
        fields["policy"] = _document(default)
    made = [block(f"aws_iam_{kind}", base, fields)]
    for step in item.steps:
        part = label(f"{target.name}_{step.name}")
        if step.op is Op.INLINE_DELETE and step.document:
            body = {"name": quoted(step.part), kind: quoted(target.name), "policy": _document(step.document)}
            made.append(block(f"aws_iam_{kind}_policy", part, body))
        elif step.op is Op.DETACH:
            made.append(block(f"aws_iam_{kind}_policy_attachment", part, {kind: quoted(target.name), "policy_arn": quoted(step.part)}))
    if item.groups:
        groups = f"[{', '.join(map(quoted, item.groups))}]"
        made.append(block("aws_iam_user_group_membership", base, {"user": quoted(target.name), "groups": groups}))
    return "\n".join(made)
