"""The ledger: reviewers' decisions in one SQLite file. Rows are added and never changed; what is confirmed survives a kill.

WAL with `synchronous=FULL`: a row that was confirmed is on the disk. Several instances may write at once; each waits for the other.
A file of a newer format is refused, an older one is migrated with a copy beside it, and no other kind of file is touched.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from ..errors import IamtuiError
from ..model.review import Clue, Entry
from .files import private_dir
from .ledgerrows import APPLICATION, COLUMNS, FORMAT, clues_decoder, entry_of, export_lines, new_id, pragma, read_other, row_of

_BUSY_SECONDS = 20.0
_SCHEMA = (
    """CREATE TABLE entries (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        at TEXT NOT NULL,
        account TEXT NOT NULL,
        kind TEXT NOT NULL,
        campaign TEXT NOT NULL,
        body TEXT NOT NULL,
        evidence TEXT NOT NULL
    )""",
    "CREATE INDEX entries_campaign ON entries (campaign, kind)",
    "CREATE TRIGGER entries_stay BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'a ledger only grows'); END",
    "CREATE TRIGGER entries_remain BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'a ledger only grows'); END",
)

MIGRATIONS: dict[int, Sequence[str]] = {}
"""Format -> statements that lead to the next one."""


class LedgerError(IamtuiError):
    """The ledger cannot be used; the sentence says why and what to do."""


class Ledger:
    """One file, or none (`path` None: kept in memory, gone with the process). Safe to call from any thread.

    Raises LedgerError at the first use, not when it is made; making one touches nothing.
    refused: rows that could not be understood, in sentences; they are left where they are
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.refused: list[str] = []
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    @property
    def exists(self) -> bool:
        """Whether anything was ever written; asking makes no file."""
        return self._connection is not None or (self.path is not None and self.path.exists())

    # -- reading -----------------------------------------------------------------------------------------------------

    def since(self, seq: int = 0, known: Mapping[str, Entry] | None = None) -> tuple[list[Entry], int]:
        """Rows written after the one with that number, without their evidence, and the number of the last one. `known` are rows one
        has just written, by id."""
        found: list[Entry] = []
        last = seq
        with self._using() as connection:
            for number, *row in connection.execute(
                "SELECT seq, id, at, account, kind, campaign, body, '' FROM entries WHERE seq > ? ORDER BY seq", (seq,)
            ):
                last = number
                if known and row[0] in known:
                    found.append(known[row[0]])
                    continue
                try:
                    found.append(entry_of(row, evidence=False))
                except (msgspec.MsgspecError, ValueError, TypeError, RecursionError) as error:
                    self.refused.append(f"row {number} of {self._name} is not understood ({error}); it is left as it is")
        return found, last

    def evidence(self, idents: Iterable[str]) -> dict[str, tuple[Clue, ...]]:
        """The facts some rows rest on, by their id."""
        wanted = list(dict.fromkeys(idents))
        found: dict[str, tuple[Clue, ...]] = {}
        with self._using() as connection:
            for first in range(0, len(wanted), 500):
                part = wanted[first : first + 500]
                marks = ",".join("?" * len(part))
                for ident, text in connection.execute(f"SELECT id, evidence FROM entries WHERE id IN ({marks})", part):
                    with contextlib.suppress(msgspec.MsgspecError, TypeError):
                        found[ident] = clues_decoder.decode(text) if text else ()
        return found

    def entries(self) -> Iterator[Entry]:
        """Every row with its evidence, in the order of their ids."""
        with self._using() as connection:
            for row in connection.execute(f"SELECT {COLUMNS} FROM entries ORDER BY id"):
                with contextlib.suppress(msgspec.MsgspecError, ValueError, TypeError):
                    yield entry_of(row, evidence=True)

    # -- writing -----------------------------------------------------------------------------------------------------

    def add(self, entries: Sequence[Entry]) -> None:
        """Write rows, all or none. When this returns they are on the disk."""
        rows = [row_of(entry) for entry in entries]
        with self._using(write=True) as connection:
            connection.executemany(f"INSERT INTO entries ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def merge(self, entries: Iterable[Entry]) -> tuple[int, int, tuple[str, ...]]:
        """(rows that are new, rows that were here, ids that are here with another content). Ours stay as they are."""
        new = same = 0
        other: list[str] = []
        with self._using(write=True) as connection:
            for entry in entries:
                row = row_of(entry)
                held = connection.execute("SELECT body, evidence FROM entries WHERE id = ?", (entry.id,)).fetchone()
                if held is None:
                    connection.execute(f"INSERT INTO entries ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
                    new += 1
                elif held == row[5:]:
                    same += 1
                else:
                    other.append(entry.id)
        return new, same, tuple(other)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    # -- the file ----------------------------------------------------------------------------------------------------

    @property
    def _name(self) -> str:
        return str(self.path) if self.path is not None else "the ledger in memory"

    @contextlib.contextmanager
    def _using(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                connection = self._open()
                if not write:
                    yield connection
                    return
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    with contextlib.suppress(sqlite3.Error):
                        connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise self._told(error) from None

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        if self.path is None:
            connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            _create(connection)
        else:
            self._make_file(self.path)
            connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            try:
                self._ready(connection)
            except BaseException:
                connection.close()
                raise
        self._connection = connection
        return connection

    def _make_file(self, path: Path) -> None:
        """Private from its first moment: what SQLite puts beside it takes over its mode."""
        from .. import paths

        try:
            if path == paths.ledger_file():
                private_dir(path.parent)
            elif not path.parent.exists():
                path.parent.mkdir(mode=0o700, parents=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600))
        except OSError as error:
            raise LedgerError(
                f"The ledger {path} cannot be opened: {error.strerror or error}",
                "iamtui --ledger FILE, or ledger = in config.toml, names another",
            ) from None

    def _ready(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute(f"PRAGMA busy_timeout = {int(_BUSY_SECONDS * 1000)}")
        held = pragma(connection, "user_version")
        mine = pragma(connection, "application_id")
        if mine != APPLICATION and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise LedgerError(
                f"{self._name} is a database, but no ledger of iamtui; nothing in it was changed", "--ledger names another file"
            )
        if held > FORMAT:
            raise LedgerError(
                f"The ledger {self._name} was written by a newer iamtui (format {held}; this one knows {FORMAT}); nothing in it was changed",
                "update iamtui, or name another file with --ledger",
            )
        connection.execute("PRAGMA journal_mode = WAL")  # where the file system cannot, SQLite stays with its rollback journal
        connection.execute("PRAGMA synchronous = FULL")
        if held == FORMAT:
            return
        if held:
            self._migrate(connection, held)
        else:
            _locked(connection, lambda: _create(connection) if not pragma(connection, "user_version") else None)

    def _migrate(self, connection: sqlite3.Connection, held: int) -> None:
        """To our format, in one piece; the file as it was is copied beside it first."""
        assert self.path is not None
        copy = self.path.with_name(f"{self.path.name}.format-{held}.bak")
        if not copy.exists():
            part = copy.with_name(f"{copy.name}.{secrets.token_hex(4)}")
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            other = sqlite3.connect(part)
            try:
                connection.backup(other)
            finally:
                other.close()
            part.replace(copy)

        def lead() -> None:
            now = pragma(connection, "user_version")
            while now < FORMAT:
                if now not in MIGRATIONS:
                    raise sqlite3.DatabaseError(f"no way leads from format {now} to {FORMAT}")
                for statement in MIGRATIONS[now]:
                    connection.execute(statement)
                now += 1
                connection.execute(f"PRAGMA user_version = {now}")

        try:
            _locked(connection, lead)
        except sqlite3.Error as error:
            raise LedgerError(
                f"The ledger {self._name} could not be brought from format {held} to {FORMAT} ({error}); it is as it was",
                f"its copy is {copy}",
            ) from None

    def _told(self, error: sqlite3.Error) -> LedgerError:
        text = str(error)
        if "locked" in text or "busy" in text:
            return LedgerError(
                f"The ledger {self._name} was busy for {_BUSY_SECONDS:.0f} seconds: another program is writing it; nothing was written",
                "try again",
            )
        if isinstance(error, sqlite3.OperationalError) and not ("malformed" in text or "no such" in text):
            return LedgerError(
                f"The ledger {self._name} cannot be used: {text}; nothing was written", "see the file's owner, mode and free space"
            )
        return LedgerError(
            f"The ledger {self._name} is damaged ({text}); nothing in it was changed",
            f"move it away and start anew from an export or a copy: iamtui review merge EXPORT.jsonl (or {self._name}.format-N.bak); "
            f"sqlite3 {self._name} .recover may bring back the rest",
        )


def _create(connection: sqlite3.Connection) -> None:
    for statement in _SCHEMA:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def _locked(connection: sqlite3.Connection, do: Callable[[], None]) -> None:
    """Alone, in one piece."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        do()
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


__all__ = ["FORMAT", "MIGRATIONS", "Ledger", "LedgerError", "export_lines", "new_id", "read_other"]
