"""CloudTrail records in their own shape."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec

from .calls import ACTION_OF, GLOBAL, LOGGED_BUCKET, NULL, Call, call, raw
from .clock import Clock, hours
from .grammar import ACCOUNT
from .ids import unique_id

CONSOLE = "AWS Internal"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
CLI = "aws-cli/2.22.4 md/awscrt#0.23.1 ua/2.0 os/linux#6.8.0 md/arch#x86_64 lang/python#3.12.6 md/pyimpl#CPython cfg/retry-mode#standard"
BOTO = "Boto3/1.35.71 md/Botocore#1.35.71 ua/2.0 os/linux#5.10 md/arch#x86_64 lang/python#3.12.7 exec-env/AWS_ECS_FARGATE Botocore/1.35.71"
JAVA = "aws-sdk-java/2.29.20 md/io#async Linux/5.10.228 OpenJDK_64-Bit_Server_VM/21.0.5+11-LTS Java/21.0.5 exec-env/AWS_Lambda_java21"
GO = "aws-sdk-go-v2/1.32.5 ua/2.1 os/linux lang/go#1.23.3 md/GOOS#linux md/GOARCH#arm64 api/ec2#1.193.0"
TERRAFORM = "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-aws/5.77.0 (+https://registry.terraform.io/providers/hashicorp/aws)"
ACTIONS = "aws-sdk-nodejs/2.1691.0 linux/v20.18.0 configure-aws-credentials-for-github-actions promise"
TOKEN = "IQoJEXAMPLETOKENNOTREAL"

Record = dict[str, Any]
_READ_TIMEOUT = "Client.RequestLimitExceeded"


class Actor(msgspec.Struct, frozen=True):
    """Who signs: the identity as a record shows it, the address and the agent."""

    identity: msgspec.Raw
    arn: str
    ip: str
    agent: str
    key: str = ""
    principal: str = ""


def user_identity(seed: int, name: str, arn: str, key: str, session: str = "", mfa: bool = False) -> dict[str, Any]:
    """`userIdentity` of an IAM user; with a console session when `session` tells when it began."""
    identity: dict[str, Any] = {
        "type": "IAMUser",
        "principalId": unique_id("AIDA", seed, name),
        "arn": arn,
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "userName": name,
    }
    if not key:
        del identity["accessKeyId"]
    if session:
        identity["sessionContext"] = {"attributes": {"creationDate": session, "mfaAuthenticated": "true" if mfa else "false"}}
    return identity


def role_identity(role_id: str, role: str, path: str, session: str, key: str, began: str, **more: Any) -> dict[str, Any]:
    """`userIdentity` of a role session. more: mfa, source_identity, invoked_by, web (webIdFederationData), role_delivery."""
    context: dict[str, Any] = {
        "sessionIssuer": {
            "type": "Role",
            "principalId": role_id,
            "arn": f"arn:aws:iam::{ACCOUNT}:role{path}{role}",
            "accountId": ACCOUNT,
            "userName": role,
        }
    }
    if more.get("web"):
        context["webIdFederationData"] = more["web"]
    context["attributes"] = {"creationDate": began, "mfaAuthenticated": "true" if more.get("mfa") else "false"}
    if more.get("source_identity"):
        context["sourceIdentity"] = more["source_identity"]
    if more.get("role_delivery"):
        context["ec2RoleDelivery"] = more["role_delivery"]
    identity: dict[str, Any] = {
        "type": "AssumedRole",
        "principalId": f"{role_id}:{session}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}",
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "sessionContext": context,
    }
    if more.get("invoked_by"):
        del identity["accessKeyId"]
        identity["invokedBy"] = more["invoked_by"]
    return identity


def credentials(key: str, clock: Clock, day: int, second: int, seconds: int = 3600) -> dict[str, str]:
    """What an AssumeRole answer hands out; CloudTrail writes its dates in American."""
    return {"accessKeyId": key, "sessionToken": TOKEN, "expiration": american(clock, *clock.place(clock.at(day, second) + seconds))}


def american(clock: Clock, day: int, second: int) -> str:
    """`Nov 20, 2024, 2:05:09 PM`, as IAM and STS write dates into responses."""
    date = clock.date(day)
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[int(date[5:7]) - 1]
    hour, minute, sec = hours(second).split(":")
    return f"{month} {int(date[8:])}, {date[:4]}, {(int(hour) + 11) % 12 + 1}:{minute}:{sec} {'AM' if int(hour) < 12 else 'PM'}"


class Writer:
    """Writes records of one day at a time."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self.clock = clock
        self.seed = seed

    def record(
        self,
        actor: Actor,
        operation: Call,
        day: int,
        second: int,
        region: str,
        random: Random,
        *,
        parameters: msgspec.Raw | None = None,
        response: msgspec.Raw | None = None,
        error: tuple[str, str] | None = None,
        event_id: str = "",
    ) -> Record:
        """One API call. Events of global services are in us-east-1 whatever was asked; STS has Regional endpoints."""
        if operation.prefix in GLOBAL and operation.prefix != "sts":
            region = "us-east-1"
        text = f"{random.getrandbits(256):064x}"
        minute, past = divmod(second, 60)
        out: Record = {
            "eventVersion": operation.version,
            "userIdentity": actor.identity,
            "eventTime": f"{self.clock.date(day)}T{_MINUTES[minute]}{past:02}Z",
            "eventSource": operation.source,
            "eventName": operation.name,
            "awsRegion": region,
            "sourceIPAddress": actor.ip,
            "userAgent": actor.agent,
        }
        if error is None and operation.denied:
            error = denied(actor, operation)
        if error is not None:
            out["errorCode"], out["errorMessage"] = error
        out["requestParameters"] = operation.parameters if parameters is None else parameters
        out["responseElements"] = NULL if error is not None else operation.response if response is None else response
        if operation.data or operation.prefix == "s3":
            out["additionalEventData"] = _S3_EXTRA
        out["requestID"] = f"{text[:8]}-{text[8:12]}-4{text[12:15]}-a{text[15:18]}-{text[18:30]}"
        out["eventID"] = event_id or f"{text[32:40]}-{text[40:44]}-4{text[44:47]}-b{text[47:50]}-{text[50:62]}"
        out["readOnly"] = operation.read_only
        if operation.data:
            out["resources"] = _object(out["requestParameters"])
        out["eventType"] = "AwsApiCall"
        out["managementEvent"] = not operation.data
        out["recipientAccountId"] = ACCOUNT
        out["eventCategory"] = "Data" if operation.data else "Management"
        if not actor.ip.endswith(".com") and actor.ip != CONSOLE:
            out["tlsDetails"] = _tls(operation.source, region)
        return out


_MINUTES = [f"{hour:02}:{minute:02}:" for hour in range(24) for minute in range(60)]
_S3_EXTRA = raw(
    {
        "SignatureVersion": "SigV4",
        "CipherSuite": "TLS_AES_128_GCM_SHA256",
        "bytesTransferredIn": 0,
        "AuthenticationMethod": "AuthHeader",
        "x-amz-id-2": "EXAMPLEhostidEXAMPLE=",
        "bytesTransferredOut": 4096,
    }
)
_tls_known: dict[tuple[str, str], msgspec.Raw] = {}


def _tls(source: str, region: str) -> msgspec.Raw:
    found = _tls_known.get((source, region))
    if found is None:
        service = source.split(".")[0]
        host = f"{service}.amazonaws.com" if service in GLOBAL and service != "sts" else f"{service}.{region}.amazonaws.com"
        details = {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": host}
        found = _tls_known[source, region] = raw(details)
    return found


class _Named(msgspec.Struct):
    bucketName: str = LOGGED_BUCKET
    key: str = ""


def _object(parameters: msgspec.Raw) -> list[dict[str, str]]:
    named = msgspec.json.decode(parameters, type=_Named)
    return [
        {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{named.bucketName}/{named.key}"},
        {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{named.bucketName}"},
    ]


def denied(actor: Actor, operation: Call, why: str = "", resource: str = "*") -> tuple[str, str]:
    """Error code and message of a refusal, in AWS's words."""
    action = f"{operation.prefix}:{ACTION_OF.get(operation.name, operation.name)}"
    if operation.prefix == "ec2":
        return (
            "Client.UnauthorizedOperation",
            f"You are not authorized to perform this operation. User: {actor.arn} is not authorized to perform: {action}",
        )
    why = why or f"because no identity-based policy allows the {action} action"
    return "AccessDenied", f"User: {actor.arn} is not authorized to perform: {action} on resource: {resource} {why}"


def throttled(operation: Call) -> tuple[str, str]:
    if operation.prefix == "ec2":
        return _READ_TIMEOUT, "Request limit exceeded."
    return "ThrottlingException", "Rate exceeded"


__all__ = ["Actor", "Record", "Writer", "call", "credentials", "denied", "raw", "role_identity", "throttled", "user_identity"]
