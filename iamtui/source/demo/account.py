"""The account's lists, in the shape of AWS's own answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import msgspec

from .aws_policies import AWS_POLICIES, aws_policy_arn
from .clock import Clock
from .grammar import ACCOUNT, ALIAS, Document, allow, policy
from .ids import long_term_key, unique_id
from .own_policies import OWN, own_policy_arn
from .people import GROUPS, USERS, Key, User
from .recent import Recent, Use
from .roles import SERVICE_LINKED, Role, all_roles

ROOT_CREATED = 1500
MAX_PASSWORD_AGE = 90
_REPORT_HEADER = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,"
    "access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,"
    "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,"
    "cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
)
SERVICE_POLICIES = {name: policy(allow(actions)) for _, name, actions in SERVICE_LINKED.values()}


def policy_arn(name: str) -> str:
    """ARN of a policy of the demo by its name."""
    if name in OWN:
        return own_policy_arn(name)
    if name in SERVICE_POLICIES:
        return f"arn:aws:iam::aws:policy/aws-service-role/{name}"
    return aws_policy_arn(name)


def user_arn(user: User) -> str:
    return f"arn:aws:iam::{ACCOUNT}:user{user.path}{user.name}"


def _tags(words: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, _, value in (word.partition("=") for word in words.split())]


def _attached(names: str) -> list[dict[str, str]]:
    return [{"PolicyName": name, "PolicyArn": policy_arn(name)} for name in names.split()]


def _inline(policies: dict[str, Document]) -> list[dict[str, Any]]:
    return [{"PolicyName": name, "PolicyDocument": document} for name, document in policies.items()]


class Account:
    """Writes the demo's lists. `recent` tells the last uses; nothing here makes an event."""

    def __init__(self, clock: Clock, seed: int, recent: Recent) -> None:
        self.clock = clock
        self.seed = seed
        self.recent = recent

    @cached_property
    def roles(self) -> tuple[Role, ...]:
        return all_roles()

    def authorization(self) -> bytes:
        """GetAccountAuthorizationDetails, all pages joined, documents decoded as the AWS CLI saves them."""
        users, groups, roles = [self._user(u) for u in USERS], self._groups(), [self._role(r) for r in self.roles]
        attachments: Counter[str] = Counter()
        boundaries: Counter[str] = Counter()
        for entry in (*users, *groups, *roles):
            attachments.update(p["PolicyArn"] for p in entry["AttachedManagedPolicies"])
            if boundary := entry.get("PermissionsBoundary"):
                boundaries[boundary["PermissionsBoundaryArn"]] += 1
        answer = {
            "UserDetailList": users,
            "GroupDetailList": groups,
            "RoleDetailList": roles,
            "Policies": [*self._own(attachments, boundaries), *self._aws(attachments)],
            "IsTruncated": False,
        }
        return msgspec.json.encode(answer)

    def _user(self, user: User) -> dict[str, Any]:
        entry = {
            "Path": user.path,
            "UserName": user.name,
            "UserId": unique_id("AIDA", self.seed, user.name),
            "Arn": user_arn(user),
            "CreateDate": self.clock.stamp(user.age, user.second),
            "GroupList": user.groups.split(),
            "AttachedManagedPolicies": _attached(user.attached),
            "Tags": _tags(user.tags),
        }
        if user.inline:
            entry["UserPolicyList"] = _inline(user.inline)
        return self._bounded(entry, user.boundary)

    def _bounded(self, entry: dict[str, Any], boundary: str) -> dict[str, Any]:
        if boundary:
            entry["PermissionsBoundary"] = {
                "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
                "PermissionsBoundaryArn": policy_arn(boundary),
            }
        return entry

    def _groups(self) -> list[dict[str, Any]]:
        return [
            {
                "Path": "/",
                "GroupName": name,
                "GroupId": unique_id("AGPA", self.seed, name),
                "Arn": f"arn:aws:iam::{ACCOUNT}:group/{name}",
                "CreateDate": self.clock.stamp(age, 31_500),
                "GroupPolicyList": _inline(inline),
                "AttachedManagedPolicies": _attached(attached),
            }
            for name, (age, attached, inline) in GROUPS.items()
        ]

    def _role(self, role: Role) -> dict[str, Any]:
        created = self.clock.stamp(role.age, role.second)
        profile = {
            "Path": "/",
            "InstanceProfileName": role.name,
            "InstanceProfileId": unique_id("AIPA", self.seed, role.name),
            "Arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/{role.name}",
            "CreateDate": created,
            "Roles": [],
        }
        used: dict[str, str] = {}
        if (use := self.recent.roles.get(role.name)) is not None:
            used = {"LastUsedDate": self.clock.stamp_at(use.at), "Region": use.region}
        elif role.used and role.used <= 400:
            used = {"LastUsedDate": self.clock.stamp(role.used, 41_977), "Region": role.region}
        entry = {
            "Path": role.path,
            "RoleName": role.name,
            "RoleId": unique_id("AROA", self.seed, role.name),
            "Arn": f"arn:aws:iam::{ACCOUNT}:role{role.path}{role.name}",
            "CreateDate": created,
            "AssumeRolePolicyDocument": role.trust,
            "InstanceProfileList": [profile] if role.profile else [],
            "RolePolicyList": _inline(role.inline),
            "AttachedManagedPolicies": _attached(role.attached),
            "Tags": _tags(role.tags),
            "RoleLastUsed": used,
        }
        return self._bounded(entry, role.boundary)

    def _own(self, attachments: Counter[str], boundaries: Counter[str]) -> Iterable[dict[str, Any]]:
        for name, own in OWN.items():
            arn = own_policy_arn(name)
            default = (own.default or len(own.versions)) - 1
            stored = [
                {
                    "Document": document,
                    "VersionId": f"v{own.first + number}",
                    "IsDefaultVersion": number == default,
                    "CreateDate": self.clock.stamp(day, second),
                }
                for number, (day, second, document) in enumerate(own.versions)
            ]
            entry = {
                "PolicyName": name,
                "PolicyId": unique_id("ANPA", self.seed, name),
                "Arn": arn,
                "Path": own.path,
                "DefaultVersionId": f"v{own.first + default}",
                "AttachmentCount": attachments[arn],
                "PermissionsBoundaryUsageCount": boundaries[arn],
                "IsAttachable": True,
                "CreateDate": self.clock.stamp(own.created or own.versions[0][0], own.versions[0][1]),
                "UpdateDate": stored[-1]["CreateDate"],
                "PolicyVersionList": stored[::-1],
            }
            if own.description:
                entry["Description"] = own.description
            yield entry

    def _aws(self, attachments: Counter[str]) -> Iterable[dict[str, Any]]:
        rows = [(name, path, age, count, doc) for name, (path, age, count, doc) in AWS_POLICIES.items()]
        rows += [(name, "/aws-service-role/", 2600, 3, doc) for name, doc in SERVICE_POLICIES.items()]
        for name, path, age, count, document in rows:
            arn = f"arn:aws:iam::aws:policy{path}{name}"
            if not attachments[arn]:
                continue
            updated = self.clock.stamp(age * 2 // (count + 1), 64_800)
            yield {
                "PolicyName": name,
                "PolicyId": unique_id("ANPA", self.seed, name),
                "Arn": arn,
                "Path": path,
                "DefaultVersionId": f"v{count}",
                "AttachmentCount": attachments[arn],
                "PermissionsBoundaryUsageCount": 0,
                "IsAttachable": True,
                "CreateDate": self.clock.stamp(age, 64_800),
                "UpdateDate": updated,
                "PolicyVersionList": [{"Document": document, "VersionId": f"v{count}", "IsDefaultVersion": True, "CreateDate": updated}],
            }

    # credentials

    def credential_report(self) -> bytes:
        """The CSV of GetCredentialReport, root first."""
        root = self.recent.passwords.get("<root_account>")
        lines = [
            _REPORT_HEADER,
            ",".join(
                [
                    "<root_account>",
                    f"arn:aws:iam::{ACCOUNT}:root",
                    self.clock.stamp(ROOT_CREATED),
                    "not_supported",
                    self.clock.stamp_at(root.at) if root else "no_information",
                    "not_supported",
                    "not_supported",
                    "true",
                    *self._no_key() * 2,
                    "false,N/A,false,N/A",
                ]
            ),
        ]
        lines += [",".join(self._report_row(user)) for user in sorted(USERS, key=lambda u: u.name)]
        return "\n".join(lines).encode()

    def _report_row(self, user: User) -> list[str]:
        row = [user.name, user_arn(user), self.clock.stamp(user.age, user.second)]
        if user.password is None:
            row += ["false", "N/A", "N/A", "N/A"]
        else:
            changed, second = user.password.changed, self._password_second(user)
            row += [
                "true",
                self._password_used(user),
                self.clock.stamp(changed, second),
                self.clock.stamp(changed - MAX_PASSWORD_AGE, second),
            ]
        row.append("true" if user.mfa else "false")
        for slot in range(2):
            row += self._report_key(user, slot) if slot < len(user.keys) else self._no_key()
        return [*row, "false", "N/A", "false", "N/A"]

    @staticmethod
    def _password_second(user: User) -> int:
        return user.second + 18 if user.password is not None and user.password.changed == user.age else 33_912

    def _password_used(self, user: User) -> str:
        if (use := self.recent.passwords.get(user.name)) is not None:
            return self.clock.stamp_at(use.at)
        if user.password is None or user.password.used is None:
            return "no_information"
        return self.clock.stamp(user.password.used, 35_841)

    @staticmethod
    def _no_key() -> list[str]:
        return ["false", "N/A", "N/A", "N/A", "N/A"]

    def _report_key(self, user: User, slot: int) -> list[str]:
        key, use = user.keys[slot], self.key_use(user, slot)
        row = ["true" if key.active else "false", self.clock.stamp(key.age, key.second)]
        return [*row, self.clock.stamp_at(use.at), use.region, use.service] if use else [*row, "N/A", "N/A", "N/A"]

    def key_use(self, user: User, slot: int) -> Use | None:
        """The last use of one of a user's keys, None for never."""
        key = user.keys[slot]
        if (use := self.recent.keys.get(long_term_key(self.seed, user.name, slot))) is not None:
            return use
        if key.used > 0:
            return Use(self.clock.at(key.used, 47_520), key.region, key.service)
        return None

    def access_keys(self, user: User) -> bytes:
        """ListAccessKeys and GetAccessKeyLastUsed of one user, in one answer."""
        listed: list[dict[str, Any]] = []
        told: dict[str, dict[str, str]] = {}
        for slot, key in enumerate(user.keys):
            key_id = long_term_key(self.seed, user.name, slot)
            listed.append(self._listed(user, key, key_id))
            use = self.key_use(user, slot)
            told[key_id] = (
                {"LastUsedDate": self.clock.stamp_at(use.at), "ServiceName": use.service, "Region": use.region}
                if use
                else {"ServiceName": "N/A", "Region": "N/A"}
            )
        return msgspec.json.encode({"AccessKeyMetadata": listed, "IsTruncated": False, "LastUsed": told})

    def _listed(self, user: User, key: Key, key_id: str) -> dict[str, Any]:
        return {
            "UserName": user.name,
            "AccessKeyId": key_id,
            "Status": "Active" if key.active else "Inactive",
            "CreateDate": self.clock.stamp(key.age, key.second),
        }

    # the small answers

    def summary(self) -> bytes:
        in_use = sum(user.mfa for user in USERS) + 1
        numbers = {
            "Users": len(USERS), "UsersQuota": 5000, "Groups": len(GROUPS), "GroupsQuota": 300, "Roles": len(self.roles), "RolesQuota": 1000,
            "Policies": len(OWN), "PoliciesQuota": 1500, "PolicySizeQuota": 6144, "PolicyVersionsInUse": 231, "PolicyVersionsInUseQuota": 10000,
            "VersionsPerPolicyQuota": 5, "AttachedPoliciesPerGroupQuota": 10, "AttachedPoliciesPerRoleQuota": 20,
            "AttachedPoliciesPerUserQuota": 10, "GroupsPerUserQuota": 10, "AccessKeysPerUserQuota": 2, "MFADevices": in_use,
            "MFADevicesInUse": in_use, "AccountMFAEnabled": 1, "AccountAccessKeysPresent": 0, "AccountPasswordPresent": 1,
            "AccountSigningCertificatesPresent": 0, "SigningCertificatesPerUserQuota": 2, "UserPolicySizeQuota": 2048,
            "GroupPolicySizeQuota": 5120, "RolePolicySizeQuota": 10240, "AssumeRolePolicySizeQuota": 2048, "GlobalEndpointTokenVersion": 1,
            "InstanceProfiles": sum(role.profile for role in self.roles), "InstanceProfilesQuota": 1000, "ServerCertificates": 1,
            "ServerCertificatesQuota": 20, "Providers": 3,
        }  # fmt: skip
        return msgspec.json.encode({"SummaryMap": numbers})

    @staticmethod
    def aliases() -> bytes:
        return msgspec.json.encode({"AccountAliases": [ALIAS], "IsTruncated": False})

    @staticmethod
    def password_policy() -> bytes:
        return msgspec.json.encode(
            {
                "PasswordPolicy": {
                    "MinimumPasswordLength": 12,
                    "RequireSymbols": True,
                    "RequireNumbers": True,
                    "RequireUppercaseCharacters": True,
                    "RequireLowercaseCharacters": True,
                    "AllowUsersToChangePassword": True,
                    "ExpirePasswords": True,
                    "MaxPasswordAge": MAX_PASSWORD_AGE,
                    "PasswordReusePrevention": 5,
                    "HardExpiry": False,
                }
            }
        )

    @staticmethod
    def caller() -> bytes:
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_SecurityAudit_3f6d0a92c85be147/e.larsson@acme.example"
        return msgspec.json.encode({"UserId": "AROAEXAMPLEDEMOCALLER:e.larsson@acme.example", "Account": ACCOUNT, "Arn": arn})

    def role(self, name: str) -> bytes | None:
        """GetRole, ListRoles when no name is given; None for a role that is not there."""
        if not name:
            return msgspec.json.encode({"Roles": [self._detailed(role) for role in self.roles]})
        role = next((r for r in self.roles if r.name == name), None)
        return None if role is None else msgspec.json.encode({"Role": self._detailed(role)})

    def _detailed(self, role: Role) -> dict[str, Any]:
        entry = self._role(role)
        for key in ("InstanceProfileList", "RolePolicyList", "AttachedManagedPolicies"):
            del entry[key]
        entry["MaxSessionDuration"] = role.max_session
        if role.description:
            entry["Description"] = role.description
        return entry

    def policy_version(self, arn: str, version_id: str) -> bytes | None:
        """GetPolicyVersion; None for a version that is not stored."""
        for entry in (*self._own(Counter(), Counter()), *self._aws(Counter({arn: 1}))):
            if entry["Arn"] == arn:
                wanted = version_id or entry["DefaultVersionId"]
                for version in entry["PolicyVersionList"]:
                    if version["VersionId"] == wanted:
                        return msgspec.json.encode({"PolicyVersion": version})
        return None
