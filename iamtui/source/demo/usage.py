"""Access Advisor's answers, counted from the demo's own events and from what is known of the time before them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

import msgspec

from .account import Account, policy_arn, user_arn
from .aws_policies import AWS_POLICIES
from .calls import ACTION_OF, PREFIXES
from .clock import DAYS
from .daily import Daily
from .grammar import ACCOUNT, Document
from .ids import unique_id
from .own_policies import OWN
from .people import GROUPS, USERS, User
from .recent import Use
from .records import Record
from .roles import Role
from .services import SERVICES, TRACKED
from .storybook import Storybook

# what was used before the events begin: user or role, service, day, Region, action ("" where actions are not tracked)
_BEFORE: tuple[tuple[str, str, int, str, str], ...] = (
    ("User1", "glue", 217, "us-east-1", "GetTables"),
    ("svc-glue-dev", "glue", 377, "us-east-1", "GetTables"),
    ("legacy-ftp", "s3", 395, "eu-west-1", "GetBucketLocation"),
    ("terraform-local", "ec2", 266, "eu-central-1", "DescribeInstances"),
    ("d.kowalski", "lambda", 140, "eu-central-1", "GetFunction"),
    ("d.kowalski", "dynamodb", 171, "eu-central-1", "DescribeTable"),
    ("break-glass-admin", "iam", 365, "us-east-1", "ListUsers"),
    ("OrganizationAccountAccessRole", "iam", 201, "us-east-1", "ListUsers"),
    ("legacy-open", "s3", 133, "us-east-1", "GetBucketLocation"),
    ("test-loadgen", "ec2", 118, "eu-west-1", "DescribeInstances"),
    ("test-migration", "rds", 160, "eu-central-1", ""),
    ("test-migration", "s3", 163, "eu-central-1", "GetBucketLocation"),
    ("test-migration", "dms", 166, "eu-central-1", ""),
    ("sandbox-d.kowalski", "ec2", 131, "eu-central-1", "DescribeInstances"),
    ("kinesis-clicks-old", "kinesis", 310, "eu-west-1", ""),
    ("thumbnail-old", "logs", 171, "eu-west-1", ""),
    ("jenkins", "codebuild", 203, "eu-central-1", ""),
    ("ops-admin", "route53", 120, "us-east-1", ""),
    ("ops-admin", "rds", 260, "eu-central-1", ""),
    ("queue-relay", "sqs", 201, "eu-west-1", ""),
)
_NOTHING = Use(0)
_DATED = re.compile(r"20\d{6}(v\d+)?$")


class _Seen(msgspec.Struct):
    """Last uses of one identity: by service and by (service, action)."""

    services: dict[str, Use]
    actions: dict[tuple[str, str], Use]


class Advisor:
    """Answers GetServiceLastAccessedDetails for any ARN of the account."""

    def __init__(self, account: Account, daily: Daily, stories: Storybook) -> None:
        self.account = account
        self.daily = daily
        self.stories = stories
        self._seen: dict[str, _Seen] = {}
        self._users = {user_arn(user): user for user in USERS}
        self._roles = {f"arn:aws:iam::{ACCOUNT}:role{role.path}{role.name}": role for role in account.roles}

    def answer(self, arn: str, granularity: str, completed: str) -> bytes | None:
        """The job's answer, all pages joined; None for an ARN that is nobody's."""
        documents, members = self._about(arn)
        if documents is None:
            return None
        actions = granularity == "ACTION_LEVEL"
        services = sorted(_granted(documents), key=lambda s: (SERVICES.get(s) or s).casefold())
        alone = members == [arn]
        entries = [self._service(service, documents, members, alone, actions) for service in services]
        return msgspec.json.encode(
            {
                "JobStatus": "COMPLETED",
                "JobType": granularity,
                "JobCreationDate": completed,
                "JobCompletionDate": completed,
                "ServicesLastAccessed": entries,
                "IsTruncated": False,
            }
        )

    def entities(self, arn: str, service: str, completed: str) -> bytes | None:
        """GetServiceLastAccessedDetailsWithEntities: those whose use counts for an ARN, each with its last use of a service."""
        documents, members = self._about(arn)
        if documents is None:
            return None
        entries = []
        for one in members:
            kind = one.rpartition(":")[2].partition("/")[0]
            about = {"Arn": one, "Name": one.rpartition("/")[2], "Type": kind.upper(), "Id": self._id_of(one), "Path": "/"}
            use = self._of(one).services.get(service)
            entries.append({"EntityInfo": about, **({"LastAuthenticated": self.account.clock.stamp_at(use.at)} if use else {})})
        told = {"JobStatus": "COMPLETED", "JobCreationDate": completed, "JobCompletionDate": completed, "IsTruncated": False}
        return msgspec.json.encode({**told, "EntityDetailsList": entries, "Arn": arn, "ServiceNamespace": service})

    def _id_of(self, arn: str) -> str:
        return unique_id("AROA" if arn in self._roles else "AIDA", self.account.seed, arn.rpartition("/")[2])

    def granting(self, arn: str, service: str) -> bytes | None:
        """ListPoliciesGrantingServiceAccess of a user, role or group: its own policies first, then those of its groups."""
        user, role = self._users.get(arn), self._roles.get(arn)
        name = arn.rpartition("/")[2]
        found: list[dict[str, str]] = []
        holders: list[tuple[str, str, dict[str, Document], str]] = []
        if user is not None:
            holders = [("USER", user.name, user.inline, user.attached)]
            holders += [("GROUP", group, GROUPS[group][2], GROUPS[group][1]) for group in user.groups.split()]
        elif role is not None:
            holders = [("ROLE", role.name, role.inline, role.attached)]
        elif name in GROUPS:
            holders = [("GROUP", name, GROUPS[name][2], GROUPS[name][1])]
        else:
            return None
        for kind, holder, inline, attached in holders:
            whose = {"PolicyType": "INLINE", "EntityType": kind, "EntityName": holder}
            found += [{"PolicyName": one, **whose} for one, document in inline.items() if service in _granted([document])]
            found += [
                {"PolicyName": one, "PolicyType": "MANAGED", "PolicyArn": policy_arn(one)}
                for one in attached.split()
                if (document := _managed(one)) is not None and service in _granted([document])
            ]
        entry = {"ServiceNamespace": service, "Policies": found}
        return msgspec.json.encode({"PoliciesGrantingServiceAccess": [entry], "IsTruncated": False, "Arn": arn})

    def _service(self, service: str, documents: list[Document], members: list[str], alone: bool, with_actions: bool) -> dict[str, Any]:
        used = [(use, arn) for arn in members if (use := self._of(arn).services.get(service)) is not None]
        entry: dict[str, Any] = {
            "ServiceName": SERVICES.get(service, service),
            "ServiceNamespace": service,
            "TotalAuthenticatedEntities": len(used),
        }
        if used:
            use, arn = max(used)
            entry["LastAuthenticated"] = self.account.clock.stamp_at(use.at)
            entry["LastAuthenticatedEntity"] = arn
            entry["LastAuthenticatedRegion"] = use.region
        if with_actions and alone and service in TRACKED:
            tracked = []
            seen = self._of(members[0]).actions
            for name in TRACKED[service]:
                if not _allows(documents, f"{service}:{name}"):
                    continue
                action: dict[str, Any] = {"ActionName": name}
                if (last := seen.get((service, name))) is not None:
                    action["LastAccessedEntity"] = members[0]
                    action["LastAccessedTime"] = self.account.clock.stamp_at(last.at)
                    action["LastAccessedRegion"] = last.region
                tracked.append(action)
            entry["TrackedActionsLastAccessed"] = tracked
        return entry

    # whose

    def _about(self, arn: str) -> tuple[list[Document] | None, list[str]]:
        """The documents that grant, and the identities whose use counts."""
        if (user := self._users.get(arn)) is not None:
            return _of_user(user), [arn]
        if (role := self._roles.get(arn)) is not None:
            return _of_role(role), [arn]
        name = arn.rpartition("/")[2]
        if arn == f"arn:aws:iam::{ACCOUNT}:group/{name}" and name in GROUPS:
            members = [a for a, user in self._users.items() if name in user.groups.split()]
            return _of_group(name), members
        if (document := _managed(name)) is not None and policy_arn(name) == arn:
            groups = {g for g, (_, attached, _) in GROUPS.items() if name in attached.split()}
            members = [a for a, u in self._users.items() if name in u.attached.split() or groups & set(u.groups.split())]
            members += [a for a, r in self._roles.items() if name in r.attached.split()]
            return [document], members
        return None, []

    def _of(self, arn: str) -> _Seen:
        found = self._seen.get(arn)
        if found is None:
            found = self._seen[arn] = self._count(arn)
        return found

    def _count(self, arn: str) -> _Seen:
        name = arn.rpartition("/")[2]
        mark = f'"arn":"{arn}"'.encode()
        seen = _Seen({}, {})
        for day in range(1, DAYS + 1):
            for rows in (self.daily.day(day, name), self.stories.by_day.get(day, ())):
                for second, record in rows:
                    if mark in bytes(record["userIdentity"]) and record["managementEvent"]:
                        _note(seen, record, self.account.clock.at(day, second))
        for who, service, day, region, action in _BEFORE:
            if who == name and service not in seen.services:
                seen.services[service] = Use(self.account.clock.at(day, 41_977), region)
                if action:
                    seen.actions[service, action] = seen.services[service]
        return seen


def _note(seen: _Seen, record: Record, at: int) -> None:
    source = record["eventSource"].partition(".")[0]
    service = PREFIXES.get(source, source)
    name = _DATED.sub("", record["eventName"])
    use = Use(at, record["awsRegion"])
    if seen.services.get(service, _NOTHING) < use:
        seen.services[service] = use
    action = (service, ACTION_OF.get(name, name))
    if seen.actions.get(action, _NOTHING) < use:
        seen.actions[action] = use


def _managed(name: str) -> Document | None:
    if name in OWN:
        own = OWN[name]
        return own.versions[(own.default or len(own.versions)) - 1][2]
    from .account import SERVICE_POLICIES

    return SERVICE_POLICIES.get(name) or (AWS_POLICIES[name][3] if name in AWS_POLICIES else None)


def _named(names: str) -> list[Document]:
    return [document for name in names.split() if (document := _managed(name)) is not None]


def _of_group(name: str) -> list[Document]:
    _, attached, inline = GROUPS[name]
    return [*inline.values(), *_named(attached)]


def _of_user(user: User) -> list[Document]:
    through = [document for group in user.groups.split() for document in _of_group(group)]
    return [*user.inline.values(), *_named(user.attached), *through]


def _of_role(role: Role) -> list[Document]:
    return [*role.inline.values(), *_named(role.attached)]


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _statements(documents: list[Document]) -> Iterable[Document]:
    for document in documents:
        for statement in document["Statement"]:
            if statement["Effect"] == "Allow":
                yield statement


def _granted(documents: list[Document]) -> set[str]:
    """Namespaces the documents allow anything of."""
    found: set[str] = set()
    for statement in _statements(documents):
        for action in _listed(statement.get("Action")):
            found.update(SERVICES if action == "*" else {action.partition(":")[0]})
        if "NotAction" in statement:
            found.update(set(SERVICES) - {a.partition(":")[0] for a in _listed(statement["NotAction"]) if a.endswith(":*")})
    return found


def _allows(documents: list[Document], action: str) -> bool:
    for statement in _statements(documents):
        if any(_matches(action, pattern) for pattern in _listed(statement.get("Action"))):
            return True
        if "NotAction" in statement and not any(_matches(action, pattern) for pattern in _listed(statement["NotAction"])):
            return True
    return False


@lru_cache(8192)
def _matches(action: str, pattern: str) -> bool:
    return fnmatchcase(action.lower(), pattern.lower())
