"""What lies around identity: the organisation, policies of resources, findings, Config's items. Raw material of later questions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ...model.document import Kind
from . import recorded
from .clock import Clock
from .grammar import (
    ACCOUNT,
    DEVELOPMENT,
    MANAGEMENT,
    ORGANIZATION,
    PARTNER,
    PAYWISE,
    REGIONS,
    SECURITY,
    Document,
    allow,
    deny,
    policy,
)
from .ids import unique_id
from .own_policies import LAKE_ARN, OWN

_S3 = "arn:aws:s3:::"
_ROOT_ID = "r-acme"
_ORG_ARN = f"arn:aws:organizations::{MANAGEMENT}"

_READ_BY = {"AWS::S3::Bucket": "s3:GetBucketPolicy", "AWS::KMS::Key": "kms:GetKeyPolicy", "AWS::SQS::Queue": "sqs:GetQueueAttributes"}


def _bucket(principal: Any, actions: str, name: str, **more: Any) -> Document:
    return {**allow(actions, f"{_S3}{name} {_S3}{name}/*"), "Principal": principal, **more}


RESOURCE_POLICIES: dict[str, tuple[str, str, Document]] = {
    f"{_S3}acme-public-assets": ("AWS::S3::Bucket", "eu-west-1", policy(_bucket("*", "s3:GetObject", "acme-public-assets"))),
    f"{_S3}acme-settlements": (
        "AWS::S3::Bucket",
        "eu-west-1",
        policy(_bucket({"AWS": f"arn:aws:iam::{PAYWISE}:role/settlement"}, "s3:GetObject s3:ListBucket", "acme-settlements")),
    ),
    f"{_S3}acme-legacy-ftp": (
        "AWS::S3::Bucket",
        "us-east-1",
        policy(_bucket({"AWS": "*"}, "s3:*", "acme-legacy-ftp", Condition={"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}})),
    ),
    f"{_S3}acme-partner-inbox": (
        "AWS::S3::Bucket",
        "eu-west-1",
        policy(_bucket({"AWS": f"arn:aws:iam::{PARTNER}:root"}, "s3:PutObject", "acme-partner-inbox")),
    ),
    f"{_S3}acme-customer-exports": (
        "AWS::S3::Bucket",
        "eu-west-1",
        policy(
            {
                **deny("s3:*", f"{_S3}acme-customer-exports {_S3}acme-customer-exports/*"),
                "Principal": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ),
    ),
    f"{_S3}acme-data-lake": (
        "AWS::S3::Bucket",
        "eu-central-1",
        policy(
            _bucket("*", "s3:GetObject s3:ListBucket", "acme-data-lake", Condition={"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}})
        ),
    ),
    f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/5f0e6c1a-EXAMPLE-4b7d-9c52-3d1f7a80be44": (
        "AWS::KMS::Key",
        "eu-west-1",
        policy(
            {**allow("kms:*"), "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}},
            {**allow("kms:Decrypt kms:DescribeKey"), "Principal": {"AWS": f"arn:aws:iam::{PAYWISE}:role/settlement"}},
        ),
    ),
    f"arn:aws:sqs:eu-west-1:{ACCOUNT}:shop-webhooks": (
        "AWS::SQS::Queue",
        "eu-west-1",
        policy({**allow("sqs:SendMessage", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:shop-webhooks"), "Principal": "*"}),
    ),
}


def documents(clock: Clock, seed: int) -> Iterator[tuple[Kind, str, bytes, str, str]]:
    """(kind, operation, body, key, Region) of everything."""
    for arn, (kind, region, document) in RESOURCE_POLICIES.items():
        answer = {"ResourceArn": arn, "ResourceType": kind, "Policy": msgspec.json.encode(document).decode()}
        yield Kind.RESOURCE_POLICIES, _READ_BY[kind], _json(answer), arn, region
    from .analyzers import analyzer_documents

    yield from analyzer_documents(clock, seed)
    yield (
        Kind.CONFIG_ITEMS,
        "config:GetResourceConfigHistory",
        _json({"configurationItems": _lake_history(clock, seed)}),
        LAKE_ARN,
        "us-east-1",
    )
    for arn, items in recorded.histories(clock, seed).items():
        yield Kind.CONFIG_ITEMS, "config:GetResourceConfigHistory", _json({"configurationItems": items}), arn, "us-east-1"
    for region, answer in recorded.recorders(clock).items():
        yield Kind.CONFIG_RECORDERS, "config:DescribeConfigurationRecorders", _json(answer), region, region
    yield Kind.ORGANIZATION, "organizations:DescribeOrganization", _json(_organization()), "", ""


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


def _lake_history(clock: Clock, seed: int) -> list[dict[str, Any]]:
    """Config items of data-lake-access, newest first; Config writes a few minutes after the edit."""
    items = []
    own = OWN["data-lake-access"]
    for nth, (day, second, document) in enumerate(own.versions):
        version = f"v{own.first + nth}"
        items.append(
            {
                "version": "1.3",
                "accountId": ACCOUNT,
                "configurationItemCaptureTime": clock.event_time(day, second + 187),
                "configurationItemStatus": "OK",
                "configurationStateId": str(clock.at(day, second + 187) * 1000),
                "arn": LAKE_ARN,
                "resourceType": "AWS::IAM::Policy",
                "resourceId": unique_id("ANPA", seed, "data-lake-access"),
                "resourceName": "data-lake-access",
                "awsRegion": "global",
                "availabilityZone": "Not Applicable",
                "resourceCreationTime": clock.event_time(own.created, own.versions[0][1]),
                "tags": {},
                "relatedEvents": [],
                "relationships": [],
                "configuration": msgspec.json.encode(
                    {
                        "policyName": "data-lake-access",
                        "policyId": unique_id("ANPA", seed, "data-lake-access"),
                        "arn": LAKE_ARN,
                        "path": "/",
                        "defaultVersionId": version,
                        "isAttachable": True,
                        "policyVersionList": [
                            {"document": msgspec.json.encode(document).decode(), "versionId": version, "isDefaultVersion": True}
                        ],
                    }
                ).decode(),
                "supplementaryConfiguration": {},
            }
        )
    return items[::-1]


def _scp(name: str, description: str, document: Document, targets: tuple[str, ...]) -> dict[str, Any]:
    policy_id = f"p-{name.replace('-', '')[:8]}ex"
    return {
        "PolicySummary": {
            "Id": policy_id,
            "Arn": f"{_ORG_ARN}:policy/{ORGANIZATION}/service_control_policy/{policy_id}",
            "Name": name,
            "Description": description,
            "Type": "SERVICE_CONTROL_POLICY",
            "AwsManaged": name == "FullAWSAccess",
        },
        "Content": msgspec.json.encode(document).decode(),
        "Targets": [{"TargetId": target} for target in targets],
    }


def _organization() -> dict[str, Any]:
    """The tree as the Organizations answers tell it, joined: root, units, accounts and the SCPs with their targets."""
    units = {"ou-acme-prod1": "Production", "ou-acme-secu1": "Security", "ou-acme-dev01": "Development"}
    accounts = (
        (MANAGEMENT, "acme-management", _ROOT_ID),
        (ACCOUNT, "acme-prod", "ou-acme-prod1"),
        (SECURITY, "acme-security", "ou-acme-secu1"),
        (DEVELOPMENT, "acme-dev", "ou-acme-dev01"),
    )
    everywhere = (_ROOT_ID, *units, *(account for account, _, _ in accounts))
    regions = {
        "Effect": "Deny",
        "NotAction": ["iam:*", "sts:*", "organizations:*", "cloudfront:*", "route53:*", "support:*"],
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": list(REGIONS)}},
    }
    keep = deny(
        "cloudtrail:StopLogging cloudtrail:DeleteTrail cloudtrail:PutEventSelectors guardduty:DeleteDetector config:StopConfigurationRecorder"
    )
    emergency = deny("iam:*", "arn:aws:iam::*:user/break-glass/* arn:aws:iam::*:role/break-glass-*")
    return {
        "Organization": {
            "Id": ORGANIZATION,
            "Arn": f"{_ORG_ARN}:organization/{ORGANIZATION}",
            "FeatureSet": "ALL",
            "MasterAccountId": MANAGEMENT,
        },
        "Roots": [{"Id": _ROOT_ID, "Name": "Root", "PolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]}],
        "OrganizationalUnits": [{"Id": unit, "Name": name, "ParentId": _ROOT_ID} for unit, name in units.items()],
        "Accounts": [{"Id": a, "Name": name, "Status": "ACTIVE", "ParentId": parent} for a, name, parent in accounts],
        "Policies": [
            _scp("FullAWSAccess", "Allows access to every operation", policy(allow("*")), everywhere),
            _scp("keep-the-trail", "Nobody stops the logs", policy({**keep, "Sid": "KeepTheTrail"}), (_ROOT_ID,)),
            _scp("our-regions", "Only our Regions", policy(regions), ("ou-acme-prod1", "ou-acme-dev01")),
            _scp("protect-emergency", "Break-glass identities stay as they are", policy(emergency), ("ou-acme-prod1",)),
        ],
    }


def proposed_policy() -> Document:
    """A draft of deploy-base's next version, for the question what it would change: it passes any role and forgets lambda:PublishVersion."""
    return policy(
        allow("cloudformation:* ecs:UpdateService ecs:RegisterTaskDefinition ecs:Describe* lambda:UpdateFunctionCode"),
        allow("s3:GetObject s3:PutObject s3:ListBucket", f"{_S3}acme-build-artifacts {_S3}acme-build-artifacts/*"),
        allow("ecr:*", "arn:aws:ecr:*:*:repository/acme/*"),
        allow("ecr:GetAuthorizationToken"),
        allow("iam:PassRole"),
    )
