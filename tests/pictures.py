"""`python -m tests.pictures` makes the README's pictures from the demo account, with a fixed clock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "screenshots"
CLOCK = "2026-10-01T14:02"
PICTURES = {
    "summary": (["summary"], "140x32"),
    "guards": ([":guards"], "120x14"),
    "review": ([":review"], "120x24"),
    "users": (["users"], "120x32"),
    "roles": (["roles"], "120x32"),
    "events": (["events"], "120x32"),
    "permissions": (["deploy-bot", "permissions"], "120x32"),
    "used": (["deploy-bot", "used"], "120x32"),
    "activity": (["ci-deploy", "activity"], "120x32"),
    "story": (["ci-runner", "story"], "99x36"),
    "findings": (["findings"], "120x32"),
    "unused": ([":unused", "inventory-scanner"], "120x32"),
    "narrow": (["roles"], "80x24"),
}


def make(name: str, folder: Path) -> Path:
    """One picture, by the public command."""
    view, size = PICTURES[name]
    path = folder / f"{name}.svg"
    command = [sys.executable, "-m", "iamtui", "--demo", "screenshot", *view, "-o", str(path), "--size", size, "--at", CLOCK]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    return path


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in PICTURES:
        make(name, FOLDER)


if __name__ == "__main__":
    main()
