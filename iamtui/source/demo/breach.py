"""The incident: a pipeline user's key leaks, and within one night somebody has an administrator of his own and the customers' data."""

from __future__ import annotations

from .grammar import ACCOUNT, INTRUDER, policy, trust_aws
from .tale import Tale

FIRST_IP = "203.0.113.77"
SECOND_IP = "198.51.100.201"
INSTANCE = "i-0e45EXAMPLEa37c9"
_AGENT = "aws-cli/1.33.2 md/Botocore#1.34.120 md/awscrt#0.19.19 ua/2.0 os/linux#6.5.0-kali3-amd64 lang/python#3.11.8"
_TRAIL = f"arn:aws:cloudtrail:eu-central-1:{ACCOUNT}:trail/acme-organization"
_SCP = "with an explicit deny in a service control policy"


def tell(tale: Tale) -> None:
    """Days 7 to 5 before midnight."""
    leaked = tale.key("ci-runner", 0, FIRST_IP, _AGENT)
    call = tale.call
    # looking around
    call(leaked, 7, "23:41:10", "sts:GetCallerIdentity", tag="breach-first")
    call(leaked, 7, "23:41:52", "s3:ListBuckets", refused="")
    call(leaked, 7, "23:43:20", "iam:ListUsers", tag="breach-recon")
    call(leaked, 7, "23:43:31", "iam:ListRoles")
    call(leaked, 7, "23:44:02", "iam:GetAccountAuthorizationDetails", {"maxItems": 1000})
    call(leaked, 7, "23:46:47", "iam:ListAttachedUserPolicies", {"userName": "ci-runner"})
    call(leaked, 7, "23:47:15", "iam:GetPolicyVersion", {"policyArn": f"arn:aws:iam::{ACCOUNT}:policy/ci-runner-access", "versionId": "v1"})
    call(leaked, 7, "23:58:09", "iam:ListAccessKeys", {"userName": "break-glass-1"})
    for number, region in enumerate(("us-east-1", "eu-west-1", "eu-central-1", "ap-southeast-2")):
        call(leaked, 6, f"00:11:{14 + number * 9}", "ec2:DescribeInstances", region=region, refused="")
    call(leaked, 6, "00:13:40", "secretsmanager:ListSecrets", region="eu-west-1", refused="")
    # an identity of his own
    tale.attach(leaked, 6, "02:05:12", "User", "ci-runner", "AdministratorAccess", "self-admin")
    tale.create_user(leaked, 6, 8_449, "svc-monitoring", "create-user")
    tale.create_login(leaked, 6, 8_467, "svc-monitoring", "create-login")
    tale.attach(leaked, 6, "02:21:40", "User", "svc-monitoring", "AdministratorAccess", "breach-admin")
    tale.create_key(leaked, 6, 8_672, "svc-monitoring", 0, "breach-key")
    web = tale.console("svc-monitoring", 6, "02:31:05", SECOND_IP, False, tag="breach-login")
    call(web, 6, "02:33:18", "s3:ListBuckets")
    call(web, 6, "02:34:02", "iam:ListRoles")
    call(web, 6, "02:36:51", "ec2:DescribeInstances", region="eu-west-1")
    # a way back in, and the chain
    own = tale.key("svc-monitoring", 0, SECOND_IP, _AGENT)
    backdoor = trust_aws(f"arn:aws:iam::{ACCOUNT}:root arn:aws:iam::{INTRUDER}:root")
    tale.trust(own, 6, "02:41:29", "support-readonly", backdoor, "backdoor-trust")
    call(
        own,
        6,
        "02:44:13",
        "sts:AssumeRole",
        {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/prod-operator", "roleSessionName": "maintenance"},
        refused="because no role trust policy allows the sts:AssumeRole action",
        resource=f"arn:aws:iam::{ACCOUNT}:role/prod-operator",
    )
    admin = tale.assume(own, "test-migration", "migration", 6, "02:47:36", "breach-assume-admin")
    call(admin, 6, "02:48:20", "s3:GetBucketPolicy", {"bucketName": "acme-customer-exports", "policy": ""}, region="eu-west-1")
    reader = tale.assume(admin, "customer-exports-reader", "migration", 6, "02:52:01", "breach-assume-reader")
    for number in range(26):
        key = f"daily/part-{number:02}.csv.gz"
        tale.read_object(reader, 6, 10_420 + number * 17, key, "exports-first" if not number else "exports-last" if number == 25 else "")
    tale.read_object(reader, 6, "03:02:44", "pii/passports.zip", "exports-passports")
    # damage and hiding
    tale.terminate(admin, 6, "03:21:30", INSTANCE, "eu-central-1", "breach-terminate")
    call(
        admin,
        6,
        "03:24:07",
        "cloudtrail:StopLogging",
        {"name": _TRAIL},
        region="eu-central-1",
        refused=_SCP,
        resource=_TRAIL,
        tag="stop-logging",
    )
    call(admin, 6, "03:24:29", "cloudtrail:DeleteTrail", {"name": _TRAIL}, region="eu-central-1", refused=_SCP, resource=_TRAIL)
    call(admin, 6, "03:25:58", "guardduty:DeleteDetector", {"detectorId": "12abEXAMPLE34cd"}, region="eu-central-1", refused=_SCP)
    tale.put_inline(
        own, 6, "03:31:12", "User", "break-glass-1", "extra", policy({"Effect": "Allow", "Action": "*", "Resource": "*"}), "breach-break-glass",
        refused="with an explicit deny in a service control policy",
    )  # fmt: skip
    late = tale.console("svc-monitoring", 5, "03:10:42", SECOND_IP, False, tag="breach-return")
    call(late, 5, "03:12:20", "s3:ListBuckets")
    call(late, 5, "03:14:55", "iam:GetUser", {"userName": "svc-monitoring"})
