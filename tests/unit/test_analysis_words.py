"""Facts as words: states never look alike, nor like a value; programs get types, not words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from iamtui.analysis.words import csv_text, exact, iso, length, long_words, machine, plain, relative
from iamtui.model.fact import State, absent, known

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=3), "now"),
        (timedelta(minutes=5, seconds=59), "5 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=47), "47 h"),
        (timedelta(days=2), "2 d"),
        (timedelta(days=412), "412 d"),
        (timedelta(days=729), "729 d"),
        (timedelta(days=730), "2 y"),
        (timedelta(days=4000), "10 y"),
        (timedelta(seconds=-30), "now"),
        (timedelta(days=-3), "in 3 d"),
        (timedelta(hours=-5), "in 5 h"),
    ],
)
def test_relative(ago: timedelta, words: str) -> None:
    assert relative(NOW - ago, NOW) == words


def test_a_moment_without_zone_is_utc_and_other_zones_are_turned() -> None:
    assert relative(datetime(2026, 10, 29, 12), NOW) == "3 d"  # noqa: DTZ001
    assert iso(datetime(2026, 10, 29, 12, tzinfo=timezone(timedelta(hours=2)))) == "2026-10-29T10:00:00Z"
    assert exact(datetime(2026, 10, 29, 12, 1, 2, tzinfo=UTC)) == "2026-10-29 12:01:02 UTC"


def test_values() -> None:
    assert [plain(known(value), NOW) for value in ("x", "", True, False, 0, 7, ("a", "b"), (), timedelta(hours=1))] == [
        "x",
        "none",
        "yes",
        "no",
        "0",
        "7",
        "a, b",
        "none",
        "1 h",
    ]
    assert plain(known(41, detail="partial: not all users were read"), NOW) == "41+"


def test_states_never_look_alike_nor_like_an_empty_value() -> None:
    facts = [absent(state) for state in State if state is not State.KNOWN]
    shown = [plain(fact, NOW) for fact in facts] + [plain(known(""), NOW), plain(known(False), NOW), plain(known(0), NOW)]
    assert len(set(shown)) == len(shown)
    assert all(shown)
    assert len({csv_text(fact) for fact in facts}) == len(facts)
    assert len({json.dumps(machine(fact)) for fact in facts}) == len(facts)


def test_states_name_their_reason() -> None:
    assert plain(absent(State.DENIED, detail="iam:GetCredentialReport"), NOW) == "denied (iam:GetCredentialReport)"
    assert plain(absent(State.NOT_IN_TRACKING_PERIOD, detail="400 d"), NOW) == "not in 400 d"
    assert plain(absent(State.NEVER, detail="whatever"), NOW) == "never"
    assert long_words(absent(State.NOT_LOADED, detail="iam:GetRole tells it"), NOW) == "not loaded: iam:GetRole tells it"
    assert long_words(known(NOW - timedelta(days=3)), NOW) == "2026-10-29 12:00:00 UTC (3 d)"


def test_machine() -> None:
    assert machine(known(NOW)) == "2026-11-01T12:00:00Z"
    assert machine(known(timedelta(hours=1))) == 3600
    assert machine(known(("a",))) == ["a"]
    assert machine(known(False)) is False
    assert machine(absent(State.DENIED, "iam:GetCredentialReport", NOW, "iam:GetCredentialReport")) == {
        "state": "denied",
        "source": "iam:GetCredentialReport",
        "as_of": "2026-11-01T12:00:00Z",
        "detail": "iam:GetCredentialReport",
    }


def test_csv() -> None:
    values = (NOW, True, ("a", "b"), 7, "", timedelta(minutes=1))
    assert [csv_text(known(value)) for value in values] == ["2026-11-01T12:00:00Z", "true", "a; b", "7", "", "60"]


@pytest.mark.parametrize(("seconds", "words"), [(45, "45 s"), (5400, "90 min"), (43200, "12 h"), (9000, "2 h 30 min"), (2592000, "30 d")])
def test_length(seconds: int, words: str) -> None:
    assert length(timedelta(seconds=seconds)) == words
