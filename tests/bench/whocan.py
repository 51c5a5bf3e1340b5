"""Who can, over 5,000 users and 5,000 roles: seconds cold (policies compiled on the way) and warm (the slowest of several questions)."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

from iamtui.analysis.access import NOTHING_AROUND, question
from iamtui.analysis.whocan import who_can
from iamtui.model.document import Document, Kind, Origin
from iamtui.policy.catalogue import catalogue
from iamtui.source.decode import Assembler
from tests.server.accounts import large_account

QUESTIONS = (
    ("s3:GetObject", "arn:aws:s3:::logs/a"),
    ("iam:CreateUser", "*"),
    ("ec2:TerminateInstances", "arn:aws:ec2:eu-west-1:123456789012:instance/i-1"),
    ("sts:AssumeRole", "arn:aws:iam::123456789012:role/role-1"),
)


def main() -> None:
    assembler = Assembler()
    body = json.dumps(large_account(5000, 5000, 50), default=str).encode()
    assembler.add(Document(Kind.AUTHORIZATION, body, datetime.now(UTC), Origin("bench", "gaad"), "123456789012"))
    snapshots = assembler.world().snapshots
    catalogue()
    begin = time.perf_counter()
    counts = [len(who_can(question(*QUESTIONS[0], snapshots, NOTHING_AROUND), snapshots))]
    cold = time.perf_counter() - begin
    warm = []
    for asked in QUESTIONS:
        who_can(question(*asked, snapshots, NOTHING_AROUND), snapshots)
        begin = time.perf_counter()
        counts.append(len(who_can(question(*asked, snapshots, NOTHING_AROUND), snapshots)))
        warm.append(time.perf_counter() - begin)
    print(f"{cold:.4f} {max(warm):.4f} {counts}")


if __name__ == "__main__":
    main()
