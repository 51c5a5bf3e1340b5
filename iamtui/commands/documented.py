"""Commands that know their manual page, and how a run ends that nobody waits for.

Click's own `--help` goes on with examples, exit codes and what to look at next, from `manual/pages.toml`, which is read only then.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import click


class Command(click.Command):
    """A command with a page in the manual."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_help_text(ctx, formatter)
        _about(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _sections(ctx, formatter)


class Group(click.Group):
    """A group whose commands have pages, too."""

    command_class = Command
    group_class = type

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_help_text(ctx, formatter)
        _about(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _sections(ctx, formatter)


def _about(ctx: click.Context, formatter: click.HelpFormatter) -> None:
    from .manual import format_about

    format_about(ctx, formatter)


def _sections(ctx: click.Context, formatter: click.HelpFormatter) -> None:
    from .manual import format_sections

    format_sections(ctx, formatter)


class Root(Group):
    """The program itself: ctrl+c and a closed pipe end it as they end any other, with the exit code a shell knows them by."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()  # here, where a closed pipe can still be told
        except BrokenPipeError:
            ctx.exit(quiet_end())
        except KeyboardInterrupt:
            ctx.exit(128 + signal.SIGINT)


def quiet_end() -> int:
    """Nobody reads standard output any more: what is still to be written goes nowhere. The exit code, that of SIGPIPE."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    return 128 + getattr(signal, "SIGPIPE", 13)
