"""Where a prefix stops in CloudTrail's tree, and which days are listed: for any prefix and any days."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.errors import UsageError
from iamtui.source.live.listing import Listing, Wanted
from iamtui.source.live.place import Place, Start, place_of, span_of, start_of

ACCOUNT = "111122223333"
_parts = st.sampled_from(["AWSLogs", "o-abc", ACCOUNT, "CloudTrail", "CloudTrail-Digest", "eu-west-1", "2026", "02", "30", "x.json.gz"])


@given(st.lists(_parts | st.text(max_size=6), max_size=9).map("/".join))
def test_any_prefix_leads_into_the_tree_above_it_or_is_told(prefix: str) -> None:
    try:
        place = place_of(None, f"s3://trail/{prefix}")  # type: ignore[arg-type]
    except UsageError:
        return
    start = start_of(place)
    if start is not None:
        assert place.prefix.startswith(start.root)
        assert start.root.split("/").count("AWSLogs") >= 1
        assert not start.day or span_of(start.day) is not None


@pytest.mark.parametrize(
    ("prefix", "start"),
    [
        ("", None),
        ("logs/", None),
        ("AWSLogsOld/", None),
        ("AWSLogs/", Start("AWSLogs/")),
        ("a/AWSLogs/o-1/", Start("a/AWSLogs/o-1/")),
        (f"o-1/AWSLogs/o-1/{ACCOUNT}/", Start("o-1/AWSLogs/o-1/", ACCOUNT)),
        (f"AWSLogs/{ACCOUNT}/CloudTrail/", Start("AWSLogs/", ACCOUNT)),
        (f"AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/2026/11/", Start("AWSLogs/", ACCOUNT, "eu-west-1", "2026/11")),
    ],
)
def test_where_a_prefix_stops(prefix: str, start: Start | None) -> None:
    assert start_of(Place("trail", prefix)) == start


@given(st.dates(date(2013, 1, 1), date(2100, 1, 1)), st.integers(1, 3))
def test_a_day_a_month_and_a_year_begin_and_end(day: date, depth: int) -> None:
    words = "/".join(f"{day:%Y/%m/%d}".split("/")[:depth])
    span = span_of(words)
    assert span is not None
    assert span[0].date() <= day <= span[1].date()
    for other in (span[0] - timedelta(days=1), span[1] + timedelta(days=1)):
        assert not f"{other:%Y/%m/%d}/".startswith(f"{words}/")
    assert all(f"{span[0] + timedelta(days=n):%Y/%m/%d}/".startswith(f"{words}/") for n in (0, (span[1] - span[0]).days))


@given(st.integers(1_400_000_000, 1_900_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)), st.integers(0, 500))
def test_every_day_is_listed_once_the_latest_first(until: datetime, days: int) -> None:
    asked: list[tuple[int, date, date]] = []

    class Watched(Listing):
        def __init__(self) -> None:
            self._wanted = Wanted(until - timedelta(days=days), until)
            self._add = lambda order, run: asked.append((order, *run.__defaults__))  # type: ignore[attr-defined]

    made: Any = Watched()
    made._span("root/", made._days())
    listed: Counter[date] = Counter()
    for _, first, last in asked:
        listed.update(first + timedelta(days=n) for n in range((last - first).days + 1))
    first, last = (until - timedelta(days=days)).date(), until.date() + timedelta(days=1)
    assert listed == Counter(first + timedelta(days=n) for n in range((last - first).days + 1))
    assert max(asked, key=lambda one: one[2])[0] == 0
