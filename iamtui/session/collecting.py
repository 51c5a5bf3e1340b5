"""Reading many accounts into one folder: a bundle an account, and one of the organisation that also says how each went.

Accounts are read side by side, and each bundle appears when it is whole. A killed run goes on where it was: accounts whose bundle is
young and complete are not asked again. Nothing of an account that fails is taken away: an older bundle of it stays, with its age.
"""

from __future__ import annotations

import contextlib
import queue
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import msgspec

from ..errors import AwsError, BadInputError, CredentialsError, IamtuiError, RefusedError
from ..model.accounts import CLOSED, KnownAccount, Reading
from ..model.document import Document, Gap, Kind, Origin
from ..model.fact import State
from ..source.base import Cancelled, Item, Step, never_cancelled

AT_ONCE = 6
MOST_AT_ONCE = 16
FRESH = timedelta(hours=24)
"""A bundle younger than this is not read again, unless asked to."""
ORGANIZATION = "organization.zip"
ROLE_NAME = "OrganizationAccountAccessRole"
_EVERY = 0.5
_SAVE_EVERY = 20.0
"""Seconds between two writings of how it goes, for the case of a kill."""
_WINDOW = 90.0
_TRIES = 4
"""How often an account is tried that AWS throttles away."""
_OUTAGES = 6
"""Accounts in a row that the network does not reach: then nothing more is tried."""
_GAAD = Kind.AUTHORIZATION
_BEGUN = re.compile(r"\.(?:[0-9]{12}|organization)\.zip\.[0-9a-f]{12}")
_ABANDONED = 3600.0


class Way(Protocol):
    """The way into the accounts (`source.live.members.Members`)."""

    account: str

    def who(self) -> None: ...

    def accounts(self, cancelled: Cancelled = ...) -> Iterator[Item]: ...

    def organization(self, cancelled: Cancelled = ...) -> Iterator[Item]: ...

    def into(self, known: KnownAccount) -> tuple[Any, str]: ...


class Progress(msgspec.Struct, frozen=True):
    """How it stands. `fresh` of `total` were there before; the others came: read, partly, denied, failed; left out: closed, excluded.

    rate:  accounts a minute; left: time until the end at that rate, None when nobody knows
    what:  what is done where no account is under way yet
    broken: why it ended early
    """

    total: int = 0
    fresh: int = 0
    read: int = 0
    partly: int = 0
    denied: int = 0
    failed: int = 0
    closed: int = 0
    excluded: int = 0
    waiting: int = 0
    in_flight: int = 0
    allowed: int = AT_ONCE
    rate: float = 0.0
    left: timedelta | None = None
    what: str = ""
    broken: str = ""
    organization: str = ""
    finished: bool = False
    stopped: bool = False
    accounts: tuple[KnownAccount, ...] = ()

    @property
    def done(self) -> int:
        return self.fresh + self.read + self.partly + self.denied + self.failed

    @property
    def whole(self) -> bool:
        """Whether everything that is open and wanted was read."""
        return self.finished and not (self.partly or self.denied or self.failed or self.waiting or self.broken or self.organization)


class _Outcome(msgspec.Struct, frozen=True):
    known: KnownAccount
    again: bool = False
    network: bool = False


class Collection:
    """One run.

    wanted:   ids to read, in this order; () for every account of the organisation
    organized: whether the organisation is read (its accounts, levels and policies)
    """

    def __init__(
        self,
        way: Way,
        folder: Path,
        now: Callable[[], datetime],
        *,
        wanted: Sequence[KnownAccount] = (),
        excluded: Sequence[str] = (),
        organized: bool = True,
        at_once: int = AT_ONCE,
        again: bool = False,
    ) -> None:
        from ..source.live.limits import JobLimit

        self._way, self._folder, self._now = way, folder, now
        self._wanted, self._excluded = wanted, frozenset(word.casefold() for word in excluded)
        self._organized, self._again = organized, again
        self._limit = JobLimit(max(1, min(at_once, MOST_AT_ONCE)))
        self._at_once = max(1, min(at_once, MOST_AT_ONCE))
        self._known: dict[str, KnownAccount] = {}
        self._organization: list[Document | Gap] = []
        self._waiting: deque[tuple[str, int]] = deque()
        self._lock = threading.Lock()
        self._ends: deque[float] = deque()
        self._state = Progress(allowed=self._at_once)
        self._saved = 0.0
        self._outages = 0

    # -- the run -----------------------------------------------------------------------------------------------------

    def run(self, cancelled: Cancelled = never_cancelled) -> Iterator[Progress]:
        """Read; yields how it goes at most twice a second, and once at the end. Raises CredentialsError or AwsError when the accounts
        cannot even be named, OSError when the folder cannot be written."""
        self._way.who()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._tidy()
        yield from self._list(cancelled)
        if cancelled():
            yield self._told(finished=True, stopped=True)
            return
        self._sort_out()
        self._save()
        yield from self._drive(cancelled)
        self._save()
        yield self._told(finished=True, stopped=cancelled())

    def _tidy(self) -> None:
        """Take away what killed runs had begun to write; not what another run may be writing now."""
        for path in self._folder.iterdir():
            if _BEGUN.fullmatch(path.name) and path.is_file() and time.time() - path.lstat().st_mtime > _ABANDONED:
                path.unlink(missing_ok=True)

    def _list(self, cancelled: Cancelled) -> Iterator[Progress]:
        """Who there is: the organisation's accounts, or those that were named."""
        listed: dict[str, KnownAccount] = {}
        if self._organized:
            for item in self._way.accounts(cancelled):
                if isinstance(item, Step):
                    yield msgspec.structs.replace(self._state, what=item.what, total=item.done)
                elif isinstance(item, Gap):
                    if not self._wanted:
                        raise _no_list(item)
                    self._organization.append(item)
                else:
                    listed = self._decoded(item)
        for one in self._wanted:
            self._known[one.account] = listed.get(one.account) or one
        if not self._wanted:
            self._known = listed

    def _decoded(self, document: Document) -> dict[str, KnownAccount]:
        from ..source.decode import BROKEN, decode_accounts, reason_of

        try:
            return {one.account: one for one in decode_accounts(document)}
        except BROKEN as error:
            raise AwsError(f"The list of accounts cannot be read: {reason_of(error)}", "name them with --accounts") from error

    def _sort_out(self) -> None:
        """Who is not asked, and why; the rest waits."""
        for number, one in self._known.items():
            bundle = self._folder / f"{number}.zip"
            if number in self._excluded or (one.name and one.name.casefold() in self._excluded):
                self._put(one, Reading.EXCLUDED, "left out by --exclude")
            elif one.status in CLOSED:
                self._put(one, Reading.CLOSED, f"the account is {one.status.lower().replace('_', ' ')}: nobody can assume a role in it")
            elif not self._again and (young := self._fresh(bundle)) is not None:
                at, reading = young
                reason = "something of it was denied; --again asks again" if reading is Reading.PARTLY else ""
                self._known[number] = msgspec.structs.replace(one, reading=reading, at=at, reason=reason, listed=self._now())
                name = "partly" if reading is Reading.PARTLY else "fresh"
                self._state = msgspec.structs.replace(self._state, **{name: getattr(self._state, name) + 1})
            else:
                self._known[number] = msgspec.structs.replace(
                    one, reading=Reading.NOT_READ, listed=self._now(), reason=_NOT_YET, hint=_AGAIN
                )
                self._waiting.append((number, 1))
        unused = self._excluded - {n.casefold() for one in self._known.values() for n in (one.account, one.name)}
        if unused:
            raise BadInputError(f"--exclude {', '.join(sorted(unused))}: there is no such account", "name it by its 12 digits or its name")
        self._state = msgspec.structs.replace(
            self._state, total=len(self._known) - self._state.closed - self._state.excluded, waiting=len(self._waiting)
        )

    def _fresh(self, bundle: Path) -> tuple[datetime, Reading] | None:
        """When a bundle was made, if it is young and nothing in it had failed: what was denied would be denied again."""
        from ..source.evidence.bundle import made, refused

        at = made(str(bundle)) if bundle.is_file() else None
        if at is None or not timedelta() <= self._now() - at < FRESH:
            return None
        states = refused(str(bundle))
        return None if State.FAILED.value in states else (at, Reading.PARTLY if states else Reading.READ)

    def _drive(self, cancelled: Cancelled) -> Iterator[Progress]:
        out: queue.SimpleQueue[_Outcome | BaseException | None] = queue.SimpleQueue()
        halted = threading.Event()

        def stop() -> bool:
            return halted.is_set() or cancelled()

        jobs = min(self._at_once, max(1, len(self._waiting)))
        threads = [threading.Thread(target=self._work, args=(stop, out), daemon=True) for _ in range(jobs)]
        if self._organized:
            threads.append(threading.Thread(target=self._read_organization, args=(stop, out), daemon=True))
        for thread in threads:
            thread.start()
        running, told, failure = len(threads), 0.0, None
        try:
            while running:
                with contextlib.suppress(queue.Empty):
                    item = out.get(timeout=0.1)
                    if item is None:
                        running -= 1
                    elif isinstance(item, _Outcome):
                        self._take(item)
                    else:
                        failure = failure or item
                        halted.set()
                if cancelled():
                    while not out.empty():  # bundles that are written already
                        if isinstance(late := out.get(), _Outcome):
                            self._take(late)
                    return
                if time.monotonic() - self._saved >= _SAVE_EVERY:
                    self._save()
                if time.monotonic() - told >= _EVERY:
                    told = time.monotonic()
                    yield self._told()
        finally:
            halted.set()
        if isinstance(failure, IamtuiError):
            self._state = msgspec.structs.replace(self._state, broken=f"{failure.message}{f'; {failure.hint}' if failure.hint else ''}")
        elif failure is not None:
            raise failure

    def _told(self, *, finished: bool = False, stopped: bool = False) -> Progress:
        now = time.monotonic()
        while self._ends and now - self._ends[0] > _WINDOW:
            self._ends.popleft()
        span = now - self._ends[0] if len(self._ends) > 1 else 0.0
        rate = (len(self._ends) - 1) / span * 60 if span else 0.0
        state = self._state
        rest = state.total - state.done
        self._state = msgspec.structs.replace(
            state,
            waiting=rest,
            in_flight=0 if finished else min(self._limit.running, rest),
            allowed=self._limit.allowed,
            rate=rate,
            left=timedelta(minutes=rest / rate) if rate and rest else None,
            finished=finished,
            stopped=stopped and rest > 0,
            accounts=tuple(self._known.values()) if finished else (),
        )
        return self._state

    # -- one account -------------------------------------------------------------------------------------------------

    def _work(self, stop: Cancelled, out: queue.SimpleQueue[Any]) -> None:
        try:
            while not stop():
                with self._lock:
                    turn = self._waiting.popleft() if self._waiting else None
                if turn is None:
                    return
                number, tries = turn
                if not self._limit.acquire(stop):
                    return
                well = False
                try:
                    outcome = self._one(self._known[number], stop)
                    well = outcome is not None and not outcome.again
                finally:
                    self._limit.release(well=well)
                if outcome is None:
                    return
                if outcome.again:
                    self._limit.throttled()
                    if tries < _TRIES:
                        with self._lock:
                            self._waiting.append((number, tries + 1))
                        continue
                out.put(outcome)
                with self._lock:
                    self._outages = self._outages + 1 if outcome.network else 0
                    if self._outages >= _OUTAGES:
                        raise AwsError(f"AWS was not reached for {self._outages} accounts in a row", "check the network")
        except BaseException as error:
            out.put(error)
        finally:
            out.put(None)

    def _one(self, known: KnownAccount, stop: Cancelled) -> _Outcome | None:
        """Read one account and write its bundle; None when cancelled. Raises CredentialsError when no account can be read any more."""
        from ..source.live.members import ASSUME, NotAssumed

        try:
            source, role = self._way.into(known)
        except NotAssumed as refused:
            told = self._outcome(known, refused.reading, refused.reason, ASSUME, refused.hint)
            return _Outcome(told, refused.throttled, refused.network)
        documents: list[Document] = []
        gaps: list[Gap] = []
        try:
            for item in source.account(stop):
                if isinstance(item, Document):
                    documents.append(item)
                elif isinstance(item, Gap):
                    gaps.append(item)
        except CredentialsError:
            raise
        except AwsError as error:
            told = self._outcome(known, Reading.FAILED, error.message, error.action, "the same command again reads what is missing")
            return _Outcome(told, network=True)
        if stop():
            return None
        if not any(document.kind is _GAAD for document in documents):
            gap = next((g for g in gaps if g.kind is _GAAD), None)
            return _Outcome(self._unreadable(known, gap, role), gap is not None and gap.reason.startswith("throttled"))
        self._write(f"{known.account}.zip", documents, gaps)
        reading = Reading.PARTLY if gaps else Reading.READ
        first = gaps[0] if gaps else None
        words = f"{first.reason}{f', and {len(gaps) - 1} more' if len(gaps) > 1 else ''}" if first else ""
        told = self._outcome(known, reading, words, first.action if first else "", first.hint if first else "")
        return _Outcome(msgspec.structs.replace(told, role=role))

    def _unreadable(self, known: KnownAccount, gap: Gap | None, role: str) -> KnownAccount:
        if gap is None:
            return self._outcome(known, Reading.FAILED, "nothing came of it", "", "the same command again reads what is missing")
        reading = Reading.DENIED if gap.state is State.DENIED else Reading.FAILED
        hint = f"let {role} do {gap.action} (iamtui info --policy prints all that is needed)" if role else gap.hint
        return self._outcome(known, reading, gap.reason, gap.action, hint)

    def _outcome(self, known: KnownAccount, reading: Reading, reason: str, action: str = "", hint: str = "") -> KnownAccount:
        now = self._now()
        return msgspec.structs.replace(known, reading=reading, reason=reason, action=action, hint=hint, at=now, listed=now)

    def _read_organization(self, stop: Cancelled, out: queue.SimpleQueue[Any]) -> None:
        try:
            found = [item for item in self._way.organization(stop) if not isinstance(item, Step)]
            if not stop():
                with self._lock:
                    self._organization += found
        except BaseException as error:
            out.put(error)
        finally:
            out.put(None)

    # -- what came ---------------------------------------------------------------------------------------------------

    def _put(self, known: KnownAccount, reading: Reading, reason: str) -> None:
        self._take(_Outcome(self._outcome(known, reading, reason)), timed=False)

    def _take(self, outcome: _Outcome, *, timed: bool = True) -> None:
        known = outcome.known
        assert known.reading is not None
        self._known[known.account] = known
        name = _COUNTERS[known.reading]
        self._state = msgspec.structs.replace(self._state, **{name: getattr(self._state, name) + 1})
        if timed:
            self._ends.append(time.monotonic())

    def _save(self) -> None:
        """How each account went, and the organisation, for whoever opens the folder, and for a run after a kill."""
        from ..source.decode import encode_accounts

        self._saved = time.monotonic()
        now = self._now()
        body = encode_accounts(tuple(self._known.values()))
        listed = Document(Kind.ACCOUNTS, body, now, Origin("live", "organizations:ListAccounts" if self._organized else "--accounts"))
        with self._lock:
            held = list(self._organization)
        documents = [listed, *(item for item in held if isinstance(item, Document))]
        gaps = [item for item in held if isinstance(item, Gap) and item.state is not State.NOT_APPLICABLE]
        self._state = msgspec.structs.replace(self._state, organization="; ".join(f"{gap.action}: {gap.reason}" for gap in gaps))
        if not any(item.kind is Kind.ORGANIZATION for item in documents):
            documents += self._known_before()
        self._write(ORGANIZATION, documents, gaps)

    def _known_before(self) -> list[Document]:
        """The organisation as an earlier run read it, while this one has not, or may not."""
        from ..source.evidence.bundle import read_bundle

        path = self._folder / ORGANIZATION
        if not path.is_file():
            return []
        try:
            return [item for item in read_bundle(str(path)) if isinstance(item, Document) and item.kind is Kind.ORGANIZATION]
        except IamtuiError:
            return []

    def _write(self, name: str, documents: list[Document], gaps: list[Gap]) -> None:
        from ..source.decode import redact_document
        from ..store.bundle import write_bundle

        path = self._folder / name
        write_bundle(path, (redact_document(document) for document in documents), gaps, source="live", created=self._now())


_NOT_YET = "its turn had not come when this was written"
_AGAIN = "iamtui collect with the same folder goes on where it was"
_COUNTERS = {
    Reading.READ: "read",
    Reading.PARTLY: "partly",
    Reading.DENIED: "denied",
    Reading.FAILED: "failed",
    Reading.CLOSED: "closed",
    Reading.EXCLUDED: "excluded",
}


def _no_list(gap: Gap) -> IamtuiError:
    if gap.state is State.NOT_APPLICABLE:
        return RefusedError("The account is in no organisation", "name the accounts: --accounts 111122223333,444455556666", gap.action)
    hint = "sign in to the management account or a delegated administrator's, or name the accounts: --accounts FILE"
    denied = gap.state is State.DENIED
    return RefusedError(f"The organisation's accounts could not be listed ({gap.action}): {gap.reason}", hint, gap.action, denied=denied)


__all__ = ["AT_ONCE", "FRESH", "MOST_AT_ONCE", "ORGANIZATION", "ROLE_NAME", "Collection", "Progress"]
