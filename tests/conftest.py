"""What all tests share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("gate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gate")  # how long an example takes is the machine's, not the rule's

_LONGEST = 0.25
"""Seconds a key is given to be worked on; who needs more waits for the workers by name."""


@pytest.fixture(autouse=True, scope="session")
def words_are_typed_at_once() -> Iterator[None]:
    """Textual's pilot waits after every key until the whole process is idle: 40 ms each, and up to two seconds while a worker
    computes. Of several keys only the last is waited for, and not for longer than a worker is expected to answer."""
    import textual._wait
    import textual.app
    import textual.pilot

    press, real = textual.pilot.Pilot.press, textual._wait.wait_for_idle
    typing = False

    async def wait(*_: float) -> None:
        await (asyncio.sleep(0) if typing else real(0, _LONGEST))

    async def pressed(self: Any, *keys: str) -> None:
        nonlocal typing
        if len(keys) > 1:
            typing = True
            try:
                await press(self, *keys[:-1])
            finally:
                typing = False
        await press(self, *keys[-1:])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(textual.app, "wait_for_idle", wait)
        patch.setattr(textual.pilot.Pilot, "press", pressed)
        yield
