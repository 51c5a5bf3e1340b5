"""Last-accessed answers (Access Advisor)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from ...model.document import Document, Gap, Kind
from ...model.fact import Fact, State, absent, known
from ...model.usage import ActionUsage, ServiceUsage, UsageReport
from .wire import BROKEN, items, mend, moment, reason_of, text

SOURCE = "iam:GetServiceLastAccessedDetails"
ACTION = "iam:GenerateServiceLastAccessedDetails"
TRACKING_PERIOD = timedelta(days=400)


def decode_last_accessed(document: Document) -> UsageReport | Gap:
    """An answer of one ARN. A job that is not done or has failed, and an answer that cannot be read, is a Gap.

    The ARN is the document's key, else the `Arn` beside the answer, else the one identity its entries name.
    """
    try:
        answer = msgspec.json.decode(mend(document.body))
        if not isinstance(answer, dict):
            raise ValueError("not an object")
    except BROKEN as error:
        return _gap(document, State.FAILED, f"the answer cannot be read: {reason_of(error)}")
    status = answer.get("JobStatus")
    if status == "IN_PROGRESS":
        return _gap(document, State.NOT_LOADED, "the job was still running when this was saved")
    if status == "FAILED":
        error_text = answer.get("Error")
        code = error_text.get("Message") or error_text.get("Code") if isinstance(error_text, dict) else ""
        return _gap(document, State.FAILED, f"the job failed: {text(code) or 'no reason given'}")
    completed = moment(answer.get("JobCompletionDate")) or document.as_of
    services = tuple(_service(entry, completed) for entry in items(answer.get("ServicesLastAccessed")) if isinstance(entry, dict))
    arn = document.key or text(answer.get("Arn")) or _only_entity(answer)
    return UsageReport(
        arn=arn,
        granularity=text(answer.get("Granularity")) or text(answer.get("JobType")) or "SERVICE_LEVEL",
        services=services,
        completed=completed,
        source=SOURCE,
        tracking_from=completed - TRACKING_PERIOD,
    )


def _service(entry: dict[str, Any], as_of: datetime) -> ServiceUsage:
    count = entry.get("TotalAuthenticatedEntities")
    tracked = tuple(_action(a, as_of) for a in items(entry.get("TrackedActionsLastAccessed")) if isinstance(a, dict))
    return ServiceUsage(
        namespace=text(entry.get("ServiceNamespace")),
        name=text(entry.get("ServiceName")),
        last_used=_when(entry.get("LastAuthenticated"), as_of),
        region=text(entry.get("LastAuthenticatedRegion")),
        entity_arn=text(entry.get("LastAuthenticatedEntity")),
        entities=count if isinstance(count, int) else None,
        actions=tracked,
    )


def _action(entry: dict[str, Any], as_of: datetime) -> ActionUsage:
    return ActionUsage(
        name=text(entry.get("ActionName")),
        last_used=_when(entry.get("LastAccessedTime"), as_of),
        region=text(entry.get("LastAccessedRegion")),
        entity_arn=text(entry.get("LastAccessedEntity")),
    )


def _when(value: object, as_of: datetime) -> Fact[datetime]:
    stamp = moment(value)
    return known(stamp, SOURCE, as_of) if stamp else absent(State.NOT_IN_TRACKING_PERIOD, SOURCE, as_of)


def _only_entity(answer: dict[str, Any]) -> str:
    named = {text(e.get("LastAuthenticatedEntity")) for e in items(answer.get("ServicesLastAccessed")) if isinstance(e, dict)} - {""}
    return named.pop() if len(named) == 1 else ""


def _gap(document: Document, state: State, reason: str) -> Gap:
    return Gap(Kind.LAST_ACCESSED, state, reason, ACTION, document.account, document.key, origin=document.origin, at=document.as_of)
