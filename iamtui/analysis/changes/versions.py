"""Changes as a policy's stored versions tell them: at most five are kept, so that the past before the oldest is open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from ...model.account import Snapshot
from ...model.change import Author, Change, ChangeGap, ChangeKind, Tells, Told
from ...model.fact import Fact, State, absent, known
from ...model.policy import Policy, PolicyVersion

MOST_STORED = 5
_NEAR = timedelta(minutes=2)
AWS = Author(actor="AWS", human="AWS", name="AWS")


def number(version_id: str) -> int:
    """4 of `v4`; 0 for what is none."""
    digits = version_id[1:]
    return int(digits) if version_id[:1] == "v" and digits.isascii() and digits.isdecimal() and len(digits) < 10 else 0


def changes_of(snapshot: Snapshot) -> Iterator[Change]:
    """A change of every stored version of every policy."""
    for policy in snapshot.policies:
        yield from _versions(policy, snapshot.account)


def _versions(policy: Policy, account: str) -> Iterator[Change]:
    ordered = sorted(policy.versions, key=lambda version: number(version.version_id))
    previous: PolicyVersion | None = None
    for version in ordered:
        first = number(version.version_id) == 1
        made_with = first and (policy.created is None or version.created is None or abs(version.created - policy.created) <= _NEAR)
        before: Fact[str] = absent(State.NOT_APPLICABLE) if first else absent(State.NO_INFORMATION)
        if previous is not None and number(previous.version_id) + 1 == number(version.version_id) and previous.document:
            before = known(previous.document, Tells.VERSION.value, detail=previous.version_id)
        in_force = version.is_default or version.version_id == policy.default_version_id
        yield Change(
            kind=ChangeKind.CREATED if made_with else ChangeKind.VERSION,
            target="policy",
            name=policy.name,
            account=account,
            at=version.created,
            told=(Told(Tells.VERSION, version.created, version.version_id),),
            arn=policy.arn,
            unique_id=policy.policy_id,
            part=version.version_id,
            before=before,
            after=known(version.document, Tells.VERSION.value)
            if version.document
            else absent(State.NO_INFORMATION, detail="its text was not read"),
            was=previous.version_id if previous is not None and before.is_known else "",
            becomes=version.version_id,
            default=True if in_force or made_with else None,
            author=AWS if policy.aws_managed else Author(),
        )
        previous = version


def gaps_of(policy: Policy, told: Iterable[str] = ()) -> Iterator[ChangeGap]:
    """Versions that are no longer stored and of which nothing else tells (`told`: version ids something tells of)."""
    if policy.aws_managed:
        yield ChangeGap(Tells.VERSION, "of AWS's own policies only the version in force is told, not what it replaced")
        return
    stored = sorted((number(v.version_id), v) for v in policy.versions if number(v.version_id))
    numbers = {n for n, _ in stored} | {number(version) for version in told}
    highest = max(numbers, default=0)
    missing = [n for n in range(1, highest) if n not in numbers]
    if missing:
        oldest = stored[0][1].created if stored and min(missing) < stored[0][0] else None
        words = f"v{missing[0]}" if len(missing) == 1 else f"v{missing[0]} to v{missing[-1]}"
        some = "" if len(missing) < 2 or missing[-1] - missing[0] + 1 == len(missing) else f" ({len(missing)} of them)"
        yield ChangeGap(
            Tells.VERSION, f"{words}{some} are no longer stored, and nothing else tells of them: IAM keeps five", policy.created, oldest
        )
