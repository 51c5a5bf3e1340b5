"""Text that puts an entry back: every name and document, however hostile, stays one argument, one string, or is refused."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iamtui.analysis.changes.terraform import quoted, terraform, value_of
from iamtui.analysis.changes.undoing import Undo, undo
from iamtui.model.change import Change, ChangeKind, Tells, Told
from iamtui.model.fact import Fact, State, absent, known
from iamtui.text import visible
from tests.support.changes import ADMIN, ADMIN_ARN, NOW, READ, WRITE, arn, policy

K = ChangeKind
NONE: Fact[str] = absent(State.NOT_APPLICABLE)


def change(kind: ChangeKind, target: str = "user", name: str = "ana", *, part: str = "", before: Fact[str] = NONE, **more: Any) -> Change:
    told = (Told(Tells.EVENT, NOW, "e"),)
    return Change(kind, target, name, "123456789012", NOW, told, arn=more.pop("arn", arn(target, name)), part=part, before=before, **more)


def commands(text: str) -> list[list[str]]:
    return [words for words in (shlex.split(line, comments=True) for line in text.splitlines()) if words]


def doc(value: Any) -> Fact[str]:
    return known(json.dumps(value))


LAKE = policy("lake", (3, 30, READ), (4, 20, WRITE), (5, 10, ADMIN))
FULL = policy("lake", *((n, 60 - n, {**READ, "Id": str(n)}) for n in range(4, 9)))


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (change(K.ATTACHED, part=ADMIN_ARN), ["detach-user-policy", "--user-name", "ana", "--policy-arn", ADMIN_ARN]),
        (change(K.DETACHED, "role", "job", part=ADMIN_ARN), ["attach-role-policy", "--role-name", "job", "--policy-arn", ADMIN_ARN]),
        (change(K.PUT, "group", "ops", part="p"), ["delete-group-policy", "--group-name", "ops", "--policy-name", "p"]),
        (change(K.BOUNDARY_SET, was=arn("policy", "b")), ["put-user-permissions-boundary", "--user-name", "ana", "--permissions-boundary", arn("policy", "b")]),
        (change(K.BOUNDARY_SET, "role", "job"), ["delete-role-permissions-boundary", "--role-name", "job"]),
        (change(K.JOINED, part="ops"), ["remove-user-from-group", "--user-name", "ana", "--group-name", "ops"]),
        (change(K.LEFT, part="ops"), ["add-user-to-group", "--user-name", "ana", "--group-name", "ops"]),
        (change(K.KEY_MADE, part="AKIAEXAMPLE111111111"), ["update-access-key", "--user-name", "ana", "--access-key-id", "AKIAEXAMPLE111111111", "--status", "Inactive"]),
        (change(K.KEY_DISABLED, part="AKIAEXAMPLE111111111"), ["update-access-key", "--user-name", "ana", "--access-key-id", "AKIAEXAMPLE111111111", "--status", "Active"]),
        (change(K.LOGIN_MADE), ["delete-login-profile", "--user-name", "ana"]),
        (change(K.CREATED), ["delete-user", "--user-name", "ana"]),
        (change(K.DELETED), ["create-user", "--user-name", "ana"]),
        (change(K.RENAMED, was="ana", becomes="bo"), ["update-user", "--user-name", "bo", "--new-user-name", "ana"]),
        (change(K.UNTAGGED, part="team", was="team=a"), ["tag-user", "--user-name", "ana", "--tags", "Key=team,Value=a"]),
        (change(K.TAGGED, part="team", becomes="team=a"), ["untag-user", "--user-name", "ana", "--tag-keys", "team"]),
        (change(K.VERSION, "policy", "lake", part="v5", was="v4", before=doc(WRITE), default=True), ["set-default-policy-version", "--policy-arn", LAKE.arn, "--version-id", "v4"]),
        (change(K.VERSION, "policy", "lake", part="v5", default=False), ["delete-policy-version", "--policy-arn", LAKE.arn, "--version-id", "v5"]),
        (change(K.PROFILE_JOINED, "role", "job", part="web"), ["remove-role-from-instance-profile", "--instance-profile-name", "web", "--role-name", "job"]),
    ],
    ids=lambda one: one.kind.value if isinstance(one, Change) else None,
)  # fmt: skip
def test_the_exact_command(entry: Change, expected: list[str]) -> None:
    assert commands(undo(entry, LAKE if entry.target == "policy" else None).text) == [["aws", "iam", *expected]]


def test_documents_are_inline_and_whole() -> None:
    (put,) = commands(undo(change(K.REMOVED, part="p", before=doc(READ))).text)
    assert put[:7] == ["aws", "iam", "put-user-policy", "--user-name", "ana", "--policy-name", "p"]
    assert json.loads(put[8]) == READ
    (trust,) = commands(undo(change(K.TRUST, "role", "job", before=doc(READ))).text)
    assert trust[2] == "update-assume-role-policy"
    assert json.loads(trust[-1]) == READ


def test_a_version_that_is_no_longer_stored_is_made_again_and_room_is_made() -> None:
    found = commands(undo(change(K.VERSION, "policy", "lake", part="v8", was="v3", before=doc(WRITE), default=True), FULL).text)
    assert found[0] == ["aws", "iam", "delete-policy-version", "--policy-arn", FULL.arn, "--version-id", "v4"]
    assert found[1][2] == "create-policy-version"
    assert found[1][-1] == "--set-as-default"
    assert json.loads(found[1][6]) == WRITE


@pytest.mark.parametrize("kind", [K.KEY_DELETED, K.LOGIN_CHANGED, K.LOGIN_REMOVED, K.MFA_OFF, K.CREDENTIAL])
def test_what_cannot_be_put_back_says_what_to_do(kind: ChangeKind) -> None:
    found = undo(change(kind, part="AKIAEXAMPLE111111111"))
    assert not found.commands
    assert found.refusal
    assert commands(found.text) == []


def test_an_unknown_before_gives_no_command() -> None:
    unknown: Fact[str] = absent(State.NO_INFORMATION, detail="it was cut off")
    for kind in (K.PUT, K.REMOVED, K.TRUST, K.VERSION, K.VERSION_DELETED):
        found = undo(
            change(
                kind,
                "role" if kind is K.TRUST else "policy" if "VERSION" in kind.name else "user",
                part="v2" if "VERSION" in kind.name else "p",
                before=unknown,
            )
        )
        assert not found.commands
        assert "it was cut off" in found.refusal
    assert not undo(change(K.BOUNDARY_SET, before=unknown)).commands


def test_newer_entries_are_named() -> None:
    first = change(K.PUT, part="p", before=doc(READ))
    later = Change(K.REMOVED, "user", "ana", "1", NOW.replace(hour=13), (), part="p")
    assert any("1 newer entry changes the same" in note for note in undo(first, newer=(first, later)).notes)


@pytest.mark.parametrize(
    "name",
    ["file:///etc/passwd", "fileb://x", "https://evil.example/x", "a b", "a\nb", "$(id)", "`id`", "é", "", "a" * 200, "x;id", "\x1b[201~"],
)
def test_a_name_that_iam_does_not_allow_gives_no_command(name: str) -> None:
    found = undo(change(K.ATTACHED, name=name, part=ADMIN_ARN))
    assert not found.commands
    assert commands(found.text) == []
    assert 'resource "' not in terraform(change(K.DETACHED, name=name, part=ADMIN_ARN))


@pytest.mark.parametrize("text", ["file:///etc/passwd", "[1]", '"x"', "5", '{"a":', "@/etc/passwd"])
def test_a_document_that_is_none_gives_no_command(text: str) -> None:
    assert not undo(change(K.REMOVED, part="p", before=known(text))).commands


_NAMES = st.text(st.sampled_from("abzAZ09_+=,.@-"), min_size=1, max_size=20)
_VALUES = st.recursive(st.text(max_size=12) | st.booleans() | st.integers(-(10**6), 10**6), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=8)  # fmt: skip
_DOCUMENTS = st.dictionaries(st.text(max_size=8), _VALUES, max_size=3)


@settings(max_examples=200)
@given(_NAMES, _NAMES, _DOCUMENTS)
def test_a_shell_reads_back_exactly_the_arguments(name: str, part: str, document: dict[str, Any]) -> None:
    found = undo(change(K.REMOVED, name=name, part=part, before=known(json.dumps(document, ensure_ascii=False))))
    assert found.commands
    text = found.text
    assert text.isascii()
    assert all(visible(line) == line for line in text.splitlines())
    (words,) = commands(text)
    assert tuple(words) == found.commands[0]
    given_back = dict(zip(words[3::2], words[4::2], strict=False)) if not any("=-" in word for word in words) else None
    if given_back is not None:
        assert given_back["--user-name"] == name
        assert given_back["--policy-name"] == part
    document_text = next(word for word in words if word.startswith("{"))
    assert json.loads(document_text) == document


@settings(max_examples=60)
@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=20))
def test_no_text_makes_a_command_of_its_own(name: str, part: str, becomes: str) -> None:
    for kind in K:
        for target in ("user", "role", "group", "policy"):
            entry = change(kind, target, name, part=part, was=becomes, becomes=becomes, before=known(part), arn=name)
            found: Undo = undo(entry)
            lines = found.text.splitlines()
            assert len(lines) == len(found.notes) + bool(found.refusal) + len(found.commands)
            assert commands(found.text) == [list(command) for command in found.commands]
            assert all(line.startswith(("# ", "aws iam ")) and visible(line) == line for line in lines)


# -- Terraform -----------------------------------------------------------------------------------------------------------


def read_hcl(text: str) -> str:
    """A literal second reading of an HCL quoted string: raises for anything that would be evaluated. HCL native syntax, "Templates"."""
    assert text[0] == text[-1] == '"'
    out, place, inner = [], 0, text[1:-1]
    while place < len(inner):
        two = inner[place : place + 2]
        if two in ("${", "%{"):
            raise AssertionError(f"interpolation at {place}")
        if inner[place : place + 3] in ("$${", "%%{"):
            assert not out or out[-1] != two[0] or inner[place - 1] != two[0], "two readings"
            out.append(inner[place + 1 : place + 3])
            place += 3
        elif inner[place] == "\\":
            sign = inner[place + 1]
            if sign in "uU":
                width = 4 if sign == "u" else 8
                out.append(chr(int(inner[place + 2 : place + 2 + width], 16)))
                place += 2 + width
            else:
                out.append({"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}[sign])
                place += 2
        else:
            assert inner[place] != '"'
            assert " " <= inner[place] <= "~"
            out.append(inner[place])
            place += 1
    return "".join(out)


@settings(max_examples=300)
@given(
    st.text(st.sampled_from('$%{}"\\\n\r\tab\x1b\u202e\U0001f600é'), max_size=20)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
)
def test_an_hcl_string_is_exactly_the_text_and_nothing_in_it_acts(text: str) -> None:
    assert read_hcl(quoted(text)) == text


def test_policy_variables_stay_text() -> None:
    own = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::home/${aws:username}/%{x}"}],
    }
    text = terraform(change(K.PUT, part="p", before=doc(own)))
    assert '"arn:aws:s3:::home/$${aws:username}/%%{x}"' in text
    assert not re.search(r"(?<!\$)\$\{", text)
    assert 'id = "ana:p"' in text
    assert 'resource "aws_iam_user_policy" "ana_p"' in text


@given(_DOCUMENTS)
def test_a_value_has_every_string_quoted(document: dict[str, Any]) -> None:
    text = value_of(document)
    strings = re.findall(r'"(?:[^"\\]|\\.)*"', text)
    for one in strings:
        read_hcl(one)
    rest = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
    assert re.fullmatch(r"[\s{}\[\],=\-0-9truefalsn]*", rest)


def test_terraform_knows_what_it_cannot_say() -> None:
    assert "take the block" in terraform(change(K.ATTACHED, part=ADMIN_ARN))
    assert "aws_iam_user_policy_attachment" in terraform(change(K.DETACHED, part=ADMIN_ARN))
    assert "nobody else can" in terraform(change(K.VERSION, "policy", "X", arn=ADMIN_ARN, part="v2", before=doc(READ)))
    assert "assume_role_policy = jsonencode" in terraform(change(K.TRUST, "role", "job", before=doc(READ)))
