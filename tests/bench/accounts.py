"""100 accounts of 200 identities beside one account of 20,000, made by one generator: CPU seconds for opening the bundles, the lists, a filter
keystroke, who-can, ways to an administrator, findings; each pair in turn, and the middle one of some where they are short."""

from __future__ import annotations

import gc
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from iamtui.model.document import Document, Kind, Origin
from iamtui.policy.catalogue import catalogue
from iamtui.session import ListKind, Session
from iamtui.source.evidence import EvidenceSource
from iamtui.store.bundle import write_bundle

MADE = "2024-03-01T10:00:00Z"
NOW = datetime(2026, 11, 27, tzinfo=UTC)
ACTIONS = ("s3:Get*", "ec2:Describe*", "dynamodb:Query", "sqs:*", "logs:Get*", "lambda:List*", "kms:Decrypt", "sns:Publish", "ecr:Get*")
ADMINISTRATORS = 50
"""One identity of so many is one."""
WIDE = 7
"""The role of each account that everybody of the organisation may assume, and that is an administrator."""


def number(index: int) -> str:
    return f"{100000000000 + index * 7919:012d}"


def statement(effect: str, actions: list[str], resource: Any = "*", **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": actions, "Resource": resource, **more}]})


def trust(principal: Any, **more: Any) -> str:
    told = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [told]})


def account(index: int, count: int, accounts: int, chance: random.Random) -> dict[str, Any]:
    """Half users, half roles. Roles trust services, accounts beside theirs, the management account, or their organisation."""
    own = number(index)
    users, roles = [], []
    for i in range(count):
        arn = f"arn:aws:iam::{own}"
        if i % ADMINISTRATORS == 0 or i == WIDE:
            text = statement("Allow", ["*"])
        elif i % 7 == 0:
            text = statement("Allow", ["sts:AssumeRole"], [f"arn:aws:iam::{number(chance.randrange(accounts))}:role/role-{i}"])
        else:
            text = statement("Allow", chance.sample(ACTIONS, 3), [f"arn:aws:s3:::{own}-{i % 40}/*", "*"])
        common = {"Path": "/", "CreateDate": MADE, "AttachedManagedPolicies": [], "Tags": []}
        inline = [{"PolicyName": "own", "PolicyDocument": text}]
        if i % 2:
            beside = number((index + 1 + i % 3) % accounts)
            trusted = [
                trust({"Service": "ec2.amazonaws.com"}),
                trust({"AWS": f"arn:aws:iam::{beside}:root"}),
                trust({"AWS": f"arn:aws:iam::{number(0)}:root"}),
                trust({"AWS": "*"}, Condition={"StringEquals": {"aws:PrincipalOrgID": "o-example"}}),
            ][3 if i == WIDE or i % 64 == 63 else (i // 2) % 3]
            more = {"RolePolicyList": inline, "InstanceProfileList": [], "AssumeRolePolicyDocument": trusted, "RoleLastUsed": {}}
            roles.append({**common, **more, "RoleName": f"role-{i}", "RoleId": f"AROA{index:04}{i:013}", "Arn": f"{arn}:role/role-{i}"})
        else:
            more = {"UserPolicyList": inline, "GroupList": []}
            users.append({**common, **more, "UserName": f"user-{i}", "UserId": f"AIDA{index:04}{i:013}", "Arn": f"{arn}:user/user-{i}"})
    admin = {"RoleName": "OrgAccess", "RoleId": f"AROAORG{index:014}", "Arn": f"arn:aws:iam::{own}:role/OrgAccess"}
    everything = [{"PolicyName": "all", "PolicyDocument": statement("Allow", ["*"])}]
    trusted = trust({"AWS": f"arn:aws:iam::{number(0)}:root"})
    rest = {"Path": "/", "CreateDate": MADE, "AttachedManagedPolicies": [], "InstanceProfileList": [], "RoleLastUsed": {}, "Tags": []}
    roles.append({**rest, **admin, "RolePolicyList": everything, "AssumeRolePolicyDocument": trusted})
    return {"UserDetailList": users, "RoleDetailList": roles, "GroupDetailList": [], "Policies": []}


def write(folder: Path, accounts: int, count: int) -> None:
    chance = random.Random(7)
    for index in range(accounts):
        body = json.dumps(account(index, count, accounts, chance)).encode()
        document = Document(Kind.AUTHORIZATION, body, NOW, Origin("live", "iam:GetAccountAuthorizationDetails"), number(index))
        write_bundle(folder / f"{number(index)}.zip", [document], [], source="live", created=NOW)
    told = {"Accounts": [{"Id": number(index), "Name": f"team-{index}", "State": "ACTIVE"} for index in range(accounts)]}
    listed = Document(Kind.ACCOUNTS, json.dumps(told).encode(), NOW, Origin("live", "organizations:ListAccounts"))
    write_bundle(folder / "organization.zip", [listed], [], source="live", created=NOW)


def took(run: Callable[[], object], times: int = 1) -> float:
    seconds = []
    for _ in range(times):
        gc.collect()
        begin = time.process_time()
        run()
        seconds.append(time.process_time() - begin)
    return median(seconds)


def measured(folder: Path) -> list[float]:
    """Seconds: open, lists, filter keystroke, who can (warm), ways, findings."""
    session = Session(EvidenceSource([str(folder)]), now=lambda: NOW)
    found = [took(lambda: [None for _ in session.refresh()])]
    found.append(took(lambda: [session.listing(kind) for kind in (ListKind.USERS, ListKind.ROLES)]))
    session.select(ListKind.ROLES, "account:team-1 role-1")
    found.append(took(lambda: [session.select(ListKind.ROLES, f"role-{i} !account:team-7") for i in range(5)], 3) / 5)
    asked = ("sqs:SendMessage", f"arn:aws:sqs:eu-west-1:{number(3)}:q")
    session.who_can(*asked)
    found.append(took(lambda: session.who_can(*asked), 3))
    ways: list[Any] = []
    found.append(took(lambda: ways.append(session.ways())))
    found.append(took(session.load_findings))
    kinds = (len(ways[0].escalations), len(ways[0].hops), len(ways[0].crossings))
    print(
        f"{len(session.world.snapshots)} accounts, ways {kinds}, findings {len(session.listing(ListKind.FINDINGS).rows)}", file=sys.stderr
    )
    return found


def main() -> None:
    catalogue()
    with tempfile.TemporaryDirectory() as folder:
        many, one = Path(folder) / "many", Path(folder) / "one"
        many.mkdir()
        one.mkdir()
        write(many, 100, 200)
        write(one, 1, 20_000)
        print(*(f"{seconds:.4f}" for seconds in (*measured(one), *measured(many))))


if __name__ == "__main__":
    main()
