"""What is in force does not depend on the order entries arrive in, nor on how often; nothing a reviewer did not see is overruled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.analysis.reviewing import Folded, change_words, changes, fold, item_states, progress
from iamtui.model.fact import State
from iamtui.model.review import Campaign, Change, Clue, Decision, Entry, Evidence, Item, Mark, Owner, Subject, SubjectKind, Undo

START = datetime(2026, 10, 1, tzinfo=UTC)
KEEP, REMOVE, REDUCE = Decision.KEEP, Decision.REMOVE, Decision.REDUCE


def subject(name: str = "ana") -> Subject:
    return Subject(
        SubjectKind.IDENTITY, f"arn:aws:iam::1:user/{name}#AIDA{name}", f"arn:aws:iam::1:user/{name}", f"AIDA{name}", name, "1", "user"
    )


def mark(
    number: int, decision: Decision, by: str = "r1", after: tuple[int, ...] = (), batch: str = "", name: str = "ana", **more: Any
) -> Entry:
    body = Mark(subject(name), decision, by, after=tuple(ident(n) for n in after), batch=batch or f"b{number}", **more)
    return Entry(ident(number), START + timedelta(minutes=number), "1", more.get("campaign", ""), body)


def undo(number: int, batch: str) -> Entry:
    return Entry(ident(number), START + timedelta(minutes=number), "1", "", Undo(batch, "r1"))


def ident(number: int) -> str:
    return f"{number:026d}"


def told(folded: Folded) -> Any:
    return (
        {key: (held.id, held.seen, held.conflict, held.mark) for key, held in folded.marks.items()},
        dict(folded.owners),
        {key: tuple(e.id for e in told) for key, told in folded.items.items()},
        folded.dead,
        dict(folded.campaigns),
        dict(folded.closes),
    )


@st.composite
def ledgers(draw: Any) -> list[Entry]:
    """Entries as several reviewers on several machines would write them: each saw some of what was there before."""
    entries: list[Entry] = []
    for number in range(draw(st.integers(0, 14))):
        kind = draw(st.sampled_from(["mark", "mark", "mark", "undo", "owner"]))
        name = draw(st.sampled_from(["ana", "ben"]))
        mine = [n for n, e in enumerate(entries) if isinstance(e.body, Mark) and e.body.subject.name == name]
        seen = tuple(draw(st.lists(st.sampled_from(mine), unique=True, max_size=3))) if mine else ()
        if kind == "mark":
            entries.append(
                mark(
                    number,
                    draw(st.sampled_from(list(Decision))),
                    draw(st.sampled_from(["r1", "r2", "r3"])),
                    seen,
                    name=name,
                    batch=f"b{number // 2}",
                )
            )
        elif kind == "undo":
            entries.append(undo(number, f"b{draw(st.integers(0, 7))}"))
        else:
            entries.append(Entry(ident(number), START, "1", "", Owner(subject(name), draw(st.sampled_from(["x", "y", ""])), "r1")))
    return entries


@given(ledgers(), st.randoms(use_true_random=False))
def test_no_order_and_no_repetition_changes_what_is_in_force(entries: list[Entry], chance: Any) -> None:
    shuffled = entries + chance.sample(entries, len(entries) // 2)
    chance.shuffle(shuffled)
    assert told(fold(shuffled)) == told(fold(entries))


@given(ledgers(), st.data())
def test_merging_is_commutative_associative_and_idempotent(entries: list[Entry], data: Any) -> None:
    parts = [[e for e in entries if data.draw(st.booleans())] for _ in range(3)]
    a, b, c = parts
    assert told(fold(a + b)) == told(fold(b + a))
    assert told(fold((a + b) + c)) == told(fold(c + (b + a)))
    assert told(fold(a + a)) == told(fold(a))


@given(ledgers())
def test_what_is_decided_with_everything_in_sight_settles_it(entries: list[Entry]) -> None:
    held = fold(entries).marks.get(subject().key)
    last = mark(99, KEEP, "r9")
    body = Mark(subject(), KEEP, "r9", after=held.seen if held else (), batch="last")
    settled = fold([*entries, Entry(last.id, last.at, "1", "", body)]).marks[subject().key]
    assert not settled.conflict
    assert settled.id == last.id
    assert settled.mark.decision is KEEP


def test_one_reviewer_after_the_other() -> None:
    held = fold([mark(1, KEEP), mark(2, REMOVE, "r2", (1,))]).marks[subject().key]
    assert (held.mark.decision, held.conflict) == (REMOVE, False)


def test_two_who_did_not_see_each_other_and_differ_are_a_conflict_by_name() -> None:
    held = fold([mark(1, KEEP, "ana"), mark(2, REMOVE, "ben")]).marks[subject().key]
    assert held.conflict
    assert {m.reviewer: m.decision for _, _, m in held.marks} == {"ana": KEEP, "ben": REMOVE}
    assert held.words(START)[-1] == "conflict"


def test_two_who_agree_are_none() -> None:
    held = fold([mark(1, REMOVE, "ana"), mark(2, REMOVE, "ben")]).marks[subject().key]
    assert not held.conflict
    assert len(held.marks) == 2


def test_one_reviewer_on_two_machines_means_the_later_one() -> None:
    held = fold([mark(1, KEEP, "ana"), mark(2, REMOVE, "ana")]).marks[subject().key]
    assert (held.mark.decision, held.conflict) == (REMOVE, False)
    assert len(held.seen) == 2
    later = fold([mark(1, KEEP, "ana"), mark(2, REMOVE, "ana"), mark(3, REDUCE, "ben", (1, 2))])
    assert not later.marks[subject().key].conflict


def test_taking_back_brings_back_what_was_there() -> None:
    entries = [mark(1, KEEP), mark(2, REMOVE, after=(1,)), undo(3, "b2")]
    assert fold(entries).marks[subject().key].mark.decision is KEEP
    assert fold([*entries, undo(4, "b1")]).marks == {}


def test_what_was_replaced_through_something_taken_back_stays_replaced() -> None:
    entries = [mark(1, KEEP, "ana"), mark(2, REDUCE, "ben", (1,)), mark(3, REMOVE, "eve", (2,)), undo(4, "b2")]
    held = fold(entries).marks[subject().key]
    assert (held.mark.decision, held.conflict) == (REMOVE, False)


def test_an_expired_exception_says_so() -> None:
    held = fold([mark(1, Decision.EXCEPTION, expires=START + timedelta(days=30))]).marks[subject().key]
    assert held.words(START) == ("exception",)
    assert held.words(START + timedelta(days=31)) == ("exception", "expired")


# -- evidence ----------------------------------------------------------------------------------------------------------


def clue(name: str, value: str, state: State = State.KNOWN, *, weighs: bool = True) -> Clue:
    return Clue(name, value, "here", START, state, weighs)


@pytest.mark.parametrize(
    ("before", "now", "found", "unread"),
    [
        ([clue("mfa", "no")], [clue("mfa", "yes")], [Change("mfa", "no", "yes")], ()),
        ([clue("mfa", "no")], [clue("mfa", "no")], [], ()),
        ([], [clue("policy A", "v1")], [Change("policy A", "", "v1")], ()),
        ([clue("policy A", "v1")], [], [Change("policy A", "v1", "")], ()),
        ([clue("seen", "1", weighs=False)], [clue("seen", "2", weighs=False)], [], ()),
        ([clue("mfa", "no")], [clue("mfa", "denied (iam:X)", State.DENIED)], [], ("mfa: denied (iam:X)",)),
        ([clue("mfa", "denied", State.DENIED)], [clue("mfa", "no")], [], ()),
    ],
)
def test_a_change_is_told_and_what_cannot_be_read_is_none(before: Any, now: Any, found: Any, unread: Any) -> None:
    assert changes(before, Evidence(tuple(now))) == (tuple(found), unread)


def test_changes_in_words() -> None:
    assert change_words(Change("mfa", "no", "yes")) == "mfa: no → yes"
    assert change_words(Change("policy A", "", "v1")) == "new: policy A v1"
    assert change_words(Change("policy A", "v1", "")) == "gone: policy A v1"


# -- campaigns ---------------------------------------------------------------------------------------------------------


def campaign(number: int, names: tuple[str, ...], hash: str = "h") -> list[Entry]:
    first = Entry(
        ident(number), START + timedelta(minutes=number), "1", ident(number), Campaign("q", "r1", (("users", ""),), 30, 90, len(names))
    )
    items = [
        Entry(ident(number + 1 + place), first.at, "1", first.id, Item(subject(name), place, "users", 10 - place, ("sign",), hash))
        for place, name in enumerate(names)
    ]
    return [first, *items]


def test_decisions_of_before_are_carried_and_those_since_count() -> None:
    entries = [mark(1, KEEP, hash="h"), mark(2, REMOVE, name="ben", hash="other"), *campaign(10, ("ana", "ben", "eve"))]
    states = item_states(fold(entries), ident(10))
    assert [(s.decided, s.before is not None, s.alike) for s in states] == [(None, True, True), (None, True, False), (None, False, False)]
    entries.append(mark(20, REDUCE, "r2", (1,)))
    (ana, *_) = item_states(fold(entries), ident(10))
    assert ana.decided is not None
    assert ana.before is not None
    assert (ana.decided.mark.decision, ana.before.mark.decision) == (REDUCE, KEEP)


def test_progress_is_by_pane_and_reviewer_and_a_conflict_is_not_decided() -> None:
    entries = [*campaign(10, ("ana", "ben")), mark(20, KEEP, "r1"), mark(21, REMOVE, "r2"), mark(22, KEEP, "r2", name="ben")]
    count = progress(item_states(fold(entries), ident(10)))
    assert (count.total, count.decided, count.conflicts) == (2, 1, 1)
    assert count.panes == (("users", 1, 2),)
    assert dict(count.reviewers) == {"r1": 1, "r2": 2}
    assert dict(count.decisions) == {"keep": 1}
