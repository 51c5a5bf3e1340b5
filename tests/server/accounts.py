"""Accounts of any size, as GAAD tells them."""

from __future__ import annotations

import json
from typing import Any

ACCOUNT = "123456789012"
MADE = "2024-03-01T10:00:00Z"


def policy(*actions: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]})


def large_account(users: int = 5000, roles: int = 5000, groups: int = 50) -> dict[str, Any]:
    """Users, roles, groups and a fifth as many policies; everybody has two policies, every third an inline one."""
    trust = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
        }
    )
    policies = [
        {
            "PolicyName": f"team-{i}",
            "PolicyId": f"ANPA{i:017}",
            "Arn": f"arn:aws:iam::{ACCOUNT}:policy/team-{i}",
            "Path": "/",
            "DefaultVersionId": "v1",
            "AttachmentCount": 1,
            "PermissionsBoundaryUsageCount": 0,
            "IsAttachable": True,
            "CreateDate": MADE,
            "UpdateDate": MADE,
            "PolicyVersionList": [
                {"VersionId": "v1", "IsDefaultVersion": True, "CreateDate": MADE, "Document": policy("s3:Get*", "ec2:Describe*")}
            ],
        }
        for i in range(min(1500, max(10, (users + roles) // 10)))
    ]

    def attached(i: int) -> list[dict[str, str]]:
        chosen = (policies[i % len(policies)], policies[(i * 7 + 1) % len(policies)])
        return [{"PolicyName": str(p["PolicyName"]), "PolicyArn": str(p["Arn"])} for p in chosen]

    return {
        "UserDetailList": [
            {
                "Path": "/",
                "UserName": f"user-{i}",
                "UserId": f"AIDA{i:017}",
                "Arn": f"arn:aws:iam::{ACCOUNT}:user/user-{i}",
                "CreateDate": MADE,
                "UserPolicyList": [{"PolicyName": "inline", "PolicyDocument": policy("sqs:*")}] if i % 3 == 0 else [],
                "GroupList": [f"group-{i % groups}"] if groups else [],
                "AttachedManagedPolicies": attached(i),
                "Tags": [],
            }
            for i in range(users)
        ],
        "RoleDetailList": [
            {
                "Path": "/",
                "RoleName": f"role-{i}",
                "RoleId": f"AROA{i:017}",
                "Arn": f"arn:aws:iam::{ACCOUNT}:role/role-{i}",
                "CreateDate": MADE,
                "AssumeRolePolicyDocument": trust,
                "InstanceProfileList": [],
                "RolePolicyList": [{"PolicyName": "inline", "PolicyDocument": policy("dynamodb:GetItem")}] if i % 2 else [],
                "AttachedManagedPolicies": attached(i),
                "Tags": [],
                "RoleLastUsed": {"LastUsedDate": "2026-10-01T00:00:00Z", "Region": "us-east-1"} if i % 4 else {},
            }
            for i in range(roles)
        ],
        "GroupDetailList": [
            {
                "Path": "/",
                "GroupName": f"group-{i}",
                "GroupId": f"AGPA{i:017}",
                "Arn": f"arn:aws:iam::{ACCOUNT}:group/group-{i}",
                "CreateDate": MADE,
                "GroupPolicyList": [],
                "AttachedManagedPolicies": attached(i),
            }
            for i in range(groups)
        ],
        "Policies": policies,
    }


def report_of(account: dict[str, Any]) -> bytes:
    """A credential report of its users: nobody has anything."""
    header = (
        "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,"
        "access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,"
        "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,"
        "cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
    )
    nothing = "false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A"
    rows = [f"{u['UserName']},{u['Arn']},{u['CreateDate']},false,N/A,N/A,N/A,false,{nothing}" for u in account["UserDetailList"]]
    return "\n".join([header, *rows]).encode()
