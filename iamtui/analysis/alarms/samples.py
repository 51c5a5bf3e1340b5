"""Sample events: what CloudTrail writes of a call nobody has made yet.

Each of the IAM actions that write (from the catalogue's access levels), and the events of CIS monitoring, in the variants on which
patterns decide: gone through and refused, by a user, a role and root, and a user who grants itself an administrator's rights. What
nobody can know beforehand (addresses, names, ids, times) is `Free`: a pattern that asks for it depends on it.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from ...model.finding import Severity
from ..classing import class_of_name
from .told import Free

GLOBAL_REGION = "us-east-1"
GLOBAL_SOURCES = frozenset({"iam", "sts", "signin", "organizations", "cloudfront", "route53"})
"""Services whose events are recorded in us-east-1 only (sts: of the global endpoint)."""

ADMIN_POLICY = "arn:aws:iam::aws:policy/AdministratorAccess"
_GRAVE = (Severity.HIGH, Severity.CRITICAL)


class Control(msgspec.Struct, frozen=True):
    """One CIS monitoring control that is about names of events."""

    id: str
    title: str
    source: str
    events: tuple[str, ...]


class Sample(msgspec.Struct, frozen=True):
    """One sample.

    case:     what sets this variant apart: `by a user`, `by a role`, `by root`, `refused`, `grants itself admin` …
    region:   where CloudTrail records it; "" for a Regional service, which is recorded where it was called
    record:   the CloudTrail record, values nobody knows beforehand as Free; `region` is filled in with `in_region`
    """

    event: str
    source: str
    case: str
    region: str
    record: dict[str, Any]

    def in_region(self, region: str) -> dict[str, Any]:
        """The record as it is written in a Region."""
        return {**self.record, "awsRegion": region}

    @property
    def refused(self) -> bool:
        return "errorCode" in self.record or self.case == "failed"


class Watched(msgspec.Struct, frozen=True):
    """An event somebody may want to hear of, with its samples.

    key:       `iam:DeleteUser`, `signin:ConsoleLogin without MFA`, `root`, `refused`
    controls:  CIS controls that ask for it
    sensitive: whether an audit expects somebody to hear of it
    recorded:  "" when CloudTrail records it; else why there is no event to wait for
    """

    key: str
    event: str
    title: str
    about: str
    severity: Severity | None
    sensitive: bool
    samples: tuple[Sample, ...] = ()
    controls: tuple[str, ...] = ()
    recorded: str = ""


@cache
def controls() -> tuple[Control, ...]:
    """CIS monitoring controls that name events."""
    text = files(__package__).joinpath("cis.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text)["control"], tuple[Control, ...])


@cache
def iam_writes() -> tuple[str, ...]:
    """The IAM actions that write: permissions management, write and tagging of the catalogue, without prefix."""
    from ...policy.catalogue import AccessLevel, catalogue

    levels = (AccessLevel.WRITE, AccessLevel.PERMISSIONS, AccessLevel.TAGGING)
    service = catalogue().service("iam")
    return tuple(action.name for action in service.actions if action.level in levels) if service is not None else ()


@cache
def watched(account: str) -> tuple[Watched, ...]:
    """Everything coverage is asked about, the account's number in it: sign-in and root, IAM, then the other services."""
    names: dict[tuple[str, str], list[str]] = {}
    for control in controls():
        for event in control.events:
            names.setdefault((control.source, event), []).append(control.id)
    found = list(_special(account))
    for name in iam_writes():
        found.append(_named(account, "iam", name, tuple(names.pop(("iam", name), ()))))
    found.extend(_named(account, source, name, tuple(ids)) for (source, name), ids in names.items())
    return tuple(found)


def watched_event(account: str, event: str, source: str = "") -> Watched:
    """Any event by name, for one that is on no list. `source`: `ec2` or `ec2.amazonaws.com`."""
    return _named(account, source.removesuffix(".amazonaws.com") or "iam", event, ())


def _named(account: str, source: str, name: str, ids: tuple[str, ...]) -> Watched:
    from ...policy.operations import Recording, recording

    weight = class_of_name(f"{source}.amazonaws.com", name, False)
    key, about = f"{source}:{name}", weight.about or "other"
    title = weight.why[0] if weight.why else "writes"
    named = bool(ids) and source != "organizations"  # of the organisation only its management account has events
    weighty = weight.severity in _GRAVE or (bool(weight.about) and source == "iam" and weight.severity is not Severity.LOW)
    how = recording(key) if source == "iam" else Recording.MANAGEMENT
    if how is Recording.NEVER:
        why = "CloudTrail never records it: it is checked inside another call"
        return Watched(key, name, title, about, weight.severity, False, (), ids, why)
    made = tuple(_samples(account, source, name))
    why = "no public operation of that name: whether it is recorded is not documented" if how is Recording.UNPUBLISHED else ""
    return Watched(key, name, title, about, weight.severity, (named or weighty) and not why, made, ids, why)


# -- records ------------------------------------------------------------------------------------------------------------


def _free(example: str) -> Free:
    return Free(example)


def _user(account: str) -> dict[str, Any]:
    return {
        "type": "IAMUser",
        "principalId": _free("AIDAEXAMPLESAMPLE0001"),
        "arn": _free(f"arn:aws:iam::{account}:user/sample"),
        "accountId": account,
        "accessKeyId": _free("AKIAEXAMPLESAMPLE001"),
        "userName": _free("sample"),
    }


def _role(account: str) -> dict[str, Any]:
    return {
        "type": "AssumedRole",
        "principalId": _free("AROAEXAMPLESAMPLE0001:session"),
        "arn": _free(f"arn:aws:sts::{account}:assumed-role/sample/session"),
        "accountId": account,
        "accessKeyId": _free("ASIAEXAMPLESAMPLE001"),
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": _free("AROAEXAMPLESAMPLE0001"),
                "arn": _free(f"arn:aws:iam::{account}:role/sample"),
                "accountId": account,
                "userName": _free("sample"),
            },
            "attributes": {"creationDate": _free("2026-01-15T11:00:00Z"), "mfaAuthenticated": _free("false")},
        },
    }


def _root(account: str) -> dict[str, Any]:
    return {
        "type": "Root",
        "principalId": account,
        "arn": f"arn:aws:iam::{account}:root",
        "accountId": account,
        "accessKeyId": _free("ASIAEXAMPLESAMPLE002"),
        "sessionContext": {"attributes": {"creationDate": _free("2026-01-15T11:00:00Z"), "mfaAuthenticated": _free("true")}},
    }


def _record(account: str, source: str, name: str, identity: dict[str, Any], request: Any, **more: Any) -> dict[str, Any]:
    return {
        "eventVersion": _free("1.11"),
        "userIdentity": identity,
        "eventTime": _free("2026-01-15T12:00:00Z"),
        "eventSource": f"{source}.amazonaws.com",
        "eventName": name,
        "awsRegion": GLOBAL_REGION,
        "sourceIPAddress": _free("198.51.100.7"),
        "userAgent": _free("aws-cli/2.22.4"),
        "requestParameters": request,
        "responseElements": None,
        "requestID": _free("00000000-0000-4000-8000-000000000001"),
        "eventID": _free("00000000-0000-4000-8000-000000000002"),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
        **more,
    }


def _samples(account: str, source: str, name: str) -> list[Sample]:
    region = GLOBAL_REGION if source in GLOBAL_SOURCES else ""
    request = _request(account, source, name)
    denied = {"errorCode": "Client.UnauthorizedOperation" if source == "ec2" else "AccessDenied", "errorMessage": _free("not authorized")}

    def sample(case: str, identity: dict[str, Any], asked: Any = request, **more: Any) -> Sample:
        return Sample(name, source, case, region, _record(account, source, name, identity, asked, **more))

    made = [sample("by a user", _user(account)), sample("by a role", _role(account)), sample("by root", _root(account))]
    if source == "iam":
        made.extend(_self_grants(account, name, sample))
    made.append(sample("refused", _user(account), **denied))
    return made


def _self_grants(account: str, name: str, sample: Any) -> list[Sample]:
    """A user or role that gives itself an administrator's rights: its own name is in the request."""
    document = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    user, role = _user(account), _role(account)
    issuer = role["sessionContext"]["sessionIssuer"]["userName"]
    requests: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "AttachUserPolicy": (user, {"userName": user["userName"], "policyArn": ADMIN_POLICY}),
        "PutUserPolicy": (user, {"userName": user["userName"], "policyName": _free("more"), "policyDocument": document}),
        "AttachGroupPolicy": (user, {"groupName": _free("sample"), "policyArn": ADMIN_POLICY}),
        "AttachRolePolicy": (role, {"roleName": issuer, "policyArn": ADMIN_POLICY}),
        "PutRolePolicy": (role, {"roleName": issuer, "policyName": _free("more"), "policyDocument": document}),
    }
    if name not in requests:
        return []
    identity, asked = requests[name]
    return [sample("grants itself admin" if "Group" not in name else "gives a group admin", identity, asked)]


def _request(account: str, source: str, name: str) -> Any:
    """Request parameters by what the operation is about; their values are the caller's choice."""
    if source != "iam":
        return {"name": _free("sample")}
    found: dict[str, Any] = {}
    about = {
        "User": ("userName", "sample"),
        "LoginProfile": ("userName", "sample"),
        "AccessKey": ("userName", "sample"),
        "SSHPublicKey": ("userName", "sample"),
        "SigningCertificate": ("userName", "sample"),
        "ServiceSpecificCredential": ("userName", "sample"),
        "MFADevice": ("userName", "sample"),
        "Role": ("roleName", "sample"),
        "AssumeRolePolicy": ("roleName", "sample"),
        "Group": ("groupName", "sample"),
        "InstanceProfile": ("instanceProfileName", "sample"),
        "SAMLProvider": ("sAMLProviderArn", f"arn:aws:iam::{account}:saml-provider/sample"),
        "OpenIDConnectProvider": ("openIDConnectProviderArn", f"arn:aws:iam::{account}:oidc-provider/sample"),
        "ServerCertificate": ("serverCertificateName", "sample"),
    }
    for word, (parameter, example) in about.items():
        if word in name:
            found[parameter] = _free(example)
    if name.startswith(("Attach", "Detach", "CreatePolicy", "DeletePolicy", "SetDefault", "TagPolicy", "UntagPolicy")):
        found["policyArn"] = _free(f"arn:aws:iam::{account}:policy/sample")
    if name.startswith(("Put", "CreatePolicy", "UpdateAssume")):
        found["policyDocument"] = _free("{}")
    if name.startswith(("PutUserPolicy", "PutRolePolicy", "PutGroupPolicy", "DeleteUserPolicy", "DeleteRolePolicy", "DeleteGroupPolicy")):
        found["policyName"] = _free("sample")
    return found or None


def _special(account: str) -> list[Watched]:
    """What CIS monitoring asks for beyond names: refused calls, root, sign-in."""

    def login(case: str, identity: dict[str, Any], **more: Any) -> Sample:
        extra = {"LoginTo": _free("https://console.aws.amazon.com/"), "MobileVersion": "No", "MFAUsed": more.pop("mfa", "No")}
        record = _record(account, "signin", "ConsoleLogin", identity, None, eventType="AwsConsoleSignIn", additionalEventData=extra, **more)
        return Sample("ConsoleLogin", "signin", case, GLOBAL_REGION, record)

    good, bad = {"ConsoleLogin": "Success"}, {"ConsoleLogin": "Failure"}
    user, root = _user(account), _root(account)
    for identity in (user, root):
        identity.pop("accessKeyId")
    failed = {"responseElements": bad, "errorMessage": "Failed authentication"}
    call = _record(account, "iam", "ListUsers", _root(account), None, readOnly=True)
    write = _record(account, "iam", "CreateUser", _root(account), {"userName": _free("sample")})
    refused = {"errorCode": "AccessDenied", "errorMessage": _free("not authorized")}
    unauthorized = {**refused, "errorCode": "Client.UnauthorizedOperation"}
    return [
        Watched(
            "root",
            "root",
            "the root user did something",
            "root",
            Severity.HIGH,
            True,
            (
                login("signs in", root, mfa="Yes", responseElements=good),
                Sample("CreateUser", "iam", "a write", GLOBAL_REGION, write),
                Sample("ListUsers", "iam", "a read", GLOBAL_REGION, call),
            ),
            ("4.3",),
        ),
        Watched(
            "login-without-mfa",
            "ConsoleLogin",
            "a console login without MFA",
            "sign-in",
            Severity.HIGH,
            True,
            (login("by a user, without MFA", user, responseElements=good),),
            ("4.2",),
        ),
        Watched(
            "login-failed",
            "ConsoleLogin",
            "a console login failed",
            "sign-in",
            Severity.MEDIUM,
            True,
            (login("failed", user, **failed), login("failed, root", root, **failed)),
            ("4.6",),
        ),
        Watched(
            "refused",
            "AccessDenied",
            "a call was refused",
            "other",
            Severity.LOW,
            True,
            (
                Sample(
                    "GetAccountAuthorizationDetails",
                    "iam",
                    "AccessDenied",
                    GLOBAL_REGION,
                    _record(account, "iam", "GetAccountAuthorizationDetails", _user(account), None, readOnly=True, **refused),
                ),
                Sample(
                    "RunInstances",
                    "ec2",
                    "UnauthorizedOperation",
                    "",
                    _record(account, "ec2", "RunInstances", _user(account), {"instanceType": _free("m5.large")}, **unauthorized),
                ),
            ),
            ("4.1",),
        ),
    ]


def envelopes(record: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """The record as EventBridge gets it. The user guide spells the kind of sign-in events in two ways, so both are given."""
    source = str(record.get("eventSource", "")).removesuffix(".amazonaws.com")
    kinds = {
        "AwsConsoleSignIn": ("AWS Console Sign In via CloudTrail", "AWS Console Signin via CloudTrail"),
        "AwsServiceEvent": ("AWS Service Event via CloudTrail",),
        "AwsConsoleAction": ("AWS Console Action via CloudTrail",),
    }.get(str(record.get("eventType")), ("AWS API Call via CloudTrail",))
    return tuple(
        {
            "version": "0",
            "id": Free("00000000-0000-4000-8000-000000000003"),
            "detail-type": kind,
            "source": f"aws.{source}",
            "account": record.get("recipientAccountId", ""),
            "time": record.get("eventTime", ""),
            "region": record.get("awsRegion", ""),
            "resources": [],
            "detail": record,
        }
        for kind in kinds
    )
