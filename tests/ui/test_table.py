"""The table: the cursor stays on the same thing, any number of rows costs the same, and strangers' text stays text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from rich.cells import cell_len
from textual.geometry import Region
from textual.pilot import Pilot

from iamtui.text import visible
from iamtui.ui.render.cells import Cell
from iamtui.ui.widgets.table import RowTable, TableColumn
from tests.support.hosts import HOSTILE, Host, controls, lines_of

COLUMNS = (
    TableColumn("user", "USER", 20, 0),
    TableColumn("mfa", "MFA", 4, 1),
    TableColumn("keys", "KEYS", 6, 2, right=True),
    TableColumn("path", "PATH", 30, 3),
)


def fill(table: RowTable, names: Sequence[str]) -> None:
    table.set_rows(
        len(names), lambda row, column: Cell(visible(names[row]) if column == 0 else str(column), "", column == 2), names.__getitem__
    )


def people(count: int, start: int = 0) -> list[str]:
    return [f"user-{number:05}" for number in range(start, start + count)]


@asynccontextmanager
async def shown(
    names: Sequence[str], size: tuple[int, int] = (80, 24), columns: Sequence[TableColumn] = COLUMNS
) -> AsyncIterator[tuple[Host, RowTable, Pilot[None]]]:
    app = Host(RowTable())
    async with app.run_test(size=size) as pilot:
        table = app.widget
        assert isinstance(table, RowTable)
        table.set_columns(columns)
        fill(table, names)
        await pilot.pause()
        app.heard.clear()
        yield app, table, pilot


def under_cursor(table: RowTable) -> list[str]:
    return [line for line in lines_of(table) if line.startswith("▌")]


# -- the cursor ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        (["down", "j", "down", "up", "k"], 1),
        (["G"], 99),
        (["end"], 99),
        (["G", "g"], 0),
        (["end", "home"], 0),
        (["pagedown"], 23),
        (["ctrl+d", "ctrl+d", "pageup"], 23),
        (["ctrl+d", "ctrl+u"], 0),
        (["up"], 0),
        (["G", "down", "pagedown"], 99),
    ],
)
async def test_keys_move_the_cursor_and_it_is_always_on_screen(keys: list[str], place: int) -> None:
    async with shown(people(100)) as (app, table, pilot):
        await pilot.press(*keys)
        await pilot.pause()
        assert (table.cursor, table.cursor_key) == (place, f"user-{place:05}")
        assert [line[2:12] for line in under_cursor(table)] == [f"user-{place:05}"]
        if place:
            assert app.heard[-1] == ("highlighted", f"user-{place:05}")


async def test_enter_opens_what_is_under_the_cursor() -> None:
    async with shown(people(3)) as (app, _, pilot):
        await pilot.press("down", "enter")
        await pilot.pause()
        assert app.heard == [("highlighted", "user-00001"), ("activated", "user-00001")]


async def test_enter_on_nothing_opens_nothing() -> None:
    async with shown([]) as (app, table, pilot):
        await pilot.press("enter", "down", "G", "pageup")
        await pilot.pause()
        assert app.heard == []
        assert table.cursor_key == ""


@pytest.mark.parametrize(
    ("after", "place"),
    [
        (people(100), 50),
        (["aaa", *people(100)], 51),
        (people(60, start=40), 10),
        (list(reversed(people(100))), 49),
        (people(51), 50),
    ],
)
async def test_the_cursor_stays_on_the_same_thing_when_rows_change(after: list[str], place: int) -> None:
    async with shown(people(100)) as (app, table, pilot):
        table.move_to(50)
        await pilot.pause()
        app.heard.clear()
        fill(table, after)
        await pilot.pause()
        assert (table.cursor_key, table.cursor) == ("user-00050", place)
        assert [line.lstrip("▌ ")[:10] for line in under_cursor(table)] == ["user-00050"]
        assert app.heard == []


@pytest.mark.parametrize(
    ("after", "key"),
    [([*people(50), *people(49, start=51)], "user-00051"), (people(50), "user-00049"), (["other"], "other")],
)
async def test_a_thing_that_is_gone_is_told_and_the_cursor_stays_near(after: list[str], key: str) -> None:
    async with shown(people(100)) as (app, table, pilot):
        table.move_to(50)
        await pilot.pause()
        app.heard.clear()
        fill(table, after)
        await pilot.pause()
        assert table.cursor_key == key
        assert app.heard == [("lost", "user-00050")]
        assert len(under_cursor(table)) == 1


async def test_rows_that_are_away_for_a_while_bring_the_cursor_back() -> None:
    async with shown(people(100)) as (app, table, pilot):
        table.move_to(50)
        fill(table, [])
        await pilot.pause()
        assert table.cursor_key == ""
        fill(table, people(100))
        await pilot.pause()
        assert table.cursor_key == "user-00050"
        assert ("lost", "user-00050") not in app.heard


async def test_a_key_can_be_waited_for_before_its_row_is_there() -> None:
    async with shown([]) as (_, table, pilot):
        table.expect_key("user-00007")
        fill(table, people(20))
        await pilot.pause()
        assert table.cursor == 7


async def test_a_position_look_up_is_used_instead_of_a_search() -> None:
    async with shown(people(10)) as (_, table, _):
        table.move_to(5)
        asked: list[int] = []

        def key(row: int) -> str:
            asked.append(row)
            return f"user-{row:05}"

        table.set_rows(500_000, lambda row, column: Cell("x"), key, {"user-00005": 499_000}.get)
        assert table.cursor == 499_000
        assert len(asked) < 100


# -- cost ----------------------------------------------------------------------------------------------------------------


async def test_only_rows_in_view_are_asked_for() -> None:
    async with shown([]) as (_, table, pilot):
        asked: set[int] = set()

        def cell(row: int, column: int) -> Cell:
            asked.add(row)
            return Cell(str(row))

        table.set_rows(500_000, cell, str)
        await pilot.pause()
        assert asked <= set(range(24))
        asked.clear()
        await pilot.press("G")
        await pilot.pause()
        assert len(asked) <= 24
        assert table.cursor_key == "499999"


async def test_a_move_draws_two_rows() -> None:
    async with shown(people(100)) as (_, table, pilot):
        regions: list[Region] = []
        table.refresh = lambda *given, **_: regions.extend(given)  # type: ignore[method-assign]
        await pilot.press("down")
        assert [(region.y, region.height) for region in regions] == [(1, 1), (2, 1)]


async def test_the_same_rows_again_draw_nothing() -> None:
    async with shown(people(100)) as (_, table, pilot):
        drawn: list[object] = []
        table.refresh = lambda *given, **_: drawn.append(given)  # type: ignore[method-assign]
        fill(table, people(100))
        await pilot.pause()
        assert drawn == []
        fill(table, ["other", *people(99)])
        assert drawn


# -- columns -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "titles"), [(80, ["USER", "MFA", "KEYS", "PATH"]), (40, ["USER", "MFA", "KEYS"]), (24, ["USER", "MFA"]), (15, ["USER"])]
)
async def test_the_least_important_columns_go_first_and_a_sign_says_so(width: int, titles: list[str]) -> None:
    async with shown(people(5), (width, 10)) as (_, table, _):
        header = lines_of(table)[0]
        assert header.rstrip("› ").split() == titles
        assert header.endswith("›") is (len(titles) < len(COLUMNS))
        assert table.columns_hidden == len(COLUMNS) - len(titles)


@pytest.mark.parametrize("width", [3, 5, 10, 20, 60, 79, 160, 400])
@pytest.mark.parametrize("rows", [0, 3, 50])
async def test_every_line_is_exactly_as_wide_as_the_table(width: int, rows: int) -> None:
    async with shown(people(rows), (width, 12)) as (_, table, _):
        table.empty = "nothing here"
        assert {cell_len(line) for line in lines_of(table)} == {table.size.width}


async def test_a_resize_fits_the_columns_again() -> None:
    async with shown(people(5)) as (_, table, pilot):
        await pilot.resize_terminal(24, 10)
        await pilot.pause()
        assert table.columns_hidden == 2
        await pilot.resize_terminal(120, 10)
        await pilot.pause()
        assert table.columns_hidden == 0


async def test_numbers_stand_right_under_their_heading() -> None:
    async with shown(people(2)) as (_, table, _):
        header, first = lines_of(table)[:2]
        end = header.index("KEYS") + len("KEYS")
        assert first[end - 1] == "2"


@pytest.mark.parametrize(("descending", "sign"), [(False, "▲"), (True, "▼")])
async def test_the_heading_says_the_order(descending: bool, sign: str) -> None:
    async with shown(people(2)) as (_, table, _):
        table.sort_column, table.sort_descending = "user", descending
        table.refresh_rows()
        assert f"USER{sign}" in lines_of(table)[0]


async def test_text_that_is_too_long_ends_in_an_ellipsis() -> None:
    async with shown(["x" * 300, "漢" * 300, "short"]) as (_, table, _):
        _, ascii_line, wide_line, short_line = lines_of(table)[:4]
        assert "x…" in ascii_line
        assert "漢" in wide_line
        assert "…" in wide_line
        assert "…" not in short_line
        assert cell_len(wide_line) == table.size.width


# -- signs that need no colour -------------------------------------------------------------------------------------------


async def test_marks_are_signs_and_go_with_their_key() -> None:
    async with shown(people(5)) as (_, table, pilot):
        table.marks = {"user-00003"}
        table.refresh_rows()
        assert [line[:12] for line in lines_of(table) if "●" in line] == [" ●user-00003"]
        fill(table, list(reversed(people(5))))
        await pilot.pause()
        assert [line[:12] for line in lines_of(table) if "●" in line] == [" ●user-00003"]


async def test_why_there_is_nothing_is_said_in_its_place() -> None:
    async with shown([]) as (_, table, pilot):
        table.empty = "Denied: iam:ListUsers\n\nr tries again"
        fill(table, [])
        await pilot.pause()
        text = "\n".join(lines_of(table))
        assert "Denied: iam:ListUsers" in text
        assert "r tries again" in text


# -- mouse ---------------------------------------------------------------------------------------------------------------


async def test_a_click_moves_and_a_second_one_opens() -> None:
    async with shown(people(50)) as (app, _, pilot):
        await pilot.click(RowTable, offset=(5, 3))
        await pilot.pause()
        assert app.heard == [("highlighted", "user-00002")]
        await pilot.click(RowTable, offset=(5, 3))
        await pilot.pause()
        assert app.heard[-1] == ("activated", "user-00002")


async def test_a_click_counts_from_what_is_scrolled_away() -> None:
    async with shown(people(100)) as (_, table, pilot):
        await pilot.press("G")
        await pilot.pause()
        await pilot.click(RowTable, offset=(5, 1))
        await pilot.pause()
        assert table.cursor_key == "user-00077"
        assert len(under_cursor(table)) == 1


async def test_a_click_below_the_last_row_does_nothing() -> None:
    async with shown(people(2)) as (app, _, pilot):
        await pilot.click(RowTable, offset=(5, 10))
        await pilot.pause()
        assert app.heard == []


async def test_a_click_on_a_heading_asks_for_its_order() -> None:
    async with shown(people(2)) as (app, table, pilot):
        for column in COLUMNS:
            await pilot.click(RowTable, offset=(lines_of(table)[0].index(column.title), 0))
        await pilot.pause()
        assert app.heard == [("sort", column.id) for column in COLUMNS]


async def test_clicks_are_right_inside_a_border_and_padding() -> None:
    async with shown(people(5)) as (app, table, pilot):
        table.styles.border = ("solid", "red")
        table.styles.padding = (1, 2)
        await pilot.pause()
        await pilot.click(RowTable, offset=(6, 4))
        await pilot.pause()
        assert app.heard == [("highlighted", "user-00001")]


async def test_the_wheel_scrolls_and_the_cursor_stays() -> None:
    async with shown(people(100)) as (_, table, pilot):
        table.scroll_to(y=40, animate=False)
        await pilot.pause()
        assert table.cursor == 0
        assert under_cursor(table) == []
        await pilot.press("down")
        await pilot.pause()
        assert len(under_cursor(table)) == 1


# -- strangers' text -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (160, 24)])
async def test_hostile_cells_stay_text_on_one_line(size: tuple[int, int]) -> None:
    async with shown(HOSTILE, size) as (app, table, pilot):
        for _ in HOSTILE:
            lines = lines_of(table)
            assert not [c for line in lines for c in controls(line)]
            assert {cell_len(line) for line in lines} == {table.size.width}
            await pilot.press("down")
        assert "[bold red]markup" in "\n".join(lines_of(table))
        drawn = "".join(strip.text for strip in app.screen._compositor.render_strips(app.size))
        assert not controls(drawn)


async def test_hostile_words_for_nothing_stay_text() -> None:
    async with shown([]) as (_, table, _):
        for text in HOSTILE:
            table.empty = text
            assert not [c for line in lines_of(table) for c in controls(line)]


# -- themes --------------------------------------------------------------------------------------------------------------


async def test_another_theme_changes_what_is_drawn() -> None:
    async with shown(people(5)) as (app, table, pilot):
        table.set_rows(5, lambda row, column: Cell("denied", "state-denied"), str)
        before = list(table.render_line(2))
        app.theme = "textual-light"
        await pilot.pause()
        after = list(table.render_line(2))
        assert [s.text for s in before] == [s.text for s in after]
        assert [s.style for s in before] != [s.style for s in after]


# -- while a list grows --------------------------------------------------------------------------------------------------


async def test_a_growing_list_leaves_the_scroll_bar_until_somebody_moves() -> None:
    names = people(100)
    async with shown(names) as (_, table, pilot):
        more = people(5000)
        table.set_rows(5000, lambda row, column: Cell(more[row]), more.__getitem__, growing=True)
        await pilot.pause()
        assert table.virtual_size.height == 101
        await pilot.press("G")
        await pilot.pause()
        assert table.cursor_key == more[-1]
        assert under_cursor(table)[0].startswith("▌ user-04999")


async def test_a_list_that_has_grown_has_its_scroll_bar() -> None:
    async with shown(people(100)) as (_, table, _pilot):
        fill(table, people(5000))
        assert table.virtual_size.height == 5001


async def test_only_rows_that_changed_are_drawn_again() -> None:
    names = people(50)
    async with shown(names) as (_, table, pilot):
        drawn: list[Region] = []
        plain = table.refresh

        def refresh(*regions: Region, **how: bool) -> RowTable:
            drawn.extend(regions or [table.size.region])
            return plain(*regions, **how)

        table.refresh = refresh  # type: ignore[method-assign, assignment]
        more = [*names, "one-more"]
        table.set_rows(
            51, lambda row, column: Cell(more[row] if column == 0 else str(column), "", column == 2), more.__getitem__, growing=True
        )
        assert drawn == []
        fill(table, names)
        drawn.clear()
        fill(table, [*names[:3], "renamed", *names[4:]])
        await pilot.pause()
        assert {region.y for region in drawn} == {4}


@pytest.mark.parametrize(("rows", "bar"), [(5, 0), (50, 1)])
async def test_the_last_column_ends_at_the_scroll_bar(rows: int, bar: int) -> None:
    columns = (TableColumn("n", "N", 4, 0), TableColumn("user", "USER", 30, 0))
    async with shown(["x" * 300 for _ in range(rows)], (80, 24), columns) as (_, table, _):
        table.set_rows(rows, lambda row, column: Cell("x" * 300), str)
        assert lines_of(table)[1].rstrip().endswith("…")
        assert len(lines_of(table)[1].rstrip()) == 80 - bar
