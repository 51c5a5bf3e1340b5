"""Events that stay on disk: a trail too large for a memory, listed, narrowed, sorted and followed where it lies.

A list of it is a sequence that reads a page when somebody looks at it. What an analysis needs (the calls of one identity, the events
that hand out keys) is asked for by condition and comes as events whose record is an excerpt; `whole` gives the record.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, overload

import msgspec

from ..analysis.classing import Class, classify
from ..analysis.lists import Column
from ..model.event import Actor, ActorKind, Event, Outcome
from ..model.fact import State
from ..model.finding import Severity
from .answers import Row, StoredRows
from .narrowing import Narrowing

if TYPE_CHECKING:
    from ..analysis.filtering import Filter
    from ..analysis.places import Places
    from ..store.events.rows import EventRows, View
    from ..store.events.segments import EventStore
    from .placing import Surroundings

_BLOCK = 64
_PIECE = 8192
_HEAD = 128
_BLOCKS = 96
"""Blocks of rows kept in memory, about six thousand rows."""

MOST = 50_000
"""Events of one question that are taken into memory, the newest first."""


def event_of(row: Sequence[Any]) -> Event:
    """An event out of a row (the number of its segment, then `rows.COLUMNS`)."""
    (
        _segment, event_id, time, name, source, region, account, kind, actor_name, actor_arn, actor_account, unique_id, session_name,
        access_key, source_identity, concluded, outcome, read_only, excerpt, targets, error_code, error_message, ip, user_agent,
        time_from, session_key, origin, _place, _ident, _class_key,
    ) = row  # fmt: skip
    return Event(
        event_id=event_id,
        time=time.replace(tzinfo=UTC) if time is not None else None,
        name=name,
        source=source,
        region=region,
        account=account,
        actor=Actor(ActorKind(kind), actor_name, actor_arn, actor_account, unique_id, session_name, access_key, source_identity, concluded),
        outcome=Outcome(outcome),
        read_only=read_only,
        record=excerpt,
        targets=tuple(targets),
        error_code=error_code,
        error_message=error_message,
        ip=ip,
        user_agent=user_agent,
        time_from=time_from,
        session_key_id=session_key,
        origin=origin,
        excerpt=True,
    )


class ViewRows(StoredRows):
    """Rows of a view."""

    def __init__(self, rows: EventRows, view: View, row_of: Callable[[Event, str], Row]) -> None:
        self._rows, self.view, self._row_of = rows, view, row_of
        self._blocks: OrderedDict[int, list[Row]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self.view.count

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        place %= len(self)
        return self._block(place // _BLOCK)[place % _BLOCK]

    def __iter__(self) -> Iterator[Row]:
        """All rows in large pieces, which are not kept."""
        for first in range(0, len(self), _PIECE):
            for row in self._rows.page(self.view, first, _PIECE):
                yield self._row_of(event_of(row), row[-2])

    def held(self, place: int) -> Row | None:
        """The row when it is in memory."""
        block = self._blocks.get(place // _BLOCK)
        return block[place % _BLOCK] if block is not None and place % _BLOCK < len(block) else None

    def load(self, first: int, count: int) -> None:
        """Take rows into memory. For a worker."""
        for number in range(max(first, 0) // _BLOCK, max(min(first + count, len(self)) - 1, 0) // _BLOCK + 1):
            self._block(number)

    def _block(self, number: int) -> list[Row]:
        with self._lock:
            held = self._blocks.get(number)
            if held is not None:
                self._blocks.move_to_end(number)
                return held
        made = []
        for row in self._rows.page(self.view, number * _BLOCK, _BLOCK):
            made.append(self._row_of(event_of(row), row[-2]))
        with self._lock:
            self._blocks[number] = made
            while len(self._blocks) > _BLOCKS:
                self._blocks.popitem(last=False)
        return made


class HeadRows(StoredRows):
    """The newest rows of a list that is being made ready; those further on come with it."""

    def __init__(self, rows: Sequence[Row], count: int) -> None:
        self._held, self._count = tuple(rows), count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        return list(self._held[place]) if isinstance(place, slice) else self._held[place]

    def held(self, place: int) -> Row | None:
        return self._held[place] if place < len(self._held) else None

    def load(self, first: int, count: int) -> None:
        """Nothing: the list itself is on its way."""


class _Head(msgspec.Struct, frozen=True):
    """The newest rows, kept so that a start shows them before anything is asked."""

    segments: tuple[str, ...]
    accounts: frozenset[str]
    count: int
    events: tuple[Event, ...]
    idents: tuple[str, ...]


class _Classes(msgspec.Struct, frozen=True, eq=False):
    """Classes of one state of the accounts, by class key."""

    of: Surroundings
    files: int
    by_key: Mapping[int, Class]
    by_id: Mapping[str, Class]
    table: str


class StoredEvents:
    """The events of one store. Methods block, mostly for milliseconds, and are safe to call from any thread."""

    def __init__(self, store: EventStore, row_of: Callable[[Event, str], Row]) -> None:
        from ..store.events.rows import EventRows

        self._store = store
        self._head_file = store.folder / "rows" / "head.json"
        self.rows = EventRows(store.folder)
        self._row_of = row_of
        self._lock = threading.Lock()
        self._classes: _Classes | None = None
        self._list: StoredRows | None = None
        self._tables = 0
        self.version = 0
        self.accounts: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self._list) if self._list is not None else 0

    def show_head(self) -> bool:
        """The newest rows as they were kept, at once; False when there are none of what the store holds."""
        try:
            head = msgspec.json.decode(self._head_file.read_bytes(), type=_Head)
        except (OSError, msgspec.MsgspecError, ValueError):
            return False
        segments = tuple(path.name for path in self._store.state().segments)
        if head.segments != segments or len(head.events) != len(head.idents):
            return False
        self.show_first(head.events, head.idents, head.count, head.accounts)
        return True

    def show_first(self, events: Sequence[Event], idents: Sequence[str], count: int, accounts: frozenset[str]) -> None:
        """Some rows before the list is ready."""
        self._list = HeadRows([self._row_of(event, ident) for event, ident in zip(events, idents, strict=True)], count)
        self.accounts = accounts
        self.version += 1

    def keep_head(self) -> None:
        """Keep the newest rows for the next start."""
        from ..store.files import private_file

        rows = self.rows.page(self.rows.all, 0, _HEAD)
        segments = tuple(path.name for path in self._store.state().segments)
        head = _Head(segments, self.accounts, len(self), tuple(event_of(row) for row in rows), tuple(row[-2] for row in rows))
        with private_file(self._head_file) as file:
            file.write(msgspec.json.encode(head))

    def refresh(self, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Bring the list up to what the store holds."""
        before = self.rows.all
        after = self.rows.open(self._store.state().segments, cancelled)
        if after is not before or not isinstance(self._list, ViewRows):
            self._list = ViewRows(self.rows, after, self._row_of)
            relation = self.rows.relation()
            self.accounts = (
                frozenset(one for (one,) in self.rows.run(f"SELECT DISTINCT account FROM {relation}")) if len(self) else frozenset()
            )
            self.version += 1

    @property
    def list(self) -> StoredRows:
        """All events, newest first; none before anything was read."""
        return self._list if self._list is not None else HeadRows((), 0)

    def close(self) -> None:
        self.rows.close()

    # -- lists -------------------------------------------------------------------------------------------------------

    def narrowed(self, wanted: Filter, columns: Sequence[Column], sort: str, descending: bool, around: Surroundings) -> StoredRows:
        """The list narrowed and in another order. Raises FilterError for an order that is none."""
        narrowing = Narrowing(
            columns,
            lambda column, test: self._keys(column, test, around),
            lambda column: self._class_order(column, around),
            self._addresses,
        )
        where, values = narrowing.condition(wanted)
        order = narrowing.order(sort, descending) if sort else ""
        if not where and not order:
            return self.list
        return ViewRows(self.rows, self.rows.view(where, values, order), self._row_of)

    def drop(self, rows: StoredRows) -> None:
        """Forget a narrowed list nobody looks at any more."""
        if rows is not self._list and isinstance(rows, ViewRows):
            self.rows.drop(rows.view)

    def position(self, rows: StoredRows, ident: str) -> int | None:
        """Where in a list an event is, by its ident."""
        return self.rows.position(rows.view, ident) if isinstance(rows, ViewRows) else None

    def shown_of(self, rows: StoredRows, idents: Sequence[str]) -> int:
        """How many of some events are in a list."""
        return self.rows.count_of(rows.view, idents) if isinstance(rows, ViewRows) else 0

    def _addresses(self, network: str) -> Sequence[str]:
        import ipaddress

        inside = ipaddress.ip_network(network, strict=False)
        found = []
        for (text,) in self.rows.run(f"SELECT DISTINCT ip FROM {self.rows.relation()} WHERE ip <> ''"):
            try:
                if ipaddress.ip_address(text) in inside:
                    found.append(text)
            except ValueError:
                continue
        return found

    # -- classes -----------------------------------------------------------------------------------------------------

    def classes(self, around: Surroundings) -> _Classes:
        """The class of every kind of event that there is: events nothing tells apart have one. Those that are somebody's first in a place
        have their own."""
        with self._lock:
            held = self._classes
            if held is not None and held.of is around and held.files == self.version:
                return held
            same = held is not None and held.of.world is around.world
            kept = held.by_key if held is not None and same else {}
            names = "name, source, account, kind, outcome, read_only, excerpt"
            by_key: dict[int, Class] = {}
            for key, name, source, account, kind, outcome, read_only, excerpt in self.rows.run(
                f"SELECT class_key, {', '.join(f'any_value({one})' for one in names.split(', '))} FROM {self.rows.relation()} GROUP BY class_key"
            ):
                found = kept.get(key)
                if found is None:
                    event = Event(
                        "",
                        None,
                        name or "",
                        source or "",
                        "",
                        account or "",
                        Actor(ActorKind(kind), ""),
                        Outcome(outcome),
                        read_only,
                        excerpt or "",
                    )
                    found = classify(event, around.plain(event.account))
                by_key[key] = found
            chosen = self.events("event_id IN (SELECT unnest(?::VARCHAR[]))", [list(around.reasons)]) if around.reasons else ()
            by_id = {event.event_id: classify(event, around.of(event)) for event in chosen}
            self._tables += 1
            table = f"classes_{self._tables}"
            for suffix, of_what, classes in (("", "UBIGINT", by_key), ("_places", "VARCHAR", by_id)):
                keys: list[Any] = list(classes)
                told: list[Class] = [classes[key] for key in keys]
                self.rows.run(
                    f"CREATE TABLE {table}{suffix} AS SELECT unnest(?::{of_what}[]) AS k, unnest(?::INTEGER[]) AS class, "
                    "unnest(?::VARCHAR[]) AS about, unnest(?::VARCHAR[]) AS why",
                    [
                        keys,
                        [_rank(one) for one in told],
                        [one.about.casefold() for one in told],
                        ["\n".join(one.why).casefold() for one in told],
                    ],
                )
            if held is not None:
                self.rows.run(f"DROP TABLE IF EXISTS {held.table}; DROP TABLE IF EXISTS {held.table}_places")
            self._classes = _Classes(around, self.version, by_key, by_id, table)
            return self._classes

    def _keys(self, column: str, test: Callable[[Any], bool], around: Surroundings) -> str:
        classes = self.classes(around)
        keys = [str(int(key)) for key, found in classes.by_key.items() if test(_value(column, found))]
        passing = f"class_key IN ({', '.join(keys)})" if keys else "false"
        if not classes.by_id:
            return passing
        other = [str(number) for number, found in enumerate(classes.by_id.values()) if test(_value(column, found))]
        own = f"event_id IN (SELECT k FROM {classes.table}_places)"
        if not other:
            return f"({passing} AND NOT {own})"
        # By their place in the table: their ids are account text, and stay out of SQL.
        return f"CASE WHEN {own} THEN event_id IN (SELECT k FROM {classes.table}_places WHERE rowid IN ({', '.join(other)})) ELSE {passing} END"

    def _class_order(self, column: str, around: Surroundings) -> str:
        table = self.classes(around).table
        own = f"(SELECT {column} FROM {table}_places WHERE {table}_places.k = rows.event_id)"
        return f"coalesce({own}, (SELECT {column} FROM {table} WHERE {table}.k = rows.class_key))"

    def of_class(self, severity: Severity, since: datetime, around: Surroundings, most: int) -> tuple[Event, ...]:
        """At most so many events of a class from a time on, newest first."""
        where = self._keys("class", lambda value: value == severity.value, around)
        return self.events(f"time >= ? AND ({where})", [since.astimezone(UTC).replace(tzinfo=None)], most)

    def by_day(self, since: datetime, around: Surroundings) -> dict[tuple[str, date, int | None, bool], int]:
        """How many events from a time on, by account, day (UTC), rank of their class and whether they were denied."""
        self.classes(around)
        none = len(Severity)
        sql = (
            f"SELECT account, CAST(time AS DATE), {self._class_order('class', around)} AS rank, outcome = 'denied', count(*) "
            f"FROM {self.rows.relation()} WHERE time >= ? GROUP BY ALL"
        )
        return {
            (account or "", day, None if rank is None or rank >= none else rank, bool(denied)): count
            for account, day, rank, denied, count in self.rows.run(sql, [since.astimezone(UTC).replace(tzinfo=None)])
        }

    def count_of(self, source: str, names: Sequence[str]) -> int:
        """How many events there are of some operations of a service."""
        sql = f"SELECT count(*) FROM {self.rows.relation()} WHERE source = ? AND name IN (SELECT unnest(?::VARCHAR[]))"
        ((count,),) = self.rows.run(sql, [source, list(names)])
        return int(count)

    # -- first uses --------------------------------------------------------------------------------------------------

    def places(self) -> Places:
        """Which events are somebody's first from a network or in a Region: what matters of a million calls is summed up where they lie."""
        from ..analysis.places import Places, sighting_of

        found = Places()
        session = "CASE WHEN starts_with(actor_name, 'AWSReservedSSO_') OR starts_with(session_name, 'i-') THEN session_name ELSE '' END"
        network = "regexp_replace(ip, '[.][0-9]+$', '')"
        whole = (
            f"(SELECT kind AS a, actor_name AS b, actor_arn AS c, unique_id AS d, {session} AS e, {network} AS n, * FROM {self.rows.relation()} "
            "WHERE time IS NOT NULL AND kind NOT IN ('AWS service', 'unknown') AND NOT (source = 'signin.amazonaws.com' AND outcome = 'failed') "
            "AND (ip = '' OR regexp_matches(ip, '^[0-9A-Fa-f:.]+$')))"
        )
        sightings, names = [], {}
        rows = self.rows.run(
            "SELECT a, b, c, d, e, any_value(ip), region, source, any_value(name), min(time), arg_min(event_id, (time, event_id)) "
            f"FROM {whole} GROUP BY a, b, c, d, e, n, region, source"
        )
        for row in rows:
            one = sighting_of(_call(*row))
            if one is not None:
                sightings.append(one)
                names[row[:5]] = one.actor
        earliest: dict[str, list[float]] = {}
        for *who, times in self.rows.run(f"SELECT a, b, c, d, e, min(time, 12) FROM {whole} GROUP BY a, b, c, d, e"):
            key = names.get(tuple(who))
            if key is not None:
                earliest.setdefault(key, []).extend(one.replace(tzinfo=UTC).timestamp() for one in times)
        found.add_summed(sightings, earliest)
        for kind, name, arn, targets in self.rows.run(
            f"SELECT DISTINCT kind, actor_name, actor_arn, targets FROM {self.rows.relation()} "
            "WHERE starts_with(name, 'AssumeRole') AND kind IN ('AWS service', 'web identity')"
        ):
            role = _call(kind, name, arn, "", "", "", "", "sts.amazonaws.com", "AssumeRole", datetime.now(UTC), "")
            found.learn_role(msgspec.structs.replace(role, targets=tuple(targets)))
        return found

    def renew(self) -> None:
        """The rows again: what is told of their events has changed."""
        if isinstance(self._list, ViewRows):
            self._list = ViewRows(self.rows, self._list.view, self._row_of)
            self.version += 1

    # -- questions ---------------------------------------------------------------------------------------------------

    def events(self, where: str, values: Sequence[Any] = (), most: int = MOST) -> tuple[Event, ...]:
        """At most so many events a condition lets through, newest first; their records are excerpts."""
        return tuple(event_of(row) for row in self.rows.select(where, values, most))

    def with_request(self, request_id: str) -> tuple[Event, ...]:
        """Events of one request, with their records."""
        ids = [one for (one,) in self.rows.of_segments("eventid", "requestid = ?", [request_id]) if one]
        return self.wholes(self.events("event_id IN (SELECT unnest(?::VARCHAR[]))", [ids])) if ids else ()

    def whole(self, event: Event, ident: str = "") -> Event:
        """The event with its record; as it is when that cannot be read any more."""
        where, values = ("event_id = ? AND region = ? AND account = ?", [event.event_id, event.region, event.account])
        if not event.event_id:
            where, values = "ident = ?", [ident]
        found = self.rows.select(where, values, 1)
        if not found:
            return event
        (record,) = self.rows.records([(found[0][0], found[0][-3])])
        return msgspec.structs.replace(event, record=record, excerpt=False) if record else event

    def wholes(self, events: Iterable[Event]) -> tuple[Event, ...]:
        """Events with their records, in one go."""
        chosen = list(events)
        ids = [event.event_id for event in chosen if event.event_id]
        rows = self.rows.select("event_id IN (SELECT unnest(?::VARCHAR[]))", [ids], len(ids) * 2) if ids else []
        records = dict(zip((row[1] for row in rows), self.rows.records([(row[0], row[-3]) for row in rows]), strict=True))
        return tuple(
            msgspec.structs.replace(event, record=records[event.event_id], excerpt=False) if records.get(event.event_id) else event
            for event in chosen
        )

    def last_seen(self) -> dict[str, datetime]:
        """Latest event by the ARN of the identity behind it."""
        sql = f"SELECT actor_arn, max(time) FROM {self.rows.relation()} WHERE actor_arn <> '' AND time IS NOT NULL GROUP BY actor_arn"
        return {arn: when.replace(tzinfo=UTC) for arn, when in self.rows.run(sql)}


def _call(
    kind: str,
    name: str,
    arn: str,
    unique_id: str,
    session: str,
    ip: str,
    region: str,
    source: str,
    call: str,
    time: datetime,
    event_id: str,
) -> Event:
    """One call with what tells whose it is and where."""
    actor = Actor(ActorKind(kind), name, arn, unique_id=unique_id, session_name=session)
    stamp = time if time.tzinfo else time.replace(tzinfo=UTC)
    return Event(event_id, stamp, call, source, region, "", actor, Outcome.SUCCESS, None, "", ip=ip)


def _rank(found: Class) -> int | None:
    if found.severity is not None:
        return found.severity.rank
    return len(Severity) if found.told else None


def _value(column: str, found: Class) -> Any:
    if column == "class":
        if found.severity is None and not found.told:
            return State.NO_INFORMATION
        return found.severity.value if found.severity else ""
    return found.about if column == "about" else found.why
