"""The events pane over a trail of a million events: first rows against a thousand, the longest the event loop waits while somebody scrolls and
filters, and memory.

Prints: seconds to the first rows of 1M, of 1,000 (both from what is on disk, and 1M read for the first time), the longest wait of the loop
in seconds, resident bytes.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from iamtui.config import Settings
from iamtui.session import ListKind, Session
from iamtui.source.evidence import EvidenceSource
from tests.bench.trail import EACH, FILES, write
from tests.support.terminal import Terminal

ROUNDS = 5


def first_rows(folder: Path, cache: Path) -> float:
    """Seconds from the start of the program to the first row of its events pane."""
    command = [sys.executable, "-m", "iamtui", "--from", str(folder), "--cache-dir", str(cache), "events"]
    with Terminal(command, cwd=os.getcwd()) as terminal:
        return terminal.until(r"role-\d+/s\d+ +\w+")


async def walk(folder: Path, cache: Path) -> tuple[float, int]:
    """(the longest the loop did not answer, resident bytes at the end), while rows are scrolled, jumped through, filtered and sorted."""
    from iamtui.ui.app import IamtuiApp

    session = Session(EvidenceSource([str(folder)]), trails=cache / "trails")
    app = IamtuiApp(session, Settings())
    worst = 0.0
    watching = True

    async def watch() -> None:
        nonlocal worst
        while watching:
            begin = time.perf_counter()
            await asyncio.sleep(0.001)
            worst = max(worst, time.perf_counter() - begin)

    async with app.run_test(size=(120, 40)) as pilot:
        app.explorer.go_to_list(ListKind.EVENTS)
        while app.explorer.list.table.row_count < EACH * FILES * 5:
            await pilot.pause(0.05)
        await pilot.pause(1.0)
        task = asyncio.create_task(watch())
        for keys in (
            ["pagedown"] * 20,
            ["G"],
            ["pageup"] * 10,
            ["g"],
            ["down"] * 60,
            ["/"],
            list("role-77"),
            ["enter"],
            ["pagedown"] * 5,
            ["escape"],
        ):
            for key in keys:
                await pilot.press(key)
                await pilot.pause(0.02)
            await pilot.pause(0.5)
        for _ in range(3):
            await pilot.press("s")
            await pilot.pause(0.6)
        watching = False
        await task
        text = Path("/proc/self/status").read_text()
        resident = next(int(row.split()[1]) * 1024 for row in text.splitlines() if row.startswith("VmRSS"))
    return worst, resident


def main() -> None:
    work = Path(tempfile.mkdtemp(prefix="iamtui-bench-"))
    try:
        for part in range(5):
            write(work / "large" / f"part{part}", start=part * EACH * FILES)
        write(work / "all")
        (work / "small").mkdir()
        first = sorted((work / "all").iterdir())[0]
        shutil.move(first, work / "small" / first.name)
        cold = first_rows(work / "large", work / "cold")
        session = Session(EvidenceSource([str(work / "large")]), trails=work / "cache" / "trails")
        list(session.refresh())
        list(session.load_events())
        large, small = [], []
        for run in range(ROUNDS + 1):
            pair = (first_rows(work / "large", work / "cache"), first_rows(work / "small", work / "cache"))
            if run:
                large.append(pair[0])
                small.append(pair[1])
        worst, resident = asyncio.run(walk(work / "large", work / "cache"))
        print(median(large), median(small), cold, worst, resident)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
