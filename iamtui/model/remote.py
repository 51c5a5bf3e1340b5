"""Engines that answer SQL over events at AWS: the table, the workgroup, the event data store, and how a query stands."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class TrailTable(msgspec.Struct, frozen=True):
    """A table of a data catalog that holds CloudTrail events.

    partitions: names of the partition keys, lower case, in order
    formats:    of partition keys that Athena projects as dates: name -> Java date pattern (`yyyy/MM/dd`)
    projected:  whether partitions are projected, so that none can be missing
    known:      False where only the name is known: nobody looked, or AWS refused
    location:   s3://…, "" when not told
    view:       a query that is read like a table
    """

    name: str
    database: str = ""
    catalog: str = "AwsDataCatalog"
    region: str = ""
    partitions: tuple[str, ...] = ()
    formats: dict[str, str] = {}
    projected: bool = False
    known: bool = True
    location: str = ""
    view: bool = False

    @property
    def words(self) -> str:
        return f"{self.database}.{self.name}" if self.database else self.name


class WorkGroup(msgspec.Struct, frozen=True):
    """An Athena workgroup.

    output:   where its results go, "" when it does not say
    enforced: its own settings hold, whatever a client asks
    managed:  Athena keeps the results itself
    cutoff:   bytes after which a query is cancelled, 0 when there is no limit
    known:    False where it could not be read
    """

    name: str
    enabled: bool = True
    output: str = ""
    enforced: bool = False
    managed: bool = False
    cutoff: int = 0
    known: bool = True
    spark: bool = False


class DataStore(msgspec.Struct, frozen=True):
    """An event data store of CloudTrail Lake. `days`: how long it keeps events. `kinds`: event categories it takes, () when not told.
    `known`: False where only its name is told."""

    arn: str
    name: str
    region: str = ""
    status: str = ""
    days: int = 0
    kinds: tuple[str, ...] = ()
    organization: bool = False
    known: bool = True

    @property
    def id(self) -> str:
        return self.arn.rpartition("/")[2]

    @property
    def askable(self) -> bool:
        """Whether a query on it can be answered: it is there, and holds CloudTrail's own events."""
        return self.status not in ("CREATED", "PENDING_DELETION") and (not self.kinds or bool(set(self.kinds) & _EVENTS))


_EVENTS = {"Management", "Data", "NetworkActivity"}


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Run(msgspec.Struct, frozen=True):
    """How a query stands. scanned: bytes so far. millis: of the engine. reason: AWS's own words where it failed."""

    id: str
    state: RunState
    scanned: int = 0
    millis: int = 0
    reason: str = ""
    reused: bool = False


class Answer(msgspec.Struct, frozen=True, eq=False):
    """A page of an answer. columns: (name, AWS's type or ""). rows: texts as AWS gives them, None for NULL."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str | None, ...], ...]
