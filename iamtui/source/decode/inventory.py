"""`GetAccountAuthorizationDetails` and single answers about users, roles, groups and policies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ...model.identity import Group, InstanceProfile, Role, User
from ...model.policy import InlinePolicy, Policy, PolicyRef, PolicyVersion
from .wire import BROKEN, account_of, document_text, items, mend, moment, reason_of, tags, text

LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")


class _Page(msgspec.Struct):
    """A GAAD answer; a list that is absent is told apart from an empty one."""

    UserDetailList: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET
    GroupDetailList: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET
    RoleDetailList: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET
    Policies: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET
    IsTruncated: Any = False
    Marker: Any = None


class _Inline(msgspec.Struct):
    PolicyName: Any = ""
    PolicyDocument: msgspec.Raw = msgspec.Raw(b"null")


class _Version(msgspec.Struct):
    VersionId: Any = ""
    IsDefaultVersion: Any = False
    CreateDate: Any = None
    Document: msgspec.Raw = msgspec.Raw(b"null")


class _Item(msgspec.Struct):
    """All fields of the four kinds: a field of the wrong shape makes this item unreadable, not its neighbours."""

    Arn: str
    Path: Any = "/"
    CreateDate: Any = None
    UserName: Any = ""
    UserId: Any = ""
    GroupName: Any = ""
    GroupId: Any = ""
    RoleName: Any = ""
    RoleId: Any = ""
    GroupList: Any = None
    UserPolicyList: list[_Inline] | _Inline | None = None
    GroupPolicyList: list[_Inline] | _Inline | None = None
    RolePolicyList: list[_Inline] | _Inline | None = None
    AttachedManagedPolicies: Any = None
    PermissionsBoundary: dict[str, Any] | None = None
    Tags: Any = None
    AssumeRolePolicyDocument: msgspec.Raw = msgspec.Raw(b"null")
    InstanceProfileList: Any = None
    RoleLastUsed: dict[str, Any] | msgspec.UnsetType | None = msgspec.UNSET
    MaxSessionDuration: Any = None
    Description: Any = ""
    PolicyName: Any = ""
    PolicyId: Any = ""
    DefaultVersionId: Any = ""
    AttachmentCount: Any = None
    PermissionsBoundaryUsageCount: Any = None
    IsAttachable: Any = None
    UpdateDate: Any = None
    PolicyVersionList: list[_Version] | _Version | None = None


class _VersionAnswer(msgspec.Struct):
    PolicyVersion: _Version | None = None


class _RoleAnswer(msgspec.Struct):
    Role: _Item | None = None
    Roles: list[_Item] | None = None


_item = msgspec.json.Decoder(_Item)
_page = msgspec.json.Decoder(_Page)


class Inventory(msgspec.Struct):
    """One page, decoded. `absent` names the lists the answer does not have; `broken` says which items could not be read."""

    users: list[User] = []
    groups: list[Group] = []
    roles: list[Role] = []
    policies: list[Policy] = []
    absent: tuple[str, ...] = ()
    truncated: bool = False
    broken: list[str] = []


def decode_inventory(body: bytes) -> Inventory:
    """A GAAD answer, page or saved document. Raises msgspec.MsgspecError or ValueError when it is no JSON object."""
    try:
        page = _page.decode(body)
    except BROKEN:
        page = _page.decode(mend(body))
    result = Inventory(truncated=page.IsTruncated is True or bool(page.Marker))
    result.absent = tuple(name for name in LISTS if getattr(page, name) is msgspec.UNSET)
    makers: tuple[tuple[str, list[Any], Callable[[_Item], Any]], ...] = (
        ("UserDetailList", result.users, _user),
        ("GroupDetailList", result.groups, _group),
        ("RoleDetailList", result.roles, _role),
        ("Policies", result.policies, _policy),
    )
    for name, target, make in makers:
        entries = getattr(page, name)
        if not entries or entries is msgspec.UNSET:
            continue
        for number, raw in enumerate(entries):
            try:
                try:
                    item = _item.decode(raw)
                except BROKEN:
                    item = _item.decode(mend(bytes(raw)))
                target.append(make(item))
            except BROKEN as error:
                result.broken.append(f"{name}[{number}]: {reason_of(error)}")
    return result


def _ref(entry: dict[str, Any]) -> PolicyRef:
    arn = text(entry.get("PolicyArn") or entry.get("PermissionsBoundaryArn"))
    return PolicyRef(arn, text(entry.get("PolicyName")) or arn.rpartition("/")[2])


def _refs(entries: Any) -> tuple[PolicyRef, ...]:
    return tuple(_ref(entry) for entry in items(entries) if isinstance(entry, dict))


def _boundary(entry: dict[str, Any] | None) -> PolicyRef | None:
    return _ref(entry) if entry else None


def _inline(entries: list[_Inline] | _Inline | None) -> tuple[InlinePolicy, ...]:
    return tuple(InlinePolicy(text(e.PolicyName), document_text(e.PolicyDocument)) for e in items(entries))


def _user(i: _Item) -> User:
    return User(
        arn=i.Arn,
        name=text(i.UserName) or i.Arn.rpartition("/")[2],
        unique_id=text(i.UserId),
        path=text(i.Path) or "/",
        account=account_of(i.Arn),
        created=moment(i.CreateDate),
        groups=tuple(text(g) for g in items(i.GroupList)),
        inline=_inline(i.UserPolicyList),
        attached=_refs(i.AttachedManagedPolicies),
        boundary=_boundary(i.PermissionsBoundary),
        tags=tags(i.Tags),
    )


def _group(i: _Item) -> Group:
    return Group(
        arn=i.Arn,
        name=text(i.GroupName) or i.Arn.rpartition("/")[2],
        unique_id=text(i.GroupId),
        path=text(i.Path) or "/",
        account=account_of(i.Arn),
        created=moment(i.CreateDate),
        inline=_inline(i.GroupPolicyList),
        attached=_refs(i.AttachedManagedPolicies),
    )


def _role(i: _Item) -> Role:
    used = i.RoleLastUsed if isinstance(i.RoleLastUsed, dict) else {}
    return Role(
        arn=i.Arn,
        name=text(i.RoleName) or i.Arn.rpartition("/")[2],
        unique_id=text(i.RoleId),
        path=text(i.Path) or "/",
        account=account_of(i.Arn),
        created=moment(i.CreateDate),
        trust=document_text(i.AssumeRolePolicyDocument),
        inline=_inline(i.RolePolicyList),
        attached=_refs(i.AttachedManagedPolicies),
        boundary=_boundary(i.PermissionsBoundary),
        tags=tags(i.Tags),
        instance_profiles=tuple(
            InstanceProfile(text(p.get("Arn")), text(p.get("InstanceProfileName")))
            for p in items(i.InstanceProfileList)
            if isinstance(p, dict)
        ),
        last_used=moment(used.get("LastUsedDate")),
        last_used_region=text(used.get("Region")),
        last_used_told=i.RoleLastUsed is not msgspec.UNSET,
        max_session=i.MaxSessionDuration if isinstance(i.MaxSessionDuration, int) else None,
        description=text(i.Description),
    )


def _policy(i: _Item) -> Policy:
    versions = tuple(
        PolicyVersion(text(v.VersionId), v.IsDefaultVersion is True, moment(v.CreateDate), document_text(v.Document))
        for v in items(i.PolicyVersionList)
    )
    return Policy(
        arn=i.Arn,
        name=text(i.PolicyName) or i.Arn.rpartition("/")[2],
        policy_id=text(i.PolicyId),
        path=text(i.Path) or "/",
        account=account_of(i.Arn),
        created=moment(i.CreateDate),
        updated=moment(i.UpdateDate),
        default_version_id=text(i.DefaultVersionId),
        attachment_count=_count(i.AttachmentCount),
        boundary_count=_count(i.PermissionsBoundaryUsageCount),
        attachable=i.IsAttachable if isinstance(i.IsAttachable, bool) else None,
        versions=tuple(sorted(versions, key=_version_number, reverse=True)),
        description=text(i.Description),
        tags=tags(i.Tags),
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _version_number(version: PolicyVersion) -> int:
    digits = version.version_id[1:]
    return int(digits) if digits.isdecimal() and len(digits) < 9 else -1


def decode_policy_version(body: bytes) -> PolicyVersion:
    """A GetPolicyVersion answer. Raises BROKEN on text that is none."""
    entry = msgspec.json.decode(mend(body), type=_VersionAnswer).PolicyVersion
    if entry is None or not entry.VersionId:
        raise ValueError("there is no PolicyVersion in it")
    return PolicyVersion(text(entry.VersionId), entry.IsDefaultVersion is True, moment(entry.CreateDate), document_text(entry.Document))


def decode_roles(body: bytes) -> tuple[Role, ...]:
    """A GetRole or ListRoles answer, which tells what GAAD does not: maximum session and description. Raises BROKEN."""
    answer = msgspec.json.decode(mend(body), type=_RoleAnswer)
    entries = answer.Roles if answer.Roles is not None else [answer.Role] if answer.Role is not None else []
    if not entries and answer.Roles is None:
        raise ValueError("there is no Role in it")
    return tuple(_role(entry) for entry in entries)
