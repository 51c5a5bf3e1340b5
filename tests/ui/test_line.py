"""A line writes what has changed and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from iamtui.ui.widgets.line import Line, _difference
from tests.support.hosts import Host, lines_of

BOLD = Style(bold=True)


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ([Segment("abc")], [Segment("abc")], None),
        ([Segment("ab"), Segment("c")], [Segment("abc")], None),
        ([Segment("read 10 so")], [Segment("read 27 so")], (5, 7)),
        ([Segment("abc")], [Segment("abcd")], (3, 4)),
        ([Segment("abcd ")], [Segment("abc")], (3, 4)),
        ([Segment("abc")], [Segment("a"), Segment("b", BOLD), Segment("c")], (1, 2)),
    ],
)
def test_the_cells_that_differ(before: list[Segment], after: list[Segment], changed: tuple[int, int] | None) -> None:
    assert _difference(before, after) == changed


def test_wide_characters_redraw_the_whole_line() -> None:
    assert _difference([Segment("名")], [Segment("ab")]) == (0, 2)


@given(st.text("ab ", max_size=12), st.text("ab ", max_size=12))
def test_outside_the_difference_nothing_differs(before: str, after: str) -> None:
    changed = _difference([Segment(before)], [Segment(after)])
    length = max(len(before), len(after))
    old, new = before.ljust(length), after.ljust(length)
    first, last = changed or (0, 0)
    assert old[:first] == new[:first]
    assert old[last:] == new[last:]


async def test_a_line_shows_its_text() -> None:
    app = Host(Line())
    async with app.run_test(size=(20, 3)) as pilot:
        line = app.widget
        assert isinstance(line, Line)
        line.update(Text("reading, 5"))
        await pilot.pause()
        line.update(Text("reading, 17 and much more than fits"))
        await pilot.pause()
        assert lines_of(line)[0] == "reading, 17 and much"
