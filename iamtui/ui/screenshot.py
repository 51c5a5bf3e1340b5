"""Pictures of views, made without a terminal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..config import Settings
from ..errors import NotFoundError
from ..session import ListKind, Session
from ..store.files import private_file
from .app import IamtuiApp

_PATIENCE = 60.0
"""Seconds a picture waits for a start, at most."""

_STILL = 4
"""Looks in a row that must show the same picture: longer together than any delay of a screen (0.15 s)."""

_TABS = (
    "summary",
    "permissions",
    "used",
    "activity",
    "trust",
    "credentials",
    "members",
    "document",
    "versions",
    "attached",
    "event",
    "record",
    "story",
    "changes",
)


def take(session: Session, settings: Settings, view: Sequence[str], path: Path, size: tuple[int, int]) -> None:
    """Write an SVG of `view`: `summary`, a list with a filter, `help`, `problems`, `provenance`, a go-anywhere line (`:who-can iam:CreateUser`), or a
    target with a tab.

    Raises NotFoundError when the target is nowhere.
    """
    svg = asyncio.run(_picture(session, settings, list(view), size))
    with private_file(path) as file:
        file.write(svg.encode())


async def _picture(session: Session, settings: Settings, view: list[str], size: tuple[int, int]) -> str:
    app = IamtuiApp(session, settings)
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        explorer = app.explorer
        if view[0] in ("help", "problems", "provenance"):
            getattr(explorer, f"action_{view[0]}")()
        elif view[0] == "summary":
            explorer.show_summary(" ".join(view[1:]))
        elif view[0].startswith(":"):
            explorer.go(" ".join(view))
        elif view[0] in {kind.value for kind in ListKind}:
            explorer.go_to_list(ListKind(view[0]), " ".join(view[1:]))
        else:
            tab = view[-1] if len(view) > 1 and view[-1] in _TABS else ""
            target = " ".join(view[:-1] if tab else view)
            matches = session.find(target)
            if not matches:
                raise NotFoundError(f"{target} is nowhere in what has been read")
            explorer.open_row(matches[0].row, tab)
        await settle(app, pilot)
        return app.export_screenshot(title="iamtui")


async def settle(app: IamtuiApp, pilot: Any) -> None:
    """Wait until nothing is under way any more: what is read at the start too, however slow the machine is."""
    end = time.monotonic() + _PATIENCE
    while app.session.info.kind == "demo" and not app.explorer.began and time.monotonic() < end:
        await pilot.pause(0.02)
    seen, same = "", 0
    while same < _STILL and time.monotonic() < end:
        await app.workers.wait_for_complete()
        await pilot.pause(0.08)
        now = app.export_screenshot(simplify=True)
        same = same + 1 if now == seen else 0
        seen = now
