"""Event store: 200,000 events from delivered files to the first answer, against gunzip and trailscraper; questions to 1M events.

Prints seconds: ingest, gunzip, trailscraper (0 where it is not installed), one identity's activity, the slowest of five saved queries.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from iamtui.query import fill, named
from iamtui.query.dialect import translate
from iamtui.session import Session
from iamtui.source.decode.lines import cleaned
from iamtui.source.evidence import EvidenceSource
from iamtui.store.events import EventStore
from iamtui.store.events.engine import EventEngine
from tests.support.trails import ACCOUNT, record

EACH, FILES = 1000, 200
QUERIES = ("trust-changes", "users-created", "policy-changes", "roles-assumed", "denied")


def write(folder: Path, start: int = 0) -> None:
    folder.mkdir(parents=True)
    for number in range(FILES):
        first = start + number * EACH
        records = [_spread(n) for n in range(first, first + EACH)]
        (folder / f"{ACCOUNT}_CloudTrail_us-east-1_20260801T0000Z_{first:016}.json.gz").write_bytes(
            gzip.compress(json.dumps({"Records": records}).encode(), 6)
        )


def _spread(number: int) -> dict[str, object]:
    """Three thousand roles, ninety days."""
    role = f"role-{number * 7919 % 3000}"
    made = record(number, requestParameters={"userName": f"u{number}", "note": "z" * (number * 31 % 200)})
    made["eventTime"] = f"2026-{8 + number % 3:02}-{1 + number * 17 % 28:02}T{number % 24:02}:{number % 60:02}:{number % 59:02}Z"
    identity = made["userIdentity"]
    identity["sessionContext"]["sessionIssuer"].update(userName=role, arn=f"arn:aws:iam::{ACCOUNT}:role/{role}")
    identity["arn"] = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/s{number}"
    return made


def timed(what: object) -> float:
    begin = time.perf_counter()
    what()  # type: ignore[operator]
    return time.perf_counter() - begin


def ingest(folder: Path, kept: Path) -> None:
    session = Session(EvidenceSource([str(folder)]), trails=kept)
    (count,) = [row[0] for page in session.trail.ask("SELECT count(*) FROM cloudtrail_logs") for row in page.rows]
    assert count == EACH * FILES, count


def main() -> None:
    work = Path(tempfile.mkdtemp(prefix="iamtui-bench-"))
    try:
        write(work / "trail")
        files = sorted(str(path) for path in (work / "trail").iterdir())
        plain = min(timed(lambda: subprocess.run(["gunzip", "-c", *files], stdout=subprocess.DEVNULL, check=True)) for _ in range(3))
        ours = min(timed(lambda n=n: ingest(work / "trail", work / f"kept{n}")) for n in range(3))
        peer = 0.0
        program = Path(os.environ.get("IAMTUI_BENCH_TRAILSCRAPER") or Path(sys.executable).with_name("trailscraper"))
        if program.exists():
            command = [str(program), "select", "--log-dir", str(work / "trail")]
            peer = timed(lambda: subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True))
        for part in range(1, 5):
            write(work / f"more{part}", start=part * EACH * FILES)
        folders = [str(work / "trail"), *(str(work / f"more{part}") for part in range(1, 5))]
        session = Session(EvidenceSource(folders), trails=work / "all")
        list(session.trail.read())
        (place,) = (work / "all").iterdir()
        engine = EventEngine(EventStore(place, cleaned).state().segments)
        asked = (
            "SELECT _id, _time, eventname, eventsource, _outcome, sourceipaddress, awsregion FROM events "
            f"WHERE _actor_arn = 'arn:aws:iam::{ACCOUNT}:role/role-77' ORDER BY _time DESC"
        )
        activity = min(timed(lambda: list(engine.ask(asked))) for _ in range(5))
        slowest = 0.0
        for name in QUERIES:
            sql = translate(fill(named(name), {"days": "20000"})).sql
            slowest = max(slowest, min(timed(lambda sql=sql: next(iter(engine.ask(sql)))) for _ in range(3)))
        print(ours, plain, peer, activity, slowest)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
