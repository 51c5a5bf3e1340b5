"""Settings: flag before environment before file before default; what is wrong is said and never fatal."""

from __future__ import annotations

from pathlib import Path

from iamtui.config import SETTINGS, Settings, load


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def test_the_order_of_precedence(tmp_path: Path) -> None:
    file = written(tmp_path, 'theme = "dusk"\nregions = ["eu-west-1"]\nlookup-days = 30\n')
    assert load({}, {}, file).theme == "dusk"
    assert load({}, {"IAMTUI_THEME": "monochrome"}, file).theme == "monochrome"
    settings = load({"theme": "high-contrast", "regions": ()}, {"IAMTUI_THEME": "monochrome"}, file)
    assert settings.theme == "high-contrast"
    assert settings.regions == ("eu-west-1",)
    assert settings.came_from == {"theme": "--theme", "regions": str(file), "lookup_days": str(file)}


def test_defaults_are_those_of_the_table(tmp_path: Path) -> None:
    settings = load({}, {}, tmp_path / "none.toml")
    for setting in SETTINGS:
        assert getattr(settings, setting.name) == setting.default == getattr(Settings(), setting.name)
    assert settings.problems == ()


def test_every_setting_reads_its_variable(tmp_path: Path) -> None:
    text = {str: "x", list: "a b,c", int: "7", bool: "yes"}
    value = {str: "x", list: ("a", "b", "c"), int: 7, bool: True}
    for setting in SETTINGS:
        settings = load({}, {setting.env: text[setting.kind]}, tmp_path / "none.toml")
        assert getattr(settings, setting.name) == value[setting.kind]


def test_what_is_wrong_is_said_and_the_rest_is_used(tmp_path: Path) -> None:
    file = written(
        tmp_path, 'theme = 7\nlookup-days = "many"\nmous = true\nregions = "eu-west-1"\n[accounts]\n123456789012 = "PRODUCTION"\n'
    )
    settings = load({}, {"IAMTUI_MOUSE": "perhaps", "IAMTUI_CLIPBOARD_CAP": "much"}, file)
    assert settings.regions == ("eu-west-1",)
    assert settings.account_labels == {"123456789012": "PRODUCTION"}
    assert settings.theme == "iamtui-dark"
    said = "\n".join(settings.problems)
    for word in ("theme wants text", "lookup-days wants a number", "no setting mous", "IAMTUI_MOUSE", "IAMTUI_CLIPBOARD_CAP"):
        assert word in said
    assert str(file) in said


def test_an_engine_there_is_not_is_said(tmp_path: Path) -> None:
    settings = load({}, {"IAMTUI_ENGINE": "presto"}, tmp_path / "none.toml")
    assert settings.problems == ("IAMTUI_ENGINE: there is no engine presto; there are local, athena, lake",)


def test_a_broken_file_is_said_and_not_touched(tmp_path: Path) -> None:
    file = written(tmp_path, "theme = [")
    settings = load({}, {}, file)
    assert settings.theme == "iamtui-dark"
    assert str(file) in settings.problems[0]
    assert file.read_text() == "theme = ["
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe\x00")
    assert load({}, {}, path).problems
