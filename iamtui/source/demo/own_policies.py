"""The account's own (customer managed) policies. A row of several documents is a policy that was edited: oldest first."""

from __future__ import annotations

from typing import Any

import msgspec

from .grammar import ACCOUNT, INTRUDER, ORGANIZATION, REGIONS, Document, allow, deny, policy

_S3 = "arn:aws:s3:::"


class Own(msgspec.Struct, frozen=True):
    """versions: documents, oldest first, with the day each was made; the last one is the default unless `default` says else."""

    versions: tuple[tuple[int, int, Document], ...]  # (day, second of the day, document)
    path: str = "/"
    description: str = ""
    default: int = 0
    first: int = 1  # number of the oldest version still stored
    created: int = 0  # day, when older than the oldest stored version


def _one(day: int, *statements: Document, **more: Any) -> Own:
    return Own(((day, 36_000 + day % 7 * 1_980, policy(*statements)),), **more)


def _bucket(name: str) -> str:
    return f"{_S3}{name} {_S3}{name}/*"


_MFA: dict[str, Any] = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}  # long-term keys carry no such key: they pass
_GLUE_READ = "glue:GetDatabase glue:GetDatabases glue:GetTable glue:GetTables glue:GetPartitions"

_LAKE_V3 = policy(
    allow("s3:GetObject s3:ListBucket", _bucket("acme-data-lake"), Sid="ReadLake"),
    allow(_GLUE_READ, Sid="ReadCatalogue"),
    deny("s3:*", _bucket("acme-data-lake/pii"), Sid="KeepPersonalDataOut"),
)
_LAKE_V4 = policy(
    allow("s3:GetObject s3:ListBucket s3:PutObject", _bucket("acme-data-lake"), Sid="ReadLake"),
    allow(_GLUE_READ, Sid="ReadCatalogue"),
    deny("s3:*", _bucket("acme-data-lake/pii"), Sid="KeepPersonalDataOut"),
)
_LAKE_V5 = policy(
    allow("s3:*", _bucket("acme-data-lake") + " " + _bucket("acme-customer-exports"), Sid="ReadLake"),
    allow(_GLUE_READ + " iam:PassRole", Sid="ReadCatalogue"),
)
_LAKE_V6 = policy(
    allow("s3:GetObject s3:ListBucket s3:PutObject", _bucket("acme-data-lake"), Sid="ReadLake"),
    allow(_GLUE_READ + " iam:PassRole", Sid="ReadCatalogue"),
    deny("s3:*", _bucket("acme-data-lake/pii"), Sid="KeepPersonalDataOut"),
)

_SELF = "arn:aws:iam::*:user/${aws:username}"

OWN: dict[str, Own] = {
    # guard rails
    "team-boundary": Own(
        (
            (
                410,
                39_120,
                policy(
                    allow("*"),
                    deny("organizations:* account:*"),
                ),
            ),
            (
                190,
                50_400,
                policy(
                    {
                        "Sid": "EverythingButIdentity",
                        "Effect": "Allow",
                        "NotAction": ["iam:*", "organizations:*", "account:*"],
                        "Resource": "*",
                    },
                    allow("iam:Get* iam:List* iam:PassRole", Sid="LookAtIdentity"),
                    deny("iam:DeleteRolePermissionsBoundary iam:PutRolePermissionsBoundary", Sid="KeepBoundary"),
                ),
            ),
        ),
        path="/boundaries/",
        description="The most a team's own roles may do",
    ),
    "ci-boundary": _one(
        300,
        allow("cloudformation:* ecr:* ecs:* lambda:* s3:* ssm:GetParameter* iam:PassRole logs:* cloudfront:CreateInvalidation"),
        deny("iam:CreateUser iam:CreateAccessKey iam:CreateLoginProfile"),
        path="/boundaries/",
        description="The most a pipeline may do",
    ),
    "deny-other-regions": _one(
        700,
        {
            "Sid": "DenyOtherRegions",
            "Effect": "Deny",
            "NotAction": ["iam:*", "sts:*", "cloudfront:*", "route53:*", "support:*", "organizations:*", "budgets:*"],
            "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": list(REGIONS)}},
        },
    ),
    "require-mfa": Own(
        (
            (900, 33_000, policy(deny("*", **_MFA))),
            (
                620,
                51_300,
                policy(
                    {
                        "Sid": "DenyAllButOwnMfa",
                        "Effect": "Deny",
                        "NotAction": [
                            "iam:CreateVirtualMFADevice",
                            "iam:EnableMFADevice",
                            "iam:ListMFADevices",
                            "iam:GetUser",
                            "sts:GetSessionToken",
                        ],
                        "Resource": "*",
                        **_MFA,
                    }
                ),
            ),
        ),
        description="Nothing without a second factor",
    ),
    "manage-own-credentials": _one(
        900,
        allow("iam:ChangePassword iam:GetUser iam:*AccessKey* iam:*MFADevice*", _SELF),
        allow("iam:GetAccountPasswordPolicy iam:ListUsers"),
    ),
    "deny-audit-tampering": _one(
        500,
        deny("cloudtrail:StopLogging cloudtrail:DeleteTrail cloudtrail:UpdateTrail cloudtrail:PutEventSelectors", Sid="KeepTheTrail"),
        deny("config:DeleteConfigurationRecorder config:StopConfigurationRecorder guardduty:DeleteDetector", Sid="KeepTheWatch"),
        path="/security/",
    ),
    "deny-iam-outside-office": _one(
        340,
        deny(
            "iam:*",
            Condition={"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24", "198.51.100.0/27"]}, "Bool": {"aws:ViaAWSService": "false"}},
        ),
        path="/security/",
    ),
    "only-our-organization": _one(
        260,
        deny("s3:PutObject s3:GetObject", Condition={"StringNotEqualsIfExists": {"aws:ResourceOrgID": ORGANIZATION}}),
        path="/security/",
    ),
    # people
    "ops-base": _one(
        820,
        allow("ec2:Describe* ec2:StartInstances ec2:StopInstances ec2:RebootInstances ssm:StartSession ssm:TerminateSession"),
        allow("ec2:TerminateInstances", Condition={"StringEquals": {"aws:ResourceTag/environment": ["staging", "production"]}}),
        allow("cloudwatch:* logs:* autoscaling:*"),
        allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/prod-operator arn:aws:iam::{ACCOUNT}:role/incident-response"),
    ),
    "ops-iam-helpdesk": _one(
        640,
        allow(
            "iam:CreateLoginProfile iam:UpdateLoginProfile iam:GetLoginProfile iam:ListUsers iam:GetUser iam:DeactivateMFADevice iam:UpdateAccessKey "
            "iam:ListAccessKeys"
        ),
    ),
    "developer-base": Own(
        (
            (800, 30_000, policy(allow("lambda:* logs:* cloudwatch:Get* cloudwatch:List* dynamodb:*"))),
            (410, 41_000, policy(allow("lambda:* logs:* cloudwatch:Get* cloudwatch:List* dynamodb:* sqs:* sns:*"))),
            (
                120,
                47_700,
                policy(
                    allow("lambda:* logs:* cloudwatch:Get* cloudwatch:List* sqs:* sns:* xray:Get*"),
                    allow("dynamodb:*", "arn:aws:dynamodb:*:*:table/dev-*"),
                    allow("s3:ListAllMyBuckets s3:GetBucketLocation"),
                    deny("lambda:DeleteFunction", "arn:aws:lambda:*:*:function:prod-*"),
                ),
            ),
        ),
        description="What every developer may do",
    ),
    "developer-s3-artifacts": _one(
        410, allow("s3:GetObject s3:GetBucketLocation s3:PutObject s3:ListBucket", _bucket("acme-build-artifacts"))
    ),
    "analyst-queries": _one(
        530,
        allow("athena:StartQueryExecution athena:GetQuery* athena:ListWorkGroups s3:ListBucket s3:GetObject"),
        allow("s3:PutObject", f"{_S3}acme-athena-results/*"),
    ),
    "analyst-quicksight": _one(530, allow("quicksight:DescribeDashboard quicksight:ListDashboards quicksight:GetDashboardEmbedUrl")),
    "glue-developer": _one(
        520,
        allow("glue:CreateJob glue:UpdateJob glue:StartJobRun glue:GetJob* glue:BatchStopJobRun"),
        allow("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/glue-*"),
    ),
    "data-lake-access": Own(
        ((34, 39_720, _LAKE_V3), (27, 50_531, _LAKE_V4), (12, 70_918, _LAKE_V5), (9, 33_264, _LAKE_V6)),
        description="Read the data lake without personal data",
        first=3,
        created=388,
    ),
    "data-lake-admin": _one(388, allow("s3:*", _bucket("acme-data-lake")), allow("lakeformation:* glue:*")),
    "customer-exports-read": _one(300, allow("s3:GetObject s3:ListBucket", _bucket("acme-customer-exports"))),
    "billing-read": _one(760, allow("ce:Get* ce:List* budgets:View* cur:Describe*")),
    "support-console": _one(450, allow("support:* trustedadvisor:Describe* health:Describe*")),
    "contractor-limited": _one(
        240,
        allow("codecommit:Get* codecommit:GitPull codecommit:GitPush logs:Get* logs:FilterLogEvents"),
        deny("*", Condition={"DateGreaterThan": {"aws:CurrentTime": "2031-01-01T00:00:00Z"}}),
    ),
    "prod-operator-access": _one(
        610,
        allow("ec2:* autoscaling:* elasticloadbalancing:* rds:* ecs:* ssm:*"),
        deny("rds:DeleteDBCluster rds:DeleteDBInstance", Condition={"StringEquals": {"aws:ResourceTag/environment": "production"}}),
    ),
    "db-admin-access": _one(600, allow("rds:* secretsmanager:GetSecretValue kms:Decrypt pi:* dms:*")),
    "network-admin-access": _one(
        590, allow("ec2:*Vpc* ec2:*Subnet* ec2:*Route* ec2:*SecurityGroup* ec2:Describe* route53:* directconnect:* globalaccelerator:*")
    ),
    "iam-admin-access": _one(
        720,
        allow("iam:* access-analyzer:* sts:DecodeAuthorizationMessage"),
        deny("iam:DeleteAccountPasswordPolicy iam:DeactivateMFADevice", Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}}),
    ),
    "incident-response-access": _one(
        330,
        allow("iam:UpdateAccessKey iam:PutUserPolicy iam:PutRolePolicy ec2:* cloudtrail:LookupEvents guardduty:* s3:GetObject athena:*"),
    ),
    "assume-audit-roles": _one(330, allow("sts:AssumeRole", f"arn:aws:iam::*:role/audit arn:aws:iam::{ACCOUNT}:role/support-readonly")),
    # machines
    "deploy-base": Own(
        (
            (720, 37_500, policy(allow("cloudformation:* s3:* ecs:* lambda:* iam:PassRole"))),
            (
                210,
                40_500,
                policy(
                    allow(
                        "cloudformation:* ecs:UpdateService ecs:RegisterTaskDefinition ecs:Describe* lambda:UpdateFunctionCode lambda:PublishVersion"
                    ),
                    allow("s3:GetObject s3:PutObject s3:ListBucket", _bucket("acme-build-artifacts")),
                    allow("ecr:*", "arn:aws:ecr:*:*:repository/acme/*"),
                    allow("ecr:GetAuthorizationToken"),
                    allow(
                        "iam:PassRole",
                        f"arn:aws:iam::{ACCOUNT}:role/*-task arn:aws:iam::{ACCOUNT}:role/ecsTaskExecutionRole",
                        Condition={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
                    ),
                ),
            ),
        ),
        description="What a deployment needs",
    ),
    "terraform-apply": _one(
        690,
        allow("ec2:* ecs:* rds:* s3:* lambda:* dynamodb:* sqs:* sns:* cloudwatch:* logs:* route53:* kms:* elasticloadbalancing:*"),
        allow("iam:*Role* iam:*Policy* iam:*InstanceProfile* iam:Get* iam:List*"),
        deny("iam:*", f"arn:aws:iam::{ACCOUNT}:role/break-glass-* arn:aws:iam::{ACCOUNT}:user/break-glass-*"),
    ),
    "terraform-state": _one(
        690,
        allow("s3:GetObject s3:PutObject", f"{_S3}acme-terraform-state/*"),
        allow("dynamodb:GetItem dynamodb:PutItem dynamodb:DeleteItem", f"arn:aws:dynamodb:eu-central-1:{ACCOUNT}:table/terraform-locks"),
    ),
    "ci-runner-access": _one(
        540,
        allow(
            "ecr:GetAuthorizationToken ecr:BatchGetImage ecr:PutImage ecr:InitiateLayerUpload ecr:UploadLayerPart ecr:CompleteLayerUpload"
        ),
        allow("s3:GetObject s3:PutObject s3:ListBucket", _bucket("acme-build-artifacts")),
        allow("iam:*", Sid="TemporaryForMigration"),
        allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/*"),
    ),
    "backup-write": _one(
        480,
        allow("s3:PutObject s3:AbortMultipartUpload", f"{_S3}acme-backups/*"),
        allow("kms:GenerateDataKey ec2:CreateSnapshot ec2:DescribeVolumes"),
    ),
    "metrics-read": _one(470, allow("cloudwatch:GetMetricData cloudwatch:ListMetrics tag:GetResources ec2:DescribeRegions")),
    "partner-upload-write": _one(
        290,
        allow("s3:GetBucketLocation", f"{_S3}acme-partner-inbox"),
        allow("s3:PutObject", f"{_S3}acme-partner-inbox/${{aws:username}}/*"),
    ),
    "ses-send": _one(
        870, allow("ses:GetSendQuota ses:SendEmail ses:SendRawEmail", Condition={"StringLike": {"ses:FromAddress": "*@acme.example"}})
    ),
    "datapeek-integration": _one(
        420,
        allow(
            "cloudwatch:Get* cloudwatch:List* ec2:Describe* rds:Describe* s3:ListAllMyBuckets s3:GetObject lambda:List* iam:ListUsers iam:ListRoles"
        ),
    ),
    "paywise-settlement": _one(
        350, allow("s3:GetObject", f"{_S3}acme-settlements/*"), allow("kms:Decrypt", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/*")
    ),
    "inventory-scan": _one(270, allow("ec2:*", Sid="Scan"), description="For the nightly inventory"),
    "shop-orders-table": _one(
        460,
        allow(
            "dynamodb:DescribeTable dynamodb:GetItem dynamodb:PutItem dynamodb:Query", f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/orders"
        ),
    ),
    "shop-carts-table": _one(
        460, allow("dynamodb:DescribeTable dynamodb:*Item dynamodb:Query", f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/carts")
    ),
    "shop-events-publish": _one(440, allow("sns:Publish", f"arn:aws:sns:eu-west-1:{ACCOUNT}:shop-events")),
    "shop-events-consume": _one(
        440, allow("sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes", f"arn:aws:sqs:eu-west-1:{ACCOUNT}:shop-*")
    ),
    "shop-secrets-read": _one(
        430,
        allow("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:*:{ACCOUNT}:secret:shop/*"),
        allow("kms:Decrypt", Condition={"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}}),
    ),
    "shop-media-read": _one(400, allow("s3:GetBucketLocation s3:GetObject", _bucket("acme-media"))),
    "shop-media-write": _one(400, allow("s3:GetBucketLocation s3:GetObject s3:PutObject s3:DeleteObject", _bucket("acme-media"))),
    "shop-search-index": _one(390, allow("es:ESHttpGet es:ESHttpPost es:ESHttpPut", f"arn:aws:es:eu-west-1:{ACCOUNT}:domain/shop/*")),
    "payments-kms": _one(380, allow("kms:Encrypt kms:Decrypt kms:GenerateDataKey", f"arn:aws:kms:eu-west-1:{ACCOUNT}:alias/payments")),
    "parameters-read": _one(
        460, allow("ssm:GetParameter ssm:GetParameters ssm:GetParametersByPath", f"arn:aws:ssm:*:{ACCOUNT}:parameter/*")
    ),
    "queue-workers": _one(380, allow("sqs:* sns:Publish")),
    "pipeline-exports": _one(
        310,
        allow("s3:GetObject s3:PutObject s3:ListBucket", _bucket("acme-customer-exports") + " " + _bucket("acme-data-lake")),
        allow("glue:StartJobRun glue:GetJobRun glue:GetTable kms:Decrypt kms:GenerateDataKey"),
    ),
    "sagemaker-training": _one(220, allow("sagemaker:CreateTrainingJob sagemaker:Describe* s3:GetObject s3:PutObject ecr:BatchGetImage")),
    "bedrock-invoke": _one(95, allow("bedrock:InvokeModel bedrock:InvokeModelWithResponseStream", "arn:aws:bedrock:*::foundation-model/*")),
    "eks-autoscaler": _one(
        360,
        allow("autoscaling:SetDesiredCapacity autoscaling:TerminateInstanceInAutoScalingGroup autoscaling:Describe*"),
        allow("ec2:DescribeLaunchTemplateVersions ec2:DescribeInstanceTypes"),
    ),
    "eks-external-dns": _one(360, allow("route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/*"), allow("route53:List*")),
    "migration-everything": _one(184, allow("*", Sid="OnlyForTheMigration"), description="temporary, remove after the migration"),
    "legacy-ftp-bucket": _one(1300, allow("s3:*", _bucket("acme-legacy-ftp"))),
    "old-reporting-redshift": _one(980, allow("redshift:* s3:GetObject")),
    "unused-kinesis-writer": _one(650, allow("kinesis:PutRecord kinesis:PutRecords", f"arn:aws:kinesis:eu-west-1:{ACCOUNT}:stream/clicks")),
    "loadgen-everything-but-iam": _one(
        150,
        {
            "Sid": "LoadTests",
            "Effect": "Allow",
            "NotAction": ["iam:*", "organizations:*"],
            "NotResource": [f"{_S3}acme-customer-exports/*"],
        },
    ),
}

LAKE_ARN = f"arn:aws:iam::{ACCOUNT}:policy/data-lake-access"
ADMIN = policy(allow("*"))
BACKDOOR_TRUST_PRINCIPAL = f"arn:aws:iam::{INTRUDER}:root"


def own_policy_arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:policy{OWN[name].path}{name}"
