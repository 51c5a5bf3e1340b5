"""Seconds for comparing two bundles of 5,000 users and 5,000 roles each, from the files to the sorted differences: one in a hundred
identities, one policy in fifty and every role's last use are others; then for two equal ones."""

from __future__ import annotations

import json
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from iamtui.model.document import Document, Kind, Origin
from iamtui.policy.catalogue import catalogue
from iamtui.session.comparing import compared, opened
from iamtui.store.bundle import write_bundle
from tests.server.accounts import ACCOUNT, large_account, policy

NOW = datetime(2026, 11, 1, tzinfo=UTC)
POWER = {"PolicyName": "power", "PolicyDocument": policy("iam:PassRole", "lambda:*", "iam:PutUserPolicy")}


def with_administrators(account: dict[str, Any]) -> dict[str, Any]:
    """Forty roles and twenty users that administer, the roles open to the whole account, and 280 users who may assume roles."""
    everything = {"PolicyName": "everything", "PolicyDocument": policy("*")}
    door = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    for role in account["RoleDetailList"][:40]:
        role["RolePolicyList"] = [everything]
        role["AssumeRolePolicyDocument"] = json.dumps({"Version": "2012-10-17", "Statement": [door]})
    for user in account["UserDetailList"][1:21]:
        user["UserPolicyList"] = [everything]
    for user in account["UserDetailList"][21:301]:
        user["UserPolicyList"] = [
            {"PolicyName": "developer", "PolicyDocument": policy("iam:PassRole", "lambda:*", "ec2:*", "sts:AssumeRole")}
        ]
    return account


def later(account: dict[str, Any]) -> dict[str, Any]:
    """The same account, a month on."""
    users, roles = account["UserDetailList"], account["RoleDetailList"]
    for user in users[::100]:
        user["UserPolicyList"] = [POWER]
    for user in users[50::100]:
        user["GroupList"] = []
    for role in roles[::100]:
        role["AttachedManagedPolicies"] = role["AttachedManagedPolicies"][:1]
    for role in roles[50::100]:
        role["AssumeRolePolicyDocument"] = role["AssumeRolePolicyDocument"].replace("ec2.amazonaws", "lambda.amazonaws")
    for role in roles:
        role["RoleLastUsed"] = {"LastUsedDate": "2026-10-30T00:00:00Z", "Region": "us-east-1"}
    for one in account["Policies"][::50]:
        one["PolicyVersionList"][0]["Document"] = policy("s3:Get*", "s3:Put*", "ec2:Describe*")
    account["UserDetailList"] = users[:-20] + [{**user, "UserName": f"new-{i}", "Arn": f"arn:aws:iam::{ACCOUNT}:user/new-{i}", "UserId": f"AIDANEW{i:014}"} for i, user in enumerate(users[-20:])]  # fmt: skip
    return account


def bundle(path: Path, account: dict[str, Any], at: datetime) -> None:
    document = Document(Kind.AUTHORIZATION, json.dumps(account, default=str).encode(), at, Origin("bench", "gaad"), ACCOUNT)
    write_bundle(path, [document], [], source="bench", created=at)


def seconds(old: Path, new: Path) -> tuple[float, int]:
    begin = time.perf_counter()
    found = compared(opened([str(old)], lambda: NOW), opened([str(new)], lambda: NOW))
    return time.perf_counter() - begin, len(found.differences)


def main() -> None:
    catalogue()
    with tempfile.TemporaryDirectory(prefix="iamtui-bench-") as folder:
        old, new = Path(folder) / "old.zip", Path(folder) / "new.zip"
        bundle(old, with_administrators(large_account()), NOW - timedelta(days=30))
        bundle(new, later(with_administrators(large_account())), NOW)
        changed, count = seconds(old, new)
        alike, none = seconds(old, old)
    assert count > 300, count
    assert none == 0, none
    print(f"{changed:.4f} {alike:.4f}")


if __name__ == "__main__":
    main()
