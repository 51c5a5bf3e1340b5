"""Lists of people who left, in the forms people have them, and how each is matched."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.analysis.leavers import match, people
from iamtui.errors import BadInputError
from iamtui.model.account import Snapshot
from iamtui.model.identity import Role, User
from tests.hostile import NASTY

ACCOUNT = "123456789012"
NOW = datetime(2026, 10, 1, tzinfo=UTC)


def user(name: str, **tags: str) -> User:
    return User(f"arn:aws:iam::{ACCOUNT}:user/{name}", name, f"AIDA{name}", "/", ACCOUNT, NOW, tags=tuple(tags.items()))


def role(name: str, trust: str = "", **tags: str) -> Role:
    return Role(f"arn:aws:iam::{ACCOUNT}:role/{name}", name, f"AROA{name}", "/", ACCOUNT, NOW, trust=trust, tags=tuple(tags.items()))


def snapshot(*items: Any) -> Snapshot:
    return Snapshot(ACCOUNT, users=tuple(i for i in items if isinstance(i, User)), roles=tuple(i for i in items if isinstance(i, Role)))


CENTER = {"Users": [{"UserName": "dkowalski", "Name": {"GivenName": "Dana", "FamilyName": "Kowalski"}, "DisplayName": "Dana Kowalski",
                     "Emails": [{"Value": "d.kowalski@acme.example", "Primary": True}]}]}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("email\nd.kowalski@acme.example\n", ("", "d.kowalski@acme.example", "")),
        (
            "Employee Name;E-Mail;Last day\nKowalski, Dana;d.kowalski@acme.example;2026-05-01\n",
            ("", "d.kowalski@acme.example", "Kowalski, Dana"),
        ),
        ("\ufeffFirst Name\tLast Name\tLogin\r\nDana\tKowalski\tdkowalski\r\n", ("dkowalski", "", "Dana Kowalski")),
        ("d.kowalski\n", ("d.kowalski", "", "")),
        ("d.kowalski@acme.example\n", ("", "d.kowalski@acme.example", "")),
        ("Dana Kowalski\n", ("", "", "Dana Kowalski")),
        ("username\nd.kowalski@acme.example\n", ("", "d.kowalski@acme.example", "")),
        (json.dumps(CENTER), ("dkowalski", "d.kowalski@acme.example", "Dana Kowalski")),
        (json.dumps(["d.kowalski"]), ("d.kowalski", "", "")),
        (json.dumps([{"email": "d.kowalski@acme.example", "name": "Dana"}]), ("", "d.kowalski@acme.example", "Dana")),
    ],
)
def test_the_heading_is_guessed(text: str, expected: tuple[str, str, str]) -> None:
    (person,), how = people(text)
    assert (person.user, person.email, person.name) == expected
    assert how


@pytest.mark.parametrize(
    "text", ["", "\ufeff \n", "{", '{"Users": 3}', "[[1]]", "{}", "[]", "colour,size\nred,3\n", "email\n\n", "[" * 100_000, '""', '" "\n,,']
)
def test_what_names_nobody_is_a_sentence(text: str) -> None:
    with pytest.raises(BadInputError):
        people(text)


@given(st.text(max_size=200))
def test_no_text_is_a_traceback(text: str) -> None:
    try:
        found, _ = people(text)
    except BadInputError:
        return
    match(found, [snapshot(user("ana"), role("r"))])


@pytest.mark.parametrize(
    ("row", "name", "how", "unsure"),
    [
        ("user\nD.Kowalski\n", "d.kowalski", "user name", ""),
        ("email\nD.Kowalski@acme.example\n", "d.kowalski", "email local part", ""),
        ("email\nd.kowalski@acme.example\n", "d.kowalski@acme.example", "email as name", ""),
        ("email\ndkowalski@acme.example\n", "d.kowalski", "email local part", "alike but for dots and dashes"),
        ("user\nd-kowalski\n", "d.kowalski", "user name", "alike but for dots and dashes"),
        ("name\nDana Kowalski\n", "d.kowalski", "person's name", "read from the person's name"),
        ('name\n"Kowalski, Dana"\n', "dana.kowalski", "person's name", "read from the person's name"),
        ("name\nDána Kowalśki\n", "dkowalski", "person's name", "read from the person's name"),
    ],
)
def test_how_it_matched_is_told(row: str, name: str, how: str, unsure: str) -> None:
    found, _ = people(row)
    (one,), missed = match(found, [snapshot(user(name), user("other"))])
    assert missed == ()
    assert (one.identity.name, one.how, one.unsure) == (name, how, unsure)


def test_an_email_tag_goes_before_a_likeness() -> None:
    found, _ = people("email\nana@acme.example\n")
    (one,), _ = match(found, [snapshot(user("ana"), user("build", email="Ana@acme.example"))])
    assert (one.identity.name, one.how) == ("build", "email tag")


def test_several_that_fit_are_unsure_and_so_are_several_people() -> None:
    found, _ = people("email\nana@a.example\nana@b.example\n")
    matches, _ = match(found, [snapshot(user("ana"))])
    assert [one.unsure for one in matches] == ["fits 2 people of the list"] * 2
    found, _ = people("user\nana\n")
    matches, _ = match(
        found, [snapshot(user("ana")), Snapshot("2", users=(user("ana", x="y"), User("arn:2", "ANA", "AIDA2", "/", "2", NOW)))]
    )
    assert all(one.unsure.startswith("fits 2 users") for one in matches)


def test_what_a_leaver_owns_or_may_assume_is_told_as_such() -> None:
    trust = json.dumps({"Statement": [{"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/d.kowalski"}}]})
    found, _ = people("email\nd.kowalski@acme.example\n")
    matches, _ = match(
        found, [snapshot(user("d.kowalski"), role("a", owner="d.kowalski"), role("b", trust), role("c", owner="D.Kowalski@acme.example"))]
    )
    assert {(one.identity.name, one.role, one.how) for one in matches} == {
        ("d.kowalski", "is", "email local part"),
        ("a", "owns", "owner tag"),
        ("b", "may use", "trust policy"),
        ("c", "owns", "owner tag"),
    }


def test_who_is_nowhere_is_told() -> None:
    found, _ = people("user\nnobody-here\n")
    matches, missed = match(found, [snapshot(user("ana"))])
    assert matches == ()
    assert [one.label for one in missed] == ["nobody-here"]


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_hostile_lists_match_nothing_by_chance(text: str) -> None:
    try:
        found, _ = people(f'user\n"{text.replace(chr(34), "")}"\n')
    except BadInputError:
        return
    matches, _ = match(found, [snapshot(user("ana"), user("ben"))])
    assert matches == ()
