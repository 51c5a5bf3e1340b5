"""Lists of accounts: ListAccounts as AWS answers it, and with what a sweep made of each."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ...model.accounts import KnownAccount, Reading
from ...model.document import Document, Gap, Kind, Origin
from ...model.fact import State
from .wire import mend, moment, text

_ACCOUNT = re.compile(r"[0-9]{12}")
_READINGS = {one.value: one for one in Reading}


def decode_accounts(document: Document) -> tuple[KnownAccount, ...]:
    """The accounts of one answer, in its order. Raises BROKEN when it is no list of accounts."""
    raw = msgspec.json.decode(mend(document.body))
    entries = raw.get("Accounts") if isinstance(raw, dict) else None
    if not isinstance(entries, list):
        raise ValueError("there is no list of Accounts in it")
    return tuple(_account(entry, document) for entry in entries if isinstance(entry, dict) and _ACCOUNT.fullmatch(text(entry.get("Id"))))


def _account(entry: dict[str, Any], document: Document) -> KnownAccount:
    told = entry.get("Reading")
    told = told if isinstance(told, dict) else {}
    return KnownAccount(
        text(entry.get("Id")),
        text(entry.get("Name")),
        text(entry.get("State")) or text(entry.get("Status")),
        text(entry.get("Arn")),
        moment(entry.get("JoinedTimestamp")),
        _READINGS.get(text(told.get("Result"))),
        text(told.get("Reason")),
        text(told.get("Action")),
        text(told.get("Hint")),
        text(told.get("Role")),
        moment(told.get("At")),
        document.as_of,
    )


def encode_accounts(accounts: tuple[KnownAccount, ...]) -> bytes:
    """The same as a document's body: `decode_accounts` reads it back."""
    return msgspec.json.encode({"Accounts": [_entry(one) for one in accounts]})


def _entry(one: KnownAccount) -> dict[str, Any]:
    entry: dict[str, Any] = {"Id": one.account, "Name": one.name, "State": one.status, "Arn": one.arn, "JoinedTimestamp": one.joined}
    if one.reading is not None:
        entry["Reading"] = {
            "Result": one.reading.value,
            "Reason": one.reason,
            "Action": one.action,
            "Hint": one.hint,
            "Role": one.role,
            "At": one.at,
        }
    return entry


def joined(before: KnownAccount | None, after: KnownAccount) -> KnownAccount:
    """What two answers tell of one account: the newer one leads, and what only the other tells stays."""
    if before is None:
        return after
    old, new = (after, before) if before.listed and after.listed and before.listed > after.listed else (before, after)
    swept = new if new.reading is not None else old
    return KnownAccount(
        new.account,
        new.name or old.name,
        new.status or old.status,
        new.arn or old.arn,
        new.joined or old.joined,
        swept.reading,
        swept.reason,
        swept.action,
        swept.hint,
        swept.role,
        swept.at,
        new.listed,
    )


def account_gap(one: KnownAccount, origin: Origin | None) -> Gap:
    """An account that is missing, as a gap."""
    state = {Reading.DENIED: State.DENIED, Reading.FAILED: State.FAILED}.get(one.reading or Reading.NOT_READ, State.NOT_LOADED)
    name = f" ({one.name})" if one.name else ""
    reason = f"account {one.account}{name} is missing: {one.reason or 'it was not read yet'}"
    return Gap(Kind.ACCOUNTS, state, reason, one.action, one.account, hint=one.hint, origin=origin, at=one.at)


__all__ = ["account_gap", "decode_accounts", "encode_accounts", "joined"]
