"""The door to engines at AWS: one SELECT leaves, and nothing else.

A text is read twice. First by the letter, as Trino itself reads it (comments do not nest, a backslash is no escape), which gives the
text that is sent: without comments, so that no two readers can differ about where one ends. Then by sqlglot, whose tree must be one
query without anything in it that writes, runs a function from outside, or reads what is no table.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from .dialect import DialectError, where

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlglot import exp

_PIECES = re.compile(
    r"""(?P<text>'(?:[^']|'')*')|(?P<name>"(?:[^"]|"")*")|(?P<comment>--[^\r\n]*|/\*.*?\*/)|(?P<open>'|"|/\*|\*/)|(?P<bad>[`;{}#]|\$\$)""",
    re.DOTALL,
)
_FIRST = ("SELECT", "WITH")
ELSEWHERE = "any other text is for the AWS console, aws athena start-query-execution or aws cloudtrail start-query"


class Checked(msgspec.Struct, frozen=True, eq=False):
    """text: what was asked, without comments and a semicolon at the end. tree: the same, parsed; places in it are places of `text`."""

    text: str
    tree: exp.Query


def bare(text: str) -> str:
    """The text without comments, every line where it was. Raises DialectError on what is not closed, or goes on after a semicolon."""
    pieces: list[str] = []
    done, ended = 0, False
    for found in _PIECES.finditer(text):
        between, word = text[done : found.start()], found[0]
        done = found.end()
        if ended and (between.strip() or (found.lastgroup != "comment" and word != ";")):
            raise DialectError("Several statements cannot be asked at once", ELSEWHERE)
        pieces.append(between)
        if found.lastgroup == "comment":
            pieces.append(" " + "\n" * word.count("\n"))
        elif found.lastgroup == "open":
            line = text.count("\n", 0, found.start()) + 1
            raise DialectError(f"At line {line} there is {word} without its other end", ELSEWHERE)
        elif word == ";":
            ended = True
        else:
            pieces.append(word)
    rest = text[done:]
    if ended and rest.strip():
        raise DialectError("Several statements cannot be asked at once", ELSEWHERE)
    return "".join([*pieces, rest]).rstrip()


def one_select(text: str, prepare: Callable[[str], str] | None = None) -> Checked:
    """The one SELECT of a text. Raises DialectError, with a sentence, on anything else. `prepare` may put names in for places that are
    left open, before the text is parsed."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    if "\0" in text:
        raise DialectError("There is a NUL character in the query")
    plain = bare(text)
    if prepare is not None:
        plain = prepare(plain)
    odd = next((found[0] for found in _PIECES.finditer(plain) if found.lastgroup == "bad"), "")
    if odd:
        raise DialectError(f"{odd} is no part of a SELECT in Athena's SQL", ELSEWHERE)
    first = re.match(r"[\s(]*([A-Za-z]*)", plain)
    word = first[1].upper() if first else ""
    if not plain.strip():
        raise DialectError("There is no query in the text", "for example: SELECT eventtime, eventname FROM cloudtrail_logs LIMIT 10")
    if word not in _FIRST:
        begins = f": this begins with {word}" if word else ""
        raise DialectError(f"Only a SELECT leaves for AWS{begins}", ELSEWHERE)
    try:
        trees = [tree for tree in sqlglot.parse(plain, read="trino") if tree is not None]
    except SqlglotError as error:
        raise DialectError(f"{where(error)}: what is not understood does not leave for AWS", ELSEWHERE) from None
    except RecursionError:
        raise DialectError("The query is nested too deeply to be read") from None
    if len(trees) != 1:
        raise DialectError("Several statements cannot be asked at once", ELSEWHERE)
    (tree,) = trees
    try:
        if not isinstance(tree, exp.Query) or tree.find(exp.Into, exp.Lock, exp.DML, exp.DDL, exp.Command):
            raise DialectError("Only a SELECT leaves for AWS: events are read, never changed", ELSEWHERE)
        for table in tree.find_all(exp.Table):
            if not isinstance(table.this, exp.Identifier):
                raise DialectError(f"{table.sql('trino')[:60]} is no table: a query reads tables only", ELSEWHERE)
        for placeholder in tree.find_all(exp.Placeholder, exp.Parameter):
            raise DialectError(f"{placeholder.sql('trino')[:20]} stands for a value that is not there", "write the value into the query")
    except RecursionError:
        raise DialectError("The query is nested too deeply to be read") from None
    return Checked(plain, tree)
