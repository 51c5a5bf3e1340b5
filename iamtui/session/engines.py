"""Engines that answer SQL over events: the local one, Athena, CloudTrail Lake; one interface for the command and the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

import msgspec

from ..config import ENGINES
from ..errors import UsageError
from ..source.base import Cancelled, EventQuery, never_cancelled
from .trail import SqlPage

if TYPE_CHECKING:
    from ..config import Settings
    from .facade import Session

_CALLED = {"athena": "Athena", "lake": "CloudTrail Lake"}


class EngineChoice(msgspec.Struct, frozen=True):
    """What settings say about engines at AWS; "" where they do not."""

    workgroup: str = ""
    catalog: str = ""
    database: str = ""
    table: str = ""
    output: str = ""
    store: str = ""


def choice_of(settings: Settings) -> EngineChoice:
    database, table = settings.athena_database, settings.athena_table
    if "." in table and not database:
        database, _, table = table.rpartition(".")
    return EngineChoice(settings.athena_workgroup, settings.athena_catalog, database, table, settings.athena_output, settings.lake_store)


class Unbounded(UsageError):
    """A query at AWS without a bound of time: it would scan everything. It can be asked all the same, by saying so."""


class Several(UsageError):
    """There is more than one thing to ask, and nothing says which. what: `tables`, `workgroups`, `event data stores`. names: in words.
    take: chooses one, by its number; the next query asks it."""

    def __init__(self, message: str, hint: str, what: str, names: tuple[str, ...], take: Callable[[int], None]) -> None:
        super().__init__(message, hint)
        self.what, self.names, self.take = what, names, take


class SqlEngine(Protocol):
    """`ask` blocks and belongs into a worker thread; `where` answers at once; `interrupt` may come from anywhere."""

    name: str

    def where(self) -> str:
        """What is asked, as far as it is known: the table, the workgroup."""
        ...

    def ask(self, text: str, cancelled: Cancelled = never_cancelled, *, unbounded: bool = False) -> Iterator[SqlPage]:
        """Progress, then pages of an answer. Raises IamtuiError: UsageError for a query that is not understood, Unbounded for one without
        a bound of time, AwsError when AWS refuses."""
        ...

    def show(self, text: str, cancelled: Cancelled = never_cancelled) -> tuple[str, str]:
        """The text as the engine gets it, and what is known beforehand; asks nothing."""
        ...

    def interrupt(self) -> None:
        """Stop the query that is being worked on."""
        ...


class LocalEngine:
    """The events on disk. Of a live account those that were looked up; they are read first when there are none."""

    name = "local"

    def __init__(self, session: Session) -> None:
        self._session = session

    def where(self) -> str:
        return "events on disk"

    def ask(self, text: str, cancelled: Cancelled = never_cancelled, *, unbounded: bool = False) -> Iterator[SqlPage]:
        session = self._session
        asked = session.info.kind == "live" and not session.offline and not session.trail.delivered
        if session.info.kind == "demo" or (asked and not session.has_events()):
            for _ in session.load_events(EventQuery(regions=session.info.regions), cancelled):
                pass
        yield from session.trail.ask(text, cancelled)

    def show(self, text: str, cancelled: Cancelled = never_cancelled) -> tuple[str, str]:
        from ..query.dialect import translate

        return translate(text).sql, ""

    def interrupt(self) -> None:
        self._session.trail.interrupt()


def available(session: Session) -> tuple[str, ...]:
    """Engines that can be asked here."""
    return ENGINES if session.info.kind == "live" and not session.offline else ENGINES[:1]


def engine_of(session: Session, name: str, choice: EngineChoice) -> SqlEngine:
    """The engine of that name. Raises UsageError where there is none, or what was opened has none."""
    if name not in ENGINES:
        raise UsageError(f"There is no engine {name}", f"there are {', '.join(ENGINES)}")
    if name == "local":
        return LocalEngine(session)
    if name not in available(session):
        kinds = {"demo": "this is the demo", "evidence": "these are files"}
        why = kinds.get(session.info.kind, "the network is switched off (--offline)")
        raise UsageError(f"{_CALLED[name]} is asked of a live account, and {why}", "leave --engine out: the same query runs here")
    if name == "athena":
        from .athena import AthenaEngine

        return AthenaEngine(session, choice)
    from .lake import LakeEngine

    return LakeEngine(session, choice)


__all__ = ["ENGINES", "EngineChoice", "LocalEngine", "Several", "SqlEngine", "Unbounded", "available", "choice_of", "engine_of"]
