"""JSON for programs: what was promised stays, told apart from what is new."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from iamtui.cli import cli
from iamtui.commands.manual.roff import contexts
from iamtui.commands.manual.shapes import recorded, shape_of
from tests import shapes
from tests.support.running import desk, one_demo, own_folders, run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("desk")
        own_folders(patch, folder)
        one_demo(patch, anew=True)
        patch.chdir(folder)
        desk(folder)
        yield folder


def test_json_keeps_its_promise(place: Path) -> None:
    """A key that is gone or has another type breaks programs; a new one is recorded by python -m tests.shapes. All in one test, in the
    order in which they were recorded, because what one command has read the next one shows."""
    promised = recorded()
    assert list(promised) == list(shapes.ANSWERS)
    now = {name: shapes.shape(name) for name in shapes.ANSWERS}
    assert {name: lost for name in now if (lost := shapes.broken(promised[name], now[name]))} == {}
    assert now == promised, "python -m tests.shapes records what is new"


def test_a_lost_key_and_another_type_are_noticed() -> None:
    old = {"[].name": "text", "[].since": "state|time", "[].count": "number"}
    assert shapes.broken(old, {**old, "[].more": "text"}) == []
    assert shapes.broken(old, {"[].name": "text", "[].since": "text"}) == ["[].since: state|time, now text", "[].count: number, now gone"]


def test_shapes_tell_types_apart() -> None:
    value = [{"a": 1, "b": None, "c": {"state": "denied", "detail": "x"}, "d": {"s3": True}}, {"a": "2026-01-01T00:00:00Z", "e": ["x"]}]
    assert shape_of(value, frozenset({"[].d"})) == {
        "": "list",
        "[]": "object",
        "[].a": "number|time",
        "[].b": "null",
        "[].c": "state",
        "[].d": "object",
        "[].d{}": "yes/no",
        "[].e": "list",
        "[].e[]": "text",
    }


def test_every_command_with_json_has_a_recorded_shape() -> None:
    """What a new command must add: a line in ANSWERS of tests/shapes.py, and a run of python -m tests.shapes."""
    told = set(shapes.ANSWERS)
    for ctx in contexts(click.Context(cli, info_name="iamtui")):
        name = ctx.command_path.partition(" ")[2]
        if any("--format" in param.opts for param in ctx.command.params) and name != "watch":
            assert any(one == name or one.startswith(f"{name} ") for one in told), name


def test_every_command_with_json_has_json_lines() -> None:
    for ctx in contexts(click.Context(cli, info_name="iamtui")):
        for param in ctx.command.params:
            if "--format" in param.opts and ctx.command_path != "iamtui review report":  # which is one document
                assert "jsonl" in param.type.choices, ctx.command_path  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "line",
    [
        "list users --demo",
        "events --limit 3 --demo",
        "who-can iam:PassRole --demo",
        "identity deploy-bot --demo",
        "matrix glue --demo",
    ],
)
def test_json_lines_are_the_same_values(place: Path, line: str) -> None:
    whole = json.loads(run(*line.split(" "), "--format", "json").stdout)
    lines = run(*line.split(" "), "--format", "jsonl").stdout.splitlines()
    assert lines
    assert [json.loads(one) for one in lines] == (whole if isinstance(whole, list) else [whole])
