"""JSON as text for a terminal: the same value, nothing a terminal obeys."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from iamtui.text import inert_json, visible

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(VALUES)
def test_the_value_stays_and_every_line_is_safe(value: object) -> None:
    text = inert_json(json.dumps(value, ensure_ascii=False, indent=2))
    assert json.loads(text) == value
    assert all(visible(line) == line for line in text.split("\n"))


def test_escapes() -> None:
    assert inert_json('"a\x7f\x9b\u202e\U000e0041é宽"') == '"a\\u007f\\u009b\\u202e\\udb40\\udc41é宽"'
