"""Read-only, enforced inside botocore: what is not on this list is not sent.

The hook sits on the botocore session, so every client made from it has it: paginators, waiters and the credential
providers too. It runs before a request is signed, and once more before its bytes leave.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...errors import NotReadOnlyError

READS: Mapping[str, frozenset[str]] = {
    "iam": frozenset(
        {
            "GetAccountAuthorizationDetails",
            "GetAccountSummary",
            "GetAccountPasswordPolicy",
            "ListAccountAliases",
            "GetCredentialReport",
            "ListAccessKeys",
            "GetAccessKeyLastUsed",
            "GetServiceLastAccessedDetails",
            "GetServiceLastAccessedDetailsWithEntities",
            "ListPoliciesGrantingServiceAccess",
            "GetPolicy",
            "GetPolicyVersion",
            "GetRole",
            "GetUser",
            "ListRoles",
        }
    ),
    "sts": frozenset({"GetCallerIdentity"}),
    "organizations": frozenset(
        {
            "DescribeOrganization",
            "ListAccounts",
            "ListRoots",
            "ListOrganizationalUnitsForParent",
            "ListAccountsForParent",
            "ListPolicies",
            "ListTargetsForPolicy",
            "DescribePolicy",
        }
    ),
    "s3": frozenset({"ListBuckets", "GetBucketPolicy", "ListObjectsV2", "GetObject", "HeadBucket"}),
    "cloudtrail": frozenset(
        {
            "LookupEvents",
            "DescribeTrails",
            "GetTrailStatus",
            "GetEventSelectors",
            "ListEventDataStores",
            "GetEventDataStore",
            "DescribeQuery",
            "GetQueryResults",
        }
    ),
    "logs": frozenset({"DescribeMetricFilters", "DescribeLogGroups"}),
    "cloudwatch": frozenset({"DescribeAlarms", "DescribeAlarmHistory"}),
    "events": frozenset({"ListEventBuses", "ListRules", "ListTargetsByRule"}),
    "athena": frozenset(
        {
            "ListWorkGroups",
            "GetWorkGroup",
            "ListDataCatalogs",
            "ListDatabases",
            "ListTableMetadata",
            "GetTableMetadata",
            "GetQueryExecution",
            "GetQueryResults",
        }
    ),
    "sqs": frozenset({"ListQueues", "GetQueueAttributes"}),
    "sns": frozenset({"ListTopics", "GetTopicAttributes", "ListSubscriptionsByTopic"}),
    "kms": frozenset({"ListKeys", "GetKeyPolicy"}),
    "lambda": frozenset({"ListFunctions", "GetPolicy"}),
    "secretsmanager": frozenset({"ListSecrets", "GetResourcePolicy"}),
    "ecr": frozenset({"DescribeRepositories", "GetRepositoryPolicy"}),
    "accessanalyzer": frozenset({"ValidatePolicy", "ListAnalyzers", "ListFindingsV2", "GetFindingV2"}),
    "config": frozenset({"GetResourceConfigHistory", "DescribeConfigurationRecorders", "DescribeConfigurationRecorderStatus"}),
}
"""Plain reads, by botocore service name: they change nothing and leave nothing behind."""


class Allowance(NamedTuple):
    """Why an operation that is not a plain read may be sent, and what it leaves behind."""

    reason: str
    leaves: str


OTHERS: Mapping[tuple[str, str], Allowance] = {
    ("iam", "GenerateCredentialReport"): Allowance(
        "the credential report must be asked for before it can be read", "a report that AWS keeps for four hours"
    ),
    ("iam", "GenerateServiceLastAccessedDetails"): Allowance(
        "last-accessed details are made by a job", "a job that only its starter can read, gone after some hours"
    ),
    ("athena", "StartQueryExecution"): Allowance(
        "--engine athena asks one SELECT, and nothing else passes",
        "the query in the workgroup's history, its result in the workgroup's location, and the cost of what it scans",
    ),
    ("athena", "StopQueryExecution"): Allowance("stops a query that iamtui has started", "the query in the history, as cancelled"),
    ("cloudtrail", "StartQuery"): Allowance(
        "--engine lake asks one SELECT, and nothing else passes",
        "the query and its result with the event data store for seven days, and the cost of what it scans",
    ),
    ("cloudtrail", "CancelQuery"): Allowance("stops a query that iamtui has started", "the query in the history, as cancelled"),
    ("sts", "AssumeRole"): Allowance(
        "--role-arn, profiles with role_arn, and the role of each account that collect reads", "a session that ends by itself"
    ),
    ("sts", "AssumeRoleWithWebIdentity"): Allowance("profiles with a web identity token", "a session that ends by itself"),
    ("sts", "AssumeRoleWithSAML"): Allowance("profiles that sign in by SAML", "a session that ends by itself"),
    ("sso", "GetRoleCredentials"): Allowance("profiles of IAM Identity Center", "a session that ends by itself"),
    ("sso-oidc", "CreateToken"): Allowance("renewing an Identity Center sign-in", "a token in the AWS CLI's own cache"),
    ("signin", "CreateOAuth2Token"): Allowance("renewing a sign-in by `aws login`", "a token in the AWS CLI's own cache"),
}
"""The few that are not plain reads: reports, jobs and queries that must be started, and the exchange of credentials."""

_EXCHANGES = ("sts", "sso", "sso-oidc", "signin")
_TEXTS = {("athena", "StartQueryExecution"): "QueryString", ("cloudtrail", "StartQuery"): "QueryStatement"}
"""Operations that carry SQL, and where; the text is looked at once more before it is sent."""
_SQL = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|(?P<bad>--|/\*|\*/|[;`'"]|\bINTO\b)""", re.IGNORECASE)

_MARK = "iamtui_let_through"


def allowed(service: str, operation: str) -> bool:
    """Whether an operation may be sent. `service` is botocore's name (`iam`, `sso-oidc`)."""
    return operation in READS.get(service, frozenset()) or (service, operation) in OTHERS


class Guard:
    """The guard of one botocore session. Objects may be read of a trail's bucket below its prefix, and of no other place."""

    def __init__(self) -> None:
        self._places: set[tuple[str, str]] = set()

    def allow_objects(self, bucket: str, prefix: str) -> None:
        """Let objects whose keys begin with a prefix be listed and read."""
        self._places.add((bucket, prefix))

    def check(self, model: Any, params: Any = None, **_: Any) -> None:
        """Before a request is built."""
        service = model.service_model.service_name
        if not allowed(service, model.name):
            raise _refuse(service, model.name)
        field = _OF_A_TRAIL.get((service, model.name))
        if field is not None and not self._is_a_trails(params or {}, field):
            raise _refuse(service, model.name)
        text = _TEXTS.get((service, model.name))
        if text is not None:
            _check_sql(service, model.name, params if isinstance(params, Mapping) else {}, text)

    def _is_a_trails(self, params: Mapping[str, Any], field: str) -> bool:
        key = str(params.get(field) or "")
        return any(bucket == params.get("Bucket") and (not field or key.startswith(prefix)) for bucket, prefix in self._places)


_OF_A_TRAIL = {("s3", "GetObject"): "Key", ("s3", "ListObjectsV2"): "Prefix", ("s3", "HeadBucket"): ""}
"""What is asked of a trail's bucket alone, and the field that says which part of it. HeadBucket is botocore's own question when a bucket lies
in another Region than was thought."""


def install(session: Any) -> Guard:
    """Put the guard on a botocore session, before any client is made from it."""
    guard = Guard()
    session.register("before-parameter-build", guard.check, unique_id="iamtui-read-only-build")
    session.register("before-call", _check_call, unique_id="iamtui-read-only-call")
    session.register("request-created", _check_request, unique_id="iamtui-read-only-request")
    return guard


def _refuse(service: str, operation: str) -> NotReadOnlyError:
    return NotReadOnlyError(
        f"{service}:{operation} is not on the read-only list and was not sent",
        "this is a defect of iamtui: it never changes an account",
        action=f"{service}:{operation}",
    )


def _check_sql(service: str, operation: str, parameters: Mapping[str, Any], field: str) -> None:
    """One SELECT, told by the letter: in Trino's grammar what begins with SELECT or WITH is a query and can write nothing. Comments and
    semicolons are not let through, so that nobody can read the beginning otherwise; INTO, a reserved word, is in no query that only reads."""
    text = str(parameters.get(field) or "")
    if not text and "QueryAlias" not in parameters:
        return  # botocore refuses it
    begins = re.match(r"[\s(]*(SELECT|WITH)\b", text, re.IGNORECASE)
    if (
        begins is None
        or any(found["bad"] for found in _SQL.finditer(text))
        or parameters.get("QueryAlias")
        or parameters.get("DeliveryS3Uri")
    ):
        raise NotReadOnlyError(
            f"{service}:{operation} was not sent: its text is not one SELECT",
            "this is a defect of iamtui: it never changes an account",
            action=f"{service}:{operation}",
        )


def _check_call(model: Any, request_signer: Any = None, context: Any = None, **_: Any) -> None:
    service = model.service_model.service_name
    if not allowed(service, model.name):
        raise _refuse(service, model.name)
    if isinstance(context, dict):
        context[_MARK] = (service, model.name)


def _check_request(request: Any, operation_name: str, **_: Any) -> None:
    """The last look: the request carries the mark of the check before, of this very operation."""
    context = getattr(request, "context", None) or {}
    marked = context.get(_MARK)
    if marked is None or marked[1] != operation_name:
        raise _refuse("unknown", operation_name)


# Services and operations whose IAM prefix or action is called otherwise.
_PREFIXES = {"accessanalyzer": "access-analyzer"}
_ACTIONS = {
    ("s3", "ListBuckets"): "ListAllMyBuckets",
    ("s3", "ListObjectsV2"): "ListBucket",
    ("s3", "HeadBucket"): "ListBucket",
    ("accessanalyzer", "ListFindingsV2"): "ListFindings",
    ("accessanalyzer", "GetFindingV2"): "GetFinding",
}


def required_policy() -> dict[str, Any]:
    """The IAM policy iamtui needs: exactly its list, as actions. Exchanging credentials needs no action of one's own,
    except sts:AssumeRole on the role that --role-arn names."""
    actions = [
        f"{_PREFIXES.get(service, service)}:{_ACTIONS.get((service, operation), operation)}"
        for service, operations in READS.items()
        for operation in operations
    ]
    actions += [f"{service}:{operation}" for service, operation in OTHERS if service not in _EXCHANGES]
    return {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "IamtuiReadOnly", "Effect": "Allow", "Action": sorted(set(actions)), "Resource": "*"}],
    }
