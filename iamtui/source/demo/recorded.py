"""What AWS Config recorded of the demo account: the history of some identities, and the recorders of its Regions.

Items come minutes after the change, documents URL-encoded, as GetResourceConfigHistory tells them.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from .account import policy_arn, user_arn
from .clock import Clock
from .grammar import ACCOUNT, REGIONS, trust_aws
from .ids import unique_id
from .people import USERS
from .roles import Role, all_roles

OFF_FROM, OFF_TO = 52, 50
"""Days between which the recorder was off."""
_BASELINE = (OFF_TO, 36_420)


def histories(clock: Clock, seed: int) -> dict[str, list[dict[str, Any]]]:
    """Items by ARN, newest first: a user who was given admin, a role whose inline policy was written, one whose trust was rewritten."""
    roles = {role.name: role for role in all_roles()}
    dubois = next(user for user in USERS if user.name == "t.dubois")
    arn = user_arn(dubois)
    user_id = unique_id("AIDA", seed, dubois.name)

    def user(attached: str) -> dict[str, Any]:
        return {
            "path": dubois.path,
            "userName": dubois.name,
            "userId": user_id,
            "arn": arn,
            "createDate": clock.event_time(dubois.age, dubois.second),
            "userPolicyList": [],
            "groupList": dubois.groups.split(),
            "attachedManagedPolicies": [{"policyName": name, "policyArn": policy_arn(name)} for name in attached.split()],
            "tags": [],
        }

    def written(role: Role, trust: Any, inline: dict[str, Any]) -> dict[str, Any]:
        return {
            "path": role.path,
            "roleName": role.name,
            "roleId": unique_id("AROA", seed, role.name),
            "arn": _role_arn(role),
            "createDate": clock.event_time(role.age, role.second),
            "assumeRolePolicyDocument": _encoded(trust),
            "instanceProfileList": [],
            "rolePolicyList": [{"policyName": name, "policyDocument": _encoded(text)} for name, text in inline.items()],
            "attachedManagedPolicies": [{"policyName": name, "policyArn": policy_arn(name)} for name in role.attached.split()],
            "tags": [],
        }

    resize, support = roles["image-resize"], roles["support-readonly"]
    fixed = {name: text for name, text in resize.inline.items() if name != "temporary-fix"}
    before = trust_aws(f"arn:aws:iam::{ACCOUNT}:root")
    return {
        arn: [
            _item(clock, "AWS::IAM::User", arn, user_id, (20, 51_094), user(dubois.attached)),
            _item(clock, "AWS::IAM::User", arn, user_id, _BASELINE, user("")),
        ],
        _role_arn(resize): [
            _item(clock, "AWS::IAM::Role", _role_arn(resize), unique_id("AROA", seed, resize.name), (12, 72_014), written(resize, resize.trust, resize.inline)),
            _item(clock, "AWS::IAM::Role", _role_arn(resize), unique_id("AROA", seed, resize.name), _BASELINE, written(resize, resize.trust, fixed)),
        ],
        _role_arn(support): [
            _item(clock, "AWS::IAM::Role", _role_arn(support), unique_id("AROA", seed, support.name), (6, 10_003), written(support, support.trust, support.inline)),
            _item(clock, "AWS::IAM::Role", _role_arn(support), unique_id("AROA", seed, support.name), _BASELINE, written(support, before, support.inline)),
        ],
    }  # fmt: skip


def recorders(clock: Clock) -> dict[str, dict[str, Any]]:
    """Recorders and their state by Region: one records IAM and was off for two days, the others leave IAM out, one is not there."""
    found: dict[str, dict[str, Any]] = {}
    for region in REGIONS[:-1]:
        home = region == "us-east-1"
        group = {"allSupported": True, "includeGlobalResourceTypes": home, "resourceTypes": []}
        status: dict[str, Any] = {
            "name": "default",
            "recording": True,
            "lastStatus": "SUCCESS",
            "lastStartTime": clock.event_time(OFF_TO if home else 700, 36_120),
        }
        if home:
            status["lastStopTime"] = clock.event_time(OFF_FROM, 61_260)
        found[region] = {
            "ConfigurationRecorders": [
                {"name": "default", "recordingGroup": {**group, "recordingStrategy": {"useOnly": "ALL_SUPPORTED_RESOURCE_TYPES"}}}
            ],
            "ConfigurationRecordersStatus": [status],
        }
    found[REGIONS[-1]] = {"ConfigurationRecorders": [], "ConfigurationRecordersStatus": []}
    return found


def _role_arn(role: Role) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role{role.path}{role.name}"


def _encoded(document: Any) -> str:
    return quote(msgspec.json.encode(document).decode(), safe="")


def _item(clock: Clock, kind: str, arn: str, unique: str, at: tuple[int, int], configuration: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "1.3",
        "accountId": ACCOUNT,
        "configurationItemCaptureTime": clock.event_time(*at),
        "configurationItemStatus": "OK",
        "configurationStateId": str(clock.at(*at) * 1000),
        "arn": arn,
        "resourceType": kind,
        "resourceId": unique,
        "resourceName": arn.rpartition("/")[2],
        "awsRegion": "global",
        "availabilityZone": "Not Applicable",
        "resourceCreationTime": configuration["createDate"],
        "tags": {},
        "relatedEvents": [],
        "relationships": [],
        "configuration": msgspec.json.encode(configuration).decode(),
        "supplementaryConfiguration": {},
    }
