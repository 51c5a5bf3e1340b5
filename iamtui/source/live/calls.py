"""One call: its answer as a document, its refusal as a gap."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from ...errors import AwsError
from ...model.document import Document, Gap, Kind, Origin
from ...model.fact import State
from .connection import DENIED, THROTTLED, Connection, code_of, message_of, told


def utc_now() -> datetime:
    return datetime.now(UTC)


def json_body(answer: dict[str, Any]) -> bytes:
    """A parsed answer as JSON, without what is about the call and not about the account."""
    answer = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    return msgspec.json.encode(answer, enc_hook=str)


class Caller:
    """Makes documents and gaps of one account's calls."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.account = ""

    def document(
        self,
        kind: Kind,
        action: str,
        answer: dict[str, Any] | bytes,
        *,
        key: str = "",
        region: str = "",
        part: int = 0,
        complete: bool = True,
    ) -> Document:
        body = answer if isinstance(answer, bytes) else json_body(answer)
        return Document(kind, body, utc_now(), Origin("live", action), self.account, key, region, part, complete)

    def gap(self, kind: Kind, action: str, error: Exception, *, key: str = "", region: str = "") -> Gap:
        """A refusal or failure of one call. Raises the error again, as a sentence, when nothing more can be read at all."""
        final = told(error, action, self.connection.options.profile)
        if final is not None and not (region and not isinstance(final, AwsError)):
            raise final from error
        code = code_of(error)
        state, hint = State.FAILED, "r tries again"
        reason = f"{code}: {message_of(error)}" if code else str(error)
        if code in DENIED:
            state, reason = State.DENIED, message_of(error)
            hint = f"ask for {action} (iamtui info --policy prints all that is needed)"
        elif code in THROTTLED:
            reason, hint = f"throttled by AWS ({code})", "r tries again; other tools may be using up the budget"
        return Gap(kind, state, reason, action, self.account, key, region, hint, Origin("live", action), utc_now())


Call = Callable[[], dict[str, Any]]
