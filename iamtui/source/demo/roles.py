"""Roles of the demo account, in the families an organisation has."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from .grammar import (
    ACCOUNT,
    DATAPEEK,
    DEVELOPMENT,
    INTRUDER,
    MANAGEMENT,
    PARTNER,
    PAYWISE,
    SECURITY,
    SSO_REGION,
    Document,
    allow,
    deny,
    policy,
    role_arn,
    trust_aws,
    trust_github,
    trust_service,
    trust_sso,
)


class Role(msgspec.Struct, frozen=True):
    """used: age in days of the last use when it lies before the demo's events; None for never (or as the events tell)."""

    name: str
    age: int
    trust: Document
    attached: str = ""
    inline: dict[str, Document] = {}
    path: str = "/"
    boundary: str = ""
    description: str = ""
    tags: str = ""
    used: int | None = None
    region: str = ""
    profile: bool = False
    second: int = 33_120
    max_session: int = 3600


SSO_SETS = {
    "AdministratorAccess": ("8f3c1d20b7a94e65", "AdministratorAccess", 43200),
    "PlatformAdmin": ("1b7e94d3c02f8a56", "PowerUserAccess IAMReadOnlyAccess", 28800),
    "DeveloperAccess": ("c4a06f218e5d93b7", "developer-base ViewOnlyAccess", 28800),
    "DataEngineer": ("72d85e0b1f9c3a46", "data-lake-access glue-developer AmazonAthenaFullAccess", 28800),
    "ReadOnlyAccess": ("e95b30c7d1842f6a", "ReadOnlyAccess", 28800),
    "SecurityAudit": ("3f6d0a92c85be147", "SecurityAudit", 28800),
    "BillingAccess": ("a20c7f5e3d9164b8", "Billing", 28800),
    "SupportAccess": ("5d91b8e4f07a2c63", "SupportUser", 14400),
}

_MAY_ASSUME = {"DataEngineer": "data-admin", "ReadOnlyAccess": "support-readonly", "SecurityAudit": "incident-response"}

# service: (role suffix, AWS policy, actions)
SERVICE_LINKED = {
    "autoscaling": ("AutoScaling", "AutoScalingServiceRolePolicy", "ec2:RunInstances ec2:TerminateInstances ec2:Describe*"),
    "elasticloadbalancing": (
        "ElasticLoadBalancing",
        "AWSElasticLoadBalancingServiceRolePolicy",
        "ec2:Describe* ec2:CreateNetworkInterface",
    ),
    "ecs": ("ECS", "AmazonECSServiceRolePolicy", "ec2:Describe* elasticloadbalancing:RegisterTargets logs:CreateLogStream"),
    "rds": ("RDS", "AmazonRDSServiceRolePolicy", "ec2:Describe* ec2:CreateNetworkInterface sns:Publish"),
    "eks": ("AmazonEKS", "AmazonEKSServiceRolePolicy", "ec2:Describe* ec2:CreateNetworkInterface"),
    "config": ("Config", "AWSConfigServiceRolePolicy", "config:Put* ec2:Describe* iam:Get* iam:List* s3:GetBucket*"),
    "guardduty": ("AmazonGuardDuty", "AmazonGuardDutyServiceRolePolicy", "ec2:Describe* organizations:List*"),
    "inspector2": ("AmazonInspector2", "AmazonInspector2ServiceRolePolicy", "ec2:Describe* ecr:BatchGet* lambda:GetFunction lambda:List*"),
    "access-analyzer": ("AccessAnalyzer", "AccessAnalyzerServiceRolePolicy", "iam:Get* iam:List* s3:GetBucket* kms:GetKeyPolicy"),
    "sso": ("SSO", "AWSSSOServiceRolePolicy", "iam:*Role* iam:*SAMLProvider* sso:*"),
    "organizations": ("Organizations", "AWSOrganizationsServiceTrustPolicy", "iam:DeleteRole iam:GetRole"),
    "cloudtrail": ("CloudTrail", "CloudTrailServiceRolePolicy", "cloudtrail:* organizations:Describe*"),
    "trustedadvisor": ("TrustedAdvisor", "AWSTrustedAdvisorServiceRolePolicy", "ec2:Describe* iam:Get* rds:Describe* s3:GetBucket*"),
    "support": ("Support", "AWSSupportServiceRolePolicy", "ec2:Describe* s3:GetBucket* iam:List*"),
    "backup": ("Backup", "AWSBackupServiceLinkedRolePolicyForBackup", "backup:* ec2:DescribeSnapshots rds:Describe*"),
    "spot": ("EC2Spot", "AWSEC2SpotServiceRolePolicy", "ec2:Describe* ec2:RunInstances"),
}


def sso_role(permission_set: str) -> str:
    return f"AWSReservedSSO_{permission_set}_{SSO_SETS[permission_set][0]}"


def _sso() -> Iterator[Role]:
    path = f"/aws-reserved/sso.amazonaws.com/{SSO_REGION}/"
    for age, (name, (_, attached, seconds)) in enumerate(SSO_SETS.items(), 740):
        inline = {"AwsSSOInlinePolicy": policy(allow("sts:AssumeRole", role_arn(_MAY_ASSUME[name])))} if name in _MAY_ASSUME else {}
        yield Role(sso_role(name), age, trust_sso(), attached, inline, path=path, description=f"{name} permission set", max_session=seconds)


def _service_linked() -> Iterator[Role]:
    for age, (service, (suffix, attached, _)) in enumerate(SERVICE_LINKED.items(), 1101):
        yield Role(
            f"AWSServiceRoleFor{suffix}",
            age,
            trust_service(service),
            attached,
            path=f"/aws-service-role/{service}.amazonaws.com/",
            used=None if service == "spot" else 0,
        )


_ROOT = f"arn:aws:iam::{ACCOUNT}:root"
_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
_SSO_ADMIN = role_arn(sso_role("PlatformAdmin"), f"/aws-reserved/sso.amazonaws.com/{SSO_REGION}/")

_PEOPLE = (
    Role(
        "iam-admin",
        720,
        trust_aws(_SSO_ADMIN, "sts:AssumeRole sts:SetSourceIdentity"),
        "iam-admin-access deny-audit-tampering",
        description="Changes to identity",
    ),
    Role(
        "ops-automation",
        600,
        trust_aws(f"{_SSO_ADMIN} {role_arn('prod-operator')}", "sts:AssumeRole sts:TagSession"),
        "ops-base prod-operator-access",
    ),
    Role("prod-operator", 610, trust_aws(_ROOT, Bool=_MFA["Bool"]), "prod-operator-access deny-other-regions", max_session=7200),
    Role(
        "data-admin",
        388,
        trust_aws(_ROOT, StringLike={"aws:PrincipalTag/team": "data"}),
        "data-lake-admin",
        {
            "manage-lake-policies": policy(
                allow(
                    "iam:CreatePolicyVersion iam:SetDefaultPolicyVersion iam:DeletePolicyVersion iam:PutRolePolicy",
                    "arn:aws:iam::123456789012:policy/data-* arn:aws:iam::123456789012:role/*",
                )
            )
        },
    ),
    Role("db-admin", 600, trust_aws(_ROOT, Bool=_MFA["Bool"]), "db-admin-access"),
    Role("network-admin", 590, trust_aws(_ROOT, Bool=_MFA["Bool"]), "network-admin-access"),
    Role(
        "incident-response",
        330,
        trust_aws(_ROOT, Bool=_MFA["Bool"]),
        "incident-response-access deny-audit-tampering",
        description="On call only",
    ),
    Role(
        "break-glass-admin",
        1199,
        trust_aws(f"arn:aws:iam::{ACCOUNT}:user/break-glass/break-glass-1 arn:aws:iam::{ACCOUNT}:user/break-glass/break-glass-2"),
        "AdministratorAccess",
        used=365,
        region="us-east-1",
    ),
    Role("support-readonly", 640, trust_aws(f"{_ROOT} arn:aws:iam::{INTRUDER}:root"), "ReadOnlyAccess", description="For the support desk"),
    Role("customer-exports-reader", 300, trust_aws(_ROOT), "customer-exports-read", description="Reads exports for support cases"),
)

_CROSS = (
    Role(
        "audit",
        700,
        trust_aws(f"arn:aws:iam::{SECURITY}:root"),
        "SecurityAudit",
        {"no-content": policy(deny("s3:GetObject secretsmanager:GetSecretValue ssm:GetParameter*"))},
        description="Security account looks at configuration",
        tags="owner=security",
    ),
    Role(
        "audit-external",
        260,
        trust_aws(f"arn:aws:iam::{PAYWISE}:root", StringEquals={"sts:ExternalId": "acme-audit-7731"}),
        "SecurityAudit",
        description="Yearly external audit",
    ),
    Role(
        "vendor-datapeek",
        420,
        trust_aws(f"arn:aws:iam::{DATAPEEK}:root"),
        "datapeek-integration",
        description="Monitoring vendor; no external id",
    ),
    Role(
        "vendor-paywise",
        350,
        trust_aws(f"arn:aws:iam::{PAYWISE}:role/settlement", StringEquals={"sts:ExternalId": "pw-acme-20418"}),
        "paywise-settlement",
    ),
    Role("partner-ingest", 250, trust_aws(f"arn:aws:iam::{PARTNER}:root"), "partner-upload-write"),
    Role(
        "legacy-open",
        1210,
        policy(
            {
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": "acme"}},
            }
        ),
        "AmazonS3ReadOnlyAccess",
        used=133,
        region="us-east-1",
    ),
    Role("backup-cross-account", 480, trust_aws(f"arn:aws:iam::{SECURITY}:role/backup-central"), "backup-write"),
    Role("dev-promote", 410, trust_aws(f"arn:aws:iam::{DEVELOPMENT}:role/ci-deploy"), "developer-s3-artifacts"),
    Role(
        "OrganizationAccountAccessRole",
        1500,
        trust_aws(f"arn:aws:iam::{MANAGEMENT}:root"),
        "AdministratorAccess",
        used=201,
        region="us-east-1",
    ),
    Role("AWSControlTowerExecution", 1490, trust_aws(f"arn:aws:iam::{MANAGEMENT}:root"), "AdministratorAccess"),
    Role(
        "stacksets-exec-7c1fd26ab390",
        1300,
        trust_aws(
            f"arn:aws:iam::{MANAGEMENT}:role/aws-service-role/stacksets.cloudformation.amazonaws.com/AWSServiceRoleForCloudFormationStackSetsOrgAdmin"
        ),
        "AdministratorAccess",
    ),
)

_PIPELINES = (
    Role(
        "ci-deploy",
        520,
        trust_github("repo:acme/shop:ref:refs/heads/main"),
        "deploy-base",
        boundary="ci-boundary",
        description="GitHub Actions: shop, main branch",
        tags="team=platform",
    ),
    Role(
        "ci-terraform",
        515,
        trust_github("repo:acme/*", "StringLike"),
        "terraform-apply terraform-state",
        description="GitHub Actions: any repository of acme",
    ),
    Role("ci-mobile", 300, trust_github("repo:acme/mobile:environment:release"), "developer-s3-artifacts", boundary="ci-boundary"),
    Role(
        "ci-docs",
        280,
        trust_github("repo:acme/docs:ref:refs/heads/main"),
        inline={
            "publish": policy(
                allow("s3:PutObject s3:DeleteObject s3:ListBucket s3:GetBucketLocation", "arn:aws:s3:::acme-docs arn:aws:s3:::acme-docs/*"),
                allow("cloudfront:CreateInvalidation"),
            )
        },
        boundary="ci-boundary",
    ),
    Role("ci-security-scan", 190, trust_github("repo:acme/*:pull_request", "StringLike"), "SecurityAudit"),
    Role("cloudformation-exec", 690, trust_service("cloudformation"), "terraform-apply"),
    Role("codepipeline-shop", 470, trust_service("codepipeline"), "deploy-base"),
    Role(
        "codebuild-shop",
        470,
        trust_service("codebuild"),
        "developer-s3-artifacts AmazonEC2ContainerRegistryReadOnly",
        {"write-logs": policy(allow("logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents"))},
        path="/service-role/",
    ),
)

# name, age, attached
_EC2 = (
    ("web-prod", 640, "AmazonSSMManagedInstanceCore CloudWatchAgentServerPolicy shop-media-read"),
    ("web-staging", 640, "AmazonSSMManagedInstanceCore shop-media-read"),
    ("api-prod", 620, "AmazonSSMManagedInstanceCore CloudWatchAgentServerPolicy shop-secrets-read parameters-read"),
    ("api-staging", 620, "AmazonSSMManagedInstanceCore shop-secrets-read"),
    ("batch-worker", 500, "queue-workers AmazonS3FullAccess"),
    ("bastion", 900, "AmazonSSMManagedInstanceCore"),
    ("jenkins-agent", 1400, "PowerUserAccess"),
    ("kafka-prod", 430, "AmazonSSMManagedInstanceCore CloudWatchAgentServerPolicy"),
    ("eks-node-prod", 360, "AmazonEKSWorkerNodePolicy AmazonEKS_CNI_Policy AmazonEC2ContainerRegistryReadOnly"),
    ("eks-node-staging", 360, "AmazonEKSWorkerNodePolicy AmazonEKS_CNI_Policy AmazonEC2ContainerRegistryReadOnly"),
    ("vpn-gateway", 1100, "AmazonEC2ReadOnlyAccess"),
    ("inventory-scanner", 270, "inventory-scan"),
)
_ECS = (
    ("shop-checkout-task", 440, "shop-orders-table shop-events-publish shop-secrets-read"),
    ("shop-catalog-task", 440, "shop-media-read shop-search-index"),
    ("shop-cart-task", 440, "shop-carts-table shop-events-publish"),
    ("shop-search-task", 390, "shop-search-index parameters-read"),
    ("shop-account-task", 430, "shop-secrets-read parameters-read"),
    ("shop-reviews-task", 260, "AmazonDynamoDBReadOnlyAccess"),
    ("shop-pricing-task", 310, "parameters-read shop-events-consume"),
    ("shop-recommend-task", 210, "bedrock-invoke shop-media-read"),
    ("payments-task", 380, "payments-kms shop-secrets-read shop-orders-table"),
    ("payments-settle-task", 380, "payments-kms paywise-settlement"),
    ("notify-task", 400, "shop-events-consume ses-send"),
    ("fraud-task", 330, "sagemaker-training shop-events-consume"),
)
_LAMBDA = (
    ("image-resize", 520, "shop-media-write"),
    ("order-events", 450, "shop-events-consume shop-events-publish"),
    ("invoice-pdf", 410, "shop-orders-table shop-media-write"),
    ("cart-cleanup", 430, "shop-carts-table"),
    ("stock-sync", 370, "shop-secrets-read"),
    ("price-import", 365, "parameters-read"),
    ("mail-bounce", 355, "shop-events-consume"),
    ("webhook-paywise", 350, "payments-kms"),
    ("slack-alerts", 340, "parameters-read"),
    ("cert-renewal", 335, ""),
    ("log-forwarder", 330, ""),
    ("snapshot-pruner", 320, ""),
    ("tag-enforcer", 240, "AmazonEC2ReadOnlyAccess"),
    ("search-indexer", 390, "shop-search-index AWSLambdaSQSQueueExecutionRole"),
    ("review-moderation", 230, "bedrock-invoke"),
    ("loyalty-points", 200, "shop-orders-table"),
    ("export-trigger", 300, "pipeline-exports"),
    ("gdpr-delete", 295, "shop-orders-table shop-carts-table"),
    ("geo-lookup", 275, ""),
    ("thumbnail-old", 700, "shop-media-write"),
    ("beta-signup", 560, "AmazonSESFullAccess"),
)
_PLATFORM = (
    ("ecsTaskExecutionRole", 450, "ecs-tasks", "AmazonECSTaskExecutionRolePolicy shop-secrets-read", "/"),
    ("eks-cluster-prod", 360, "eks", "AmazonEKSClusterPolicy", "/"),
    ("data-pipeline", 310, "glue", "AWSGlueServiceRole pipeline-exports", "/"),
    ("glue-catalogue", 305, "glue", "AWSGlueServiceRole data-lake-access", "/"),
    ("sagemaker-notebooks", 220, "sagemaker", "AmazonSageMakerFullAccess", "/service-role/"),
    ("athena-reports", 210, "states", "analyst-queries", "/service-role/"),
    ("step-functions-orders", 440, "states", "queue-workers", "/service-role/"),
    ("rds-monitoring", 600, "monitoring.rds", "AmazonRDSEnhancedMonitoringRole", "/"),
    ("backup-service", 480, "backup", "AWSBackupServiceRolePolicyForBackup", "/service-role/"),
    ("config-recorder", 1100, "config", "AWS_ConfigRole", "/"),
    ("cloudtrail-to-logs", 1100, "cloudtrail", "", "/"),
    ("vpc-flow-logs", 900, "vpc-flow-logs", "", "/"),
    ("firehose-clicks", 650, "firehose", "unused-kinesis-writer", "/service-role/"),
    ("eventbridge-invoke", 330, "events", "queue-workers", "/service-role/"),
    ("apigateway-logs", 700, "apigateway", "", "/"),
    ("dms-vpc-role", 800, "dms", "", "/"),
)

_ODDITIES = (
    Role(
        "test-migration",
        183,
        trust_aws(_ROOT),
        "AdministratorAccess migration-everything",
        description="test role for the migration",
        tags="owner=d.kowalski",
    ),
    Role("test-loadgen", 150, trust_service("ec2"), "loadgen-everything-but-iam", profile=True, used=118, region="eu-west-1"),
    Role("poc-bedrock", 95, trust_service("lambda"), "bedrock-invoke AmazonBedrockReadOnly"),
    Role(
        "sandbox-d.kowalski", 640, trust_aws(f"arn:aws:iam::{ACCOUNT}:user/d.kowalski"), "PowerUserAccess", used=131, region="eu-central-1"
    ),
    Role("old-reporting", 980, trust_service("redshift"), "old-reporting-redshift"),
    Role("mongo-backup-old", 1150, trust_service("ec2"), "AmazonS3FullAccess", profile=True),
    Role("kinesis-clicks-old", 650, trust_service("kinesisanalytics"), "unused-kinesis-writer", used=310, region="eu-west-1"),
    Role("shop-returns-task", 1, trust_service("ecs-tasks"), "shop-orders-table parameters-read", description="new service", second=50_940),
    Role(
        "shop-returns-refund", 1, trust_service("lambda"), "AWSLambdaBasicExecutionRole payments-kms", path="/service-role/", second=51_003
    ),
    Role(
        "eks-irsa-autoscaler",
        355,
        _irsa := policy(
            {
                "Effect": "Allow",
                "Principal": {
                    "Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E"
                },
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {
                        "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E:sub": "system:serviceaccount:kube-system:cluster-autoscaler"
                    }
                },
            }
        ),
        "eks-autoscaler",
    ),
    Role("eks-irsa-external-dns", 355, _irsa, "eks-external-dns"),
)

_LOGS = policy(allow("logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents logs:DescribeLogGroups logs:DescribeLogStreams"))
_INLINE: dict[str, dict[str, Document]] = {
    "cloudtrail-to-logs": {"write-logs": _LOGS},
    "vpc-flow-logs": {"write-logs": _LOGS},
    "apigateway-logs": {"write-logs": _LOGS},
    "dms-vpc-role": {"network": policy(allow("ec2:CreateNetworkInterface ec2:Describe* ec2:DeleteNetworkInterface ec2:ModifyNetworkInterfaceAttribute"))},
    "log-forwarder": {"read-logs": policy(allow("logs:FilterLogEvents logs:GetLogEvents", f"arn:aws:logs:*:{ACCOUNT}:log-group:/aws/*"))},
    "snapshot-pruner": {"snapshots": policy(allow("ec2:DescribeSnapshots"), allow("ec2:DeleteSnapshot", Condition={"StringEquals": {"aws:ResourceTag/keep": "no"}}))},
    "cert-renewal": {"certificates": policy(allow("acm:ListCertificates acm:DescribeCertificate acm:RenewCertificate"))},
    "geo-lookup": {"location": policy(allow("geo:SearchPlaceIndexForText", f"arn:aws:geo:eu-west-1:{ACCOUNT}:place-index/shop"))},
    "image-resize": {"temporary-fix": policy(allow("*", Sid="TemporaryFix"))},
    "shop-search-task": {"debug-shell": policy(allow("ssmmessages:CreateControlChannel ssmmessages:CreateDataChannel ssmmessages:OpenControlChannel ssmmessages:OpenDataChannel"))},
    "tag-enforcer": {"tag": policy(allow("ec2:CreateTags tag:TagResources", Condition={"Null": {"aws:RequestTag/owner": "false"}}))},
}  # fmt: skip


def _services() -> Iterator[Role]:
    for name, age, attached in _EC2:
        yield Role(name, age, trust_service("ec2"), attached, _INLINE.get(name, {}), profile=True)
    for name, age, attached in _ECS:
        yield Role(
            name,
            age,
            trust_service("ecs-tasks"),
            attached,
            _INLINE.get(name, {}),
            tags="team=payments" if name.startswith("pay") else "team=shop",
        )
    for name, age, attached in _LAMBDA:
        vpc = name in ("stock-sync", "order-events", "invoice-pdf")
        base = "AWSLambdaVPCAccessExecutionRole" if vpc else "AWSLambdaBasicExecutionRole"
        boundary = "team-boundary" if age < 300 else ""
        used = {"thumbnail-old": 171, "gdpr-delete": None}.get(name)
        yield Role(
            name,
            age,
            trust_service("lambda"),
            f"{base} {attached}".strip(),
            _INLINE.get(name, {}),
            path="/service-role/",
            boundary=boundary,
            used=used,
            region="eu-west-1" if used else "",
        )
    for name, age, service, attached, path in _PLATFORM:
        yield Role(name, age, trust_service(service), attached, _INLINE.get(name, {}), path=path)


def all_roles() -> tuple[Role, ...]:
    return (*_PEOPLE, *_CROSS, *_PIPELINES, *_services(), *_ODDITIES, *_sso(), *_service_linked())
