"""Small accounts with a history, for tests of changes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from iamtui.analysis.attribution import Chains
from iamtui.analysis.changes.history import EventReach, History
from iamtui.model.account import Snapshot
from iamtui.model.change import Change
from iamtui.model.configitem import ConfigItem
from iamtui.model.document import Document, Kind, Origin
from iamtui.model.event import Event
from iamtui.model.identity import Group, InlinePolicy, Role, User
from iamtui.model.policy import Policy, PolicyRef, PolicyVersion
from iamtui.source.decode import decode_events
from iamtui.source.decode.config_items import decode_config_items

ACCOUNT = "123456789012"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
ADMIN = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
WRITE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"}]}
ADMIN_ARN = "arn:aws:iam::aws:policy/AdministratorAccess"
WHOLE = EventReach(NOW - timedelta(days=90), NOW, "event history holds 90 days", True)


def arn(kind: str, name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:{kind}/{name}"


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def user(
    name: str = "ana", *, attached: Sequence[str] = (), inline: Mapping[str, Any] | None = None, groups: Sequence[str] = (), **more: Any
) -> User:
    refs = tuple(PolicyRef(one, one.rpartition("/")[2]) for one in attached)
    held = tuple(InlinePolicy(key, json.dumps(value)) for key, value in (inline or {}).items())
    values = {"created": ago(400), **more}
    return User(
        arn("user", name), name, f"AIDA{name.upper():X<17}"[:21], "/", ACCOUNT, groups=tuple(groups), inline=held, attached=refs, **values
    )


def role(
    name: str = "job", trust: Any = None, *, attached: Sequence[str] = (), inline: Mapping[str, Any] | None = None, **more: Any
) -> Role:
    refs = tuple(PolicyRef(one, one.rpartition("/")[2]) for one in attached)
    held = tuple(InlinePolicy(key, json.dumps(value)) for key, value in (inline or {}).items())
    values = {"created": ago(400), **more}
    return Role(
        arn("role", name),
        name,
        f"AROA{name.upper():X<17}"[:21],
        "/",
        ACCOUNT,
        trust=json.dumps(trust or {}),
        inline=held,
        attached=refs,
        **values,
    )


def group(name: str = "ops", *, attached: Sequence[str] = (), inline: Mapping[str, Any] | None = None) -> Group:
    refs = tuple(PolicyRef(one, one.rpartition("/")[2]) for one in attached)
    held = tuple(InlinePolicy(key, json.dumps(value)) for key, value in (inline or {}).items())
    return Group(arn("group", name), name, f"AGPA{name.upper():X<17}"[:21], "/", ACCOUNT, ago(400), inline=held, attached=refs)


def policy(name: str, *versions: tuple[int, float, Any], where: str = "", default: int = 0, created: float = 390) -> Policy:
    """versions: (number, days ago, document), oldest first; the last is in force unless `default` says else."""
    force = f"v{default or versions[-1][0]}"
    stored = tuple(
        PolicyVersion(f"v{n}", f"v{n}" == force, ago(days), json.dumps(text) if text is not None else "")
        for n, days, text in versions[::-1]
    )
    made = ago(created)
    return Policy(where or arn("policy", name), name, f"ANPA{name.upper():X<17}"[:21], "/", ACCOUNT, made, made, force, 1, 0, True, stored)


AWS_ADMIN = policy("AdministratorAccess", (1, 4000, ADMIN), where=ADMIN_ARN, created=4000)


def snapshot(*held: User | Role | Group | Policy) -> Snapshot:
    def of(kind: type) -> tuple[Any, ...]:
        return tuple(one for one in held if isinstance(one, kind))

    return Snapshot(ACCOUNT, users=of(User), roles=of(Role), groups=of(Group), policies=of(Policy))


def record(
    name: str, days: float, request: Any, *, response: Any = None, by: str = "boss", event_id: str = "", **more: Any
) -> dict[str, Any]:
    at = ago(days)
    identity = {"type": "IAMUser", "arn": arn("user", by), "accountId": ACCOUNT, "userName": by, "accessKeyId": "AKIAEXAMPLE000000000"}
    return {
        "eventVersion": "1.09",
        "userIdentity": identity,
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "iam.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.1",
        "userAgent": "test",
        "requestParameters": request,
        "responseElements": response,
        "eventID": event_id or f"{name}-{days}",
        "readOnly": False,
        "recipientAccountId": ACCOUNT,
        **more,
    }


def events(*records: dict[str, Any]) -> tuple[Event, ...]:
    document = Document(Kind.EVENTS, json.dumps({"Records": records}).encode(), NOW, Origin("evidence", "trail.json"))
    return decode_events(document).events


def item(
    kind: str, resource: User | Role | Group | Policy, days: float, configuration: dict[str, Any], *, status: str = "OK", **more: Any
) -> dict[str, Any]:
    """A Config item as GetResourceConfigHistory writes it."""
    unique = resource.policy_id if isinstance(resource, Policy) else resource.unique_id
    return {
        "version": "1.3",
        "accountId": ACCOUNT,
        "configurationItemCaptureTime": ago(days).isoformat(),
        "configurationItemStatus": status,
        "configurationStateId": str(int(ago(days).timestamp() * 1000)),
        "arn": resource.arn,
        "resourceType": f"AWS::IAM::{kind}",
        "resourceId": unique,
        "resourceName": resource.name,
        "awsRegion": "global",
        "resourceCreationTime": resource.created.isoformat() if resource.created else None,
        "relatedEvents": [],
        "configuration": json.dumps(configuration),
        **more,
    }


def encoded(document: Any) -> str:
    return quote(json.dumps(document), safe="")


def items(*raw: dict[str, Any]) -> dict[tuple[str, str], tuple[ConfigItem, ...]]:
    document = Document(Kind.CONFIG_ITEMS, json.dumps({"configurationItems": raw}).encode(), NOW, Origin("evidence", "config.json"))
    found, broken = decode_config_items(document)
    assert not broken
    held: dict[tuple[str, str], tuple[ConfigItem, ...]] = {}
    for one in found:
        held[one.account, one.resource_id] = (*held.get((one.account, one.resource_id), ()), one)
    return held


def history(
    account: Snapshot,
    told: Iterable[Event] = (),
    config: Mapping[tuple[str, str], Sequence[ConfigItem]] | None = None,
    reach: EventReach = WHOLE,
) -> History:
    held = tuple(told)
    return History(account, held, config or {}, Chains(held), lambda _: reach)


def kinds(changes: Iterable[Change]) -> list[str]:
    return [change.kind.name for change in changes]
