"""Last-accessed details: a job, its polling, its pages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from ...model.document import Kind
from ..base import Cancelled, Item, Step
from .calls import Caller
from .connection import code_of
from .limits import last_accessed_jobs

GENERATE = "iam:GenerateServiceLastAccessedDetails"
GET = "iam:GetServiceLastAccessedDetails"
_LONGEST = 120.0


def read_last_accessed(caller: Caller, arn: str, granularity: str, cancelled: Cancelled) -> Iterator[Item]:
    """One LAST_ACCESSED document. ACTION_LEVEL falls back to SERVICE_LEVEL where AWS does not offer it.

    A job can be read only by who started it, so its id is never kept.
    """
    client = caller.connection.client("iam")
    yield Step("asking Access Advisor")
    while not last_accessed_jobs.acquire(timeout=0.2):
        if cancelled():
            return
    try:
        yield from _job(caller, client, arn, granularity, cancelled)
    finally:
        last_accessed_jobs.release()


def _job(caller: Caller, client: Any, arn: str, granularity: str, cancelled: Cancelled) -> Iterator[Item]:
    try:
        job = client.generate_service_last_accessed_details(Arn=arn, Granularity=granularity)["JobId"]
    except Exception as error:
        if granularity == "ACTION_LEVEL" and code_of(error) in ("InvalidInput", "ValidationError", "InvalidParameterValue"):
            yield from _job(caller, client, arn, "SERVICE_LEVEL", cancelled)
            return
        yield caller.gap(Kind.LAST_ACCESSED, GENERATE, error, key=arn)
        return
    begin, wait, polls = time.monotonic(), 0.2, 0
    while True:
        if cancelled():
            return
        try:
            answer = client.get_service_last_accessed_details(JobId=job)
        except Exception as error:
            yield caller.gap(Kind.LAST_ACCESSED, GET, error, key=arn)
            return
        if answer.get("JobStatus") != "IN_PROGRESS":
            break
        if time.monotonic() - begin > _LONGEST:
            yield caller.gap(Kind.LAST_ACCESSED, GET, TimeoutError(f"the job was not done after {_LONGEST:.0f} s"), key=arn)
            return
        polls += 1
        yield Step("Access Advisor is working", polls)
        _sleep(wait, cancelled)
        wait = min(wait * 1.5, 3.0)
    services = list(answer.get("ServicesLastAccessed") or [])
    page = answer
    while page.get("IsTruncated") and page.get("Marker"):
        if cancelled():
            return
        yield Step("services", len(services))
        try:
            page = client.get_service_last_accessed_details(JobId=job, Marker=page["Marker"])
        except Exception as error:
            yield caller.gap(Kind.LAST_ACCESSED, GET, error, key=arn)
            return
        services.extend(page.get("ServicesLastAccessed") or [])
    whole = {name: value for name, value in answer.items() if name not in ("IsTruncated", "Marker")}
    whole.update(ServicesLastAccessed=services, Arn=arn, Granularity=granularity)
    yield caller.document(Kind.LAST_ACCESSED, GET, whole, key=arn)


def _sleep(seconds: float, cancelled: Cancelled) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not cancelled():
        time.sleep(min(0.1, seconds))
