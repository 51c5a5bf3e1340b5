"""Operations to actions: measured against the reference over every operation AWS's service models name, and held to real events."""

from __future__ import annotations

import functools
import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iamtui.policy import operations as module
from iamtui.policy.catalogue import catalogue
from iamtui.policy.operations import Recording, actions_of, observable, prefix_of, recording

DATA = Path(__file__).parents[2] / "../shared/data"
REFERENCE = DATA / "reference/operation_to_actions.json"
needs_reference = pytest.mark.skipif(not REFERENCE.exists(), reason="the reference file is not beside this project")

# The reference names services as AWS's older SDKs do, botocore by service id; these differ by more than blanks and case.
OTHER_NAMES = {
    "cognitoidentityprovider": "cognitoidentityserviceprovider",
    "databasemigrationservice": "dms",
    "elasticsearchservice": "es",
    "forecast": "forecastservice",
    "rdsdata": "rdsdataservice",
    "sfn": "stepfunctions",
    "transcribe": "transcribeservice",
}

# Where AWS's documentation contradicts the reference, we follow AWS: Lex V2 has actions of its own, and two names are misspelt there.
BETTER = re.compile(
    r"LexModelsV2\.|S3\.DeleteBucketIntelligentTieringConfiguration|LakeFormation\.GetWorkUnits|Detective\.ListOrganizationAdminAccounts"
)


def squash(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


@functools.cache
def reference() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(REFERENCE.read_text())
    return found


class _Model(msgspec.Struct):
    metadata: dict[str, Any]
    operations: dict[str, msgspec.Raw]


@functools.cache
def models() -> tuple[tuple[str, str, frozenset[str]], ...]:
    """Service id, a name CloudTrail may use as source, and operations, of every service botocore knows."""
    found = []
    for folder in sorted((Path(botocore.__file__).parent / "data").iterdir()):
        versions = sorted(folder.glob("*/service-2.json*"))
        if not versions:
            continue
        raw = versions[-1].read_bytes()
        model = msgspec.json.decode(gzip.decompress(raw) if versions[-1].suffix == ".gz" else raw, type=_Model)
        endpoint = model.metadata["endpointPrefix"]
        signing = model.metadata.get("signingName") or endpoint
        source = endpoint if signing == "execute-api" else signing
        found.append((model.metadata.get("serviceId") or folder.name, f"{source}.amazonaws.com", frozenset(model.operations)))
    return tuple(found)


def expectations() -> Iterator[tuple[str, str, str, list[str]]]:
    """Service id, event source, operation and what the reference says it needs.

    The reference tells its exceptions among 12,079 operations of 2023; every other operation needs `prefix:Operation`. The models
    in use have all of those whose service still exists, and newer ones, for which the same rule is asked.
    """
    exceptions: dict[tuple[str, str], list[str]] = {}
    for key, actions in reference()["exceptions"].items():
        service, _, operation = key.partition(".")
        exceptions[squash(service), operation] = actions
    free = {(squash(key.split(".")[0]), key.split(".")[1]) for key in reference()["permissionless"]}
    prefixes = {squash(name): prefix for name, prefix in reference()["sdk_service_to_prefix"].items()}
    # Spelt twice there, as `IoT Wireless` (iot) and `IoTWireless` (iotwireless); AWS's prefix is the second.
    prefixes["iotwireless"] = "iotwireless"
    for service, source, operations in models():
        names = (squash(service), OTHER_NAMES.get(squash(service), squash(service)))
        prefix = next((prefixes[name] for name in names if name in prefixes), None) or prefix_of(service)
        if prefix not in catalogue() and not any(name in prefixes for name in names):
            continue  # newer than both the reference and the catalogue
        for operation in operations:
            told = next((exceptions[name, operation] for name in names if (name, operation) in exceptions), None)
            if told is None:
                told = [] if (names[0], operation) in free else [f"{prefix}:{operation}"]
            yield service, source, operation, told


@needs_reference
def test_the_exceptions_are_restated_whole() -> None:
    wrong = {
        key: (actions_of(*key.split(".")), actions)
        for key, actions in reference()["exceptions"].items()
        if sorted(actions_of(*key.split("."))) != sorted(actions)
    }
    assert len(reference()["exceptions"]) == 1_297
    assert {key: pair for key, pair in wrong.items() if not BETTER.match(key)} == {}
    assert len(wrong) < 20


@needs_reference
def test_at_least_99_percent_are_exact() -> None:
    asked = by_service = by_source = 0
    for service, source, operation, told in expectations():
        asked += 1
        by_service += sorted(actions_of(service, operation)) == sorted(told)
        by_source += sorted(actions_of(source, operation)) == sorted(told)
    assert asked >= 12_079
    # Several services can share one event source, so that the name alone does not always tell them apart.
    assert by_service / asked >= 0.995
    assert by_source / asked >= 0.99
    # Whatever stands outside of the 12,079 was right: what is wrong may still not be more than 1 % of those.
    assert asked - by_source <= 120


def test_prefixes_are_those_of_the_catalogue() -> None:
    """A service AWS's models name and the catalogue knows is found under the catalogue's prefix, whatever name it is asked by."""
    known = catalogue()
    spelled = {prefix.replace("-", "") for prefix in known.prefixes}
    unknown = {prefix_of(name) for service, source, _ in models() for name in (service, source) if prefix_of(name) not in known}
    # What is left was retired, or is newer than the catalogue: no other spelling of it is there.
    assert {prefix for prefix in unknown if prefix.replace("-", "") in spelled} == set()
    assert len(unknown) < len(models()) * 0.1


def test_every_rule_names_actions_the_catalogue_knows() -> None:
    known = catalogue()
    _, rules = module._rules()
    named = {action for section in rules.values() for actions in section.values() for action in actions}
    missing = {action for action in named if known.service(action.partition(":")[0]) and not known.action(action)}
    # The reference's names of a few that AWS renamed or withdrew.
    assert len(missing) <= 40
    assert {action for action in missing if not action.startswith(("finspace", "cloud", "codestar", "s3-outposts", "mobile"))} <= {
        "glue:GetPartitionMetadata"
    }


@pytest.mark.parametrize(
    ("source", "name", "actions"),
    [
        ("ec2.amazonaws.com", "TerminateInstances", ("ec2:TerminateInstances",)),
        ("ec2.amazonaws.com", "RunInstances", ("ec2:RunInstances", "iam:PassRole")),
        ("cloudfront.amazonaws.com", "CreateDistribution2020_05_31", ("cloudfront:CreateDistribution",)),
        ("cloudfront.amazonaws.com", "CreateDistributionWithTags2020_05_31", ("cloudfront:CreateDistribution", "cloudfront:TagResource")),
        ("lambda.amazonaws.com", "UpdateFunctionCode20150331v2", ("lambda:UpdateFunctionCode",)),
        ("lambda.amazonaws.com", "Invoke", ("lambda:InvokeFunction",)),
        ("s3.amazonaws.com", "ListBuckets", ("s3:ListAllMyBuckets",)),
        ("s3.amazonaws.com", "GetBucketEncryption", ("s3:GetEncryptionConfiguration",)),
        ("s3.amazonaws.com", "DeleteBucketPublicAccessBlock", ("s3:PutBucketPublicAccessBlock",)),
        ("s3.amazonaws.com", "DeleteAccountPublicAccessBlock", ("s3:PutAccountPublicAccessBlock",)),
        ("s3-outposts.amazonaws.com", "CreateBucket", ("s3-outposts:CreateBucket",)),
        ("s3-outposts.amazonaws.com", "DeleteBucketTagging", ("s3-outposts:PutBucketTagging",)),
        ("monitoring.amazonaws.com", "PutMetricAlarm", ("cloudwatch:PutMetricAlarm",)),
        ("tagging.amazonaws.com", "GetResources", ("tag:GetResources",)),
        ("amazonmq.amazonaws.com", "ListBrokers", ("mq:ListBrokers",)),
        ("rdsdata.amazonaws.com", "ExecuteStatement", ("rds-data:ExecuteStatement",)),
        ("servicecatalog-appregistry.amazonaws.com", "ListApplications", ("servicecatalog:ListApplications",)),
        ("budgets.amazonaws.com", "DescribeBudgets", ("budgets:ViewBudget",)),
        ("apigateway.amazonaws.com", "UpdateRestApi", ("apigateway:PATCH",)),
        ("kms.amazonaws.com", "ReEncrypt", ("kms:ReEncryptFrom", "kms:ReEncryptTo")),
        ("bedrock.amazonaws.com", "Converse", ("bedrock:InvokeModel",)),
        ("sqs.amazonaws.com", "DeleteMessageBatch", ("sqs:DeleteMessage",)),
        ("sts.amazonaws.com", "GetCallerIdentity", ()),
        ("signin.amazonaws.com", "ConsoleLogin", ()),
        ("signin.amazonaws.com", "SwitchRole", ("sts:AssumeRole",)),
        ("sts.amazonaws.com", "AssumeRole", ("sts:AssumeRole",)),
        ("Cognito Identity Provider", "CreateGroup", ("cognito-idp:CreateGroup", "iam:PassRole")),
        ("CognitoIdentityServiceProvider", "CreateGroup", ("cognito-idp:CreateGroup", "iam:PassRole")),
        ("S3 Control", "PutPublicAccessBlock", ("s3:PutAccountPublicAccessBlock",)),
        ("ec2.amazonaws.com.cn", "RunInstances", ("ec2:RunInstances", "iam:PassRole")),
        ("nobody-knows.amazonaws.com", "DoIt", ("nobody-knows:DoIt",)),
    ],
)
def test_what_cloudtrail_calls_things(source: str, name: str, actions: tuple[str, ...]) -> None:
    found = actions_of(source, name)
    assert found[:1] == actions[:1]
    assert sorted(found) == sorted(actions)


def _events(folder: Path) -> Iterator[tuple[str, str, str]]:
    def walk(value: Any) -> Iterator[tuple[str, str, str]]:
        if isinstance(value, dict):
            if "eventSource" in value and "eventName" in value:
                yield value["eventSource"], value["eventName"], value.get("eventType", "")
            for inner in value.values():
                yield from walk(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from walk(inner)

    for path in sorted(folder.rglob("*.json*")):
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for part in raw.splitlines() if path.suffix == ".jsonl" else [raw]:
            yield from walk(json.loads(part))


@pytest.mark.skipif(not DATA.exists(), reason="the recorded events are not beside this project")
def test_recorded_calls_need_actions_that_exist() -> None:
    """Of what attackers really called: every API call's action is in the catalogue, but for those of the console and of services."""
    known = catalogue()
    calls = {(source, name) for source, name, kind in _events(DATA / "cloudtrail") if kind == "AwsApiCall"}
    missing = {(source, name) for source, name in calls for action in actions_of(source, name)[:1] if known.action(action) is None}
    assert len(calls) > 200
    # CloudHSM Classic was withdrawn; the other is the console's own.
    assert {name for _, name in missing} <= {"ListLunaClients", "GetStorageLensDashboardDataInternal"}


@pytest.mark.parametrize(
    ("action", "how"),
    [
        ("iam:PassRole", Recording.NEVER),
        ("IAM:passrole", Recording.NEVER),
        ("sts:TagSession", Recording.NEVER),
        ("bedrock:CallWithBearerToken", Recording.NEVER),
        ("s3:GetObject", Recording.DATA),
        ("s3:GetObjectVersion", Recording.DATA),
        ("s3:ListBucket", Recording.DATA),
        ("lambda:InvokeFunction", Recording.DATA),
        ("dynamodb:PutItem", Recording.DATA),
        ("sns:Publish", Recording.DATA),
        ("ebs:GetSnapshotBlock", Recording.DATA),
        ("s3:ListAllMyBuckets", Recording.MANAGEMENT),
        ("s3:PutBucketPolicy", Recording.MANAGEMENT),
        ("iam:CreateUser", Recording.MANAGEMENT),
        ("kms:Decrypt", Recording.MANAGEMENT),
        ("ec2:RunInstances", Recording.MANAGEMENT),
        ("lambda:CreateFunction", Recording.MANAGEMENT),
        ("apigateway:POST", Recording.MANAGEMENT),
        ("bedrock:InvokeModel", Recording.MANAGEMENT),
        ("sqlworkbench:CreateChart", Recording.UNPUBLISHED),
        ("sso:CreateProfile", Recording.UNPUBLISHED),
    ],
)
def test_how_an_action_is_recorded(action: str, how: Recording) -> None:
    assert recording(action) is how
    assert observable(action) is (how is Recording.MANAGEMENT)


def test_what_is_called_unpublished_is_needed_by_no_operation() -> None:
    """Otherwise an action that does leave events would be hidden from the answer about what is unused."""
    needed = {action for service, source, names in models() for name in names for action in actions_of(service, name)}
    hidden = [action for action in needed if recording(action) is Recording.UNPUBLISHED and catalogue().action(action)]
    # The installed models may have published an operation since the list was made; each is one action of thousands.
    assert len(hidden) < len(needed) * 0.001


def test_a_promise_of_events_is_kept_by_the_models() -> None:
    """An action that is said to be a management event is one some published operation needs, or newer than the models."""
    needed = {
        action.lower()
        for service, source, names in models()
        for name in names
        for asked in (service, source)
        for action in actions_of(asked, name)
    }
    _, rules = module._rules()
    needed |= {action.lower() for section in rules.values() for actions in section.values() for action in actions}
    known = catalogue()
    promised = [
        f"{prefix}:{action.name}"
        for prefix in known.prefixes
        for service in (known.service(prefix),)
        if service is not None
        for action in service.actions
        if observable(f"{prefix}:{action.name}")
    ]
    broken = [action for action in promised if action.lower() not in needed]
    assert len(promised) > 15_000
    # Services that were withdrawn from the models since.
    assert len(broken) < len(promised) * 0.03


def test_recording_lists_name_actions_that_exist() -> None:
    known = catalogue()
    for _, table in module._recordings():
        for prefix, pattern in table.items():
            service = known.service(prefix)
            if prefix == "*" or service is None:
                continue
            assert any(pattern.fullmatch(name) for name in service.lowered), prefix


@given(st.text(), st.text())
def test_any_text_is_an_answer(source: str, name: str) -> None:
    found = actions_of(source, name)
    assert all(action.count(":") >= 1 for action in found)
    recording(source + name)
    prefix_of(source)


def test_importing_reads_no_file() -> None:
    code = (
        "import builtins, iamtui.policy\nopened = []\nreal = builtins.open\n"
        "builtins.open = lambda *a, **k: (opened.append(str(a[0])), real(*a, **k))[1]\n"
        "import iamtui.policy.operations\nprint([name for name in opened if name.endswith('.json')])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == "[]"
