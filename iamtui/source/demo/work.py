"""Who works how often and at what: the daily noise between which the stories happen."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

import msgspec

from .grammar import DATAPEEK, PARTNER, PAYWISE, SECURITY
from .roles import SERVICE_LINKED, sso_role


class By(Enum):
    """How a session comes about."""

    SERVICE = "an AWS service assumes the role for compute"
    LINKED = "an AWS service works through its service-linked role"
    KEY = "a user's long-term access key"
    CONSOLE = "a user signs in to the console"
    CENTER = "a person comes through Identity Center"
    PIPELINE = "a pipeline shows an OIDC token"
    FOREIGN = "another account assumes the role"


class Chain(msgspec.Struct, frozen=True):
    """In some sessions (`share`) the second half is worked in another role."""

    role: str
    habit: str
    share: float = 0.5
    source_identity: bool = False


class Work(msgspec.Struct, frozen=True):
    """One identity's habit.

    name:    role or user that works
    by:      how its sessions come about
    habit:   operations, the first one is the last of every session
    calls:   fewest and most calls of a session
    rate:    sessions a day; below 1 the chance of one
    until:   the last day with work, 1 is yesterday; always has a session (persons: the weekday before)
    since:   the first day with work
    hours:   between which hours sessions begin (UTC)
    detail:  service, person, OIDC subject, account or session name, as `by` needs it
    slot:    number of the access key
    """

    name: str
    by: By
    habit: str
    calls: tuple[int, int] = (1, 3)
    rate: float = 1.0
    until: int = 1
    since: int = 90
    hours: tuple[int, int] = (0, 23)
    weekdays: bool = False
    region: str = "eu-west-1"
    others: tuple[str, ...] = ()
    detail: str = ""
    slot: int = 0
    ip: str = ""
    agent: str = ""
    chain: Chain | None = None
    mfa: bool = False


OFFICE = "192.0.2."
"""Addresses of the company's offices (TEST-NET-1)."""

_IDENTITY_READS = "iam:ListRoles iam:ListUsers iam:GetRole iam:ListAttachedRolePolicies"
_CONSOLE_READS = "ec2:DescribeInstances cloudwatch:ListMetrics logs:DescribeLogGroups s3:ListBuckets ec2:DescribeSecurityGroups lambda:ListFunctions20150331"

# person, permission set, days between sessions as a rate, habit, chain
_PEOPLE: tuple[tuple[str, str, float, str, Chain | None, int], ...] = (
    ("k.meyer", "PlatformAdmin", 0.8, "ec2:DescribeInstances ecs:DescribeServices cloudwatch:GetMetricData logs:FilterLogEvents", Chain("iam-admin", _IDENTITY_READS, 0.3, True), 2),
    ("p.novak", "PlatformAdmin", 0.7, "ec2:DescribeInstances autoscaling:DescribeAutoScalingGroups ssm:StartSession rds:DescribeDBInstances", Chain("ops-automation", "ec2:DescribeInstances ec2:StartInstances ec2:StopInstances", 0.4, True), 1),
    ("e.larsson", "SecurityAudit", 0.7, "iam:ListUsers iam:GenerateCredentialReport iam:GetCredentialReport cloudtrail:LookupEvents guardduty:ListFindings s3:GetBucketPolicy", Chain("incident-response", "cloudtrail:LookupEvents ec2:DescribeInstances", 0.08, True), 1),
    ("a.fischer", "DeveloperAccess", 0.7, "lambda:ListFunctions20150331 logs:FilterLogEvents cloudwatch:GetMetricData dynamodb:DescribeTable", None, 1),
    ("j.tanaka", "DeveloperAccess", 0.7, "logs:FilterLogEvents sqs:GetQueueAttributes lambda:UpdateFunctionCode20150331v2 cloudwatch:GetMetricData", None, 2),
    ("s.rossi", "DeveloperAccess", 0.6, "dynamodb:DescribeTable logs:FilterLogEvents s3:ListBuckets ec2:RunInstances!", None, 1),
    ("f.weber", "DeveloperAccess", 0.5, "logs:FilterLogEvents cloudwatch:ListMetrics", None, 3),
    ("y.kim", "DeveloperAccess", 0.4, "sns:ListSubscriptionsByTopic logs:FilterLogEvents", None, 2),
    ("m.okafor", "DataEngineer", 0.7, "athena:StartQueryExecution athena:GetQueryExecution glue:GetTables s3:GetBucketLocation", None, 1),
    ("n.haddad", "DataEngineer", 0.6, "glue:GetTables athena:StartQueryExecution glue:GetJobRun", Chain("data-admin", "glue:GetTable s3:GetBucketPolicy lakeformation:ListPermissions", 0.25), 2),
    ("r.patel", "AdministratorAccess", 0.15, "organizations:ListAccounts iam:ListRoles ce:GetCostAndUsage", None, 9),
    ("o.berg", "ReadOnlyAccess", 0.3, _CONSOLE_READS, Chain("support-readonly", "ec2:DescribeInstances logs:DescribeLogGroups", 0.4), 4),
    ("l.nguyen", "SupportAccess", 0.4, "support:DescribeCases cloudwatch:ListMetrics", None, 1),
    ("c.moreau", "BillingAccess", 0.3, "ce:GetCostAndUsage budgets:ViewBudget", None, 3),
)  # fmt: skip

# user, rate, habit, until, region, mfa
_CONSOLE: tuple[tuple[str, float, str, int, str, bool], ...] = (
    ("ops-admin", 0.12, "iam:ListUsers ec2:DescribeInstances iam:GetUser", 2, "eu-central-1", True),
    ("c.moreau", 0.1, "ce:GetCostAndUsage budgets:ViewBudget", 5, "us-east-1", True),
    ("i.santos", 0.35, "athena:StartQueryExecution athena:GetQueryExecution glue:GetTables quicksight:ListDashboards", 2, "us-east-1", True),
    ("User1", 0.25, "athena:GetQueryExecution athena:StartQueryExecution s3:GetBucketLocation quicksight:ListDashboards", 4, "us-east-1", True),
    ("t.dubois", 0.3, "ec2:DescribeInstances lambda:ListFunctions20150331 kms:ListKeys", 3, "eu-west-1", True),
    ("s.rossi", 0.15, _CONSOLE_READS, 8, "eu-west-1", False),
    ("j.tanaka", 0.1, _CONSOLE_READS, 11, "ap-southeast-2", True),
    ("l.nguyen", 0.2, "support:DescribeCases ec2:DescribeInstances", 5, "us-east-1", True),
    ("intern-summer", 0.4, "logs:FilterLogEvents lambda:ListFunctions20150331 ec2:RunInstances!", 2, "eu-west-1", True),
    ("b.jones", 0.3, "logs:FilterLogEvents codecommit:GetRepository s3:ListBuckets!", 3, "eu-central-1", False),
)  # fmt: skip

# user, slot, sessions a day, habit, until, since, region, address
_KEYS: tuple[tuple[str, int, float, str, int, int, str, str], ...] = (
    ("deploy-bot", 9, 1.2, "ecs:UpdateService ecs:RegisterTaskDefinition ecs:DescribeServices ecr:GetAuthorizationToken", 9, 90, "eu-west-1", "52.95.110.14"),
    ("deploy-bot", 0, 1.2, "ecs:UpdateService ecs:RegisterTaskDefinition ecs:DescribeServices ecr:GetAuthorizationToken", 1, 7, "eu-west-1", "52.95.110.14"),
    ("ci-runner", 0, 2.0, "ecr:PutImage ecr:GetAuthorizationToken ecr:InitiateLayerUpload ecr:BatchGetImage", 1, 90, "eu-central-1", "52.95.110.77"),
    ("jenkins", 0, 0.6, "ec2:DescribeInstances s3:GetBucketAcl ec2:RunInstances ec2:TerminateInstances", 2, 90, "eu-central-1", "192.0.2.61"),
    ("jenkins", 1, 0.3, "ecr:BatchGetImage ec2:DescribeInstances", 24, 90, "eu-central-1", "192.0.2.61"),
    ("backup-agent", 0, 1.0, "ec2:CreateSnapshot ec2:DescribeVolumes kms:GenerateDataKey", 1, 90, "eu-central-1", "192.0.2.80"),
    ("grafana-reader", 0, 3.0, "cloudwatch:GetMetricData cloudwatch:ListMetrics", 1, 90, "eu-west-1", "192.0.2.90"),
    ("metrics-exporter", 0, 1.0, "cloudwatch:GetMetricData tag:GetResources ec2:DescribeRegions", 1, 90, "us-east-1", "192.0.2.91"),
    ("ses-smtp-mailer", 0, 0.2, "ses:GetSendQuota", 6, 90, "eu-west-1", "192.0.2.25"),
    ("es-snapshots", 0, 0.2, "s3:GetBucketLocation", 1, 90, "eu-west-1", "10.20.4.17"),
    ("data-export", 0, 0.8, "s3:GetObject kms:Decrypt", 1, 90, "eu-west-1", "10.20.8.33"),
    ("partner-upload", 0, 0.1, "s3:GetBucketLocation", 3, 90, "eu-west-1", "198.51.100.9"),
    ("vendor-datapeek", 0, 1.0, "cloudwatch:ListMetrics ec2:DescribeInstances rds:DescribeDBInstances lambda:ListFunctions20150331", 1, 90, "us-east-1", "198.51.100.130"),
    ("queue-relay", 1, 0.5, "sqs:GetQueueAttributes", 2, 90, "eu-west-1", "10.20.9.2"),
    ("kiosk-upload", 0, 0.5, "s3:GetBucketLocation", 1, 16, "ap-southeast-2", "203.0.113.150"),
    ("d.kowalski", 0, 0.12, "ec2:DescribeInstances s3:ListBuckets", 48, 90, "eu-central-1", "203.0.113.201"),
    ("User1", 0, 0.1, "athena:GetQueryExecution s3:GetBucketLocation", 19, 90, "us-east-1", "192.0.2.133"),
    ("ops-admin", 0, 0.1, "ec2:DescribeInstances iam:GetUser", 13, 90, "eu-central-1", "192.0.2.30"),
    ("p.novak", 0, 0.15, "ec2:DescribeInstances", 4, 90, "eu-west-1", "192.0.2.44"),
    ("a.fischer", 0, 0.3, "logs:FilterLogEvents lambda:ListFunctions20150331", 2, 75, "eu-west-1", "192.0.2.52"),
    ("m.okafor", 0, 0.2, "glue:GetTables s3:GetBucketLocation", 5, 90, "us-east-1", "192.0.2.53"),
    ("s.rossi", 0, 0.05, "lambda:ListFunctions20150331", 67, 90, "eu-west-1", "192.0.2.54"),
    ("s.rossi", 1, 0.2, "lambda:ListFunctions20150331", 3, 63, "eu-west-1", "192.0.2.54"),
    ("t.dubois", 0, 0.2, "kms:ListKeys lambda:ListFunctions20150331", 6, 56, "eu-west-1", "192.0.2.55"),
)  # fmt: skip

_LAMBDA = "logs:CreateLogStream"
# role, service, rate, habit, until, region, fewest and most calls
_SERVICES: tuple[tuple[str, str, float, str, int, str], ...] = (
    ("web-prod", "ec2", 2.2, "ssm:UpdateInstanceInformation ec2:DescribeTags", 1, "eu-west-1"),
    ("web-staging", "ec2", 0.7, "ssm:UpdateInstanceInformation", 1, "eu-west-1"),
    ("api-prod", "ec2", 2.2, "ssm:GetParameters secretsmanager:GetSecretValue kms:Decrypt ssm:UpdateInstanceInformation", 1, "eu-west-1"),
    ("api-staging", "ec2", 0.7, "secretsmanager:GetSecretValue ssm:UpdateInstanceInformation", 1, "eu-west-1"),
    ("batch-worker", "ec2", 1.0, "sqs:GetQueueAttributes s3:GetBucketLocation", 1, "eu-west-1"),
    ("bastion", "ec2", 0.3, "ssm:UpdateInstanceInformation", 2, "eu-central-1"),
    ("jenkins-agent", "ec2", 0.8, "ec2:DescribeInstances ecr:BatchGetImage", 1, "eu-central-1"),
    ("kafka-prod", "ec2", 1.0, "ssm:UpdateInstanceInformation ec2:DescribeVolumes", 1, "eu-west-1"),
    ("eks-node-prod", "ec2", 2.5, "ec2:DescribeInstances ec2:CreateNetworkInterface ecr:BatchGetImage eks:DescribeCluster", 1, "eu-west-1"),
    ("eks-node-staging", "ec2", 0.6, "ec2:DescribeInstances ecr:BatchGetImage", 1, "eu-west-1"),
    ("vpn-gateway", "ec2", 0.4, "ec2:DescribeInstances", 1, "ap-southeast-2"),
    ("inventory-scanner", "ec2", 1.0, "ec2:DescribeInstances", 1, "eu-central-1"),
    ("shop-checkout-task", "ecs-tasks", 1.6, "secretsmanager:GetSecretValue kms:Decrypt dynamodb:DescribeTable", 1, "eu-west-1"),
    ("shop-catalog-task", "ecs-tasks", 1.2, "s3:GetBucketLocation", 1, "eu-west-1"),
    ("shop-cart-task", "ecs-tasks", 1.2, "dynamodb:DescribeTable", 1, "eu-west-1"),
    ("shop-search-task", "ecs-tasks", 0.8, "ssm:GetParameters", 1, "eu-west-1"),
    ("shop-account-task", "ecs-tasks", 1.0, "secretsmanager:GetSecretValue ssm:GetParameter", 1, "eu-west-1"),
    ("shop-reviews-task", "ecs-tasks", 0.6, "dynamodb:DescribeTable", 1, "eu-west-1"),
    ("shop-pricing-task", "ecs-tasks", 0.7, "ssm:GetParameters sqs:GetQueueAttributes", 1, "eu-west-1"),
    ("shop-recommend-task", "ecs-tasks", 0.6, "bedrock:InvokeModel", 1, "us-east-1"),
    ("payments-task", "ecs-tasks", 1.8, "kms:Decrypt kms:GenerateDataKey secretsmanager:GetSecretValue", 1, "eu-west-1"),
    ("payments-settle-task", "ecs-tasks", 0.5, "kms:Decrypt", 1, "eu-west-1"),
    ("notify-task", "ecs-tasks", 0.8, "sqs:GetQueueAttributes", 1, "eu-west-1"),
    ("fraud-task", "ecs-tasks", 0.5, "sagemaker:DescribeEndpoint sqs:GetQueueAttributes", 1, "eu-west-1"),
    ("image-resize", "lambda", 1.4, _LAMBDA, 1, "eu-west-1"),
    ("order-events", "lambda", 1.4, f"{_LAMBDA} ec2:CreateNetworkInterface", 1, "eu-west-1"),
    ("invoice-pdf", "lambda", 0.8, f"{_LAMBDA} dynamodb:DescribeTable", 1, "eu-west-1"),
    ("cart-cleanup", "lambda", 1.0, f"{_LAMBDA} dynamodb:DescribeTable", 1, "eu-west-1"),
    ("stock-sync", "lambda", 1.0, f"secretsmanager:GetSecretValue {_LAMBDA} ec2:CreateNetworkInterface", 1, "eu-west-1"),
    ("price-import", "lambda", 0.5, f"ssm:GetParameter {_LAMBDA}", 1, "eu-west-1"),
    ("mail-bounce", "lambda", 0.2, _LAMBDA, 3, "eu-west-1"),
    ("webhook-paywise", "lambda", 0.8, f"kms:Decrypt {_LAMBDA}", 1, "eu-west-1"),
    ("slack-alerts", "lambda", 0.6, f"ssm:GetParameter {_LAMBDA}", 1, "eu-west-1"),
    ("cert-renewal", "lambda", 0.05, f"acm:ListCertificates {_LAMBDA}", 18, "us-east-1"),
    ("log-forwarder", "lambda", 1.0, f"logs:FilterLogEvents {_LAMBDA}", 1, "eu-west-1"),
    ("snapshot-pruner", "lambda", 1.0, "ec2:DescribeSnapshots ec2:DeleteSnapshot", 1, "eu-central-1"),
    ("tag-enforcer", "lambda", 1.0, "ec2:DescribeInstances ec2:CreateTags ec2:DescribeVolumes", 1, "eu-central-1"),
    ("search-indexer", "lambda", 1.0, f"sqs:GetQueueAttributes {_LAMBDA}", 1, "eu-west-1"),
    ("review-moderation", "lambda", 0.4, f"bedrock:InvokeModel {_LAMBDA}", 1, "us-east-1"),
    ("loyalty-points", "lambda", 0.5, _LAMBDA, 1, "ap-southeast-2"),
    ("export-trigger", "lambda", 1.0, "glue:StartJobRun kms:Decrypt", 1, "eu-west-1"),
    ("geo-lookup", "lambda", 0.3, _LAMBDA, 34, "ap-southeast-2"),
    ("beta-signup", "lambda", 0.03, _LAMBDA, 62, "us-east-1"),
    ("ecsTaskExecutionRole", "ecs-tasks", 2.4, "ecr:GetAuthorizationToken ecr:BatchGetImage logs:CreateLogStream secretsmanager:GetSecretValue", 1, "eu-west-1"),
    ("eks-cluster-prod", "eks", 1.2, "ec2:DescribeInstances autoscaling:DescribeAutoScalingGroups", 1, "eu-west-1"),
    ("data-pipeline", "glue", 1.0, "s3:GetObject glue:GetTable s3:PutObject kms:GenerateDataKey", 1, "eu-west-1"),
    ("glue-catalogue", "glue", 0.6, "glue:GetTables s3:GetBucketLocation", 1, "us-east-1"),
    ("sagemaker-notebooks", "sagemaker", 0.2, "ecr:BatchGetImage s3:GetBucketLocation", 6, "us-east-1"),
    ("athena-reports", "states", 0.5, "athena:StartQueryExecution athena:GetQueryExecution", 1, "us-east-1"),
    ("step-functions-orders", "states", 1.0, "sqs:GetQueueAttributes", 1, "eu-west-1"),
    ("backup-service", "backup", 1.0, "ec2:CreateSnapshot rds:CreateDBSnapshot tag:GetResources", 1, "eu-central-1"),
    ("config-recorder", "config", 1.6, "ec2:DescribeInstances iam:GetRole s3:GetBucketAcl iam:ListRoles", 1, "us-east-1"),
    ("rds-monitoring", "monitoring.rds", 0.4, "logs:CreateLogStream", 1, "eu-west-1"),
    ("cloudtrail-to-logs", "cloudtrail", 1.0, "logs:CreateLogStream", 1, "us-east-1"),
    ("vpc-flow-logs", "vpc-flow-logs", 1.0, "logs:CreateLogStream logs:DescribeLogGroups", 1, "eu-central-1"),
    ("eventbridge-invoke", "events", 0.5, "states:StartExecution!", 1, "eu-west-1"),
    ("apigateway-logs", "apigateway", 0.2, "logs:CreateLogStream", 2, "eu-west-1"),
    ("cloudformation-exec", "cloudformation", 0.4, "ecs:UpdateService ecs:DescribeServices lambda:UpdateFunctionCode20150331v2", 1, "eu-west-1"),
    ("codepipeline-shop", "codepipeline", 0.4, "cloudformation:DescribeStacks cloudformation:UpdateStack", 1, "eu-west-1"),
    ("codebuild-shop", "codebuild", 0.4, "logs:CreateLogStream ecr:BatchGetImage", 1, "eu-west-1"),
    ("shop-returns-task", "ecs-tasks", 1.0, "ssm:GetParameters", 1, "eu-west-1"),
)  # fmt: skip

_LINKED = {
    "autoscaling": "ec2:DescribeInstances ec2:RunInstances ec2:TerminateInstances",
    "elasticloadbalancing": "ec2:DescribeSecurityGroups ec2:DescribeNetworkInterfaces",
    "ecs": "ec2:DescribeInstances elasticloadbalancing:RegisterTargets",
    "rds": "ec2:DescribeSecurityGroups",
    "eks": "ec2:DescribeInstances ec2:DescribeSubnets",
    "config": "ec2:DescribeVolumes s3:GetBucketPolicy iam:ListUsers config:PutEvaluations",
    "guardduty": "ec2:DescribeInstances",
    "inspector2": "ec2:DescribeInstances lambda:ListFunctions20150331",
    "access-analyzer": "iam:ListRoles s3:GetBucketPolicy s3:GetBucketAcl iam:GetRole",
    "sso": "iam:GetRole iam:ListAttachedRolePolicies",
    "organizations": "iam:GetRole",
    "cloudtrail": "organizations:DescribeOrganization",
    "trustedadvisor": "ec2:DescribeSecurityGroups iam:GetAccountSummary s3:GetBucketAcl rds:DescribeDBInstances",
    "support": "ec2:DescribeInstances",
    "backup": "ec2:DescribeSnapshots",
}

_FOREIGN: tuple[tuple[str, str, str, float, str, int, str, str], ...] = (
    ("audit", SECURITY, "prowler-nightly", 1.0, "iam:ListUsers iam:ListRoles iam:GetRole s3:GetBucketPolicy ec2:DescribeSecurityGroups kms:ListKeys", 1, "eu-central-1", "10.60.1.12"),
    ("audit-external", PAYWISE, "yearly-audit", 0.04, "iam:ListRoles iam:ListUsers", 51, "us-east-1", "198.51.100.66"),
    ("vendor-datapeek", DATAPEEK, "datapeek-collector", 1.0, "cloudwatch:ListMetrics ec2:DescribeInstances rds:DescribeDBInstances s3:ListBuckets lambda:ListFunctions20150331", 1, "us-east-1", "198.51.100.131"),
    ("vendor-paywise", PAYWISE, "settlement", 0.3, "kms:Decrypt", 2, "eu-west-1", "198.51.100.70"),
    ("partner-ingest", PARTNER, "ingest", 0.15, "s3:GetBucketLocation", 7, "eu-west-1", "203.0.113.40"),
    ("backup-cross-account", SECURITY, "backup-central", 0.3, "kms:GenerateDataKey ec2:CreateSnapshot", 1, "eu-central-1", "10.60.3.4"),
    ("dev-promote", "345678901234", "promote", 0.2, "s3:GetBucketLocation", 4, "eu-central-1", "52.95.110.200"),
)  # fmt: skip

_PIPELINES: tuple[tuple[str, str, float, str, int, str], ...] = (
    ("ci-deploy", "repo:acme/shop:ref:refs/heads/main", 1.4, "ecs:UpdateService ecs:RegisterTaskDefinition ecr:GetAuthorizationToken ecs:DescribeServices cloudformation:DescribeStacks", 1, "eu-west-1"),
    ("ci-terraform", "repo:acme/infrastructure:ref:refs/heads/main", 0.8, "ec2:DescribeVpcs iam:GetRole iam:ListAttachedRolePolicies rds:DescribeDBInstances dynamodb:DescribeTable s3:GetBucketPolicy", 1, "eu-central-1"),
    ("ci-mobile", "repo:acme/mobile:environment:release", 0.15, "s3:GetBucketLocation", 6, "us-east-1"),
    ("ci-docs", "repo:acme/docs:ref:refs/heads/main", 0.3, "cloudfront:CreateInvalidation s3:GetBucketLocation", 2, "us-east-1"),
    ("ci-security-scan", "repo:acme/shop:pull_request", 0.5, "iam:ListRoles iam:GetRole ec2:DescribeSecurityGroups", 1, "us-east-1"),
)  # fmt: skip


def all_works() -> tuple[Work, ...]:
    return tuple(_works())


def _works() -> Iterator[Work]:
    for name, service, rate, habit, until, region in _SERVICES:
        since = 1 if name == "shop-returns-task" else 90
        hours = (16, 21) if since == 1 else (1, 4) if name in ("inventory-scanner", "backup-service", "snapshot-pruner") else (0, 23)
        yield Work(name, By.SERVICE, habit, (1, 5), rate * 0.48, until, since, hours, region=region, detail=service)
    for service, habit in _LINKED.items():
        role = f"AWSServiceRoleFor{SERVICE_LINKED[service][0]}"
        until = 12 if service == "support" else 1
        yield Work(role, By.LINKED, habit, (1, 3), 0.5, until, region="us-east-1" if "iam:" in habit else "eu-west-1", detail=service)
    for number, (person, permission_set, rate, habit, chain, until) in enumerate(_PEOPLE):
        detail = f"{person}@acme.example"
        role = sso_role(permission_set)
        ip = f"{OFFICE}{70 + number}"
        yield Work(
            role, By.CENTER, habit, (2, 7), rate, until, 90, (7, 16), True, "eu-west-1", ("eu-central-1",), detail, ip=ip, chain=chain
        )
    for number, (user, rate, habit, until, region, mfa) in enumerate(_CONSOLE):
        since = {"intern-summer": 32, "b.jones": 53}.get(user, 90)
        ip = f"{OFFICE}{110 + number}"
        yield Work(user, By.CONSOLE, habit, (2, 5), rate, until, since, (7, 15), True, region, ip=ip, mfa=mfa)
    for user, slot, rate, habit, until, since, region, ip in _KEYS:
        chain = Chain("test-migration", "ec2:DescribeInstances rds:DescribeDBInstances", 0.5) if user == "d.kowalski" else None
        hours = (7, 17) if "." in user or user == "User1" else (0, 23)
        yield Work(user, By.KEY, habit, (1, 3), rate, until, since, hours, False, region, slot=slot, ip=ip, chain=chain)
    for role, account, session, rate, habit, until, region, ip in _FOREIGN:
        hours = (2, 3) if role == "audit" else (0, 23)
        calls = (5, 9) if role == "audit" else (1, 4)
        yield Work(role, By.FOREIGN, habit, calls, rate, until, 90, hours, False, region, detail=f"{account}/{session}", ip=ip)
    for role, subject, rate, habit, until, region in _PIPELINES:
        yield Work(role, By.PIPELINE, habit, (3, 7), rate, until, 90, (7, 18), False, region, detail=subject, ip="20.84.13.7")
