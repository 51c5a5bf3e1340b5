"""The table of keys, and a user's file over it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType

from iamtui.ui.keymap import GROUPS, KEYS, bindings, key_words, load_keymap
from iamtui.ui.widgets.table import RowTable
from iamtui.ui.widgets.textpane import TextPane

PROMISED = {
    "go", "palette", "filter", "help", "open", "back", "history.back", "history.forward", "last-view", "down", "up", "top", "bottom",
    "page-down", "page-up", "sort", "mark", "copy", "copy-json", "export", "console", "provenance", "refresh", "diff", "zoom", "problems",
    "view.1", "view.2", "view.3", "view.4", "view.5", "pane.next", "quit", "theme",
}  # fmt: skip
TOGETHER = (("table", "explorer"), ("page", "text"))


def write(folder: Path, text: str) -> Path:
    path = folder / "keymap.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_promised_key_is_there_once_with_words_and_a_group() -> None:
    ids = [key.id for key in KEYS]
    assert len(ids) == len(set(ids))
    assert set(ids) >= PROMISED
    assert all(key.words and key.group in GROUPS for key in KEYS)


@pytest.mark.parametrize("where", TOGETHER)
def test_no_key_means_two_things_at_once(where: tuple[str, ...]) -> None:
    used: dict[str, str] = {}
    for key in (k for k in KEYS if k.where in where):
        for name in key.keys.split(","):
            assert name not in used, f"{name}: {used.get(name)} and {key.id}"
            used[name] = key.id


@pytest.mark.parametrize(("widget", "where"), [(RowTable, "table"), (TextPane, "text")])
def test_what_a_widget_binds_it_can_do(widget: type, where: str) -> None:
    for binding in bindings(where):
        assert hasattr(widget, f"action_{binding.action.partition('(')[0]}"), binding.action


def test_no_file_is_no_problem(tmp_path: Path) -> None:
    assert load_keymap(tmp_path / "nowhere.toml") == ({}, [])


@pytest.mark.parametrize("text", ["go = ", "\x00", "go", "[a\n"])
def test_a_file_that_is_not_toml_is_one_sentence(tmp_path: Path, text: str) -> None:
    chosen, problems = load_keymap(write(tmp_path, text))
    assert chosen == {}
    assert len(problems) == 1
    assert "keymap.toml" in problems[0]


def test_a_file_in_another_encoding_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "keymap.toml"
    path.write_bytes(b'go = "\xff"')
    assert len(load_keymap(path)[1]) == 1


def test_good_lines_count_beside_bad_ones(tmp_path: Path) -> None:
    chosen, problems = load_keymap(write(tmp_path, 'go = "f8"\nfly = "x"\nsort = 3\nmark = ""\nzoom = "nokey, f9"\n[table]\nx = 1'))
    assert chosen == {"go": "f8", "zoom": "f9"}
    assert len(problems) == 5
    assert any("fly" in problem for problem in problems)
    assert any("nokey" in problem for problem in problems)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (":", "colon"), ("/", "slash"), ("ctrl+k, f5", "ctrl+k,f5"), ("Ctrl+K", "ctrl+k"), ("G", "G"), ("shift+s", "S"), (",", "comma"), ("j,,", "j"),
        (" space ", "space"), ("F5", "f5"), ("ctrl+/", "ctrl+slash"), ("+", "plus"), ("é", "é"), ("alt+shift+down", "alt+shift+down"),
    ],
)  # fmt: skip
def test_keys_are_written_as_people_write_them(tmp_path: Path, written: str, meant: str) -> None:
    assert load_keymap(write(tmp_path, f"help = '{written}'"))[0] == {"help": meant}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('go = "s"', "s is both go and sort; go acts"),
        ('refresh = "s"', "s is both sort and refresh; refresh acts"),
        ('sort = "j"', "j is both down and sort; down acts"),
        ('go = "f9"\nfilter = "f9"', "f9 is both go and filter; go acts"),
    ],
)
def test_a_key_given_twice_is_told_with_who_wins(tmp_path: Path, text: str, words: str) -> None:
    _, problems = load_keymap(write(tmp_path, text))
    assert [problem.partition(": ")[2] for problem in problems] == [words]


def test_a_swap_is_no_conflict(tmp_path: Path) -> None:
    assert load_keymap(write(tmp_path, 'sort = "S"\n"sort.reverse" = "s"'))[1] == []


class Small(App[None]):
    """The keys of the explorer, noting what they do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.keys, f"note('{key.id}')", key.words, id=key.id) for key in KEYS if key.where == "explorer"
    ]

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []

    def compose(self) -> ComposeResult:
        yield RowTable()

    def action_note(self, name: str) -> None:
        self.done.append(name)


@pytest.mark.parametrize(
    ("text", "pressed", "done"),
    [
        ('filter = ":, f5"\ngo = "f6"', ["colon", "f5", "f6", "slash"], ["filter", "filter", "go"]),
        ('sort = "S"\n"sort.reverse" = "s"', ["S", "s"], ["sort", "sort.reverse"]),
        ('refresh = "s"', ["s"], ["refresh"]),
        ('go = "f9"\nfilter = "f9"', ["f9"], ["go"]),
        ('sort = "j"', ["j"], []),
    ],
)
async def test_textual_does_what_the_file_and_the_sentences_say(tmp_path: Path, text: str, pressed: list[str], done: list[str]) -> None:
    app = Small()
    async with app.run_test() as pilot:
        app.set_keymap(load_keymap(write(tmp_path, text))[0])
        await pilot.press(*pressed)
        assert app.done == done


def test_keys_are_shown_as_people_name_them() -> None:
    assert key_words("slash") == "/"
    assert key_words("escape,backspace") == "esc backspace"
    assert key_words("question_mark,f1") == "? f1"


def test_help_has_every_key_and_begins_with_those_that_work_here() -> None:
    from iamtui.ui.screens.pages import help_lines

    for where in ("explorer", "review"):
        text = ["".join(part for part, _ in line) for line in help_lines({}, where)]
        told = "\n".join(text)
        for key in KEYS:  # two keys of one meaning in one place stand once
            assert f" {key.id}\n" in told or key.words.removeprefix("in a history: ") in told, key.id
        assert text[0] == ("In a review" if where == "review" else "Find")
