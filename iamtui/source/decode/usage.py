"""Last-accessed answers (Access Advisor)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from ...model.document import Document, Gap, Kind
from ...model.fact import Fact, State, absent, known
from ...model.usage import ActionUsage, GrantingPolicy, ServiceEntity, ServiceUsage, UsageReport
from .wire import BROKEN, items, mend, moment, reason_of, text

SOURCE = "iam:GetServiceLastAccessedDetails"
ACTION = "iam:GenerateServiceLastAccessedDetails"
TRACKING_PERIOD = timedelta(days=400)


def decode_last_accessed(document: Document) -> UsageReport | Gap:
    """An answer of one ARN. A job that is not done or has failed, and an answer that cannot be read, is a Gap.

    The ARN is the document's key, else the `Arn` beside the answer, else the one identity its entries name.
    """
    answer = _answer(document)
    if isinstance(answer, Gap):
        return answer
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


def decode_entities(document: Document) -> tuple[ServiceEntity, ...] | Gap:
    """Who used a service, newest first; those without a date last."""
    answer = _answer(document)
    if isinstance(answer, Gap):
        return answer
    completed = moment(answer.get("JobCompletionDate")) or document.as_of
    found = []
    for entry in items(answer.get("EntityDetailsList")):
        about = entry.get("EntityInfo") if isinstance(entry, dict) else None
        if isinstance(about, dict):
            used = _when(entry.get("LastAuthenticated"), completed)
            found.append(ServiceEntity(text(about.get("Arn")), text(about.get("Name")), text(about.get("Type")), used))
    return tuple(sorted(found, key=lambda one: (one.last_used.value is None, -(one.last_used.value or completed).timestamp(), one.name)))


def decode_granting(document: Document) -> dict[str, tuple[GrantingPolicy, ...]] | Gap:
    """Policies by the service they give."""
    answer = _answer(document)
    if isinstance(answer, Gap):
        return answer
    found: dict[str, list[GrantingPolicy]] = {}
    for entry in items(answer.get("PoliciesGrantingServiceAccess")):
        if not isinstance(entry, dict):
            continue
        held = found.setdefault(text(entry.get("ServiceNamespace")).lower(), [])
        for told in items(entry.get("Policies")):
            if isinstance(told, dict):
                names = ("PolicyName", "PolicyType", "PolicyArn", "EntityType", "EntityName")
                policy = GrantingPolicy(*(text(told.get(name)) for name in names))
                if policy not in held:
                    held.append(policy)
    return {service: tuple(held) for service, held in found.items()}


def _answer(document: Document) -> dict[str, Any] | Gap:
    """The answer of a job that is done; why there is none."""
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
    return answer


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
    action = "iam:ListPoliciesGrantingServiceAccess" if document.kind is Kind.GRANTING_POLICIES else ACTION
    return Gap(document.kind, state, reason, action, document.account, document.key, origin=document.origin, at=document.as_of)
