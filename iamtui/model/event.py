"""CloudTrail events and the actor each belongs to."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

DENIED_CODES = (
    "AccessDenied|UnauthorizedOperation|NotAuthorized|AuthorizationError|UnauthorizedAccess|AccessDeniedException|Forbidden|"
    "OperationNotPermitted"
)
"""Error codes that mean a refusal, as a regular expression; letters of either case."""

OTHER_TIMES = ("EventTime", "time", "createTime", "startTime", "timestamp", "@timestamp", "requestTime")
"""Fields a record without eventTime may tell its time in, the best first."""

TARGET_FIELDS = (
    "userName",
    "roleName",
    "groupName",
    "policyName",
    "policyArn",
    "roleArn",
    "instanceProfileName",
    "bucketName",
    "keyId",
    "accessKeyId",
    "secretId",
    "functionName",
    "instanceId",
    "dBInstanceIdentifier",
    "stackName",
    "trailName",
    "name",
    "resourceArn",
    "targetArn",
    "topicArn",
    "queueUrl",
    "tableName",
    "logGroupName",
    "serialNumber",
    "sAMLProviderArn",
    "openIDConnectProviderArn",
    "clusterName",
    "repositoryName",
    "detectorId",
    "documentName",
    "snapshotId",
)
"""Request parameters that name what is acted on, the most telling first."""


class ActorKind(StrEnum):
    USER = "user"
    ROLE = "role"
    ROOT = "root"
    FEDERATED = "federated user"
    SAML = "SAML"
    WEB_IDENTITY = "web identity"
    IDENTITY_CENTER = "Identity Center"
    SERVICE = "AWS service"
    ACCOUNT = "other account"
    UNKNOWN = "unknown"


class Actor(msgspec.Struct, frozen=True, gc=False):
    """Who made the call, as far as this one event tells.

    arn:             the identity: user ARN, or the session issuer's ARN for a session; "" when not told
    unique_id:       AIDA…/AROA… of that identity, "" when not told
    session_name:    role session name, "" when there is none
    access_key_id:   the key that signed, "" when not told
    source_identity: sts source identity
    concluded:       how it was concluded (`userIdentity.arn`, `session issuer`, `principalId` …)
    """

    kind: ActorKind
    name: str
    arn: str = ""
    account: str = ""
    unique_id: str = ""
    session_name: str = ""
    access_key_id: str = ""
    source_identity: str = ""
    concluded: str = ""


class Outcome(StrEnum):
    SUCCESS = "success"
    DENIED = "denied"
    FAILED = "failed"
    UNKNOWN = "unknown"  # neither errorCode nor a response that tells


class Event(msgspec.Struct, frozen=True, gc=False):
    """One CloudTrail record.

    time:       eventTime in UTC; None when the record has none and no other timestamp
    time_from:  field the time was taken from when it is not `eventTime`
    targets:    what was acted on: names and ARNs from `resources` and well-known request parameters
    record:     the record as JSON text, with secrets and session tokens dropped
    excerpt:    True when `record` holds only what the event's class is told by; the session has the whole of it
    """

    event_id: str
    time: datetime | None
    name: str
    source: str
    region: str
    account: str
    actor: Actor
    outcome: Outcome
    read_only: bool | None
    record: str
    targets: tuple[str, ...] = ()
    error_code: str = ""
    error_message: str = ""
    ip: str = ""
    user_agent: str = ""
    time_from: str = ""
    session_key_id: str = ""  # key handed out by an AssumeRole* / GetSessionToken answer (ASIA…), for following sessions
    origin: str = ""
    excerpt: bool = False

    @property
    def service(self) -> str:
        """`iam` of `iam.amazonaws.com`."""
        return self.source.removesuffix(".amazonaws.com")


class WindowState(StrEnum):
    COVERED = "covered"
    PARTIAL = "partial"
    DENIED = "denied"
    FAILED = "failed"
    THROTTLED = "throttled"
    RUNNING = "running"


class Window(msgspec.Struct, frozen=True):
    """What has been covered of one Region (or file set): from..to, both UTC, and how it went.

    asked: the lookup attribute, `ResourceName=audit`; "" for everything
    rate:  requests a second just now, 0 when not known
    left:  seconds until the rest is covered, at the pace so far; None when not known
    """

    region: str
    state: WindowState
    since: datetime | None = None
    until: datetime | None = None
    reason: str = ""
    requests: int = 0
    events: int = 0
    asked: str = ""
    rate: float = 0.0
    left: float | None = None


class Activity(msgspec.Struct, frozen=True, eq=False):
    """Events of one question, newest first (events without a time last), and what has been covered to find them."""

    events: tuple[Event, ...] = ()
    windows: tuple[Window, ...] = ()
    notes: tuple[str, ...] = ()  # limits in words: management events only, 90 days, …
    running: bool = False
    total: int | None = None  # matching events when `events` is a limited part of them
