"""Last-accessed details of a whole account: who is asked about, what is there already, how it goes; and the questions that follow.

At most four jobs are in flight, fewer when AWS throttles (`source/live/limits.py`). Every answer is kept as it comes, so that a sweep that
was killed goes on where it was: only what is missing or older than its life is asked for. Ids of jobs are never kept.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ..model.account import World
from ..model.document import Document, Gap, Kind
from ..model.fact import Fact, State, absent, known
from ..source.base import Cancelled, Step, never_cancelled

if TYPE_CHECKING:
    from ..analysis.matrix import Matrix
    from ..model.usage import GrantingPolicy, ServiceEntity
    from .answers import Row
    from .book import Book
    from .reading import Reader

KINDS = ("users", "roles", "groups", "policies")
AT_ONCE = 4
_EVERY = 0.5
"""Seconds between two words about progress, at least."""
_SAVE_EVERY = 30.0
"""Seconds between two packed pictures on the disk; the answers themselves are there at once."""
_WINDOW = 90.0
"""Seconds the rate is measured over: the speed of now, not that of an hour ago."""


class Target(NamedTuple):
    """One identity or policy to ask about."""

    arn: str
    account: str
    kind: str
    name: str
    created: datetime | None


class Sweep(msgspec.Struct, frozen=True):
    """How a sweep stands.

    total:     identities and policies to know about; `fresh` of them were known before
    known:     answers that came; denied, failed, gone (deleted meanwhile), missing (not in what was opened) came without one
    in_flight: jobs under way, `allowed` at most right now
    rate:      answers a minute; left: time until the end at that rate, None when nobody knows
    first:     the first refusal, in words
    """

    total: int
    fresh: int = 0
    known: int = 0
    denied: int = 0
    failed: int = 0
    gone: int = 0
    missing: int = 0
    in_flight: int = 0
    allowed: int = AT_ONCE
    throttled: bool = False
    rate: float = 0.0
    left: timedelta | None = None
    first: str = ""
    finished: bool = False
    stopped: bool = False
    broken: str = ""

    @property
    def done(self) -> int:
        return self.fresh + self.known + self.denied + self.failed + self.gone + self.missing

    @property
    def whole(self) -> bool:
        """Whether everything that exists is known."""
        return self.finished and not (self.denied or self.failed or self.missing or self.stopped or self.broken)


def targets(world: World, kinds: Sequence[str] = ()) -> tuple[Target, ...]:
    """Whom a sweep asks about, the telling ones first: users, the account's own roles, groups, attached policies of the account; then
    roles that services own and attached policies of AWS. A policy attached to nobody cannot have been used and is left out."""
    wanted = tuple(kinds) or KINDS
    first: list[Target] = []
    later: list[Target] = []
    for snapshot in world.snapshots:
        account = snapshot.account
        for kind in wanted:
            for item in getattr(snapshot, kind):
                if kind == "policies" and item.attachment_count == 0:
                    continue
                behind = item.service_linked if kind == "roles" else kind == "policies" and item.aws_managed
                (later if behind else first).append(Target(item.arn, account, kind, item.name, item.created))
    order = {kind: number for number, kind in enumerate(KINDS)}
    return (*sorted(first, key=lambda t: order[t.kind]), *sorted(later, key=lambda t: order[t.kind]))


class ServiceDrill(msgspec.Struct, frozen=True):
    """One service of one identity or policy, asked further.

    entities: who used it by way of a group or policy; NOT_APPLICABLE of a user or role, who is it themselves
    granting: the policies that give it, by AWS; NOT_APPLICABLE of a policy, which is it itself
    ours:     the policies that give it by what was read here, with the way they came
    """

    arn: str
    service: str
    entities: Fact[tuple[ServiceEntity, ...]]
    granting: Fact[tuple[GrantingPolicy, ...]]
    ours: tuple[str, ...]


class SweepQuestions:
    """The part of the session that sweeps. Methods block, and belong into worker threads."""

    _book: Book
    _reader: Reader
    now: Callable[[], datetime]

    @property
    def advised(self) -> int:
        """How many identities and policies have last-accessed details."""
        return len(self._book.advisor)

    @property
    def advice_version(self) -> int:
        """Rises with every answer."""
        return self._book.advisor.version

    def sweep(
        self,
        kinds: Sequence[str] = (),
        *,
        again: bool = False,
        granularity: str = "ACTION_LEVEL",
        cancelled: Cancelled = never_cancelled,
    ) -> Iterator[Sweep]:
        """Ask for the last-accessed details of everybody; yields how it stands, at most twice a second, and at the end.

        again: ask also for what is known and fresh
        """
        return _Sweeping(self._book, self._reader, self.now, targets(self._book.world, kinds), granularity, again=again).run(cancelled)

    def let_go(self, row: Row) -> None:
        """Do not hold an identity's answer in full any longer; its packed one stays, and the disk or the source has it."""
        if self._reader.cache is not None or self._reader.info.kind != "live":
            self._book.usage.pop(getattr(row.item, "arn", ""), None)

    def matrix(self, kinds: Sequence[str] = ()) -> Matrix:
        """Identities and policies by services, as far as they were asked about."""
        from ..analysis.matrix import Line, Matrix

        advisor = self._book.advisor
        lines = []
        for target in targets(self._book.world, kinds):
            digest = advisor.digest(target.arn)
            if digest is not None and target.created is not None and digest.completed < target.created:
                digest = None
            brief = advisor.brief(target.arn)
            why: Fact[object] = (
                absent(State.NOT_LOADED)
                if brief is None or brief.is_known
                else absent(brief.state, brief.source, brief.as_of, brief.detail)
            )
            lines.append(Line(target.arn, target.name, target.kind, target.account, digest, why))
        return Matrix(tuple(advisor.names), lines)

    def load_service(self, row: Row, service: str, cancelled: Cancelled = never_cancelled) -> Iterator[Step | ServiceDrill]:
        """Who used one service of an identity or policy, and which policies give it."""
        from ..model.identity import Group, Role, User
        from .drilling import entities, granting, own_grants

        item, account = row.item, row.snapshot.account
        arn = getattr(item, "arn", "")
        ours = own_grants(row, service)
        if isinstance(item, User | Role):
            used: Fact[tuple[ServiceEntity, ...]] = absent(State.NOT_APPLICABLE, detail="it is its own")
        else:
            used = yield from entities(self._reader, arn, service, account, cancelled)
        if isinstance(item, User | Role | Group):
            given = yield from granting(self._reader, arn, service, account, cancelled)
        else:
            given = absent(State.NOT_APPLICABLE, detail="it is the policy")
        yield ServiceDrill(arn, service, used, given, ours)


class _Sweeping:
    """One sweep: threads ask, and this one, which is whoever drives the iterator, takes and keeps."""

    def __init__(
        self, book: Book, reader: Reader, now: Callable[[], datetime], asked: tuple[Target, ...], granularity: str, *, again: bool
    ) -> None:
        self.book, self.reader, self.now, self.granularity, self.again = book, reader, now, granularity, again
        self.all = asked
        self.counts = dict.fromkeys(("fresh", "known", "denied", "failed", "gone", "missing"), 0)
        self.first = self.broken = ""
        self.throttled_at = 0.0
        self.times: deque[float] = deque()
        self.begin = time.monotonic()
        self.answers: queue.SimpleQueue[tuple[Target, object]] = queue.SimpleQueue()

    # -- asking ------------------------------------------------------------------------------------------------------

    def run(self, cancelled: Cancelled) -> Iterator[Sweep]:
        yield self.state()
        waiting = deque(self.missing(cancelled))
        source = self.reader.source
        if source is None or cancelled():
            self.counts["missing"] += len(waiting)
            yield self.end(cancelled)
            return
        stop = threading.Event()
        number = AT_ONCE if self.reader.info.kind == "live" else 1
        running = min(number, len(waiting))

        def work() -> None:
            try:
                while not stop.is_set() and not cancelled():
                    try:
                        target = waiting.popleft()
                    except IndexError:
                        return
                    self.ask(target, lambda: stop.is_set() or cancelled())
            except Exception as error:
                self.answers.put((_NOBODY, error))
            finally:
                self.answers.put((_NOBODY, None))

        for _ in range(running):
            threading.Thread(target=work, daemon=True).start()
        told = saved = time.monotonic()
        try:
            while running:
                try:
                    target, item = self.answers.get(timeout=0.2)
                except queue.Empty:
                    if cancelled():
                        break
                else:
                    if target is not _NOBODY:
                        self.take(target, item)
                    elif item is None:
                        running -= 1
                    elif isinstance(item, Exception):
                        stop.set()
                        self.fail(item)
                now = time.monotonic()
                if now - told >= _EVERY:
                    told = now
                    yield self.state()
                if now - saved >= _SAVE_EVERY:
                    saved = now
                    self.save()
            yield self.end(cancelled)
        finally:
            stop.set()
            self.save()

    def ask(self, target: Target, cancelled: Cancelled) -> None:
        """One question, in a thread of its own."""
        source = self.reader.source
        assert source is not None
        for item in source.last_accessed(target.arn, self.granularity, cancelled):
            if isinstance(item, Step):
                if item.throttled:
                    self.throttled_at = time.monotonic()
                continue
            self.answers.put((target, item))

    def missing(self, cancelled: Cancelled) -> Iterator[Target]:
        """Those that have to be asked about: without an answer, or with one that is older than its life, or than they are."""
        from ..model.freshness import is_stale

        advisor, reader = self.book.advisor, self.reader
        live, now = reader.info.kind in ("live", "cache"), self.now()
        for target in self.all:
            if cancelled():
                return
            digest = advisor.digest(target.arn)
            if digest is None and reader.cache is not None:
                kept = reader.kept_usage(target.arn, target.account)
                if kept is not None:
                    advisor.take(target.arn, known(kept, kept.source, kept.completed))
                    digest = advisor.digest(target.arn)
            stale = (
                digest is None
                or (live and is_stale(Kind.LAST_ACCESSED, digest.completed, now))
                or (target.created is not None and digest.completed < target.created)
            )
            if stale or (self.again and reader.source is not None):
                yield target
            else:
                self.counts["fresh"] += 1

    # -- taking ------------------------------------------------------------------------------------------------------

    def take(self, target: Target, item: object) -> None:
        if not isinstance(item, Document | Gap):
            return
        fact = self.reader.take_usage(target.arn, target.account, item)
        self.book.usage.pop(target.arn, None)  # looked up again by whoever opens it
        if self.reader.info.kind == "live" and self.reader.cache is None:
            self.book.usage[target.arn] = fact
        self.counts[_COUNTED.get(fact.state, "failed")] += 1
        self.times.append(time.monotonic())
        if fact.state in (State.DENIED, State.FAILED) and not self.first:
            self.first = f"{target.name}: {fact.state.value}: {fact.detail}"

    def fail(self, error: Exception) -> None:
        """What ends all asking: no credentials, no network, or a defect."""
        from ..errors import IamtuiError

        if isinstance(error, IamtuiError):
            self.book.failed(error)
            self.broken = self.broken or error.message
        else:
            self.broken = self.broken or f"{type(error).__name__}: {error}"

    def save(self) -> None:
        cache = self.reader.cache
        if cache is not None and self.reader.info.kind == "live":
            for account in {target.account for target in self.all}:
                cache.put_digests(account, self.book.advisor.kept(account))

    # -- telling -----------------------------------------------------------------------------------------------------

    def state(self, *, finished: bool = False, stopped: bool = False) -> Sweep:
        now = time.monotonic()
        while self.times and now - self.times[0] > _WINDOW:
            self.times.popleft()
        span = min(now - self.begin, _WINDOW)
        rate = len(self.times) / span * 60 if span > 0 and self.times else 0.0
        rest = len(self.all) - sum(self.counts.values())
        left = timedelta(minutes=rest / rate) if rate and span >= 2 and not finished else None
        in_flight, allowed = _in_flight(self.reader.info.kind)
        return Sweep(
            total=len(self.all),
            **self.counts,
            in_flight=in_flight,
            allowed=allowed,
            throttled=now - self.throttled_at < 5 if self.throttled_at else False,
            rate=rate,
            left=left,
            first=self.first,
            finished=finished,
            stopped=stopped,
            broken=self.broken,
        )

    def end(self, cancelled: Cancelled) -> Sweep:
        """The last word; refusals are a line in `problems()`, one for all of a kind."""
        counts = self.counts
        stopped = cancelled() and sum(counts.values()) < len(self.all)
        for state, name in ((State.DENIED, "denied"), (State.FAILED, "failed")):
            if counts[name]:
                reason = f"last-accessed details of {counts[name]:,} of {len(self.all):,}, first {self.first}"
                self.book.note_gap(
                    Gap(Kind.LAST_ACCESSED, state, reason, "iam:GenerateServiceLastAccessedDetails", hint="sweep asks again")
                )
        if counts["gone"]:
            reason = f"{counts['gone']:,} were deleted since the lists were read"
            self.book.note_gap(Gap(Kind.LAST_ACCESSED, State.NOT_APPLICABLE, reason, hint="r reads the lists again"))
        return self.state(finished=True, stopped=stopped)


_NOBODY = Target("", "", "", "", None)
_COUNTED = {
    State.KNOWN: "known",
    State.DENIED: "denied",
    State.NOT_APPLICABLE: "gone",
    State.NOT_LOADED: "missing",
}


def _in_flight(kind: str) -> tuple[int, int]:
    """(jobs under way, how many there may be right now)."""
    if kind != "live":
        return 1, 1
    from ..source.live.limits import last_accessed_jobs

    return last_accessed_jobs.running, last_accessed_jobs.allowed
