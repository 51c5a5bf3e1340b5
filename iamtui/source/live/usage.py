"""Last-accessed details: jobs within their limit, their polling, their pages, and the two questions that follow them."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

from ...model.document import Gap, Kind
from ...model.fact import State
from ..base import Cancelled, Item, Step
from .calls import Caller
from .connection import THROTTLED, code_of
from .limits import last_accessed_jobs

GENERATE = "iam:GenerateServiceLastAccessedDetails"
GET = "iam:GetServiceLastAccessedDetails"
ENTITIES = "iam:GetServiceLastAccessedDetailsWithEntities"
GRANTING = "iam:ListPoliciesGrantingServiceAccess"
_LONGEST = 120.0
_MOST_TRIES = 12
"""Tries of one call that AWS throttles; with the limit's pauses some minutes."""
_MOST_FAILURES = 4
"""Tries of one call that AWS fails to answer."""
_NOT_OFFERED = ("InvalidInput", "InvalidInputException", "ValidationError", "InvalidParameterValue")
_GONE = ("NoSuchEntity", "NoSuchEntityException")
_PASSING = ("InternalFailure", "InternalError", "ServiceFailure", "ServiceUnavailable", "500", "502", "503", "504")

Call = Callable[..., dict[str, Any]]
Steps = Generator[Item, None, dict[str, Any] | None]
"""Yields steps and at most one gap, which ends it; answers what AWS said, None when there is nothing (a gap, or cancelled)."""


def read_last_accessed(caller: Caller, arn: str, granularity: str, cancelled: Cancelled) -> Iterator[Item]:
    """One LAST_ACCESSED document. ACTION_LEVEL falls back to SERVICE_LEVEL where AWS does not offer it.

    A job can be read only by who started it, so its id is never kept: one that failed, has expired or belongs to another session of
    the same role (credentials are renewed meanwhile) is asked for anew, once.
    """
    get = caller.connection.client("iam", patient=False).get_service_last_accessed_details
    yield Step("asking Access Advisor")
    answer, told = yield from _in_a_place(_last_accessed(caller, arn, granularity, get, {}, cancelled), cancelled)
    if answer is None:
        return
    whole = {name: value for name, value in answer.items() if name not in ("IsTruncated", "Marker")}
    whole.update(Arn=arn, Granularity=told)
    yield caller.document(Kind.LAST_ACCESSED, GET, whole, key=arn)


def read_entities(caller: Caller, arn: str, service: str, cancelled: Cancelled) -> Iterator[Item]:
    """One LAST_ACCESSED_ENTITIES document: who used a service by way of an identity or policy, and when."""
    get = caller.connection.client("iam", patient=False).get_service_last_accessed_details_with_entities
    yield Step("asking who used it")
    key = f"{arn}#{service}"
    asked = _last_accessed(caller, arn, "SERVICE_LEVEL", get, {"ServiceNamespace": service}, cancelled, key)
    answer, _ = yield from _in_a_place(asked, cancelled)
    if answer is None:
        return
    whole = {name: value for name, value in answer.items() if name not in ("IsTruncated", "Marker")}
    whole.update(Arn=arn, ServiceNamespace=service)
    yield caller.document(Kind.LAST_ACCESSED_ENTITIES, ENTITIES, whole, key=key)


def read_granting(caller: Caller, arn: str, service: str, cancelled: Cancelled) -> Iterator[Item]:
    """One GRANTING_POLICIES document: the policies that give an identity a service."""
    client = caller.connection.client("iam")
    key = f"{arn}#{service}"
    found: list[Any] = []
    more: dict[str, str] = {}
    while not cancelled():
        try:
            answer = client.list_policies_granting_service_access(Arn=arn, ServiceNamespaces=[service], **more)
        except Exception as error:
            yield caller.gap(Kind.GRANTING_POLICIES, GRANTING, error, key=key)
            return
        found.extend(answer.get("PoliciesGrantingServiceAccess") or [])
        if not (answer.get("IsTruncated") and answer.get("Marker")):
            told = {"Arn": arn, "PoliciesGrantingServiceAccess": found}
            yield caller.document(Kind.GRANTING_POLICIES, GRANTING, told, key=key)
            return
        more = {"Marker": answer["Marker"]}


# -- a job -----------------------------------------------------------------------------------------------------------


def _in_a_place(
    work: Generator[Item, None, tuple[dict[str, Any] | None, str]], cancelled: Cancelled
) -> Generator[Item, None, tuple[dict[str, Any] | None, str]]:
    """Work within the limit of jobs in flight."""
    if not last_accessed_jobs.acquire(cancelled):
        return None, ""
    well = False
    try:
        answer, told = yield from work
        well = answer is not None
        return answer, told
    finally:
        last_accessed_jobs.release(well=well)


def _last_accessed(
    caller: Caller, arn: str, granularity: str, get: Call, asked: dict[str, str], cancelled: Cancelled, key: str = ""
) -> Generator[Item, None, tuple[dict[str, Any] | None, str]]:
    """(the answer with its pages joined, the granularity it has); the job anew when it is not there any more or has failed."""
    generate = caller.connection.client("iam", patient=False).generate_service_last_accessed_details
    refused = _Refused(caller, Kind.LAST_ACCESSED_ENTITIES if asked else Kind.LAST_ACCESSED, key or arn)
    listed = "EntityDetailsList" if asked else "ServicesLastAccessed"
    for last in (False, True):
        job = yield from _call(generate, {"Arn": arn, "Granularity": granularity}, cancelled, refused)
        if job is None and granularity == "ACTION_LEVEL" and refused.code in _NOT_OFFERED:
            granularity = "SERVICE_LEVEL"
            job = yield from _call(generate, {"Arn": arn, "Granularity": granularity}, cancelled, refused)
        if job is None:
            yield from refused.gap(GENERATE)
            return None, ""
        answer = yield from _done(get, {"JobId": job["JobId"], **asked}, cancelled, refused)
        if answer is not None and answer.get("JobStatus") != "FAILED":
            answer = yield from _pages(get, {"JobId": job["JobId"], **asked}, answer, listed, cancelled, refused)
        if answer is None and refused.code not in _GONE:
            yield from refused.gap(ENTITIES if asked else GET)
            return None, ""
        if answer is not None and (last or answer.get("JobStatus") != "FAILED"):
            return answer, granularity
        if last:
            yield from refused.gap(ENTITIES if asked else GET)
    return None, ""


class _Refused:
    """Why the last call gave nothing; no error at all means that somebody cancelled."""

    def __init__(self, caller: Caller, kind: Kind, key: str) -> None:
        self.caller, self.kind, self.key = caller, kind, key
        self.error: Exception | None = None

    @property
    def code(self) -> str:
        return code_of(self.error) if self.error is not None else ""

    def gap(self, action: str) -> Iterator[Gap]:
        if self.error is None:
            return
        if action == GENERATE and self.code in _GONE:
            yield Gap(
                self.kind,
                State.NOT_APPLICABLE,
                "deleted since the lists were read",
                action,
                self.caller.account,
                self.key,
                hint="r reads the lists again",
            )
        else:
            yield self.caller.gap(self.kind, action, self.error, key=self.key)


def _call(call: Call, parameters: dict[str, Any], cancelled: Cancelled, refused: _Refused) -> Steps:
    """One call; throttled, it is tried again, by fewer at a time."""
    wait = 0.5
    for number in range(_MOST_TRIES):
        if cancelled():
            refused.error = None
            return None
        try:
            return call(**parameters)
        except Exception as error:
            refused.error = error
            code = code_of(error)
            if code in THROTTLED:
                pause = last_accessed_jobs.throttled()
                yield Step("AWS throttles, waiting", number + 1, throttled=True)
                _sleep(max(pause, wait), cancelled)
            elif number < _MOST_FAILURES and (code in _PASSING or type(error).__name__ == "ReadTimeoutError"):
                _sleep(wait, cancelled)
            else:
                return None
            wait = min(wait * 2, 20.0)
    return None


def _done(get: Call, parameters: dict[str, Any], cancelled: Cancelled, refused: _Refused) -> Steps:
    """The first answer of a job that is not in progress any more."""
    begin, wait, polls = time.monotonic(), 0.2, 0
    while True:
        answer = yield from _call(get, parameters, cancelled, refused)
        if answer is None or answer.get("JobStatus") != "IN_PROGRESS":
            return answer
        if time.monotonic() - begin > _LONGEST:
            refused.error = TimeoutError(f"the job was not done after {_LONGEST:.0f} s")
            return None
        polls += 1
        yield Step("Access Advisor is working", polls)
        _sleep(wait, cancelled)
        wait = min(wait * 1.5, 3.0)


def _pages(get: Call, parameters: dict[str, Any], first: dict[str, Any], listed: str, cancelled: Cancelled, refused: _Refused) -> Steps:
    """The first page with the entries of the others."""
    entries = list(first.get(listed) or [])
    page: dict[str, Any] | None = first
    while page is not None and page.get("IsTruncated") and page.get("Marker"):
        yield Step("services", len(entries))
        page = yield from _call(get, {**parameters, "Marker": page["Marker"]}, cancelled, refused)
        if page is None:
            return None
        entries.extend(page.get(listed) or [])
    return {**first, listed: entries}


def _sleep(seconds: float, cancelled: Cancelled) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not cancelled():
        time.sleep(min(0.05, left))
