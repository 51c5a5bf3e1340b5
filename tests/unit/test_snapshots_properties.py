"""What holds for any two points: nothing between a point and itself, the same back and forth, and no order of lists that matters."""

from __future__ import annotations

import random
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iamtui.analysis.snapshots.comparing import compare_snapshots
from iamtui.analysis.snapshots.difference import Difference, Side, Turn
from iamtui.model.account import CREDENTIALS, GROUPS, POLICIES, ROLES, USERS, Section, Snapshot
from iamtui.model.fact import State
from iamtui.model.policy import PolicyRef
from tests.support.changes import ADMIN, ADMIN_ARN, AWS_ADMIN, READ, WRITE, ago, arn, group, policy, role, user
from tests.support.points import BEFORE, NOW, key, point, row

PASSING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["iam:PassRole", "lambda:*"], "Resource": "*"}]}
DENIED = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}
DOCUMENTS = (READ, WRITE, ADMIN, PASSING, DENIED)
PRINCIPALS: tuple[Any, ...] = (
    {"Service": "lambda.amazonaws.com"},
    {"AWS": "arn:aws:iam::999999999999:root"},
    {"AWS": arn("user", "ana")},
    {"AWS": "arn:aws:iam::123456789012:root"},
    {"AWS": "*"},
)
OWN = arn("policy", "deploy")
inline = st.dictionaries(st.sampled_from(["one", "two"]), st.sampled_from(DOCUMENTS), max_size=2)
attached = st.sets(st.sampled_from([ADMIN_ARN, OWN]), max_size=2).map(sorted)
unique = st.sampled_from(["A", "B", ""])
boundary = st.sampled_from([None, PolicyRef(OWN, "deploy")])
tags = st.dictionaries(st.sampled_from(["owner", "env"]), st.sampled_from(["x", "y"])).map(lambda held: tuple(sorted(held.items())))


def _identified(item: Any, ident: str) -> Any:
    return msgspec.structs.replace(item, unique_id=f"{item.unique_id[:-1]}{ident}" if ident else "")


@st.composite
def users(draw: Any) -> list[Any]:
    found = []
    for name in draw(st.sets(st.sampled_from(["ana", "bo", "cy"]), max_size=3)):
        made = user(name, attached=draw(attached), inline=draw(inline), groups=sorted(draw(st.sets(st.sampled_from(["ops", "dev"])))), boundary=draw(boundary), tags=draw(tags))  # fmt: skip
        found.append(_identified(made, draw(unique)))
    return found


@st.composite
def roles(draw: Any) -> list[Any]:
    found = []
    for name in draw(st.sets(st.sampled_from(["job", "boss"]), max_size=2)):
        statements = [
            {"Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])), "Principal": principal, "Action": "sts:AssumeRole"}
            for principal in draw(st.lists(st.sampled_from(PRINCIPALS), min_size=1, max_size=2))
        ]
        if draw(st.booleans()):
            statements[0]["Condition"] = {"StringEquals": {"sts:ExternalId": "x"}}
        trust = {"Version": "2012-10-17", "Statement": statements}
        made = role(name, trust, attached=draw(attached), inline=draw(inline), boundary=draw(boundary), last_used=draw(st.sampled_from([None, ago(1)])))  # fmt: skip
        found.append(_identified(made, draw(unique)))
    return found


@st.composite
def policies(draw: Any) -> list[Any]:
    texts = draw(st.lists(st.sampled_from(DOCUMENTS), min_size=1, max_size=3))
    versions = [(number, 400 - number, text) for number, text in enumerate(texts, 1)]
    own = policy("deploy", *versions, default=draw(st.integers(1, len(versions))))
    return [own, *([AWS_ADMIN] if draw(st.integers(0, 3)) else [])]


@st.composite
def points(draw: Any, at: Any) -> Snapshot:
    held = [*draw(users()), *draw(roles()), *draw(policies())]
    held += [group(name, attached=draw(attached)) for name in draw(st.sets(st.sampled_from(["ops", "dev"])))]
    names = [*draw(st.sets(st.sampled_from(["ana", "bo", "cy"]))), *draw(st.sampled_from([[], ["<root_account>"]]))]
    rows = [
        row(
            name,
            password=draw(st.booleans()),
            mfa=draw(st.booleans()),
            keys=tuple(key(ago(days), active=draw(st.booleans())) for days in draw(st.sets(st.sampled_from([5, 50]), max_size=2))),
        )
        for name in names
    ]
    settings_ = draw(st.sampled_from([None, {"MinimumPasswordLength": 8}, {"MinimumPasswordLength": 14, "RequireSymbols": True}]))
    sections = {
        name: draw(st.sampled_from([Section(State.DENIED, at), Section(State.KNOWN, at, None, complete=False)]))
        for name in draw(st.sets(st.sampled_from([USERS, ROLES, GROUPS, POLICIES, CREDENTIALS]), max_size=1))
        if draw(st.integers(0, 2)) == 0
    }
    empty = {name: () for name, section in sections.items() if section.state is State.DENIED and name != CREDENTIALS}
    if CREDENTIALS in sections and sections[CREDENTIALS].state is State.DENIED:
        rows = []
    made = point(*held, at=at, rows=rows, password_policy=settings_, sections=sections)
    return msgspec.structs.replace(made, **empty)


def seen(one: Difference, *, back: bool) -> tuple[object, ...]:
    """A difference without what depends on the direction, or the other way round."""
    sides = (one.before, one.after), (one.old_document, one.new_document), (one.gained, one.lost)
    turn = one.turn.back if back else one.turn
    told = tuple(pair[::-1] if back else pair for pair in sides)
    names = frozenset(filter(None, (one.arn, one.old_arn)))
    return one.what, turn, one.subject, names, one.about, one.account, one.reaches, told


_CHECKED = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
OLD, NEW = points(BEFORE), points(NOW)
_OTHER = {Side.OLD: Side.NEW, Side.NEW: Side.OLD, Side.BOTH: Side.BOTH}


@_CHECKED
@given(OLD, NEW)
def test_back_and_forth_are_the_same(old: Snapshot, new: Snapshot) -> None:
    there, again = compare_snapshots(old, new), compare_snapshots(new, old)
    assert sorted(map(repr, (seen(one, back=False) for one in there.differences))) == sorted(
        map(repr, (seen(one, back=True) for one in again.differences))
    )
    assert sorted(_OTHER[note.side] for note in there.notes) == sorted(note.side for note in again.notes)
    assert there.partial is again.partial


@_CHECKED
@given(OLD)
def test_nothing_differs_from_itself(old: Snapshot) -> None:
    later = msgspec.structs.replace(
        old, sections={name: msgspec.structs.replace(section, as_of=NOW) for name, section in old.sections.items()}
    )
    assert compare_snapshots(old, later).differences == ()


@_CHECKED
@given(OLD, NEW, st.integers())
def test_the_order_of_lists_does_not_matter(old: Snapshot, new: Snapshot, seed: int) -> None:
    luck = random.Random(seed)

    def shuffled(one: Snapshot) -> Snapshot:
        lists = {name: tuple(luck.sample(getattr(one, name), len(getattr(one, name)))) for name in (USERS, ROLES, GROUPS, POLICIES)}
        return msgspec.structs.replace(one, **lists)

    assert compare_snapshots(shuffled(old), shuffled(new)).differences == compare_snapshots(old, new).differences


_LISTS = ((USERS, "user"), (ROLES, "role"), (GROUPS, "group"), (POLICIES, "policy"))


@_CHECKED
@given(OLD, NEW, st.sampled_from(_LISTS))
def test_what_was_denied_makes_no_difference(old: Snapshot, new: Snapshot, denied: tuple[str, str]) -> None:
    """Whatever the denied list may have held, nothing is claimed of it, and a note says so."""
    name, noun = denied
    blind = msgspec.structs.replace(old, **{name: ()}, sections={**old.sections, name: Section(State.DENIED, BEFORE)})
    found = compare_snapshots(blind, new)
    by_report = ("key", "MFA", "console", "password")
    claimed = [one for one in found.differences if one.subject == noun and one.what not in by_report]
    assert [one for one in claimed if "as the credential report tells" not in one.words] == []
    assert not any(one.what == "escalation" for one in found.differences)
    if new.section(name).state is State.KNOWN:
        assert any(note.side is Side.OLD and note.words.startswith(f"{name}: ") for note in found.notes)


@_CHECKED
@given(OLD, NEW)
def test_only_what_grows_is_grave(old: Snapshot, new: Snapshot) -> None:
    """An administrator gained is always told, and nothing that only takes access away is high or critical but MFA."""
    for one in compare_snapshots(old, new).differences:
        if one.severity in ("critical", "high"):
            assert one.grows or one.what == "MFA" or one.turn is Turn.CHANGED
        if one.what == "admin":
            assert one.grows is (one.turn is Turn.ADDED)
