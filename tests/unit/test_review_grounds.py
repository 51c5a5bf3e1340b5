"""What a decision is about and rests on: keyed by unique id, with a hash that is the same for every reading."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from iamtui.analysis.grounds import evidence_of, grant_evidence, grant_subject, key_of, keys_of, subject_of, text_hash
from iamtui.analysis.queueing import Around, given_at, granted, is_young, reviewable, weigh
from iamtui.analysis.review_columns import by_tag
from iamtui.analysis.reviewing import changes
from iamtui.model.account import ROLES, USERS, Section, Snapshot
from iamtui.model.document import Origin
from iamtui.model.event import Actor, ActorKind, Event, Outcome
from iamtui.model.fact import State
from iamtui.model.finding import Finding, FindingKind, Severity
from iamtui.model.identity import Role, User
from iamtui.model.policy import Grant, InlinePolicy, Policy, PolicyRef, PolicyVersion, Via
from iamtui.model.review import SubjectKind
from iamtui.session import ListKind, Session
from iamtui.source.demo import DemoSource

NOW = datetime(2026, 10, 1, 14, 2, tzinfo=UTC)
ACCOUNT = "123456789012"
DOCUMENT = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]}'


def role(name: str = "ci", unique: str = "AROA1", **more: Any) -> Role:
    used = {"last_used": NOW - timedelta(days=3), "last_used_told": True, **more}
    return Role(f"arn:aws:iam::{ACCOUNT}:role/{name}", name, unique, "/", ACCOUNT, NOW - timedelta(days=400), **used)


def snapshot(*roles: Role, **more: Any) -> Snapshot:
    section = Section(State.KNOWN, NOW, Origin("x", "iam:GetAccountAuthorizationDetails"), True)
    return Snapshot(ACCOUNT, roles=roles, sections={ROLES: section, USERS: section}, **more)


def evidence(item: Any, held: Snapshot | None = None, now: datetime = NOW) -> Any:
    return evidence_of(item, held or snapshot(item), now)


def test_a_name_made_again_is_another_subject() -> None:
    first, second = role(unique="AROA1"), role(unique="AROA2")
    a, b = subject_of(first, snapshot(first)), subject_of(second, snapshot(second))
    assert a is not None
    assert b is not None
    assert a.arn == b.arn
    assert a.key != b.key
    assert key_of(first, snapshot(first)) == a.key


def test_a_finding_about_a_name_made_again_is_another_subject() -> None:
    found = [
        subject_of(
            Finding("policy/x", Severity.HIGH, FindingKind.POLICY, "ci", role().arn, "role", ACCOUNT, "c", (), ""),
            snapshot(role(unique=unique)),
        )
        for unique in ("AROA1", "AROA2")
    ]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].key != found[1].key
    assert found[0].kind is SubjectKind.FINDING


def test_who_is_known_by_name_alone_cannot_be_decided_about_but_root_can() -> None:
    by_report = User(f"arn:aws:iam::{ACCOUNT}:user/ana", "ana", "", "/", ACCOUNT, None)
    root = User(f"arn:aws:iam::{ACCOUNT}:root", "<root_account>", "", "/", ACCOUNT, None)
    assert subject_of(by_report, snapshot()) is None
    assert key_of(by_report, snapshot()) == ""
    assert subject_of(root, snapshot()) is not None


def test_the_way_a_text_is_written_down_does_not_count() -> None:
    told = json.loads(DOCUMENT)
    assert text_hash(DOCUMENT) == text_hash(json.dumps(told, indent=4)) == text_hash(json.dumps(told, sort_keys=True))
    assert text_hash(DOCUMENT) != text_hash(DOCUMENT.replace("Get", "Put"))
    assert len({text_hash("no json"), text_hash("[" * 100_000), text_hash("")}) == 3


def test_days_that_pass_and_ages_of_answers_do_not_open_a_decision_again() -> None:
    one = role(inline=(InlinePolicy("p", DOCUMENT),))
    before = evidence(one)
    later = msgspec.structs.replace(one, last_used=NOW + timedelta(days=5))
    section = Section(State.KNOWN, NOW + timedelta(days=5), Origin("y", "a file"), True)
    again = evidence_of(later, msgspec.structs.replace(snapshot(later), sections={ROLES: section}), NOW + timedelta(days=5))
    assert again.hash == before.hash
    assert changes(before.clues, again) == ((), ())


def test_which_events_happen_to_be_read_does_not_count() -> None:
    one = role(last_used=NOW - timedelta(days=200))
    ana = User(f"arn:aws:iam::{ACCOUNT}:user/ana", "ana", "AIDA1", "/", ACCOUNT, NOW - timedelta(days=400))
    for item in (one, ana):
        bare = snapshot(one)
        seen = msgspec.structs.replace(bare, last_events={item.arn: NOW - timedelta(days=1)})
        assert evidence(item, seen).hash == evidence(item, bare).hash
        assert any(clue.name == "last seen" and "2026-09-30" in clue.value for clue in evidence(item, seen).clues)


@pytest.mark.parametrize(
    ("after", "name"),
    [
        ({"inline": (InlinePolicy("p", DOCUMENT.replace("Get", "*")),)}, "policy p (inline)"),
        ({"inline": ()}, "policy p (inline)"),
        (
            {"attached": (PolicyRef("arn:aws:iam::aws:policy/AdministratorAccess", "AdministratorAccess"),)},
            "policy AdministratorAccess (attached)",
        ),
        ({"trust": DOCUMENT}, "trust policy"),
        ({"boundary": PolicyRef("arn:aws:iam::aws:policy/X", "X")}, "policy X (boundary)"),
        ({"last_used": NOW - timedelta(days=200)}, "use"),
    ],
)
def test_what_matters_opens_it_again_and_is_named(after: dict[str, Any], name: str) -> None:
    base = {"inline": (InlinePolicy("p", DOCUMENT),), "trust": "{}"}
    before, now = evidence(role(**base)), evidence(role(**{**base, **after}))
    assert before.hash != now.hash
    found, _ = changes(before.clues, now)
    assert [change.name for change in found] == [name]


def test_aws_editing_its_own_policy_opens_nothing() -> None:
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    one = role(attached=(PolicyRef(arn, "ReadOnlyAccess"),))

    def held(version: str) -> Snapshot:
        versions = (PolicyVersion(version, True, NOW, DOCUMENT.replace("Get", version)),)
        return snapshot(one, policies=(Policy(arn, "ReadOnlyAccess", "ANPA", "/", "aws", NOW, NOW, version, 1, 0, True, versions),))

    assert evidence(one, held("v1")).hash == evidence(one, held("v2")).hash


def test_a_text_that_was_not_read_is_no_change() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/own"
    one = role(attached=(PolicyRef(arn, "own"),))
    versions = (PolicyVersion("v1", True, NOW, DOCUMENT),)
    read = evidence(one, snapshot(one, policies=(Policy(arn, "own", "ANPA", "/", ACCOUNT, NOW, NOW, "v1", 1, 0, True, versions),)))
    unread = evidence(one)
    assert changes(read.clues, unread) == ((), ("policy own (attached): text not read",))
    assert changes(unread.clues, read) == ((), ())


def test_grants_and_keys_are_subjects_of_their_own() -> None:
    session = Session(DemoSource(now=NOW), now=lambda: NOW)
    session.open()
    row = session.find("jenkins")[0].row
    keys = keys_of(row.item, row.snapshot)  # type: ignore[arg-type]
    assert len(keys) == 2
    grants = session.grants(row)
    subjects = [grant_subject(row.item, row.snapshot, grant) for grant in grants]  # type: ignore[arg-type]
    assert len({subject.key for subject in (*subjects, *(s for s, _ in keys))}) == len(subjects) + 2
    assert all(subject.unique_id == row.item.unique_id for subject in subjects)  # type: ignore[union-attr]
    direct, grouped = Grant(Via.ATTACHED, "A", "arn:a"), Grant(Via.GROUP_ATTACHED, "A", "arn:a", "g", "arn:g")
    assert grant_subject(role(), snapshot(), direct).key != grant_subject(role(), snapshot(), grouped).key
    assert grant_evidence(direct).hash


def test_every_row_of_the_demo_has_a_subject_and_facts_with_sources() -> None:
    session = Session(DemoSource(now=NOW), now=lambda: NOW)
    session.open()
    session.load_findings()
    seen = set()
    for kind in (ListKind.USERS, ListKind.ROLES, ListKind.GROUPS, ListKind.POLICIES, ListKind.FINDINGS):
        for row in session.listing(kind).rows:
            subject = subject_of(row.item, row.snapshot)
            assert subject is not None
            assert subject.key == key_of(row.item, row.snapshot)
            seen.add(subject.key)
            held = evidence_of(row.item, row.snapshot, NOW)
            assert held.hash
            assert all(clue.source for clue in held.clues), [c.name for c in held.clues if not c.source]
    assert len(seen) == sum(
        len(session.listing(kind).rows) for kind in (ListKind.USERS, ListKind.ROLES, ListKind.GROUPS, ListKind.POLICIES, ListKind.FINDINGS)
    )


# -- order ------------------------------------------------------------------------------------------------------------


def test_signs_add_up_and_are_told() -> None:
    one = role("test-admin", last_used=NOW - timedelta(days=200), tags=(("owner", "dana"),))
    plain = weigh(role(), snapshot(role()), Around(NOW, 90))
    worst = weigh(one, snapshot(one), Around(NOW, 90, {}, frozenset({one.arn}), frozenset({"dana"})))
    assert plain.score == 0
    assert worst.signs[0] == "administrator"
    assert set(worst.signs) == {"administrator", "not used for 200 d", "its owner dana left", "named like something temporary, 400 d old"}


def test_use_that_is_not_known_is_not_called_unused() -> None:
    one = role(last_used=None, last_used_told=False)
    assert weigh(one, snapshot(one), Around(NOW, 90)).signs == ("use not known: not loaded",)


def test_what_is_new_is_young_and_what_aws_owns_is_not_reviewed() -> None:
    new = msgspec.structs.replace(role(), created=NOW - timedelta(days=3))
    assert is_young(new, NOW, 30)
    assert not is_young(new, NOW, 2)
    assert not is_young(role(), NOW, 30)
    assert not reviewable(msgspec.structs.replace(role(), path="/aws-service-role/x/"))
    assert not reviewable(User(f"arn:aws:iam::{ACCOUNT}:root", "<root_account>", "", "/", ACCOUNT, None))
    assert reviewable(role())


def event(name: str, *targets: str, days: int = 1, outcome: Outcome = Outcome.SUCCESS) -> Event:
    moment = NOW - timedelta(days=days)
    return Event(
        f"{name}{days}",
        moment,
        name,
        "iam.amazonaws.com",
        "us-east-1",
        ACCOUNT,
        Actor(ActorKind.USER, "x"),
        outcome,
        False,
        "{}",
        targets,
    )


def test_when_a_grant_came_is_told_by_events() -> None:
    arn = "arn:aws:iam::aws:policy/A"
    told = granted(
        [
            event("AttachRolePolicy", "ci", arn, days=9),
            event("AttachRolePolicy", "ci", arn, days=4),
            event("AttachRolePolicy", "ci", "arn:aws:iam::aws:policy/B", outcome=Outcome.DENIED),
            event("AttachUserPolicy", "ci", "arn:aws:iam::aws:policy/C"),
        ]
    )
    beside = Around(NOW, 90, grants=told)
    assert given_at(role(), Grant(Via.ATTACHED, "A", arn), beside) == (NOW - timedelta(days=4), "AttachRolePolicy")
    assert given_at(role(), Grant(Via.ATTACHED, "B"), beside) is None  # it was refused
    assert given_at(role(), Grant(Via.ATTACHED, "C"), beside) is None  # a user of the same name got it


def test_the_first_tag_that_tells_names_the_owner() -> None:
    tags = (("Team", "shop"), ("OWNER", " "), ("contact", "x@y"))
    assert by_tag(tags, ("owner", "team", "contact")) == ("Team", "shop")
    assert by_tag(tags, ("cost-centre",)) is None
    assert by_tag((("owner", "ana"), ("team", "b")), ("owner", "team")) == ("owner", "ana")
