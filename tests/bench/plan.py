"""The plan of 500 removals in an account of 10,000 identities, from the decisions in the ledger to the text of the script: seconds of the
whole, and of the text of each other form."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import msgspec

from iamtui.model.review import Decision
from iamtui.session import ListKind
from iamtui.session.cleanup import plan_text, plans
from tests.bench.review import opened
from tests.server.accounts import large_account


def main() -> None:
    body = msgspec.json.encode(large_account(users=5000, roles=5000))
    with tempfile.TemporaryDirectory(prefix="iamtui-bench-") as folder:
        taken, forms = [], []
        for run in range(3):
            session = opened(body, Path(folder) / f"{run}.db")
            rows = [*session.listing(ListKind.USERS).rows[:250], *session.listing(ListKind.ROLES).rows[:250]]
            assert session.decide(rows, Decision.REMOVE, reason="not used").count == 500
            begin = time.perf_counter()
            (plan,) = plans(session, hours=0)
            text = plan_text(plan, "cli")
            taken.append(time.perf_counter() - begin)
            assert len(plan.items) > 450, plan.left[:3]
            assert text.count("drop delete-user --") + text.count("drop delete-role --") > 450
            begin = time.perf_counter()
            for form in ("terraform", "cloudformation", "markdown"):
                plan_text(plan, form)
            forms.append(time.perf_counter() - begin)
    print(f"{median(taken):.3f} {median(forms):.3f} {len(plan.items)}")


if __name__ == "__main__":
    sys.exit(main())
