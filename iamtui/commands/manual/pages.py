"""Pages of commands: what click does not know of them."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator, Sequence
from importlib.resources import files

import click
import msgspec

CODES: dict[int, str] = {
    0: "fine",
    1: "a check failed",
    2: "wrong use, bad input, or a name that is nowhere in what was read",
    3: "AWS refused, or could not be reached, and nothing was there to answer with",
    4: "a partial answer; what is missing is named on standard error",
    70: "a defect of iamtui; its traceback is in the file that is named",
    130: "interrupted (ctrl+c)",
    141: "standard output was closed before the end (| head)",
}
"""Exit codes, told once."""


class Example(msgspec.Struct, frozen=True):
    """A line to type. `live`: it needs an AWS account, a terminal or many seconds; `code`: what it ends with on the demo account."""

    words: str
    line: str
    live: bool = False
    code: int = 0


class Page(msgspec.Struct, frozen=True):
    """exit: what codes mean here, where that is more than `CODES` says; see: commands, and topics of the manual."""

    about: str = ""
    examples: tuple[Example, ...] = ()
    exit: dict[str, str] = {}
    see: tuple[str, ...] = ()


@functools.cache
def pages() -> dict[str, Page]:
    """Every page by the words of its command, "" that of the program."""
    text = files(__package__).joinpath("pages.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, Page], strict=False)


def page_of(command: str) -> Page:
    """The page of a command by its words after the program's name; an empty one where there is none."""
    return pages().get(command, Page())


def examples() -> Iterator[tuple[str, Example]]:
    """Every example with its command."""
    for name, page in pages().items():
        for example in page.examples:
            yield name, example


def words_of(ctx: click.Context) -> str:
    """The command's words without the program's name."""
    return ctx.command_path.partition(" ")[2]


def exit_lines(command: click.Command, page: Page) -> list[tuple[str, str]]:
    """The codes a command can end with, and what each means here."""
    own = {int(code): said for code, said in page.exit.items()}
    options = {name for param in command.params for name in param.opts}
    if "--fail-on" in options:
        own.setdefault(1, "what --fail-on names was found")
    shown = {0, 2, *own, *((3, 4) if "--profile" in options else ())}
    return [(str(code), own.get(code, CODES[code])) for code in sorted(shown)]


def see_lines(page: Page) -> list[str]:
    """Where to look next, as lines to type."""
    from .topics import TOPICS

    return [f"iamtui help {name}" if name in TOPICS else f"iamtui {name} --help" for name in page.see]


def format_about(ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """What goes on after the docstring."""
    about = page_of(words_of(ctx)).about.strip()
    for paragraph in about.split("\n\n") if about else ():
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(" ".join(paragraph.split()))


def format_sections(ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """What follows the options in `--help`. Lines to type are never wrapped."""
    page = page_of(words_of(ctx))
    if page.examples:
        with formatter.section("Examples"):
            for example in page.examples:
                _raw(formatter, [f"# {example.words}", example.line])
    with formatter.section("Exit status"):
        formatter.write_dl(exit_lines(ctx.command, page))
    if page.see:
        with formatter.section("See also"):
            _raw(formatter, see_lines(page))


def _raw(formatter: click.HelpFormatter, lines: Sequence[str]) -> None:
    for line in lines:
        formatter.write(f"{'':>{formatter.current_indent}}{line}\n")
