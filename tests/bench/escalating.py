"""Seconds for escalation over 5,000 users and 5,000 roles, and over an account of 50 users, 80 roles and 85 policies."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

from iamtui.analysis.escalation.evaluating import Field, escalations
from iamtui.model.document import Document, Kind, Origin
from iamtui.source.decode import Assembler
from tests.server.accounts import large_account


def seconds(users: int, roles: int, groups: int) -> float:
    assembler = Assembler()
    body = json.dumps(large_account(users, roles, groups), default=str).encode()
    assembler.add(Document(Kind.AUTHORIZATION, body, datetime.now(UTC), Origin("bench", "gaad"), "123456789012"))
    (snapshot,) = assembler.world().snapshots
    begin = time.perf_counter()
    escalations(Field(snapshot))
    return time.perf_counter() - begin


def main() -> None:
    print(f"{seconds(5000, 5000, 50):.4f} {seconds(50, 80, 10):.4f}")


if __name__ == "__main__":
    main()
