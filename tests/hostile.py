"""An account written by an attacker: every field of every kind of answer holds text a terminal, markup, spreadsheet, shell or
parser might obey.

    hostile_documents()  what a source would yield
    write_evidence(dir)  the same as files for `--from`, with hostile file names where the file system allows
    CANARIES             bytes that must never be found in what the program writes to a terminal
"""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from iamtui.model.document import Document, Kind, Origin

ACCOUNT = "666666666666"
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)

NASTY: dict[str, str] = {
    "csi": "csi\x1b[31mred\x1b[2J\x1b[Hhome",
    "osc52": "osc52\x1b]52;c;SEFDS0VE\x07after",
    "osc8": "osc8\x1b]8;;http://evil.example/\x1b\\link\x1b]8;;\x1b\\",
    "title": "title\x1b]0;HACKED-TITLE\x07",
    "dcs": "dcs\x1bPq#0;2;0;0;0\x1b\\",
    "c1": "c1\x9b31m\x9d52;c;SEFDS0VE\x9c\x85\x90",
    "bell": "bell\x07\x08\x7f\x0e\x0f",
    "newline": "line one\nline two\r\nline three\x0b\x0c",
    "tab": "tab\there\tand\there",
    "null": "null\x00byte",
    "bidi": "bidi\u202egnp.exe\u2066\u200f\u061c",
    "invisible": "zero\u200bwidth\u200d\ufeff\u2060\u00ad\U000e0041",
    "separators": "line\u2028para\u2029graph",
    "surrogate": "half \ud800 pair \udfff",
    "markup": "[red]markup[/red] [/foo] [link=http://evil.example]x[/link] [@click=app.quit]quit[/]",
    "brackets": "[b [[ ]] \\[ $x @y [/ ]",
    "formula": "=cmd|' /C calc'!A0",
    "formula2": "@SUM(1+9)*cmd|' /C calc'!A0",
    "shell": "$(touch /tmp/pwned)`id`;&& | 'q\" > x",
    "html": "<script>alert(1)</script>&amp;",
    "sql": "'; DROP TABLE events; --",
    "format": "%s%n{0}{__class__} %(x)s",
    "path": "../../../../etc/passwd",
    "wide": "宽字符 👩‍👩‍👧‍👦 é",
    "long": "x" * 10_000,
    "empty": "",
    "blank": "   ",
}

CANARIES: tuple[bytes, ...] = (
    b"\x1b]52;c;SEFDS0VE",
    b"\x1b]8;;http://evil",
    b"HACKED-TITLE\x07",
    b"\x1b[2J\x1b[Hhome",
    b"\x1bPq#0",
    "\x9b31m".encode(),
    "\x9d52".encode(),
    "\u202e".encode(),
    "\u2066".encode(),
    "\u200b".encode(),
    "\u2028".encode(),
    b"null\x00",
    b"bell\x07",
)

_ALL = list(NASTY.values())


class _Wheel:
    """The next nasty string, for ever."""

    def __init__(self) -> None:
        self._next = 0

    def __call__(self) -> str:
        self._next += 1
        return _ALL[self._next % len(_ALL)]


def _arn(kind: str, name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:{kind}/{name}"


def _policy(nasty: _Wheel) -> dict[str, Any]:
    statement = {
        "Sid": nasty(),
        "Effect": "Allow",
        "Action": ["s3:*", nasty(), "iam:*"],
        "Resource": [nasty(), "*"],
        "Condition": {nasty(): {nasty(): [nasty()]}},
    }
    return {"Version": "2012-10-17", "Id": nasty(), "Statement": [statement, {"Effect": nasty(), "NotAction": nasty(), "Resource": "*"}]}


def _trust(nasty: _Wheel) -> dict[str, Any]:
    principal = {"AWS": [nasty(), "*", _arn("root", "")], "Service": nasty(), "Federated": nasty(), nasty(): nasty()}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": nasty(),
                "Effect": "Allow",
                "Principal": principal,
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": nasty()}},
            }
        ],
    }


def _tags(nasty: _Wheel) -> list[dict[str, str]]:
    return [{"Key": nasty(), "Value": nasty()} for _ in range(3)]


def _attached(nasty: _Wheel) -> list[dict[str, str]]:
    return [{"PolicyName": nasty(), "PolicyArn": _arn("policy", nasty())} for _ in range(2)]


def authorization() -> dict[str, Any]:
    """A GAAD answer: one user, role, group and policy for every nasty name."""
    nasty = _Wheel()
    users, roles, groups, policies = [], [], [], []
    for number, name in enumerate(_ALL):
        users.append(
            {
                "UserName": name,
                "UserId": f"AIDAEVIL{number:04}{nasty()[:200]}",
                "Arn": _arn("user", name),
                "Path": f"/{nasty()}/",
                "CreateDate": "2026-01-01T00:00:00Z" if number % 3 else nasty(),
                "GroupList": [nasty(), _ALL[0]],
                "UserPolicyList": [{"PolicyName": nasty(), "PolicyDocument": _policy(nasty)}],
                "AttachedManagedPolicies": _attached(nasty),
                "PermissionsBoundary": {"PermissionsBoundaryType": nasty(), "PermissionsBoundaryArn": _arn("policy", nasty())},
                "Tags": _tags(nasty),
            }
        )
        roles.append(
            {
                "RoleName": name,
                "RoleId": f"AROAEVIL{number:04}",
                "Arn": _arn("role", name),
                "Path": f"/{nasty()}/",
                "CreateDate": "2026-01-01T00:00:00Z",
                "AssumeRolePolicyDocument": _trust(nasty) if number % 4 else nasty(),
                "InstanceProfileList": [{"InstanceProfileName": nasty(), "Arn": nasty()}],
                "RolePolicyList": [{"PolicyName": nasty(), "PolicyDocument": nasty()}],
                "AttachedManagedPolicies": _attached(nasty),
                "Tags": _tags(nasty),
                "RoleLastUsed": {"LastUsedDate": "2026-10-01T00:00:00Z", "Region": nasty()},
            }
        )
        groups.append(
            {
                "GroupName": name,
                "GroupId": f"AGPAEVIL{number:04}",
                "Arn": _arn("group", name),
                "Path": f"/{nasty()}/",
                "CreateDate": "2026-01-01T00:00:00Z",
                "GroupPolicyList": [{"PolicyName": nasty(), "PolicyDocument": _policy(nasty)}],
                "AttachedManagedPolicies": _attached(nasty),
            }
        )
        policies.append(
            {
                "PolicyName": name,
                "PolicyId": f"ANPAEVIL{number:04}",
                "Arn": _arn("policy", name),
                "Path": f"/{nasty()}/",
                "DefaultVersionId": "v1" if number % 2 else nasty(),
                "AttachmentCount": 1,
                "IsAttachable": True,
                "Description": nasty(),
                "CreateDate": "2026-01-01T00:00:00Z",
                "UpdateDate": "2026-02-01T00:00:00Z",
                "PolicyVersionList": [
                    {"VersionId": "v1", "IsDefaultVersion": True, "CreateDate": "2026-02-01T00:00:00Z", "Document": _policy(nasty)},
                    {"VersionId": nasty(), "IsDefaultVersion": False, "CreateDate": nasty(), "Document": nasty()},
                ],
                "Tags": _tags(nasty),
            }
        )
    return {"UserDetailList": users, "RoleDetailList": roles, "GroupDetailList": groups, "Policies": policies, "IsTruncated": False}


_REPORT = [
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    "access_key_1_active",
    "access_key_1_last_rotated",
    "access_key_1_last_used_date",
    "access_key_1_last_used_region",
    "access_key_1_last_used_service",
    "access_key_2_active",
    "access_key_2_last_rotated",
    "access_key_2_last_used_date",
    "access_key_2_last_used_region",
    "access_key_2_last_used_service",
    "cert_1_active",
    "cert_1_last_rotated",
    "cert_2_active",
    "cert_2_last_rotated",
]


def credential_report() -> bytes:
    """Rows of every user: every second one with nasty text in cells that should be dates and flags."""
    nasty = _Wheel()
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_REPORT)
    writer.writerow(
        ["<root_account>", f"arn:aws:iam::{ACCOUNT}:root", "2020-01-01T00:00:00+00:00", *[nasty().replace("\x00", "") for _ in _REPORT[3:]]]
    )
    for number, name in enumerate(_ALL):
        cells = [nasty().replace("\x00", "") for _ in _REPORT]
        if number % 2:
            cells[2:9] = ["2024-01-01T00:00:00+00:00", "true", "2026-01-01T00:00:00+00:00", "no_information", "N/A", "false", "true"]
        cells[0], cells[1] = name.replace("\x00", ""), _arn("user", name).replace("\x00", "")
        writer.writerow(cells)
    return out.getvalue().encode("utf-8", "surrogatepass")


def last_accessed() -> dict[str, Any]:
    nasty = _Wheel()
    services = [
        {
            "ServiceName": nasty(),
            "ServiceNamespace": name or "empty",
            "LastAuthenticated": "2026-10-01T00:00:00Z" if number % 3 else nasty(),
            "LastAuthenticatedEntity": nasty(),
            "LastAuthenticatedRegion": nasty(),
            "TotalAuthenticatedEntities": 1,
            "TrackedActionsLastAccessed": [
                {
                    "ActionName": nasty(),
                    "LastAccessedEntity": nasty(),
                    "LastAccessedTime": "2026-10-01T00:00:00Z",
                    "LastAccessedRegion": nasty(),
                }
            ],
        }
        for number, name in enumerate(_ALL)
    ]
    return {
        "JobStatus": "COMPLETED",
        "JobType": nasty(),
        "JobCreationDate": "2026-10-30T00:00:00Z",
        "JobCompletionDate": "2026-10-30T00:00:01Z",
        "Arn": _arn("user", NASTY["csi"]),
        "ServicesLastAccessed": services,
    }


def events() -> dict[str, Any]:
    """A CloudTrail file: one event for every nasty name, by users, roles, services and unknown kinds."""
    nasty = _Wheel()
    records = []
    for number, name in enumerate(_ALL):
        kind = ("IAMUser", "AssumedRole", "Root", "AWSService", "SAMLUser", "WebIdentityUser", "IdentityCenterUser", name)[number % 8]
        records.append(
            {
                "eventVersion": "1.11",
                "eventID": f"evil-{number}-{nasty()[:100]}",
                "eventTime": f"2026-10-{number % 28 + 1:02}T10:00:00Z",
                "eventName": name or "CreateUser",
                "eventSource": nasty() if number % 5 == 0 else "iam.amazonaws.com",
                "awsRegion": nasty() if number % 3 == 0 else "us-east-1",
                "sourceIPAddress": nasty(),
                "userAgent": nasty(),
                "errorCode": nasty(),
                "errorMessage": nasty(),
                "recipientAccountId": ACCOUNT,
                "userIdentity": {
                    "type": kind,
                    "principalId": f"AIDAEVIL{number:04}:{nasty()}",
                    "arn": _arn("user", name),
                    "accountId": ACCOUNT,
                    "accessKeyId": nasty(),
                    "userName": name,
                    "invokedBy": nasty(),
                    "sessionContext": {
                        "sourceIdentity": nasty(),
                        "sessionIssuer": {"type": "Role", "arn": _arn("role", name), "userName": nasty(), "principalId": nasty()},
                    },
                },
                "requestParameters": {"userName": name, "policyArn": nasty(), nasty(): nasty(), "roleArn": nasty()},
                "responseElements": {"credentials": {"accessKeyId": nasty(), "sessionToken": "SECRET-CANARY", "expiration": nasty()}},
                "resources": [{"ARN": nasty(), "accountId": nasty(), "type": nasty()}],
            }
        )
    return {"Records": records}


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def hostile_documents() -> list[Document]:
    """Every kind of answer, all of account 666666666666."""
    nasty = _Wheel()
    csi = NASTY["csi"]

    def document(kind: Kind, body: bytes, key: str = "") -> Document:
        return Document(kind, body, NOW, Origin("evidence", f"hostile {nasty()[:300]}"), ACCOUNT, key)

    keys = {
        "AccessKeyMetadata": [
            {"UserName": csi, "AccessKeyId": f"AKIA{nasty()}", "Status": nasty(), "CreateDate": nasty()},
            {"UserName": csi, "AccessKeyId": "AKIAEVIL", "Status": "Active", "CreateDate": "2026-01-01T00:00:00Z"},
        ],
        "LastUsed": {"AKIAEVIL": {"LastUsedDate": "2026-10-01T00:00:00Z", "Region": nasty(), "ServiceName": nasty()}},
    }
    version = {
        "Arn": _arn("policy", csi),
        "PolicyVersion": {"VersionId": "v9", "IsDefaultVersion": True, "CreateDate": nasty(), "Document": _policy(nasty)},
    }
    role = {
        "Role": {
            "RoleName": csi,
            "RoleId": "AROAEVIL0000",
            "Arn": _arn("role", csi),
            "Path": nasty(),
            "Description": nasty(),
            "MaxSessionDuration": 3600,
            "AssumeRolePolicyDocument": _trust(nasty),
        }
    }
    return [
        document(Kind.AUTHORIZATION, _json(authorization())),
        document(Kind.CREDENTIAL_REPORT, credential_report()),
        document(Kind.ACCOUNT_SUMMARY, _json({"SummaryMap": {"Users": 3, nasty(): 1, "AccountMFAEnabled": 0, "Roles": nasty()}})),
        document(Kind.ACCOUNT_ALIASES, _json({"AccountAliases": [f"evil{NASTY['osc52']}", nasty()]})),
        document(Kind.PASSWORD_POLICY, _json({"PasswordPolicy": {"MinimumPasswordLength": nasty(), nasty(): nasty()}})),
        document(Kind.CALLER, _json({"UserId": nasty(), "Account": ACCOUNT, "Arn": _arn("user", NASTY["osc8"])})),
        document(Kind.ACCESS_KEYS, _json(keys), key=_arn("user", csi)),
        document(Kind.LAST_ACCESSED, _json(last_accessed()), key=_arn("user", csi)),
        document(Kind.POLICY_VERSION, _json(version), key=f"{_arn('policy', csi)}:v9"),
        document(Kind.ROLE, _json(role)),
        document(Kind.EVENTS, _json(events())),
    ]


_FILE_NAMES = {
    Kind.AUTHORIZATION: "gaad\x1b]52;c;SEFDS0VE\x07.json",
    Kind.CREDENTIAL_REPORT: "report[red]x[bold.csv",
    Kind.LAST_ACCESSED: "last\u202enosj.json",
    Kind.EVENTS: "trail\nline.json",
    Kind.ACCOUNT_ALIASES: "$(id)`id`.json",
}


def write_evidence(folder: Path) -> Path:
    """The documents as files under `folder`, one file that is broken and one that is nothing beside them. Returns `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, document in enumerate(hostile_documents()):
        name = _FILE_NAMES.get(document.kind, f"{document.kind.value}.json")
        try:
            (folder / name).write_bytes(document.body)
        except (OSError, ValueError):
            (folder / f"{number:02}.json").write_bytes(document.body)
    (folder / "broken[red].json").write_bytes(b'{"UserDetailList": [\n {"UserName": "\x1b[31m"')
    (folder / "notes.txt").write_bytes(b"\x1b]0;HACKED-TITLE\x07 plain words")
    return folder
