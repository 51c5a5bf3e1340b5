"""API operations the demo's identities call, with believable parameters."""

from __future__ import annotations

from typing import Any

import msgspec

from .grammar import ACCOUNT, ALIAS, GLOBAL

_SOURCES = {"cloudwatch": "monitoring", "tag": "tagging", "states": "states", "aws-portal": "billingconsole"}
PREFIXES = {source: prefix for prefix, source in _SOURCES.items()}
_READS = (
    "Describe",
    "List",
    "Get",
    "Head",
    "Lookup",
    "BatchGet",
    "Search",
    "Scan",
    "Query",
    "Decrypt",
    "Simulate",
    "Assume",
    "Batch",
    "Filter",
)
_VERSIONS = {
    "iam": "1.11",
    "sts": "1.11",
    "s3": "1.11",
    "ec2": "1.10",
    "kms": "1.11",
    "ssm": "1.09",
    "lambda": "1.10",
    "cloudtrail": "1.10",
}
_DATA = frozenset({"s3:GetObject", "s3:PutObject", "s3:ListObjects", "s3:DeleteObject"})

NULL = msgspec.Raw(b"null")
_key = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/5f0e6c1a-EXAMPLE-4b7d-9c52-3d1f7a80be44"
_PARAMETERS: dict[str, dict[str, Any]] = {
    "athena:StartQueryExecution": {"queryString": "***OMITTED***", "workGroup": "primary", "resultConfiguration": {"outputLocation": "s3://acme-athena-results/"}},
    "athena:GetQueryExecution": {"queryExecutionId": "0f1b6d2c-73aa-4be1-8c1e-EXAMPLE00001"},
    "autoscaling:DescribeAutoScalingGroups": {"maxRecords": 100},
    "ce:GetCostAndUsage": {"granularity": "DAILY", "metrics": ["UnblendedCost"]},
    "cloudformation:DescribeStacks": {"stackName": "shop-prod"},
    "cloudformation:UpdateStack": {"stackName": "shop-prod", "capabilities": ["CAPABILITY_NAMED_IAM"], "usePreviousTemplate": False},
    "cloudfront:CreateInvalidation": {"distributionId": "E1EXAMPLEDIST", "invalidationBatch": {"paths": {"quantity": 1, "items": ["/*"]}}},
    "cloudtrail:LookupEvents": {"maxResults": 50},
    "cloudwatch:GetMetricData": {"maxDatapoints": 500, "scanBy": "TimestampAscending"},
    "cloudwatch:ListMetrics": {"namespace": "AWS/ECS"},
    "dynamodb:DescribeTable": {"tableName": "orders"},
    "ec2:DescribeInstances": {"instancesSet": {}, "filterSet": {"items": [{"name": "instance-state-name", "valueSet": {"items": [{"value": "running"}]}}]}},
    "ec2:DescribeVolumes": {"volumeSet": {}, "filterSet": {}},
    "ec2:DescribeSecurityGroups": {"securityGroupSet": {}, "securityGroupIdSet": {}, "filterSet": {}},
    "ec2:DescribeSnapshots": {"snapshotSet": {}, "ownersSet": {"items": [{"owner": "self"}]}, "filterSet": {}},
    "ec2:DeleteSnapshot": {"snapshotId": "snap-0a61EXAMPLE7c2f9"},
    "ec2:CreateSnapshot": {"volumeId": "vol-07d1EXAMPLE93ba4", "description": "nightly"},
    "ec2:CreateTags": {"resourcesSet": {"items": [{"resourceId": "i-05c3EXAMPLE156bc"}]}, "tagSet": {"items": [{"key": "owner", "value": "unknown"}]}},
    "ec2:CreateNetworkInterface": {"subnetId": "subnet-0c4aEXAMPLE8e1b", "description": "AWS Lambda VPC ENI", "groupSet": {"items": [{"groupId": "sg-0b1eEXAMPLE77d2"}]}},
    "ec2:StartInstances": {"instancesSet": {"items": [{"instanceId": "i-0b72EXAMPLE4d9e1"}]}},
    "ec2:StopInstances": {"instancesSet": {"items": [{"instanceId": "i-0b72EXAMPLE4d9e1"}]}, "force": False},
    "ec2:RunInstances": {"instancesSet": {"items": [{"imageId": "ami-0f3aEXAMPLE21c7", "minCount": 1, "maxCount": 1}]}, "instanceType": "m7g.large"},
    "ec2:TerminateInstances": {"instancesSet": {"items": [{"instanceId": "i-0e45EXAMPLEa37c9"}]}},
    "ecr:BatchGetImage": {"registryId": ACCOUNT, "repositoryName": "acme/shop", "imageIds": [{"imageTag": "latest"}]},
    "ecr:PutImage": {"registryId": ACCOUNT, "repositoryName": "acme/shop", "imageTag": "main"},
    "ecs:UpdateService": {"cluster": "shop-prod", "service": "checkout", "forceNewDeployment": True},
    "ecs:RegisterTaskDefinition": {"family": "checkout", "networkMode": "awsvpc", "taskRoleArn": f"arn:aws:iam::{ACCOUNT}:role/shop-checkout-task"},
    "ecs:DescribeServices": {"cluster": "shop-prod", "services": ["checkout", "catalog"]},
    "eks:DescribeCluster": {"name": "prod"},
    "glue:GetTable": {"databaseName": "lake", "name": "orders"},
    "glue:GetTables": {"databaseName": "lake"},
    "glue:StartJobRun": {"jobName": "orders-to-lake"},
    "glue:GetJobRun": {"jobName": "orders-to-lake", "runId": "jr_8c61EXAMPLE"},
    "iam:GetUser": {"userName": "deploy-bot"},
    "iam:GetRole": {"roleName": "web-prod"},
    "iam:ListAttachedRolePolicies": {"roleName": "web-prod"},
    "kms:Decrypt": {"encryptionAlgorithm": "SYMMETRIC_DEFAULT", "keyId": _key},
    "kms:GenerateDataKey": {"keyId": _key, "keySpec": "AES_256"},
    "lambda:UpdateFunctionCode20150331v2": {"functionName": "order-events", "publish": True, "dryRun": False},
    "lambda:ListFunctions20150331": {},
    "logs:CreateLogStream": {"logGroupName": "/aws/lambda/shop", "logStreamName": "[$LATEST]a91dEXAMPLE"},
    "logs:FilterLogEvents": {"logGroupName": "/aws/ecs/checkout", "limit": 100},
    "rds:DescribeDBInstances": {"dBInstanceIdentifier": "shop-prod"},
    "rds:CreateDBSnapshot": {"dBInstanceIdentifier": "shop-prod", "dBSnapshotIdentifier": "nightly"},
    "route53:ChangeResourceRecordSets": {"hostedZoneId": "Z08EXAMPLE41C", "changeBatch": {"changes": [{"action": "UPSERT", "resourceRecordSet": {"name": "api.acme.example", "type": "A"}}]}},
    "s3:GetBucketLocation": {"bucketName": "acme-media", "location": "", "Host": "acme-media.s3.eu-west-1.amazonaws.com"},
    "s3:GetBucketPolicy": {"bucketName": "acme-media", "policy": "", "Host": "acme-media.s3.eu-west-1.amazonaws.com"},
    "s3:PutBucketPolicy": {"bucketName": "acme-media", "policy": "", "Host": "acme-media.s3.eu-west-1.amazonaws.com"},
    "s3:GetBucketAcl": {"bucketName": "acme-build-artifacts", "acl": "", "Host": "acme-build-artifacts.s3.eu-central-1.amazonaws.com"},
    "s3:ListBuckets": {"Host": "s3.amazonaws.com"},
    "s3:GetObject": {"bucketName": "acme-customer-exports", "Host": "acme-customer-exports.s3.eu-west-1.amazonaws.com", "key": "daily/customers.csv.gz"},
    "s3:PutObject": {"bucketName": "acme-customer-exports", "Host": "acme-customer-exports.s3.eu-west-1.amazonaws.com", "key": "daily/customers.csv.gz"},
    "secretsmanager:GetSecretValue": {"secretId": f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:shop/db-EXAMPL"},
    "ses:GetSendQuota": {},
    "sns:ListSubscriptionsByTopic": {"topicArn": f"arn:aws:sns:eu-west-1:{ACCOUNT}:shop-events"},
    "sqs:GetQueueAttributes": {"queueUrl": f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/shop-orders", "attributeNames": ["All"]},
    "ssm:GetParameter": {"name": "/shop/prod/feature-flags", "withDecryption": False},
    "ssm:GetParameters": {"names": ["/shop/prod/db-host", "/shop/prod/feature-flags"], "withDecryption": True},
    "ssm:StartSession": {"target": "i-05c3EXAMPLE156bc"},
    "ssm:UpdateInstanceInformation": {"instanceId": "i-05c3EXAMPLE156bc", "agentVersion": "3.3.1345.0", "agentStatus": "Active", "platformType": "Linux"},
    "states:StartExecution": {"stateMachineArn": f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:orders"},
    "sts:GetCallerIdentity": {},
    "support:DescribeCases": {"includeResolvedCases": False},
}  # fmt: skip
_RESPONSES: dict[str, dict[str, Any]] = {
    "ec2:StartInstances": {"instancesSet": {"items": [{"instanceId": "i-0b72EXAMPLE4d9e1", "currentState": {"code": 0, "name": "pending"}, "previousState": {"code": 80, "name": "stopped"}}]}},
    "ec2:StopInstances": {"instancesSet": {"items": [{"instanceId": "i-0b72EXAMPLE4d9e1", "currentState": {"code": 64, "name": "stopping"}, "previousState": {"code": 16, "name": "running"}}]}},
    "ecs:UpdateService": {"service": {"serviceName": "checkout", "status": "ACTIVE", "desiredCount": 6}},
    "glue:StartJobRun": {"jobRunId": "jr_8c61EXAMPLE"},
    "athena:StartQueryExecution": {"queryExecutionId": "0f1b6d2c-73aa-4be1-8c1e-EXAMPLE00001"},
    "cloudformation:UpdateStack": {"stackId": f"arn:aws:cloudformation:eu-west-1:{ACCOUNT}:stack/shop-prod/51af6b10-EXAMPLE"},
    "ec2:CreateSnapshot": {"snapshotId": "snap-0a61EXAMPLE7c2f9", "volumeId": "vol-07d1EXAMPLE93ba4", "status": "pending"},
    "ssm:StartSession": {"sessionId": "session-0aEXAMPLE", "tokenValue": "EXAMPLETOKEN-NOT-A-SECRET", "streamUrl": "wss://ssmmessages.eu-west-1.amazonaws.com/v1/data-channel/session-0aEXAMPLE"},
}  # fmt: skip


class Call(msgspec.Struct, frozen=True):
    """One operation as events show it, with everything that is the same in every event encoded once."""

    prefix: str
    name: str
    source: str
    version: str
    read_only: bool
    data: bool
    parameters: msgspec.Raw
    response: msgspec.Raw
    denied: bool


_known: dict[str, Call] = {}


def call(word: str) -> Call:
    """The operation of a word such as `s3:GetObject`; a `!` at its end says that it is refused."""
    found = _known.get(word)
    if found is None:
        action = word.rstrip("!")
        prefix, _, name = action.partition(":")
        parameters, response = _PARAMETERS.get(action), _RESPONSES.get(action)
        found = _known[word] = Call(
            prefix,
            name,
            f"{_SOURCES.get(prefix, prefix)}.amazonaws.com",
            _VERSIONS.get(prefix, "1.08"),
            name.startswith(_READS) and action != "sts:AssumeRoot",
            action in _DATA,
            raw(parameters) if parameters else NULL,
            raw(response) if response and not word.endswith("!") else NULL,
            word.endswith("!"),
        )
    return found


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


ACTION_OF = {"ListBuckets": "ListAllMyBuckets", "GetBucketEncryption": "GetEncryptionConfiguration"}
"""Operations whose action is called otherwise."""

LOGGED_BUCKET = "acme-customer-exports"
"""The one bucket whose data events are logged."""

SIGN_IN_URL = f"https://{ALIAS}.signin.aws.amazon.com/console"

__all__ = ["ACTION_OF", "GLOBAL", "LOGGED_BUCKET", "NULL", "PREFIXES", "SIGN_IN_URL", "Call", "call", "raw"]
