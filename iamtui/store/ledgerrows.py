"""Rows of a ledger as SQLite and as text hold them, and the ledgers of others: read, judged, never run."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from ..errors import BadInputError, NotFoundError
from ..model.review import Body, Clue, Entry
from ..text import inert_json

FORMAT = 1
"""Format of the file (`user_version`) and of the text."""

APPLICATION = 0x69616D74  # "iamt"
COLUMNS = "id, at, account, kind, campaign, body, evidence"
_MOST_BYTES = 4_000_000
"""Bytes of one row that are read; what is larger is no decision of a person."""

_body = msgspec.json.Decoder(Body)
clues_decoder = msgspec.json.Decoder(tuple[Clue, ...])
_encode = msgspec.json.Encoder(order="deterministic").encode

# -- ids -------------------------------------------------------------------------------------------------------------

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(first + second for first in _DIGITS for second in _DIGITS)


def new_id(at: datetime, after: str = "") -> str:
    """26 characters: 48 bits of milliseconds, then 80 random ones (as a ULID has them). No two machines make the same.

    after: an id that a new one of the same millisecond is greater than
    """
    value = _milliseconds(at) << 80 | secrets.randbits(80)
    made = _digits(value)
    if made <= after <= last_id(at) and set(after) <= set(_DIGITS):
        number = 0
        for digit in after:
            number = number << 5 | _DIGITS.index(digit)
        made = _digits(number + 1 + secrets.randbits(64))
    return made


def last_id(at: datetime) -> str:
    """What no id of that millisecond, or of an earlier one, is greater than."""
    return _digits(_milliseconds(at) << 80 | (1 << 80) - 1)


def _milliseconds(at: datetime) -> int:
    return max(int(at.timestamp() * 1000), 0) & (1 << 48) - 1


def _digits(value: int) -> str:
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])


_ID_LENGTH = 26

# -- rows as text ----------------------------------------------------------------------------------------------------


def _json(value: Any) -> str:
    try:
        return _encode(value).decode()
    except UnicodeEncodeError:  # half of a surrogate pair, out of somebody's JSON
        return _encode(_whole(msgspec.to_builtins(value))).decode()


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _whole(held) for key, held in value.items()}
    return [_whole(held) for held in value] if isinstance(value, list | tuple) else value


def row_of(entry: Entry) -> tuple[str, str, str, str, str, str, str]:
    kind = type(entry.body).__name__.lower()
    clues = _json(entry.evidence) if entry.evidence else ""
    return entry.id, entry.at.isoformat(), _whole(entry.account), kind, entry.campaign, _json(entry.body), clues


def entry_of(row: Sequence[Any], *, evidence: bool) -> Entry:
    """Raises msgspec.MsgspecError, ValueError or TypeError for what is no row of ours."""
    ident, at, account, _kind, campaign, body, clues = row
    if not all(isinstance(part, str) for part in row) or len(ident) != _ID_LENGTH or len(body) + len(clues) > _MOST_BYTES:
        raise ValueError("no row of a ledger")
    moment = datetime.fromisoformat(at)
    if moment.tzinfo is None:
        raise ValueError("a time without zone")
    return Entry(ident, moment, account, campaign, _body.decode(body), clues_decoder.decode(clues) if evidence and clues else ())


def pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


# -- other ledgers ---------------------------------------------------------------------------------------------------

_HEADER = {"iamtui": "ledger", "format": FORMAT}


def export_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """A ledger as text: a line that says what it is, then one JSON object a row, nothing in them a terminal would obey."""
    yield inert_json(msgspec.json.encode(_HEADER).decode()) + "\n"
    for entry in entries:
        yield inert_json(_json(entry)) + "\n"


def read_other(path: Path) -> tuple[list[Entry], list[str]]:
    """The rows of another ledger, a file of SQLite or exported text, and what in it was not understood. The file is not changed.

    Raises NotFoundError, BadInputError.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {path}") from None
    except OSError as error:
        raise BadInputError(f"{path} cannot be read: {error.strerror or error}") from None
    if head.startswith(b"SQLite format 3\0"):
        return _read_database(path)
    return _read_text(path)


_line = msgspec.json.Decoder(Entry)


def _read_text(path: Path) -> tuple[list[Entry], list[str]]:
    found: list[Entry] = []
    refused: list[str] = []
    headed = False
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            if not headed:
                headed = True
                try:
                    told = msgspec.json.decode(line)
                except (msgspec.MsgspecError, RecursionError, ValueError):
                    told = None
                if not isinstance(told, dict) or told.get("iamtui") != "ledger":
                    raise BadInputError(f"{path} is neither a ledger nor an export of one", "iamtui review export -o FILE writes one")
                if isinstance(told.get("format"), int) and told["format"] > FORMAT:
                    raise BadInputError(f"{path} was exported by a newer iamtui (format {told['format']})", "update iamtui")
                continue
            try:
                entry = _line.decode(line[:_MOST_BYTES])
                if len(entry.id) != _ID_LENGTH or entry.at.tzinfo is None:
                    raise ValueError("no row of a ledger")
                found.append(entry)
            except (msgspec.MsgspecError, ValueError, RecursionError) as error:
                refused.append(f"{path}, line {number}: {error}")
    if not headed:
        raise BadInputError(f"{path} is empty")
    return found, refused


def _read_database(path: Path) -> tuple[list[Entry], list[str]]:
    """Somebody else's file: read only, its own functions, triggers and views never run."""
    found: list[Entry] = []
    refused: list[str] = []
    for way in ("?mode=ro", "?mode=ro&immutable=1"):  # a folder that cannot be written holds no shared memory of WAL
        connection = None
        try:
            connection = sqlite3.connect(path.resolve().as_uri() + way, uri=True, timeout=5)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA query_only = ON")
            held, mine = pragma(connection, "user_version"), pragma(connection, "application_id")
            plain = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'entries'").fetchone()
            if mine != APPLICATION or plain is None or str(plain[0]).upper().startswith("CREATE VIRTUAL"):
                raise BadInputError(f"{path} is a database, but no ledger of iamtui")
            if held > FORMAT:
                raise BadInputError(f"{path} was written by a newer iamtui (format {held})", "update iamtui")
            if held < FORMAT:
                raise BadInputError(
                    f"{path} was written by an older iamtui (format {held})", f"iamtui review list --ledger {path} migrates it first"
                )
            for number, row in enumerate(connection.execute(f"SELECT {COLUMNS} FROM entries ORDER BY id"), 1):
                try:
                    found.append(entry_of(row, evidence=True))
                except (msgspec.MsgspecError, ValueError, TypeError, RecursionError) as error:
                    refused.append(f"{path}, row {number}: {error}")
            return found, refused
        except sqlite3.OperationalError as error:
            if "immutable" in way:
                raise BadInputError(f"{path} cannot be read: {error}") from None
            found, refused = [], []
        except sqlite3.DatabaseError as error:
            raise BadInputError(f"{path} is damaged: {error}", "an export of it (iamtui review export) can be merged instead") from None
        finally:
            if connection is not None:
                connection.close()
    return found, refused
