"""Names of an account: which identity or policy a name or ARN in an event meant at the time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from ...model.account import Snapshot
from ...model.identity import Group, Role, User
from ...model.policy import Policy

_SLACK = timedelta(minutes=2)
_UNIQUE = {"AIDA": "user", "AROA": "role", "AGPA": "group", "ANPA": "policy"}


class Target(NamedTuple):
    """What a change is of. `gone`: whoever bore the name then is not who bears it now, or nobody does."""

    kind: str
    name: str
    arn: str
    unique_id: str
    gone: bool = False


class Names:
    """The names of one account. IAM compares names without their case, and so does this."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._named: dict[tuple[str, str], User | Role | Group | Policy] = {}
        self._by_arn: dict[str, tuple[str, User | Role | Group | Policy]] = {}
        for kind, held in (("user", snapshot.users), ("role", snapshot.roles), ("group", snapshot.groups), ("policy", snapshot.policies)):
            for one in held:
                self._by_arn[one.arn] = (kind, one)
                if not (isinstance(one, Policy) and one.aws_managed):
                    self._named[kind, one.name.casefold()] = one

    def find(self, kind: str, name: str, at: datetime | None = None, *, arn: str = "", unique_id: str = "") -> Target:
        """The bearer of a name at a time, as far as it is in what was read; `arn` and `unique_id` when the event tells them."""
        held = self._by_arn[arn][1] if arn in self._by_arn else self._named.get((kind, name.casefold())) if name else None
        if held is not None:
            theirs = held.policy_id if isinstance(held, Policy) else held.unique_id
            younger = at is not None and held.created is not None and at < held.created - _SLACK
            if not younger and (not unique_id or not theirs or unique_id == theirs):
                return Target(kind, held.name, held.arn, theirs)
        name = name or arn.rpartition("/")[2]
        account, partition = self.snapshot.account, self.snapshot.partition
        return Target(kind, name, arn or f"arn:{partition}:iam::{account}:{kind}/{name}", unique_id, gone=True)

    def policy(self, arn: str) -> Policy | None:
        found = self._by_arn.get(arn)
        return found[1] if found is not None and isinstance(found[1], Policy) else None


def kind_of_id(unique_id: str) -> str:
    """`user` of AIDA…, "" for what is no unique id of these."""
    return _UNIQUE.get(unique_id[:4], "")
