"""The published escalation paths: all of them, with their permissions, asked on resources that AWS's catalogue knows."""

from __future__ import annotations

import functools
import json
import re
import shlex
from pathlib import Path

import botocore
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.analysis.escalation.paths import Caller, Category, Check, Gain, On, Permission, Step, by_id, paths
from iamtui.analysis.escalation.paths import Path as EscalationPath
from iamtui.policy.catalogue import catalogue

REFERENCE = Path(__file__).parents[2] / "../shared/data/reference/escalation_paths.json"
PATHS = pytest.mark.parametrize("path", paths(), ids=lambda path: path.id)
KNOWN = {"partition": "aws", "region": "eu-west-1", "account": "111122223333"}
IAM_TYPES = {
    On.OWN_USER: "user",
    On.OTHER_USER: "user",
    On.OWN_ROLE: "role",
    On.OTHER_ROLE: "role",
    On.PASSED_ROLE: "role",
    On.OWN_GROUP: "group",
    On.OTHER_GROUP: "group",
    On.CALLERS_POLICY: "policy",
    On.ROLES_POLICY: "policy",
}


@pytest.mark.skipif(not REFERENCE.exists(), reason="the development data (../shared/data) is not here")
def test_every_published_path_is_here_with_exactly_its_permissions() -> None:
    published = {path["id"]: sorted(path["required"]) for path in json.loads(REFERENCE.read_text())}
    assert len(published) == 65
    assert {path.id: sorted(path.actions) for path in paths()} == published


@pytest.mark.skipif(not REFERENCE.exists(), reason="the development data (../shared/data) is not here")
def test_kinds_and_variants_are_the_published_ones() -> None:
    for published in json.loads(REFERENCE.read_text()):
        ours = by_id()[published["id"]]
        assert ours.variant_of == (published["parent"] or {}).get("id", "")
        # Nothing is passed there: the stack keeps the role it was made with.
        if ours.id != "cloudformation-005":
            assert ours.category == published["category"]


@pytest.mark.skipif(not REFERENCE.exists(), reason="the development data (../shared/data) is not here")
def test_services_are_those_the_publication_names() -> None:
    for published in json.loads(REFERENCE.read_text()):
        named = set(re.findall(r"[a-z0-9.-]+\.amazonaws\.com", json.dumps([published["prerequisites"], published["resource_constraints"]])))
        assert named <= set(by_id()[published["id"]].services)


def test_ids_are_each_there_once() -> None:
    assert len(by_id()) == len(paths()) == 65
    assert all(not path.variant_of or path.variant_of in by_id() for path in paths())


@PATHS
def test_every_action_is_known_to_the_catalogue(path: EscalationPath) -> None:
    for action in path.actions:
        known = catalogue().action(action)
        assert known is not None
        assert action.endswith(f":{known.name}")


@PATHS
def test_every_permission_is_asked_on_a_resource_its_action_has(path: EscalationPath) -> None:
    for permission in path.permissions:
        known = catalogue().action(permission.action)
        assert known is not None
        if permission.on in IAM_TYPES:
            assert permission.resources == ()
            assert IAM_TYPES[permission.on] in known.resources
            continue
        asked = permission.asked(
            KNOWN | dict.fromkeys(re.findall(r"\{([a-z_]+)\}", " ".join(permission.resources)), "i-0123456789abcdef0") | KNOWN
        )
        if permission.on is On.ANY:
            assert asked == ("*",)
            assert not known.resources
        else:
            types = {catalogue().resource_type(arn) for arn in asked}
            assert "" not in types
            assert types <= set(known.resources)


@PATHS
def test_who_passes_a_role_names_the_service(path: EscalationPath) -> None:
    assert path.passes_role == ("iam:PassRole" in path.actions)
    assert bool(path.services) == (path.gain in (Gain.PASSED_ROLE, Gain.WORKLOAD_ROLE))
    assert path.passes_role == (path.category is Category.NEW) == (path.gain is Gain.PASSED_ROLE)
    assert (path.category is Category.EXISTING) == (path.gain is Gain.WORKLOAD_ROLE)
    assert all(re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com", service) for service in path.services)


@PATHS
def test_what_cannot_be_seen_is_said(path: EscalationPath) -> None:
    on = {permission.on for permission in path.permissions}
    if On.WORKLOAD in on:
        assert path.unseen
    for sentence in (path.title, *path.unseen, *(step.words for step in path.steps)):
        assert sentence[0].isupper()
        assert not sentence.endswith(".")


@PATHS
def test_checks_fit_what_is_asked(path: EscalationPath) -> None:
    on = {permission.on for permission in path.permissions}
    assert (Check.TRUSTS_CALLER in path.checks) == ("sts:AssumeRole" in path.actions)
    assert (Check.CALLERS_POLICY in path.checks) == (On.CALLERS_POLICY in on)
    assert (Check.ROLES_POLICY in path.checks) == (On.ROLES_POLICY in on)
    assert (Check.MEMBER in path.checks) == (On.OWN_GROUP in on)
    assert (Check.INSTANCE_PROFILE in path.checks) == bool({"ec2:RunInstances", "ec2:RequestSpotInstances"} & set(path.actions))
    if on & {On.OWN_USER, On.OWN_GROUP, On.OTHER_GROUP}:
        assert path.callers == (Caller.USER,)
    if On.OWN_ROLE in on:
        assert path.callers == (Caller.ROLE,)
    # Rights that were not there before are written, not found.
    writes = {"iam:CreatePolicyVersion", "iam:PutRolePolicy", "iam:PutUserPolicy", "iam:PutGroupPolicy"} | {
        f"iam:Attach{kind}Policy" for kind in ("User", "Role", "Group")
    }
    assert path.gain.administrator == bool(writes & set(path.actions))


class _Operations(msgspec.Struct):
    operations: dict[str, msgspec.Raw]


@functools.cache
def operations(service: str) -> frozenset[str]:
    """The AWS CLI's command names of a service."""
    import gzip

    from botocore import xform_name

    model = sorted((Path(botocore.__file__).parent / "data" / service).glob("*/service-2.json*"))[-1]
    raw = gzip.decompress(model.read_bytes()) if model.suffix == ".gz" else model.read_bytes()
    return frozenset(xform_name(name, "-") for name in msgspec.json.decode(raw, type=_Operations).operations)


@PATHS
def test_every_step_is_a_command_the_aws_cli_has(path: EscalationPath) -> None:
    assert path.steps
    for step in path.steps:
        if step.command.startswith("https://"):
            continue
        filled = step.filled(dict.fromkeys(step.holes, "x"))
        assert "<" not in filled
        words = shlex.split(filled)
        words = words[words.index("aws") :]
        service, command = words[1:3]
        assert command == "wait" or command in operations(service), step.command


@PATHS
def test_every_permission_but_passing_is_walked_by_a_step(path: EscalationPath) -> None:
    """A step names the operation of each permission, so that who walks the path uses what the path says it needs."""
    from botocore import xform_name

    from iamtui.policy.operations import actions_of

    used = set()
    for step in path.steps:
        if "aws " not in step.command:
            continue
        words = step.command[step.command.index("aws ") :].split()
        service = words[1].removesuffix("-control")
        for action in path.actions:
            prefix, _, name = action.partition(":")
            if prefix == service and any(xform_name(name, "-") == word for word in words[2:3]):
                used.add(action)
            if action in actions_of(service, "".join(part.title() for part in words[2].split("-"))):
                used.add(action)
    assert {action for action in path.actions if action != "iam:PassRole"} - used == set()


HOSTILE = [
    "a'b",
    "$(id)",
    "`id`",
    "a b",
    'x"y',
    "a;b",
    "a\nb",
    "a|b",
    "é",
    "{role_arn}",
    "",
    "a\x1b[31m",
    "a\\b",
    "*",
    "~",
    "!x",
    "#",
    "<x>",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_name_never_becomes_part_of_a_command(value: str) -> None:
    step = Step("Say it", 'aws iam get-role --role-name {role_name} --x \'{"a":"{role_name}"}\'')
    assert step.filled({"role_name": value}) == 'aws iam get-role --role-name <role_name> --x \'{"a":"<role_name>"}\''


@given(st.text())
def test_whatever_is_filled_in_stays_one_word(value: str) -> None:
    filled = Step("Say it", "aws iam get-role --role-name {role_name}").filled({"role_name": value})
    assert filled.endswith("<role_name>") or shlex.split(filled) == ["aws", "iam", "get-role", "--role-name", value]


def test_what_is_unknown_is_asked_as_anything() -> None:
    permission = Permission("lambda:CreateFunction", On.NEW, ("arn:{partition}:lambda:{region}:{account}:function:{function}",))
    assert permission.asked({"partition": "aws", "account": "111122223333"}) == ("arn:aws:lambda:*:111122223333:function:*",)
