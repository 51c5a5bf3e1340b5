"""A query at AWS: started, followed, and stopped by us when nobody waits for it any more."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from ...errors import AwsError
from ...model.document import Kind
from ...model.fact import State
from ...model.remote import Run, RunState
from ..base import Cancelled, Step
from .calls import Caller
from .connection import THROTTLED, code_of

_FINAL = (RunState.DONE, RunState.FAILED, RunState.CANCELLED)
_LONGEST = 2.0
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


def patient(call: Callable[[], dict[str, Any]], cancelled: Cancelled) -> Iterator[Step | dict[str, Any]]:
    """A call's answer; before it, a Step for every time AWS throttles. Nothing when cancelled while waiting. Raises as the call does."""
    wait = 0.5
    for number in range(_MOST_TRIES):
        try:
            yield call()
            return
        except Exception as error:
            if code_of(error) not in THROTTLED or number == _MOST_TRIES - 1:
                raise
        yield Step(f"AWS throttles; asking again in {max(wait, 1):.0f} s", throttled=True)
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
        for item in patient(start, cancelled):
            if isinstance(item, Step):
                yield item
            else:
                running = str(item[name])
                yield Run(running, RunState.QUEUED)
        wait = 0.2
        while running and not cancelled():
            try:
                run = state(running)
            except Exception as error:
                if code_of(error) not in THROTTLED:
                    raise
                yield Step("AWS throttles; the query goes on", throttled=True)
                wait = _LONGEST
            else:
                if run.state in _FINAL:
                    running = ""
                yield run
            if running:
                sleep(wait, cancelled)
                wait = min(wait * 1.4, _LONGEST)
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
