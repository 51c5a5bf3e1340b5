"""Small accounts that trust each other, as bundles' answers have them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from iamtui.model.account import Snapshot
from iamtui.model.identity import InlinePolicy, Role, User

A, B, C = "111111111111", "222222222222", "333333333333"
ADMIN = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})


def policy(effect: str, action: Any, resource: Any = "*", **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": effect, "Action": action, "Resource": resource, **more}})


def assume(*arns: str) -> str:
    return policy("Allow", "sts:AssumeRole", list(arns) or "*")


def trust(*principals: str, **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": "sts:AssumeRole", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def root(account: str) -> str:
    return f"arn:aws:iam::{account}:root"


def user(account: str, name: str, *documents: str) -> User:
    inline = tuple(InlinePolicy(f"p{n}", document) for n, document in enumerate(documents))
    return User(f"arn:aws:iam::{account}:user/{name}", name, f"AIDA{account[:4]}{name}", "/", account, None, inline=inline)


def role(account: str, name: str, trusted: str, *documents: str) -> Role:
    inline = tuple(InlinePolicy(f"p{n}", document) for n, document in enumerate(documents))
    return Role(f"arn:aws:iam::{account}:role/{name}", name, f"AROA{account[:4]}{name}", "/", account, None, trust=trusted, inline=inline)


def snapshot(account: str, *identities: User | Role, name: str = "") -> Snapshot:
    users = tuple(one for one in identities if isinstance(one, User))
    return Snapshot(account, users=users, roles=tuple(one for one in identities if isinstance(one, Role)), name=name)


def gaad(identities: Sequence[User | Role]) -> bytes:
    """The same as GetAccountAuthorizationDetails answers it."""
    users, roles = [], []
    for one in identities:
        policies = [{"PolicyName": p.name, "PolicyDocument": json.loads(p.document or "{}")} for p in one.inline]
        common = {"Path": "/", "Arn": one.arn, "CreateDate": "2026-01-01T00:00:00+00:00", "AttachedManagedPolicies": []}
        if isinstance(one, User):
            users.append({**common, "UserName": one.name, "UserId": one.unique_id, "UserPolicyList": policies, "GroupList": []})
        else:
            document = json.loads(one.trust)
            more = {"RolePolicyList": policies, "AssumeRolePolicyDocument": document, "InstanceProfileList": []}
            roles.append({**common, "RoleName": one.name, "RoleId": one.unique_id, **more})
    return json.dumps({"UserDetailList": users, "RoleDetailList": roles, "GroupDetailList": [], "Policies": []}).encode()
