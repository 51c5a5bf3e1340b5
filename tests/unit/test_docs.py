"""What is not documented does not exist: settings, commands, columns, keys and the policy are held against the README."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from iamtui.analysis.lists import columns
from iamtui.cli import cli
from iamtui.config import SETTINGS, Settings
from iamtui.source.live.guard import OTHERS, required_policy
from iamtui.ui.keymap import KEYS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.name)
def test_every_setting_is_documented_and_has_its_three_ways(setting: object) -> None:
    name, toml, env, flag = setting.name, setting.toml, setting.env, setting.flag  # type: ignore[attr-defined]
    assert f"| `{toml}` | `{env}` | `{flag}` |" in README
    assert hasattr(Settings(), name)
    options = {part for option in cli.params for part in (*option.opts, *option.secondary_opts)}
    assert set(flag.split("/")) <= options


def test_every_command_is_documented() -> None:
    for name in cli.commands:
        assert f"`iamtui {name}" in README, name


@pytest.mark.parametrize("kind", ["users", "roles", "groups", "policies", "events"])
def test_every_json_field_is_documented(kind: str) -> None:
    line = next(line for line in README.splitlines() if line.startswith(f"- **{kind}**:"))
    assert re.findall(r"`([^`]+)`", line) == [column.id for column in columns(kind)]


def test_the_policy_in_the_readme_is_the_allow_list() -> None:
    text = README.partition("```json")[2].partition("```")[0]
    assert json.loads(text) == required_policy()
    for service, operation in OTHERS:
        assert f"`{service}:{operation}`" in README


def test_every_shipped_theme_is_named() -> None:
    for path in (ROOT / "themes").glob("*.toml"):
        assert f"`{path.stem}`" in README


def test_every_key_has_words_and_a_name_of_its_own() -> None:
    assert len({key.id for key in KEYS}) == len(KEYS)
    assert all(key.words for key in KEYS)


def test_the_readme_speaks_of_pictures_that_are_there() -> None:
    for path in re.findall(r"\]\((screenshots/[^)]+)\)", README):
        assert (ROOT / path).is_file()


def test_two_commands_of_one_line() -> None:
    assert ".venv/bin/iamtui --demo" in README
    command = README.partition("<!-- the test command -->")[2].strip().splitlines()[0]
    assert command.endswith("python -m pytest")


def test_the_query_over_an_organisations_trail_is_one_athena_gets() -> None:
    """The recipe's text passes the door, keeps its account partition, and gets the bound on days."""
    from datetime import UTC, datetime

    from iamtui.model.remote import TrailTable
    from iamtui.query.remote import check_athena, for_athena

    text = re.search(r'--athena-table audit\.cloudtrail_org "(.+)"', README)
    assert text is not None
    keys = re.search(r"PARTITIONED BY \((.+)\)", README)
    assert keys is not None
    partitions = tuple(re.findall(r"`(\w+)`", keys[1]))
    table = TrailTable("cloudtrail_org", "audit", partitions=partitions, formats={"day": "yyyy/MM/dd"}, projected=True)
    sent = for_athena(check_athena(text[1]), table, None, datetime(2026, 11, 27, tzinfo=UTC))
    assert "account IN ('111122223333', '444455556666')" in sent.text
    assert '"cloudtrail_org"' in sent.text
    assert "day" in sent.added
    assert all(f"projection.{name}.type" in README for name in partitions)
