"""A plan as a shell script for the AWS CLI: it looks, deactivates, removes and rolls back, each when it is told to.

Every name is a word of `--option=value`, quoted by `shlex`, so that neither a dash nor a `$` in it means anything. Before anything is
changed the script asks for the account, and of each target whether it is still the one that was marked and holds nothing the plan
does not know. What it removes it saves first.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable, Iterator

import msgspec

from ...model.cleanup import Op, Plan, PlanItem, Step
from ..commandtext import ascii_json, comment, to_ascii
from ..words import exact
from .naming import account_of, description_of, made_at
from .prelude import BEGIN, END
from .steps import DENY, DENY_NAME

_ID = {"user": "User.UserId", "role": "Role.RoleId", "group": "Group.GroupId", "policy": "Policy.PolicyId"}


_HOLDERS = (("user", "PolicyUsers[].UserName"), ("role", "PolicyRoles[].RoleName"), ("group", "PolicyGroups[].GroupName"))


def script(plan: Plan) -> str:
    """The whole script. Its account must be told: raises Refused."""
    account = account_of(plan.account)
    items = [item for item in plan.items if not item.stack]
    body = [line for item in items for line in _item(item, plan)]
    numbers = [str(item.number) for item in items]
    head = "\n".join(_head(plan, items, [item for item in plan.items if item.stack]))
    settings = (
        f"\naccount={account}\nwait_days={plan.wait}\nitems={shlex.quote(' '.join(numbers))}\n"
        f"backwards={shlex.quote(' '.join(reversed(numbers)))}\nsaved=${{IAMTUI_PLAN_SAVED:-./iamtui-plan-{_digest(body)}}}\n"
    )
    return head + "\n" + settings + BEGIN + "\n".join(body) + "\n" + END


def _digest(body: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(body).encode("utf-8", "replace"), digest_size=5).hexdigest()


# -- comments ----------------------------------------------------------------------------------------------------------


def _head(plan: Plan, items: list[PlanItem], stacked: list[PlanItem]) -> Iterator[str]:
    yield "#!/bin/sh"
    told = [
        f"Cleanup plan of account {plan.account}, made {exact(plan.made)} by {plan.reviewer or 'nobody named'}"
        + (f", campaign {plan.campaign}" if plan.campaign else ""),
        f"It rests on what was read {exact(plan.as_of)}" if plan.as_of is not None else "When the account was read is not told",
        "",
        "  sh plan.sh                 looks only: is everything still as it was when this was decided?",
        f"  sh plan.sh deactivate      keys inactive, and a policy {DENY_NAME} on users and roles: one command takes each back",
        f"  sh plan.sh remove          deletes, {plan.wait} days after deactivating: what runs once a week has been missed by then",
        "                             (what runs once a month wants 35 days; AWS tells of use up to 4 hours late)",
        "  sh plan.sh rollback        puts back what was deactivated or removed, the last first; IAM may take some seconds to know one",
        "                             that was just made: the same command goes on from where it stopped",
        "",
        "  --dry-run                  asks AWS and prints what would be done; a number does one item: sh plan.sh remove 3",
        "  --now, --used              do not wait; also remove roles that were used since this was made",
        "",
        "What a removal needs for its roll-back is saved in the folder $saved below, where you run this (IAMTUI_PLAN_SAVED is another",
        "place). Keep it and this file until all is done: a plan made later is another one. It needs the AWS CLI and credentials that",
        "may do this; iamtui itself changes nothing.",
    ]
    yield from (f"# {comment(line)}".rstrip() for line in told)
    if plan.gaps:
        yield "#\n# Could not be looked at:"
        yield from (f"#   {comment(gap)}" for gap in plan.gaps)
    if plan.left:
        yield "#\n# Decided, and not in here:"
        for left in plan.left:
            yield f"#   {comment(left.title)}: {left.why.value}: {comment(left.words)} [{comment(left.mark)}]"
            yield from (f"#     instead: {comment(words)}" for words in left.instead)
    if stacked:
        yield "#\n# Left to their CloudFormation stacks, which would be out of step else (--form cloudformation has the text):"
        yield from (
            f"#   {comment(item.title)}: stack {comment(item.stack)}, {comment(item.logical or 'logical id not told')}" for item in stacked
        )
    yield "#" if items else "#\n# There is nothing to do."


def _item(item: PlanItem, plan: Plan) -> Iterator[str]:
    yield ""
    yield f"# == {item.number}. {comment(item.title)} ({comment(item.target.unique_id)})"
    yield f"# {comment(item.mark)}"
    yield from (f"# - {comment(note)}" for note in item.notes)
    yield from _function(f"check_{item.number}", item, _check(item))
    yield from _function(f"deactivate_{item.number}", item, _deactivate(item))
    yield from _function(f"remove_{item.number}", item, _remove(item, plan))
    yield from _function(f"rollback_{item.number}", item, _rollback(item, plan))


def _function(name: str, item: PlanItem, lines: Iterable[str]) -> Iterator[str]:
    yield f"{name}() {{"
    yield f"  item={shlex.quote(comment(f'{item.number} ({item.title})'))}"
    yield from (f"  {line}" for line in lines)
    yield "}"


def _say(item: PlanItem, step: Step) -> str:
    number = item.steps.index(step) + 1
    lost = f" | does not come back: {step.lost}" if step.lost else ""
    return f"# {item.number}.{number} {comment(step.say)} | back: {comment(step.back)}{comment(lost)}"


# -- words of commands -------------------------------------------------------------------------------------------------


def _opt(name: str, value: str) -> str:
    return shlex.quote(f"--{name}={value}")


def _who(item: PlanItem) -> str:
    return _opt(f"{item.target.kind}-name", item.target.name) if item.target.kind != "policy" else _opt("policy-arn", item.target.arn)


def _get(item: PlanItem) -> str:
    page = " --no-paginate" if item.target.kind == "group" else ""
    return f"get-{item.target.kind} {_who(item)}{page} --query {_ID[item.target.kind]}"


def _state(item: PlanItem) -> str:
    return f"state {item.number} {shlex.quote(item.target.unique_id)} {_get(item)}"


def _words(values: Iterable[str]) -> str:
    return "".join(f" {shlex.quote(value)}" for value in values)


def _json(text: str) -> str:
    return shlex.quote(ascii_json(text, "a document")) if text else "''"


def _tags(item: PlanItem) -> str:
    pairs = [{"Key": key, "Value": value} for key, value in item.tags]
    return shlex.quote(to_ascii(msgspec.json.encode(pairs).decode()))


def _file(item: PlanItem, step: Step) -> str:
    return f"{item.number}.{item.steps.index(step) + 1}"


# -- looking -----------------------------------------------------------------------------------------------------------


def _check(item: PlanItem) -> Iterator[str]:
    kind, who = item.target.kind, _who(item)
    yield _state(item)
    yield 'if [ "$phase" = check ]; then tell "$item: $found"; fi'
    yield 'if [ "$found" != there ]; then return 0; fi'
    if kind == "policy":
        yield f"list list-policy-versions {who} --query 'Versions[].VersionId'"
        yield f"only version{_words(ident for ident, _, _ in item.versions)}"
        for held, query in _HOLDERS:
            yield f"list list-entities-for-policy {who} --query '{query}'"
            yield f"only 'attachment to {held}'{_words(name for kind, name in item.holders if kind == held)}"
        return
    if kind in ("user", "role"):
        yield f"not_self {shlex.quote(item.target.arn)} {shlex.quote(item.target.name if kind == 'role' else ' ')}"
    if not item.deletes:
        return
    yield f"list list-attached-{kind}-policies {who} --query 'AttachedPolicies[].PolicyArn'"
    yield f"only 'attached policy'{_words(item.attached)}"
    yield f"list list-{kind}-policies {who} --query 'PolicyNames[]'"
    yield f"only 'inline policy'{_words((DENY_NAME, *item.inline))}"
    if kind == "user":
        yield f"list list-groups-for-user {who} --query 'Groups[].GroupName'"
        yield f"only group{_words(item.groups)}"
    elif kind == "role":
        yield f"list list-instance-profiles-for-role {who} --query 'InstanceProfiles[].InstanceProfileName'"
        yield f"only 'instance profile'{_words(item.profiles)}"
        if item.used_told:
            yield f"list get-role {who} --query Role.RoleLastUsed.LastUsedDate"
            yield f"unused {shlex.quote(f'{item.used:%Y-%m-%dT%H:%M:%S}' if item.used is not None else 'never')}"
    else:
        yield f"list get-group {who} --query 'Users[].UserName'"
        yield f"only member{_words(item.members)}"


def _deactivate(item: PlanItem) -> Iterator[str]:
    found = [step for step in item.steps if step.phase.value == "deactivate"]
    if not found:
        yield 'tell "$item: nothing to deactivate"'
        return
    yield 'tell "$item"'
    yield _state(item)
    yield "stands || return 0"
    for step in found:
        yield _say(item, step)
        match step.op:
            case Op.KEYS_OFF:
                yield f"keys_off {item.number} {_who(item)}"
            case Op.DENY:
                yield f"change put-{item.target.kind}-policy {_who(item)} {_opt('policy-name', DENY_NAME)} {_opt('policy-document', DENY)}"
            case Op.KEY_OFF:
                yield from _key(item, step)
                yield f"key_off {item.number} {_who(item)}"
    yield f'if [ ! -s "$saved/{item.number}.off" ]; then note {item.number}.off "$(date +%s)"; fi'


def _key(item: PlanItem, step: Step) -> Iterator[str]:
    """Sets $key, or leaves the function where it is gone."""
    made = made_at(step.part)
    if made:
        yield f"key_made {_who(item)} {made}"
    else:
        query = f"AccessKeyMetadata[?AccessKeyId=='{step.part}'].AccessKeyId"
        yield f"list list-access-keys {_who(item)} --query {shlex.quote(query)}"
        yield "key=$answer"
    yield "if [ -z \"$key\" ]; then tell '  gone already'; return 0; fi"


# -- removing ----------------------------------------------------------------------------------------------------------


def _remove(item: PlanItem, plan: Plan) -> Iterator[str]:
    yield 'tell "$item"'
    if not item.deletes:
        yield f"if [ -s \"$saved/{item.number}.done\" ]; then tell '  done already'; return 0; fi"
    yield _state(item)
    yield "stands || return 0"
    if item.deactivates:
        yield f"waited {item.number}"
    yield f"note {item.number}.removing yes"
    for step in item.steps:
        if step.phase.value == "remove":
            yield _say(item, step)
            yield from _forward(item, step, plan)
    if not item.deletes:
        yield f"note {item.number}.done yes"


def _forward(item: PlanItem, step: Step, plan: Plan) -> Iterator[str]:
    number, kind, who, file = item.number, item.target.kind, _who(item), _file(item, step)
    part = _opt("policy-name", step.part)
    match step.op:
        case Op.CREDENTIALS:
            yield f"credentials {number} {who}"
        case Op.KEY_DELETE:
            yield from _key(item, step)
            yield f'drop delete-access-key {who} "--access-key-id=$key"'
        case Op.INLINE_DELETE | Op.INLINE_PUT:
            yield f"save {file} get-{kind}-policy {who} {part} --query PolicyDocument --output json"
            if step.op is Op.INLINE_DELETE:
                yield f"drop delete-{kind}-policy {who} {part}"
            else:
                yield f"change put-{kind}-policy {who} {part} --policy-document={_json(step.new)}"
        case Op.DETACH:
            yield f"drop detach-{kind}-policy {who} {_opt('policy-arn', step.part)}"
        case Op.BOUNDARY_OFF:
            yield f"drop delete-{kind}-permissions-boundary {who}"
        case Op.GROUP_LEAVE:
            yield f"drop remove-user-from-group {who} {_opt('group-name', step.part)}"
        case Op.MEMBER_LEAVE:
            yield f"drop remove-user-from-group {who} {_opt('user-name', step.part)}"
        case Op.PROFILE_LEAVE:
            yield f"drop remove-role-from-instance-profile {who} {_opt('instance-profile-name', step.part)}"
        case Op.PROFILE_DELETE:
            yield f"list get-instance-profile {_opt('instance-profile-name', step.part)} --query 'InstanceProfile.Roles[].RoleName'"
            yield 'if [ -n "$answer" ] && [ -z "$dry" ]; then stop \'the instance profile has another role by now\'; fi'
            yield f"drop delete-instance-profile {_opt('instance-profile-name', step.part)}"
        case Op.VERSIONS_DELETE:
            yield from _versions_away(item)
        case Op.COPY:
            arn = _opt("policy-arn", _copy_arn(plan, step))
            yield f"born {file}.id Policy.Arn create-policy {_opt('policy-name', step.name)} --policy-document={_json(step.new)}"
            yield f"change attach-{kind}-policy {who} {arn}"
            yield f"drop detach-{kind}-policy {who} {_opt('policy-arn', step.part)}"
        case Op.VERSION:
            yield from _version(step, file)
        case Op.DELETE:
            yield from _delete(item)


def _delete(item: PlanItem) -> Iterator[str]:
    number, kind, who = item.number, item.target.kind, _who(item)
    if kind in ("user", "role"):
        yield f"save {number}.tags list-{kind}-tags {who} --query \"Tags[?!starts_with(Key, 'aws:')]\" --output json"
        yield f"drop delete-{kind}-policy {who} {_opt('policy-name', DENY_NAME)}"
    if kind == "role":
        yield f"save {number}.trust get-role {who} --query Role.AssumeRolePolicyDocument --output json"
        yield f"save {number}.session get-role {who} --query Role.MaxSessionDuration --output text"
        yield f"save {number}.description get-role {who} --query Role.Description --output text"
    if kind == "policy":
        yield f"save {number}.tags list-policy-tags {who} --query \"Tags[?!starts_with(Key, 'aws:')]\" --output json"
    yield f"drop delete-{kind} {who}"


def _versions_away(item: PlanItem) -> Iterator[str]:
    who = _who(item)
    for held, query in _HOLDERS:
        yield f"list list-entities-for-policy {who} --query '{query}'"
        yield f'if [ -n "$answer" ] && [ -z "$dry" ]; then stop "it is still attached to the {held} $answer"; fi'
    for ident, default, _ in item.versions:
        yield f"save {item.number}.{ident} get-policy-version {who} --version-id={ident} --query PolicyVersion.Document --output json"
        if not default:
            yield f"drop delete-policy-version {who} --version-id={ident}"


def _version(step: Step, file: str) -> Iterator[str]:
    arn = _opt("policy-arn", step.part)
    yield f"save {file}.was get-policy {arn} --query Policy.DefaultVersionId --output text"
    yield f"list list-policy-versions {arn} --query 'Versions[].VersionId'"
    yield "set -- $answer"
    yield f'if [ $# -ge 5 ] && [ ! -s "$saved/{file}.id" ]; then'
    if step.spare[0]:
        yield f"  save {file}.spare get-policy-version {arn} --version-id={step.spare[0]} --query PolicyVersion.Document --output json"
        yield f"  drop delete-policy-version {arn} --version-id={step.spare[0]}"
    else:
        yield "  stop 'five versions are stored, and the plan knows of none to make room: make the plan again'"
    yield "fi"
    yield f"born {file}.id PolicyVersion.VersionId create-policy-version {arn} --policy-document={_json(step.new)} --set-as-default"


def _copy_arn(plan: Plan, step: Step) -> str:
    return f"arn:{plan.partition}:iam::{plan.account}:policy/{step.name}"


# -- rolling back ------------------------------------------------------------------------------------------------------


def _rollback(item: PlanItem, plan: Plan) -> Iterator[str]:
    number, kind, who = item.number, item.target.kind, _who(item)
    yield 'tell "$item"'
    yield _state(item)
    if not item.deletes:
        yield "if [ \"$found\" = gone ]; then tell '  its owner is gone: roll that back first'; return 0; fi"
    yield f'if [ -s "$saved/{number}.removing" ]; then'
    if item.deletes:
        yield '  if [ "$found" = gone ]; then'
        yield from (f"    {line}" for line in _again(item))
        yield "  fi"
    for step in item.steps:
        if step.phase.value == "remove":
            lines = list(_back(item, step, plan))
            if lines:
                yield f"  # {number}.{item.steps.index(step) + 1} back: {comment(step.back)}"
            yield from (f"  {line}" for line in lines)
    yield f"  forget {number}.removing {number}.done"
    if item.deletes:
        yield 'elif [ "$found" = gone ]; then'
        yield '  tell "  gone, and not by this script as far as $saved tells"'
        yield "  return 0"
    yield "fi"
    if kind in ("user", "role") and item.deletes:
        yield f"drop delete-{kind}-policy {who} {_opt('policy-name', DENY_NAME)}"
    if item.deactivates and kind == "user":
        yield f"keys_on {number} {who}"
    if item.deactivates:
        yield f"forget {number}.off"
    for step in item.steps:
        if step.lost:
            yield f"tell {shlex.quote(comment(f'  does not come back: {step.lost}'))}"


def _again(item: PlanItem) -> Iterator[str]:
    """Makes the target again."""
    number, kind, target, who = item.number, item.target.kind, item.target, _who(item)
    path = _opt("path", target.path)
    boundary = f" {_opt('permissions-boundary', item.boundary)}" if item.boundary else ""
    if kind == "policy":
        yield f"forget {number}.id"
        yield from _policy_again(item, path)
        return
    yield f"forget {number}.id"
    if kind == "role":
        trust = f'"--assume-role-policy-document=$(kept {number}.trust {_json(item.trust)})"'
        yield f"born {number}.id Role.RoleId create-role {who} {path} {trust}{boundary}"
        yield f"held=$(kept {number}.session {item.session or 3600})"
        yield 'plain "$held"'
        yield f'change update-role {who} "--max-session-duration=$held"'
        yield f"if describe {number}.description {shlex.quote(description_of(item.description))}; then"
        yield f'  change update-role {who} "--max-session-duration=$(kept {number}.session {item.session or 3600})" "--description=$held"'
        yield "fi"
    else:
        yield f"born {number}.id {_ID[kind]} create-{kind} {who} {path}{boundary}"
    if kind in ("user", "role"):
        yield f"tags {number}.tags {_tags(item)} tag-{kind} {who}"


def _policy_again(item: PlanItem, path: str) -> Iterator[str]:
    number, who = item.number, _who(item)
    for place, (ident, default, document) in enumerate(item.versions):
        text = f'"--policy-document=$(kept {number}.{ident} {_json(document)})"'
        if place == 0:
            made = f"born {number}.id Policy.PolicyId create-policy {_opt('policy-name', item.target.name)} {path} {text}"
            yield f"if describe {number}.none {shlex.quote(description_of(item.description))}; then"
            yield f'  {made} "--description=$held"'
            yield "else"
            yield f"  {made}"
            yield "fi"
        else:
            yield f"change create-policy-version {who} {text}{' --set-as-default' if default else ''}"
    yield f"tags {number}.tags {_tags(item)} tag-policy {who}"


def _back(item: PlanItem, step: Step, plan: Plan) -> Iterator[str]:
    number, kind, who, file = item.number, item.target.kind, _who(item), _file(item, step)
    match step.op:
        case Op.CREDENTIALS:
            yield f"uploads {number} {who}"
        case Op.INLINE_DELETE | Op.INLINE_PUT:
            text = f'"--policy-document=$(kept {file} {_json(step.document)})"'
            yield f"change put-{kind}-policy {who} {_opt('policy-name', step.part)} {text}"
            yield f"forget {file}"
        case Op.DETACH:
            yield f"change attach-{kind}-policy {who} {_opt('policy-arn', step.part)}"
        case Op.BOUNDARY_OFF:
            yield f"change put-{kind}-permissions-boundary {who} {_opt('permissions-boundary', step.part)}"
        case Op.GROUP_LEAVE:
            yield f"change add-user-to-group {who} {_opt('group-name', step.part)}"
        case Op.MEMBER_LEAVE:
            # A member may be gone by another item, whose own roll-back adds it.
            yield f"if ask get-user {_opt('user-name', step.part)} --query User.UserId; then"
            yield f"  change add-user-to-group {who} {_opt('user-name', step.part)}"
            yield "fi"
        case Op.PROFILE_LEAVE:
            profile = _opt("instance-profile-name", step.part)
            yield f"if ! ask get-instance-profile {profile} --query InstanceProfile.InstanceProfileId; then"
            made = next((s for s in item.steps if s.op is Op.PROFILE_DELETE and s.part == step.part), None)
            yield f"  change create-instance-profile {profile} {_opt('path', made.name if made is not None else '/')}"
            yield "fi"
            yield f"list get-instance-profile {profile} --query 'InstanceProfile.Roles[].RoleName'"
            yield f'if [ -z "$answer" ]; then change add-role-to-instance-profile {who} {profile}; fi'
        case Op.COPY:
            arn = _opt("policy-arn", _copy_arn(plan, step))
            yield f"change attach-{kind}-policy {who} {_opt('policy-arn', step.part)}"
            yield f"drop detach-{kind}-policy {who} {arn}"
            yield f'if [ -s "$saved/{file}.id" ]; then drop delete-policy {arn}; fi'
            yield f"forget {file}.id"
        case Op.VERSION:
            yield from _version_back(step, file)


def _version_back(step: Step, file: str) -> Iterator[str]:
    arn = _opt("policy-arn", step.part)
    yield f'if [ -s "$saved/{file}.id" ]; then'
    yield f"  held=$(kept {file}.was '')"
    yield '  plain "$held"'
    yield f'  change set-default-policy-version {arn} "--version-id=$held"'
    yield f"  held=$(kept {file}.id '')"
    yield '  plain "$held"'
    yield f'  drop delete-policy-version {arn} "--version-id=$held"'
    if step.spare[0]:
        yield f'  if [ -s "$saved/{file}.spare" ]; then'
        yield f'    change create-policy-version {arn} "--policy-document=$(kept {file}.spare {_json(step.spare[1])})"'
        yield "  fi"
    yield f"  forget {file}.id {file}.was {file}.spare"
    yield "fi"
