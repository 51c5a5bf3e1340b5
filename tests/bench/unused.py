"""Effective and unused access of one administrator, and findings of large and small accounts: seconds, the catalogue read before."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

from iamtui.analysis.findings import findings
from iamtui.model.document import Document, Kind, Origin
from iamtui.session import Session
from iamtui.source.decode import Assembler
from iamtui.source.demo import DemoSource
from tests.server.accounts import large_account


def main() -> None:
    session = Session(DemoSource())
    session.open()
    for _ in session.load_events():
        pass
    row = session.find("jenkins")[0].row
    for _ in session.load_usage(row):
        pass
    session.unused(session.find("inventory-scanner")[0].row)
    begin = time.perf_counter()
    session.effective(row)
    effective = time.perf_counter() - begin
    begin = time.perf_counter()
    session.unused(row)
    unused = time.perf_counter() - begin
    begin = time.perf_counter()
    session.load_findings()
    small = time.perf_counter() - begin
    assembler = Assembler()
    body = json.dumps(large_account(5000, 5000, 50), default=str).encode()
    assembler.add(Document(Kind.AUTHORIZATION, body, datetime.now(UTC), Origin("bench", "gaad"), "123456789012"))
    snapshots = assembler.world().snapshots
    begin = time.perf_counter()
    count = len(findings(snapshots, now=datetime.now(UTC)))
    large = time.perf_counter() - begin
    print(f"{effective:.3f} {unused:.3f} {small:.3f} {large:.3f} {count}")


if __name__ == "__main__":
    main()
