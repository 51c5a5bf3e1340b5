"""Action patterns: `*`, `?`, either case, and no pattern that takes for ever."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.policy.wildcard import matches


@pytest.mark.parametrize(
    ("pattern", "action", "expected"),
    [
        ("*", "s3:GetObject", True),
        ("s3:*", "s3:GetObject", True),
        ("S3:GETOBJECT", "s3:GetObject", True),
        ("s3:Get*", "s3:GetObject", True),
        ("s3:Get*", "s3:PutObject", False),
        ("s3:*Object", "s3:GetObject", True),
        ("s3:*Object", "s3:GetObjectAcl", False),
        ("s3:G?tObject", "s3:GetObject", True),
        ("s3:G?tObject", "s3:GtObject", False),
        ("s3:GetObject", "s3:GetObjectAcl", False),
        ("s3:[a-z]*", "s3:GetObject", False),
        ("*:*t", "s3:GetObject", True),
        ("", "s3:GetObject", False),
        ("s3:a*a", "s3:a", False),
    ],
)
def test_matches(pattern: str, action: str, expected: bool) -> None:
    assert matches(pattern, action) is expected


@given(st.text(alphabet="ab*?", max_size=8), st.text(alphabet="ab", max_size=10))
def test_agrees_with_the_shell(pattern: str, text: str) -> None:
    assert matches(pattern, text) is fnmatch.fnmatchcase(text, pattern)


def test_a_hostile_pattern_ends() -> None:
    """Without atomic groups this backtracks for longer than the universe lasts."""
    assert not matches("*a" * 40 + "b", "a" * 200)
