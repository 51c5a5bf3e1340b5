"""CloudTrail Lake: an event data store is found, the query turned into its types, followed, its pages handed on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from ..errors import AwsError, IamtuiError, UsageError
from ..model.document import Gap
from ..model.remote import Answer, DataStore, Run, RunState
from ..source.base import Cancelled, Step, never_cancelled
from .costs import LAKE_PRICE, lake_usd, size_words, usd_words
from .engines import EngineChoice, Several
from .remote import EVERY, Remote, told_gaps, unbounded_error
from .remotewords import failure, typed
from .trail import SqlColumn, SqlPage

if TYPE_CHECKING:
    from ..query.remote import Outgoing
    from .facade import Session


class LakeEngine(Remote):
    """CloudTrail Lake: an event data store, from the settings or found."""

    name = "lake"

    def __init__(self, session: Session, choice: EngineChoice) -> None:
        super().__init__(session, choice)
        self._stores: tuple[DataStore, ...] | None = None
        self._gaps: list[Gap] = []
        self._asked: DataStore | None = None
        self._chosen = ""

    def where(self) -> str:
        store = self._asked
        if store is None:
            return self._choice.store or "an event data store that is found with the first query"
        keeps = f", keeps {store.days:,} days" if store.days else ""
        status = f", {store.status.lower().replace('_', ' ')}" if store.status not in ("", "ENABLED") else ""
        return f"{store.name} in {store.region}{keeps}{status}"

    def ask(self, text: str, cancelled: Cancelled = never_cancelled, *, unbounded: bool = False) -> Iterator[SqlPage]:
        cancelled = self._begin(cancelled)
        began = time.monotonic()
        for item in self._prepared(text, cancelled):
            if isinstance(item, SqlPage):
                yield item
                continue
            outgoing, store = item
            if not outgoing.bound.kind and not unbounded:
                day = f"{self._session.now() - timedelta(days=7):%Y-%m-%d}"
                raise unbounded_error(f"the event data store {store.name}", f"add to WHERE: eventtime > '{day} 00:00:00'", LAKE_PRICE)
            yield SqlPage(before=self._before(outgoing, store), translated=outgoing.text)
            yield from self._run(outgoing, store, began, cancelled)

    def show(self, text: str, cancelled: Cancelled = never_cancelled) -> tuple[str, str]:
        for item in self._prepared(text, self._begin(cancelled)):
            if not isinstance(item, SqlPage):
                outgoing, store = item
                return outgoing.text, self._before(outgoing, store)
        return "", ""

    def _prepared(self, text: str, cancelled: Cancelled) -> Iterator[SqlPage | tuple[Outgoing, DataStore]]:
        from ..query.lake import check_lake, for_lake

        checked, ids = check_lake(text)
        for_lake(checked, ids, DataStore("x/" + "0" * 36, "x"), self._session.now())  # what cannot be turned is told before AWS is asked
        checked, ids = check_lake(text)
        yield from self._find(cancelled)
        if cancelled():
            return
        store = self._choose(ids)
        self._asked = store
        yield for_lake(checked, ids, store, self._session.now()), store

    def _find(self, cancelled: Cancelled) -> Iterator[SqlPage]:
        if self._stores is not None:
            return
        found: list[DataStore] = []
        self._gaps = []
        told = 0.0
        for item in self._source.lake().stores(self._source.regions(), cancelled):
            if isinstance(item, DataStore):
                found.append(item)
            elif isinstance(item, Gap):
                self._gaps.append(item)
            elif time.monotonic() - told >= EVERY:
                told = time.monotonic()
                yield SqlPage(words=item.what)
        if not cancelled():
            self._stores = tuple(found)

    def _choose(self, ids: tuple[str, ...]) -> DataStore:
        stores, wanted = self._stores or (), self._chosen or self._choice.store
        if ids:
            named = next((one for one in stores if one.id.lower() == ids[0]), None)
            if named is not None:
                return named
            raise UsageError(f"There is no event data store {ids[0]} in {self._places()}", self._names() or _NEW_CUSTOMERS)
        if wanted:
            same = [one for one in stores if wanted in (one.name, one.id, one.arn)]
            if len(same) == 1:
                return same[0]
            what = f"There is no event data store {wanted}" if not same else f"{len(same)} event data stores are called {wanted}"
            raise UsageError(f"{what} in {self._places()}", self._names() or _NEW_CUSTOMERS)
        able = [one for one in stores if one.askable]
        if len(able) == 1:
            return able[0]
        if able:

            def take(number: int) -> None:
                self._chosen = able[number].arn

            names = tuple(f"{one.name} ({one.region})" for one in able)
            told = f"{len(able)} event data stores can be asked: {', '.join(names[:12])}"
            raise Several(told, "--lake-store names one, by name, id or ARN", "event data stores", names, take)
        self._stores = None  # the next query looks again
        if self._gaps:
            told = told_gaps(self._gaps)
            raise AwsError(f"Event data stores were not listed: {told}", self._gaps[0].hint, "cloudtrail:ListEventDataStores")
        if stores:
            states = ", ".join(
                f"{one.name} ({one.status.lower().replace('_', ' ') or 'unknown'}, {', '.join(one.kinds)})" for one in stores[:6]
            )
            raise UsageError(
                f"No event data store holds CloudTrail events that can be asked: {states}", "--engine athena asks a trail's files"
            )
        raise UsageError(f"There is no event data store in {self._places()}", _NEW_CUSTOMERS)

    def _places(self) -> str:
        return ", ".join(self._source.regions())

    def _names(self) -> str:
        names = [f"{one.name} ({one.region}{'' if one.known else ', not looked into'})" for one in self._stores or () if one.askable]
        return f"there are {', '.join(names[:12])}" if names else ""

    def _before(self, outgoing: Outgoing, store: DataStore) -> str:
        since = outgoing.bound.since
        keeps = f", keeps {store.days:,} days" if store.days else ""
        scan = f"events since {since:%Y-%m-%d}" if since else "the bound of time decides" if outgoing.bound.kind else "everything it holds"
        late = ""
        if since is not None and store.days and (self._session.now() - since).days > store.days:
            late = ", which is more than it keeps"
        return f"{store.name} in {store.region}{keeps} · scans {scan}{late} · how many bytes is not known before · {LAKE_PRICE}"

    def _run(self, outgoing: Outgoing, store: DataStore, began: float, cancelled: Cancelled) -> Iterator[SqlPage]:
        door = self._source.lake()
        done: Run | None = None
        try:
            for item in self._follow(door.run(outgoing.text, store, cancelled)):
                if isinstance(item, Run):
                    done = item
                else:
                    yield item
        except AwsError as error:
            raise _lake_refusal(error, store) from error
        if cancelled() or done is None:
            return
        engine = f", {done.millis / 1000:.1f} s in CloudTrail Lake" if done.millis else ""
        cost = f"{size_words(done.scanned)} scanned, {usd_words(lake_usd(done.scanned))} (estimate by list price){engine}"
        if done.state is not RunState.DONE:
            raise failure("CloudTrail Lake", done, cost)
        columns: tuple[SqlColumn, ...] = ()
        for page in door.rows(done.id, store, cancelled):
            if isinstance(page, Step):
                yield SqlPage(words=page.what)
                continue
            known = page.columns or tuple((name or f"_col{number}", "") for number, name in enumerate(outgoing.columns))
            counted = tuple((name, "bigint" if number in outgoing.numbers else kind) for number, (name, kind) in enumerate(known))
            columns, rows = typed(Answer(counted, page.rows))
            yield SqlPage(columns, rows, took=time.monotonic() - began, translated=outgoing.text, after=cost)
        if not cancelled():
            yield SqlPage(columns, finished=True, took=time.monotonic() - began, translated=outgoing.text, after=cost)


_NEW_CUSTOMERS = "CloudTrail Lake takes no new customers since 2026-05-31; --engine athena asks the files of a trail"


def _lake_refusal(error: AwsError, store: DataStore) -> IamtuiError:
    """Refusals that have a meaning of their own."""
    code = getattr(error, "code", "")
    if code == "MaxConcurrentQueriesException":
        return AwsError(
            "Ten queries are running in CloudTrail Lake already, the most an account may have", "wait for one to end", error.action
        )
    if code == "InactiveEventDataStoreException":
        return UsageError(f"The event data store {store.name} cannot be asked: it is not active", "--lake-store names another")
    if code == "InvalidQueryStatementException":
        return UsageError(error.message, "--show prints the text that was sent")
    return error
