"""Access Analyzer in the demo: analyzers in two Regions, none in the others, and findings made from the very policies they are about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ...model.document import Kind
from .clock import Clock
from .grammar import ACCOUNT, PARTNER, REGIONS, Document
from .ids import long_term_key, number, uuid
from .roles import Role, all_roles

EXTERNAL = ("us-east-1", "eu-west-1")
"""Regions with an analyzer of external access; the one of unused access is in the first."""
UNUSED_DAYS = 90
_LOOKED = 1  # days ago, at night

_IDLE_ROLES = (
    *("old-reporting", "mongo-backup-old", "poc-bedrock", "gdpr-delete", "thumbnail-old", "kinesis-clicks-old", "legacy-open"),
    *("sandbox-d.kowalski", "test-loadgen", "db-admin", "network-admin", "firehose-clicks", "eks-irsa-autoscaler", "eks-irsa-external-dns"),
)
_MEANT_IDLE = ("break-glass-admin", "OrganizationAccountAccessRole", "AWSControlTowerExecution", "dms-vpc-role")
_IDLE_KEYS = ("legacy-ftp", "svc-glue-dev")
_IDLE_PASSWORDS = ("d.kowalski",)
_USED_AGAIN = "test-migration"  # AWS looked a month ago, and it has been used since
_AGES = {"support-readonly": 6}  # days since a finding was made, where it is not the usual


def analyzer_documents(clock: Clock, seed: int) -> Iterator[tuple[Kind, str, bytes, str, str]]:
    """(kind, operation, body, key, Region): the analyzers of every Region, then the findings of each."""
    for region in REGIONS:
        analyzers = list(_analyzers(clock, region))
        yield Kind.ANALYZERS, "access-analyzer:ListAnalyzers", msgspec.json.encode({"analyzers": analyzers}), "", region
        for analyzer in analyzers:
            make = _unused if "UNUSED" in analyzer["type"] else _external
            answer = {"analyzer": analyzer, "findings": list(make(clock, seed, region))}
            yield Kind.ANALYZER_FINDINGS, "access-analyzer:ListFindingsV2", msgspec.json.encode(answer), analyzer["arn"], region


def _analyzers(clock: Clock, region: str) -> Iterator[dict[str, Any]]:
    kinds = [("acme-external", "ACCOUNT")] if region in EXTERNAL else []
    kinds += [("acme-unused", "ACCOUNT_UNUSED_ACCESS")] if region == EXTERNAL[0] else []
    for name, kind in kinds:
        unused = {"configuration": {"unusedAccess": {"unusedAccessAge": UNUSED_DAYS}}} if "UNUSED" in kind else {}
        yield {
            "arn": f"arn:aws:access-analyzer:{region}:{ACCOUNT}:analyzer/{name}",
            "name": name,
            "type": kind,
            "status": "ACTIVE",
            "createdAt": clock.stamp(420, 36_000),
            "lastResourceAnalyzedAt": clock.stamp(_LOOKED, 7_260),
            **unused,
        }


def _finding(
    clock: Clock,
    seed: int,
    arn: str,
    kind: str,
    finding: str,
    age: int,
    details: list[dict[str, Any]],
    status: str = "ACTIVE",
    looked: int = _LOOKED,
) -> dict[str, Any]:
    when = clock.stamp(age, 7_260)
    return {
        "id": uuid(number(seed, "finding", arn, finding) << 64 | number(seed, finding, arn)),
        "resource": arn,
        "resourceType": kind,
        "resourceOwnerAccount": ACCOUNT,
        "status": status,
        "findingType": finding,
        "createdAt": when,
        "updatedAt": clock.stamp(min(age, 60), 7_260) if status == "RESOLVED" else when,
        "analyzedAt": clock.stamp(looked, 7_260),
        "findingDetails": details,
    }


# -- external access -------------------------------------------------------------------------------------------------


def _external(clock: Clock, seed: int, region: str) -> Iterator[dict[str, Any]]:
    from .surroundings import RESOURCE_POLICIES

    for arn, (kind, place, document) in RESOURCE_POLICIES.items():
        if place == region:
            for details in _openings(document):
                yield _finding(clock, seed, arn, kind, "ExternalAccess", 140, [details])
    if region == "eu-west-1":  # a kind of resource whose policies nobody here reads
        snapshot = f"arn:aws:ec2:{region}:{ACCOUNT}:snapshot/snap-0d4eEXAMPLE7c1f05"
        shared = {"principal": {"AWS": PARTNER}, "condition": {}, "isPublic": False, "action": ["ec2:CreateVolume"]}
        yield _finding(clock, seed, snapshot, "AWS::EC2::Snapshot", "ExternalAccess", 71, [{"externalAccessDetails": shared}])
        public = {"principal": {"AWS": "*"}, "condition": {}, "isPublic": True, "action": ["s3:GetObject"]}
        bucket = "arn:aws:s3:::acme-customer-exports"
        yield _finding(clock, seed, bucket, "AWS::S3::Bucket", "ExternalAccess", 75, [{"externalAccessDetails": public}], "RESOLVED")
    if region == EXTERNAL[0]:
        for role in all_roles():
            if role.path.startswith("/aws-service-role/"):
                continue
            for details in _openings(role.trust):
                status = "ARCHIVED" if _is_meant(role) else "ACTIVE"
                yield _finding(clock, seed, _arn(role), "AWS::IAM::Role", "ExternalAccess", _AGES.get(role.name, 200), [details], status)


def _is_meant(role: Role) -> bool:
    """What an archive rule of the account calls meant: permission sets, its own organisation, named repositories."""
    trust = msgspec.json.encode(role.trust).decode()
    inside = any(account in trust for account in ("111122223333", "210987654321", "345678901234"))
    return inside or role.path.startswith("/aws-reserved/") or role.name in ("ci-deploy", "ci-docs", "ci-mobile")


def _openings(document: Document) -> Iterator[dict[str, Any]]:
    """What a policy lets in from outside the account, as Access Analyzer tells it: services and the account itself are not outside."""
    for statement in document["Statement"]:
        principal = statement.get("Principal")
        if statement["Effect"] != "Allow" or principal is None:
            continue
        told = {"AWS": "*"} if principal == "*" else principal
        for kind, values in told.items():
            for value in [values] if isinstance(values, str) else values:
                if kind == "Service" or (kind == "AWS" and ACCOUNT in value):
                    continue
                condition = {
                    key: value if isinstance(value, str) else ",".join(value)
                    for block in statement.get("Condition", {}).values()
                    for key, value in block.items()
                }
                actions = statement["Action"]
                shown = value if value == "*" or kind == "Federated" else value.removeprefix("arn:aws:iam::").removesuffix(":root")
                yield {
                    "externalAccessDetails": {
                        "principal": {kind: f"arn:aws:iam::{shown}" if ":" in shown and not shown.startswith("arn:") else shown},
                        "action": [actions] if isinstance(actions, str) else list(actions),
                        "condition": condition,
                        "isPublic": value == "*" and not any("PrincipalOrgID" in key or "ExternalId" in key for key in condition),
                        "sources": [{"type": "POLICY"}],
                    }
                }


# -- unused access ---------------------------------------------------------------------------------------------------


def _unused(clock: Clock, seed: int, region: str) -> Iterator[dict[str, Any]]:
    roles = {role.name: role for role in all_roles()}
    for name in (*_IDLE_ROLES, *_MEANT_IDLE):
        status = "ARCHIVED" if name in _MEANT_IDLE else "ACTIVE"
        details: list[dict[str, Any]] = [{"unusedIamRoleDetails": {}}]
        yield _finding(clock, seed, _arn(roles[name]), "AWS::IAM::Role", "UnusedIAMRole", 30, details, status)
    yield _finding(clock, seed, _arn(roles[_USED_AGAIN]), "AWS::IAM::Role", "UnusedIAMRole", 40, [{"unusedIamRoleDetails": {}}], looked=35)
    for name in _IDLE_PASSWORDS:
        details = [{"unusedIamUserPasswordDetails": {"lastAccessed": clock.stamp(128)}}]
        yield _finding(clock, seed, _user(name), "AWS::IAM::User", "UnusedIAMUserPassword", 37, details)
    for name in _IDLE_KEYS:
        details = [{"unusedIamUserAccessKeyDetails": {"accessKeyId": long_term_key(seed, name, 0)}}]
        yield _finding(clock, seed, _user(name), "AWS::IAM::User", "UnusedIAMUserAccessKey", 30, details)
    for arn, service, actions in (
        (_arn(roles["inventory-scanner"]), "ec2", ("RunInstances", "TerminateInstances")),
        (_user("User1"), "glue", ()),
    ):
        told = {"serviceNamespace": service, "actions": [{"action": action} for action in actions]}
        yield _finding(
            clock,
            seed,
            arn,
            f"AWS::IAM::{'Role' if ':role/' in arn else 'User'}",
            "UnusedPermission",
            30,
            [{"unusedPermissionDetails": told}],
        )


def _arn(role: Role) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role{role.path}{role.name}"


def _user(name: str) -> str:
    from .account import user_arn
    from .people import USERS

    return next(user_arn(user) for user in USERS if user.name == name)
