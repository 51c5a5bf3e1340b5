"""Tables, JSON and CSV on standard output; words on standard error. All text of accounts passes the rendering door."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import click
import msgspec

from ..errors import IamtuiError
from ..text import inert_json, visible
from ..text import markdown_text as markdown_text


def words(text: str) -> None:
    """A sentence on standard error."""
    sys.stderr.write(visible(text) + "\n")


_elsewhere: list[IO[str]] = []


def data(text: str) -> None:
    """Text on standard output, as it is: the caller has made it safe."""
    (_elsewhere[-1] if _elsewhere else sys.stdout).write(text)


@contextmanager
def into(file: IO[str]) -> Iterator[None]:
    """Within it data goes to a file, to be printed later."""
    _elsewhere.append(file)
    try:
        yield
    finally:
        _elsewhere.pop()


def json_words(value: Any) -> str:
    """A value as indented JSON that no terminal obeys."""
    return inert_json(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def line_by_line() -> bool:
    """Whether `--format jsonl` was asked for."""
    ctx = click.get_current_context(silent=True)
    return ctx is not None and bool(ctx.meta.get("iamtui.lines"))


def print_json(value: Any) -> None:
    """A value as JSON; with `--format jsonl` the elements of a list, or what is no list, a line each."""
    if not line_by_line():
        data(json_words(value) + "\n")
        return
    for one in value if isinstance(value, list | tuple) else [value]:
        data(inert_json(msgspec.json.encode(one).decode()) + "\n")


def cells(text: str) -> int:
    """Terminal cells of a text that has passed the door."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: frozenset[int] = frozenset()) -> None:
    """Columns side by side. On a terminal the table fits its width, the longest columns being cut; in a pipe nothing is."""
    table = [[visible(cell) for cell in row] for row in rows]
    widths = [max([cells(title), *(cells(row[i]) for row in table)], default=0) for i, title in enumerate(header)]
    if sys.stdout.isatty():
        room = shutil.get_terminal_size().columns
        while sum(widths) + 2 * (len(widths) - 1) > room and max(widths) > 6:
            widths[widths.index(max(widths))] -= 1
    for row in [list(header), *table]:
        line = "  ".join(_fit(cell, width, right=i in right) for i, (cell, width) in enumerate(zip(row, widths, strict=True)))
        data(line.rstrip() + "\n")


def _fit(text: str, width: int, *, right: bool) -> str:
    size = cells(text)
    if size > width:
        while text and cells(text) > width - 1:
            text = text[:-1]
        text, size = text + "…", cells(text) + 1
    pad = " " * (width - size)
    return pad + text if right else text + pad


def complain(error: IamtuiError) -> int:
    """An error as sentences; its exit code."""
    words(f"iamtui: {error.message}")
    if error.hint:
        words(f"        {error.hint}")
    return int(error.exit_code)


def unforeseen(error: Exception) -> int:
    """An error nobody foresaw: one sentence here, the traceback in a file of its own."""
    import traceback

    from .. import paths
    from ..store.files import private_file

    log = paths.log_file()
    try:
        with private_file(log) as file:
            file.write("".join(traceback.format_exception(error)).encode("utf-8", "replace"))
        where = f"what happened inside is in {log}"
    except OSError:
        where = f"({type(error).__name__}: {error})"
    words(f"iamtui: This is a defect of iamtui, not of your input: {where}")
    return 70
