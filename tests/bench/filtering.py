"""CPU seconds of the worst keystroke while a filter is typed over 10,000 identities."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from iamtui.model.document import Document, Kind, Origin
from iamtui.session import ListKind, Session
from iamtui.source.base import SourceInfo
from tests.server.accounts import large_account


def main() -> None:
    import msgspec

    now = datetime(2026, 10, 1, tzinfo=UTC)
    body = msgspec.json.encode(large_account(users=10_000, roles=0))

    class Source:
        info = SourceInfo(kind="demo")

        def account(self, cancelled: object = None) -> object:
            yield Document(Kind.AUTHORIZATION, body, now, Origin("demo", "large"), account="123456789012")

    session = Session(Source(), now=lambda: now)  # type: ignore[arg-type]
    session.open()
    session.select(ListKind.USERS, "warm")  # the index is made once a list, behind the first picture
    worst = 0.0
    for text in ("u", "us", "user", "user-9", "user-99", "!group-1", "mfa:no", "groups:group-4 user-4", "created:<2025-01-01"):
        begin = time.process_time()
        session.select(ListKind.USERS, text)
        worst = max(worst, time.process_time() - begin)
    print(worst)


if __name__ == "__main__":
    main()
