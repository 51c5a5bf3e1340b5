"""AWS managed policies that are attached somewhere in the demo account: our own short restatements, not AWS's full texts."""

from __future__ import annotations

from .grammar import Document, allow, policy

_READ = (
    "athena:Get* athena:List* cloudformation:Describe* cloudformation:Get* cloudformation:List* cloudtrail:Describe* cloudtrail:Get* "
    "cloudtrail:List* cloudtrail:LookupEvents cloudwatch:Describe* cloudwatch:Get* cloudwatch:List* config:Describe* config:Get* config:List* "
    "dynamodb:Describe* dynamodb:Get* dynamodb:List* dynamodb:Query dynamodb:Scan ec2:Describe* ec2:Get* ecr:Describe* ecr:Get* ecr:List* "
    "ecs:Describe* ecs:List* eks:Describe* eks:List* elasticloadbalancing:Describe* glue:Get* glue:List* iam:Get* iam:List* "
    "iam:Generate* kms:Describe* kms:Get* kms:List* lambda:Get* lambda:List* logs:Describe* logs:FilterLogEvents logs:Get* organizations:Describe* "
    "organizations:List* rds:Describe* rds:List* route53:Get* route53:List* s3:Get* s3:List* sns:Get* sns:List* sqs:Get* sqs:List* "
    "ssm:Describe* ssm:Get* ssm:List* states:Describe* states:List* tag:Get*"
)
_AUDIT = (
    "access-analyzer:Get* access-analyzer:List* cloudtrail:Describe* cloudtrail:Get* cloudtrail:LookupEvents config:Describe* config:Get* "
    "ec2:Describe* guardduty:Get* guardduty:List* iam:GenerateCredentialReport iam:GenerateServiceLastAccessedDetails iam:Get* iam:List* "
    "iam:SimulatePrincipalPolicy kms:Describe* kms:GetKeyPolicy kms:List* lambda:GetPolicy lambda:List* organizations:Describe* "
    "organizations:List* s3:GetBucket* s3:GetEncryptionConfiguration s3:ListAllMyBuckets securityhub:Get* securityhub:List*"
)

# name: (path, created days ago, versions so far, document)
AWS_POLICIES: dict[str, tuple[str, int, int, Document]] = {
    "AdministratorAccess": ("/", 4000, 1, policy(allow("*"))),
    "PowerUserAccess": (
        "/",
        4000,
        6,
        policy(
            {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"},
            allow(
                "account:GetAccountInformation account:ListRegions iam:CreateServiceLinkedRole iam:DeleteServiceLinkedRole iam:ListRoles "
                "organizations:DescribeOrganization"
            ),
        ),
    ),
    "ReadOnlyAccess": ("/", 4000, 132, policy(allow(_READ))),
    "SecurityAudit": ("/", 4000, 51, policy(allow(_AUDIT))),
    "ViewOnlyAccess": (
        "/job-function/",
        3300,
        22,
        policy(
            allow(
                "cloudformation:List* cloudwatch:List* dynamodb:ListTables ec2:DescribeInstances ec2:DescribeVpcs ecs:List* iam:List* kms:ListKeys "
                "lambda:List* rds:DescribeDBInstances s3:ListAllMyBuckets sns:ListTopics sqs:ListQueues"
            )
        ),
    ),
    "Billing": (
        "/job-function/",
        3300,
        13,
        policy(
            allow(
                "account:GetAccountInformation aws-portal:*Billing budgets:* ce:* consolidatedbilling:* cur:* invoicing:* payments:* tax:*"
            )
        ),
    ),
    "SupportUser": (
        "/job-function/",
        3300,
        9,
        policy(
            allow(
                "support:* ec2:Describe* cloudformation:Describe* cloudwatch:Describe* cloudwatch:List* rds:Describe* s3:List* trustedadvisor:Describe*"
            )
        ),
    ),
    "IAMUserChangePassword": (
        "/",
        3650,
        2,
        policy(allow("iam:ChangePassword", "arn:aws:iam::*:user/${aws:username}"), allow("iam:GetAccountPasswordPolicy")),
    ),
    "IAMReadOnlyAccess": (
        "/",
        4000,
        6,
        policy(allow("iam:GenerateCredentialReport iam:GenerateServiceLastAccessedDetails iam:Get* iam:List* iam:SimulatePrincipalPolicy")),
    ),
    "AmazonS3ReadOnlyAccess": ("/", 4000, 3, policy(allow("s3:Get* s3:List* s3:Describe* s3-object-lambda:Get* s3-object-lambda:List*"))),
    "AmazonS3FullAccess": ("/", 4000, 2, policy(allow("s3:* s3-object-lambda:*"))),
    "AmazonEC2ReadOnlyAccess": (
        "/",
        4000,
        4,
        policy(
            allow("ec2:Describe* ec2:GetSecurityGroupsForVpc elasticloadbalancing:Describe* cloudwatch:ListMetrics autoscaling:Describe*")
        ),
    ),
    "AmazonSSMManagedInstanceCore": (
        "/",
        2700,
        2,
        policy(
            allow(
                "ssm:DescribeAssociation ssm:GetDocument ssm:GetParameter ssm:GetParameters ssm:ListAssociations ssm:UpdateInstanceInformation"
            ),
            allow(
                "ssmmessages:CreateControlChannel ssmmessages:CreateDataChannel ssmmessages:OpenControlChannel ssmmessages:OpenDataChannel"
            ),
            allow("ec2messages:AcknowledgeMessage ec2messages:GetEndpoint ec2messages:GetMessages ec2messages:SendReply"),
        ),
    ),
    "CloudWatchAgentServerPolicy": (
        "/",
        2900,
        4,
        policy(
            allow(
                "cloudwatch:PutMetricData ec2:DescribeTags ec2:DescribeVolumes logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents"
            ),
            allow("ssm:GetParameter", "arn:aws:ssm:*:*:parameter/AmazonCloudWatch-*"),
        ),
    ),
    "AWSLambdaBasicExecutionRole": (
        "/service-role/",
        3800,
        1,
        policy(allow("logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents")),
    ),
    "AWSLambdaVPCAccessExecutionRole": (
        "/service-role/",
        3500,
        3,
        policy(
            allow(
                "logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents ec2:CreateNetworkInterface ec2:DescribeNetworkInterfaces "
                "ec2:DescribeSubnets ec2:DeleteNetworkInterface ec2:AssignPrivateIpAddresses ec2:UnassignPrivateIpAddresses"
            )
        ),
    ),
    "AWSLambdaSQSQueueExecutionRole": (
        "/service-role/",
        2800,
        1,
        policy(
            allow("sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents")
        ),
    ),
    "AmazonECSTaskExecutionRolePolicy": (
        "/service-role/",
        2900,
        1,
        policy(
            allow(
                "ecr:GetAuthorizationToken ecr:BatchCheckLayerAvailability ecr:GetDownloadUrlForLayer ecr:BatchGetImage logs:CreateLogStream "
                "logs:PutLogEvents"
            )
        ),
    ),
    "AmazonEKSWorkerNodePolicy": (
        "/",
        2700,
        3,
        policy(
            allow(
                "ec2:DescribeInstances ec2:DescribeRouteTables ec2:DescribeSecurityGroups ec2:DescribeSubnets ec2:DescribeVolumes ec2:DescribeVpcs eks:DescribeCluster"
            )
        ),
    ),
    "AmazonEKS_CNI_Policy": (
        "/",
        2700,
        5,
        policy(
            allow(
                "ec2:AssignPrivateIpAddresses ec2:AttachNetworkInterface ec2:CreateNetworkInterface ec2:DescribeInstances ec2:DescribeNetworkInterfaces"
            ),
            allow("ec2:CreateTags", "arn:aws:ec2:*:*:network-interface/*"),
        ),
    ),
    "AmazonEKSClusterPolicy": (
        "/",
        2700,
        9,
        policy(allow("autoscaling:DescribeAutoScalingGroups ec2:CreateSecurityGroup ec2:Describe* elasticloadbalancing:* kms:DescribeKey")),
    ),
    "AmazonEC2ContainerRegistryReadOnly": (
        "/",
        3600,
        3,
        policy(
            allow(
                "ecr:GetAuthorizationToken ecr:BatchCheckLayerAvailability ecr:GetDownloadUrlForLayer ecr:DescribeImages ecr:BatchGetImage"
            )
        ),
    ),
    "AWSGlueConsoleFullAccess": (
        "/",
        3000,
        14,
        policy(
            allow("glue:* redshift:DescribeClusters s3:ListAllMyBuckets s3:ListBucket iam:ListRoles rds:DescribeDBInstances"),
            allow("s3:GetObject s3:PutObject", "arn:aws:s3:::aws-glue-*/* arn:aws:s3:::*/*aws-glue-*/*"),
            allow(
                "iam:PassRole",
                "arn:aws:iam::*:role/AWSGlueServiceRole*",
                Condition={"StringLike": {"iam:PassedToService": ["glue.amazonaws.com"]}},
            ),
        ),
    ),
    "AWSGlueServiceRole": (
        "/service-role/",
        3000,
        5,
        policy(
            allow(
                "glue:* s3:GetBucketLocation s3:ListBucket s3:ListAllMyBuckets ec2:DescribeSubnets iam:ListRolePolicies iam:GetRole cloudwatch:PutMetricData"
            )
        ),
    ),
    "AmazonAthenaFullAccess": (
        "/",
        3200,
        12,
        policy(
            allow(
                "athena:* glue:GetDatabase glue:GetDatabases glue:GetTable glue:GetTables glue:GetPartitions s3:GetBucketLocation s3:ListBucket"
            )
        ),
    ),
    "AmazonRDSEnhancedMonitoringRole": (
        "/service-role/",
        3400,
        1,
        policy(allow("logs:CreateLogGroup logs:PutRetentionPolicy logs:CreateLogStream logs:PutLogEvents")),
    ),
    "AWSBackupServiceRolePolicyForBackup": (
        "/service-role/",
        2500,
        18,
        policy(
            allow(
                "backup:DescribeBackupVault dynamodb:CreateBackup ec2:CreateSnapshot ec2:DescribeVolumes ec2:DescribeSnapshots rds:CreateDBSnapshot rds:DescribeDBInstances tag:GetResources"
            )
        ),
    ),
    "AWS_ConfigRole": (
        "/service-role/",
        2300,
        88,
        policy(
            allow(
                "config:Put* config:BatchGet* ec2:Describe* iam:GetAccountAuthorizationDetails iam:Get* iam:List* s3:GetBucket* s3:ListAllMyBuckets"
            )
        ),
    ),
    "AWSXRayDaemonWriteAccess": ("/", 2900, 2, policy(allow("xray:PutTraceSegments xray:PutTelemetryRecords xray:GetSamplingRules"))),
    "AmazonSageMakerFullAccess": (
        "/",
        3000,
        27,
        policy(
            allow(
                "sagemaker:* s3:GetObject s3:PutObject s3:ListBucket s3:GetBucketLocation ecr:BatchGetImage logs:CreateLogStream cloudwatch:PutMetricData"
            ),
            allow("iam:PassRole", "arn:aws:iam::*:role/*", Condition={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}),
        ),
    ),
    "AmazonBedrockReadOnly": ("/", 700, 3, policy(allow("bedrock:Get* bedrock:List*"))),
    "AmazonSESFullAccess": ("/", 3900, 1, policy(allow("ses:*"))),
    "CloudWatchReadOnlyAccess": (
        "/",
        4000,
        10,
        policy(allow("cloudwatch:Describe* cloudwatch:Get* cloudwatch:List* logs:Get* logs:Describe* logs:FilterLogEvents")),
    ),
    "AmazonSQSFullAccess": ("/", 4000, 1, policy(allow("sqs:*"))),
    "AmazonDynamoDBReadOnlyAccess": (
        "/",
        4000,
        14,
        policy(allow("dynamodb:BatchGetItem dynamodb:Describe* dynamodb:Get* dynamodb:List* dynamodb:Query dynamodb:Scan kms:DescribeKey")),
    ),
}


def aws_policy_arn(name: str) -> str:
    return f"arn:aws:iam::aws:policy{AWS_POLICIES[name][0]}{name}"
