"""Identities by services: marks, orders, filters; the packed answers behind it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iamtui.analysis.filtering import FilterError
from iamtui.analysis.matrix import LEGEND, NOT_GRANTED, NOT_USED, Line, Matrix, mark_of
from iamtui.model.fact import Fact, State, absent, known
from iamtui.model.usage import ServiceUsage, UsageDigest, UsageDigests, UsageReport
from iamtui.session.usagebook import UsageBook

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
STAMP = NOW.timestamp()


def arn(name: str) -> str:
    return f"arn:aws:iam::123456789012:role/{name}"


def report(name: str, **services: int | None) -> UsageReport:
    """Services by days since the last use; None: granted and not used."""
    told = tuple(
        ServiceUsage(
            service.replace("_", "-"),
            service,
            absent(State.NOT_IN_TRACKING_PERIOD) if days is None else known(NOW - timedelta(days=days)),
        )
        for service, days in services.items()
    )
    return UsageReport(arn(name), "ACTION_LEVEL", told, NOW, "iam:GetServiceLastAccessedDetails", NOW - timedelta(days=400))


def book(*reports: UsageReport) -> UsageBook:
    made = UsageBook()
    for one in reports:
        made.take(one.arn, known(one))
    return made


def matrix(made: UsageBook, *names: str, why: dict[str, State] | None = None) -> Matrix:
    lines = [
        Line(arn(name), name, "roles", "123456789012", made.digest(arn(name)), absent((why or {}).get(name, State.NOT_LOADED)))
        for name in names
    ]
    return Matrix(tuple(made.names), lines)


@pytest.fixture
def three() -> Matrix:
    made = book(report("ci", s3=0, glue=40, sqs=None), report("old", glue=200), report("lake", glue=3, s3=None, access_analyzer=80))
    return matrix(made, "ci", "old", "lake", "refused", "new", "gone", "broken", why=_WHY)


_WHY = {"refused": State.DENIED, "gone": State.NOT_APPLICABLE, "broken": State.FAILED}


def letters(found: Matrix, row: int) -> dict[str, str]:
    return {name: found.mark(row, place, STAMP).letter for place, name in enumerate(found.names)}


def test_every_state_has_a_mark_of_its_own(three: Matrix) -> None:
    assert letters(three, 0) == {"s3": "d", "glue": "q", "sqs": "·", "access-analyzer": " "}
    assert letters(three, 1)["glue"] == "y"
    assert letters(three, 2) == {"s3": "·", "glue": "w", "sqs": " ", "access-analyzer": "q"}
    assert [letters(three, row)["s3"] for row in range(3, 7)] == ["!", "?", "-", "x"]
    assert len({mark.letter for mark in LEGEND} | {" "}) == len(LEGEND) + 1


@pytest.mark.parametrize(
    ("seconds", "letter"),
    [(0, "d"), (86_400, "d"), (86_401, "w"), (7 * 86_400, "w"), (31 * 86_400, "m"), (92 * 86_400, "q"), (93 * 86_400, "y"), (-60, "d")],
)
def test_ages_end_where_they_say(seconds: int, letter: str) -> None:
    assert mark_of(int(STAMP) - seconds, STAMP).letter == letter
    assert mark_of(NOT_USED, STAMP).letter == "·"
    assert mark_of(NOT_GRANTED, STAMP).letter == " "


def test_who_uses_a_service_comes_in_the_order_of_its_use(three: Matrix) -> None:
    names = [three.lines[row].name for row in three.users_of(three.names.index("glue"), range(7))]
    assert names[:3] == ["lake", "ci", "old"]
    s3 = [three.lines[row].name for row in three.users_of(three.names.index("s3"), range(7))]
    assert s3[:2] == ["ci", "lake"]  # used, then held and unused, then unknown, then not held
    assert s3[-1] == "old"
    assert three.tally(three.names.index("glue"), range(7)) == (3, 3)
    assert [three.names[place] for place in three.services()] == ["glue", "s3", "access-analyzer", "sqs"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["ci", "old", "lake", "refused", "new", "gone", "broken"]),
        ("la", ["lake"]),
        ("glue:>90d", ["old"]),
        ("glue:<90d", ["ci", "lake"]),
        ("s3:unused", ["lake"]),
        ("sqs:n/a", ["old", "lake", "gone"]),
        ("access-analyzer:<90d", ["lake"]),
        ("glue:denied", ["refused"]),
        ("!glue:<400d", ["refused", "new", "gone", "broken"]),
        ("unused:>=1", ["ci", "lake"]),
        ('state:"not loaded"', ["new"]),
        ("kind:roles !ci !lake glue:>1d", ["old"]),
    ],
)
def test_the_filter_of_every_list_with_services_as_columns(three: Matrix, text: str, names: list[str]) -> None:
    assert [three.lines[row].name for row in three.select(text, NOW)] == names


def test_a_service_nobody_holds_is_no_column(three: Matrix) -> None:
    with pytest.raises(FilterError, match="no column ecr"):
        three.select("ecr:>1d", NOW)


NAMES = st.sampled_from(["s3", "ec2", "glue", "sqs", "iam", "kms"])
HELD = st.dictionaries(NAMES, st.one_of(st.none(), st.integers(0, 399)), max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(HELD, min_size=1, max_size=12), st.integers(0, 400))
def test_what_goes_in_packed_comes_out(held: list[dict[str, int | None]], days: int) -> None:
    made = book(*(report(f"r{n}", **one) for n, one in enumerate(held)))
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(made.kept("123456789012")), type=UsageDigests)
    again = book(report("other", zzz=1))
    again.take_back(kept)  # names stand at other places there
    for n, one in enumerate(held):
        for from_ in (made, again):
            found = matrix(from_, f"r{n}")
            for service in ("s3", "ec2", "glue", "sqs", "iam", "kms"):
                if service not in from_.names:
                    assert service not in one
                    continue
                place = from_.names.index(service)
                fact: Fact[Any] = found.fact(0, place)
                assert found.dense(0)[place] == found.value(0, place)
                if service not in one:
                    assert fact.state is State.NOT_APPLICABLE
                elif one[service] is None:
                    assert fact.state is State.NOT_IN_TRACKING_PERIOD
                else:
                    assert fact.value == NOW - timedelta(days=one[service] or 0)
        brief = again.brief(arn(f"r{n}"))
        assert brief is not None
        assert brief.value is not None
        assert (brief.value.granted, brief.value.unused) == (len(one), sum(v is None for v in one.values()))
    if made.names and "glue" in made.names:
        whole = matrix(made, *(f"r{n}" for n in range(len(held))))
        chosen = whole.select(f"glue:>{days}d", NOW)
        assert chosen == [n for n, one in enumerate(held) if (used := one.get("glue")) is not None and used > days]


def test_a_refusal_takes_no_older_answer_away() -> None:
    made = book(report("ci", s3=1))
    version = made.version
    made.take(arn("ci"), absent(State.DENIED, detail="no"))
    made.take(arn("new"), absent(State.DENIED, detail="no"))
    assert made.brief(arn("ci")).is_known  # type: ignore[union-attr]
    assert made.brief(arn("new")).state is State.DENIED  # type: ignore[union-attr]
    assert made.brief(arn("nobody")) is None
    assert made.version > version
    assert set(made.briefs()) == {arn("ci"), arn("new")}


def test_damaged_rows_of_the_disk_are_left_out() -> None:
    good = book(report("ci", s3=1)).kept("123456789012")
    (digest,) = good.by_arn.values()
    bad = {
        "arn:short": UsageDigest(NOW, "x", None, digest.services, b"\0"),
        "arn:far": UsageDigest(NOW, "x", None, (999).to_bytes(2, sys.byteorder), b"\0\0\0\0"),
        "arn:good": digest,
    }
    made = UsageBook()
    made.take_back(UsageDigests(sys.byteorder, good.names, bad))
    assert "arn:good" in made
    assert len(made) == 1
