"""What was covered: intervals of seconds against sets of seconds, how fast it goes, and what a page may claim."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.analysis.coverage import bounds, progress_words, time_left
from iamtui.analysis.filtering import parse
from iamtui.analysis.lists import columns
from iamtui.model.coverage import Coverage, Covered, Spans, moment, second
from iamtui.model.event import Window, WindowState
from iamtui.session.covering import ended, kept_windows
from iamtui.source.base import SourceInfo
from iamtui.source.live.limits import Bucket
from iamtui.source.live.question import LATE, Pace, _Chain, _earlier

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


def seconds(spans: Any) -> set[int]:
    return {at for low, high in spans for at in range(low, high + 1)}


@given(SPANS, SPANS, st.integers(-5, 65), st.integers(-5, 65))
def test_spans_are_sets_of_seconds(one: Any, other: Any, low: int, high: int) -> None:
    a, b = Spans.of(one), Spans.of(other)
    assert seconds((a | b).parts) == seconds(one) | seconds(other)
    assert seconds(a.missing(low, high)) == set(range(low, high + 1)) - seconds(one)
    assert a.seconds == len(seconds(one))
    assert all((at in a) == (at in seconds(one)) for at in range(-5, 66))
    for left, right in zip(a.parts, a.parts[1:], strict=False):
        assert left[1] + 1 < right[0]  # neither overlap nor touch
    if low <= high:
        reach = a.reach(low, high)
        assert set(range(reach, high + 1)) <= seconds(one)
        assert reach == low or reach - 1 not in seconds(one)


@given(st.lists(st.tuples(st.sampled_from(["", "EventSource=iam"]), st.integers(0, 30), st.integers(0, 30)), max_size=8))
def test_everything_covers_every_question(told: list[tuple[str, int, int]]) -> None:
    coverage = Coverage.of(Covered("1", "eu-west-1", asked, low, high) for asked, low, high in told)
    whole = seconds((low, high) for asked, low, high in told if not asked)
    assert seconds(coverage.spans("1", "eu-west-1").parts) == whole
    assert seconds(coverage.spans("1", "eu-west-1", "EventSource=iam").parts) == seconds((low, high) for _, low, high in told)
    assert seconds(coverage.spans("1", "eu-west-1", "Username=x").parts) == whole
    assert not coverage.spans("1", "us-east-1").parts
    assert not coverage.spans("2", "eu-west-1").parts


def page(*at: int, token: str = "") -> dict[str, Any]:
    return {
        "Events": [{"EventTime": moment(one), "EventId": str(n)} for n, one in enumerate(at)],
        **({"NextToken": token} if token else {}),
    }


def test_a_page_covers_down_to_just_after_its_oldest_second() -> None:
    chain = _Chain(0, 1000)
    told, done = chain.take(page(900, 800, token="a"), 5000)
    assert done == (801, 1000)
    told, done = chain.take(page(800, 800, token="b"), 5000)
    assert done is None  # that second may go on
    assert len(told) == 3  # the one of 800 before is told again, because what comes speaks of it as well
    told, done = chain.take(page(800, 300), 5000)
    assert done == (0, 800)
    assert [second(event["EventTime"]) for event in told] == [800, 800, 800, 800, 300]


def test_the_newest_quarter_of_an_hour_is_never_covered() -> None:
    chain = _Chain(0, 5000)
    assert chain.take(page(4999, 4900, token="a"), 5000)[1] is None
    assert chain.take(page(), 9_999_999)[1] == (0, 5000 - LATE)  # by when the first page was asked for


def test_an_empty_page_with_a_token_covers_nothing() -> None:
    chain = _Chain(0, 1000)
    assert chain.take(page(token="a"), 5000)[1] is None
    assert chain.take(page(), 5000)[1] == (0, 1000)


@pytest.mark.parametrize("pages", [[page(700, 800, token="a")], [page(900, 500, token="a"), page(600, token="b")]])
def test_where_pages_are_not_newest_first_only_the_end_tells(pages: list[Any]) -> None:
    chain = _Chain(0, 1000)
    *_, last = [chain.take(one, 5000)[1] for one in pages]
    assert last is None
    assert chain.take(page(400, token="c"), 5000)[1] is None
    assert chain.take(page(300), 5000)[1] == (0, chain.high if len(pages) == 1 else 500)


def test_our_clock_does_not_make_the_future_covered() -> None:
    ahead = NOW + timedelta(hours=3)
    answer = {"ResponseMetadata": {"HTTPHeaders": {"date": "Sun, 01 Nov 2026 12:00:00 GMT"}}}
    assert _earlier(ahead, answer) == NOW
    assert _earlier(NOW - timedelta(hours=1), answer) == NOW - timedelta(hours=1)
    for broken in ({}, {"ResponseMetadata": {"HTTPHeaders": {"date": "soon"}}}):
        assert _earlier(NOW, broken) == NOW


def test_rate_and_time_left_come_from_what_happened() -> None:
    clock = [100.0]
    pace = Pace(1000, lambda: clock[0])
    assert (pace.rate, pace.left) == (0.0, None)
    for _ in range(5):
        clock[0] += 0.5
        pace.page(20)
    assert pace.rate == pytest.approx(2.0)
    assert pace.left == pytest.approx(2.5 * 9)  # a tenth took 2.5 s
    pace.rest()
    clock[0] += 1000  # somebody else's turn
    pace.go_on()
    assert pace.rate == 0.0
    for _ in range(5):
        clock[0] += 0.5
        pace.page(20)
    assert pace.left == pytest.approx(5.0 * 4)


def test_who_is_patient_waits_behind_who_is_not() -> None:
    clock, order = [0.0], ["first"]

    def sleep(pause: float) -> None:
        assert pause <= 0.05  # a stop is noticed so soon
        clock[0] += pause
        if order == ["first"]:  # while the patient one waits, somebody comes who is not
            order.append("asked")
            assert bucket.take(lambda: False)
            order.append("second")

    bucket = Bucket(2.0, 1.0, clock=lambda: clock[0], sleep=sleep)
    assert bucket.take(lambda: False)
    assert bucket.take(lambda: False, patient=True)
    assert order == ["first", "asked", "second"]
    assert clock[0] >= 1.0  # both have waited for a token of their own
    bucket._urgent += 1  # somebody waits all the time
    assert not bucket.take(lambda: clock[0] > 5, patient=True)


def test_progress_in_words() -> None:
    running = Window("us-east-1", WindowState.RUNNING, NOW, NOW, "", 48, 2400, "", 1.93, 722.0)
    other = Window("eu-west-1", WindowState.RUNNING, NOW, NOW, "", 2, 90, "", 0.0, 5.0)
    done = Window("eu-north-1", WindowState.COVERED, NOW, NOW)
    assert progress_words((running,)) == "us-east-1: 2,400 events, back to 2026-11-01 12:00, 1.9 requests/s, about 12 min left"
    assert progress_words((other, running, done)).endswith("about 12 min left, and 1 more Region")
    assert progress_words((running,), short=True) == "reading events, about 12 min left"
    assert progress_words((done,)) == ""
    assert time_left(Window("x", WindowState.RUNNING)) == "time left not known yet"
    throttled = Window("us-east-1", WindowState.THROTTLED, NOW, NOW, "AWS throttles; waiting 2 s")
    assert progress_words((throttled,)) == "us-east-1: 0 events, AWS throttles; waiting 2 s"


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("", None, None),
        ("Attach since:7d", NOW - timedelta(days=7), None),
        ("since:7d until:2026-10-30", NOW - timedelta(days=7), datetime(2026, 10, 31, tzinfo=UTC)),
        ("since:7d time:<2d", NOW - timedelta(days=2), None),
        ("!since:7d", None, None),
    ],
)
def test_the_time_a_filter_looks_at(text: str, since: datetime | None, until: datetime | None) -> None:
    assert bounds(parse(text, columns("events"), NOW)) == (since, until)


def kept(*told: tuple[str, str, float, float]) -> Coverage:
    """(Region, asked, from, to) in hours before NOW."""
    at = second(NOW)
    return Coverage.of(Covered("1", region, asked, at - int(low * 3600), at - int(high * 3600)) for region, asked, low, high in told)


def test_windows_of_what_was_kept() -> None:
    info = SourceInfo(kind="live", days=2, regions=("us-east-1", "eu-west-1"))

    def told(*spans: tuple[str, str, float, float]) -> list[tuple[str, str, str]]:
        return [(w.region, w.state.value, w.reason) for w in kept_windows(kept(*spans), info, NOW)]

    assert told() == []
    fresh, missing = ("us-east-1", "covered", "read before"), ("eu-west-1", "partial", "not read yet")
    assert told(("us-east-1", "", 49, 0.3)) == [fresh, missing]
    assert told(("us-east-1", "", 49, 5)) == [("us-east-1", "partial", "as of 5 h ago"), missing]
    holed = ("us-east-1", "partial", "read before, with 1 older gap")
    assert told(("us-east-1", "", 4, 0.3), ("us-east-1", "", 40, 30)) == [holed, missing]
    windows = kept_windows(kept(("us-east-1", "", 4, 0.3), ("us-east-1", "EventSource=iam.amazonaws.com", 49, 0.3)), info, NOW)
    assert [(w.asked, w.state) for w in windows[:2]] == [
        ("", WindowState.PARTIAL),
        ("EventSource=iam.amazonaws.com", WindowState.COVERED),
    ]
    assert windows[0].since == NOW - timedelta(hours=4)
    assert windows[1].since == NOW - timedelta(days=2)


def test_a_reading_that_has_ended_runs_no_more() -> None:
    running = Window("us-east-1", WindowState.RUNNING, NOW, NOW, "", 48, 2400, "", 1.93, 722.0)
    source = Window("us-east-1", WindowState.PARTIAL, NOW, NOW, asked="EventSource=sts.amazonaws.com")
    (stopped, part) = ended((running, source))
    assert (stopped.state, stopped.reason, stopped.rate, stopped.left) == (WindowState.PARTIAL, "stopped", 0.0, None)
    assert part is source
    whole = Window("us-east-1", WindowState.COVERED, NOW, NOW)
    assert ended((whole, source)) == (whole,)  # it says nothing more
