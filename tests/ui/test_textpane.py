"""The text pane: lines whole at any width, selections as they were before wrapping, strangers' text inert."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.selection import SELECT_ALL, Selection

from iamtui.text import visible
from iamtui.ui.render.documents import Line, json_lines, plain_lines
from iamtui.ui.widgets.textpane import TextPane, _wrapped
from tests.support.hosts import HOSTILE, Host, controls, lines_of


@asynccontextmanager
async def shown(lines: Sequence[Line], size: tuple[int, int] = (60, 12)) -> AsyncIterator[tuple[Host, TextPane, Pilot[None]]]:
    app = Host(TextPane())
    async with app.run_test(size=size) as pilot:
        pane = app.widget
        assert isinstance(pane, TextPane)
        pane.set_lines(lines)
        await pilot.pause()
        yield app, pane, pilot


def numbered(count: int) -> list[Line]:
    return [[(f"line {number}", "")] for number in range(count)]


def text_of(line: Line) -> str:
    return "".join(text for text, _ in line)


@pytest.mark.parametrize(
    ("keys", "first"),
    [
        (["j", "down", "k"], 1),
        (["pagedown"], 12),
        (["ctrl+d", "ctrl+u"], 0),
        (["G"], 88),
        (["G", "g"], 0),
        (["end", "home"], 0),
        (["space"], 12),
    ],
)
async def test_keys_scroll(keys: list[str], first: int) -> None:
    async with shown(numbered(100)) as (_, pane, pilot):
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        await pilot.wait_for_animation()
        assert lines_of(pane)[0].strip() == f"line {first}"


async def test_other_lines_begin_at_the_top_and_newer_ones_keep_the_place() -> None:
    async with shown(numbered(100)) as (_, pane, pilot):
        await pilot.press("G")
        await pilot.wait_for_animation()
        pane.set_lines(numbered(100), keep_place=True)
        await pilot.pause()
        assert lines_of(pane)[0].strip() == "line 88"
        pane.set_lines(numbered(90))
        await pilot.pause()
        assert lines_of(pane)[0].strip() == "line 0"


async def test_fewer_lines_leave_no_empty_screen() -> None:
    async with shown(numbered(100)) as (_, pane, pilot):
        await pilot.press("G")
        await pilot.wait_for_animation()
        pane.set_lines(numbered(20), keep_place=True)
        await pilot.pause()
        assert lines_of(pane)[-1].strip() == "line 19"


async def test_wrapping_is_a_choice() -> None:
    long = "arn:aws:iam::123456789012:role/" + "x" * 100
    async with shown([[(long, "json-string")]]) as (_, pane, pilot):
        assert sum(bool(line.strip()) for line in lines_of(pane)) == 3
        await pilot.press("W")
        await pilot.pause()
        assert sum(bool(line.strip()) for line in lines_of(pane)) == 1


@given(st.lists(st.tuples(st.text("ab 漢é\u0301", max_size=60), st.sampled_from(["", "json-key"])), max_size=5), st.integers(9, 40))
def test_wrapped_pieces_fit_and_lose_nothing(line: Line, width: int) -> None:
    pieces, indent = _wrapped(line, width)
    assert all(cell_len(text_of(piece).rstrip(" ")) <= width for piece in pieces)
    assert text_of(pieces[0]) + "".join(text_of(piece)[indent:] for piece in pieces[1:]) == text_of(line)
    styles = [style for text, style in line for _ in text]
    kept = [style for number, piece in enumerate(pieces) for text, style in (piece if number == 0 else piece[1:]) for _ in text]
    assert kept == styles


async def test_thousands_of_lines_draw_only_those_in_view() -> None:
    async with shown(numbered(50_000)) as (_, pane, pilot):
        drawn: list[int] = []
        original = pane.render_line
        pane.render_line = lambda y: (drawn.append(y), original(y))[1]  # type: ignore[method-assign]
        await pilot.press("G")
        await pilot.wait_for_animation()
        await pilot.pause()
        assert set(drawn) <= set(range(12))


@pytest.mark.parametrize("size", [(60, 12), (160, 30), (12, 5), (5, 3)])
async def test_hostile_lines_stay_text(size: tuple[int, int]) -> None:
    lines = [line for text in HOSTILE for line in (*plain_lines(text), *json_lines(text))]
    async with shown(lines, size) as (app, pane, pilot):
        for _ in range(40):
            seen = lines_of(pane)
            assert not [c for line in seen for c in controls(line)]
            assert {cell_len(line) for line in seen} == {pane.scrollable_content_region.width}
            assert not controls("".join(strip.text for strip in app.screen._compositor.render_strips(app.size)))
            await pilot.press("pagedown")
            await pilot.wait_for_animation()


async def test_what_the_mouse_marks_comes_out_without_the_breaks_of_wrapping() -> None:
    arn = "arn:aws:iam::123456789012:role/" + "x" * 100
    async with shown([[("first", "")], [("    ", ""), (arn, "json-string")], [("last", "")]]) as (app, pane, pilot):
        assert pane.get_selection(SELECT_ALL) == (f"first\n    {arn}\nlast", "\n")
        assert pane.get_selection(Selection(Offset(2, 0), Offset(3, 0))) == ("r", "\n")
        await pilot.mouse_down(TextPane, offset=(5, 1))
        await pilot.hover(TextPane, offset=(4, 4))
        await pilot.mouse_up(TextPane, offset=(4, 4))
        await pilot.pause()
        selected = app.screen.get_selected_text()
        assert selected is not None
        assert selected.startswith(f"{arn}\nlas")


async def test_a_selection_is_drawn() -> None:
    async with shown([[("one two", "")]]) as (app, pane, pilot):
        before = [segment.style for segment in pane.render_line(0)]
        app.screen.selections = {pane: Selection(Offset(0, 0), Offset(3, 0))}
        await pilot.pause()
        after = pane.render_line(0)
        assert after.text.startswith("one two")
        assert [segment.style for segment in after] != before
        assert next(iter(after)).text == "one"


async def test_a_style_nobody_knows_stops_nothing() -> None:
    async with shown([[("x", "no-such-style")]]) as (_, pane, _):
        assert lines_of(pane)[0].strip() == "x"


async def test_the_styles_of_documents_are_all_known() -> None:
    async with shown([[("x", "")]]) as (_, pane, _):
        names = {
            style
            for text in ('{"Effect": "Deny", "n": 1, "b": true, "r": "*"}', "broken {")
            for line in json_lines(text)
            for _, style in line
        }
        assert names - {""} <= pane.COMPONENT_CLASSES


async def test_plain_text_for_copies_is_what_was_given() -> None:
    async with shown([[("a", "strong"), ("b", "")], [(visible("c\x1b"), "")]]) as (_, pane, _):
        assert pane.plain_text() == "ab\nc␛"
