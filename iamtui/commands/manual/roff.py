"""Man pages, in the roff that `man -l -` shows, from the same source as `--help`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from ... import __version__
from .pages import exit_lines, page_of, words_of


def man_page(ctx: click.Context) -> str:
    """The page of one command."""
    command, words = ctx.command, words_of(ctx)
    name = "-".join(["iamtui", *words.split()])
    page = page_of(words)
    first, _, rest = _help(command).partition("\n\n")
    lines = [f'.TH {name.upper()} 1 "" "iamtui {__version__}" "iamtui"', ".SH NAME", f"{_text(name)} \\- {_text(' '.join(first.split()))}"]
    lines += [".SH SYNOPSIS", f".B {_text(ctx.command_path)}", _text(" ".join(command.collect_usage_pieces(ctx)))]
    body = [part for part in (rest, page.about) if part.strip()]
    if body:
        lines += [".SH DESCRIPTION", *(line for part in body for line in _paragraphs(part))]
    if isinstance(command, click.Group):
        lines.append(".SH COMMANDS")
        for sub in command.list_commands(ctx):
            found = command.get_command(ctx, sub)
            if found is not None and not found.hidden:
                lines += [".TP", f".B {_text(sub)}", _text(found.get_short_help_str(200))]
    lines.append(".SH OPTIONS")
    for param in command.get_params(ctx):
        record = param.get_help_record(ctx)
        if record is not None and record[1]:
            lines += [".TP", f".B {_text(record[0])}", _text(record[1])]
    if page.examples:
        lines.append(".SH EXAMPLES")
        for example in page.examples:
            lines += [".PP", _text(example.words), ".PP", ".nf", ".RS", _text(example.line), ".RE", ".fi"]
    lines.append(".SH EXIT STATUS")
    for code, said in exit_lines(command, page):
        lines += [".TP", f".B {code}", _text(said)]
    if page.see:
        from .topics import TOPICS

        seen = [
            rf"\fBiamtui help {_text(s)}\fP" if s in TOPICS else rf"\fB{_text('-'.join(['iamtui', *s.split()]))}\fP(1)" for s in page.see
        ]
        lines += [".SH SEE ALSO", ", ".join(seen)]
    return "\n".join(lines) + "\n"


def man_pages(root: click.Context) -> Iterator[tuple[str, str]]:
    """(file name, text) of the program's page and of every command's."""
    for ctx in contexts(root):
        yield "-".join(["iamtui", *words_of(ctx).split()]) + ".1", man_page(ctx)


def contexts(ctx: click.Context) -> Iterator[click.Context]:
    """A context for every command, the groups before what is in them."""
    yield ctx
    if isinstance(ctx.command, click.Group):
        for name in ctx.command.list_commands(ctx):
            found = ctx.command.get_command(ctx, name)
            if found is not None and not found.hidden:
                yield from contexts(click.Context(found, ctx, info_name=name))


def _help(command: click.Command) -> str:
    import inspect

    return inspect.cleandoc(command.help or "")


def _paragraphs(text: str) -> Iterator[str]:
    """Paragraphs, those after click's \\b as they are."""
    for part in text.strip().split("\n\n"):
        yield ".PP"
        if part.startswith("\b"):
            yield from (".nf", *(_text(line) for line in part.splitlines()[1:]), ".fi")
        else:
            yield _text(" ".join(part.split()))


def _text(text: str) -> str:
    """Text that roff takes as text: no escapes, no requests, minus signs that can be copied."""
    shown = text.replace("\\", "\\e").replace("-", "\\-").replace("\b", "").strip()
    shown = re.sub(r"(?m)^([.'])", r"\\&\1", shown)
    shown = "".join(c if c.isascii() else f"\\[u{ord(c):04X}]" for c in shown)
    return shown.replace("\n", "\n.br\n") or "\\&"
