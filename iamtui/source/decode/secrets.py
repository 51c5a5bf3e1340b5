"""Secrets are dropped at the door: nothing written to disk or shown holds a session token, password or secret value."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import msgspec

from ...model.document import Document, Kind
from .wire import BROKEN, mend

DROPPED = "(dropped)"

_NAMES = (
    "sessiontoken|secretaccesskey|secretkey|password|newpassword|oldpassword|masteruserpassword|masterpassword|userpassword|adminpassword|"
    "passworddata|secretstring|secretbinary|plaintext|plaintextkey|privatekey|privatekeyplaintext|keymaterial|authorizationtoken|"
    "clientsecret|accesstoken|refreshtoken|idtoken|webidentitytoken|samlassertion|signintoken|authtoken|tokenvalue|"
    "x-amz-security-token|x-amz-signature"
)
HINTS = (b"token", b"password", b"secret", b"plaintext", b"privatekey", b"keymaterial", b"samlassertion", b"x-amz-s")
_SECRET = frozenset(_NAMES.split("|"))
_NAME_ENDS = tuple(name.replace("-", "") for name in _NAMES.split("|"))
_NAME_IN_TEXT = re.compile(r"""(?<![A-Za-z_-])([A-Za-z_-]+)\\*["']?\s*[:=]\s*\\*["']?""")
_VALUE_IN_TEXT = re.compile(r"""[^"'\\&\s,}]+""")


def suspect(raw: bytes) -> bool:
    """Whether the text may hold a secret at all; cheap, so that the other 95 % of records are left as they are."""
    lowered = raw.lower()
    return any(hint in lowered for hint in HINTS)


@lru_cache(maxsize=4096)
def _names_secret(name: str) -> bool:
    lowered = name.lower()
    return lowered in _SECRET or lowered.endswith(("password", "sessiontoken", "secretaccesskey"))


def redact(value: Any) -> Any:
    """The same value with every secret replaced by `(dropped)`. Access key ids stay: they are names."""
    if isinstance(value, dict):
        return {k: DROPPED if _names_secret(k) and _holds_secret(v) else redact(v) for k, v in value.items()}
    if isinstance(value, list):
        return [redact(entry) for entry in value]
    if isinstance(value, str) and len(value) > 12 and ("=" in value or ":" in value) and suspect(value.encode("utf-8", "replace")):
        return _without_secrets(value)
    return value


def _without_secrets(words: str) -> str:
    """Text with the values of `name=value` and `"name": "value"` dropped where the name is that of a secret."""
    pieces: list[str] = []
    done = 0
    for name in _NAME_IN_TEXT.finditer(words):
        if name.start() < done or not name[1].lower().replace("-", "").replace("_", "").endswith(_NAME_ENDS):
            continue
        value = _VALUE_IN_TEXT.match(words, name.end())
        if value:
            pieces += (words[done : name.end()], DROPPED)
            done = value.end()
    return "".join((*pieces, words[done:])) if pieces else words


def _holds_secret(value: Any) -> bool:
    return isinstance(value, str | bytes | dict | list | int | float) and not isinstance(value, bool) and value not in ("", 0)


def redact_document(document: Document) -> Document:
    """An answer without secrets, as it may be kept or passed on. Text that cannot be read is kept only when nothing in it
    looks like a secret; else it is emptied, because what cannot be read cannot be cleaned."""
    if document.kind is Kind.CREDENTIAL_REPORT or not suspect(document.body):
        return document
    try:
        body = msgspec.json.encode(_redact_nested(msgspec.json.decode(mend(document.body))))
    except BROKEN:
        body = _redact_lines(document.body)
    return msgspec.structs.replace(document, body=body)


def _redact_lines(body: bytes) -> bytes:
    lines = []
    for line in body.splitlines():
        if not suspect(line):
            lines.append(line)
            continue
        try:
            lines.append(msgspec.json.encode(_redact_nested(msgspec.json.decode(mend(line)))))
        except BROKEN:
            continue
    return b"\n".join(lines)


def _redact_nested(value: Any) -> Any:
    """`redact`, and inside the JSON strings of `LookupEvents` answers too."""
    if isinstance(value, dict):
        value = {k: _clean_record(v) if k == "CloudTrailEvent" and isinstance(v, str) else v for k, v in value.items()}
        return redact({k: _redact_nested(v) if isinstance(v, dict | list) else v for k, v in value.items()})
    if isinstance(value, list):
        return [_redact_nested(entry) for entry in value]
    return redact(value)


def _clean_record(record: str) -> str:
    try:
        return msgspec.json.encode(redact(msgspec.json.decode(record))).decode()
    except BROKEN:
        return _without_secrets(record)
