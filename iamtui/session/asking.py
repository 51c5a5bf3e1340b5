"""Questions about access: who may, why, what with, what for nothing. A part of the session; nothing here is for the event loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from ..errors import NotFoundError
from ..model.account import USERS, World
from ..model.event import Event, Window
from ..model.fact import Fact
from ..model.finding import Finding
from ..model.identity import Group, Identity, Role, User
from ..model.surroundings import Surroundings
from ..model.usage import UsageReport
from ..source.base import PolicyRemark
from .answers import Row
from .book import Book, arn_of
from .reading import Reader

if TYPE_CHECKING:
    from ..analysis.access import Verdict
    from ..analysis.effective import Difference, EffectiveAccess
    from ..analysis.escalation.crossing import Ways
    from ..analysis.escalation.evaluating import Escalation, Hops
    from ..analysis.exposure import Exposure
    from ..analysis.reducing import Reduction
    from ..analysis.unused import UnusedAccess
    from ..analysis.whocan import Holder
    from .searching import EventSearch


class Found(msgspec.Struct, frozen=True, eq=False):
    """Findings of one state of the account and what stands around it; `of` None: nobody has asked. `asked`: a live account was asked for
    what stands around."""

    findings: tuple[Finding, ...] = ()
    of: World | None = None
    at: datetime | None = None
    around: Surroundings | None = None
    asked: bool = True


class AccessQuestions:
    """What the engine answers about the open accounts, with the organisation's and the resources' policies as far as they were read."""

    _book: Book
    _reader: Reader
    _found: Found
    now: Callable[[], datetime]

    if TYPE_CHECKING:

        @property
        def search(self) -> EventSearch: ...

        def usage(self, row: Row) -> Fact[UsageReport]: ...

        def windows(self, row: Row | None = None) -> tuple[Window, ...]: ...

    def can(self, row: Row, action: str, resource: str = "*", context: Mapping[str, str] | None = None) -> Verdict:
        """Whether a user, role or group may do an action, with what decided it. Conditions nobody answered stay open."""
        from ..analysis.access import decide, question

        self._reader.surroundings()
        self._reader.resource_policy(resource)
        around = self._book.surroundings
        asked = question(action, resource, self._book.world.snapshots, around, context=context)
        return decide(_identity(row), row.snapshot, asked, around)

    def who_can(self, action: str, resource: str = "*", context: Mapping[str, str] | None = None) -> tuple[Holder, ...]:
        """Everyone who may do an action on a resource: identities of the open accounts, and whom resource policies let in."""
        from ..analysis.access import question
        from ..analysis.whocan import who_can

        self._reader.surroundings()
        self._reader.resource_policy(resource)
        around = self._book.surroundings
        return who_can(question(action, resource, self._book.world.snapshots, around, context=context), self._book.world.snapshots, around)

    def effective(self, row: Row) -> EffectiveAccess:
        """What a user, role or group may do within its limits, by service and access level. Not for the event loop."""
        from ..analysis.effective import effective_access

        identity = _identity(row)
        self._reader.surroundings()
        return effective_access(identity, row.snapshot, self._book.surroundings)

    def compare(self, first: Row, second: Row) -> tuple[Difference, ...]:
        """Two identities side by side, by service and access level. Not for the event loop."""
        from ..analysis.effective import compared

        return compared(self.effective(first), self.effective(second))

    def exposures(self, cancelled: Callable[[], bool] = lambda: False) -> tuple[Exposure, ...]:
        """What of the open accounts can be reached from outside, the gravest first. Of a live account the resource policies are
        read first: seconds to minutes."""
        from ..analysis.exposure import exposures

        self._reader.surroundings(cancelled, ask=True)
        return exposures(self._book.world.snapshots, self._book.surroundings)

    def escalations(self, row: Row | None = None) -> tuple[tuple[Escalation, ...], tuple[Hops, ...]]:
        """Who can become an administrator by which published path, and over which roles; of one user or role, or of all."""
        from ..analysis.escalation.evaluating import Field, escalations, hops

        self._reader.surroundings()
        ways: list[Escalation] = []
        chains: list[Hops] = []
        for snapshot in self._book.world.snapshots:
            if row is not None and row.snapshot.account != snapshot.account:
                continue
            field = Field(snapshot, self._book.surroundings)
            found = escalations(field)
            ways.extend(found)
            chains.extend(hops(field, found))
        if row is not None:
            arn = arn_of(row.item)
            return tuple(w for w in ways if w.identity.arn == arn), tuple(c for c in chains if c.identity.arn == arn)
        return tuple(ways), tuple(chains)

    def ways(self, row: Row | None = None) -> Ways:
        """As `escalations`, with the ways from one open account into another, and the edges to accounts that were not read."""
        from ..analysis.escalation.crossing import Ways, all_ways

        self._reader.surroundings()
        found = all_ways(self._book.world.snapshots, self._book.surroundings)
        if row is None:
            return found
        arn = arn_of(row.item)
        return Ways(
            tuple(one for one in found.escalations if one.identity.arn == arn),
            tuple(one for one in found.hops if one.identity.arn == arn),
            tuple(one for one in found.crossings if one.identity.arn == arn),
            tuple(one for one in found.unread if one.arn == arn),
        )

    @property
    def has_resource_policies(self) -> bool:
        """Whether any policy of a resource was read, beside trust policies."""
        return bool(self._book.surroundings.resources)

    def surroundings(self) -> Surroundings:
        """Policies of resources and the organisation's, as far as they were read."""
        self._reader.surroundings()
        return self._book.surroundings

    def validate_policy(self, document: str) -> tuple[PolicyRemark, ...]:
        """What Access Analyzer's ValidatePolicy says of a document; its text is sent to AWS. What goes wrong is in `problems()`."""
        from ..policy.compiled import Form
        from ..policy.validation import form_of

        kind = "RESOURCE_POLICY" if form_of(document) is Form.RESOURCE else "IDENTITY_POLICY"
        return self._reader.validate_policy(document, kind)

    @property
    def findings_stale(self) -> bool:
        """Whether the account has been read again since the findings were made, or nobody has asked for them."""
        return self._found.of is not self._book.world or not self._found.asked

    def load_findings(self, cancelled: Callable[[], bool] = lambda: False, *, ask: bool = True) -> int:
        """Work out what all analyses claim; `listing(FINDINGS)` holds it then. Answers how many. `ask`: read the policies of resources of a
        live account first."""
        from ..analysis.findings import findings

        world = self._book.world
        self._reader.surroundings(cancelled, ask=ask)
        now, around = self.now(), self._book.surroundings
        found = findings(world.snapshots, around, now, cancelled)
        if not cancelled():
            asked = ask or self._book.surroundings_read or self._reader.info.kind != "live" or self._reader.offline
            self._found = Found(found, world, now, around, asked)
        return len(found)

    def unused(self, row: Row, days: int = 90) -> tuple[UnusedAccess, Reduction]:
        """What an identity holds and did not use in the last days, as far as sources on hand tell, and its policies without it."""
        from ..analysis.reducing import reduced

        found, identity = self.unused_access(row, days), _identity(row)
        return found, reduced(identity, row.snapshot, found, self._calls(identity, row))

    def unused_access(self, row: Row, days: int = 90) -> UnusedAccess:
        """`unused` without the smaller policies, which cost as much again."""
        from ..analysis.unused import unused_access

        access, identity = self.effective(row), _identity(row)
        events = self._calls(identity, row)
        windows = self._looked_at(identity, row)
        analyzer = self._book.surroundings.unused.get(identity.arn, ())
        return unused_access(identity, row.snapshot, access, self.usage(row), events, windows, self.now(), days, analyzer)

    def _calls(self, identity: Identity, row: Row) -> tuple[Event, ...]:
        """What an identity did; a group does what its members do."""
        from ..analysis.grants import members

        if not isinstance(identity, Group):
            return self.search.by_actor(identity)
        return tuple(event for user in members(identity, row.snapshot) for event in self.search.by_actor(user))

    def _looked_at(self, identity: Identity, row: Row) -> tuple[Window, ...]:
        """What was covered to find its calls; of a group only where that is so of every member."""
        from ..analysis.grants import members

        if not isinstance(identity, Group):
            return self.windows(row) or self.windows()
        if not row.snapshot.section(USERS).complete:
            return ()
        found = [self.windows(Row(user.arn, user, row.snapshot)) or self.windows() for user in members(identity, row.snapshot)]
        return tuple(window for one in found for window in one) if all(found) else ()


def _identity(row: Row) -> Identity:
    if not isinstance(row.item, User | Role | Group):
        raise NotFoundError("Only users, roles and groups have access", "a policy's own summary is on its Document tab")
    return row.item
