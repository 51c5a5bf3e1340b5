"""Access Analyzer, read and held beside our own answers. A part of the session; nothing here is for the event loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from ..errors import IamtuiError
from ..model.document import Document, Gap, Kind
from ..model.freshness import is_stale
from ..source.base import Cancelled, Step, never_cancelled

if TYPE_CHECKING:
    from ..analysis.analyzing import Compared
    from ..model.analyzer import Analyzer, AnalyzerFinding
    from ..model.event import Event
    from .book import Book
    from .reading import Reader
    from .searching import EventSearch

SOURCE = "access-analyzer:ListFindingsV2"

WITHOUT = (
    "External-access analyzers are free of charge and prove what policies let in, conditions included; unused-access ones are charged for each "
    "IAM role and user analysed a month, internal-access ones for each resource monitored. iamtui makes none"
)
"""What AWS would add where there is no analyzer, and what it costs."""


class AnalyzerView(msgspec.Struct, frozen=True):
    """Access Analyzer beside our own answers.

    asked:   Regions -> "" when they answered, else why not; empty when nobody could ask
    missing: kinds of analyzers there are none of: `external`, `unused`
    """

    rows: tuple[Compared, ...]
    analyzers: tuple[Analyzer, ...]
    asked: dict[str, str]
    missing: tuple[str, ...]
    as_of: datetime | None


class AnalyzerQuestions:
    """The part of the session that knows Access Analyzer."""

    _book: Book
    _reader: Reader
    now: Callable[[], datetime]

    if TYPE_CHECKING:

        @property
        def search(self) -> EventSearch: ...

    def load_analyzers(self, cancelled: Cancelled = never_cancelled, *, again: bool = False) -> Iterator[Step]:
        """Read analyzers and findings of every chosen Region; what is kept and fresh is not read again."""
        reader, book = self._reader, self._book
        reader.surroundings(cancelled, ask=True)
        ask = getattr(reader.source, "analyzers", None)
        if ask is None or reader.info.kind != "live" or (book.analyzers_read and not again):
            return
        if not again and book.surroundings.analyzer_regions and not self._stale():
            return
        try:
            for item in ask(cancelled):
                if isinstance(item, Step):
                    yield item
                else:
                    reader.take_around(item)
                    if isinstance(item, Gap) and item.kind is Kind.ANALYZERS and item.region:
                        told = {**book.surroundings.analyzer_regions, item.region: f"{item.state.value}: {item.reason}"}
                        book.surroundings = msgspec.structs.replace(book.surroundings, analyzer_regions=told)
            book.analyzers_read = not cancelled()
        except IamtuiError as error:
            book.failed(error)

    def _stale(self) -> bool:
        told = self._book.analyzers_at
        return told is None or is_stale(Kind.ANALYZERS, told, self.now())

    def analyzer_view(self, cancelled: Cancelled = never_cancelled) -> AnalyzerView:
        """Every claim of either side, with the reason where they differ."""
        from ..analysis.analyzing import Known, compared
        from ..analysis.exposure import exposures

        book = self._book
        around, snapshots = book.surroundings, book.world.snapshots
        changes = self._changes()
        told = Known(
            snapshots=snapshots,
            surroundings=around,
            exposures=exposures(snapshots, around),
            usage=lambda arn: self._usage_of(arn, cancelled),
            changed=lambda arn: changes[arn][0] if arn in changes else None,
            now=self.now(),
        )
        rows = compared(told)
        active = [one for one in around.analyzers.values() if one.status in ("ACTIVE", "")]
        held = {one.kind.value for one in active} | {one.kind.value for one in around.findings.values()}
        stamps = [one.analyzed for one in around.findings.values() if one.analyzed]
        return AnalyzerView(
            rows,
            tuple(sorted(around.analyzers.values(), key=lambda one: (one.region, one.name))),
            dict(around.analyzer_regions),
            tuple(kind for kind in ("external", "unused") if kind not in held),
            max(stamps, default=None),
        )

    def _usage_of(self, arn: str, cancelled: Cancelled) -> Any:
        """Last-accessed details on hand; a demo and evidence have them, AWS is not asked."""
        account = arn.split(":")[4] if arn.count(":") >= 5 else ""
        held = self._reader.held_usage(arn, account)
        if not held.is_known and self._reader.info.kind in ("demo", "evidence"):
            for _ in self._reader.usage(arn, account, "ACTION_LEVEL", cancelled):
                pass
            held = self._reader.held_usage(arn, account)
        return held

    def _changes(self) -> dict[str, list[Event]]:
        """Write events that went through, newest first, by the ARN they were made to."""
        found: dict[str, list[Event]] = {}
        roles = {item.name: item.arn for snapshot in self._book.world.snapshots for item in snapshot.roles}
        users = {item.name: item.arn for snapshot in self._book.world.snapshots for item in snapshot.users}
        wanted = {one.resource for one in self._book.surroundings.findings.values()} | set(self._book.surroundings.resources)
        for event in self.search.writes():
            names = {} if event.source != "iam.amazonaws.com" else roles if "Role" in event.name else users
            for target in event.targets:
                arn = target if target in wanted else names.get(target, "")
                if arn:
                    found.setdefault(arn, []).append(event)
        return found

    def analyzer_cause(self, finding: AnalyzerFinding) -> Event | None:
        """The event that most likely brought a finding about, among those read."""
        from ..analysis.analyzing import cause

        return cause(finding, self._changes().get(finding.resource, ()))

    def load_finding(self, finding: AnalyzerFinding) -> AnalyzerFinding:
        """A finding with its details, asked for when they were not read."""
        ask = getattr(self._reader.source, "analyzer_finding", None)
        if finding.detailed or ask is None or self._reader.offline or not finding.analyzer:
            return finding
        try:
            for item in ask(finding.analyzer, finding.id):
                if isinstance(item, Document | Gap):
                    self._reader.take_around(item)
        except IamtuiError as error:
            self._book.failed(error)
        return self._book.surroundings.findings.get(finding.key, finding)


# -- in words --------------------------------------------------------------------------------------------------------

COLUMNS = ("verdict", "kind", "status", "resource", "what", "why", "region", "since", "ours")


def row_cells(row: Compared, now: datetime) -> list[str]:
    """Cells of COLUMNS."""
    from ..analysis.words import relative

    made = row.finding.created if row.finding is not None else None
    return [
        row.verdict.value,
        row.kind.value,
        row.status,
        row.arn,
        row.what,
        "; ".join(row.why),
        " ".join(row.regions),
        relative(made, now) if made else "",
        row.ours,
    ]


def row_json(row: Compared) -> dict[str, Any]:
    """`verdict`, `kind`, `arn`, `what`, `ours`, `why`, `regions`, and `finding` as AWS has it."""
    one = row.finding
    return {
        "verdict": row.verdict.value,
        "kind": row.kind.value,
        "arn": row.arn,
        "what": row.what,
        "ours": row.ours,
        "why": list(row.why),
        "regions": list(row.regions),
        "statement": row.exposure.label if row.exposure is not None else None,
        "finding": None
        if one is None
        else {
            "id": one.id,
            "analyzer": one.analyzer,
            "type": one.type,
            "status": one.status.value,
            "resource_type": one.resource_type,
            "owner": one.owner,
            "principal": dict(one.principal),
            "actions": list(one.actions),
            "condition": dict(one.condition),
            "public": one.public,
            "sources": list(one.sources),
            "unused": [{"service": u.service, "actions": list(u.actions), "last_used": u.last_used} for u in one.unused],
            "access_key": one.access_key or None,
            "last_used": one.last_used,
            "created": one.created,
            "updated": one.updated,
            "analyzed": one.analyzed,
            "details_read": one.detailed,
        },
    }


def notes(view: AnalyzerView) -> list[str]:
    """What the view does not cover, and what an analyzer would add."""
    told = [f"{region}: {reason}" for region, reason in view.asked.items() if reason]
    quiet = [region for region, reason in view.asked.items() if not reason and not any(one.region == region for one in view.analyzers)]
    if quiet:
        told.append(f"no analyzer in {', '.join(quiet)}")
    if not view.asked and not view.analyzers:
        told.append("Access Analyzer was not asked, and no answer of it was opened: our own answers stand alone")
    elif view.missing:
        told.append(f"there is no analyzer of {' or '.join(view.missing)} access: there our own answers stand alone")
    if view.missing:
        told.append(WITHOUT)
    told += [
        f"{one.name} in {one.region} is {one.status.lower()}: {one.reason}" for one in view.analyzers if one.status not in ("ACTIVE", "")
    ]
    return told


def headline(rows: Sequence[Compared]) -> str:
    """`12 both say, 3 only AWS, 9 only here`."""
    from ..analysis.analyzing import Verdict, tally

    counts = tally(rows)
    words = {
        Verdict.BOTH: "both say",
        Verdict.ONLY_AWS: "only AWS says",
        Verdict.ONLY_HERE: "only iamtui says",
        Verdict.NOT_JUDGED: "not judged here",
        Verdict.RESOLVED: "resolved",
    }
    return ", ".join(f"{counts[verdict]:,} {told}" for verdict, told in words.items() if verdict in counts) or "nothing"
