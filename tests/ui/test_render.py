"""Model to screen text: every state has its own word and look at every width, and nothing passes the door alive."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import iamtui.ui
from iamtui.analysis.lists import Column, ColumnKind
from iamtui.model.fact import Fact, State, absent, known
from iamtui.ui.render.cells import SHORT, STATE_STYLE, Cell, cell
from iamtui.ui.render.chrome import fitted, hints, tabs
from iamtui.ui.render.documents import as_text, diff_lines, json_lines, plain_lines, pretty
from iamtui.ui.render.facts import detail, origin_words
from iamtui.ui.widgets.table import RowTable, TableColumn
from iamtui.ui.widgets.textpane import TextPane
from tests.support.hosts import HOSTILE, Host, controls, lines_of

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
ABSENT = [state for state in State if state is not State.KNOWN]
KINDS: dict[ColumnKind, Any] = {
    ColumnKind.TEXT: "text",
    ColumnKind.NUMBER: 41,
    ColumnKind.BOOL: False,
    ColumnKind.TIME: NOW - timedelta(days=3),
    ColumnKind.LIST: ("ops", "dev"),
}


def column(kind: ColumnKind = ColumnKind.TEXT, id: str = "x") -> Column:
    return Column(id, "X", kind, "", lambda item, snapshot: known(""))


def missing(state: State) -> Fact[Any]:
    return absent(
        state, "iam:GetCredentialReport", NOW, {State.DENIED: "iam:GetCredentialReport", State.FAILED: "Throttling"}.get(state, "")
    )


@pytest.mark.parametrize(
    ("kind", "text", "right"),
    [
        (ColumnKind.TEXT, "text", False),
        (ColumnKind.NUMBER, "41", True),
        (ColumnKind.BOOL, "no", False),
        (ColumnKind.TIME, "3 d", True),
        (ColumnKind.LIST, "ops, dev", False),
    ],
)
def test_values_by_kind(kind: ColumnKind, text: str, right: bool) -> None:
    assert cell(known(KINDS[kind]), column(kind), NOW) == Cell(text, "", right)


@pytest.mark.parametrize("kind", ColumnKind)
def test_every_state_has_its_own_word_and_none_looks_like_a_value_or_empty(kind: ColumnKind) -> None:
    words = [cell(missing(state), column(kind), NOW).text for state in ABSENT]
    words += [cell(known(KINDS[kind]), column(kind), NOW).text, cell(known(""), column(), NOW).text]
    assert len(set(words)) == len(words)
    assert all(words)


def test_every_state_has_a_style_that_the_widgets_and_palettes_know() -> None:
    assert set(STATE_STYLE) == set(SHORT) == set(ABSENT)
    assert set(STATE_STYLE.values()) <= RowTable.COMPONENT_CLASSES & TextPane.COMPONENT_CLASSES
    assert len({STATE_STYLE[state] for state in (State.NEVER, State.DENIED, State.FAILED, State.NOT_LOADED)}) == 4


@pytest.mark.parametrize("width", range(4, 36))
async def test_the_states_differ_at_every_width_without_colour(width: int) -> None:
    facts: list[Fact[Any]] = [*(missing(state) for state in ABSENT), known(True), known(False), known(()), known(NOW - timedelta(days=3))]
    app = Host(RowTable())
    async with app.run_test(size=(width + 3, 20)) as pilot:
        table = app.widget
        assert isinstance(table, RowTable)
        table.set_columns([TableColumn("x", "X", width, 0)])
        table.set_rows(len(facts), lambda row, _: cell(facts[row], column(), NOW), str)
        await pilot.pause()
        seen = [line[2:].strip() for line in lines_of(table)[1 : len(facts) + 1]]
        assert len(set(seen)) == len(facts), seen


def test_denied_says_what_was_denied_in_detail() -> None:
    words, style = detail(missing(State.DENIED), NOW)
    assert words == "denied: iam:GetCredentialReport"
    assert style == "state-denied"
    assert detail(known(NOW), NOW) == ("2026-10-01 12:00:00 UTC (now)", "")


@given(st.text(), st.sampled_from(list(State)))
def test_nothing_passes_the_door_alive(text: str, state: State) -> None:
    fact: Fact[Any] = Fact(state, text, text, NOW, text)
    assert not controls(cell(fact, column(), NOW).text)
    assert not controls(cell(known((text, text)), column(ColumnKind.LIST), NOW).text)
    assert not controls(detail(fact, NOW)[0] + origin_words(fact))
    for line in (*json_lines(text), *plain_lines(text), *diff_lines([("added", text), ("odd", text)])):
        assert not controls("".join(piece for piece, _ in line))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_keeps_what_can_be_read(text: str) -> None:
    shown = cell(known(text), column(), NOW).text
    assert not controls(shown)
    assert len(shown) <= 400
    assert as_text([(shown, "")]).plain == shown


# -- documents -----------------------------------------------------------------------------------------------------------

POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":["arn:aws:s3:::b/*"],"Max":3600,"On":true}]}'


def test_json_is_laid_out_and_its_parts_are_told_apart() -> None:
    styles = {text: style for line in json_lines(POLICY) for text, style in line}
    assert styles['"Effect"'] == "json-key"
    assert styles['"Deny"'] == "effect-deny"
    assert styles['"*"'] == "severity-high"
    assert styles['"arn:aws:s3:::b/*"'] == "json-string"
    assert styles["3600"] == "json-number"
    assert styles["true"] == "json-keyword"
    assert len(json_lines(POLICY)) > 8


@pytest.mark.parametrize("text", ["", "{", '{"a": ', '"open', "not json", "[" * 5000, '{"a":1}{"b":2}', "\ud800", "{'a': 1}", '{"a": NaN}'])
def test_text_that_is_no_json_is_shown_as_it_is(text: str) -> None:
    shown = "\n".join("".join(piece for piece, _ in line) for line in json_lines(text))
    assert shown.split(" … ")[0][:4000].replace("\n", "").replace(" ", "")[:20] == shown.replace("\n", "").replace(" ", "")[:20]
    assert pretty("not json") == "not json"


@given(st.text(alphabet='{}[]",:\\ 0eE.-+truefalsnA\n\t', max_size=200))
def test_the_tokenizer_loses_no_character(text: str) -> None:
    shown = "\n".join("".join(piece for piece, _ in line) for line in json_lines(text))
    assert shown == pretty(text).replace("\t", "    ")


def test_a_line_without_end_is_cut_and_says_so() -> None:
    lines = json_lines('"' + "x" * 100_000 + '"')
    assert len(lines) == 1
    assert "96002 more" in lines[0][-1][0]


def test_a_diff_says_by_sign_what_it_says_by_colour() -> None:
    lines = diff_lines([("same", "a"), ("removed", "b"), ("added", "c")])
    assert lines == [[("  a", "")], [("- b", "diff-removed")], [("+ c", "diff-added")]]


# -- lines around --------------------------------------------------------------------------------------------------------

PARTS = [
    ("PROD", "bold", 1),
    ("acme-prod 123456789012", "bold", 0),
    ("eu-west-1 us-east-1", "", 5),
    ("role/audit", "", 4),
    ("READ-ONLY", "bold", 1),
    ("as of 14:02 (3 min)", "", 3),
    ("2 problems !", "bold", 2),
]


@pytest.mark.parametrize("width", range(1, 170, 3))
def test_a_line_that_is_too_long_keeps_what_matters(width: int) -> None:
    text = fitted(PARTS, width)
    assert text.cell_len <= width
    if width >= 60:
        assert "123456789012" in text.plain
        assert "READ-ONLY" in text.plain
        assert "2 problems !" in text.plain
    if width >= 160:
        assert all(words in text.plain for words, _, _ in PARTS)


@pytest.mark.parametrize("width", range(10, 170, 5))
def test_tabs_shorten_before_they_go(width: int) -> None:
    text = tabs([(str(n), title, "1,234+", n == 1) for n, title in enumerate(("Users", "Roles", "Groups", "Policies", "Events"), 1)], width)
    assert text.cell_len <= width
    if width >= 60:
        assert all(f" {n} " in text.plain for n in range(1, 6))
    if width >= 100:
        assert "Policies" in text.plain


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=20))), st.integers(0, 200))
def test_hints_are_as_many_as_fit_and_whole(pairs: list[tuple[str, str]], width: int) -> None:
    assert hints(pairs, width).cell_len <= width


def test_names_of_styles_in_the_code_are_names_of_the_stylesheet() -> None:
    """A misspelt style is drawn as none: nobody would see that a state has lost its colour."""
    known_names = RowTable.COMPONENT_CLASSES | TextPane.COMPONENT_CLASSES
    pattern = re.compile(r"(?:state|severity|effect|json|diff)-[a-z]+")
    for path in Path(iamtui.ui.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and pattern.fullmatch(node.value):
                assert node.value in known_names, f"{path.name}: {node.value}"
