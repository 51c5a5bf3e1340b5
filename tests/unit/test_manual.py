"""The manual: every command has a page, and every example in it runs on the demo account."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from iamtui.cli import cli
from iamtui.commands.manual import TOPICS, examples, man_page, man_pages, page_of, pages, topic
from iamtui.commands.manual.pages import CODES
from iamtui.commands.manual.roff import contexts
from iamtui.config import SETTINGS
from iamtui.errors import Exit
from tests.support.running import desk, one_demo, own_folders, run, run_line

README = (Path(__file__).parents[2] / "README.md").read_text()
COMMANDS = {ctx.command_path.partition(" ")[2]: ctx for ctx in contexts(click.Context(cli, info_name="iamtui"))}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("desk")
        own_folders(patch, folder)
        one_demo(patch)
        patch.chdir(folder)
        desk(folder)
        yield folder


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_page(name: str) -> None:
    """What a new command must add: a table in pages.toml with examples (a group: see), and its kin under `see`."""
    page, ctx = page_of(name), COMMANDS[name]
    assert page.see, f"[{name}] in iamtui/commands/manual/pages.toml"
    if not isinstance(ctx.command, click.Group) or not name:
        assert page.examples, f"[{name}] in pages.toml has no examples"
    for other in page.see:
        assert other in COMMANDS or other in TOPICS, other
    assert {int(code) for code in page.exit} <= set(CODES)
    text = ctx.get_help()
    for heading in ("Exit status:", "See also:"):
        assert f"\n{heading}\n" in text
    for example in page.examples:
        assert f"  {example.line}\n" in text  # never wrapped: it is to be pasted


def test_no_page_is_of_a_command_that_is_gone() -> None:
    assert set(pages()) <= set(COMMANDS)


def test_codes_of_checks_are_told_by_the_commands_that_have_them() -> None:
    for name, ctx in COMMANDS.items():
        if any("--fail-on" in param.opts and param.default != "none" for param in ctx.command.params):
            assert "1" in page_of(name).exit, name


@pytest.mark.parametrize(("name", "line", "code"), [(n, e.line, e.code) for n, e in examples() if not e.live])
def test_an_example_runs_as_it_stands(place: Path, name: str, line: str, code: int) -> None:
    assert line.startswith(f"iamtui {name}".rstrip())
    done = run_line(line)
    assert done.exit_code == code, done.stderr
    assert done.stdout or done.stderr or " -o " in line


def parse(line: str) -> None:
    """Words that click takes, up to a pipe or a redirection."""
    inside = re.fullmatch(r".*\$\((.*)\).*", line)
    words = shlex.split(re.split(r" (?:[|<>]|\|\||>>) ", inside[1] if inside else line)[0], comments=True)
    ctx = click.Context(cli, info_name="iamtui")
    rest = words[1:]
    while isinstance(ctx.command, click.Group) and rest and rest[0] in ctx.command.list_commands(ctx):
        found = ctx.command.get_command(ctx, rest[0])
        assert found is not None
        ctx, rest = click.Context(found, ctx, info_name=rest[0]), rest[1:]
    ctx.command.parse_args(ctx, rest)


@pytest.mark.parametrize("line", [e.line for _, e in examples() if e.live])
def test_an_example_for_an_account_can_be_parsed(line: str) -> None:
    parse(line)


def test_the_gate_of_a_pipeline_can_be_parsed() -> None:
    text = topic("ci")
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("iamtui ")]
    assert len(lines) >= 8
    for line in lines:
        parse(line)
    workflow = yaml.safe_load(textwrap.dedent("  name: iam\n" + text.partition("  name: iam\n")[2]))
    assert workflow["permissions"] == {"id-token": "write", "contents": "read"}
    steps = yaml.safe_load(README.partition("```yaml\n")[2].partition("```")[0])
    for line in (step["run"] for step in steps if "run" in step):
        parse(line)


def test_help_of_commands_and_topics(place: Path) -> None:
    assert "Usage: iamtui review queue" in run("help", "review", "queue").stdout
    assert "iamtui help TOPIC" in run("help").stdout
    for name in TOPICS:
        assert run("help", name).stdout == topic(name)
        assert max(len(line) for line in topic(name).splitlines()) <= 200
    assert run("help", "nothing").exit_code == 2
    for setting in SETTINGS:
        assert setting.env in topic("environment")


def test_exit_codes_are_told_once() -> None:
    assert {int(code) for code in Exit} <= set(CODES)
    for code, said in CODES.items():
        assert f"{code:3}  {said}" in topic("exit-codes")
        assert f"| {code} | {said} |" in README.replace("\\|", "|")


def test_the_readme_shows_the_topics_it_leans_on() -> None:
    for name in TOPICS:
        assert f"`iamtui help {name}`" in README, name


def test_man_pages_are_roff_and_hold_nothing_roff_would_obey(tmp_path: Path) -> None:
    out = run("man", "-o", str(tmp_path))
    assert out.exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == {name for name, _ in man_pages(COMMANDS[""])}
    for path in tmp_path.iterdir():
        text = path.read_text()
        for heading in ("NAME", "SYNOPSIS", "OPTIONS", "EXIT STATUS", "SEE ALSO"):
            assert f"\n.SH {heading}\n" in text
        known = ("TH", "SH", "TP", "PP", "B ", "nf", "fi", "RS", "RE", "br")
        assert all(line[1:].startswith(known) for line in text.splitlines() if line[:1] in (".", "'"))
        assert not re.search(r"\\(?!\[u)[^ef&-]", text)


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not here")
def test_groff_has_nothing_to_say_about_a_page() -> None:
    for name in ("", "events", "sql"):
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-P-cbou"], input=man_page(COMMANDS[name]), capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert "EXAMPLES" in done.stdout
