"""What a session knows right now: the one place with state."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..errors import AwsError, CredentialsError, IamtuiError
from ..model.account import World
from ..model.coverage import Coverage
from ..model.document import Document, Gap
from ..model.event import Window
from ..model.fact import Fact
from ..model.surroundings import Surroundings
from ..model.usage import UsageReport
from .answers import Link, Problem
from .configlog import ConfigLog
from .eventlog import EventLog
from .usagebook import UsageBook

if TYPE_CHECKING:
    from ..model.guards import Guards


class Book:
    """World, events, last-accessed answers and problems. Values are replaced, never changed, so readers need no lock.

    windows: what was covered of CloudTrail, by the ARN it was asked for ("" for the whole account)
    coverage: the same as a value that outlives the process, and tells a source what it need not ask again
    usage:   last-accessed answers by ARN, of those that were looked at; `advisor` holds all that were asked, packed
    surroundings: resource policies and organisations; read from the source when first asked about
    resources_asked: ARNs of resources whose policy was asked for by itself
    config: what AWS Config told
    guard_items: answers about trails, alarms and rules (and what was refused of them), as they came; guards_read: all were asked for
    events_lost: something that should have been events could not be read
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.lock = threading.RLock()
        self.world = World()
        self.log = EventLog()
        self.windows: dict[str, tuple[Window, ...]] = {}
        self.coverage = Coverage()
        self.usage: dict[str, Fact[UsageReport]] = {}
        self.advisor = UsageBook()
        self.link = Link.DISK
        self.events_lost = False
        self.surroundings = Surroundings()
        self.surroundings_read = False
        self.analyzers_read = False
        self.analyzers_at: datetime | None = None  # when Access Analyzer last told its analyzers
        self.resources_asked: set[str] = set()
        self.config = ConfigLog()
        self.guard_items: tuple[Document | Gap, ...] = ()
        self.guards_read = False
        self.guards_held: tuple[object, tuple[str, ...], tuple[Guards, ...]] | None = None  # made of which answers, for which accounts
        self._problems: list[Problem] = []
        self._known_problems: set[tuple[str, str]] = set()

    @property
    def problems(self) -> tuple[Problem, ...]:
        with self.lock:
            return tuple(self._problems)

    @property
    def problem_count(self) -> int:
        return len(self._problems)

    def failed(self, error: IamtuiError) -> None:
        """A call ended in an error that says how we stand to the source."""
        if isinstance(error, CredentialsError):
            self.link = Link.NO_CREDENTIALS
        elif isinstance(error, AwsError):
            self.link = Link.UNREACHABLE
        self.note(error)

    def note(self, error: IamtuiError) -> None:
        self._add(Problem(self.now(), error.message, error.hint, getattr(error, "action", "")))

    def note_gap(self, gap: Gap) -> None:
        where = " ".join(part for part in (gap.action or gap.kind.value, gap.account, gap.region, gap.key) if part)
        self._add(Problem(gap.at or self.now(), f"{gap.state.value}: {gap.reason}", gap.hint, where))

    def forget_problems(self) -> None:
        """Before everything is read again: what still fails will be said again."""
        with self.lock:
            self._problems.clear()
            self._known_problems.clear()

    def _add(self, problem: Problem) -> None:
        with self.lock:
            if (problem.what, problem.where) not in self._known_problems:
                self._known_problems.add((problem.what, problem.where))
                self._problems.append(problem)


def arn_of(item: Any) -> str:
    """ARN of an identity or policy, "" for an event."""
    return getattr(item, "arn", "")
