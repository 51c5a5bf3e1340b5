"""Services and tracked actions as Access Advisor names them: what AWS would answer for the demo's identities."""

from __future__ import annotations

SERVICES: dict[str, str] = {
    "access-analyzer": "AWS IAM Access Analyzer", "account": "AWS Account Management", "acm": "AWS Certificate Manager",
    "apigateway": "Amazon API Gateway Management", "athena": "Amazon Athena", "autoscaling": "Amazon EC2 Auto Scaling",
    "aws-portal": "AWS Billing Console", "backup": "AWS Backup", "batch": "AWS Batch", "bedrock": "Amazon Bedrock", "budgets": "AWS Budget Service",
    "ce": "AWS Cost Explorer Service", "cloudformation": "AWS CloudFormation", "cloudfront": "Amazon CloudFront", "cloudtrail": "AWS CloudTrail",
    "cloudwatch": "Amazon CloudWatch", "codebuild": "AWS CodeBuild", "codecommit": "AWS CodeCommit", "codepipeline": "AWS CodePipeline",
    "cognito-idp": "Amazon Cognito User Pools", "config": "AWS Config", "consolidatedbilling": "AWS Consolidated Billing",
    "cur": "AWS Cost and Usage Report", "directconnect": "AWS Direct Connect", "dms": "AWS Database Migration Service", "dynamodb": "Amazon DynamoDB",
    "ec2": "Amazon EC2", "ec2messages": "Amazon Message Delivery Service", "ecr": "Amazon Elastic Container Registry",
    "ecs": "Amazon Elastic Container Service", "eks": "Amazon Elastic Kubernetes Service", "elasticache": "Amazon ElastiCache",
    "elasticfilesystem": "Amazon Elastic File System", "elasticloadbalancing": "AWS Elastic Load Balancing", "es": "Amazon OpenSearch Service",
    "events": "Amazon EventBridge", "firehose": "Amazon Kinesis Firehose", "geo": "Amazon Location", "globalaccelerator": "AWS Global Accelerator",
    "glue": "AWS Glue", "guardduty": "Amazon GuardDuty", "health": "AWS Health APIs and Notifications", "iam": "AWS Identity and Access Management",
    "inspector2": "Amazon Inspector2", "invoicing": "AWS Invoicing Service", "kinesis": "Amazon Kinesis Data Streams",
    "kms": "AWS Key Management Service", "lakeformation": "AWS Lake Formation", "lambda": "AWS Lambda", "logs": "Amazon CloudWatch Logs",
    "organizations": "AWS Organizations", "payments": "AWS Payments", "pi": "AWS Performance Insights", "quicksight": "Amazon QuickSight",
    "rds": "Amazon RDS", "redshift": "Amazon Redshift", "route53": "Amazon Route 53", "s3": "Amazon S3", "s3-object-lambda": "Amazon S3 Object Lambda",
    "sagemaker": "Amazon SageMaker", "secretsmanager": "AWS Secrets Manager", "securityhub": "AWS Security Hub", "ses": "Amazon SES",
    "sns": "Amazon SNS", "sqs": "Amazon SQS", "ssm": "AWS Systems Manager", "ssmmessages": "Amazon Session Manager Message Gateway Service",
    "sso": "AWS IAM Identity Center", "states": "AWS Step Functions", "sts": "AWS Security Token Service", "support": "AWS Support",
    "tag": "Amazon Resource Group Tagging API", "tax": "AWS Tax Settings", "trustedadvisor": "AWS Trusted Advisor",
    "wafv2": "AWS WAF V2", "xray": "AWS X-Ray",
}  # fmt: skip

_TRACKED = {
    "iam": "AddUserToGroup AttachRolePolicy AttachUserPolicy ChangePassword CreateAccessKey CreateLoginProfile CreatePolicy CreatePolicyVersion CreateRole "
    "CreateUser DeactivateMFADevice DeleteAccessKey DeletePolicyVersion DeleteRole DeleteRolePolicy DeleteUser DetachRolePolicy DetachUserPolicy "
    "GenerateCredentialReport GenerateServiceLastAccessedDetails GetAccountAuthorizationDetails GetAccountSummary GetCredentialReport GetPolicyVersion "
    "GetRole GetUser ListAccessKeys ListAttachedRolePolicies ListAttachedUserPolicies ListRoles ListUsers PutRolePolicy PutUserPermissionsBoundary "
    "PutUserPolicy SetDefaultPolicyVersion UpdateAccessKey UpdateAssumeRolePolicy UpdateLoginProfile",
    "ec2": "AllocateAddress AssociateAddress AttachVolume AuthorizeSecurityGroupIngress CopySnapshot CreateImage CreateKeyPair CreateLaunchTemplate "
    "CreateNatGateway CreateNetworkInterface CreateRoute CreateSecurityGroup CreateSnapshot CreateSubnet CreateTags CreateVolume CreateVpc "
    "DeleteNetworkInterface DeleteSecurityGroup DeleteSnapshot DeleteVolume DeleteVpc DescribeImages DescribeInstanceTypes DescribeInstances "
    "DescribeNetworkInterfaces DescribeRegions DescribeSecurityGroups DescribeSnapshots DescribeSubnets DescribeTags DescribeVolumes DescribeVpcs "
    "ModifyInstanceAttribute ModifySnapshotAttribute RebootInstances ReleaseAddress RunInstances StartInstances StopInstances TerminateInstances",
    "s3": "CreateBucket DeleteBucket DeleteBucketPolicy GetAccountPublicAccessBlock GetBucketAcl GetBucketLocation GetBucketPolicy "
    "GetEncryptionConfiguration ListAllMyBuckets PutBucketAcl PutBucketPolicy PutBucketPublicAccessBlock PutBucketVersioning PutEncryptionConfiguration",
    "lambda": "AddPermission CreateFunction DeleteFunction GetFunction GetPolicy InvokeFunction ListFunctions PublishVersion UpdateFunctionCode "
    "UpdateFunctionConfiguration",
    "kms": "CreateGrant CreateKey DescribeKey DisableKey GetKeyPolicy ListKeys PutKeyPolicy ScheduleKeyDeletion",
    "dynamodb": "CreateTable DeleteTable DescribeTable ListTables UpdateTable",
    "ecs": "CreateService DeleteService DescribeServices ListServices RegisterTaskDefinition RunTask UpdateService",
    "secretsmanager": "CreateSecret DeleteSecret DescribeSecret GetSecretValue ListSecrets PutSecretValue",
    "ssm": "DescribeParameters GetParameter GetParameters GetParametersByPath PutParameter SendCommand StartSession UpdateInstanceInformation",
    "glue": "BatchStopJobRun CreateCrawler CreateJob DeleteJob GetDatabase GetDatabases GetJobRun GetPartitions GetTable GetTables StartJobRun UpdateJob",
}  # fmt: skip
TRACKED: dict[str, tuple[str, ...]] = {service: tuple(names.split()) for service, names in _TRACKED.items()}
"""Actions AWS tracks by name; S3 data events and iam:PassRole are never among them."""
