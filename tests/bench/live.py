"""One live load, timed from inside: seconds to the first rows and to everything. `live.py plain|iamtui URL HOME`."""

from __future__ import annotations

import sys
import time


def plain(url: str) -> tuple[float, float]:
    """What a script does: boto3's paginator over everything."""
    import boto3

    begin, first, seen = time.perf_counter(), 0.0, 0
    client = boto3.client("iam", endpoint_url=url)
    for page in client.get_paginator("get_account_authorization_details").paginate():
        seen += len(page["UserDetailList"]) + len(page["RoleDetailList"])
        first = first or time.perf_counter() - begin
    assert seen == 10_000, seen
    return first, time.perf_counter() - begin


def ours(url: str) -> tuple[float, float]:
    from iamtui.paths import cache_dir
    from iamtui.session import ListKind, Session
    from iamtui.source.live import LiveOptions, LiveSource
    from iamtui.store.cache import Cache

    begin, first = time.perf_counter(), 0.0
    session = Session(LiveSource(LiveOptions(endpoint_url=url)), Cache(cache_dir()))
    session.open()
    for _ in session.refresh():
        if not first and session.listing(ListKind.USERS).rows:
            first = time.perf_counter() - begin
    seen = sum(len(session.listing(kind).rows) for kind in (ListKind.USERS, ListKind.ROLES))
    assert seen >= 10_000, (seen, session.problems())
    return first, time.perf_counter() - begin


if __name__ == "__main__":
    print(*({"plain": plain, "iamtui": ours}[sys.argv[1]](sys.argv[2])))
