"""Claims about access, by Access Analyzer or by us: the nouns that the comparisons share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum

import msgspec

from ..model.account import Snapshot
from ..model.analyzer import AnalyzerFinding, AnalyzerKind
from ..model.event import Event
from ..model.fact import Fact
from ..model.surroundings import Surroundings
from ..model.usage import UsageReport
from .exposure import Exposure

ARCHIVED = "archived: somebody, or an archive rule, calls it meant"


class Verdict(StrEnum):
    BOTH = "both"
    ONLY_AWS = "only AWS"
    ONLY_HERE = "only here"
    NOT_JUDGED = "not judged"
    """AWS says so, and nothing here was read that could tell."""
    RESOLVED = "resolved"
    """AWS calls it over, and nothing here says otherwise."""


class Compared(msgspec.Struct, frozen=True):
    """One claim, by AWS, by us, or both.

    what:     who may reach it, or what is unused, in words
    ours:     our own claim in words, "" when we make none
    why:      why the other side does not say it, or what to know; sentences
    regions:  Regions whose analyzer says it
    arn:      the identity or resource
    """

    verdict: Verdict
    kind: AnalyzerKind
    arn: str
    what: str
    ours: str = ""
    why: tuple[str, ...] = ()
    finding: AnalyzerFinding | None = None
    exposure: Exposure | None = None
    regions: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        return self.finding.status.value if self.finding is not None else ""

    @property
    def name(self) -> str:
        """The last part of the ARN, with its service where it is no identity."""
        parts = self.arn.split(":", 5)
        if len(parts) < 6:
            return self.arn
        return parts[5].rpartition("/")[2] if parts[2] == "iam" else f"{parts[2]} {parts[5]}"


class Known(msgspec.Struct, frozen=True):
    """What the comparison may look at besides the findings.

    usage:   last-accessed details on hand by ARN
    changed: latest write event on a resource or identity among the events read, by ARN
    """

    snapshots: tuple[Snapshot, ...]
    surroundings: Surroundings
    exposures: tuple[Exposure, ...]
    usage: Callable[[str], Fact[UsageReport]]
    changed: Callable[[str], Event | None]
    now: datetime


def by_claim(findings: Iterable[AnalyzerFinding]) -> dict[tuple[object, ...], list[AnalyzerFinding]]:
    """The same claim is made by the analyzer of every Region where the resource is everywhere, as roles are."""
    found: dict[tuple[object, ...], list[AnalyzerFinding]] = {}
    for one in findings:
        told = one.principal or (("", one.id),)
        found.setdefault((one.resource, one.type, told, one.condition, one.status), []).append(one)
    return found


def day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment is not None else "a day not told"
