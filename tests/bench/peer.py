"""The Node package `@cloud-copilot/iam-simulate` on the same requests through its public call, where it is installed.

Looked for in the folder `IAMTUI_BENCH_NODE` names, in the working folder, and among npm's global packages. Prints nothing when it is not
there; else: its decisions a second, ours on the same requests, how many requests it took, on how many both agree.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from iamtui.policy.evaluation import evaluate
from iamtui.policy.requests import request_of

from .decisions import corpus

_PACKAGE = "@cloud-copilot/iam-simulate"


def installed() -> Path | None:
    """A folder from which Node finds the package; None when there is none."""
    if shutil.which("node") is None:
        return None
    folders = [os.environ.get("IAMTUI_BENCH_NODE", ""), os.getcwd()]
    if shutil.which("npm"):
        root = subprocess.run(["npm", "root", "-g"], text=True, capture_output=True).stdout.strip()
        folders.append(str(Path(root).parent) if root else "")
    return next((Path(folder) for folder in folders if folder and (Path(folder) / "node_modules" / _PACKAGE).is_dir()), None)


def main() -> None:
    folder = installed()
    if folder is None:
        return
    asked = corpus()
    script = Path(__file__).with_name("peer.mjs")
    lines = "\n".join(json.dumps(request) for request in asked)
    out = subprocess.run(["node", str(script), str(folder)], input=lines, text=True, capture_output=True, check=True)
    theirs = json.loads(out.stdout.splitlines()[-1])
    answers = theirs["answers"]
    taken = [(request, request_of(json.dumps(request))[1]) for request in asked if str(request["id"]) in answers]
    if not taken:
        return
    agree = sum(evaluate(made).effect.value == answers[str(request["id"])] for request, made in taken)
    best = 0.0
    for _ in range(5):
        begin = time.perf_counter()
        for _ in range(10):
            for _request, made in taken:
                evaluate(made)
        best = max(best, 10 * len(taken) / (time.perf_counter() - begin))
    print(f"{theirs['rate']:.0f} {best:.0f} {len(taken)} {agree}")


if __name__ == "__main__":
    main()
