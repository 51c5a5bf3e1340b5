"""Which accounts are open, known of, missing. A part of the session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from .answers import Row

if TYPE_CHECKING:
    from ..analysis.accounts import AccountLine
    from ..model.account import Snapshot
    from .book import Book
    from .reading import Reader


class AccountQuestions:
    """Answered from memory, at once."""

    _book: Book
    _reader: Reader
    now: Callable[[], datetime]

    def accounts(self, filter_text: str = "", sort: str = "", *, descending: bool = False) -> tuple[AccountLine, ...]:
        """Every account that is open or known of, narrowed by the filter of the lists. Raises FilterError (a UsageError)."""
        from ..analysis.accounts import COLUMNS, account_lines
        from ..analysis.filtering import parse
        from ..analysis.indexing import Index

        if self._reader.info.kind == "demo":
            self._reader.surroundings()
        lines = account_lines(self._book.world, self._book.surroundings)
        index = Index(COLUMNS, [(line, line.snapshot) for line in lines], self.now())
        chosen = index.select(parse(filter_text, COLUMNS, self.now()))
        return tuple(lines[place] for place in (index.sorted(chosen, sort, descending) if sort else chosen))

    def missing_accounts(self) -> int:
        """How many accounts a sweep was to read that are not there."""
        world = self._book.world
        held = {snapshot.account for snapshot in world.snapshots}
        return sum(1 for number, one in world.accounts.items() if one.reading is not None and one.reading.missing and number not in held)

    def account_rows(self, lines: tuple[AccountLine, ...]) -> list[Row]:
        """Lines as rows, for CSV and JSON."""
        from .placing import stranger

        def of(line: AccountLine) -> Snapshot:
            return line.snapshot or stranger(line.account)

        return [Row(f"account:{line.account}", line, of(line)) for line in lines]  # type: ignore[arg-type]
