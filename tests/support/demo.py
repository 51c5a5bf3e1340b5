"""The demo account, opened once for all tests that look at it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

from iamtui.model.document import Document, Kind
from iamtui.source.base import EventQuery
from iamtui.source.demo import DemoSource

NOW = datetime(2026, 3, 11, 9, 30, tzinfo=UTC)  # a Wednesday


@cache
def source() -> DemoSource:
    return DemoSource(NOW)


@cache
def documents() -> dict[Kind, Document]:
    return {item.kind: item for item in source().account() if isinstance(item, Document)}


@cache
def authorization() -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(documents()[Kind.AUTHORIZATION].body)
    return answer


@cache
def event_documents() -> tuple[Document, ...]:
    return tuple(item for item in source().events(EventQuery()) if isinstance(item, Document))


@cache
def records() -> tuple[dict[str, Any], ...]:
    """All CloudTrail records, newest first."""
    return tuple(record for document in event_documents() for record in json.loads(document.body)["Records"])


@cache
def by_id() -> dict[str, dict[str, Any]]:
    return {record["eventID"]: record for record in records()}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def issuer(record: dict[str, Any]) -> str:
    """ARN of the identity: the session issuer's, else the caller's own."""
    identity = record["userIdentity"]
    return str(identity.get("sessionContext", {}).get("sessionIssuer", {}).get("arn") or identity.get("arn", ""))
