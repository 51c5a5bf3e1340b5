"""Decisions about 5,000 rows of an account of 10,000 identities, until they are on the disk and in the list; and the review of a campaign
of 10,000 items against an empty one, from the key to the rows on screen.

Prints: seconds to decide, seconds to open the large campaign and the empty one, seconds to begin the large one.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from iamtui.config import Settings
from iamtui.model.document import Document, Kind, Origin
from iamtui.model.review import Decision
from iamtui.session import ListKind, Session, campaigns
from iamtui.session.reviewing import ReviewSettings
from iamtui.source.base import SourceInfo
from tests.server.accounts import large_account

ROUNDS = 7
NOW = datetime(2026, 10, 1, tzinfo=UTC)


def opened(body: bytes, ledger: Path) -> Session:
    class Source:
        info = SourceInfo(kind="demo")

        def account(self, cancelled: object = None) -> object:
            yield Document(Kind.AUTHORIZATION, body, NOW, Origin("demo", "large"), account="123456789012")

        def surroundings(self, *given: object) -> object:
            return iter(())

        def events(self, *given: object) -> object:
            return iter(())

        def role(self, *given: object) -> object:
            return iter(())

    session = Session(Source(), now=lambda: NOW)  # type: ignore[arg-type]
    session.review_settings = ReviewSettings(ledger, "bench")
    session.open()
    session.load_marks()
    return session


def marking(body: bytes, folder: Path) -> float:
    taken = []
    for run in range(5):
        session = opened(body, folder / f"marks-{run}.db")
        rows = list(session.listing(ListKind.USERS).rows)[:5000]
        begin = time.perf_counter()
        assert session.decide(rows, Decision.REMOVE, reason="not used").count == 5000
        session.listing(ListKind.USERS)
        taken.append(time.perf_counter() - begin)
    return median(taken)


async def opening(large: Session, empty: Session) -> tuple[float, float]:
    """Seconds from the key to the queue on screen, of both, measured in turn so that a drifting machine hits both."""
    from iamtui.ui.app import IamtuiApp
    from iamtui.ui.screens.review import ReviewScreen

    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for session, told in zip((large, empty), taken, strict=True):
            app = IamtuiApp(session, Settings())
            async with app.run_test(size=(120, 40)) as pilot:
                await pilot.pause(0.2)
                await app.workers.wait_for_complete()
                for again in (False, True):  # the first time its modules are read
                    begin = time.perf_counter()
                    app.explorer.action_review()
                    while not (isinstance(app.screen, ReviewScreen) and app.screen.queue is not None):
                        await asyncio.sleep(0.001)
                    await pilot.pause()
                    if again:
                        told.append(time.perf_counter() - begin)
                    await pilot.press("escape")
                    await pilot.pause(0.05)
    return median(taken[0]), median(taken[1])


def main() -> None:
    import msgspec

    work = Path(tempfile.mkdtemp(prefix="iamtui-bench-"))
    try:
        body = msgspec.json.encode(large_account(users=5000, roles=5000))
        decided = marking(body, work)
        sessions, began = [], 0.0
        for name, scope in (("large", (("users", ""), ("roles", ""))), ("empty", (("users", "no-such-name"),))):
            session = opened(body, work / f"{name}.db")
            begin = time.perf_counter()
            entry = campaigns.start(session, "Q4", scope, min_age=0)
            began = began or time.perf_counter() - begin
            count = len(campaigns.queue(session, entry).states)
            assert (count > 9900) is (name == "large"), count
            sessions.append(opened(body, work / f"{name}.db"))
        large, empty = asyncio.run(opening(*sessions))
        print(f"{decided:.4f} {large:.4f} {empty:.4f} {began:.2f}")
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
