"""Access Analyzer in every chosen Region, side by side: analyzers, their findings, and the details of those that need them.

ListFindingsV2 tells of a finding that it is there; who, which actions and which permissions are unused stand in GetFindingV2 alone. It is
asked for what is active, a few at a time and up to a number; the rest is asked for when somebody opens it.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from ...errors import AwsError
from ...model.document import Document, Gap, Kind
from ...model.fact import State
from ..base import Cancelled, Item, Step
from .calls import Caller
from .connection import GLOBAL_REGION, code_of
from .inventory import side_by_side

LIST = "access-analyzer:ListAnalyzers"
FINDINGS = "access-analyzer:ListFindings"
FINDING = "access-analyzer:GetFinding"
"""The IAM actions; the operations are their second versions."""
MOST_DETAILS = 1000
"""Findings of one analyzer whose details are read at once."""
MOST_PAGES = 200
"""Pages of findings of one analyzer: 20,000 findings."""
_AT_ONCE = 4
_NOT_HERE = ("UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure", "OptInRequired", "SubscriptionRequiredException")


def read_analyzers(caller: Caller, regions: tuple[str, ...], cancelled: Cancelled) -> Iterator[Item]:
    """An ANALYZERS document a Region, then an ANALYZER_FINDINGS document for each of its analyzers; refusals as gaps."""
    ordered = sorted(dict.fromkeys(regions), key=lambda region: region != GLOBAL_REGION)
    jobs = [(lambda stop, out, region=region: _Region(caller, region, stop, out).read()) for region in ordered]
    yield from side_by_side(jobs, cancelled)  # type: ignore[arg-type]


def read_finding(caller: Caller, analyzer: str, finding: str) -> Iterator[Item]:
    """The details of one finding, as an ANALYZER_FINDINGS document of that finding alone."""
    region = analyzer.split(":")[3] if analyzer.count(":") > 4 else ""
    try:
        answer = _details(caller.connection.client("accessanalyzer", region), analyzer, finding)
    except Exception as error:
        yield caller.gap(Kind.ANALYZER_FINDINGS, FINDING, error, key=finding, region=region)
        return
    yield caller.document(Kind.ANALYZER_FINDINGS, f"{FINDING}V2", {**answer, "analyzerArn": analyzer}, key=finding, region=region)


class _Region:
    def __init__(self, caller: Caller, region: str, cancelled: Cancelled, out: queue.SimpleQueue[Any]) -> None:
        self.caller, self.region, self.cancelled, self.out = caller, region, cancelled, out

    def read(self) -> None:
        self.out.put(Step(f"Access Analyzer in {self.region}"))
        client = self.caller.connection.client("accessanalyzer", self.region)
        try:
            analyzers = self._pages(client.list_analyzers, "analyzers", {"maxResults": 100})
        except Exception as error:
            self.out.put(self._refusal(LIST, error))
            return
        self.out.put(self._document(Kind.ANALYZERS, LIST, {"analyzers": analyzers}, ""))
        for analyzer in analyzers:
            if self.cancelled():
                return
            self._findings(client, analyzer)

    def _findings(self, client: Any, analyzer: dict[str, Any]) -> None:
        arn = str(analyzer["arn"])
        try:
            found = self._pages(client.list_findings_v2, "findings", {"analyzerArn": arn, "maxResults": 100})
        except Exception as error:
            self.out.put(self._refusal(FINDINGS, error, arn))
            return
        wanted = [one for one in found if one.get("status") == "ACTIVE"]
        self.out.put(Step(f"findings of {analyzer.get('name')} in {self.region}", 0, len(wanted)))
        more: dict[str, list[Any]] = {}
        refused: list[Exception] = []

        def one(finding: dict[str, Any]) -> None:
            if self.cancelled() or refused:
                return
            try:
                more[finding["id"]] = _details(client, arn, finding["id"]).get("findingDetails") or []
            except Exception as error:
                if code_of(error) != "ResourceNotFoundException":  # resolved and gone meanwhile
                    refused.append(error)

        with ThreadPoolExecutor(_AT_ONCE, "findings") as pool:
            list(pool.map(one, wanted[:MOST_DETAILS]))
        if self.cancelled():
            return
        if refused:
            gap = self._refusal(FINDING, refused[0], arn)
            reason = f"details of {len(wanted) - len(more):,} of {len(wanted):,} active findings of {analyzer.get('name')}: {gap.reason}"
            self.out.put(msgspec.structs.replace(gap, reason=reason))
        whole = [{**finding, **({"findingDetails": more[finding["id"]]} if finding["id"] in more else {})} for finding in found]
        self.out.put(self._document(Kind.ANALYZER_FINDINGS, f"{FINDINGS}V2", {"analyzer": analyzer, "findings": whole}, arn))

    def _pages(self, call: Any, name: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        more: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            if self.cancelled():
                break
            answer = call(**asked, **more)
            found.extend(answer.get(name) or ())
            if not answer.get("nextToken"):
                return found
            more = {"nextToken": answer["nextToken"]}
        else:
            reason = f"stopped after {len(found):,} {name}; there are more"
            self.out.put(Gap(Kind.ANALYZER_FINDINGS, State.NOT_LOADED, reason, FINDINGS, self.caller.account, region=self.region))
        return found

    def _document(self, kind: Kind, action: str, answer: dict[str, Any], key: str) -> Document:
        return self.caller.document(kind, action, answer, key=key, region=self.region)

    def _refusal(self, action: str, error: Exception, key: str = "") -> Gap:
        """A Region that refuses is a gap, also where the service is not there or the Region is not enabled."""
        kind = Kind.ANALYZERS if action == LIST else Kind.ANALYZER_FINDINGS
        if self.region != GLOBAL_REGION and code_of(error) in _NOT_HERE:
            reason = f"{self.region} is not enabled for this account, or does not accept these credentials ({code_of(error)})"
            return Gap(kind, State.FAILED, reason, action, self.caller.account, key, self.region, hint="leave it out of --region")
        try:
            return self.caller.gap(kind, action, error, key=key, region=self.region)
        except AwsError as final:
            if self.region == GLOBAL_REGION:
                raise
            return Gap(
                kind, State.FAILED, f"{self.region}: {final.message}", action, self.caller.account, key, self.region, hint=final.hint
            )


def _details(client: Any, analyzer: str, finding: str) -> dict[str, Any]:
    """GetFindingV2 with its pages joined."""
    answer: dict[str, Any] = client.get_finding_v2(analyzerArn=analyzer, id=finding)
    details = list(answer.get("findingDetails") or ())
    token = answer.get("nextToken")
    while token:
        page = client.get_finding_v2(analyzerArn=analyzer, id=finding, nextToken=token)
        details.extend(page.get("findingDetails") or ())
        token = page.get("nextToken")
    whole = {name: value for name, value in answer.items() if name not in ("nextToken", "ResponseMetadata")}
    return {**whole, "findingDetails": details}
