"""`iamtui cache`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..analysis.words import relative
from ..session import utc_now
from ..session.export import csv_table
from ..store.cache import Cache
from ..store.events.kept import forget_trails, kept_trails
from .opening import settings_of
from .output import data, print_json, print_table, words


def cache_report(options: Mapping[str, Any], form: str) -> int:
    """What is kept on disk."""
    place = settings_of(options).cache_path
    cache = Cache(place)
    now = utc_now()
    report = cache.info(now)
    if form == "json":
        print_json(msgspec.to_builtins(report))
    else:
        header = ["ACCOUNT", "KIND", "ENTRIES", "NEWEST", "STATE"]
        rows = [
            [e.account, e.kind, str(e.entries), relative(e.newest, now) if e.newest else "", "stale" if e.stale else "fresh"]
            for e in report.entries
        ]
        if form == "csv":
            data(csv_table([h.lower() for h in header], rows))
        else:
            print_table(header, rows)
            words(f"{report.directory}: {report.bytes:,} bytes")
            kept = kept_trails(place / "trails")
            if kept.folders:
                words(f"{place / 'trails'}: {kept.events:,} events of {kept.folders:,} sets of files, {kept.bytes:,} bytes")
    for notice in cache.notices:
        words(notice)
    return 0


def clear_cache(options: Mapping[str, Any], account: str) -> int:
    """Forget what was read; nothing in AWS changes."""
    place = settings_of(options).cache_path
    count = Cache(place).clear(account)
    if not account:
        folders = forget_trails(place / "trails")
        if folders:
            words(f"Removed the events of {folders:,} sets of files")
    words(f"Removed {count:,} entries" + (f" of {account}" if account else ""))
    return 0
