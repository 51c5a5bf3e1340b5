"""Where a thing is found in the AWS console."""

from __future__ import annotations

import re
from urllib.parse import quote

from ..model.account import Snapshot
from ..model.event import Event
from ..model.finding import Finding
from ..model.identity import Group, Identity, Role, User
from ..model.policy import Policy
from .lists import is_root

_HOSTS = {"aws": "console.aws.amazon.com", "aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}
_HOME = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")


def console_url(item: Identity | Policy | Event | Finding, snapshot: Snapshot | None = None) -> str:
    """The page of an identity, policy or event; "" when there is none. Names are quoted, foreign Regions are not trusted."""
    partition = _partition(item, snapshot)
    if isinstance(item, Event):
        region = item.region if _REGION.fullmatch(item.region) else _HOME[partition]
        if not item.event_id:
            return ""
        return f"https://{region}.{_HOSTS[partition]}/cloudtrailv2/home?region={region}#/events/{quote(item.event_id, safe='')}"
    if isinstance(item, Finding) and item.subject not in ("user", "role", "group", "policy"):
        return ""
    base = f"https://{_HOME[partition]}.{_HOSTS[partition]}/iam/home#"
    if isinstance(item, Finding) and item.subject != "policy":
        return f"{base}/{item.subject}s/details/{quote(item.name, safe='')}"
    if isinstance(item, User):
        return f"{base}/security_credentials" if is_root(item) else f"{base}/users/details/{quote(item.name, safe='')}"
    if isinstance(item, Role):
        return f"{base}/roles/details/{quote(item.name, safe='')}"
    if isinstance(item, Group):
        return f"{base}/groups/details/{quote(item.name, safe='')}"
    return f"{base}/policies/details/{quote(item.arn, safe='')}"


def _partition(item: Identity | Policy | Event | Finding, snapshot: Snapshot | None) -> str:
    """By the account, because AWS managed policies and events do not always carry it."""
    if isinstance(item, Event):
        by_region = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
        told = next((name for prefix, name in by_region.items() if item.region.startswith(prefix)), "")
    else:
        told = item.arn.split(":", 2)[1] if item.arn.startswith("arn:") else ""
    for partition in (told, snapshot.partition if snapshot else ""):
        if partition in _HOSTS:
            return partition
    return "aws"
