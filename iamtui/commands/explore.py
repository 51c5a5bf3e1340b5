"""The explorer, opened from the command line."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping
from typing import Any

from ..errors import UsageError
from .opening import open_session, settings_of


def explore(options: Mapping[str, Any], target: str) -> int:
    """Open the session from what is on disk, then the screen; the network comes after the first picture."""
    served = "TEXTUAL_DRIVER" in os.environ  # textual-serve draws it in a browser
    if not served and not (sys.stdout.isatty() and sys.stdin.isatty()):
        raise UsageError("The explorer needs a terminal", "for pipes there are iamtui list, identity, events (iamtui --help)")
    gc.disable()  # until the first picture: what is made before it stays; the explorer turns it on again
    chosen = {**options, **_times(target)}
    while True:
        settings = settings_of(chosen)
        session = open_session(chosen, settings)
        session.open()
        from ..ui.app import run

        profile = run(session, settings, target, settings.problems)
        if not profile:
            return 0
        chosen["profile"], target = profile, ""  # `:profile NAME`


def _times(target: str) -> dict[str, str]:
    """`events AttachUserPolicy since:90d` also says which days of a trail's bucket are read."""
    words = target.split() if target.startswith("events ") else []
    return {name: word.partition(":")[2] for word in words for name in ("since", "until") if word.startswith(f"{name}:")}
