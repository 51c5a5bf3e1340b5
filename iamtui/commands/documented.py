"""Commands that know their manual page, and how a run ends that nobody waits for.

Click's own `--help` goes on with examples, exit codes and what to look at next, from `manual/pages.toml`, which is read only then.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from ..errors import BadInputError


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

    def make_context(self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any) -> click.Context:
        with _ending():  # --help and --version print here
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _ending():
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()  # here, where it can still be told


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


@contextmanager
def _ending() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise click.exceptions.Exit(quiet_end()) from None
    except KeyboardInterrupt:
        raise click.exceptions.Exit(128 + signal.SIGINT) from None
    except OSError as error:
        if error.errno not in _FULL or error.filename is not None:
            raise
        quiet_end()
        raise BadInputError(f"Standard output cannot be written: {error.strerror}") from None


def quiet_end() -> int:
    """Nobody reads standard output any more: what is still to be written goes nowhere. The exit code, that of SIGPIPE."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    return 128 + getattr(signal, "SIGPIPE", 13)
