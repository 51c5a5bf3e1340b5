"""AWS Config: an identity or policy as it was recorded at a moment, and the recorders that do it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from .fact import State

TYPES = {"AWS::IAM::User": "user", "AWS::IAM::Role": "role", "AWS::IAM::Group": "group", "AWS::IAM::Policy": "policy"}
"""Config's types of IAM, with our words."""


class ConfigItem(msgspec.Struct, frozen=True):
    """One configuration item of an IAM resource.

    target:    `user`, `role`, `group`, `policy`
    captured:  when Config wrote it down, UTC: after the change, by minutes to hours
    status:    `OK`, `ResourceDiscovered`, `ResourceDeleted`, `ResourceNotRecorded` …
    state_id:  configurationStateId
    documents: inline policies (name, JSON text), sorted by name; of a policy (version id, JSON text)
    attached:  ARNs of attached managed policies, sorted
    groups:    of a user, by name; None when not told
    trust:     of a role, JSON text
    boundary:  ARN, "" for none
    default:   of a policy, version id in force
    made:      of a policy, when the version in force was made
    broken:    why the configuration could not be read, "" when it could
    """

    target: str
    resource_id: str
    name: str
    arn: str
    account: str
    captured: datetime | None
    status: str
    state_id: str = ""
    region: str = ""
    created: datetime | None = None
    documents: tuple[tuple[str, str], ...] = ()
    attached: tuple[str, ...] = ()
    groups: tuple[str, ...] | None = None
    trust: str = ""
    boundary: str = ""
    default: str = ""
    made: datetime | None = None
    tags: tuple[tuple[str, str], ...] = ()
    related: tuple[str, ...] = ()
    broken: str = ""

    @property
    def deleted(self) -> bool:
        return self.status.startswith("ResourceDeleted")

    @property
    def recorded(self) -> bool:
        """Whether it tells a configuration."""
        return not self.deleted and self.status != "ResourceNotRecorded" and not self.broken


class Recorder(msgspec.Struct, frozen=True):
    """A Region's configuration recorder, as far as it tells about IAM.

    state:  KNOWN when it answered; NOT_APPLICABLE when there is no recorder; DENIED, FAILED
    iam:    whether it records IAM types; None when not told
    on:     whether it records now; None when not told
    started, stopped: last start and last stop
    reason: of a refusal, or the recorder's last error
    """

    region: str
    state: State
    account: str = ""
    name: str = ""
    iam: bool | None = None
    on: bool | None = None
    started: datetime | None = None
    stopped: datetime | None = None
    reason: str = ""
