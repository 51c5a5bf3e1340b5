"""`iamtui help`, `iamtui man` and `iamtui completion`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ..errors import BadInputError, Exit, UsageError
from .manual import TOPICS, man_page, man_pages, topic
from .output import data, words


def _context(root: click.Context, asked: Sequence[str]) -> click.Context:
    """The context of a command by its words. Raises UsageError when there is none."""
    ctx = root
    for word in asked:
        found = ctx.command.get_command(ctx, word) if isinstance(ctx.command, click.Group) else None
        if found is None:
            raise UsageError(
                f"There is no command or topic {' '.join(asked)}", "iamtui help topics names the topics, iamtui --help the commands"
            )
        ctx = click.Context(found, ctx, info_name=word)
    return ctx


def print_help(ctx: click.Context, asked: Sequence[str]) -> int:
    """A command's help or a topic."""
    root = click.Context(ctx.find_root().command, info_name="iamtui")
    if len(asked) == 1 and asked[0] in TOPICS:
        data(topic(asked[0]))
    else:
        data(_context(root, asked).get_help() + "\n")
        if not asked:
            data("\n" + topic("topics"))
    return int(Exit.FINE)


def print_man(ctx: click.Context, asked: Sequence[str], output: str) -> int:
    """A page as roff, or all of them into a folder."""
    root = click.Context(ctx.find_root().command, info_name="iamtui")
    if not output:
        data(man_page(_context(root, asked)))
        return int(Exit.FINE)
    folder = Path(output).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pages = list(man_pages(_context(root, asked)))
        for name, text in pages:
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInputError(f"{folder} cannot be written: {error.strerror or error}") from None
    words(f"{len(pages)} pages in {folder}")
    return int(Exit.FINE)


def print_completion(ctx: click.Context, shell: str) -> int:
    """The script that makes a shell ask iamtui what can follow."""
    from .completing import shells

    data(shells()[shell](ctx.find_root().command, {}, "iamtui", "_IAMTUI_COMPLETE").source())
    return int(Exit.FINE)
