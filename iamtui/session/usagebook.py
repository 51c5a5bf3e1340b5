"""Last-accessed answers of a whole account, packed small: what lists and the matrix show of them."""

from __future__ import annotations

import sys
import threading
from array import array
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from ..model.fact import Fact, known
from ..model.usage import UsageBrief, UsageDigest, UsageDigests, UsageReport

SOURCE = "iam:GetServiceLastAccessedDetails"


class UsageBook:
    """Grows while answers come. `version` rises with every answer, so that a reader knows when to look again.

    names: namespaces of services, in the order they were first seen; a position in it never changes
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.version = 0
        self._places: dict[str, int] = {}
        self._digests: dict[str, UsageDigest] = {}
        self._absent: dict[str, Fact[UsageBrief]] = {}
        self._briefs: dict[str, Fact[UsageBrief]] = {}
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._digests or self._absent)

    def __contains__(self, arn: object) -> bool:
        return arn in self._digests

    def __len__(self) -> int:
        return len(self._digests)

    def digest(self, arn: str) -> UsageDigest | None:
        return self._digests.get(arn)

    def take(self, arn: str, fact: Fact[UsageReport]) -> None:
        """An answer, or why there is none. A refusal does not take an older answer away."""
        with self._lock:
            if fact.value is not None and fact.is_known:
                self._digests[arn] = self._packed(fact.value)
                self._absent.pop(arn, None)
            elif arn not in self._digests:
                self._absent[arn] = Fact(fact.state, None, fact.source, fact.as_of, fact.detail)
            self._briefs.pop(arn, None)
            self.version += 1

    def _packed(self, report: UsageReport) -> UsageDigest:
        places, last = array("H"), array("I")
        for service in report.services:
            name = sys.intern(service.namespace.lower())
            place = self._places.get(name)
            if place is None:
                if len(self.names) > 0xFFFF:
                    continue  # no such number of services exists: the answer is made up
                place = self._places[name] = len(self.names)
                self.names.append(name)
            stamp = service.last_used.value
            places.append(place)
            last.append(min(max(int(stamp.timestamp()), 1), 0xFFFFFFFF) if stamp is not None else 0)
        completed = report.completed or datetime.now(UTC)
        return UsageDigest(completed, report.granularity, report.tracking_from, places.tobytes(), last.tobytes())

    # -- what lists show ---------------------------------------------------------------------------------------------

    def brief(self, arn: str) -> Fact[UsageBrief] | None:
        """What a list shows of one; None when nobody asked."""
        held = self._briefs.get(arn) or self._absent.get(arn)
        if held is not None:
            return held
        digest = self._digests.get(arn)
        if digest is None:
            return None
        made = self._briefs[arn] = known(self._brief(digest), SOURCE, digest.completed)
        return made

    def _brief(self, digest: UsageDigest) -> UsageBrief:
        places, last = array("H", digest.services), array("I", digest.last)
        latest = max(last, default=0)
        return UsageBrief(
            last=datetime.fromtimestamp(latest, UTC) if latest else None,
            service=self.names[places[last.index(latest)]] if latest else "",
            granted=len(last),
            unused=last.count(0),
            completed=digest.completed,
            tracking_from=digest.tracking_from,
            source=SOURCE,
        )

    def briefs(self) -> Mapping[str, Fact[UsageBrief]]:
        """All of them, each worked out when it is looked at."""
        return _Briefs(self)

    # -- the disk ----------------------------------------------------------------------------------------------------

    def kept(self, account: str) -> UsageDigests:
        """What is kept of one account. Policies of AWS are kept with the account they were asked in, by `account` of the digest's ARN."""
        with self._lock:
            mine = {arn: digest for arn, digest in self._digests.items() if arn.split(":")[4:5] in ([account], ["aws"])}
            return UsageDigests(sys.byteorder, tuple(self.names), mine)

    def take_back(self, digests: UsageDigests) -> None:
        """What was kept; damaged rows are left out."""
        with self._lock:
            moved = array("H")
            for name in digests.names[:0xFFFF]:
                interned = sys.intern(name)
                if interned not in self._places:
                    self._places[interned] = len(self.names)
                    self.names.append(interned)
                moved.append(self._places[interned])
            same = list(moved) == list(range(len(moved)))
            for arn, digest in digests.by_arn.items():
                if len(digest.services) * 2 != len(digest.last) or len(digest.services) % 2:
                    continue
                places = array("H", digest.services)
                if places and max(places) >= len(moved):
                    continue
                if not same:
                    places = array("H", (moved[place] for place in places))
                    digest = UsageDigest(digest.completed, digest.granularity, digest.tracking_from, places.tobytes(), digest.last)
                self._digests.setdefault(arn, digest)
            self.version += 1

    def forget(self) -> None:
        """Nothing was asked: another account, or the evidence is read again."""
        with self._lock:
            self._digests.clear()
            self._absent.clear()
            self._briefs.clear()
            self.version += 1


class _Briefs(Mapping[str, Fact[UsageBrief]]):
    """A view of the book that a snapshot carries."""

    def __init__(self, book: UsageBook) -> None:
        self._book = book

    def __getitem__(self, arn: str) -> Fact[UsageBrief]:
        found = self._book.brief(arn)
        if found is None:
            raise KeyError(arn)
        return found

    def get(self, arn: str, default: Fact[UsageBrief] | None = None) -> Fact[UsageBrief] | None:  # type: ignore[override]
        return self._book.brief(arn) or default

    def __iter__(self) -> Iterator[str]:
        yield from list(self._book._digests)
        yield from list(self._book._absent)

    def __len__(self) -> int:
        return len(self._book._digests) + len(self._book._absent)
