"""The net under the rendering door, and what is known of the terminal around."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.color import Color
from textual.filter import LineFilter
from textual.widgets import DataTable, Label, OptionList, Static

from iamtui.ui.terminal import ControlFilter, has_desktop, over_ssh, write_raw
from tests.support.hosts import HOSTILE, controls

BLACK = Color(0, 0, 0)


@given(st.lists(st.text()))
def test_no_segment_keeps_a_control_character_or_changes_its_length(texts: list[str]) -> None:
    before = [Segment(text, Style(bold=True)) for text in texts]
    after = ControlFilter().apply(before, BLACK)
    assert [len(segment.text) for segment in after] == [len(text) for text in texts]
    assert all(segment.style == Style(bold=True) for segment in after)
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for segment in after for c in segment.text)


def test_ordinary_segments_are_passed_on_as_they_are() -> None:
    segment = Segment("arn:aws:iam::123456789012:user/漢字")
    assert ControlFilter().apply([segment], BLACK)[0] is segment


class Careless(App[None]):
    """Widgets of Textual's, given account text as nobody should."""

    net = True

    def get_line_filters(self) -> Sequence[LineFilter]:
        return (*super().get_line_filters(), ControlFilter()) if self.net else super().get_line_filters()

    def compose(self) -> ComposeResult:
        yield Label("label \x1b]52;c;aGFja2Vk\x07", markup=False)
        yield Static("static \x9b31m", markup=False)
        yield OptionList("option \x1b[2J", markup=False)
        table: DataTable[str] = DataTable()
        table.add_column("c")
        table.add_row("table \x1b]0;owned\x07")
        yield table


@pytest.mark.parametrize("net", [True, False])
async def test_the_net_catches_what_widgets_let_through(net: bool) -> None:
    app = Careless()
    app.net = net
    async with app.run_test():
        text = "".join(strip.text for strip in app.screen._compositor.render_strips(app.size))
    assert bool(controls(text)) is not net
    if net:
        assert "label �]52" in text


def test_nothing_is_written_where_there_is_no_terminal() -> None:
    assert write_raw(App(), "\x1b]52;c;eA==\x07") is False


@pytest.mark.parametrize(
    ("environ", "ssh", "desktop"),
    [
        ({}, False, False),
        ({"SSH_TTY": "/dev/pts/1"}, True, False),
        ({"SSH_CONNECTION": "1 2 3 4", "DISPLAY": ":0"}, True, False),
        ({"DISPLAY": ":0"}, False, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, False, True),
        ({"SSH_TTY": ""}, False, False),
    ],
)
def test_where_the_person_sits(environ: dict[str, str], ssh: bool, desktop: bool) -> None:
    assert (over_ssh(environ), has_desktop(environ)) == (ssh, desktop)


def test_the_hostile_strings_are_hostile() -> None:
    assert sum(bool(controls(text)) for text in HOSTILE) >= 9
