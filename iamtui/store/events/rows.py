"""Rows: what lists show of every event, so that a million of them are drawn, narrowed and sorted from disk.

Beside each segment lies a file with a row of each of its events: the columns lists show, filter and sort by, and the place of the
record in the segment. It holds nothing the segment does not tell and is made when it is missing. A view (the list itself, a filter,
another order) is a table of positions in memory, four to six bytes an event; a page of it is picked out of the files by position.

A row says of an event what `decode_events` says of its record, but for the record itself: in its place stands an excerpt with the
few parts of it that an event's class is told by.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ...errors import IamtuiError
from ...model.event import TARGET_FIELDS
from ..files import private_dir
from .schema import select
from .segments import connection, quoted, told_disk

if TYPE_CHECKING:
    import duckdb

COLUMNS: tuple[str, ...] = (
    "event_id",
    "time",
    "name",
    "source",
    "region",
    "account",
    "kind",
    "actor_name",
    "actor_arn",
    "actor_account",
    "unique_id",
    "session_name",
    "access_key",
    "source_identity",
    "concluded",
    "outcome",
    "read_only",
    "excerpt",
    "targets",
    "error_code",
    "error_message",
    "ip",
    "user_agent",
    "time_from",
    "session_key",
    "origin",
    "place",
    "ident",
    "class_key",
)
"""Columns of a row. `time` is UTC without a zone; `targets` a list; `place` says where in its segment the record is; `ident` is the
event's id, or what stands for it; `class_key` is equal for events that nothing of what their class is told by tells apart."""

_VERSION = 1
_PIECE = 2000
_MEMORY = "128MB"
_FORMAT = "FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 4096"
_IAM = "eventsource = 'iam.amazonaws.com'"
_TELLING = ("policyDocument", "policyArn", "versionId", "groupName", "assumeRolePolicyDocument")
"""Request parameters of IAM that a class is told by."""


def row_select(relation: str) -> str:
    """The SELECT that makes rows out of segments. `relation` has the columns of a segment, and `place`."""
    i = "useridentity"
    issuer = f"{i}.sessioncontext.sessionissuer"
    form = (
        f"CASE WHEN {i} IS NULL THEN 'none' WHEN {i}.type = 'IAMUser' THEN 'user' WHEN {i}.type = 'Root' THEN 'root' "
        f"WHEN {i}.type = 'AssumedRole' OR (coalesce({i}.type, '') = '' AND contains({i}.arn, ':assumed-role/')) THEN 'role' "
        f"WHEN {i}.type = 'FederatedUser' THEN CASE {issuer}.type WHEN 'IAMUser' THEN 'of-user' WHEN 'Root' THEN 'of-root' ELSE 'federated' END "
        f"WHEN {i}.type = 'SAMLUser' THEN 'saml' WHEN {i}.type = 'WebIdentityUser' THEN 'web' WHEN {i}.type = 'IdentityCenterUser' THEN 'center' "
        f"WHEN {i}.type = 'AWSService' OR (coalesce({i}.type, '') = '' AND {i}.invokedby <> '') THEN 'service' "
        f"WHEN {i}.type = 'AWSAccount' OR (coalesce({i}.type, '') = '' AND _owner <> '') THEN 'account' "
        f"WHEN contains({i}.arn, ':assumed-role/') THEN 'role' ELSE 'unknown' END"
    )
    arn, principal = f"coalesce({i}.arn, '')", f"coalesce({i}.principalid, '')"
    before, after = f"split_part({principal}, ':', 1)", "substr(_principal, strlen(split_part(_principal, ':', 1)) + 2)"
    tail = f"split_part({arn}, ':assumed-role/', 2)"
    session = f"coalesce(nullif({after}, ''), substr({tail}, strlen(split_part({tail}, '/', 1)) + 2))"
    user = f"nullif({i}.username, '')"
    last = f"split_part({arn}, '/', -1)"
    with_issuer = f"coalesce({issuer}.arn, '') <> ''"
    name = f"""CASE _form WHEN 'none' THEN '' WHEN 'user' THEN coalesce({user}, nullif({last}, ''), {principal}) WHEN 'root' THEN 'root'
        WHEN 'role' THEN CASE WHEN {with_issuer} THEN coalesce(nullif({issuer}.username, ''), split_part({issuer}.arn, '/', -1))
             ELSE coalesce(nullif(split_part({tail}, '/', 1), ''), {before}) END
        WHEN 'of-user' THEN coalesce(nullif({issuer}.username, ''), 'root') WHEN 'of-root' THEN coalesce(nullif({issuer}.username, ''), 'root')
        WHEN 'federated' THEN coalesce({user}, nullif({last}, ''), {after}) WHEN 'saml' THEN coalesce({user}, nullif({after}, ''), {principal})
        WHEN 'web' THEN coalesce({user}, {principal}) WHEN 'center' THEN coalesce({user}, nullif({i}.onbehalfof.userid, ''), {principal})
        WHEN 'service' THEN coalesce(nullif({i}.invokedby, ''), eventsource, '') WHEN 'account' THEN coalesce(nullif(_owner, ''), {principal})
        ELSE coalesce({user}, nullif({arn}, ''), {principal}) END"""
    kind = """CASE _form WHEN 'none' THEN 'unknown' WHEN 'of-user' THEN 'user' WHEN 'of-root' THEN 'root' WHEN 'federated' THEN 'federated user'
        WHEN 'saml' THEN 'SAML' WHEN 'web' THEN 'web identity' WHEN 'center' THEN 'Identity Center' WHEN 'service' THEN 'AWS service'
        WHEN 'account' THEN 'other account' ELSE _form END"""
    of_issuer = "_form IN ('of-user', 'of-root')"
    actor_arn = f"CASE WHEN _form = 'none' THEN '' WHEN _form = 'role' OR {of_issuer} THEN coalesce({issuer}.arn, '') ELSE {arn} END"
    unique = f"""CASE _form WHEN 'none' THEN '' WHEN 'role' THEN CASE WHEN {with_issuer} THEN coalesce(nullif({issuer}.principalid, ''), {before})
        ELSE {before} END WHEN 'of-user' THEN coalesce({issuer}.principalid, '') WHEN 'of-root' THEN coalesce({issuer}.principalid, '')
        WHEN 'federated' THEN {before} WHEN 'center' THEN coalesce({i}.onbehalfof.userid, '') WHEN 'service' THEN '' ELSE {principal} END"""
    sessions = f"""CASE WHEN _form = 'role' THEN {session} WHEN {of_issuer} THEN coalesce({user}, nullif({last}, ''), {after})
        WHEN _form = 'federated' THEN {after} ELSE '' END"""
    concluded = f"""CASE _form WHEN 'none' THEN 'the record has no userIdentity' WHEN 'center' THEN 'onBehalfOf' WHEN 'service' THEN 'invokedBy'
        WHEN 'account' THEN 'accountId' WHEN 'of-user' THEN 'session issuer of a federated session'
        WHEN 'of-root' THEN 'session issuer of a federated session'
        WHEN 'role' THEN CASE WHEN {with_issuer} THEN 'session issuer' ELSE 'session ARN; the record has no session issuer' END
        WHEN 'unknown' THEN 'userIdentity of type ' || coalesce(nullif({i}.type, ''), '(none)') ELSE 'userIdentity' END"""
    handed = (
        "CASE WHEN contains(_response, 'redentials') THEN coalesce("
        + ", ".join(
            f"json_extract_string(_response, '$.{outer}.{inner}')"
            for outer, inner in (
                ("credentials", "accessKeyId"),
                ("Credentials", "accessKeyId"),
                ("credentials", "AccessKeyId"),
                ("Credentials", "AccessKeyId"),
            )
        )
        + ") END"
    )
    answers = ", ".join(f"json_extract_string(_response, '$.{field}')" for field in ("ConsoleLogin", "CheckMfa", "SwitchRole"))
    outcome = f"""CASE WHEN _outcome IN ('success', 'unknown', 'failed') AND coalesce(errorcode, '') = '' THEN
        CASE WHEN errormessage <> '' OR (contains(_response, 'ailure') AND lower(coalesce({answers})) = 'failure') THEN 'failed'
             WHEN eventname <> '' AND {i} IS NOT NULL THEN 'success' ELSE 'unknown' END ELSE _outcome END"""
    objects = ", ".join(
        f"CASE WHEN starts_with({column}, '{{') AND json_valid({column}) THEN {column} END AS {name}"
        for column, name in (("requestparameters", "_request"), ("responseelements", "_response"), ("additionaleventdata", "_extra"))
    )
    return f"""
    SELECT *, hash(name, source, account, kind, outcome, read_only, excerpt) AS class_key FROM (
    SELECT coalesce(eventid, '') AS event_id, _time AS time, coalesce(eventname, '') AS name, coalesce(eventsource, '') AS source,
        coalesce(awsregion, '') AS region, coalesce(nullif(recipientaccountid, ''), {i}.accountid, '') AS account,
        {kind} AS kind, coalesce({name}, '') AS actor_name, {actor_arn} AS actor_arn,
        CASE WHEN _form = 'none' THEN '' ELSE _owner END AS actor_account, coalesce({unique}, '') AS unique_id, coalesce({sessions}, '') AS session_name,
        coalesce({i}.accesskeyid, '') AS access_key, coalesce({i}.sessioncontext.sourceidentity, '') AS source_identity,
        {concluded} AS concluded, {outcome} AS outcome, CASE lower(readonly) WHEN 'true' THEN true WHEN 'false' THEN false END AS read_only,
        {_excerpt()} AS excerpt, {_targets()} AS targets, coalesce(errorcode, '') AS error_code, coalesce(errormessage, '') AS error_message,
        coalesce(sourceipaddress, '') AS ip, coalesce(useragent, '') AS user_agent, coalesce(_time_from, '') AS time_from,
        coalesce({handed}, '') AS session_key, _origin AS origin, place, _id AS ident
    FROM (SELECT *, {form} AS _form FROM (SELECT *, {objects}, coalesce(nullif({i}.accountid, ''),
              regexp_extract({arn}, '^arn:[^:]*:[^:]*:[^:]*:([0-9]{{12}}):', 1), '') AS _owner, {principal} AS _principal FROM {relation})))
    """


def _targets() -> str:
    """Names and ARNs acted on, as the decoder finds them: request parameters that are texts, `resources`, what was created."""
    paths = ", ".join(f"'$.{field}'" for field in TARGET_FIELDS)
    told = f"list_transform(json_extract(_request, [{paths}]), lambda x: CASE WHEN json_type(x) = 'VARCHAR' THEN json_extract_string(x, '$') END)"
    one = "json_extract_string(_request, '$.{}')"
    both = " AND ".join(f"json_type(_request, '$.{field}') = 'VARCHAR'" for field in ("bucketName", "key"))
    pieces = [
        f"CASE WHEN _request IS NOT NULL THEN {told} ELSE [] END",
        "CASE WHEN contains(_request, '\"instancesSet\"') "
        "THEN json_extract_string(_request, '$.instancesSet.items[*].instanceId') ELSE [] END",
        f"CASE WHEN contains(_request, '\"bucketName\"') AND {both} "
        f"THEN [{one.format('bucketName')} || '/' || {one.format('key')}] ELSE [] END",
        "coalesce(list_transform(resources, lambda r: r.ARN), [])",
        "CASE WHEN contains(_response, '\"accessKey\"') THEN [json_extract_string(_response, '$.accessKey.accessKeyId')] ELSE [] END",
    ]
    found = pieces[0]
    for piece in pieces[1:]:
        found = f"list_concat({found}, {piece})"
    kept = f"list_filter({found}, lambda x: x <> '')"
    return f"list_slice(list_filter({kept}, lambda x, n: list_position({kept}, x) = n), 1, 12)"


def _excerpt() -> str:
    """The parts of a record its class is told by, as JSON; "" for nearly all."""
    request = " || ".join(
        f"CASE WHEN json_type(_request, '$.{field}') IN ('VARCHAR', 'OBJECT') "
        f"THEN ',\"{field}\":' || CAST(json_extract(_request, '$.{field}') AS VARCHAR) ELSE '' END"
        for field in _TELLING
    )
    iam = f"CASE WHEN {_IAM} AND _request IS NOT NULL THEN ',\"requestParameters\":{{' || substr({request}, 2) || '}}' ELSE '' END"
    mfa = "json_extract(_extra, '$.MFAUsed')"
    login = (
        f"CASE WHEN eventname = 'ConsoleLogin' AND {mfa} IS NOT NULL THEN "
        f"',\"additionalEventData\":{{\"MFAUsed\":' || CAST({mfa} AS VARCHAR) || '}}' ELSE '' END"
    )
    root = (
        "CASE WHEN _form IN ('root', 'of-root') THEN CASE WHEN useridentity.invokedby IS NOT NULL THEN ',\"invokedBy\":1' ELSE '' END || "
        "CASE WHEN eventtype = 'AwsServiceEvent' THEN ',\"eventType\":\"AwsServiceEvent\"' ELSE '' END ELSE '' END"
    )
    return f"CASE WHEN {_IAM} OR eventname = 'ConsoleLogin' OR _form IN ('root', 'of-root') THEN '{{' || substr({iam} || {login} || {root}, 2) || '}}' ELSE '' END"


class View(msgspec.Struct, frozen=True, eq=False):
    """Rows of one list in their order: a table of positions. `count`: how many."""

    table: str
    count: int


class EventRows:
    """The rows of one store. Everything here blocks, most of it for milliseconds; several threads may ask at once.

    folder: of the store; the rows lie in a folder of their own below it
    """

    def __init__(self, folder: Path, memory: str = _MEMORY) -> None:
        self._folder = folder / "rows"
        self._memory = memory
        self._exit = ExitStack()
        self._lock = threading.Lock()
        self._one_at_a_time = threading.Lock()
        self._db: duckdb.DuckDBPyConnection | None = None
        self._running: dict[int, duckdb.DuckDBPyConnection] = {}
        self._segments: tuple[Path, ...] = ()
        self._files: tuple[Path, ...] = ()
        self._views = 0
        self.all = View("", 0)
        """All rows, the newest first, those without a time last."""

    # -- making ------------------------------------------------------------------------------------------------------

    def open(self, segments: Sequence[Path], cancelled: Callable[[], bool] = lambda: False) -> View:
        """The rows of these segments; what is missing is made first. Raises IamtuiError when the disk is full."""
        segments = tuple(segments)
        if segments == self._segments and self.all.table:
            return self.all
        files: list[Path] = []
        with told_disk(self._folder):
            private_dir(self._folder)
            for segment in segments:
                path = self._folder / f"{segment.stem}.{_VERSION}.parquet"
                if not path.is_file():
                    if cancelled():
                        return self.all
                    make_rows(segment, path, self._memory)
                files.append(path)
            self._sweep(files)
        self._segments, self._files = segments, tuple(files)
        before, self.all = self.all, self._positions("", (), "time DESC NULLS LAST, file_index, file_row_number")
        self.drop(before)
        return self.all

    def _sweep(self, files: Sequence[Path]) -> None:
        """Remove rows of segments that are gone, and what a process that died was making."""
        kept = {path.name for path in files}
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                if path.name.startswith("making-") and not _alive(path.name.split("-")[1]):
                    shutil.rmtree(path, ignore_errors=True)
                if (
                    path.suffix == ".parquet"
                    and path.name not in kept
                    and not (self._folder.parent / f"{path.name.split('.')[0]}.parquet").exists()
                ):
                    path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of everything; views are gone."""
        self._exit.close()
        self._db = None
        self._segments = self._files = ()
        self.all = View("", 0)

    # -- views -------------------------------------------------------------------------------------------------------

    def view(self, where: str, parameters: Sequence[Any] = (), order: str = "") -> View:
        """The rows a condition lets through, in the order of the list or another one. The caller drops it."""
        by = f"{order}, " if order else ""
        return self._positions(where, parameters, f"{by}time DESC NULLS LAST, file_index, file_row_number")

    def drop(self, view: View) -> None:
        """Forget a view."""
        if view.table:
            self.run(f"DROP TABLE IF EXISTS {view.table}")

    def _positions(self, where: str, parameters: Sequence[Any], order: str) -> View:
        with self._lock:
            self._views += 1
            name = f"view_{self._views}"
        if not self._files:
            return View("", 0)
        chosen = f"FROM {self.relation()}" + (f" WHERE {where}" if where else "")
        sql = f"CREATE TABLE {name} AS SELECT file_index::SMALLINT AS f, file_row_number::INTEGER AS r {chosen} ORDER BY {order}"
        ((count,),) = self.run(sql, parameters) or ((0,),)
        return View(name, int(count))

    def relation(self) -> str:
        """All rows as SQL, in no order, with `file_index` and `file_row_number`."""
        if not self._files:
            records = select("(SELECT NULL::JSON AS j, ''::VARCHAR AS o WHERE false)")
            rows = row_select(f"(SELECT *, 0 AS place FROM ({records}))")
            return f"(SELECT *, 0::UBIGINT AS file_index, 0::BIGINT AS file_row_number FROM ({rows})) AS rows"
        return f"read_parquet([{', '.join(quoted(path) for path in self._files)}], file_row_number = true) AS rows"

    def page(self, view: View, first: int, count: int) -> list[tuple[Any, ...]]:
        """Rows `first` to `first + count` of a view: the number of the segment, then COLUMNS."""
        places = (
            self.run(f"SELECT f, r FROM {view.table} WHERE rowid BETWEEN {int(first)} AND {int(first + count - 1)}", page=True)
            if view.table
            else []
        )
        found = self.at(places)
        return [found[place] for place in places if place in found]

    def at(self, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], tuple[Any, ...]]:
        """Rows by (file, line)."""
        if not places:
            return {}
        numbers = sorted({file for file, _ in places})
        index = {file: n for n, file in enumerate(numbers)}
        files = ", ".join(quoted(self._files[file]) for file in numbers)
        lines = ", ".join(str(int(line)) for _, line in places)
        pairs = ", ".join(f"({index[file]}, {int(line)})" for file, line in places)
        sql = (
            f"SELECT file_index, file_row_number, {', '.join(COLUMNS)} FROM read_parquet([{files}], file_row_number = true) "
            f"WHERE file_row_number IN ({lines}) AND (file_index, file_row_number) IN (VALUES {pairs})"
        )
        return {(numbers[n], line): (numbers[n], *rest) for n, line, *rest in self.run(sql, page=True)}

    def position(self, view: View, ident: str) -> int | None:
        """Where in a view an event is; None when it is not in it."""
        if not view.table:
            return None
        places = self.run(f"SELECT file_index, file_row_number FROM {self.relation()} WHERE ident = ? LIMIT 1", [ident])
        if not places:
            return None
        found = self.run(f"SELECT rowid FROM {view.table} WHERE f = ? AND r = ?", places[0])
        return int(found[0][0]) if found else None

    def count_of(self, view: View, idents: Sequence[str]) -> int:
        """How many of some events are in a view."""
        if not view.table:
            return 0
        places = f"(SELECT file_index AS f, file_row_number AS r FROM {self.relation()} WHERE ident IN (SELECT unnest(?::VARCHAR[])))"
        ((count,),) = self.run(f"SELECT count(*) FROM {view.table} JOIN {places} USING (f, r)", [list(idents)])
        return int(count)

    def select(self, where: str, parameters: Sequence[Any], most: int) -> list[tuple[Any, ...]]:
        """At most so many rows a condition lets through, the newest first."""
        if not self._files:
            return []
        places = self.run(
            f"SELECT file_index, file_row_number FROM {self.relation()} WHERE {where} ORDER BY time DESC NULLS LAST LIMIT {int(most)}",
            parameters,
        )
        rows: list[tuple[Any, ...]] = []
        for first in range(0, len(places), _PIECE):
            piece = places[first : first + _PIECE]
            found = self.at(piece)
            rows += [found[place] for place in piece if place in found]
        return rows

    def records(self, places: Sequence[tuple[int, int]]) -> list[str]:
        """The records at (segment, place), in their order; "" for one that cannot be read."""
        wanted: dict[int, list[int]] = {}
        for segment, place in places:
            wanted.setdefault(segment, []).append(place)
        found: dict[tuple[int, int], str] = {}
        for segment, lines in wanted.items():
            relation = f"read_parquet({quoted(self._segments[segment])}, file_row_number = true)"
            numbers = ", ".join(str(int(line)) for line in lines)
            rows = self.run(f"SELECT file_row_number, _record FROM {relation} WHERE file_row_number IN ({numbers})")
            found.update({(segment, int(line)): str(record) for line, record in rows})
        return [found.get(place, "") for place in places]

    def of_segments(self, what: str, where: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Columns of the segments themselves, where rows do not have them."""
        if not self._segments:
            return []
        files = ", ".join(quoted(path) for path in self._segments)
        return self.run(f"SELECT {what} FROM read_parquet([{files}]) WHERE {where}", parameters)

    # -- asking ------------------------------------------------------------------------------------------------------

    def run(self, sql: str, parameters: Sequence[Any] = (), *, page: bool = False) -> list[tuple[Any, ...]]:
        """An answer to SQL of ours; values come as parameters. One question at a time looks at all rows, because each needs
        memory; a `page` waits for nobody. Raises IamtuiError."""
        import duckdb

        with contextlib.nullcontext() if page else self._one_at_a_time:
            with self._lock:
                if self._db is None:
                    self._db = self._exit.enter_context(connection(self._memory))
                    self._db.execute(f"SET temp_directory = {quoted(self._folder / 'spilled')}")
                    self._db.execute("SET preserve_insertion_order = true; SET parquet_metadata_cache = true")
                cursor = self._db.cursor()
                self._running[threading.get_ident()] = cursor
            try:
                return cursor.execute(sql, list(parameters)).fetchall() if parameters else cursor.execute(sql).fetchall()
            except duckdb.Error as error:
                raise IamtuiError(
                    f"The events in {self._folder.parent} cannot be read: {str(error).partition(chr(10))[0]}",
                    "iamtui cache clear forgets them; the next start reads the files again",
                ) from error
            finally:
                with self._lock:
                    self._running.pop(threading.get_ident(), None)
                cursor.close()

    def interrupt(self, thread: int) -> None:
        """Stop the question a thread is waiting for."""
        with self._lock:
            running = self._running.get(thread)
            if running is not None:
                running.interrupt()


def _alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def make_rows(segment: Path, path: Path, memory: str = _MEMORY) -> None:
    """The rows of one segment, under another name until all are there."""
    place = path.parent / f"making-{os.getpid()}-{secrets.token_hex(6)}"
    place.mkdir(mode=0o700)
    try:
        with connection(memory, threads=1) as db:
            db.execute(f"SET temp_directory = {quoted(place)}")
            made = place / "rows.parquet"
            source = f"(SELECT * RENAME (file_row_number AS place) FROM read_parquet({quoted(segment)}, file_row_number = true))"
            db.execute("SET preserve_insertion_order = true")
            db.execute(f"COPY ({row_select(source)} ORDER BY time DESC NULLS LAST, place) TO {quoted(made)} ({_FORMAT})")
        made.chmod(0o600)
        os.replace(made, path)
    finally:
        shutil.rmtree(place, ignore_errors=True)
