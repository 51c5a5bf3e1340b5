"""The credential report and access keys."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from ...model.credentials import AccessKey, Credentials, KeySlot
from ...model.fact import Fact, State, absent, known
from .wire import items, mend, moment, text

SOURCE = "iam:GetCredentialReport"
_NO_SIGN_IN = "no sign-in since AWS began to track them on 2014-10-20"


def decode_report(body: bytes, as_of: datetime) -> tuple[list[Credentials], list[str]]:
    """Rows of a credential report, read by header, and what could not be read. Raises ValueError when it is no report."""
    content = mend(body).decode().replace("\x00", "")
    reader = csv.DictReader(io.StringIO(content, newline=""), restkey="_more")
    try:
        header = reader.fieldnames or []
    except csv.Error as error:
        raise ValueError(str(error)) from None
    if "user" not in header or "arn" not in header:
        raise ValueError("a credential report begins with the columns user and arn")
    rows: list[Credentials] = []
    broken: list[str] = []
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:  # the reader goes on with the next line
            broken.append(f"line {reader.line_num + 1}: {error}")
            continue
        if row is None:
            break
        if not row.get("arn"):
            broken.append(f"line {reader.line_num}: no ARN")
            continue
        rows.append(_row(row, as_of))
    return rows, broken


def _row(row: Mapping[str, Any], as_of: datetime) -> Credentials:
    cell = _Cells(row, as_of)
    return Credentials(
        arn=row["arn"],
        name=row["user"] or "",
        created=cell.date("user_creation_time"),
        password_enabled=cell.flag("password_enabled"),
        password_last_used=cell.date("password_last_used"),
        password_last_changed=cell.date("password_last_changed"),
        password_next_rotation=cell.date("password_next_rotation"),
        mfa=cell.flag("mfa_active"),
        keys=tuple(_key(cell, f"access_key_{n}") for n in (1, 2)),
        certificates=tuple(cell.flag(f"cert_{n}_active") for n in (1, 2)),
    )


def _key(cell: _Cells, prefix: str) -> KeySlot:
    rotated = cell.date(f"{prefix}_last_rotated")
    used = cell.date(f"{prefix}_last_used_date")
    if rotated.is_known and used.state is State.NOT_APPLICABLE:
        used = absent(State.NEVER, SOURCE, cell.as_of)  # AWS writes N/A for "no key" and for "never used"
    return KeySlot(
        active=cell.flag(f"{prefix}_active"),
        last_rotated=rotated,
        last_used=used,
        last_used_region=cell.word(f"{prefix}_last_used_region"),
        last_used_service=cell.word(f"{prefix}_last_used_service"),
    )


class _Cells:
    """Cells of one row as facts."""

    def __init__(self, row: Mapping[str, Any], as_of: datetime) -> None:
        self.row, self.as_of = row, as_of

    def _absent(self, name: str) -> Fact[Any] | None:
        value = self.row.get(name)
        if value is None:
            return absent(State.NOT_LOADED, SOURCE, self.as_of, f"this report has no column {name}")
        match value.strip().casefold():
            case "n/a" | "":
                return absent(State.NOT_APPLICABLE, SOURCE, self.as_of)
            case "not_supported":
                return absent(State.NOT_APPLICABLE, SOURCE, self.as_of, "not supported for this kind of user")
            case "no_information":
                return absent(State.NO_INFORMATION, SOURCE, self.as_of, _NO_SIGN_IN)
        return None

    def date(self, name: str) -> Fact[datetime]:
        missing = self._absent(name)
        if missing is not None:
            return missing
        value = moment(self.row[name].strip())
        if value is None:
            return absent(State.FAILED, SOURCE, self.as_of, f"{name} is no date: {self.row[name]}")
        return known(value, SOURCE, self.as_of)

    def flag(self, name: str) -> Fact[bool]:
        missing = self._absent(name)
        if missing is not None:
            return missing
        value = self.row[name].strip().casefold()
        if value not in ("true", "false"):
            return absent(State.FAILED, SOURCE, self.as_of, f"{name} is neither true nor false: {self.row[name]}")
        return known(value == "true", SOURCE, self.as_of)

    def word(self, name: str) -> Fact[str]:
        missing = self._absent(name)
        return missing if missing is not None else known(self.row[name], SOURCE, self.as_of)


def decode_access_keys(body: bytes, as_of: datetime) -> tuple[AccessKey, ...]:
    """`{"AccessKeyMetadata": […], "LastUsed": {id: AccessKeyLastUsed}}`; a plain ListAccessKeys answer has no LastUsed."""
    answer = msgspec.json.decode(mend(body))
    if not isinstance(answer, dict):
        raise ValueError("not an object")
    told = answer.get("LastUsed")
    keys = []
    for entry in items(answer.get("AccessKeyMetadata")):
        if not isinstance(entry, dict):
            continue
        key_id = text(entry.get("AccessKeyId"))
        used = told.get(key_id) if isinstance(told, dict) else None
        if not isinstance(used, dict):
            last: Fact[datetime] = absent(State.NOT_LOADED, "iam:GetAccessKeyLastUsed")
        elif (stamp := moment(used.get("LastUsedDate"))) is not None:
            last = known(stamp, "iam:GetAccessKeyLastUsed", as_of)
        elif used.get("denied"):
            last = absent(State.DENIED, "iam:GetAccessKeyLastUsed", as_of, text(used.get("denied")))
        else:
            last = absent(State.NEVER, "iam:GetAccessKeyLastUsed", as_of)
        used = used or {}
        place = ["" if text(used.get(k)) == "N/A" else text(used.get(k)) for k in ("Region", "ServiceName")]
        keys.append(
            AccessKey(
                key_id=key_id,
                user_name=text(entry.get("UserName")),
                active=entry.get("Status") == "Active",
                created=moment(entry.get("CreateDate")),
                last_used=last,
                last_used_region=place[0],
                last_used_service=place[1],
            )
        )
    return tuple(keys)
