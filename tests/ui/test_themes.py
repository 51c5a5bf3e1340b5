"""Palettes: every shipped one is readable, and no file of a user's can stop the app."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from iamtui.ui import themes
from iamtui.ui.render.cells import Cell
from iamtui.ui.widgets.table import RowTable, TableColumn
from tests.support.hosts import Host

SHIPPED = themes.all_themes(None)[0]
RGB = [theme for theme in SHIPPED if not theme.ansi]


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_palettes_load_and_have_distinct_names_that_are_their_files() -> None:
    loaded, problems = themes.all_themes(None)
    assert problems == []
    assert len(loaded) >= 6
    files = {path.stem for path in themes.shipped_theme_dir().glob("*.toml")}
    assert {theme.name for theme in loaded} == files
    assert {themes.DEFAULT, themes.ANSI, "iamtui-light", "high-contrast", "colour-blind", "monochrome"} <= files


@pytest.mark.parametrize("theme", SHIPPED, ids=lambda t: t.name)
def test_a_shipped_palette_sets_every_meaning(theme) -> None:
    assert set(themes.MEANINGS) <= set(theme.variables)


def contrast(one: Color, other: Color) -> float:
    """WCAG 2.1 contrast ratio."""

    def luminance(colour: Color) -> float:
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.normalized]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", RGB, ids=lambda t: t.name)
def test_text_can_be_read_on_every_background(theme) -> None:
    made = theme.to_color_system().generate()
    for ground in ("background", "surface", "panel"):
        under = Color.parse(made[ground])
        for name, value in [*themes.meanings(theme).items(), ("foreground", made["foreground"])]:
            ratio = contrast(under.blend(Color.parse(value), 1), under)
            assert ratio >= 4.5, f"{theme.name}: {name} {value} on {ground} {made[ground]} has {ratio:.1f}"


def test_high_contrast_is_what_it_says() -> None:
    theme = next(t for t in SHIPPED if t.name == "high-contrast")
    under = Color.parse(theme.background)
    assert all(contrast(Color.parse(value), under) >= 7 for value in themes.meanings(theme).values())


def seen_by(colour: Color, missing: str) -> tuple[float, float, float]:
    """What is left of a colour without red (protan) or green (deutan) cones: Vienot, Brettel and Mollon 1999, in linear RGB."""
    red, green, blue = (c**2.2 for c in colour.normalized)
    long, middle, short = (
        17.8824 * red + 43.5161 * green + 4.1193 * blue,
        3.4557 * red + 27.1554 * green + 3.8671 * blue,
        0.02996 * red + 0.18431 * green + 1.4670 * blue,
    )
    if missing == "protan":
        long = 2.02344 * middle - 2.52581 * short
    else:
        middle = 0.49421 * long + 1.24827 * short
    return (
        0.0809 * long - 0.1305 * middle + 0.1167 * short,
        -0.0102 * long + 0.0540 * middle - 0.1136 * short,
        -0.0003 * long - 0.0041 * middle + 0.6935 * short,
    )


@pytest.mark.parametrize("missing", ["protan", "deutan"])
def test_allow_and_deny_differ_without_red_or_green_sight(missing: str) -> None:
    theme = next(t for t in SHIPPED if t.name == "colour-blind")
    for one, other in (("effect-allow", "effect-deny"), ("diff-added", "diff-removed"), ("state-denied", "effect-allow")):
        a, b = (seen_by(Color.parse(theme.variables[name]), missing) for name in (one, other))
        assert sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5 > 0.25, (one, other)


@pytest.mark.parametrize("theme", list(BUILTIN_THEMES.values()), ids=lambda t: t.name)
def test_every_theme_of_textual_has_a_colour_for_our_meanings(theme) -> None:
    found = themes.meanings(theme)
    assert set(found) == set(themes.MEANINGS)
    assert not [value for value in found.values() if "$" in value]


BROKEN = {
    "no toml": "name = ",
    "no primary": 'name = "x"',
    "bad colour": 'primary = "#12345"',
    "bad variable": 'primary = "#123456"\n[variables]\neffect-deny = "not a colour"',
    "css": 'primary = "#123456"\n[variables]\nfooter-background = "red; } Screen { display: none; "',
    "reference": 'primary = "#123456"\n[variables]\njson-key = "$nowhere"',
    "variable name": 'primary = "#123456"\n[variables]\n"a b" = "red"',
    "unknown setting": 'primary = "#123456"\ncolour = "red"',
    "dark is text": 'primary = "#123456"\ndark = "yes"',
    "name is a number": 'primary = "#123456"\nname = 3',
    "colour is a number": "primary = 3",
    "variables is text": 'primary = "#123456"\nvariables = "x"',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_palette_is_one_sentence_with_its_file(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"^mine\.toml: ") as caught:
        themes.load_theme(write(tmp_path, "mine", text))
    assert "\n" not in str(caught.value).strip()


def test_all_broken_ones_are_told_at_once_and_the_good_ones_stay(tmp_path: Path) -> None:
    for number, text in enumerate(BROKEN.values()):
        write(tmp_path, f"broken{number}", text)
    (tmp_path / "latin.toml").write_bytes(b'primary = "\xff"')
    write(tmp_path, "good", 'primary = "#123456"')
    loaded, problems = themes.all_themes(tmp_path)
    assert len(problems) == len(BROKEN) + 1
    assert "good" in {theme.name for theme in loaded}


def test_a_users_palette_stands_in_front_of_ours_and_a_broken_one_falls_back(tmp_path: Path) -> None:
    write(tmp_path, themes.DEFAULT, 'primary = "#abcdef"')
    theme, problems = themes.find(themes.DEFAULT, tmp_path)
    assert theme is not None
    assert (theme.primary, problems) == ("#abcdef", [])
    write(tmp_path, themes.DEFAULT, "primary = 3")
    theme, problems = themes.find(themes.DEFAULT, tmp_path)
    assert theme is not None
    assert theme.primary != "#abcdef"
    assert len(problems) == 1


def test_one_palette_is_read_without_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = themes.load_theme
    monkeypatch.setattr(themes, "load_theme", lambda path: (read.append(path.stem), original(path))[1])
    themes.find(themes.DEFAULT, tmp_path)
    assert read == [themes.DEFAULT]


@pytest.mark.parametrize("name", ["../outside", "", "..", "/etc/outside"])
def test_a_name_is_a_name_and_not_a_path(tmp_path: Path, name: str) -> None:
    write(tmp_path, "outside", 'primary = "#abcdef"')
    (tmp_path / "mine").mkdir()
    assert themes.find(name, tmp_path / "mine") == (None, [])


MINIMAL = {
    "rgb": 'primary = "#123456"',
    "ansi": 'primary = "ansi_blue"\nansi = true',
    "light ansi": 'primary = "ansi_blue"\nansi = true\ndark = false',
}


async def test_the_stylesheet_holds_under_every_palette(tmp_path: Path) -> None:
    own = [themes.load_theme(write(tmp_path, f"mine-{number}", text)) for number, text in enumerate(MINIMAL.values())]
    app = Host(RowTable())
    async with app.run_test() as pilot:
        for theme in [*SHIPPED, *own]:
            app.register_theme(theme)
            app.theme = theme.name
            await pilot.pause()
            assert app.screen.styles.background is not None
    for theme in [*SHIPPED, *own]:
        first = Host(RowTable())
        first.register_theme(theme)
        first.theme = theme.name
        async with first.run_test():
            assert first.current_theme is theme


@pytest.mark.parametrize("theme", SHIPPED, ids=lambda t: t.name)
@pytest.mark.parametrize("focused", [True, False])
async def test_the_row_under_the_cursor_stands_out(theme, focused: bool) -> None:
    app = Host(RowTable())
    app.register_theme(theme)
    app.theme = theme.name
    async with app.run_test() as pilot:
        table = app.widget
        table.set_columns([TableColumn("x", "X", 10)])
        table.set_rows(3, lambda row, column: Cell("text"), str)
        if not focused:
            app.set_focus(None)
        await pilot.pause()
        under, other = (list(table.render_line(y)) for y in (1, 2))
        assert "".join(s.text for s in under).startswith("▌")
        assert under[0].style != other[0].style
        assert (under[0].style.bgcolor, under[0].style.reverse, under[0].style.underline) != (
            other[0].style.bgcolor,
            other[0].style.reverse,
            other[0].style.underline,
        )
        if not theme.ansi:
            ink, ground = under[0].style.color, under[0].style.bgcolor
            assert contrast(Color.from_rich_color(ink), Color.from_rich_color(ground)) >= 4.5
