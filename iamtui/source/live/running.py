"""A query at AWS: started, followed, and stopped by us when nobody waits for it any more."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from ...errors import AwsError, CredentialsError
from ...model.document import Gap, Kind
from ...model.fact import State
from ...model.remote import Run, RunState
from ..base import Cancelled, Step
from .calls import Caller
from .connection import THROTTLED, code_of

_FINAL = (RunState.DONE, RunState.FAILED, RunState.CANCELLED)
_NOT_ENABLED = ("UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure")
FIRST_LOOK, LONGEST = 0.2, 2.0
"""Seconds between two looks at a query: the first pause, and the longest they grow to."""
THROTTLED_WAIT = 0.5
"""Seconds before a throttled call is made again; doubled every time."""
_MOST_FAILURES = 4
"""In a row, of what may be over in a moment."""
_MOST_TRIES = 7
"""Of one call that AWS throttles: a minute and a half of waiting."""


class Refused(AwsError):
    """A call was refused or failed. `code`: AWS's error code."""

    def __init__(self, message: str, hint: str, action: str, code: str) -> None:
        super().__init__(message, hint, action)
        self.code = code


def refused(caller: Caller, action: str, error: Exception, what: str, region: str = "") -> Refused:
    """A call's refusal as a sentence. Raises what ends all reading (credentials, network) instead."""
    gap = caller.gap(Kind.OTHER, action, error, region=region)
    reason = f"AWS refuses it: {gap.reason}" if gap.state is State.DENIED else gap.reason
    return Refused(f"{what}: {reason}", gap.hint, action, code_of(error))


def region_gap(caller: Caller, action: str, error: Exception, region: str) -> Gap:
    """A refusal in one Region, where others go on: who we are is known already, so that what looks like wrong credentials is a Region that
    is not switched on. Raises CredentialsError when they have expired meanwhile."""
    code = code_of(error)
    if code in _NOT_ENABLED:
        reason = f"{region} is not enabled for this account, or does not accept these credentials ({code})"
        return Gap(Kind.OTHER, State.FAILED, reason, action, caller.account, region=region, hint="leave it out of --region")
    try:
        return caller.gap(Kind.OTHER, action, error, region=region)
    except CredentialsError:
        raise
    except AwsError as final:
        return Gap(Kind.OTHER, State.FAILED, final.message, action, caller.account, region=region, hint=final.hint)


def _passes(error: Exception) -> bool:
    """Whether a failure may be over in a moment: the network, or AWS itself."""
    from botocore.exceptions import HTTPClientError

    response = getattr(error, "response", None) or {}
    return isinstance(error, HTTPClientError) or int(response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0) >= 500


def patient(call: Callable[[], dict[str, Any]], cancelled: Cancelled, *, reads: bool = True) -> Iterator[Step | dict[str, Any]]:
    """A call's answer; before it, a Step for every time AWS throttles. Nothing when cancelled while waiting. `reads`: it may be made again
    when nobody knows whether it arrived. Raises as the call does."""
    wait = THROTTLED_WAIT
    for number in range(_MOST_TRIES):
        try:
            yield call()
            return
        except Exception as error:
            throttled = code_of(error) in THROTTLED
            if number == _MOST_TRIES - 1 or not (throttled or (reads and number < _MOST_FAILURES and _passes(error))):
                raise
        why = "AWS throttles" if throttled else "AWS could not be reached"
        yield Step(f"{why}; asking again in {max(wait, 1):.0f} s", throttled=throttled)
        if not sleep(wait, cancelled):
            return
        wait = min(wait * 2, 30.0)


def follow(
    start: Callable[[], dict[str, Any]], name: str, state: Callable[[str], Run], stop: Callable[[str], object], cancelled: Cancelled
) -> Iterator[Run | Step]:
    """Start a query and tell how it stands until it has ended. `name`: the field of its id in the answer to `start`. When whoever asked
    does not go on to the end (cancelled, closed, an error), the query is stopped at AWS."""
    running = ""
    try:
        for item in patient(start, cancelled, reads=False):
            if isinstance(item, Step):
                yield item
            else:
                running = str(item[name])
                yield Run(running, RunState.QUEUED)
        wait, failures = FIRST_LOOK, 0
        while running and not cancelled():
            try:
                run, failures = state(running), 0
            except Exception as error:
                throttled, failures = code_of(error) in THROTTLED, failures + 1
                if not throttled and (failures > _MOST_FAILURES or not _passes(error)):
                    raise
                yield Step(f"{'AWS throttles' if throttled else 'AWS could not be reached'}; the query goes on", throttled=throttled)
                wait = LONGEST
            else:
                if run.state in _FINAL:
                    running = ""
                yield run
            if running:
                sleep(wait, cancelled)
                wait = min(wait * 1.4, LONGEST)
    except GeneratorExit:
        if running:
            name, running = running, ""
            with contextlib.suppress(AwsError):  # nobody is left to be told
                stop(name)
        raise
    finally:
        if running:
            stop(running)


def sleep(seconds: float, cancelled: Cancelled) -> bool:
    """Wait; False when cancelled meanwhile."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if cancelled():
            return False
        time.sleep(min(0.05, seconds))
    return not cancelled()
