"""Policies of resources, read service by service and Region by Region: S3, SQS, SNS, KMS, Lambda, Secrets Manager, ECR.

Resources without a policy are many; they leave nothing. What is refused is one gap a service and Region, with how many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from ...model.document import Gap, Kind
from ..base import Cancelled, Item, Step
from .calls import Caller
from .connection import code_of

_AT_ONCE = 8
_NONE = frozenset(
    (
        "NoSuchBucketPolicy",
        "NoSuchBucket",
        "ResourceNotFoundException",
        "RepositoryPolicyNotFoundException",
        "NotFound",
        "NotFoundException",
    )
)
"""Error codes that mean: there is no policy, or the resource has gone meanwhile."""


class _Thing(NamedTuple):
    """One resource: what to ask with, its ARN, and the Region it is asked in."""

    name: str
    arn: str
    region: str


class _Service(NamedTuple):
    """How a service's resources and their policies are read. `listing` and `getting` are IAM actions, for messages."""

    name: str
    listing: str
    getting: str
    things: Callable[[Any, str, str], Iterator[_Thing]]
    policy: Callable[[Any, _Thing], str]
    everywhere: bool = False


def _pages(client: Any, operation: str, key: str, **asked: Any) -> Iterator[Any]:
    for page in client.get_paginator(operation).paginate(**asked):
        yield from page.get(key) or ()


def _buckets(client: Any, region: str, partition: str) -> Iterator[_Thing]:
    more: dict[str, str] = {}
    while True:
        answer = client.list_buckets(MaxBuckets=1000, **more)
        for bucket in answer.get("Buckets") or ():
            yield _Thing(bucket["Name"], f"arn:{partition}:s3:::{bucket['Name']}", bucket.get("BucketRegion") or region)
        if not answer.get("ContinuationToken"):
            return
        more = {"ContinuationToken": answer["ContinuationToken"]}


def _queues(client: Any, region: str, partition: str) -> Iterator[_Thing]:
    for url in _pages(client, "list_queues", "QueueUrls"):
        account, name = url.rstrip("/").rsplit("/", 2)[-2:]
        yield _Thing(url, f"arn:{partition}:sqs:{region}:{account}:{name}", region)


def _by_arn(operation: str, key: str, field: str, name: str = "") -> Callable[[Any, str, str], Iterator[_Thing]]:
    """Things of a listing that names ARNs; asked for by `name` where the getter wants another field."""

    def things(client: Any, region: str, partition: str) -> Iterator[_Thing]:
        for entry in _pages(client, operation, key):
            yield _Thing(str(entry[name or field]), str(entry[field]), region)

    return things


SERVICES: tuple[_Service, ...] = (
    _Service(
        "s3",
        "s3:ListAllMyBuckets",
        "s3:GetBucketPolicy",
        _buckets,
        lambda client, thing: str(client.get_bucket_policy(Bucket=thing.name)["Policy"]),
        everywhere=True,
    ),
    _Service(
        "sqs",
        "sqs:ListQueues",
        "sqs:GetQueueAttributes",
        _queues,
        lambda client, thing: _attribute(client.get_queue_attributes(QueueUrl=thing.name, AttributeNames=["Policy"])),
    ),
    _Service(
        "sns",
        "sns:ListTopics",
        "sns:GetTopicAttributes",
        _by_arn("list_topics", "Topics", "TopicArn"),
        lambda client, thing: _attribute(client.get_topic_attributes(TopicArn=thing.arn)),
    ),
    _Service(
        "kms",
        "kms:ListKeys",
        "kms:GetKeyPolicy",
        _by_arn("list_keys", "Keys", "KeyArn"),
        lambda client, thing: str(client.get_key_policy(KeyId=thing.arn, PolicyName="default")["Policy"]),
    ),
    _Service(
        "lambda",
        "lambda:ListFunctions",
        "lambda:GetPolicy",
        _by_arn("list_functions", "Functions", "FunctionArn"),
        lambda client, thing: str(client.get_policy(FunctionName=thing.arn)["Policy"]),
    ),
    _Service(
        "secretsmanager",
        "secretsmanager:ListSecrets",
        "secretsmanager:GetResourcePolicy",
        _by_arn("list_secrets", "SecretList", "ARN"),
        lambda client, thing: str(client.get_resource_policy(SecretId=thing.arn).get("ResourcePolicy") or ""),
    ),
    _Service(
        "ecr",
        "ecr:DescribeRepositories",
        "ecr:GetRepositoryPolicy",
        _by_arn("describe_repositories", "repositories", "repositoryArn", "repositoryName"),
        lambda client, thing: str(client.get_repository_policy(repositoryName=thing.name)["policyText"]),
    ),
)


def _attribute(answer: dict[str, Any]) -> str:
    return str((answer.get("Attributes") or {}).get("Policy") or "")


def read_resource_policies(caller: Caller, regions: tuple[str, ...], cancelled: Cancelled) -> Iterator[Item]:
    """A RESOURCE_POLICIES document a service and Region, a Step before each; refusals as gaps."""
    places = [(service, region) for service in SERVICES for region in (regions[:1] if service.everywhere else regions)]
    for number, (service, region) in enumerate(places):
        if cancelled():
            return
        yield Step(
            f"policies of {service.name} in {region}" if not service.everywhere else f"policies of {service.name}", number, len(places)
        )
        yield from _read(caller, service, region, cancelled)


def _read(caller: Caller, service: _Service, region: str, cancelled: Cancelled) -> Iterator[Item]:
    client = caller.connection.client(service.name, region)
    try:
        things = list(service.things(client, region, client.meta.partition))
    except Exception as error:
        yield caller.gap(Kind.RESOURCE_POLICIES, service.listing, error, region=region, key=service.name)
        return
    found: list[dict[str, str]] = []
    refused: list[tuple[_Thing, Exception]] = []

    def one(thing: _Thing) -> tuple[_Thing, str, Exception | None]:
        if cancelled():
            return thing, "", None
        try:
            return thing, service.policy(caller.connection.client(service.name, thing.region), thing), None
        except Exception as error:
            return thing, "", None if code_of(error) in _NONE else error

    with ThreadPoolExecutor(_AT_ONCE, "policies") as pool:
        for thing, policy, refusal in pool.map(one, things):
            if refusal is not None:
                refused.append((thing, refusal))
            elif policy:
                found.append({"Resource": thing.arn, "Account": caller.account, "Policy": policy})
    if cancelled():
        return
    if refused:
        yield _refusal(caller, service, region, refused, len(things))
    yield caller.document(Kind.RESOURCE_POLICIES, service.getting, _listed(found), key=service.name, region=region, complete=not refused)


def _refusal(caller: Caller, service: _Service, region: str, refused: list[tuple[_Thing, Exception]], count: int) -> Gap:
    import msgspec

    thing, error = refused[0]
    gap = caller.gap(Kind.RESOURCE_POLICIES, service.getting, error, region=region, key=service.name)
    return msgspec.structs.replace(gap, reason=f"{len(refused)} of {count} policies of {service.name}, first {thing.arn}: {gap.reason}")


def _listed(found: list[dict[str, str]]) -> bytes:
    import msgspec

    return msgspec.json.encode(found)


def read_resource_policy(caller: Caller, arn: str) -> Iterator[Item]:
    """The policy of the one resource an ARN names, where it is of a service that is read; objects are their bucket's."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or "*" in arn or "?" in arn:
        return
    service = next((one for one in SERVICES if one.name == parts[2]), None)
    if service is None or (parts[4] and parts[4] != caller.account):
        return
    whole = arn.partition("/")[0] if service.name == "s3" else arn
    region = parts[3] or caller.connection.region
    client = caller.connection.client(service.name, region)
    try:
        policy = service.policy(client, _Thing(_asked_by(client, service.name, parts), whole, region))
    except Exception as error:
        if code_of(error) not in _NONE:
            yield caller.gap(Kind.RESOURCE_POLICIES, service.getting, error, key=whole, region=region)
            return
        policy = ""
    found = [{"Resource": whole, "Account": caller.account, "Policy": policy}] if policy else []
    yield caller.document(Kind.RESOURCE_POLICIES, service.getting, _listed(found), key=whole, region=region)


def _asked_by(client: Any, service: str, parts: list[str]) -> str:
    """What a resource of an ARN is asked for by: a bucket's or repository's name, a queue's address."""
    if service == "s3":
        return parts[5].partition("/")[0]
    if service == "sqs":
        return f"{client.meta.endpoint_url.rstrip('/')}/{parts[4]}/{parts[5]}"
    return parts[5].partition("/")[2] if service == "ecr" else ":".join(parts)
