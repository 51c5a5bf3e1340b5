"""CloudTrail files made up for tests."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ACCOUNT = "111122223333"


def record(number: int, **more: Any) -> dict[str, Any]:
    """One event of a role session; the number decides its id, time and role."""
    role = f"role-{number % 7}"
    made = {
        "eventVersion": "1.09",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": f"AROA{number % 7:017}:s{number % 3}",
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/s{number % 3}",
            "accountId": ACCOUNT,
            "accessKeyId": f"ASIA{number % 5:016}",
            "sessionContext": {
                "sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::{ACCOUNT}:role/{role}", "accountId": ACCOUNT, "userName": role},
                "attributes": {"creationDate": "2026-11-01T00:00:00Z", "mfaAuthenticated": "false"},
            },
        },
        "eventTime": f"2026-11-{1 + number % 20:02}T{number % 24:02}:{number % 60:02}:00Z",
        "eventSource": "iam.amazonaws.com",
        "eventName": ("CreateUser", "ListUsers", "AttachUserPolicy", "UpdateAssumeRolePolicy")[number % 4],
        "awsRegion": "us-east-1",
        "sourceIPAddress": f"203.0.113.{number % 250}",
        "userAgent": "aws-cli/2.1",
        "requestParameters": {"userName": f"u{number}"},
        "responseElements": None,
        "requestID": f"r-{number}",
        "eventID": f"e-{number}",
        "readOnly": number % 4 == 1,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }
    return {**made, **more}


def write_trail(folder: Path, files: int, each: int, start: int = 0) -> list[Path]:
    """Delivered files, gzipped, `each` events in each."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(files):
        first = start + number * each
        paths.append(write_file(folder / f"t{first:06}.json.gz", [record(n) for n in range(first, first + each)]))
    return paths


def write_file(path: Path, records: Sequence[dict[str, Any]]) -> Path:
    body = json.dumps({"Records": list(records)}).encode()
    path.write_bytes(gzip.compress(body, 1) if path.suffix == ".gz" else body)
    return path
