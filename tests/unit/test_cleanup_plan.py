"""Decisions to a plan: what is acted on and in which order, what is not and why, and that no text in it is ever a command."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from iamtui.analysis.cleanup.hcl import terraform
from iamtui.analysis.cleanup.planning import Marked, Settings, plan
from iamtui.analysis.cleanup.script import script
from iamtui.analysis.cleanup.stack import cloudformation
from iamtui.analysis.cleanup.telling import markdown
from iamtui.analysis.grants import grants
from iamtui.analysis.grounds import grant_subject, key_subject, subject_of
from iamtui.analysis.reducing import Reduction, Smaller
from iamtui.cli import cli
from iamtui.errors import IamtuiError
from iamtui.model.account import GROUPS, POLICIES, ROLES, USERS, Section, Snapshot
from iamtui.model.cleanup import Op, Phase, Plan, Why
from iamtui.model.event import Actor, ActorKind, Event, Outcome
from iamtui.model.fact import State, known
from iamtui.model.identity import Group, InstanceProfile, Role, User
from iamtui.model.policy import InlinePolicy, Policy, PolicyRef, PolicyVersion
from iamtui.model.review import Change, Decision, Mark, Standing, Subject
from tests.hostile import CANARIES, NASTY, write_evidence

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
ACCOUNT = "123456789012"
READ = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}'
TRUST = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"%s":"%s"},"Action":"sts:AssumeRole"}]}'
WHOLE = Section(State.KNOWN, NOW, None, True)


def arn(kind: str, name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:{kind}/{name}"


def user(name: str, **more: Any) -> User:
    return User(arn("user", name), name, f"AIDA{name.upper()}"[:20].replace(".", "X"), "/", ACCOUNT, NOW - timedelta(days=900), **more)


def role(name: str, trust: str = TRUST % ("Service", "ec2.amazonaws.com"), path: str = "/", **more: Any) -> Role:
    more = {"last_used_told": True, **more}
    return Role(
        arn("role", path[1:] + name), name, f"AROA{name.upper()}".replace("-", "X"), path, ACCOUNT, NOW - timedelta(days=900), trust, **more
    )


def group(name: str, **more: Any) -> Group:
    return Group(arn("group", name), name, f"AGPA{name.upper()}", "/", ACCOUNT, None, **more)


def policy(name: str, count: int = 1, text: str = READ, **more: Any) -> Policy:
    version = PolicyVersion("v1", True, NOW, text)
    return Policy(
        arn("policy", name),
        name,
        f"ANPA{name.upper()}".replace("-", "X"),
        "/",
        ACCOUNT,
        None,
        None,
        "v1",
        count,
        0,
        True,
        (version,),
        **more,
    )


def ref(name: str) -> PolicyRef:
    return PolicyRef(arn("policy", name), name)


def account(*items: Any, whole: bool = True, **more: Any) -> Snapshot:
    sections = dict.fromkeys((USERS, ROLES, GROUPS, POLICIES), WHOLE if whole else Section(State.KNOWN, NOW, None, False))
    kinds: dict[type, list[Any]] = {User: [], Role: [], Group: [], Policy: []}
    for item in items:
        kinds[type(item)].append(item)
    users, roles, groups, policies = (tuple(held) for held in kinds.values())
    return Snapshot(ACCOUNT, users=users, roles=roles, groups=groups, policies=policies, sections=sections, **more)


def marked(
    subject: Subject, item: Any, decision: Decision = Decision.REMOVE, *, standing: dict[str, Any] | None = None, **more: Any
) -> Marked:
    mark = Mark(subject, decision, "ana", "not used", ticket="SEC-1")
    return Marked(Standing("1", NOW, mark, (("1", NOW, mark),), ("1",), **(standing or {})), item, **more)


def about(snapshot: Snapshot, *items: Any, decision: Decision = Decision.REMOVE, **standing: Any) -> list[Marked]:
    found = []
    for item in items:
        subject = subject_of(item, snapshot)
        assert subject is not None
        found.append(marked(subject, item, decision, standing=standing))
    return found


def grant_of(snapshot: Snapshot, item: Any, name: str, decision: Decision = Decision.REMOVE) -> Marked:
    grant = next(g for g in grants(item, snapshot) if g.policy_name == name)
    return marked(grant_subject(item, snapshot, grant), item, decision, grant=grant)


def nothing_smaller(identity: Any) -> Reduction:
    return Reduction((), 0)


def planned(snapshot: Snapshot, marks: list[Marked], *, smaller: Any = nothing_smaller, events: Any = None, **settings: Any) -> Plan:
    return plan(snapshot, marks, smaller, NOW, Settings("ana", **settings), events=events)


def left(found: Plan) -> dict[str, Why]:
    return {one.title: one.why for one in found.left}


def event(actor: str, source: str, name: str, hours: float, outcome: Outcome = Outcome.SUCCESS, key: str = "") -> Event:
    who = Actor(ActorKind.USER, actor, arn("user", actor), ACCOUNT, access_key_id=key)
    return Event("e", NOW - timedelta(hours=hours), name, f"{source}.amazonaws.com", "eu-west-1", ACCOUNT, who, outcome, None, "{}")


# -- order -------------------------------------------------------------------------------------------------------------


def test_the_documented_order_with_the_boundary_after_what_it_limits() -> None:
    ana = user("ana", groups=("ops",), inline=(InlinePolicy("in", READ),), attached=(ref("p"),), boundary=ref("limit"))
    snapshot = account(ana, group("ops"), policy("p"), policy("limit"))
    (item,) = planned(snapshot, about(snapshot, ana)).items
    assert [step.op for step in item.steps] == [
        Op.KEYS_OFF,
        Op.DENY,
        Op.CREDENTIALS,
        Op.INLINE_DELETE,
        Op.DETACH,
        Op.BOUNDARY_OFF,
        Op.GROUP_LEAVE,
        Op.DELETE,
    ]
    assert [step.phase for step in item.steps[:3]] == [Phase.DEACTIVATE, Phase.DEACTIVATE, Phase.REMOVE]
    assert all(step.back for step in item.steps)
    text = script(planned(snapshot, about(snapshot, ana)))
    remove = text[text.index("remove_1()") : text.index("rollback_1()")]
    order = [
        "credentials 1",
        "delete-user-policy --user-name=ana --policy-name=in",
        "detach-user-policy",
        "delete-user-permissions-boundary",
    ]
    order += ["remove-user-from-group", "--policy-name=DenyAllUntilRemoved", "delete-user --user-name=ana"]
    places = [remove.index(words) for words in order]
    assert places == sorted(places)
    assert "password, secrets of access keys" in remove
    again = text[text.index("rollback_1()") :]
    assert f"create-user --user-name=ana --path=/ --permissions-boundary={arn('policy', 'limit')}" in again


def test_a_user_without_room_for_the_denying_policy_and_one_that_has_it_already() -> None:
    long = READ.replace("s3:Get*", "s3:" + "x" * 1950)
    ana, ben = user("ana", inline=(InlinePolicy("in", long),)), user("ben", inline=(InlinePolicy("DenyAllUntilRemoved", READ),))
    snapshot = account(ana, ben)
    first, second = planned(snapshot, about(snapshot, ana, ben)).items
    assert [step.op for step in first.steps] == [Op.KEYS_OFF, Op.CREDENTIALS, Op.INLINE_DELETE, Op.DELETE]
    assert any("leave no room" in note for note in first.notes)
    assert [step.op for step in second.steps] == [Op.KEYS_OFF, Op.DENY, Op.CREDENTIALS, Op.DELETE]


def test_a_role_goes_before_the_role_it_trusts_and_both_before_the_user_and_the_policy() -> None:
    ana = user("ana", attached=(ref("p"),))
    last = role("a-last", TRUST % ("AWS", ana.arn))
    first = role("b-first", TRUST % ("AWS", last.arn), instance_profiles=(InstanceProfile(arn("instance-profile", "web"), "web"),))
    one = policy("p")
    snapshot = account(ana, last, first, one)
    found = planned(snapshot, about(snapshot, one, ana, last, first))
    assert [item.title for item in found.items] == ["role b-first", "role a-last", "user ana", "policy p"]
    assert [item.number for item in found.items] == [1, 2, 3, 4]
    assert any("named as a principal by role a-last" in note for note in found.items[2].notes)
    assert Op.PROFILE_LEAVE in [step.op for step in found.items[0].steps]
    assert Op.PROFILE_DELETE not in [step.op for step in found.items[0].steps]
    found = planned(snapshot, about(snapshot, first), profiles=True)
    assert Op.PROFILE_DELETE in [step.op for step in found.items[0].steps]
    circle = account(role("x", TRUST % ("AWS", arn("role", "y"))), role("y", TRUST % ("AWS", arn("role", "x"))))
    assert len(planned(circle, about(circle, *circle.roles)).items) == 2


def test_who_trusts_it_is_told_also_from_another_account() -> None:
    ana = user("ana")
    snapshot = account(ana)
    other = Snapshot("210987654321", roles=(role("theirs", TRUST % ("AWS", ana.arn)),))
    (item,) = plan(snapshot, about(snapshot, ana), nothing_smaller, NOW, others=(snapshot, other)).items
    assert any("named as a principal by role theirs of account 210987654321" in note for note in item.notes)


# -- what speaks against it --------------------------------------------------------------------------------------------


def test_a_policy_goes_only_when_nobody_else_has_it() -> None:
    ana, ben, one = user("ana", attached=(ref("p"),)), user("ben", attached=(ref("p"),)), policy("p", 2)
    snapshot = account(ana, ben, one)
    found = planned(snapshot, about(snapshot, one, ana))
    assert left(found) == {"policy p": Why.NEEDED}
    assert "still used by user ben" in found.left[0].words
    assert found.left[0].instead == (f"iamtui review decide remove {ben.arn} --grant=p",)
    found = planned(snapshot, [*about(snapshot, one, ana), grant_of(snapshot, ben, "p")])
    assert not found.left
    assert [item.noun for item in found.items] == ["grant", "user", "policy"]
    busy = account(ana, ben, one, last_events={ben.arn: NOW - timedelta(hours=2)})
    assert left(planned(busy, about(busy, one, ana, ben))) == {"user ben": Why.NOT_NOW, "policy p": Why.NEEDED}
    limited = account(user("cai", boundary=ref("p")), one)
    assert "user cai as boundary" in planned(limited, about(limited, one)).left[0].words
    hidden = account(ana, policy("p", 3))
    assert "AWS counts 3 attachments, and 1 were read" in planned(hidden, about(hidden, *hidden.policies, ana)).left[0].words
    partial = account(ana, policy("p", 1), whole=False)
    found = planned(partial, about(partial, *partial.policies, ana))
    assert "not read whole" in found.left[0].words
    assert len([gap for gap in found.gaps if "not read whole" in gap]) == 4


def test_what_was_used_in_the_last_hours_waits() -> None:
    ana, ben = user("ana", inline=(InlinePolicy("in", READ),)), user("ben", groups=("ops",))
    ops = group("ops")
    used = {ana.arn: NOW - timedelta(hours=23), ben.arn: NOW - timedelta(hours=1)}
    snapshot = account(ana, ben, ops, last_events=used)
    assert left(planned(snapshot, about(snapshot, ana, ops))) == {"user ana": Why.NOT_NOW, "group ops": Why.NOT_NOW}
    assert left(planned(snapshot, about(snapshot, ana), hours=22)) == {}
    assert left(planned(snapshot, about(snapshot, ana, ops), hours=0)) == {}
    for called, held in ((("s3", "GetObject"), True), (("ec2", "RunInstances"), False)):
        events = {ana.arn: (event("ana", *called, 3),)}
        assert bool(planned(snapshot, [grant_of(snapshot, ana, "in")], events=events).left) is held
    refused = {ana.arn: (event("ana", "s3", "GetObject", 3, Outcome.DENIED),)}
    assert not planned(snapshot, [grant_of(snapshot, ana, "in")], events=refused).left
    key = key_subject(ana, snapshot, "AKIAEXAMPLE000000001")
    one = marked(key, ana, key="AKIAEXAMPLE000000001", active=True, key_used=known(NOW - timedelta(hours=5)))
    assert "the key was used 5 h ago" in planned(snapshot, [one]).left[0].words
    signed = {ana.arn: (event("ana", "s3", "GetObject", 3, key="AKIAEXAMPLE000000001"),)}
    one = marked(key, ana, key="AKIAEXAMPLE000000001", active=False)
    assert "the key signed GetObject 3 h ago" in planned(snapshot, [one], events=signed).left[0].words
    assert [step.op for step in planned(snapshot, [one]).items[0].steps] == [Op.KEY_DELETE]
    old = account(ana, last_events={})
    assert "last use of ana: not loaded" in " ".join(planned(old, about(old, ana)).gaps)
    assert "30 d old" in " ".join(plan(old, about(old, ana), nothing_smaller, NOW + timedelta(days=30)).gaps)


def test_decisions_that_do_not_stand_are_named_and_not_acted_on() -> None:
    names = ("reopened", "expired", "gone", "kept", "asked", "excepted", "conflict", "unseen")
    people = {name: user(name) for name in names}
    snapshot = account(*people.values())
    marks = [
        *about(snapshot, people["reopened"], changes=(Change("groups", "none", "ops"),)),
        *about(snapshot, people["gone"], gone=True),
        *about(snapshot, people["kept"], decision=Decision.KEEP),
        *about(snapshot, people["asked"], decision=Decision.ASK),
        *about(snapshot, people["excepted"], decision=Decision.EXCEPTION),
    ]
    subjects = {name: subject_of(item, snapshot) for name, item in people.items()}
    expired = Mark(subjects["expired"], Decision.REMOVE, "ana", expires=NOW - timedelta(days=1))  # type: ignore[arg-type]
    marks.append(Marked(Standing("1", NOW, expired, (("1", NOW, expired),), ()), people["expired"]))
    sides = [Mark(subjects["conflict"], decision, who) for decision, who in ((Decision.KEEP, "ana"), (Decision.REMOVE, "ben"))]  # type: ignore[arg-type]
    marks.append(Marked(Standing("1", NOW, sides[1], tuple(("1", NOW, side) for side in sides), ()), people["conflict"]))
    marks.append(marked(subjects["unseen"], None))  # type: ignore[arg-type]
    found = planned(snapshot, marks)
    assert not found.items
    assert left(found) == {
        "user reopened": Why.CHANGED,
        "user expired": Why.EXPIRED,
        "user gone": Why.NOTHING,
        "user kept": Why.KEPT,
        "user asked": Why.KEPT,
        "user excepted": Why.KEPT,
        "user conflict": Why.CONFLICT,
        "user unseen": Why.UNREAD,
    }
    text = script(found)
    assert "#   user reopened: evidence has changed since the decision: groups: none → ops: decide again" in text
    assert "# There is nothing to do." in text


def test_what_no_command_removes_says_what_to_do_instead() -> None:
    linked = role("AWSServiceRoleForX", path="/aws-service-role/x.amazonaws.com/")
    center = role("AWSReservedSSO_Admin", path="/aws-reserved/sso.amazonaws.com/")
    root = User(f"arn:aws:iam::{ACCOUNT}:root", "<root_account>", "", "/", ACCOUNT, None)
    ana = user("ana", groups=("ops",), boundary=ref("limit"), inline=(InlinePolicy("in", READ),))
    ops = group("ops", attached=(ref("p"),))
    snapshot = account(linked, center, root, ana, ops, policy("limit"), policy("p"))
    found = planned(snapshot, about(snapshot, linked, center, root))
    assert set(left(found).values()) == {Why.CANNOT}
    words = {one.title: (one.words, one.instead) for one in found.left}
    assert words["role AWSServiceRoleForX"][1] == ("aws iam delete-service-linked-role --role-name=AWSServiceRoleForX",)
    assert "delete-account-assignment" in words["role AWSReservedSSO_Admin"][0]
    assert "root cannot be removed" in words["user <root_account>"][0]
    found = planned(snapshot, [grant_of(snapshot, ana, "limit"), grant_of(snapshot, ana, "p")])
    assert list(left(found).values()) == [Why.BY_HAND, Why.BY_HAND]
    key = marked(key_subject(ana, snapshot, "AKIAEXAMPLE000000001"), ana, key="AKIAEXAMPLE000000001")
    found = planned(snapshot, [*about(snapshot, ana), key, grant_of(snapshot, ana, "in")])
    assert [item.title for item in found.items] == ["user ana"]
    assert list(left(found).values()) == [Why.NOTHING, Why.NOTHING]


# -- smaller policies --------------------------------------------------------------------------------------------------


def smaller_of(new: str) -> Any:
    def made(identity: Any) -> Reduction:
        snapshot = account(identity, policy("own"), policy("shared", 2), policy("big"))
        found = [g for g in grants(identity, snapshot) if g.document]
        return Reduction(
            tuple(Smaller(g.policy_name, g.via.value, g.policy_arn, g.document or "", new, ("s3:GetObject",), 1, (), ()) for g in found), 1
        )

    return made


def test_a_smaller_policy_is_a_version_a_copy_or_an_inline_text_where_it_fits() -> None:
    new = READ.replace("s3:Get*", "s3:GetBucketAcl")
    robot = role("robot", inline=(InlinePolicy("in", READ),), attached=(ref("own"), ref("shared")))
    five = tuple(PolicyVersion(f"v{n}", n == 4, NOW, READ) for n in (6, 5, 4, 3, 2))
    own = Policy(arn("policy", "own"), "own", "ANPAOWN", "/", ACCOUNT, None, None, "v4", 1, 0, True, five)
    snapshot = account(robot, own, policy("shared", 2), user("ana", attached=(ref("shared"),)))
    found = planned(snapshot, about(snapshot, robot, decision=Decision.REDUCE), smaller=smaller_of(new))
    assert {item.title: item.steps[0].op for item in found.items} == {
        "in of role robot": Op.INLINE_PUT,
        "own of role robot": Op.VERSION,
        "shared of role robot": Op.COPY,
    }
    steps = {item.steps[0].op: item.steps[0] for item in found.items}
    assert steps[Op.VERSION].spare == ("v2", READ)
    assert steps[Op.COPY].name == "shared-for-robot"
    one = planned(snapshot, [grant_of(snapshot, robot, "in", Decision.REDUCE)], smaller=smaller_of(""))
    assert [item.steps[0].op for item in one.items] == [Op.INLINE_DELETE]
    wide = READ.replace("s3:Get*", "s3:" + "x" * 11_000)
    held = planned(snapshot, about(snapshot, robot, decision=Decision.REDUCE), smaller=smaller_of(wide))
    assert not held.items
    assert all("split it by hand" in one.words for one in held.left)
    by_policy = planned(snapshot, about(snapshot, own, decision=Decision.REDUCE), smaller=smaller_of(new))
    assert [item.title for item in by_policy.items] == ["own of role robot"]
    by_policy = planned(snapshot, about(snapshot, snapshot.policies[1], decision=Decision.REDUCE), smaller=smaller_of(new))
    assert left(by_policy) == {"policy shared": Why.BY_HAND}
    for text in (terraform(found), cloudformation(found), markdown(found), script(found)):
        assert text.count("s3:GetBucketAcl") == 3


def test_what_a_stack_made_is_left_to_its_stack() -> None:
    tags = (("aws:cloudformation:stack-name", "web"), ("aws:cloudformation:logical-id", "Robot"), ("team", "x"))
    robot = role("robot", tags=tags)
    snapshot = account(robot)
    found = planned(snapshot, about(snapshot, robot))
    assert "items=''" in script(found)
    assert "role robot: stack web, Robot" in script(found)
    assert "take Robot (AWS::IAM::Role) out of the template" in cloudformation(found)
    assert "CloudFormation stack web" in terraform(found)
    assert found.items[0].tags == (("team", "x"),)


# -- no text is ever a command -----------------------------------------------------------------------------------------

ANY = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


@given(st.lists(ANY, min_size=1, max_size=30))
def test_every_word_reaches_the_command_as_it_is(words: list[str]) -> None:
    from iamtui.analysis.cleanup.script import _opt

    quoted = " ".join(_opt("x", word) for word in words)
    told = subprocess.run(["sh", "-c", f"printf '%s\\0' {quoted}"], capture_output=True, check=True).stdout.decode()
    assert told == "".join(f"--x={word}\0" for word in words)


class _Where:
    """A folder in which something would be seen if a text of a plan became a command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        stub = folder / "bin" / "aws"
        stub.write_text(
            f"#!/bin/sh\ncase $1 in sts) printf '%s\\t%s\\n' {ACCOUNT} arn:x ;; *) echo '(NoSuchEntity)' >&2; exit 254 ;; esac\n"
        )
        stub.chmod(0o755)

    def run(self, text: str) -> None:
        for phase in ("check", "deactivate", "remove", "rollback"):
            done = subprocess.run(
                ["sh", "-s", phase],
                input=text.encode(),
                cwd=self.folder,
                env={"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "TMPDIR": str(self.folder)},
                capture_output=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
        assert {path.name for path in self.folder.iterdir() if not path.name.startswith("iamtui-plan-")} == {"bin"}


def attacks() -> list[str]:
    made = [
        "$(touch x)",
        "`touch x`",
        "'; touch x; '",
        '"; touch x; "',
        "a\ntouch x\n#",
        "\\'; touch x #",
        "x\r\ntouch x",
        "-rf",
        "> x",
        "&& touch x",
    ]
    return [*made, *(text for text in NASTY.values() if text and "\ud800" not in text)]


def test_words_of_people_and_of_accounts_stay_comments(tmp_path: Path) -> None:
    where = _Where(tmp_path)
    ana = user("ana", tags=tuple((f"k{n}", text) for n, text in enumerate(attacks())))
    robot = role("robot", description="'; touch x; '\n$(touch x)", tags=(("k", "$(touch x)"),))
    snapshot = account(ana, robot)
    marks = []
    for one in about(snapshot, ana, robot):
        for text in attacks():
            mark = Mark(one.subject, Decision.REMOVE, text, text, ticket=text)
            marks.append(Marked(Standing("1", NOW, mark, (("1", NOW, mark),), ("1",)), one.item))
    stacked = account(
        role("other", tags=(("aws:cloudformation:stack-name", "a\ntouch x"), ("aws:cloudformation:logical-id", "$(touch x)")))
    )
    for held, told in ((snapshot, marks[:: len(attacks())]), (snapshot, [marks[7]]), (stacked, about(stacked, *stacked.roles))):
        found = plan(held, told, nothing_smaller, NOW, Settings("\n".join(attacks()), "\n".join(attacks())), gaps=attacks())
        where.run(script(found))
        for line in (terraform(found) + cloudformation(found)).splitlines():
            assert "touch x" not in line or line.lstrip().startswith("#") or '"' in line


@pytest.mark.parametrize("name", ["$(touch x)", "a b", "-rf\n", "x'", "", "x" * 129, "ü", "a;b"])
def test_a_name_that_iam_does_not_allow_gives_no_command(name: str, tmp_path: Path) -> None:
    bad = InlinePolicy(name, READ)
    people = (
        user("a", inline=(bad,)),
        user("b", groups=(name,)),
        user("c", attached=(PolicyRef(f"arn:aws:iam::{ACCOUNT}:policy/x y{name}", name),)),
    )
    named = User(arn("user", name), name, "AIDAX", "/", ACCOUNT, None)
    placed = User(arn("user", "d"), "d", "AIDAD", f"/{name} /", ACCOUNT, None)
    unknown = User(arn("user", "e"), "e", f"AIDA {name}", "/", ACCOUNT, None)
    snapshot = account(*people, named, placed, unknown)
    found = planned(snapshot, about(snapshot, *snapshot.users))
    assert not found.items
    assert set(left(found).values()) == {Why.CANNOT}
    _Where(tmp_path).run(script(found))


def test_an_account_nobody_tells_gives_no_script() -> None:
    from iamtui.session.cleanup import plan_text

    snapshot = Snapshot("unknown", users=(user("ana"),))
    found = planned(snapshot, about(snapshot, *snapshot.users))
    with pytest.raises(IamtuiError, match="No script: which account was read is not told"):
        plan_text(found, "cli")
    assert "user ana" in plan_text(found, "markdown")


def test_a_broken_document_gives_no_command() -> None:
    for text in ("{", "[]", "x" * 200_000, '{"a": ' * 900):
        ana = user("ana", inline=(InlinePolicy("in", text),))
        snapshot = account(ana)
        assert left(planned(snapshot, about(snapshot, ana))) == {"user ana": Why.CANNOT}


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    for name in list(os.environ):
        if name.startswith(("AWS_", "IAMTUI_")):
            monkeypatch.delenv(name)
    for kind in ("CACHE", "CONFIG", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))
    monkeypatch.setattr("iamtui.source.demo.DemoSource.events", lambda *given, **more: iter(()))
    return iter((tmp_path,))


def run(*words: str) -> Result:
    result = CliRunner().invoke(cli, words)
    if isinstance(result.exception, IamtuiError):
        result.exit_code = int(result.exception.exit_code)
    elif result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_command_on_the_demo(folders: Iterator[Path]) -> None:
    folder = next(folders)
    kept = ["--demo", "--ledger", str(folder / "l.db")]
    assert "Nothing is decided" in run("review", "plan", *kept).stderr
    assert run("review", "start", "Q4", "--scope", "users", *kept).exit_code == 0
    assert run("review", "decide", "remove", "d.kowalski", "test-migration", "--reason", "left", *kept).exit_code == 0
    assert run("review", "decide", "keep", "jenkins", *kept).exit_code == 0
    output = folder / "plan.sh"
    done = run("review", "plan", "-o", str(output), *kept)
    assert done.exit_code == 0
    assert "for 2 decisions; not acted on: 1 kept" in done.stderr
    assert output.stat().st_mode & 0o077 == 0
    subprocess.run(["sh", "-n", str(output)], check=True)
    only = json.loads(run("review", "plan", "--form", "json", "--only", "roles", *kept).stdout)
    assert [item["what"] for one in only for item in one["items"]] == ["role test-migration"]
    named = json.loads(run("review", "plan", "--form", "json", "--only", "D.Kowalski", *kept).stdout)
    assert [item["what"] for one in named for item in one["items"]] == ["user d.kowalski"]
    campaign = json.loads(run("review", "plan", "--form", "json", "--campaign", "Q4", *kept).stdout)
    assert [item["what"] for one in campaign for item in one["items"]] == ["user d.kowalski"]
    assert run("review", "plan", "--campaign", "none", *kept).exit_code == 2
    recent = run("review", "plan", "--recent-hours", "9600", *kept)
    assert "not now: used lately" in recent.stderr
    assert "not acted on: 1 kept" in run("review", "plan", "--recent-hours", "9600", "--include-recent", *kept).stderr
    assert run("review", "plan", "-o", "/dev/null/x", *kept).exit_code == 2
    for form in ("terraform", "cloudformation", "markdown"):
        assert "test-migration" in run("review", "plan", "--form", form, *kept).stdout


def test_an_account_of_attacks_gives_a_text_that_harms_nobody(folders: Iterator[Path]) -> None:
    folder = next(folders)
    evidence = folder / "evidence"
    evidence.mkdir()
    write_evidence(evidence)
    how = ["--from", str(evidence), "--ledger", str(folder / "l.db")]
    for pane in ("users", "roles", "groups", "policies"):
        run("review", "decide", "remove", "--where", pane, "--reason", NASTY["shell"], *how)
    where = folder / "where"
    where.mkdir()
    for form in ("cli", "terraform", "cloudformation", "markdown", "json"):
        done = run("review", "plan", "--form", form, "--include-recent", *how)
        assert done.stdout, done.stderr
        assert not any(canary in done.stdout_bytes + done.stderr_bytes for canary in CANARIES)
        if form == "cli":
            assert shlex.quote(NASTY["shell"]) not in done.stdout
            _Where(where).run(done.stdout.replace("account=666666666666", f"account={ACCOUNT}"))
